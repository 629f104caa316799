package provider

import (
	"sync"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// runRecords are what the resources of one run, which is one configuration of the provider, want of
// single records and have done to them. Two blocks may name one record, by its 15 and its 18
// characters: each would undo what the other does, run after run.
type runRecords struct {
	mu   sync.Mutex
	byID map[string]*runRecord
}

type runRecord struct {
	// wanted is the desired_status that was planned first.
	wanted string
	// adopted is set once a create of this run has taken the record over, written once one has changed
	// it.
	adopted, written bool
}

// of returns what is known of a record. The mutex is held.
func (r *runRecords) of(id string) *runRecord {
	if r.byID == nil {
		r.byID = map[string]*runRecord{}
	}
	key := salesforce.IDKey(id)
	if r.byID[key] == nil {
		r.byID[key] = &runRecord{}
	}

	return r.byID[key]
}

// want notes a planned desired_status, and returns another one that was planned for the same record
// before, "" if there is none.
func (r *runRecords) want(id, status string) (other string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	record := r.of(id)
	if record.wanted == "" {
		record.wanted = status
	}
	if record.wanted != status {
		return record.wanted
	}

	return ""
}

// adopt notes that a create has taken the record over.
func (r *runRecords) adopt(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of(id).adopted = true
}

// adopted reports whether a create of this run has taken the record over.
func (r *runRecords) adopted(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()

	return r.of(id).adopted
}

// write notes that the record is about to be changed, and is false if another resource of this run
// has changed it.
func (r *runRecords) write(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	record := r.of(id)
	first := !record.written
	record.written = true

	return first
}
