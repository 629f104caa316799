package salesforce

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	// BYOKKeySize is the only size that a wrapping certificate may have [D Help
	// security_pe_byok_generate_secret].
	BYOKKeySize = 4096

	certificateKind  = "Certificate"
	maxLabel         = 64
	maxDeveloperName = 80
)

var developerName = regexp.MustCompile(`^[A-Za-z](_?[A-Za-z0-9])*$`)

// CheckDeveloperName says what is wrong with the name of a certificate: it has
// letters, digits and underscores, begins with a letter, and has no double or
// trailing underscore [D CertTooling].
func CheckDeveloperName(name string) error {
	if len(name) > maxDeveloperName {
		return fmt.Errorf("a developer name has at most %d characters, this one has %d", maxDeveloperName, len(name))
	}
	if !developerName.MatchString(name) {
		return errors.New("a developer name has letters, digits and underscores only, begins with a letter, and has no " +
			"double or trailing underscore")
	}
	return nil
}

// NewCertificate describes a wrapping certificate: of 4096 bits, its private
// key encrypted by Platform Encryption and not exportable.
type NewCertificate struct {
	// DeveloperName is unique in the org.
	DeveloperName string
	// Label is at most 64 characters; the DeveloperName if empty.
	Label string
	// ExpirationDate is zero for Salesforce's own choice, whose length the texts
	// disagree about [D CertMeta, Help security_keys_policy_and_rotation].
	ExpirationDate time.Time
	// CASigned asks for a signing request in place of a self-signed certificate.
	CASigned bool
}

func (n NewCertificate) check() error {
	if err := CheckDeveloperName(n.DeveloperName); err != nil {
		return err
	}
	if len([]rune(n.Label)) > maxLabel {
		return fmt.Errorf("the label of a certificate has at most %d characters, this one has %d", maxLabel,
			len([]rune(n.Label)))
	}
	return nil
}

// metadata is the component's XML. An expirationDate is a whole dateTime: a
// bare date is refused [C].
func (n NewCertificate) metadata() ([]byte, error) {
	label := n.Label
	if label == "" {
		label = n.DeveloperName
		if len(label) > maxLabel {
			label = label[:maxLabel]
		}
	}
	expires := ""
	if !n.ExpirationDate.IsZero() {
		expires = n.ExpirationDate.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	content, err := xml.MarshalIndent(struct {
		XMLName       xml.Name `xml:"Certificate"`
		Namespace     string   `xml:"xmlns,attr"`
		CASigned      bool     `xml:"caSigned"`
		Encrypted     bool     `xml:"encryptedWithPlatformEncryption"`
		Expires       string   `xml:"expirationDate,omitempty"`
		KeySize       int      `xml:"keySize"`
		Label         string   `xml:"masterLabel"`
		KeyExportable bool     `xml:"privateKeyExportable"`
	}{
		Namespace: metadataNamespace, CASigned: n.CASigned, Encrypted: true, Expires: expires,
		KeySize: BYOKKeySize, Label: label, KeyExportable: false,
	}, "", "    ")
	if err != nil {
		return nil, errors.New("the certificate's metadata could not be encoded")
	}
	return append([]byte(xml.Header), content...), nil
}

func (n NewCertificate) pack(content []byte) (metadataPackage, error) {
	meta, err := n.metadata()
	if err != nil {
		return metadataPackage{}, err
	}
	return metadataPackage{
		members: []metadataMember{{certificateKind, n.DeveloperName}},
		files: map[string][]byte{
			"certs/" + n.DeveloperName + ".crt":          content,
			"certs/" + n.DeveloperName + ".crt-meta.xml": meta,
		},
	}, nil
}

// CreateCertificate has Salesforce generate a key pair and a certificate, by a
// deploy of an empty .crt file [C]. The caller makes sure that none of that
// name exists. Where the outcome of the deploy is not known, the certificate is
// looked for, and only if it can't be found does the error match
// ErrOutcomeUnknown.
func (c *Client) CreateCertificate(ctx context.Context, n NewCertificate) error {
	if err := n.check(); err != nil {
		return fmt.Errorf("create certificate: %w", err)
	}
	p, err := n.pack(nil)
	if err != nil {
		return fmt.Errorf("create certificate: %w", err)
	}
	err = c.deploy(ctx, deployment{
		pack: p, repeat: once, subject: "certificate " + n.DeveloperName,
		took: func(ctx context.Context) (bool, error) {
			_, found, err := c.FindCertificate(ctx, n.DeveloperName)
			return found, err
		},
	})
	if err != nil {
		return fmt.Errorf("create certificate %s: %w", n.DeveloperName, err)
	}
	return nil
}

// FindCertificate looks for a certificate by its DeveloperName, which
// Salesforce compares without case.
func (c *Client) FindCertificate(ctx context.Context, developerName string) (Certificate, bool, error) {
	list, err := c.ListCertificates(ctx)
	if err != nil {
		return Certificate{}, false, err
	}
	for _, certificate := range list {
		if strings.EqualFold(certificate.DeveloperName, developerName) {
			return certificate, true, nil
		}
	}
	return Certificate{}, false, nil
}

// UploadCertificateChain gives a CA-signed certificate its signed chain, in
// PEM, leaf first [I: the .crt file "holds the certificate chain", D CertMeta].
// It is never sent twice: a second deploy would go over a certificate that is
// signed already, which may get another key pair [D CertMeta]. Where the outcome
// of the deploy is not known, the chain is looked for, and only if it can't be
// found does the error match ErrOutcomeUnknown.
func (c *Client) UploadCertificateChain(ctx context.Context, n NewCertificate, chain []byte) error {
	if err := n.check(); err != nil {
		return fmt.Errorf("upload certificate chain: %w", err)
	}
	if !n.CASigned || len(bytes.TrimSpace(chain)) == 0 {
		return errors.New("upload certificate chain: it needs a CA-signed certificate and a chain")
	}
	p, err := n.pack(chain)
	if err != nil {
		return fmt.Errorf("upload certificate chain: %w", err)
	}
	err = c.deploy(ctx, deployment{
		pack: p, repeat: once, subject: "the chain of certificate " + n.DeveloperName,
		took: func(ctx context.Context) (bool, error) {
			content, found, err := c.CertificateContent(ctx, n.DeveloperName)
			return found && firstOfChain(content, chain), err
		},
	})
	if err != nil {
		return fmt.Errorf("upload the chain of certificate %s: %w", n.DeveloperName, err)
	}
	return nil
}

// firstOfChain reports whether the first certificate of a content is one of a
// chain. Before the chain is uploaded the content is a signing request.
func firstOfChain(content, chain []byte) bool {
	first, _ := pem.Decode(content)
	for first != nil {
		block, rest := pem.Decode(chain)
		if block == nil {
			return false
		}
		if block.Type == first.Type && bytes.Equal(block.Bytes, first.Bytes) {
			return true
		}
		chain = rest
	}
	return false
}

// DeleteCertificate deletes a certificate by destructiveChanges.xml [R].
func (c *Client) DeleteCertificate(ctx context.Context, developerName string) error {
	if err := CheckDeveloperName(developerName); err != nil {
		return fmt.Errorf("delete certificate: %w", err)
	}
	p := metadataPackage{removed: []metadataMember{{certificateKind, developerName}}}
	err := c.deploy(ctx, deployment{
		pack: p, repeat: once, subject: "the end of certificate " + developerName,
		took: func(ctx context.Context) (bool, error) {
			list, err := c.ListCertificates(ctx)
			// A user who may not see them is shown none.
			return len(list) > 0 && !slices.ContainsFunc(list, func(row Certificate) bool {
				return strings.EqualFold(row.DeveloperName, developerName)
			}), err
		},
	})
	if err != nil {
		return fmt.Errorf("delete certificate %s: %w", developerName, err)
	}
	return nil
}

// CertificateContent reads the .crt file of a certificate through the Metadata
// API [I]: its chain, or the signing request of one that waits for its chain.
// found is false if there is none of that name.
func (c *Client) CertificateContent(ctx context.Context, developerName string) (content []byte, found bool, err error) {
	if err := CheckDeveloperName(developerName); err != nil {
		return nil, false, fmt.Errorf("read certificate: %w", err)
	}
	var record struct {
		Content string `xml:"content"`
	}
	found, err = c.readMetadata(ctx, certificateKind, developerName, &record)
	if err != nil || !found {
		return nil, false, err
	}
	content, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(record.Content), ""))
	if err != nil || len(content) == 0 {
		return nil, false, fmt.Errorf("read certificate %s: its content is not base64", developerName)
	}
	return content, true, nil
}
