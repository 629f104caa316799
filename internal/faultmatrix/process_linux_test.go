package faultmatrix

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// providersOf returns the provider processes that a CLI has started, by handles that stand for no
// other process once they have ended.
func providersOf(cli int) []*os.Process {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	var found []*os.Process
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended since
		}
		// "pid (name) state ppid ...": the kernel cuts the name after 15 bytes.
		before, after, ok := strings.Cut(string(text), ") ")
		fields := strings.Fields(after)
		if !ok || len(fields) < 2 || !strings.Contains(before, "(terraform-provi") || fields[1] != strconv.Itoa(cli) ||
			fields[0] == "Z" {
			continue
		}
		pid, err := strconv.Atoi(before[:strings.IndexByte(before, ' ')])
		if err != nil {
			continue
		}
		if process, err := os.FindProcess(pid); err == nil {
			found = append(found, process)
		}
	}

	return found
}

const canKill = true
