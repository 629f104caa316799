package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// launch runs the command until the test ends, and returns what it announced and a function that
// stops it.
func launch(t *testing.T, args ...string) (map[string]string, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, args, writer, io.Discard)
		writer.CloseWithError(io.EOF)
		done <- err
	}()
	line, err := bufio.NewReader(reader).ReadBytes('\n')
	if err != nil {
		cancel()
		t.Fatalf("no announcement: %v, %v", err, <-done)
	}
	stopped := false
	stop := func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	}
	t.Cleanup(stop)
	var announced map[string]string
	if err := json.Unmarshal(line, &announced); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return announced, stop
}

func get(t *testing.T, url, token string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestRun(t *testing.T) {
	t.Parallel()
	seed := filepath.Join(t.TempDir(), "seed.yaml")
	if err := os.WriteFile(seed, []byte("tenant_secrets: [{count: 4}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	announced, stop := launch(t, "-org", "sandbox", "-seed", seed, "-latency", "1ms", "-listen", "127.0.0.1:0")
	keys := []string{
		"instance_url", "login_url", "client_id", "client_secret", "username", "private_key_file", "access_token",
		"organization_id",
	}
	if len(announced) != len(keys) {
		t.Errorf("announced %v", announced)
	}
	for _, key := range keys {
		if announced[key] == "" {
			t.Errorf("%s is missing", key)
		}
	}
	info, err := os.Stat(announced["private_key_file"])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("private key file: %v, %v", info, err)
	}
	status, text := get(t, announced["instance_url"]+"/services/data/v62.0/query?q=select+count()+from+TenantSecret",
		announced["access_token"])
	if status != http.StatusOK || !strings.Contains(text, `"totalSize":4`) {
		t.Errorf("%d %s", status, text)
	}
	if status, text := get(t, announced["instance_url"]+"/_sim/state", ""); status != http.StatusOK ||
		!strings.Contains(text, `"kind":"sandbox"`) {
		t.Errorf("%d %s", status, text)
	}
	if status, text := get(t, announced["instance_url"]+"/_sim/requests", ""); status != http.StatusOK ||
		!strings.Contains(text, `"TenantSecret.query"`) {
		t.Errorf("%d %s", status, text)
	}
	stop()
	if _, err := os.Stat(filepath.Dir(announced["private_key_file"])); !os.IsNotExist(err) {
		t.Errorf("the key's directory is left behind: %v", err)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "seed.yaml")
	if err := os.WriteFile(bad, []byte("tenant_secret: []"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"loopback":       {"-listen", "0.0.0.0:0"},
		"kind of org":    {"-org", "scratch"},
		"tenant_secret":  {"-seed", bad},
		"no such file":   {"-seed", filepath.Join(t.TempDir(), "absent.yaml")},
		"unexpected":     {"now"},
		"not defined":    {"-port", "1"},
		"latency":        {"-latency", "-1s"},
		"help requested": {"-h"},
	} {
		var stdout, stderr bytes.Buffer
		err := run(t.Context(), args, &stdout, &stderr)
		if err == nil || stdout.Len() > 0 {
			t.Errorf("%v: %v, printed %q", args, err, &stdout)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", args, err)
		}
	}
}

// With -persist the org is there again at the next start.
func TestRunPersists(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "org.json")
	seed := filepath.Join(t.TempDir(), "seed.yaml")
	if err := os.WriteFile(seed, []byte("tenant_secrets: [{count: 4}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	first, stop := launch(t, "-persist", file, "-seed", seed)
	stop()
	second, stop := launch(t, "-persist", file)
	defer stop()
	if second["access_token"] != first["access_token"] || second["organization_id"] != first["organization_id"] {
		t.Errorf("announced %v, then %v", first, second)
	}
	status, text := get(t, second["instance_url"]+"/services/data/v62.0/query?q=select+count()+from+TenantSecret",
		second["access_token"])
	if status != http.StatusOK || !strings.Contains(text, `"totalSize":4`) {
		t.Errorf("%d %s", status, text)
	}
}
