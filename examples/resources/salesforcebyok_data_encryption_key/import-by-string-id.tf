import {
  to = salesforcebyok_data_encryption_key.search
  id = "SearchIndex"
}
