//go:build !linux

package faultmatrix

import "os"

// canKill is false if there is no /proc to find the provider's process in.
const canKill = false

func providersOf(int) []*os.Process { return nil }
