package sfsim

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
)

func unhex(t *testing.T, text string) []byte {
	t.Helper()
	out, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// The two examples of RFC 5649, section 6 (with its AES-192 key).
func TestUnwrapKWP(t *testing.T) {
	t.Parallel()
	kek := unhex(t, "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")
	for wrapped, want := range map[string]string{
		"138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a": "c37b7e6492584340bed12207808941155068f738",
		"afbeb0f07dfbf5419200f2ccb50bb24f":                                 "466f7250617369",
	} {
		sealed := unhex(t, wrapped)
		got, err := unwrapKWP(kek, sealed)
		if err != nil || hex.EncodeToString(got) != want {
			t.Errorf("%s unwraps to %x, %v", wrapped, got, err)
		}
		for i := range sealed {
			broken := bytes.Clone(sealed)
			broken[i] ^= 1
			if got, err := unwrapKWP(kek, broken); err == nil {
				t.Errorf("byte %d changed: unwraps to %x", i, got)
			}
		}
	}
	for _, n := range []int{0, 8, 15, 17, 23} {
		if _, err := unwrapKWP(kek, make([]byte, n)); err == nil {
			t.Errorf("%d bytes unwrap", n)
		}
	}
}

// A wrap whose integrity value is right and whose length or padding is not.
func TestUnwrapKWPPadding(t *testing.T) {
	t.Parallel()
	kek := bytes.Repeat([]byte{7}, 32)
	block, err := aes.NewCipher(kek)
	if err != nil {
		t.Fatal(err)
	}
	seal := func(length uint32, register string) []byte {
		out := append([]byte{0xA6, 0x59, 0x59, 0xA6}, binary.BigEndian.AppendUint32(nil, length)...)
		out = append(out, register...)
		block.Encrypt(out, out)
		return out
	}
	if got, err := unwrapKWP(kek, seal(3, "abc\x00\x00\x00\x00\x00")); err != nil || string(got) != "abc" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, tt := range []struct {
		length   uint32
		register string
	}{{3, "abc\x00\x00\x00\x00\x01"}, {9, "abcdefgh"}, {0, "\x00\x00\x00\x00\x00\x00\x00\x00"}, {1 << 31, "abcdefgh"}} {
		if got, err := unwrapKWP(kek, seal(tt.length, tt.register)); err == nil {
			t.Errorf("length %d unwraps to %q", tt.length, got)
		}
	}
}

func TestParseID(t *testing.T) {
	t.Parallel()
	// The 18-character ids of Salesforce's documents and of vendors' pages.
	for _, id := range []string{"02GB0000000HYswMAG", "02G41000000HLXrEAO", "01gRO0000016PIAYA2"} {
		if got, ok := parseID(id); !ok || got != id {
			t.Errorf("%s: %s, %v", id, got, ok)
		}
		if got, ok := parseID(id[:15]); !ok || got != id {
			t.Errorf("%s: %s, %v", id[:15], got, ok)
		}
	}
	for _, id := range []string{
		"", "02G", "02GB0000000HYswMAX", "02GB0000000HYs-", "02GB0000000HYswMA",
		"02gB0000000HYswMAG", strings.Repeat("é", 9),
	} {
		if got, ok := parseID(id); ok {
			t.Errorf("%q is taken for %s", id, got)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("02GB0000000HYswMAG")
	f.Add("02GB0000000HYsw")
	f.Add("")
	f.Fuzz(func(t *testing.T, id string) {
		full, ok := parseID(id)
		if !ok {
			return
		}
		if again, ok := parseID(full); !ok || again != full || !strings.HasPrefix(full, id[:15]) || len(full) != 18 {
			t.Errorf("%q becomes %q, then %q", id, full, again)
		}
	})
}

func FuzzParseObject(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"a":1,"b":null,"c":"x","d":{"e":[]}}`, `{"a":1,"A":2}`, `{"a":1}}`, `[]`,
		`{"a":1e999}`, `{"\ud800":0}`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := parseObject(body)
		if err != nil {
			if len(err.Error()) > 200+6*len(body) {
				t.Errorf("long error %v", err)
			}
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(body, &want); err != nil {
			t.Fatalf("accepts what encoding/json refuses: %v", err)
		}
		if len(want) != len(got) {
			t.Errorf("%d members, want %d", len(got), len(want))
		}
		if _, err := encodeJSON(got); err != nil {
			t.Errorf("can't be written again: %v", err)
		}
	})
}

func testWorld() *world {
	return &world{release: currentRelease, wrappingMaster: bytes.Repeat([]byte{1}, 32)}
}

func TestExportedForm(t *testing.T) {
	t.Parallel()
	w := testWorld()
	secret := &tenantSecret{id: "02GWt0000000001IAA", material: bytes.Repeat([]byte{9}, 32)}
	text := w.exportSecret(secret)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	// 73 bytes, among them the release, the IV and 48 bytes of ciphertext.
	if len(raw) != 73 || !bytes.HasPrefix(raw, []byte{0x0a, 3, '2', '6', '2', 0x12, 16}) || raw[23] != 0x1a ||
		raw[24] != 48 {
		t.Errorf("exported form %x", raw)
	}
	if bytes.Contains(raw, secret.material) {
		t.Error("the exported form holds the plaintext")
	}
	if got, err := w.importSecret(text); err != nil || !bytes.Equal(got, secret.material) {
		t.Errorf("imports as %x, %v", got, err)
	}
	other := testWorld()
	other.wrappingMaster = bytes.Repeat([]byte{2}, 32)
	if got, err := other.importSecret(text); err == nil && bytes.Equal(got, secret.material) {
		t.Error("another org can import it")
	}
}

func FuzzImportSecret(f *testing.F) {
	w := testWorld()
	f.Add(w.exportSecret(&tenantSecret{id: "02GWt0000000001IAA", material: bytes.Repeat([]byte{9}, 32)}))
	f.Add("")
	f.Add("CgM=")
	f.Add("CgMyNjISABoA")
	f.Add("CgP//////w==")
	f.Fuzz(func(t *testing.T, text string) {
		material, err := w.importSecret(text)
		if err != nil && material != nil {
			t.Errorf("material %x with error %v", material, err)
		}
	})
}

func FuzzUnwrapKWP(f *testing.F) {
	kek := bytes.Repeat([]byte{7}, 32)
	f.Add(make([]byte, 40))
	f.Add(make([]byte, 16))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, wrapped []byte) {
		before := bytes.Clone(wrapped)
		if got, err := unwrapKWP(kek, wrapped); err == nil && len(got) > len(wrapped)-8 {
			t.Errorf("%d bytes from %d", len(got), len(wrapped))
		}
		if !bytes.Equal(before, wrapped) {
			t.Error("the input was changed")
		}
	})
}

func TestTenantWrappingKeysDifferByRelease(t *testing.T) {
	t.Parallel()
	w := testWorld()
	block := func(c cipher.Block) string {
		out := make([]byte, 16)
		c.Encrypt(out, out)
		return hex.EncodeToString(out)
	}
	if block(w.tenantWrappingKey("262")) == block(w.tenantWrappingKey("264")) {
		t.Error("two releases share a key")
	}
	if block(w.tenantWrappingKey("262")) != block(testWorld().tenantWrappingKey("262")) {
		t.Error("the key of a release changes")
	}
}

func TestEscapeRequestLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"GET /q?q=a b c HTTP/1.1\r\nHost: x y\r\n\r\n": "GET /q?q=a%20b%20c HTTP/1.1\r\nHost: x y\r\n\r\n",
		"HEAD /a b HTTP/1.0\r\n\r\n":                   "HEAD /a%20b HTTP/1.0\r\n\r\n",
		"GET /a HTTP/1.1\r\n\r\n":                      "GET /a HTTP/1.1\r\n\r\n",
		"POST /a b HTTP/1.1\r\n\r\n":                   "POST /a b HTTP/1.1\r\n\r\n",
		"GET /a b c\r\n":                               "GET /a b c\r\n",
		"GET /a b HTTP/1.1":                            "GET /a b HTTP/1.1",
		"{\"GET /a b\"}":                               "{\"GET /a b\"}",
		"":                                             "",
	} {
		if got := string(escapeRequestLine([]byte(in))); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func FuzzEscapeRequestLine(f *testing.F) {
	f.Add([]byte("GET /q?q=a b HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Add([]byte("POST /q HTTP/1.1\r\n\r\nGET /a b HTTP/1.1\r\n"))
	f.Fuzz(func(t *testing.T, chunk []byte) {
		got := escapeRequestLine(bytes.Clone(chunk))
		if strings.ReplaceAll(string(got), "%20", " ") != strings.ReplaceAll(string(chunk), "%20", " ") {
			t.Errorf("%q becomes %q", chunk, got)
		}
		if !isGet(chunk) && !bytes.Equal(got, chunk) {
			t.Errorf("%q is not a GET, and becomes %q", chunk, got)
		}
	})
}

func TestLenientUnescape(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a+b%20c": "a b c", "50%": "50%", "50%2": "50%2", "%zz%41": "%zzA", "'%25'": "'%'", "": "", "%c3%a9": "é",
	} {
		if got := lenientUnescape(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestMatchGlob(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true},
		{"a*", "abc", true},
		{"*c", "abc", true},
		{"a*c", "abc", true},
		{"a*b*c", "axbxc", true},
		{"a*b*c", "axc", false},
		{"a*a", "a", false},
		{"*b*", "abc", true},
		{"/v*/x", "/v62.0/y/x", true},
		{"b*", "abc", false},
	} {
		if got := matchGlob(tt.pattern, tt.text); got != tt.want {
			t.Errorf("%q on %q: %v", tt.pattern, tt.text, got)
		}
	}
}

func TestKeyring(t *testing.T) {
	t.Parallel()
	var a, b keyring
	seen := map[string]bool{}
	for range 3 {
		key, err := a.next(2048)
		if err != nil {
			t.Fatal(err)
		}
		again, err := b.next(2048)
		if err != nil {
			t.Fatal(err)
		}
		if !key.Equal(again) {
			t.Error("two servers get different keys")
		}
		if id := key.N.String(); seen[id] || key.N.BitLen() != 2048 {
			t.Error("a key is handed out twice, or has the wrong size")
		} else {
			seen[id] = true
		}
	}
}

// Every embedded key says that it is public.
func TestEmbeddedKeysAreMarked(t *testing.T) {
	t.Parallel()
	keys, err := embeddedKeys()
	if err != nil || len(keys) < 9 {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	for name, key := range keys {
		body, err := keyFiles.ReadFile("testdata/keys/" + name)
		if err != nil || !bytes.HasPrefix(body, []byte("PUBLIC TEST KEY")) {
			t.Errorf("%s is not marked: %v", name, err)
		}
		if err := key.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{"", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := parsePrivateKey([]byte(bad)); err == nil {
			t.Errorf("%q is a key", bad)
		}
	}
}
