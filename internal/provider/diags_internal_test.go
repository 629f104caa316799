package provider

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

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

// Each answer gets the advice that fits it, and only where it fits.
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
		"a version that the org lacks": {answer(http.StatusNotFound, "/services/data/v99.0/query", "NOT_FOUND"), "check api_version"},
		"the same in Tooling":          {answer(http.StatusNotFound, "/services/data/v99.0/tooling/query", "NOT_FOUND"), "check api_version"},
		"a row that is not there":      {answer(http.StatusNotFound, "/services/data/v62.0/sobjects/TenantSecret/02G", "NOT_FOUND"), permissionsAdvice},
		"an object that is hidden":     {answer(http.StatusBadRequest, "/services/data/v62.0/query", "INVALID_TYPE"), permissionsAdvice},
		"a session that ended":         {answer(http.StatusUnauthorized, "/services/data/v62.0/query", "INVALID_SESSION_ID"), "fresh credentials"},
		"a lock":                       {answer(http.StatusBadRequest, "/services/data/v62.0/sobjects/TenantSecret", "UNABLE_TO_LOCK_ROW"), "Apply again"},
		"maintenance":                  {answer(http.StatusServiceUnavailable, "/services/data/v62.0/query", ""), "Apply again later"},
		"a write without an answer":    {salesforce.ErrOutcomeUnknown, "Plan again before anything else"},
		"another org":                  {salesforce.ErrWrongOrganization, ""},
		"calls used up":                {answer(http.StatusForbidden, "/services/data/v62.0/query", "REQUEST_LIMIT_EXCEEDED"), ""},
		"anything else":                {errors.New("else"), ""},
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
