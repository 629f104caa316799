// Package jwe judges what a key service answers to a cache-only key callout,
// as Salesforce's key broker does: a JSON object with the key's identifier
// and a compact JWE around the data encryption key.
//
// It is written from RFC 7516 and the documented profile with the standard
// library alone, and shares no code with the provider, which makes such
// answers.
package jwe

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rsa"
	"crypto/sha1" // RSA-OAEP of RFC 7518 is OAEP with SHA-1, and the profile demands it.
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strings"
)

// Status is a RemoteKeyCalloutEvent status code.
type Status string

// Status codes of an answer. Those that Salesforce documents are [D]; the others
// are remembered [R].
const (
	Success                Status = "SUCCESS"
	EmptyResponse          Status = "EMPTY_RESPONSE"
	IllegalParameters      Status = "ILLEGAL_PARAMETERS_IN_JWE_HEADER"
	IncorrectAlgorithm     Status = "INCORRECT_ALGORITHM_IN_JWE_HEADER"
	IncorrectKeySize       Status = "INCORRECT_DATA_ENCRYPTION_KEY_SIZE"
	IncorrectEncryption    Status = "INCORRECT_ENCRYPTION_ALGORITHM_IN_JWE_HEADER" // [R]
	IncorrectKeyIDInJSON   Status = "INCORRECT_KEYID_IN_JSON"                      // [R]
	IncorrectKeyIDInHeader Status = "INCORRECT_KEYID_IN_JWE_HEADER"                // [R]
	MalformedJSON          Status = "MALFORMED_JSON_RESPONSE"                      // [R]
	MalformedJWE           Status = "MALFORMED_JWE_RESPONSE"                       // [R]
	MalformedContentKey    Status = "MALFORMED_CONTENT_ENCRYPTION_KEY"             // [R]
	MalformedDataKey       Status = "MALFORMED_DATA_ENCRYPTION_KEY"                // [R]
	EmptyDataKey           Status = "EMPTY_DATA_ENCRYPTION_KEY"                    // [R]
	PotentialReplay        Status = "POTENTIAL_REPLAY_ATTACK_DETECTED"             // [R]
	DestroyHTTPCode        Status = "DESTROY_HTTP_CODE"
	ErrorHTTPCode          Status = "ERROR_HTTP_CODE"
	AuthenticationFailure  Status = "AUTHENTICATION_FAILURE_RESPONSE"
	ResponseTimeout        Status = "RESPONSE_TIMEOUT" // [R]
	UnknownError           Status = "UNKNOWN_ERROR"    // [R]
)

// The documented profile [D].
const (
	algorithm  = "RSA-OAEP"
	encryption = "A256GCM"
	keySize    = 32 // bytes of the content and of the data encryption key
	nonceSize  = 12
	tagSize    = 16
)

// maxAnswer is how large an answer may be; a good one has about 1200 bytes.
const maxAnswer = 64 << 10

// The parts of a compact JWE, in order (RFC 7516, section 7.1).
const (
	partHeader = iota
	partKey
	partNonce
	partCiphertext
	partTag
	partsOfCompact
)

// Expectation is what the answer must refer to.
type Expectation struct {
	// KeyID is the RemoteKeyIdentifier.
	KeyID string
	// Nonce is the requestId of the callout.
	Nonce string
	// ReplayDetection demands the nonce as jti. Without it a jti may be
	// absent, but not another [U].
	ReplayDetection bool
}

// Open judges an answer with status 200 and returns the data encryption key
// if it is a good one.
func Open(key *rsa.PrivateKey, answer []byte, want Expectation) ([]byte, Status) {
	if len(bytes.TrimSpace(answer)) == 0 {
		return nil, EmptyResponse
	}
	if len(answer) > maxAnswer {
		return nil, MalformedJSON
	}
	members, err := stringMembers(answer)
	if err != nil || members["jwe"] == "" {
		return nil, MalformedJSON
	}
	if members["kid"] != want.KeyID {
		return nil, IncorrectKeyIDInJSON
	}
	parts := strings.Split(members["jwe"], ".")
	if len(parts) != partsOfCompact {
		return nil, MalformedJWE
	}
	var decoded [partsOfCompact][]byte
	for i, part := range parts {
		// Padding is not allowed by RFC 7515, but a public key service sends
		// it and seems to be understood [C distributey].
		if decoded[i], err = base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(part, "=")); err != nil ||
			strings.ContainsAny(part, "\r\n") {
			return nil, MalformedJWE
		}
	}
	if status := judgeHeader(decoded[partHeader], want); status != Success {
		return nil, status
	}
	contentKey, err := rsa.DecryptOAEP(sha1.New(), nil, key, decoded[partKey], nil)
	if err != nil || len(contentKey) != keySize {
		return nil, MalformedContentKey
	}
	block, err := aes.NewCipher(contentKey)
	if err != nil {
		return nil, MalformedContentKey
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, UnknownError
	}
	if len(decoded[partNonce]) != nonceSize || len(decoded[partTag]) != tagSize {
		return nil, MalformedJWE
	}
	sealed := append(bytes.Clone(decoded[partCiphertext]), decoded[partTag]...)
	dataKey, err := gcm.Open(nil, decoded[partNonce], sealed, []byte(parts[partHeader]))
	switch {
	case err != nil:
		return nil, MalformedDataKey
	case len(dataKey) == 0:
		return nil, EmptyDataKey
	case len(dataKey) != keySize:
		return nil, IncorrectKeySize
	}
	return dataKey, Success
}

func judgeHeader(header []byte, want Expectation) Status {
	members, err := stringMembers(header)
	if err != nil {
		return MalformedJWE
	}
	nonce, hasNonce := members["jti"]
	for name := range members {
		switch name {
		case "alg", "enc", "kid", "jti":
		default:
			return IllegalParameters
		}
	}
	switch {
	case members["alg"] != algorithm:
		return IncorrectAlgorithm
	case members["enc"] != encryption:
		return IncorrectEncryption
	case members["kid"] != want.KeyID:
		return IncorrectKeyIDInHeader
	case want.ReplayDetection && nonce != want.Nonce:
		return PotentialReplay
	case hasNonce && nonce != want.Nonce:
		return IllegalParameters
	}
	return Success
}

// stringMembers reads a JSON object whose names are unique. Members that are
// not strings come back empty.
func stringMembers(text []byte) (map[string]string, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	members := map[string]string{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name, ok := token.(string)
		if _, twice := members[name]; !ok || twice {
			return nil, errors.New("a member is given twice")
		}
		var value any
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		members[name], _ = value.(string)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the object")
	}
	return members, nil
}
