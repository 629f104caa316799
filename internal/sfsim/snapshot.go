package sfsim

import (
	"bytes"
	"cmp"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// snapshotFormat names the form of a snapshot. A change that an older simulator would misread gets
// another name.
const snapshotFormat = "sfsim-1"

// snapshot is the whole org as a file keeps it, private keys and key material included: like
// everything in the simulator they protect nothing. What ends with the process is not in it: the
// journal, faults, query pages, deployments, callouts, and sessions other than that of AccessToken.
type snapshot struct {
	Format           string                 `json:"format"`
	Notice           string                 `json:"notice"`
	AccessToken      string                 `json:"access_token"`
	ClockShift       Duration               `json:"clock_shift"`
	Organization     snapshotOrganization   `json:"organization"`
	Settings         Settings               `json:"settings"`
	Permissions      Permissions            `json:"permissions"`
	Release          int                    `json:"release"`
	WrappingMaster   []byte                 `json:"wrapping_master"`
	LastID           int                    `json:"last_id"`
	LastVersion      int64                  `json:"last_version"`
	APIUsage         int                    `json:"api_usage"`
	UsedKeys         map[int]int            `json:"used_keys"`
	Users            []snapshotUser         `json:"users"`
	Certificates     []snapshotCertificate  `json:"certificates"`
	TenantSecrets    []snapshotSecret       `json:"tenant_secrets"`
	NamedCredentials []snapshotCredential   `json:"named_credentials"`
	RootKeys         []snapshotRootKey      `json:"root_keys"`
	DataKeys         []snapshotDataKey      `json:"data_encryption_keys"`
	Switches         map[string]bool        `json:"switches"`
	Retries          map[string][]time.Time `json:"retries"` // failed, next
	Events           []snapshotEvent        `json:"events"`
	Known            map[string]string      `json:"known"`
	Requests         int                    `json:"requests"`
}

type snapshotOrganization struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	InstanceName string `json:"instance_name"`
	Kind         Kind   `json:"kind"`
}

type snapshotUser struct {
	ID        string    `json:"id"`
	Username  string    `json:"username"`
	FirstName string    `json:"first_name"`
	LastName  string    `json:"last_name"`
	Email     string    `json:"email"`
	Active    bool      `json:"active"`
	Created   time.Time `json:"created"`
}

type snapshotCertificate struct {
	ID                   string    `json:"id"`
	DeveloperName        string    `json:"developer_name"`
	MasterLabel          string    `json:"master_label"`
	Created              time.Time `json:"created"`
	Expires              time.Time `json:"expires"`
	KeySize              int       `json:"key_size"`
	CASigned             bool      `json:"ca_signed"`
	PlatformEncryption   bool      `json:"platform_encryption"`
	PrivateKeyExportable bool      `json:"private_key_exportable"`
	Unusable             bool      `json:"unusable"`
	UsingKMS             bool      `json:"using_kms"`
	PrivateKey           []byte    `json:"private_key"` // PKCS #8
	Chain                [][]byte  `json:"chain"`       // DER, leaf first
}

type snapshotSecret struct {
	ID                string    `json:"id"`
	Type              string    `json:"type"`
	Source            string    `json:"source"`
	Status            string    `json:"status"`
	KeyDerivationMode string    `json:"key_derivation_mode"`
	Description       string    `json:"description"`
	Version           int64     `json:"version"`
	Created           time.Time `json:"created"`
	Modified          time.Time `json:"modified"`
	CreatedBy         string    `json:"created_by"`
	ModifiedBy        string    `json:"modified_by"`
	RemoteIdentifier  string    `json:"remote_key_identifier"`
	RemoteService     string    `json:"remote_key_service_id"`
	RemoteCertificate string    `json:"remote_key_certificate"`
	Certificate       string    `json:"certificate"`
	Wrapping          string    `json:"wrapping_algorithm"`
	Material          []byte    `json:"material"`
	MaterialHash      string    `json:"material_hash"`
	Uploaded          []byte    `json:"uploaded"`
}

type snapshotCredential struct {
	ID            string    `json:"id"`
	DeveloperName string    `json:"developer_name"`
	Label         string    `json:"label"`
	Endpoint      string    `json:"endpoint"`
	Created       time.Time `json:"created"`
}

type snapshotRootKey struct {
	ID          string    `json:"id"`
	Description string    `json:"description"`
	Identifier  string    `json:"identifier"`
	Region      string    `json:"region"`
	Service     string    `json:"service,omitempty"` // AWS in snapshots without it
	Status      string    `json:"status"`
	Activated   time.Time `json:"activated"`
	Created     time.Time `json:"created"`
	Modified    time.Time `json:"modified"`
	ModifiedBy  string    `json:"modified_by"`
}

type snapshotDataKey struct {
	ID          string `json:"id"`
	Certificate string `json:"certificate"`
	Description string `json:"description"`
	Status      string `json:"status"`
	// of earlier snapshots: there is one type, and Settings say how it is spelled
	Type     string    `json:"type,omitempty"`
	Token    string    `json:"session_token"`
	Version  int64     `json:"version"`
	Created  time.Time `json:"created"`
	Modified time.Time `json:"modified"`
	By       string    `json:"by"`
	Material []byte    `json:"material"`
	Hash     string    `json:"hash"`
}

type snapshotEvent struct {
	At      time.Time `json:"at"`
	User    string    `json:"user"`
	Action  string    `json:"action"`
	KeyID   string    `json:"key_id"`
	KeyType string    `json:"key_type"`
	IP      string    `json:"ip"`
	Request int       `json:"request"`
	Raw     string    `json:"raw,omitempty"`
}

// Save writes the org to the file that WithPersistence named, in one step: a reader sees the old
// file or the new one. Only the owner may read the file, although all in it is public.
func (s *Server) Save() error {
	path := s.options.persist
	if path == "" {
		return errors.New("sfsim: there is no file to save the org to: start with -persist FILE, or WithPersistence")
	}
	body, err := s.snapshot()
	if err != nil {
		return fmt.Errorf("sfsim: save %s: %w", path, err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("sfsim: save: %w", err)
	}
	_, err = file.Write(body)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("sfsim: save %s: %w", path, errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

// restore replaces the world by the one of the file, if there is one.
func (s *Server) restore() error {
	body, err := os.ReadFile(s.options.persist)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sfsim: load the org: %w", err)
	}
	in, w, err := readSnapshot(body)
	if err != nil {
		return fmt.Errorf("sfsim: load the org from %s: %w", s.options.persist, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Clock.Set(time.Now().Add(time.Duration(in.ClockShift)))
	s.world, s.OrganizationID, s.AccessToken = w, w.organization.id, in.AccessToken
	s.Username = w.mainUser().username
	s.sessions = map[string]*session{s.AccessToken: {user: w.mainUser(), issued: s.Clock.Now()}}
	return nil
}

// snapshot encodes the org.
func (s *Server) snapshot() ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.world
	estate := w.estate()
	out := snapshot{
		Format: snapshotFormat, Notice: "The state of a Salesforce simulator. Its keys are public: protect nothing with " +
			"them.",
		AccessToken: s.AccessToken, ClockShift: Duration(time.Until(s.Clock.Now()).Round(time.Second)),
		Organization: snapshotOrganization{
			w.organization.id, w.organization.name, w.organization.instanceName,
			w.organization.kind,
		},
		Settings: w.settings, Permissions: w.permissions, Release: w.release, WrappingMaster: w.wrappingMaster,
		LastID:      w.lastID,
		LastVersion: w.lastVersion, APIUsage: w.apiUsage, UsedKeys: w.keys.used, Switches: estate.switches,
		Retries: map[string][]time.Time{}, Known: estate.known, Requests: estate.requests,
	}
	for _, u := range w.users {
		out.Users = append(out.Users, snapshotUser{u.id, u.username, u.firstName, u.lastName, u.email, u.active, u.created})
	}
	for _, c := range w.certificates {
		key, err := x509.MarshalPKCS8PrivateKey(c.key)
		if err != nil {
			return nil, fmt.Errorf("the key of certificate %s: %w", c.developerName, err)
		}
		out.Certificates = append(out.Certificates, snapshotCertificate{
			c.id, c.developerName, c.masterLabel, c.created, c.expires, c.keySize, c.caSigned, c.platformEncryption,
			c.privateKeyExportable, c.unusable, c.usesKMS, key, c.chain,
		})
	}
	for _, t := range w.tenantSecrets {
		out.TenantSecrets = append(out.TenantSecrets, snapshotSecret{
			t.id, t.typ, t.source, t.status, t.keyDerivationMode, t.description, t.version, t.created, t.modified, t.createdBy,
			t.modifiedBy,
			t.remoteIdentifier, t.remoteService, t.remoteCertificate, t.certificate, t.wrapping, t.material, t.materialHash,
			t.uploaded,
		})
	}
	for _, n := range w.namedCredentials {
		out.NamedCredentials = append(out.NamedCredentials, snapshotCredential{
			n.id, n.developerName, n.label, n.endpoint,
			n.created,
		})
	}
	for _, k := range estate.rootKeys {
		out.RootKeys = append(out.RootKeys, snapshotRootKey{
			k.id, k.description, k.identifier, k.region, k.service, k.status, k.activated, k.created, k.modified, k.modifiedBy,
		})
	}
	for _, k := range estate.dataKeys {
		out.DataKeys = append(out.DataKeys, snapshotDataKey{
			ID: k.id, Certificate: k.certificate, Description: k.description, Status: k.status, Token: k.token,
			Version: k.version,
			Created: k.created, Modified: k.modified, By: k.by, Material: k.material, Hash: k.hash,
		})
	}
	for id, r := range estate.retries {
		out.Retries[id] = []time.Time{r.failed, r.next}
	}
	for _, e := range estate.events {
		out.Events = append(out.Events, snapshotEvent{e.at, e.user, e.action, e.keyID, e.keyType, e.ip, e.request, e.raw})
	}
	body, err := json.MarshalIndent(out, "", "  ") //nolint:gosec // a simulator's token and keys, which are public
	return append(body, '\n'), err
}

// readSnapshot decodes and checks a snapshot: a file that was edited by hand must not make the
// simulator fail later on.
func readSnapshot(body []byte) (*snapshot, *world, error) {
	in := snapshot{Settings: defaultSettings(), Permissions: allPermissions()}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return nil, nil, fmt.Errorf("not a snapshot: %w", err)
	}
	if err := decoder.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("expected one JSON object")
	}
	if err := in.validate(); err != nil {
		return nil, nil, err
	}
	w := &world{
		organization: organization{
			in.Organization.ID, in.Organization.Name, in.Organization.InstanceName,
			in.Organization.Kind,
		},
		settings: in.Settings, permissions: in.Permissions, release: in.Release, wrappingMaster: in.WrappingMaster,
		lastID:      in.LastID,
		lastVersion: in.LastVersion, apiUsage: in.APIUsage, keys: keyring{used: in.UsedKeys}, extra: map[string]any{},
	}
	for _, u := range in.Users {
		w.users = append(w.users, &user{u.ID, u.Username, u.FirstName, u.LastName, u.Email, u.Active, u.Created})
	}
	for i, c := range in.Certificates {
		cert := &certificate{
			c.ID, c.DeveloperName, c.MasterLabel, c.Created, c.Expires, c.KeySize, c.CASigned, c.PlatformEncryption,
			c.PrivateKeyExportable,
			c.Unusable, c.UsingKMS, nil, c.Chain,
		}
		parsed, err := x509.ParsePKCS8PrivateKey(c.PrivateKey)
		key, isRSA := parsed.(*rsa.PrivateKey)
		if err != nil || !isRSA || key.N.BitLen() != c.KeySize {
			return nil, nil, fmt.Errorf("certificates[%d]: private_key is not an RSA key of %d bits in PKCS #8", i, c.KeySize)
		}
		cert.key = key
		w.certificates = append(w.certificates, cert)
	}
	for _, t := range in.TenantSecrets {
		w.tenantSecrets = append(w.tenantSecrets, &tenantSecret{
			id: t.ID, typ: t.Type, source: t.Source, status: t.Status, keyDerivationMode: t.KeyDerivationMode,
			description: t.Description,
			version:     t.Version, created: t.Created, modified: t.Modified, createdBy: t.CreatedBy, modifiedBy: t.ModifiedBy,
			remoteIdentifier: t.RemoteIdentifier, remoteService: t.RemoteService, remoteCertificate: t.RemoteCertificate,
			certificate: t.Certificate, wrapping: t.Wrapping, material: kept(t.Material), materialHash: t.MaterialHash,
			uploaded: kept(t.Uploaded),
		})
	}
	for _, n := range in.NamedCredentials {
		w.namedCredentials = append(w.namedCredentials, &namedCredential{
			n.ID, n.DeveloperName, n.Label, n.Endpoint,
			n.Created,
		})
	}
	in.fill(w.estate())
	return &in, w, nil
}

// kept distinguishes no material from empty material, which JSON may write either way.
func kept(material []byte) []byte {
	if len(material) == 0 {
		return nil
	}
	return material
}

// fill restores what surrounds the tenant secrets.
func (in *snapshot) fill(e *estate) {
	maps.Copy(e.switches, in.Switches)
	for id, r := range in.Retries {
		e.retries[id] = &retry{failed: r[0], next: r[1]}
	}
	for _, k := range in.RootKeys {
		e.rootKeys = append(e.rootKeys, &rootKey{
			k.ID, k.Description, k.Identifier, k.Region, cmp.Or(k.Service, serviceAWS), k.Status, k.Activated, k.Created,
			k.Modified, k.ModifiedBy,
		})
	}
	for _, k := range in.DataKeys {
		e.dataKeys = append(e.dataKeys, &dataKey{
			id: k.ID, certificate: k.Certificate, description: k.Description, status: k.Status, token: k.Token,
			version: k.Version, created: k.Created, modified: k.Modified, by: k.By, material: k.Material, hash: k.Hash,
		})
	}
	for _, k := range in.Events {
		e.events = append(e.events, keyEvent{k.At, k.User, k.Action, k.KeyID, k.KeyType, k.IP, k.Request, k.Raw})
	}
	e.known, e.requests = in.Known, in.Requests
}

// validate checks what the simulator relies on.
func (in *snapshot) validate() error {
	if in.Format != snapshotFormat {
		return fmt.Errorf("the format is %q, expected %s", in.Format, snapshotFormat)
	}
	if err := in.Settings.validate(); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	switch {
	case !slices.Contains([]Kind{Production, Sandbox, Developer}, in.Organization.Kind):
		return fmt.Errorf("organization: kind %q, expected production, sandbox or developer", in.Organization.Kind)
	case len(in.Users) < 2:
		return errors.New("users: expected the integration user and an administrator")
	case !strings.HasPrefix(in.AccessToken, in.Organization.ID[:min(15, len(in.Organization.ID))]+"!"):
		return errors.New("access_token: expected one of the org")
	case in.Release < 100 || in.Release > 999:
		return fmt.Errorf("release %d, expected a number of three digits", in.Release)
	case len(in.WrappingMaster) != materialSize:
		return errors.New("wrapping_master: expected base64 of 32 bytes")
	case in.LastID < 0 || in.LastVersion < 0 || in.APIUsage < 0 || in.Requests < 0:
		return errors.New("a counter is negative")
	}
	for bits, used := range in.UsedKeys {
		if !slices.Contains([]int{2048, 3072, 4096}, bits) || used < 0 || used > 100 {
			return fmt.Errorf("used_keys: %d of %d bits", used, bits)
		}
	}
	for _, id := range in.ids() {
		if full, valid := parseID(id.value); !valid || full != id.value || !strings.HasPrefix(full, id.prefix) {
			return fmt.Errorf("%s: %q is not an id of 18 characters that begins with %s", id.where, id.value, id.prefix)
		}
	}
	for i, c := range in.Certificates {
		if err := c.validate(); err != nil {
			return fmt.Errorf("certificates[%d]: %w", i, err)
		}
	}
	for i, t := range in.TenantSecrets {
		if err := t.validate(); err != nil {
			return fmt.Errorf("tenant_secrets[%d]: %w", i, err)
		}
	}
	for id, r := range in.Retries {
		if len(r) != 2 {
			return fmt.Errorf("retries: %s has %d moments, expected when it failed and when it is next", id, len(r))
		}
	}
	return nil
}

// snapshotID is an id, and what it must be one of.
type snapshotID struct{ where, value, prefix string }

func (in *snapshot) ids() []snapshotID {
	out := []snapshotID{{"organization", in.Organization.ID, "00D"}}
	for _, u := range in.Users {
		out = append(out, snapshotID{"users", u.ID, "005"})
	}
	for _, c := range in.Certificates {
		out = append(out, snapshotID{"certificates", c.ID, "0P1"})
	}
	for _, t := range in.TenantSecrets {
		out = append(out, snapshotID{"tenant_secrets", t.ID, "02G"},
			snapshotID{"tenant_secrets: created_by", t.CreatedBy, "005"},
			snapshotID{"tenant_secrets: modified_by", t.ModifiedBy, "005"})
	}
	for _, n := range in.NamedCredentials {
		out = append(out, snapshotID{"named_credentials", n.ID, "0XA"})
	}
	for _, k := range in.RootKeys {
		out = append(out, snapshotID{"root_keys", k.ID, rootKeyObject.prefix},
			snapshotID{"root_keys: modified_by", k.ModifiedBy, "005"})
	}
	for _, k := range in.DataKeys {
		out = append(out, snapshotID{"data_encryption_keys", k.ID, dataKeyObject.prefix},
			snapshotID{"data_encryption_keys: by", k.By, "005"})
	}
	for _, e := range in.Events {
		out = append(out, snapshotID{"events: user", e.User, "005"})
		if e.Raw == "" {
			out = append(out, snapshotID{"events: key_id", e.KeyID, ""})
		}
	}
	return out
}

func (c *snapshotCertificate) validate() error {
	if err := checkDeveloperName(c.DeveloperName); err != nil {
		return fmt.Errorf("developer_name: %w", err)
	}
	if len(c.Chain) == 0 {
		return errors.New("chain is empty")
	}
	if c.CASigned && c.Unusable { // which waits for its chain
		if _, err := x509.ParseCertificateRequest(c.Chain[0]); err != nil {
			return errors.New("chain: expected a certificate request")
		}
		return nil
	}
	for _, der := range c.Chain {
		if _, err := x509.ParseCertificate(der); err != nil {
			return errors.New("chain: expected certificates")
		}
	}
	return nil
}

func (t *snapshotSecret) validate() error {
	for name, value := range map[string]string{
		"Type": t.Type, "Source": t.Source, "Status": t.Status, "KeyDerivationMode": t.KeyDerivationMode,
	} {
		f, _ := tenantSecretObject.field(name, maxVersion)
		if spelled, allowed := f.allowed(value, maxVersion); !allowed || spelled != value {
			return fmt.Errorf("%q is not a %s", value, name)
		}
	}
	for _, material := range [][]byte{t.Material, t.Uploaded} {
		if len(material) != 0 && len(material) != materialSize {
			return fmt.Errorf("material of %d bytes, expected %d", len(material), materialSize)
		}
	}
	return nil
}
