package conformance_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

// readOf applies one data source, in a directory of its own, and returns what it read.
func (p *probe) readOf(kind string, lines ...string) map[string]any {
	p.Helper()
	c := p.cli("read-" + kind)
	p.write(c, fmt.Sprintf("data \"salesforcebyok_%s\" \"it\" {\n  %s\n}", kind, strings.Join(lines, "\n  ")))
	p.untouched(func() { p.succeeded("apply", c.Apply()) })
	return p.attributes(c, "data.salesforcebyok_"+kind+".it")
}

// newestOther is the newest record that is not ACTIVE, and can be managed: no cache-only key.
func (p *probe) newestOther(statuses string) map[string]any {
	p.Helper()
	rows := p.secrets(" WHERE Status IN (" + statuses + ") AND Source != 'REMOTE' AND Type != 'Database' ORDER BY " +
		"Version DESC LIMIT 1")
	if len(rows) == 0 {
		p.Skipf("the org has no key that is %s", strings.ReplaceAll(strings.ReplaceAll(statuses, "'", ""), ", ", " or "))
	}
	return rows[0]
}

// readBehaviours change nothing.
func readBehaviours() []behaviour {
	reads := func(name, section, claim string, calls int, check func(*probe)) behaviour {
		return behaviour{name: name, section: section, claim: claim, does: "reads", calls: calls, check: check}
	}
	return []behaviour{
		reads("Organization_read", "data source organization", "It shows the org's id, its kind and API versions, and that "+
			"no permission is missing.", 25, func(p *probe) {
			about := p.readOf("organization")
			p.matches(about, map[string]any{
				"id": p.about.id, "is_sandbox": p.about.sandbox,
				"organization_type": p.about.edition,
			})
			if versions, _ := about["api_versions"].([]any); !slices.Contains(versions, any(p.version)) {
				p.Errorf("api_versions lacks %s", p.version)
			}
			if missing, _ := about["missing_permissions"].([]any); len(missing) != 0 {
				p.Errorf("the user lacks permissions: %v", missing)
			}
		}),
		reads("Certificates_read", "data source certificates", "It lists every certificate, with the fingerprint of its "+
			"chain and whether BYOK can use it.", 25, func(p *probe) {
			listed := p.entries(p.readOf("certificates"), "certificates")
			rows := p.certificates("Id, DeveloperName, KeySize, OptionsIsUnusable", "")
			p.equal("the number of certificates", len(listed), len(rows))
			checked := 0
			for _, row := range rows {
				at := slices.IndexFunc(listed, func(c map[string]any) bool { return c["developer_name"] == row["DeveloperName"] })
				if at < 0 {
					p.Errorf("%s is not listed", row["DeveloperName"])
					continue
				}
				p.equal("key_size of "+p.text(row, "DeveloperName"), listed[at]["key_size"], row["KeySize"])
				if row["DeveloperName"] == p.certificate {
					p.equal("byok_compatible of "+p.certificate, listed[at]["byok_compatible"], true)
				}
				if row["OptionsIsUnusable"] == true || checked == 3 {
					continue
				}
				checked++
				fingerprint := sha256.Sum256(p.leaf(p.text(row, "Id")).Raw)
				p.equal("sha256_fingerprint of "+p.text(row, "DeveloperName"), listed[at]["sha256_fingerprint"],
					hex.EncodeToString(fingerprint[:]))
			}
		}),
		reads("TenantSecrets_read", "data source tenant_secrets", "It lists every tenant secret with status, source and "+
			"version, and counts them by status.", 25, func(p *probe) {
			read := p.readOf("tenant_secrets")
			listed, rows := p.entries(read, "tenant_secrets"), p.several("")
			p.equal("the number of tenant secrets", len(listed), len(rows))
			number := map[string]int{}
			for _, row := range rows {
				number[p.text(row, "Status")]++
				at := slices.IndexFunc(listed, func(s map[string]any) bool { return s["tenant_secret_id"] == row["Id"] })
				if at < 0 {
					p.Errorf("%s is not listed", row["Id"])
					continue
				}
				p.matches(listed[at], map[string]any{
					"type": row["Type"], "status": row["Status"], "source": row["Source"],
					"version": row["Version"],
				})
			}
			tally, _ := read["counts"].(map[string]any)
			for status, n := range number {
				p.equal("the count of "+status, fmt.Sprint(tally[status]), strconv.Itoa(n))
			}
		}),
		reads("Query_read", "data source query", "It answers SOQL with all records.", 25, func(p *probe) {
			read := p.readOf("query", `soql = "SELECT Id FROM TenantSecret"`)
			rows := p.several("")
			var records []map[string]any
			if err := json.Unmarshal([]byte(p.text(read, "records_json")), &records); err != nil {
				p.Fatal("records_json is no JSON array of objects")
			}
			p.equal("total_size", fmt.Sprint(read["total_size"]), strconv.Itoa(len(rows)))
			p.equal("the number of records", len(records), len(rows))
		}),
		reads("Sobject_read", "data source sobject", "It describes TenantSecret: prefix 02G, createable, not deletable.", 25,
			func(p *probe) {
				p.matches(p.readOf("sobject", `name = "TenantSecret"`), map[string]any{
					"key_prefix": "02G", "createable": true, "updateable": true, "queryable": true, "deletable": false,
				})
			}),
		reads("Lists_find", "list resources", "terraform query finds each ACTIVE key, each record that is not ACTIVE or is "+
			"cache-only, and each certificate.", 25, func(p *probe) {
			if acctest.OpenTofu() || acctest.Below(p, 1, 14) {
				p.Skipf("list resources need Terraform 1.14, and the CLI is %s", acctest.CLIName())
			}
			c := p.cli("lists")
			p.write(c, "")
			var lists strings.Builder
			for _, kind := range []string{"tenant_secret", "tenant_secret_version", "certificate"} {
				fmt.Fprintf(&lists, "list \"salesforcebyok_%s\" \"all\" {\n  provider = salesforcebyok\n  limit    = 10000\n}\n",
					kind)
			}
			c.Write("all.tfquery.hcl", lists.String())
			results, err := found(p.succeeded("query", c.Run("query", "-json")))
			if err != nil {
				p.Fatal(err)
			}
			active := len(p.secrets(" WHERE Status = 'ACTIVE'"))
			old := len(p.secrets(" WHERE Status != 'ACTIVE' OR Source = 'REMOTE'"))
			p.equal("the number of ACTIVE keys", len(results["list.salesforcebyok_tenant_secret.all"]), active)
			p.equal("the number of other records", len(results["list.salesforcebyok_tenant_secret_version.all"]), old)
			certificates, _ := p.query("/tooling/query", "SELECT Id FROM Certificate")
			p.equal("the number of certificates", len(results["list.salesforcebyok_certificate.all"]), len(certificates))
			for _, identities := range results {
				for _, identity := range identities {
					p.equal("organization_id", identity["organization_id"], p.about.id)
				}
			}
		}),
		reads("TenantSecret_importOfTheActiveKey", "tenant_secret",
			"The ACTIVE key is imported by its type; the plan would mark its record, at most, and rotates and replaces "+
				"nothing.", 25, func(p *probe) {
				active := p.secrets(" WHERE Status = 'ACTIVE' AND Source IN ('HSM', 'UPLOADED') AND Type IN ('Data', " +
					"'Analytics', 'DeterministicData', 'EventBus')")
				if len(active) == 0 {
					p.Skip("the org has no ACTIVE key that can be imported")
				}
				row := active[0]
				lines := []string{
					fmt.Sprintf("type = %q", row["Type"]), fmt.Sprintf("source = %q", row["Source"]),
					fmt.Sprintf("key_derivation_mode = %q", row["KeyDerivationMode"]),
				}
				if row["Source"] == "UPLOADED" {
					lines = append(lines, `certificate = "Not_Read_Back"`,
						`escrow = { age_recipients = ["`+newIdentity(p).Recipient().String()+`"] }`)
				}
				description, _ := row["Description"].(string)
				if description, _, _ = strings.Cut(description, "[tf:"); strings.TrimSpace(description) != "" {
					lines = append(lines, fmt.Sprintf("description = %q", strings.TrimSpace(description)))
				}
				c := p.cli("import")
				p.write(c, resource("tenant_secret", lines...))
				p.untouched(func() {
					p.succeeded("import", c.Run("import", "-input=false", "-no-color", tenantSecretAddress, p.text(row, "Type")))
					plan := c.Plan()
					if plan.Code == acctest.PlanFailed || plan.Added+plan.Removed > 0 || plan.Changed > 1 {
						p.Errorf("expected at most one change in place, found %d to add, %d to change, %d to destroy: %s", plan.Added,
							plan.Changed, plan.Removed, troubles(plan))
					}
					if plan.Has("warning", "The "+p.text(row, "Type")+" key will be rotated") {
						p.Error("the plan rotates an imported key")
					}
				})
				p.matches(p.attributes(c, tenantSecretAddress), map[string]any{
					"tenant_secret_id": row["Id"], "status": "ACTIVE",
					"version": row["Version"],
				})
			}),
		reads("TenantSecretVersion_import", "tenant_secret_version", "A record that is not ACTIVE is imported by its id; "+
			"after an apply that sends nothing, the plan is empty.", 30,
			func(p *probe) {
				row := p.newestOther("'ARCHIVED', 'DESTROYED'")
				id, status := p.text(row, "Id"), p.text(row, "Status")
				lines := []string{fmt.Sprintf("tenant_secret_id = %q", id), fmt.Sprintf("desired_status = %q", status)}
				if status == "ARCHIVED" {
					lines = append(lines, `backup = "NONE"`) // so that nothing is exported
				}
				c := p.cli("import-version")
				p.write(c, resource("tenant_secret_version", lines...))
				p.untouched(func() {
					p.succeeded("import", c.Run("import", "-input=false", "-no-color", versionAddress, id))
					p.succeeded("apply", c.Apply())
					p.empty(c)
				})
				p.matches(p.attributes(c, versionAddress), map[string]any{
					"tenant_secret_id": id, "status": status,
					"exported_secret_value": nil,
				})
				p.equal("Status", p.get("/sobjects/TenantSecret/" + id + "?fields=Status").want(http.StatusOK).object()["Status"],
					status)
			}),
	}
}

// The addresses of the resources in the behaviours' configurations.
const (
	tenantSecretAddress = "salesforcebyok_tenant_secret.it"
	versionAddress      = "salesforcebyok_tenant_secret_version.it"
)

// resource renders one.
func resource(kind string, lines ...string) string {
	return fmt.Sprintf("resource \"salesforcebyok_%s\" \"it\" {\n  %s\n}", kind, strings.Join(lines, "\n  "))
}
