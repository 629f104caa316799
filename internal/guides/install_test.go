package guides_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
)

// release lays out a downloaded release as the release workflow names its files: archives of this
// platform and of another, and their sums. They are stored, not compressed: that takes the race
// detector half a minute. What is appended to the provider makes it another binary
// that works as well.
func release(t *testing.T, version string, appended ...byte) string {
	t.Helper()
	built, err := acctest.ProviderDirectory()
	if err != nil {
		t.Fatal(err)
	}
	suffix := ""
	if runtime.GOOS == "windows" {
		suffix = ".exe"
	}
	binary, err := os.ReadFile(filepath.Join(built, "terraform-provider-salesforcebyok"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	binary = append(binary, appended...)
	dir := t.TempDir()
	var sums strings.Builder
	// What lies in the second archive is not run: only its name and hash are used.
	for platform, content := range map[string][]byte{
		runtime.GOOS + "_" + runtime.GOARCH: binary,
		"solaris_amd64":                     []byte("another platform's"),
	} {
		var archive bytes.Buffer
		w := zip.NewWriter(&archive)
		header := &zip.FileHeader{Name: "terraform-provider-salesforcebyok_v" + version + suffix, Method: zip.Store}
		header.SetMode(0o755)
		file, err := w.CreateHeader(header)
		if err == nil {
			_, err = file.Write(content)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("terraform-provider-salesforcebyok_%s_%s.zip", version, platform)
		put(t, filepath.Join(dir, name), archive.Bytes())
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(archive.Bytes()), name)
	}
	// Some file that was not downloaded, as the sums of a release name them all.
	fmt.Fprintf(&sums, "%x  terraform-provider-salesforcebyok_%s_manifest.json\n", sha256.Sum256(nil), version)
	put(t, filepath.Join(dir, "terraform-provider-salesforcebyok_"+version+"_SHA256SUMS"), []byte(sums.String()))

	return dir
}

func put(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// user is a shell with a home of its own and no settings of the CLI at all: neither overrides nor a
// provider that was built for the tests.
func user(t *testing.T, programs ...string) *shell {
	t.Helper()
	s := newShell(t, programs...)
	s.env = append(s.env, "HOME="+t.TempDir(), "XDG_DATA_HOME=", "XDG_CONFIG_HOME=")
	mirror, err := filepath.Abs(filepath.Join(top, "examples", "distribution", "mirror"))
	if err != nil {
		t.Fatal(err)
	}

	return s.then("the script", "mkdir -p distribution && cp '"+mirror+"' distribution/mirror\nunset TF_CLI_CONFIG_FILE\n")
}

const installed = `terraform {
  required_providers {
    salesforcebyok = {
      source  = "salesforcebyok/salesforcebyok"
      version = "~> 1.0"
    }
  }
  backend "local" { path = "state/terraform.tfstate" }
}

data "salesforcebyok_organization" "this" {}

output "organization" { value = data.salesforcebyok_organization.this.id }
`

// signed signs the sums of a release with a key that the shell's user has imported, as the release
// workflow does.
const signed = `
export GNUPGHOME="$(mktemp -d)"
trap 'gpgconf --kill all; rm -rf "$GNUPGHOME"' EXIT
gpg --batch --quiet --passphrase '' --quick-generate-key 'A release' rsa3072 sign 1d
for sums in "$RELEASE"/*_SHA256SUMS; do gpg --batch --quiet --output "$sums.sig" --detach-sign "$sums"; done
`

func TestWalkInstallFromAFilesystemMirror(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	p := open(t, "install")
	s := user(t, "gpg", "gpgconf", "awk")
	for name, value := range credentials(sim) {
		s.env = append(s.env, name+"="+value)
	}
	s.env = append(s.env, "RELEASE="+release(t, "1.2.3"), "OTHER="+release(t, "1.2.3", 0))
	printed := s.
		then("sign", signed).
		then("mirror", p.block("sh", "distribution/mirror ~/Downloads", "~/Downloads/1.2.3", `"$RELEASE"`, "/srv/terraform",
			"$PWD/mirror")).
		then("settings", "cat > ~/.terraformrc <<END\n"+p.block("hcl", "filesystem_mirror", "/srv/terraform", "$PWD/mirror")+
			"END\ncp ~/.terraformrc ~/.tofurc\n").
		write("main.tf", installed).
		then("init", p.block("sh", "terraform init # from the mirror")).
		then("before", "cat .terraform.lock.hcl\n").
		then("lock", p.block("sh", "providers lock", "/srv/terraform", "$PWD/mirror", "linux_amd64",
			runtime.GOOS+"_"+runtime.GOARCH,
			"darwin_arm64", "solaris_amd64")).
		then("after", "cat .terraform.lock.hcl\n").
		then("apply", "terraform apply >/dev/null\nls state\nterraform output -raw organization\n").
		// An archive that was exchanged in the mirror is not the one in the lock file.
		then("exchanged", "rm -rf .terraform mirror\nUNSIGNED=1 distribution/mirror \"$OTHER\" mirror\nif terraform init; "+
			"then exit 1; fi\n").
		run()

	says(t, printed, "mirror", "for 2 platforms is in")
	says(t, printed, "init", "Installed salesforcebyok/salesforcebyok v1.2.3")
	says(t, printed, "apply", "terraform.tfstate", sim.OrganizationID)
	says(t, printed, "exchanged", "salesforcebyok/salesforcebyok")
	if !regexp.MustCompile(`(checksum|hash)`).MatchString(printed["exchanged"]) {
		t.Errorf("expected the exchanged archive to be refused by its checksum, found\n%s", printed["exchanged"])
	}
	if before, after := strings.Count(printed["before"], `"h1:`),
		strings.Count(printed["after"], `"h1:`); before != 1 || after != 2 {
		t.Errorf("expected one h1 hash after init and two after providers lock, found %d and %d\n%s", before, after,
			printed["after"])
	}
}

// The same directory, served over HTTPS by nothing that knows the protocol, under a CA that the
// machine does not know.
func TestWalkInstallFromANetworkMirror(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "darwin" {
		t.Skip("Go asks the keychain, not SSL_CERT_FILE, on this system")
	}
	p := open(t, "install")
	sim := acctest.StartSim(t)
	s := user(t, "awk")
	mirror := filepath.Join(s.dir, "mirror")
	var mutex sync.Mutex
	var served []string
	files := http.FileServer(http.Dir(mirror))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		served = append(served, r.URL.Path)
		mutex.Unlock()
		files.ServeHTTP(w, r)
	}))
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.crt")
	put(t, ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	for name, value := range credentials(sim) {
		s.env = append(s.env, name+"="+value)
	}
	s.env = append(s.env, "RELEASE="+release(t, "1.2.3"), "OLDER="+release(t, "1.1.0"))
	printed := s.
		then("mirror", "UNSIGNED=1 distribution/mirror \"$OLDER\" mirror\nUNSIGNED=1 distribution/mirror \"$RELEASE\" "+
			"mirror\n").
		then("settings", "cat > ~/.terraformrc <<END\n"+p.block("hcl", "network_mirror", "https://mirror.example.com/",
			server.URL+"/")+"END\ncp ~/.terraformrc ~/.tofurc\n").
		write("main.tf", installed).
		then("unknown CA", "if terraform init; then exit 1; fi\n").
		then("known CA", p.block("sh", "SSL_CERT_FILE", "/etc/ssl/private-ca.crt", ca)+"terraform init\n").
		then("lock", "cat .terraform.lock.hcl\n").
		then("apply", "terraform apply >/dev/null\nterraform output -raw organization\n").
		run()

	says(t, printed, "unknown CA", "certificate")
	says(t, printed, "known CA", "Installed salesforcebyok/salesforcebyok v1.2.3")
	says(t, printed, "apply", sim.OrganizationID)
	if !strings.Contains(printed["lock"], `"zh:`) && !strings.Contains(printed["lock"], `"h1:`) {
		t.Errorf("expected hashes in the lock file, found\n%s", printed["lock"])
	}
	if all := strings.Join(served, "\n"); !strings.Contains(all, "/salesforcebyok/salesforcebyok/index.json") ||
		!strings.Contains(all, "1.2.3.json") {
		t.Errorf("expected the index and the version to be asked for, found\n%s", all)
	}
}

// What is wrong with a download is found before the mirror is touched.
func TestTheMirrorScriptRefuses(t *testing.T) {
	t.Parallel()
	s := newShell(t, "gpg", "awk")
	script, err := filepath.Abs(filepath.Join(top, "examples", "distribution", "mirror"))
	if err != nil {
		t.Fatal(err)
	}
	const sums = "terraform-provider-salesforcebyok_1.2.3_SHA256SUMS"
	archive := fmt.Sprintf("terraform-provider-salesforcebyok_1.2.3_%s_%s.zip", runtime.GOOS, runtime.GOARCH)
	cases := map[string]struct {
		spoil    func(dir string)
		unsigned bool
		want     string
	}{
		"no signature": {func(string) {}, false, sums + ".sig is missing"},
		"not a signature": {func(dir string) {
			put(t, filepath.Join(dir, sums+".sig"), []byte("x"))
		}, false, "the signature is not good"},
		"no sums": {func(dir string) { _ = os.Remove(filepath.Join(dir, sums)) }, true, "want one *_SHA256SUMS"},
		"an archive that the sums do not name": {func(dir string) {
			put(t, filepath.Join(dir, "terraform-provider-salesforcebyok_1.2.3_plan9_386.zip"), nil)
		}, true, "does not name terraform-provider-salesforcebyok_1.2.3_plan9_386.zip"},
		"another archive": {func(dir string) {
			put(t, filepath.Join(dir, archive), []byte("x"))
		}, true, archive + " is not what"},
		"another name": {func(dir string) {
			_ = os.Rename(filepath.Join(dir, sums), filepath.Join(dir, "terraform-provider-tls_1.2.3_SHA256SUMS"))
		}, true, "want terraform-provider-salesforcebyok_VERSION_SHA256SUMS"},
		"no archive": {func(dir string) {
			for _, f := range []string{archive, "terraform-provider-salesforcebyok_1.2.3_solaris_amd64.zip"} {
				_ = os.Remove(filepath.Join(dir, f))
			}
		}, true, "no archive of 1.2.3"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, mirror := release(t, "1.2.3"), filepath.Join(t.TempDir(), "mirror")
			test.spoil(dir)
			command := exec.CommandContext(t.Context(), script, dir, mirror)
			command.Env = append(slices.Clip(s.env), "GNUPGHOME="+t.TempDir())
			if test.unsigned {
				command.Env = append(command.Env, "UNSIGNED=1")
			}
			out, err := command.CombinedOutput()
			if err == nil || !strings.Contains(string(out), test.want) {
				t.Errorf("expected %q, found %v\n%s", test.want, err, out)
			}
			if laid, _ := filepath.Glob(filepath.Join(mirror, "*")); len(laid) > 0 {
				t.Errorf("expected an empty mirror, found %q", laid)
			}
		})
	}
}

// The README comes first: its lines, with the mirror that they name.
func TestWalkTheReadmeInstallation(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(top, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	p := page{t, "README", string(text)}
	p.block("sh", "make mirror")
	sim := acctest.StartSim(t)
	s := user(t, "awk")
	for name, value := range credentials(sim) {
		s.env = append(s.env, name+"="+value)
	}
	s.env = append(s.env, "RELEASE="+release(t, "1.2.3"))
	printed := s.
		then("mirror", "UNSIGNED=1 distribution/mirror \"$RELEASE\" mirror\n").
		then("settings", "cat > ~/.terraformrc <<END\n"+p.block("text", "filesystem_mirror", "/srv/terraform", "$PWD/mirror")+
			"END\ncp ~/.terraformrc ~/.tofurc\n").
		write("main.tf", installed).
		then("init", "terraform init\nterraform apply >/dev/null\nterraform output -raw organization\n").
		run()
	says(t, printed, "init", "Installed salesforcebyok/salesforcebyok v1.2.3", sim.OrganizationID)
}

// make mirror, with a home of its own and no settings at all.
func TestWalkInstallFromACheckout(t *testing.T) {
	t.Parallel()
	p := open(t, "install")
	sim := acctest.StartSim(t)
	s := user(t, "make")
	for name, value := range credentials(sim) {
		s.env = append(s.env, name+"="+value)
	}
	root, err := filepath.Abs(top)
	if err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, goCaches(t)...)
	printed := s.
		then("mirror", "cd '"+root+"'\n"+p.block("sh", "make mirror")+"cd - >/dev/null\n").
		write("main.tf", strings.Replace(installed, "~> 1.0", ">= 0.0.1", 1)).
		then("init", "terraform init\nterraform apply >/dev/null\nterraform output -raw organization\n").
		run()
	says(t, printed, "init", "Installed salesforcebyok/salesforcebyok v0.0.1", sim.OrganizationID)
}

// goCaches lets Go find what it has built and downloaded, whatever HOME is.
func goCaches(t *testing.T) []string {
	t.Helper()
	names := []string{"GOCACHE", "GOMODCACHE", "GOPATH"}
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"env"}, names...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	values := strings.Fields(string(out))
	if len(values) != len(names) {
		t.Fatalf("found %q", values)
	}
	for i := range names {
		values[i] = names[i] + "=" + values[i]
	}

	return values
}
