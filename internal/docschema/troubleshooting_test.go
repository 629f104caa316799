package docschema_test

import (
	"go/ast"
	"go/parser"
	"go/token"
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
	shown := summaries(t, "provider", "upload", "custody", "keys", "tfvalidator")
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

// The functions that make a diagnostic, and which of their arguments is the
// summary.
var summaryArguments = map[string]int{
	"AddError": 0, "AddWarning": 0, "AddAttributeError": 1, "AddAttributeWarning": 1,
	"NewErrorDiagnostic": 0, "NewWarningDiagnostic": 0, "NewAttributeErrorDiagnostic": 1,
	"NewAttributeWarningDiagnostic": 1,
	"addError":                      1, "addProviderError": 1, "problem.New": 1, "warn": 1, "add": 1,
}

// summaries are the summaries of diagnostics that the code of some packages
// makes, each with a file that makes it.
func summaries(t *testing.T, packages ...string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range packages {
		paths, err := filepath.Glob(filepath.Join(top, "internal", name, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		var files []*ast.File
		for _, path := range paths {
			// The Summary of a function is that of its documentation.
			if base := filepath.Base(path); strings.HasSuffix(base, "_test.go") || strings.HasPrefix(base, "function_") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
		for summary, file := range summariesOf(files) {
			out[summary] = name + "/" + file
		}
	}
	return out
}

func summariesOf(files []*ast.File) map[string]string {
	constants := map[string]string{}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Names) == len(spec.Values) {
				for i, name := range spec.Names {
					if text := textOf(spec.Values[i], nil); !strings.Contains(text, "…") {
						constants[name.Name] = text
					}
				}
			}
			return true
		})
	}
	out := map[string]string{}
	for _, file := range files {
		add := func(e ast.Expr) {
			// A text that only passes through is made elsewhere.
			if text := textOf(e, constants); strings.Trim(text, "…") != "" {
				out[text] = "package " + file.Name.Name
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				name := ""
				switch f := n.Fun.(type) {
				case *ast.SelectorExpr:
					name = f.Sel.Name
					if from, ok := f.X.(*ast.Ident); ok && from.Name == "problem" {
						name = "problem." + name
					}
				case *ast.Ident:
					name = f.Name
				}
				if i, ok := summaryArguments[name]; ok && i < len(n.Args) {
					add(n.Args[i])
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && strings.EqualFold(key.Name, "summary") {
					add(n.Value)
				}
			case *ast.CompositeLit:
				// tfvalidator's checks are written without names; the summary is the first.
				if typ, ok := n.Type.(*ast.Ident); ok && typ.Name == "check" && len(n.Elts) > 0 {
					if _, named := n.Elts[0].(*ast.KeyValueExpr); !named {
						add(n.Elts[0])
					}
				}
			}
			return true
		})
	}
	return out
}

// textOf is what an expression says, with "…" for what is known only at run
// time.
func textOf(e ast.Expr, constants map[string]string) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return text
		}
	case *ast.Ident:
		if text, ok := constants[e.Name]; ok {
			return text
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return textOf(e.X, constants) + textOf(e.Y, constants)
		}
	case *ast.CallExpr:
		if f, ok := e.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Sprintf" && len(e.Args) > 0 {
			return regexp.MustCompile(`%[a-z]`).ReplaceAllString(textOf(e.Args[0], constants), "…")
		}
	}
	return "…"
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
	file, err := parser.ParseFile(token.NewFileSet(), "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	shown := summariesOf([]*ast.File{file})
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
