package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/redact"
)

// frameworkServer is what the framework's server offers. The interfaces that the plugin library calls temporary are named one by one: what
// is not named here the CLI would not find.
type frameworkServer interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
	tfprotov6.ActionServer
	tfprotov6.StateStoreServer
}

// server is the framework's server without its memory of requests. The framework (1.19, internal/proto6server) keeps the context of each
// request until the process stops, so that it can cancel all of them: 50 MB over a plan of 1,000 resources, which the garbage collector
// walks again and again. Here each of the requests that come once per resource brings a context that is emptied when it is answered.
type server struct {
	frameworkServer

	provider *byokProvider
}

// NewServer returns a constructor of what serves the provider to the CLI. version goes into the user agent and into receipts.
func NewServer(version string, opts ...Option) func() tfprotov6.ProviderServer {
	p := newProvider(version, opts...)
	framework := providerserver.NewProtocol6(p)

	return func() tfprotov6.ProviderServer {
		whole, ok := framework().(frameworkServer)
		if !ok {
			// An older or newer framework: it serves as well, with its memory.
			return framework()
		}

		return server{whole, p}
	}
}

// ValidateResourceConfig implements tfprotov6.ResourceServer.
func (s server) ValidateResourceConfig(ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return inRequest(ctx, req, s.frameworkServer.ValidateResourceConfig)
}

// UpgradeResourceState implements tfprotov6.ResourceServer.
func (s server) UpgradeResourceState(ctx context.Context, req *tfprotov6.UpgradeResourceStateRequest) (*tfprotov6.UpgradeResourceStateResponse, error) {
	return inRequest(ctx, req, s.frameworkServer.UpgradeResourceState)
}

// UpgradeResourceIdentity implements tfprotov6.ResourceServer.
func (s server) UpgradeResourceIdentity(ctx context.Context, req *tfprotov6.UpgradeResourceIdentityRequest) (*tfprotov6.UpgradeResourceIdentityResponse, error) {
	return inRequest(ctx, req, s.frameworkServer.UpgradeResourceIdentity)
}

// ReadResource implements tfprotov6.ResourceServer.
func (s server) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	resp, err := s.provider.unchanged.read(ctx, req), error(nil)
	if resp == nil {
		reading := limitedReading{teller: s.provider.limits.Load()}
		resp, err = inRequest(reading.with(ctx), req, s.frameworkServer.ReadResource)
		reading.answer(req, resp)
	}
	if resp != nil {
		resp.Diagnostics = s.provider.limits.Load().tell(resp.Diagnostics)
		onOneLine(resp.Diagnostics)
	}

	return resp, err
}

// PlanResourceChange implements tfprotov6.ResourceServer.
func (s server) PlanResourceChange(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	resp, err := s.provider.unchanged.plan(ctx, req), error(nil)
	if resp == nil {
		resp, err = inRequest(ctx, req, s.frameworkServer.PlanResourceChange)
	}
	if resp != nil {
		resp.Diagnostics = s.provider.limits.Load().tell(resp.Diagnostics)
		onOneLine(resp.Diagnostics)
	}

	return resp, err
}

// ApplyResourceChange implements tfprotov6.ResourceServer.
func (s server) ApplyResourceChange(ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	resp, err := inRequest(ctx, req, s.frameworkServer.ApplyResourceChange)
	if resp != nil {
		resp.Diagnostics = s.provider.limits.Load().tell(resp.Diagnostics)
		onOneLine(resp.Diagnostics)
	}

	return resp, err
}

// ReadDataSource implements tfprotov6.DataSourceServer.
func (s server) ReadDataSource(ctx context.Context, req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	ctx, late := withLateRows(ctx)
	resp, err := inRequest(ctx, req, s.frameworkServer.ReadDataSource)
	if err == nil {
		err = late.into(resp)
	}
	if resp != nil {
		resp.Diagnostics = s.provider.limits.Load().tell(resp.Diagnostics)
		onOneLine(resp.Diagnostics)
	}

	return resp, err
}

// ConfigureProvider implements tfprotov6.ProviderServer.
func (s server) ConfigureProvider(ctx context.Context, req *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	resp, err := s.frameworkServer.ConfigureProvider(ctx, req)
	if resp != nil {
		onOneLine(resp.Diagnostics)
	}

	return resp, err
}

// ImportResourceState implements tfprotov6.ResourceServer.
func (s server) ImportResourceState(ctx context.Context, req *tfprotov6.ImportResourceStateRequest) (*tfprotov6.ImportResourceStateResponse, error) {
	resp, err := s.frameworkServer.ImportResourceState(ctx, req)
	if resp != nil {
		onOneLine(resp.Diagnostics)
	}

	return resp, err
}

// OpenEphemeralResource implements tfprotov6.EphemeralResourceServer.
func (s server) OpenEphemeralResource(ctx context.Context, req *tfprotov6.OpenEphemeralResourceRequest) (*tfprotov6.OpenEphemeralResourceResponse, error) {
	resp, err := s.frameworkServer.OpenEphemeralResource(ctx, req)
	if resp != nil {
		onOneLine(resp.Diagnostics)
	}

	return resp, err
}

// ListResource implements tfprotov6.ListResourceServer.
func (s server) ListResource(ctx context.Context, req *tfprotov6.ListResourceRequest) (*tfprotov6.ListResourceServerStream, error) {
	stream, err := s.frameworkServer.ListResource(ctx, req)
	if stream == nil || stream.Results == nil {
		return stream, err
	}
	results := stream.Results
	stream.Results = func(push func(tfprotov6.ListResourceResult) bool) {
		for result := range results {
			onOneLine(result.Diagnostics)
			if !push(result) {
				return
			}
		}
	}

	return stream, err
}

// onOneLine takes line ends and characters that a terminal obeys out of diagnostics. What the org shows, such as the name of a certificate,
// stands in many of them: none of it may begin a line of its own, or change how those around it look.
func onOneLine(diagnostics []*tfprotov6.Diagnostic) {
	for _, d := range diagnostics {
		if d != nil {
			d.Summary, d.Detail = redact.Line(d.Summary), redact.Line(d.Detail)
		}
	}
}
