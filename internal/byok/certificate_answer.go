package byok

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// Answer is a certificate authority's answer to a signing request.
type Answer struct {
	// Leaf is the signed certificate.
	Leaf *Certificate
	// Warnings says, a sentence each, what in the chain is left out, or is sent although it can't be
	// read here.
	Warnings []string

	path chain
}

// PEM returns the chain as Salesforce takes it: the leaf, then each issuer after the certificate
// that it signed.
func (a *Answer) PEM() []byte { return a.path.pem() }

// ReadAnswer reads a chain, in PEM and any order, as the answer to a signing request: the leaf is
// the certificate of the request's public key. If the request is gone, because a chain was uploaded
// before, the public key of that certificate decides; with neither, the leaf is the one of
// [ParseCertificate].
func ReadAnswer(text, requestPEM, certificatePEM string) (*Answer, error) {
	c, err := readPEMChain(text)
	if err != nil {
		return nil, err
	}
	key, err := publicKeyOf(requestPEM, certificatePEM)
	if err != nil {
		return nil, err
	}
	leaf, err := c.answerTo(key)
	if err != nil {
		return nil, err
	}
	path, surplus := c.path(leaf)
	answer := &Answer{Leaf: &Certificate{X509: leaf.x509}, path: path}
	for _, l := range path {
		if why := l.unread(); why != nil {
			answer.Warnings = append(answer.Warnings, fmt.Sprintf("The issuer %s can't be read here (%s). It is sent as it "+
				"is, and Salesforce may refuse it.", l.name(), why))
		}
	}
	for _, l := range surplus {
		answer.Warnings = append(answer.Warnings, fmt.Sprintf("The certificate %s is no issuer of this chain. It is not "+
			"sent: take it out.", l.name()))
	}
	return answer, nil
}

// CheckChain says why a text is no chain of certificates in PEM.
func CheckChain(text string) error {
	_, err := readPEMChain(text)
	return err
}

func readPEMChain(text string) (chain, error) {
	if !strings.Contains(text, pemBegin) || strings.HasPrefix(strings.TrimSpace(text), `"`) {
		return nil, errors.New("the chain has no " + pemBegin + "CERTIFICATE-----, expected PEM")
	}
	return readChain([]byte(text))
}

// answerTo returns the leaf, by the key if there is one.
func (c chain) answerTo(key []byte) (link, error) {
	if key == nil {
		return c.leaf()
	}
	leaf, found, err := c.leafOf(key)
	if found || err != nil {
		return leaf, err
	}
	name := "the chain's certificates"
	if other, err := c.leaf(); err == nil {
		name = fmt.Sprintf("the chain's certificate (subject %s)", other.name())
	} else if len(c) == 1 {
		name = fmt.Sprintf("the chain's certificate (subject %s)", c[0].name())
	}
	return link{}, fmt.Errorf("%s has another public key than this certificate's signing request: it was signed for "+
		"another request", name)
}

// PublicKey returns the bytes of the public key in a signing request, or if that is empty, in a
// certificate, to compare them; nil if there is none that can be read.
func PublicKey(requestPEM, certificatePEM string) []byte {
	key, err := publicKeyOf(requestPEM, certificatePEM)
	if err != nil {
		return nil
	}
	return keyBits(key)
}

// publicKeyOf returns the SubjectPublicKeyInfo of a request, else of a certificate, else nil.
func publicKeyOf(requestPEM, certificatePEM string) ([]byte, error) {
	if requestPEM != "" {
		block, _ := pem.Decode([]byte(requestPEM))
		if block == nil {
			return nil, errors.New("the signing request in state is not PEM")
		}
		request, err := x509.ParseCertificateRequest(block.Bytes)
		if err != nil {
			return nil, errors.New("the signing request in state can't be parsed")
		}
		return request.RawSubjectPublicKeyInfo, nil
	}
	if certificatePEM == "" {
		return nil, nil
	}
	certificate, err := ParseCertificate([]byte(certificatePEM))
	if err != nil {
		return nil, err
	}
	return certificate.X509.RawSubjectPublicKeyInfo, nil
}
