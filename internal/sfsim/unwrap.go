package sfsim

import (
	"bytes"
	"crypto/aes"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha512"
	"encoding/binary"
	"errors"
)

// Names of the ways in which a client may wrap a tenant secret.
const (
	wrappedOAEPSHA512 = "RSA_OAEP_SHA512"
	wrappedOAEPSHA1   = "RSA_OAEP_SHA1"
	wrappedCKM        = "RSA_AES_KEY_WRAP_SHA512"
)

var errUnwrap = errors.New("the secret does not decrypt under the certificate's private key")

// unwrap opens a wrapped tenant secret and reports how it was wrapped: OAEP with SHA-512 or SHA-1,
// MGF1 with the same hash and an empty label, or CKM_RSA_AES_KEY_WRAP, which is an OAEP-SHA-512
// wrapped AES-256 key followed by an AES key wrap with padding (RFC 5649) of the secret.
func unwrap(key *rsa.PrivateKey, wrapped []byte) (material []byte, how string, err error) {
	size := key.Size()
	switch {
	case len(wrapped) == size:
		if material, err = rsa.DecryptOAEP(sha512.New(), nil, key, wrapped, nil); err == nil {
			return material, wrappedOAEPSHA512, nil
		}
		if material, err = rsa.DecryptOAEP(sha1.New(), nil, key, wrapped, nil); err == nil {
			return material, wrappedOAEPSHA1, nil
		}
		return nil, "", errUnwrap
	case len(wrapped) > size:
		kek, err := rsa.DecryptOAEP(sha512.New(), nil, key, wrapped[:size], nil)
		if err != nil || len(kek) != 32 {
			return nil, "", errUnwrap
		}
		material, err := unwrapKWP(kek, wrapped[size:])
		if err != nil {
			return nil, "", errUnwrap
		}
		return material, wrappedCKM, nil
	default:
		return nil, "", errUnwrap
	}
}

// unwrapKWP is the decryption of RFC 5649, AES Key Wrap with Padding.
func unwrapKWP(kek, wrapped []byte) ([]byte, error) {
	if len(wrapped) < 16 || len(wrapped)%8 != 0 || len(wrapped) > 1<<16 {
		return nil, errUnwrap
	}
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, errUnwrap
	}
	n := len(wrapped)/8 - 1
	work := bytes.Clone(wrapped)
	if n == 1 {
		block.Decrypt(work, work)
	} else {
		var half [16]byte
		for step := 6 * n; step >= 1; step-- {
			i := (step-1)%n + 1
			register := work[8*i : 8*i+8]
			binary.BigEndian.PutUint64(half[:8], binary.BigEndian.Uint64(work[:8])^uint64(step))
			copy(half[8:], register)
			block.Decrypt(half[:], half[:])
			copy(work[:8], half[:8])
			copy(register, half[8:])
		}
	}
	length := int(binary.BigEndian.Uint32(work[4:8]))
	plain := work[8:]
	if !bytes.Equal(work[:4], []byte{0xA6, 0x59, 0x59, 0xA6}) || length > len(plain) || length <= len(plain)-8 {
		return nil, errUnwrap
	}
	for _, pad := range plain[length:] {
		if pad != 0 {
			return nil, errUnwrap
		}
	}
	return plain[:length], nil
}
