package guides_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// paragraphLength is five lines of 100 characters: more of them in a row are not read.
const paragraphLength = 500

// Every guide opens with who needs it and what they have at its end.
func TestGuidesOpenWithTheirReader(t *testing.T) {
	t.Parallel()
	guides, err := filepath.Glob(filepath.Join(top, "templates", "guides", "*.md.tmpl"))
	if err != nil || len(guides) < 15 {
		t.Fatalf("found %d guides, %v", len(guides), err)
	}
	for _, guide := range guides {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		if opening := paragraphs(string(text))[0]; !opensWithItsReader(opening.text) {
			t.Errorf("%s:%d opens with neither its reader nor what they have at its end: %s", filepath.Base(guide),
				opening.line, opening.text)
		}
	}
}

func TestParagraphsAreShort(t *testing.T) {
	t.Parallel()
	pages, count := pagesOfProse(t), 0
	for _, name := range pages {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paragraphs(string(text)) {
			if count++; len([]rune(p.text)) > paragraphLength {
				t.Errorf("%s:%d: a paragraph of %d characters, at most %d: %s", name, p.line, len([]rune(p.text)),
					paragraphLength, p.text)
			}
		}
	}
	if len(pages) < 25 || count < 500 {
		t.Errorf("found %d paragraphs on %d pages: have they moved?", count, len(pages))
	}
}

func TestParagraphs(t *testing.T) {
	t.Parallel()
	const page = "---\ntitle: x\n---\n\n# Title\n\n{{/* made */}}For one. At the end\nyou have two.\n\n- first\n" +
		"  goes on\n- second\n1. third\n\n   ```sh\n   not this\n   ```\n\n| table |\n| --- |\nlast\n"
	want := []paragraph{
		{7, "For one. At the end you have two."},
		{10, "first goes on"},
		{12, "second"},
		{13, "third"},
		{21, "last"},
	}
	found := paragraphs(page)
	if len(found) != len(want) {
		t.Fatalf("found %v", found)
	}
	for i := range want {
		if found[i] != want[i] {
			t.Errorf("found %v, want %v", found[i], want[i])
		}
	}
	if !opensWithItsReader(found[0].text) || opensWithItsReader("For one.") ||
		opensWithItsReader("At the end you have two.") {
		t.Error("an opening is judged wrongly")
	}
}

func opensWithItsReader(text string) bool {
	return strings.HasPrefix(text, "For ") && strings.Contains(text, "At the end")
}

// pagesOfProse are the pages that a person wrote.
func pagesOfProse(t *testing.T) []string {
	t.Helper()
	var pages []string
	for _, pattern := range []string{
		"README.md", "CONTRIBUTING.md", "SECURITY.md", "templates/*.tmpl", "templates/*/*.tmpl", "examples/*/README.md",
		"examples/*/*/README.md",
	} {
		found, err := filepath.Glob(filepath.Join(top, filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}

	return pages
}

// paragraph is a paragraph or an item of a list, on one line, and where it begins.
type paragraph struct {
	line int
	text string
}

// paragraphs returns those of a page, without its front matter, headings, tables and blocks.
func paragraphs(page string) []paragraph {
	var found []paragraph
	item := regexp.MustCompile(`^(?:[-*]|\d+\.) +`)
	block, open := "", false
	for i, line := range strings.Split(regexp.MustCompile(`\{\{.*?\}\}`).ReplaceAllString(page, ""), "\n") {
		line = strings.TrimSpace(line)
		fence := line == "---" || strings.HasPrefix(line, "```")
		switch {
		case block != "":
			if strings.HasPrefix(line, block) {
				block = ""
			}
		case fence && (i == 0 || line != "---"):
			block, open = line[:3], false
		case line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "|"):
			open = false
		case open && !item.MatchString(line):
			found[len(found)-1].text += " " + line
		default:
			found, open = append(found, paragraph{i + 1, item.ReplaceAllString(line, "")}), true
		}
	}

	return found
}
