// Package namespace runs a test in a process of its own, where it may mount file systems, or is
// bound by permissions, whoever runs the tests. Only Linux has that. Elsewhere, and where the
// kernel does not let the user do it, the test is skipped.
package namespace

// The users that a test may be in its process.
const (
	// Root may mount.
	Root = 0
	// User is bound by permissions, even if the real user is root.
	User = 1000
)
