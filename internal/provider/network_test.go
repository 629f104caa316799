package provider_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// tlsHost is a name that no resolver knows: only the proxy leads there.
const tlsHost = "byok.my.salesforce.test"

// tlsOrg is a simulated org behind TLS, at tlsHost, with a certificate of a private authority.
type tlsOrg struct {
	sim *sfsim.Server
	// address is where it listens, caFile the authority's certificate, proxy the URL of a proxy that
	// connects tlsHost to it.
	address, caFile, proxy string
	// tunnels counts what went through the proxy.
	tunnels atomic.Int64
	// lost collects the requests that came to another host than tlsHost.
	mu   sync.Mutex
	lost []string
}

// newTLSOrg starts the org; its front speaks the given versions of TLS, 0 for no newest one.
func newTLSOrg(t *testing.T, oldest, newest uint16, wrap func(http.Handler) http.Handler) *tlsOrg {
	t.Helper()
	o := &tlsOrg{sim: acctest.StartSim(t)}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Private authority of a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{tlsHost}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	o.caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(o.caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}

	handler := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.sim.Handler().ServeHTTP(w, r)
	}))
	if wrap != nil {
		handler = wrap(handler)
	}
	front := httptest.NewUnstartedServer(handler)
	front.TLS = &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		MinVersion:   oldest, MaxVersion: newest,
	}
	// the handshakes that fail are those that should
	front.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	front.StartTLS()
	t.Cleanup(front.Close)
	o.address = front.Listener.Addr().String()
	o.sim.MoveTo("https://" + tlsHost)

	proxy := httptest.NewServer(http.HandlerFunc(o.tunnel))
	t.Cleanup(proxy.Close)
	o.proxy = proxy.URL

	return o
}

// tunnel serves CONNECT.
func (o *tlsOrg) tunnel(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect || r.Host != tlsHost+":443" {
		o.mu.Lock()
		o.lost = append(o.lost, r.Method+" "+r.Host)
		o.mu.Unlock()
		http.Error(w, "this proxy leads to "+tlsHost+" only", http.StatusForbidden)

		return
	}
	o.tunnels.Add(1)
	var dialer net.Dialer
	upstream, err := dialer.DialContext(r.Context(), "tcp", o.address)
	if err != nil {
		http.Error(w, "the org is down", http.StatusBadGateway)

		return
	}
	defer func() { _ = upstream.Close() }()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = client.Close() }()
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(upstream, buffered) // ends when either side closes
		_ = upstream.Close()
	}()
	_, _ = io.Copy(client, upstream)
}

// runner returns the CLI over the org, with the proxy and, with trust, the authority in the
// standard environment.
func (o *tlsOrg) runner(t *testing.T, trust bool) *acctest.CLI {
	t.Helper()
	cli := acctest.NewCLI(t, o.sim).Built() // net/http and crypto/x509 read their variables once in a process
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		cli.Env[name] = o.proxy
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		cli.Env[name] = "127.0.0.1,localhost"
	}
	if trust {
		cli.Env["SSL_CERT_FILE"] = o.caFile
	}
	cli.Write("main.tf", requiredProvider+acctest.ProviderBlock(o.sim, "max_retries = 0")+dataKey())

	return cli
}

// A proxy and a private authority are taken from the standard environment, over TLS 1.2 and 1.3;
// older versions are refused.
func TestAccProvider_proxyAndPrivateAuthority(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		oldest, newest uint16
		trust          bool
		// refusal is a part of the error, "" if the apply works.
		refusal string
	}{
		"TLS 1.3":                      {tls.VersionTLS13, 0, true, ""},
		"TLS 1.2":                      {tls.VersionTLS12, tls.VersionTLS12, true, ""},
		"TLS 1.1":                      {tls.VersionTLS10, tls.VersionTLS11, true, "protocol version"},
		"an authority that is unknown": {tls.VersionTLS12, 0, false, "unknown authority"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.newest == tls.VersionTLS11 && strictFIPS() {
				t.Skip("strict FIPS has no server for TLS 1.1 either")
			}
			org := newTLSOrg(t, test.oldest, test.newest, nil)
			result := org.runner(t, test.trust).Apply()
			if org.tunnels.Load() == 0 {
				t.Error("nothing went through the proxy")
			}
			if test.refusal == "" {
				if result.Code != 0 {
					t.Fatal(result.Output())
				}
				if keys := acctest.Keys(org.sim, "Data"); len(keys) != 2 {
					t.Errorf("expected a new key, found %d", len(keys))
				}

				return
			}
			if result.Code == 0 || !strings.Contains(strings.Join(strings.Fields(result.Output()), " "), test.refusal) {
				t.Errorf("expected an error with %q, found exit code %d, %s", test.refusal, result.Code, result.Output())
			}
			if n := org.sim.RequestCount(); n != 0 {
				t.Errorf("expected no request over such a connection, found %d", n)
			}
		})
	}
}

// Whoever answers in the org's place with a redirect gets neither the token nor the secrets of a
// login, wherever it points.
func TestAccProvider_redirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for name, struck := range map[string]string{
		"login": "/services/oauth2/token", "query": "/services/data/v62.0/query",
		"upload": "/services/data/v62.0/sobjects/TenantSecret/",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var redirected atomic.Int64
			org := newTLSOrg(t, tls.VersionTLS12, 0, func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if strings.TrimSuffix(r.URL.Path, "/") != strings.TrimSuffix(struck, "/") {
						next.ServeHTTP(w, r)

						return
					}
					redirected.Add(1)
					http.Redirect(w, r, "https://elsewhere.test"+r.URL.Path, http.StatusTemporaryRedirect)
				})
			})
			if result := org.runner(t, true).Apply(); result.Code == 0 {
				t.Errorf("expected the apply to fail, found %s", result.Output())
			}
			org.mu.Lock()
			defer org.mu.Unlock()
			if redirected.Load() == 0 || len(org.lost) > 0 {
				t.Errorf("expected the redirect to be met and not followed, found %d redirects and %v", redirected.Load(), org.lost)
			}
		})
	}
}

// A page that a captive portal, or any other box on the way, sends with the status of success is no
// success: nothing is taken for done that the org does not have.
func TestAccProvider_pageInPlaceOfAnAnswer(t *testing.T) {
	t.Parallel()
	var portal atomic.Bool
	org := newTLSOrg(t, tls.VersionTLS12, 0, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !portal.Load() || r.Method != http.MethodPatch {
				next.ServeHTTP(w, r)

				return
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, "<html>Please accept the terms of this network</html>") // the client may have gone
		})
	})
	cli := org.runner(t, true)
	cli.MustApply()
	before := acctest.ActiveKey(t, org.sim, "Data").Description

	portal.Store(true)
	cli.Write("main.tf", requiredProvider+acctest.ProviderBlock(org.sim, "max_retries = 0")+
		dataKey(`description = "ours"`))
	result := cli.Apply()
	if result.Code == 0 || !strings.Contains(result.Output(), "may or may not have been applied") ||
		strings.Contains(result.Output(), "Please accept") {
		t.Errorf("expected an unknown outcome that does not quote the page, found exit code %d, %s", result.Code,
			result.Output())
	}
	if now := acctest.ActiveKey(t, org.sim, "Data").Description; now != before {
		t.Errorf("expected the Description %q, found %q", before, now)
	}

	portal.Store(false)
	if result := cli.MustApply(); result.Changed != 1 {
		t.Errorf("expected the change to be made now, found %+v", result.Summaries("warning"))
	}
	if now := acctest.ActiveKey(t, org.sim, "Data").Description; now != "ours "+before {
		t.Errorf("expected the Description to be %q, found %q", "ours "+before, now)
	}
}

// manyKeys makes an org with archived and ACTIVE keys, and a configuration that manages all of them
// and reads the org besides.
func manyKeys(t *testing.T, versions int) (*sfsim.Server, *acctest.CLI) {
	t.Helper()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	for range versions {
		if _, err := sim.Rotate("Data", "HSM"); err != nil {
			t.Fatal(err)
		}
	}
	var body strings.Builder
	for i, key := range acctest.Keys(sim, "Data") {
		if key.Status == "ARCHIVED" {
			fmt.Fprintf(&body, "\nresource \"salesforcebyok_tenant_secret_version\" \"v%d\" {\n  tenant_secret_id = %q\n  "+
				"%s\n  %s\n}\n", i, key.ID, archived, noBackup)
		}
	}
	for _, typ := range []string{"Data", "DeterministicData", "EventBus", "SearchIndex", "Analytics"} {
		fmt.Fprintf(&body, "\nresource \"salesforcebyok_tenant_secret\" %q {\n  type = %q\n  source = \"HSM\"\n}\n", typ, typ)
	}
	cli := acctest.NewCLI(t, sim)
	cli.Config(body.String() +
		"\ndata \"salesforcebyok_organization\" \"this\" {}\n\ndata \"salesforcebyok_certificates\" \"all\" {}\n")
	if result := cli.Apply("-parallelism=1"); result.Code != 0 {
		t.Fatal(result.Output())
	}
	cli.MustBeEmpty()

	return sim, cli
}

// limitCalls sets how many calls the org may get in all.
func limitCalls(sim *sfsim.Server, limit int) {
	sim.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.APILimit = limit })
}

// apiCalls is how many calls the org counts: logins do not, nor does the list of versions.
func apiCalls(t *testing.T, sim *sfsim.Server) int {
	t.Helper()
	n := 0
	for _, request := range sim.Requests() {
		if request.Operation != acctest.OpToken && request.Operation != "versions" {
			n++
		}
	}

	return n
}

// spendCalls makes calls as another client of the org does.
func spendCalls(t *testing.T, sim *sfsim.Server, calls int) {
	t.Helper()
	client := &http.Client{}
	defer client.CloseIdleConnections()
	for range calls {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, sim.InstanceURL+"/services/data/v62.0/limits",
			http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+sim.AccessToken)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("status %d, %v", resp.StatusCode, err)
		}
	}
}

// Once the org refuses a call for its request limit, nothing else is sent: one clear error quotes
// the header, whatever the number of resources, and each of those that were to be changed says
// shortly that it was not.
func TestAccProvider_requestLimit(t *testing.T) {
	t.Parallel()
	sim, cli := manyKeys(t, 30)
	const full = "so no further one is made in this run"
	spent := func() int { return sim.RequestCount() }
	said := func(result acctest.Result) (whole, brief int) {
		t.Helper()
		for _, d := range result.Diagnostics {
			switch {
			case d.Severity != "error":
			case strings.Contains(d.Detail, full) && strings.Contains(d.Detail, "Sforce-Limit-Info: api-usage=") &&
				strings.Contains(d.Detail, "REQUEST_LIMIT_EXCEEDED"):
				whole++
			case strings.HasSuffix(d.Detail, "as another error of this run says in full."):
				brief++
			default:
				t.Errorf("unexpected error: %+v", d)
			}
		}

		return whole, brief
	}

	// What is under way when the limit is met can't be called back: at most one reading of each kind.
	const kinds = 3
	limitCalls(sim, 1)
	before := spent()
	plan := cli.Plan("-parallelism=100")
	if n := spent() - before; plan.Code != acctest.PlanFailed || n < 2 || n > 1+kinds {
		t.Errorf("expected a login and at most %d calls, found %d (exit code %d)", kinds, n, plan.Code)
	}
	// Both data sources may fail by the limit beside the first resource.
	if whole, brief := said(plan); whole != 1 || brief > 2 {
		t.Errorf("expected one error in full and at most 2 short ones, found %d and %d", whole, brief)
	}

	// Five keys are to be rotated, and the limit is met after some of them.
	limitCalls(sim, 1_000_000)
	cli.MustBeEmpty()
	text, err := os.ReadFile(filepath.Join(cli.Dir, "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	cli.Write("main.tf", strings.ReplaceAll(string(text), `source = "HSM"`, "source = \"HSM\"\n  "+trigger("b")))
	if plan := cli.Plan("-out=saved.tfplan"); plan.Changed != 5 {
		t.Fatalf("expected five rotations to be planned, found %+v", plan)
	}
	keys := len(sim.TenantSecrets())
	before = spent()
	// One rotation is a query, a POST and a read-back; the second one gets as far as its query.
	limitCalls(sim, apiCalls(t, sim)+4)
	apply := cli.Run("apply", "-json", "-input=false", "-parallelism=1", "saved.tfplan")
	whole, brief := said(apply)
	made := len(sim.TenantSecrets()) - keys
	if apply.Code == 0 || made != 1 || whole != 1 || brief != 3 {
		t.Errorf("expected one error in full, and one for each rotation that was not made, found %d and %d with %d made",
			whole, brief, made)
	}
	refused := 0
	for _, request := range sim.RequestsFrom(before) {
		if request.ErrorCode == "REQUEST_LIMIT_EXCEEDED" {
			refused++
		}
	}
	if refused != 1 {
		t.Errorf("expected no call after the refused one, found %d refused ones", refused)
	}
	limitCalls(sim, 1_000_000)
	cli.MustApply()
	if made := len(sim.TenantSecrets()) - keys; made != 5 {
		t.Errorf("expected each key to be made once, found %d", made)
	}
}

// When less than 5 % of the calls are left, each run says so once.
func TestAccProvider_fewCallsLeft(t *testing.T) {
	t.Parallel()
	sim, cli := manyKeys(t, 5)
	const summary = "Few API calls are left"
	warnings := func(result acctest.Result) []string {
		return slices.DeleteFunc(result.Summaries("warning"), func(s string) bool { return s != summary })
	}
	if plan := cli.Plan(); len(warnings(plan)) != 0 {
		t.Errorf("expected no warning, found %v", plan.Summaries("warning"))
	}
	spendCalls(t, sim, 500)
	limitCalls(sim, apiCalls(t, sim)+20)
	plan := cli.Plan()
	if plan.Code != acctest.PlanEmpty || len(warnings(plan)) != 1 ||
		!plan.Has("warning", summary, fmt.Sprintf("of the org's %d API calls", sim.Settings().APILimit)) {
		t.Errorf("expected an empty plan and one warning, found exit code %d and %+v", plan.Code, plan.Diagnostics)
	}
}

// An org that is down is asked once for all resources, with the client's own retries, and not once
// per resource.
func TestAccProvider_orgDown(t *testing.T) {
	t.Parallel()
	sim, cli := manyKeys(t, 30)
	text, err := os.ReadFile(filepath.Join(cli.Dir, "main.tf"))
	if err != nil {
		t.Fatal(err)
	}
	cli.Write("main.tf", strings.Replace(string(text), acctest.VariableProviderBlock(sim),
		acctest.ProviderBlock(sim, "max_retries = 1"), 1))
	cli.MustBeEmpty()
	if err := sim.AddFault(sfsim.Fault{Query: "FROM TenantSecret", HTML: true}); err != nil {
		t.Fatal(err)
	}
	before := sim.RequestCount()
	plan := cli.Plan("-parallelism=10")
	asked := 0
	for _, request := range sim.RequestsFrom(before) {
		if request.Status == http.StatusServiceUnavailable {
			asked++
		}
	}
	if plan.Code != acctest.PlanFailed || asked != 2 {
		t.Errorf("expected a failing plan after two requests for 35 resources, found exit code %d and %d requests", plan.Code,
			asked)
	}
}
