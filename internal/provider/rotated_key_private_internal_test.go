package provider

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
)

// A provider that dies during an update leaves a state without private data, and the next refresh
// may follow another record. Ours is the one of the receipt: the record in use may be that of the
// run that died, whose escrow copy is not in the state.
func TestPrivateKey_complete(t *testing.T) {
	t.Parallel()
	const ours, other = "02G000000000001AAA", "02G000000000002AAA"
	made := receipt.Receipt{
		Operation: receipt.Upload, Time: "2026-01-01T00:00:00Z", OrganizationID: "00D000000000001AAA", TenantSecretID: ours,
		Version:    7,
		RotationID: "9c1185a5.1", Source: keys.SourceUploaded, SecretValueHash: "hash",
	}.Encode()
	state := func(id, rotation string, text types.String) keyModel {
		return keyModel{
			TenantSecretID: types.StringValue(id), Version: types.Int64Value(9), Source: types.StringValue(keys.SourceHSM),
			RotationID:      stringOrNull(rotation),
			SecretValueHash: types.StringNull(), Receipt: text,
		}
	}
	remembered := keys.Ours{ID: other, RotationID: "00000000.3", Version: 8, Source: keys.SourceRemote}
	for name, tc := range map[string]struct {
		kept  keys.Ours
		state keyModel
		want  keys.Ours
	}{
		"private data lost": {
			state: state(ours, "9c1185a5.1", types.StringValue(made)),
			want:  keys.Ours{ID: ours, RotationID: "9c1185a5.1", Version: 7, Source: keys.SourceUploaded, Hash: "hash"},
		},
		"lost, and the refresh followed another record": {
			state: state(other, "00000000.9", types.StringValue(made)),
			want:  keys.Ours{ID: ours, RotationID: "9c1185a5.1", Version: 7, Source: keys.SourceUploaded, Hash: "hash"},
		},
		"lost, imported": {
			state: state(other, "", types.StringNull()),
			want:  keys.Ours{ID: other, Imported: true, Version: 9, Source: keys.SourceHSM},
		},
		"version 0 remembers the id": {
			kept: keys.Ours{ID: ours, RotationID: "9c1185a5.1"}, state: state(other, "", types.StringValue(made)),
			want: keys.Ours{ID: ours, RotationID: "9c1185a5.1", Version: 7, Source: keys.SourceUploaded, Hash: "hash"},
		},
		"all remembered": {kept: remembered, state: state(ours, "9c1185a5.1", types.StringValue(made)), want: remembered},
	} {
		kept := privateKey{ours: tc.kept}
		kept.complete(tc.state)
		if got := kept.ours; got.ID != tc.want.ID || got.RotationID != tc.want.RotationID || got.Version != tc.want.Version ||
			got.Source != tc.want.Source ||
			got.Hash != tc.want.Hash || got.Imported != tc.want.Imported {
			t.Errorf("%s: expected %+v, found %+v", name, tc.want, got)
		}
	}
}
