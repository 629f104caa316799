package salesforce

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/redact"
)

const (
	// maxBody bounds the body of an ordinary reply, after decompression.
	maxBody = 32 << 20
	// backoffBase and backoffMax bound the jittered pause between attempts.
	backoffBase = 250 * time.Millisecond
	backoffMax  = 8 * time.Second
	// retryAfterMax bounds how far a server's Retry-After is followed.
	retryAfterMax = 60 * time.Second
)

// repeatability says what may be done when a reply does not come.
type repeatability int

const (
	// safe is a read.
	safe repeatability = iota
	// idempotent is a write with the same effect when sent twice.
	idempotent
	// once is a write that must not be applied twice: it is repeated only if
	// it is certain that it was not applied.
	once
)

// call is one request, whatever the number of attempts.
type call struct {
	method string
	// path begins with /services/; query is already encoded.
	path, query string
	header      http.Header
	body        []byte
	// bodyOf makes the body for a grant if it holds the session id.
	bodyOf      func(*grant) []byte
	contentType string
	accept      string
	repeat      repeatability
	// maxBody is 0 for the default.
	maxBody int64
	// anonymous calls carry no token.
	anonymous bool
	// as is the grant to use, while the login is still under way.
	as *grant
	// sensitive is taken out of whatever the server echoes.
	sensitive []string
	// soap calls fail with a SOAP fault.
	soap bool
	// decode reads the body of a 2xx; nil if there is nothing to read.
	decode func(*reply) error
}

// reply is a complete answer, or one whose body broke off.
type reply struct {
	status   int
	header   http.Header
	body     []byte
	bodyErr  error
	received time.Time
	// text knows what must not be shown of it.
	text *redact.Redactor
}

func (r *reply) mediaType() string {
	media, _, err := mime.ParseMediaType(r.header.Get("Content-Type"))
	if err != nil {
		return "of no media type"
	}
	return media
}

// shownType is the media type, fit to be shown.
func (r *reply) shownType() string { return r.text.Text(r.mediaType(), maxHeader) }

// serverTime is the reply's Date, else the local clock.
func (r *reply) serverTime() time.Time {
	if t, err := http.ParseTime(r.header.Get("Date")); err == nil {
		return t.UTC()
	}
	return r.received.UTC()
}

// isPage distinguishes a page for people from what a program asked for, which may be XML under the
// wrong media type.
func (r *reply) isPage() bool {
	start := bytes.ToLower(bytes.TrimSpace(r.body[:min(len(r.body), 512)]))
	if bytes.HasPrefix(start, []byte("<!doctype html")) || bytes.HasPrefix(start, []byte("<html")) {
		return true
	}
	media := r.mediaType()
	return (media == "text/html" || media == "application/xhtml+xml") && !bytes.Contains(start, []byte("envelope"))
}

// maxHeader bounds what is shown of a header of a reply, in bytes.
const maxHeader = 128

func (r *reply) requestID() string {
	// Neither name is documented; both are seen on replies [R].
	for _, name := range []string{"X-Request-Id", "X-Sfdc-Request-Id"} {
		if id := r.header.Get(name); id != "" {
			return r.text.Text(id, maxHeader)
		}
	}
	return ""
}

// elsewhere is the host that the Location of a reply points to, "" for none, or for the one that
// sent it.
func (r *reply) elsewhere(host string) string {
	u, err := url.Parse(r.header.Get("Location"))
	if err != nil || u.Host == "" || strings.EqualFold(u.Host, host) {
		return ""
	}
	return r.text.Text(u.Host, maxHeader)
}

// verdict is what follows from one attempt.
type verdict int

const (
	done verdict = iota
	again
	renew
	failed
)

var errForeignReply = errors.New("expected status 204, or JSON with success: this is not Salesforce's answer")

var errBodyTooLarge = errors.New("the body is larger than this client accepts")

// do sends a call, with retries and one renewal of the session. The error is
// one of this package's types, except for a context that ended before anything
// was sent.
func (c *Client) do(ctx context.Context, k call) (*reply, error) {
	renewed := false
	retries := 0
	for attempt := 1; ; attempt++ {
		if stop := c.stop.Load(); stop != nil {
			return nil, stop
		}
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("%s %s was not sent: %w", k.method, k.path, err)
		}
		g := k.as
		if g == nil {
			var err error
			if g, err = c.target(ctx, k); err != nil {
				return nil, err
			}
		}
		sentAt := c.now()
		rep, sent, err := c.attempt(ctx, k, g, attempt)
		v, err := c.judge(ctx, k, g, rep, sent, sentAt, err)
		switch v {
		case done:
			return rep, nil
		case failed:
			return nil, err
		case renew:
			err = c.exhausted(k, sent, sentAt, err)
			if k.soap && (renewed || !c.auth.renewable() && isJWT(g.token.Expose())) {
				return nil, fmt.Errorf("%w, which may be valid for REST: %w", ErrSOAPToken, err)
			}
			if renewed || k.as != nil {
				return nil, err
			}
			if !c.auth.renewable() {
				return nil, fmt.Errorf("the access token is not valid, or no longer, and can't be renewed: %w", err)
			}
			renewed = true
			if _, loginErr := c.relogin(ctx, g); loginErr != nil {
				return nil, fmt.Errorf("the session ended and could not be renewed: %w", loginErr)
			}
			continue
		case again:
		}
		if retries == c.maxRetries {
			return nil, c.exhausted(k, sent, sentAt, err)
		}
		retries++
		delay := c.backoff(retries, retryAfterOf(err))
		c.emit(ctx, Event{
			Kind: EventRetry, Method: k.method, Path: k.path, Host: g.base.Host, Attempt: attempt, Delay: delay,
			Status: statusOf(rep),
		})
		if c.sleep(ctx, delay) != nil {
			return nil, c.exhausted(k, sent, sentAt, err)
		}
	}
}

// target is where a call goes. An anonymous one needs no login if the
// instance is configured.
func (c *Client) target(ctx context.Context, k call) (*grant, error) {
	if k.anonymous && c.instance != nil {
		return &grant{base: c.instance}, nil
	}
	return c.authorize(ctx)
}

// exhausted is the error of a call whose last attempt might have been
// repeated. An idempotent write that was sent may have been applied.
func (c *Client) exhausted(k call, sent bool, sentAt time.Time, err error) error {
	answer, _ := errors.AsType[*Error](err)
	if k.repeat == idempotent && sent && !answer.definite() {
		return &OutcomeUnknownError{Method: k.method, Path: k.path, SentAt: sentAt, Err: err}
	}
	return err
}

// attempt sends a call once. sent is false only if it is certain that no
// byte of the request left.
func (c *Client) attempt(ctx context.Context, k call, g *grant, number int) (rep *reply, sent bool, err error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	// While this call waited for its place, another one may have met the request limit.
	if stop := c.stop.Load(); stop != nil {
		return nil, false, stop
	}
	parent := ctx
	ctx, cancel := c.bound(ctx, c.timeout)
	defer cancel()

	var connected atomic.Bool
	if c.traced {
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
		})
	}
	req, err := c.request(ctx, k, g)
	if err != nil {
		return nil, false, err
	}
	client := c.reads
	if k.repeat != safe {
		client = c.writes
	}
	start := c.now()
	resp, err := client.Do(req) //nolint:bodyclose // readBody closes it
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		err = presentable(err)
		if parent.Err() == nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("no reply within %s: %w", c.timeout, context.DeadlineExceeded)
		}
		sent = !neverDialled(err)
		if c.traced {
			sent = connected.Load()
		}
		c.emit(parent, Event{
			Kind: EventRequest, Method: k.method, Path: k.path, Host: g.base.Host, Attempt: number,
			Duration: c.now().Sub(start), Message: err.Error(),
		})
		return nil, sent, err
	}
	rep = &reply{status: resp.StatusCode, header: resp.Header, text: c.redactor(k.sensitive...)}
	rep.body, rep.bodyErr = readBody(resp.Body, k.maxBody)
	rep.received = c.now()
	c.noteReply(parent, rep)
	c.emit(parent, Event{
		Kind: EventRequest, Method: k.method, Path: k.path, Host: g.base.Host, Attempt: number,
		Status: rep.status, Duration: rep.received.Sub(start), RequestID: rep.requestID(),
	})
	return rep, true, nil
}

func (c *Client) request(ctx context.Context, k call, g *grant) (*http.Request, error) {
	u := *g.base
	u.Path = g.base.Path + k.path
	u.RawQuery = k.query
	content := k.body
	if k.bodyOf != nil {
		content = k.bodyOf(g)
	}
	var body io.Reader
	if content != nil {
		body = bytes.NewReader(content)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, u.String(), body)
	if err != nil {
		return nil, &localError{errors.New("the request could not be made")}
	}
	// With GetBody, net/http itself repeats a request on a connection that
	// breaks. Repeating is decided here alone.
	req.GetBody = nil
	for name, values := range k.header {
		req.Header[name] = slices.Clone(values)
	}
	req.Header.Set("User-Agent", c.userAgent)
	accept := k.accept
	if accept == "" {
		accept = "application/json"
	}
	req.Header.Set("Accept", accept)
	if content != nil {
		contentType := k.contentType
		if contentType == "" {
			contentType = "application/json"
		}
		req.Header.Set("Content-Type", contentType)
	}
	if !k.anonymous {
		req.Header.Set("Authorization", "Bearer "+g.token.Expose())
	}
	return req, nil
}

func readBody(body io.ReadCloser, limit int64) (b []byte, err error) {
	if limit == 0 {
		limit = maxBody
	}
	defer func() {
		// The body is read; a failing Close loses nothing.
		_ = body.Close()
	}()
	b, err = io.ReadAll(io.LimitReader(body, limit+1))
	if int64(len(b)) > limit {
		return nil, errBodyTooLarge
	}
	if err != nil {
		return b, presentable(err)
	}
	return b, nil
}

// judge decides what follows from an attempt. err is nil for done only.
func (c *Client) judge(ctx context.Context, k call, g *grant, rep *reply, sent bool, sentAt time.Time,
	err error,
) (verdict, error) {
	unknown := func(cause error) (verdict, error) {
		return failed, &OutcomeUnknownError{Method: k.method, Path: k.path, SentAt: sentAt, Err: cause}
	}
	if rep == nil {
		if stop, ok := errors.AsType[*RequestLimitError](err); ok {
			return failed, stop
		}
		broken := &ConnectionError{Method: k.method, Path: k.path, Host: c.hostOf(k), Err: err}
		switch {
		case sent && (k.repeat == once || k.repeat == idempotent && ctx.Err() != nil):
			return unknown(broken)
		case ctx.Err() != nil || !transient(err):
			return failed, broken
		default:
			return again, broken
		}
	}
	if rep.status >= 200 && rep.status < 300 {
		return c.judgeSuccess(k, rep, unknown)
	}

	e := c.errorOf(k, g, rep)
	switch {
	case k.repeat == once && !e.definite():
		return unknown(e)
	case e.Is(ErrRequestLimit):
		return failed, c.stopAtLimit(ctx, e)
	case sessionOver(e):
		return renew, e
	case e.sessionRefused():
		return failed, e
	case passing(e), k.repeat != once && passingRead(e):
		return again, e
	case k.repeat == idempotent && !e.definite():
		return unknown(e)
	default:
		return failed, e
	}
}

func (c *Client) judgeSuccess(k call, rep *reply, unknown func(error) (verdict, error)) (verdict, error) {
	decode := k.decode
	if decode == nil {
		decode = changed
	}
	err := rep.bodyErr
	if err == nil {
		err = decode(rep)
	}
	if err == nil {
		return done, nil
	}
	bad := &ReplyError{
		Method: k.method, Path: k.path, Status: rep.status, ContentType: rep.shownType(), Err: err,
		page: rep.isPage(),
	}
	switch {
	case k.repeat != safe:
		return unknown(bad)
	case errors.Is(err, errBodyTooLarge), bad.page:
		return failed, bad
	case rep.bodyErr != nil || malformed(k, rep):
		return again, bad
	default:
		return failed, bad
	}
}

// changed reads the reply to a change of a record: 204 without a body [D REST], or the envelope of
// a create.
func changed(r *reply) error {
	if r.status == http.StatusNoContent {
		return nil
	}
	var envelope struct {
		Success *bool           `json:"success"`
		Errors  json.RawMessage `json:"errors"`
	}
	if json.Unmarshal(r.body, &envelope) != nil || envelope.Success == nil {
		return errForeignReply
	}
	if !*envelope.Success {
		return notDone(envelope.Errors, r.text)
	}
	return nil
}

// notDone is the error of an envelope that says success: false beside a status of success. Which of
// the two is to be believed is unknown.
func notDone(list json.RawMessage, r *redact.Redactor) error {
	messages, _ := parseMessages(list, r)
	return fmt.Errorf("it says success: false: %w", &Error{Status: http.StatusOK, Messages: messages})
}

// malformed distinguishes a body that broke on the way from one that says something
// unexpected, which it would say again.
func malformed(k call, rep *reply) bool {
	if !k.soap {
		return !json.Valid(rep.body)
	}
	decoder := xml.NewDecoder(bytes.NewReader(rep.body))
	for seen := false; ; seen = true {
		if _, err := decoder.Token(); err != nil {
			return !seen || !errors.Is(err, io.EOF)
		}
	}
}

// hostOf names the host for an error, before or after a login.
func (c *Client) hostOf(k call) string {
	switch {
	case k.as != nil:
		return k.as.base.Host
	case c.instance != nil:
		return c.instance.Host
	}
	if g := c.current.Load(); g != nil {
		return g.base.Host
	}
	return "the instance"
}

func (c *Client) errorOf(k call, g *grant, rep *reply) *Error {
	e := &Error{
		Status:      rep.status,
		Method:      k.method,
		Path:        k.path,
		ContentType: rep.shownType(),
		RetryAfter:  parseRetryAfter(rep.header, rep.serverTime()),
		RequestID:   rep.requestID(),
		Location:    rep.elsewhere(g.base.Host),
		page:        rep.isPage(),
	}
	e.Messages, e.envelope = parseMessages(rep.body, rep.text)
	if k.soap && len(e.Messages) == 0 {
		e.Messages = parseFault(rep.body, rep.text)
		e.fault = len(e.Messages) > 0
	}
	if len(e.Messages) == 0 && strings.EqualFold(strings.TrimSpace(string(rep.body[:min(len(rep.body), 2*len(badToken))])),
		badToken) {
		e.Messages = []Message{{ErrorCode: badToken}}
	}
	used, limit, known := parseLimitInfo(rep.header.Get(limitHeader))
	if !known {
		used, limit, known = c.limits.usage()
	}
	e.concurrent = limitOfConcurrent(e.Messages, known && used < limit-limit/5)
	return e
}

// limitOfConcurrent reports whether REQUEST_LIMIT_EXCEEDED is of calls at the same time, which
// pass, or of those of a day [D CoreTypes: both]. The text says so [C]; if it says neither, far
// is whether the usage is far below the limit of a day.
func limitOfConcurrent(messages []Message, far bool) bool {
	for _, m := range messages {
		if !strings.EqualFold(m.ErrorCode, "REQUEST_LIMIT_EXCEEDED") {
			continue
		}
		text := strings.ToLower(m.Message)
		return strings.HasPrefix(text, "concurrent") || far && !strings.HasPrefix(text, "totalrequests")
	}
	return false
}

// sessionOver distinguishes an ended session, which a new login cures, from one that
// a policy refuses, which it does not [C jsforce#1301].
func sessionOver(e *Error) bool {
	return e.sessionRefused() && !slices.ContainsFunc(e.Messages, func(m Message) bool {
		return strings.Contains(strings.ToLower(m.Message), "not valid for use with the rest api")
	})
}

// isJWT recognises a token in the form of a JWT by the front of its encoded header, {".
func isJWT(token string) bool {
	return strings.HasPrefix(token, "eyJ") && strings.Count(token, ".") == 2
}

// passing recognises the answers that pass by themselves, and with which nothing was carried out.
func passing(e *Error) bool {
	return e.concurrent || e.Status == http.StatusTooManyRequests ||
		e.HasCode("UNABLE_TO_LOCK_ROW") ||
		e.HasCode("INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE")
}

// passingRead recognises the answers to what may be sent again that may be another one the next
// time: codes, whatever the status [C], a page in place of a bad request, as a busy edge sends it
// [C], and the statuses of an outage. A SOAP fault, whose status is always 500, is judged by its
// code alone.
func passingRead(e *Error) bool {
	if slices.ContainsFunc([]string{"TXN_SECURITY_METERING_ERROR", "QUERY_TIMEOUT", "SERVER_UNAVAILABLE"}, e.HasCode) {
		return true
	}
	if e.fault {
		return e.HasCode("UNKNOWN_EXCEPTION")
	}
	return e.Status == http.StatusBadRequest && e.page || retryableStatus(e.Status)
}

func retryableStatus(status int) bool {
	switch status {
	case statusNoRoute, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable,
		http.StatusGatewayTimeout:
		return true
	}
	return false
}

// transient reports whether a failed connection may work the next time.
func transient(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		hostname     x509.HostnameError
		invalid      x509.CertificateInvalidError
		record       tls.RecordHeaderError
		alert        tls.AlertError
		dns          *net.DNSError
		local        *localError
		proxy        *proxyError
	)
	switch {
	case errors.As(err, &proxy):
		return unavailableStatus(proxy.status)
	case errors.As(err, &verification), errors.As(err, &authority), errors.As(err, &hostname),
		errors.As(err, &invalid), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &local):
		return false
	case errors.As(err, &dns):
		return !dns.IsNotFound
	}
	return !errors.Is(err, context.Canceled)
}

// proxyError is the answer of a proxy that does not connect to the host. Nothing was sent to the
// host.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the proxy refused the connection: HTTP %d %s", e.status,
		http.StatusText(e.status)))
}

var errBrokenHTTP = errors.New("the connection broke, or what came was not HTTP")

// presentable keeps the errors of a connection that say what is wrong in words
// of this machine. Others may quote what the server sent, as net/http does with
// a malformed header, and are replaced.
func presentable(err error) error {
	var (
		network      net.Error
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		alert        tls.AlertError
		system       syscall.Errno
		local        *localError
		proxy        *proxyError
	)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, http.ErrSchemeMismatch),
		errors.As(err, &network), errors.As(err, &verification), errors.As(err, &record), errors.As(err, &alert),
		errors.As(err, &system), errors.As(err, &local), errors.As(err, &proxy):
		return err
	}
	return errBrokenHTTP
}

// neverDialled reports whether the connection itself failed. It serves
// transports that are not this package's own.
func neverDialled(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "dial" || op.Op == "proxyconnect")
}

// backoff is the pause before the n-th retry: full jitter, but not before a
// Retry-After.
func (c *Client) backoff(n int, retryAfter time.Duration) time.Duration {
	ceiling := backoffMax
	if shift := n - 1; shift < 10 {
		ceiling = min(backoffMax, backoffBase<<shift)
	}
	return max(c.jitter(ceiling), min(retryAfter, retryAfterMax))
}

func fullJitter(ceiling time.Duration) time.Duration {
	return rand.N(ceiling + 1) //nolint:gosec // spreads load, keeps no secret
}

func retryAfterOf(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	if e, ok := errors.AsType[*AuthError](err); ok {
		return e.RetryAfter
	}
	return 0
}

func statusOf(rep *reply) int {
	if rep == nil {
		return 0
	}
	return rep.status
}

// parseRetryAfter reads seconds, or a date relative to the server's own clock.
func parseRetryAfter(h http.Header, serverTime time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if t, err := http.ParseTime(value); err == nil {
		return max(0, t.Sub(serverTime))
	}
	return 0
}
