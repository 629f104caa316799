package salesforce

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// Values that no error and no event may hold. The material is ciphertext, but
// an export is Sensitive in state, and both are nobody's business in a log.
const (
	leakToken    = "00Dxx0000001gPL!leak.access.token"
	leakSecret   = "leak-client-secret"
	leakMaterial = "bGVhay13cmFwcGVkLW1hdGVyaWFs"
	leakExport   = "CgMbGVhay1leHBvcnQ="
	leakSession  = "leak-session-token"
)

var leaks = []string{leakToken, leakSecret, leakMaterial, leakExport, leakSession}

// leaked reports which value a text holds, in plain, or encoded as a careless
// printer would.
func leaked(text string) string {
	for _, value := range leaks {
		quoted := fmt.Sprintf("%q", value)
		for i := 0; i+16 <= len(value); i++ {
			if strings.Contains(text, value[i:i+16]) {
				return value
			}
		}
		for _, form := range []string{
			value, url.QueryEscape(value), url.PathEscape(value), quoted[1 : len(quoted)-1], hex.EncodeToString([]byte(value)),
			base64.StdEncoding.EncodeToString([]byte(value)), base64.RawURLEncoding.EncodeToString([]byte(value)),
			fmt.Sprintf("%d", []byte(value)),
		} {
			if strings.Contains(text, form) {
				return value
			}
		}
	}
	return ""
}

func TestLeakScannerSees(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"x" + leakToken, fmt.Sprintf("%x", leakSecret), fmt.Sprintf("%v", []byte(leakExport)),
		base64.StdEncoding.EncodeToString([]byte(leakMaterial)), fmt.Sprintf("%q", leakSession),
		fmt.Sprintf("%+v", struct{ A string }{leakToken}), url.QueryEscape(leakToken), leakToken[5:21],
	} {
		if leaked(text) == "" {
			t.Errorf("%q is not found", text)
		}
	}
	if found := leaked("nothing to see"); found != "" {
		t.Errorf("%q is found in nothing", found)
	}
}

// everyCall runs each operation of the client that sends something.
var everyCall = map[string]func(context.Context, *Client) error{
	"session": func(ctx context.Context, c *Client) error { _, err := c.Session(ctx); return err },
	"list":    func(ctx context.Context, c *Client) error { _, err := c.ListTenantSecrets(ctx); return err },
	"get":     func(ctx context.Context, c *Client) error { _, err := c.GetTenantSecret(ctx, testRecord); return err },
	"export": func(ctx context.Context, c *Client) error {
		_, err := c.ExportTenantSecret(ctx, testRecord)
		return err
	},
	"create": func(ctx context.Context, c *Client) error {
		_, err := c.CreateTenantSecret(ctx, UploadedTenantSecret{
			Type: "Data", SecretValue: leakMaterial,
			SecretValueHash: "aA==", Certificate: "C",
		})
		return err
	},
	"update": func(ctx context.Context, c *Client) error {
		text := "x"
		return c.UpdateTenantSecret(ctx, testRecord, TenantSecretChange{Description: &text})
	},
	"destroy": func(ctx context.Context, c *Client) error { return c.DestroyTenantSecret(ctx, testRecord) },
	"restore": func(ctx context.Context, c *Client) error {
		return c.RestoreTenantSecret(ctx, testRecord, secret.NewText(leakExport))
	},
	"reactivate":   func(ctx context.Context, c *Client) error { return c.ReactivateTenantSecret(ctx, testRecord) },
	"certificates": func(ctx context.Context, c *Client) error { _, err := c.ListCertificates(ctx); return err },
	"chain": func(ctx context.Context, c *Client) error {
		_, err := c.CertificateChain(ctx, testCertificate)
		return err
	},
	"content": func(ctx context.Context, c *Client) error { _, _, err := c.CertificateContent(ctx, "A"); return err },
	"deploy":  func(ctx context.Context, c *Client) error { return c.DeleteCertificate(ctx, "A") },
	"settings": func(ctx context.Context, c *Client) error {
		_, err := c.ReadSettings(ctx, EncryptionKeySettings())
		return err
	},
	"organization": func(ctx context.Context, c *Client) error { _, err := c.GetOrganization(ctx); return err },
	"versions":     func(ctx context.Context, c *Client) error { _, err := c.APIVersions(ctx); return err },
	"describe": func(ctx context.Context, c *Client) error {
		_, err := c.Describe(ctx, "TenantSecret", false)
		return err
	},
	"query": func(ctx context.Context, c *Client) error {
		_, err := c.Query(ctx, "SELECT Id FROM X", true)
		return err
	},
	"finish": func(ctx context.Context, c *Client) error {
		_, err := c.FinishDataEncryptionKey(ctx, NewDataEncryptionKey{
			Type: "x", SecretValue: leakMaterial,
			SessionToken: secret.NewText(leakSession),
		})
		return err
	},
	"root keys": func(ctx context.Context, c *Client) error { _, err := c.ListExternalRootKeys(ctx); return err },
	"events": func(ctx context.Context, c *Client) error {
		_, err := c.ListEncryptionEvents(ctx, EventFilter{})
		return err
	},
	"permissions": func(ctx context.Context, c *Client) error { _, err := c.CheckPermissions(ctx); return err },
}

// mirror shows a client what it sent, in the worst way.
type mirror struct {
	name  string
	reply func(w http.ResponseWriter, seen string)
}

func mirrors() []mirror {
	jsonOf := func(seen string) string {
		b, err := json.Marshal(seen)
		if err != nil {
			panic(err)
		}
		return string(b)
	}
	write := func(w http.ResponseWriter, status int, contentType, body string) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
	return []mirror{
		{"400 that quotes it", func(w http.ResponseWriter, seen string) {
			write(w, 400, "application/json", `[{"errorCode":"JSON_PARSER_ERROR","message":`+jsonOf(seen)+`,"fields":[`+
				jsonOf(seen)+`]}]`)
		}},
		{"503 page that quotes it", func(w http.ResponseWriter, seen string) {
			write(w, 503, "text/html", "<pre>"+seen+"</pre>")
		}},
		{"401 that quotes it", func(w http.ResponseWriter, seen string) {
			write(w, 401, "application/json", `[{"errorCode":"INVALID_SESSION_ID","message":`+jsonOf(seen)+`}]`)
		}},
		{"403 limit that quotes it", func(w http.ResponseWriter, seen string) {
			write(w, 403, "application/json", `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":`+jsonOf(seen)+`}]`)
		}},
		{"200 that is it", func(w http.ResponseWriter, seen string) { write(w, 200, "text/plain", seen) }},
		{"200 of the wrong kind", func(w http.ResponseWriter, seen string) {
			write(w, 200, "application/json", `{"totalSize":1,"done":true,"id":`+jsonOf(seen)+`,"records":[{"Id":`+jsonOf(seen)+
				`,"Type":7}]}`)
		}},
		{"200 that leads away", func(w http.ResponseWriter, seen string) {
			write(w, 200, "application/json", `{"totalSize":1,"done":false,"records":[],"nextRecordsUrl":`+jsonOf(seen)+`}`)
		}},
		{"redirect to it", func(w http.ResponseWriter, seen string) {
			w.Header().Set("Location", "https://evil.example/?"+strings.ReplaceAll(seen, "\n", ""))
			write(w, 302, "text/html", seen)
		}},
		{"400 that quotes it percent-encoded", func(w http.ResponseWriter, seen string) {
			write(w, 400, "application/json", `[{"errorCode":"X","message":`+jsonOf(url.QueryEscape(seen))+`}]`)
		}},
		{"400 that quotes it in base64", func(w http.ResponseWriter, seen string) {
			write(w, 400, "application/json", `[{"errorCode":"X","message":`+
				jsonOf(base64.StdEncoding.EncodeToString([]byte(seen)))+`}]`)
		}},
		{"400 that quotes it in pieces", func(w http.ResponseWriter, seen string) {
			list := make([]string, 0, len(seen))
			for i := 0; i+20 <= len(seen); i += 7 {
				list = append(list, `{"errorCode":"X","message":`+jsonOf(seen[i:i+20])+`}`)
			}
			write(w, 400, "application/json", "["+strings.Join(list, ",")+"]")
		}},
		{"headers that are it", func(w http.ResponseWriter, seen string) {
			seen = strings.Join(strings.Fields(seen), " ")
			for _, name := range []string{"X-Request-Id", "Sforce-Limit-Info", "Retry-After", "Date"} {
				w.Header().Set(name, seen)
			}
			w.Header().Set("Location", "https://"+url.PathEscape(seen)+".example/")
			write(w, 403, "text/"+strings.Map(func(r rune) rune {
				if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '!' {
					return r
				}
				return -1
			}, seen), `[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]`)
		}},
		{"SOAP fault that quotes it", func(w http.ResponseWriter, seen string) {
			seen = strings.NewReplacer("<", "&lt;", "&", "&amp;").Replace(seen)
			write(w, 500, "text/xml", `<Envelope><Body><Fault><faultcode>sf:X</faultcode><faultstring>`+seen+
				`</faultstring></Fault></Body></Envelope>`)
		}},
	}
}

// TestNothingLeaks runs every operation against servers that send back what
// they got, and scans the errors and events.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	for _, m := range mirrors() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for name, do := range everyCall {
				var sent atomic.Int32
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					sent.Add(1)
					if r.URL.Path == tokenPath {
						w.Header().Set("Content-Type", "application/json")
						encode(t, w, map[string]string{"access_token": leakToken, "id": "https://x/id/" + testOrg + "/" + testUser})
						return
					}
					body, err := io.ReadAll(r.Body)
					if err != nil {
						t.Error(err)
					}
					m.reply(w, r.Header.Get("Authorization")+" "+r.URL.RawQuery+" "+string(body))
				}))
				log, p := &events{}, &pauses{}
				c, err := New(Config{
					InstanceURL: server.URL, APIVersion: "63.0", MaxRetries: 1, Events: log.add, Sleep: p.sleep,
					Auth: ClientCredentials{ClientID: "app", ClientSecret: secret.NewText(leakSecret)},
				})
				if err != nil {
					t.Fatal(err)
				}
				err = do(t.Context(), c)
				if err == nil && name != "session" && !strings.HasPrefix(m.name, "200") {
					t.Errorf("%s: no error", name)
				}
				for e := err; e != nil; e = errors.Unwrap(e) {
					for _, text := range []string{e.Error(), fmt.Sprintf("%v %+v %#v", e, e, e)} {
						if found := leaked(text); found != "" {
							t.Errorf("%s: an error (%T) holds %s", name, e, found)
						}
					}
				}
				log.mu.Lock()
				if found := leaked(fmt.Sprintf("%+v", log.list)); found != "" {
					t.Errorf("%s: an event holds %s", name, found)
				}
				if len(log.list) == 0 || sent.Load() == 0 {
					t.Errorf("%s: nothing was sent, so nothing was tested", name)
				}
				log.mu.Unlock()
				server.Close()
			}
		})
	}
}

// TestBrokenHTTPIsNotQuoted: net/http quotes what it can't parse.
func TestBrokenHTTPIsNotQuoted(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"status line": "HTTP/9 " + leakToken + "\r\n\r\n",
		"header":      "HTTP/1.1 200 OK\r\n" + leakToken + "\r\n\r\n",
		"length":      "HTTP/1.1 200 OK\r\nContent-Length: " + leakToken + "\r\n\r\n",
		"encoding":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + leakToken + "\r\n\r\n",
		"chunk":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + leakToken + "\r\n",
		"trailer":     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\n" + leakToken + "\r\n\r\n",
		"gzip":        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nleak",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg(t)
			broken := func(w http.ResponseWriter, _ *http.Request) {
				hijacker, ok := w.(http.Hijacker)
				if !ok {
					t.Error("no hijacker")
					return
				}
				conn, _, err := hijacker.Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.WriteString(conn, raw)
				_ = conn.Close()
			}
			o.on(queryRoute, broken)
			o.on(createRoute, broken)
			c, _, log := o.client()
			_, list := c.ListTenantSecrets(t.Context())
			_, create := c.CreateTenantSecret(t.Context(), upload)
			if list == nil || !errors.Is(create, ErrOutcomeUnknown) {
				t.Errorf("list: %v, create: %v", list, create)
			}
			o.login = broken
			fresh, _, loginLog := o.client()
			_, login := fresh.Session(t.Context())
			if login == nil {
				t.Error("login: no error")
			}
			if found := leaked(fmt.Sprintf("%+v %+v %+v %+v %+v", list, create, login, log.list, loginLog.list)); found != "" {
				t.Errorf("%s is quoted: %v; %v; %v", found, list, create, login)
			}
		})
	}
}

// TestRedirectsNeverCarryTheToken: neither to another host, nor to the same.
func TestRedirectsNeverCarryTheToken(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, where := range []string{"elsewhere", "same host"} {
			t.Run(fmt.Sprint(status, " ", where), func(t *testing.T) {
				t.Parallel()
				var hits atomic.Int32
				elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
				defer elsewhere.Close()
				o := newOrg(t)
				target := elsewhere.URL + "/x"
				if where == "same host" {
					target = o.URL + "/y"
					o.on("GET /y", func(http.ResponseWriter, *http.Request) { hits.Add(1) })
					o.on("POST /y", func(http.ResponseWriter, *http.Request) { hits.Add(1) })
				}
				redirect := answer(status, ``, "Location", target)
				o.on(queryRoute, redirect)
				o.on(createRoute, redirect)
				o.on(soapRoute, redirect)
				c, _, _ := o.client()
				_, list := c.ListTenantSecrets(t.Context())
				_, create := c.CreateTenantSecret(t.Context(), upload)
				_, settings := c.ReadSettings(t.Context(), EncryptionKeySettings())
				for _, err := range []error{list, create, settings} {
					var e *Error
					if !errors.As(err, &e) || e.Status != status {
						t.Errorf("error %v", err)
					}
				}
				// No redirect is an answer of Salesforce's to a write.
				if !errors.Is(create, ErrOutcomeUnknown) {
					t.Errorf("the outcome is called known: %v", create)
				}
				if errors.Is(list, ErrOutcomeUnknown) || errors.Is(settings, ErrOutcomeUnknown) {
					t.Errorf("a read of unknown outcome: %v; %v", list, settings)
				}
				// The login, too.
				o.login = redirect
				fresh, _, _ := o.client()
				if _, err := fresh.Session(t.Context()); err == nil {
					t.Error("a redirected login: no error")
				}
				if n := hits.Load(); n != 0 {
					t.Errorf("%d redirects were followed", n)
				}
			})
		}
	}
}

// TestConfigurationPrintsNothing: whoever logs a configuration by mistake.
func TestConfigurationPrintsNothing(t *testing.T) {
	t.Parallel()
	for _, a := range []Authenticator{
		ClientCredentials{ClientID: "a", ClientSecret: secret.NewText(leakSecret)},
		AccessToken{Token: secret.NewText(leakToken)},
		JWTBearer{ClientID: "a", Username: "u", PrivateKey: secret.NewText(leakSecret)},
	} {
		cfg := Config{Auth: a}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if found := leaked(fmt.Sprintf(verb, cfg) + fmt.Sprintf(verb, &cfg) + fmt.Sprintf(verb, a)); found != "" {
				t.Errorf("%T prints %s with %s", a, found, verb)
			}
		}
	}
}
