// Command sfsim runs the Salesforce simulator on loopback addresses until it is interrupted. It
// prints one line of JSON with everything that a client needs, and serves control routes under
// /_sim/ of the instance host.
//
// It is for tests and demonstrations: its keys and secrets are public.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "sfsim:", err)
		stop()
		os.Exit(1)
	}
}

// announcement is the line that the command prints once it listens.
type announcement struct {
	InstanceURL    string `json:"instance_url"`
	LoginURL       string `json:"login_url"`
	ClientID       string `json:"client_id"`
	ClientSecret   string `json:"client_secret"`
	Username       string `json:"username"`
	PrivateKeyFile string `json:"private_key_file"`
	AccessToken    string `json:"access_token"`
	OrganizationID string `json:"organization_id"`
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("sfsim", flag.ContinueOnError)
	flags.SetOutput(stderr)
	listen := flags.String("listen", "127.0.0.1:0", "loopback `address` of the instance host (My Domain)")
	login := flags.String("login-listen", "127.0.0.1:0", "loopback `address` of the login host")
	org := flags.String("org", "", "`kind` of the org: production, sandbox or developer (default: the seed's, else "+
		"production)")
	latency := flags.Duration("latency", 0, "real `time` by which every reply is late")
	seedFile := flags.String("seed", "", "YAML or JSON `file` that describes the initial org")
	persist := flags.String("persist", "", "`file` to keep the org in: read at the start if it is there, written at the "+
		"end and by POST /_sim/save; it holds key material in the clear, which is public like all of the simulator")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}

	options := []sfsim.Option{
		sfsim.WithListen(*listen), sfsim.WithLoginListen(*login), sfsim.WithLatency(*latency), sfsim.WithControl(),
	}
	named := *persist != "" && fileExists(*persist) // that org has its id
	if *org != "" {
		options = append(options, sfsim.WithKind(sfsim.Kind(*org)))
	}
	if *seedFile != "" {
		file, err := os.Open(*seedFile)
		if err != nil {
			return err
		}
		seed, err := sfsim.ReadSeed(file)
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("%s: %w", *seedFile, err)
		}
		options = append(options, sfsim.WithSeed(seed))
		named = named || seed.Organization != nil && seed.Organization.ID != ""
	}
	if !named {
		options = append(options, sfsim.WithOrganizationID(newOrganizationID()))
	}
	if *persist != "" {
		options = append(options, sfsim.WithPersistence(*persist))
	}
	server, err := sfsim.New(options...)
	if err != nil {
		return err
	}
	defer server.Close()

	directory, err := os.MkdirTemp("", "sfsim-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	keyFile := filepath.Join(directory, "private_key.pem")
	if err := os.WriteFile(keyFile, []byte(server.PrivateKeyPEM), 0o600); err != nil {
		return err
	}
	// The line is meant to be read by programs; it holds the simulator's own test credentials, which
	// are public.
	line, err := json.Marshal(announcement{ //nolint:gosec // see above
		InstanceURL: server.InstanceURL, LoginURL: server.LoginURL, ClientID: server.ClientID,
		ClientSecret: server.ClientSecret,
		Username:     server.Username, PrivateKeyFile: keyFile, AccessToken: server.AccessToken,
		OrganizationID: server.OrganizationID,
	})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "%s\n", line); err != nil {
		return err
	}
	<-ctx.Done()
	if *persist != "" {
		return server.Save()
	}
	return nil
}

func fileExists(path string) bool {
	_, err := os.Stat(path)

	return err == nil
}

// newOrganizationID makes every simulator another org, as two real orgs are: the state of one must
// not fit the other.
func newOrganizationID() string {
	return fmt.Sprintf("00DWt%010d", rand.Int64N(10_000_000_000)) //nolint:gosec // a name, not a secret
}
