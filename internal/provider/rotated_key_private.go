package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// The keys of private state. They are several because they are written by different calls: the
// record by create, update and import, the observation by each refresh, the certificate by create
// and update and by the first refresh that sees one.
const (
	privateRecord      = "record"
	privateObservation = "observation"
	privateWrapping    = "wrapping_certificate"
)

// privateKey is the private state of a key that is rotated in place.
type privateKey struct {
	ours     keys.Ours
	seen     keys.Observation
	wrapping wrapping
}

// wrapping is the certificate that a name stood for when we last looked on purpose.
type wrapping struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

type privateReader interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

type privateWriter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

// readPrivateKey reads what earlier calls have kept. What a state of an older version lacks is
// zero.
func readPrivateKey(ctx context.Context, from privateReader, diags *diag.Diagnostics) privateKey {
	kept := privateKey{seen: keys.Observation{HighestCounter: -1}}
	for key, target := range kept.entries() {
		text, getDiags := from.GetKey(ctx, key)
		diags.Append(getDiags...)
		if len(text) == 0 {
			continue
		}
		if err := json.Unmarshal(text, target); err != nil {
			diags.AddError("Private state can't be read",
				fmt.Sprintf("The entry %q that an earlier apply stored is not what this version of the provider writes: %s. "+
					"Import the key again (terraform state rm, then import); its record in Salesforce is not affected.", key, err))
		}
	}

	return kept
}

func (k *privateKey) entries() map[string]any {
	return map[string]any{privateRecord: &k.ours, privateObservation: &k.seen, privateWrapping: &k.wrapping}
}

func (k *privateKey) keep(ctx context.Context, to privateWriter, diags *diag.Diagnostics) {
	for _, key := range slices.Sorted(maps.Keys(k.entries())) {
		text, err := json.Marshal(k.entries()[key])
		if err != nil {
			diags.AddError("Private state can't be written", fmt.Sprintf("Internal error: the entry %q could not be encoded: "+
				"%s. Please report it.", key, err))

			continue
		}
		diags.Append(to.SetKey(ctx, key, text)...)
	}
}

// keepIfChanged writes what a refresh has changed: a refresh that changes nothing must leave the
// state as it is.
func (k *privateKey) keepIfChanged(ctx context.Context, to privateWriter, before privateKey, diags *diag.Diagnostics) {
	if k.seen != before.seen || k.wrapping != before.wrapping || k.ours.ID != before.ours.ID {
		k.keep(ctx, to, diags)
	}
}

// complete fills what private state does not remember of our record from the rest of the state:
// from the receipt, which is of our record whatever a refresh has followed, else from the
// attributes. A state of version 0 remembers less, and a provider that dies during an update leaves
// a state without private data.
func (k *privateKey) complete(state keyModel) {
	made, err := receipt.Parse(state.Receipt.ValueString())
	if k.ours.ID == "" && k.ours.RotationID == "" {
		k.ours.ID, k.ours.RotationID = made.TenantSecretID, made.RotationID
		if err != nil {
			// Nothing was uploaded for this state: its record was imported.
			k.ours.ID, k.ours.RotationID, k.ours.Imported = state.TenantSecretID.ValueString(), state.RotationID.ValueString(),
				true
		}
	}
	if k.ours.ID == "" || k.ours.Version != 0 {
		return
	}
	if err == nil && made.TenantSecretID == k.ours.ID {
		k.ours.Version, k.ours.Source, k.ours.Hash = made.Version, made.Source, made.SecretValueHash
	}
	if state.TenantSecretID.ValueString() == k.ours.ID && k.ours.Version == 0 {
		k.ours.Version, k.ours.Source, k.ours.Hash = state.Version.ValueInt64(), state.Source.ValueString(),
			state.SecretValueHash.ValueString()
	}
}

// remember keeps which certificate the configured name stands for, as the apply has it.
func (k *privateKey) remember(m keyModel) {
	if sum := m.WrappingCertificateSHA256.ValueString(); sum != "" {
		k.wrapping = wrapping{Name: m.Certificate.ValueString(), SHA256: sum}
	}
}

// rememberFirst keeps the certificate of a state that remembers none.
func (k *privateKey) rememberFirst(m keyModel) {
	if k.wrapping == (wrapping{}) {
		k.remember(m)
	}
}

// keepUnconfirmed keeps, beside the unchanged state, that a POST went out whose outcome nobody
// knows.
func (k *privateKey) keepUnconfirmed(ctx context.Context, resp *resource.UpdateResponse, err error) {
	sent, ok := errors.AsType[*upload.UnknownOutcomeError](err)
	if !ok {
		return
	}
	k.ours = k.ours.Unanswered(sent.RotationID, sent.SentAt.UTC(), sent.Hash)
	k.keep(ctx, resp.Private, &resp.Diagnostics)
}

// ownRecord is what is remembered of the record that a create or an update leaves.
func (r *rotatedKey) ownRecord(m keyModel, row keys.Record, id keys.RotationID, before keys.Ours) keys.Ours {
	ours := keys.Ours{
		ID: row.ID, RotationID: id.String(), Version: row.Version, Source: row.Source, Hash: row.Hash,
		Requests: m.inputs("", "").Requests(), Users: before.Users,
	}
	if user := r.data.knownUser(); user != "" && !slices.Contains(ours.Users, user) {
		ours.Users = append(slices.Clone(ours.Users), user)
	}

	return ours
}

// freshObservation is what a refresh right after an upload would see.
func freshObservation(id keys.RotationID) keys.Observation {
	return keys.Observation{ActiveMarker: id.String(), HighestCounter: id.Counter}
}
