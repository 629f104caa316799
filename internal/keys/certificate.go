package keys

import (
	"fmt"
	"slices"
	"time"
)

const (
	// WrappingKeyBits is the only size of a key that may wrap key material [D Help
	// security_pe_byok_generate_secret].
	WrappingKeyBits = 4096
)

// Certificate is what decides whether a certificate of the org can wrap key material.
type Certificate struct {
	// KeySize is in bits.
	KeySize int
	// EncryptedWithPlatformEncryption reports that the private key is.
	EncryptedWithPlatformEncryption bool
	// PrivateKeyExportable reports that the private key can be exported.
	PrivateKeyExportable bool
	// Unusable reports that a CA-signed certificate waits for its signed chain.
	Unusable bool
	// UsingKMS reports that the certificate was made for the KMS.
	UsingKMS bool
	// Expires is zero if it is not known. Midnight in UTC is taken for a date, to its end.
	Expires time.Time
	// Content is the X.509 certificate, or nil if it was not read.
	Content Content
}

// Content is an X.509 certificate.
type Content interface {
	// Unfit returns, in words, each reason why the certificate cannot wrap key material at the
	// instant now.
	Unfit(now time.Time) []string
}

// Problems returns, in words, each reason why the certificate can wrap no key of any type at the
// instant now; none for one that Salesforce calls BYOK-compatible [I from FtxDoc, ThalesDoc, FAQ].
// The content is asked only if nothing else is wrong: both report the same in other words.
func (c Certificate) Problems(now time.Time) []string {
	var problems []string
	if c.KeySize != WrappingKeyBits {
		problems = append(problems, fmt.Sprintf("its key has %d bits, %d are needed", c.KeySize, WrappingKeyBits))
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
	if !c.Expires.IsZero() && !EndOf(c.Expires).After(now) {
		problems = append(problems, "it expired on "+c.Expires.UTC().Format(time.RFC3339))
	}
	if len(problems) == 0 && c.Content != nil {
		problems = c.Content.Unfit(now)
	}

	return problems
}

// EndOf returns the end of a day for its midnight, else the instant itself: Salesforce documents
// the expiry of a certificate as a date in one place and as a dateTime in another [D CertTooling,
// WSDL]. The X.509 certificate has the exact second.
func EndOf(t time.Time) time.Time {
	if t.Equal(t.UTC().Truncate(day)) {
		return t.Add(day)
	}

	return t
}

// ProblemsFor returns what [Certificate.Problems] does, and why the certificate cannot wrap a key
// of the type typ. A certificate that uses the KMS serves Database keys only, and they take no
// other [D CertTooling, Help]. An empty typ stands for any type but Database, as for a cache-only
// key.
func (c Certificate) ProblemsFor(typ string, now time.Time) []string {
	problems := c.Problems(now)
	switch database := typ == TypeDatabase; {
	case database && !c.UsingKMS:
		problems = append(problems, "a Database key needs a certificate that uses the KMS (OptionsIsUsingKMS)")
	case !database && c.UsingKMS:
		problems = append(problems, "it uses the KMS (OptionsIsUsingKMS) and serves Database keys only")
	}

	return problems
}

// CompatibleTypes returns those of the types whose keys the certificate can wrap at the instant
// now, in their order. It is never nil.
func (c Certificate) CompatibleTypes(types []string, now time.Time) []string {
	return slices.DeleteFunc(append([]string{}, types...), func(typ string) bool {
		return len(c.ProblemsFor(typ, now)) > 0
	})
}
