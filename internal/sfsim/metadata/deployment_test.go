package metadata_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim/metadata"
)

const (
	header   = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	ns       = ` xmlns="http://soap.sforce.com/2006/04/metadata"`
	goodPack = header + `<Package` + ns +
		`><types><members>My_Cert</members><name>Certificate</name></types><version>62.0</version></Package>`
	emptyPack = header + `<Package` + ns + `><version>62.0</version></Package>`
	goodCert  = header + `<Certificate` + ns +
		`><caSigned>false</caSigned><encryptedWithPlatformEncryption>true</encryptedWithPlatformEncryption><expirationDate>2028-11-20T00:00:00.000Z</expirationDate><keySize>4096</keySize><masterLabel>My BYOK Cert</masterLabel><privateKeyExportable>false</privateKeyExportable></Certificate>`
	crt        = "certs/My_Cert.crt"
	meta       = "certs/My_Cert.crt-meta.xml"
	settings   = "settings/EncryptionKey.settings"
	keySetting = header + `<EncryptionKeySettings` + ns +
		`><enableCacheOnlyKeys>true</enableCacheOnlyKeys></EncryptionKeySettings>`
)

func pack(version, typ string, members ...string) string {
	var types strings.Builder
	for _, name := range members {
		types.WriteString("<members>" + name + "</members>")
	}
	return header + `<Package` + ns + `><types>` + types.String() + "<name>" + typ + "</name></types><version>" + version +
		"</version></Package>"
}

func zipped(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var list []metadata.File
	for name, body := range files {
		list = append(list, metadata.File{Name: name, Body: []byte(body)})
	}
	body, err := metadata.WriteArchive(list)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func read(t testing.TB, files map[string]string) *metadata.Deployment {
	t.Helper()
	archive, err := metadata.OpenArchive(zipped(t, files), true)
	if err != nil {
		t.Fatal(err)
	}
	return metadata.ReadDeployment(archive, false)
}

func TestDeploymentOfACertificate(t *testing.T) {
	t.Parallel()
	d := read(t, map[string]string{"package.xml": goodPack, crt: "", meta: goodCert})
	want := &metadata.Deployment{
		Version: 62,
		Certificates: []metadata.CertificateComponent{{
			Name: "My_Cert", Content: []byte{},
			Certificate: metadata.Certificate{
				EncryptedWithPlatformEncryption: true, KeySize: 4096, MasterLabel: "My BYOK Cert",
				ExpirationDate: time.Date(2028, 11, 20, 0, 0, 0, 0, time.UTC),
			},
		}},
	}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("deployment (-want +got):\n%s", diff)
	}
	if d.Total() != 1 {
		t.Errorf("Total() = %d, want 1", d.Total())
	}
}

func TestCertificateDefaults(t *testing.T) {
	t.Parallel()
	d := read(t, map[string]string{
		"package.xml": pack("67.0", "Certificate", "*"), crt: "PEM",
		meta: `<Certificate` + ns + `><caSigned>1</caSigned><masterLabel>A &amp; B</masterLabel></Certificate>`,
	})
	if len(d.Problems) > 0 || len(d.Certificates) != 1 {
		t.Fatalf("%+v", d)
	}
	want := metadata.Certificate{CASigned: true, KeySize: 2048, MasterLabel: "A & B", PrivateKeyExportable: true}
	if diff := cmp.Diff(want, d.Certificates[0].Certificate); diff != "" {
		t.Errorf("certificate (-want +got):\n%s", diff)
	}
	if string(d.Certificates[0].Content) != "PEM" {
		t.Errorf("content %q", d.Certificates[0].Content)
	}
}

func TestDeploymentOfSettingsAndDeletions(t *testing.T) {
	t.Parallel()
	d := read(t, map[string]string{
		"package.xml": pack("63.0", "Settings", "EncryptionKey", "PlatformEncryption"),
		settings:      keySetting,
		"destructiveChangesPost.xml": strings.Replace(pack("", "Certificate", "Old_One", "Old_Two"), "<version></version>",
			"", 1),
		"settings/PlatformEncryption.settings": `<PlatformEncryptionSettings` + ns +
			`><enableDeterministicEncryption>false</enableDeterministicEncryption></PlatformEncryptionSettings>`,
	})
	if len(d.Problems) > 0 || len(d.Settings) != 2 || len(d.Deletions) != 2 || d.Total() != 4 {
		t.Fatalf("%+v", d)
	}
	if !maps.Equal(d.Settings[0].Values, map[string]bool{"enableCacheOnlyKeys": true}) ||
		!maps.Equal(d.Settings[1].Values, map[string]bool{"enableDeterministicEncryption": false}) {
		t.Errorf("settings %+v", d.Settings)
	}
	if d.Deletions[1].Name != "Old_Two" || d.Deletions[1].Type != "Certificate" {
		t.Errorf("deletions %+v", d.Deletions)
	}
}

func TestDeploymentProblems(t *testing.T) {
	t.Parallel()
	certificate := func(elements string) map[string]string {
		return map[string]string{
			"package.xml": goodPack, crt: "",
			meta: `<Certificate` + ns + ">\n" + elements + `</Certificate>`,
		}
	}
	encryptionKey := func(version, elements string) map[string]string {
		return map[string]string{
			"package.xml": pack(version, "Settings", "EncryptionKey"),
			settings:      `<EncryptionKeySettings` + ns + ">" + elements + `</EncryptionKeySettings>`,
		}
	}
	for _, tc := range []struct {
		name           string
		files          map[string]string
		file, fullName string
		text           string
		warning        bool
	}{
		{"no package.xml", map[string]string{crt: ""}, "package.xml", "package.xml", "No package.xml found", false},
		{
			"package.xml is no XML",
			map[string]string{"package.xml": "hello"},
			"package.xml", "package.xml",
			"Error parsing file", false,
		},
		{
			"package.xml has another root",
			map[string]string{"package.xml": goodCert},
			"package.xml", "package.xml",
			"root element Package", false,
		},
		{
			"package.xml without namespace",
			map[string]string{"package.xml": "<Package><version>62.0</version></Package>"},
			"package.xml", "package.xml", "root element Package", false,
		},
		{
			"no version",
			map[string]string{"package.xml": "<Package" + ns + "/>"},
			"package.xml", "package.xml", "version",
			false,
		},
		{
			"odd version",
			map[string]string{"package.xml": pack("62", "Certificate")},
			"package.xml", "package.xml",
			"Invalid version specified:62", false,
		},
		{
			"unknown element in package.xml",
			map[string]string{"package.xml": "<Package" + ns + "><foo/><version>62.0</version></Package>"},
			"package.xml", "package.xml", "foo invalid at this location in type Package", false,
		},
		{
			"types without a name",
			map[string]string{"package.xml": "<Package" + ns +
				"><types><members>x</members></types><version>62.0</version></Package>"},
			"package.xml", "package.xml", "Required field is missing: name", false,
		},
		{
			"member without files",
			map[string]string{"package.xml": goodPack},
			"package.xml", "My_Cert",
			"An object 'My_Cert' of type Certificate was named in package.xml, but was not found in zipped directory", false,
		},
		{
			"no meta file",
			map[string]string{"package.xml": goodPack, crt: ""},
			crt, "My_Cert",
			"My_Cert.crt-meta.xml is missing", false,
		},
		{
			"no content file",
			map[string]string{"package.xml": goodPack, meta: goodCert},
			meta, "My_Cert",
			"My_Cert.crt is missing", false,
		},
		{
			"file not in package.xml",
			map[string]string{"package.xml": emptyPack, crt: ""},
			crt, crt,
			"not named in package.xml", true,
		},
		{
			"named twice",
			map[string]string{"package.xml": pack("62.0", "Certificate", "My_Cert", "My_Cert"), crt: "", meta: goodCert},
			crt, "My_Cert", "named twice", false,
		},
		{
			"bad name",
			map[string]string{
				"package.xml": pack("62.0", "Certificate", "My__Cert"), "certs/My__Cert.crt": "",
				"certs/My__Cert.crt-meta.xml": goodCert,
			},
			"certs/My__Cert.crt", "My__Cert", "The Unique Name can only contain", false,
		},
		{
			"another type",
			map[string]string{"package.xml": pack("62.0", "ApexClass", "Foo")},
			"package.xml", "Foo",
			"the simulator deploys", false,
		},
		{
			"all of another type",
			map[string]string{"package.xml": pack("62.0", "ApexClass", "*")},
			"package.xml", "*",
			"the simulator deploys", false,
		},
		{
			"no caSigned", certificate("<masterLabel>x</masterLabel>"), meta, "My_Cert", "Required field is missing: caSigned",
			false,
		},
		{
			"no label", certificate("<caSigned>true</caSigned>"), meta, "My_Cert", "Required field is missing: masterLabel",
			false,
		},
		{
			"unknown element", certificate("<caSigned>true</caSigned><CertificateData>x</CertificateData>"), meta, "My_Cert",
			"CertificateData invalid at this location", false,
		},
		{
			"element twice", certificate("<caSigned>true</caSigned><caSigned>true</caSigned>"), meta, "My_Cert",
			"Duplicate element caSigned", false,
		},
		{
			"bad boolean", certificate("<caSigned>yes</caSigned>"), meta, "My_Cert",
			"'yes' is not a valid value for the type xsd:boolean", false,
		},
		{
			"nested element", certificate("<caSigned><b/></caSigned>"), meta, "My_Cert",
			"'' is not a valid value for the type xsd:boolean", false,
		},
		{
			"date without time", certificate("<caSigned>true</caSigned><expirationDate>2028-11-20</expirationDate>"), meta,
			"My_Cert", "'2028-11-20' is not a valid value for the type xsd:dateTime", false,
		},
		{
			"bad day", certificate("<expirationDate>2028-02-30T00:00:00Z</expirationDate>"), meta, "My_Cert", "xsd:dateTime",
			false,
		},
		{
			"bad number", certificate("<keySize>big</keySize>"), meta, "My_Cert",
			"'big' is not a valid value for the type xsd:int", false,
		},
		{
			"3072 bits", certificate("<caSigned>true</caSigned><masterLabel>x</masterLabel><keySize>3072</keySize>"), meta,
			"My_Cert", "Key Size: bad value: 3072", false,
		},
		{
			"long label", certificate("<caSigned>true</caSigned><masterLabel>" + strings.Repeat("é", 65) + "</masterLabel>"),
			meta, "My_Cert", "max length=64", false,
		},
		{
			"other root",
			map[string]string{"package.xml": goodPack, crt: "", meta: keySetting},
			meta, "My_Cert",
			"expected the root element Certificate", false,
		},
		{
			"document type",
			map[string]string{"package.xml": goodPack, crt: "", meta: `<!DOCTYPE a><a/>`},
			meta, "My_Cert",
			"document type declaration", false,
		},
		{
			"unknown settings",
			map[string]string{
				"package.xml": pack("62.0", "Settings", "EncryptionKeySettings"),
				"settings/EncryptionKeySettings.settings": keySetting,
			},
			"settings/EncryptionKeySettings.settings",
			"EncryptionKeySettings", "The object 'EncryptionKeySettings' of type Settings metadata does not exist.", false,
		},
		{
			"settings without a file",
			map[string]string{"package.xml": pack("62.0", "Settings", "EncryptionKey")},
			"package.xml", "EncryptionKey", "not found in zipped directory", false,
		},
		{
			"settings field of a later version", encryptionKey("62.0", "<canManageDataCloudKeys>true</canManageDataCloudKeys>"),
			settings, "EncryptionKey", "canManageDataCloudKeys invalid at this location in type EncryptionKeySettings", false,
		},
		{
			"settings spelling of the docs", encryptionKey("63.0",
				"<enableExternalKeyManagement>true</enableExternalKeyManagement>"), settings, "EncryptionKey",
			"enableExternalKeyManagement invalid", false,
		},
		{
			"settings field twice", encryptionKey("62.0",
				"<enableCacheOnlyKeys>true</enableCacheOnlyKeys><enableCacheOnlyKeys>true</enableCacheOnlyKeys>"), settings,
			"EncryptionKey", "Duplicate element", false,
		},
		{
			"settings value", encryptionKey("62.0", "<enableCacheOnlyKeys>TRUE</enableCacheOnlyKeys>"), settings,
			"EncryptionKey", "'TRUE' is not a valid value", false,
		},
		{
			"deletion of another type",
			map[string]string{
				"package.xml":            emptyPack,
				"destructiveChanges.xml": pack("62.0", "Settings", "EncryptionKey"),
			},
			"destructiveChanges.xml", "EncryptionKey",
			"the simulator deletes", false,
		},
		{
			"broken destructiveChanges.xml",
			map[string]string{"package.xml": emptyPack, "destructiveChanges.xml": "<a>"},
			"destructiveChanges.xml", "destructiveChanges.xml", "Error parsing file", false,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := read(t, tc.files)
			if len(d.Problems) != 1 {
				t.Fatalf("%d problems, want 1: %+v", len(d.Problems), d.Problems)
			}
			p := d.Problems[0]
			if p.File != tc.file || p.FullName != tc.fullName || p.Warning != tc.warning {
				t.Errorf("problem of %s in %s (warning %v), want of %s in %s (warning %v)", p.FullName, p.File, p.Warning,
					tc.fullName, tc.file, tc.warning)
			}
			if !strings.Contains(p.Text, tc.text) {
				t.Errorf("text %q lacks %q", p.Text, tc.text)
			}
			if len(d.Certificates) > 1 || len(d.Settings) > 0 {
				t.Errorf("a faulty component was taken in: %+v", d)
			}
		})
	}
}

func TestProblemsHaveAPlace(t *testing.T) {
	t.Parallel()
	d := read(t, map[string]string{
		"package.xml": goodPack, crt: "",
		meta: strings.Replace(goodCert, "<keySize>", "\n  <keySizes>", 1),
	})
	d2 := read(t, map[string]string{
		"package.xml": goodPack, crt: "",
		meta: "<Certificate" + ns + ">\n  <caSigned>true</caSigned>\n  <bits>1</bits>\n</Certificate>",
	})
	if len(d.Problems) != 1 || len(d2.Problems) != 1 {
		t.Fatalf("%+v %+v", d.Problems, d2.Problems)
	}
	if p := d2.Problems[0]; p.Line != 3 || p.Column != 3 {
		t.Errorf("at %d:%d, want 3:3", p.Line, p.Column)
	}
}

func TestAllowMissingFiles(t *testing.T) {
	t.Parallel()
	archive, err := metadata.OpenArchive(zipped(t, map[string]string{"package.xml": goodPack}), true)
	if err != nil {
		t.Fatal(err)
	}
	if d := metadata.ReadDeployment(archive, true); len(d.Problems) != 0 {
		t.Errorf("problems %+v", d.Problems)
	}
}

func TestFailedComponentsCount(t *testing.T) {
	t.Parallel()
	d := read(t, map[string]string{
		"package.xml": pack("62.0", "Certificate", "A", "B", "My_Cert"), crt: "",
		meta: goodCert,
	})
	if d.Total() != 3 || len(d.Problems) != 2 {
		t.Errorf("Total() = %d with %d problems, want 3 with 2", d.Total(), len(d.Problems))
	}
}

func TestOpenArchive(t *testing.T) {
	t.Parallel()
	many := map[string]string{}
	for i := range 10_001 {
		many[fmt.Sprintf("f%d", i)] = ""
	}
	twice := func() []byte {
		body, err := metadata.WriteArchive([]metadata.File{{Name: "a"}, {Name: "a"}})
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	for _, tc := range []struct {
		name   string
		body   []byte
		single bool
		want   string // of the error; "" for none
	}{
		{"at the root", zipped(t, map[string]string{"package.xml": goodPack}), true, ""},
		{"in a folder", zipped(t, map[string]string{"unpackaged/package.xml": goodPack}), false, ""},
		{"no zip", []byte("hello"), true, "not a zip archive"},
		{
			"at the root, not singlePackage", zipped(t, map[string]string{"package.xml": goodPack}), false,
			"lies outside a package folder",
		},
		{
			"two folders", zipped(t, map[string]string{"a/package.xml": goodPack, "b/package.xml": goodPack}), false,
			"deploys one package",
		},
		{"upward path", zipped(t, map[string]string{"../package.xml": goodPack}), true, "invalid path"},
		{"absolute path", zipped(t, map[string]string{"/package.xml": goodPack}), true, "invalid path"},
		{"backslash", zipped(t, map[string]string{`certs\a.crt`: ""}), true, "invalid path"},
		{"a file twice", twice(), true, "twice"},
		{"too many files", zipped(t, many), true, "10001 files"},
		{
			"too large unpacked", zipped(t, map[string]string{"a": strings.Repeat("a", 64<<20+1)}), true,
			"unpacks to more than",
		},
		{"too large", make([]byte, 39<<20+1), true, "more than 40894464"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			archive, err := metadata.OpenArchive(tc.body, tc.single)
			if tc.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if d := metadata.ReadDeployment(archive, true); len(d.Problems) != 0 {
					t.Errorf("problems %+v", d.Problems)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestDirectoryEntriesAreIgnored(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	writer := zip.NewWriter(&out)
	for name, body := range map[string]string{
		"unpackaged/": "", "unpackaged/certs/": "",
		"unpackaged/package.xml": emptyPack,
	} {
		w, err := writer.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	archive, err := metadata.OpenArchive(out.Bytes(), false)
	if err != nil {
		t.Fatal(err)
	}
	if d := metadata.ReadDeployment(archive, false); len(d.Problems) != 0 {
		t.Errorf("problems %+v", d.Problems)
	}
}

func TestBodiesAreReadBack(t *testing.T) {
	t.Parallel()
	certificate := metadata.Certificate{
		CASigned: true, EncryptedWithPlatformEncryption: true, KeySize: 4096, MasterLabel: `<A> & "B"`,
		ExpirationDate: time.Date(2028, 1, 2, 3, 4, 5, 6e6, time.UTC),
	}
	key, _ := metadata.SettingsByName("EncryptionKey")
	values := map[string]bool{"enableCacheOnlyKeys": true, "canManageDataCloudKeys": true, "enableReplayDetection": false}
	manifest := metadata.Manifest{Version: "63.0", Members: []metadata.Member{
		{Type: "Certificate", Name: "My_Cert"}, {Type: "Settings", Name: "EncryptionKey"},
	}}
	d := read(t, map[string]string{
		"package.xml": string(manifest.Body()), crt: "", meta: string(certificate.Body()),
		settings: string(metadata.Settings{Type: key, Values: values}.Body(63)),
	})
	if len(d.Problems) > 0 {
		t.Fatalf("problems %+v", d.Problems)
	}
	if diff := cmp.Diff(certificate, d.Certificates[0].Certificate); diff != "" {
		t.Errorf("certificate (-want +got):\n%s", diff)
	}
	if got := d.Settings[0].Values; len(got) != 3 || !got["enableCacheOnlyKeys"] || !got["canManageDataCloudKeys"] ||
		got["enableReplayDetection"] {
		t.Errorf("settings %v", got)
	}
	if body := string((metadata.Settings{Type: key, Values: values}).Body(62)); strings.Contains(body,
		"canManageDataCloudKeys") {
		t.Errorf("API 62 has no canManageDataCloudKeys:\n%s", body)
	}
	root, err := metadata.ParseXML([]byte("<r>" + certificate.Elements() + "</r>"))
	if err != nil {
		t.Fatal(err)
	}
	again, problem := metadata.ParseCertificate(root)
	if problem != nil || !cmp.Equal(again, certificate) {
		t.Errorf("elements read back as %+v, %v", again, problem)
	}
	if got := (metadata.Settings{Type: key, Values: values}).Elements(62); strings.Count(got, "true") != 1 ||
		strings.Contains(got, "Cloud") {
		t.Errorf("elements at API 62: %s", got)
	}
}

func TestParseXML(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ body, want string }{
		{"", "the document is empty"},
		{"<a></b>", "element <a> closed by </b>"},
		{"<a/><b/>", "a second root element"},
		{"x<a/>", "content is not allowed outside the root element"},
		{"<a>text<b/></a>", "text between the elements of a"},
		{"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "document type declaration"},
		{"<a>&b;</a>", "invalid character entity"},
		{strings.Repeat("<a>", 33) + strings.Repeat("</a>", 33), "nested more than 32 deep"},
	} {
		if _, err := metadata.ParseXML([]byte(tc.body)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("ParseXML(%q): %v, want an error with %q", tc.body, err, tc.want)
		}
	}
	root, err := metadata.ParseXML([]byte("\uFEFF<a><b> 1 </b><!-- note --><b>2</b></a>\n"))
	if err != nil {
		t.Fatal(err)
	}
	if root.ChildText("b") != "1" || len(root.All("b")) != 2 || root.Child("c") != nil ||
		root.Child("c").All("d") != nil || root.ChildText("c") != "" {
		t.Errorf("elements %+v", root)
	}
}

func TestValidDeveloperName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"A": true, "Sim_BYOK": true, "a1_b2_c3": true, strings.Repeat("a", 80): true,
		"": false, "1a": false, "_a": false, "a_": false, "a__b": false, "a b": false, "a-b": false, "é": false,
		strings.Repeat("a", 81): false,
	} {
		if got := metadata.ValidDeveloperName(name); got != want {
			t.Errorf("ValidDeveloperName(%q) = %v", name, got)
		}
	}
}

// FuzzDeployment checks that no zip makes the reader panic, and that whatever
// it takes in keeps the rules.
func FuzzDeployment(f *testing.F) {
	for _, files := range []map[string]string{
		{"package.xml": goodPack, crt: "", meta: goodCert},
		{"package.xml": pack("63.0", "Settings", "EncryptionKey"), settings: keySetting},
		{"package.xml": emptyPack, "destructiveChanges.xml": goodPack},
	} {
		f.Add(zipped(f, files), true)
	}
	f.Add([]byte("PK\x03\x04"), false)
	f.Fuzz(func(t *testing.T, body []byte, single bool) {
		archive, err := metadata.OpenArchive(body, single)
		if err != nil {
			return
		}
		checkDeployment(t, metadata.ReadDeployment(archive, false))
	})
}

// FuzzCertificateXML reaches the XML that FuzzDeployment seldom gets to
// through the zip.
func FuzzCertificateXML(f *testing.F) {
	f.Add(goodPack, goodCert, keySetting)
	f.Add(pack("63.0", "Settings", "EncryptionKey"), "<a", "<a>&#0;</a>")
	f.Fuzz(func(t *testing.T, manifest, certificate, encryptionKey string) {
		checkDeployment(t, read(t, map[string]string{
			"package.xml": manifest, crt: "", meta: certificate, settings: encryptionKey, "destructiveChanges.xml": manifest,
		}))
	})
}

func checkDeployment(t *testing.T, d *metadata.Deployment) {
	t.Helper()
	for _, c := range d.Certificates {
		if !metadata.ValidDeveloperName(c.Name) || c.MasterLabel == "" || c.KeySize != 2048 && c.KeySize != 4096 {
			t.Errorf("certificate %+v breaks the rules", c)
		}
	}
	for _, problem := range d.Problems {
		if problem.Text == "" || problem.File == "" {
			t.Errorf("incomplete problem %+v", problem)
		}
	}
	if d.Total() < len(d.Certificates) {
		t.Errorf("Total() = %d with %d certificates", d.Total(), len(d.Certificates))
	}
}
