//go:build race

package upload_test

// mostFaults is one under the race detector, which makes cryptography slow: a data race needs no
// second fault.
const mostFaults = 1
