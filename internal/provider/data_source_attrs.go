package provider

import "github.com/hashicorp/terraform-plugin-framework/datasource/schema"

// shownString, shownInt64 and shownBool are attributes that a data source only shows.
func shownString(description string) schema.StringAttribute {
	return schema.StringAttribute{MarkdownDescription: description, Computed: true}
}

func shownInt64(description string) schema.Int64Attribute {
	return schema.Int64Attribute{MarkdownDescription: description, Computed: true}
}

func shownBool(description string) schema.BoolAttribute {
	return schema.BoolAttribute{MarkdownDescription: description, Computed: true}
}
