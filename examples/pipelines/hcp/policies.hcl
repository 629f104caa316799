# A policy set of the kind OPA, in the repository that the policy set is connected to: copy ../policy/*.rego beside this file.
policy "salesforce-keys" {
  query             = "data.main.deny"
  enforcement_level = "mandatory"
}
