package guides_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
)

// The drill of two groups: one of each opens the copy with plain age, on one machine or each at a
// place of their own.
func TestWalkDualControl(t *testing.T) {
	t.Parallel()
	p := open(t, "escrow-and-recovery")
	s := newShell(t, "age", "age-keygen", "openssl")
	names := []string{"security-a", "security-b", "audit-a", "audit-b"}
	printed := s.then("custodians", "for c in "+strings.Join(names, " ")+
		"; do age-keygen -o $c.txt 2>/dev/null; age-keygen -y $c.txt; done\n").run()
	recipients := strings.Fields(printed["custodians"])
	if len(recipients) != len(names) {
		t.Fatalf("expected four recipients, found %q", printed["custodians"])
	}
	plan, err := escrow.NewGroups([][]string{recipients[:2], recipients[2:]})
	if err != nil {
		t.Fatal(err)
	}
	material := byok.GenerateMaterial()
	armored, err := plan.Encrypt(material)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "copy.age"), []byte(armored), 0o600); err != nil {
		t.Fatal(err)
	}
	together, apart := p.block("sh", "| age -d -i security-a.txt > secret.bin"), p.block("sh", "layer.age")
	again := newShell(t, "age", "openssl")
	again.dir = s.dir
	printed = again.
		then("copy", "copy=copy.age\n").
		then("together", together+"openssl dgst -sha256 -binary secret.bin | openssl base64\nrm secret.bin\n").
		then("apart", apart).
		then("the others", "age -d -i audit-a.txt copy.age | age -d -i security-b.txt | openssl dgst -sha256 -binary | "+
			"openssl base64\n").
		then("one group alone", "! age -d -i security-a.txt copy.age\n! age -d -i audit-a.txt layer.age\n").
		run()
	hash := byok.HashMaterial(material)
	for step, want := range map[string][]string{"together": {"32", hash}, "apart": {hash}, "the others": {hash}} {
		if got := strings.Fields(printed[step]); !slices.Equal(got, want) {
			t.Errorf("%s: expected %q, found %q", step, want, got)
		}
	}
	says(t, printed, "one group alone", "no identity matched any of the recipients")
}
