// Package guides does what the guides in templates/guides ask a reader to do: its tests take the
// blocks out of the pages and run them, word for word but for names and ids that a reader must put
// in too, with the real CLI against the simulator.
package guides
