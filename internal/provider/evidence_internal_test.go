package provider

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt/schema"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// The write is done when its receipt can't be kept: that is a warning, which has the receipt, and
// the state has it too.
func TestRecordWithoutAPlace(t *testing.T) {
	t.Parallel()
	client, err := salesforce.New(salesforce.Config{
		InstanceURL: "https://example.my.salesforce.com",
		Auth:        &salesforce.AccessToken{Token: secret.NewText("00D000000000001!x")},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	data := &Data{Client: client, Session: salesforce.Session{
		OrganizationID: "00D000000000001EAA",
		UserID:         "005000000000001AAA",
	}, Version: "1.2.3"}
	write := receipt.Receipt{Operation: receipt.MakeCertificate, Certificate: &receipt.Certificate{DeveloperName: "BYOK"}}

	var diags diag.Diagnostics
	first := data.record(t.Context(), write, types.StringNull(), &diags)
	if len(diags) != 0 {
		t.Errorf("expected no word without a directory, found %v", diags)
	}
	data.ReceiptDirectory = file
	second := data.record(t.Context(), write, first, &diags)
	if len(diags.Warnings()) != 1 || diags.HasError() || !strings.Contains(diags.Warnings()[0].Detail(),
		second.ValueString()) {
		t.Errorf("expected one warning with the receipt, found %v", diags)
	}
	if err := schema.VerifyChain(first.ValueString(), second.ValueString()); err != nil {
		t.Error(err)
	}
	r, err := receipt.Parse(second.ValueString())
	if err != nil || r.OrganizationID != data.Session.OrganizationID || r.UserID != data.Session.UserID ||
		r.ProviderVersion != "1.2.3" || r.Time == "" {
		t.Errorf("expected the receipt to be whole, found %+v, %v", r, err)
	}
	if data.canRecord(t.Context(), &diags) || !diags.HasError() {
		t.Error("expected the next write to be refused")
	}
}
