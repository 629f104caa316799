package salesforce

import (
	"fmt"
	"net/url"
	"strings"
)

// myDomain ends the host of every org's API [D; C sfdx-core knows the others].
const myDomain = ".my.salesforce.com"

// neighbours are the hosts beside an org's My Domain that people copy from the browser's address
// bar, which serve pages and no API, by the end of their names [D].
var neighbours = []struct{ suffix, serves string }{
	{".lightning.force.com", "Lightning Experience"},
	{".my.salesforce-setup.com", "Setup"},
}

// checkHost says what is wrong with the host of a URL that is to serve Salesforce's API or its
// logins.
func checkHost(name string, u *url.URL) error {
	host := strings.ToLower(u.Hostname())
	if strings.ContainsFunc(u.Host, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`"%<>\^{|}`+"`", r)
	}) {
		// url.Parse undoes percent-encoding, which gives a host any character.
		return fmt.Errorf("%s has a host with a character that no host name has", name)
	}
	for _, n := range neighbours {
		if org, ok := strings.CutSuffix(strings.TrimSuffix(host, "."), n.suffix); ok {
			return fmt.Errorf("%s names the host of %s, which has no API: use the org's My Domain, https://%s", name, n.serves,
				org+myDomain)
		}
	}
	if bare, ok := strings.CutSuffix(host, "."); ok {
		return fmt.Errorf("%s must not end in a dot: write %s://%s", name, u.Scheme, bare)
	}
	return nil
}

// isSalesforceHost recognises Salesforce's own hosts: a My Domain in one of its clouds [C
// sfdx-core], or a login host.
func isSalesforceHost(host string) bool {
	host = strings.ToLower(host)
	for _, suffix := range []string{myDomain, ".my.salesforce.mil", ".my.sfcrmproducts.cn"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return isLoginHost(host)
}

// isLoginHost recognises the hosts that serve logins for every org, and no org's
// API [C: they refuse the client credentials flow].
func isLoginHost(host string) bool {
	return strings.EqualFold(host, "login.salesforce.com") || strings.EqualFold(host, "test.salesforce.com")
}

// loginHostOf is the login host of an org: that of sandboxes if its My Domain is of a sandbox or a
// scratch org, whose names have a label of their own, or, in older ones, two hyphens [D].
func loginHostOf(instance *url.URL) string {
	if instance != nil {
		host := strings.ToLower(instance.Hostname())
		label, _, _ := strings.Cut(host, ".")
		if sandboxHosts(host, "") || strings.Contains(host, ".scratch.") ||
			isSalesforceHost(host) && strings.Contains(label, "--") {
			return sandboxLoginURL
		}
	}
	return DefaultLoginURL
}

// sameOrigin compares scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if strings.EqualFold(u.Scheme, "http") {
		return "80"
	}
	return "443"
}
