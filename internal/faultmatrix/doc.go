// Package faultmatrix proves, with nothing but tests, that a key is neither lost nor made twice:
// every request of every operation is struck by every fault that a network, an edge, Salesforce or
// a killed process can cause, over the real CLI. Processes are those of the built provider if
// one is killed; elsewhere the test's process serves the provider, which takes half the time.
//
// Each row judges the requests that were sent, not only what came of them: a second POST without a
// look in between fails the row even if Salesforce would refuse it, and so does a POST whose
// escrow copy is not on the disk when it arrives. After at most one more apply the org must have
// exactly the keys that were asked for, the state must know them, the escrow copy must open to the
// key that the org uses, the receipts must be a whole chain with that of the state, and the plan
// must be empty. Keys are destroyed and restored only while the state holds an export.
//
// The directory of the receipts is struck too: full, read-only, locked and so on. Before a write
// that sends nothing; after it nothing is lost but a file, and that shows.
//
//	go test ./internal/faultmatrix -run FaultMatrix -v
//
// prints the matrix; MATRIX.md is its last committed outcome, and -update writes it again. A short
// run leaves it out.
package faultmatrix
