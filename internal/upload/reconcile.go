package upload

import (
	"fmt"
	"strings"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// Newest returns the newest record of a type: the one with the highest Version, which grows within an org [D ObjRef: unique in the
// org; I: a growing counter]. The order of records does not matter.
func Newest(records []salesforce.TenantSecret, typ string) (salesforce.TenantSecret, bool) {
	var newest salesforce.TenantSecret
	found := false
	for _, r := range records {
		if r.Type == typ && (!found || r.Version > newest.Version) {
			newest, found = r, true
		}
	}

	return newest, found
}

// Active returns the ACTIVE record of a type. Salesforce keeps exactly one [V ThalesDoc]; should there be two, the newer one encrypts.
func Active(records []salesforce.TenantSecret, typ string) (salesforce.TenantSecret, bool) {
	var active salesforce.TenantSecret
	found := false
	for _, r := range records {
		if r.Type == typ && r.Status == "ACTIVE" && (!found || r.Version > active.Version) {
			active, found = r, true
		}
	}

	return active, found
}

// Current returns the record that stands for a type: the ACTIVE one, else the newest one where that is a cache-only key, which
// Salesforce itself sets to DESTROYED while its callouts fail [D Help cache_considerations].
func Current(records []salesforce.TenantSecret, typ string) (salesforce.TenantSecret, bool) {
	if active, ok := Active(records, typ); ok {
		return active, true
	}
	newest, ok := Newest(records, typ)

	return newest, ok && newest.Source == SourceRemote
}

// Descriptions returns the Descriptions of all records of a type.
func Descriptions(records []salesforce.TenantSecret, typ string) []string {
	var texts []string
	for _, r := range records {
		if r.Type == typ {
			texts = append(texts, r.Description)
		}
	}

	return texts
}

// finding is the outcome of reconciliation: the id of the rotation and, where it has happened already, its record.
type finding struct {
	id     keys.RotationID
	record salesforce.TenantSecret
	found  bool
	// byPin is true where the hash, not the marker, made the record ours.
	byPin bool
}

// reconcile decides whether the rotation has happened already.
func reconcile(r Request, records []salesforce.TenantSecret) (finding, error) {
	newest, exists := Current(records, r.Type)
	_, marker := keys.ParseDescription(newest.Description)
	create := r.RotationID.IsZero()
	matchesPin := r.Pin != "" && newest.SecretValueHash == r.Pin

	id := r.RotationID
	if create {
		id = keys.FirstID(r.Fingerprint, Descriptions(records, r.Type))
	}
	if !exists {
		return finding{id: id}, nil
	}

	marked := marker == id
	if create {
		marked = marker.Fingerprint == r.Fingerprint && newest.Source == r.Source
	}
	switch {
	case marked && (r.Pin == "" || matchesPin):
		return finding{id: marker, record: newest, found: true}, nil
	case marked && !create:
		return finding{}, &Problem{
			Attribute: "secret_value_hash",
			Summary:   "The org has moved on since the plan",
			Detail: fmt.Sprintf("The newest %s record, %s (version %d), already carries this rotation's id %s, but its hash is not the "+
				"pinned one. Nothing was sent. Plan again: the next plan compares with that record.", r.Type, newest.ID, newest.Version, id),
		}
	case matchesPin && newest.Source == SourceUploaded && r.Source == SourceUploaded:
		return finding{id: id, record: newest, found: true, byPin: true}, nil
	case !create && !marked && overtaken(records, r.Type, id):
		// Posting once more would give a second record the same id, and no later run could tell the two apart.
		return finding{}, &Problem{
			Summary: "The org has moved on since the plan",
			Detail: fmt.Sprintf("A %s record with this rotation's id %s was made before, and %s (version %d) has become ACTIVE since. Nothing was sent. Plan again, with a "+
				"refresh: the next plan takes a later id.", r.Type, id, newest.ID, newest.Version),
		}
	default:
		return finding{id: id}, nil
	}
}

// overtaken reports whether a record of the type carries the id of a rotation. It is asked only where the current record does not.
func overtaken(records []salesforce.TenantSecret, typ string, id keys.RotationID) bool {
	for _, r := range records {
		if _, marker := keys.ParseDescription(r.Description); r.Type == typ && marker == id {
			return true
		}
	}

	return false
}

// search finds the record of a rotation whose POST had no answer, by its marker or, where the material is known, by its hash.
func search(records []salesforce.TenantSecret, typ string, id keys.RotationID, hash string) (salesforce.TenantSecret, bool) {
	for _, r := range records {
		if r.Type != typ {
			continue
		}
		if _, marker := keys.ParseDescription(r.Description); marker == id {
			return r, true
		}
		if hash != "" && r.SecretValueHash == hash {
			return r, true
		}
	}

	return salesforce.TenantSecret{}, false
}

// checkReuse refuses material that the org has seen: Salesforce takes a secret as a BYOK key only once [D Help
// security_pe_byok_generate_secret].
func checkReuse(records []salesforce.TenantSecret, hash string) error {
	for _, r := range records {
		if r.SecretValueHash != hash {
			continue
		}
		next := "Give other material."
		if strings.EqualFold(r.Status, "DESTROYED") {
			next = "To bring that key back, restore its record with salesforcebyok_tenant_secret_version; to rotate, give other material."
		}

		return &Problem{
			Attribute: "secret_value_hash",
			Summary:   "This key material has been used in this org",
			Detail: fmt.Sprintf("Record %s (%s, version %d, %s) already has the hash %s, and Salesforce accepts a secret only once. "+
				"Nothing was sent. %s", r.ID, r.Type, r.Version, r.Status, hash, next),
		}
	}

	return nil
}
