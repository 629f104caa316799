package metadata

import (
	"bytes"
	"encoding/xml"
	"slices"
	"strconv"
	"strings"
)

// SettingsField is one switch of a settings type.
type SettingsField struct {
	Name  string
	Since int // API version that brought it; 0: with the type
}

// SettingsType describes one member of the metadata type Settings [D].
type SettingsType struct {
	Member string // "EncryptionKey"
	Root   string // "EncryptionKeySettings"
	Fields []SettingsField
}

// SettingsTypes are the settings of Shield Platform Encryption. The
// documentation also spells two of the fields enableExternalKeyManagement and
// enableDeterministEncryption; the names here are those of the WSDL [D].
func SettingsTypes() []SettingsType {
	return []SettingsType{
		{Member: "EncryptionKey", Root: "EncryptionKeySettings", Fields: []SettingsField{
			{"canEncryptTransactionalDatabase", 63},
			{"canExternalKeyManagement", 63},
			{"canManageDataCloudKeys", 63},
			{"canOptOutOfDerivationWithBYOK", 0},
			{"enableCacheOnlyKeys", 0},
			{"enableReplayDetection", 0},
		}},
		{Member: "PlatformEncryption", Root: "PlatformEncryptionSettings", Fields: []SettingsField{
			{"canEncryptManagedPackageFields", 0},
			{"enableDeterministicEncryption", 0},
			{"enableEncryptFieldHistory", 0},
			{"enableEncryptionSearchEnabled", 0},
			{"enableEventBusEncryption", 0},
			{"isMEKForEncryptionRequired", 0},
			{"isUseHighAssuranceKeysRequired", 0},
		}},
	}
}

// SettingsByName finds a type by its member name or its root element.
func SettingsByName(name string) (SettingsType, bool) {
	for _, t := range SettingsTypes() {
		if t.Member == name || t.Root == name {
			return t, true
		}
	}
	return SettingsType{}, false
}

// Settings is one deployed or retrieved settings document: the switches that
// it names. Those that an org does not have are absent.
type Settings struct {
	Type   SettingsType
	Values map[string]bool
}

// ParseSettings reads the switches of a document or of a SOAP record at an
// API version.
func ParseSettings(t SettingsType, root *Element, version int) (Settings, *Problem) {
	s := Settings{Type: t, Values: map[string]bool{}}
	for _, e := range root.Children {
		refuse := func(text string) (Settings, *Problem) {
			return Settings{}, &Problem{Text: text, Line: e.Line, Column: e.Column}
		}
		i := slices.IndexFunc(t.Fields, func(f SettingsField) bool { return f.Name == e.Name.Local })
		if i < 0 || t.Fields[i].Since > version {
			return refuse(invalidElement(e, t.Root))
		}
		if _, ok := s.Values[e.Name.Local]; ok {
			return refuse("Error parsing file: Duplicate element " + e.Name.Local + " in type " + t.Root) // [invented]
		}
		value, ok := parseBoolean(e.Text)
		if !ok || len(e.Children) > 0 {
			return refuse("Error parsing file: '" + e.Text + "' is not a valid value for the type xsd:boolean") // [R]
		}
		s.Values[e.Name.Local] = value
	}
	return s, nil
}

// Body renders the document as a retrieve at an API version does: with every
// switch of that version that the org has.
func (s Settings) Body(version int) []byte {
	var out bytes.Buffer
	out.WriteString(xml.Header + "<" + s.Type.Root + ` xmlns="` + Namespace + `">` + "\n")
	s.each(version, func(name, value string) { line(&out, name, value, 1) })
	out.WriteString("</" + s.Type.Root + ">\n")
	return out.Bytes()
}

// Elements renders the switches alone, as a SOAP record holds them.
func (s Settings) Elements(version int) string {
	var out strings.Builder
	s.each(version, func(name, value string) { out.WriteString("<" + name + ">" + value + "</" + name + ">") })
	return out.String()
}

// each visits the switches that the org has at an API version, in order.
func (s Settings) each(version int, visit func(name, value string)) {
	for _, field := range s.Type.Fields {
		if value, shown := s.Values[field.Name]; shown && field.Since <= version {
			visit(field.Name, strconv.FormatBool(value))
		}
	}
}
