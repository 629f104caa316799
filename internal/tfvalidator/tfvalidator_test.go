package tfvalidator_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/tfvalidator"
)

func validate(t *testing.T, v validator.String, value types.String) diag.Diagnostics {
	t.Helper()
	var resp validator.StringResponse
	v.ValidateString(t.Context(), validator.StringRequest{Path: path.Root("attribute"), ConfigValue: value}, &resp)
	return resp.Diagnostics
}

// cases are the values that one validator accepts, and those that it refuses with what the detail
// must mention.
type cases struct {
	validator validator.String
	summary   string
	good      []string
	bad       map[string]string
}

func testdata(t *testing.T, elem ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{".."}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func all(t *testing.T) map[string]cases {
	t.Helper()
	material := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	recipient := strings.TrimSpace(testdata(t, "escrow", "testdata", "age", "x25519-recipient.txt"))
	hybrid := strings.TrimSpace(testdata(t, "escrow", "testdata", "age", "hybrid-recipient.txt"))
	identity := strings.TrimSpace(testdata(t, "escrow", "testdata", "age", "x25519-identity.txt"))
	oaep, keyWrap := testdata(t, "byok", "testdata", "openssl", "oaep-sha512.b64"),
		testdata(t, "byok", "testdata", "openssl", "rsa-aes-key-wrap-sha512.b64")
	key := testdata(t, "byok", "testdata", "openssl", "wrapping-key.pem")
	base64Mistakes := map[string]string{
		"":                             "is empty",
		material + "\n":                "line break",
		" " + material:                 "white space",
		material[:43]:                  "multiple of 4",
		strings.Repeat("0123abcd", 8):  "hexadecimal",
		strings.Repeat("A", 42) + "B=": "canonical",
		base64.StdEncoding.EncodeToString(make([]byte, 31)): "31 bytes",
	}
	return map[string]cases{
		"KeyMaterial": {tfvalidator.KeyMaterial(), "Invalid key material", []string{material}, base64Mistakes},
		"KeyIdentifier": {
			tfvalidator.KeyIdentifier(), "Invalid key identifier",
			[]string{"982c375b-f46b-4423-8c2d-4d1a69152a0b", "data.2026", "a..b", "...", "team/data-1", "schlüssel", "a+b=c&d"},
			map[string]string{
				"../data": "leads elsewhere", "a/../b": "leads elsewhere", "..": "leads elsewhere", ".": "leads elsewhere",
				"/data": "leads elsewhere", "a//b": "leads elsewhere",
				"data/": "leads elsewhere", "data?x=1": "ends or changes", "data#1": "ends or changes", "%2e%2e": "ends or changes",
				`..\data`: "ends or changes", "a b": "ends or changes",
				"a\nb": "ends or changes", "a\u0085b": "ends or changes",
			},
		},
		"SecretValueHash": {tfvalidator.SecretValueHash(), "Invalid secret value hash", []string{material}, base64Mistakes},
		"WrappedKeyMaterial": {
			tfvalidator.WrappedKeyMaterial(), "Invalid wrapped key material",
			[]string{oaep, keyWrap},
			map[string]string{
				"":               "is empty",
				material:         "unwrapped key material",
				oaep + "\n":      "line break",
				oaep[:680]:       "is 510 bytes",
				oaep[:683] + "!": "character outside",
			},
		},
		"WrappingAlgorithm": {
			tfvalidator.WrappingAlgorithm(), "Invalid wrapping algorithm",
			[]string{"RSA_OAEP_SHA512", "RSA_AES_KEY_WRAP_SHA512"},
			map[string]string{
				"":                "one of RSA_OAEP_SHA512, RSA_OAEP_SHA1, RSA_AES_KEY_WRAP_SHA512",
				"RSA_OAEP_SHA256": "unknown wrapping algorithm",
				"rsa_oaep_sha512": "unknown wrapping algorithm",
				material:          "unknown wrapping algorithm",
			},
		},
		"AgeRecipient": {tfvalidator.AgeRecipient(), "Invalid age recipient", []string{recipient, hybrid}, map[string]string{
			"":                             "is empty",
			identity:                       "is a secret identity",
			recipient + "\n":               "white space",
			recipient[:61]:                 "malformed",
			"ssh-ed25519 AAAAC3NzaC1lZDI1": "SSH key",
			"correct-horse-battery-staple": "not an age public key",
			key:                            "private key",
		}},
		"ExportedSecretValue": {
			tfvalidator.ExportedSecretValue(), "Invalid exported secret value",
			[]string{"CgMyMzISEKnf", material},
			map[string]string{
				"":                 "is empty",
				material + "\r\n":  "line break",
				"CgMyMzISEKn":      "multiple of 4",
				"/path/to/ver.txt": "character outside",
			},
		},
		"CertificateChain": {tfvalidator.CertificateChain(), "Invalid certificate chain", []string{
			testdata(t, "byok", "testdata", "openssl", "wrapping.crt"),
			testdata(t, "byok", "testdata", "openssl", "leaf.crt") +
				testdata(t, "byok", "testdata", "openssl", "intermediate.crt"),
			testdata(t, "byok", "testdata", "openssl", "chain.p7b"),
			testdata(t, "byok", "testdata", "openssl", "chain-printed.txt"),
		}, map[string]string{
			"":               "expected PEM",
			"/etc/chain.pem": "expected PEM",
			key:              "private key must not be given",
			oaep:             "expected PEM",
			testdata(t, "byok", "testdata", "openssl",
				"wrapping.csr"): "signing request",
			testdata(t, "byok", "testdata", "openssl", "wrapping.crt")[:900] + "\n-----END CERTIFICATE-----\n": "malformed",
		}},
		"SalesforceID": {
			tfvalidator.SalesforceID(), "Invalid Salesforce id",
			[]string{"00DXX0000008abc", "02GA0000000ABCDMA4"},
			map[string]string{
				"":                    "0 characters",
				"00DXX0000008ab":      "14 characters",
				"02GA0000000ABCDMA5":  "checksum",
				"02GA0000000abcdMA4":  "checksum",
				"00DXX00000' OR":      "14 characters",
				"00DXX00000'OR 1":     "neither",
				"00DXX0000008abc\n":   "16 characters",
				"00DXX0000008a\u00e9": "neither",
			},
		},
		"SalesforceID of a kind": {
			tfvalidator.SalesforceID("02G", "0P1"), "Invalid Salesforce id",
			[]string{"02GA0000000ABCDMA4", "0P1A0000000ABCD"},
			map[string]string{
				"00DXX0000008abc": "begins with 02G or 0P1",
				"02g000000000000": "another kind",
				"02G":             "3 characters",
			},
		},
		"DeveloperName": {
			tfvalidator.DeveloperName(), "Invalid unique name",
			[]string{"Sim_BYOK", "a", "A1_b2_C3", strings.Repeat("x", 80)},
			map[string]string{
				"":                       "beginning with a letter",
				"1Cert":                  "begins with a letter",
				"_Cert":                  "begins with a letter",
				"Cert_":                  "trailing underscore",
				"My__Cert":               "double",
				"My BYOK Cert":           "label of a certificate",
				"Cert-1":                 "letters, digits and underscores",
				"Cert'":                  "letters, digits and underscores",
				"Cert\n":                 "letters, digits and underscores",
				"../Cert":                "letters, digits and underscores",
				"C\u00e9rt":              "letters, digits and underscores",
				strings.Repeat("x", 81):  "81",
				strings.Repeat("x_", 60): "120",
			},
		},
		"SObjectName": {
			tfvalidator.SObjectName(), "Invalid name of an object",
			[]string{"TenantSecret", "My_Object__c"},
			map[string]string{
				"":                "beginning with a letter",
				"../TenantSecret": "letters, digits and underscores",
				"Tenant Secret":   "letters, digits and underscores",
				"Account?x=1":     "letters, digits and underscores",
			},
		},
		"InstanceURL": {tfvalidator.InstanceURL(), "Invalid instance URL", []string{
			"https://example.my.salesforce.com", "https://example.my.salesforce.com/",
			"https://example--uat.sandbox.my.salesforce.com",
			"https://example.my.salesforce.com:8443", "http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:1",
		}, map[string]string{
			"":                                         "absolute URL",
			"example.my.salesforce.com":                "absolute URL",
			"http://example.my.salesforce.com":         "must be https",
			"http://127.0.0.1.evil.example":            "must be https",
			"ftp://example.my.salesforce.com":          "must be https",
			"https://login.salesforce.com":             "only serves logins",
			"https://TEST.salesforce.com":              "only serves logins",
			"https://example.my.salesforce.com/home":   "without a path",
			"https://example.my.salesforce.com?sid=00": "without a path, query",
			"https://example.my.salesforce.com?":       "without a path, query",
			"https://example.my.salesforce.com#top":    "without a path, query or fragment",
			"https://user:pass@example.salesforce.com": "user name or password",
			"https://":                        "absolute URL",
			"https://exa mple.salesforce.com": "not a URL",
			"https:example.my.salesforce.com": "absolute URL",
		}},
		"LoginURL": {
			tfvalidator.LoginURL(), "Invalid login URL",
			[]string{"https://login.salesforce.com", "https://test.salesforce.com", "http://localhost:1"},
			map[string]string{
				"":                               "absolute URL",
				"http://login.salesforce.com":    "must be https",
				"https://login.salesforce.com/x": "without a path",
			},
		},
		"APIVersion": {tfvalidator.APIVersion(), "Invalid API version", []string{"62.0", "63.0"}, map[string]string{
			"":         "api_version",
			"62":       "api_version",
			"v62.0":    "api_version",
			"62.1":     "api_version",
			"20.0":     "too old",
			"62.0\n":   "api_version",
			material:   "api_version",
			"-62.0":    "api_version",
			"\u0666.0": "api_version",
		}},
		"PrivateKeyPEM": {
			tfvalidator.PrivateKeyPEM(), "Invalid private key",
			[]string{key, strings.TrimSpace(key), strings.ReplaceAll(key, "\n", "\r\n")},
			map[string]string{
				"":                     "not PEM",
				"/etc/keys/server.key": "not PEM",
				key[:len(key)-40]:      "not PEM",
				key + key:              "more than one PEM block",
				testdata(t, "byok", "testdata", "openssl", "wrapping.crt"): "certificate or public key",
				strings.Replace(key, "MII", "MIJ", 1):                      "could not be parsed",
			},
		},
		"RFC3339": {
			tfvalidator.RFC3339(), "Invalid time",
			[]string{"2027-01-31T00:00:00Z", "2027-01-31T00:00:00.5+02:00"},
			map[string]string{
				"":                     "RFC 3339",
				"2027-01-31":           "RFC 3339",
				"2027-02-30T00:00:00Z": "RFC 3339",
				"2027-01-31 00:00:00Z": "RFC 3339",
				"tomorrow":             "RFC 3339",
			},
		},
	}
}

func TestValidators(t *testing.T) {
	t.Parallel()
	for name, test := range all(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, pass := range []types.String{types.StringNull(), types.StringUnknown()} {
				if got := validate(t, test.validator, pass); len(got) != 0 {
					t.Errorf("%s does not pass: %v", pass, got)
				}
			}
			for _, value := range test.good {
				if got := validate(t, test.validator, types.StringValue(value)); len(got) != 0 {
					t.Errorf("refuses %q: %v", value, got)
				}
			}
			for value, want := range test.bad {
				got := validate(t, test.validator, types.StringValue(value))
				if got.ErrorsCount() != 1 || got.WarningsCount() != 0 {
					t.Errorf("%q gives %v, want one error", value, got)
					continue
				}
				if d, ok := got[0].(diag.DiagnosticWithPath); !ok || !d.Path().Equal(path.Root("attribute")) {
					t.Errorf("%q: the error has no path", value)
				}
				if got[0].Summary() != test.summary {
					t.Errorf("%q: summary %q, want %q", value, got[0].Summary(), test.summary)
				}
				if !strings.Contains(got[0].Detail(), want) {
					t.Errorf("%q: detail %q does not mention %q", value, got[0].Detail(), want)
				}
				repeatsNothing(t, value, got[0])
			}
		})
	}
}

// public are the pieces of a value that a diagnostic may share with it: they are words of the
// expectation itself, or the login host that it refuses by name.
const public = "https://example.my.salesforce.com https://login.salesforce.com TEST.salesforce.com TenantSecret " +
	"RSA_OAEP_SHA512 RSA_AES_KEY_WRAP_SHA512 2027-01-31T00:00:00Z"

// repeatsNothing fails the test if a diagnostic shows a piece of the value that is too long for
// chance.
func repeatsNothing(t *testing.T, value string, d diag.Diagnostic) {
	t.Helper()
	const piece = 9
	text := d.Summary() + "\n" + d.Detail()
	for from := 0; from+piece <= len(value); from++ {
		if part := value[from : from+piece]; strings.Contains(text, part) && !strings.Contains(public, part) {
			t.Errorf("the diagnostic repeats %q of the value: %s", part, text)
			return
		}
	}
}

// The same for values of which no part is a word of the provider: whatever secret is put into
// whatever attribute.
func TestNoValidatorRepeatsASecretInTheWrongPlace(t *testing.T) {
	t.Parallel()
	secrets := []string{
		"c3VwZXItc2VjcmV0LWtleS1tYXRlcmlhbC0zMi1ieXRl\n", strings.TrimSpace(testdata(t, "escrow", "testdata", "age",
			"x25519-identity.txt")),
		testdata(t, "byok", "testdata", "openssl", "wrapping-key.pem"), "00DXX0000008abc!AQEAQJ7secretsessiontoken9x.yz",
		"https://u:hunter2hunter2@host/p?token=hunter2hunter2",
		"correct horse battery staple", "\x00\x01\x02binary-secret-value\xff",
	}
	for name, test := range all(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, s := range secrets {
				for _, d := range validate(t, test.validator, types.StringValue(s)) {
					repeatsNothing(t, s, d)
				}
			}
		})
	}
}

func TestKnownTenantSecretType(t *testing.T) {
	t.Parallel()
	v := tfvalidator.KnownTenantSecretType()
	for _, value := range []types.String{
		types.StringNull(), types.StringUnknown(), types.StringValue("Data"), types.StringValue("DeterministicData"),
		types.StringValue("EventBus"),
		types.StringValue("SearchIndex"), types.StringValue("Analytics"), types.StringValue("Database"),
	} {
		if got := validate(t, v, value); len(got) != 0 {
			t.Errorf("%s gives %v", value, got)
		}
	}
	for value, want := range map[string]string{"SalesforceDatabase": "may refuse it", "": "Expected one of Data"} {
		got := validate(t, v, types.StringValue(value))
		if got.WarningsCount() != 1 || got.HasError() || !strings.Contains(got[0].Detail(), want) {
			t.Errorf("%q gives %v, want one warning about %q", value, got, want)
		}
	}
	// Salesforce's types are case-sensitive: a plan that passes with another case would fail ever
	// after.
	for value, want := range map[string]string{
		"data": `"Data"`, "SEARCHINDEX": `"SearchIndex"`,
		"dATABASE": `"Database"`,
	} {
		got := validate(t, v, types.StringValue(value))
		if got.ErrorsCount() != 1 || len(got) != 1 || !strings.Contains(got[0].Detail(), want) {
			t.Errorf("%q gives %v, want one error that names %s", value, got, want)
		}
	}
}

// What Salesforce may take all the same is a warning, in the same words.
func TestWarn(t *testing.T) {
	t.Parallel()
	v := tfvalidator.Warn(tfvalidator.KeyIdentifier())
	if diags := validate(t, v, types.StringValue("good")); len(diags) != 0 {
		t.Errorf("expected nothing, found %v", diags)
	}
	diags := validate(t, v, types.StringValue("../bad"))
	if len(diags) != 1 || diags.HasError() || diags[0].Summary() != "Invalid key identifier" ||
		!strings.Contains(diags[0].Detail(), "leads elsewhere") {
		t.Errorf("expected one warning, found %v", diags)
	}
}

func TestCertificatePins(t *testing.T) {
	t.Parallel()
	pin, other := strings.Repeat("0a", 32), strings.Repeat("0b", 32)
	colons := strings.TrimSuffix(strings.Repeat("0A:", 32), ":")
	for name, test := range map[string]struct {
		pins []string
		want string
	}{
		"one":                     {[]string{pin}, ""},
		"two":                     {[]string{pin, other}, ""},
		"with colons, upper case": {[]string{colons}, ""},
		"none":                    {[]string{}, "empty list"},
		"short":                   {[]string{pin, pin[:62]}, "certificate_pins[1]"},
		"no hex":                  {[]string{strings.Repeat("zz", 32)}, "certificate_pins[0]"},
		"twice in other words": {
			[]string{pin, other, colons},
			"certificate_pins[2] is the fingerprint of certificate_pins[0] again",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			elements := make([]attr.Value, len(test.pins))
			for i, text := range test.pins {
				elements[i] = types.StringValue(text)
			}
			var resp validator.ListResponse
			tfvalidator.CertificatePins().ValidateList(t.Context(),
				validator.ListRequest{
					Path:        path.Root("certificate_pins"),
					ConfigValue: types.ListValueMust(types.StringType, elements),
				}, &resp)
			if got := resp.Diagnostics; (test.want == "") != (len(got) == 0) ||
				(test.want != "" && !strings.Contains(got[0].Detail(), test.want)) {
				t.Errorf("found %v, want %q", got, test.want)
			}
		})
	}
}

func TestDescriptions(t *testing.T) {
	t.Parallel()
	validators := map[string]validator.String{"KnownTenantSecretType": tfvalidator.KnownTenantSecretType()}
	for name, test := range all(t) {
		validators[name] = test.validator
	}
	seen := map[string]string{}
	for name, v := range validators {
		description := v.Description(t.Context())
		if len(description) < 20 || !strings.HasPrefix(description, "value ") ||
			v.MarkdownDescription(t.Context()) != description {
			t.Errorf("%s describes itself as %q", name, description)
		}
		if other, ok := seen[description]; ok {
			t.Errorf("%s and %s describe themselves alike", name, other)
		}
		seen[description] = name
	}
}
