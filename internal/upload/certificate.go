package upload

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// CertificateReader is what finding a wrapping certificate takes; *inventory.Inventory is one.
type CertificateReader interface {
	Certificates(ctx context.Context) ([]salesforce.Certificate, error)
	CertificateChain(ctx context.Context, id string) ([]byte, error)
}

// Facts is a certificate's row, and its content unless that is nil, as the rules of package keys take it.
func Facts(row salesforce.Certificate, content *byok.Certificate) keys.Certificate {
	facts := keys.Certificate{
		KeySize: row.KeySize, EncryptedWithPlatformEncryption: row.EncryptedWithPlatformEncryption, PrivateKeyExportable: row.PrivateKeyExportable,
		Unusable: row.Unusable, UsingKMS: row.UsingKMS, Expires: row.ExpirationDate,
	}
	if content != nil {
		facts.Content = content
	}

	return facts
}

// findRow returns the row of a DeveloperName, or a Problem that names what is there instead.
func findRow(rows []salesforce.Certificate, name, typ string, now time.Time) (salesforce.Certificate, error) {
	var usable []string
	for _, row := range rows {
		if row.DeveloperName == name {
			return row, nil
		}
		if len(Facts(row, nil).ProblemsFor(typ, now)) == 0 {
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
// type of the key to wrap, empty for a cache-only one, now the org's time.
func FindCertificate(ctx context.Context, reader CertificateReader, name, typ string, now time.Time) (*byok.Certificate, error) {
	rows, err := reader.Certificates(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the certificates of the org: %w", err)
	}
	row, err := findRow(rows, name, typ, now)
	if err != nil {
		return nil, err
	}
	if problems := Facts(row, nil).ProblemsFor(typ, now); len(problems) > 0 {
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
	if problems := Facts(row, certificate).ProblemsFor(typ, now); len(problems) > 0 {
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
