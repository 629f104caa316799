package sfsim

import "github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/soql"

// deployRequestObject describes the tooling object DeployRequest, where a client finds a deployment
// whose reply it lost. That the object exists is [D]; its fields and their properties are [R].
var deployRequestObject = &sobject{
	name: "DeployRequest", label: "Deploy Request", labelPlural: "Deploy Requests", prefix: "0Af", tooling: true,
	since: 31, verbs: "R",
	fields: append(systemFields(), []field{
		{name: "CheckOnly", label: "Check Only", kind: "boolean", props: "FGS"},
		{name: "CompletedDate", label: "Completed Date", kind: "datetime", props: "FNS"},
		{name: "ErrorMessage", label: "Error Message", kind: "string", props: "FGNS", length: 255},
		{name: "ErrorStatusCode", label: "Error Status Code", kind: "string", props: "FGNS", length: 60},
		{name: "IgnoreWarnings", label: "Ignore Warnings", kind: "boolean", props: "FGS"},
		{name: "NumberComponentErrors", label: "Number of Component Errors", kind: "int", props: "FGS"},
		{name: "NumberComponentsDeployed", label: "Number of Components Deployed", kind: "int", props: "FGS"},
		{name: "NumberComponentsTotal", label: "Number of Components", kind: "int", props: "FGS"},
		{name: "RollbackOnError", label: "Rollback On Error", kind: "boolean", props: "FGS"},
		{name: "StartDate", label: "Start Date", kind: "datetime", props: "FNS"},
		{name: "Status", label: "Status", kind: "picklist", props: "FGNS", length: 255},
	}...),
	relationships: map[string]string{"CreatedBy": "User", "LastModifiedBy": "User"},
}

func init() {
	deployRequestObject.rows = (*call).deployRequestRows
	deployRequestObject.visible = func(c *call) bool { return c.s.world.permissions.ModifyMetadata }
}

func (c *call) deployRequestRows() []soql.Row {
	users := c.userRows()
	var rows []soql.Row
	for _, d := range c.s.world.estate().deployments {
		row := system(d.id, d.started, d.by, soql.Row{
			"CheckOnly": d.options.CheckOnly, "CompletedDate": nil, "ErrorMessage": nullable(d.message), "ErrorStatusCode": nil,
			"IgnoreWarnings": d.options.IgnoreWarnings, "NumberComponentErrors": int64(d.errorCount()),
			"NumberComponentsDeployed": int64(len(d.successes)), "NumberComponentsTotal": int64(d.total),
			"RollbackOnError": d.options.RollbackOnError, "StartDate": d.started, "Status": d.status,
			"CreatedBy": users[0], "LastModifiedBy": users[0],
		})
		if d.message != "" {
			row["ErrorStatusCode"] = unreadablePackage
		}
		if d.done() {
			row["CompletedDate"], row["LastModifiedDate"], row["SystemModstamp"] = d.finished, d.finished, d.finished
		}
		rows = append(rows, row)
	}
	return rows
}
