package conformance_test

import (
	"encoding/base64"
	"fmt"

	"filippo.io/age"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

// newIdentity makes an escrow identity of this run's.
func newIdentity(p *probe) *age.X25519Identity {
	p.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		p.Fatal(err)
	}
	return identity
}

// materialVariable is the only way by which key material comes into a configuration here: a literal
// would stand in the plan.
const materialVariable = `variable "key_material" {
  type      = string
  ephemeral = true
}

`

// refusedBehaviours are mistakes: the provider refuses them by itself, and Salesforce hears of
// none. Those that would destroy are planned and not applied.
func refusedBehaviours() []behaviour {
	refused := func(name, section, claim, does string, check func(*probe)) behaviour {
		return behaviour{name: name, section: section, claim: claim, does: does, calls: 25, check: check}
	}
	const planned = "plans a mistake that must be refused"
	destroying := func(row map[string]any, lines ...string) string {
		return resource("tenant_secret_version", append([]string{
			fmt.Sprintf("tenant_secret_id = %q", row["Id"]),
			`desired_status = "DESTROYED"`,
		}, lines...)...)
	}
	return []behaviour{
		refused("Provider_wrongOrganization", "provider", "Credentials that lead to another org than organization_id names "+
			"are an error before anything is read.", planned, func(p *probe) {
			c := p.cli("wrong-organization")
			p.write(c, `data "salesforcebyok_tenant_secrets" "it" {}`, `organization_id = "00D000000000000EAA"`)
			if plan := c.Plan(); plan.Code != acctest.PlanFailed ||
				c.StateFile()["data.salesforcebyok_tenant_secrets.it"] != nil {
				p.Errorf("expected the plan to fail, found exit code %d", plan.Code)
			} else if text := troubles(plan); !containsAll(text, p.about.id, "00D000000000000EAA") {
				p.Errorf("expected an error that names both orgs, found %s", text)
			}
		}),
		refused("TenantSecretVersion_destroyLocked", "tenant_secret_version", "Destroying needs allow_key_destruction: "+
			"without it the plan is refused.", planned, func(p *probe) {
			row := p.newestOther("'ARCHIVED'")
			c := p.cli("destroy-locked")
			p.write(c, destroying(row))
			p.untouched(func() {
				p.refusedBy("plan", c.Plan(), "Destroying keys is not allowed", p.text(row, "Id"), "Nothing was changed.")
			})
		}),
		refused("TenantSecretVersion_destroyUnsaved", "tenant_secret_version",
			"Destroying needs an export that an earlier apply has saved.", planned, func(p *probe) {
				row := p.newestOther("'ARCHIVED'")
				c := p.cli("destroy-unsaved")
				p.write(c, destroying(row), "allow_key_destruction = true")
				p.untouched(func() {
					p.refusedBy("plan", c.Plan(), "No saved backup of this key", p.text(row, "Id"), "Nothing was changed.")
				})
			}),
		refused("TenantSecretVersion_destroyUnacknowledged", "tenant_secret_version", "Destroying without a backup needs "+
			"the acknowledgement that names the record.", planned,
			func(p *probe) {
				row := p.newestOther("'ARCHIVED'")
				c := p.cli("destroy-unacknowledged")
				p.write(c, destroying(row, `backup = "NONE"`), "allow_key_destruction = true")
				p.untouched(func() {
					p.refusedBy("plan", c.Plan(), "The destruction is not acknowledged", p.text(row, "Id"), "Nothing was changed.")
				})
			}),
		refused("TenantSecretVersion_destroyActive", "tenant_secret_version", "An ACTIVE key cannot be destroyed.", planned,
			func(p *probe) {
				rows := p.secrets(" WHERE Status = 'ACTIVE' AND Source != 'REMOTE' LIMIT 1")
				if len(rows) == 0 {
					p.Skip("the org has no ACTIVE key")
				}
				c := p.cli("destroy-active")
				p.write(c, destroying(rows[0]), "allow_key_destruction = true")
				p.untouched(func() { p.refusedBy("plan", c.Plan(), "An ACTIVE key can't be destroyed", p.text(rows[0], "Id")) })
			}),
		refused("TenantSecret_shortMaterial", "tenant_secret", "Key material of 31 bytes is refused, and not shown.",
			"applies a mistake that must be refused", func(p *probe) {
				material := newMaterial()[:31]
				c := p.cli("short-material")
				c.Env["TF_VAR_key_material"] = base64.StdEncoding.EncodeToString(material)
				p.write(c, materialVariable+resource("tenant_secret", `type = "Data"`, `certificate = "Any"`,
					"key_material_wo = var.key_material", "key_material_wo_version = 1"))
				p.untouched(func() {
					applied := c.Apply()
					p.refusedBy("apply", applied, "Invalid key material", "exactly 32 bytes", "31")
					p.secret("the material", material).in(c, applied.Output())
				})
			}),
		// An apply, since the plan only warns: the certificate may be made by the same apply. Nothing can
		// be uploaded by mistake, for there is nothing to wrap with.
		refused("TenantSecret_unknownCertificate", "tenant_secret", "A certificate that the org does not have "+
			"is named in a warning by the plan, and refused by the apply.",
			"applies a mistake that must be refused", func(p *probe) {
				c := p.cli("unknown-certificate")
				p.write(c, resource("tenant_secret", `type = "Data"`, `certificate = "No_Such_Certificate_Here"`,
					fmt.Sprintf("rotation_triggers = { run = %q }", p.run)))
				p.untouched(func() {
					if plan := c.Plan(); plan.Code != acctest.PlanChanges ||
						!plan.Has("warning", "Wrapping certificate not found", "No_Such_Certificate_Here") {
						p.Errorf("expected a plan that warns, found exit code %d: %s", plan.Code, troubles(plan))
					}
					p.refusedBy("apply", c.Apply(), "Wrapping certificate not found", "No_Such_Certificate_Here")
				})
				if c.StateFile()[tenantSecretAddress] != nil {
					p.Error("there is a state of a key that never was")
				}
			}),
	}
}
