package provider

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/pluginserver"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/tfvalidator"
)

var _ datasource.DataSourceWithConfigure = (*encryptionEventsDataSource)(nil)

// encryptionEventsDataSource shows what the org logged of its keys.
type encryptionEventsDataSource struct{ dataSourceBase }

func newEncryptionEventsDataSource() datasource.DataSource { return &encryptionEventsDataSource{} }

type encryptionEventsDataSourceModel struct {
	Since          types.String           `tfsdk:"since"`
	Action         types.String           `tfsdk:"action"`
	KeyID          types.String           `tfsdk:"tenant_secret_id"`
	UserID         types.String           `tfsdk:"user_id"`
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
	Unreadable     types.String `tfsdk:"unreadable"`
}

func (d *encryptionEventsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest,
	resp *datasource.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_encryption_events"
}

func (d *encryptionEventsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest,
	resp *datasource.SchemaResponse,
) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "What the org logged of its keys: imported, generated, exported, destroyed, used; when, by " +
			"whom, from where (EventLogFile of the type PlatformEncryption). Salesforce writes these files some time after " +
			"the events, and an org without Event Monitoring has few or none: an empty list proves nothing. The filters work " +
			"while the files are read; without one the list can be long. A row that can't be read is shown all the same, " +
			"whatever action, key and user are asked for, with a warning.",
		Attributes: map[string]schema.Attribute{
			"since": schema.StringAttribute{
				MarkdownDescription: "Only events at or after this time, RFC 3339, such as `2027-01-31T00:00:00Z`. Default: all " +
					"that the org still has.",
				Optional:   true,
				Validators: []validator.String{tfvalidator.RFC3339()},
			},
			"action": schema.StringAttribute{
				MarkdownDescription: "Only events of this action, such as `TS Exported`, in upper or lower case.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"tenant_secret_id": schema.StringAttribute{
				MarkdownDescription: "Only events of this key: its id (`02G…`), 15 or 18 characters.",
				Optional:            true,
				Validators:          []validator.String{tfvalidator.SalesforceID("02G")},
			},
			"user_id": schema.StringAttribute{
				MarkdownDescription: "Only events of this user: the id (`005…`), 15 or 18 characters.",
				Optional:            true,
				Validators:          []validator.String{tfvalidator.SalesforceID("005")},
			},
			"organization_id": shownString("Id of the org, 18 characters."),
			"events": schema.ListNestedAttribute{
				MarkdownDescription: "The events, oldest first; those without a readable time come before.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"time": shownString("When it happened, RFC 3339, UTC. Null if the row has no time that can be read."),
					"action": shownString("What happened, as Salesforce writes it, such as `TS Imported`, `TS Exported` " +
						"or `TS Destroyed`."),
					"tenant_secret_id": shownString("Id of the record, 18 characters. Null if the row names none."),
					"key_type": shownString("Type of the key as the log writes it. It may be a type that no tenant secret " +
						"can have."),
					"user_id":    shownString("Id of the user, 18 characters. Null if the row names none."),
					"client_ip":  shownString("IP address of the request, or what Salesforce writes instead."),
					"method":     shownString("How it was done, as Salesforce writes it. Null if the row names none."),
					"request_id": shownString("Id that the rows of one request have in common."),
					"unreadable": shownString("The row as it is in the log, if it can't be read in full; the other attributes hold " +
						"what could be read. Null for a readable row."),
				}},
			},
		},
	}
}

func (d *encryptionEventsDataSource) Read(ctx context.Context, req datasource.ReadRequest,
	resp *datasource.ReadResponse,
) {
	var model encryptionEventsDataSourceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() || !d.ready(&resp.Diagnostics) {
		return
	}
	var since time.Time
	if text := model.Since.ValueString(); text != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, text); err != nil {
			resp.Diagnostics.AddAttributeError(path.Root("since"), "Invalid time", "Expected a time as in RFC 3339, such as "+
				"2027-01-31T00:00:00Z. Nothing was sent.")

			return
		}
	}
	events, err := d.data.Client.ListEncryptionEvents(ctx, salesforce.EventFilter{
		Since: since, Action: model.Action.ValueString(), KeyID: model.KeyID.ValueString(),
		UserID: model.UserID.ValueString(),
	})
	if err != nil {
		addError(&resp.Diagnostics, "Unable to read the encryption events", err)

		return
	}
	odd := 0
	for _, e := range events {
		if e.Unreadable != "" {
			odd++
		}
	}
	if odd > 0 {
		resp.Diagnostics.AddWarning("Rows of the event log are unreadable",
			fmt.Sprintf("%d of %d rows lack columns of their file or a readable time. They are in the list, with the row "+
				"itself in unreadable. Look at each: it may be an event that you filter for.", odd,
				len(events)))
	}
	model.OrganizationID = types.StringValue(d.data.Session.OrganizationID)
	model.Events = []encryptionEventModel{}
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
	if !resp.Diagnostics.HasError() {
		row := func(i int) encryptionEventModel { return shownEvent(events[i]) }
		pluginserver.SetRows(ctx, &resp.State, "events", len(events), row, &resp.Diagnostics)
	}
}

// shownEvent is a row of the log as the data source shows it.
func shownEvent(e salesforce.EncryptionEvent) encryptionEventModel {
	return encryptionEventModel{
		Time:           timeOrNull(e.Time),
		Action:         stringOrNull(e.Action),
		TenantSecretID: stringOrNull(e.KeyID),
		KeyType:        stringOrNull(e.KeyType),
		UserID:         stringOrNull(e.UserID),
		ClientIP:       stringOrNull(e.ClientIP),
		Method:         stringOrNull(e.Method),
		RequestID:      stringOrNull(e.RequestID),
		Unreadable:     stringOrNull(e.Unreadable),
	}
}
