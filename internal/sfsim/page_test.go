package sfsim_test

import (
	"os/exec"
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

// The page shows keys, certificates, faults, violations and requests in a real browser, and text of clients as text.
func TestPageInABrowser(t *testing.T) {
	t.Parallel()
	chromium := browser(t)
	c := start(t, sfsim.WithControl(), sfsim.WithoutIntervals())
	id := c.create(c.uploadBody(material(), map[string]any{"Description": `<b onclick="x">bold</b>`})).created()
	c.arm(sfsim.Fault{Method: "POST", Path: "NoSuchPath", Status: 503})
	c.get("/services/data/v62.0/no/such/resource")

	// As root, in a container, there is no sandbox for the browser; it sees nothing but this page.
	dom, err := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--virtual-time-budget=3000", "--dump-dom", c.server.InstanceURL+"/_sim/").Output()
	if err != nil {
		t.Skipf("the browser does not run here: %v", err)
	}
	text := string(dom)
	for _, want := range []string{
		"Salesforce simulator: Simulated Org (production, " + c.server.OrganizationID + ")", "Simulated time 20",
		"<td>" + id + "</td>", `<td class="ACTIVE">ACTIVE</td>`, `<td class="ARCHIVED">ARCHIVED</td>`, "<td>UPLOADED</td>", "RSA_OAEP_SHA",
		"<td>Sim_BYOK</td>", "<td>Sim Partner SSO</td>", "<td>yes</td>", "<td>no</td>", "NoSuchPath", "no/such/resource",
		"calls a resource that does not exist", `<span id="trouble" role="status"></span>`, "<td>TenantSecret.create</td>", "&lt;b onclick=",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}
