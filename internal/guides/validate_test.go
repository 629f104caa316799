package guides_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// written returns the pages that people wrote, by path: README, templates, and the READMEs of the
// examples.
func written(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for _, root := range []string{"README.md", "templates", "examples"} {
		err := filepath.WalkDir(filepath.Join(top, root), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || (!strings.HasSuffix(path, ".md") && !strings.HasSuffix(path, ".md.tmpl")) {
				return err
			}
			text, err := os.ReadFile(path)
			pages[path] = string(text)

			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(pages) < 20 {
		t.Fatalf("found only %d pages: have they moved?", len(pages))
	}

	return pages
}

// Each block of HCL passes `terraform validate`, so that a reader who copies it does not meet an
// error that a check of names alone leaves: an id with a wrong checksum, attributes that exclude
// each other. A block with `terraform {` is a whole configuration; to any other the test adds the
// requirement of the provider and the variables.
func TestEveryBlockValidates(t *testing.T) {
	t.Parallel()
	validated := 0
	for path, text := range written(t) {
		p := page{t, path, text}
		for i, block := range p.blocks("hcl") {
			config := complete(t, p.withWhatItNames(block))
			if config == "" {
				continue
			}
			validated++
			t.Run(fmt.Sprintf("%s %d", filepath.Base(path), i+1), func(t *testing.T) {
				t.Parallel()
				cli := acctest.NewCLIIn(t, t.TempDir(), nil)
				cli.Write("main.tf", config)
				got := cli.Run("validate", "-no-color")
				if got.Code != 0 && acctest.Below(t, 1, 11) && strings.Contains(config, "ephemeral") {
					t.Skip("ephemeral values and write-only attributes need a newer CLI")
				}
				if got.Code != 0 {
					t.Errorf("%s\nin\n%s", got.Output(), config)
				}
			})
		}
	}
	if validated < 20 {
		t.Errorf("only %d blocks were validated: are they no longer found?", validated)
	}
}

// withWhatItNames puts the blocks of a page that declare the resources which a block names before
// it: steps continue a configuration.
func (p page) withWhatItNames(block string) string {
	for _, m := range regexp.MustCompile(`[^."a-z_](salesforcebyok_[a-z_]+)\.([a-z_]+)`).FindAllStringSubmatch(block, -1) {
		declaration := fmt.Sprintf("resource %q %q", m[1], m[2])
		for _, other := range p.blocks("hcl") {
			if !strings.Contains(block, declaration) && strings.Contains(other, declaration) {
				block = other + block
			}
		}
	}

	return block
}

// complete makes a configuration of a block, or nothing of one that is for another program or that
// a walk validates: settings of the CLI, arguments of a resource, modules, files, and the objects
// of other providers.
func complete(t *testing.T, block string) string {
	t.Helper()
	file, diags := hclsyntax.ParseConfig([]byte(block), "block.tf", hcl.InitialPos)
	body, ok := file.Body.(*hclsyntax.Body)
	if diags.HasErrors() || !ok {
		t.Fatalf("%v\nin\n%s", diags, block)
	}
	if len(body.Attributes) > 0 || strings.Contains(block, " file(") || strings.Contains(block, "(file(") {
		return ""
	}
	whole, declared := false, map[string]bool{}
	for _, b := range body.Blocks {
		switch {
		case b.Type == "terraform":
			whole = true
		case b.Type == "variable":
			declared[b.Labels[0]] = true
		case b.Type == "module" || b.Type == "provider_installation":
			return ""
		case len(b.Labels) > 0 && !strings.HasPrefix(b.Labels[0], acctest.ProviderName) &&
			slices.Contains([]string{"provider", "resource", "data", "ephemeral"}, b.Type):
			return ""
		}
	}
	if whole {
		return block
	}
	var config strings.Builder
	config.WriteString(required + block)
	for _, m := range regexp.MustCompile(`\bvar\.([a-z_]+)`).FindAllStringSubmatch(block, -1) {
		if !declared[m[1]] {
			declared[m[1]] = true
			fmt.Fprintf(&config, "variable %q {}\n", m[1])
		}
	}

	return config.String()
}

// The ids in examples have the checksum that the provider asks for.
func TestIDsOfExamplesHaveTheirChecksum(t *testing.T) {
	t.Parallel()
	id, checked := regexp.MustCompile(`\b0[0-9A-Za-z]{2}[0-9A-Za-z]{12}[A-Z0-5]{3}\b`), 0
	for _, root := range []string{"README.md", "templates", "examples"} {
		err := filepath.WalkDir(filepath.Join(top, root), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			for _, found := range id.FindAllString(string(text), -1) {
				checked++
				if _, err := salesforce.ID18(found); err != nil {
					t.Errorf("%s: %s: %v", path, found, err)
				}
			}

			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if checked < 20 {
		t.Errorf("found only %d ids", checked)
	}
}

// Every guide that gives its reader something to type is walked by a test of this package.
func TestEveryGuideIsWalked(t *testing.T) {
	t.Parallel()
	walks, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	for _, path := range walks {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tests.Write(text)
	}
	for path, text := range written(t) {
		name, isGuide := strings.CutSuffix(filepath.Base(path), ".md.tmpl")
		p := page{t, path, text}
		if !isGuide || filepath.Base(filepath.Dir(path)) != "guides" || len(p.blocks("hcl"))+len(p.blocks("sh")) == 0 {
			continue
		}
		if !strings.Contains(tests.String(), fmt.Sprintf("open(t, %q)", name)) {
			t.Errorf("%s has commands or configuration, and no test walks it", path)
		}
	}
}
