package upload

import (
	"context"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/inventory"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// TenantSecrets is the Registry of an org's TenantSecret records. It reads through the shared inventory and drops that at each write.
type TenantSecrets struct {
	Client    *salesforce.Client
	Inventory *inventory.Inventory
}

// Records implements Registry.
func (t TenantSecrets) Records(ctx context.Context, _ time.Duration) ([]salesforce.TenantSecret, time.Time, error) {
	all, err := t.Inventory.ForWrite(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}

	return all.Rows(), all.ServerTime(), nil
}

// Create implements Registry.
func (t TenantSecrets) Create(ctx context.Context, record salesforce.NewTenantSecret) (string, error) {
	t.Inventory.TenantSecretsChanged()
	defer t.Inventory.TenantSecretsChanged()

	return t.Client.CreateTenantSecret(ctx, record)
}

// Get implements Registry.
func (t TenantSecrets) Get(ctx context.Context, id string) (salesforce.TenantSecret, error) {
	return t.Client.GetTenantSecret(ctx, id)
}

// Update implements Registry.
func (t TenantSecrets) Update(ctx context.Context, id string, change salesforce.TenantSecretChange) error {
	t.Inventory.TenantSecretsChanged()
	defer t.Inventory.TenantSecretsChanged()

	return t.Client.UpdateTenantSecret(ctx, id, change)
}
