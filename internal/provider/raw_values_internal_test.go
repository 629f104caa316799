package provider

import (
	"maps"
	"math/big"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

func TestRawObject(t *testing.T) {
	t.Parallel()

	kinds := map[string]tftypes.Type{
		"text": tftypes.String, "empty": tftypes.String, "null": tftypes.String, "unknown": tftypes.String, "number": tftypes.Number, "fraction": tftypes.Number, "no_number": tftypes.Number,
	}
	object := tftypes.Object{AttributeTypes: kinds}
	o := newRawObject(tftypes.NewValue(object, map[string]tftypes.Value{
		"text": tftypes.NewValue(tftypes.String, "ARCHIVED"), "empty": tftypes.NewValue(tftypes.String, ""), "null": tftypes.NewValue(tftypes.String, nil),
		"unknown": tftypes.NewValue(tftypes.String, tftypes.UnknownValue), "number": tftypes.NewValue(tftypes.Number, 2191),
		"fraction": tftypes.NewValue(tftypes.Number, big.NewFloat(2191.5)), "no_number": tftypes.NewValue(tftypes.Number, nil),
	}))

	for name, want := range map[string]struct {
		text  string
		known bool
	}{"text": {"ARCHIVED", true}, "empty": {"", true}, "null": {"", true}, "unknown": {"", false}, "number": {"", false}, "absent": {"", false}} {
		if text, known := o.text(name); text != want.text || known != want.known {
			t.Errorf("%s: %q, %v", name, text, known)
		}
	}
	if !o.is("text", "ARCHIVED") || o.is("text", "ACTIVE") || o.is("unknown", "") || o.is("absent", "") {
		t.Error("equality of texts is wrong")
	}
	if !o.isNumber("number", 2191) || o.isNumber("number", 2192) || o.isNumber("fraction", 2191) || o.isNumber("no_number", 0) || o.isNumber("text", 0) || o.isNumber("absent", 0) {
		t.Error("equality of numbers is wrong")
	}
	for name, value := range map[string]tftypes.Value{
		"null": tftypes.NewValue(object, nil), "unknown": tftypes.NewValue(object, tftypes.UnknownValue), "a text": tftypes.NewValue(tftypes.String, "x"),
	} {
		if got := newRawObject(value); got.is("text", "") || got != nil {
			t.Errorf("%s gives attributes: %v", name, got)
		}
	}
}

func TestIdentityValue(t *testing.T) {
	t.Parallel()

	o := newRawObject(identityValue(map[string]string{"organization_id": "00D", "tenant_secret_id": "02G"}))
	if len(o) != 2 || !o.is("organization_id", "00D") || !o.is("tenant_secret_id", "02G") {
		t.Errorf("got %v", o)
	}
}

func TestSettledVersionsNeedNoPlan(t *testing.T) {
	t.Parallel()

	settled := map[string]string{
		"status": "ARCHIVED", "desired_status": "ARCHIVED", "backup": "STATE", "exported_secret_value": "CgMyMzI=", "source": "UPLOADED", "type": "Data",
	}
	for name, tc := range map[string]struct {
		change map[string]string
		want   bool
	}{
		"as wanted":                       {nil, true},
		"another status":                  {map[string]string{"status": "DESTROYED"}, false},
		"no export yet":                   {map[string]string{"exported_secret_value": ""}, false},
		"nothing to keep":                 {map[string]string{"exported_secret_value": "", "backup": "NONE"}, true},
		"an export that must be dropped":  {map[string]string{"backup": "NONE"}, false},
		"destroyed, its export held":      {map[string]string{"status": "DESTROYED", "desired_status": "DESTROYED"}, true},
		"destroyed, nothing to export":    {map[string]string{"status": "DESTROYED", "desired_status": "DESTROYED", "exported_secret_value": ""}, true},
		"cache-only, which has no export": {map[string]string{"source": "REMOTE", "status": "ACTIVE", "desired_status": "ACTIVE", "exported_secret_value": ""}, true},
		"a key that is ACTIVE":            {map[string]string{"status": "ACTIVE", "desired_status": "ACTIVE"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			fields := maps.Clone(settled)
			maps.Copy(fields, tc.change)
			if got := versionIsAsWanted(newRawObject(identityValue(fields))); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
	if versionIsAsWanted(nil) {
		t.Error("no object is settled")
	}
}
