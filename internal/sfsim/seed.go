package sfsim

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Seed describes an initial world. A section that is absent stays as without a seed; a list that is
// present, also an empty one, replaces the default one. Moments are RFC 3339 timestamps, or Go
// durations from the start of the simulator, such as "-48h".
type Seed struct {
	// Clock is the simulated time of the start, as a timestamp.
	Clock            Moment            `yaml:"clock"`
	Organization     *SeedOrganization `yaml:"organization"`
	Settings         yaml.Node         `yaml:"settings"`    // see the type Settings
	Permissions      yaml.Node         `yaml:"permissions"` // see the type Permissions
	Certificates     []SeedCertificate `yaml:"certificates"`
	TenantSecrets    []SeedSecret      `yaml:"tenant_secrets"`
	NamedCredentials []SeedCredential  `yaml:"named_credentials"`
	RootKeys         []SeedRootKey     `yaml:"root_keys"`
	DataKeys         []SeedDataKey     `yaml:"data_encryption_keys"`
	Events           []SeedEvent       `yaml:"events"`
	// encryption settings that are on, by metadata name; the type Settings has some more
	Switches []string `yaml:"switches"`
}

// SeedOrganization is the org of a Seed.
type SeedOrganization struct {
	ID           string `yaml:"id"`   // 15 or 18 characters; default 00DWt0000000001MAA
	Name         string `yaml:"name"` // default "Simulated Org"
	Kind         Kind   `yaml:"kind"` // default production
	InstanceName string `yaml:"instance_name"`
}

// SeedCertificate is a certificate of a Seed. Its key pair is made, or taken from the embedded test
// keys.
type SeedCertificate struct {
	DeveloperName        string `yaml:"developer_name"` // required
	MasterLabel          string `yaml:"master_label"`   // default: the developer name
	KeySize              int    `yaml:"key_size"`       // 2048, 3072 or 4096 (default)
	Created              Moment `yaml:"created"`        // default -720h
	Expires              Moment `yaml:"expires"`        // default 2 years after creation
	PlatformEncryption   *bool  `yaml:"platform_encryption"`
	PrivateKeyExportable bool   `yaml:"private_key_exportable"`
	CASigned             bool   `yaml:"ca_signed"`
	Unusable             bool   `yaml:"unusable"`
	UsingKMS             bool   `yaml:"using_kms"`
}

// SeedSecret is a tenant secret of a Seed, or Count alike ones. They get their Versions in order;
// give the ACTIVE one last of its type.
type SeedSecret struct {
	Type   string `yaml:"type"`   // default Data
	Source string `yaml:"source"` // HSM (default), UPLOADED or REMOTE
	// default ACTIVE; an earlier ACTIVE one of the type becomes ARCHIVED
	Status              string `yaml:"status"`
	Description         string `yaml:"description"`         // "%d" becomes the number within Count, from 1
	KeyDerivationMode   string `yaml:"key_derivation_mode"` // default PBKDF2
	Created             Moment `yaml:"created"`             // default -8760h (a year ago); each of Count is an hour later
	Material            string `yaml:"material"`            // base64 of 32 bytes; default random
	Certificate         string `yaml:"certificate"`         // DeveloperName it was uploaded with
	RemoteKeyIdentifier string `yaml:"remote_key_identifier"`
	RemoteKeyServiceID  string `yaml:"remote_key_service_id"`
	Count               int    `yaml:"count"` // default 1
}

// SeedCredential is a named credential of a Seed.
type SeedCredential struct {
	ID            string `yaml:"id"`             // 0XA..., default minted
	DeveloperName string `yaml:"developer_name"` // required
	Label         string `yaml:"label"`
	Endpoint      string `yaml:"endpoint"` // required
}

// Moment is a point in time of a Seed: a timestamp, or a duration from the start.
type Moment struct {
	at    time.Time
	from  time.Duration
	given bool
}

// UnmarshalYAML reads a timestamp or a duration.
func (m *Moment) UnmarshalYAML(node *yaml.Node) error {
	if at, err := time.Parse(time.RFC3339, node.Value); err == nil {
		*m = Moment{at: at, given: true}
		return nil
	}
	from, err := time.ParseDuration(node.Value)
	if err != nil {
		return fmt.Errorf("line %d: %q is neither a timestamp (2026-01-31T12:00:00Z) nor a duration (-48h)", node.Line,
			node.Value)
	}
	*m = Moment{from: from, given: true}
	return nil
}

func (m Moment) or(other Moment) Moment {
	if m.given {
		return m
	}
	return other
}

func (m Moment) resolve(start time.Time) time.Time {
	if !m.at.IsZero() {
		return m.at.UTC().Truncate(time.Second)
	}
	return start.Add(m.from).Truncate(time.Second)
}

// ReadSeed reads a seed in YAML or JSON. Unknown keys are errors.
func ReadSeed(r io.Reader) (*Seed, error) {
	body, err := io.ReadAll(io.LimitReader(r, 16<<20))
	if err != nil {
		return nil, fmt.Errorf("sfsim: read the seed: %w", err)
	}
	var seed Seed
	decoder := yaml.NewDecoder(bytes.NewReader(body))
	decoder.KnownFields(true)
	if err := decoder.Decode(&seed); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("sfsim: seed: %w", err)
	}
	if err := decoder.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("sfsim: seed: expected one YAML document")
	}
	if err := seed.validate(); err != nil {
		return nil, fmt.Errorf("sfsim: %w", err)
	}
	return &seed, nil
}

func (s *Seed) validate() error {
	if s.Clock.given && s.Clock.at.IsZero() {
		return errors.New("seed: clock: expected a timestamp, a duration has nothing to count from")
	}
	settings, permissions := defaultSettings(), allPermissions()
	for section, decode := range map[string]func() error{
		"settings":    func() error { return decodeSection(&s.Settings, &settings) },
		"permissions": func() error { return decodeSection(&s.Permissions, &permissions) },
	} {
		if err := decode(); err != nil {
			return fmt.Errorf("seed: %s: %w", section, err)
		}
	}
	if err := settings.validate(); err != nil {
		return fmt.Errorf("seed: settings: %w", err)
	}
	if org := s.Organization; org != nil {
		if id, valid := parseID(org.ID); org.ID != "" && (!valid || !strings.HasPrefix(id, "00D")) {
			return fmt.Errorf("seed: organization: id %q: expected 15 or 18 characters that begin with 00D", org.ID)
		}
		if !slices.Contains([]Kind{"", Production, Sandbox, Developer}, org.Kind) {
			return fmt.Errorf("seed: organization: kind %q: expected production, sandbox or developer", org.Kind)
		}
	}
	for i, cert := range s.Certificates {
		if err := checkDeveloperName(cert.DeveloperName); err != nil {
			return fmt.Errorf("seed: certificates[%d]: developer_name: %w", i, err)
		}
		if !slices.Contains([]int{0, 2048, 3072, 4096}, cert.KeySize) {
			return fmt.Errorf("seed: certificates[%d]: key_size %d: expected 2048, 3072 or 4096", i, cert.KeySize)
		}
	}
	for i, secret := range s.TenantSecrets {
		for name, value := range map[string]string{
			"Type": secret.Type, "Source": secret.Source, "Status": secret.Status, "KeyDerivationMode": secret.KeyDerivationMode,
		} {
			f, _ := tenantSecretObject.field(name, maxVersion)
			if _, allowed := f.allowed(value, maxVersion); value != "" && !allowed {
				return fmt.Errorf("seed: tenant_secrets[%d]: %q is not a %s", i, value, name)
			}
		}
		if raw, err := base64.StdEncoding.Strict().DecodeString(secret.Material); err != nil ||
			len(raw) != 0 && len(raw) != materialSize {
			return fmt.Errorf("seed: tenant_secrets[%d]: material: expected base64 of exactly 32 bytes", i)
		}
		if secret.Count < 0 || secret.Count > 1 && secret.Material != "" {
			return fmt.Errorf("seed: tenant_secrets[%d]: count: expected at least 1, and no material with more than 1", i)
		}
	}
	for i, credential := range s.NamedCredentials {
		if id, valid := parseID(credential.ID); credential.ID != "" && (!valid || !strings.HasPrefix(id, "0XA")) {
			return fmt.Errorf("seed: named_credentials[%d]: id %q: expected 15 or 18 characters that begin with 0XA", i,
				credential.ID)
		}
		if credential.DeveloperName == "" || credential.Endpoint == "" {
			return fmt.Errorf("seed: named_credentials[%d]: expected developer_name and endpoint", i)
		}
	}
	for i, key := range s.DataKeys {
		if key.Count < 0 {
			return fmt.Errorf("seed: data_encryption_keys[%d]: count: expected at least 1", i)
		}
	}
	for i, event := range s.Events {
		if id, valid := parseID(event.KeyID); event.Raw == "" && (!valid || !strings.HasPrefix(id, "02G")) {
			return fmt.Errorf("seed: events[%d]: key_id %q: expected 15 or 18 characters that begin with 02G, or raw", i,
				event.KeyID)
		}
	}
	for _, name := range s.Switches {
		if !knownSwitch(name) {
			return fmt.Errorf("seed: switches: %q is not an encryption setting", name)
		}
	}
	return validateRootKeys(s.RootKeys)
}

// decodeSection decodes a section over its defaults, refusing unknown keys, which a yaml.Node can't
// do.
func decodeSection(node *yaml.Node, into any) error {
	if node.IsZero() {
		return nil
	}
	text, err := yaml.Marshal(node)
	if err != nil {
		return err
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	return decoder.Decode(into)
}

func (s Settings) validate() error {
	switch {
	case !slices.Contains(chainForms, s.CertificateChainForm):
		return fmt.Errorf("certificate_chain_form is %q, expected %s", s.CertificateChainForm, strings.Join(chainForms, ", "))
	case !slices.Contains(certificateDeletions, s.CertificateDeletion):
		return fmt.Errorf("certificate_deletion is %q, expected %s", s.CertificateDeletion,
			strings.Join(certificateDeletions, ", "))
	case s.CertificateMaxDays < 0:
		return errors.New("certificate_max_days is negative")
	case !slices.Contains(dataKeyTypes, s.DataEncryptionKeyType):
		return fmt.Errorf("data_encryption_key_type is %q, expected %s", s.DataEncryptionKeyType,
			strings.Join(dataKeyTypes, ", "))
	case !slices.Contains(dataKeyReplies, s.DataEncryptionKeyReply):
		return fmt.Errorf("data_encryption_key_reply is %q, expected %s", s.DataEncryptionKeyReply,
			strings.Join(dataKeyReplies, ", "))
	case !slices.Contains(jwtLogins, s.JWTLogin):
		return fmt.Errorf("jwt_login is %q, expected %s", s.JWTLogin, strings.Join(jwtLogins, ", "))
	case !slices.Contains(sessionEnds, s.SessionEnd):
		return fmt.Errorf("session_end is %q, expected %s", s.SessionEnd, strings.Join(sessionEnds, ", "))
	case s.RefusalCode == "":
		return errors.New("refusal_code is empty, expected an error code such as FIELD_INTEGRITY_EXCEPTION")
	case s.APILimit < 1 || s.PageSize < 0 || s.SessionTimeoutSeconds < 0 || s.VisibilityLagSeconds < 0 ||
		s.VisibilityLagReads < 0 ||
		s.DeployPolls < 0 || s.EventLogLagSeconds < 0:
		return errors.New("api_limit must be positive, and the other numbers must not be negative")
	}
	for _, name := range names(s.DataEncryptionKeyWithout) {
		if f, known := dataKeyObject.field(name, maxVersion); !known || f.name != name ||
			slices.Contains(dataKeyNeeds, name) {
			return fmt.Errorf("data_encryption_key_without: DataEncryptionKey can't be without a field %q", name)
		}
	}
	return nil
}

// newWorld builds the initial world from the options and the seed.
func (s *Server) newWorld() (*world, error) {
	seed := s.options.seed
	if seed == nil {
		seed = &Seed{}
	}
	if seed.Clock.given {
		s.Clock.Set(seed.Clock.at)
	}
	start := s.Clock.Now()
	w := &world{
		organization: organization{
			id: serialID("00D", 1), name: "Simulated Org", instanceName: "SIM1", kind: s.options.kind,
		},
		settings: defaultSettings(), permissions: allPermissions(), release: currentRelease, wrappingMaster: randomBytes(32),
		extra: map[string]any{},
	}
	if org := seed.Organization; org != nil {
		if id, valid := parseID(org.ID); valid {
			w.organization.id = id
		}
		if org.Kind != "" && !s.options.kindGiven {
			w.organization.kind = org.Kind
		}
		if org.Name != "" {
			w.organization.name = org.Name
		}
		if org.InstanceName != "" {
			w.organization.instanceName = org.InstanceName
		}
	}
	if s.options.organizationID != "" {
		w.organization.id = s.options.organizationID
	}
	if err := errors.Join(decodeSection(&seed.Settings, &w.settings),
		decodeSection(&seed.Permissions, &w.permissions)); err != nil {
		return nil, err
	}
	for _, name := range seed.Switches {
		if place := w.settings.setting(name); place != nil {
			*place = true
		} else {
			w.estate().switches[name] = true
		}
	}
	for _, adjust := range s.options.adjust {
		adjust(&w.settings, &w.permissions)
	}
	if err := w.settings.validate(); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	w.users = []*user{
		{
			id: w.newID("005"), username: s.options.username, firstName: "BYOK", lastName: "Integration",
			email: "byok.integration@sfsim.example", active: true, created: start.AddDate(-2, 0, 0).Truncate(time.Second),
		},
		{
			id: w.newID("005"), username: "admin@sfsim.example", firstName: "Ada", lastName: "Admin",
			email: "admin@sfsim.example", active: true, created: start.AddDate(-3, 0, 0).Truncate(time.Second),
		},
	}
	for _, step := range []func(*Seed, time.Time) error{
		w.seedCertificates, w.seedSecrets, w.seedCredentials,
		w.seedRootKeys, w.seedDataKeys, w.seedEvents,
	} {
		if err := step(seed, start); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *world) seedCertificates(seed *Seed, start time.Time) error {
	list := seed.Certificates
	if list == nil {
		no := false
		list = []SeedCertificate{
			{DeveloperName: "Sim_BYOK"},
			{
				DeveloperName: "Sim_Partner_SSO", MasterLabel: "Sim Partner SSO", KeySize: 2048, PlatformEncryption: &no,
				PrivateKeyExportable: true,
			},
		}
	}
	for _, c := range list {
		size := c.KeySize
		if size == 0 {
			size = 4096
		}
		created := c.Created.or(Moment{from: -720 * time.Hour}).resolve(start)
		expires := created.AddDate(2, 0, 0)
		if c.Expires.given {
			expires = c.Expires.resolve(start)
		}
		if w.certificateNamed(c.DeveloperName) != nil {
			return fmt.Errorf("seed: two certificates are named %s", c.DeveloperName)
		}
		cert := &certificate{
			developerName: c.DeveloperName, masterLabel: c.MasterLabel, created: created, expires: expires, keySize: size,
			caSigned: c.CASigned, platformEncryption: c.PlatformEncryption == nil || *c.PlatformEncryption,
			privateKeyExportable: c.PrivateKeyExportable, unusable: c.Unusable, usesKMS: c.UsingKMS,
		}
		if err := w.addCertificate(cert); err != nil {
			return err
		}
		if c.CASigned && c.Unusable {
			if err := cert.request(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) seedSecrets(seed *Seed, start time.Time) error {
	list := seed.TenantSecrets
	if list == nil {
		list = []SeedSecret{{}}
	}
	for _, entry := range list {
		for n := range max(entry.Count, 1) {
			t := &tenantSecret{
				typ: canonical("Type", entry.Type, "Data"), source: canonical("Source", entry.Source, "HSM"),
				keyDerivationMode: canonical("KeyDerivationMode", entry.KeyDerivationMode, "PBKDF2"),
				description:       strings.ReplaceAll(entry.Description, "%d", strconv.Itoa(n+1)),
				createdBy:         w.administrator().id, certificate: entry.Certificate,
				remoteIdentifier: entry.RemoteKeyIdentifier, remoteService: entry.RemoteKeyServiceID,
			}
			if t.source == "REMOTE" {
				t.certificate, t.remoteCertificate = "", entry.Certificate
			} else {
				t.material = randomBytes(materialSize)
				if entry.Material != "" {
					material, err := base64.StdEncoding.DecodeString(entry.Material)
					if err != nil {
						return fmt.Errorf("seed: tenant secret material: %w", err)
					}
					t.material = material
				}
				t.materialHash = hash(t.material)
			}
			if t.source == "UPLOADED" {
				t.uploaded = bytes.Clone(t.material)
			}
			created := entry.Created.or(Moment{from: -8760 * time.Hour}).resolve(start).Add(time.Duration(n) * time.Hour)
			previous := w.active(t.typ)
			w.addSecret(t, created)
			t.status = canonical("Status", entry.Status, "ACTIVE")
			if t.status != "ACTIVE" && previous != nil {
				previous.status = "ACTIVE"
			}
			if t.status == "DESTROYED" {
				t.material = nil
			}
		}
	}
	return nil
}

func canonical(name, value, otherwise string) string {
	f, _ := tenantSecretObject.field(name, maxVersion)
	if spelled, allowed := f.allowed(value, maxVersion); allowed {
		return spelled
	}
	return otherwise
}

func (w *world) seedCredentials(seed *Seed, start time.Time) error {
	for _, c := range seed.NamedCredentials {
		id, valid := parseID(c.ID)
		if !valid {
			id = w.newID("0XA")
		}
		label := c.Label
		if label == "" {
			label = c.DeveloperName
		}
		w.namedCredentials = append(w.namedCredentials, &namedCredential{
			id: id, developerName: c.DeveloperName, label: label, endpoint: c.Endpoint,
			created: start.AddDate(0, -6, 0).Truncate(time.Second),
		})
	}
	return nil
}
