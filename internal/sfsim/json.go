package sfsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// object is a JSON object that keeps the order of its members, as Salesforce's replies do.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order, without HTML escapes.
func (o object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := encodeJSON(m.name)
		if err != nil {
			return nil, err
		}
		value, err := encodeJSON(m.value)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

func encodeJSON(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}

// parseObject reads exactly one JSON object. Scalars become string, json.Number, bool or nil;
// nested values stay json.RawMessage. A name given twice, in any case, is an error, because it
// would be ambiguous.
func parseObject(body []byte) (object, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	token, err := decoder.Token()
	if err != nil {
		return nil, describeJSON(err)
	}
	if token != json.Delim('{') {
		return nil, errors.New("the entity body is not a JSON object")
	}
	seen := map[string]bool{}
	var out object
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, describeJSON(err)
		}
		name, ok := token.(string)
		if !ok {
			return nil, errors.New("a member name is not a string")
		}
		if seen[strings.ToLower(name)] {
			return nil, fmt.Errorf("the member %q is given twice", name)
		}
		seen[strings.ToLower(name)] = true
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return nil, describeJSON(err)
		}
		value, err := scalar(raw)
		if err != nil {
			return nil, describeJSON(err)
		}
		out = append(out, member{name, value})
	}
	if _, err := decoder.Token(); err != nil {
		return nil, describeJSON(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is text after the JSON object")
	}
	return out, nil
}

func scalar(raw json.RawMessage) (any, error) {
	if len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
		return raw, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	return value, nil
}

// describeJSON keeps the position of a syntax error and drops the text around it, which may be a
// secret.
func describeJSON(err error) error {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("unexpected character at [line:1, column:%d]", syntax.Offset)
	}
	return errors.New("unexpected end-of-input")
}
