// Package conformance holds what the provider takes for granted of Salesforce, as facts that can be checked: over HTTP alone, with a
// client of its own that knows neither the provider's client nor its cryptography.
//
// TestConformance checks every fact on the simulator. TestLiveConformance checks the same facts on a real org, so that what is
// only inferred or recalled becomes known: it runs with TF_ACC=1 (`make testacc-live`), on the org of SALESFORCE_INSTANCE_URL, with
// SALESFORCE_ACCESS_TOKEN, or SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET, or SALESFORCE_CLIENT_ID, SALESFORCE_USERNAME,
// SALESFORCE_PRIVATE_KEY and SALESFORCE_LOGIN_URL.
//
// Without more it only reads. These variables allow more:
//
//	SALESFORCE_LIVE_ROTATIONS     how many tenant secrets may be made; each archives the ACTIVE one of type Data
//	SALESFORCE_LIVE_CERTIFICATE   the BYOK-compatible certificate to wrap with, and leave to upload keys
//	SALESFORCE_LIVE_DEPLOY        1: a certificate may be deployed, and deleted again
//	SALESFORCE_LIVE_DESTROY       1: a key of this suite's own may be destroyed and restored, in a sandbox only
//	SALESFORCE_LIVE_REPORT        where the outcome is written, as JSON, and as Markdown beside it; default bin/conformance.json
//
// The guide "What is known of Salesforce" lists the facts; `go test ./internal/conformance -run TestGuide -update` renews it.
package conformance
