package salesforce

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

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
		answer(200, deployed("Pending", false, false)), answer(503, `<html>`), answer(200, deployed("InProgress", false, false)),
		answer(200, deployed("FinalizingDeploy", false, false)), answer(200, deployed("Succeeded", true, true)))
	c, _, log := o.client()
	expires := mustTime(t, "2028-11-20T00:00:00Z")
	err := c.CreateCertificate(t.Context(), NewCertificate{DeveloperName: "My_Cert", Label: `My "BYOK" <Cert> & more`, ExpirationDate: expires})
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
		"no list":      {`{"deployResult":{"status":"Failed","done":true,"success":false,"errorMessage":"all wrong","details":{"componentFailures":null}}}`, "ended as Failed: all wrong"},
		"no details":   {`{"deployResult":{"status":"Canceled","done":true,"success":false,"details":null}}`, "ended as Canceled"},
		"only in part": {deployed("SucceededPartial", true, true), "ended as SucceededPartial"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			o.on("POST "+deployRoute, answer(201, started))
			o.on("GET "+deployRoute+"/"+testDeploy, answer(200, tc.body))
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
		"found":             {hangUp, nil, []http.HandlerFunc{answer(200, emptyPage), hangUp, answer(200, row)}, true},
		"not found":         {answer(502, `<html>`), nil, []http.HandlerFunc{answer(200, emptyPage)}, false},
		"id lost":           {answer(201, `{"id":`), nil, []http.HandlerFunc{answer(200, row)}, true},
		"polls fail, found": {answer(201, started), answer(400, `[{"errorCode":"X","message":"m"}]`), []http.HandlerFunc{answer(200, row)}, true},
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

func TestDeployIsCancelledWithItsContext(t *testing.T) {
	t.Parallel()
	for name, cancelled := range map[string]http.HandlerFunc{
		"its cancellation was requested": answer(202, `{"deployResult":{"status":"Canceling"}}`),
		"it could not be cancelled":      answer(404, `[{"errorCode":"NOT_FOUND","message":"m"}]`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			o.on("POST "+deployRoute, answer(201, started))
			o.on("GET "+deployRoute+"/"+testDeploy, func(w http.ResponseWriter, r *http.Request) {
				answer(200, deployed("InProgress", false, false))(w, r)
				cancel()
			})
			o.on("PATCH "+deployRoute+"/"+testDeploy, cancelled)
			c, _, _ := o.client()
			err := c.CreateCertificate(ctx, NewCertificate{DeveloperName: "My_Cert"})
			if !errors.Is(err, ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), name) {
				t.Fatalf("error %v", err)
			}
			requests := o.seen()
			last := requests[len(requests)-1]
			if last.method != http.MethodPatch || last.body != `{"deployResult":{"status":"Canceling"}}` {
				t.Errorf("the last request is %s %s", last.method, last.body)
			}
		})
	}
}

func TestUploadCertificateChain(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	// The same chain may be deployed twice.
	o.on("POST "+deployRoute, hangUp, answer(201, started))
	o.on("GET "+deployRoute+"/"+testDeploy, answer(200, deployed("Succeeded", true, true)))
	c, _, _ := o.client()
	chain := "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"
	if err := c.UploadCertificateChain(t.Context(), NewCertificate{DeveloperName: "A", CASigned: true}, []byte(chain)); err != nil {
		t.Fatal(err)
	}
	_, files := openDeploy(t, o.seen()[1])
	if files["certs/A.crt"] != chain || !strings.Contains(files["certs/A.crt-meta.xml"], "<caSigned>true</caSigned>") {
		t.Errorf("files %v", files)
	}
}

func TestDeleteCertificate(t *testing.T) {
	t.Parallel()
	o := newOrg(t)
	o.on("POST "+deployRoute, answer(201, started), hangUp)
	o.on("GET "+deployRoute+"/"+testDeploy, answer(200, deployed("Succeeded", true, true)))
	c, _, _ := o.client()
	if err := c.DeleteCertificate(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	_, files := openDeploy(t, o.seen()[0])
	if len(files) != 2 || strings.Contains(files["package.xml"], "<types>") || !strings.Contains(files["package.xml"], "<version>62.0</version>") {
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
	before := len(o.seen())
	if err := c.DeleteCertificate(t.Context(), "A"); !errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("error %v", err)
	}
	if n := len(o.seen()) - before; n != 1 {
		t.Errorf("%d requests, want 1", n)
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
		"long label":    c.CreateCertificate(t.Context(), NewCertificate{DeveloperName: "A", Label: strings.Repeat("ä", 65)}),
		"no chain":      c.UploadCertificateChain(t.Context(), NewCertificate{DeveloperName: "A", CASigned: true}, []byte(" \n")),
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
	o.on("GET /services/data/v62.0/tooling/query", answer(200, `{"totalSize":1,"done":true,"records":[{"Id":"`+testCertificate+`","DeveloperName":"My_Cert"}]}`))
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
		if result.Status == "" && !bytes.Contains(b, []byte("status")) || len(result.Failures) > maxMessages || result.ID != testDeploy {
			t.Errorf("%q gives %+v", b, result)
		}
	})
}
