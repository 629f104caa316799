package keys

import "slices"

// Status is a word of Salesforce's for the state of a record, in upper case as it reads back.
const (
	StatusActive    = "ACTIVE"
	StatusArchived  = "ARCHIVED"
	StatusDestroyed = "DESTROYED"
)

// The sources of a key, as Salesforce names them.
const (
	SourceUploaded = "UPLOADED"
	SourceHSM      = "HSM"
	SourceRemote   = "REMOTE"
)

// The key derivation modes.
const (
	DerivationPBKDF2 = "PBKDF2"
	DerivationNone   = "NONE"
)

// The types of TenantSecret that Salesforce documents, and TypeDataKey, which stands for the type
// of a DataEncryptionKey in rotation ids, receipts and names of escrow files.
const (
	TypeData              = "Data"
	TypeDeterministicData = "DeterministicData"
	TypeEventBus          = "EventBus"
	TypeSearchIndex       = "SearchIndex"
	TypeAnalytics         = "Analytics"
	TypeDatabase          = "Database"

	TypeDataKey = "DataEncryptionKey"
)

// Label names the key of a type of records in a sentence.
func Label(typ string) string {
	if typ == TypeDataKey {
		return "Search Index"
	}

	return typ
}

// KnownTypes returns the types of TenantSecret that Salesforce documents, in the order of Setup.
func KnownTypes() []string {
	return []string{TypeData, TypeDeterministicData, TypeEventBus, TypeSearchIndex, TypeAnalytics, TypeDatabase}
}

// IsKnownType reports whether typ is one of KnownTypes.
func IsKnownType(typ string) bool { return slices.Contains(KnownTypes(), typ) }
