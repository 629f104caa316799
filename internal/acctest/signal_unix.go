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
		c.t.Fatalf("the apply ended before it could be killed: %v\n%s", err, output.String())
	}
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
		c.t.Fatal(err)
	}
	if err := <-ended; err == nil {
		c.t.Fatal("the apply ended by itself")
	}
	c.sim.ClearFaults()
}
