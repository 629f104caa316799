package conformance_test

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sources are the short names that facts, and the tags of comments such as [D ObjRef], use for what
// they cite.
var sources = map[string]string{
	"CertMeta":     "Metadata API Developer Guide, Certificate",
	"CertTooling":  "Tooling API reference, Certificate",
	"CMSS":         "the public repository of an encryption demonstration for Salesforce, with its metadata",
	"CoreTypes":    "Core Data Types Used in API Calls: ExceptionCode and StatusCode",
	"DEKRef":       "Object Reference, DataEncryptionKey (API 63.0 and newer)",
	"distributey":  "github.com/p15r/distributey, a key service for cache-only keys",
	"EERKRef":      "Object Reference, ExternalEncryptionRootKey (API 58.0 and newer)",
	"FAQ":          "the questions and answers on BYOK in Salesforce Help",
	"ForceCLI":     "github.com/ForceCLI/force",
	"FtxDoc":       "Fortanix DSM, guide to Salesforce BYOK",
	"FtxPlugin":    "github.com/fortanix/sdkms-plugin-library, the plugins for Salesforce",
	"Help":         "Salesforce Help; the word after it is the page's id",
	"NetCoreForce": "github.com/anthonyreilly/NetCoreForce",
	"NetskopeDoc":  "Netskope, page on Salesforce key management",
	"ObjRef":       "Object Reference, TenantSecret",
	"RESTdoc":      "REST API Developer Guide",
	"sf-skills":    "github.com/forcedotcom/sf-skills, Salesforce's own repository",
	"ShieldREST":   "Shield Platform Encryption REST API guide",
	"ThalesDoc":    "Thales CipherTrust Manager, Salesforce API guide",
	"WSDL":         "the WSDL of the Metadata or Partner API",
}

// sourcesTable renders the sources for the guide.
func sourcesTable() string {
	var out strings.Builder
	out.WriteString("\n## Sources\n\nThe short names that this page, and the comments of the code, use. Others are " +
		"addresses or titles as they stand.\n\n| name | what it is |\n| --- | --- |\n")
	for _, name := range slices.SortedFunc(maps.Keys(sources), func(a, b string) int {
		return strings.Compare(strings.ToLower(a), strings.ToLower(b))
	}) {
		out.WriteString("| " + name + " | " + sources[name] + " |\n")
	}

	return out.String()
}

// Whoever reads a tag finds what it cites, and no comment cites a page that is not in the
// repository.
func TestSourcesAreNamed(t *testing.T) {
	t.Parallel()
	// A name in camel case is a short name; EncryptionKeySettings and the like are types of metadata,
	// and stand for their own page.
	tag := regexp.MustCompile(`\[[DVCIR](?:[,;/ ][^\]\n]*)?\]`)
	short := regexp.MustCompile(`\b[A-Z][A-Za-z]*(?:Ref|Doc|doc|Tooling|CertMeta|Plugin|REST|CoreTypes)\b`)
	private := regexp.MustCompile(`(?i)\bwire (?:page|reference|\d)|salesforce-wire|\bDESIGN \d|\brows? \d+\b.*\]`)
	cited := map[string]bool{}
	for _, f := range facts() {
		for _, name := range short.FindAllString(f.source, -1) {
			cited[name] = true
		}
	}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "sources_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for line := range strings.Lines(string(text)) {
			_, comment, isComment := strings.Cut(line, "//")
			if isComment && private.MatchString(comment) {
				t.Errorf("%s cites what is not in the repository: %s", path, strings.TrimSpace(comment))
			}
			for _, found := range tag.FindAllString(line, -1) {
				for _, name := range short.FindAllString(found, -1) {
					cited[name] = true
				}
			}
		}

		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(cited) < 8 {
		t.Errorf("found only the sources %v", cited)
	}
	for name := range cited {
		if sources[name] == "" {
			t.Errorf("%s is cited, and sources does not say what it is", name)
		}
	}
}
