package provider_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// The most requests that an apply may make, with its login: docs/guides/performance.md promises
// them.
const (
	uploadBudget  = 7
	destroyBudget = 4
)

// The requests of an upload after its login, and of the other ways to a new record.
const (
	// The keys are read for the plan that the core makes once more, beside the certificate, and again
	// for the write.
	uploadRequests   = readCertificate + " TenantSecret.query TenantSecret.query TenantSecret.create TenantSecret.get"
	generateRequests = "TenantSecret.query TenantSecret.query TenantSecret.create TenantSecret.get"
	adoptRequests    = readCertificate + " TenantSecret.query TenantSecret.query"
	editRequests     = "TenantSecret.query TenantSecret.update TenantSecret.get"
	// patchRequests is a change of a record's status, with the reading right before and the one right
	// after.
	patchRequests = "TenantSecret.get TenantSecret.update TenantSecret.get"
	// deployRequests is a change by the Metadata API; the simulator's are over at the second look.
	deployRequests = "metadata.deploy metadata.deploy.status metadata.deploy.status"
	// readCertificate is a certificate with its content.
	readCertificate = "tooling.Certificate.query Certificate.chain"
	lookTwice       = "tooling.Certificate.query tooling.Certificate.query "
	changeSettings  = "soap.readMetadata " + deployRequests + " soap.readMetadata"
	changeRootKey   = "ExternalEncryptionRootKey.query ExternalEncryptionRootKey.update ExternalEncryptionRootKey.query"
	// uploadDataKey is the documented flow of two steps [D DEKRef], with a reading before, between and
	// after, and the question whether the org takes a Description.
	uploadDataKey = "DataEncryptionKey.query DataEncryptionKey.describe ExternalEncryptionRootKey.query " +
		"DataEncryptionKey.query DataEncryptionKey.create DataEncryptionKey.query soap.readMetadata " +
		"DataEncryptionKey.create DataEncryptionKey.query"
)

// operation is one change of a configuration, which is planned, saved and applied, and what the
// apply may ask of the org.
type operation struct {
	name string
	// body is the configuration below the provider block.
	body string
	// prepare changes the org or the state before the plan; nil for nothing.
	prepare func()
	// requests are the operations of the simulator's journal that the apply makes, in order, without
	// its login, which is the first.
	requests string
	// atMost is the budget of the operation, with the login, as docs/guides/performance.md promises
	// it: 7 for an upload, 4 for a destroy. What goes through the Metadata API, or in two steps, needs
	// what its list has.
	atMost int
}

// life is an org, a runner and what is done to them, one after the other.
type life struct {
	*acctest.CLI

	sim        *sfsim.Server
	provider   []string
	operations []operation
}

func newLife(t *testing.T, opts ...sfsim.Option) *life {
	t.Helper()
	sim := acctest.StartSim(t, append([]sfsim.Option{sfsim.WithoutIntervals()}, opts...)...)

	return &life{CLI: acctest.NewCLI(t, sim), sim: sim}
}

func (l *life) then(operations ...operation) *life {
	l.operations = append(l.operations, operations...)

	return l
}

// forget takes a resource out of the state.
func (l *life) forget(t *testing.T, address string) func() {
	return func() {
		if removed := l.Run("state", "rm", address); removed.Code != 0 {
			t.Fatal(removed.Output())
		}
	}
}

// run carries out each operation and compares the requests of its apply, one by one.
func (l *life) run(t *testing.T) {
	t.Helper()
	for _, op := range l.operations {
		if op.prepare != nil {
			op.prepare()
		}
		l.Write("main.tf", requiredProvider+acctest.ProviderBlock(l.sim, l.provider...)+op.body)
		if plan := l.Plan("-out=saved.tfplan"); plan.Code != acctest.PlanChanges {
			t.Fatalf("%s: expected a plan with changes, found exit code %d\n%s", op.name, plan.Code, plan.Output())
		}
		before := l.sim.RequestCount()
		if result := l.Run("apply", "-json", "-input=false", "saved.tfplan"); result.Code != 0 {
			t.Fatalf("%s: exit code %d\n%s", op.name, result.Code, result.Output())
		}
		var made []string
		for _, request := range l.sim.RequestsFrom(before) {
			made = append(made, request.Operation)
		}
		if len(made) > op.atMost {
			t.Errorf("%s: %d requests, at most %d are allowed: %v", op.name, len(made), op.atMost, made)
		}
		want := append([]string{acctest.OpToken}, strings.Fields(op.requests)...)
		// Some readings of a plan are made side by side.
		slices.Sort(want)
		slices.Sort(made)
		if !slices.Equal(made, want) {
			t.Errorf("%s: expected the requests\n%v, found\n%v", op.name, want, made)
		}
		// What was saved on requests must not be paid for by a plan that finds something left to do.
		l.MustBeEmpty()
	}
}

// Each request counts against the org's daily limit, so none may be added unnoticed: every
// operation that writes is compared with the list of its requests, and with its budget.
func TestAccCallBudget(t *testing.T) {
	t.Parallel()
	lives := map[string]func(*testing.T) *life{
		"tenant secret": func(t *testing.T) *life {
			l := newLife(t)
			escrow := escrowIn(l.CLI)

			return l.then(
				operation{name: "create", body: dataKey(escrow, trigger("a")), requests: uploadRequests, atMost: uploadBudget},
				operation{name: "rotate", body: dataKey(escrow, trigger("b")), requests: uploadRequests, atMost: uploadBudget},
				operation{
					name: "describe", body: dataKey(escrow, trigger("b"), `description = "ours"`), requests: editRequests,
					atMost: destroyBudget,
				},
				operation{
					name: "adopt", body: dataKey(escrow, trigger("b"), `description = "ours"`),
					prepare: l.forget(t, tenantSecretAddress), requests: adoptRequests, atMost: 5,
				},
				operation{
					name: "adopt and mark", body: dataKey(escrow, trigger("b"), `description = "again"`),
					prepare: l.forget(t, tenantSecretAddress), requests: adoptRequests + " TenantSecret.update", atMost: 6,
				},
				operation{name: "forget", body: "", atMost: 1},
			)
		},
		"given material": func(t *testing.T) *life {
			skipBelowWriteOnly(t)
			l, material := newLife(t), acctest.NewMaterial()
			line, variable := givenMaterial(material, "1")
			again, variableAgain := givenMaterial(acctest.NewMaterial(), "2")

			return l.then(
				operation{
					name: "create", body: dataKey(line, pin(material)) + variable, requests: uploadRequests,
					atMost: uploadBudget,
				},
				operation{name: "rotate", body: dataKey(again) + variableAgain, requests: uploadRequests, atMost: uploadBudget},
			)
		},
		"wrapped elsewhere": func(t *testing.T) *life {
			l, first, second := newLife(t), acctest.NewMaterial(), acctest.NewMaterial()

			return l.then(
				operation{
					name: "create", body: dataKey(wrapped(wrapByOpenSSL(t, l.sim, "Sim_BYOK", first)), pin(first)),
					requests: uploadRequests, atMost: uploadBudget,
				},
				operation{
					name: "rotate", body: dataKey(wrapped(wrapByOpenSSL(t, l.sim, "Sim_BYOK", second)), pin(second)),
					requests: uploadRequests, atMost: uploadBudget,
				},
			)
		},
		"made by Salesforce": func(t *testing.T) *life {
			return newLife(t).then(
				operation{
					name: "create", body: tenantSecret(`type = "Data"`, `source = "HSM"`), requests: generateRequests,
					atMost: uploadBudget,
				},
				operation{
					name: "rotate", body: tenantSecret(`type = "Data"`, `source = "HSM"`, trigger("b")),
					requests: generateRequests, atMost: uploadBudget,
				},
			)
		},
		"cache-only tenant secret": func(t *testing.T) *life {
			r := newRemoteRun(t, "enable_cache_only_keys: true")
			l := &life{CLI: r.CLI, sim: r.sim}

			return l.then(
				operation{
					name: "create", body: remoteKey("kid-1", blueCredential, "Sim_BYOK"), requests: generateRequests,
					atMost: uploadBudget,
				},
				operation{
					name: "rotate", body: remoteKey("kid-2", blueCredential, "Sim_BYOK"), requests: generateRequests,
					atMost: uploadBudget,
				},
				operation{
					name: "another service", body: remoteKey("kid-2", greenCredential, "Sim_BYOK"), requests: editRequests,
					atMost: destroyBudget,
				},
			)
		},
		"tenant secret version": func(t *testing.T) *life {
			r := newCustodyRun(t, archivedKey)
			l := &life{CLI: r.CLI, sim: r.sim, provider: []string{"allow_key_destruction = true"}}

			return l.then(
				operation{
					name: "keep", body: r.block(archived), requests: "TenantSecret.query TenantSecret.query TenantSecret.get",
					atMost: destroyBudget,
				},
				operation{name: "destroy", body: r.block(destroyed), requests: patchRequests, atMost: destroyBudget},
				// The keys are counted for the cap.
				operation{name: "restore", body: r.block(archived), requests: "TenantSecret.query " + patchRequests, atMost: 5},
				operation{
					name: "drop the backup", body: r.block(archived, noBackup), requests: "TenantSecret.query",
					atMost: destroyBudget,
				},
				operation{
					name: "destroy for good", body: r.block(destroyed, noBackup, acknowledge(r.id)), requests: patchRequests,
					atMost: destroyBudget,
				},
				operation{name: "forget", body: "", atMost: 1},
			)
		},
		"certificate": func(t *testing.T) *life {
			return newLife(t).then(
				// The core plans a creation once more, and the name must be free then and right before the
				// deploy.
				operation{
					name: "create", body: wrappingCertificate(`developer_name = "BYOK_2027"`),
					requests: lookTwice + deployRequests + " " + readCertificate, atMost: 8,
				},
				// The keys are read for one that needs the certificate.
				operation{name: "delete", body: "", requests: "TenantSecret.query " + deployRequests, atMost: 5},
			)
		},
		"signed certificate": func(t *testing.T) *life {
			l, ca := newLife(t), newAuthority(t, "Bank CA")

			return l.then(
				operation{
					name: "create", body: caSigned(), requests: lookTwice + deployRequests + " " + readCertificate,
					atMost: 8,
				},
				operation{
					name: "upload the chain", body: caSigned(`certificate_chain = file("chain.pem")`),
					requests: deployRequests + " " + readCertificate, atMost: 6,
					prepare: func() { l.Write("chain.pem", chainFor(t, ca, requestIn(t, l.CLI).PublicKey)) },
				},
			)
		},
		"settings": func(t *testing.T) *life {
			return newLife(t, settingsAre(false, false, false)).then(
				operation{
					name: "create", body: keySettings("enable_cache_only_keys = true"),
					requests: "soap.readMetadata " + changeSettings, atMost: uploadBudget,
				},
				operation{
					name: "change", body: keySettings("enable_cache_only_keys = true", "enable_replay_detection = true"),
					requests: changeSettings, atMost: uploadBudget,
				},
				operation{name: "forget", body: "", atMost: 1},
			)
		},
		"root key": func(t *testing.T) *life {
			l := newLife(t, withRootKey("Active"))
			l.provider = []string{"allow_key_destruction = true"}

			return l.then(
				operation{
					name: "take over", body: rootKeyBlock("Active"),
					requests: "ExternalEncryptionRootKey.query ExternalEncryptionRootKey.query", atMost: destroyBudget,
				},
				operation{name: "deactivate", body: rootKeyBlock("Inactive"), requests: changeRootKey, atMost: destroyBudget},
				operation{name: "activate", body: rootKeyBlock("Active"), requests: changeRootKey, atMost: destroyBudget},
				operation{name: "forget", body: "", atMost: 1},
			)
		},
		"cache-only key": func(t *testing.T) *life {
			skipUnderStrictFIPS(t)
			l := newLife(t)
			escrow := fmt.Sprintf("escrow = {\n    age_recipients = [%q]\n    directory = %q\n  }", ageRecipient,
				filepath.Join(l.Dir, "escrow"))

			return l.then(
				// The keys are read for one that is fetched by the identifier.
				operation{
					name: "create", body: cacheOnly(`certificate = "Sim_BYOK"`, escrow),
					requests: "TenantSecret.query " + readCertificate, atMost: destroyBudget,
				},
				operation{name: "forget", body: "", atMost: 1},
			)
		},
		"data encryption key": func(t *testing.T) *life {
			l := newLife(t, sfsim.WithConfiguration(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.Hyperforce = true }))
			l.provider = []string{`api_version = "63.0"`}

			return l.then(
				operation{name: "create", body: searchKey(escrowIn(l.CLI), trigger("a")), requests: uploadDataKey, atMost: 10},
				operation{name: "rotate", body: searchKey(escrowIn(l.CLI), trigger("b")), requests: uploadDataKey, atMost: 10},
				operation{name: "forget", body: "", atMost: 1},
			)
		},
	}
	for name, begin := range lives {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begin(t).run(t)
		})
	}
}
