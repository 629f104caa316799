package salesforce

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// Names have the form that benchstat can group by: key=value.

// rowsPage is a whole list of n records.
func rowsPage(n int) string {
	return `{"totalSize":` + strconv.Itoa(n) + `,"done":true,"records":[` +
		strings.TrimSuffix(strings.Repeat(fullRow+",", n), ",") + `]}`
}

// newQuietOrg answers by method and path, and remembers nothing, so that a benchmark measures the
// client.
func newQuietOrg(b *testing.B, answers map[string]http.HandlerFunc) *Client {
	b.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if answer, ok := answers[r.Method+" "+r.URL.Path]; ok {
			answer(w, r)
			return
		}
		reply404(w, r)
	}))
	b.Cleanup(server.Close)
	c, err := New(Config{InstanceURL: server.URL, Auth: AccessToken{Token: secret.NewText(testToken)}})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// BenchmarkListTenantSecrets is the one query that a plan makes, with its round trip.
func BenchmarkListTenantSecrets(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run("records="+strconv.Itoa(n), func(b *testing.B) {
			body := rowsPage(n)
			c := newQuietOrg(b, map[string]http.HandlerFunc{queryRoute: answer(200, body)})
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if list, err := c.ListTenantSecrets(b.Context()); err != nil || len(list.Records) != n {
					b.Fatal(len(list.Records), err)
				}
			}
		})
	}
}

func BenchmarkDecodeTenantSecrets(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run("records="+strconv.Itoa(n), func(b *testing.B) {
			body := []byte(rowsPage(n))
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				var page queryPage[tenantSecretRow]
				if err := decodePage(body, &page); err != nil || len(page.Records) != n {
					b.Fatal(len(page.Records), err)
				}
			}
		})
	}
}

// BenchmarkUploadRoundTrip is the POST of a key, on a connection of its own, and its read-back.
func BenchmarkUploadRoundTrip(b *testing.B) {
	c := newQuietOrg(b, map[string]http.HandlerFunc{
		createRoute:       answer(201, created),
		"GET " + rowRoute: answer(200, fullRow),
	})
	b.ReportAllocs()
	for b.Loop() {
		id, err := c.CreateTenantSecret(b.Context(), upload)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.GetTenantSecret(b.Context(), id); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkListEncryptionEvents is a day of a busy org: one file, and its round trip.
func BenchmarkListEncryptionEvents(b *testing.B) {
	const id, rows = "0ATxx0000000001GAA", 70_000
	var body strings.Builder
	body.WriteString(eventHeader)
	for i := range rows {
		at := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Second)
		fmt.Fprintf(&body, `"PlatformEncryption","%s","TID:%022d","%s","%s","TS Read","%s","Data","","%s","%s","192.0.2.7"`+
			"\n",
			at.Format("20060102150405.000"), i, testOrg[:15], testUser[:15], testRecord[:15],
			at.Format("2006-01-02T15:04:05.000Z"), testUser)
	}
	c := newQuietOrg(b, map[string]http.HandlerFunc{
		queryRoute: answer(200, `{"totalSize":1,"done":true,"records":[{"Id":"`+id+
			`","LogDate":"2026-11-20T00:00:00.000+0000"}]}`),
		"GET /services/data/v62.0/sobjects/EventLogFile/" + id +
			"/LogFile": answer(200, body.String(), "Content-Type", "text/csv"),
	})
	for name, filter := range map[string]EventFilter{"filter=none": {}, "filter=action": {Action: "TS Exported"}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(body.Len()))
			b.ReportAllocs()
			for b.Loop() {
				events, err := c.ListEncryptionEvents(b.Context(), filter)
				if err != nil || len(events) != rows && filter.Action == "" {
					b.Fatal(len(events), err)
				}
			}
		})
	}
}
