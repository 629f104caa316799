package provider_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// versionAddress is the resource that the tests of the tenant secret version are about.
const versionAddress = "salesforcebyok_tenant_secret_version.old"

// custodyRun is an org with an ARCHIVED Data key, and the CLI over a configuration that has it.
type custodyRun struct {
	*acctest.CLI

	t   *testing.T
	sim *sfsim.Server
	// id is the ARCHIVED key's, unless a test changes it.
	id string
	// allowed is allow_key_destruction.
	allowed bool
	// version is api_version, "" for the default.
	version string
}

// archivedKey is an org whose first Data key is uploaded and ARCHIVED, and whose second one is
// ACTIVE.
const archivedKey = "tenant_secrets: [{source: UPLOADED, status: ARCHIVED, description: 'old'}, {}]"

// seedOf reads a seed.
func seedOf(t *testing.T, text string) sfsim.Option {
	t.Helper()
	seed, err := sfsim.ReadSeed(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}

	return sfsim.WithSeed(seed)
}

// newCustodyRun starts an org of a seed; its first record is the one that the configuration is
// about.
func newCustodyRun(t *testing.T, seed string, opts ...sfsim.Option) *custodyRun {
	t.Helper()
	sim := acctest.StartSim(t, append([]sfsim.Option{seedOf(t, seed)}, opts...)...)

	return &custodyRun{CLI: acctest.NewCLI(t, sim), t: t, sim: sim, id: sim.TenantSecrets()[0].ID}
}

// block renders the resource of the tests.
func (r *custodyRun) block(lines ...string) string {
	return fmt.Sprintf("\nresource \"salesforcebyok_tenant_secret_version\" \"old\" {\n  tenant_secret_id = %q\n  "+
		"%s\n}\n", r.id, strings.Join(lines, "\n  "))
}

// write makes body the configuration.
func (r *custodyRun) write(body string) {
	r.t.Helper()
	extra := []string{fmt.Sprintf("allow_key_destruction = %t", r.allowed)}
	if r.version != "" {
		extra = append(extra, fmt.Sprintf("api_version = %q", r.version))
	}
	r.Write("main.tf", requiredProvider+acctest.ProviderBlock(r.sim, extra...)+body)
}

const requiredProvider = `
terraform {
  required_providers {
    salesforcebyok = { source = "registry.terraform.io/salesforcebyok/salesforcebyok" }
  }
}
`

// want makes the resource, with these lines, the configuration.
func (r *custodyRun) want(lines ...string) {
	r.t.Helper()
	r.write(r.block(lines...))
}

// must applies a wish, and expects an empty plan afterwards.
func (r *custodyRun) must(lines ...string) acctest.Result {
	r.t.Helper()
	r.want(lines...)

	return r.MustApply()
}

// mustDestroy brings the key to DESTROYED in the two applies that this takes.
func (r *custodyRun) mustDestroy() {
	r.t.Helper()
	r.must(archived)
	r.allowed = true
	r.must(destroyed)
	r.expectStatus("DESTROYED")
}

// refused expects that the plan fails with an error, and that the apply fails alike and sends
// nothing that writes.
func (r *custodyRun) refused(summary string, details ...string) {
	r.t.Helper()
	before, exports := len(acctest.Writes(r.sim)), acctest.Exports(r.sim)
	keys := r.sim.TenantSecrets()
	for name, run := range map[string]func(...string) acctest.Result{"plan": r.Plan, "apply": r.Apply} {
		result := run()
		if result.Code != acctest.PlanFailed || !result.Has("error", summary, details...) {
			r.t.Errorf("%s: expected the error %q with %q, found exit code %d, %+v", name, summary, details, result.Code,
				result.Diagnostics)
		}
	}
	if writes := acctest.Writes(r.sim); len(writes) != before || acctest.Exports(r.sim) != exports {
		r.t.Errorf("expected nothing to be sent, found %v, and %d exports", writes[before:], acctest.Exports(r.sim)-exports)
	}
	if !slices.Equal(keys, r.sim.TenantSecrets()) {
		r.t.Errorf("expected the org to be as it was, found %+v", r.sim.TenantSecrets())
	}
}

// status is the status of the record in the org.
func (r *custodyRun) status() string {
	r.t.Helper()
	for _, s := range r.sim.TenantSecrets() {
		if s.ID == r.id {
			return s.Status
		}
	}
	r.t.Fatalf("the org has no record %s", r.id)

	return ""
}

// expectStatus expects the record to have a status in the org, and in the state where it is
// managed.
func (r *custodyRun) expectStatus(want string) {
	r.t.Helper()
	if got := r.status(); got != want {
		r.t.Fatalf("expected the record to be %s in the org, found %s", want, got)
	}
	if state := r.State(versionAddress); state != nil && state["status"] != want {
		r.t.Fatalf("expected the status %s in state, found %v", want, state["status"])
	}
}

// export is the export in state, "" for none.
func (r *custodyRun) export() string {
	r.t.Helper()
	text, _ := r.State(versionAddress)["exported_secret_value"].(string)

	return text
}

// patches returns how many changes of a tenant secret were sent, and how many of them took effect.
func (r *custodyRun) patches() (sent, committed int) {
	for _, request := range r.sim.Requests() {
		if request.Method == http.MethodPatch && strings.Contains(request.Path, "/sobjects/TenantSecret/") {
			sent++
			if request.Committed {
				committed++
			}
		}
	}

	return sent, committed
}

func (r *custodyRun) expectPatches(sent, committed int) {
	r.t.Helper()
	if s, c := r.patches(); s != sent || c != committed {
		r.t.Errorf("expected %d PATCHes of which %d took effect, found %d and %d", sent, committed, s, c)
	}
}

// patchInSetup changes the record as somebody else would.
func (r *custodyRun) patchInSetup(fields map[string]any) {
	r.t.Helper()
	editInSetup(r.t, r.sim, r.id, fields)
}

// editInSetup changes a record as somebody else would.
func editInSetup(t *testing.T, sim *sfsim.Server, id string, fields map[string]any) {
	t.Helper()
	body, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch,
		sim.InstanceURL+"/services/data/v62.0/sobjects/TenantSecret/"+id, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+sim.AccessToken)
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusNoContent {
		t.Fatalf("patching %s in Setup: status %d", id, resp.StatusCode)
	}
}

// Lines of the resource.
const (
	archived  = `desired_status = "ARCHIVED"`
	destroyed = `desired_status = "DESTROYED"`
	noBackup  = `backup = "NONE"`
	prevent   = `deletion_policy = "PREVENT"`
)

// acknowledge renders the acknowledgement of a destruction.
func acknowledge(id string) string { return fmt.Sprintf("destruction_acknowledgement = %q", id) }
