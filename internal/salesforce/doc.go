// Package salesforce is a client of the Salesforce REST, Tooling and Metadata
// APIs, as far as Shield Platform Encryption needs them: tenant secrets,
// wrapping certificates, the organization, and what surrounds them.
//
// # What it promises
//
//   - A write that creates, destroys or restores a key is sent at most once. It
//     is repeated only if it is certain that Salesforce did not apply the
//     first one; every other failure is an [OutcomeUnknownError], and the caller
//     looks before it acts again. sObject REST has no idempotency key
//     [D ui_api_features_records_idempotent: UI API only].
//   - Reads are repeated with jitter and Retry-After, within bounds.
//   - The access token goes only to the host that issued it or to the
//     instance_url that came with it; redirects are never followed.
//   - Neither errors nor events hold request bodies, reply bodies, queries,
//     tokens or OAuth credentials.
//   - Concurrency towards the org is bounded, and an exhausted request limit
//     stops the whole client.
//
// # Provenance of the facts
//
// Comments name the source of each Salesforce fact by a tag: [D x] is
// documented by Salesforce in x, [V] by a vendor of key managers, [C] was seen
// in public code, [I] is inferred, [R] recalled and [U] unknown. ObjRef is the
// Object Reference; ShieldREST the Shield Platform Encryption REST API guide;
// CertTooling and CertMeta the pages of Certificate in the Tooling and the
// Metadata API.
package salesforce
