// Package metadata reads and writes the file format of the Metadata API: the
// zip of a deploy or retrieve, package.xml and destructiveChanges.xml, and the
// two types that matter to Shield Platform Encryption, Certificate and
// Settings. It knows nothing of the org that they are deployed to.
//
// It reads as strictly as Salesforce is known to: an element that a type does
// not have, a value of the wrong type, or a member of package.xml without its
// file is a problem of its component. Wordings tagged [C] were seen in public
// deploy results, [R] are remembered, [invented] are this package's own.
package metadata

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// Limits of a zip [D: 39 MB compressed, 10,000 files]. The unpacked size is
// bounded too, so that a small zip cannot fill the memory.
const (
	maxZipSize      = 39 << 20
	maxFiles        = 10_000
	maxUnpackedSize = 64 << 20
)

// Archive is the content of a zip by path below the package's folder.
type Archive struct {
	files map[string][]byte
}

// OpenArchive reads a zip. With singlePackage the files lie at its root, else
// in one top-level folder.
func OpenArchive(body []byte, singlePackage bool) (*Archive, error) {
	if len(body) > maxZipSize {
		return nil, fmt.Errorf("the zip has %d bytes, more than %d", len(body), maxZipSize)
	}
	reader, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, errors.New("the file is not a zip archive")
	}
	if len(reader.File) > maxFiles {
		return nil, fmt.Errorf("the zip has %d files, more than %d", len(reader.File), maxFiles)
	}
	a := &Archive{files: map[string][]byte{}}
	folder := ""
	left := int64(maxUnpackedSize)
	for _, file := range reader.File {
		name := file.Name
		if strings.HasSuffix(name, "/") {
			continue
		}
		if path.Clean(name) != name || path.IsAbs(name) || strings.HasPrefix(name, "../") || strings.Contains(name, `\`) {
			return nil, fmt.Errorf("the zip holds the invalid path %q", name)
		}
		if !singlePackage {
			top, rest, ok := strings.Cut(name, "/")
			if !ok {
				return nil, fmt.Errorf("%q lies outside a package folder: deploy with singlePackage, or put the files into a "+
					"folder", name)
			}
			if folder != "" && folder != top {
				return nil, fmt.Errorf("the zip holds the folders %q and %q: the simulator deploys one package", folder, top)
			}
			folder, name = top, rest
		}
		if _, ok := a.files[name]; ok {
			return nil, fmt.Errorf("the zip holds %q twice", name)
		}
		content, err := unpack(file, left)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		left -= int64(len(content))
		a.files[name] = content
	}
	return a, nil
}

func unpack(file *zip.File, limit int64) ([]byte, error) {
	r, err := file.Open()
	if err != nil {
		return nil, errors.New("cannot be unpacked")
	}
	defer r.Close() //nolint:errcheck // it was only read
	content, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, errors.New("cannot be unpacked")
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("the zip unpacks to more than %d bytes", maxUnpackedSize)
	}
	return content, nil
}

// names returns the paths in order.
func (a *Archive) names() []string {
	names := make([]string, 0, len(a.files))
	for name := range a.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// File is one file of a zip to be written.
type File struct {
	Name string
	Body []byte
}

// WriteArchive makes a zip of the files in the given order.
func WriteArchive(files []File) ([]byte, error) {
	var out bytes.Buffer
	writer := zip.NewWriter(&out)
	for _, file := range files {
		header := zip.FileHeader{Name: file.Name, Method: zip.Deflate}
		if len(file.Body) == 0 {
			header.Method = zip.Store // a compressor of its own would be most of what the archive costs
		}
		w, err := writer.CreateHeader(&header)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(file.Body); err != nil {
			return nil, err
		}
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
