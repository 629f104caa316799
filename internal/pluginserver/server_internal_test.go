package pluginserver

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/detach"
)

// contextKey is a key of this test's values.
type contextKey struct{}

// thing is a type of resource with an id, a mode that has a default, and a note.
type thing struct{ resource.Resource }

func (thing) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_thing"
}

func (thing) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":   schema.StringAttribute{Required: true},
		"mode": schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("SOFT")},
		"note": schema.StringAttribute{Optional: true},
	}}
}

func (thing) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest,
	resp *resource.IdentitySchemaResponse,
) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"id": identityschema.StringAttribute{RequiredForImport: true},
	}}
}

// things is an Unchanged over a world in which only "a" exists, and is settled unless its note says
// "busy".
func things() *Unchanged {
	return &Unchanged{
		ProviderType: "test", Resource: thing{},
		AsRead: func(state Object) (map[string]string, bool) {
			id, _ := state.Text("id")

			return map[string]string{"id": id}, id == "a"
		},
		AsWanted: func(state Object, private []byte) ([]byte, bool) {
			return append(private, '!'), !state.Is("note", "busy")
		},
	}
}

// quiet are hooks that add nothing but what is given.
func quiet(warnings []*tfprotov6.Diagnostic) Hooks {
	return Hooks{
		Unchanged: things(),
		Reading: func(ctx context.Context, _ *tfprotov6.ReadResourceRequest) (context.Context,
			func(*tfprotov6.ReadResourceResponse),
		) {
			return ctx, func(*tfprotov6.ReadResourceResponse) {}
		},
		Warnings: func() []*tfprotov6.Diagnostic { return warnings },
		Text:     func(text string) string { return strings.ReplaceAll(text, "\n", " ") },
	}
}

func encoded(t *testing.T, fields map[string]string) *tfprotov6.DynamicValue {
	t.Helper()
	_, typ, _ := things().Types(t.Context())
	object, ok := typ.(tftypes.Object)
	if !ok {
		t.Fatalf("the type is a %T", typ)
	}
	values := map[string]tftypes.Value{}
	for name := range object.AttributeTypes {
		values[name] = tftypes.NewValue(tftypes.String, nil)
		if text, set := fields[name]; set {
			values[name] = tftypes.NewValue(tftypes.String, text)
		}
	}
	value, err := tfprotov6.NewDynamicValue(typ, tftypes.NewValue(typ, values))
	if err != nil {
		t.Fatal(err)
	}

	return &value
}

func TestUnchangedRead(t *testing.T) {
	t.Parallel()
	u := things()
	identity := func(id string) *tfprotov6.ResourceIdentityData {
		value, err := tfprotov6.NewDynamicValue(tftypes.Object{AttributeTypes: map[string]tftypes.Type{"id": tftypes.String}},
			identityValue(map[string]string{"id": id}))
		if err != nil {
			t.Fatal(err)
		}

		return &tfprotov6.ResourceIdentityData{IdentityData: &value}
	}
	state := encoded(t, map[string]string{"id": "a"})
	for name, tc := range map[string]struct {
		req  *tfprotov6.ReadResourceRequest
		want bool
	}{
		"as it was": {&tfprotov6.ReadResourceRequest{
			TypeName: "test_thing", CurrentState: state,
			Private: []byte("p"),
		}, true},
		"with its identity": {&tfprotov6.ReadResourceRequest{
			TypeName: "test_thing", CurrentState: state,
			CurrentIdentity: identity("a"), Private: []byte("p"),
		}, true},
		"another identity": {&tfprotov6.ReadResourceRequest{
			TypeName: "test_thing", CurrentState: state,
			CurrentIdentity: identity("b"),
		}, false},
		"an empty identity": {&tfprotov6.ReadResourceRequest{
			TypeName: "test_thing", CurrentState: state,
			CurrentIdentity: &tfprotov6.ResourceIdentityData{},
		}, false},
		"gone": {&tfprotov6.ReadResourceRequest{
			TypeName:     "test_thing",
			CurrentState: encoded(t, map[string]string{"id": "b"}),
		}, false},
		"another type": {&tfprotov6.ReadResourceRequest{TypeName: "test_other", CurrentState: state}, false},
		"no state":     {&tfprotov6.ReadResourceRequest{TypeName: "test_thing"}, false},
		"a broken state": {&tfprotov6.ReadResourceRequest{
			TypeName:     "test_thing",
			CurrentState: &tfprotov6.DynamicValue{MsgPack: []byte{0xc1}},
		}, false},
		"nothing": {nil, false},
	} {
		got := u.Read(t.Context(), tc.req)
		if (got != nil) != tc.want {
			t.Errorf("%s: answered %v", name, got != nil)
		}
		if got != nil && (got.NewState != state || string(got.Private) != "p" ||
			string(got.NewIdentity.IdentityData.MsgPack) != string(identity("a").IdentityData.MsgPack)) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestUnchangedPlan(t *testing.T) {
	t.Parallel()
	u := things()
	settled, bare := map[string]string{"id": "a", "mode": "SOFT"}, map[string]string{"id": "a"}
	request := func(prior, proposed, config *tfprotov6.DynamicValue) *tfprotov6.PlanResourceChangeRequest {
		return &tfprotov6.PlanResourceChangeRequest{
			TypeName: "test_thing", PriorState: prior, ProposedNewState: proposed,
			Config: config, PriorPrivate: []byte("p"),
		}
	}
	hard := map[string]string{"id": "a", "mode": "HARD"}
	busy := map[string]string{"id": "a", "mode": "SOFT", "note": "busy"}
	other := request(encoded(t, settled), encoded(t, settled), encoded(t, bare))
	other.TypeName = "test_other"
	for name, tc := range map[string]struct {
		req  *tfprotov6.PlanResourceChangeRequest
		want bool
	}{
		"the default, not configured": {request(encoded(t, settled), encoded(t, settled), encoded(t, bare)), true},
		"the default, configured":     {request(encoded(t, settled), encoded(t, settled), encoded(t, settled)), true},
		"another mode, configured":    {request(encoded(t, hard), encoded(t, hard), encoded(t, hard)), true},
		"a mode no longer configured": {request(encoded(t, hard), encoded(t, hard), encoded(t, bare)), false},
		"another configuration":       {request(encoded(t, settled), encoded(t, hard), encoded(t, hard)), false},
		"not as wanted":               {request(encoded(t, busy), encoded(t, busy), encoded(t, busy)), false},
		"another type":                {other, false},
		"no state":                    {request(nil, encoded(t, settled), encoded(t, bare)), false},
		"no configuration":            {request(encoded(t, settled), encoded(t, settled), nil), false},
		"a destroy":                   {request(encoded(t, settled), nil, nil), false},
		"nothing":                     {nil, false},
	} {
		got := u.Plan(t.Context(), tc.req)
		if (got != nil) != tc.want {
			t.Errorf("%s: answered %v", name, got != nil)
		}
		if got != nil && (got.PlannedState != tc.req.ProposedNewState || string(got.PlannedPrivate) != "p!" ||
			got.PlannedIdentity != u.noIdentity) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Each answer has the warnings, and its texts pass the hook.
func TestServerEndsDiagnostics(t *testing.T) {
	t.Parallel()
	s := Server{&recorder{}, quiet([]*tfprotov6.Diagnostic{{Summary: "few\nleft"}})}
	ctx := context.WithValue(t.Context(), contextKey{}, true)
	resp, err := s.ReadResource(ctx, &tfprotov6.ReadResourceRequest{})
	if err != nil || len(resp.Diagnostics) != 2 || resp.Diagnostics[0].Detail != "two lines" ||
		resp.Diagnostics[1].Summary != "few left" {
		t.Errorf("got %+v, %v", resp, err)
	}
	short, err := s.ReadResource(ctx, &tfprotov6.ReadResourceRequest{
		TypeName:     "test_thing",
		CurrentState: encoded(t, map[string]string{"id": "a"}),
	})
	if err != nil || len(short.Diagnostics) != 1 || short.Diagnostics[0].Summary != "few left" {
		t.Errorf("what is unchanged: %+v, %v", short, err)
	}
	if _, err := s.ReadResource(t.Context(), &tfprotov6.ReadResourceRequest{}); err == nil {
		t.Error("an error is lost")
	}
}

// recorder is a server that notes the context that it is called with.
type recorder struct {
	Framework

	seen context.Context //nolint:containedctx // what the test looks at
}

func (r *recorder) ReadResource(ctx context.Context, _ *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse,
	error,
) {
	r.seen = ctx
	if ctx.Value(contextKey{}) == nil || ctx.Err() != nil {
		return nil, errors.New("the request does not see its context")
	}

	return &tfprotov6.ReadResourceResponse{Diagnostics: []*tfprotov6.Diagnostic{{Summary: "one", Detail: "two\nlines"}}},
		nil
}

func TestARequestSeesItsContextUntilItIsAnswered(t *testing.T) {
	t.Parallel()

	inner := &recorder{}
	ctx := context.WithValue(t.Context(), contextKey{}, true)
	if _, err := (Server{inner, quiet(nil)}).ReadResource(ctx, &tfprotov6.ReadResourceRequest{}); err != nil {
		t.Fatal(err)
	}
	if inner.seen.Value(contextKey{}) != nil || !errors.Is(inner.seen.Err(), context.Canceled) {
		t.Errorf("after the answer: value %v, error %v", inner.seen.Value(contextKey{}), inner.seen.Err())
	}
}

// Work that outlives a request keeps what hangs on its context, such as the logger.
func TestWorkThatOutlivesARequestKeepsItsValues(t *testing.T) {
	t.Parallel()

	request, release := newRequestContext(context.WithValue(t.Context(), contextKey{}, "logger"))
	work := detach.From(context.WithValue(request, contextKey{}, nil))
	release()
	if request.Value(contextKey{}) != nil || work.Value(contextKey{}) != "logger" || work.Err() != nil {
		t.Errorf("the request has %v, the work %v and %v", request.Value(contextKey{}), work.Value(contextKey{}), work.Err())
	}
	if late := detach.From(request); late.Value(contextKey{}) != nil {
		t.Error("an answered request still has its values")
	}
}

func TestARequestIsCancelledWithItsParent(t *testing.T) {
	t.Parallel()

	parent, cancel := context.WithCancel(t.Context())
	request, release := newRequestContext(parent)
	defer release()
	below, stop := context.WithCancel(request)
	defer stop()
	if below.Err() != nil {
		t.Fatal("cancelled before its parent")
	}
	cancel()
	<-below.Done()
	if !errors.Is(request.Err(), context.Canceled) {
		t.Errorf("got %v", request.Err())
	}
}

// A deadline of the parent ends a request as well.
func TestARequestOfAnExpiredParentIsCancelled(t *testing.T) {
	t.Parallel()

	parent, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	request, release := newRequestContext(parent)
	defer release()
	<-request.Done()
	if request.Err() == nil {
		t.Error("no error")
	}
}
