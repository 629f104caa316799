package provider_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// keyService answers the org's callouts for cache-only keys, as the owner of the keys does. It can
// be out of order.
type keyService struct {
	*httptest.Server

	mu           sync.Mutex
	certificates map[string]string // PEM by the path of the service
	down         bool
	asked        []string
}

func newKeyService(t *testing.T) *keyService {
	t.Helper()
	service := &keyService{certificates: map[string]string{}}
	service.Server = httptest.NewServer(http.HandlerFunc(service.serve))
	t.Cleanup(service.Close)

	return service
}

func (s *keyService) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.URL.Path)
	service, kid, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	certificate, err := byok.ParseCertificate([]byte(s.certificates[service]))
	if s.down || err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)

		return
	}
	token, err := byok.CacheOnlyJWE(certificate, byok.GenerateMaterial(), kid, "")
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)

		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"kid": kid, "jwe": token}) // the caller may be gone
}

// setDown turns the service off and on.
func (s *keyService) setDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// wrapFor sets the certificate that answers of a path are made for.
func (s *keyService) wrapFor(path, pem string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.certificates[path] = pem
}

func (s *keyService) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()

	return slices.Clone(s.asked)
}

// remoteRun is an org with two Named Credentials, both of one key service, and two certificates.
type remoteRun struct {
	*custodyRun

	service *keyService
}

const (
	blueCredential  = "0XAWt0000000077OAA"
	greenCredential = "0XAWt0000000088OAA"
)

func newRemoteRun(t *testing.T, settings string) *remoteRun {
	t.Helper()
	if strictFIPS() {
		t.Skip("the answers of a key service need RSA-OAEP with SHA-1")
	}
	service := newKeyService(t)
	run := newCustodyRun(t, fmt.Sprintf(`
settings: {%s}
certificates: [{developer_name: Sim_BYOK}, {developer_name: Sim_BYOK_2}]
named_credentials:
  - {id: %s, developer_name: Blue, endpoint: '%s/blue'}
  - {id: %s, developer_name: Green, endpoint: '%s/green'}
`, settings, blueCredential, service.URL, greenCredential, service.URL), sfsim.WithoutIntervals())
	r := &remoteRun{custodyRun: run, service: service}
	r.service.wrapFor("blue", r.pem("Sim_BYOK"))
	r.service.wrapFor("green", r.pem("Sim_BYOK"))

	return r
}

func (r *remoteRun) pem(name string) string {
	r.t.Helper()
	for _, c := range r.sim.Certificates() {
		if c.DeveloperName == name {
			return c.PEM
		}
	}
	r.t.Fatalf("the org has no certificate %s", name)

	return ""
}

// remoteKey renders a cache-only Data key.
func remoteKey(identifier, credential, certificate string, lines ...string) string {
	return tenantSecret(append([]string{
		`type = "Data"`, `source = "REMOTE"`, fmt.Sprintf("remote_key_identifier = %q", identifier),
		fmt.Sprintf("remote_key_service_id = %q", credential),
		fmt.Sprintf("remote_key_certificate = %q", certificate),
	}, lines...)...)
}

// apply applies a body, expects how many resources change in place and are added, and an empty plan
// afterwards.
func (r *remoteRun) apply(body string, added, changed int) acctest.Result {
	r.t.Helper()
	r.write(body)
	result := r.MustApply()
	if result.Added != added || result.Changed != changed || result.Removed != 0 {
		r.t.Errorf("expected %d added, %d changed and none destroyed, found %d, %d and %d", added, changed, result.Added,
			result.Changed, result.Removed)
	}

	return result
}

// expectKey expects the Data keys to be so many, and the newest to have a source and a status in
// the org and in the state.
func (r *remoteRun) expectKey(keys int, source, status string) sfsim.TenantSecret {
	r.t.Helper()
	all := acctest.Keys(r.sim, "Data")
	newest := all[len(all)-1]
	state := r.State(tenantSecretAddress)
	if len(all) != keys || newest.Source != source || newest.Status != status {
		r.t.Fatalf("expected %d keys, the newest %s and %s, found %+v", keys, source, status, all)
	}
	if state["tenant_secret_id"] != newest.ID || state["source"] != source || state["status"] != status {
		r.t.Fatalf("expected the state to speak of that key, found %v, %v, %v", state["tenant_secret_id"], state["source"],
			state["status"])
	}

	return newest
}

func TestAccTenantSecret_remote(t *testing.T) {
	t.Parallel()
	r := newRemoteRun(t, "enable_cache_only_keys: true")
	r.apply(remoteKey("kid-1", blueCredential, "Sim_BYOK", `description = "at our key service"`), 1, 0)
	key := r.expectKey(2, "REMOTE", "ACTIVE")
	if asked := r.service.requests(); !slices.Equal(asked, []string{"/blue/kid-1"}) {
		t.Errorf("expected one callout for the key, found %v", asked)
	}
	if callouts := r.sim.Callouts(); len(callouts) != 1 || callouts[0].StatusCode != "SUCCESS" {
		t.Errorf("expected the answer to be accepted, found %+v", callouts)
	}
	for _, request := range r.sim.Requests() {
		for _, field := range request.Fields {
			if strings.HasPrefix(field, "SecretValue") {
				t.Errorf("%s was sent for a cache-only key", field)
			}
		}
	}
	state := r.State(tenantSecretAddress)
	for _, name := range []string{
		"secret_value_hash", "escrow_ciphertext", "key_check_value", "certificate_sha256",
		"wrapping_algorithm",
	} {
		if state[name] != nil {
			t.Errorf("%s: Salesforce never shows it of a cache-only key, expected null, found %v", name, state[name])
		}
	}
	if want := fmt.Sprintf("at our key service [tf:%v]", state["rotation_id"]); key.Description != want {
		t.Errorf("expected the Description %q, found %q", want, key.Description)
	}
	var receipt map[string]any
	text, _ := state["receipt"].(string)
	if err := json.Unmarshal([]byte(text), &receipt); err != nil || receipt["key_source"] != "remote" ||
		receipt["tenant_secret_id"] != key.ID {
		t.Errorf("expected a receipt of a remote key, found %v, %v", text, err)
	}
}

func TestAccTenantSecret_remoteToUploadedAndBack(t *testing.T) {
	t.Parallel()
	r := newRemoteRun(t, "enable_cache_only_keys: true")
	remote := remoteKey("kid-1", blueCredential, "Sim_BYOK")
	r.apply(dataKey(), 1, 0)
	r.expectKey(2, "UPLOADED", "ACTIVE")
	r.apply(remote, 0, 1)
	r.expectKey(3, "REMOTE", "ACTIVE")
	r.apply(dataKey(), 0, 1)
	r.expectKey(4, "UPLOADED", "ACTIVE")
	if state := r.State(tenantSecretAddress); state["remote_key_identifier"] != nil || state["secret_value_hash"] == nil {
		t.Errorf("expected nothing of the cache-only key to be left, found %v", state["remote_key_identifier"])
	}
	r.apply(remote, 0, 1)
	r.expectKey(5, "REMOTE", "ACTIVE")
	for _, key := range acctest.Keys(r.sim, "Data")[:4] {
		if key.Status != "ARCHIVED" {
			t.Errorf("expected every earlier key to be ARCHIVED, found %+v", key)
		}
	}
	if creates := acctest.Count(r.sim, acctest.OpCreate); creates != 4 {
		t.Errorf("expected one POST a switch, found %d", creates)
	}
}

func TestAccTenantSecret_remoteChanges(t *testing.T) {
	t.Parallel()
	r := newRemoteRun(t, "enable_cache_only_keys: true")
	r.apply(remoteKey("kid-1", blueCredential, "Sim_BYOK"), 1, 0)
	first := r.expectKey(2, "REMOTE", "ACTIVE")

	// Another key service, and another form of its id: patched, patched not at all.
	r.apply(remoteKey("kid-1", greenCredential, "Sim_BYOK"), 0, 1)
	r.expectPatches(1, 1)
	r.apply(remoteKey("kid-1", greenCredential[:15], "Sim_BYOK"), 0, 1)
	r.expectPatches(1, 1)
	// Another certificate.
	r.service.wrapFor("green", r.pem("Sim_BYOK_2"))
	r.apply(remoteKey("kid-1", greenCredential, "Sim_BYOK_2"), 0, 1)
	r.expectPatches(2, 2)
	// Both, and the description, in one.
	r.service.wrapFor("blue", r.pem("Sim_BYOK"))
	r.apply(remoteKey("kid-1", blueCredential, "Sim_BYOK", `description = "moved"`), 0, 1)
	r.expectPatches(3, 3)
	if key := r.expectKey(2, "REMOTE", "ACTIVE"); key.ID != first.ID || !strings.HasPrefix(key.Description, "moved [tf:") {
		t.Errorf("expected the key to stay, found %+v", key)
	}
	// A callout now asks the service that is configured now.
	if status, err := r.sim.FlushKeyCache(first.ID); err != nil || status != "SUCCESS" {
		t.Fatalf("the callout failed: %s, %v", status, err)
	}
	if asked := r.service.requests(); asked[len(asked)-1] != "/blue/kid-1" {
		t.Errorf("expected the callout to go to the blue service, found %v", asked)
	}
	// Another key: that rotates.
	r.apply(remoteKey("kid-2", blueCredential, "Sim_BYOK", `description = "moved"`), 0, 1)
	if key := r.expectKey(3, "REMOTE", "ACTIVE"); key.ID == first.ID || key.RemoteIdentifier != "kid-2" {
		t.Errorf("expected another key, found %+v", key)
	}
	r.expectPatches(3, 3)
}

// A rotation that keeps the identifier makes another record of the same key, whatever asks for it,
// and so does another type. The plan says so; one with another identifier says nothing.
func TestAccTenantSecret_remoteSameKey(t *testing.T) {
	t.Parallel()
	const same = "The new record stands for the same key"
	r := newRemoteRun(t, "enable_cache_only_keys: true")
	r.write(remoteKey("kid-1", blueCredential, "Sim_BYOK"))
	if plan := r.Plan(); plan.Has("warning", same) {
		t.Error("expected no warning of a first key")
	}
	r.MustApply()
	first := r.expectKey(2, "REMOTE", "ACTIVE")
	r.write(remoteKey("kid-1", blueCredential, "Sim_BYOK", trigger("b")))
	expectWarning(t, r.Plan(), same, first.ID, "kid-1")
	r.write(remoteKey("kid-2", blueCredential, "Sim_BYOK", trigger("b")))
	if plan := r.Plan(); plan.Has("warning", same) || !plan.Has("warning", rotates) {
		t.Errorf("expected a rotation to another key, found %v", plan.Summaries("warning"))
	}
	// The first key comes back after another source, and under another type.
	r.apply(dataKey(), 0, 1)
	r.write(remoteKey("kid-1", blueCredential, "Sim_BYOK"))
	expectWarning(t, r.Plan(), same, first.ID)
	r.write(dataKey() + remoteSearchKey("kid-1"))
	expectWarning(t, r.Plan(), same, first.ID)
}

// remoteSearchKey renders a cache-only key of another type.
func remoteSearchKey(identifier string) string {
	return strings.NewReplacer(`"data"`, `"search"`, `"Data"`,
		`"SearchIndex"`).Replace(remoteKey(identifier, blueCredential, "Sim_BYOK"))
}

// Edits in Setup of what is patched are patched back.
func TestAccTenantSecret_remoteDrift(t *testing.T) {
	t.Parallel()
	r := newRemoteRun(t, "enable_cache_only_keys: true")
	body := remoteKey("kid-1", blueCredential, "Sim_BYOK")
	r.apply(body, 1, 0)
	r.id = r.expectKey(2, "REMOTE", "ACTIVE").ID
	for _, edit := range []map[string]any{
		{"RemoteKeyServiceId": greenCredential},
		{"RemoteKeyCertificate": "Sim_BYOK_2"},
		{"Description": "edited"},
	} {
		r.patchInSetup(edit)
		r.apply(body, 0, 1)
		r.expectKey(2, "REMOTE", "ACTIVE")
	}
	r.expectPatches(6, 6)
}

// The status of a cache-only key follows its callouts. It is reported, and neither replaced nor an
// error.
func TestAccTenantSecret_remoteFlaps(t *testing.T) {
	t.Parallel()
	r := newRemoteRun(t, "enable_cache_only_keys: true")
	body := remoteKey("kid-1", blueCredential, "Sim_BYOK")
	r.apply(body, 1, 0)
	key := r.expectKey(2, "REMOTE", "ACTIVE")

	r.service.setDown(true)
	if status, err := r.sim.FlushKeyCache(key.ID); err != nil || status != "ERROR_HTTP_CODE" {
		t.Fatalf("expected the callout to fail, found %s, %v", status, err)
	}
	writes := len(acctest.Writes(r.sim))
	plan := r.Plan()
	if plan.Code != acctest.PlanEmpty || !plan.Has("warning", "The cache-only key is not available", key.ID,
		"reads DESTROYED", "key service") {
		t.Fatalf("expected an empty plan with a warning, found exit code %d, %+v", plan.Code, plan.Diagnostics)
	}
	if result := r.Apply(); result.Code != 0 {
		t.Fatalf("expected the apply to do nothing, found %+v", result.Diagnostics)
	}
	r.expectKey(2, "REMOTE", "DESTROYED")

	// What can be changed meanwhile is changed.
	r.apply(remoteKey("kid-1", blueCredential, "Sim_BYOK", `deletion_policy = "PREVENT"`), 0, 1)
	r.apply(body, 0, 1)
	r.expectKey(2, "REMOTE", "DESTROYED")
	if got := len(acctest.Writes(r.sim)); got != writes {
		t.Errorf("expected nothing to be written, found %v", acctest.Writes(r.sim)[writes:])
	}

	// The service is back, and Salesforce asks again.
	r.service.setDown(false)
	r.sim.Clock.Advance(2 * time.Minute)
	if plan := r.Plan(); plan.Code != acctest.PlanEmpty || plan.Has("warning", "The cache-only key is not available") {
		t.Errorf("expected an empty plan without a warning, found exit code %d, %+v", plan.Code, plan.Diagnostics)
	}
	if result := r.Apply("-refresh-only"); result.Code != 0 {
		t.Fatal(result.Output())
	}
	r.expectKey(2, "REMOTE", "ACTIVE")
}

// A key that flaps between a plan and its apply takes nobody by surprise.
func TestAccTenantSecret_remoteFlapsBetweenPlanAndApply(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{
		"patched":     `description = "later"`,
		"not patched": `deletion_policy = "PREVENT"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRemoteRun(t, "enable_cache_only_keys: true")
			r.apply(remoteKey("kid-1", blueCredential, "Sim_BYOK"), 1, 0)
			key := r.expectKey(2, "REMOTE", "ACTIVE")
			r.write(remoteKey("kid-1", blueCredential, "Sim_BYOK", line))
			if plan := r.Plan("-out=saved.tfplan"); plan.Code != acctest.PlanChanges || plan.Changed != 1 {
				t.Fatal(plan.Output())
			}
			r.service.setDown(true)
			r.sim.Clock.Advance(time.Hour)
			if _, err := r.sim.FlushKeyCache(key.ID); err != nil {
				t.Fatal(err)
			}
			if result := r.Run("apply", "-json", "-input=false", "saved.tfplan"); result.Code != 0 {
				t.Fatalf("expected the plan to be applied, found %+v", result.Diagnostics)
			}
			r.MustBeEmpty()
		})
	}
}

// A creation whose callout fails makes no record; the next apply makes one.
func TestAccTenantSecret_remoteCalloutFails(t *testing.T) {
	t.Parallel()
	r := newRemoteRun(t, "enable_cache_only_keys: true")
	r.service.setDown(true)
	body := remoteKey("kid-1", blueCredential, "Sim_BYOK")
	r.write(body)
	result := r.Apply()
	if result.Code == 0 || !result.Has("error", "Salesforce refused the new Data key", "ERROR_HTTP_CODE",
		"Nothing was changed.") {
		t.Fatalf("expected Salesforce's refusal, found exit code %d, %+v", result.Code, result.Diagnostics)
	}
	if len(acctest.Keys(r.sim, "Data")) != 1 || r.State(tenantSecretAddress) != nil {
		t.Fatal("expected neither a record nor a state")
	}
	r.service.setDown(false)
	r.apply(body, 1, 0)
	r.expectKey(2, "REMOTE", "ACTIVE")
}

func TestAccTenantSecret_remotePrerequisites(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		settings, body string
		details        []string
	}{
		"cache-only keys are off": {
			"enable_cache_only_keys: false", remoteKey("kid-1", blueCredential, "Sim_BYOK"),
			[]string{"Cache-only keys are not enabled in this org"},
		},
		"no such credential": {
			"enable_cache_only_keys: true", remoteKey("kid-1", "0XAWt0000000099OAA", "Sim_BYOK"),
			[]string{"INVALID_CROSS_REFERENCE_KEY"},
		},
		"no such certificate": {
			"enable_cache_only_keys: true", remoteKey("kid-1", blueCredential, "Sim_None"),
			[]string{"There is no certificate of this name: Sim_None"},
		},
		"an answer for another cert": {
			"enable_cache_only_keys: true", remoteKey("kid-1", blueCredential, "Sim_BYOK_2"),
			[]string{"The callout for the key kid-1 failed"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRemoteRun(t, test.settings)
			r.write(test.body)
			result := r.Apply()
			if result.Code == 0 || !result.Has("error", "Salesforce refused the new Data key", test.details...) {
				t.Errorf("expected Salesforce's refusal with %q, found exit code %d, %+v", test.details, result.Code,
					result.Diagnostics)
			}
			if len(acctest.Keys(r.sim, "Data")) != 1 || acctest.Count(r.sim, acctest.OpCreate) != 1 {
				t.Errorf("expected one POST and no record, found %v", acctest.Writes(r.sim))
			}
		})
	}
}

// The reply to a creation is lost: the record is found by its marker, and nothing is sent twice.
func TestAccTenantSecret_remoteReplyLost(t *testing.T) {
	t.Parallel()
	r := newRemoteRun(t, "enable_cache_only_keys: true")
	if err := r.sim.AddFault(sfsim.Fault{
		Method: http.MethodPost, Path: "*/sobjects/TenantSecret", Nth: 1,
		Drop: "after",
	}); err != nil {
		t.Fatal(err)
	}
	result := r.apply(remoteKey("kid-1", blueCredential, "Sim_BYOK"), 1, 0)
	if !result.Has("warning", "The reply to an upload was lost") {
		t.Errorf("expected a warning, found %+v", result.Diagnostics)
	}
	r.expectKey(2, "REMOTE", "ACTIVE")
	if creates := acctest.Count(r.sim, acctest.OpCreate); creates != 1 {
		t.Errorf("expected one POST, found %d", creates)
	}
}

// An existing cache-only key is imported by type; the first apply marks it, and rotates nothing.
func TestAccTenantSecret_remoteImport(t *testing.T) {
	t.Parallel()
	r := newRemoteRun(t, "enable_cache_only_keys: true")
	body := remoteKey("kid-1", blueCredential, "Sim_BYOK")
	r.apply(body, 1, 0)
	key := r.expectKey(2, "REMOTE", "ACTIVE")
	if result := r.Run("state", "rm", tenantSecretAddress); result.Code != 0 {
		t.Fatal(result.Output())
	}
	r.id = key.ID
	r.patchInSetup(map[string]any{"Description": "without a marker"})
	r.write(body + fmt.Sprintf("import {\n  to = %s\n  id = \"Data\"\n}\n", tenantSecretAddress))
	if plan := r.Plan(); plan.Added != 0 || plan.Changed != 1 || plan.Removed != 0 {
		t.Fatalf("expected one change in place, found %+v", plan)
	}
	r.MustApply()
	if after := r.expectKey(2, "REMOTE", "ACTIVE"); after.ID != key.ID || !strings.HasPrefix(after.Description, "[tf:") {
		t.Errorf("expected the key to be marked, found %+v", after)
	}
}

// The other resource turns a cache-only key off and on.
func TestAccTenantSecretVersion_cacheOnly(t *testing.T) {
	t.Parallel()
	const active = `desired_status = "ACTIVE"`
	r := newRemoteRun(t, "enable_cache_only_keys: true")
	remote := remoteKey("kid-1", blueCredential, "Sim_BYOK")
	r.apply(remote, 1, 0)
	r.id = r.expectKey(2, "REMOTE", "ACTIVE").ID
	r.apply(remote+r.block(active), 1, 0)
	if state := r.State(versionAddress); state["recoverable"] != false || state["exported_secret_value"] != nil {
		t.Errorf("a cache-only key has no export, found recoverable %v", state["recoverable"])
	}

	r.write(remote + r.block(destroyed, noBackup, acknowledge(r.id)))
	r.refused("Destroying keys is not allowed", r.id)
	r.allowed = true
	r.write(remote + r.block(destroyed))
	r.refused("A cache-only key has no backup", r.id, `backup = "NONE"`)
	r.write(remote + r.block(destroyed, noBackup))
	r.refused("The destruction is not acknowledged", r.id)
	r.write(remote + r.block(archived))
	r.refused("A cache-only key can't take this status", r.id, "is ACTIVE")

	r.write(remote + r.block(destroyed, noBackup, acknowledge(r.id)))
	if plan := r.Plan(); !plan.Has("warning", "A key will be destroyed", r.id, "It can be made ACTIVE again") {
		t.Errorf("expected a warning that names the way back, found %+v", plan.Diagnostics)
	}
	r.MustApply()
	r.expectStatus("DESTROYED")
	r.expectPatches(1, 1)

	// Back: the callout fails first, and that is Salesforce's refusal, with nothing lost.
	r.service.setDown(true)
	r.write(remote + r.block(active))
	if result := r.Apply(); result.Code == 0 || !result.Has("error", "Unable to change the record", r.id,
		"ERROR_HTTP_CODE") {
		t.Fatalf("expected Salesforce's refusal, found exit code %d, %+v", result.Code, result.Diagnostics)
	}
	r.service.setDown(false)
	r.apply(remote+r.block(active), 0, 1)
	r.expectStatus("ACTIVE")
	// the tenant secret was read before its record was reactivated
	if result := r.Apply("-refresh-only"); result.Code != 0 {
		t.Fatal(result.Output())
	}
	r.expectKey(2, "REMOTE", "ACTIVE")

	// It flaps: the plan says so, reactivates in place, and replaces nothing.
	r.service.setDown(true)
	if _, err := r.sim.FlushKeyCache(r.id); err != nil {
		t.Fatal(err)
	}
	plan := r.Plan()
	if plan.Changed != 1 || plan.Added != 0 || plan.Removed != 0 ||
		!plan.Has("warning", "A cache-only key will be reactivated", r.id, "retries for 24 hours") {
		t.Errorf("expected a change in place with a warning, found %+v", plan)
	}
	r.service.setDown(false)
	r.sim.Clock.Advance(2 * time.Minute)
	r.MustBeEmpty()

	// A newer key archives it, and then nobody has it.
	r.write(dataKey() + r.block(active))
	if result := r.Apply(); result.Code != 0 {
		t.Fatal(result.Output())
	}
	if result := r.Plan(); result.Code != acctest.PlanFailed ||
		!result.Has("error", "Only the newest cache-only key changes status", r.id, `desired_status = "ARCHIVED"`) {
		t.Errorf("expected a refusal that says what to set, found exit code %d, %+v", result.Code, result.Diagnostics)
	}
	r.apply(dataKey()+r.block(archived), 0, 1)
	r.expectStatus("ARCHIVED")
}
