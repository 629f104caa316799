package keys

import (
	"strconv"
	"strings"
	"time"
)

// Days is a number of whole days as time.
func Days(n int64) time.Duration { return time.Duration(n) * day }

// DaysLeft returns how many whole days are left from now until an instant, rounded down: negative
// once it is past.
func DaysLeft(until, now time.Time) int64 {
	left := until.Sub(now)
	days := int64(left / day)
	if left < 0 && left%day != 0 {
		days--
	}

	return days
}

// RenewalIsDue reports whether a certificate with so many whole days left is to be renewed before
// days of them are left.
func RenewalIsDue(daysLeft, before int64) bool { return daysLeft < before }

// CertificateName returns the unique name of a new certificate: the prefix and the day of now in
// UTC, and a number from 2 if that is taken.
func CertificateName(prefix string, now time.Time, taken func(name string) bool) string {
	base := prefix + "_" + now.UTC().Format("20060102")
	name := base
	for n := 2; taken(name); n++ {
		name = base + "_" + strconv.Itoa(n)
	}

	return name
}

// CertificateUse is who still names a certificate for the material that a key service sends: it
// comes encrypted for that certificate, whose private key is nowhere else.
type CertificateUse struct {
	// Current is a cache-only record that is ACTIVE, or can become so again.
	Current *Record
	// Archived is an ARCHIVED cache-only record, whose data is read with that material.
	Archived *Record
}

// UseOfCertificate looks for the cache-only records that name a certificate, whatever the case. Of
// DESTROYED ones only the newest of a type can come back [D ShieldREST].
func UseOfCertificate(records []Record, name string) CertificateUse {
	var use CertificateUse
	for i, r := range records {
		if r.Source != SourceRemote || !strings.EqualFold(r.RemoteKeyCertificate, name) {
			continue
		}
		last, _ := Newest(records, r.Type)
		switch {
		case r.Status == StatusArchived:
			use.Archived = &records[i]
		case r.Status != StatusDestroyed || r.ID == last.ID:
			use.Current = &records[i]
		}
	}

	return use
}

// Fate is what becomes of a certificate that Terraform lets go of.
type Fate int

// The fates.
const (
	// FateDelete deletes it from the org.
	FateDelete Fate = iota
	// FateForget leaves it in the org.
	FateForget
	// FateRefuse changes nothing.
	FateRefuse
)

// Departure is what decides on the fate of a certificate whose deletion policy is to delete it.
type Departure struct {
	// AllowDestruction reports that the provider block allows to destroy keys.
	AllowDestruction bool
	// Deposed reports that another certificate has taken its place already. Refusing such an object
	// would fail every later plan, and no configuration could help.
	Deposed bool
}

// Fate returns what becomes of a certificate with this use, and the record that decided, nil if
// none did. What only an archived record still names is forgotten: nobody can make it name another
// one.
func (d Departure) Fate(use CertificateUse) (Fate, *Record) {
	switch {
	case use.Current != nil && !d.AllowDestruction && !d.Deposed:
		return FateRefuse, use.Current
	case use.Archived != nil:
		return FateForget, use.Archived
	case use.Current != nil && !d.AllowDestruction:
		return FateForget, use.Current
	default:
		return FateDelete, nil
	}
}
