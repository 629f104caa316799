package demo

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"filippo.io/age/armor"
)

func armorReader(r io.Reader) io.Reader { return armor.NewReader(r) }

// escrow opens every escrow copy and compares it with what Salesforce holds, then looks for the
// keys in everything that the CLI wrote.
func (d *demo) escrow(context.Context) error {
	d.title("A recovery drill: open the escrow copies with the age identity and compare their SHA-256 with the hash " +
		"that Salesforce holds.")
	copies, err := filepath.Glob(filepath.Join(d.work, "escrow", "*.age"))
	if err != nil {
		return err
	}
	held := map[string]string{}
	for _, k := range d.sim.TenantSecrets() {
		held[k.SecretValueHash] = fmt.Sprintf("%s (%s, version %d)", k.ID, k.Type, k.Version)
	}
	var keys [][]byte
	for _, name := range copies {
		armored, err := os.ReadFile(name) //nolint:gosec // a file of this run's own folder
		if err != nil {
			return err
		}
		key, err := d.openEscrow(armored)
		if err != nil {
			return fmt.Errorf("%w: %s: %w", errFailed, filepath.Base(name), err)
		}
		sum := sha256.Sum256(key)
		hash := base64.StdEncoding.EncodeToString(sum[:])
		record, ok := held[hash]
		if !ok {
			return fmt.Errorf("%w: %s holds a key with the hash %s, which no record has", errFailed, filepath.Base(name), hash)
		}
		d.result("%s: SHA-256 %s = record %s", filepath.Base(name), hash, record)
		keys = append(keys, key)
	}
	const uploads = 4
	if len(keys) != uploads {
		return fmt.Errorf("%w: %d escrow copies, expected %d", errFailed, len(keys), uploads)
	}

	return d.searchLeaks(keys)
}

// searchLeaks looks for the plaintext keys in all that the run has written: state, backup, plan,
// lock files, escrow copies.
func (d *demo) searchLeaks(keys [][]byte) error {
	d.title("Now the same keys are looked for in everything that the CLI and the provider have written, raw, as hex and " +
		"as base64.")
	texts, err := writtenTexts(d.work)
	if err != nil {
		return err
	}
	for name, text := range texts {
		for _, key := range keys {
			if holds(text, key) {
				return fmt.Errorf("%w: %s holds a plaintext key", errFailed, name)
			}
		}
	}
	// The control: the same search finds the hashes, which are meant to be in the state.
	found := 0
	for _, key := range keys {
		sum := sha256.Sum256(key)
		if holds(texts["terraform.tfstate"], sum[:]) {
			found++
		}
	}
	if found == 0 {
		return fmt.Errorf("%w: the search finds nothing at all, not even a hash", errFailed)
	}
	d.result("None of the %d keys is in any of the %d files (the state, its backup and the plan among them); the search "+
		"does find %d of their hashes in the state.", len(keys), len(texts), found)

	return nil
}

// holds reports whether a text has a secret in it, in any of the usual forms.
func holds(text, secret []byte) bool {
	for _, form := range [][]byte{
		secret, []byte(hex.EncodeToString(secret)), []byte(base64.StdEncoding.EncodeToString(secret)),
		[]byte(base64.RawURLEncoding.EncodeToString(secret)),
	} {
		if bytes.Contains(text, form) {
			return true
		}
	}

	return false
}

// writtenTexts returns every file below a folder; of plan files, which are zip archives, each
// entry.
func writtenTexts(folder string) (map[string][]byte, error) {
	texts := map[string][]byte{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // a file of this run's own folder
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		texts[name] = text
		archive, err := zip.NewReader(bytes.NewReader(text), int64(len(text)))
		if err != nil {
			return nil //nolint:nilerr // not a zip archive
		}
		for _, file := range archive.File {
			entry, err := file.Open()
			if err != nil {
				return err
			}
			unpacked, err := io.ReadAll(entry)
			if err != nil {
				return err
			}
			texts[name+"/"+file.Name] = unpacked
		}

		return nil
	})

	return texts, err
}
