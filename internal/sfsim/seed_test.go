package sfsim_test

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

func TestSeed(t *testing.T) {
	t.Parallel()
	c := start(t, seeded(t, `
clock: 2027-03-01T00:00:00Z
organization: {id: 00D5g000004abcD, name: Bank of Examples, kind: sandbox, instance_name: CS42}
settings: {page_size: 7, enable_cache_only_keys: true}
permissions: {manage_certificates: false}
certificates:
- developer_name: First
  master_label: The First
  created: -48h
  expires: 2028-01-01T00:00:00Z
  ca_signed: true
- {developer_name: Second, key_size: 3072, platform_encryption: false, using_kms: true, unusable: true, private_key_exportable: true}
tenant_secrets:
- {count: 3, description: "old %d", status: archived, created: -2000h}
- {type: data, source: uploaded, material: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=, certificate: First, created: -100h}
- {type: SearchIndex, status: DESTROYED}
named_credentials:
- {id: 0XAWt0000000077, developer_name: Keys, endpoint: "https://keys.example.com/v1"}
`))
	if got := c.server.Clock.Now(); !strings.HasPrefix(got.Format(time.RFC3339), "2027-03-01T00:00:") {
		t.Errorf("clock %s", got)
	}
	if !strings.HasPrefix(c.server.OrganizationID, "00D5g000004abcD") {
		t.Errorf("organization id %s", c.server.OrganizationID)
	}
	org := c.rows("SELECT Name, IsSandbox, InstanceName FROM Organization")[0]
	if org["Name"] != "Bank of Examples" || org["IsSandbox"] != true || org["InstanceName"] != "CS42" {
		t.Errorf("organization %v", org)
	}
	if s := c.server.Settings(); s.PageSize != 7 || !s.EnableCacheOnlyKeys || !s.RotationIntervals {
		t.Errorf("settings %+v", s)
	}
	certificates := c.server.Certificates()
	if len(certificates) != 2 {
		t.Fatalf("%d certificates", len(certificates))
	}
	first, second := certificates[0], certificates[1]
	if first.MasterLabel != "The First" || first.KeySize != 4096 || !first.CASigned || !first.PlatformEncryption ||
		!first.ExpirationDate.Equal(time.Date(2028, 1, 1, 0, 0, 0, 0, time.UTC)) || first.CreatedDate.Day() != 27 {
		t.Errorf("first certificate %+v", first)
	}
	if second.MasterLabel != "Second" || second.KeySize != 3072 || second.PlatformEncryption || !second.UsingKMS ||
		!second.Unusable || !second.PrivateKeyExportable {
		t.Errorf("second certificate %+v", second)
	}
	secrets := c.server.TenantSecrets()
	if len(secrets) != 5 {
		t.Fatalf("%d secrets", len(secrets))
	}
	for i, want := range []string{"old 1", "old 2", "old 3"} {
		if secrets[i].Description != want || secrets[i].Status != "ARCHIVED" || secrets[i].Version != int64(i+1) {
			t.Errorf("secret %d: %+v", i, secrets[i])
		}
	}
	up := secrets[3]
	if up.Status != "ACTIVE" || up.Source != "UPLOADED" || up.SecretValueHash != sum(c.server.Unwrapped(up.ID)) ||
		up.Certificate != "First" {
		t.Errorf("uploaded secret %+v", up)
	}
	if secrets[4].Status != "DESTROYED" || secrets[4].Type != "SearchIndex" {
		t.Errorf("last secret %+v", secrets[4])
	}
	if rows := c.rows("SELECT Id, Endpoint FROM NamedCredential"); len(rows) != 1 ||
		rows[0]["Endpoint"] != "https://keys.example.com/v1" {
		t.Errorf("named credentials %v", rows)
	}
}

func TestSeedSectionsReplaceDefaults(t *testing.T) {
	t.Parallel()
	empty := start(t, seeded(t, ""))
	if len(empty.server.TenantSecrets()) != 1 || len(empty.server.Certificates()) != 2 {
		t.Error("an empty seed changes the default world")
	}
	none := start(t, seeded(t, `{"tenant_secrets": [], "certificates": []}`))
	if len(none.server.TenantSecrets()) != 0 || len(none.server.Certificates()) != 0 {
		t.Error("empty lists do not empty the world")
	}
	// Options win over the seed.
	c := start(t, seeded(t, "organization: {kind: sandbox}\nsettings: {rotation_intervals: true}"),
		sfsim.WithKind(sfsim.Developer), sfsim.WithoutIntervals())
	if got := c.server.State(); got.Kind != sfsim.Developer || got.Settings.RotationIntervals {
		t.Errorf("state %+v", got)
	}
}

// A CA-signed certificate that waits for its chain holds a signing request, as after a deploy [D
// CertMeta].
func TestSeedOfAPendingCertificate(t *testing.T) {
	t.Parallel()
	c := start(t, seeded(t, "certificates: [{developer_name: Pending, ca_signed: true, unusable: true}]"))
	cert, _ := c.certificate("Pending")
	block, _ := pem.Decode([]byte(cert.PEM))
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		t.Fatalf("content %s, want a certificate request", cert.PEM)
	}
	if request, err := x509.ParseCertificateRequest(block.Bytes); err != nil || request.CheckSignature() != nil {
		t.Errorf("request: %v", err)
	}
}

func TestSeedErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"clocks: 2027-03-01T00:00:00Z":                                      "clocks",
		"clock: -1h":                                                        "clock",
		"clock: tomorrow":                                                   "tomorrow",
		"settings: {page_sise: 1}":                                          "page_sise",
		"settings: {page_size: many}":                                       "many",
		"settings: {certificate_chain_form: p12}":                           "p12",
		"permissions: {root: true}":                                         "root",
		"organization: {id: 005Wt0000000001}":                               "005Wt0000000001",
		"organization: {kind: scratch}":                                     "scratch",
		"certificates: [{}]":                                                "developer_name",
		"certificates: [{developer_name: 9lives}]":                          "9lives",
		"certificates: [{developer_name: two__lines}]":                      "two__lines",
		"certificates: [{developer_name: end_}]":                            "end_",
		"certificates: [{developer_name: A, key_size: 1024}]":               "1024",
		"certificates: [{developer_name: A, created: soon}]":                "soon",
		"tenant_secrets: [{type: Root}]":                                    "Root",
		"tenant_secrets: [{status: GONE}]":                                  "GONE",
		"tenant_secrets: [{source: MAGIC}]":                                 "MAGIC",
		"tenant_secrets: [{material: AAAA}]":                                "material",
		"tenant_secrets: [{count: -1}]":                                     "count",
		"tenant_secrets: [{key: x}]":                                        "key",
		"named_credentials: [{developer_name: A}]":                          "endpoint",
		"named_credentials: [{id: x, developer_name: A, endpoint: 'x://'}]": `"x"`,
		"a: 1\n---\nb: 2":                                                   "",
		"- 1":                                                               "",
	} {
		_, err := sfsim.ReadSeed(strings.NewReader(text))
		if err == nil {
			t.Errorf("%q is accepted", text)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error does not name %q: %v", text, want, err)
		}
	}
	twice := seeded(t, "certificates: [{developer_name: A}, {developer_name: A}]")
	if server, err := sfsim.New(twice); err == nil {
		server.Close()
		t.Error("two certificates of one name are accepted")
	}
}

func FuzzReadSeed(f *testing.F) {
	for _, text := range []string{
		"", "{}", "clock: 2027-03-01T00:00:00Z", "settings: {page_size: 7}", "tenant_secrets: [{count: 3}]",
		"certificates: [{developer_name: A}]",
		"a: &a [*a]", "settings: &s {page_size: 1}\npermissions: *s", "settings: [1]", "? {}", "organization: null",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		seed, err := sfsim.ReadSeed(strings.NewReader(text))
		if (seed == nil) == (err == nil) {
			t.Errorf("seed %v, error %v", seed, err)
		}
	})
}
