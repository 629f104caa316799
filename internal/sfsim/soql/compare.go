package soql

import (
	"cmp"
	"strings"
	"time"
	"unicode"
)

// kind is what a field's values are to the operators.
type kind int

const (
	kindString kind = iota
	kindID
	kindNumber
	kindBoolean
	kindDate
	kindDateTime
)

func (f *Field) kind() kind {
	switch strings.ToLower(f.Type) {
	case "id", "reference":
		return kindID
	case "int", "long", "double", "currency", "percent":
		return kindNumber
	case "boolean":
		return kindBoolean
	case "date":
		return kindDate
	case "datetime":
		return kindDateTime
	}
	return kindString
}

// typeName is the type as refusals spell it.
func (f *Field) typeName() string {
	switch f.kind() {
	case kindString:
		return "string"
	case kindDateTime:
		return "dateTime"
	}
	return strings.ToLower(f.Type)
}

// takes reports whether a literal can stand against the field.
func (f *Field) takes(v literalKind) bool {
	switch f.kind() {
	case kindString, kindID:
		return v == literalString
	case kindNumber:
		return v == literalNumber
	case kindBoolean:
		return v == literalBoolean
	case kindDate:
		return v == literalDate || v == literalPeriod
	case kindDateTime:
		return v == literalDateTime || v == literalPeriod
	}
	return false
}

// test makes the test of one literal. Null equals null only, differs from
// every value, and is neither less nor greater than any.
func (b *binder) test(c comparison, left column, v literal) (func(any) bool, error) {
	field := left.field
	if v.kind == literalNull {
		return testNull(c.operator), nil
	}
	if !field.takes(v.kind) {
		quotes := "should not be enclosed in quotes"
		if field.takes(literalString) {
			quotes = "should be enclosed in quotes"
		}
		return nil, b.query.text.refuse(invalidField, v.pos, "value of filter criterion for field '"+field.Name+
			"' must be of type "+field.typeName()+" and "+quotes) // [R]
	}
	ordered := strings.ContainsAny(c.operator, "<>")
	switch {
	case c.operator == "LIKE" && field.kind() != kindString,
		ordered && field.kind() == kindBoolean:
		return nil, b.query.text.refuse(invalidFilterOperator, c.pos,
			"invalid operator on "+field.typeName()+" field") // [R]
	case c.operator == "LIKE":
		return func(value any) bool {
			text, ok := value.(string)
			return ok && like(text, v.pattern)
		}, nil
	case v.kind == literalPeriod:
		start, end := v.period.span(b.now)
		return testSpan(c.operator, start, end), nil
	}
	var want any
	switch v.kind {
	case literalString:
		text := v.pattern.text()
		if text == "" && !ordered {
			return testNull(c.operator), nil
		}
		if field.kind() == kindID {
			if text != "" && !isID(text) {
				return nil, b.query.text.refuse(invalidFilterOperator, v.pos, "invalid ID field: "+text) // [R]
			}
			return testID(c.operator, text), nil
		}
		want = text
	case literalNumber:
		want = v.number
	case literalBoolean:
		want = v.boolean
	default:
		want = v.time
	}
	return func(value any) bool {
		if isNull(value) {
			return c.operator == "!="
		}
		sign, ok := compare(value, want)
		return ok && holds(c.operator, sign)
	}, nil
}

// holds reports whether a comparison with the given sign satisfies operator.
func holds(operator string, sign int) bool {
	switch operator {
	case "!=":
		return sign != 0
	case "<":
		return sign < 0
	case ">":
		return sign > 0
	case "<=":
		return sign <= 0
	case ">=":
		return sign >= 0
	}
	return sign == 0 // =, IN and NOT IN
}

func testNull(operator string) func(any) bool {
	switch operator {
	case "<", ">", "<=", ">=":
		return func(any) bool { return false }
	case "!=":
		return func(value any) bool { return !isNull(value) }
	}
	return isNull
}

// testSpan compares with a date literal: a value equals it anywhere within
// its span.
func testSpan(operator string, start, end time.Time) func(any) bool {
	return func(value any) bool {
		at, ok := value.(time.Time)
		if !ok {
			return operator == "!="
		}
		sign := 0
		switch {
		case at.Before(start):
			sign = -1
		case !at.Before(end):
			sign = 1
		}
		return holds(operator, sign)
	}
}

// testID compares by the 15 characters that carry an id's identity, where
// case counts.
func testID(operator, want string) func(any) bool {
	want = id15(want)
	return func(value any) bool {
		id, _ := value.(string)
		if id == "" {
			return operator == "!="
		}
		return holds(operator, strings.Compare(id15(id), want))
	}
}

// isNull treats the empty string as null, as Salesforce stores it.
func isNull(value any) bool { return value == nil || value == "" }

// compare orders two values of the field that are not null.
func (f *Field) compare(x, y any) int {
	if f.kind() == kindID {
		left, _ := x.(string)
		right, _ := y.(string)
		return strings.Compare(id15(left), id15(right))
	}
	sign, _ := compare(x, y)
	return sign
}

// compare orders two values of one kind: strings regardless of case, false
// before true.
func compare(x, y any) (sign int, ok bool) {
	switch x := x.(type) {
	case string:
		y, ok := y.(string)
		return strings.Compare(strings.ToLower(x), strings.ToLower(y)), ok
	case bool:
		y, ok := y.(bool)
		return btoi(x) - btoi(y), ok
	case time.Time:
		y, ok := y.(time.Time)
		return x.Compare(y), ok
	case int64:
		if y, ok := y.(int64); ok {
			return cmp.Compare(x, y), true
		}
	}
	left, leftOK := number(x)
	right, rightOK := number(y)
	return cmp.Compare(left, right), leftOK && rightOK
}

func number(value any) (float64, bool) {
	switch n := value.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func isID(text string) bool {
	if len(text) != 15 && len(text) != 18 {
		return false
	}
	for _, r := range text {
		if !isDigit(r) && !isLetter(r) || r == '_' {
			return false
		}
	}
	return true
}

// id15 cuts the case checksum off an 18-character id.
func id15(id string) string {
	if len(id) == 18 {
		return id[:15]
	}
	return id
}

// like matches the whole text, regardless of case. It goes back to the last %
// only, so that no pattern takes more than len(text) * len(p) steps.
func like(text string, p pattern) bool {
	runes := []rune(text)
	t, i := 0, 0
	retryText, retryPattern := 0, -1
	for t < len(runes) {
		switch {
		case i < len(p) && p[i].wildcard && p[i].r == '%':
			retryText, retryPattern = t, i
			i++
		case i < len(p) && (p[i].wildcard || unicode.ToLower(p[i].r) == unicode.ToLower(runes[t])):
			t++
			i++
		case retryPattern >= 0:
			retryText++
			t, i = retryText, retryPattern+1
		default:
			return false
		}
	}
	for i < len(p) && p[i].wildcard && p[i].r == '%' {
		i++
	}
	return i == len(p)
}
