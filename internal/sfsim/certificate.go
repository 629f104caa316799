package sfsim

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/soql"
)

// certificateObject describes the tooling object Certificate, which is read-only [D CertTooling].
var certificateObject = &sobject{
	name: "Certificate", label: "Certificate", labelPlural: "Certificates", prefix: "0P1", tooling: true, since: 37,
	verbs: "R",
	fields: append(systemFields(), []field{
		{name: "DeveloperName", label: "Certificate Unique Name", kind: "string", props: "FGS", length: 80},
		{name: "MasterLabel", label: "Label", kind: "string", props: "FGS", length: 64},
		{name: "ExpirationDate", label: "Expiration Date", kind: "datetime", props: "FGNS"},
		{name: "KeySize", label: "Key Size", kind: "int", props: "FGNS"},
		{name: "CertificateChain", label: "Certificate Chain", kind: "base64", props: "N"},
		{name: "OptionsIsCaSigned", label: "CA Signed", kind: "boolean", props: "F"},
		{name: "OptionsIsEncryptedWithPE", label: "Encrypted with Platform Encryption", kind: "boolean", props: "F"},
		{name: "OptionsIsNewEncr", label: "New Encryption", kind: "boolean", props: "F"},
		{name: "OptionsIsPrivateKeyExportable", label: "Private Key Exportable", kind: "boolean", props: "F"},
		{name: "OptionsIsUnusable", label: "Unusable", kind: "boolean", props: "F"},
		{name: "OptionsIsUsingKMS", label: "Using KMS", kind: "boolean", props: "F", since: 50},
	}...),
	relationships: map[string]string{"CreatedBy": "User", "LastModifiedBy": "User"},
}

func init() {
	certificateObject.rows = (*call).certificateRows
	certificateObject.visible = func(c *call) bool {
		return c.s.world.permissions.ManageCertificates && c.s.world.permissions.CustomizeApplication
	}
}

func certificateRoutes() []route {
	return []route{
		{"GET", "tooling/sobjects/{object}/{id}/CertificateChain", "{object}.chain", 37, showCertificateChain},
	}
}

func (c *call) certificateRows() []soql.Row {
	creator := c.userRows()[0]
	rows := make([]soql.Row, 0, len(c.s.world.certificates))
	for _, cert := range c.s.world.certificates {
		rows = append(rows, soql.Row{
			"Id": cert.id, "IsDeleted": false, "CreatedDate": cert.created, "CreatedById": creator["Id"],
			"LastModifiedDate": cert.created, "LastModifiedById": creator["Id"], "SystemModstamp": cert.created,
			"CreatedBy": creator, "LastModifiedBy": creator, "DeveloperName": cert.developerName,
			"MasterLabel":    cert.masterLabel,
			"ExpirationDate": c.s.world.expirationDate(cert), "KeySize": int64(cert.keySize),
			// Tooling REST gives blobs as the URL to get them from [R].
			"CertificateChain":  certificateObject.path(c) + "/" + cert.id + "/CertificateChain",
			"OptionsIsCaSigned": cert.caSigned, "OptionsIsEncryptedWithPE": cert.platformEncryption, "OptionsIsNewEncr": true,
			"OptionsIsPrivateKeyExportable": cert.privateKeyExportable, "OptionsIsUnusable": cert.unusable,
			"OptionsIsUsingKMS": cert.usesKMS,
		})
	}
	return rows
}

// expirationDate is a dateTime, or a date as the reference says, for a Settings switch [D; the WSDL
// has the dateTime]. A CA-signed certificate that waits for its chain has none yet.
func (w *world) expirationDate(cert *certificate) any {
	if cert.expires.IsZero() {
		return nil
	}
	if w.settings.CertificateDateOnly {
		return cert.expires.UTC().Format(time.DateOnly)
	}
	return cert.expires
}

// showCertificateChain answers the chain in the form that Settings choose: the real one is not
// documented.
func showCertificateChain(c *call) *reply {
	if o, found := c.object(c.param("object"), true); !found || o != certificateObject {
		return notFound()
	}
	row, refusal := certificateObject.find(c, c.param("id"))
	if refusal != nil {
		return refusal
	}
	for _, cert := range c.s.world.certificates {
		if cert.id == row["Id"] {
			return renderChain(c.s.world.settings.CertificateChainForm, cert)
		}
	}
	return notFound()
}

// chainForms lists the values of Settings.CertificateChainForm.
var chainForms = []string{
	"pem", "base64", "json", "der", "bom", "pkcs7", "base64-pem", "trusted", "x509", "one-line",
	"root-first",
}

func renderChain(form string, cert *certificate) *reply {
	answer := &reply{status: http.StatusOK, contentType: "text/plain;charset=UTF-8"}
	leaf := base64.StdEncoding.EncodeToString(cert.chain[0])
	switch form {
	case "base64":
		answer.body = []byte(leaf)
	case "json":
		answer.body, answer.contentType = leaf, ""
	case "der":
		answer.body, answer.contentType = cert.chain[0], "application/octet-stream"
	case "bom":
		answer.body = []byte("\xef\xbb\xbf" + cert.pem())
	case "pkcs7":
		answer.body = pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: pkcs7(cert.chain)})
	case "base64-pem":
		answer.body = []byte(base64.StdEncoding.EncodeToString([]byte(cert.pem())))
	case "trusted":
		// OpenSSL's form: what the certificate is trusted for, here nothing, follows it.
		answer.body = pem.EncodeToMemory(&pem.Block{
			Type:  "TRUSTED CERTIFICATE",
			Bytes: append(slices.Clone(cert.chain[0]), 0x30, 0x00),
		})
	case "x509":
		answer.body = []byte(strings.ReplaceAll(cert.pem(), " CERTIFICATE-----", " X509 CERTIFICATE-----"))
	case "one-line":
		answer.body = []byte(strings.ReplaceAll(cert.pem(), "\n", ""))
	case "root-first":
		reversed := *cert
		reversed.chain = slices.Clone(cert.chain)
		slices.Reverse(reversed.chain)
		answer.body = []byte(reversed.pem())
	default:
		answer.body = []byte(cert.pem())
	}
	return answer
}

// pkcs7 is a file of certificates and nothing else, as `openssl crl2pkcs7 -nocrl` makes it (RFC
// 2315, 9.1).
func pkcs7(chain [][]byte) []byte {
	type content struct{ Type asn1.ObjectIdentifier }
	type file struct {
		Version      int
		Algorithms   asn1.RawValue
		Content      content
		Certificates asn1.RawValue
		Signers      asn1.RawValue
	}
	none := asn1.RawValue{FullBytes: []byte{0x31, 0x00}}
	inner, err := asn1.Marshal(file{
		Version: 1, Algorithms: none, Content: content{asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}},
		Certificates: asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: bytes.Join(chain, nil)},
		Signers:      none,
	})
	if err != nil {
		panic("sfsim: " + err.Error())
	}
	outer, err := asn1.Marshal(struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue
	}{
		asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}, asn1.RawValue{
			Class: asn1.ClassContextSpecific, IsCompound: true,
			Bytes: inner,
		},
	})
	if err != nil {
		panic("sfsim: " + err.Error())
	}
	return outer
}

// pem is the chain, leaf first; a certificate that waits for its signed chain holds a request
// instead [D CertMeta].
func (cert *certificate) pem() string {
	kind := "CERTIFICATE"
	if cert.unusable && cert.caSigned {
		kind = "CERTIFICATE REQUEST"
	}
	var out strings.Builder
	for _, der := range cert.chain {
		out.Write(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return out.String()
}

// checkDeveloperName applies the rules of unique names [D].
func checkDeveloperName(name string) error {
	valid := name != "" && len(name) <= 80 && !strings.HasSuffix(name, "_") && !strings.Contains(name, "__")
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r != '_' && (r < '0' || r > '9')) {
			valid = false
		}
	}
	if !valid {
		return fmt.Errorf("%q is not a unique name: expected letters, digits and underscores, a letter first, no "+
			"underscore last and no two in a row", name)
	}
	return nil
}
