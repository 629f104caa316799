package upload

import (
	"cmp"
	"path/filepath"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
)

// OfRecord adds to a receipt what a reading of a record shows.
func OfRecord(r receipt.Receipt, row keys.Record) receipt.Receipt {
	r.TenantSecretID, r.Version, r.Type, r.Source, r.CreatedBy, r.StatusAfter = row.ID, row.Version, row.Type, row.Source,
		row.CreatedBy, row.Status
	if _, err := byok.ParseHash(row.Hash); err == nil {
		r.SecretValueHash = row.Hash
	}

	return r
}

// OfCertificate is a wrapping certificate as receipts name it.
func OfCertificate(name string, c *byok.Certificate) *receipt.Certificate {
	return &receipt.Certificate{
		DeveloperName: name, SerialNumber: c.SerialNumber(), SHA256: c.SHA256Fingerprint(),
		NotAfter: receipt.UTC(c.X509.NotAfter),
	}
}

// OfPins says whether certificate_pins held; verifiable is false for what was wrapped elsewhere. It
// returns nil without pins.
func OfPins(pins []string, verifiable bool) *receipt.Pins {
	if len(pins) == 0 {
		return nil
	}
	outcome := receipt.PinsHeld
	if !verifiable {
		outcome = receipt.PinsNotVerifiable
	}

	return &outcome
}

// Evidence adds to a receipt who can open a copy, and where it is.
func (e *Escrow) Evidence(r receipt.Receipt, armored, path string) receipt.Receipt {
	if armored == "" {
		return r
	}
	r.EscrowRecipients, r.EscrowRecipientGroups, r.EscrowNotice = e.Plan.Recipients(), e.Plan.Groups(), escrow.FIPSNotice()
	r.EscrowSHA256 = receipt.Sum(armored)
	if path != "" {
		r.EscrowFile = filepath.Base(path)
	}

	return r
}

// Amended is the evidence of a patch of a record: it repeats what the given receipt says of how its
// key was made, if that is of this record.
func Amended(r, made receipt.Receipt, row keys.Record) receipt.Receipt {
	amended := made
	if made.TenantSecretID != row.ID {
		amended = receipt.Receipt{}
	}
	amended.Operation, amended.Cause, amended.Time, amended.Resource, amended.RotationID = receipt.Patch, r.Cause, r.Time,
		r.Resource, r.RotationID
	amended.OrganizationID, amended.UserID, amended.FIPSMode, amended.ProviderVersion, amended.Previous = r.OrganizationID,
		r.UserID, r.FIPSMode, r.ProviderVersion, r.Previous
	amended.StatusBefore = row.Status

	return OfRecord(amended, row)
}

// receipt is the evidence of this run's work on a record. A record that could not be read back has
// no status.
func (w *run) receipt(operation receipt.Operation, row keys.Record, confirmed bool, s sealed) receipt.Receipt {
	r := OfRecord(w.Receipt, row)
	r.Operation, r.Time, r.OrganizationID, r.Type, r.RotationID = operation, receipt.UTC(w.now), w.Organization, w.Type,
		w.id.String()
	r.SecretValueHash, r.KeySource = "", s.material
	if _, err := byok.ParseHash(s.hash); err == nil {
		r.SecretValueHash = s.hash
	}
	r.Source = cmp.Or(r.Source, w.Source)
	if operation != receipt.Upload {
		r.StatusBefore = row.Status
		if s.copy.path != "" {
			r.EscrowFile = filepath.Base(s.copy.path)
		}

		return r
	}
	if c := s.envelope.Certificate; c != nil {
		r.Certificate = OfCertificate(s.envelope.Name, c)
		r.PinsHeld = OfPins(w.CertificatePins, s.material != materialWrapped)
		if s.material != materialWrapped {
			// What was wrapped elsewhere is opaque: neither its algorithm nor its certificate can be known
			// here.
			r.WrappingAlg = string(w.algorithm())
		}
	}
	r = w.Escrow.Evidence(r, s.copy.armor, s.copy.path)
	if confirmed && s.hash != "" && !w.Hashless {
		matched := row.Hash == s.hash
		r.HashMatched = &matched
	}

	return r
}

// writeReceipt encodes a receipt and keeps it beside the escrow copy too, if there is one: state
// can be lost.
func (w *run) writeReceipt(r receipt.Receipt, path string) string {
	text := r.Encode()
	if path == "" {
		return text
	}
	if err := w.Escrow.Directory.WriteReceipt(filepath.Base(path), text); err != nil {
		w.warn("escrow.directory", "No receipt beside the escrow copy", "The upload is done, and its "+
			"receipt is in state. Writing it beside %s failed: %s. Save it from the state if you need it there.", path, err)
	}

	return text
}

// foundReceipt is a receipt that is there already, with its text as it stands.
type foundReceipt struct {
	receipt.Receipt

	text string
}

// earlierReceipt finds the receipt of an adopted record: that of the state, else the one beside the
// escrow copy. One that speaks of another record is not evidence.
func (w *run) earlierReceipt(row keys.Record, path string) (foundReceipt, bool) {
	if held, err := receipt.Parse(w.InState); err == nil && w.heldInState(row) && held.TenantSecretID == row.ID {
		return foundReceipt{Receipt: held, text: w.InState}, true
	}

	return w.receiptBeside(path, row)
}

// receiptBeside reads the receipt of a record beside its escrow copy, "" for none.
func (r Request) receiptBeside(path string, row keys.Record) (foundReceipt, bool) {
	if path == "" {
		return foundReceipt{}, false
	}
	text, err := r.Escrow.Directory.ReadReceipt(filepath.Base(path))
	if err != nil || text == "" {
		return foundReceipt{}, false
	}
	found, err := receipt.Parse(text)
	if err != nil || found.TenantSecretID != row.ID || (!r.Hashless && found.SecretValueHash != row.Hash) {
		return foundReceipt{}, false
	}

	return foundReceipt{Receipt: found, text: text}, true
}

// CertificateOf returns the fingerprint of the certificate that wrapped a key of this rotation, by
// the receipt beside its escrow copy, and "" if there is none.
func (r Request) CertificateOf(organization string, row keys.Record) string {
	if r.Escrow.directory() == nil {
		return ""
	}
	held, err := r.Escrow.Directory.Find(organization, r.Type, row.Hash, r.Escrow.Plan)
	if err != nil {
		return ""
	}
	found, ok := r.receiptBeside(held.Path, row)
	if !ok || found.Certificate == nil {
		return ""
	}

	return found.Certificate.SHA256
}

// evidence returns the receipts of an adoption, the newest last: that of the key's making, if it is
// there, and one of what was done now.
func (w *run) evidence(row keys.Record, changed bool, s sealed, made foundReceipt, remembered bool) []string {
	switch {
	case !remembered:
		return []string{w.writeReceipt(w.receipt(receipt.Adopt, row, true, s), s.copy.path)}
	case !changed:
		return []string{made.text}
	default:
		r := w.Receipt
		r.Time, r.RotationID = receipt.UTC(w.now), w.id.String()

		return []string{made.text, Amended(r.After(made.text), made.Receipt, row).Encode()}
	}
}
