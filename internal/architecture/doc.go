// Package architecture holds the tests that keep the project's packages apart:
// who may import whom, what the shipped binary may contain, and which names
// stand in one place only. It has no code of its own.
package architecture
