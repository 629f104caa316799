// Package escrow keeps copies of tenant secrets for the people who must be able to open them without Salesforce: the 32
// bytes of a key, encrypted with age to public keys that the configuration names.
//
// # What a copy guarantees
//
// A copy is one armored age file. Its payload is the raw 32 bytes and nothing else, so that plain `age --decrypt` gives
// back the key, without this program and in twenty years. It is ciphertext: state, a directory and a receipt may hold
// it. Who holds the identities holds the key, and nobody else does; this package never sees an identity, except in
// [Open], which tests and drills use.
//
// # What a directory guarantees
//
// A [Directory] stores each copy under a name that says which org, type, rotation and key it is for. A copy is on disk,
// flushed with its directory entry, before [Directory.Write] returns, and so before the key is sent to Salesforce. A run
// killed at any point leaves the whole file or none. No file is overwritten, and symbolic links are not followed.
//
// # What is not guaranteed
//
// Whoever may write to the directory can delete a copy. Keep the directory, or what is copied from it, under controls of
// its own.
//
// # FIPS 140-3
//
// The age format has no algorithms from the approved list. Under GODEBUG=fips140=only escrow therefore runs outside the
// enforcement of the Go Cryptographic Module, and [FIPSNotice] says so in words for the operator.
package escrow
