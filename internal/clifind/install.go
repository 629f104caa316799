package clifind

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/hc-install/product"
	"github.com/hashicorp/hc-install/releases"
)

// install returns the Terraform binary in dir, fetching the newest release when
// there is none. hc-install checks the release's signature and checksum.
func install(ctx context.Context, dir string) (string, error) {
	have := filepath.Join(dir, product.Terraform.BinaryName())
	if st, err := os.Stat(have); err == nil && st.Mode().IsRegular() {
		return have, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a public binary, not a secret
		return "", fmt.Errorf("making the directory for Terraform: %w", err)
	}
	// The release is unpacked beside its final place: a run that is cut short
	// must not leave half a binary under the name that the next one trusts.
	tmp, err := os.MkdirTemp(dir, "install-")
	if err != nil {
		return "", fmt.Errorf("making a directory to unpack Terraform: %w", err)
	}
	defer os.RemoveAll(tmp) //nolint:errcheck // nothing of value is left in it
	release := &releases.LatestVersion{Product: product.Terraform, InstallDir: tmp}
	got, err := release.Install(ctx)
	if err != nil {
		return "", fmt.Errorf("fetching Terraform: %w", err)
	}
	if err := os.Rename(got, have); err != nil {
		return "", fmt.Errorf("placing Terraform: %w", err)
	}
	return have, nil
}
