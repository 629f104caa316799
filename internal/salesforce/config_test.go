package salesforce

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := func() Config {
		return Config{
			InstanceURL: "https://x.my.salesforce.com",
			APIVersion:  "62.0",
			Auth:        ClientCredentials{ClientID: "app", ClientSecret: secret.NewText("hunter2")},
		}
	}
	if _, err := New(good()); err != nil {
		t.Fatal(err)
	}
	instance := func(s string) func(*Config) { return func(c *Config) { c.InstanceURL = s } }
	version := func(s string) func(*Config) { return func(c *Config) { c.APIVersion = s } }
	auth := func(a Authenticator) func(*Config) { return func(c *Config) { c.Auth = a } }
	for name, tc := range map[string]struct {
		change func(*Config)
		text   string
	}{
		"no credentials":     {auth(nil), "no credentials"},
		"no client id":       {auth(ClientCredentials{ClientSecret: secret.NewText("hunter2")}), "client_id is required"},
		"no client secret":   {auth(ClientCredentials{ClientID: "x"}), "client_secret is required"},
		"no user":            {auth(JWTBearer{ClientID: "x", PrivateKey: secret.NewText("x")}), "username is required"},
		"no JWT client":      {auth(JWTBearer{Username: "x", PrivateKey: secret.NewText("x")}), "client_id is required"},
		"no token":           {auth(AccessToken{}), "access_token is empty"},
		"token with newline": {auth(AccessToken{Token: secret.NewText("hunter2\n")}), "line break"},
		"login URL": {auth(JWTBearer{
			ClientID: "x", Username: "x", PrivateKey: secret.NewText(pkcs8(t, testKey())),
			LoginURL: "http://login.example",
		}), "login_url must be https"},
		"path":               {instance("https://x.my.salesforce.com/lightning"), "without a path"},
		"query":              {instance("https://x.my.salesforce.com?x=hunter2"), "without a path"},
		"fragment":           {instance("https://x.my.salesforce.com#x"), "without a path"},
		"user info":          {instance("https://u:hunter2@x.my.salesforce.com"), "user name or password"},
		"http":               {instance("http://x.my.salesforce.com"), "must be https"},
		"no scheme":          {instance("x.my.salesforce.com"), "absolute URL"},
		"other scheme":       {instance("ftp://x.my.salesforce.com"), "must be https"},
		"no host":            {instance("https:///x"), "absolute URL"},
		"opaque":             {instance("https:hunter2"), "absolute URL"},
		"not a URL":          {instance("https://hunter2\x7f"), "is not a URL"},
		"login host":         {instance("https://login.salesforce.com"), "only serves logins"},
		"sandbox login host": {instance("https://TEST.salesforce.com"), "only serves logins"},
		"missing":            {instance(""), "instance_url is required"},
		"missing for token": {func(c *Config) {
			c.InstanceURL = ""
			c.Auth = AccessToken{Token: secret.NewText("x")}
		}, "instance_url is required"},
		"old version":     {version("44.0"), "too old"},
		"version form":    {version("62"), "not of the form"},
		"version with v":  {version("v62.0"), "not of the form"},
		"version in path": {version("62.0/../../x"), "not of the form"},
		"pin":             {func(c *Config) { c.OrganizationID = "00Dxx" }, "organization_id"},
		"pin of a user":   {func(c *Config) { c.OrganizationID = testUser }, "must begin with 00D"},
		"retries":         {func(c *Config) { c.MaxRetries = -1 }, "max_retries"},
		"timeout":         {func(c *Config) { c.RequestTimeout = -1 }, "request_timeout_seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := good()
			tc.change(&cfg)
			_, err := New(cfg)
			if err == nil || !strings.Contains(err.Error(), tc.text) {
				t.Fatalf("error %v, want %q in it", err, tc.text)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error quotes what was configured: %v", err)
			}
			// Every text begins with the setting that it is about.
			if of, ok := errors.AsType[*SettingError](err); ok != (name != "no credentials") ||
				ok && !strings.HasPrefix(err.Error(), of.Setting) {
				t.Errorf("the error is not about the setting that it names: %+v", of)
			}
		})
	}
}

func TestNewAccepts(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://x.my.salesforce.com/":   "https://x.my.salesforce.com",
		"https://x.my.salesforce.com":    "https://x.my.salesforce.com",
		"http://127.0.0.1:8080":          "http://127.0.0.1:8080",
		"http://localhost:1":             "http://localhost:1",
		"http://[::1]:1":                 "http://[::1]:1",
		"https://x.example:8443":         "https://x.example:8443",
		"https://login.salesforce.com.x": "https://login.salesforce.com.x",
	} {
		c, err := New(Config{InstanceURL: url, Auth: AccessToken{Token: secret.NewText("x")}})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if c.InstanceURL() != want || c.APIVersion() != DefaultAPIVersion || c.timeout != DefaultRequestTimeout {
			t.Errorf("%s: %s %s %s", url, c.InstanceURL(), c.APIVersion(), c.timeout)
		}
	}
	key := secret.NewText(pkcs8(t, testKey()))
	c, err := New(Config{Auth: JWTBearer{ClientID: "a", Username: "u", PrivateKey: key}, RequestTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if c.InstanceURL() != "" {
		t.Errorf("instance %q before a login", c.InstanceURL())
	}
}

func TestOwnTransports(t *testing.T) {
	t.Parallel()
	reads, writes := ownTransports()
	for name, transport := range map[string]*http.Transport{"reads": reads, "writes": writes} {
		if transport.TLSClientConfig.MinVersion != 0x0303 || transport.TLSClientConfig.InsecureSkipVerify {
			t.Errorf("%s: TLS %+v", name, transport.TLSClientConfig.MinVersion)
		}
		if transport.Proxy == nil {
			t.Errorf("%s: no proxy from the environment", name)
		}
	}
	if reads.DisableKeepAlives || !writes.DisableKeepAlives {
		t.Error("reads keep connections, writes do not")
	}
}
