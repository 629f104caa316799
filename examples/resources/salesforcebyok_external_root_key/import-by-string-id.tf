import {
  to = salesforcebyok_external_root_key.aws
  id = "48q000000000001AAA"
}
