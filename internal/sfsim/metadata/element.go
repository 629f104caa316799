package metadata

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Namespace is that of every metadata document [D].
const Namespace = "http://soap.sforce.com/2006/04/metadata"

// maxDepth bounds the nesting of a document. The metadata types read here
// need four levels.
const maxDepth = 32

// Element is an XML element with its place, which refusals report.
type Element struct {
	Name     xml.Name
	Text     string // of the element itself, without surrounding space
	Children []*Element
	Attr     []xml.Attr
	Line     int
	Column   int
}

// ParseXML reads a document strictly: one root, no document type, no text
// between elements.
func ParseXML(body []byte) (*Element, error) {
	decoder := xml.NewDecoder(bytes.NewReader(body))
	var root *Element
	var open []*Element
	for {
		line, column := decoder.InputPos()
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("line %d, column %d: %w", line, column, err)
		}
		switch token := token.(type) {
		case xml.Directive:
			return nil, fmt.Errorf("line %d, column %d: a document type declaration is not allowed", line, column)
		case xml.StartElement:
			element := &Element{Name: token.Name, Attr: token.Attr, Line: line, Column: column}
			switch {
			case len(open) >= maxDepth:
				return nil, fmt.Errorf("line %d, column %d: elements are nested more than %d deep", line, column, maxDepth)
			case len(open) > 0:
				parent := open[len(open)-1]
				parent.Children = append(parent.Children, element)
			case root != nil:
				return nil, fmt.Errorf("line %d, column %d: a second root element", line, column)
			default:
				root = element
			}
			open = append(open, element)
		case xml.EndElement:
			last := open[len(open)-1]
			last.Text = strings.TrimSpace(last.Text)
			if len(last.Children) > 0 && last.Text != "" {
				return nil, fmt.Errorf("line %d, column %d: text between the elements of %s", last.Line, last.Column,
					last.Name.Local)
			}
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].Text += string(token)
			} else if strings.TrimSpace(string(token)) != "" && string(token) != "\uFEFF" {
				return nil, fmt.Errorf("line %d, column %d: content is not allowed outside the root element", line, column)
			}
		}
	}
	if root == nil {
		return nil, errors.New("the document is empty")
	}
	return root, nil
}

// Child returns the first child of that local name, or nil.
func (e *Element) Child(local string) *Element {
	if e == nil {
		return nil
	}
	for _, child := range e.Children {
		if child.Name.Local == local {
			return child
		}
	}
	return nil
}

// ChildText returns the text of the first child of that local name, or "".
func (e *Element) ChildText(local string) string {
	if child := e.Child(local); child != nil {
		return child.Text
	}
	return ""
}

// All returns the children of that local name.
func (e *Element) All(local string) []*Element {
	if e == nil {
		return nil
	}
	var found []*Element
	for _, child := range e.Children {
		if child.Name.Local == local {
			found = append(found, child)
		}
	}
	return found
}
