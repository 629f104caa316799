// Package conformance holds what the provider takes for granted of Salesforce, as facts, and what
// it promises its users of a real org, as behaviours.
//
// Facts are checked over HTTP alone, with a client that knows neither the provider's client nor its
// cryptography. Behaviours are checked with the built provider under the real CLI, and judged by
// what that client then finds in the org.
//
// TestConformance checks every fact on a simulator of its own. TestLive checks facts and behaviours
// on a real org, so that what is only inferred or recalled becomes known. It runs with TF_ACC=1
// (`make testacc-live`), on the org of SALESFORCE_INSTANCE_URL, with SALESFORCE_ACCESS_TOKEN, or
// SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET, or SALESFORCE_CLIENT_ID, SALESFORCE_USERNAME,
// SALESFORCE_PRIVATE_KEY and SALESFORCE_LOGIN_URL. TestTheLiveSuite and its variants run TestLive
// against a simulator that it takes for a real org.
//
// A run first says what it will do, step by step, and writes its record as it goes, so that one
// that dies leaves a true one. These variables say how far it may go:
//
//	SALESFORCE_LIVE_ORGANIZATION_ID  the id of the org that the run is meant for; any other is left alone
//	SALESFORCE_LIVE_PRODUCTION       1: that org may be a production org
//	SALESFORCE_LIVE_DRY_RUN          1: the plan is printed, and nothing is sent
//	SALESFORCE_LIVE_ONLY             a regular expression: only facts and behaviours of such names
//	SALESFORCE_LIVE_ROTATIONS        how many tenant secrets may be made; each archives the ACTIVE one of its type. Default 0
//	SALESFORCE_LIVE_TYPES            of which types; default Analytics,DeterministicData,Data. EventBus may be named too
//	SALESFORCE_LIVE_CERTIFICATE      the BYOK-compatible certificate to wrap with
//	SALESFORCE_LIVE_API_CALLS        how many API calls may be used, as the org counts them; default 5000
//	SALESFORCE_LIVE_DEPLOY           1: a certificate may be deployed, and deleted again
//	SALESFORCE_LIVE_DESTROY          1: a key that this suite uploaded may be destroyed and restored, in a sandbox only
//	SALESFORCE_LIVE_REPORT           where the record is written, as JSON, and as Markdown beside it; default bin/live.json
//
// TF_ACC_PROVIDER_DIR names the directory of a built provider, such as a release's; without it the
// run builds one.
//
// The guide "What is known of Salesforce" lists facts and behaviours; `go test
// ./internal/conformance -run TestGuide -update` renews it.
package conformance
