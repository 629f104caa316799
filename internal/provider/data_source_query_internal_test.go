package provider

import (
	"encoding/json"
	"strings"
	"testing"
)

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
		hidden        bool
	}{
		"none": {nil, "[]", "", false},
		"text is kept": {
			raw(`{"b": 1.50, "a": "<&>"}`, `{"n": 12345678901234567890}`),
			`[{"b":1.50,"a":"<&>"},{"n":12345678901234567890}]`, "", false,
		},
		"a null value": {raw(`{"SecretValue": null}`), `[{"SecretValue":null}]`, "", false},
		"a value": {
			raw(`{"Id": "x"}`, `{"z": 1.50, "SecretValue": "CgM=", "a": "<&>"}`),
			`[{"Id":"x"},{"z":1.50,"SecretValue":null,"a":"<&>"}]`, "", true,
		},
		"another case":    {raw(`{"secretvalue": "CgM="}`), `[{"secretvalue":null}]`, "", true},
		"below":           {raw(`{"Child": {"records": [{"SecretValue": "CgM="}, true, null, [{"n":12345678901234567890}]]}}`), `[{"Child":{"records":[{"SecretValue":null},true,null,[{"n":12345678901234567890}]]}}]`, "", true},
		"a session token": {raw(`{"SESSIONTOKEN": {"x": ["CgM="]}}`), `[{"SESSIONTOKEN":null}]`, "", true},
		"escaped":         {raw(`{"\u0053ecretValue": "CgM="}`), `[{"SecretValue":null}]`, "", true},
		"twice": {
			raw(`{"SecretValue": "CgM=", "SecretValue": "CgM="}`),
			`[{"SecretValue":null,"SecretValue":null}]`, "", true,
		},
		"a text that is it": {raw(`{"QualifiedApiName": "SecretValue"}`), `[{"QualifiedApiName":"SecretValue"}]`, "", false},
		"the hash":          {raw(`{"SecretValueHash": "x"}`), `[{"SecretValueHash":"x"}]`, "", false},
		"not JSON":          {raw(`{`), "", "record 1 of the result is not JSON", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, hidden, err := joinRecords(tc.records)
			if got != tc.want || hidden != tc.hidden || (err == nil) != (tc.refused == "") ||
				err != nil && !strings.Contains(err.Error(), tc.refused) {
				t.Errorf("got %q, %t, %v; want %q, %t, error with %q", got, hidden, err, tc.want, tc.hidden, tc.refused)
			}
			if err != nil && strings.Contains(err.Error(), "CgM=") {
				t.Error("the error quotes the value")
			}
		})
	}
}

// Whatever Salesforce sends: what is kept is JSON, and holds no secret.
func FuzzJoinRecords(f *testing.F) {
	for _, seed := range []string{
		`{"Id":"x"}`, `{"SecretValue":"CgM="}`, `{"a":[{"secretValue":1}]}`, `[]`, `null`, `{`,
		"{\"\\u0053ecretValue\":\"CgM=\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, record []byte) {
		text, _, err := joinRecords([]json.RawMessage{record})
		if err != nil {
			return
		}
		var records []any
		if err := json.Unmarshal([]byte(text), &records); err != nil || len(records) != 1 {
			t.Fatalf("%q is no array of one record: %v", text, err)
		}
		if hasSecret(records[0]) {
			t.Errorf("%q holds a secret", text)
		}
	})
}
