// Package tfvalidator adapts the parsers of the packages below the provider to Terraform's
// attribute validators. Unlike the stock validators, none of them prints the value that it refuses:
// it may be a secret, or one in the wrong place. Unknown and null values pass.
package tfvalidator

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
)

// check is a validator made of a parser.
type check struct {
	// summary is the diagnostic's, expected what the description and the detail say of a good value.
	summary, expected string
	parse             func(string) error
	// neighbour is the attribute beside this one that errors point at, "" for this one itself.
	neighbour string
	// warns is true if what does not fit is a warning: Salesforce may take it.
	warns bool
}

// Secret returns a validator of this package whose errors point at a neighbour of the attribute:
// the CLI prints the line that an error points at, and a secret may stand there.
func Secret(v validator.String, neighbour string) validator.String {
	if c, ok := v.(check); ok {
		c.neighbour = neighbour

		return c
	}

	return v
}

// Warn returns a validator of this package that warns of what it would refuse.
func Warn(v validator.String) validator.String {
	if c, ok := v.(check); ok {
		c.warns = true

		return c
	}

	return v
}

// Description implements validator.Describer.
func (c check) Description(context.Context) string { return "value must be " + c.expected }

// MarkdownDescription implements validator.Describer.
func (c check) MarkdownDescription(ctx context.Context) string { return c.Description(ctx) }

// ValidateString implements validator.String.
func (c check) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := c.parse(req.ConfigValue.ValueString()); err != nil {
		at, expected := req.Path, c.expected
		if c.neighbour != "" {
			at, expected = req.Path.ParentPath().AtName(c.neighbour), expected+" in "+req.Path.String()
		} else if len(req.Path.Steps()) > 1 {
			// The CLI points at the whole attribute.
			expected += " in " + req.Path.String()
		}
		found := strings.TrimSuffix(err.Error(), ".")
		if c.warns {
			resp.Diagnostics.AddAttributeWarning(at, c.summary, "Expected "+expected+". Found a value that does not fit: "+found+
				". It is used as it is.")

			return
		}
		resp.Diagnostics.AddAttributeError(at, c.summary, "Expected "+expected+". Found a value that does not fit: "+found+
			". Nothing was sent.")
	}
}
