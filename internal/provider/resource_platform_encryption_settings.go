package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

func newPlatformEncryptionSettingsResource() resource.Resource {
	const off = "New data is then no longer encrypted this way; what becomes of data that is encrypted already is not " +
		"documented."

	return &settingsResource{
		name: "platform_encryption_settings", title: "platform encryption settings",
		kind: salesforce.PlatformEncryptionSettings(),
		description: "What Shield Platform Encryption encrypts in the org (Setup, Encryption Settings). There is one set " +
			"per org: the resource takes it over as it is, changes only what is configured, and a destroy forgets it without " +
			"changing anything. It is read and written through the Metadata API; the user needs Customize Application, Manage " +
			"Encryption Keys and Modify Metadata Through Metadata API Functions. Keys and the settings about keys are " +
			"elsewhere: `salesforcebyok_tenant_secret`, `salesforcebyok_encryption_key_settings`.",
		flags: []settingsFlag{
			{
				attribute: "enable_deterministic_encryption", wire: salesforce.SettingDeterministicEncryption, addOn: addOnShield,
				off:         off,
				description: "Whether deterministic encryption is allowed; its tenant secret has the type DeterministicData.",
			},
			{
				attribute: "enable_event_bus_encryption", wire: salesforce.SettingEventBusEncryption, addOn: addOnShield, off: off,
				description: "Whether events on the event bus are encrypted; their tenant secret has the type EventBus.",
			},
			{
				attribute: "enable_search_encryption", wire: salesforce.SettingSearchEncryption, addOn: addOnShield, off: off,
				description: "Whether search index files are encrypted.",
			},
			{
				attribute: "encrypt_field_history", wire: salesforce.SettingFieldHistory, addOn: addOnShield, off: off,
				description: "Whether field history and feed tracking values are encrypted.",
			},
			{
				attribute: "encrypt_managed_package_fields", wire: salesforce.SettingManagedPackageFields, addOn: addOnShield,
				off:         off,
				description: "Whether custom fields in installed managed packages may be encrypted.",
			},
			{
				attribute: "high_assurance_required", wire: salesforce.SettingHighAssuranceRequired, computed: true,
				description: "Whether managing keys needs a high assurance session, in Setup and by API.",
			},
			{
				attribute: "mek_required", wire: salesforce.SettingMEKRequired, computed: true,
				description: "Whether encryption settings beyond keys need the permission Manage Encryption Keys too (the org's " +
					"`isMEKForEncryptionRequired`).",
			},
		},
	}
}
