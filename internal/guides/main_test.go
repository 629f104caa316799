package guides_test

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

func TestMain(m *testing.M) {
	code := acctest.Main(m)
	seen.Lock()
	defer seen.Unlock()
	seen.genuine = append(seen.genuine, acctest.CLIName())
	slices.Sort(seen.genuine)
	for _, what := range slices.Compact(seen.genuine) {
		fmt.Println("real: " + what) //nolint:forbidigo // the report of make integrations
	}
	os.Exit(code)
}

// seen is what these tests worked with that this repository did not make.
var seen struct {
	sync.Mutex
	genuine []string
}

// genuine notes a program of somebody else's that a test works with, for the report at the end.
func genuine(t *testing.T, what string) {
	t.Helper()
	seen.Lock()
	defer seen.Unlock()
	seen.genuine = append(seen.genuine, what)
}
