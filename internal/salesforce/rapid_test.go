package salesforce

import (
	"context"
	"testing"

	"pgregory.net/rapid"
)

// rapidTB lets a property use the org of the other tests.
type rapidTB struct {
	testing.TB

	t *rapid.T
}

func (r rapidTB) Helper()                           {}
func (r rapidTB) Cleanup(func())                    {}
func (r rapidTB) Errorf(format string, args ...any) { r.t.Errorf(format, args...) }
func (r rapidTB) Fatal(args ...any)                 { r.t.Fatal(args...) }
func (r rapidTB) Context() context.Context          { return r.t.Context() }
