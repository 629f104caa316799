package provider_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/acctest"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// refusal is a configuration that validation refuses: the attribute at which it does, the summary
// and words of the detail.
type refusal struct {
	config             string
	attribute, summary string
	detail             []string
}

// misspelt is a recipient with another last character, which its checksum does not allow.
func misspelt(recipient string) string {
	whole, last := recipient[:len(recipient)-1], "q"
	if strings.HasSuffix(recipient, last) {
		last = "p"
	}

	return whole + last
}

// Bad input is an error at its attribute, says what was expected and what to do, shows no secret,
// and sends nothing.
func TestAccTenantSecret_badInput(t *testing.T) {
	t.Parallel()
	good := acctest.NewMaterial()
	material := func(text string) string {
		return fmt.Sprintf("\nvariable \"material\" {\n  type      = string\n  ephemeral = true\n  default   = %q\n}\n",
			text) +
			dataKey("key_material_wo = var.material", `key_material_wo_version = "1"`)
	}
	given := func(lines ...string) string {
		line, variable := givenMaterial(good, "1")

		return variable + dataKey(append(lines, line)...)
	}
	expected32 := "of exactly 32 bytes"
	ciphertext := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\a", 512)))
	escrow := func(recipients ...string) string {
		return fmt.Sprintf("escrow = { age_recipients = [%s] }", strings.Join(recipients, ", "))
	}

	for name, test := range map[string]refusal{
		"material is not base64": {
			material("*" + good.Base64()[1:]), "key_material_wo_version", "Invalid key material",
			[]string{"in key_material_wo", expected32},
		},
		"material has a line break": {
			material(good.Base64()[:20] + "\n" + good.Base64()[20:]), "key_material_wo_version",
			"Invalid key material",
			[]string{"no line breaks"},
		},
		"material ends in a line": {
			material(good.Base64() + "\n"), "key_material_wo_version", "Invalid key material",
			[]string{"no line breaks"},
		},
		"material of 31 bytes": {
			material(base64.StdEncoding.EncodeToString(good[:31])), "key_material_wo_version",
			"Invalid key material",
			[]string{"in key_material_wo", expected32, "31"},
		},
		"material of 33 bytes": {
			material(base64.StdEncoding.EncodeToString(append(slices.Clone(good), 0))),
			"key_material_wo_version", "Invalid key material",
			[]string{"in key_material_wo", expected32, "33"},
		},
		"material without padding": {
			material(strings.TrimRight(good.Base64(), "=")), "key_material_wo_version",
			"Invalid key material",
			[]string{"padded"},
		},
		"empty material": {
			material(""), "key_material_wo_version", "Invalid key material",
			[]string{"in key_material_wo", expected32},
		},
		"material without a version": {
			"\nvariable \"material\" {\n  ephemeral = true\n  default = \"" + good.Base64() +
				"\"\n}\n" + dataKey("key_material_wo = var.material"), "key_material_wo_version", "Key material without a version",
			[]string{"write-only"},
		},
		"version without material": {
			dataKey(`key_material_wo_version = "1"`), "key_material_wo_version",
			"Invalid Attribute Combination",
			[]string{"key_material_wo"},
		},

		"pin of 31 bytes": {
			dataKey(fmt.Sprintf("secret_value_hash = %q",
				base64.StdEncoding.EncodeToString(make([]byte, 31)))), "secret_value_hash", "Invalid secret value hash",
			[]string{"32 bytes of a SHA-256"},
		},
		"pin in hex": {
			dataKey(`secret_value_hash = "` + strings.Repeat("ab", 32) + `"`), "secret_value_hash",
			"Invalid secret value hash",
			[]string{"32 bytes of a SHA-256"},
		},
		"pin of Salesforce": {
			dataKey(`secret_value_hash = "UNKNOWM="`), "secret_value_hash", "Invalid secret value hash",
			[]string{"32 bytes of a SHA-256"},
		},

		"both kinds of material": {
			given(wrapped(ciphertext), pin(good)), "wrapped_key_material", "Two kinds of key material",
			[]string{"found both"},
		},
		"wrapped without a pin": {
			dataKey(wrapped(ciphertext)), "secret_value_hash", "Wrapped key material without its hash",
			[]string{"SHA-256"},
		},
		"wrapped of 511 bytes": {
			dataKey(wrapped(base64.StdEncoding.EncodeToString(make([]byte, 511))), pin(good)),
			"wrapped_key_material", "Invalid wrapped key material",
			[]string{"4096-bit certificate"},
		},
		"wrapped is all zero": {
			dataKey(wrapped(base64.StdEncoding.EncodeToString(make([]byte, 512))), pin(good)),
			"wrapped_key_material", "Invalid wrapped key material",
			[]string{"never encrypted"},
		},
		"wrapped is not base64": {
			dataKey(wrapped("not base64"), pin(good)), "wrapped_key_material",
			"Invalid wrapped key material",
			[]string{"base64"},
		},
		"wrapped with escrow": {
			dataKey(wrapped(ciphertext), pin(good), escrow(`"`+ageRecipient+`"`)), "escrow",
			"Escrow of wrapped key material",
			[]string{"nothing to escrow"},
		},

		"age recipient is none": {
			dataKey(escrow(`"age1nonsense"`)), "escrow.age_recipients[0]", "Invalid age recipient",
			[]string{"age1", "in escrow.age_recipients[0]"},
		},
		"age recipient is an SSH": {
			dataKey(escrow(`"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ"`)),
			"escrow.age_recipients[0]", "Invalid age recipient",
			[]string{"age1", "in escrow.age_recipients[0]"},
		},
		"recipients of two kinds": {
			dataKey(escrow(`"`+ageRecipient+`"`, `"`+hybridIdentity(t).Recipient().String()+`"`)),
			"escrow.age_recipients", "Escrow recipients are not usable",
			[]string{"post-quantum"},
		},
		"second recipient is broken": {
			dataKey(escrow(`"`+ageRecipient+`"`, `"`+misspelt(ageRecipient)+`"`)),
			"escrow.age_recipients[1]", "Invalid age recipient",
			[]string{"age1", "in escrow.age_recipients[1]"},
		},
		"no age recipients": {
			dataKey(escrow()), "escrow.age_recipients", "Invalid Attribute Value",
			[]string{"at least 1 elements"},
		},
		"an age identity": {
			dataKey(escrow(`"` + ageIdentity.String() + `"`)), "escrow.age_recipients[0]",
			"Invalid age recipient",
			[]string{"age1", "in escrow.age_recipients[0]"},
		},

		"description over the limit": {
			dataKey(fmt.Sprintf("description = %q", strings.Repeat("ä", 231))), "description",
			"Invalid Attribute Value Length",
			[]string{"at most 230", "231"},
		},
		"unknown source": {
			tenantSecret(`type = "Data"`, `source = "uploaded"`), "source",
			"Invalid Attribute Value Match",
			[]string{"UPLOADED"},
		},
		"unknown algorithm": {
			dataKey(`wrapping_algorithm = "RSA_PKCS1"`), "wrapping_algorithm",
			"Invalid wrapping algorithm",
			[]string{"RSA_OAEP_SHA512"},
		},
		"unknown derivation mode": {
			dataKey(`key_derivation_mode = "none"`), "key_derivation_mode",
			"Invalid Attribute Value Match",
			[]string{"PBKDF2"},
		},
		"unknown policy": {
			dataKey(`deletion_policy = "DELETE"`), "deletion_policy",
			"Invalid Attribute Value Match",
			[]string{"ABANDON", "PREVENT"},
		},
		"age of zero days": {
			dataKey(`rotate_after_days = 0`), "rotate_after_days", "Invalid Attribute Value",
			[]string{"between 1 and 36500"},
		},
		"empty type": {
			tenantSecret(`type = ""`, `certificate = "Sim_BYOK"`), "type",
			"Invalid Attribute Value Length",
			[]string{"at least 1"},
		},

		"NONE for Database": {
			tenantSecret(`type = "Database"`, `certificate = "Sim_BYOK"`,
				`key_derivation_mode = "NONE"`), "key_derivation_mode", "Database keys can't opt out of derivation",
			[]string{"mandatory"},
		},
		"OAEP for Database": {
			tenantSecret(`type = "Database"`, `certificate = "Sim_BYOK"`,
				`wrapping_algorithm = "RSA_OAEP_SHA512"`), "wrapping_algorithm", "Database keys need another wrapping",
			[]string{"RSA_AES_KEY_WRAP_SHA512"},
		},
		"HSM with a certificate": {
			tenantSecret(`type = "Data"`, `source = "HSM"`, `certificate = "Sim_BYOK"`),
			"certificate", "Attribute does not fit the source",
			[]string{"Salesforce generates the key"},
		},
		"HSM with material": {
			tenantSecretWithMaterial(good, `type = "Data"`, `source = "HSM"`),
			"key_material_wo_version", "Attribute does not fit the source",
			[]string{"Salesforce generates the key"},
		},
		"HSM with escrow": {
			tenantSecret(`type = "Data"`, `source = "HSM"`, escrow(`"`+ageRecipient+`"`)),
			"escrow", "Attribute does not fit the source",
			[]string{"Salesforce generates the key"},
		},
		"HSM with a pin": {
			tenantSecret(`type = "Data"`, `source = "HSM"`, pin(good)), "secret_value_hash",
			"Attribute does not fit the source",
			[]string{"Salesforce generates the key"},
		},
		"uploaded, no certificate": {
			tenantSecret(`type = "Data"`), "certificate", "Attribute is missing for the source",
			[]string{"UPLOADED", "required"},
		},
		"uploaded with a remote key": {
			dataKey(`remote_key_identifier = "k"`), "remote_key_identifier",
			"Attribute does not fit the source",
			[]string{"the key is uploaded"},
		},
		"REMOTE without its three": {
			tenantSecret(`type = "Data"`, `source = "REMOTE"`), "remote_key_identifier",
			"Attribute is missing for the source",
			[]string{"REMOTE", "required"},
		},
		"REMOTE with a certificate": {
			tenantSecret(`type = "Data"`, `source = "REMOTE"`, `certificate = "Sim_BYOK"`),
			"certificate", "Attribute does not fit the source",
			[]string{"key service"},
		},
		"REMOTE service is no id": {
			tenantSecret(`type = "Data"`, `source = "REMOTE"`,
				`remote_key_service_id = "0XA' OR"`), "remote_key_service_id", "Invalid Salesforce id",
			[]string{"15 or 18 characters"},
		},

		"SOQL in the certificate": {
			tenantSecret(`type = "Data"`, `certificate = "x' OR DeveloperName != '"`),
			"certificate", "Invalid unique name",
			[]string{"letters, digits and single underscores"},
		},
		"a path in the certificate": {
			tenantSecret(`type = "Data"`, `certificate = "../Sim_BYOK"`), "certificate",
			"Invalid unique name", nil,
		},
		"a label in the certificate": {
			tenantSecret(`type = "Data"`, `certificate = "Sim BYOK"`), "certificate",
			"Invalid unique name",
			[]string{"the label of a certificate is not its unique name"},
		},
		"SOQL in the remote certificate": {tenantSecret(`type = "Data"`, `source = "REMOTE"`,
			`remote_key_certificate = "x%' --"`), "remote_key_certificate", "Invalid unique name", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(test.config, "var.material") {
				skipBelowWriteOnly(t)
			}
			sim := acctest.StartSim(t)
			cli := acctest.NewCLI(t, sim)
			cli.Config(test.config)
			// The source line of an error is shown by the CLI, so the secret comes by a variable; its
			// default stands elsewhere.
			plan := cli.Plan()
			checkRefusal(t, plan, test)
			if strings.Contains(plan.Output(), good.Base64()[:20]) {
				t.Error("the output shows the material")
			}
			if writes := acctest.Writes(sim); len(writes) != 0 {
				t.Errorf("expected nothing to be sent, found %v", writes)
			}
		})
	}
}

func tenantSecretWithMaterial(material acctest.Material, lines ...string) string {
	line, variable := givenMaterial(material, "1")

	return variable + tenantSecret(append(lines, line)...)
}

// checkRefusal expects a failed plan with an error at the attribute.
func checkRefusal(t *testing.T, plan acctest.Result, want refusal) {
	t.Helper()
	if plan.Code != acctest.PlanFailed {
		t.Fatalf("expected the plan to fail, found exit code %d", plan.Code)
	}
	if n := len(plan.Summaries("error")); strings.HasPrefix(want.attribute, "escrow") && n != 1 {
		t.Errorf("expected one error for one mistake, found %v", plan.Summaries("error"))
	}
	for _, d := range plan.Diagnostics {
		if d.Severity != "error" || d.Summary != want.summary {
			continue
		}
		// The CLI shows the block for an attribute that is missing in it and, depending on its version,
		// for one within another.
		outer, _, nested := strings.Cut(want.attribute, ".")
		shown := d.At(outer)
		if nested || !strings.Contains(want.config, want.attribute+" =") {
			shown = shown || strings.HasPrefix(d.Snippet.Code, `resource "`)
		}
		if !shown {
			continue
		}
		if !slices.ContainsFunc(want.detail, func(words string) bool {
			return !strings.Contains(strings.Join(strings.Fields(d.Detail), " "), words)
		}) {
			return
		}
	}
	t.Errorf("expected an error %q at %s with %q; found", want.summary, want.attribute, want.detail)
	for _, d := range plan.Diagnostics {
		t.Logf("%s: %s: %s (%s)", d.Severity, d.Summary, d.Detail, d.Snippet.Code)
	}
}

// The longest description fits with its marker, whatever the counter.
func TestAccTenantSecret_longestDescription(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t, sfsim.WithoutIntervals())
	cli := acctest.NewCLI(t, sim)
	text := strings.Repeat("ä", 230)
	cli.Config(dataKey(fmt.Sprintf("description = %q", text)))
	cli.MustApply()
	if key := acctest.ActiveKey(t, sim, "Data"); !strings.HasPrefix(key.Description, text+" [tf:") {
		t.Errorf("expected the whole description, found %q", key.Description)
	}
}

// Values that are not known at plan are not judged then.
func TestAccTenantSecret_unknownInputs(t *testing.T) {
	t.Parallel()
	sim := acctest.StartSim(t)
	cli := acctest.NewCLI(t, sim)
	source := func(input string) string {
		return fmt.Sprintf("\nresource \"terraform_data\" \"source\" {\n  input = %s\n}\n", input)
	}
	cli.Config(source(fmt.Sprintf(`{ type = "Data", source = "UPLOADED", certificate = "Sim_BYOK", mode = "PBKDF2", description = "d", recipients = [%q], days = 3, policy = "ABANDON" }`, ageRecipient)) +
		tenantSecret("type = terraform_data.source.output.type", "source = terraform_data.source.output.source",
			"certificate = terraform_data.source.output.certificate",
			"key_derivation_mode = terraform_data.source.output.mode", "description = terraform_data.source.output.description",
			"rotate_after_days = terraform_data.source.output.days", "deletion_policy = terraform_data.source.output.policy",
			"escrow = { age_recipients = terraform_data.source.output.recipients }"))
	if plan := cli.Plan(); plan.Code != acctest.PlanChanges || plan.Added != 2 {
		t.Fatalf("expected two additions, found %s", plan.Output())
	}
	cli.MustApply()
	uploads(t, sim, 1, 1)

	// What turns out to be wrong is refused at apply, with nothing sent.
	bad := acctest.NewCLI(t, sim)
	bad.Config(source(`"no' name"`) + tenantSecret(`type = "Analytics"`, "certificate = terraform_data.source.output"))
	if applied := bad.Apply(); applied.Code == 0 || !slices.Contains(applied.Summaries("error"), "Invalid unique name") {
		t.Errorf("expected the name to be refused at apply, found %v", applied.Summaries("error"))
	}
	uploads(t, sim, 1, 1)
}

// A module hands attributes on by variables that are null if they are not wanted, and unknown
// while the configuration is validated.
func TestAccResources_variablesWithoutValues(t *testing.T) {
	t.Parallel()
	skipBelowWriteOnly(t)
	optional := "\nvariable \"none\" {\n  type    = string\n  default = null\n}\n\nvariable \"no_escrow\" {\n  type    " +
		"= object({ age_recipients = list(string) })\n  default = null\n}\n"
	material := []string{"key_material_wo = var.none", "key_material_wo_version = var.none", "escrow = var.no_escrow"}
	for name, body := range map[string]string{
		"uploaded": dataKey(append(material, "wrapped_key_material = var.none", "secret_value_hash = var.none",
			"remote_key_identifier = var.none", "remote_key_service_id = var.none",
			"remote_key_certificate = var.none", "wrapping_algorithm = var.none")...),
		"HSM": tenantSecret(append(material, `type = "Data"`, `source = "HSM"`, "certificate = var.none",
			"wrapped_key_material = var.none", "secret_value_hash = var.none")...),
		"without a version": dataKey("key_material_wo = var.none", "wrapped_key_material = var.none"),
		"certificate": wrappingCertificate(`developer_name = "Wrap_2027"`, "certificate_chain = var.none",
			"expiration_date = var.none", "label = var.none"),
		"cache-only key": cacheOnly(`certificate = "Sim_BYOK"`, "key_material_wo = var.none", "escrow = var.no_escrow"),
		"version": "\ndata \"salesforcebyok_tenant_secrets\" \"all\" {\n}\n\nresource " +
			"\"salesforcebyok_tenant_secret_version\" \"old\" {\n  tenant_secret_id = " +
			"data.salesforcebyok_tenant_secrets.all.tenant_secrets[0].tenant_secret_id\n  desired_status = \"ARCHIVED\"\n  " +
			"exported_secret_value_wo = var.none\n  destruction_acknowledgement = var.none\n}\n",
		"settings": "\nvariable \"no_switch\" {\n  type    = bool\n  default = null\n}\n" +
			keySettings("enable_replay_detection = var.no_switch", "enable_cache_only_keys = false"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cli := acctest.NewCLI(t, acctest.StartSim(t, seedOf(t, archivedKey)))
			cli.Config(optional + body)
			if validated := cli.Run("validate", "-no-color"); validated.Code != 0 {
				t.Errorf("expected the configuration to be valid, found\n%s", validated.Output())
			}
			if plan := cli.Plan(); plan.Code != acctest.PlanChanges || plan.Added != 1 {
				t.Errorf("expected a plan to create, found\n%s", plan.Output())
			}
		})
	}
	t.Run("data encryption key", func(t *testing.T) {
		t.Parallel()
		cli, _ := hyperforceRun(t)
		cli.Config(optional + searchKey("key_material_wo = var.none", "escrow = var.no_escrow"))
		if plan := cli.Plan(); plan.Code != acctest.PlanChanges || plan.Added != 1 {
			t.Errorf("expected a plan to create, found\n%s", plan.Output())
		}
	})
}
