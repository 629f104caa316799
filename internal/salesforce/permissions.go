package salesforce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// The permissions that BYOK needs [D Help security_pe_byok_generate_secret], and
// the one that a Metadata API deploy needs besides, for certificates and
// settings [D DeployRequest].
const (
	PermissionManageEncryptionKeys = "Manage Encryption Keys"
	PermissionManageCertificates   = "Manage Certificates"
	PermissionCustomizeApplication = "Customize Application"
	PermissionModifyMetadata       = "Modify Metadata Through Metadata API Functions"
)

// Permissions is what could be learned about the user's permissions.
type Permissions struct {
	// Missing are those that the user certainly or very likely lacks.
	Missing []string
	// Undetermined are those that could not be learned without side effects.
	Undetermined []string
}

// permissionFields are the fields of UserPermissionAccess that grant each
// permission; any one of them does [R, the names follow those of the
// permissions].
var permissionFields = []struct {
	name   string
	fields []string
	// late: not every API version that serves BYOK has the fields.
	late bool
}{
	{PermissionManageEncryptionKeys, []string{"PermissionsManageEncryptionKeys"}, false},
	{PermissionManageCertificates, []string{"PermissionsManageCertificates"}, false},
	{PermissionCustomizeApplication, []string{"PermissionsCustomizeApplication"}, false},
	{PermissionModifyMetadata, []string{"PermissionsModifyMetadata", "PermissionsModifyAllData"}, true},
}

// CheckPermissions learns which of these permissions the user lacks, by reads
// only. UserPermissionAccess has them all at once [C]; if the org does not show
// it, the objects themselves are looked at.
func (c *Client) CheckPermissions(ctx context.Context) (Permissions, error) {
	for _, late := range []bool{true, false} {
		row, err := c.userPermissions(ctx, late)
		if err == nil && row != nil {
			return readPermissions(row), nil
		}
		// A 400 is an org that does not know the object or a field of it.
		refused, ok := errors.AsType[*Error](err)
		if err != nil && (!ok || refused.Status >= 500 || errors.Is(err, ErrUnauthorized) ||
			errors.Is(err, ErrRequestLimit)) {
			return Permissions{}, fmt.Errorf("check permissions: %w", err)
		}
		if !ok || !refused.HasCode("INVALID_FIELD") {
			break
		}
	}
	return c.probePermissions(ctx)
}

// userPermissions reads the one row of UserPermissionAccess, nil for none.
func (c *Client) userPermissions(ctx context.Context, late bool) (map[string]json.RawMessage, error) {
	var fields []string
	for _, p := range permissionFields {
		if late || !p.late {
			fields = append(fields, p.fields...)
		}
	}
	rows, err := queryAll[map[string]json.RawMessage](ctx, c, queryCall{soql: selectFrom("UserPermissionAccess", fields)})
	if err != nil || len(rows.records) == 0 {
		return nil, err
	}
	return rows.records[0], nil
}

func readPermissions(row map[string]json.RawMessage) Permissions {
	var p Permissions
	for _, permission := range permissionFields {
		granted, known := false, false
		for _, field := range permission.fields {
			value, ok := row[field]
			var flag wireBool
			if !ok || string(value) == "null" || json.Unmarshal(value, &flag) != nil {
				continue
			}
			granted, known = granted || bool(flag), true
		}
		switch {
		case !known:
			p.Undetermined = append(p.Undetermined, permission.name)
		case !granted:
			p.Missing = append(p.Missing, permission.name)
		}
	}
	return p
}

// probePermissions looks at the objects that the permissions guard. Without
// them a user gets INVALID_TYPE or NOT_FOUND [R]. An empty list proves nothing.
func (c *Client) probePermissions(ctx context.Context) (Permissions, error) {
	p := Permissions{Undetermined: []string{PermissionCustomizeApplication, PermissionModifyMetadata}}
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
		p.Undetermined = append(p.Undetermined, PermissionManageEncryptionKeys)
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
