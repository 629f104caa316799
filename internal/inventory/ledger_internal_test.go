package inventory

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// history is a source with a number of records.
type history struct {
	org

	records int
}

func recordID(n int) string { return fmt.Sprintf("02G0000000%05d", n) }

func (h *history) ListTenantSecrets(ctx context.Context) (salesforce.TenantSecrets, error) {
	all, err := h.org.ListTenantSecrets(ctx)
	all.Records = nil
	for n := range h.records {
		all.Records = append(all.Records, salesforce.TenantSecret{ID: recordID(n), Version: int64(n)})
	}

	return all, err
}

func TestTenantSecretFindsByEitherFormOfTheID(t *testing.T) {
	t.Parallel()

	source := &history{records: 3}
	i := New(source)
	for _, tc := range []struct {
		id      string
		found   bool
		version int64
	}{
		{recordID(0), true, 0},
		{recordID(2), true, 2},
		{recordID(1) + "AAA", true, 1},
		{recordID(3), false, 0},
		{"02G", false, 0},
		{"", false, 0},
	} {
		record, found, count, err := i.TenantSecret(t.Context(), tc.id)
		if err != nil {
			t.Fatal(err)
		}
		if found != tc.found || record.Version != tc.version || count != 3 {
			t.Errorf("%q: found %v, version %d of %d records", tc.id, found, record.Version, count)
		}
	}
	if n := source.lists.Load(); n != 1 {
		t.Errorf("%d reads for all of them, want one", n)
	}
}

func TestTenantSecretSeesAWrite(t *testing.T) {
	t.Parallel()

	source := &history{records: 1}
	i := New(source)
	if _, found, _, err := i.TenantSecret(t.Context(), recordID(1)); err != nil || found {
		t.Fatalf("before: %v, %v", found, err)
	}
	source.records = 2
	i.TenantSecretsChanged()
	if _, found, _, err := i.TenantSecret(t.Context(), recordID(1)); err != nil || !found {
		t.Errorf("after the write: %v, %v", found, err)
	}
}

func TestTenantSecretTellsAFailedReadFromAMissingRecord(t *testing.T) {
	t.Parallel()

	source := &history{records: 1}
	broken := errors.New("no route")
	source.fail.Store(&broken)
	_, found, _, err := New(source).TenantSecret(t.Context(), recordID(0))
	if !errors.Is(err, broken) || found {
		t.Errorf("got %v, %v", found, err)
	}
}

func TestAtHandReadsNothing(t *testing.T) {
	t.Parallel()

	synctest.Test(t, func(t *testing.T) {
		source := &history{records: 2}
		i := New(source)
		at := func() bool {
			_, found := i.AtHand(recordID(1) + "AAA")

			return found
		}
		if at() {
			t.Error("found before anything was read")
		}
		if _, err := i.TenantSecrets(t.Context()); err != nil {
			t.Fatal(err)
		}
		if record, found := i.AtHand(recordID(1)); !found || record.Version != 1 || !at() {
			t.Errorf("after a reading: %v, version %d", found, record.Version)
		}
		if _, found := i.AtHand(recordID(2)); found {
			t.Error("found a record that is not there")
		}
		time.Sleep(refreshAge + time.Second)
		if at() {
			t.Error("found in a reading that is too old")
		}
		if _, err := i.TenantSecrets(t.Context()); err != nil {
			t.Fatal(err)
		}
		i.TenantSecretsChanged()
		if at() {
			t.Error("found in a reading from before a write")
		}
		if n := source.lists.Load(); n != 2 {
			t.Errorf("%d reads, want the two that were asked for", n)
		}
	})
}

// One look-up must not cost more in a longer history.
func BenchmarkTenantSecret(b *testing.B) {
	for _, records := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("records=%d", records), func(b *testing.B) {
			i := New(&history{records: records})
			for b.Loop() {
				if _, found, _, err := i.TenantSecret(b.Context(), recordID(records/2)); err != nil || !found {
					b.Fatal(found, err)
				}
			}
		})
	}
}
