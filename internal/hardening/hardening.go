// Package hardening narrows what of this process's memory others can get hold of. Key material
// lives in it for the length of one upload, and a core dump in that moment would write it to disk.
package hardening
