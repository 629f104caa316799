package byok_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

func TestGenerateMaterial(t *testing.T) {
	t.Parallel()
	const keys = 256
	seen := map[string]bool{}
	var ones int
	for range keys {
		m := byok.GenerateMaterial()
		if m.Len() != byok.MaterialSize {
			t.Fatalf("length %d", m.Len())
		}
		seen[string(m.Expose())] = true
		for _, b := range m.Expose() {
			for ; b != 0; b &= b - 1 {
				ones++
			}
		}
	}
	if len(seen) != keys {
		t.Errorf("%d distinct keys of %d", len(seen), keys)
	}
	// 65536 fair bits: mean 32768, standard deviation 128. Ten deviations do not happen by chance.
	if ones < 32768-1280 || ones > 32768+1280 {
		t.Errorf("%d of 65536 bits are set", ones)
	}
}

func TestWeakness(t *testing.T) {
	t.Parallel()
	repeat := func(part string) []byte { return []byte(strings.Repeat(part, byok.MaterialSize/len(part))) }
	for name, test := range map[string]struct {
		material []byte
		want     string
	}{
		"zero":                    {make([]byte, 32), "is all zero"},
		"one byte":                {repeat("\xff"), "repeats one byte"},
		"two bytes":               {repeat("ab"), "repeats every 2 bytes"},
		"four bytes":              {repeat("\xde\xad\xbe\xef"), "repeats every 4 bytes"},
		"eight bytes":             {repeat("password"), "repeats every 8 bytes"},
		"a 128-bit key, doubled":  {repeat("0123456789abcdef"), "repeats every 16 bytes"},
		"openssl's":               {material(t).Expose(), ""},
		"doubled, a bit flipped":  {[]byte("0123456789abcdef0123456789abcdeg"), ""},
		"period of 3":             {[]byte(strings.Repeat("abc", 11)[:32]), ""},
		"zero, but the last byte": {append(make([]byte, 31), 1), ""},
		"zero, but the first":     {append([]byte{1}, make([]byte, 31)...), ""},
		"text that was pasted":    {[]byte("correct horse battery staple 123"), ""},
	} {
		if got := byok.Weakness(secret.NewBytes(test.material)); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	for range 1000 {
		if got := byok.Weakness(byok.GenerateMaterial()); got != "" {
			t.Fatalf("generated material %s", got)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("16 bytes are judged")
		}
	}()
	byok.Weakness(secret.NewBytes(make([]byte, 16)))
}

// Any material of a period is weak, and a change of any bit ends it.
func FuzzWeakness(f *testing.F) {
	f.Add([]byte("0123456789abcdef"), uint8(3), uint8(7))
	f.Add([]byte{0}, uint8(31), uint8(0))
	f.Fuzz(func(t *testing.T, part []byte, at, bit uint8) {
		size := len(part)
		if size == 0 || size > 16 || size&(size-1) != 0 {
			return
		}
		b := bytes.Repeat(part, byok.MaterialSize/size)
		if byok.Weakness(secret.NewBytes(bytes.Clone(b))) == "" {
			t.Fatalf("a period of %d is not weak", size)
		}
		b[int(at)%len(b)] ^= 1 << (bit % 8)
		if got := byok.Weakness(secret.NewBytes(b)); got != "" {
			t.Fatalf("with one bit changed it still %s", got)
		}
	})
}

func TestOpenSSLHashAndKeyCheckValue(t *testing.T) {
	t.Parallel()
	m := material(t)
	if got, want := byok.HashMaterial(m), string(vector(t, "hash.b64")); got != want {
		t.Errorf("HashMaterial = %s, openssl made %s", got, want)
	}
	if got, want := byok.KeyCheckValue(m), string(vector(t, "kcv.hex")); got != want {
		t.Errorf("KeyCheckValue = %s, openssl made %s", got, want)
	}
}

// Expected values by openssl enc -aes-256-ecb; the first four keys are also NIST's AESAVS known
// answers.
func TestKeyCheckValue(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ key, want string }{
		"zero key":      {strings.Repeat("00", 32), "dc95c0"},
		"first bit":     {"80" + strings.Repeat("00", 31), "e35a6d"},
		"all ones":      {strings.Repeat("ff", 32), "4bf85f"},
		"KeySbox":       {"c47b0294dbbbee0fec4757f22ffeee3587ca4730c3d33b691df38bab076bc558", "46f2fb"},
		"three bits":    {"e0" + strings.Repeat("00", 31), "d8f3a7"},
		"all different": {"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", "f29000"},
		"last byte":     {strings.Repeat("00", 31) + "ff", "bc2546"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key, err := hex.DecodeString(test.key)
			if err != nil {
				t.Fatal(err)
			}
			if got := byok.KeyCheckValue(secret.NewBytes(key)); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestHashAndKeyCheckValueRefuseOtherSizes(t *testing.T) {
	t.Parallel()
	destroyed := material(t)
	destroyed.Destroy()
	for name, m := range map[string]secret.Bytes{
		"zero value": {}, "destroyed": destroyed,
		"31 bytes": secret.NewBytes(make([]byte, 31)), "33 bytes": secret.NewBytes(make([]byte, 33)),
	} {
		for function, call := range map[string]func(secret.Bytes) string{
			"HashMaterial":  byok.HashMaterial,
			"KeyCheckValue": byok.KeyCheckValue,
		} {
			t.Run(function+"/"+name, func(t *testing.T) {
				t.Parallel()
				defer func() {
					if recover() == nil {
						t.Error("no panic")
					}
				}()
				t.Error("returned " + call(m))
			})
		}
	}
}

// badBase64 maps a spelling that must be refused to what the error has to mention. Each decodes, or
// nearly decodes, to the 32 bytes of encoded.
func badBase64(encoded string) map[string]struct{ in, want string } {
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		panic(err)
	}
	return map[string]struct{ in, want string }{
		"empty":               {"", "is empty"},
		"trailing newline":    {encoded + "\n", "line break"},
		"trailing CR LF":      {encoded + "\r\n", "line break"},
		"newline inside":      {encoded[:20] + "\n" + encoded[20:], "line break"},
		"CR inside":           {encoded[:20] + "\r" + encoded[20:], "line break"},
		"only newlines":       {"\n\n\n\n", "line break"},
		"leading space":       {" " + encoded, "white space"},
		"tab":                 {encoded + "\t", "white space"},
		"no padding":          {strings.TrimRight(encoded, "="), "multiple of 4"},
		"double padding":      {encoded + "=", "multiple of 4"},
		"more padding":        {encoded + "====", "canonical"},
		"URL-safe":            {strings.Repeat("-_", 21) + "A=", "URL-safe"},
		"bits before padding": {strings.Repeat("A", 42) + "B=", "canonical"},
		"trailing data":       {encoded + "AAAA", "canonical"},
		"31 bytes":            {base64.StdEncoding.EncodeToString(raw[:31]), "31 bytes"},
		"33 bytes":            {base64.StdEncoding.EncodeToString(append(bytes.Clone(raw), 0)), "33 bytes"},
		"64 bytes":            {base64.StdEncoding.EncodeToString(append(bytes.Clone(raw), raw...)), "64 bytes"},
		"hexadecimal":         {hex.EncodeToString(raw), "hexadecimal"},
		"upper hexadecimal":   {strings.ToUpper(hex.EncodeToString(raw)), "hexadecimal"},
		"quoted":              {`"` + encoded[:42] + `"`, "character outside"},
		"not ASCII":           {"\u00e9" + encoded[2:], "character outside"},
		"NUL":                 {"\x00" + encoded[1:], "character outside"},
		"words":               {"this is not a key, it is a sentence", "white space"},
	}
}

func TestParseMaterial(t *testing.T) {
	t.Parallel()
	m := material(t)
	encoded := base64.StdEncoding.EncodeToString(m.Expose())
	got, err := byok.ParseMaterial(encoded)
	if err != nil || !got.Equal(m) {
		t.Fatalf("ParseMaterial of sound input: equal %t, %v", got.Equal(m), err)
	}
	for name, test := range badBase64(encoded) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := byok.ParseMaterial(test.in)
			mustFail(t, err, test.want, test.in)
			if !got.IsZero() {
				t.Error("returned material together with an error")
			}
		})
	}
}

func TestParseHash(t *testing.T) {
	t.Parallel()
	want := byok.HashMaterial(material(t))
	if got, err := byok.ParseHash(want); err != nil || got != want {
		t.Errorf("ParseHash = %q, %v", got, err)
	}
	for name, test := range badBase64(want) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := byok.ParseHash(test.in); err == nil || got != "" || !strings.Contains(err.Error(), test.want) {
				t.Errorf("ParseHash(%q) = %q, %v, want an error about %q", test.in, got, err, test.want)
			}
			if got := byok.HashPrefix(test.in); got != "" {
				t.Errorf("HashPrefix(%q) = %q", test.in, got)
			}
		})
	}
	// What Salesforce reports for an HSM key.
	if got, err := byok.ParseHash("UNKNOWM="); err == nil {
		t.Errorf("ParseHash(UNKNOWM=) = %q", got)
	}
	if got := byok.HashPrefix("UNKNOWM="); got != "" {
		t.Errorf("HashPrefix(UNKNOWM=) = %q", got)
	}
}

func TestHashPrefix(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256(material(t).Expose())
	if got, want := byok.HashPrefix(string(vector(t, "hash.b64"))), hex.EncodeToString(sum[:])[:8]; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzParseMaterial(f *testing.F) {
	encoded := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
	f.Add(encoded)
	for _, test := range badBase64(encoded) {
		f.Add(test.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := byok.ParseMaterial(s)
		hash, hashErr := byok.ParseHash(s)
		if (err == nil) != (hashErr == nil) {
			t.Fatalf("ParseMaterial: %v, ParseHash: %v", err, hashErr)
		}
		if err != nil {
			if !m.IsZero() || hash != "" || byok.HashPrefix(s) != "" {
				t.Fatal("a value came together with an error")
			}
			if len(s) >= 16 && strings.Contains(err.Error(), s) {
				t.Fatalf("error repeats the input: %v", err)
			}
			return
		}
		if m.Len() != byok.MaterialSize || base64.StdEncoding.EncodeToString(m.Expose()) != s || hash != s {
			t.Fatalf("%q is accepted but is not canonical", s)
		}
	})
}
