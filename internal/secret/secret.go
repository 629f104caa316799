// Package secret holds key material, tokens and passwords in types that no formatter, logger or
// encoder can print.
//
// The threat is an honest mistake: a struct with a key in it reaches a log line, an error, a
// diagnostic or a JSON body. Methods alone do not stop that. The fmt package cannot call methods on
// unexported fields, and for a verb that does not fit it prints what reflection finds, following
// one pointer. So the value lies behind a closure, which reflection sees as an address and cannot
// enter, and the methods only make the outcome readable.
//
// The one way to the value is Expose. A review of what can leak is a review of the calls to Expose.
//
// Destroy overwrites the bytes held here. That is hygiene and no promise: the Go runtime may have
// copied them (a grown stack, a string conversion by the caller), and Text cannot be overwritten
// since Go strings are immutable.
package secret

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
)

// Redacted is what every formatter and structured logger prints in place of a secret.
const Redacted = "[redacted]"

// ErrNotEncodable is returned by every marshalling method of Bytes and Text. An encoder that wrote
// [Redacted] instead would let a placeholder be stored or sent as if it were the secret.
var ErrNotEncodable = errors.New("secret: a secret value cannot be encoded; expose it where it is needed")

// Bytes is a secret byte string, such as the 32 bytes of a tenant secret. The zero value holds
// nothing. Copies share the same bytes, so Destroy through one copy destroys all of them. It is
// safe for concurrent reads; Destroy must not run at the same time.
type Bytes struct {
	cell func() *[]byte
}

// NewBytes returns a secret holding a copy of b, and overwrites b with zeros.
func NewBytes(b []byte) Bytes {
	if len(b) == 0 {
		return Bytes{}
	}
	held := make([]byte, len(b))
	copy(held, b)
	clear(b)
	return Bytes{cell: func() *[]byte { return &held }}
}

// Expose returns the secret itself, not a copy: the caller must neither keep nor change it. It is
// nil for the zero value and after Destroy.
func (s Bytes) Expose() []byte {
	if s.cell == nil {
		return nil
	}
	return *s.cell()
}

// Len returns the length in bytes: 0 for the zero value and after Destroy.
func (s Bytes) Len() int { return len(s.Expose()) }

// IsZero reports whether s was never given a value. A destroyed secret is not zero.
func (s Bytes) IsZero() bool { return s.cell == nil }

// Equal reports in constant time whether both hold the same bytes. Its timing reveals the lengths
// alone.
func (s Bytes) Equal(o Bytes) bool {
	return subtle.ConstantTimeCompare(s.Expose(), o.Expose()) == 1
}

// Destroy overwrites the bytes with zeros, for every copy of s. Afterwards Expose returns nil.
func (s Bytes) Destroy() {
	if s.cell == nil {
		return
	}
	held := s.cell()
	clear(*held)
	*held = nil
}

// Format implements [fmt.Formatter]: every verb prints [Redacted].
func (Bytes) Format(f fmt.State, _ rune) { writeRedacted(f) }

// String implements [fmt.Stringer].
func (Bytes) String() string { return Redacted }

// GoString implements [fmt.GoStringer].
func (Bytes) GoString() string { return Redacted }

// LogValue implements [slog.LogValuer].
func (Bytes) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalJSON always fails with [ErrNotEncodable].
func (Bytes) MarshalJSON() ([]byte, error) { return nil, ErrNotEncodable }

// MarshalText always fails with [ErrNotEncodable].
func (Bytes) MarshalText() ([]byte, error) { return nil, ErrNotEncodable }

// MarshalBinary always fails with [ErrNotEncodable]; encoding/gob calls it too.
func (Bytes) MarshalBinary() ([]byte, error) { return nil, ErrNotEncodable }

// Text is a secret string, such as a client secret, an access token or a PEM private key. The zero
// value holds nothing. It is safe for concurrent use.
type Text struct {
	cell func() string
}

// NewText returns a secret holding s.
func NewText(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{cell: func() string { return s }}
}

// Expose returns the secret itself, "" for the zero value.
func (t Text) Expose() string {
	if t.cell == nil {
		return ""
	}
	return t.cell()
}

// IsZero reports whether t holds nothing: never set, or set to the empty string.
func (t Text) IsZero() bool { return t.cell == nil }

// Equal reports in constant time whether both hold the same string. Its timing reveals the lengths
// alone.
func (t Text) Equal(o Text) bool {
	return subtle.ConstantTimeCompare([]byte(t.Expose()), []byte(o.Expose())) == 1
}

// Format implements [fmt.Formatter]: every verb prints [Redacted].
func (Text) Format(f fmt.State, _ rune) { writeRedacted(f) }

// String implements [fmt.Stringer].
func (Text) String() string { return Redacted }

// GoString implements [fmt.GoStringer].
func (Text) GoString() string { return Redacted }

// LogValue implements [slog.LogValuer].
func (Text) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalJSON always fails with [ErrNotEncodable].
func (Text) MarshalJSON() ([]byte, error) { return nil, ErrNotEncodable }

// MarshalText always fails with [ErrNotEncodable].
func (Text) MarshalText() ([]byte, error) { return nil, ErrNotEncodable }

// MarshalBinary always fails with [ErrNotEncodable]; encoding/gob calls it too.
func (Text) MarshalBinary() ([]byte, error) { return nil, ErrNotEncodable }

func writeRedacted(f fmt.State) {
	// fmt drops the error of a Formatter's write as well: there is nobody to report to.
	_, _ = f.Write([]byte(Redacted))
}
