package provider

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/tfvalidator"
)

var _ datasource.DataSourceWithConfigure = (*encryptionEventsDataSource)(nil)

// encryptionEventsDataSource shows what the org logged of its keys.
type encryptionEventsDataSource struct{ dataSourceBase }

func newEncryptionEventsDataSource() datasource.DataSource { return &encryptionEventsDataSource{} }

type encryptionEventsDataSourceModel struct {
	Since          types.String           `tfsdk:"since"`
	OrganizationID types.String           `tfsdk:"organization_id"`
	Events         []encryptionEventModel `tfsdk:"events"`
}

type encryptionEventModel struct {
	Time           types.String `tfsdk:"time"`
	Action         types.String `tfsdk:"action"`
	TenantSecretID types.String `tfsdk:"tenant_secret_id"`
	KeyType        types.String `tfsdk:"key_type"`
	UserID         types.String `tfsdk:"user_id"`
	ClientIP       types.String `tfsdk:"client_ip"`
	Method         types.String `tfsdk:"method"`
	RequestID      types.String `tfsdk:"request_id"`
}

func (d *encryptionEventsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_encryption_events"
}

func (d *encryptionEventsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "What the org logged of its keys: imported, generated, exported, destroyed, used; when, by whom, from where (EventLogFile of the type " +
			"PlatformEncryption). Salesforce writes these files some time after the events, and an org without Event Monitoring has few or none: an empty list proves nothing.",
		Attributes: map[string]schema.Attribute{
			"since": schema.StringAttribute{
				MarkdownDescription: "Only events at or after this time, RFC 3339, such as `2027-01-31T00:00:00Z`. Default: all that the org still has.",
				Optional:            true,
				Validators:          []validator.String{tfvalidator.RFC3339()},
			},
			"organization_id": shownString("Id of the org, 18 characters."),
			"events": schema.ListNestedAttribute{
				MarkdownDescription: "The events, oldest first.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"time":             shownString("When it happened, RFC 3339, UTC."),
					"action":           shownString("What happened, as Salesforce writes it, such as `TS Imported`, `TS Exported` or `TS Destroyed`."),
					"tenant_secret_id": shownString("Id of the record, 18 characters. Null if the row names none."),
					"key_type":         shownString("Type of the key as the log writes it. It may be a type that no tenant secret can have."),
					"user_id":          shownString("Id of the user, 18 characters. Null if the row names none."),
					"client_ip":        shownString("Address that the request came from, or what Salesforce writes in its place."),
					"method":           shownString("How it was done, as Salesforce writes it. Null if the row tells none."),
					"request_id":       shownString("Id that the rows of one request have in common."),
				}},
			},
		},
	}
}

func (d *encryptionEventsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model encryptionEventsDataSourceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() || !d.ready(&resp.Diagnostics) {
		return
	}
	var since time.Time
	if text := model.Since.ValueString(); text != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, text); err != nil {
			resp.Diagnostics.AddAttributeError(path.Root("since"), "Invalid time", "Expected a time as in RFC 3339, such as 2027-01-31T00:00:00Z. Nothing was sent.")

			return
		}
	}
	events, err := d.data.Client.ListEncryptionEvents(ctx, since)
	if err != nil {
		addError(&resp.Diagnostics, "Unable to read the encryption events", err)

		return
	}
	model.populate(events, d.data.Session.OrganizationID)
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}

// populate fills the model from the rows of the log.
func (m *encryptionEventsDataSourceModel) populate(events []salesforce.EncryptionEvent, org string) {
	m.OrganizationID = types.StringValue(org)
	m.Events = make([]encryptionEventModel, 0, len(events))
	for _, e := range events {
		m.Events = append(m.Events, encryptionEventModel{
			Time:           timeOrNull(e.Time),
			Action:         stringOrNull(e.Action),
			TenantSecretID: stringOrNull(e.KeyID),
			KeyType:        stringOrNull(e.KeyType),
			UserID:         stringOrNull(e.UserID),
			ClientIP:       stringOrNull(e.ClientIP),
			Method:         stringOrNull(e.Method),
			RequestID:      stringOrNull(e.RequestID),
		})
	}
}
