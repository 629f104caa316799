package guides_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The step of the runbook asks GitHub, here a stand-in, for the job's token and writes it to where
// the provider blocks read it.
func TestWalkRunbookOfTheJobsToken(t *testing.T) {
	t.Parallel()
	block := open(t, "runbooks").block("yaml", "ACTIONS_ID_TOKEN_REQUEST_URL")
	permissions, steps, found := strings.Cut(block, "# ...\n")
	var parsed []workflowStep
	if err := yaml.Unmarshal([]byte(steps), &parsed); !found || err != nil || len(parsed) != 1 ||
		!strings.Contains(permissions, "id-token: write") {
		t.Fatalf("expected a permission and a step (%v) in\n%s", err, block)
	}
	const requestToken, jobToken = "the runner's", "header.claims.signature"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "bearer "+requestToken || r.URL.Query().Get("audience") != "keys" ||
			r.URL.Query().Get("api-version") != "2.0" {
			t.Errorf("expected the runner's token and the audience, found %s with %q", r.URL, r.Header.Get("Authorization"))
		}
		_, _ = io.WriteString(w, `{"count":1,"value":"`+jobToken+`"}`)
	}))
	t.Cleanup(server.Close)
	s := newShell(t, "curl", "jq")
	s.env = append(s.env, "ACTIONS_ID_TOKEN_REQUEST_TOKEN="+requestToken,
		"ACTIONS_ID_TOKEN_REQUEST_URL="+server.URL+"/token?api-version=2.0", "RUNNER_TEMP="+s.dir)
	s.then("step", parsed[0].Run).run()
	if token, err := os.ReadFile(filepath.Join(s.dir, "oidc-token")); err != nil || string(token) != jobToken {
		t.Errorf("expected the job's token and nothing else, found %q (%v)", token, err)
	}
}
