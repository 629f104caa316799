package byok

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// maxKeyIdentifier bounds kid and jti in bytes; RemoteKeyIdentifier is an ordinary string field of
// Salesforce.
const maxKeyIdentifier = 255

// CacheOnlyJWE returns the compact JWE with which a key service answers Salesforce's callout for
// the cache-only key kid (the tenant secret's RemoteKeyIdentifier). The protected header has
// exactly alg RSA-OAEP, enc A256GCM, kid, and jti if that is not empty, since Salesforce refuses
// any other member; jti is the nonce of the callout if replay detection is on [D ObjRef; C
// distributey]. The plaintext is the 32 bytes of m.
//
// JOSE fixes RSA-OAEP to SHA-1, so strict FIPS 140-3 refuses it. The output differs on every call.
func CacheOnlyJWE(c *Certificate, m secret.Bytes, kid, jti string) (string, error) {
	if RSAOAEPSHA1.Usable() != nil {
		return "", errors.New("make the JWE of the cache-only key: not available under strict FIPS 140-3 " +
			"(GODEBUG=fips140=only): Salesforce requires RSA-OAEP of JOSE, which uses SHA-1")
	}
	if m.Len() != MaterialSize {
		return "", fmt.Errorf("make the JWE of the cache-only key: key material holds %d bytes, expected %d", m.Len(),
			MaterialSize)
	}
	if kid == "" {
		return "", errors.New("make the JWE of the cache-only key: the key identifier is empty")
	}
	if err := checkIdentifier(kid); err != nil {
		return "", fmt.Errorf("make the JWE of the cache-only key: the key identifier %w", err)
	}
	if err := checkIdentifier(jti); err != nil {
		return "", fmt.Errorf("make the JWE of the cache-only key: the replay nonce %w", err)
	}
	pub, err := c.wrappingKey()
	if err != nil {
		return "", fmt.Errorf("make the JWE of the cache-only key: %w", err)
	}
	options := &jose.EncrypterOptions{}
	if jti != "" {
		options.WithHeader("jti", jti)
	}
	encrypter, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.RSA_OAEP, Key: pub, KeyID: kid},
		options)
	if err != nil {
		return "", fmt.Errorf("make the JWE of the cache-only key: %w", err)
	}
	object, err := encrypter.Encrypt(m.Expose())
	if err != nil {
		return "", fmt.Errorf("make the JWE of the cache-only key: %w", err)
	}
	compact, err := object.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("make the JWE of the cache-only key: %w", err)
	}
	return compact, nil
}

func checkIdentifier(s string) error {
	switch {
	case len(s) > maxKeyIdentifier:
		return fmt.Errorf("is %d bytes long, expected at most %d", len(s), maxKeyIdentifier)
	case !utf8.ValidString(s):
		return errors.New("is not valid UTF-8")
	case strings.ContainsFunc(s, unicode.IsControl):
		return errors.New("contains a control character")
	}
	return nil
}

// CacheOnlyIdentifiers reads the kid and the jti of a cache-only key's compact JWE, without opening
// it. It accepts what [CacheOnlyJWE] makes: the algorithms that Salesforce requires, and no other
// header member.
func CacheOnlyIdentifiers(compact string) (kid, jti string, err error) {
	object, err := jose.ParseEncryptedCompact(compact, []jose.KeyAlgorithm{jose.RSA_OAEP},
		[]jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return "", "", errors.New("expected a compact JWE with the algorithms RSA-OAEP and A256GCM")
	}
	kid = object.Header.KeyID
	for name, value := range object.Header.ExtraHeaders {
		text, isText := value.(string)
		if name == "jti" && isText {
			jti = text
			continue
		}
		if name != "enc" {
			return "", "", errors.New("the JWE has a header member that Salesforce refuses: expected alg, enc, kid and jti only")
		}
	}
	if kid == "" {
		return "", "", errors.New("the JWE has no kid")
	}
	return kid, jti, errors.Join(checkIdentifier(kid), checkIdentifier(jti))
}
