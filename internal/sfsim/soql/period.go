package soql

import (
	"strings"
	"time"
)

// maxPeriods bounds the n of LAST_N_DAYS:n and its kin, so that no date
// leaves the range that Salesforce's own dates have.
const maxPeriods = 40_000

// period is a date literal: a span of whole days relative to now [D]. Fiscal
// quarters and years are taken to start in January, as a new org's do.
type period struct {
	name string // upper case
	n    int
}

// units are the calendar units that period names are made of.
var units = map[string]unit{
	"DAY": day, "WEEK": week, "MONTH": month, "QUARTER": quarter, "YEAR": year,
	"FISCAL_QUARTER": quarter, "FISCAL_YEAR": year,
}

type unit int

const (
	day unit = iota
	week
	month
	quarter
	year
)

// parts splits a name such as LAST_N_MONTHS into its direction, its unit and
// whether it takes a number.
func (p period) parts() (direction string, u unit, numbered, ok bool) {
	switch p.name {
	case "YESTERDAY":
		return "LAST", day, false, true
	case "TODAY":
		return "THIS", day, false, true
	case "TOMORROW":
		return "NEXT", day, false, true
	case "LAST_90_DAYS", "NEXT_90_DAYS":
		return p.name[:4] + "_N", day, false, true
	}
	if inner, found := strings.CutPrefix(p.name, "N_"); found {
		if plural, found := strings.CutSuffix(inner, "S_AGO"); found {
			u, ok = units[plural]
			return "AGO", u, true, ok
		}
		return "", 0, false, false
	}
	direction, rest, found := strings.Cut(p.name, "_")
	if !found || direction != "LAST" && direction != "THIS" && direction != "NEXT" {
		return "", 0, false, false
	}
	if plural, found := strings.CutPrefix(rest, "N_"); found && direction != "THIS" {
		singular, isPlural := strings.CutSuffix(plural, "S")
		u, ok = units[singular]
		return direction + "_N", u, true, ok && isPlural
	}
	u, ok = units[rest]
	return direction, u, false, ok && u != day
}

func isPeriod(name string) bool {
	_, _, _, ok := period{name: strings.ToUpper(name)}.parts()
	return ok
}

func (p period) takesNumber() bool {
	_, _, numbered, _ := p.parts()
	return numbered
}

// span returns the first instant of the period and the first one after it.
// LAST_N_DAYS counts today in; every other LAST_N and every NEXT_N leaves the
// current unit out [D].
func (p period) span(now time.Time) (start, end time.Time) {
	direction, u, _, _ := p.parts()
	n := p.n
	if strings.HasSuffix(p.name, "_90_DAYS") {
		n = 90
	}
	switch direction {
	case "LAST":
		return u.start(now, -1), u.start(now, 0)
	case "NEXT":
		return u.start(now, 1), u.start(now, 2)
	case "AGO":
		return u.start(now, -n), u.start(now, 1-n)
	case "LAST_N":
		if u == day {
			return u.start(now, -n), u.start(now, 1)
		}
		return u.start(now, -n), u.start(now, 0)
	case "NEXT_N":
		return u.start(now, 1), u.start(now, n+1)
	}
	return u.start(now, 0), u.start(now, 1)
}

// start returns the start of the unit that lies n units after the one of at.
// Weeks begin on Sunday, as in an org of the English (United States) locale.
func (u unit) start(at time.Time, n int) time.Time {
	y, m, d := at.UTC().Date()
	switch u {
	case day:
		d += n
	case week:
		d += 7*n - int(at.UTC().Weekday())
	case month:
		m, d = m+time.Month(n), 1
	case quarter:
		m, d = m-(m-1)%3+time.Month(3*n), 1
	case year:
		y, m, d = y+n, time.January, 1
	}
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}
