package provider

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

const inFull = "so no further one is made in this run"

func spentLimit() *salesforce.RequestLimitError {
	return &salesforce.RequestLimitError{
		Usage: "api-usage=5/5",
		Err:   &salesforce.Error{Status: 403, Messages: []salesforce.Message{{ErrorCode: "REQUEST_LIMIT_EXCEEDED"}}},
	}
}

// The first one that is shown has the whole text, whichever was made first, and keeps it.
func TestOneErrorOfARunSaysTheLimitInFull(t *testing.T) {
	t.Parallel()
	limit := spentLimit()
	var diags diag.Diagnostics
	for _, err := range []error{
		fmt.Errorf("listing tenant secrets: %w", limit),
		problem.New("certificate", "No certificate", "%s.", limit).Because(limit),
		errors.Join(errors.New("else"), limit),
	} {
		addError(&diags, "Unable to read the tenant secrets", err)
	}
	if len(diags) != 3 || diags[1].Summary() != "No certificate" {
		t.Fatalf("found %+v", diags)
	}
	for range 2 {
		for _, i := range []int{1, 0, 2} {
			if detail := diags[i].Detail(); strings.Contains(detail, inFull) != (i == 1) ||
				!strings.Contains(detail, "Sforce-Limit-Info: api-usage=5/5") {
				t.Errorf("error %d: %s", i, detail)
			}
		}
	}
	if diags[0].Equal(diags[2]) || !diags[0].Equal(diags[0]) || diags[0].Equal(diag.NewErrorDiagnostic("a", "b")) {
		t.Error("a diagnostic is equal to itself alone")
	}
}

// Of all readings that fail by the limit one has the error. The others change nothing, and hide no
// error of another kind.
func TestOneReadingHasTheErrorOfTheLimit(t *testing.T) {
	t.Parallel()
	reporter, limit := &limitReporter{}, spentLimit()
	req := &tfprotov6.ReadResourceRequest{CurrentState: &tfprotov6.DynamicValue{MsgPack: []byte{1}}, Private: []byte("p")}
	read := func(reading *limitedReading, err error) (diag.Diagnostics, *tfprotov6.ReadResourceResponse) {
		var diags diag.Diagnostics
		addError(&diags, "Unable to read", err)
		onlyFirstLimit(reading.with(t.Context()), &diags)
		resp := &tfprotov6.ReadResourceResponse{}
		for range diags {
			resp.Diagnostics = append(resp.Diagnostics, &tfprotov6.Diagnostic{Severity: tfprotov6.DiagnosticSeverityError})
		}
		reading.answer(req, resp)

		return diags, resp
	}
	if diags, resp := read(&limitedReading{reporter: reporter}, errors.New("another one")); len(diags) != 1 ||
		resp.NewState != nil {
		t.Errorf("another error: %+v", resp)
	}
	if diags, resp := read(&limitedReading{reporter: reporter}, limit); len(diags) != 1 || len(resp.Diagnostics) != 1 ||
		resp.NewState != nil || !strings.Contains(diags[0].Detail(), inFull) {
		t.Errorf("the first: %+v", resp)
	}
	if diags, resp := read(&limitedReading{reporter: reporter}, limit); len(diags) != 0 || len(resp.Diagnostics) != 0 ||
		resp.NewState != req.CurrentState || string(resp.Private) != "p" {
		t.Errorf("the second: %+v", resp)
	}
	if diags, _ := read(&limitedReading{}, limit); len(diags) != 1 {
		t.Error("a provider that is not configured drops errors")
	}
	var diags diag.Diagnostics
	addError(&diags, "Unable to read", limit)
	if onlyFirstLimit(context.Background(), &diags); len(diags) != 1 {
		t.Error("outside of a server an error is dropped")
	}
}
