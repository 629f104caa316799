// Package upload carries out one rotation: it turns key material into the ACTIVE record of a type,
// exactly once per rotation id, whatever breaks on the way. It knows nothing of Terraform, and
// decides nothing by itself: package keys judges.
//
// Salesforce has no idempotency key for this call [D ui_api_features_records_idempotent: UI API
// records only], and a second POST rotates an org a second time. So the order of steps is the
// protocol:
//
//  1. Read the records of the type, for this decision, and ask keys.Judge. If one of them is this
//     rotation's, adopt it and send nothing. If the answer is another than the plan has announced,
//     stop.
//  2. Find the wrapping certificate, and compare its bytes with the pins and with the plan.
//  3. Take or generate the material; check its hash against the pin and against every record of the
//     org.
//  4. Escrow: encrypt the material to the age recipients and, with a directory, make the copy and
//     the intent to send durable. From here on the material can be recovered, so a key that
//     Salesforce has accepted is never one that nobody holds.
//  5. Wrap, POST once. After an answer that leaves the outcome open, look for the hash or the
//     marker, patiently, and never POST again. After a refusal look once too: something else than
//     Salesforce may have spoken.
//  6. Read back and compare hash, Source and Status.
//
// Run returns an error only if no new record is known to exist. Once Salesforce has said 201, or
// the record was found, everything that can still go wrong is a warning, because Terraform would
// taint a resource that is created with an error.
package upload
