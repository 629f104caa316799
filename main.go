// Command terraform-provider-salesforcebyok is a Terraform and OpenTofu provider for the keys of
// Salesforce Shield Platform Encryption.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/hardening"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/pluginserver"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
)

// version is set by the linker for a release.
var version = "dev"

func main() {
	debugger := flag.Bool("debug", false, "serve for a debugger such as delve instead of for the CLI that started this "+
		"process")
	flag.Parse()

	if !*debugger {
		pluginserver.SilenceLogs()
		// A core file would hold key material. Where the system refuses, the provider works all the same;
		// SECURITY.md says what that means.
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
