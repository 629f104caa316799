package provider_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// escrowNotice is the summary of the warning that strict FIPS brings.
const escrowNotice = "Escrow copies are made outside FIPS 140-3"

// fipsNotice is that summary if this process, and so the provider that it starts, runs under
// strict FIPS, and "" elsewhere.
func fipsNotice() string {
	if strictFIPS() {
		return escrowNotice
	}

	return ""
}

// strictly makes the provider, a process of its own, refuse what FIPS 140-3 does not approve. It
// does so by GODEBUG in any build.
func strictly(cli *acctest.CLI) *acctest.CLI {
	cli.Built().Env["GODEBUG"] = "fips140=only"

	return cli
}

// Under strict FIPS 140-3 the whole path of a key works: login, wrapping with SHA-512, upload,
// escrow, rotation. That escrow is made outside of it is said to the operator and in the receipt.
func TestAccTenantSecret_strictFIPS(t *testing.T) {
	t.Parallel()
	for algorithm, typ := range map[string]string{"RSA_OAEP_SHA512": "Data", "RSA_AES_KEY_WRAP_SHA512": "SearchIndex"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, sfsim.WithoutIntervals())
			cli := strictly(acctest.NewCLI(t, sim))
			for _, value := range []string{"1", "2"} {
				cli.Config(tenantSecret(fmt.Sprintf("type = %q", typ), `certificate = "Sim_BYOK"`,
					fmt.Sprintf("wrapping_algorithm = %q", algorithm), trigger(value), escrowIn(cli)))
				result := cli.Apply()
				if result.Code != 0 {
					t.Fatal(result.Output())
				}
				if !result.Has("warning", escrowNotice, "age", "which FIPS 140-3 does not approve") {
					t.Errorf("expected the notice on escrow, found %v", result.Summaries("warning"))
				}
				cli.MustBeEmpty()
			}
			if n := acctest.Count(sim, acctest.OpCreate); n != 2 {
				t.Errorf("expected two uploads, found %d", n)
			}
			active, state := acctest.ActiveKey(t, sim, typ), cli.State(tenantSecretAddress)
			armored, _ := state["escrow_ciphertext"].(string)
			if key := openEscrow(t, armored, ageIdentity); !slices.Equal(key, sim.Unwrapped(active.ID)) {
				t.Error("the escrow copy is not of the uploaded key")
			}
			var receipt struct {
				Mode   string `json:"fips_mode"`
				Notice string `json:"escrow_notice"`
			}
			text, _ := state["receipt"].(string)
			if err := json.Unmarshal([]byte(text), &receipt); err != nil || receipt.Mode != "only" || receipt.Notice == "" {
				t.Errorf("expected the receipt to name the mode and the notice, found %s", text)
			}
		})
	}
}

// What strict FIPS 140-3 can't do is refused with the reason, before anything is sent.
func TestAccTenantSecret_strictFIPSRefusesSHA1(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := strictly(acctest.NewCLI(t, sim))
	cli.Config(dataKey(`wrapping_algorithm = "RSA_OAEP_SHA1"`))
	for name, run := range map[string]func(...string) acctest.Result{"plan": cli.Plan, "apply": cli.Apply} {
		result := run()
		refused := slices.ContainsFunc(result.Diagnostics, func(d acctest.Diagnostic) bool {
			return d.Severity == "error" && d.At("wrapping_algorithm")
		})
		if result.Code != 1 || !refused {
			t.Errorf("%s: expected an error at wrapping_algorithm, found %s", name, result.Output())
		}
	}
	if writes := acctest.Writes(sim); len(writes) != 0 {
		t.Errorf("expected nothing to be sent, found %v", writes)
	}
}

// Without strict FIPS nobody is bothered.
func TestAccTenantSecret_noFIPSNotice(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim).Built() // the mode is that of a process
	cli.Env["GODEBUG"] = "fips140=on"
	cli.Config(dataKey(escrowIn(cli)))
	result := cli.Apply()
	if result.Code != 0 || slices.Contains(result.Summaries("warning"), escrowNotice) {
		t.Errorf("expected no notice, found exit code %d, %v", result.Code, result.Summaries("warning"))
	}
}
