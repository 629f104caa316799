package receipt_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt/schema"
)

const (
	org  = "00DXX0000008abcMAA"
	hash = "7Tl0mHB8PeoHzXIZ2TjQGDMCcz0mRTgqzNwxuYcHPdM="
)

var noon = time.Date(2026, 11, 21, 13, 0, 0, 123, time.FixedZone("CET", 3600))

func yes() *bool { b := true; return &b }

// base has what every receipt has.
func base(operation receipt.Operation) receipt.Receipt {
	return receipt.Receipt{
		Operation: operation, Time: receipt.UTC(noon), OrganizationID: org, FIPSMode: "off",
		ProviderVersion: "1.2.3",
	}
}

// every returns one whole receipt of each operation.
func every() map[string]receipt.Receipt {
	record := func(operation receipt.Operation, before, after string) receipt.Receipt {
		r := base(operation)
		r.TenantSecretID, r.Version, r.Type, r.Source, r.StatusBefore, r.StatusAfter = "02G000000000001AAA", 3, "Data",
			"UPLOADED", before, after
		r.SecretValueHash, r.ExportHeld, r.UserID, r.CreatedBy = hash, yes(), "005000000000001AAA", "005000000000002AAA"
		return r
	}
	certificate := &receipt.Certificate{
		DeveloperName: "BYOK", SerialNumber: "c0ffee", SHA256: strings.Repeat("ab", 32),
		NotAfter: receipt.UTC(noon),
	}
	upload := record(receipt.Upload, "", "ACTIVE")
	upload.Cause, upload.RotationID, upload.KeySource, upload.WrappingAlg, upload.Certificate = receipt.CauseAge,
		"1f2e3d4c.0", "generated", "RSA_OAEP_SHA512", certificate
	upload.ExportHeld, upload.HashMatched, upload.Resource = nil, yes(), "salesforcebyok_tenant_secret"
	upload.EscrowRecipients, upload.EscrowFile, upload.EscrowSHA256 = []string{"age1x", "age1y"}, "a.age",
		strings.Repeat("0f", 32)
	held := receipt.PinsHeld
	upload.PinsHeld = &held
	elsewhere := upload
	unverifiable := receipt.PinsNotVerifiable
	elsewhere.PinsHeld, elsewhere.KeySource, elsewhere.EscrowRecipients = &unverifiable, "wrapped_elsewhere", nil
	elsewhere.EscrowRecipientGroups = [][]string{{"age1x"}, {"age1y", "age1z"}}
	destroy := record(receipt.Destroy, "ARCHIVED", "DESTROYED")
	destroy.Statement, destroy.ApprovalsRequired = "salesforcebyok-destruction: 1\noperation: destroy\n", 2
	destroy.Approvers = []receipt.Approver{
		{Fingerprint: "SHA256:" + hash[:43], Comment: "alice", Signature: "-----BEGIN SSH SIGNATURE-----\n"},
		{Fingerprint: "SHA256:" + strings.Repeat("A", 43)},
	}
	jwe := base(receipt.MakeJWE)
	jwe.SecretValueHash, jwe.Certificate, jwe.KeySource = hash, certificate, "given"
	made := base(receipt.MakeCertificate)
	made.Certificate = certificate
	deleted := base(receipt.DeleteCertificate)
	deleted.Certificate = &receipt.Certificate{DeveloperName: "BYOK"}
	chain := base(receipt.CompleteCASigned)
	chain.Certificate = certificate
	settings := base(receipt.ChangeSettings)
	settings.Settings = []receipt.Setting{{Name: "enable_cache_only_keys", After: yes()}}
	rootKey := base(receipt.ChangeRootKey)
	rootKey.RootKey, rootKey.StatusBefore, rootKey.StatusAfter = &receipt.RootKey{
		ID:         "0Xy000000000001AAA",
		Identifier: "arn:aws:kms:x",
	}, "Active", "Inactive"
	return map[string]receipt.Receipt{
		"upload": upload, "upload of what was wrapped elsewhere": elsewhere, "adopt": record(receipt.Adopt, "", "ACTIVE"),
		"import": record(receipt.Import, "", ""),
		"patch":  record(receipt.Patch, "", ""), "destroy": destroy,
		"destroy for good": record(receipt.DestroyForGood, "ARCHIVED", "DESTROYED"),
		"restore":          record(receipt.Restore, "DESTROYED", "ARCHIVED"),
		"drop":             record(receipt.DropExport, "DESTROYED", "DESTROYED"), "jwe": jwe,
		"certificate made": made, "certificate deleted": deleted, "chain": chain, "settings": settings, "root key": rootKey,
	}
}

func TestEveryReceiptFitsTheSchema(t *testing.T) {
	t.Parallel()
	operations := map[receipt.Operation]bool{}
	for name, r := range every() {
		operations[r.Operation] = true
		for _, r := range []receipt.Receipt{r, r.After("{}")} {
			text := r.Encode()
			if err := schema.Validate(text); err != nil {
				t.Errorf("%s: %v\n%s", name, err, text)
			}
			back, err := receipt.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if back.Encode() != text {
				t.Errorf("%s does not survive reading: %s", name, text)
			}
		}
	}
	known, err := schema.Operations()
	if err != nil {
		t.Fatal(err)
	}
	for _, operation := range known {
		if !operations[operation] {
			t.Errorf("no receipt of %s was tried", operation)
		}
	}
}

// The schema says no to what a receipt must not be.
func TestTheSchemaRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(map[string]any){
		"another field":            func(m map[string]any) { m["note"] = "x" },
		"no previous":              func(m map[string]any) { delete(m, "previous") },
		"a previous of another":    func(m map[string]any) { m["previous"] = "x" },
		"a local time":             func(m map[string]any) { m["time"] = "2026-11-21T13:00:00+01:00" },
		"no time":                  func(m map[string]any) { m["time"] = "noon" },
		"an unknown operation":     func(m map[string]any) { m["operation"] = "steal" },
		"no status":                func(m map[string]any) { delete(m, "status_after") },
		"no word on the export":    func(m map[string]any) { delete(m, "export_held") },
		"approvers of nothing":     func(m map[string]any) { delete(m, "destruction_statement") },
		"approvers without number": func(m map[string]any) { delete(m, "approvals_required") },
		"pins":                     func(m map[string]any) { m["pins_held"] = "true" },
		"a later form":             func(m map[string]any) { m["receipt_format"] = 2 },
		"both kinds of recipients": func(m map[string]any) {
			m["escrow_recipients"], m["escrow_recipient_groups"] = []string{"age1x"}, [][]string{{"age1x"}, {"age1y"}}
		},
		"a short hash": func(m map[string]any) { m["secret_value_hash"] = "UNKNOWM=" },
	} {
		var m map[string]any
		if err := json.Unmarshal([]byte(every()["destroy"].Encode()), &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		text, err = receipt.Canonical(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(string(text)); err == nil {
			t.Errorf("%s passes: %s", name, text)
		}
	}
	if err := schema.Validate(" " + every()["destroy"].Encode()); err == nil ||
		!strings.Contains(err.Error(), "canonical") {
		t.Errorf("white space passes: %v", err)
	}
}

// The schema has the fields of the type, and describes each.
func TestSchemaAndTypeHaveTheSameFields(t *testing.T) {
	t.Parallel()
	var document struct {
		Properties map[string]struct {
			Description string `json:"description"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(schema.Text(), &document); err != nil {
		t.Fatal(err)
	}
	var fields []string
	for field := range reflect.TypeFor[receipt.Receipt]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields = append(fields, name)
	}
	slices.Sort(fields)
	if got := slices.Sorted(maps.Keys(document.Properties)); !slices.Equal(got, fields) {
		t.Errorf("the schema has %v, the type %v", got, fields)
	}
	for name, property := range document.Properties {
		if property.Description == "" {
			t.Errorf("%s is not described", name)
		}
	}
}

// Fields that users decode from states of every version.
func TestNamesOfTheFirstVersionStay(t *testing.T) {
	t.Parallel()
	const old = `{"outcome":"uploaded","time":"2026-11-21T12:00:00Z","organization_id":"00DXX0000008abcMAA","tenant_secret_id":"02G000000000001AAA","version":3,` +
		`"type":"Data","source":"UPLOADED","rotation_id":"1f2e3d4c.0","secret_value_hash":"` + hash +
		`","wrapping_algorithm":"RSA_OAEP_SHA512",` +
		`"certificate":{"developer_name":"BYOK","serial_number":"c0ffee","sha256_fingerprint":"ab","not_after":"2027-01-01T00:00:00Z"},"key_source":"generated",` +
		`"escrow_recipients":["age1x"],"escrow_file":"a.age","escrow_notice":"x","hash_matched_on_read_back":true,"fips_mode":"off","provider_version":"1.0.0"}`
	r, err := receipt.Parse(old)
	if err != nil {
		t.Fatal(err)
	}
	r.Operation = receipt.Upload
	var before, after map[string]any
	if err := json.Unmarshal([]byte(old), &before); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(r.Encode()), &after); err != nil {
		t.Fatal(err)
	}
	for name, value := range before {
		if diff := cmp.Diff(value, after[name]); diff != "" {
			t.Errorf("%s has changed: %s", name, diff)
		}
	}
	if r.Format != 0 || after["receipt_format"] != 1.0 {
		t.Errorf("the format was %d and is %v", r.Format, after["receipt_format"])
	}
}

func TestEncodeIsCanonical(t *testing.T) {
	t.Parallel()
	r := base(receipt.Patch)
	r.ProviderVersion = "<\u2028é\x00\xff>"
	want := `{"fips_mode":"off","hash_matched_on_read_back":null,"operation":"patch","organization_id":"00DXX0000008abcMAA","outcome":"patched","previous":null,` +
		`"provider_version":"<` + "\u2028é" + `\u0000` + "\ufffd" + `>","receipt_format":1,"time":"2026-11-21T12:00:00Z"}`
	if got := r.Encode(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEncodePanicsForWhatOnlyAFaultBrings(t *testing.T) {
	t.Parallel()
	pins := receipt.Pins("maybe")
	withPins := base(receipt.Upload)
	withPins.PinsHeld = &pins
	for _, r := range []receipt.Receipt{{}, withPins} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was encoded", r)
				}
			}()
			r.Encode()
		}()
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "null", "{}", "[]", `{"outcome":"uploaded"}`,
		`{"outcome":"x","time":"t","organization_id":"o","pins_held":"true"}`, `{"outcome":"x","time":"t"}`,
	} {
		if r, err := receipt.Parse(text); err == nil || !strings.Contains(err.Error(), "is no receipt") {
			t.Errorf("%s reads %+v, %v", text, r, err)
		}
	}
}

func TestVerifyChain(t *testing.T) {
	t.Parallel()
	first := every()["upload"].Encode()
	second := every()["patch"].After(first).Encode()
	third := every()["destroy"].After(second).Encode()
	old := `{"outcome":"uploaded","time":"t","organization_id":"o"}`
	for name, test := range map[string]struct {
		texts []string
		want  string
	}{
		"none":             {nil, ""},
		"whole":            {[]string{first, second, third}, ""},
		"its end":          {[]string{second, third}, ""},
		"after an old one": {[]string{old, every()["patch"].After(old).Encode()}, ""},
		"a gap": {[]string{first, third}, "receipt 2 does not follow the one before it, whose SHA-256 is " +
			receipt.Sum(first)},
		"another order": {[]string{second, first, third}, "receipt 2 does not follow"},
		"a changed one": {
			[]string{first, strings.Replace(second, "patched", "Patched", 1), third},
			"receipt 3 does not follow",
		},
		"a new beginning": {[]string{first, every()["patch"].Encode()}, "receipt 2 does not follow"},
		"not canonical": {
			[]string{first + " ", every()["patch"].After(first + " ").Encode()},
			"receipt 1 is not in canonical form",
		},
		"what is no receip": {[]string{first, "{}"}, "receipt 2 is no receipt"},
	} {
		err := schema.VerifyChain(test.texts...)
		if test.want == "" && err == nil {
			continue
		}
		if err == nil || test.want == "" || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, r := range every() {
		f.Add(r.Encode())
	}
	f.Add(`{"outcome":"uploaded","time":"t","organization_id":"o"}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := receipt.Parse(text)
		if err != nil {
			return
		}
		r.Operation = receipt.Upload
		if _, err := receipt.Parse(r.Encode()); err != nil {
			t.Fatalf("%q cannot be read again: %v", text, err)
		}
	})
}
