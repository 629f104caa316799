package provider

import (
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// emptyState is the state that the framework hands to the Read of a data source.
func emptyState(t *testing.T, d datasource.DataSource) tfsdk.State {
	t.Helper()
	var resp datasource.SchemaResponse
	d.Schema(t.Context(), datasource.SchemaRequest{}, &resp)

	return tfsdk.State{Schema: resp.Schema, Raw: tftypes.NewValue(resp.Schema.Type().TerraformType(t.Context()), nil)}
}

// The same list by State.Set and by setRows is the same state.
func TestRowsAreWhatTheFrameworkMakes(t *testing.T) {
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
		setRows(t.Context(), &found, "events", n, row, &diags)
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
		setRows(t.Context(), &found, "tenant_secrets", n, record, &diags)
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

// oneEvent is the same row each time.
func oneEvent(int) encryptionEventModel {
	return shownEvent(salesforce.EncryptionEvent{Action: "TS Read"})
}

func TestRowsOfNoList(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"since", "none"} {
		state := emptyState(t, newEncryptionEventsDataSource())
		var diags diag.Diagnostics
		setRows(t.Context(), &state, name, 1, oneEvent, &diags)
		if !diags.HasError() {
			t.Errorf("%s: expected an error", name)
		}
	}
}

// A list that is kept back is in the answer in the end, and an answer without state stays one.
func TestLateRows(t *testing.T) {
	t.Parallel()
	state := emptyState(t, newEncryptionEventsDataSource())
	ctx, late := withLateRows(t.Context())
	model := encryptionEventsDataSourceModel{OrganizationID: types.StringValue("00D"), Events: []encryptionEventModel{}}
	diags := state.Set(ctx, &model)
	setRows(ctx, &state, "events", 1, oneEvent, &diags)
	if diags.HasError() {
		t.Fatal(diags)
	}
	typ := state.Schema.Type().TerraformType(ctx)
	answer, err := tfprotov6.NewDynamicValue(typ, state.Raw)
	if err != nil {
		t.Fatal(err)
	}
	resp := &tfprotov6.ReadDataSourceResponse{State: &answer}
	if err := late.into(resp); err != nil {
		t.Fatal(err)
	}
	got, err := resp.State.Unmarshal(typ)
	if err != nil {
		t.Fatal(err)
	}
	var attributes map[string]tftypes.Value
	var events []tftypes.Value
	if err := got.As(&attributes); err != nil || attributes["events"].As(&events) != nil || len(events) != 1 {
		t.Errorf("expected one event, found %v (%v)", got, err)
	}
	null, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, without := range []*tfprotov6.ReadDataSourceResponse{nil, {}, {State: &null}} {
		if err := late.into(without); err != nil {
			t.Errorf("an answer without state: %v", err)
		}
	}
	unreadable := &tfprotov6.ReadDataSourceResponse{State: &tfprotov6.DynamicValue{MsgPack: []byte("x")}}
	if err := late.into(unreadable); err == nil {
		t.Error("expected an error of an answer that is none")
	}
	if _, none := withLateRows(t.Context()); none.into(&tfprotov6.ReadDataSourceResponse{State: &answer}) != nil {
		t.Error("expected nothing to be done without a list")
	}
}

// A field that is no value makes no row.
func TestRowsOfNoValues(t *testing.T) {
	t.Parallel()
	type plain struct{ Time string }
	state := emptyState(t, newEncryptionEventsDataSource())
	if err := encodeInto(t.Context(), &state, "events", 1, func(int) plain { return plain{} }); err == nil {
		t.Error("expected an error of a field that is no value")
	}
}

// A long list is held in the form in which it is sent, and once: what a row takes is what it says,
// and two hundred bytes for the names of its attributes.
func TestLongListsAreHeldOnce(t *testing.T) {
	t.Parallel()
	const rows = 5000
	state := emptyState(t, newEncryptionEventsDataSource())
	ctx, late := withLateRows(t.Context())
	made := 0
	var diags diag.Diagnostics
	setRows(ctx, &state, "events", rows, func(i int) encryptionEventModel {
		if i != made {
			t.Fatalf("row %d was asked for after %d others", i, made)
		}
		made++

		return oneEvent(i)
	}, &diags)
	if diags.HasError() || made != rows {
		t.Fatalf("%d rows were made: %v", made, diags)
	}
	if most := rows * (200 + len("TS Read")); len(late.list) > most || cap(late.list) > 2*most {
		t.Errorf("%d bytes of %d, expected at most %d", len(late.list), cap(late.list), most)
	}
	if !state.Raw.IsNull() {
		t.Error("expected the state to hold nothing of them")
	}
}
