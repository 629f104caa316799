package pluginserver

import (
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// event is a row, and log a data source with a list of them.
type event struct {
	Action types.String `tfsdk:"action"`
	Time   types.String `tfsdk:"time"`
}

type log struct {
	Since  types.String `tfsdk:"since"`
	Events []event      `tfsdk:"events"`
}

// emptyLog is the state that the framework hands to the Read of a data source.
func emptyLog(t testing.TB) tfsdk.State {
	t.Helper()
	text := schema.StringAttribute{Computed: true}
	whole := schema.Schema{Attributes: map[string]schema.Attribute{
		"since": text,
		"events": schema.ListNestedAttribute{Computed: true, NestedObject: schema.NestedAttributeObject{
			Attributes: map[string]schema.Attribute{"action": text, "time": text},
		}},
	}}

	return tfsdk.State{Schema: whole, Raw: tftypes.NewValue(whole.Type().TerraformType(t.Context()), nil)}
}

// oneEvent is the same row each time.
func oneEvent(int) event {
	return event{Action: types.StringValue("TS Read"), Time: types.StringNull()}
}

// The same list by State.Set and by SetRows is the same state.
func TestRowsAreWhatTheFrameworkMakes(t *testing.T) {
	t.Parallel()
	for n := range 3 {
		wanted, found := emptyLog(t), emptyLog(t)
		model := log{Since: types.StringValue("2026"), Events: []event{}}
		diags := found.Set(t.Context(), &model)
		SetRows(t.Context(), &found, "events", n, oneEvent, &diags)
		for i := range n {
			model.Events = append(model.Events, oneEvent(i))
		}
		diags.Append(wanted.Set(t.Context(), &model)...)
		if diags.HasError() || !wanted.Raw.Equal(found.Raw) {
			t.Errorf("%v: expected\n%s\nfound\n%s", diags, wanted.Raw, found.Raw)
		}
	}
}

func TestRowsOfNoList(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"since", "none"} {
		state := emptyLog(t)
		var diags diag.Diagnostics
		SetRows(t.Context(), &state, name, 1, oneEvent, &diags)
		if !diags.HasError() {
			t.Errorf("%s: expected an error", name)
		}
	}
}

// A list that is kept back is in the answer in the end, and an answer without state stays one.
func TestLateRows(t *testing.T) {
	t.Parallel()
	state := emptyLog(t)
	ctx, late := withLateRows(t.Context())
	model := log{Since: types.StringValue("2026"), Events: []event{}}
	diags := state.Set(ctx, &model)
	SetRows(ctx, &state, "events", 1, oneEvent, &diags)
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
	state := emptyLog(t)
	if err := encodeInto(t.Context(), &state, "events", 1, func(int) plain { return plain{} }); err == nil {
		t.Error("expected an error of a field that is no value")
	}
}

// A long list is held in the form in which it is sent, and once: what a row takes is what it says,
// and two hundred bytes for the names of its attributes.
func TestLongListsAreHeldOnce(t *testing.T) {
	t.Parallel()
	const rows = 5000
	state := emptyLog(t)
	ctx, late := withLateRows(t.Context())
	made := 0
	var diags diag.Diagnostics
	SetRows(ctx, &state, "events", rows, func(i int) event {
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

// BenchmarkRows compares the ways of a list into the answer of a data source.
func BenchmarkRows(b *testing.B) {
	const rows = 5000
	model := log{Events: make([]event, rows)}
	for i := range model.Events {
		model.Events[i] = oneEvent(i)
	}
	empty := emptyLog(b)
	typ := empty.Schema.Type().TerraformType(b.Context())
	answer := func(raw tftypes.Value) *tfprotov6.ReadDataSourceResponse {
		value, err := tfprotov6.NewDynamicValue(typ, raw)
		if err != nil {
			b.Fatal(err)
		}

		return &tfprotov6.ReadDataSourceResponse{State: &value}
	}
	b.Run("way=State.Set", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			state := empty
			if diags := state.Set(b.Context(), &model); diags.HasError() {
				b.Fatal(diags)
			}
			answer(state.Raw)
		}
	})
	b.Run("way=SetRows", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			state := empty
			ctx, late := withLateRows(b.Context())
			diags := state.Set(ctx, &log{Events: []event{}})
			SetRows(ctx, &state, "events", rows, oneEvent, &diags)
			if diags.HasError() {
				b.Fatal(diags)
			}
			if err := late.into(answer(state.Raw)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
