package byok

import (
	"errors"
	"fmt"
)

// CheckWrapped checks material that was wrapped elsewhere before its algorithm and certificate are known: canonical
// standard base64 of a length that some algorithm gives under a 4096-bit key.
func CheckWrapped(s string) error {
	var first error
	for _, a := range WrappingAlgorithms() {
		_, err := ParseWrapped(a, nil, s)
		if err == nil || errors.Is(err, errUnencrypted) {
			return err
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// CheckExport checks the form of a tenant secret's exported SecretValue, which only Salesforce can read: canonical
// standard base64 that is not empty.
func CheckExport(s string) error {
	b, err := strictBase64(s)
	if err != nil {
		return fmt.Errorf("exported secret value %w", err)
	}
	if len(b) == 0 {
		return errors.New("exported secret value is empty")
	}
	return nil
}
