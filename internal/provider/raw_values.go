package provider

import (
	"math/big"

	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// rawObject reads single attributes of an object as the protocol brings it. The framework's way, into a struct by reflection, costs more
// than all else of a refresh in which nothing has changed, and a state can hold hundreds of records.
type rawObject map[string]tftypes.Value

// newRawObject returns the attributes of a known object; anything else gives none, and then nothing is found equal to anything.
func newRawObject(value tftypes.Value) rawObject {
	var attributes map[string]tftypes.Value
	if value.IsNull() || !value.IsKnown() || value.As(&attributes) != nil {
		return nil
	}

	return attributes
}

// text returns a string attribute, "" for null; known is false where it is unknown or no string.
func (o rawObject) text(name string) (value string, known bool) {
	attribute, ok := o[name]
	if !ok || !attribute.IsKnown() {
		return "", false
	}
	var text *string
	if attribute.As(&text) != nil {
		return "", false
	}
	if text == nil {
		return "", true
	}

	return *text, true
}

// string returns a string attribute as the framework would; null if there is none.
func (o rawObject) string(name string) types.String {
	value, known := o.text(name)
	switch {
	case !known:
		return types.StringUnknown()
	case o[name].IsNull():
		return types.StringNull()
	default:
		return types.StringValue(value)
	}
}

// is reports whether a string attribute is known and equal; "" stands for null.
func (o rawObject) is(name, want string) bool {
	value, known := o.text(name)

	return known && value == want
}

// isNumber reports whether a number attribute is known and equal.
func (o rawObject) isNumber(name string, want int64) bool {
	attribute, ok := o[name]
	if !ok || !attribute.IsKnown() || attribute.IsNull() {
		return false
	}
	number := new(big.Float)
	if attribute.As(&number) != nil {
		return false
	}
	got, accuracy := number.Int64()

	return accuracy == big.Exact && got == want
}

// identityValue is an identity of two texts, made without reflection.
func identityValue(fields map[string]string) tftypes.Value {
	attributeTypes, values := make(map[string]tftypes.Type, len(fields)), make(map[string]tftypes.Value, len(fields))
	for name, text := range fields {
		attributeTypes[name], values[name] = tftypes.String, tftypes.NewValue(tftypes.String, text)
	}

	return tftypes.NewValue(tftypes.Object{AttributeTypes: attributeTypes}, values)
}
