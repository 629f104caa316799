package soql

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// binder checks a query against a schema and turns it into functions over
// rows.
type binder struct {
	query  *Query
	schema Schema
	rows   func(object string) []Row
	now    time.Time
	object *Object
}

// column is a resolved operand: where its value is in a row and what it is.
type column struct {
	path  []string // canonical
	field *Field
	value func(Row) any
}

func (c column) name() string { return strings.Join(c.path, ".") }

func (b *binder) isAggregate() bool {
	return len(b.query.groupBy) > 0 || slices.ContainsFunc(b.query.items, func(item selectItem) bool {
		return item.function != "" && item.function != "FIELDS"
	})
}

// resolve finds the field that a path names. The path may begin with the
// object's alias or its own name.
func (b *binder) resolve(ref fieldRef) (column, error) {
	names := ref.names
	if len(names) > 1 {
		_, _, parent := b.object.relationship(names[0])
		if b.query.alias != "" && strings.EqualFold(names[0], b.query.alias) ||
			!parent && strings.EqualFold(names[0], b.object.Name) {
			names = names[1:]
		}
	}
	if len(names) > maxRelationship+1 {
		return column{}, b.query.text.refuse(invalidField, ref.pos,
			"field path "+ref.String()+" follows more than "+strconv.Itoa(maxRelationship)+" relationships") // [invented]
	}
	object := b.object
	var path []string
	for _, relationship := range names[:len(names)-1] {
		canonical, parent, ok := object.relationship(relationship)
		if !ok {
			return column{}, b.query.text.refuse(invalidField, ref.pos,
				"Didn't understand relationship '"+relationship+"' in field path. If you are attempting to use a "+
					"custom relationship, be sure to append the '__r' after the custom relationship name. Please "+
					"reference your WSDL or the describe call for the appropriate names.") // [R]
		}
		path, object = append(path, canonical), parent
	}
	last := names[len(names)-1]
	field, ok := object.field(last)
	if !ok {
		return column{}, b.query.text.refuse(invalidField, ref.pos,
			"No such column '"+last+"' on sobject of type "+object.Name) // [C]
	}
	path = append(path, field.Name)
	return column{path: path, field: field, value: func(row Row) any { return lookup(row, path) }}, nil
}

// lookup follows a path of relationships to a value. A null parent gives null.
func lookup(row Row, path []string) any {
	for _, relationship := range path[:len(path)-1] {
		parent, ok := row[relationship].(Row)
		if !ok {
			return nil
		}
		row = parent
	}
	return row[path[len(path)-1]]
}

func (b *binder) filterOperand(o operand) (column, error) {
	if o.function != "" {
		return column{}, b.query.text.refuse(malformedQuery, o.pos,
			"aggregate function "+o.function+" is not allowed in a WHERE clause") // [invented]
	}
	c, err := b.resolve(o.field)
	if err == nil && !c.field.Filterable {
		return column{}, b.refuseUse(c, o.pos, "filtered")
	}
	return c, err
}

func (b *binder) sortOperand(o operand) (column, error) {
	if o.function != "" {
		return column{}, b.query.text.refuse(malformedQuery, o.pos,
			"ORDER BY "+o.function+" needs an aggregate query") // [invented]
	}
	c, err := b.resolve(o.field)
	if err == nil && !c.field.Sortable {
		return column{}, b.refuseUse(c, o.pos, "sorted")
	}
	return c, err
}

// refuseUse is the refusal of a field in a clause that its properties exclude
// it from [D for the wording].
func (b *binder) refuseUse(c column, pos int, use string) *Error {
	return b.query.text.refuse(invalidField, pos, "field '"+c.field.Name+"' can not be "+use+" in a query call")
}

// columns resolves the select list of a query without aggregates.
func (b *binder) columns() ([]SelectedField, error) {
	q := b.query
	var columns []SelectedField
	seen := map[string]bool{}
	add := func(path []string, pos int) error {
		name := strings.Join(path, ".")
		if seen[name] {
			return q.text.refuse(invalidField, pos, "duplicate field selected: "+name) // [R]
		}
		seen[name] = true
		columns = append(columns, SelectedField{Path: path})
		return nil
	}
	for _, item := range q.items {
		if item.function == "FIELDS" {
			fields, err := b.fieldSet(item)
			if err != nil {
				return nil, err
			}
			for _, field := range fields {
				if err := add([]string{field}, item.pos); err != nil {
					return nil, err
				}
			}
			continue
		}
		if item.alias != "" {
			return nil, q.text.refuse(malformedQuery, item.pos, "only aggregate expressions use field aliasing") // [R]
		}
		c, err := b.resolve(item.field)
		if err != nil {
			return nil, err
		}
		if err := add(c.path, item.pos); err != nil {
			return nil, err
		}
	}
	return columns, nil
}

// fieldSet expands FIELDS(ALL), FIELDS(STANDARD) or FIELDS(CUSTOM).
func (b *binder) fieldSet(item selectItem) ([]string, error) {
	q := b.query
	set := item.set.text
	if set != "ALL" && set != "STANDARD" && set != "CUSTOM" || len(item.field.names) > 1 {
		return nil, q.text.refuse(malformedQuery, item.set.pos, "unexpected token: '"+item.field.String()+"'")
	}
	if set != "STANDARD" && (q.limit == nil || q.limit.value > maxFieldsLimit) {
		return nil, &Error{
			Code: malformedQuery,
			Message: "The SOQL FIELDS function must have a LIMIT of at most " +
				strconv.Itoa(maxFieldsLimit), // [R]
		}
	}
	var names []string
	for _, field := range b.object.Fields {
		if custom := strings.HasSuffix(field.Name, "__c"); set == "ALL" || custom == (set == "CUSTOM") {
			names = append(names, field.Name)
		}
	}
	if names == nil {
		return nil, q.text.refuse(malformedQuery, item.pos,
			"FIELDS("+set+") selects no field of "+b.object.Name) // [invented]
	}
	return names, nil
}

// order makes a comparison of rows out of ORDER BY. Nulls come first unless
// the query says otherwise [D].
func (b *binder) order(orderings []ordering, resolve func(operand) (column, error)) (func(x, y Row) int, error) {
	keys := make([]func(x, y Row) int, 0, len(orderings))
	for _, o := range orderings {
		c, err := resolve(o.operand)
		if err != nil {
			return nil, err
		}
		keys = append(keys, func(x, y Row) int {
			left, right := c.value(x), c.value(y)
			leftNull, rightNull := isNull(left), isNull(right)
			switch {
			case leftNull && rightNull:
				return 0
			case leftNull || rightNull:
				if leftNull != o.nullsLast {
					return -1
				}
				return 1
			}
			sign := c.field.compare(left, right)
			if o.down {
				return -sign
			}
			return sign
		})
	}
	return func(x, y Row) int {
		for _, key := range keys {
			if sign := key(x, y); sign != 0 {
				return sign
			}
		}
		return 0
	}, nil
}

// condition makes a predicate out of a condition. resolve says what operands
// may stand in it.
func (b *binder) condition(c condition, resolve func(operand) (column, error)) (func(Row) bool, error) {
	switch c := c.(type) {
	case logical:
		terms := make([]func(Row) bool, 0, len(c.terms))
		for _, term := range c.terms {
			test, err := b.condition(term, resolve)
			if err != nil {
				return nil, err
			}
			terms = append(terms, test)
		}
		return func(row Row) bool {
			for _, test := range terms {
				if test(row) == c.or {
					return c.or
				}
			}
			return !c.or
		}, nil
	case negation:
		test, err := b.condition(c.term, resolve)
		if err != nil {
			return nil, err
		}
		return func(row Row) bool { return !test(row) }, nil
	case comparison:
		left, err := resolve(c.operand)
		if err != nil {
			return nil, err
		}
		return b.comparison(c, left)
	}
	return nil, errors.New("soql: condition of an unknown kind")
}

func (b *binder) comparison(c comparison, left column) (func(Row) bool, error) {
	if c.subquery != nil {
		return b.semiJoin(c, left)
	}
	tests := make([]func(any) bool, 0, len(c.values))
	for _, value := range c.values {
		test, err := b.test(c, left, value)
		if err != nil {
			return nil, err
		}
		tests = append(tests, test)
	}
	negated := c.operator == "NOT IN"
	return func(row Row) bool {
		value := left.value(row)
		for _, test := range tests {
			if test(value) {
				return !negated
			}
		}
		return negated
	}, nil
}

// semiJoin evaluates IN (SELECT ...) once.
func (b *binder) semiJoin(c comparison, left column) (func(Row) bool, error) {
	inner := c.subquery
	sub := binder{query: inner, schema: b.schema, rows: b.rows, now: b.now}
	if left.field.kind() != kindID {
		return nil, b.query.text.refuse(malformedQuery, c.pos,
			"The left operand of a semi-join must be an id or a reference: "+left.name()) // [invented]
	}
	if len(inner.items) != 1 || inner.items[0].function != "" {
		return nil, b.query.text.refuse(malformedQuery, inner.items[0].pos,
			"a semi-join sub-select must select exactly one field") // [invented]
	}
	result, err := sub.run()
	if err != nil {
		return nil, err
	}
	selected, err := sub.resolve(inner.items[0].field)
	if err != nil {
		return nil, err
	}
	if selected.field.kind() != kindID {
		return nil, b.query.text.refuse(malformedQuery, inner.items[0].pos,
			"the field of a semi-join sub-select must be an id or a reference: "+selected.name()) // [invented]
	}
	found := map[string]bool{}
	for _, row := range result.Rows {
		if id, ok := selected.value(row).(string); ok {
			found[id15(id)] = true
		}
	}
	negated := c.operator == "NOT IN"
	return func(row Row) bool {
		id, _ := left.value(row).(string)
		return found[id15(id)] != negated
	}, nil
}
