package receipt

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// format is the version of a receipt's form. Receipts of provider versions before it have none.
const format = 1

// Operation is what was done.
type Operation string

// The operations.
const (
	Upload            Operation = "upload"
	Adopt             Operation = "adopt"
	Import            Operation = "import"
	Patch             Operation = "patch"
	Destroy           Operation = "destroy"
	DestroyForGood    Operation = "destroy-for-good"
	Restore           Operation = "restore"
	DropExport        Operation = "drop-export"
	MakeJWE           Operation = "make-jwe"
	MakeCertificate   Operation = "make-certificate"
	DeleteCertificate Operation = "delete-certificate"
	ChangeSettings    Operation = "change-settings"
	ChangeRootKey     Operation = "change-root-key"
	CompleteCASigned  Operation = "upload-certificate-chain"
)

// outcomes has the past of each operation, as receipts have named it from the first version on.
func outcomes() map[Operation]string {
	return map[Operation]string{
		Upload: "uploaded", Adopt: "adopted", Import: "imported", Patch: "patched", Destroy: "destroyed",
		DestroyForGood: "destroyed for good",
		Restore:        "restored", DropExport: "export dropped", MakeJWE: "JWE made", MakeCertificate: "certificate made",
		DeleteCertificate: "certificate deleted",
		ChangeSettings:    "settings changed", ChangeRootKey: "root key changed",
		CompleteCASigned: "certificate chain uploaded",
	}
}

// Cause is why it was done.
type Cause string

// The causes.
const (
	// CausePlan is a configuration that asks for it.
	CausePlan Cause = "plan"
	// CauseDrift is a change outside of Terraform that the plan undoes.
	CauseDrift Cause = "drift"
	// CauseAge is a key that reached its rotate_after_days, or a certificate its renew_before_days.
	CauseAge Cause = "age"
)

// Receipt is the evidence of one write. The JSON names are fixed. Fields that do not apply to an
// operation are left out.
type Receipt struct {
	// Format is set by [Receipt.Encode].
	Format    int       `json:"receipt_format"`
	Operation Operation `json:"operation"`
	// Outcome is the operation in the past tense, set by [Receipt.Encode].
	Outcome string `json:"outcome"`
	Cause   Cause  `json:"cause,omitempty"`
	// Time is when the operation was done, see [UTC].
	Time           string `json:"time"`
	OrganizationID string `json:"organization_id"`
	// UserID is the user of the session that wrote.
	UserID string `json:"user_id,omitempty"`
	// Resource is the type of the Terraform resource, such as salesforcebyok_tenant_secret.
	Resource string `json:"resource,omitempty"`

	// TenantSecretID is the record's id, of whatever object holds the key.
	TenantSecretID string `json:"tenant_secret_id,omitempty"`
	Version        int64  `json:"version,omitempty"`
	Type           string `json:"type,omitempty"`
	// Source and CreatedBy are the record's own.
	Source          string `json:"source,omitempty"`
	CreatedBy       string `json:"created_by,omitempty"`
	StatusBefore    string `json:"status_before,omitempty"`
	StatusAfter     string `json:"status_after,omitempty"`
	RotationID      string `json:"rotation_id,omitempty"`
	SecretValueHash string `json:"secret_value_hash,omitempty"`
	// KeySource says where the material came from: generated, given, wrapped_elsewhere, salesforce,
	// remote, adopted, imported.
	KeySource string `json:"key_source,omitempty"`

	WrappingAlg string       `json:"wrapping_algorithm,omitempty"`
	Certificate *Certificate `json:"certificate,omitempty"`
	// PinsHeld is nil without certificate_pins.
	PinsHeld *Pins `json:"pins_held,omitempty"`

	// EscrowRecipients are those of the copy, unless it has EscrowRecipientGroups.
	EscrowRecipients      []string   `json:"escrow_recipients,omitempty"`
	EscrowRecipientGroups [][]string `json:"escrow_recipient_groups,omitempty"`
	// EscrowFile is the name of the copy in the escrow directory, and EscrowSHA256 its SHA-256 in
	// hexadecimal.
	EscrowFile   string `json:"escrow_file,omitempty"`
	EscrowSHA256 string `json:"escrow_sha256,omitempty"`
	// EscrowNotice says, under strict FIPS 140-3, that the escrow copy was made outside of it.
	EscrowNotice string `json:"escrow_notice,omitempty"`

	// HashMatched is whether the hash that Salesforce reads back is the one that was sent; nil if
	// there was nothing to compare.
	HashMatched *bool `json:"hash_matched_on_read_back"`
	// ExportHeld is whether a verified export of the key is held after the operation; nil if the
	// operation has no export.
	ExportHeld *bool `json:"export_held,omitempty"`

	// Statement is the text that the approvers signed, and ApprovalsRequired how many had to.
	Statement         string     `json:"destruction_statement,omitempty"`
	ApprovalsRequired int        `json:"approvals_required,omitempty"`
	Approvers         []Approver `json:"approvers,omitempty"`

	Settings []Setting `json:"settings,omitempty"`
	RootKey  *RootKey  `json:"root_key,omitempty"`

	FIPSMode        string `json:"fips_mode"`
	ProviderVersion string `json:"provider_version"`
	// Previous is the SHA-256 of the receipt before this one in the same state, in hexadecimal; nil
	// for the first.
	Previous *string `json:"previous"`
}

// Certificate is the wrapping certificate of an upload, or the one that was made or deleted.
type Certificate struct {
	DeveloperName string `json:"developer_name"`
	SerialNumber  string `json:"serial_number,omitempty"`
	SHA256        string `json:"sha256_fingerprint,omitempty"`
	NotAfter      string `json:"not_after,omitempty"`
}

// Approver is somebody whose signature over the statement counted.
type Approver struct {
	// Fingerprint is the SHA-256 of the public key, as ssh-keygen -l prints it: SHA256:...
	Fingerprint string `json:"fingerprint"`
	// Comment is that of the configured public key.
	Comment string `json:"comment,omitempty"`
	// Signature is the armored SSH signature over the statement.
	Signature string `json:"signature,omitempty"`
}

// Setting is one setting that changed. A value is true, false or, for one that the org did not
// show, nil.
type Setting struct {
	Name   string `json:"name"`
	Before *bool  `json:"before"`
	After  *bool  `json:"after"`
}

// RootKey is an external root key.
type RootKey struct {
	ID         string `json:"id"`
	Identifier string `json:"identifier,omitempty"`
	Service    string `json:"service,omitempty"`
}

// Pins is whether the pinned certificates were held to.
type Pins string

// The outcomes of a comparison with certificate_pins.
const (
	PinsHeld    Pins = "true"
	PinsNotHeld Pins = "false"
	// PinsNotVerifiable is for material that was wrapped elsewhere.
	PinsNotVerifiable Pins = "not verifiable"
)

// MarshalJSON writes true, false or "not verifiable".
func (p Pins) MarshalJSON() ([]byte, error) {
	switch p {
	case PinsHeld, PinsNotHeld:
		return []byte(p), nil
	case PinsNotVerifiable:
		return []byte(`"not verifiable"`), nil
	default:
		return nil, fmt.Errorf("receipt: no outcome of pins: %q", string(p))
	}
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (p *Pins) UnmarshalJSON(text []byte) error {
	for _, known := range []Pins{PinsHeld, PinsNotHeld, PinsNotVerifiable} {
		if written, err := known.MarshalJSON(); err == nil && string(written) == string(text) {
			*p = known
			return nil
		}
	}
	return errors.New("pins_held is neither true, false nor \"not verifiable\"")
}

// UTC is the form of times in receipts: RFC 3339 with seconds, in UTC.
func UTC(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Sum returns the SHA-256 of a receipt's text in lower-case hexadecimal, as sha256sum prints it.
func Sum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// After returns the receipt as the one that follows the receipt of the given text in a state; "" is
// for the first.
func (r Receipt) After(previous string) Receipt {
	r.Previous = nil
	if previous != "" {
		sum := Sum(previous)
		r.Previous = &sum
	}
	return r
}

// Encode returns the receipt's text, RFC 8785 canonical JSON. It panics for an operation or an
// outcome of pins that this package does not know, which only a fault of this program can bring.
func (r Receipt) Encode() string {
	outcome, ok := outcomes()[r.Operation]
	if !ok {
		panic("receipt: unknown operation " + string(r.Operation))
	}
	r.Format, r.Outcome = format, outcome
	text, err := json.Marshal(r)
	if err == nil {
		text, err = Canonical(text)
	}
	if err != nil {
		panic("receipt: plain values could not be encoded: " + err.Error())
	}
	return string(text)
}

// Parse reads a receipt, also one of a provider version before this form, whose Format is 0. A
// receipt of a later form is read as far as it is known.
func Parse(text string) (Receipt, error) {
	var r Receipt
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return Receipt{}, fmt.Errorf("is no receipt: %w", err)
	}
	if r.Outcome == "" || r.Time == "" || r.OrganizationID == "" {
		return Receipt{}, errors.New("is no receipt: it lacks outcome, time or organization_id")
	}
	return r, nil
}
