// Package custody carries an existing record through its life: keep its export, destroy it, restore
// it, and switch a cache-only key off and on. It only moves: which transitions there are, and which
// locks are on them, package keys says. It knows nothing of Terraform.
//
// Salesforce offers no undo: a destroyed key comes back only from the record's own exported
// SecretValue, which must have been read before [D destroy_key; C FtxPlugin]. So a destroy takes
// two locks, and the export is read once more right before it.
package custody
