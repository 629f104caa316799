package custody

import (
	"context"
	"errors"
	"fmt"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/look"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

// Org is what a Keeper needs of Salesforce; *salesforce.Client is one.
type Org interface {
	GetTenantSecret(ctx context.Context, id string) (salesforce.TenantSecret, error)
	ExportTenantSecret(ctx context.Context, id string) (salesforce.TenantSecretExport, error)
	DestroyTenantSecret(ctx context.Context, id string) error
	RestoreTenantSecret(ctx context.Context, id string, export secret.Text) error
	ReactivateTenantSecret(ctx context.Context, id string) error
}

// Keeper carries out transitions. Its fields may not change after the first call.
type Keeper struct {
	Org Org
	// Changed is called before and after each write.
	Changed func()
	// Check is asked on the reading right before each PATCH; its error stops it. Nil stops nothing.
	Check func(row salesforce.TenantSecret) error
	// Patience is for a record that is not there, as a reading that lags behind may have it, and for
	// one whose PATCH had no answer.
	Patience look.Patience
}

// ErrBackupRenewed says that the export differed from the saved one right before a destroy, so that
// nothing was destroyed: the new export must be saved by this run first, and used by the next.
var ErrBackupRenewed = errors.New("the saved backup was out of date")

// Export is a record with its export, which is checked as far as can be without Salesforce's key.
type Export struct {
	Record salesforce.TenantSecret
	Value  secret.Text
}

// Save reads a record with its export. Salesforce may log that as an export of the key [D]. A
// record without one, as DESTROYED and cache-only ones are, is an error.
func (k *Keeper) Save(ctx context.Context, id string) (Export, error) {
	row, err := k.Org.ExportTenantSecret(ctx, id)
	if err != nil {
		return Export{}, fmt.Errorf("reading the export of record %s: %w", id, err)
	}
	if isEmpty(row.SecretValue) {
		return Export{}, noExport(row.TenantSecret)
	}

	return Export{Record: row.TenantSecret, Value: row.SecretValue}, nil
}

// Destroy destroys an ARCHIVED record whose export was saved before. The export is read again right
// before: if it has changed, nothing is destroyed, the new one is returned, and the error is
// ErrBackupRenewed. One that is another at every read has not changed.
func (k *Keeper) Destroy(ctx context.Context, id string, saved secret.Text) (Export, error) {
	row, err := patiently(ctx, k, func() (salesforce.TenantSecretExport, error) {
		return k.Org.ExportTenantSecret(ctx, id)
	})
	if err != nil {
		return Export{}, fmt.Errorf("reading the export of record %s; nothing was destroyed: %w", id, err)
	}
	if err := errors.Join(k.check(row.TenantSecret), mayDestroy(row.TenantSecret)); err != nil {
		return Export{}, err
	}
	if isEmpty(row.SecretValue) {
		return Export{}, fmt.Errorf("%w; nothing was destroyed", noExport(row.TenantSecret))
	}
	if !row.SecretValue.Equal(saved) && !k.exportsDiffer(ctx, row, saved) {
		return Export{Record: row.TenantSecret, Value: row.SecretValue}, ErrBackupRenewed
	}
	after, err := k.patch(ctx, id, keys.StatusDestroyed, func() error { return k.Org.DestroyTenantSecret(ctx, id) })

	return Export{Record: after, Value: saved}, err
}

// exportsDiffer reports whether Salesforce gives another export of an unchanged key at each read,
// which is not known [U]: the saved one is as good as any then, and would never equal what is read.
// It takes three that differ. Where the second read is the saved one, servers of two releases take
// turns; where the saved one has another length, it is no such export: both are renewed.
func (k *Keeper) exportsDiffer(ctx context.Context, row salesforce.TenantSecretExport, saved secret.Text) bool {
	if isEmpty(saved) || len(saved.Expose()) != len(row.SecretValue.Expose()) {
		return false
	}
	again, err := k.Org.ExportTenantSecret(ctx, row.ID)

	return err == nil && !isEmpty(again.SecretValue) && !again.SecretValue.Equal(row.SecretValue) &&
		!again.SecretValue.Equal(saved) && again.SecretValueHash == row.SecretValueHash
}

// DestroyForGood destroys a record without keeping anything, or ends the callouts of the newest
// cache-only record.
func (k *Keeper) DestroyForGood(ctx context.Context, id string) (salesforce.TenantSecret, error) {
	row, err := k.read(ctx, id)
	if err != nil {
		return row, fmt.Errorf("reading record %s right before its destruction; nothing was destroyed: %w", id, err)
	}
	if row.Status == keys.StatusDestroyed {
		return row, nil
	}
	if err := k.check(row); err != nil {
		return row, err
	}
	if row.Source != keys.SourceRemote {
		if err := mayDestroy(row); err != nil {
			return row, err
		}
	}

	return k.patch(ctx, id, keys.StatusDestroyed, func() error { return k.Org.DestroyTenantSecret(ctx, id) })
}

func (k *Keeper) check(row salesforce.TenantSecret) error {
	if k.Check == nil {
		return nil
	}

	return k.Check(row)
}

// read reads a record, patiently.
func (k *Keeper) read(ctx context.Context, id string) (salesforce.TenantSecret, error) {
	return patiently(ctx, k, func() (salesforce.TenantSecret, error) { return k.Org.GetTenantSecret(ctx, id) })
}

// patiently repeats a reading that finds no record: a tenant secret can't be deleted, so the
// reading may lag behind.
func patiently[T any](ctx context.Context, k *Keeper, read func() (T, error)) (T, error) {
	var row T
	_, err := k.Patience.Until(ctx, func(context.Context) (bool, error) {
		var err error
		if row, err = read(); err != nil && !errors.Is(err, salesforce.ErrNotFound) {
			return false, look.Stop(err)
		}

		return err == nil, err
	})

	return row, err
}

func isEmpty(export secret.Text) bool { return export.IsZero() || export.Expose() == "" }

func noExport(row salesforce.TenantSecret) error {
	return fmt.Errorf("record %s (%s, version %d) is %s and Salesforce returned no SecretValue for it, so there is no "+
		"export to keep", row.ID, row.Type, row.Version, row.Status)
}

// mayDestroy checks the status once more: between a plan and its apply a record can change.
func mayDestroy(row salesforce.TenantSecret) error {
	if row.Status == keys.StatusArchived {
		return nil
	}

	return fmt.Errorf("record %s is %s now, not %s; nothing was destroyed, plan again", row.ID, row.Status,
		keys.StatusArchived)
}

// Restore brings a DESTROYED record back from its export and checks that Salesforce kept its hash.
func (k *Keeper) Restore(ctx context.Context, id string, export secret.Text) (salesforce.TenantSecret, error) {
	if isEmpty(export) {
		return salesforce.TenantSecret{}, fmt.Errorf("record %s can't be restored without its export; nothing was changed",
			id)
	}
	before, err := k.read(ctx, id)
	if err != nil {
		return before, fmt.Errorf("reading record %s before its restoration; nothing was changed: %w", id, err)
	}
	if before.Status == keys.StatusArchived {
		return before, nil
	}
	if err := k.check(before); err != nil {
		return before, err
	}
	if before.Status != keys.StatusDestroyed {
		return before, fmt.Errorf("record %s is %s now, not %s; nothing was changed, plan again", id, before.Status,
			keys.StatusDestroyed)
	}
	row, err := k.patch(ctx, id, keys.StatusArchived, func() error { return k.Org.RestoreTenantSecret(ctx, id, export) })
	if err != nil {
		return row, err
	}
	if _, err := byok.ParseHash(before.SecretValueHash); err == nil && row.SecretValueHash != before.SecretValueHash {
		return row, fmt.Errorf("record %s was restored, but its SecretValueHash changed from %q to %q: it may not be the "+
			"key that it was; look at it in Setup before anything else", id, before.SecretValueHash, row.SecretValueHash)
	}

	return row, nil
}

// Reactivate makes the newest cache-only record ACTIVE again; Salesforce fetches the key at once.
func (k *Keeper) Reactivate(ctx context.Context, id string) (salesforce.TenantSecret, error) {
	return k.patch(ctx, id, keys.StatusActive, func() error { return k.Org.ReactivateTenantSecret(ctx, id) })
}

// patch sends one change of status and reads the record back. After an answer that leaves the
// outcome open it looks, patiently, and never sends a second time.
func (k *Keeper) patch(ctx context.Context, id, wanted string, send func() error) (salesforce.TenantSecret, error) {
	k.Changed()
	defer k.Changed()
	err := send()
	if err == nil {
		row, readErr := k.await(ctx, id, wanted)
		if readErr != nil {
			return row, fmt.Errorf("the change of record %s to %s was accepted, but reading it back failed; plan again: %w", id,
				wanted, readErr)
		}
		if row.Status != wanted {
			return row, fmt.Errorf("the change of record %s to %s was accepted, but it reads %s; plan again before anything "+
				"else", id, wanted, row.Status)
		}

		return row, nil
	}
	if !errors.Is(err, salesforce.ErrOutcomeUnknown) {
		return salesforce.TenantSecret{}, fmt.Errorf("setting record %s to %s: %w", id, wanted, err)
	}
	row, readErr := k.await(ctx, id, wanted)
	if readErr == nil && row.Status == wanted {
		return row, nil
	}

	return row, fmt.Errorf("setting record %s to %s had no answer that shows the outcome, and the record has not "+
		"changed since; nothing was sent twice, the next plan shows what holds: %w", id, wanted, errors.Join(err, readErr))
}

// await looks at a record until it has the wanted status, the looks are over, or the org's request
// limit lets no other look through.
func (k *Keeper) await(ctx context.Context, id, wanted string) (salesforce.TenantSecret, error) {
	var row salesforce.TenantSecret
	_, err := k.Patience.Until(ctx, func(ctx context.Context) (bool, error) {
		var err error
		if row, err = k.Org.GetTenantSecret(ctx, id); errors.Is(err, salesforce.ErrRequestLimit) {
			return false, look.Stop(err)
		}

		return row.Status == wanted, err
	})

	return row, err
}
