package provider

import (
	"context"
	"reflect"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// lateRows is a long list that goes into the answer of a data source after the framework has made
// it. The framework walks each value of a state several times, with a path and a look at the schema
// for each: over 70,000 events that takes longer than all else.
type lateRows struct {
	name  string
	whole tftypes.Object
	list  tftypes.Value
}

type lateRowsKey struct{}

// withLateRows returns a context in which setRows keeps its list back.
func withLateRows(ctx context.Context) (context.Context, *lateRows) {
	late := &lateRows{}

	return context.WithValue(ctx, lateRowsKey{}, late), late
}

// into puts the list into the answer.
func (l *lateRows) into(resp *tfprotov6.ReadDataSourceResponse) error {
	if l.name == "" || resp == nil || resp.State == nil {
		return nil
	}
	state, err := resp.State.Unmarshal(l.whole)
	if err != nil {
		return err
	}
	attributes := map[string]tftypes.Value{}
	if err := state.As(&attributes); err != nil || len(attributes) == 0 {
		return err // there is no state, for an error
	}
	attributes[l.name] = l.list
	whole, err := tfprotov6.NewDynamicValue(l.whole, tftypes.NewValue(l.whole, attributes))
	if err == nil {
		resp.State = &whole
	}

	return err
}

// setRows puts a computed list of objects into the state of a data source, whose other attributes
// are set already. State.Set does the same, but learns the tags of the struct again for every row.
// T is a struct of attr.Values with tfsdk tags; TestRowsAreWhatTheFrameworkMakes holds the two
// together.
func setRows[T any](ctx context.Context, state *tfsdk.State, name string, rows []T, diags *diag.Diagnostics) {
	whole, isObject := state.Schema.Type().TerraformType(ctx).(tftypes.Object)
	list, isList := whole.AttributeTypes[name].(tftypes.List)
	object, isRow := list.ElementType.(tftypes.Object)
	attributes := map[string]tftypes.Value{}
	if !isObject || !isList || !isRow || state.Raw.As(&attributes) != nil {
		diags.AddError("Unexpected shape of a list", "The list "+name+" can't be written to state. This is a bug of the "+
			"provider: please report it.")

		return
	}
	tags := rowTags[T]()
	elements := make([]tftypes.Value, len(rows))
	for i := range rows {
		values, row := make(map[string]tftypes.Value, len(tags)), reflect.ValueOf(&rows[i]).Elem()
		for field, tag := range tags {
			value, ok := reflect.TypeAssert[attr.Value](row.Field(field))
			if !ok {
				continue
			}
			raw, err := value.ToTerraformValue(ctx)
			if err != nil {
				diags.AddError("Unexpected value in a list", "The list "+name+" can't be written to state. This is a bug of the "+
					"provider: please report it.")

				return
			}
			values[tag] = raw
		}
		elements[i] = tftypes.NewValue(object, values)
	}
	if late, ok := ctx.Value(lateRowsKey{}).(*lateRows); ok {
		*late = lateRows{name: name, whole: whole, list: tftypes.NewValue(list, elements)}

		return
	}
	attributes[name] = tftypes.NewValue(list, elements)
	state.Raw = tftypes.NewValue(whole, attributes)
}

// rowTags are the attributes of a struct's fields, by the index of the field.
func rowTags[T any]() []string {
	typ := reflect.TypeFor[T]()
	tags := make([]string, typ.NumField())
	for i := range tags {
		tags[i] = typ.Field(i).Tag.Get("tfsdk")
	}

	return tags
}
