package sfsim

import (
	"slices"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/soql"
)

// queryColumns answers query?columns=true, which describes the columns of a query instead of
// running it. The parameter is not documented; the Salesforce CLI prints its tables by it [C
// salesforcecli/plugin-data].
func (c *call) queryColumns(o *sobject, result *soql.Result) *reply {
	columns := []object{}
	var parents []string
	for _, selected := range result.Fields {
		first := selected.Path[0]
		switch {
		case len(selected.Path) == 1:
			f, known := o.field(first, c.version)
			columns = append(columns, column(first, f, result.Aggregate && !known, nil))
		case !slices.Contains(parents, first):
			parents = append(parents, first)
			columns = append(columns, column(first, nil, false, joined(result.Fields, selected.Path[:1])))
		}
	}
	var prefix any
	if o.prefix != "" {
		prefix = o.prefix
	}
	selected := slices.ContainsFunc(result.Fields, func(f soql.SelectedField) bool {
		return slices.Equal(f.Path, []string{"Id"})
	})
	return ok(object{
		{"columnMetadata", columns},
		{"entityName", o.name},
		{"groupBy", result.Aggregate},
		{"idSelected", selected},
		{"keyPrefix", prefix},
	})
}

// joined lists the columns below a relationship, which may be relationships again.
func joined(fields []soql.SelectedField, path []string) []object {
	var columns []object
	var seen []string
	for _, f := range fields {
		if len(f.Path) <= len(path) || !slices.Equal(f.Path[:len(path)], path) || slices.Contains(seen, f.Path[len(path)]) {
			continue
		}
		name := f.Path[len(path)]
		seen = append(seen, name)
		var below []object
		if len(f.Path) > len(path)+1 {
			below = joined(fields, f.Path[:len(path)+1])
		}
		columns = append(columns, column(name, nil, false, below))
	}
	return columns
}

func column(name string, f *field, aggregate bool, below []object) object {
	if below == nil {
		below = []object{}
	}
	kind := "string"
	if f != nil {
		kind = f.kind
	}
	number := kind == "int" || kind == "double"
	return object{
		{"aggregate", aggregate},
		{"booleanType", kind == "boolean"},
		{"columnName", name},
		{"custom", false},
		{"displayName", name},
		{"foreignKeyName", nil},
		{"insertable", f != nil && f.has("C")},
		{"joinColumns", below},
		{"numberType", number},
		{"textType", !number && kind != "boolean"},
		{"updatable", f != nil && f.has("U")},
	}
}
