//go:build !unix

package hardening

// DisableCoreDumps does nothing on this system.
func DisableCoreDumps() error { return nil }
