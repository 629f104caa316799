package docschema_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/docschema"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/provider"
)

const (
	prefix = "salesforcebyok"
	top    = "../.."
)

// prose are the pages that a person wrote.
func prose(t *testing.T) []string {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(top, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(filepath.Join(top, "templates"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) < 5 {
		t.Fatalf("found only %v: has the documentation moved?", pages)
	}
	return pages
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func ownSchema(t *testing.T) *tfjson.ProviderSchema {
	t.Helper()
	schemas, err := docschema.FromServer(t.Context(), providerserver.NewProtocol6(provider.New("test")())(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	return schemas.Schemas[prefix]
}

// Whoever copies an example must not be the first to try it: each parses, is
// formatted, and names objects and attributes that exist and can be set.
func TestExamplesInProseFitTheSchema(t *testing.T) {
	t.Parallel()
	c := checker{schema: ownSchema(t)}
	for _, page := range prose(t) {
		for _, block := range codeBlocks(read(t, page), "hcl") {
			for _, problem := range c.check(block) {
				t.Errorf("%s: %s\nin\n%s", page, problem, block)
			}
		}
	}
}

// The same holds for the files that the reference pages show.
func TestExampleFilesFitTheSchema(t *testing.T) {
	t.Parallel()
	c := checker{schema: ownSchema(t)}
	seen := 0
	err := filepath.WalkDir(filepath.Join(top, "examples"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || (!strings.HasSuffix(path, ".tf") && !strings.HasSuffix(path, ".tfquery.hcl")) {
			return err
		}
		seen++
		for _, problem := range c.check(read(t, path)) {
			t.Errorf("%s: %s", path, problem)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 5 {
		t.Errorf("only %d example files: have they moved?", seen)
	}
}

// Every object has an example, where tfplugindocs looks for it; whatever can be
// imported shows that too.
func TestEveryObjectHasExamples(t *testing.T) {
	t.Parallel()
	schema := ownSchema(t)
	want := []string{"provider/provider.tf"}
	for name := range schema.ResourceSchemas {
		want = append(want, "resources/"+name+"/resource.tf", "resources/"+name+"/import.sh",
			"resources/"+name+"/import-by-string-id.tf")
		// A cache-only key is imported from its JWE, which is no part of its identity.
		if schema.ResourceIdentitySchemas[name] != nil && name != prefix+"_cache_only_key" {
			want = append(want, "resources/"+name+"/import-by-identity.tf")
		}
	}
	for name := range schema.DataSourceSchemas {
		want = append(want, "data-sources/"+name+"/data-source.tf")
	}
	for name := range schema.EphemeralResourceSchemas {
		want = append(want, "ephemeral-resources/"+name+"/ephemeral-resource.tf")
	}
	for name := range schema.ListResourceSchemas {
		want = append(want, "list-resources/"+name+"/list-resource.tfquery.hcl")
	}
	for name := range schema.Functions {
		want = append(want, "functions/"+name+"/function.tf")
	}
	slices.Sort(want)
	for _, path := range want {
		if _, err := os.Stat(filepath.Join(top, "examples", filepath.FromSlash(path))); err != nil {
			t.Errorf("there is no examples/%s", path)
		}
	}
}

// Names in prose exist.
func TestProseNamesWhatExists(t *testing.T) {
	t.Parallel()
	schema := ownSchema(t)
	names := map[string]bool{}
	for _, m := range []map[string]*tfjson.Schema{
		schema.ResourceSchemas, schema.DataSourceSchemas, schema.EphemeralResourceSchemas, schema.ListResourceSchemas,
	} {
		for name := range m {
			names[name] = true
		}
	}
	word := regexp.MustCompile("`(" + prefix + "_[a-z_]+)`")
	for _, page := range prose(t) {
		for _, m := range word.FindAllStringSubmatch(read(t, page), -1) {
			if !names[m[1]] {
				t.Errorf("%s names %s, which the provider does not have", page, m[1])
			}
		}
	}
}

// Tests that prose points to exist.
func TestProseNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{}
	def := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Za-z0-9_]+)\(`)
	err := filepath.WalkDir(filepath.Join(top, "internal"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		b, err := os.ReadFile(path)
		for _, m := range def.FindAllSubmatch(b, -1) {
			tests[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	word := regexp.MustCompile("`((?:Test|Fuzz)[A-Z][A-Za-z0-9_]+)`")
	for _, page := range prose(t) {
		for _, m := range word.FindAllStringSubmatch(read(t, page), -1) {
			if !tests[m[1]] {
				t.Errorf("%s names %s, which is no test", page, m[1])
			}
		}
	}
}

// No text computes how long a certificate lives from the size of its key: lives shrink, and
// Salesforce's own pages disagree.
func TestNoTextComputesAValidity(t *testing.T) {
	t.Parallel()
	computed := regexp.MustCompile(`(?is)\b(?:2048|3072|4096)\b[^.|\n]{0,80}\b(?:one|two|three|[1-9])[ -](?:year|yr)s?\b|` +
		`\b(?:one|two|three|[1-9])[ -]years?\b[^.|\n]{0,80}\b(?:2048|3072|4096)\b`)
	if !computed.MatchString("A certificate of 4096 bits is valid for two years.") ||
		computed.MatchString("4096 bits. It ends in 2 years.") {
		t.Fatal("the pattern finds something else")
	}
	pages := prose(t)
	for _, folder := range []string{
		"docs/resources", "docs/data-sources", "examples", "internal/provider",
		"internal/keys",
	} {
		err := filepath.WalkDir(filepath.Join(top, folder), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !strings.HasSuffix(path, "_test.go") {
				pages = append(pages, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, page := range pages {
		if strings.HasSuffix(page, "conformance.md.tmpl") { // what Salesforce documents, and that nothing rests on it
			continue
		}
		if found := computed.FindString(read(t, page)); found != "" {
			t.Errorf("%s: %q", page, found)
		}
	}
}

// Links between files lead somewhere, in what is written and in what is
// generated.
func TestLinks(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join(top, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(filepath.Join(top, "docs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	for _, page := range pages {
		for _, m := range link.FindAllStringSubmatch(read(t, page), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), target)); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", page, m[1])
			}
		}
	}
}

// codeBlocks returns the fenced blocks of a language, without the indentation of
// a list that they stand in.
func codeBlocks(markdown, language string) []string {
	fence := regexp.MustCompile("(?ms)^( *)```" + language + "\n(.*?)^ *```$")
	var out []string
	for _, m := range fence.FindAllStringSubmatch(markdown, -1) {
		var block strings.Builder
		for line := range strings.Lines(m[2]) {
			block.WriteString(strings.TrimPrefix(line, m[1]))
		}
		out = append(out, block.String())
	}
	return out
}

type checker struct {
	schema   *tfjson.ProviderSchema
	problems []string
}

func (c *checker) check(src string) []string {
	c.problems = nil
	if formatted := string(hclwrite.Format([]byte(src))); formatted != src {
		c.problem("not formatted")
	}
	file, diags := hclsyntax.ParseConfig([]byte(src), "example.tf", hcl.InitialPos)
	if diags.HasErrors() {
		c.problem(diags.Error())
		return c.problems
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		c.problem("not native syntax")
		return c.problems
	}
	for _, block := range body.Blocks {
		c.block(block)
	}
	c.references(body)
	return c.problems
}

func (c *checker) problem(parts ...string) { c.problems = append(c.problems, strings.Join(parts, " ")) }

// kinds of blocks, and where their schemas are.
func (c *checker) schemas(kind string) map[string]*tfjson.Schema {
	switch kind {
	case "resource":
		return c.schema.ResourceSchemas
	case "data":
		return c.schema.DataSourceSchemas
	case "ephemeral":
		return c.schema.EphemeralResourceSchemas
	case "list":
		return c.schema.ListResourceSchemas
	default:
		return nil
	}
}

// What the language itself allows in a block.
var metaArguments = []string{"alias", "count", "depends_on", "for_each", "provider"}

func (c *checker) block(b *hclsyntax.Block) {
	if b.Type == "provider" && b.Labels[0] == prefix {
		c.attributes(prefix, c.schema.ConfigSchema.Block.Attributes, b.Body)
		return
	}
	schemas := c.schemas(b.Type)
	if schemas == nil || !strings.HasPrefix(b.Labels[0], prefix+"_") {
		return
	}
	schema, ok := schemas[b.Labels[0]]
	if !ok {
		c.problem("there is no", b.Type, b.Labels[0])
		return
	}
	body := b.Body
	if b.Type == "list" { // its own arguments stand in a block "config"
		body = &hclsyntax.Body{}
		for _, nested := range b.Body.Blocks {
			body = nested.Body
		}
	}
	c.attributes(b.Labels[0], schema.Block.Attributes, body)
	for name, attr := range schema.Block.Attributes {
		if _, given := body.Attributes[name]; attr.Required && !given {
			c.problem(b.Labels[0], "lacks its required", name)
		}
	}
}

func (c *checker) attributes(owner string, schema map[string]*tfjson.SchemaAttribute, body *hclsyntax.Body) {
	for _, name := range slices.Sorted(maps.Keys(body.Attributes)) {
		if slices.Contains(metaArguments, name) {
			continue
		}
		c.attribute(owner, name, schema, body.Attributes[name].Expr)
	}
}

func (c *checker) attribute(owner, name string, schema map[string]*tfjson.SchemaAttribute, value hclsyntax.Expression) {
	attr, ok := schema[name]
	if !ok {
		c.problem(owner, "has no", name)
		return
	}
	if !attr.Optional && !attr.Required {
		c.problem(owner, "does not let", name, "be set")
	}
	object, ok := value.(*hclsyntax.ObjectConsExpr)
	if !ok || attr.AttributeNestedType == nil {
		return
	}
	for _, item := range object.Items {
		if key := hcl.ExprAsKeyword(item.KeyExpr); key != "" {
			c.attribute(owner+"."+name, key, attr.AttributeNestedType.Attributes, item.ValueExpr)
		}
	}
}

// references checks salesforcebyok_x.name.attribute, and the same after data. and
// ephemeral.
func (c *checker) references(body *hclsyntax.Body) {
	diags := hclsyntax.VisitAll(body, func(node hclsyntax.Node) hcl.Diagnostics {
		if expr, ok := node.(*hclsyntax.ScopeTraversalExpr); ok {
			c.reference(expr.Traversal)
		}
		return nil
	})
	if diags.HasErrors() {
		c.problem(diags.Error())
	}
}

func (c *checker) reference(t hcl.Traversal) {
	var path []string
	for _, step := range t {
		switch s := step.(type) {
		case hcl.TraverseRoot:
			path = append(path, s.Name)
		case hcl.TraverseAttr:
			path = append(path, s.Name)
		}
	}
	kind := "resource"
	if path[0] == "data" || path[0] == "ephemeral" {
		kind, path = path[0], path[1:]
	}
	if len(path) < 3 || !strings.HasPrefix(path[0], prefix+"_") {
		return
	}
	schema, ok := c.schemas(kind)[path[0]]
	if !ok {
		c.problem("a reference to", path[0]+", which the provider does not have")
		return
	}
	if _, ok := schema.Block.Attributes[path[2]]; !ok {
		c.problem("a reference to", path[2], "of", path[0]+", which it does not have")
	}
}

// The checker sees what it must.
func TestChecker(t *testing.T) {
	t.Parallel()
	attr := func(a tfjson.SchemaAttribute) *tfjson.SchemaAttribute { return &a }
	key := &tfjson.Schema{Block: &tfjson.SchemaBlock{Attributes: map[string]*tfjson.SchemaAttribute{
		"type": attr(tfjson.SchemaAttribute{Required: true}),
		"hash": attr(tfjson.SchemaAttribute{Computed: true}),
		"escrow": attr(tfjson.SchemaAttribute{Optional: true, AttributeNestedType: &tfjson.SchemaNestedAttributeType{
			Attributes: map[string]*tfjson.SchemaAttribute{"directory": attr(tfjson.SchemaAttribute{Optional: true})},
		}}),
	}}}
	c := checker{schema: &tfjson.ProviderSchema{
		ConfigSchema:    &tfjson.Schema{Block: &tfjson.SchemaBlock{Attributes: map[string]*tfjson.SchemaAttribute{}}},
		ResourceSchemas: map[string]*tfjson.Schema{"salesforcebyok_key": key},
	}}
	tests := map[string]struct{ src, want string }{
		"good": {"resource \"salesforcebyok_key\" \"a\" {\n  type   = \"Data\"\n  escrow = { directory = \"x\" " +
			"}\n}\n", ""},
		"another's":    {"resource \"vault_key\" \"a\" {\n  anything = 1\n}\n", ""},
		"syntax":       {"resource {{\n", "definition required"},
		"format":       {"locals {\n  a=1\n}\n", "not formatted"},
		"unknown type": {"resource \"salesforcebyok_kee\" \"a\" {}\n", "there is no resource salesforcebyok_kee"},
		"unknown":      {"resource \"salesforcebyok_key\" \"a\" {\n  type = \"Data\"\n  tipe = 1\n}\n", "has no tipe"},
		"computed": {
			"resource \"salesforcebyok_key\" \"a\" {\n  type = \"Data\"\n  hash = 1\n}\n",
			"does not let hash be set",
		},
		"nested": {
			"resource \"salesforcebyok_key\" \"a\" {\n  type   = \"Data\"\n  escrow = { dir = 1 }\n}\n",
			"has no dir",
		},
		"required":  {"resource \"salesforcebyok_key\" \"a\" {}\n", "lacks its required type"},
		"provider":  {"provider \"salesforcebyok\" {\n  url = 1\n}\n", "has no url"},
		"reference": {"output \"a\" {\n  value = salesforcebyok_key.a.hush\n}\n", "a reference to hush"},
		"data that isn't": {
			"output \"a\" {\n  value = data.salesforcebyok_key.a.hash\n}\n",
			"a reference to salesforcebyok_key",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mine := checker{schema: c.schema}
			got := strings.Join(mine.check(tc.src), "; ")
			if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
	blocks := codeBlocks("a\n```hcl\nx = 1\n```\n1. b\n   ```hcl\n   y = {\n     z = 2\n   }\n   ```\n```sh\nno\n```\n",
		"hcl")
	if want := []string{"x = 1\n", "y = {\n  z = 2\n}\n"}; !slices.Equal(blocks, want) {
		t.Errorf("got blocks %q, want %q", blocks, want)
	}
}
