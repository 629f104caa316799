package sfsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/soql"
)

// rootKey is a row of ExternalEncryptionRootKey: a root key in AWS KMS, or Salesforce's own.
type rootKey struct {
	id, description, identifier, region, service, status string
	activated, created, modified                         time.Time
	modifiedBy                                           string
}

// SeedRootKey is an external root key of a Seed.
type SeedRootKey struct {
	ID          string `yaml:"id"`         // 48q..., default minted
	Identifier  string `yaml:"identifier"` // the key's ARN, or for Salesforce's own a UUID; required
	Service     string `yaml:"service"`    // AWS (default) or SF
	Region      string `yaml:"region"`     // default: that of the ARN
	Description string `yaml:"description"`
	Status      string `yaml:"status"` // one of the six; default Active
}

const (
	serviceAWS        = "AWS"
	serviceSalesforce = "SF" // [D sf-skills enterprise_api/ExternalEncryptionRootKey.json]
)

// rootKeyStatuses are the six of a published describe [D sf-skills].
var rootKeyStatuses = []picklistValue{
	{"Activation Pending", "Activation Pending", 0},
	{"Active", "Active", 0},
	{"Archived", "Archived", 0},
	{"Canceled", "Canceled", 0},
	{"Inactive", "Inactive", 0},
	{"Unavailable", "Unavailable", 0},
}

// rootKeyObject describes ExternalEncryptionRootKey, API 58+ [D EERKRef; lengths D]. Only Status
// can be updated. Users are strings; there is no IsDeleted and no SystemModstamp [C NetCoreForce].
var rootKeyObject = &sobject{
	name: "ExternalEncryptionRootKey", label: "External Encryption Root Key", labelPlural: "External Encryption Root Keys",
	prefix: "48q", since: 58, verbs: "RU",
	fields: []field{
		{name: "Id", label: "External Encryption Root Key Id", kind: "id", props: "DFGIS", length: 18},
		{name: "ActivatedDate", label: "Activated Date", kind: "datetime", props: "N"},
		{name: "CreatedBy", label: "Created By", kind: "string", props: "FGNS", length: 64},
		{name: "CreatedDate", label: "Created Date", kind: "datetime", props: "N"},
		{name: "Description", label: "Description", kind: "string", props: "FGNS", length: 100},
		{name: "LastModifiedBy", label: "Last Modified By", kind: "string", props: "FGNS", length: 64},
		{name: "LastModifiedDate", label: "Last Modified Date", kind: "datetime", props: "N"},
		{name: "Region", label: "Region", kind: "string", props: "FGNS", length: 150},
		{name: "RootKeyIdentifier", label: "Root Key Identifier", kind: "string", props: "FNS", length: 512},
		{name: "RootKeyService", label: "Root Key Service", kind: "string", props: "FGNS", length: 32},
		{name: "Status", label: "Status", kind: "picklist", props: "FGSU", length: 32, values: rootKeyStatuses},
	},
}

func init() {
	rootKeyObject.rows = (*call).rootKeyRows
	rootKeyObject.visible = func(c *call) bool { return c.s.world.permissions.ManageEncryptionKeys }
	rootKeyObject.update = (*call).updateRootKey
}

func (c *call) rootKeyRows() []soql.Row {
	rows := make([]soql.Row, 0, len(c.s.world.estate().rootKeys))
	emails := c.s.world.emails()
	for _, key := range c.s.world.estate().rootKeys {
		row := soql.Row{
			"Id": key.id, "ActivatedDate": key.activated, "CreatedBy": c.s.world.mainUser().email, "CreatedDate": key.created,
			"Description": nullable(key.description), "LastModifiedBy": emails[key.modifiedBy], "LastModifiedDate": key.modified,
			"Region": nullable(key.region), "RootKeyIdentifier": key.identifier, "RootKeyService": key.service,
			"Status": key.status,
		}
		if key.activated.IsZero() {
			row["ActivatedDate"] = nil
		}
		rows = append(rows, row)
	}
	return rows
}

// salesforceRootKeyActive is whether Search Index keys can be made: their root key is Salesforce's
// own [D Help upload_seas].
func (w *world) salesforceRootKeyActive() bool {
	own := slices.DeleteFunc(slices.Clone(w.estate().rootKeys), func(k *rootKey) bool {
		return k.service != serviceSalesforce
	})
	return w.settings.SalesforceRootKey && (len(own) == 0 || slices.ContainsFunc(own, func(k *rootKey) bool {
		return k.status == "Active"
	}))
}

// updateRootKey serves PATCH {"Status":...}: Active and Inactive turn into each other, nothing else
// does [D].
func (c *call) updateRootKey(id string, values object) *reply {
	list := c.s.world.estate().rootKeys
	key := list[slices.IndexFunc(list, func(k *rootKey) bool { return k.id == id })]
	if values.given("Status") {
		to := values.text("Status")
		if turns := map[string]string{"Active": "Inactive", "Inactive": "Active"}; to == "" || turns[key.status] != to {
			return c.refuseUnknown("Status", fmt.Sprintf("The status of this root key can't change from %s to %s", key.status,
				to))
		}
		key.status = to
		if to == "Active" {
			key.activated = c.now
		}
	}
	key.modified, key.modifiedBy = c.now, c.session.user.id
	return &reply{status: http.StatusNoContent, committed: true}
}

// validateRootKeys checks the section of a seed.
func validateRootKeys(keys []SeedRootKey) error {
	for i, key := range keys {
		if id, valid := parseID(key.ID); key.ID != "" && (!valid || !strings.HasPrefix(id, "48q")) {
			return fmt.Errorf("seed: root_keys[%d]: id %q: expected 15 or 18 characters that begin with 48q", i, key.ID)
		}
		known := slices.ContainsFunc(rootKeyStatuses, func(v picklistValue) bool { return v.value == key.Status })
		switch {
		case key.Identifier == "":
			return fmt.Errorf("seed: root_keys[%d]: expected an identifier", i)
		case !slices.Contains([]string{"", serviceAWS, serviceSalesforce}, key.Service):
			return fmt.Errorf("seed: root_keys[%d]: service %q: expected AWS or SF", i, key.Service)
		case key.Status != "" && !known:
			return fmt.Errorf("seed: root_keys[%d]: status %q: expected one of the six of ExternalEncryptionRootKey", i,
				key.Status)
		}
	}
	return nil
}

// ownRootKey is the root key of Salesforce that an org on Hyperforce has, unless its seed says
// otherwise. Its identifier is invented, its form is not [D sf-skills].
var ownRootKey = SeedRootKey{
	Identifier: "0f8a7c1e-5b1d-4d0a-9a4b-2c6f1e3d5a70", Service: serviceSalesforce,
	Description: "Salesforce root key",
}

func (w *world) seedRootKeys(seed *Seed, start time.Time) error {
	list := seed.RootKeys
	own := slices.ContainsFunc(list, func(s SeedRootKey) bool { return s.Service == serviceSalesforce })
	if w.settings.Hyperforce && w.settings.SalesforceRootKey && !own {
		list = append(slices.Clone(list), ownRootKey)
	}
	for _, s := range list {
		created := start.AddDate(0, -6, 0).Truncate(time.Second)
		key := &rootKey{
			id: w.newID("48q"), description: s.Description, identifier: s.Identifier, region: s.Region, status: "Active",
			service: serviceAWS,
			created: created, modified: created, modifiedBy: w.mainUser().id,
		}
		if id, valid := parseID(s.ID); valid {
			key.id = id
		}
		// arn:aws:kms:<region>:<account>:key/<id>
		if parts := strings.Split(s.Identifier, ":"); key.region == "" && len(parts) > 3 {
			key.region = parts[3]
		}
		if s.Service != "" {
			key.service = s.Service
		}
		if s.Status != "" {
			key.status = s.Status
		}
		if key.status == "Active" {
			key.activated = created
		}
		w.estate().rootKeys = append(w.estate().rootKeys, key)
	}
	return nil
}
