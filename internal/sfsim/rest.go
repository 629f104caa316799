package sfsim

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The API versions that the simulated release serves; older ones are retired and answer 410 [V; D
// Help 005132110].
const (
	minVersion = 31
	maxVersion = 67
	// firstVersion is the oldest version that ever was, so that anything below does not exist rather
	// than being retired.
	firstVersion = 7
)

// maxURI bounds the request target, and with the headers the whole head, in bytes [D RESTdoc].
const maxURI = 16_384

// maxBody bounds what is read of a request; metadata archives are the largest.
const maxBody = 40 << 20

// call is one request on its way through the simulator. The server's lock is held while a handler
// runs.
type call struct {
	s       *Server
	r       *http.Request
	host    string
	body    []byte
	version int
	tooling bool
	params  map[string]string
	session *session
	entry   *Request
	now     time.Time // the simulated time, in whole seconds as Salesforce stores it
}

func (c *call) param(name string) string { return c.params[name] }

// root is the path of the API at the caller's version.
func (c *call) root() string { return fmt.Sprintf("/services/data/v%d.0", c.version) }

// query returns a decoded query parameter. Unlike net/url it takes a stray "%" for itself, as SOQL
// written by hand has it.
func (c *call) query(name string) (string, bool) {
	for pair := range strings.SplitSeq(c.r.URL.RawQuery, "&") {
		key, value, _ := strings.Cut(pair, "=")
		if key == name {
			return lenientUnescape(value), true
		}
	}
	return "", false
}

func lenientUnescape(text string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '+':
			out.WriteByte(' ')
		case text[i] == '%' && i+2 < len(text):
			if b, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				out.WriteByte(byte(b))
				i += 2
				continue
			}
			out.WriteByte('%')
		default:
			out.WriteByte(text[i])
		}
	}
	return out.String()
}

// needJSON refuses bodies of other kinds.
func (c *call) needJSON() *reply {
	mediaType, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err == nil && mediaType == "application/json" {
		return nil
	}
	c.violation("sends a body of Content-Type %q, expected application/json", c.r.Header.Get("Content-Type"))
	return refuse(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", // wording [R]
		"Content type of the request body is not supported")
}

// route is one entry of the REST surface. The pattern is relative to /services/data/vXX.X; {name}
// takes one segment.
type route struct {
	method, pattern string
	operation       string // {object} stands for the object's name
	since           int    // API version
	handle          func(*call) *reply
}

// restRoutes lists everything that the instance host serves under /services/data/vXX.X. A path that
// is not here is answered 404 and recorded as a violation.
func restRoutes() []route {
	return slices.Concat(coreRoutes(), certificateRoutes(), deployRoutes(), dataKeyRoutes(), eventLogRoutes())
}

func coreRoutes() []route {
	return []route{
		{"GET", "", "resources", 0, listResources},
		{"GET", "limits", "limits", 0, showLimits},
		{"GET", "query", "query", 0, startQuery},
		{"GET", "queryAll", "query", 0, startQuery},
		{"GET", "query/{locator}", "query.more", 0, nextPage},
		{"GET", "queryAll/{locator}", "query.more", 0, nextPage},
		{"GET", "tooling/query", "tooling.query", 0, startQuery},
		{"GET", "tooling/queryAll", "tooling.query", 0, startQuery},
		{"GET", "tooling/query/{locator}", "query.more", 0, nextPage},
		{"GET", "tooling/sobjects", "describe", 0, listObjects},
		{"GET", "tooling/sobjects/{object}", "{object}.info", 0, showObject},
		{"GET", "tooling/sobjects/{object}/describe", "{object}.describe", 0, describeObject},
		{"GET", "tooling/sobjects/{object}/{id}", "{object}.get", 0, getRow},
		{"POST", "tooling/sobjects/{object}", "{object}.create", 0, createRow},
		{"PATCH", "tooling/sobjects/{object}/{id}", "{object}.update", 0, updateRow},
		{"DELETE", "tooling/sobjects/{object}/{id}", "{object}.delete", 0, deleteRow},
		{"GET", "sobjects", "describe", 0, listObjects},
		{"GET", "sobjects/{object}", "{object}.info", 0, showObject},
		{"GET", "sobjects/{object}/describe", "{object}.describe", 0, describeObject},
		{"GET", "sobjects/{object}/{id}", "{object}.get", 0, getRow},
		{"POST", "sobjects/{object}", "{object}.create", 0, createRow},
		{"PATCH", "sobjects/{object}/{id}", "{object}.update", 0, updateRow},
		{"DELETE", "sobjects/{object}/{id}", "{object}.delete", 0, deleteRow},
	}
}

// match compares a pattern with a path, segment by segment.
func match(pattern, path string) (map[string]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	params := map[string]string{}
	for i, segment := range want {
		if strings.HasPrefix(segment, "{") {
			if got[i] == "" {
				return nil, false
			}
			params[strings.Trim(segment, "{}")] = got[i]
		} else if segment != got[i] {
			return nil, false
		}
	}
	return params, true
}

// Handler serves the instance host.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.options.control && strings.HasPrefix(r.URL.Path, "/_sim/") {
			s.serveControl(w, r)
			return
		}
		s.serve(w, r, "instance", (*call).dispatchInstance)
	})
}

// LoginHandler serves the login host.
func (s *Server) LoginHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, "login", (*call).dispatchLogin)
	})
}

// knows refuses a Host that is neither of this machine nor one that the server was given for its
// own.
func (s *Server) knows(name string) error {
	for _, own := range []string{s.InstanceURL, s.LoginURL} {
		if u, err := url.Parse(own); err == nil && u.Host != "" && strings.EqualFold(u.Host, name) {
			return nil
		}
	}
	return forThisMachine(name)
}

// serve takes a request through journal, faults, the handler and latency to its reply.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, host string, dispatch func(*call) *reply) {
	body, bodyError := readBody(w, r)
	// The Salesforce CLI ends an instance URL with a slash and then appends paths that begin with one;
	// Salesforce does not mind [C].
	if strings.HasPrefix(r.URL.Path, "//") {
		r.URL.Path = "/" + strings.TrimLeft(r.URL.Path, "/")
	}

	s.mu.Lock()
	now := s.Clock.Now()
	c := &call{s: s, r: r, host: host, body: body, now: now.Truncate(time.Second)}
	c.entry = &Request{
		Time: now, Host: host, Method: r.Method, Path: r.URL.Path, UserAgent: r.UserAgent(), Operation: "unknown",
	}
	if !strings.HasPrefix(r.URL.Path, "/services/oauth2/") {
		c.entry.Query = lenientUnescape(r.URL.RawQuery)
	}
	s.journal = append(s.journal, c.entry)
	if errors.Is(bodyError, errIncomplete) {
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	}
	fault := s.nextFault(c.entry)

	var answer *reply
	misdirected := s.knows(r.Host)
	switch {
	case misdirected != nil:
		// Salesforce's edge has no route for a host that is no org's [D RESTdoc]. A web page could have
		// such a name resolve to this machine.
		c.violation("%v", misdirected)
		answer = htmlPage(statusNoRoute)
	case fault != nil && fault.Drop == "before":
		answer = nil
	case fault != nil && fault.answers() && !fault.Commit && fault.Drop != "after":
		answer = fault.reply(r.URL.Path)
	case bodyError != nil:
		c.violation("sends a body that can't be read: %v", bodyError)
		answer = refuse(http.StatusBadRequest, "JSON_PARSER_ERROR", bodyError.Error())
	default:
		c.catchUp()
		answer = dispatch(c)
		c.noteKeyChanges()
		c.entry.Committed = answer.committed
		if fault != nil && fault.answers() {
			answer = fault.reply(r.URL.Path)
		}
	}
	delay := s.options.latency
	mangle := intact
	if fault != nil {
		c.entry.Fault = fault.String()
		delay += time.Duration(fault.Delay)
		switch fault.Body {
		case "malformed":
			mangle = malformed
		case "truncated":
			mangle = truncated
		}
		if fault.Drop != "" {
			answer = nil
		}
	}
	if answer != nil {
		c.entry.Status, c.entry.ErrorCode = answer.status, answer.errorCode
		s.limitHeader(c, answer)
	}
	s.mu.Unlock()

	err := sleep(r.Context(), delay)
	if err == nil && fault != nil && fault.hold != nil {
		err = fault.hold.keep(r.Context())
	}
	if err != nil || answer == nil {
		panic(http.ErrAbortHandler) // closes the connection without a reply
	}
	if _, err := answer.write(w, r, s.Clock.Now(), mangle); err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
}

var errIncomplete = errors.New("the body ended early")

// readBody reads the whole body, undoing gzip. An incomplete body means that the client gave up.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, fmt.Errorf("the body is larger than %d bytes", maxBody)
		}
		return nil, errIncomplete
	}
	if !strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		return raw, nil
	}
	zip, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, errors.New("the body is not gzip, as its Content-Encoding says")
	}
	body, err := io.ReadAll(io.LimitReader(zip, maxBody))
	if err != nil {
		return nil, errors.New("the body is broken gzip")
	}
	return body, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Server) nextFault(entry *Request) *Fault {
	var hit *Fault
	for _, f := range s.faults {
		if f.strikes(entry.Host, entry.Method, entry.Path, entry.Query) && hit == nil {
			hit = &f.Fault
		}
	}
	return hit
}

// limitHeader adds Sforce-Limit-Info, which every REST reply carries except the list of versions [D
// RESTdoc], and pages of the edge do not.
func (s *Server) limitHeader(c *call, answer *reply) {
	if !strings.HasPrefix(c.r.URL.Path, "/services/data/v") || answer.errorCode == "HTML" {
		return
	}
	if answer.header == nil {
		answer.header = http.Header{}
	}
	answer.header.Set("Sforce-Limit-Info", fmt.Sprintf("api-usage=%d/%d", s.world.apiUsage, s.world.settings.APILimit))
}

// dispatchInstance serves My Domain.
func (c *call) dispatchInstance() *reply {
	head := len(c.r.RequestURI)
	if head > maxURI {
		// code and text invented
		return refuse(http.StatusRequestURITooLong, "URI_TOO_LONG", "The URI is longer than 16,384 bytes")
	}
	for name, values := range c.r.Header {
		for _, value := range values {
			head += len(name) + len(": \r\n") + len(value)
		}
	}
	if head > maxURI {
		return refuse(http.StatusRequestHeaderFieldsTooLarge, "REQUEST_HEADER_FIELDS_TOO_LARGE", // code and text invented
			"The URI and headers are longer than 16,384 bytes")
	}
	path := c.r.URL.Path
	switch {
	case path == "/services/data" || path == "/services/data/":
		c.entry.Operation = "versions"
		return ok(versions())
	case strings.HasPrefix(path, "/services/data/"):
		return c.dispatchREST(strings.TrimPrefix(path, "/services/data/"))
	case strings.HasPrefix(path, soapPath):
		return c.dispatchSOAP(strings.TrimPrefix(path, soapPath))
	default:
		return c.dispatchLogin()
	}
}

func (c *call) dispatchREST(path string) *reply {
	version, rest, _ := strings.Cut(path, "/")
	rest = strings.Trim(rest, "/")
	number, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(version, "v"), ".0"))
	if err != nil || version != fmt.Sprintf("v%d.0", number) || number > maxVersion || number < firstVersion {
		c.violation("calls API version %q, which does not exist; the newest is v%d.0", version, maxVersion)
		return notFound()
	}
	if number < minVersion {
		return refuse(http.StatusGone, "UNSUPPORTED_API_VERSION", "The requested API version is retired") // wording [I]
	}
	c.version = number
	if refusal := c.authenticate(); refusal != nil {
		return refusal
	}
	c.s.world.apiUsage++
	if c.s.world.apiUsage > c.s.world.settings.APILimit {
		return refuse(http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
	}

	method := c.r.Method
	if override, given := c.query("_HttpMethod"); given && method == http.MethodPost {
		method = override
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	c.tooling = strings.HasPrefix(rest, "tooling/")
	var allowed []string
	for _, r := range restRoutes() {
		params, hit := match(r.pattern, rest)
		if !hit || r.since > c.version {
			continue
		}
		if r.method != method {
			if r.method != http.MethodDelete { // see deleteRow
				allowed = append(allowed, r.method)
			}
			continue
		}
		c.params = params
		c.entry.Operation = strings.ReplaceAll(r.operation, "{object}", c.objectName())
		return r.handle(c)
	}
	if len(allowed) > 0 {
		c.violation("uses %s on a resource that does not have it", method)
		if slices.Contains(allowed, http.MethodGet) {
			allowed = slices.Insert(slices.DeleteFunc(allowed, func(m string) bool {
				return m == http.MethodGet
			}), 0, "HEAD", "GET")
		}
		return methodNotAllowed(method, allowed)
	}
	c.violation("calls a resource that does not exist, or that the simulator does not have")
	return notFound()
}

// objectName is the object of the route in canonical spelling, for the journal.
func (c *call) objectName() string {
	for _, o := range objects() {
		if strings.EqualFold(o.name, c.params["object"]) {
			return o.name
		}
	}
	return c.params["object"]
}

// versions lists the API versions with their release names: one in winter, spring and summer of
// each year.
func versions() []object {
	seasons := []string{"Summer", "Winter", "Spring"}
	out := make([]object, 0, maxVersion-minVersion+1)
	for v := minVersion; v <= maxVersion; v++ {
		since := v - minVersion // v31 is Summer '14
		out = append(out, object{
			{"label", fmt.Sprintf("%s '%d", seasons[since%3], 14+(since+2)/3)},
			{"url", fmt.Sprintf("/services/data/v%d.0", v)},
			{"version", fmt.Sprintf("%d.0", v)},
		})
	}
	return out
}

func listResources(c *call) *reply {
	root := c.root()
	return ok(object{
		{"tooling", root + "/tooling"},
		{"query", root + "/query"},
		{"queryAll", root + "/queryAll"},
		{"sobjects", root + "/sobjects"},
		{"limits", root + "/limits"},
		{"identity", c.s.LoginURL + "/id/" + c.s.world.organization.id + "/" + c.session.user.id},
	})
}

func showLimits(c *call) *reply {
	limit := c.s.world.settings.APILimit
	return ok(object{{"DailyApiRequests", object{{"Max", limit}, {"Remaining", max(0, limit-c.s.world.apiUsage)}}}})
}

// authenticate resolves the bearer token to a session.
func (c *call) authenticate() *reply {
	header := c.r.Header.Get("Authorization")
	scheme, token, _ := strings.Cut(header, " ")
	if header == "" || !strings.EqualFold(scheme, "Bearer") && !strings.EqualFold(scheme, "OAuth") {
		c.violation("sends no access token")
		return c.sessionOver()
	}
	found := c.s.session(strings.TrimSpace(token))
	if found == nil {
		return c.sessionOver()
	}
	c.session = found
	settings := &c.s.world.settings
	switch {
	case settings.SessionUnfit:
		return refuse(http.StatusUnauthorized, "INVALID_SESSION_ID", "This session is not valid for use with the REST API")
	case settings.APIDisabled:
		return refuse(http.StatusForbidden, "API_DISABLED_FOR_ORG", "API is disabled for this org") // wording [R]
	}
	return nil
}

// formValues parses an x-www-form-urlencoded body.
func (c *call) formValues() (url.Values, *reply) {
	mediaType, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		c.violation("sends a form of Content-Type %q", c.r.Header.Get("Content-Type"))
		return nil, refuseOAuth("unsupported_grant_type", "grant type not supported")
	}
	form, err := url.ParseQuery(string(c.body))
	if err != nil {
		c.violation("sends a form that is not URL-encoded")
		return nil, refuseOAuth("invalid_request", "malformed request") // wording invented
	}
	for name := range form {
		c.entry.Fields = append(c.entry.Fields, name)
	}
	slices.Sort(c.entry.Fields)
	return form, nil
}
