package salesforce

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const soapRoute = "POST /services/Soap/m/62.0"

func soapReply(records string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns="http://soap.sforce.com/2006/04/metadata" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
		`<soapenv:Body><readMetadataResponse><result>` + records +
		`</result></readMetadataResponse></soapenv:Body></soapenv:Envelope>`
}

func soapFaultReply(code, text string) http.HandlerFunc {
	return answer(500,
		`<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:sf="http://soap.sforce.com/2006/04/metadata">`+
			`<soapenv:Body><soapenv:Fault><faultcode>sf:`+code+`</faultcode><faultstring>`+code+`: `+text+
			`</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`)
}

const settingsRecord = `<records xsi:type="EncryptionKeySettings"><fullName>EncryptionKey</fullName>` +
	`<canOptOutOfDerivationWithBYOK>true</canOptOutOfDerivationWithBYOK><enableCacheOnlyKeys>1</enableCacheOnlyKeys><novel>x</novel></records>`

func mustTime(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// moveClock makes a client's clock one that only its pauses move.
func moveClock(c *Client, p *pauses) {
	start := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	c.now = func() time.Time {
		at := start
		for _, d := range p.all() {
			at = at.Add(d)
		}
		return at
	}
}

func TestReadSettings(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on(soapRoute, answer(200, soapReply(settingsRecord)))
	c, _, _ := o.client()
	got, err := c.ReadSettings(t.Context(), EncryptionKeySettings())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Settings{SettingOptOutOfDerivation: true, SettingCacheOnlyKeys: true}, got); diff != "" {
		t.Error(diff)
	}
	r := o.seen()[0]
	var envelope struct {
		Session string `xml:"Header>SessionHeader>sessionId"`
		Type    string `xml:"Body>readMetadata>type"`
		Name    string `xml:"Body>readMetadata>fullNames"`
	}
	if err := xml.Unmarshal([]byte(r.body), &envelope); err != nil {
		t.Fatal(err)
	}
	if envelope.Session != testToken+"1" || envelope.Type != "EncryptionKeySettings" || envelope.Name != "EncryptionKey" {
		t.Errorf("envelope %+v", envelope)
	}
	if r.header.Get("Soapaction") != `""` || !strings.HasPrefix(r.header.Get("Content-Type"), "text/xml") {
		t.Errorf("headers %v", r.header)
	}
}

func TestSOAPIsRepeated(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]http.HandlerFunc{
		"expired":     soapFaultReply("INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader: Illegal Session"),
		"expired 401": answer(401, expired),
		"unavailable": soapFaultReply("SERVER_UNAVAILABLE", "later"),
		"503":         answer(503, `<html>`),
		"truncated":   truncated(200, `<a>`),
		"malformed":   answer(200, `<a>`, "Content-Type", "text/xml"),
		"empty":       answer(200, ``),
		"reset":       hangUp,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(soapRoute, first, answer(200, soapReply(settingsRecord)))
			c, _, _ := o.client()
			if _, err := c.ReadSettings(t.Context(), EncryptionKeySettings()); err != nil {
				t.Fatal(err)
			}
			requests := o.seen()
			if len(requests) != 2 {
				t.Fatalf("%d requests, want 2", len(requests))
			}
			wantToken := testToken + "1"
			if strings.HasPrefix(name, "expired") {
				wantToken = testToken + "2"
			}
			if !strings.Contains(requests[1].body, "<met:sessionId>"+wantToken+"<") {
				t.Errorf("the second request has not the session of the renewed login: %s", requests[1].body)
			}
		})
	}
}

func TestSOAPRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		first http.HandlerFunc
		text  string
		is    error
	}{
		"fault": {soapFaultReply("INSUFFICIENT_ACCESS",
			"use of the Metadata API requires a user with more for "+testToken+"1"), "INSUFFICIENT_ACCESS: use of the " +
			"Metadata API requires a user with more for [redacted]", ErrPermission},
		"no record": {answer(200, soapReply(`<records xsi:nil="true"/>`)), "the org shows none", ErrPermission},
		"none":      {answer(200, soapReply(``)), "the org shows none", ErrPermission},
		"other": {
			answer(200, soapReply(`<records><fullName>Other</fullName></records>`)), "the org shows none",
			ErrPermission,
		},
		"other call": {answer(200, `<Envelope><Body><x/></Body></Envelope>`), "no answer to readMetadata", nil},
		"bad boolean": {answer(200,
			soapReply(`<records><fullName>EncryptionKey</fullName><enableCacheOnlyKeys>perhaps</enableCacheOnlyKeys></records>`)), "enableCacheOnlyKeys is neither true nor false", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on(soapRoute, tc.first)
			c, _, _ := o.client()
			_, err := c.ReadSettings(t.Context(), EncryptionKeySettings())
			if err == nil || !strings.Contains(err.Error(), tc.text) || tc.is != nil && !errors.Is(err, tc.is) {
				t.Errorf("error %v, want %q in it", err, tc.text)
			}
			if n := len(o.seen()); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
		})
	}
}

// TestChangeSettings: a deploy names all that was read, so it is the same whether Salesforce keeps
// or resets what a file omits.
func TestChangeSettings(t *testing.T) {
	t.Parallel()
	keys := EncryptionKeySettings()
	for name, tc := range map[string]struct {
		kind            SettingsKind
		current, change Settings
		want            string
	}{
		"all that was read": {
			keys,
			Settings{"novel": true, SettingDataCloudKeys: false, SettingReplayDetection: true},
			Settings{SettingCacheOnlyKeys: true, SettingReplayDetection: false},
			`<EncryptionKeySettings xmlns="http://soap.sforce.com/2006/04/metadata">
    <canManageDataCloudKeys>false</canManageDataCloudKeys>
    <enableCacheOnlyKeys>true</enableCacheOnlyKeys>
    <enableReplayDetection>false</enableReplayDetection>
    <novel>true</novel>
</EncryptionKeySettings>`,
		},
		"nothing was shown": {
			keys, nil,
			Settings{SettingCacheOnlyKeys: true},
			`<EncryptionKeySettings xmlns="http://soap.sforce.com/2006/04/metadata">
    <enableCacheOnlyKeys>true</enableCacheOnlyKeys>
</EncryptionKeySettings>`,
		},
		"what locks out is kept on, and never named otherwise": {
			PlatformEncryptionSettings(),
			Settings{SettingMEKRequired: true, SettingHighAssuranceRequired: false},
			Settings{SettingFieldHistory: true},
			`<PlatformEncryptionSettings xmlns="http://soap.sforce.com/2006/04/metadata">
    <enableEncryptFieldHistory>true</enableEncryptFieldHistory>
    <isMEKForEncryptionRequired>true</isMEKForEncryptionRequired>
</PlatformEncryptionSettings>`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on("POST "+deployRoute, answer(503, ``), answer(201, started))
			o.on("GET "+deployRoute+"/"+testDeploy, answer(200, deployed("Succeeded", true, true)))
			c, _, _ := o.client()
			if err := c.ChangeSettings(t.Context(), tc.kind, tc.current, tc.change); err != nil {
				t.Fatal(err)
			}
			_, files := openDeploy(t, o.seen()[1])
			if diff := cmp.Diff(xml.Header+tc.want+"\n", files["settings/"+tc.kind.member+".settings"]); diff != "" {
				t.Error(diff)
			}
			if !strings.Contains(files["package.xml"], "<members>"+tc.kind.member+"</members>\n        <name>Settings</name>") {
				t.Errorf("manifest %s", files["package.xml"])
			}
		})
	}
}

func TestChangesOfSettingsThatAreNotSent(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	c, _, _ := o.client()
	if err := c.ChangeSettings(t.Context(), EncryptionKeySettings(), Settings{SettingCacheOnlyKeys: true},
		nil); err != nil {
		t.Errorf("an empty change: %v", err)
	}
	for _, name := range readOnly {
		if err := c.ChangeSettings(t.Context(), PlatformEncryptionSettings(), Settings{name: true},
			Settings{name: false}); err == nil {
			t.Errorf("%s can be changed", name)
		}
	}
	if n := len(o.seen()); n != 0 {
		t.Errorf("%d requests, want none", n)
	}
}

func TestCertificateContent(t *testing.T) {
	t.Parallel()
	pem := "-----BEGIN CERTIFICATE REQUEST-----\nAA==\n-----END CERTIFICATE REQUEST-----\n"
	encoded := base64.StdEncoding.EncodeToString([]byte(pem))
	record := func(content string) string {
		return soapReply(`<records xsi:type="Certificate"><fullName>A</fullName><content>` + content +
			`</content><caSigned>true</caSigned></records>`)
	}
	o := newOrg(t)
	o.on(soapRoute, answer(200, record(encoded[:40]+"\n"+encoded[40:])), answer(200, soapReply(``)),
		answer(200, record("?")), answer(200, record("")))
	c, _, _ := o.client()
	content, found, err := c.CertificateContent(t.Context(), "A")
	if err != nil || !found || string(content) != pem {
		t.Errorf("%q %v %v", content, found, err)
	}
	if _, found, err = c.CertificateContent(t.Context(), "A"); err != nil || found {
		t.Errorf("none: %v %v", found, err)
	}
	for range 2 {
		if _, _, err = c.CertificateContent(t.Context(), "A"); err == nil {
			t.Error("bad content: no error")
		}
	}
}

func FuzzReadMetadata(f *testing.F) {
	f.Add([]byte(soapReply(settingsRecord)))
	f.Add([]byte(soapReply(`<records xsi:nil="true"/>`)))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var record shownSettings
		found, err := decodeReadMetadata(b, "EncryptionKey", &record)
		if found && err != nil {
			t.Errorf("%q is found with the error %v", b, err)
		}
		if all, err := record.settings(EncryptionKeySettings()); err == nil {
			var written struct {
				XMLName xml.Name `xml:"EncryptionKeySettings"`
			}
			if err := xml.Unmarshal(EncryptionKeySettings().document(all, Settings{SettingCacheOnlyKeys: true}),
				&written); err != nil {
				t.Errorf("%q gives settings that can't be written: %v", b, err)
			}
		}
		for _, m := range parseFault(b, nil) {
			if len(m.Message) > maxMessage+3 || m.Message == "" && m.ErrorCode == "" && len(b) == 0 {
				t.Errorf("%q gives %+v", b, m)
			}
		}
	})
}

func FuzzReadMetadataEnvelope(f *testing.F) {
	f.Add("00D!x", "Certificate", "A")
	f.Add("</met:sessionId>", "<a>", "&amp;]]>")
	f.Fuzz(func(t *testing.T, session, kind, name string) {
		decoder := xml.NewDecoder(strings.NewReader(string(readMetadataEnvelope(session, kind, name))))
		elements := 0
		for {
			token, err := decoder.Token()
			if err != nil {
				break
			}
			if _, ok := token.(xml.StartElement); ok {
				elements++
			}
		}
		if elements != 8 {
			t.Errorf("%q %q %q: %d elements, want 8", session, kind, name, elements)
		}
	})
}
