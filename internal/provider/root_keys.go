package provider

import (
	"context"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// rootKeyStatuses are the statuses of a root key [D sf-skills].
func rootKeyStatuses() []string {
	return []string{
		salesforce.RootKeyActivationPending, salesforce.RootKeyActive, salesforce.RootKeyArchived, salesforce.RootKeyCanceled,
		salesforce.RootKeyInactive,
		salesforce.RootKeyUnavailable,
	}
}

// rootKeyFilter chooses root keys; a null matches every one.
type rootKeyFilter struct{ status, service types.String }

// rootKeys reads the root keys of the org that match a filter.
func (b *base) rootKeys(ctx context.Context, filter rootKeyFilter,
	diags *diag.Diagnostics,
) ([]salesforce.ExternalRootKey, bool) {
	if !b.ready(diags) {
		return nil, false
	}
	all, err := b.data.Client.ListExternalRootKeys(ctx)
	if err != nil {
		addError(diags, "Unable to read the external root keys", err)

		return nil, false
	}

	return slices.DeleteFunc(all, func(k salesforce.ExternalRootKey) bool {
		return !matchesFold(filter.status, k.Status) || !matchesFold(filter.service, k.RootKeyService)
	}), true
}

// matchesFold reports whether a value passes an optional filter, whatever its case.
func matchesFold(filter types.String, value string) bool {
	return filter.IsNull() || strings.EqualFold(filter.ValueString(), value)
}

// warnNoRootKey warns of an upload of a Search Index key to an org that shows no active root key of
// Salesforce's own, which it needs [D Help upload_seas]. An org that can't be asked is no reason to
// warn.
func (b *base) warnNoRootKey(ctx context.Context, diags *diag.Diagnostics) {
	if !b.online() {
		return
	}
	all, err := b.data.Client.ListExternalRootKeys(ctx)
	if err != nil || slices.ContainsFunc(all, func(k salesforce.ExternalRootKey) bool {
		return k.RootKeyService == salesforce.RootKeyServiceSalesforce &&
			strings.EqualFold(k.Status, salesforce.RootKeyActive)
	}) {
		return
	}
	diags.AddWarning("No active root key for Search Index keys",
		"A Search Index key needs an active Salesforce root key, and the org shows none. Salesforce will probably refuse "+
			"the upload. Generate or activate the root key in Setup, Key Management: no API does it.")
}
