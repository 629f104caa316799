package provider

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"weak"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// contextKey is a key of this test's values.
type contextKey struct{}

// cargo stands for what hangs on the context of a request.
type cargo [1 << 10]byte

func TestNewServerOffersAllThatTheFrameworkDoes(t *testing.T) {
	t.Parallel()

	if _, ok := NewServer("test")().(server); !ok {
		t.Error("the framework's server lacks an interface that server names: its memory of requests is not kept in check")
	}
}

// perResource are the requests that come once per resource or data source.
func perResource(s tfprotov6.ProviderServer) map[string]func(context.Context) error {
	const name = "salesforcebyok_tenant_secret_version"

	return map[string]func(context.Context) error{
		"ValidateResourceConfig": func(ctx context.Context) error {
			_, err := s.ValidateResourceConfig(ctx, &tfprotov6.ValidateResourceConfigRequest{TypeName: name})

			return err
		},
		"UpgradeResourceState": func(ctx context.Context) error {
			_, err := s.UpgradeResourceState(ctx, &tfprotov6.UpgradeResourceStateRequest{TypeName: name})

			return err
		},
		"UpgradeResourceIdentity": func(ctx context.Context) error {
			_, err := s.UpgradeResourceIdentity(ctx, &tfprotov6.UpgradeResourceIdentityRequest{TypeName: name})

			return err
		},
		"ReadResource": func(ctx context.Context) error {
			_, err := s.ReadResource(ctx, &tfprotov6.ReadResourceRequest{TypeName: name})

			return err
		},
		"PlanResourceChange": func(ctx context.Context) error {
			_, err := s.PlanResourceChange(ctx, &tfprotov6.PlanResourceChangeRequest{TypeName: name})

			return err
		},
		"ApplyResourceChange": func(ctx context.Context) error {
			_, err := s.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{TypeName: name})

			return err
		},
		"ReadDataSource": func(ctx context.Context) error {
			_, err := s.ReadDataSource(ctx, &tfprotov6.ReadDataSourceRequest{TypeName: "salesforcebyok_organization"})

			return err
		},
	}
}

// What hangs on the context of a request must be free for the garbage collector once the request is answered.
func TestServerKeepsNothingOfARequest(t *testing.T) {
	t.Parallel()

	s := NewServer("test")()
	for name, call := range perResource(s) {
		held := func() weak.Pointer[cargo] {
			value := &cargo{}
			if err := call(context.WithValue(t.Context(), contextKey{}, value)); err != nil {
				t.Fatalf("%s: %v", name, err)
			}

			return weak.Make(value)
		}()
		runtime.GC()
		if held.Value() != nil {
			t.Errorf("%s: the server still holds the context of an answered request", name)
		}
	}
	runtime.KeepAlive(s)
}

// recorder is a server that notes the context that it is called with.
type recorder struct {
	frameworkServer

	seen context.Context //nolint:containedctx // what the test looks at
}

func (r *recorder) ReadResource(ctx context.Context, _ *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	r.seen = ctx
	if ctx.Value(contextKey{}) == nil || ctx.Err() != nil {
		return nil, errors.New("the request does not see its context")
	}

	return &tfprotov6.ReadResourceResponse{}, nil
}

func TestARequestSeesItsContextUntilItIsAnswered(t *testing.T) {
	t.Parallel()

	inner := &recorder{}
	ctx := context.WithValue(t.Context(), contextKey{}, &cargo{})
	if _, err := (server{frameworkServer: inner, provider: &byokProvider{}}).ReadResource(ctx, &tfprotov6.ReadResourceRequest{}); err != nil {
		t.Fatal(err)
	}
	if inner.seen.Value(contextKey{}) != nil || !errors.Is(inner.seen.Err(), context.Canceled) {
		t.Errorf("after the answer: value %v, error %v", inner.seen.Value(contextKey{}), inner.seen.Err())
	}
}

func TestARequestIsCancelledWithItsParent(t *testing.T) {
	t.Parallel()

	parent, cancel := context.WithCancel(t.Context())
	request, release := newRequestContext(parent)
	defer release()
	below, stop := context.WithCancel(request)
	defer stop()
	if below.Err() != nil {
		t.Fatal("cancelled before its parent")
	}
	cancel()
	<-below.Done()
	if !errors.Is(request.Err(), context.Canceled) {
		t.Errorf("got %v", request.Err())
	}
}

// A deadline of the parent ends a request as well.
func TestARequestOfAnExpiredParentIsCancelled(t *testing.T) {
	t.Parallel()

	parent, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	request, release := newRequestContext(parent)
	defer release()
	<-request.Done()
	if request.Err() == nil {
		t.Error("no error")
	}
}
