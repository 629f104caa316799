package provider

import (
	"context"
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

// What hangs on the context of a request must be free for the garbage collector once the request is
// answered.
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
