package acctest

import (
	"context"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/echoprovider"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// Version is the version of the provider under test, as it stands in receipts and in the user
// agent.
const Version = "test"

// ProviderName is the provider's local name in configurations.
const ProviderName = "salesforcebyok"

// ServerFactories are providers by local name, as plugin-testing wants them.
type ServerFactories = map[string]func() (tfprotov6.ProviderServer, error)

// Factories returns the provider under test. Unless opts say otherwise it waits for a moment only
// where the released one waits for seconds.
func Factories(opts ...provider.Option) ServerFactories {
	opts = append([]provider.Option{provider.WithSleep(Moment)}, opts...)

	server := provider.NewServer(Version, opts...)

	return ServerFactories{ProviderName: func() (tfprotov6.ProviderServer, error) { return server(), nil }}
}

// Moment waits as a sleep of d would end, a millisecond later at the latest.
func Moment(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(min(d, time.Millisecond)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Passing waits as the org's time passes: the clock of the simulator moves on by what was slept.
func Passing(sim *sfsim.Server) func(context.Context, time.Duration) error {
	return func(ctx context.Context, d time.Duration) error {
		sim.Clock.Advance(d)

		return ctx.Err()
	}
}

// FactoriesWithEcho adds the echo provider, which copies what its configuration gets, also an
// ephemeral value, into state.
func FactoriesWithEcho(opts ...provider.Option) ServerFactories {
	factories := Factories(opts...)
	factories["echo"] = echoprovider.NewProviderServer()

	return factories
}
