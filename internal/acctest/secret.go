package acctest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// Material is key material of a test: 32 random bytes.
type Material []byte

// NewMaterial returns 32 random bytes.
func NewMaterial() Material {
	material := make(Material, sha256.Size)
	_, _ = rand.Read(material) // never fails since Go 1.24

	return material
}

// Base64 is the form of key_material_wo.
func (m Material) Base64() string { return base64.StdEncoding.EncodeToString(m) }

// Hash is the SecretValueHash of the material.
func (m Material) Hash() string {
	sum := sha256.Sum256(m)

	return base64.StdEncoding.EncodeToString(sum[:])
}
