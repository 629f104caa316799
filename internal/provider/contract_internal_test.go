package provider

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// contract is the design's list of what configurations may say: the attributes of each resource,
// required ones first, then optional ones, then computed ones. Optional and computed ones are
// optional here. Others may be added, none may change its kind.
var contract = map[string][3]string{
	"resource.tenant_secret": {
		"type",
		"description source certificate certificate_pins wrapping_algorithm key_derivation_mode key_material_wo " +
			"key_material_wo_version wrapped_key_material secret_value_hash rotation_triggers rotate_after_days " +
			"warn_before_days escrow remote_key_identifier remote_key_service_id remote_key_certificate deletion_policy",
		"organization_id tenant_secret_id version status created_date created_by_id last_modified_date rotation_id " +
			"rotation_due_date next_rotation_allowed_date escrow_ciphertext key_check_value certificate_sha256 " +
			"wrapping_certificate_sha256 receipt",
	},
	"resource.tenant_secret_version": {
		"tenant_secret_id desired_status",
		"backup exported_secret_value_wo exported_secret_value_wo_version destruction_acknowledgement " +
			"destruction_approvals destruction_not_after deletion_policy",
		"organization_id type version status source description key_derivation_mode secret_value_hash created_date " +
			"last_modified_date exported_secret_value recoverable destruction_statement receipt",
	},
	"resource.certificate": {
		"", "developer_name developer_name_prefix renew_before_days label expiration_date ca_signed certificate_chain " +
			"deletion_policy timeouts",
		"id certificate_pem csr_pem sha256_fingerprint serial_number not_before not_after key_size byok_compatible receipt",
	},
	"resource.encryption_key_settings": {
		"", "allow_key_derivation_opt_out enable_cache_only_keys enable_replay_detection encrypt_transactional_database " +
			"manage_data_cloud_keys acknowledge_irreversible", "organization_id receipt",
	},
	"resource.platform_encryption_settings": {
		"", "enable_deterministic_encryption enable_event_bus_encryption enable_search_encryption encrypt_field_history " +
			"encrypt_managed_package_fields",
		"high_assurance_required mek_required organization_id receipt",
	},
	"resource.data_encryption_key": {
		"", "key_material_wo key_material_wo_version certificate_pins rotation_triggers rotate_after_days escrow " +
			"deletion_policy",
		"version status rotation_id escrow_ciphertext key_check_value secret_value_hash receipt",
	},
	"resource.cache_only_key": {
		"certificate key_identifier", "certificate_pins key_material_wo replay_nonce escrow",
		"jwe secret_value_hash key_check_value receipt",
	},
	"resource.external_root_key": {
		"root_key_id desired_status", "destruction_approvals destruction_not_after",
		"root_key_identifier arn root_key_service region status destruction_statement receipt",
	},
	"provider": {
		"", "instance_url api_version client_id client_secret username private_key login_url audience access_token " +
			"organization_id allow_key_destruction destruction_approvers receipt_directory max_retries request_timeout_seconds",
		"",
	},
	"data.organization": {"", "", "id name organization_type is_sandbox instance_name api_versions api_usage user_id " +
		"missing_permissions"},
	"data.certificate":  {"developer_name", "", "certificate_pem sha256_fingerprint not_before not_after"},
	"data.certificates": {"", "byok_compatible_only", "certificates"},
	// Given by id, or by type with or without a version.
	"data.tenant_secret":  {"", "tenant_secret_id type version", "status source secret_value_hash"},
	"data.tenant_secrets": {"", "type status source", "tenant_secrets counts"},
	"data.query":          {"soql", "tooling", "total_size records_json"},
	"data.sobject": {
		"name", "tooling",
		"describe_json key_prefix createable updateable queryable deletable",
	},
	"data.encryption_events":         {"", "since", ""},
	"ephemeral.key_material":         {"", "", "key_material secret_value_hash key_check_value"},
	"ephemeral.tenant_secret_export": {"tenant_secret_id", "", "exported_secret_value version secret_value_hash"},
	"list.tenant_secret":             {},
	"list.tenant_secret_version":     {},
	"list.certificate":               {},
	"data.external_root_keys":        {"", "status root_key_service", "external_root_keys"},
	"list.external_root_key":         {},
}

func TestContract(t *testing.T) {
	t.Parallel()
	all := schemas(t)
	for object, kinds := range contract {
		schema, ok := all[object]
		if !ok {
			t.Errorf("expected %s", object)

			continue
		}
		for kind, names := range kinds {
			for name := range strings.FieldsSeq(names) {
				i := slices.IndexFunc(schema.Block.Attributes, func(a *tfprotov6.SchemaAttribute) bool { return a.Name == name })
				if i < 0 {
					t.Errorf("%s: expected the attribute %s", object, name)

					continue
				}
				a := schema.Block.Attributes[i]
				is := [3]bool{a.Required, a.Optional, a.Computed && !a.Optional}
				if !is[kind] {
					t.Errorf("%s.%s: expected required, optional or computed as %d, found %v", object, name, kind, is)
				}
			}
		}
	}
	for object := range all {
		if _, ok := contract[object]; !ok {
			t.Errorf("%s is not in the contract", object)
		}
	}
}

// Write-only values have a version beside them, and no plain twin that would be kept in state.
func TestContractOfWriteOnlyAttributes(t *testing.T) {
	t.Parallel()
	found := 0
	for object, schema := range schemas(t) {
		walk(object, schema.Block.Attributes, func(path string, a *tfprotov6.SchemaAttribute) {
			if strings.HasSuffix(a.Name, "_wo") != a.WriteOnly {
				t.Errorf("%s: expected the suffix _wo on write-only attributes and on no others", path)
			}
			if !a.WriteOnly {
				return
			}
			found++
			for _, other := range schema.Block.Attributes {
				if other.Name == strings.TrimSuffix(a.Name, "_wo") && (other.Optional || other.Required) {
					t.Errorf("%s has a plain twin", path)
				}
			}
			if !slices.ContainsFunc(schema.Block.Attributes, func(other *tfprotov6.SchemaAttribute) bool {
				return other.Name == a.Name+"_version"
			}) {
				t.Errorf("%s has no version", path)
			}
		})
	}
	if found != 4 {
		t.Errorf("expected 4 write-only attributes, found %d", found)
	}
}

// Every managed resource has an identity with the org in it, so that a state can't be applied to
// another org; and there are no actions, which can't take secrets.
func TestContractOfIdentities(t *testing.T) {
	t.Parallel()
	server, err := providerserver.NewProtocol6WithError(New("test")())()
	if err != nil {
		t.Fatal(err)
	}
	identities, err := server.GetResourceIdentitySchemas(t.Context(), &tfprotov6.GetResourceIdentitySchemasRequest{})
	if err != nil {
		t.Fatal(err)
	}
	reply, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for name := range reply.ResourceSchemas {
		identity := identities.IdentitySchemas[name]
		if identity == nil {
			t.Errorf("%s has no identity", name)

			continue
		}
		i := slices.IndexFunc(identity.IdentityAttributes, func(a *tfprotov6.ResourceIdentitySchemaAttribute) bool {
			return a.Name == "organization_id"
		})
		if i < 0 || !identity.IdentityAttributes[i].RequiredForImport {
			t.Errorf("%s: expected organization_id to be required in its identity", name)
		}
	}
	if n := len(reply.ActionSchemas); n != 0 {
		t.Errorf("expected no actions, found %d", n)
	}
	for _, name := range []string{"secret_value_hash", "key_check_value", "id18"} {
		if reply.Functions[name] == nil {
			t.Errorf("expected the function %s", name)
		}
	}
}
