package salesforce

import (
	"fmt"
	"slices"
	"strings"
)

// eventList collects the events of log files. Of a file's text it keeps nothing
// but these, so that a few rows of each of many large files do not hold them all.
type eventList struct {
	// most is how many events there may be in the end.
	most int
	rows []listedEvent
	// texts and ids are what many events have in common; an id of 15 characters
	// leads to its 18.
	texts, ids map[string]string
}

// listedEvent is an event and the number of its file, in the order of reading.
type listedEvent struct {
	EncryptionEvent

	file int
}

// add takes an event over from a file.
func (l *eventList) add(file int, e EncryptionEvent) error {
	if len(l.rows) >= 2*l.most {
		if err := l.settle(); err != nil {
			return err
		}
	}
	if l.texts == nil {
		l.texts, l.ids = map[string]string{}, map[string]string{}
	}
	for _, text := range []*string{&e.Action, &e.KeyType, &e.ClientIP, &e.Method} {
		*text = shared(l.texts, *text, strings.Clone)
	}
	for _, id := range []*string{&e.KeyID, &e.UserID} {
		*id = shared(l.ids, *id, longID)
	}
	e.RequestID, e.Unreadable = strings.Clone(e.RequestID), strings.Clone(e.Unreadable)
	l.rows = append(l.rows, listedEvent{e, file})
	return nil
}

// shared returns the one copy of what a text is made into.
func shared(all map[string]string, text string, into func(string) string) string {
	one, known := all[text]
	if !known {
		one = strings.Clone(into(text))
		all[strings.Clone(text)] = one
	}
	return one
}

// settle sorts the events by time and leaves out what an earlier file has too:
// hourly and daily files may both cover an event. Like rows of one file are so
// many events.
func (l *eventList) settle() error {
	slices.SortStableFunc(l.rows, func(a, b listedEvent) int { return a.Time.Compare(b.Time) })
	kept := l.rows[:0]
	for from, until := 0, 0; from < len(l.rows); from = until {
		at := l.rows[from].Time
		for until = from; until < len(l.rows) && l.rows[until].Time.Equal(at); until++ {
		}
		kept = append(kept, onceOfAll(l.rows[from:until])...)
	}
	clear(l.rows[len(kept):])
	l.rows = kept
	if len(kept) > l.most {
		return fmt.Errorf("more than %d encryption events match: ask for a shorter time, or for one action, key or user",
			l.most)
	}
	return nil
}

// onceOfAll leaves out of the events of one instant, in the order of their
// files, what an earlier file has too.
func onceOfAll(instant []listedEvent) []listedEvent {
	if instant[0].file == instant[len(instant)-1].file {
		return instant
	}
	first := map[EncryptionEvent]int{}
	return slices.DeleteFunc(instant, func(e listedEvent) bool {
		file, known := first[e.EncryptionEvent]
		if !known {
			first[e.EncryptionEvent] = e.file
		}
		return known && file != e.file
	})
}

// events returns the events, oldest first; those without a readable time come
// before.
func (l *eventList) events() ([]EncryptionEvent, error) {
	if err := l.settle(); err != nil {
		return nil, err
	}
	events := make([]EncryptionEvent, len(l.rows))
	for i := range l.rows {
		events[i] = l.rows[i].EncryptionEvent
	}
	return events, nil
}
