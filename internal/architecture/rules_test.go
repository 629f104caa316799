package architecture_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const framework = "github.com/hashicorp/terraform-plugin-framework"

// systems are those whose files differ: the file system calls of the escrow
// directory and the process settings.
var systems = []string{"linux", "darwin", "windows"}

// The linter depguard compares direct imports with .golangci.yml. It passes a package that no rule
// names.
func TestEveryReleasedPackageHasARule(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root(t), ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]struct {
						ListMode string   `yaml:"list-mode"`
						Files    []string `yaml:"files"`
					} `yaml:"rules"`
				} `yaml:"depguard"`
			} `yaml:"settings"`
		} `yaml:"linters"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	ruled := map[string]bool{}
	for _, rule := range config.Linters.Settings.Depguard.Rules {
		for _, glob := range rule.Files {
			if name, ok := strings.CutPrefix(glob, "**/"); ok && rule.ListMode == "strict" {
				ruled[strings.TrimSuffix(name, "/*.go")] = true
			}
		}
	}
	module := modulePath(t)
	released := map[string]bool{}
	for _, goos := range systems {
		pkgs := load(t, goos)
		for _, dep := range pkgs[module].Deps {
			if name, ok := strings.CutPrefix(dep, module+"/"); ok {
				released[name] = true
			}
		}
		for name := range ruled {
			if _, ok := pkgs[module+"/"+name]; !ok && strings.HasPrefix(name, "internal/") && !strings.Contains(name, "*") {
				t.Errorf("a rule of depguard is about %s, and there is no such package on %s", name, goos)
			}
		}
	}
	if len(released) < 10 {
		t.Fatalf("expected the packages of the released provider, found %v", released)
	}
	for name := range released {
		if !ruled[name] {
			t.Errorf("%s has no rule: say in .golangci.yml, at depguard, what it may import", name)
		}
	}
}

// The simulator shares nothing with the client or the cryptography ("double entry"): otherwise a
// wrong field name or hash would be wrong on both sides, and pass. This and the like hold for
// everything that a package reaches, directly or not.
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
				module + "/internal/keys", module + "/internal/quorum", module + "/internal/receipt", module + "/internal/secret",
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
	for _, goos := range systems {
		pkgs := load(t, goos)
		for _, tc := range tests {
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
		}
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
