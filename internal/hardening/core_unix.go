//go:build unix && !linux

package hardening

import (
	"fmt"
	"syscall"
)

// DisableCoreDumps keeps this process and its children from dumping core, by a resource limit of
// zero that cannot be raised again. The error says what the kernel refused; the caller may go on
// without.
func DisableCoreDumps() error {
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("set the limit of core files to zero: %w", err)
	}
	return nil
}
