package acctest

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Scanner looks for secrets in what a run leaves behind, by decoding it: private state, for
// instance, is base64 of JSON whose values are base64 again.
type Scanner struct {
	names []string
	// forms holds, for each secret, the secret itself and the forms that Go's fmt and strconv give
	// bytes.
	forms    [][][]byte
	shortest int
}

// scanDepth is how many encodings may lie around a secret. Private state in a plan's prior state
// has two.
const scanDepth = 3

// Add makes the scanner look for a secret of at least 8 bytes.
func (s *Scanner) Add(name string, secret []byte) {
	const shortest = 8
	if len(secret) < shortest {
		panic("acctest: a secret of less than 8 bytes is found everywhere")
	}
	if len(s.names) == 0 || len(secret) < s.shortest {
		s.shortest = len(secret)
	}
	s.names, s.forms = append(s.names, name), append(s.forms, forms(secret))
}

// forms returns a secret as it is, and as %v, %#v, % x and %q print it.
func forms(secret []byte) [][]byte {
	quoted := strconv.Quote(string(secret))
	decimal := strings.Trim(fmt.Sprintf("%d", secret), "[]")
	all := [][]byte{slices.Clone(secret)}
	for _, form := range []string{
		decimal, strings.ReplaceAll(decimal, " ", ","),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", secret), "[]byte{"), "}"),
		fmt.Sprintf("% x", secret), fmt.Sprintf("% X", secret),
		quoted[1 : len(quoted)-1],
	} {
		all = append(all, []byte(form))
	}

	return all
}

// Finding is one secret in one place.
type Finding struct{ Secret, Place string }

// String names the secret and the place, and shows neither.
func (f Finding) String() string { return f.Secret + " in " + f.Place }

// Scan looks into data, and into the entries of a zip file.
func (s *Scanner) Scan(place string, data []byte) []Finding {
	var found []Finding
	if archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data))); err == nil {
		for _, entry := range archive.File {
			body, err := readEntry(entry)
			if err != nil {
				// What can't be read can't be cleared.
				found = append(found, Finding{Secret: "unreadable entry: " + err.Error(), Place: place + "!" + entry.Name})

				continue
			}
			found = append(found, s.Scan(place+"!"+entry.Name, body)...)
		}
	}
	search := search{Scanner: s, hit: make([]bool, len(s.names)), seen: map[string]bool{}}
	search.look(data, scanDepth)
	// Line breaks, also escaped ones, may cut an encoding in two.
	joined := strings.NewReplacer("\n", "", "\r", "", `\n`, "", `\r`, "").Replace(string(data))
	search.look([]byte(joined), scanDepth)
	for i, name := range s.names {
		if search.hit[i] {
			found = append(found, Finding{Secret: name, Place: place})
		}
	}

	return found
}

func readEntry(entry *zip.File) ([]byte, error) {
	r, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // read only

	return io.ReadAll(io.LimitReader(r, 64<<20))
}

// search is one Scan under way.
type search struct {
	*Scanner
	// hit says which secrets were found.
	hit []bool
	// seen holds the runs that were looked into, with the depth: a log repeats itself.
	seen map[string]bool
}

// look marks the secrets that data has in one of their forms, or below at most depth encodings.
func (s *search) look(data []byte, depth int) {
	for i, forms := range s.forms {
		s.hit[i] = s.hit[i] || slices.ContainsFunc(forms, func(form []byte) bool { return bytes.Contains(data, form) })
	}
	if depth == 0 {
		return
	}
	for run := range runs(data, isHex, hex.EncodedLen(s.shortest)) {
		if s.known('x', depth, run) {
			continue
		}
		for offset := range 2 {
			decoded := make([]byte, hex.DecodedLen(len(run)-offset))
			if _, err := hex.Decode(decoded, run[offset:offset+hex.EncodedLen(len(decoded))]); err == nil {
				s.look(decoded, depth-1)
			}
		}
	}
	for run := range runs(data, isBase64, base64.RawStdEncoding.EncodedLen(s.shortest)) {
		if s.known('b', depth, run) {
			continue
		}
		text := bytes.ReplaceAll(bytes.ReplaceAll(run, []byte("-"), []byte("+")), []byte("_"), []byte("/"))
		// Where an encoding begins within a run is not known: letters may stand before it.
		for offset := range 4 {
			digits := text[offset:]
			if len(digits)%4 == 1 {
				// A single digit holds no byte.
				digits = digits[:len(digits)-1]
			}
			decoded := make([]byte, base64.RawStdEncoding.DecodedLen(len(digits)))
			if n, err := base64.RawStdEncoding.Decode(decoded, digits); err == nil {
				s.look(decoded[:n], depth-1)
			}
		}
	}
}

// known reports whether a run was looked into at this depth before, and remembers it.
func (s *search) known(encoding rune, depth int, run []byte) bool {
	key := fmt.Sprintf("%c%d%s", encoding, depth, run)
	known := s.seen[key]
	s.seen[key] = true

	return known
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isBase64(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '+' || c == '/' || c == '-' ||
		c == '_'
}

// runs yields the longest stretches of data that consist of digits of an encoding, where they are
// long enough.
func runs(data []byte, digit func(byte) bool, shortest int) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		begin := -1
		for i := 0; i <= len(data); i++ {
			if i < len(data) && digit(data[i]) {
				if begin < 0 {
					begin = i
				}

				continue
			}
			if begin >= 0 && i-begin >= shortest && !yield(data[begin:i]) {
				return
			}
			begin = -1
		}
	}
}

// ScanDir looks into every file below a directory; places are relative to it.
func (s *Scanner) ScanDir(t testing.TB, dir string) []Finding {
	t.Helper()
	var found []Finding
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path) //nolint:gosec // the directory of a test
		if err != nil {
			return err
		}
		place, err := filepath.Rel(dir, path)
		found = append(found, s.Scan(place, data)...)

		return err
	})
	if err != nil {
		t.Errorf("scanning %s: %v", dir, err)
	}

	return found
}
