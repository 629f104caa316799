package guides_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const top = "../.."

// page is a guide, as a reader sees its blocks.
type page struct {
	t    *testing.T
	name string
	text string
}

func open(t *testing.T, name string) page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(top, "templates", "guides", name+".md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}

	return page{t, name, string(text)}
}

// blocks returns the blocks of a language, without the indentation of a list that they stand in.
func (p page) blocks(language string) []string {
	fence := regexp.MustCompile("(?ms)^( *)```" + language + "\n(.*?)^ *```$")
	var found []string
	for _, m := range fence.FindAllStringSubmatch(p.text, -1) {
		var block strings.Builder
		for line := range strings.Lines(m[2]) {
			block.WriteString(strings.TrimPrefix(line, m[1]))
		}
		found = append(found, block.String())
	}

	return found
}

// block returns the one block of a language that contains a text. Pairs of old and new are what the
// reader puts in; each old must be there.
func (p page) block(language, contains string, replace ...string) string {
	p.t.Helper()
	found := slices.DeleteFunc(p.blocks(language), func(block string) bool { return !strings.Contains(block, contains) })
	if len(found) != 1 {
		p.t.Fatalf("%s: expected one block of %s with %q, found %d", p.name, language, contains, len(found))
	}
	for i := 0; i+1 < len(replace); i += 2 {
		if !strings.Contains(found[0], replace[i]) {
			p.t.Fatalf("%s: the block with %q does not have %q", p.name, contains, replace[i])
		}
		found[0] = strings.ReplaceAll(found[0], replace[i], replace[i+1])
	}

	return found[0]
}

func TestBlock(t *testing.T) {
	t.Parallel()
	p := page{t, "a page", "x\n```sh\necho one\n```\n1. y\n   ```sh\n   echo two\n     three\n   ```\n```hcl\necho = " +
		"1\n```\n"}
	for contains, want := range map[string]string{"one": "echo one\n", "two": "echo two\n  three\n"} {
		if got := p.block("sh", contains); got != want {
			t.Errorf("found %q, want %q", got, want)
		}
	}
	if got := p.block("hcl", "echo", "1", "2"); got != "echo = 2\n" {
		t.Errorf("found %q", got)
	}
}
