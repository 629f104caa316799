package soql

import (
	"fmt"
	"strings"
)

// Error codes of a refused query [D].
const (
	invalidField          = "INVALID_FIELD"
	invalidType           = "INVALID_TYPE"
	malformedQuery        = "MALFORMED_QUERY"
	invalidFilterOperator = "INVALID_QUERY_FILTER_OPERATOR"
	numberOutOfRange      = "NUMBER_OUTSIDE_VALID_RANGE"
)

// Error is a refused query as Salesforce answers it.
type Error struct {
	// Code is Salesforce's errorCode.
	Code string
	// Message is the whole text: if the fault has a place, an excerpt of
	// the query with a caret under it, "ERROR at Row:r:Column:c" and the
	// detail, on four lines after an empty one.
	Message string
	// Row and Column count from 1, Column in characters. Both are 0 if the
	// fault has no place.
	Row, Column int
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// excerptWidth is how many characters of the query an error shows on either
// side of the fault.
const excerptWidth = 42

// source is the text of a query, by character.
type source []rune

// refuse makes the error for a fault at the character with index pos.
func (s source) refuse(code string, pos int, detail string) *Error {
	pos = min(max(pos, 0), len(s))
	row, start := 1, 0
	for i, r := range s[:pos] {
		if r == '\n' {
			row++
			start = i + 1
		}
	}
	end := start
	for end < len(s) && s[end] != '\n' {
		end++
	}
	column := pos - start + 1
	start = max(start, pos-excerptWidth)
	end = min(end, pos+excerptWidth)
	return &Error{
		Code: code,
		Message: fmt.Sprintf("\n%s\n%s^\nERROR at Row:%d:Column:%d\n%s",
			string(s[start:end]), strings.Repeat(" ", pos-start), row, column, detail),
		Row:    row,
		Column: column,
	}
}
