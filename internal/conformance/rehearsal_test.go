package conformance_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// sandboxSeed is an org as an earlier run has left it: an archived key of that run's, and keys that
// may be rotated.
const sandboxSeed = `
organization: {kind: sandbox}
tenant_secrets:
  - {source: UPLOADED, status: ARCHIVED, description: "salesforcebyok conformance [tf:0a1b2c3d.0]", certificate: Sim_BYOK}
  - {}
  - {type: Analytics, source: UPLOADED, description: "made by hand", certificate: Sim_BYOK}
  - {type: DeterministicData}
`

// rehearsal is a live run, in a process of its own as `make testacc-live` starts it, against a
// simulator that it takes for a real org.
type rehearsal struct {
	t      *testing.T
	sim    *sfsim.Server
	report string
	env    map[string]string
}

func rehearse(t *testing.T, seed string, variables map[string]string) *rehearsal {
	t.Helper()
	read, err := sfsim.ReadSeed(strings.NewReader(seed))
	if err != nil {
		t.Fatal(err)
	}
	// Lenient, since facts are also asked with requests that no good client sends.
	r := &rehearsal{
		t: t, sim: acctest.StartLenientSim(t, sfsim.WithSeed(read)),
		report: filepath.Join(t.TempDir(), "record.json"),
	}
	built, err := acctest.ProviderDirectory()
	if err != nil {
		t.Fatal(err)
	}
	r.env = map[string]string{
		"TF_ACC": "1", "TF_ACC_PROVIDER_DIR": built, "SALESFORCE_INSTANCE_URL": r.sim.InstanceURL,
		"SALESFORCE_CLIENT_ID": r.sim.ClientID, "SALESFORCE_CLIENT_SECRET": r.sim.ClientSecret,
		"SALESFORCE_LOGIN_URL": r.sim.LoginURL, "SALESFORCE_LIVE_ORGANIZATION_ID": r.sim.OrganizationID,
		"SALESFORCE_LIVE_CERTIFICATE": "Sim_BYOK",
		"SALESFORCE_LIVE_REPORT":      r.report,
	}
	maps.Copy(r.env, variables)
	return r
}

// command is the run, ready to be started.
func (r *rehearsal) command() *exec.Cmd {
	r.t.Helper()
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	cmd := exec.CommandContext(r.t.Context(), self, "-test.run=^TestLive$", "-test.v", "-test.count=1")
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); !strings.HasPrefix(name, "SALESFORCE_") && name != "TF_ACC" {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	for name, value := range r.env {
		if value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	return cmd
}

// run runs to the end, and reports whether it passed.
func (r *rehearsal) run() (output string, passed bool) {
	r.t.Helper()
	out, err := r.command().CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	return string(out), err == nil
}

// record is what the run has written, nil for nothing.
func (r *rehearsal) record() *record {
	r.t.Helper()
	body, err := os.ReadFile(r.report)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		r.t.Fatal(err)
	}
	var read record
	if err := json.Unmarshal(body, &read); err != nil {
		r.t.Fatalf("%s: %v", body, err)
	}
	return &read
}

// secrets is how many tenant secrets the org has.
func (r *rehearsal) secrets() int { return len(r.sim.TenantSecrets()) }

// writes are the requests that could have changed the org's keys, or a certificate: neither logins
// nor readMetadata, which is SOAP.
func (r *rehearsal) writes() []string {
	return slices.DeleteFunc(acctest.Writes(r.sim), func(request string) bool {
		return strings.Contains(request, "/services/oauth2/") || strings.Contains(request, "/services/Soap/")
	})
}

// reasons maps the names of those that came to none of these outcomes to why.
func reasons(list []outcome, but ...string) map[string]string {
	all := map[string]string{}
	for _, o := range list {
		if !slices.Contains(but, o.Outcome) {
			all[o.Name] = o.Outcome + ": " + o.Reason
		}
	}
	return all
}

// With all that a sandbox can allow, every fact is confirmed, every behaviour passes, and the
// record says what it cost and left.
func TestTheLiveSuite(t *testing.T) {
	t.Parallel()
	r := rehearse(t, sandboxSeed, map[string]string{
		"SALESFORCE_LIVE_ROTATIONS": "5", "SALESFORCE_LIVE_DEPLOY": "1", "SALESFORCE_LIVE_DESTROY": "1",
		"SALESFORCE_LIVE_TYPES": "EventBus,Analytics,DeterministicData,Data",
	})
	before := r.secrets()
	output, passed := r.run()
	got := r.record()
	if !passed || got == nil || got.Finished == nil {
		t.Fatalf("the run failed, or did not end: %s", output)
	}
	for name, why := range reasons(got.Facts, confirmed) {
		known := strings.Contains(why, "only the simulator") || strings.Contains(why, "no private key for JWT bearer") ||
			strings.Contains(why, "the org does not show DataEncryptionKey") || strings.Contains(why, "the org has no root key")
		if !known {
			t.Errorf("%s: %s", name, why)
		}
	}
	for name, why := range reasons(got.Behaviours, "passed") {
		if name != "Lists_find" || !strings.Contains(why, "list resources need Terraform 1.14") ||
			!acctest.OpenTofu() && !acctest.Below(t, 1, 14) {
			t.Errorf("%s: %s", name, why)
		}
	}
	for _, o := range got.Behaviours {
		if i := slices.IndexFunc(behaviours(), func(b behaviour) bool {
			return b.name == o.Name
		}); o.APICalls > behaviours()[i].calls {
			t.Errorf("%s took %d API calls, and announced at most %d", o.Name, o.APICalls, behaviours()[i].calls)
		}
	}
	const spent = 4 // one for the facts, one for each behaviour that makes a key
	if made := r.secrets() - before; made != spent || got.RotationsSpent != spent || len(got.LeftBehind) != spent {
		t.Errorf("%d new tenant secrets, the record has %d, and leaves %+v", made, got.RotationsSpent, got.LeftBehind)
	}
	for _, key := range got.LeftBehind {
		if key.Status != "ACTIVE" || !strings.HasPrefix(key.Description, mark) || key.MadeBy == "" ||
			!strings.Contains(output, "Left behind: "+key.ID) {
			t.Errorf("left behind: %+v", key)
		}
	}
	if got.APICallsSpent < 100 || got.APICallsSpent > r.sim.RequestCount() {
		t.Errorf("%d API calls, of %d requests", got.APICallsSpent, r.sim.RequestCount())
	}
	announced, asked := strings.Index(output, "This will happen on "+r.sim.InstanceURL),
		strings.Index(output, "=== RUN   TestLive/")
	if announced < 0 || asked < announced || !strings.Contains(output, "with 4 new tenant secrets and at most") {
		t.Errorf("the plan was not printed before the first item, or says something else: %d, %d", announced, asked)
	}
	for _, secret := range []string{r.sim.ClientSecret, r.sim.AccessToken} {
		if strings.Contains(output, secret) || strings.Contains(readFile(t, r.report), secret) {
			t.Error("the run shows a secret")
		}
	}
	if !strings.Contains(readFile(t, strings.TrimSuffix(r.report, ".json")+".md"), "## Left behind\n\n| id |") {
		t.Error("the Markdown does not list what is left behind")
	}
}

// What only some orgs have is asked where it is there, whatever of the documented answers comes.
func TestTheLiveSuite_otherOrgs(t *testing.T) {
	t.Parallel()
	const (
		keys  = "root_keys: [{identifier: \"arn:aws:kms:eu-central-1:111122223333:key/abc\"}]\n"
		types = "DataEncryptionKeyTypesAreSpelledInThreeWays"
	)
	only := regexp.MustCompile("^(DataEncryptionKey.*|.*RootKey.*|.*Settings.*|ExpirationDateIsADateOrADateTime)$")
	for name, test := range map[string]struct {
		settings string
		unasked  []string
	}{
		"as documented": {"hyperforce: true", []string{types}},
		"otherwise": {
			"hyperforce: true, data_encryption_key_without: Description, certificate_date_only: true, settings_absent: " +
				"\"enableCacheOnlyKeys, canOptOutOfDerivationWithBYOK, isMEKForEncryptionRequired\"", []string{types},
		},
		"elsewhere": {
			"salesforce_root_key: false",
			[]string{types, "DataEncryptionKeysAreReadByName", "DataEncryptionKeysNameTheirUsers"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, "organization: {kind: sandbox}\nsettings: {"+test.settings+"}\n"+keys,
				map[string]string{"SALESFORCE_LIVE_ONLY": only.String()})
			output, good := r.run()
			got := r.record()
			if !good || got == nil || len(r.writes()) != 0 {
				t.Fatalf("the run failed, or wrote %v: %s", r.writes(), output)
			}
			asked, why := 0, reasons(got.Facts, confirmed)
			for _, f := range facts() {
				if !only.MatchString(f.name) || f.needs&^present != 0 {
					continue
				}
				asked++
				if lacks := slices.Contains(test.unasked, f.name); lacks != strings.Contains(why[f.name], notAsked+": the org ") ||
					!lacks && why[f.name] != "" {
					t.Errorf("%s: %q", f.name, why[f.name])
				}
			}
			for name, why := range reasons(got.Behaviours, passed) {
				if only.MatchString(name) {
					t.Errorf("%s: %s", name, why)
				}
			}
			if asked < 10 {
				t.Errorf("only %d facts read", asked)
			}
		})
	}
}

// By JWT bearer the suite logs in to each kind of org, and says which pairs of host and audience it
// takes.
func TestTheLiveSuite_byAssertion(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"any", "my_domain", "login_audience", "login_host"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			const asked = "OnePairOfHostAndAudienceWorks"
			r := rehearse(t, "organization: {kind: sandbox}\nsettings: {jwt_login: "+kind+"}", map[string]string{
				"SALESFORCE_LIVE_ONLY": "^" + asked + "$", "SALESFORCE_CLIENT_SECRET": "",
			})
			r.env["SALESFORCE_USERNAME"], r.env["SALESFORCE_PRIVATE_KEY"] = r.sim.Username, r.sim.PrivateKeyPEM
			output, passed := r.run()
			if got := r.record(); !passed || got == nil || reasons(got.Facts, notAsked)[asked] != confirmed+": " {
				t.Errorf("expected the fact to be confirmed: %s", output)
			}
			if strings.Contains(output, r.sim.PrivateKeyPEM[40:80]) {
				t.Error("the run shows a piece of the private key")
			}
		})
	}
}

// A budget of nothing reads, makes mistakes that must be refused, and spends nothing; all that it
// leaves out has a reason.
func TestTheLiveSuite_withoutABudget(t *testing.T) {
	t.Parallel()
	r := rehearse(t, sandboxSeed, nil)
	before := r.sim.TenantSecrets()
	output, passed := r.run()
	got := r.record()
	if !passed || got == nil || got.Finished == nil {
		t.Fatalf("the run failed, or did not end: %s", output)
	}
	if !slices.Equal(r.sim.TenantSecrets(), before) || len(r.writes()) != 0 || got.RotationsSpent != 0 ||
		len(got.LeftBehind) != 0 {
		t.Errorf("something was spent: %+v, %v", r.sim.TenantSecrets(), r.writes())
	}
	if n := acctest.Exports(r.sim); n != 0 {
		t.Errorf("%d exports", n)
	}
	if len(reasons(got.Facts, notAsked)) < 50 || len(reasons(got.Behaviours, "skipped")) < 10 {
		t.Errorf("facts: %s; behaviours: %s", counts(got.Facts), counts(got.Behaviours))
	}
	for _, i := range items() {
		list, _ := got.place(i.kind)
		o := (*list)[slices.IndexFunc(*list, func(o outcome) bool { return o.Name == i.name })]
		spends := i.needs&(rotates|looks|deploys|destroys|prepared) != 0
		if unasked := o.Outcome == notAsked || o.Outcome == skipped; spends && !unasked || unasked && o.Reason == "" ||
			o.Outcome == refuted || o.Outcome == failed {
			t.Errorf("%s: %s: %s", i.name, o.Outcome, o.Reason)
		}
	}
}

// What is not confirmed is not touched.
func TestTheLiveSuite_refuses(t *testing.T) {
	t.Parallel()
	const production = "organization: {kind: production}"
	for name, test := range map[string]struct {
		seed      string
		variables map[string]string
		want      string
		requests  int
	}{
		"another org": {
			sandboxSeed,
			map[string]string{"SALESFORCE_LIVE_ORGANIZATION_ID": "00DWt0000000009MAA"},
			"SALESFORCE_LIVE_ORGANIZATION_ID is \"00DWt0000000009MAA\"", 2,
		},
		"no confirmation": {
			sandboxSeed,
			map[string]string{"SALESFORCE_LIVE_ORGANIZATION_ID": ""},
			"SALESFORCE_LIVE_ORGANIZATION_ID is not set", 0,
		},
		"production": {production, nil, "is a production org", 2},
		"destroying in production": {
			production,
			map[string]string{"SALESFORCE_LIVE_PRODUCTION": "1", "SALESFORCE_LIVE_DESTROY": "1"},
			"SALESFORCE_LIVE_DESTROY is for sandboxes", 2,
		},
		"no number": {
			sandboxSeed,
			map[string]string{"SALESFORCE_LIVE_ROTATIONS": "all"},
			"SALESFORCE_LIVE_ROTATIONS is \"all\"", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rehearse(t, test.seed, test.variables)
			output, passed := r.run()
			if passed || !strings.Contains(output, test.want) {
				t.Errorf("expected a failure that says %q, found %s", test.want, output)
			}
			if n := r.sim.RequestCount(); n != test.requests || len(r.writes()) != 0 {
				t.Errorf("%d requests, expected %d: the login, and the query of the organization: %v", n, test.requests, r.writes())
			}
			if r.record() != nil {
				t.Error("there is a record of a run that never was")
			}
		})
	}
}

// Without TF_ACC nothing happens by accident, whatever else is set.
func TestTheLiveSuite_withoutTFACC(t *testing.T) {
	t.Parallel()
	r := rehearse(t, sandboxSeed, map[string]string{"TF_ACC": "", "SALESFORCE_LIVE_ROTATIONS": "5"})
	if output, passed := r.run(); !passed || !strings.Contains(output, "--- SKIP: TestLive") ||
		r.sim.RequestCount() != 0 {
		t.Errorf("%d requests: %s", r.sim.RequestCount(), output)
	}
}

// A dry run prints the plan and sends nothing.
func TestTheLiveSuite_dryRun(t *testing.T) {
	t.Parallel()
	r := rehearse(t, sandboxSeed, map[string]string{
		"SALESFORCE_LIVE_DRY_RUN": "1", "SALESFORCE_LIVE_ROTATIONS": "2",
		"SALESFORCE_LIVE_ORGANIZATION_ID": "",
	})
	output, passed := r.run()
	if !passed || r.sim.RequestCount() != 0 || r.record() != nil {
		t.Errorf("%d requests: %s", r.sim.RequestCount(), output)
	}
	for _, i := range items() {
		if !strings.Contains(output, " "+i.name+": ") {
			t.Errorf("the plan does not name %s", i.name)
		}
	}
	for _, want := range []string{
		"Dry run: nothing is sent", "at most 2 new tenant secrets",
		"TenantSecret_prewrapped: not asked: SALESFORCE_LIVE_ROTATIONS", "with 2 new tenant secrets",
	} {
		if !strings.Contains(output, want) {
			t.Errorf("no %q in %s", want, output)
		}
	}
}

// Runs follow each other: one that comes too early says when the next key can be made, and a later
// one makes a key of its own, although the ACTIVE one carries the marker of the same inputs.
func TestTheLiveSuite_again(t *testing.T) {
	t.Parallel()
	r := rehearse(t, sandboxSeed, map[string]string{
		"SALESFORCE_LIVE_ROTATIONS": "1", "SALESFORCE_LIVE_ONLY": "^TenantSecret_prewrapped$",
		"SALESFORCE_LIVE_TYPES": "Analytics",
	})
	before := r.secrets()
	for n, want := range []struct {
		behaviours string
		secrets    int
		wait       time.Duration
	}{{"1 passed", 1, time.Hour}, {"", 1, 4 * time.Hour}, {"1 passed", 2, 0}} {
		output, good := r.run()
		got := r.record()
		if !good || got == nil || !strings.HasPrefix(counts(got.Behaviours), want.behaviours) ||
			r.secrets()-before != want.secrets {
			t.Fatalf("run %d: %d new tenant secrets: %s", n+1, r.secrets()-before, output)
		}
		if why := reasons(got.Behaviours, passed)["TenantSecret_prewrapped"]; want.behaviours == "" &&
			!strings.Contains(why, "the next Analytics key can be made at") {
			t.Errorf("run %d: %q", n+1, why)
		}
		r.sim.Clock.Advance(want.wait)
	}
}

// In production, with the second word given, what is named is asked; a budget of API calls ends a
// run before it is overdrawn.
func TestTheLiveSuite_productionInPart(t *testing.T) {
	t.Parallel()
	r := rehearse(t, "organization: {kind: production}", map[string]string{
		"SALESFORCE_LIVE_PRODUCTION": "1",
		"SALESFORCE_LIVE_ONLY":       "^(Organization_read|QueryAnswersWithItsRecords|Query_read)$",
		"SALESFORCE_LIVE_API_CALLS":  "30",
	})
	output, passed := r.run()
	got := r.record()
	if !passed || got == nil || got.OrganizationKind != "production" ||
		counts(got.Behaviours) != fmt.Sprintf("1 passed, %d skipped", len(behaviours())-1) ||
		!strings.HasPrefix(counts(got.Facts), "1 confirmed, ") {
		t.Fatalf("%s", output)
	}
	if why := reasons(got.Behaviours, "passed")["Query_read"]; !strings.Contains(why,
		"of the 30 API calls of SALESFORCE_LIVE_API_CALLS") {
		t.Errorf("Query_read: %s", why)
	}
}

// A fact that does not hold is recorded with what came instead; one that had no answer of
// Salesforce's is not refuted. Both fail the run, and neither stops it. A session that ends is
// renewed.
func TestTheLiveSuite_refuted(t *testing.T) {
	t.Parallel()
	r := rehearse(t, sandboxSeed, map[string]string{
		"SALESFORCE_LIVE_ONLY": "^(QueryAnswersWithItsRecords|CountHasNoRecords|NamesInQueriesHaveNoCase|MalformedQueryIsRefused|TenantSecretVersion_destroyActive)$",
	})
	for query, fault := range map[string]sfsim.Fault{
		"SELECT Id FROM Organization":            {Status: 401, ErrorCode: "INVALID_SESSION_ID"},
		"SELECT COUNT() FROM Organization":       {Status: 503},
		"select id, isSandbox from organization": {Status: 400, ErrorCode: "MALFORMED_QUERY"},
	} {
		fault.Method, fault.Query, fault.Nth = "GET", query, 1
		if err := r.sim.AddFault(fault); err != nil {
			t.Fatal(err)
		}
	}
	output, passed := r.run()
	got := r.record()
	if passed || got == nil || got.Finished == nil {
		t.Fatal(output)
	}
	if !strings.HasPrefix(counts(got.Facts), "2 confirmed, 1 refuted") ||
		!strings.HasPrefix(counts(got.Behaviours), "1 passed") {
		t.Errorf("facts: %s; behaviours: %s; %s", counts(got.Facts), counts(got.Behaviours), output)
	}
	why := reasons(got.Facts, confirmed)
	if text := why["NamesInQueriesHaveNoCase"]; !strings.HasPrefix(text, refuted) ||
		!strings.Contains(text, "MALFORMED_QUERY") {
		t.Errorf("expected one to be refuted, found %q", text)
	}
	if text := why["CountHasNoRecords"]; !strings.HasPrefix(text, notAsked) || !strings.Contains(text, "503") {
		t.Errorf("expected one to be without an answer, found %q", text)
	}
}

// A key that nobody announced, whoever made it, fails the item and is charged; only what this suite
// marked is listed as left behind.
func TestTheLiveSuite_unannouncedKey(t *testing.T) {
	t.Parallel()
	r := rehearse(t, sandboxSeed, map[string]string{
		"SALESFORCE_LIVE_ONLY":      "^Query_read$",
		"SALESFORCE_LIVE_ROTATIONS": "1",
	})
	// The third query is the one by which the behaviour sees what is there before; its answer is old
	// when it comes.
	const third = 3
	var queries, rotations atomic.Int64
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		answer := httptest.NewRecorder()
		r.sim.Handler().ServeHTTP(answer, req)
		if strings.HasSuffix(req.URL.Path, "/query") && !strings.Contains(req.URL.Path, "/tooling/") &&
			queries.Add(1) == third {
			if _, err := r.sim.Rotate("Analytics", "UPLOADED"); err != nil {
				t.Error(err)
			}
			rotations.Add(1)
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = answer.Body.WriteTo(w)
	}))
	t.Cleanup(front.Close)
	r.sim.MoveTo(front.URL)
	r.env["SALESFORCE_INSTANCE_URL"] = front.URL
	output, passed := r.run()
	if rotations.Load() != 1 {
		t.Fatalf("the third query never came: %s", output)
	}
	got := r.record()
	if passed || got == nil || !strings.HasPrefix(counts(got.Behaviours), "1 failed") ||
		!strings.Contains(output, "the org has 1 new tenant secrets, and 0 were announced") {
		t.Errorf("expected Query_read to fail, found %s", output)
	}
	if got != nil && (got.RotationsSpent != 1 || len(got.LeftBehind) != 0) {
		t.Errorf("%d spent, left behind %+v", got.RotationsSpent, got.LeftBehind)
	}
}

// kill starts the run and kills it once something holds.
func (r *rehearsal) kill(once func() bool) {
	r.t.Helper()
	cmd := r.command()
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for look := time.NewTicker(20 * time.Millisecond); !once(); {
		select {
		case err := <-ended:
			r.t.Fatalf("the run came to its end, and never to where it was to be killed: %v", err)
		case <-look.C:
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		r.t.Fatal(err)
	}
	if err := <-ended; err == nil {
		r.t.Fatal("the run came to its end")
	}
}

// A run that is killed leaves a true record: what it had settled, and that it did not end.
func TestTheLiveSuite_killed(t *testing.T) {
	t.Parallel()
	r := rehearse(t, sandboxSeed,
		map[string]string{"SALESFORCE_LIVE_ONLY": "^(QueryAnswersWithItsRecords|CountHasNoRecords|FieldsAllNeedsALimit)$"})
	// The third fact waits for its first answer, and dies waiting.
	if err := r.sim.AddFault(sfsim.Fault{
		Method: "GET", Path: "/services/data/*/query", Nth: 5,
		Delay: sfsim.Duration(time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
	r.kill(func() bool {
		got := r.record()
		return got != nil && len(reasons(got.Facts, notAsked)) == 2 && slices.ContainsFunc(got.Facts, func(o outcome) bool {
			return o.Reason == "the run ended during it"
		})
	})
	got := r.record()
	if got == nil || got.Finished != nil || reasons(got.Facts,
		confirmed)["FieldsAllNeedsALimit"] != "not asked: the run ended during it" ||
		!strings.HasPrefix(counts(got.Facts), "2 confirmed, ") {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(readFile(t, strings.TrimSuffix(r.report, ".json")+".md"), "and did not come to its end") {
		t.Error("the Markdown hides that the run died")
	}
}

// A run that is killed while a key is destroyed leaves what restores it: the next run restores it
// first, if it may.
func TestTheLiveSuite_killedWhileDestroyed(t *testing.T) {
	t.Parallel()
	r := rehearse(t, sandboxSeed, map[string]string{
		"SALESFORCE_LIVE_ONLY":    "^ExportsRestore$",
		"SALESFORCE_LIVE_DESTROY": "1",
	})
	ours := r.sim.TenantSecrets()[0]
	if err := r.sim.AddFault(sfsim.Fault{
		Method: "PATCH", Path: "/services/data/*/sobjects/TenantSecret/*", Nth: 1,
		Delay: sfsim.Duration(time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
	r.kill(func() bool { return r.sim.TenantSecrets()[0].Status == "DESTROYED" })
	r.sim.ClearFaults()

	r.env["SALESFORCE_LIVE_DESTROY"] = ""
	if output, passed := r.run(); passed || !strings.Contains(output, "has left "+ours.ID+" DESTROYED") ||
		len(r.record().Facts) == 0 {
		t.Errorf("expected a run that refuses to go on, found %s", output)
	}
	r.env["SALESFORCE_LIVE_DESTROY"] = "1"
	output, passed := r.run()
	if after := r.sim.TenantSecrets()[0]; !passed || after.Status != "ARCHIVED" ||
		after.SecretValueHash != ours.SecretValueHash || !strings.Contains(output, ours.ID+", which a run that died") {
		t.Errorf("expected the key to be restored, found %+v: %s", after, output)
	}
	left, err := filepath.Glob(strings.TrimSuffix(r.report, ".json") + ".work*")
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}
