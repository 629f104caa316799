# What a team decides. The rules are in shield.rego.
package main

# Ids (18 characters) of the orgs that plans may touch. Empty: any org, as long as the plan names it.
organizations := set()

# Approvals (signatures) that a destruction must carry in its plan. The provider checks them; this counts them.
approvals := 2

# Recipients, or groups of recipients, that an escrow copy must have.
recipients := 2

# Days that a key must have been in use before the next rotation. 0 switches the rule off. An emergency overrides it here, by review.
days_between_rotations := 30
