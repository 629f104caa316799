package provider

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/custody"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// permissionsAdvice names what the running user needs [D ShieldREST, Help security_pe_byok_generate_secret]. Salesforce answers an
// under-privileged user with an empty result or "not found", so it belongs to every such answer.
const permissionsAdvice = "Check that Shield Platform Encryption is enabled in the org and that the user has the permissions Manage Encryption Keys, Manage Certificates and " +
	"Customize Application, and that the credentials lead to the org that you mean."

// summaryUnknownOutcome is the summary by which an update recognises that its POST had no answer.
const summaryUnknownOutcome = "Outcome of the upload is unknown"

// addError turns an error into a diagnostic: tied to an attribute where one must change, with advice where there is some. Texts of
// Salesforce are shown as they come and never interpreted.
func addError(diags *diag.Diagnostics, summary string, err error) {
	var (
		problem *upload.Problem
		unknown *upload.UnknownOutcomeError
		refusal *custody.Refusal
	)
	switch {
	case errors.As(err, &refusal):
		diags.AddAttributeError(path.Root(refusal.Attribute), refusal.Summary, refusal.Detail)
	case errors.As(err, &problem):
		if problem.Attribute == "" {
			diags.AddError(problem.Summary, problem.Detail)
		} else {
			diags.AddAttributeError(path.Root(problem.Attribute), problem.Summary, problem.Detail)
		}
	case errors.As(err, &unknown):
		diags.AddError(summaryUnknownOutcome, unknownOutcomeDetail(unknown))
	default:
		diags.AddError(summary, opening(err)+advice(err))
	}
}

// unknownOutcomeDetail says what was sent, when, and what the next apply will do.
func unknownOutcomeDetail(e *upload.UnknownOutcomeError) string {
	var text strings.Builder
	fmt.Fprintf(&text, "A new %s key was sent to Salesforce at %s under rotation id %s", e.Type, e.SentAt.UTC().Format(time.RFC3339), e.RotationID)
	if e.Hash != "" {
		fmt.Fprintf(&text, " with the SecretValueHash %s", e.Hash)
	}
	text.WriteString(", and no answer tells whether it was taken. The org was searched for it several times since, and it was not there. ")
	if e.EscrowFile != "" {
		fmt.Fprintf(&text, "The escrow copy %s holds the key: keep it. ", e.EscrowFile)
	}
	text.WriteString("Nothing was sent a second time. Apply again: the next apply first looks for this rotation in the org and adopts it; only where it is not " +
		"there a key is uploaded. ")
	if e.Err != nil {
		fmt.Fprintf(&text, "What happened: %s", sentence(e.Err.Error()))
	}

	return text.String()
}

// versionAdvice belongs to a "not found" of a resource that every version of the API has.
const versionAdvice = " Every API version of an org has this resource, so this org may not have the version in the path: check api_version. /services/data/ of instance_url lists " +
	"the versions without a login."

// advice returns a sentence to follow the error, with a leading space, or nothing.
func advice(err error) string {
	var answer *salesforce.Error
	switch {
	case errors.As(err, &answer) && answer.Status == http.StatusNotFound && strings.HasSuffix(answer.Path, "/query"):
		return versionAdvice + " " + permissionsAdvice
	case errors.Is(err, salesforce.ErrRequestLimit):
		return ""
	case errors.Is(err, salesforce.ErrWrongOrganization):
		return ""
	case errors.Is(err, salesforce.ErrPermission):
		return " " + permissionsAdvice
	case errors.Is(err, salesforce.ErrUnauthorized):
		return " The session ended or may not use the API. Apply again with fresh credentials."
	case errors.Is(err, salesforce.ErrLocked):
		return " Another transaction held the record the whole time. Apply again."
	case errors.Is(err, salesforce.ErrUnavailable):
		return " Salesforce did not serve the request. Apply again later."
	case errors.Is(err, salesforce.ErrOutcomeUnknown):
		return " Plan again before anything else: the plan shows whether the change arrived."
	default:
		return ""
	}
}
