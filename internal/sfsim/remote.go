package sfsim

// fetchRemoteKey is where a cache-only key is called for, on creation and on reactivation [I, wire 8]. The key service is not
// asked: a key whose prerequisites hold becomes ACTIVE.
func (c *call) fetchRemoteKey(*tenantSecret, *certificate, *namedCredential) *reply { return nil }
