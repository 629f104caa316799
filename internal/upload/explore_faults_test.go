//go:build !race

package upload_test

// mostFaults is how many things go wrong in a story of the exploration.
const mostFaults = 2
