package salesforce

// SameID reports whether two record ids of 15 or 18 characters name the same record: the first 15 characters decide,
// case-sensitively. Texts that are too short to be ids are compared as they are.
func SameID(a, b string) bool {
	if len(a) < id15Len || len(b) < id15Len {
		return a == b
	}
	return a[:id15Len] == b[:id15Len]
}
