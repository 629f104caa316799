package upload

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// CertificateReader is what finding a wrapping certificate takes; *inventory.Inventory is one.
type CertificateReader interface {
	Certificates(ctx context.Context) ([]salesforce.Certificate, error)
	CertificateChain(ctx context.Context, id string) ([]byte, error)
}

// RowProblems returns, in words, why a certificate's row rules it out for wrapping, and nothing for one that Salesforce would call
// BYOK-compatible [I from FtxDoc, ThalesDoc, FAQ; salesforce-wire 7.1].
func RowProblems(c salesforce.Certificate, now time.Time) []string {
	var problems []string
	if c.KeySize != byok.WrappingKeyBits {
		problems = append(problems, fmt.Sprintf("its key has %d bits, %d are needed", c.KeySize, byok.WrappingKeyBits))
	}
	if !c.EncryptedWithPlatformEncryption {
		problems = append(problems, "its private key is not encrypted with Platform Encryption")
	}
	if c.PrivateKeyExportable {
		problems = append(problems, "its private key is exportable")
	}
	if c.Unusable {
		problems = append(problems, "it is not usable yet: a CA-signed certificate waits for its signed chain")
	}
	if !c.ExpirationDate.IsZero() && !c.ExpirationDate.After(now) {
		problems = append(problems, "it expired on "+c.ExpirationDate.UTC().Format(time.RFC3339))
	}

	return problems
}

// findRow returns the row of a DeveloperName, or a Problem that names what is there instead.
func findRow(rows []salesforce.Certificate, name string, now time.Time) (salesforce.Certificate, error) {
	var usable []string
	for _, row := range rows {
		if row.DeveloperName == name {
			return row, nil
		}
		if len(RowProblems(row, now)) == 0 {
			usable = append(usable, row.DeveloperName)
		}
	}
	slices.Sort(usable)
	hint := "The org has no BYOK-compatible certificate that this user can see: create one (Setup, Certificate and Key Management, \"Create " +
		"BYOK-Compatible Certificate\"), and check the permissions Manage Certificates, Customize Application and Manage Encryption Keys."
	if len(usable) > 0 {
		hint = "BYOK-compatible certificates in this org: " + strings.Join(usable, ", ") + "."
	}
	for _, row := range rows {
		if row.MasterLabel == name || strings.EqualFold(row.DeveloperName, name) {
			hint = fmt.Sprintf("Did you mean the unique name %q (label %q)?", row.DeveloperName, row.MasterLabel)
		}
	}

	return salesforce.Certificate{}, &Problem{
		Attribute: "certificate",
		Summary:   "Wrapping certificate not found",
		Detail:    fmt.Sprintf("No certificate has the unique name (DeveloperName) %q. Nothing was sent. %s", name, hint),
	}
}

// FindCertificate reads the wrapping certificate of a DeveloperName and refuses one that Salesforce would not unwrap with. typ is the
// type of the key to wrap, now the org's time.
func FindCertificate(ctx context.Context, reader CertificateReader, name, typ string, now time.Time) (*byok.Certificate, error) {
	rows, err := reader.Certificates(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the certificates of the org: %w", err)
	}
	row, err := findRow(rows, name, now)
	if err != nil {
		return nil, err
	}
	problems := RowProblems(row, now)
	if typ == "Database" && !row.UsingKMS {
		// [D CertTooling, Help]: Database keys need a certificate made for the KMS.
		problems = append(problems, "a Database key needs a certificate that uses the KMS (OptionsIsUsingKMS)")
	}
	if len(problems) > 0 {
		return nil, unfit(name, problems)
	}

	body, err := reader.CertificateChain(ctx, row.ID)
	if err != nil {
		return nil, fmt.Errorf("reading the CertificateChain of %s (%s): %w", name, row.ID, err)
	}
	certificate, err := byok.ParseCertificate(body)
	if err != nil {
		return nil, unfit(name, []string{"its CertificateChain can't be read: " + err.Error()})
	}
	if problems := certificate.Unfit(now); len(problems) > 0 {
		return nil, unfit(name, problems)
	}

	return certificate, nil
}

func unfit(name string, problems []string) error {
	return &Problem{
		Attribute: "certificate",
		Summary:   "Wrapping certificate is not fit for BYOK",
		Detail: fmt.Sprintf("Certificate %q can't wrap a tenant secret: %s. Expected a %d-bit RSA certificate that is encrypted with Platform "+
			"Encryption, not exportable, usable and not expired. Nothing was sent. Make another certificate, since none of this can be changed in an existing one, and name it.", name, strings.Join(problems, "; "), byok.WrappingKeyBits),
	}
}
