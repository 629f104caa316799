package upload

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// CertificateReader is what finding a wrapping certificate takes; *inventory.Inventory is one.
type CertificateReader interface {
	Certificates(ctx context.Context) ([]salesforce.Certificate, error)
	CertificateChain(ctx context.Context, id string) ([]byte, error)
}

// Facts is a certificate's row, and its content unless that is nil, as the rules of package keys
// take it.
func Facts(row salesforce.Certificate, content *byok.Certificate) keys.Certificate {
	facts := keys.Certificate{
		KeySize: row.KeySize, EncryptedWithPlatformEncryption: row.EncryptedWithPlatformEncryption,
		PrivateKeyExportable: row.PrivateKeyExportable,
		Unusable:             row.Unusable, UsingKMS: row.UsingKMS, Expires: row.ExpirationDate,
	}
	if content != nil {
		facts.Content = content
	}

	return facts
}

// Found is the wrapping certificate that a name stands for now.
type Found struct {
	Row salesforce.Certificate
	// Certificate is nil if the row already rules it out.
	Certificate *byok.Certificate
	// Problems are, in words, why it can't wrap a key of the type.
	Problems []string
}

// ReadWrappingCertificate reads the wrapping certificate of a DeveloperName and refuses one that
// Salesforce would not unwrap with. typ is the type of the key to wrap, empty for a cache-only one,
// now the org's time.
func ReadWrappingCertificate(ctx context.Context, reader CertificateReader, name, typ string,
	now time.Time,
) (*byok.Certificate, error) {
	found, err := LookUpCertificate(ctx, reader, name, typ, now)
	if err != nil {
		return nil, err
	}
	if len(found.Problems) > 0 {
		return nil, Unfit(name, typ, found.Problems)
	}

	return found.Certificate, nil
}

// LookUpCertificate reads the certificate that a DeveloperName stands for, fit or not. A name that
// the org does not have is a *problem.Problem.
func LookUpCertificate(ctx context.Context, reader CertificateReader, name, typ string, now time.Time) (Found, error) {
	rows, err := reader.Certificates(ctx)
	if err != nil {
		return Found{}, fmt.Errorf("reading the certificates of the org: %w", err)
	}
	i := slices.IndexFunc(rows, func(row salesforce.Certificate) bool { return row.DeveloperName == name })
	if i < 0 {
		return Found{}, notFound(rows, name, typ, now)
	}
	found := Found{Row: rows[i], Problems: Facts(rows[i], nil).ProblemsFor(typ, now)}
	if found.Row.Unusable {
		return found, nil
	}
	body, err := reader.CertificateChain(ctx, found.Row.ID)
	if err != nil {
		return Found{}, fmt.Errorf("reading the CertificateChain of %s (%s): %w", name, found.Row.ID, err)
	}
	found.Certificate, err = byok.ParseCertificate(body)
	if err != nil {
		found.Problems = append(found.Problems, "its CertificateChain can't be read: "+err.Error())
	} else if len(found.Problems) == 0 {
		found.Problems = Facts(found.Row, found.Certificate).ProblemsFor(typ, now)
	}

	return found, nil
}

// notFound names what is there instead of a certificate.
func notFound(rows []salesforce.Certificate, name, typ string, now time.Time) *problem.Problem {
	var usable []string
	hint := ""
	for _, row := range rows {
		if len(Facts(row, nil).ProblemsFor(typ, now)) == 0 {
			usable = append(usable, row.DeveloperName)
		}
		if row.MasterLabel == name || strings.EqualFold(row.DeveloperName, name) {
			hint = fmt.Sprintf("Did you mean the unique name %q (label %q)?", row.DeveloperName, row.MasterLabel)
		}
	}
	slices.Sort(usable)
	switch {
	case hint != "":
	case len(usable) > 0:
		hint = "Certificates of this org that fit: " + strings.Join(usable, ", ") + "."
	default:
		hint = "The org shows no certificate that fits: make one (Setup, Certificate and Key Management, \"Create " +
			"BYOK-Compatible Certificate\"), and check the permissions Manage Certificates, Customize Application and Manage " +
			"Encryption Keys."
	}

	return problem.New("certificate", "Wrapping certificate not found", "Expected a certificate with the unique name "+
		"(DeveloperName) %q, found none. Nothing was sent. %s", name, hint)
}

// Unfit says why a certificate can't wrap a key of a type.
func Unfit(name, typ string, problems []string) *problem.Problem {
	if typ == "" {
		typ = "cache-only"
	}

	return problem.New("certificate", "Wrapping certificate is not fit for BYOK",
		"Certificate %q can't wrap a %s key: %s. Nothing was sent. Name another certificate: none of this can be changed "+
			"in an existing one.", name, typ, strings.Join(problems, "; "))
}
