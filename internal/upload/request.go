package upload

import (
	"context"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// Request is one wanted key, with what it takes to make it.
type Request struct {
	keys.Wanted

	Description string
	// Evidence is what private state knows of earlier runs. Gather adds the rest.
	Evidence keys.Evidence
	// User returns the id of the session's user, "" if it can't be had. It is asked only if a marker's
	// writer is in doubt.
	User func(ctx context.Context) string
	// Planned is what the plan has announced.
	Planned Planned
	// Receipt is what each receipt of this apply says, and InState the text of the one in state that
	// it follows, "" for none.
	Receipt receipt.Receipt
	InState string

	// Certificate is the DeveloperName of the wrapping certificate. UPLOADED only, like the next five.
	Certificate string
	Algorithm   byok.WrappingAlgorithm
	// CertificatePins are the SHA-256 fingerprints of the certificates that may be wrapped to; none is
	// any.
	CertificatePins []string
	// Material is what the user gave; zero means that it is generated. Run does not destroy it.
	Material secret.Bytes
	// Wrapped is ciphertext made elsewhere; it needs PinnedHash and excludes Material and Escrow.
	Wrapped string
	// Escrow is nil for none.
	Escrow *Escrow

	// RemoteKeyServiceID and RemoteKeyCertificate are for REMOTE only.
	RemoteKeyServiceID   string
	RemoteKeyCertificate string
}

// Planned is what a plan has announced, as far as it was known.
type Planned struct {
	// Adopts is the record to adopt, "" if the plan makes a key.
	Adopts string
	// Over is the record that the plan saw in use, "" if it saw none or did not look. OverLost is true
	// if that was one of those that a newer key ends for good.
	Over     string
	OverLost bool
	// Certificate is the fingerprint of the wrapping certificate, "" if it was not known.
	Certificate string
}

// check refuses a request that no caller should make, before anything is read.
func (r Request) check() *problem.Problem {
	switch {
	case r.Type == "" || r.Fingerprint == "":
		return problem.New("", "Internal error: rotation without type or fingerprint", "A rotation was requested without a "+
			"type or inputs. Nothing was sent. Please report it.")
	case r.Wrapped != "" && (!r.Material.IsZero() || r.Escrow != nil || r.PinnedHash == ""):
		return problem.New("wrapped_key_material", "Invalid use of wrapped_key_material",
			"wrapped_key_material needs secret_value_hash and excludes key_material_wo and escrow: its plaintext is not known "+
				"here. Nothing was sent.")
	default:
		return nil
	}
}

// Result is the record behind the lineage after Run, whether it was made now or found.
type Result struct {
	// Record is the record as read back. If that failed, it holds what is known without it and
	// Confirmed is false.
	Record     keys.Record
	Confirmed  bool
	RotationID keys.RotationID
	// Adopted is true if an existing record was taken and nothing was uploaded.
	Adopted bool
	// Hash is the SecretValueHash of the key, "" if it is not known.
	Hash string
	// EscrowCiphertext is age armor, "" if there is none.
	EscrowCiphertext string
	// KeyCheckValue is "" if the material was never seen.
	KeyCheckValue string
	// CertificateSHA256 is the fingerprint of the certificate that wrapped the material, "" if it is
	// not known.
	CertificateSHA256 string
	// Receipts are the evidence, JSON, the newest last. Of an adoption the first may be one that is
	// kept already.
	Receipts []string
	Warnings []*problem.Problem

	before int64
}

// Receipt returns the newest receipt.
func (r Result) Receipt() string {
	if len(r.Receipts) == 0 {
		return ""
	}

	return r.Receipts[len(r.Receipts)-1]
}

// Owned returns what is to be remembered of the record. One whose id is not known has the newest
// version before it, see keys.Ours.
func (r Result) Owned() keys.Record {
	row := r.Record
	if row.ID == "" {
		row.Version = r.before
	}

	return row
}
