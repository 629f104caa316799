package upload_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/inventory"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/look"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// gateway stands between us and Salesforce. It lets everything through, and answers the POST of a
// key in Salesforce's place.
type gateway struct {
	next http.RoundTripper
	// swallows is true for one that does not let the POST through.
	swallows bool
	// answer takes the place of the reply; nil leaves it.
	answer *words
	posts  int
}

func (g *gateway) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/sobjects/TenantSecret") {
		return g.next.RoundTrip(r)
	}
	g.posts++
	if !g.swallows {
		reply, err := g.next.RoundTrip(r)
		if err != nil || g.answer == nil {
			return reply, err
		}
		_, _ = io.Copy(io.Discard, reply.Body)
		_ = reply.Body.Close()
	} else if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}

	return g.answer.reply(r), nil
}

// words are what a gateway says.
type words struct {
	status            int
	contentType, body string
	location          string
}

func (w words) reply(r *http.Request) *http.Response {
	header := http.Header{"Content-Type": {w.contentType}}
	if w.location != "" {
		header.Set("Location", w.location)
	}

	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header,
		Body:   io.NopCloser(strings.NewReader(w.body)), ContentLength: int64(len(w.body)), Request: r,
	}
}

// simulated is a simulator behind a gateway, and the tenant secrets of its org as a run sees them.
func simulated(t *testing.T, g *gateway) (*sfsim.Server, upload.TenantSecrets) {
	t.Helper()
	sim, err := sfsim.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sim.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	g.next = transport
	client, err := salesforce.New(salesforce.Config{
		InstanceURL: sim.InstanceURL, Auth: salesforce.AccessToken{Token: secret.NewText(sim.AccessToken)}, Transport: g,
	})
	if err != nil {
		t.Fatal(err)
	}

	return sim, upload.TenantSecrets{Client: client, Inventory: inventory.New(client)}
}

// runSimulated runs a request over a simulated org as a new process of the provider.
func runSimulated(t *testing.T, sim *sfsim.Server, org upload.Org, r upload.Request) (upload.Result, error) {
	t.Helper()
	u := &upload.Uploader{Organization: sim.OrganizationID, Patience: look.Patience{
		Waits: []time.Duration{time.Second}, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}}

	return u.Run(t.Context(), org, r)
}

func simRequest(t *testing.T, dir string) upload.Request {
	t.Helper()
	r := request()
	r.Certificate, r.Escrow = "Sim_BYOK", escrowIn(t, dir)

	return r
}

// Definite is only a 4xx other than 408 with a Salesforce error array. What anything else answers,
// the key is looked for, nothing is sent twice and no copy is lost, whether Salesforce has done the
// POST or not; and one more apply gives one key.
func TestTenantSecrets_gateways(t *testing.T) {
	t.Parallel()
	const refusal = `[{"message":"no","errorCode":"FIELD_INTEGRITY_EXCEPTION"}]`
	for name, test := range map[string]struct {
		answer   words
		definite bool
	}{
		"JSON 403 of a proxy":              {words{403, "application/json", `{"error":"blocked by policy"}`, ""}, false},
		"JSON 403, an array without codes": {words{403, "application/json", `[{"message":"blocked"}]`, ""}, false},
		"JSON 408":                         {words{408, "application/json", refusal, ""}, false},
		"empty 400":                        {words{400, "", "", ""}, false},
		"login page":                       {words{200, "text/html", "<html>Log in</html>", ""}, false},
		"307":                              {words{307, "text/html", "", "https://login.example.com/"}, false},
		"308":                              {words{308, "text/html", "", "https://login.example.com/"}, false},
		"201 success:false": {words{
			201, "application/json",
			`{"id":"02G000000000009AAA","success":false,"errors":[]}`, "",
		}, false},
		"502 HTML": {words{502, "text/html", "<html>Bad Gateway</html>", ""}, false},
		"503 with Salesforce's own form": {words{
			503, "application/json",
			`[{"message":"busy","errorCode":"SERVER_UNAVAILABLE"}]`, "",
		}, false},
		"400 in the form of Salesforce's error": {words{400, "application/json", refusal, ""}, true},
	} {
		for _, swallows := range []bool{false, true} {
			t.Run(name+map[bool]string{false: ", done", true: ", not done"}[swallows], func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				g := &gateway{answer: &test.answer, swallows: swallows}
				sim, org := simulated(t, g)
				before := len(sim.TenantSecrets())
				r := simRequest(t, dir)
				result, err := runSimulated(t, sim, org, r)
				made := len(sim.TenantSecrets()) - before
				if made != map[bool]int{false: 1, true: 0}[swallows] {
					t.Fatalf("expected the gateway to decide, found %d new keys", made)
				}
				_, refused := errors.AsType[*upload.RefusedError](err)
				switch {
				case !swallows:
					if err != nil || result.Adopted || len(result.Warnings) != 2 {
						t.Errorf("expected the key to be found, with a warning, found %+v, %v", result.Warnings, err)
					}
				case test.definite && !refused, !test.definite && !errors.Is(err, salesforce.ErrOutcomeUnknown):
					t.Errorf("expected a refusal: %v, found %v", test.definite, err)
				}
				if age, off := len(copies(t, dir)), len(filesIn(t, dir, "*.age.refused")); age+off != 1 ||
					(off == 1) != (test.definite && swallows) {
					t.Errorf("expected one copy, found %v", filesIn(t, dir, "*"))
				}
				if g.posts != 1 {
					t.Errorf("expected one POST, found %d", g.posts)
				}

				g.answer, g.swallows = nil, false
				r = planSimulated(t, sim, org, r)
				if result, err = runSimulated(t, sim, org, r); err != nil {
					t.Fatal(err)
				}
				if n := len(sim.TenantSecrets()) - before; n != 1 || result.EscrowCiphertext == "" {
					t.Errorf("expected one new key with its copy after one more apply, found %d", n)
				}
			})
		}
	}
}

// planSimulated announces what a plan would.
func planSimulated(t *testing.T, sim *sfsim.Server, org upload.Org, r upload.Request) upload.Request {
	t.Helper()
	records, _, err := org.Records(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := r.Gather(t.Context(), sim.OrganizationID, records)
	if err != nil {
		t.Fatal(err)
	}
	r.Planned = upload.Planned{}
	if j := keys.Judge(r.Wanted, evidence, records); j.Action == keys.Adopt {
		r.Planned.Adopts = j.Record.ID
	} else {
		r.Planned.Over = j.Current.ID
	}

	return r
}

// Each source is sent as Salesforce wants it, read back, and edited.
func TestTenantSecrets_sources(t *testing.T) {
	t.Parallel()
	sim, org := simulated(t, &gateway{})
	r := simRequest(t, filepath.Join(t.TempDir(), "keys"))
	first, err := runSimulated(t, sim, org, r)
	if err != nil || first.Record.Source != keys.SourceUploaded || first.Record.Hash != first.Hash {
		t.Fatalf("expected an uploaded key, found %+v, %v", first, err)
	}
	if material := sim.Unwrapped(first.Record.ID); len(material) != byok.MaterialSize || hashOf(material) != first.Hash {
		t.Errorf("expected the simulator to have opened the key, found %d bytes", len(material))
	}
	text := "edited"
	if err := org.Change(t.Context(), first.Record.ID, upload.Change{Description: &text}); err != nil {
		t.Fatal(err)
	}
	row, err := org.Read(t.Context(), first.Record.ID)
	if err != nil || row.Description != text {
		t.Errorf("expected the edit, found %+v, %v", row, err)
	}
	if _, err := org.Read(t.Context(), "02G000000000999AAA"); err == nil {
		t.Error("expected no record")
	}
	sim.Clock.Advance(48 * time.Hour)
	hsm := request(fromHSM, update(1))
	second, err := runSimulated(t, sim, org, hsm)
	if err != nil || second.Record.Source != keys.SourceHSM || second.Hash != "" || second.Record.Marker() != rotation(1) {
		t.Errorf("expected a key of Salesforce's, found %+v, %v", second, err)
	}
	remote := request(fromService, update(2))
	remote.RemoteKeyServiceID, remote.RemoteKeyCertificate = "0XA000000000001AAA", "Sim_BYOK"
	if _, err := runSimulated(t, sim, org, remote); err == nil {
		t.Error("expected the simulator to refuse a cache-only key that its org does not allow")
	} else if _, refused := errors.AsType[*upload.RefusedError](err); !refused {
		t.Errorf("expected a refusal, found %v", err)
	}
}
