package upload

import (
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// Escrow says to whom the material is encrypted before it leaves, and where the copy is kept.
type Escrow struct {
	Plan *escrow.Plan
	// Directory is nil where the copy is kept in state alone.
	Directory *escrow.Directory
}

// KeptFile is the escrow copy in the directory. It is zero without a directory.
type KeptFile struct {
	Path string
	// Existed is true where the file was there before and was left as it is.
	Existed bool
}

// Keep encrypts the material and, with a directory, makes the copy of the key durable. It returns the age armor. An error is a
// *Problem.
func (e *Escrow) Keep(key escrow.Key, material secret.Bytes) (string, KeptFile, error) {
	armored, err := e.Plan.Encrypt(material)
	if err != nil {
		return "", KeptFile{}, &Problem{Attribute: "escrow", Summary: "Escrow copy could not be made", Detail: err.Error() + ". Nothing was sent.", Err: err}
	}
	if e.Directory == nil {
		return armored, KeptFile{}, nil
	}
	kept, err := e.Directory.Keep(key, e.Plan, armored)
	if err != nil {
		return "", KeptFile{}, &Problem{Attribute: "escrow", Summary: "Escrow copy could not be written", Detail: err.Error() + ". Nothing was sent.", Err: err}
	}

	return armored, KeptFile{Path: kept.Path, Existed: kept.Existed}, nil
}

// Sending records that the kept copy's key is about to be sent. An error is a *Problem.
func (e *Escrow) Sending(key escrow.Key) error {
	if e == nil || e.Directory == nil {
		return nil
	}
	if err := e.Directory.Sending(key, time.Now()); err != nil {
		return &Problem{Attribute: "escrow", Summary: "Escrow copy could not be written", Detail: err.Error() + ". Nothing was sent.", Err: err}
	}

	return nil
}

// Close releases the directory. The nil Escrow has none.
func (e *Escrow) Close() {
	if e != nil && e.Directory != nil {
		// Every file in it has been synced and closed; a directory handle has nothing to lose.
		_ = e.Directory.Close()
	}
}
