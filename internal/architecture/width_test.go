package architecture_test

import (
	"go/scanner"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// The widths of CONTRIBUTING, in characters; a tab counts as one.
const (
	codeWidth    = 120
	commentWidth = 100
)

// A wider line is right in three cases: a literal that has no place to break, such as what an org
// sends, word for word; a struct tag; a preformatted block of a comment.
func TestLinesAreOfOneWidth(t *testing.T) {
	t.Parallel()
	command := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "*.go")
	command.Dir = root(t)
	listed, err := command.Output()
	if err != nil {
		t.Skipf("no git repository to list the files of: %v", err)
	}
	files := strings.FieldsFunc(string(listed), func(r rune) bool { return r == 0 })
	if len(files) < 100 {
		t.Fatalf("expected the files of the project, found %d", len(files))
	}
	for _, name := range files {
		source, err := os.ReadFile(filepath.Join(root(t), name))
		if err != nil {
			continue // deleted, and not yet committed
		}
		for _, line := range tooWide(source) {
			t.Errorf("%s:%d: wider than %d, or a comment wider than %d", name, line, codeWidth, commentWidth)
		}
	}
}

func TestTooWide(t *testing.T) {
	t.Parallel()
	const head = "package x\n"
	word, long := strings.Repeat("w", 50)+" ", strings.Repeat("w", 110)
	for name, c := range map[string]struct {
		source string
		want   bool
	}{
		"narrow":                 {"var x = 1\n", false},
		"code":                   {"var x = f(" + strings.Repeat("a, ", 40) + "a)\n", true},
		"string of words":        {`var x = "` + word + word + word + "\"\n", true},
		"string without a space": {`var x = "` + long + long + "\"\n", false},
		"raw string":             {"var x = `" + word + word + word + "`\n", false},
		"inside a raw string":    {"var x = `\n" + word + word + word + "\n`\n", false},
		"comment":                {"// " + word + word + "\nvar x = 1\n", true},
		"comment of one word":    {"// " + long + "\nvar x = 1\n", false},
		"preformatted":           {"//\t" + word + word + "\nvar x = 1\n", false},
		"comment in a string":    {"var x = `\n// " + word + word + "\n`\n", false},
		"umlauts":                {"// " + strings.Repeat("ä ", 48) + "\nvar x = 1\n", false},
	} {
		if got := len(tooWide([]byte(head+c.source))) > 0; got != c.want {
			t.Errorf("%s: expected %t, found %t", name, c.want, got)
		}
	}
}

// tooWide returns the numbers of the lines that are wider than they may be.
func tooWide(source []byte) (wide []int) {
	lines := strings.Split(string(source), "\n")
	comment, literal := make(map[int]bool), make(map[int]bool)
	files := token.NewFileSet()
	file := files.AddFile("", -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, scanner.ScanComments)
	for {
		at, kind, text := s.Scan()
		if kind == token.EOF {
			break
		}
		first := file.Line(at) - 1
		switch {
		case kind == token.COMMENT && strings.HasPrefix(strings.TrimLeft(lines[first], "\t"), "//"):
			comment[first] = true
			literal[first] = strings.HasPrefix(text, "//\t") || !strings.Contains(strings.TrimPrefix(text, "// "), " ")
		case kind == token.STRING && (text[0] == '`' || hasNoPlaceToBreak(text)):
			for i := range strings.Count(text, "\n") + 1 {
				literal[first+i] = true
			}
		}
	}
	for i, line := range lines {
		limit := codeWidth
		if comment[i] {
			limit = commentWidth
		}
		if utf8.RuneCountInString(line) > limit && !literal[i] {
			wide = append(wide, i+1)
		}
	}
	return wide
}

// hasNoPlaceToBreak reports whether a string literal holds a long run without a space.
func hasNoPlaceToBreak(literal string) bool {
	for word := range strings.FieldsSeq(literal) {
		if utf8.RuneCountInString(word) > codeWidth/2 {
			return true
		}
	}
	return false
}
