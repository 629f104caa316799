package byok_test

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
)

func TestCheckAnswer(t *testing.T) {
	t.Parallel()
	chain := string(concat(vector(t, "leaf.crt"), vector(t, "intermediate.crt"), vector(t, "root.crt")))
	reversed := string(concat(vector(t, "root.crt"), vector(t, "intermediate.crt"), vector(t, "leaf.crt")))
	request, self, other := string(vector(t, "wrapping.csr")), string(vector(t, "wrapping.crt")), string(vector(t, "rsa2048.crt"))
	der := derOf(t, "leaf.crt")
	malformed := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte{0x30, 0}}))
	tests := map[string]struct{ chain, request, certificate, want string }{
		"answer to the request":         {chain, request, "", ""},
		"in another order":              {reversed, request, "", ""},
		"leaf alone":                    {string(vector(t, "leaf.crt")), request, "", ""},
		"newline before":                {"\n" + chain, request, "", ""},
		"request is gone":               {chain, "", self, ""},
		"request decides":               {chain, request, other, ""},
		"form only":                     {other, "", "", ""},
		"answer to another request":     {other, request, "", "signed for another request"},
		"another certificate":           {string(vector(t, "ec.crt")), "", self, "signed for another request"},
		"issuers only":                  {string(concat(vector(t, "intermediate.crt"), vector(t, "root.crt"))), request, "", `subject "CN=Intermediate,O=BYOK test"`},
		"no chain":                      {"", request, "", "expected PEM"},
		"base64 of DER":                 {base64.StdEncoding.EncodeToString(der), request, "", "expected PEM"},
		"DER":                           {string(der), request, "", "expected PEM"},
		"JSON string":                   {string(quoted([]byte(chain))), request, "", "expected PEM"},
		"the request itself":            {request, request, "", "certificate signing request"},
		"a private key":                 {string(vector(t, "wrapping-key.pem")), request, "", "private key must not be given"},
		"a chain and a private key":     {chain + string(vector(t, "wrapping-key.pem")), request, "", "private key must not be given"},
		"gap in the chain":              {string(concat(vector(t, "leaf.crt"), vector(t, "root.crt"))), request, "", "signed none of the others"},
		"request in state not PEM":      {chain, "x", "", "in state is not PEM"},
		"request in state malformed":    {chain, malformed, "", "in state can't be parsed"},
		"certificate in state not PEM":  {chain, "", "x", "neither PEM"},
		"certificate in state is a CSR": {chain, "", request, "certificate signing request"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := byok.CheckAnswer(test.chain, test.request, test.certificate)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			_, body, _ := bytes.Cut(vector(t, "wrapping-key.pem"), []byte("\n"))
			mustFail(t, err, test.want, string(body))
		})
	}
}
