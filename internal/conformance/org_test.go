package conformance_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// org is a Salesforce org, simulated or real, as a client sees it.
type org struct {
	instance, login, version string
	credentials              credentials
	certificate              string // to wrap with; "" on an org if none was named
	http                     *http.Client
	sim                      *sfsim.Server // nil on a real org

	// Of a live run only:
	about  organization // what the org says of itself
	types  []string     // of the keys that may be rotated
	run    string       // distinguishes this run's keys from those of earlier runs
	folder string       // of the CLI's directories and the exports; it outlives a run that dies

	mu        sync.Mutex
	token     string
	tokenBody []byte // the reply that brought it, nil for a given token
	uploaded  *upload
	posted    bool // whether uploaded was to be made
	archived  *upload
	lineage   *lineage
	applied   bool // whether lineage was to be made
	used      int  // the API calls that the org counted, as of the newest reply
}

// credentials are what one may log in with; empty ones are not given.
type credentials struct {
	clientID, clientSecret, username, privateKey, accessToken string
}

// upload is a tenant secret that this suite made.
type upload struct {
	id            string
	material      []byte
	wrapped, hash string
	previous      string // the id of the type's ACTIVE key before
	status        int
	body          []byte
	exported      string
}

// simulated starts a simulator of its own for one fact.
func simulated(t *testing.T, options ...sfsim.Option) *org {
	t.Helper()
	server, err := sfsim.New(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	server.Clock.Stop()
	return &org{
		instance: server.InstanceURL, login: server.LoginURL, version: "62.0", certificate: "Sim_BYOK", sim: server,
		http: httpClient(t),
		credentials: credentials{
			clientID: server.ClientID, clientSecret: server.ClientSecret, username: server.Username,
			privateKey: server.PrivateKeyPEM,
		},
	}
}

func httpClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// live is the org of the environment.
func live(t *testing.T) *org {
	t.Helper()
	o := &org{
		instance: strings.TrimSuffix(os.Getenv("SALESFORCE_INSTANCE_URL"), "/"), login: os.Getenv("SALESFORCE_LOGIN_URL"),
		version: os.Getenv("SALESFORCE_API_VERSION"), certificate: os.Getenv("SALESFORCE_LIVE_CERTIFICATE"),
		http: httpClient(t),
		credentials: credentials{
			clientID: os.Getenv("SALESFORCE_CLIENT_ID"), clientSecret: os.Getenv("SALESFORCE_CLIENT_SECRET"),
			username: os.Getenv("SALESFORCE_USERNAME"), privateKey: os.Getenv("SALESFORCE_PRIVATE_KEY"),
			accessToken: os.Getenv("SALESFORCE_ACCESS_TOKEN"),
		},
	}
	if o.instance == "" {
		t.Skip("SALESFORCE_INSTANCE_URL is not set")
	}
	if o.login == "" {
		o.login = "https://login.salesforce.com"
	}
	if o.version == "" {
		o.version = "62.0"
	}
	return o
}

// probe is the org in the hands of one fact or behaviour.
type probe struct {
	*testing.T

	*org

	// reason is the first thing that the test reported, also as the reason of a skip.
	reason string
	// unheard: a request had no answer of Salesforce's own, so nothing is refuted.
	unheard bool
}

// say keeps the first report for the record. What it says is in the test's log anyway, and holds no
// secret.
func (p *probe) say(text string) {
	if p.reason == "" {
		p.reason = strings.TrimSuffix(text, "\n")
	}
}

// Error is testing.T's, and so are the five that follow; the reason is kept.
func (p *probe) Error(args ...any) {
	p.Helper()
	p.say(fmt.Sprintln(args...))
	p.T.Error(args...)
}

func (p *probe) Errorf(format string, args ...any) {
	p.Helper()
	p.say(fmt.Sprintf(format, args...))
	p.T.Errorf(format, args...)
}

func (p *probe) Fatal(args ...any) {
	p.Helper()
	p.say(fmt.Sprintln(args...))
	p.T.Fatal(args...)
}

func (p *probe) Fatalf(format string, args ...any) {
	p.Helper()
	p.say(fmt.Sprintf(format, args...))
	p.T.Fatalf(format, args...)
}

func (p *probe) Skip(args ...any) {
	p.Helper()
	p.say(fmt.Sprintln(args...))
	p.T.Skip(args...)
}

func (p *probe) Skipf(format string, args ...any) {
	p.Helper()
	p.say(fmt.Sprintf(format, args...))
	p.T.Skipf(format, args...)
}

// reply is what came back, read to its end.
type reply struct {
	p      *probe
	what   string
	status int
	header http.Header
	body   []byte
}

// send makes one request, to a path below the API version, to one that begins with /services, or to
// a whole URL.
func (p *probe) send(method, target string, header http.Header, body []byte) reply {
	p.Helper()
	what, _, _ := strings.Cut(target, "?")
	switch {
	case strings.HasPrefix(target, "/services/"):
		target = p.instance + target
	case strings.HasPrefix(target, "/"):
		target = p.instance + "/services/data/v" + p.version + target
	}
	ctx := context.WithoutCancel(p.Context()) // cleanups send requests too; the client has a timeout
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	maps.Copy(req.Header, header)
	resp, err := p.http.Do(req)
	if err != nil {
		p.unheard = true
		p.Fatalf("%s %s: %v", method, what, errors.Unwrap(err)) // without the URL
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		p.unheard = true
		p.Fatalf("%s %s: %v", method, what, err)
	}
	// An outage, the edge's 420, or a limit that is used up [D].
	if resp.StatusCode >= http.StatusInternalServerError || resp.StatusCode == 420 ||
		bytes.Contains(text, []byte("REQUEST_LIMIT_EXCEEDED")) {
		p.unheard = true
	}
	if usage, isUsage := strings.CutPrefix(resp.Header.Get("Sforce-Limit-Info"), "api-usage="); isUsage {
		if used, err := strconv.Atoi(usage[:strings.IndexAny(usage+"/", "/")]); err == nil {
			p.mu.Lock()
			p.used = used
			p.mu.Unlock()
		}
	}
	return reply{p, method + " " + what, resp.StatusCode, resp.Header, text}
}

// call sends JSON, or nothing, within the session.
func (p *probe) call(method, target string, body any) reply {
	p.Helper()
	header := http.Header{}
	var text []byte
	if body != nil {
		header.Set("Content-Type", "application/json")
		encoded, err := json.Marshal(body)
		if err != nil {
			p.Fatal(err)
		}
		text = encoded
	}
	header.Set("Authorization", "Bearer "+p.session())
	r := p.send(method, target, header, text)
	if r.status == http.StatusUnauthorized && p.credentials.accessToken == "" { // the session has ended; nothing was done
		p.mu.Lock()
		p.token = ""
		p.mu.Unlock()
		header.Set("Authorization", "Bearer "+p.session())
		r = p.send(method, target, header, text)
	}
	return r
}

func (p *probe) get(target string) reply { p.Helper(); return p.call(http.MethodGet, target, nil) }

// want checks the status.
func (r reply) want(status int) reply {
	r.p.Helper()
	if r.status != status {
		r.p.Fatalf("%s: status %d%s, want %d", r.what, r.status, r.reason(), status)
	}
	return r
}

// reason returns the error of a refusal and nothing of any other body: that may hold secrets.
func (r reply) reason() string {
	var list []struct {
		ErrorCode string `json:"errorCode"`
		Message   string `json:"message"`
	}
	if r.status < http.StatusBadRequest || json.Unmarshal(r.body, &list) != nil || len(list) == 0 {
		return ""
	}
	return " " + list[0].ErrorCode + ": " + list[0].Message
}

// object decodes the body of a success.
func (r reply) object() map[string]any {
	r.p.Helper()
	if r.status >= http.StatusMultipleChoices {
		r.p.Fatalf("%s: status %d%s", r.what, r.status, r.reason())
	}
	var out map[string]any
	if err := json.Unmarshal(r.body, &out); err != nil {
		r.p.Fatalf("%s: not a JSON object", r.what)
	}
	return out
}

// refused checks that the body is an array of one error, with this code, and this text in its
// message; either may be "".
func (r reply) refused(status int, code, text string, fields ...string) {
	r.p.Helper()
	r.want(status)
	var list []struct {
		Message   *string  `json:"message"`
		ErrorCode *string  `json:"errorCode"`
		Fields    []string `json:"fields"`
	}
	if err := json.Unmarshal(r.body, &list); err != nil || len(list) != 1 || list[0].Message == nil ||
		list[0].ErrorCode == nil {
		r.p.Fatalf("%s: the body of status %d is not an array of one error with message and errorCode", r.what, r.status)
	}
	got := list[0]
	if code != "" && *got.ErrorCode != code {
		r.p.Errorf("%s: errorCode %s (%s), want %s", r.what, *got.ErrorCode, *got.Message, code)
	}
	if !strings.Contains(*got.Message, text) {
		r.p.Errorf("%s: message %q, want %q in it", r.what, *got.Message, text)
	}
	if len(fields) > 0 && strings.Join(got.Fields, ",") != strings.Join(fields, ",") {
		r.p.Errorf("%s: fields %q, want %q", r.what, got.Fields, fields)
	}
}

// session logs in once.
func (p *probe) session() string {
	p.Helper()
	p.mu.Lock()
	token := cmp.Or(p.token, p.credentials.accessToken)
	p.mu.Unlock()
	if token != "" {
		return token
	}
	r := p.logIn()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if r.status != http.StatusOK || json.Unmarshal(r.body, &answer) != nil || answer.AccessToken == "" {
		p.Fatalf("log in: status %d", r.status)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token, p.tokenBody = answer.AccessToken, r.body
	return p.token
}

// logIn asks for a token by client credentials, else by JWT bearer: of host and audience, orgs take
// different pairs.
func (p *probe) logIn() reply {
	p.Helper()
	if p.credentials.clientSecret != "" {
		return p.tokenRequest(p.instance, p.form(), nil)
	}
	var r reply
	for _, to := range p.pairs() {
		if r = p.assert(to); r.status == http.StatusOK {
			break
		}
	}
	return r
}

// form is the body of a request for a token by client credentials.
func (p *probe) form() url.Values {
	return url.Values{
		"grant_type": {"client_credentials"}, "client_id": {p.credentials.clientID},
		"client_secret": {p.credentials.clientSecret},
	}
}

func (p *probe) tokenRequest(host string, form url.Values, header http.Header) reply {
	p.Helper()
	all := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	maps.Copy(all, header)
	return p.send(http.MethodPost, host+"/services/oauth2/token", all, []byte(form.Encode()))
}

// loginAudience is the login host as an assertion names it.
func (p *probe) loginAudience() string {
	if p.sim != nil { // whose login host stands for this one
		return "https://login.salesforce.com"
	}
	return p.login
}

// assertion signs a JWT for the login host with RS256 [C].
func (p *probe) assertion(expires time.Time) string {
	p.Helper()
	return p.assertionFor(p.loginAudience(), expires)
}

// assertionFor signs a JWT for an audience.
func (p *probe) assertionFor(audience string, expires time.Time) string {
	p.Helper()
	if p.credentials.privateKey == "" {
		p.Skip("no private key for JWT bearer is given")
	}
	block, _ := pem.Decode([]byte(p.credentials.privateKey))
	if block == nil {
		p.Fatal("the private key is not PEM")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		if parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
			p.Fatal("the private key is neither PKCS #8 nor PKCS #1")
		}
	}
	key, isRSA := parsed.(*rsa.PrivateKey)
	if !isRSA {
		p.Fatal("the private key is not an RSA key")
	}
	claims, err := json.Marshal(map[string]any{
		"iss": p.credentials.clientID, "sub": p.credentials.username, "aud": audience, "exp": expires.Unix(),
	})
	if err != nil {
		p.Fatal(err)
	}
	signing := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(claims)
	digest := sha256.Sum256([]byte(signing))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		p.Fatal(err)
	}
	return signing + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// query runs SOQL and returns the first page.
func (p *probe) query(path, soql string) (records []map[string]any, page map[string]any) {
	p.Helper()
	page = p.get(path + "?q=" + url.QueryEscape(soql)).want(http.StatusOK).object()
	list, isList := page["records"].([]any)
	if !isList {
		p.Fatalf("%s: no records", path)
	}
	for _, entry := range list {
		record, isObject := entry.(map[string]any)
		if !isObject {
			p.Fatalf("%s: a record is no object", path)
		}
		records = append(records, record)
	}
	return records, page
}

// secrets are the tenant secrets that a condition selects.
func (p *probe) secrets(where string) []map[string]any {
	p.Helper()
	records, _ := p.query("/query", "SELECT Id, Type, Version, Status, Source, KeyDerivationMode, Description, "+
		"SecretValueHash, SecretValueCertificate, CreatedDate, LastModifiedDate, SystemModstamp FROM TenantSecret"+where)
	return records
}

// row reads some fields of one tenant secret.
func (p *probe) row(id, fields string) map[string]any {
	p.Helper()
	return p.get("/sobjects/TenantSecret/" + id + "?fields=" + fields).want(http.StatusOK).object()
}

// equal compares one value.
func (p *probe) equal(what string, got, want any) {
	p.Helper()
	switch {
	case got == want:
	case what == "SecretValue": // an export is no secret, and still nobody's business
		p.Error("SecretValue is not what it should be")
	default:
		p.Errorf("%s is %v, want %v", what, got, want)
	}
}

// matches checks members of an object.
func (p *probe) matches(object, want map[string]any) {
	p.Helper()
	for name, value := range want {
		got, present := object[name]
		if !present {
			p.Errorf("%s is missing", name)
			continue
		}
		p.equal(name, got, value)
	}
}

// text is a member that must be a string.
func (p *probe) text(object map[string]any, name string) string {
	p.Helper()
	value, isText := object[name].(string)
	if !isText {
		p.Fatalf("%s is a %T, want a string", name, object[name])
	}
	return value
}

// advance lets time pass, which a real org does not allow.
func (p *probe) advance(d time.Duration) {
	p.Helper()
	if p.sim == nil {
		p.Skipf("needs %s to pass", d)
	}
	p.sim.Clock.Advance(d)
}

// retryFor repeats a check until it holds, soon at first and then every 5 seconds, since Salesforce
// does some things in the background.
func (p *probe) retryFor(d time.Duration, holds func() bool) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), d)
	defer cancel()
	pause := 100 * time.Millisecond
	if p.sim != nil {
		pause = time.Millisecond
	}
	for !holds() {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			p.Fatalf("not within %s", d)
		case <-timer.C:
		}
		if p.sim == nil {
			pause = min(2*pause, 5*time.Second)
		}
	}
}

// publicKey is that of the certificate to wrap with.
func (p *probe) publicKey() *rsa.PublicKey {
	p.Helper()
	if p.certificate == "" {
		p.Skip("SALESFORCE_LIVE_CERTIFICATE is not set: no key is uploaded")
	}
	records, _ := p.query("/tooling/query", "SELECT Id FROM Certificate WHERE DeveloperName = '"+p.certificate+"'")
	if len(records) != 1 {
		p.Fatalf("%d certificates are named %s", len(records), p.certificate)
	}
	key, isRSA := p.leaf(p.text(records[0], "Id")).PublicKey.(*rsa.PublicKey)
	if !isRSA {
		p.Fatal("the certificate holds no RSA key")
	}
	return key
}

// leaf reads a certificate, in whichever form it comes: which one that is, is not documented.
func (p *probe) leaf(id string) *x509.Certificate {
	p.Helper()
	body := p.get("/tooling/sobjects/Certificate/" + id + "/CertificateChain").want(http.StatusOK).body
	form := "DER"
	var quoted string
	if json.Unmarshal(body, &quoted) == nil {
		form, body = "a JSON string", []byte(quoted)
	}
	if block, _ := pem.Decode(body); block != nil {
		form, body = "PEM", block.Bytes
	} else if der, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(body))); err == nil {
		form, body = form+" of base64", der
	}
	certificate, err := x509.ParseCertificate(body)
	if err != nil {
		p.Fatalf("CertificateChain (%s) holds no certificate: %v", form, err)
	}
	p.Logf("CertificateChain comes as %s", form)
	return certificate
}

func sum(material []byte) string {
	digest := sha256.Sum256(material)
	return base64.StdEncoding.EncodeToString(digest[:])
}

// wrap is RSA-OAEP with an empty label and MGF1 of the same hash.
func (p *probe) wrap(hash crypto.Hash, material []byte) string {
	p.Helper()
	sealed, err := rsa.EncryptOAEP(hash.New(), rand.Reader, p.publicKey(), material, nil)
	if err != nil {
		p.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(sealed)
}

func newMaterial() []byte {
	material := make([]byte, 32)
	_, _ = rand.Read(material) // never fails
	return material
}

// mark begins the Description of every tenant secret that this suite makes.
const mark = "salesforcebyok conformance"

// uploadBody is the recommended body of an upload, changed.
func (p *probe) uploadBody(material []byte, change map[string]any) map[string]any {
	p.Helper()
	body := map[string]any{
		"Type": "Data", "Description": mark, "SecretValueCertificate": p.certificate, "Source": "UPLOADED",
		"KeyDerivationMode": "PBKDF2",
		"SecretValueHash":   sum(material),
	}
	if _, given := change["SecretValue"]; !given {
		body["SecretValue"] = p.wrap(crypto.SHA512, material)
	}
	maps.Copy(body, change)
	maps.DeleteFunc(body, func(_ string, value any) bool { return value == nil })
	return body
}

// mayCreate skips unless a Data key could be made now: its interval is over, so a refusal has
// another reason.
func (p *probe) mayCreate() {
	p.Helper()
	if p.sim != nil {
		return
	}
	if next := p.nextKey("Data"); !next.IsZero() {
		p.Skipf("the next Data key can be made at %s only", next.Format(time.RFC3339))
	}
}

// nextKey is when the next key of a type can be made on a real org, zero if that is now.
func (p *probe) nextKey(typ string) time.Time {
	p.Helper()
	wait := intervals[typ].elsewhere
	if p.about.sandbox {
		wait = intervals[typ].sandbox
	}
	r := p.get("/query?q=" + url.QueryEscape("SELECT MAX(CreatedDate) newest FROM TenantSecret WHERE Type = '"+typ+
		"'")).want(http.StatusOK)
	rows, _ := r.object()["records"].([]any)
	if len(rows) != 1 {
		p.Fatalf("%s: %d records, want 1", r.what, len(rows))
	}
	row, _ := rows[0].(map[string]any)
	if row["newest"] == nil {
		return time.Time{}
	}
	now, err := http.ParseTime(r.header.Get("Date")) // the org's clock counts
	if err != nil {
		now = time.Now()
	}
	if next := p.date(p.text(row, "newest")).Add(wait + time.Minute).UTC(); now.Before(next) {
		return next
	}
	return time.Time{}
}

// date parses Salesforce's form of a moment.
func (p *probe) date(text string) time.Time {
	p.Helper()
	at, err := time.Parse("2006-01-02T15:04:05.000-0700", text)
	if err != nil || strings.HasSuffix(text, "Z") || strings.Contains(text[19:], ":") {
		p.Fatalf("%q is not a date like 2026-01-31T12:00:00.000+0000", text)
	}
	return at
}

// make uploads one Data key.
func (p *probe) make(material []byte) *upload {
	p.Helper()
	u := &upload{material: material, hash: sum(material)}
	if active := p.secrets(" WHERE Type = 'Data' AND Status = 'ACTIVE'"); len(active) == 1 {
		u.previous = p.text(active[0], "Id")
	}
	body := p.uploadBody(material, nil)
	u.wrapped = fmt.Sprint(body["SecretValue"])
	r := p.call(http.MethodPost, "/sobjects/TenantSecret", body)
	u.status, u.body = r.status, r.body
	u.id = p.text(r.want(http.StatusCreated).object(), "id")
	return u
}

// ours is a Data key of this run that is ACTIVE: made once, for all facts that look at it.
func (p *probe) ours() *upload {
	p.Helper()
	p.mu.Lock()
	have, posted := p.uploaded, p.posted
	p.mu.Unlock()
	if have == nil {
		p.mayCreate()
		if posted { // once is enough: a second POST could be a second key
			p.Skip("the upload of the key that this looks at has failed")
		}
		p.mu.Lock()
		p.posted = true
		p.mu.Unlock()
		have = p.make(newMaterial())
		p.mu.Lock()
		p.uploaded = have
		p.mu.Unlock()
	}
	return have
}

// oursArchived is a Data key of this suite that is ARCHIVED, with its export: on a real org one of
// an earlier run.
func (p *probe) oursArchived() *upload {
	p.Helper()
	p.mu.Lock()
	have := p.archived
	p.mu.Unlock()
	if have != nil {
		return have
	}
	if p.sim != nil {
		have = p.make(newMaterial())
		p.advance(24 * time.Hour)
		p.make(newMaterial())
	} else {
		for _, row := range p.secrets(" WHERE Type = 'Data' AND Status = 'ARCHIVED' AND Source = 'UPLOADED'") {
			if description, _ := row["Description"].(string); strings.HasPrefix(description, mark) {
				have = &upload{id: p.text(row, "Id"), hash: p.text(row, "SecretValueHash")}
			}
		}
		if have == nil {
			p.Skip("no archived key of an earlier run is there")
		}
	}
	have.exported = p.text(p.row(have.id, "SecretValue"), "SecretValue")
	p.keep(have)
	p.mu.Lock()
	p.archived = have
	p.mu.Unlock()
	return have
}
