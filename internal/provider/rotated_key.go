package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// rotatedKeyModel is what every key that is rotated in place has: what asks for a rotation, the record in use, and the evidence of its
// upload.
type rotatedKeyModel struct {
	KeyMaterialWO        types.String `tfsdk:"key_material_wo"`
	KeyMaterialWOVersion types.String `tfsdk:"key_material_wo_version"`
	RotationTriggers     types.Map    `tfsdk:"rotation_triggers"`
	RotateAfterDays      types.Int64  `tfsdk:"rotate_after_days"`
	Escrow               types.Object `tfsdk:"escrow"`
	DeletionPolicy       types.String `tfsdk:"deletion_policy"`
	OrganizationID       types.String `tfsdk:"organization_id"`
	Version              types.Int64  `tfsdk:"version"`
	Status               types.String `tfsdk:"status"`
	CreatedDate          types.String `tfsdk:"created_date"`
	RotationID           types.String `tfsdk:"rotation_id"`
	RotationDueDate      types.String `tfsdk:"rotation_due_date"`
	NextRotationAllowed  types.String `tfsdk:"next_rotation_allowed_date"`
	SecretValueHash      types.String `tfsdk:"secret_value_hash"`
	EscrowCiphertext     types.String `tfsdk:"escrow_ciphertext"`
	KeyCheckValue        types.String `tfsdk:"key_check_value"`
	CertificateSHA256    types.String `tfsdk:"certificate_sha256"`
	Receipt              types.String `tfsdk:"receipt"`
}

// importedKey is what an import can't read: the defaults, and no inputs.
func importedKey() rotatedKeyModel {
	return rotatedKeyModel{
		DeletionPolicy: types.StringValue(policyAbandon), RotationTriggers: types.MapNull(types.StringType), Escrow: types.ObjectNull(escrowAttributeTypes()),
	}
}

// populateRecord fills what every reading of the record tells. What could not be read back yet is null.
func (m *rotatedKeyModel) populateRecord(row salesforce.TenantSecret, data *Data) {
	m.OrganizationID = types.StringValue(data.Session.OrganizationID)
	m.Version = types.Int64Null()
	if row.Version != 0 {
		m.Version = types.Int64Value(row.Version)
	}
	m.Status = stringOrNull(row.Status)
	m.CreatedDate = timeOrNull(row.CreatedDate)
	m.RotationDueDate = dueDate(m.CreatedDate, m.RotateAfterDays)
	m.NextRotationAllowed = types.StringNull()
	if next, ok := keys.NextAllowed(row.Type, data.sandbox(), row.CreatedDate); ok {
		m.NextRotationAllowed = timeOrNull(next)
	}
}

// populateEvidence fills what only the run that uploaded or adopted the key can know.
func (m *rotatedKeyModel) populateEvidence(result upload.Result) {
	m.EscrowCiphertext = stringOrNull(result.EscrowCiphertext)
	m.KeyCheckValue = stringOrNull(result.KeyCheckValue)
	m.CertificateSHA256 = stringOrNull(result.CertificateSHA256)
	m.Receipt = stringOrNull(result.Receipt)
}

// keepEvidence keeps what the state has of the very record that was adopted: the evidence of its upload, and perhaps its only escrow copy.
func (m *rotatedKeyModel) keepEvidence(state rotatedKeyModel) {
	for _, v := range []struct {
		now    *types.String
		before types.String
	}{
		{&m.EscrowCiphertext, state.EscrowCiphertext},
		{&m.KeyCheckValue, state.KeyCheckValue},
		{&m.CertificateSHA256, state.CertificateSHA256},
		{&m.Receipt, state.Receipt},
	} {
		if !v.before.IsNull() {
			*v.now = v.before
		}
	}
}

// planNew plans the computed values of a record that is still to be made by an upload.
func (m *rotatedKeyModel) planNew() {
	m.Version, m.Status, m.CreatedDate = types.Int64Unknown(), types.StringUnknown(), types.StringUnknown()
	m.NextRotationAllowed, m.SecretValueHash, m.Receipt = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
	m.KeyCheckValue, m.CertificateSHA256 = types.StringUnknown(), types.StringUnknown()
	m.RotationDueDate, m.EscrowCiphertext = types.StringNull(), types.StringNull()
	if !m.RotateAfterDays.IsNull() {
		m.RotationDueDate = types.StringUnknown()
	}
	if !m.Escrow.IsNull() {
		m.EscrowCiphertext = types.StringUnknown()
	}
}

// planUndecided leaves open what a rotation would set to null: the record may stay, and with it what is known of its making.
func (m *rotatedKeyModel) planUndecided() {
	m.EscrowCiphertext, m.KeyCheckValue, m.CertificateSHA256 = types.StringUnknown(), types.StringUnknown(), types.StringUnknown()
}

// keepRecord plans the computed values of the record that stays. What it means to a pin and to a marker is left to the resource.
func (m *rotatedKeyModel) keepRecord(state rotatedKeyModel) {
	m.OrganizationID, m.Version, m.Status, m.CreatedDate = state.OrganizationID, state.Version, state.Status, state.CreatedDate
	m.NextRotationAllowed, m.EscrowCiphertext, m.KeyCheckValue = state.NextRotationAllowed, state.EscrowCiphertext, state.KeyCheckValue
	m.CertificateSHA256, m.Receipt = state.CertificateSHA256, state.Receipt
	m.RotationDueDate = dueDate(state.CreatedDate, m.RotateAfterDays)
}
