package provider_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// wrapByOpenSSL wraps material under a certificate of the org with the openssl command, as an HSM
// ceremony would, and returns base64.
func wrapByOpenSSL(t *testing.T, sim *sfsim.Server, certificate string, material acctest.Material) string {
	t.Helper()
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("the openssl command is not on PATH")
	}
	certificates := sim.Certificates()
	at := slices.IndexFunc(certificates, func(c sfsim.Certificate) bool { return c.DeveloperName == certificate })
	dir := t.TempDir()
	files := map[string]string{"certificate": certificates[at].PEM, "material": string(material)}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), openssl, "pkeyutl", "-encrypt", "-certin", "-inkey", "certificate", "-in",
		"material", "-out", "wrapped",
		"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha512", "-pkeyopt", "rsa_mgf1_md:sha512")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("openssl pkeyutl: %v\n%s", err, out)
	}
	wrapped, err := os.ReadFile(filepath.Join(dir, "wrapped"))
	if err != nil {
		t.Fatal(err)
	}

	return base64.StdEncoding.EncodeToString(wrapped)
}

func wrapped(text string) string { return fmt.Sprintf("wrapped_key_material = %q", text) }

func TestAccTenantSecret_prewrapped(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	material := acctest.NewMaterial()
	cli.Config(dataKey(wrapped(wrapByOpenSSL(t, sim, "Sim_BYOK", material)), pin(material)))
	cli.MustApply()
	state := cli.State(tenantSecretAddress)
	if !slices.Equal(sim.Unwrapped(fmt.Sprint(state["tenant_secret_id"])), material) {
		t.Error("Salesforce did not get the material that openssl wrapped")
	}
	if state["key_check_value"] != nil || state["escrow_ciphertext"] != nil ||
		!strings.Contains(fmt.Sprint(state["receipt"]), `"key_source":"wrapped_elsewhere"`) {
		t.Errorf("expected nothing of a plaintext that was never seen, found %v", state)
	}
	uploads(t, sim, 1, 1)

	// A second run, without the state of the first, adopts.
	if removed := cli.Run("state", "rm", tenantSecretAddress); removed.Code != 0 {
		t.Fatal(removed.Output())
	}
	cli.MustApply()
	uploads(t, sim, 1, 1)

	// Another ciphertext of the same key is no rotation; another key is one.
	cli.Config(dataKey(wrapped(wrapByOpenSSL(t, sim, "Sim_BYOK", material)), pin(material)))
	cli.MustApply()
	uploads(t, sim, 1, 1)
	next := acctest.NewMaterial()
	cli.Config(dataKey(wrapped(wrapByOpenSSL(t, sim, "Sim_BYOK", next)), pin(next)))
	if applied := cli.MustApply(); applied.Changed != 1 || applied.Removed != 0 {
		t.Errorf("expected a rotation in place, found %+v", applied)
	}
	if !slices.Equal(sim.Unwrapped(acctest.ActiveKey(t, sim, "Data").ID), next) {
		t.Error("Salesforce did not get the second key")
	}
	uploads(t, sim, 2, 2)
}

// What only Salesforce can find out, it refuses, and the refusal is final: no record, no state.
func TestAccTenantSecret_prewrappedRefused(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]func(t *testing.T, sim *sfsim.Server) string{
		"hash of other material": func(t *testing.T, sim *sfsim.Server) string {
			return dataKey(wrapped(wrapByOpenSSL(t, sim, "Sim_BYOK", acctest.NewMaterial())), pin(acctest.NewMaterial()))
		},
		"wrapped under another certificate": func(t *testing.T, sim *sfsim.Server) string {
			material := acctest.NewMaterial()

			return dataKey(wrapped(wrapByOpenSSL(t, sim, "Sim_BYOK_2", material)), pin(material))
		},
		"31 bytes": func(t *testing.T, sim *sfsim.Server) string {
			material := acctest.NewMaterial()[:31]

			return dataKey(wrapped(wrapByOpenSSL(t, sim, "Sim_BYOK", material)), pin(material))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, twoCertificates())
			cli := acctest.NewCLI(t, sim)
			cli.Config(config(t, sim))
			if refused := cli.Apply(); refused.Code == 0 || !refused.Has("error", "Salesforce refused the new Data key",
				"FIELD_INTEGRITY_EXCEPTION") {
				t.Errorf("expected Salesforce's refusal, found %s", refused.Output())
			}
			if state := cli.State(tenantSecretAddress); state != nil {
				t.Errorf("expected no state, found %v", state)
			}
			uploads(t, sim, 1, 0)
		})
	}
}
