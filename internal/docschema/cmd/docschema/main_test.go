package main

import (
	"bytes"
	"encoding/json"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
)

func TestRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	var schemas tfjson.ProviderSchemas // its decoder checks the format version
	if err := json.Unmarshal(out.Bytes(), &schemas); err != nil {
		t.Fatal(err)
	}
	schema, ok := schemas.Schemas[name]
	if !ok {
		t.Fatalf("no provider %q in %d schemas", name, len(schemas.Schemas))
	}
	key, ok := schema.ResourceSchemas["salesforcebyok_tenant_secret"]
	if !ok {
		t.Fatal("no resource salesforcebyok_tenant_secret")
	}
	if attr := key.Block.Attributes["key_material_wo"]; attr == nil || !attr.WriteOnly {
		t.Errorf("key_material_wo is %+v; want it write-only", attr)
	}
	if identity := schema.ResourceIdentitySchemas["salesforcebyok_tenant_secret"]; identity == nil {
		t.Error("no identity of salesforcebyok_tenant_secret")
	}
}
