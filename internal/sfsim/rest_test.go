package sfsim_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// The list of versions needs no authentication, and has no limit header [D].
func TestVersions(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.token = ""
	for _, path := range []string{"/services/data/", "/services/data", "//services/data"} {
		a := c.get(path).want(http.StatusOK)
		var list []map[string]string
		a.into(&list)
		if len(list) != 37 {
			t.Fatalf("%d versions, want 31 to 67", len(list))
		}
		for i, want := range map[int][2]string{
			0: {"31.0", "Summer '14"}, 31: {"62.0", "Winter '25"},
			32: {"63.0", "Spring '25"}, 36: {"67.0", "Summer '26"},
		} {
			if list[i]["version"] != want[0] || list[i]["label"] != want[1] || list[i]["url"] != "/services/data/v"+want[0] {
				t.Errorf("version %d is %v", i, list[i])
			}
		}
		if a.header.Get("Sforce-Limit-Info") != "" {
			t.Error("the list of versions has a limit header")
		}
	}
}

// Retired versions are 410; what never existed is 404 [V; D Help 005132110].
func TestVersionsOutOfRange(t *testing.T) {
	t.Parallel()
	c := start(t)
	for version, status := range map[string]int{
		"v31.0": 200, "v67.0": 200, "v30.0": 410, "v7.0": 410, "v6.0": 404, "v68.0": 404, "v62": 404, "62.0": 404,
		"v62.1": 404, "latest": 404,
	} {
		c.get("/services/data/" + version + "/limits").want(status)
	}
}

// Sforce-Limit-Info counts calls; beyond the limit they are refused [D].
func TestLimits(t *testing.T) {
	t.Parallel()
	c := start(t, configure(func(s *sfsim.Settings) { s.APILimit = 2 }))
	a := c.get(data + "/limits").want(http.StatusOK)
	if got := a.header.Get("Sforce-Limit-Info"); got != "api-usage=1/2" {
		t.Errorf("Sforce-Limit-Info %q", got)
	}
	if want := `{"DailyApiRequests":{"Max":2,"Remaining":1}}`; string(a.body) != want {
		t.Errorf("limits %s, want %s", a.body, want)
	}
	c.get("/services/data/").want(http.StatusOK)
	c.get(data + "/sobjects/Nope").want(http.StatusNotFound)
	a = c.get(data + "/limits")
	if r := a.refused(http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED"); r.Message != "TotalRequests Limit exceeded." {
		t.Errorf("message %q", r.Message)
	}
}

// Everything dates from the simulated clock.
func TestDateHeader(t *testing.T) {
	t.Parallel()
	then := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	c := start(t)
	c.server.Clock.Set(then)
	date, err := http.ParseTime(c.get(data + "/limits").header.Get("Date"))
	if err != nil || !date.Equal(then) {
		t.Errorf("Date %v, %v", date, err)
	}
	row := c.secret(c.create(`{}`).created())
	if created, _ := row["CreatedDate"].(string); !strings.HasPrefix(created, "2031-02-03T04:05:") ||
		!strings.HasSuffix(created, ".000+0000") {
		t.Errorf("CreatedDate %v", row["CreatedDate"])
	}
}

// Compression both ways [D].
func TestGzip(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.header.Set("Accept-Encoding", "gzip, deflate")
	a := c.get(data + "/limits").want(http.StatusOK)
	if a.header.Get("Content-Encoding") != "gzip" {
		t.Fatal("the reply is not compressed")
	}
	zip, err := gzip.NewReader(bytes.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(zip); err != nil || !strings.HasPrefix(string(text), `{"DailyApiRequests"`) {
		t.Errorf("unpacked %s, %v", text, err)
	}
	c.header.Set("Accept-Encoding", "identity, gzip;q=0")
	if a := c.get(data + "/limits"); a.header.Get("Content-Encoding") != "" {
		t.Error("compressed against the client's wish")
	}

	var packed bytes.Buffer
	out := gzip.NewWriter(&packed)
	_, _ = out.Write([]byte(`{"Type":"Analytics"}`))
	_ = out.Close()
	c.header.Set("Content-Encoding", "gzip")
	for text, status := range map[string]int{
		packed.String():        http.StatusCreated,
		`{"Type":"Analytics"}`: http.StatusBadRequest, packed.String()[:20]: http.StatusBadRequest,
	} {
		a, err := c.try(http.MethodPost, data+"/sobjects/TenantSecret", []byte(text), "application/json")
		if err != nil {
			t.Fatal(err)
		}
		a.want(status)
	}
}

// Statuses for what is too long, of the wrong type, or not there [D].
func TestTransportRefusals(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.get(data + "/query?q=" + strings.Repeat("x", 16_400)).want(http.StatusRequestURITooLong)
	c.header.Set("X-Padding", strings.Repeat("x", 16_400))
	c.get(data + "/limits").want(http.StatusRequestHeaderFieldsTooLarge)
	c.header.Del("X-Padding")
	c.noViolations()
	for _, contentType := range []string{"", "text/plain", "application/x-www-form-urlencoded"} {
		a, err := c.try(http.MethodPost, data+"/sobjects/TenantSecret", []byte(`{}`), contentType)
		if err != nil {
			t.Fatal(err)
		}
		a.refused(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE")
	}
	a, err := c.try(http.MethodPost, data+"/sobjects/TenantSecret", nil, "application/json")
	if err != nil {
		t.Fatal(err)
	}
	a.refused(http.StatusBadRequest, "JSON_PARSER_ERROR")
	c.get(data+"/composite").refused(http.StatusNotFound, "NOT_FOUND")
	c.get(data+"/sobjects/TenantSecret/describe/layouts").refused(http.StatusNotFound, "NOT_FOUND")
	c.get("/nowhere").refused(http.StatusNotFound, "NOT_FOUND")
	c.do(http.MethodPost, data+"/query", `{}`).refused(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
	c.get(c.server.LoginURL+data+"/limits").refused(http.StatusNotFound, "NOT_FOUND")
	if n := len(c.server.Violations()); n != 9 {
		t.Errorf("%d violations, want 9: %v", n, c.server.Violations())
	}
	if text := c.server.Violations()[0].String(); !strings.Contains(text, "Content-Type") ||
		!strings.Contains(text, "POST /services/data/") {
		t.Errorf("violation %q", text)
	}
}

func TestResourcesAndGlobalDescribe(t *testing.T) {
	t.Parallel()
	c := start(t)
	if got := c.get(data + "/").record()["query"]; got != data+"/query" {
		t.Errorf("query resource %v", got)
	}
	names := func(path string) []string {
		var list struct {
			Encoding string `json:"encoding"`
			Objects  []struct {
				Name string `json:"name"`
			} `json:"sobjects"`
		}
		c.get(path).want(http.StatusOK).into(&list)
		var out []string
		for _, o := range list.Objects {
			out = append(out, o.Name)
		}
		return out
	}
	if got := strings.Join(names(data+"/sobjects"), " "); !strings.Contains(got, "TenantSecret") ||
		strings.Contains(got, "Certificate") {
		t.Errorf("data API: %s", got)
	}
	if got := strings.Join(names(data+"/tooling/sobjects"), " "); !strings.Contains(got, "Certificate") ||
		strings.Contains(got, "TenantSecret") {
		t.Errorf("tooling API: %s", got)
	}
	if got := strings.Join(names("/services/data/v33.0/sobjects"), " "); strings.Contains(got, "TenantSecret") {
		t.Errorf("API 33.0: %s", got)
	}
}

func TestHeadHasNoBody(t *testing.T) {
	t.Parallel()
	c := start(t)
	a := c.do(http.MethodHead, data+"/limits", "").want(http.StatusOK)
	if len(a.body) != 0 || a.header.Get("Content-Length") == "0" {
		t.Errorf("HEAD answers %q, Content-Length %s", a.body, a.header.Get("Content-Length"))
	}
}

// The envelopes of queries.
func TestQueryEnvelopes(t *testing.T) {
	t.Parallel()
	c := start(t)
	id := c.server.TenantSecrets()[0].ID
	record := `{"attributes":{"type":"TenantSecret","url":"/services/data/v62.0/sobjects/TenantSecret/` + id +
		`"},"Id":"` + id + `"}`
	cert := c.server.Certificates()[0].ID
	tooling := `{"attributes":{"type":"Certificate","url":"/services/data/v62.0/tooling/sobjects/Certificate/` + cert +
		`"},"Id":"` + cert + `"}`
	for path, want := range map[string]string{
		"/query?q=select+Id+from+TenantSecret": `{"totalSize":1,"done":true,"records":[` + record +
			`]}`,
		"/query/?q=select%20Id%20from+tenantsecret": `{"totalSize":1,"done":true,"records":[` + record +
			`]}`,
		"/queryAll?q=select+Id+from+TenantSecret": `{"totalSize":1,"done":true,"records":[` + record +
			`]}`,
		"/query?q=SELECT+COUNT()+FROM+TenantSecret":                   `{"totalSize":1,"done":true,"records":[]}`,
		"/query?q=select+Id+from+TenantSecret+where+Type='Analytics'": `{"totalSize":0,"done":true,"records":[]}`,
		"/tooling/query/?q=select+Id+from+Certificate+where+DeveloperName='Sim_BYOK'": `{"size":1,"totalSize":1,"done":true,` +
			`"queryLocator":null,"entityTypeName":"Certificate","records":[` + tooling + `]}`,
		"/query?q=select+count(Id)+n+from+TenantSecret": `{"totalSize":1,"done":true,"records":[{"attributes":{"type":"AggregateResult"},"n":1}]}`,
	} {
		if got := string(c.get(data + path).want(http.StatusOK).body); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", path, got, want)
		}
	}
	c.noViolations()
}

// Queries that are refused.
func TestQueryRefusals(t *testing.T) {
	t.Parallel()
	c := start(t)
	for _, tt := range []struct{ path, code, text string }{
		{"/query?q=select+Id+from+Certificate", "INVALID_TYPE", "sObject type 'Certificate' is not supported"},
		{"/tooling/query?q=select+Id+from+TenantSecret", "INVALID_TYPE", "sObject type 'TenantSecret' is not supported"},
		{"/query?q=select+Name+from+TenantSecret", "INVALID_FIELD", "No such column 'Name' on sobject of type TenantSecret"},
		{
			"/query?q=select+Id+from+TenantSecret+where+SecretValueHash='x'", "INVALID_FIELD",
			"can not be filtered in a query call",
		},
		{
			"/query?q=select+Id+from+TenantSecret+where+Description='x'", "INVALID_FIELD",
			"can not be filtered in a query call",
		},
		{"/query?q=select+from", "MALFORMED_QUERY", ""},
		{"/query", "MALFORMED_QUERY", ""},
		{"/query/01gWt0000000099AAA-200", "INVALID_QUERY_LOCATOR", ""},
	} {
		r := c.get(data+tt.path).refused(http.StatusBadRequest, tt.code)
		if !strings.Contains(r.Message, tt.text) {
			t.Errorf("%s: %q", tt.path, r.Message)
		}
	}
	c.get("/services/data/v36.0/tooling/query?q=select+Id+from+Certificate").refused(http.StatusBadRequest, "INVALID_TYPE")
	c.get("/services/data/v43.0/query?q=select+RemoteKeyIdentifier+from+TenantSecret").refused(http.StatusBadRequest,
		"INVALID_FIELD")
}

// Pages, their size, and where the next one is [D].
func TestQueryPages(t *testing.T) {
	t.Parallel()
	c := start(t, seeded(t, "tenant_secrets: [{count: 450, status: DESTROYED}]"))
	walk := func(query string) (sizes []int) {
		seen := map[string]bool{}
		for next := data + query; next != ""; {
			var page struct {
				TotalSize int    `json:"totalSize"`
				Done      bool   `json:"done"`
				Next      string `json:"nextRecordsUrl"`
				Records   []struct {
					ID string `json:"Id"`
				} `json:"records"`
			}
			c.get(next).want(http.StatusOK).into(&page)
			if page.Done != (page.Next == "") || page.TotalSize != 450 {
				t.Fatalf("done %v, next %q, total %d", page.Done, page.Next, page.TotalSize)
			}
			sizes = append(sizes, len(page.Records))
			for _, r := range page.Records {
				seen[r.ID] = true
			}
			next = page.Next
		}
		if len(seen) != 450 {
			t.Errorf("%d rows, want 450", len(seen))
		}
		return sizes
	}
	const query = "/query?q=SELECT+Id+FROM+TenantSecret"
	for _, tt := range []struct {
		options string
		page    int
		want    []int
	}{
		{"", 0, []int{450}},
		{"batchSize=200", 0, []int{200, 200, 50}},
		{"batchSize=1", 0, []int{200, 200, 50}},
		{"batchSize=99999", 0, []int{450}},
		{"", 300, []int{300, 150}},
	} {
		c.header.Set("Sforce-Query-Options", tt.options)
		c.server.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.PageSize = tt.page })
		if got := walk(query); fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%q, page size %d: pages of %v, want %v", tt.options, tt.page, got, tt.want)
		}
	}
	c.server.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.PageSize = 2 })
	var page struct {
		Next string `json:"nextRecordsUrl"`
	}
	c.get(data + query).into(&page)
	if !strings.HasPrefix(page.Next, data+"/query/01g") || !strings.HasSuffix(page.Next, "-2") {
		t.Errorf("nextRecordsUrl %q", page.Next)
	}
	c.get(strings.TrimSuffix(page.Next, "2")+"450").refused(http.StatusBadRequest, "INVALID_QUERY_LOCATOR")
	c.get(strings.TrimSuffix(page.Next, "2")+"x").refused(http.StatusBadRequest, "INVALID_QUERY_LOCATOR")
}

// Relationship fields of CreatedBy.
func TestQueryRelationships(t *testing.T) {
	t.Parallel()
	c := start(t)
	rows := c.rows("SELECT Id, CreatedBy.Username, LastModifiedBy.Name, CreatedBy.Id FROM TenantSecret WHERE " +
		"CreatedBy.IsActive = true")
	if len(rows) != 1 {
		t.Fatalf("%d rows", len(rows))
	}
	by, _ := rows[0]["CreatedBy"].(map[string]any)
	if by["Username"] != "admin@sfsim.example" || by["Id"] == nil || by["attributes"] == nil || len(by) != 3 {
		t.Errorf("CreatedBy %v", rows[0]["CreatedBy"])
	}
}

func TestOrganizationRow(t *testing.T) {
	t.Parallel()
	for kind, want := range map[sfsim.Kind][2]any{
		sfsim.Production: {"Enterprise Edition", false}, sfsim.Sandbox: {"Enterprise Edition", true},
		sfsim.Developer: {"Developer Edition", false},
	} {
		c := start(t, sfsim.WithKind(kind), sfsim.WithOrganizationID("00D5g000004abcD"))
		rows := c.rows("SELECT Id, Name, OrganizationType, InstanceName, IsSandbox FROM Organization")
		if len(rows) != 1 || rows[0]["OrganizationType"] != want[0] || rows[0]["IsSandbox"] != want[1] ||
			rows[0]["Id"] != c.server.OrganizationID {
			t.Errorf("%s: %v", kind, rows)
		}
		if !strings.HasPrefix(c.server.OrganizationID, "00D5g000004abcD") || len(c.server.OrganizationID) != 18 {
			t.Errorf("organization id %s", c.server.OrganizationID)
		}
	}
}

// SOQL that is not URL-escaped at all, on a connection that stays open [C FtxPlugin].
func TestRawSpacesInTheRequestLine(t *testing.T) {
	t.Parallel()
	c := start(t)
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(c.server.InstanceURL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	reader := bufio.NewReader(conn)
	for _, query := range []string{
		"select Id from Certificate where MasterLabel = 'Sim_BYOK'",
		"select%20Id from Certificate where MasterLabel LIKE 'Sim%BYOK'",
	} {
		line := "GET /services/data/v50.0/tooling/query/?q=" + query + " HTTP/1.1\r\n"
		if _, err := io.WriteString(conn, line+"Host: localhost\r\nAuthorization: Bearer "+c.token+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusOK ||
			!strings.Contains(string(text), `"totalSize":1`) {
			t.Errorf("%d %s, %v", resp.StatusCode, text, err)
		}
	}
}

// Certificates, their chain in every form, and that they are read-only.
func TestCertificates(t *testing.T) {
	t.Parallel()
	c := start(t)
	var page struct {
		Records []map[string]any `json:"records"`
	}
	c.get(data + "/tooling/query?q=" +
		url.QueryEscape(`SELECT Id, DeveloperName, MasterLabel, ExpirationDate, KeySize, OptionsIsCaSigned,
		OptionsIsEncryptedWithPE, OptionsIsPrivateKeyExportable, OptionsIsUnusable, OptionsIsUsingKMS, CreatedDate FROM Certificate
		ORDER BY DeveloperName`)).want(http.StatusOK).into(&page)
	if len(page.Records) != 2 {
		t.Fatalf("%d certificates", len(page.Records))
	}
	good, bad := page.Records[0], page.Records[1]
	if good["KeySize"] != 4096.0 || good["OptionsIsEncryptedWithPE"] != true ||
		good["OptionsIsPrivateKeyExportable"] != false {
		t.Errorf("Sim_BYOK %v", good)
	}
	if bad["DeveloperName"] != "Sim_Partner_SSO" || bad["KeySize"] != 2048.0 {
		t.Errorf("the other certificate %v", bad)
	}
	id, _ := good["Id"].(string)
	path := data + "/tooling/sobjects/Certificate/" + id
	if row := c.get(path).record(); row["CertificateChain"] != path+"/CertificateChain" ||
		row["DeveloperName"] != "Sim_BYOK" {
		t.Errorf("row %v", row)
	}
	for form, prefix := range map[string]string{
		"pem": "-----BEGIN CERTIFICATE-----\n", "base64": "MII", "json": `"MII`,
		"der": "\x30\x82",
	} {
		c.server.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.CertificateChainForm = form })
		if body := c.get(path + "/CertificateChain").want(http.StatusOK).body; !bytes.HasPrefix(body, []byte(prefix)) {
			t.Errorf("%s: %.40q", form, body)
		}
	}
	// What the answer to a creation says [C].
	r := c.do(http.MethodPost, data+"/tooling/sobjects/Certificate",
		`{"CertificateData":"x"}`).refused(http.StatusBadRequest, "INVALID_FIELD")
	if r.Message != "No such column 'CertificateData' on sobject of type Certificate" {
		t.Errorf("message %q", r.Message)
	}
	c.do(http.MethodPost, data+"/tooling/sobjects/Certificate", `{"DeveloperName":"x"}`).want(http.StatusMethodNotAllowed)
	c.do(http.MethodPatch, path, `{"MasterLabel":"x"}`).want(http.StatusMethodNotAllowed)
	c.do(http.MethodDelete, path, "").want(http.StatusMethodNotAllowed)
	c.get(data + "/tooling/sobjects/Certificate/0P1Wt0000009999/CertificateChain").want(http.StatusNotFound)
	c.server.Configure(func(_ *sfsim.Settings, p *sfsim.Permissions) { p.ManageCertificates = false })
	c.get(path + "/CertificateChain").want(http.StatusNotFound)
	c.get(data+"/tooling/query?q=select+Id+from+Certificate").refused(http.StatusBadRequest, "INVALID_TYPE")
}
