package salesforce

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/redact"
)

const (
	soapNamespace     = "http://schemas.xmlsoap.org/soap/envelope/"
	metadataNamespace = "http://soap.sforce.com/2006/04/metadata"
)

// soapFault is the body of a failed SOAP call.
type soapFault struct {
	Code   string `xml:"Body>Fault>faultcode"`
	String string `xml:"Body>Fault>faultstring"`
}

// parseFault reads a fault such as sf:INVALID_SESSION_ID, whose string repeats
// the code [C].
func parseFault(body []byte, r *redact.Redactor) []Message {
	var fault soapFault
	if err := xml.Unmarshal(body, &fault); err != nil || fault.Code == "" && fault.String == "" {
		return nil
	}
	code := strings.TrimSpace(fault.Code)
	if _, local, found := strings.Cut(code, ":"); found {
		code = local
	}
	text := strings.TrimPrefix(strings.TrimSpace(fault.String), code+": ")
	return []Message{{Message: r.Text(text, maxMessage), ErrorCode: r.Text(code, maxMessage)}}
}

// readMetadata reads one component by the SOAP call of that name, which has no
// REST form [R], into record. It returns false if Salesforce knows none of
// that name, which it answers with an empty record [R].
func (c *Client) readMetadata(ctx context.Context, kind, fullName string, record any) (bool, error) {
	found := false
	_, err := c.do(ctx, call{
		method:      http.MethodPost,
		path:        "/services/Soap/m/" + c.apiVersion,
		contentType: "text/xml; charset=UTF-8",
		accept:      "text/xml",
		header:      http.Header{"Soapaction": {`""`}},
		soap:        true,
		bodyOf:      func(g *grant) []byte { return readMetadataEnvelope(g.token.Expose(), kind, fullName) },
		decode: func(r *reply) error {
			var err error
			found, err = decodeReadMetadata(r.body, fullName, record)
			return err
		},
	})
	if err != nil {
		return false, fmt.Errorf("read metadata %s %s: %w", kind, fullName, err)
	}
	return found, nil
}

func readMetadataEnvelope(session, kind, fullName string) []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header + `<soapenv:Envelope xmlns:soapenv="` + soapNamespace + `" xmlns:met="` + metadataNamespace +
		`">` +
		`<soapenv:Header><met:SessionHeader><met:sessionId>`)
	escapeXML(&b, session)
	b.WriteString(`</met:sessionId></met:SessionHeader></soapenv:Header><soapenv:Body><met:readMetadata><met:type>`)
	escapeXML(&b, kind)
	b.WriteString(`</met:type><met:fullNames>`)
	escapeXML(&b, fullName)
	b.WriteString(`</met:fullNames></met:readMetadata></soapenv:Body></soapenv:Envelope>`)
	return b.Bytes()
}

// escapeXML writes s as character data. Writing to a buffer can't fail.
func escapeXML(b *bytes.Buffer, s string) { _ = xml.EscapeText(b, []byte(s)) }

func decodeReadMetadata(body []byte, fullName string, record any) (bool, error) {
	var envelope struct {
		Response *struct {
			Records []struct {
				FullName string `xml:"fullName"`
				Content  []byte `xml:",innerxml"`
			} `xml:"result>records"`
		} `xml:"Body>readMetadataResponse"`
	}
	if err := xml.Unmarshal(body, &envelope); err != nil {
		return false, errors.New("it is not XML")
	}
	if envelope.Response == nil {
		return false, errors.New("it is no answer to readMetadata")
	}
	for _, r := range envelope.Response.Records {
		if r.FullName != fullName {
			continue
		}
		wrapped := append(append([]byte("<records>"), r.Content...), "</records>"...)
		if err := xml.Unmarshal(wrapped, record); err != nil {
			return false, errors.New("the record could not be understood")
		}
		return true, nil
	}
	return false, nil
}
