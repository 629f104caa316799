package conformance_test

import (
	"archive/zip"
	"bytes"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"encoding/xml"
	"fmt"
	"html"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"
)

// certificates queries the tooling object.
func (p *probe) certificates(fields, where string) []map[string]any {
	p.Helper()
	records, _ := p.query("/tooling/query", "SELECT "+fields+" FROM Certificate"+where)
	if len(records) == 0 {
		p.Skip("the org has no certificate")
	}
	return records
}

// deploy sends a package by REST, with the JSON part under a name, and waits for its end.
func (p *probe) deploy(part string, files map[string]string) map[string]any {
	p.Helper()
	return p.ended(p.begun(part, files))
}

// begun sends a package by REST, with the JSON part under a name, and returns the id of its deploy.
func (p *probe) begun(part string, files map[string]string) string {
	p.Helper()
	var packed bytes.Buffer
	archive := zip.NewWriter(&packed)
	for name, text := range files {
		w, err := archive.Create(name)
		if err != nil {
			p.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			p.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		p.Fatal(err)
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, piece := range []struct {
		name, file, contentType string
		text                    []byte
	}{
		{
			part, "", "application/json",
			[]byte(`{"deployOptions":{"singlePackage":true,"rollbackOnError":true,"ignoreWarnings":true}}`),
		},
		{"file", "deploy.zip", "application/zip", packed.Bytes()},
	} {
		disposition := `form-data; name="` + piece.name + `"`
		if piece.file != "" {
			disposition += `; filename="` + piece.file + `"`
		}
		w, err := form.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {disposition},
			"Content-Type":        {piece.contentType},
		})
		if err != nil {
			p.Fatal(err)
		}
		if _, err := w.Write(piece.text); err != nil {
			p.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		p.Fatal(err)
	}
	header := http.Header{"Authorization": {"Bearer " + p.session()}, "Content-Type": {form.FormDataContentType()}}
	id := p.text(p.send(http.MethodPost, "/metadata/deployRequest", header, body.Bytes()).object(), "id")
	if !strings.HasPrefix(id, "0Af") {
		p.Errorf("the deployment has the id %q, want 0Af...", id)
	}
	return id
}

// ended waits for the end of a deploy.
func (p *probe) ended(id string) map[string]any {
	p.Helper()
	var result map[string]any
	p.retryFor(5*time.Minute, func() bool {
		status := p.get("/metadata/deployRequest/" + id + "?includeDetails=true").want(http.StatusOK).object()
		result, _ = status["deployResult"].(map[string]any)
		return result["done"] == true
	})
	return result
}

// certificateFiles is a package that makes a certificate.
func (p *probe) certificateFiles(name, elements string) map[string]string {
	return map[string]string{
		"package.xml": `<Package xmlns="http://soap.sforce.com/2006/04/metadata"><types><members>` + name +
			`</members><name>Certificate</name></types><version>` + p.version + `</version></Package>`,
		"certs/" + name + ".crt": "",
		"certs/" + name +
			".crt-meta.xml": `<?xml version="1.0" encoding="UTF-8"?><Certificate xmlns="http://soap.sforce.com/2006/04/metadata">` +
			elements + `</Certificate>`,
	}
}

// fitting are the elements of a certificate that BYOK can use, but for its expiry.
const fitting = `<caSigned>false</caSigned><encryptedWithPlatformEncryption>true</encryptedWithPlatformEncryption>%s` +
	`<keySize>4096</keySize><masterLabel>Conformance</masterLabel><privateKeyExportable>false</privateKeyExportable>`

// removal is a package that deletes a certificate.
func (p *probe) removal(name string) map[string]string {
	return map[string]string{
		"package.xml": `<Package xmlns="http://soap.sforce.com/2006/04/metadata"><version>` + p.version +
			`</version></Package>`,
		"destructiveChanges.xml": `<Package xmlns="http://soap.sforce.com/2006/04/metadata"><types><members>` + name +
			`</members><name>Certificate</name></types></Package>`,
	}
}

// readMetadata reads one component by SOAP, and returns the elements of its record; "" if there is
// none.
func (p *probe) readMetadata(version, typ, name string) string {
	p.Helper()
	envelope := `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ` +
		`xmlns:m="http://soap.sforce.com/2006/04/metadata"><soapenv:Header><m:SessionHeader><m:sessionId>` +
		html.EscapeString(p.session()) + `</m:sessionId></m:SessionHeader></soapenv:Header><soapenv:Body><m:readMetadata>` +
		`<m:type>` + typ + `</m:type><m:fullNames>` + name +
		`</m:fullNames></m:readMetadata></soapenv:Body></soapenv:Envelope>`
	r := p.send(http.MethodPost, "/services/Soap/m/"+version,
		http.Header{"Content-Type": {"text/xml; charset=UTF-8"}, "Soapaction": {`""`}}, []byte(envelope))
	var answer struct {
		Record struct {
			Elements string `xml:",innerxml"`
		} `xml:"Body>readMetadataResponse>result>records"`
	}
	if err := xml.Unmarshal(r.want(http.StatusOK).body, &answer); err != nil {
		p.Fatal(err)
	}
	return answer.Record.Elements
}

// metadataContent reads the content of a certificate by SOAP.
func (p *probe) metadataContent(name string) string {
	p.Helper()
	var record struct {
		Name    string `xml:"fullName"`
		Content string `xml:"content"`
	}
	text := "<record>" + p.readMetadata(p.version, "Certificate", name) + "</record>"
	if err := xml.Unmarshal([]byte(text), &record); err != nil {
		p.Fatal(err)
	}
	p.equal("fullName", record.Name, name)
	return strings.Join(strings.Fields(record.Content), "")
}

func certificateFacts() []fact {
	const documented = "Id, DeveloperName, MasterLabel, ExpirationDate, KeySize, CreatedDate, OptionsIsCaSigned, " +
		"OptionsIsEncryptedWithPE, OptionsIsPrivateKeyExportable, OptionsIsUnusable, OptionsIsUsingKMS"
	return append(certificateLifeFacts(documented), []fact{
		{
			"CertificatesAreToolingOnly", "7.1", "C", "public code", "Certificate is an object of the Tooling API alone: " +
				"elsewhere it is 400 `INVALID_TYPE`.",
			0, "", func(p *probe) {
				p.queryRefused("SELECT Id FROM Certificate", "INVALID_TYPE", "sObject type 'Certificate' is not supported")
			},
		},
		{
			"CertificatesHaveTheDocumentedFields", "7.1", "D", "CertTooling", "The fields of the Tooling reference can be " +
				"selected, from API 50.0 on.", 0, "",
			func(p *probe) {
				for _, row := range p.certificates(documented, "") {
					for _, name := range []string{
						"OptionsIsCaSigned", "OptionsIsEncryptedWithPE", "OptionsIsPrivateKeyExportable",
						"OptionsIsUnusable",
					} {
						if _, isBool := row[name].(bool); !isBool {
							p.Errorf("%s is a %T", name, row[name])
						}
					}
					if size, _ := row["KeySize"].(float64); size != 2048 && size != 3072 && size != 4096 {
						p.Errorf("KeySize %v", row["KeySize"])
					}
				}
			},
		},
		{
			"CertificatesAreFoundByTheirNames", "7.1", "D", "CertTooling", "DeveloperName and MasterLabel can be filtered.", 0,
			"", func(p *probe) {
				first := p.certificates("Id, DeveloperName, MasterLabel", " LIMIT 1")[0]
				for _, name := range []string{"DeveloperName", "MasterLabel"} {
					value := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(p.text(first, name))
					found := false
					for _, row := range p.certificates("Id", " WHERE "+name+" = '"+value+"'") {
						found = found || row["Id"] == first["Id"]
					}
					p.equal("found by "+name, found, true)
				}
			},
		},
		{
			"CertificatesHaveAnEnvelopeOfTheirOwn", "7.1", "R", "recalled",
			"A tooling query also answers `size`, `queryLocator` and `entityTypeName`; ids begin with 0P1.", 0, "",
			func(p *probe) {
				records, page := p.query("/tooling/query", "SELECT Id FROM Certificate LIMIT 1")
				p.matches(page, map[string]any{
					"size": float64(len(records)), "queryLocator": nil, "entityTypeName": "Certificate",
					"done": true,
				})
				for _, row := range records {
					if id := p.text(row, "Id"); !strings.HasPrefix(id, "0P1") {
						p.Errorf("id %q", id)
					}
				}
			},
		},
		{
			"CertificatesAreReadOnly", "7.1", "D", "CertTooling", "Describe says that certificates can be neither created, " +
				"updated nor deleted.", 0, "",
			func(p *probe) {
				about := p.get("/tooling/sobjects/Certificate/describe").want(http.StatusOK).object()
				p.matches(about, map[string]any{"createable": false, "updateable": false, "deletable": false, "queryable": true})
			},
		},
		{
			"CertificateChainHoldsTheCertificate", "7.1", "C", "FtxPlugin",
			"`CertificateChain` of a row is got as a body: PEM, base64, a JSON string or DER of an X.509 certificate whose " +
				"key has KeySize bits.", 0, "",
			func(p *probe) {
				for _, row := range p.certificates("Id, KeySize, ExpirationDate", " WHERE OptionsIsUnusable = false LIMIT 3") {
					leaf := p.leaf(p.text(row, "Id"))
					key, isRSA := leaf.PublicKey.(*rsa.PublicKey)
					if !isRSA || float64(key.N.BitLen()) != row["KeySize"] {
						p.Errorf("the key is a %T, KeySize %v", leaf.PublicKey, row["KeySize"])
					}
				}
			},
		},
		{
			"CertificatesReadAsPEMByMetadata", "7.1", "C, I", "public code; CertMeta",
			"`readMetadata` by SOAP gives a certificate with `content`, the base64 of PEM.", 0, "", func(p *probe) {
				name := p.text(p.certificates("DeveloperName", " WHERE OptionsIsUnusable = false LIMIT 1")[0], "DeveloperName")
				body, err := base64.StdEncoding.DecodeString(p.metadataContent(name))
				if block, _ := pem.Decode(body); err != nil || block == nil {
					p.Errorf("content is not base64 of PEM: %v", err)
				}
			},
		},
		{
			"EmptyCrtMakesAFittingCertificate", "7.2", "C, I", "two repositories; CertMeta",
			"Deploying an empty `.crt` with 4096 bits, Platform Encryption and no exportable key makes a key pair that BYOK " +
				"can use; `destructiveChanges.xml` deletes it.", deploys, "", func(p *probe) {
				name := fmt.Sprintf("Conformance_%d", time.Now().Unix())
				expires := "<expirationDate>" + time.Now().AddDate(1, 0, 0).UTC().Format("2006-01-02") +
					"T00:00:00.000Z</expirationDate>"
				p.matches(p.deploy("entity_content", p.certificateFiles(name, fmt.Sprintf(fitting, expires))),
					map[string]any{"status": "Succeeded", "success": true, "numberComponentErrors": 0.0})
				row := p.certificates(documented, " WHERE DeveloperName = '"+name+"'")[0]
				p.matches(row, map[string]any{
					"KeySize": 4096.0, "OptionsIsEncryptedWithPE": true, "OptionsIsPrivateKeyExportable": false,
					"OptionsIsUnusable": false,
					"OptionsIsCaSigned": false, "MasterLabel": "Conformance",
				})
				p.matches(p.deploy("json", p.removal(name)), map[string]any{"status": "Succeeded", "success": true})
				_, page := p.query("/tooling/query", "SELECT COUNT() FROM Certificate WHERE DeveloperName = '"+name+"'")
				p.equal("certificates left", page["totalSize"], 0.0)
			},
		},
		{
			"DeploysAreCancelledByPatch", "7.2", "D", "Metadata API guide, meta_rest_deploy_cancel",
			"`PATCH metadata/deployRequest/<id>` with `{\"deployResult\":{\"status\":\"Canceling\"}}` asks to cancel a " +
				"deploy; it then ends as Canceled, or as Succeeded if that came too late.", deploys, "", func(p *probe) {
				name := fmt.Sprintf("Conformance_%d_Off", time.Now().Unix())
				id := p.begun("json", p.certificateFiles(name, fmt.Sprintf(fitting, "")))
				p.call(http.MethodPatch, "/metadata/deployRequest/"+id,
					map[string]any{"deployResult": map[string]any{"status": "Canceling"}})
				status := p.text(p.ended(id), "status")
				if status != "Canceled" && status != "Succeeded" {
					p.Errorf("it ended as %s", status)
				}
				// Below API 65 a cancelled deploy may have been committed all the same.
				_, page := p.query("/tooling/query", "SELECT COUNT() FROM Certificate WHERE DeveloperName = '"+name+"'")
				if page["totalSize"] != 0.0 {
					p.matches(p.deploy("json", p.removal(name)), map[string]any{"status": "Succeeded", "success": true})
				}
			},
		},
		{
			"ExpirationDateIsADateTime", "7.2", "C", "a public repository",
			"A deployed `expirationDate` without a time is refused.", deploys, "",
			func(p *probe) {
				name := fmt.Sprintf("Conformance_%d_Date", time.Now().Unix())
				expires := "<expirationDate>" + time.Now().AddDate(1, 0, 0).UTC().Format("2006-01-02") + "</expirationDate>"
				result := p.deploy("entity_content", p.certificateFiles(name, fmt.Sprintf(fitting, expires)))
				if result["success"] != false {
					p.deploy("entity_content", p.removal(name))
					p.Fatal("it was accepted")
				}
				details, err := json.Marshal(result["details"])
				if err != nil || !strings.Contains(string(details), "componentFailures") {
					p.Errorf("details without componentFailures, %v", err)
				}
			},
		},
		{
			"CertificateDefaults", "7.2", "D", "CertMeta", "Without `keySize` and `privateKeyExportable` a certificate has " +
				"2048 bits and an exportable key.",
			deploys, "", func(p *probe) {
				name := fmt.Sprintf("Conformance_%d_Plain", time.Now().Unix())
				elements := `<caSigned>false</caSigned><masterLabel>Conformance</masterLabel>`
				p.matches(p.deploy("json", p.certificateFiles(name, elements)), map[string]any{"status": "Succeeded"})
				p.matches(p.certificates(documented, " WHERE DeveloperName = '"+name+"'")[0],
					map[string]any{"KeySize": 2048.0, "OptionsIsPrivateKeyExportable": true})
				p.matches(p.deploy("json", p.removal(name)), map[string]any{"status": "Succeeded"})
			},
		},
		{
			"CertificatesCannotBeFilteredByChain", "7.1", "D", "CertTooling", "CertificateChain cannot be filtered.", 0, "",
			func(p *probe) {
				p.get("/tooling/query?q="+url.QueryEscape("SELECT Id FROM Certificate WHERE CertificateChain = 'x'")).
					refused(http.StatusBadRequest, "INVALID_FIELD", "can not be filtered in a query call")
			},
		},
	}...)
}
