package escrow

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"
)

// receiptExtension replaces the extension of the escrow copy that a receipt lies beside.
const receiptExtension = ".receipt.json"

// maxReceipt bounds what is read of a receipt, in bytes.
const maxReceipt = 64 << 10

func receiptName(escrowName string) (string, error) {
	if _, err := ParseFileName(escrowName); err != nil {
		return "", err
	}
	return strings.TrimSuffix(escrowName, escrowExtension) + receiptExtension, nil
}

// WriteReceipt stores the receipt of the upload whose escrow copy has the given name, beside it and under the same
// promises as [Directory.Write]. A receipt that is there already is kept.
func (d *Directory) WriteReceipt(escrowName, receipt string) error {
	name, err := receiptName(escrowName)
	if err != nil {
		return fmt.Errorf("write the receipt: %w", err)
	}
	_, _, err = d.store(name, receipt)
	return err
}

// ReadReceipt returns the receipt beside the escrow copy of the given name, and "" where there is none.
func (d *Directory) ReadReceipt(escrowName string) (string, error) {
	name, err := receiptName(escrowName)
	if err != nil {
		return "", fmt.Errorf("read the receipt: %w", err)
	}
	info, err := d.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	path := filepath.Join(d.path, name)
	if err != nil {
		return "", escrowError("look for the receipt "+path, err)
	}
	if !info.Mode().IsRegular() || info.Size() > maxReceipt {
		return "", fmt.Errorf("%s is not a receipt: expected a regular file of at most %d bytes", path, maxReceipt)
	}
	text, err := d.read(name)
	if err != nil {
		return "", escrowError("read the receipt "+path, err)
	}
	return text, nil
}

// Remove deletes one escrow copy, of a key that was never used. A copy that is gone already is no error.
func (d *Directory) Remove(escrowName string) error {
	if _, err := ParseFileName(escrowName); err != nil {
		return fmt.Errorf("remove the escrow copy: %w", err)
	}
	if err := d.root.Remove(escrowName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return escrowError("remove the escrow copy "+filepath.Join(d.path, escrowName), err)
	}
	return nil
}

// LastAttempt returns when the newest escrow copy of a rotation was written, and false where there is none or the
// directory can't be listed: the copy is written right before an upload, so it tells that one was at least attempted.
func (d *Directory) LastAttempt(org, typ, rotationID string) (time.Time, bool) {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return time.Time{}, false
	}
	var newest time.Time
	for _, entry := range entries {
		name, err := ParseFileName(entry.Name())
		if err != nil || name.Organization != org || name.Type != typ || name.RotationID != rotationID {
			continue
		}
		if info, err := entry.Info(); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest, !newest.IsZero()
}
