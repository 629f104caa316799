package upload

import (
	"encoding/json"
	"path/filepath"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

const (
	outcomeUploaded = "uploaded"
	outcomeAdopted  = "adopted"
	outcomeImported = "imported"
)

// Receipt is the evidence of one upload or adoption, as kept in state and beside the escrow copy. It holds no secret.
type Receipt struct {
	Outcome        string `json:"outcome"`
	Time           string `json:"time"`
	OrganizationID string `json:"organization_id"`
	TenantSecretID string `json:"tenant_secret_id"`
	Version        int64  `json:"version,omitempty"`
	Type           string `json:"type"`
	// Source and CreatedBy are the record's own.
	Source          string              `json:"source"`
	CreatedBy       string              `json:"created_by,omitempty"`
	RotationID      string              `json:"rotation_id"`
	SecretValueHash string              `json:"secret_value_hash,omitempty"`
	WrappingAlg     string              `json:"wrapping_algorithm,omitempty"`
	Certificate     *ReceiptCertificate `json:"certificate,omitempty"`
	// CertificatePins says what certificate_pins were good for: "held", "not verifiable" for material wrapped elsewhere, "" without pins.
	CertificatePins  string     `json:"certificate_pins,omitempty"`
	KeySource        string     `json:"key_source"`
	EscrowRecipients []string   `json:"escrow_recipients,omitempty"`
	EscrowGroups     [][]string `json:"escrow_recipient_groups,omitempty"`
	EscrowFile       string     `json:"escrow_file,omitempty"`
	// EscrowNotice says, under strict FIPS 140-3, that the escrow copy was made outside of it.
	EscrowNotice string `json:"escrow_notice,omitempty"`
	// HashMatched is whether the hash that Salesforce reads back is the one that was sent; null if there was nothing to compare.
	HashMatched     *bool  `json:"hash_matched_on_read_back"`
	FIPSMode        string `json:"fips_mode"`
	ProviderVersion string `json:"provider_version"`
}

// ReceiptCertificate is the wrapping certificate of an upload.
type ReceiptCertificate struct {
	DeveloperName string `json:"developer_name"`
	SerialNumber  string `json:"serial_number"`
	SHA256        string `json:"sha256_fingerprint"`
	NotAfter      string `json:"not_after"`
}

func (c *ReceiptCertificate) sha256() string {
	if c == nil {
		return ""
	}

	return c.SHA256
}

func (w *run) receipt(row keys.Record, confirmed bool, outcome string, s sealed) Receipt {
	receipt := Receipt{
		Outcome: outcome, Time: utc(w.now), OrganizationID: w.Organization, TenantSecretID: row.ID, Version: row.Version,
		Type: w.Type, Source: row.Source, CreatedBy: row.CreatedBy, RotationID: w.id.String(), SecretValueHash: s.hash, KeySource: s.material,
		FIPSMode: byok.FIPSMode(), ProviderVersion: w.ProviderVersion,
	}
	if c := s.envelope.Certificate; c != nil {
		receipt.Certificate = &ReceiptCertificate{
			DeveloperName: s.envelope.Name, SerialNumber: c.SerialNumber(), SHA256: c.SHA256Fingerprint(), NotAfter: utc(c.X509.NotAfter),
		}
	}
	if s.envelope.Certificate != nil && s.material != materialWrapped {
		// What was wrapped elsewhere is opaque: neither its algorithm nor its certificate can be known here.
		receipt.WrappingAlg = string(w.algorithm())
	}
	if outcome == outcomeUploaded && len(w.Pins) > 0 {
		receipt.CertificatePins = "held"
		if s.material == materialWrapped {
			receipt.CertificatePins = "not verifiable"
		}
	}
	if s.copy.armor != "" && outcome == outcomeUploaded {
		receipt.EscrowRecipients, receipt.EscrowGroups, receipt.EscrowNotice = w.Escrow.Plan.Recipients(), w.Escrow.Plan.Groups(), escrow.FIPSNotice()
	}
	if s.copy.path != "" {
		receipt.EscrowFile = filepath.Base(s.copy.path)
	}
	if confirmed && outcome == outcomeUploaded && s.hash != "" && !w.Hashless {
		matched := row.Hash == s.hash
		receipt.HashMatched = &matched
	}

	return receipt
}

// ImportReceipt returns the evidence that an existing record was taken under management without an upload.
func ImportReceipt(organization, rotationID, providerVersion string, row keys.Record, now time.Time) string {
	return encode(Receipt{
		Outcome: outcomeImported, Time: utc(now), OrganizationID: organization, TenantSecretID: row.ID, Version: row.Version,
		Type: row.Type, Source: row.Source, CreatedBy: row.CreatedBy, RotationID: rotationID, SecretValueHash: row.Hash, KeySource: materialImported,
		FIPSMode: byok.FIPSMode(), ProviderVersion: providerVersion,
	})
}

// encode cannot fail: the receipt is made of strings, numbers and booleans.
func encode(r Receipt) string {
	text, err := json.Marshal(r)
	if err != nil {
		panic("upload: a receipt of plain values could not be encoded: " + err.Error())
	}

	return string(text)
}

// writeReceipt returns the receipt and keeps it beside the escrow copy too, if there is one: state can be lost.
func (w *run) writeReceipt(receipt Receipt, path string) string {
	text := encode(receipt)
	if path == "" {
		return text
	}
	if err := w.Escrow.Directory.WriteReceipt(filepath.Base(path), text); err != nil {
		w.warn("escrow.directory", "The receipt could not be kept beside the escrow copy", "The upload is done and the receipt is in state. Writing it beside %s failed: %s.", path, err)
	}

	return text
}

// foundReceipt is a receipt that an earlier run left, with its text as it stands in the file.
type foundReceipt struct {
	Receipt

	text string
}

// earlierReceipt finds the receipt beside the escrow copy of an adopted record. One that speaks of another record is not evidence.
func (w *run) earlierReceipt(row keys.Record, path string) (foundReceipt, bool) {
	if path == "" {
		return foundReceipt{}, false
	}
	text, err := w.Escrow.Directory.ReadReceipt(filepath.Base(path))
	if err != nil || text == "" {
		return foundReceipt{}, false
	}
	var found Receipt
	if json.Unmarshal([]byte(text), &found) != nil || found.TenantSecretID != row.ID || (!w.Hashless && found.SecretValueHash != row.Hash) {
		return foundReceipt{}, false
	}

	return foundReceipt{Receipt: found, text: text}, true
}
