package escrow_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	"filippo.io/age/plugin"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// tagtest holds age's own stand-in for hardware keys: age-plugin-tagtest, built from the module of
// the age library, opens copies that were encrypted to these two recipients.
const tagtest = "filippo.io/age/tag/internal/age-plugin-tagtest"

// otherTag is the recipient of another hardware key: the base point of P-256.
const otherTag = "age1tag1qd43050juykyy3lchnnw2caygre8wqmasyk7kvaq7jsnj3wcnrpfvt5hxye"

// tagRecipients returns the classic and the post-quantum recipient of the stand-in.
func tagRecipients(t testing.TB) [2]string {
	t.Helper()
	return [2]string{ageFile(t, "tag-recipient.txt"), ageFile(t, "tagpq-recipient.txt")}
}

func newGroups(t testing.TB, groups ...[]string) *escrow.Plan {
	t.Helper()
	p, err := escrow.NewGroups(groups)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func encryptTo(t testing.TB, p *escrow.Plan) string {
	t.Helper()
	armored, err := p.Encrypt(material(t))
	if err != nil {
		t.Fatal(err)
	}
	return armored
}

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

// Escrow copies made by another implementation of age are read here.
func TestFitsCopyOfTypage(t *testing.T) {
	t.Parallel()
	for file, identity := range map[string]string{
		"x25519.age": "x25519-identity.txt", "x25519-two.age": "x25519-identity.txt", "hybrid.age": "hybrid-identity.txt",
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			armored := string(readFile(t, "age", file))
			mustOpen(t, armored, ageFile(t, identity))
			recipient := ageFile(t, strings.Replace(identity, "identity", "recipient", 1))
			if err := newPlan(t, recipient).Fits(armored); (err == nil) == strings.Contains(file, "two") {
				t.Errorf("compared with a plan of one recipient: %v", err)
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
		"X25519":     {[]string{x.Recipient().String()}, []string{x.String()}},
		"two X25519": {[]string{x.Recipient().String(), y.Recipient().String()}, []string{x.String(), y.String()}},
		"hybrid":     {[]string{pq.Recipient().String()}, []string{pq.String()}},
		"two hybrid": {
			[]string{pq.Recipient().String(), pq2.Recipient().String()},
			[]string{pq.String(), pq2.String()},
		},
		"typage's X25519":  {[]string{ageFile(t, "x25519-recipient.txt")}, []string{ageFile(t, "x25519-identity.txt")}},
		"typage's hybrid":  {[]string{ageFile(t, "hybrid-recipient.txt")}, []string{ageFile(t, "hybrid-identity.txt")}},
		"many recipients":  {append(manyRecipients(t, 49), x.Recipient().String()), []string{x.String()}},
		"hybrid and other": {[]string{ageFile(t, "hybrid-recipient.txt"), pq.Recipient().String()}, []string{pq.String()}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := escrow.NewPlan(test.recipients)
			if err != nil {
				t.Fatal(err)
			}
			armored, err := r.Encrypt(material(t))
			if err != nil {
				t.Fatal(err)
			}
			for _, identity := range test.identities {
				// The payload is the 32 bytes and nothing else: that is what `age --decrypt` prints.
				mustOpen(t, armored, identity)
			}
			if _, err := open(armored, newX25519(t).String()); err == nil {
				t.Error("opens with a stranger's identity")
			}
			again, err := r.Encrypt(material(t))
			if err != nil || again == armored {
				t.Errorf("two copies are equal, or %v", err)
			}
			if !slices.Equal(r.Recipients(), test.recipients) {
				t.Errorf("recipients read %s", r.Recipients())
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

func TestRecipientsAreCopied(t *testing.T) {
	t.Parallel()
	r, err := escrow.NewPlan([]string{ageFile(t, "x25519-recipient.txt")})
	if err != nil {
		t.Fatal(err)
	}
	r.Recipients()[0] = "changed"
	if !slices.Equal(r.Recipients(), []string{ageFile(t, "x25519-recipient.txt")}) {
		t.Error("Recipients gives away its own slice")
	}
}

func TestNewPlanRefuses(t *testing.T) {
	t.Parallel()
	x, pq := ageFile(t, "x25519-recipient.txt"), ageFile(t, "hybrid-recipient.txt")
	y := newX25519(t).Recipient().String()
	secretX, secretPQ := ageFile(t, "x25519-identity.txt"), ageFile(t, "hybrid-identity.txt")
	tests := map[string]struct {
		in   []string
		want string
	}{
		"nil":                    {nil, "has 0 age recipients, expected 1 to 50"},
		"none":                   {[]string{}, "escrow.age_recipients has 0 age recipients"},
		"too many":               {slices.Repeat([]string{x}, 51), "has 51 age recipients, expected 1 to 50"},
		"empty":                  {[]string{x, ""}, "escrow.age_recipients[1] is empty"},
		"secret identity":        {[]string{x, secretX}, "escrow.age_recipients[1] is a secret identity"},
		"secret hybrid identity": {[]string{secretPQ}, "escrow.age_recipients[0] is a secret identity"},
		"lower-case identity":    {[]string{strings.ToLower(secretX)}, "escrow.age_recipients[0] is a secret identity"},
		"identity in a key file": {
			[]string{"# created: 2026\n" + secretX + "\n"},
			"escrow.age_recipients[0] is a secret identity",
		},
		"plugin identity": {
			[]string{"AGE-PLUGIN-YUBIKEY-1QYQSZQGPQYQSZQGPQYQSZQGP"},
			"escrow.age_recipients[0] is a secret identity",
		},
		"PEM private key": {
			[]string{"-----BEGIN PRIVATE KEY-----\nMIIJQwIBADANBgkqhkiG9w0BAQEFAASCCS0w\n"},
			"escrow.age_recipients[0] is a private key",
		},
		"OpenSSH private key": {
			[]string{"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n"},
			"escrow.age_recipients[0] is a private key",
		},
		"SSH Ed25519": {
			[]string{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMnZ user@host"},
			"escrow.age_recipients[0] is an SSH key",
		},
		"SSH RSA": {
			[]string{"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ"},
			"escrow.age_recipients[0] is an SSH key",
		},
		"plugin recipient": {
			[]string{"age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t"},
			"escrow.age_recipients[0] is the recipient of an age plugin",
		},
		"tagged, bad checksum": {
			[]string{"age1tag1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t"},
			"escrow.age_recipients[0] is malformed",
		},
		"passphrase": {
			[]string{"correct-horse-battery-staple"},
			"escrow.age_recipients[0] is not an age public key",
		},
		"passphrase with spaces": {
			[]string{"correct horse battery staple"},
			"escrow.age_recipients[0] contains white space",
		},
		"PGP key":                 {[]string{"0xDEADBEEFDEADBEEF"}, "escrow.age_recipients[0] is not an age public key"},
		"trailing newline":        {[]string{x + "\n"}, "escrow.age_recipients[0] contains white space"},
		"two in one":              {[]string{x + " " + y}, "escrow.age_recipients[0] contains white space"},
		"mixed case":              {[]string{strings.ToUpper(x[:10]) + x[10:]}, "escrow.age_recipients[0] is malformed"},
		"one character changed":   {[]string{y, flip(x)}, "escrow.age_recipients[1] is malformed"},
		"hybrid cut off":          {[]string{pq[:len(pq)-1]}, "escrow.age_recipients[0] is malformed"},
		"prefix only":             {[]string{"age1"}, "escrow.age_recipients[0] is malformed"},
		"hybrid prefix only":      {[]string{"age1pq1"}, "escrow.age_recipients[0] is malformed"},
		"no separator":            {[]string{"age"}, "escrow.age_recipients[0] is not an age public key"},
		"repeated":                {[]string{x, y, x}, "escrow.age_recipients[2] repeats escrow.age_recipients[0]"},
		"tagged, in upper case":   {[]string{strings.ToUpper(otherTag)}, "escrow.age_recipients[0] is "},
		"tagged and post-quantum": {[]string{otherTag, pq}, "escrow.age_recipients[1] is of another kind"},
		"X25519 and tagged pq": {
			[]string{x, ageFile(t, "tagpq-recipient.txt")},
			"escrow.age_recipients[1] is of another kind",
		},
		"in upper case": {[]string{strings.ToUpper(x)}, "escrow.age_recipients[0] is malformed"},
		"hybrid after X25519": {[]string{x, pq}, "escrow.age_recipients[1] is of another kind than " +
			"escrow.age_recipients[0]: post-quantum"},
		"X25519 after hybrid": {[]string{pq, x}, "escrow.age_recipients[1] is of another kind"},
		"point of low order, zero": {
			[]string{"age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqvt8mxx"},
			"escrow.age_recipients[0] is ",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := escrow.NewPlan(test.in)
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
	r, err := escrow.NewPlan([]string{ageFile(t, "x25519-recipient.txt")})
	if err != nil {
		t.Fatal(err)
	}
	destroyed := material(t)
	destroyed.Destroy()
	for name, test := range map[string]struct {
		r    *escrow.Plan
		m    secret.Bytes
		want string
	}{
		"no material":   {r, secret.Bytes{}, "holds 0 bytes, expected 32"},
		"destroyed":     {r, destroyed, "holds 0 bytes, expected 32"},
		"33 bytes":      {r, secret.NewBytes(make([]byte, 33)), "holds 33 bytes, expected 32"},
		"no recipients": {&escrow.Plan{}, material(t), "no age recipient was given"},
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

func TestFitsRefuses(t *testing.T) {
	t.Parallel()
	good, p := string(readFile(t, "age", "x25519.age")), newPlan(t, ageFile(t, "x25519-recipient.txt"))
	lines := strings.Split(good, "\n")
	binary, err := io.ReadAll(armor.NewReader(strings.NewReader(good)))
	if err != nil {
		t.Fatal(err)
	}
	var other strings.Builder
	w := armor.NewWriter(&other)
	if _, err := w.Write([]byte("hello, this is not an age file")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ armored, want string }{
		"empty":                   {"", "does not begin with"},
		"not armored":             {string(binary), "does not begin with"},
		"text before":             {"\n" + good, "does not begin with"},
		"cut off":                 {strings.Join(lines[:len(lines)-2], "\n"), "not sound age armor"},
		"text after":              {good + "more", "not sound age armor"},
		"line edited":             {strings.Replace(good, lines[2], lines[2][:40]+"!", 1), "not sound age armor"},
		"too long":                {good + strings.Repeat("\n", 5<<20), "expected at most"},
		"armor of something else": {other.String(), "no age header"},
		"31 bytes":                {string(readFile(t, "age", "short.age")), "bytes"},
		"33 bytes":                {string(readFile(t, "age", "long.age")), "bytes"},
		"no bytes":                {string(readFile(t, "age", "empty.age")), "bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustFail(t, p.Fits(test.armored), test.want)
		})
	}
}

func FuzzNewPlan(f *testing.F) {
	f.Add(ageFile(f, "x25519-recipient.txt"), ageFile(f, "hybrid-recipient.txt"))
	f.Add(ageFile(f, "x25519-recipient.txt"), newX25519(f).Recipient().String())
	f.Add(ageFile(f, "x25519-identity.txt"), "")
	f.Add("age1", "AGE1")
	f.Add("ssh-ed25519 AAAA", "age1yubikey1qqqq")
	f.Fuzz(func(t *testing.T, first, second string) {
		r, err := escrow.NewPlan([]string{first, second})
		if err != nil {
			for _, s := range []string{first, second} {
				if len(s) >= 32 && strings.Contains(err.Error(), s) {
					t.Fatalf("error repeats the input: %v", err)
				}
			}
			return
		}
		if got := r.Recipients(); got[0] != first || got[1] != second {
			t.Fatalf("%q and %q read as %q", first, second, got)
		}
		if _, err := r.Encrypt(byok.GenerateMaterial()); err != nil {
			t.Fatalf("cannot encrypt to what was accepted: %v", err)
		}
	})
}

func FuzzFits(f *testing.F) {
	for _, name := range []string{"x25519.age", "hybrid.age", "short.age", "long.age", "empty.age", "stranger.age"} {
		f.Add(string(readFile(f, "age", name)))
	}
	f.Add(armor.Header + "\n" + armor.Footer)
	p := newPlan(f, ageFile(f, "x25519-recipient.txt"))
	f.Fuzz(func(t *testing.T, armored string) {
		if p.Fits(armored) != nil {
			return
		}
		if _, err := io.ReadAll(armor.NewReader(strings.NewReader(armored))); err != nil {
			t.Fatalf("what fits is no armored file: %v", err)
		}
	})
}

func TestGroups(t *testing.T) {
	t.Parallel()
	const size = 3
	x, y, z := [size]*age.X25519Identity{}, [size]*age.X25519Identity{}, [size]*age.X25519Identity{}
	groups := make([][]string, 3)
	for i := range size {
		x[i], y[i], z[i] = newX25519(t), newX25519(t), newX25519(t)
		groups[0], groups[1], groups[2] = append(groups[0], x[i].Recipient().String()),
			append(groups[1], y[i].Recipient().String()), append(groups[2], z[i].Recipient().String())
	}
	p := newGroups(t, groups...)
	if got := p.Groups(); !slices.EqualFunc(got, groups, slices.Equal) || p.Recipients() != nil {
		t.Errorf("the plan has groups %v and recipients %v", got, p.Recipients())
	}
	armored := encryptTo(t, p)
	for i := range size {
		mustOpen(t, armored, x[i].String(), y[size-1-i].String(), z[0].String())
	}
	for name, identities := range map[string][]string{
		"the outer group alone":   {z[0].String(), z[1].String()},
		"the inner group alone":   {x[0].String(), x[1].String()},
		"without the middle one":  {x[0].String(), z[0].String()},
		"without the inner group": {y[0].String(), z[0].String()},
		"nobody":                  nil,
	} {
		if _, err := open(armored, identities...); err == nil {
			t.Errorf("%s opens it", name)
		}
	}
	if err := p.Fits(armored); err != nil {
		t.Errorf("a copy does not fit its plan: %v", err)
	}
	if err := newGroups(t, groups[0], groups[1]).Fits(armored); err == nil {
		t.Error("three layers fit a plan of two")
	}
	if err := newGroups(t, groups[0], groups[1], groups[2][:2]).Fits(armored); err == nil {
		t.Error("three recipients fit a plan of two")
	}
}

// Layers of post-quantum recipients, as large as they get with two groups.
func TestLargestGroups(t *testing.T) {
	t.Parallel()
	groups, identities := make([][]string, 2), make([]string, 2)
	for g := range groups {
		for range 50 {
			id := newHybrid(t)
			groups[g], identities[g] = append(groups[g], id.Recipient().String()), id.String()
		}
	}
	p := newGroups(t, groups...)
	armored := encryptTo(t, p)
	mustOpen(t, armored, identities...)
	if err := p.Fits(armored); err != nil {
		t.Error(err)
	}
}

func TestNewGroupsRefuses(t *testing.T) {
	t.Parallel()
	x, pq := ageFile(t, "x25519-recipient.txt"), ageFile(t, "hybrid-recipient.txt")
	y, z := newX25519(t).Recipient().String(), newX25519(t).Recipient().String()
	secretX := ageFile(t, "x25519-identity.txt")
	tests := map[string]struct {
		in   [][]string
		want string
	}{
		"nil":       {nil, "escrow.recipient_groups has 0 groups, expected 2 to 20"},
		"one group": {[][]string{{x, y}}, "escrow.recipient_groups has 1 groups, expected 2 to 20"},
		"too many":  {make([][]string, 21), "escrow.recipient_groups has 21 groups"},
		"an empty group": {[][]string{{x}, {}}, "escrow.recipient_groups[1] has 0 age recipients, expected 1 " +
			"to 50"},
		"a group of 51": {
			[][]string{{x}, slices.Repeat([]string{y}, 51)},
			"escrow.recipient_groups[1] has 51 age recipients",
		},
		"one recipient in two": {[][]string{{x, y}, {z, y}}, "escrow.recipient_groups[1][1] repeats " +
			"escrow.recipient_groups[0][1]; a recipient stands in one group"},
		"one recipient twice in one": {
			[][]string{{x}, {y, y}},
			"escrow.recipient_groups[1][1] repeats escrow.recipient_groups[1][0]",
		},
		"mixed kinds across groups": {[][]string{{x}, {pq}}, "escrow.recipient_groups[1][0] is of another kind than " +
			"escrow.recipient_groups[0][0]"},
		"mixed kinds within one": {
			[][]string{{pq}, {ageFile(t, "tagpq-recipient.txt"), y}},
			"escrow.recipient_groups[1][1] is of another kind",
		},
		"a secret identity":  {[][]string{{x}, {y, secretX}}, "escrow.recipient_groups[1][1] is a secret identity"},
		"an empty recipient": {[][]string{{""}, {x}}, "escrow.recipient_groups[0][0] is empty"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := escrow.NewGroups(test.in)
			mustFail(t, err, test.want, secretX)
			if p != nil {
				t.Error("returned a plan together with an error")
			}
		})
	}
}

// Hardware-held recipients are known to age itself. Its own software stand-in for a token opens
// what was encrypted to them.
func TestHardwareHeldRecipients(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the stand-in is found on PATH without an extension")
	}
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(bin, "age-plugin-tagtest"), tagtest)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build age's stand-in: %v\n%s", err, out)
	}
	// The stand-in is found on PATH, so neither this test nor its parts are parallel.
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	token, err := plugin.NewIdentity(plugin.EncodeIdentity("tagtest", nil), &plugin.ClientUI{})
	if err != nil {
		t.Fatal(err)
	}
	tags, x, pq := tagRecipients(t), newX25519(t), newHybrid(t)
	//nolint:paralleltest // the environment is set for all of them
	for name, test := range map[string]struct {
		plan  *escrow.Plan
		other string
	}{
		"classic":                      {newPlan(t, tags[0]), ""},
		"classic beside X25519":        {newPlan(t, x.Recipient().String(), tags[0]), x.String()},
		"post-quantum":                 {newPlan(t, tags[1]), ""},
		"post-quantum beside hybrid":   {newPlan(t, tags[1], pq.Recipient().String()), pq.String()},
		"classic beside another token": {newPlan(t, otherTag, tags[0]), ""},
	} {
		t.Run(name, func(t *testing.T) {
			armored := encryptTo(t, test.plan)
			r, err := age.Decrypt(armor.NewReader(strings.NewReader(armored)), token)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, material(t).Expose()) {
				t.Errorf("the token opens %x, %v", got, err)
			}
			if err := test.plan.Fits(armored); err != nil {
				t.Error(err)
			}
			if test.other != "" {
				mustOpen(t, armored, test.other)
			}
		})
	}
}

// The drill of two custodians: plain age commands, one after the other.
func TestGroupsOpenWithPlainAge(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("age"); err != nil {
		t.Skip("no age command")
	}
	dir, x, y := t.TempDir(), newX25519(t), newX25519(t)
	armored := encryptTo(t, newGroups(t, []string{x.Recipient().String()},
		[]string{newX25519(t).Recipient().String(), y.Recipient().String()}))
	for name, content := range map[string]string{
		"copy.age": armored, "first.txt": x.String() + "\n",
		"last.txt": y.String() + "\n",
	} {
		plant(t, dir, name, content)
	}
	drill := func(script string) ([]byte, error) {
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "sh", "-c", script)
		cmd.Dir = dir
		return cmd.Output()
	}
	if out, err := drill("age -d -i last.txt copy.age | age -d -i first.txt"); err != nil ||
		!bytes.Equal(out, material(t).Expose()) {
		t.Errorf("the drill gives %x, %v", out, err)
	}
	if out, err := drill("age -d -i first.txt copy.age"); err == nil {
		t.Errorf("the inner custodian alone gives %x", out)
	}
}
