package provider

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// keyModel is a key that is rotated in place: what is configured, the record in use, and the
// evidence of its upload. It is the model of salesforcebyok_tenant_secret; other kinds of key have
// a part of it.
type keyModel struct {
	Type                      types.String `tfsdk:"type"`
	Description               types.String `tfsdk:"description"`
	Source                    types.String `tfsdk:"source"`
	Certificate               types.String `tfsdk:"certificate"`
	CertificatePins           types.List   `tfsdk:"certificate_pins"`
	WrappingAlgorithm         types.String `tfsdk:"wrapping_algorithm"`
	KeyDerivationMode         types.String `tfsdk:"key_derivation_mode"`
	KeyMaterialWO             types.String `tfsdk:"key_material_wo"`
	KeyMaterialWOVersion      types.String `tfsdk:"key_material_wo_version"`
	WrappedKeyMaterial        types.String `tfsdk:"wrapped_key_material"`
	SecretValueHash           types.String `tfsdk:"secret_value_hash"`
	RotationTriggers          types.Map    `tfsdk:"rotation_triggers"`
	RotateAfterDays           types.Int64  `tfsdk:"rotate_after_days"`
	WarnBeforeDays            types.Int64  `tfsdk:"warn_before_days"`
	Escrow                    types.Object `tfsdk:"escrow"`
	RemoteKeyIdentifier       types.String `tfsdk:"remote_key_identifier"`
	RemoteKeyServiceID        types.String `tfsdk:"remote_key_service_id"`
	RemoteKeyCertificate      types.String `tfsdk:"remote_key_certificate"`
	DeletionPolicy            types.String `tfsdk:"deletion_policy"`
	OrganizationID            types.String `tfsdk:"organization_id"`
	TenantSecretID            types.String `tfsdk:"tenant_secret_id"`
	Version                   types.Int64  `tfsdk:"version"`
	Status                    types.String `tfsdk:"status"`
	CreatedDate               types.String `tfsdk:"created_date"`
	CreatedByID               types.String `tfsdk:"created_by_id"`
	LastModifiedDate          types.String `tfsdk:"last_modified_date"`
	RotationID                types.String `tfsdk:"rotation_id"`
	RotationDueDate           types.String `tfsdk:"rotation_due_date"`
	NextRotationAllowed       types.String `tfsdk:"next_rotation_allowed_date"`
	EscrowCiphertext          types.String `tfsdk:"escrow_ciphertext"`
	KeyCheckValue             types.String `tfsdk:"key_check_value"`
	CertificateSHA256         types.String `tfsdk:"certificate_sha256"`
	WrappingCertificateSHA256 types.String `tfsdk:"wrapping_certificate_sha256"`
	Receipt                   types.String `tfsdk:"receipt"`
}

// importedKey is a key as an import finds it: the defaults, and no inputs.
func importedKey(row keys.Record, data *Data) keyModel {
	m := keyModel{
		Type: types.StringValue(configuredType(row)), DeletionPolicy: types.StringValue(policyAbandon),
		CertificatePins:  types.ListNull(types.StringType),
		RotationTriggers: types.MapNull(types.StringType), Escrow: types.ObjectNull(escrowAttributeTypes()),
	}
	m.refresh(row, data, keys.Ours{})

	return m
}

// configuredType is the type that a configuration has for a record.
func configuredType(row keys.Record) string {
	if row.Type == keys.TypeDataKey {
		return keys.TypeSearchIndex
	}

	return row.Type
}

// fromResult fills the model after an upload or an adoption, which leave a record that is ours.
func (m *keyModel) fromResult(result upload.Result, data *Data) {
	m.populateRecord(result.Record, data)
	m.RotationID = stringOrNull(result.RotationID.String())
	if m.SecretValueHash.IsUnknown() {
		m.SecretValueHash = stringOrNull(cmp.Or(result.Hash, result.Record.Hash))
	}
	m.EscrowCiphertext = stringOrNull(result.EscrowCiphertext)
	m.KeyCheckValue = stringOrNull(result.KeyCheckValue)
	m.Receipt = stringOrNull(result.Receipt())
	if m.CertificateSHA256.IsUnknown() {
		m.CertificateSHA256 = stringOrNull(result.CertificateSHA256)
	}
	if m.WrappingCertificateSHA256.IsUnknown() {
		m.WrappingCertificateSHA256 = stringOrNull(result.CertificateSHA256)
	}
}

// populateRecord fills what every reading of the record shows. What could not be read back yet is
// null.
func (m *keyModel) populateRecord(row keys.Record, data *Data) {
	m.OrganizationID = types.StringValue(data.Session.OrganizationID)
	m.TenantSecretID = stringOrNull(row.ID)
	m.Version = types.Int64Null()
	if row.Version != 0 {
		m.Version = types.Int64Value(row.Version)
	}
	m.Status = stringOrNull(row.Status)
	m.CreatedDate, m.CreatedByID, m.LastModifiedDate = timeOrNull(row.CreatedDate), stringOrNull(row.CreatedBy),
		timeOrNull(row.LastModifiedDate)
	m.RotationDueDate = dueDate(m.CreatedDate, m.RotateAfterDays)
	m.NextRotationAllowed = types.StringNull()
	if next, ok := keys.NextAllowed(row.Type, data.sandbox(), row.CreatedDate); ok {
		m.NextRotationAllowed = timeOrNull(next)
	}
}

// refresh follows the record that is in use now. For the one that the last apply left, what was
// sent is what counts in fields that Salesforce may read back in another form.
func (m *keyModel) refresh(row keys.Record, data *Data, ours keys.Ours) {
	m.populateRecord(row, data)
	if row.Type == keys.TypeDataKey {
		if !row.Is(ours.ID) {
			m.SecretValueHash = types.StringNull()
		}
	} else {
		m.SecretValueHash = stringOrNull(row.Hash)
	}
	if !row.Is(ours.ID) && row.Version > ours.Version {
		// They are of the key before.
		m.KeyCheckValue, m.CertificateSHA256 = types.StringNull(), types.StringNull()
	}
	// Salesforce keeps no spaces around a text.
	text, _ := keys.ParseDescription(row.Description)
	if strings.TrimSpace(text) != strings.TrimSpace(m.Description.ValueString()) {
		m.Description = stringOrNull(text)
	}
	m.Source = types.StringValue(row.Source)
	// Of a cache-only key no mode is ever sent, and what it reads back is not documented.
	if row.KeyDerivationMode != "" && row.Source != keys.SourceRemote &&
		(m.KeyDerivationMode.IsNull() || ours.Imported || !row.Is(ours.ID)) {
		m.KeyDerivationMode = types.StringValue(row.KeyDerivationMode)
	}
	// Null for an uploaded key, and then null in state: what is configured for another source is a
	// mistake that validation has found.
	m.RemoteKeyIdentifier = stringOrNull(row.RemoteKeyIdentifier)
	if !(keys.Record{ID: row.RemoteKeyServiceID}).Is(m.RemoteKeyServiceID.ValueString()) {
		m.RemoteKeyServiceID = stringOrNull(row.RemoteKeyServiceID)
	}
	m.RemoteKeyCertificate = stringOrNull(row.RemoteKeyCertificate)
}

// keepEvidence keeps what the state has of the very record that was adopted: the evidence of its
// upload, and perhaps its only escrow copy.
func (m *keyModel) keepEvidence(state keyModel) {
	for _, v := range []struct {
		now    *types.String
		before types.String
	}{
		{&m.EscrowCiphertext, state.EscrowCiphertext},
		{&m.KeyCheckValue, state.KeyCheckValue},
		{&m.CertificateSHA256, state.CertificateSHA256},
	} {
		if !v.before.IsNull() {
			*v.now = v.before
		}
	}
}

// keepPlanned keeps what the plan has promised of the evidence: the core takes another value for a
// bug.
func (m *keyModel) keepPlanned(planned keyModel) {
	for _, v := range []struct{ is, promised *types.String }{
		{&m.EscrowCiphertext, &planned.EscrowCiphertext},
		{&m.KeyCheckValue, &planned.KeyCheckValue},
		{&m.CertificateSHA256, &planned.CertificateSHA256},
	} {
		if !v.promised.IsUnknown() {
			*v.is = *v.promised
		}
	}
}

// wrapsNothing reports whether no certificate of the configuration wraps the key.
func (m *keyModel) wrapsNothing() bool {
	return m.Certificate.IsNull() || (!m.Source.IsUnknown() && m.Source.ValueString() != keys.SourceUploaded)
}

// dueDate returns when a key created at an RFC 3339 time reaches an age in days: null without an
// age, unknown while that is.
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

// inputs returns the configured values that mean "a new key", from a plan whose values are known.
func (m *keyModel) inputs(organization, recordType string) keys.Inputs {
	in := keys.Inputs{
		Organization: organization, Type: recordType, Source: m.Source.ValueString(),
		KeyDerivationMode: m.KeyDerivationMode.ValueString(),
		MaterialVersion:   m.KeyMaterialWOVersion.ValueStringPointer(), Triggers: triggersOf(m.RotationTriggers),
		RemoteKeyIdentifier: m.RemoteKeyIdentifier.ValueStringPointer(),
	}
	if recordType == keys.TypeDataKey {
		in.Source = keys.SourceUploaded
	}

	return in
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

// unknownInputs names the inputs that decide on a rotation and are not known.
func (m *keyModel) unknownInputs(config keyModel) []string {
	var names []string
	for _, v := range []struct {
		name  string
		value attr.Value
	}{
		{"type", m.Type},
		{"source", m.Source},
		{"key_derivation_mode", m.KeyDerivationMode},
		{"key_material_wo_version", m.KeyMaterialWOVersion},
		{"remote_key_identifier", m.RemoteKeyIdentifier},
		{"rotate_after_days", m.RotateAfterDays},
		{"secret_value_hash", config.SecretValueHash},
	} {
		if v.value.IsUnknown() {
			names = append(names, v.name)
		}
	}
	unknown := func(v attr.Value) bool { return v.IsUnknown() }
	if m.RotationTriggers.IsUnknown() || slices.ContainsFunc(elementsOf(m.RotationTriggers), unknown) {
		names = append(names, "rotation_triggers")
	}

	return names
}

// elementsOf returns the elements of a map: one with an unknown element is not unknown itself.
func elementsOf(m types.Map) []attr.Value {
	var values []attr.Value
	for _, v := range m.Elements() {
		values = append(values, v)
	}

	return values
}

// known is the prior state as the planner sees it.
func (m *keyModel) known(kept privateKey) keys.Known {
	known := keys.Known{
		ActiveID: m.TenantSecretID.ValueString(), Status: m.Status.ValueString(), Hash: m.SecretValueHash.ValueString(),
		Source:            m.Source.ValueString(),
		KeyDerivationMode: m.KeyDerivationMode.ValueString(), Ours: kept.ours, Seen: kept.seen,
	}

	return known
}

// planned is what a plan has announced, over the record that it saw in use.
func (m *keyModel) planned(over keys.Record) upload.Planned {
	return upload.Planned{
		Adopts: m.TenantSecretID.ValueString(), Over: over.ID, OverLost: over.Lost(),
		Certificate: m.WrappingCertificateSHA256.ValueString(),
	}
}

// inUse is the record in use, as far as a newer key matters to it.
func (m *keyModel) inUse() keys.Record {
	return keys.Record{ID: m.TenantSecretID.ValueString(), Source: m.Source.ValueString(), Status: m.Status.ValueString()}
}

// pins returns the configured certificate_pins, if they are known.
func (m *keyModel) pins() []string { return stringsIn(m.CertificatePins) }

// algorithm is the configured wrapping algorithm.
func (m *keyModel) algorithm() byok.WrappingAlgorithm {
	return byok.WrappingAlgorithm(m.WrappingAlgorithm.ValueString())
}
