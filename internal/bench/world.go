package bench

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// benchTypes are the types of the lineages. Database needs a certificate of its own kind, so its
// lineage is made by Salesforce.
var benchTypes = []string{"Data", "DeterministicData", "EventBus", "SearchIndex", "Analytics", "Database"}

// archivedPerType stays below Salesforce's cap of 50 keys of a type with room for rotations. What a
// history has beyond that is DESTROYED.
const archivedPerType = 25

// historyTypes are the types that the history is spread over.
var historyTypes = []string{"Data", "DeterministicData", "EventBus", "SearchIndex", "Analytics"}

// seedFor describes an org with a wrapping certificate, an ACTIVE Data key, and a history of keys.
func seedFor(versions int) string {
	var text strings.Builder
	text.WriteString("certificates:\n  - developer_name: Sim_BYOK\nsettings:\n  can_encrypt_transactional_database: " +
		"true\ntenant_secrets:\n")
	secret := func(typ, status string, created, count int) {
		fmt.Fprintf(&text, "  - {type: %s, source: HSM, status: %s, created: -%dh, count: %d}\n", typ, status, created, count)
	}
	for _, typ := range historyTypes {
		if n := min(versions, archivedPerType); n > 0 {
			secret(typ, "ARCHIVED", 30000, n)
			versions -= n
		}
	}
	if versions > 0 {
		secret("Data", "DESTROYED", 20000, versions)
	}
	secret("Data", "ACTIVE", 1000, 1)

	return text.String()
}

// configurationFor names every record of the history, a lineage of each type and two certificates.
func configurationFor(sim *sfsim.Server) string {
	var text strings.Builder
	text.WriteString(required("salesforcebyok", ourSource) + "\n")
	text.WriteString("provider \"salesforcebyok\" {}\n\nvariable \"trigger\" {\n  default = \"0\"\n}\n\n")
	text.WriteString("locals {\n  history = {\n")
	for _, k := range sim.TenantSecrets() {
		if k.Status != "ACTIVE" {
			fmt.Fprintf(&text, "    %q = %q\n", k.ID, k.Status)
		}
	}
	text.WriteString("  }\n}\n\nresource \"salesforcebyok_tenant_secret_version\" \"history\" {\n  for_each         = " +
		"local.history\n  tenant_secret_id = each.key\n  desired_status   = each.value\n\n  destruction_acknowledgement = " +
		"each.value == \"DESTROYED\" ? each.key : null\n}\n\n")
	for i, typ := range benchTypes {
		fmt.Fprintf(&text, "resource \"salesforcebyok_tenant_secret\" %q {\n  type = %q\n", strings.ToLower(typ), typ)
		if typ == "Database" {
			text.WriteString("  source = \"HSM\"\n")
		} else {
			text.WriteString("  certificate = \"Sim_BYOK\"\n")
		}
		if i == 0 {
			text.WriteString("  rotation_triggers = { bench = var.trigger }\n")
		} else {
			text.WriteString("  depends_on = [salesforcebyok_tenant_secret.data]\n")
		}
		text.WriteString("}\n\n")
	}
	for i := range certificates {
		fmt.Fprintf(&text, "resource \"salesforcebyok_certificate\" \"c%d\" {\n  developer_name = \"Bench_%d\"\n}\n\n", i, i)
	}

	return text.String()
}

// required names the one provider of a configuration.
func required(name, source string) string {
	return fmt.Sprintf("terraform {\n  required_providers {\n    %s = { source = %q }\n  }\n}\n", name, source)
}

// peerConfiguration has as many resources of the peer as there are keys in its map.
func peerConfiguration(resources int) string {
	var text strings.Builder
	text.WriteString(required("tls", peerSource) + "\nlocals {\n  history = {\n")
	for n := range resources {
		fmt.Fprintf(&text, "    \"key-%012d\" = \"ECDSA\"\n", n)
	}
	text.WriteString("  }\n}\n\nresource \"tls_private_key\" \"key\" {\n  for_each  = local.history\n  algorithm = " +
		"each.value\n}\n")

	return text.String()
}

// proxyCall is one request that passes the proxy.
type proxyCall struct {
	w http.ResponseWriter
	r *http.Request
}

// proxyServer is a server on a free port of loopback.
type proxyServer struct {
	url   string
	close func()
}

func serve(handle func(*proxyCall)) (proxyServer, error) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return proxyServer{}, err
	}
	server := &http.Server{
		ReadHeaderTimeout: time.Minute,
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handle(&proxyCall{w, r}) }),
	}
	go func() {
		// Serve always ends with an error; after close it is the expected one, before it every request
		// fails and says so.
		_ = server.Serve(listener)
	}()

	return proxyServer{url: "http://" + listener.Addr().String(), close: func() { _ = server.Close() }}, nil
}
