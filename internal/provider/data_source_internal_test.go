package provider

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

func TestRecordsInWords(t *testing.T) {
	t.Parallel()
	var many []salesforce.TenantSecret
	for v := int64(1); v <= 13; v++ {
		many = append(many, salesforce.TenantSecret{Type: "Data", Version: v, Status: "ARCHIVED"})
	}
	for name, tc := range map[string]struct {
		records []salesforce.TenantSecret
		typ     string
		want    string
	}{
		"none":        {nil, "Data", "The org shows no tenant secret at all."},
		"of the type": {many[:2], "Data", "The org shows these versions of Data: 1 ARCHIVED, 2 ARCHIVED."},
		"as many fit": {many[:10], "Data", "The org shows these versions of Data: 1 ARCHIVED, 2 ARCHIVED, 3 ARCHIVED, 4 " +
			"ARCHIVED, 5 ARCHIVED, 6 ARCHIVED, 7 ARCHIVED, 8 ARCHIVED, 9 ARCHIVED, 10 ARCHIVED."},
		"too many": {many, "Data", "The org shows these versions of Data: 3 older ones, 4 ARCHIVED, 5 ARCHIVED, 6 " +
			"ARCHIVED, 7 ARCHIVED, 8 ARCHIVED, 9 ARCHIVED, 10 ARCHIVED, 11 ARCHIVED, 12 ARCHIVED, 13 ARCHIVED."},
		"other types": {
			append([]salesforce.TenantSecret{{Type: "Analytics"}}, many...), "EventBus",
			"The org shows records of these types: Analytics (1), Data (13).",
		},
		"asked for id": {many, "", "The org shows records of these types: Data (13)."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := recordsInWords(tc.records, tc.typ); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// A status or source that Salesforce adds one day is shown and counted, and breaks nothing.
func TestTenantSecretsPopulateOfTheUnheardOf(t *testing.T) {
	t.Parallel()
	var m tenantSecretsDataSourceModel
	m.populate([]salesforce.TenantSecret{{
		ID: "02G000000000001AAA", Type: "Quantum", Status: "SUSPENDED", Source: "MOON",
		Version: 7,
	}}, "00D000000000001EAA")
	if len(m.TenantSecrets) != 1 || m.Counts["SUSPENDED"] != 1 || m.Counts["ACTIVE"] != 0 || len(m.Counts) != 4 {
		t.Errorf("got %+v", m)
	}
	shown := m.TenantSecrets[0]
	if shown.Status.ValueString() != "SUSPENDED" || shown.Source.ValueString() != "MOON" || !shown.CreatedDate.IsNull() ||
		!shown.SecretValueHash.IsNull() || !shown.KeyDerivationMode.IsNull() {
		t.Errorf("got %+v", shown)
	}
}

func TestVersionListMatching(t *testing.T) {
	t.Parallel()
	records := []salesforce.TenantSecret{
		{ID: "1", Type: "Data", Status: "ARCHIVED", Source: "HSM"},
		{ID: "2", Type: "Data", Status: "ACTIVE", Source: "UPLOADED"},
		{ID: "3", Type: "EventBus", Status: "DESTROYED", Source: "REMOTE"},
		{ID: "4", Type: "EventBus", Status: "ACTIVE", Source: "REMOTE"},
	}
	text := func(s string) types.String {
		if s == "" {
			return types.StringNull()
		}

		return types.StringValue(s)
	}
	for _, tc := range []struct{ typ, status, source, want string }{
		{"", "", "", "134"}, // an ACTIVE record that is not cache-only can't be managed
		{"", "ACTIVE", "", "24"},
		{"Data", "", "", "1"},
		{"Data", "ACTIVE", "UPLOADED", "2"},
		{"", "", "REMOTE", "34"},
		{"EventBus", "ARCHIVED", "", ""},
	} {
		m := tenantSecretVersionListModel{Type: text(tc.typ), Status: text(tc.status), Source: text(tc.source)}
		var got strings.Builder
		for _, r := range m.matching(records) {
			got.WriteString(r.ID)
		}
		if got.String() != tc.want {
			t.Errorf("%+v: got %s", tc, got.String())
		}
	}
}

func TestCurrentRecords(t *testing.T) {
	t.Parallel()
	records := []keys.Record{
		{ID: "1", Type: "Analytics", Status: "DESTROYED", Source: "HSM", Version: 1}, // nothing stands for this type
		{ID: "2", Type: "Data", Status: "ARCHIVED", Source: "HSM", Version: 2},
		{ID: "3", Type: "Data", Status: "ACTIVE", Source: "HSM", Version: 3},
		{ID: "4", Type: "EventBus", Status: "DESTROYED", Source: "REMOTE", Version: 4},
	}
	var got []string
	for _, r := range currentRecords(records) {
		got = append(got, r.ID)
	}
	if fmt.Sprint(got) != "[3 4]" {
		t.Errorf("got %v", got)
	}
}

// Whatever the body of a CertificateChain is: the row is shown, and a certificate that can't be
// read is never called compatible.
func FuzzCertificatePopulate(f *testing.F) {
	for _, seed := range []string{
		"", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", `"MIIB"`, "<html>",
		"{}", "\x30\x82\x01\x00",
	} {
		f.Add([]byte(seed))
	}
	now := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	row := salesforce.Certificate{
		ID: "0P1000000000001AAA", DeveloperName: "X", KeySize: 4096,
		EncryptedWithPlatformEncryption: true, ExpirationDate: now.AddDate(1, 0, 0),
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var m certificateRecordModel
		diags := m.populate(row, body, now)
		if diags.HasError() || m.DeveloperName.ValueString() != "X" {
			t.Fatalf("%v, %+v", diags, m)
		}
		compatible, read := m.BYOKCompatible.ValueBool(), !m.CertificatePEM.IsNull()
		if compatible && !read || compatible != (len(m.BYOKProblems) == 0) || read == (diags.WarningsCount() > 0) {
			t.Errorf("compatible %v, read %v, problems %v, warnings %v", compatible, read, m.BYOKProblems, diags)
		}
	})
}

// The words of a row and of its certificate are not both shown: they mean the same.
func TestCertificatePopulateWithoutAChain(t *testing.T) {
	t.Parallel()
	var m certificateRecordModel
	diags := m.populate(salesforce.Certificate{
		ID: "0P1000000000001AAA", DeveloperName: "X", KeySize: 4096,
		EncryptedWithPlatformEncryption: true,
	}, nil, time.Now())
	if diags.WarningsCount() != 1 || m.BYOKCompatible.ValueBool() || !m.ExpirationDate.IsNull() ||
		len(m.BYOKProblems) != 1 {
		t.Errorf("got %+v, %v", m, diags)
	}
	if detail := diags.Warnings()[0].Detail(); !strings.Contains(detail, "there is none for this certificate.") {
		t.Errorf("the warning says %q", detail)
	}
}

func TestSObjectPopulate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		description string
		bad         bool
		prefix      types.String
		createable  types.Bool
	}{
		"all":           {`{"keyPrefix": "02G", "createable": true}`, false, types.StringValue("02G"), types.BoolValue(true)},
		"no prefix":     {`{"keyPrefix": null, "createable": false}`, false, types.StringNull(), types.BoolValue(false)},
		"nothing said":  {`{}`, false, types.StringNull(), types.BoolNull()},
		"another form":  {`{"createable": "yes"}`, true, types.StringNull(), types.BoolNull()},
		"not an object": {`[1]`, true, types.StringNull(), types.BoolNull()},
		"not JSON":      {`<html>`, true, types.StringNull(), types.BoolNull()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var m sobjectDataSourceModel
			err := m.populate([]byte(tc.description))
			if (err != nil) != tc.bad || !m.KeyPrefix.Equal(tc.prefix) || !m.Createable.Equal(tc.createable) {
				t.Errorf("got %+v, %v", m, err)
			}
		})
	}
}
