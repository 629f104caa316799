package provider

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

func TestOpening(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"the session ended":                 "The session ended.",
		"The session ended.":                "The session ended.",
		"api_version must be of the form":   "api_version must be of the form.",
		"login.salesforce.com only logs in": "login.salesforce.com only logs in.",
		"GET /services/data/: HTTP 404":     "GET /services/data/: HTTP 404.",
		"list tenant secrets: GET /x":       "List tenant secrets: GET /x.",
		"länger":                            "länger.",
		"":                                  ".",
	} {
		if got := opening(errors.New(text)); got != want {
			t.Errorf("opening(%q) = %q, want %q", text, got, want)
		}
	}
}

// Each answer gets the advice that fits it, and only if it fits.
func TestAdvice(t *testing.T) {
	t.Parallel()
	answer := func(status int, path, code string) error {
		return fmt.Errorf("list tenant secrets: %w", &salesforce.Error{
			Status: status, Method: http.MethodGet, Path: path, Messages: []salesforce.Message{{ErrorCode: code}},
		})
	}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"a version that the org lacks": {
			answer(http.StatusNotFound, "/services/data/v99.0/query", "NOT_FOUND"),
			"check api_version",
		},
		"the same in Tooling": {
			answer(http.StatusNotFound, "/services/data/v99.0/tooling/query", "NOT_FOUND"),
			"check api_version",
		},
		"a row that is not there": {answer(http.StatusNotFound, "/services/data/v62.0/sobjects/TenantSecret/02G",
			"NOT_FOUND"), permissionsAdvice},
		"an object that is hidden": {
			answer(http.StatusBadRequest, "/services/data/v62.0/query", "INVALID_TYPE"),
			permissionsAdvice,
		},
		"a session that ended": {
			answer(http.StatusUnauthorized, "/services/data/v62.0/query", "INVALID_SESSION_ID"),
			"fresh credentials",
		},
		"a lock": {answer(http.StatusBadRequest, "/services/data/v62.0/sobjects/TenantSecret",
			"UNABLE_TO_LOCK_ROW"), "Apply again"},
		"maintenance": {
			answer(http.StatusServiceUnavailable, "/services/data/v62.0/query", ""),
			"Apply again later",
		},
		"a write without an answer": {salesforce.ErrOutcomeUnknown, "Plan again before anything else"},
		"another org":               {salesforce.ErrWrongOrganization, ""},
		"calls used up": {
			answer(http.StatusForbidden, "/services/data/v62.0/query", "REQUEST_LIMIT_EXCEEDED"),
			"",
		},
		"anything else": {errors.New("else"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := advice(test.err)
			if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if got != "" && (!strings.HasPrefix(got, " ") || !strings.HasSuffix(got, ".")) {
				t.Errorf("%q does not follow a sentence", got)
			}
		})
	}
}

func TestAttributePath(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]path.Path{
		"certificate":                   path.Root("certificate"),
		"escrow.directory":              path.Root("escrow").AtName("directory"),
		"escrow.age_recipients[3]":      path.Root("escrow").AtName("age_recipients").AtListIndex(3),
		"certificate_pins[0]":           path.Root("certificate_pins").AtListIndex(0),
		"escrow.recipient_groups[1][0]": path.Root("escrow").AtName("recipient_groups").AtListIndex(1).AtListIndex(0),
	} {
		if got := attributePath(words); !got.Equal(want) {
			t.Errorf("%s: got %s, want %s", words, got, want)
		}
	}
}

// A problem is rendered alike as an error and as a warning, wherever in an error it stands, and
// never with its cause.
func TestAddProblem(t *testing.T) {
	t.Parallel()
	cause := errors.New("the cause")
	for name, test := range map[string]struct {
		p    *problem.Problem
		want diag.Diagnostic
	}{
		"of an attribute": {
			problem.New("escrow.directory", "Wrong", "Found %d.", 1).Because(cause),
			diag.NewAttributeErrorDiagnostic(path.Root("escrow").AtName("directory"), "Wrong", "escrow.directory: Found 1."),
		},
		"of none": {problem.New("", "Wrong", "Found it."), diag.NewErrorDiagnostic("Wrong", "Found it.")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var direct, wrapped, warned diag.Diagnostics
			if addProblem(&direct, test.p) {
				t.Error("expected a problem not to be none")
			}
			addError(&wrapped, "Other", fmt.Errorf("wrapped: %w", test.p))
			addProblemWarning(&warned, test.p)
			for _, got := range []diag.Diagnostics{direct, wrapped} {
				if len(got) != 1 || !got[0].Equal(test.want) {
					t.Errorf("found %v", got)
				}
			}
			if len(warned) != 1 || warned[0].Severity() != diag.SeverityWarning || warned[0].Summary() != test.want.Summary() ||
				warned[0].Detail() != test.want.Detail() {
				t.Errorf("found %v", warned)
			}
		})
	}
	var none diag.Diagnostics
	if addProblemWarning(&none, nil); !addProblem(&none, nil) || len(none) != 0 {
		t.Errorf("found %v", none)
	}
}
