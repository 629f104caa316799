package problem_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
)

func TestProblem(t *testing.T) {
	t.Parallel()

	p := problem.New("escrow.directory", "Escrow directory is not usable", "Expected a directory, found %q.",
		"x").Because(io.EOF)
	err := fmt.Errorf("before the upload: %w", p)

	if want := `Escrow directory is not usable: Expected a directory, found "x".`; p.Error() != want {
		t.Errorf("expected %q, found %q", want, p.Error())
	}
	if !errors.Is(err, io.EOF) {
		t.Error("the cause is not found")
	}
	if found, ok := problem.Of(err); !ok || found != p {
		t.Errorf("expected the problem, found %v", found)
	}
	if _, ok := problem.Of(io.EOF); ok {
		t.Error("a problem was found in an error that has none")
	}
	if _, ok := problem.Of(nil); ok {
		t.Error("a problem was found in nil")
	}
}
