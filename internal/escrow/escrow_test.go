package escrow_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// ageFile reads a file of testdata/age without its last newline.
func ageFile(t testing.TB, name string) string {
	t.Helper()
	return strings.TrimSuffix(string(readFile(t, "age", name)), "\n")
}

func newX25519(t testing.TB) *age.X25519Identity {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func newHybrid(t testing.TB) *age.HybridIdentity {
	t.Helper()
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Escrow copies made by another implementation of age open here.
func TestOpenEscrowOfTypage(t *testing.T) {
	t.Parallel()
	for file, identity := range map[string]string{
		"x25519.age": "x25519-identity.txt", "x25519-two.age": "x25519-identity.txt", "hybrid.age": "hybrid-identity.txt",
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			m, err := escrow.Open(string(readFile(t, "age", file)), ageFile(t, identity))
			if err != nil || !m.Equal(material(t)) {
				t.Errorf("opens to other material, or %v", err)
			}
		})
	}
}

func TestEncryptEscrow(t *testing.T) {
	t.Parallel()
	x, y, pq, pq2 := newX25519(t), newX25519(t), newHybrid(t), newHybrid(t)
	tests := map[string]struct {
		recipients, identities []string
	}{
		"X25519":           {[]string{x.Recipient().String()}, []string{x.String()}},
		"two X25519":       {[]string{x.Recipient().String(), y.Recipient().String()}, []string{x.String(), y.String()}},
		"hybrid":           {[]string{pq.Recipient().String()}, []string{pq.String()}},
		"two hybrid":       {[]string{pq.Recipient().String(), pq2.Recipient().String()}, []string{pq.String(), pq2.String()}},
		"typage's X25519":  {[]string{ageFile(t, "x25519-recipient.txt")}, []string{ageFile(t, "x25519-identity.txt")}},
		"typage's hybrid":  {[]string{ageFile(t, "hybrid-recipient.txt")}, []string{ageFile(t, "hybrid-identity.txt")}},
		"many recipients":  {append(manyRecipients(t, 49), x.Recipient().String()), []string{x.String()}},
		"hybrid and other": {[]string{ageFile(t, "hybrid-recipient.txt"), pq.Recipient().String()}, []string{pq.String()}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := escrow.ParseRecipients(test.recipients)
			if err != nil {
				t.Fatal(err)
			}
			armored, err := r.Encrypt(material(t))
			if err != nil {
				t.Fatal(err)
			}
			for _, identity := range test.identities {
				m, err := escrow.Open(armored, identity)
				if err != nil || !m.Equal(material(t)) {
					t.Errorf("opens to other material, or %v", err)
				}
				// The payload is the 32 bytes and nothing else: that is what `age --decrypt` prints.
				if got := decryptAll(t, armored, identity); !bytes.Equal(got, material(t).Expose()) {
					t.Errorf("payload is %x", got)
				}
			}
			if _, err := escrow.Open(armored, newX25519(t).String()); err == nil {
				t.Error("opens with a stranger's identity")
			}
			again, err := r.Encrypt(material(t))
			if err != nil || again == armored {
				t.Errorf("two copies are equal, or %v", err)
			}
			if !slices.Equal(r.Strings(), test.recipients) {
				t.Errorf("recipients read %s", r.Strings())
			}
		})
	}
}

func manyRecipients(t *testing.T, n int) []string {
	t.Helper()
	out := make([]string, n)
	for i := range out {
		out[i] = newX25519(t).Recipient().String()
	}
	return out
}

func decryptAll(t *testing.T, armored, identity string) []byte {
	t.Helper()
	ids, err := age.ParseIdentities(strings.NewReader(identity))
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(armored)), ids...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRecipientsAreCopied(t *testing.T) {
	t.Parallel()
	r, err := escrow.ParseRecipients([]string{ageFile(t, "x25519-recipient.txt")})
	if err != nil {
		t.Fatal(err)
	}
	r.Strings()[0] = "changed"
	if !slices.Equal(r.Strings(), []string{ageFile(t, "x25519-recipient.txt")}) {
		t.Error("Strings gives away its own slice")
	}
}

func TestParseRecipientsRefuses(t *testing.T) {
	t.Parallel()
	x, pq := ageFile(t, "x25519-recipient.txt"), ageFile(t, "hybrid-recipient.txt")
	y := newX25519(t).Recipient().String()
	secretX, secretPQ := ageFile(t, "x25519-identity.txt"), ageFile(t, "hybrid-identity.txt")
	tests := map[string]struct {
		in   []string
		want string
	}{
		"nil":                      {nil, "no age recipient was given"},
		"none":                     {[]string{}, "no age recipient was given"},
		"too many":                 {slices.Repeat([]string{x}, 51), "expected at most 50"},
		"empty":                    {[]string{x, ""}, "recipient 1: is empty"},
		"secret identity":          {[]string{x, secretX}, "recipient 1: is a secret identity"},
		"secret hybrid identity":   {[]string{secretPQ}, "recipient 0: is a secret identity"},
		"lower-case identity":      {[]string{strings.ToLower(secretX)}, "recipient 0: is a secret identity"},
		"identity in a key file":   {[]string{"# created: 2026\n" + secretX + "\n"}, "recipient 0: is a secret identity"},
		"plugin identity":          {[]string{"AGE-PLUGIN-YUBIKEY-1QYQSZQGPQYQSZQGPQYQSZQGP"}, "recipient 0: is a secret identity"},
		"PEM private key":          {[]string{"-----BEGIN PRIVATE KEY-----\nMIIJQwIBADANBgkqhkiG9w0BAQEFAASCCS0w\n"}, "recipient 0: is a private key"},
		"OpenSSH private key":      {[]string{"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n"}, "recipient 0: is a private key"},
		"SSH Ed25519":              {[]string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMnZ user@host"}, "recipient 0: is an SSH key"},
		"SSH RSA":                  {[]string{"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ"}, "recipient 0: is an SSH key"},
		"plugin recipient":         {[]string{"age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t"}, "recipient 0: is the recipient of an age plugin"},
		"tagged recipient":         {[]string{"age1tag1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t"}, "recipient 0: is a tagged recipient"},
		"passphrase":               {[]string{"correct-horse-battery-staple"}, "recipient 0: is not an age public key"},
		"passphrase with spaces":   {[]string{"correct horse battery staple"}, "recipient 0: contains white space"},
		"PGP key":                  {[]string{"0xDEADBEEFDEADBEEF"}, "recipient 0: is not an age public key"},
		"trailing newline":         {[]string{x + "\n"}, "recipient 0: contains white space"},
		"two in one":               {[]string{x + " " + y}, "recipient 0: contains white space"},
		"mixed case":               {[]string{strings.ToUpper(x[:10]) + x[10:]}, "recipient 0: is malformed"},
		"one character changed":    {[]string{y, flip(x)}, "recipient 1: is malformed"},
		"hybrid cut off":           {[]string{pq[:len(pq)-1]}, "recipient 0: is malformed"},
		"prefix only":              {[]string{"age1"}, "recipient 0: is malformed"},
		"hybrid prefix only":       {[]string{"age1pq1"}, "recipient 0: is malformed"},
		"no separator":             {[]string{"age"}, "recipient 0: is not an age public key"},
		"repeated":                 {[]string{x, y, x}, "recipient 2: repeats recipient 0"},
		"in upper case":            {[]string{strings.ToUpper(x)}, "recipient 0: is malformed"},
		"hybrid after X25519":      {[]string{x, pq}, "recipient 1: post-quantum (age1pq1...) and X25519 (age1...) recipients cannot share"},
		"X25519 after hybrid":      {[]string{pq, x}, "recipient 1: post-quantum"},
		"point of low order, zero": {[]string{"age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqvt8mxx"}, "recipient 0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := escrow.ParseRecipients(test.in)
			secrets := []string{}
			for _, s := range test.in {
				if s != x && s != y && s != pq {
					secrets = append(secrets, strings.TrimPrefix(s, "ssh-"))
				}
			}
			mustFail(t, err, test.want, secrets...)
			if r != nil {
				t.Error("returned recipients together with an error")
			}
		})
	}
}

func flip(s string) string {
	b := []byte(s)
	at := len(b) / 2
	if b[at] == 'q' {
		b[at] = 'p'
	} else {
		b[at] = 'q'
	}
	return string(b)
}

func TestEncryptRefuses(t *testing.T) {
	t.Parallel()
	r, err := escrow.ParseRecipients([]string{ageFile(t, "x25519-recipient.txt")})
	if err != nil {
		t.Fatal(err)
	}
	destroyed := material(t)
	destroyed.Destroy()
	for name, test := range map[string]struct {
		r    *escrow.Recipients
		m    secret.Bytes
		want string
	}{
		"no material":   {r, secret.Bytes{}, "holds 0 bytes, expected 32"},
		"destroyed":     {r, destroyed, "holds 0 bytes, expected 32"},
		"33 bytes":      {r, secret.NewBytes(make([]byte, 33)), "holds 33 bytes, expected 32"},
		"no recipients": {&escrow.Recipients{}, material(t), "no age recipient was given"},
		"nil":           {nil, material(t), "no age recipient was given"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := test.r.Encrypt(test.m)
			mustFail(t, err, test.want, string(test.m.Expose()))
			if out != "" {
				t.Error("returned a copy together with an error")
			}
		})
	}
}

func TestOpenEscrowRefuses(t *testing.T) {
	t.Parallel()
	good, id := string(readFile(t, "age", "x25519.age")), ageFile(t, "x25519-identity.txt")
	lines := strings.Split(good, "\n")
	binary, err := io.ReadAll(armor.NewReader(strings.NewReader(good)))
	if err != nil {
		t.Fatal(err)
	}
	rearmor := func(b []byte) string {
		var out strings.Builder
		w := armor.NewWriter(&out)
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	payload, header := bytes.Clone(binary), bytes.Clone(binary)
	payload[len(payload)-1] ^= 1
	header[bytes.Index(header, []byte("--- "))+6] ^= 1
	tests := map[string]struct{ armored, identity, want string }{
		"empty":                     {"", id, "does not begin with"},
		"not armored":               {string(binary), id, "does not begin with"},
		"text before":               {"\n" + good, id, "does not begin with"},
		"cut off":                   {strings.Join(lines[:len(lines)-2], "\n"), id, "not sound age armor"},
		"text after":                {good + "more", id, "not sound age armor"},
		"line edited":               {strings.Replace(good, lines[2], lines[2][:40]+"!", 1), id, "not sound age armor"},
		"too long":                  {good + strings.Repeat("\n", 300<<10), id, "expected at most"},
		"armor of something else":   {rearmor([]byte("hello, this is not an age file")), id, "no age header"},
		"payload damaged":           {rearmor(payload), id, "payload is damaged"},
		"payload cut off":           {rearmor(binary[:len(binary)-8]), id, "payload is damaged"},
		"header MAC damaged":        {rearmor(header), id, "header is damaged"},
		"for a stranger":            {string(readFile(t, "age", "stranger.age")), id, "not encrypted to this identity"},
		"hybrid identity":           {good, ageFile(t, "hybrid-identity.txt"), "not encrypted to this identity"},
		"31 bytes":                  {string(readFile(t, "age", "short.age")), id, "holds 31 bytes, expected 32"},
		"33 bytes":                  {string(readFile(t, "age", "long.age")), id, "holds more than 32 bytes"},
		"no bytes":                  {string(readFile(t, "age", "empty.age")), id, "holds 0 bytes, expected 32"},
		"no identity":               {good, "", "expected a native age identity"},
		"recipient as identity":     {good, ageFile(t, "x25519-recipient.txt"), "expected a native age identity"},
		"plugin identity":           {good, "AGE-PLUGIN-YUBIKEY-1QYQSZQGPQYQSZQGP", "expected a native age identity"},
		"identity with newline":     {good, id + "\n", "identity is malformed"},
		"identity cut off":          {good, id[:len(id)-1], "identity is malformed"},
		"hybrid identity changed":   {good, strings.ToUpper(flip(strings.ToLower(ageFile(t, "hybrid-identity.txt")))), "identity is malformed"},
		"identity in lower case":    {good, strings.ToLower(id), "expected a native age identity"},
		"identity in mixed case":    {good, id[:30] + strings.ToLower(id[30:]), "identity is malformed"},
		"identity after a comment":  {good, "# my own key\n" + id, "expected a native age identity"},
		"passphrase as an identity": {good, "correct horse battery staple", "expected a native age identity"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := escrow.Open(test.armored, test.identity)
			_, secretPart, _ := strings.Cut(test.identity, "AGE-SECRET-KEY-")
			mustFail(t, err, test.want, secretPart, string(material(t).Expose()))
			if !m.IsZero() {
				t.Error("returned material together with an error")
			}
		})
	}
}

func FuzzParseRecipients(f *testing.F) {
	f.Add(ageFile(f, "x25519-recipient.txt"), ageFile(f, "hybrid-recipient.txt"))
	f.Add(ageFile(f, "x25519-recipient.txt"), newX25519(f).Recipient().String())
	f.Add(ageFile(f, "x25519-identity.txt"), "")
	f.Add("age1", "AGE1")
	f.Add("ssh-ed25519 AAAA", "age1yubikey1qqqq")
	f.Fuzz(func(t *testing.T, first, second string) {
		r, err := escrow.ParseRecipients([]string{first, second})
		if err != nil {
			for _, s := range []string{first, second} {
				if len(s) >= 32 && strings.Contains(err.Error(), s) {
					t.Fatalf("error repeats the input: %v", err)
				}
			}
			return
		}
		if got := r.Strings(); got[0] != first || got[1] != second {
			t.Fatalf("%q and %q read as %q", first, second, got)
		}
		if _, err := r.Encrypt(byok.GenerateMaterial()); err != nil {
			t.Fatalf("cannot encrypt to what was accepted: %v", err)
		}
	})
}

func FuzzOpenEscrow(f *testing.F) {
	for _, name := range []string{"x25519.age", "hybrid.age", "short.age", "long.age", "empty.age", "stranger.age"} {
		f.Add(string(readFile(f, "age", name)), ageFile(f, "x25519-identity.txt"))
	}
	f.Add(string(readFile(f, "age", "hybrid.age")), ageFile(f, "hybrid-identity.txt"))
	f.Add(armor.Header+"\n"+armor.Footer, "AGE-SECRET-KEY-1")
	f.Fuzz(func(t *testing.T, armored, identity string) {
		m, err := escrow.Open(armored, identity)
		if err != nil {
			if !m.IsZero() || len(identity) >= 32 && strings.Contains(err.Error(), identity) {
				t.Fatalf("material with an error, or an error that repeats the identity: %v", err)
			}
			return
		}
		if m.Len() != byok.MaterialSize {
			t.Fatalf("opens to %d bytes", m.Len())
		}
	})
}
