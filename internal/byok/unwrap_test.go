package byok_test

import (
	"bytes"
	"crypto/aes"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha512"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"hash"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// The receiving side, written from RFC 8017 and RFC 5649 with big integers and the AES block alone,
// so that a wrong hash, label or layout in the package is not mirrored by the library that the
// package itself calls.

// openOAEP decrypts RSA-OAEP with an empty label and MGF1 over the same hash.
func openOAEP(newHash func() hash.Hash, key *rsa.PrivateKey, ciphertext []byte) ([]byte, error) {
	k, size := (key.N.BitLen()+7)/8, newHash().Size()
	if len(ciphertext) != k || k < 2*size+2 {
		return nil, errors.New("ciphertext has the wrong length")
	}
	c := new(big.Int).SetBytes(ciphertext)
	if c.Cmp(key.N) >= 0 {
		return nil, errors.New("ciphertext is not below the modulus")
	}
	em := new(big.Int).Exp(c, key.D, key.N).FillBytes(make([]byte, k))
	seed, db := em[1:1+size], em[1+size:]
	mgf1XOR(newHash, db, seed)
	mgf1XOR(newHash, seed, db)
	labelHash := newHash().Sum(nil)
	at := bytes.IndexByte(db[size:], 1)
	if em[0] != 0 || !bytes.Equal(db[:size], labelHash) || at < 0 || !bytes.Equal(db[size:size+at], make([]byte, at)) {
		return nil, errors.New("decryption error")
	}
	return db[size+at+1:], nil
}

func mgf1XOR(newHash func() hash.Hash, seed, out []byte) {
	for counter, done := uint32(0), 0; done < len(out); counter++ {
		h := newHash()
		h.Write(seed)
		h.Write(binary.BigEndian.AppendUint32(nil, counter))
		done += subtle.XORBytes(out[done:], out[done:], h.Sum(nil))
	}
}

// openKWP decrypts AES key wrap with padding.
func openKWP(key, wrapped []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	n := len(wrapped)/8 - 1
	if n < 1 || len(wrapped)%8 != 0 {
		return nil, errors.New("wrapped key has the wrong length")
	}
	a, r := bytes.Clone(wrapped[:8]), bytes.Clone(wrapped[8:])
	if n == 1 {
		both := append(a, r...)
		block.Decrypt(both, both)
		a, r = both[:8], both[8:]
	} else {
		for j := 5; j >= 0; j-- {
			for i := n; i >= 1; i-- {
				var in [16]byte
				binary.BigEndian.PutUint64(in[:], binary.BigEndian.Uint64(a)^uint64(n*j+i))
				copy(in[8:], r[8*(i-1):])
				block.Decrypt(in[:], in[:])
				copy(a, in[:8])
				copy(r[8*(i-1):8*i], in[8:])
			}
		}
	}
	size := int(binary.BigEndian.Uint32(a[4:]))
	if binary.BigEndian.Uint32(a) != 0xA65959A6 || size > len(r) || size <= len(r)-8 ||
		strings.Trim(string(r[size:]), "\x00") != "" {
		return nil, errors.New("integrity check failed")
	}
	return r[:size], nil
}

// unwrap does what Salesforce's key management does with a SecretValue.
func unwrap(a byok.WrappingAlgorithm, key *rsa.PrivateKey, wrapped string) ([]byte, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(wrapped)
	if err != nil {
		return nil, err
	}
	switch a {
	case byok.RSAOAEPSHA1:
		return openOAEP(sha1.New, key, b)
	case byok.RSAOAEPSHA512:
		return openOAEP(sha512.New, key, b)
	case byok.RSAAESKeyWrapSHA512:
		if len(b) < key.Size() {
			return nil, errors.New("ciphertext is too short")
		}
		ephemeral, err := openOAEP(sha512.New, key, b[:key.Size()])
		if err != nil {
			return nil, err
		}
		return openKWP(ephemeral, b[key.Size():])
	}
	return nil, errors.New("unknown algorithm")
}

func readFile(t testing.TB, elem ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{"testdata"}, elem...)...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// vector reads a file of testdata/openssl.
func vector(t testing.TB, name string) []byte {
	t.Helper()
	return readFile(t, "openssl", name)
}

func wrappingKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	block, _ := pem.Decode(vector(t, "wrapping-key.pem"))
	if block == nil {
		t.Fatal("no PEM block")
	}
	return parsePKCS8(t, block.Bytes)
}

func parsePKCS8(t testing.TB, der []byte) *rsa.PrivateKey {
	t.Helper()
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		t.Fatalf("the key is a %T", key)
	}
	return private
}

func publicKey(t testing.TB, c *byok.Certificate) *rsa.PublicKey {
	t.Helper()
	pub, ok := c.X509.PublicKey.(*rsa.PublicKey)
	if !ok {
		t.Fatalf("the key is a %T", c.X509.PublicKey)
	}
	return pub
}

func certificate(t testing.TB, name string) *byok.Certificate {
	t.Helper()
	c, err := byok.ParseCertificate(vector(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func material(t testing.TB) secret.Bytes {
	t.Helper()
	return secret.NewBytes(vector(t, "material.bin"))
}

func hexOf(b []byte) string { return hex.EncodeToString(b) }

// mustFail fails the test unless err mentions want and repeats none of the inputs.
func mustFail(t *testing.T, err error, want string, inputs ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one about %q", want)
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("error %q does not mention %q", err, want)
	}
	for _, input := range inputs {
		if len(input) >= 8 && strings.Contains(err.Error(), input) {
			t.Errorf("error repeats the input: %q", err)
		}
		for from := 0; from+12 <= len(input); from += 4 {
			if strings.Contains(err.Error(), input[from:from+12]) {
				t.Errorf("error repeats a part of the input: %q", err)
				break
			}
		}
	}
}
