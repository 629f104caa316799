package provider

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

func escrowAttributeTypes() map[string]attr.Type {
	return map[string]attr.Type{"age_recipients": types.ListType{ElemType: types.StringType}, "directory": types.StringType}
}

func (m *tenantSecretModel) identity() tenantSecretIdentity {
	return tenantSecretIdentity{OrganizationID: m.OrganizationID, Type: m.Type}
}

// populate fills the model after an upload or an adoption, which leave a record that is ours.
func (m *tenantSecretModel) populate(row salesforce.TenantSecret, data *Data, id keys.RotationID) {
	m.populateRecord(row, data)
	m.RotationID = stringOrNull(id.String())
	if m.SecretValueHash.IsUnknown() {
		m.SecretValueHash = hashOrNull(row.SecretValueHash)
	}
}

// populateRecord fills what every reading of the record tells.
func (m *tenantSecretModel) populateRecord(row salesforce.TenantSecret, data *Data) {
	m.rotatedKeyModel.populateRecord(row, data)
	m.TenantSecretID = types.StringValue(row.ID)
	m.CreatedByID = stringOrNull(row.CreatedByID)
	m.LastModifiedDate = timeOrNull(row.LastModifiedDate)
}

// refresh follows the record that is ACTIVE now. own is true where it is the one that the last apply left: then what was sent is what
// counts for fields that Salesforce may read back in another form.
func (m *tenantSecretModel) refresh(row salesforce.TenantSecret, data *Data, own bool) {
	m.populateRecord(row, data)
	m.SecretValueHash = hashOrNull(row.SecretValueHash)
	// Salesforce keeps no spaces around a text.
	if text, _ := keys.ParseDescription(row.Description); strings.TrimSpace(text) != strings.TrimSpace(m.Description.ValueString()) {
		m.Description = stringOrNull(text)
	}
	m.Source = types.StringValue(row.Source)
	if !own && row.KeyDerivationMode != "" {
		m.KeyDerivationMode = types.StringValue(row.KeyDerivationMode)
	}
	if m.KeyDerivationMode.IsNull() {
		m.KeyDerivationMode = stringOrNull(row.KeyDerivationMode)
	}
	// Null for an uploaded key, and then null in state: what is configured for another source is a mistake that validation has found.
	m.RemoteKeyIdentifier = stringOrNull(row.RemoteKeyIdentifier)
	if !salesforce.SameID(m.RemoteKeyServiceID.ValueString(), row.RemoteKeyServiceID) {
		m.RemoteKeyServiceID = stringOrNull(row.RemoteKeyServiceID)
	}
	m.RemoteKeyCertificate = stringOrNull(row.RemoteKeyCertificate)
}

// inputs returns the configured values that mean "a new key", from a plan whose values are known.
func (m *tenantSecretModel) inputs() keys.Inputs {
	return keys.Inputs{
		Type: m.Type.ValueString(), Source: m.Source.ValueString(), KeyDerivationMode: m.KeyDerivationMode.ValueString(),
		MaterialVersion: m.KeyMaterialWOVersion.ValueStringPointer(), Triggers: triggersOf(m.RotationTriggers),
		RemoteKeyIdentifier: m.RemoteKeyIdentifier.ValueStringPointer(),
	}
}

// triggersOf returns the elements of a known rotation_triggers.
func triggersOf(triggers types.Map) map[string]*string {
	named := make(map[string]*string, len(triggers.Elements()))
	for name, value := range triggers.Elements() {
		if text, ok := value.(types.String); ok {
			named[name] = text.ValueStringPointer()
		}
	}

	return named
}

// triggersKnown reports whether rotation_triggers and each of its values is known.
func triggersKnown(triggers types.Map) bool {
	for _, v := range triggers.Elements() {
		if v.IsUnknown() {
			return false
		}
	}

	return !triggers.IsUnknown()
}

// dueDate returns when a key created at an RFC 3339 time reaches an age in days: null without an age, unknown while that is.
func dueDate(created types.String, days types.Int64) types.String {
	if days.IsUnknown() {
		return types.StringUnknown()
	}
	at, err := time.Parse(time.RFC3339, created.ValueString())
	if err != nil || days.IsNull() {
		return types.StringNull()
	}

	return timeOrNull(keys.Due(at, days.ValueInt64()))
}

// inputsKnown reports whether every value that decides on a rotation is known.
func (m *tenantSecretModel) inputsKnown(config tenantSecretModel) bool {
	for _, v := range []attr.Value{
		m.Type, m.Source, m.KeyDerivationMode, m.KeyMaterialWOVersion, m.RemoteKeyIdentifier, m.RotateAfterDays, config.SecretValueHash,
	} {
		if v.IsUnknown() {
			return false
		}
	}

	return triggersKnown(m.RotationTriggers)
}

// desired is what the configuration asks for. The pin is the configured hash at plan, and the planned one at apply: what ignore_changes holds
// back stands in the configuration of an apply again.
func (m *tenantSecretModel) desired(pin types.String) keys.Desired {
	return keys.Desired{Inputs: m.inputs(), Pin: pin.ValueString(), RotateAfterDays: m.RotateAfterDays.ValueInt64()}
}

// known is the prior state as the planner sees it.
func (m *tenantSecretModel) known(ours keys.Ours, seen keys.Observation) keys.Known {
	return keys.Known{
		ActiveID: m.TenantSecretID.ValueString(), Hash: m.SecretValueHash.ValueString(), Source: m.Source.ValueString(),
		KeyDerivationMode: m.KeyDerivationMode.ValueString(), Ours: ours, Seen: seen,
	}
}

// request turns a plan and its configuration, which alone has write-only values, into a rotation.
func (m *tenantSecretModel) request(ctx context.Context, config tenantSecretModel, diags *diag.Diagnostics) (upload.Request, bool) {
	in := m.inputs()
	request := upload.Request{
		Type: in.Type, Source: in.Source, Description: m.Description.ValueString(), KeyDerivationMode: in.KeyDerivationMode,
		Fingerprint: in.Fingerprint(),
		Certificate: m.Certificate.ValueString(), Algorithm: byok.WrappingAlgorithm(m.WrappingAlgorithm.ValueString()),
		Pin: m.SecretValueHash.ValueString(), Wrapped: m.WrappedKeyMaterial.ValueString(),
		RemoteKeyIdentifier: m.RemoteKeyIdentifier.ValueString(), RemoteKeyServiceID: m.RemoteKeyServiceID.ValueString(),
		RemoteKeyCertificate: m.RemoteKeyCertificate.ValueString(),
	}
	if in.Source != upload.SourceUploaded {
		return request, true
	}
	if err := request.Algorithm.Usable(); err != nil {
		diags.AddAttributeError(path.Root("wrapping_algorithm"), "Wrapping algorithm can't be used here", opening(err)+" Nothing was sent.")

		return request, false
	}
	if !config.KeyMaterialWO.IsNull() {
		var ok bool
		if request.Material, ok = takeMaterial(config.KeyMaterialWO, diags); !ok {
			return request, false
		}
	}
	request.Escrow = escrowOf(ctx, m.Escrow, diags)
	if diags.HasError() {
		request.Material.Destroy()

		return request, false
	}

	return request, true
}

// escrowOf reads the escrow attribute; nil for none, or with an error in diags.
func escrowOf(ctx context.Context, value types.Object, diags *diag.Diagnostics) *upload.Escrow {
	if value.IsNull() {
		return nil
	}
	var model escrowModel
	var names []string
	diags.Append(value.As(ctx, &model, objectAsOptions)...)
	diags.Append(model.AgeRecipients.ElementsAs(ctx, &names, false)...)
	if diags.HasError() {
		return nil
	}
	at := path.Root("escrow")
	recipients, err := escrow.NewPlan(names)
	if err != nil {
		diags.AddAttributeError(at.AtName("age_recipients"), "Escrow recipients are not usable", opening(err)+" Nothing was sent.")

		return nil
	}
	if notice := escrow.FIPSNotice(); notice != "" {
		diags.AddAttributeWarning(at, "Escrow copies are made outside FIPS 140-3", notice)
	}
	keeper := &upload.Escrow{Plan: recipients}
	if name := model.Directory.ValueString(); name != "" {
		keeper.Directory, err = escrow.OpenDirectory(name)
		if err != nil {
			diags.AddAttributeError(at.AtName("directory"), "Escrow directory is not usable", opening(err)+" Nothing was sent.")

			return nil
		}
	}

	return keeper
}

// sandbox reports whether the org is known to be a sandbox. It decides only on dates that are shown.
func (d *Data) sandbox() bool { return d.Session.Sandbox }

func activeTypes(records []salesforce.TenantSecret) func(string) bool {
	return func(typ string) bool {
		_, ok := upload.Active(records, typ)

		return ok
	}
}

// countKeys counts the keys of a type that the cap counts.
func countKeys(records []salesforce.TenantSecret, typ string) int {
	n := 0
	for _, r := range records {
		if r.Type == typ && (r.Status == "ACTIVE" || r.Status == "ARCHIVED") {
			n++
		}
	}

	return n
}

// intervalWords renders the interval of a type, such as "24 hours" or "7 days".
func intervalWords(typ string, sandbox bool) string {
	interval, _ := keys.Interval(typ, sandbox)
	if days := int(interval / (24 * time.Hour)); days > 1 {
		return fmt.Sprintf("%d days", days)
	}

	return fmt.Sprintf("%d hours", int(interval/time.Hour))
}

// ownRecord is what is remembered of the record that a create or an update leaves.
func ownRecord(row salesforce.TenantSecret, id keys.RotationID) keys.Ours {
	return keys.Ours{ID: row.ID, RotationID: id.String()}
}

// freshObservation is what a refresh right after an upload would see.
func freshObservation(id keys.RotationID) keys.Observation {
	return keys.Observation{ActiveMarker: id.String(), HighestCounter: id.Counter}
}

// observe records what the planner may use of a refresh: of the record in use, of the Descriptions of all of its type, and of the org's time.
func observe(row salesforce.TenantSecret, descriptions []string, now time.Time) keys.Observation {
	_, marker := keys.ParseDescription(row.Description)
	highest, found := keys.HighestCounter(descriptions)
	if !found {
		highest = -1
	}

	return keys.Observation{AgeDays: keys.AgeDays(row.CreatedDate, now), ActiveMarker: marker.String(), HighestCounter: highest}
}

// The keys of private state. They are two because they are written by different calls: the record by create, update and import, the
// observation by each refresh.
const (
	privateRecord      = "record"
	privateObservation = "observation"
)

type privateReader interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}

type privateWriter interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}

func readPrivate(ctx context.Context, from privateReader, diags *diag.Diagnostics) (keys.Ours, keys.Observation) {
	var ours keys.Ours
	seen := keys.Observation{HighestCounter: -1}
	for key, target := range map[string]any{privateRecord: &ours, privateObservation: &seen} {
		text, getDiags := from.GetKey(ctx, key)
		diags.Append(getDiags...)
		if len(text) == 0 {
			continue
		}
		if err := json.Unmarshal(text, target); err != nil {
			diags.AddError("Private state can't be read",
				fmt.Sprintf("The entry %q that an earlier apply stored is not what this version of the provider writes: %s. Import the key anew (terraform state rm, then import); "+
					"its record in Salesforce is not affected.", key, err))
		}
	}

	return ours, seen
}

func keepPrivate(ctx context.Context, to privateWriter, ours keys.Ours, seen keys.Observation, diags *diag.Diagnostics) {
	for key, value := range map[string]any{privateRecord: ours, privateObservation: seen} {
		text, err := json.Marshal(value)
		if err != nil {
			diags.AddError("Private state can't be written", fmt.Sprintf("The entry %q could not be encoded: %s. This is a bug of the provider.", key, err))

			continue
		}
		diags.Append(to.SetKey(ctx, key, text)...)
	}
}
