package metadata

import (
	"bytes"
	"encoding/xml"
	"regexp"
	"strconv"
)

// Member is one component that a manifest names.
type Member struct {
	Type, Name string
	Line       int
	Column     int
}

// Manifest is a package.xml or a destructiveChanges.xml.
type Manifest struct {
	Members []Member
	// Version is the API version, such as "62.0"; "" if not given.
	Version string
}

var versionPattern = regexp.MustCompile(`^[1-9][0-9]\.0$`)

// parseManifest reads a manifest. The version is required in package.xml.
func parseManifest(body []byte, file string) (*Manifest, *Problem) {
	refuse := func(e *Element, text string) *Problem {
		problem := &Problem{File: file, FullName: file, Text: text}
		if e != nil {
			problem.Line, problem.Column = e.Line, e.Column
		}
		return problem
	}
	root, err := ParseXML(body)
	if err != nil {
		return nil, refuse(nil, "Error parsing file: "+err.Error()) // [R]
	}
	if root.Name != (xml.Name{Space: Namespace, Local: "Package"}) {
		return nil, refuse(root, "Error parsing file: expected the root element Package of "+Namespace) // [invented]
	}
	m := &Manifest{}
	for _, child := range root.Children {
		switch child.Name.Local {
		case "version":
			if !versionPattern.MatchString(child.Text) {
				return nil, refuse(child, "Invalid version specified:"+child.Text) // [R]
			}
			m.Version = child.Text
		case "types":
			name := child.Child("name")
			if name == nil || name.Text == "" {
				return nil, refuse(child, "Required field is missing: name") // [R]
			}
			for _, part := range child.Children {
				switch part.Name.Local {
				case "members":
					m.Members = append(m.Members, Member{name.Text, part.Text, part.Line, part.Column})
				case "name":
				default:
					return nil, refuse(part, invalidElement(part, "PackageTypeMembers"))
				}
			}
		case "fullName", "apiAccessLevel", "description", "namespacePrefix", "postInstallClass", "setupWeblink",
			"uninstallClass":
			// Elements of packages that have no bearing on these types [D].
		default:
			return nil, refuse(child, invalidElement(child, "Package"))
		}
	}
	if m.Version == "" && file == "package.xml" {
		return nil, refuse(root, "Required field is missing: version") // [R]
	}
	return m, nil
}

// versionNumber turns "62.0" into 62, and "" into 0.
func versionNumber(version string) int {
	n, err := strconv.ParseFloat(version, 64)
	if err != nil {
		return 0
	}
	return int(n)
}

// invalidElement is the refusal of an element that its parent does not
// have [R].
func invalidElement(e *Element, parent string) string {
	return "Error parsing file: Element {" + e.Name.Space + "}" + e.Name.Local +
		" invalid at this location in type " + parent
}

// Body renders the manifest as a retrieve does: members grouped by type in
// the order given.
func (m *Manifest) Body() []byte {
	var out bytes.Buffer
	out.WriteString(xml.Header + `<Package xmlns="` + Namespace + `">` + "\n")
	for i := 0; i < len(m.Members); {
		out.WriteString("    <types>\n")
		typ := m.Members[i].Type
		for ; i < len(m.Members) && m.Members[i].Type == typ; i++ {
			line(&out, "members", m.Members[i].Name, 2)
		}
		line(&out, "name", typ, 2)
		out.WriteString("    </types>\n")
	}
	line(&out, "version", m.Version, 1)
	out.WriteString("</Package>\n")
	return out.Bytes()
}

// line writes one element with text, indented.
func line(out *bytes.Buffer, name, text string, indent int) {
	for range indent {
		out.WriteString("    ")
	}
	out.WriteString("<" + name + ">")
	_ = xml.EscapeText(out, []byte(text)) // a bytes.Buffer does not fail
	out.WriteString("</" + name + ">\n")
}
