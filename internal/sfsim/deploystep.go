package sfsim

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/metadata"
)

// deployStep is one component of a deployment: what it would do, or why it can't.
type deployStep struct {
	message deployMessage
	problem *metadata.Problem
	apply   func() error
	id      func() string // of the component, after apply
}

// plan judges every component against the org without changing it. Components do not depend on each
// other here.
func (w *world) plan(wanted *metadata.Deployment, now time.Time, by *user) []deployStep {
	var steps []deployStep
	add := func(base metadata.Problem, plan func(*deployStep) string) {
		step := deployStep{message: deployMessage{Problem: base}}
		if problem := plan(&step); problem != "" {
			base.Text = problem
			step.problem = &base
		}
		steps = append(steps, step)
	}
	for _, deletion := range wanted.Deletions {
		base := metadata.Problem{File: "destructiveChanges.xml", Type: deletion.Type, FullName: deletion.Name}
		if w.certificateByName(deletion.Name) == nil {
			base.Warning = true
		}
		add(base, func(step *deployStep) string { return w.planDeletion(step, deletion.Name) })
	}
	for _, settings := range wanted.Settings {
		base := metadata.Problem{
			File: "settings/" + settings.Type.Member + ".settings", Type: "Settings", FullName: settings.Type.Member,
		}
		add(base, func(step *deployStep) string { return w.planSettings(step, settings.Settings, now, by) })
	}
	for _, cert := range wanted.Certificates {
		base := metadata.Problem{File: "certs/" + cert.Name + ".crt", Type: "Certificate", FullName: cert.Name}
		add(base, func(step *deployStep) string {
			if existing := w.certificateByName(cert.Name); existing != nil {
				return w.planChange(step, existing, cert, now)
			}
			return w.planCreation(step, cert, now)
		})
	}
	return steps
}

// certificateByName finds a certificate by its unique name only, which is its name in the Metadata
// API.
func (w *world) certificateByName(name string) *certificate {
	i := slices.IndexFunc(w.certificates, func(c *certificate) bool { return c.developerName == name })
	if i < 0 {
		return nil
	}
	return w.certificates[i]
}

// The texts of the refusals below are invented; their rules have the sources named beside them.

// mayManage applies the permissions for certificates [D Help security_pe_byok_generate_secret].
func (w *world) mayManage(platformEncryption bool) string {
	p := w.permissions
	switch {
	case !p.ManageCertificates || !p.CustomizeApplication:
		return "Certificates need the permissions Manage Certificates and Customize Application"
	case platformEncryption && !p.ManageEncryptionKeys:
		return "Certificates with Platform Encryption need the permission Manage Encryption Keys"
	}
	return ""
}

// planDeletion deletes a certificate. Uploaded secrets do without the certificate that wrapped
// them; cache-only keys need theirs.
func (w *world) planDeletion(step *deployStep, name string) string {
	existing := w.certificateByName(name)
	if existing == nil {
		return "No Certificate named: " + name + " found" // [R]
	}
	if problem := w.mayManage(existing.platformEncryption); problem != "" {
		return problem
	}
	if slices.ContainsFunc(w.tenantSecrets, func(s *tenantSecret) bool {
		return s.remoteCertificate == name && w.keepsCertificate(s)
	}) {
		return "The certificate " + name + " is used by a cache-only key"
	}
	step.message.deleted = true
	step.message.id = existing.id
	step.apply = func() error {
		w.certificates = slices.DeleteFunc(w.certificates, func(c *certificate) bool { return c == existing })
		return nil
	}
	return ""
}

// certificateDeletions lists the values of Settings.CertificateDeletion.
var certificateDeletions = []string{"remote", "active", "free"}

// keepsCertificate reports whether a secret that names a certificate keeps it from being deleted.
func (w *world) keepsCertificate(s *tenantSecret) bool {
	return s.source == "REMOTE" && (w.settings.CertificateDeletion == "remote" ||
		w.settings.CertificateDeletion == "active" && s.status == "ACTIVE")
}

// planCreation makes a new key pair, whatever the content: private keys can't be imported [D
// CertMeta].
func (w *world) planCreation(step *deployStep, wanted metadata.CertificateComponent, now time.Time) string {
	if problem := w.mayManage(wanted.EncryptedWithPlatformEncryption); problem != "" {
		return problem
	}
	if len(bytes.TrimSpace(wanted.Content)) > 0 { // "uploading an existing certificate copies its parameters" [D CertMeta]
		if _, err := w.parseChain(wanted.Content); err != nil {
			return err.Error()
		}
	}
	expires, tooLong := w.validUntil(wanted, now)
	switch {
	case tooLong && w.settings.CertificateTooLongRefused:
		return fmt.Sprintf("The expiration date %s is more than %d days away", datetime(expires),
			w.settings.CertificateMaxDays)
	case !expires.After(now):
		return "The expiration date " + datetime(expires) + " is not in the future"
	case wanted.EncryptedWithPlatformEncryption && w.active("Data") == nil: // [I]
		return "A certificate whose private key is encrypted with Platform Encryption needs an active Data tenant secret"
	}
	made := &certificate{
		developerName: wanted.Name, masterLabel: wanted.MasterLabel, created: now, expires: expires.Truncate(time.Second),
		keySize: wanted.KeySize, caSigned: wanted.CASigned, platformEncryption: wanted.EncryptedWithPlatformEncryption,
		privateKeyExportable: wanted.PrivateKeyExportable, unusable: wanted.CASigned,
	}
	step.message.created, step.message.changed = true, true
	step.id = func() string { return made.id }
	step.apply = func() error {
		if err := w.addCertificate(made); err != nil {
			return err
		}
		if !made.caSigned {
			return nil
		}
		made.expires = time.Time{} // known once it is signed
		return made.request()
	}
	return ""
}

// validUntil is when a new certificate ends, and whether more was asked for than there is.
func (w *world) validUntil(wanted metadata.CertificateComponent, now time.Time) (expires time.Time, tooLong bool) {
	expires = wanted.ExpirationDate
	if expires.IsZero() { // [D CertMeta, Help security_keys_creating]
		years := 1
		if wanted.KeySize == 4096 {
			years = 2
		}
		expires = now.AddDate(years, 0, 0)
	}
	if last := now.AddDate(0, 0, w.settings.CertificateMaxDays); w.settings.CertificateMaxDays > 0 && expires.After(last) {
		tooLong = !wanted.ExpirationDate.IsZero()
		if !tooLong || !w.settings.CertificateTooLongRefused {
			expires = last
		}
	}
	return expires, tooLong
}

// request replaces the chain of a CA-signed certificate by the signing request that waits for it [D
// CertMeta].
func (cert *certificate) request() error {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{
			CommonName: cert.developerName, Organization: []string{"Salesforce.com"}, Locality: []string{"San Francisco"},
			Province: []string{"CA"}, Country: []string{"USA"},
		},
		SignatureAlgorithm: x509.SHA256WithRSA,
	}, cert.key)
	if err != nil {
		return fmt.Errorf("make the request of %s: %w", cert.developerName, err)
	}
	cert.chain = [][]byte{der}
	return nil
}

// planChange changes the label, or brings the signed chain of a CA-signed certificate. Everything
// else is fixed once the certificate is saved: size and type [D CertMeta]; the other two [I].
func (w *world) planChange(step *deployStep, existing *certificate, wanted metadata.CertificateComponent,
	now time.Time,
) string {
	if problem := w.mayManage(existing.platformEncryption); problem != "" {
		return problem
	}
	fixed := []struct {
		name    string
		differs bool
	}{
		{"caSigned", wanted.CASigned != existing.caSigned},
		{"keySize", wanted.KeySize != existing.keySize},
		{"encryptedWithPlatformEncryption", wanted.EncryptedWithPlatformEncryption != existing.platformEncryption},
		{"privateKeyExportable", wanted.PrivateKeyExportable != existing.privateKeyExportable},
		{
			"expirationDate",
			!wanted.ExpirationDate.IsZero() && !existing.caSigned &&
				!wanted.ExpirationDate.Truncate(time.Second).Equal(existing.expires),
		},
	}
	for _, field := range fixed {
		if field.differs {
			return "The field " + field.name + " of the certificate " + wanted.Name + " can't be changed once it is saved"
		}
	}
	var chain [][]byte
	if content := bytes.TrimSpace(wanted.Content); len(content) > 0 &&
		!bytes.Equal(content, bytes.TrimSpace([]byte(existing.pem()))) {
		if !existing.caSigned {
			return "The content of the self-signed certificate " + wanted.Name + " can't be changed"
		}
		certificates, err := w.parseChain(content)
		if err != nil {
			return err.Error()
		}
		if problem := existing.judgeChain(certificates, now); problem != "" {
			return problem
		}
		for _, cert := range certificates {
			chain = append(chain, cert.der)
		}
	}
	step.message.changed = chain != nil || wanted.MasterLabel != existing.masterLabel
	step.message.id = existing.id
	if w.settings.CertificateRedeployKeys && !existing.unusable {
		step.message.changed = true
		step.apply = func() error { return w.remake(existing, wanted.MasterLabel, now) }
		return ""
	}
	step.apply = func() error {
		existing.masterLabel = wanted.MasterLabel
		if chain == nil {
			return nil
		}
		leaf, err := x509.ParseCertificate(chain[0])
		if err != nil {
			return err
		}
		existing.chain, existing.unusable, existing.expires = chain, false, leaf.NotAfter
		return nil
	}
	return ""
}

// remake gives a certificate a new key pair, with the X.509 parameters that it had.
func (w *world) remake(existing *certificate, label string, now time.Time) error {
	made := *existing
	made.masterLabel, made.created, made.key, made.chain = label, now, nil, nil
	if err := w.addCertificate(&made); err != nil {
		return err
	}
	w.certificates = slices.DeleteFunc(w.certificates, func(c *certificate) bool { return c == &made })
	if made.caSigned {
		made.unusable = true
		if err := made.request(); err != nil {
			return err
		}
	}
	*existing = made
	return nil
}

// chained is a certificate of a chain; x509 is nil for an issuer that Go can't read.
type chained struct {
	der  []byte
	x509 *x509.Certificate
}

// parseChain reads a PEM chain, leaf first. Salesforce is no Go program, and takes issuers, it must
// be assumed, that crypto/x509 does not.
func (w *world) parseChain(content []byte) ([]chained, error) {
	var chain []chained
	rest := content
	for len(bytes.TrimSpace(rest)) > 0 {
		block, after := pem.Decode(rest)
		if block == nil {
			return nil, errors.New("The content is not a chain of certificates in PEM") //nolint:staticcheck // a reply's text
		}
		if block.Type != "CERTIFICATE" {
			//nolint:staticcheck // a reply's text
			return nil, fmt.Errorf("The content holds a PEM block %s, expected CERTIFICATE", block.Type)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil && (len(chain) == 0 || w.settings.CertificateChainStrict) {
			return nil, errors.New("The content holds a certificate that can't be parsed") //nolint:staticcheck // a reply's text
		}
		chain, rest = append(chain, chained{block.Bytes, cert}), after
	}
	return chain, nil
}

// judgeChain checks that a signed chain is for this certificate's key, in order and in time.
func (cert *certificate) judgeChain(chain []chained, now time.Time) string {
	leaf := chain[0].x509
	key, ok := leaf.PublicKey.(*rsa.PublicKey)
	switch {
	case !ok || !key.Equal(&cert.key.PublicKey):
		return "The signed certificate does not have the public key of the certificate " + cert.developerName
	case now.Before(leaf.NotBefore) || now.After(leaf.NotAfter):
		return "The signed certificate is not valid now"
	case len(chain) == 1 && bytes.Equal(leaf.RawIssuer, leaf.RawSubject):
		return "The certificate is self-signed, expected one that is signed by a certificate authority"
	}
	for i := 1; i < len(chain); i++ {
		signed, issuer := chain[i-1].x509, chain[i].x509
		if signed == nil || issuer == nil {
			continue
		}
		err := signed.CheckSignatureFrom(issuer)
		if errors.Is(err, x509.ErrUnsupportedAlgorithm) && bytes.Equal(signed.RawIssuer, issuer.RawSubject) {
			continue // such as a key for RSA-PSS alone
		}
		if err != nil {
			return fmt.Sprintf("Certificate %d of the chain is not signed by the one after it", i)
		}
	}
	return ""
}
