package conformance_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

func containsAll(text string, words ...string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// hidden looks for a secret in what a run of the CLI leaves.
type hidden struct {
	p       *probe
	scanner acctest.Scanner
}

func (p *probe) secret(name string, value []byte) *hidden {
	h := &hidden{p: p}
	h.scanner.Add(name, value)
	return h
}

// in expects the secret neither in the directory of the CLI, its state, plans and backups, nor in
// what it printed.
func (h *hidden) in(c *acctest.CLI, printed ...string) {
	h.p.Helper()
	findings := h.scanner.ScanDir(h.p, c.Dir)
	for _, text := range printed {
		findings = append(findings, h.scanner.Scan("the output", []byte(text))...)
	}
	for _, finding := range findings {
		h.p.Errorf("found %s", finding)
	}
}

// freeType is a type whose next key can be made now, and which has an ACTIVE one if that is
// wanted.
func (p *probe) freeType(wantActive bool) string {
	p.Helper()
	var reasons []string
	for _, typ := range p.types {
		keys := p.secrets(" WHERE Type = '" + typ + "' AND Status IN ('ACTIVE', 'ARCHIVED')")
		active := p.secrets(" WHERE Type = '" + typ + "' AND Status = 'ACTIVE'")
		next := p.nextKey(typ)
		switch {
		case !next.IsZero():
			reasons = append(reasons, "the next "+typ+" key can be made at "+next.Format(time.RFC3339))
		case len(keys) >= 50:
			reasons = append(reasons, "there are 50 "+typ+" keys")
		case wantActive && len(active) == 0:
			reasons = append(reasons, "there is no ACTIVE "+typ+" key to rotate")
		case len(active) > 0 && active[0]["Source"] == "REMOTE":
			reasons = append(reasons, "the ACTIVE "+typ+" key is cache-only")
		case (typ == "DeterministicData" || typ == "EventBus") &&
			len(p.secrets(" WHERE Type = 'Data' AND Status = 'ACTIVE'")) == 0:
			reasons = append(reasons, typ+" needs an ACTIVE Data key")
		default:
			return typ
		}
	}
	p.Skipf("no type of SALESFORCE_LIVE_TYPES can be rotated now: %s", strings.Join(reasons, "; "))
	return ""
}

// active is the id of the ACTIVE key of a type, "" for none.
func (p *probe) active(typ string) string {
	p.Helper()
	rows := p.secrets(" WHERE Type = '" + typ + "' AND Status = 'ACTIVE'")
	if len(rows) == 0 {
		return ""
	}
	return p.text(rows[0], "Id")
}

// lineage is the key that the behaviours of this run upload, once for all of them. Its state is in
// a directory of the run's.
type lineage struct {
	typ, id  string
	identity *age.X25519Identity
	previous string // the id of the type's ACTIVE key before
	uploaded acctest.Result
	state    map[string]any
}

const lineageDirectory = "lineage"

// render makes the lineage's configuration.
func (l *lineage) render(p *probe, c *acctest.CLI, description, trigger string) {
	p.Helper()
	p.write(c, resource("tenant_secret", fmt.Sprintf("type = %q", l.typ), fmt.Sprintf("certificate = %q", p.certificate),
		fmt.Sprintf("description = %q", description),
		fmt.Sprintf("rotation_triggers = { run = %q }", trigger),
		fmt.Sprintf("escrow = {\n    age_recipients = [%q]\n    directory = %q\n  }", l.identity.Recipient().String(),
			filepath.Join(c.Dir, "escrow"))))
}

// grown is the lineage, and the CLI over its directory.
func (p *probe) grown() (*lineage, *acctest.CLI) {
	p.Helper()
	c := p.cli(lineageDirectory)
	if p.lineage != nil {
		return p.lineage, c
	}
	if p.applied { // once is enough: a second apply could make a second key
		p.Skip("the upload of the key that this looks at has failed")
	}
	l := &lineage{typ: p.freeType(false), identity: newIdentity(p)}
	l.previous = p.active(l.typ)
	l.render(p, c, mark, p.run)
	p.applied = true
	l.uploaded = p.succeeded("apply", c.Apply())
	l.state = p.attributes(c, tenantSecretAddress)
	l.id = p.text(l.state, "tenant_secret_id")
	p.lineage = l
	return l, c
}

// uploadedAs expects the ACTIVE key of a type to be the one in state, with this hash and
// Description, and the one before to be archived.
func (p *probe) uploadedAs(state map[string]any, hash, description, previous string) {
	p.Helper()
	id := p.text(state, "tenant_secret_id")
	p.matches(p.row(id, "Type,Status,Source,SecretValueHash,Description"), map[string]any{
		"Type": state["type"], "Status": "ACTIVE", "Source": "UPLOADED", "SecretValueHash": hash,
		"Description": description + " [tf:" + p.text(state, "rotation_id") + "]",
	})
	p.matches(state, map[string]any{
		"status": "ACTIVE", "source": "UPLOADED", "secret_value_hash": hash,
		"organization_id": p.about.id,
	})
	if previous != "" {
		p.equal("Status of the key before", p.row(previous, "Status")["Status"], "ARCHIVED")
	}
}

// forget destroys the resource, which leaves the key as it is.
func (p *probe) forget(c *acctest.CLI) {
	p.Helper()
	p.untouched(func() {
		destroyed := p.succeeded("destroy", c.Destroy())
		if destroyed.Removed != 1 || !destroyed.Has("warning", "The key will be forgotten, not destroyed", "stays in use") {
			p.Errorf("expected one key to be forgotten with a warning, found %d, %q", destroyed.Removed,
				destroyed.Summaries("warning"))
		}
	})
}

// dropState forgets the resource as a lost state does.
func (p *probe) dropState(c *acctest.CLI) {
	p.Helper()
	p.succeeded("state rm", c.Run("state", "rm", tenantSecretAddress))
}

// uploadBehaviours make keys.
func uploadBehaviours() []behaviour {
	looksAt := func(name, section, claim, does string, more need, check func(*probe, *lineage, *acctest.CLI)) behaviour {
		return behaviour{
			name: name, section: section, claim: claim, does: does, needs: looks | more, calls: 50, check: func(p *probe) {
				l, c := p.grown()
				check(p, l, c)
			},
		}
	}
	const looksOn = "works on the key that this run uploads"
	return []behaviour{
		looksAt("TenantSecret_upload", "tenant_secret",
			"A generated key is escrowed, wrapped and uploaded: the escrow copy opens to 32 bytes with Salesforce's hash, and "+
				"no artifact of the run holds them.",
			"uploads a key of a type that can be rotated, which archives the ACTIVE one", 0, checkUpload),
		looksAt("TenantSecret_emptyPlan", "tenant_secret", "After the upload the plan is empty.", looksOn, 0,
			func(p *probe, _ *lineage, c *acctest.CLI) {
				p.untouched(func() { p.empty(c) })
			}),
		looksAt("TenantSecret_adoption", "tenant_secret",
			"With the state lost, the next apply adopts the record by its marker, finds the escrow copy in its directory and "+
				"uploads nothing.", looksOn, 0,
			func(p *probe, l *lineage, c *acctest.CLI) {
				p.dropState(c)
				p.untouched(func() {
					p.succeeded("apply", c.Apply())
					p.empty(c)
				})
				p.matches(p.attributes(c, tenantSecretAddress), map[string]any{
					"tenant_secret_id": l.id, "rotation_id": l.state["rotation_id"], "escrow_ciphertext": l.state["escrow_ciphertext"],
				})
			}),
		looksAt("TenantSecret_importOfOwnKey", "tenant_secret", "A key of this provider is imported by its "+
			"type without a change of its record, and the plan is empty.",
			looksOn, 0, func(p *probe, l *lineage, c *acctest.CLI) {
				p.dropState(c)
				p.untouched(func() {
					p.succeeded("import", c.Run("import", "-input=false", "-no-color", tenantSecretAddress, l.typ))
					p.succeeded("apply", c.Apply())
					p.empty(c)
				})
				p.matches(p.attributes(c, tenantSecretAddress), map[string]any{
					"tenant_secret_id": l.id,
					"rotation_id":      l.state["rotation_id"],
				})
			}),
		looksAt("TenantSecret_description", "tenant_secret", "A changed description changes the record in "+
			"place, keeps its marker and rotates nothing.",
			"changes the Description of the key that this run uploads", 0, func(p *probe, l *lineage, c *acctest.CLI) {
				l.render(p, c, mark+", described", p.run)
				if applied := p.succeeded("apply", c.Apply()); applied.Changed != 1 || applied.Added+applied.Removed != 0 {
					p.Errorf("expected one change in place, found %d to add, %d to change, %d to destroy", applied.Added,
						applied.Changed, applied.Removed)
				}
				p.empty(c)
				p.uploadedAs(p.attributes(c, tenantSecretAddress), p.text(l.state, "secret_value_hash"), mark+", described", "")
				p.equal("the id of the ACTIVE key", p.active(l.typ), l.id)
				l.render(p, c, mark, p.run)
				p.succeeded("apply", c.Apply())
			}),
		looksAt("TenantSecret_interval", "tenant_secret",
			"A rotation right after another is planned with a warning, and Salesforce's refusal of it leaves org and state as "+
				"they were.",
			"asks for a second key of the same type, which Salesforce must refuse", rotates,
			func(p *probe, l *lineage, c *acctest.CLI) {
				before := p.attributes(c, tenantSecretAddress)
				l.render(p, c, mark, p.run+" again")
				p.untouched(func() {
					if plan := c.Plan(); plan.Changed != 1 || !plan.Has("warning", "The rotation interval is not over") {
						p.Errorf("expected a change in place and a warning, found %d to change, %q: %s", plan.Changed,
							plan.Summaries("warning"), troubles(plan))
					}
					p.refusedBy("apply", c.Apply(), "Salesforce refused the new "+l.typ+" key", "Nothing was changed.")
				})
				if after := p.attributes(c, tenantSecretAddress); fmt.Sprint(after) != fmt.Sprint(before) {
					p.Error("the state has changed by a refused rotation")
				}
				l.render(p, c, mark, p.run)
				p.empty(c)
			}),
		looksAt("TenantSecret_forget", "tenant_secret, deletion_policy", "Destroying the resource forgets the key with a "+
			"warning: the record stays ACTIVE.",
			looksOn+", and forgets it", 0, func(p *probe, _ *lineage, c *acctest.CLI) { p.forget(c) }),
		{
			name: "TenantSecret_rotationInPlace", section: "tenant_secret", needs: rotates, makes: 1,
			calls: 70,
			claim: "An imported key is rotated in place to write-only, pinned material, which no artifact of the run holds; " +
				"the plan is empty then.",
			does:  "imports the ACTIVE key of a type that can be rotated and uploads its successor, which archives it",
			check: checkRotation,
		},
		{
			name: "TenantSecret_prewrapped", section: "tenant_secret, wrapped_key_material", needs: rotates, makes: 1, calls: 70,
			claim: "A key that openssl has wrapped is uploaded as it is, with its hash.",
			does:  "uploads a key of a type that can be rotated, which archives the ACTIVE one", check: checkPrewrapped,
		},
	}
}

func checkUpload(p *probe, l *lineage, c *acctest.CLI) {
	hash := p.text(l.state, "secret_value_hash")
	p.uploadedAs(l.state, hash, mark, l.previous)
	if l.previous != "" && !l.uploaded.Has("warning", "An existing key will be archived", l.previous) {
		p.Errorf("expected a warning that names %s, found %q", l.previous, l.uploaded.Summaries("warning"))
	}

	sealed := p.text(l.state, "escrow_ciphertext")
	opened, err := age.Decrypt(armor.NewReader(strings.NewReader(sealed)), l.identity)
	if err != nil {
		p.Fatalf("the escrow copy does not open: %v", err)
	}
	material, err := io.ReadAll(opened)
	if err != nil || len(material) != 32 || sum(material) != hash {
		p.Fatalf("the escrow copy holds %d bytes, %v, expected the 32 bytes of the hash %s", len(material), err, hash)
	}
	names, err := filepath.Glob(filepath.Join(c.Dir, "escrow", "*.age"))
	if err != nil || len(names) != 1 || !strings.HasPrefix(filepath.Base(names[0]),
		p.about.id+"-"+l.typ+"-"+p.text(l.state, "rotation_id")+"-") {
		p.Fatalf("expected one escrow file named after org, type and rotation id, found %q, %v", names, err)
	}
	about, err := os.Stat(names[0])
	if err != nil || runtime.GOOS != "windows" && about.Mode().Perm() != 0o600 {
		p.Errorf("the escrow file has the mode %v, %v, expected 0600", about.Mode(), err)
	}
	if copied, err := os.ReadFile(names[0]); err != nil || string(copied) != sealed {
		p.Errorf("the escrow file is not escrow_ciphertext, %v", err)
	}

	var receipt struct {
		TenantSecretID  string `json:"tenant_secret_id"`
		SecretValueHash string `json:"secret_value_hash"`
		HashMatched     bool   `json:"hash_matched_on_read_back"`
		Certificate     struct {
			DeveloperName string `json:"developer_name"`
		} `json:"certificate"`
	}
	if err := json.Unmarshal([]byte(p.text(l.state, "receipt")), &receipt); err != nil || receipt.TenantSecretID != l.id ||
		receipt.SecretValueHash != hash ||
		!receipt.HashMatched || receipt.Certificate.DeveloperName != p.certificate {
		p.Errorf("expected a receipt of the upload whose hash matched, found %+v, %v", receipt, err)
	}
	rows := p.certificates("Id", " WHERE DeveloperName = '"+p.certificate+"'")
	fingerprint := sha256.Sum256(p.leaf(p.text(rows[0], "Id")).Raw)
	p.equal("certificate_sha256", l.state["certificate_sha256"], hex.EncodeToString(fingerprint[:]))
	p.secret("the material", material).in(c, l.uploaded.Output())
}

func checkRotation(p *probe) {
	typ := p.freeType(true)
	previous, material := p.active(typ), newMaterial()
	c := p.cli("rotation")
	c.Env["TF_VAR_key_material"] = base64.StdEncoding.EncodeToString(material)
	p.write(c, materialVariable+resource("tenant_secret", fmt.Sprintf("type = %q", typ),
		fmt.Sprintf("certificate = %q", p.certificate), fmt.Sprintf("description = %q", mark),
		"key_material_wo = var.key_material", "key_material_wo_version = 1",
		fmt.Sprintf("secret_value_hash = %q", sum(material))))
	p.untouched(func() { p.succeeded("import", c.Run("import", "-input=false", "-no-color", tenantSecretAddress, typ)) })
	plan := c.Plan("-out=rotation.tfplan")
	if plan.Changed != 1 || plan.Added+plan.Removed != 0 || !plan.Has("warning", "The "+typ+" key will be rotated") {
		p.Fatalf("expected a rotation in place, found %d to add, %d to change, %d to destroy, %q: %s", plan.Added,
			plan.Changed, plan.Removed, plan.Summaries("warning"), troubles(plan))
	}
	applied := p.succeeded("apply", c.Run("apply", "-json", "-input=false", "rotation.tfplan"))
	p.empty(c)
	state := p.attributes(c, tenantSecretAddress)
	p.uploadedAs(state, sum(material), mark, previous)
	p.equal("key_material_wo in state", state["key_material_wo"], nil)
	p.secret("the material", material).in(c, plan.Output(), applied.Output())
	p.forget(c)
}

func checkPrewrapped(p *probe) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		p.Skip("openssl is not on PATH")
	}
	typ := p.freeType(false)
	previous, material := p.active(typ), newMaterial()
	wrapped := p.wrapByOpenSSL(openssl, material)
	c := p.cli("prewrapped")
	p.write(c, resource("tenant_secret", fmt.Sprintf("type = %q", typ), fmt.Sprintf("certificate = %q", p.certificate),
		fmt.Sprintf("description = %q", mark),
		fmt.Sprintf("wrapped_key_material = %q", wrapped), fmt.Sprintf("secret_value_hash = %q", sum(material))))
	p.succeeded("apply", c.Apply())
	p.empty(c)
	state := p.attributes(c, tenantSecretAddress)
	p.uploadedAs(state, sum(material), mark, previous)
	p.matches(state, map[string]any{"key_check_value": nil, "escrow_ciphertext": nil})
	p.forget(c)
}

// wrapByOpenSSL wraps material for the run's certificate as a ceremony elsewhere would, and returns
// base64.
func (p *probe) wrapByOpenSSL(openssl string, material []byte) string {
	p.Helper()
	rows := p.certificates("Id", " WHERE DeveloperName = '"+p.certificate+"'")
	dir := p.TempDir()
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.leaf(p.text(rows[0], "Id")).Raw})
	for name, content := range map[string][]byte{"certificate": chain, "material": material} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			p.Fatal(err)
		}
	}
	cmd := exec.CommandContext(p.Context(), openssl, "pkeyutl", "-encrypt", "-certin", "-inkey", "certificate", "-in",
		"material", "-out", "wrapped",
		"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha512", "-pkeyopt", "rsa_mgf1_md:sha512")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		p.Fatalf("openssl pkeyutl: %v: %s", err, out)
	}
	wrapped, err := os.ReadFile(filepath.Join(dir, "wrapped"))
	if err != nil {
		p.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(wrapped)
}
