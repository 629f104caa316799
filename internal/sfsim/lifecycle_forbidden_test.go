package sfsim_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// forbiddenMove is a PATCH of Status that Salesforce does not allow. It is sent to the first record
// of the seed.
type forbiddenMove struct {
	seed, to, version string
}

// forbiddenTransitions are those that no document lists [D ShieldREST, Help
// security_pe_destroy_key; V ThalesDoc]. The list of the same name in internal/custody shows that
// the provider sends none of them; a test there compares the names.
func forbiddenTransitions() map[string]forbiddenMove {
	return map[string]forbiddenMove{
		"uploaded: ACTIVE to ACTIVE":    {seed: "[{source: UPLOADED}]", to: "ACTIVE"},
		"uploaded: ACTIVE to ARCHIVED":  {seed: "[{source: UPLOADED}]", to: "ARCHIVED"},
		"uploaded: ACTIVE to DESTROYED": {seed: "[{source: UPLOADED}]", to: "DESTROYED"},
		"uploaded: ARCHIVED to ACTIVE": {
			seed: "[{source: UPLOADED, status: ARCHIVED}, {}]",
			to:   "ACTIVE",
		},
		"uploaded: ARCHIVED to ARCHIVED": {
			seed: "[{source: UPLOADED, status: ARCHIVED}, {}]",
			to:   "ARCHIVED",
		},
		"uploaded: DESTROYED to ACTIVE": {
			seed: "[{source: UPLOADED, status: DESTROYED}, {}]",
			to:   "ACTIVE",
		},
		"uploaded: DESTROYED to ARCHIVED without an export": {
			seed: "[{source: UPLOADED, status: DESTROYED}, {}]",
			to:   "ARCHIVED",
		},
		"uploaded: DESTROYED to DESTROYED": {
			seed: "[{source: UPLOADED, status: DESTROYED}, {}]",
			to:   "DESTROYED",
		},
		"HSM: ACTIVE to ARCHIVED":                      {seed: "[{}]", to: "ARCHIVED"},
		"HSM: ACTIVE to DESTROYED":                     {seed: "[{}]", to: "DESTROYED"},
		"HSM: ARCHIVED to ACTIVE":                      {seed: "[{status: ARCHIVED}, {}]", to: "ACTIVE"},
		"HSM: DESTROYED to ACTIVE":                     {seed: "[{status: DESTROYED}, {}]", to: "ACTIVE"},
		"HSM: DESTROYED to ARCHIVED without an export": {seed: "[{status: DESTROYED}, {}]", to: "ARCHIVED"},
		"Database: ARCHIVED to DESTROYED": {
			seed: "[{type: Database, source: UPLOADED, status: ARCHIVED}, {type: Database}, {}]", to: "DESTROYED",
		},
		"SearchIndex of API 63: ARCHIVED to DESTROYED": {
			seed: "[{type: SearchIndex, source: UPLOADED, status: ARCHIVED}, {type: SearchIndex}, {}]", to: "DESTROYED",
			version: "/services/data/v63.0",
		},
		"cache-only: ACTIVE to ACTIVE":   {seed: "[{source: REMOTE, type: EventBus}, {}]", to: "ACTIVE"},
		"cache-only: ACTIVE to ARCHIVED": {seed: "[{source: REMOTE, type: EventBus}, {}]", to: "ARCHIVED"},
		"cache-only: DESTROYED to ARCHIVED": {seed: "[{source: REMOTE, type: EventBus, status: DESTROYED}, " +
			"{}]", to: "ARCHIVED"},
		"cache-only: DESTROYED to DESTROYED": {seed: "[{source: REMOTE, type: EventBus, status: DESTROYED}, " +
			"{}]", to: "DESTROYED"},
		"cache-only, not the newest: ARCHIVED to ACTIVE": {seed: "[{source: REMOTE, status: ARCHIVED}, {}]", to: "ACTIVE"},
		"cache-only, not the newest: ARCHIVED to DESTROYED": {
			seed: "[{source: REMOTE, status: ARCHIVED}, {}]",
			to:   "DESTROYED",
		},
		"cache-only, not the newest: DESTROYED to ACTIVE": {
			seed: "[{source: REMOTE, status: DESTROYED}, {}]",
			to:   "ACTIVE",
		},
	}
}

func TestLifecycle_forbidden(t *testing.T) {
	t.Parallel()
	for name, move := range forbiddenTransitions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, seeded(t, "settings: {hyperforce: true, enable_cache_only_keys: true}\ntenant_secrets: "+move.seed))
			before := c.server.TenantSecrets()
			version := move.version
			if version == "" {
				version = data
			}
			r := c.do(http.MethodPatch, version+"/sobjects/TenantSecret/"+before[0].ID,
				body(map[string]any{"Status": move.to})).refused(http.StatusBadRequest, unknown)
			if len(r.Fields) != 1 {
				t.Errorf("expected the refusal to name one field, found %v", r.Fields)
			}
			if after := c.server.TenantSecrets(); !slices.EqualFunc(before, after,
				func(a, b sfsim.TenantSecret) bool { return a == b }) {
				t.Errorf("the refusal changed the org:\n%+v\n%+v", before, after)
			}
			journal := c.server.Requests()
			if last := journal[len(journal)-1]; last.Committed {
				t.Errorf("the refusal was committed: %+v", last)
			}
			c.noViolations()
		})
	}
}
