package escrow_test

import (
	"bytes"
	"crypto/fips140"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
)

// fipsChild is set in the process that TestFIPSModes starts for each mode.
const fipsChild = "ESCROW_TEST_FIPS_MODE"

// Runs TestInFIPSMode in a process of its own for each mode, since GODEBUG is read once at start.
func TestFIPSModes(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"off", "on", "only"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestInFIPSMode$", "-test.v")
			cmd.Env = append(os.Environ(), "GODEBUG=fips140="+mode, fipsChild+"="+mode)
			out, err := cmd.CombinedOutput()
			if err != nil || !bytes.Contains(out, []byte("--- PASS: TestInFIPSMode")) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

func TestInFIPSMode(t *testing.T) {
	t.Parallel()
	if mode := os.Getenv(fipsChild); mode != "" && mode != byok.FIPSMode() {
		t.Fatalf("FIPSMode = %s under GODEBUG=fips140=%s", byok.FIPSMode(), mode)
	}
	strict := byok.FIPSMode() == "only"
	m := byok.GenerateMaterial()
	hash := byok.HashMaterial(m)
	for _, kind := range []string{"x25519", "hybrid"} {
		r, err := escrow.NewPlan([]string{ageFile(t, kind+"-recipient.txt")})
		if err != nil {
			t.Fatal(err)
		}
		armored, err := r.Encrypt(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := open(armored, ageFile(t, kind+"-identity.txt"))
		if err != nil || !bytes.Equal(got, m.Expose()) {
			t.Errorf("%s escrow opens to other material: %v", kind, err)
		}
		d := openDirectory(t, t.TempDir())
		if _, err := d.Keep(escrow.Key{Organization: orgID, Type: "Data", RotationID: rotationID, Hash: hash}, r,
			armored); err != nil {
			t.Error(err)
		}
	}
	if fips140.Enforced() != strict {
		t.Errorf("enforcement is %t after escrow", fips140.Enforced())
	}
	if notice := escrow.FIPSNotice(); strict != strings.Contains(notice, "does not approve") || strict == (notice == "") {
		t.Errorf("notice %q", notice)
	}
}
