// Package upload carries out one rotation: it turns key material into the ACTIVE record of a type, exactly once per rotation id,
// whatever breaks on the way. It knows nothing of Terraform.
//
// Salesforce has no idempotency key for this call [D ui_api_features_records_idempotent: UI API records only], and a second POST
// rotates an org a second time. So the order of steps is the protocol:
//
//  1. Reconcile: read the newest record of the type. If it carries this rotation's marker, or the pinned hash, the upload has happened
//     before: adopt it and send nothing.
//  2. Check the wrapping certificate, by its row and by the X.509 certificate itself.
//  3. Take or generate the material; check its hash against the pin and against every record of the org.
//  4. Escrow: encrypt the material to the age recipients and, with a directory, make the file durable. From here on the material can
//     be had again, so that a key that Salesforce has accepted is never one that nobody holds.
//  5. Wrap, POST once. After an answer that does not tell whether the record was made, look for the marker or the hash, patiently,
//     and never POST again.
//  6. Read back and compare hash, Source and Status.
//
// Run returns an error only where no new record is known to exist. Once Salesforce has said 201, or the record was found, everything
// that can still go wrong is a warning, because Terraform would taint a resource that is created with an error.
package upload
