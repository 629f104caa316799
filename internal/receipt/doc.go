// Package receipt is the evidence of everything that this provider writes: one JSON document for
// each write, which says who wrote what, why, with which key and certificate, who approved it, and
// what came of it. It holds no secret.
//
// # Form
//
// A [Receipt] is written as RFC 8785 canonical JSON, so its SHA-256 is that of its text,
// whoever computes it. schema/receipt.schema.json is its schema, which the guide on evidence shows.
// Names of fields are never changed: old states hold receipts that users decode.
//
// # Chains
//
// `previous` is the SHA-256 of the receipt before it: of the same resource in state, so that a gap
// shows. A [Directory] keeps receipts of many resources as files, each in an envelope with a
// `sequence` and a `previous` of its own, the SHA-256 of the file before it.
//
// A chain shows what was lost or changed by accident. Whoever can rewrite all of it can make
// another that fits: against them, keep or sign its head elsewhere, such as in the pipeline's own
// log.
package receipt
