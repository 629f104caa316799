package escrow_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
)

func TestFileName(t *testing.T) {
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
			if want := (escrow.Name{
				Organization: test.org, Type: test.typ, RotationID: test.rotation,
				HashPrefix: prefix,
			}); err != nil || parsed != want {
				t.Errorf("parses to %+v, %v", parsed, err)
			}
		})
	}
}

func TestParseFileNameRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", ".age", "a", "a-b-c-01234567", "a-b-c-01234567.txt", "a-b-c-01234567.age.age", "a-b-c-01234567.AGE",
		"a-b-01234567.age", "a-b-c-d-01234567.age", "-b-c-01234567.age", "a--c-01234567.age", "a-b--01234567.age",
		"a-b-c-.age",
		"a-b-c-0123456.age", "a-b-c-012345678.age", "a-b-c-0123456G.age", "a-b-c-ABCDEF01.age",
		"../a-b-c-01234567.age", "a/b-c-d-01234567.age", `a\b-c-d-01234567.age`, ".a-b-c-01234567.age",
		".escrow-b-c-01234567.age",
		"a=-b-c-01234567.age", "a=2-b-c-01234567.age", "a=2d-b-c-01234567.age", "a=GG-b-c-01234567.age",
		"=41-b-c-01234567.age",
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

func FuzzFileName(f *testing.F) {
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
		if parsed, err := escrow.ParseFileName(name); err == nil &&
			(parsed.String() != name || !filepath.IsLocal(name) || filepath.Base(name) != name) {
			t.Fatalf("%q is accepted as %+v", name, parsed)
		}
	})
}
