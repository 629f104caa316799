package sfsim_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// clientModules finds where a client was installed: SFSIM_CLIENTS, or testdata/clients itself.
func clientModules(t *testing.T, module string) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is not on PATH")
	}
	root := os.Getenv("SFSIM_CLIENTS")
	if root == "" {
		root = "testdata/clients"
	}
	modules, err := filepath.Abs(filepath.Join(root, "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, module)); err != nil {
		t.Skipf("%s is not installed: run npm install in internal/sfsim/testdata/clients, or set SFSIM_CLIENTS to where it was", module)
	}
	return modules
}

// jsforce, a client that nobody here wrote, works unchanged.
func TestClientsJsforce(t *testing.T) {
	t.Parallel()
	modules := clientModules(t, "jsforce")
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
	if testing.Short() {
		t.Skip("the CLI takes most of a minute")
	}
	modules := clientModules(t, "@salesforce/cli")
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
