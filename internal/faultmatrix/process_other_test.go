//go:build !linux

package faultmatrix

// canKill is false where there is no /proc to find the provider's process in.
const canKill = false

func providersOf(int) []int { return nil }

func kill(int) bool { return false }
