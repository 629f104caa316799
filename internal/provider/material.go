package provider

import (
	"context"
	"fmt"
	"os"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// objectAsOptions let an escrow object be read whose members are not all known.
var objectAsOptions = basetypes.ObjectAsOptions{UnhandledNullAsEmpty: true, UnhandledUnknownAsEmpty: true}

// sealing is what an upload seals: the given material, zero if it is to be generated, and the
// escrow of it.
type sealing struct {
	material secret.Bytes
	escrow   *upload.Escrow
}

// close destroys the material and lets go of the escrow directory.
func (s sealing) close() {
	s.material.Destroy()
	s.escrow.Close()
}

// sealing reads the material and the escrow of an upload. It adds the error that it returns.
func (m *keyModel) sealing(ctx context.Context, config keyModel, diags *diag.Diagnostics) (sealing, error) {
	var s sealing
	if m.Source.ValueString() != keys.SourceUploaded && !m.Source.IsNull() {
		return s, nil
	}
	p := m.unusable()
	if p == nil && !config.KeyMaterialWO.IsNull() {
		s.material, p = parseMaterial(config.KeyMaterialWO)
	}
	if p == nil {
		s.escrow, p = openEscrow(ctx, m.Escrow, diags)
	}
	if p != nil {
		s.close()
		addProblem(diags, p)

		return sealing{}, p
	}

	return s, nil
}

// unusable refuses an algorithm that this build of the provider can't use, as under strict FIPS.
func (m *keyModel) unusable() *problem.Problem {
	if m.WrappingAlgorithm.IsNull() {
		return nil
	}
	if err := m.algorithm().Usable(); err != nil {
		return problem.New("wrapping_algorithm", "Wrapping algorithm can't be used here", "%s Nothing was sent.",
			opening(err)).Because(err)
	}

	return nil
}

// parseMaterial reads material that is given. The problem points to its version: the CLI prints the
// source line of what an error points to.
func parseMaterial(given types.String) (secret.Bytes, *problem.Problem) {
	material, err := byok.ParseMaterial(given.ValueString())
	if err != nil {
		return secret.Bytes{}, problem.New("key_material_wo_version", "Key material is not usable",
			"key_material_wo: %s. Nothing was sent.", err).Because(err)
	}

	return material, nil
}

// weakGiven refuses a new key of weak material, as far as the configuration shows it.
func weakGiven(given types.String) *problem.Problem {
	if !isGiven(given) {
		return nil
	}
	material, err := byok.ParseMaterial(given.ValueString())
	if err != nil {
		// The validator of the attribute says so.
		return nil
	}
	defer material.Destroy()

	return upload.WeakMaterial(material)
}

// escrowPlan reads the recipients of a known escrow attribute; nil for none.
func escrowPlan(ctx context.Context, value types.Object) (*escrow.Plan, escrowModel, *problem.Problem) {
	var model escrowModel
	if value.IsNull() || value.IsUnknown() {
		return nil, model, nil
	}
	if diags := value.As(ctx, &model, objectAsOptions); diags.HasError() {
		return nil, model, problem.New("escrow", "Escrow can't be read",
			"Expected age_recipients or recipient_groups. Nothing was sent.")
	}
	var plan *escrow.Plan
	var err error
	attribute, found := "escrow.age_recipients", "neither"
	switch list, groups := model.AgeRecipients, model.RecipientGroups; {
	case list.IsNull() == groups.IsNull():
		if !list.IsNull() {
			found = "both"
		}

		return nil, model, problem.New("escrow", "Escrow needs one kind of recipients",
			"Expected escrow.age_recipients (any one opens a copy) or escrow.recipient_groups (one of each group is needed), "+
				"found %s. Nothing was sent. Set one of the two.", found)
	case groups.IsNull():
		plan, err = escrow.NewPlan(stringsIn(list))
	default:
		attribute = "escrow.recipient_groups"
		var names [][]string
		for _, v := range groups.Elements() {
			group, _ := v.(types.List)
			names = append(names, stringsIn(group))
		}
		plan, err = escrow.NewGroups(names)
	}
	if err != nil {
		return nil, model, problem.New(attribute, "Escrow recipients are not usable", "%s Nothing was sent.",
			opening(err)).Because(err)
	}

	return plan, model, nil
}

// openEscrow reads the escrow attribute and opens its directory, which it makes if it is not there.
// It returns nil for no escrow.
func openEscrow(ctx context.Context, value types.Object, diags *diag.Diagnostics) (*upload.Escrow, *problem.Problem) {
	plan, model, p := escrowPlan(ctx, value)
	if p != nil || plan == nil {
		return nil, p
	}
	if notice := escrow.FIPSNotice(); notice != "" {
		diags.AddAttributeWarning(path.Root("escrow"), "Escrow copies are made outside FIPS 140-3", notice)
	}
	opened := &upload.Escrow{Plan: plan}
	if name := model.Directory.ValueString(); name != "" {
		var err error
		if opened.Directory, err = escrow.OpenDirectory(name); err != nil {
			return nil, problem.New("escrow.directory", "Escrow directory is not usable", "%s Nothing was sent.",
				opening(err)).Because(err)
		}
	}

	return opened, nil
}

// lookIntoEscrow opens the escrow directory of a plan if it is there: a plan makes nothing. It
// returns nil for none.
func lookIntoEscrow(ctx context.Context, value types.Object) *upload.Escrow {
	plan, model, p := escrowPlan(ctx, value)
	name := model.Directory.ValueString()
	if p != nil || plan == nil || name == "" {
		return nil
	}
	if info, err := os.Stat(name); err != nil || !info.IsDir() {
		return nil
	}
	directory, err := escrow.OpenDirectory(name)
	if err != nil {
		return nil
	}

	return &upload.Escrow{Plan: plan, Directory: directory}
}

// checkEscrow refuses recipients and a directory that can never be used. What is not known yet is
// judged when it is.
func checkEscrow(ctx context.Context, value types.Object, diags *diag.Diagnostics) {
	if !whollyKnown(value) {
		return
	}
	_, model, p := escrowPlan(ctx, value)
	if slices.ContainsFunc(model.AgeRecipients.Elements(), badRecipient) ||
		(!model.AgeRecipients.IsNull() && len(model.AgeRecipients.Elements()) == 0) {
		// The validators of the attribute say so, at the element.
		return
	}
	if addProblem(diags, p); p != nil {
		return
	}
	if name := model.Directory.ValueString(); name != "" {
		if err := escrow.CheckDirectory(name); err != nil {
			addProblem(diags, problem.New("escrow.directory", "Escrow directory is not usable", "%s Nothing was sent.",
				opening(err)))
		}
	}
}

func badRecipient(v attr.Value) bool {
	text, ok := v.(types.String)

	return ok && !text.IsNull() && escrow.CheckRecipient(text.ValueString()) != nil
}

// whollyKnown reports whether a value and everything in it is known.
func whollyKnown(v attr.Value) bool {
	raw, err := v.ToTerraformValue(context.Background())

	return err == nil && raw.IsFullyKnown()
}

// onlyInState reports whether an escrow copy is, as far as this run can see, in state alone: its
// escrow has no directory, or the directory has no copy of the key.
func onlyInState(ctx context.Context, ciphertext types.String, escrowed types.Object, organization, typ,
	hash string,
) bool {
	if ciphertext.IsNull() {
		return false
	}
	kept := lookIntoEscrow(ctx, escrowed)
	if kept == nil {
		return true
	}
	defer kept.Close()
	found, err := kept.Directory.Find(organization, typ, hash, kept.Plan)

	return err != nil || found.Path == ""
}

// pinsHold reports whether a certificate is a pinned one, as far as the pins are known: any that is
// not known yet may be it.
func pinsHold(pins types.List, fingerprint string) bool {
	known := stringsIn(pins)

	return keys.CertificatePinsHold(known, fingerprint) || len(known) < len(pins.Elements())
}

// warnUnpinned warns that the certificate of a key that stays is not a pinned one: nothing is
// wrapped, so nothing is refused.
func warnUnpinned(pins types.List, name, fingerprint types.String, diags *diag.Diagnostics) {
	if !isGiven(fingerprint) || pinsHold(pins, fingerprint.ValueString()) {
		return
	}
	diags.AddAttributeWarning(path.Root("certificate_pins"), "The wrapping certificate is not pinned",
		fmt.Sprintf("Expected a certificate of certificate_pins, found %q with the SHA-256 fingerprint %s. Nothing is "+
			"wrapped now, but the next upload would be refused. Verify the certificate in Setup, then pin it or name another.",
			name.ValueString(), fingerprint.ValueString()))
}
