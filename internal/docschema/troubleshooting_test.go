package docschema_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Whoever looks an error up types what the screen shows: the guide names every
// summary that the provider can show, in bold and in full, and none that it
// can't. "…" stands only for what differs from case to case.
func TestTroubleshootingListsEverySummary(t *testing.T) {
	t.Parallel()
	shown := summaries(t, withDiagnostics...)
	if len(shown) < 80 {
		t.Fatalf("found only %d summaries in the code: have they moved?", len(shown))
	}
	listed := listedSummaries(read(t, filepath.Join(top, "templates", "guides", "troubleshooting.md.tmpl")))
	for _, problem := range compareSummaries(listed, shown) {
		t.Error(problem)
	}
}

// compareSummaries returns what only one side has.
func compareSummaries(listed []string, shown map[string]string) []string {
	var problems []string
	found := map[string]bool{}
	for _, entry := range listed {
		parts := strings.Split(entry, "…")
		for i, part := range parts {
			parts[i] = regexp.QuoteMeta(part)
		}
		pattern := regexp.MustCompile("^" + strings.Join(parts, ".+") + "$")
		matched := false
		for summary := range shown {
			if !pattern.MatchString(summary) {
				continue
			}
			matched = true
			// A reader's search finds a fixed text only if it stands there in full.
			if strings.Contains(summary, "…") || entry == summary {
				found[summary] = true
			}
		}
		if !matched {
			problems = append(problems, "the guide lists "+strconv.Quote(entry)+", which nothing in the code shows")
		}
	}
	for summary, file := range shown {
		if !found[summary] {
			problems = append(problems, "the guide does not list "+strconv.Quote(summary)+" of "+file)
		}
	}
	slices.Sort(problems)
	return problems
}

// listedSummaries are the bold texts in the first cells of tables.
func listedSummaries(markdown string) []string {
	var out []string
	bold := regexp.MustCompile(`\*\*(.+?)\*\*`)
	for line := range strings.Lines(markdown) {
		if cells := strings.Split(line, "|"); len(cells) > 2 && strings.HasPrefix(line, "|") {
			for _, m := range bold.FindAllStringSubmatch(cells[1], -1) {
				out = append(out, m[1])
			}
		}
	}
	return out
}

// summaries are the summaries of diagnostics that the code of some packages
// makes, each with a file that makes it.
func summaries(t *testing.T, packages ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, d := range diagnosticsIn(t, packages...) {
		out[d.summary] = d.where
	}
	return out
}

// Both directions of the comparison see what they must.
func TestCompareSummaries(t *testing.T) {
	t.Parallel()
	const source = `package p
const named = "By a name"
func f() {
	diags.AddError("Plain", "detail")
	diags.AddAttributeWarning(path.Root("a"), "The "+typ+" key", "detail")
	addError(diags, named, err)
	diags.AddError(fmt.Sprintf("Refused %s", x), "detail")
	diags.AddError(summary, detail)
	_ = Problem{Attribute: "a", Summary: "In a struct"}
	return problem.New("a", "By the constructor", "detail").Because(errors.New("not this"))
	_ = check{"Positional", "expected", nil}
}`
	shown := map[string]string{}
	for _, d := range parseDiagnostics(t, source) {
		shown[d.summary] = d.where
	}
	want := []string{"By a name", "By the constructor", "In a struct", "Plain", "Positional", "Refused …", "The … key"}
	var got []string
	for summary := range shown {
		got = append(got, summary)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	all := listedSummaries("| **By a name**, **By the constructor**, **In a struct** | x |\n| **Plain** | **not this** " +
		"|\n| **Positional** | |\n|**Refused …**|\n| **The … key** | |\nno **table**\n")
	if problems := compareSummaries(all, shown); len(problems) != 0 {
		t.Errorf("found %q in a guide that is complete", problems)
	}
	for name, listed := range map[string][]string{
		"does not list \"Plain\"": slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == "Plain" }),
		"does not list \"Positional\"": append(slices.DeleteFunc(slices.Clone(all), func(s string) bool {
			return s == "Positional"
		}), "Posi…"),
		"lists \"Plane\"": append(slices.Clone(all), "Plane"),
	} {
		if problems := compareSummaries(listed, shown); len(problems) != 1 || !strings.Contains(problems[0], name) {
			t.Errorf("found %q, want one that says that the guide %s", problems, name)
		}
	}
}
