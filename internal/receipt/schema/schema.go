// Package schema holds the JSON schema of receipts, and holds texts to it. Tests use it; the
// provider does not.
package schema

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
)

//go:embed receipt.schema.json
var text []byte

// Text returns the schema, JSON Schema draft 2020-12.
func Text() []byte { return bytes.Clone(text) }

// compiled is the schema, ready to be held against receipts.
var compiled = sync.OnceValues(func() (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	const name = "receipt.schema.json"
	if err := compiler.AddResource(name, document); err != nil {
		return nil, fmt.Errorf("add the schema: %w", err)
	}
	return compiler.Compile(name)
})

// Validate holds the text of a receipt to the schema and to the canonical form.
func Validate(receiptText string) error {
	against, err := compiled()
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(receiptText))
	if err != nil {
		return fmt.Errorf("read the receipt: %w", err)
	}
	if err := against.Validate(value); err != nil {
		return err
	}
	canonical, err := receipt.Canonical([]byte(receiptText))
	if err == nil && string(canonical) != receiptText {
		err = errors.New("the receipt is not in canonical form")
	}
	return err
}
