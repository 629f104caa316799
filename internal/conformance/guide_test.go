package conformance_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the guide instead of comparing it")

// headings name the topics that sections begin with.
var headings = map[string]string{
	"1": "What shapes the provider", "2": "Logging in", "3": "REST, errors and limits", "4": "TenantSecret",
	"5": "Uploading",
	"6": "Destroying, restoring, exporting", "7": "Certificates", "8": "Cache-only keys", "9": "Other keys",
	"10": "Queries",
	"11": "Where the documents are silent",
}

// order is that of the headings.
var order = []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"}

const introduction = `---
page_title: "What is known of Salesforce"
subcategory: "Reference"
description: |-
  The facts about Salesforce that the provider is built on, how sure each is, and the test that checks it.
---

# What is known of Salesforce

{{/* Written by the tests of internal/conformance: go test ./internal/conformance -run TestGuide -update */}}For whoever wants to know how far to trust this provider. At the end you know each fact that it is built on, how sure that is, and how to
check it on an org of yours.

The provider is built on what Salesforce and vendors document, on what is seen in public code, and in places on inference. No part of it
was written against a live org. Each row below is one fact with its test: a subtest of ` + "`TestConformance`" + ` in
` + "`internal/conformance`" + `, which checks it over HTTP alone. All pass on the [simulator](simulator.md).

| confidence | meaning |
| --- | --- |
| D | documented by Salesforce |
| V | documented by a vendor: Fortanix, Thales, ... |
| C | seen in public code, issue threads or published traffic |
| I | inferred from the above |
| R | recalled platform knowledge, not checked against a text |
| U | unknown: the documents are silent or disagree. The provider bears each answer, and each is tried on the simulator |

## Check them on your own org

` + "```sh" + `
export SALESFORCE_INSTANCE_URL=https://mydomain--dev.sandbox.my.salesforce.com
export SALESFORCE_CLIENT_ID=... SALESFORCE_CLIENT_SECRET=...
export SALESFORCE_LIVE_ORGANIZATION_ID=00D...
make testacc-live SALESFORCE_LIVE_DRY_RUN=1   # prints what it would do, and sends nothing
make testacc-live
` + "```" + `

As it stands this only reads, sends a few requests that Salesforce refuses, and makes mistakes that the provider refuses. It says
first what it will do, step by step. Any other org than the one named is left alone, and so is a production org. These variables
allow more:

| variable | allows |
| --- | --- |
| ` + "`SALESFORCE_LIVE_ROTATIONS=5`" +
	` | so many tenant secrets to be made, each of which archives the ACTIVE one of its type. The facts make one of type Data, the behaviours three; one more is kept in reserve for what Salesforce must refuse |
| ` + "`SALESFORCE_LIVE_TYPES=EventBus,Analytics,DeterministicData,Data`" +
	` | keys of these types to be made, where the interval of a type is over; without it Analytics, DeterministicData and Data |
| ` + "`SALESFORCE_LIVE_CERTIFICATE=My_BYOK`" + ` | uploads, wrapped for this BYOK-compatible certificate |
| ` + "`SALESFORCE_LIVE_DEPLOY=1`" + ` | certificates to be deployed, and deleted again |
| ` + "`SALESFORCE_LIVE_DESTROY=1`" +
	` | an archived key that this suite uploaded, in an earlier run, to be destroyed and restored; in a sandbox only |
| ` + "`SALESFORCE_LIVE_API_CALLS=1000`" + ` | so many API calls, instead of 5000 |
| ` + "`SALESFORCE_LIVE_PRODUCTION=1`" + ` | all of this in a production org |

` + "`SALESFORCE_LIVE_ONLY`" + `, a regular expression, chooses facts and behaviours by their names.

The record is in ` + "`bin/live.json`" + ` and ` + "`.md`" + ` (` + "`SALESFORCE_LIVE_REPORT`" +
	` names another file): every fact, confirmed or refuted, every behaviour,
passed or failed, what was not asked and why, and the tenant secrets that the run made, since none can be deleted. It is written
after each step. It names your org and these records, and holds no secret. A fact that your org refutes is worth an issue.

The last column of the tables says what checking does. "Simulator only" facts need time to pass, or an org in a state that the
suite does not bring about. Where several answers may be so, the simulator can give each, and the fact is checked against each.
`

// guide renders the template of the guide.
func guide() string {
	var out strings.Builder
	out.WriteString(introduction)
	all := facts()
	for _, number := range order {
		var rows []fact
		for _, f := range all {
			if strings.Split(f.section, ".")[0] == number {
				rows = append(rows, f)
			}
		}
		if len(rows) == 0 {
			continue
		}
		slices.SortStableFunc(rows, func(a, b fact) int { return strings.Compare(a.section, b.section) })
		fmt.Fprintf(&out, "\n## %s\n\n| fact | confidence | source | test | checking it |\n| --- | --- | --- | --- | --- "+
			"|\n", headings[number])
		for _, f := range rows {
			fmt.Fprintf(&out, "| %s | %s | %s | <a id=\"%s\"></a>`%s` | %s |\n", cell(f.claim), f.confidence, cell(f.source),
				f.name, f.name, f.needs)
		}
	}
	out.WriteString(givenTable())
	out.WriteString(sourcesTable())
	out.WriteString("\n## What the provider does on a real org\n\nThe same run checks the built provider under " +
		"Terraform or OpenTofu. Each row is a subtest of `TestLive`; `TestTheLiveSuite`\nruns them all on the " +
		"simulator.\n\n| behaviour | of | test | checking it |\n| --- | --- | --- | --- |\n")
	for _, b := range behaviours() {
		object, _, _ := strings.Cut(b.section, ",") // a rule's number is for whoever reads the code
		fmt.Fprintf(&out, "| %s | %s | `%s` | %s |\n", cell(b.claim), object, b.name, b.does)
	}
	return out.String()
}

// given is something taken for granted that no request can ask.
type given struct{ claim, confidence, source, otherwise string }

// givens are what no test can ask: it takes days, another org, Setup, or has no API.
func givens() []given {
	return []given{
		{
			"An external client app needs the flow enabled, a user to run as, the scopes api and refresh_token, and for JWT " +
				"bearer a pre-authorization: not through a permission set with the Salesforce API Integration license.", "D, C",
			"Help remoteaccess_oauth_client_credentials_flow; simstudioai/sim#6526",
			"The login is refused, and its error is shown with what to set.",
		},
		{
			"The maximum life of certificates shrinks to 200, 100 and 47 days; whether that holds for Salesforce's own is in " +
				"conflict.", "D",
			"Help security_keys_policy_and_rotation, security_keys_creating",
			"`not_after` is what the certificate has; `renew_before_days` counts from it.",
		},
		{
			"The private key of a certificate with Platform Encryption is encrypted by a key of the org, so that an active " +
				"Data key is needed first.", "D, I", "CertMeta; Help security_shield_pe_storing",
			"With one, nothing is lost; without one, the deploy's refusal is shown.",
		},
		{
			"A certificate that an identity provider uses can't be deleted.", "D", "Help security_keys_creating",
			"The destroy fails in Salesforce's words; a certificate that was imported is only forgotten.",
		},
		{
			"A failed callout sets the ACTIVE cache-only key to DESTROYED; it is tried again each minute, then each 5 minutes " +
				"for 24 hours.",
			"D", "Help cache_considerations",
			"Neither age nor drift makes a key over it, however long it lasts.",
		},
		{
			"External root keys are of AWS KMS alone; they are made, rotated and tested in Setup, and one made in production " +
				"can't be activated in a sandbox.", "D", "EERKRef; Help security_pe_ekm_use_ekm_in_the_sandbox",
			"Another service is shown as it is; a change of status that Salesforce refuses is shown in its words.",
		},
		{
			"A Database key lives three months at least, and its rotation is for new writes. The body of an upload is not " +
				"documented.",
			"D, U", "Help security_pe_onboard_switch_to_dbe; CertTooling",
			"Salesforce's refusal is shown, with the interval that is known.",
		},
		{
			"For the first 24 hours of Database encryption a secret of Salesforce's own is used.", "D",
			"Help security_pe_onboard_switch_to_dbe", "Nothing rests on it.",
		},
		{
			"`isUseHighAssuranceKeysRequired` and `isMEKForEncryptionRequired` hold for Setup and API, and can lock " +
				"automation out.", "D",
			"Help security_pe_2fa_for_mek", "They are shown and never written; a deploy names them only to keep them on.",
		},
		{
			"What `enableCacheOnlyKeys = false` does to data under cache-only keys.", "U", "undocumented",
			"It is guarded like the destruction of those keys.",
		},
		{
			"A sandbox refresh copies tenant secrets and settings, and makes other Database keys; whether ids change is " +
				"unknown.", "D, U",
			"Help security_pe_sandboxes",
			"A rotation id holds the org's id, so that a sandbox makes keys of its own, and state of another org is refused.",
		},
		{
			"The scratch-org features PlatformEncryption and CacheOnlyKeys give an org with Shield.", "C",
			"SFDC-Assets/platform-encryption-demo", "Developer Edition has Shield too.",
		},
		{
			"My Domain is below .my.salesforce.com, .my.salesforce.mil or .my.sfcrmproducts.cn.", "C", "sfdx-core",
			"Any https host may be given; the token goes to no other.",
		},
		{
			"There is no API for BYOK of Data 360, Encryption Statistics or background re-encryption; newer lists of BYOK " +
				"types leave Analytics out.", "I", "none was found", "What Salesforce refuses is shown in its words.",
		},
	}
}

// givenTable renders them for the guide.
func givenTable() string {
	var out strings.Builder
	out.WriteString("\n## What no request can ask\n\nIt takes days or another org, is done in Setup, or has no API.\n\n" +
		"| taken for granted | confidence | source | if it is otherwise |\n| --- | --- | --- | --- |\n")
	for _, g := range givens() {
		fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", cell(g.claim), g.confidence, cell(g.source), cell(g.otherwise))
	}
	return out.String()
}

// Each says where it is from, and what becomes of it otherwise.
func TestGivensAreComplete(t *testing.T) {
	t.Parallel()
	for _, g := range givens() {
		if !confidences.MatchString(g.confidence) || g.source == "" || !strings.HasSuffix(g.claim, ".") ||
			!strings.HasSuffix(g.otherwise, ".") {
			t.Errorf("%+v is not complete", g)
		}
	}
}

// The guide is what the facts are.
func TestGuide(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "templates", "guides", "conformance.md.tmpl")
	want := guide()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("the guide is not what the facts are: go test ./internal/conformance -run TestGuide -update, then make docs")
	}
}

// The scratch org of CONTRIBUTING.md has what the suite asks about: Shield and cache-only keys, in
// a definition that sf reads.
func TestScratchOrg(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("scratch-org.json")
	if err != nil {
		t.Fatal(err)
	}
	var definition struct {
		OrgName  string   `json:"orgName"`
		Edition  string   `json:"edition"`
		Features []string `json:"features"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&definition); err != nil {
		t.Fatal(err)
	}
	for _, feature := range []string{"PlatformEncryption", "CacheOnlyKeys"} {
		if !slices.Contains(definition.Features, feature) {
			t.Errorf("expected the feature %s, found %v", feature, definition.Features)
		}
	}
	if definition.OrgName == "" || definition.Edition != "Developer" {
		t.Errorf("expected a named org of the edition that a free Dev Hub gives, found %+v", definition)
	}
	page, err := os.ReadFile("../../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), "--definition-file internal/conformance/scratch-org.json") {
		t.Error("expected CONTRIBUTING.md to say how to use it")
	}
}
