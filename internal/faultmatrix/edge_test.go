package faultmatrix

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// entry is one request that reached the edge.
type entry struct {
	// name says what was asked, such as "POST TenantSecret".
	name string
	// run is the number of the run of the CLI that it came from.
	run int64
	// struck is true if the fault hit this request or followed from it.
	struck bool
	// answered is true if the client got an answer that says whether the request had its effect.
	answered bool
	// status is that of the answer, 0 for none.
	status int
	// committed says that the org was changed, whatever the client was answered; exported, that an
	// encrypted SecretValue was read.
	committed, exported bool
	// complaint is what was wrong at the moment of arrival, "" for nothing.
	complaint string
}

func (e entry) String() string {
	return fmt.Sprintf("%s (status %d, answered %t, committed %t)", e.name, e.status, e.answered, e.committed)
}

// edge stands between the provider and the simulator, on an address that no other edge has, and
// breaks what a fault says.
type edge struct {
	t       *testing.T
	sim     *sfsim.Server
	address string
	// arrive is asked for a complaint about each request that writes, before anything is done with it.
	arrive func(name string, body []byte) string

	mu      sync.Mutex
	server  *http.Server
	serving sync.WaitGroup
	entries []entry
	// target is the request that is struck, or the last one before connections are refused; the zero
	// value for none.
	target target
	fault  fault
	lane   *lane
	// arrived counts the requests since arm, by name.
	arrived map[string]int
	// hit is true from the target on.
	hit  bool
	down bool

	// connections are those that are open, with the run that each began in.
	connections map[net.Conn]int64

	runs     atomic.Int64
	inflight atomic.Int64
	last     atomic.Int64
}

var edges atomic.Int64

func newEdge(t *testing.T, sim *sfsim.Server) *edge {
	t.Helper()
	e := &edge{t: t, sim: sim, address: "127.0.0.1:0", connections: map[net.Conn]int64{}}
	if n := edges.Add(1); runtime.GOOS == "linux" {
		// The whole of 127.0.0.0/8 is loopback here. While this edge refuses connections nobody else can
		// take its port.
		e.address = fmt.Sprintf("127.53.%d.%d:0", n/200, n%200+1)
	}
	e.open()
	sim.MoveTo("http://" + e.address)
	t.Cleanup(e.close)

	return e
}

// open listens, at the same address as before.
func (e *edge) open() {
	e.t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(e.t.Context(), "tcp", e.address)
	if err != nil {
		e.t.Fatalf("the edge can't listen: %v", err)
	}
	server := &http.Server{
		Handler: http.HandlerFunc(e.serve), ReadHeaderTimeout: time.Minute, ConnState: e.follow,
	}
	e.mu.Lock()
	e.address, e.server, e.down = listener.Addr().String(), server, false
	e.mu.Unlock()
	e.serving.Go(func() { _ = server.Serve(listener) }) // ends with an error, by refuse or close
}

// refuse makes the kernel refuse connections from now on. A reply that is under way is still
// delivered.
func (e *edge) refuse() {
	e.mu.Lock()
	server := e.server
	e.down = true
	e.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	// With a context that is over, Shutdown closes the listener and idle connections, and waits for
	// nobody.
	_ = server.Shutdown(ctx)
}

func (e *edge) close() {
	e.mu.Lock()
	server := e.server
	e.mu.Unlock()
	_ = server.Close()
	e.serving.Wait()
}

// target names one request of an apply by its kind: how often the provider reads in all may depend
// on how long the apply takes, and requests that are under way together arrive in any order.
type target struct {
	name string
	// nth counts the requests of that name, from 1.
	nth int
}

func (t target) String() string { return fmt.Sprintf("%s (the %d. of its name)", t.name, t.nth) }

// targetOf is the nth request, counted from 1, of an operation's.
func targetOf(names []string, n int) target {
	t := target{name: names[n-1]}
	for _, name := range names[:n] {
		if name == t.name {
			t.nth++
		}
	}

	return t
}

// arm lets the fault strike, from now on, what is the nth of the named requests. Connections are
// refused before a request is sent: such a fault waits for the request before it.
func (e *edge) arm(l *lane, f fault, names []string, n int) {
	e.mu.Lock()
	e.lane, e.fault, e.target, e.arrived, e.hit = l, f, targetOf(names, n), map[string]int{}, false
	now := f.refused && n == 1
	switch {
	case now:
		e.hit = true
	case f.refused:
		e.target = targetOf(names, n-1)
	}
	e.mu.Unlock()
	if now {
		e.refuse()
	}
}

// struck reports whether the fault has struck, or has come to where it refuses connections.
func (e *edge) struck() bool {
	e.mu.Lock()
	defer e.mu.Unlock()

	return e.hit
}

// heal ends every fault.
func (e *edge) heal() {
	e.mu.Lock()
	e.target = target{}
	down := e.down
	e.mu.Unlock()
	e.sim.ClearFaults()
	if down {
		e.open()
	}
}

// follow keeps the connections.
func (e *edge) follow(c net.Conn, state http.ConnState) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch state {
	case http.StateNew:
		e.connections[c] = e.runs.Load()
	case http.StateClosed, http.StateHijacked:
		delete(e.connections, c)
	case http.StateActive, http.StateIdle:
	}
}

// drain waits until all has arrived that the processes of this run have sent before they were
// killed: their connections are served to the end then.
func (e *edge) drain() {
	// Connections are accepted in turn, so that all earlier ones are known once this one is.
	if last, err := new(net.Dialer).DialContext(e.t.Context(), "tcp", e.address); err == nil {
		e.until(func(c net.Conn, _ int64) bool { return c.RemoteAddr().String() == last.LocalAddr().String() }, true)
		if err := last.Close(); err != nil {
			e.t.Error(err)
		}
	}
	run := e.runs.Load()
	e.until(func(_ net.Conn, of int64) bool { return of == run }, false)
}

// until waits until some connection fits, or none.
func (e *edge) until(fits func(c net.Conn, run int64) bool, some bool) {
	found := func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		for c, run := range e.connections {
			if fits(c, run) {
				return true
			}
		}

		return false
	}
	for found() != some {
		time.Sleep(time.Millisecond)
	}
}

// settle waits until nothing is under way and nothing new arrives: a provider whose CLI was killed
// may live on for a while. What it has not done by then, on a slow machine, it does not get to do:
// drain sees to it that nothing of it comes later.
func (e *edge) settle() {
	const quiet = 300 * time.Millisecond
	for e.inflight.Load() > 0 || time.Since(time.Unix(0, e.last.Load())) < quiet {
		time.Sleep(quiet / 10)
	}
}

// mark returns the number of requests so far, since returns those after a mark.
func (e *edge) mark() int {
	e.mu.Lock()
	defer e.mu.Unlock()

	return len(e.entries)
}

func (e *edge) since(mark int) []entry {
	e.mu.Lock()
	defer e.mu.Unlock()

	return append([]entry(nil), e.entries[mark:]...)
}

// nameOf names a request by what it asks for.
func nameOf(r *http.Request, body []byte) string {
	path, query := r.URL.Path, r.URL.Query().Get("q")
	switch {
	case strings.HasSuffix(path, "/oauth2/token"):
		return "POST token"
	case strings.HasSuffix(path, "/tooling/query"):
		return "query Certificate"
	case strings.HasSuffix(path, "/query") && strings.Contains(query, "FROM TenantSecret"):
		return "query TenantSecret"
	case strings.Contains(path, "/sobjects/Certificate/"):
		return "GET CertificateChain"
	case strings.Contains(path, "/sobjects/TenantSecret/") &&
		strings.Contains(","+r.URL.Query().Get("fields")+",", ",SecretValue,"):
		return "GET TenantSecret (export)"
	case strings.Contains(path, "/sobjects/TenantSecret") && r.Method == http.MethodPatch:
		if member(body, "Status") == "" && member(body, "SecretValue") == "" {
			return patchText
		}

		return patchStatus
	case strings.Contains(path, "/sobjects/TenantSecret"):
		return r.Method + " TenantSecret"
	case strings.Contains(path, "/metadata/deployRequest"):
		return r.Method + " deploy"
	case strings.Contains(path, "/services/Soap/m"):
		return "SOAP readMetadata"
	case strings.HasSuffix(path, "/query") && strings.Contains(query, "FROM ExternalEncryptionRootKey"):
		return lookAtRootKey
	case strings.Contains(path, "/sobjects/ExternalEncryptionRootKey"):
		return r.Method + " ExternalEncryptionRootKey"
	default:
		return r.Method + " " + path
	}
}

// The requests that change the org.
const (
	post        = "POST TenantSecret"
	patchStatus = "PATCH TenantSecret (status)"
	patchText   = "PATCH TenantSecret (marker)"
	deploy      = "POST deploy"
	patchRoot   = "PATCH ExternalEncryptionRootKey"
)

// lookAtRootKey is the request that shows what patchRoot has come to.
const lookAtRootKey = "query ExternalEncryptionRootKey"

// writes reports whether a request of that name changes the org.
func writes(name string) bool { return once(name) || name == patchText || name == deploy }

// once reports whether a request of that name must not be sent again while its outcome is not
// known. A Description can be written twice, and so can a setting.
func once(name string) bool { return name == post || name == patchStatus || name == patchRoot }

// looks reports whether a request of that name shows what a write has come to.
func looks(name string) bool {
	return name == "query TenantSecret" || name == lookAtRootKey || strings.HasPrefix(name, "GET TenantSecret")
}

func (e *edge) serve(w http.ResponseWriter, r *http.Request) {
	e.inflight.Add(1)
	defer func() {
		e.last.Store(time.Now().UnixNano())
		e.inflight.Add(-1)
	}()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))

	e.mu.Lock()
	name, f, l := nameOf(r, body), e.fault, e.lane
	struck, last := e.strikes(name)
	at := len(e.entries)
	e.entries = append(e.entries, entry{name: name, struck: struck, run: e.runs.Load()})
	e.mu.Unlock()

	complaint := ""
	if writes(name) && e.arrive != nil {
		complaint = e.arrive(name, body)
	}
	note := func(change func(*entry)) {
		e.mu.Lock()
		defer e.mu.Unlock()
		change(&e.entries[at])
	}
	note(func(e *entry) { e.complaint = complaint })

	if last {
		e.refuse()
		w.Header().Set("Connection", "close")
	}
	if !struck {
		e.pass(w, r, note, true)

		return
	}
	f.strike(&strike{edge: e, lane: l, w: w, r: r, note: note})
}

// strikes counts a request that has arrived, and reports whether the fault strikes it, or whether
// it is the last one before connections are refused. What comes over a connection that was there
// already is lost then. The caller holds the lock.
func (e *edge) strikes(name string) (struck, last bool) {
	if e.target.name == "" {
		return false, false
	}
	e.arrived[name]++
	if e.hit {
		return e.fault.lasting || e.fault.refused, false
	}
	e.hit = name == e.target.name && e.arrived[name] == e.target.nth

	return e.hit && !e.fault.refused, e.hit && e.fault.refused
}

// strike is one request that a fault hits.
type strike struct {
	edge *edge
	lane *lane
	w    http.ResponseWriter
	r    *http.Request
	note func(func(*entry))
}

// lose drops the connection without a reply.
func (s *strike) lose() { panic(http.ErrAbortHandler) }

// commit lets the org do what was asked, and keeps the reply.
func (s *strike) commit() { s.edge.pass(httptest.NewRecorder(), s.r, s.note, false) }

// with lets the simulator's own fault hit this request; answered says whether the client can know
// the outcome from the reply.
func (s *strike) with(f sfsim.Fault, answered bool) {
	// The next of its kind is this one, whatever else is under way.
	f.Nth, f.Host, f.Method, f.Path = 1, "instance", s.r.Method, s.r.URL.Path
	if err := s.edge.sim.AddFault(f); err != nil {
		s.edge.t.Errorf("arming %+v: %v", f, err)
	}
	s.edge.pass(s.w, s.r, s.note, answered)
}

// pass hands a request to the simulator.
func (e *edge) pass(w http.ResponseWriter, r *http.Request, note func(func(*entry)), answered bool) {
	seen := &statusWriter{ResponseWriter: w}
	before := e.sim.RequestCount()
	defer func() {
		requests := e.sim.RequestsFrom(before)
		note(func(e *entry) {
			for _, request := range requests {
				e.committed = e.committed || request.Committed
				e.exported = e.exported || request.Exported
			}
			e.status = seen.status
			e.answered = answered && seen.status != 0
		})
	}()
	e.sim.Handler().ServeHTTP(seen, r)
}

// statusWriter remembers the status of a reply.
type statusWriter struct {
	http.ResponseWriter

	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}

	return w.ResponseWriter.Write(p)
}

// Unwrap serves http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// member returns a text member of a JSON object, "" if there is none.
func member(body []byte, name string) string {
	var object map[string]any
	if json.Unmarshal(body, &object) != nil {
		return ""
	}
	text, _ := object[name].(string)

	return text
}
