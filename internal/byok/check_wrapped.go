package byok

// CheckWrapped checks material that was wrapped elsewhere before its algorithm and certificate are known: canonical
// standard base64 of a length that some algorithm gives under a 4096-bit key.
func CheckWrapped(s string) error {
	var first error
	for _, a := range WrappingAlgorithms() {
		_, err := ParseWrapped(a, nil, s)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}
