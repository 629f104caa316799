package salesforce

import (
	"strings"
	"testing"
)

func TestHostsThatHaveNoAPI(t *testing.T) {
	t.Parallel()
	for input, text := range map[string]string{
		"https://acme.lightning.force.com":              "use the org's My Domain, https://acme.my.salesforce.com",
		"https://ACME.Lightning.Force.com":              "https://acme.my.salesforce.com",
		"https://acme.lightning.force.com.":             "https://acme.my.salesforce.com",
		"https://acme--dev.sandbox.lightning.force.com": "https://acme--dev.sandbox.my.salesforce.com",
		"https://acme.my.salesforce-setup.com/": "Setup, which has no API: use the org's My Domain, " +
			"https://acme.my.salesforce.com",
		"https://acme.my.salesforce.com.":         "must not end in a dot: write https://acme.my.salesforce.com",
		"https://login.salesforce.com.":           "must not end in a dot",
		"https://acme%E2%80%AE.my.salesforce.com": "a character that no host name has",
		"https://acme%C2%9B.example":              "a character that no host name has",
		"https://ächz.example":                    "a character that no host name has",
		"https://acme.my.salesforce.com":          "",
		"https://acme.my.salesforce.mil":          "",
		"https://lightning.force.com.example":     "",
		"http://127.0.0.1:8080":                   "",
		"http://[::1]:8080":                       "",
	} {
		for name, check := range map[string]func(string) error{
			"instance_url": CheckInstanceURL, "login_url": CheckLoginURL,
			"audience": CheckAudience,
		} {
			err := check(input)
			if text == "" && err != nil || text != "" && (err == nil || !strings.Contains(err.Error(), text) ||
				!strings.HasPrefix(err.Error(), name)) {
				t.Errorf("%s %s: error %v, want %q in it", name, input, err, text)
			}
		}
	}
}
