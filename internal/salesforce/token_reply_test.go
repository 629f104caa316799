package salesforce

import (
	"net/http"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// Whatever a host answers to a login: the token it gives goes to no other host than the configured
// one, and no error quotes the secret that was sent or the token that came.
func FuzzTokenReply(f *testing.F) {
	const clientSecret, instance = "hunter2-client-secret", "https://x.my.salesforce.com"
	for _, seed := range []string{
		`{"access_token":"00D!tok.en-1","instance_url":"https://x.my.salesforce.com","id":"https://login.salesforce.com/id/` +
			testOrg + `/` + testUser + `","token_type":"Bearer"}`,
		`{"access_token":"00D!tok.en-1","instance_url":"https://elsewhere.example"}`,
		`{"access_token":"00D!tok.en-1","instance_url":"https://x.my.salesforce.com.elsewhere.example"}`,
		`{"access_token":"00D!tok.en-1","instance_url":"//elsewhere.example"}`, `{"access_token":1}`,
		`{"access_token":"","id":{}}`, `{"access_token":"a\nb"}`,
		`{"error":"invalid_client","error_description":"` + clientSecret + `"}`, `<html>`, `[]`, `null`, ``,
	} {
		f.Add(http.StatusOK, seed)
		f.Add(http.StatusBadRequest, seed)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status != http.StatusOK && status != http.StatusBadRequest && status != http.StatusUnauthorized {
			return // other answers are repeated, after a pause: TestLoginIsRepeated
		}
		c := inMemory(t, func(r *http.Request) (*http.Response, error) {
			if r.URL.Host != "x.my.salesforce.com" {
				t.Errorf("%s %s went to %s", r.Method, r.URL.Path, r.URL.Host)
			}
			if strings.HasSuffix(r.URL.Path, "/oauth2/token") {
				return page(status, body), nil
			}
			return page(http.StatusOK, emptyPage), nil
		}, func(cfg *Config) {
			cfg.InstanceURL, cfg.MaxRetries = instance, 0
			cfg.Auth = ClientCredentials{ClientID: "app", ClientSecret: secret.NewText(clientSecret)}
		})
		_, err := c.ListTenantSecrets(t.Context())
		if err != nil && (strings.Contains(err.Error(), clientSecret) || strings.Contains(err.Error(), "tok.en-1")) {
			t.Errorf("the error quotes a secret: %v", err)
		}
	})
}
