package salesforce_test

import (
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

func TestChecksOfConfiguration(t *testing.T) {
	t.Parallel()

	privateKey := func(s string) error { return salesforce.CheckPrivateKey(secret.NewText(s)) }
	for name, tc := range map[string]struct {
		check func(string) error
		value string
		want  string
	}{
		"My Domain":              {salesforce.CheckInstanceURL, "https://example.my.salesforce.com", ""},
		"My Domain, slash":       {salesforce.CheckInstanceURL, "https://example.my.salesforce.com/", ""},
		"loopback":               {salesforce.CheckInstanceURL, "http://127.0.0.1:8080", ""},
		"http":                   {salesforce.CheckInstanceURL, "http://example.my.salesforce.com", "https"},
		"a name like a loopback": {salesforce.CheckInstanceURL, "http://127.0.0.1.example.com", "https"},
		"a path":                 {salesforce.CheckInstanceURL, "https://example.my.salesforce.com/services", "path"},
		"login host":             {salesforce.CheckInstanceURL, "https://login.salesforce.com", "My Domain"},
		"test host":              {salesforce.CheckInstanceURL, "https://TEST.salesforce.com", "My Domain"},
		"login host for a login": {salesforce.CheckLoginURL, "https://login.salesforce.com", ""},
		"no URL for a login":     {salesforce.CheckLoginURL, "login.salesforce.com", "absolute URL"},
		"API version":            {salesforce.CheckAPIVersion, "62.0", ""},
		"API version with v":     {salesforce.CheckAPIVersion, "v62.0", "of the form"},
		"old API version":        {salesforce.CheckAPIVersion, "40.0", "too old"},
		"no key":                 {privateKey, "s3cret", "PEM"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			err := tc.check(tc.value)
			if (err == nil) != (tc.want == "") || (err != nil && !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%q: %v, want %q", tc.value, err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "s3cret") {
				t.Errorf("the error quotes the key: %v", err)
			}
		})
	}
}
