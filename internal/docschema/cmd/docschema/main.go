// Command docschema prints the provider's schemas as JSON for tfplugindocs.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/docschema"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
)

// name is how tfplugindocs looks the provider up.
const name = "salesforcebyok"

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "docschema:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	server := provider.NewServer("docs")()
	schemas, err := docschema.FromServer(ctx, server, name)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(schemas)
}
