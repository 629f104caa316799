package faultmatrix

import (
	"net/http"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// fault is one way in which a request goes wrong: one column of the matrix.
type fault struct {
	name string
	// meaning explains the column.
	meaning string
	// strike handles the request that is hit.
	strike func(*strike)
	// hits reports whether the fault makes sense for a request of that name; nil is for every one.
	hits func(request string) bool
	// refused means that no connection is accepted from the struck request on.
	refused bool
	// lasting means that every later request of the same apply is struck too.
	lasting bool
	// kills is true if a process is killed, which takes Linux's /proc.
	kills bool
	// lag is how many reads a new record stays hidden from.
	lag int
	// retries is the provider's max_retries, 0 for 4.
	retries int
}

func onlyWrites(request string) bool { return writes(request) }

func onlyPost(request string) bool { return request == post }

func notToken(request string) bool { return request != "POST token" }

// answer is a fault of the simulator's own, done in place of the work, or after it with Commit.
func answer(f sfsim.Fault, answered bool) func(*strike) {
	return func(s *strike) { s.with(f, answered) }
}

func resetAfter(s *strike) {
	s.commit()
	s.lose()
}

// faults are the columns.
func faults() []fault {
	return []fault{
		{
			name: "refused", meaning: "connections are refused from this request on, until the next apply",
			refused: true, retries: 2, strike: func(s *strike) { s.lose() },
		},
		{
			name: "reset before", meaning: "the connection is reset before the org has done anything",
			strike: func(s *strike) { s.lose() },
		},
		{
			name: "reset after", meaning: "the org does what was asked, the connection is reset before the reply",
			strike: resetAfter,
		},
		{
			name: "stall", meaning: "the org does what was asked, its reply comes after the request timeout",
			strike: func(s *strike) {
				s.commit()
				s.lane.timeouts.expire(s.r.RemoteAddr)
				<-s.r.Context().Done()
				s.lose()
			},
		},
		{
			name: "401", meaning: "the session ends right before", hits: notToken,
			strike: func(s *strike) {
				s.edge.sim.RevokeTokens()
				s.edge.pass(s.w, s.r, s.note, true)
			},
		},
		{name: "403", meaning: "403 REQUEST_LIMIT_EXCEEDED", strike: answer(sfsim.Fault{Status: 403}, true)},
		{name: "429", meaning: "429 with Retry-After", strike: answer(sfsim.Fault{Status: 429, RetryAfter: 1}, true)},
		{
			name: "503", meaning: "503 with Retry-After, before the org has done anything",
			strike: answer(sfsim.Fault{Status: 503, RetryAfter: 1}, false),
		},
		{name: "420 page", meaning: "the edge's 420 page", strike: answer(sfsim.Fault{Status: 420}, false)},
		{name: "502 page", meaning: "502 with an HTML page", strike: answer(sfsim.Fault{Status: 502, HTML: true}, false)},
		{
			name: "503 page", meaning: "503 with an HTML page, before the org has done anything",
			strike: answer(sfsim.Fault{Status: 503, HTML: true}, false),
		},
		{
			name: "503 after", meaning: "503 with an HTML page, after the org has done what was asked", hits: onlyWrites,
			strike: answer(sfsim.Fault{Status: 503, HTML: true, Commit: true}, false),
		},
		{name: "row lock", meaning: "UNABLE_TO_LOCK_ROW", strike: answer(sfsim.Fault{ErrorCode: "UNABLE_TO_LOCK_ROW"}, true)},
		{name: "truncated", meaning: "the reply's body breaks off", strike: answer(sfsim.Fault{Body: "truncated"}, false)},
		{name: "malformed", meaning: "the reply's body is not JSON", strike: answer(sfsim.Fault{Body: "malformed"}, false)},
		{
			name: "late", meaning: "the reply is lost, and the record is visible only after 3 reads", hits: onlyPost, lag: 3,
			strike: resetAfter,
		},
		{
			name: "very late", meaning: "the reply is lost, and the record is visible only during the next apply",
			hits: onlyPost, lag: 11, strike: resetAfter,
		},
		{
			name: "kill before", meaning: "SIGKILL of the provider, before the org has done anything", kills: true,
			strike: func(s *strike) {
				s.lane.killProviders()
				s.lose()
			},
		},
		{
			name: "kill after", meaning: "SIGKILL of the provider, after the org has done what was asked", kills: true,
			strike: func(s *strike) {
				s.commit()
				s.lane.killProviders()
				s.lose()
			},
		},
		{
			name: "kill, late", meaning: "SIGKILL of the provider after the org has done what was asked, and the record is " +
				"visible only after 3 reads",
			kills: true, hits: onlyPost, lag: 3,
			strike: func(s *strike) {
				s.commit()
				s.lane.killProviders()
				s.lose()
			},
		},
		{
			name: "kill CLI", meaning: "SIGKILL of the CLI; the org does what was asked and answers the orphaned provider",
			kills: true,
			strike: func(s *strike) {
				s.lane.killCLI()
				s.edge.pass(s.w, s.r, s.note, false)
			},
		},
		{
			name: "gateway", meaning: "the org does what was asked, and a gateway answers 403 with JSON of its own",
			hits: onlyWrites,
			strike: func(s *strike) {
				s.commit()
				plain(http.StatusForbidden, "application/json", `{"error":"blocked by policy"}`)(s.w, s.r)
			},
		},
		{
			name: "refusal", meaning: "the org makes the key, and a gateway answers with a refusal in Salesforce's own form",
			hits: onlyPost,
			strike: func(s *strike) {
				s.commit()
				refusal(http.StatusBadRequest, "FIELD_INTEGRITY_EXCEPTION", "no")(s.w, s.r)
			},
		},
		{
			name: "foreign mark", meaning: "right before the org makes the key, somebody else has one made with a copy of its " +
				"mark; the reply is lost", hits: onlyPost,
			strike: func(s *strike) {
				s.lane.foreignMark(s.r)
				resetAfter(s)
			},
		},
		{
			name: "another org", meaning: "from this request on the host leads to another org, until the next apply",
			hits: onlyWrites, lasting: true,
			strike: func(s *strike) {
				s.lane.another().Handler().ServeHTTP(s.w, s.r)
				s.note(func(e *entry) { e.answered = true }) // that org has done nothing, and says so
			},
		},
		{
			name: "lost for good", meaning: "this reply and all that follow are lost, until the next apply", lasting: true,
			retries: 1,
			strike:  resetAfter,
		},
	}
}
