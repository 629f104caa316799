package escrow

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/durable"
)

const (
	what = "escrow directory"
	// lockName is the lock of intent files, and lockWait how long a run waits for another.
	lockName = ".escrow.lock"
	lockWait = 30 * time.Second
	// refusedExtension follows the name of a copy whose key Salesforce refused.
	refusedExtension = ".refused"
	// maxRefused bounds the refused copies of one name.
	maxRefused = 1000
)

// Key says which key a copy is of, and when it is made.
type Key struct {
	Organization, Type, RotationID string
	// Hash is the SecretValueHash of the material: base64 of its SHA-256.
	Hash string
	// KnownVersion is the highest version of the type's records that the run has seen, 0 for none.
	KnownVersion int64
	// Time is when the attempt began.
	Time time.Time
}

// FileName returns the name of the key's copy.
func (k Key) FileName() string { return FileName(k.Organization, k.Type, k.RotationID, k.Hash) }

// Kept is a copy that is on disk.
type Kept struct {
	// Path is where the copy lies.
	Path string
	// Armored is the text of that file. It is another than the one given to [Directory.Keep] if
	// Existed.
	Armored string
	// Existed is true if an earlier attempt with the same material had written the copy, which was
	// left as it is.
	Existed bool
	// Attempt is what the intent file says of the copy, its recipients among it.
	Attempt Attempt
}

// Copy is a copy that was found.
type Copy struct {
	// Path is where the copy lies, and Armored its text. Both are "" for none.
	Path, Armored string
	// Recorded is true if an intent file names the copy's SHA-256 and its key's full hash. Without it,
	// as of provider versions that wrote no intents, the copy merely has the form that the configured
	// recipients give.
	Recorded bool
	// Attempt is what the intent file says of the copy; zero unless Recorded.
	Attempt Attempt
}

// NotOursError says that a file has the name of an escrow copy and is not taken for it.
type NotOursError struct {
	// Path is where the file lies.
	Path string
	// Reason reads on after "but".
	Reason string
}

// Error names the file, the reason and what to do.
func (e *NotOursError) Error() string {
	return fmt.Sprintf("%s lies where the escrow copy of this key belongs, but %s; it is not taken for the copy. See "+
		"what it is, move it away, then apply again", e.Path, e.Reason)
}

// Directory is a directory of escrow files. Its methods may be used concurrently, also by several
// processes.
type Directory struct {
	dir Files
}

// Files are the files that a directory is made of; *durable.Dir is them on a disk, with its
// promises: each call is done whole or not at all, and what is done survives.
type Files interface {
	// Path names a file in a diagnostic.
	Path(name string) string
	// Create writes a new file. If the name is taken, existed is true and the file stays as it is.
	Create(name, content string) (existed bool, err error)
	Replace(name, content string) error
	// Rename fails with fs.ErrExist if the new name is taken.
	Rename(from, to string) error
	Has(name string) (bool, error)
	Read(name string, limit int64) (content string, there bool, err error)
	// Entries are sorted by name.
	Entries() ([]fs.DirEntry, error)
	// Lock keeps other processes out. It fails with durable.ErrNoLocks if there are no locks.
	Lock(ctx context.Context, name string) (unlock func(), err error)
	Close() error
}

// NewDirectory returns a directory over files.
func NewDirectory(files Files) *Directory { return &Directory{dir: files} }

// CheckDirectory refuses a path that [OpenDirectory] never takes, such as one that begins with ~.
func CheckDirectory(path string) error {
	if err := durable.CheckPath(path); err != nil {
		return fmt.Errorf("escrow.directory: %w", err)
	}
	return nil
}

// OpenDirectory opens the directory, making it and missing parents with mode 0700, and flushing
// what it made to disk. An existing directory keeps its mode: what it holds is ciphertext. Close it
// after use.
func OpenDirectory(path string) (*Directory, error) {
	dir, err := durable.Open(path, what)
	if err != nil {
		return nil, err
	}
	return NewDirectory(dir), nil
}

// Close releases the directory.
func (d *Directory) Close() error { return d.dir.Close() }

// Keep makes the copy of a key durable: it records the attempt in the intent file, and then writes
// the copy under the name of [Key.FileName]. Both are on disk when it returns without error; with
// one, the copy may be there or not, and its attempt says that it was not sent. A run killed at any
// point leaves whole files or none.
//
// Keep never overwrites. If the name is taken by the copy that an earlier attempt recorded, Existed
// is true and that copy stands. Any other file of that name is a [NotOursError]: nothing records
// that it was written for these recipients.
func (d *Directory) Keep(k Key, p *Plan, armored string) (Kept, error) {
	name := k.FileName()
	n, err := ParseFileName(name)
	if err != nil {
		return Kept{}, fmt.Errorf("write the escrow copy: %w", err)
	}
	if _, err := dearmor(armored); err != nil {
		return Kept{}, fmt.Errorf("write the escrow copy: %w", err)
	}
	a := Attempt{
		Time: k.Time, SecretValueHash: k.Hash, KnownVersion: k.KnownVersion, CopySHA256: sha256Hex(armored),
		AgeRecipients: p.Recipients(), RecipientGroups: p.Groups(),
	}
	kept := Kept{Path: d.dir.Path(name), Armored: armored, Attempt: a}
	err = d.locked(func() error {
		intent, _, err := d.Intent(k.Organization, k.Type, k.RotationID)
		if err != nil {
			return err
		}
		there, exists, err := d.dir.Read(name, maxArmored)
		if err != nil {
			return err
		}
		if exists {
			kept.Armored, kept.Existed = there, true
			kept.Attempt, err = d.recorded(intent, n, k.Hash, there)
			return err
		}
		intent.Format, intent.Organization, intent.Type, intent.RotationID = intentFormat, k.Organization, k.Type,
			k.RotationID
		intent.Attempts = append(intent.Attempts, a)
		if err := d.writeIntent(intent); err != nil {
			return err
		}
		taken, err := d.dir.Create(name, armored)
		if err == nil && taken {
			err = fmt.Errorf("write the escrow copy %s: another program made the file meanwhile; apply again", kept.Path)
		}
		return err
	})
	if err != nil {
		return Kept{}, err
	}
	return kept, nil
}

// recorded returns the attempt that wrote a file found under a copy's name, or a [NotOursError].
func (d *Directory) recorded(intent Intent, n Name, hash, text string) (Attempt, error) {
	a, ok := intent.ofCopy(n, hash, text)
	if ok {
		return a, nil
	}
	reason := "nothing records that this provider wrote it for the configured recipients"
	if _, ok := intent.Attempt(hash); ok {
		reason = "it is not the file that the intent beside it records (the SHA-256 differs)"
	}
	return a, &NotOursError{Path: d.dir.Path(n.String()), Reason: reason}
}

// Sending records that a kept key is about to be sent. Once it returns, [Directory.LastAttempt]
// reports the attempt.
func (d *Directory) Sending(k Key, now time.Time) error {
	return d.note(k, func(a *Attempt) { a.SentAt = now })
}

// Refuse marks the copy of a key that Salesforce definitely refused, and that is not in the org: it
// gets the name <copy>.refused (with -2 and so on if that is taken), and is never deleted. It
// returns the new path, "" if the copy is gone.
func (d *Directory) Refuse(k Key, now time.Time) (path string, err error) {
	name := k.FileName()
	if _, err := ParseFileName(name); err != nil {
		return "", fmt.Errorf("rename the escrow copy: %w", err)
	}
	if there, err := d.dir.Has(name); err != nil || !there {
		return "", err
	}
	for n := 1; ; n++ {
		refused := name + refusedExtension
		if n > 1 {
			refused += "-" + strconv.Itoa(n)
		}
		err := d.dir.Rename(name, refused)
		if errors.Is(err, fs.ErrExist) && n < maxRefused {
			continue
		}
		if err != nil {
			return "", err
		}
		return d.dir.Path(refused), d.note(k, func(a *Attempt) { a.RefusedAt = now })
	}
}

// Reinstate takes a refusal back, since the key is in the org all the same: its copy gets its name
// again. The copy is found by the key's hash or, with hash "", by the rotation id, if just one was
// refused; an intent must record it. It reports whether there was one.
func (d *Directory) Reinstate(org, typ, rotationID, hash string) (bool, error) {
	entries, err := d.dir.Entries()
	if err != nil {
		return false, err
	}
	found := map[string]Name{}
	hashes := map[string]string{}
	for _, entry := range entries {
		stem, _, refused := strings.Cut(entry.Name(), copyExtension+refusedExtension)
		name, err := ParseFileName(stem + copyExtension)
		if !refused || err != nil || name.Organization != org || name.Type != typ ||
			hash == "" && name.RotationID != rotationID || hash != "" && name.HashPrefix != byok.HashPrefix(hash) {
			continue
		}
		armored, _, err := d.dir.Read(entry.Name(), maxArmored)
		if err != nil {
			return false, err
		}
		intent, _, err := d.Intent(org, typ, name.RotationID)
		if err != nil {
			return false, err
		}
		if a, ok := intent.ofCopy(name, hash, armored); ok {
			found[entry.Name()], hashes[entry.Name()] = name, a.SecretValueHash
		}
	}
	if len(found) == 0 || hash == "" && len(found) > 1 {
		return false, nil
	}
	file := slices.Min(slices.Collect(maps.Keys(found)))
	name := found[file]
	if err := d.dir.Rename(file, name.String()); err != nil {
		return false, err
	}
	k := Key{Organization: org, Type: typ, RotationID: name.RotationID, Hash: hashes[file]}
	return true, d.note(k, func(a *Attempt) { a.RefusedAt = time.Time{} })
}

// note changes the last attempt with the key's hash. It must be there.
func (d *Directory) note(k Key, change func(*Attempt)) error {
	return d.locked(func() error {
		intent, _, err := d.Intent(k.Organization, k.Type, k.RotationID)
		if err != nil {
			return err
		}
		at := intent.last(k.Hash)
		if at < 0 {
			return fmt.Errorf("%s has no attempt with the hash %s: it was removed or changed since the copy was written",
				d.dir.Path(intentName(k.Organization, k.Type, k.RotationID)), k.Hash)
		}
		change(&intent.Attempts[at])
		return d.writeIntent(intent)
	})
}

// locked runs f while no other process changes an intent. A file system without locks does not stop
// it: the state's lock keeps two runs apart, and this one is for runs with two states.
func (d *Directory) locked(f func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	unlock, err := d.dir.Lock(ctx, lockName)
	if err == nil {
		defer unlock()
	} else if !errors.Is(err, durable.ErrNoLocks) {
		return err
	}
	return f()
}

// Intent returns what is recorded of a rotation, and false if nothing is.
func (d *Directory) Intent(org, typ, rotationID string) (Intent, bool, error) {
	name := intentName(org, typ, rotationID)
	text, there, err := d.dir.Read(name, maxIntent)
	if err != nil || !there {
		return Intent{}, false, err
	}
	intent, err := parseIntent(text, org, typ, rotationID)
	if err != nil {
		return Intent{}, false, fmt.Errorf("%s is no intent file of this rotation: %w; move it away, then apply again",
			d.dir.Path(name), err)
	}
	return intent, true, nil
}

func (d *Directory) writeIntent(i Intent) error {
	text, err := i.text()
	if err != nil {
		return err
	}
	return d.dir.Replace(intentName(i.Organization, i.Type, i.RotationID), text)
}

// Find returns the escrow copy of a key by the org, the type and the key's SecretValueHash,
// whatever its rotation id: one that is recorded, else one that fits the plan, the newest of
// several. It returns no copy if there is no file of such a name or the hash is not one. If there
// are only files that are not taken for the copy, it returns the error of the newest: a
// [NotOursError].
func (d *Directory) Find(org, typ, hash string, p *Plan) (Copy, error) {
	prefix := byok.HashPrefix(hash)
	if prefix == "" {
		return Copy{}, nil
	}
	found, err := d.find(hash, p, func(n Name) bool {
		return n.Organization == org && n.Type == typ && n.HashPrefix == prefix
	})
	if err != nil {
		return Copy{}, err
	}
	return best(found)
}

// FindRotation is Find by the rotation id, for keys whose hash Salesforce does not keep. Copies of
// keys that were never sent are passed over. If several are left, Salesforce has the key of one:
// that is an error, since nothing here says which.
func (d *Directory) FindRotation(org, typ, rotationID string, p *Plan) (Copy, error) {
	found, err := d.find("", p, func(n Name) bool {
		return n.Organization == org && n.Type == typ && n.RotationID == rotationID
	})
	if err != nil {
		return Copy{}, err
	}
	found = slices.DeleteFunc(found, func(c candidate) bool { return c.Recorded && c.Attempt.SentAt.IsZero() })
	if copies := len(found); copies > 1 {
		return Copy{}, fmt.Errorf("the escrow directory holds %d escrow copies of rotation %s, beginning with %s, and one "+
			"of them is of the key in use: keep them all", copies, rotationID, found[0].Path)
	}
	return best(found)
}

// candidate is a file with the name of a copy.
type candidate struct {
	Copy

	written time.Time
	// err is why it is not taken for the copy.
	err error
}

// best returns the recorded copy, else the newest one that fits, else the error of the newest.
func best(found []candidate) (Copy, error) {
	var chosen candidate
	rank := func(c candidate) int {
		switch {
		case c.Recorded:
			return 2
		case c.err == nil:
			return 1
		default:
			return 0
		}
	}
	for _, c := range found {
		// Candidates come sorted by name: of two files of one instant the later name wins.
		if chosen.Path == "" || rank(c) > rank(chosen) || rank(c) == rank(chosen) && !c.written.Before(chosen.written) {
			chosen = c
		}
	}
	if chosen.err != nil {
		return Copy{}, chosen.err
	}
	return chosen.Copy, nil
}

// find judges every regular file whose name matches.
func (d *Directory) find(hash string, p *Plan, match func(Name) bool) ([]candidate, error) {
	entries, err := d.dir.Entries()
	if err != nil {
		return nil, err
	}
	var found []candidate
	for _, entry := range entries {
		name, err := ParseFileName(entry.Name())
		if err != nil || !match(name) || !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("look at the escrow copy %s: %w", d.dir.Path(entry.Name()), err)
		}
		c := candidate{written: info.ModTime()}
		c.Copy, c.err = d.judge(name, hash, p)
		c.Path = d.dir.Path(entry.Name())
		found = append(found, c)
	}
	return found, nil
}

// judge decides whether a file is the copy that its name says it is.
func (d *Directory) judge(n Name, hash string, p *Plan) (Copy, error) {
	name := n.String()
	armored, _, err := d.dir.Read(name, maxArmored)
	if err != nil {
		return Copy{}, err
	}
	intent, there, err := d.Intent(n.Organization, n.Type, n.RotationID)
	if err != nil {
		return Copy{}, err
	}
	if _, err := dearmor(armored); err != nil {
		return Copy{}, &NotOursError{Path: d.dir.Path(name), Reason: err.Error()}
	}
	if there && intent.knows(n.HashPrefix) {
		a, err := d.recorded(intent, n, hash, armored)
		return Copy{Armored: armored, Recorded: err == nil, Attempt: a}, err
	}
	if err := p.Fits(armored); err != nil {
		return Copy{}, &NotOursError{Path: d.dir.Path(name), Reason: err.Error()}
	}
	return Copy{Armored: armored}, nil
}

// LastAttempt returns when a key of a rotation was last sent, and false if none was, or it was
// refused, or the directory can't be read. Provider versions that wrote no intents wrote the copy
// right before sending: there it is the copy's time.
func (d *Directory) LastAttempt(org, typ, rotationID string) (time.Time, bool) {
	var newest time.Time
	intent, there, err := d.Intent(org, typ, rotationID)
	if err != nil {
		return newest, false
	}
	for _, a := range intent.Attempts {
		if a.RefusedAt.IsZero() && a.SentAt.After(newest) {
			newest = a.SentAt
		}
	}
	if there {
		return newest, !newest.IsZero()
	}
	entries, err := d.dir.Entries()
	if err != nil {
		return newest, false
	}
	for _, entry := range entries {
		name, err := ParseFileName(entry.Name())
		if err != nil || name.Organization != org || name.Type != typ || name.RotationID != rotationID {
			continue
		}
		if info, err := entry.Info(); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest, !newest.IsZero()
}

// receiptExtension replaces the extension of the escrow copy that a receipt lies beside.
const receiptExtension = ".receipt.json"

// maxReceipt bounds what is read of a receipt, in bytes: its recipients may be long.
const maxReceipt = 4 << 20

func receiptName(copyName string) (string, error) {
	if _, err := ParseFileName(copyName); err != nil {
		return "", err
	}
	return strings.TrimSuffix(copyName, copyExtension) + receiptExtension, nil
}

// WriteReceipt stores the receipt of the upload whose escrow copy has the given name, beside it and
// under the same promises as [Directory.Keep]. A receipt that is there already is kept.
func (d *Directory) WriteReceipt(copyName, receipt string) error {
	name, err := receiptName(copyName)
	if err != nil {
		return fmt.Errorf("write the receipt: %w", err)
	}
	_, err = d.dir.Create(name, receipt)
	return err
}

// ReadReceipt returns the receipt beside the escrow copy of the given name, and "" if there is
// none.
func (d *Directory) ReadReceipt(copyName string) (string, error) {
	name, err := receiptName(copyName)
	if err != nil {
		return "", fmt.Errorf("read the receipt: %w", err)
	}
	text, _, err := d.dir.Read(name, maxReceipt)
	return text, err
}
