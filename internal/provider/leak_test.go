package provider_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-log/tflog"
	testresource "github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// secrets of a run: what no artifact may hold. The material of every key that the org was given is
// among them, even if it was generated and nobody else has seen it.
func secrets(sim *sfsim.Server, materials ...acctest.Material) *acctest.Scanner {
	scanner := &acctest.Scanner{}
	scanner.Add("client secret", []byte(sim.ClientSecret))
	scanner.Add("access token", []byte(sim.AccessToken))
	lines := strings.Split(strings.TrimSpace(sim.PrivateKeyPEM), "\n")
	scanner.Add("private key", []byte(lines[len(lines)/2]))
	for i, material := range materials {
		scanner.Add(fmt.Sprintf("given material %d", i+1), material)
	}
	for _, key := range sim.TenantSecrets() {
		if material := sim.Unwrapped(key.ID); material != nil {
			scanner.Add("material of "+key.ID, material)
		}
	}

	return scanner
}

// artifacts runs a test case with TRACE logs in a directory of its own, and calls scan with all
// that is there: before each apply, when the plan file exists, after it, when the state does, and
// at the end, when the log is whole. Logs are configured by variables of the process, which is why
// the tests in this file are not parallel.
func artifacts(t *testing.T, factories acctest.ServerFactories, configs []string, scan func(dir string, plan []byte)) {
	t.Helper()
	dir, logs := t.TempDir(), t.TempDir()
	t.Setenv("TF_ACC_LOG", "TRACE")
	t.Setenv("TF_ACC_LOG_PATH", filepath.Join(logs, "trace.log"))
	check := planScan(func(plan []byte) { scan(dir, plan) })
	steps := make([]testresource.TestStep, len(configs))
	for i, config := range configs {
		steps[i] = testresource.TestStep{
			Config: config,
			ConfigPlanChecks: testresource.ConfigPlanChecks{
				PreApply: []plancheck.PlanCheck{check}, PostApplyPreRefresh: []plancheck.PlanCheck{check},
				PostApplyPostRefresh: []plancheck.PlanCheck{check},
			},
			PostApplyFunc: func() { scan(dir, nil) },
		}
	}
	testresource.UnitTest(t, testresource.TestCase{
		TerraformVersionChecks: writeOnly, ProtoV6ProviderFactories: factories, WorkingDir: dir, Steps: steps,
	})
	log, err := os.ReadFile(filepath.Join(logs, "trace.log"))
	if err != nil || len(log) < 10_000 {
		t.Fatalf("expected a TRACE log to scan, found %d bytes, %v", len(log), err)
	}
	scan(logs, nil)
}

// planScan is a plan check that hands over the plan as `show -json` prints it.
type planScan func(plan []byte)

// CheckPlan implements plancheck.PlanCheck.
func (s planScan) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	text, err := json.Marshal(req.Plan)
	resp.Error = err
	s(text)
}

func TestAccLeak_nothingInArtifacts(t *testing.T) {
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	first, second := acctest.NewMaterial(), acctest.NewMaterial()
	t.Setenv("TF_VAR_client_id", sim.ClientID)
	t.Setenv("TF_VAR_client_secret", sim.ClientSecret)
	t.Setenv("TF_VAR_first", first.Base64())
	t.Setenv("TF_VAR_second", second.Base64())
	config := func(lines ...string) string {
		return acctest.VariableProviderBlock(sim) + "\nvariable \"first\" {\n  ephemeral = true\n}\n\nvariable \"second\" " +
			"{\n  ephemeral = true\n}\n" + dataKey(lines...)
	}
	escrow := fmt.Sprintf("escrow = {\n    age_recipients = [%q]\n    directory = %q\n  }", ageRecipient, t.TempDir())
	scans, states, plans := 0, 0, 0
	artifacts(t, acctest.Factories(), []string{
		config("key_material_wo = var.first", `key_material_wo_version = "1"`, escrow),
		config("key_material_wo = var.second", `key_material_wo_version = "2"`, escrow),
		config(trigger("generated"), escrow),
	}, func(dir string, plan []byte) {
		scanner := secrets(sim, first, second)
		for _, finding := range append(scanner.ScanDir(t, dir), scanner.Scan("plan JSON", plan)...) {
			t.Errorf("found the %s", finding)
		}
		scans++
		for name, n := range map[string]*int{"terraform.tfstate": &states, "tfplan": &plans} {
			if found := find(t, dir, name); found {
				*n++
			}
		}
	})
	if scans < 12 || states == 0 || plans == 0 {
		t.Errorf("expected state and plan files to be scanned, found %d scans, %d states and %d plans", scans, states, plans)
	}
	if n := len(acctest.Keys(sim, "Data")); n != 4 {
		t.Errorf("expected three uploads, found %d", n-1)
	}
	scanner := secrets(sim, first, second)
	journal, err := json.Marshal(struct {
		Requests   []sfsim.Request   `json:"requests"`
		Violations []sfsim.Violation `json:"violations"`
	}{sim.Requests(), sim.Violations()})
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range scanner.Scan("simulator's journal", journal) {
		t.Errorf("found the %s", finding)
	}
}

func find(t *testing.T, dir, name string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		found = found || filepath.Base(path) == name

		return err
	})
	if err != nil {
		t.Error(err)
	}

	return found
}

// The same scan finds the material if a provider keeps it in private state or logs its model:
// the controls that show that the scanner sees what it says it sees.
func TestAccLeak_controlsAreFound(t *testing.T) {
	acctest.NeedsCLI(t)
	material := acctest.NewMaterial()
	t.Setenv("TF_VAR_material", material.Base64())
	config := func(version string) string {
		return fmt.Sprintf("variable \"material\" {\n  ephemeral = true\n}\n\nresource \"leaky_secret\" \"test\" {\n  "+
			"value_wo = var.material\n  version  = %q\n}\n", version)
	}
	scanner := &acctest.Scanner{}
	scanner.Add("material", material)
	var places []string
	factories := acctest.ServerFactories{"leaky": providerserver.NewProtocol6WithError(leakyProvider{})}
	artifacts(t, factories, []string{config("1"), config("2")}, func(dir string, plan []byte) {
		for _, finding := range append(scanner.ScanDir(t, dir), scanner.Scan("plan JSON", plan)...) {
			places = append(places, filepath.Base(finding.Place))
		}
	})
	for _, want := range []string{"terraform.tfstate", "tfplan!tfstate", "tfplan!tfstate-prev", "trace.log"} {
		if !slices.Contains(places, want) {
			t.Errorf("expected the material to be found in %s, found it in %v", want, slices.Compact(places))
		}
	}
}

// The echo provider copies an ephemeral value into state: it is found in state, plan file and plan
// JSON.
func TestAccLeak_echoIsFound(t *testing.T) {
	acctest.NeedsCLI(t)
	material := acctest.NewMaterial()
	t.Setenv("TF_VAR_material", material.Base64())
	scanner := &acctest.Scanner{}
	scanner.Add("material", material)
	var places []string
	artifacts(t, acctest.FactoriesWithEcho(), []string{
		"variable \"material\" {\n  ephemeral = true\n}\n\nprovider \"echo\" {\n  data = var.material\n}\n\nresource " +
			"\"echo\" \"test\" {}\n",
	}, func(dir string, plan []byte) {
		for _, finding := range append(scanner.ScanDir(t, dir), scanner.Scan("plan JSON", plan)...) {
			places = append(places, filepath.Base(finding.Place))
		}
	})
	for _, want := range []string{"terraform.tfstate", "plan JSON"} {
		if !slices.Contains(places, want) {
			t.Errorf("expected the material to be found in %s, found it in %v", want, slices.Compact(places))
		}
	}
}

// leakyProvider does what this provider must not: it keeps write-only material in private state and
// logs its model.
type leakyProvider struct{}

func (leakyProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "leaky"
}
func (leakyProvider) Schema(context.Context, provider.SchemaRequest, *provider.SchemaResponse) {}
func (leakyProvider) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {
}
func (leakyProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }
func (leakyProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return leakyResource{} }}
}

type leakyResource struct{}

type leakyModel struct {
	Value   types.String `tfsdk:"value_wo"`
	Version types.String `tfsdk:"version"`
}

func (leakyResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "leaky_secret"
}

func (leakyResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"value_wo": schema.StringAttribute{Required: true, WriteOnly: true, Sensitive: true},
		"version":  schema.StringAttribute{Required: true},
	}}
}

func (leakyResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var config leakyModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	tflog.Info(ctx, fmt.Sprintf("creating %+v", config))
	text, _ := json.Marshal(config.Value.ValueString()) //nolint:errchkjson // a string
	resp.Diagnostics.Append(resp.Private.SetKey(ctx, "value", text)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, leakyModel{Value: types.StringNull(), Version: config.Version})...)
}

func (leakyResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan leakyModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(resp.State.Set(ctx, plan)...)
}
func (leakyResource) Read(context.Context, resource.ReadRequest, *resource.ReadResponse)       {}
func (leakyResource) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

// The same with the built provider in a process of its own, over every kind of run, every set of
// credentials and every error path: what is printed, logged by core and provider, and left on disk.
func TestAccLeak_process(t *testing.T) {
	t.Parallel()
	skipBelowWriteOnly(t)
	for name, credentials := range map[string]func(*sfsim.Server) map[string]string{
		"client credentials": func(s *sfsim.Server) map[string]string {
			return map[string]string{"SALESFORCE_CLIENT_ID": s.ClientID, "SALESFORCE_CLIENT_SECRET": s.ClientSecret}
		},
		"JWT bearer": func(s *sfsim.Server) map[string]string {
			return map[string]string{
				"SALESFORCE_CLIENT_ID": s.ClientID, "SALESFORCE_USERNAME": s.Username, "SALESFORCE_PRIVATE_KEY": s.PrivateKeyPEM,
				"SALESFORCE_LOGIN_URL": s.LoginURL,
			}
		},
		"access token": func(s *sfsim.Server) map[string]string {
			return map[string]string{"SALESFORCE_ACCESS_TOKEN": s.AccessToken}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, twoCertificates())
			cli := acctest.NewCLI(t, sim).Built() // a process writes the log that is scanned
			logs := t.TempDir()
			cli.Env["TF_LOG"], cli.Env["TF_LOG_PATH"] = "TRACE", filepath.Join(logs, "trace.log")
			cli.Env["SALESFORCE_INSTANCE_URL"] = sim.InstanceURL
			maps.Copy(cli.Env, credentials(sim))
			var materials []acctest.Material
			var printed strings.Builder
			run := func(want int, args []string, lines ...string) {
				t.Helper()
				material := acctest.NewMaterial()
				materials = append(materials, material)
				cli.Env["TF_VAR_material"] = material.Base64()
				cli.Write("main.tf", configured()[:strings.Index(configured(), "\nresource ")]+
					"\nvariable \"material\" {\n  ephemeral = true\n  default = null\n}\n"+dataKey(lines...))
				result := cli.Run(args...)
				printed.WriteString(result.Output())
				if (result.Code == 0) != (want == 0) {
					t.Errorf("%v: expected the exit code %d, found %d\n%s", args, want, result.Code, result.Output())
				}
			}
			apply := []string{"apply", "-no-color", "-input=false", "-auto-approve"}
			given := func(version string) []string {
				return []string{"key_material_wo = var.material", fmt.Sprintf("key_material_wo_version = %q", version)}
			}
			run(0, apply, append(given("1"), escrowIn(cli))...)
			run(1, apply, given("2")...) // the interval refuses it
			sim.Clock.Advance(25 * time.Hour)
			run(0, []string{"plan", "-no-color", "-input=false", "-out=saved.tfplan"}, given("3")...)
			run(0, []string{"show", "-no-color", "saved.tfplan"}, given("3")...)
			run(0, []string{"show", "-json", "saved.tfplan"}, given("3")...)
			run(0, []string{"apply", "-no-color", "-input=false", "saved.tfplan"}, given("3")...)
			run(0, []string{"show", "-json"}, given("3")...)
			run(0, []string{"state", "pull"}, given("3")...)
			// another hash than the pin
			run(1, apply, append(given("4"), pin(acctest.NewMaterial()))...)
			run(1, apply, "key_material_wo = substr(var.material, 1, -1)", `key_material_wo_version = "5"`) // no key material
			// no such attribute
			run(1, apply, append(given("6"), `certificate_ = "x"`)...)
			// a refusal on the way
			arm(t, sim, sfsim.Fault{Path: "*/CertificateChain", Nth: 1, Status: 400, ErrorCode: "SIMULATED"})
			run(1, apply, given("7")...)
			run(0, []string{"apply", "-no-color", "-input=false", "-auto-approve", "-refresh-only"}, given("3")...)
			sim.Clock.Advance(25 * time.Hour)
			run(0, apply, trigger("generated"), escrowIn(cli))
			run(0, []string{"destroy", "-no-color", "-input=false", "-auto-approve"}, trigger("generated"))

			if n := len(acctest.Keys(sim, "Data")); n != 4 {
				t.Errorf("expected three uploads, found %d", n-1)
			}
			scanner := secrets(sim, materials...)
			findings := append(scanner.ScanDir(t, cli.Dir), scanner.ScanDir(t, logs)...)
			for _, finding := range append(findings, scanner.Scan("output", []byte(printed.String()))...) {
				t.Errorf("found the %s", finding)
			}
			log, err := os.ReadFile(filepath.Join(logs, "trace.log"))
			if err != nil || !strings.Contains(string(log), "Salesforce request") ||
				!strings.Contains(string(log), "provider.terraform-provider-salesforcebyok") {
				t.Errorf("expected a log of core and provider, found %d bytes, %v", len(log), err)
			}
			for _, artifact := range []string{"terraform.tfstate", "terraform.tfstate.backup", "saved.tfplan"} {
				if !find(t, cli.Dir, artifact) {
					t.Errorf("expected %s to be among what was scanned", artifact)
				}
			}
		})
	}
}
