package keys

import (
	"strings"
	"time"
)

// KeyCap is the highest number of ACTIVE and ARCHIVED records of one type, Salesforce's and
// uploaded ones together; DESTROYED ones do not count [D Help upload_your_byok_key_material; V
// ThalesDoc].
const KeyCap = 50

const day = 24 * time.Hour

// interval holds how long Salesforce makes wait between two keys of a type [D securityImplGuide
// security_pe_rotate_keys]. Developer Edition counts as production [D Help
// security_shield_pe_byok].
type interval struct{ production, sandbox time.Duration }

// intervals is keyed by the API value of Type. Database keys live at least three months [D]; the
// month is taken as 30 days because no text says more.
var intervals = map[string]interval{
	"Data":              {production: day, sandbox: 4 * time.Hour},
	"Analytics":         {production: day, sandbox: 4 * time.Hour},
	"DeterministicData": {production: 7 * day, sandbox: 4 * time.Hour},
	"EventBus":          {production: 7 * day, sandbox: 7 * day},
	"SearchIndex":       {production: 7 * day, sandbox: 7 * day},
	"Database":          {production: 90 * day, sandbox: 90 * day},
	"DataEncryptionKey": {production: time.Hour, sandbox: time.Hour},
}

// Interval returns the time that Salesforce documents between two keys of a type, and false where
// none is documented.
func Interval(typ string, sandbox bool) (time.Duration, bool) {
	i, ok := intervals[typ]
	if sandbox {
		return i.sandbox, ok
	}

	return i.production, ok
}

// NextAllowed returns the instant from which Salesforce accepts the next key of a type, whose
// newest record was created at newest. It is false for a type without a documented interval.
func NextAllowed(typ string, sandbox bool, newest time.Time) (time.Time, bool) {
	wait, ok := Interval(typ, sandbox)
	if !ok || newest.IsZero() {
		return time.Time{}, false
	}

	return newest.Add(wait), true
}

// Due returns the instant at which a record created at created reaches an age of days.
func Due(created time.Time, days int64) time.Time { return created.UTC().AddDate(0, 0, int(days)) }

// AgeDays returns the number of whole days between created and now; a clock that runs behind gives
// 0.
func AgeDays(created, now time.Time) int64 {
	if created.IsZero() || now.Before(created) {
		return 0
	}

	return int64(now.Sub(created) / day)
}

// MissingPrerequisite says in words which ACTIVE key must exist before one of the given type or
// source can be made, and "" if nothing is missing. active reports whether a type has an ACTIVE
// record.
//
// Sources: EventBus needs Data or DeterministicData [D platform events guide]; DeterministicData
// needs Data [D Help security_pe_ui_setup]; a cache-only key needs Data [D].
func MissingPrerequisite(typ, source string, active func(typ string) bool) string {
	switch {
	case typ == "DeterministicData" && !active("Data"):
		return "a DeterministicData key needs an ACTIVE Data key first"
	case typ == "EventBus" && !active("Data") && !active("DeterministicData"):
		return "an EventBus key needs an ACTIVE Data or DeterministicData key first"
	case strings.EqualFold(source, "REMOTE") && !active("Data"):
		return "a cache-only key needs an ACTIVE Data key first"
	default:
		return ""
	}
}
