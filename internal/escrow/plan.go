package escrow

import (
	"bytes"
	"crypto/fips140"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
	"filippo.io/age/tag"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

const (
	// maxRecipients bounds the recipients of one layer.
	maxRecipients = 50
	// minGroups and maxGroups bound the layers of a copy with recipient groups.
	minGroups, maxGroups = 2, 20
	// maxArmored bounds the text of one copy in bytes: maxGroups times maxRecipients post-quantum
	// recipients take about 1.6 kB each, and armor adds a third.
	maxArmored = 4 << 20
	// ageFileKeySize is the length in bytes of the symmetric key that age wraps for each recipient.
	ageFileKeySize = 16
	// ageVersionLine begins every age file that is not armored.
	ageVersionLine = "age-encryption.org/v1\n"
)

// Plan says who can open a copy: any one of a list of recipients, or one of each group. A recipient
// is an age public key: X25519 (age1...), post-quantum hybrid (age1pq1...), or held by hardware,
// classic (age1tag1...) or post-quantum (age1tagpq1...). One plan is classic or post-quantum as a
// whole: the weaker kind would decide its strength.
type Plan struct {
	// layers has the recipients of each layer, the innermost first: one layer for a list, one for each
	// group.
	layers [][]recipient
	groups bool
}

// recipient is an age public key of a kind that this package knows.
type recipient interface {
	age.Recipient
	fmt.Stringer
}

// NewPlan reads escrow.age_recipients: one copy that any one of the recipients opens. An error
// names the element, from 0, and the kind of mistake. It never repeats the input, which may be a
// secret key pasted by mistake. Plugin, SSH and passphrase recipients are refused: opening must
// need nothing but the identity and an age implementation.
func NewPlan(recipients []string) (*Plan, error) {
	layer, err := parseLayer("escrow.age_recipients", recipients)
	if err != nil {
		return nil, err
	}
	p := &Plan{layers: [][]recipient{layer}}
	if err := p.check(func(_, i int) string { return element("escrow.age_recipients", i) }); err != nil {
		return nil, err
	}
	return p, nil
}

// NewGroups reads escrow.recipient_groups: one copy that takes an identity of each group to open.
// Each group is a layer of age around the one before it, so the last group is the outermost and
// opens first. Errors are those of [NewPlan].
func NewGroups(groups [][]string) (*Plan, error) {
	const attribute = "escrow.recipient_groups"
	if len(groups) < minGroups || len(groups) > maxGroups {
		return nil, fmt.Errorf("%s has %d groups, expected %d to %d: with one group a single identity opens the copy, "+
			"which is what age_recipients is for",
			attribute, len(groups), minGroups, maxGroups)
	}
	p := &Plan{groups: true}
	for i, group := range groups {
		layer, err := parseLayer(element(attribute, i), group)
		if err != nil {
			return nil, err
		}
		p.layers = append(p.layers, layer)
	}
	if err := p.check(func(group, i int) string { return element(element(attribute, group), i) }); err != nil {
		return nil, err
	}
	return p, nil
}

func element(list string, i int) string { return fmt.Sprintf("%s[%d]", list, i) }

func parseLayer(list string, encodings []string) ([]recipient, error) {
	if len(encodings) == 0 || len(encodings) > maxRecipients {
		return nil, fmt.Errorf("%s has %d age recipients, expected 1 to %d public keys (age1...)", list, len(encodings),
			maxRecipients)
	}
	var layer []recipient
	for i, s := range encodings {
		r, err := parseRecipient(s)
		if err != nil {
			return nil, fmt.Errorf("%s %w", element(list, i), err)
		}
		layer = append(layer, r)
	}
	return layer, nil
}

// check holds the recipients of all layers together.
func (p *Plan) check(name func(layer, i int) string) error {
	seen := map[string]string{}
	postQuantum := isPostQuantum(p.layers[0][0])
	for l, layer := range p.layers {
		for i, r := range layer {
			at := name(l, i)
			if first, ok := seen[r.String()]; ok {
				hint := ""
				if p.groups {
					hint = "; a recipient stands in one group, once, or its holder could open two layers alone"
				}
				return fmt.Errorf("%s repeats %s%s", at, first, hint)
			}
			seen[r.String()] = at
			if isPostQuantum(r) != postQuantum {
				return fmt.Errorf("%s is of another kind than %s: post-quantum (age1pq1..., age1tagpq1...) and classic (age1..., "+
					"age1tag1...) recipients cannot share a copy, since the weaker kind would decide its strength; use one kind for "+
					"all",
					at, name(0, 0))
			}
		}
	}
	return nil
}

// CheckRecipient reports what is wrong with one recipient, as [NewPlan] does, without naming an
// element. The error reads on after "the recipient" or "it".
func CheckRecipient(s string) error {
	_, err := parseRecipient(s)
	return err
}

func parseRecipient(s string) (recipient, error) {
	lower := strings.ToLower(s)
	switch {
	case s == "":
		return nil, errors.New("is empty, expected a public key (age1...)")
	case strings.Contains(lower, "age-secret-key-") || strings.Contains(lower, "age-plugin-"):
		return nil, errors.New("is a secret identity, expected the public key (age1...) that `age-keygen -y` prints for " +
			"it; if the identity was shared, replace it")
	case strings.Contains(lower, "private key-----"):
		return nil, errors.New("is a private key, expected an age public key (age1...)")
	case strings.ContainsAny(s, " \t\r\n") && !strings.HasPrefix(lower, "ssh-"):
		return nil, errors.New("contains white space, expected one public key (age1...) alone")
	case strings.HasPrefix(lower, "ssh-") || strings.HasPrefix(lower, "ecdsa-") || strings.HasPrefix(lower, "sk-"):
		return nil, errors.New("is an SSH key, expected a native age public key (age1...)")
	case !strings.HasPrefix(lower, "age1"):
		return nil, errors.New("is not an age public key, expected age1... (passphrases and key files are not supported)")
	}

	// The data of Bech32 follows the last 1, and "1" is not in its alphabet: what stands before it is
	// the kind.
	var parse func() (recipient, error)
	switch lower[:strings.LastIndexByte(lower, '1')] {
	case "age":
		parse = func() (recipient, error) { return age.ParseX25519Recipient(s) }
	case "age1pq":
		parse = func() (recipient, error) { return age.ParseHybridRecipient(s) }
	case "age1tag", "age1tagpq":
		parse = func() (recipient, error) { return tag.ParseRecipient(s) }
	default:
		return nil, errors.New("is the recipient of an age plugin, expected one that age knows itself (age1..., " +
			"age1pq1..., age1tag1... or age1tagpq1...)")
	}
	var r recipient
	err := outsideFIPS(func() (err error) {
		if r, err = parse(); err != nil {
			return errors.New("is malformed: it is truncated, mistyped or fails its checksum")
		}
		if r.String() != s {
			return errors.New("is not in canonical form: age writes recipients in lower case")
		}
		// Some well-formed X25519 keys are points of low order, which age refuses only when it encrypts.
		if _, err = r.Wrap(make([]byte, ageFileKeySize)); err != nil {
			return errors.New("is not a usable public key: nothing can be encrypted to it")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

func isPostQuantum(r age.Recipient) bool {
	switch r := r.(type) {
	case *age.HybridRecipient:
		return true
	case *tag.Recipient:
		return r.Hybrid()
	default:
		return false
	}
}

// Recipients returns the public keys of a plan without groups, in the order given, and nil for a
// plan with groups.
func (p *Plan) Recipients() []string {
	if p.groups {
		return nil
	}
	return encodings(p.layers[0])
}

// Groups returns the public keys of each group, the innermost first as they were given, and nil for
// a plan without groups.
func (p *Plan) Groups() [][]string {
	if !p.groups {
		return nil
	}
	groups := make([][]string, 0, len(p.layers))
	for _, layer := range p.layers {
		groups = append(groups, encodings(layer))
	}
	return groups
}

func encodings(layer []recipient) []string {
	names := make([]string, 0, len(layer))
	for _, r := range layer {
		names = append(names, r.String())
	}
	return names
}

// Encrypt returns an armored age file whose innermost payload is exactly the 32 bytes of m. Inner
// layers are binary age files, so that `age -d -i last | age -d -i first` opens a copy of two
// groups.
func (p *Plan) Encrypt(m secret.Bytes) (string, error) {
	if m.Len() != byok.MaterialSize {
		return "", fmt.Errorf("encrypt the escrow copy: key material holds %d bytes, expected %d", m.Len(), byok.MaterialSize)
	}
	if p == nil || len(p.layers) == 0 {
		return "", errors.New("encrypt the escrow copy: no age recipient was given")
	}
	file, err := p.encrypt(m.Expose())
	if err != nil {
		return "", fmt.Errorf("encrypt the escrow copy: %w", err)
	}
	var out strings.Builder
	a := armor.NewWriter(&out)
	if _, err := a.Write(file); err != nil {
		return "", fmt.Errorf("armor the escrow copy: %w", err)
	}
	if err := a.Close(); err != nil {
		return "", fmt.Errorf("armor the escrow copy: %w", err)
	}
	return out.String(), nil
}

// encrypt returns the binary age file of all layers around the payload.
func (p *Plan) encrypt(payload []byte) ([]byte, error) {
	err := outsideFIPS(func() error {
		for _, layer := range p.layers {
			recipients := make([]age.Recipient, 0, len(layer))
			for _, r := range layer {
				recipients = append(recipients, r)
			}
			var out bytes.Buffer
			w, err := age.Encrypt(&out, recipients...)
			if err != nil {
				return err
			}
			if _, err := w.Write(payload); err != nil {
				return err
			}
			if err := w.Close(); err != nil {
				return err
			}
			payload = out.Bytes()
		}
		return nil
	})
	return payload, err
}

// Fits reports whether a copy can be one that this plan made, as far as that shows without an
// identity: it must be one armored age file of the same length, with a stanza of the same kind and
// length for each recipient in its place. The stanzas of hardware-held recipients name their
// recipient, and are held to it. The error says what differs.
//
// A plan of X25519 recipients and another of as many give copies of one form: what fits was not
// thereby written for these recipients.
func (p *Plan) Fits(armored string) error {
	file, err := dearmor(armored)
	if err != nil {
		return err
	}
	sample, err := p.encrypt(make([]byte, byok.MaterialSize))
	if err != nil {
		return fmt.Errorf("encrypt to the configured recipients: %w", err)
	}
	got, want := stanzas(file), stanzas(sample)
	if len(got) != len(want) {
		return fmt.Errorf("it was encrypted to %d recipients, the configured outer layer has %d", len(got), len(want))
	}
	outer := p.layers[len(p.layers)-1]
	for i := range want {
		if got[i].kind != want[i].kind || got[i].size != want[i].size || !tagFits(outer[i], got[i].args) {
			return fmt.Errorf("recipient %d of its outer layer is %s, expected %s for the configured one", i, got[i].kind,
				want[i].kind)
		}
	}
	if len(file) != len(sample) {
		return fmt.Errorf("it is %d bytes, expected %d for one key and the configured recipients", len(file), len(sample))
	}
	return nil
}

// stanza is what a file's header shows of one recipient.
type stanza struct {
	kind string
	args []string
	// size is the length of the stanza in the header, in bytes.
	size int
}

// stanzas reads the header of an age file, which [dearmor] has found to be sound.
func stanzas(file []byte) []stanza {
	var found []stanza
	for line := range bytes.Lines(bytes.TrimPrefix(file, []byte(ageVersionLine))) {
		words := strings.Fields(string(line))
		switch {
		case bytes.HasPrefix(line, []byte("---")):
			return found
		case len(words) > 1 && words[0] == "->":
			found = append(found, stanza{kind: words[1], args: words[2:], size: len(line)})
		case len(found) > 0:
			found[len(found)-1].size += len(line)
		}
	}
	return found
}

// tagFits reports whether a stanza names this hardware-held recipient, and true for recipients that
// stanzas don't name.
func tagFits(r recipient, args []string) bool {
	tagged, ok := r.(*tag.Recipient)
	if !ok {
		return true
	}
	if len(args) != 2 {
		return false
	}
	ephemeral, err := base64.RawStdEncoding.Strict().DecodeString(args[1])
	if err != nil {
		return false
	}
	want, err := tagged.Tag(ephemeral)
	return err == nil && args[0] == base64.RawStdEncoding.EncodeToString(want)
}

// dearmor returns the binary age file in an armored one. It checks that s is one whole armored age
// file, as far as that shows without an identity.
func dearmor(s string) ([]byte, error) {
	if len(s) > maxArmored {
		return nil, fmt.Errorf("escrow copy is %d bytes, expected at most %d", len(s), maxArmored)
	}
	if !strings.HasPrefix(s, armor.Header) {
		return nil, errors.New("escrow copy does not begin with " + armor.Header)
	}
	file, err := io.ReadAll(armor.NewReader(strings.NewReader(s)))
	if err != nil {
		return nil, errors.New("escrow copy is not sound age armor: it is truncated or was edited")
	}
	if _, err := age.ExtractHeader(bytes.NewReader(file)); err != nil {
		return nil, errors.New("escrow copy holds no age header of version 1")
	}
	return file, nil
}

// FIPSNotice returns what an operator of strict FIPS 140-3 must know of escrow, and "" when that is
// off: the age format is made of X25519, ML-KEM-768 in a hybrid, HKDF, HMAC and ChaCha20-Poly1305,
// and has no approved alternative.
func FIPSNotice() string {
	if !fips140.Enforced() {
		return ""
	}
	return "The escrow copy is encrypted with age (X25519 or its post-quantum hybrid, with ChaCha20-Poly1305), which " +
		"FIPS 140-3 does not approve; it is made outside the enforcement of GODEBUG=fips140=only. The key material and " +
		"what is uploaded to Salesforce use approved algorithms only."
}

// outsideFIPS runs f, a call into age and nothing else, without strict FIPS enforcement. Under
// enforcement age fails when it encrypts to X25519, and never returns when it makes a hybrid key.
func outsideFIPS(f func() error) error {
	var err error
	fips140.WithoutEnforcement(func() { err = f() })
	return err
}
