package upload

import (
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// The sources of key material, as receipts name them.
const (
	MaterialGenerated = "generated"
	MaterialGiven     = "given"
	materialWrapped   = "wrapped_elsewhere"
	materialHSM       = "salesforce"
	materialRemote    = "remote"
	materialAdopted   = "adopted"
	MaterialImported  = "imported"
)

// sealed is a key that is ready to be sent: what Salesforce gets, and what we keep.
type sealed struct {
	envelope Envelope
	// material says where it comes from.
	material string
	// value is the wrapped material, hash that of the material, kcv its key check value. They are ""
	// if there is none.
	value, hash, kcv string
	copy             kept
}

// kept is the escrow copy of a key.
type kept struct {
	// armor is "" if there is no copy, path without a directory.
	armor, path string
	// key names the copy in the directory.
	key escrow.Key
}

// seal makes the key to send: material, checks, escrow and wrapping. The plaintext lives in this
// call alone.
func (w *run) seal(envelope Envelope) (sealed, error) {
	switch {
	case w.Source == keys.SourceHSM:
		return sealed{material: materialHSM}, nil
	case w.Source == keys.SourceRemote:
		return sealed{material: materialRemote}, nil
	case w.Wrapped != "":
		return w.sealWrapped(envelope)
	case !w.Material.IsZero():
		return w.sealMaterial(envelope, w.Material, MaterialGiven)
	case w.PinnedHash != "":
		return sealed{}, PinnedHashAlone(w.PinnedHash)
	default:
		material := byok.GenerateMaterial()
		defer material.Destroy()

		return w.sealMaterial(envelope, material, MaterialGenerated)
	}
}

func (w *run) sealWrapped(envelope Envelope) (sealed, error) {
	if p := keys.Reused(w.records, w.PinnedHash, "secret_value_hash"); p != nil {
		return sealed{}, p
	}
	if p := WrappedMisfit(w.algorithm(), envelope.Certificate, w.Wrapped); p != nil {
		return sealed{}, p
	}

	return sealed{envelope: envelope, material: materialWrapped, value: w.Wrapped, hash: w.PinnedHash}, nil
}

// WrappedMisfit refuses material that was wrapped in another way than declared, as far as its
// length and the certificate show that. A nil certificate is one that is not known yet.
func WrappedMisfit(algorithm byok.WrappingAlgorithm, certificate *byok.Certificate, wrapped string) *problem.Problem {
	if _, err := byok.ParseWrapped(algorithm, certificate, wrapped); err != nil {
		return problem.New("wrapped_key_material", "Wrapped key material does not fit", "%s. Nothing was sent.",
			err).Because(err)
	}

	return nil
}

func (w *run) sealMaterial(envelope Envelope, material secret.Bytes, source string) (sealed, error) {
	s := sealed{envelope: envelope, material: source, hash: byok.HashMaterial(material), kcv: byok.KeyCheckValue(material)}
	if p := PinnedHashMismatch(w.PinnedHash, s.hash); p != nil {
		return sealed{}, p
	}
	if p := keys.Reused(w.records, s.hash, "key_material_wo_version"); p != nil {
		return sealed{}, p
	}
	var err error
	if s.copy, err = w.keep(material, s.hash); err != nil {
		return sealed{}, err
	}
	s.value, err = byok.Wrap(w.algorithm(), envelope.Certificate, material)
	if err != nil {
		return sealed{}, problem.New("wrapping_algorithm", "Key material could not be wrapped", "%s. Nothing was sent.",
			err).Because(err)
	}

	return s, nil
}

// PinnedHashAlone refuses a pin that no record in use has, without the key material for it.
func PinnedHashAlone(pin string) *problem.Problem {
	return problem.New("secret_value_hash", "A pinned hash without its key material",
		"secret_value_hash pins %s. No record in use has that hash, and the configuration gives no key material for it. "+
			"Nothing was sent. Set key_material_wo or wrapped_key_material, or remove the pin.", pin)
}

// PinnedHashMismatch refuses material whose hash is not the pinned one. It returns nil without a
// pin.
func PinnedHashMismatch(pin, hash string) *problem.Problem {
	if pin == "" || pin == hash {
		return nil
	}

	return problem.New("secret_value_hash", "Key material does not match the pinned hash", "Expected material with the "+
		"SHA-256 %s, as secret_value_hash pins, found %s. Nothing was sent.", pin, hash)
}

// WeakMaterial refuses a new key of given material that nobody made at random. It returns nil for
// any other, and for none.
func WeakMaterial(material secret.Bytes) *problem.Problem {
	if material.IsZero() {
		return nil
	}
	weakness := byok.Weakness(material)
	if weakness == "" {
		return nil
	}

	return problem.New("key_material_wo_version", "Key material is weak",
		"Expected 32 random bytes in key_material_wo, but the material %s. Nothing was sent. Give material from a random "+
			"source, such as openssl rand -base64 32, or leave key_material_wo out and let the provider generate "+
			"it.", weakness)
}

// keep makes the escrow copy. From here on the material can be recovered, so a key that
// Salesforce has accepted is never one that nobody holds.
func (w *run) keep(material secret.Bytes, hash string) (kept, error) {
	if w.Escrow == nil {
		return kept{}, nil
	}
	last, _ := keys.Newest(w.records, w.Type)
	key := escrow.Key{
		Organization: w.Organization, Type: w.Type, RotationID: w.id.String(), Hash: hash,
		KnownVersion: last.Version, Time: w.now,
	}
	armored, there, err := w.Escrow.Keep(key, material)
	if err != nil {
		return kept{}, err
	}
	if there.Existed {
		w.warn("escrow.directory", "This key already had an escrow copy",
			"An earlier attempt with the same material left %s, which stays as it is. The escrow_ciphertext in state is for "+
				"the recipients configured now.", there.Path)
	}

	return kept{armor: armored, path: there.Path, key: key}, nil
}
