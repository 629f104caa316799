package provider

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestReadsSecretValue(t *testing.T) {
	t.Parallel()
	for soql, want := range map[string]bool{
		"SELECT Id, SecretValue FROM TenantSecret":                                true,
		"SELECT\tsecretVALUE\nFROM TenantSecret":                                  true,
		"SELECT Id,SecretValue,Type FROM TenantSecret":                            true,
		"SELECT t.SecretValue FROM TenantSecret t":                                true,
		"SELECT FIELDS(ALL) FROM TenantSecret LIMIT 200":                          true,
		"SELECT Fields ( Standard ) FROM tenantsecret":                            true,
		"SELECT Id, SecretValueHash, SecretValueCertificate FROM TenantSecret":    false,
		"SELECT FIELDS(ALL) FROM Organization LIMIT 1":                            false,
		"SELECT Id FROM TenantSecret":                                             false,
		"":                                                                        false,
		"SELECT QualifiedApiName FROM FieldDefinition WHERE X = 'SecretValue'":    true, // rather one too many
		"SELECT Id FROM MySecretValue__c WHERE MySecretValue__c = 'TenantSecret'": false,
	} {
		if got := readsSecretValue(soql); got != want {
			t.Errorf("%q: got %v, want %v", soql, got, want)
		}
	}
}

func TestJoinRecords(t *testing.T) {
	t.Parallel()
	raw := func(texts ...string) []json.RawMessage {
		var all []json.RawMessage
		for _, text := range texts {
			all = append(all, json.RawMessage(text))
		}

		return all
	}
	for name, tc := range map[string]struct {
		records       []json.RawMessage
		want, refused string
	}{
		"none":              {nil, "[]", ""},
		"text is kept":      {raw(`{"b": 1.50, "a": "<&>"}`, `{"n": 12345678901234567890}`), `[{"b":1.50,"a":"<&>"},{"n":12345678901234567890}]`, ""},
		"a null value":      {raw(`{"SecretValue": null}`), `[{"SecretValue":null}]`, ""},
		"a value":           {raw(`{"Id": "x"}`, `{"SecretValue": "CgM="}`), "", "record 2 of the result holds a SecretValue"},
		"another case":      {raw(`{"secretvalue": "CgM="}`), "", "record 1"},
		"below":             {raw(`{"Child": {"records": [{"SecretValue": "CgM="}]}}`), "", "record 1"},
		"a text that is it": {raw(`{"QualifiedApiName": "SecretValue"}`), `[{"QualifiedApiName":"SecretValue"}]`, ""},
		"the hash":          {raw(`{"SecretValueHash": "x"}`), `[{"SecretValueHash":"x"}]`, ""},
		"not JSON":          {raw(`{`), "", "record 1 of the result is not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := joinRecords(tc.records)
			if got != tc.want || (err == nil) != (tc.refused == "") || err != nil && !strings.Contains(err.Error(), tc.refused) {
				t.Errorf("got %q, %v; want %q, error with %q", got, err, tc.want, tc.refused)
			}
			if err != nil && strings.Contains(err.Error(), "CgM=") {
				t.Error("the error quotes the value")
			}
		})
	}
}

// Whatever Salesforce sends: what is kept is JSON, and holds no SecretValue.
func FuzzJoinRecords(f *testing.F) {
	for _, seed := range []string{`{"Id":"x"}`, `{"SecretValue":"CgM="}`, `{"a":[{"secretValue":1}]}`, `[]`, `null`, `{`, "{\"\\u0053ecretValue\":\"CgM=\"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		text, err := joinRecords([]json.RawMessage{record})
		if err != nil {
			return
		}
		var records []any
		if err := json.Unmarshal([]byte(text), &records); err != nil || len(records) != 1 {
			t.Fatalf("%q is no array of one record: %v", text, err)
		}
		if hasSecretValue(records[0]) {
			t.Errorf("%q holds a SecretValue", text)
		}
	})
}
