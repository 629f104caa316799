# The certificate's unique name, a slash, and the JWE as your key service has it.
terraform import 'salesforcebyok_cache_only_key.data["data-2026-1"]' "BYOK_Wrapping/$(cat data-2026-1.jwe)"
