package soql

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// name is a name in the query and its place.
type name struct {
	text string
	pos  int
}

// fieldRef is a field as written: relationship names, then the field's.
type fieldRef struct {
	names []string
	pos   int
}

func (f fieldRef) String() string { return strings.Join(f.names, ".") }

// operand is a field, or an aggregate function over one.
type operand struct {
	function string // upper case; "" for a plain field
	field    fieldRef
	pos      int
}

func (o operand) position() int { return o.pos }

// selectItem is an operand with an alias, or FIELDS(set).
type selectItem struct {
	operand
	alias string
	set   name // of FIELDS: ALL, STANDARD or CUSTOM
}

type ordering struct {
	operand   operand
	down      bool
	nullsLast bool
}

// count is the number of a LIMIT or OFFSET.
type count struct{ value, pos int }

type condition interface{ position() int }

// logical joins terms by AND or by OR.
type logical struct {
	or    bool
	terms []condition
}

func (l logical) position() int { return l.terms[0].position() }

type negation struct {
	term condition
	pos  int
}

func (n negation) position() int { return n.pos }

// comparison tests an operand. operator is upper case: =, !=, <, >, <=, >=,
// LIKE, IN or NOT IN; the last two have values or a subquery.
type comparison struct {
	operand
	operator string
	values   []literal
	subquery *Query
}

type literalKind int

const (
	literalString literalKind = iota
	literalNumber
	literalBoolean
	literalNull
	literalDate
	literalDateTime
	literalPeriod // TODAY, LAST_N_DAYS:n, ...
)

type literal struct {
	kind    literalKind
	pos     int
	pattern pattern
	number  float64
	boolean bool
	time    time.Time
	period  period
}

type parser struct {
	lexer
	token token // the next one
	depth int
}

// Parse reads a query. A refusal is an *Error with code MALFORMED_QUERY
// (or NUMBER_OUTSIDE_VALID_RANGE for an OFFSET over 2000).
func Parse(text string) (*Query, error) {
	runes := source(text)
	if len(runes) > maxLength {
		return nil, &Error{
			Code:    malformedQuery,
			Message: fmt.Sprintf("SOQL statements cannot be longer than %d characters.", maxLength), // [R]
		}
	}
	p := parser{lexer: lexer{text: runes}}
	if err := p.advance(); err != nil {
		return nil, err
	}
	q, err := p.query(false)
	if err != nil {
		return nil, err
	}
	if p.token.kind != tokenEnd {
		return nil, p.unexpected()
	}
	return q, nil
}

func (p *parser) advance() error {
	next, err := p.next()
	if err != nil {
		return err
	}
	p.token = next
	return nil
}

// accept consumes the word or symbol if it is next.
func (p *parser) accept(word string) (bool, error) {
	if !p.token.is(word) {
		return false, nil
	}
	return true, p.advance()
}

func (p *parser) expect(words ...string) error {
	for _, word := range words {
		ok, err := p.accept(word)
		if err != nil {
			return err
		}
		if !ok {
			return p.unexpected()
		}
	}
	return nil
}

// unexpected refuses the next token [C for the wording].
func (p *parser) unexpected() *Error {
	return p.text.refuse(malformedQuery, p.token.pos, "unexpected token: '"+p.token.shown()+"'")
}

// enter counts a level of nesting.
func (p *parser) enter() error {
	if p.depth++; p.depth > maxNesting {
		return p.text.refuse(malformedQuery, p.token.pos,
			fmt.Sprintf("conditions are nested more than %d levels deep", maxNesting)) // [invented]
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

func (p *parser) query(nested bool) (*Query, error) {
	q := &Query{text: p.text}
	if err := p.expect("SELECT"); err != nil {
		return nil, err
	}
	for {
		item, err := p.selectItem()
		if err != nil {
			return nil, err
		}
		q.items = append(q.items, item)
		more, err := p.accept(",")
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	if err := p.expect("FROM"); err != nil {
		return nil, err
	}
	if p.token.kind != tokenName {
		return nil, p.unexpected()
	}
	q.object = name{p.token.text, p.token.pos}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if err := p.alias(q); err != nil {
		return nil, err
	}
	if err := p.clauses(q, nested); err != nil {
		return nil, err
	}
	return q, nil
}

// alias reads the name that may follow the object's.
func (p *parser) alias(q *Query) error {
	if p.token.kind != tokenName || p.token.isReserved() {
		return nil
	}
	if slices.ContainsFunc([]string{"ORDER", "OFFSET", "FOR", "ALL"}, p.token.is) {
		return nil
	}
	if as, err := p.accept("AS"); as || err != nil {
		if err == nil {
			err = p.unexpected()
		}
		return err
	}
	q.alias = p.token.text
	return p.advance()
}

func (p *parser) clauses(q *Query, nested bool) error {
	var err error
	if p.token.is("WHERE") {
		if q.where, err = p.conditionClause(); err != nil {
			return err
		}
	}
	if nested {
		return nil
	}
	if ok, err := p.accept("GROUP"); err != nil {
		return err
	} else if ok {
		if err := p.expect("BY"); err != nil {
			return err
		}
		if q.groupBy, err = p.fieldRefs(); err != nil {
			return err
		}
	}
	if p.token.is("HAVING") {
		if q.having, err = p.conditionClause(); err != nil {
			return err
		}
	}
	if ok, err := p.accept("ORDER"); err != nil {
		return err
	} else if ok {
		if err := p.expect("BY"); err != nil {
			return err
		}
		if q.orderBy, err = p.orderings(); err != nil {
			return err
		}
	}
	if q.limit, err = p.countClause("LIMIT"); err != nil {
		return err
	}
	if q.offset, err = p.countClause("OFFSET"); err != nil {
		return err
	}
	if q.offset != nil && q.offset.value > maxOffset {
		return p.text.refuse(numberOutOfRange, q.offset.pos,
			fmt.Sprintf("Maximum SOQL offset allowed is %d", maxOffset)) // [R]
	}
	return p.suffixes()
}

// suffixes reads FOR VIEW and FOR REFERENCE, which do not change the answer,
// and refuses ALL ROWS, which REST calls cannot use (queryAll is its place).
func (p *parser) suffixes() error {
	for p.token.is("FOR") {
		if err := p.advance(); err != nil {
			return err
		}
		if !p.token.is("VIEW") && !p.token.is("REFERENCE") {
			return p.unexpected()
		}
		if err := p.advance(); err != nil {
			return err
		}
	}
	if p.token.is("ALL") {
		return p.text.refuse(malformedQuery, p.token.pos, "ALL ROWS not allowed in this context") // [R]
	}
	return nil
}

func (p *parser) countClause(keyword string) (*count, error) {
	if ok, err := p.accept(keyword); err != nil || !ok {
		return nil, err
	}
	if p.token.kind != tokenNumber {
		return nil, p.unexpected()
	}
	value, err := strconv.ParseUint(p.token.text, 10, 31)
	if err != nil {
		return nil, p.unexpected()
	}
	at := &count{int(value), p.token.pos}
	return at, p.advance()
}

func (p *parser) selectItem() (selectItem, error) {
	if p.token.is("(") {
		return selectItem{}, p.text.refuse(malformedQuery, p.token.pos,
			"parent-to-child subqueries are not supported by the simulator") // [invented]
	}
	if p.token.is("TYPEOF") {
		return selectItem{}, p.text.refuse(malformedQuery, p.token.pos,
			"TYPEOF is not supported by the simulator") // [invented]
	}
	o, err := p.operand(true)
	if err != nil {
		return selectItem{}, err
	}
	item := selectItem{operand: o}
	if o.function == "FIELDS" {
		item.set = name{strings.ToUpper(o.field.names[0]), o.field.pos}
		return item, nil
	}
	if p.token.kind == tokenName && !p.token.isReserved() {
		item.alias = p.token.text
		return item, p.advance()
	}
	return item, nil
}

// operand reads a field or FUNCTION(field); COUNT() has none, and FIELDS()
// is known in a select list only.
func (p *parser) operand(selecting bool) (operand, error) {
	pos := p.token.pos
	ref, err := p.fieldRef()
	if err != nil {
		return operand{}, err
	}
	if !p.token.is("(") {
		return operand{field: ref, pos: pos}, nil
	}
	function := strings.ToUpper(ref.String())
	switch {
	case function == "COUNT", function == "COUNT_DISTINCT", function == "MIN", function == "MAX",
		function == "SUM", function == "AVG", function == "FIELDS" && selecting:
	default:
		return operand{}, p.text.refuse(malformedQuery, pos,
			"function '"+ref.String()+"' is not supported by the simulator") // [invented]
	}
	if err := p.advance(); err != nil {
		return operand{}, err
	}
	if p.token.is(")") && function == "COUNT" && selecting {
		return operand{function: function, pos: pos}, p.advance()
	}
	o := operand{function: function, pos: pos}
	if o.field, err = p.fieldRef(); err != nil {
		return operand{}, err
	}
	return o, p.expect(")")
}

func (p *parser) fieldRef() (fieldRef, error) {
	ref := fieldRef{pos: p.token.pos}
	for {
		if p.token.kind != tokenName || p.token.isReserved() {
			return fieldRef{}, p.unexpected()
		}
		ref.names = append(ref.names, p.token.text)
		if err := p.advance(); err != nil {
			return fieldRef{}, err
		}
		more, err := p.accept(".")
		if err != nil || !more {
			return ref, err
		}
	}
}

func (p *parser) fieldRefs() ([]fieldRef, error) {
	var refs []fieldRef
	for {
		ref, err := p.fieldRef()
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
		more, err := p.accept(",")
		if err != nil || !more {
			return refs, err
		}
	}
}

func (p *parser) orderings() ([]ordering, error) {
	var orderings []ordering
	for {
		o, err := p.ordering()
		if err != nil {
			return nil, err
		}
		orderings = append(orderings, o)
		more, err := p.accept(",")
		if err != nil || !more {
			return orderings, err
		}
	}
}

func (p *parser) ordering() (ordering, error) {
	field, err := p.operand(false)
	if err != nil {
		return ordering{}, err
	}
	o := ordering{operand: field}
	switch {
	case p.token.is("ASC"):
		err = p.advance()
	case p.token.is("DESC"):
		o.down = true
		err = p.advance()
	}
	if err != nil {
		return ordering{}, err
	}
	nulls, err := p.accept("NULLS")
	if err != nil || !nulls {
		return o, err
	}
	switch {
	case p.token.is("FIRST"):
	case p.token.is("LAST"):
		o.nullsLast = true
	default:
		return ordering{}, p.unexpected()
	}
	return o, p.advance()
}

func (p *parser) conditionClause() (condition, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	return p.condition()
}

// condition reads terms joined by one kind of operator: mixing AND with OR
// needs parentheses, and so does NOT after either of them [C
// jetstreamapp/soql-parser-js#201].
func (p *parser) condition() (condition, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	var first condition
	var err error
	if p.token.is("NOT") {
		pos := p.token.pos
		if err := p.advance(); err != nil {
			return nil, err
		}
		term, err := p.term()
		if err != nil {
			return nil, err
		}
		first = negation{term, pos}
	} else if first, err = p.term(); err != nil {
		return nil, err
	}

	joined := logical{or: p.token.is("OR"), terms: []condition{first}}
	keyword := "AND"
	if joined.or {
		keyword = "OR"
	}
	for {
		more, err := p.accept(keyword)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		term, err := p.term()
		if err != nil {
			return nil, err
		}
		joined.terms = append(joined.terms, term)
	}
	if p.token.is("AND") || p.token.is("OR") {
		return nil, p.unexpected()
	}
	if len(joined.terms) == 1 {
		return first, nil
	}
	return joined, nil
}

func (p *parser) term() (condition, error) {
	parenthesis, err := p.accept("(")
	if err != nil {
		return nil, err
	}
	if parenthesis {
		inner, err := p.condition()
		if err != nil {
			return nil, err
		}
		return inner, p.expect(")")
	}
	return p.comparison()
}

func (p *parser) comparison() (condition, error) {
	left, err := p.operand(false)
	if err != nil {
		return nil, err
	}
	c := comparison{operand: left, operator: strings.ToUpper(p.token.text)}
	switch {
	case p.token.is("NOT"):
		if err := p.expect("NOT"); err != nil {
			return nil, err
		}
		if !p.token.is("IN") {
			return nil, p.unexpected()
		}
		c.operator = "NOT IN"
		return p.membership(c)
	case p.token.is("IN"):
		return p.membership(c)
	case p.token.is("INCLUDES"), p.token.is("EXCLUDES"):
		return nil, p.text.refuse(invalidFilterOperator, left.pos,
			"'"+c.operator+"' operator only valid for multi-select picklist fields") // [R]
	case p.token.is("LIKE"):
	case p.token.kind == tokenSymbol && strings.ContainsAny(p.token.text, "=<>"):
	default:
		return nil, p.unexpected()
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	value, err := p.literal()
	if err != nil {
		return nil, err
	}
	if c.operator == "LIKE" && value.kind != literalString {
		return nil, p.text.refuse(malformedQuery, value.pos, "LIKE requires a string in quotes") // [invented]
	}
	c.values = []literal{value}
	return c, nil
}

// membership reads the list or the subquery of IN and NOT IN.
func (p *parser) membership(c comparison) (condition, error) {
	if err := p.expect("IN"); err != nil {
		return nil, err
	}
	if p.token.is(":") {
		_, err := p.literal()
		return nil, err
	}
	if err := p.expect("("); err != nil {
		return nil, err
	}
	if p.token.is("SELECT") {
		if err := p.enter(); err != nil {
			return nil, err
		}
		defer p.leave()
		var err error
		if c.subquery, err = p.query(true); err != nil {
			return nil, err
		}
		return c, p.expect(")")
	}
	for {
		value, err := p.literal()
		if err != nil {
			return nil, err
		}
		c.values = append(c.values, value)
		more, err := p.accept(",")
		if err != nil {
			return nil, err
		}
		if !more {
			return c, p.expect(")")
		}
	}
}

func (p *parser) literal() (literal, error) {
	v := literal{pos: p.token.pos}
	switch {
	case p.token.is(":"):
		return v, p.text.refuse(malformedQuery, v.pos, "Bind variables only allowed in Apex code") // [R]
	case p.token.kind == tokenString:
		var err error
		if v.pattern, err = unescape(p.token.text); err != nil {
			return v, p.text.refuse(malformedQuery, v.pos, err.Error()) // [R]
		}
	case p.token.kind == tokenNumber:
		v.kind = literalNumber
		number, err := strconv.ParseFloat(p.token.text, 64)
		if err != nil || math.IsInf(number, 0) {
			return v, p.unexpected()
		}
		v.number = number
	case p.token.kind == tokenDate:
		v.kind, v.time = literalDate, p.token.time
	case p.token.kind == tokenDateTime:
		v.kind, v.time = literalDateTime, p.token.time
	case p.token.is("TRUE"), p.token.is("FALSE"):
		v.kind, v.boolean = literalBoolean, p.token.is("TRUE")
	case p.token.is("NULL"):
		v.kind = literalNull
	case p.token.kind == tokenName && isPeriod(p.token.text):
		v.kind = literalPeriod
		return p.period(v)
	default:
		return v, p.unexpected()
	}
	return v, p.advance()
}

// period reads a date literal and the number that those with _N_ need.
func (p *parser) period(v literal) (literal, error) {
	v.period.name = strings.ToUpper(p.token.text)
	if err := p.advance(); err != nil {
		return v, err
	}
	if !v.period.takesNumber() {
		return v, nil
	}
	if err := p.expect(":"); err != nil {
		return v, err
	}
	if p.token.kind != tokenNumber {
		return v, p.unexpected()
	}
	n, err := strconv.Atoi(p.token.text)
	if err != nil || n < 0 || n > maxPeriods {
		return v, p.unexpected()
	}
	v.period.n = n
	return v, p.advance()
}
