package upload_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// request is what the plan of a state asks for.
func (p *process) request(s *state, d keys.Decision) upload.Request {
	r := upload.Request{
		Wanted: keys.Wanted{
			Type: p.typ, Source: p.source, KeyDerivationMode: p.mode(), Fingerprint: p.wanted().Fingerprint(),
			RotationID: d.RotationID,
			Asked:      s == nil || keys.AnyAsked(d.Reasons), Hashless: p.dataKey(), Unmarked: p.unmarked,
		},
		Evidence: keys.Evidence{Users: []string{p.user}},
	}
	if p.source == keys.SourceRemote {
		r.RemoteKeyIdentifier = "key"
	}
	if p.source == keys.SourceUploaded {
		r.Certificate, r.Algorithm = "BYOK", byok.RSAOAEPSHA512
		r.Escrow = p.escrow()
	}
	if s != nil {
		r.Evidence.Ours = s.ours
		r.Evidence.Users = append(r.Evidence.Users, s.ours.Users...)
	}

	return r
}

// escrow is nil without a directory.
func (p *process) escrow() *upload.Escrow {
	if p.files == nil {
		return nil
	}

	return &upload.Escrow{Plan: explorePlan(), Directory: newDirectory(p)}
}

// errPlanAgain is a plan that refuses, or an apply that finds another org than its plan.
var errPlanAgain = errors.New("plan again")

// refresh follows the record in use, as a read of the resource does.
func (p *process) refresh(s state) (state, []keys.Record, error) {
	var records []keys.Record
	for range 2 {
		var err error
		if records, _, err = p.org().Records(context.Background()); err != nil {
			return s, nil, err
		}
		if s.seen.Late = s.ours.Late(records, p.typ); !s.seen.Late {
			break
		}
	}
	if s.seen.Late {
		return s, records, nil
	}
	row, ok := keys.Current(records, p.typ)
	if !ok {
		return s, records, errors.New("no ACTIVE key")
	}
	if s.ours.ID == "" {
		id, _ := keys.ParseRotationID(s.ours.RotationID)
		s.ours = p.own(s.ours.Claim(row, records), id, s.ours)
	}
	request := upload.Request{Wanted: keys.Wanted{Type: p.typ}, Escrow: p.escrow()}
	request.Evidence = keys.Evidence{Ours: s.ours, Users: append(slices.Clone(s.ours.Users), p.user)}
	evidence, err := request.Gather(context.Background(), organization, records)
	if err != nil {
		return s, records, err
	}
	s.active, s.seen = row, evidence.Observe(row, records, now)
	s.rotation = s.seen.ActiveMarker
	if p.dataKey() && row.Is(s.ours.ID) {
		s.rotation = s.ours.RotationID
	}

	return s, records, nil
}

func (p *process) own(row keys.Record, id keys.RotationID, before keys.Ours) keys.Ours {
	ours := keys.Ours{
		ID: row.ID, RotationID: id.String(), Version: row.Version, Source: row.Source, Hash: row.Hash,
		Users: before.Users,
	}
	if !slices.Contains(ours.Users, p.user) {
		ours.Users = append(slices.Clone(ours.Users), p.user)
	}

	return ours
}

// decide is the plan of an update.
func (p *process) decide(s state) keys.Decision {
	return keys.Decide(keys.Desired{Inputs: p.wanted()}, keys.Known{
		ActiveID: s.active.ID, Status: s.active.Status, Hash: s.active.Hash, Source: s.active.Source,
		KeyDerivationMode: s.active.KeyDerivationMode,
		Ours:              s.ours, Seen: s.seen,
	})
}

// settled reports whether a plan of a state is empty.
func (p *process) settled(s state) bool {
	d := p.decide(s)

	return !d.Rotate && !d.Keep && d.Refusal == nil && !s.seen.Late && s.rotation == d.RotationID.String()
}

// apply is a terraform apply of the configuration, from a state. It returns the state that
// Terraform writes, and whether it writes one.
func (p *process) apply(from *state) (after *state, written bool, err error) {
	defer func() {
		p.running = false
		if r := recover(); r != nil {
			if _, ok := r.(killed); !ok {
				panic(r)
			}
			after, written, err = nil, false, errors.New("killed")
		}
		p.end()
	}()
	var s *state
	var records []keys.Record
	var d keys.Decision
	if from != nil {
		refreshed, read, err := p.refresh(*from)
		if err != nil {
			return from, false, err
		}
		s, records = &refreshed, read
		d = p.decide(*s)
		switch {
		case d.Refusal != nil:
			return s, true, d.Refusal
		case d.Keep:
			return s, true, nil
		case !d.Rotate:
			return p.adjust(*s, d.RotationID)
		}
		p.id = d.RotationID
	} else if records, _, err = p.org().Records(context.Background()); err != nil {
		return nil, false, err
	}
	request, err := p.plan(s, d, records)
	if err != nil {
		return s, s != nil, err
	}
	p.running = true
	uploader := &upload.Uploader{Organization: organization, Patience: brief}
	result, err := uploader.Run(context.Background(), p.org(), request)
	if err != nil {
		if sent, ok := errors.AsType[*upload.UnknownOutcomeError](err); ok && s != nil {
			s.ours = s.ours.Unanswered(sent.RotationID, sent.SentAt, sent.Hash)
		}
		p.step("write the state")

		return s, s != nil, err
	}
	p.heldPlan(request, result)
	p.step("write the state")
	var before keys.Ours
	if s != nil {
		before = s.ours
	}

	return &state{
		active: result.Record, ours: p.own(result.Owned(), result.RotationID, before), rotation: result.RotationID.String(),
		seen: keys.Observation{ActiveMarker: result.RotationID.String(), HighestCounter: result.RotationID.Counter},
	}, true, nil
}

// plan announces what the run will do.
func (p *process) plan(s *state, d keys.Decision, records []keys.Record) (upload.Request, error) {
	request := p.request(s, d)
	evidence, err := request.Gather(context.Background(), organization, records)
	if err != nil {
		return request, err
	}
	j := keys.Judge(request.Wanted, evidence, records)
	p.id, request.Planned.Over = j.ID, j.Current.ID
	if s != nil {
		request.Planned.Over = s.active.ID
	}
	switch {
	case j.Action == keys.Refuse:
		return request, j.Refusal
	case j.Action == keys.Adopt && s != nil && !j.Record.Is(s.active.ID) && j.Proof == keys.ByWriter:
		return request, errPlanAgain
	case j.Action == keys.Adopt:
		request.Planned.Adopts = j.Record.ID
	}

	return request, nil
}

// heldPlan expects that a run did what its plan has announced, except for what a warning
// allows.
func (p *process) heldPlan(r upload.Request, result upload.Result) {
	adopts := r.Planned.Adopts
	switch {
	case adopts != "" && (!result.Adopted || !result.Record.Is(adopts)):
		p.problems = append(p.problems, "the run did not adopt what its plan has announced")
	case adopts == "" && result.Adopted && warning(result, "A key of an interrupted run was adopted") == nil:
		p.problems = append(p.problems, "the run adopted what its plan has not announced")
	}
}

// adjust brings the Description of the key in use into line.
func (p *process) adjust(s state, id keys.RotationID) (*state, bool, error) {
	if s.seen.Late || s.rotation == id.String() {
		return &s, true, nil
	}
	p.running = true
	records, _, err := p.org().Records(context.Background())
	if err != nil {
		return &s, true, err
	}
	row, ok := keys.Current(records, p.typ)
	if !ok || !row.Is(s.active.ID) {
		return &s, true, errPlanAgain
	}
	if change := upload.ChangeOf(row, keys.Describe("", id), "", ""); !p.dataKey() && !change.IsZero() {
		if err := p.org().Change(context.Background(), row.ID, change); err != nil {
			return &s, true, err
		}
		if row, err = p.org().Read(context.Background(), row.ID); err != nil {
			return &s, true, err
		}
	}
	p.step("write the state")
	s.active, s.rotation, s.ours = row, id.String(), p.own(row, id, s.ours)
	s.seen.ActiveMarker, s.seen.HighestCounter = id.String(), max(s.seen.HighestCounter, id.Counter)

	return &s, true, nil
}

// explorer walks all stories of a setting.
type explorer struct {
	// applies is how many were run.
	applies int
	// seen are the worlds that were reached, with the most faults that were left.
	seen  map[string]int
	found map[string]*finding
}

// finding is one kind of broken promise.
type finding struct {
	what  string
	used  []string
	path  []string
	times int
}

func (e *explorer) report(w *world, what string) {
	used := slices.Sorted(slices.Values(w.used))
	key := what + " | " + strings.Join(used, " + ")
	if f, ok := e.found[key]; ok {
		f.times++
		if len(w.path) < len(f.path) {
			f.path = slices.Clone(w.path)
		}

		return
	}
	e.found[key] = &finding{what: what, used: used, path: slices.Clone(w.path), times: 1}
}

// run runs one apply in a world, by a tape.
func (e *explorer) run(w *world, t *tape) error {
	e.applies++
	p := &process{world: w, t: t, name: fmt.Sprintf("apply %d, ", strings.Count(strings.Join(w.path, "\n"), "apply ")+1)}
	w.path = append(w.path, "apply")
	options := []option{p.fault("another user goes on", func() { w.user = another })}
	if w.state != nil {
		options = append(options, p.fault("the state is lost", func() { w.state = nil }))
	}
	p.step("begin", options...)
	p.user = w.user
	after, written, err := p.apply(w.state)
	if written {
		w.state = after
	}
	for _, problem := range p.problems {
		e.report(w, problem)
	}
	e.check(w)

	return err
}

// check expects what must hold at any time.
func (e *explorer) check(w *world) {
	ids := map[keys.RotationID]bool{}
	ours := 0
	for _, r := range w.records {
		if r.CreatedBy == admin {
			continue
		}
		ours++
		if r.Hash != "" && w.files != nil && !w.held(r.Hash, false) {
			e.report(w, "the escrow copy of a key of ours is gone")
		}
		// A marker that somebody has changed is not the id that the key was sent with.
		if r.LastModifiedBy == admin {
			continue
		}
		if id := r.Marker(); !id.IsZero() {
			if ids[id] {
				e.report(w, "two keys of ours have one rotation id")
			}
			ids[id] = true
		}
	}
	if ours > w.reasons {
		e.report(w, "two keys for one intended rotation")
	}
	if w.state != nil && w.state.ours.ID != "" {
		if r, ok := keys.Find(w.records, w.state.ours.ID); ok && r.CreatedBy == admin {
			e.report(w, "a foreign key was taken for ours")
		}
	}
}

// settle applies until a plan is empty.
func (e *explorer) settle(w *world) {
	var last error
	for applies := 0; ; applies++ {
		if w.state != nil {
			p := &process{world: w, t: &tape{}, user: w.user}
			if s, _, err := p.refresh(*w.state); err == nil && p.settled(s) {
				if r := w.inUse(); r.CreatedBy != admin && r.Hash != "" && w.files != nil && !w.held(r.Hash, true) {
					e.report(w, "the ACTIVE key of ours has no escrow copy")
				}

				return
			}
		}
		if applies == 3 {
			break
		}
		last = e.run(w, &tape{})
	}
	e.report(w, fmt.Sprintf("no empty plan after three applies (%v)", last))
}

func (e *explorer) explore(s *setting) {
	type node struct {
		w      *world
		faults int
		run    int
	}
	queue := []node{{s.begin(), s.faults, 0}}
	for len(queue) > 0 {
		n := queue[0]
		queue = queue[1:]
		tapes := [][]int{nil}
		for len(tapes) > 0 {
			given := tapes[len(tapes)-1]
			tapes = tapes[:len(tapes)-1]
			w, t := n.w.clone(), &tape{given: given, faults: n.faults}
			_ = e.run(w, t)
			tapes = append(tapes, t.next()...)
			key := w.key()
			if best, ok := e.seen[key]; ok && best >= t.faults {
				continue
			}
			_, again := e.seen[key]
			e.seen[key] = t.faults
			if !again {
				e.settle(w.clone())
				if w.inFlight != nil {
					late := w.clone()
					p := &process{world: late}
					late.path = append(late.path, "the POST in flight arrives")
					p.arrive("")
					e.settle(late)
				}
			}
			if t.faults > 0 && n.run < 2 {
				queue = append(queue, node{w, t.faults, n.run + 1})
			}
		}
	}
}

// In no story of at most two faults is a promise broken, but for what is known and can't be
// avoided, which is listed.
func TestExplore(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	needed := map[string]bool{}
	applies, worlds := 0, 0
	t.Run("settings", func(t *testing.T) {
		for _, s := range settings() {
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				e := &explorer{seen: map[string]int{}, found: map[string]*finding{}}
				e.explore(&s)
				mu.Lock()
				defer mu.Unlock()
				applies, worlds = applies+e.applies, worlds+len(e.seen)
				for key, f := range e.found {
					switch names := covering(&s, f); len(names) {
					case 0:
						t.Errorf("%s (%d times): %s", key, f.times, strings.Join(f.path, "; "))
					case 1:
						needed[names[0]] = true
					}
				}
			})
		}
	})
	t.Logf("%d applies explored, which led to %d worlds; each was applied to until its plan was empty", applies, worlds)
	for _, e := range exceptions {
		if faultsOfAStory() > 1 && !needed[e.name] {
			t.Errorf("nothing needs this exception any more: %s", e.name)
		}
	}
}

// faultsOfAStory is how many things go wrong in a story: one in a short run, since two take half a
// minute.
func faultsOfAStory() int {
	if testing.Short() {
		return 1
	}

	return mostFaults
}

func settings() []setting {
	var list []setting
	for _, update := range []bool{false, true} {
		suffix := ", create"
		if update {
			suffix = ", update"
		}
		for _, s := range []setting{
			{name: "UPLOADED", source: keys.SourceUploaded, typ: keys.TypeData},
			{name: "UPLOADED with a directory", source: keys.SourceUploaded, typ: keys.TypeData, directory: true},
			{name: "HSM", source: keys.SourceHSM, typ: keys.TypeData},
			{name: "REMOTE", source: keys.SourceRemote, typ: keys.TypeData},
			{name: "data encryption key", source: keys.SourceUploaded, typ: keys.TypeDataKey},
			{name: "data encryption key with a directory", source: keys.SourceUploaded, typ: keys.TypeDataKey, directory: true},
			{
				name: "data encryption key without a Description", source: keys.SourceUploaded, typ: keys.TypeDataKey,
				unmarked: true,
			},
			{
				name: "data encryption key without a Description, with a directory", source: keys.SourceUploaded,
				typ: keys.TypeDataKey, unmarked: true, directory: true,
			},
		} {
			s.name, s.update, s.faults = s.name+suffix, update, faultsOfAStory()
			if s.dataKey() && (!s.directory || s.unmarked) {
				// One fault is enough to lose sight of a key without a directory or a Description.
				s.faults = 1
			}
			list = append(list, s)
		}
	}

	return list
}

// exception is what is known and can't be avoided.
type exception struct {
	name   string
	covers func(s *setting, f *finding) bool
}

func (f *finding) doubles() bool { return strings.HasPrefix(f.what, "two keys") }

func (f *finding) has(words ...string) bool {
	for _, word := range words {
		if slices.ContainsFunc(f.used, func(used string) bool { return strings.Contains(used, word) }) {
			return true
		}
	}

	return false
}

var exceptions = []exception{
	{"two runs at once without a common lock of the state", func(_ *setting, f *finding) bool {
		return f.doubles() && f.has(" applies with")
	}},
	{"a POST that arrives after the last look of the next run", func(_ *setting, f *finding) bool {
		return f.doubles() && f.has("it arrives after the last look")
	}},
	{"a create that is repeated by another user, without an escrow directory", func(s *setting, f *finding) bool {
		return f.doubles() && !s.directory && f.has("another user goes on")
	}},
	{"a key that replicas hide for longer than a run has patience", func(_ *setting, f *finding) bool {
		return f.doubles() && f.has("replicas show an older org until the apply ends")
	}},
	{"a second attempt without an escrow directory that was killed or refused: private state has the hash of the other " +
		"one", func(s *setting, f *finding) bool {
		return f.doubles() && s.update && !s.directory && s.source == keys.SourceUploaded &&
			f.has("the POST is lost", "arrives later") && f.has("killed", "something else refuses")
	}},
	{
		"a data encryption key without an escrow directory: nothing but the state can prove it",
		func(s *setting, f *finding) bool {
			return f.doubles() && s.dataKey() && !s.directory && (!s.update ||
				f.has("killed", "the state is lost", "something else refuses"))
		},
	},
	{
		"a create in an org whose data encryption keys have no Description: nothing can prove a key",
		func(s *setting, f *finding) bool {
			return f.doubles() && s.unmarked && (!s.update || f.has("the state is lost"))
		},
	},
	{
		"a data encryption key of somebody else's with the marker of an attempt under way",
		func(s *setting, f *finding) bool {
			taken := f.what == "a foreign key was taken for ours" || f.doubles() && f.has("a replica shows an older org")

			return taken && s.dataKey() && !s.unmarked && f.has("an admin makes a key with our marker")
		},
	},
	{
		"a data encryption key that somebody else makes during an attempt, in an org without Descriptions",
		func(s *setting, f *finding) bool {
			return f.what == "a foreign key was taken for ours" && s.unmarked && f.has("an admin has Salesforce make a key")
		},
	},
	{"a data encryption key that something else refuses before it arrives: nothing says which of several copies is its " +
		"own", func(s *setting, f *finding) bool {
		return f.what == "the ACTIVE key of ours has no escrow copy" && s.dataKey() &&
			f.has("something else refuses what arrives later")
	}},
	{"a marker that an admin has edited, without the state or an escrow directory", func(s *setting, f *finding) bool {
		return f.doubles() && (!s.directory || f.has("the state is lost")) &&
			f.has("an admin writes our marker", "an admin takes the marker off")
	}},
}

// covering are the names of the exceptions that cover a finding.
func covering(s *setting, f *finding) []string {
	var names []string
	for _, e := range exceptions {
		if e.covers(s, f) {
			names = append(names, e.name)
		}
	}

	return names
}
