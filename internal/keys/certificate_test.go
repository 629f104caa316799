package keys_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

var (
	now   = time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)
	types = []string{"Data", "DeterministicData", "EventBus", "SearchIndex", "Analytics", "Database"}
)

// fit is a certificate that can wrap every key but one of Database, with changes.
func fit(changes ...func(*keys.Certificate)) keys.Certificate {
	c := keys.Certificate{KeySize: 4096, EncryptedWithPlatformEncryption: true, Expires: now.AddDate(1, 0, 0)}
	for _, change := range changes {
		change(&c)
	}

	return c
}

func kms(c *keys.Certificate) { c.UsingKMS = true }

// content is an X.509 certificate with the problems that it is made of.
type content []string

func (c content) Unfit(time.Time) []string { return c }

func TestCertificate_problemsOfEveryType(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*keys.Certificate)
		want   []string
	}{
		"fit":              {func(*keys.Certificate) {}, nil},
		"no expiry known":  {func(c *keys.Certificate) { c.Expires = time.Time{} }, nil},
		"a second is left": {func(c *keys.Certificate) { c.Expires = now.Add(time.Second) }, nil},
		"fit content":      {func(c *keys.Certificate) { c.Content = content(nil) }, nil},
		"2048 bits": {
			func(c *keys.Certificate) { c.KeySize = 2048 },
			[]string{"its key has 2048 bits, 4096 are needed"},
		},
		"8192 bits": {
			func(c *keys.Certificate) { c.KeySize = 8192 },
			[]string{"its key has 8192 bits, 4096 are needed"},
		},
		"no size": {func(c *keys.Certificate) { c.KeySize = 0 }, []string{"its key has 0 bits, 4096 are needed"}},
		"not encrypted": {func(c *keys.Certificate) {
			c.EncryptedWithPlatformEncryption = false
		}, []string{"its private key is not encrypted with Platform Encryption"}},
		"exportable": {func(c *keys.Certificate) {
			c.PrivateKeyExportable = true
		}, []string{"its private key is exportable"}},
		"waits": {
			func(c *keys.Certificate) { c.Unusable = true },
			[]string{"it is not usable yet: a CA-signed certificate waits for its signed chain"},
		},
		"expires this time": {func(c *keys.Certificate) { c.Expires = now }, []string{"it expired on 2027-01-02T03:04:05Z"}},
		"a date, today":     {func(c *keys.Certificate) { c.Expires = now.Truncate(keys.Days(1)) }, nil},
		"a date, yesterday": {func(c *keys.Certificate) {
			c.Expires = now.Truncate(keys.Days(1)).AddDate(0, 0, -1)
		}, []string{"it expired on 2027-01-01T00:00:00Z"}},
		"a date, and content": {
			func(c *keys.Certificate) {
				c.Expires, c.Content = now.Truncate(keys.Days(1)), content{"it expired at 3 o'clock"}
			}, []string{"it expired at 3 o'clock"},
		},
		"unfit content": {func(c *keys.Certificate) {
			c.Content = content{"its exponent is 3"}
		}, []string{"its exponent is 3"}},
		"both": {
			func(c *keys.Certificate) { c.Expires, c.Content = now.Add(-time.Hour), content{"it expired at noon"} },
			[]string{"it expired on 2027-01-02T02:04:05Z"},
		},
		"all of it": {
			func(c *keys.Certificate) {
				*c = keys.Certificate{PrivateKeyExportable: true, Unusable: true, Expires: now}
			},
			[]string{
				"its key has 0 bits, 4096 are needed", "its private key is not encrypted with Platform Encryption",
				"its private key is exportable",
				"it is not usable yet: a CA-signed certificate waits for its signed chain", "it expired on 2027-01-02T03:04:05Z",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, usesKMS := range []bool{false, true} {
				c := fit(test.change)
				c.UsingKMS = usesKMS
				if got := c.Problems(now); !slices.Equal(got, test.want) {
					t.Errorf("KMS %v: expected %q, found %q", usesKMS, test.want, got)
				}
				served := "Data"
				if usesKMS {
					served = "Database"
				}
				if got := c.ProblemsFor(served, now); !slices.Equal(got, test.want) {
					t.Errorf("KMS %v, %s: expected %q, found %q", usesKMS, served, test.want, got)
				}
				if types := c.CompatibleTypes(types, now); (len(types) == 0) != (len(test.want) > 0) || types == nil {
					t.Errorf("KMS %v: expected a type exactly if nothing is wrong, found %q", usesKMS, types)
				}
			}
		})
	}
}

// KMS and Database belong together, and nothing else does.
func TestCertificate_problemsForAType(t *testing.T) {
	t.Parallel()
	for _, typ := range append(types, "", "Other", "database") {
		problems, ofKMS := fit().ProblemsFor(typ, now), fit(kms).ProblemsFor(typ, now)
		if typ == "Database" {
			problems, ofKMS = ofKMS, problems
		}
		if len(problems) != 0 {
			t.Errorf("%q: expected the certificate to serve it, found %q", typ, problems)
		}
		if len(ofKMS) != 1 || !strings.Contains(ofKMS[0], "KMS") || !strings.Contains(ofKMS[0], "Database") {
			t.Errorf("%q: expected one reason that names KMS and Database, found %q", typ, ofKMS)
		}
	}
	unfit := fit(kms, func(c *keys.Certificate) { c.KeySize = 1024 })
	if got := unfit.ProblemsFor("Data", now); len(got) != 2 {
		t.Errorf("expected the size and the KMS, found %q", got)
	}
}

func TestCertificate_compatibleTypes(t *testing.T) {
	t.Parallel()
	given := slices.Clone(types)
	if got := fit().CompatibleTypes(given, now); !slices.Equal(got, types[:5]) {
		t.Errorf("expected all but Database, found %q", got)
	}
	if got := fit(kms).CompatibleTypes(given, now); !slices.Equal(got, []string{"Database"}) {
		t.Errorf("expected Database alone, found %q", got)
	}
	if !slices.Equal(given, types) {
		t.Errorf("expected the argument to stay as it was, found %q", given)
	}
}
