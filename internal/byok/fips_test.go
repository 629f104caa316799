package byok_test

import (
	"bytes"
	"crypto/fips140"
	"os"
	"os/exec"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
)

// fipsChild is set in the process that TestFIPSModes starts for each mode.
const fipsChild = "BYOK_TEST_FIPS_MODE"

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
	mode := os.Getenv(fipsChild)
	if mode == "" {
		mode = byok.FIPSMode()
	}
	if got := byok.FIPSMode(); got != mode {
		t.Fatalf("FIPSMode = %s under GODEBUG=fips140=%s", got, mode)
	}
	strict := mode == "only"
	if fips140.Enforced() != strict {
		t.Fatalf("enforced is %t", fips140.Enforced())
	}

	m := byok.GenerateMaterial()
	hash := byok.HashMaterial(m)
	if len(byok.KeyCheckValue(m)) != 6 || byok.HashPrefix(hash) == "" {
		t.Error("hash or key check value is missing")
	}
	for _, name := range []string{"wrapping.crt", "wrapping.der", "rsa2048.crt", "ec.crt", "exponent3.crt"} {
		if _, err := byok.ParseCertificate(vector(t, name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := byok.ParseCertificate(concat(vector(t, "root.crt"), vector(t, "leaf.crt"), vector(t, "intermediate.crt")))
	if err != nil || c.SerialNumber() != "c0ffee" {
		t.Fatalf("chain: %v", err)
	}
	for _, a := range byok.WrappingAlgorithms() {
		wrapped, err := byok.Wrap(a, c, m)
		if strict && a == byok.RSAOAEPSHA1 {
			for _, err := range []error{err, a.Usable()} {
				mustFail(t, err, "strict FIPS 140-3")
				mustFail(t, err, "use RSA_OAEP_SHA512")
			}
			continue
		}
		if err != nil || a.Usable() != nil {
			t.Errorf("%s: %v, %v", a, err, a.Usable())
			continue
		}
		if _, err := byok.ParseWrapped(a, c, wrapped); err != nil {
			t.Errorf("%s: %v", a, err)
		}
		if !strict || a != byok.RSAOAEPSHA1 {
			if got, err := unwrap(a, wrappingKey(t), wrapped); err != nil || !bytes.Equal(got, m.Expose()) {
				t.Errorf("%s opens to other material: %v", a, err)
			}
		}
	}

	jwe, err := byok.CacheOnlyJWE(c, m, "kid", "")
	if strict {
		mustFail(t, err, "strict FIPS 140-3")
	} else if _, got, err := openJWE(wrappingKey(t), jwe); err != nil || !bytes.Equal(got, m.Expose()) {
		t.Errorf("JWE opens to other material: %v", err)
	}
}
