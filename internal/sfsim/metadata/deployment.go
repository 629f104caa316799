package metadata

import (
	"encoding/xml"
	"slices"
	"strings"
)

// Problem is a fault of one component of a deployment.
type Problem struct {
	File, Type, FullName string
	Text                 string
	Warning              bool
	Line, Column         int
}

// CertificateComponent is a certificate to be made or changed. Content is its
// .crt file; an empty one asks for a new key pair [C].
type CertificateComponent struct {
	Name    string
	Content []byte
	Certificate
}

// SettingsComponent is a settings document to be applied.
type SettingsComponent struct {
	Settings
}

// Deployment is what a zip asks for. With Problems, the rest is what could be
// read.
type Deployment struct {
	Version      int // of package.xml, such as 62
	Certificates []CertificateComponent
	Settings     []SettingsComponent
	// Deletions are the members of destructiveChanges.xml and its variants.
	Deletions []Member
	Problems  []Problem
}

// Total is the number of components that the deployment handles.
func (d *Deployment) Total() int {
	failed := map[string]bool{}
	for _, problem := range d.Problems {
		if problem.Type != "" && !problem.Warning {
			failed[problem.Type+" "+problem.FullName] = true
		}
	}
	return len(d.Certificates) + len(d.Settings) + len(d.Deletions) + len(failed)
}

// names of the manifests that delete; all are applied alike.
var destructiveManifests = []string{"destructiveChanges.xml", "destructiveChangesPre.xml", "destructiveChangesPost.xml"}

// ReadDeployment reads the archive. allowMissingFiles tolerates members of
// package.xml without a file.
func ReadDeployment(a *Archive, allowMissingFiles bool) *Deployment {
	d := &Deployment{}
	body, ok := a.files["package.xml"]
	if !ok {
		// [C]
		d.Problems = append(d.Problems, Problem{File: "package.xml", FullName: "package.xml", Text: "No package.xml found"})
		return d
	}
	manifest, problem := parseManifest(body, "package.xml")
	if problem != nil {
		d.Problems = append(d.Problems, *problem)
		return d
	}
	d.Version = versionNumber(manifest.Version)

	used := map[string]bool{"package.xml": true}
	for _, name := range destructiveManifests {
		body, ok := a.files[name]
		if !ok {
			continue
		}
		used[name] = true
		destructive, problem := parseManifest(body, name)
		if problem != nil {
			d.Problems = append(d.Problems, *problem)
			continue
		}
		for _, member := range destructive.Members {
			if member.Type != "Certificate" || member.Name == "*" {
				d.problem(Problem{
					File: name, Type: member.Type, FullName: member.Name, Line: member.Line, Column: member.Column,
					Text: "the simulator deletes components of type Certificate only, by name",
				})
				continue
			}
			d.Deletions = append(d.Deletions, member)
		}
	}

	wildcard := map[string]bool{}
	for _, member := range manifest.Members {
		if member.Name == "*" {
			wildcard[member.Type] = true
			if member.Type != "Certificate" && member.Type != "Settings" {
				d.problem(unsupported(member))
			}
		}
	}
	for _, member := range manifest.Members {
		if member.Name != "*" {
			d.read(a, member, used, allowMissingFiles)
		}
	}
	for _, name := range a.names() {
		if used[name] {
			continue
		}
		member, ok := memberOf(name)
		switch {
		case ok && wildcard[member.Type]:
			d.read(a, member, used, allowMissingFiles)
		case !used[name]:
			d.problem(Problem{
				File: name, FullName: name, Type: member.Type, Warning: true,
				Text: "The file is not named in package.xml", // [invented]
			})
		}
	}
	return d
}

// memberOf returns which component a file belongs to.
func memberOf(file string) (Member, bool) {
	if name, ok := strings.CutPrefix(file, "certs/"); ok {
		name = strings.TrimSuffix(name, "-meta.xml")
		if name, ok := strings.CutSuffix(name, ".crt"); ok {
			return Member{Type: "Certificate", Name: name}, true
		}
	}
	if name, ok := strings.CutPrefix(file, "settings/"); ok {
		if name, ok := strings.CutSuffix(name, ".settings"); ok {
			return Member{Type: "Settings", Name: name}, true
		}
	}
	return Member{}, false
}

func unsupported(member Member) Problem {
	return Problem{
		File: "package.xml", Type: member.Type, FullName: member.Name, Line: member.Line, Column: member.Column,
		Text: "the simulator deploys components of type Certificate and Settings only",
	}
}

func (d *Deployment) problem(p Problem) { d.Problems = append(d.Problems, p) }

// read takes in the files of one member of package.xml.
func (d *Deployment) read(a *Archive, member Member, used map[string]bool, allowMissingFiles bool) {
	missing := Problem{
		File: "package.xml", Type: member.Type, FullName: member.Name, Line: member.Line, Column: member.Column,
		Text: "An object '" + member.Name + "' of type " + member.Type +
			" was named in package.xml, but was not found in zipped directory", // [C]
	}
	switch member.Type {
	case "Certificate":
		d.readCertificate(a, member, used, allowMissingFiles, missing)
	case "Settings":
		d.readSettings(a, member, used, allowMissingFiles, missing)
	default:
		d.problem(unsupported(member))
	}
}

func (d *Deployment) readCertificate(a *Archive, member Member, used map[string]bool, allowMissing bool,
	missing Problem,
) {
	file := "certs/" + member.Name + ".crt"
	content, hasContent := a.files[file]
	meta, hasMeta := a.files[file+"-meta.xml"]
	used[file], used[file+"-meta.xml"] = true, true
	fail := func(name, text string) {
		d.problem(Problem{File: name, Type: "Certificate", FullName: member.Name, Text: text})
	}
	switch {
	case !hasContent && !hasMeta:
		if !allowMissing {
			d.problem(missing)
		}
		return
	case !hasMeta:
		fail(file, "The metadata file "+file+"-meta.xml is missing") // [invented]
		return
	case !hasContent:
		fail(file+"-meta.xml", "The content file "+file+" is missing") // [invented]
		return
	case !ValidDeveloperName(member.Name):
		fail(file, "The Unique Name can only contain underscores and alphanumeric characters. It must begin with a letter, "+
			"not include spaces, not end with an underscore, and not contain two consecutive underscores.") // [R]
		return
	}
	if slices.ContainsFunc(d.Certificates, func(c CertificateComponent) bool { return c.Name == member.Name }) {
		fail(file, "The component is named twice in package.xml") // [invented]
		return
	}
	root, problem := document(meta, "Certificate")
	var certificate Certificate
	if problem == nil {
		certificate, problem = ParseCertificate(root)
	}
	if problem != nil {
		problem.File, problem.Type, problem.FullName = file+"-meta.xml", "Certificate", member.Name
		d.problem(*problem)
		return
	}
	d.Certificates = append(d.Certificates, CertificateComponent{member.Name, content, certificate})
}

func (d *Deployment) readSettings(a *Archive, member Member, used map[string]bool, allowMissing bool, missing Problem) {
	file := "settings/" + member.Name + ".settings"
	body, ok := a.files[file]
	used[file] = true
	t, known := SettingsByName(member.Name)
	switch {
	case !known || t.Member != member.Name:
		d.problem(Problem{
			File: file, Type: "Settings", FullName: member.Name,
			Text: "The object '" + member.Name + "' of type Settings metadata does not exist.", // [D sf-skills]
		})
		return
	case !ok:
		if !allowMissing {
			d.problem(missing)
		}
		return
	}
	root, problem := document(body, t.Root)
	var settings Settings
	if problem == nil {
		settings, problem = ParseSettings(t, root, d.Version)
	}
	if problem != nil {
		problem.File, problem.Type, problem.FullName = file, "Settings", member.Name
		d.problem(*problem)
		return
	}
	d.Settings = append(d.Settings, SettingsComponent{settings})
}

// document reads the XML of a component and checks its root element.
func document(body []byte, root string) (*Element, *Problem) {
	e, err := ParseXML(body)
	if err != nil {
		return nil, &Problem{Text: "Error parsing file: " + err.Error()} // [R]
	}
	if e.Name != (xml.Name{Space: Namespace, Local: root}) {
		return nil, &Problem{
			Text: "Error parsing file: expected the root element " + root + " of " + Namespace, // [invented]
			Line: e.Line, Column: e.Column,
		}
	}
	return e, nil
}
