package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// timeoutsOf is the attribute timeouts of a resource that is made by deploys.
func timeoutsOf(ctx context.Context, opts timeouts.Opts) schema.Attribute {
	const description = "How long to wait for the deploy, as a duration such as `30m`. Default: `15m`. A deploy that " +
		"takes longer is cancelled, and watched until it ends."
	opts.CreateDescription, opts.UpdateDescription, opts.DeleteDescription = description, description, description
	attribute := timeouts.Attributes(ctx, opts)
	if nested, ok := attribute.(schema.SingleNestedAttribute); ok {
		nested.MarkdownDescription = "How long operations may take."

		return nested
	}

	return attribute
}

// noTimeouts is the value of timeouts if none are configured, for a model that does not come
// from a configuration.
func noTimeouts(opts timeouts.Opts) timeouts.Value {
	kinds := map[string]attr.Type{}
	for name, has := range map[string]bool{"create": opts.Create, "update": opts.Update, "delete": opts.Delete} {
		if has {
			kinds[name] = types.StringType
		}
	}

	return timeouts.Value{Object: types.ObjectNull(kinds)}
}

// operation reads the timeout of one operation: a method of timeouts.Value.
type operation func(timeouts.Value, context.Context, time.Duration) (time.Duration, diag.Diagnostics)

// withTimeout returns a context whose deploys are waited for as timeouts says.
func withTimeout(ctx context.Context, from attributed, op operation, diags *diag.Diagnostics) context.Context {
	var value timeouts.Value
	diags.Append(from.GetAttribute(ctx, path.Root("timeouts"), &value)...)
	if diags.HasError() {
		return ctx
	}
	wait, problems := op(value, ctx, salesforce.DeployTimeout)
	diags.Append(problems...)

	return salesforce.WithDeployTimeout(ctx, wait)
}
