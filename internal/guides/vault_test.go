package guides_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	ephemeralschema "github.com/hashicorp/terraform-plugin-framework/ephemeral/schema"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// kv stands in for Vault's KV engine of version 2, and its provider for HashiCorp's, as far as the
// guide goes: a write makes the next version, and reading one that is not there is an error.
type kv struct {
	sync.Mutex
	versions map[string][]string // by mount/name
	opened   int
}

func (k *kv) write(path, data string) {
	k.Lock()
	defer k.Unlock()
	k.versions[path] = append(k.versions[path], data)
}

func (k *kv) read(path string, version int64) (string, bool) {
	k.Lock()
	defer k.Unlock()
	k.opened++
	all := k.versions[path]
	if version == 0 { // none was asked for
		version = int64(len(all))
	}
	if version < 1 || version > int64(len(all)) {
		return "", false
	}

	return all[version-1], true
}

// kvProvider is the provider.
type kvProvider struct{ store *kv }

func (kvProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "vault"
}

func (kvProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = providerschema.Schema{Blocks: map[string]providerschema.Block{
		"auth_login_jwt": providerschema.ListNestedBlock{NestedObject: providerschema.NestedBlockObject{
			Attributes: map[string]providerschema.Attribute{
				"role": providerschema.StringAttribute{Required: true},
				"jwt":  providerschema.StringAttribute{Optional: true, Sensitive: true},
			},
		}},
	}}
}

func (p kvProvider) Configure(_ context.Context, _ provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	resp.ResourceData, resp.EphemeralResourceData = p.store, p.store
}
func (kvProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }
func (p kvProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{func() resource.Resource { return &kvSecret{p.store} }}
}

func (p kvProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{func() ephemeral.EphemeralResource { return &kvRead{p.store} }}
}

type kvSecret struct{ store *kv }

type kvSecretModel struct {
	ID                types.String `tfsdk:"id"`
	Mount             types.String `tfsdk:"mount"`
	Name              types.String `tfsdk:"name"`
	DataJSONWO        types.String `tfsdk:"data_json_wo"`
	DataJSONWOVersion types.Int64  `tfsdk:"data_json_wo_version"`
}

func (*kvSecret) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "vault_kv_secret_v2"
}

func (*kvSecret) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	// The id is the path, which an update does not change: that is why the guide has a terraform_data
	// between.
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id": schema.StringAttribute{
			Computed:      true,
			PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
		},
		"mount":                schema.StringAttribute{Required: true},
		"name":                 schema.StringAttribute{Required: true},
		"data_json_wo":         schema.StringAttribute{Optional: true, WriteOnly: true},
		"data_json_wo_version": schema.Int64Attribute{Optional: true},
	}}
}

func (s *kvSecret) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var model, config kvSecretModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &model)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	path := model.Mount.ValueString() + "/" + model.Name.ValueString()
	s.store.write(path, config.DataJSONWO.ValueString())
	model.ID = types.StringValue(path)
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

func (*kvSecret) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (s *kvSecret) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var model, config kvSecretModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &model)...)
	resp.Diagnostics.Append(req.Config.Get(ctx, &config)...)
	s.store.write(model.ID.ValueString(), config.DataJSONWO.ValueString())
	resp.Diagnostics.Append(resp.State.Set(ctx, model)...)
}

func (*kvSecret) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

type kvRead struct{ store *kv }

type kvReadModel struct {
	Mount   types.String `tfsdk:"mount"`
	MountID types.String `tfsdk:"mount_id"`
	Name    types.String `tfsdk:"name"`
	Version types.Int64  `tfsdk:"version"`
	Data    types.Map    `tfsdk:"data"`
}

func (*kvRead) Metadata(_ context.Context, _ ephemeral.MetadataRequest, resp *ephemeral.MetadataResponse) {
	resp.TypeName = "vault_kv_secret_v2"
}

func (*kvRead) Schema(_ context.Context, _ ephemeral.SchemaRequest, resp *ephemeral.SchemaResponse) {
	resp.Schema = ephemeralschema.Schema{Attributes: map[string]ephemeralschema.Attribute{
		"mount":    ephemeralschema.StringAttribute{Required: true},
		"mount_id": ephemeralschema.StringAttribute{Optional: true},
		"name":     ephemeralschema.StringAttribute{Required: true},
		"version":  ephemeralschema.Int64Attribute{Optional: true},
		"data":     ephemeralschema.MapAttribute{Computed: true, ElementType: types.StringType},
	}}
}

func (r *kvRead) Open(ctx context.Context, req ephemeral.OpenRequest, resp *ephemeral.OpenResponse) {
	var model kvReadModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	text, ok := r.store.read(model.Mount.ValueString()+"/"+model.Name.ValueString(), model.Version.ValueInt64())
	if !ok {
		resp.Diagnostics.AddError("no secret found", fmt.Sprintf("version %d is not there", model.Version.ValueInt64()))

		return
	}
	var data map[string]string
	if err := json.Unmarshal([]byte(text), &data); err != nil {
		resp.Diagnostics.AddError("not an object", err.Error())

		return
	}
	value, diags := types.MapValueFrom(ctx, types.StringType, data)
	model.Data = value
	resp.Diagnostics.Append(diags...)
	resp.Diagnostics.Append(resp.Result.Set(ctx, model)...)
}

// serve serves the stand-in from this process, and returns what points the CLI to it.
func (k *kv) serve(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	started, ended := make(chan *plugin.ReattachConfig), make(chan struct{})
	go func() {
		_ = tf6server.Serve("registry.terraform.io/hashicorp/vault", providerserver.NewProtocol6(kvProvider{k}),
			tf6server.WithDebug(ctx, started, ended), tf6server.WithGoPluginLogger(hclog.NewNullLogger()),
			tf6server.WithLoggingSink(t))
	}()
	config := <-started
	t.Cleanup(func() { cancel(); <-ended })
	all := map[string]any{}
	for _, registry := range []string{"registry.terraform.io", "registry.opentofu.org"} {
		all[registry+"/hashicorp/vault"] = map[string]any{
			"Protocol": config.Protocol, "ProtocolVersion": config.ProtocolVersion, "Pid": config.Pid, "Test": true,
			"Addr": map[string]string{"Network": config.Addr.Network(), "String": config.Addr.String()},
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}

	return string(text)
}

// The configuration of the guide: one value in both places, through a first upload and a rotation
// that deletes nothing.
func TestWalkVault(t *testing.T) {
	t.Parallel()
	if acctest.Below(t, 1, 11) {
		t.Skip("write-only attributes need 1.11")
	}
	p := open(t, "vault")
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	store := &kv{versions: map[string][]string{}}
	cli := acctest.NewCLIIn(t, t.TempDir(), credentials(sim))
	cli.Env["TF_REATTACH_PROVIDERS"] = store.serve(t)
	cli.Write("main.tf", strings.Replace(required, "  }\n}", "    vault = { source = \"hashicorp/vault\" }\n  }\n}", 1)+
		p.block("hcl", `"terraform_data" "stored"`, "BYOK_Wrapping", "Sim_BYOK"))

	same := func(version int) {
		t.Helper()
		text, ok := store.read("keys/salesforce/data", int64(version))
		if !ok || len(store.versions["keys/salesforce/data"]) != version {
			t.Fatalf("expected %d versions in the store, found %d", version, len(store.versions["keys/salesforce/data"]))
		}
		var data struct {
			Key []byte `json:"key"`
		}
		if err := json.Unmarshal([]byte(text), &data); err != nil {
			t.Fatal(err)
		}
		if active := acctest.ActiveKey(t, sim, "Data"); string(sim.Unwrapped(active.ID)) != string(data.Key) {
			t.Errorf("expected version %d of the store to be the ACTIVE key", version)
		}
	}
	if applied := cli.MustApply(); applied.Added != 3 {
		t.Errorf("expected three objects, found %d", applied.Added)
	}
	same(1)
	cli.Env["TF_VAR_key_version"] = "2"
	if plan := cli.Plan(); plan.Added != 0 || plan.Changed != 3 || plan.Removed != 0 {
		t.Errorf("expected 0 to add, 3 to change, 0 to destroy, found\n%s", plan.Output())
	}
	cli.MustApply()
	same(2)
	if destroyed := cli.Destroy(); destroyed.Code == 0 || !strings.Contains(destroyed.Output(), "prevent_destroy") {
		t.Errorf("expected a destroy to be prevented, found\n%s", destroyed.Output())
	}
	if uploads := acctest.Count(sim, acctest.OpCreate); uploads != 2 {
		t.Errorf("expected two uploads, found %d", uploads)
	}
}

// What the guide warns of: fed side by side, the store and the org hold different keys once the
// first apply stops between the two.
func TestWalkVaultTrap(t *testing.T) {
	t.Parallel()
	if acctest.Below(t, 1, 11) {
		t.Skip("write-only attributes need 1.11")
	}
	p := open(t, "vault")
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	store := &kv{versions: map[string][]string{}}
	cli := acctest.NewCLIIn(t, t.TempDir(), credentials(sim))
	cli.Env["TF_REATTACH_PROVIDERS"] = store.serve(t)
	cli.Write("main.tf", strings.Replace(required, "  }\n}", "    vault = { source = \"hashicorp/vault\" }\n  }\n}", 1)+
		p.block("hcl", "# WRONG", "BYOK_Wrapping", "Sim_BYOK"))
	if err := sim.AddFault(sfsim.Fault{
		Method: "POST", Path: "TenantSecret", Nth: 1, Status: 400,
		ErrorCode: "FIELD_INTEGRITY_EXCEPTION",
	}); err != nil {
		t.Fatal(err)
	}
	if applied := cli.Apply(); applied.Code == 0 {
		t.Fatal("expected the first apply to stop")
	}
	cli.MustApply()
	text, _ := store.read("keys/salesforce/data", 1)
	var data struct {
		Key []byte `json:"key"`
	}
	if err := json.Unmarshal([]byte(text), &data); err != nil {
		t.Fatal(err)
	}
	if string(sim.Unwrapped(acctest.ActiveKey(t, sim, "Data").ID)) == string(data.Key) {
		t.Error("expected the trap to catch: the guide's warning would be wrong")
	}
}

// The app's secret comes from the store as an ephemeral value, and stays out of state and plan.
func TestWalkRunbookOfShortLivedCredentials(t *testing.T) {
	t.Parallel()
	if acctest.Below(t, 1, 11) {
		t.Skip("the stand-in has a write-only attribute, which needs 1.11")
	}
	p := open(t, "runbooks")
	sim := acctest.StartSim(t)
	store := &kv{versions: map[string][]string{}}
	secret, err := json.Marshal(map[string]string{"client_id": sim.ClientID, "client_secret": sim.ClientSecret})
	if err != nil {
		t.Fatal(err)
	}
	store.write("ci/salesforce", string(secret))
	cli := acctest.NewCLIIn(t, t.TempDir(), map[string]string{"TF_VAR_oidc_token_file": "oidc-token"})
	cli.Env["TF_REATTACH_PROVIDERS"] = store.serve(t)
	cli.Write("oidc-token", "a token of the job")
	cli.Write("main.tf", strings.Replace(required, "  }\n}", "    vault = { source = \"hashicorp/vault\" }\n  }\n}", 1)+
		p.block("hcl", "auth_login_jwt", "https://example.my.salesforce.com", sim.InstanceURL, "00D000000000001EAA",
			sim.OrganizationID)+
		"\nresource \"salesforcebyok_tenant_secret\" \"data\" {\n  type = \"Data\"\n  certificate = \"Sim_BYOK\"\n}\n")
	cli.MustApply()
	if store.opened == 0 {
		t.Error("expected the secret to be read from the store")
	}
	for _, args := range [][]string{{"state", "pull"}, {"show", "-json"}} {
		if shown := cli.Run(args...); shown.Code != 0 || strings.Contains(shown.Output(), sim.ClientSecret) {
			t.Errorf("%v: expected no secret, exit code %d", args, shown.Code)
		}
	}
}
