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

// The log tells who uploaded the key, when and from where.
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
								event["time"] == key.CreatedDate.UTC().Format(time.RFC3339) && event["client_ip"] == "127.0.0.1" && regexp.MustCompile(`^005\w{15}$`).MatchString(user) {
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
		"": 3, start.Format(time.RFC3339): 3, start.Add(24 * time.Hour).Format(time.RFC3339): 3, start.Add(25 * time.Hour).Format(time.RFC3339): 2,
		"2027-03-04T17:30:00+05:30": 1, "2030-01-01T00:00:00Z": 0,
	} {
		t.Run("since "+since, func(t *testing.T) {
			t.Parallel()
			attribute := ""
			if since != "" {
				attribute = "since = \"" + since + "\""
			}
			reads(t, sim, "data \"salesforcebyok_encryption_events\" \"x\" {\n"+attribute+"\n}\n", expectEvents("events", knownvalue.ListSizeExact(want)))
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
	for name, value := range map[string]string{"date": "2027-01-31", "no zone": "2027-01-31T00:00:00", "words": "yesterday", "query": "2027-01-31T00:00:00Z OR Id != ''", "empty": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := acctest.StartSim(t)
			refuses(t, sim, `data "salesforcebyok_encryption_events" "x" { since = "`+value+`" }`, acctest.AttributeError("since", "Invalid time", "Expected a time as in RFC 3339"))
			unsent(t, sim)
		})
	}
}

func TestAccEncryptionEventsDataSource_fails(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	if err := sim.AddFault(sfsim.Fault{Query: "FROM EventLogFile", Status: http.StatusBadRequest, ErrorCode: "INVALID_TYPE"}); err != nil {
		t.Fatal(err)
	}
	refuses(t, sim, `data "salesforcebyok_encryption_events" "x" {}`, acctest.ErrorText("Unable to read the encryption events"))
}
