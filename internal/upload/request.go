package upload

import (
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// The sources of a key, as Salesforce names them.
const (
	SourceUploaded = "UPLOADED"
	SourceHSM      = "HSM"
	SourceRemote   = "REMOTE"
)

// Request is one wanted rotation.
type Request struct {
	Type              string
	Source            string
	Description       string
	KeyDerivationMode string

	// Fingerprint stands for the configured inputs, see keys.Inputs.
	Fingerprint string
	// RotationID is the planned id of an update. It is zero on create, where the org decides: a record whose marker has Fingerprint is
	// adopted with its own id, else the id goes on after the highest marker of the type.
	RotationID keys.RotationID
	// UnconfirmedSince is when an earlier apply sent this rotation without learning the outcome, zero where none did.
	UnconfirmedSince time.Time
	// ExpectedActive is the id of the record that the plan saw as the ACTIVE one, "" where it saw none or did not look.
	ExpectedActive string

	// Certificate is the DeveloperName of the wrapping certificate. UPLOADED only, like the next five.
	Certificate string
	Algorithm   byok.WrappingAlgorithm
	// Pin is the wanted hash, "" for none.
	Pin string
	// Material is what the user gave; zero means that it is generated. Run does not destroy it.
	Material secret.Bytes
	// Wrapped is ciphertext made elsewhere; it needs Pin and excludes Material and Escrow.
	Wrapped string
	// Escrow is nil for none.
	Escrow *Escrow

	// RemoteKeyIdentifier and the next two are for REMOTE only.
	RemoteKeyIdentifier  string
	RemoteKeyServiceID   string
	RemoteKeyCertificate string
}

// Warning is something that the user must know although the record exists.
type Warning struct {
	Summary, Detail string
}

// Result is the record behind the lineage after Run, whether it was uploaded now or found.
type Result struct {
	// Record is the row as read back. Where that failed, it holds what is known without it and Confirmed is false.
	Record     salesforce.TenantSecret
	Confirmed  bool
	RotationID keys.RotationID
	// Adopted is true where an existing record was taken and nothing was uploaded.
	Adopted bool
	// Hash is the SecretValueHash of the key, "" where it is not known.
	Hash string
	// EscrowCiphertext is age armor, "" where there is none.
	EscrowCiphertext string
	// KeyCheckValue is "" where the material was never seen.
	KeyCheckValue string
	// CertificateSHA256 is the fingerprint of the certificate that wrapped the material, "" where that is not known.
	CertificateSHA256 string
	// Receipt is the evidence, JSON.
	Receipt  string
	Warnings []Warning
}

// Problem is a refusal before anything was sent, tied to the configured attribute that must change.
type Problem = problem.Problem
