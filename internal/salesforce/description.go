package salesforce

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// describedField is what a describe says of one field.
type describedField struct {
	Name       string   `json:"name"`
	Createable wireBool `json:"createable"`
}

func (c *Client) describedFields(ctx context.Context, sobject string) ([]describedField, error) {
	description, err := c.Describe(ctx, sobject, false)
	if err != nil {
		return nil, err
	}
	var described struct {
		Fields []describedField `json:"fields"`
	}
	if err := json.Unmarshal(description, &described); err != nil {
		return nil, fmt.Errorf("describe %s: %w", sobject, decodeError(err))
	}
	return described.Fields, nil
}

// DescriptionCreateable reports whether the Description of an object can be given when a record is
// made, as the org's own describe says. It can't be if describe does not list the field.
func (c *Client) DescriptionCreateable(ctx context.Context, sobject string) (bool, error) {
	fields, err := c.describedFields(ctx, sobject)
	if err != nil {
		return false, err
	}
	at := slices.IndexFunc(fields, func(f describedField) bool { return strings.EqualFold(f.Name, "Description") })
	return at >= 0 && bool(fields[at].Createable), nil
}

// fieldsOf returns those of wanted that an object has in this org and API version, as its describe
// says.
func (c *Client) fieldsOf(ctx context.Context, sobject string, wanted []string) ([]string, error) {
	fields, err := c.describedFields(ctx, sobject)
	if err != nil {
		return nil, err
	}
	known := slices.DeleteFunc(slices.Clone(wanted), func(name string) bool {
		return !slices.ContainsFunc(fields, func(f describedField) bool { return strings.EqualFold(f.Name, name) })
	})
	if len(known) == 0 {
		return nil, fmt.Errorf("describe %s: it lists none of the fields that are read", sobject)
	}
	return known, nil
}
