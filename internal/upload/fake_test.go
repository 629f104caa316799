package upload_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

const (
	organization = "00DWt0000000001MAA"
	// fingerprint stands for the inputs of the requests in these tests.
	fingerprint = "0a1b2c3d"
)

// now is the org's time.
var now = time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)

// wrappingKey is a public test key.
var wrappingKey = sync.OnceValue(func() *rsa.PrivateKey {
	text, err := os.ReadFile(filepath.FromSlash("../byok/testdata/openssl/wrapping-key.pem"))
	if err != nil {
		panic(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		panic(err)
	}

	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		panic("the test key is not an RSA key")
	}

	return private
})

// chain is a certificate of wrappingKey, as PEM.
func chain(notBefore, notAfter time.Time) []byte {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "BYOK"}, NotBefore: notBefore, NotAfter: notAfter}
	der, err := x509.CreateCertificate(rand.Reader, template, template, wrappingKey().Public(), wrappingKey())
	if err != nil {
		panic(err)
	}

	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

var goodChain = sync.OnceValue(func() []byte { return chain(now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)) })

// fakeOrg is a Registry and a CertificateReader in memory. It records what it is asked, in order, and fails where it is told to.
type fakeOrg struct {
	t            testing.TB
	records      []salesforce.TenantSecret
	certificates []salesforce.Certificate
	chain        []byte

	// onRecords, onGet, onUpdate and onCertificates fail a call; n counts from 1.
	onRecords, onGet, onUpdate func(n int) error
	onCertificates             error
	// onCreate decides what becomes of a POST: whether it is committed, and what its sender is told.
	onCreate func(n int) (commit bool, err error)
	// beforeCreate is called when a POST has arrived.
	beforeCreate func()
	// hidden is how many more reads do not show new records.
	hidden int
	// readBack changes a record before it is shown.
	readBack func(*salesforce.TenantSecret)

	events  []string
	counts  map[string]int
	created []salesforce.NewTenantSecret
	fresh   map[string]bool // records that hidden hides
	waits   int
}

func newOrg(t testing.TB, records ...salesforce.TenantSecret) *fakeOrg {
	t.Helper()

	return &fakeOrg{
		t: t, records: records, chain: goodChain(), counts: map[string]int{}, fresh: map[string]bool{},
		certificates: []salesforce.Certificate{{
			ID: "0P1000000000001AAA", DeveloperName: "BYOK", MasterLabel: "BYOK label", KeySize: 4096, EncryptedWithPlatformEncryption: true,
			ExpirationDate: now.AddDate(1, 0, 0),
		}},
	}
}

func (o *fakeOrg) event(name string) int {
	o.events = append(o.events, name)
	o.counts[name]++

	return o.counts[name]
}

// visible are the records that a read shows, in no order that means anything.
func (o *fakeOrg) visible() []salesforce.TenantSecret {
	shown := slices.DeleteFunc(slices.Clone(o.records), func(r salesforce.TenantSecret) bool { return o.hidden > 0 && o.fresh[r.ID] })
	if o.hidden > 0 {
		o.hidden--
	}
	slices.Reverse(shown)
	if o.readBack != nil {
		for i := range shown {
			o.readBack(&shown[i])
		}
	}

	return shown
}

func (o *fakeOrg) Records(ctx context.Context, _ time.Duration) ([]salesforce.TenantSecret, time.Time, error) {
	n := o.event("records")
	if o.onRecords != nil {
		if err := o.onRecords(n); err != nil {
			return nil, time.Time{}, err
		}
	}

	return o.visible(), now, ctx.Err()
}

func (o *fakeOrg) Get(_ context.Context, id string) (salesforce.TenantSecret, error) {
	n := o.event("get")
	if o.onGet != nil {
		if err := o.onGet(n); err != nil {
			return salesforce.TenantSecret{}, err
		}
	}
	for _, r := range o.visible() {
		if r.ID == id {
			return r, nil
		}
	}

	return salesforce.TenantSecret{}, &salesforce.Error{Status: 404, Method: "GET", Path: "/sobjects/TenantSecret/" + id}
}

func (o *fakeOrg) Update(_ context.Context, id string, change salesforce.TenantSecretChange) error {
	n := o.event("update")
	if o.onUpdate != nil {
		if err := o.onUpdate(n); err != nil {
			return err
		}
	}
	for i := range o.records {
		r := &o.records[i]
		if r.ID != id {
			continue
		}
		for field, value := range map[*string]*string{
			&r.Description: change.Description, &r.RemoteKeyServiceID: change.RemoteKeyServiceID, &r.RemoteKeyCertificate: change.RemoteKeyCertificate,
		} {
			if value != nil {
				*field = *value
			}
		}
	}

	return nil
}

func (o *fakeOrg) Certificates(context.Context) ([]salesforce.Certificate, error) {
	o.event("certificates")

	return o.certificates, o.onCertificates
}

func (o *fakeOrg) CertificateChain(context.Context, string) ([]byte, error) {
	o.event("chain")

	return o.chain, nil
}

// Create judges the upload as Salesforce does: it opens the wrapped material and compares its hash.
func (o *fakeOrg) Create(_ context.Context, record salesforce.NewTenantSecret) (string, error) {
	n := o.event("create")
	o.created = append(o.created, record)
	if o.beforeCreate != nil {
		o.beforeCreate()
	}
	commit, err := true, error(nil)
	if o.onCreate != nil {
		commit, err = o.onCreate(n)
	}
	if !commit {
		return "", err
	}
	row := salesforce.TenantSecret{Status: "ACTIVE", CreatedDate: now}
	switch r := record.(type) {
	case salesforce.UploadedTenantSecret:
		row.Type, row.Description, row.KeyDerivationMode, row.Source = r.Type, r.Description, r.KeyDerivationMode, upload.SourceUploaded
		row.SecretValueHash = r.SecretValueHash
		if material := unwrap(r.SecretValue); material != nil && hashOf(material) != r.SecretValueHash {
			o.t.Errorf("the wrapped material does not have the hash %s", r.SecretValueHash)
		}
	case salesforce.GeneratedTenantSecret:
		row.Type, row.Description, row.KeyDerivationMode, row.Source = r.Type, r.Description, r.KeyDerivationMode, upload.SourceHSM
		row.SecretValueHash = "UNKNOWM="
	case salesforce.RemoteTenantSecret:
		row.Type, row.Description, row.Source = r.Type, r.Description, upload.SourceRemote
		row.RemoteKeyIdentifier, row.RemoteKeyServiceID, row.RemoteKeyCertificate = r.RemoteKeyIdentifier, r.RemoteKeyServiceID, r.RemoteKeyCertificate
	default:
		o.t.Errorf("an unexpected %T", record)
	}
	o.add(row)

	return o.records[len(o.records)-1].ID, err
}

// add makes a record the ACTIVE one of its type.
func (o *fakeOrg) add(row salesforce.TenantSecret) {
	for i := range o.records {
		if o.records[i].Type == row.Type && o.records[i].Status == "ACTIVE" {
			o.records[i].Status = "ARCHIVED"
		}
		row.Version = max(row.Version, o.records[i].Version)
	}
	row.Version++
	row.ID = fmt.Sprintf("02G%012dAAA", row.Version)
	o.records = append(o.records, row)
	o.fresh[row.ID] = true
}

// unwrap opens RSA_OAEP_SHA512; nil for what is wrapped otherwise.
func unwrap(value string) []byte {
	ciphertext, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nil
	}
	material, err := rsa.DecryptOAEP(sha512.New(), nil, wrappingKey(), ciphertext, nil)
	if err != nil {
		return nil
	}

	return material
}

func hashOf(material []byte) string {
	sum := sha256.Sum256(material)

	return base64.StdEncoding.EncodeToString(sum[:])
}

// uploader returns an Uploader over the org whose looks wait for nothing.
func (o *fakeOrg) uploader() *upload.Uploader {
	return &upload.Uploader{
		Registry: o, Certificates: o, Organization: organization, ProviderVersion: "1.2.3",
		Looks: []time.Duration{time.Second, 2 * time.Second, 3 * time.Second},
		Wait:  func(ctx context.Context, _ time.Duration) error { o.waits++; return ctx.Err() },
	}
}

// request is an upload of a generated Data key.
func request() upload.Request {
	return upload.Request{
		Type: "Data", Source: upload.SourceUploaded, KeyDerivationMode: "PBKDF2", Fingerprint: fingerprint, Certificate: "BYOK", Algorithm: byok.RSAOAEPSHA512,
	}
}

// record is an ACTIVE, uploaded Data key.
func record(version int64, change ...func(*salesforce.TenantSecret)) salesforce.TenantSecret {
	r := salesforce.TenantSecret{
		ID: fmt.Sprintf("02G%012dAAA", version), Type: "Data", Source: upload.SourceUploaded, Status: "ACTIVE", Version: version,
		SecretValueHash: hashOf([]byte{byte(version)}), KeyDerivationMode: "PBKDF2", CreatedDate: now.AddDate(0, 0, -1),
	}
	for _, c := range change {
		c(&r)
	}

	return r
}

func described(text string) func(*salesforce.TenantSecret) {
	return func(r *salesforce.TenantSecret) { r.Description = text }
}

func archived(r *salesforce.TenantSecret) { r.Status = "ARCHIVED" }

func byHSM(r *salesforce.TenantSecret) { r.Source, r.SecretValueHash = upload.SourceHSM, "UNKNOWM=" }

// errUnknown is what a Registry says of a POST without a usable answer, errRefused what it says of one that Salesforce refused.
var (
	errUnknown = &salesforce.OutcomeUnknownError{Method: "POST", Path: "/sobjects/TenantSecret", SentAt: now, Err: errors.New("connection reset")}
	errRefused = &salesforce.Error{
		Status: 400, Method: "POST", Path: "/sobjects/TenantSecret", Messages: []salesforce.Message{{ErrorCode: "FIELD_INTEGRITY_EXCEPTION", Message: "no"}},
	}
)

// answer makes every POST end alike.
func answer(commit bool, err error) func(int) (bool, error) {
	return func(int) (bool, error) { return commit, err }
}

// hasWarning reports whether a result has a warning of this summary.
func hasWarning(result upload.Result, summary string) bool {
	return slices.ContainsFunc(result.Warnings, func(w upload.Warning) bool { return w.Summary == summary })
}
