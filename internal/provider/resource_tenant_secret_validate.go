package provider

import (
	"cmp"
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
)

// ValidateConfig checks what depends on more than one attribute.
func (r *tenantSecretResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest,
	resp *resource.ValidateConfigResponse,
) {
	var config keyModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() || config.Source.IsUnknown() {
		return
	}
	switch config.Source.ValueString() {
	case keys.SourceHSM:
		config.refuse(keys.SourceHSM, "Salesforce generates the key", &resp.Diagnostics,
			"certificate", "certificate_pins", "wrapping_algorithm", "key_material_wo", "key_material_wo_version",
			"wrapped_key_material", "secret_value_hash", "escrow",
			"remote_key_identifier", "remote_key_service_id", "remote_key_certificate")
	case keys.SourceRemote:
		config.refuse(keys.SourceRemote, "Salesforce fetches the key from the key service", &resp.Diagnostics,
			"certificate", "certificate_pins", "wrapping_algorithm", "key_material_wo", "key_material_wo_version",
			"wrapped_key_material", "secret_value_hash", "escrow")
		config.require(keys.SourceRemote, &resp.Diagnostics, "remote_key_identifier", "remote_key_service_id",
			"remote_key_certificate")
	default:
		config.refuse(keys.SourceUploaded, "the key is uploaded", &resp.Diagnostics, "remote_key_identifier",
			"remote_key_service_id", "remote_key_certificate")
		config.validateMaterial(&resp.Diagnostics)
	}
	config.validateCombination(&resp.Diagnostics)
	if !resp.Diagnostics.HasError() {
		checkEscrow(ctx, config.Escrow, &resp.Diagnostics)
	}
}

// attributes returns the configured values that the rules below speak of, by name.
func (m *keyModel) attributes() map[string]attr.Value {
	return map[string]attr.Value{
		"certificate": m.Certificate, "certificate_pins": m.CertificatePins,
		"wrapping_algorithm": m.WrappingAlgorithm, "key_material_wo": m.KeyMaterialWO,
		"key_material_wo_version": m.KeyMaterialWOVersion, "wrapped_key_material": m.WrappedKeyMaterial,
		"secret_value_hash": m.SecretValueHash,
		"escrow":            m.Escrow, "remote_key_identifier": m.RemoteKeyIdentifier,
		"remote_key_service_id":  m.RemoteKeyServiceID,
		"remote_key_certificate": m.RemoteKeyCertificate,
	}
}

// isGiven reports whether an attribute has a value for certain. An unknown one may turn out to be
// null, as a variable without a value is while the configuration is validated; it is judged when it
// is known.
func isGiven(v attr.Value) bool { return !v.IsNull() && !v.IsUnknown() }

func (m *keyModel) refuse(source, because string, diags *diag.Diagnostics, names ...string) {
	values := m.attributes()
	for _, name := range names {
		if isGiven(values[name]) {
			addProblem(diags, misfit(source, because, name))
		}
	}
}

// misfit refuses an attribute that means nothing for a source.
func misfit(source, because, name string) *problem.Problem {
	return problem.New(name, "Attribute does not fit the source", "%s does not apply to source = %q: %s. Nothing was "+
		"sent. Remove it, or change source.", name, source, because)
}

func (m *keyModel) require(source string, diags *diag.Diagnostics, names ...string) {
	values := m.attributes()
	for _, name := range names {
		if values[name].IsNull() {
			addProblem(diags, missing(source, name))
		}
	}
}

func missing(source, name string) *problem.Problem {
	return problem.New(name, "Attribute is missing for the source",
		"%s is required with source = %q, found none. Nothing was sent. Set it.", name, source)
}

// missingCertificate refuses to make a key without the certificate that wraps it, which validation
// leaves open: no import can read it back, so a configuration generated for a key in use has
// none.
func (m *keyModel) missingCertificate() *problem.Problem {
	if m.Source.ValueString() != keys.SourceUploaded || !m.Certificate.IsNull() {
		return nil
	}

	return missing(keys.SourceUploaded, "certificate")
}

// validateMaterial checks the three ways to come by an uploaded key: generated, given, wrapped
// elsewhere.
func (m *keyModel) validateMaterial(diags *diag.Diagnostics) {
	given, wrapped := isGiven(m.KeyMaterialWO), isGiven(m.WrappedKeyMaterial)
	if given && wrapped {
		diags.AddAttributeError(path.Root("wrapped_key_material"), "Two kinds of key material",
			"Expected key_material_wo (plaintext, wrapped here) or wrapped_key_material (wrapped elsewhere), found both. "+
				"Remove one of them. Nothing was sent.")
	}
	checkMaterialVersion(m.KeyMaterialWO, m.KeyMaterialWOVersion, diags)
	if wrapped && m.SecretValueHash.IsNull() {
		diags.AddAttributeError(path.Root("secret_value_hash"), "Wrapped key material without its hash",
			"wrapped_key_material is ciphertext, so the SHA-256 of its plaintext must come with it. Set secret_value_hash to "+
				"the base64 of the 32 hash bytes. Nothing was sent.")
	}
	if wrapped && isGiven(m.Escrow) {
		diags.AddAttributeError(path.Root("escrow"), "Escrow of wrapped key material",
			"With wrapped_key_material the plaintext never comes here, so there is nothing to escrow. Keep a copy where the "+
				"key was made, and remove escrow. Nothing was sent.")
	}
}

// checkMaterialVersion refuses write-only material without what stands for its change.
func checkMaterialVersion(material, version types.String, diags *diag.Diagnostics) {
	if isGiven(material) && version.IsNull() {
		diags.AddAttributeError(path.Root("key_material_wo_version"), "Key material without a version",
			"key_material_wo is write-only: Terraform can't see it change. Set key_material_wo_version, and raise it with "+
				"each new key. Nothing was sent.")
	}
}

// validateCombination holds what Salesforce documents against a combination of type, source,
// derivation and wrapping.
func (m *keyModel) validateCombination(diags *diag.Diagnostics) {
	c := keys.Combination{
		Type: m.Type.ValueString(), Source: cmp.Or(m.Source.ValueString(), keys.SourceUploaded),
		KeyDerivationMode: m.KeyDerivationMode.ValueString(), Algorithm: m.WrappingAlgorithm.ValueString(),
	}
	for _, p := range c.Problems() {
		addProblem(diags, p)
	}
}
