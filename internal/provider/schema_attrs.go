package provider

import "github.com/hashicorp/terraform-plugin-framework/resource/schema"

// computedString is a computed attribute of text.
func computedString(description string) schema.StringAttribute {
	return schema.StringAttribute{MarkdownDescription: description, Computed: true}
}
