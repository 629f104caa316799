package sfsim

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
)

// currentRelease numbers the release that a new simulator runs, as exported secrets carry it:
// Summer '21 was 232, and with three releases a year, two apart, Summer '26 (API 67) is 262 [I].
const currentRelease = 262

var errExport = errors.New("the value is not an exported tenant secret of this org")

// exportSecret mints the form in which Salesforce gives a tenant secret away: encrypted by a tenant
// wrapping key of the release, in a protobuf message of release, IV and AES-CBC ciphertext [I,
// decoded from a sample in ThalesDoc].
func (w *world) exportSecret(s *tenantSecret) string {
	release := strconv.Itoa(w.release)
	mac := hmac.New(sha256.New, w.wrappingMaster)
	mac.Write([]byte("iv " + release + " " + s.id))
	if w.settings.ExportsDiffer {
		mac.Write(randomBytes(aes.BlockSize))
	}
	iv := mac.Sum(nil)[:aes.BlockSize]

	pad := aes.BlockSize - len(s.material)%aes.BlockSize
	plain := append(bytes.Clone(s.material), bytes.Repeat([]byte{byte(pad)}, pad)...)
	cipher.NewCBCEncrypter(w.tenantWrappingKey(release), iv).CryptBlocks(plain, plain)

	var message []byte
	for i, part := range [][]byte{[]byte(release), iv, plain} {
		message = append(message, byte(i+1)<<3|2, byte(len(part))) //nolint:gosec // three fields, each shorter than 128
		message = append(message, part...)
	}
	return base64.StdEncoding.EncodeToString(message)
}

// importSecret opens an exported secret of any release.
func (w *world) importSecret(text string) ([]byte, error) {
	message, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errExport
	}
	release, rest, err := protobufBytes(message, 1)
	if err != nil {
		return nil, err
	}
	iv, rest, err := protobufBytes(rest, 2)
	if err != nil {
		return nil, err
	}
	sealed, rest, err := protobufBytes(rest, 3)
	if err != nil {
		return nil, err
	}
	if len(rest) != 0 || len(release) != 3 || len(iv) != aes.BlockSize || len(sealed) == 0 ||
		len(sealed)%aes.BlockSize != 0 {
		return nil, errExport
	}
	plain := bytes.Clone(sealed)
	cipher.NewCBCDecrypter(w.tenantWrappingKey(string(release)), iv).CryptBlocks(plain, plain)
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > aes.BlockSize || !bytes.Equal(plain[len(plain)-pad:], bytes.Repeat(plain[len(plain)-1:], pad)) {
		return nil, errExport
	}
	return plain[:len(plain)-pad], nil
}

// tenantWrappingKey derives the key that one release of this org wraps exported secrets with.
func (w *world) tenantWrappingKey(release string) cipher.Block {
	mac := hmac.New(sha256.New, w.wrappingMaster)
	mac.Write([]byte("tenant wrapping key " + release))
	block, err := aes.NewCipher(mac.Sum(nil))
	if err != nil {
		panic("sfsim: AES refuses a 32-byte key: " + err.Error())
	}
	return block
}

// protobufBytes reads the length-delimited field of the given number from the front of a message.
func protobufBytes(message []byte, number byte) (value, rest []byte, err error) {
	if len(message) < 2 || message[0] != number<<3|2 || message[1] >= 0x80 || int(message[1]) > len(message)-2 {
		return nil, nil, errExport
	}
	end := 2 + int(message[1])
	return message[2:end], message[end:], nil
}
