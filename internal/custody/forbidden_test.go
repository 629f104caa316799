package custody_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// forbidden is a transition that Salesforce does not allow.
type forbidden struct {
	typ, source, status string
	older               bool
	api                 int
	wanted              string
}

// forbiddenTransitions are those that no document lists [D ShieldREST]. The simulator's list of the
// same name, in internal/sfsim/lifecycle_forbidden_test.go, shows that Salesforce refuses each if
// it is sent; here it is not sent.
func forbiddenTransitions() map[string]forbidden {
	return map[string]forbidden{
		"uploaded: ACTIVE to ACTIVE": {
			typ: "Data", source: "UPLOADED", status: "ACTIVE",
			wanted: "ACTIVE",
		},
		"uploaded: ACTIVE to ARCHIVED": {
			typ: "Data", source: "UPLOADED", status: "ACTIVE",
			wanted: "ARCHIVED",
		},
		"uploaded: ACTIVE to DESTROYED": {
			typ: "Data", source: "UPLOADED", status: "ACTIVE",
			wanted: "DESTROYED",
		},
		"uploaded: ARCHIVED to ACTIVE": {
			typ: "Data", source: "UPLOADED", status: "ARCHIVED",
			wanted: "ACTIVE",
		},
		"uploaded: ARCHIVED to ARCHIVED": {
			typ: "Data", source: "UPLOADED", status: "ARCHIVED",
			wanted: "ARCHIVED",
		},
		"uploaded: DESTROYED to ACTIVE": {
			typ: "Data", source: "UPLOADED", status: "DESTROYED",
			wanted: "ACTIVE",
		},
		"uploaded: DESTROYED to ARCHIVED without an export": {
			typ: "Data", source: "UPLOADED", status: "DESTROYED",
			wanted: "ARCHIVED",
		},
		"uploaded: DESTROYED to DESTROYED": {
			typ: "Data", source: "UPLOADED", status: "DESTROYED",
			wanted: "DESTROYED",
		},
		"HSM: ACTIVE to ARCHIVED": {
			typ: "Data", source: "HSM", status: "ACTIVE",
			wanted: "ARCHIVED",
		},
		"HSM: ACTIVE to DESTROYED": {
			typ: "Data", source: "HSM", status: "ACTIVE",
			wanted: "DESTROYED",
		},
		"HSM: ARCHIVED to ACTIVE": {
			typ: "Data", source: "HSM", status: "ARCHIVED",
			wanted: "ACTIVE",
		},
		"HSM: DESTROYED to ACTIVE": {
			typ: "Data", source: "HSM", status: "DESTROYED",
			wanted: "ACTIVE",
		},
		"HSM: DESTROYED to ARCHIVED without an export": {
			typ: "Data", source: "HSM", status: "DESTROYED",
			wanted: "ARCHIVED",
		},
		"Database: ARCHIVED to DESTROYED": {
			typ: "Database", source: "UPLOADED", status: "ARCHIVED",
			wanted: "DESTROYED", api: 62,
		},
		"SearchIndex of API 63: ARCHIVED to DESTROYED": {
			typ: "SearchIndex", source: "UPLOADED", status: "ARCHIVED",
			wanted: "DESTROYED", api: 63,
		},
		"cache-only: ACTIVE to ACTIVE": {
			typ: "Data", source: "REMOTE", status: "ACTIVE",
			wanted: "ACTIVE",
		},
		"cache-only: ACTIVE to ARCHIVED": {
			typ: "Data", source: "REMOTE", status: "ACTIVE",
			wanted: "ARCHIVED",
		},
		"cache-only: DESTROYED to ARCHIVED": {
			typ: "Data", source: "REMOTE", status: "DESTROYED",
			wanted: "ARCHIVED",
		},
		"cache-only: DESTROYED to DESTROYED": {
			typ: "Data", source: "REMOTE", status: "DESTROYED",
			wanted: "DESTROYED",
		},
		"cache-only, not the newest: ARCHIVED to ACTIVE": {
			typ: "Data", source: "REMOTE", status: "ARCHIVED",
			wanted: "ACTIVE", older: true,
		},
		"cache-only, not the newest: ARCHIVED to DESTROYED": {
			typ: "Data", source: "REMOTE", status: "ARCHIVED", wanted: "DESTROYED", older: true,
		},
		"cache-only, not the newest: DESTROYED to ACTIVE": {
			typ: "Data", source: "REMOTE", status: "DESTROYED",
			wanted: "ACTIVE", older: true,
		},
	}
}

// Each forbidden transition is refused, or there is nothing to do: never is there an action that
// sends. Restoring is an action, and the Keeper refuses it without an export.
func TestForbiddenTransitions(t *testing.T) {
	t.Parallel()
	for name, f := range forbiddenTransitions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row := record(f.source, f.status)
			row.Type = f.typ
			action, refusal := kept(row, !f.older, max(f.api, 62)).Transition(f.wanted)
			keeper, org := newKeeper(t, row)
			if action == keys.Restore && refusal == nil {
				_, err := keeper.Restore(t.Context(), recordID, secret.Text{})
				if err == nil || len(org.patches) != 0 {
					t.Fatalf("expected the restoration to be refused unsent, found %v, %v", org.patches, err)
				}

				return
			}
			if action != keys.Stay && refusal == nil {
				t.Fatalf("expected a refusal or nothing to do, found action %d", action)
			}
			asWanted := f.status == f.wanted && (f.source == "REMOTE" || f.wanted != keys.StatusActive)
			if asWanted != (refusal == nil) {
				t.Errorf("expected a refusal unless the record is as wanted, found %v", refusal)
			}
		})
	}
}

// The Keeper asks for the status once more: if a record has changed since the plan, the
// transition that is forbidden now is not sent.
func TestForbiddenTransitions_sinceThePlan(t *testing.T) {
	t.Parallel()
	for name, f := range forbiddenTransitions() {
		if f.status == f.wanted || f.source == "REMOTE" || f.typ != "Data" || f.wanted == keys.StatusActive {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keeper, org := newKeeper(t, record(f.source, f.status))
			var err error
			if f.wanted == keys.StatusDestroyed {
				_, err = keeper.Destroy(t.Context(), recordID, org.exportText())
				_, forGood := keeper.DestroyForGood(t.Context(), recordID)
				err = errors.Join(err, forGood)
			} else {
				_, err = keeper.Restore(t.Context(), recordID, secret.Text{})
			}
			if err == nil || len(org.patches) != 0 {
				t.Errorf("expected nothing to be sent, found %v, %v", org.patches, err)
			}
		})
	}
}

// Both lists have the same names, so that no transition is tested on one side alone.
func TestForbiddenTransitions_sameNamesAsTheSimulator(t *testing.T) {
	t.Parallel()
	theirs := namesIn(t, "../sfsim/lifecycle_forbidden_test.go", "forbiddenTransitions")
	ours := slices.Sorted(maps.Keys(forbiddenTransitions()))
	for _, name := range ours {
		if !slices.Contains(theirs, name) {
			t.Errorf("the simulator has no test of %q", name)
		}
	}
	for _, name := range theirs {
		if !slices.Contains(ours, name) {
			t.Errorf("the simulator refuses %q, and no test here shows that it is not sent", name)
		}
	}
}

// namesIn returns the keys of the map that a function of a Go file returns.
func namesIn(t *testing.T, file, function string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, declaration := range parsed.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		if !ok || f.Name.Name != function {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			pair, ok := n.(*ast.KeyValueExpr)
			if !ok {
				return true
			}
			if key, ok := pair.Key.(*ast.BasicLit); ok && key.Kind == token.STRING {
				name, err := strconv.Unquote(key.Value)
				if err != nil {
					t.Fatal(err)
				}
				names = append(names, name)
			}

			return false
		})
	}
	if len(names) == 0 {
		t.Fatalf("%s has no map in %s", file, function)
	}

	return names
}
