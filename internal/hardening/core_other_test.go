//go:build !linux

package hardening_test

import (
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/hardening"
)

func TestDisableCoreDumpsElsewhere(t *testing.T) {
	t.Parallel()
	if err := hardening.DisableCoreDumps(); err != nil {
		t.Error(err)
	}
}
