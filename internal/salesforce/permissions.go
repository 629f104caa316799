package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// The permissions that BYOK needs [D Help security_pe_byok_generate_secret].
const (
	PermissionManageEncryptionKeys = "Manage Encryption Keys"
	PermissionManageCertificates   = "Manage Certificates"
	PermissionCustomizeApplication = "Customize Application"
)

// Permissions is what could be learned about the user's permissions.
type Permissions struct {
	// Missing are those that the user certainly or very likely lacks.
	Missing []string
	// Untold are those that could not be learned without side effects.
	Untold []string
}

// CheckPermissions learns which of the three permissions the user lacks, by
// reads only. UserPermissionAccess tells them all at once [C]; where the org
// does not show it, the objects themselves are looked at.
func (c *Client) CheckPermissions(ctx context.Context) (Permissions, error) {
	type row struct {
		EncryptionKeys *wireBool `json:"PermissionsManageEncryptionKeys"`
		Certificates   *wireBool `json:"PermissionsManageCertificates"`
		Customize      *wireBool `json:"PermissionsCustomizeApplication"`
	}
	rows, err := queryAll[row](ctx, c, queryCall{soql: selectFrom("UserPermissionAccess", []string{
		"PermissionsManageEncryptionKeys", "PermissionsManageCertificates", "PermissionsCustomizeApplication",
	})})
	if err == nil && len(rows.records) > 0 {
		var p Permissions
		r := rows.records[0]
		for _, granted := range []struct {
			name  string
			value *wireBool
		}{
			{PermissionManageEncryptionKeys, r.EncryptionKeys},
			{PermissionManageCertificates, r.Certificates},
			{PermissionCustomizeApplication, r.Customize},
		} {
			switch {
			case granted.value == nil:
				p.Untold = append(p.Untold, granted.name)
			case !bool(*granted.value):
				p.Missing = append(p.Missing, granted.name)
			}
		}
		return p, nil
	}
	// A 400 is an org that does not know the object or a field of it.
	var refused *Error
	if err != nil && (!errors.As(err, &refused) || refused.Status >= 500 || errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrRequestLimit)) {
		return Permissions{}, fmt.Errorf("check permissions: %w", err)
	}
	return c.probePermissions(ctx)
}

// probePermissions looks at the objects that the permissions guard. Without
// them a user gets INVALID_TYPE or NOT_FOUND [R]. An empty list does not tell.
func (c *Client) probePermissions(ctx context.Context) (Permissions, error) {
	p := Permissions{Untold: []string{PermissionCustomizeApplication}}
	description, err := c.Describe(ctx, "TenantSecret", false)
	var described struct {
		Createable *wireBool `json:"createable"`
	}
	switch {
	case errors.Is(err, ErrPermission):
		p.Missing = append(p.Missing, PermissionManageEncryptionKeys)
	case err != nil:
		return Permissions{}, fmt.Errorf("check permissions: %w", err)
	case json.Unmarshal(description, &described) != nil || described.Createable == nil:
		p.Untold = append(p.Untold, PermissionManageEncryptionKeys)
	case !bool(*described.Createable):
		p.Missing = append(p.Missing, PermissionManageEncryptionKeys)
	}
	_, err = c.ListCertificates(ctx)
	switch {
	case errors.Is(err, ErrPermission):
		p.Missing = append(p.Missing, PermissionManageCertificates)
	case err != nil:
		return Permissions{}, fmt.Errorf("check permissions: %w", err)
	}
	return p, nil
}
