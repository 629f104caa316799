package salesforce

import "strings"

var soqlEscaper = strings.NewReplacer(
	`\`, `\\`,
	`'`, `\'`,
	`"`, `\"`,
	"\n", `\n`,
	"\r", `\r`,
	"\t", `\t`,
	"\b", `\b`,
	"\f", `\f`,
)

// QuoteSOQL returns s as a SOQL string literal, with its quotes. No content of
// s can end the literal.
func QuoteSOQL(s string) string {
	return "'" + soqlEscaper.Replace(s) + "'"
}

// selectFrom builds a query without a WHERE: every list is read whole, and
// chosen from locally, since Description and SecretValueHash can't be filtered
// [D ObjRef] and order is not specified [V].
func selectFrom(object string, columns []string) string {
	return "SELECT " + strings.Join(columns, ",") + " FROM " + object
}
