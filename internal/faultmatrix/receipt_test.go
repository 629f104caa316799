package faultmatrix

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest/namespace"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/durable"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt/schema"
)

// receiptPatience is how long the provider waits for the lock of the receipt directory here.
const receiptPatience = 2 * time.Second

// keptReceipts returns the receipts of the directory, the oldest first, whose chain must be whole.
func (l *lane) keptReceipts() ([]string, error) {
	directory, err := receipt.OpenDirectory(l.receipts)
	if err != nil {
		return nil, err
	}
	chain, err := directory.Verify()
	err = errors.Join(err, directory.Close())
	var texts []string
	for n := int64(1); n <= chain.Last && err == nil; n++ {
		var e receipt.Envelope
		var text []byte
		if text, err = os.ReadFile(filepath.Join(l.receipts, fmt.Sprintf("%08d.json", n))); err == nil {
			err = json.Unmarshal(text, &e)
		}
		texts = append(texts, string(e.Receipt))
	}

	return texts, err
}

func (l *lane) receiptInState(address string) string {
	text, _ := l.state(address)["receipt"].(string)

	return text
}

// judgeReceipt expects the receipt in state to fit the schema and to be in the directory, whose
// chain is whole.
func (l *lane) judgeReceipt(op operation) []string {
	texts, err := l.keptReceipts()
	text := l.receiptInState(op.address)
	switch {
	case err != nil:
		return []string{fmt.Sprintf("the receipts in the directory: %v", err)}
	case op.rereads || op.silent && text == "":
		return nil
	case !slices.Contains(texts, text):
		return []string{fmt.Sprintf("the receipt in state is not in the directory: %q", text)}
	}
	if err := schema.Validate(text); err != nil {
		return []string{fmt.Sprintf("the receipt in state: %v: %s", err, text)}
	}

	return nil
}

// write is a write whose receipt is struck: an operation, and the next write of the same resource,
// whose receipt follows.
type write struct {
	operation

	request string
	next    func(l *lane)
}

// struckWrites are the operations of the matrix that stand for the kinds of writes, and the making
// of a certificate, which no second apply could finish after a lost reply.
func struckWrites() []write {
	next := map[string]func(*lane){
		"create":   func(l *lane) { l.config(keyBlock(l.escrow(), trigger(2))) },
		"destroy":  func(l *lane) { l.config(recordBlock(l, "ARCHIVED")) },
		"restore":  func(l *lane) { l.config(recordBlock(l, "DESTROYED")) },
		"settings": func(l *lane) { l.config(settingsBlock("allow_key_derivation_opt_out = false")) },
		"root key": func(l *lane) { l.config(rootKeyBlock("Active")) },
	}
	requests := map[string]string{
		"create": post, "destroy": patchStatus, "restore": patchStatus, "settings": deploy, "root key": patchRoot,
	}
	var all []write
	for _, op := range operations() {
		if next[op.name] != nil {
			all = append(all, write{op, requests[op.name], next[op.name]})
		}
	}

	return append(all, write{operation{
		name: "make a certificate", address: madeAddress,
		judge: func(l *lane) []string {
			if l.state(madeAddress)["sha256_fingerprint"] == nil {
				return []string{"the state has no fingerprint"}
			}

			return nil
		},
		prepare: func(l *lane, _ int) { l.config(madeBlock) },
	}, deploy, func(l *lane) { l.config("") }})
}

const (
	madeAddress = "salesforcebyok_certificate.made"
	madeBlock   = `
resource "salesforcebyok_certificate" "made" {
  developer_name  = "Made"
  deletion_policy = "DELETE"
}
`
)

// place is one way in which the receipt directory fails.
type place struct {
	name, meaning string
	// said is a part of what the provider says of it.
	said string
	// every means that each kind of write is struck, and not the first alone.
	every bool
	// strike makes the directory fail, and returns what mends it.
	strike func(l *lane) (mend func())
}

// swap puts something else in the place of a file or directory.
func (l *lane) swap(path string, put func() error) (mend func()) {
	moved := path + ".moved"
	err := os.Rename(path, moved)
	there := !errors.Is(err, os.ErrNotExist)
	if !there {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err := errors.Join(err, put()); err != nil {
		l.t.Errorf("striking %s: %v", path, err)
	}

	return func() {
		err := os.RemoveAll(path)
		if there {
			err = errors.Join(err, os.Rename(moved, path))
		}
		if err != nil {
			l.t.Errorf("mending %s: %v", path, err)
		}
	}
}

// places are those that need nothing of the system.
func places() []place {
	return []place{
		{
			name: "locked", meaning: "another process holds the lock of the directory",
			said: "another process holds the lock", every: true,
			strike: func(l *lane) func() {
				other, err := durable.Open(l.receipts, "receipt directory")
				if err != nil {
					l.t.Fatal(err)
				}
				unlock, err := other.Lock(l.t.Context(), ".receipts.lock")
				if err != nil {
					l.t.Fatal(err)
				}

				return func() {
					unlock()
					_ = other.Close() // nothing was written
				}
			},
		},
		{
			name: "replaced", meaning: "a file lies where the directory was", said: "expected a directory",
			strike: func(l *lane) func() {
				return l.swap(l.receipts, func() error { return os.WriteFile(l.receipts, nil, 0o600) })
			},
		},
		{
			name: "damaged", meaning: "the newest receipt is cut off", said: "is no receipt of this provider",
			strike: func(l *lane) func() {
				newest := filepath.Join(l.receipts, "00000001.json")
				if found, _ := filepath.Glob(filepath.Join(l.receipts, "*.json")); len(found) > 0 {
					newest = found[len(found)-1]
				}

				return l.swap(newest, func() error { return os.WriteFile(newest, []byte(`{"previous":`), 0o600) })
			},
		},
	}
}

// mountedPlaces are those of a file system of its own, on which the receipts lie.
func mountedPlaces() []place {
	return []place{
		{
			name: "full", meaning: "the disk of the directory is full", said: "the disk is full", every: true,
			strike: func(l *lane) func() {
				name := filepath.Join(filepath.Dir(l.receipts), "filler")
				filler, err := os.Create(name)
				for err == nil {
					_, err = filler.Write(make([]byte, 512))
				}
				_ = filler.Close() // it is full

				return func() {
					if err := os.Remove(name); err != nil {
						l.t.Error(err)
					}
				}
			},
		},
		{
			name: "read-only", meaning: "the file system of the directory is read-only",
			said: "the file system is read-only", every: true,
			strike: func(l *lane) func() {
				disk := filepath.Dir(l.receipts)
				namespace.ReadOnly(l.t, disk, true)

				return func() { namespace.ReadOnly(l.t, disk, false) }
			},
		},
	}
}

// forbiddenPlaces are those of a user who is bound by permissions.
func forbiddenPlaces() []place {
	return []place{{
		name: "forbidden", meaning: "the user may not write to the directory", said: "may not write or read there",
		strike: func(l *lane) func() {
			chmod := func(mode os.FileMode) {
				if err := errors.Join(os.MkdirAll(l.receipts, 0o700), os.Chmod(l.receipts, mode)); err != nil {
					l.t.Error(err)
				}
			}
			chmod(0o500)

			return func() { chmod(0o700) }
		},
	}}
}

// placesText is the part of MATRIX.md about the receipt directory.
func placesText() string {
	var out strings.Builder
	out.WriteString("## The receipt directory\n\n" +
		"Struck before an apply: nothing is sent, and the next apply does it all. Struck when the write reaches the org: " +
		"the write stays, a warning has the receipt, the\nstate has it too, and the receipt that follows names it: the " +
		"gap in the directory shows. Each at")
	for i, w := range struckWrites() {
		if i > 0 {
			out.WriteString(",")
		}
		out.WriteString(" " + w.name)
	}
	out.WriteString(", or at create alone.\n\n")
	for _, p := range slices.Concat(places(), mountedPlaces(), forbiddenPlaces()) {
		at := "create alone"
		if p.every {
			at = "each"
		}
		fmt.Fprintf(&out, "- **%s** (%s): %s\n", p.name, at, p.meaning)
	}

	return out.String()
}

// TestReceiptDirectory strikes the receipt directory: before an apply, and at the moment at which
// the write reaches the org. Before it nothing is sent. After it the write stays, the state has the
// receipt, and the receipt that follows names one that is not in the directory.
func TestReceiptDirectory(t *testing.T) {
	t.Parallel()
	acctest.NeedsCLI(t)
	strikePlaces(t, "", places())
}

func TestReceiptDirectoryOnADisk(t *testing.T) {
	t.Parallel()
	acctest.NeedsCLI(t)
	namespace.Run(t, namespace.Root, func(t *testing.T, path string) {
		t.Helper()
		strikePlaces(t, path, mountedPlaces())
	})
}

func TestReceiptDirectoryWithoutPermission(t *testing.T) {
	t.Parallel()
	acctest.NeedsCLI(t)
	namespace.Run(t, namespace.User, func(t *testing.T, _ string) {
		t.Helper()
		strikePlaces(t, "", forbiddenPlaces())
	})
}

// strikePlaces runs the rows. With a path, each gets a small disk of its own below it.
func strikePlaces(t *testing.T, path string, all []place) {
	t.Helper()
	for _, p := range all {
		for i, w := range struckWrites() {
			for when, late := range map[string]bool{"before": false, "at the write": true} {
				if i > 0 && !p.every {
					continue
				}
				t.Run(strings.Join([]string{p.name, w.name, when}, "/"), func(t *testing.T) {
					t.Parallel()
					l := newLane(t, w.seed, fault{name: p.name})
					if path != "" {
						disk := filepath.Join(path, fmt.Sprintf("%s-%d-%t", p.name, i, late))
						namespace.Mount(t, disk, "size=64k")
						l.receipts = filepath.Join(disk, "receipts")
					}
					l.placeRow(w, p, late)
				})
			}
		}
	}
}

// placeRow strikes the directory of one write.
func (l *lane) placeRow(w write, p place, late bool) {
	w.prepare(l, 1)
	before, mark, mend := l.mustKeep(), l.edge.mark(), func() {}
	if late {
		l.fault.strike = func(s *strike) {
			mend = p.strike(l)
			s.edge.pass(s.w, s.r, s.note, true)
		}
		l.edge.arm(l, l.fault, []string{w.request}, 1)
	} else {
		mend = p.strike(l)
	}
	code, out := l.apply()
	l.edge.heal()
	mend()
	complain := func(format string, args ...any) {
		l.t.Errorf("%s\nthe apply printed:\n%s", fmt.Sprintf(format, args...), tail(out))
	}

	text, want := flat(out), "Error: The receipt directory can't be written to"
	if late {
		want = "Warning: The receipt could not be kept"
	}
	if (code == 0) != late || !strings.Contains(text, want) || !strings.Contains(text, p.said) {
		complain("exit code %d, expected %q, because %q", code, want, p.said)
	}
	committed := slices.ContainsFunc(l.edge.since(mark), func(e entry) bool { return e.committed })
	if committed != late {
		complain("the org was changed: %t, expected %t", committed, late)
	}
	if kept := l.mustKeep(); !slices.Equal(kept, before) {
		complain("the directory holds other receipts than before: %q", kept)
	}
	if !late {
		if !strings.Contains(text, "Nothing was sent") {
			complain("it does not say that nothing was sent")
		}
		l.must()
	}
	last := l.receiptInState(w.address)
	if late && !strings.Contains(text, flat(last)) {
		complain("the warning does not have the receipt in state, %s", last)
	}
	if code, out := l.run("plan", "-no-color", "-input=false", "-detailed-exitcode"); code != acctest.PlanEmpty {
		complain("the plan is not empty, exit code %d\n%s", code, out)
	}
	if wrong := w.judge(l); len(wrong) > 0 {
		complain("%s", strings.Join(wrong, "; "))
	}

	w.next(l)
	l.must()
	kept := l.mustKeep()
	r, err := receipt.Parse(kept[len(kept)-1])
	if err != nil || r.Previous == nil || *r.Previous != receipt.Sum(last) {
		complain("the next receipt does not follow the one in state, %s: %+v, %v", receipt.Sum(last), r, err)
	}
	if slices.Contains(kept, last) == late {
		complain("the receipt of the struck write is in the directory: %t", late)
	}
}

// mustKeep returns the receipts of the directory.
func (l *lane) mustKeep() []string {
	texts, err := l.keptReceipts()
	if err != nil {
		l.t.Fatal(err)
	}

	return texts
}

// flat is what the CLI printed, without its frames and line ends.
func flat(out string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("│", " ", "╷", " ", "╵", " ").Replace(out)), " ")
}
