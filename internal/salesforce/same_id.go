package salesforce

// SameID reports whether two record ids of 15 or 18 characters name the same record: the first 15
// characters decide, case-sensitively. Texts that are too short to be ids are compared as they are.
func SameID(a, b string) bool { return IDKey(a) == IDKey(b) }

// IDKey is what ids that are the same have in common, for use as the key of a map.
func IDKey(id string) string {
	if len(id) < id15Len {
		return id
	}

	return id[:id15Len]
}
