package sfsim_test

import (
	"html"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// browser finds a Chromium, which runs without a window.
func browser(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes some seconds")
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium is on PATH")
	return ""
}

// The page shows keys, certificates, faults, violations and requests in a real browser, and text of
// clients as text.
func TestPageInABrowser(t *testing.T) {
	t.Parallel()
	chromium := browser(t)
	c := start(t, sfsim.WithControl(), sfsim.WithoutIntervals())
	id := c.create(c.uploadBody(material(), map[string]any{"Description": `<b onclick="x">bold</b>`})).created()
	c.arm(sfsim.Fault{Method: "POST", Path: "NoSuchPath", Status: 503})
	c.get("/services/data/v62.0/no/such/resource")

	// As root, in a container, there is no sandbox for the browser; it sees nothing but this page.
	dom, err := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
		"--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
		"--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--virtual-time-budget=3000", "--dump-dom", c.server.InstanceURL+"/_sim/").Output()
	if err != nil {
		t.Skipf("the browser does not run here: %v", err)
	}
	text := string(dom)
	for _, want := range []string{
		"Salesforce simulator: Simulated Org (production, " + c.server.OrganizationID + ")", "Simulated time 20",
		"<dd>" + id + "</dd>", `<span class="ACTIVE">ACTIVE</span>`, `<span class="ARCHIVED">ARCHIVED</span>`,
		"<span>UPLOADED</span>", "RSA_OAEP_SHA",
		"Data <small>1 ACTIVE, 1 ARCHIVED</small>",
		"<td>Sim_BYOK</td>", "<td>Sim Partner SSO</td>", "<td>yes</td>", "<td>no</td>", "NoSuchPath", "no/such/resource",
		"calls a resource that does not exist", `<span id="trouble" role="status"></span>`, "<td>TenantSecret.create</td>",
		"&lt;b onclick=",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// Without JavaScript the page is whole, and forty keys are forty lines, each with a short hash and
// a place on its type's timeline.
func TestPageWithoutJavaScript(t *testing.T) {
	t.Parallel()
	seed := &sfsim.Seed{}
	for _, typ := range []string{"Data", "DeterministicData", "EventBus", "SearchIndex"} {
		for i := range 10 {
			secret := sfsim.SeedSecret{Type: typ, Source: "UPLOADED", Status: "ARCHIVED"}
			if i == 9 {
				secret.Status = "ACTIVE"
			}
			seed.TenantSecrets = append(seed.TenantSecrets, secret)
		}
	}
	c := start(t, sfsim.WithControl(), sfsim.WithSeed(seed))
	text := html.UnescapeString(string(c.get("/_sim/").body))
	for want, n := range map[string]int{
		"<summary>": 40, "<rect ": 40, "<section>": 4,
		"<small>1 ACTIVE, 9 ARCHIVED</small>": 4,
	} {
		if got := strings.Count(text, want); got != n {
			t.Errorf("expected %d of %q, found %d", n, want, got)
		}
	}
	for _, secret := range c.server.TenantSecrets() {
		if hash := secret.SecretValueHash; !strings.Contains(text, "<span>"+hash[:8]+"</span></summary>") ||
			!strings.Contains(text, "<dt>hash</dt><dd>"+hash+"</dd>") {
			t.Errorf("the page lacks the short or the whole hash of %s", secret.ID)
		}
	}
}

// However close in time, each key keeps a place of its own on the timeline, which ends now.
func TestPageTimeline(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 40} {
		seed := &sfsim.Seed{}
		for i := range n {
			seed.TenantSecrets = append(seed.TenantSecrets, sfsim.SeedSecret{
				Source: "UPLOADED",
				Status: map[bool]string{true: "ACTIVE", false: "ARCHIVED"}[i == n-1],
			})
		}
		c := start(t, sfsim.WithControl(), sfsim.WithSeed(seed))
		end := 0
		for _, m := range regexp.MustCompile(`x="(\d+)" y="0" width="(\d+)"`).FindAllStringSubmatch(string(c.get("/_sim/").body), -1) {
			x, errX := strconv.Atoi(m[1])
			width, errWidth := strconv.Atoi(m[2])
			if errX != nil || errWidth != nil || x != end || width < 4 {
				t.Errorf("%d keys: expected a span from %d and at least 4 wide, found %v", n, end, m[1:])
			}
			end = x + width
		}
		if end != 1000 {
			t.Errorf("%d keys: expected the timeline to end at 1000, found %d", n, end)
		}
	}
}
