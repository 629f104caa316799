package soql

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenName
	tokenString
	tokenNumber
	tokenDate
	tokenDateTime
	tokenSymbol // operators and punctuation
)

type token struct {
	kind tokenKind
	pos  int
	text string // as written; for a string without its quotes
	time time.Time
}

// is reports whether the token is the given keyword, in any case, or symbol.
func (t token) is(word string) bool {
	switch t.kind {
	case tokenName:
		return strings.EqualFold(t.text, word)
	case tokenSymbol:
		return t.text == word
	}
	return false
}

// isReserved reports whether the token is a keyword that cannot name a field.
func (t token) isReserved() bool {
	if t.kind != tokenName {
		return false
	}
	switch strings.ToUpper(t.text) {
	case "AND", "ASC", "DESC", "EXCLUDES", "FROM", "GROUP", "HAVING", "IN", "INCLUDES",
		"LIKE", "LIMIT", "NOT", "NULL", "NULLS", "OR", "SELECT", "USING", "WHERE", "WITH":
		return true
	}
	return false
}

// shown is the token as an "unexpected token" refusal names it.
func (t token) shown() string {
	if t.kind == tokenEnd {
		return "<EOF>"
	}
	return t.text
}

type lexer struct {
	text source
	pos  int
}

// next reads one token. Comments do not exist in SOQL.
func (l *lexer) next() (token, error) {
	for l.pos < len(l.text) && isSpace(l.text[l.pos]) {
		l.pos++
	}
	start := l.pos
	if start == len(l.text) {
		return token{kind: tokenEnd, pos: start}, nil
	}
	r := l.text[start]
	switch {
	case isLetter(r):
		for l.pos < len(l.text) && (isLetter(l.text[l.pos]) || isDigit(l.text[l.pos])) {
			l.pos++
		}
		return token{kind: tokenName, pos: start, text: string(l.text[start:l.pos])}, nil
	case isDigit(r), (r == '-' || r == '+') && isDigit(l.at(start+1)):
		return l.number()
	case r == '\'':
		return l.quoted()
	}
	for _, symbol := range []string{"<=", ">=", "!=", "<>", "<", ">", "=", "(", ")", ",", ".", ":"} {
		if l.has(symbol) {
			l.pos += len(symbol)
			if symbol == "<>" {
				symbol = "!="
			}
			return token{kind: tokenSymbol, pos: start, text: symbol}, nil
		}
	}
	return token{}, l.unreadable(start, fmt.Sprintf("no viable alternative at character '%c'", r)) // [R]
}

func (l *lexer) at(i int) rune {
	if i < len(l.text) {
		return l.text[i]
	}
	return 0
}

func (l *lexer) has(symbol string) bool {
	for i, r := range symbol {
		if l.at(l.pos+i) != r {
			return false
		}
	}
	return true
}

// unreadable is the refusal of text that is no token at all. Salesforce gives
// its place in another form than for other faults [R].
func (l *lexer) unreadable(pos int, detail string) *Error {
	err := l.text.refuse(malformedQuery, pos, detail)
	err.Message = fmt.Sprintf("line %d:%d %s", err.Row, err.Column-1, detail)
	return err
}

// quoted reads a string literal and leaves its escapes in place, since they
// mean different things to = and to LIKE.
func (l *lexer) quoted() (token, error) {
	start := l.pos
	for l.pos++; l.pos < len(l.text); l.pos++ {
		switch l.text[l.pos] {
		case '\\':
			l.pos++
		case '\'':
			text := string(l.text[start+1 : l.pos])
			l.pos++
			return token{kind: tokenString, pos: start, text: text}, nil
		}
	}
	l.pos = len(l.text)
	return token{}, l.unreadable(l.pos, "mismatched character '<EOF>' expecting '''") // [R]
}

// number reads a number, a date or a date with a time.
func (l *lexer) number() (token, error) {
	start := l.pos
	if l.matches("dddd-dd-dd") {
		return l.date()
	}
	l.pos++
	l.digits()
	if l.at(l.pos) == '.' && isDigit(l.at(l.pos+1)) {
		l.pos++
		l.digits()
	}
	return l.literal(tokenNumber, start, time.Time{})
}

func (l *lexer) digits() {
	for isDigit(l.at(l.pos)) {
		l.pos++
	}
}

func (l *lexer) date() (token, error) {
	start := l.pos
	l.pos += len("2006-01-02")
	if t := l.at(l.pos); t != 'T' && t != 't' {
		text := string(l.text[start:l.pos])
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return token{}, l.text.refuse(malformedQuery, start, "line contains an invalid date: "+text) // [invented]
		}
		return l.literal(tokenDate, start, at)
	}
	for l.pos++; isDigit(l.at(l.pos)) || l.at(l.pos) == ':' || l.at(l.pos) == '.'; {
		l.pos++
	}
	switch {
	case l.at(l.pos) == 'Z' || l.at(l.pos) == 'z':
		l.pos++
	case l.matches("sdd:dd"):
		l.pos += len("+00:00")
	case l.matches("sdddd"):
		l.pos += len("+0000")
	}
	text := strings.ToUpper(string(l.text[start:l.pos]))
	for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05-0700"} {
		if at, err := time.Parse(layout, text); err == nil {
			return l.literal(tokenDateTime, start, at)
		}
	}
	return token{}, l.text.refuse(malformedQuery, start, "line contains an invalid date: "+text) // [invented]
}

// literal ends a literal that must not run into a name.
func (l *lexer) literal(kind tokenKind, start int, at time.Time) (token, error) {
	if isLetter(l.at(l.pos)) {
		return token{}, l.unreadable(l.pos, fmt.Sprintf("no viable alternative at character '%c'", l.at(l.pos))) // [R]
	}
	return token{kind: kind, pos: start, text: string(l.text[start:l.pos]), time: at}, nil
}

// matches compares the text ahead with a shape of d for a digit, s for a sign
// and other characters for themselves.
func (l *lexer) matches(shape string) bool {
	for i, want := range shape {
		got := l.at(l.pos + i)
		switch want {
		case 'd':
			if !isDigit(got) {
				return false
			}
		case 's':
			if got != '+' && got != '-' {
				return false
			}
		default:
			if got != want {
				return false
			}
		}
	}
	return true
}

// pattern is a string literal by element: characters, and for LIKE also the
// two wildcards.
type pattern []patternRune

type patternRune struct {
	r        rune
	wildcard bool
}

// unescape decodes the escapes of a string literal [D]. In a LIKE pattern %
// and _ are wildcards unless escaped.
func unescape(text string) (pattern, error) {
	runes := []rune(text)
	out := make(pattern, 0, len(runes))
	for i := 0; i < len(runes); i++ {
		r := runes[i]
		if r != '\\' {
			out = append(out, patternRune{r, r == '%' || r == '_'})
			continue
		}
		if i++; i == len(runes) {
			return nil, errors.New("illegal character sequence '\\' in string literal")
		}
		switch escape := runes[i]; escape {
		case 'n', 'N':
			out = append(out, patternRune{r: '\n'})
		case 'r', 'R':
			out = append(out, patternRune{r: '\r'})
		case 't', 'T':
			out = append(out, patternRune{r: '\t'})
		case 'b', 'B':
			out = append(out, patternRune{r: '\b'})
		case 'f', 'F':
			out = append(out, patternRune{r: '\f'})
		case '"', '\'', '\\', '_', '%':
			out = append(out, patternRune{r: escape})
		case 'u', 'U':
			if len(runes)-i <= 4 {
				return nil, fmt.Errorf("illegal character sequence '\\%s' in string literal", string(runes[i:]))
			}
			code, err := strconv.ParseUint(string(runes[i+1:i+5]), 16, 16)
			if err != nil {
				return nil, fmt.Errorf("illegal character sequence '\\%s' in string literal", string(runes[i:i+5]))
			}
			out = append(out, patternRune{r: rune(code)})
			i += 4
		default:
			return nil, fmt.Errorf("illegal character sequence '\\%c' in string literal", escape)
		}
	}
	return out, nil
}

// text is the literal for operators that know no wildcards.
func (p pattern) text() string {
	var out strings.Builder
	for _, e := range p {
		out.WriteRune(e.r)
	}
	return out.String()
}

func isSpace(r rune) bool  { return r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\f' }
func isDigit(r rune) bool  { return '0' <= r && r <= '9' }
func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '_' }
