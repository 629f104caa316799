package provider

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/problem"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/quorum"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
)

// approversAttribute is destruction_approvers of the provider block.
func approversAttribute() providerschema.SingleNestedAttribute {
	return providerschema.SingleNestedAttribute{
		MarkdownDescription: "Quorum that must approve each destruction: of a key, of an export that is the last copy, or " +
			"of a root key's use. Default: none. A key is then destroyed only with `threshold` SSH signatures in " +
			"`destruction_approvals`. The environment of a protected runner can hold a quorum that the configuration can't " +
			"weaken: `SALESFORCEBYOK_DESTRUCTION_APPROVERS`, the same as JSON, or the absolute path of a file with it. If " +
			"both are given, both must be met.",
		Optional:   true,
		Validators: []validator.Object{approversValidator{}},
		Attributes: map[string]providerschema.Attribute{
			"public_keys": providerschema.ListAttribute{
				MarkdownDescription: "SSH public keys of the approvers, each a line of an `authorized_keys` file without " +
					"options: ed25519, ecdsa, rsa of at least 3072 bits, or a hardware-held `sk-` key.",
				ElementType: types.StringType,
				Required:    true,
			},
			"threshold": providerschema.Int64Attribute{
				MarkdownDescription: "How many distinct keys must sign, at least 1.",
				Required:            true,
			},
		},
	}
}

type approversModel struct {
	PublicKeys types.List  `tfsdk:"public_keys"`
	Threshold  types.Int64 `tfsdk:"threshold"`
}

// readQuorum reads the quorums of the provider block and of the environment into the Data.
func (d *Data) readQuorum(
	ctx context.Context, configured types.Object, lookup func(string) (string, bool), diags *diag.Diagnostics,
) {
	inEnvironment, err := quorum.FromEnvironment(lookup)
	if err != nil {
		diags.AddError("The destruction approvers are not usable", opening(err)+" Nothing was sent.")
	}
	d.QuorumUndecided = !whollyKnown(configured)
	d.Quorum = quorum.All(approversIn(ctx, configured, diags), inEnvironment)
}

// approversIn reads the quorum of a provider block: nil if there is none, if it is not known yet,
// and if it lacks what the schema requires.
func approversIn(ctx context.Context, configured types.Object, diags *diag.Diagnostics) *quorum.Approvers {
	if configured.IsNull() || !whollyKnown(configured) {
		return nil
	}
	var model approversModel
	diags.Append(configured.As(ctx, &model, basetypes.ObjectAsOptions{})...)
	if diags.HasError() || model.PublicKeys.IsNull() || model.Threshold.IsNull() {
		return nil
	}
	approvers, err := quorum.New(stringsIn(model.PublicKeys), model.Threshold.ValueInt64())
	if err != nil {
		diags.AddAttributeError(path.Root("destruction_approvers"), "The destruction approvers are not usable",
			opening(err)+" Nothing was sent.")
	}

	return approvers
}

// approvalsAttribute and notAfterAttribute are destruction_approvals and destruction_not_after of
// what a quorum guards.
func approvalsAttribute() schema.ListAttribute {
	return schema.ListAttribute{
		MarkdownDescription: "Armored SSH signatures of the approvers over `destruction_statement`, in the namespace " +
			"`salesforcebyok-destroy`, as `ssh-keygen -Y sign` makes them. Needed if the provider block or its environment " +
			"has `destruction_approvers`; ignored while nothing is pending.",
		ElementType: types.StringType,
		Optional:    true,
	}
}

func notAfterAttribute() schema.StringAttribute {
	return schema.StringAttribute{
		MarkdownDescription: "When the approvals expire, RFC 3339, at most 30 days ahead by the org's clock. It is part of " +
			"`destruction_statement`.",
		Optional: true,
		Validators: []validator.String{parsed{
			expected: "an RFC 3339 time", summary: "Invalid destruction_not_after", nothing: "Nothing was changed.",
			parse: func(text string) error {
				_, err := quorum.ParseNotAfter(text)

				return err
			},
		}},
	}
}

// guarded reports whether destructions need approvals.
func (d *Data) guarded() bool { return d != nil && len(d.Quorum) > 0 }

// allowsUnapproved reports whether a destruction may be that nobody can approve, since it has no
// statement: under a quorum none may. Where allow_key_destruction is not known yet, it may be for
// the plan, and the apply asks again.
func (d *Data) allowsUnapproved() bool {
	return (d.AllowKeyDestruction || d.DestructionUndecided) && !d.guarded()
}

// allowAdvice says what could allow such a destruction.
func (d *Data) allowAdvice() string {
	if d.guarded() {
		return "with destruction_approvers, no approval can allow this"
	}

	return "to go on, set allow_key_destruction = true in the provider block"
}

// approval is what the configuration, or the state, brings for a destruction.
type approval struct {
	notAfter   types.String
	signatures types.List
}

// end is destruction_not_after; ok is false if it is null, unknown or no time.
func (a approval) end() (end time.Time, ok bool) {
	if a.notAfter.ValueString() == "" {
		return time.Time{}, false
	}
	end, err := quorum.ParseNotAfter(a.notAfter.ValueString())

	return end, err == nil
}

// undecided reports whether a part of it is not known yet, during a plan.
func (a approval) undecided() bool { return a.notAfter.IsUnknown() || !whollyKnown(a.signatures) }

// approve holds a pending destruction to its end and to the quorum, and returns who has signed.
func (d *Data) approve(statement quorum.Statement, a approval) ([]quorum.Signer, *problem.Problem) {
	const nothing = " Nothing was changed."
	end, given := a.end()
	if given {
		if err := quorum.CheckNotAfter(end, d.Client.Now()); err != nil {
			return nil, problem.New("destruction_not_after", "destruction_not_after is not usable", "%s%s", opening(err),
				nothing)
		}
	}
	if !d.guarded() {
		return nil, nil
	}
	if !given {
		return nil, problem.New("destruction_not_after", "destruction_not_after is missing",
			"A quorum guards record %s, so its approvals need an end. Set destruction_not_after, at most 30 days ahead, apply "+
				"without the destruction, then let the approvers sign destruction_statement.%s",
			statement.Record, nothing)
	}
	signers, err := d.Quorum.Verify(statement.String(), stringsIn(a.signatures))
	if _, missing := errors.AsType[*quorum.MissingError](err); missing {
		return nil, problem.New("destruction_approvals", "The destruction lacks approvals",
			"%s Let the approvers sign destruction_statement in the namespace %s.%s", opening(err), quorum.Namespace, nothing)
	}
	if err != nil {
		return nil, problem.New("destruction_approvals", "An approval is not valid",
			"%s Have destruction_statement signed as it is now, in the namespace %s.%s", opening(err),
			quorum.Namespace, nothing)
	}

	return signers, nil
}

// pendingOperation is what a destruction of a record would be, by what is configured and held; ""
// if there is nothing to destroy.
func pendingOperation(k keys.Record, backupNone, held bool) quorum.Operation {
	switch {
	case k.Status == keys.StatusDestroyed && held:
		return quorum.DropExport
	case k.Status == keys.StatusDestroyed:
		return ""
	case backupNone:
		return quorum.DestroyForGood
	default:
		return quorum.Destroy
	}
}

// statementOf is what approvers sign for an operation on a record.
func (d *Data) statementOf(operation quorum.Operation, k keys.Record, end time.Time) quorum.Statement {
	return quorum.Statement{
		Operation: operation, Organization: d.Session.OrganizationID, Record: k.ID, Type: k.Type, Version: k.Version,
		Hash:         k.Hash,
		LastModified: k.LastModifiedDate.Truncate(time.Second), NotAfter: end,
	}
}

// statementText is destruction_statement: null without destruction_not_after, and if there is
// nothing to destroy.
func (d *Data) statementText(operation quorum.Operation, k keys.Record, a approval) types.String {
	end, ok := a.end()
	if !ok || operation == "" {
		return types.StringNull()
	}

	return types.StringValue(d.statementOf(operation, k, end).String())
}

// withApprovals adds to a receipt what was signed, and by whom; nothing without a quorum.
func (d *Data) withApprovals(r receipt.Receipt, statement string, signers []quorum.Signer) receipt.Receipt {
	if !d.guarded() || statement == "" {
		return r
	}
	r.Statement, r.ApprovalsRequired = statement, d.Quorum.Required()
	for _, s := range signers {
		r.Approvers = append(r.Approvers, receipt.Approver{
			Fingerprint: s.Fingerprint, Comment: s.Comment,
			Signature: s.Signature,
		})
	}

	return r
}

// approversValidator refuses a quorum that could never be met.
type approversValidator struct{}

// Description implements validator.Object.
func (approversValidator) Description(context.Context) string {
	return "distinct SSH public keys, and a threshold of 1 to their number"
}

// MarkdownDescription implements validator.Object.
func (v approversValidator) MarkdownDescription(ctx context.Context) string {
	return v.Description(ctx)
}

// ValidateObject implements validator.Object.
func (approversValidator) ValidateObject(
	ctx context.Context, req validator.ObjectRequest, resp *validator.ObjectResponse,
) {
	approversIn(ctx, req.ConfigValue, &resp.Diagnostics)
}

// parsed is a validator of a text that a parser of another package refuses.
type parsed struct {
	// expected is what the description says of a good value, summary the diagnostic's, and nothing the
	// end of its detail.
	expected, summary, nothing string
	parse                      func(string) error
}

// Description implements validator.String.
func (p parsed) Description(context.Context) string { return p.expected }

// MarkdownDescription implements validator.String.
func (p parsed) MarkdownDescription(ctx context.Context) string { return p.Description(ctx) }

// ValidateString implements validator.String.
func (p parsed) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := p.parse(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, p.summary, opening(err)+" "+p.nothing)
	}
}
