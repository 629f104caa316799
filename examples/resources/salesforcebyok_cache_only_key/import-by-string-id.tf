import {
  to = salesforcebyok_cache_only_key.data["data-2026-1"]
  id = "BYOK_Wrapping/${trimspace(file("${path.module}/data-2026-1.jwe"))}"
}
