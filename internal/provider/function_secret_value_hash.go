package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/function"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/secret"
)

var _ function.Function = materialFunction{}

// materialFunction computes something that may be known of key material that must not be known.
type materialFunction struct {
	name, summary, description string
	compute                    func(secret.Bytes) string
}

// newSecretValueHashFunction returns the hash by which Salesforce knows a key.
func newSecretValueHashFunction() function.Function {
	return materialFunction{
		name:    "secret_value_hash",
		summary: "SecretValueHash of key material",
		description: "Returns the base64 SHA-256 of the 32 plaintext bytes, as Salesforce keeps it in `SecretValueHash`: " +
			"the value of a pin, and what shows whether an escrow copy is the key that the org has. (Terraform's own " +
			"`base64sha256` hashes the base64 text instead.) The result is ephemeral where the argument is, and sensitive " +
			"where the argument is; it gives nothing of a random key away, so that `nonsensitive` is safe.",
		compute: byok.HashMaterial,
	}
}

// newKeyCheckValueFunction returns the key check value of a key.
func newKeyCheckValueFunction() function.Function {
	return materialFunction{
		name:    "key_check_value",
		summary: "Key check value of key material",
		description: "Returns the first 3 bytes of AES-256-ECB over a zero block under the 32 bytes, as 6 lower-case hex " +
			"digits: what an HSM shows of a key, and what `key_check_value` of `salesforcebyok_tenant_secret` shows. Two keys " +
			"share it by chance once in 16 million; compare the hash where that matters.",
		compute: byok.KeyCheckValue,
	}
}

func (f materialFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = f.name
}

func (f materialFunction) Definition(_ context.Context, _ function.DefinitionRequest,
	resp *function.DefinitionResponse,
) {
	resp.Definition = function.Definition{
		Summary:             f.summary,
		MarkdownDescription: f.description,
		Parameters: []function.Parameter{function.StringParameter{
			Name: "base64",
			MarkdownDescription: "Key material: base64 (standard alphabet, padded, no line breaks or spaces) of exactly 32 " +
				"bytes. Give it as an ephemeral or sensitive value: the CLI prints the source line of an error.",
		}},
		Return: function.StringReturn{},
	}
}

func (f materialFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var text string
	resp.Error = req.Arguments.Get(ctx, &text)
	if resp.Error != nil {
		return
	}
	material, err := byok.ParseMaterial(text)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, "Expected base64 (standard alphabet, padded, no line breaks or "+
			"spaces) of exactly 32 bytes. Found a value that does not fit: "+
			sentence(err.Error()))

		return
	}
	defer material.Destroy()
	resp.Error = resp.Result.Set(ctx, f.compute(material))
}
