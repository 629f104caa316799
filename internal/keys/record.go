package keys

import (
	"fmt"
	"slices"
	"time"
)

// Record is what the rules look at in a record of a key, whatever kind of object holds it.
type Record struct {
	// ID has 18 characters. It is "version-<n>" for a data encryption key without an id.
	ID   string
	Type string
	// Version grows within an org and orders the records of one type.
	Version int64
	// Status and Source are in upper case.
	Status, Source string
	Description    string
	// KeyDerivationMode is "" for a kind of key that has none.
	KeyDerivationMode string
	// Hash is the base64 SHA-256 of the plaintext, "" if Salesforce shows none: it made the key
	// itself, or the kind of key keeps no hash.
	Hash                                                          string
	RemoteKeyIdentifier, RemoteKeyServiceID, RemoteKeyCertificate string
	CreatedDate, LastModifiedDate                                 time.Time
	// CreatedBy and LastModifiedBy are user ids, or names for a kind of key that shows names. The last
	// writer of a record is the last who may have written its marker.
	CreatedBy, LastModifiedBy string
}

// Marker returns the rotation id in the record's Description, zero if there is none.
func (r Record) Marker() RotationID {
	_, id := ParseDescription(r.Description)

	return id
}

// Is reports whether an id of 15 or 18 characters is the record's: the first 15 decide.
func (r Record) Is(id string) bool {
	const decisive = 15

	return id == r.ID || (len(id) >= decisive && len(r.ID) >= decisive && id[:decisive] == r.ID[:decisive])
}

// String names the record in a diagnostic.
func (r Record) String() string {
	return fmt.Sprintf("%s (%s, version %d)", r.ID, r.Type, r.Version)
}

// Describe names the record and says where it comes from.
func (r Record) Describe() string {
	return fmt.Sprintf("The %s record %s (version %d, %s, source %s, created %s)", r.Type, r.ID, r.Version, r.Status,
		r.Source,
		r.CreatedDate.UTC().Format(time.RFC3339))
}

// Lost reports whether a newer key of the type ends the last way to use this one: a cache-only key
// that reads DESTROYED can be made ACTIVE again only while it is the newest [ShieldREST].
func (r Record) Lost() bool { return r.Source == SourceRemote && r.Status == StatusDestroyed }

// Overtaken says what becomes of the record in use when a newer key takes its place.
func (r Record) Overtaken() string {
	if r.Lost() {
		return "It reads DESTROYED, and a newer key ends any way to make it ACTIVE again: its data is lost."
	}

	return "Salesforce archives it; its data stays readable."
}

// OfType returns the records of a type.
func OfType(records []Record, typ string) []Record {
	return slices.DeleteFunc(slices.Clone(records), func(r Record) bool { return r.Type != typ })
}

// Newest returns the record of a type with the highest version. The order of records does not
// matter.
func Newest(records []Record, typ string) (Record, bool) {
	return newest(records, func(r Record) bool { return r.Type == typ })
}

// Active returns the ACTIVE record of a type. Salesforce keeps exactly one; should it show two, the
// newer one encrypts.
func Active(records []Record, typ string) (Record, bool) {
	return newest(records, func(r Record) bool { return r.Type == typ && r.Status == StatusActive })
}

// Current returns the record that stands for a type: the ACTIVE one, else the newest one if that is
// a cache-only key, which Salesforce itself sets to DESTROYED while its callouts fail.
func Current(records []Record, typ string) (Record, bool) {
	if active, ok := Active(records, typ); ok {
		return active, true
	}
	last, ok := Newest(records, typ)

	return last, ok && last.Source == SourceRemote
}

func newest(records []Record, wanted func(Record) bool) (Record, bool) {
	var found Record
	ok := false
	for _, r := range records {
		if wanted(r) && (!ok || r.Version > found.Version) {
			found, ok = r, true
		}
	}

	return found, ok
}

// Find returns the record of an id of 15 or 18 characters.
func Find(records []Record, id string) (Record, bool) {
	i := slices.IndexFunc(records, func(r Record) bool { return r.Is(id) })
	if i < 0 {
		return Record{}, false
	}

	return records[i], true
}

// Counted returns how many records of a type Salesforce's cap counts: ACTIVE and ARCHIVED ones, but
// none of Database keys [D Help ts_types], nor of data encryption keys, for which no cap is known.
func Counted(records []Record, typ string) int {
	if typ == TypeDatabase || typ == TypeDataKey {
		return 0
	}
	n := 0
	for _, r := range records {
		if r.Type == typ && (r.Status == StatusActive || r.Status == StatusArchived) {
			n++
		}
	}

	return n
}
