package main

// #include <stdlib.h>
import "C"

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"unsafe"

	"github.com/miekg/pkcs11"
)

const (
	keySize = 32
	// aesKeyWrapKWP is CKM_AES_KEY_WRAP_KWP, RFC 5649 [PKCS#11 3.0, 2.14]; the binding has the
	// constants of 2.40.
	aesKeyWrapKWP = 0x210B
	// kwpSize is what RFC 5649 makes of 32 bytes.
	kwpSize = keySize + 8
)

type handle = pkcs11.ObjectHandle

// lifetime says whether a key outlives the session.
type lifetime bool

const (
	permanent lifetime = true
	throwaway lifetime = false
)

// token is a session with a logged-in user on one token.
type token struct {
	context *pkcs11.Ctx
	session pkcs11.SessionHandle
	slot    uint
	library pkcs11.Info
	info    pkcs11.TokenInfo
}

// openToken loads a PKCS#11 library and logs in to the one token with a label.
func openToken(module, parameters, label, pin string) (*token, error) {
	context := pkcs11.New(module)
	if context == nil {
		return nil, fmt.Errorf("%s: not a PKCS#11 library that can be loaded", module)
	}
	var options []pkcs11.InitializeOption
	if parameters != "" {
		text := C.CString(parameters)
		defer C.free(unsafe.Pointer(text))
		options = append(options, pkcs11.InitializeWithReserved(unsafe.Pointer(text)))
	}
	if err := context.Initialize(options...); err != nil {
		context.Destroy()
		return nil, fmt.Errorf("C_Initialize: %w", err)
	}
	t := &token{context: context}
	if err := t.logIn(label, pin); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (t *token) logIn(label, pin string) (err error) {
	if t.library, err = t.context.GetInfo(); err != nil {
		return fmt.Errorf("C_GetInfo: %w", err)
	}
	slots, err := t.context.GetSlotList(true)
	if err != nil {
		return fmt.Errorf("C_GetSlotList: %w", err)
	}
	var labels []string
	var found []uint
	for _, slot := range slots {
		info, err := t.context.GetTokenInfo(slot)
		if err != nil {
			return fmt.Errorf("C_GetTokenInfo: %w", err)
		}
		labels = append(labels, info.Label)
		if info.Label == label {
			found, t.info = append(found, slot), info
		}
	}
	if len(found) != 1 {
		return fmt.Errorf("%d tokens have the label %q; the labels are %q", len(found), label, labels)
	}
	t.slot = found[0]
	if t.session, err = t.context.OpenSession(t.slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION); err != nil {
		return fmt.Errorf("C_OpenSession: %w", err)
	}
	if err := t.context.Login(t.session, pkcs11.CKU_USER, pin); err != nil {
		return fmt.Errorf("C_Login: %w", err)
	}
	return nil
}

// close ends the session, with all throwaway objects. Its errors change nothing any more.
func (t *token) close() {
	if t.session != 0 {
		_ = t.context.Logout(t.session)
		_ = t.context.CloseSession(t.session)
	}
	_ = t.context.Finalize()
	t.context.Destroy()
}

func (t *token) has(mechanism uint) bool {
	_, err := t.context.GetMechanismInfo(t.slot, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)})
	return err == nil
}

// refuseLabel looks for a key of that label, which would be mistaken for the new one.
func (t *token) refuseLabel(label string) error {
	if err := t.context.FindObjectsInit(t.session, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
	}); err != nil {
		return fmt.Errorf("C_FindObjectsInit: %w", err)
	}
	found, _, err := t.context.FindObjects(t.session, 1)
	err = errors.Join(err, t.context.FindObjectsFinal(t.session))
	if err != nil {
		return fmt.Errorf("C_FindObjects: %w", err)
	}
	if len(found) > 0 {
		return fmt.Errorf("the token has a key %q already: choose another -label", label)
	}
	return nil
}

// generate makes an AES-256 key that is never seen in plain, and that may be wrapped.
func (t *token) generate(label string, life lifetime) (handle, error) {
	key, err := t.context.GenerateKey(t.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)},
		[]*pkcs11.Attribute{
			pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY),
			pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES),
			pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, keySize),
			pkcs11.NewAttribute(pkcs11.CKA_LABEL, label),
			pkcs11.NewAttribute(pkcs11.CKA_TOKEN, bool(life)),
			pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
			pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true),
			pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, true),
			// A permanent key is Salesforce's: this token neither encrypts nor wraps with it.
			pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, false),
			pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, false),
			pkcs11.NewAttribute(pkcs11.CKA_WRAP, life == throwaway),
			pkcs11.NewAttribute(pkcs11.CKA_UNWRAP, false),
		})
	if err != nil {
		return 0, fmt.Errorf("C_GenerateKey: %w", err)
	}
	return key, nil
}

func (t *token) destroy(key handle) error {
	if err := t.context.DestroyObject(t.session, key); err != nil {
		return fmt.Errorf("C_DestroyObject: %w; take the key away by hand", err)
	}
	return nil
}

// seal makes the key unextractable, which no one can take back.
func (t *token) seal(key handle) error {
	err := t.context.SetAttributeValue(t.session, key, []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE,
		false)})
	if err != nil {
		return fmt.Errorf("C_SetAttributeValue: %w", err)
	}
	return nil
}

// attributes are what the token says of a key.
type attributes struct {
	sensitive, alwaysSensitive, extractable bool
	checkValue                              []byte // nil if the token has none
}

func (t *token) attributes(key handle) (attributes, error) {
	var a attributes
	for attribute, to := range map[uint]*bool{
		pkcs11.CKA_SENSITIVE: &a.sensitive, pkcs11.CKA_ALWAYS_SENSITIVE: &a.alwaysSensitive,
		pkcs11.CKA_EXTRACTABLE: &a.extractable,
	} {
		got, err := t.context.GetAttributeValue(t.session, key, []*pkcs11.Attribute{pkcs11.NewAttribute(attribute, nil)})
		if err != nil {
			return a, fmt.Errorf("C_GetAttributeValue: %w", err)
		}
		*to = slices.Equal(got[0].Value, []byte{1})
	}
	if got, err := t.context.GetAttributeValue(t.session, key,
		[]*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CHECK_VALUE, nil)}); err == nil && len(got[0].Value) == 3 {
		a.checkValue = got[0].Value
	}
	return a, nil
}

// acceptable refuses a key that anyone could have seen.
func (a attributes) acceptable() error {
	if !a.sensitive || !a.alwaysSensitive || !a.extractable {
		return fmt.Errorf("the token made another key than was asked for: sensitive %t, always sensitive %t, extractable %t",
			a.sensitive, a.alwaysSensitive, a.extractable)
	}
	return nil
}

// digest has the token hash the key's value.
func (t *token) digest(key handle) ([]byte, error) {
	if err := t.context.DigestInit(t.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_SHA256,
		nil)}); err != nil {
		return nil, fmt.Errorf("C_DigestInit: %w", err)
	}
	if err := t.context.DigestKey(t.session, key); err != nil {
		return nil, fmt.Errorf("C_DigestKey: %w; without it Salesforce's hash can't be had", err)
	}
	hash, err := t.context.DigestFinal(t.session)
	if err != nil {
		return nil, fmt.Errorf("C_DigestFinal: %w", err)
	}
	return hash, nil
}

// publicKey puts a wrapping key into the session.
func (t *token) publicKey(public *rsa.PublicKey) (handle, error) {
	key, err := t.context.CreateObject(t.session, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_PUBLIC_KEY),
		pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_RSA),
		pkcs11.NewAttribute(pkcs11.CKA_TOKEN, false),
		pkcs11.NewAttribute(pkcs11.CKA_WRAP, true),
		pkcs11.NewAttribute(pkcs11.CKA_MODULUS, public.N.Bytes()),
		pkcs11.NewAttribute(pkcs11.CKA_PUBLIC_EXPONENT, big.NewInt(int64(public.E)).Bytes()),
	})
	if err != nil {
		return 0, fmt.Errorf("C_CreateObject of the wrapping key: %w", err)
	}
	return key, nil
}

// An algorithm is one of the provider's wrapping_algorithm, as PKCS#11 calls it.
type algorithm struct {
	hash, mgf uint
	opens     crypto.Hash // the same hash, for the rehearsal
	aes       bool        // an AES key between, as CKM_RSA_AES_KEY_WRAP has it
}

var supported = map[string]algorithm{
	"RSA_OAEP_SHA512":         {pkcs11.CKM_SHA512, pkcs11.CKG_MGF1_SHA512, crypto.SHA512, false},
	"RSA_OAEP_SHA1":           {pkcs11.CKM_SHA_1, pkcs11.CKG_MGF1_SHA1, crypto.SHA1, false},
	"RSA_AES_KEY_WRAP_SHA512": {pkcs11.CKM_SHA512, pkcs11.CKG_MGF1_SHA512, crypto.SHA512, true},
}

func algorithms() []string { return slices.Sorted(maps.Keys(supported)) }

// wrap encrypts a key with a public key, inside the token.
func (t *token) wrap(key handle, to *rsa.PublicKey, how algorithm) ([]byte, error) {
	public, err := t.publicKey(to)
	if err != nil {
		return nil, err
	}
	if !how.aes {
		return t.oaep(key, public, how)
	}
	// CKM_RSA_AES_KEY_WRAP in its two steps, which more tokens have than the mechanism itself: an
	// AES-256 key of this one use wraps the key by RFC 5649, and is itself wrapped by OAEP. The result
	// is one after the other.
	between, err := t.generate("", throwaway)
	if err != nil {
		return nil, err
	}
	outer, err := t.oaep(between, public, how)
	if err != nil {
		return nil, err
	}
	// Some libraries know RFC 5649 by the number of 2.40 only. Others mean another padding by it,
	// which is longer.
	why := errors.New("the token's AES key wrap of RFC 5649 (CKM_AES_KEY_WRAP_KWP) is missing or of no use")
	for _, mechanism := range []uint{aesKeyWrapKWP, pkcs11.CKM_AES_KEY_WRAP_PAD} {
		if !t.has(mechanism) {
			continue
		}
		inner, err := t.context.WrapKey(t.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(mechanism, nil)}, between, key)
		switch {
		case err != nil:
			why = fmt.Errorf("%w; mechanism 0x%X: %w", why, mechanism, err)
		case len(inner) != kwpSize:
			why = fmt.Errorf("%w; mechanism 0x%X made %d bytes instead of %d", why, mechanism, len(inner), kwpSize)
		default:
			return slices.Concat(outer, inner), t.destroy(between)
		}
	}
	return nil, why
}

func (t *token) oaep(key, public handle, how algorithm) ([]byte, error) {
	wrapped, err := t.context.WrapKey(t.session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_RSA_PKCS_OAEP,
		pkcs11.NewOAEPParams(how.hash, how.mgf, pkcs11.CKZ_DATA_SPECIFIED, nil))}, public, key)
	if err != nil {
		hint := ""
		if how.hash == pkcs11.CKM_SHA512 {
			hint = ": if its OAEP takes no SHA-512, RSA_OAEP_SHA1 is what is left"
		}
		return nil, fmt.Errorf("C_WrapKey with CKM_RSA_PKCS_OAEP: %w%s", err, hint)
	}
	return wrapped, nil
}
