package escrow_test

import (
	"strconv"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
)

// recipientsOf are the recipient files of testdata/age by kind.
var recipientsOf = map[string]string{"x25519": "x25519-recipient.txt", "hybrid": "hybrid-recipient.txt"}

func BenchmarkEncrypt(b *testing.B) {
	for kind, file := range recipientsOf {
		b.Run("recipient="+kind, func(b *testing.B) {
			r, err := escrow.NewPlan([]string{ageFile(b, file)})
			if err != nil {
				b.Fatal(err)
			}
			m := byok.GenerateMaterial()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Encrypt(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkKeep is mostly the flushing of two files and of their directory to disk.
func BenchmarkKeep(b *testing.B) {
	d, p := openDirectory(b, b.TempDir()), planOf(b, "x25519")
	armored := string(readFile(b, "age", "x25519.age"))
	n := 0
	for b.Loop() {
		n++
		if kept, err := d.Keep(keyOf(b, "1f2e3d4c."+strconv.Itoa(n)), p, armored); err != nil || kept.Existed {
			b.Fatal(kept.Existed, err)
		}
	}
}
