package sfsim

import (
	_ "embed" // for the page
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

//go:embed page.html
var pageText string

// pageTemplate renders the org, the journal and the faults for a person to watch. The page is whole
// without JavaScript; with it, it follows the org and has its buttons.
var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"when":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") },
		"short": func(hash string) string { return hash[:min(len(hash), shortHash)] },
	}).Parse(pageText))
})

const (
	// shortHash is how much of a hash one line of the page shows: enough to compare two keys by eye.
	shortHash = 8
	// shownRequests is how many of the newest requests the page shows.
	shownRequests = 100
	// timeline is the width of a timeline in units of its drawing.
	timeline = 1000
)

// keyType is the keys of one type, as the page shows them.
type keyType struct {
	Name string
	// Counts says how many keys have each status.
	Counts string
	// Keys are newest first, Spans oldest first.
	Keys  []TenantSecret
	Spans []span
}

// span is the time in which a key was the newest of its type, on the timeline.
type span struct {
	Key         TenantSecret
	From, Width int
}

// keyTypes groups keys by type, in the order in which the types first had one.
func keyTypes(secrets []TenantSecret, now time.Time) []keyType {
	var types []keyType
	for _, secret := range secrets {
		i := slices.IndexFunc(types, func(t keyType) bool { return t.Name == secret.Type })
		if i < 0 {
			i, types = len(types), append(types, keyType{Name: secret.Type})
		}
		types[i].Keys = append(types[i].Keys, secret)
	}
	for i := range types {
		types[i].Counts, types[i].Spans = counts(types[i].Keys), spans(types[i].Keys, now)
		slices.Reverse(types[i].Keys)
	}

	return types
}

func counts(secrets []TenantSecret) string {
	var parts []string
	for _, status := range []string{"ACTIVE", "ARCHIVED", "DESTROYED"} {
		n := 0
		for _, secret := range secrets {
			if secret.Status == status {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}

	return strings.Join(parts, ", ")
}

// spans lays keys out between the first one's creation and now, each until the next one. The
// drawing is by rank if time does not separate them, so that each stays visible.
func spans(secrets []TenantSecret, now time.Time) []span {
	const least = 4
	begin := secrets[0].CreatedDate
	whole := max(now.Sub(begin), time.Second)
	room := timeline - least*len(secrets)
	at := func(i int) int {
		if i == len(secrets) {
			return timeline
		}

		return least*i + int(float64(max(room, 0))*float64(min(max(secrets[i].CreatedDate.Sub(begin), 0),
			whole))/float64(whole))
	}
	out := make([]span, len(secrets))
	for i, secret := range secrets {
		out[i] = span{Key: secret, From: at(i), Width: max(at(i+1)-at(i), least)}
	}

	return out
}

// usable reports whether the page calls a certificate fit for BYOK.
func (c Certificate) usable(now time.Time) bool {
	return c.KeySize == byokKeySize && c.PlatformEncryption && !c.PrivateKeyExportable && !c.Unusable &&
		c.ExpirationDate.After(now)
}

const byokKeySize = 4096

// writePage writes the page.
func (s *Server) writePage(w io.Writer) error {
	type certificate struct {
		Certificate

		Usable bool
	}
	state := s.State()
	view := struct {
		State

		Types           []keyType
		AllCertificates []certificate
		Faults          []string
		Violations      []Violation
		Requests        []Request
	}{State: state, Types: keyTypes(state.TenantSecrets, state.Now), Violations: s.Violations(), Requests: s.Requests()}
	for _, c := range state.Certificates {
		view.AllCertificates = append(view.AllCertificates, certificate{c, c.usable(state.Now)})
	}
	for _, fault := range s.armedFaults() {
		text, err := json.Marshal(fault)
		if err != nil {
			return err
		}
		view.Faults = append(view.Faults, string(text))
	}
	view.Requests = view.Requests[max(0, len(view.Requests)-shownRequests):]
	slices.Reverse(view.Requests)

	return pageTemplate().Execute(w, view)
}
