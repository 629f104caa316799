package provider

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// desired is what a plan asks for. The pin is the configured hash at plan, and the planned one at
// apply: what ignore_changes holds back stands in the configuration of an apply again.
func (r *rotatedKey) desired(m keyModel, pin types.String) keys.Desired {
	organization := ""
	if r.online() {
		organization = r.data.Session.OrganizationID
	}
	typ := r.kind.recordType(m.Type.ValueString())
	if typ == keys.TypeDataKey {
		// Its hash is never configured.
		pin = types.StringNull()
	}

	return keys.Desired{
		Inputs: m.inputs(organization, typ), PinnedHash: pin.ValueString(),
		RotateAfterDays: m.RotateAfterDays.ValueInt64(), Destruction: r.data.destruction(),
	}
}

// request turns a plan into a wanted key, without what only the apply may touch. decision is zero
// on create.
func (r *rotatedKey) request(ctx context.Context, m keyModel, decision keys.Decision, kept privateKey) (upload.Request,
	error,
) {
	typ := r.kind.recordType(m.Type.ValueString())
	in := m.inputs(r.data.Session.OrganizationID, typ)
	request := upload.Request{
		Wanted: keys.Wanted{
			Type: typ, Source: in.Source, KeyDerivationMode: in.KeyDerivationMode,
			RemoteKeyIdentifier: m.RemoteKeyIdentifier.ValueString(),
			Fingerprint:         in.Fingerprint(), RotationID: decision.RotationID,
			Asked:       decision.RotationID.IsZero() || keys.AnyAsked(decision.Reasons),
			Destruction: r.data.destruction(),
		},
		Description: m.Description.ValueString(), Certificate: m.Certificate.ValueString(), Algorithm: m.algorithm(),
		CertificatePins: m.pins(),
		Wrapped:         m.WrappedKeyMaterial.ValueString(), RemoteKeyServiceID: m.RemoteKeyServiceID.ValueString(),
		RemoteKeyCertificate: m.RemoteKeyCertificate.ValueString(),
	}
	if !m.SecretValueHash.IsUnknown() && typ != keys.TypeDataKey {
		request.PinnedHash = m.SecretValueHash.ValueString()
	}
	if err := r.kind.traits(ctx, r.data, &request.Wanted); err != nil {
		return request, err
	}
	request.Evidence, request.User = r.evidence(kept.ours), r.data.user

	return request, nil
}

// evidence is what private state and the session say of who is trusted.
func (r *rotatedKey) evidence(ours keys.Ours) keys.Evidence {
	e := keys.Evidence{Ours: ours, Users: slices.Clone(ours.Users)}
	if user := r.data.Session.UserID; user != "" && !slices.Contains(e.Users, user) {
		e.Users = append(e.Users, user)
	}

	return e
}

// explain adds what we know to a refusal: Salesforce's own texts are not documented, so they are
// shown and never interpreted.
func (r *rotatedKey) explain(ctx context.Context, request upload.Request, err error, diags *diag.Diagnostics) {
	name, _, _ := r.kind.words(request.Type)
	refused, ok := errors.AsType[*upload.RefusedError](err)
	if _, isProblem := problem.Of(err); !ok || isProblem {
		addError(diags, "Unable to upload the "+name+" key", err)

		return
	}
	for _, w := range refused.Warnings {
		addProblemWarning(diags, w)
	}
	searched := " The org was searched for the key since, and does not have it. Nothing was changed."
	if refused.Unchecked != nil {
		searched = fmt.Sprintf(" The org could not be searched for the key since: %s. Keep its escrow copy, and plan again.",
			refused.Unchecked)
	} else if request.Type == keys.TypeDataKey {
		searched = " The org was searched for the key since, and does not have it. The session and the certificate that " +
			"this apply opened stay in the org until a key is made with them."
	}
	detail := opening(refused) + searched
	if speaksOfRequest(refused.Err) {
		if moved := r.kind.moved(ctx, r.data, request.Type); moved != "" {
			// Nothing else matters: here such a key is never taken.
			detail = moved + " " + detail
		} else if hints := r.refusalHints(ctx, request); len(hints) > 0 {
			detail += " Known of this org: " + strings.Join(hints, "; ") + "."
		}
	}
	diags.AddError("Salesforce refused the new "+name+" key", detail+advice(refused.Err))
}

// refusalHints lists, in words, the documented reasons for a refusal that apply here.
func (r *rotatedKey) refusalHints(ctx context.Context, request upload.Request) []string {
	var hints []string
	all, err := r.kind.readForPlan(ctx, r.data)
	if err != nil {
		return nil
	}
	if newest, ok := keys.Newest(all.records, request.Type); ok {
		if wait := r.interval(request.Type, newest, all.now); wait != "" {
			hints = append(hints, wait)
		}
	}
	if n := keys.Counted(all.records, request.Type); n >= keys.KeyCap {
		hints = append(hints, fmt.Sprintf("the type has %d ACTIVE and ARCHIVED keys, and the cap is %d: destroy an "+
			"archived one that is no longer needed", n, keys.KeyCap))
	}
	if missing := keys.MissingPrerequisite(request.Type, request.Source, activeTypes(all.records)); missing != "" {
		hints = append(hints, missing)
	}
	if setting, _ := r.kind.setting(ctx, r.data, request.Type, all.records); setting != "" {
		hints = append(hints, strings.ToLower(setting[:1])+strings.TrimSuffix(setting[1:], "."))
	}
	if request.KeyDerivationMode == keys.DerivationNone {
		hints = append(hints, "key_derivation_mode NONE needs the org setting \"Allow BYOK to Opt-Out of Key Derivation\"")
	}
	switch {
	case request.Type == keys.TypeDataKey:
		hints = append(hints, "such a key needs an org on Hyperforce and an active Salesforce root key; if the refusal is "+
			"of a session or a certificate (Terraform_BYOK_…) that an earlier apply left open, change rotation_triggers, "+
			"which opens another")
	case len(hints) == 0 && request.Source == keys.SourceUploaded && request.Algorithm == byok.RSAOAEPSHA512:
		// Only if nothing else explains it: it is a weakening.
		hints = append(hints, fmt.Sprintf("the key was wrapped with %s; an org that does not take it yet may take %s",
			byok.RSAOAEPSHA512, byok.RSAOAEPSHA1))
	}

	return hints
}

// interval says, in words, when Salesforce takes the next key of a type, "" if that is now.
func (r *rotatedKey) interval(typ string, newest keys.Record, now time.Time) string {
	next, ok := keys.NextAllowed(typ, r.data.sandbox(), newest.CreatedDate)
	if !ok || !next.After(now) {
		return ""
	}
	text := fmt.Sprintf("Salesforce documents %s between two keys of this type, the newest is of %s, and the next is "+
		"allowed from %s", intervalWords(typ, r.data.sandbox()), rfc3339(newest.CreatedDate), rfc3339(next))
	// An org does not always show that it is a sandbox.
	if earlier, ok := keys.NextAllowed(typ, true, newest.CreatedDate); ok && earlier.Before(next) {
		text += fmt.Sprintf(" (in a sandbox from %s)", rfc3339(earlier))
	}

	return text
}

// rfc3339 is the form of instants in diagnostics.
func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// intervalWords renders the interval of a type, such as "24 hours" or "7 days".
func intervalWords(typ string, sandbox bool) string {
	const day = 24 * time.Hour
	wait, _ := keys.Interval(typ, sandbox)
	if days := int(wait / day); days > 1 {
		return fmt.Sprintf("%d days", days)
	}
	if hours := int(wait / time.Hour); hours > 1 {
		return fmt.Sprintf("%d hours", hours)
	}

	return "one hour"
}

func activeTypes(records []keys.Record) func(string) bool {
	return func(typ string) bool {
		_, ok := keys.Active(records, typ)

		return ok
	}
}

// lowOnKeys is how close to the cap a type must be for a warning.
const lowOnKeys = 5

// defaultWarnBeforeDays is how long before its end a certificate is worth a warning.
const defaultWarnBeforeDays = 30

// warnOrg warns of what the org would say to a new key.
func (p *planner) warnOrg(ctx context.Context, all reading) {
	m := p.plan
	typ := p.kind.recordType(m.Type.ValueString())
	if moved := p.kind.moved(ctx, p.data, typ); moved != "" {
		// Nothing else matters: here such a key is never taken.
		p.diags.AddAttributeWarning(path.Root("type"), "Search Index keys have moved", moved+" The apply is likely to fail.")

		return
	}
	if newest, ok := keys.Newest(all.records, typ); ok {
		if wait := p.interval(typ, newest, all.now); wait != "" {
			p.diags.AddWarning("The rotation interval is not over", wait+". Salesforce will probably refuse one before then.")
		}
	}
	if n := keys.Counted(all.records, typ); n > keys.KeyCap-lowOnKeys {
		p.diags.AddWarning("Few keys of this type are left",
			fmt.Sprintf("Org %s has %d ACTIVE and ARCHIVED %s keys, Salesforce allows %d. Destroy archived keys that are no "+
				"longer needed (salesforcebyok_tenant_secret_version) before the cap stops a rotation.",
				p.data.Session.OrganizationID, n, typ, keys.KeyCap))
	}
	if missing := keys.MissingPrerequisite(typ, m.Source.ValueString(), activeTypes(all.records)); missing != "" {
		p.diags.AddAttributeWarning(path.Root("type"), "A prerequisite is missing",
			"In this org "+missing+". The apply fails without it: make it first. If it is in this configuration, add "+
				"depends_on.")
	}
	if setting, shown := p.kind.setting(ctx, p.data, typ, all.records); shown && setting != "" {
		p.diags.AddAttributeWarning(path.Root("type"), "A setting of the org may be missing",
			setting+" Salesforce does not document whether it refuses the key without it. If the setting is in this "+
				"configuration, add depends_on.")
	}
	if m.KeyDerivationMode.ValueString() == keys.DerivationNone {
		p.warnOptOut(ctx)
	}
	p.kind.warn(ctx, &p.base, p.diags)
	p.warnGenerated()
	if !m.wrapsNothing() {
		p.certificate(ctx, all.now)
	}
}

// warnOptOut warns if the org does not allow to opt out of key derivation. A user who may not read
// the settings is not warned: that permission is not needed for the upload itself.
func (p *planner) warnOptOut(ctx context.Context) {
	settings, err := p.data.Client.ReadSettings(ctx, salesforce.EncryptionKeySettings())
	if err != nil || settings[salesforce.SettingOptOutOfDerivation] {
		return
	}
	p.diags.AddAttributeWarning(path.Root("key_derivation_mode"), "The org requires key derivation",
		"key_derivation_mode = \"NONE\" needs the setting \"Allow BYOK to Opt-Out of Key Derivation\", which is off in "+
			"this org. Turn it on first, in Setup (Encryption Settings) or with salesforcebyok_encryption_key_settings and "+
			"depends_on: the apply fails without it.")
}

// certificate refuses, at plan, a certificate that exists and can never fit; one that does not
// exist yet, or waits for its chain, may be made by the same apply.
func (p *planner) certificate(ctx context.Context, now time.Time) {
	name := p.plan.Certificate
	if name.IsUnknown() {
		return
	}
	found, err := upload.LookUpCertificate(ctx, p.data.Inventory, name.ValueString(), p.plan.Type.ValueString(), now)
	if missing, ok := problem.Of(err); ok {
		if p.data.certificates.isPlanned(name.ValueString()) {
			return
		}
		addProblemWarning(p.diags, problem.New("certificate", missing.Summary,
			"%s If this configuration makes it, refer to it or add depends_on.", missing.Detail))

		return
	}
	if err != nil {
		addUnchecked(p.diags, err)

		return
	}
	row := found.Row
	switch left := row.ExpirationDate.Sub(now); {
	case row.Unusable && len(found.Problems) == 1:
		p.diags.AddAttributeWarning(path.Root("certificate"), "Wrapping certificate is not usable yet",
			fmt.Sprintf("Certificate %q is CA-signed and waits for its signed chain. The apply fails unless the chain is "+
				"uploaded first.", row.DeveloperName))
	case len(found.Problems) > 0:
		addProblem(p.diags, upload.Unfit(row.DeveloperName, p.plan.Type.ValueString(), found.Problems))
	case !pinsHold(p.plan.CertificatePins, found.Certificate.SHA256Fingerprint()):
		addProblem(p.diags, keys.CertificateNotPinned(row.DeveloperName, found.Certificate.SHA256Fingerprint()))
	case !row.ExpirationDate.IsZero() && left < time.Duration(valueOr(p.plan.WarnBeforeDays,
		defaultWarnBeforeDays))*24*time.Hour:
		p.diags.AddAttributeWarning(path.Root("certificate"), "Wrapping certificate expires soon",
			fmt.Sprintf("Certificate %q expires at %s. Keys that it wrapped are not affected. Make a new one before the next "+
				"rotation.", row.DeveloperName, rfc3339(row.ExpirationDate)))
	}
}

// warnGenerated warns of a key whose only copy will be Salesforce's.
func (p *planner) warnGenerated() {
	m := p.plan
	uploaded := m.Source.IsNull() || (!m.Source.IsUnknown() && m.Source.ValueString() == keys.SourceUploaded)
	if uploaded && p.config.KeyMaterialWO.IsNull() && m.WrappedKeyMaterial.IsNull() && m.Escrow.IsNull() &&
		p.config.SecretValueHash.IsNull() {
		p.diags.AddAttributeWarning(path.Root("escrow"), "The key will be generated without escrow",
			"The provider generates this key and keeps no copy, so Salesforce will hold the only one. Set escrow to the age "+
				"public keys of those who must be able to recover it.")
	}
}

// wantedHash returns the hash that the next upload will have, as far as the configuration shows,
// and the attribute to change. It goes into diagnostics only: material from an ephemeral generator
// is another one at each plan.
func wantedHash(config keyModel) (hash, attribute string) {
	if !config.KeyMaterialWO.IsNull() && !config.KeyMaterialWO.IsUnknown() {
		if material, err := byok.ParseMaterial(config.KeyMaterialWO.ValueString()); err == nil {
			defer material.Destroy()

			return byok.HashMaterial(material), "key_material_wo_version"
		}
	}

	return config.SecretValueHash.ValueString(), "secret_value_hash"
}

func addUnchecked(diags *diag.Diagnostics, err error) {
	diags.AddWarning("Could not read the org; plan is unchecked",
		"Existing keys, the rotation interval, the key cap, the certificate and prerequisites were not checked: "+
			""+sentence(err.Error())+advice(err))
}

// addBehind warns of a replica that lags behind.
func addBehind(diags *diag.Diagnostics, behind *problem.Problem) {
	diags.AddWarning(behind.Summary, behind.Detail+" The state is kept as it was.")
}

// addNoActive explains that a type has no key in use. That is never a reason to drop anything.
func (r *rotatedKey) addNoActive(diags *diag.Diagnostics, typ string, records []keys.Record) {
	_, _, objects := r.kind.words(typ)
	found := "The org shows no " + objects + " at all."
	if len(records) > 0 {
		var inUse []string
		for _, r := range records {
			if r.Status == keys.StatusActive {
				inUse = append(inUse, configuredType(r))
			}
		}
		found = fmt.Sprintf("The org shows %d %s; types in use: %s.", len(records), objects, strings.Join(inUse, ", "))
	}
	diags.AddError("No ACTIVE "+strings.TrimSuffix(objects, "s")+" of this type",
		fmt.Sprintf("Expected an ACTIVE record of type %q in org %s. %s Such records can't be deleted. Nothing was removed "+
			"from state. %s", typ, r.data.Session.OrganizationID, found, permissionsAdvice))
}

// tenantSecretPrefix is the key prefix of TenantSecret ids [V FtxDoc, ThalesDoc].
const tenantSecretPrefix = "02G"

func isTenantSecretID(text string) bool {
	return strings.HasPrefix(text, tenantSecretPrefix) && salesforce.ValidID(text)
}
