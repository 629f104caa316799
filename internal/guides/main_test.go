package guides_test

import (
	"os"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

func TestMain(m *testing.M) { os.Exit(acctest.Main(m)) }
