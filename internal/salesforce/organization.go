package salesforce

import (
	"context"
	"fmt"
)

// Organization is the org itself.
type Organization struct {
	// ID has 18 characters and begins with 00D.
	ID   string
	Name string
	// OrganizationType is the edition, such as "Enterprise Edition".
	OrganizationType string
	// InstanceName is where the org is hosted, such as "NA139".
	InstanceName string
	IsSandbox    bool
}

// GetOrganization reads the org of the session.
func (c *Client) GetOrganization(ctx context.Context) (Organization, error) {
	return c.getOrganization(ctx, nil)
}

func (c *Client) getOrganization(ctx context.Context, as *grant) (Organization, error) {
	type row struct {
		ID               string   `json:"Id"`
		Name             string   `json:"Name"`
		OrganizationType string   `json:"OrganizationType"`
		InstanceName     string   `json:"InstanceName"`
		IsSandbox        wireBool `json:"IsSandbox"`
	}
	soql := selectFrom("Organization", []string{"Id", "Name", "OrganizationType", "InstanceName", "IsSandbox"})
	rows, err := queryAll[row](ctx, c, queryCall{soql: soql, as: as})
	if err != nil {
		return Organization{}, fmt.Errorf("read the organization: %w", err)
	}
	if len(rows.records) != 1 {
		return Organization{}, fmt.Errorf("read the organization: expected one record, got %d", len(rows.records))
	}
	r := rows.records[0]
	id, err := recordID(r.ID)
	if err != nil {
		return Organization{}, fmt.Errorf("read the organization: %w", err)
	}
	return Organization{
		ID:               id,
		Name:             r.Name,
		OrganizationType: r.OrganizationType,
		InstanceName:     r.InstanceName,
		IsSandbox:        bool(r.IsSandbox),
	}, nil
}
