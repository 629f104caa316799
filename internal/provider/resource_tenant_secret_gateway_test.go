package provider_test

import (
	"bytes"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// answered is what something between us and Salesforce says to the POST of a key.
type answered struct {
	name  string
	reply http.HandlerFunc
	// definite is true for what Salesforce itself says when it refuses a key.
	definite bool
}

// answers are in the order in which a short list takes them.
func answers() []answered {
	const json, html, refusal = "application/json", "text/html",
		`[{"message":"no","errorCode":"FIELD_INTEGRITY_EXCEPTION"}]`

	return []answered{
		{"403 in JSON of a proxy", words(http.StatusForbidden, json, `{"error":"blocked by policy"}`), false},
		{
			"201 success:false", words(http.StatusCreated, json, `{"id":"02G000000000009AAA","success":false,"errors":[]}`),
			false,
		},
		{"307", words(http.StatusTemporaryRedirect, html, "", "Location", "https://login.example.com/"), false},
		{"empty 400", words(http.StatusBadRequest, "", ""), false},
		{"408 in Salesforce's form", words(http.StatusRequestTimeout, json, refusal), false},
		{"400 in Salesforce's form", words(http.StatusBadRequest, json, refusal), true},
		{"308", words(http.StatusPermanentRedirect, html, "", "Location", "https://login.example.com/"), false},
		{"200 with a login page", words(http.StatusOK, html, "<html>Log in</html>"), false},
		{"502 with a page", words(http.StatusBadGateway, html, "<html>Bad Gateway</html>"), false},
		{"403 in JSON, an array without codes", words(http.StatusForbidden, json, `[{"message":"blocked"}]`), false},
		{"500 in Salesforce's form", words(http.StatusInternalServerError, json,
			`[{"message":"oops","errorCode":"UNKNOWN_EXCEPTION"}]`), false},
		{"201 that is cut off", words(http.StatusCreated, json, `{"id":"02G0000000`), false},
	}
}

// keyWay is a way to come by a key. next writes the configuration for the nth key and returns its
// material, nil if the provider or Salesforce makes it.
type keyWay struct {
	name    string
	answers []answered
	escrow  bool
	source  string
	next    func(t *testing.T, sim *sfsim.Server, cli *acctest.CLI, n int) acctest.Material
}

func keyWays() []keyWay {
	all := answers()
	return []keyWay{
		{"generated", all, true, "UPLOADED", func(_ *testing.T, _ *sfsim.Server, cli *acctest.CLI, n int) acctest.Material {
			cli.Config(dataKey(trigger(strconv.Itoa(n)), escrowIn(cli)))

			return nil
		}},
		{"given", all[:6], true, "UPLOADED", func(_ *testing.T, _ *sfsim.Server, cli *acctest.CLI, n int) acctest.Material {
			material := acctest.NewMaterial()
			line, variable := givenMaterial(material, strconv.Itoa(n))
			cli.Config(variable + dataKey(line, escrowIn(cli)))

			return material
		}},
		{"pre-wrapped", all[:6], false, "UPLOADED", func(t *testing.T, sim *sfsim.Server, cli *acctest.CLI,
			_ int,
		) acctest.Material {
			t.Helper()
			material := acctest.NewMaterial()
			cli.Config(dataKey(wrapped(wrapFor(t, sim, material)), pin(material)))

			return material
		}},
		{"made by Salesforce", all[:4], false, "HSM", func(_ *testing.T, _ *sfsim.Server, cli *acctest.CLI,
			n int,
		) acctest.Material {
			cli.Config(tenantSecret(`type = "Data"`, `source = "HSM"`, trigger(strconv.Itoa(n))))

			return nil
		}},
	}
}

// refusedCopies lists the escrow copies that were renamed.
func refusedCopies(t *testing.T, cli *acctest.CLI) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(cli.Dir, "escrow", "*.age.refused"))
	if err != nil {
		t.Fatal(err)
	}

	return paths
}

// Salesforce has made the key, and something on the way answers in its place. Whatever it says, the
// key is found in the org by its hash or marker, nothing is sent twice, and the only copy stays
// where it is and opens to the key in use.
func TestAccTenantSecret_gatewayAfterTheKeyWasMade(t *testing.T) {
	t.Parallel()
	for _, way := range keyWays() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			skipBelowWriteOnly(t)
			sim := acctest.StartSim(t, sfsim.WithoutIntervals())
			g := newGateway(t, sim)
			cli := acctest.NewCLI(t, sim)
			for n, answer := range way.answers {
				material := way.next(t, sim, cli, n)
				g.set(answer.reply, false)
				applied := cli.Apply()
				g.set(nil, false)
				summary := "The reply to an upload was lost"
				if answer.definite {
					summary = "A refused key is in the org"
				}
				key := acctest.ActiveKey(t, sim, "Data")
				if applied.Code != 0 || !applied.Has("warning", summary, key.ID) {
					t.Fatalf("%s: expected the key %s to be found, found exit code %d\n%s", answer.name, key.ID, applied.Code,
						applied.Output())
				}
				if strings.Contains(applied.Output(), "othing was changed") {
					t.Errorf("%s: the key is there, and the output says that nothing was changed", answer.name)
				}
				uploads(t, sim, n+1, n+1)
				state := cli.State(tenantSecretAddress)
				if state["tenant_secret_id"] != key.ID || key.Source != way.source ||
					key.Description != fmt.Sprintf("[tf:%v]", state["rotation_id"]) {
					t.Errorf("%s: expected the state to have %s, found %v", answer.name, key.ID, state["tenant_secret_id"])
				}
				if way.source == "UPLOADED" && state["secret_value_hash"] != key.SecretValueHash {
					t.Errorf("%s: expected the hash %s, found %v", answer.name, key.SecretValueHash, state["secret_value_hash"])
				}
				made := sim.Unwrapped(key.ID)
				if material != nil && !bytes.Equal(made, material) {
					t.Errorf("%s: the org has another key than was given", answer.name)
				}
				if way.escrow && (copyOf(t, cli, made) == "" || !bytes.Equal(openEscrow(t, fmt.Sprint(state["escrow_ciphertext"]),
					ageIdentity), made)) {
					t.Errorf("%s: no copy of the key in use is left: %v", answer.name, escrowCopies(t, cli))
				}
				if renamed := refusedCopies(t, cli); len(renamed) != 0 {
					t.Errorf("%s: the copy of a key in use was renamed: %v", answer.name, renamed)
				}
			}
			cli.MustBeEmpty()
		})
	}
}

// The POST never reaches Salesforce. That can't be said from the answer, unless it is Salesforce's
// own refusal: nothing is claimed, no copy is deleted, and one more apply makes one key.
func TestAccTenantSecret_gatewayInsteadOfSalesforce(t *testing.T) {
	t.Parallel()
	for _, way := range keyWays() {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			skipBelowWriteOnly(t)
			sim := acctest.StartSim(t, sfsim.WithoutIntervals())
			g := newGateway(t, sim)
			cli := acctest.NewCLI(t, sim)
			copies, renamed := 0, 0
			for n, answer := range []answered{answers()[0], answers()[1], answers()[5]} {
				way.next(t, sim, cli, n)
				g.set(answer.reply, true)
				failed := cli.Apply()
				if answer.definite {
					expectError(t, failed, "Salesforce refused the new Data key", "FIELD_INTEGRITY_EXCEPTION",
						"The org was searched for the key since, and does not have it. Nothing was changed.")
				} else {
					expectError(t, failed, "Outcome of the upload is unknown", "Apply again")
				}
				if g.sent() != 1 {
					t.Errorf("%s: expected one POST, found %d", answer.name, g.sent())
				}
				if way.escrow {
					copies++
					if answer.definite {
						copies, renamed = copies-1, renamed+1
					}
				}
				if len(escrowCopies(t, cli)) != copies || len(refusedCopies(t, cli)) != renamed {
					t.Errorf("%s: expected %d copies and %d renamed ones, found %v and %v", answer.name, copies, renamed,
						escrowCopies(t, cli), refusedCopies(t, cli))
				}
				g.set(nil, false)
				if again := cli.Apply(); again.Code != 0 {
					t.Fatalf("%s: expected the next apply to make the key, found\n%s", answer.name, again.Output())
				}
				if way.escrow && len(escrowCopies(t, cli)) > copies {
					copies++
				}
				uploads(t, sim, n+1, n+1)
				key := acctest.ActiveKey(t, sim, "Data")
				expectState(t, cli, tenantSecretAddress, map[string]any{"tenant_secret_id": key.ID})
				if way.escrow && copyOf(t, cli, sim.Unwrapped(key.ID)) == "" {
					t.Errorf("%s: no copy of the key in use: %v", answer.name, escrowCopies(t, cli))
				}
			}
			cli.MustBeEmpty()
		})
	}
}

// A refusal in Salesforce's own form, of a key that is there, while the org can't be searched:
// nothing is claimed, the copy keeps its name, and the next apply adopts the key.
func TestAccTenantSecret_gatewayAndNoLook(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	g := newGateway(t, sim)
	cli := acctest.NewCLI(t, sim)
	cli.Config(dataKey(escrowIn(cli)))
	g.set(answers()[5].reply, false)
	// The plan reads the keys once, the apply once for its plan and once for the write.
	arm(t, sim, outOfReach)
	failed := cli.Apply()
	expectError(t, failed, "Salesforce refused the new Data key", "The org could not be searched for the key since",
		"Keep its escrow copy, and plan again.")
	if strings.Contains(failed.Output(), "Nothing was changed") {
		t.Error("the key is there, and the output says that nothing was changed")
	}
	key := acctest.ActiveKey(t, sim, "Data")
	if copyOf(t, cli, sim.Unwrapped(key.ID)) == "" || len(refusedCopies(t, cli)) != 0 {
		t.Errorf("expected the copy to keep its name, found %v", escrowCopies(t, cli))
	}
	g.set(nil, false)
	sim.ClearFaults()
	expectWarning(t, cli.MustApply(), "An existing key will be adopted", key.ID)
	uploads(t, sim, 1, 1)
	if armored := fmt.Sprint(cli.State(tenantSecretAddress)["escrow_ciphertext"]); !bytes.Equal(openEscrow(t, armored,
		ageIdentity), sim.Unwrapped(key.ID)) {
		t.Error("the adoption has lost the copy")
	}
}
