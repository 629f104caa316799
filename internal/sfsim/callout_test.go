package sfsim_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// keyService answers callouts as a cache-only key service does.
type keyService struct {
	*httptest.Server

	mu      sync.Mutex
	key     *rsa.PublicKey
	status  int  // other than 200: refuse
	jti     bool // send the nonce back
	empty   bool
	stall   bool // answer only when nobody waits any more
	asked   []*http.Request
	dataKey []byte
}

func newKeyService(t *testing.T) *keyService {
	t.Helper()
	service := &keyService{status: http.StatusOK, dataKey: material()}
	service.Server = httptest.NewServer(http.HandlerFunc(service.serve))
	t.Cleanup(service.Close)
	return service
}

func (s *keyService) set(change func(*keyService)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *keyService) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *keyService) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r)
	if s.stall {
		<-r.Context().Done()
		return
	}
	if s.status != http.StatusOK || s.empty {
		w.WriteHeader(s.status)
		return
	}
	kid := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	header := map[string]string{"alg": "RSA-OAEP", "enc": "A256GCM", "kid": kid}
	if s.jti {
		header["jti"] = r.URL.Query().Get("requestId")
	}
	text, _ := json.Marshal(header) // strings always marshal
	protected := base64.RawURLEncoding.EncodeToString(text)
	contentKey, nonce := material(), make([]byte, 12)
	wrapped, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, s.key, contentKey, nil)
	if err != nil {
		panic(err)
	}
	block, err := aes.NewCipher(contentKey)
	if err != nil {
		panic(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	sealed := gcm.Seal(nil, nonce, s.dataKey, []byte(protected))
	token := []string{protected}
	for _, part := range [][]byte{wrapped, nonce, sealed[:len(sealed)-16], sealed[len(sealed)-16:]} {
		token = append(token, base64.RawURLEncoding.EncodeToString(part))
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"kid": kid, "jwe": strings.Join(token, ".")})
}

const remoteBody = `{"Source":"Remote","Type":"DeterministicData","RemoteKeyIdentifier":"key-1","RemoteKeyCertificate":"Sim_BYOK","RemoteKeyServiceId":"0XAWt0000000077"}`

func startWithService(t *testing.T, service *keyService, opts ...sfsim.Option) *client {
	t.Helper()
	opts = append([]sfsim.Option{sfsim.WithKeyServiceTimeout(time.Hour)}, opts...)
	c := start(t, append(opts, seeded(t, "named_credentials: [{id: 0XAWt0000000077, developer_name: Keys, endpoint: '"+
		service.URL+"/keys'}]\n"+
		"settings: {enable_cache_only_keys: true}"))...)
	service.set(func(s *keyService) { s.key = c.publicKey("Sim_BYOK") })
	return c
}

func (c *client) state(id string) string {
	c.t.Helper()
	status, _ := c.secret(id)["Status"].(string)
	return status
}

// The callout of a creation, and what it asks [C distributey, D].
func TestCalloutOnCreation(t *testing.T) {
	t.Parallel()
	service := newKeyService(t)
	c := startWithService(t, service)
	id := c.create(remoteBody).created()
	if got := c.state(id); got != "ACTIVE" {
		t.Errorf("status %s", got)
	}
	asked := service.requests()
	if len(asked) != 1 {
		t.Fatalf("%d callouts, want 1", len(asked))
	}
	r := asked[0]
	if r.Method != http.MethodGet || r.URL.Path != "/keys/key-1" || len(r.URL.Query().Get("requestId")) != 32 ||
		!strings.HasPrefix(r.UserAgent(), "SFDC-Callout/") {
		t.Errorf("callout %s %s of %s", r.Method, r.URL, r.UserAgent())
	}
	made := c.server.Callouts()
	if len(made) != 1 || made[0].StatusCode != "SUCCESS" || made[0].HTTPStatus != 200 ||
		made[0].RequestID != r.URL.Query().Get("requestId") {
		t.Errorf("callouts %+v", made)
	}
	row := c.secret(id)
	if row["SecretValue"] != nil || row["SecretValueHash"] != nil || row["Source"] != "REMOTE" {
		t.Errorf("row %v", row)
	}
}

func TestCalloutFailuresRefuseTheCreation(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		change func(*keyService)
		want   string
	}{
		{"401", func(s *keyService) { s.status = http.StatusUnauthorized }, "AUTHENTICATION_FAILURE_RESPONSE"},
		{"404", func(s *keyService) { s.status = http.StatusNotFound }, "DESTROY_HTTP_CODE"},
		{"500", func(s *keyService) { s.status = http.StatusInternalServerError }, "ERROR_HTTP_CODE"},
		{"redirect", func(s *keyService) { s.status = http.StatusFound }, "ERROR_HTTP_CODE"},
		{"empty", func(s *keyService) { s.empty = true }, "EMPTY_RESPONSE"},
		{"short key", func(s *keyService) { s.dataKey = s.dataKey[:16] }, "INCORRECT_DATA_ENCRYPTION_KEY_SIZE"},
		{"down", func(s *keyService) { s.CloseClientConnections(); _ = s.Listener.Close() }, "UNKNOWN_ERROR"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			service := newKeyService(t)
			c := startWithService(t, service)
			service.set(tc.change)
			if got := c.create(remoteBody).refused(http.StatusBadRequest, unknown); !strings.Contains(got.Message, tc.want) {
				t.Errorf("message %q lacks %s", got.Message, tc.want)
			}
			if len(c.server.TenantSecrets()) != 1 {
				t.Error("a secret was created")
			}
		})
	}
}

func TestCalloutReplayDetection(t *testing.T) {
	t.Parallel()
	service := newKeyService(t)
	c := startWithService(t, service, configure(func(s *sfsim.Settings) { s.EnableReplayDetection = true }))
	if got := c.create(remoteBody).refused(http.StatusBadRequest, unknown); !strings.Contains(got.Message, "REPLAY") {
		t.Errorf("message %q", got.Message)
	}
	service.set(func(s *keyService) { s.jti = true })
	c.create(remoteBody).created()
}

// A key service that takes longer than Salesforce waits refuses the key.
func TestCalloutTimeout(t *testing.T) {
	t.Parallel()
	service := newKeyService(t)
	service.stall = true
	c := startWithService(t, service, sfsim.WithKeyServiceTimeout(time.Millisecond))
	refused := c.create(remoteBody).refused(http.StatusBadRequest, unknown)
	if !strings.Contains(refused.Message, "RESPONSE_TIMEOUT") {
		t.Errorf("message %q", refused.Message)
	}
	if made := c.server.Callouts(); len(made) != 1 || made[0].StatusCode != "RESPONSE_TIMEOUT" || made[0].HTTPStatus != 0 {
		t.Errorf("callouts %+v", made)
	}
}

// A failing callout destroys the key, retries bring it back [D Help cache_considerations].
func TestCalloutRetries(t *testing.T) {
	t.Parallel()
	service := newKeyService(t)
	c := startWithService(t, service)
	id := c.create(remoteBody).created()
	flush := func(want string) {
		t.Helper()
		if got, err := c.server.FlushKeyCache(id); err != nil || got != want {
			t.Errorf("FlushKeyCache() = %s, %v, want %s", got, err, want)
		}
	}
	flush("SUCCESS")
	service.set(func(s *keyService) { s.status = http.StatusServiceUnavailable })
	flush("ERROR_HTTP_CODE")
	if got := c.state(id); got != "DESTROYED" {
		t.Fatalf("status %s after a failed callout", got)
	}
	if _, err := c.server.FlushKeyCache(id); err == nil {
		t.Error("the cache of a destroyed key was flushed")
	}
	callouts := len(c.server.Callouts())
	step := func(d time.Duration, retried bool) {
		t.Helper()
		c.server.Clock.Advance(d)
		c.state(id)
		if retried {
			callouts++
		}
		if got := len(c.server.Callouts()); got != callouts {
			t.Errorf("%d callouts after %s more, want %d", got, d, callouts)
		}
	}
	step(30*time.Second, false)
	for range 5 {
		step(time.Minute, true)
	}
	step(time.Minute, false) // from here on every five minutes
	step(4*time.Minute, true)
	step(23*time.Hour, true)
	step(56*time.Minute, true) // a day after the failure: the last one
	step(time.Hour, false)
	service.set(func(s *keyService) { s.status = http.StatusOK })
	step(time.Hour, false)
	c.patch(id, `{"Status":"ACTIVE"}`).want(http.StatusNoContent)

	service.set(func(s *keyService) { s.status = http.StatusServiceUnavailable })
	flush("ERROR_HTTP_CODE")
	service.set(func(s *keyService) { s.status = http.StatusOK })
	c.server.Clock.Advance(time.Minute)
	if got := c.state(id); got != "ACTIVE" {
		t.Errorf("status %s after a retry that succeeded", got)
	}
}

func TestReactivation(t *testing.T) {
	t.Parallel()
	service := newKeyService(t)
	c := startWithService(t, service)
	id := c.create(remoteBody).created()
	c.patch(id, `{"Status":"DESTROYED"}`).want(http.StatusNoContent)
	c.server.Clock.Advance(time.Hour)
	if got := c.state(id); got != "DESTROYED" || len(c.server.Callouts()) != 1 {
		t.Errorf("status %s after %d callouts: a key destroyed by hand is not asked for", got, len(c.server.Callouts()))
	}
	service.set(func(s *keyService) { s.status = http.StatusNotFound })
	c.patch(id, `{"Status":"ACTIVE"}`).refused(http.StatusBadRequest, unknown)
	service.set(func(s *keyService) { s.status = http.StatusOK })
	c.patch(id, `{"Status":"Active"}`).want(http.StatusNoContent)
	if got := c.state(id); got != "ACTIVE" {
		t.Errorf("status %s", got)
	}
	if _, err := c.server.FlushKeyCache("02GWt0000000001"); err == nil {
		t.Error("flushed a key that is not cache-only")
	}
}

func TestCalloutControls(t *testing.T) {
	t.Parallel()
	service := newKeyService(t)
	c := startWithService(t, service, sfsim.WithControl())
	id := c.create(remoteBody).created()
	service.set(func(s *keyService) { s.status = http.StatusNotFound })
	if a := c.do(http.MethodPost, "/_sim/flush",
		body(map[string]any{"id": id})).want(http.StatusOK); !strings.Contains(string(a.body),
		`"status_code":"DESTROY_HTTP_CODE"`) {
		t.Errorf("flush answered %s", a.body)
	}
	c.do(http.MethodPost, "/_sim/flush", body(map[string]any{"id": id})).want(http.StatusBadRequest)
	c.do(http.MethodPost, "/_sim/flush", `{"key":1}`).want(http.StatusBadRequest)
	var made []sfsim.Callout
	c.get("/_sim/callouts").want(http.StatusOK).into(&made)
	if len(made) != 2 || made[0].StatusCode != "SUCCESS" || made[1].TenantSecretID != id ||
		made[1].HTTPStatus != http.StatusNotFound {
		t.Errorf("callouts %+v", made)
	}
}

// A service elsewhere is not called: the simulator stays on loopback.
func TestCalloutsStayOnLoopback(t *testing.T) {
	t.Parallel()
	c := start(t, seeded(t, "named_credentials: [{id: 0XAWt0000000077, developer_name: Keys, endpoint: "+
		"'https://keys.example.com/x'}]\nsettings: {enable_cache_only_keys: true}"))
	c.create(remoteBody).created()
	if made := c.server.Callouts(); len(made) != 1 || made[0].HTTPStatus != 0 || made[0].StatusCode != "SUCCESS" {
		t.Errorf("callouts %+v", made)
	}
}

// A failed callout is tried again, but only the most recent version of a type can be ACTIVE again
// [D].
func TestCalloutRetriesOfAReplacedKey(t *testing.T) {
	t.Parallel()
	service := newKeyService(t)
	c := startWithService(t, service, sfsim.WithoutIntervals())
	id := c.create(remoteBody).created()
	service.set(func(s *keyService) { s.status = http.StatusServiceUnavailable })
	if got, err := c.server.FlushKeyCache(id); err != nil || got != "ERROR_HTTP_CODE" {
		t.Fatalf("FlushKeyCache() = %s, %v", got, err)
	}
	service.set(func(s *keyService) { s.status = http.StatusOK })
	next := c.create(strings.Replace(remoteBody, "key-1", "key-2", 1)).created()
	callouts := len(c.server.Callouts())
	for range 10 {
		c.server.Clock.Advance(time.Minute)
		if old, young := c.state(id), c.state(next); old != "DESTROYED" || young != "ACTIVE" {
			t.Fatalf("the replaced key is %s, its successor %s", old, young)
		}
	}
	if n := len(c.server.Callouts()); n != callouts {
		t.Errorf("a replaced key was asked for %d more times", n-callouts)
	}
}
