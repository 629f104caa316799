package acctest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/sfsim"
)

// stateCheck makes a StateCheck of a function.
type stateCheck func(*tfjson.State) error

// CheckState implements statecheck.StateCheck.
func (c stateCheck) CheckState(_ context.Context, req statecheck.CheckStateRequest,
	resp *statecheck.CheckStateResponse,
) {
	resp.Error = c(req.State)
}

// planCheck makes a PlanCheck of a function.
type planCheck func(*tfjson.Plan) error

// CheckPlan implements plancheck.PlanCheck.
func (c planCheck) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	resp.Error = c(req.Plan)
}

// StateFunc makes a StateCheck of a function over the attributes of one resource.
func StateFunc(address string, check func(attributes map[string]any) error) statecheck.StateCheck {
	return stateCheck(func(state *tfjson.State) error {
		values, err := attributes(state, address)
		if err != nil {
			return err
		}

		return check(values)
	})
}

// OrgFunc makes a StateCheck of a function that looks at the org, and at no state.
func OrgFunc(check func() error) statecheck.StateCheck {
	return stateCheck(func(*tfjson.State) error { return check() })
}

// PlanFunc makes a PlanCheck of a function over what the plan says of one resource.
func PlanFunc(address string, check func(*tfjson.Change) error) plancheck.PlanCheck {
	return planCheck(func(plan *tfjson.Plan) error {
		for _, change := range plan.ResourceChanges {
			if change.Address == address {
				return check(change.Change)
			}
		}

		return fmt.Errorf("the plan has no %s", address)
	})
}

func attributes(state *tfjson.State, address string) (map[string]any, error) {
	if state == nil || state.Values == nil || state.Values.RootModule == nil {
		return nil, errors.New("the state is empty")
	}
	for _, r := range state.Values.RootModule.Resources {
		if r.Address == address {
			return r.AttributeValues, nil
		}
	}

	return nil, fmt.Errorf("the state has no %s", address)
}

// InPlace expects that the plan changes resources in place, as many as update says, and neither
// makes nor destroys any.
func InPlace(update int) plancheck.PlanCheck {
	return planCheck(func(plan *tfjson.Plan) error {
		updates := 0
		for _, change := range plan.ResourceChanges {
			switch {
			case change.Mode != tfjson.ManagedResourceMode || change.Change.Actions.NoOp() || change.Change.Actions.Read():
			case change.Change.Actions.Update():
				updates++
			default:
				return fmt.Errorf("%s: expected only changes in place, found %v", change.Address, change.Change.Actions)
			}
		}
		if updates != update {
			return fmt.Errorf("expected %d to change, found %d", update, updates)
		}

		return nil
	})
}

// KeyCount expects how many records of a type the org has, whatever their status.
func KeyCount(sim *sfsim.Server, typ string, want int) statecheck.StateCheck {
	return OrgFunc(func() error {
		if keys := Keys(sim, typ); len(keys) != want {
			return fmt.Errorf("expected %d %s keys in the org, found %d: %+v", want, typ, len(keys), keys)
		}

		return nil
	})
}

// RequestCount expects how many requests of an operation the org has received so far.
func RequestCount(sim *sfsim.Server, operation string, want int) statecheck.StateCheck {
	return OrgFunc(func() error {
		if got := Count(sim, operation); got != want {
			return fmt.Errorf("expected %d requests %s, found %d", want, operation, got)
		}

		return nil
	})
}

// ActiveKeyInState expects that the state of a tenant secret speaks of the ACTIVE record of its
// type: id, version, source, hash and Description, which is exactly the description followed by the
// marker of its rotation_id.
func ActiveKeyInState(sim *sfsim.Server, address string) statecheck.StateCheck {
	return StateFunc(address, func(attributes map[string]any) error {
		typ, _ := attributes["type"].(string)
		i := slices.IndexFunc(sim.TenantSecrets(), func(s sfsim.TenantSecret) bool {
			return s.Type == typ && s.Status == "ACTIVE"
		})
		if i < 0 {
			return fmt.Errorf("the org has no ACTIVE %s key", typ)
		}
		key := sim.TenantSecrets()[i]
		hash := any(key.SecretValueHash)
		if key.Source != "UPLOADED" {
			hash = nil
		}
		description := fmt.Sprintf("[tf:%v]", attributes["rotation_id"])
		if text, ok := attributes["description"].(string); ok {
			description = text + " " + description
		}
		for name, want := range map[string]any{
			"tenant_secret_id": key.ID, "version": key.Version, "status": "ACTIVE", "source": key.Source,
			"secret_value_hash": hash, "organization_id": sim.OrganizationID, "key_derivation_mode": key.KeyDerivationMode,
		} {
			// A number of the state is a json.Number: both are compared as they print.
			if got := attributes[name]; fmt.Sprint(got) != fmt.Sprint(want) {
				return fmt.Errorf("%s.%s: expected %v, as in the org, found %v", address, name, want, got)
			}
		}
		if key.Description != description {
			return fmt.Errorf("expected the record's Description to be %q, found %q", description, key.Description)
		}

		return nil
	})
}

// UploadedMaterial expects that the ACTIVE record of a type was uploaded with exactly this
// material.
func UploadedMaterial(sim *sfsim.Server, typ string, material []byte) statecheck.StateCheck {
	return OrgFunc(func() error {
		for _, key := range Keys(sim, typ) {
			if key.Status == "ACTIVE" && !slices.Equal(sim.Unwrapped(key.ID), material) {
				return fmt.Errorf("record %s was not uploaded with the expected material", key.ID)
			}
		}

		return nil
	})
}
