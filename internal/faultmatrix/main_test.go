package faultmatrix

import (
	"flag"
	"os"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

var update = flag.Bool("update", false, "write MATRIX.md again from this run")

// lanesAtOnce is how many lanes run at a time: most of them wait for a timeout or a look most of
// the time.
const lanesAtOnce = "10"

func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", lanesAtOnce); err != nil {
		panic(err)
	}
	os.Exit(acctest.Main(m))
}
