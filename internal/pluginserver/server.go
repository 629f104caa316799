package pluginserver

import (
	"context"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// Framework is what the framework's server offers. The interfaces that the plugin library calls
// temporary are named one by one: what is not named here the CLI would not find.
type Framework interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
	tfprotov6.ActionServer
	tfprotov6.StateStoreServer
}

// Hooks are what a provider adds to the framework's answers. None may be nil.
type Hooks struct {
	// Unchanged answers in place of the framework if it can.
	Unchanged *Unchanged
	// Reading begins the refresh of a resource, and returns its context and what ends it. The answer
	// is nil if there is none.
	Reading func(context.Context, *tfprotov6.ReadResourceRequest) (context.Context, func(*tfprotov6.ReadResourceResponse))
	// Warnings are added to the answers that come once per resource or data source.
	Warnings func() []*tfprotov6.Diagnostic
	// Text is what becomes of each text of a diagnostic.
	Text func(string) string
}

// Server is the framework's server with Hooks, and without its memory of requests.
type Server struct {
	Framework

	Hooks Hooks
}

// diagnostics ends those of an answer.
func (s Server) diagnostics(diagnostics []*tfprotov6.Diagnostic,
	more ...*tfprotov6.Diagnostic,
) []*tfprotov6.Diagnostic {
	diagnostics = append(diagnostics, more...)
	for _, d := range diagnostics {
		if d != nil {
			d.Summary, d.Detail = s.Hooks.Text(d.Summary), s.Hooks.Text(d.Detail)
		}
	}

	return diagnostics
}

// ValidateResourceConfig implements tfprotov6.ResourceServer.
func (s Server) ValidateResourceConfig(ctx context.Context,
	req *tfprotov6.ValidateResourceConfigRequest,
) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return inRequest(ctx, req, s.Framework.ValidateResourceConfig)
}

// UpgradeResourceState implements tfprotov6.ResourceServer.
func (s Server) UpgradeResourceState(ctx context.Context,
	req *tfprotov6.UpgradeResourceStateRequest,
) (*tfprotov6.UpgradeResourceStateResponse, error) {
	return inRequest(ctx, req, s.Framework.UpgradeResourceState)
}

// UpgradeResourceIdentity implements tfprotov6.ResourceServer.
func (s Server) UpgradeResourceIdentity(ctx context.Context,
	req *tfprotov6.UpgradeResourceIdentityRequest,
) (*tfprotov6.UpgradeResourceIdentityResponse, error) {
	return inRequest(ctx, req, s.Framework.UpgradeResourceIdentity)
}

// ReadResource implements tfprotov6.ResourceServer.
func (s Server) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse,
	error,
) {
	resp, err := s.Hooks.Unchanged.Read(ctx, req), error(nil)
	if resp == nil {
		reading, end := s.Hooks.Reading(ctx, req)
		resp, err = inRequest(reading, req, s.Framework.ReadResource)
		end(resp)
	}
	if resp != nil {
		resp.Diagnostics = s.diagnostics(resp.Diagnostics, s.Hooks.Warnings()...)
	}

	return resp, err
}

// PlanResourceChange implements tfprotov6.ResourceServer.
func (s Server) PlanResourceChange(ctx context.Context,
	req *tfprotov6.PlanResourceChangeRequest,
) (*tfprotov6.PlanResourceChangeResponse, error) {
	resp, err := s.Hooks.Unchanged.Plan(ctx, req), error(nil)
	if resp == nil {
		resp, err = inRequest(ctx, req, s.Framework.PlanResourceChange)
	}
	if resp != nil {
		resp.Diagnostics = s.diagnostics(resp.Diagnostics, s.Hooks.Warnings()...)
	}

	return resp, err
}

// ApplyResourceChange implements tfprotov6.ResourceServer.
func (s Server) ApplyResourceChange(ctx context.Context,
	req *tfprotov6.ApplyResourceChangeRequest,
) (*tfprotov6.ApplyResourceChangeResponse, error) {
	resp, err := inRequest(ctx, req, s.Framework.ApplyResourceChange)
	if resp != nil {
		resp.Diagnostics = s.diagnostics(resp.Diagnostics, s.Hooks.Warnings()...)
	}

	return resp, err
}

// ReadDataSource implements tfprotov6.DataSourceServer.
func (s Server) ReadDataSource(ctx context.Context,
	req *tfprotov6.ReadDataSourceRequest,
) (*tfprotov6.ReadDataSourceResponse, error) {
	reading, late := withLateRows(ctx)
	resp, err := inRequest(reading, req, s.Framework.ReadDataSource)
	if err == nil {
		err = late.into(resp)
	}
	if resp != nil {
		resp.Diagnostics = s.diagnostics(resp.Diagnostics, s.Hooks.Warnings()...)
	}

	return resp, err
}

// ConfigureProvider implements tfprotov6.ProviderServer.
func (s Server) ConfigureProvider(ctx context.Context,
	req *tfprotov6.ConfigureProviderRequest,
) (*tfprotov6.ConfigureProviderResponse, error) {
	resp, err := s.Framework.ConfigureProvider(ctx, req)
	if resp != nil {
		resp.Diagnostics = s.diagnostics(resp.Diagnostics)
	}

	return resp, err
}

// ImportResourceState implements tfprotov6.ResourceServer.
func (s Server) ImportResourceState(ctx context.Context,
	req *tfprotov6.ImportResourceStateRequest,
) (*tfprotov6.ImportResourceStateResponse, error) {
	resp, err := s.Framework.ImportResourceState(ctx, req)
	if resp != nil {
		resp.Diagnostics = s.diagnostics(resp.Diagnostics)
	}

	return resp, err
}

// OpenEphemeralResource implements tfprotov6.EphemeralResourceServer.
func (s Server) OpenEphemeralResource(ctx context.Context,
	req *tfprotov6.OpenEphemeralResourceRequest,
) (*tfprotov6.OpenEphemeralResourceResponse, error) {
	resp, err := s.Framework.OpenEphemeralResource(ctx, req)
	if resp != nil {
		resp.Diagnostics = s.diagnostics(resp.Diagnostics)
	}

	return resp, err
}

// ListResource implements tfprotov6.ListResourceServer.
func (s Server) ListResource(ctx context.Context,
	req *tfprotov6.ListResourceRequest,
) (*tfprotov6.ListResourceServerStream, error) {
	stream, err := s.Framework.ListResource(ctx, req)
	if stream == nil || stream.Results == nil {
		return stream, err
	}
	results := stream.Results
	stream.Results = func(push func(tfprotov6.ListResourceResult) bool) {
		for result := range results {
			result.Diagnostics = s.diagnostics(result.Diagnostics)
			if !push(result) {
				return
			}
		}
	}

	return stream, err
}
