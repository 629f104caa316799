package salesforce

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const testCertificate = "0P1xx0000000001CAA"

func TestListCertificates(t *testing.T) {
	t.Parallel()
	const columns = "Id,DeveloperName,MasterLabel,ExpirationDate,CreatedDate,KeySize,OptionsIsCaSigned,OptionsIsEncryptedWithPE,OptionsIsPrivateKeyExportable,OptionsIsUnusable"
	for version, wantColumns := range map[string]string{
		"62.0": columns + ",OptionsIsUsingKMS",
		"50.0": columns + ",OptionsIsUsingKMS", "49.0": columns,
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on("GET /services/data/v"+version+"/tooling/query",
				answer(200, `{"size":2,"totalSize":2,"done":true,"queryLocator":null,"entityTypeName":"Certificate","records":[`+
					`{"attributes":{"type":"Certificate"},"Id":"`+testCertificate+
					`","DeveloperName":"Z","MasterLabel":"The Z","ExpirationDate":"2028-11-20T00:00:00.000+0000","CreatedDate":"2026-11-20T00:00:00.000+0000","KeySize":4096.0,"OptionsIsCaSigned":true,"OptionsIsEncryptedWithPE":true,"OptionsIsPrivateKeyExportable":false,"OptionsIsUnusable":false,"OptionsIsUsingKMS":null},`+
					`{"Id":"`+testCertificate[:15]+
					`","DeveloperName":"A","MasterLabel":null,"ExpirationDate":"2028-11-20","KeySize":2048,"OptionsIsPrivateKeyExportable":true,"OptionsIsUnusable":true,"OptionsIsUsingKMS":true}]}`))
			c, _, _ := o.client(func(cfg *Config) { cfg.APIVersion = version })
			got, err := c.ListCertificates(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			expires := time.Date(2028, 11, 20, 0, 0, 0, 0, time.UTC)
			want := []Certificate{
				{
					ID: testCertificate, DeveloperName: "A", ExpirationDate: expires, KeySize: 2048, PrivateKeyExportable: true,
					Unusable: true, UsingKMS: true,
				},
				{
					ID: testCertificate, DeveloperName: "Z", MasterLabel: "The Z", ExpirationDate: expires,
					CreatedDate: expires.AddDate(-2, 0, 0), KeySize: 4096, CASigned: true, EncryptedWithPlatformEncryption: true,
				},
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			q, err := url.ParseQuery(o.seen()[0].query)
			if err != nil || q.Get("q") != "SELECT "+wantColumns+" FROM Certificate" {
				t.Errorf("query %v, %v", q, err)
			}
		})
	}
}

func TestListCertificatesRefusesWhatItCannotTrust(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, text string }{
		"short":   {`{"totalSize":1,"done":true,"records":[]}`, "counted 1 records but sent 0"},
		"no id":   {`{"totalSize":1,"done":true,"records":[{"DeveloperName":"A"}]}`, "Id of a certificate"},
		"no name": {`{"totalSize":1,"done":true,"records":[{"Id":"` + testCertificate + `"}]}`, "no DeveloperName"},
		"flag": {`{"totalSize":1,"done":true,"records":[{"Id":"` + testCertificate +
			`","DeveloperName":"A","OptionsIsUnusable":3}]}`, "neither true nor false"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on("GET /services/data/v62.0/tooling/query", answer(200, tc.body))
			c, _, _ := o.client()
			_, err := c.ListCertificates(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("error %v, want %q in it", err, tc.text)
			}
		})
	}
}

// That there is no chain may come in several ways.
func TestCertificateChain_none(t *testing.T) {
	t.Parallel()
	const route = "GET /services/data/v62.0/tooling/sobjects/Certificate/" + testCertificate + "/CertificateChain"
	for name, reply := range map[string]http.HandlerFunc{
		"404":           fault(404, "NOT_FOUND", "m"),
		"204":           answer(204, ""),
		"an empty body": answer(200, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(route, reply)
			c, _, _ := o.client()
			if got, err := c.CertificateChain(t.Context(), testCertificate); !errors.Is(err, ErrNotFound) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestCertificateChain(t *testing.T) {
	t.Parallel()
	const route = "GET /services/data/v62.0/tooling/sobjects/Certificate/" + testCertificate + "/CertificateChain"
	for name, body := range map[string]string{
		"PEM":         "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
		"base64":      "MIIB",
		"JSON string": `"MIIB"`,
		"DER":         "\x30\x82\x00\xff\xfe",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(route, truncated(200, "AA"), answer(200, ``), answer(200, body))
			c, _, _ := o.client()
			got, err := c.CertificateChain(t.Context(), testCertificate[:15])
			if err != nil || string(got) != body {
				t.Errorf("%q, %v", got, err)
			}
			if r := o.seen()[0]; r.header.Get("Accept") != "*/*" {
				t.Errorf("accept %s", r.header.Get("Accept"))
			}
		})
	}
}
