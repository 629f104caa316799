package upload

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

const (
	outcomeUploaded = "uploaded"
	outcomeAdopted  = "adopted"
	outcomeImported = "imported"
)

// Receipt is the evidence of one upload or adoption, as kept in state and beside the escrow copy. It holds no secret.
type Receipt struct {
	Outcome          string              `json:"outcome"`
	Time             string              `json:"time"`
	OrganizationID   string              `json:"organization_id"`
	TenantSecretID   string              `json:"tenant_secret_id"`
	Version          int64               `json:"version,omitempty"`
	Type             string              `json:"type"`
	Source           string              `json:"source"`
	RotationID       string              `json:"rotation_id"`
	SecretValueHash  string              `json:"secret_value_hash,omitempty"`
	WrappingAlg      string              `json:"wrapping_algorithm,omitempty"`
	Certificate      *ReceiptCertificate `json:"certificate,omitempty"`
	KeySource        string              `json:"key_source"`
	EscrowRecipients []string            `json:"escrow_recipients,omitempty"`
	EscrowFile       string              `json:"escrow_file,omitempty"`
	// EscrowNotice says, under strict FIPS 140-3, that the escrow copy was made outside of it.
	EscrowNotice string `json:"escrow_notice,omitempty"`
	// HashMatched is whether the hash that Salesforce reads back is the one that was sent; null where there was nothing to compare.
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

func (w *work) receipt(row salesforce.TenantSecret, confirmed bool, outcome string) Receipt {
	receipt := Receipt{
		Outcome: outcome, Time: utc(w.now), OrganizationID: w.Organization, TenantSecretID: row.ID, Version: row.Version,
		Type: w.Type, Source: w.Source, RotationID: w.id.String(), SecretValueHash: w.hash, KeySource: w.keySource,
		FIPSMode: byok.FIPSMode(), ProviderVersion: w.ProviderVersion,
	}
	if w.certificate != nil {
		receipt.WrappingAlg = string(w.Algorithm)
		receipt.Certificate = &ReceiptCertificate{
			DeveloperName: w.Certificate, SerialNumber: w.certificate.SerialNumber(),
			SHA256: w.certificate.SHA256Fingerprint(), NotAfter: utc(w.certificate.X509.NotAfter),
		}
	}
	if w.armored != "" && outcome == outcomeUploaded {
		receipt.EscrowRecipients, receipt.EscrowNotice = w.Escrow.Plan.Recipients(), escrow.FIPSNotice()
	}
	if w.escrowFile != "" {
		receipt.EscrowFile = filepath.Base(w.escrowFile)
	}
	if confirmed && outcome == outcomeUploaded && w.hash != "" && !w.hashless {
		matched := row.SecretValueHash == w.hash
		receipt.HashMatched = &matched
	}

	return receipt
}

// ImportReceipt returns the evidence that an existing record was taken under management without an upload.
func ImportReceipt(organization, rotationID, providerVersion string, row salesforce.TenantSecret, now time.Time) string {
	hash := ""
	if _, err := byok.ParseHash(row.SecretValueHash); err == nil {
		hash = row.SecretValueHash
	}

	return encode(Receipt{
		Outcome: outcomeImported, Time: utc(now), OrganizationID: organization, TenantSecretID: row.ID, Version: row.Version,
		Type: row.Type, Source: row.Source, RotationID: rotationID, SecretValueHash: hash, KeySource: "imported",
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

// writeReceipt returns the receipt and, where the escrow has a directory, keeps it there too: state can be lost.
func (w *work) writeReceipt(receipt Receipt) string {
	text := encode(receipt)
	if w.escrowFile == "" || w.Escrow.Directory == nil {
		return text
	}
	if err := w.Escrow.Directory.WriteReceipt(filepath.Base(w.escrowFile), text); err != nil {
		w.warnings = append(w.warnings, Warning{
			Summary: "The receipt could not be kept beside the escrow copy",
			Detail:  fmt.Sprintf("The upload itself is done and the receipt is in state. What failed: %s.", err),
		})
	}

	return text
}

// foundReceipt is a receipt that an earlier run left, with its text as it stands in the file.
type foundReceipt struct {
	Receipt
	text string
}

// earlierReceipt finds the receipt beside the escrow copy of an adopted record. One that speaks of another record is not evidence.
func (w *work) earlierReceipt(row salesforce.TenantSecret) (foundReceipt, bool) {
	if w.escrowFile == "" || w.Escrow.Directory == nil {
		return foundReceipt{}, false
	}
	text, err := w.Escrow.Directory.ReadReceipt(filepath.Base(w.escrowFile))
	if err != nil || text == "" {
		return foundReceipt{}, false
	}
	var found Receipt
	if json.Unmarshal([]byte(text), &found) != nil || found.TenantSecretID != row.ID || (!w.hashless && found.SecretValueHash != row.SecretValueHash) {
		return foundReceipt{}, false
	}

	return foundReceipt{Receipt: found, text: text}, true
}
