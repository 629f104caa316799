package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// A CLI that does not know write-only attributes would keep their values in its state. It does not
// announce that it knows them, and then every one of them is refused, at the attribute and by name.
func TestWriteOnlyIsRefusedOnAnOldCLI(t *testing.T) {
	t.Parallel()
	server := providerserver.NewProtocol6(New("test")())()
	schemas, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for name, schema := range schemas.ResourceSchemas {
		for _, attribute := range schema.Block.Attributes {
			if !attribute.WriteOnly {
				continue
			}
			seen++
			for _, announced := range []bool{false, true} {
				refused := refusedWriteOnly(t, server, name, schema, attribute.Name, announced)
				switch {
				case announced && refused != nil:
					t.Errorf("%s.%s is refused on a CLI that knows write-only attributes: %s", name, attribute.Name, refused.Detail)
				case !announced && refused == nil:
					t.Errorf("%s.%s is taken on a CLI that does not know write-only attributes", name, attribute.Name)
				case !announced:
					for _, want := range []string{attribute.Name, "1.11"} {
						if !strings.Contains(refused.Detail, want) {
							t.Errorf("%s.%s: %q does not say %q", name, attribute.Name, refused.Detail, want)
						}
					}
					if want := tftypes.NewAttributePath().WithAttributeName(attribute.Name); !refused.Attribute.Equal(want) {
						t.Errorf("%s.%s: the error is at %s", name, attribute.Name, refused.Attribute)
					}
				}
			}
		}
	}
	if seen < 4 {
		t.Errorf("only %d write-only attributes: has key_material_wo lost its mark?", seen)
	}
}

// refusedWriteOnly validates a configuration that gives nothing but one attribute, and returns the
// error that its being write-only makes.
func refusedWriteOnly(t *testing.T, server tfprotov6.ProviderServer, name string, schema *tfprotov6.Schema,
	attribute string, announced bool,
) *tfprotov6.Diagnostic {
	t.Helper()
	object, ok := schema.ValueType().(tftypes.Object)
	if !ok {
		t.Fatalf("%s is no object", name)
	}
	values := map[string]tftypes.Value{}
	for key, typ := range object.AttributeTypes {
		values[key] = tftypes.NewValue(typ, nil)
	}
	values[attribute] = tftypes.NewValue(object.AttributeTypes[attribute], "x")
	config, err := tfprotov6.NewDynamicValue(object, tftypes.NewValue(object, values))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.ValidateResourceConfig(t.Context(), &tfprotov6.ValidateResourceConfigRequest{
		TypeName: name, Config: &config,
		ClientCapabilities: &tfprotov6.ValidateResourceConfigClientCapabilities{WriteOnlyAttributesAllowed: announced},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range resp.Diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError && d.Summary == "WriteOnly Attribute Not Allowed" {
			return d
		}
	}

	return nil
}
