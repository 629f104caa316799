package upload_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/look"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// another is a second user who applies the same configuration.
const another = "005000000000002AAA"

// setting is where a story of the exploration takes place.
type setting struct {
	name string
	// source and typ are those of the wanted key.
	source, typ string
	// unmarked is true for an org whose data encryption keys have no Description.
	unmarked bool
	// directory is true if there is an escrow directory.
	directory bool
	// update is true if the story begins with a key of ours in state, and a trigger that has changed
	// since.
	update bool
	// faults is how many things may go wrong in one story.
	faults int
}

func (s *setting) dataKey() bool { return s.typ == keys.TypeDataKey }

// inputs are those of the configuration. A story of an update begins with a key that was made for
// others.
func (s *setting) inputs(trigger string) keys.Inputs {
	return keys.Inputs{
		Organization: organization, Type: s.typ, Source: s.source, KeyDerivationMode: s.mode(),
		Triggers: map[string]*string{"asked": &trigger},
	}
}

func (s *setting) mode() string {
	if s.dataKey() || s.source == keys.SourceRemote {
		return ""
	}

	return keys.DerivationPBKDF2
}

func (s *setting) wanted() keys.Inputs { return s.inputs("now") }

// world is everything that outlives a run: the org, the escrow directory and the state.
type world struct {
	*setting

	// records are all of the org with their true hashes, the newest last. Who made a record is its
	// CreatedBy: everybody but admin is a run of ours.
	records []keys.Record
	// older is what a replica that lags behind shows: the records before the last change.
	older []keys.Record
	// sessions are the certificates of data encryption keys that were begun.
	sessions []string
	// inFlight is the record of a POST that has not arrived yet, and departed how many records there
	// were when it left.
	inFlight *keys.Record
	departed int
	// files are those of the escrow directory.
	files map[string]string
	// state is nil if there is none.
	state *state
	// user is who applies.
	user string
	// reasons is how many keys of ours may be made: one, and one more each time that somebody else's
	// takes the place of ours.
	reasons int
	// used are the names of what went wrong so far.
	used []string
	// path is the story in words.
	path []string
}

// state is what Terraform keeps of the key.
type state struct {
	// active is the record that the last refresh followed.
	active keys.Record
	ours   keys.Ours
	seen   keys.Observation
	// rotation is the attribute rotation_id.
	rotation string
}

// begin returns the world in which a story begins: an org with a key of Salesforce's own, and for
// an update with a key of ours over it.
func (s *setting) begin() *world {
	w := &world{setting: s, user: me, reasons: 1}
	if s.directory {
		w.files = map[string]string{}
	}
	first := keys.Record{
		Type: s.typ, Source: keys.SourceHSM, KeyDerivationMode: s.mode(), CreatedBy: admin,
		LastModifiedBy: admin,
	}
	w.commit(first)
	if s.update {
		before := keys.RotationID{Fingerprint: s.inputs("before").Fingerprint()}
		r := keys.Record{
			Type: s.typ, Source: s.source, KeyDerivationMode: s.mode(), Description: keys.Describe("", before), CreatedBy: me,
			LastModifiedBy: me,
		}
		if s.source == keys.SourceUploaded {
			r.Hash = hashOf([]byte("before"))
		}
		if s.source == keys.SourceRemote {
			r.RemoteKeyIdentifier = "key"
		}
		if s.unmarked {
			r.Description = ""
		}
		w.commit(r)
		r = w.show(w.records)[1]
		w.state = &state{
			active: r, rotation: before.String(), seen: keys.Observation{ActiveMarker: before.String(), HighestCounter: 0},
			ours: keys.Ours{
				ID: r.ID, RotationID: before.String(), Version: r.Version, Source: r.Source, Hash: r.Hash,
				Users: []string{me},
			},
		}
		if s.unmarked {
			w.state.seen = keys.Observation{HighestCounter: -1}
		}
		w.reasons++
		if s.directory && r.Hash+w.records[1].Hash != "" {
			w.files[escrow.FileName(organization, s.typ, before.String(), w.records[1].Hash)] = "the copy of the key before"
		}
	}
	w.older = nil

	return w
}

func (w *world) clone() *world {
	c := *w
	c.records, c.older, c.sessions = slices.Clone(w.records), slices.Clone(w.older), slices.Clone(w.sessions)
	c.files, c.used, c.path = maps.Clone(w.files), slices.Clone(w.used), slices.Clone(w.path)
	if w.inFlight != nil {
		r := *w.inFlight
		c.inFlight = &r
	}
	if w.state != nil {
		s := *w.state
		s.ours.Users = slices.Clone(s.ours.Users)
		c.state = &s
	}

	return &c
}

// key names what matters of a world, without the hashes and ciphertexts that are random.
func (w *world) key() string {
	var b strings.Builder
	fmt.Fprintln(&b, w.records, w.older, w.sessions, w.user, w.reasons, slices.Sorted(slices.Values(w.used)))
	if w.inFlight != nil {
		fmt.Fprintln(&b, "in flight", *w.inFlight, w.departed)
	}
	if w.state != nil {
		fmt.Fprintln(&b, "state", *w.state)
	}
	hashes := []string{}
	for _, r := range w.records {
		hashes = append(hashes, r.Hash)
	}
	if w.inFlight != nil {
		hashes = append(hashes, w.inFlight.Hash)
	}
	for _, name := range slices.Sorted(maps.Keys(w.files)) {
		var intent escrow.Intent
		if !strings.HasSuffix(name, ".intent") {
			continue
		}
		if json.Unmarshal([]byte(w.files[name]), &intent) == nil {
			fmt.Fprintln(&b, name)
			for _, a := range intent.Attempts {
				fmt.Fprintln(&b, a.SecretValueHash, a.KnownVersion, a.SentAt.IsZero(), a.RefusedAt.IsZero())
				hashes = append(hashes, a.SecretValueHash)
			}
		}
	}
	text := b.String()
	names := slices.Collect(maps.Keys(w.files))
	list := strings.Join(names, "\n")
	if w.state != nil {
		hashes = append(hashes, w.state.ours.UnconfirmedHash)
	}
	for i, hash := range hashes {
		if hash == "" || strings.HasPrefix(hash, "hash ") {
			continue
		}
		alias := fmt.Sprintf("hash %d", i)
		text = strings.ReplaceAll(text, hash, alias)
		list = strings.ReplaceAll(list, byok.HashPrefix(hash), alias)
	}
	sorted := slices.DeleteFunc(strings.Split(list, "\n"), func(name string) bool {
		return strings.HasSuffix(name, ".intent")
	})
	slices.Sort(sorted)

	return text + strings.Join(sorted, "\n")
}

// commit makes a record the ACTIVE one of its type, and returns its id.
func (w *world) commit(r keys.Record) string {
	w.older = slices.Clone(w.records)
	for i := range w.records {
		if w.records[i].Status == keys.StatusActive {
			w.records[i].Status = keys.StatusArchived
		}
	}
	r.Version = int64(len(w.records) + 1)
	r.ID, r.Status, r.CreatedDate = recordID(r.Version), keys.StatusActive, now
	w.records = append(w.records, r)

	return r.ID
}

// inUse is the ACTIVE record.
func (w *world) inUse() *keys.Record { return &w.records[len(w.records)-1] }

// show returns records as the org shows them: of a data encryption key it keeps no hash, and names
// who changed it, not their id.
func (w *world) show(records []keys.Record) []keys.Record {
	shown := slices.Clone(records)
	slices.Reverse(shown)
	if w.dataKey() {
		for i := range shown {
			shown[i].Hash, shown[i].LastModifiedBy, shown[i].Source = "", shown[i].LastModifiedBy+"@example.com",
				keys.SourceUploaded
		}
	}
	slices.Reverse(shown)

	return shown
}

// held reports whether the escrow directory has the copy of a key, under its name or, unless that
// is asked for, that of a refused one.
func (w *world) held(hash string, named bool) bool {
	for name := range w.files {
		if !named {
			name, _, _ = strings.Cut(name, ".refused")
		}
		if n, err := escrow.ParseFileName(name); err == nil && n.HashPrefix == byok.HashPrefix(hash) {
			return true
		}
	}

	return false
}

// option is one thing that may happen at a step. The first option of every step is that nothing
// goes wrong.
type option struct {
	name string
	// free is true for what does not count as another fault, since it is the end of one.
	free bool
	act  func()
}

// tape is which options happen in one run: those given, and after them the first of each step.
type tape struct {
	given  []int
	picked []int
	widths []int
	faults int
}

func (t *tape) choose(options []option) option {
	possible := []option{{}}
	for _, o := range options {
		if o.free || t.faults > 0 {
			possible = append(possible, o)
		}
	}
	n := 0
	if at := len(t.picked); at < len(t.given) {
		n = t.given[at]
	}
	t.picked, t.widths = append(t.picked, n), append(t.widths, len(possible))
	if n > 0 && !possible[n].free {
		t.faults--
	}

	return possible[n]
}

// next returns the tapes that differ from this one in one step after the given ones.
func (t *tape) next() [][]int {
	var tapes [][]int
	for at := len(t.given); at < len(t.picked); at++ {
		for n := 1; n < t.widths[at]; n++ {
			tapes = append(tapes, append(slices.Clone(t.picked[:at]), n))
		}
	}

	return tapes
}

// killed ends a process as kill -9 does: nothing after it is done.
type killed struct{}

// process is one terraform apply: a refresh, a plan and a run. It is the org that the run sees.
type process struct {
	*world

	t    *tape
	user string
	// name begins the words of the path.
	name string
	// running is true from the plan's end to the run's: the time in which a kill leaves something
	// behind.
	running bool
	// opening is true while a session is opened.
	opening bool
	// id is the planned rotation: the marker that somebody may copy.
	id keys.RotationID
	// lagging is what all readings of a process show whose replica lags to its end.
	lagging []keys.Record
	// second is true for a run that began during another. It may pause, and resume when the other one
	// has ended.
	second          bool
	paused          bool
	yields, resumes chan struct{}
	ended           chan struct{}
	waiting         *process
	problems        []string
}

func (p *process) fault(name string, act func()) option {
	return option{name: name, act: func() { p.used = append(p.used, name); act() }}
}

func (p *process) kill() option {
	return p.fault("the run is killed", func() { panic(killed{}) })
}

// step is a point at which something may happen.
func (p *process) step(name string, options ...option) {
	if p.running {
		options = append(options, p.kill())
	}
	o := p.t.choose(options)
	if o.act != nil {
		p.path = append(p.path, p.name+name+": "+o.name)
		o.act()
	}
}

// outside is what others may do before a call.
func (p *process) outside(at string) []option {
	foreign := func(r keys.Record) {
		p.reasons++
		r.Type, r.CreatedBy, r.LastModifiedBy = p.typ, admin, admin
		p.commit(r)
	}
	mark := keys.Describe("", p.guess())
	options := []option{
		p.fault("an admin has Salesforce make a key", func() {
			foreign(keys.Record{Source: keys.SourceHSM, KeyDerivationMode: p.mode()})
		}),
	}
	if !p.unmarked {
		options = append(options, p.fault("an admin makes a key with our marker", func() {
			r := keys.Record{Source: p.source, KeyDerivationMode: p.mode(), Description: mark}
			if p.source == keys.SourceUploaded {
				r.Hash = hashOf([]byte(fmt.Sprint("foreign ", len(p.records))))
			}
			if p.source == keys.SourceRemote {
				r.RemoteKeyIdentifier = "key"
			}
			foreign(r)
		}))
	}
	if !p.dataKey() {
		edit := func(text string) func() {
			return func() {
				p.older = slices.Clone(p.records)
				p.inUse().Description, p.inUse().LastModifiedBy = text, admin
			}
		}
		options = append(options, p.fault("an admin writes our marker on the key in use", edit(mark)))
		if p.inUse().Description != "" {
			options = append(options, p.fault("an admin takes the marker off the key in use", edit("")))
		}
	}
	if p.inFlight != nil {
		options = append(options, option{name: "the POST in flight arrives", free: true, act: func() { p.arrive(at) }})
	}
	switch {
	case !p.second && p.waiting == nil:
		when := ""
		if at == atPost {
			when = ", between the last look of a run and its POST"
		}
		options = append(options,
			p.fault("the same user applies without the state"+when, func() { p.start(me, nil) }),
			p.fault("another user applies without the state"+when, func() { p.start(another, nil) }),
		)
		if p.state != nil {
			options = append(options, p.fault("another user applies with the same state"+when, func() {
				p.start(another, p.state)
			}))
		}
	case p.second && !p.paused:
		options = append(options, p.fault("it pauses until the first run has ended", func() {
			p.paused = true
			p.yields <- struct{}{}
			<-p.resumes
		}))
	}

	return options
}

// guess is the rotation id that somebody who copies a marker would write.
func (p *process) guess() keys.RotationID {
	if !p.id.IsZero() {
		return p.id
	}
	id := keys.RotationID{Fingerprint: p.wanted().Fingerprint()}
	if p.state != nil && p.state.ours.RotationID != "" {
		ours, _ := keys.ParseRotationID(p.state.ours.RotationID)
		id.Counter = ours.Counter + 1
	}

	return id
}

// arrive lets the POST in flight arrive. A session that is gone takes nothing.
func (p *process) arrive(at string) {
	r := *p.inFlight
	p.inFlight = nil
	if p.dataKey() && !p.close(r.RemoteKeyCertificate) {
		return
	}
	r.RemoteKeyCertificate = ""
	if at == atPost || slices.ContainsFunc(p.records[p.departed:], func(r keys.Record) bool {
		return r.CreatedBy != admin
	}) {
		p.used = append(p.used, "it arrives after the last look of the next run")
	}
	p.commit(r)
}

// atPost is the time between the last look of a run and its POST, for others.
const atPost = "POST"

// close ends a session and reports whether it was open.
func (p *process) close(name string) bool {
	at := slices.Index(p.sessions, name)
	if at < 0 {
		return false
	}
	p.sessions = slices.Delete(slices.Clone(p.sessions), at, at+1)

	return true
}

// start runs another process to its end, or until it pauses.
func (p *process) start(user string, from *state) {
	q := &process{
		world: p.world, t: p.t, user: user, name: "second run, ", second: true,
		yields: make(chan struct{}), resumes: make(chan struct{}), ended: make(chan struct{}),
	}
	go func() {
		defer close(q.ended)
		// The state that it would write is lost with it.
		_, _, _ = q.apply(from)
	}()
	select {
	case <-q.yields:
		p.waiting = q
	case <-q.ended:
		p.problems = append(p.problems, q.problems...)
	}
}

// end lets a second run that pauses go on to its end.
func (p *process) end() {
	if q := p.waiting; q != nil {
		close(q.resumes)
		<-q.ended
		p.problems = append(p.problems, q.problems...)
	}
}

// reading is what a reading of the org shows now.
func (p *process) reading(name string) ([]keys.Record, error) {
	late, fails := false, false
	var options []option
	if !p.opening {
		options = p.outside(name)
	}
	if p.older != nil && p.lagging == nil {
		options = append(options,
			p.fault("a replica shows an older org", func() { late = true }),
			p.fault("replicas show an older org until the apply ends", func() { p.lagging = slices.Clone(p.older) }),
		)
	}
	options = append(options, p.fault("the reading fails", func() { fails = true }))
	p.step(name, options...)
	switch {
	case fails:
		return nil, errBroken
	case p.lagging != nil:
		return p.show(p.lagging), nil
	case late:
		return p.show(p.older), nil
	default:
		return p.show(p.records), nil
	}
}

// Records implements upload.Org.
func (p *process) Records(context.Context) ([]keys.Record, time.Time, error) {
	records, err := p.reading("read the records")

	return records, now, err
}

var goodCertificate = sync.OnceValue(func() *byok.Certificate {
	certificate, err := byok.ParseCertificate(goodChain())
	if err != nil {
		panic(err)
	}

	return certificate
})

// Envelope implements upload.Org.
func (p *process) Envelope(context.Context, upload.Request, keys.RotationID, time.Time) (upload.Envelope, error) {
	p.step("read the certificate", p.outside(atPost)...)

	return upload.Envelope{Name: "BYOK", Certificate: goodCertificate()}, nil
}

// post is a POST of a record: whatever may become of it and of its reply.
func (p *process) post(name string, r keys.Record, commit func() bool) error {
	var reply error
	do, fly, die := true, false, false
	set := func(doIt, flying, dies bool, err error) func() {
		return func() { do, fly, die, reply = doIt, flying, dies, err }
	}
	options := append(p.outside(atPost),
		p.fault("the POST is lost", set(false, false, false, errUnknown)),
		p.fault("the reply is lost", set(true, false, false, errUnknown)),
		p.fault("Salesforce refuses", set(false, false, false, errRefused)),
		p.fault("something else refuses what Salesforce has done", set(true, false, false, errRefused)),
		p.fault("the POST is done, the run killed", set(true, false, true, nil)),
	)
	if p.inFlight == nil && r.Type != "" {
		options = append(options,
			p.fault("the POST arrives later", set(false, true, false, errUnknown)),
			p.fault("the POST arrives later, the run is killed", set(false, true, true, nil)),
			p.fault("something else refuses what arrives later", set(false, true, false, errRefused)),
		)
	}
	p.step(name, options...)
	if do && !commit() && reply == nil {
		reply = errRefused
	}
	if fly {
		p.inFlight, p.departed = &r, len(p.records)
	}
	if die {
		panic(killed{})
	}

	return reply
}

// record is the one that a POST makes.
func (p *process) record(description, hash string) keys.Record {
	r := keys.Record{
		Type: p.typ, Source: p.source, KeyDerivationMode: p.mode(), Description: description, Hash: hash,
		CreatedBy: p.user, LastModifiedBy: p.user,
	}
	if p.source == keys.SourceRemote {
		r.RemoteKeyIdentifier = "key"
	}
	if hash != "" && p.files != nil && !p.held(hash, true) {
		p.problems = append(p.problems, "a POST left before its escrow copy was on disk")
	}

	return r
}

// Send implements upload.Org.
func (p *process) Send(_ context.Context, k upload.New) (string, error) {
	if (k.Value == "") != (p.source != keys.SourceUploaded) {
		p.problems = append(p.problems, "a POST without the material that its source needs")
	}
	id := ""
	r := p.record(k.Description, k.Hash)
	err := p.post("POST", r, func() bool { id = p.commit(r); return true })

	return id, err
}

// Read implements upload.Org.
func (p *process) Read(_ context.Context, id string) (keys.Record, error) {
	records, err := p.reading("read back")
	if err != nil {
		return keys.Record{}, err
	}
	if r, ok := keys.Find(records, id); ok {
		return r, nil
	}

	return keys.Record{}, salesforce.ErrNotFound
}

// Change implements upload.Org.
func (p *process) Change(_ context.Context, id string, change upload.Change) error {
	commit := func() bool {
		p.older = slices.Clone(p.records)
		for i := range p.records {
			if p.records[i].ID == id && change.Description != nil {
				p.records[i].Description, p.records[i].LastModifiedBy = *change.Description, p.user
			}
		}

		return true
	}

	return p.post("PATCH", keys.Record{}, commit)
}

// ListDataEncryptionKeys implements upload.DataKeyClient.
func (p *process) ListDataEncryptionKeys(context.Context) ([]salesforce.DataEncryptionKey, error) {
	records, err := p.reading("list the keys")
	if err != nil {
		return nil, err
	}
	var rows []salesforce.DataEncryptionKey
	for _, r := range records {
		rows = append(rows, salesforce.DataEncryptionKey{
			ID: r.ID, Type: "Search Index", Status: r.Status, Version: r.Version, Description: r.Description,
			CreatedDate: r.CreatedDate, CreatedBy: r.CreatedBy,
			LastModifiedBy: r.LastModifiedBy,
		})
	}
	for _, name := range p.sessions {
		rows = append(rows, session(name))
	}

	return rows, nil
}

// BeginDataEncryptionKey implements upload.DataKeyClient.
func (p *process) BeginDataEncryptionKey(_ context.Context, _, name string) (string, error) {
	err := p.post("first step", keys.Record{}, func() bool {
		if slices.Contains(p.sessions, name) {
			return false
		}
		p.sessions = append(slices.Clone(p.sessions), name)

		return true
	})

	return "4vQ000000000009AAA", err
}

// FinishDataEncryptionKey implements upload.DataKeyClient. The id in its reply is that of the
// temporary row, which vanishes.
func (p *process) FinishDataEncryptionKey(_ context.Context, k salesforce.NewDataEncryptionKey) (string, error) {
	name := strings.TrimPrefix(k.SessionToken.Expose(), "token of ")
	r := p.record(k.Description, p.lastHash())
	flying := r
	flying.RemoteKeyCertificate = name
	err := p.post("second step", flying, func() bool {
		if !p.close(name) {
			return false
		}
		p.commit(r)

		return true
	})

	return "4vQ000000000009AAA", err
}

// lastHash is the hash of the key that is being sent, as the test knows it: the last one that was
// escrowed, else one of its own.
func (p *process) lastHash() string {
	newest, at := "", time.Time{}
	for name, text := range p.files {
		var intent escrow.Intent
		if strings.HasSuffix(name, ".intent") && json.Unmarshal([]byte(text), &intent) == nil &&
			strings.Contains(name, p.id.String()) {
			newest, at = intent.Attempts[len(intent.Attempts)-1].SecretValueHash, now
		}
	}
	if at.IsZero() {
		return hashOf([]byte(fmt.Sprint("sent ", len(p.records), p.user)))
	}

	return newest
}

// CertificateContent implements upload.DataKeyClient.
func (p *process) CertificateContent(context.Context, string) ([]byte, bool, error) {
	p.step("read the session's certificate", p.outside(atPost)...)

	return goodChain(), true, nil
}

// Now implements upload.DataKeyClient.
func (p *process) Now() time.Time { return now }

// The files of the escrow directory: each call is done whole or not at all, and a kill may follow
// it.

func (p *process) Path(name string) string { return name }

func (p *process) Create(name, content string) (bool, error) {
	if _, there := p.files[name]; there {
		return true, nil
	}

	return false, p.Replace(name, content)
}

func (p *process) Replace(name, content string) error {
	p.files[name] = content
	kind := name[strings.LastIndex(name, ".")+1:]
	p.step("wrote the " + kind)

	return nil
}

func (p *process) Rename(from, to string) error {
	if _, taken := p.files[to]; taken {
		return fs.ErrExist
	}
	if text, there := p.files[from]; there {
		delete(p.files, from)
		p.files[to] = text
		p.step("renamed the copy")
	}

	return nil
}

func (p *process) Has(name string) (bool, error) {
	_, there := p.files[name]

	return there, nil
}

func (p *process) Entries() ([]fs.DirEntry, error) {
	var entries []fs.DirEntry
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		entries = append(entries, entry(name))
	}

	return entries, nil
}

func (p *process) Lock(context.Context, string) (func(), error) { return func() {}, nil }

func (p *process) Close() error { return nil }

// entry is a file of the directory in memory.
type entry string

func (e entry) Name() string               { return string(e) }
func (e entry) IsDir() bool                { return false }
func (e entry) Type() fs.FileMode          { return 0 }
func (e entry) Mode() fs.FileMode          { return 0o600 }
func (e entry) Info() (fs.FileInfo, error) { return e, nil }
func (e entry) Size() int64                { return 0 }
func (e entry) ModTime() time.Time         { return now }
func (e entry) Sys() any                   { return nil }

// disk is the directory of a process. Its Read is not that of the org.
type disk struct{ *process }

func (d disk) Read(name string, _ int64) (string, bool, error) {
	text, there := d.files[name]

	return text, there, nil
}

var explorePlan = sync.OnceValue(func() *escrow.Plan {
	plan, err := escrow.NewPlan([]string{"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"})
	if err != nil {
		panic(err)
	}

	return plan
})

// org is the kind of key as the run sees it.
func (p *process) org() upload.Org {
	if p.dataKey() {
		return dataKeys{&upload.DataKeys{Client: p, Patience: brief}, p}
	}

	return p
}

// dataKeys are the data encryption keys of a process. What it reads while it opens a session is no
// look for its own key.
type dataKeys struct {
	*upload.DataKeys

	p *process
}

// Envelope implements upload.Org.
func (d dataKeys) Envelope(ctx context.Context, r upload.Request, id keys.RotationID, now time.Time) (upload.Envelope,
	error,
) {
	d.p.opening = true
	defer func() { d.p.opening = false }()

	return d.DataKeys.Envelope(ctx, r, id, now)
}

// brief is one look and one more.
var brief = look.Patience{
	Waits: []time.Duration{time.Second},
	Sleep: func(context.Context, time.Duration) error { return nil },
}

func newDirectory(p *process) *escrow.Directory { return escrow.NewDirectory(disk{p}) }
