package sfsim_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// busyOrg is an org with something of everything that a snapshot keeps.
const busyOrg = `
organization: {id: 00D5g000004abcD, name: Kept, kind: sandbox}
settings: {hyperforce: true, rotation_intervals: false, enable_cache_only_keys: true}
certificates: [{developer_name: Sim_BYOK}, {developer_name: Pending, ca_signed: true, unusable: true}, {developer_name: Small, key_size: 2048}]
named_credentials: [{id: 0XAWt0000000077, developer_name: Keys, endpoint: "https://keys.example.com/byok"}]
root_keys: [{identifier: "arn:aws:kms:eu-central-1:111122223333:key/abc"}]
tenant_secrets: [{count: 2}]
`

// An org that is kept in a file goes on from there: rows, private keys, exports, clock and access
// token.
func TestPersistence(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "org.json")
	first := start(t, seeded(t, busyOrg), sfsim.WithPersistence(path))
	uploaded := material()
	id := first.create(first.uploadBody(uploaded, nil)).created()
	first.create(`{}`).created()
	export := first.secret(id)["SecretValue"]
	first.patch(id, `{"Status":"DESTROYED"}`).want(http.StatusNoContent)
	remote := first.create(`{"Type":"Analytics","Source":"REMOTE","RemoteKeyIdentifier":"k","RemoteKeyServiceId":"0XAWt0000000077",` +
		`"RemoteKeyCertificate":"Sim_BYOK"}`).created()
	first.server.NextRelease()
	first.server.Clock.Advance(1000 * time.Hour)
	first.get("/services/data/v63.0/query?q=SELECT+Id+FROM+DataEncryptionKey+LIMIT+9").want(http.StatusOK)
	wantRows := first.rows("SELECT FIELDS(ALL) FROM TenantSecret LIMIT 200")
	events := first.events()
	if err := first.server.Save(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file: %v, %v", info, err)
	}
	rest, err := filepath.Glob(path + ".*")
	if err != nil || len(rest) > 0 {
		t.Errorf("left behind: %v, %v", rest, err)
	}
	wantState := first.server.State()

	// Neither the seed nor the kind of the second start counts.
	second := start(t, sfsim.WithKind(sfsim.Developer), sfsim.WithPersistence(path))
	second.token = first.token
	if second.server.AccessToken != first.server.AccessToken ||
		second.server.OrganizationID != first.server.OrganizationID {
		t.Error("another session or organization")
	}
	gotState := second.server.State()
	if drift := gotState.Now.Sub(wantState.Now).Abs(); drift > time.Hour {
		t.Errorf("the clock is off by %s", drift)
	}
	gotState.Now = wantState.Now
	if !reflect.DeepEqual(gotState, wantState) { //nolint:forbidigo // plain data of this package
		t.Errorf("state\n%+v\nwant\n%+v", gotState, wantState)
	}
	if got := second.events(); strings.Join(got, "\n") != strings.Join(events, "\n") {
		t.Errorf("events %q, want %q", got, events)
	}
	gotRows := second.rows("SELECT FIELDS(ALL) FROM TenantSecret LIMIT 200")
	if got, want := mustJSON(t, gotRows), mustJSON(t, wantRows); got != want {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	if got := mustJSON(t,
		second.rows("SELECT RootKeyService, RootKeyIdentifier FROM ExternalEncryptionRootKey")); !strings.Contains(got,
		`"AWS"`) || !strings.Contains(got, `"SF"`) {
		t.Errorf("root keys %s", got)
	}
	if !bytes.Equal(second.server.Unwrapped(id), uploaded) {
		t.Error("what was uploaded is forgotten")
	}
	// An export of the older release still restores, and new keys go on from the last Version and id.
	second.patch(id, body(map[string]any{"Status": "ARCHIVED", "SecretValue": export})).want(http.StatusNoContent)
	next := second.create(second.uploadBody(material(), map[string]any{"Type": "Analytics"})).created()
	if row := second.secret(next); row["Version"] != 6.0 || next == remote {
		t.Errorf("row %v", row)
	}
	// A new certificate has a key of its own.
	second.deployed(certificateFiles("Next", ""))
	seen := map[string]bool{}
	for _, cert := range second.server.Certificates() {
		if cert.DeveloperName == "Pending" {
			continue // which holds a request
		}
		modulus := second.publicKey(cert.DeveloperName).N.String()
		if seen[modulus] {
			t.Errorf("%s has the key of another certificate", cert.DeveloperName)
		}
		seen[modulus] = true
	}

	if err := second.server.Reset(); err != nil {
		t.Fatal(err)
	}
	if n := len(second.server.TenantSecrets()); n != 1 {
		t.Errorf("%d tenant secrets after a reset, want the initial one", n)
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// A data encryption key, and its session token, are kept.
func TestPersistenceOfDataEncryptionKeys(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "org.json")
	first := start(t, configure(hyperforce), sfsim.WithPersistence(path))
	first.open("Search_Index")
	want := mustJSON(t, first.dataKeys())
	if err := first.server.Save(); err != nil {
		t.Fatal(err)
	}
	second := start(t, sfsim.WithPersistence(path))
	if got := mustJSON(t, second.dataKeys()); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSaveByControl(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "org.json")
	c := controlled(t, sfsim.WithPersistence(path))
	c.do(http.MethodPost, "/_sim/save", "").want(http.StatusOK)
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	if a := controlled(t).do(http.MethodPost, "/_sim/save",
		"").want(http.StatusBadRequest); !strings.Contains(string(a.body), "-persist") {
		t.Errorf("%s", a.body)
	}
	gone := controlled(t, sfsim.WithPersistence(filepath.Join(t.TempDir(), "absent", "org.json")))
	gone.do(http.MethodPost, "/_sim/save", "").want(http.StatusBadRequest)
}

// savedOrg is a snapshot as Save writes it.
func savedOrg(t *testing.T) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "org.json")
	seed, err := sfsim.ReadSeed(strings.NewReader(busyOrg))
	if err != nil {
		t.Fatal(err)
	}
	server, err := sfsim.New(sfsim.WithSeed(seed), sfsim.WithPersistence(path))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if err := server.Save(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A file that was edited into nonsense is refused at the start, by the name of what is wrong.
func TestSnapshotErrors(t *testing.T) {
	t.Parallel()
	good := string(savedOrg(t))
	replace := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the snapshot has no %s", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	for want, text := range map[string]string{
		"not a snapshot":           "{",
		"unknown field":            replace(`"format"`, `"formats"`),
		"expected one JSON object": good + "{}",
		"sfsim-1":                  replace(`"sfsim-1"`, `"sfsim-0"`),
		"kind":                     replace(`"kind": "sandbox"`, `"kind": "scratch"`),
		"page_size":                replace(`"api_limit": 100000`, `"api_limit": 0`),
		"access_token":             replace(`"access_token": "00D5g`, `"access_token": "00D5h`),
		"is not an id":             replace(`"id": "02GW`, `"id": "03GW`),
		"is not a Status":          replace(`"status": "ACTIVE"`, `"status": "active"`),
		"is not an RSA key":        replace(`"key_size": 4096`, `"key_size": 2048`),
		"wrapping_master":          replace(`"wrapping_master": "`, `"wrapping_master": "AAAA`),
		"certificate request":      replace(`"unusable": false`, `"unusable": true`),
		"release":                  replace(`"release": 262`, `"release": 26`),
		"used_keys":                replace(`"4096": 2`, `"1024": 2`),
		"negative":                 replace(`"last_id": `, `"last_id": -`),
	} {
		if want == "certificate request" {
			text = strings.Replace(text, `"ca_signed": false`, `"ca_signed": true`, 1)
		}
		if want == "page_size" {
			want = "api_limit"
		}
		path := filepath.Join(t.TempDir(), "org.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		server, err := sfsim.New(sfsim.WithPersistence(path))
		if err == nil {
			server.Close()
			t.Errorf("%s: accepted", want)
			continue
		}
		if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
	if server, err := sfsim.New(sfsim.WithPersistence("")); err == nil {
		server.Close()
		t.Error("a file without a name is accepted")
	}
}
