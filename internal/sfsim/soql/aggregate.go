package soql

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// output is one column of an aggregate query.
type output struct {
	name  string
	value func(group []Row) any
}

// aggregate evaluates a query with aggregate functions or GROUP BY.
func (b *binder) aggregate(matches func(Row) bool) (*Result, error) {
	q := b.query
	if len(q.groupBy) == 0 && q.limit != nil {
		return nil, q.text.refuse(malformedQuery, q.limit.pos,
			"Non-grouped query that uses overall aggregate functions cannot also use LIMIT") // [R]
	}
	keys, err := b.groupKeys()
	if err != nil {
		return nil, err
	}
	outputs, err := b.outputs(keys)
	if err != nil {
		return nil, err
	}

	// HAVING and ORDER BY work on the finished rows, under names that no
	// query can spell.
	var hidden []output
	resolve := func(o operand) (column, error) {
		value, err := b.groupValue(o, keys)
		if err != nil {
			return column{}, err
		}
		name := "#" + strconv.Itoa(len(hidden))
		hidden = append(hidden, output{name, value})
		field := &Field{Name: o.field.String(), Type: "double"}
		if o.function == "" || o.function == "MIN" || o.function == "MAX" {
			c, err := b.resolve(o.field)
			if err != nil {
				return column{}, err
			}
			if o.function == "" && !c.field.Sortable {
				return column{}, b.refuseUse(c, o.pos, "sorted")
			}
			field = c.field
		}
		return column{path: []string{name}, field: field, value: func(row Row) any { return row[name] }}, nil
	}
	having := func(Row) bool { return true }
	if q.having != nil {
		if having, err = b.condition(q.having, resolve); err != nil {
			return nil, err
		}
	}
	less, err := b.order(q.orderBy, resolve)
	if err != nil {
		return nil, err
	}

	var rows []Row
	for _, group := range groups(b.filter(matches), keys) {
		row := Row{}
		for _, o := range append(outputs, hidden...) {
			row[o.name] = o.value(group)
		}
		if having(row) {
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(rows, less)
	rows = q.window(rows)
	for _, row := range rows {
		for _, o := range hidden {
			delete(row, o.name)
		}
	}
	result := &Result{TotalSize: len(rows), Rows: rows, Aggregate: true}
	for _, o := range outputs {
		result.Fields = append(result.Fields, SelectedField{Path: []string{o.name}})
	}
	return result, nil
}

func (b *binder) groupKeys() ([]column, error) {
	keys := make([]column, 0, len(b.query.groupBy))
	for _, ref := range b.query.groupBy {
		c, err := b.resolve(ref)
		if err != nil {
			return nil, err
		}
		if !c.field.Groupable {
			return nil, b.refuseUse(c, ref.pos, "grouped")
		}
		keys = append(keys, c)
	}
	return keys, nil
}

// outputs names and resolves the select list. Aggregates without an alias are
// expr0, expr1 and so on.
func (b *binder) outputs(keys []column) ([]output, error) {
	q := b.query
	var outputs []output
	unnamed := 0
	for _, item := range q.items {
		if item.function == "FIELDS" {
			return nil, q.text.refuse(malformedQuery, item.pos,
				"The SOQL FIELDS function is not supported in an aggregate query") // [invented]
		}
		value, err := b.groupValue(item.operand, keys)
		if err != nil {
			return nil, err
		}
		name := item.alias
		switch {
		case name != "":
		case item.function != "":
			name = "expr" + strconv.Itoa(unnamed)
			unnamed++
		default:
			c, err := b.resolve(item.field)
			if err != nil {
				return nil, err
			}
			name = c.path[len(c.path)-1]
		}
		if slices.ContainsFunc(outputs, func(o output) bool { return strings.EqualFold(o.name, name) }) {
			return nil, q.text.refuse(malformedQuery, item.pos, "duplicate alias: "+name) // [R]
		}
		outputs = append(outputs, output{name, value})
	}
	return outputs, nil
}

// groupValue resolves an operand to its value over a group of rows.
func (b *binder) groupValue(o operand, keys []column) (func([]Row) any, error) {
	if o.function == "COUNT" && o.field.names == nil {
		return nil, b.query.text.refuse(malformedQuery, o.pos,
			"COUNT() must be the only element in the SELECT list") // [invented]; the rule is documented
	}
	c, err := b.resolve(o.field)
	if err != nil {
		return nil, err
	}
	if o.function == "" {
		if !slices.ContainsFunc(keys, func(key column) bool { return key.name() == c.name() }) {
			return nil, b.query.text.refuse(malformedQuery, o.pos,
				"Field must be grouped or aggregated: "+c.name()) // [R]
		}
		return func(group []Row) any { return c.value(group[0]) }, nil
	}
	long := strings.EqualFold(c.field.Type, "textarea") || strings.EqualFold(c.field.Type, "base64")
	summing := o.function == "SUM" || o.function == "AVG"
	ranging := o.function == "MIN" || o.function == "MAX"
	if long || summing && c.field.kind() != kindNumber || ranging && c.field.kind() == kindBoolean {
		return nil, b.query.text.refuse(invalidField, o.pos,
			"field "+c.field.Name+" does not support aggregate operator "+o.function) // [R]
	}
	return func(group []Row) any { return fold(o.function, group, c) }, nil
}

// fold applies an aggregate function to the values that are not null.
func fold(function string, group []Row, c column) any {
	var values []any
	for _, row := range group {
		if value := c.value(row); !isNull(value) {
			values = append(values, value)
		}
	}
	switch function {
	case "COUNT":
		return int64(len(values))
	case "COUNT_DISTINCT":
		slices.SortStableFunc(values, c.field.compare)
		return int64(len(slices.CompactFunc(values, func(x, y any) bool { return c.field.compare(x, y) == 0 })))
	}
	if len(values) == 0 {
		return nil
	}
	switch function {
	case "MIN":
		return slices.MinFunc(values, c.field.compare)
	case "MAX":
		return slices.MaxFunc(values, c.field.compare)
	}
	sum := 0.0
	for _, value := range values {
		n, _ := number(value)
		sum += n
	}
	if function == "AVG" {
		sum /= float64(len(values))
	}
	return sum
}

// groups splits rows by their keys, in order of first appearance. Without
// keys there is one group of all rows, which may be empty.
func groups(rows []Row, keys []column) [][]Row {
	if len(keys) == 0 {
		return [][]Row{rows}
	}
	index := map[string]int{}
	var groups [][]Row
	for _, row := range rows {
		var id strings.Builder
		for _, key := range keys {
			value := key.value(row)
			if text, ok := value.(string); ok && key.field.kind() == kindString {
				value = strings.ToLower(text)
			}
			fmt.Fprintf(&id, "%T%q,", value, fmt.Sprint(value))
		}
		i, ok := index[id.String()]
		if !ok {
			i = len(groups)
			index[id.String()] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], row)
	}
	return groups
}
