package acctest

import (
	"slices"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// StartSim starts a simulated org that ends with the test. What no correct client does, recorded by
// the simulator as a violation, fails the test. A short run skips the test: an org is what the CLI
// is run over.
func StartSim(t testing.TB, opts ...sfsim.Option) *sfsim.Server {
	t.Helper()
	sim := StartLenientSim(t, opts...)
	t.Cleanup(func() {
		for _, violation := range sim.Violations() {
			t.Errorf("the simulator recorded a violation: %s", violation)
		}
	})

	return sim
}

// StartLenientSim is StartSim for tests that provoke violations. Neither org loses patience with a
// key service: how long one takes to answer depends on the machine.
func StartLenientSim(t testing.TB, opts ...sfsim.Option) *sfsim.Server {
	t.Helper()
	NeedsCLI(t)
	sim, err := sfsim.New(append([]sfsim.Option{sfsim.WithKeyServiceTimeout(time.Hour)}, opts...)...)
	if err != nil {
		t.Fatalf("starting the simulator: %v", err)
	}
	t.Cleanup(sim.Close)

	return sim
}

// The operations of the simulator's journal that tests count.
const (
	OpCreate = "TenantSecret.create"
	OpUpdate = "TenantSecret.update"
	OpGet    = "TenantSecret.get"
	OpQuery  = "TenantSecret.query"
	OpChain  = "Certificate.chain"
	OpToken  = "token"
)

// Count returns how many requests of an operation the org has received, whatever became of them.
func Count(sim *sfsim.Server, operation string) int {
	n := 0
	for _, request := range sim.Requests() {
		if request.Operation == operation {
			n++
		}
	}

	return n
}

// Writes returns the requests that could change the org, as "METHOD path".
func Writes(sim *sfsim.Server) []string {
	var writes []string
	for _, request := range sim.Requests() {
		if request.Host == "instance" && request.Operation != OpToken &&
			!slices.Contains([]string{"GET", "HEAD"}, request.Method) {
			writes = append(writes, request.Method+" "+request.Path)
		}
	}

	return writes
}

// Exports returns how many requests have read an encrypted SecretValue, which Salesforce records as
// an export.
func Exports(sim *sfsim.Server) int {
	n := 0
	for _, request := range sim.Requests() {
		if request.Exported {
			n++
		}
	}

	return n
}

// Keys returns the records of a type, oldest first.
func Keys(sim *sfsim.Server, typ string) []sfsim.TenantSecret {
	return slices.DeleteFunc(sim.TenantSecrets(), func(s sfsim.TenantSecret) bool { return s.Type != typ })
}

// ActiveKey returns the ACTIVE record of a type.
func ActiveKey(t testing.TB, sim *sfsim.Server, typ string) sfsim.TenantSecret {
	t.Helper()
	for _, s := range Keys(sim, typ) {
		if s.Status == "ACTIVE" {
			return s
		}
	}
	t.Fatalf("the org has no ACTIVE %s key", typ)

	return sfsim.TenantSecret{}
}
