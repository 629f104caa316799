package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/look"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// rotatedKey is a key that is rotated in place: one flow for every kind of it. A resource embeds it
// and adds its name, its schema and its kind.
type rotatedKey struct {
	resourceBase

	kind keyKind
}

// keyKind is what one kind of key that is rotated in place has of its own.
type keyKind interface {
	// load and store convert between the kind's own model and the common one.
	load(ctx context.Context, from getter, to *keyModel) diag.Diagnostics
	store(ctx context.Context, from *keyModel, to setter) diag.Diagnostics
	// recordType is the type of the records of a key of the configured type.
	recordType(typ string) string
	// org is the kind in an org.
	org(d *Data) upload.Org
	// readForPlan reads the records of the kind for a refresh or a plan.
	readForPlan(ctx context.Context, d *Data) (reading, error)
	// warm begins readForPlan, for a plan that reads something else meanwhile.
	warm(ctx context.Context, d *Data)
	// readAgain is readForPlan past what others have read.
	readAgain(ctx context.Context, d *Data) (reading, error)
	// check refuses, at plan, what the configured org can't do.
	check(d *Data, plan *keyModel) *problem.Problem
	// moved says that the org keeps keys of the type elsewhere, and where, "" if nothing shows that.
	moved(ctx context.Context, d *Data, typ string) string
	// setting names a setting without which a first key of the type may be refused, "" if the org has
	// it on. shown reports that the org could be asked.
	setting(ctx context.Context, d *Data, typ string, records []keys.Record) (text string, shown bool)
	// warn says, at plan, what an upload of the kind needs of the org and may not find.
	warn(ctx context.Context, b *base, diags *diag.Diagnostics)
	// traits completes what is wanted with what is peculiar to the kind in this org.
	traits(ctx context.Context, d *Data, w *keys.Wanted) error
	// resource is the type of the resource.
	resource() string
	// words name the key of a type in a diagnostic, how to import it, and its records.
	words(typ string) (name, importAs, objects string)
}

// getter and setter are a plan, a configuration or a state.
type (
	getter interface {
		Get(ctx context.Context, target any) diag.Diagnostics
	}
	setter interface {
		Set(ctx context.Context, value any) diag.Diagnostics
	}
)

// IdentitySchema implements resource.ResourceWithIdentity.
func (r *rotatedKey) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest,
	resp *resource.IdentitySchemaResponse,
) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"organization_id": identityschema.StringAttribute{
			Description:       "Id of the org, 18 characters.",
			RequiredForImport: true,
		},
		"type": identityschema.StringAttribute{
			Description:       "Type of the key, such as Data or SearchIndex.",
			RequiredForImport: true,
		},
	}}
}

// keyIdentity is the identity of a key that is rotated in place.
type keyIdentity struct {
	OrganizationID types.String `tfsdk:"organization_id"`
	Type           types.String `tfsdk:"type"`
}

func (m *keyModel) identity() keyIdentity {
	return keyIdentity{OrganizationID: m.OrganizationID, Type: m.Type}
}

// Create makes the first key of a lineage, or adopts it. It never returns state together with an
// error, which would taint the resource.
func (r *rotatedKey) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var plan, config keyModel
	resp.Diagnostics.Append(r.kind.load(ctx, req.Plan, &plan)...)
	resp.Diagnostics.Append(r.kind.load(ctx, req.Config, &config)...)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.plannedHere(plan, &resp.Diagnostics) {
		return
	}
	result, err := r.rotate(ctx, rotation{
		plan: &plan, config: config,
		planned: plan.planned(r.data.over(plan.Type.ValueString())),
	}, &resp.Diagnostics)
	if err != nil {
		return
	}
	r.data.took(plan.Type.ValueString())
	plan.fromResult(result, r.data)
	resp.Diagnostics.Append(r.kind.store(ctx, &plan, &resp.State)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	kept := privateKey{
		ours: r.ownRecord(plan, result.Owned(), result.RotationID, keys.Ours{}),
		seen: freshObservation(result.RotationID),
	}
	kept.remember(plan)
	kept.keep(ctx, resp.Private, &resp.Diagnostics)
}

// plannedHere refuses to create in another org than the plan was made for.
func (r *rotatedKey) plannedHere(plan keyModel, diags *diag.Diagnostics) bool {
	return r.sameOrg(plan.OrganizationID, diags)
}

// Update rotates, or brings what can be changed on the record in line.
func (r *rotatedKey) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, config, state keyModel
	resp.Diagnostics.Append(r.kind.load(ctx, req.Plan, &plan)...)
	resp.Diagnostics.Append(r.kind.load(ctx, req.Config, &config)...)
	resp.Diagnostics.Append(r.kind.load(ctx, req.State, &state)...)
	kept := readPrivateKey(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(state.OrganizationID, &resp.Diagnostics) {
		return
	}
	kept.complete(state)

	decision := keys.Decide(r.desired(plan, plan.SecretValueHash), state.known(kept))
	if !addProblem(&resp.Diagnostics, decision.Refusal) {
		return
	}
	switch {
	case decision.Keep:
		// Nothing may be sent; the plan has said why.
	case decision.Rotate:
		if !addProblem(&resp.Diagnostics, hiddenSource(plan, config)) {
			return
		}
		result, err := r.rotate(ctx, rotation{
			plan: &plan, config: config, decision: decision, kept: kept, planned: plan.planned(state.inUse()),
			inState: state.Receipt,
		}, &resp.Diagnostics)
		if err != nil {
			kept.keepUnconfirmed(ctx, resp, err)

			return
		}
		planned := plan
		plan.fromResult(result, r.data)
		if result.Adopted && result.Record.Is(kept.ours.ID) {
			plan.keepEvidence(state)
		}
		plan.keepPlanned(planned)
		kept.ours, kept.seen = r.ownRecord(plan, result.Owned(), result.RotationID, kept.ours),
			freshObservation(result.RotationID)
	default:
		if plan.Receipt.IsUnknown() && !r.data.canRecord(ctx, &resp.Diagnostics) {
			return
		}
		row, changed, err := r.adjust(ctx, plan, state, kept.ours, decision.RotationID)
		if err != nil {
			addError(&resp.Diagnostics, "Unable to change the key", err)

			return
		}
		// All else is as planned, from the state: what has changed since the refresh is for the next plan
		// to show, and the core takes it for a bug here.
		if plan.LastModifiedDate.IsUnknown() {
			plan.LastModifiedDate = timeOrNull(row.LastModifiedDate)
		}
		if plan.Receipt.IsUnknown() {
			plan.Receipt = r.amend(ctx, plan, state, kept, row, changed, &resp.Diagnostics)
		}
		kept.ours = r.ownRecord(plan, row, decision.RotationID, kept.ours)
		kept.seen.ActiveMarker = decision.RotationID.String()
		kept.seen.HighestCounter = max(kept.seen.HighestCounter, decision.RotationID.Counter)
	}
	if plan.WrappingCertificateSHA256.IsUnknown() {
		// The plan could not read the certificate; nothing was wrapped for it.
		plan.WrappingCertificateSHA256 = types.StringNull()
		r.readWrapping(ctx, &plan, r.data.Client.Now())
	}
	kept.remember(plan)
	resp.Diagnostics.Append(r.kind.store(ctx, &plan, &resp.State)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, plan.identity())...)
	kept.keep(ctx, resp.Private, &resp.Diagnostics)
}

// hiddenSource refuses to make a key of another source than the configuration literally says: under
// ignore_changes the plan shows the refreshed one, and only the apply of an update sees both.
func hiddenSource(plan, config keyModel) *problem.Problem {
	literal, planned := cmp.Or(config.Source.ValueString(), keys.SourceUploaded),
		cmp.Or(plan.Source.ValueString(), keys.SourceUploaded)
	if planned != literal {
		return problem.New("source", "The configured source is hidden by ignore_changes",
			"The configuration says source = %q, but the plan shows %q, so the wrong kind of key would be made. Nothing was "+
				"sent. Take source out of ignore_changes and plan again.",
			literal, planned)
	}

	return nil
}

// rotation is one rotation to carry out.
type rotation struct {
	plan     *keyModel
	config   keyModel
	decision keys.Decision
	kept     privateKey
	planned  upload.Planned
	// inState is the receipt in state.
	inState types.String
}

// errNoReceipt ends a write whose receipt could not be kept.
var errNoReceipt = errors.New("the receipt directory can't be written to")

// rotate carries out one rotation. After an error, which it adds, there is no new record that is
// known of.
func (r *rotatedKey) rotate(ctx context.Context, w rotation, diags *diag.Diagnostics) (upload.Result, error) {
	if !r.data.canRecord(ctx, diags) {
		return upload.Result{}, errNoReceipt
	}
	sealing, err := w.plan.sealing(ctx, w.config, diags)
	if err != nil {
		return upload.Result{}, err
	}
	defer sealing.close()
	request, err := r.request(ctx, *w.plan, w.decision, w.kept)
	if err != nil {
		name, _, _ := r.kind.words(w.plan.Type.ValueString())
		addError(diags, "Unable to upload the "+name+" key", err)

		return upload.Result{}, err
	}
	request.Planned, request.Material, request.Escrow = w.planned, sealing.material, sealing.escrow
	request.InState = w.inState.ValueString()
	request.Receipt = r.data.receiptOf(receipt.Receipt{Cause: causeOfRotation(w.decision), Resource: r.kind.resource()},
		w.inState)
	result, err := r.data.uploader.Run(ctx, r.kind.org(r.data), request)
	if err != nil {
		r.explain(ctx, request, err, diags)
	}
	for _, p := range result.Warnings {
		addProblemWarning(diags, p)
	}
	add := (*receipt.Directory).Append
	if result.Adopted {
		add = (*receipt.Directory).AppendOnce
	}
	for _, text := range result.Receipts {
		r.data.keepReceipt(ctx, text, add, diags)
	}

	return result, err
}

// causeOfRotation is why a key is made.
func causeOfRotation(d keys.Decision) receipt.Cause {
	switch {
	case len(d.Reasons) == 0 || keys.AnyAsked(d.Reasons):
		return receipt.CausePlan
	case slices.Contains(d.Reasons, keys.ReplacedOutside):
		return receipt.CauseDrift
	default:
		return receipt.CauseAge
	}
}

// amend leaves the receipt of an import, or of a change of the record in use.
func (r *rotatedKey) amend(ctx context.Context, plan, state keyModel, kept privateKey, row keys.Record, changed bool,
	diags *diag.Diagnostics,
) types.String {
	evidence := receipt.Receipt{
		Resource: r.kind.resource(), Cause: receipt.CausePlan,
		RotationID: plan.RotationID.ValueString(),
	}
	imported := kept.ours.Imported && state.Receipt.IsNull()
	switch {
	case imported:
		evidence = upload.OfRecord(evidence, row)
		evidence.Operation, evidence.KeySource, evidence.StatusBefore = receipt.Import, upload.MaterialImported, row.Status
	case !changed:
		return state.Receipt
	default:
		if plan.Description.Equal(state.Description) && plan.RemoteKeyServiceID.Equal(state.RemoteKeyServiceID) &&
			plan.RemoteKeyCertificate.Equal(state.RemoteKeyCertificate) {
			// The marker alone was edited.
			evidence.Cause = receipt.CauseDrift
		}
		// What is no receipt says nothing of the key's making.
		made, _ := receipt.Parse(state.Receipt.ValueString())
		evidence = upload.Amended(evidence, made, row)
	}

	return r.data.record(ctx, evidence, state.Receipt, diags)
}

// adjust brings what can be changed on the record in use in line, without a new key, if the plan
// has shown that, and reports whether it has changed anything.
func (r *rotatedKey) adjust(ctx context.Context, plan, state keyModel, ours keys.Ours, id keys.RotationID) (
	keys.Record, bool, error,
) {
	org, typ := r.kind.org(r.data), r.kind.recordType(plan.Type.ValueString())
	records, seen, err := look.Reading(ctx, r.data.forWrite(), func(ctx context.Context) ([]keys.Record, error) {
		records, _, err := org.Records(ctx)

		return records, err
	}, func(records []keys.Record) bool { return !ours.Late(records, typ) })
	if err != nil {
		return keys.Record{}, false, fmt.Errorf("reading the keys of the org: %w", err)
	}
	if !seen {
		return keys.Record{}, false, upload.Behind(typ, ours)
	}
	row, ok := keys.Current(records, typ)
	if !ok || !row.Is(state.TenantSecretID.ValueString()) {
		return row, false, problem.New("", "The org has moved on since the plan", "The plan was made over record %s, which "+
			"is no longer the %s key in use. Nothing was changed. Plan again.",
			state.TenantSecretID.ValueString(), plan.Type.ValueString())
	}
	if typ == keys.TypeDataKey || !plan.LastModifiedDate.IsUnknown() {
		return row, false, nil
	}
	change := upload.ChangeOf(row, keys.Describe(plan.Description.ValueString(), id),
		plan.RemoteKeyServiceID.ValueString(), plan.RemoteKeyCertificate.ValueString())
	if change.IsZero() {
		return row, false, nil
	}
	if err := org.Change(ctx, row.ID, change); err != nil {
		return row, false, fmt.Errorf("patching the record %s: %w", row.ID, err)
	}
	after, err := org.Read(ctx, row.ID)
	if err != nil {
		return row, true, fmt.Errorf("reading back the record %s after the change, which was made: %w", row.ID, err)
	}

	return after, true, nil
}

// Read follows the record that is in use now. It never drops the key from state: a record can't be
// deleted, so an answer without it speaks of permissions or of the wrong org.
func (r *rotatedKey) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	defer onlyFirstLimit(ctx, &resp.Diagnostics)
	var state keyModel
	resp.Diagnostics.Append(r.kind.load(ctx, req.State, &state)...)
	kept := readPrivateKey(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() || !r.ready(&resp.Diagnostics) || !r.sameOrg(state.OrganizationID, &resp.Diagnostics) {
		return
	}
	before := kept
	kept.complete(state)
	typ := r.kind.recordType(state.Type.ValueString())
	all, ok := r.read(ctx, kept.ours, typ, &resp.Diagnostics)
	if !ok {
		return
	}
	row, found := keys.Current(all.records, typ)
	if kept.seen.Late = kept.ours.Late(all.records, typ) && len(keys.OfType(all.records, typ)) > 0; kept.seen.Late {
		addBehind(&resp.Diagnostics, upload.Behind(typ, kept.ours))
		resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
		kept.keepIfChanged(ctx, resp.Private, before, &resp.Diagnostics)

		return
	}
	if !found {
		r.addNoActive(&resp.Diagnostics, state.Type.ValueString(), all.records)

		return
	}
	if kept.ours.ID == "" {
		id, known := keys.ParseRotationID(kept.ours.RotationID)
		claimed := kept.ours.Claim(row, all.records)
		if !known {
			id = claimed.Marker()
		}
		kept.ours = r.ownRecord(state, claimed, id, kept.ours)
	}
	evidence, err := r.remembered(ctx, state, kept.ours, keys.OfType(all.records, typ))
	if err != nil {
		addUnchecked(&resp.Diagnostics, err)
	}
	state.refresh(row, r.data, kept.ours)
	kept.seen = evidence.Observe(row, all.records, all.now)
	state.RotationID = stringOrNull(kept.seen.ActiveMarker)
	if typ == keys.TypeDataKey && row.Is(kept.ours.ID) {
		// Its Description can't be edited: without one the org keeps none.
		state.RotationID = stringOrNull(kept.ours.RotationID)
	}
	r.readWrapping(ctx, &state, all.now)
	kept.rememberFirst(state)
	resp.Diagnostics.Append(r.kind.store(ctx, &state, &resp.State)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	kept.keepIfChanged(ctx, resp.Private, before, &resp.Diagnostics)
}

// remembered returns the evidence of a refresh with the attempts that private state remembers, and
// those of the escrow directory if a marker is in doubt without them.
func (r *rotatedKey) remembered(ctx context.Context, state keyModel, ours keys.Ours,
	records []keys.Record,
) (keys.Evidence, error) {
	request := upload.Request{
		Wanted:   keys.Wanted{Type: r.kind.recordType(state.Type.ValueString())},
		Evidence: r.evidence(ours), User: r.data.user,
	}
	evidence, err := request.Gather(ctx, r.data.Session.OrganizationID, records)
	if err != nil || !slices.ContainsFunc(records, func(k keys.Record) bool {
		return !k.Marker().IsZero() && !evidence.Trusted(k)
	}) {
		return evidence, err
	}
	request.Escrow = lookIntoEscrow(ctx, state.Escrow)
	defer request.Escrow.Close()

	return request.Gather(ctx, r.data.Session.OrganizationID, records)
}

// read reads the records, and again a few times while a replica lags behind what we know. An answer
// without any record of the type is no such case: the user may have lost the sight of them.
func (r *rotatedKey) read(ctx context.Context, ours keys.Ours, typ string, diags *diag.Diagnostics) (reading, bool) {
	late := func(all reading) bool {
		return ours.Late(all.records, typ) && len(keys.OfType(all.records, typ)) > 0
	}
	all, err := r.kind.readForPlan(ctx, r.data)
	if err == nil && late(all) {
		all, err = r.readUntil(ctx, all, func(all reading) bool { return !late(all) })
	}
	if err != nil {
		_, _, objects := r.kind.words(typ)
		addError(diags, "Unable to read the "+objects, err)
	}

	return all, err == nil
}

// readUntil reads again, a few times, until a reading is good, and returns the last one.
func (r *rotatedKey) readUntil(ctx context.Context, all reading, good func(reading) bool) (reading, error) {
	again, _, err := look.Reading(ctx, r.data.forPlan(), func(ctx context.Context) (reading, error) {
		return r.kind.readAgain(ctx, r.data)
	}, good)
	if err != nil {
		return all, err
	}

	return again, nil
}

// readWrapping reads which certificate the configured name stands for now. What can't be read stays
// as it is.
func (r *rotatedKey) readWrapping(ctx context.Context, state *keyModel, now time.Time) {
	if state.wrapsNothing() {
		state.WrappingCertificateSHA256 = types.StringNull()

		return
	}
	found, err := upload.LookUpCertificate(ctx, r.data.Inventory, state.Certificate.ValueString(),
		state.Type.ValueString(), now)
	if p, ok := problem.Of(err); ok && p != nil {
		state.WrappingCertificateSHA256 = types.StringNull()
	}
	if err == nil && found.Certificate != nil {
		state.WrappingCertificateSHA256 = types.StringValue(found.Certificate.SHA256Fingerprint())
	}
}

// Delete forgets. There is nothing else to do: no policy destroys a key in use.
func (r *rotatedKey) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var state keyModel
	resp.Diagnostics.Append(r.kind.load(ctx, req.State, &state)...)
	kept := readPrivateKey(ctx, req.Private, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	// The plan has said that the key is only forgotten.
	var said diag.Diagnostics
	if !r.mayForget(ctx, state, kept.ours, &said) {
		resp.Diagnostics.Append(said.Errors()...)
	}
}

// mayForget refuses to forget the key of another org, or one under PREVENT, and else warns that it
// is only forgotten. If this run has taken the key over under another object, create_before_destroy
// lets the old one go without a word.
func (r *rotatedKey) mayForget(ctx context.Context, state keyModel, ours keys.Ours, diags *diag.Diagnostics) bool {
	name, _, _ := r.kind.words(state.Type.ValueString())
	if r.online() && !r.sameOrg(state.OrganizationID, diags) {
		return false
	}
	if r.online() && r.data.hasTaken(state.Type.ValueString()) {
		return true
	}
	if state.DeletionPolicy.ValueString() == policyPrevent {
		if !r.overtaken(ctx, state, ours) {
			addPrevented(diags, fmt.Sprintf("the %s key %s", name, state.TenantSecretID.ValueString()), policyAbandon)

			return false
		}
		diags.AddWarning("A former key's object is dropped",
			fmt.Sprintf("Record %s is no longer the %s key in use: a newer one of this provider replaced it. Its leftover "+
				"object is dropped from state.", ours.ID, name))

		return true
	}
	diags.AddWarning("The key will be forgotten, not destroyed",
		fmt.Sprintf("The %s key %s (version %d) stays in use in org %s; Terraform no longer manages it.", name,
			state.TenantSecretID.ValueString(), state.Version.ValueInt64(),
			state.OrganizationID.ValueString()))

	return true
}

// overtaken reports whether a state is what a create_before_destroy of an earlier run has left: the
// org has a newer key in use than ours, which one of ours has made, and not a rotation of this very
// object that had no answer. The attributes in state say nothing of that: a refresh follows the key
// in use.
func (r *rotatedKey) overtaken(ctx context.Context, state keyModel, ours keys.Ours) bool {
	if !r.online() || ours.ID == "" {
		return false
	}
	typ := r.kind.recordType(state.Type.ValueString())
	all, err := r.kind.readAgain(ctx, r.data)
	if err != nil {
		return false
	}
	current, ok := keys.Current(all.records, typ)

	marker := current.Marker()

	return ok && !current.Is(ours.ID) && current.Version > ours.Version && !marker.IsZero() &&
		marker.String() != ours.Unconfirmed && current.LastModifiedBy != "" && current.LastModifiedBy == r.data.user(ctx)
}

// ImportState takes the type, the id of the record in use, or an identity.
func (r *rotatedKey) ImportState(ctx context.Context, req resource.ImportStateRequest,
	resp *resource.ImportStateResponse,
) {
	wanted, ok := r.importID(ctx, req, "type", &resp.Diagnostics)
	if !ok {
		return
	}
	all, ok := r.read(ctx, keys.Ours{}, r.kind.recordType(wanted), &resp.Diagnostics)
	if !ok {
		return
	}
	row, ok := r.findImport(all.records, wanted, &resp.Diagnostics)
	if !ok {
		return
	}
	state := importedKey(row, r.data)
	state.RotationID = stringOrNull(row.Marker().String())
	resp.Diagnostics.Append(r.kind.store(ctx, &state, &resp.State)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, state.identity())...)
	ours := keys.Ours{
		ID: row.ID, RotationID: row.Marker().String(), Imported: true, Version: row.Version,
		Source: row.Source, Hash: row.Hash,
	}
	evidence := r.evidence(ours).WithUser(keys.OfType(all.records, row.Type), func() string { return r.data.user(ctx) })
	kept := privateKey{ours: ours, seen: keys.Observe(row, all.records, all.now, evidence.Trusted)}
	kept.keep(ctx, resp.Private, &resp.Diagnostics)
}

// findImport finds the record that an import id means, or says what is wrong with it.
func (r *rotatedKey) findImport(records []keys.Record, wanted string, diags *diag.Diagnostics) (keys.Record, bool) {
	org := r.data.Session.OrganizationID
	row, byID := keys.Find(records, wanted)
	if !byID {
		row, ok := keys.Current(records, r.kind.recordType(wanted))
		if ok {
			return row, true
		}
		if isTenantSecretID(wanted) {
			diags.AddError("No such tenant secret",
				fmt.Sprintf("Expected a type, such as Data, or the id (%s…) of a record in use in org %s, found %q, which it "+
					"does not show. %s", tenantSecretPrefix, org, wanted, permissionsAdvice))
		} else {
			r.addNoActive(diags, wanted, records)
		}

		return row, false
	}
	if current, ok := keys.Current(records, row.Type); !ok || current.ID != row.ID {
		diags.AddAttributeError(path.Empty(), "This record is not its type's ACTIVE key",
			fmt.Sprintf("Expected the key in use, found %s with the status %s. Import the key by its type, %q. To keep, "+
				"destroy or restore this record, import it as salesforcebyok_tenant_secret_version.",
				row, row.Status, row.Type))

		return row, false
	}

	return row, true
}
