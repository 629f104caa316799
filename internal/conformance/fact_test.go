package conformance_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// fact is one thing that is taken for granted of Salesforce.
type fact struct {
	// name is that of its subtest.
	name string
	// section numbers the topic, as the headings of the guide do.
	section string
	// confidence is D documented by Salesforce, V by a vendor, C seen in public code or traffic, I
	// inferred, R recalled, U unknown: the provider bears each answer that may be so.
	confidence string
	// source is where it is from.
	source string
	// claim is the fact in words.
	claim string
	// needs says what checking it does, or wants, beyond reading.
	needs need
	// seed describes the simulated org if the usual one does not do. Several documents describe as
	// many orgs, each of which answers in another way that may be so.
	seed string
	// check fails the test unless the fact holds.
	check func(*probe)
}

// need is what checking a fact or a behaviour does to an org.
type need int

const (
	// rotates: it makes a tenant secret, or would if the fact were wrong.
	rotates need = 1 << iota
	// sends: it logs in wrongly, or sends what must be refused and would change nothing important.
	sends
	// deploys: it makes a certificate and deletes it, or deploys what must be refused.
	deploys
	// destroys: it destroys a key of this suite's own, or would if the fact were wrong.
	destroys
	// looks: it looks at the key that this run uploads, once for all such facts and once for all such
	// behaviours, or changes that key's Description.
	looks
	// prepared: it wants an org in a state that only the simulator can be put in.
	prepared
	// present: it skips itself on an org that lacks what it is about.
	present
)

func (n need) String() string {
	names := map[need]string{
		rotates: "makes a tenant secret", sends: "sends a request that must be refused or is harmless",
		looks: "looks at the key that this run uploads", deploys: "deploys metadata, and deletes it again",
		destroys: "destroys a key of its own", prepared: "simulator only", present: "where the org has it",
	}
	var out []string
	for bit := rotates; bit <= present; bit <<= 1 {
		if n&bit != 0 {
			out = append(out, names[bit])
		}
	}
	if len(out) == 0 {
		return "reads"
	}
	return strings.Join(out, "; ")
}

// item is the fact as a live run sees it.
func (f fact) item() item {
	i := item{
		kind: asFact, name: f.name, section: f.section, confidence: f.confidence, claim: f.claim,
		does: f.needs.String(), needs: f.needs, check: f.check,
	}
	switch {
	case f.needs&deploys != 0:
		i.calls = 130 // a deployment is asked for its state every 5 seconds, for 5 minutes, and so is the removal
	case f.needs&(rotates|looks|destroys) != 0:
		i.calls = 25
	default:
		i.calls = 10
	}
	return i
}

// facts are all of them, in the order in which they are checked: what must be refused comes before
// the keys that this suite makes, since those begin an interval in which everything is refused.
func facts() []fact {
	return slices.Concat(oauthFacts(), restFacts(), queryFacts(), tenantSecretFacts(), certificateFacts(), refusalFacts(),
		uploadFacts(),
		lifecycleFacts(), otherKeyFacts(), estateFacts())
}

// Every fact holds on the simulator, each on orgs of its own: one for each answer that may be so.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, f := range facts() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for number, seed := range f.seeds() {
				t.Run(fmt.Sprintf("org %d", number+1), func(t *testing.T) {
					t.Parallel()
					read, err := sfsim.ReadSeed(strings.NewReader(seed))
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() {
						if t.Skipped() {
							t.Error("no fact may be skipped on the simulator")
						}
					})
					o := simulated(t, sfsim.WithSeed(read))
					f.check(&probe{T: t, org: o})
					if n, most := o.sim.RequestCount(), f.item().calls; n > most && f.needs&prepared == 0 {
						t.Errorf("%d API calls, announced are at most %d", n, most)
					}
				})
			}
		})
	}
}

// seeds are the simulated orgs that the fact is asked of: those of its seed, and the usual one,
// unless that lacks what the fact is about.
func (f fact) seeds() []string {
	var all []string
	if f.needs&(prepared|present) == 0 || f.seed == "" {
		all = append(all, "")
	}
	if f.seed != "" {
		all = append(all, strings.Split(f.seed, "\n---\n")...)
	}
	return all
}

// confidences are one or more of the letters.
var confidences = regexp.MustCompile(`^[DVCIRU](, [DVCIRU])*$`)

// The facts are distinct, complete, and say what they do.
func TestFactsAreComplete(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, f := range facts() {
		if names[f.name] || !regexp.MustCompile(`^[A-Z][A-Za-z0-9]+$`).MatchString(f.name) {
			t.Errorf("%q is no name, or one of two", f.name)
		}
		names[f.name] = true
		if _, known := headings[strings.Split(f.section, ".")[0]]; !known {
			t.Errorf("%s: section %q has no heading", f.name, f.section)
		}
		if !confidences.MatchString(f.confidence) {
			t.Errorf("%s: confidence %q", f.name, f.confidence)
		}
		if f.claim == "" || f.source == "" || f.check == nil {
			t.Errorf("%s lacks a claim, a source or a check", f.name)
		}
		if f.needs&present != 0 && (f.needs&prepared != 0 || f.seed == "") {
			t.Errorf("%s skips itself where there is nothing to ask, and is asked of no such org here", f.name)
		}
	}
}
