package conformance_test

import (
	"cmp"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

// items are what a live run asks, in order: the facts, then the behaviours.
func items() []item {
	var all []item
	for _, f := range facts() {
		all = append(all, f.item())
	}
	for _, b := range behaviours() {
		all = append(all, b.item())
	}
	return all
}

// The facts and the behaviours on the org that SALESFORCE_* names. What is refuted or fails also
// fails the test: the simulator, and perhaps the provider, are wrong then. `make testacc-live` runs
// it; TestTheLiveSuite... run it on the simulator.
func TestLive(t *testing.T) { //nolint:paralleltest // one org, whose keys follow each other
	if os.Getenv("TF_ACC") != "1" {
		t.Skip("TF_ACC is not 1: no real org is touched")
	}
	allowed, err := readPermits(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	o := live(t)
	b := &budget{permits: allowed, uploaded: map[string]bool{}}
	steps := b.plan(items())
	if allowed.dryRun {
		t.Logf("Dry run: nothing is sent to %s, not even a login. Without SALESFORCE_LIVE_DRY_RUN this would happen:\n%s",
			o.instance, announce(allowed, steps))
		return
	}
	if allowed.organization == "" {
		t.Fatal("SALESFORCE_LIVE_ORGANIZATION_ID is not set: set it to the id of the org that the run is meant for. " +
			"Nothing was sent")
	}
	start := &probe{T: t, org: o}
	o.about = start.organization()
	if err := allowed.confirm(o.about); err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Abs(cmp.Or(allowed.report, filepath.Join("..", "..", "bin", "live.json")))
	if err != nil {
		t.Fatal(err)
	}
	started := time.Now().UTC().Truncate(time.Second)
	o.types, o.folder, o.run = allowed.types, strings.TrimSuffix(path, ".json")+".work", started.Format("20060102T150405Z")
	done := &record{
		OrganizationID: o.about.id, OrganizationKind: o.about.kind(), Instance: o.instance, APIVersion: o.version,
		CLI: acctest.CLIName(), Started: started,
		RotationsAllowed: allowed.rotations, APICallsAllowed: allowed.calls, path: path,
	}
	t.Logf("This will happen on %s: org %s (%s, %s), API %s, %s.\n%s", o.instance, o.about.id, o.about.kind(),
		o.about.edition, o.version, done.CLI, announce(allowed, steps))
	start.recover(allowed)
	if err := errors.Join(os.MkdirAll(o.folder, 0o700), done.begin(steps)); err != nil {
		t.Fatal(err)
	}

	r := &liveRun{org: o, budget: b, record: done, before: start.inventory()}
	r.began = o.used
	for _, i := range items() {
		if !r.ask(t, i) {
			t.Errorf("%s %s: %s", i.kind, i.name, r.reason)
		}
	}
	r.close(t)
}

// liveRun is a run under way.
type liveRun struct {
	*org

	budget *budget
	record *record
	began  int                 // the org's count of API calls at the start
	before map[string]leftover // the org's tenant secrets, by id, as last seen
	made   map[string]string   // which item made which tenant secret
	reason string              // of the newest failure
}

// ask asks one item and records what became of it.
func (r *liveRun) ask(t *testing.T, i item) bool {
	t.Helper()
	how, spent := left, r.used
	var p *probe
	good := t.Run(i.name, func(t *testing.T) {
		p = &probe{T: t, org: r.org}
		if refusal := r.budget.refuses(i); refusal != "" {
			p.Skip(refusal)
		}
		if used := r.used - r.began; used+i.calls > r.budget.calls {
			p.Skipf("of the %d API calls of SALESFORCE_LIVE_API_CALLS %d are used, and it may take %d", r.budget.calls, used,
				i.calls)
		}
		if err := r.record.settle(i, left, "the run ended during it", 0); err != nil {
			p.Fatal(err)
		}
		defer func() {
			if i.kind == asBehaviour || i.needs != 0 {
				r.charge(p, i)
			}
		}()
		i.check(p)
		how = ended
	})
	switch {
	case good:
	case i.kind == asFact && p.unheard:
		how = left // Salesforce has not spoken, and the run fails all the same
	default:
		how = broke
	}
	r.reason = p.reason
	if how == ended {
		r.reason = ""
	}
	if err := r.record.settle(i, how, r.reason, max(r.used-spent, 0)); err != nil {
		t.Error(err)
	}
	return good
}

// charge counts what an item has made against the budget, and fails the item if that is more than
// it said.
func (r *liveRun) charge(p *probe, i item) {
	announced := r.budget.spends(i)
	now := p.inventory()
	fresh := 0
	for id, key := range now {
		if _, known := r.before[id]; known {
			continue
		}
		fresh++
		if !strings.HasPrefix(key.Description, mark) {
			p.Logf("somebody else has made %s meanwhile, a %s key", id, key.Type)
			continue
		}
		if r.made == nil {
			r.made = map[string]string{}
		}
		r.made[id] = i.name
	}
	if fresh > announced {
		p.Errorf("the org has %d new tenant secrets, and %d were announced", fresh, announced)
	}
	r.before = now
	r.budget.rotations -= fresh
	r.budget.uploaded[asFact] = r.uploaded != nil
	r.budget.uploaded[asBehaviour] = r.lineage != nil
	r.record.RotationsSpent += fresh
	r.record.APICallsSpent = r.used - r.began
	r.record.LeftBehind = r.leftovers()
}

// leftovers are the keys that the run has made, as they are now.
func (r *liveRun) leftovers() []leftover {
	all := []leftover{}
	for id, maker := range r.made {
		key := r.before[id]
		key.MadeBy = maker
		all = append(all, key)
	}
	slices.SortFunc(all, func(a, b leftover) int { return cmp.Compare(a.Version, b.Version) })
	return all
}

// close ends the record and lists what stays in the org.
func (r *liveRun) close(t *testing.T) {
	t.Helper()
	p := &probe{T: t, org: r.org}
	r.before = p.inventory()
	r.record.LeftBehind, r.record.APICallsSpent = r.leftovers(), r.used-r.began
	finished := time.Now().UTC().Truncate(time.Second)
	r.record.Finished = &finished
	if err := r.record.write(); err != nil {
		t.Error(err)
	}
	if r.archived != nil && r.before[r.archived.id].Status == "DESTROYED" {
		t.Errorf("%s is DESTROYED and could not be restored. Its export is in %s: the next run with "+
			"SALESFORCE_LIVE_DESTROY=1 tries again", r.archived.id, r.folder)
	} else if err := os.RemoveAll(r.folder); err != nil {
		t.Error(err)
	}
	var out strings.Builder
	out.WriteString("Facts: " + counts(r.record.Facts) + ". Behaviours: " + counts(r.record.Behaviours) + ".\n")
	out.WriteString("Spent: " + strconv.Itoa(r.record.RotationsSpent) + " new tenant secrets, " +
		strconv.Itoa(r.record.APICallsSpent) + " API calls.\n")
	for _, key := range r.record.LeftBehind {
		out.WriteString("Left behind: " + key.ID + ", " + key.Type + " version " + strconv.Itoa(key.Version) + ", " +
			key.Status + ", " + strconv.Quote(key.Description) + ", by " + key.MadeBy + "\n")
	}
	if len(r.record.LeftBehind) == 0 {
		out.WriteString("Nothing was left behind.\n")
	}
	t.Logf("%sThe record is in %s, and as Markdown beside it.", out.String(), r.record.path)
}

// exportSuffix ends the name of a file that holds the export of the tenant secret whose id the name
// begins with.
const exportSuffix = ".export"

// keep stores an export where a later run finds it, before the key that only it restores is
// destroyed.
func (p *probe) keep(u *upload) {
	p.Helper()
	if p.folder == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(p.folder, u.id+exportSuffix), []byte(u.exported), 0o600); err != nil {
		p.Fatal(err)
	}
}

// recover restores what a run that died has left destroyed, and removes that run's folder.
func (p *probe) recover(allowed permits) {
	p.Helper()
	names, err := filepath.Glob(filepath.Join(p.folder, "*"+exportSuffix))
	if err != nil {
		p.Fatal(err)
	}
	for _, name := range names {
		id := strings.TrimSuffix(filepath.Base(name), exportSuffix)
		row := p.get("/sobjects/TenantSecret/" + id + "?fields=Status")
		if row.status != http.StatusOK {
			p.Fatalf("%s is what a run that died has left, and this org does not have that record: status %d%s. Move it away, "+
				"or name another SALESFORCE_LIVE_REPORT", name, row.status, row.reason())
		}
		if row.object()["Status"] != "DESTROYED" {
			continue
		}
		if !allowed.destroy {
			p.Fatalf("a run that died has left %s DESTROYED. Its export is in %s: run with SALESFORCE_LIVE_DESTROY=1, which "+
				"restores it first", id, name)
		}
		exported, err := os.ReadFile(name)
		if err != nil {
			p.Fatal(err)
		}
		p.patch(id, map[string]any{"Status": "ARCHIVED", "SecretValue": string(exported)}).want(http.StatusNoContent)
		p.Logf("%s, which a run that died had left DESTROYED, is restored", id)
	}
	if err := os.RemoveAll(p.folder); err != nil {
		p.Fatal(err)
	}
}

// organization asks the org what it is.
func (p *probe) organization() organization {
	p.Helper()
	rows, _ := p.query("/query", "SELECT Id, IsSandbox, OrganizationType FROM Organization")
	if len(rows) != 1 {
		p.Fatalf("the org has %d rows of Organization, want 1. Nothing was done", len(rows))
	}
	sandbox, isBool := rows[0]["IsSandbox"].(bool)
	if !isBool {
		p.Fatal("the org does not say whether it is a sandbox. Nothing was done")
	}
	edition, _ := rows[0]["OrganizationType"].(string)
	return organization{id: p.text(rows[0], "Id"), edition: edition, sandbox: sandbox}
}

// inventory are all tenant secrets of the org, by id.
func (p *probe) inventory() map[string]leftover {
	p.Helper()
	all := map[string]leftover{}
	target := "/query?q=SELECT+Id,Type,Version,Status,Description+FROM+TenantSecret"
	for target != "" {
		page := p.get(target).want(http.StatusOK).object()
		list, _ := page["records"].([]any)
		for _, entry := range list {
			row, _ := entry.(map[string]any)
			version, _ := row["Version"].(float64)
			description, _ := row["Description"].(string)
			id := p.text(row, "Id")
			all[id] = leftover{
				ID: id, Type: p.text(row, "Type"), Version: int(version), Status: p.text(row, "Status"),
				Description: description,
			}
		}
		target, _ = page["nextRecordsUrl"].(string)
	}
	return all
}
