// Package durable keeps files that must survive: escrow copies, what was intended before a write,
// receipts.
//
// A [Dir] promises the same of each file. It is written under a temporary name, flushed, and given
// its name at once, so that a run killed at any point leaves the whole file or none. The
// directory's entry is flushed before a call returns. Files are readable by their owner alone
// (0600). [Dir.Create] never overwrites, [Dir.Replace] replaces at once, and no call follows a
// symbolic link out of the directory. [Dir.Lock] keeps other processes out.
//
// Some mounts can't flush a directory: FUSE, SMB and 9p answer fsync with EINVAL, EBADF or ENOTSUP.
// There the file itself is still flushed, and its entry is left to the server. Any other failure of
// fsync, such as EIO, is an error.
package durable
