package pluginserver

import (
	"math/big"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Object reads single attributes of an object as the protocol brings it. The framework's way, into
// a struct by reflection, costs more than all else of a refresh in which nothing has changed, and a
// state can hold hundreds of records.
type Object map[string]tftypes.Value

// NewObject returns the attributes of a known object; anything else gives none, and then nothing is
// found equal to anything.
func NewObject(value tftypes.Value) Object {
	var attributes map[string]tftypes.Value
	if value.IsNull() || !value.IsKnown() || value.As(&attributes) != nil {
		return nil
	}

	return attributes
}

// Text returns a string attribute, "" for null; known is false if it is unknown or no string.
func (o Object) Text(name string) (value string, known bool) {
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

// Is reports whether a string attribute is known and equal; "" stands for null.
func (o Object) Is(name, want string) bool {
	value, known := o.Text(name)

	return known && value == want
}

// IsNumber reports whether a number attribute is known and equal.
func (o Object) IsNumber(name string, want int64) bool {
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

// IsBool reports whether a truth value is known and equal.
func (o Object) IsBool(name string, want bool) bool {
	attribute, ok := o[name]
	if !ok || !attribute.IsKnown() || attribute.IsNull() {
		return false
	}
	var got bool

	return attribute.As(&got) == nil && got == want
}

// identityValue is an identity of two texts, made without reflection.
func identityValue(fields map[string]string) tftypes.Value {
	attributeTypes, values := make(map[string]tftypes.Type, len(fields)), make(map[string]tftypes.Value, len(fields))
	for name, text := range fields {
		attributeTypes[name], values[name] = tftypes.String, tftypes.NewValue(tftypes.String, text)
	}

	return tftypes.NewValue(tftypes.Object{AttributeTypes: attributeTypes}, values)
}
