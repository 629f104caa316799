package sfsim

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/soql"
)

// certificateObject describes the tooling object Certificate, which is read-only [D CertTooling, wire 7.1].
var certificateObject = &sobject{
	name: "Certificate", label: "Certificate", labelPlural: "Certificates", prefix: "0P1", tooling: true, since: 37, verbs: "R",
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
			"CreatedBy": creator, "LastModifiedBy": creator, "DeveloperName": cert.developerName, "MasterLabel": cert.masterLabel,
			"ExpirationDate": cert.expires, "KeySize": int64(cert.keySize),
			// Tooling REST gives blobs as the URL to get them from [R].
			"CertificateChain":  certificateObject.path(c) + "/" + cert.id + "/CertificateChain",
			"OptionsIsCaSigned": cert.caSigned, "OptionsIsEncryptedWithPE": cert.platformEncryption, "OptionsIsNewEncr": true,
			"OptionsIsPrivateKeyExportable": cert.privateKeyExportable, "OptionsIsUnusable": cert.unusable,
			"OptionsIsUsingKMS": cert.usesKMS,
		})
	}
	return rows
}

// showCertificateChain answers the chain in the form that Settings choose: the real one is not documented (wire 11.1, row 6).
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
var chainForms = []string{"pem", "base64", "json", "der"}

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
	default:
		answer.body = []byte(cert.pem())
	}
	return answer
}

// pem is the chain, leaf first; a certificate that waits for its signed chain holds a request instead [D CertMeta].
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

// checkDeveloperName applies the rules of unique names [D, wire 7.2].
func checkDeveloperName(name string) error {
	valid := name != "" && len(name) <= 80 && !strings.HasSuffix(name, "_") && !strings.Contains(name, "__")
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r != '_' && (r < '0' || r > '9')) {
			valid = false
		}
	}
	if !valid {
		return fmt.Errorf("%q is not a unique name: expected letters, digits and underscores, a letter first, no underscore last and"+
			" no two in a row", name)
	}
	return nil
}
