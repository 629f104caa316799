package provider

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// The entries of a certificate's private state.
const (
	// privateCertificateSeen is what the last refresh saw.
	privateCertificateSeen = "seen"
	// privateCertificateLeaving is what a plan leaves for the second call of a replacement, which gets
	// no prior state.
	privateCertificateLeaving = "leaving"
	// privateCertificateDeposed marks an object whose successor was made, should its deletion fail.
	privateCertificateDeposed = "deposed"
)

// certificateSeen holds the whole days that were left, nil if that is not known. A refresh decides
// it by the org's clock, so that a plan is a function of configuration and state.
type certificateSeen struct {
	DaysLeft *int64 `json:"days_left,omitempty"`
}

// certificateLeaving is the certificate that a replacement lets go of.
type certificateLeaving struct {
	Name   string `json:"name"`
	Policy string `json:"policy"`
}

// certificateRun is what the certificates of one provider process share.
type certificateRun struct {
	// created reports that a certificate was made. In the same process, only the object that it
	// replaces is deleted without a plan.
	created atomic.Bool

	mu     sync.Mutex
	chosen []string
	// planned are the names of the certificates that this plan makes and that can wrap once made.
	planned []string
}

// plans notes that this plan makes a certificate.
func (c *certificateRun) plans(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.planned = append(c.planned, name)
}

// isPlanned reports whether this plan makes the certificate. What refers to it is planned after it.
func (c *certificateRun) isPlanned(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()

	return slices.Contains(c.planned, name)
}

// choose returns a name that neither the org has nor another resource of this process was given,
// and the one that comes first.
func (c *certificateRun) choose(prefix string, rows []salesforce.Certificate, now time.Time) (name, first string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	first = keys.CertificateName(prefix, now, func(string) bool { return false })
	name = keys.CertificateName(prefix, now, func(name string) bool {
		_, found := certificateNamed(rows, name)

		return found || slices.ContainsFunc(c.chosen, func(other string) bool { return strings.EqualFold(other, name) })
	})
	c.chosen = append(c.chosen, name)

	return name, first
}

// ValidateConfig checks what depends on more than one attribute.
func (r *certificateResource) ValidateConfig(ctx context.Context, req resource.ValidateConfigRequest,
	resp *resource.ValidateConfigResponse,
) {
	var config certificateModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if config.DeveloperName.IsNull() == config.DeveloperNamePrefix.IsNull() {
		resp.Diagnostics.AddAttributeError(path.Root("developer_name"), "Expected one name of the certificate",
			"Set exactly one of developer_name, the whole unique name, and developer_name_prefix, from which each new "+
				"certificate gets a name. Nothing was sent.")
	}
	if !config.CertificateChain.IsNull() && !config.CertificateChain.IsUnknown() &&
		config.CASigned.Equal(types.BoolValue(false)) {
		resp.Diagnostics.AddAttributeError(path.Root("certificate_chain"), "A chain for a self-signed certificate",
			"certificate_chain comes from a certificate authority, so it needs ca_signed = true. Remove it, or set ca_signed. "+
				"Nothing was sent.")
	}
	if config.RenewBeforeDays.IsNull() {
		return
	}
	renewal := func(reason string) {
		resp.Diagnostics.AddAttributeError(path.Root("renew_before_days"), "The certificate can't be renewed like this",
			reason+" Nothing was sent.")
	}
	switch {
	case config.DeveloperNamePrefix.IsNull():
		renewal("A renewed certificate needs another unique name. Give developer_name_prefix in place of developer_name.")
	case config.CASigned.ValueBool():
		renewal("A CA-signed certificate keeps its key pair: renew it by another certificate_chain, and remove " +
			"renew_before_days.")
	case config.DeletionPolicy.ValueString() == policyPrevent:
		renewal(fmt.Sprintf("A renewal forgets or deletes the old certificate, which deletion_policy = %q forbids. Use %q "+
			"to keep it in the org.", policyPrevent, policyAbandon))
	}
}

// ModifyPlan plans every computed value itself. Planned values are a function of configuration,
// prior state and private state; the org is asked for what is refused or said. The core calls this
// twice for a replacement, the second time without prior state, and again during apply.
func (r *certificateResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest,
	resp *resource.ModifyPlanResponse,
) {
	if req.Plan.Raw.IsNull() {
		r.planDestroy(ctx, req, resp)

		return
	}
	var plan, config, state certificateModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	if !req.State.Raw.IsNull() {
		resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if req.State.Raw.IsNull() {
		before := getPrivate[certificateLeaving](ctx, req.Private, privateCertificateLeaving, &resp.Diagnostics)
		plan.planNew(config)
		if r.online() {
			plan.OrganizationID = types.StringValue(r.data.Session.OrganizationID)
		}
		r.judgeNew(ctx, plan, before, &resp.Diagnostics)
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)

		return
	}
	setPrivate(ctx, resp.Private, privateCertificateLeaving,
		certificateLeaving{Name: state.DeveloperName.ValueString(), Policy: state.DeletionPolicy.ValueString()},
		&resp.Diagnostics)
	seen := getPrivate[certificateSeen](ctx, req.Private, privateCertificateSeen, &resp.Diagnostics)
	if !state.checkKnown(config, &resp.Diagnostics) || !state.checkCase(config, &resp.Diagnostics) {
		return
	}
	due := plan.renewalIsDue(state, seen, &resp.Diagnostics)
	if due || state.isAnother(config) {
		plan.planNew(config)
		resp.RequiresReplace = append(resp.RequiresReplace, path.Root("developer_name"))
		r.sayReplaced(ctx, state, due, &resp.Diagnostics)
		resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)

		return
	}
	r.planUpdate(ctx, plan, config, state, resp)
}

// planNew plans a certificate that is still to be made.
func (m *certificateModel) planNew(config certificateModel) {
	m.DeveloperName = config.DeveloperName
	if m.DeveloperName.IsNull() {
		m.DeveloperName = types.StringUnknown()
	}
	if m.Label = config.Label; m.Label.IsNull() {
		m.Label = types.StringUnknown()
	}
	if m.CASigned = config.CASigned; m.CASigned.IsNull() {
		m.CASigned = types.BoolValue(false)
	}
	if m.DeletionPolicy = config.DeletionPolicy; m.DeletionPolicy.IsNull() {
		m.DeletionPolicy = types.StringValue(policyDelete)
	}
	m.OrganizationID, m.ID, m.KeySize = types.StringUnknown(), types.StringUnknown(), types.Int64Unknown()
	m.planContent()
}

// planContent plans the X.509 values of a certificate that is still to be made or signed.
func (m *certificateModel) planContent() {
	for _, v := range []*types.String{
		&m.CertificatePEM, &m.CSRPEM, &m.SHA256Fingerprint, &m.SerialNumber, &m.NotBefore,
		&m.NotAfter, &m.Receipt,
	} {
		*v = types.StringUnknown()
	}
	m.BYOKCompatible, m.CompatibleTypes = types.BoolUnknown(), types.ListUnknown(types.StringType)
}

// keep takes over what a certificate has if the configuration says nothing.
func (m *certificateModel) keep(config, state certificateModel) {
	if config.DeveloperName.IsNull() {
		m.DeveloperName = state.DeveloperName
	}
	if config.Label.IsNull() {
		m.Label = state.Label
	}
	if config.CASigned.IsNull() {
		m.CASigned = state.CASigned
	}
	if config.DeletionPolicy.IsNull() {
		m.DeletionPolicy = state.DeletionPolicy
	}
	if m.DeletionPolicy.IsNull() {
		m.DeletionPolicy = types.StringValue(policyAbandon)
	}
	m.OrganizationID, m.ID, m.KeySize, m.Receipt = state.OrganizationID, state.ID, state.KeySize, state.Receipt
	m.CertificatePEM, m.CSRPEM, m.SHA256Fingerprint, m.SerialNumber = state.CertificatePEM, state.CSRPEM,
		state.SHA256Fingerprint, state.SerialNumber
	m.NotBefore, m.NotAfter, m.BYOKCompatible, m.CompatibleTypes = state.NotBefore, state.NotAfter, state.BYOKCompatible,
		state.CompatibleTypes
}

// checkKnown refuses names and days that only the apply will know: whether another certificate is
// made must stand in the plan, and an unknown name may turn out to be the one that the certificate
// has.
func (m *certificateModel) checkKnown(config certificateModel, diags *diag.Diagnostics) bool {
	var attribute string
	switch {
	case config.DeveloperName.IsUnknown():
		attribute = "developer_name"
	case config.DeveloperNamePrefix.IsUnknown():
		attribute = "developer_name_prefix"
	case config.RenewBeforeDays.IsUnknown():
		attribute = "renew_before_days"
	default:
		return true
	}
	diags.AddAttributeError(path.Root(attribute), "Not known when the plan needs it",
		fmt.Sprintf("Certificate %q exists, and the plan must show whether it is replaced, but %s is known only after "+
			"apply. Nothing was sent. Apply what it depends on first (-target), or give a known value.",
			m.DeveloperName.ValueString(), attribute))

	return false
}

// checkCase refuses a name that differs in case alone: Salesforce takes both for one.
func (m *certificateModel) checkCase(config certificateModel, diags *diag.Diagnostics) bool {
	wanted, is := config.DeveloperName.ValueString(), m.DeveloperName.ValueString()
	if wanted == is || !strings.EqualFold(wanted, is) {
		return true
	}
	diags.AddAttributeError(path.Root("developer_name"), "The unique name differs in case alone",
		fmt.Sprintf("Expected developer_name = %q, as in the org, found %q. Salesforce takes both for one name, so "+
			"replacing the certificate because of letter case would delete it. Nothing was sent. Write the name as the org "+
			"does.", is, wanted))

	return false
}

// isAnother reports whether the configuration names another certificate. One whose name was given
// until now keeps it under any prefix.
func (m *certificateModel) isAnother(config certificateModel) bool {
	if !config.DeveloperName.IsNull() {
		return !config.DeveloperName.Equal(m.DeveloperName)
	}

	return !m.DeveloperNamePrefix.IsNull() && !strings.EqualFold(config.DeveloperNamePrefix.ValueString(),
		m.DeveloperNamePrefix.ValueString())
}

// daysLeft returns the whole days of a certificate that are left at the instant now, nil if its end
// is not known.
func (m *certificateModel) daysLeft(now time.Time) *int64 {
	until, err := time.Parse(time.RFC3339, m.NotAfter.ValueString())
	if err != nil {
		return nil
	}
	left := keys.DaysLeft(until, now)

	return &left
}

// renewalIsDue decides on what the last refresh saw. A renewal that comes as soon as the
// certificate is made is an error: the next certificate would be replaced at once, too.
func (m *certificateModel) renewalIsDue(state certificateModel, seen certificateSeen, diags *diag.Diagnostics) bool {
	if m.RenewBeforeDays.IsNull() || state.CASigned.ValueBool() {
		return false
	}
	if validity, ok := state.validity(); ok && validity <= keys.Days(m.RenewBeforeDays.ValueInt64()) {
		m.addRenewedAtOnce(state, validity, diags.AddAttributeError)

		return false
	}

	return seen.DaysLeft != nil && keys.RenewalIsDue(*seen.DaysLeft, m.RenewBeforeDays.ValueInt64())
}

// validity returns how long a certificate is valid in all.
func (m *certificateModel) validity() (time.Duration, bool) {
	from, fromErr := time.Parse(time.RFC3339, m.NotBefore.ValueString())
	until, untilErr := time.Parse(time.RFC3339, m.NotAfter.ValueString())

	return until.Sub(from), fromErr == nil && untilErr == nil
}

func (m *certificateModel) addRenewedAtOnce(of certificateModel, validity time.Duration,
	add func(path.Path, string, string),
) {
	add(path.Root("renew_before_days"), "The certificate would be renewed at once",
		fmt.Sprintf("Salesforce made certificate %q valid for %.1f days, and renew_before_days is %d: each plan would "+
			"renew it. Set it to less than the validity, such as a third of it.",
			of.DeveloperName.ValueString(), validity.Hours()/24, m.RenewBeforeDays.ValueInt64()))
}

// warnOfValidity says what of a new certificate is other than configured. It exists: an error would
// taint it.
func (m *certificateModel) warnOfValidity(diags *diag.Diagnostics) {
	if validity, ok := m.validity(); ok && !m.RenewBeforeDays.IsNull() &&
		validity <= keys.Days(m.RenewBeforeDays.ValueInt64()) {
		m.addRenewedAtOnce(*m, validity, diags.AddAttributeWarning)
	}
	if is, off := m.expiresOtherwise(); off {
		diags.AddAttributeWarning(path.Root("expiration_date"), "The certificate expires at another time",
			fmt.Sprintf("Salesforce made certificate %q expire at %s, not at %s. Set expiration_date to the first, or remove "+
				"it: the next plan refuses the difference.", m.DeveloperName.ValueString(), is,
				m.ExpirationDate.ValueString()))
	}
}

// expiresOtherwise returns the end of the certificate, and whether expiration_date is known to be
// another one.
func (m *certificateModel) expiresOtherwise() (string, bool) {
	wanted, wantedErr := time.Parse(time.RFC3339, m.ExpirationDate.ValueString())
	is, err := time.Parse(time.RFC3339, m.NotAfter.ValueString())

	return m.NotAfter.ValueString(), err == nil && wantedErr == nil && is.Sub(wanted).Abs() > sameDay
}

// judgeNew refuses what would fail, before anything is made. before is the certificate that it
// replaces, if the core has named one.
func (r *certificateResource) judgeNew(ctx context.Context, plan certificateModel, before certificateLeaving,
	diags *diag.Diagnostics,
) {
	if !plan.CertificateChain.IsNull() && !plan.CertificateChain.IsUnknown() {
		addEarlyChain(diags)
	}
	if before.Policy == policyPrevent {
		addPrevented(diags, fmt.Sprintf("certificate %q", before.Name), policyDelete, policyAbandon)
	}
	if !r.online() || diags.HasError() {
		return
	}
	plan.checkExpiration(r.data.Client.Now(), diags)
	if plan.DeveloperName.IsUnknown() {
		return
	}
	if strings.EqualFold(plan.DeveloperName.ValueString(), before.Name) {
		r.judgeSameName(ctx, before, diags)

		return
	}
	rows, ok := r.certificates(ctx, diags)
	if !ok {
		return
	}
	if row, found := certificateNamed(rows, plan.DeveloperName.ValueString()); found {
		addNameTaken(diags, row, r.data.Session.OrganizationID)
	} else if !diags.HasError() && plan.CASigned.Equal(types.BoolValue(false)) {
		r.data.certificates.plans(plan.DeveloperName.ValueString())
	}
}

// checkExpiration refuses an end that is past, or within the days in which the certificate is to be
// renewed.
func (m *certificateModel) checkExpiration(now time.Time, diags *diag.Diagnostics) {
	at, err := time.Parse(time.RFC3339, m.ExpirationDate.ValueString())
	switch {
	case err != nil:
	case !at.After(now):
		diags.AddAttributeError(path.Root("expiration_date"), "The expiration date is past",
			fmt.Sprintf("Expected a future date, found %s; the org's clock shows %s. Nothing was sent. Give a later date, or "+
				"leave it to Salesforce.", m.ExpirationDate.ValueString(), now.UTC().Format(time.RFC3339)))
	case !m.RenewBeforeDays.IsNull() && !m.RenewBeforeDays.IsUnknown() &&
		keys.RenewalIsDue(keys.DaysLeft(at, now), m.RenewBeforeDays.ValueInt64()):
		diags.AddAttributeError(path.Root("expiration_date"), "The certificate would be renewed at once",
			fmt.Sprintf("A new certificate would expire at %s, within the %d days of renew_before_days, so each plan would "+
				"renew it. Nothing was sent. Remove expiration_date, or give a later one.",
				m.ExpirationDate.ValueString(), m.RenewBeforeDays.ValueInt64()))
	}
}

// judgeSameName refuses to replace a certificate under its own name, as -replace and
// replace_triggered_by ask for it: the plan can't say by name that a private key is deleted, since
// the core drops the warnings of this call, and what is only forgotten keeps the name.
func (r *certificateResource) judgeSameName(ctx context.Context, before certificateLeaving, diags *diag.Diagnostics) {
	if before.Policy == policyDelete {
		all, ok := r.forPlan(ctx, diags)
		if !ok {
			return
		}
		if fate, because := r.departure(false).Fate(keys.UseOfCertificate(all.Records(),
			before.Name)); fate == keys.FateRefuse {
			addNeeded(diags, before.Name, *because, r.data.allowAdvice())

			return
		}
	}
	diags.AddAttributeError(path.Root("developer_name"), "A certificate can't be replaced under its name",
		fmt.Sprintf("Replacing certificate %q would delete its private key and need its name while that is taken. Nothing "+
			"was sent. To renew it, set another developer_name, or use developer_name_prefix. To make it again under its "+
			"name, destroy it first.", before.Name))
}

// sayReplaced says by name what a replacement that the provider itself plans does with the old
// certificate.
func (r *certificateResource) sayReplaced(ctx context.Context, state certificateModel, due bool,
	diags *diag.Diagnostics,
) {
	if due {
		diags.AddWarning("The certificate will be renewed",
			fmt.Sprintf("Certificate %q expires at %s, within renew_before_days, so a new one is made. Keys that refer to "+
				"developer_name move to it without a rotation.",
				state.DeveloperName.ValueString(), state.NotAfter.ValueString()))
	}
	if state.DeletionPolicy.ValueString() == policyPrevent {
		state.addPrevented(diags)

		return
	}
	// With create_before_destroy, which is not visible here, a key may name the new certificate by
	// then.
	r.sayGone(ctx, state, true, diags)
}

// planDestroy says what a destroy will do, or refuses it.
func (r *certificateResource) planDestroy(ctx context.Context, req resource.ModifyPlanRequest,
	resp *resource.ModifyPlanResponse,
) {
	var state certificateModel
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	deposed := r.deposed(ctx, req.Private, &resp.Diagnostics)
	if deposed {
		setPrivate(ctx, resp.Private, privateCertificateDeposed, true, &resp.Diagnostics)
	}
	if r.succeeded() {
		// This is the apply, and Delete is next: it says what becomes of the object, and leaves the mark
		// if it fails.
		return
	}
	if state.DeletionPolicy.ValueString() == policyPrevent && !deposed {
		state.addPrevented(&resp.Diagnostics)

		return
	}
	r.sayGone(ctx, state, deposed || r.superseded(ctx, state), &resp.Diagnostics)
}

// deposed reports whether the successor of an object was made already, in this run or in one whose
// deletion failed.
func (r *certificateResource) deposed(ctx context.Context, private privateReader, diags *diag.Diagnostics) bool {
	return r.succeeded() || getPrivate[bool](ctx, private, privateCertificateDeposed, diags)
}

// superseded reports whether the org has a newer certificate of the same prefix: after an
// interrupted renewal, it has taken the place of this one, and the key that still names this one
// moves in the apply that is planned.
func (r *certificateResource) superseded(ctx context.Context, state certificateModel) bool {
	if state.DeveloperNamePrefix.IsNull() || !r.online() {
		return false
	}
	rows, err := r.data.Inventory.Certificates(ctx)
	own, found := certificateNamed(rows, state.DeveloperName.ValueString())

	return err == nil && found && slices.ContainsFunc(rows, func(row salesforce.Certificate) bool {
		return hasPrefix(row, state.DeveloperNamePrefix.ValueString()) && row.CreatedDate.After(own.CreatedDate)
	})
}

// hasPrefix reports whether the name of a certificate was chosen for a prefix.
func hasPrefix(row salesforce.Certificate, prefix string) bool {
	prefix += "_"

	return len(row.DeveloperName) > len(prefix) && strings.EqualFold(row.DeveloperName[:len(prefix)], prefix)
}

// succeeded reports whether this run has made a certificate.
func (r *certificateResource) succeeded() bool {
	return r.data != nil && r.data.certificates.created.Load()
}

func (r *certificateResource) departure(deposed bool) keys.Departure {
	return keys.Departure{AllowDestruction: r.data.allowsUnapproved(), Deposed: deposed}
}

// sayGone says by name whether a certificate will be deleted or forgotten, or refuses it. replaced
// is for one that another takes the place of: a key that names it now is a warning then.
func (r *certificateResource) sayGone(ctx context.Context, state certificateModel, replaced bool,
	diags *diag.Diagnostics,
) {
	name := state.DeveloperName.ValueString()
	if state.DeletionPolicy.ValueString() != policyDelete {
		diags.AddWarning("The certificate will be forgotten, not deleted",
			fmt.Sprintf("Certificate %q stays in org %s; Terraform no longer manages it.", name,
				state.OrganizationID.ValueString()))

		return
	}
	if r.online() {
		all, ok := r.forPlan(ctx, diags)
		if !ok {
			return
		}
		use := keys.UseOfCertificate(all.Records(), name)
		switch fate, because := r.departure(replaced).Fate(use); {
		case fate == keys.FateRefuse:
			addNeeded(diags, name, *because, r.data.allowAdvice())

			return
		case fate == keys.FateForget && because == use.Archived:
			diags.AddWarning("The certificate will be forgotten, not deleted", state.keptFor(*because))

			return
		case fate == keys.FateForget:
			diags.AddWarning("A cache-only key names this certificate",
				fmt.Sprintf("%s names certificate %q, which will be replaced. Let remote_key_certificate refer to the new one, "+
					"and use create_before_destroy: otherwise the old one is not deleted.", because.Describe(), name))
		}
	}
	diags.AddWarning("The certificate will be deleted",
		fmt.Sprintf("Certificate %q will be deleted from org %s. Uploaded keys no longer need it; cache-only keys that "+
			"name it do.", name, state.OrganizationID.ValueString()))
}

// keptFor says why a certificate is left in the org.
func (m *certificateModel) keptFor(record keys.Record) string {
	return fmt.Sprintf("Certificate %q stays in org %s, and Terraform no longer manages it: %s still names it, and data "+
		"under that key is read with its private key. Delete it in Setup once nothing needs it.",
		m.DeveloperName.ValueString(), m.OrganizationID.ValueString(), record.Describe())
}

func addNeeded(diags *diag.Diagnostics, name string, record keys.Record, advice string) {
	diags.AddError("A cache-only key needs this certificate",
		fmt.Sprintf("Salesforce can't read %s without certificate %q, for which its key service encrypts it. Nothing was "+
			"changed. Let remote_key_certificate name another certificate first, or set deletion_policy = %q; %s.",
			record.Describe(), name, policyAbandon, advice))
}

func addNameTaken(diags *diag.Diagnostics, row salesforce.Certificate, org string) {
	diags.AddAttributeError(path.Root("developer_name"), "A certificate of this name exists",
		fmt.Sprintf("Org %s already has the certificate %q (%s). Nothing was sent. To manage it, import it: terraform "+
			"import salesforcebyok_certificate.<name> %s. If state has it under another address, use a moved block; if it is "+
			"tainted, terraform untaint.", org, row.DeveloperName, row.ID, row.DeveloperName))
}

// planUpdate plans what can change in place, and refuses what would make another certificate.
func (r *certificateResource) planUpdate(ctx context.Context, plan, config, state certificateModel,
	resp *resource.ModifyPlanResponse,
) {
	plan.keep(config, state)
	plan.checkFixed(state, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if plan.CertificateChain.IsUnknown() || plan.hasNewChain(state) {
		if r.online() && !plan.CertificateChain.IsUnknown() && !r.planChain(plan, state, &resp.Diagnostics) {
			return
		}
		plan.planContent()
	} else if is, off := plan.expiresOtherwise(); off {
		resp.Diagnostics.AddAttributeError(path.Root("expiration_date"), "The certificate expires at another time",
			fmt.Sprintf("Certificate %q expires at %s, but expiration_date is %s. Salesforce sets the date when it makes the "+
				"certificate. Nothing was sent. Set expiration_date to the first, or remove it. For another date, make a "+
				"certificate under another name.", state.DeveloperName.ValueString(), is, plan.ExpirationDate.ValueString()))
	}
	resp.Diagnostics.Append(resp.Plan.Set(ctx, &plan)...)
	if r.online() && !resp.Diagnostics.HasError() {
		plan.warnOfEnd(state, r.data.Client.Now(), &resp.Diagnostics)
	}
}

// checkFixed refuses to change what Salesforce fixes when it makes a certificate, and its label.
func (m *certificateModel) checkFixed(state certificateModel, diags *diag.Diagnostics) {
	name := state.DeveloperName.ValueString()
	if !m.Label.IsUnknown() && !state.Label.IsNull() && !sameText(m.Label.ValueString(), state.Label.ValueString()) {
		diags.AddAttributeError(path.Root("label"), "The label can't be changed here",
			fmt.Sprintf("Certificate %q has the label %q; the configuration says %q. A deploy over an existing certificate "+
				"makes a new key pair, so nothing was sent. Change the label in Setup (Certificate and Key Management) and apply "+
				"again, or write here what the org has.", name, state.Label.ValueString(), m.Label.ValueString()))
	}
	if !m.CASigned.IsUnknown() && !state.CASigned.IsNull() && !m.CASigned.Equal(state.CASigned) {
		diags.AddAttributeError(path.Root("ca_signed"), "The kind of a certificate can't be changed",
			fmt.Sprintf("Certificate %q has ca_signed = %t; the configuration says %t. Salesforce decides this when it makes "+
				"the certificate. Nothing was sent. Write here what the org has, or make a certificate under another "+
				"name.", name, state.CASigned.ValueBool(), m.CASigned.ValueBool()))
	}
	if !m.CertificateChain.IsNull() && !m.CertificateChain.IsUnknown() && m.CASigned.Equal(types.BoolValue(false)) {
		diags.AddAttributeError(path.Root("certificate_chain"), "A chain for a self-signed certificate",
			fmt.Sprintf("Certificate %q is self-signed, so it has no request that a chain could answer. Nothing was sent. "+
				"Remove certificate_chain.", name))
	}
	if !m.RenewBeforeDays.IsNull() && m.DeletionPolicy.ValueString() == policyPrevent {
		diags.AddAttributeError(path.Root("renew_before_days"), "The certificate can't be renewed like this",
			fmt.Sprintf("A renewal forgets or deletes the old certificate, which deletion_policy = %q forbids. Set it to %q "+
				"or %q.", policyPrevent, policyAbandon, policyDelete))
	}
}

// hasNewChain reports whether the plan has a chain that was not uploaded yet.
func (m *certificateModel) hasNewChain(state certificateModel) bool {
	return !m.CertificateChain.IsNull() && !m.CertificateChain.Equal(state.CertificateChain)
}

// planChain refuses a chain that Salesforce would refuse, and says what an upload over a signed
// certificate may do.
func (r *certificateResource) planChain(plan, state certificateModel, diags *diag.Diagnostics) bool {
	answer, ok := state.readAnswer(plan.CertificateChain.ValueString(), r.data.Client.Now(), diags)
	if !ok {
		return false
	}
	for _, warning := range answer.Warnings {
		diags.AddAttributeWarning(path.Root("certificate_chain"), "A certificate of the chain is odd", warning)
	}
	if at, err := time.Parse(time.RFC3339, plan.ExpirationDate.ValueString()); err == nil &&
		answer.Leaf.X509.NotAfter.Sub(at).Abs() > sameDay {
		diags.AddAttributeError(path.Root("expiration_date"), "The certificate expires at another time",
			fmt.Sprintf("The signed certificate expires at %s, but expiration_date is %s. The chain decides. Nothing was "+
				"sent. Remove expiration_date.", answer.Leaf.X509.NotAfter.UTC().Format(time.RFC3339),
				plan.ExpirationDate.ValueString()))

		return false
	}
	if !state.CertificatePEM.IsNull() {
		diags.AddAttributeWarning(path.Root("certificate_chain"), "The certificate is signed already",
			fmt.Sprintf("Certificate %q already has a signed chain. Salesforce documents an upload only for a certificate "+
				"that waits for one; here it may make a new key pair. Uploaded keys are not affected. If a cache-only key names "+
				"this certificate, make a new one instead.", state.DeveloperName.ValueString()))
	}

	return true
}

// readAnswer reads a chain as the answer to the certificate's signing request.
func (m *certificateModel) readAnswer(chain string, now time.Time, diags *diag.Diagnostics) (*byok.Answer, bool) {
	answer, err := byok.ReadAnswer(chain, m.CSRPEM.ValueString(), m.CertificatePEM.ValueString())
	if err != nil {
		diags.AddAttributeError(path.Root("certificate_chain"), "The chain does not belong to this certificate",
			opening(err)+" Nothing was sent.")

		return nil, false
	}
	if problems := answer.Leaf.Unfit(now); len(problems) > 0 {
		diags.AddAttributeError(path.Root("certificate_chain"), "The signed certificate is not fit",
			fmt.Sprintf("The certificate signed for %q can't wrap keys: %s. Nothing was sent. Have the request signed "+
				"again.", m.DeveloperName.ValueString(), strings.Join(problems, "; ")))

		return nil, false
	}

	return answer, true
}

// warnOfEnd says that a certificate has expired or will soon, unless it is renewed by itself.
func (m *certificateModel) warnOfEnd(state certificateModel, now time.Time, diags *diag.Diagnostics) {
	until, err := time.Parse(time.RFC3339, state.NotAfter.ValueString())
	left := until.Sub(now)
	if err != nil || left >= defaultWarnBeforeDays*24*time.Hour || m.NotAfter.IsUnknown() {
		return
	}
	renew := "Renew it under a new developer_name, or with developer_name_prefix, with lifecycle { " +
		"create_before_destroy = true }, and let the tenant secrets name the new one."
	if state.CASigned.ValueBool() {
		renew = "Have it signed again and give the new certificate_chain, or make a new certificate."
	}
	name, end := state.DeveloperName.ValueString(), state.NotAfter.ValueString()
	switch {
	case left <= 0:
		diags.AddWarning("Certificate has expired", fmt.Sprintf("Certificate %q expired at %s. Keys that it has wrapped "+
			"are not affected, but none can be wrapped with it. %s", name, end, renew))
	case m.RenewBeforeDays.IsNull():
		diags.AddWarning("Certificate expires soon",
			fmt.Sprintf("Certificate %q expires at %s. Keys that it has wrapped are not affected, but none can be wrapped "+
				"with it afterwards. %s", name, end, renew))
	}
}
