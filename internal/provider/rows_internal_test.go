package provider

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/pluginserver"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// emptyState is the state that the framework hands to the Read of a data source.
func emptyState(t *testing.T, d datasource.DataSource) tfsdk.State {
	t.Helper()
	var resp datasource.SchemaResponse
	d.Schema(t.Context(), datasource.SchemaRequest{}, &resp)

	return tfsdk.State{Schema: resp.Schema, Raw: tftypes.NewValue(resp.Schema.Type().TerraformType(t.Context()), nil)}
}

// The same list by State.Set and by SetRows is the same state.
func TestLongListsAreWhatTheFrameworkMakes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 20, 10, 11, 12, 0, time.UTC)
	events := []salesforce.EncryptionEvent{
		{
			Time: at, Action: "TS Read", KeyID: "02G", KeyType: "Data", UserID: "005", ClientIP: "192.0.2.1", Method: "GET",
			RequestID: "R",
		},
		{Unreadable: "x"},
	}
	records := []salesforce.TenantSecret{
		{ID: "02G", Type: "Data", Version: 7, Status: "ACTIVE", CreatedDate: at},
		{ID: "02H", Type: "EventBus"},
	}
	for _, n := range []int{0, 1, 2} {
		wanted, found := emptyState(t, newEncryptionEventsDataSource()), emptyState(t, newEncryptionEventsDataSource())
		model := encryptionEventsDataSourceModel{
			OrganizationID: types.StringValue("00D"), Events: []encryptionEventModel{},
		}
		diags := found.Set(t.Context(), &model)
		row := func(i int) encryptionEventModel { return shownEvent(events[i]) }
		pluginserver.SetRows(t.Context(), &found, "events", n, row, &diags)
		for i := range n {
			model.Events = append(model.Events, row(i))
		}
		diags.Append(wanted.Set(t.Context(), &model)...)
		expectSameState(t, wanted, found, diags)

		wanted, found = emptyState(t, newTenantSecretsDataSource()), emptyState(t, newTenantSecretsDataSource())
		var secrets tenantSecretsDataSourceModel
		secrets.populate(records[:n], "00D")
		diags = wanted.Set(t.Context(), &secrets)
		shown := secrets.TenantSecrets
		secrets.TenantSecrets = []tenantSecretRecordModel{}
		diags.Append(found.Set(t.Context(), &secrets)...)
		record := func(i int) tenantSecretRecordModel { return shown[i] }
		pluginserver.SetRows(t.Context(), &found, "tenant_secrets", n, record, &diags)
		expectSameState(t, wanted, found, diags)
	}
}

func expectSameState(t *testing.T, wanted, found tfsdk.State, diags diag.Diagnostics) {
	t.Helper()
	if diags.HasError() {
		t.Fatal(diags)
	}
	if !wanted.Raw.Equal(found.Raw) {
		t.Errorf("expected\n%s\nfound\n%s", wanted.Raw, found.Raw)
	}
}
