package clifind

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hc-install/product"
)

func TestFind(t *testing.T) {
	t.Parallel()
	abs := func(name string) string {
		p, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	notInstalled := errors.New("no route to the releases")
	tests := map[string]struct {
		env     map[string]string
		path    map[string]string // name -> what LookPath returns
		look    error             // LookPath's error when the name is not in path
		printed map[string]string // absolute path -> what `version` prints
		install string
		want    CLI
		wantErr string
	}{
		"named": {
			env:     map[string]string{PathVariable: "/opt/new/terraform"},
			path:    map[string]string{"terraform": "/usr/bin/terraform"},
			printed: map[string]string{"/opt/new/terraform": "Terraform v1.17.0-dev\non linux_amd64\n"},
			want:    CLI{Path: "/opt/new/terraform", Product: Terraform, Version: "1.17.0-dev"},
		},
		"named but broken, though another is on PATH": {
			env:     map[string]string{PathVariable: "/opt/gone"},
			path:    map[string]string{"terraform": "/usr/bin/terraform"},
			printed: map[string]string{"/usr/bin/terraform": "Terraform v1.11.4\n"},
			wantErr: "running /opt/gone version",
		},
		"terraform before tofu": {
			path:    map[string]string{"terraform": "/usr/bin/terraform", "tofu": "/usr/bin/tofu"},
			printed: map[string]string{"/usr/bin/terraform": "Terraform v1.11.4\n"},
			want:    CLI{Path: "/usr/bin/terraform", Product: Terraform, Version: "1.11.4"},
		},
		"tofu alone": {
			path:    map[string]string{"tofu": "/usr/bin/tofu"},
			printed: map[string]string{"/usr/bin/tofu": "OpenTofu v1.12.6\non linux_amd64\n"},
			want:    CLI{Path: "/usr/bin/tofu", Product: OpenTofu, Version: "1.12.6"},
		},
		"tofu under the name of terraform": {
			path:    map[string]string{"terraform": "/usr/bin/terraform"},
			printed: map[string]string{"/usr/bin/terraform": "OpenTofu v1.12.6\n"},
			want:    CLI{Path: "/usr/bin/terraform", Product: OpenTofu, Version: "1.12.6"},
		},
		"relative path": {
			env:     map[string]string{PathVariable: "bin/terraform"},
			printed: map[string]string{abs("bin/terraform"): "Terraform v1.14.0\n"},
			want:    CLI{Path: abs("bin/terraform"), Product: Terraform, Version: "1.14.0"},
		},
		"installed": {
			install: "/cache/terraform",
			printed: map[string]string{"/cache/terraform": "Terraform v1.14.0\r\n"},
			want:    CLI{Path: "/cache/terraform", Product: Terraform, Version: "1.14.0"},
		},
		"not to be had": {wantErr: notInstalled.Error()},
		"something else": {
			path:    map[string]string{"terraform": "/usr/bin/terraform"},
			printed: map[string]string{"/usr/bin/terraform": "terraform-docs v0.1.0\n"},
			wantErr: `found "terraform-docs v0.1.0"`,
		},
		"silent": {
			path:    map[string]string{"terraform": "/usr/bin/terraform"},
			printed: map[string]string{"/usr/bin/terraform": ""},
			wantErr: `found ""`,
		},
		"PATH that can't be searched": {
			look:    exec.ErrDot,
			wantErr: "looking for terraform on PATH",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := Finder{
				Getenv: func(k string) string { return tc.env[k] },
				LookPath: func(name string) (string, error) {
					if p, ok := tc.path[name]; ok {
						return p, nil
					}
					if tc.look != nil {
						return "", tc.look
					}
					return "", &exec.Error{Name: name, Err: exec.ErrNotFound}
				},
				Version: func(_ context.Context, p string) (string, error) {
					if out, ok := tc.printed[p]; ok {
						return out, nil
					}
					return "", os.ErrNotExist
				},
				Install: func(context.Context) (string, error) {
					if tc.install == "" {
						return "", notInstalled
					}
					return tc.install, nil
				},
			}
			got, err := f.Find(t.Context())
			if tc.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wantErr) {
					t.Fatalf("got error %v, want one with %q", err, tc.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	terraform := CLI{Path: "/t", Product: Terraform}.Environment()
	if want := []string{PathVariable + "=/t"}; !slices.Equal(terraform, want) {
		t.Errorf("Terraform: got %q, want %q", terraform, want)
	}
	tofu := CLI{Path: "/o", Product: OpenTofu}.Environment()
	want := []string{
		PathVariable + "=/o", "TF_ACC_PROVIDER_NAMESPACE=hashicorp",
		"TF_ACC_PROVIDER_HOST=registry.opentofu.org",
	}
	if !slices.Equal(tofu, want) {
		t.Errorf("OpenTofu: got %q, want %q", tofu, want)
	}
}

// An installed Terraform is used again without a network.
func TestInstallReuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	want := filepath.Join(dir, product.Terraform.BinaryName())
	if err := os.WriteFile(want, []byte("binary"), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	got, err := install(ctx, dir)
	if err != nil || got != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

// A failed installation leaves nothing that the next run would trust.
func TestInstallCutShort(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := install(ctx, dir); err == nil {
		t.Fatal("installing under a cancelled context succeeded")
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func FuzzParseVersion(f *testing.F) {
	f.Add("Terraform v1.11.4\non linux_amd64\n")
	f.Add("OpenTofu v1.12.6")
	f.Add("Terraform v1.17.0-dev")
	f.Add("v1\n")
	f.Fuzz(func(t *testing.T, out string) {
		p, v, err := parseVersion(out)
		if err == nil && ((p != Terraform && p != OpenTofu) || v == "" || strings.ContainsAny(v, " \n")) {
			t.Errorf("accepted %q as %q %q", out, p, v)
		}
	})
}
