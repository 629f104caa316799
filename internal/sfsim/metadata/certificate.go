package metadata

import (
	"bytes"
	"encoding/xml"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Certificate is the metadata type Certificate, API 36+ [D CertMeta].
type Certificate struct {
	CASigned                        bool
	EncryptedWithPlatformEncryption bool
	ExpirationDate                  time.Time // zero: by key size
	KeySize                         int       // 2048 unless given
	MasterLabel                     string
	PrivateKeyExportable            bool // true unless given
}

// maxLabel is the length of a certificate's label in characters [D CertMeta].
const maxLabel = 64

// certificateElements are the elements of the type, in the order in which
// Salesforce writes them.
var certificateElements = []string{
	"caSigned", "encryptedWithPlatformEncryption", "expirationDate", "keySize", "masterLabel", "privateKeyExportable",
}

// developerNamePattern allows letters, digits and single underscores, from a
// letter on, without an underscore at the end [D].
var developerNamePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*$`)

// ValidDeveloperName reports whether a name can be a unique name.
func ValidDeveloperName(name string) bool {
	return len(name) <= 80 && developerNamePattern.MatchString(name)
}

// dateTimePattern is xsd:dateTime, which a bare date is not [C].
var dateTimePattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?$`)

func parseDateTime(text string) (time.Time, bool) {
	if !dateTimePattern.MatchString(text) {
		return time.Time{}, false
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// ParseCertificate reads the elements of a certificate, which must be those
// of a document or of a record in a SOAP call.
func ParseCertificate(root *Element) (Certificate, *Problem) {
	c := Certificate{KeySize: 2048, PrivateKeyExportable: true}
	seen := map[string]bool{}
	for _, e := range root.Children {
		refuse := func(text string) (Certificate, *Problem) {
			return Certificate{}, &Problem{Text: text, Line: e.Line, Column: e.Column}
		}
		name := e.Name.Local
		if seen[name] {
			return refuse("Error parsing file: Duplicate element " + name + " in type Certificate") // [invented]
		}
		seen[name] = true
		ok, xsd := true, "boolean"
		switch name {
		case "caSigned":
			c.CASigned, ok = parseBoolean(e.Text)
		case "encryptedWithPlatformEncryption":
			c.EncryptedWithPlatformEncryption, ok = parseBoolean(e.Text)
		case "privateKeyExportable":
			c.PrivateKeyExportable, ok = parseBoolean(e.Text)
		case "expirationDate":
			c.ExpirationDate, ok = parseDateTime(e.Text)
			xsd = "dateTime"
		case "keySize":
			size, err := strconv.Atoi(e.Text)
			c.KeySize, ok, xsd = size, err == nil, "int"
		case "masterLabel":
			c.MasterLabel = e.Text
		default:
			return refuse(invalidElement(e, "Certificate"))
		}
		switch {
		case !ok:
			return refuse("Error parsing file: '" + e.Text + "' is not a valid value for the type xsd:" + xsd) // [R]
		case len(e.Children) > 0:
			return refuse(invalidElement(e.Children[0], "Certificate"))
		}
	}
	refuse := func(text string) (Certificate, *Problem) {
		return Certificate{}, &Problem{Text: text, Line: root.Line, Column: root.Column}
	}
	switch {
	case !seen["caSigned"]:
		return refuse("Required field is missing: caSigned") // [R]
	case c.MasterLabel == "":
		return refuse("Required field is missing: masterLabel") // [R]
	case len([]rune(c.MasterLabel)) > maxLabel:
		return refuse("Label: data value too large: " + c.MasterLabel + " (max length=" + strconv.Itoa(maxLabel) + ")") // [R]
	case c.KeySize != 2048 && c.KeySize != 4096:
		return refuse("Key Size: bad value: " + strconv.Itoa(c.KeySize) + " (2048 or 4096 expected)") // [invented]
	}
	return c, nil
}

// parseBoolean reads xsd:boolean.
func parseBoolean(text string) (value, ok bool) {
	switch text {
	case "true", "1":
		return true, true
	case "false", "0":
		return false, true
	}
	return false, false
}

// Body renders the certificate as a retrieve does.
func (c Certificate) Body() []byte {
	var out bytes.Buffer
	out.WriteString(xml.Header + `<Certificate xmlns="` + Namespace + `">` + "\n")
	for _, name := range certificateElements {
		line(&out, name, c.text(name), 1)
	}
	out.WriteString("</Certificate>\n")
	return out.Bytes()
}

// Elements renders the elements alone, as a SOAP record holds them.
func (c Certificate) Elements() string {
	var out strings.Builder
	for _, name := range certificateElements {
		out.WriteString("<" + name + ">" + EscapeXML(c.text(name)) + "</" + name + ">")
	}
	return out.String()
}

func (c Certificate) text(element string) string {
	switch element {
	case "caSigned":
		return strconv.FormatBool(c.CASigned)
	case "encryptedWithPlatformEncryption":
		return strconv.FormatBool(c.EncryptedWithPlatformEncryption)
	case "expirationDate":
		return c.ExpirationDate.UTC().Format("2006-01-02T15:04:05.000Z")
	case "keySize":
		return strconv.Itoa(c.KeySize)
	case "masterLabel":
		return c.MasterLabel
	case "privateKeyExportable":
		return strconv.FormatBool(c.PrivateKeyExportable)
	}
	return ""
}

// EscapeXML escapes text for an element.
func EscapeXML(text string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(text)) // a strings.Builder does not fail
	return out.String()
}
