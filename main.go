// Command terraform-provider-salesforcebyok is a Terraform and OpenTofu provider for the keys of Salesforce Shield Platform Encryption.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/hardening"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
)

// version is set by the linker for a release.
var version = "dev"

func main() {
	debugger := flag.Bool("debug", false, "serve for a debugger such as delve instead of for the CLI that started this process")
	flag.Parse()

	tune()
	if !*debugger {
		hush()
		// A core file would hold key material. Where the system refuses, the provider works all the same; SECURITY.md says what that means.
		_ = hardening.DisableCoreDumps()
	}
	var options []tf6server.ServeOpt
	if *debugger {
		options = append(options, tf6server.WithManagedDebug())
	}
	err := tf6server.Serve(provider.Address, provider.NewServer(version), options...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// heapLimit is where the garbage collector begins to work harder than gcPercent says: far above a plan over 1,000 records, which
// takes 40 MB, and far below what hurts a runner.
const heapLimit = 256 << 20

// tune makes the garbage collector fit a process that lives for seconds: the heap may grow up to a limit without being collected. GOGC
// and GOMEMLIMIT in the environment go before it.
func tune() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(gcPercent)
		debug.SetMemoryLimit(heapLimit)
	}
}

// gcPercent lets the heap grow to three times what is live between collections: twice that spares a plan no time that can be measured,
// and costs memory.
const gcPercent = 200

// hush stops the plugin libraries from writing a trace of every call, for hundreds of resources, when nobody asked for a log: the CLI would
// parse each line and drop it. Any TF_LOG variable that says something brings them back.
func hush() {
	for _, setting := range os.Environ() {
		if name, value, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "TF_LOG") && value != "" {
			return
		}
	}
	// The only error is a name that no system takes.
	_ = os.Setenv("TF_LOG_SDK", "OFF")
}
