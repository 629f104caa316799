package salesforce

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
)

const (
	settingsKind            = "Settings"
	encryptionKeyKind       = "EncryptionKeySettings"
	encryptionKeyMemberName = "EncryptionKey"
)

// EncryptionKeySettings are the org's settings of that name, as far as this
// client reads them [D]. All default to false.
type EncryptionKeySettings struct {
	// CanOptOutOfDerivationWithBYOK allows KeyDerivationMode NONE.
	CanOptOutOfDerivationWithBYOK bool
	// EnableCacheOnlyKeys allows REMOTE tenant secrets.
	EnableCacheOnlyKeys bool
	// EnableReplayDetection needs EnableCacheOnlyKeys.
	EnableReplayDetection bool
}

// EncryptionKeySettingsChange holds what is to be set; nil is left as it is.
// Other settings are never sent: turning on canEncryptTransactionalDatabase
// generates a tenant secret [D].
type EncryptionKeySettingsChange struct {
	CanOptOutOfDerivationWithBYOK, EnableCacheOnlyKeys, EnableReplayDetection *bool
}

// settingBool reads an XML boolean, "true" or "1".
type settingBool bool

func (b *settingBool) UnmarshalText(text []byte) error {
	switch strings.TrimSpace(string(text)) {
	case "true", "1":
		*b = true
	case "false", "0", "":
		*b = false
	default:
		return errBadBool
	}
	return nil
}

// GetEncryptionKeySettings reads the settings through the Metadata API.
func (c *Client) GetEncryptionKeySettings(ctx context.Context) (EncryptionKeySettings, error) {
	var record struct {
		OptOut    settingBool `xml:"canOptOutOfDerivationWithBYOK"`
		CacheOnly settingBool `xml:"enableCacheOnlyKeys"`
		Replay    settingBool `xml:"enableReplayDetection"`
	}
	found, err := c.readMetadata(ctx, encryptionKeyKind, encryptionKeyMemberName, &record)
	if err != nil {
		return EncryptionKeySettings{}, fmt.Errorf("read encryption key settings: %w", err)
	}
	if !found {
		return EncryptionKeySettings{}, fmt.Errorf("read encryption key settings: the org shows none: "+
			"Shield Platform Encryption may be off, or the user lacks the permissions Customize Application and Manage Encryption Keys: %w", ErrPermission)
	}
	return EncryptionKeySettings{
		CanOptOutOfDerivationWithBYOK: bool(record.OptOut),
		EnableCacheOnlyKeys:           bool(record.CacheOnly),
		EnableReplayDetection:         bool(record.Replay),
	}, nil
}

// UpdateEncryptionKeySettings sets what change holds, by a deploy, which may be
// sent twice. An empty change sends nothing.
func (c *Client) UpdateEncryptionKeySettings(ctx context.Context, change EncryptionKeySettingsChange) error {
	if change == (EncryptionKeySettingsChange{}) {
		return nil
	}
	content, err := change.xml()
	if err != nil {
		return err
	}
	p := metadataPackage{
		members: []metadataMember{{settingsKind, encryptionKeyMemberName}},
		files:   map[string][]byte{"settings/EncryptionKey.settings": content},
	}
	if err := c.deploy(ctx, p, idempotent); err != nil {
		return fmt.Errorf("change encryption key settings: %w", err)
	}
	return nil
}

func (s EncryptionKeySettingsChange) xml() ([]byte, error) {
	content, err := xml.MarshalIndent(struct {
		XMLName   xml.Name `xml:"EncryptionKeySettings"`
		Namespace string   `xml:"xmlns,attr"`
		OptOut    *bool    `xml:"canOptOutOfDerivationWithBYOK"`
		CacheOnly *bool    `xml:"enableCacheOnlyKeys"`
		Replay    *bool    `xml:"enableReplayDetection"`
	}{
		Namespace: metadataNamespace,
		OptOut:    s.CanOptOutOfDerivationWithBYOK, CacheOnly: s.EnableCacheOnlyKeys, Replay: s.EnableReplayDetection,
	}, "", "    ")
	if err != nil {
		return nil, errors.New("the settings could not be encoded")
	}
	return bytes.Join([][]byte{[]byte(xml.Header), content}, nil), nil
}
