package pluginserver

import (
	"bytes"
	"context"
	"sync"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/defaults"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// Resource is a type of resource that has an identity.
type Resource interface {
	resource.Resource
	resource.ResourceWithIdentity
}

// Unchanged answers the refresh and the plan of a resource in which nothing has changed, as the
// framework would. It leaves to the framework whatever it is not sure of, and says nothing: no
// warning and no error comes from here. Its methods may be called from many goroutines.
type Unchanged struct {
	// ProviderType is the prefix of the type's name, Resource the type.
	ProviderType string
	Resource     Resource
	// AsRead returns the identity of an object in state that is as a refresh would read it; false if
	// it is not, or if that is not known.
	AsRead func(state Object) (identity map[string]string, ok bool)
	// AsWanted returns the private data that the plan of an object in state would have, over a
	// configuration without changes; false unless there is nothing to plan, to refuse or to warn of.
	AsWanted func(state Object, private []byte) (planned []byte, ok bool)

	once     sync.Once
	typeName string
	state    tftypes.Type
	identity tftypes.Type
	// noIdentity is the identity of what has none yet, as from a CLI that knows of no identities.
	noIdentity *tfprotov6.ResourceIdentityData
	// defaults are the values that attributes get which are not configured.
	defaults map[string]string
}

// Types returns the name of the type, and the types of its objects and of their identities.
func (u *Unchanged) Types(ctx context.Context) (name string, state, identity tftypes.Type) {
	u.once.Do(func() {
		var name resource.MetadataResponse
		u.Resource.Metadata(ctx, resource.MetadataRequest{ProviderTypeName: u.ProviderType}, &name)
		var attributes resource.SchemaResponse
		u.Resource.Schema(ctx, resource.SchemaRequest{}, &attributes)
		var identity resource.IdentitySchemaResponse
		u.Resource.IdentitySchema(ctx, resource.IdentitySchemaRequest{}, &identity)
		u.typeName, u.state, u.identity = name.TypeName, attributes.Schema.Type().TerraformType(ctx),
			identity.IdentitySchema.Type().TerraformType(ctx)
		u.defaults = stringDefaults(ctx, attributes.Schema)
		if null, err := tfprotov6.NewDynamicValue(u.identity, tftypes.NewValue(u.identity, nil)); err == nil {
			u.noIdentity = &tfprotov6.ResourceIdentityData{IdentityData: &null}
		}
	})

	return u.typeName, u.state, u.identity
}

// Read answers the refresh of an object that is as in state; nil if it can't.
func (u *Unchanged) Read(ctx context.Context, req *tfprotov6.ReadResourceRequest) *tfprotov6.ReadResourceResponse {
	if req == nil {
		return nil
	}
	if name, _, _ := u.Types(ctx); req.TypeName != name {
		return nil
	}
	fields, ok := u.AsRead(u.object(req.CurrentState))
	if !ok {
		return nil
	}
	identity, err := tfprotov6.NewDynamicValue(u.identity, identityValue(fields))
	if err != nil {
		return nil
	}
	if is := req.CurrentIdentity; is != nil && (is.IdentityData == nil ||
		!bytes.Equal(is.IdentityData.MsgPack, identity.MsgPack)) {
		return nil
	}

	return &tfprotov6.ReadResourceResponse{
		NewState:    req.CurrentState,
		NewIdentity: &tfprotov6.ResourceIdentityData{IdentityData: &identity}, Private: req.Private,
	}
}

// Plan answers the plan of an object that is as wanted, over a configuration without changes; nil
// where it can't.
func (u *Unchanged) Plan(ctx context.Context,
	req *tfprotov6.PlanResourceChangeRequest,
) *tfprotov6.PlanResourceChangeResponse {
	if req == nil || req.PriorState == nil || req.ProposedNewState == nil || len(req.PriorState.MsgPack) == 0 ||
		!bytes.Equal(req.PriorState.MsgPack, req.ProposedNewState.MsgPack) {
		return nil
	}
	if name, _, _ := u.Types(ctx); req.TypeName != name {
		return nil
	}
	state, config := u.object(req.PriorState), u.object(req.Config)
	if state == nil || config == nil {
		return nil
	}
	for name, value := range u.defaults {
		if config[name].IsNull() && !state.Is(name, value) {
			return nil
		}
	}
	private, ok := u.AsWanted(state, req.PriorPrivate)
	if !ok {
		return nil
	}
	identity := req.PriorIdentity
	if identity == nil {
		identity = u.noIdentity
	}

	return &tfprotov6.PlanResourceChangeResponse{
		PlannedState: req.ProposedNewState, PlannedIdentity: identity,
		PlannedPrivate: private,
	}
}

// stringDefaults returns the values that string attributes get which are not configured.
func stringDefaults(ctx context.Context, s schema.Schema) map[string]string {
	values := map[string]string{}
	for name, attribute := range s.Attributes {
		if text, ok := attribute.(schema.StringAttribute); ok && text.Default != nil {
			var resp defaults.StringResponse
			text.Default.DefaultString(ctx, defaults.StringRequest{}, &resp)
			values[name] = resp.PlanValue.ValueString()
		}
	}

	return values
}

// object decodes a value of the resource's type; nil if it is null or none.
func (u *Unchanged) object(value *tfprotov6.DynamicValue) Object {
	if value == nil {
		return nil
	}
	decoded, err := value.Unmarshal(u.state)
	if err != nil {
		return nil
	}

	return NewObject(decoded)
}
