// Package keys holds the rules about the keys of an org, each once: what asks for a new key, which
// record answers it, which certificate may wrap it, what can become of a record, and Salesforce's
// limits. A plan and its apply ask the same functions, so that the plan says what the apply will
// do.
//
// The package is pure: no clock, no network, no files, no Terraform. Everything in it is a function
// of what is configured, what an earlier apply has stored and what a reading of the org shows.
//
// The vocabulary:
//
//   - A lineage is the sequence of keys that one resource has made or adopted for one type.
//   - A rotation id names one intended rotation: eight hex digits over the org and the inputs that
//     mean "a new key", a dot, and a counter that every rotation raises. It never returns within a
//     lineage.
//   - The marker is the rotation id as it travels in the record's Description, "[tf:<rotation
//     id>]". Salesforce has no idempotency key for the upload of a key; the marker says that an
//     upload may have happened. Anyone who may edit a Description can write one, so it proves
//     nothing without evidence.
package keys
