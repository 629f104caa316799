package provider

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// schemas returns the schema of every object of the provider, by kind and name, as the CLI gets it.
func schemas(t *testing.T) map[string]*tfprotov6.Schema {
	t.Helper()

	server, err := providerserver.NewProtocol6WithError(New("test")())()
	if err != nil {
		t.Fatal(err)
	}
	reply, err := server.GetProviderSchema(t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*tfprotov6.Schema{"provider": reply.Provider}
	for kind, group := range map[string]map[string]*tfprotov6.Schema{
		"resource": reply.ResourceSchemas, "data": reply.DataSourceSchemas, "ephemeral": reply.EphemeralResourceSchemas,
		"list": reply.ListResourceSchemas,
	} {
		for name, schema := range group {
			all[kind+"."+strings.TrimPrefix(name, typeName+"_")] = schema
		}
	}

	return all
}

// walk calls visit for each attribute, nested ones too, with its path.
func walk(prefix string, attributes []*tfprotov6.SchemaAttribute,
	visit func(path string, a *tfprotov6.SchemaAttribute),
) {
	for _, a := range attributes {
		path := prefix + "." + a.Name
		visit(path, a)
		if a.NestedType != nil {
			walk(path, a.NestedType.Attributes, visit)
		}
	}
}

func TestEveryAttributeIsDescribed(t *testing.T) {
	t.Parallel()

	n := 0
	for object, schema := range schemas(t) {
		if object != "provider" && schema.Block.Description == "" {
			t.Errorf("%s has no description", object)
		}
		walk(object, schema.Block.Attributes, func(path string, a *tfprotov6.SchemaAttribute) {
			n++
			if len(a.Description) < 8 || !strings.HasSuffix(strings.TrimSpace(a.Description), ".") {
				t.Errorf("%s is described as %q", path, a.Description)
			}
		})
	}
	if n < 200 {
		t.Errorf("only %d attributes were looked at", n)
	}
}

// secretName matches attributes that sound like a secret.
var secretName = regexp.MustCompile(`secret|key_material|private|token|password`)

// public are the attributes that sound like a secret and are none: hashes, ids, versions,
// ciphertext and flags.
var public = regexp.MustCompile(`secret_value_hash$|tenant_secrets?$|tenant_secret_id$|_wo_version$|private_key_exportable$|wrapped_key_material$|\.tenant_secrets\.`)

func TestWhatSoundsLikeASecretIsSensitiveOrWriteOnly(t *testing.T) {
	t.Parallel()

	guarded := 0
	for object, schema := range schemas(t) {
		walk(object, schema.Block.Attributes, func(path string, a *tfprotov6.SchemaAttribute) {
			name := path[strings.LastIndex(path, ".")+1:]
			switch {
			case !secretName.MatchString(name) || public.MatchString(path):
			case !a.Sensitive && !a.WriteOnly:
				t.Errorf("%s sounds like a secret and is neither sensitive nor write-only", path)
			default:
				guarded++
			}
			if a.WriteOnly && !a.Sensitive {
				t.Errorf("%s is write-only and would be shown in a plan's source lines: mark it sensitive too", path)
			}
		})
	}
	if guarded < 8 {
		t.Errorf("only %d secrets were found: the pattern is too narrow", guarded)
	}
}

// Every model must have the attributes of its schema, no more and no less: a mistake shows at run
// time only.
func TestModelsHaveTheAttributesOfTheirSchemas(t *testing.T) {
	t.Parallel()

	models := map[string]any{
		"provider":                       providerModel{},
		"resource.tenant_secret":         keyModel{},
		"resource.tenant_secret_version": tenantSecretVersionModel{},
		"resource.certificate":           certificateModel{},
		"resource.external_root_key":     externalRootKeyModel{},
		"resource.cache_only_key":        cacheOnlyKeyModel{},
		"resource.data_encryption_key":   dataEncryptionKeyModel{},
		"data.certificate":               certificateDataSourceModel{},
		"data.certificates":              certificatesDataSourceModel{},
		"data.tenant_secret":             tenantSecretDataSourceModel{},
		"data.tenant_secrets":            tenantSecretsDataSourceModel{},
		"data.organization":              organizationDataSourceModel{},
		"data.query":                     queryDataSourceModel{},
		"data.sobject":                   sobjectDataSourceModel{},
		"data.encryption_events":         encryptionEventsDataSourceModel{},
		"data.external_root_keys":        externalRootKeysDataSourceModel{},
		"ephemeral.key_material":         keyMaterialModel{},
		"ephemeral.tenant_secret_export": tenantSecretExportModel{},
	}
	all := schemas(t)
	for object, schema := range all {
		model, ok := models[object]
		if !ok {
			// The attributes of settings come from a table, and are read by name.
			if !strings.HasPrefix(object, "list.") && !strings.HasSuffix(object, "_settings") {
				t.Errorf("%s has no model in this test", object)
			}

			continue
		}
		var names []string
		for _, a := range schema.Block.Attributes {
			names = append(names, a.Name)
		}
		slices.Sort(names)
		if tags := tagsOf(reflect.TypeOf(model)); !slices.Equal(names, tags) {
			t.Errorf("%s: schema %v, model %v", object, names, tags)
		}
	}
	for object := range maps.Keys(models) {
		if all[object] == nil {
			t.Errorf("there is no %s", object)
		}
	}
}

// tagsOf returns the tfsdk tags of a struct and of what it embeds, sorted.
func tagsOf(model reflect.Type) []string {
	var tags []string
	for _, field := range reflect.VisibleFields(model) {
		if tag := field.Tag.Get("tfsdk"); tag != "" && tag != "-" {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)

	return tags
}
