package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/tfvalidator"
)

// computedString is a computed attribute of text.
func computedString(description string) schema.StringAttribute {
	return schema.StringAttribute{MarkdownDescription: description, Computed: true}
}

// escrowModel is the escrow attribute.
type escrowModel struct {
	AgeRecipients   types.List   `tfsdk:"age_recipients"`
	RecipientGroups types.List   `tfsdk:"recipient_groups"`
	Directory       types.String `tfsdk:"directory"`
}

func escrowAttributeTypes() map[string]attr.Type {
	list := types.ListType{ElemType: types.StringType}

	return map[string]attr.Type{
		"age_recipients": list, "recipient_groups": types.ListType{ElemType: list},
		"directory": types.StringType,
	}
}

// escrowAttribute is the escrow of every object that generates or takes key material.
func escrowAttribute() schema.SingleNestedAttribute {
	return schema.SingleNestedAttribute{
		MarkdownDescription: "Escrow copy of the key, encrypted with [age](https://age-encryption.org) before anything is " +
			"sent to Salesforce. Default: none; generating a key then is a warning, since Salesforce holds the only copy. Set " +
			"exactly one of `age_recipients` and `recipient_groups`. A change applies from the next upload.",
		Optional: true,
		Attributes: map[string]schema.Attribute{
			"age_recipients": schema.ListAttribute{
				MarkdownDescription: "Age public keys: X25519 (`age1…`), post-quantum hybrid (`age1pq1…`), or held by hardware " +
					"(`age1tag1…`, `age1tagpq1…`). Any one of them opens the copy. Classic and post-quantum ones can't be mixed.",
				Optional:    true,
				ElementType: types.StringType,
				Validators: []validator.List{
					listvalidator.SizeAtLeast(1), listvalidator.ValueStringsAre(tfvalidator.AgeRecipient()),
				},
			},
			"recipient_groups": schema.ListAttribute{
				MarkdownDescription: "Dual control: 2 to 20 groups of 1 to 50 age public keys. One identity of **each** group " +
					"is needed to open the copy, the last group's first: `age -d -i last | age -d -i first`. A recipient is in one " +
					"group only; classic and post-quantum ones can't be mixed.",
				Optional:    true,
				ElementType: types.ListType{ElemType: types.StringType},
			},
			"directory": schema.StringAttribute{
				MarkdownDescription: "Directory on the machine that applies, where the copy is also written as " +
					"`<org>-<type>-<rotation_id>-<first 8 hex digits of the hash>.age` (mode 0600, never overwritten), with its " +
					"intent and its receipt beside it, before anything is sent. Default: none, so the copy is in state only. With " +
					"it an interrupted apply recognises its key by the hash, and finds the copy again. `~` is refused.",
				Optional:   true,
				Validators: []validator.String{stringvalidator.LengthAtLeast(1)},
			},
		},
	}
}

// certificatePinsAttribute pins the certificates that material may be wrapped for. more is what is
// peculiar to an object.
func certificatePinsAttribute(more string) schema.ListAttribute {
	return schema.ListAttribute{
		MarkdownDescription: "SHA-256 fingerprints of the certificates that key material may be wrapped for, hex, with or " +
			"without colons. Default: none. Before escrow and upload, the provider compares them with the certificate that " +
			"wraps; another one is an error. Take the fingerprints from Setup, not from this provider: a pin that refers to " +
			"the certificate's own output protects nothing. Pins exclude automatic renewal. A change alone does " +
			"nothing." + more,
		Optional:    true,
		ElementType: types.StringType,
		Validators:  []validator.List{tfvalidator.CertificatePins()},
	}
}

// keyMaterialAttribute is the write-only key material of every object that takes it.
func keyMaterialAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "Your own key material: base64 of exactly 32 bytes, write-only (Terraform 1.11 or newer, " +
			"OpenTofu 1.11 or newer), never stored. Needs `key_material_wo_version`. Do not feed one ephemeral generator to " +
			"both this attribute and a secret store: it gives another value each time it is opened. Generate, store, read " +
			"back, upload.",
		Optional:   true,
		WriteOnly:  true,
		Sensitive:  true,
		Validators: []validator.String{tfvalidator.Secret(tfvalidator.KeyMaterial(), neighbours["key_material_wo"])},
	}
}

// keyMaterialVersionAttribute stands for the write-only material, whose change Terraform can't see.
func keyMaterialVersionAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "Any text that stands for the material in `key_material_wo`, such as `1` or the version id of " +
			"a secrets manager. A new value rotates.",
		Optional: true,
		Validators: []validator.String{
			stringvalidator.LengthAtLeast(1),
			stringvalidator.AlsoRequires(path.MatchRoot("key_material_wo")),
		},
	}
}

// rotationTriggersAttribute are the triggers of every key that is rotated in place.
func rotationTriggersAttribute() schema.MapAttribute {
	return schema.MapAttribute{
		MarkdownDescription: "Values of your choice. Any change rotates.", Optional: true,
		ElementType: types.StringType,
	}
}
