package provider

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// permissionsAdvice names what the running user needs [D ShieldREST, Help
// security_pe_byok_generate_secret]. Salesforce answers an under-privileged user with an empty
// result or "not found", so it belongs to every such answer.
const permissionsAdvice = "Check that this is the right org, that it has Shield Platform Encryption, and that the " +
	"user has Manage Encryption Keys, Manage Certificates and Customize Application."

// addError turns an error into a diagnostic: tied to an attribute if one must change, with
// advice if there is some. Texts of Salesforce are shown as they come and never interpreted.
func addError(diags *diag.Diagnostics, summary string, err error) {
	if limit, ok := errors.AsType[*salesforce.RequestLimitError](err); ok {
		if p, ok := problem.Of(err); ok {
			addLimit(diags, limit, p.Summary, p.Detail)
		} else {
			addLimit(diags, limit, summary, opening(err))
		}
	} else if p, ok := problem.Of(err); ok {
		addProblem(diags, p)
	} else if unknown, ok := errors.AsType[*upload.UnknownOutcomeError](err); ok {
		diags.AddError("Outcome of the upload is unknown", unknownOutcomeDetail(unknown))
	} else {
		diags.AddError(summary, opening(err)+advice(err))
	}
}

// addProblem renders a problem as an error, and reports whether there is none.
func addProblem(diags *diag.Diagnostics, p *problem.Problem) bool {
	switch {
	case p == nil:
		return true
	case p.Attribute == "":
		diags.AddError(p.Summary, p.Detail)
	default:
		diags.AddAttributeError(attributePath(p.Attribute), p.Summary, worded(p.Attribute, p.Detail))
	}

	return false
}

// addProblemWarning renders a problem as a warning.
func addProblemWarning(diags *diag.Diagnostics, p *problem.Problem) {
	switch {
	case p == nil:
	case p.Attribute == "":
		diags.AddWarning(p.Summary, p.Detail)
	default:
		diags.AddAttributeWarning(attributePath(p.Attribute), p.Summary, worded(p.Attribute, p.Detail))
	}
}

// neighbours names, for each attribute that takes a secret, the one beside it that errors point at:
// the CLI prints the source of what an error points at.
var neighbours = map[string]string{
	"client_secret": "client_id", "private_key": "username", "access_token": "instance_url",
	"key_material_wo": "key_material_wo_version", "exported_secret_value_wo": "exported_secret_value_wo_version",
}

// worded returns a detail that names its attribute if the CLI can't point at it: a secret, or
// an element of a nested attribute.
func worded(attribute, detail string) string {
	if _, secret := neighbours[attribute]; !secret && !strings.ContainsAny(attribute, ".[") ||
		strings.Contains(detail, attribute) {
		return detail
	}

	return attribute + ": " + detail
}

// attributePath is the path of an attribute in words, such as "escrow.directory" or
// "escrow.age_recipients[0]", or of the neighbour of one that takes a secret.
func attributePath(words string) path.Path {
	if neighbour, secret := neighbours[words]; secret {
		return path.Root(neighbour)
	}
	var at path.Path
	for i, name := range strings.Split(words, ".") {
		name, indexes, _ := strings.Cut(name, "[")
		if i == 0 {
			at = path.Root(name)
		} else {
			at = at.AtName(name)
		}
		for index := range strings.SplitSeq(strings.TrimSuffix(indexes, "]"), "][") {
			if n, err := strconv.Atoi(index); err == nil {
				at = at.AtListIndex(n)
			}
		}
	}

	return at
}

// unknownOutcomeDetail says what was sent, when, and what the next apply will do.
func unknownOutcomeDetail(e *upload.UnknownOutcomeError) string {
	var text strings.Builder
	fmt.Fprintf(&text, "A new %s key was sent at %s under rotation id %s", e.Type, rfc3339(e.SentAt), e.RotationID)
	if e.Hash != "" {
		fmt.Fprintf(&text, " with the SecretValueHash %s", e.Hash)
	}
	text.WriteString(", and no answer says whether Salesforce took it. Several searches of the org since did not find " +
		"it, and nothing was sent twice. ")
	if e.EscrowFile != "" {
		fmt.Fprintf(&text, "Keep its escrow copy, %s. ", e.EscrowFile)
	}
	text.WriteString("Apply again: the next apply adopts the key if it is there, and else uploads one. ")
	if e.Err != nil {
		fmt.Fprintf(&text, "Cause: %s", sentence(e.Err.Error()))
	}

	return text.String()
}

// versionAdvice belongs to a "not found" of a resource that every version of the API has.
const versionAdvice = " The org may lack this API version: check api_version against /services/data/ of instance_url."

// speaksOfRequest reports whether a refusal can be about what was sent, such as how a key was
// wrapped: one of the session, of permissions, of limits or of an outage is not, whatever was sent.
func speaksOfRequest(err error) bool {
	for _, other := range []error{
		salesforce.ErrUnauthorized, salesforce.ErrPermission, salesforce.ErrRequestLimit, salesforce.ErrUnavailable,
		salesforce.ErrLocked, salesforce.ErrWrongHost,
	} {
		if errors.Is(err, other) {
			return false
		}
	}

	return true
}

// advice returns a sentence to follow the error, with a leading space, or nothing.
func advice(err error) string {
	var answer *salesforce.Error
	switch {
	case errors.Is(err, salesforce.ErrWrongHost) && !errors.Is(err, salesforce.ErrOutcomeUnknown):
		return wrongHostAdvice
	case errors.As(err, &answer) && answer.Status == http.StatusNotFound && strings.HasSuffix(answer.Path, "/query"):
		return versionAdvice + " " + permissionsAdvice
	case errors.Is(err, salesforce.ErrRequestLimit):
		return ""
	case errors.Is(err, salesforce.ErrWrongOrganization):
		return ""
	case errors.Is(err, salesforce.ErrPermission):
		return " " + permissionsAdvice
	case errors.Is(err, salesforce.ErrSOAPToken):
		return " SOAP, which settings and certificates need, takes no JWT-based access tokens: turn them off in the app's " +
			"OAuth settings."
	case errors.Is(err, salesforce.ErrLoginLimit):
		return " Salesforce limits how often one user logs in. Apply again later."
	case errors.Is(err, salesforce.ErrUnauthorized):
		return " The session has ended or may not use the API. Apply again with fresh credentials."
	case errors.Is(err, salesforce.ErrLocked):
		return " Another transaction held the record the whole time. Apply again."
	case errors.Is(err, salesforce.ErrUnavailable):
		return " Salesforce did not serve the request. Apply again later."
	case errors.Is(err, salesforce.ErrOutcomeUnknown):
		return " Plan again before anything else: the plan shows whether the change was made."
	default:
		return ""
	}
}
