// Command terraform-provider-salesforcebyok is a Terraform and OpenTofu provider for the keys of Salesforce Shield Platform Encryption.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/hardening"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
)

// version is set by the linker for a release.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "serve for a debugger such as delve instead of for the CLI that started this process")
	flag.Parse()

	if !*debug {
		// A core file would hold key material. Where the system refuses, the provider works all the same; SECURITY.md says what that means.
		_ = hardening.DisableCoreDumps()
	}
	err := providerserver.Serve(context.Background(), provider.New(version), providerserver.ServeOpts{
		Address: provider.Address,
		Debug:   *debug,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
