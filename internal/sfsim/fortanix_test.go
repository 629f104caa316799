package sfsim_test

import (
	"bufio"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// plugin speaks as the public Fortanix plugin for Salesforce does [C FtxPlugin]: it logs in before
// every call, escapes no query, writes a slash before the question mark, and uses v50.0.
type plugin struct {
	*client

	calls int
}

// raw sends a request as it is written, since net/http would escape it.
func (p *plugin) raw(method, target, token, contentType, text string) *answer {
	p.t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(p.t.Context(), "tcp", strings.TrimPrefix(p.server.InstanceURL, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: "+
		"%d\r\n", method, target,
		contentType, len(text))
	if token != "" {
		head += "Authorization: Bearer " + token + "\r\n"
	}
	if _, err := io.WriteString(conn, head+"\r\n"+text); err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	read, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close(), conn.Close()); err != nil {
		p.t.Fatal(err)
	}
	return &answer{p.t, resp.StatusCode, resp.Header, read}
}

// request logs in, without URL encoding, and calls.
func (p *plugin) request(method, path string, body any) *answer {
	p.t.Helper()
	p.calls++
	var granted struct {
		AccessToken string `json:"access_token"`
		InstanceURL string `json:"instance_url"`
		IssuedAt    string `json:"issued_at"`
		TokenType   string `json:"token_type"`
	}
	p.raw(http.MethodPost, "/services/oauth2/token", "", "application/x-www-form-urlencoded",
		"grant_type=client_credentials&client_id="+p.server.ClientID+"&client_secret="+
			p.server.ClientSecret).want(http.StatusOK).into(&granted)
	if granted.TokenType != "Bearer" || granted.InstanceURL != p.server.InstanceURL || granted.IssuedAt == "" {
		p.t.Fatalf("token type %q of %q", granted.TokenType, granted.InstanceURL)
	}
	text := ""
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			p.t.Fatal(err)
		}
		text = string(encoded)
	}
	return p.raw(method, path, granted.AccessToken, "application/json", text)
}

func (p *plugin) upload(material []byte) (id, wrapped string) {
	p.t.Helper()
	wrapped = p.wrap(oaepHashes["SHA-1"](), "Wrapper", material)
	return p.request(http.MethodPost, "/services/data/v50.0/sobjects/TenantSecret", map[string]any{
		"SecretValueCertificate": "Wrapper", "SecretValue": wrapped, "SecretValueHash": sum(material),
		"description": "Salesforce Data Key 20201229T185546Z", "type": "Data", "KeyDerivationMode": "",
	}).created(), wrapped
}

// The life of a key in the hands of the plugin, with each form that a certificate may come in.
func TestFortanixPlugin(t *testing.T) {
	t.Parallel()
	for _, form := range []string{"json", "base64"} {
		t.Run(form, func(t *testing.T) {
			t.Parallel()
			p := &plugin{client: start(t, seeded(t, "certificates: [{developer_name: Wrapper}]"),
				configure(func(s *sfsim.Settings) { s.CertificateChainForm = form }))}
			p.liveAsFortanixDoes()
			tokens := 0
			for _, r := range p.server.Requests() {
				if r.Operation == "token" {
					tokens++
				}
			}
			if tokens != p.calls || tokens < 12 {
				t.Errorf("%d tokens for %d calls", tokens, p.calls)
			}
			p.noViolations()
		})
	}
}

func (p *plugin) liveAsFortanixDoes() {
	t := p.t
	t.Helper()
	const rows = "/services/data/v50.0/sobjects/TenantSecret"
	// check: the certificate by its label, as base64, perhaps in a JSON string.
	var found struct {
		Records []struct{ Id string } `json:"records"` //nolint:revive // as it is on the wire
	}
	p.request(http.MethodGet, "/services/data/v50.0/tooling/query/?q=select Id from Certificate where MasterLabel = "+
		"'Wrapper'", nil).
		want(http.StatusOK).into(&found)
	if len(found.Records) != 1 {
		t.Fatalf("%d certificates", len(found.Records))
	}
	chain := p.request(http.MethodGet, "/services/data/v50.0/tooling/sobjects/Certificate/"+found.Records[0].Id+
		"/CertificateChain", nil).
		want(http.StatusOK).body
	text := string(chain)
	_ = json.Unmarshal(chain, &text) // which the plugin tries, and does without
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	if block, _ := pem.Decode([]byte(p.server.Certificates()[0].PEM)); string(block.Bytes) != string(der) {
		t.Error("another certificate")
	}

	// select: what the object is.
	p.request(http.MethodGet, rows, nil).want(http.StatusOK)

	// upload, status, sync.
	first := material()
	id, wrapped := p.upload(first)
	row := p.request(http.MethodGet, rows+"/"+id, nil).record()
	for name, want := range map[string]any{
		"Source": "UPLOADED", "KeyDerivationMode": "PBKDF2", "Status": "ACTIVE", "Type": "Data",
		"SecretValueHash":        sum(first),
		"SecretValueCertificate": nil, "Description": "Salesforce Data Key 20201229T185546Z",
	} {
		if row[name] != want {
			t.Errorf("%s is %v, want %v", name, row[name], want)
		}
	}
	synced, _ := row["SecretValue"].(string)
	if synced == wrapped || !strings.HasPrefix(synced, "CgM") {
		t.Error("the synced value is not an export")
	}

	// rotate, once a day has passed; query, next to a client of v62.0.
	p.server.Clock.Advance(24 * time.Hour)
	p.upload(material())
	for _, version := range []string{"v50.0", "v62.0"} {
		var keys struct {
			Records []struct{ Status string } `json:"records"`
		}
		p.request(http.MethodGet, "/services/data/"+version+"/query/?q=select Id, Status, Version from TenantSecret where "+
			"Type = 'Data' and Status = 'ARCHIVED'", nil).
			want(http.StatusOK).into(&keys)
		if len(keys.Records) != 2 {
			t.Errorf("%s: %d archived keys, want 2", version, len(keys.Records))
		}
	}

	// archive is no transition that Salesforce documents; destroy and restore are, in mixed case.
	p.request(http.MethodPatch, rows+"/"+id, map[string]any{"Status": "Archived"}).refused(http.StatusBadRequest, unknown)
	p.request(http.MethodPatch, rows+"/"+id, map[string]any{"Status": "Destroyed"}).want(http.StatusNoContent)
	if row := p.request(http.MethodGet, rows+"/"+id, nil).record(); row["Status"] != "DESTROYED" ||
		row["SecretValue"] != nil {
		t.Errorf("row %v", row)
	}
	refused := p.request(http.MethodPatch, rows+"/"+id, map[string]any{"Status": "Archived", "SecretValue": wrapped}).
		refused(http.StatusBadRequest, unknown)
	if refused.Message != "Invalid Secret/Key" {
		t.Errorf("refused by %q", refused.Message)
	}
	p.request(http.MethodPatch, rows+"/"+id, map[string]any{
		"Status":      "Archived",
		"SecretValue": synced,
	}).want(http.StatusNoContent)
	if row := p.request(http.MethodGet, rows+"/"+id, nil).record(); row["Status"] != "ARCHIVED" ||
		row["SecretValueHash"] != sum(first) {
		t.Errorf("row %v", row)
	}
}

// A MasterLabel works as the name of the certificate if it equals that, and otherwise only if
// the org is set so.
func TestCertificateByLabel(t *testing.T) {
	t.Parallel()
	seed := seeded(t, "certificates: [{developer_name: Sim_BYOK}, {developer_name: Wrapper_1, master_label: Wrapper One}]")
	upload := func(c *client) *answer {
		m := material()
		return c.create(c.uploadBody(m, map[string]any{
			"SecretValueCertificate": "Wrapper One", "SecretValue": c.wrap(oaepHashes["SHA-1"](), "Wrapper_1", m),
		}))
	}
	upload(start(t, seed)).refused(http.StatusBadRequest, unknown)
	upload(start(t, seed, configure(func(s *sfsim.Settings) { s.CertificateByLabel = true }))).created()
}

// The older revisions log in by password, which new orgs block [C].
func TestPasswordGrantIsBlocked(t *testing.T) {
	t.Parallel()
	c := start(t)
	p := &plugin{client: c}
	p.raw(http.MethodPost, "/services/oauth2/token", "", "application/x-www-form-urlencoded",
		"grant_type=password&client_id="+c.server.ClientID+"&client_secret="+c.server.ClientSecret+"&username="+
			c.server.Username+"&password=p w").
		oauthRefused("invalid_grant", "authentication failure")
}
