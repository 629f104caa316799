package keys

import "fmt"

// RemoteInUse returns the cache-only records under which data may be: all that are not DESTROYED,
// and the newest of its type even then, which Salesforce itself makes ACTIVE again after a failed
// callout [D Help cache_considerations].
func RemoteInUse(records []Record) []Record {
	var used []Record
	for _, r := range records {
		if r.Source != SourceRemote {
			continue
		}
		last, _ := Newest(records, r.Type)
		if r.Status != StatusDestroyed || r.Is(last.ID) {
			used = append(used, r)
		}
	}

	return used
}

// FetchedBy returns the newest cache-only record whose key Salesforce fetches by an identifier.
func FetchedBy(records []Record, identifier string) (Record, bool) {
	var newest Record
	for _, r := range records {
		if r.Source == SourceRemote && r.RemoteKeyIdentifier == identifier &&
			(newest.ID == "" || r.Version > newest.Version) {
			newest = r
		}
	}

	return newest, newest.ID != ""
}

// firstSearchIndexMove is the API version from which orgs on Hyperforce keep Search Index keys as
// records of DataEncryptionKey [D ObjRef].
const firstSearchIndexMove = 63

// SearchIndexMoved says why a TenantSecret of the type can't be made and what to do, "" if nothing
// speaks against it. hasDataKeys reports that the org shows the object DataEncryptionKey: only
// Hyperforce has it in use, which no other reading shows, so the text is certain enough for a
// warning and the first words of a refusal, not for a refusal of our own.
func SearchIndexMoved(typ string, apiVersion int, hasDataKeys bool) string {
	if typ != TypeSearchIndex || apiVersion < firstSearchIndexMove || !hasDataKeys {
		return ""
	}

	return fmt.Sprintf("On Hyperforce, from API version %d.0 on, Salesforce keeps Search Index keys as data encryption "+
		"keys and refuses them here. Use salesforcebyok_data_encryption_key, or api_version = \"%d.0\" in a provider block "+
		"for this resource.",
		firstSearchIndexMove, firstSearchIndexMove-1)
}

// DeterministicSetting names the setting that a first DeterministicData key may need. Public
// scripts turn it on before they make the key [C platform-encryption-demo, CMSS]; whether
// Salesforce refuses the key without it is unknown, so the text belongs to warnings and
// refusals. on reports that the org shows the setting as on.
func DeterministicSetting(typ string, on bool) string {
	if typ != TypeDeterministicData || on {
		return ""
	}

	return "Deterministic encryption is off in this org, or not shown: set enable_deterministic_encryption = true in " +
		"salesforcebyok_platform_encryption_settings first."
}
