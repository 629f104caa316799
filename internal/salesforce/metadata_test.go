package salesforce

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	testDeploy  = "0Afxx00000000lWCAQ"
	deployRoute = "/services/data/v62.0/metadata/deployRequest"
	started     = `{"validatedDeployRequestId":null,"id":"` + testDeploy + `","deployOptions":{},"deployResult":null}`
)

// deployed is the answer to a poll.
func deployed(status string, done, success bool) string {
	b, err := json.Marshal(map[string]any{"id": testDeploy, "deployResult": map[string]any{
		"id": testDeploy, "status": status, "done": done, "success": success,
		"numberComponentsDeployed": 1, "numberComponentsTotal": 1,
	}})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// openDeploy takes the form of a deploy apart: its options, and the files of
// the zip.
func openDeploy(t *testing.T, r request) (options map[string]any, files map[string]string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		t.Fatalf("content type %s, %v", kind, err)
	}
	form := multipart.NewReader(strings.NewReader(r.body), params["boundary"])
	parts := map[string][]byte{}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		parts[part.FormName()+" "+part.FileName()+" "+part.Header.Get("Content-Type")] = content
	}
	var wrapped map[string]map[string]any
	if err := json.Unmarshal(parts["entity_content  application/json"], &wrapped); err != nil {
		t.Fatalf("options: %v; parts %v", err, parts)
	}
	archive := parts["file deploy.zip application/zip"]
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, f := range z.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(rc)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(content)
	}
	return wrapped["deployOptions"], files
}

func TestCreateCertificate(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on("POST "+deployRoute, answer(201, started))
	o.on("GET "+deployRoute+"/"+testDeploy,
		answer(200, deployed("Pending", false, false)), answer(503, `<html>`),
		answer(200, deployed("InProgress", false, false)),
		answer(200, deployed("FinalizingDeploy", false, false)), answer(200, deployed("Succeeded", true, true)))
	c, _, log := o.client()
	expires := mustTime(t, "2028-11-20T00:00:00Z")
	err := c.CreateCertificate(t.Context(), NewCertificate{
		DeveloperName: "My_Cert", Label: `My "BYOK" <Cert> & more`,
		ExpirationDate: expires,
	})
	if err != nil {
		t.Fatal(err)
	}
	requests := o.seen()
	options, files := openDeploy(t, requests[0])
	if options["singlePackage"] != true || options["rollbackOnError"] != true || options["checkOnly"] != false {
		t.Errorf("options %v", options)
	}
	want := map[string]string{
		"package.xml": `<?xml version="1.0" encoding="UTF-8"?>
<Package xmlns="http://soap.sforce.com/2006/04/metadata">
    <types>
        <members>My_Cert</members>
        <name>Certificate</name>
    </types>
    <version>62.0</version>
</Package>
`,
		"certs/My_Cert.crt": "",
		"certs/My_Cert.crt-meta.xml": `<?xml version="1.0" encoding="UTF-8"?>
<Certificate xmlns="http://soap.sforce.com/2006/04/metadata">
    <caSigned>false</caSigned>
    <encryptedWithPlatformEncryption>true</encryptedWithPlatformEncryption>
    <expirationDate>2028-11-20T00:00:00.000Z</expirationDate>
    <keySize>4096</keySize>
    <masterLabel>My &#34;BYOK&#34; &lt;Cert&gt; &amp; more</masterLabel>
    <privateKeyExportable>false</privateKeyExportable>
</Certificate>`,
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Error(diff)
	}
	for _, r := range requests[1:] {
		if r.query != "includeDetails=true" {
			t.Errorf("poll with %q", r.query)
		}
	}
	if n := len(log.of(EventProgress)); n != 4 {
		t.Errorf("%d progress events, want 4", n)
	}
}

func TestCreateCertificateWithDefaults(t *testing.T) {
	t.Parallel()
	content, err := NewCertificate{DeveloperName: "A", CASigned: true}.metadata()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"<caSigned>true</caSigned>", "<masterLabel>A</masterLabel>", "<keySize>4096</keySize>"} {
		if !strings.Contains(string(content), part) {
			t.Errorf("%s is not in %s", part, content)
		}
	}
	if strings.Contains(string(content), "expirationDate") {
		t.Errorf("a date that was not given: %s", content)
	}
}

func TestDeployFailures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		text string
	}{
		"a list": {
			`{"id":"x","deployResult":{"status":"Failed","done":"true","success":"false","numberComponentErrors":"1","details":{"componentFailures":[` +
				`{"fullName":"My_Cert","componentType":"Certificate","fileName":"certs/My_Cert.crt","problem":"no key","problemType":"Error","lineNumber":"3","columnNumber":4},{"problem":"other"}]}}}`,
			"ended as Failed; Certificate My_Cert: no key (certs/My_Cert.crt, line 3, column 4); other",
		},
		"one object": {
			`{"deployResult":{"status":"Failed","done":true,"success":false,"details":{"componentFailures":{"fullName":"A","problem":"no key"}}}}`,
			"A: no key",
		},
		"no list": {`{"deployResult":{"status":"Failed","done":true,"success":false,"errorMessage":"all wrong","details":{"componentFailures":null}}}`, "ended as Failed: all wrong"},
		"no details": {
			`{"deployResult":{"status":"Canceled","done":true,"success":false,"details":null}}`,
			"ended as Canceled",
		},
		"status code, test, coverage": {
			`{"deployResult":{"status":"Failed","done":true,"success":false,"errorMessage":null,"errorStatusCode":"UNKNOWN_EXCEPTION","details":{"componentFailures":[],"runTestResult":{"numFailures":1,` +
				`"failures":[{"name":"SomeTest","methodName":"m","message":"assertion\u202e failed\nError: x"}],"codeCoverageWarnings":[{"message":"coverage 10%"}]}}}}`,
			"ended as Failed: UNKNOWN_EXCEPTION; test SomeTest.m: assertion  failed Error: x; code coverage: coverage 10%",
		},
		"one test, by its other name": {
			`{"deployResult":{"status":"Failed","done":true,"success":false,"errorMessage":"m","errorStatusCode":"C","details":{"runTestResults":{"failures":{"name":"T","methodName":"m","message":"f"},"codeCoverageWarnings":{"name":"N","message":"w"}}}}}`,
			"ended as Failed: C: m; test T.m: f; code coverage: N w",
		},
		"only in part": {deployed("SucceededPartial", true, true), "ended as SucceededPartial"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on("POST "+deployRoute, answer(201, started))
			o.on("GET "+deployRoute+"/"+testDeploy, answer(200, tc.body))
			o.on("GET /services/data/v62.0/tooling/query", answer(200, emptyPage))
			c, _, _ := o.client()
			err := c.CreateCertificate(t.Context(), NewCertificate{DeveloperName: "My_Cert"})
			var failed *DeployError
			if !errors.As(err, &failed) || !strings.Contains(err.Error(), tc.text) || errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("error %v, want %q in it", err, tc.text)
			}
		})
	}
}

// TestLostDeployIsFoundAgain: a lost reply must not become a second certificate.
func TestLostDeployIsFoundAgain(t *testing.T) {
	t.Parallel()
	row := `{"totalSize":1,"done":true,"records":[{"Id":"` + testCertificate + `","DeveloperName":"my_cert"}]}`
	for name, tc := range map[string]struct {
		start http.HandlerFunc
		poll  http.HandlerFunc
		list  []http.HandlerFunc
		found bool
	}{
		"found":     {hangUp, nil, []http.HandlerFunc{answer(200, emptyPage), hangUp, answer(200, row)}, true},
		"not found": {answer(502, `<html>`), nil, []http.HandlerFunc{answer(200, emptyPage)}, false},
		"id lost":   {answer(201, `{"id":`), nil, []http.HandlerFunc{answer(200, row)}, true},
		"polls fail, found": {
			answer(201, started), answer(400, `[{"errorCode":"X","message":"m"}]`),
			[]http.HandlerFunc{answer(200, row)},
			true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on("POST "+deployRoute, tc.start)
			if tc.poll != nil {
				o.on("GET "+deployRoute+"/"+testDeploy, tc.poll)
			}
			o.on("GET /services/data/v62.0/tooling/query", tc.list...)
			c, p, _ := o.client()
			moveClock(c, p)
			err := c.CreateCertificate(t.Context(), NewCertificate{DeveloperName: "My_Cert"})
			if tc.found && err != nil || !tc.found && !errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("error %v", err)
			}
			posts := 0
			for _, r := range o.seen() {
				if r.method == http.MethodPost {
					posts++
				}
			}
			if posts != 1 {
				t.Errorf("%d deploys were sent", posts)
			}
		})
	}
}

// TestDeployIsEnded: one that takes too long, or whose caller goes, is cancelled and watched until
// it is over.
func TestDeployIsEnded(t *testing.T) {
	t.Parallel()
	row := `{"totalSize":1,"done":true,"records":[{"Id":"` + testCertificate + `","DeveloperName":"my_cert"}]}`
	accepted := answer(202, `{"id":"`+testDeploy+`","deployResult":{"checkOnly":"false","status":"Canceling"}}`)
	for name, tc := range map[string]struct {
		// until is the state until the cancellation, after is what polls then say.
		cancel http.HandlerFunc
		after  []http.HandlerFunc
		list   string
		// unknown, text: what the error says; "" for none.
		unknown bool
		text    string
		// late is the result if the caller has gone, if it is another one.
		goneText string
	}{
		"cancelled": {accepted, []http.HandlerFunc{
			answer(200, deployed("Canceling", false, false)),
			answer(200, deployed("Canceled", true, false)),
		}, emptyPage, false, "so it was cancelled", ""},
		"cancelled, but committed": {
			accepted,
			[]http.HandlerFunc{answer(200, deployed("Canceled", true, false))},
			row, false, "", "ended as Canceled",
		},
		"succeeded all the same": {accepted, []http.HandlerFunc{
			hangUp,
			answer(200, deployed("Succeeded", true, true)),
		}, emptyPage, false, "", ""},
		"succeeded, too late to be cancelled": {
			fault(400, "INVALID_ID_FIELD", "it is over"),
			[]http.HandlerFunc{answer(200, deployed("Succeeded", true, true))},
			emptyPage, false, "", "",
		},
		"failed meanwhile": {
			accepted,
			[]http.HandlerFunc{answer(200, deployed("Failed", true, false))},
			emptyPage, false, "ended as Failed", "",
		},
		"reply lost": {
			hangUp,
			[]http.HandlerFunc{answer(200, deployed("Canceled", true, false))},
			emptyPage, false, "so it was cancelled", "",
		},
		"never over": {
			accepted,
			[]http.HandlerFunc{answer(200, deployed("Pending", false, false))},
			emptyPage, true, "its cancellation was requested, and it was not over", "",
		},
		"never over, but there": {
			accepted,
			[]http.HandlerFunc{answer(200, deployed("Pending", false, false))},
			row, false, "", "was not over",
		},
		"can't be cancelled": {
			answer(404, `[{"errorCode":"NOT_FOUND","message":"m"}]`),
			[]http.HandlerFunc{answer(200, deployed("Pending", false, false))},
			emptyPage, true, "it could not be cancelled",
			"",
		},
	} {
		for _, gone := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/caller gone %t", name, gone), func(t *testing.T) {
				t.Parallel()
				o := newOrg(t)
				ctx, leave := context.WithCancel(WithDeployTimeout(t.Context(), time.Minute))
				defer leave()
				var cancelled atomic.Bool
				var polls, looks, afters atomic.Int32
				o.on("POST "+deployRoute, answer(201, started))
				o.on("GET "+deployRoute+"/"+testDeploy, func(w http.ResponseWriter, r *http.Request) {
					if !cancelled.Load() {
						polls.Add(1)
						answer(200, deployed("Pending", false, false))(w, r)
						if gone {
							leave()
						}
						return
					}
					n := int(afters.Add(1)) - 1
					tc.after[min(n, len(tc.after)-1)](w, r)
				})
				o.on("PATCH "+deployRoute+"/"+testDeploy, func(w http.ResponseWriter, r *http.Request) {
					cancelled.Store(true)
					tc.cancel(w, r)
				})
				o.on("GET /services/data/v62.0/tooling/query", func(w http.ResponseWriter, r *http.Request) {
					looks.Add(1)
					answer(200, tc.list)(w, r)
				})
				c, p, _ := o.client()
				moveClock(c, p)
				err := c.CreateCertificate(ctx, NewCertificate{DeveloperName: "My_Cert"})
				unknown, text := tc.unknown, tc.text
				if gone && tc.goneText != "" {
					unknown, text = strings.Contains(tc.goneText, "not over"), tc.goneText
				}
				if text == "" && err != nil || text != "" && (err == nil || !strings.Contains(err.Error(), text)) ||
					errors.Is(err, ErrOutcomeUnknown) != unknown {
					t.Errorf("error %v, want %q in it", err, text)
				}
				if !cancelled.Load() || gone && looks.Load() != 0 {
					t.Errorf("cancelled %t, %d looks", cancelled.Load(), looks.Load())
				}
				for _, r := range o.seen() {
					if r.method == http.MethodPatch && r.body != `{"deployResult":{"status":"Canceling"}}` {
						t.Errorf("the cancellation is %s", r.body)
					}
				}
				if !gone && polls.Load() < 3 {
					t.Errorf("%d polls in the time that was given", polls.Load())
				}
			})
		}
	}
}

// TestPollsAreBorne: a poll is a safe read, and any answer to it that is no success is borne some
// times.
func TestPollsAreBorne(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]http.HandlerFunc{
		"locator":       fault(400, "INVALID_QUERY_LOCATOR", "invalid query locator"),
		"not found":     fault(404, "NOT_FOUND", "m"),
		"access":        fault(403, "INSUFFICIENT_ACCESS", "m"),
		"page":          answer(200, `<html>`),
		"page of a 404": answer(404, `<html>`),
		"foreign":       answer(200, `{"status":"ok"}`),
		"nothing":       answer(200, ``),
		"moved":         answer(302, ``, "Location", "/x"),
		"hang up":       hangUp,
	} {
		for _, kind := range []string{"certificate", "settings"} {
			t.Run(name+"/"+kind, func(t *testing.T) {
				t.Parallel()
				o := newOrg(t)
				o.on("POST "+deployRoute, answer(201, started))
				var polls atomic.Int32
				o.on("GET "+deployRoute+"/"+testDeploy, func(w http.ResponseWriter, r *http.Request) {
					if polls.Add(1) <= 2 {
						bad(w, r)
						return
					}
					answer(200, deployed("Succeeded", true, true))(w, r)
				})
				c, p, _ := o.client()
				moveClock(c, p)
				var err error
				if kind == "certificate" {
					err = c.CreateCertificate(t.Context(), NewCertificate{DeveloperName: "My_Cert"})
				} else {
					err = c.ChangeSettings(t.Context(), EncryptionKeySettings(), nil, Settings{SettingCacheOnlyKeys: true})
				}
				if err != nil || polls.Load() != 3 {
					t.Errorf("%v after %d polls", err, polls.Load())
				}
			})
		}
	}
}

// TestSettingsThatMayHaveArrived: after an unknown outcome the settings are looked at, as
// certificates are.
func TestSettingsThatMayHaveArrived(t *testing.T) {
	t.Parallel()
	shown := func(on bool) http.HandlerFunc {
		return answer(200,
			soapReply(fmt.Sprintf(`<records xsi:type="EncryptionKeySettings"><fullName>EncryptionKey</fullName><enableCacheOnlyKeys>%t</enableCacheOnlyKeys></records>`, on)), "Content-Type", "text/xml")
	}
	for name, tc := range map[string]struct {
		looks []http.HandlerFunc
		took  bool
	}{
		"arrived":        {[]http.HandlerFunc{shown(true)}, true},
		"arrives later":  {[]http.HandlerFunc{shown(false), hangUp, shown(true)}, true},
		"did not arrive": {[]http.HandlerFunc{shown(false)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on("POST "+deployRoute, answer(201, started))
			o.on("GET "+deployRoute+"/"+testDeploy, fault(400, "INVALID_QUERY_LOCATOR", "m"))
			o.on(soapRoute, tc.looks...)
			c, p, _ := o.client()
			moveClock(c, p)
			err := c.ChangeSettings(t.Context(), EncryptionKeySettings(), nil, Settings{SettingCacheOnlyKeys: true})
			if tc.took && err != nil || !tc.took && !errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// A chain is deployed once, whatever becomes of the reply: a second deploy would go over a
// certificate that is signed.
func TestUploadCertificateChain(t *testing.T) {
	t.Parallel()
	const chain = "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
	waiting := strings.ReplaceAll(chain, "CERTIFICATE", "CERTIFICATE REQUEST")
	shown := func(content string) http.HandlerFunc {
		return answer(200, soapReply(`<records xsi:type="Certificate"><fullName>A</fullName><content>`+
			base64.StdEncoding.EncodeToString([]byte(content))+`</content></records>`), "Content-Type", "text/xml")
	}
	for name, tc := range map[string]struct {
		reply http.HandlerFunc
		looks []http.HandlerFunc
		took  bool
	}{
		"answered":               {answer(201, started), nil, true},
		"no reply, arrived":      {hangUp, []http.HandlerFunc{shown(chain)}, true},
		"no reply, arrives late": {hangUp, []http.HandlerFunc{shown(waiting), hangUp, shown(chain)}, true},
		"no reply, not arrived":  {hangUp, []http.HandlerFunc{shown(waiting)}, false},
		"502, arrived":           {answer(502, "<html>"), []http.HandlerFunc{shown(chain)}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on("POST "+deployRoute, tc.reply)
			o.on("GET "+deployRoute+"/"+testDeploy, answer(200, deployed("Succeeded", true, true)))
			o.on(soapRoute, tc.looks...)
			c, p, _ := o.client()
			moveClock(c, p)
			err := c.UploadCertificateChain(t.Context(), NewCertificate{DeveloperName: "A", CASigned: true}, []byte(chain))
			if tc.took && err != nil || !tc.took && !errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("error %v", err)
			}
			sent := slices.DeleteFunc(o.seen(), func(r request) bool { return r.method != "POST" || r.path != deployRoute })
			if len(sent) != 1 {
				t.Fatalf("%d deploys, want one", len(sent))
			}
			_, files := openDeploy(t, sent[0])
			if files["certs/A.crt"] != chain ||
				!strings.Contains(files["certs/A.crt-meta.xml"], "<caSigned>true</caSigned>") {
				t.Errorf("files %v", files)
			}
		})
	}
}

func TestDeleteCertificate(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on("POST "+deployRoute, answer(201, started))
	o.on("GET "+deployRoute+"/"+testDeploy, answer(200, deployed("Succeeded", true, true)))
	c, _, _ := o.client()
	if err := c.DeleteCertificate(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	_, files := openDeploy(t, o.seen()[0])
	if len(files) != 2 || strings.Contains(files["package.xml"], "<types>") ||
		!strings.Contains(files["package.xml"], "<version>62.0</version>") {
		t.Errorf("files %v", files)
	}
	var removed struct {
		Types []struct {
			Members string `xml:"members"`
			Name    string `xml:"name"`
		} `xml:"types"`
	}
	if err := xml.Unmarshal([]byte(files["destructiveChanges.xml"]), &removed); err != nil {
		t.Fatal(err)
	}
	if len(removed.Types) != 1 || removed.Types[0].Members != "A" || removed.Types[0].Name != "Certificate" {
		t.Errorf("removed %+v", removed)
	}
	// The reply is lost. The list shows what became of it.
	row := func(name string) http.HandlerFunc {
		return answer(200, `{"totalSize":1,"done":true,"records":[{"Id":"`+testCertificate+`","DeveloperName":"`+name+`"}]}`)
	}
	for name, tc := range map[string]struct {
		list http.HandlerFunc
		gone bool
	}{"still there": {row("a"), false}, "gone": {row("Other"), true}, "none is shown": {answer(200, emptyPage), false}} {
		o := newOrg(t)
		o.on("POST "+deployRoute, hangUp)
		o.on("GET /services/data/v62.0/tooling/query", tc.list)
		c, p, _ := o.client()
		moveClock(c, p)
		if err := c.DeleteCertificate(t.Context(), "A"); tc.gone && err != nil ||
			!tc.gone && !errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestCertificateRequestsThatAreNotSent(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	c, _, _ := o.client()
	for _, name := range []string{"", "1a", "a b", "a__b", "a_", "_a", "a-b", "../a", "ä", strings.Repeat("a", 81)} {
		if err := CheckDeveloperName(name); err == nil {
			t.Errorf("%q is a developer name", name)
		}
		_, _, content := c.CertificateContent(t.Context(), name)
		for what, err := range map[string]error{
			"create": c.CreateCertificate(t.Context(), NewCertificate{DeveloperName: name}),
			"upload": c.UploadCertificateChain(t.Context(), NewCertificate{DeveloperName: name, CASigned: true}, []byte("x")),
			"delete": c.DeleteCertificate(t.Context(), name),
			"read":   content,
		} {
			if err == nil {
				t.Errorf("%s %q: no error", what, name)
			}
		}
	}
	for what, err := range map[string]error{
		"long label": c.CreateCertificate(t.Context(), NewCertificate{DeveloperName: "A", Label: strings.Repeat("ä", 65)}),
		"no chain": c.UploadCertificateChain(t.Context(), NewCertificate{DeveloperName: "A", CASigned: true},
			[]byte(" \n")),
		"not CA-signed": c.UploadCertificateChain(t.Context(), NewCertificate{DeveloperName: "A"}, []byte("x")),
	} {
		if err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if len(o.seen()) != 0 || o.loginCount() != 0 {
		t.Error("something was sent")
	}
	for _, name := range []string{"A", "a1", "My_Cert_2", strings.Repeat("a", 80)} {
		if err := CheckDeveloperName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestFindCertificate(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on("GET /services/data/v62.0/tooling/query", answer(200,
		`{"totalSize":1,"done":true,"records":[{"Id":"`+testCertificate+`","DeveloperName":"My_Cert"}]}`))
	c, _, _ := o.client()
	for name, want := range map[string]bool{"My_Cert": true, "MY_CERT": true, "Other": false} {
		certificate, found, err := c.FindCertificate(t.Context(), name)
		if err != nil || found != want || found && certificate.ID != testCertificate {
			t.Errorf("%s: %v %v %v", name, certificate, found, err)
		}
	}
}

func TestPackageIsReproducible(t *testing.T) {
	t.Parallel()
	p, err := NewCertificate{DeveloperName: "A"}.pack([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := p.zip("62.0")
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		again, err := p.zip("62.0")
		if err != nil || !bytes.Equal(first, again) {
			t.Fatalf("the same package gives other bytes (%v)", err)
		}
	}
}

func FuzzDeployResult(f *testing.F) {
	f.Add([]byte(deployed("Failed", true, false)))
	f.Add([]byte(`{"deployResult":{"status":"x","details":{"componentFailures":{"problem":"p","lineNumber":"1"}}}}`))
	f.Add([]byte(`{"deployResult":{"status":"x","details":{"componentFailures":[null]}}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		result, err := decodeDeployResult(b, testDeploy, nil)
		if err != nil {
			return
		}
		if result.Status == "" && !bytes.Contains(b, []byte("status")) || len(result.Failures) > maxMessages ||
			result.ID != testDeploy {
			t.Errorf("%q gives %+v", b, result)
		}
	})
}
