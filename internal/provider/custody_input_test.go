package provider_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

// secondRecipient is an age public key whose identity nobody has.
const secondRecipient = "age1fyge6m808w0ktj2tgy7dz0v8tgedcvpuauf2dekqwf3jnd678s8s7uk7em"

// list renders a list of texts; null stands for itself.
func list(elements ...string) string {
	var quoted []string
	for _, e := range elements {
		if e != "null" {
			e = fmt.Sprintf("%q", e)
		}
		quoted = append(quoted, e)
	}

	return "[" + strings.Join(quoted, ", ") + "]"
}

// A pin, a group of recipients and a quorum that can never be met are refused by validate and plan
// alike, at the attribute, and the org hears nothing.
func TestAccCustody_badInput(t *testing.T) {
	t.Parallel()
	const (
		fingerprint = "8e631f8d70e649b0cbbcc4c882e4c3c1d150e44d06ccfe664f34b12646c8c0a5"
		second      = secondRecipient
	)
	alice, bob := newApprover(t, "alice").public, newApprover(t, "bob").public
	hybrid := hybridIdentity(t).Recipient().String()
	pins := func(elements ...string) string { return "certificate_pins = " + list(elements...) }
	escrow := func(text string) string { return "escrow = { " + text + " }" }
	groups := func(all ...string) string {
		return escrow("recipient_groups = [" + strings.Join(all, ", ") + "]")
	}
	quorum := func(threshold string, keys ...string) string {
		return fmt.Sprintf("destruction_approvers = {\n    public_keys = %s\n    threshold   = %s\n  }", list(keys...),
			threshold)
	}
	const (
		badPins, badGroups = "Invalid certificate pins", "Escrow recipients are not usable"
		oneKind            = "Escrow needs one kind of recipients"
		badQuorum          = "The destruction approvers are not usable"
		badDirectory       = "The receipt directory is not usable"
		at                 = "escrow.recipient_groups"
		keys, threshold    = "destruction_approvers.public_keys", "destruction_approvers.threshold"
	)
	both := "age_recipients = " + list(ageRecipient) + ", recipient_groups = [" + list(ageRecipient) + "]"
	for name, test := range map[string]struct {
		// line stands in the resources that take it, or in the provider block.
		line, summary, text string
	}{
		"pins: none":          {pins(), badPins, "found an empty list"},
		"pins: no hex":        {pins("Sim_BYOK"), badPins, "certificate_pins[0]: expected a SHA-256 fingerprint"},
		"pins: a SHA-1":       {pins(fingerprint, fingerprint[:40]), badPins, "certificate_pins[1]: expected"},
		"pins: a digit short": {pins(fingerprint[:63]), badPins, "certificate_pins[0]: expected"},
		"pins: null":          {pins("null"), badPins, "certificate_pins[0]: expected"},
		"pins: one twice": {
			pins(fingerprint, strings.ToUpper(fingerprint[:2]+":"+fingerprint[2:])), badPins,
			"certificate_pins[1] is the fingerprint of certificate_pins[0] again",
		},

		"groups: none":             {groups(), badGroups, at + " has 0 groups, expected 2"},
		"groups: one":              {groups(list(ageRecipient)), badGroups, at + " has 1 groups"},
		"groups: an empty one":     {groups(list(ageRecipient), "[]"), badGroups, at + "[1] has 0 age recipients"},
		"groups: a null one":       {groups(list(ageRecipient), "null"), badGroups, at + "[1] has 0 age recipients"},
		"groups: a null recipient": {groups(list("null"), list(ageRecipient)), badGroups, at + "[0][0] is empty"},
		"groups: no recipient":     {groups(list(ageRecipient), list(second, "age1x")), badGroups, at + "[1][1] is"},
		"groups: an identity": {
			groups(list(ageRecipient), list(ageIdentity.String())), badGroups, at + "[1][0] is a secret identity",
		},
		"groups: one recipient in two": {
			groups(list(ageRecipient), list(second, ageRecipient)), badGroups, at + "[1][1] repeats " + at + "[0][0]",
		},
		"groups: one recipient twice in one": {
			groups(list(ageRecipient), list(second, second)), badGroups, at + "[1][1] repeats " + at + "[1][0]",
		},
		"groups: of two kinds":    {groups(list(ageRecipient), list(hybrid)), badGroups, "cannot share a copy"},
		"groups: beside a list":   {escrow(both), oneKind, "found both"},
		"neither list nor groups": {escrow(`directory = "escrow"`), oneKind, "found neither"},
		"a null recipient": {
			escrow("age_recipients = " + list(ageRecipient, "null")), badGroups, "escrow.age_recipients[1] is empty",
		},
		"an empty list": {escrow("age_recipients = []"), "Invalid Attribute Value", "at least 1 elements"},

		"approvers: none":    {quorum("1"), badQuorum, keys + " has 0 keys"},
		"approvers: no key":  {quorum("1", alice, "alice@bank"), badQuorum, keys + "[1] does not begin"},
		"approvers: cut off": {quorum("1", alice[:40]), badQuorum, keys + "[0] is not"},
		"approvers: a null":  {quorum("1", alice, "null"), badQuorum, keys + "[1] is empty"},
		"threshold 0":        {quorum("0", alice, bob), badQuorum, threshold + " is 0, expected 1 to 2"},
		"threshold below 0":  {quorum("-1", alice, bob), badQuorum, threshold + " is -1, expected 1 to 2"},
		"threshold above n":  {quorum("3", alice, bob), badQuorum, threshold + " is 3, expected 1 to 2"},
		"one key, twice":     {quorum("2", alice, alice+" again"), badQuorum, threshold + " is 2, expected 1 to 1"},
		"receipts: no path":  {`receipt_directory = ""`, badDirectory, "the path is empty"},
		"receipts: a home":   {`receipt_directory = "~/receipts"`, badDirectory, "begins with ~"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			attribute, _, _ := strings.Cut(test.line, " = ")
			text, mistakes := acctest.ProviderBlock(sim, test.line)+dataKey(), 1
			if attribute == "escrow" || attribute == "certificate_pins" {
				text = acctest.ProviderBlock(sim) + dataKey(test.line) + searchKey(test.line) +
					cacheOnly(`certificate = "Sim_BYOK"`, test.line)
				mistakes = 3
			}
			cli := acctest.NewCLI(t, sim)
			providerConfig(cli, text)
			if validated := cli.Run("validate", "-no-color"); validated.Code == 0 {
				t.Errorf("expected validate to refuse it, found\n%s", validated.Output())
			}
			plan := cli.Plan()
			if plan.Code != acctest.PlanFailed || len(plan.Summaries("error")) != mistakes {
				t.Errorf("expected %d errors, found %v", mistakes, plan.Summaries("error"))
			}
			for _, d := range plan.Diagnostics {
				if d.Severity != "error" {
					continue
				}
				// Some versions of the CLI show the block for an attribute within another.
				at := d.At(attribute) || strings.HasPrefix(d.Snippet.Code, `resource "`)
				detail := strings.Join(strings.Fields(d.Detail), " ")
				if !at || d.Summary != test.summary || !strings.Contains(detail, test.text) {
					t.Errorf("expected %q with %q at %s, found %+v", test.summary, test.text, attribute, d)
				}
			}
			if requests := sim.Requests(); len(requests) != 0 {
				t.Errorf("expected the org to hear nothing, found %v", requests)
			}
		})
	}
}

// Pins are about what this provider wraps.
func TestAccTenantSecret_pinsFitUploads(t *testing.T) {
	t.Parallel()
	pin := "certificate_pins = " + list(strings.Repeat("ab", 32))
	for source, lines := range map[string][]string{
		"HSM": {`source = "HSM"`},
		"REMOTE": {
			`source = "REMOTE"`, `remote_key_identifier = "k"`, `remote_key_service_id = "0XA000000000001AAA"`,
			`remote_key_certificate = "Sim_BYOK"`,
		},
	} {
		sim := acctest.StartSim(t)
		cli := acctest.NewCLI(t, sim)
		cli.Config(tenantSecret(append(lines, `type = "Data"`, pin)...))
		if plan := cli.Plan(); !plan.Has("error", "Attribute does not fit the source", source, "certificate_pins") {
			t.Errorf("%s: expected the pins to be refused, found\n%s", source, plan.Output())
		}
		if requests := sim.Requests(); len(requests) != 0 {
			t.Errorf("%s: expected the org to hear nothing, found %v", source, requests)
		}
	}
}

// A pin that something else brings is judged when it is known.
func TestAccTenantSecret_pinUnknownAtPlan(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	byok, _ := inOrg(sim, "Sim_BYOK")
	old := strings.Repeat("ab", 32)
	for _, test := range []struct{ pin, summary string }{
		{strings.Repeat("cd", 32), "The wrapping certificate is not pinned"}, {fingerprintOf(t, byok.PEM), ""},
	} {
		cli.Config(knownLate("pin", strconv.Quote(test.pin), test.summary) +
			dataKey(fmt.Sprintf("certificate_pins = [%q, terraform_data.pin.output]", old)))
		if plan := cli.Plan(); plan.Code != acctest.PlanChanges {
			t.Errorf("expected a plan, found\n%s", plan.Output())
		}
		applied := cli.Apply()
		if (applied.Code == 0) != (test.summary == "") || test.summary != "" && !applied.Has("error", test.summary) {
			t.Errorf("expected %q, found\n%s", test.summary, applied.Output())
		}
	}
	uploads(t, sim, 1, 1)
}

// An approval that does not count is refused by name, at the attribute, by plan and apply; nothing
// is sent, nothing is lost, and the key is destroyed once the approvals are right.
func TestAccTenantSecretVersion_badApprovals(t *testing.T) {
	t.Parallel()
	alice, bob, mallory := newApprover(t, "alice"), newApprover(t, "bob"), newApprover(t, "mallory")
	g := newGuarded(t, 2, alice, bob)
	g.want(archived, g.notAfter())
	g.MustApply()
	statement := g.statement()
	byAlice, byBob := alice.sign(t, statement), bob.sign(t, statement)
	end := func(d time.Duration) string {
		return fmt.Sprintf("destruction_not_after = %q", g.sim.Clock.Now().Add(d).UTC().Format(time.RFC3339))
	}
	otherVersion := strings.Replace(statement, "version: ", "version: 1", 1)
	const (
		approvalsAt, endAt = "destruction_approvals", "destruction_not_after"
		invalid, badEnd    = "An approval is not valid", "destruction_not_after is not usable"
		few, noEnd         = "The destruction lacks approvals", "destruction_not_after is missing"
	)
	for name, test := range map[string]struct {
		// end and approvals are lines of the configuration.
		end, approvals           string
		attribute, summary, text string
	}{
		"a stranger": {
			g.notAfter(), approvals(byAlice, mallory.sign(t, statement)), approvalsAt, invalid, "which is none of the approvers",
		},
		"twice by the same person": {
			g.notAfter(), approvals(byAlice, byAlice), approvalsAt, invalid, "(alice), who signed destruction_approvals[0] too",
		},
		"expired": {end(-time.Minute), approvals(byAlice, byBob), endAt, badEnd, "The approvals have expired"},
		"too far": {end(31 * 24 * time.Hour), approvals(byAlice, byBob), endAt, badEnd, "more than 30 days"},
		"no time": {
			`destruction_not_after = "tomorrow"`, approvals(byAlice, byBob), endAt, "Invalid destruction_not_after",
			"is not an RFC 3339 time",
		},
		"no end": {"", approvals(byAlice, byBob), "", noEnd, "Set destruction_not_after"},
		"of another statement": {
			g.notAfter(), approvals(byAlice, bob.sign(t, otherVersion)), approvalsAt, invalid, "and not over this statement",
		},
		"of another end": {
			end(72 * time.Hour), approvals(byAlice, byBob), approvalsAt, invalid, "and not over this statement",
		},
		"of another namespace": {
			g.notAfter(), approvals(byAlice, bob.signAs(t, "file", statement)), approvalsAt, invalid,
			`for the namespace "file", expected "salesforcebyok-destroy"`,
		},
		"no signature": {g.notAfter(), approvals(byAlice, "yes"), approvalsAt, invalid, "[1] is not an armored"},
		"a public key": {
			g.notAfter(), approvals(byAlice, bob.public), approvalsAt, invalid, "[1] is not an armored SSH signature",
		},
		"a null": {
			g.notAfter(), "destruction_approvals = " + list(byAlice, "null"), approvalsAt, invalid, "[1] is not an armored",
		},
		"two in one text": {g.notAfter(), approvals(byAlice + byBob), approvalsAt, invalid, "[0] has text after"},
		"too few":         {g.notAfter(), approvals(byBob), approvalsAt, few, "has 1: 1 missing; signed by SHA256:"},
		"nobody":          {g.notAfter(), "", "", few, "nobody has signed"},
	} {
		t.Log(name)
		g.want(destroyed, test.end, test.approvals)
		g.refused(test.summary, test.text)
		for _, d := range g.Plan().Diagnostics {
			if d.Severity == "error" && test.attribute != "" && !d.At(test.attribute) {
				t.Errorf("%s: expected the error at %s, found %q", name, test.attribute, d.Snippet.Code)
			}
		}
		if export, _ := g.State(versionAddress)["exported_secret_value"].(string); export == "" {
			t.Fatalf("%s: the export is lost", name)
		}
	}
	g.want(destroyed, g.notAfter(), approvals(byAlice, byBob))
	g.MustApply()
	g.expectStatus("DESTROYED")
	g.expectPatches(1, 1)
}

// An approval that something else brings is judged when it is known.
func TestAccTenantSecretVersion_approvalsUnknownAtPlan(t *testing.T) {
	t.Parallel()
	alice, bob := newApprover(t, "alice"), newApprover(t, "bob")
	g := newGuarded(t, 2, alice, bob)
	g.want(archived, g.notAfter())
	g.MustApply()
	statement := g.statement()
	for _, test := range []struct{ signature, summary string }{
		{"yes", "An approval is not valid"}, {bob.sign(t, statement), ""},
	} {
		g.want(destroyed, g.notAfter(),
			fmt.Sprintf("destruction_approvals = [%q, terraform_data.signature.output]", alice.sign(t, statement)))
		g.Write("signature.tf", knownLate("signature", strconv.Quote(test.signature), test.summary))
		if plan := g.Plan(); plan.Code != acctest.PlanChanges {
			t.Errorf("expected a plan, found\n%s", plan.Output())
		}
		applied := g.Apply()
		refused := applied.Has("error", test.summary, "Nothing was changed")
		if (applied.Code == 0) != (test.summary == "") || refused != (test.summary != "") {
			t.Errorf("expected %q, found\n%s", test.summary, applied.Output())
		}
	}
	g.expectStatus("DESTROYED")
	g.expectPatches(1, 1)
}
