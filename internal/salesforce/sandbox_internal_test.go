package salesforce

import "testing"

func TestSandboxHosts(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		instance, identity string
		want               bool
	}{
		"production":            {"example.my.salesforce.com", "login.salesforce.com", false},
		"sandbox My Domain":     {"example--uat.sandbox.my.salesforce.com", "", true},
		"sandbox identity":      {"127.0.0.1", "Test.Salesforce.com", true},
		"a name like a sandbox": {"sandbox-example.my.salesforce.com", "login.salesforce.com", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := sandboxHosts(tc.instance, tc.identity); got != tc.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
