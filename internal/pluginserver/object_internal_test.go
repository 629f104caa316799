package pluginserver

import (
	"math/big"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

func TestObject(t *testing.T) {
	t.Parallel()

	kinds := map[string]tftypes.Type{
		"text": tftypes.String, "empty": tftypes.String, "null": tftypes.String, "unknown": tftypes.String,
		"number": tftypes.Number, "fraction": tftypes.Number, "no_number": tftypes.Number,
		"yes": tftypes.Bool, "no_bool": tftypes.Bool,
	}
	object := tftypes.Object{AttributeTypes: kinds}
	o := NewObject(tftypes.NewValue(object, map[string]tftypes.Value{
		"text": tftypes.NewValue(tftypes.String, "ARCHIVED"), "empty": tftypes.NewValue(tftypes.String, ""),
		"null":    tftypes.NewValue(tftypes.String, nil),
		"unknown": tftypes.NewValue(tftypes.String, tftypes.UnknownValue), "number": tftypes.NewValue(tftypes.Number, 2191),
		"fraction":  tftypes.NewValue(tftypes.Number, big.NewFloat(2191.5)),
		"no_number": tftypes.NewValue(tftypes.Number, nil),
		"yes":       tftypes.NewValue(tftypes.Bool, true), "no_bool": tftypes.NewValue(tftypes.Bool, nil),
	}))

	for name, want := range map[string]struct {
		text  string
		known bool
	}{
		"text": {"ARCHIVED", true}, "empty": {"", true}, "null": {"", true}, "unknown": {"", false}, "number": {"", false},
		"absent": {"", false},
	} {
		if text, known := o.Text(name); text != want.text || known != want.known {
			t.Errorf("%s: %q, %v", name, text, known)
		}
	}
	if !o.Is("text", "ARCHIVED") || o.Is("text", "ACTIVE") || o.Is("unknown", "") || o.Is("absent", "") {
		t.Error("equality of texts is wrong")
	}
	if !o.IsNumber("number", 2191) || o.IsNumber("number", 2192) || o.IsNumber("fraction", 2191) ||
		o.IsNumber("no_number", 0) || o.IsNumber("text", 0) || o.IsNumber("absent", 0) {
		t.Error("equality of numbers is wrong")
	}
	if !o.IsBool("yes", true) || o.IsBool("yes", false) || o.IsBool("no_bool", false) || o.IsBool("text", true) ||
		o.IsBool("absent", false) {
		t.Error("equality of truth values is wrong")
	}
	for name, value := range map[string]tftypes.Value{
		"null": tftypes.NewValue(object, nil), "unknown": tftypes.NewValue(object, tftypes.UnknownValue),
		"a text": tftypes.NewValue(tftypes.String, "x"),
	} {
		if got := NewObject(value); got.Is("text", "") || got != nil {
			t.Errorf("%s gives attributes: %v", name, got)
		}
	}
}

func TestIdentityValue(t *testing.T) {
	t.Parallel()

	o := NewObject(identityValue(map[string]string{"organization_id": "00D", "tenant_secret_id": "02G"}))
	if len(o) != 2 || !o.Is("organization_id", "00D") || !o.Is("tenant_secret_id", "02G") {
		t.Errorf("got %v", o)
	}
}
