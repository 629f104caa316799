package upload_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

func rotation(counter int64) keys.RotationID {
	return keys.RotationID{Fingerprint: fingerprint, Counter: counter}
}

func marker(counter int64) string { return fmt.Sprintf("[tf:%s.%d]", fingerprint, counter) }

func TestRun_generated(t *testing.T) {
	t.Parallel()
	org := newOrg(t, record(1, byHSM))
	r := request()
	r.Description = "For Terraform"
	result, err := org.uploader().Run(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"records", "certificates", "chain", "create", "get"}; !slices.Equal(org.events, want) {
		t.Errorf("expected the steps %v, found %v", want, org.events)
	}
	row := org.records[1]
	sent, ok := org.created[0].(salesforce.UploadedTenantSecret)
	if !ok || sent.Description != "For Terraform [tf:"+fingerprint+".0]" || sent.Certificate != "BYOK" || sent.KeyDerivationMode != "PBKDF2" {
		t.Errorf("expected an upload with its marker, found %+v", org.created[0])
	}
	material := unwrap(sent.SecretValue)
	if len(material) != byok.MaterialSize || hashOf(material) != row.SecretValueHash {
		t.Errorf("expected 32 bytes with the hash that was sent, found %d", len(material))
	}
	kcv := byok.KeyCheckValue(secret.NewBytes(material))
	if result.Record.ID != row.ID || !result.Confirmed || result.Adopted || result.RotationID != rotation(0) || result.KeyCheckValue != kcv || result.EscrowCiphertext != "" {
		t.Errorf("unexpected result %+v", result)
	}
	if len(result.Warnings) != 0 || len(result.CertificateSHA256) != 64 {
		t.Errorf("expected a fingerprint and no warnings, found %q and %v", result.CertificateSHA256, result.Warnings)
	}
	var receipt upload.Receipt
	if err := json.Unmarshal([]byte(result.Receipt), &receipt); err != nil {
		t.Fatal(err)
	}
	if receipt.Outcome != "uploaded" || receipt.KeySource != "generated" || receipt.TenantSecretID != row.ID || receipt.RotationID != fingerprint+".0" ||
		receipt.HashMatched == nil || !*receipt.HashMatched || receipt.Certificate == nil || receipt.Certificate.SHA256 != result.CertificateSHA256 ||
		receipt.Time != "2027-01-02T03:04:05Z" || receipt.ProviderVersion != "1.2.3" || receipt.OrganizationID != organization || receipt.SecretValueHash != row.SecretValueHash {
		t.Errorf("unexpected receipt %s", result.Receipt)
	}
}

func TestRun_reconcile(t *testing.T) {
	t.Parallel()
	material := byok.GenerateMaterial()
	hash := byok.HashMaterial(material)
	pinned := func(r *salesforce.TenantSecret) { r.SecretValueHash = hash }
	remote := func(r *salesforce.TenantSecret) {
		r.Source, r.SecretValueHash, r.RemoteKeyIdentifier = upload.SourceRemote, "", "key"
	}
	otherType := func(r *salesforce.TenantSecret) { r.Type = "Analytics" }
	destroyed := func(r *salesforce.TenantSecret) { r.Status = "DESTROYED" }
	update := func(counter int64) func(*upload.Request) {
		return func(r *upload.Request) { r.RotationID = rotation(counter) }
	}
	pin := func(r *upload.Request) { r.Pin, r.Material = hash, material }
	hsm := func(r *upload.Request) {
		r.Source, r.Certificate, r.Algorithm = upload.SourceHSM, "", ""
	}
	asRemote := func(r *upload.Request) {
		hsm(r)
		r.Source, r.RemoteKeyIdentifier = upload.SourceRemote, "key"
	}
	type change = []func(*upload.Request)
	for name, test := range map[string]struct {
		records []salesforce.TenantSecret
		request change
		adopted int64 // version of the adopted record, 0 for an upload
		id      int64 // counter of the rotation id
		problem string
	}{
		"create, empty org":                               {nil, nil, 0, 0, ""},
		"create, key of Salesforce":                       {[]salesforce.TenantSecret{record(1, byHSM)}, nil, 0, 0, ""},
		"create, own marker":                              {[]salesforce.TenantSecret{record(1, described(marker(4)))}, nil, 1, 4, ""},
		"create, own marker after a text":                 {[]salesforce.TenantSecret{record(1, described("a text "+marker(4)))}, nil, 1, 4, ""},
		"create, own marker, another source":              {[]salesforce.TenantSecret{record(1, byHSM, described(marker(4)))}, nil, 0, 5, ""},
		"create, own marker is archived":                  {[]salesforce.TenantSecret{record(1, archived, described(marker(4))), record(2, byHSM)}, nil, 0, 5, ""},
		"create, other inputs":                            {[]salesforce.TenantSecret{record(1, described("[tf:ffffffff.7]"))}, nil, 0, 8, ""},
		"create, marker of another type":                  {[]salesforce.TenantSecret{record(1, otherType, described(marker(4)))}, nil, 0, 0, ""},
		"create, marker is not at the end":                {[]salesforce.TenantSecret{record(1, described(marker(4)+" edited"))}, nil, 0, 0, ""},
		"create, two ACTIVE records":                      {[]salesforce.TenantSecret{record(2, described(marker(4))), record(1, described(marker(9)))}, nil, 2, 4, ""},
		"create, pin matches":                             {[]salesforce.TenantSecret{record(1, pinned)}, change{pin}, 1, 0, ""},
		"create, pin and marker match":                    {[]salesforce.TenantSecret{record(1, pinned, described(marker(3)))}, change{pin}, 1, 3, ""},
		"create, marker matches, pin does not":            {[]salesforce.TenantSecret{record(1, described(marker(3)))}, change{pin}, 0, 4, ""},
		"create, pin of an archived record":               {[]salesforce.TenantSecret{record(1, archived, pinned), record(2)}, change{pin}, 0, 0, "has been used in this org"},
		"create, pin of a destroyed record":               {[]salesforce.TenantSecret{record(1, destroyed, pinned), record(2)}, change{pin}, 0, 0, "restore its record"},
		"create, HSM, own marker":                         {[]salesforce.TenantSecret{record(1, byHSM, described(marker(2)))}, change{hsm}, 1, 2, ""},
		"create, REMOTE that is down":                     {[]salesforce.TenantSecret{record(1, remote, destroyed, described(marker(2)))}, change{asRemote}, 1, 2, ""},
		"update, exactly this id":                         {[]salesforce.TenantSecret{record(1, described(marker(4)))}, change{update(4)}, 1, 4, ""},
		"update, an earlier id":                           {[]salesforce.TenantSecret{record(1, described(marker(4)))}, change{update(5)}, 0, 5, ""},
		"update, a later id":                              {[]salesforce.TenantSecret{record(1, described(marker(6)))}, change{update(5)}, 0, 5, ""},
		"update, same counter of other inputs":            {[]salesforce.TenantSecret{record(1, described("[tf:ffffffff.5]"))}, change{update(5)}, 0, 5, ""},
		"update, key of Salesforce":                       {[]salesforce.TenantSecret{record(1, byHSM)}, change{update(5)}, 0, 5, ""},
		"update, pin matches an unmarked record":          {[]salesforce.TenantSecret{record(1, pinned)}, change{update(5), pin}, 1, 5, ""},
		"update, this id with another hash than the pin":  {[]salesforce.TenantSecret{record(1, described(marker(5)))}, change{update(5), pin}, 0, 0, "The org has moved on since the plan"},
		"update, this id was made and has been overtaken": {[]salesforce.TenantSecret{record(1, archived, described(marker(5))), record(2, byHSM)}, change{update(5)}, 0, 0, "The org has moved on since the plan"},
		"update, this id was made, overtaken, destroyed":  {[]salesforce.TenantSecret{record(1, destroyed, described(marker(5))), record(2, byHSM)}, change{update(5)}, 0, 0, "The org has moved on since the plan"},
		"update, this id on another type is somebody's":   {[]salesforce.TenantSecret{record(1, otherType, described(marker(5)))}, change{update(5)}, 0, 5, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := newOrg(t, test.records...)
			r := request()
			for _, c := range test.request {
				c(&r)
			}
			result, err := org.uploader().Run(t.Context(), r)
			if test.problem != "" {
				var problem *upload.Problem
				if !errors.As(err, &problem) || !strings.Contains(problem.Error(), test.problem) || !strings.Contains(problem.Error(), "Nothing was sent") {
					t.Errorf("expected the problem %q, found %v", test.problem, err)
				}
				if org.counts["create"]+org.counts["update"] != 0 {
					t.Errorf("expected nothing to be sent, found %v", org.events)
				}

				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if result.RotationID.Counter != test.id || result.RotationID.Fingerprint != fingerprint {
				t.Errorf("expected the counter %d, found %s", test.id, result.RotationID)
			}
			if posts := org.counts["create"]; result.Adopted != (test.adopted != 0) || posts == 1 == result.Adopted || posts > 1 {
				t.Errorf("expected an adoption: %v, found %v with %d POSTs", test.adopted != 0, result.Adopted, posts)
			}
			if test.adopted != 0 && result.Record.Version != test.adopted {
				t.Errorf("expected version %d to be adopted, found %d", test.adopted, result.Record.Version)
			}
			for _, row := range org.records {
				if row.ID == result.Record.ID && !strings.HasSuffix(row.Description, marker(test.id)) {
					t.Errorf("expected the record to carry its marker, found %q", row.Description)
				}
			}
		})
	}
}

func TestRun_sources(t *testing.T) {
	t.Parallel()
	given := byok.GenerateMaterial()
	certificate, err := byok.ParseCertificate(goodChain())
	if err != nil {
		t.Fatal(err)
	}
	ciphertext, err := byok.Wrap(byok.RSAOAEPSHA512, certificate, given)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change          func(*upload.Request)
		source, created string
		certificates    int
	}{
		"generated": {func(*upload.Request) {}, "generated", "salesforce.UploadedTenantSecret", 1},
		"given":     {func(r *upload.Request) { r.Material = given }, "given", "salesforce.UploadedTenantSecret", 1},
		"given, pinned": {
			func(r *upload.Request) { r.Material, r.Pin = given, byok.HashMaterial(given) }, "given", "salesforce.UploadedTenantSecret", 1,
		},
		"wrapped": {
			func(r *upload.Request) { r.Wrapped, r.Pin = ciphertext, byok.HashMaterial(given) }, "wrapped_elsewhere", "salesforce.UploadedTenantSecret", 1,
		},
		"HSM": {func(r *upload.Request) { r.Source = upload.SourceHSM }, "salesforce", "salesforce.GeneratedTenantSecret", 0},
		"REMOTE": {
			func(r *upload.Request) { r.Source, r.RemoteKeyIdentifier = upload.SourceRemote, "key" }, "remote", "salesforce.RemoteTenantSecret", 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := newOrg(t)
			r := request()
			test.change(&r)
			result, err := org.uploader().Run(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%T", org.created[0]); got != test.created {
				t.Errorf("expected a %s to be sent, found a %s", test.created, got)
			}
			if !strings.Contains(result.Receipt, `"key_source":"`+test.source+`"`) || org.counts["certificates"] != test.certificates {
				t.Errorf("expected the key source %s and %d reads of certificates, found %s and %d", test.source, test.certificates, result.Receipt, org.counts["certificates"])
			}
			if seen := result.KeyCheckValue != ""; seen != (test.source == "generated" || test.source == "given") {
				t.Errorf("expected a key check value only of material that was seen, found %q", result.KeyCheckValue)
			}
			if len(result.Warnings) != 0 {
				t.Errorf("expected no warnings, found %v", result.Warnings)
			}
			if !given.IsZero() && given.Len() != byok.MaterialSize {
				t.Error("the caller's material was destroyed")
			}
		})
	}
}

// Refusals before anything is sent.
func TestRun_problems(t *testing.T) {
	t.Parallel()
	material := byok.GenerateMaterial()
	other := byok.HashMaterial(byok.GenerateMaterial())
	for name, test := range map[string]struct {
		change    func(*upload.Request)
		org       func(*fakeOrg)
		attribute string
		words     string
	}{
		"pin of other material": {
			func(r *upload.Request) { r.Material, r.Pin = material, other }, nil, "secret_value_hash", "secret_value_hash pins " + other,
		},
		"pin without material": {func(r *upload.Request) { r.Pin = other }, nil, "secret_value_hash", "newly generated material can never have it"},
		"used material": {
			func(r *upload.Request) { r.Material = material },
			func(o *fakeOrg) {
				o.records = []salesforce.TenantSecret{record(1, archived, func(r *salesforce.TenantSecret) { r.SecretValueHash = byok.HashMaterial(material) })}
			},
			"secret_value_hash", "Give other material",
		},
		"used material of another type": {
			func(r *upload.Request) { r.Material = material },
			func(o *fakeOrg) {
				o.records = []salesforce.TenantSecret{record(1, func(r *salesforce.TenantSecret) {
					r.Type, r.SecretValueHash = "Analytics", byok.HashMaterial(material)
				})}
			},
			"secret_value_hash", "(Analytics, version 1, ACTIVE)",
		},
		"wrapped and given": {func(r *upload.Request) { r.Wrapped, r.Pin, r.Material = "x", other, material }, nil, "wrapped_key_material", "excludes key_material_wo"},
		"wrapped, no pin":   {func(r *upload.Request) { r.Wrapped = "x" }, nil, "wrapped_key_material", "needs secret_value_hash"},
		"wrapped, no fit":   {func(r *upload.Request) { r.Wrapped, r.Pin = "AAAA", other }, nil, "wrapped_key_material", "Nothing was sent"},
		"no certificate":    {func(r *upload.Request) { r.Certificate = "None" }, nil, "certificate", "BYOK-compatible certificates in this org: BYOK."},
		"label":             {func(r *upload.Request) { r.Certificate = "BYOK label" }, nil, "certificate", `Did you mean the unique name "BYOK"`},
		"other case":        {func(r *upload.Request) { r.Certificate = "byok" }, nil, "certificate", `Did you mean the unique name "BYOK"`},
		"no certificates":   {nil, func(o *fakeOrg) { o.certificates = nil }, "certificate", "no BYOK-compatible certificate"},
		"2048 bits":         {nil, func(o *fakeOrg) { o.certificates[0].KeySize = 2048 }, "certificate", "its key has 2048 bits"},
		"exportable":        {nil, func(o *fakeOrg) { o.certificates[0].PrivateKeyExportable = true }, "certificate", "its private key is exportable"},
		"not encrypted":     {nil, func(o *fakeOrg) { o.certificates[0].EncryptedWithPlatformEncryption = false }, "certificate", "not encrypted with Platform Encryption"},
		"not usable":        {nil, func(o *fakeOrg) { o.certificates[0].Unusable = true }, "certificate", "it is not usable yet"},
		"expired row":       {nil, func(o *fakeOrg) { o.certificates[0].ExpirationDate = now }, "certificate", "it expired on 2027-01-02T03:04:05Z"},
		"expired X.509":     {nil, func(o *fakeOrg) { o.chain = chain(now.AddDate(-2, 0, 0), now.AddDate(0, -1, 0)) }, "certificate", "expired"},
		"unreadable chain":  {nil, func(o *fakeOrg) { o.chain = []byte("<html>") }, "certificate", "CertificateChain can't be read"},
		"Database, no KMS":  {func(r *upload.Request) { r.Type = "Database" }, nil, "certificate", "uses the KMS"},
		"Data, KMS":         {nil, func(o *fakeOrg) { o.certificates[0].UsingKMS = true }, "certificate", "serves Database keys only"},
		"unknown algorithm": {func(r *upload.Request) { r.Algorithm = "RSA_PKCS1" }, nil, "wrapping_algorithm", "Nothing was sent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org, r := newOrg(t), request()
			if test.change != nil {
				test.change(&r)
			}
			if test.org != nil {
				test.org(org)
			}
			_, err := org.uploader().Run(t.Context(), r)
			var problem *upload.Problem
			if !errors.As(err, &problem) || problem.Attribute != test.attribute || !strings.Contains(problem.Detail, test.words) {
				t.Errorf("expected a problem at %s with %q, found %v", test.attribute, test.words, err)
			}
			if org.counts["create"]+org.counts["update"] != 0 {
				t.Errorf("expected nothing to be sent, found %v", org.events)
			}
		})
	}
}

func TestRun_errorsBeforeThePost(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		change func(*upload.Request)
		org    func(*fakeOrg)
		words  string
	}{
		"records":      {nil, func(o *fakeOrg) { o.onRecords = func(int) error { return broken } }, "reading the tenant secrets of the org before the upload"},
		"certificates": {nil, func(o *fakeOrg) { o.onCertificates = broken }, "reading the certificates of the org"},
		"no type":      {func(r *upload.Request) { r.Type = "" }, nil, "bug of the provider"},
		"no inputs":    {func(r *upload.Request) { r.Fingerprint = "" }, nil, "bug of the provider"},
		"marking": {
			func(r *upload.Request) { r.Description = "new text" },
			func(o *fakeOrg) {
				o.records = []salesforce.TenantSecret{record(1, described(marker(0)))}
				o.onUpdate = func(int) error { return broken }
			},
			"marking the adopted record",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org, r := newOrg(t), request()
			if test.change != nil {
				test.change(&r)
			}
			if test.org != nil {
				test.org(org)
			}
			_, err := org.uploader().Run(t.Context(), r)
			if err == nil || !strings.Contains(err.Error(), test.words) {
				t.Errorf("expected an error with %q, found %v", test.words, err)
			}
			if test.org != nil && !errors.Is(err, broken) {
				t.Errorf("expected the cause to be kept, found %v", err)
			}
			if org.counts["create"] != 0 {
				t.Errorf("expected no POST, found %v", org.events)
			}
		})
	}
}

// The plan's ACTIVE record is not the one that is archived.
func TestRun_expectedActive(t *testing.T) {
	t.Parallel()
	for expected, want := range map[string]bool{"": false, record(1).ID: false, record(9).ID: true} {
		org, r := newOrg(t, record(1, byHSM)), request()
		r.RotationID, r.ExpectedActive = rotation(3), expected
		result, err := org.uploader().Run(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if got := hasWarning(result, "The ACTIVE key changed between plan and apply"); got != want {
			t.Errorf("expected %q: a warning: %v, found %v", expected, want, result.Warnings)
		}
	}
}

func TestRun_cancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	org := newOrg(t)
	if _, err := org.uploader().Run(ctx, request()); !errors.Is(err, context.Canceled) {
		t.Errorf("expected the cancellation, found %v", err)
	}
	if org.counts["create"] != 0 {
		t.Errorf("expected no POST, found %v", org.events)
	}
}

func TestImportReceipt(t *testing.T) {
	t.Parallel()
	for hash, want := range map[string]string{record(1).SecretValueHash: record(1).SecretValueHash, "UNKNOWM=": "", "": ""} {
		var receipt upload.Receipt
		row := record(1, func(r *salesforce.TenantSecret) { r.SecretValueHash = hash })
		if err := json.Unmarshal([]byte(upload.ImportReceipt(organization, "0a1b2c3d.0", "1.2.3", row, now.In(time.FixedZone("", 3600)))), &receipt); err != nil {
			t.Fatal(err)
		}
		if receipt.Outcome != "imported" || receipt.SecretValueHash != want || receipt.Time != "2027-01-02T03:04:05Z" || receipt.HashMatched != nil || receipt.TenantSecretID != row.ID {
			t.Errorf("unexpected receipt %+v", receipt)
		}
	}
}
