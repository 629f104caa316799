package provider

import (
	"encoding/json"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/pluginserver"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// asRead answers the refresh of a record that is in the org as it is in state, if a reading of the
// org is at hand: it asks the org nothing. TestUnchangedAnswersAsTheFrameworkDoes holds this and
// asWanted together with what the resource does.
func (p *byokProvider) asRead(state pluginserver.Object) (identity map[string]string, ok bool) {
	data := p.data.Load()
	if data == nil || data.Client == nil {
		return nil, false
	}
	id, _ := state.Text("tenant_secret_id")
	row, found := data.Inventory.AtHand(id)
	if !found || !sameVersion(state, row, data) || hasStatement(state) {
		return nil, false
	}

	return map[string]string{"organization_id": data.Session.OrganizationID, "tenant_secret_id": fullID(id)}, true
}

// asWanted answers the plan of a record that is as wanted, and that no other block of this run
// wants otherwise.
func (p *byokProvider) asWanted(state pluginserver.Object, private []byte) ([]byte, bool) {
	data := p.data.Load()
	held := !state.Is("exported_secret_value", "")
	if !versionIsAsWanted(state) || hasStatement(state) || !state.IsBool("recoverable", held) {
		return nil, false
	}
	if data != nil && data.Client != nil && !state.Is("organization_id", data.Session.OrganizationID) {
		return nil, false
	}
	policy, _ := state.Text("deletion_policy")
	private, ok := markedPrivate(private, policy)
	id, _ := state.Text("tenant_secret_id")
	status, _ := state.Text("desired_status")
	if ok && data != nil && id != "" && data.records.want(id, status) != "" {
		return nil, false
	}

	return private, ok
}

// hasStatement reports whether a record has a statement to sign, or may need one: it is made of the
// record at every refresh and plan.
func hasStatement(state pluginserver.Object) bool {
	return !state.Is("destruction_not_after", "") || !state.Is("destruction_statement", "")
}

// versionIsAsWanted reports whether a record in state, over which a configuration without changes
// is planned, is as wanted in every respect: then there is nothing to plan, to refuse or to warn
// of.
func versionIsAsWanted(state pluginserver.Object) bool {
	status, known := state.Text("status")
	if !known || status == "" || !state.Is("desired_status", status) {
		return false
	}
	source, _ := state.Text("source")
	typ, _ := state.Text("type")
	record := keys.Record{Status: status, Source: source, Type: typ}
	held := !state.Is("exported_secret_value", "")
	switch {
	case !record.Settable():
		return false
	case state.Is("backup", backupNone):
		return !held
	default:
		return held || !record.Exportable()
	}
}

// sameVersion reports whether a refresh has found the record as it is in state.
func sameVersion(state pluginserver.Object, row salesforce.TenantSecret, data *Data) bool {
	return state.Is("organization_id", data.Session.OrganizationID) && state.Is("type", row.Type) &&
		state.IsNumber("version", row.Version) && state.Is("status", row.Status) &&
		state.Is("source", row.Source) && state.Is("description", row.Description) &&
		state.Is("key_derivation_mode", row.KeyDerivationMode) &&
		state.Is("secret_value_hash", hashOrNull(row.SecretValueHash).ValueString()) &&
		state.Is("created_date", timeOrNull(row.CreatedDate).ValueString()) &&
		state.Is("last_modified_date", timeOrNull(row.LastModifiedDate).ValueString())
}

// markedPrivate is private state with the deletion policy, which a replacement's second call looks
// for; false if it has another one, or none beside other keys.
func markedPrivate(prior []byte, policy string) ([]byte, bool) {
	if len(prior) == 0 {
		marked, err := json.Marshal(map[string][]byte{privatePolicy: policyMark(types.StringValue(policy))})

		return marked, err == nil
	}
	var values map[string][]byte
	if json.Unmarshal(prior, &values) != nil {
		return nil, false
	}

	return prior, string(values[privatePolicy]) == string(policyMark(types.StringValue(policy)))
}
