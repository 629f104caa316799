package hardening_test

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/hardening"
)

// hardeningChild is set in the process that the test starts: its limits cannot be raised again
// afterwards.
const hardeningChild = "HARDENING_TEST_CHILD"

func TestDisableCoreDumps(t *testing.T) {
	t.Parallel()
	if mode := os.Getenv(hardeningChild); mode != "" {
		if mode == "hardened" {
			if err := hardening.DisableCoreDumps(); err != nil {
				t.Fatal(err)
			}
		}
		report(t)
		return
	}
	for mode, want := range map[string]string{"hardened": "dumpable=0 current=0 max=0", "plain": "dumpable=1"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestDisableCoreDumps$", "-test.v")
			cmd.Env = append(os.Environ(), hardeningChild+"="+mode)
			out, err := cmd.CombinedOutput()
			if err != nil || !bytes.Contains(out, []byte(want)) {
				t.Errorf("%v, want %q in\n%s", err, want, out)
			}
		})
	}
}

func report(t *testing.T) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit); err != nil {
		t.Fatal(err)
	}
	const prGetDumpable = 3
	dumpable, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, prGetDumpable, 0, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	t.Logf("dumpable=%d current=%d max=%d", dumpable, limit.Cur, limit.Max)
	// A child inherits the limit, so that nothing the provider starts dumps core either.
	out, err := exec.CommandContext(t.Context(), "sh", "-c", "ulimit -c").Output()
	if err != nil {
		t.Skip("no shell: ", err)
	}
	if limit.Cur == 0 && strings.TrimSpace(string(out)) != "0" {
		t.Errorf("a child has a core limit of %s", out)
	}
}

func TestDisableCoreDumpsTwice(t *testing.T) {
	t.Parallel()
	if os.Getenv(hardeningChild) != "" {
		t.Skip("runs in the parent only")
	}
	for range 2 {
		if err := hardening.DisableCoreDumps(); err != nil {
			t.Error(err)
		}
	}
}
