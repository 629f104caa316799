package provider

import (
	"context"
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"golang.org/x/sync/errgroup"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

var _ datasource.DataSourceWithConfigure = (*certificatesDataSource)(nil)

// certificatesDataSource shows the certificates of the org.
type certificatesDataSource struct{ dataSourceBase }

func newCertificatesDataSource() datasource.DataSource { return &certificatesDataSource{} }

type certificatesDataSourceModel struct {
	BYOKCompatibleOnly types.Bool               `tfsdk:"byok_compatible_only"`
	OrganizationID     types.String             `tfsdk:"organization_id"`
	Certificates       []certificateRecordModel `tfsdk:"certificates"`
}

func (d *certificatesDataSource) Metadata(_ context.Context, req datasource.MetadataRequest,
	resp *datasource.MetadataResponse,
) {
	resp.TypeName = req.ProviderTypeName + "_certificates"
}

func (d *certificatesDataSource) Schema(_ context.Context, _ datasource.SchemaRequest,
	resp *datasource.SchemaResponse,
) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The certificates of the org (Setup, Certificate and Key Management), with their X.509 " +
			"content and whether key material can be wrapped with them. It costs one API call for all rows, and one for the " +
			"content of each certificate that is shown.",
		Attributes: map[string]schema.Attribute{
			"byok_compatible_only": schema.BoolAttribute{
				MarkdownDescription: "Show only certificates that can wrap key material now. Default `false`.",
				Optional:            true,
			},
			"organization_id": shownString("Id of the org, 18 characters."),
			"certificates": schema.ListNestedAttribute{
				MarkdownDescription: "The certificates, sorted by unique name.",
				Computed:            true,
				NestedObject:        schema.NestedAttributeObject{Attributes: certificateAttributes()},
			},
		},
	}
}

func (d *certificatesDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var model certificatesDataSourceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	rows, ok := d.certificates(ctx, &resp.Diagnostics)
	if !ok {
		return
	}
	if len(rows) == 0 {
		resp.Diagnostics.AddWarning("The org shows no certificate at all",
			"Either it has none, or the user may not see them. "+permissionsAdvice)
	}
	shown, diags := d.read(ctx, rows, model.BYOKCompatibleOnly.ValueBool())
	resp.Diagnostics.Append(diags...)
	if resp.Diagnostics.HasError() {
		return
	}
	model.Certificates = shown
	model.OrganizationID = types.StringValue(d.data.Session.OrganizationID)
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}

// read reads the X.509 content of each row. The client bounds how many calls are under way at once.
func (d *certificatesDataSource) read(ctx context.Context, rows []salesforce.Certificate,
	compatibleOnly bool,
) ([]certificateRecordModel, diag.Diagnostics) {
	now := d.data.Client.Now()
	models := make([]certificateRecordModel, len(rows))
	found := make([]diag.Diagnostics, len(rows))
	group, groupCtx := errgroup.WithContext(ctx)
	for i, row := range rows {
		if compatibleOnly && len(upload.Facts(row, nil).Problems(now)) > 0 {
			continue
		}
		group.Go(func() error {
			body, err := d.data.Inventory.CertificateChain(groupCtx, row.ID)
			if err != nil && !errors.Is(err, salesforce.ErrNotFound) {
				return err
			}
			found[i] = models[i].populate(row, body, now)

			return nil
		})
	}
	var diags diag.Diagnostics
	if err := group.Wait(); err != nil {
		addError(&diags, "Unable to read the certificates", err)

		return nil, diags
	}
	shown := []certificateRecordModel{}
	for i, model := range models {
		if model.ID.IsNull() || compatibleOnly && !model.BYOKCompatible.ValueBool() {
			continue
		}
		shown = append(shown, model)
		diags.Append(found[i]...)
	}

	return shown, diags
}
