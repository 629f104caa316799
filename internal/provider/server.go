package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/pluginserver"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/redact"
)

// server serves the provider to the CLI.
type server struct {
	pluginserver.Server

	provider *byokProvider
}

// NewServer returns a constructor of what serves the provider to the CLI. version goes into the
// user agent and into receipts.
func NewServer(version string, opts ...Option) func() tfprotov6.ProviderServer {
	p := newProvider(version, opts...)
	framework := providerserver.NewProtocol6(p)

	return func() tfprotov6.ProviderServer {
		whole, ok := framework().(pluginserver.Framework)
		if !ok {
			// An older or newer framework: it serves as well, without what is added here.
			return framework()
		}

		return server{pluginserver.Server{Framework: whole, Hooks: p.hooks()}, p}
	}
}

// hooks are what is said and done besides the framework's answers.
func (p *byokProvider) hooks() pluginserver.Hooks {
	return pluginserver.Hooks{
		Unchanged: &p.unchanged,
		Reading: func(ctx context.Context, req *tfprotov6.ReadResourceRequest) (context.Context,
			func(*tfprotov6.ReadResourceResponse),
		) {
			reading := &limitedReading{reporter: p.limits.Load()}

			return reading.with(ctx), func(resp *tfprotov6.ReadResourceResponse) { reading.answer(req, resp) }
		},
		Warnings: func() []*tfprotov6.Diagnostic { return p.limits.Load().warnings() },
		// What the org shows, such as the name of a certificate, stands in many diagnostics: none of it
		// may begin a line of its own, or change how those around it look.
		Text: redact.Line,
	}
}
