// Package bench measures the provider as its users meet it: the time of a plan over a long key
// history, start-up, memory, binary size, wrapping and rotations, with the real CLI against the
// simulator, and side by side with another provider if its binary is at hand. It is a tool of
// the repository and no part of the provider; it asserts nothing.
package bench
