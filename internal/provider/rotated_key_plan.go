package provider

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// reading is the records of a kind of key at one instant, by the org's clock.
type reading struct {
	records []keys.Record
	now     time.Time
}

// ModifyPlan plans every computed value itself: the framework marks computed values unknown only if
// the configuration differs from state, and a rotation may come from drift or age alone. What the
// apply will do is asked of the same rules as the apply asks, over the records as they are now; all
// other planned values are a function of configuration, prior state and private state. The core
// calls this again during apply.
func (r *rotatedKey) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest,
	resp *resource.ModifyPlanResponse,
) {
	var plan, config, state keyModel
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(r.kind.load(ctx, req.State, &state)...)
	}
	if req.Plan.Raw.IsNull() {
		kept := readPrivateKey(ctx, req.Private, &resp.Diagnostics)
		if !resp.Diagnostics.HasError() {
			r.mayForget(ctx, state, kept.ours, &resp.Diagnostics)
		}

		return
	}
	resp.Diagnostics.Append(r.kind.load(ctx, req.Plan, &plan)...)
	resp.Diagnostics.Append(r.kind.load(ctx, req.Config, &config)...)
	kept := readPrivateKey(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if r.online() && !addProblem(&resp.Diagnostics, r.kind.check(r.data, &plan)) {
		return
	}
	p := planner{rotatedKey: r, plan: &plan, config: config, state: state, kept: kept, diags: &resp.Diagnostics}
	plan.planAlgorithm(config)
	if !req.State.Raw.IsNull() {
		if !p.update(ctx) {
			return
		}
		// The second call of a replacement must know both, and gets no prior state.
		resp.Diagnostics.Append(resp.Private.SetKey(ctx, privatePolicy, policyMark(state.DeletionPolicy))...)
		setPrivate(ctx, resp.Private, privateAnnounced, p.makesKey, &resp.Diagnostics)
	} else {
		policy, getDiags := req.Private.GetKey(ctx, privatePolicy)
		resp.Diagnostics.Append(getDiags...)
		if p.create(ctx, policy != nil); policy != nil && !p.mayReplace(policy,
			getPrivate[bool](ctx, req.Private, privateAnnounced, &resp.Diagnostics)) {
			return
		}
	}
	resp.Diagnostics.Append(r.kind.store(ctx, &plan, &resp.Plan)...)
}

// privateAnnounced is whether the first call of a plan has said that a key will be made.
const privateAnnounced = "announced"

// mayReplace judges the second call of a replacement, whose warnings the core drops and whose
// errors it shows: it refuses one under PREVENT, and one that would make a key that the first
// call has not announced.
func (p *planner) mayReplace(policy []byte, announced bool) bool {
	switch {
	case bytes.Equal(policy, policyMark(types.StringValue(policyPrevent))):
		addPrevented(p.diags, "the key that would be replaced", policyAbandon)
	case p.makesKey && !announced:
		addProblem(p.diags, problem.New("", "The replacement would make another key",
			"Expected the replacement to take over the key in use, but nothing proves that this key is of this configuration. "+
				"Nothing was sent. Apply without the replacement first, which marks the record. For a new key, change "+
				"rotation_triggers."))
	}

	return !p.diags.HasError()
}

// planner plans one key.
type planner struct {
	*rotatedKey

	plan          *keyModel
	config, state keyModel
	kept          privateKey
	diags         *diag.Diagnostics
	// makesKey is true once it is judged that the apply makes a key.
	makesKey bool
}

// create plans the first key of a lineage. In the second call of a replacement the core drops
// warnings, so what matters shows in planned values and errors.
func (p *planner) create(ctx context.Context, replacement bool) {
	// What was ours belongs to the lineage that is replaced; the create of the apply does not know it.
	p.kept = privateKey{}
	p.plan.planNew(p.config)
	p.plan.RotationID, p.plan.OrganizationID = types.StringUnknown(), types.StringUnknown()
	if !addProblem(p.diags, p.plan.missingCertificate()) {
		return
	}
	if !p.online() {
		p.warnGenerated()

		return
	}
	p.plan.OrganizationID = types.StringValue(p.data.Session.OrganizationID)
	p.kind.warm(ctx, p.data)
	p.planWrapping(ctx, true)
	if unknown := p.plan.unknownInputs(p.config); len(unknown) > 0 {
		p.warnGenerated()
		p.warnUndecided(ctx, unknown)

		return
	}
	if !replacement {
		p.warnTwo()
	}
	p.judge(ctx, keys.Decision{}, "")
}

// warnTwo warns if this run plans a key of the type for another resource too.
func (p *planner) warnTwo() {
	if typ := p.plan.Type.ValueString(); p.data.planned(typ) > 1 {
		addProblemWarning(p.diags, upload.TwoResources(typ))
	}
}

// warnUndecided says which key a create may take the place of, or adopt, once its inputs are known.
func (p *planner) warnUndecided(ctx context.Context, unknown []string) {
	if p.plan.Type.IsUnknown() {
		return
	}
	all, err := p.kind.readForPlan(ctx, p.data)
	if err != nil {
		addUnchecked(p.diags, err)

		return
	}
	if current, ok := keys.Current(all.records, p.kind.recordType(p.plan.Type.ValueString())); ok {
		p.diags.AddAttributeWarning(attributePath(unknown[0]), "An existing key may be archived",
			fmt.Sprintf("%s is in use. %s is known only during the apply, which then adopts that record, or makes a key and "+
				"Salesforce archives it. To see which in the plan, give known values.", current.Describe(),
				strings.Join(unknown, ", ")))
	}
}

// update plans the key in state. It returns false after an error.
func (p *planner) update(ctx context.Context) bool {
	if p.online() && !p.sameOrg(p.state.OrganizationID, p.diags) {
		return false
	}
	wanted, is := p.plan.Type.ValueString(), p.state.Type.ValueString()
	if wanted != is && strings.EqualFold(wanted, is) {
		addProblem(p.diags, problem.New("type", "The type differs in case alone",
			"Expected type = %q, as the key in state, found %q. Replacing it because of letter case would drop the key from "+
				"state. Nothing was changed.", is, wanted))

		return false
	}
	if p.plan.Type.IsUnknown() || wanted != is {
		// Another type is another lineage: the core plans the replacement's create with a null state.
		p.create(ctx, true)

		return !p.diags.HasError()
	}
	p.kept.complete(p.state)
	p.plan.keepComputed(p.state, p.config)
	if unknown := p.plan.unknownInputs(p.config); len(unknown) > 0 {
		// Whether this rotates is known only during apply, when the core plans again.
		p.planWrapping(ctx, true)
		warnUnpinned(p.plan.CertificatePins, p.plan.Certificate, p.plan.WrappingCertificateSHA256, p.diags)
		p.plan.planNew(p.config)
		p.plan.planUndecided()
		p.plan.RotationID = types.StringUnknown()
		name, _, _ := p.kind.words(wanted)
		p.diags.AddAttributeWarning(attributePath(unknown[0]), "The key may be rotated",
			fmt.Sprintf("%s is known only during the apply, which then decides whether to rotate the %s key. To see it in the "+
				"plan, give known values.", strings.Join(unknown, ", "), name))

		return true
	}

	decision := keys.Decide(p.desired(*p.plan, p.config.SecretValueHash), p.state.known(p.kept))
	for _, w := range decision.Warnings {
		addProblemWarning(p.diags, w)
	}
	if !addProblem(p.diags, decision.Refusal) {
		return false
	}
	if p.online() && decision.Rotate {
		p.kind.warm(ctx, p.data)
	}
	p.planWrapping(ctx, decision.Rotate)
	switch {
	case decision.Keep:
		p.plan.RotationID = p.state.RotationID
		p.warnKept()
	case decision.Rotate && !addProblem(p.diags, p.plan.missingCertificate()):
		return false
	case decision.Rotate:
		p.plan.planNew(p.config)
		p.plan.RotationID = types.StringValue(decision.RotationID.String())
		if p.online() {
			p.warnTwo()
			p.judge(ctx, decision, p.state.TenantSecretID.ValueString())
		} else {
			p.warnGenerated()
		}
	default:
		p.plan.RotationID = types.StringValue(decision.RotationID.String())
		p.plan.planAdjustment(p.state, p.kept.ours, p.kind.recordType(wanted) != keys.TypeDataKey)
		p.warnKept()
	}

	return !p.diags.HasError()
}

// judge asks what the apply will do, and plans and says so.
func (p *planner) judge(ctx context.Context, decision keys.Decision, refreshed string) {
	all, err := p.kind.readForPlan(ctx, p.data)
	if err != nil {
		addUnchecked(p.diags, err)
		p.warnGenerated()

		return
	}
	request, err := p.request(ctx, *p.plan, decision, p.kept)
	if err != nil {
		addUnchecked(p.diags, err)

		return
	}
	request.Escrow = lookIntoEscrow(ctx, p.plan.Escrow)
	defer request.Escrow.Close()
	evidence, err := request.Gather(ctx, p.data.Session.OrganizationID, all.records)
	if err != nil {
		addUnchecked(p.diags, err)

		return
	}
	j := keys.Judge(request.Wanted, evidence, all.records)
	p.data.sawOver(p.plan.Type.ValueString(), j.Current)
	switch j.Action {
	case keys.Refuse:
		addProblem(p.diags, j.Refusal)
	case keys.Adopt:
		p.adopts(j, refreshed, request.CertificateOf(p.data.Session.OrganizationID, j.Record))
	default:
		p.makes(ctx, j, decision, all, request)
	}
}

// adopts plans that an existing record is taken. wrappedFor is the fingerprint of the certificate
// that wrapped its key, "" if it is not known.
func (p *planner) adopts(j keys.Judgement, refreshed, wrappedFor string) {
	if refreshed != "" && !j.Record.Is(refreshed) && j.Proof == keys.ByWriter {
		// The plan that was reviewed was made over another record: it can't have spoken of this one.
		addProblem(p.diags, problem.New("", "The org has moved on since the plan",
			"The plan was made over record %s, but record %s now answers this rotation. Nothing was sent. Plan again with a "+
				"refresh.", refreshed, j.Record))

		return
	}
	p.plan.planUndecided()
	warnUnpinned(p.plan.CertificatePins, p.plan.Certificate, p.plan.WrappingCertificateSHA256, p.diags)
	switch {
	case !p.plan.CertificateSHA256.IsUnknown():
	case wrappedFor != "":
		p.plan.CertificateSHA256 = types.StringValue(wrappedFor)
	case j.Proof == keys.ByHash:
		// As in the plan of the run that was cut off, which may be applied again: the core compares the
		// two.
		p.planCertificate()
	}
	p.plan.TenantSecretID, p.plan.Version = types.StringValue(j.Record.ID), types.Int64Value(j.Record.Version)
	if j.Proof == keys.ByPinnedHash {
		p.diags.AddAttributeWarning(path.Root("secret_value_hash"), "An existing key will be adopted",
			j.Record.Describe()+" already has the pinned secret_value_hash. Nothing will be uploaded: the record is marked as "+
				"this rotation's. For a new key, pin another hash or remove the pin.")

		return
	}
	p.diags.AddWarning("An existing key will be adopted",
		fmt.Sprintf("%s already answers this configuration. Nothing will be uploaded. Its receipt and escrow ciphertext "+
			"return only if the escrow directory has them. For a new key, change rotation_triggers after this apply.",
			j.Record.Describe()))
}

// makes plans that a key is made, says why and what becomes of the one before, and refuses what is
// certain to fail.
func (p *planner) makes(ctx context.Context, j keys.Judgement, decision keys.Decision, all reading,
	request upload.Request,
) {
	p.makesKey = true
	p.planCertificate()
	for _, refusal := range p.certain(all, request) {
		addProblem(p.diags, refusal)
	}
	name, importAs, _ := p.kind.words(p.plan.Type.ValueString())
	for _, foreign := range j.Foreign {
		text := fmt.Sprintf("%s, made by %s, carries the mark of this rotation, but nothing proves that it is ours, so it "+
			"is not adopted.", foreign.Describe(), foreign.CreatedBy)
		if foreign.Is(j.Current.ID) {
			text += " If an interrupted run of yours made it, import it: terraform import " + importAs
		}
		p.diags.AddWarning("A record carries this rotation's mark", text)
	}
	p.warnSameRemoteKey(all)
	switch {
	case decision.Rotate:
		p.warnRotation(ctx, name, j, decision)
	case j.HasCurrent:
		p.diags.AddWarning("An existing key will be archived",
			fmt.Sprintf("%s is in use and is not of this configuration. %s To manage that key instead, import it: terraform "+
				"import %s", j.Current.Describe(), j.Current.Overtaken(), importAs))
	}
	if j.HasCurrent && j.Current.Lost() {
		p.diags.AddWarning("A destroyed cache-only key will be given up",
			fmt.Sprintf("Record %s is in use. %s allow_key_destruction permits that. To keep the data, make the record ACTIVE "+
				"first (salesforcebyok_tenant_secret_version).", j.Current, j.Current.Overtaken()))
	}
	p.warnOrg(ctx, all)
}

// planCertificate plans the certificate that wraps the key: the apply wraps for this very one, or
// stops.
func (p *planner) planCertificate() {
	if p.plan.CertificateSHA256.IsUnknown() && p.plan.WrappingCertificateSHA256.ValueString() != "" {
		p.plan.CertificateSHA256 = p.plan.WrappingCertificateSHA256
	}
}

// certain returns what the apply would refuse for certain.
func (p *planner) certain(all reading, request upload.Request) []*problem.Problem {
	var list []*problem.Problem
	if weak := weakGiven(p.config.KeyMaterialWO); weak != nil {
		list = append(list, weak)
	}
	if hash, attribute := wantedHash(p.config); hash != "" {
		if reused := keys.Reused(all.records, hash, attribute); reused != nil {
			list = append(list, reused)
		} else if attribute != "secret_value_hash" {
			if mismatch := upload.PinnedHashMismatch(request.PinnedHash, hash); mismatch != nil {
				list = append(list, mismatch)
			}
		}
	}
	if isGiven(p.config.WrappedKeyMaterial) && !p.plan.WrappingAlgorithm.IsUnknown() {
		if misfit := upload.WrappedMisfit(request.Algorithm, nil, request.Wrapped); misfit != nil {
			list = append(list, misfit)
		}
	}
	if request.PinnedHash != "" && request.Source != keys.SourceUploaded {
		// Validation has said so already, unless the source was not known then.
		list = append(list, misfit(request.Source, "the key does not come from here", "secret_value_hash"))
	}
	if request.PinnedHash != "" && p.config.KeyMaterialWO.IsNull() && p.config.WrappedKeyMaterial.IsNull() &&
		request.Source == keys.SourceUploaded {
		list = append(list, upload.PinnedHashAlone(request.PinnedHash))
	}

	return list
}

// warnRotation says in the plan why a key is rotated, and what becomes of the old one. The CLI
// folds warnings that share a summary into the first. Rotations that the configuration asks for
// share one; a rotation by age or drift is shown in full.
func (p *planner) warnRotation(ctx context.Context, name string, j keys.Judgement, decision keys.Decision) {
	typ := p.kind.recordType(p.plan.Type.ValueString())
	reasons := make([]string, len(decision.Reasons))
	for i, reason := range decision.Reasons {
		reasons[i] = reason.String()
		if reason == keys.InputsChanged {
			if changed := p.plan.inputs("", typ).Differences(p.state.inputs("", typ)); len(changed) > 0 {
				reasons[i] = strings.Join(changed, ", ") + " changed"
			}
		}
	}
	text := fmt.Sprintf("%s, so a new %s key is made.", opened(strings.Join(reasons, ", and ")), name)
	if j.HasCurrent {
		text += fmt.Sprintf(" Record %s (version %d) is in use now. %s", j.Current.ID, j.Current.Version,
			j.Current.Overtaken())
	}
	if onlyInState(ctx, p.state.EscrowCiphertext, p.state.Escrow, p.state.OrganizationID.ValueString(), typ,
		p.state.SecretValueHash.ValueString()) {
		p.diags.AddAttributeWarning(path.Root("escrow"), "The only escrow copy leaves the state",
			fmt.Sprintf("The escrow_ciphertext of the outgoing %s key is in no escrow.directory, and the rotation takes it "+
				"out of the state. Save it first (terraform output), or set escrow.directory.", name))
	}
	if slices.ContainsFunc(decision.Reasons, func(r keys.Reason) bool { return r != keys.InputsChanged }) {
		p.diags.AddWarning("The "+name+" key will be rotated", text)
	} else {
		p.diags.AddWarning("A key will be rotated", text)
	}
}

// warnSameRemoteKey warns of a new cache-only record that Salesforce fetches by an identifier of an
// earlier one: the key stays the same.
func (p *planner) warnSameRemoteKey(all reading) {
	identifier := p.plan.RemoteKeyIdentifier.ValueString()
	earlier, found := keys.FetchedBy(all.records, identifier)
	if p.plan.Source.ValueString() != keys.SourceRemote || identifier == "" || !found {
		return
	}
	p.diags.AddAttributeWarning(path.Root("remote_key_identifier"), "The new record stands for the same key",
		fmt.Sprintf("%s has the remote_key_identifier %q too. A key service must always answer an identifier with the same "+
			"key, so this makes no new key. For another key, give another identifier.",
			earlier.Describe(), identifier))
}

// warnKept says what a key that stays does not follow.
func (p *planner) warnKept() {
	state, plan := p.state, p.plan
	warnUnpinned(plan.CertificatePins, plan.Certificate, plan.WrappingCertificateSHA256, p.diags)
	if state.Source.ValueString() == keys.SourceRemote && state.Status.ValueString() == keys.StatusDestroyed {
		p.diags.AddWarning("The cache-only key is not available",
			fmt.Sprintf("Record %s reads DESTROYED, so its data can't be read now. Salesforce sets that while its callouts to "+
				"the key service fail, and retries for 24 hours; somebody may also have set it. Nothing is planned. Look at the "+
				"key service first. To make the key ACTIVE by hand, use salesforcebyok_tenant_secret_version.",
				state.TenantSecretID.ValueString()))
	}
	if plan.missingCertificate() != nil {
		p.diags.AddAttributeWarning(path.Root("certificate"), "No certificate for the next upload",
			"The key in use stays as it is, but the next one needs a certificate, and its plan fails without one. Set "+
				"certificate to the unique name of a BYOK-compatible certificate.")
	}
	if !plan.Escrow.Equal(state.Escrow) && !p.kept.ours.Imported {
		p.diags.AddAttributeWarning(path.Root("escrow"), "Escrow applies from the next upload", "The changed escrow "+
			"applies from the next rotation: the material of the key in use is no longer known.")
	}
	if !plan.WrappedKeyMaterial.IsNull() && !plan.WrappedKeyMaterial.Equal(state.WrappedKeyMaterial) &&
		!p.kept.ours.Imported {
		p.diags.AddAttributeWarning(path.Root("wrapped_key_material"), "Wrapped key material without effect",
			"wrapped_key_material changed but secret_value_hash did not, so it stands for the key in use, and nothing is "+
				"uploaded. For a new key, give its hash too.")
	}
}

// planAlgorithm plans the default of wrapping_algorithm, which depends on source and type.
func (m *keyModel) planAlgorithm(config keyModel) {
	switch {
	case !config.WrappingAlgorithm.IsNull():
		return
	case m.Source.IsUnknown() || m.Type.IsUnknown():
		m.WrappingAlgorithm = types.StringUnknown()
	case m.Source.ValueString() != keys.SourceUploaded:
		m.WrappingAlgorithm = types.StringNull()
	case m.Type.ValueString() == keys.TypeDatabase:
		m.WrappingAlgorithm = types.StringValue(string(byok.RSAAESKeyWrapSHA512))
	default:
		m.WrappingAlgorithm = types.StringValue(string(byok.RSAOAEPSHA512))
	}
}

// planNew plans the computed values of a record that is still to be made.
func (m *keyModel) planNew(config keyModel) {
	unknown := types.StringUnknown()
	m.TenantSecretID, m.Version, m.Status = unknown, types.Int64Unknown(), unknown
	m.CreatedDate, m.CreatedByID, m.LastModifiedDate = unknown, unknown, unknown
	m.NextRotationAllowed, m.Receipt, m.KeyCheckValue, m.CertificateSHA256 = unknown, unknown, unknown, unknown
	m.RotationDueDate, m.EscrowCiphertext = types.StringNull(), types.StringNull()
	if !m.RotateAfterDays.IsNull() {
		m.RotationDueDate = unknown
	}
	if !m.Escrow.IsNull() {
		m.EscrowCiphertext = unknown
	}
	if m.SecretValueHash = config.SecretValueHash; m.SecretValueHash.IsNull() {
		m.SecretValueHash = unknown
	}
	if isGiven(m.WrappedKeyMaterial) {
		m.KeyCheckValue = types.StringNull()
	}
	if !m.Source.IsUnknown() && !m.Source.IsNull() && m.Source.ValueString() != keys.SourceUploaded {
		m.EscrowCiphertext, m.KeyCheckValue, m.CertificateSHA256 = types.StringNull(), types.StringNull(), types.StringNull()
	}
}

// planUndecided leaves open what a rotation would set to null: the record may stay, and with it
// what is known of its making.
func (m *keyModel) planUndecided() {
	m.EscrowCiphertext, m.KeyCheckValue, m.CertificateSHA256 = types.StringUnknown(), types.StringUnknown(),
		types.StringUnknown()
}

// keepComputed plans the computed values of the record that stays.
func (m *keyModel) keepComputed(state, config keyModel) {
	m.OrganizationID, m.TenantSecretID, m.Version, m.Status = state.OrganizationID, state.TenantSecretID, state.Version,
		state.Status
	m.CreatedDate, m.CreatedByID, m.LastModifiedDate = state.CreatedDate, state.CreatedByID, state.LastModifiedDate
	m.NextRotationAllowed, m.EscrowCiphertext, m.KeyCheckValue = state.NextRotationAllowed, state.EscrowCiphertext,
		state.KeyCheckValue
	m.CertificateSHA256, m.WrappingCertificateSHA256, m.Receipt = state.CertificateSHA256, state.WrappingCertificateSHA256,
		state.Receipt
	m.RotationDueDate = dueDate(state.CreatedDate, m.RotateAfterDays)
	if config.SecretValueHash.IsNull() {
		m.SecretValueHash = state.SecretValueHash
	}
}

// planAdjustment plans what a patch of the record changes beside what is configured, if its kind
// can be patched.
func (m *keyModel) planAdjustment(state keyModel, ours keys.Ours, patches bool) {
	if ours.Imported && state.Receipt.IsNull() {
		// The first apply after an import writes evidence that the record was taken over. It also makes
		// sure that there is a first apply.
		m.Receipt = types.StringUnknown()
	}
	if !patches {
		return
	}
	patched := !m.Description.Equal(state.Description) || !m.RotationID.Equal(state.RotationID) ||
		!m.RemoteKeyServiceID.Equal(state.RemoteKeyServiceID) || !m.RemoteKeyCertificate.Equal(state.RemoteKeyCertificate)
	if patched {
		m.LastModifiedDate, m.Receipt = types.StringUnknown(), types.StringUnknown()
	}
}

// planWrapping plans which certificate the next upload wraps for, and says if it is another than
// was remembered. Unless it is to wrap now, what the last refresh saw will do.
func (p *planner) planWrapping(ctx context.Context, now bool) {
	m := p.plan
	switch {
	case m.Source.IsUnknown() || m.Certificate.IsUnknown():
		m.WrappingCertificateSHA256 = types.StringUnknown()

		return
	case m.wrapsNothing():
		m.WrappingCertificateSHA256 = types.StringNull()

		return
	case !p.online():
		if !m.Certificate.Equal(p.state.Certificate) {
			m.WrappingCertificateSHA256 = types.StringUnknown()
		}

		return
	case !now && m.Certificate.Equal(p.state.Certificate) && !p.state.WrappingCertificateSHA256.IsNull():
		m.WrappingCertificateSHA256 = p.state.WrappingCertificateSHA256
		p.warnSwapped()

		return
	}
	found, err := upload.LookUpCertificate(ctx, p.data.Inventory, m.Certificate.ValueString(), m.Type.ValueString(),
		p.data.Client.Now())
	if err != nil || found.Certificate == nil {
		m.WrappingCertificateSHA256 = types.StringUnknown()
		if m.Certificate.Equal(p.state.Certificate) {
			m.WrappingCertificateSHA256 = p.state.WrappingCertificateSHA256
		}

		return
	}
	m.WrappingCertificateSHA256 = types.StringValue(found.Certificate.SHA256Fingerprint())
	p.warnSwapped()
}

// warnSwapped warns if the name of the certificate stands for other bytes than were remembered.
func (p *planner) warnSwapped() {
	sum := p.plan.WrappingCertificateSHA256.ValueString()
	if last := p.kept.wrapping; last.Name == p.plan.Certificate.ValueString() && last.SHA256 != sum {
		addProblemWarning(p.diags, problem.New("certificate", "The wrapping certificate has changed",
			"Expected certificate %q with the SHA-256 fingerprint %s, as the last apply saw it, found %s. The next upload "+
				"wraps for the new one: verify it in Setup. certificate_pins would refuse it.", last.Name, last.SHA256, sum))
	}
}
