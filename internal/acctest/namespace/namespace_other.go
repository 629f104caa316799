//go:build !linux

package namespace

import "testing"

const missing = "only Linux has namespaces"

// Run skips the test.
func Run(t *testing.T, _ int, _ func(t *testing.T, path string)) {
	t.Helper()
	t.Skip(missing)
}

// Mount skips the test.
func Mount(t *testing.T, _, _ string) {
	t.Helper()
	t.Skip(missing)
}

// ReadOnly skips the test.
func ReadOnly(t *testing.T, _ string, _ bool) {
	t.Helper()
	t.Skip(missing)
}
