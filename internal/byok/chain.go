package byok

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
)

// link is one certificate of a chain, read only as far as the order of the chain needs it.
type link struct {
	der []byte
	// subject, issuer and key are DER, nil if not even they can be read. key is the
	// SubjectPublicKeyInfo.
	subject, issuer, key []byte
	// authority reports that the certificate may sign others, or that this can't be read.
	authority bool
	// x509 is nil if crypto/x509 refuses the certificate, and err says why.
	x509 *x509.Certificate
	err  error
}

// outline is the structure of a certificate (RFC 5280, 4.1) without a look into most of its values:
// crypto/x509 refuses negative serial numbers and curves that it does not know, and authorities
// with such certificates are in use.
type outline struct {
	TBS struct {
		Version         int `asn1:"optional,explicit,default:0,tag:0"`
		Serial          asn1.RawValue
		Algorithm       asn1.RawValue
		Issuer          asn1.RawValue
		Validity        asn1.RawValue
		Subject         asn1.RawValue
		Key             asn1.RawValue
		IssuerUniqueID  asn1.BitString   `asn1:"optional,tag:1"`
		SubjectUniqueID asn1.BitString   `asn1:"optional,tag:2"`
		Extensions      []pkix.Extension `asn1:"omitempty,optional,explicit,tag:3"`
	}
	Algorithm asn1.RawValue
	Signature asn1.BitString
}

var basicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}

func newLink(der []byte) link {
	l := link{der: der, authority: true}
	var o outline
	rest, err := asn1.Unmarshal(der, &o)
	if err == nil && len(rest) == 0 {
		l.subject, l.issuer, l.key = o.TBS.Subject.FullBytes, o.TBS.Issuer.FullBytes, o.TBS.Key.FullBytes
		l.authority = o.isAuthority()
	}
	l.x509, l.err = x509.ParseCertificate(der)
	return l
}

func (o *outline) isAuthority() bool {
	i := slices.IndexFunc(o.TBS.Extensions, func(e pkix.Extension) bool { return e.Id.Equal(basicConstraints) })
	if i < 0 {
		return false
	}
	var constraints struct {
		IsCA       bool `asn1:"optional"`
		MaxPathLen int  `asn1:"optional,default:-1"`
	}
	_, err := asn1.Unmarshal(o.TBS.Extensions[i].Value, &constraints)
	return err != nil || constraints.IsCA
}

// unread says why the certificate, or its key, can't be read here; nil if both can.
func (l link) unread() error {
	if l.err == nil && l.x509.PublicKeyAlgorithm == x509.UnknownPublicKeyAlgorithm {
		return errors.New("its public key is of a kind that is not known here")
	}
	return l.err
}

// name is the subject for a message.
func (l link) name() string {
	var subject pkix.RDNSequence
	if _, err := asn1.Unmarshal(l.subject, &subject); err != nil || len(subject) == 0 {
		return "a certificate without a readable subject"
	}
	return fmt.Sprintf("%q", subject.String())
}

// issued reports whether the certificate signed child. If either can't be read, or the algorithm is
// obsolete or unknown to Go, matching names decide.
func (l link) issued(child link) bool {
	if len(l.subject) == 0 || !bytes.Equal(l.subject, child.issuer) {
		return false
	}
	if l.x509 == nil || child.x509 == nil {
		return true
	}
	err := l.x509.CheckSignature(child.x509.SignatureAlgorithm, child.x509.RawTBSCertificate, child.x509.Signature)
	_, insecure := errors.AsType[x509.InsecureAlgorithmError](err)
	return err == nil || insecure || errors.Is(err, x509.ErrUnsupportedAlgorithm)
}

// hasKey reports whether the certificate is of the public key in a SubjectPublicKeyInfo. Only the
// key itself counts: the parameters beside it may be written in several ways.
func (l link) hasKey(key []byte) bool {
	return len(key) > 0 && bytes.Equal(keyBits(l.key), keyBits(key))
}

func keyBits(der []byte) []byte {
	var info struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return nil
	}
	return info.Key.Bytes
}

// chain is the certificates of one text, each once, in the order in which they came.
type chain []link

// readChain reads every form of a chain, see [ParseCertificate].
func readChain(body []byte) (chain, error) {
	ders, err := decodeChain(body)
	if err != nil {
		return nil, err
	}
	var c chain
	for _, der := range ders {
		if !slices.ContainsFunc(c, func(l link) bool { return bytes.Equal(l.der, der) }) {
			c = append(c, newLink(der))
		}
	}
	switch {
	case len(c) == 0:
		return nil, errors.New("found no certificate")
	case len(c) > maxChainLength:
		return nil, fmt.Errorf("chain has %d certificates, expected at most %d", len(c), maxChainLength)
	case len(c) == 1 && c[0].err != nil:
		// The errors of crypto/x509 describe structure and repeat no content worth hiding: certificates
		// are public.
		return nil, fmt.Errorf("certificate is malformed: %w", c[0].err)
	}
	return c, nil
}

// leaf returns the certificate that the others are there for.
func (c chain) leaf() (link, error) {
	var leaves []link
	for i, l := range c {
		if !slices.ContainsFunc(c, func(o link) bool { return !bytes.Equal(o.der, c[i].der) && l.issued(o) }) {
			leaves = append(leaves, l)
		}
	}
	found := len(leaves)
	// A block that nothing can be read of may be the leaf, and its issuer must not take its place.
	unreadable := slices.ContainsFunc(c, func(l link) bool { return l.subject == nil })
	if found > 1 || unreadable {
		leaves = slices.DeleteFunc(leaves, func(l link) bool { return l.authority })
	}
	switch {
	case len(leaves) != 1:
		return link{}, fmt.Errorf("%d of the %d certificates signed none of the others, expected exactly one (the leaf) "+
			"with the chain of its issuers", found, len(c))
	case leaves[0].err != nil:
		return link{}, fmt.Errorf("certificate is malformed: %w", leaves[0].err)
	}
	return leaves[0], nil
}

// leafOf returns the certificate of a public key, the one that ends last if there are several, as
// when a renewed chain was put before the old one.
func (c chain) leafOf(key []byte) (link, bool, error) {
	var found *link
	var unread error
	for i, l := range c {
		switch {
		case !l.hasKey(key):
		case l.err != nil:
			unread = l.err
		case found == nil || l.x509.NotAfter.After(found.x509.NotAfter):
			found = &c[i]
		}
	}
	switch {
	case found != nil:
		return *found, true, nil
	case unread != nil:
		return link{}, true, fmt.Errorf("the signed certificate is malformed: %w", unread)
	}
	return link{}, false, nil
}

// path returns the leaf, its issuer, the issuer's issuer and so on, as far as they are there, and
// what is left over.
func (c chain) path(leaf link) (path, surplus chain) {
	path, surplus = chain{leaf}, slices.DeleteFunc(slices.Clone(c), func(l link) bool {
		return bytes.Equal(l.der, leaf.der)
	})
	for last := leaf; !bytes.Equal(last.subject, last.issuer); last = path[len(path)-1] {
		i := slices.IndexFunc(surplus, func(l link) bool { return l.issued(last) })
		if i < 0 {
			break
		}
		path = append(path, surplus[i])
		surplus = slices.Delete(surplus, i, i+1)
	}
	return path, surplus
}

// pem renders the certificates one after the other.
func (c chain) pem() []byte {
	var out bytes.Buffer
	for _, l := range c {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: l.der}))
	}
	return out.Bytes()
}
