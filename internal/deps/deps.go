// Package deps pins modules while the tree is being laid out.
package deps

import (
	_ "github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	_ "github.com/hashicorp/terraform-plugin-testing/helper/resource"
)
