package provider_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// inspecting is a proxy that opens TLS: between the provider and the org, it puts a certificate of
// its own in the place of Sim_BYOK.
type inspecting struct {
	url     string
	swaps   atomic.Bool
	swapped atomic.Int64
}

func newInspecting(t *testing.T, sim *sfsim.Server, own string) *inspecting {
	t.Helper()
	certificate, _ := inOrg(sim, "Sim_BYOK")
	p := &inspecting{}
	p.url = proxied(t, sim, func(resp *http.Response) error {
		if !p.swaps.Load() || !strings.HasSuffix(resp.Request.URL.Path, certificate.ID+"/CertificateChain") {
			return nil
		}
		p.swapped.Add(1)
		resp.Body = io.NopCloser(bytes.NewReader([]byte(own)))
		resp.ContentLength = int64(len(own))
		resp.Header.Set("Content-Length", strconv.Itoa(len(own)))

		return nil
	})

	return p
}

// The trial of a proxy that swaps the reply with the certificate. With a pin the key is neither
// escrowed nor sent; without one the plan says that the name stands for another certificate than
// before.
func TestAccTenantSecret_swappedCertificate(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	own, _ := inOrg(acctest.StartSim(t, withCertificate(sfsim.SeedCertificate{DeveloperName: "Attacker"})), "Attacker")
	honest, _ := inOrg(sim, "Sim_BYOK")
	proxy := newInspecting(t, sim, own.PEM)
	cli := acctest.NewCLI(t, sim)
	config := func(lines ...string) {
		providerConfig(cli, fmt.Sprintf("provider \"salesforcebyok\" {\n  instance_url = %q\n  access_token = %q\n}\n",
			proxy.url, sim.AccessToken)+dataKey(append(lines, escrowIn(cli))...))
	}
	pin := fmt.Sprintf("certificate_pins = [%q]", fingerprintOf(t, honest.PEM))

	// A first key: only a pin can see it.
	proxy.swaps.Store(true)
	config(pin)
	expectError(t, cli.Plan(), "The wrapping certificate is not pinned", fingerprintOf(t, own.PEM), "No key was sent")
	if applied := cli.Apply(); applied.Code == 0 {
		t.Errorf("expected the apply to stop, found\n%s", applied.Output())
	}
	if swapped := proxy.swapped.Load(); swapped == 0 {
		t.Fatal("the proxy has swapped nothing")
	}
	uploads(t, sim, 0, 0)
	if copies := escrowCopies(t, cli); len(copies) != 0 {
		t.Errorf("expected no escrow copy, found %v", copies)
	}

	// A later key: the plan warns of what the name stands for, and shows it; a pin refuses it.
	proxy.swaps.Store(false)
	config(trigger("a"))
	cli.MustApply()
	proxy.swaps.Store(true)
	for _, triggered := range []string{"a", "b"} {
		config(trigger(triggered))
		expectWarning(t, cli.Plan(), "The wrapping certificate has changed", "Sim_BYOK", fingerprintOf(t, own.PEM),
			fingerprintOf(t, honest.PEM))
	}
	config(trigger("b"), pin)
	expectError(t, cli.Plan(), "The wrapping certificate is not pinned")
	if applied := cli.Apply(); applied.Code == 0 {
		t.Errorf("expected the apply to stop, found\n%s", applied.Output())
	}
	uploads(t, sim, 1, 1)
	if copies := escrowCopies(t, cli); len(copies) != 1 {
		t.Errorf("expected the copy of the first key alone, found %v", copies)
	}

	// Between plan and apply: the plan that the core asks for again shows another certificate than the
	// one reviewed, which stops the apply.
	proxy.swaps.Store(false)
	config(trigger("c"))
	if plan := cli.Plan("-out=saved.tfplan"); plan.Code != acctest.PlanChanges {
		t.Fatal(plan.Output())
	}
	proxy.swaps.Store(true)
	if applied := cli.Run("apply", "-json", "-input=false", "saved.tfplan"); applied.Code == 0 {
		t.Errorf("expected the apply to stop, found\n%s", applied.Output())
	}
	uploads(t, sim, 1, 1)
}

// A certificate that was replaced under its name shows in every plan, before anything is wrapped
// with it: the fingerprint changes and a warning names both. The active key stays.
func TestAccTenantSecret_swappedCertificateShows(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	cli.Config(`resource "salesforcebyok_tenant_secret" "data" {
  type              = "Data"
  certificate       = "Sim_BYOK"
  rotation_triggers = { round = "1" }
}`)
	cli.MustApply()
	cli.MustBeEmpty()
	before, _ := cli.State("salesforcebyok_tenant_secret.data")["wrapping_certificate_sha256"].(string)
	if before == "" {
		t.Fatal("expected a fingerprint in state")
	}
	if err := sim.RemakeCertificate("Sim_BYOK"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		plan := cli.Plan()
		if !strings.Contains(plan.Output(), "The wrapping certificate has changed") ||
			!strings.Contains(plan.Output(), before) {
			t.Errorf("expected a warning with the remembered fingerprint, found\n%s", plan.Output())
		}
	}
	records := len(sim.TenantSecrets())
	cli.MustApply()
	cli.MustBeEmpty()
	after, _ := cli.State("salesforcebyok_tenant_secret.data")["wrapping_certificate_sha256"].(string)
	if after == "" || after == before || len(sim.TenantSecrets()) != records {
		t.Errorf("expected another fingerprint and no other key, found %q and %d keys", after,
			len(sim.TenantSecrets())-records)
	}
}
