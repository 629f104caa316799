package sfsim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/soql"
)

// rootKey is a row of ExternalEncryptionRootKey: a root key in AWS KMS.
type rootKey struct {
	id, description, identifier, region, status string
	activated, created, modified                time.Time
	modifiedBy                                  string
}

// SeedRootKey is an external root key of a Seed.
type SeedRootKey struct {
	ID          string `yaml:"id"`         // 48q..., default minted
	Identifier  string `yaml:"identifier"` // the key's ARN, required
	Region      string `yaml:"region"`     // default: that of the ARN
	Description string `yaml:"description"`
	Status      string `yaml:"status"` // Active (default), Inactive or Unavailable
}

var rootKeyStatuses = []picklistValue{{"Active", "Active", 0}, {"Inactive", "Inactive", 0}, {"Unavailable", "Unavailable", 0}}

// rootKeyObject describes ExternalEncryptionRootKey, API 58+ [D EERKRef]. Only Status can be updated.
var rootKeyObject = &sobject{
	name: "ExternalEncryptionRootKey", label: "External Encryption Root Key", labelPlural: "External Encryption Root Keys",
	prefix: "48q", since: 58, verbs: "RU",
	fields: append(systemFields(), []field{
		{name: "ActivatedDate", label: "Activated Date", kind: "datetime", props: "FNS"},
		{name: "Description", label: "Description", kind: "string", props: "FGNS", length: 255},
		{name: "Region", label: "Region", kind: "string", props: "FGNS", length: 255},
		{name: "RootKeyIdentifier", label: "Root Key Identifier", kind: "string", props: "FGS", length: 255},
		{name: "RootKeyService", label: "Root Key Service", kind: "picklist", props: "FGS", length: 40},
		{name: "Status", label: "Status", kind: "picklist", props: "FGSU", length: 40, values: rootKeyStatuses},
	}...),
	relationships: map[string]string{"CreatedBy": "User", "LastModifiedBy": "User"},
}

func init() {
	rootKeyObject.rows = (*call).rootKeyRows
	rootKeyObject.visible = func(c *call) bool { return c.s.world.permissions.ManageEncryptionKeys }
	rootKeyObject.update = (*call).updateRootKey
}

func (c *call) rootKeyRows() []soql.Row {
	rows := make([]soql.Row, 0, len(c.s.world.estate().rootKeys))
	creator := c.userRows()[0]
	for _, key := range c.s.world.estate().rootKeys {
		row := system(key.id, key.created, c.s.world.mainUser(), soql.Row{
			"ActivatedDate": key.activated, "Description": nullable(key.description), "Region": nullable(key.region),
			"RootKeyIdentifier": key.identifier, "RootKeyService": "AWS", "Status": key.status,
			"CreatedBy": creator, "LastModifiedBy": creator,
		})
		if key.activated.IsZero() {
			row["ActivatedDate"] = nil
		}
		row["LastModifiedDate"], row["SystemModstamp"], row["LastModifiedById"] = key.modified, key.modified, key.modifiedBy
		rows = append(rows, row)
	}
	return rows
}

// updateRootKey serves PATCH {"Status":...}: Active and Inactive turn into each other, nothing else does [D].
func (c *call) updateRootKey(id string, values object) *reply {
	list := c.s.world.estate().rootKeys
	key := list[slices.IndexFunc(list, func(k *rootKey) bool { return k.id == id })]
	if values.given("Status") {
		to := values.text("Status")
		if turns := map[string]string{"Active": "Inactive", "Inactive": "Active"}; to == "" || turns[key.status] != to {
			return c.refuseUnknown("Status", fmt.Sprintf("The status of this root key can't change from %s to %s", key.status, to))
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
		case key.Status != "" && !known:
			return fmt.Errorf("seed: root_keys[%d]: status %q: expected Active, Inactive or Unavailable", i, key.Status)
		}
	}
	return nil
}

func (w *world) seedRootKeys(seed *Seed, start time.Time) error {
	for _, s := range seed.RootKeys {
		created := start.AddDate(0, -6, 0).Truncate(time.Second)
		key := &rootKey{
			id: w.newID("48q"), description: s.Description, identifier: s.Identifier, region: s.Region, status: "Active",
			created: created, modified: created, modifiedBy: w.mainUser().id,
		}
		if id, valid := parseID(s.ID); valid {
			key.id = id
		}
		// arn:aws:kms:<region>:<account>:key/<id>
		if parts := strings.Split(s.Identifier, ":"); key.region == "" && len(parts) > 3 {
			key.region = parts[3]
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
