package provider_test

import (
	"fmt"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

const eventsAddress = "data.salesforcebyok_encryption_events.x"

func expectEvents(name string, value knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(eventsAddress, tfjsonpath.New(name), value)
}

// The log shows who uploaded the key, when and from where.
func TestAccEncryptionEventsDataSource(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	const upload = `
resource "salesforcebyok_tenant_secret" "data" {
  type        = "Data"
  certificate = "Sim_BYOK"
}
`
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: acctest.Factories(),
		Steps: []resource.TestStep{
			{Config: acctest.Config(sim, upload)},
			{
				Config: acctest.Config(sim, upload+`data "salesforcebyok_encryption_events" "x" {}`),
				ConfigStateChecks: []statecheck.StateCheck{
					expectEvents("organization_id", knownvalue.StringExact(sim.OrganizationID)),
					expectEvents("since", knownvalue.Null()),
					acctest.StateFunc(eventsAddress, func(shown map[string]any) error {
						key := acctest.ActiveKey(t, sim, "Data")
						events, _ := shown["events"].([]any)
						for _, e := range events {
							event, _ := e.(map[string]any)
							user, _ := event["user_id"].(string)
							if event["action"] == "TS Imported" && event["tenant_secret_id"] == key.ID && event["key_type"] == "Data" &&
								event["time"] == key.CreatedDate.UTC().Format(time.RFC3339) && event["client_ip"] == "127.0.0.1" &&
								regexp.MustCompile(`^005\w{15}$`).MatchString(user) {
								return nil
							}
						}

						return fmt.Errorf("expected the import of %s, found %v", key.ID, events)
					}),
				},
			},
		},
	})
}

func TestAccEncryptionEventsDataSource_since(t *testing.T) {
	t.Parallel()
	start := time.Date(2027, 3, 1, 12, 0, 0, 0, time.UTC)
	sim := acctest.StartSim(t, sfsim.WithTime(start), sfsim.WithoutIntervals())
	// The simulator notes what happened between two requests at the second of them.
	client := func() {
		reads(t, sim, `data "salesforcebyok_tenant_secrets" "x" {}`)
	}
	client()
	for range 3 {
		sim.Clock.Advance(24 * time.Hour)
		if _, err := sim.Rotate("Data", "HSM"); err != nil {
			t.Fatal(err)
		}
		client()
	}
	for since, want := range map[string]int{
		"": 3, start.Format(time.RFC3339): 3, start.Add(24 * time.Hour).Format(time.RFC3339): 3,
		start.Add(25 * time.Hour).Format(time.RFC3339): 2,
		"2027-03-04T17:30:00+05:30":                    1, "2030-01-01T00:00:00Z": 0,
	} {
		t.Run("since "+since, func(t *testing.T) {
			t.Parallel()
			attribute := ""
			if since != "" {
				attribute = "since = \"" + since + "\""
			}
			reads(t, sim, "data \"salesforcebyok_encryption_events\" \"x\" {\n"+attribute+"\n}\n",
				expectEvents("events", knownvalue.ListSizeExact(want)))
		})
	}
}

func TestAccEncryptionEventsDataSource_none(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, "tenant_secrets: []"))
	reads(t, sim, `data "salesforcebyok_encryption_events" "x" {}`, expectEvents("events", knownvalue.ListSizeExact(0)))
}

func TestAccEncryptionEventsDataSource_badInput(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"date": "2027-01-31", "no zone": "2027-01-31T00:00:00",
		"words": "yesterday", "query": "2027-01-31T00:00:00Z OR Id != ''", "empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			refuses(t, sim, `data "salesforcebyok_encryption_events" "x" { since = "`+value+`" }`,
				acctest.AttributeError("since", "Invalid time", "Expected a time as in RFC 3339"))
			unsent(t, sim)
		})
	}
}

func TestAccEncryptionEventsDataSource_fails(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	if err := sim.AddFault(sfsim.Fault{
		Query: "FROM EventLogFile", Status: http.StatusBadRequest,
		ErrorCode: "INVALID_TYPE",
	}); err != nil {
		t.Fatal(err)
	}
	refuses(t, sim, `data "salesforcebyok_encryption_events" "x" {}`,
		acctest.ErrorText("Unable to read the encryption events"))
}

// eventSeed is an org with events of two keys, and a row of each kind that can't be read in full.
const eventSeed = `
clock: 2027-03-02T12:00:00Z
tenant_secrets: []
events:
  - {key_id: 02G000000000001, count: 40, at: -20h}
  - {key_id: 02G000000000002, action: TS Exported, count: 3, at: -10h}
  - {key_id: 02G000000000001, action: TS Destroyed, at: -5h}
`

// shownEvent is the attribute of each event that a configuration shows.
func eventAttributes(t *testing.T, sim *sfsim.Server, filters, attribute string) ([]any, acctest.Result) {
	t.Helper()
	cli := acctest.NewCLI(t, sim)
	cli.Config("\ndata \"salesforcebyok_encryption_events\" \"x\" {\n" + filters + "\n}\n")
	applied := cli.MustApply()
	list, _ := cli.State(eventsAddress)["events"].([]any)
	shown := []any{}
	for _, e := range list {
		event, _ := e.(map[string]any)
		shown = append(shown, event[attribute])
	}

	return shown, applied
}

// The filters choose by action, key and user, in whatever form an id is given.
func TestAccEncryptionEventsDataSource_filters(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, eventSeed))
	all, _ := eventAttributes(t, sim, "", "user_id")
	if len(all) != 44 {
		t.Fatalf("expected 44 events, found %d", len(all))
	}
	user, _ := all[0].(string)
	for filters, want := range map[string]int{
		`action = "TS Exported"`: 3, `action = "ts destroyed"`: 1, `action = "TS"`: 0,
		`tenant_secret_id = "02G000000000001"`:                               41,
		"tenant_secret_id = \"02G000000000001\"\n action = \"TS Destroyed\"": 1, `user_id = "` + user + `"`: 44,
		`user_id = "` + user[:15] + `"`: 44,
		`user_id = "005000000000009"`:   0, "action = \"TS Exported\"\n since = \"2027-03-02T02:00:01Z\"": 2,
	} {
		if shown, _ := eventAttributes(t, sim, filters, "action"); len(shown) != want {
			t.Errorf("%s: expected %d events, found %v", filters, want, shown)
		}
	}
	for attribute, value := range map[string]string{"tenant_secret_id": "005000000000009", "user_id": "me", "action": ""} {
		cli := acctest.NewCLI(t, sim)
		cli.Config("\ndata \"salesforcebyok_encryption_events\" \"x\" {\n" + attribute + " = \"" + value + "\"\n}\n")
		if plan := cli.Plan(); plan.Code != acctest.PlanFailed {
			t.Errorf("%s = %q was accepted", attribute, value)
		}
	}
}

// No row is dropped silently: what can't be read is shown as such, under every filter, and the rows
// around it are events.
func TestAccEncryptionEventsDataSource_unreadable(t *testing.T) {
	t.Parallel()
	// A bare quote, as in a file of a real org, costs nothing.
	bare := `"PlatformEncryption","20270302003000.000","TID:1","00D","005","","","","","","TS Read","say "hi" now","02G000000000003","Data","2027-03-02T00:30:00.000Z","","","",""`
	for name, test := range map[string]struct {
		raw      string
		odd      []any
		sentence string
	}{
		"bare quote": {bare, []any{nil}, ""},
		"cut short": {
			`"PlatformEncryption","20270302003000.000","TID:1"`,
			[]any{`"PlatformEncryption","20270302003000.000","TID:1"`},
			"1 of 2 rows",
		},
		"open quote": {
			`"PlatformEncryption","20270302003000.000`,
			[]any{`"PlatformEncryption","20270302003000.000`},
			"1 of 2 rows",
		},
		"no time": {`"PlatformEncryption","soon","TID:1","00D","005","","","","","","TS Read","","02G000000000003","Data","later","","","",""`, nil, "1 of 2 rows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t, seeded(t, "clock: 2027-03-02T12:00:00Z\ntenant_secrets: []\nevents:\n  - {raw: '"+
				test.raw+"', at: -12h}\n  - {key_id: 02G000000000002, action: TS Exported, at: -10h}\n"))
			shown, applied := eventAttributes(t, sim, "action = \"TS Exported\"", "unreadable")
			if test.sentence == "" {
				if len(shown) != 1 || len(applied.Summaries("warning")) > 0 {
					t.Errorf("expected the export alone, found %v and %v", shown, applied.Summaries("warning"))
				}
				shown, applied = eventAttributes(t, sim, `tenant_secret_id = "02G000000000003"`, "method")
				if fmt.Sprint(shown) != `[say "hi" now]` || len(applied.Summaries("warning")) > 0 {
					t.Errorf("expected the row with its quote, found %v", shown)
				}

				return
			}
			expectWarning(t, applied, "Rows of the event log are unreadable", test.sentence)
			if len(shown) != 2 || test.odd != nil && fmt.Sprint(shown[:1]) != fmt.Sprint(test.odd) || shown[1] != nil ||
				shown[0] == nil {
				t.Errorf("expected the odd row before the export, found %v", shown)
			}
		})
	}
}

// Thousands of events come whole, in order, and with one query and one call a file.
func TestAccEncryptionEventsDataSource_many(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, seeded(t, "clock: 2027-03-02T12:00:00Z\ntenant_secrets: []\nevents: [{key_id: "+
		"02G000000000001, count: 20000, at: -6h}]"))
	shown, _ := eventAttributes(t, sim, "", "time")
	if len(shown) != 20_000 || shown[0] != "2027-03-02T06:00:00Z" || shown[19_999] != "2027-03-02T11:33:19Z" {
		t.Errorf("expected 20000 events in order, found %d", len(shown))
	}
	// Once for the apply, once for the plan that must be empty.
	expectCount(t, sim, "EventLogFile.query", 2)
	expectCount(t, sim, "EventLogFile.body", 2)
}
