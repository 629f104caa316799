// Package provider maps the keys of Salesforce Shield Platform Encryption to Terraform: one file
// per resource, data source, ephemeral resource and function. What is not about Terraform lives
// below it, in the packages keys, upload, custody, inventory, salesforce and byok.
package provider

import (
	"context"
	"os"
	"sync/atomic"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/pluginserver"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/tfvalidator"
)

// Address is the provider's address in the registry. It stands nowhere else in the code, so that a
// publisher can change it.
const Address = "registry.terraform.io/salesforcebyok/salesforcebyok"

// typeName is the provider's local name and the prefix of all its types.
const typeName = "salesforcebyok"

const (
	defaultMaxRetries     = 4
	maxMaxRetries         = 10
	defaultTimeoutSeconds = int64(salesforce.DefaultRequestTimeout / time.Second)
	maxTimeoutSeconds     = 600
)

var (
	_ provider.Provider                       = (*byokProvider)(nil)
	_ provider.ProviderWithEphemeralResources = (*byokProvider)(nil)
	_ provider.ProviderWithFunctions          = (*byokProvider)(nil)
	_ provider.ProviderWithListResources      = (*byokProvider)(nil)
)

// byokProvider is the provider. It holds nothing but what it was built with; a configured org is in
// Data.
type byokProvider struct {
	version string
	options options
	// limits speaks of the org that was configured last.
	limits atomic.Pointer[limitReporter]
	// data is what the provider was configured with last, nil before.
	data atomic.Pointer[Data]
	// unchanged answers for the versions that have not changed: there may be hundreds of them in a
	// state, and none changes for years.
	unchanged pluginserver.Unchanged
}

// options are what tests change.
type options struct {
	// sleep waits, nil for a wait by the clock.
	sleep func(context.Context, time.Duration) error
	// environment looks up variables, in place of os.LookupEnv.
	environment func(name string) (value string, found bool)
	// bound bounds an attempt of a request, nil by context.WithTimeout.
	bound func(context.Context, time.Duration) (context.Context, context.CancelFunc)
	// receiptPatience replaces the wait for the lock of the receipt directory.
	receiptPatience time.Duration
}

// Option changes how a provider is built; only tests have a use for it.
type Option func(*options)

// WithSleep replaces every wait of the provider: before a request is sent again, and before another
// look at what may come late. What is sent, and how often, stays the same.
func WithSleep(sleep func(context.Context, time.Duration) error) Option {
	return func(o *options) { o.sleep = sleep }
}

// WithEnvironment replaces the environment of the process.
func WithEnvironment(lookup func(name string) (value string, found bool)) Option {
	return func(o *options) { o.environment = lookup }
}

// WithTimeouts replaces [context.WithTimeout], by which an attempt of a request is bounded.
func WithTimeouts(bound func(context.Context, time.Duration) (context.Context, context.CancelFunc)) Option {
	return func(o *options) { o.bound = bound }
}

// WithReceiptPatience replaces the wait for another process that holds the lock of the receipt
// directory.
func WithReceiptPatience(wait time.Duration) Option {
	return func(o *options) { o.receiptPatience = wait }
}

// New returns a constructor of the provider. version goes into the user agent and into receipts.
func New(version string, opts ...Option) func() provider.Provider {
	return func() provider.Provider { return newProvider(version, opts...) }
}

func newProvider(version string, opts ...Option) *byokProvider {
	p := &byokProvider{version: version}
	p.options.environment = os.LookupEnv
	p.unchanged.ProviderType, p.unchanged.Resource = typeName, &tenantSecretVersionResource{}
	p.unchanged.AsRead, p.unchanged.AsWanted = p.asRead, p.asWanted
	for _, o := range opts {
		o(&p.options)
	}

	return p
}

type providerModel struct {
	InstanceURL           types.String `tfsdk:"instance_url"`
	APIVersion            types.String `tfsdk:"api_version"`
	ClientID              types.String `tfsdk:"client_id"`
	ClientSecret          types.String `tfsdk:"client_secret"`
	Username              types.String `tfsdk:"username"`
	PrivateKey            types.String `tfsdk:"private_key"`
	LoginURL              types.String `tfsdk:"login_url"`
	Audience              types.String `tfsdk:"audience"`
	AccessToken           types.String `tfsdk:"access_token"`
	OrganizationID        types.String `tfsdk:"organization_id"`
	AllowKeyDestruction   types.Bool   `tfsdk:"allow_key_destruction"`
	ReceiptDirectory      types.String `tfsdk:"receipt_directory"`
	DestructionApprovers  types.Object `tfsdk:"destruction_approvers"`
	MaxRetries            types.Int64  `tfsdk:"max_retries"`
	RequestTimeoutSeconds types.Int64  `tfsdk:"request_timeout_seconds"`
}

func (p *byokProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = typeName
	resp.Version = p.version
}

func (p *byokProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Manages the keys of Salesforce Shield Platform Encryption (Bring Your Own Key) of one org. " +
			"Give exactly one set of credentials: `client_id` with `client_secret` (OAuth client credentials), or `client_id` " +
			"with `username` and `private_key` (OAuth JWT bearer), or `access_token` (an existing session). An attribute that " +
			"is not set is taken from its environment variable.",
		Attributes: map[string]schema.Attribute{
			"instance_url": schema.StringAttribute{
				MarkdownDescription: "My Domain URL of the org, such as `https://example.my.salesforce.com`, without a path. " +
					"Must be https, except for a loopback host. Required, here or by the environment. Environment: " +
					"`SALESFORCE_INSTANCE_URL`.",
				Optional:   true,
				Validators: []validator.String{tfvalidator.InstanceURL()},
			},
			"api_version": schema.StringAttribute{
				MarkdownDescription: "Version of the Salesforce API that every call uses. Default `" +
					salesforce.DefaultAPIVersion + "`. From 63.0 on, orgs on " +
					"Hyperforce keep Search Index keys elsewhere than other tenant secrets. Environment: `SALESFORCE_API_VERSION`.",
				Optional:   true,
				Validators: []validator.String{tfvalidator.APIVersion()},
			},
			"client_id": schema.StringAttribute{
				MarkdownDescription: "Consumer key of the External Client App. Environment: `SALESFORCE_CLIENT_ID`.",
				Optional:            true,
				Validators:          []validator.String{tfvalidator.Pasted("client_id")},
			},
			"client_secret": schema.StringAttribute{
				MarkdownDescription: "Consumer secret of the External Client App, for the client credentials flow. May come from " +
					"an ephemeral value. Environment: `SALESFORCE_CLIENT_SECRET`.",
				Optional:  true,
				Sensitive: true,
				Validators: []validator.String{tfvalidator.Secret(tfvalidator.Pasted("client_secret"),
					neighbours["client_secret"])},
			},
			"username": schema.StringAttribute{
				MarkdownDescription: "Username that the JWT bearer flow logs in as. Environment: `SALESFORCE_USERNAME`.",
				Optional:            true,
				Validators:          []validator.String{tfvalidator.Pasted("username")},
			},
			"private_key": schema.StringAttribute{
				MarkdownDescription: "RSA private key of the app's certificate for the JWT bearer flow (RS256): PEM content, not " +
					"a path. Forms that CI systems make of it, such as escaped line ends or base64 over the PEM, are accepted. May " +
					"come from an ephemeral value. Environment: `SALESFORCE_PRIVATE_KEY`.",
				Optional:   true,
				Sensitive:  true,
				Validators: []validator.String{tfvalidator.Secret(tfvalidator.PrivateKeyPEM(), neighbours["private_key"])},
			},
			"login_url": schema.StringAttribute{
				MarkdownDescription: "Where the JWT bearer flow posts its assertion. Orgs differ: without `login_url` and " +
					"`audience` the My Domain for itself, the My Domain for the login host, and the login host for itself are tried " +
					"in turn, each only if the refusal before was about host or audience. The login host is " +
					"`https://login.salesforce.com`, for a sandbox `https://test.salesforce.com`. Environment: " +
					"`SALESFORCE_LOGIN_URL`.",
				Optional:   true,
				Validators: []validator.String{tfvalidator.LoginURL()},
			},
			"audience": schema.StringAttribute{
				MarkdownDescription: "Audience (`aud`) of the assertion of the JWT bearer flow. With `login_url`, exactly that " +
					"pair is used; alone, the assertion is posted to the My Domain, then to the login host. Environment: " +
					"`SALESFORCE_AUDIENCE`.",
				Optional:   true,
				Validators: []validator.String{tfvalidator.Audience()},
			},
			"access_token": schema.StringAttribute{
				MarkdownDescription: "Access token of an existing session, for instance from `sf org auth show-access-token " +
					"--json`. It can't be renewed: a run that outlives the session fails. May come from an ephemeral value. " +
					"Environment: `SALESFORCE_ACCESS_TOKEN`.",
				Optional:   true,
				Sensitive:  true,
				Validators: []validator.String{tfvalidator.Secret(tfvalidator.AccessToken(), neighbours["access_token"])},
			},
			"organization_id": schema.StringAttribute{
				MarkdownDescription: "Id of the only org that this configuration may touch, 15 or 18 characters. Credentials of " +
					"any other org are an error before any call that writes. Environment: `SALESFORCE_ORGANIZATION_ID`.",
				Optional:   true,
				Validators: []validator.String{tfvalidator.SalesforceID("00D")},
			},
			"allow_key_destruction": schema.BoolAttribute{
				MarkdownDescription: "Must be `true` before any key is destroyed, or a root key is made Inactive. Default: " +
					"`false`. Data encrypted under such a key can't be read until the key is restored.",
				Optional: true,
			},
			"destruction_approvers": approversAttribute(),
			"receipt_directory": schema.StringAttribute{
				MarkdownDescription: "Directory on the machine that applies, where every write leaves its receipt, each in a " +
					"file that names the SHA-256 of the one before. Default: none, so receipts are in state only. The provider " +
					"makes it with mode 0700, and sends nothing unless it can write there; `~` is refused. Environment: " +
					"`SALESFORCEBYOK_RECEIPT_DIRECTORY`.",
				Optional:   true,
				Validators: []validator.String{receiptDirectoryValidator()},
			},
			"max_retries": schema.Int64Attribute{
				MarkdownDescription: "How often a call is repeated after a failure, if repeating is safe, 0 to 10. Default: `4`. " +
					"The upload of a key is never repeated blindly.",
				Optional:   true,
				Validators: []validator.Int64{int64validator.Between(0, maxMaxRetries)},
			},
			"request_timeout_seconds": schema.Int64Attribute{
				MarkdownDescription: "Seconds that one attempt of a call may take, 1 to 600. Default: `60`.",
				Optional:            true,
				Validators:          []validator.Int64{int64validator.Between(1, maxTimeoutSeconds)},
			},
		},
	}
}

func (p *byokProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var model providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	data := p.open(ctx, model, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if data.Client != nil {
		p.limits.Store(&limitReporter{client: data.Client})
	}
	p.data.Store(data)
	resp.ResourceData = data
	resp.DataSourceData = data
	resp.EphemeralResourceData = data
	resp.ListResourceData = data
}

func (p *byokProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		newTenantSecretResource, newTenantSecretVersionResource, newCertificateResource,
		newEncryptionKeySettingsResource, newPlatformEncryptionSettingsResource, newExternalRootKeyResource,
		newCacheOnlyKeyResource, newDataEncryptionKeyResource,
	}
}

func (p *byokProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		newOrganizationDataSource, newCertificateDataSource, newCertificatesDataSource, newTenantSecretDataSource,
		newTenantSecretsDataSource,
		newQueryDataSource, newSObjectDataSource, newEncryptionEventsDataSource, newExternalRootKeysDataSource,
	}
}

func (p *byokProvider) EphemeralResources(context.Context) []func() ephemeral.EphemeralResource {
	return []func() ephemeral.EphemeralResource{newKeyMaterialEphemeral, newTenantSecretExportEphemeral}
}

func (p *byokProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{newSecretValueHashFunction, newKeyCheckValueFunction, newID18Function}
}

func (p *byokProvider) ListResources(context.Context) []func() list.ListResource {
	return []func() list.ListResource{
		newTenantSecretList, newTenantSecretVersionList, newCertificateList,
		newExternalRootKeyList,
	}
}
