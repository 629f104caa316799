# By type: the record that is ACTIVE now.
terraform import salesforcebyok_tenant_secret.data Data

# By the id of the ACTIVE record.
terraform import salesforcebyok_tenant_secret.data 02G000000000001EAA
