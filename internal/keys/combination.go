package keys

import "github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"

// The names of the wrapping algorithms.
const (
	RSAOAEPSHA512       = "RSA_OAEP_SHA512"
	RSAOAEPSHA1         = "RSA_OAEP_SHA1"
	RSAAESKeyWrapSHA512 = "RSA_AES_KEY_WRAP_SHA512"
)

// Combination is how a tenant secret is to be made. "" stands for a value that is not known yet.
type Combination struct{ Type, Source, KeyDerivationMode, Algorithm string }

// Problems returns what Salesforce documents against a combination.
//
// Sources: opting out of derivation is for customer-supplied material of fields, files and Event
// Bus [D Help opt_out; EncryptionKeySettings]; field-level encryption takes OAEP, Database takes
// CKM_RSA_AES_KEY_WRAP only, Search Index takes either [D Help security_pe_byok_generate_secret;
// C].
func (c Combination) Problems() []*problem.Problem {
	var list []*problem.Problem
	add := func(attribute, summary, format string, args ...any) {
		list = append(list, problem.New(attribute, summary, format+" Nothing was sent.", args...))
	}
	if c.KeyDerivationMode == DerivationNone {
		const fix = " Remove key_derivation_mode, or set PBKDF2."
		switch {
		case c.Type == TypeDatabase:
			add("key_derivation_mode", "Database keys can't opt out of derivation",
				"Key derivation is mandatory for the type Database."+fix)
		case c.Type == TypeAnalytics || c.Type == TypeSearchIndex:
			add("key_derivation_mode", "This type can't opt out of derivation", "Salesforce documents NONE for Data, "+
				"DeterministicData and EventBus, not for %s."+fix, c.Type)
		case c.Source == SourceHSM || c.Source == SourceRemote:
			add("key_derivation_mode", "This source can't opt out of derivation", "NONE needs key material of your own "+
				"(source UPLOADED), found source %s."+fix, c.Source)
		}
	}
	const wrap = "Expected %s, found %s."
	switch {
	case c.Source != SourceUploaded || c.Algorithm == "":
	case c.Type == TypeDatabase && c.Algorithm != RSAAESKeyWrapSHA512:
		add("wrapping_algorithm", "Database keys need another wrapping", "Salesforce takes keys of the type Database "+
			"wrapped by CKM_RSA_AES_KEY_WRAP only. "+wrap, RSAAESKeyWrapSHA512, c.Algorithm)
	case (c.Type == TypeData || c.Type == TypeDeterministicData || c.Type == TypeEventBus || c.Type == TypeAnalytics) &&
		c.Algorithm == RSAAESKeyWrapSHA512:
		add("wrapping_algorithm", "This type needs another wrapping", "Salesforce takes keys of the type %s wrapped by "+
			"OAEP; CKM_RSA_AES_KEY_WRAP is for Database and SearchIndex. "+wrap,
			c.Type, RSAOAEPSHA512, c.Algorithm)
	}

	return list
}
