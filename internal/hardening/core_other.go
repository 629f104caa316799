//go:build !linux

package hardening

// DisableCoreDumps does nothing on this system.
func DisableCoreDumps() error { return nil }
