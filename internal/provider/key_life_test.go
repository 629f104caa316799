package provider_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// plannedChange is what a saved plan shows of one resource, as a policy tool reads it.
type plannedChange struct {
	Actions      []string       `json:"actions"`
	After        map[string]any `json:"after"`
	AfterUnknown map[string]any `json:"after_unknown"`
}

// unknown reports whether the plan leaves an attribute open.
func (c plannedChange) unknown(attribute string) bool { return c.AfterUnknown[attribute] == true }

const savedPlan = "saved.tfplan"

// planned saves a plan, expects it to have changes, and returns what it prints and what it shows of
// a resource.
func planned(t *testing.T, cli *acctest.CLI, address string, args ...string) (acctest.Result, plannedChange) {
	t.Helper()
	result := cli.Plan(append([]string{"-out=" + savedPlan}, args...)...)
	if result.Code != acctest.PlanChanges {
		t.Fatalf("expected a plan with changes, found exit code %d\n%s", result.Code, result.Output())
	}
	var shown struct {
		Changes []struct {
			Address string        `json:"address"`
			Change  plannedChange `json:"change"`
		} `json:"resource_changes"`
	}
	if err := json.Unmarshal([]byte(cli.Run("show", "-json", savedPlan).Stdout), &shown); err != nil {
		t.Fatal(err)
	}
	for _, c := range shown.Changes {
		if c.Address == address {
			return result, c.Change
		}
	}
	t.Fatalf("the plan has no change of %s", address)

	return result, plannedChange{}
}

// applySaved applies the plan that planned has saved.
func applySaved(cli *acctest.CLI) acctest.Result {
	return cli.Run("apply", "-json", "-input=false", savedPlan)
}

// forget takes the tenant secret out of the state.
func forget(t *testing.T, cli *acctest.CLI) {
	t.Helper()
	if removed := cli.Run("state", "rm", tenantSecretAddress); removed.Code != 0 {
		t.Fatal(removed.Output())
	}
}

// administrator is another user of an org, who works in Setup.
type administrator struct {
	t     *testing.T
	sim   *sfsim.Server
	token string
}

func newAdministrator(t *testing.T, sim *sfsim.Server) administrator {
	t.Helper()

	return administrator{t: t, sim: sim, token: sim.AdminToken()}
}

// call sends a request to the org's tenant secrets and returns the id of what it made.
func (a administrator) call(method, path string, fields map[string]any) string {
	a.t.Helper()
	body, err := json.Marshal(fields)
	if err != nil {
		a.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(a.t.Context(), method,
		a.sim.InstanceURL+"/services/data/v62.0/sobjects/TenantSecret"+path, bytes.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+a.token)
	req.Header.Set("Content-Type", "application/json")
	client := &http.Client{}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read only
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusMultipleChoices {
		a.t.Fatalf("%s %s in Setup: status %d, %s, %v", method, path, resp.StatusCode, text, err)
	}
	var made struct {
		ID string `json:"id"`
	}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &made); err != nil {
			a.t.Fatal(err)
		}
	}

	return made.ID
}

// describe edits the Description of a record.
func (a administrator) describe(id, text string) {
	a.t.Helper()
	a.call(http.MethodPatch, "/"+id, map[string]any{"Description": text})
}

// generate has Salesforce make a Data key.
func (a administrator) generate(description string) string {
	a.t.Helper()

	return a.call(http.MethodPost, "", map[string]any{"Type": "Data", "Description": description})
}

// upload uploads a Data key of the administrator's own.
func (a administrator) upload(description string, material acctest.Material) string {
	a.t.Helper()

	return a.call(http.MethodPost, "", map[string]any{
		"Type": "Data", "Description": description, "SecretValueCertificate": "Sim_BYOK", "SecretValueHash": material.Hash(),
		"SecretValue": wrapFor(a.t, a.sim, material),
	})
}

// wrapFor wraps material under the certificate Sim_BYOK of an org, for wrapped_key_material.
func wrapFor(t *testing.T, sim *sfsim.Server, material acctest.Material) string {
	t.Helper()
	certificates := sim.Certificates()
	at := slices.IndexFunc(certificates, func(c sfsim.Certificate) bool { return c.DeveloperName == "Sim_BYOK" })
	certificate, err := byok.ParseCertificate([]byte(certificates[at].PEM))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := byok.ParseMaterial(material.Base64())
	if err != nil {
		t.Fatal(err)
	}
	text, err := byok.Wrap(byok.RSAOAEPSHA512, certificate, parsed)
	if err != nil {
		t.Fatal(err)
	}

	return text
}

// gateway stands between the provider and an org. It lets everything through but the POST of a key,
// which it answers in the org's place.
type gateway struct {
	mu sync.Mutex
	// answer takes the place of the reply to a POST; nil lets it through. swallows keeps the POST from
	// the org.
	answer   http.HandlerFunc
	swallows bool
	posts    int
}

// newGateway puts a gateway before an org, whose address it takes.
func newGateway(t *testing.T, sim *sfsim.Server) *gateway {
	t.Helper()
	g := &gateway{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { g.serve(sim, w, r) }))
	t.Cleanup(server.Close)
	sim.MoveTo(server.URL)

	return g
}

func (g *gateway) serve(sim *sfsim.Server, w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	answer, swallows := g.answer, g.swallows
	post := r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/sobjects/TenantSecret")
	if post {
		g.posts++
	}
	g.mu.Unlock()
	if !post || answer == nil {
		sim.Handler().ServeHTTP(w, r)

		return
	}
	if swallows {
		_, _ = io.Copy(io.Discard, r.Body) // the sender may be gone
	} else {
		sim.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}
	answer(w, r)
}

// set makes the gateway answer each POST, nil for the org's own answer.
func (g *gateway) set(answer http.HandlerFunc, swallows bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer, g.swallows, g.posts = answer, swallows, 0
}

// sent returns how many POSTs have come since set.
func (g *gateway) sent() int {
	g.mu.Lock()
	defer g.mu.Unlock()

	return g.posts
}

// words is a reply of its own making.
func words(status int, contentType, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client may be gone
	}
}

// copyOf returns the escrow copy in the directory of a runner that holds a key, "" for none.
func copyOf(t *testing.T, cli *acctest.CLI, key []byte) string {
	t.Helper()
	for _, name := range escrowCopies(t, cli) {
		text, err := os.ReadFile(filepath.Join(cli.Dir, "escrow", name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(openEscrow(t, string(text), ageIdentity), key) {
			return name
		}
	}

	return ""
}

// proxied is the address of a proxy before an org, which changes its answers.
func proxied(t *testing.T, sim *sfsim.Server, change func(*http.Response) error) string {
	t.Helper()
	target, err := url.Parse(sim.InstanceURL)
	if err != nil {
		t.Fatal(err)
	}
	path := target.Path
	target.Path = ""
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Header.Del("Accept-Encoding")
		},
		ModifyResponse: change,
	})
	t.Cleanup(server.Close)

	return server.URL + path
}
