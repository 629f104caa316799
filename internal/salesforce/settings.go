package salesforce

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// SettingsKind is one of the two sets of switches of Shield Platform Encryption
// that the Metadata API reads and writes as a whole.
type SettingsKind struct {
	// name is for people, kind and member are for the Metadata API.
	name, kind, member string
	// flags are the switches that are relied on: an unreadable one is an error.
	flags []string
}

// Switches of [EncryptionKeySettings], by their names in the WSDL [D].
const (
	// SettingOptOutOfDerivation allows KeyDerivationMode NONE.
	SettingOptOutOfDerivation = "canOptOutOfDerivationWithBYOK"
	// SettingCacheOnlyKeys allows REMOTE tenant secrets.
	SettingCacheOnlyKeys = "enableCacheOnlyKeys"
	// SettingReplayDetection needs SettingCacheOnlyKeys.
	SettingReplayDetection = "enableReplayDetection"
	// SettingTransactionalDatabase generates a tenant secret of type Database when
	// it is turned on, and can't be turned off. API 63 and later.
	SettingTransactionalDatabase = "canEncryptTransactionalDatabase"
	// SettingDataCloudKeys is in API 63 and later.
	SettingDataCloudKeys = "canManageDataCloudKeys"
)

// Switches of [PlatformEncryptionSettings], by their names in the WSDL [D].
const (
	SettingDeterministicEncryption = "enableDeterministicEncryption"
	SettingEventBusEncryption      = "enableEventBusEncryption"
	SettingSearchEncryption        = "enableEncryptionSearchEnabled"
	SettingFieldHistory            = "enableEncryptFieldHistory"
	SettingManagedPackageFields    = "canEncryptManagedPackageFields"
	// SettingMEKRequired and SettingHighAssuranceRequired can lock automation out:
	// they hold for the API too [D Help security_pe_2fa_for_mek].
	SettingMEKRequired           = "isMEKForEncryptionRequired"
	SettingHighAssuranceRequired = "isUseHighAssuranceKeysRequired"
)

// EncryptionKeySettings are the settings of keys (settings/EncryptionKey.settings).
func EncryptionKeySettings() SettingsKind {
	return SettingsKind{"encryption key settings", "EncryptionKeySettings", "EncryptionKey", []string{
		SettingOptOutOfDerivation, SettingCacheOnlyKeys, SettingReplayDetection, SettingTransactionalDatabase,
		SettingDataCloudKeys,
	}}
}

// PlatformEncryptionSettings are the settings of what is encrypted
// (settings/PlatformEncryption.settings).
func PlatformEncryptionSettings() SettingsKind {
	return SettingsKind{"platform encryption settings", "PlatformEncryptionSettings", "PlatformEncryption", []string{
		SettingDeterministicEncryption, SettingEventBusEncryption, SettingSearchEncryption, SettingFieldHistory,
		SettingManagedPackageFields,
		SettingMEKRequired, SettingHighAssuranceRequired,
	}}
}

// readOnly are switches that no change may name, and that are sent only to keep
// them on.
var readOnly = []string{SettingMEKRequired, SettingHighAssuranceRequired}

// Settings are the switches that an org shows, by name. What it does not show
// is absent, which is not false: files of real orgs lack whole groups, probably
// for want of an add-on [C; I].
type Settings map[string]bool

// shownSettings is the record of a readMetadata, whatever elements it has.
type shownSettings struct {
	Elements []struct {
		XMLName xml.Name
		Text    string `xml:",chardata"`
	} `xml:",any"`
}

// settings keeps the elements that are switches.
func (r shownSettings) settings(kind SettingsKind) (Settings, error) {
	all := Settings{}
	for _, e := range r.Elements {
		switch name := e.XMLName.Local; strings.TrimSpace(e.Text) {
		case "true", "1":
			all[name] = true
		case "false", "0":
			all[name] = false
		default:
			if slices.Contains(kind.flags, name) {
				return nil, fmt.Errorf("%s is neither true nor false", name)
			}
		}
	}
	return all, nil
}

// ReadSettings reads the switches through the Metadata API.
func (c *Client) ReadSettings(ctx context.Context, kind SettingsKind) (Settings, error) {
	var record shownSettings
	found, err := c.readMetadata(ctx, kind.kind, kind.member, &record)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", kind.name, err)
	}
	if !found {
		return nil, fmt.Errorf("read %s: the org shows none: Shield Platform Encryption may be off, or the user lacks the "+
			"permissions Customize Application and Manage Encryption Keys: %w", kind.name, ErrPermission)
	}
	all, err := record.settings(kind)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", kind.name, err)
	}
	return all, nil
}

// ChangeSettings sets what change holds, by a deploy, which may be sent twice.
// Whether a deploy keeps the switches that it does not name is not documented,
// so it names all of current, which must have been read for it, as they are. An
// empty change sends nothing.
func (c *Client) ChangeSettings(ctx context.Context, kind SettingsKind, current, change Settings) error {
	if len(change) == 0 {
		return nil
	}
	for _, name := range readOnly {
		if _, named := change[name]; named {
			return fmt.Errorf("change %s: %s is read, never written: it can lock automation out", kind.name, name)
		}
	}
	p := metadataPackage{
		members: []metadataMember{{"Settings", kind.member}},
		files:   map[string][]byte{"settings/" + kind.member + ".settings": kind.document(current, change)},
	}
	err := c.deploy(ctx, deployment{
		pack: p, repeat: idempotent, subject: "the change of the " + kind.name,
		took: func(ctx context.Context) (bool, error) {
			now, err := c.ReadSettings(ctx, kind)
			if err != nil {
				return false, err
			}
			for name, want := range change {
				if shown, ok := now[name]; !ok || shown != want {
					return false, nil
				}
			}
			return true, nil
		},
	})
	if err != nil {
		return fmt.Errorf("change %s: %w", kind.name, err)
	}
	return nil
}

// document is the file of a deploy, its elements sorted by name.
func (k SettingsKind) document(current, change Settings) []byte {
	all := Settings{}
	maps.Copy(all, current)
	for _, name := range readOnly {
		if !all[name] { // off is what an omitted switch is, kept or reset
			delete(all, name)
		}
	}
	maps.Copy(all, change)
	var b bytes.Buffer
	b.WriteString(xml.Header + "<" + k.kind + ` xmlns="` + metadataNamespace + `">` + "\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "    <%[1]s>%[2]t</%[1]s>\n", name, all[name])
	}
	b.WriteString("</" + k.kind + ">\n")
	return b.Bytes()
}
