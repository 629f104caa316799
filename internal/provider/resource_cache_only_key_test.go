package provider_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const (
	cacheOnlyAddress = "salesforcebyok_cache_only_key.search"
	keyIdentifier    = "982c375b-f46b-4423-8c2d-4d1a69152a0b"
)

// cacheOnly renders a cache-only key, with more lines in its body.
func cacheOnly(lines ...string) string {
	return fmt.Sprintf("\nresource \"salesforcebyok_cache_only_key\" \"search\" {\n  key_identifier = %q\n  %s\n}\n",
		keyIdentifier, strings.Join(lines, "\n  "))
}

// privateKeys are those that the simulator's certificates have. They are public.
var privateKeys = sync.OnceValues(func() ([]*rsa.PrivateKey, error) {
	names, err := filepath.Glob("../sfsim/testdata/keys/*.pem")
	if err != nil {
		return nil, err
	}
	var keys []*rsa.PrivateKey
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		block, _ := pem.Decode(text)
		if block == nil {
			continue
		}
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if private, ok := key.(*rsa.PrivateKey); ok {
				keys = append(keys, private)
			}
		}
	}

	return keys, nil
})

// privateKeyOf finds the private key of a certificate of the org.
func privateKeyOf(t *testing.T, sim *sfsim.Server, certificate string) *rsa.PrivateKey {
	t.Helper()
	found, _ := inOrg(sim, certificate)
	block, _ := pem.Decode([]byte(found.PEM))
	if block == nil {
		t.Fatalf("the org has no certificate %s", certificate)
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := privateKeys()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if key.PublicKey.Equal(parsed.PublicKey) {
			return key
		}
	}
	t.Fatalf("the private key of %s is none of the simulator's files", certificate)

	return nil
}

// openJWE opens a compact JWE as RFC 7516 says, with the standard library alone, and returns its
// header and its key.
func openJWE(t *testing.T, key *rsa.PrivateKey, compact string) (header string, material []byte) {
	t.Helper()
	var parts [5][]byte
	encoded := strings.Split(compact, ".")
	if len(encoded) != len(parts) {
		t.Fatalf("expected five parts, found %d", len(encoded))
	}
	for i, text := range encoded {
		part, err := base64.RawURLEncoding.Strict().DecodeString(text)
		if err != nil {
			t.Fatalf("part %d is not base64url without padding: %v", i, err)
		}
		parts[i] = part
	}
	contentKey, err := rsa.DecryptOAEP(sha1.New(), nil, key, parts[1], nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(contentKey)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	if len(contentKey) != 32 || len(parts[2]) != gcm.NonceSize() || len(parts[4]) != gcm.Overhead() {
		t.Fatalf("expected a content key of 32 bytes, an IV of 12 and a tag of 16, found %d, %d and %d", len(contentKey),
			len(parts[2]), len(parts[4]))
	}
	material, err = gcm.Open(nil, parts[2], append(parts[3], parts[4]...), []byte(encoded[0]))
	if err != nil {
		t.Fatal(err)
	}

	return string(parts[0]), material
}

// jweOf opens the JWE in state for a certificate of the org.
func jweOf(t *testing.T, cli *acctest.CLI, sim *sfsim.Server, certificate string) (string, acctest.Material) {
	t.Helper()
	compact, _ := cli.State(cacheOnlyAddress)["jwe"].(string)
	header, material := openJWE(t, privateKeyOf(t, sim, certificate), compact)

	return header, material
}

// skipUnderStrictFIPS skips a test of what needs SHA-1, for which TestAccCacheOnlyKey_strictFIPS
// has the refusal.
func skipUnderStrictFIPS(t *testing.T) {
	t.Helper()
	if strictFIPS() {
		t.Skip("RSA-OAEP of JOSE uses SHA-1")
	}
}

func TestAccCacheOnlyKey_generated(t *testing.T) {
	t.Parallel()
	skipUnderStrictFIPS(t)
	sim := acctest.StartSim(t)
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	cli := acctest.NewCLI(t, sim)
	escrow := fmt.Sprintf("escrow = {\n    age_recipients = [%q]\n    directory = %q\n  }", identity.Recipient(),
		filepath.Join(cli.Dir, "escrow"))
	cli.Config(cacheOnly(`certificate = "Sim_BYOK"`, escrow))
	cli.MustApply()
	header, material := jweOf(t, cli, sim, "Sim_BYOK")
	if want := fmt.Sprintf(`{"alg":"RSA-OAEP","enc":"A256GCM","kid":%q}`, keyIdentifier); header != want {
		t.Errorf("expected the header to be exactly %s, found %s", want, header)
	}
	state := cli.State(cacheOnlyAddress)
	expectState(t, cli, cacheOnlyAddress, map[string]any{
		"secret_value_hash": material.Hash(),
		"organization_id":   sim.OrganizationID, "replay_nonce": nil, "key_material_wo": nil,
	})
	armored, _ := state["escrow_ciphertext"].(string)
	if copied := openEscrow(t, armored, identity); string(copied) != string(material) {
		t.Error("expected the escrow copy to hold the key of the JWE")
	}
	files, err := filepath.Glob(filepath.Join(cli.Dir, "escrow",
		sim.OrganizationID+"-CacheOnly-"+strings.ReplaceAll(keyIdentifier, "-", "=2D")+"-*.age"))
	if err != nil || len(files) != 1 {
		t.Errorf("expected one escrow file named after the key, found %v (%v)", files, err)
	}
	if writes := acctest.Writes(sim); len(writes) != 0 {
		t.Errorf("expected nothing to be sent to Salesforce, found %v", writes)
	}

	// Each making of it is another ciphertext, so nothing but an input may make it again.
	jwe := state["jwe"]
	cli.Config(cacheOnly(`certificate = "Sim_BYOK"`))
	cli.MustApply()
	expectState(t, cli, cacheOnlyAddress, map[string]any{"jwe": jwe, "secret_value_hash": material.Hash()})
	destroyed := cli.Destroy()
	// The configuration no longer leads to the directory.
	expectWarning(t, destroyed, "The only escrow copy leaves the state", keyIdentifier, "keep this instance")
}

// A new identifier and a destroy drop the old key from state. The plan says so if state has the
// only escrow copy, whatever became of the directory.
func TestAccCacheOnlyKey_onlyCopy(t *testing.T) {
	t.Parallel()
	skipUnderStrictFIPS(t)
	const only, dropped = "The only escrow copy leaves the state", "The cache-only key's JWE leaves the state"
	for name, test := range map[string]struct {
		// made is escrow of the key, later the one of the apply after that; DIR stands for the directory.
		made, later string
		emptied     bool
		want        string
	}{
		"no escrow": {want: dropped},
		"in state": {
			made:  "escrow = { age_recipients = [%[1]q] }",
			later: "escrow = { age_recipients = [%[1]q] }", want: only,
		},
		"in a directory": {
			made:  "escrow = { age_recipients = [%[1]q], directory = %[2]q }",
			later: "escrow = { age_recipients = [%[1]q], directory = %[2]q }", want: dropped,
		},
		"a directory set later": {
			made:  "escrow = { age_recipients = [%[1]q] }",
			later: "escrow = { age_recipients = [%[1]q], directory = %[2]q }", want: only,
		},
		"a directory emptied": {
			made:  "escrow = { age_recipients = [%[1]q], directory = %[2]q }",
			later: "escrow = { age_recipients = [%[1]q], directory = %[2]q }", emptied: true, want: only,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cli := acctest.NewCLI(t, acctest.StartSim(t))
			directory := filepath.Join(cli.Dir, "escrow")
			escrow := func(form string) string {
				if form == "" {
					return ""
				}

				return fmt.Sprintf(form, ageRecipient, directory)
			}
			for _, form := range []string{test.made, test.later} {
				cli.Config(cacheOnly(`certificate = "Sim_BYOK"`, escrow(form)))
				cli.MustApply()
			}
			if test.emptied {
				if err := os.RemoveAll(directory); err != nil {
					t.Fatal(err)
				}
			}
			other := map[string]string{only: dropped, dropped: only}[test.want]
			for _, config := range []string{strings.ReplaceAll(cacheOnly(`certificate = "Sim_BYOK"`, escrow(test.later)),
				keyIdentifier, "next"), ""} {
				cli.Config(config)
				plan := cli.Plan()
				expectWarning(t, plan, test.want, keyIdentifier)
				if plan.Has("warning", other) {
					t.Errorf("expected no warning %q", other)
				}
			}
			// A further instance drops nothing.
			cli.Config(cacheOnly(`certificate = "Sim_BYOK"`, escrow(test.later)) +
				strings.NewReplacer(keyIdentifier, "next", `"search"`, `"next"`).Replace(cacheOnly(`certificate = "Sim_BYOK"`)))
			if plan := cli.Plan(); plan.Has("warning", only) || plan.Has("warning", dropped) || plan.Added != 1 {
				t.Errorf("expected one key more, found\n%s", plan.Output())
			}
		})
	}
}

// Material that nobody made at random is refused for a new key, and only warned of for one in use.
func TestAccCacheOnlyKey_weak(t *testing.T) {
	t.Parallel()
	skipUnderStrictFIPS(t)
	skipBelowWriteOnly(t)
	weak, variable := givenMaterial(make(acctest.Material, 32), "1")
	sim := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{
		Certificates: []sfsim.SeedCertificate{{DeveloperName: "First"}, {DeveloperName: "Second"}},
		TenantSecrets: []sfsim.SeedSecret{
			{Source: "UPLOADED"},
			{Type: "Analytics", Source: "REMOTE", RemoteKeyIdentifier: "used"},
		},
	}))
	cli := acctest.NewCLI(t, sim)
	cli.Config(variable + cacheOnly(`certificate = "First"`, weak))
	expectError(t, cli.Plan(), "Key material is weak", "is all zero", "Nothing was sent")
	expectError(t, cli.Apply(), "Key material is weak")
	if cli.State(cacheOnlyAddress) != nil {
		t.Error("expected nothing in state")
	}
	// Known in the apply only.
	late := "\nresource \"terraform_data\" \"late\" {\n  input = \"free\"\n}\n"
	cli.Config(late + variable + strings.ReplaceAll(cacheOnly(`certificate = "First"`, weak), `"`+keyIdentifier+`"`,
		"terraform_data.late.output"))
	expectError(t, cli.Apply(), "Key material is weak", "is all zero")

	used := strings.ReplaceAll(cacheOnly(`certificate = "First"`, weak), keyIdentifier, "used")
	cli.Config(late + variable + used)
	expectWarning(t, cli.MustApply(), "Key material in use is weak", `"used"`, "Rotate")
	cli.Config(late + variable + strings.ReplaceAll(used, "First", "Second"))
	expectWarning(t, cli.MustApply(), "Key material in use is weak", `"used"`)
	if _, sealed := jweOf(t, cli, sim, "Second"); string(sealed) != string(make([]byte, 32)) {
		t.Error("expected the key in use for the other certificate")
	}
}

func TestAccCacheOnlyKey_withoutEscrow(t *testing.T) {
	t.Parallel()
	skipUnderStrictFIPS(t)
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(cacheOnly(`certificate = "Sim_BYOK"`, `replay_nonce = "e5ab58fd2ced013f2a46d5c8144dd439"`))
	expectWarning(t, cli.Plan(), "The key will be generated without escrow", "Set escrow")
	cli.MustApply()
	header, _ := jweOf(t, cli, sim, "Sim_BYOK")
	if want := fmt.Sprintf(`{"alg":"RSA-OAEP","enc":"A256GCM","jti":"e5ab58fd2ced013f2a46d5c8144dd439","kid":%q}`,
		keyIdentifier); header != want {
		t.Errorf("expected the header to be exactly %s, found %s", want, header)
	}
	expectState(t, cli, cacheOnlyAddress, map[string]any{"escrow_ciphertext": nil})

	// Another identifier is another key.
	cli.Config(strings.ReplaceAll(cacheOnly(`certificate = "Sim_BYOK"`), keyIdentifier, "next"))
	if plan := cli.Plan(); plan.Added != 1 || plan.Removed != 1 {
		t.Errorf("expected a replacement, found\n%s", plan.Output())
	}
}

// twoForKeys is an org with two certificates that can wrap.
const twoForKeys = "certificates: [{developer_name: First}, {developer_name: Second}]"

// The material of a generated key is gone: it can't be encrypted again, and other material must not
// take its name.
func TestAccCacheOnlyKey_generatedChanged(t *testing.T) {
	t.Parallel()
	skipUnderStrictFIPS(t)
	skipBelowWriteOnly(t)
	sim := acctest.StartSim(t, seeded(t, twoForKeys))
	cli := acctest.NewCLI(t, sim)
	escrow := fmt.Sprintf("escrow = { age_recipients = [%q] }", ageRecipient)
	cli.Config(cacheOnly(`certificate = "First"`, escrow))
	cli.MustApply()
	jwe := cli.State(cacheOnlyAddress)["jwe"]
	for _, lines := range [][]string{{`certificate = "Second"`}, {`certificate = "First"`, `replay_nonce = "n"`}} {
		cli.Config(cacheOnly(lines...))
		expectError(t, cli.Plan(), "A generated key's material is no longer known", keyIdentifier,
			"Nothing was changed")
	}

	other, variable := givenMaterial(acctest.NewMaterial(), "1")
	cli.Config(variable + cacheOnly(`certificate = "Second"`, other))
	expectError(t, cli.Plan(), "Another key under the same identifier", keyIdentifier, "Give the same")
	expectError(t, cli.Apply(), "Another key under the same identifier")
	expectState(t, cli, cacheOnlyAddress, map[string]any{"jwe": jwe, "certificate": "First"})

	// The key itself, taken out of its escrow copy, can be encrypted for the other certificate.
	armored, _ := cli.State(cacheOnlyAddress)["escrow_ciphertext"].(string)
	material := acctest.Material(openEscrow(t, armored, ageIdentity))
	given, variable := givenMaterial(material, "1")
	cli.Config(variable + cacheOnly(`certificate = "Second"`, escrow, given))
	cli.MustApply()
	if again := openEscrow(t, fmt.Sprint(cli.State(cacheOnlyAddress)["escrow_ciphertext"]),
		ageIdentity); string(again) != string(material) {
		t.Error("expected the copy to hold the same key")
	}
	if _, again := jweOf(t, cli, sim, "Second"); string(again) != string(material) {
		t.Error("expected the same key for the other certificate")
	}
}

func TestAccCacheOnlyKey_given(t *testing.T) {
	t.Parallel()
	skipUnderStrictFIPS(t)
	skipBelowWriteOnly(t)
	sim := acctest.StartSim(t, seeded(t, twoForKeys))
	cli := acctest.NewCLI(t, sim)
	material := acctest.NewMaterial()
	given, variable := givenMaterial(material, "1")
	cli.Config(variable + cacheOnly(`certificate = "First"`, given))
	cli.MustApply()
	if _, sealed := jweOf(t, cli, sim, "First"); string(sealed) != string(material) {
		t.Error("expected the given key in the JWE")
	}
	expectState(t, cli, cacheOnlyAddress, map[string]any{
		"secret_value_hash": material.Hash(), "key_material_wo": nil,
		"key_material_wo_version": "1",
	})
	first := cli.State(cacheOnlyAddress)

	// Another certificate, a nonce and a version each encrypt the same key again, in place.
	for _, lines := range [][]string{
		{`certificate = "Second"`, given},
		{`certificate = "Second"`, given, `replay_nonce = "n-1"`},
		{`certificate = "Second"`, strings.ReplaceAll(given, `"1"`, `"2"`), `replay_nonce = "n-1"`},
	} {
		cli.Config(variable + cacheOnly(lines...))
		if plan := cli.Plan(); plan.Changed != 1 || plan.Added+plan.Removed != 0 {
			t.Fatalf("expected the JWE to be made again in place, found\n%s", plan.Output())
		}
		cli.MustApply()
		now := cli.State(cacheOnlyAddress)
		if now["jwe"] == first["jwe"] {
			t.Error("expected another JWE")
		}
		if _, sealed := jweOf(t, cli, sim, "Second"); string(sealed) != string(material) {
			t.Error("expected the same key in the JWE")
		}
		expectState(t, cli, cacheOnlyAddress, map[string]any{
			"secret_value_hash": first["secret_value_hash"],
			"key_check_value":   first["key_check_value"],
		})
		first = now
	}

	other, variable := givenMaterial(acctest.NewMaterial(), "3")
	cli.Config(variable + cacheOnly(`certificate = "Second"`, other, `replay_nonce = "n-1"`))
	expectError(t, cli.Plan(), "Another key under the same identifier", fmt.Sprint(first["secret_value_hash"]))
}

func TestAccCacheOnlyKey_refused(t *testing.T) {
	t.Parallel()
	skipBelowWriteOnly(t)
	sim := acctest.StartSim(t, seeded(t, estate))
	cli := acctest.NewCLI(t, sim)
	material := acctest.NewMaterial()
	given, variable := givenMaterial(material, "1")
	withoutVersion, _, _ := strings.Cut(given, "\n")
	for name, test := range map[string]struct{ body, summary, words string }{
		"no version": {
			variable + cacheOnly(`certificate = "Good"`, withoutVersion),
			"Key material without a version", "Set key_material_wo_version",
		},
		"a version alone": {
			cacheOnly(`certificate = "Good"`, `key_material_wo_version = "1"`),
			"Invalid Attribute Combination", "key_material_wo",
		},
		"short material": {variable + cacheOnly(`certificate = "Good"`, `key_material_wo = "AAAA"`,
			`key_material_wo_version = "1"`), "", "32"},
		"no certificate":      {cacheOnly(`certificate = "Absent"`), "Wrapping certificate not found", "Absent"},
		"a small certificate": {cacheOnly(`certificate = "Small"`), "Wrapping certificate is not fit for BYOK", "2048"},
		"an expired certificate": {
			cacheOnly(`certificate = "Expired"`), "Wrapping certificate is not fit for BYOK",
			"expired",
		},
		"no recipients": {
			cacheOnly(`certificate = "Good"`, "escrow = {\n    age_recipients = []\n  }"), "",
			"at least 1",
		},
		"an empty identifier": {
			strings.ReplaceAll(cacheOnly(`certificate = "Good"`), keyIdentifier, ""), "",
			"between 1 and 255",
		},
		"a control character": {
			strings.ReplaceAll(cacheOnly(`certificate = "Good"`), keyIdentifier, `a\u0007b`),
			"Invalid key identifier", "ends or changes the path",
		},
		"a path upwards": {
			strings.ReplaceAll(cacheOnly(`certificate = "Good"`), keyIdentifier, `../a`),
			"Invalid key identifier", "leads elsewhere",
		},
		"a query": {
			strings.ReplaceAll(cacheOnly(`certificate = "Good"`), keyIdentifier, `a?b`),
			"Invalid key identifier", "ends or changes the path",
		},
	} {
		cli.Config(test.body)
		applied := cli.Apply()
		if applied.Code == 0 || !strings.Contains(applied.Output(), test.words) ||
			(test.summary != "" && !applied.Has("error", test.summary)) {
			t.Errorf("%s: expected the error %q with %q, found\n%s", name, test.summary, test.words, applied.Output())
		}
		if cli.State(cacheOnlyAddress) != nil {
			t.Errorf("%s: expected nothing in state", name)
		}
	}
}

func TestAccCacheOnlyKey_strictFIPS(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := strictly(acctest.NewCLI(t, sim))
	cli.Config(cacheOnly(`certificate = "Sim_BYOK"`))
	expectError(t, cli.Apply(), "The JWE could not be made", "fips140=only", "SHA-1")
}

// The certificate of a JWE is looked after: Salesforce can't open it without.
func TestAccCacheOnlyKey_certificateGone(t *testing.T) {
	t.Parallel()
	skipUnderStrictFIPS(t)
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(wrappingCertificate(`developer_name = "BYOK_2027"`) +
		cacheOnly("certificate = salesforcebyok_certificate.wrapping.developer_name"))
	cli.MustApply()
	made, _ := inOrg(sim, "BYOK_2027")
	sim.Clock.Set(made.ExpirationDate.Add(-29 * 24 * time.Hour))
	expectWarning(t, cli.Plan(), "The cache-only key's certificate expires soon", "BYOK_2027", keyIdentifier)
	sim.Clock.Set(made.ExpirationDate.Add(1))
	plan := cli.Plan()
	expectWarning(t, plan, "The cache-only key's certificate has expired", "BYOK_2027", keyIdentifier)
	if plan.Has("warning", "The cache-only key's certificate expires soon") {
		t.Error("expected no word of what is to come")
	}
	if plan.Code == acctest.PlanFailed {
		t.Error(plan.Output())
	}
	cli.Config(cacheOnly(`certificate = "BYOK_2027"`))
	if applied := cli.Apply(); applied.Code != 0 {
		t.Fatal(applied.Output())
	}
	expectWarning(t, cli.Plan(), "The cache-only key's certificate is missing", "BYOK_2027", keyIdentifier)
	cli.MustBeEmpty()
}

// An import brings back a JWE that was published, and makes no other.
func TestAccCacheOnlyKey_import(t *testing.T) {
	t.Parallel()
	skipUnderStrictFIPS(t)
	skipBelowWriteOnly(t)
	sim := acctest.StartSim(t, seeded(t, twoForKeys))
	cli := acctest.NewCLI(t, sim)
	material := acctest.NewMaterial()
	given, variable := givenMaterial(material, "1")
	cli.Config(variable + cacheOnly(`certificate = "First"`, given, `replay_nonce = "n-1"`))
	cli.MustApply()
	jwe, _ := cli.State(cacheOnlyAddress)["jwe"].(string)

	fresh := acctest.NewCLI(t, sim)
	fresh.Config(cacheOnly(`certificate = "First"`, `replay_nonce = "n-1"`))
	if imported := fresh.Run("import", "-input=false", cacheOnlyAddress, "First/"+jwe); imported.Code != 0 {
		t.Fatal(imported.Output())
	}
	fresh.MustBeEmpty()
	expectState(t, fresh, cacheOnlyAddress, map[string]any{
		"key_identifier": keyIdentifier, "certificate": "First", "replay_nonce": "n-1", "jwe": jwe, "secret_value_hash": nil,
		"organization_id": sim.OrganizationID,
	})
	// With the material at hand it can be encrypted for another certificate.
	fresh.Config(variable + cacheOnly(`certificate = "Second"`, given, `replay_nonce = "n-1"`))
	fresh.MustApply()
	if _, again := jweOf(t, fresh, sim, "Second"); string(again) != string(material) {
		t.Error("expected the same key for the other certificate")
	}

	for id, words := range map[string]string{
		jwe: "Expected <certificate>/<compact JWE>", "First/": "After the first slash",
		"First/a.b.c.d.e": "After the first slash",
	} {
		block := acctest.NewCLI(t, sim)
		block.Config(fmt.Sprintf("\nimport {\n  to = %s\n  id = %q\n}\n", cacheOnlyAddress, id) +
			cacheOnly(`certificate = "First"`))
		expectError(t, block.Plan(), "Invalid import id", words, "Nothing was imported")
	}
	block := acctest.NewCLI(t, sim)
	block.Config(fmt.Sprintf("\nimport {\n  to = %s\n  id = %q\n}\n", cacheOnlyAddress, "First/"+jwe) +
		cacheOnly(`certificate = "First"`, `replay_nonce = "n-1"`))
	block.MustApply()
	expectState(t, block, cacheOnlyAddress, map[string]any{"jwe": jwe})
}

// An identity names the key and can't bring its JWE: the refusal says what can.
func TestAccCacheOnlyKey_importByIdentity(t *testing.T) {
	t.Parallel()
	if acctest.OpenTofu() || acctest.Below(t, 1, 12) {
		t.Skip("import by identity needs Terraform 1.12")
	}
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	cli.Config(fmt.Sprintf("\nimport {\n  to = %s\n  identity = {\n    organization_id = %q\n    key_identifier = %q\n  "+
		"}\n}\n", cacheOnlyAddress, sim.OrganizationID, keyIdentifier) +
		cacheOnly(`certificate = "Sim_BYOK"`))
	expectError(t, cli.Plan(), "Invalid import id", "an identity alone is not enough")
}

func TestAccCacheOnlyKey_anotherOrg(t *testing.T) {
	t.Parallel()
	skipUnderStrictFIPS(t)
	skipBelowWriteOnly(t)
	cli := acctest.NewCLI(t, acctest.StartSim(t))
	given, variable := givenMaterial(acctest.NewMaterial(), "1")
	cli.Config(variable + cacheOnly(`certificate = "Sim_BYOK"`, given))
	cli.MustApply()
	moved, sim := moveState(t, cli)
	moved.Config(variable + cacheOnly(`certificate = "Sim_BYOK"`, given, `replay_nonce = "n"`))
	expectError(t, moved.Plan(), "This key belongs to another org", sim.OrganizationID)
	expectError(t, moved.Apply("-refresh=false"), "This key belongs to another org")
}

// publishedKeys is a key service that answers with what was published.
type publishedKeys struct {
	mu      sync.Mutex
	answers map[string]string
}

// ServeHTTP answers a callout as Salesforce wants it.
func (s *publishedKeys) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kid := path.Base(r.URL.Path)
	jwe, ok := s.answers[kid]
	if !ok {
		http.NotFound(w, r)

		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"kid":%q,"jwe":%q}`, kid, jwe)
}

func (s *publishedKeys) publish(kid, jwe string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[kid] = jwe
}

// How early a certificate's end is warned of is for the configuration to say.
func TestAccCacheOnlyKey_warnBeforeDays(t *testing.T) {
	t.Parallel()
	skipUnderStrictFIPS(t)
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	end, _ := inOrg(sim, "Sim_BYOK")
	sim.Clock.Set(end.ExpirationDate.Add(-40 * 24 * time.Hour))
	var jwe any
	for _, test := range []struct {
		line string
		want bool
	}{{"", false}, {"warn_before_days = 60", true}, {"warn_before_days = 0", false}} {
		cli.Config(cacheOnly(`certificate = "Sim_BYOK"`, test.line))
		cli.MustApply()
		if plan := cli.Plan(); plan.Has("warning", "The cache-only key's certificate expires soon") != test.want {
			t.Errorf("%q: expected a warning: %v, found %v", test.line, test.want, plan.Summaries("warning"))
		}
		state := cli.State(cacheOnlyAddress)
		if jwe != nil && state["jwe"] != jwe {
			t.Errorf("%q: expected the JWE to stay", test.line)
		}
		jwe = state["jwe"]
	}
}

// A certificate is fit on its last day, though the org may show a date alone; and how early its end
// is warned of counts in the plan that changes it.
func TestAccCacheOnlyKey_certificateWatched(t *testing.T) {
	t.Parallel()
	skipUnderStrictFIPS(t)
	const soon, past = "The cache-only key's certificate expires soon", "The cache-only key's certificate has expired"
	sim := acctest.StartSim(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
		s.CertificateDateOnly = true
	}))
	cli := acctest.NewCLI(t, sim)
	end, _ := inOrg(sim, "Sim_BYOK")
	midnight := end.ExpirationDate.UTC().Truncate(24 * time.Hour)
	key := func(days int) string {
		return cacheOnly(`certificate = "Sim_BYOK"`, fmt.Sprintf("warn_before_days = %d", days))
	}
	cli.Config(key(1))
	cli.MustApply()
	for _, test := range []struct {
		at   time.Time
		days int
		want string
	}{
		{midnight.Add(-59 * 24 * time.Hour), 1, ""},
		{midnight.Add(-59 * 24 * time.Hour), 61, soon},
		{midnight.Add(12 * time.Hour), 1, soon},
		{midnight.Add(36 * time.Hour), 1, past},
	} {
		sim.Clock.Set(test.at)
		cli.Config(key(test.days))
		plan := cli.Plan()
		for _, summary := range []string{soon, past, "The cache-only key's certificate is missing"} {
			if plan.Has("warning", summary) != (summary == test.want) {
				t.Errorf("at %s, %d days: expected %q, found %v", test.at, test.days, test.want, plan.Summaries("warning"))
			}
		}
	}
}

// A key is encrypted for a pinned certificate only: at plan, and in the apply whatever the plan
// could see. What is made already is warned of.
func TestAccCacheOnlyKey_pins(t *testing.T) {
	t.Parallel()
	skipUnderStrictFIPS(t)
	skipBelowWriteOnly(t)
	const summary = "The wrapping certificate is not pinned"
	sim := acctest.StartSim(t, seeded(t, twoForKeys))
	fingerprints := map[string]string{}
	for _, name := range []string{"First", "Second"} {
		found, _ := inOrg(sim, name)
		certificate, err := byok.ParseCertificate([]byte(found.PEM))
		if err != nil {
			t.Fatal(err)
		}
		fingerprints[name] = certificate.SHA256Fingerprint()
	}
	pins := func(name string) string {
		return fmt.Sprintf("certificate_pins = [%q]", strings.ToUpper(fingerprints[name]))
	}
	cli := acctest.NewCLI(t, sim)
	given, variable := givenMaterial(acctest.NewMaterial(), "1")
	directory := filepath.Join(cli.Dir, "escrow")
	escrow := fmt.Sprintf("escrow = { age_recipients = [%q], directory = %q }", ageRecipient, directory)
	cli.Config(variable + cacheOnly(`certificate = "Second"`, given, escrow, pins("First")))
	expectError(t, cli.Plan(), summary, "Second", fingerprints["Second"])
	late := "\nresource \"terraform_data\" \"late\" {\n  input = \"Second\"\n}\n"
	cli.Config(late + variable + cacheOnly("certificate = terraform_data.late.output", given, escrow, pins("First")))
	expectError(t, cli.Apply(), summary, fingerprints["Second"])
	if copies, err := filepath.Glob(filepath.Join(directory, "*.age")); err != nil || len(copies) != 0 ||
		cli.State(cacheOnlyAddress) != nil {
		t.Errorf("expected nothing to be made, found %v (%v)", copies, err)
	}

	cli.Config(late + variable + cacheOnly(`certificate = "First"`, given, escrow, pins("First")))
	cli.MustApply()
	jwe := cli.State(cacheOnlyAddress)["jwe"]
	cli.Config(late + variable + cacheOnly(`certificate = "First"`, given, escrow, pins("Second")))
	expectWarning(t, cli.MustApply(), summary, fingerprints["First"])
	expectState(t, cli, cacheOnlyAddress, map[string]any{"jwe": jwe})
	cli.Config(late + variable + cacheOnly(`certificate = "Second"`, given, escrow, pins("First")))
	expectError(t, cli.Plan(), summary, fingerprints["Second"])
	cli.Config(late + variable + cacheOnly(`certificate = "Second"`, given, escrow, pins("Second")))
	cli.MustApply()
	for list, words := range map[string]string{"[]": "empty", `["ab"]`: "64 hex digits"} {
		cli.Config(late + variable + cacheOnly(`certificate = "Second"`, given, "certificate_pins = "+list))
		if plan := cli.Plan(); plan.Code != acctest.PlanFailed || !strings.Contains(plan.Output(), words) {
			t.Errorf("%s: expected an error with %q, found\n%s", list, words, plan.Output())
		}
	}
}

// What the resource makes is what Salesforce takes: a REMOTE tenant secret becomes ACTIVE on it.
func TestAccCacheOnlyKey_served(t *testing.T) {
	t.Parallel()
	skipUnderStrictFIPS(t)
	service := &publishedKeys{answers: map[string]string{}}
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	sim := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{NamedCredentials: []sfsim.SeedCredential{{
		ID:            "0XAWt0000000077",
		DeveloperName: "Keys", Endpoint: server.URL + "/keys",
	}}}),
		settingsAre(false, true, false))
	cli := acctest.NewCLI(t, sim)
	body := cacheOnly(`certificate = "Sim_BYOK"`)
	cli.Config(body)
	cli.MustApply()
	jwe, _ := cli.State(cacheOnlyAddress)["jwe"].(string)
	remote := tenantSecret(`type = "Data"`, `source = "REMOTE"`,
		`remote_key_identifier = salesforcebyok_cache_only_key.search.key_identifier`,
		`remote_key_certificate = salesforcebyok_cache_only_key.search.certificate`,
		`remote_key_service_id = "0XAWt0000000077"`)
	cli.Config(body + remote)
	if unpublished := cli.Apply(); unpublished.Code == 0 || !strings.Contains(unpublished.Output(), "DESTROY_HTTP_CODE") {
		t.Errorf("expected the callout to fail before the JWE is published, found\n%s", unpublished.Output())
	}
	service.publish(keyIdentifier, jwe)
	cli.MustApply()
	if key := acctest.ActiveKey(t, sim, "Data"); key.Source != "REMOTE" || key.RemoteIdentifier != keyIdentifier {
		t.Errorf("expected the cache-only key to be ACTIVE, found %+v", key)
	}
	callouts := sim.Callouts()
	if last := callouts[len(callouts)-1]; last.StatusCode != "SUCCESS" {
		t.Errorf("expected the callout to succeed, found %+v", last)
	}
	expectError(t, cli.Plan("-replace="+cacheOnlyAddress), "The identifier is in use",
		acctest.ActiveKey(t, sim, "Data").ID)
}

// A key that Salesforce fetches by an identifier is never replaced by a generated one under the
// same: not by -replace, and not after a lost state.
func TestAccCacheOnlyKey_identifierInUse(t *testing.T) {
	t.Parallel()
	skipUnderStrictFIPS(t)
	skipBelowWriteOnly(t)
	sim := acctest.StartSim(t, sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{
		{Source: "UPLOADED"},
		{Type: "Analytics", Source: "REMOTE", RemoteKeyIdentifier: keyIdentifier},
	}}))
	used := acctest.ActiveKey(t, sim, "Analytics").ID
	cli := acctest.NewCLI(t, sim)
	cli.Config(strings.ReplaceAll(cacheOnly(`certificate = "Sim_BYOK"`), keyIdentifier, "free"))
	cli.MustApply()
	cli.Config(cacheOnly(`certificate = "Sim_BYOK"`))
	expectError(t, cli.Plan(), "The identifier is in use", used, keyIdentifier, "Nothing was made")
	late := "\nresource \"terraform_data\" \"late\" {\n  input = \"" + keyIdentifier + "\"\n}\n"
	cli.Config(late + strings.ReplaceAll(cacheOnly(`certificate = "Sim_BYOK"`), `"`+keyIdentifier+`"`,
		"terraform_data.late.output"))
	expectError(t, cli.Apply(), "The identifier is in use", used)

	// The very key may come back, from its escrow copy.
	given, variable := givenMaterial(acctest.NewMaterial(), "1")
	fresh := acctest.NewCLI(t, sim)
	fresh.Config(variable + cacheOnly(`certificate = "Sim_BYOK"`, given))
	expectWarning(t, fresh.Plan(), "The identifier is in use", used, "must be the one that the record was made with")
	fresh.MustApply()
}

// Values that are not known at plan are judged in the apply; until then the JWE and its escrow copy
// are neither dropped nor refused.
func TestAccCacheOnlyKey_unknownInputs(t *testing.T) {
	t.Parallel()
	skipUnderStrictFIPS(t)
	sim := acctest.StartSim(t, seeded(t, twoForKeys))
	cli := acctest.NewCLI(t, sim)
	config := func(certificate, now string, lines ...string) string {
		_, source := lateTrigger(certificate, now)

		return source + cacheOnly(append(lines, "certificate = terraform_data.source.output")...)
	}
	escrow := fmt.Sprintf("escrow = { age_recipients = [%q] }", ageRecipient)
	cli.Config(config("First", "1", escrow))
	cli.MustApply()
	before := cli.State(cacheOnlyAddress)
	cli.Config(config("First", "2"))
	expectWarning(t, cli.MustApply(), "Escrow applies from the next JWE")
	expectState(t, cli, cacheOnlyAddress, map[string]any{
		"jwe":               before["jwe"],
		"escrow_ciphertext": before["escrow_ciphertext"],
	})
	cli.Config(config("Second", "3"))
	expectError(t, cli.Apply(), "A generated key's material is no longer known")
	expectState(t, cli, cacheOnlyAddress, map[string]any{"jwe": before["jwe"], "certificate": "First"})
}
