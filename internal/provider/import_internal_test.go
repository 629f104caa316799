package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// Whatever is typed after `terraform import`: it finds the ACTIVE key that it names, by type or by
// id, or it is one error.
func FuzzFindImport(f *testing.F) {
	records := []keys.Record{
		{ID: "02GWt0000000005MAA", Type: "Data", Version: 1, Status: "ARCHIVED", Source: "UPLOADED"},
		{ID: "02GWt0000000006MAA", Type: "Data", Version: 2, Status: "ACTIVE", Source: "UPLOADED"},
		{ID: "02GWt0000000007MAA", Type: "EventBus", Version: 3, Status: "DESTROYED", Source: "REMOTE"},
	}
	for _, seed := range []string{
		"Data", "data", "EventBus", "SearchIndex", "02GWt0000000006MAA", "02GWt0000000006", "02gwt0000000006maa",
		"02GWt0000000005MAA", "02G", "02GWt0000000006MAB", "", " Data",
		"00D000000000001EAA,Data", "\x00", "02G\xff", strings.Repeat("02G", 1000),
	} {
		f.Add(seed)
	}
	r := rotatedKey{
		resourceBase{base{&Data{Session: salesforce.Session{OrganizationID: "00DWt0000000001MAA"}}}},
		tenantSecretKind{},
	}
	f.Fuzz(func(t *testing.T, wanted string) {
		var diags diag.Diagnostics
		row, ok := r.findImport(records, wanted, &diags)
		if ok == diags.HasError() || diags.ErrorsCount() > 1 {
			t.Fatalf("%q: found %t with %v", wanted, ok, diags)
		}
		if !ok {
			return
		}
		if row.ID == records[0].ID || wanted != row.Type && !salesforce.SameID(wanted, row.ID) {
			t.Errorf("%q: found %s (%s)", wanted, row.ID, row.Type)
		}
	})
}
