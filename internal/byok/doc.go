// Package byok is the cryptography of bringing one's own key to Salesforce Shield Platform
// Encryption: it makes the 32 bytes of a tenant secret, hashes and wraps them for upload, and
// builds the JWE of a cache-only key. It knows nothing of HTTP or Terraform.
//
// # What is protected, and from whom
//
// The material must be readable only by Salesforce's key management (through the wrapping
// certificate) and by the holders of the escrow identities. It exists in this process for the
// length of one upload, as a [secret.Bytes] that nothing can print. Whoever can read this process's
// memory can read it: the package overwrites what it made, and promises no more, since the Go
// runtime may hold copies.
//
// Nothing here authenticates Salesforce. A certificate counts as Salesforce's because the client
// fetched it over TLS from the org; this package checks that it is fit for wrapping, not who made
// it.
//
// # Choices
//
// There are no options if only one value is right: material is 32 bytes, OAEP's label is empty and
// its MGF1 uses the same hash. Text that comes from outside is parsed strictly: what is not exactly
// the canonical form is refused, with an error that says what was expected and what kind of thing
// came, and that repeats no secret.
//
// # FIPS 140-3
//
// Under GODEBUG=fips140=only the SHA-1 algorithms are refused with the reason
// ([WrappingAlgorithm.Usable], [CacheOnlyJWE]), and all else works.
package byok
