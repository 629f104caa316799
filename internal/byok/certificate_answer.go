package byok

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// CheckAnswer says why a PEM chain is not a certificate authority's answer to a signing request: it must be a chain whose
// leaf has the request's public key. Where the request is gone, because a chain was uploaded before, the public key of that
// certificate decides; with neither, only the form is checked.
func CheckAnswer(chain, requestPEM, certificatePEM string) error {
	// Salesforce is given the text as it is, in a file that holds PEM [D CertMeta; C], so the other forms that
	// ParseCertificate reads must not pass.
	if !strings.HasPrefix(strings.TrimSpace(chain), pemBegin) {
		return errors.New("the chain does not begin with " + pemBegin + "CERTIFICATE-----, expected PEM")
	}
	answer, err := ParseCertificate([]byte(chain))
	if err != nil {
		return err
	}
	want, err := publicKeyOf(requestPEM, certificatePEM)
	if err != nil || want == nil {
		return err
	}
	have, err := x509.MarshalPKIXPublicKey(answer.X509.PublicKey)
	if err != nil {
		return errors.New("the chain's certificate has a public key of a kind that is not known")
	}
	wanted, err := x509.MarshalPKIXPublicKey(want)
	if err != nil || !bytes.Equal(have, wanted) {
		return fmt.Errorf("the chain's certificate (subject %q) has another public key than this certificate's signing request: "+
			"it was signed for another request", answer.X509.Subject)
	}
	return nil
}

// publicKeyOf returns the public key of a request, else of a certificate, else nil.
func publicKeyOf(requestPEM, certificatePEM string) (any, error) {
	if requestPEM != "" {
		block, _ := pem.Decode([]byte(requestPEM))
		if block == nil {
			return nil, errors.New("the signing request in state is not PEM")
		}
		request, err := x509.ParseCertificateRequest(block.Bytes)
		if err != nil {
			return nil, errors.New("the signing request in state can't be parsed")
		}
		return request.PublicKey, nil
	}
	if certificatePEM == "" {
		return nil, nil
	}
	certificate, err := ParseCertificate([]byte(certificatePEM))
	if err != nil {
		return nil, err
	}
	return certificate.X509.PublicKey, nil
}
