package pluginserver

import (
	"context"
	"encoding/binary"
	"errors"
	"maps"
	"reflect"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// lateRows is a long list that goes into the answer of a data source after the framework has made
// it, already in the form in which it is sent. The framework walks each value of a state several
// times, with a path and a look at the schema for each, and a list of values takes many times the
// memory of what is sent: over 70,000 events both are more than all else.
type lateRows struct {
	name  string
	whole tftypes.Object
	list  []byte
}

type lateRowsKey struct{}

// withLateRows returns a context in which SetRows keeps its list back.
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
	whole := binary.BigEndian.AppendUint32([]byte{mapHeader}, uint32(len(attributes))) //nolint:gosec // those of a schema
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if whole, err = appendValue(whole, tftypes.String, tftypes.NewValue(tftypes.String, name)); err != nil {
			return err
		}
		if name == l.name {
			whole = append(whole, l.list...)
		} else if whole, err = appendValue(whole, l.whole.AttributeTypes[name], attributes[name]); err != nil {
			return err
		}
	}
	resp.State = &tfprotov6.DynamicValue{MsgPack: whole}

	return nil
}

// The first bytes of a list and of a map in MessagePack, whose length follows in four bytes.
const listHeader, mapHeader = 0xdd, 0xdf

// appendValue appends a value in MessagePack.
func appendValue(to []byte, typ tftypes.Type, value tftypes.Value) ([]byte, error) {
	encoded, err := tfprotov6.NewDynamicValue(typ, value)

	return append(to, encoded.MsgPack...), err
}

// SetRows puts a computed list of n objects into the state of a data source, whose other attributes
// are set already. State.Set does the same, at the cost that lateRows avoids. row makes one object
// at a time: T is a struct of attr.Values with tfsdk tags.
func SetRows[T any](
	ctx context.Context, state *tfsdk.State, name string, n int, row func(i int) T, diags *diag.Diagnostics,
) {
	if err := encodeInto(ctx, state, name, n, row); err != nil {
		diags.AddError("Unexpected shape of a list", "The list "+name+" can't be written to state. "+
			"This is a bug of the provider: please report it.")
	}
}

func encodeInto[T any](ctx context.Context, state *tfsdk.State, name string, n int, row func(i int) T) error {
	whole, isObject := state.Schema.Type().TerraformType(ctx).(tftypes.Object)
	list, isList := whole.AttributeTypes[name].(tftypes.List)
	object, isRow := list.ElementType.(tftypes.Object)
	if !isObject || !isList || !isRow {
		return errors.New("it is no list of objects")
	}
	encoded, err := encodeRows(ctx, object, n, row)
	if err != nil {
		return err
	}
	if late, ok := ctx.Value(lateRowsKey{}).(*lateRows); ok {
		*late = lateRows{name: name, whole: whole, list: encoded}

		return nil
	}
	rows, err := tfprotov6.DynamicValue{MsgPack: encoded}.Unmarshal(list)
	attributes := map[string]tftypes.Value{}
	if err := errors.Join(err, state.Raw.As(&attributes)); err != nil {
		return err
	}
	attributes[name] = rows
	state.Raw = tftypes.NewValue(whole, attributes)

	return nil
}

// encodeRows makes the list in MessagePack, row by row.
func encodeRows[T any](ctx context.Context, object tftypes.Object, n int, row func(i int) T) ([]byte, error) {
	tags := rowTags[T]()
	values := make(map[string]tftypes.Value, len(tags))
	encoded := binary.BigEndian.AppendUint32([]byte{listHeader}, uint32(n)) //nolint:gosec // far fewer fit into memory
	for i := range n {
		one := row(i)
		fields := reflect.ValueOf(&one).Elem()
		for field, tag := range tags {
			value, ok := reflect.TypeAssert[attr.Value](fields.Field(field))
			if !ok {
				return nil, errors.New("it is no value: " + tag)
			}
			var err error
			if values[tag], err = value.ToTerraformValue(ctx); err != nil {
				return nil, err
			}
		}
		var err error
		if encoded, err = appendValue(encoded, object, tftypes.NewValue(object, values)); err != nil {
			return nil, err
		}
	}

	return encoded, nil
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
