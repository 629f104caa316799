// Package lineage holds the rules by which one Terraform resource stays the owner of "the key of one type in one org" while Salesforce
// replaces the record behind it at every rotation. It is pure: no clock, no network, no Terraform. Everything in it is a function of
// what is configured, what was stored by an earlier apply and what the last refresh saw, so that a plan made twice is the same plan.
//
// The vocabulary:
//
//   - A lineage is the sequence of keys that one resource has made or adopted for one type.
//   - A rotation id names one intended rotation: eight hex digits over the inputs that mean "a new key", a dot, and a counter that
//     every rotation raises. It never returns within a lineage.
//   - The marker is the rotation id as it travels in the record's Description, "[tf:<rotation id>]". It is what makes a POST without
//     an idempotency key repeatable: whoever finds the marker in the org knows that the upload has happened.
package lineage
