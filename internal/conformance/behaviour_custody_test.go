package conformance_test

import (
	"fmt"
	"net/http"
)

// custodyBehaviours destroy and restore.
func custodyBehaviours() []behaviour {
	return []behaviour{{
		name: "TenantSecretVersion_life", section: "tenant_secret_version", needs: destroys, calls: 80,
		claim: "An archived key is adopted with its export, destroyed by a second apply, and restored from the state as " +
			"the same key; forgetting it changes nothing.",
		does: "destroys an ARCHIVED key that this suite uploaded, and restores it", check: checkLife,
	}}
}

func checkLife(p *probe) {
	ours := p.oursArchived()
	status := func() any { return p.row(ours.id, "Status")["Status"] }
	if status() != "ARCHIVED" {
		p.Fatalf("%s is %v, expected ARCHIVED", ours.id, status())
	}
	// Whatever else happens, the key comes back.
	p.Cleanup(func() {
		if status() == "ARCHIVED" {
			return
		}
		if r := p.patch(ours.id, map[string]any{
			"Status":      "ARCHIVED",
			"SecretValue": ours.exported,
		}); r.status != http.StatusNoContent {
			p.Errorf("%s could not be restored: status %d%s", ours.id, r.status, r.reason())
		}
	})
	c := p.cli("life")
	want := func(status string, lines ...string) {
		p.Helper()
		p.write(c, resource("tenant_secret_version", fmt.Sprintf("tenant_secret_id = %q", ours.id),
			fmt.Sprintf("desired_status = %q", status)), lines...)
	}
	const unlocked = "allow_key_destruction = true"

	want("ARCHIVED")
	p.untouched(func() {
		p.succeeded("adopting", c.Apply())
		p.empty(c)
	})
	p.equal("recoverable", p.attributes(c, versionAddress)["recoverable"], true)

	want("DESTROYED")
	p.untouched(func() { p.refusedBy("plan", c.Plan(), "Destroying keys is not allowed", ours.id) })
	want("DESTROYED", unlocked)
	p.succeeded("destroying", c.Apply())
	p.matches(p.row(ours.id, "Status,SecretValueHash"), map[string]any{
		"Status":          "DESTROYED",
		"SecretValueHash": ours.hash,
	})
	p.matches(p.attributes(c, versionAddress), map[string]any{"status": "DESTROYED", "recoverable": true})
	p.empty(c)

	want("ARCHIVED", unlocked)
	p.succeeded("restoring", c.Apply())
	p.matches(p.row(ours.id, "Status,SecretValueHash"), map[string]any{"Status": "ARCHIVED", "SecretValueHash": ours.hash})
	p.empty(c)

	p.untouched(func() {
		if destroyed := p.succeeded("forgetting", c.Destroy()); destroyed.Removed != 1 ||
			!destroyed.Has("warning", "The record will be forgotten, not changed", ours.id) {
			p.Errorf("expected the record to be forgotten with a warning, found %d, %q", destroyed.Removed,
				destroyed.Summaries("warning"))
		}
	})
}
