// Package escrow keeps copies of tenant secrets for the people who must be able to open them
// without Salesforce: the 32 bytes of a key, encrypted with age to public keys that the
// configuration names.
//
// # What a copy guarantees
//
// A copy is one armored age file. Its payload is the raw 32 bytes and nothing else, so plain
// `age --decrypt` gives back the key, without this program and in twenty years. It is ciphertext:
// state and a directory may hold it. Who holds the identities holds the key, and nobody else does;
// this package never sees an identity, except in [Open], which tests and drills use.
//
// A [Plan] is a list of recipients, any one of whom opens the copy, or groups of them, for dual
// control: each group is a layer of age around the one before it, and `age -d -i last | age -d -i
// first` opens two. A recipient stands in one group, and all are classic or all post-quantum.
//
// # What a directory guarantees
//
// A [Directory] stores each copy under a name that says which org, type, rotation and key it is
// for. A copy is on disk, flushed with its directory entry, before [Directory.Keep] returns, and so
// before the key is sent to Salesforce. A run killed at any point leaves the whole file or none. No
// copy is overwritten or deleted, and symbolic links are not followed.
//
// Beside the copies lies one intent file for each rotation. It records, before the copy is written,
// the key's full hash and the copy's SHA-256 and recipients, and before the key is sent, that it
// will be. A later run knows by it which key of the org is its own, which file is its copy, and
// which copies are of keys that were never sent. A file under the name of a copy that no intent
// records is not taken for it, unless it is of a provider version that wrote none: then it must
// have the form that the configured recipients give.
//
// # What is not guaranteed
//
// An age file does not show for whom it is, and whoever may write to the directory can delete a
// copy, or plant one with an intent that records it. Keep the directory, or what is copied from it,
// under controls of its own.
//
// # FIPS 140-3
//
// The age format has no algorithms from the approved list. Under GODEBUG=fips140=only escrow
// therefore runs outside the enforcement of the Go Cryptographic Module, and [FIPSNotice] says so
// in words for the operator.
package escrow
