package provider

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/salesforce"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/upload"
)

// turns let the resources of a run rotate a type one after the other. Two resources that manage one type, as count makes them, would
// otherwise both find nothing to adopt and upload a key each under one rotation id.
type turns struct {
	mu    sync.Mutex
	types map[string]*turn
}

// turn is the right to rotate a type. made tells that this run has sent a key of the type.
type turn struct {
	typ  string
	busy chan struct{}
	made bool
}

// take waits for the turn of a type, and ends with the context. The turn must be given back by end.
func (t *turns) take(ctx context.Context, typ string) (*turn, error) {
	t.mu.Lock()
	if t.types == nil {
		t.types = map[string]*turn{}
	}
	mine, ok := t.types[typ]
	if !ok {
		mine = &turn{typ: typ, busy: make(chan struct{}, 1)}
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

const summaryTwoResources = "Two resources manage one key"

// check refuses a second key of a type in one run: each would archive the other's, at every apply.
func (t *turn) check() error {
	if !t.made {
		return nil
	}

	return &upload.Problem{
		Attribute: "type", Summary: summaryTwoResources,
		Detail: fmt.Sprintf("Another resource of this configuration has made a %s key in this very run, for other inputs. An org has one key of a type in use, so that the two would archive each "+
			"other's at every apply. Nothing was sent for this one. Keep one resource of the type, and take the others out of the state with a removed block or terraform state rm.", t.typ),
	}
}

// warnShared tells of a key that this resource has adopted from another one of the same run. With the same inputs they go together.
func (t *turn) warnShared(result upload.Result, diags *diag.Diagnostics) {
	if t.made && result.Adopted {
		diags.AddAttributeWarning(path.Root("type"), summaryTwoResources,
			fmt.Sprintf("Another resource of this configuration, with the same inputs, has made the %s key in this very run, and this one has adopted it: record %s. As soon as their inputs differ, each "+
				"archives the other's key. Keep one resource of the type.", t.typ, result.Record.ID))
	}
}

// sent keeps in mind that a key may have been made.
func (t *turn) sent(err error) {
	t.made = t.made || err == nil || errors.Is(err, salesforce.ErrOutcomeUnknown)
}

// turnRegistry makes at most one record in a turn.
type turnRegistry struct {
	upload.Registry

	turn *turn
}

// Create implements upload.Registry.
func (r turnRegistry) Create(ctx context.Context, record salesforce.NewTenantSecret) (string, error) {
	if err := r.turn.check(); err != nil {
		return "", err
	}
	id, err := r.Registry.Create(ctx, record)
	r.turn.sent(err)

	return id, err
}

// turnDataKeys makes at most one data encryption key in a turn.
type turnDataKeys struct {
	upload.DataKeyOrg

	turn *turn
}

// BeginDataEncryptionKey implements upload.DataKeyOrg.
func (o turnDataKeys) BeginDataEncryptionKey(ctx context.Context, keyType, certificateName string) (string, error) {
	if err := o.turn.check(); err != nil {
		return "", err
	}

	return o.DataKeyOrg.BeginDataEncryptionKey(ctx, keyType, certificateName)
}

// FinishDataEncryptionKey implements upload.DataKeyOrg.
func (o turnDataKeys) FinishDataEncryptionKey(ctx context.Context, k salesforce.NewDataEncryptionKey) (string, error) {
	if err := o.turn.check(); err != nil {
		return "", err
	}
	id, err := o.DataKeyOrg.FinishDataEncryptionKey(ctx, k)
	o.turn.sent(err)

	return id, err
}
