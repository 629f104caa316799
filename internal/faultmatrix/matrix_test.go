package faultmatrix

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

// matrix collects the outcomes: by operation, number of the request, and fault.
type matrix struct {
	mu       sync.Mutex
	requests map[string][]string
	cells    map[string]string
}

func cell(op string, n int, f string) string { return fmt.Sprintf("%s/%d/%s", op, n, f) }

func (m *matrix) set(op string, n int, f, outcome string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.cells[cell(op, n, f)] = outcome
}

// markdown renders the matrix.
func (m *matrix) markdown() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out strings.Builder
	out.WriteString("| operation | request |")
	for _, f := range faults() {
		out.WriteString(" " + f.name + " |")
	}
	out.WriteString("\n|---|---|" + strings.Repeat(":-:|", len(faults())) + "\n")
	for _, op := range operations() {
		for i, request := range m.requests[op.name] {
			if op.narrow && !writes(request) {
				continue
			}
			fmt.Fprintf(&out, "| %s | %d %s |", op.name, i+1, request)
			for _, f := range faults() {
				outcome := m.cells[cell(op.name, i+1, f.name)]
				if outcome == "" {
					outcome = "-"
				}
				out.WriteString(" " + outcome + " |")
			}
			out.WriteByte('\n')
		}
	}

	return out.String()
}

// page is MATRIX.md.
func (m *matrix) page() string {
	var out strings.Builder
	out.WriteString("# The fault matrix\n\n" +
		"Every request of every operation, struck by every fault: real CLI, simulated org, and the built provider where a " +
		"process is killed. `go test ./internal/faultmatrix -update` writes this page; `make test` runs\nevery row. The " +
		"requests are those of Terraform 1.11. `" + atOnce + "` the struck apply itself succeeded, `" +
		inNext + "` it failed and the next apply converged, `" + notHit +
		"` the fault does not concern that request. In each row\n" +
		"no write was repeated blindly, exactly the keys that were asked for were made, state, org and escrow agree, " +
		"the chain of receipts is whole and has that of the state,\nand the plan is empty.\n\n## Operations\n\n")
	for _, op := range operations() {
		fmt.Fprintf(&out, "- **%s**: %s\n", op.name, op.meaning)
	}
	out.WriteString("\n## Faults\n\n")
	for _, f := range faults() {
		fmt.Fprintf(&out, "- **%s**: %s\n", f.name, f.meaning)
	}
	out.WriteString("\n" + placesText() + outcomes + "\n" + m.markdown())

	return out.String()
}

// TestFaultMatrix runs the matrix. A lane is one operation with one fault; its rows are the
// requests of the operation, one after the other.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	acctest.NeedsCLI(t)
	m := &matrix{requests: map[string][]string{}, cells: map[string]string{}}
	t.Run("requests", func(t *testing.T) {
		for _, op := range operations() {
			t.Run(op.name, func(t *testing.T) {
				t.Parallel()
				names := newLane(t, op.seed, fault{}).requests(op)
				m.mu.Lock()
				m.requests[op.name] = names
				m.mu.Unlock()
			})
		}
	})
	if t.Failed() {
		t.Fatal("an operation does not even work without a fault")
	}
	t.Run("lanes", func(t *testing.T) { //nolint:paralleltest // waits for its parallel lanes, so that the matrix is whole
		for _, f := range faults() {
			for _, ops := range lanes() {
				m.lane(t, ops, f)
			}
		}
	})
	t.Logf("\n%s", m.markdown())
	if t.Failed() || !canKill {
		return
	}
	if *update {
		if err := os.WriteFile("MATRIX.md", []byte(m.page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile("MATRIX.md")
	if err != nil {
		t.Fatal(err)
	}
	// The outcomes depend on the CLI, which logs in as often as it likes, and on how busy the machine
	// is: those are shown, not compared.
	want, _, _ := strings.Cut(m.page(), outcomes)
	if got, _, _ := strings.Cut(string(committed), outcomes); got != want {
		t.Error("MATRIX.md describes other operations or faults than these: run this test with -update")
	}
}

const outcomes = "\n## Outcomes\n"

// lanes groups the operations that share a lane.
func lanes() [][]operation {
	var groups [][]operation
	at := map[string]int{}
	for _, op := range operations() {
		name := cmp.Or(op.lane, op.name)
		if i, ok := at[name]; ok {
			groups[i] = append(groups[i], op)

			continue
		}
		at[name] = len(groups)
		groups = append(groups, []operation{op})
	}

	return groups
}

// row is one request of an operation, counted from 1.
type row struct {
	op operation
	n  int
}

// rows lists what a fault strikes in a lane: the first request of each operation, then the second
// of each, and so on.
func (m *matrix) rows(ops []operation, f fault) []row {
	var rows []row
	for n, more := 1, true; more; n++ {
		more = false
		for _, op := range ops {
			if n > len(m.requests[op.name]) {
				continue
			}
			more = true
			request := m.requests[op.name][n-1]
			switch {
			case op.narrow && !writes(request):
			case op.bare && f.lag > 0, f.hits != nil && !f.hits(request):
				m.set(op.name, n, f.name, notHit)
			default:
				rows = append(rows, row{op: op, n: n})
			}
		}
	}

	return rows
}

// lane starts a lane, where the fault strikes any request of it.
func (m *matrix) lane(t *testing.T, ops []operation, f fault) {
	t.Helper()
	rows := m.rows(ops, f)
	if len(rows) == 0 {
		return
	}
	t.Run(cmp.Or(ops[0].lane, ops[0].name)+"/"+f.name, func(t *testing.T) {
		t.Parallel()
		if f.kills && !canKill {
			t.Skip("finding the provider's process takes Linux's /proc")
		}
		l := newLane(t, ops[0].seed, f)
		for _, r := range rows {
			outcome := l.row(r.op, r.n, m.requests[r.op.name])
			m.set(r.op.name, r.n, f.name, outcome)
			if t.Failed() {
				return // the next row would start where this one has not arrived
			}
		}
	})
}
