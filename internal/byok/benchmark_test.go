package byok_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha512"
	"hash"
	"slices"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
)

// Names have the form that benchstat can group by: key=value.

func BenchmarkGenerateMaterial(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		byok.GenerateMaterial().Destroy()
	}
}

func BenchmarkHashMaterial(b *testing.B) {
	m := byok.GenerateMaterial()
	b.ReportAllocs()
	for b.Loop() {
		_ = byok.HashMaterial(m)
	}
}

func BenchmarkKeyCheckValue(b *testing.B) {
	m := byok.GenerateMaterial()
	b.ReportAllocs()
	for b.Loop() {
		_ = byok.KeyCheckValue(m)
	}
}

// wrappings are the algorithms, with the hash of the one call of crypto/rsa that each is made of.
var wrappings = []struct {
	algorithm byok.WrappingAlgorithm
	hash      func() hash.Hash
}{
	{byok.RSAOAEPSHA512, sha512.New},
	{byok.RSAOAEPSHA1, sha1.New},
	{byok.RSAAESKeyWrapSHA512, sha512.New},
}

// BenchmarkCryptoRSA is what wrapping is compared with: one call of the standard library.
func BenchmarkCryptoRSA(b *testing.B) {
	m, pub := byok.GenerateMaterial(), publicKey(b, certificate(b, "wrapping.crt"))
	for name, newHash := range map[string]func() hash.Hash{"SHA512": sha512.New, "SHA1": sha1.New} {
		b.Run("hash="+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := rsa.EncryptOAEP(newHash(), rand.Reader, pub, m.Expose(), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWrap(b *testing.B) {
	c, m := certificate(b, "wrapping.crt"), byok.GenerateMaterial()
	for _, w := range wrappings {
		b.Run("alg="+string(w.algorithm), func(b *testing.B) {
			besideCryptoRSA(b, c, w.hash, func() error {
				_, err := byok.Wrap(w.algorithm, c, m)
				return err
			})
		})
	}
}

// BenchmarkGenerateHashWrap is all the cryptography of an upload.
func BenchmarkGenerateHashWrap(b *testing.B) {
	c := certificate(b, "wrapping.crt")
	for _, w := range wrappings {
		b.Run("alg="+string(w.algorithm), func(b *testing.B) {
			besideCryptoRSA(b, c, w.hash, func() error {
				m := byok.GenerateMaterial()
				defer m.Destroy()
				_ = byok.HashMaterial(m)
				_, err := byok.Wrap(w.algorithm, c, m)
				return err
			})
		})
	}
}

// besideCryptoRSA lets ours and crypto/rsa alone take turns, so that both meet the same noise of
// the machine. It reports the median of ours, and the ratio of the medians.
func besideCryptoRSA(b *testing.B, c *byok.Certificate, newHash func() hash.Hash, ours func() error) {
	b.Helper()
	m, pub := byok.GenerateMaterial(), publicKey(b, c)
	timed := func(f func() error) time.Duration {
		start := time.Now()
		if err := f(); err != nil {
			b.Fatal(err)
		}
		return time.Since(start)
	}
	var mine, theirs []time.Duration
	for b.Loop() {
		mine = append(mine, timed(ours))
		theirs = append(theirs, timed(func() error {
			_, err := rsa.EncryptOAEP(newHash(), rand.Reader, pub, m.Expose(), nil)
			return err
		}))
	}
	slices.Sort(mine)
	slices.Sort(theirs)
	b.ReportMetric(float64(mine[len(mine)/2].Nanoseconds()), "ns/op")
	b.ReportMetric(float64(mine[len(mine)/2])/float64(theirs[len(theirs)/2]), "x_crypto/rsa")
}

func BenchmarkParseCertificate(b *testing.B) {
	body := vector(b, "wrapping.crt")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := byok.ParseCertificate(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCacheOnlyJWE(b *testing.B) {
	c, m := certificate(b, "wrapping.crt"), byok.GenerateMaterial()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := byok.CacheOnlyJWE(c, m, "982c375b-f46b-4423-8c2d-4d1a69152a0b", ""); err != nil {
			b.Fatal(err)
		}
	}
}
