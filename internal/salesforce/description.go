package salesforce

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// DescriptionCreateable reports whether the Description of an object can be given when a record is made, as the org's own
// describe tells. Where describe does not list the field it can't be.
func (c *Client) DescriptionCreateable(ctx context.Context, sobject string) (bool, error) {
	description, err := c.Describe(ctx, sobject, false)
	if err != nil {
		return false, err
	}
	var described struct {
		Fields []struct {
			Name       string   `json:"name"`
			Createable wireBool `json:"createable"`
		} `json:"fields"`
	}
	if err := json.Unmarshal(description, &described); err != nil {
		return false, fmt.Errorf("describe %s: %w", sobject, decodeError(err))
	}
	for _, field := range described.Fields {
		if strings.EqualFold(field.Name, "Description") {
			return bool(field.Createable), nil
		}
	}
	return false, nil
}
