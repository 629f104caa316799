import {
  to = salesforcebyok_data_encryption_key.search
  identity = {
    organization_id = "00D000000000001EAA"
    type            = "SearchIndex"
  }
}
