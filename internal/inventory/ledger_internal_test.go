package inventory

import (
	"context"
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
		all, err := i.ForPlan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		record, found := all.Find(tc.id)
		if found != tc.found || record.Version != tc.version || len(all.Rows()) != 3 {
			t.Errorf("%q: found %v, version %d of %d records", tc.id, found, record.Version, len(all.Rows()))
		}
	}
	if n := source.lists.Load(); n != 1 {
		t.Errorf("%d reads for all of them, want one", n)
	}
}

func TestRecordsAreTheRowsAsTheRulesSeeThem(t *testing.T) {
	t.Parallel()

	all, err := New(&history{records: 3}).ForPlan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for n, record := range all.Records() {
		if row := all.Rows()[n]; record.ID != row.ID || record.Version != row.Version {
			t.Errorf("record %d is %+v, its row %+v", n, record, row)
		}
	}
	hash := "r6jGHKoQW6gaTbOwRnAHBvT4ygTRPjNVrzMBDVv/gCI="
	if got := Record(salesforce.TenantSecret{SecretValueHash: hash}).Hash; got != hash {
		t.Errorf("found the hash %q", got)
	}
	if got := Record(salesforce.TenantSecret{SecretValueHash: salesforce.UnknownHash}).Hash; got != "" {
		t.Errorf("%q was taken for a hash", got)
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
		if _, err := i.ForPlan(t.Context()); err != nil {
			t.Fatal(err)
		}
		if record, found := i.AtHand(recordID(1)); !found || record.Version != 1 || !at() {
			t.Errorf("after a reading: %v, version %d", found, record.Version)
		}
		if _, found := i.AtHand(recordID(2)); found {
			t.Error("found a record that is not there")
		}
		time.Sleep(planAge + time.Second)
		if at() {
			t.Error("found in a reading that is too old")
		}
		if _, err := i.ForPlan(t.Context()); err != nil {
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
				all, err := i.ForPlan(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				if _, found := all.Find(recordID(records / 2)); !found {
					b.Fatal("not found")
				}
			}
		})
	}
}
