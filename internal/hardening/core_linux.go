package hardening

import (
	"errors"
	"fmt"
	"syscall"
)

// prSetDumpable is PR_SET_DUMPABLE of prctl(2).
const prSetDumpable = 4

// DisableCoreDumps keeps this process and its children from dumping core, by a resource limit of
// zero that cannot be raised again, and makes this process undumpable, which also covers a core
// pattern that pipes to a program (that ignores the limit) and keeps other processes of the same
// user from attaching to it or reading its memory. A debugger can no longer attach either. On other
// systems of the Unix family only the limit is set; on Windows it does nothing.
//
// It tries both, and returns an error that names what the kernel refused. The caller may go on
// without.
func DisableCoreDumps() error {
	var errs []error
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		errs = append(errs, fmt.Errorf("set the limit of core files to zero: %w", err))
	}
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prSetDumpable, 0, 0); errno != 0 {
		errs = append(errs, fmt.Errorf("make the process undumpable: %w", errno))
	}
	return errors.Join(errs...)
}
