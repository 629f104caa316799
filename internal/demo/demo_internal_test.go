package demo

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/clifind"
)

func cliPath(t *testing.T) string {
	t.Helper()

	if path := os.Getenv(clifind.PathVariable); path != "" {
		return path
	}
	for _, name := range []string{"terraform", "tofu"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("neither terraform nor tofu is on PATH; `make test` installs one")

	return ""
}

// The story is the README's promise: each step must come out as it is announced, in this order.
func TestTheDemoTellsTheLifeOfAKey(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("not in a short run: the demo runs the CLI")
	}

	var story bytes.Buffer
	if err := Run(t.Context(), Options{Root: filepath.Join("..", ".."), CLI: cliPath(t), Out: &story}); err != nil {
		t.Fatalf("%v\n%s", err, story.String())
	}
	text := story.String()
	for _, want := range []string{
		"Plan: 2 to add, 0 to change, 0 to destroy",
		"No changes.",
		"Plan: 0 to add, 1 to change, 0 to destroy",
		"sent nothing twice: 1 new key, and the next plan is empty",
		"None of the 4 keys is in any of the ",
		"Plan: 1 to add, 0 to change, 0 to destroy",
		"Refused at plan: Destroying keys is not allowed",
		"Refused at plan: The destruction lacks approvals: 1 of 2, signed by alice",
		"DESTROYED  UPLOADED",
		"The same key is back",
		"Plan: 6 to add, 0 to change, 0 to destroy",
		"EventBus",
		"No changes.",
		" 1  uploaded             Data, version 2, ACTIVE",
		"destroyed            Data, version 2, DESTROYED  approved by alice and bob",
		"certificate made",
		"Verified: ",
	} {
		at := strings.Index(text, want)
		if at < 0 {
			t.Fatalf("the story lacks %q after what came before:\n%s", want, story.String())
		}
		text = text[at:]
	}
}

func TestRunFailsWithACLIThatDoesNotWork(t *testing.T) {
	t.Parallel()

	broken := filepath.Join(t.TempDir(), "terraform")
	var story bytes.Buffer
	if err := Run(t.Context(), Options{Root: filepath.Join("..", ".."), CLI: broken, Out: &story}); err == nil {
		t.Errorf("no error:\n%s", story.String())
	}
}

func TestTheSearchSeesAKeyInEveryForm(t *testing.T) {
	t.Parallel()

	key := []byte("0123456789abcdef0123456789abcde\xff")
	for name, text := range map[string]string{
		"raw":       string(key),
		"hex":       hex.EncodeToString(key),
		"base64":    base64.StdEncoding.EncodeToString(key),
		"base64url": base64.RawURLEncoding.EncodeToString(key),
	} {
		if !holds([]byte("before "+text+" after"), key) {
			t.Errorf("the search misses the key as %s", name)
		}
	}
	if holds([]byte("nothing of the kind"), key) {
		t.Error("the search sees a key where none is")
	}
}

func TestTheSearchLooksIntoPlans(t *testing.T) {
	t.Parallel()

	folder := t.TempDir()
	var plan bytes.Buffer
	archive := zip.NewWriter(&plan)
	entry, err := archive.Create("tfstate")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := entry.Write([]byte("in the plan")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(archive.Close(), os.WriteFile(filepath.Join(folder, "plan.tfplan"), plan.Bytes(),
		0o600)); err != nil {
		t.Fatal(err)
	}
	texts, err := writtenTexts(folder)
	if err != nil || string(texts["plan.tfplan/tfstate"]) != "in the plan" {
		t.Errorf("%v, %v", texts, err)
	}
}
