package durable

import (
	"context"
	"crypto/rand"
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
)

const (
	fileMode      = 0o600
	directoryMode = 0o700
	// temporaryPrefix begins the name of a file still being written. No other name may begin with a
	// dot.
	temporaryPrefix = ".escrow-"
)

// Dir is an open directory. Its methods may be used concurrently, also by several processes.
type Dir struct {
	root *os.Root
	path string
	// what names the directory in errors: "escrow directory".
	what string
	// syncDir flushes a directory handle; tests put failures in its place.
	syncDir func(*os.File) error
}

// CheckPath refuses a path that no [Open] takes: an empty one, and one that begins with ~, which a
// shell would expand and this program would take for a directory of that name. The path is no
// secret.
func CheckPath(path string) error {
	switch {
	case path == "":
		return errors.New("the path is empty")
	case strings.HasPrefix(path, "~"):
		return fmt.Errorf("%q begins with ~, which only a shell expands: give the whole path, or pathexpand(%q)", path, path)
	default:
		return nil
	}
}

// Open opens the directory, making it and missing parents with mode 0700, and flushing what it made
// to disk. An existing directory keeps its mode. What names it in errors, such as "escrow
// directory". Close it after use.
func Open(path, what string) (*Dir, error) {
	return open(path, what, (*os.File).Sync)
}

func open(path, what string, syncDir func(*os.File) error) (*Dir, error) {
	d := &Dir{path: path, what: what, syncDir: syncDir}
	if err := CheckPath(path); err != nil {
		return nil, fmt.Errorf("open the %s: %w", what, err)
	}
	unflushed, err := directoriesToFlush(path)
	if err != nil {
		return nil, failure("look for the "+what+" "+path, err)
	}
	if err := os.MkdirAll(path, directoryMode); err != nil {
		return nil, failure("make the "+what+" "+path, err)
	}
	for _, parent := range unflushed {
		//nolint:gosec // a parent of the operator's own path
		if err := d.flush(os.Open(parent)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, failure("flush "+parent+", which holds the new "+what, err)
		}
	}
	d.root, err = os.OpenRoot(path)
	if err != nil {
		return nil, failure("open the "+what+" "+path, err)
	}
	return d, nil
}

// directoriesToFlush returns the parents, innermost first, of the directories that making path
// makes: each new directory is an entry in its parent, and after a crash a file is only found if
// all of them are on disk.
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
func (d *Dir) flush(dir *os.File, err error) error {
	if err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		// Windows cannot flush a directory handle; NTFS journals the entry itself.
		return dir.Close()
	}
	err = d.syncDir(dir)
	if cannotFlush(err) {
		err = nil
	}
	return errors.Join(err, dir.Close())
}

// cannotFlush reports whether the mount has no fsync for directories at all, as opposed to one that
// failed.
func cannotFlush(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EBADF) || errors.Is(err, errors.ErrUnsupported)
}

// Close releases the directory.
func (d *Dir) Close() error { return d.root.Close() }

// Path returns where a file of the directory lies.
func (d *Dir) Path(name string) string { return filepath.Join(d.path, name) }

// Create stores a whole file under a name that must not be taken. If a regular file has it, existed
// is true and that file is left as it is; anything else of that name is an error. Without an error
// the content, or the file that was there, is on disk with its entry. With one, the file may be
// there or not.
func (d *Dir) Create(name, content string) (existed bool, err error) {
	if existed, err := d.Has(name); err != nil {
		return false, err
	} else if existed {
		return true, d.sync()
	}
	temporary, err := d.writeTemporary(name, content)
	if err != nil {
		return false, err
	}
	// A link, unlike a rename, fails when the name is taken, so two writers cannot overwrite each
	// other.
	err = d.link(temporary, name)
	_ = d.root.Remove(temporary)
	if errors.Is(err, fs.ErrExist) {
		existed, err := d.Has(name)
		if err == nil && !existed {
			err = fmt.Errorf("write %s: another program made and removed the file meanwhile; apply again", d.Path(name))
		}
		if err != nil {
			return false, err
		}
		return true, d.sync()
	}
	if err != nil {
		return false, failure("write "+d.Path(name), err)
	}
	return false, d.sync()
}

// errNoLinks is the failure of a file system without hard links.
var errNoLinks = errors.New("the file system has no hard links, without which a file cannot be stored at once and " +
	"without overwriting; choose another directory")

func (d *Dir) link(from, to string) error {
	err := d.root.Link(from, to)
	// A file was just made here, so EPERM is not the permission: Linux says so without hard links.
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EXDEV) || errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("%w: %w", errNoLinks, err)
	}
	return err
}

// Replace stores a whole file under a name that may be taken: a reader sees the old file or the new
// one. Anything but a regular file of that name is an error.
func (d *Dir) Replace(name, content string) error {
	if _, err := d.Has(name); err != nil {
		return err
	}
	temporary, err := d.writeTemporary(name, content)
	if err != nil {
		return err
	}
	if err := d.root.Rename(temporary, name); err != nil {
		_ = d.root.Remove(temporary)
		return failure("replace "+d.Path(name), err)
	}
	return d.sync()
}

// Rename gives a file another name, which must be free. A file that is gone already is no error.
func (d *Dir) Rename(from, to string) error {
	if there, err := d.Has(from); err != nil || !there {
		return err
	}
	if err := d.link(from, to); err != nil {
		return failure("rename "+d.Path(from)+" to "+to, err)
	}
	if err := d.root.Remove(from); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return failure("rename "+d.Path(from)+" to "+to, err)
	}
	return d.sync()
}

// Has reports whether a regular file of that name exists; anything else of that name is an error.
func (d *Dir) Has(name string) (bool, error) {
	switch info, err := d.root.Lstat(name); {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, failure("look for "+d.Path(name), err)
	case !info.Mode().IsRegular():
		return false, fmt.Errorf("%s is not a regular file (%s): remove it, then apply again", d.Path(name),
			info.Mode().Type())
	}
	return true, nil
}

// Read returns a file of at most limit bytes, and false if there is none of that name.
func (d *Dir) Read(name string, limit int64) (content string, there bool, err error) {
	if there, err := d.Has(name); err != nil || !there {
		return "", false, err
	}
	f, err := d.root.Open(name)
	if err != nil {
		return "", false, failure("read "+d.Path(name), err)
	}
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return "", false, failure("read "+d.Path(name), err)
	}
	if int64(len(b)) > limit {
		return "", false, fmt.Errorf("%s is longer than %d bytes", d.Path(name), limit)
	}
	return string(b), true, nil
}

// Entries lists the directory, sorted by name.
func (d *Dir) Entries() ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(d.root.FS(), ".")
	if err != nil {
		return nil, failure("list the "+d.what+" "+d.path, err)
	}
	return entries, nil
}

// CheckWritable makes a file, gives it a second name, and removes both: what a Create needs,
// without its outcome. It fails if the directory is full, read-only, forbidden or without hard
// links.
func (d *Dir) CheckWritable() error {
	temporary, err := d.writeTemporary("", strings.Repeat("-", 4<<10))
	if err != nil {
		return err
	}
	defer func() { _ = d.root.Remove(temporary) }()
	if err := d.link(temporary, temporary+"-"); err != nil {
		return failure("write to the "+d.what+" "+d.path, err)
	}
	_ = d.root.Remove(temporary + "-")
	return d.sync()
}

// writeTemporary returns the name of a new, flushed file with the content.
func (d *Dir) writeTemporary(name, content string) (temporary string, err error) {
	temporary = temporaryPrefix + rand.Text()
	f, err := d.root.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err == nil {
		_, err = io.WriteString(f, content)
		if err == nil {
			err = f.Sync()
		}
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		_ = d.root.Remove(temporary)
		return "", failure("write "+d.Path(name), err)
	}
	return temporary, nil
}

// sync flushes the directory's entries, also one that another writer has just made and not flushed
// yet.
func (d *Dir) sync() error {
	if err := d.flush(d.root.Open(".")); err != nil {
		return failure("flush the "+d.what+" "+d.path, err)
	}
	return nil
}

// lockPatience is how long [Dir.Lock] waits between two attempts.
const lockPatience = 50 * time.Millisecond

// ErrNoLocks is the failure of [Dir.Lock] on a file system without locks.
var ErrNoLocks = errors.New("the file system has no locks")

// Lock takes the directory's lock, a file of the given name, and waits until no other process or
// [Dir] has it or the context ends. The lock ends with unlock, and with the process.
func (d *Dir) Lock(ctx context.Context, name string) (unlock func(), err error) {
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return nil, failure("open the lock "+d.Path(name), err)
	}
	for {
		err := tryLock(f)
		switch {
		case err == nil:
			// Closing the file ends the lock.
			return func() { _ = f.Close() }, nil
		case errors.Is(err, errLocked):
		case errors.Is(err, errors.ErrUnsupported), errors.Is(err, syscall.ENOLCK), errors.Is(err, syscall.EINVAL):
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", d.Path(name), errors.Join(ErrNoLocks, err))
		default:
			_ = f.Close()
			return nil, failure("lock "+d.Path(name), err)
		}
		timer := time.NewTimer(lockPatience)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			_ = f.Close()
			return nil, fmt.Errorf("another process holds the lock %s: let it end first: %w", d.Path(name), ctx.Err())
		}
	}
}

// errLocked is tryLock's answer while another has the lock.
var errLocked = errors.New("locked")

// failure words what the operating system refused, after the attempt. The paths are the operator's
// own and no secret.
func failure(attempt string, err error) error {
	var hint string
	switch {
	case errors.Is(err, errNoLinks):
		return fmt.Errorf("%s: %w", attempt, err)
	case errors.Is(err, syscall.ENOSPC):
		hint = "the disk is full"
	case errors.Is(err, syscall.EDQUOT):
		hint = "the quota is used up"
	case errors.Is(err, syscall.EROFS):
		hint = "the file system is read-only"
	case errors.Is(err, syscall.EIO):
		hint = "the device reports an error"
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
