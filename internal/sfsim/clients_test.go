package sfsim_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// clientModules finds where `make clients` installed the clients: in the directory SFSIM_CLIENTS.
// The file "installed" in it says that npm came to its end.
func clientModules(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("the clients take up to a minute")
	}
	root := os.Getenv("SFSIM_CLIENTS")
	if root == "" {
		t.Skip("SFSIM_CLIENTS is not set: `make test` installs jsforce and the Salesforce CLI with npm and sets it")
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not on PATH")
	}
	if _, err := os.Stat(filepath.Join(root, "installed")); err != nil {
		t.Skipf("jsforce and the Salesforce CLI are not installed in %s: `make clients` could not install them", root)
	}
	return filepath.Join(root, "node_modules")
}

// jsforce, a client that nobody here wrote, works unchanged.
func TestClientsJsforce(t *testing.T) {
	t.Parallel()
	modules := clientModules(t)
	c := start(t, sfsim.WithControl())
	announcement, err := json.Marshal(map[string]string{
		"instance_url": c.server.InstanceURL, "client_id": c.server.ClientID, "client_secret": c.server.ClientSecret,
		"username": c.server.Username, "organization_id": c.server.OrganizationID,
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/clients/jsforce.cjs", string(announcement))
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// The Salesforce CLI works unchanged.
func TestClientsSalesforceCLI(t *testing.T) {
	t.Parallel()
	modules := clientModules(t)
	c := start(t)
	home := t.TempDir()
	key := filepath.Join(home, "app.pem")
	if err := os.WriteFile(key, []byte(c.server.PrivateKeyPEM), 0o600); err != nil {
		t.Fatal(err)
	}
	sf := filepath.Join(modules, ".bin", "sf")
	cmd := exec.CommandContext(t.Context(), "sh", "testdata/clients/sf.sh", sf, c.server.InstanceURL, c.server.LoginURL,
		c.server.ClientID, c.server.Username, key)
	cmd.Env = append(os.Environ(), "HOME="+home, "SF_ACCESS_TOKEN="+c.server.AccessToken)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
