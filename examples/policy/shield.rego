# Rules for plans with salesforcebyok_* resources, for conftest and OPA, and for HCP Terraform's policy sets.
#
# A destruction is no delete: it is an update, or even a create, whose desired_status is DESTROYED. A rotation is an update whose
# tenant_secret_id is not known yet. Policies that look for "delete" see neither.
package main

import rego.v1

# The JSON of `terraform show -json PLAN`; HCP Terraform puts it below "plan".
plan := object.get(input, "plan", input)

changes contains change if {
	some change in plan.resource_changes
	change.mode == "managed"
	startswith(change.type, "salesforcebyok_")
	change.change.actions != ["no-op"]
}

# What the plan sets. A destroy sets nothing, which is no object either.
set_to(change) := object.get(change.change, "after", {}) if change.change.after != null

had(change) := change.change.before if change.change.before != null

had(change) := {} if change.change.before == null

# Whether an attribute gets a value that only the apply knows.
unknown(change, name) if change.change.after_unknown[name] == true

keys contains change if {
	some change in changes
	change.type in {"salesforcebyok_tenant_secret", "salesforcebyok_data_encryption_key"}
}

# What holds key material for a certificate: the keys, and what a key service answers with.
materials contains change if some change in keys

materials contains change if {
	some change in changes
	change.type == "salesforcebyok_cache_only_key"
}

# What leaves the state: a delete, or a removed block that destroys nothing.
let_go(change) if {
	some action in change.change.actions
	action in {"delete", "forget"}
}

# A key that this plan makes, as opposed to one that it only patches.
makes(change) if unknown(change, "tenant_secret_id")

makes(change) if unknown(change, "data_encryption_key_id")

# Keys whose material comes from here, in plain or wrapped.
uploaded(change) if object.get(set_to(change), "source", null) in {null, "UPLOADED"}

listed(value) := value if is_array(value)

listed(value) := [] if not is_array(value)

# ---- plans that say nothing

deny contains "The plan is not complete: it ended with an error." if plan.errored == true

deny contains "This is not a plan: expected the JSON of `terraform show -json PLAN`." if not is_array(object.get(plan, "resource_changes", []))

deny contains "This is not a plan: expected the JSON of `terraform show -json PLAN`." if not plan.format_version

# ---- destruction

destroys(change) if {
	change.type == "salesforcebyok_tenant_secret_version"
	set_to(change).desired_status == "DESTROYED"
	object.get(had(change), "status", "") != "DESTROYED"
}

deny contains message if {
	some change in changes
	destroys(change)
	given := count({approval | some approval in listed(object.get(set_to(change), "destruction_approvals", null))})
	given < approvals
	message := sprintf("%s destroys a key with %d of %d approvals.", [change.address, given, approvals])
}

deny contains message if {
	some change in changes
	change.type == "salesforcebyok_tenant_secret_version"
	set_to(change).backup == "NONE"
	message := sprintf(`%s has backup = "NONE": nothing could bring the key back.`, [change.address])
}

# Dropping the block of a destroyed record drops the export that could restore it.
deny contains message if {
	some change in changes
	change.type == "salesforcebyok_tenant_secret_version"
	let_go(change)
	had(change).status == "DESTROYED"
	message := sprintf("%s lets go of a destroyed record, and of the export that restores it.", [change.address])
}

deny contains message if {
	some change in changes
	change.type == "salesforcebyok_external_root_key"
	set_to(change).desired_status == "Inactive"
	message := sprintf("%s makes a root key Inactive: all that it protects can't be read.", [change.address])
}

# ---- keys

deny contains message if {
	some change in keys
	let_go(change)
	message := sprintf("%s is let go of: a key is never removed from the state by a plan.", [change.address])
}

# prevent_destroy would do as well, but a plan does not show it.
deny contains message if {
	some change in keys
	set_to(change)
	object.get(set_to(change), "deletion_policy", null) != "PREVENT"
	message := sprintf(`%s needs deletion_policy = "PREVENT".`, [change.address])
}

# Material that is generated here has its only other copy in escrow. Of a ceremony the copy is kept there.
deny contains message if {
	some change in materials
	set_to(change)
	uploaded(change)
	object.get(set_to(change), "wrapped_key_material", null) == null
	escrow := object.get(set_to(change), "escrow", null)
	max([count(listed(object.get(object_or_empty(escrow), "age_recipients", null))), count(listed(object.get(object_or_empty(escrow), "recipient_groups", null)))]) < recipients
	message := sprintf("%s needs an escrow copy for at least %d recipients or groups.", [change.address, recipients])
}

object_or_empty(value) := value if is_object(value)

object_or_empty(value) := {} if not is_object(value)

deny contains message if {
	some change in materials
	set_to(change)
	uploaded(change)
	count(listed(object.get(set_to(change), "certificate_pins", null))) == 0
	message := sprintf("%s needs certificate_pins: whoever exchanges the certificate gets the next key.", [change.address])
}

# ---- the org

deny contains message if {
	some change in changes
	unknown(change, "organization_id")
	message := sprintf("%s does not say which org it is for: the plan must know organization_id.", [change.address])
}

deny contains message if {
	some change in changes
	count(organizations) > 0
	id := set_to(change).organization_id
	not id in organizations
	message := sprintf("%s is for the org %s, which the policy does not list.", [change.address, id])
}

# ---- how often

deny contains message if {
	some change in keys
	days_between_rotations > 0
	makes(change)
	"update" in change.change.actions
	made := time.parse_rfc3339_ns(had(change).created_date)
	age := (time.parse_rfc3339_ns(plan.timestamp) - made) / (((24 * 60) * 60) * 1000000000)
	age < days_between_rotations
	message := sprintf("%s rotates a key that is %d days old, before %d days are over.", [change.address, floor(age), days_between_rotations])
}
