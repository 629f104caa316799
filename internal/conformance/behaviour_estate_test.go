package conformance_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// imported imports an object of the estate by its id, in a directory of its own, expects the next
// plan to be empty, and returns what is in state.
func (p *probe) imported(kind, id string, lines ...string) map[string]any {
	p.Helper()
	address := "salesforcebyok_" + kind + ".it"
	c := p.cli("import-" + kind)
	p.write(c, resource(kind, lines...))
	p.untouched(func() {
		p.succeeded("import", c.Run("import", "-input=false", "-no-color", address, id))
		p.empty(c)
	})
	return p.attributes(c, address)
}

// estateBehaviours change nothing.
func estateBehaviours() []behaviour {
	reads := func(name, section, claim string, calls int, check func(*probe)) behaviour {
		return behaviour{name: name, section: section, claim: claim, does: "reads", calls: calls, check: check}
	}
	settings := func(kind, typ, member string, wires map[string]string) func(*probe) {
		return func(p *probe) {
			state, shown := p.imported(kind, p.about.id), p.switches(p.version, typ, member)
			for attribute, wire := range wires {
				var want any
				if value, there := shown[wire]; there {
					want = value
				}
				p.equal(attribute, state[attribute], want)
			}
		}
	}
	return []behaviour{
		reads("EncryptionKeySettings_import", "encryption_key_settings",
			"The settings are imported as the org shows them, null "+
				"for what it does not show; the plan is empty.", 25,
			settings("encryption_key_settings", "EncryptionKeySettings", "EncryptionKey", map[string]string{
				"allow_key_derivation_opt_out": "canOptOutOfDerivationWithBYOK", "enable_cache_only_keys": "enableCacheOnlyKeys",
				"enable_replay_detection":        "enableReplayDetection",
				"encrypt_transactional_database": "canEncryptTransactionalDatabase",
				"manage_data_cloud_keys":         "canManageDataCloudKeys",
			})),
		reads("PlatformEncryptionSettings_import", "platform_encryption_settings",
			"The settings are imported as the org shows "+
				"them, null for what it does not show; the plan is empty.", 25,
			settings("platform_encryption_settings", "PlatformEncryptionSettings", "PlatformEncryption", map[string]string{
				"enable_deterministic_encryption": "enableDeterministicEncryption",
				"enable_event_bus_encryption":     "enableEventBusEncryption",
				"enable_search_encryption":        "enableEncryptionSearchEnabled",
				"encrypt_field_history":           "enableEncryptFieldHistory",
				"encrypt_managed_package_fields":  "canEncryptManagedPackageFields",
				"mek_required":                    "isMEKForEncryptionRequired",
				"high_assurance_required":         "isUseHighAssuranceKeysRequired",
			})),
		reads("Certificate_import", "certificate", "A certificate is imported by its unique name, to be forgotten and never "+
			"deleted; the plan is empty.", 25, func(p *probe) {
			row := p.certificates("DeveloperName, MasterLabel, OptionsIsCaSigned", " LIMIT 1")[0]
			name := p.text(row, "DeveloperName")
			p.matches(p.imported("certificate", name, fmt.Sprintf("developer_name = %q", name)), map[string]any{
				"deletion_policy": "ABANDON", "label": row["MasterLabel"], "ca_signed": row["OptionsIsCaSigned"],
			})
		}),
		reads("ExternalRootKeys_read", "data source external_root_keys",
			"It lists every root key that the org shows, with its "+
				"identifier, service and status.", 25, func(p *probe) {
				p.rootKeysAre()
				rows, _ := p.query("/query", "SELECT Id, RootKeyIdentifier, RootKeyService, Status FROM ExternalEncryptionRootKey")
				listed := map[string]map[string]any{}
				for _, key := range p.entries(p.readOf("external_root_keys"), "external_root_keys") {
					listed[p.text(key, "root_key_id")] = key
				}
				p.equal("the number of root keys", len(listed), len(rows))
				for _, row := range rows {
					p.matches(listed[p.text(row, "Id")], map[string]any{
						"root_key_identifier": row["RootKeyIdentifier"], "root_key_service": row["RootKeyService"],
						"status": row["Status"],
					})
				}
			}),
		reads("EncryptionEvents_read", "data source encryption_events",
			"It lists what the event log files of the last two days "+
				"hold of keys, each row with its time or as it stands.", 60, func(p *probe) {
				since := time.Now().Add(-48 * time.Hour).UTC().Format(time.RFC3339)
				files := p.get("/query?q=" + url.QueryEscape("SELECT Id FROM EventLogFile WHERE EventType = 'PlatformEncryption' "+
					"AND LogDate >= "+since))
				if files.status != http.StatusOK {
					p.Skipf("the org does not show EventLogFile: status %d%s", files.status, files.reason())
				}
				events := p.entries(p.readOf("encryption_events", fmt.Sprintf("since = %q", since)), "events")
				if list, _ := files.object()["records"].([]any); len(list) > 0 && len(events) == 0 {
					p.Error("there are files, and no event")
				}
				for n, event := range events {
					if event["time"] == nil && event["unreadable"] == nil {
						p.Errorf("event %s has neither a time nor a row", strconv.Itoa(n))
					}
				}
			}),
	}
}
