package pluginserver

import (
	"os"
	"strings"
)

// SilenceLogs stops the plugin libraries from writing a trace of every call when nobody asked for a
// log: the CLI would parse each line and drop it. Any TF_LOG variable that says something brings
// them back. It is called before the server starts.
func SilenceLogs() {
	for _, setting := range os.Environ() {
		if name, value, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "TF_LOG") && value != "" {
			return
		}
	}
	// The only error is a name that no system takes.
	_ = os.Setenv("TF_LOG_SDK", "OFF")
}
