package provider

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
)

// receiptDescription is that of receipt on resources other than keys.
const receiptDescription = "Receipt of the last write, JSON: what was done, when, by whom and why. See the guide " +
	"*Evidence for auditors*."

// causeOf is why a status was changed: a wish that stays the same while it is carried out again
// undoes what somebody else has done.
func causeOf(wanted, before types.String) receipt.Cause {
	if wanted.Equal(before) {
		return receipt.CauseDrift
	}

	return receipt.CausePlan
}

// canRecord refuses a write whose receipt could not be kept in receipt_directory. Ask it before
// each write.
func (d *Data) canRecord(ctx context.Context, diags *diag.Diagnostics) bool {
	if d.ReceiptDirectory == "" {
		return true
	}
	patient, cancel := d.patientReceipts(ctx)
	defer cancel()
	err := inReceipts(d.ReceiptDirectory, func(directory *receipt.Directory) error { return directory.Check(patient) })
	if err != nil {
		diags.AddError("The receipt directory can't be written to",
			fmt.Sprintf("receipt_directory is set, so each write leaves its receipt in %s, which fails: %s Nothing was sent. "+
				"Mend the directory, then apply again.", d.ReceiptDirectory, sentence(err.Error())))
	}

	return err == nil
}

// receiptOf completes a receipt, which follows the one in state, with what every receipt of this
// run says.
func (d *Data) receiptOf(r receipt.Receipt, previous types.String) receipt.Receipt {
	r.Time, r.OrganizationID, r.UserID = receipt.UTC(d.Client.Now()), d.Session.OrganizationID, d.Session.UserID
	r.FIPSMode, r.ProviderVersion = byok.FIPSMode(), d.Version

	return r.After(previous.ValueString())
}

// record completes a receipt, which follows the one in state, keeps it in receipt_directory and
// returns it for the state.
func (d *Data) record(ctx context.Context, r receipt.Receipt, previous types.String,
	diags *diag.Diagnostics,
) types.String {
	text := d.receiptOf(r, previous).Encode()
	d.keepReceipt(ctx, text, (*receipt.Directory).Append, diags)

	return types.StringValue(text)
}

// keepReceipt adds a receipt to receipt_directory, if there is one. The write is done: what fails
// now is a warning.
func (d *Data) keepReceipt(ctx context.Context, text string,
	add func(*receipt.Directory, context.Context, string) (string, error), diags *diag.Diagnostics,
) {
	if d.ReceiptDirectory == "" {
		return
	}
	// Who interrupts the run wants the evidence all the same.
	kept, cancel := d.patientReceipts(context.WithoutCancel(ctx))
	defer cancel()
	err := inReceipts(d.ReceiptDirectory, func(directory *receipt.Directory) error {
		_, err := add(directory, kept, text)

		return err
	})
	if err != nil {
		diags.AddWarning("The receipt could not be kept", fmt.Sprintf("The write is done, but its receipt is not in "+
			"%s: %s Mend the directory before the next apply, and keep this receipt beside its files: %s",
			d.ReceiptDirectory, sentence(err.Error()), text))
	}
}

// patientReceipts bounds how long a run waits for another that has the receipt directory.
func (d *Data) patientReceipts(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, cmp.Or(d.options.receiptPatience, time.Minute))
}

// inReceipts opens a receipt directory for one use.
func inReceipts(name string, use func(*receipt.Directory) error) error {
	directory, err := receipt.OpenDirectory(name)
	if err != nil {
		return err
	}
	defer directory.Close() //nolint:errcheck // what was written is flushed

	return use(directory)
}

// receiptDirectoryValidator refuses a path that no receipt directory can have.
func receiptDirectoryValidator() validator.String {
	return parsed{
		expected: "a path, without ~", summary: "The receipt directory is not usable", nothing: "Nothing was sent.",
		parse: receipt.CheckDirectory,
	}
}

// receiptDirectory returns the receipt directory, or refuses it. It may be unknown during a plan,
// which writes nothing.
func (s settings) receiptDirectory(diags *diag.Diagnostics) string {
	name := s["receipt_directory"].value
	if name == "" {
		return ""
	}
	if err := receipt.CheckDirectory(name); err != nil {
		diags.AddAttributeError(path.Root("receipt_directory"), "The receipt directory is not usable",
			opening(err)+" Nothing was sent.")
	}

	return name
}
