package sfsim_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"testing"
)

// jsforce's Metadata API calls work unchanged: deploy by SOAP and by REST, retrieve, read, update,
// delete, list and describe.
func TestClientsJsforceMetadata(t *testing.T) {
	t.Parallel()
	modules := clientModules(t)
	c := start(t)
	announcement, err := json.Marshal(map[string]string{
		"instance_url": c.server.InstanceURL, "client_id": c.server.ClientID, "client_secret": c.server.ClientSecret,
		"organization_id": c.server.OrganizationID,
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "testdata/clients/metadata.mjs")
	cmd.Env = append(os.Environ(), "SFSIM_MODULES="+modules, "SFSIM="+string(announcement),
		"SFSIM_ZIP="+base64.StdEncoding.EncodeToString(zipOf(t, certificateFiles("Client_Cert", ""))))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	c.noViolations()
}
