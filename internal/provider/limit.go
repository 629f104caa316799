package provider

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// limitTeller says once what a whole run is to hear of the org's API request limit, whatever the number of its resources: that few calls
// are left, and that calls are refused.
type limitTeller struct {
	client *salesforce.Client
	// read is set once the reading of a resource has failed by the limit.
	read atomic.Bool
}

// tell shortens each error by the limit but the first, and adds the warning that few calls are left where nobody has had it.
func (l *limitTeller) tell(diagnostics []*tfprotov6.Diagnostic) []*tfprotov6.Diagnostic {
	if l == nil {
		return diagnostics
	}
	for _, d := range diagnostics {
		if end := l.endOfBrief(d); end > 0 && !l.client.RequestLimit().TellFirst() {
			d.Detail = d.Detail[:end] + ", as another error of this run says in full."
		}
	}
	if text, low := l.client.LimitWarning(); low {
		diagnostics = append(diagnostics, &tfprotov6.Diagnostic{
			Severity: tfprotov6.DiagnosticSeverityWarning, Summary: "Few API calls are left",
			Detail: sentence(text) + " Beyond the limit Salesforce refuses every call, and a run ends where it stands. A plan over any number of records takes about " +
				"five calls, an upload six: look for other clients of the org (Setup, System Overview), or wait.",
		})
	}

	return diagnostics
}

// tellReading is tell for the reading of a resource. Only the first one that fails by the limit has an error: it fails the whole walk, and
// the others, whose state stays as it is, have nothing to add. An error of a data source is not enough, since a check block makes a warning
// of it.
func (l *limitTeller) tellReading(req *tfprotov6.ReadResourceRequest, resp *tfprotov6.ReadResourceResponse) {
	if l == nil || resp == nil {
		return
	}
	limited := func(d *tfprotov6.Diagnostic) bool { return l.endOfBrief(d) > 0 }
	if slices.ContainsFunc(resp.Diagnostics, limited) && !l.read.CompareAndSwap(false, true) {
		resp.Diagnostics = slices.DeleteFunc(resp.Diagnostics, limited)
		resp.NewState, resp.NewIdentity, resp.Private = req.CurrentState, req.CurrentIdentity, req.Private
	}
	resp.Diagnostics = l.tell(resp.Diagnostics)
}

// endOfBrief returns where the words that quote the limit end in an error's detail, 0 where it has none.
func (l *limitTeller) endOfBrief(d *tfprotov6.Diagnostic) int {
	limit := l.client.RequestLimit()
	if limit == nil || d.Severity != tfprotov6.DiagnosticSeverityError {
		return 0
	}
	brief := limit.Brief()
	if at := strings.Index(d.Detail, brief); at >= 0 {
		return at + len(brief)
	}

	return 0
}
