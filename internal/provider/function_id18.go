package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

var _ function.Function = id18Function{}

// id18Function makes the 18-character form of a record id.
type id18Function struct{}

func newID18Function() function.Function { return id18Function{} }

func (id18Function) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "id18"
}

func (id18Function) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "18-character form of a Salesforce id",
		MarkdownDescription: "Returns the 18-character form of a Salesforce record id of 15 or 18 characters. The " +
			"15-character form differs only by case between two records, and what is shown by this provider has 18. An " +
			"18-character id is checked against its own checksum.",
		Parameters: []function.Parameter{function.StringParameter{
			Name:                "id",
			MarkdownDescription: "Record id of 15 or 18 characters, such as one from a URL of Setup.",
		}},
		Return: function.StringReturn{},
	}
}

func (id18Function) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var id string
	resp.Error = req.Arguments.Get(ctx, &id)
	if resp.Error != nil {
		return
	}
	full, err := salesforce.ID18(id)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, "Expected a Salesforce record id of 15 or 18 characters. Found a "+
			"value that does not fit: "+sentence(err.Error()))

		return
	}
	resp.Error = resp.Result.Set(ctx, full)
}
