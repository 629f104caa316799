package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// crypto runs the Go benchmarks of wrapping, each of which prints its ratio to crypto/rsa alone,
// and the openssl command line on the same work.
func (b *bench) crypto(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchtime", "300x", "./internal/byok")
	cmd.Dir = b.Root
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("benchmarks of internal/byok: %w\n%s", err, out)
	}
	b.say("Key material, from `go test -bench . ./internal/byok`; `x_crypto/rsa` is the ratio to the one call of "+
		"crypto/rsa in it:\n\n```text\n%s```\n", benchLines(string(out)))

	return b.openssl(ctx)
}

// openssl times what a shell script does for the same result: generate, hash and wrap with the
// command line tool.
func (b *bench) openssl(ctx context.Context) error {
	tool, err := exec.LookPath("openssl")
	if err != nil {
		return nil //nolint:nilerr // no openssl, nothing to compare with
	}
	file := func(name string) string { return filepath.Join(b.folder, name) }
	run := func(args ...string) error {
		//nolint:gosec // constant commands
		if out, err := exec.CommandContext(ctx, tool, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("openssl %s: %w\n%s", strings.Join(args, " "), err, out)
		}

		return nil
	}
	material := make([]byte, 32)
	_, _ = rand.Read(material) // never fails, says its documentation
	if err := errors.Join(
		os.WriteFile(file("secret.bin"), material, 0o600),
		run("genrsa", "-out", file("key.pem"), "4096"),
		run("rsa", "-in", file("key.pem"), "-pubout", "-out", file("public.pem")),
	); err != nil {
		return err
	}
	medians, err := b.inTurns(func() (sample, error) {
		start := time.Now()
		err := errors.Join(
			run("rand", "-out", file("secret.bin"), "32"),
			run("dgst", "-sha256", "-binary", "-out", file("hash.bin"), file("secret.bin")),
			run("pkeyutl", "-encrypt", "-pubin", "-inkey", file("public.pem"), "-in", file("secret.bin"), "-out",
				file("wrapped.bin"),
				"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha512"),
		)

		return sample{wall: time.Since(start)}, err
	})
	if err != nil {
		return err
	}
	b.say("The openssl command line takes %s for generate, hash and RSA-OAEP SHA-512 wrap; most of it is three times "+
		"its own start.\n", milliseconds(medians[0].wall))

	return nil
}

// benchLines keeps the result lines of go test -bench, which benchstat reads.
func benchLines(out string) string {
	var kept strings.Builder
	for line := range strings.Lines(out) {
		for _, prefix := range []string{"Benchmark", "goos:", "goarch:", "pkg:", "cpu:"} {
			if strings.HasPrefix(line, prefix) {
				kept.WriteString(line)
			}
		}
	}

	return kept.String()
}
