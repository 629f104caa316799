package sfsim_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// The example seed of the README works, and every control route that it names exists.
func TestReadme(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, seed, _ := strings.Cut(string(text), "```yaml\n")
	seed, _, found := strings.Cut(seed, "```")
	if !found {
		t.Fatal("no example seed")
	}
	c := start(t, seeded(t, seed), sfsim.WithControl(), sfsim.WithPersistence(filepath.Join(t.TempDir(), "org.json")))
	if n := len(c.server.TenantSecrets()); n != 21 {
		t.Errorf("%d tenant secrets, want 21", n)
	}
	routes := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		if row, isRow := strings.CutPrefix(line, "| `"); isRow && strings.Contains(line, " /_sim/") {
			fields := strings.FieldsFunc(row, func(r rune) bool { return r == ' ' || r == '`' || r == ',' })
			routes++
			a := c.do(fields[0], fields[1], "")
			// A key to flush must be named; everything else does something sensible without a body.
			if a.status != http.StatusOK && (fields[1] != "/_sim/flush" || a.status != http.StatusBadRequest) {
				t.Errorf("%s %s: %d %s", fields[0], fields[1], a.status, a.body)
			}
		}
	}
	if routes < 10 {
		t.Errorf("%d routes found", routes)
	}
}

// The seed of the guide works, and its control routes and flags exist.
func TestGuideOfTheSimulator(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../templates/guides/simulator.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	_, seed, _ := strings.Cut(string(text), "```yaml\n")
	seed, _, found := strings.Cut(seed, "```")
	if !found {
		t.Fatal("no example seed")
	}
	c := start(t, seeded(t, seed), sfsim.WithControl())
	if n := len(c.server.TenantSecrets()); n != 21 {
		t.Errorf("%d tenant secrets, want 21", n)
	}
	posts := 0
	for line := range strings.SplitSeq(string(text), "\n") {
		if rest, isCurl := strings.CutPrefix(line, `curl -X POST "$SALESFORCE_INSTANCE_URL`); isCurl {
			path, body, _ := strings.Cut(rest, `" -d '`)
			c.do(http.MethodPost, path, strings.TrimSuffix(body, "'")).want(http.StatusOK)
			posts++
		}
	}
	if posts != 3 {
		t.Errorf("%d control requests, want 3", posts)
	}
}
