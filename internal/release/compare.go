package release

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Compare reports what two builds of one commit do not have in common. SBOMs are left out: each
// carries its own time and name.
func Compare(a, b fs.FS, name string) error {
	_, one, err := Checksums(a, name)
	if err != nil {
		return err
	}
	_, other, err := Checksums(b, name)
	if err != nil {
		return err
	}
	for _, sums := range []map[string]string{one, other} {
		maps.DeleteFunc(sums, func(file, _ string) bool { return strings.HasSuffix(file, ".spdx.json") })
	}
	if len(one) == 0 {
		return errors.New("the checksums name nothing to compare")
	}
	var errs []error
	for _, file := range slices.Sorted(maps.Keys(one)) {
		if one[file] != other[file] {
			errs = append(errs, fmt.Errorf("%s: SHA-256 is %s in one build and %q in the other", file, one[file], other[file]))
		}
		delete(other, file)
	}
	for _, file := range slices.Sorted(maps.Keys(other)) {
		errs = append(errs, fmt.Errorf("%s is in one build only", file))
	}
	return errors.Join(errs...)
}
