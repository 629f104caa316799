package custody_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/custody"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// life is a record, an operator who applies one wish after the other, and the one thing that
// survives a run: what it saved.
type life struct {
	t      testing.TB
	keeper *custody.Keeper
	org    *org
	saved  string
	script []byte
}

// step is one apply, made of a byte: the wish in its low bits, what goes wrong in its high ones.
type step byte

func (s step) wanted() string {
	if s&1 != 0 {
		return keys.StatusDestroyed
	}

	return keys.StatusArchived
}

func (s step) locks(saved string) keys.Locks {
	locks := keys.Locks{Allowed: s&2 != 0, BackupNone: s&4 != 0, ExportSaved: saved != ""}
	if s&8 != 0 {
		locks.Acknowledgement = recordID
	}

	return locks
}

// trouble is one of sixteen: failing calls, changes by others, and runs that are killed before they
// save.
func (s step) trouble() byte { return byte(s >> 4) }

// arm prepares the trouble of a step and returns whether its result is lost.
func (l *life) arm(trouble byte) (killed bool) {
	o := l.org
	o.faults, o.before = map[string][]fault{}, nil
	meanwhile := func(change func()) {
		done := false
		o.before = func(_ int, call string) {
			if call == "patch" && !done {
				done = true
				change()
			}
		}
	}
	switch trouble {
	case 1:
		o.faults["export"] = []fault{{err: errDown}}
	case 2:
		o.faults["patch"] = []fault{{err: errLost}}
	case 3:
		o.faults["patch"] = []fault{{err: errLost, commit: true}}
	case 4:
		o.faults["patch"] = []fault{{err: errLost, commit: true}}
		o.faults["get"] = []fault{{err: errDown}, {err: errDown}, {err: errDown}, {err: errDown}}
	case 5:
		o.faults["get"] = []fault{{err: errDown}}
	case 6:
		o.faults["patch"] = []fault{{err: errRefused}}
	case 7:
		o.release += 2
	case 8:
		meanwhile(func() { o.release += 2 })
	case 9:
		return true
	case 10:
		o.faults["patch"] = []fault{{err: errLost, commit: true}}

		return true
	case 11:
		o.release += 2

		return true
	case 12: // destroyed in Setup
		if o.row.Status == keys.StatusArchived {
			o.row.Status = keys.StatusDestroyed
		}
	case 13: // restored in Setup
		if o.row.Status == keys.StatusDestroyed {
			o.row.Status = keys.StatusArchived
		}
	case 14:
		meanwhile(func() {
			if o.row.Status == keys.StatusArchived {
				o.row.Status = keys.StatusDestroyed
			}
		})
	}

	return false
}

// apply does what a run with these wishes does. The rules are asked first, as in every plan and
// every apply.
func (l *life) apply(s step) error {
	subject := kept(l.org.row, true, 62)
	locks := s.locks(l.saved)
	action, refusal := subject.Transition(s.wanted())
	if refusal == nil {
		refusal = locks.Check(subject, action)
	}
	if refusal != nil {
		return refusal
	}
	var err error
	killed := l.arm(s.trouble())
	l.watch(locks, action)
	defer func() { l.org.before = nil }()

	var held string
	switch action {
	case keys.Destroy:
		if locks.BackupNone {
			_, err = l.keeper.DestroyForGood(l.t.Context(), recordID)

			break
		}
		var outcome custody.Export
		outcome, err = l.keeper.Destroy(l.t.Context(), recordID, secret.NewText(l.saved))
		held = l.saved
		if errors.Is(err, custody.ErrBackupRenewed) {
			held = outcome.Value.Expose()
		}
	case keys.Restore:
		held = l.saved
		if held != "" {
			_, err = l.keeper.Restore(l.t.Context(), recordID, secret.NewText(held))
		}
	case keys.Stay, keys.Deactivate, keys.Reactivate:
		held = l.saved
		if held == "" && l.org.row.Status == keys.StatusArchived {
			var export custody.Export
			export, err = l.keeper.Save(l.t.Context(), recordID)
			held = export.Value.Expose()
		}
	}
	switch {
	case killed: // nothing of this run reaches the state
	case err == nil && locks.BackupNone:
		if l.org.row.Status != keys.StatusDestroyed || locks.CheckAcknowledgement(subject) == nil {
			l.saved = ""
		}
	case err == nil || errors.Is(err, custody.ErrBackupRenewed):
		l.saved = held
	}

	return err
}

// watch checks, at the moment when a destroy reaches the org, that both locks were open before the
// run began.
func (l *life) watch(locks keys.Locks, action keys.Transition) {
	meanwhile := l.org.before
	sent := 0
	l.org.exported = ""
	l.org.before = func(n int, call string) {
		if meanwhile != nil {
			meanwhile(n, call)
		}
		if call != "patch" {
			return
		}
		sent++
		if sent > 1 {
			l.t.Fatalf("script %v: a second PATCH was sent", l.script)
		}
		if !action.Destructive() {
			return
		}
		acknowledged := locks.BackupNone && locks.Acknowledgement == recordID
		// Saved by an earlier run, and read again by this one with the same result.
		provenBackup := l.saved != "" && l.saved == l.org.exported
		if !locks.Allowed || !acknowledged && !provenBackup {
			l.t.Fatalf("script %v: a key was destroyed with locks %+v and %q saved before", l.script, locks, l.saved)
		}
	}
}

func runLife(t testing.TB, script []byte) {
	t.Helper()
	keeper, org := newKeeper(t, record("UPLOADED", "ARCHIVED"))
	l := &life{t: t, keeper: keeper, org: org, script: script}
	for _, b := range script {
		_ = l.apply(step(b)) // a refusal or an error is as good as a success here
	}
	// Whatever happened, an export that was saved brings the key back.
	org.faults = map[string][]fault{}
	if l.saved == "" || org.row.Status != keys.StatusDestroyed {
		return
	}
	if row, err := keeper.Restore(t.Context(), recordID, secret.NewText(l.saved)); err != nil ||
		row.Status != keys.StatusArchived {
		t.Fatalf("script %v: the saved export %q does not restore: %v", script, l.saved, err)
	}
}

// Steps by name, for seeds.
const (
	stepKeep    = 0
	stepDestroy = 1 | 2
	stepForGood = 1 | 2 | 4 | 8
	killed      = 9 << 4
	lost        = 3 << 4
	release     = 7 << 4
)

// No sequence of wishes and troubles destroys a key without an export that was saved before, or the
// acknowledgement.
func FuzzLife(f *testing.F) {
	for _, script := range [][]byte{
		{stepKeep, stepDestroy, stepKeep},
		{stepDestroy},
		{stepKeep | killed, stepDestroy},
		{stepKeep, stepDestroy | lost, stepKeep},
		{stepKeep, stepDestroy | release, stepDestroy},
		{stepKeep, stepDestroy | 11<<4, stepDestroy, stepDestroy},
		{stepKeep, stepDestroy | 10<<4, stepKeep, stepDestroy},
		{stepForGood, stepKeep},
		{1 | 4 | 8, 1 | 2 | 4, stepForGood | lost},
		{stepKeep, stepDestroy | 8<<4, stepKeep},
	} {
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		const longest = 64
		runLife(t, script[:min(len(script), longest)])
	})
}

func TestLife_random(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(62, 4)) // the same scripts in each run
	for range 20_000 {
		script := make([]byte, 1+random.IntN(12))
		for i := range script {
			script[i] = byte(random.UintN(256))
		}
		runLife(t, script)
	}
}

// The watcher sees: a Keeper that is asked to destroy past the locks is caught by what runLife
// checks.
func TestLife_positiveControl(t *testing.T) {
	t.Parallel()
	for name, locks := range map[string]keys.Locks{
		"not allowed": {ExportSaved: true}, "nothing saved": {Allowed: true, ExportSaved: true},
		"not acknowledged": {Allowed: true, BackupNone: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keeper, org := newKeeper(t, record("UPLOADED", "ARCHIVED"))
			caught := &recorder{TB: t}
			l := &life{t: caught, keeper: keeper, org: org}
			l.watch(locks, keys.Destroy)
			func() {
				defer func() { _ = recover() }()
				_, _ = keeper.DestroyForGood(t.Context(), recordID)
			}()
			if !caught.failed {
				t.Error("expected the destroy to be noticed")
			}
		})
	}
}

// recorder notes a Fatalf instead of failing the test, and unwinds like one.
type recorder struct {
	testing.TB

	failed bool
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = true
	panic(fmt.Sprintf(format, args...))
}
