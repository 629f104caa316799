package byok

import "crypto/fips140"

// FIPSMode says how the Go Cryptographic Module runs, by GODEBUG=fips140 or the build's default:
// "off", "on" (approved implementations are used, others remain available) or "only" (others are
// refused).
func FIPSMode() string {
	switch {
	case fips140.Enforced():
		return "only"
	case fips140.Enabled():
		return "on"
	default:
		return "off"
	}
}
