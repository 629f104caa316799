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

// Scanner looks for secrets in what a run leaves behind, by decoding it: private state, for instance, is base64 of JSON whose values are
// base64 again.
type Scanner struct {
	names   []string
	secrets [][]byte
}

// scanDepth is how many encodings may lie around a secret. Private state in a plan's prior state has two.
const scanDepth = 3

// Add makes the scanner look for a secret of at least 8 bytes.
func (s *Scanner) Add(name string, secret []byte) {
	const shortest = 8
	if len(secret) < shortest {
		panic("acctest: a secret of less than 8 bytes is found everywhere")
	}
	s.names, s.secrets = append(s.names, name), append(s.secrets, slices.Clone(secret))
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
	hit := map[int]bool{}
	s.scan(data, scanDepth, hit)
	// Line breaks, also escaped ones, may cut an encoding in two.
	joined := strings.NewReplacer("\n", "", "\r", "", " ", "", "\t", "", `\n`, "", `\r`, "").Replace(string(data))
	s.scan([]byte(joined), scanDepth, hit)
	for i, name := range s.names {
		if hit[i] {
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

// scan marks the secrets that data has as they are, as Go prints bytes, or below at most depth encodings.
func (s *Scanner) scan(data []byte, depth int, hit map[int]bool) {
	for i, secret := range s.secrets {
		if !hit[i] && (bytes.Contains(data, secret) || containsPrinted(data, secret)) {
			hit[i] = true
		}
	}
	if depth == 0 {
		return
	}
	shortest := len(slices.MinFunc(s.secrets, func(a, b []byte) int { return len(a) - len(b) }))
	for run := range runs(data, isHex, 2*shortest) {
		for offset := range 2 {
			even := run[offset:]
			decoded := make([]byte, len(even)/2)
			if _, err := hex.Decode(decoded, even[:2*len(decoded)]); err == nil {
				s.scan(decoded, depth-1, hit)
			}
		}
	}
	for run := range runs(data, isBase64, base64.RawStdEncoding.EncodedLen(shortest)) {
		text := bytes.Map(func(r rune) rune {
			switch r {
			case '-':
				return '+'
			case '_':
				return '/'
			default:
				return r
			}
		}, run)
		// Where an encoding begins within a run is not known: letters may stand before it.
		for offset := range 4 {
			whole := text[offset:]
			whole = whole[:len(whole)/4*4]
			decoded := make([]byte, base64.RawStdEncoding.DecodedLen(len(whole)))
			if n, err := base64.RawStdEncoding.Decode(decoded, whole); err == nil {
				s.scan(decoded[:n], depth-1, hit)
			}
			// The last two or three digits of an encoding without padding hold one or two bytes more.
			if rest := len(text[offset:]) % 4; rest > 1 {
				tail := slices.Concat(whole, text[offset+len(whole):])
				decoded := make([]byte, base64.RawStdEncoding.DecodedLen(len(tail)))
				if n, err := base64.RawStdEncoding.Decode(decoded, tail); err == nil {
					s.scan(decoded[:n], 0, hit)
					s.scan(decoded[:n], depth-1, hit)
				}
			}
		}
	}
}

// containsPrinted looks for the forms that Go's fmt and strconv give bytes: %v, %d, %#v, % x and %q.
func containsPrinted(data, secret []byte) bool {
	quoted := strconv.Quote(string(secret))
	for _, form := range []string{
		strings.Trim(fmt.Sprint(secret), "[]"),
		strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", secret), "[]byte{"), "}"),
		fmt.Sprintf("% x", secret), fmt.Sprintf("% X", secret),
		strings.ReplaceAll(strings.Trim(fmt.Sprint(secret), "[]"), " ", ","),
		quoted[1 : len(quoted)-1],
	} {
		if bytes.Contains(data, []byte(form)) {
			return true
		}
	}

	return false
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isBase64(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '+' || c == '/' || c == '-' || c == '_'
}

// runs yields the longest stretches of data that consist of digits of an encoding, where they are long enough.
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
		data, err := os.ReadFile(path)
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
