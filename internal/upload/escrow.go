package upload

import (
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// Escrow says to whom the material is encrypted before it leaves, and where the copy is kept. The
// nil Escrow keeps nothing.
type Escrow struct {
	Plan *escrow.Plan
	// Directory is nil if the copy is kept in state alone.
	Directory *escrow.Directory
}

// directory returns the directory, nil if there is none.
func (e *Escrow) directory() *escrow.Directory {
	if e == nil {
		return nil
	}

	return e.Directory
}

// Keep encrypts the material and, with a directory, makes the copy of the key durable. It returns
// the age armor. An error is a *problem.Problem.
func (e *Escrow) Keep(key escrow.Key, material secret.Bytes) (string, escrow.Kept, error) {
	armored, err := e.Plan.Encrypt(material)
	if err != nil {
		return "", escrow.Kept{}, problem.New("escrow", "Escrow copy could not be made", "%s. Nothing was sent.",
			err).Because(err)
	}
	if e.Directory == nil {
		return armored, escrow.Kept{}, nil
	}
	kept, err := e.Directory.Keep(key, e.Plan, armored)
	if err != nil {
		return "", escrow.Kept{}, problem.New("escrow.directory", "Escrow copy could not be written", "%s. Nothing was sent.",
			err).Because(err)
	}

	return armored, kept, nil
}

// Sending records that the kept copy's key is about to be sent. An error is a *problem.Problem.
func (e *Escrow) Sending(key escrow.Key, now time.Time) error {
	if err := e.Directory.Sending(key, now); err != nil {
		return problem.New("escrow.directory", "Escrow copy could not be written", "%s. Nothing was sent.", err).Because(err)
	}

	return nil
}

// Close releases the directory.
func (e *Escrow) Close() {
	if e.directory() != nil {
		// Every file in it has been synced and closed; a directory handle has nothing to lose.
		_ = e.Directory.Close()
	}
}
