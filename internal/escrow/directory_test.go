package escrow_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
)

const (
	orgID      = "00DXX0000008abcMAA"
	rotationID = "1f2e3d4c.0"
)

func openDirectory(t testing.TB, path string) *escrow.Directory {
	t.Helper()
	d, err := escrow.OpenDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func fileName(t testing.TB, rotation string) string {
	t.Helper()
	return escrow.FileName(orgID, "Data", rotation, materialHash(t))
}

func namesIn(t testing.TB, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestEscrowFileName(t *testing.T) {
	t.Parallel()
	hash := materialHash(t)
	prefix := byok.HashPrefix(hash)
	tests := map[string]struct{ org, typ, rotation, want string }{
		"ordinary":           {orgID, "Data", rotationID, orgID + "-Data-1f2e3d4c.0-" + prefix + ".age"},
		"underscore":         {orgID, "New_Type", "abc.12", orgID + "-New_Type-abc.12-" + prefix + ".age"},
		"parent directory":   {"..", "../../etc", "/", "=2E.-=2E.=2F..=2Fetc-=2F-" + prefix + ".age"},
		"hidden":             {".org", "Data", rotationID, "=2Eorg-Data-1f2e3d4c.0-" + prefix + ".age"},
		"separator inside":   {"a-b", "c", "d", "a=2Db-c-d-" + prefix + ".age"},
		"escape inside":      {"a=2Db", "c", "d", "a=3D2Db-c-d-" + prefix + ".age"},
		"backslash, colon":   {`a\b`, "c:d", "e", "a=5Cb-c=3Ad-e-" + prefix + ".age"},
		"NUL, newline, utf8": {"a\x00", "b\n", "\u00e9", "a=00-b=0A-=C3=A9-" + prefix + ".age"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := escrow.FileName(test.org, test.typ, test.rotation, hash)
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
			if filepath.Base(got) != got || !filepath.IsLocal(got) {
				t.Errorf("%s leaves its directory", got)
			}
			parsed, err := escrow.ParseFileName(got)
			if want := (escrow.Name{Organization: test.org, Type: test.typ, RotationID: test.rotation, HashPrefix: prefix}); err != nil || parsed != want {
				t.Errorf("parses to %+v, %v", parsed, err)
			}
		})
	}
}

func TestParseEscrowFileNameRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", ".age", "a", "a-b-c-01234567", "a-b-c-01234567.txt", "a-b-c-01234567.age.age", "a-b-c-01234567.AGE",
		"a-b-01234567.age", "a-b-c-d-01234567.age", "-b-c-01234567.age", "a--c-01234567.age", "a-b--01234567.age", "a-b-c-.age",
		"a-b-c-0123456.age", "a-b-c-012345678.age", "a-b-c-0123456G.age", "a-b-c-ABCDEF01.age",
		"../a-b-c-01234567.age", "a/b-c-d-01234567.age", `a\b-c-d-01234567.age`, ".a-b-c-01234567.age", ".escrow-b-c-01234567.age",
		"a=-b-c-01234567.age", "a=2-b-c-01234567.age", "a=2d-b-c-01234567.age", "a=GG-b-c-01234567.age", "=41-b-c-01234567.age",
		"a b-b-c-01234567.age", "a\x00-b-c-01234567.age", "a-b-c-01234567.age\n", "\u00e9-b-c-01234567.age",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := escrow.ParseFileName(name); err == nil {
				t.Errorf("%q parses to %+v", name, got)
			}
		})
	}
}

func FuzzEscrowFileName(f *testing.F) {
	f.Add(orgID, "Data", rotationID, orgID+"-Data-1f2e3d4c.0-01234567.age")
	f.Add("..", "/etc/passwd", "\x00", "../../a-b-c-01234567.age")
	f.Add("a-b", "c=d", ".", "a=2Db-c-=2E-01234567.age")
	hash := materialHash(f)
	f.Fuzz(func(t *testing.T, org, typ, rotation, name string) {
		made := escrow.FileName(org, typ, rotation, hash)
		if strings.ContainsAny(made, "/\\:\x00\n") || strings.HasPrefix(made, ".") || !filepath.IsLocal(made) {
			t.Fatalf("%q is no plain file name", made)
		}
		parsed, err := escrow.ParseFileName(made)
		if err != nil && org != "" && typ != "" && rotation != "" {
			t.Fatal(err)
		}
		if err == nil && (parsed.Organization != org || parsed.Type != typ || parsed.RotationID != rotation) {
			t.Fatalf("%q parses to %+v", made, parsed)
		}
		if parsed, err := escrow.ParseFileName(name); err == nil && (parsed.String() != name || !filepath.IsLocal(name) || filepath.Base(name) != name) {
			t.Fatalf("%q is accepted as %+v", name, parsed)
		}
	})
}

func TestEscrowDirectoryWriteAndFind(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys", "escrow")
	d := openDirectory(t, path)
	armored, hash := string(readFile(t, "age", "x25519.age")), materialHash(t)
	written, existed, err := d.Write(fileName(t, rotationID), armored)
	if err != nil || existed || written != filepath.Join(path, fileName(t, rotationID)) {
		t.Fatalf("Write = %s, %t, %v", written, existed, err)
	}
	if got := namesIn(t, path); !slices.Equal(got, []string{fileName(t, rotationID)}) {
		t.Errorf("the directory holds %q", got)
	}
	if runtime.GOOS != "windows" {
		for name, want := range map[string]fs.FileMode{path: 0o700, filepath.Dir(path): 0o700, written: 0o600} {
			info, err := os.Stat(name)
			if err != nil || info.Mode().Perm() != want {
				t.Errorf("%s has mode %v, want %v (%v)", name, info.Mode().Perm(), want, err)
			}
		}
	}
	found, got, err := d.Find(orgID, "Data", hash)
	if err != nil || found != written || got != armored {
		t.Errorf("Find = %s, equal %t, %v", found, got == armored, err)
	}
	m, err := escrow.Open(got, ageFile(t, "x25519-identity.txt"))
	if err != nil || byok.HashMaterial(m) != hash {
		t.Errorf("what was found does not open: %v", err)
	}

	// A second copy of that name is not written, the first stays as it was.
	written, existed, err = d.Write(fileName(t, rotationID), string(readFile(t, "age", "hybrid.age")))
	if err != nil || !existed || written != filepath.Join(path, fileName(t, rotationID)) {
		t.Errorf("second Write = %s, %t, %v", written, existed, err)
	}
	if _, got, err := d.Find(orgID, "Data", hash); err != nil || got != armored {
		t.Errorf("the first copy was changed: %v", err)
	}
	if got := namesIn(t, path); len(got) != 1 {
		t.Errorf("the directory holds %q", got)
	}
}

func TestEscrowDirectoryFindsTheNewest(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := openDirectory(t, path)
	x, pq := string(readFile(t, "age", "x25519.age")), string(readFile(t, "age", "hybrid.age"))
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	for _, file := range []struct {
		rotation, armored string
		age               time.Duration
	}{
		{"ffffffff.7", x, 3 * time.Hour},
		{"aaaaaaaa.0", pq, 1 * time.Hour},
		{"cccccccc.3", x, 2 * time.Hour},
	} {
		written, _, err := d.Write(fileName(t, file.rotation), file.armored)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(written, now, now.Add(-file.age)); err != nil {
			t.Fatal(err)
		}
	}
	found, armored, err := d.Find(orgID, "Data", materialHash(t))
	if err != nil || filepath.Base(found) != fileName(t, "aaaaaaaa.0") || armored != pq {
		t.Errorf("found %s, %v", found, err)
	}
}

func TestEscrowDirectoryFindsNothing(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := openDirectory(t, path)
	armored, hash := readFile(t, "age", "x25519.age"), materialHash(t)
	other := byok.HashMaterial(byok.GenerateMaterial())
	if _, _, err := d.Write(fileName(t, rotationID), string(armored)); err != nil {
		t.Fatal(err)
	}
	// What a run killed in between leaves, and what others may keep here.
	for _, name := range []string{".escrow-ABCDEF", "README", "a-b-c-zzzzzzzz.age"} {
		if err := os.WriteFile(filepath.Join(path, name), armored[:40], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(path, escrow.FileName(orgID, "EventBus", rotationID, hash)), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ org, typ, hash string }{
		"another org":  {"00DXX0000009xyzMAA", "Data", hash},
		"another type": {orgID, "SearchIndex", hash},
		"another hash": {orgID, "Data", other},
		"HSM hash":     {orgID, "Data", "UNKNOWM="},
		"no hash":      {orgID, "Data", ""},
		"a directory":  {orgID, "EventBus", hash},
		"traversal":    {"../" + orgID, "Data", hash},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if found, armored, err := d.Find(test.org, test.typ, test.hash); found != "" || armored != "" || err != nil {
				t.Errorf("found %q, %v", found, err)
			}
		})
	}
}

func TestEscrowDirectoryWriteRefuses(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := openDirectory(t, path)
	armored := string(readFile(t, "age", "x25519.age"))
	tests := map[string]struct{ name, armored, want string }{
		"no name":         {"", armored, "no escrow file name"},
		"parent":          {"../" + fileName(t, rotationID), armored, "no escrow file name"},
		"absolute":        {"/tmp/" + fileName(t, rotationID), armored, "no escrow file name"},
		"no hash":         {escrow.FileName(orgID, "Data", rotationID, "UNKNOWM="), armored, "no escrow file name"},
		"no org":          {escrow.FileName("", "Data", rotationID, materialHash(t)), armored, "no escrow file name"},
		"plain material":  {fileName(t, rotationID), string(material(t).Expose()), "does not begin with"},
		"half a copy":     {fileName(t, rotationID), armored[:len(armored)/2], "not sound age armor"},
		"name too long":   {escrow.FileName(orgID, strings.Repeat("T", 300), rotationID, materialHash(t)), armored, "too long"},
		"nothing to keep": {fileName(t, rotationID), "", "does not begin with"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "name too long" && runtime.GOOS == "windows" {
				t.Skip("Windows words it differently")
			}
			written, existed, err := d.Write(test.name, test.armored)
			mustFail(t, err, test.want, string(material(t).Expose()))
			if written != "" || existed {
				t.Errorf("returned %q, %t together with an error", written, existed)
			}
			if got := namesIn(t, path); len(got) != 0 {
				t.Errorf("left %q behind", got)
			}
		})
	}
}

func TestEscrowDirectorySymlinks(t *testing.T) {
	t.Parallel()
	outside, armored, hash := t.TempDir(), string(readFile(t, "age", "x25519.age")), materialHash(t)
	victim := filepath.Join(outside, "victim")
	if err := os.WriteFile(victim, []byte(armored), 0o600); err != nil {
		t.Fatal(err)
	}
	symlink := func(t *testing.T, target, link string) {
		t.Helper()
		if err := os.Symlink(target, link); err != nil {
			t.Skip("no symbolic links here: ", err)
		}
	}
	for name, target := range map[string]string{"to a file outside": victim, "dangling": filepath.Join(outside, "missing"), "relative": "../victim"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			d := openDirectory(t, path)
			symlink(t, target, filepath.Join(path, fileName(t, rotationID)))
			_, _, err := d.Write(fileName(t, rotationID), string(readFile(t, "age", "hybrid.age")))
			mustFail(t, err, "not a regular file")
			if found, _, err := d.Find(orgID, "Data", hash); found != "" || err != nil {
				t.Errorf("Find followed the link: %q, %v", found, err)
			}
			if b, err := os.ReadFile(victim); err != nil || string(b) != armored {
				t.Errorf("the file outside was changed: %v", err)
			}
			if _, err := os.Lstat(filepath.Join(outside, "missing")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("a file was made outside: %v", err)
			}
		})
	}
	t.Run("the directory itself", func(t *testing.T) {
		t.Parallel()
		target, link := t.TempDir(), filepath.Join(t.TempDir(), "link")
		symlink(t, target, link)
		d := openDirectory(t, link)
		if _, _, err := d.Write(fileName(t, rotationID), armored); err != nil {
			t.Fatal(err)
		}
		if got := namesIn(t, target); len(got) != 1 {
			t.Errorf("the target holds %q", got)
		}
	})
}

func TestOpenEscrowDirectoryRefuses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ path, want string }{
		"empty":      {"", "path is empty"},
		"a file":     {file, "is a file"},
		"below file": {filepath.Join(file, "escrow"), "is a file"},
		"NUL":        {"a\x00b", "escrow directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" && strings.Contains(test.want, "file") {
				t.Skip("Windows words it differently")
			}
			d, err := escrow.OpenDirectory(test.path)
			mustFail(t, err, test.want)
			if d != nil {
				t.Error("returned a directory together with an error")
			}
		})
	}
}

func TestEscrowDirectoryRemovedMeanwhile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "escrow")
	d := openDirectory(t, path)
	if err := os.Remove(path); err != nil {
		t.Skip("an open directory cannot be removed here: ", err)
	}
	if _, _, err := d.Write(fileName(t, rotationID), string(readFile(t, "age", "x25519.age"))); err == nil {
		t.Error("wrote into a removed directory")
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory came back: %v", err)
	}
}

func TestDamagedEscrowCopyIsAnError(t *testing.T) {
	t.Parallel()
	armored, hash := string(readFile(t, "age", "x25519.age")), materialHash(t)
	for name, content := range map[string]string{
		"empty": "", "half": armored[:len(armored)/2], "too long": strings.Repeat("A", 300<<10), "other": "not a copy\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			d := openDirectory(t, path)
			if err := os.WriteFile(filepath.Join(path, fileName(t, rotationID)), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			found, got, err := d.Find(orgID, "Data", hash)
			mustFail(t, err, fileName(t, rotationID))
			if found != "" || got != "" {
				t.Errorf("returned %q together with an error", found)
			}
		})
	}
}

// Many writers of one name: exactly one wins, and whoever reads sees a whole copy or none.
func TestEscrowDirectoryConcurrentWriters(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	hash := materialHash(t)
	r, err := escrow.ParseRecipients([]string{ageFile(t, "x25519-recipient.txt")})
	if err != nil {
		t.Fatal(err)
	}
	const writers = 16
	var wg sync.WaitGroup
	var mu sync.Mutex
	var created []string
	for range writers {
		wg.Go(func() {
			armored, err := r.Encrypt(material(t))
			if err != nil {
				t.Error(err)
				return
			}
			d, err := escrow.OpenDirectory(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = d.Close() }()
			_, existed, err := d.Write(fileName(t, rotationID), armored)
			if err != nil {
				t.Error(err)
			}
			if !existed {
				mu.Lock()
				created = append(created, armored)
				mu.Unlock()
			}
			found, got, err := d.Find(orgID, "Data", hash)
			if err != nil || found == "" {
				t.Errorf("found %q, %v", found, err)
			}
			if m, err := escrow.Open(got, ageFile(t, "x25519-identity.txt")); err != nil || !m.Equal(material(t)) {
				t.Errorf("a reader saw a copy that does not open: %v", err)
			}
		})
	}
	wg.Wait()
	got, err := os.ReadFile(filepath.Join(path, fileName(t, rotationID)))
	if err != nil || len(created) != 1 || created[0] != string(got) {
		t.Errorf("%d writers think that they made the file, %v", len(created), err)
	}
	if names := namesIn(t, path); len(names) != 1 {
		t.Errorf("the directory holds %q", names)
	}
}

// Different names do not hinder each other, also through one handle.
func TestEscrowDirectoryConcurrentNames(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := openDirectory(t, path)
	armored := string(readFile(t, "age", "x25519.age"))
	var wg sync.WaitGroup
	const names = 20
	for i := range names {
		wg.Go(func() {
			if _, existed, err := d.Write(fileName(t, "1f2e3d4c."+strconv.Itoa(i)), armored); err != nil || existed {
				t.Errorf("%d: %t, %v", i, existed, err)
			}
		})
	}
	wg.Wait()
	if got := len(namesIn(t, path)); got != names {
		t.Errorf("%d files, want %d", got, names)
	}
}

// Salesforce keeps no hash of some keys: the rotation id alone leads to their copy, where there is only one.
func TestEscrowDirectoryFindRotation(t *testing.T) {
	t.Parallel()
	d := openDirectory(t, t.TempDir())
	armored := string(readFile(t, "age", "x25519.age"))
	if path, found, err := d.FindRotation(orgID, "Data", rotationID); path != "" || found != "" || err != nil {
		t.Errorf("an empty directory gives %q, %q, %v", path, found, err)
	}
	for _, name := range []string{fileName(t, rotationID), fileName(t, "ffffffff.0")} {
		if _, _, err := d.Write(name, armored); err != nil {
			t.Fatal(err)
		}
	}
	path, found, err := d.FindRotation(orgID, "Data", rotationID)
	if err != nil || filepath.Base(path) != fileName(t, rotationID) || found != armored {
		t.Errorf("found %q, %v", path, err)
	}
	if path, _, err := d.FindRotation(orgID, "EventBus", rotationID); path != "" || err != nil {
		t.Errorf("another type has %q, %v", path, err)
	}
	second := escrow.FileName(orgID, "Data", rotationID, byok.HashMaterial(byok.GenerateMaterial()))
	if _, _, err := d.Write(second, armored); err != nil {
		t.Fatal(err)
	}
	if path, found, err := d.FindRotation(orgID, "Data", rotationID); err == nil || path != "" || found != "" || !strings.Contains(err.Error(), "2 escrow copies of rotation "+rotationID) {
		t.Errorf("two copies give %q, %v", path, err)
	}
}

// TestDamagedCopyIsNotTakenForOne: what lies under the name of a copy is relied on, so it must be one.
func TestDamagedCopyIsNotTakenForOne(t *testing.T) {
	t.Parallel()
	whole := string(readFile(t, "age", "x25519.age"))
	for name, content := range map[string]string{"empty": "", "truncated": whole[:len(whole)/2], "edited": strings.Replace(whole, "\n", "\nx", 1), "other": "hello"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			d := openDirectory(t, path)
			if err := os.WriteFile(filepath.Join(path, fileName(t, rotationID)), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, _, err := d.Write(fileName(t, rotationID), whole)
			mustFail(t, err, "move it away, then apply again")
			if got, err := os.ReadFile(filepath.Join(path, fileName(t, rotationID))); err != nil || string(got) != content {
				t.Errorf("the file was changed: %q, %v", got, err)
			}
			if names := namesIn(t, path); len(names) != 1 {
				t.Errorf("left %v", names)
			}
		})
	}
}
