package architecture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const framework = "github.com/hashicorp/terraform-plugin-framework"

// The directions: main -> provider -> {upload, custody, inventory, ...} ->
// {keys, salesforce, byok} -> {problem, secret}. The rules of keys know neither I/O nor Terraform.
// The simulator stands beside them and shares nothing with the client or the cryptography ("double
// entry"): otherwise a wrong field name or hash would be wrong on both sides, and pass.
var rules = map[string]rule{
	"": {
		own:     []string{"internal/hardening", "internal/pluginserver", "internal/provider"},
		modules: []string{"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"},
	},

	"internal/provider": {
		own: []string{
			"internal/byok", "internal/custody", "internal/escrow", "internal/inventory", "internal/keys", "internal/look",
			"internal/pluginserver", "internal/problem",
			"internal/quorum", "internal/receipt", "internal/redact", "internal/salesforce", "internal/secret",
			"internal/tfvalidator", "internal/upload",
		},
		modules: []string{
			framework, framework + "-timeouts", framework + "-validators",
			"github.com/hashicorp/terraform-plugin-go", "github.com/hashicorp/terraform-plugin-log", "golang.org/x/sync",
		},
	},
	"internal/pluginserver": {
		own:     []string{"internal/detach"},
		modules: []string{framework, "github.com/hashicorp/terraform-plugin-go"},
	},
	"internal/tfvalidator": {
		own:     []string{"internal/byok", "internal/escrow", "internal/keys", "internal/salesforce", "internal/secret"},
		modules: []string{framework},
	},

	"internal/upload": {
		own: []string{
			"internal/byok", "internal/escrow", "internal/inventory", "internal/keys", "internal/look", "internal/problem",
			"internal/receipt", "internal/salesforce",
			"internal/secret",
		},
	},
	"internal/custody": {
		own: []string{
			"internal/byok", "internal/inventory", "internal/keys", "internal/look", "internal/problem", "internal/quorum",
			"internal/receipt", "internal/salesforce", "internal/secret",
		},
	},
	"internal/detach":    {},
	"internal/hardening": {},
	"internal/inventory": {own: []string{"internal/byok", "internal/detach", "internal/keys", "internal/salesforce"}},
	"internal/keys":      {own: []string{"internal/problem"}},
	"internal/look":      {},
	"internal/problem":   {},
	"internal/salesforce": {
		own:     []string{"internal/detach", "internal/redact", "internal/secret"},
		modules: []string{"golang.org/x/oauth2", "golang.org/x/sync"},
	},
	"internal/byok": {
		own:     []string{"internal/secret"},
		modules: []string{"github.com/go-jose/go-jose/v4", "github.com/tink-crypto/tink-go/v2/kwp"},
	},
	"internal/escrow": {
		own:     []string{"internal/byok", "internal/durable", "internal/secret"},
		modules: []string{"filippo.io/age"},
	},
	"internal/quorum":  {modules: []string{"github.com/hiddeco/sshsig", "golang.org/x/crypto/ssh"}},
	"internal/receipt": {own: []string{"internal/durable"}},
	"internal/receipt/schema": {
		own:     []string{"internal/receipt"},
		modules: []string{"github.com/santhosh-tekuri/jsonschema/v6"},
	},
	"internal/durable": {modules: []string{"golang.org/x/sys/windows"}},
	"internal/redact":  {},
	"internal/secret":  {},

	"internal/sfsim":           {modules: []string{"go.yaml.in/yaml/v3"}},
	"internal/sfsim/...":       {},
	"internal/sfsim/cmd/sfsim": {own: []string{"internal/sfsim"}},

	// What only this repository runs.
	"internal/bench":           {own: []string{"internal/provider", "internal/sfsim"}},
	"internal/bench/cmd/bench": {own: []string{"internal/bench", "internal/clifind"}},
	// Packages of tests, apart for what they start.
	"internal/conformance": {},
	"internal/faultmatrix": {},
	"internal/guides":      {},
	"internal/acctest": {
		own: []string{"internal/clifind", "internal/provider", "internal/sfsim"},
		modules: []string{
			framework, "github.com/hashicorp/terraform-plugin-go", "github.com/hashicorp/terraform-plugin-testing",
			"github.com/hashicorp/terraform-json", "github.com/hashicorp/go-hclog", "github.com/hashicorp/go-plugin",
		},
		test: true,
	},
	"internal/architecture":        {},
	"internal/clifind":             {modules: []string{"github.com/hashicorp/hc-install"}},
	"internal/clifind/cmd/clifind": {own: []string{"internal/clifind"}},
	"internal/docschema": {modules: []string{
		"github.com/hashicorp/terraform-json",
		"github.com/hashicorp/terraform-plugin-go", "github.com/zclconf/go-cty",
	}},
	"internal/docschema/cmd/docschema": {
		own:     []string{"internal/docschema", "internal/provider"},
		modules: []string{"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"},
	},
	"internal/release":                  {},
	"internal/release/cmd/releasecheck": {own: []string{"internal/release"}},
	"internal/demo": {
		own:     []string{"internal/provider", "internal/receipt", "internal/sfsim"},
		modules: []string{"filippo.io/age", "github.com/hiddeco/sshsig", "golang.org/x/crypto/ssh"},
	},
	"internal/demo/cmd/demo": {own: []string{"internal/clifind", "internal/demo"}},
}

// systems are those whose files differ: the file system calls of the escrow
// directory and the process settings.
var systems = []string{"linux", "darwin", "windows"}

func TestImportDirections(t *testing.T) {
	t.Parallel()
	module := modulePath(t)
	for _, goos := range systems {
		t.Run(goos, func(t *testing.T) {
			t.Parallel()
			pkgs := load(t, goos)
			for _, v := range violations(module, pkgs, rules) {
				t.Error(v)
			}
			for name, r := range rules {
				for _, of := range append([]string{name}, r.own...) {
					if _, ok := pkgs[strings.TrimSuffix(module+"/"+strings.TrimSuffix(of, "/..."), "/")]; !ok {
						t.Errorf("a rule is about %s, and there is no such package", of)
					}
				}
			}
		})
	}
}

// The rules look at direct imports; these hold for everything that is reached.
func TestReach(t *testing.T) {
	t.Parallel()
	module := modulePath(t)
	tests := map[string]struct {
		from   []string // packages relative to the module
		never  []string // import path prefixes
		reason string
	}{
		"simulator": {
			from: []string{"internal/sfsim", "internal/sfsim/cmd/sfsim"},
			never: []string{
				module + "/internal/salesforce", module + "/internal/byok", module + "/internal/escrow",
				module + "/internal/receipt", module + "/internal/secret",
				module + "/internal/provider", "filippo.io/age", "github.com/tink-crypto/tink-go/v2",
			},
			reason: "the simulator judges the client by its own reading of Salesforce's rules",
		},
		"shipped binary": {
			from: []string{""},
			never: []string{
				"github.com/hashicorp/terraform-plugin-sdk", "github.com/hashicorp/terraform-plugin-testing",
				"github.com/hashicorp/hc-install", module + "/internal/sfsim", module + "/internal/acctest",
				"net/http/httptest", module + "/internal/receipt/schema", "github.com/santhosh-tekuri/jsonschema",
			},
			reason: "customers run this; test tools and simulators stay out of it",
		},
		"client and cryptography": {
			from: []string{
				"internal/salesforce", "internal/byok", "internal/escrow", "internal/receipt", "internal/upload",
				"internal/inventory", "internal/keys",
			},
			never:  []string{framework, "github.com/hashicorp/terraform-plugin-go", "github.com/hashicorp/terraform-plugin-log"},
			reason: "they know nothing of Terraform",
		},
	}
	pkgs := load(t, "linux")
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, from := range tc.from {
				path := strings.TrimSuffix(module+"/"+from, "/")
				p, ok := pkgs[path]
				if !ok {
					t.Errorf("there is no package %s: has it moved?", path)
					continue
				}
				for _, dep := range p.Deps {
					if slices.ContainsFunc(tc.never, func(n string) bool { return within(dep, n) }) {
						t.Errorf("%s reaches %s: %s", path, dep, tc.reason)
					}
				}
			}
		})
	}
}

// A publisher who forks the project changes the module path in go.mod and
// imports, and the provider's address in one line.
func TestNamesStandInOnePlace(t *testing.T) {
	t.Parallel()
	module := modulePath(t)
	const address = "registry.terraform.io/salesforcebyok/salesforcebyok"
	holders := map[string][]string{}
	fset := token.NewFileSet()
	base := root(t)
	err := filepath.WalkDir(base, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "testdata" || d.Name() == "bin"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(base, path)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if _, ok := n.(*ast.ImportSpec); ok {
				return false
			}
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			value, err := strconv.Unquote(lit.Value)
			if err != nil {
				return true
			}
			for _, name := range []string{module, address} {
				if strings.Contains(value, name) {
					holders[name] = append(holders[name], filepath.ToSlash(rel))
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := holders[module]; len(got) != 0 {
		t.Errorf("the module path stands in strings of %v; go.mod is its place", got)
	}
	if got := holders[address]; len(got) != 1 {
		t.Errorf("the provider's address stands in %v; want one file", got)
	}
}

// The rules themselves: what they must see, and what they must let pass.
func TestViolations(t *testing.T) {
	t.Parallel()
	const m = "example.org/m"
	graph := func(name string, imports ...string) map[string]pkg {
		pkgs := map[string]pkg{"fmt": {Standard: true}, "testing": {Standard: true}, "net/http/httptest": {Standard: true}}
		pkgs[strings.TrimSuffix(m+"/"+name, "/")] = pkg{ImportPath: m + "/" + name, Imports: imports}
		return pkgs
	}
	rules := map[string]rule{
		"a":     {own: []string{"b"}, modules: []string{"example.org/lib"}},
		"b/...": {},
		"t":     {test: true},
	}
	tests := map[string]struct {
		graph map[string]pkg
		want  []string
	}{
		"allowed":        {graph("a", "fmt", m+"/b", "example.org/lib", "example.org/lib/sub"), nil},
		"own subpackage": {graph("a", m+"/a/sub"), nil},
		"test support where it belongs": {
			graph("t", "testing", "net/http/httptest"), nil,
		},
		"wrong direction": {
			graph("b/x", m+"/a"),
			[]string{"b/x imports " + m + "/a: not a direction that the architecture allows"},
		},
		"other subpackage of an allowed one": {
			graph("a", m+"/b/x"),
			[]string{"a imports " + m + "/b/x: not a direction that the architecture allows"},
		},
		"foreign module": {
			graph("a", "example.org/library"),
			[]string{"a imports example.org/library: a module that this package may not use"},
		},
		"test support": {
			graph("a", "testing"),
			[]string{"a imports testing: test support belongs in _test files and internal/acctest"},
		},
		"no rule": {
			graph("new", "fmt"),
			[]string{"new has no rule: say in rules_test.go what it may import"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, violations(m, tc.graph, rules)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
