package escrow_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
)

const (
	orgID      = "00DXX0000008abcMAA"
	rotationID = "1f2e3d4c.0"
)

// noon is when the attempts of these tests begin.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func openDirectory(t testing.TB, path string) *escrow.Directory {
	t.Helper()
	d, err := escrow.OpenDirectory(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func fileName(t testing.TB, rotation string) string {
	t.Helper()
	return keyOf(t, rotation).FileName()
}

// keyOf is the key of material in a rotation.
func keyOf(t testing.TB, rotation string) escrow.Key {
	t.Helper()
	return escrow.Key{
		Organization: orgID, Type: "Data", RotationID: rotation, Hash: materialHash(t), KnownVersion: 7,
		Time: noon,
	}
}

// planOf has the one recipient of testdata/age of a kind: x25519 or hybrid.
func planOf(t testing.TB, kind string) *escrow.Plan {
	t.Helper()
	return newPlan(t, ageFile(t, kind+"-recipient.txt"))
}

func newPlan(t testing.TB, recipients ...string) *escrow.Plan {
	t.Helper()
	p, err := escrow.NewPlan(recipients)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// copyOf is material, encrypted by another implementation to planOf(kind).
func copyOf(t testing.TB, kind string) string {
	t.Helper()
	return string(readFile(t, "age", kind+".age"))
}

func keep(t testing.TB, d *escrow.Directory, k escrow.Key) escrow.Kept {
	t.Helper()
	kept, err := d.Keep(k, planOf(t, "x25519"), copyOf(t, "x25519"))
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func send(t testing.TB, d *escrow.Directory, k escrow.Key, at time.Time) {
	t.Helper()
	if err := d.Sending(k, at); err != nil {
		t.Fatal(err)
	}
}

func plant(t testing.TB, path, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(path, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// namesIn lists what a directory shows: the lock is hidden.
func namesIn(t testing.TB, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(entries))
	for _, entry := range entries {
		if entry.Name() != ".escrow.lock" {
			names = append(names, entry.Name())
		}
	}
	return names
}

func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestKeepAndFind(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys", "escrow")
	d, p, armored := openDirectory(t, path), planOf(t, "x25519"), copyOf(t, "x25519")
	kept := keep(t, d, keyOf(t, rotationID))
	if kept.Path != filepath.Join(path, fileName(t, rotationID)) || kept.Armored != armored || kept.Existed {
		t.Errorf("Keep = %+v", kept)
	}
	intentName := orgID + "-Data-" + rotationID + ".intent"
	if got := namesIn(t, path); !slices.Equal(got, []string{fileName(t, rotationID), intentName}) {
		t.Errorf("the directory holds %q", got)
	}
	var onDisk struct {
		Format   int `json:"intent_format"`
		Attempts []struct {
			Time    string   `json:"time"`
			Hash    string   `json:"secret_value_hash"`
			Version int      `json:"known_version"`
			Copy    string   `json:"copy_sha256"`
			To      []string `json:"age_recipients"`
		} `json:"attempts"`
	}
	text, err := os.ReadFile(filepath.Join(path, intentName))
	if err != nil || json.Unmarshal(text, &onDisk) != nil {
		t.Fatalf("the intent reads %s, %v", text, err)
	}
	if a := onDisk.Attempts[0]; onDisk.Format != 1 || a.Time != "2026-11-21T12:00:00Z" || a.Hash != materialHash(t) ||
		a.Version != 7 ||
		a.Copy != sha256Hex(armored) || !slices.Equal(a.To, p.Recipients()) {
		t.Errorf("the intent reads %s", text)
	}

	found, err := d.Find(orgID, "Data", materialHash(t), p)
	if err != nil || found.Path != kept.Path || found.Armored != armored || !found.Recorded ||
		found.Attempt.CopySHA256 != sha256Hex(armored) {
		t.Errorf("Find = %+v, %v", found, err)
	}
	mustOpen(t, found.Armored, ageFile(t, "x25519-identity.txt"))
	// It is found for other recipients too: the intent says for whom it is.
	if found, err := d.Find(orgID, "Data", materialHash(t), planOf(t, "hybrid")); err != nil || !found.Recorded ||
		!slices.Equal(found.Attempt.AgeRecipients, p.Recipients()) {
		t.Errorf("Find after a change of recipients = %+v, %v", found, err)
	}
}

// A later attempt with the same material finds the copy of the first one, and leaves it.
func TestKeepTwice(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d := openDirectory(t, path)
	first := keep(t, d, keyOf(t, rotationID))
	again, err := planOf(t, "hybrid").Encrypt(material(t))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := d.Keep(keyOf(t, rotationID), planOf(t, "hybrid"), again)
	if err != nil || !kept.Existed || kept.Path != first.Path || kept.Armored != first.Armored ||
		!slices.Equal(kept.Attempt.AgeRecipients, planOf(t, "x25519").Recipients()) {
		t.Errorf("Keep = %+v, %v", kept, err)
	}
	if intent, there, err := d.Intent(orgID, "Data", rotationID); !there || err != nil || len(intent.Attempts) != 1 {
		t.Errorf("Intent = %+v, %t, %v", intent, there, err)
	}
}

// Other material for the same rotation is another attempt. The hash of the first one stays known:
// its key may appear late.
func TestKeepOtherMaterial(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, p := openDirectory(t, path), planOf(t, "x25519")
	keep(t, d, keyOf(t, rotationID))
	send(t, d, keyOf(t, rotationID), noon.Add(time.Minute))
	m := byok.GenerateMaterial()
	armored, err := p.Encrypt(m)
	if err != nil {
		t.Fatal(err)
	}
	second := keyOf(t, rotationID)
	second.Hash, second.Time = byok.HashMaterial(m), noon.Add(time.Hour)
	if kept, err := d.Keep(second, p, armored); err != nil || kept.Existed {
		t.Fatalf("Keep = %+v, %v", kept, err)
	}
	intent, there, err := d.Intent(orgID, "Data", rotationID)
	if err != nil || !there || len(intent.Attempts) != 2 {
		t.Fatalf("Intent = %+v, %t, %v", intent, there, err)
	}
	first, ok := intent.Attempt(materialHash(t))
	if !ok || !first.SentAt.Equal(noon.Add(time.Minute)) || first.KnownVersion != 7 {
		t.Errorf("the first attempt reads %+v, %t", first, ok)
	}
	if a, ok := intent.Attempt(second.Hash); !ok || !a.SentAt.IsZero() || !a.Time.Equal(noon.Add(time.Hour)) {
		t.Errorf("the second attempt reads %+v, %t", a, ok)
	}
	if a, ok := intent.Attempt(byok.HashMaterial(byok.GenerateMaterial())); ok {
		t.Errorf("an attempt that never was reads %+v", a)
	}
	for _, hash := range []string{materialHash(t), second.Hash} {
		if found, err := d.Find(orgID, "Data", hash, p); err != nil || !found.Recorded {
			t.Errorf("Find = %+v, %v", found, err)
		}
	}
}

// A run that was killed after its intent and before its copy is followed by another.
func TestKeepAfterAnIntentWithoutCopy(t *testing.T) {
	t.Parallel()
	d, p := openDirectory(t, t.TempDir()), planOf(t, "x25519")
	first := keep(t, d, keyOf(t, rotationID))
	if err := os.Remove(first.Path); err != nil {
		t.Fatal(err)
	}
	armored, err := p.Encrypt(material(t))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := d.Keep(keyOf(t, rotationID), p, armored)
	if err != nil || kept.Existed {
		t.Fatalf("Keep = %+v, %v", kept, err)
	}
	if found, err := d.Find(orgID, "Data", materialHash(t), p); err != nil || !found.Recorded || found.Armored != armored {
		t.Errorf("Find = %+v, %v", found, err)
	}
}

// What lies under the name of a copy is relied on, so something must say that this provider wrote
// it.
func TestAPlantedFileIsNotTakenForTheCopy(t *testing.T) {
	t.Parallel()
	armored := copyOf(t, "x25519")
	foreign, err := newPlan(t, newX25519(t).Recipient().String()).Encrypt(material(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"for another recipient": foreign, "for ours, but not recorded": armored, "empty": "",
		"truncated": armored[:len(armored)/2],
		"edited":    strings.Replace(armored, "\n", "\nx", 1), "other": "hello",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			d, p := openDirectory(t, path), planOf(t, "x25519")
			plant(t, path, fileName(t, rotationID), content)
			_, err := d.Keep(keyOf(t, rotationID), p, armored)
			var notOurs *escrow.NotOursError
			if !errors.As(err, &notOurs) || notOurs.Path != filepath.Join(path, fileName(t, rotationID)) {
				t.Errorf("Keep takes it: %v", err)
			}
			mustFail(t, err, "it is not taken for the copy. See what it is, move it away, then apply again")
			if got, err := os.ReadFile(filepath.Join(path, fileName(t, rotationID))); err != nil || string(got) != content {
				t.Errorf("the file was changed: %q, %v", got, err)
			}
			if names := namesIn(t, path); len(names) != 1 {
				t.Errorf("left %v", names)
			}
		})
	}
	t.Run("in place of a recorded one", func(t *testing.T) {
		t.Parallel()
		path := t.TempDir()
		d, p := openDirectory(t, path), planOf(t, "x25519")
		kept := keep(t, d, keyOf(t, rotationID))
		if err := os.Remove(kept.Path); err != nil {
			t.Fatal(err)
		}
		plant(t, path, filepath.Base(kept.Path), foreign)
		_, err := d.Keep(keyOf(t, rotationID), p, armored)
		mustFail(t, err, "the SHA-256 differs")
		found, err := d.Find(orgID, "Data", materialHash(t), p)
		mustFail(t, err, "the SHA-256 differs")
		if found.Path != "" || found.Armored != "" {
			t.Errorf("Find = %+v", found)
		}
	})
}

// Copies of provider versions that wrote no intents are found if they have the form that the
// configured recipients give.
func TestFindWithoutIntent(t *testing.T) {
	t.Parallel()
	stranger := newX25519(t).Recipient().String()
	for name, test := range map[string]struct {
		content string
		plan    *escrow.Plan
		want    string
	}{
		"X25519":         {copyOf(t, "x25519"), planOf(t, "x25519"), ""},
		"hybrid":         {copyOf(t, "hybrid"), planOf(t, "hybrid"), ""},
		"two recipients": {copyOf(t, "x25519-two"), newPlan(t, stranger, ageFile(t, "x25519-recipient.txt")), ""},
		"another number": {
			copyOf(t, "x25519-two"), planOf(t, "x25519"),
			"encrypted to 2 recipients, the configured outer layer has 1",
		},
		"another kind":   {copyOf(t, "x25519"), planOf(t, "hybrid"), "is X25519, expected mlkem768x25519"},
		"another length": {copyOf(t, "long"), planOf(t, "x25519"), "bytes, expected"},
		"layers where none are": {encryptTo(t, newGroups(t, []string{stranger},
			[]string{ageFile(t, "x25519-recipient.txt")})), planOf(t, "x25519"), "bytes, expected"},
		"no layers where some": {copyOf(t, "x25519"), newGroups(t, []string{stranger},
			[]string{ageFile(t, "x25519-recipient.txt")}), "bytes, expected"},
		"another hardware token": {
			encryptTo(t, newPlan(t, tagRecipients(t)[0])), newPlan(t, otherTag),
			"recipient 0 of its outer layer is p256tag",
		},
		"the hardware token": {encryptTo(t, newPlan(t, tagRecipients(t)[0])), newPlan(t, tagRecipients(t)[0]), ""},
		"empty":              {"", planOf(t, "x25519"), "does not begin with"},
		"half":               {copyOf(t, "x25519")[:100], planOf(t, "x25519"), "not sound age armor"},
		"too long":           {strings.Repeat("A", 5<<20), planOf(t, "x25519"), "is longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			d := openDirectory(t, path)
			plant(t, path, fileName(t, rotationID), test.content)
			found, err := d.Find(orgID, "Data", materialHash(t), test.plan)
			byRotation, rotationErr := d.FindRotation(orgID, "Data", rotationID, test.plan)
			if found.Path != byRotation.Path || (err == nil) != (rotationErr == nil) {
				t.Errorf("by the hash %+v, %v, by the rotation %+v, %v", found, err, byRotation, rotationErr)
			}
			if test.want == "" {
				if err != nil || found.Armored != test.content || found.Recorded {
					t.Errorf("found %+v, %v", found, err)
				}
				return
			}
			mustFail(t, err, test.want)
			mustFail(t, err, fileName(t, rotationID))
			if found.Path != "" || found.Armored != "" {
				t.Errorf("found %+v together with an error", found)
			}
		})
	}
}

// An old copy is found beside the intent of a later attempt at the same rotation.
func TestFindAnOldCopyBesideANewIntent(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, p := openDirectory(t, path), planOf(t, "x25519")
	plant(t, path, fileName(t, rotationID), copyOf(t, "x25519"))
	m := byok.GenerateMaterial()
	armored, err := p.Encrypt(m)
	if err != nil {
		t.Fatal(err)
	}
	later := keyOf(t, rotationID)
	later.Hash = byok.HashMaterial(m)
	if _, err := d.Keep(later, p, armored); err != nil {
		t.Fatal(err)
	}
	if found, err := d.Find(orgID, "Data", materialHash(t), p); err != nil || found.Recorded ||
		found.Armored != copyOf(t, "x25519") {
		t.Errorf("Find = %+v, %v", found, err)
	}
	if found, err := d.Find(orgID, "Data", later.Hash, p); err != nil || !found.Recorded || found.Armored != armored {
		t.Errorf("Find = %+v, %v", found, err)
	}
}

// A recorded copy is preferred to files that merely fit, and these to files that don't; then the
// newest.
func TestFindPrefers(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, p := openDirectory(t, path), planOf(t, "x25519")
	for rotation, content := range map[string]string{
		"aaaaaaaa.0": "damaged", "bbbbbbbb.0": copyOf(t, "x25519"),
		"cccccccc.0": copyOf(t, "x25519"),
	} {
		plant(t, path, fileName(t, rotation), content)
	}
	age := func(rotation string, old time.Duration) {
		t.Helper()
		at := noon.Add(-old)
		if err := os.Chtimes(filepath.Join(path, fileName(t, rotation)), at, at); err != nil {
			t.Fatal(err)
		}
	}
	age("aaaaaaaa.0", 1*time.Hour)
	age("bbbbbbbb.0", 2*time.Hour)
	age("cccccccc.0", 3*time.Hour)
	if found, err := d.Find(orgID, "Data", materialHash(t), p); err != nil ||
		filepath.Base(found.Path) != fileName(t, "bbbbbbbb.0") {
		t.Errorf("found %+v, %v, want the newest that fits", found, err)
	}
	keep(t, d, keyOf(t, "dddddddd.0"))
	age("dddddddd.0", 4*time.Hour)
	if found, err := d.Find(orgID, "Data", materialHash(t), p); err != nil ||
		filepath.Base(found.Path) != fileName(t, "dddddddd.0") {
		t.Errorf("found %+v, %v, want the recorded one", found, err)
	}
}

func TestFindNothing(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, p := openDirectory(t, path), planOf(t, "x25519")
	keep(t, d, keyOf(t, rotationID))
	// What a run killed in between leaves, and what others may keep here.
	for _, name := range []string{".escrow-ABCDEF", "README", "a-b-c-zzzzzzzz.age"} {
		plant(t, path, name, "x")
	}
	if err := os.Mkdir(filepath.Join(path, escrow.FileName(orgID, "EventBus", rotationID, materialHash(t))),
		0o700); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ org, typ, hash string }{
		"another org":  {"00DXX0000009xyzMAA", "Data", materialHash(t)},
		"another type": {orgID, "SearchIndex", materialHash(t)},
		"another hash": {orgID, "Data", byok.HashMaterial(byok.GenerateMaterial())},
		"HSM hash":     {orgID, "Data", "UNKNOWM="},
		"no hash":      {orgID, "Data", ""},
		"a directory":  {orgID, "EventBus", materialHash(t)},
		"traversal":    {"../" + orgID, "Data", materialHash(t)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if found, err := d.Find(test.org, test.typ, test.hash, p); found.Path != "" || found.Armored != "" || err != nil {
				t.Errorf("found %+v, %v", found, err)
			}
		})
	}
}

// Another key whose hash begins alike is not the one that is looked for.
func TestFindComparesTheFullHash(t *testing.T) {
	t.Parallel()
	d, p := openDirectory(t, t.TempDir()), planOf(t, "x25519")
	keep(t, d, keyOf(t, rotationID))
	alike := materialHash(t)[:20] + byok.HashMaterial(byok.GenerateMaterial())[20:]
	if byok.HashPrefix(alike) != byok.HashPrefix(materialHash(t)) {
		t.Fatal("the hashes do not begin alike")
	}
	found, err := d.Find(orgID, "Data", alike, p)
	mustFail(t, err, "nothing records that this provider wrote it")
	if found.Armored != "" {
		t.Errorf("found %+v", found)
	}
}

func TestKeepRefuses(t *testing.T) {
	t.Parallel()
	armored := copyOf(t, "x25519")
	with := func(change func(*escrow.Key)) escrow.Key {
		k := keyOf(t, rotationID)
		change(&k)
		return k
	}
	for name, test := range map[string]struct {
		key           escrow.Key
		armored, want string
	}{
		"no hash":         {with(func(k *escrow.Key) { k.Hash = "UNKNOWM=" }), armored, "no escrow file name"},
		"no org":          {with(func(k *escrow.Key) { k.Organization = "" }), armored, "no escrow file name"},
		"no rotation":     {with(func(k *escrow.Key) { k.RotationID = "" }), armored, "no escrow file name"},
		"plain material":  {keyOf(t, rotationID), string(material(t).Expose()), "does not begin with"},
		"half a copy":     {keyOf(t, rotationID), armored[:len(armored)/2], "not sound age armor"},
		"nothing to keep": {keyOf(t, rotationID), "", "does not begin with"},
		"name too long":   {with(func(k *escrow.Key) { k.Type = strings.Repeat("T", 300) }), armored, "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			d := openDirectory(t, path)
			kept, err := d.Keep(test.key, planOf(t, "x25519"), test.armored)
			mustFail(t, err, test.want, string(material(t).Expose()))
			if kept.Path != "" || kept.Armored != "" {
				t.Errorf("returned %+v together with an error", kept)
			}
			if got := namesIn(t, path); len(got) != 0 {
				t.Errorf("left %q behind", got)
			}
		})
	}
}

func TestIntentRefuses(t *testing.T) {
	t.Parallel()
	name := orgID + "-Data-" + rotationID + ".intent"
	for content, want := range map[string]string{
		"": "not JSON", "[]": "not JSON", "{}": `lacks "intent_format"`,
		`{"intent_format":1,"attempts":[]}`:   "lacks",
		`{"intent_format":2,"attempts":[{}]}`: "format 2, this provider knows 1",
		`{"intent_format":1,"organization_id":"x","type":"Data","rotation_id":"1.0","attempts":[{}]}`:       "speaks of rotation",
		`{"intent_format":1,"organization_id":"` + orgID + `","type":"Data","rotation_id":"","attempts":1}`: "not JSON",
	} {
		path := t.TempDir()
		d, p := openDirectory(t, path), planOf(t, "x25519")
		plant(t, path, name, content)
		_, there, err := d.Intent(orgID, "Data", rotationID)
		mustFail(t, err, want)
		mustFail(t, err, "move it away, then apply again")
		if there {
			t.Error("it is there and an error")
		}
		_, err = d.Keep(keyOf(t, rotationID), p, copyOf(t, "x25519"))
		mustFail(t, err, want)
		if got, err := os.ReadFile(filepath.Join(path, name)); string(got) != content || err != nil {
			t.Errorf("the intent was changed: %q, %v", got, err)
		}
		if _, ok := d.LastAttempt(orgID, "Data", rotationID); ok {
			t.Error("an unreadable intent counts as an attempt")
		}
	}
}

// A copy of a refused key gets another name, and is never deleted.
func TestRefuse(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, p, k := openDirectory(t, path), planOf(t, "x25519"), keyOf(t, rotationID)
	for n, want := range []string{".refused", ".refused-2", ".refused-3"} {
		kept := keep(t, d, k)
		if kept.Existed {
			t.Fatalf("attempt %d found a refused copy", n)
		}
		send(t, d, k, noon)
		refused, err := d.Refuse(k, noon.Add(time.Minute))
		if err != nil || refused != kept.Path+want {
			t.Errorf("Refuse = %s, %v", refused, err)
		}
		if text, err := os.ReadFile(refused); err != nil || string(text) != kept.Armored {
			t.Errorf("the copy was changed: %v", err)
		}
		if found, err := d.Find(orgID, "Data", k.Hash, p); found.Path != "" || err != nil {
			t.Errorf("a refused copy is found: %+v, %v", found, err)
		}
		if at, ok := d.LastAttempt(orgID, "Data", rotationID); ok {
			t.Errorf("a refused key may still appear, sent %s", at)
		}
	}
	if intent, _, err := d.Intent(orgID, "Data", rotationID); err != nil || len(intent.Attempts) != 3 ||
		!intent.Attempts[2].RefusedAt.Equal(noon.Add(time.Minute)) {
		t.Errorf("Intent = %+v, %v", intent, err)
	}
	if refused, err := d.Refuse(k, noon); refused != "" || err != nil {
		t.Errorf("of a copy that is gone: %q, %v", refused, err)
	}
	_, err := d.Refuse(escrow.Key{}, noon)
	mustFail(t, err, "no escrow file name")
	mustFail(t, d.Sending(keyOf(t, "ffffffff.0"), noon), "has no attempt with the hash")
}

// The time of the last attempt decides how long its key is waited for: only what was sent counts.
func TestLastAttempt(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, k := openDirectory(t, path), keyOf(t, rotationID)
	if at, ok := d.LastAttempt(orgID, "Data", rotationID); ok || !at.IsZero() {
		t.Errorf("in an empty directory: %v, %t", at, ok)
	}
	keep(t, d, k)
	if at, ok := d.LastAttempt(orgID, "Data", rotationID); ok {
		t.Errorf("of a key that was never sent: %v", at)
	}
	send(t, d, k, noon)
	for _, other := range []escrow.Key{
		keyOf(t, "1f2e3d4c.1"),
		{Organization: orgID, Type: "EventBus", RotationID: rotationID, Hash: k.Hash},
	} {
		keep(t, d, other)
		send(t, d, other, noon.Add(time.Hour))
	}
	if at, ok := d.LastAttempt(orgID, "Data", rotationID); !ok || !at.Equal(noon) {
		t.Errorf("got %v, %t, want %v", at, ok, noon)
	}
	if at, ok := d.LastAttempt(orgID, "Data", "ffffffff.0"); ok {
		t.Errorf("of a rotation that never was: %v", at)
	}
	// Older versions wrote no intent: there the copy's own time counts.
	plant(t, path, fileName(t, "eeeeeeee.0"), copyOf(t, "x25519"))
	old := filepath.Join(path, fileName(t, "eeeeeeee.0"))
	if err := os.Chtimes(old, noon, noon.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	if at, ok := d.LastAttempt(orgID, "Data", "eeeeeeee.0"); !ok || !at.Equal(noon.Add(-time.Hour)) {
		t.Errorf("of an old copy: %v, %t", at, ok)
	}
}

// Salesforce keeps no hash of some keys: the rotation id alone leads to their copy, if one only was
// sent.
func TestFindRotation(t *testing.T) {
	t.Parallel()
	d, p := openDirectory(t, t.TempDir()), planOf(t, "x25519")
	if found, err := d.FindRotation(orgID, "Data", rotationID, p); found.Path != "" || err != nil {
		t.Errorf("an empty directory gives %+v, %v", found, err)
	}
	for _, rotation := range []string{rotationID, "ffffffff.0"} {
		keep(t, d, keyOf(t, rotation))
		send(t, d, keyOf(t, rotation), noon)
	}
	found, err := d.FindRotation(orgID, "Data", rotationID, p)
	if err != nil || filepath.Base(found.Path) != fileName(t, rotationID) || found.Armored != copyOf(t, "x25519") ||
		!found.Recorded {
		t.Errorf("found %+v, %v", found, err)
	}
	if found, err := d.FindRotation(orgID, "EventBus", rotationID, p); found.Path != "" || err != nil {
		t.Errorf("another type has %+v, %v", found, err)
	}
	second := keyOf(t, rotationID)
	second.Hash = byok.HashMaterial(byok.GenerateMaterial())
	keep(t, d, second)
	if found, err := d.FindRotation(orgID, "Data", rotationID, p); err != nil ||
		filepath.Base(found.Path) != fileName(t, rotationID) {
		t.Errorf("beside a key that was never sent: %+v, %v", found, err)
	}
	send(t, d, second, noon)
	found, err = d.FindRotation(orgID, "Data", rotationID, p)
	mustFail(t, err, "2 escrow copies of rotation "+rotationID)
	if found.Path != "" {
		t.Errorf("two copies give %+v", found)
	}
}

// Different rotations do not hinder each other, also through one handle, and attempts at one
// rotation are all recorded.
func TestConcurrentKeeps(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	shared, p := openDirectory(t, path), planOf(t, "x25519")
	const runs = 10
	var wg sync.WaitGroup
	for i := range runs {
		wg.Go(func() {
			if kept, err := shared.Keep(keyOf(t, "1f2e3d4c."+strconv.Itoa(i+1)), p, copyOf(t, "x25519")); err != nil ||
				kept.Existed {
				t.Errorf("%d: %+v, %v", i, kept, err)
			}
		})
		wg.Go(func() {
			d, err := escrow.OpenDirectory(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = d.Close() }()
			k, m := keyOf(t, rotationID), byok.GenerateMaterial()
			k.Hash = byok.HashMaterial(m)
			armored, err := p.Encrypt(m)
			if err != nil {
				t.Error(err)
			}
			if _, err := d.Keep(k, p, armored); err != nil {
				t.Error(err)
			}
			if err := d.Sending(k, noon); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	intent, _, err := shared.Intent(orgID, "Data", rotationID)
	if err != nil || len(intent.Attempts) != runs {
		t.Fatalf("%d of %d attempts are recorded, %v", len(intent.Attempts), runs, err)
	}
	for _, a := range intent.Attempts {
		if a.SentAt.IsZero() {
			t.Errorf("the sending of %s was lost", a.SecretValueHash)
		}
	}
	if got := len(namesIn(t, path)); got != 2*runs+runs+1 {
		t.Errorf("%d files, want %d", got, 3*runs+1)
	}
}

// Many runs with the same given material: one writes the copy, the others find it.
func TestConcurrentKeepsOfOneKey(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	p, k := planOf(t, "x25519"), keyOf(t, rotationID)
	const runs = 8
	var wg sync.WaitGroup
	var mu sync.Mutex
	texts := map[string]int{}
	for range runs {
		wg.Go(func() {
			d, err := escrow.OpenDirectory(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = d.Close() }()
			armored, err := p.Encrypt(material(t))
			if err != nil {
				t.Error(err)
			}
			kept, err := d.Keep(k, p, armored)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			texts[kept.Armored]++
		})
	}
	wg.Wait()
	got, err := os.ReadFile(filepath.Join(path, k.FileName()))
	if err != nil || len(texts) != 1 || texts[string(got)] != runs {
		t.Errorf("%d texts for one copy, %v", len(texts), err)
	}
}

func TestDirectoryPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"":       "escrow.directory: the path is empty",
		"~/keys": "escrow.directory: \"~/keys\" begins with ~",
	} {
		mustFail(t, escrow.CheckDirectory(path), want)
		d, err := escrow.OpenDirectory(path)
		mustFail(t, err, "open the escrow directory")
		if d != nil {
			t.Error("returned a directory together with an error")
		}
	}
	if err := escrow.CheckDirectory("keys/~x"); err != nil {
		t.Error(err)
	}
}

func TestReceiptBesideItsCopy(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	d, name := openDirectory(t, path), fileName(t, rotationID)
	if got, err := d.ReadReceipt(name); got != "" || err != nil {
		t.Errorf("before it was written: %q, %v", got, err)
	}
	keep(t, d, keyOf(t, rotationID))
	for _, receipt := range []string{`{"version":1}`, `{"version":2}`} {
		if err := d.WriteReceipt(name, receipt); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := d.ReadReceipt(name); got != `{"version":1}` || err != nil {
		t.Errorf("got %q, %v, want the first receipt", got, err)
	}
	if got := namesIn(t, path); !slices.Contains(got, strings.TrimSuffix(name, ".age")+".receipt.json") {
		t.Errorf("the directory holds %q", got)
	}
	// The receipt is not taken for a copy.
	if found, err := d.Find(orgID, "Data", materialHash(t), planOf(t, "x25519")); filepath.Base(found.Path) != name ||
		err != nil {
		t.Errorf("found %+v, %v", found, err)
	}
	if got, err := d.ReadReceipt(fileName(t, "1f2e3d4c.1")); got != "" || err != nil {
		t.Errorf("of another rotation: %q, %v", got, err)
	}
	for _, name := range []string{"", "../x", "receipt.json", name + "/.."} {
		mustFail(t, d.WriteReceipt(name, "{}"), "no escrow file name")
		_, err := d.ReadReceipt(name)
		mustFail(t, err, "no escrow file name")
	}
}

func FuzzIntent(f *testing.F) {
	f.Add(`{"intent_format":1,"organization_id":"o","type":"t","rotation_id":"r","attempts":[{"secret_value_hash":"h"}]}`)
	f.Add(`{"intent_format":1,"organization_id":"o","type":"t","rotation_id":"r","attempts":[{"time":"2026-11-21T12:00:00Z","sent_at":"x"}]}`)
	f.Add(`{"intent_format":9}`)
	f.Fuzz(func(t *testing.T, text string) {
		path := t.TempDir()
		plant(t, path, "o-t-r.intent", text)
		d := openDirectory(t, path)
		intent, there, err := d.Intent("o", "t", "r")
		if there != (err == nil) || there && (len(intent.Attempts) == 0 || intent.Organization != "o") {
			t.Fatalf("%+v, %t, %v", intent, there, err)
		}
	})
}
