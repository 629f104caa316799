package conformance_test

import (
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
	// inferred, R recalled.
	confidence string
	// source is where it is from.
	source string
	// claim is the fact in words.
	claim string
	// needs says what checking it does, or wants, beyond reading.
	needs need
	// seed describes the simulated org, where the usual one does not do.
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
	// deploys: it makes a certificate and deletes it.
	deploys
	// destroys: it destroys a key of this suite's own, or would if the fact were wrong.
	destroys
	// looks: it looks at the key that this run uploads, once for all such facts and once for all such
	// behaviours, or changes that key's Description.
	looks
	// prepared: it wants an org in a state that only the simulator can be put in.
	prepared
)

func (n need) String() string {
	names := map[need]string{
		rotates: "makes a tenant secret", sends: "sends a request that must be refused or is harmless",
		looks: "looks at the key that this run uploads", deploys: "deploys a certificate",
		destroys: "destroys a key of its own", prepared: "simulator only",
	}
	var out []string
	for bit := rotates; bit <= prepared; bit <<= 1 {
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
		lifecycleFacts(), otherKeyFacts())
}

// Every fact holds on the simulator, each on one of its own.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, f := range facts() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			var options []sfsim.Option
			if f.seed != "" {
				seed, err := sfsim.ReadSeed(strings.NewReader(f.seed))
				if err != nil {
					t.Fatal(err)
				}
				options = append(options, sfsim.WithSeed(seed))
			}
			t.Cleanup(func() {
				if t.Skipped() {
					t.Error("no fact may be skipped on the simulator")
				}
			})
			o := simulated(t, options...)
			f.check(&probe{T: t, org: o})
			if n, most := len(o.sim.Requests()), f.item().calls; n > most && f.needs&prepared == 0 {
				t.Errorf("%d API calls, announced are at most %d", n, most)
			}
		})
	}
}

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
		if !regexp.MustCompile(`^[DVCIR](, [DVCIR])*$`).MatchString(f.confidence) {
			t.Errorf("%s: confidence %q", f.name, f.confidence)
		}
		if f.claim == "" || f.source == "" || f.check == nil {
			t.Errorf("%s lacks a claim, a source or a check", f.name)
		}
		if f.seed != "" && f.needs&prepared == 0 {
			t.Errorf("%s has a seed, which a real org cannot have", f.name)
		}
	}
}
