// Package acctest is what the acceptance tests share: a simulated Salesforce org per test, the
// provider for the real Terraform or OpenTofu CLI, in the test's process (Factories, CLI) or as the
// built binary (CLI.Built, CLI.Command), checks that ask the org instead of the state, and the
// scanner that looks for secrets. Only _test files import it.
//
// A test package that uses it has
//
//	func TestMain(m *testing.M) { os.Exit(acctest.Main(m)) }
//
// so that `go test` finds a CLI by itself.
package acctest
