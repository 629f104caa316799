package sfsim_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const soapURL = "/services/Soap/m/62.0"

// envelope is a request as jsforce writes it.
func envelope(token, operation string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
		`<soapenv:Header` + metadataNS + `><SessionHeader><sessionId>` + token +
		`</sessionId></SessionHeader></soapenv:Header>` +
		`<soapenv:Body` + metadataNS + `>` + operation + `</soapenv:Body></soapenv:Envelope>`
}

func (c *client) soap(path, text string) *answer {
	c.t.Helper()
	token := c.token
	c.token = "" // the session travels in the envelope
	defer func() { c.token = token }()
	a, err := c.try(http.MethodPost, path, []byte(text), "text/xml")
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

// call runs one operation at an API version and decodes the results.
func (c *client) call(version, operation string, results any) {
	c.t.Helper()
	a := c.soap("/services/Soap/m/"+version, envelope(c.token, operation)).want(http.StatusOK)
	if got := a.header.Get("Content-Type"); !strings.HasPrefix(got, "text/xml") {
		c.t.Errorf("Content-Type %q", got)
	}
	var reply struct {
		Body struct {
			Content []byte `xml:",innerxml"`
		} `xml:"http://schemas.xmlsoap.org/soap/envelope/ Body"`
	}
	if err := xml.Unmarshal(a.body, &reply); err != nil {
		c.t.Fatalf("decode %s: %v", a.body, err)
	}
	if err := xml.Unmarshal(reply.Body.Content, results); err != nil {
		c.t.Fatalf("decode %s: %v", reply.Body.Content, err)
	}
}

func TestSOAPFaults(t *testing.T) {
	t.Parallel()
	read := `<readMetadata><type>Certificate</type><fullNames>Sim_BYOK</fullNames></readMetadata>`
	for _, tc := range []struct {
		name, seed, path string
		text             func(token string) string
		code             string
	}{
		{"no session", "", soapURL, func(string) string { return envelope("", read) }, "INVALID_SESSION_ID"},
		{"wrong session", "", soapURL, func(string) string { return envelope("x", read) }, "INVALID_SESSION_ID"},
		{"retired version", "", "/services/Soap/m/30.0", func(k string) string {
			return envelope(k, read)
		}, "UNSUPPORTED_API_VERSION"},
		{"future version", "", "/services/Soap/m/99.0", func(k string) string {
			return envelope(k, read)
		}, "UNSUPPORTED_API_VERSION"},
		{"no version", "", "/services/Soap/m/", func(k string) string {
			return envelope(k, read)
		}, "UNSUPPORTED_API_VERSION"},
		{"no XML", "", soapURL, func(string) string { return "{}" }, "UNKNOWN_EXCEPTION"},
		{"other root", "", soapURL, func(string) string { return "<Envelope/>" }, "UNKNOWN_EXCEPTION"},
		{"no operation", "", soapURL, func(k string) string { return envelope(k, "") }, "UNKNOWN_EXCEPTION"},
		{"two operations", "", soapURL, func(k string) string { return envelope(k, read+read) }, "UNKNOWN_EXCEPTION"},
		{"unknown operation", "", soapURL, func(k string) string {
			return envelope(k, "<renameMetadata/>")
		}, "UNKNOWN_EXCEPTION"},
		{"other namespace", "", soapURL, func(k string) string {
			return envelope(k, `<readMetadata xmlns="urn:x"/>`)
		}, "UNKNOWN_EXCEPTION"},
		{"no permission", "permissions: {modify_metadata: false}", soapURL, func(k string) string {
			return envelope(k, read)
		}, "INSUFFICIENT_ACCESS"},
		{"API off", "settings: {api_disabled: true}", soapURL, func(k string) string {
			return envelope(k, read)
		}, "API_DISABLED_FOR_ORG"},
		{"unknown type", "", soapURL, func(k string) string {
			return envelope(k, "<readMetadata><type>ApexClass</type></readMetadata>")
		}, "INVALID_TYPE"},
		{"list of unknown type", "", soapURL, func(k string) string {
			return envelope(k, "<listMetadata><queries><type>ApexClass</type></queries></listMetadata>")
		}, "INVALID_TYPE"},
		{"deletion of unknown type", "", soapURL, func(k string) string {
			return envelope(k, "<deleteMetadata><type>ApexClass</type></deleteMetadata>")
		}, "INVALID_TYPE"},
		{"unknown deployment", "", soapURL, func(k string) string {
			return envelope(k, "<checkDeployStatus><asyncProcessId>0AfWt0000000099</asyncProcessId></checkDeployStatus>")
		}, "INVALID_CROSS_REFERENCE_KEY"},
		{"unknown deployment to cancel", "", soapURL, func(k string) string {
			return envelope(k, "<cancelDeploy><String>x</String></cancelDeploy>")
		}, "INVALID_CROSS_REFERENCE_KEY"},
		{"unknown retrieve", "", soapURL, func(k string) string {
			return envelope(k, "<checkRetrieveStatus/>")
		}, "INVALID_CROSS_REFERENCE_KEY"},
		{"retrieve of nothing", "", soapURL, func(k string) string {
			return envelope(k, "<retrieve/>")
		}, "UNKNOWN_EXCEPTION"},
		{"retrieve of a package", "", soapURL, func(k string) string {
			return envelope(k, "<retrieve><retrieveRequest><packageNames>P</packageNames></retrieveRequest></retrieve>")
		}, "INVALID_CROSS_REFERENCE_KEY"},
		{"deploy of no zip", "", soapURL, func(k string) string {
			return envelope(k, "<deploy><ZipFile>!</ZipFile></deploy>")
		}, "INVALID_ZIP"},
		{"deploy with odd options", "", soapURL, func(k string) string {
			return envelope(k, "<deploy><ZipFile>UEs=</ZipFile><DeployOptions><odd>true</odd></DeployOptions></deploy>")
		}, "INVALID_OPERATION"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := start(t, seeded(t, tc.seed))
			a := c.soap(tc.path, tc.text(c.token)).want(http.StatusInternalServerError)
			// jsforce finds an expired session by exactly this text.
			if want := "<faultcode>sf:" + tc.code + "</faultcode>"; !strings.Contains(string(a.body), want) {
				t.Errorf("fault %s, want %s", a.body, want)
			}
			if err := xml.Unmarshal(a.body, new(struct{})); err != nil {
				t.Errorf("the fault is not XML: %v", err)
			}
		})
	}
	c := start(t)
	c.get(soapURL).refused(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
	limited := start(t, seeded(t, "settings: {api_limit: 1}"))
	limited.soap(soapURL, envelope(limited.token, "<describeMetadata/>")).want(http.StatusOK)
	if a := limited.soap(soapURL, envelope(limited.token, "<describeMetadata/>")); !strings.Contains(string(a.body),
		"REQUEST_LIMIT_EXCEEDED") {
		t.Errorf("beyond the limit: %s", a.body)
	}
}

type soapRecords struct {
	Records []struct {
		Type           string `xml:"type,attr"`
		Nil            string `xml:"nil,attr"`
		FullName       string `xml:"fullName"`
		KeySize        int    `xml:"keySize"`
		CASigned       bool   `xml:"caSigned"`
		Content        string `xml:"content"`
		ExpirationDate string `xml:"expirationDate"`
		CacheOnly      string `xml:"enableCacheOnlyKeys"`
		DataCloud      string `xml:"canManageDataCloudKeys"`
		Deterministic  string `xml:"enableDeterministicEncryption"`
	} `xml:"result>records"`
}

// The content of a certificate is its .crt, in base64 [I].
func TestReadMetadata(t *testing.T) {
	t.Parallel()
	c := start(t, configure(func(s *sfsim.Settings) { s.EnableCacheOnlyKeys = true }))
	var got soapRecords
	c.call("62.0",
		`<readMetadata><type>Certificate</type><fullNames>Sim_BYOK</fullNames><fullNames>Nobody</fullNames></readMetadata>`,
		&got)
	cert, _ := c.certificate("Sim_BYOK")
	if len(got.Records) != 2 || got.Records[1].Nil != "true" {
		t.Fatalf("records %+v, want a certificate and nil", got.Records)
	}
	first := got.Records[0]
	content, err := base64.StdEncoding.DecodeString(first.Content)
	if err != nil || string(content) != cert.PEM || first.FullName != "Sim_BYOK" || first.KeySize != 4096 ||
		first.Type != "Certificate" {
		t.Errorf("record %+v, %v", first, err)
	}
	if want := cert.ExpirationDate.UTC().Format("2006-01-02T15:04:05.000Z"); first.ExpirationDate != want {
		t.Errorf("expirationDate %q, want %q", first.ExpirationDate, want)
	}
	for _, typ := range []string{"Settings", "EncryptionKeySettings"} {
		var settings soapRecords
		c.call("62.0", "<readMetadata><type>"+typ+"</type><fullNames>EncryptionKey</fullNames></readMetadata>", &settings)
		if r := settings.Records[0]; r.Type != "EncryptionKeySettings" || r.CacheOnly != "true" || r.DataCloud != "" {
			t.Errorf("%s at API 62: %+v", typ, r)
		}
	}
	var later soapRecords
	c.call("63.0",
		"<readMetadata><type>Settings</type><fullNames>EncryptionKey</fullNames><fullNames>PlatformEncryption</fullNames></readMetadata>", &later)
	if later.Records[0].DataCloud != "false" || later.Records[1].Deterministic != "false" {
		t.Errorf("at API 63: %+v", later.Records)
	}
	c.noViolations()

	denied := start(t, seeded(t, "permissions: {manage_certificates: false}"))
	var none soapRecords
	denied.call("62.0", `<readMetadata><type>Certificate</type><fullNames>Sim_BYOK</fullNames></readMetadata>`, &none)
	if len(none.Records) != 1 || none.Records[0].Nil != "true" {
		t.Errorf("without the permission: %+v", none.Records)
	}
}

type saveResults struct {
	Results []struct {
		FullName string `xml:"fullName"`
		Success  bool   `xml:"success"`
		Code     string `xml:"errors>statusCode"`
		Message  string `xml:"errors>message"`
	} `xml:"result"`
}

func TestUpdateMetadata(t *testing.T) {
	t.Parallel()
	c := start(t)
	update := func(typ, name, elements string) (string, bool) {
		t.Helper()
		var got saveResults
		c.call("62.0", `<updateMetadata><metadata xsi:type="`+typ+`"><fullName>`+name+`</fullName>`+elements+
			`</metadata></updateMetadata>`, &got)
		if len(got.Results) != 1 || got.Results[0].FullName != name {
			t.Fatalf("results %+v", got)
		}
		return got.Results[0].Code, got.Results[0].Success
	}
	if code, ok := update("EncryptionKeySettings", "EncryptionKey",
		"<enableReplayDetection>true</enableReplayDetection>"); ok || code != "FIELD_INTEGRITY_EXCEPTION" {
		t.Errorf("replay detection alone: %s, %v", code, ok)
	}
	if code, ok := update("EncryptionKeySettings", "EncryptionKey", "<odd>true</odd>"); ok ||
		code != "FIELD_INTEGRITY_EXCEPTION" {
		t.Errorf("unknown switch: %s, %v", code, ok)
	}
	if code, ok := update("EncryptionKeySettings", "Key", ""); ok || code != "INVALID_TYPE" {
		t.Errorf("wrong name: %s, %v", code, ok)
	}
	if code, ok := update("Certificate", "Sim_BYOK", ""); ok || code != "INVALID_TYPE" {
		t.Errorf("certificate: %s, %v", code, ok)
	}
	if _, ok := update("EncryptionKeySettings", "EncryptionKey", "<enableCacheOnlyKeys>true</enableCacheOnlyKeys>"); !ok ||
		!c.server.Settings().EnableCacheOnlyKeys {
		t.Error("the settings were not changed")
	}
	if _, ok := update("PlatformEncryptionSettings", "PlatformEncryption",
		"<enableDeterministicEncryption>true</enableDeterministicEncryption>"); !ok {
		t.Error("the Platform Encryption settings were refused")
	}
	var read soapRecords
	c.call("62.0",
		"<readMetadata><type>PlatformEncryptionSettings</type><fullNames>PlatformEncryption</fullNames></readMetadata>",
		&read)
	if read.Records[0].Deterministic != "true" {
		t.Errorf("read back %+v", read.Records[0])
	}
}

func TestDeleteMetadata(t *testing.T) {
	t.Parallel()
	c := start(t, seeded(t, "settings: {enable_cache_only_keys: true}\n"+
		"certificates: [{developer_name: A}, {developer_name: B}]\n"+
		"tenant_secrets: [{}, {type: EventBus, source: REMOTE, certificate: B, remote_key_identifier: k}]"))
	var got saveResults
	c.call("62.0",
		`<deleteMetadata><type>Certificate</type><fullNames>A</fullNames><fullNames>B</fullNames><fullNames>C</fullNames></deleteMetadata>`, &got)
	codes := make([]string, 0, 3)
	for _, r := range got.Results {
		codes = append(codes, fmt.Sprintf("%s %v %s", r.FullName, r.Success, r.Code))
	}
	if want := "[A true  B false DELETE_FAILED C false INVALID_CROSS_REFERENCE_KEY]"; fmt.Sprint(codes) != want {
		t.Errorf("results %v, want %s", codes, want)
	}
	if _, exists := c.certificate("A"); exists {
		t.Error("A is still there")
	}
	var settings saveResults
	c.call("62.0", `<deleteMetadata><type>Settings</type><fullNames>EncryptionKey</fullNames></deleteMetadata>`, &settings)
	if settings.Results[0].Success {
		t.Error("settings were deleted")
	}
}

func TestListAndDescribeMetadata(t *testing.T) {
	t.Parallel()
	c := start(t)
	var listed struct {
		Results []struct {
			FullName string `xml:"fullName"`
			FileName string `xml:"fileName"`
			Type     string `xml:"type"`
			ID       string `xml:"id"`
		} `xml:"result"`
	}
	c.call("62.0",
		"<listMetadata><queries><type>Certificate</type></queries><queries><type>Settings</type></queries><asOfVersion>62.0</asOfVersion></listMetadata>", &listed)
	names := make([]string, 0, 4)
	for _, r := range listed.Results {
		names = append(names, r.Type+":"+r.FileName)
	}
	if want := "[Certificate:certs/Sim_BYOK.crt Certificate:certs/Sim_Partner_SSO.crt " +
		"Settings:settings/EncryptionKey.settings Settings:settings/PlatformEncryption.settings]"; fmt.Sprint(names) != want {
		t.Errorf("listed %v, want %s", names, want)
	}
	var described struct {
		Names   []string `xml:"result>metadataObjects>xmlName"`
		Partial bool     `xml:"result>partialSaveAllowed"`
	}
	c.call("62.0", "<describeMetadata><asOfVersion>62.0</asOfVersion></describeMetadata>", &described)
	if fmt.Sprint(described.Names) != "[Certificate Settings]" || described.Partial {
		t.Errorf("described %+v", described)
	}
}

type soapDeploy struct {
	Result struct {
		ID      string `xml:"id"`
		Done    bool   `xml:"done"`
		State   string `xml:"state"`
		Status  string `xml:"status"`
		Success bool   `xml:"success"`
		Errors  int    `xml:"numberComponentErrors"`
		Details struct {
			Failures []struct {
				Problem string `xml:"problem"`
			} `xml:"componentFailures"`
			Successes []struct {
				FullName string `xml:"fullName"`
			} `xml:"componentSuccesses"`
		} `xml:"details"`
	} `xml:"result"`
}

func TestSOAPDeploy(t *testing.T) {
	t.Parallel()
	c := start(t)
	submit := func(files map[string]string) string {
		t.Helper()
		var started soapDeploy
		c.call("62.0", "<deploy><ZipFile>"+base64.StdEncoding.EncodeToString(zipOf(t, files))+
			"</ZipFile><DeployOptions><singlePackage>true</singlePackage><rollbackOnError>true</rollbackOnError><testLevel>NoTestRun</testLevel></DeployOptions></deploy>", &started)
		if started.Result.Done || started.Result.State != "Queued" {
			t.Errorf("started %+v", started.Result)
		}
		return started.Result.ID
	}
	check := func(id string) soapDeploy {
		t.Helper()
		var state soapDeploy
		c.call("62.0", "<checkDeployStatus><asyncProcessId>"+id+
			"</asyncProcessId><includeDetails>true</includeDetails></checkDeployStatus>", &state)
		return state
	}
	id := submit(certificateFiles("My_Cert", ""))
	if got := check(id).Result; got.Done || got.Status != "InProgress" {
		t.Errorf("first check %+v", got)
	}
	if got := check(id).Result; !got.Done || !got.Success || len(got.Details.Successes) != 2 {
		t.Errorf("second check %+v", got)
	}
	if _, made := c.certificate("My_Cert"); !made {
		t.Error("no certificate was made")
	}
	id = submit(map[string]string{"package.xml": packageXML("62.0", "Certificate:X")})
	check(id)
	if got := check(id).Result; got.Success || got.Errors != 1 ||
		!strings.Contains(got.Details.Failures[0].Problem, "'X'") {
		t.Errorf("failed deploy %+v", got)
	}
	id = submit(certificateFiles("Other", ""))
	var canceled soapDeploy
	c.call("62.0", "<cancelDeploy><String>"+id+"</String></cancelDeploy>", &canceled)
	if got := check(id).Result; got.Status != "Canceled" {
		t.Errorf("after cancelDeploy %+v", got)
	}
	if a := c.soap(soapURL, envelope(c.token, "<cancelDeploy><String>"+id+
		"</String></cancelDeploy>")); !strings.Contains(string(a.body), "sf:INVALID_ID_FIELD") {
		t.Errorf("canceling twice: %s", a.body)
	}
	c.noViolations()
}

// A retrieve brings what a deploy takes, and a deploy of it changes nothing.
func TestRetrieve(t *testing.T) {
	t.Parallel()
	for _, single := range []bool{true, false} {
		c := start(t)
		var started soapDeploy
		c.call("62.0",
			fmt.Sprintf("<retrieve><%[2]s><apiVersion>62.0</apiVersion><singlePackage>%[1]v</singlePackage><unpackaged>"+
				"<types><members>Sim_BYOK</members><members>Nobody</members><name>Certificate</name></types>"+
				"<types><members>*</members><name>Settings</name></types><version>62.0</version></unpackaged></%[2]s></retrieve>",
				single, map[bool]string{true: "retrieveRequest", false: "request"}[single]), &started)
		var state struct {
			Done     bool     `xml:"result>done"`
			Success  bool     `xml:"result>success"`
			Problems []string `xml:"result>messages>problem"`
			Files    []string `xml:"result>fileProperties>fileName"`
			Zip      string   `xml:"result>zipFile"`
		}
		check := "<checkRetrieveStatus><asyncProcessId>" + started.Result.ID +
			"</asyncProcessId><includeZip>true</includeZip></checkRetrieveStatus>"
		if c.call("62.0", check, &state); state.Done {
			t.Error("done at once")
		}
		c.call("62.0", check, &state)
		if !state.Done || !state.Success || len(state.Problems) != 1 ||
			!strings.Contains(state.Problems[0], "named 'Nobody' cannot be found") || len(state.Files) != 4 {
			t.Fatalf("retrieved %+v", state)
		}
		body, err := base64.StdEncoding.DecodeString(state.Zip)
		if err != nil {
			t.Fatal(err)
		}
		reader, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		for _, file := range reader.File {
			r, err := file.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			files[file.Name] = string(text)
		}
		folder := map[bool]string{true: "", false: "unpackaged/"}[single]
		cert, _ := c.certificate("Sim_BYOK")
		if files[folder+"certs/Sim_BYOK.crt"] != cert.PEM || !strings.Contains(files[folder+
			"settings/EncryptionKey.settings"], "enableCacheOnlyKeys") {
			t.Errorf("files %v", files)
		}
		before := c.server.Certificates()
		state2 := c.deploy(fmt.Sprintf(`{"deployOptions":{"singlePackage":%v}}`, single), files)
		if !state2.DeployResult.Success || fmt.Sprint(before) != fmt.Sprint(c.server.Certificates()) {
			t.Errorf("deploying what was retrieved: %+v", state2.DeployResult)
		}
	}
}

// FuzzSOAP checks that no envelope makes the simulator panic or answer anything but XML.
func FuzzSOAP(f *testing.F) {
	server, err := sfsim.New()
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(server.Close)
	for _, operation := range []string{
		"<describeMetadata/>", "<readMetadata><type>Certificate</type><fullNames>Sim_BYOK</fullNames></readMetadata>",
		"<deploy/>",
		"<retrieve><retrieveRequest><unpackaged><types><members>*</members></types></unpackaged></retrieveRequest></retrieve>",
		`<updateMetadata><metadata xsi:type="EncryptionKeySettings"/></updateMetadata>`, "<deleteMetadata/>",
		"<listMetadata/>",
	} {
		f.Add(operation)
	}
	f.Fuzz(func(t *testing.T, operation string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.InstanceURL+soapURL,
			strings.NewReader(envelope(server.AccessToken, operation)))
		if err != nil {
			t.Fatal(err)
		}
		recorder := &discard{header: http.Header{}}
		server.Handler().ServeHTTP(recorder, req)
		if recorder.status != http.StatusOK && recorder.status != http.StatusInternalServerError &&
			recorder.status != http.StatusForbidden {
			t.Errorf("status %d", recorder.status)
		}
		if err := xml.Unmarshal(recorder.body, new(struct{})); err != nil {
			t.Errorf("answer %s: %v", recorder.body, err)
		}
	})
}
