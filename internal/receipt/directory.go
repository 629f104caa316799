package receipt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/durable"
)

const (
	what = "receipt directory"
	// lockName is the lock of the directory, and lockWait how long a run waits for another.
	lockName = ".receipts.lock"
	lockWait = 60 * time.Second
	// maxEnvelope bounds what is read of a file, in bytes.
	maxEnvelope = 8 << 20
)

// Directory keeps receipts as files 00000001.json, 00000002.json and so on, each an [Envelope]. Its
// methods may be used concurrently, also by several processes on one file system.
type Directory struct {
	dir *durable.Dir
}

// Envelope is a file of a [Directory], in RFC 8785 canonical JSON without a newline at its end.
type Envelope struct {
	// Previous is the SHA-256 of the file before it in hexadecimal, as sha256sum prints it; nil for
	// the first.
	Previous *string `json:"previous"`
	// Receipt is the receipt as it stands in state.
	Receipt json.RawMessage `json:"receipt"`
	// Sequence counts from 1 and is the number in the file's name.
	Sequence int64 `json:"sequence"`
}

// CheckDirectory refuses a path that [OpenDirectory] never takes, such as one that begins with ~.
func CheckDirectory(path string) error {
	if err := durable.CheckPath(path); err != nil {
		return fmt.Errorf("receipt_directory: %w", err)
	}
	return nil
}

// OpenDirectory opens the directory, making it and missing parents with mode 0700. Close it after
// use.
func OpenDirectory(path string) (*Directory, error) {
	dir, err := durable.Open(path, what)
	if err != nil {
		return nil, err
	}
	return &Directory{dir: dir}, nil
}

// Close releases the directory.
func (d *Directory) Close() error { return d.dir.Close() }

// Check reports whether a receipt could be appended now. Ask before the write that the receipt will
// be of: it takes the lock, makes and removes a file, and reads the newest receipt.
func (d *Directory) Check(ctx context.Context) error {
	return d.locked(ctx, func() error {
		if err := d.dir.CheckWritable(); err != nil {
			return err
		}
		_, _, err := d.head()
		return err
	})
}

// Append keeps the text of a receipt as the next file, flushed to disk, and returns its path.
func (d *Directory) Append(ctx context.Context, receipt string) (path string, err error) {
	return d.add(ctx, receipt, false)
}

// AppendOnce is Append for a receipt that may be there already, as after an interrupted run. It
// then returns the path of that file.
func (d *Directory) AppendOnce(ctx context.Context, receipt string) (path string, err error) {
	return d.add(ctx, receipt, true)
}

func (d *Directory) add(ctx context.Context, receipt string, once bool) (path string, err error) {
	if _, err := Parse(receipt); err != nil {
		return "", fmt.Errorf("keep the receipt: it %w", err)
	}
	err = d.locked(ctx, func() error {
		sequence, previous, err := d.head()
		if err != nil {
			return err
		}
		for n := sequence; once && n > 0; n-- {
			if e, _, err := d.envelope(n); err == nil && string(e.Receipt) == receipt {
				path = d.dir.Path(envelopeName(n))

				return nil
			}
		}
		text, err := json.Marshal(Envelope{Previous: previous, Receipt: json.RawMessage(receipt), Sequence: sequence + 1})
		if err == nil {
			text, err = Canonical(text)
		}
		if err != nil {
			return fmt.Errorf("keep the receipt: it %w", err)
		}
		name := envelopeName(sequence + 1)
		existed, err := d.dir.Create(name, string(text))
		if err == nil && existed {
			err = fmt.Errorf("%s was made by a program that does not take the lock", d.dir.Path(name))
		}
		path = d.dir.Path(name)
		return err
	})
	if err != nil {
		return "", err
	}
	return path, nil
}

func (d *Directory) locked(ctx context.Context, f func() error) error {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	unlock, err := d.dir.Lock(ctx, lockName)
	if err != nil {
		return err
	}
	defer unlock()
	return f()
}

func envelopeName(sequence int64) string { return fmt.Sprintf("%08d.json", sequence) }

// envelopeNamePattern is compiled when it is first needed.
var envelopeNamePattern = regexp.MustCompile(`^(\d{8,18})\.json$`)

// sequences returns the numbers of the files, in their order.
func (d *Directory) sequences() ([]int64, error) {
	entries, err := d.dir.Entries()
	if err != nil {
		return nil, err
	}
	var found []int64
	for _, entry := range entries {
		m := envelopeNamePattern.FindStringSubmatch(entry.Name())
		if m == nil {
			continue
		}
		n, err := strconv.ParseInt(m[1], 10, 64)
		if err == nil && n > 0 && envelopeName(n) == entry.Name() {
			found = append(found, n)
		}
	}
	slices.Sort(found)
	return found, nil
}

// head returns the number of the newest file and its SHA-256; 0 and nil if there is none.
func (d *Directory) head() (int64, *string, error) {
	found, err := d.sequences()
	if err != nil {
		return 0, nil, err
	}
	if len(found) == 0 {
		return 0, nil, nil
	}
	newest := found[len(found)-1]
	_, text, err := d.envelope(newest)
	if err != nil {
		return 0, nil, err
	}
	sum := Sum(text)
	return newest, &sum, nil
}

// envelope reads a file and checks it alone.
func (d *Directory) envelope(sequence int64) (Envelope, string, error) {
	path := d.dir.Path(envelopeName(sequence))
	text, _, err := d.dir.Read(envelopeName(sequence), maxEnvelope)
	if err != nil {
		return Envelope{}, "", err
	}
	var e Envelope
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return Envelope{}, "", fmt.Errorf("%s is no receipt of this provider: %w", path, err)
	}
	if _, err := Parse(string(e.Receipt)); err != nil {
		return Envelope{}, "", fmt.Errorf("the receipt in %s %w", path, err)
	}
	if e.Sequence != sequence {
		return Envelope{}, "", fmt.Errorf("%s has the sequence %d", path, e.Sequence)
	}
	return e, text, nil
}

// Chain is what [Directory.Verify] found.
type Chain struct {
	// First and Last are the numbers of the oldest and the newest file; 0 for none. First is above 1
	// if older files were moved away: compare Before with the head that was noted then.
	First, Last int64
	// Before is the SHA-256 of the file before First, "" if it is the first of all.
	Before string
	// Head is the SHA-256 of the newest file, "" for none.
	Head string
}

// Verify checks every file: its form, its number, and that its previous is the SHA-256 of the file
// before it. The error names each gap and each changed file.
func (d *Directory) Verify() (Chain, error) {
	var chain Chain
	found, err := d.sequences()
	if err != nil {
		return chain, err
	}
	var problems []error
	for _, n := range found {
		e, text, err := d.envelope(n)
		if err != nil {
			problems = append(problems, err)
			text, _, _ = d.dir.Read(envelopeName(n), maxEnvelope)
		} else if canonical, err := Canonical([]byte(text)); err != nil || string(canonical) != text {
			problems = append(problems, fmt.Errorf("%s is not in canonical form", d.dir.Path(envelopeName(n))))
		}
		previous := ""
		if e.Previous != nil {
			previous = *e.Previous
		}
		switch {
		case chain.First == 0:
			chain.First, chain.Before = n, previous
			if (n == 1) != (previous == "") && err == nil {
				problems = append(problems, fmt.Errorf("%s: only the first file of all has no previous",
					d.dir.Path(envelopeName(n))))
			}
		case n != chain.Last+1:
			problems = append(problems, fmt.Errorf("%s follows %s: files between them are missing", envelopeName(n),
				envelopeName(chain.Last)))
		case previous != chain.Head && err == nil:
			problems = append(problems, fmt.Errorf("%s names another file before it than %s: one of the two was changed",
				envelopeName(n), envelopeName(chain.Last)))
		}
		chain.Last, chain.Head = n, Sum(text)
	}
	return chain, errors.Join(problems...)
}
