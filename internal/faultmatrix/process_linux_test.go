package faultmatrix

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// providersOf returns the ids of the provider processes that a CLI has started.
func providersOf(cli int) []int {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	var found []int
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended since
		}
		// "pid (name) state ppid ...": the kernel cuts the name after 15 bytes.
		before, after, ok := strings.Cut(string(text), ") ")
		fields := strings.Fields(after)
		if !ok || len(fields) < 2 || !strings.Contains(before, "(terraform-provi") || fields[1] != strconv.Itoa(cli) || fields[0] == "Z" {
			continue
		}
		if pid, err := strconv.Atoi(before[:strings.IndexByte(before, ' ')]); err == nil {
			found = append(found, pid)
		}
	}

	return found
}

// kill ends a process at once, and reports whether there was one.
func kill(pid int) bool { return syscall.Kill(pid, syscall.SIGKILL) == nil }

const canKill = true
