// Package detach makes contexts for work that several requests wait for, and that outlives the one
// that began it.
package detach

import "context"

// Key is the key under which a context that lets go of its values early, once its request is
// answered, gives the context.Context that keeps them. Whoever holds that one holds the values.
type Key struct{}

// From returns a context with the values of ctx that is not cancelled with it. The values, such as
// loggers, stay even if ctx lets go of them.
func From(ctx context.Context) context.Context {
	detached := context.WithoutCancel(ctx)
	if values, ok := ctx.Value(Key{}).(context.Context); ok {
		return kept{detached, context.WithoutCancel(values)}
	}

	return detached
}

// kept is a context that finds in values what it has no more.
type kept struct {
	context.Context //nolint:containedctx // a context is what this is

	values context.Context //nolint:containedctx // what the first one lets go of
}

// Value implements context.Context.
func (c kept) Value(key any) any {
	if value := c.Context.Value(key); value != nil {
		return value
	}

	return c.values.Value(key)
}
