package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// readNotWished are the attributes that a generated configuration leaves out, by resource: an
// import reads them, but to write them down is to ask for something. A hash would become a pin,
// which ends rotation by age.
var readNotWished = map[string]struct {
	attribute string
	resource  func() resource.Resource
}{
	typeName + "_tenant_secret": {"secret_value_hash", newTenantSecretResource},
}

// GetProviderSchema implements tfprotov6.ProviderServer. The framework (1.19) generates
// configuration, and does not announce it.
func (s server) GetProviderSchema(ctx context.Context,
	req *tfprotov6.GetProviderSchemaRequest,
) (*tfprotov6.GetProviderSchemaResponse, error) {
	resp, err := s.Server.GetProviderSchema(ctx, req)
	if resp != nil && resp.ServerCapabilities != nil {
		resp.ServerCapabilities.GenerateResourceConfig = true
	}

	return resp, err
}

// GenerateResourceConfig implements tfprotov6.ResourceServer. Terraform asks from 1.14 on; older
// ones and OpenTofu write down all that could be configured.
func (s server) GenerateResourceConfig(ctx context.Context,
	req *tfprotov6.GenerateResourceConfigRequest,
) (*tfprotov6.GenerateResourceConfigResponse, error) {
	resp, err := s.Server.GenerateResourceConfig(ctx, req)
	unwished, ok := readNotWished[req.TypeName]
	if err != nil || resp == nil || resp.Config == nil || !ok {
		return resp, err
	}
	var whole resource.SchemaResponse
	unwished.resource().Schema(ctx, resource.SchemaRequest{}, &whole)
	typ := whole.Schema.Type().TerraformType(ctx)
	config, err := resp.Config.Unmarshal(typ)
	if err != nil {
		return nil, fmt.Errorf("reading the generated configuration of %s: %w", req.TypeName, err)
	}
	at := tftypes.NewAttributePath().WithAttributeName(unwished.attribute)
	config, err = tftypes.Transform(config, func(path *tftypes.AttributePath, value tftypes.Value) (tftypes.Value, error) {
		if path.Equal(at) {
			return tftypes.NewValue(value.Type(), nil), nil
		}

		return value, nil
	})
	if err != nil {
		return nil, fmt.Errorf("leaving %s out of the generated configuration of %s: %w", unwished.attribute, req.TypeName,
			err)
	}
	whittled, err := tfprotov6.NewDynamicValue(typ, config)
	resp.Config = &whittled

	return resp, err
}
