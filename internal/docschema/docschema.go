// Package docschema writes a provider's schemas in the form of `terraform
// providers schema -json`, straight from the provider. The documentation is
// generated from it: a CLI would leave out what it does not know (list
// resources below Terraform 1.14, and in OpenTofu), so that the pages would
// depend on the machine that made them.
package docschema

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/zclconf/go-cty/cty"
)

// formatVersion is that of the CLI's own output that this one follows.
const formatVersion = "1.0"

// FromServer asks server for all its schemas. The result names the provider
// name, the short name by which tfplugindocs looks it up.
func FromServer(ctx context.Context, server tfprotov6.ProviderServer, name string) (*tfjson.ProviderSchemas, error) {
	got, err := server.GetProviderSchema(ctx, &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		return nil, fmt.Errorf("asking the provider for its schemas: %w", err)
	}
	if err := failed(got.Diagnostics); err != nil {
		return nil, fmt.Errorf("asking the provider for its schemas: %w", err)
	}
	identities, err := server.GetResourceIdentitySchemas(ctx, &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		return nil, fmt.Errorf("asking the provider for its identities: %w", err)
	}
	if err := failed(identities.Diagnostics); err != nil {
		return nil, fmt.Errorf("asking the provider for its identities: %w", err)
	}

	var c converter
	schema := &tfjson.ProviderSchema{
		ConfigSchema:             c.schema(got.Provider),
		ResourceSchemas:          c.schemas(got.ResourceSchemas),
		DataSourceSchemas:        c.schemas(got.DataSourceSchemas),
		EphemeralResourceSchemas: c.schemas(got.EphemeralResourceSchemas),
		ListResourceSchemas:      c.schemas(got.ListResourceSchemas),
		ActionSchemas:            map[string]*tfjson.ActionSchema{},
		Functions:                map[string]*tfjson.FunctionSignature{},
		ResourceIdentitySchemas:  map[string]*tfjson.IdentitySchema{},
	}
	for name, action := range got.ActionSchemas {
		schema.ActionSchemas[name] = &tfjson.ActionSchema{Block: c.schema(action.Schema).Block}
	}
	for name, function := range got.Functions {
		schema.Functions[name] = c.function(function)
	}
	for name, identity := range identities.IdentitySchemas {
		schema.ResourceIdentitySchemas[name] = c.identity(identity)
	}
	if c.err != nil {
		return nil, c.err
	}
	return &tfjson.ProviderSchemas{
		FormatVersion: formatVersion,
		Schemas:       map[string]*tfjson.ProviderSchema{name: schema},
	}, nil
}

func failed(diags []*tfprotov6.Diagnostic) error {
	for _, d := range diags {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			return errors.New(d.Summary + ": " + d.Detail)
		}
	}
	return nil
}

// converter keeps the first error, so that the conversions read as a tree.
type converter struct{ err error }

func (c *converter) schemas(in map[string]*tfprotov6.Schema) map[string]*tfjson.Schema {
	out := make(map[string]*tfjson.Schema, len(in))
	for name, s := range in {
		out[name] = c.schema(s)
	}
	return out
}

func (c *converter) schema(s *tfprotov6.Schema) *tfjson.Schema {
	if s == nil {
		return &tfjson.Schema{}
	}
	return &tfjson.Schema{Version: uint64(s.Version), Block: c.block(s.Block)} //nolint:gosec // versions count from 0
}

func (c *converter) block(b *tfprotov6.SchemaBlock) *tfjson.SchemaBlock {
	if b == nil {
		return nil
	}
	out := &tfjson.SchemaBlock{
		Attributes:      c.attributes(b.Attributes),
		NestedBlocks:    map[string]*tfjson.SchemaBlockType{},
		Description:     b.Description,
		DescriptionKind: kind(b.DescriptionKind),
		Deprecated:      b.Deprecated,
	}
	for _, nested := range b.BlockTypes {
		mode, ok := blockNesting[nested.Nesting]
		if !ok {
			c.fail(fmt.Errorf("block %q: unknown nesting %v", nested.TypeName, nested.Nesting))
		}
		out.NestedBlocks[nested.TypeName] = &tfjson.SchemaBlockType{
			NestingMode: mode,
			Block:       c.block(nested.Block),
			MinItems:    uint64(nested.MinItems), //nolint:gosec // never negative
			MaxItems:    uint64(nested.MaxItems), //nolint:gosec // never negative
		}
	}
	return out
}

var blockNesting = map[tfprotov6.SchemaNestedBlockNestingMode]tfjson.SchemaNestingMode{
	tfprotov6.SchemaNestedBlockNestingModeSingle: tfjson.SchemaNestingModeSingle,
	tfprotov6.SchemaNestedBlockNestingModeList:   tfjson.SchemaNestingModeList,
	tfprotov6.SchemaNestedBlockNestingModeSet:    tfjson.SchemaNestingModeSet,
	tfprotov6.SchemaNestedBlockNestingModeMap:    tfjson.SchemaNestingModeMap,
	tfprotov6.SchemaNestedBlockNestingModeGroup:  tfjson.SchemaNestingModeGroup,
}

var objectNesting = map[tfprotov6.SchemaObjectNestingMode]tfjson.SchemaNestingMode{
	tfprotov6.SchemaObjectNestingModeSingle: tfjson.SchemaNestingModeSingle,
	tfprotov6.SchemaObjectNestingModeList:   tfjson.SchemaNestingModeList,
	tfprotov6.SchemaObjectNestingModeSet:    tfjson.SchemaNestingModeSet,
	tfprotov6.SchemaObjectNestingModeMap:    tfjson.SchemaNestingModeMap,
}

func (c *converter) attributes(in []*tfprotov6.SchemaAttribute) map[string]*tfjson.SchemaAttribute {
	out := make(map[string]*tfjson.SchemaAttribute, len(in))
	for _, a := range in {
		attr := &tfjson.SchemaAttribute{
			Description:     a.Description,
			DescriptionKind: kind(a.DescriptionKind),
			Deprecated:      a.Deprecated,
			Required:        a.Required,
			Optional:        a.Optional,
			Computed:        a.Computed,
			Sensitive:       a.Sensitive,
			WriteOnly:       a.WriteOnly,
		}
		if a.NestedType != nil {
			mode, ok := objectNesting[a.NestedType.Nesting]
			if !ok {
				c.fail(fmt.Errorf("attribute %q: unknown nesting %v", a.Name, a.NestedType.Nesting))
			}
			attr.AttributeNestedType = &tfjson.SchemaNestedAttributeType{
				Attributes: c.attributes(a.NestedType.Attributes), NestingMode: mode,
			}
		} else {
			attr.AttributeType = c.typ(a.Type)
		}
		out[a.Name] = attr
	}
	return out
}

func (c *converter) function(f *tfprotov6.Function) *tfjson.FunctionSignature {
	out := &tfjson.FunctionSignature{
		Description: f.Description, Summary: f.Summary, DeprecationMessage: f.DeprecationMessage,
		ReturnType: c.typ(f.Return.Type),
	}
	for _, p := range f.Parameters {
		out.Parameters = append(out.Parameters, c.parameter(p))
	}
	if f.VariadicParameter != nil {
		out.VariadicParameter = c.parameter(f.VariadicParameter)
	}
	return out
}

func (c *converter) parameter(p *tfprotov6.FunctionParameter) *tfjson.FunctionParameter {
	return &tfjson.FunctionParameter{
		Name: p.Name, Description: p.Description, IsNullable: p.AllowNullValue, Type: c.typ(p.Type),
	}
}

func (c *converter) identity(s *tfprotov6.ResourceIdentitySchema) *tfjson.IdentitySchema {
	out := &tfjson.IdentitySchema{
		Version:    uint64(s.Version), //nolint:gosec // versions count from 0
		Attributes: map[string]*tfjson.IdentityAttribute{},
	}
	for _, a := range s.IdentityAttributes {
		out.Attributes[a.Name] = &tfjson.IdentityAttribute{
			IdentityType: c.typ(a.Type), Description: a.Description,
			RequiredForImport: a.RequiredForImport, OptionalForImport: a.OptionalForImport,
		}
	}
	return out
}

// typ goes by way of JSON, which both type systems share.
func (c *converter) typ(t tftypes.Type) cty.Type {
	raw, err := json.Marshal(t)
	if err != nil {
		c.fail(fmt.Errorf("encoding type %s: %w", t, err))
		return cty.DynamicPseudoType
	}
	var out cty.Type
	if err := json.Unmarshal(raw, &out); err != nil {
		c.fail(fmt.Errorf("decoding type %s: %w", raw, err))
		return cty.DynamicPseudoType
	}
	return out
}

func (c *converter) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

func kind(k tfprotov6.StringKind) tfjson.SchemaDescriptionKind {
	if k == tfprotov6.StringKindMarkdown {
		return tfjson.SchemaDescriptionKindMarkdown
	}
	return tfjson.SchemaDescriptionKindPlain
}
