package quorum_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/quorum"
)

// person holds a key, and approves by a library or by hand.
type person struct {
	name string
	pub  ssh.PublicKey
	// sign returns the armored signature over a text in a namespace.
	sign func(t testing.TB, text, namespace string) string
}

// line is the public key as ssh-keygen writes it.
func (p person) line() string {
	return strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(p.pub)), "\n") + " " + p.name
}

func (p person) approve(t testing.TB, text string) string {
	t.Helper()
	return p.sign(t, text, quorum.Namespace)
}

func (p person) fingerprint() string { return ssh.FingerprintSHA256(p.pub) }

func newPerson(t testing.TB, name string, key crypto.Signer) person {
	t.Helper()
	signer, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	return person{name, signer.PublicKey(), func(t testing.TB, text, namespace string) string {
		t.Helper()
		sig, err := sshsig.Sign(strings.NewReader(text), signer, sshsig.HashSHA512, namespace)
		if err != nil {
			t.Fatal(err)
		}
		return string(sshsig.Armor(sig))
	}}
}

func newEd25519(t testing.TB, name string) person {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return newPerson(t, name, key)
}

// newToken is a software stand-in for a hardware key: it makes what PROTOCOL.u2f of OpenSSH says a
// token makes, with the given flags. Bit 0 attests a touch.
func newToken(t testing.TB, name, kind string, flags byte) person {
	t.Helper()
	const application = "ssh:"
	var blob []byte
	var sign func(message []byte) []byte
	switch kind {
	case ssh.KeyAlgoSKED25519:
		public, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		blob = ssh.Marshal(struct {
			Kind        string
			Key         []byte
			Application string
		}{kind, public, application})
		sign = func(message []byte) []byte { return ed25519.Sign(key, message) }
	case ssh.KeyAlgoSKECDSA256:
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		blob = ssh.Marshal(struct {
			Kind, Curve string
			Point       []byte
			Application string
		}{kind, "nistp256", point, application})
		sign = func(message []byte) []byte {
			digest := sha256.Sum256(message)
			r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
			if err != nil {
				t.Fatal(err)
			}
			return ssh.Marshal(struct{ R, S *big.Int }{r, s})
		}
	}
	pub, err := ssh.ParsePublicKey(blob)
	if err != nil {
		t.Fatal(err)
	}
	return person{name, pub, func(t testing.TB, text, namespace string) string {
		t.Helper()
		digest := sha256.Sum256([]byte(text))
		data := toSign(namespace, digest)
		counter := []byte{flags, 0, 0, 0, 7}
		app, message := sha256.Sum256([]byte(application)), sha256.Sum256(data)
		signed := slices.Concat(app[:], counter, message[:])
		return string(sshsig.Armor(&sshsig.Signature{
			Version: 1, PublicKey: pub, Namespace: namespace, HashAlgorithm: sshsig.HashSHA256,
			Signature: &ssh.Signature{Format: kind, Blob: sign(signed), Rest: counter},
		}))
	}}
}

func approvers(t testing.TB, threshold int64, people ...person) *quorum.Approvers {
	t.Helper()
	lines := make([]string, 0, len(people))
	for _, p := range people {
		lines = append(lines, p.line())
	}
	a, err := quorum.New(lines, threshold)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func destruction() quorum.Statement {
	return quorum.Statement{
		Operation: quorum.Destroy, Organization: "00DXX0000008abcMAA", Record: "02G000000000001AAA", Type: "Data", Version: 3,
		Hash: "7Tl0mHB8PeoHzXIZ2TjQGDMCcz0mRTgqzNwxuYcHPdM=", LastModified: noon.Add(-time.Hour),
		NotAfter: noon.Add(24 * time.Hour),
	}
}

// mustFail fails the test unless err mentions want and repeats no part of the inputs.
func mustFail(t *testing.T, err error, want string, inputs ...string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("expected an error about %q, found %v", want, err)
		return
	}
	for _, input := range inputs {
		for from := 0; from+20 <= len(input); from += 10 {
			if strings.Contains(err.Error(), input[from:from+20]) {
				t.Errorf("the error repeats its input: %v", err)
				break
			}
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	alice, bob, carol := newEd25519(t, "alice"), newPerson(t, "bob@bank", p256), newEd25519(t, "carol")
	dave, erin := newToken(t, "dave", ssh.KeyAlgoSKED25519, 1), newToken(t, "", ssh.KeyAlgoSKECDSA256, 5)
	mallory := newEd25519(t, "mallory")
	q := quorum.All(nil, approvers(t, 2, alice, bob, dave, erin))
	text := destruction().String()
	with := func(change func(*quorum.Statement)) string {
		s := destruction()
		change(&s)
		return s.String()
	}
	for name, test := range map[string]struct {
		approvals []string
		want      string
		signers   []person
	}{
		"two of four": {[]string{bob.approve(t, text), alice.approve(t, text)}, "", []person{bob, alice}},
		"more than needed": {
			[]string{alice.approve(t, text), bob.approve(t, text), dave.approve(t, text)},
			"",
			[]person{alice, bob, dave},
		},
		"hardware keys": {[]string{dave.approve(t, text), erin.approve(t, text)}, "", []person{dave, erin}},
		"as a heredoc has it": {[]string{
			"\n    " + strings.ReplaceAll(alice.approve(t, text), "\n", "\r\n    ") + "\n\n",
			bob.approve(t, text),
		}, "", []person{alice, bob}},
		"nobody": {nil, "destruction_approvers needs 2 approvals and has 0: 2 missing; nobody has signed", nil},
		"one": {[]string{alice.approve(t, text)}, "destruction_approvers needs 2 approvals and has 1: 1 " +
			"missing; signed by " + alice.fingerprint() + " (alice)", nil},
		"the same twice": {
			[]string{alice.approve(t, text), alice.approve(t, text)},
			"destruction_approvals[1] is by " + alice.fingerprint() + " (alice), who signed destruction_approvals[0] too: " +
				"each approver counts once", nil,
		},
		"the same twice by ecdsa": {
			[]string{bob.approve(t, text), alice.approve(t, text), bob.approve(t, text)},
			"destruction_approvals[2] is by " + bob.fingerprint() + " (bob@bank), who signed destruction_approvals[0]", nil,
		},
		"a stranger": {
			[]string{alice.approve(t, text), mallory.approve(t, text)},
			"destruction_approvals[1] is by " + mallory.fingerprint() + ", which is none of the approvers", nil,
		},
		"a stranger beside enough": {
			[]string{alice.approve(t, text), bob.approve(t, text), mallory.approve(t, text)},
			"destruction_approvals[2] is by " + mallory.fingerprint(), nil,
		},
		"another namespace": {
			[]string{alice.sign(t, text, "file")},
			`destruction_approvals[0] is by ` + alice.fingerprint() +
				` (alice) for the namespace "file", expected "salesforcebyok-destroy"`, nil,
		},
		"no namespace": {[]string{dave.sign(t, text, "")}, `for the namespace ""`, nil},
		"another record": {[]string{alice.approve(t, with(func(s *quorum.Statement) {
			s.Record = "02G000000000002AAA"
		}))}, "not over this statement", nil},
		"another org": {[]string{alice.approve(t, with(func(s *quorum.Statement) {
			s.Organization = "00DXX0000009xyzMAA"
		}))}, "not over this statement", nil},
		"another day": {[]string{bob.approve(t, with(func(s *quorum.Statement) {
			s.NotAfter = s.NotAfter.Add(24 * time.Hour)
		}))}, "not over this statement", nil},
		"another operation": {[]string{bob.approve(t, with(func(s *quorum.Statement) {
			s.Operation = quorum.DestroyForGood
		}))}, "not over this statement", nil},
		"another state": {[]string{bob.approve(t, with(func(s *quorum.Statement) {
			s.LastModified = noon
		}))}, "not over this statement", nil},
		"another hash": {
			[]string{bob.approve(t, with(func(s *quorum.Statement) { s.Hash = "" }))},
			"not over this statement", nil,
		},
		"another version": {
			[]string{bob.approve(t, with(func(s *quorum.Statement) { s.Version = 4 }))},
			"not over this statement", nil,
		},
		"without its last line": {[]string{bob.approve(t, strings.TrimSuffix(text, "\n"))}, "with its last line end", nil},
		"a token without touch": {[]string{newTokenOf(t, dave, 0).approve(t, text)}, "none of the approvers", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			signers, err := q.Verify(text, test.approvals)
			if test.want != "" {
				mustFail(t, err, test.want, append(test.approvals, alice.line(), bob.line())...)
				if signers != nil {
					t.Errorf("returned %v together with an error", signers)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, p := range test.signers {
				if s := signers[i]; s.Fingerprint != p.fingerprint() || s.Comment != p.name || len(signers) != len(test.signers) {
					t.Errorf("signer %d is %v, want %s", i, s, p.name)
				}
				if _, err := q.Verify(text, []string{signers[i].Signature}); err == nil || !strings.Contains(err.Error(), "has 1") {
					t.Errorf("the kept signature does not count: %v", err)
				}
			}
		})
	}
	if carol.fingerprint() == alice.fingerprint() {
		t.Error("two keys are one")
	}
}

// newTokenOf is another token than p, with other flags.
func newTokenOf(t testing.TB, p person, flags byte) person {
	t.Helper()
	return newToken(t, p.name, p.pub.Type(), flags)
}

// A hardware key must attest a touch, whatever it was made with.
func TestHardwareKeysMustBeTouched(t *testing.T) {
	t.Parallel()
	text := destruction().String()
	for _, kind := range []string{ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256} {
		for flags, want := range map[byte]string{
			0: "without a touch of the hardware key",
			4: "without a touch of the hardware key", 1: "", 5: "",
		} {
			token := newToken(t, "token", kind, flags)
			signers, err := quorum.All(approvers(t, 1, token)).Verify(text, []string{token.approve(t, text)})
			if want == "" {
				if err != nil || len(signers) != 1 {
					t.Errorf("%s with flags %d: %v", kind, flags, err)
				}
				continue
			}
			mustFail(t, err, want)
		}
	}
}

// An RSA key signs by SHA-2. The older form, over a SHA-1, is one that somebody may forge.
func TestSHA1IsRefused(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	byAlgorithm, ok := signer.(ssh.AlgorithmSigner)
	if !ok {
		t.Fatal("the signer has no choice of algorithms")
	}
	alice, text := newPerson(t, "alice", key), destruction().String()
	for algorithm, want := range map[string]string{
		ssh.KeyAlgoRSASHA256: "", ssh.KeyAlgoRSASHA512: "", ssh.KeyAlgoRSA: "of a kind that is not known here",
	} {
		digest := sha256.Sum256([]byte(text))
		signature, err := byAlgorithm.SignWithAlgorithm(rand.Reader, toSign(quorum.Namespace, digest), algorithm)
		if err != nil {
			t.Skipf("%s: %v", algorithm, err) // strict FIPS makes no SHA-1
		}
		approval := string(sshsig.Armor(&sshsig.Signature{
			Version: 1, PublicKey: signer.PublicKey(), Namespace: quorum.Namespace, HashAlgorithm: sshsig.HashSHA256,
			Signature: signature,
		}))
		_, err = quorum.All(approvers(t, 1, alice)).Verify(text, []string{approval})
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", algorithm, err)
			}
			continue
		}
		mustFail(t, err, want)
	}
}

// toSign is what an SSH signature is over: the SHA-256 of a text, in a namespace.
func toSign(namespace string, digest [sha256.Size]byte) []byte {
	return append([]byte("SSHSIG"), ssh.Marshal(struct{ Namespace, Reserved, Hash, Digest string }{
		namespace, "", "sha256", string(digest[:]),
	})...)
}

// Both the quorum of the configuration and that of the environment must be met; one person may
// count in both.
func TestBothQuorums(t *testing.T) {
	t.Parallel()
	alice, bob, carol := newEd25519(t, "alice"), newEd25519(t, "bob"), newEd25519(t, "carol")
	text := destruction().String()
	fromEnvironment, err := quorum.FromEnvironment(func(string) (string, bool) {
		return `{"public_keys":["` + bob.line() + `","` + carol.line() + `"],"threshold":2}`, true
	})
	if err != nil {
		t.Fatal(err)
	}
	q := quorum.All(approvers(t, 1, alice, bob), fromEnvironment)
	if q.Required() != 2 || quorum.All(nil, nil).Required() != 0 || fromEnvironment.Threshold() != 2 {
		t.Errorf("required %d", q.Required())
	}
	if signers, err := q.Verify(text, []string{bob.approve(t, text), carol.approve(t, text)}); err != nil ||
		len(signers) != 2 {
		t.Errorf("bob counts in both: %v, %v", signers, err)
	}
	_, err = q.Verify(text, []string{alice.approve(t, text), bob.approve(t, text)})
	mustFail(t, err, "SALESFORCEBYOK_DESTRUCTION_APPROVERS needs 2 approvals and has 1: 1 missing; signed by "+
		alice.fingerprint()+" (alice), "+bob.fingerprint()+" (bob)")
	_, err = q.Verify(text, []string{carol.approve(t, text)})
	mustFail(t, err, "destruction_approvers needs 1 approvals and has 0: 1 missing; "+
		"SALESFORCEBYOK_DESTRUCTION_APPROVERS needs 2 approvals and has 1")
	missing, ok := errors.AsType[*quorum.MissingError](err)
	if !ok || len(missing.Signers) != 1 || missing.Signers[0].Comment != "carol" || len(missing.Missing) != 2 {
		t.Errorf("missing %+v", missing)
	}
	if signers, err := quorum.All().Verify(text, nil); err != nil || len(signers) != 0 {
		t.Errorf("without a quorum: %v, %v", signers, err)
	}
}

func TestVerifyRefusesWhatIsNoSignature(t *testing.T) {
	t.Parallel()
	alice, text := newEd25519(t, "alice"), destruction().String()
	good := alice.approve(t, text)
	block, _ := pem.Decode([]byte(good))
	armor := func(b []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: sshsig.PEMType, Bytes: b}))
	}
	flipped := slices.Clone(block.Bytes)
	flipped[len(flipped)-1] ^= 1
	key := "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n-----END OPENSSH PRIVATE KEY-----\n"
	for name, test := range map[string]struct{ approval, want string }{
		"empty":           {"", "is not an armored SSH signature"},
		"a path":          {"alice.sig", "is not an armored SSH signature"},
		"the bare base64": {base64.StdEncoding.EncodeToString(block.Bytes), "is not an armored SSH signature"},
		"PGP": {
			"-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n",
			"is not an armored SSH signature",
		},
		"a private key":        {key, "is a private key"},
		"text before":          {"signed by alice:\n" + good, "is not an armored SSH signature"},
		"two":                  {good + good, "has text after the SSH signature"},
		"cut off":              {good[:len(good)-20], "is a damaged SSH signature"},
		"not base64":           {strings.Replace(good, "\n", "\n!!", 1), "is a damaged SSH signature"},
		"headers":              {strings.Replace(good, "\n", "\nComment: x\n\n", 1), "is a damaged SSH signature"},
		"too long":             {good + strings.Repeat("\n", 70_000), "is too long"},
		"something else in it": {armor([]byte("hello")), "is a damaged SSH signature, or of a kind"},
		"cut off inside":       {armor(block.Bytes[:len(block.Bytes)-1]), "is a damaged SSH signature, or of a kind"},
		"longer inside":        {armor(append(slices.Clone(block.Bytes), 0)), "is a damaged SSH signature, or of a kind"},
		"a bit flipped":        {armor(flipped), "not over this statement"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := quorum.All(approvers(t, 1, alice)).Verify(text, []string{test.approval})
			mustFail(t, err, "destruction_approvals[0] ")
			mustFail(t, err, test.want, key)
		})
	}
}

// ssh-keygen, by a person: every kind of key that it makes without hardware.
func TestSSHKeygen(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("no ssh-keygen")
	}
	dir, text := t.TempDir(), destruction().String()
	run := func(stdin string, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "ssh-keygen", args...)
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen %v: %v\n%s", args, err, out)
		}
	}
	read := func(name string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if err := os.WriteFile(filepath.Join(dir, "statement.txt"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var lines, approvals []string
	for name, args := range map[string][]string{
		"ed25519": {"-t", "ed25519"}, "p256": {"-t", "ecdsa", "-b", "256"}, "p384": {"-t", "ecdsa", "-b", "384"},
		"p521": {"-t", "ecdsa", "-b", "521"},
		"rsa":  {"-t", "rsa", "-b", "3072"},
	} {
		run("", append(args, "-q", "-N", "", "-C", name+"@test", "-f", name)...)
		run("", "-q", "-Y", "sign", "-f", name, "-n", quorum.Namespace, "statement.txt")
		lines, approvals = append(lines, read(name+".pub")), append(approvals, read("statement.txt.sig"))
		if err := os.Remove(filepath.Join(dir, "statement.txt.sig")); err != nil {
			t.Fatal(err)
		}
	}
	a, err := quorum.New(lines, int64(len(lines)))
	if err != nil {
		t.Fatal(err)
	}
	signers, err := quorum.All(a).Verify(text, approvals)
	if err != nil || len(signers) != len(lines) {
		t.Fatalf("%v, %v", signers, err)
	}
	for _, s := range signers {
		if !strings.HasSuffix(s.Comment, "@test") {
			t.Errorf("signer %v has no comment", s)
		}
	}
	// And the other way: ssh-keygen takes what a library made, so that an auditor needs no program of
	// ours.
	alice := newEd25519(t, "alice")
	for name, content := range map[string]string{
		"allowed":   "alice " + alice.line() + "\n",
		"alice.sig": alice.approve(t, text),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(text, "-Y", "verify", "-f", "allowed", "-I", "alice", "-n", quorum.Namespace, "-s", "alice.sig")
	// A key that is too short to be an approver.
	run("", "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", "short")
	mustFail(t, checkKey(read("short.pub")), "is an RSA key of 2048 bits, expected at least 3072",
		read("short.pub"))
	mustFail(t, checkKey(read("short")), "is a private key", read("short"))
	// A certificate.
	run("", "-q", "-s", "ed25519", "-I", "id", "-n", "alice", "short.pub")
	mustFail(t, checkKey(read("short-cert.pub")), "is a certificate")
}

// checkKey returns what is wrong with one public key.
func checkKey(line string) error {
	_, err := quorum.New([]string{line}, 1)
	return err
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	alice, bob := newEd25519(t, "alice").line(), newEd25519(t, "bob").line()
	short, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(alice)
	for name, test := range map[string]struct {
		keys      []string
		threshold int64
		want      string
	}{
		"no keys":  {nil, 1, "destruction_approvers.public_keys has 0 keys, expected 1 to 200"},
		"too many": {make([]string, 201), 1, "has 201 keys"},
		"threshold 0": {[]string{alice, bob}, 0, "destruction_approvers.threshold is 0, expected 1 to 2, the " +
			"number of distinct keys"},
		"negative threshold": {[]string{alice}, -1, "threshold is -1"},
		"threshold above":    {[]string{alice, bob}, 3, "threshold is 3, expected 1 to 2"},
		"the same key twice": {[]string{alice, strings.Join(fields[:2], " ")}, 2, "threshold is 2, expected 1 to 1"},
		"empty":              {[]string{alice, ""}, 1, "destruction_approvers.public_keys[1] is empty"},
		"a name":             {[]string{"alice"}, 1, "public_keys[0] does not begin with a known kind of key"},
		"an age recipient": {
			[]string{"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"},
			1,
			"does not begin with a known kind",
		},
		"DSA":                 {[]string{"ssh-dss AAAAB3NzaC1kc3M= alice"}, 1, "is a DSA key"},
		"a certificate":       {[]string{"ssh-ed25519-cert-v01@openssh.com AAAA alice"}, 1, "is a certificate"},
		"options":             {[]string{"no-touch-required " + alice}, 1, "has options before it"},
		"only its kind":       {[]string{"ssh-ed25519"}, 1, "is cut off after its kind"},
		"not base64":          {[]string{"ssh-ed25519 !!! alice"}, 1, "is not sound base64"},
		"cut off":             {[]string{fields[0] + " " + fields[1][:40] + " alice"}, 1, "is not a sound ssh-ed25519 key"},
		"another kind inside": {[]string{"ecdsa-sha2-nistp256 " + fields[1]}, 1, "is not a sound ecdsa-sha2-nistp256 key"},
		"PEM": {
			[]string{"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----"},
			1,
			"is PEM",
		},
		"a private key": {[]string{"-----BEGIN OPENSSH PRIVATE " +
			"KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ==\n-----END"}, 1, "is a private key"},
		"two lines": {[]string{alice + "\n" + bob}, 1, "has several lines"},
		"too long":  {[]string{"ssh-rsa " + strings.Repeat("A", 20_000)}, 1, "is too long"},
		"a short RSA key": {
			[]string{newPerson(t, "x", short).line()},
			1,
			"is an RSA key of 2048 bits, expected at least 3072",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := quorum.New(test.keys, test.threshold)
			mustFail(t, err, test.want)
			for _, key := range test.keys {
				// What follows the kind is never repeated.
				_, secret, _ := strings.Cut(key, " ")
				mustFail(t, err, test.want, secret)
			}
			if a != nil {
				t.Error("returned approvers together with an error")
			}
		})
	}
	// A file that is read whole, and a key without a comment.
	if _, err := quorum.New([]string{alice + "\n", strings.Join(strings.Fields(bob)[:2], "  ")}, 2); err != nil {
		t.Error(err)
	}
}

func TestFromEnvironment(t *testing.T) {
	t.Parallel()
	alice, bob := newEd25519(t, "alice").line(), newEd25519(t, "bob").line()
	good := `{"public_keys":["` + alice + `","` + bob + `"],"threshold":2}`
	dir := t.TempDir()
	write := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, test := range map[string]struct{ value, want string }{
		"JSON":                 {good, ""},
		"JSON with blanks":     {"\n " + good + "\n", ""},
		"a file":               {write("good.json", "\n"+good+"\n"), ""},
		"empty":                {"", "is set but empty"},
		"blank":                {" \n", "is set but empty"},
		"a relative path":      {"approvers.json", "is neither JSON that begins with { nor an absolute path"},
		"~":                    {"~/approvers.json", "nor an absolute path"},
		"no file":              {filepath.Join(dir, "missing"), "read the file that it names"},
		"a directory":          {dir, "expected a regular file"},
		"a large file":         {write("large.json", strings.Repeat(" ", 2<<20)), "expected a regular file of at most"},
		"an empty file":        {write("empty.json", ""), "does not begin with {"},
		"keys alone in a file": {write("keys", alice+"\n"), "does not begin with {"},
		"another field":        {`{"public_keys":[],"threshold":1,"quorum":1}`, "is not the JSON that was expected"},
		"text after":           {good + "x", "is not the JSON that was expected"},
		"two documents":        {good + good, "there is text after it"},
		"cut off":              {good[:len(good)-1], "is not the JSON that was expected"},
		"no threshold":         {`{"public_keys":["` + alice + `"]}`, "threshold is missing"},
		"half a threshold":     {`{"public_keys":["` + alice + `"],"threshold":1.5}`, "threshold is no whole number"},
		"threshold 0":          {`{"public_keys":["` + alice + `"],"threshold":0}`, "threshold is 0, expected 1 to 1"},
		"no keys":              {`{"threshold":1}`, "public_keys has 0 keys"},
		"keys as a string":     {`{"public_keys":"` + alice + `","threshold":1}`, "is not the JSON that was expected"},
		"a bad key": {
			`{"public_keys":["` + alice + `","x"],"threshold":1}`,
			"SALESFORCEBYOK_DESTRUCTION_APPROVERS.public_keys[1] does not begin",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := quorum.FromEnvironment(func(name string) (string, bool) {
				return test.value, name == "SALESFORCEBYOK_DESTRUCTION_APPROVERS"
			})
			if test.want == "" {
				if err != nil || a.Threshold() != 2 {
					t.Errorf("%+v, %v", a, err)
				}
				return
			}
			mustFail(t, err, test.want, alice, bob)
			mustFail(t, err, "SALESFORCEBYOK_DESTRUCTION_APPROVERS")
			if a != nil {
				t.Error("returned approvers together with an error")
			}
		})
	}
	if a, err := quorum.FromEnvironment(func(string) (string, bool) { return "", false }); a != nil || err != nil {
		t.Errorf("not set: %+v, %v", a, err)
	}
}

func TestStatement(t *testing.T) {
	t.Parallel()
	want := `salesforcebyok-destruction: 1
operation: destroy
organization: 00DXX0000008abcMAA
record: 02G000000000001AAA
type: Data
version: 3
hash: 7Tl0mHB8PeoHzXIZ2TjQGDMCcz0mRTgqzNwxuYcHPdM=
last modified: 2026-11-21T11:00:00Z
not after: 2026-11-22T12:00:00Z
`
	if got := destruction().String(); got != want {
		t.Errorf("got\n%s", got)
	}
	rootKey := quorum.Statement{
		Operation: quorum.RootKeyInactive, Organization: "00DXX0000008abcMAA", Record: "0Xy000000000001AAA",
		LastModified: noon.Add(123 * time.Millisecond), NotAfter: noon.In(time.FixedZone("CET", 3600)),
	}
	want = `salesforcebyok-destruction: 1
operation: root-key-inactive
organization: 00DXX0000008abcMAA
record: 0Xy000000000001AAA
type: -
version: -
hash: -
last modified: 2026-11-21T12:00:00.123Z
not after: 2026-11-21T12:00:00Z
`
	if got := rootKey.String(); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestNotAfter(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"2026-11-22T12:00:00Z": "", "2026-11-22T12:00:00+01:00": "", "2026-12-21T12:00:00Z": "", "2026-11-21T12:00:01Z": "",
		"2026-11-21T12:00:00Z": "the approvals have expired: destruction_not_after is 2026-11-21T12:00:00Z",
		"2020-01-01T00:00:00Z": "have expired",
		"2026-12-21T12:00:01Z": "more than 30 days after 2026-11-21T12:00:00Z", "9999-01-01T00:00:00Z": "more than 30 days",
	} {
		at, err := quorum.ParseNotAfter(s)
		if err != nil {
			t.Fatal(err)
		}
		err = quorum.CheckNotAfter(at, noon)
		if want == "" && err == nil {
			continue
		}
		mustFail(t, err, want)
		if errors.Is(err, quorum.ErrExpired) != strings.Contains(want, "expired") {
			t.Errorf("%s: %v", s, err)
		}
	}
	for _, s := range []string{
		"", "tomorrow", "2026-11-22", "2026-11-22T12:00:00", "2026-11-22 12:00:00Z",
		"2026-13-22T12:00:00Z",
	} {
		_, err := quorum.ParseNotAfter(s)
		mustFail(t, err, "is not an RFC 3339 time")
	}
}

// No value can look like another line.
func FuzzStatement(f *testing.F) {
	f.Add("destroy", "00D", "02G", "Data\nrecord: x", "é", int64(1), int64(0), int64(1))
	f.Fuzz(func(t *testing.T, operation, org, record, typ, hash string, version, modified, end int64) {
		s := quorum.Statement{
			Operation: quorum.Operation(operation), Organization: org, Record: record, Type: typ, Version: version, Hash: hash,
			LastModified: time.Unix(modified%1e10, 0), NotAfter: time.Unix(end%1e10, 0),
		}
		text := s.String()
		lines := strings.Split(text, "\n")
		if len(lines) != 10 || lines[9] != "" || lines[0] != "salesforcebyok-destruction: 1" ||
			!strings.HasPrefix(lines[3], "record: ") {
			t.Fatalf("%q", text)
		}
		for i := range len(text) {
			if c := text[i]; c != '\n' && (c < ' ' || c > '~') {
				t.Fatalf("%q", text)
			}
		}
		// Other values give another text.
		other := s
		other.Record += "x"
		if other.String() == text {
			t.Fatal("two records have one statement")
		}
	})
}

func FuzzKey(f *testing.F) {
	f.Add(newEd25519(f, "alice").line())
	f.Add(newToken(f, "bob", ssh.KeyAlgoSKECDSA256, 1).line())
	f.Add("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQ==")
	f.Add("no-touch-required sk-ssh-ed25519@openssh.com AAAA")
	f.Fuzz(func(t *testing.T, line string) {
		err := checkKey(line)
		if err == nil {
			if _, _, _, _, parseErr := ssh.ParseAuthorizedKey([]byte(strings.TrimSpace(line))); parseErr != nil {
				t.Fatalf("%q is no authorized key: %v", line, parseErr)
			}
			return
		}
		if len(line) > 60 && strings.Contains(err.Error(), line) {
			t.Fatalf("the error repeats its input: %v", err)
		}
	})
}

func FuzzApproval(f *testing.F) {
	alice, text := newEd25519(f, "alice"), destruction().String()
	f.Add(alice.approve(f, text), text)
	f.Add(newToken(f, "bob", ssh.KeyAlgoSKED25519, 1).approve(f, text), text)
	f.Add("-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n", "")
	q := quorum.All(approvers(f, 1, alice))
	f.Fuzz(func(t *testing.T, approval, statement string) {
		signers, err := q.Verify(statement, []string{approval})
		if err == nil && (len(signers) != 1 || statement != text) {
			t.Fatalf("%v signed %q", signers, statement)
		}
	})
}
