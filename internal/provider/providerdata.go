package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/ephemeral"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/inventory"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/quorum"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// Data is one configured org: what Configure hands to every resource, data source and ephemeral
// resource.
type Data struct {
	// Client is nil while the provider's configuration is not known yet, which happens only during a
	// plan.
	Client    *salesforce.Client
	Inventory *inventory.Inventory
	Session   salesforce.Session
	// AllowKeyDestruction is the first of the two locks on every destroy. DestructionUndecided is true
	// while it is not known yet, which happens only during a plan.
	AllowKeyDestruction, DestructionUndecided bool
	// Quorum must approve each destruction; QuorumUndecided is true while that of the provider block
	// is not known yet, during a plan.
	Quorum          quorum.Quorum
	QuorumUndecided bool
	// ReceiptDirectory is where each write leaves its receipt, "" for none.
	ReceiptDirectory string
	// Version is the provider's own.
	Version string
	options options
	// uploader is nil like Client.
	uploader *upload.Uploader
	lineages lineages
	// certificates is shared by the certificates of this process.
	certificates certificateRun
	// records and patience belong to this configuration of the provider, that is, to one run.
	records  runRecords
	patience patience
}

// open makes a Data of a provider block, and logs in: a refused secret or a wrong org is an error
// of the provider block, before any resource has done anything.
func (p *byokProvider) open(ctx context.Context, model providerModel, diags *diag.Diagnostics) *Data {
	data := &Data{
		AllowKeyDestruction:  model.AllowKeyDestruction.ValueBool(),
		DestructionUndecided: model.AllowKeyDestruction.IsUnknown(), Version: p.version, options: p.options,
	}

	all := newSettings(model, p.options.environment)
	if all.credentialsUnknown() {
		// Which set is given, and whether it is whole, shows when it is known.
		return data
	}
	data.ReceiptDirectory = all.receiptDirectory(diags)
	data.readQuorum(ctx, model.DestructionApprovers, p.options.environment, diags)
	set := all.chooseCredentials(diags)
	if !all["instance_url"].given() {
		diags.AddAttributeError(path.Root("instance_url"), "No instance URL",
			"Expected the My Domain URL of the org, such as https://example.my.salesforce.com, in instance_url or "+
				"SALESFORCE_INSTANCE_URL. Found neither. Nothing was sent.")
	}
	if diags.HasError() {
		return nil
	}
	if all.anyUnknown() || model.MaxRetries.IsUnknown() || model.RequestTimeoutSeconds.IsUnknown() {
		return data
	}

	client, err := salesforce.New(salesforce.Config{
		InstanceURL:    all["instance_url"].value,
		APIVersion:     all["api_version"].value,
		Auth:           all.authenticator(*set),
		OrganizationID: all["organization_id"].value,
		MaxRetries:     int(valueOr(model.MaxRetries, defaultMaxRetries)),
		RequestTimeout: time.Duration(valueOr(model.RequestTimeoutSeconds, defaultTimeoutSeconds)) * time.Second,
		UserAgent:      "terraform-provider-" + typeName + "/" + p.version,
		Events:         logEvent,
		WithTimeout:    p.options.bound,
		Sleep:          p.options.sleep,
	})
	if err != nil {
		addProviderError(diags, "Provider configuration is not usable", err)

		return nil
	}
	data.Session, err = client.Session(ctx)
	if err != nil {
		addLoginError(diags, set.mark, err)

		return nil
	}
	data.Client, data.Inventory = client, inventory.New(client)
	data.uploader = &upload.Uploader{
		Organization: data.Session.OrganizationID, Patience: data.forWrite(),
	}
	tflog.Info(ctx, "Configured", map[string]any{
		"organization_id": data.Session.OrganizationID,
		"fips_mode":       byok.FIPSMode(),
	})

	return data
}

// addProviderError ties an error of the client's configuration to the attribute that it names.
// Values from the environment pass no schema validator, so they are refused here.
func addProviderError(diags *diag.Diagnostics, summary string, err error) {
	var attribute string
	if of, ok := errors.AsType[*salesforce.SettingError](err); ok {
		attribute = of.Setting
	}
	addProblem(diags, problem.New(attribute, summary, "%s Nothing was sent.", opening(err)))
}

// addLoginError explains why the login failed.
func addLoginError(diags *diag.Diagnostics, mark string, err error) {
	var refused *salesforce.AuthError
	switch {
	case errors.Is(err, salesforce.ErrWrongOrganization):
		diags.AddAttributeError(path.Root("organization_id"), "Credentials of another org", opening(err))
	case errors.Is(err, salesforce.ErrWrongHost):
		diags.AddAttributeError(path.Root("instance_url"), "Not the org's My Domain", opening(err)+wrongHostAdvice)
	case errors.Is(err, salesforce.ErrLoginLimit):
		diags.AddError("Too many logins of this user", opening(err)+" Salesforce limits how often one user logs in. Apply "+
			"again later, and give runs that overlap users of their own.")
	case errors.As(err, &refused) && errors.Is(err, salesforce.ErrUnauthorized):
		diags.AddAttributeError(attributePath(mark), "Salesforce refused the credentials",
			opening(err)+" "+loginAdvice(mark)+" Nothing else was sent.")
	case errors.Is(err, salesforce.ErrUnauthorized):
		diags.AddAttributeError(attributePath(mark), "Salesforce refused the session", opening(err)+" "+loginAdvice(mark))
	default:
		diags.AddError("Unable to log in to Salesforce", opening(err)+" Check instance_url, the network and the status of "+
			"the org, then try again.")
	}
}

// wrongHostAdvice belongs to an answer that no My Domain gives.
const wrongHostAdvice = " Set instance_url (and login_url, if you use it) to the URL that Setup shows under My " +
	"Domain, and let proxies pass it unchanged."

func loginAdvice(mark string) string {
	switch mark {
	case "client_secret":
		return "Check client_id, client_secret, that instance_url is the org's My Domain URL, and that the External Client " +
			"App enables the client credentials flow with a run-as user."
	case "private_key":
		return "Check client_id, username, this machine's clock, that private_key belongs to the app's certificate, that " +
			"login_url and audience, if set, fit the org, and that the app is pre-authorised for the user."
	default:
		return "Get a new access_token, for instance with sf org auth show-access-token --json, for a user who may use the " +
			"API, or configure client credentials or a JWT login."
	}
}

// opening makes an error's text the first sentence of a detail. A name, such as api_version, stays
// as it is written.
func opening(err error) string { return opened(sentence(err.Error())) }

// opened makes a text begin like a sentence. A name, such as api_version, stays as it is written.
func opened(text string) string {
	word, _, _ := strings.Cut(text, " ")
	if strings.TrimLeft(word, "abcdefghijklmnopqrstuvwxyz") != "" {
		return text
	}

	return strings.ToUpper(text[:1]) + text[1:]
}

// sentence makes an error's text end like one.
func sentence(text string) string {
	if strings.HasSuffix(text, ".") {
		return text
	}

	return text + "."
}

// logEvent maps the client's events to the log. They hold neither bodies nor credentials.
func logEvent(ctx context.Context, e salesforce.Event) {
	fields := map[string]any{"kind": string(e.Kind)}
	for name, value := range map[string]string{
		"method": e.Method, "path": e.Path, "host": e.Host,
		"request_id": e.RequestID,
	} {
		if value != "" {
			fields[name] = value
		}
	}
	if e.Attempt > 0 {
		fields["attempt"] = e.Attempt
	}
	if e.Status > 0 {
		fields["status"] = e.Status
	}
	if e.Duration > 0 {
		fields["duration_ms"] = e.Duration.Milliseconds()
	}
	if e.Delay > 0 {
		fields["delay_ms"] = e.Delay.Milliseconds()
	}
	message := e.Message
	if message == "" {
		message = "Salesforce " + string(e.Kind)
	}
	switch e.Kind {
	case salesforce.EventLimitLow, salesforce.EventLimitReached, salesforce.EventInstanceDiffers:
		tflog.Warn(ctx, message, fields)
	case salesforce.EventRequest, salesforce.EventRetry:
		tflog.Debug(ctx, message, fields)
	default:
		tflog.Info(ctx, message, fields)
	}
}

// base is embedded in every object that needs an org.
type base struct{ data *Data }

// take stores what Configure handed over. A nil value means that the provider is not configured yet
// (validation).
func (b *base) take(handed any, diags *diag.Diagnostics) {
	if handed == nil {
		return
	}
	data, ok := handed.(*Data)
	if !ok {
		diags.AddError("Unexpected provider data", fmt.Sprintf("Expected *provider.Data, got %T. This is a bug of the "+
			"provider: please report it.", handed))

		return
	}
	b.data = data
}

// online reports whether calls can be made.
func (b *base) online() bool { return b.data != nil && b.data.Client != nil }

// ready adds an error if calls are needed and can't be made.
func (b *base) ready(diags *diag.Diagnostics) bool {
	if b.online() {
		return true
	}
	diags.AddError("Provider configuration is not known yet",
		"A value in the salesforcebyok provider block is known only after another resource is applied, so the org can't be "+
			"read yet. Apply that resource first (-target), or give values that are known at plan.")

	return false
}

type resourceBase struct{ base }

func (b *resourceBase) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	b.take(req.ProviderData, &resp.Diagnostics)
}

type dataSourceBase struct{ base }

func (b *dataSourceBase) Configure(_ context.Context, req datasource.ConfigureRequest,
	resp *datasource.ConfigureResponse,
) {
	b.take(req.ProviderData, &resp.Diagnostics)
}

type ephemeralBase struct{ base }

func (b *ephemeralBase) Configure(_ context.Context, req ephemeral.ConfigureRequest,
	resp *ephemeral.ConfigureResponse,
) {
	b.take(req.ProviderData, &resp.Diagnostics)
}

// sandbox reports whether the org is known to be a sandbox. It decides only on dates that are
// shown.
func (d *Data) sandbox() bool { return d.Session.Sandbox }
