package upload

import (
	"context"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/inventory"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
)

// TenantSecrets are the TenantSecret records of an org. They are read through the shared inventory,
// which every write drops.
type TenantSecrets struct {
	Client    *salesforce.Client
	Inventory *inventory.Inventory
}

// Records implements Org.
func (t TenantSecrets) Records(ctx context.Context) ([]keys.Record, time.Time, error) {
	all, err := t.Inventory.ForWrite(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}

	return all.Records(), all.ServerTime(), nil
}

// Envelope implements Org: the certificate that the configuration names.
func (t TenantSecrets) Envelope(ctx context.Context, r Request, _ keys.RotationID, now time.Time) (Envelope, error) {
	certificate, err := ReadWrappingCertificate(ctx, t.Inventory, r.Certificate, r.Type, now)

	return Envelope{Name: r.Certificate, Certificate: certificate}, err
}

// Send implements Org.
func (t TenantSecrets) Send(ctx context.Context, k New) (string, error) {
	t.Inventory.TenantSecretsChanged()
	defer t.Inventory.TenantSecretsChanged()

	return t.Client.CreateTenantSecret(ctx, tenantSecret(k))
}

func tenantSecret(k New) salesforce.NewTenantSecret {
	r := k.Request
	switch r.Source {
	case keys.SourceHSM:
		return salesforce.GeneratedTenantSecret{
			Type: r.Type, Description: k.Description,
			KeyDerivationMode: r.KeyDerivationMode,
		}
	case keys.SourceRemote:
		return salesforce.RemoteTenantSecret{
			Type: r.Type, Description: k.Description, RemoteKeyIdentifier: r.RemoteKeyIdentifier,
			RemoteKeyServiceID: r.RemoteKeyServiceID, RemoteKeyCertificate: r.RemoteKeyCertificate,
		}
	default:
		return salesforce.UploadedTenantSecret{
			Type: r.Type, Description: k.Description, KeyDerivationMode: r.KeyDerivationMode,
			SecretValue: k.Value, SecretValueHash: k.Hash, Certificate: k.Envelope.Name,
		}
	}
}

// Read implements Org.
func (t TenantSecrets) Read(ctx context.Context, id string) (keys.Record, error) {
	row, err := t.Client.GetTenantSecret(ctx, id)

	return inventory.Record(row), err
}

// Change implements Org.
func (t TenantSecrets) Change(ctx context.Context, id string, change Change) error {
	t.Inventory.TenantSecretsChanged()
	defer t.Inventory.TenantSecretsChanged()

	return t.Client.UpdateTenantSecret(ctx, id, salesforce.TenantSecretChange(change))
}
