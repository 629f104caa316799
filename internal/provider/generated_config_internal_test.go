package provider

import (
	"context"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/pluginserver"
)

// fullState is a state of a resource in which every text is "text".
func fullState(t *testing.T, r resource.Resource) (tftypes.Type, *tfprotov6.DynamicValue) {
	t.Helper()
	var whole resource.SchemaResponse
	r.Schema(t.Context(), resource.SchemaRequest{}, &whole)
	typ := whole.Schema.Type().TerraformType(t.Context())
	attributes, ok := typ.(tftypes.Object)
	if !ok {
		t.Fatalf("the state is a %s", typ)
	}
	values := map[string]tftypes.Value{}
	for name, is := range attributes.AttributeTypes {
		values[name] = tftypes.NewValue(is, nil)
		if is.Is(tftypes.String) {
			values[name] = tftypes.NewValue(is, "text")
		}
	}
	state, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, values))
	if err != nil {
		t.Fatal(err)
	}

	return typ, &state
}

// Terraform asks the provider from 1.14 on: what an import has read and nobody has wished for is
// left out, and all else is as the framework gives it.
func TestServerGeneratesConfiguration(t *testing.T) {
	t.Parallel()
	s := NewServer("test")()
	schema, err := s.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil || !schema.ServerCapabilities.GenerateResourceConfig {
		t.Fatalf("expected the capability to be announced, found %+v, %v", schema.ServerCapabilities, err)
	}
	for name, test := range map[string]struct {
		resource  resource.Resource
		out, kept []string
	}{
		"salesforcebyok_tenant_secret": {
			newTenantSecretResource(),
			[]string{"secret_value_hash", "status", "receipt"},
			[]string{"type", "source", "certificate", "deletion_policy"},
		},
		"salesforcebyok_tenant_secret_version": {
			newTenantSecretVersionResource(),
			[]string{"secret_value_hash", "status"},
			[]string{"tenant_secret_id", "desired_status", "backup"},
		},
		"salesforcebyok_certificate": {
			newCertificateResource(),
			[]string{"certificate_pem"},
			[]string{"developer_name", "deletion_policy"},
		},
	} {
		typ, state := fullState(t, test.resource)
		resp, err := s.GenerateResourceConfig(context.Background(),
			&tfprotov6.GenerateResourceConfigRequest{TypeName: name, State: state})
		if err != nil || len(resp.Diagnostics) != 0 {
			t.Fatalf("%s: %v, %v", name, err, resp)
		}
		value, err := resp.Config.Unmarshal(typ)
		if err != nil {
			t.Fatal(err)
		}
		config := pluginserver.NewObject(value)
		for _, attribute := range test.out {
			if !config[attribute].IsNull() {
				t.Errorf("%s: expected %s to be left out, found %s", name, attribute, config[attribute])
			}
		}
		for _, attribute := range test.kept {
			if !config.Is(attribute, "text") {
				t.Errorf("%s: expected %s to be kept, found %s", name, attribute, config[attribute])
			}
		}
	}
}
