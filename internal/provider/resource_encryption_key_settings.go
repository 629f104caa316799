package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

const (
	addOnCacheOnly = "the Cache-Only Key Service add-on"
	addOnDatabase  = "Database Encryption"
	addOnDataCloud = "Platform Encryption for Data Cloud"
	addOnShield    = "Shield Platform Encryption"
)

func newEncryptionKeySettingsResource() resource.Resource {
	r := &settingsResource{
		name: "encryption_key_settings", title: "encryption key settings", kind: salesforce.EncryptionKeySettings(),
		description: "The encryption key settings of the org (Setup, Encryption Settings). There is one set per org: the " +
			"resource takes it over as it is, changes only what is configured, and a destroy forgets it without changing " +
			"anything. It is read and written through the Metadata API; the user needs Customize Application, Manage " +
			"Encryption Keys and Modify Metadata Through Metadata API Functions. An org without an add-on does not show its " +
			"settings: `false` is then satisfied, and `true` fails.",
		flags: []settingsFlag{
			{
				attribute: "allow_key_derivation_opt_out", wire: salesforce.SettingOptOutOfDerivation, addOn: addOnShield,
				description: "Whether BYOK keys may opt out of key derivation (`key_derivation_mode = \"NONE\"`).",
			},
			{
				attribute: "enable_cache_only_keys", wire: salesforce.SettingCacheOnlyKeys, addOn: addOnCacheOnly,
				description: "Whether cache-only keys (`source = \"REMOTE\"`) are allowed. Salesforce does not document what " +
					"`false` does to data under them: the plan warns, and while a REMOTE tenant secret is in use, `false` needs " +
					"`allow_key_destruction = true` in the provider block.",
			},
			{
				attribute: "enable_replay_detection", wire: salesforce.SettingReplayDetection, addOn: addOnCacheOnly,
				description: "Whether each callout for a cache-only key carries a nonce that the answer must repeat. Needs " +
					"`enable_cache_only_keys`.",
			},
			{
				attribute: "encrypt_transactional_database", wire: salesforce.SettingTransactionalDatabase, addOn: addOnDatabase,
				since: 63, irreversible: true, staysOn: true,
				description: "Whether the whole transactional database is encrypted. Turning it on makes Salesforce generate a " +
					"tenant secret of type Database, and can't be undone.",
			},
			{
				attribute: "manage_data_cloud_keys", wire: salesforce.SettingDataCloudKeys, addOn: addOnDataCloud, since: 63,
				irreversible: true,
				description:  "Whether root keys of Data Cloud are managed in this org.",
				off:          "What that means for keys of Data Cloud is not documented.",
			},
		},
	}
	r.check = r.checkCacheOnly

	return r
}

// checkCacheOnly holds the rules about cache-only keys: replay detection needs them [D
// EncryptionKeySettings], and what turning them off does to data under a key in use is not
// documented, so it is guarded like the destruction of that key.
func (r *settingsResource) checkCacheOnly(ctx context.Context, j judgement, diags *diag.Diagnostics) {
	at := path.Root("enable_cache_only_keys")
	cacheOnly, known := j.after(salesforce.SettingCacheOnlyKeys)
	if replay, _ := j.after(salesforce.SettingReplayDetection); replay && known && !cacheOnly {
		diags.AddAttributeError(path.Root("enable_replay_detection"), "Replay detection without cache-only keys",
			"Salesforce offers replay detection only if cache-only keys are allowed. Set enable_cache_only_keys = true, or "+
				"enable_replay_detection = false. Nothing was sent.")
	}
	if !j.turnsOff(salesforce.SettingCacheOnlyKeys) {
		return
	}
	if !j.apply {
		diags.AddAttributeWarning(at, "Cache-only keys will be switched off",
			"Salesforce does not document what becomes of data under this org's cache-only keys. Make sure that no REMOTE "+
				"tenant secret is in use.")
	}
	if !r.online() || r.data.allowsUnapproved() {
		return
	}
	read := r.forPlan
	if j.apply {
		read = r.forWrite
	}
	all, ok := read(ctx, diags)
	if !ok {
		return
	}
	if used := keys.RemoteInUse(all.Records()); len(used) > 0 {
		diags.AddAttributeError(at, "Cache-only keys are in use",
			fmt.Sprintf("Data of this org is under REMOTE tenant secrets (%s), and may be unreadable once the setting is off. "+
				"Nothing was sent. Replace these keys first; %s.",
				naming(used), r.data.allowAdvice()))
	}
}

// maxNamed bounds the records that one diagnostic names.
const maxNamed = 5

// naming lists records for a diagnostic.
func naming(records []keys.Record) string {
	var named []string
	for _, r := range records[:min(len(records), maxNamed)] {
		named = append(named, fmt.Sprintf("%s version %d (%s)", r.Type, r.Version, r.Status))
	}
	if more := len(records) - maxNamed; more > 0 {
		named = append(named, fmt.Sprintf("and %d more", more))
	}

	return strings.Join(named, ", ")
}
