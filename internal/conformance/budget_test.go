package conformance_test

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The kinds of items.
const (
	asFact      = "fact"
	asBehaviour = "behaviour"
)

// item is one thing that a live run asks of an org: whether a fact holds, or whether the provider
// behaves.
type item struct {
	kind, name string
	// section is that of the fact, or the part of the provider that the behaviour is of.
	section    string
	confidence string // of a fact
	claim      string
	// does says in words what asking does to the org.
	does  string
	needs need
	// makes is how many tenant secrets it makes beside the one that it may look at.
	makes int
	// calls is how many API calls it makes at most.
	calls int
	check func(*probe)
}

// permits say how far a live run may go: what the SALESFORCE_LIVE_* variables allow.
type permits struct {
	organization    string // the id of the org that the run is meant for
	production      bool
	rotations       int
	calls           int
	types           []string // of the keys that may be rotated
	certificate     string   // to wrap with
	deploy, destroy bool
	dryRun          bool
	only            *regexp.Regexp // names of the items to ask
	report          string
}

// intervals are the types that a run may rotate, with how long Salesforce lets pass between two
// keys of one, in a sandbox and elsewhere [D].
var intervals = map[string]struct{ sandbox, elsewhere time.Duration }{
	"Data":              {4 * time.Hour, 24 * time.Hour},
	"Analytics":         {4 * time.Hour, 24 * time.Hour},
	"DeterministicData": {4 * time.Hour, 7 * 24 * time.Hour},
	"EventBus":          {7 * 24 * time.Hour, 7 * 24 * time.Hour},
}

// readPermits reads the variables.
func readPermits(getenv func(string) string) (permits, error) {
	var problems []error
	number := func(name string, otherwise int) int {
		text := getenv(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			problems = append(problems, fmt.Errorf("%s is %q, expected a number, 0 or more", name, text))
		}
		return n
	}
	yes := func(name string) bool {
		text := getenv(name)
		if text != "" && text != "0" && text != "1" {
			problems = append(problems, fmt.Errorf("%s is %q, expected 1, or 0 or nothing", name, text))
		}
		return text == "1"
	}
	p := permits{
		organization: getenv("SALESFORCE_LIVE_ORGANIZATION_ID"), production: yes("SALESFORCE_LIVE_PRODUCTION"),
		rotations: number("SALESFORCE_LIVE_ROTATIONS", 0), calls: number("SALESFORCE_LIVE_API_CALLS", 5000),
		types: []string{"Analytics", "DeterministicData", "Data"}, certificate: getenv("SALESFORCE_LIVE_CERTIFICATE"),
		deploy: yes("SALESFORCE_LIVE_DEPLOY"), destroy: yes("SALESFORCE_LIVE_DESTROY"),
		dryRun: yes("SALESFORCE_LIVE_DRY_RUN"),
		report: getenv("SALESFORCE_LIVE_REPORT"),
	}
	if text := getenv("SALESFORCE_LIVE_TYPES"); text != "" {
		p.types = strings.Split(strings.ReplaceAll(text, " ", ""), ",")
	}
	for _, typ := range p.types {
		if _, known := intervals[typ]; !known {
			problems = append(problems, fmt.Errorf("SALESFORCE_LIVE_TYPES names %q, expected some of %s", typ,
				strings.Join(slices.Sorted(maps.Keys(intervals)), ", ")))
		}
	}
	var err error
	if p.only, err = regexp.Compile(getenv("SALESFORCE_LIVE_ONLY")); err != nil {
		problems = append(problems, fmt.Errorf("SALESFORCE_LIVE_ONLY: %w", err))
	}
	return p, errors.Join(problems...)
}

// organization is what an org says of itself.
type organization struct {
	id, edition string
	sandbox     bool
}

// kind names the org's kind: a scratch org counts as a sandbox, which it says it is [R].
func (o organization) kind() string {
	switch {
	case o.sandbox:
		return "sandbox"
	case o.edition == "Developer Edition":
		return "developer"
	default:
		return "production"
	}
}

// confirm refuses an org that the run is not meant for.
func (p permits) confirm(o organization) error {
	fits := len(p.organization) == 15 && strings.HasPrefix(o.id, p.organization) || p.organization == o.id && o.id != ""
	switch {
	case !fits:
		return fmt.Errorf("SALESFORCE_LIVE_ORGANIZATION_ID is %q, and the credentials lead to the org %q (%s, %s). Nothing "+
			"was done", p.organization, o.id, o.kind(), o.edition)
	case o.kind() == "production" && !p.production:
		return fmt.Errorf("the org %s is a production org (%s). Take a sandbox; or set SALESFORCE_LIVE_PRODUCTION=1 if "+
			"keys of this one may be spent. Nothing was done", o.id, o.edition)
	case p.destroy && !o.sandbox:
		return fmt.Errorf("SALESFORCE_LIVE_DESTROY is for sandboxes, and the org %s is none (%s). Nothing was done", o.id,
			o.kind())
	}
	return nil
}

// budget is what is left of the permits while a run goes on.
type budget struct {
	permits

	// uploaded says, by kind, whether the key that facts, or behaviours, look at is there.
	uploaded map[string]bool
}

// refuses says why an item is not asked, "" if it is.
func (b *budget) refuses(i item) string {
	keys := i.needs&(rotates|looks) != 0
	switch {
	case b.only != nil && !b.only.MatchString(i.name):
		return "SALESFORCE_LIVE_ONLY does not name it"
	case i.needs&prepared != 0:
		return "it needs an org in a state that only the simulator can be put in"
	case keys && b.rotations < b.wants(i):
		return "SALESFORCE_LIVE_ROTATIONS allows no further tenant secret"
	case keys && b.certificate == "":
		return "SALESFORCE_LIVE_CERTIFICATE names no certificate to wrap with"
	case keys && i.kind == asFact && !slices.Contains(b.types, "Data"):
		return "SALESFORCE_LIVE_TYPES does not name Data"
	case i.needs&deploys != 0 && !b.deploy:
		return "SALESFORCE_LIVE_DEPLOY is not 1"
	case i.needs&destroys != 0 && !b.destroy:
		return "SALESFORCE_LIVE_DESTROY is not 1"
	}
	return ""
}

// spends is how many tenant secrets an item makes, if the org does what it is expected to do.
func (b *budget) spends(i item) int {
	if i.needs&looks != 0 && !b.uploaded[i.kind] {
		return i.makes + 1
	}
	return i.makes
}

// wants is how many tenant secrets must be allowed before an item is asked: one more than it makes,
// if it has Salesforce refuse one.
func (b *budget) wants(i item) int {
	if i.needs&rotates != 0 && i.makes == 0 {
		return b.spends(i) + 1
	}
	return b.spends(i)
}

// step is one line of what a run is going to do.
type step struct {
	item

	refusal string // why not, "" for what is done
	spends  int
}

// plan says what a run with this budget does, in order, and leaves the budget as it is.
func (b *budget) plan(items []item) []step {
	left := budget{b.permits, maps.Clone(b.uploaded)}
	if left.uploaded == nil {
		left.uploaded = map[string]bool{}
	}
	var steps []step
	for _, i := range items {
		s := step{item: i, refusal: left.refuses(i)}
		if s.refusal == "" {
			s.spends = left.spends(i)
			left.rotations -= s.spends
			left.uploaded[i.kind] = left.uploaded[i.kind] || i.needs&looks != 0
		}
		steps = append(steps, s)
	}
	return steps
}

// announce renders a plan.
func announce(p permits, steps []step) string {
	var out strings.Builder
	allowed := func(yes bool) string {
		if yes {
			return "allowed"
		}
		return "not allowed"
	}
	fmt.Fprintf(&out, "Allowed: at most %d new tenant secrets, of the types %s, wrapped for %q; %d API calls; deploying "+
		"certificates is %s; destroying keys is %s.\n",
		p.rotations, strings.Join(p.types, ", "), p.certificate, p.calls, allowed(p.deploy), allowed(p.destroy))
	out.WriteString("A new key archives the ACTIVE one of its type, for good: Salesforce deletes no key, and keeps at " +
		"most 50 of a type.\n")
	rotations, calls, asked := 0, 0, 0
	for n, s := range steps {
		if s.refusal != "" {
			fmt.Fprintf(&out, "%4d. %-9s %s: not asked: %s\n", n+1, s.kind, s.name, s.refusal)
			continue
		}
		spent := ""
		if s.spends > 0 {
			spent = fmt.Sprintf(", %d new tenant secret", s.spends)
		}
		fmt.Fprintf(&out, "%4d. %-9s %s: %s (at most %d API calls%s)\n", n+1, s.kind, s.name, s.does, s.calls, spent)
		rotations, calls, asked = rotations+s.spends, calls+s.calls, asked+1
	}
	fmt.Fprintf(&out, "In all: %d of %d are asked, with %d new tenant secrets and at most %d API calls.", asked,
		len(steps), rotations, calls)
	if calls > p.calls {
		fmt.Fprintf(&out, " SALESFORCE_LIVE_API_CALLS is %d: once so many are used, what is left is skipped.", p.calls)
	}
	return out.String()
}

// everything allowed, and one rotation.
func generous() permits {
	return permits{rotations: 1, calls: 5000, types: []string{"Data"}, certificate: "Any", deploy: true, destroy: true}
}

// Without being allowed to, a live run changes nothing.
func TestPermits(t *testing.T) {
	t.Parallel()
	for _, i := range items() {
		none := budget{permits: permits{certificate: "Any", types: []string{"Data"}}}
		if refusal := none.refuses(i); (refusal == "") != (i.needs&^(sends|present) == 0) ||
			i.needs&^(sends|present) == 0 && i.makes > 0 {
			t.Errorf("%s (%s): %q", i.name, i.needs, refusal)
		}
		everything := budget{permits: generous()}
		everything.rotations = 2
		if refusal := everything.refuses(i); (refusal == "") != (i.needs&prepared == 0) {
			t.Errorf("%s, everything allowed: %q", i.name, refusal)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change   func(*permits)
		uploaded bool
		item     item
		want     string
	}{
		"looks":       {func(*permits) {}, false, item{kind: asFact, needs: looks}, ""},
		"looks again": {func(p *permits) { p.rotations = 0 }, true, item{kind: asFact, needs: looks}, ""},
		"looks, nothing left": {
			func(p *permits) { p.rotations = 0 }, false,
			item{kind: asFact, needs: looks},
			"SALESFORCE_LIVE_ROTATIONS",
		},
		"needs a reserve": {
			func(p *permits) { p.rotations = 0 }, true,
			item{kind: asFact, needs: looks | rotates},
			"SALESFORCE_LIVE_ROTATIONS",
		},
		"other kind's key": {
			func(p *permits) { p.rotations = 0 }, true,
			item{kind: asBehaviour, needs: looks},
			"SALESFORCE_LIVE_ROTATIONS",
		},
		"makes two": {
			func(*permits) {}, false,
			item{kind: asBehaviour, needs: looks | rotates, makes: 1},
			"SALESFORCE_LIVE_ROTATIONS",
		},
		"no certificate": {func(p *permits) {
			p.certificate = ""
		}, false, item{kind: asFact, needs: rotates}, "SALESFORCE_LIVE_CERTIFICATE"},
		"Data is not named": {func(p *permits) {
			p.types = []string{"Analytics"}
		}, false, item{kind: asFact, needs: rotates}, "SALESFORCE_LIVE_TYPES"},
		"Data is not needed": {func(p *permits) {
			p.types = []string{"Analytics"}
		}, false, item{kind: asBehaviour, needs: rotates}, ""},
		"deploys": {
			func(p *permits) { p.deploy = false }, false,
			item{needs: deploys},
			"SALESFORCE_LIVE_DEPLOY",
		},
		"destroys": {
			func(p *permits) { p.destroy = false }, false,
			item{needs: destroys},
			"SALESFORCE_LIVE_DESTROY",
		},
		"looks and destroys": {
			func(p *permits) { p.destroy = false }, true,
			item{kind: asFact, needs: looks | destroys},
			"SALESFORCE_LIVE_DESTROY",
		},
		"named": {func(p *permits) {
			p.only = regexp.MustCompile("^Or")
		}, false, item{name: "Organization"}, ""},
		"not named": {func(p *permits) {
			p.only = regexp.MustCompile("^Or")
		}, false, item{name: "Query"}, "SALESFORCE_LIVE_ONLY"},
		"simulator only":       {func(*permits) {}, false, item{needs: prepared}, "simulator"},
		"harmless, no budget":  {func(p *permits) { p.rotations = 0 }, false, item{needs: sends}, ""},
		"reads, nothing given": {func(p *permits) { *p = permits{} }, false, item{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := budget{permits: generous(), uploaded: map[string]bool{asFact: test.uploaded}}
			test.change(&b.permits)
			if got := b.refuses(test.item); test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// A plan spends its budget in order, says what it leaves out, and adds up.
func TestPlan(t *testing.T) {
	t.Parallel()
	b := budget{permits: generous(), uploaded: map[string]bool{}}
	b.rotations = 2
	steps := b.plan([]item{
		{kind: asFact, name: "Reads", does: "reads", calls: 3},
		{kind: asFact, name: "Looks", needs: looks, calls: 3},
		{kind: asFact, name: "LooksAgain", needs: looks, calls: 3},
		{kind: asBehaviour, name: "Makes", needs: rotates, makes: 1, calls: 30},
		{kind: asBehaviour, name: "MakesMore", needs: rotates, makes: 1, calls: 30},
	})
	var spent []int
	for _, s := range steps {
		spent = append(spent, s.spends)
	}
	if !slices.Equal(spent, []int{0, 1, 0, 1, 0}) || b.rotations != 2 || b.uploaded[asFact] {
		t.Errorf("%v, and %+v", spent, b)
	}
	text := announce(b.permits, steps)
	for _, want := range []string{
		"at most 2 new tenant secrets, of the types Data, wrapped for \"Any\"; 5000 API calls",
		"1. fact      Reads: reads (at most 3 API calls)\n",
		"4. behaviour Makes:  (at most 30 API calls, 1 new tenant secret)\n", "5. behaviour MakesMore: not asked: " +
			"SALESFORCE_LIVE_ROTATIONS allows no further",
		"In all: 4 of 5 are asked, with 2 new tenant secrets and at most 39 API calls.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	b.calls = 38
	if text := announce(b.permits, steps); !strings.Contains(text,
		"SALESFORCE_LIVE_API_CALLS is 38: once so many are used") {
		t.Error(text)
	}
}

func TestReadPermits(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		variables map[string]string
		holds     func(permits) bool
		problem   string
	}{
		"nothing": {nil, func(p permits) bool {
			return p.rotations == 0 && p.calls == 5000 && len(p.types) == 3 && !p.deploy && !p.destroy && !p.production &&
				!p.dryRun
		}, ""},
		"everything": {map[string]string{
			"ORGANIZATION_ID": "00DWt0000000001", "ROTATIONS": "3", "API_CALLS": "20", "TYPES": "Data, EventBus",
			"CERTIFICATE": "C", "DEPLOY": "1", "DESTROY": "1",
			"PRODUCTION": "1", "DRY_RUN": "1", "ONLY": "^A", "REPORT": "r.json",
		}, func(p permits) bool {
			return p.organization == "00DWt0000000001" && p.rotations == 3 && p.calls == 20 &&
				slices.Equal(p.types, []string{"Data", "EventBus"}) && p.certificate == "C" &&
				p.deploy && p.destroy && p.production && p.dryRun && p.only.MatchString("AB") && !p.only.MatchString("BA") &&
				p.report == "r.json"
		}, ""},
		"denied": {map[string]string{"DEPLOY": "0", "DESTROY": "0"}, func(p permits) bool {
			return !p.deploy && !p.destroy
		}, ""},
		"negative":  {map[string]string{"ROTATIONS": "-1"}, nil, "SALESFORCE_LIVE_ROTATIONS"},
		"many":      {map[string]string{"ROTATIONS": "many"}, nil, "SALESFORCE_LIVE_ROTATIONS"},
		"half":      {map[string]string{"API_CALLS": "1.5"}, nil, "SALESFORCE_LIVE_API_CALLS"},
		"true":      {map[string]string{"DESTROY": "true"}, nil, "SALESFORCE_LIVE_DESTROY"},
		"Database":  {map[string]string{"TYPES": "Data,Database"}, nil, "SALESFORCE_LIVE_TYPES"},
		"no regexp": {map[string]string{"ONLY": "("}, nil, "SALESFORCE_LIVE_ONLY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readPermits(func(name string) string {
				return test.variables[strings.TrimPrefix(name, "SALESFORCE_LIVE_")]
			})
			switch {
			case test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)):
				t.Errorf("%v, want one about %s", err, test.problem)
			case test.problem == "" && (err != nil || !test.holds(got)):
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	const id = "00DWt0000000001MAA"
	sandbox := organization{id: id, edition: "Enterprise Edition", sandbox: true}
	production := organization{id: id, edition: "Enterprise Edition"}
	developer := organization{id: id, edition: "Developer Edition"}
	for name, test := range map[string]struct {
		permits permits
		org     organization
		want    string
	}{
		"sandbox":             {permits{organization: id}, sandbox, ""},
		"15 characters":       {permits{organization: id[:15]}, sandbox, ""},
		"developer":           {permits{organization: id}, developer, ""},
		"destroy":             {permits{organization: id, destroy: true}, sandbox, ""},
		"production, allowed": {permits{organization: id, production: true}, production, ""},
		"production":          {permits{organization: id}, production, "SALESFORCE_LIVE_PRODUCTION"},
		"unknown kind":        {permits{organization: id}, organization{id: id}, "SALESFORCE_LIVE_PRODUCTION"},
		"other org":           {permits{organization: "00DWt0000000002MAA"}, sandbox, "SALESFORCE_LIVE_ORGANIZATION_ID"},
		"other case":          {permits{organization: strings.ToLower(id)}, sandbox, "SALESFORCE_LIVE_ORGANIZATION_ID"},
		"a part":              {permits{organization: id[:5]}, sandbox, "SALESFORCE_LIVE_ORGANIZATION_ID"},
		"not confirmed":       {permits{}, sandbox, "SALESFORCE_LIVE_ORGANIZATION_ID"},
		"nothing read":        {permits{}, organization{}, "SALESFORCE_LIVE_ORGANIZATION_ID"},
		"destroy elsewhere":   {permits{organization: id, destroy: true}, developer, "SALESFORCE_LIVE_DESTROY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := test.permits.confirm(test.org)
			if (test.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want one about %q", err, test.want)
			}
		})
	}
}
