package escrow

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
)

const (
	escrowExtension     = ".age"
	escrowFileMode      = 0o600
	escrowDirectoryMode = 0o700
	// temporaryPrefix begins the name of a file still being written. No escrow name begins with a dot.
	temporaryPrefix = ".escrow-"
	// hashPrefixDigits is the number of hexadecimal digits of the hash in a file's name.
	hashPrefixDigits = 8
)

// Name is what the name of an escrow file tells.
type Name struct {
	// Organization is the org's id.
	Organization string
	// Type is the tenant secret's type, such as Data.
	Type string
	// RotationID is the rotation that made the key.
	RotationID string
	// HashPrefix is the first 8 hexadecimal digits of the key's SecretValueHash, see [byok.HashPrefix].
	HashPrefix string
}

// FileName returns <org>-<type>-<rotation_id>-<first 8 hex digits of the hash>.age. Letters, digits, dots and
// underscores stand for themselves. Any other byte, and a dot that begins a part, becomes =XX in upper-case hexadecimal,
// so that no value can leave the directory, hide the file or blur where a part ends. The hash is a SecretValueHash; what
// is not one gives an empty last part, which [Directory.Write] refuses.
func FileName(org, typ, rotationID, hash string) string {
	return Name{Organization: org, Type: typ, RotationID: rotationID, HashPrefix: byok.HashPrefix(hash)}.String()
}

// String returns the file name.
func (n Name) String() string {
	parts := []string{n.Organization, n.Type, n.RotationID, n.HashPrefix}
	for i, part := range parts {
		parts[i] = escapePart(part)
	}
	return strings.Join(parts, "-") + escrowExtension
}

// ParseFileName is the inverse of [FileName]. It accepts only names that function could have made from four
// non-empty parts.
func ParseFileName(name string) (Name, error) {
	stem, ok := strings.CutSuffix(name, escrowExtension)
	parts := strings.Split(stem, "-")
	if !ok || len(parts) != 4 {
		return Name{}, fmt.Errorf("%q is no escrow file name, expected <org>-<type>-<rotation_id>-<hash prefix>%s", name, escrowExtension)
	}
	for i, part := range parts {
		plain, ok := unescapePart(part)
		if !ok || plain == "" {
			return Name{}, fmt.Errorf("%q is no escrow file name: part %d is empty or malformed", name, i+1)
		}
		parts[i] = plain
	}
	n := Name{Organization: parts[0], Type: parts[1], RotationID: parts[2], HashPrefix: parts[3]}
	if len(n.HashPrefix) != hashPrefixDigits || strings.Trim(n.HashPrefix, "0123456789abcdef") != "" {
		return Name{}, fmt.Errorf("%q is no escrow file name: its last part is not %d lower-case hexadecimal digits", name, hashPrefixDigits)
	}
	if n.String() != name {
		return Name{}, fmt.Errorf("%q is no escrow file name: it is not in canonical form", name)
	}
	return n, nil
}

func escapePart(part string) string {
	var b strings.Builder
	for i := range len(part) {
		c := part[i]
		switch {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '_', c == '.' && i > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

func unescapePart(part string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(part); i++ {
		if part[i] != '=' {
			b.WriteByte(part[i])
			continue
		}
		if i+2 >= len(part) {
			return "", false
		}
		// Lower case is refused with all else that is not canonical.
		c, err := hex.DecodeString(part[i+1 : i+3])
		if err != nil {
			return "", false
		}
		b.Write(c)
		i += 2
	}
	return b.String(), true
}

// Directory is a directory of escrow files. Its methods may be used concurrently, also by several processes.
type Directory struct {
	root *os.Root
	path string
}

// OpenDirectory opens the directory, making it and missing parents with mode 0700, and flushing what it made to
// disk. An existing directory keeps its mode: what it holds is ciphertext. Close it after use.
func OpenDirectory(path string) (*Directory, error) {
	if path == "" {
		return nil, errors.New("open the escrow directory: its path is empty")
	}
	unflushed, err := directoriesToFlush(path)
	if err != nil {
		return nil, escrowError("look for the escrow directory "+path, err)
	}
	if err := os.MkdirAll(path, escrowDirectoryMode); err != nil {
		return nil, escrowError("make the escrow directory "+path, err)
	}
	for _, parent := range unflushed {
		//nolint:gosec // a parent of the operator's own path
		if err := flush(os.Open(parent)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, escrowError("flush "+parent+", where the escrow directory was made", err)
		}
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, escrowError("open the escrow directory "+path, err)
	}
	return &Directory{root: root, path: path}, nil
}

// directoriesToFlush returns the parents, innermost first, of the directories that making path makes: each new directory
// is an entry in its parent, and after a crash a copy is only found if all of them are on disk.
func directoriesToFlush(path string) ([]string, error) {
	var parents []string
	for path = filepath.Clean(path); ; path = filepath.Dir(path) {
		switch _, err := os.Stat(path); {
		case err == nil:
			return parents, nil
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		case filepath.Dir(path) == path:
			return parents, nil
		}
		parents = append(parents, filepath.Dir(path))
	}
}

// flush flushes a directory's entries to disk and closes it.
func flush(dir *os.File, err error) error {
	if err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		// Windows cannot flush a directory handle; NTFS journals the entry itself.
		return dir.Close()
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Close releases the directory.
func (d *Directory) Close() error { return d.root.Close() }

// Write stores an escrow copy under a name made by [FileName] and returns its path. It never overwrites: if the
// name is taken by a sound copy, existed is true and the file is left as it is; anything else of that name is an error.
// When it returns without error the copy and its directory
// entry have been flushed to disk; with an error the path may be set, and the copy may be there or not. A run killed at any point leaves either no file of that name or the whole one.
func (d *Directory) Write(name, armored string) (path string, existed bool, err error) {
	if _, err := ParseFileName(name); err != nil {
		return "", false, fmt.Errorf("write the escrow copy: %w", err)
	}
	if err := checkArmored(armored); err != nil {
		return "", false, fmt.Errorf("write the escrow copy: %w", err)
	}
	path, existed, err = d.store(name, armored)
	if err != nil || !existed {
		return path, existed, err
	}
	// The file is relied on as the copy of this key, so it must at least be one.
	there, err := d.read(name)
	if err != nil {
		return "", false, escrowError("read the escrow copy "+path, err)
	}
	if err := checkArmored(there); err != nil {
		return "", false, fmt.Errorf("%s lies where the escrow copy of this key belongs, and is none: %w; move it away, then apply again", path, err)
	}
	return path, true, nil
}

// store writes a whole file under a name that must not be taken.
func (d *Directory) store(name, content string) (path string, existed bool, err error) {
	path = filepath.Join(d.path, name)
	if existed, err := d.taken(name); err != nil {
		return "", false, err
	} else if existed {
		return path, true, d.sync()
	}

	temporary := temporaryPrefix + rand.Text()
	if err := d.writeTemporary(temporary, content); err != nil {
		_ = d.root.Remove(temporary)
		return "", false, escrowError("write the escrow copy to "+d.path, err)
	}
	// A link, unlike a rename, fails when the name is taken, so two writers cannot overwrite each other.
	err = d.root.Link(temporary, name)
	_ = d.root.Remove(temporary)
	switch {
	case errors.Is(err, fs.ErrExist):
		existed, err := d.taken(name)
		if err == nil && !existed {
			err = fmt.Errorf("write the escrow copy %s: another program made and removed the file meanwhile; apply again", path)
		}
		if err != nil {
			return "", false, err
		}
		return path, true, d.sync()
	case errors.Is(err, syscall.EPERM):
		// A file was just made here, so it is not the permission: Linux says so where there are no hard links.
		return "", false, escrowError("write the escrow copy "+path, errors.Join(errors.ErrUnsupported, err))
	case err != nil:
		return "", false, escrowError("write the escrow copy "+path, err)
	}
	return path, false, d.sync()
}

// taken reports whether an escrow file of that name exists; anything else of that name is an error.
func (d *Directory) taken(name string) (bool, error) {
	switch info, err := d.root.Lstat(name); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, escrowError("look for the escrow copy "+filepath.Join(d.path, name), err)
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("%s is not a regular file (%s): remove it, then apply again", filepath.Join(d.path, name), info.Mode().Type())
	}
	return true, nil
}

func (d *Directory) writeTemporary(name, armored string) (err error) {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, escrowFileMode)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := io.WriteString(f, armored); err != nil {
		return err
	}
	return f.Sync()
}

// sync flushes the directory's entries, also one that another writer has just made and not flushed yet.
func (d *Directory) sync() error {
	if err := flush(d.root.Open(".")); err != nil {
		return escrowError("flush the escrow directory "+d.path, err)
	}
	return nil
}

// Find returns the escrow copy of a key by the org, the type and the key's SecretValueHash, whatever its rotation id: the
// newest if there are several. It returns empty strings if there is none or the hash is not one. Files that are no
// regular escrow files are passed over; a damaged copy is an error that names it.
func (d *Directory) Find(org, typ, hash string) (path, armored string, err error) {
	prefix := byok.HashPrefix(hash)
	if prefix == "" {
		return "", "", nil
	}
	return d.newest(func(n Name) bool { return n.Organization == org && n.Type == typ && n.HashPrefix == prefix })
}

// FindRotation is Find by the rotation id, for keys of which Salesforce keeps no hash. Several copies of one rotation are of
// several keys, of which Salesforce has one: that is an error, since nothing here tells which.
func (d *Directory) FindRotation(org, typ, rotationID string) (path, armored string, err error) {
	copies := 0
	path, armored, err = d.newest(func(n Name) bool {
		same := n.Organization == org && n.Type == typ && n.RotationID == rotationID
		if same {
			copies++
		}
		return same
	})
	if err == nil && copies > 1 {
		return "", "", fmt.Errorf("%s holds %d escrow copies of rotation %s, and one of them is of the key in use: keep them all", d.path, copies, rotationID)
	}
	return path, armored, err
}

// newest returns the newest escrow copy whose name matches.
func (d *Directory) newest(match func(Name) bool) (path, armored string, err error) {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return "", "", escrowError("list the escrow directory "+d.path, err)
	}
	var newest string
	var newestTime time.Time
	for _, entry := range entries {
		name, err := ParseFileName(entry.Name())
		if err != nil || !match(name) || !entry.Type().IsRegular() {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return "", "", escrowError("look at the escrow copy "+filepath.Join(d.path, entry.Name()), err)
		}
		// Entries come sorted by name: of two files of one instant the later name wins.
		if newest == "" || !info.ModTime().Before(newestTime) {
			newest, newestTime = entry.Name(), info.ModTime()
		}
	}
	if newest == "" {
		return "", "", nil
	}
	path = filepath.Join(d.path, newest)
	armored, err = d.read(newest)
	if err != nil {
		return "", "", escrowError("read the escrow copy "+path, err)
	}
	if err := checkArmored(armored); err != nil {
		return "", "", fmt.Errorf("%s: %w", path, err)
	}
	return path, armored, nil
}

func (d *Directory) read(name string) (armored string, err error) {
	f, err := d.root.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b, err := io.ReadAll(io.LimitReader(f, maxArmored+1))
	return string(b), err
}

// escrowError words what the operating system refused. The paths are the operator's own and no secret.
func escrowError(attempt string, err error) error {
	var hint string
	switch {
	case errors.Is(err, syscall.ENOSPC):
		hint = "the disk is full"
	case errors.Is(err, syscall.EROFS):
		hint = "the file system is read-only"
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.EXDEV):
		hint = "the file system has no hard links, without which a copy cannot be stored at once and without overwriting; choose another directory"
	case errors.Is(err, fs.ErrPermission):
		hint = "the user that runs Terraform may not write or read there"
	case errors.Is(err, syscall.ENOTDIR):
		hint = "a part of the path is a file, expected a directory"
	case errors.Is(err, syscall.ENAMETOOLONG):
		hint = "the file name is too long for the file system"
	default:
		return fmt.Errorf("%s: %w", attempt, err)
	}
	return fmt.Errorf("%s: %s: %w", attempt, hint, err)
}
