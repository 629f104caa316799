package salesforce

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

func TestDescriptionCreateable(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		body    string
		want    bool
		wantErr bool
	}{
		"createable":     {`{"fields":[{"name":"Id"},{"name":"description","createable":true}]}`, true, false},
		"not createable": {`{"fields":[{"name":"Description","createable":false}]}`, false, false},
		"no such field":  {`{"fields":[{"name":"Id","createable":true}]}`, false, false},
		"no fields":      {`{}`, false, false},
		"not a describe": {`{"fields":"none"}`, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/services/data/v63.0/sobjects/DataEncryptionKey/describe" {
					t.Errorf("path %s", r.URL.Path)
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(tc.body))
			}))
			defer server.Close()
			c, err := New(Config{
				InstanceURL: server.URL, APIVersion: "63.0",
				Auth: AccessToken{Token: secret.NewText("00D000000000001!token")},
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.DescriptionCreateable(t.Context(), "DataEncryptionKey")
			if got != tc.want || (err != nil) != tc.wantErr {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}
