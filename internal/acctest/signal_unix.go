//go:build unix

package acctest

import (
	"bytes"
	"syscall"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// ApplyKilled applies with the built provider until the org has done the work of a request that the
// fault matches, and kills CLI and provider before the reply leaves. The org keeps the reply for as
// long as that takes.
func (c *CLI) ApplyKilled(at sfsim.Fault) {
	c.t.Helper()
	c.applySignalled(at, syscall.SIGKILL, false)
	c.sim.ClearFaults()
}

// ApplyInterrupted is ApplyKilled with the signal of Ctrl-C, after which the reply leaves. It
// returns what the CLI printed until its end.
func (c *CLI) ApplyInterrupted(at sfsim.Fault) string {
	c.t.Helper()

	return c.applySignalled(at, syscall.SIGINT, true)
}

// applySignalled sends a signal to the CLI and to all that it has started, as a terminal does,
// while the org holds a reply. It returns what the CLI has printed, and fails the test if it
// succeeds.
func (c *CLI) applySignalled(at sfsim.Fault, signal syscall.Signal, reply bool) string {
	c.t.Helper()
	struck, release, err := c.sim.Hold(at)
	if err != nil {
		c.t.Fatal(err)
	}
	defer release()
	cmd := c.Command("apply", "-input=false", "-auto-approve", "-no-color")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-struck:
	case err := <-ended:
		c.t.Fatalf("the apply ended before %v: %v\n%s", signal, err, output.String())
	}
	if err := syscall.Kill(-cmd.Process.Pid, signal); err != nil {
		c.t.Fatal(err)
	}
	if reply {
		release()
	}
	if err := <-ended; err == nil {
		c.t.Fatalf("the apply succeeded in spite of %v\n%s", signal, output.String())
	}

	return output.String()
}
