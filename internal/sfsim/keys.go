package sfsim

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"embed"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

// The private keys under testdata/keys are public: they stand in for keys that Salesforce would
// make, so that a simulator starts in milliseconds instead of seconds.
//
//go:embed testdata/keys/*.pem
var keyFiles embed.FS

// appKeyFile holds the key pair of the simulated external client app (JWT bearer flow).
const appKeyFile = "rsa2048-app.pem"

// embeddedKeys maps a file name under testdata/keys to its parsed key, and keeps the names in
// order.
var embeddedKeys = sync.OnceValues(func() (map[string]*rsa.PrivateKey, error) {
	names, err := fs.Glob(keyFiles, "testdata/keys/*.pem")
	if err != nil {
		return nil, err
	}
	keys := make(map[string]*rsa.PrivateKey, len(names))
	for _, name := range names {
		body, err := keyFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		key, err := parsePrivateKey(body)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		keys[strings.TrimPrefix(name, "testdata/keys/")] = key
	}
	return keys, nil
})

func parsePrivateKey(body []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(body)
	if block == nil {
		return nil, errors.New("no PEM block found, expected a PKCS#8 private key")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("found a %T, expected an RSA key", parsed)
	}
	return key, nil
}

// madeKeys holds key pairs generated after the embedded ones ran out, by size, shared by every
// server of the process.
var madeKeys struct {
	mu   sync.Mutex
	keys map[int][]*rsa.PrivateKey
}

// keyring hands out RSA key pairs, each at most once: first the embedded ones, then generated ones.
type keyring struct {
	used map[int]int
}

func (k *keyring) next(bits int) (*rsa.PrivateKey, error) {
	if k.used == nil {
		k.used = map[int]int{}
	}
	k.used[bits]++
	nth := k.used[bits]

	embedded, err := embeddedKeys()
	if err != nil {
		return nil, err
	}
	if key, ok := embedded[fmt.Sprintf("rsa%d-%d.pem", bits, nth)]; ok {
		return key, nil
	}
	shipped := 0
	for {
		if _, ok := embedded[fmt.Sprintf("rsa%d-%d.pem", bits, shipped+1)]; !ok {
			break
		}
		shipped++
	}

	madeKeys.mu.Lock()
	defer madeKeys.mu.Unlock()
	if madeKeys.keys == nil {
		madeKeys.keys = map[int][]*rsa.PrivateKey{}
	}
	for len(madeKeys.keys[bits]) < nth-shipped {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			return nil, fmt.Errorf("generate an RSA-%d key: %w", bits, err)
		}
		madeKeys.keys[bits] = append(madeKeys.keys[bits], key)
	}
	return madeKeys.keys[bits][nth-shipped-1], nil
}
