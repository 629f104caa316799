package bench

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// The lines of a page between which the tables stand.
const (
	beginMark = "<!-- Made by make bench: do not edit from here -->"
	endMark   = "<!-- to here -->"
)

var errNoMarks = errors.New("the page has no lines " + beginMark + " and " + endMark + " in this order")

// replaceInGuide puts a text between the marks of a page.
func replaceInGuide(path, text string) error {
	page, err := os.ReadFile(path) //nolint:gosec // whoever runs the tool names the page
	if err != nil {
		return err
	}
	replaced, err := between(string(page), text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}

	return os.WriteFile(path, []byte(replaced), 0o600) //nolint:gosec // whoever runs the tool names the page
}

// between replaces what stands between the marks.
func between(page, text string) (string, error) {
	before, rest, ok := strings.Cut(page, beginMark)
	if !ok {
		return "", errNoMarks
	}
	_, after, ok := strings.Cut(rest, endMark)
	if !ok {
		return "", errNoMarks
	}

	return before + beginMark + "\n\n" + strings.TrimSpace(text) + "\n\n" + endMark + after, nil
}
