package docschema_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/docschema"
)

// server answers the two questions that FromServer asks.
type server struct {
	tfprotov6.ProviderServer

	schema     *tfprotov6.GetProviderSchemaResponse
	identities *tfprotov6.GetResourceIdentitySchemasResponse
	err        error
}

func (s server) GetProviderSchema(context.Context,
	*tfprotov6.GetProviderSchemaRequest,
) (*tfprotov6.GetProviderSchemaResponse, error) {
	return s.schema, s.err
}

func (s server) GetResourceIdentitySchemas(context.Context,
	*tfprotov6.GetResourceIdentitySchemasRequest,
) (*tfprotov6.GetResourceIdentitySchemasResponse, error) {
	return s.identities, nil
}

func object(attrs ...*tfprotov6.SchemaAttribute) *tfprotov6.Schema {
	return &tfprotov6.Schema{Block: &tfprotov6.SchemaBlock{Attributes: attrs}}
}

// The form of `terraform providers schema -json`.
const want = `{
 "format_version": "1.0",
 "provider_schemas": {
  "example": {
   "provider": {"version": 0, "block": {"description_kind": "plain", "attributes": {
     "token": {"type": "string", "description": "A *token*.", "description_kind": "markdown", "optional": true, "sensitive": true}}}},
   "resource_schemas": {"example_key": {"version": 2, "block": {
     "description": "A key.", "description_kind": "plain",
     "attributes": {
       "tags": {"type": ["map", "string"], "description_kind": "plain", "required": true},
       "value_wo": {"type": "string", "description_kind": "plain", "optional": true, "write_only": true},
       "parts": {"nested_type": {"nesting_mode": "list", "attributes": {
          "size": {"type": "number", "description_kind": "plain", "computed": true}}},
          "description_kind": "plain", "optional": true, "deprecated": true}},
     "block_types": {"timeouts": {"nesting_mode": "single", "max_items": 1, "block": {"description_kind": "plain"}}}}}},
   "data_source_schemas": {"example_key": {"version": 0, "block": {"description_kind": "plain"}}},
   "ephemeral_resource_schemas": {"example_export": {"version": 0, "block": {"description_kind": "plain"}}},
   "list_resource_schemas": {"example_key": {"version": 0, "block": {"description_kind": "plain", "attributes": {
      "type": {"type": "string", "description_kind": "plain", "optional": true}}}}},
   "action_schemas": {"example_do": {"block": {"description_kind": "plain"}}},
   "functions": {"id18": {"summary": "Ids.", "description": "Converts.", "return_type": ["list", "string"],
      "parameters": [{"name": "id", "description": "One id.", "is_nullable": true, "type": "string"}],
      "variadic_parameter": {"name": "more", "type": "dynamic"}}},
   "resource_identity_schemas": {"example_key": {"version": 1, "attributes": {
      "org": {"type": "string", "description": "The org.", "required_for_import": true},
      "region": {"type": "string", "optional_for_import": true}}}}
  }
 }
}`

func TestFromServer(t *testing.T) {
	t.Parallel()
	resource := object(
		&tfprotov6.SchemaAttribute{Name: "tags", Type: tftypes.Map{ElementType: tftypes.String}, Required: true},
		&tfprotov6.SchemaAttribute{Name: "value_wo", Type: tftypes.String, Optional: true, WriteOnly: true},
		&tfprotov6.SchemaAttribute{Name: "parts", Optional: true, Deprecated: true, NestedType: &tfprotov6.SchemaObject{
			Nesting:    tfprotov6.SchemaObjectNestingModeList,
			Attributes: []*tfprotov6.SchemaAttribute{{Name: "size", Type: tftypes.Number, Computed: true}},
		}},
	)
	resource.Version = 2
	resource.Block.Description = "A key."
	resource.Block.BlockTypes = []*tfprotov6.SchemaNestedBlock{{
		TypeName: "timeouts", Nesting: tfprotov6.SchemaNestedBlockNestingModeSingle, MaxItems: 1,
		Block: &tfprotov6.SchemaBlock{},
	}}
	s := server{
		schema: &tfprotov6.GetProviderSchemaResponse{
			Provider: object(&tfprotov6.SchemaAttribute{
				Name: "token", Type: tftypes.String, Optional: true, Sensitive: true,
				Description: "A *token*.", DescriptionKind: tfprotov6.StringKindMarkdown,
			}),
			ResourceSchemas:          map[string]*tfprotov6.Schema{"example_key": resource},
			DataSourceSchemas:        map[string]*tfprotov6.Schema{"example_key": object()},
			EphemeralResourceSchemas: map[string]*tfprotov6.Schema{"example_export": object()},
			ListResourceSchemas: map[string]*tfprotov6.Schema{
				"example_key": object(&tfprotov6.SchemaAttribute{Name: "type", Type: tftypes.String, Optional: true}),
			},
			ActionSchemas: map[string]*tfprotov6.ActionSchema{"example_do": {Schema: object()}},
			Functions: map[string]*tfprotov6.Function{"id18": {
				Summary: "Ids.", Description: "Converts.",
				Parameters: []*tfprotov6.FunctionParameter{
					{Name: "id", Description: "One id.", AllowNullValue: true, Type: tftypes.String},
				},
				VariadicParameter: &tfprotov6.FunctionParameter{Name: "more", Type: tftypes.DynamicPseudoType},
				Return:            &tfprotov6.FunctionReturn{Type: tftypes.List{ElementType: tftypes.String}},
			}},
		},
		identities: &tfprotov6.GetResourceIdentitySchemasResponse{
			IdentitySchemas: map[string]*tfprotov6.ResourceIdentitySchema{"example_key": {
				Version: 1, IdentityAttributes: []*tfprotov6.ResourceIdentitySchemaAttribute{
					{Name: "org", Type: tftypes.String, RequiredForImport: true, Description: "The org."},
					{Name: "region", Type: tftypes.String, OptionalForImport: true},
				},
			}},
		},
	}
	schemas, err := docschema.FromServer(t.Context(), s, "example")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(schemas)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(decode(t, want), decode(t, string(raw))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func decode(t *testing.T, s string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestFromServerFails(t *testing.T) {
	t.Parallel()
	none := &tfprotov6.GetResourceIdentitySchemasResponse{}
	tests := map[string]struct {
		server server
		want   string
	}{
		"error": {server{err: errors.New("gone")}, "gone"},
		"schema diagnostics": {server{schema: &tfprotov6.GetProviderSchemaResponse{
			Diagnostics: []*tfprotov6.Diagnostic{{
				Severity: tfprotov6.DiagnosticSeverityError, Summary: "Bad",
				Detail: "name twice",
			}},
		}}, "Bad: name twice"},
		"identity diagnostics": {server{
			schema: &tfprotov6.GetProviderSchemaResponse{},
			identities: &tfprotov6.GetResourceIdentitySchemasResponse{
				Diagnostics: []*tfprotov6.Diagnostic{{
					Severity: tfprotov6.DiagnosticSeverityError, Summary: "Bad",
					Detail: "identity",
				}},
			},
		}, "Bad: identity"},
		"object nesting": {server{identities: none, schema: &tfprotov6.GetProviderSchemaResponse{
			Provider: object(&tfprotov6.SchemaAttribute{Name: "odd", NestedType: &tfprotov6.SchemaObject{Nesting: 99}}),
		}}, `attribute "odd"`},
		"block nesting": {server{identities: none, schema: &tfprotov6.GetProviderSchemaResponse{
			Provider: &tfprotov6.Schema{Block: &tfprotov6.SchemaBlock{
				BlockTypes: []*tfprotov6.SchemaNestedBlock{{TypeName: "odd"}},
			}},
		}}, `block "odd"`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := docschema.FromServer(t.Context(), tc.server, "example")
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}
