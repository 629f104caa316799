package sfsim

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// datetimeLayout is how Salesforce writes instants: milliseconds, and an offset without a colon [D
// RESTdoc].
const datetimeLayout = "2006-01-02T15:04:05.000-0700"

func datetime(t time.Time) string { return t.UTC().Format(datetimeLayout) }

// reply is what a handler answers; it is rendered in one place.
type reply struct {
	status      int
	header      http.Header
	body        any // []byte is sent as it is, nil means no body, anything else becomes JSON
	contentType string

	committed bool   // state of the org was changed
	errorCode string // for the journal
}

// apiError is one entry of the array that a failed REST call answers [D RESTdoc].
type apiError struct {
	Message   string   `json:"message"`
	ErrorCode string   `json:"errorCode"`
	Fields    []string `json:"fields,omitempty"`
}

func ok(body any) *reply { return &reply{status: http.StatusOK, body: body} }

// refuse answers the error array. No text of it may quote a secret value.
func refuse(status int, code, message string, fields ...string) *reply {
	return &reply{status: status, errorCode: code, body: []apiError{{Message: message, ErrorCode: code, Fields: fields}}}
}

func notFound() *reply {
	return refuse(http.StatusNotFound, "NOT_FOUND", "The requested resource does not exist")
}

// sessionOver says that a session is over, as Settings.SessionEnd has it.
func (c *call) sessionOver() *reply {
	r := refuse(http.StatusUnauthorized, "INVALID_SESSION_ID", "Session expired or invalid")
	switch c.s.world.settings.SessionEnd {
	case "header":
		r = refuse(http.StatusUnauthorized, "INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT")
	case "forbidden":
		r.status = http.StatusForbidden
	case "text":
		return &reply{
			status: http.StatusForbidden, body: []byte("Bad_OAuth_Token"), contentType: "text/html",
			errorCode: "Bad_OAuth_Token",
		}
	}
	r.header = http.Header{"Www-Authenticate": {"Token"}}
	return r
}

func methodNotAllowed(method string, allowed []string) *reply {
	list := strings.Join(allowed, ",")
	r := refuse(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED",
		fmt.Sprintf("HTTP Method '%s' not allowed. Allowed are %s", method, list))
	r.header = http.Header{"Allow": {strings.ReplaceAll(list, ",", ", ")}}
	return r
}

// statusNoRoute is what the edge answers for a host that has no org behind it [D RESTdoc].
const statusNoRoute = 420

// htmlPage is what the edge answers instead of JSON during maintenance or for a host without a
// route [C jsforce, ForceCLI].
func htmlPage(status int) *reply {
	page := fmt.Sprintf("<html>\n<head><title>%[1]d %[2]s</title></head>\n<body><h1>%[2]s</h1></body>\n</html>\n",
		status, http.StatusText(status))
	return &reply{status: status, body: []byte(page), contentType: "text/html;charset=UTF-8", errorCode: "HTML"}
}

// mangling is what a fault does to the bytes of a reply.
type mangling int

const (
	intact mangling = iota
	malformed
	truncated
)

// write renders the reply. It panics with http.ErrAbortHandler, which closes the connection, to cut
// a body short.
func (r *reply) write(w http.ResponseWriter, req *http.Request, now time.Time, mangle mangling) (int, error) {
	maps.Copy(w.Header(), r.header)
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))

	var body []byte
	switch content := r.body.(type) {
	case nil:
	case []byte:
		body = content
	default:
		encoded, err := encodeJSON(content)
		if err != nil {
			return 0, fmt.Errorf("encode a reply: %w", err)
		}
		body = encoded
	}
	if r.body != nil {
		contentType := r.contentType
		if contentType == "" {
			contentType = "application/json;charset=UTF-8"
		}
		w.Header().Set("Content-Type", contentType)
	}
	if mangle == malformed {
		body = append([]byte("{[\"malformed\":"), body...)
	}
	if len(body) > 0 && acceptsGzip(req) && mangle == intact {
		packed, err := pack(body)
		if err != nil {
			return 0, err
		}
		body = packed
		w.Header().Set("Content-Encoding", "gzip")
	}
	if r.status != http.StatusNoContent && r.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(r.status)
	if req.Method == http.MethodHead || len(body) == 0 {
		return 0, nil
	}
	if mangle == truncated {
		if _, err := w.Write(body[:len(body)/2]); err != nil {
			return 0, err
		}
		if flusher, ok := w.(http.Flusher); ok {
			flusher.Flush()
		}
		panic(http.ErrAbortHandler)
	}
	return w.Write(body)
}

// packers are gzip writers that rest: one is over a megabyte, which would be most of what a reply
// costs. A sync.Pool would drop some of them under the race detector, where they cost most.
var packers = make(chan *gzip.Writer, 4)

// pack compresses a body.
func pack(body []byte) ([]byte, error) {
	var zip *gzip.Writer
	select {
	case zip = <-packers:
	default:
		made, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		if err != nil {
			return nil, err
		}
		zip = made
	}
	var packed bytes.Buffer
	zip.Reset(&packed)
	_, err := zip.Write(body)
	if err := errors.Join(err, zip.Close()); err != nil {
		return nil, err
	}
	select {
	case packers <- zip:
	default:
	}
	return packed.Bytes(), nil
}

func acceptsGzip(req *http.Request) bool {
	for part := range strings.SplitSeq(req.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(name, "gzip") && strings.TrimSpace(quality) != "q=0" {
			return true
		}
	}
	return false
}
