package conformance_test

import (
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
	"1": "What shapes the provider", "2": "Logging in", "3": "REST, errors and limits", "4": "TenantSecret", "5": "Uploading",
	"6": "Destroying, restoring, exporting", "7": "Certificates", "8": "Cache-only keys", "9": "Other keys", "10": "Queries",
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

{{/* Written by the tests of internal/conformance: go test ./internal/conformance -run TestGuide -update */}}The provider is built on what Salesforce and vendors document, on what is seen in public code, and in places on inference. No part
of it was written against a live org. Each row below is one fact with its test: a subtest of ` + "`TestConformance`" + ` in
` + "`internal/conformance`" + `, which checks it over HTTP alone. All pass on the [simulator](simulator.md).

| confidence | meaning |
| --- | --- |
| D | documented by Salesforce |
| V | documented by a vendor: Fortanix, Thales, ... |
| C | seen in public code, issue threads or published traffic |
| I | inferred from the above |
| R | recalled platform knowledge, not checked against a text |

## Check them on your own org

` + "```sh" + `
export SALESFORCE_INSTANCE_URL=https://mydomain--dev.sandbox.my.salesforce.com
export SALESFORCE_CLIENT_ID=... SALESFORCE_CLIENT_SECRET=...
TF_ACC=1 go test ./internal/conformance -run '^TestLive' -count=1 -v
` + "```" + `

As it stands this only reads, and sends a few requests that Salesforce refuses. It says first what it will do, and leaves the
outcome of each fact, confirmed or refuted, in ` + "`bin/conformance.json`" + ` and ` + "`.md`" + ` (` + "`SALESFORCE_LIVE_REPORT`" + ` names another file).
These variables allow more:

| variable | allows |
| --- | --- |
| ` + "`SALESFORCE_LIVE_ROTATIONS=1`" + ` | so many tenant secrets of type Data to be made. Each archives the one that is ACTIVE; most facts need one |
| ` + "`SALESFORCE_LIVE_CERTIFICATE=My_BYOK`" + ` | uploads, wrapped for this BYOK-compatible certificate |
| ` + "`SALESFORCE_LIVE_DEPLOY=1`" + ` | certificates to be deployed, and deleted again |
| ` + "`SALESFORCE_LIVE_DESTROY=1`" + ` | an archived key that an earlier run of this suite uploaded to be destroyed and restored; in a sandbox only |

The last column says what checking a fact does. "Simulator only" facts need time to pass, or an org in a state that the suite
does not bring about. A fact that your org refutes is worth an issue: the report names no record and no secret.
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
		fmt.Fprintf(&out, "\n## %s\n\n| fact | confidence | source | test | checking it |\n| --- | --- | --- | --- | --- |\n", headings[number])
		for _, f := range rows {
			fmt.Fprintf(&out, "| %s | %s | %s | `%s` | %s |\n", cell(f.claim), f.confidence, cell(f.source), f.name, f.needs)
		}
	}
	return out.String()
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
