package architecture_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// pkg is the part of `go list -json` that the rules look at.
type pkg struct {
	ImportPath string   `json:"ImportPath"`
	Standard   bool     `json:"Standard"`
	Imports    []string `json:"Imports"` // direct, without test files
	Deps       []string `json:"Deps"`    // transitive, without test files
}

// root is the directory of the module, where go.mod is.
func root(t *testing.T) string {
	t.Helper()
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatalf("no go.mod above %s", wd)
		}
	}
}

// modulePath reads the one place where the module path stands.
func modulePath(t *testing.T) string {
	t.Helper()
	mod, err := os.ReadFile(filepath.Join(root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		if path, ok := strings.CutPrefix(line, "module "); ok {
			return strings.TrimSpace(path)
		}
	}
	t.Fatal("go.mod has no module line")
	return ""
}

// load lists every package that the module's own packages reach when built for
// goos. Files of another system have imports too.
func load(t *testing.T, goos string) map[string]pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps",
		"-json=ImportPath,Standard,Imports,Deps", "./...")
	cmd.Dir = root(t)
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	pkgs := map[string]pkg{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return pkgs
		}
		if err != nil {
			t.Fatalf("decoding go list: %v", err)
		}
		pkgs[p.ImportPath] = p
	}
}

// rule says what a package may import beside the standard library.
type rule struct {
	// own are packages of this module, relative to it: "internal/secret".
	own []string
	// modules are prefixes of import paths of other modules.
	modules []string
	// test allows what only tests may use: testing, httptest, plugin-testing.
	test bool
}

// testSupport are the packages that only _test files and packages with
// rule.test may import.
var testSupport = []string{
	"testing", "net/http/httptest", "github.com/hashicorp/terraform-plugin-testing",
}

func within(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// violations compares direct imports with the rules. The key of a rule is a
// package relative to the module ("" is the root), or, ending in "/...", every
// package below one that has no rule of its own.
func violations(module string, pkgs map[string]pkg, rules map[string]rule) []string {
	var out []string
	for path, p := range pkgs {
		if !within(path, module) {
			continue
		}
		name := strings.TrimPrefix(strings.TrimPrefix(path, module), "/")
		r, ok := find(name, rules)
		if !ok {
			out = append(out, name+" has no rule: say in rules_test.go what it may import")
			continue
		}
		for _, imp := range p.Imports {
			if reason := refuse(module, name, imp, pkgs[imp].Standard, r); reason != "" {
				out = append(out, fmt.Sprintf("%s imports %s: %s", name, imp, reason))
			}
		}
	}
	slices.Sort(out)
	return out
}

func find(name string, rules map[string]rule) (rule, bool) {
	if r, ok := rules[name]; ok {
		return r, true
	}
	for dir := name; dir != "." && dir != ""; dir = filepath.ToSlash(filepath.Dir(dir)) {
		if r, ok := rules[dir+"/..."]; ok {
			return r, true
		}
	}
	return rule{}, false
}

func refuse(module, name, imp string, standard bool, r rule) string {
	if slices.ContainsFunc(testSupport, func(s string) bool { return within(imp, s) }) {
		if r.test {
			return ""
		}
		return "test support belongs in _test files and internal/acctest"
	}
	if standard || imp == "C" {
		return ""
	}
	if within(imp, module) {
		own := strings.TrimPrefix(strings.TrimPrefix(imp, module), "/")
		if slices.Contains(r.own, own) || (own != name && within(own, name)) {
			return ""
		}
		return "not a direction that the architecture allows"
	}
	if slices.ContainsFunc(r.modules, func(m string) bool { return within(imp, m) }) {
		return ""
	}
	return "a module that this package may not use"
}
