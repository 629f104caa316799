package sfsim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// controlled starts a simulator with control routes; its client sends no token.
func controlled(t *testing.T, opts ...sfsim.Option) *client {
	t.Helper()
	c := start(t, append(opts, sfsim.WithControl())...)
	c.token = ""
	return c
}

func TestControlIsOptional(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.get("/_sim/state").want(http.StatusNotFound)
	if n := len(c.server.Violations()); n != 1 {
		t.Errorf("%d violations, want 1", n)
	}
}

func TestControlRequests(t *testing.T) {
	t.Parallel()
	c := controlled(t)
	if got := strings.TrimSpace(string(c.get("/_sim/requests").want(http.StatusOK).body)); got != "[]" {
		t.Errorf("an empty journal is %s", got)
	}
	c.token = c.server.AccessToken
	c.create(`{"Type":"Analytics"}`).created()
	c.get(data + "/query?q=select+Id+from+TenantSecret")
	c.token = ""
	var list []map[string]any
	c.get("/_sim/requests").want(http.StatusOK).into(&list)
	if len(list) != 2 {
		t.Fatalf("%d requests, want 2: control routes are not journaled", len(list))
	}
	for name, want := range map[string]any{
		"method": "POST", "path": data + "/sobjects/TenantSecret", "query": "", "status": 201.0,
		"operation": "TenantSecret.create",
		"committed": true, "host": "instance",
	} {
		if list[0][name] != want {
			t.Errorf("%s = %v, want %v", name, list[0][name], want)
		}
	}
	if _, err := time.Parse(time.RFC3339, fmt.Sprint(list[0]["time"])); err != nil {
		t.Error(err)
	}
	if list[1]["query"] != "q=select Id from TenantSecret" || list[1]["committed"] != false {
		t.Errorf("second entry %v", list[1])
	}
	c.do(http.MethodDelete, "/_sim/requests", "").want(http.StatusOK)
	c.get("/_sim/requests").into(&list)
	if len(list) != 0 {
		t.Errorf("%d requests after DELETE", len(list))
	}
}

// The page is served, and a browser on another site can't steer the simulator.
func TestControlPage(t *testing.T) {
	t.Parallel()
	c := controlled(t)
	a := c.get("/_sim/").want(http.StatusOK)
	if !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") ||
		!strings.Contains(string(a.body), "<title>Salesforce simulator</title>") {
		t.Errorf("%s: %.80s", a.header.Get("Content-Type"), a.body)
	}
	c.header.Set("Origin", "https://evil.example")
	c.do(http.MethodPost, "/_sim/reset", "").want(http.StatusForbidden)
	c.header.Set("Origin", c.server.InstanceURL)
	c.do(http.MethodPost, "/_sim/reset", "").want(http.StatusOK)
	c.header.Del("Origin")
	c.host = "rebound.example"
	c.get("/_sim/state").want(http.StatusForbidden)
	c.host = "localhost:1"
	c.get("/_sim/state").want(http.StatusOK)
}

func TestControlClock(t *testing.T) {
	t.Parallel()
	c := controlled(t)
	var now struct {
		Now time.Time `json:"now"`
	}
	before := c.server.Clock.Now()
	c.do(http.MethodPost, "/_sim/clock", `{"advance":"24h"}`).want(http.StatusOK).into(&now)
	if d := now.Now.Sub(before); d < 24*time.Hour || d > 25*time.Hour {
		t.Errorf("advanced by %s", d)
	}
	c.do(http.MethodPost, "/_sim/clock", `{"set":"2030-01-01T00:00:00Z","advance":"1h"}`).want(http.StatusOK)
	c.get("/_sim/clock").want(http.StatusOK).into(&now)
	if !strings.HasPrefix(now.Now.Format(time.RFC3339), "2030-01-01T01:00:") {
		t.Errorf("set to %s", now.Now)
	}
	for _, bad := range []string{`{"advance":"1 day"}`, `{"advance":3}`, `{"forward":"1h"}`, `[]`} {
		c.do(http.MethodPost, "/_sim/clock", bad).want(http.StatusBadRequest)
	}
}

func TestControlFaults(t *testing.T) {
	t.Parallel()
	c := controlled(t)
	c.do(http.MethodPost, "/_sim/faults", `{"method":"GET","path":"`+data+
		`/limits","nth":1,"status":503,"error_code":"SERVER_UNAVAILABLE","html":true}`).want(http.StatusOK)
	var armed []map[string]any
	c.get("/_sim/faults").want(http.StatusOK).into(&armed)
	if len(armed) != 1 || armed[0]["status"] != 503.0 {
		t.Errorf("armed %v", armed)
	}
	c.token = c.server.AccessToken
	c.get(data + "/limits").want(http.StatusServiceUnavailable)
	c.get(data + "/limits").want(http.StatusOK)
	c.do(http.MethodPost, "/_sim/faults", `{"status":500,"delay":"1ms"}`).want(http.StatusOK)
	c.get(data + "/limits").want(http.StatusInternalServerError)
	c.do(http.MethodDelete, "/_sim/faults", "").want(http.StatusOK)
	c.get(data + "/limits").want(http.StatusOK)
	for _, bad := range []string{`{}`, `{"drop":"sometimes"}`, `{"status":500,"sattus":1}`, `{"status":"500"}`} {
		c.do(http.MethodPost, "/_sim/faults", bad).want(http.StatusBadRequest)
	}
}

func TestControlRotateAndReset(t *testing.T) {
	t.Parallel()
	c := controlled(t)
	var made struct {
		ID string `json:"id"`
	}
	c.do(http.MethodPost, "/_sim/rotate", `{"type":"Data","source":"HSM"}`).want(http.StatusOK).into(&made)
	c.do(http.MethodPost, "/_sim/rotate", "").want(http.StatusOK)
	c.do(http.MethodPost, "/_sim/rotate", `{"type":"Nope"}`).want(http.StatusBadRequest)
	secrets := c.server.TenantSecrets()
	if len(secrets) != 3 || secrets[1].ID != made.ID || secrets[1].Status != "ARCHIVED" || secrets[2].Status != "ACTIVE" {
		t.Errorf("key table %+v", secrets)
	}
	c.do(http.MethodPost, "/_sim/reset", "").want(http.StatusOK)
	if n := len(c.server.TenantSecrets()); n != 1 {
		t.Errorf("%d secrets after a reset", n)
	}
}

func TestControlState(t *testing.T) {
	t.Parallel()
	c := controlled(t, sfsim.WithKind(sfsim.Sandbox))
	a := c.get("/_sim/state").want(http.StatusOK)
	var state sfsim.State
	a.into(&state)
	if state.Kind != sfsim.Sandbox || state.OrganizationID != c.server.OrganizationID || len(state.TenantSecrets) != 1 ||
		len(state.Certificates) != 2 {
		t.Errorf("state %+v", state)
	}
	if !strings.HasPrefix(state.Certificates[0].PEM, "-----BEGIN CERTIFICATE-----") ||
		strings.Contains(string(a.body), "PRIVATE KEY") {
		t.Error("certificates are not PEM, or hold a private key")
	}
	release := state.Release
	c.do(http.MethodPost, "/_sim/release", "").want(http.StatusOK).into(&state)
	if state.Release != release+2 {
		t.Errorf("release %d after %d", state.Release, release)
	}
}

func TestControlSwitches(t *testing.T) {
	t.Parallel()
	c := controlled(t)
	var settings sfsim.Settings
	c.do(http.MethodPost, "/_sim/settings",
		`{"rotation_intervals":false,"page_size":3}`).want(http.StatusOK).into(&settings)
	if settings.RotationIntervals || settings.PageSize != 3 || settings.APILimit != 100_000 ||
		settings != c.server.Settings() {
		t.Errorf("settings %+v", settings)
	}
	c.get("/_sim/settings").want(http.StatusOK)
	for _, bad := range []string{`{"certificate_chain_form":"p12"}`, `{"rotation":1}`, `{"api_limit":0}`} {
		c.do(http.MethodPost, "/_sim/settings", bad).want(http.StatusBadRequest)
	}
	if c.server.Settings() != settings {
		t.Error("a refusal changed the settings")
	}
	c.do(http.MethodPost, "/_sim/permissions", `{"manage_encryption_keys":false}`).want(http.StatusOK)
	c.token = c.server.AccessToken
	c.get(data+"/query?q=select+Id+from+TenantSecret").refused(http.StatusBadRequest, "INVALID_TYPE")
	var renewed struct {
		Token string `json:"access_token"`
	}
	c.do(http.MethodPost, "/_sim/revoke", "").want(http.StatusOK).into(&renewed)
	c.get(data+"/limits").refused(http.StatusUnauthorized, "INVALID_SESSION_ID")
	c.token = renewed.Token
	c.get(data + "/limits").want(http.StatusOK)
	c.get("/_sim/violations").want(http.StatusOK)
	c.get("/_sim/nothing").want(http.StatusNotFound)
	c.get("/_sim/rotate").want(http.StatusMethodNotAllowed)
}
