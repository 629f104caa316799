package main

import (
	"bytes"
	"crypto/aes"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // RSA_OAEP_SHA1 is one of the two that Salesforce accepts
	"crypto/sha256"
	_ "crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"
)

// rehearse wraps and digests a throwaway key for a wrapping key of this process, and opens it as
// Salesforce would.
func rehearse(t *token, how algorithm) error {
	private, err := rsa.GenerateKey(rand.Reader, modulusBits)
	if err != nil {
		return err
	}
	key, err := t.generate("", throwaway)
	if err != nil {
		return err
	}
	wrapped, err := t.wrap(key, &private.PublicKey, how)
	if err != nil {
		return err
	}
	hash, err := t.digest(key)
	if err != nil {
		return err
	}
	opened, err := unwrap(private, how, wrapped)
	if err != nil {
		return fmt.Errorf("what the token wrapped does not open: %w", err)
	}
	if sum := sha256.Sum256(opened); len(opened) != keySize || !bytes.Equal(sum[:], hash) {
		return errors.New("the token's digest is not the SHA-256 of the 32 bytes that it wrapped")
	}
	return t.destroy(key)
}

// unwrap is the other side: OAEP with an empty label, MGF1 with the same hash, and RFC 5649 inside
// for RSA_AES_KEY_WRAP_SHA512.
func unwrap(private *rsa.PrivateKey, how algorithm, wrapped []byte) ([]byte, error) {
	size := private.Size()
	if len(wrapped) < size {
		return nil, fmt.Errorf("%d bytes are shorter than the modulus", len(wrapped))
	}
	opened, err := rsa.DecryptOAEP(how.opens.New(), nil, private, wrapped[:size], nil)
	if err != nil {
		return nil, err
	}
	if how.aes {
		return unwrapKWP(opened, wrapped[size:])
	}
	if len(wrapped) != size {
		return nil, fmt.Errorf("%d bytes are longer than the modulus", len(wrapped))
	}
	return opened, nil
}

// kwpIV begins the integrity value of RFC 5649, 3; the length of the key in bytes follows it.
const kwpIV = 0xA65959A6

// unwrapKWP is the unwrapping of RFC 5649, 4.2, for keys of more than 8 bytes.
func unwrapKWP(kek, wrapped []byte) ([]byte, error) {
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, err
	}
	n := len(wrapped)/8 - 1
	if len(wrapped)%8 != 0 || n < 2 {
		return nil, fmt.Errorf("%d bytes are no wrapped key", len(wrapped))
	}
	r := bytes.Clone(wrapped)
	var b [16]byte
	copy(b[:8], r[:8])
	for j := 5; j >= 0; j-- {
		for i := n; i >= 1; i-- {
			//nolint:gosec // a small positive number
			binary.BigEndian.PutUint64(b[:8], binary.BigEndian.Uint64(b[:8])^uint64(n*j+i))
			copy(b[8:], r[8*i:8*i+8])
			block.Decrypt(b[:], b[:])
			copy(r[8*i:], b[8:])
		}
	}
	length := int(binary.BigEndian.Uint32(b[4:8]))
	padding := 8*n - length
	if binary.BigEndian.Uint32(b[:4]) != kwpIV || padding < 0 || padding > 7 ||
		!bytes.Equal(r[len(r)-padding:], make([]byte, padding)) {
		return nil, errors.New("the integrity value is wrong")
	}
	return r[8 : 8+length], nil
}
