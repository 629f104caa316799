package faultmatrix

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

// hostile is a reply that Salesforce does not send, or sends in its own way: one block of rows.
type hostile struct {
	name, meaning string
	// answered is true if the reply says for certain that a write was not carried out.
	answered bool
	// logins is true if the reply is of the token endpoint, and of nothing else.
	logins bool
	reply  func(w http.ResponseWriter, r *http.Request)
	// login, read and write are what must follow from it.
	login, read, write outcome
}

// outcome is what must follow from a hostile reply.
type outcome struct {
	// next is what is sent next; said is the summary of the error, and detail a part of its text, both
	// "" if the apply succeeds.
	next, said, detail string
}

// What is sent next.
const (
	sameAgain  = "the same again"
	aLogin     = "a login, then the same again"
	aLook      = "a look for the record"
	goesOn     = "what follows"
	notAnymore = "nothing"
)

const (
	movedHost = "new-name.my.salesforce.com"
	// mirrored is said by a server that sends back what it was sent.
	mirrored = "\u202e\u009b31m\nError: forged"
)

func plain(status int, contentType, body string, headers ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client may be gone
	}
}

func page(status int, headers ...string) func(http.ResponseWriter, *http.Request) {
	return plain(status, "text/html", "<html><body>not Salesforce</body></html>", headers...)
}

func refusal(status int, code, message string, headers ...string) func(http.ResponseWriter, *http.Request) {
	return plain(status, "application/json", fmt.Sprintf(`[{"message":%q,"errorCode":%q}]`, message, code), headers...)
}

func oauth(code, description string) func(http.ResponseWriter, *http.Request) {
	return plain(http.StatusBadRequest, "application/json",
		fmt.Sprintf(`{"error":%q,"error_description":%q}`, code, description))
}

// mirror sends back what it was sent, in each way that an error text may hold it.
func mirror(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // it is in memory
	text, _ := json.Marshal(r.Header.Get("Authorization") + " " + string(body) + mirrored)
	w.Header().Set("X-Request-Id", r.Header.Get("Authorization"))
	plain(http.StatusBadRequest, "application/json", `[{"message":`+string(text)+`,"errorCode":"JSON_PARSER_ERROR"}]`)(w,
		r)
}

// bombPage is a small page of very many rows, made once: that takes the race detector seconds.
var bombPage = sync.OnceValue(func() []byte {
	var page bytes.Buffer
	zipped := gzip.NewWriter(&page)
	_, _ = io.WriteString(zipped, `{"totalSize":1,"done":true,"records":[{}`+strings.Repeat(",{}", 4<<20)+`]}`)
	_ = zipped.Close() // a buffer takes all

	return page.Bytes()
})

func bomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(bombPage()) // the client may be gone
}

// upgrade keeps the connection for another protocol.
func upgrade(w http.ResponseWriter, _ *http.Request) {
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = buffer.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
	_ = buffer.Flush()
	_, _ = io.Copy(io.Discard, conn) // until the client has closed it
	_ = conn.Close()
}

const (
	failedRead         = "Unable to upload the …"
	refusedKey         = "Salesforce refused the new Data key"
	notOurs            = "Not the org's My Domain"
	refusedCredentials = "Salesforce refused the credentials"
	failedLogin        = "Unable to log in to Salesforce"
)

// hostiles are the blocks of rows.
func hostiles() []hostile {
	looked := outcome{next: aLook, said: "Outcome of the upload is unknown"}
	wrongHost := func(detail string) hostile {
		return hostile{
			login: outcome{notAnymore, notOurs, detail},
			read:  outcome{notAnymore, failedRead, "not the org's My Domain"}, write: looked,
		}
	}
	with := func(h hostile, name, meaning string, reply func(http.ResponseWriter, *http.Request)) hostile {
		h.name, h.meaning, h.reply = name, meaning, reply

		return h
	}
	renewed := outcome{next: aLogin}
	repeated := outcome{next: sameAgain}

	return []hostile{
		with(wrongHost("it points to "+movedHost), "moved", "301 to another My Domain",
			page(http.StatusMovedPermanently, "Location", "https://"+movedHost+"/services/")),
		with(wrongHost("it points to "+movedHost), "moved for now", "307 to another My Domain",
			page(http.StatusTemporaryRedirect, "Location", "https://"+movedHost+"/services/")),
		with(wrongHost("not the org's My Domain"), "login page", "302 to a page of the same host",
			page(http.StatusFound, "Location", "/login?startURL=x")),
		with(wrongHost("not the org's My Domain"), "portal", "200 with a page", page(http.StatusOK)),
		with(wrongHost("not the org's My Domain"), "404 page", "404 with a page", page(http.StatusNotFound)),
		with(wrongHost("not the org's My Domain"), "another protocol", "101 Switching Protocols, and nothing more", upgrade),
		{
			name: "gateway 401", meaning: "401 with a page", reply: page(http.StatusUnauthorized),
			login: outcome{notAnymore, notOurs, "not the org's My Domain"}, read: renewed, write: looked,
		},
		{
			name: "gateway 403", meaning: "403 with JSON that is not Salesforce's",
			reply: plain(http.StatusForbidden, "application/json", `{"fault":{"faultstring":"policy"}}`),
			login: outcome{notAnymore, failedLogin, "no OAuth error"},
			read:  outcome{notAnymore, failedRead, "no Salesforce error"}, write: looked,
		},
		{
			name: "400 page", meaning: "400 with a page", reply: page(http.StatusBadRequest),
			login: outcome{notAnymore, notOurs, "not the org's My Domain"}, read: repeated, write: looked,
		},
		{
			name: "success: false", meaning: "200 with success: false",
			reply: plain(http.StatusOK, "application/json", `{"success":false,"errors":[{"statusCode":"X","message":"m"}]}`),
			login: repeated, read: outcome{notAnymore, failedRead, "totalSize or done is missing"}, write: looked,
		},
		{
			name: "JWT over", meaning: "401 INVALID_AUTH_HEADER", answered: true,
			reply: refusal(http.StatusUnauthorized, "INVALID_AUTH_HEADER", "INVALID_JWT_FORMAT"),
			login: outcome{notAnymore, failedLogin, "no OAuth error"}, read: renewed, write: renewed,
		},
		{
			name: "bad token", meaning: "403 with the text Bad_OAuth_Token",
			reply: plain(http.StatusForbidden, "text/plain", "Bad_OAuth_Token"),
			login: outcome{notAnymore, failedLogin, "no OAuth error"}, read: renewed, write: looked,
		},
		{
			name: "too many at once", meaning: "403 REQUEST_LIMIT_EXCEEDED of concurrent requests", answered: true,
			reply: refusal(http.StatusForbidden, "REQUEST_LIMIT_EXCEEDED",
				"ConcurrentRequests (Concurrent API Requests) Limit exceeded.", "Sforce-Limit-Info", "api-usage=120/100000"),
			login: outcome{notAnymore, failedLogin, "no OAuth error"}, read: repeated, write: repeated,
		},
		{
			name: "metering", meaning: "400 TXN_SECURITY_METERING_ERROR", answered: true,
			reply: refusal(http.StatusBadRequest, "TXN_SECURITY_METERING_ERROR", "m"),
			login: outcome{notAnymore, failedLogin, "no OAuth error"}, read: repeated,
			write: outcome{aLook, refusedKey, "TXN_SECURITY_METERING_ERROR"},
		},
		{
			name: "mirror", meaning: "400 that sends back what it was sent, with characters that a terminal obeys",
			answered: true, reply: mirror,
			login: outcome{notAnymore, failedLogin, "no OAuth error"}, read: outcome{notAnymore, failedRead, "[redacted]"},
			write: outcome{aLook, refusedKey, "[redacted]"},
		},
		{
			name: "bomb", meaning: "a gzip of 20 kB with four million rows", reply: bomb,
			login: repeated, read: outcome{notAnymore, failedRead, "more than the 2000 rows"}, write: looked,
		},
		{
			name: "retry", meaning: "OAuth's unknown_error: retry your request", logins: true,
			reply: oauth("unknown_error", "retry your request"), login: repeated,
		},
		{
			name: "login rate", meaning: "OAuth's login rate exceeded", logins: true,
			reply: oauth("invalid_grant", "login rate exceeded"), login: repeated,
		},
		{
			name: "refused", meaning: "OAuth's invalid_client", logins: true,
			reply: oauth("invalid_client", "invalid client credentials"),
			login: outcome{notAnymore, refusedCredentials, "invalid_client"},
		},
	}
}

// hostileRows collects HOSTILE.md.
type hostileRows struct {
	mu   sync.Mutex
	rows map[string]string
}

// TestHostileServer strikes a login, a read and a write of an upload by each hostile reply: what is
// sent next, what is said, what is left. Afterwards the org and the state are as after the fault
// matrix: one key, known, nothing to plan.
func TestHostileServer(t *testing.T) {
	t.Parallel()
	acctest.NeedsCLI(t)
	all := hostileRows{rows: map[string]string{}}
	t.Run("replies", func(t *testing.T) {
		for _, h := range hostiles() {
			t.Run(h.name, func(t *testing.T) {
				t.Parallel()
				op := operations()[0]
				f := fault{name: h.name, strike: func(s *strike) {
					s.note(func(e *entry) { e.answered = h.answered })
					h.reply(s.w, s.r)
				}}
				l := newLane(t, op.seed, f)
				names := l.requests(op)
				for kind, tc := range map[string]struct {
					request string
					want    outcome
				}{"login": {"POST token", h.login}, "read": {"query TenantSecret", h.read}, "write": {post, h.write}} {
					if h.logins && kind != "login" {
						continue
					}
					// The last one of its name is of the apply: the plan asks first.
					n := len(names) - slices.Index(reversed(names), tc.request)
					l.hostileRow(op, n, names, tc.want)
					all.set(h, kind, tc.want)
				}
			})
		}
	})
	if t.Failed() {
		return
	}
	if *update {
		if err := os.WriteFile("HOSTILE.md", []byte(all.page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if committed, err := os.ReadFile("HOSTILE.md"); err != nil || string(committed) != all.page() {
		t.Errorf("HOSTILE.md is another table than this one: run this test with -update (%v)", err)
	}
}

func reversed(list []string) []string {
	list = slices.Clone(list)
	slices.Reverse(list)

	return list
}

// hostileRow strikes the nth of the requests that the operation sends, and holds what follows
// against what must.
func (l *lane) hostileRow(op operation, n int, names []string, want outcome) {
	op.prepare(l, n)
	mark, keys := l.edge.mark(), len(l.sim.TenantSecrets())
	l.edge.arm(l, l.fault, names, n)
	code, out := l.apply()
	l.edge.heal()
	complain := func(format string, args ...any) {
		l.t.Errorf("%s answered by %s: %s\nthe apply printed:\n%s", targetOf(names, n), l.fault.name,
			fmt.Sprintf(format, args...), tail(out))
	}
	entries := l.edge.since(mark)
	at := slices.IndexFunc(entries, func(e entry) bool { return e.struck })
	if at < 0 {
		complain("no such request arrived: %v", entries)

		return
	}
	if next := nextOf(entries[at:]); next != want.next {
		complain("%q is sent next, expected %q: %v", next, want.next, entries[at:])
	}
	text := flat(out)
	switch {
	case want.said == "" && code != 0:
		complain("exit code %d, expected success", code)
	case want.said != "" && code != 0 && !strings.Contains(text, "Error: "+strings.TrimSuffix(want.said, "…")):
		complain("the error is not %q", want.said)
	case want.said != "" && code != 0 && !strings.Contains(text, want.detail):
		complain("the error does not say %q", want.detail)
	case want.said != "" && code == 0 && want.detail != "":
		complain("it succeeded, expected the error %q", want.said)
	}
	for _, secret := range []string{
		l.sim.ClientSecret, l.sim.AccessToken[:24], "Error: forged", "\u202e", "\u009b",
		"\x1b",
	} {
		if secret == "Error: forged" {
			if regexp.MustCompile(`(?m)^\W*Error: forged`).MatchString(out) {
				complain("text of the server begins a line")
			}
		} else if strings.Contains(out, secret) {
			complain("the output holds %q", secret)
		}
	}
	if tokens := regexp.MustCompile(`00D\w{12}!`).FindString(out); tokens != "" {
		complain("the output holds the front of a token, %s", tokens)
	}
	if code != 0 {
		if code, out := l.apply(); code != 0 {
			complain("the next apply fails, exit code %d\n%s", code, out)
		}
	}
	if code, plan := l.run("plan", "-no-color", "-input=false", "-detailed-exitcode"); code != acctest.PlanEmpty {
		complain("the plan is not empty, exit code %d\n%s", code, plan)
	}
	if made := len(l.sim.TenantSecrets()) - keys; made != op.made {
		complain("%d keys were made, expected %d", made, op.made)
	}
	if wrong := l.judge(op, mark); len(wrong) > 0 {
		complain("%s", strings.Join(wrong, "; "))
	}
}

// nextOf says what followed the first of some requests in the same run.
func nextOf(entries []entry) string {
	first, rest := entries[0], entries[1:]
	rest = slices.DeleteFunc(slices.Clone(rest), func(e entry) bool { return e.run != first.run })
	switch {
	case len(rest) == 0:
		return notAnymore
	case rest[0].name == first.name:
		return sameAgain
	case rest[0].name == "POST token" && len(rest) > 1 && rest[1].name == first.name:
		return aLogin
	case first.name == post && looks(rest[0].name):
		return aLook
	default:
		return goesOn
	}
}

func (r *hostileRows) set(h hostile, kind string, o outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	said, left := "-", "one key, at once"
	if o.said != "" {
		said = "**" + o.said + "**"
		if o.detail != "" {
			said += ": … " + o.detail + " …"
		}
		left = "nothing; one key with the next apply"
	}
	if o.next == aLook && o.detail == "" {
		said += ", if the record is not found"
		left = "one key, at once or with the next apply: never a second"
	}
	r.rows[h.name+"/"+kind] = fmt.Sprintf("| %s | %s | %s | %s | %s |\n", h.name, kind, o.next, said, left)
}

// page is HOSTILE.md.
func (r *hostileRows) page() string {
	var out bytes.Buffer
	out.WriteString("# The hostile server\n\n" +
		"Beside the [fault matrix](MATRIX.md): what stands between the provider and Salesforce answers in Salesforce's " +
		"place, once, to a login, a read or a write\nof an upload: real CLI, simulated org. `go test " +
		"./internal/faultmatrix -run TestHostileServer -update` writes this page; `make test` runs\nevery row. In each row " +
		"no output holds a secret or a character that a terminal obeys, no write is repeated blindly, and after one more " +
		"apply the org has\nexactly one new key, state knows it, and the plan is empty.\n\n## Replies\n\n")
	for _, h := range hostiles() {
		fmt.Fprintf(&out, "- **%s**: %s\n", h.name, h.meaning)
	}
	out.WriteString("\n## What follows\n\n| reply | to a | sent next | said | left |\n|---|---|---|---|---|\n")
	for _, h := range hostiles() {
		for _, kind := range []string{"login", "read", "write"} {
			out.WriteString(r.rows[h.name+"/"+kind])
		}
	}

	return out.String()
}
