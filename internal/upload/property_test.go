package upload_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// errKilled ends a run as a kill does: whatever it had done stays.
var errKilled = errors.New("killed")

// Whatever goes wrong in whatever order, no two records get one rotation id, no POST leaves before its escrow copy is on disk, the ACTIVE
// key of an update that succeeded carries the planned id, and once nothing goes wrong any more one more run converges.
func TestRun_property(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		escrow := escrowIn(t, t.TempDir())
		org := newOrg(t, record(1, byHSM))
		if rapid.Bool().Draw(rt, "own marker before") {
			org.records = []salesforce.TenantSecret{record(1, described(marker(rapid.Int64Range(0, 3).Draw(rt, "counter before"))))}
		}
		withDirectory := rapid.Bool().Draw(rt, "directory")
		r := request()
		if withDirectory {
			r.Escrow = escrow
		}
		given := rapid.Bool().Draw(rt, "given material")
		if given {
			r.Material = byok.GenerateMaterial()
		}
		update := rapid.Bool().Draw(rt, "update")
		if update {
			r.RotationID = nextRotation(org.records)
		}
		org.beforeCreate = func() {
			sent, ok := org.created[len(org.created)-1].(salesforce.UploadedTenantSecret)
			if !ok || sent.SecretValue == "" || sent.SecretValueHash == "" {
				rt.Fatalf("a POST without material, by which Salesforce would make its own key: %+v", org.created)
			}
			if !withDirectory {
				return
			}
			if found, err := escrow.Directory.Find(organization, "Data", sent.SecretValueHash, escrow.Plan); err != nil || !found.Recorded {
				rt.Fatalf("a POST left before its escrow copy was on disk: %v", err)
			}
		}

		faults := rapid.SliceOfN(rapid.SampledFrom([]string{
			"none", "refused", "unknown, made", "unknown, not made", "unknown, made, seen late", "made, read-back fails", "killed at the POST, made",
			"records fail", "rotated outside",
		}), 1, 6).Draw(rt, "faults")
		for _, fault := range faults {
			runWithFault(rt, org, &r, fault, update)
			checkIDs(rt, org)
		}

		org.hidden, org.onCreate, org.onGet, org.onRecords = 0, nil, nil, nil
		result, err := org.uploader().Run(t.Context(), r)
		var problem *upload.Problem
		if errors.As(err, &problem) && update {
			// The org has moved on: a new plan takes a new id.
			r.RotationID, r.UnconfirmedSince = nextRotation(org.records), time.Time{}
			result, err = org.uploader().Run(t.Context(), r)
		}
		if given && errors.As(err, &problem) && strings.Contains(problem.Summary, "used in this org") {
			// The given material is in the org, on a record that was overtaken: it can't be uploaded again, and was not.
			checkIDs(rt, org)

			return
		}
		if err != nil {
			rt.Fatalf("expected the last run to converge, found %v after %v", err, org.events)
		}
		active, ok := upload.Active(org.records, "Data")
		if !ok || active.ID != result.Record.ID || !strings.HasSuffix(active.Description, "[tf:"+result.RotationID.String()+"]") {
			rt.Fatalf("expected the ACTIVE record with its marker, found %+v for %+v", active, result)
		}
		if update && result.RotationID != r.RotationID {
			rt.Fatalf("expected the planned id %s, found %s", r.RotationID, result.RotationID)
		}
		posts := org.counts["create"]
		again, err := org.uploader().Run(t.Context(), r)
		if err != nil || !again.Adopted || again.Record.ID != active.ID || org.counts["create"] != posts {
			rt.Fatalf("expected one more run to adopt, found %+v, %v", again, err)
		}
		checkIDs(rt, org)
	})
}

// runWithFault runs once with one fault, and carries over to the next run what the provider would: the time of an unknown outcome, on
// update, where there is a state to keep it in.
func runWithFault(rt *rapid.T, org *fakeOrg, r *upload.Request, fault string, update bool) {
	org.onCreate, org.onGet, org.onRecords, org.hidden = nil, nil, nil, 0
	hide := 0
	switch fault {
	case "refused":
		org.onCreate = answer(false, errRefused)
	case "unknown, made":
		org.onCreate = answer(true, errUnknown)
	case "unknown, not made":
		org.onCreate = answer(false, errUnknown)
	case "unknown, made, seen late":
		org.onCreate, hide = answer(true, errUnknown), rapid.IntRange(1, 6).Draw(rt, "hidden reads")
	case "made, read-back fails":
		org.onGet = func(int) error { return errors.New("broken") }
	case "killed at the POST, made":
		org.onCreate = answer(true, errKilled)
	case "records fail":
		failing := org.counts["records"] + rapid.IntRange(1, 3).Draw(rt, "failing read")
		org.onRecords = func(n int) error {
			if n >= failing {
				return errors.New("broken")
			}

			return nil
		}
	case "rotated outside":
		org.add(salesforce.TenantSecret{Type: "Data", Source: upload.SourceHSM, Status: "ACTIVE", SecretValueHash: "UNKNOWM=", CreatedDate: now})

		return
	}
	check := org.beforeCreate
	org.beforeCreate = func() { check(); org.hidden = hide }
	defer func() { org.beforeCreate = check }()

	before := len(org.records)
	_, err := org.uploader().Run(rt.Context(), *r)
	if errors.Is(err, salesforce.ErrOutcomeUnknown) && update {
		r.UnconfirmedSince = time.Now()
	}
	if len(org.records) > before+1 {
		rt.Fatalf("one run made %d records", len(org.records)-before)
	}
	if err != nil && fault == "none" {
		var problem *upload.Problem
		if !errors.As(err, &problem) && !strings.Contains(err.Error(), "plan again") {
			rt.Fatalf("a run without a fault failed: %v", err)
		}
	}
}

// checkIDs expects that no rotation id was given twice.
func checkIDs(rt *rapid.T, org *fakeOrg) {
	var ids []keys.RotationID
	for _, row := range org.records {
		_, id := keys.ParseDescription(row.Description)
		if !id.IsZero() && slices.Contains(ids, id) {
			rt.Fatalf("two records have the rotation id %s: %v", id, org.events)
		}
		ids = append(ids, id)
	}
}

// nextRotation is the id that a plan after a refresh takes.
func nextRotation(records []salesforce.TenantSecret) keys.RotationID {
	return keys.FirstID(fingerprint, upload.Descriptions(records, "Data"))
}
