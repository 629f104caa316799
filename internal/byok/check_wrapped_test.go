package byok_test

import (
	"encoding/base64"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
)

func TestCheckWrapped(t *testing.T) {
	t.Parallel()
	for _, a := range byok.WrappingAlgorithms() {
		if err := byok.CheckWrapped(string(vector(t, vectorOf(a)))); err != nil {
			t.Errorf("%s: %v", a, err)
		}
	}
	for name, test := range map[string]struct{ in, want string }{
		"empty":          {"", "is empty"},
		"line break":     {string(vector(t, "oaep-sha1.b64")) + "\n", "line break"},
		"plain material": {base64.StdEncoding.EncodeToString(material(t).Expose()), "unwrapped key material"},
		"2048-bit key":   {base64.StdEncoding.EncodeToString(make([]byte, 256)), "2048-bit key"},
		"zero":           {base64.StdEncoding.EncodeToString(make([]byte, 512)), "was never encrypted"},
		"zero, key wrap": {base64.StdEncoding.EncodeToString(make([]byte, 552)), "was never encrypted"},
		"in between":     {base64.StdEncoding.EncodeToString(make([]byte, 520)), "is 520 bytes"},
		"too long": {
			base64.StdEncoding.EncodeToString(make([]byte, 560)),
			"512 bytes for RSA_OAEP_SHA1, 552 bytes for RSA_AES_KEY_WRAP_SHA512",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustFail(t, byok.CheckWrapped(test.in), test.want, test.in)
		})
	}
}

func TestCheckExport(t *testing.T) {
	t.Parallel()
	// The form that Salesforce exports [V ThalesDoc] begins with CgM; its content is opaque here.
	for _, in := range []string{"CgMyMzISEKnf", "AA==", string(vector(t, "hash.b64"))} {
		if err := byok.CheckExport(in); err != nil {
			t.Errorf("%s: %v", in, err)
		}
	}
	for name, test := range map[string]struct{ in, want string }{
		"empty":      {"", "is empty"},
		"line break": {"CgMyMzISEKnf\n", "line break"},
		"space":      {"CgMyMzISEKnf ", "white space"},
		"cut off":    {"CgMyMzISEKn", "multiple of 4"},
		"file name":  {"tenant-secret-org-00DXX0000008abc-ver-1.txt!", "character outside"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustFail(t, byok.CheckExport(test.in), test.want, test.in)
		})
	}
}
