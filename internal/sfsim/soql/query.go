// Package soql reads and evaluates the Salesforce Object Query Language over
// rows held in memory. It is the query engine of the simulator and shares no
// code with the provider's client.
//
// The grammar covers field lists, FIELDS(), COUNT() and the aggregate
// functions, relationship paths, WHERE with every comparison operator, date
// literals and semi-joins, GROUP BY, HAVING, ORDER BY, LIMIT and OFFSET.
// Parent-to-child subqueries, TYPEOF, scalar functions such as toLabel(), and
// multi-select picklists are refused, never ignored.
//
// If a source gives the words of a refusal they are used as they
// stand. Wordings remembered from Salesforce but not documented are marked
// [R], and those made up for this package [invented].
package soql

import (
	"slices"
	"strings"
	"time"
)

// Limits of a query. maxLength and maxFieldsLimit are Salesforce's own, the
// others bound the work that a hostile query can cause.
const (
	maxLength       = 100_000 // characters in a query [D]
	maxFieldsLimit  = 200     // LIMIT that FIELDS(ALL) needs [R]
	maxOffset       = 2000    // [R]
	maxNesting      = 50      // open parentheses and NOTs
	maxRelationship = 5       // parents in one field path [R]
)

// Field describes one field of an object.
type Field struct {
	// Name is the canonical spelling, as replies carry it.
	Name string
	// Type is one of id, string, textarea, int, double, boolean, datetime,
	// date, picklist, reference and base64; any other is read as string.
	Type string

	Filterable, Sortable, Groupable, Nillable bool

	Label string
}

// Object describes one queryable object.
type Object struct {
	Name   string
	Fields []Field
	// Relationships maps the name of a parent relationship, such as CreatedBy,
	// to the object it leads to.
	Relationships map[string]*Object
}

func (o *Object) field(name string) (*Field, bool) {
	for i := range o.Fields {
		if strings.EqualFold(o.Fields[i].Name, name) {
			return &o.Fields[i], true
		}
	}
	return nil, false
}

func (o *Object) relationship(name string) (string, *Object, bool) {
	for canonical, parent := range o.Relationships {
		if strings.EqualFold(canonical, name) {
			return canonical, parent, true
		}
	}
	return "", nil, false
}

// Schema finds objects by name, ignoring case.
type Schema interface {
	Object(name string) (*Object, bool)
}

// Row is one record: canonical field names to string, int64, float64, bool,
// time.Time or nil, and relationship names to Row or nil.
type Row map[string]any

// Query is a parsed query. It is immutable and may be run concurrently.
type Query struct {
	text    source
	items   []selectItem
	object  name
	alias   string
	where   condition
	groupBy []fieldRef
	having  condition
	orderBy []ordering
	limit   *count
	offset  *count
}

// Limited is whether the query has a LIMIT.
func (q *Query) Limited() bool { return q.limit != nil }

// Object returns the name of the queried object as the query spells it.
func (q *Query) Object() string { return q.object.text }

// SelectedField is one column of a result.
type SelectedField struct {
	// Path holds canonical names from the queried object down to the field,
	// such as {"CreatedBy", "Name"}. In an aggregate result it holds the one
	// alias or generated name (expr0, expr1, ...).
	Path []string
}

// Result is what a query yields.
type Result struct {
	// Count says that the query was SELECT COUNT(): TotalSize is the answer
	// and there are no rows.
	Count     bool
	TotalSize int
	Fields    []SelectedField
	// Rows are the matching rows as they were given, not cut down to Fields;
	// in an aggregate result they are new rows with one value for each field.
	Rows []Row
	// Aggregate says that the rows are of type AggregateResult.
	Aggregate bool
}

// Run checks the query against the schema and evaluates it over the rows of
// its object, which it leaves as they are. Date literals such as TODAY are
// taken in UTC at now. Without ORDER BY the rows keep their order. A refusal
// is an *Error.
func (q *Query) Run(schema Schema, rows func(object string) []Row, now time.Time) (*Result, error) {
	b := binder{query: q, schema: schema, rows: rows, now: now.UTC()}
	return b.run()
}

func (b *binder) run() (*Result, error) {
	q := b.query
	object, ok := b.schema.Object(q.object.text)
	if !ok {
		return nil, q.text.refuse(invalidType, q.object.pos,
			"sObject type '"+q.object.text+"' is not supported. If you are attempting to use a custom object, "+
				"be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call "+
				"for the appropriate names.")
	}
	b.object = object

	matches := func(Row) bool { return true }
	if q.where != nil {
		var err error
		if matches, err = b.condition(q.where, b.filterOperand); err != nil {
			return nil, err
		}
	}
	counting := len(q.items) == 1 && q.items[0].function == "COUNT" && q.items[0].field.names == nil
	switch {
	case counting:
		return b.count(matches)
	case b.isAggregate():
		return b.aggregate(matches)
	case q.having != nil:
		return nil, q.text.refuse(malformedQuery, q.having.position(),
			"having clause requires group by") // [invented]
	}

	columns, err := b.columns()
	if err != nil {
		return nil, err
	}
	less, err := b.order(q.orderBy, b.sortOperand)
	if err != nil {
		return nil, err
	}
	found := b.filter(matches)
	slices.SortStableFunc(found, less)
	found = q.window(found)
	return &Result{TotalSize: len(found), Fields: columns, Rows: found}, nil
}

// count answers SELECT COUNT().
func (b *binder) count(matches func(Row) bool) (*Result, error) {
	q := b.query
	switch {
	case len(q.groupBy) > 0:
		return nil, q.text.refuse(malformedQuery, q.groupBy[0].pos,
			"grouped query cannot use COUNT() without a field") // [invented]
	case len(q.orderBy) > 0:
		return nil, q.text.refuse(malformedQuery, q.orderBy[0].operand.position(),
			"COUNT() cannot be used with ORDER BY") // [invented]; the rule is documented
	}
	return &Result{Count: true, TotalSize: len(q.window(b.filter(matches)))}, nil
}

func (b *binder) filter(matches func(Row) bool) []Row {
	var found []Row
	for _, row := range b.rows(b.object.Name) {
		if matches(row) {
			found = append(found, row)
		}
	}
	return found
}

// window applies OFFSET and LIMIT.
func (q *Query) window(rows []Row) []Row {
	if q.offset != nil {
		rows = rows[min(q.offset.value, len(rows)):]
	}
	if q.limit != nil {
		rows = rows[:min(q.limit.value, len(rows))]
	}
	return rows
}
