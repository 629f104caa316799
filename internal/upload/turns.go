package upload

import (
	"context"
	"fmt"
	"sync"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
)

// turns let the resources of a run rotate a type one after the other. Two resources that manage one
// type, as count makes them, would otherwise both find nothing to adopt and upload a key each under
// one rotation id.
type turns struct {
	mu    sync.Mutex
	types map[string]*turn
}

// turn is the right to rotate a type.
type turn struct {
	busy chan struct{}
	// sent is true once this run has sent a key of the type whose making is not ruled out: that of the
	// rotation id, with the hash, "" if it has none, after the version before.
	sent bool
	last keys.Sent
}

// take waits for the turn of a type, and ends with the context. The turn must be given back by end.
func (t *turns) take(ctx context.Context, typ string) (*turn, error) {
	t.mu.Lock()
	if t.types == nil {
		t.types = map[string]*turn{}
	}
	mine, ok := t.types[typ]
	if !ok {
		mine = &turn{busy: make(chan struct{}, 1)}
		t.types[typ] = mine
	}
	t.mu.Unlock()
	select {
	case mine.busy <- struct{}{}:
		return mine, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for another resource that rotates the %s key; nothing was sent: %w", typ, ctx.Err())
	}
}

func (t *turn) end() { <-t.busy }

// SummaryTwoResources is the summary of what a plan and an apply say of two resources for one key.
const SummaryTwoResources = "Two resources manage one key"

// TwoResources says that two resources of a configuration manage the key of one type.
func TwoResources(typ string) *problem.Problem {
	return problem.New("type", SummaryTwoResources,
		"Expected one resource for the %s key, found another in this configuration. An org uses one key of a type: once "+
			"their inputs differ, each resource archives the other's key. Keep one, and take the other out of the state with "+
			"a removed block or terraform state rm.", keys.Label(typ))
}
