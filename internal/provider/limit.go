package provider

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// limitDiagnostic is an error by the org's API request limit. The first one that the CLI gets says
// it in full, all others of the run shortly.
type limitDiagnostic struct {
	diag.Diagnostic

	limit *salesforce.RequestLimitError
}

// addLimit adds an error by the request limit.
func addLimit(diags *diag.Diagnostics, limit *salesforce.RequestLimitError, summary, detail string) {
	diags.Append(&limitDiagnostic{diag.NewErrorDiagnostic(summary, detail), limit})
}

// Detail is asked for when the diagnostic is sent, and not before: one that is dropped is not the
// first.
func (d *limitDiagnostic) Detail() string {
	if d.limit.ReportFirst(d) {
		return d.Diagnostic.Detail()
	}

	return "Calls are refused by " + d.limit.Brief() + ", as another error of this run says in full."
}

// Equal compares identities, since the detail may not be asked for.
func (d *limitDiagnostic) Equal(other diag.Diagnostic) bool {
	same, ok := other.(*limitDiagnostic)

	return ok && same == d
}

// limitedReading is the reading of one resource, for the request limit.
type limitedReading struct {
	reporter *limitReporter
	// silent is set if the reading has failed by the limit and another one has the error.
	silent bool
}

type limitedReadingKey struct{}

// with returns a context in which onlyFirstLimit works.
func (l *limitedReading) with(ctx context.Context) context.Context {
	return context.WithValue(ctx, limitedReadingKey{}, l)
}

// onlyFirstLimit drops the error by the request limit of all readings but the first: that one fails
// the whole walk, and the others, whose state stays as it is, have nothing to add. An error of a
// data source is not enough, since a check block makes a warning of it. Every Read defers this.
func onlyFirstLimit(ctx context.Context, diags *diag.Diagnostics) {
	limited := func(d diag.Diagnostic) bool {
		_, is := d.(*limitDiagnostic)

		return is
	}
	reading, ok := ctx.Value(limitedReadingKey{}).(*limitedReading)
	if !ok || reading.reporter == nil || !slices.ContainsFunc(*diags, limited) ||
		reading.reporter.read.CompareAndSwap(false, true) {
		return
	}
	*diags = slices.DeleteFunc(*diags, limited)
	reading.silent = true
}

// answer makes a silent reading one in which nothing has changed.
func (l *limitedReading) answer(req *tfprotov6.ReadResourceRequest, resp *tfprotov6.ReadResourceResponse) {
	if !l.silent || resp == nil {
		return
	}
	// The framework expects what a reading without an error brings.
	resp.Diagnostics = slices.DeleteFunc(resp.Diagnostics, func(d *tfprotov6.Diagnostic) bool {
		return d.Severity == tfprotov6.DiagnosticSeverityError
	})
	resp.NewState, resp.NewIdentity, resp.Private = req.CurrentState, req.CurrentIdentity, req.Private
}

// limitReporter says once what a whole run is to hear of the org's API request limit, whatever the
// number of its resources: that few calls are left, and that calls are refused.
type limitReporter struct {
	client *salesforce.Client
	// read is set once the reading of a resource has failed by the limit.
	read atomic.Bool
}

// warnings returns the warning that few calls are left, if nobody has had it.
func (l *limitReporter) warnings() []*tfprotov6.Diagnostic {
	if l == nil {
		return nil
	}
	text, low := l.client.LimitWarning()
	if !low {
		return nil
	}

	return []*tfprotov6.Diagnostic{{
		Severity: tfprotov6.DiagnosticSeverityWarning, Summary: "Few API calls are left",
		Detail: sentence(text) + " Beyond the limit Salesforce refuses every call, and a run stops where it is. A plan " +
			"takes about five calls, an upload six. Look for other clients of the org (Setup, System Overview), or wait.",
	}}
}
