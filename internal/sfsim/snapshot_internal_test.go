package sfsim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever a file says: an org that starts from it answers its clients, and can be saved and read
// again.
func FuzzReadSnapshot(f *testing.F) {
	seed, err := ReadSeed(strings.NewReader(`certificates: [{developer_name: A, key_size: 2048}]
root_keys: [{identifier: "arn:aws:kms:eu-central-1:111122223333:key/abc"}]
tenant_secrets: [{source: UPLOADED, status: DESTROYED}, {}]`))
	if err != nil {
		f.Fatal(err)
	}
	first, err := New(WithSeed(seed))
	if err != nil {
		f.Fatal(err)
	}
	defer first.Close()
	saved, err := first.snapshot()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(saved)
	f.Add([]byte(`{"format":"sfsim-1"}`))
	f.Add([]byte(`{"format":"sfsim-1","users":[{},{}],"retries":{"02G":[]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		in, w, err := readSnapshot(text)
		if err != nil {
			return
		}
		s := &Server{Clock: &Clock{}, world: w, AccessToken: in.AccessToken, locators: map[string]*locator{}}
		s.sessions = map[string]*session{s.AccessToken: {user: w.mainUser(), issued: s.Clock.Now()}}
		again, err := s.snapshot()
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := readSnapshot(again); err != nil {
			t.Errorf("what was saved can't be read: %v", err)
		}
		for _, path := range []string{
			"query?q=SELECT+FIELDS(ALL)+FROM+TenantSecret+LIMIT+200", "query?q=SELECT+Id+FROM+EventLogFile",
			"tooling/query?q=SELECT+Id,CertificateChain+FROM+Certificate", "query?q=SELECT+Id+FROM+ExternalEncryptionRootKey",
		} {
			req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/services/data/v62.0/"+path, http.NoBody)
			req.Header.Set("Authorization", "Bearer "+s.AccessToken)
			answer := httptest.NewRecorder()
			s.Handler().ServeHTTP(answer, req)
			if answer.Code >= http.StatusInternalServerError {
				t.Errorf("%s: status %d", path, answer.Code)
			}
		}
	})
}
