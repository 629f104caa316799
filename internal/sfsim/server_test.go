package sfsim_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"hash"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// client is a plain HTTP client of one simulator, with the access token that exists from the start.
type client struct {
	t      *testing.T
	server *sfsim.Server
	http   *http.Client
	token  string
	header http.Header
	host   string // sent as Host, if given
}

func start(t *testing.T, opts ...sfsim.Option) *client {
	t.Helper()
	server, err := sfsim.New(opts...)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(server.Close)
	server.Clock.Stop()
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &client{
		t: t, server: server, token: server.AccessToken, header: http.Header{},
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		}},
	}
}

// answer is a reply, read to its end.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

// try sends a request to a path of the instance host, or to a whole URL.
func (c *client) try(method, path string, body []byte, contentType string) (*answer, error) {
	c.t.Helper()
	target := path
	if strings.HasPrefix(path, "/") {
		target = c.server.InstanceURL + path
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, target, bytes.NewReader(body))
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	maps.Copy(req.Header, c.header)
	req.Host = c.host
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(resp.Body)
	return &answer{c.t, resp.StatusCode, resp.Header, text}, errors.Join(err, resp.Body.Close())
}

func (c *client) do(method, path, body string) *answer {
	c.t.Helper()
	contentType := ""
	if body != "" {
		contentType = "application/json"
	}
	a, err := c.try(method, path, []byte(body), contentType)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (c *client) get(path string) *answer { c.t.Helper(); return c.do(http.MethodGet, path, "") }

// want checks the status and returns the answer.
func (a *answer) want(status int) *answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d; body: %s", a.status, status, a.body)
	}
	return a
}

// into decodes the body.
func (a *answer) into(target any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, target); err != nil {
		a.t.Fatalf("decode %s: %v", a.body, err)
	}
}

type refusal struct {
	Message   string   `json:"message"`
	ErrorCode string   `json:"errorCode"`
	Fields    []string `json:"fields"`
}

// refused checks that the body is an array of one error with the code, and returns it.
func (a *answer) refused(status int, code string) refusal {
	a.t.Helper()
	a.want(status)
	var list []refusal
	a.into(&list)
	if len(list) != 1 || list[0].ErrorCode != code {
		a.t.Fatalf("refused with %s, want one error %s", a.body, code)
	}
	return list[0]
}

func (a *answer) record() map[string]any {
	a.t.Helper()
	var row map[string]any
	a.want(http.StatusOK).into(&row)
	return row
}

const data = "/services/data/v62.0"

// rows runs a query and returns its records.
func (c *client) rows(soql string) []map[string]any {
	c.t.Helper()
	var page struct {
		Records []map[string]any `json:"records"`
	}
	c.get(data + "/query?q=" + url.QueryEscape(soql)).want(http.StatusOK).into(&page)
	return page.Records
}

// certificate reads the public key of a certificate of the org.
func (c *client) publicKey(name string) *rsa.PublicKey {
	c.t.Helper()
	for _, cert := range c.server.Certificates() {
		if cert.DeveloperName == name {
			block, _ := pem.Decode([]byte(cert.PEM))
			if block == nil {
				c.t.Fatalf("certificate %s has no PEM", name)
			}
			parsed, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				c.t.Fatal(err)
			}
			key, isRSA := parsed.PublicKey.(*rsa.PublicKey)
			if !isRSA {
				c.t.Fatalf("certificate %s holds a %T", name, parsed.PublicKey)
			}
			return key
		}
	}
	c.t.Fatalf("no certificate %s", name)
	return nil
}

func material() []byte {
	m := make([]byte, 32)
	_, _ = rand.Read(m) // never fails
	return m
}

func sum(m []byte) string {
	s := sha256.Sum256(m)
	return base64.StdEncoding.EncodeToString(s[:])
}

// wrap wraps for a certificate with OAEP.
func (c *client) wrap(h hash.Hash, certificate string, m []byte) string {
	c.t.Helper()
	sealed, err := rsa.EncryptOAEP(h, rand.Reader, c.publicKey(certificate), m, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(sealed)
}

// body marshals the members of a JSON object.
func body(members map[string]any) string {
	text, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// uploadBody is a good upload of m, changed by the given members; nil removes one.
func (c *client) uploadBody(m []byte, change map[string]any) string {
	c.t.Helper()
	members := map[string]any{
		"Type": "Data", "SecretValue": c.wrap(sha512.New(), "Sim_BYOK", m), "SecretValueHash": sum(m),
		"SecretValueCertificate": "Sim_BYOK",
	}
	for name, value := range change {
		if value == nil {
			delete(members, name)
		} else {
			members[name] = value
		}
	}
	return body(members)
}

func (c *client) create(body string) *answer {
	c.t.Helper()
	return c.do(http.MethodPost, data+"/sobjects/TenantSecret", body)
}

// created checks the envelope of a creation and returns the id.
func (a *answer) created() string {
	a.t.Helper()
	var reply struct {
		ID      string `json:"id"`
		Success bool   `json:"success"`
	}
	a.want(http.StatusCreated).into(&reply)
	if !reply.Success || !strings.HasPrefix(reply.ID, "02G") {
		a.t.Fatalf("creation answered %s", a.body)
	}
	return reply.ID
}

func (c *client) secret(id string) map[string]any {
	c.t.Helper()
	return c.get(data + "/sobjects/TenantSecret/" + id).record()
}

func (c *client) patch(id, body string) *answer {
	c.t.Helper()
	return c.do(http.MethodPatch, data+"/sobjects/TenantSecret/"+id, body)
}

func (c *client) noViolations() {
	c.t.Helper()
	for _, v := range c.server.Violations() {
		c.t.Errorf("violation: %s", v)
	}
}

func TestDefaultWorld(t *testing.T) {
	t.Parallel()
	c := start(t)
	secrets := c.server.TenantSecrets()
	if len(secrets) != 1 {
		t.Fatalf("%d tenant secrets, want 1", len(secrets))
	}
	s := secrets[0]
	if s.Type != "Data" || s.Source != "HSM" || s.Status != "ACTIVE" || s.Version != 1 {
		t.Errorf("the tenant secret is %+v", s)
	}
	if age := c.server.Clock.Now().Sub(s.CreatedDate); age < 364*24*time.Hour {
		t.Errorf("the tenant secret is %s old, want a year", age)
	}
	certificates := c.server.Certificates()
	if len(certificates) != 2 || certificates[0].DeveloperName != "Sim_BYOK" || certificates[0].MasterLabel != "Sim_BYOK" {
		t.Fatalf("certificates: %+v", certificates)
	}
	if size := c.publicKey("Sim_BYOK").N.BitLen(); size != 4096 {
		t.Errorf("Sim_BYOK has %d bits", size)
	}
	if size := c.publicKey("Sim_Partner_SSO").N.BitLen(); size != 2048 {
		t.Errorf("Sim_Partner_SSO has %d bits", size)
	}
	if got := c.server.Unwrapped(s.ID); got != nil {
		t.Error("an HSM key has uploaded material")
	}
}

func TestListenOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:0", "[::]:0", "example.com:0", "127.0.0.1"} {
		server, err := sfsim.New(sfsim.WithListen(address))
		if err == nil {
			server.Close()
			t.Errorf("listens on %s", address)
			continue
		}
		if !strings.Contains(err.Error(), address) {
			t.Errorf("the error does not name %s: %v", address, err)
		}
	}
	if server, err := sfsim.New(sfsim.WithListen("127.0.0.1:0"), sfsim.WithLoginListen("0.0.0.0:0")); err == nil {
		server.Close()
		t.Error("the login host listens on every address")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]sfsim.Option{
		"kind":         sfsim.WithKind("scratch"),
		"organization": sfsim.WithOrganizationID("005Wt0000000001"),
		"latency":      sfsim.WithLatency(-1),
		"patience":     sfsim.WithKeyServiceTimeout(0),
		"settings": sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) {
			s.CertificateChainForm = "p7b"
		}),
	} {
		if server, err := sfsim.New(opt); err == nil {
			server.Close()
			t.Errorf("%s: no error", name)
		}
	}
}

func TestResetReturnsToTheInitialWorld(t *testing.T) {
	t.Parallel()
	c := start(t, sfsim.WithoutIntervals())
	c.create(`{"Type":"Data"}`).created()
	c.server.Clock.Advance(48 * time.Hour)
	if err := c.server.AddFault(sfsim.Fault{Status: 500}); err != nil {
		t.Fatal(err)
	}
	if err := c.server.Reset(); err != nil {
		t.Fatal(err)
	}
	if n := len(c.server.TenantSecrets()); n != 1 {
		t.Errorf("%d tenant secrets after a reset, want 1", n)
	}
	if n := c.server.RequestCount(); n != 0 {
		t.Errorf("%d requests after a reset", n)
	}
	if shift := time.Until(c.server.Clock.Now()); shift > time.Minute || shift < -time.Minute {
		t.Errorf("the clock is %s off", shift)
	}
	if c.server.Settings().RotationIntervals {
		t.Error("the options no longer hold")
	}
	c.get(data + "/limits").want(http.StatusOK)
}

func TestRotateFromOutside(t *testing.T) {
	t.Parallel()
	c := start(t)
	id, err := c.server.Rotate("data", "UPLOADED")
	if err != nil {
		t.Fatal(err)
	}
	row := c.secret(id)
	if row["Status"] != "ACTIVE" || row["Source"] != "UPLOADED" || row["SecretValueHash"] != sum(c.server.Unwrapped(id)) {
		t.Errorf("the new key is %v", row)
	}
	if first := c.server.TenantSecrets()[0]; first.Status != "ARCHIVED" {
		t.Errorf("the previous key is %s", first.Status)
	}
	for _, bad := range [][2]string{{"Root", "HSM"}, {"Data", "REMOTE"}} {
		if _, err := c.server.Rotate(bad[0], bad[1]); err == nil {
			t.Errorf("rotates %v", bad)
		}
	}
}

var oaepHashes = map[string]func() hash.Hash{"SHA-1": sha1.New, "SHA-512": sha512.New}
