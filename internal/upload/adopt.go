package upload

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
)

// adopt takes an existing record as this rotation's. The only write is to its editable fields, if
// they differ.
func (w *run) adopt(ctx context.Context, j keys.Judgement) (Result, error) {
	row := j.Record
	w.id = j.ID
	changed := false
	if !w.Hashless {
		change := ChangeOf(row, keys.Describe(w.Description, w.id), w.RemoteKeyServiceID, w.RemoteKeyCertificate)
		if !change.IsZero() {
			if err := w.org.Change(ctx, row.ID, change); err != nil {
				return Result{}, fmt.Errorf("marking the adopted record %s: %w", row.ID, err)
			}
			row, changed = change.apply(row), true
		}
	}

	return w.adopted(row, j.Proof, changed), nil
}

// adopted fills the result with what is still known of a key that an earlier run made.
func (w *run) adopted(row keys.Record, proof keys.Proof, changed bool) Result {
	s := sealed{material: materialAdopted, hash: row.Hash}
	if proof == keys.ByAttempt {
		w.warn("", "A key was adopted by its time",
			"An earlier apply sent rotation %s and had no answer. Version %d became Active afterwards, so it is taken for "+
				"that key. If somebody else uploaded a key at that time, change rotation_triggers.", w.id,
			row.Version)
	}
	given := ""
	if !w.Material.IsZero() {
		given = byok.HashMaterial(w.Material)
	}
	if w.Source == keys.SourceUploaded {
		s.copy = w.recover(row, given != "" && given == s.hash)
	}
	earlier, remembered := w.earlierReceipt(row, s.copy.path)
	if w.Hashless {
		s.hash = w.recognise(earlier, given, s.copy.path)
	}
	switch {
	case given == "":
	case given == s.hash:
		s.kcv = byok.KeyCheckValue(w.Material)
	case !w.Hashless:
		w.warn("key_material_wo_version", "The given key material was not uploaded",
			"Record %s already answers this configuration (rotation %s), with other key material (hash %s), so it was "+
				"adopted. To upload the material given now, raise key_material_wo_version.",
			row.ID, w.id, row.Hash)
	}

	result := Result{
		Record: row, Confirmed: true, RotationID: w.id, Adopted: true, Hash: s.hash,
		EscrowCiphertext: s.copy.armor, KeyCheckValue: s.kcv,
	}
	if remembered && earlier.Certificate != nil {
		result.CertificateSHA256 = earlier.Certificate.SHA256
	}
	result.Receipts = w.evidence(row, changed, s, earlier, remembered)
	result.Warnings = w.warnings

	return result
}

// recognise finds out the hash of an adopted key, if Salesforce keeps none: by the receipt of
// its upload, else by the given material if the name of the escrow copy, which is made before the
// upload, has its hash.
func (w *run) recognise(earlier foundReceipt, given, path string) string {
	if _, err := byok.ParseHash(earlier.SecretValueHash); err == nil {
		return earlier.SecretValueHash
	}
	if name, err := escrow.ParseFileName(filepath.Base(path)); err == nil && given != "" &&
		name.HashPrefix == byok.HashPrefix(given) {
		return given
	}

	return ""
}

// recover finds the escrow copy that the earlier run made before its POST, or makes it again if the
// material is at hand.
func (w *run) recover(row keys.Record, materialMatches bool) kept {
	if w.Escrow == nil {
		return kept{}
	}
	found, err := w.findCopy(row)
	if err == nil && found.armor != "" {
		return found
	}
	if materialMatches {
		again, keepErr := w.keep(w.Material, row.Hash)
		if keepErr == nil {
			return again
		}
		if p, ok := problem.Of(keepErr); ok && p.Err != nil {
			// Its detail is about an upload.
			keepErr = p.Err
		}
		err = errors.Join(err, keepErr)
	}
	if w.heldInState(row) {
		return kept{}
	}
	where := "escrow has no directory, and the copy was in the state that was never written"
	switch {
	case err != nil:
		where = "its copy could not be found or made: " + err.Error()
	case w.Escrow.directory() != nil:
		where = "the escrow directory has no copy of it"
	}
	w.warnings = append(w.warnings, problem.New("escrow", "No escrow copy of the adopted key",
		"Record %s is adopted, but %s. Salesforce may hold the only copy of this key. To hold one yourself, rotate: change "+
			"rotation_triggers and apply.", row, where))

	return kept{}
}

// heldInState reports whether the state already has what it can have of this very record.
func (w *run) heldInState(row keys.Record) bool { return row.Is(w.Evidence.Ours.ID) }

// findCopy finds the copy in the directory, also if its key was refused by something that was not
// Salesforce.
func (w *run) findCopy(row keys.Record) (kept, error) {
	if w.Escrow.directory() == nil {
		return kept{}, nil
	}
	found, err := w.lookForCopy(row)
	if err == nil && found.Path == "" {
		again := false
		if again, err = w.Escrow.Directory.Reinstate(w.Organization, w.Type, w.id.String(), row.Hash); again && err == nil {
			found, err = w.lookForCopy(row)
		}
	}

	return kept{armor: found.Armored, path: found.Path}, err
}

func (w *run) lookForCopy(row keys.Record) (escrow.Copy, error) {
	if w.Hashless {
		return w.Escrow.Directory.FindRotation(w.Organization, w.Type, w.id.String(), w.Escrow.Plan)
	}

	return w.Escrow.Directory.Find(w.Organization, w.Type, row.Hash, w.Escrow.Plan)
}
