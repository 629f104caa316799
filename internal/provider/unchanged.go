package provider

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/defaults"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// unchanged answers the refresh and the plan of a tenant_secret_version in which nothing has changed, as the framework would: there may be
// hundreds of them in a state, none changes for years, and the framework walks the whole schema several times for each. It leaves to the
// framework whatever it is not sure of, asks the org nothing, and says nothing: no warning and no error comes from here.
// TestUnchangedAnswersAsTheFrameworkDoes holds the two together.
type unchanged struct {
	// data is what the provider was configured with last, nil before.
	data atomic.Pointer[Data]

	once     sync.Once
	typeName string
	state    tftypes.Type
	identity tftypes.Type
	// noIdentity is the identity of what has none yet, as from a CLI that knows of no identities.
	noIdentity *tfprotov6.ResourceIdentityData
	// defaults are the values that attributes get which are not configured.
	defaults map[string]string
}

// learn takes names, types and defaults from the schema of the resource.
func (u *unchanged) learn(ctx context.Context) {
	u.once.Do(func() {
		r := &tenantSecretVersionResource{}
		var name resource.MetadataResponse
		r.Metadata(ctx, resource.MetadataRequest{ProviderTypeName: typeName}, &name)
		var attributes resource.SchemaResponse
		r.Schema(ctx, resource.SchemaRequest{}, &attributes)
		var identity resource.IdentitySchemaResponse
		r.IdentitySchema(ctx, resource.IdentitySchemaRequest{}, &identity)
		u.typeName, u.state, u.identity = name.TypeName, attributes.Schema.Type().TerraformType(ctx), identity.IdentitySchema.Type().TerraformType(ctx)
		u.defaults = stringDefaults(ctx, attributes.Schema)
		if null, err := tfprotov6.NewDynamicValue(u.identity, tftypes.NewValue(u.identity, nil)); err == nil {
			u.noIdentity = &tfprotov6.ResourceIdentityData{IdentityData: &null}
		}
	})
}

// read answers the refresh of a record that is in the org as it is in state, if a reading of the org is at hand; nil where it can't.
func (u *unchanged) read(ctx context.Context, req *tfprotov6.ReadResourceRequest) *tfprotov6.ReadResourceResponse {
	data := u.data.Load()
	if data == nil || data.Client == nil || req == nil {
		return nil
	}
	if u.learn(ctx); req.TypeName != u.typeName {
		return nil
	}
	state := u.object(req.CurrentState)
	id, _ := state.text("tenant_secret_id")
	row, found := data.Inventory.AtHand(id)
	if !found || !sameVersion(state, row, data) || !state.is("destruction_not_after", "") || !state.is("destruction_statement", "") {
		return nil // a statement is made of the record at every refresh
	}
	identity, err := tfprotov6.NewDynamicValue(u.identity, identityValue(map[string]string{"organization_id": data.Session.OrganizationID, "tenant_secret_id": fullID(id)}))
	if err != nil {
		return nil
	}
	if is := req.CurrentIdentity; is != nil && (is.IdentityData == nil || !bytes.Equal(is.IdentityData.MsgPack, identity.MsgPack)) {
		return nil
	}

	return &tfprotov6.ReadResourceResponse{NewState: req.CurrentState, NewIdentity: &tfprotov6.ResourceIdentityData{IdentityData: &identity}, Private: req.Private}
}

// plan answers the plan of a record that is as wanted, over a configuration without changes; nil where it can't.
func (u *unchanged) plan(ctx context.Context, req *tfprotov6.PlanResourceChangeRequest) *tfprotov6.PlanResourceChangeResponse {
	if req == nil || req.PriorState == nil || req.ProposedNewState == nil || len(req.PriorState.MsgPack) == 0 ||
		!bytes.Equal(req.PriorState.MsgPack, req.ProposedNewState.MsgPack) {
		return nil
	}
	if u.learn(ctx); req.TypeName != u.typeName {
		return nil
	}
	state, config := u.object(req.PriorState), u.object(req.Config)
	if state == nil || config == nil || !versionIsAsWanted(state) {
		return nil
	}
	for name, value := range u.defaults {
		if config[name].IsNull() && !state.is(name, value) {
			return nil
		}
	}

	policy, _ := state.text("deletion_policy")
	private, ok := markedPrivate(req.PriorPrivate, policy)
	if !ok {
		return nil
	}
	id, _ := state.text("tenant_secret_id")
	status, _ := state.text("desired_status")
	if data := u.data.Load(); data != nil && id != "" && data.records.want(id, status) != "" {
		return nil
	}

	identity := req.PriorIdentity
	if identity == nil {
		identity = u.noIdentity
	}

	return &tfprotov6.PlanResourceChangeResponse{PlannedState: req.ProposedNewState, PlannedIdentity: identity, PlannedPrivate: private}
}

// markedPrivate is private state with the deletion policy, which a replacement's second call looks for; false where it has another one, or
// none beside other keys.
func markedPrivate(prior []byte, policy string) ([]byte, bool) {
	if len(prior) == 0 {
		marked, err := json.Marshal(map[string][]byte{privatePolicy: policyMark(types.StringValue(policy))})

		return marked, err == nil
	}
	var values map[string][]byte
	if json.Unmarshal(prior, &values) != nil {
		return nil, false
	}

	return prior, string(values[privatePolicy]) == string(policyMark(types.StringValue(policy)))
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

// object decodes a value of the resource's type; nil where it is null or none.
func (u *unchanged) object(value *tfprotov6.DynamicValue) rawObject {
	if value == nil {
		return nil
	}
	decoded, err := value.Unmarshal(u.state)
	if err != nil {
		return nil
	}

	return newRawObject(decoded)
}
