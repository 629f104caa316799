// Package pluginserver serves a provider of the plugin framework, and holds all that is done around
// the framework for the sake of speed and memory. Nothing here is about Salesforce.
//
// Each piece had to earn its place. Measured was a plan over 300 tenant_secret_version, 6
// tenant_secret and 2 certificate resources with Terraform 1.11 and framework 1.19, the built
// provider against the same one without the piece, in turns; the figures are medians of 7 to 13
// pairs of processor time of CLI and provider together, and of the provider's peak resident memory.
// A piece that saves less than 8 % of the time and less than 8 MB is not here.
//
//	piece                                     what the plan costs without it
//	Unchanged.Plan                            29 % more time
//	Unchanged.Read                            11 % more time
//	Unchanged, both                           31 % more time
//	the context of a request (Server)         the same time, 20 MB more (58 instead of 38)
//	SilenceLogs                               20 to 30 % more time
//
// SetRows is about long lists instead: by State.Set, 5,000 rows of two attributes take 15 times its
// time and allocate 88 MB instead of 10 (BenchmarkRows), and the log of a busy org has 70,000 rows.
//
// With what is left the plan takes 0.81 of the processor time, and 0.70 of the time, of the same
// plan of as many tls_private_key resources of hashicorp/terraform-provider-tls (11 pairs on a busy
// machine).
//
// Why they help:
//
//   - [Unchanged]: a state holds hundreds of old keys that never change. The framework walks schema
//     and values of each several times, with reflection, for a refresh and a plan that end as they
//     began. Unchanged compares the few values that count, and leaves all else to the framework; it
//     says nothing and changes nothing.
//   - The request context: the framework's server keeps the context of every request until the
//     process stops, so it can cancel all of them, and each context holds its loggers. Each request
//     that comes once per resource gets a context here that is emptied when it is answered. Work
//     that outlives its request must therefore take its context from detach.From, which keeps the
//     values: the shared readings of inventory and the shared login do.
//   - [SetRows]: the framework walks each value of a state several times, with a path and a look at
//     the schema for each. A long list is made row by row in the form in which it is sent, and goes
//     into the answer that the framework has made without it.
//   - [SilenceLogs]: the plugin libraries write a trace of every call for the CLI, which parses
//     each line and drops it.
//
// What did not earn its place and went: a second short way inside the resource (2 to 4 % less time
// without it), the collector's tuning (5 to 10 % of the time, for 5 MB more), gRPC without its
// tracing pages (no difference; 0.4 MB of the binary), and regular expressions that were compiled
// on their first use (no difference).
//
// [Server] has a second task, which costs nothing: it is the one place that every diagnostic
// passes, so that hooks can add a warning once per run, and take line ends and control characters
// out of texts that an org controls.
package pluginserver
