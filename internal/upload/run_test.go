package upload_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt/schema"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// receiptOf reads the newest receipt of a result, which must fit the schema.
func receiptOf(t *testing.T, result upload.Result) receipt.Receipt {
	t.Helper()
	evidence, err := receipt.Parse(result.Receipt())
	if err == nil {
		err = schema.Validate(result.Receipt())
	}
	if err != nil {
		t.Fatalf("%v: %s", err, result.Receipt())
	}

	return evidence
}

// pinsOf is what a receipt says of certificate_pins, "" for nothing.
func pinsOf(r receipt.Receipt) receipt.Pins {
	if r.PinsHeld == nil {
		return ""
	}

	return *r.PinsHeld
}

func TestRun_generated(t *testing.T) {
	t.Parallel()
	org := newOrg(t, record(1, byHSM))
	r := request()
	r.Description = "For Terraform"
	result, err := org.run(r)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"records", "certificates", "chain", "send", "read"}; !slices.Equal(org.events, want) {
		t.Errorf("expected the steps %v, found %v", want, org.events)
	}
	row, sent := org.records[1], org.sent[0]
	if sent.Description != "For Terraform "+marker(0) || sent.Envelope.Name != "BYOK" ||
		sent.Request.KeyDerivationMode != keys.DerivationPBKDF2 {
		t.Errorf("expected an upload with its marker, found %+v", sent)
	}
	material := unwrap(sent.Value)
	if len(material) != byok.MaterialSize || hashOf(material) != row.Hash {
		t.Errorf("expected 32 bytes with the hash that was sent, found %d", len(material))
	}
	kcv := byok.KeyCheckValue(secret.NewBytes(material))
	if result.Record.ID != row.ID || !result.Confirmed || result.Adopted || result.RotationID != rotation(0) ||
		result.KeyCheckValue != kcv || result.EscrowCiphertext != "" || result.Hash != row.Hash {
		t.Errorf("unexpected result %+v", result)
	}
	if len(result.Warnings) != 0 || result.CertificateSHA256 != goodFingerprint() {
		t.Errorf("expected a fingerprint and no warnings, found %q and %v", result.CertificateSHA256, result.Warnings)
	}
	evidence := receiptOf(t, result)
	if evidence.Outcome != "uploaded" || evidence.KeySource != "generated" || evidence.TenantSecretID != row.ID ||
		evidence.RotationID != fingerprint+".0" ||
		evidence.HashMatched == nil || !*evidence.HashMatched || evidence.Certificate == nil ||
		evidence.Certificate.SHA256 != result.CertificateSHA256 ||
		evidence.Time != "2027-01-02T03:04:05Z" || evidence.ProviderVersion != "1.2.3" ||
		evidence.OrganizationID != organization || evidence.SecretValueHash != row.Hash ||
		evidence.Source != keys.SourceUploaded || evidence.CreatedBy != me || evidence.WrappingAlg != "RSA_OAEP_SHA512" {
		t.Errorf("unexpected receipt %s", result.Receipt())
	}
}

// What a plan announces over an org is what the run does, for every kind of org that there is.
func TestRun_reconcile(t *testing.T) {
	t.Parallel()
	material := byok.GenerateMaterial()
	hash := byok.HashMaterial(material)
	pinned := withHash(hash)
	otherType := func(r *keys.Record) { r.Type = keys.TypeAnalytics }
	underived := func(r *keys.Record) { r.KeyDerivationMode = keys.DerivationNone }
	pin := func(r *upload.Request) { r.PinnedHash, r.Material = hash, material }
	own := record(1, described(marker(4)))
	type (
		change  = []func(*upload.Request)
		records = []keys.Record
	)
	for name, test := range map[string]struct {
		records records
		request change
		adopted int64 // version of the adopted record, 0 for an upload
		id      int64 // counter of the rotation id
		problem string
	}{
		"create, empty org":                  {nil, nil, 0, 0, ""},
		"create, key of Salesforce":          {records{record(1, byHSM)}, nil, 0, 0, ""},
		"create, own marker":                 {records{own}, nil, 1, 4, ""},
		"create, own marker after a text":    {records{record(1, described("a text "+marker(4)))}, nil, 1, 4, ""},
		"create, own marker, another source": {records{record(1, byHSM, described(marker(4)))}, nil, 0, 5, ""},
		"create, own marker, another mode":   {records{record(1, underived, described(marker(4)))}, nil, 0, 5, ""},
		"create, own marker is archived": {
			records{record(1, archived, described(marker(4))), record(2, byHSM)},
			nil, 0, 5, "",
		},
		"create, other inputs":             {records{record(1, described("[tf:ffffffff.7]"))}, nil, 0, 8, ""},
		"create, marker of another type":   {records{record(1, otherType, described(marker(4)))}, nil, 0, 0, ""},
		"create, marker is not at the end": {records{record(1, described(marker(4)+" edited"))}, nil, 0, 0, ""},
		"create, two ACTIVE records": {records{
			record(2, described(marker(4))),
			record(1, described(marker(9))),
		}, nil, 2, 4, ""},
		"create, pin matches": {records{record(1, pinned)}, change{pin}, 1, 0, ""},
		"create, pin and marker match": {
			records{record(1, pinned, described(marker(3)))},
			change{pin},
			1, 3,
			"",
		},
		"create, pin and foreign marker match": {
			records{record(1, pinned, describedBy(admin, marker(3)))},
			change{pin},
			1, 3, "",
		},
		"create, marker matches, pin does not": {records{record(1, described(marker(3)))}, change{pin}, 0, 4, ""},
		"create, pin of an archived record": {
			records{record(1, archived, pinned), record(2)},
			change{pin},
			0, 0,
			"was used before",
		},
		"create, pin of a destroyed record": {
			records{record(1, destroyed, pinned), record(2)},
			change{pin},
			0, 0,
			"restore its record",
		},
		"create, pin in another mode": {
			records{record(1, pinned, underived)},
			change{pin},
			0, 0,
			"exists with another derivation mode",
		},
		"create, HSM, own marker": {
			records{record(1, byHSM, described(marker(2)))},
			change{fromHSM},
			1,
			2, "",
		},
		"create, HSM, uploaded key with own marker": {records{record(1, described(marker(2)))}, change{fromHSM}, 0, 3, ""},
		"create, REMOTE, own marker": {
			records{record(1, byService, described(marker(2)))},
			change{fromService},
			1, 2, "",
		},
		"create, REMOTE that is down": {
			records{record(1, byService, destroyed, described(marker(2)))},
			change{fromService},
			1, 2, "",
		},
		"create, REMOTE, another key of the service": {records{record(1, byService, described(marker(2)),
			func(r *keys.Record) {
				r.RemoteKeyIdentifier = "other"
			})}, change{fromService}, 0, 3, ""},
		"create, over a foreign REMOTE that is down": {
			records{record(1, byService, destroyed)},
			nil, 0, 0,
			"A destroyed cache-only key is in the way",
		},
		"create, over it, destruction allowed": {records{record(1, byService, destroyed)}, change{func(r *upload.Request) {
			r.Destruction.Allowed = true
		}}, 0, 0, ""},
		"create, over it, allowed but for the quorum": {
			records{record(1, byService, destroyed)},
			change{func(r *upload.Request) {
				r.Destruction = keys.Destruction{Allowed: true, Quorum: true}
			}},
			0, 0, "Make the record ACTIVE first",
		},

		"update, exactly this id": {
			records{record(1, described(marker(4)))},
			change{update(4)},
			1,
			4, "",
		},
		"update, an earlier id": {records{own}, change{after(own)}, 0, 5, ""},
		"update, our record has got the new marker": {
			records{record(1, described(marker(5)))},
			change{after(own)},
			0,
			5, "",
		},
		"update, our record has got the new marker and pin": {
			records{record(1, pinned, described(marker(5)))},
			change{after(own), pin},
			1, 5, "",
		},
		"update, a later id": {
			records{record(1, described(marker(6)))},
			change{update(5)},
			0,
			5, "",
		},
		"update, same counter of other inputs": {
			records{record(1, described("[tf:ffffffff.5]"))},
			change{update(5)},
			0, 5, "",
		},
		"update, key of Salesforce":              {records{record(1, byHSM)}, change{update(5)}, 0, 5, ""},
		"update, pin matches an unmarked record": {records{record(1, pinned)}, change{update(5), pin}, 1, 5, ""},
		"update, this id with another hash than the pin": {
			records{record(1, described(marker(5)))},
			change{update(5), pin},
			0, 0, "The org has moved on since the plan",
		},
		"update, this id was made and has been overtaken": {records{
			record(1, archived, described(marker(5))),
			record(2, byHSM),
		}, change{update(5)}, 0, 0, "The org has moved on since the plan"},
		"update, this id was made, overtaken, destroyed": {records{
			record(1, destroyed, described(marker(5))),
			record(2, byHSM),
		}, change{update(5)}, 0, 0, "The org has moved on since the plan"},
		"update, somebody's archived copy of this id": {records{
			record(1, archived, describedBy(admin, marker(5))),
			record(2, byHSM),
		}, change{update(5)}, 0, 5, ""},
		"update, this id on another type is somebody's": {
			records{record(1, otherType, described(marker(5)))},
			change{update(5)},
			0, 5, "",
		},
		"update, not asked for, over a REMOTE that is down": {
			records{record(1, byService, destroyed)},
			change{update(5), func(r *upload.Request) { r.Asked = false }},
			0, 0, "has become DESTROYED",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := newOrg(t, test.records...)
			r := org.plan(request(test.request...))
			result, err := org.uploader().Run(t.Context(), org, r)
			if test.problem != "" {
				p, ok := problem.Of(err)
				if !ok || !strings.Contains(p.Error(), test.problem) || !strings.Contains(p.Error(), "Nothing was sent") {
					t.Errorf("expected the problem %q, found %v", test.problem, err)
				}
				if org.writes() != 0 {
					t.Errorf("expected nothing to be sent, found %v", org.events)
				}

				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if result.RotationID != rotation(test.id) {
				t.Errorf("expected the counter %d, found %s", test.id, result.RotationID)
			}
			if posts := org.counts["send"]; result.Adopted != (test.adopted != 0) || posts == 1 == result.Adopted || posts > 1 {
				t.Errorf("expected an adoption: %v, found %v with %d POSTs", test.adopted != 0, result.Adopted, posts)
			}
			if planned := r.Planned.Adopts != ""; planned != result.Adopted {
				t.Errorf("the plan announced an adoption: %v, the run did it: %v", planned, result.Adopted)
			}
			if test.adopted != 0 && result.Record.Version != test.adopted {
				t.Errorf("expected version %d to be adopted, found %d", test.adopted, result.Record.Version)
			}
			if row, ok := keys.Find(org.records, result.Record.ID); !ok || row.Marker() != rotation(test.id) {
				t.Errorf("expected the record to carry its marker, found %q", row.Description)
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
	pinned := []string{goodFingerprint()}
	for name, test := range map[string]struct {
		change       func(*upload.Request)
		material     string
		certificates int
		pins         receipt.Pins
		alg          string
	}{
		"generated": {func(*upload.Request) {}, "generated", 1, "", "RSA_OAEP_SHA512"},
		"given":     {func(r *upload.Request) { r.Material = given }, "given", 1, "", "RSA_OAEP_SHA512"},
		"given, pinned": {
			func(r *upload.Request) { r.Material, r.PinnedHash = given, byok.HashMaterial(given) },
			"given", 1, "", "RSA_OAEP_SHA512",
		},
		"given, to a pinned certificate": {func(r *upload.Request) {
			r.Material, r.CertificatePins = given, pinned
		}, "given", 1, receipt.PinsHeld, "RSA_OAEP_SHA512"},
		"wrapped": {func(r *upload.Request) {
			r.Wrapped, r.PinnedHash = ciphertext, byok.HashMaterial(given)
		}, "wrapped_elsewhere", 1, "", ""},
		"wrapped, to a pinned certificate": {
			func(r *upload.Request) {
				r.Wrapped, r.PinnedHash, r.CertificatePins = ciphertext, byok.HashMaterial(given), pinned
			}, "wrapped_elsewhere", 1, receipt.PinsNotVerifiable, "",
		},
		"HSM":    {fromHSM, "salesforce", 0, "", ""},
		"REMOTE": {fromService, "remote", 0, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			org := newOrg(t)
			result, err := org.run(request(test.change))
			if err != nil {
				t.Fatal(err)
			}
			evidence := receiptOf(t, result)
			if evidence.KeySource != test.material || org.counts["certificates"] != test.certificates ||
				pinsOf(evidence) != test.pins {
				t.Errorf("expected the key source %s, pins %q and %d reads of certificates, found %s and %d", test.material,
					test.pins, test.certificates, result.Receipt(), org.counts["certificates"])
			}
			if evidence.WrappingAlg != test.alg || evidence.Source != org.records[0].Source {
				t.Errorf("expected the algorithm %q and the record's own source, found %s", test.alg, result.Receipt())
			}
			if seen := result.KeyCheckValue != ""; seen != (test.material == "generated" || test.material == "given") {
				t.Errorf("expected a key check value only of material that was seen, found %q", result.KeyCheckValue)
			}
			if len(result.Warnings) != 0 {
				t.Errorf("expected no warnings, found %v", result.Warnings)
			}
			if given.Len() != byok.MaterialSize {
				t.Error("the caller's material was destroyed")
			}
		})
	}
}

// nothingSent is how a problem says so. The first step of a data encryption key may have been sent
// before its certificate is read.
var nothingSent = regexp.MustCompile(`(Nothing|No key) was sent`)

// Refusals before anything is sent or written.
func TestRun_problems(t *testing.T) {
	t.Parallel()
	material := byok.GenerateMaterial()
	hash, other := byok.HashMaterial(material), byok.HashMaterial(byok.GenerateMaterial())
	give := func(r *upload.Request) { r.Material = material }
	used := func(change ...func(*keys.Record)) func(*fakeOrg) {
		return func(o *fakeOrg) { o.records = []keys.Record{record(1, append(change, withHash(hash))...)} }
	}
	certificate := func(change func(*salesforce.Certificate)) func(*fakeOrg) {
		return func(o *fakeOrg) { change(&o.certificates[0]) }
	}
	otherType := func(r *keys.Record) { r.Type = keys.TypeAnalytics }
	for name, test := range map[string]struct {
		change    func(*upload.Request)
		org       func(*fakeOrg)
		attribute string
		words     string
	}{
		"no type":   {func(r *upload.Request) { r.Type = "" }, nil, "", "Please report it"},
		"no inputs": {func(r *upload.Request) { r.Fingerprint = "" }, nil, "", "Please report it"},
		"pin of other material": {func(r *upload.Request) {
			r.Material, r.PinnedHash = material, other
		}, nil, "secret_value_hash", other},
		"pin without material": {
			func(r *upload.Request) { r.PinnedHash = other }, nil, "secret_value_hash",
			"the configuration gives no key material for it",
		},
		"used material":                 {give, used(archived), "key_material_wo_version", "Give other material"},
		"used material of another type": {give, used(otherType), "key_material_wo_version", "The Analytics record"},
		"weak material": {func(r *upload.Request) {
			r.Material = secret.NewBytes(make([]byte, 32))
		}, nil, "key_material_wo_version", "is all zero"},
		"used wrapped material": {func(r *upload.Request) {
			r.Wrapped, r.PinnedHash = "x", hash
		}, used(archived), "secret_value_hash", "Give other material"},
		"wrapped and given": {func(r *upload.Request) {
			r.Wrapped, r.PinnedHash, r.Material = "x", other, material
		}, nil, "wrapped_key_material", "excludes key_material_wo"},
		"wrapped and escrow": {func(r *upload.Request) {
			r.Wrapped, r.PinnedHash, r.Escrow = "x", other, &upload.Escrow{}
		}, nil, "wrapped_key_material", "excludes key_material_wo and escrow"},
		"wrapped, no pin": {
			func(r *upload.Request) { r.Wrapped = "x" }, nil, "wrapped_key_material",
			"needs secret_value_hash",
		},
		"wrapped, no fit": {func(r *upload.Request) {
			r.Wrapped, r.PinnedHash = "AAAA", other
		}, nil, "wrapped_key_material", "Nothing was sent"},
		"no certificate": {func(r *upload.Request) {
			r.Certificate = "None"
		}, nil, "certificate", "Certificates of this org that fit: BYOK."},
		"label": {func(r *upload.Request) {
			r.Certificate = "BYOK label"
		}, nil, "certificate", `Did you mean the unique name "BYOK"`},
		"other case": {func(r *upload.Request) {
			r.Certificate = "byok"
		}, nil, "certificate", `Did you mean the unique name "BYOK"`},
		"no certificates": {nil, func(o *fakeOrg) {
			o.certificates = nil
		}, "certificate", "The org shows no certificate that fits"},
		"2048 bits": {
			nil, certificate(func(c *salesforce.Certificate) { c.KeySize = 2048 }),
			"certificate", "its key has 2048 bits",
		},
		"exportable": {nil, certificate(func(c *salesforce.Certificate) {
			c.PrivateKeyExportable = true
		}), "certificate", "its private key is exportable"},
		"not encrypted": {nil, certificate(func(c *salesforce.Certificate) {
			c.EncryptedWithPlatformEncryption = false
		}), "certificate", "not encrypted with Platform Encryption"},
		"not usable": {
			nil, certificate(func(c *salesforce.Certificate) { c.Unusable = true }),
			"certificate", "it is not usable yet",
		},
		"expired row": {nil, certificate(func(c *salesforce.Certificate) {
			c.ExpirationDate = now
		}), "certificate", "it expired on 2027-01-02T03:04:05Z"},
		"expired X.509": {nil, func(o *fakeOrg) {
			o.chain = chain(now.AddDate(-2, 0, 0), now.AddDate(0, -1, 0))
		}, "certificate", "expired"},
		"unreadable chain": {nil, func(o *fakeOrg) {
			o.chain = []byte("<html>")
		}, "certificate", "CertificateChain can't be read"},
		"Database, no KMS": {func(r *upload.Request) {
			r.Type = keys.TypeDatabase
		}, nil, "certificate", "uses the KMS"},
		"Data, KMS": {
			nil, certificate(func(c *salesforce.Certificate) { c.UsingKMS = true }),
			"certificate", "serves Database keys only",
		},
		"another certificate": {func(r *upload.Request) {
			r.CertificatePins = []string{strings.Repeat("0", 64)}
		}, nil, "certificate_pins", goodFingerprint()},
		"another certificate planned": {func(r *upload.Request) {
			r.Planned.Certificate = strings.Repeat("0", 64)
		}, nil, "certificate", goodFingerprint()},
		"unknown algorithm": {func(r *upload.Request) {
			r.Algorithm = "RSA_PKCS1"
		}, nil, "wrapping_algorithm", "Nothing was sent"},
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
			_, err := org.uploader().Run(t.Context(), org, r)
			p, ok := problem.Of(err)
			if !ok || p.Attribute != test.attribute || !strings.Contains(p.Detail, test.words) ||
				!nothingSent.MatchString(p.Detail) {
				t.Errorf("expected a problem at %q with %q, found %v", test.attribute, test.words, err)
			}
			if org.writes() != 0 {
				t.Errorf("expected nothing to be sent, found %v", org.events)
			}
		})
	}
}

// The pins and the planned certificate are compared before anything is encrypted to anybody: no
// escrow copy, no intent, no POST.
func TestRun_certificateIsComparedBeforeEscrow(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*upload.Request){
		"pins": func(r *upload.Request) { r.CertificatePins = []string{strings.Repeat("0", 64)} },
		"plan": func(r *upload.Request) { r.Planned.Certificate = strings.Repeat("0", 64) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			org, r := newOrg(t), request()
			r.Escrow = escrowIn(t, dir)
			change(&r)
			if _, err := org.uploader().Run(t.Context(), org, r); err == nil {
				t.Error("expected a refusal")
			}
			if files := filesIn(t, dir, "*"); len(files) != 0 || org.writes() != 0 {
				t.Errorf("expected no file and no POST, found %v and %v", files, org.events)
			}
			// As pinned and as planned it goes through.
			r.CertificatePins, r.Planned.Certificate = []string{goodFingerprint()}, goodFingerprint()
			if _, err := org.uploader().Run(t.Context(), org, r); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRun_errorsBeforeThePost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*upload.Request)
		org    func(*fakeOrg)
		words  string
	}{
		"records": {nil, func(o *fakeOrg) {
			o.onRecords = func(int) error { return errBroken }
		}, "reading the Data keys of the org before the upload; nothing was sent"},
		"certificates": {nil, func(o *fakeOrg) { o.onCertificates = errBroken }, "reading the certificates of the org"},
		"marking": {
			func(r *upload.Request) { r.Description = "new text" },
			func(o *fakeOrg) {
				o.records = []keys.Record{record(1, described(marker(0)))}
				o.onChange = func(int) error { return errBroken }
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
			test.org(org)
			_, err := org.run(r)
			if err == nil || !strings.Contains(err.Error(), test.words) || !errors.Is(err, errBroken) {
				t.Errorf("expected an error with %q and its cause, found %v", test.words, err)
			}
			if org.counts["send"] != 0 {
				t.Errorf("expected no POST, found %v", org.events)
			}
		})
	}
}

// The key that is archived is not the one that the plan spoke of.
func TestRun_archivesAnotherThanPlanned(t *testing.T) {
	t.Parallel()
	const changed, foreign = "The ACTIVE key changed between plan and apply", "Somebody else's key was archived"
	for name, test := range map[string]struct {
		over    string
		change  func(*upload.Request)
		warning string
	}{
		"update, as planned":           {recordID(1), update(3), ""},
		"update, another":              {recordID(9), update(3), changed},
		"update, none was planned":     {"", update(3), ""},
		"create, as planned":           {recordID(1), nil, ""},
		"create, another":              {recordID(9), nil, changed},
		"create, the plan saw no such": {"", nil, foreign},
	} {
		org, r := newOrg(t, record(1, byHSM)), request()
		if test.change != nil {
			test.change(&r)
		}
		r.Planned.Over = test.over
		result, err := org.uploader().Run(t.Context(), org, r)
		if err != nil {
			t.Fatal(err)
		}
		if test.warning == "" && len(result.Warnings) > 0 || test.warning != "" && warning(result, test.warning) == nil {
			t.Errorf("%s: expected the warning %q, found %v", name, test.warning, result.Warnings)
		}
	}
}

func TestRun_cancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	org := newOrg(t)
	if _, err := org.uploader().Run(ctx, org, request()); !errors.Is(err, context.Canceled) {
		t.Errorf("expected the cancellation, found %v", err)
	}
	if org.writes() != 0 {
		t.Errorf("expected no POST, found %v", org.events)
	}
}

// A record is edited if it differs from what is wanted, and only then.
func TestChangeOf(t *testing.T) {
	t.Parallel()
	remote := record(1, byService, described("text"), func(r *keys.Record) {
		r.RemoteKeyServiceID, r.RemoteKeyCertificate = "0XA000000000001AAA", "Old"
	})
	for name, test := range map[string]struct {
		row                               keys.Record
		description, service, certificate string
		changes                           int
	}{
		"nothing":                        {record(1, described("text")), "text", "", "", 0},
		"description":                    {record(1, described("text")), "other", "", "", 1},
		"description to none":            {record(1, described("text")), "", "", "", 1},
		"remote fields of a local key":   {record(1, described("text")), "text", "0XA000000000002AAA", "New", 0},
		"remote, nothing":                {remote, "text", "0XA000000000001AAA", "Old", 0},
		"remote, not configured":         {remote, "text", "", "", 0},
		"remote, an id of 15 characters": {remote, "text", "0XA000000000001", "Old", 0},
		"remote, service":                {remote, "text", "0XA000000000002AAA", "Old", 1},
		"remote, certificate":            {remote, "text", "0XA000000000001AAA", "New", 1},
		"remote, all":                    {remote, "other", "0XA000000000002AAA", "New", 3},
	} {
		change := upload.ChangeOf(test.row, test.description, test.service, test.certificate)
		changes := 0
		for _, field := range []*string{change.Description, change.RemoteKeyServiceID, change.RemoteKeyCertificate} {
			if field != nil {
				changes++
			}
		}
		if changes != test.changes || change.IsZero() != (changes == 0) {
			t.Errorf("%s: expected %d changes, found %+v", name, test.changes, change)
		}
	}
}
