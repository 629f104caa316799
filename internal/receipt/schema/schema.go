// Package schema holds receipts to their JSON schema and to their chain, as an auditor would. Tests
// use it; the provider does not.
package schema

import (
	"bytes"
	_ "embed"
	"encoding/json"
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

// Operations returns the operations that the schema knows.
func Operations() ([]receipt.Operation, error) {
	var document struct {
		Properties struct {
			Operation struct {
				Enum []receipt.Operation `json:"enum"`
			} `json:"operation"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	return document.Properties.Operation.Enum, nil
}

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

// VerifyChain checks the texts of receipts of one state, the oldest first: each is canonical, and
// its previous is the SHA-256 of the one before. The first may follow one that is not given.
// Receipts without a Format chain nothing.
func VerifyChain(texts ...string) error {
	var problems []error
	for i, text := range texts {
		r, err := receipt.Parse(text)
		if err != nil {
			problems = append(problems, fmt.Errorf("receipt %d %w", i+1, err))
			continue
		}
		if r.Format == 0 {
			continue
		}
		if canonical, err := receipt.Canonical([]byte(text)); err != nil || string(canonical) != text {
			problems = append(problems, fmt.Errorf("receipt %d is not in canonical form", i+1))
		}
		if i == 0 {
			continue
		}
		if want := receipt.Sum(texts[i-1]); r.Previous == nil || *r.Previous != want {
			problems = append(problems, fmt.Errorf("receipt %d does not follow the one before it, whose SHA-256 is %s", i+1,
				want))
		}
	}
	return errors.Join(problems...)
}
