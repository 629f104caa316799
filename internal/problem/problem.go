// Package problem holds the one value that says what is wrong and what to do about it. Rules return
// it, movers pass it on, and the provider renders it once, as an error or as a warning. Nobody
// reads its text to decide something.
package problem

import (
	"errors"
	"fmt"
)

// Problem is something that a user must know: a refusal, or a warning about what was or will be
// done.
type Problem struct {
	// Attribute is the attribute that must change, in words: "certificate", "escrow.directory". "" is
	// for none.
	Attribute string
	// Summary says what is wrong, in a few words.
	Summary string
	// Detail says what was expected, what was found and what to do next.
	Detail string
	// Err is the cause, nil if there is none. Its text is not part of Detail.
	Err error
}

// New returns a Problem about an attribute. The arguments format the detail.
func New(attribute, summary, format string, args ...any) *Problem {
	return &Problem{Attribute: attribute, Summary: summary, Detail: fmt.Sprintf(format, args...)}
}

// Error joins summary and detail.
func (p *Problem) Error() string { return p.Summary + ": " + p.Detail }

// Unwrap returns the cause.
func (p *Problem) Unwrap() error { return p.Err }

// Because adds the cause, so that errors.Is finds it, and returns p.
func (p *Problem) Because(err error) *Problem {
	p.Err = err

	return p
}

// Of returns the Problem in err, if there is one.
func Of(err error) (*Problem, bool) { return errors.AsType[*Problem](err) }
