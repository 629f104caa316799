package docschema_test

import (
	"fmt"
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

// The most words of a diagnostic, which its readers see at three in the morning.
const (
	summaryWords = 8
	detailWords  = 60
)

// withDiagnostics are the packages that make diagnostics.
var withDiagnostics = []string{"provider", "pluginserver", "upload", "custody", "keys", "tfvalidator"}

// Every diagnostic is short. A text that is known only at run time, such as an id or Salesforce's
// answer, counts as one word. Of the texts that a variable or a function can have, the longest
// counts.
func TestDiagnosticsAreShort(t *testing.T) {
	t.Parallel()
	all := diagnosticsIn(t, withDiagnostics...)
	counted := 0
	for _, d := range all {
		if d.long() {
			t.Errorf("%s: %q has %d words, at most %d; its detail has %d, at most %d: %s", d.where, d.summary,
				len(strings.Fields(d.summary)), summaryWords, len(strings.Fields(d.detail)), detailWords, d.detail)
		}
		if len(strings.Fields(d.detail)) > 5 {
			counted++
		}
	}
	if counted < 200 {
		t.Errorf("found the details of %d diagnostics of %d: have they moved?", counted, len(all))
	}
}

func TestParseDiagnostics(t *testing.T) {
	t.Parallel()
	ten := strings.TrimSpace(strings.Repeat("word ", 10))
	const source = `package p
const advice = "%[1]s"
func plain() { diags.AddError("Plain", "one two") }
func constant() { diags.AddAttributeWarning(path.Root("a"), "Constant", "one "+advice) }
func formatted() { diags.AddError("Formatted", fmt.Sprintf("one %%s %%q", advice, x)) }
func problems() { return problem.New("a", "Problem", "one %%d %%s", 1, advice) }
func variable() {
	text := "one"
	if x {
		text = "one two"
	}
	text += advice
	diags.AddError("Variable", text)
}
func called() { diags.AddError("Called", words(x)) }
func words(x int) string {
	if x {
		return "one"
	}
	return "one two three"
}
func unknown() { diags.AddError("Unknown", err.Error()) }
func long() { diags.AddError("%[1]s", "one") }
`
	want := map[string]int{
		"Plain": 2, "Constant": 11, "Formatted": 12, "Problem": 12, "Variable": 11, "Called": 3, "Unknown": 1, ten: 1,
	}
	found := parseDiagnostics(t, fmt.Sprintf(source, ten))
	if len(found) != len(want) {
		t.Errorf("found %d diagnostics, want %d", len(found), len(want))
	}
	for _, d := range found {
		if words := len(strings.Fields(d.detail)); words != want[d.summary] {
			t.Errorf("%s: found %d words, want %d: %q", d.summary, words, want[d.summary], d.detail)
		}
		if d.long() != (d.summary == ten) {
			t.Errorf("%s: found %t", d.summary, d.long())
		}
	}
	if d := (diagnostic{summary: "Short", detail: strings.Repeat("word ", detailWords+1)}); !d.long() {
		t.Error("a long detail is not found")
	}
}

// diagnostic is one that the code makes, with "…" for what is known only at run time.
type diagnostic struct{ summary, detail, where string }

func (d diagnostic) long() bool {
	return len(strings.Fields(d.summary)) > summaryWords || len(strings.Fields(d.detail)) > detailWords
}

// The functions that make a diagnostic, and which of their arguments is the
// summary. The detail follows it.
var summaryArguments = map[string]int{
	"AddError": 0, "AddWarning": 0, "AddAttributeError": 1, "AddAttributeWarning": 1,
	"NewErrorDiagnostic": 0, "NewWarningDiagnostic": 0, "NewAttributeErrorDiagnostic": 1,
	"NewAttributeWarningDiagnostic": 1,
	"addError":                      1, "addProviderError": 1, "problem.New": 1, "warn": 1, "add": 1,
}

// The structs that become a diagnostic, and which of their elements is the summary.
var summaryElements = map[string]int{"check": 0, "parsed": 1}

// diagnosticsIn are the diagnostics that the code of some packages makes.
func diagnosticsIn(t *testing.T, packages ...string) []diagnostic {
	t.Helper()
	var out []diagnostic
	for _, name := range packages {
		paths, err := filepath.Glob(filepath.Join(top, "internal", name, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		// The Summary of a function is that of its documentation.
		paths = slices.DeleteFunc(paths, func(path string) bool {
			return strings.HasSuffix(path, "_test.go") || strings.HasPrefix(filepath.Base(path), "function_")
		})
		files, set := make([]*ast.File, len(paths)), token.NewFileSet()
		for i, path := range paths {
			if files[i], err = parser.ParseFile(set, path, nil, parser.SkipObjectResolution); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, diagnosticsOf(set, files)...)
	}
	return out
}

func parseDiagnostics(t *testing.T, source string) []diagnostic {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "p.go", source, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return diagnosticsOf(set, []*ast.File{file})
}

func diagnosticsOf(set *token.FileSet, files []*ast.File) []diagnostic {
	summary := texts{constants: map[string]string{}}
	functions := map[string][]*ast.FuncDecl{}
	for _, file := range files {
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i := range n.Values {
					if text := summary.of(n.Values[i]); !strings.Contains(text, "…") {
						summary.constants[n.Names[i].Name] = text
					}
				}
			case *ast.FuncDecl:
				functions[n.Name.Name] = append(functions[n.Name.Name], n)
			}
			return true
		})
	}
	var out []diagnostic
	for _, file := range files {
		for _, declaration := range file.Decls {
			detail := texts{constants: summary.constants, functions: functions}
			detail.variables = detail.assigned(declaration)
			add := func(s ast.Expr, rest ...ast.Expr) {
				d := diagnostic{summary: summary.of(s), where: set.Position(s.Pos()).String()}
				if len(rest) > 0 {
					d.detail = detail.format(rest[0], rest[1:])
				}
				// A text that only passes through is made elsewhere.
				if strings.Trim(d.summary, "…") != "" {
					out = append(out, d)
				}
			}
			ast.Inspect(declaration, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					if i, ok := summaryArguments[called(n)]; ok && i < len(n.Args) {
						add(n.Args[i], n.Args[i+1:]...)
					}
				case *ast.CompositeLit:
					addLiteral(n, add)
				}
				return true
			})
		}
	}
	return out
}

// addLiteral adds the diagnostic of a composite literal, if it is one.
func addLiteral(literal *ast.CompositeLit, add func(ast.Expr, ...ast.Expr)) {
	var summary ast.Expr
	var detail []ast.Expr
	for _, element := range literal.Elts {
		if pair, ok := element.(*ast.KeyValueExpr); ok {
			if key, ok := pair.Key.(*ast.Ident); ok && strings.EqualFold(key.Name, "summary") {
				summary = pair.Value
			} else if ok && strings.EqualFold(key.Name, "detail") {
				detail = []ast.Expr{pair.Value}
			}
		}
	}
	// Validators may be written without names.
	if typ, ok := literal.Type.(*ast.Ident); ok && summary == nil {
		if i, ok := summaryElements[typ.Name]; ok && i < len(literal.Elts) {
			summary = literal.Elts[i]
		}
	}
	if summary != nil {
		add(summary, detail...)
	}
}

// called is the name of what a call calls.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		if from, ok := f.X.(*ast.Ident); ok && from.Name == "problem" {
			return "problem." + f.Sel.Name
		}
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	default:
		return ""
	}
}

// texts knows what expressions of a package say.
type texts struct {
	constants, variables map[string]string
	functions            map[string][]*ast.FuncDecl
}

// of is what an expression says, with "…" for what is known only at run time.
func (t texts) of(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return text
		}
	case *ast.Ident:
		if text, ok := t.variables[e.Name]; ok {
			return text
		}
		if text, ok := t.constants[e.Name]; ok {
			return text
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return t.of(e.X) + t.of(e.Y)
		}
	case *ast.CallExpr:
		if called(e) == "Sprintf" && len(e.Args) > 0 {
			return t.format(e.Args[0], e.Args[1:])
		}
		if made := t.functions[called(e)]; len(made) == 1 {
			return t.returned(made[0])
		}
	}
	return "…"
}

// format is a text with the arguments in it.
func (t texts) format(format ast.Expr, arguments []ast.Expr) string {
	i := 0
	return regexp.MustCompile(`%(\[\d+\])?[+#.0-9]*[a-z]`).ReplaceAllStringFunc(t.of(format), func(string) string {
		if i++; i <= len(arguments) && t.functions != nil {
			return t.of(arguments[i-1])
		}
		return "…"
	})
}

// returned is the longest text that a function of one result returns.
func (t texts) returned(f *ast.FuncDecl) string {
	inner := texts{constants: t.constants}
	inner.variables = inner.assigned(f)
	longest := "…"
	ast.Inspect(f, func(n ast.Node) bool {
		if result, ok := n.(*ast.ReturnStmt); ok && len(result.Results) == 1 {
			if text := inner.of(result.Results[0]); len(strings.Fields(text)) > len(strings.Fields(longest)) {
				longest = text
			}
		}
		return true
	})
	return longest
}

// assigned are the texts of a function's variables: the longest that is assigned, and all that is
// added to it.
func (t texts) assigned(declaration ast.Decl) map[string]string {
	first, added := map[string]string{}, map[string]string{}
	ast.Inspect(declaration, func(n ast.Node) bool {
		statement, ok := n.(*ast.AssignStmt)
		if !ok || len(statement.Lhs) != len(statement.Rhs) {
			return true
		}
		for i, left := range statement.Lhs {
			name, ok := left.(*ast.Ident)
			if !ok {
				continue
			}
			switch text := t.of(statement.Rhs[i]); {
			case statement.Tok == token.ADD_ASSIGN:
				added[name.Name] += text
			case len(strings.Fields(text)) >= len(strings.Fields(first[name.Name])):
				first[name.Name] = text
			}
		}
		return true
	})
	for name, text := range added {
		first[name] += text
	}
	return first
}
