package faultmatrix

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// operation is what an apply does: one block of rows of the matrix.
type operation struct {
	name    string
	meaning string
	// lane is the name of the lane if the operation shares one: it then starts where the other
	// operation ends.
	lane string
	// seed is the org, "" for the simulator's own.
	seed string
	// address is the resource in state, as type and name.
	address string
	// prepare brings org and state to where the operation starts, and writes the configuration that
	// asks for it.
	prepare func(l *lane, n int)
	// made is how many keys it makes, patched how many it destroys or restores.
	made, patched int
	// bare is true for a key without escrow, where no file remembers an interrupted run.
	bare bool
	// narrow means that writes are struck, and nothing else.
	narrow bool
	// silent means that a run which was killed after its write may have left no receipt, and that
	// the next run, which finds the org as wanted, leaves none either.
	silent bool
	// rereads is true for a data source: what a run can't read is a warning, and the next run reads
	// it.
	rereads bool
	// judge looks at the org and the state afterwards.
	judge func(l *lane) []string
}

const (
	keyAddress    = "salesforcebyok_tenant_secret.data"
	recordAddress = "salesforcebyok_tenant_secret_version.old"
	certAddress   = "data.salesforcebyok_certificate.byok"

	settingsAddress = "salesforcebyok_encryption_key_settings.this"
	rootKeyAddress  = "salesforcebyok_external_root_key.this"

	archivedSeed = "tenant_secrets: [{source: UPLOADED, status: ARCHIVED, description: 'old'}, {}]"
	rootKeyID    = "48q000000000001AAA"
	rootKeySeed  = "root_keys: [{id: " + rootKeyID + ", identifier: 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd'}]"
)

// operations are the blocks of rows.
func operations() []operation {
	return []operation{
		{
			name: "create", meaning: "a first key is generated, escrowed and uploaded", address: keyAddress, made: 1,
			judge: judgeKey,
			prepare: func(l *lane, n int) {
				l.forget()
				l.config(keyBlock(l.escrow(), trigger(n)))
			},
		},
		{
			name: "rotate", meaning: "a trigger changes: the next key is uploaded in place", address: keyAddress, made: 1,
			judge: judgeKey,
			prepare: func(l *lane, n int) {
				if l.state(keyAddress) == nil {
					l.config(keyBlock(l.escrow(), trigger(0)))
					l.must()
				}
				l.config(keyBlock(l.escrow(), trigger(n)))
			},
		},
		{
			name: "create, no escrow", meaning: "as create, without escrow: only the marker in the org shows an interrupted " +
				"run", address: keyAddress,
			made: 1, bare: true, narrow: true, judge: judgeBareKey,
			prepare: func(l *lane, n int) {
				l.forget()
				l.config(keyBlock(trigger(n)))
			},
		},
		{
			name: "rotate, no escrow", meaning: "as rotate, without escrow", address: keyAddress,
			made: 1, bare: true, narrow: true,
			judge: judgeBareKey,
			prepare: func(l *lane, n int) {
				if l.state(keyAddress) == nil {
					l.config(keyBlock(trigger(0)))
					l.must()
				}
				l.config(keyBlock(trigger(n)))
			},
		},
		{
			name: "adopt", meaning: "an ACTIVE key that has the pinned hash is adopted and marked", address: keyAddress,
			judge: judgeAdopted,
			prepare: func(l *lane, _ int) {
				l.forget()
				if _, err := l.sim.Rotate("Data", "UPLOADED"); err != nil {
					l.t.Fatal(err)
				}
				l.config(keyBlock(fmt.Sprintf("secret_value_hash = %q", acctest.ActiveKey(l.t, l.sim, "Data").SecretValueHash)))
			},
		},
		{
			name: "keep", meaning: "an archived record is taken into custody, with its export", address: recordAddress,
			seed: archivedSeed, judge: judgeRecord("ARCHIVED"),
			prepare: func(l *lane, _ int) {
				l.forget()
				l.config(recordBlock(l, "ARCHIVED"))
			},
		},
		{
			name: "destroy", lane: "custody", meaning: "an archived record whose export is in state is destroyed",
			address: recordAddress, seed: archivedSeed, patched: 1,
			judge:   judgeRecord("DESTROYED"),
			prepare: func(l *lane, _ int) { l.transition("ARCHIVED", "DESTROYED") },
		},
		{
			name: "restore", lane: "custody", meaning: "a destroyed record is restored from the export in state",
			address: recordAddress, seed: archivedSeed, patched: 1,
			judge:   judgeRecord("ARCHIVED"),
			prepare: func(l *lane, _ int) { l.transition("DESTROYED", "ARCHIVED") },
		},
		{
			name: "settings", meaning: "a setting of the org is turned on", address: settingsAddress,
			narrow: true, silent: true, judge: judgeSettings,
			prepare: func(l *lane, _ int) {
				l.forget()
				l.sim.Configure(func(s *sfsim.Settings, _ *sfsim.Permissions) { s.CanOptOutOfDerivationWithBYOK = false })
				l.config(settingsBlock("allow_key_derivation_opt_out = true"))
			},
		},
		{
			name: "root key", meaning: "an external root key is made Inactive", address: rootKeyAddress,
			seed: rootKeySeed, narrow: true, judge: judgeRootKey,
			prepare: func(l *lane, _ int) {
				l.config(rootKeyBlock("Active"))
				l.must()
				l.config(rootKeyBlock("Inactive"))
			},
		},
		{
			name: "certificate", meaning: "a certificate is read as a data source", address: certAddress, rereads: true,
			judge: judgeCertificate,
			prepare: func(l *lane, _ int) {
				l.forget()
				l.config("\ndata \"salesforcebyok_certificate\" \"byok\" {\n  developer_name = \"Sim_BYOK\"\n}\n")
			},
		},
	}
}

func trigger(n int) string { return fmt.Sprintf("rotation_triggers = { n = \"%d\" }", n) }

func keyBlock(lines ...string) string {
	lines = append([]string{`type = "Data"`, `certificate = "Sim_BYOK"`}, lines...)

	return "\nresource \"salesforcebyok_tenant_secret\" \"data\" {\n  " + strings.Join(lines, "\n  ") + "\n}\n"
}

func recordBlock(l *lane, status string) string {
	return fmt.Sprintf("\nresource \"salesforcebyok_tenant_secret_version\" \"old\" {\n  tenant_secret_id = %q\n  "+
		"desired_status = %q\n}\n", l.record().ID, status)
}

func settingsBlock(line string) string {
	return fmt.Sprintf("\nresource \"salesforcebyok_encryption_key_settings\" \"this\" {\n  %s\n}\n", line)
}

func rootKeyBlock(status string) string {
	return fmt.Sprintf("\nresource \"salesforcebyok_external_root_key\" \"this\" {\n"+
		"  root_key_id    = %q\n  desired_status = %q\n}\n", rootKeyID, status)
}

// record is the key that is kept, destroyed and restored.
func (l *lane) record() sfsim.TenantSecret { return l.sim.TenantSecrets()[0] }

// transition brings the record to a status, with its export in state, and asks for another one.
func (l *lane) transition(from, to string) {
	if l.state(recordAddress) == nil {
		l.config(recordBlock(l, "ARCHIVED"))
		l.must()
	}
	if l.record().Status != from {
		l.config(recordBlock(l, from))
		l.must()
	}
	l.config(recordBlock(l, to))
}

// judgeBareKey expects that state and org agree on the ACTIVE key.
func judgeBareKey(l *lane) []string {
	var wrong []string
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }

	active := acctest.ActiveKey(l.t, l.sim, "Data")
	state := l.state(keyAddress)
	if state["tenant_secret_id"] != active.ID || state["secret_value_hash"] != active.SecretValueHash {
		complain("the state has %v with the hash %v, the org uses %s with %s", state["tenant_secret_id"],
			state["secret_value_hash"], active.ID, active.SecretValueHash)
	}
	if active.Source != "UPLOADED" {
		complain("the ACTIVE key is of source %s", active.Source)
	}
	if _, marker := keys.ParseDescription(active.Description); marker.IsZero() || marker.String() != state["rotation_id"] {
		complain("the record's marker is %q, the state's rotation_id %v", active.Description, state["rotation_id"])
	}

	return wrong
}

// judgeKey expects that state, org and escrow agree on the ACTIVE key.
func judgeKey(l *lane) []string {
	wrong := judgeBareKey(l)
	active := acctest.ActiveKey(l.t, l.sim, "Data")
	armored, _ := l.state(keyAddress)["escrow_ciphertext"].(string)
	for where, text := range map[string]string{"state": armored, "directory": l.escrowCopy(active.SecretValueHash)} {
		key, err := openEscrow(text)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("the escrow copy in the %s does not open: %v", where, err))

			continue
		}
		if sum := sha256.Sum256(key); base64.StdEncoding.EncodeToString(sum[:]) != active.SecretValueHash {
			wrong = append(wrong, fmt.Sprintf("the escrow copy in the %s is of another key than the ACTIVE one", where))
		}
		if !bytes.Equal(key, l.sim.Unwrapped(active.ID)) {
			wrong = append(wrong, fmt.Sprintf("the escrow copy in the %s is not what the org unwrapped", where))
		}
	}

	return wrong
}

// judgeAdopted expects the state to know the key that was there, and the key to carry the marker.
func judgeAdopted(l *lane) []string {
	active, state := acctest.ActiveKey(l.t, l.sim, "Data"), l.state(keyAddress)
	_, marker := keys.ParseDescription(active.Description)
	if state["tenant_secret_id"] != active.ID || state["secret_value_hash"] != active.SecretValueHash || marker.IsZero() ||
		marker.String() != state["rotation_id"] {
		return []string{fmt.Sprintf("the state has %v (%v, %v), the org %+v", state["tenant_secret_id"],
			state["secret_value_hash"], state["rotation_id"], active)}
	}

	return nil
}

// judgeRecord expects the record in a status, its export in state, and its hash as it was.
func judgeRecord(status string) func(*lane) []string {
	return func(l *lane) []string {
		record, state := l.record(), l.state(recordAddress)
		var wrong []string
		if record.Status != status || state["status"] != status {
			wrong = append(wrong, fmt.Sprintf("the record is %s, the state has %v, expected %s", record.Status, state["status"],
				status))
		}
		if export, _ := state["exported_secret_value"].(string); export == "" || state["recoverable"] != true {
			wrong = append(wrong, "the state holds no export")
		}
		if state["secret_value_hash"] != record.SecretValueHash {
			wrong = append(wrong, fmt.Sprintf("the state has the hash %v, the record %s", state["secret_value_hash"],
				record.SecretValueHash))
		}

		return wrong
	}
}

func judgeSettings(l *lane) []string {
	is, state := l.sim.Settings().CanOptOutOfDerivationWithBYOK, l.state(settingsAddress)
	if !is || state["allow_key_derivation_opt_out"] != true {
		return []string{fmt.Sprintf("the setting is %t, the state has %v", is, state)}
	}

	return nil
}

// judgeRootKey looks at the state alone: the empty plan has asked the org.
func judgeRootKey(l *lane) []string {
	if state := l.state(rootKeyAddress); state["status"] != "Inactive" {
		return []string{fmt.Sprintf("the state has %v", state)}
	}

	return nil
}

func judgeCertificate(l *lane) []string {
	if state := l.state(certAddress); state["developer_name"] != "Sim_BYOK" ||
		state["sha256_fingerprint"] == nil && state["certificate_sha256"] == nil {
		return []string{fmt.Sprintf("the state has %v", state)}
	}

	return nil
}
