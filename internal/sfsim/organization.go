package sfsim

import (
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/soql"
)

// organizationObject describes the one row about the org.
var organizationObject = &sobject{
	name: "Organization", label: "Organization", labelPlural: "Organizations", prefix: "00D", verbs: "RU",
	fields: append(systemFields(), []field{
		{name: "Name", label: "Name", kind: "string", props: "FGSU", length: 80},
		{name: "OrganizationType", label: "Edition", kind: "picklist", props: "FGNS", length: 40},
		{name: "InstanceName", label: "Instance Name", kind: "string", props: "FGNS", length: 5},
		{name: "IsSandbox", label: "Is Sandbox", kind: "boolean", props: "DFGS"},
		{name: "TrialExpirationDate", label: "Trial Expiration Date", kind: "datetime", props: "FNS"},
		{name: "NamespacePrefix", label: "Namespace Prefix", kind: "string", props: "FGNS", length: 15},
		{name: "LanguageLocaleKey", label: "Language", kind: "picklist", props: "FGSU", length: 40},
	}...),
	relationships: map[string]string{"CreatedBy": "User", "LastModifiedBy": "User"},
}

// userObject describes the org's users.
var userObject = &sobject{
	name: "User", label: "User", labelPlural: "Users", prefix: "005", verbs: "R",
	fields: append(systemFields(), []field{
		{name: "Username", label: "Username", kind: "string", props: "FGIS", length: 80},
		{name: "FirstName", label: "First Name", kind: "string", props: "FGNS", length: 40},
		{name: "LastName", label: "Last Name", kind: "string", props: "FGS", length: 80},
		{name: "Name", label: "Full Name", kind: "string", props: "FGS", length: 121},
		{name: "Email", label: "Email", kind: "email", props: "FGIS", length: 128},
		{name: "IsActive", label: "Active", kind: "boolean", props: "DFGS"},
		{name: "UserType", label: "User Type", kind: "picklist", props: "FGNS", length: 40},
	}...),
}

// namedCredentialObject describes the endpoints of cache-only keys.
var namedCredentialObject = &sobject{
	name: "NamedCredential", label: "Named Credential", labelPlural: "Named Credentials", prefix: "0XA", since: 33,
	verbs: "R",
	fields: append(systemFields(), []field{
		{name: "DeveloperName", label: "Name", kind: "string", props: "FGS", length: 80},
		{name: "MasterLabel", label: "Label", kind: "string", props: "FGS", length: 80},
		{name: "Endpoint", label: "URL", kind: "textarea", props: "N", length: 255},
		{name: "PrincipalType", label: "Identity Type", kind: "picklist", props: "FGS", length: 40},
	}...),
	relationships: map[string]string{"CreatedBy": "User", "LastModifiedBy": "User"},
}

func init() {
	organizationObject.rows = (*call).organizationRows
	userObject.rows = (*call).userRows
	namedCredentialObject.rows = (*call).namedCredentialRows
	namedCredentialObject.visible = func(c *call) bool { return c.s.world.permissions.CustomizeApplication }
}

// system fills the fields that every row has.
func system(id string, created time.Time, creator *user, row soql.Row) soql.Row {
	row["Id"], row["IsDeleted"] = id, false
	row["CreatedDate"], row["LastModifiedDate"], row["SystemModstamp"] = created, created, created
	row["CreatedById"], row["LastModifiedById"] = creator.id, creator.id
	return row
}

func (c *call) organizationRows() []soql.Row {
	org, creator := c.s.world.organization, c.s.world.mainUser()
	edition := "Enterprise Edition"
	if org.kind == Developer {
		edition = "Developer Edition"
	}
	row := system(org.id, creator.created, creator, soql.Row{
		"Name": org.name, "OrganizationType": edition, "InstanceName": org.instanceName, "IsSandbox": org.kind == Sandbox,
		"TrialExpirationDate": nil, "NamespacePrefix": nil, "LanguageLocaleKey": "en_US",
	})
	row["CreatedBy"], row["LastModifiedBy"] = c.userRows()[0], c.userRows()[0]
	return []soql.Row{row}
}

func (c *call) userRows() []soql.Row {
	rows := make([]soql.Row, 0, len(c.s.world.users))
	for _, u := range c.s.world.users {
		rows = append(rows, system(u.id, u.created, u, soql.Row{
			"Username": u.username, "FirstName": u.firstName, "LastName": u.lastName, "Name": u.firstName + " " + u.lastName,
			"Email": u.email, "IsActive": u.active, "UserType": "Standard",
		}))
	}
	return rows
}

func (c *call) namedCredentialRows() []soql.Row {
	creator := c.userRows()[0]
	rows := make([]soql.Row, 0, len(c.s.world.namedCredentials))
	for _, n := range c.s.world.namedCredentials {
		rows = append(rows, system(n.id, n.created, c.s.world.mainUser(), soql.Row{
			"DeveloperName": n.developerName, "MasterLabel": n.label, "Endpoint": n.endpoint, "PrincipalType": "NamedUser",
			"CreatedBy": creator, "LastModifiedBy": creator,
		}))
	}
	return rows
}
