package byok

import (
	"errors"
	"fmt"
	"strings"
)

// CheckWrapped checks material that was wrapped elsewhere before its algorithm and certificate are
// known: canonical standard base64 of a length that some algorithm gives under a 4096-bit key.
func CheckWrapped(s string) error {
	b, err := strictBase64(s)
	if err != nil {
		return fmt.Errorf("wrapped key material %w", err)
	}
	var lengths []string
	for _, a := range WrappingAlgorithms() {
		size := a.CiphertextSize(WrappingKeyBits)
		if len(b) == size {
			_, err := ParseWrapped(a, nil, s)
			return err
		}
		lengths = append(lengths, fmt.Sprintf("%d bytes for %s", size, a))
	}
	return fmt.Errorf("wrapped key material is %d bytes, expected under a %d-bit key %s%s", len(b), WrappingKeyBits,
		strings.Join(lengths, ", "), sizeHint(len(b)))
}

// CheckExport checks the form of a tenant secret's exported SecretValue, which only Salesforce can
// read: canonical standard base64 that is not empty.
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
