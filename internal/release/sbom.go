package release

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"slices"
	"strings"
)

// document is what is read of an SPDX 2.3 document [spdx.github.io/spdx-spec/v2.3].
type document struct {
	Version  string        `json:"spdxVersion"`
	Packages []spdxPackage `json:"packages"`
}

type spdxPackage struct {
	Name      string `json:"name"`
	Version   string `json:"versionInfo"`
	Concluded string `json:"licenseConcluded"`
	Declared  string `json:"licenseDeclared"`
	Refs      []struct {
		Type    string `json:"referenceType"`
		Locator string `json:"referenceLocator"`
	} `json:"externalRefs"`
}

// module reports whether the package is a Go module, by its package URL.
func (p spdxPackage) module() bool {
	for _, ref := range p.Refs {
		if ref.Type == "purl" && strings.HasPrefix(ref.Locator, "pkg:golang/") {
			return true
		}
	}
	return false
}

func (p spdxPackage) licensed() bool {
	return slices.ContainsFunc([]string{p.Concluded, p.Declared}, func(l string) bool {
		return l != "" && l != "NONE" && l != "NOASSERTION"
	})
}

// sbom holds a document against the binary that it is about: every module that was linked, at its
// version and with its license, and no other. The main module's license is the file LICENSE beside
// it.
func (c *checker) sbom(name string, build *debug.BuildInfo) error {
	body, err := fs.ReadFile(c.dist, name)
	if err != nil {
		return fmt.Errorf("no SBOM: %w", err)
	}
	var doc document
	if err := json.Unmarshal(body, &doc); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var errs []error
	if doc.Version != "SPDX-2.3" {
		errs = append(errs, fmt.Errorf("%s is %q, want SPDX-2.3", name, doc.Version))
	}
	linked := map[string]string{build.Main.Path: build.Main.Version, "stdlib": build.GoVersion}
	for _, dep := range build.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		linked[dep.Path] = dep.Version
	}
	for _, p := range doc.Packages {
		version, ok := linked[p.Name]
		switch {
		case !ok && p.module():
			errs = append(errs, fmt.Errorf("%s: %s is not in the binary", name, p.Name))
		case !ok: // the archive itself
		case p.Version != version:
			errs = append(errs, fmt.Errorf("%s: %s is %s, the binary has %s", name, p.Name, p.Version, version))
		case !p.licensed() && p.Name != build.Main.Path:
			errs = append(errs, fmt.Errorf("%s: %s has no license", name, p.Name))
		}
		delete(linked, p.Name)
	}
	for path, version := range linked {
		errs = append(errs, fmt.Errorf("%s leaves %s %s out", name, path, version))
	}
	return errors.Join(errs...)
}
