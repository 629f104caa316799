package upload

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// confirm reads back a record that Salesforce has said it made. From here on nothing is an error.
func (w *work) confirm(ctx context.Context, id string) (Result, error) {
	row, err := w.readBack(ctx, id)
	if err != nil {
		w.warnings = append(w.warnings, Warning{
			Summary: "The new key could not be read back",
			Detail: fmt.Sprintf("Salesforce accepted the new %s key as record %s, but reading it back failed: %s. The key is in use; the next plan reads what is "+
				"missing here.", w.Type, id, err),
		})

		return w.result(salesforce.TenantSecret{
			ID: id, Type: w.Type, Source: w.Source, Description: keys.Describe(w.Description, w.id),
			KeyDerivationMode: w.KeyDerivationMode, SecretValueHash: w.hash,
			RemoteKeyIdentifier: w.RemoteKeyIdentifier, RemoteKeyServiceID: w.RemoteKeyServiceID, RemoteKeyCertificate: w.RemoteKeyCertificate,
		}, false), nil
	}

	return w.result(row, true), nil
}

// readBack gets the row, with patience for one that is not visible yet.
func (w *work) readBack(ctx context.Context, id string) (salesforce.TenantSecret, error) {
	for n := 0; ; n++ {
		row, err := w.Registry.Get(ctx, id)
		if err == nil || !errors.Is(err, salesforce.ErrNotFound) || n == len(w.looks()) {
			return row, err
		}
		if waitErr := w.wait(ctx, w.looks()[n]); waitErr != nil {
			return row, errors.Join(err, waitErr)
		}
	}
}

// result compares the row with what was sent and writes the receipt.
func (w *work) result(row salesforce.TenantSecret, confirmed bool) Result {
	var differences []string
	if confirmed {
		if w.hash != "" && !w.hashless && row.SecretValueHash != w.hash {
			differences = append(differences, fmt.Sprintf("SecretValueHash is %q, %q was sent", row.SecretValueHash, w.hash))
		}
		if row.Source != w.Source {
			differences = append(differences, fmt.Sprintf("Source is %q, %q was asked for", row.Source, w.Source))
		}
		if row.Status != "ACTIVE" {
			differences = append(differences, fmt.Sprintf("Status is %q, a new record should be ACTIVE", row.Status))
		}
		if len(differences) > 0 {
			w.warnings = append(w.warnings, Warning{
				Summary: "The new key does not read back as it was sent",
				Detail: fmt.Sprintf("Record %s: %s. The key may be in use already: look at it in Setup (Key Management) before anything else, and keep the escrow "+
					"copy.", row.ID, strings.Join(differences, "; ")),
			})
		}
	}

	result := Result{
		Record: row, Confirmed: confirmed, RotationID: w.id, Hash: w.hash, EscrowCiphertext: w.armored, KeyCheckValue: w.kcv,
	}
	if w.certificate != nil {
		result.CertificateSHA256 = w.certificate.SHA256Fingerprint()
	}
	result.Receipt = w.writeReceipt(w.receipt(row, confirmed, outcomeUploaded))
	result.Warnings = w.warnings

	return result
}

// adopt takes an existing record as this rotation's. The only write is its Description, where that differs.
func (w *work) adopt(ctx context.Context, f finding) (Result, error) {
	row := f.record
	if row.Status != "ACTIVE" && row.Source != SourceRemote {
		return Result{}, fmt.Errorf("the record %s of rotation %s is %s, not ACTIVE: %s has another ACTIVE key, which was made after it; plan again", row.ID, f.id, row.Status, w.Type)
	}
	w.id = f.id

	wanted := keys.Describe(w.Description, f.id)
	change := salesforce.TenantSecretChange{}
	if row.Description != wanted {
		change.Description = &wanted
	}
	if w.Source == SourceRemote {
		change.RemoteKeyServiceID = differing(row.RemoteKeyServiceID, w.RemoteKeyServiceID)
		change.RemoteKeyCertificate = differing(row.RemoteKeyCertificate, w.RemoteKeyCertificate)
	}
	if change != (salesforce.TenantSecretChange{}) {
		if err := w.Registry.Update(ctx, row.ID, change); err != nil {
			return Result{}, fmt.Errorf("marking the adopted record %s: %w", row.ID, err)
		}
		row.Description = wanted
		if change.RemoteKeyServiceID != nil {
			row.RemoteKeyServiceID = w.RemoteKeyServiceID
		}
		if change.RemoteKeyCertificate != nil {
			row.RemoteKeyCertificate = w.RemoteKeyCertificate
		}
	}

	return w.adopted(row, f), nil
}

func differing(is, want string) *string {
	if is == want {
		return nil
	}

	return &want
}

// adopted fills the result with what can still be known of a key that an earlier run made.
func (w *work) adopted(row salesforce.TenantSecret, f finding) Result {
	w.keySource = "adopted"
	w.hash = ""
	if _, err := byok.ParseHash(row.SecretValueHash); err == nil {
		w.hash = row.SecretValueHash
	}

	materialMatches := false
	if !w.Material.IsZero() && !w.hashless {
		if byok.HashMaterial(w.Material) == w.hash {
			materialMatches = true
			w.kcv = byok.KeyCheckValue(w.Material)
		} else {
			w.warnings = append(w.warnings, Warning{
				Summary: "The given key material was not uploaded",
				Detail: fmt.Sprintf("Record %s already answers this configuration (rotation %s), with other key material: its hash is %s. It was adopted. To upload "+
					"the material given now, raise key_material_wo_version.", row.ID, f.id, row.SecretValueHash),
			})
		}
	}

	result := Result{Record: row, Confirmed: true, RotationID: f.id, Adopted: true}
	if w.Source == SourceUploaded {
		w.recoverEscrow(row, materialMatches)
	}
	earlier, remembered := w.earlierReceipt(row)
	if w.hashless {
		w.recognise(earlier)
	}
	result.Hash, result.EscrowCiphertext, result.KeyCheckValue = w.hash, w.armored, w.kcv

	if remembered {
		result.Receipt, result.CertificateSHA256 = earlier.text, earlier.Certificate.sha256()
	} else {
		result.Receipt = w.writeReceipt(w.receipt(row, true, outcomeAdopted))
	}
	result.Warnings = w.warnings

	return result
}

// recognise finds out the hash of an adopted key of which Salesforce keeps none: by the receipt of its upload, else by the given material
// where the name of the escrow copy, which is made before the upload, speaks of it.
func (w *work) recognise(earlier foundReceipt) {
	if _, err := byok.ParseHash(earlier.SecretValueHash); err == nil {
		w.hash = earlier.SecretValueHash
	}
	if w.Material.IsZero() {
		return
	}
	given := byok.HashMaterial(w.Material)
	if name, err := escrow.ParseFileName(filepath.Base(w.escrowFile)); err == nil && w.hash == "" && name.HashPrefix == byok.HashPrefix(given) {
		w.hash = given
	}
	if w.hash == given {
		w.kcv = byok.KeyCheckValue(w.Material)
	}
}

// recoverEscrow finds the escrow copy that the earlier run made before its POST, or makes it anew where the material is at hand.
func (w *work) recoverEscrow(row salesforce.TenantSecret, materialMatches bool) {
	if w.Escrow == nil {
		return
	}
	var findErr error
	if directory := w.Escrow.Directory; directory != nil && (w.hash != "" || w.hashless) {
		found, err := directory.Find(w.Organization, w.Type, w.hash, w.Escrow.Plan)
		if w.hashless {
			found, err = directory.FindRotation(w.Organization, w.Type, w.id.String(), w.Escrow.Plan)
		}
		if err == nil && found.Armored != "" {
			w.armored, w.escrowFile = found.Armored, found.Path

			return
		}
		findErr = err
	}
	if materialMatches {
		err := w.escrow(w.Material)
		if err == nil {
			return
		}
		again := fmt.Errorf("a new one could not be made of the given material: %w", errors.Unwrap(err))
		if findErr != nil {
			again = fmt.Errorf("%w; %w", findErr, again)
		}
		findErr = again
	}
	where := "escrow has no directory, so the copy was only in the state that was never written. Salesforce holds the only copy of this key"
	if w.Escrow.Directory != nil {
		where = "the escrow directory has no copy of it. Salesforce holds the only copy of this key"
	}
	if findErr != nil {
		where = "its escrow copy could not be had: " + findErr.Error()
	}
	w.warnings = append(w.warnings, Warning{
		Summary: "No escrow copy of the adopted key",
		Detail: fmt.Sprintf("Record %s (%s, version %d) was made before and is adopted, but %s. If you must hold one, rotate: change rotation_triggers and apply.", row.ID, row.Type, row.Version,
			where),
	})
}

// utc is the form of times in receipts.
func utc(t time.Time) string { return t.UTC().Format(time.RFC3339) }
