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
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/look"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

const (
	organization = "00DWt0000000001MAA"
	// fingerprint stands for the inputs of the requests in these tests.
	fingerprint = "0a1b2c3d"
	// me is the session's user, admin somebody else who may edit records.
	me    = "005000000000001AAA"
	admin = "005000000000009AAA"
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
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "BYOK"},
		NotBefore: notBefore, NotAfter: notAfter,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, wrappingKey().Public(), wrappingKey())
	if err != nil {
		panic(err)
	}

	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

var goodChain = sync.OnceValue(func() []byte { return chain(now.AddDate(-1, 0, 0), now.AddDate(1, 0, 0)) })

// goodFingerprint is the SHA-256 fingerprint of goodChain.
var goodFingerprint = sync.OnceValue(func() string {
	certificate, err := byok.ParseCertificate(goodChain())
	if err != nil {
		panic(err)
	}

	return certificate.SHA256Fingerprint()
})

// fakeOrg is an upload.Org and its certificates in memory. It records what it is asked, in order,
// and fails if a test says so.
type fakeOrg struct {
	t            testing.TB
	records      []keys.Record
	certificates []salesforce.Certificate
	chain        []byte

	// onRecords, onRead, onChange and onCertificates fail a call; n counts from 1.
	onRecords, onRead, onChange func(n int) error
	onCertificates              error
	// onSend decides what becomes of a POST: whether it is committed, and what its sender is answered.
	onSend func(n int) (commit bool, err error)
	// onCertificate is called when the certificate is read.
	onCertificate func()
	// beforeSend is called when a POST has arrived.
	beforeSend func()
	// beforeRecords is called before the records are read.
	beforeRecords func(n int)
	// hidden is how many more reads do not show new records.
	hidden int
	// readBack changes a record before it is shown.
	readBack func(*keys.Record)
	// silent is true for an org that answers a POST without an id.
	silent bool

	events []string
	counts map[string]int
	sent   []upload.New
	fresh  map[string]bool // records that hidden hides
	waits  int
}

func newOrg(t testing.TB, records ...keys.Record) *fakeOrg {
	t.Helper()

	return &fakeOrg{
		t: t, records: slices.Clone(records), chain: goodChain(), counts: map[string]int{}, fresh: map[string]bool{},
		certificates: []salesforce.Certificate{{
			ID: "0P1000000000001AAA", DeveloperName: "BYOK", MasterLabel: "BYOK label", KeySize: 4096,
			EncryptedWithPlatformEncryption: true,
			ExpirationDate:                  now.AddDate(1, 0, 0),
		}},
	}
}

func (o *fakeOrg) event(name string) int {
	o.events = append(o.events, name)
	o.counts[name]++

	return o.counts[name]
}

// writes are the calls that change the org.
func (o *fakeOrg) writes() int { return o.counts["send"] + o.counts["change"] }

// visible are the records that a read shows, in no order that means anything.
func (o *fakeOrg) visible() []keys.Record {
	shown := slices.DeleteFunc(slices.Clone(o.records), func(r keys.Record) bool { return o.hidden > 0 && o.fresh[r.ID] })
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

// Records implements upload.Org.
func (o *fakeOrg) Records(ctx context.Context) ([]keys.Record, time.Time, error) {
	n := o.event("records")
	if o.beforeRecords != nil {
		o.beforeRecords(n)
	}
	if o.onRecords != nil {
		if err := o.onRecords(n); err != nil {
			return nil, time.Time{}, err
		}
	}

	return o.visible(), now, ctx.Err()
}

// Envelope implements upload.Org, as TenantSecrets does.
func (o *fakeOrg) Envelope(ctx context.Context, r upload.Request, _ keys.RotationID, now time.Time) (upload.Envelope,
	error,
) {
	if o.onCertificate != nil {
		o.onCertificate()
	}
	certificate, err := upload.ReadWrappingCertificate(ctx, o, r.Certificate, r.Type, now)

	return upload.Envelope{Name: r.Certificate, Certificate: certificate}, err
}

// Read implements upload.Org.
func (o *fakeOrg) Read(_ context.Context, id string) (keys.Record, error) {
	n := o.event("read")
	if o.onRead != nil {
		if err := o.onRead(n); err != nil {
			return keys.Record{}, err
		}
	}
	if r, ok := keys.Find(o.visible(), id); ok {
		return r, nil
	}

	return keys.Record{}, &salesforce.Error{Status: 404, Method: "GET", Path: "/sobjects/TenantSecret/" + id}
}

// Change implements upload.Org.
func (o *fakeOrg) Change(_ context.Context, id string, change upload.Change) error {
	n := o.event("change")
	if o.onChange != nil {
		if err := o.onChange(n); err != nil {
			return err
		}
	}
	for i := range o.records {
		r := &o.records[i]
		if r.ID != id {
			continue
		}
		r.LastModifiedBy = me
		for field, value := range map[*string]*string{
			&r.Description: change.Description, &r.RemoteKeyServiceID: change.RemoteKeyServiceID,
			&r.RemoteKeyCertificate: change.RemoteKeyCertificate,
		} {
			if value != nil {
				*field = *value
			}
		}
	}

	return nil
}

// Certificates implements upload.CertificateReader.
func (o *fakeOrg) Certificates(context.Context) ([]salesforce.Certificate, error) {
	o.event("certificates")

	return o.certificates, o.onCertificates
}

// CertificateChain implements upload.CertificateReader.
func (o *fakeOrg) CertificateChain(context.Context, string) ([]byte, error) {
	o.event("chain")

	return o.chain, nil
}

// Send implements upload.Org. It judges the upload as Salesforce does: it opens the wrapped
// material and compares its hash.
func (o *fakeOrg) Send(_ context.Context, k upload.New) (string, error) {
	n := o.event("send")
	o.sent = append(o.sent, k)
	if o.beforeSend != nil {
		o.beforeSend()
	}
	commit, err := true, error(nil)
	if o.onSend != nil {
		commit, err = o.onSend(n)
	}
	if !commit {
		return "", err
	}
	r := k.Request
	row := keys.Record{
		Type: r.Type, Source: r.Source, Description: k.Description, KeyDerivationMode: r.KeyDerivationMode, Hash: k.Hash,
		CreatedBy: me, LastModifiedBy: me,
		RemoteKeyIdentifier: r.RemoteKeyIdentifier, RemoteKeyServiceID: r.RemoteKeyServiceID,
		RemoteKeyCertificate: r.RemoteKeyCertificate,
	}
	if (k.Value == "") != (r.Source != keys.SourceUploaded) {
		o.t.Errorf("a POST of source %s with a value of %d characters: without one Salesforce makes its own key", r.Source,
			len(k.Value))
	}
	if material := unwrap(k.Value); material != nil && hashOf(material) != k.Hash {
		o.t.Errorf("the wrapped material does not have the hash %s", k.Hash)
	}
	o.add(row)
	if o.silent {
		return "", err
	}

	return o.records[len(o.records)-1].ID, err
}

// add makes a record the ACTIVE one of its type.
func (o *fakeOrg) add(row keys.Record) {
	row.Version = 0
	for i := range o.records {
		if o.records[i].Type == row.Type && o.records[i].Status == keys.StatusActive {
			o.records[i].Status = keys.StatusArchived
		}
		row.Version = max(row.Version, o.records[i].Version)
	}
	row.Version++
	row.ID, row.Status, row.CreatedDate = recordID(row.Version), keys.StatusActive, now
	o.records = append(o.records, row)
	o.fresh[row.ID] = true
}

// plan announces what a plan over the org as it is now would.
func (o *fakeOrg) plan(r upload.Request) upload.Request {
	evidence, err := r.Gather(context.Background(), organization, o.records)
	if err != nil {
		o.t.Fatal(err)
	}
	j := keys.Judge(r.Wanted, evidence, o.records)
	r.Planned = upload.Planned{Over: j.Current.ID, OverLost: j.Current.Lost()}
	if j.Action == keys.Adopt {
		r.Planned.Adopts = j.Record.ID
	}

	return r
}

// run runs a request that was planned just before.
func (o *fakeOrg) run(r upload.Request) (upload.Result, error) {
	return o.uploader().Run(o.t.Context(), o, o.plan(r))
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

// uploader returns an Uploader whose looks wait for nothing. It is a new run of the provider.
func (o *fakeOrg) uploader() *upload.Uploader {
	return &upload.Uploader{Organization: organization, Patience: o.patience()}
}

// patience is one look and three more.
func (o *fakeOrg) patience() look.Patience {
	return look.Patience{
		Waits: []time.Duration{time.Second, 2 * time.Second, 3 * time.Second},
		Sleep: func(ctx context.Context, _ time.Duration) error { o.waits++; return ctx.Err() },
	}
}

// request is an upload of a generated Data key, on create.
// ofThisApply is what each receipt of a test says.
func ofThisApply() receipt.Receipt {
	return receipt.Receipt{
		OrganizationID: organization, UserID: me, Cause: receipt.CausePlan, Resource: "salesforcebyok_tenant_secret",
		FIPSMode: "off", ProviderVersion: "1.2.3",
	}
}

func request(change ...func(*upload.Request)) upload.Request {
	r := upload.Request{
		Wanted: keys.Wanted{
			Type: keys.TypeData, Source: keys.SourceUploaded, KeyDerivationMode: keys.DerivationPBKDF2, Fingerprint: fingerprint,
			Asked: true,
		},
		Evidence: keys.Evidence{Users: []string{me}}, Certificate: "BYOK", Algorithm: byok.RSAOAEPSHA512,
		Receipt: ofThisApply(),
	}
	for _, c := range change {
		c(&r)
	}

	return r
}

// update makes a request that of an update under a planned id.
func update(counter int64) func(*upload.Request) {
	return func(r *upload.Request) { r.RotationID = rotation(counter) }
}

// fromHSM and fromService make a request that of a key which Salesforce or a key service makes.
func fromHSM(r *upload.Request) { r.Source, r.Certificate, r.Algorithm = keys.SourceHSM, "", "" }

func fromService(r *upload.Request) {
	fromHSM(r)
	r.Source, r.RemoteKeyIdentifier = keys.SourceRemote, "key"
}

// after makes a request that of an update over our own record, the fifth rotation of its lineage.
func after(own keys.Record) func(*upload.Request) {
	return func(r *upload.Request) {
		r.RotationID = rotation(5)
		r.Evidence.Ours = keys.Ours{
			ID: own.ID, Version: own.Version, Source: own.Source, Hash: own.Hash,
			RotationID: own.Marker().String(),
		}
	}
}

// unconfirmed makes a request that of an update whose last attempt had no answer.
func unconfirmed(counter int64, since time.Time, hash string) func(*upload.Request) {
	return func(r *upload.Request) {
		r.RotationID = rotation(counter)
		ours := &r.Evidence.Ours
		ours.Unconfirmed, ours.UnconfirmedSince, ours.UnconfirmedHash = rotation(counter).String(), since, hash
	}
}

func recordID(version int64) string { return fmt.Sprintf("02G%012dAAA", version) }

// record is an ACTIVE, uploaded Data key of somebody else's.
func record(version int64, change ...func(*keys.Record)) keys.Record {
	r := keys.Record{
		ID: recordID(version), Type: keys.TypeData, Source: keys.SourceUploaded, Status: keys.StatusActive, Version: version,
		Hash: hashOf([]byte{byte(version)}), KeyDerivationMode: keys.DerivationPBKDF2, CreatedDate: now.AddDate(0, 0, -1),
		CreatedBy: admin, LastModifiedBy: admin,
	}
	for _, c := range change {
		c(&r)
	}

	return r
}

// described makes a record one whose Description we wrote, describedBy one of somebody else's.
func described(text string) func(*keys.Record) { return describedBy(me, text) }

func describedBy(user, text string) func(*keys.Record) {
	return func(r *keys.Record) { r.Description, r.LastModifiedBy = text, user }
}

func withHash(hash string) func(*keys.Record) { return func(r *keys.Record) { r.Hash = hash } }

func archived(r *keys.Record) { r.Status = keys.StatusArchived }

func destroyed(r *keys.Record) { r.Status = keys.StatusDestroyed }

func byHSM(r *keys.Record) { r.Source, r.Hash = keys.SourceHSM, "" }

func byService(r *keys.Record) {
	r.Source, r.Hash, r.KeyDerivationMode, r.RemoteKeyIdentifier = keys.SourceRemote, "", "", "key"
}

// errUnknown is what an Org says of a POST without a usable answer, errRefused what it says of one
// that Salesforce refused.
var (
	errUnknown = &salesforce.OutcomeUnknownError{
		Method: "POST", Path: "/sobjects/TenantSecret", SentAt: now,
		Err: errors.New("connection reset"),
	}
	errRefused = &salesforce.Error{
		Status: 400, Method: "POST", Path: "/sobjects/TenantSecret",
		Messages: []salesforce.Message{{ErrorCode: "FIELD_INTEGRITY_EXCEPTION", Message: "no"}},
	}
	errBroken = errors.New("broken")
)

// answer makes every POST end alike.
func answer(commit bool, err error) func(int) (bool, error) {
	return func(int) (bool, error) { return commit, err }
}

// afterFirst fails every call but the first.
func afterFirst(err error) func(int) error {
	return func(n int) error {
		if n > 1 {
			return err
		}

		return nil
	}
}

func rotation(counter int64) keys.RotationID {
	return keys.RotationID{Fingerprint: fingerprint, Counter: counter}
}

func marker(counter int64) string { return fmt.Sprintf("[tf:%s.%d]", fingerprint, counter) }

// warning returns the warning of a summary, nil if there is none.
func warning(result upload.Result, summary string) *problem.Problem {
	for _, w := range result.Warnings {
		if w.Summary == summary {
			return w
		}
	}

	return nil
}

// summaries are those of a result's warnings.
func summaries(result upload.Result) []string {
	var list []string
	for _, w := range result.Warnings {
		list = append(list, w.Summary)
	}

	return list
}
