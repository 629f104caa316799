package provider_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const (
	summaryAnotherOrg = "This key belongs to another org"
	otherOrganization = "00DWt0000000777"
	// bySession is a provider block whose org comes from ephemeral variables: a saved plan does not
	// hold it, and its apply may have another.
	bySession = `
variable "url" {
  type      = string
  ephemeral = true
}

variable "token" {
  type      = string
  ephemeral = true
}

provider "salesforcebyok" {
  instance_url = var.url
  access_token = var.token
  %s
}
`
)

// orgKind is a kind of key that is rotated in place, with an org that has it.
type orgKind struct {
	name, address string
	// block is a line of the provider block, seed the org.
	block, seed string
	body        func(lines ...string) string
}

func orgKinds() []orgKind {
	return []orgKind{
		{"tenant secret", tenantSecretAddress, "", "", dataKey},
		{"data encryption key", dataKeyAddress, `api_version = "63.0"`, hyperforce, searchKey},
	}
}

// moving is a runner whose org can change between any two commands.
type moving struct {
	*acctest.CLI

	kind orgKind
}

func newMoving(t *testing.T, kind orgKind) (m *moving, first, second *sfsim.Server) {
	t.Helper()
	if acctest.Below(t, 1, 11) {
		t.Skip("ephemeral variables need Terraform 1.10 or OpenTofu 1.11")
	}
	opts := []sfsim.Option{sfsim.WithoutIntervals()}
	if kind.seed != "" {
		opts = append(opts, seedOf(t, kind.seed))
	}
	first = acctest.StartSim(t, opts...)
	second = acctest.StartSim(t, append(slices.Clone(opts), sfsim.WithOrganizationID(otherOrganization))...)
	m = &moving{CLI: acctest.NewCLI(t, first), kind: kind}
	m.in(first)

	return m, first, second
}

func (m *moving) in(sim *sfsim.Server) {
	m.Env["TF_VAR_url"], m.Env["TF_VAR_token"] = sim.InstanceURL, sim.AccessToken
}

func (m *moving) write(body string) {
	m.Write("main.tf", requiredProvider+fmt.Sprintf(bySession, m.kind.block)+body)
}

// A plan that was made over one org is not applied to another, whatever it is a plan of: nothing is
// written there, and the state keeps what it has.
func TestAccOrgs_savedPlan(t *testing.T) {
	t.Parallel()
	for _, kind := range orgKinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			m, first, second := newMoving(t, kind)
			for _, step := range []struct {
				name, body string
				args       []string
			}{
				{"a create", kind.body(trigger("a")), nil},
				{"a rotation", kind.body(trigger("b")), nil},
				{"a change that sends nothing", kind.body(trigger("a"), `deletion_policy = "PREVENT"`), nil},
				{"a change of the record", kind.body(trigger("a"), `description = "edited"`), nil},
				{"-replace", kind.body(trigger("a")), []string{"-replace=" + kind.address}},
				{"a destroy", kind.body(trigger("a")), []string{"-destroy"}},
			} {
				if kind.address != tenantSecretAddress && (step.name == "a change of the record" || step.name == "-replace") {
					// it has no Description that can be edited, and a replacement of it is refused at plan: a
					// create can't know its key
					continue
				}
				m.in(first)
				m.write(step.body)
				before := m.State(kind.address)
				planned(t, m.CLI, kind.address, step.args...)
				m.in(second)
				refused := applySaved(m.CLI)
				if inconsistent := slices.Contains(refused.Summaries("error"),
					"Provider produced inconsistent final plan"); refused.Code == 0 ||
					!inconsistent && !refused.Has("error", summaryAnotherOrg) {
					t.Errorf("%s: expected the plan of another org to be refused, found exit code %d\n%s", step.name, refused.Code,
						refused.Output())
				}
				if writes := acctest.Writes(second); len(writes) != 0 {
					t.Fatalf("%s: expected nothing to be written to the other org, found %v", step.name, writes)
				}
				if after := m.State(kind.address); fmt.Sprint(after) != fmt.Sprint(before) {
					t.Errorf("%s: expected the state to be kept,\nbefore %v\nafter  %v", step.name, before, after)
				}
				if step.name == "a create" {
					m.in(first)
					m.MustApply()
				}
			}
		})
	}
}

// With the credentials of another org a key is neither destroyed, nor replaced, nor rotated, nor
// forgotten, with a refresh or without one. The way out, for an org that is gone, is named.
func TestAccOrgs_stateOfAnotherOrg(t *testing.T) {
	t.Parallel()
	for _, kind := range orgKinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			m, first, second := newMoving(t, kind)
			m.write(kind.body(trigger("a")))
			m.MustApply()
			before := m.State(kind.address)
			m.in(second)
			for _, command := range []struct {
				name, body string
				run        func(...string) acctest.Result
				args       []string
			}{
				{"plan", "a", m.Plan, nil},
				{"plan without a refresh", "b", m.Plan, []string{"-refresh=false"}},
				{"refresh", "a", m.Apply, []string{"-refresh-only"}},
				{"rotation", "b", m.Apply, []string{"-refresh=false"}},
				{"plan of a destroy", "a", m.Plan, []string{"-destroy", "-refresh=false"}},
				{"destroy", "a", m.Destroy, nil},
				{"destroy without a refresh", "a", m.Destroy, []string{"-refresh=false"}},
				{"-replace", "a", m.Apply, []string{"-replace=" + kind.address}},
				{"-replace without a refresh", "a", m.Apply, []string{"-refresh=false", "-replace=" + kind.address}},
				{"block removed", "", m.Apply, []string{"-refresh=false"}},
			} {
				body := ""
				if command.body != "" {
					body = kind.body(trigger(command.body))
				}
				m.write(body)
				refused := command.run(command.args...)
				if refused.Code == 0 || !refused.Has("error", summaryAnotherOrg, first.OrganizationID, second.OrganizationID,
					"terraform state rm") {
					t.Errorf("%s: expected a refusal that names the way out, found exit code %d\n%s", command.name, refused.Code,
						refused.Output())
				}
			}
			if writes := acctest.Writes(second); len(writes) != 0 {
				t.Errorf("expected nothing to be written to the other org, found %v", writes)
			}
			if after := m.State(kind.address); fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("expected the state to be kept, found %v", after)
			}
			if removed := m.Run("state", "rm", kind.address); removed.Code != 0 {
				t.Errorf("the way out is closed: %s", removed.Output())
			}
		})
	}
}

// A sandbox that was refreshed from production has its keys, their markers and its users, under
// another id. A new state there makes keys of its own, although the markers are as its own runs
// would write them, and although it has production's escrow directory.
func TestAccOrgs_refreshedSandbox(t *testing.T) {
	t.Parallel()
	production := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, production)
	body := dataKey(escrowIn(cli))
	cli.Config(body)
	cli.MustApply()
	key := acctest.ActiveKey(t, production, "Data")

	sandbox := acctest.StartSim(t, sfsim.WithoutIntervals(), sfsim.WithKind(sfsim.Sandbox),
		sfsim.WithOrganizationID(otherOrganization),
		sfsim.WithSeed(&sfsim.Seed{TenantSecrets: []sfsim.SeedSecret{
			{},
			{Source: "UPLOADED", Material: acctest.Material(production.Unwrapped(key.ID)).Base64()},
		}}))
	copied := acctest.ActiveKey(t, sandbox, "Data")
	// Written by the integration user, whom the sandbox has too.
	patchTenantSecret(t, sandbox, copied.ID, map[string]any{"Description": key.Description})

	other := acctest.NewCLI(t, sandbox)
	other.Config(body)
	plan, change := planned(t, other, tenantSecretAddress)
	expectWarning(t, plan, "An existing key will be archived", copied.ID)
	if plan.Has("warning", "An existing key will be adopted") || !change.unknown("tenant_secret_id") ||
		change.After["organization_id"] != sandbox.OrganizationID {
		t.Errorf("expected the plan to make a key of the sandbox's own, found %v, %v", plan.Summaries("warning"),
			change.After)
	}
	if applied := applySaved(other); applied.Code != 0 {
		t.Fatal(applied.Output())
	}
	other.MustBeEmpty()
	made := acctest.ActiveKey(t, sandbox, "Data")
	if made.ID == copied.ID || made.SecretValueHash == copied.SecretValueHash ||
		acctest.Count(sandbox, acctest.OpCreate) != 1 {
		t.Errorf("expected another key than production's, found %+v", made)
	}
	if fingerprint, _, _ := strings.Cut(key.Description, "."); strings.HasPrefix(made.Description, fingerprint) {
		t.Errorf("expected other rotation ids than production's %s, found %s", key.Description, made.Description)
	}
	if name := copyOf(t, cli, sandbox.Unwrapped(made.ID)); !strings.HasPrefix(name, sandbox.OrganizationID) {
		t.Errorf("expected the copy to be named after the sandbox, found %q", name)
	}
	if copyOf(t, cli, production.Unwrapped(key.ID)) == "" {
		t.Errorf("expected production's copy to stay, found %v", escrowCopies(t, cli))
	}
	// Production goes on as before.
	cli.MustBeEmpty()
}
