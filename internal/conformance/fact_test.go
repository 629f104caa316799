package conformance_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// fact is one thing that is taken for granted of Salesforce.
type fact struct {
	// name is that of its subtest.
	name string
	// section numbers the topic, as the headings of the guide do.
	section string
	// confidence is D documented by Salesforce, V by a vendor, C seen in public code or traffic, I inferred, R recalled.
	confidence string
	// source is where it is from.
	source string
	// claim is the fact in words.
	claim string
	// needs says what checking it does, or wants, beyond reading.
	needs need
	// seed describes the simulated org, where the usual one does not do.
	seed string
	// check fails the test unless the fact holds.
	check func(*probe)
}

// need is what checking a fact does to an org.
type need int

const (
	// rotates: it makes a tenant secret, or would if the fact were wrong.
	rotates need = 1 << iota
	// sends: it logs in wrongly, or sends what must be refused and would change nothing important.
	sends
	// deploys: it makes a certificate and deletes it.
	deploys
	// destroys: it destroys a key of this suite's own, or would if the fact were wrong.
	destroys
	// looks: it looks at the key that this run uploads, once for all such facts, or changes that key's Description.
	looks
	// prepared: it wants an org in a state that only the simulator can be put in.
	prepared
)

func (n need) String() string {
	names := map[need]string{
		rotates: "makes a tenant secret", sends: "sends a request that must be refused or is harmless",
		looks: "looks at the key that this run uploads", deploys: "deploys a certificate", destroys: "destroys a key of its own", prepared: "simulator only",
	}
	var out []string
	for bit := rotates; bit <= prepared; bit <<= 1 {
		if n&bit != 0 {
			out = append(out, names[bit])
		}
	}
	if len(out) == 0 {
		return "reads"
	}
	return strings.Join(out, "; ")
}

// facts are all of them, in the order in which they are checked: what must be refused comes before the keys that this suite makes,
// since those begin an interval in which everything is refused.
func facts() []fact {
	return slices.Concat(oauthFacts(), restFacts(), queryFacts(), tenantSecretFacts(), certificateFacts(), refusalFacts(), uploadFacts(),
		lifecycleFacts(), otherKeyFacts())
}

// Every fact holds on the simulator, each on one of its own.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, f := range facts() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			var options []sfsim.Option
			if f.seed != "" {
				seed, err := sfsim.ReadSeed(strings.NewReader(f.seed))
				if err != nil {
					t.Fatal(err)
				}
				options = append(options, sfsim.WithSeed(seed))
			}
			t.Cleanup(func() {
				if t.Skipped() {
					t.Error("no fact may be skipped on the simulator")
				}
			})
			f.check(&probe{T: t, org: simulated(t, options...)})
		})
	}
}

// outcome is what became of a fact on a real org.
type outcome struct {
	Name       string `json:"name"`
	Section    string `json:"section"`
	Confidence string `json:"confidence"`
	Claim      string `json:"claim"`
	Outcome    string `json:"outcome"` // confirmed, refuted or skipped; the test's log says why
}

// report is what a live run leaves behind. It names no id and no value of the org but its address.
type report struct {
	Instance   string    `json:"instance"`
	APIVersion string    `json:"api_version"`
	Time       time.Time `json:"time"`
	Facts      []outcome `json:"facts"`
}

// The facts on the org that SALESFORCE_* names. Facts that are refuted fail the test: the simulator, and perhaps the provider, are
// wrong then.
func TestLiveConformance(t *testing.T) { //nolint:paralleltest // one org, whose keys follow each other
	if os.Getenv("TF_ACC") != "1" {
		t.Skip("TF_ACC is not 1: no real org is touched")
	}
	o := live(t)
	budget, err := rotationBudget(os.Getenv("SALESFORCE_LIVE_ROTATIONS"))
	if err != nil {
		t.Fatal(err)
	}
	permit := permits{
		rotations: budget, deploy: os.Getenv("SALESFORCE_LIVE_DEPLOY") == "1", destroy: os.Getenv("SALESFORCE_LIVE_DESTROY") == "1",
	}
	if permit.destroy {
		rows, _ := (&probe{T: t, org: o}).query("/query", "SELECT IsSandbox FROM Organization")
		if len(rows) != 1 || rows[0]["IsSandbox"] != true {
			t.Fatal("SALESFORCE_LIVE_DESTROY is for sandboxes, and this org is none: nothing was done")
		}
	}
	all := facts()
	t.Logf("%s, API %s, at most %d new tenant secrets. This will happen:", o.instance, o.version, budget)
	for _, f := range all {
		if refusal := permit.refuses(f); refusal != "" {
			t.Logf("  %s: not checked: %s", f.name, refusal)
		} else {
			t.Logf("  %s: %s", f.name, f.needs)
		}
	}

	done := report{Instance: o.instance, APIVersion: o.version, Time: time.Now().UTC().Truncate(time.Second)}
	for _, f := range all { //nolint:paralleltest // see above
		result := "skipped"
		t.Run(f.name, func(t *testing.T) {
			before := -1
			defer func() {
				switch {
				case t.Failed():
					result = "refuted"
				case !t.Skipped():
					result = "confirmed"
				}
				permit.uploaded = o.uploaded != nil
				if before >= 0 {
					permit.rotations -= o.created(t) - before
				}
			}()
			if refusal := permit.refuses(f); refusal != "" {
				t.Skip(refusal)
			}
			if f.needs&(rotates|looks) != 0 {
				before = o.created(t)
			}
			f.check(&probe{T: t, org: o})
		})
		done.Facts = append(done.Facts, outcome{f.name, f.section, f.confidence, f.claim, result})
	}
	path := cmp.Or(os.Getenv("SALESFORCE_LIVE_REPORT"), filepath.Join("..", "..", "bin", "conformance.json"))
	if err := done.write(path); err != nil {
		t.Error(err)
	}
	t.Logf("the outcome is in %s", path)
}

// created counts the org's tenant secrets, and is 0 where that fails.
func (o *org) created(t *testing.T) int {
	t.Helper()
	_, page := (&probe{T: t, org: o}).query("/query", "SELECT COUNT() FROM TenantSecret")
	total, _ := page["totalSize"].(float64)
	return int(total)
}

// permits say how far a live run may go.
type permits struct {
	rotations       int
	deploy, destroy bool
	uploaded        bool // this run has uploaded its key
}

// refuses says why a fact is not checked, "" if it is.
func (p permits) refuses(f fact) string {
	switch {
	case f.needs&prepared != 0:
		return "it needs an org in a state that only the simulator can be put in"
	case f.needs&(rotates|looks) != 0 && p.rotations < 1 && (!p.uploaded || f.needs&rotates != 0):
		return "SALESFORCE_LIVE_ROTATIONS allows no further tenant secret"
	case f.needs&deploys != 0 && !p.deploy:
		return "SALESFORCE_LIVE_DEPLOY is not 1"
	case f.needs&destroys != 0 && !p.destroy:
		return "SALESFORCE_LIVE_DESTROY is not 1"
	}
	return ""
}

func rotationBudget(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	budget, err := strconv.Atoi(text)
	if err != nil || budget < 0 {
		return 0, fmt.Errorf("SALESFORCE_LIVE_ROTATIONS is %q, expected a number of tenant secrets", text)
	}
	return budget, nil
}

// write leaves the report as JSON, and as a Markdown table beside it.
func (r report) write(path string) error {
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, append(body, '\n'), 0o600); err != nil {
		return err
	}
	var table strings.Builder
	fmt.Fprintf(&table, "# Conformance of %s\n\nAPI %s, %s\n\n| fact | confidence | outcome |\n| --- | --- | --- |\n", r.Instance, r.APIVersion,
		r.Time.Format(time.RFC3339))
	for _, f := range r.Facts {
		fmt.Fprintf(&table, "| %s (`%s`) | %s | %s |\n", cell(f.Claim), f.Name, f.Confidence, f.Outcome)
	}
	return os.WriteFile(strings.TrimSuffix(path, ".json")+".md", []byte(table.String()), 0o600)
}

// cell escapes text for a cell of a Markdown table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// The facts are told apart, complete, and say what they do.
func TestFactsAreComplete(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, f := range facts() {
		if names[f.name] || !regexp.MustCompile(`^[A-Z][A-Za-z0-9]+$`).MatchString(f.name) {
			t.Errorf("%q is no name, or one of two", f.name)
		}
		names[f.name] = true
		if _, known := headings[strings.Split(f.section, ".")[0]]; !known {
			t.Errorf("%s: section %q has no heading", f.name, f.section)
		}
		if !regexp.MustCompile(`^[DVCIR](, [DVCIR])*$`).MatchString(f.confidence) {
			t.Errorf("%s: confidence %q", f.name, f.confidence)
		}
		if f.claim == "" || f.source == "" || f.check == nil {
			t.Errorf("%s lacks a claim, a source or a check", f.name)
		}
		if f.seed != "" && f.needs&prepared == 0 {
			t.Errorf("%s has a seed, which a real org cannot have", f.name)
		}
	}
}

// Without being allowed to, a live run changes nothing.
func TestPermits(t *testing.T) {
	t.Parallel()
	for _, f := range facts() {
		if refusal := (permits{}).refuses(f); (refusal == "") != (f.needs&^sends == 0) {
			t.Errorf("%s (%s): %q", f.name, f.needs, refusal)
		}
		everything := permits{rotations: 1, deploy: true, destroy: true}
		if refusal := everything.refuses(f); (refusal == "") != (f.needs&prepared == 0) {
			t.Errorf("%s, everything allowed: %q", f.name, refusal)
		}
	}
	for text, want := range map[string]int{"": 0, "0": 0, "3": 3} {
		if got, err := rotationBudget(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"-1", "many", "1.5"} {
		if _, err := rotationBudget(text); err == nil {
			t.Errorf("%q is a budget", text)
		}
	}
}

// The report names every fact and its outcome.
func TestReport(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "report.json")
	want := report{
		Instance: "https://example.my.salesforce.com", APIVersion: "62.0", Time: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC),
		Facts: []outcome{{"A", "3.1", "D", "one | two", "confirmed"}, {"B", "4", "I", "three", "refuted"}},
	}
	if err := want.write(path); err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal(body, &got); err != nil || !slices.Equal(got.Facts, want.Facts) || got.Instance != want.Instance {
		t.Errorf("%s: %v", body, err)
	}
	table, err := os.ReadFile(strings.TrimSuffix(path, ".json") + ".md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{"| one \\| two (`A`) | D | confirmed |\n", "| three (`B`) | I | refuted |\n"} {
		if !strings.Contains(string(table), row) {
			t.Errorf("no row %q in\n%s", row, table)
		}
	}
}
