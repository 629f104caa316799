package guides_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

// The ceremony with an HSM, on the software tokens of Debian, up to an ACTIVE key of the org.
func TestWalkKeyCeremonyInAToken(t *testing.T) {
	t.Parallel()
	const softHSM = "/usr/lib/softhsm/libsofthsm2.so"
	cases := map[string]struct {
		module, token, algorithm string
		// prepare makes a token with the PIN 12345678.
		programs []string
		prepare  string
		more     string
	}{
		"SoftHSM2": {
			softHSM, "ceremony", "RSA_OAEP_SHA1",
			[]string{"softhsm2-util"},
			"mkdir tokens\nexport SOFTHSM2_CONF=$PWD/softhsm2.conf\nprintf 'directories.tokendir = %s\\nobjectstore.backend = " +
				"file\\n' \"$PWD/tokens\" > softhsm2.conf\nsofthsm2-util --init-token --free --label ceremony --so-pin 12345678 " +
				"--pin 12345678\n", "",
		},
		"NSS softokn": {
			"libsoftokn3.so", "NSS Certificate DB", "RSA_OAEP_SHA512",
			[]string{"certutil"},
			"mkdir tokens\nprintf 12345678 > password\ncertutil -N -d sql:tokens -f password\n",
			` -library-parameters "configdir='sql:$PWD/tokens' certPrefix='' keyPrefix='' secmod='secmod.db'"`,
		},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t, append(test.programs, "openssl", "gcc")...)
			module := test.module
			for _, pattern := range []string{"/usr/lib/*/", "/usr/lib/*/nss/", "/usr/lib64/"} {
				if found, _ := filepath.Glob(pattern + module); len(found) > 0 {
					module = found[0]
				}
			}
			if !filepath.IsAbs(module) {
				t.Skipf("%s is not installed", module)
			}
			genuine(t, name+" ("+module+"), "+test.algorithm)
			sim := acctest.StartSim(t)
			s.of(sim)
			source, err := filepath.Abs(filepath.Join(top, "examples", "ceremony"))
			if err != nil {
				t.Fatal(err)
			}
			p := open(t, "key-ceremony")
			fetch := required + p.block("hcl", "certificate_pem", "BYOK_Wrapping", "Sim_BYOK")
			walked := p.block("sh", "./ceremony -module", "/usr/lib/softhsm/libsofthsm2.so", module, "-token ceremony",
				fmt.Sprintf("-token '%s'%s", test.token, test.more),
				"RSA_OAEP_SHA1", test.algorithm)
			printed := s.
				then("build", "here=$PWD\n(cd '"+source+"' && CGO_ENABLED=1 go build -o \"$here/ceremony\" .)\n").
				then("token", test.prepare).
				write("main.tf", fetch).
				then("fetch", "terraform apply\n"+p.block("sh", "wrapping.pem -noout")+
					"FINGERPRINT=$(terraform output -raw certificate_sha256)\n").
				then("ceremony", strings.Replace(walked, "read -rs PIN", "read -rs PIN <<< 12345678", 1)).
				then("files", "cat hash.b64\n").
				write("main.tf", fetch, p.block("hcl", "wrapped_key_material", "BYOK_Wrapping", "Sim_BYOK", `"RSA_OAEP_SHA512"`,
					`"`+test.algorithm+`"`)).
				then("upload", "terraform apply\nterraform plan -detailed-exitcode\n").
				run()
			says(t, printed, "ceremony", "salesforce-byok-ceremony: 1", "wrapping_algorithm: "+test.algorithm, "witness: C. Dee",
				"secret_value_hash: "+strings.TrimSpace(printed["files"]))
			if key := acctest.ActiveKey(t, sim, "Data"); key.SecretValueHash != strings.TrimSpace(printed["files"]) ||
				key.Source != "UPLOADED" {
				t.Errorf("expected the ACTIVE key to be the token's, found %+v", key)
			}
		})
	}
}
