package conformance_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What becomes of an item: of a fact the first three, of a behaviour the last three.
const (
	confirmed = "confirmed"
	refuted   = "refuted"
	notAsked  = "not asked"
	passed    = "passed"
	failed    = "failed"
	skipped   = "skipped"
)

// outcome is what became of an item on a real org.
type outcome struct {
	Name       string `json:"name"`
	Section    string `json:"section"`
	Confidence string `json:"confidence,omitempty"`
	Claim      string `json:"claim"`
	Outcome    string `json:"outcome"`
	// Reason says why it is so, unless the fact was confirmed or the behaviour passed.
	Reason string `json:"reason,omitempty"`
	// APICalls is how many calls the org counted meanwhile, those of others included.
	APICalls int `json:"api_calls,omitempty"`
}

// leftover is a tenant secret that a run has made: nothing deletes it.
type leftover struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	Version     int    `json:"version"`
	Status      string `json:"status"`
	Description string `json:"description"`
	MadeBy      string `json:"made_by"`
}

// record is what a live run leaves behind. It names the org and the keys that the run made, and
// holds no secret.
type record struct {
	OrganizationID   string     `json:"organization_id"`
	OrganizationKind string     `json:"organization_kind"`
	Instance         string     `json:"instance"`
	APIVersion       string     `json:"api_version"`
	CLI              string     `json:"cli"`
	Started          time.Time  `json:"started"`
	Finished         *time.Time `json:"finished"` // null while the run goes on, and for ever if it dies
	RotationsAllowed int        `json:"rotations_allowed"`
	RotationsSpent   int        `json:"rotations_spent"`
	APICallsAllowed  int        `json:"api_calls_allowed"`
	APICallsSpent    int        `json:"api_calls_spent"`
	Facts            []outcome  `json:"facts"`
	Behaviours       []outcome  `json:"behaviours"`
	LeftBehind       []leftover `json:"left_behind"`

	path string
}

// begin lists every item as one that was not reached, so that a run that dies leaves a true record.
func (r *record) begin(steps []step) error {
	for _, s := range steps {
		list, _ := r.place(s.kind)
		o := outcome{Name: s.name, Section: s.section, Confidence: s.confidence, Claim: s.claim}
		o.Outcome, o.Reason = notAsked, "the run ended before it"
		if s.kind == asBehaviour {
			o.Outcome = skipped
		}
		*list = append(*list, o)
	}
	return r.write()
}

// place is the list that an item of a kind is in.
func (r *record) place(kind string) (list *[]outcome, good [3]string) {
	if kind == asBehaviour {
		return &r.Behaviours, [3]string{passed, failed, skipped}
	}
	return &r.Facts, [3]string{confirmed, refuted, notAsked}
}

// The ways in which an item ends, as indices of what place returns.
const (
	ended = iota
	broke
	left
)

// settle stores what became of an item, and writes the record.
func (r *record) settle(i item, how int, reason string, calls int) error {
	list, words := r.place(i.kind)
	at := slices.IndexFunc(*list, func(o outcome) bool { return o.Name == i.name })
	if at < 0 {
		return fmt.Errorf("the record has no %s %s", i.kind, i.name)
	}
	(*list)[at].Outcome, (*list)[at].Reason, (*list)[at].APICalls = words[how], reason, calls
	return r.write()
}

// counts says how many items came to each outcome.
func counts(list []outcome) string {
	numbers := map[string]int{}
	for _, o := range list {
		numbers[o.Outcome]++
	}
	var parts []string
	for _, word := range []string{confirmed, refuted, notAsked, passed, failed, skipped} {
		if numbers[word] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", numbers[word], word))
		}
	}
	return strings.Join(parts, ", ")
}

// write leaves the record as JSON, and as Markdown beside it. A reader never sees half a file.
func (r *record) write() error {
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(r.path), 0o755); err != nil {
		return err
	}
	return errors.Join(replaceFile(r.path, append(body, '\n')),
		replaceFile(strings.TrimSuffix(r.path, ".json")+".md", []byte(r.markdown())))
}

func replaceFile(path string, content []byte) error {
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (r *record) markdown() string {
	var out strings.Builder
	end := "and did not come to its end"
	if r.Finished != nil {
		end = "and ended " + r.Finished.Format(time.RFC3339)
	}
	fmt.Fprintf(&out, "# Live run against %s\n\nOrg %s (%s), API %s, %s. The run began %s %s.\n", r.Instance,
		r.OrganizationID, r.OrganizationKind, r.APIVersion, r.CLI,
		r.Started.Format(time.RFC3339), end)
	fmt.Fprintf(&out, "It made %d of %d allowed tenant secrets and used %d of %d allowed API calls.\n", r.RotationsSpent,
		r.RotationsAllowed, r.APICallsSpent, r.APICallsAllowed)
	for _, part := range []struct {
		title string
		list  []outcome
	}{{"Facts", r.Facts}, {"Behaviours", r.Behaviours}} {
		fmt.Fprintf(&out, "\n## %s\n\n%s\n\n| what | outcome |\n| --- | --- |\n", part.title, counts(part.list))
		for _, o := range part.list {
			sure, why := "", ""
			if o.Confidence != "" {
				sure = ", " + o.Confidence
			}
			if o.Reason != "" {
				why = ": " + cell(o.Reason)
			}
			fmt.Fprintf(&out, "| %s (`%s`%s) | %s%s |\n", cell(o.Claim), o.Name, sure, o.Outcome, why)
		}
	}
	out.WriteString("\n## Left behind\n\n")
	if len(r.LeftBehind) == 0 {
		out.WriteString("No tenant secret.\n")
		return out.String()
	}
	out.WriteString("| id | type | version | status | description | made by |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, k := range r.LeftBehind {
		fmt.Fprintf(&out, "| %s | %s | %d | %s | %s | %s |\n", k.ID, k.Type, k.Version, k.Status, cell(k.Description),
			k.MadeBy)
	}
	return out.String()
}

// cell escapes text for a cell of a Markdown table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\r", "", "\n", " ").Replace(text)
}

// The record names every item and its outcome, from the first moment on.
func TestRecord(t *testing.T) {
	t.Parallel()
	r := record{
		Instance: "https://example.my.salesforce.com", OrganizationKind: "sandbox",
		Started: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC),
		path:    filepath.Join(t.TempDir(), "new", "record.json"),
	}
	steps := []step{
		{item: item{kind: asFact, name: "A", section: "3.1", confidence: "D", claim: "one | two"}},
		{item: item{kind: asFact, name: "B", confidence: "I", claim: "three"}},
		{item: item{kind: asFact, name: "C", confidence: "R", claim: "four"}},
		{item: item{kind: asBehaviour, name: "D", claim: "five"}},
		{item: item{kind: asBehaviour, name: "E", claim: "six"}},
	}
	if err := r.begin(steps); err != nil {
		t.Fatal(err)
	}
	var dead record
	if err := json.Unmarshal([]byte(readFile(t, r.path)), &dead); err != nil || dead.Finished != nil ||
		len(dead.Facts) != 3 || len(dead.Behaviours) != 2 {
		t.Fatalf("%+v, %v", dead, err)
	}
	if dead.Facts[0].Outcome != notAsked || dead.Behaviours[0].Outcome != skipped || dead.Facts[0].Reason == "" {
		t.Errorf("%+v, %+v", dead.Facts, dead.Behaviours)
	}
	for i, how := range []int{ended, broke, left, ended, broke} {
		if err := r.settle(steps[i].item, how, []string{"", "was\n|", "no key", "", "no plan"}[i], i); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.settle(item{kind: asFact, name: "X"}, ended, "", 0); err == nil {
		t.Error("an item that nobody announced was settled")
	}
	r.LeftBehind = []leftover{{"02G000000000001AAA", "Data", 7, "ACTIVE", "a | b", "D"}}
	finish := r.Started.Add(time.Hour)
	r.Finished = &finish
	if err := r.write(); err != nil {
		t.Fatal(err)
	}
	var got record
	if err := json.Unmarshal([]byte(readFile(t, r.path)), &got); err != nil || !slices.Equal(got.Facts, r.Facts) ||
		!slices.Equal(got.LeftBehind, r.LeftBehind) || got.Finished == nil {
		t.Errorf("%+v, %v", got, err)
	}
	table := readFile(t, strings.TrimSuffix(r.path, ".json")+".md")
	for _, row := range []string{
		"| one \\| two (`A`, D) | confirmed |\n", "| three (`B`, I) | refuted: was \\| |\n",
		"| four (`C`, R) | not asked: no key |\n", "| five (`D`) | passed |\n",
		"| six (`E`) | failed: no plan |\n", "1 confirmed, 1 refuted, 1 not asked\n", "1 passed, 1 failed\n",
		"| 02G000000000001AAA | Data | 7 | ACTIVE | a \\| b | D |\n",
	} {
		if !strings.Contains(table, row) {
			t.Errorf("no row %q in\n%s", row, table)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
