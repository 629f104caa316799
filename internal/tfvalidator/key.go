package tfvalidator

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/byok"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/escrow"
	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/keys"
)

// KeyMaterial accepts base64 of exactly 32 bytes.
func KeyMaterial() validator.String {
	return check{
		summary: "Invalid key material", expected: "base64 (standard alphabet, padded, no line breaks or spaces) of " +
			"exactly 32 bytes",
		parse: func(s string) error {
			material, err := byok.ParseMaterial(s)
			if err == nil {
				material.Destroy()
			}

			return err
		},
	}
}

// KeyIdentifier accepts the identifier of a key at a key service. Salesforce appends it to the URL
// of a Named Credential [C distributey], and key services keep their answers under it.
func KeyIdentifier() validator.String {
	return check{
		summary: "Invalid key identifier", expected: "the last part of the URL of a callout: no \"?\", \"#\", \"%\", " +
			"\"\\\", spaces or control characters, and no part that is empty, \".\" or \"..\"",
		parse: func(s string) error {
			if strings.ContainsAny(s, `?#%\ `) || strings.ContainsFunc(s, unicode.IsControl) {
				return errors.New("it has a character that ends or changes the path of the callout")
			}
			for part := range strings.SplitSeq(s, "/") {
				if part == "" || part == "." || part == ".." {
					return errors.New("it has a part that leads elsewhere in the path of the callout")
				}
			}

			return nil
		},
	}
}

// SecretValueHash accepts the base64 of a SHA-256.
func SecretValueHash() validator.String {
	return check{
		summary: "Invalid secret value hash", expected: "the base64 (standard alphabet, padded) of the 32 bytes of a SHA-256",
		parse: func(s string) error {
			_, err := byok.ParseHash(s)

			return err
		},
	}
}

// WrappedKeyMaterial accepts base64 whose length one of the wrapping algorithms gives under a
// 4096-bit key. Which algorithm it must be is checked against the certificate when it is used.
func WrappedKeyMaterial() validator.String {
	return check{
		summary: "Invalid wrapped key material", expected: "base64 (standard alphabet, padded, no line breaks) of key " +
			"material wrapped under a 4096-bit certificate",
		parse: byok.CheckWrapped,
	}
}

// WrappingAlgorithm accepts the name of a wrapping algorithm that this process can use.
func WrappingAlgorithm() validator.String {
	names := make([]string, 0, len(byok.WrappingAlgorithms()))
	for _, a := range byok.WrappingAlgorithms() {
		names = append(names, string(a))
	}

	return check{
		summary: "Invalid wrapping algorithm", expected: "one of " + strings.Join(names, ", "),
		parse: func(s string) error {
			a, err := byok.ParseWrappingAlgorithm(s)
			if err != nil {
				return err
			}

			return a.Usable()
		},
	}
}

// AgeRecipient accepts an age public key, X25519 or post-quantum.
func AgeRecipient() validator.String {
	return check{
		summary: "Invalid age recipient", expected: "an age public key, age1… or age1pq1… (post-quantum), or held by " +
			"hardware, age1tag1… or age1tagpq1…",
		parse: func(s string) error {
			if err := escrow.CheckRecipient(s); err != nil {
				return fmt.Errorf("it %w", err)
			}

			return nil
		},
	}
}

type knownType struct{}

// KnownTenantSecretType warns of a type that Salesforce does not document: it may know more than
// this provider. A known type in other letter case is an error.
func KnownTenantSecretType() validator.String { return knownType{} }

// Description implements validator.Describer.
func (knownType) Description(context.Context) string {
	return "value should be one of " + strings.Join(keys.KnownTypes(), ", ")
}

// MarkdownDescription implements validator.Describer.
func (k knownType) MarkdownDescription(ctx context.Context) string { return k.Description(ctx) }

// ValidateString implements validator.String.
func (knownType) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	typ := req.ConfigValue.ValueString()
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() || keys.IsKnownType(typ) {
		return
	}
	for _, known := range keys.KnownTypes() {
		if strings.EqualFold(known, typ) {
			resp.Diagnostics.AddAttributeError(req.Path, "The type is spelled in another case",
				fmt.Sprintf("Expected %q, found %q: letter case matters. Nothing was sent.", known, typ))

			return
		}
	}
	resp.Diagnostics.AddAttributeWarning(req.Path, "Unknown type of tenant secret",
		"Expected one of "+strings.Join(keys.KnownTypes(), ", ")+
			". Any other value is sent as it is, and Salesforce may refuse it.")
}

type certificatePins struct{}

// CertificatePins accepts a list of SHA-256 fingerprints, each once.
func CertificatePins() validator.List { return certificatePins{} }

// Description implements validator.Describer.
func (certificatePins) Description(context.Context) string {
	return "value must be SHA-256 fingerprints of certificates, each once: 64 hex digits, with or without colons"
}

// MarkdownDescription implements validator.Describer.
func (c certificatePins) MarkdownDescription(ctx context.Context) string { return c.Description(ctx) }

// ValidateList implements validator.List.
func (certificatePins) ValidateList(_ context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	refuse := func(format string, args ...any) {
		resp.Diagnostics.AddAttributeError(req.Path, "Invalid certificate pins",
			fmt.Sprintf(format, args...)+" Nothing was sent.")
	}
	if len(req.ConfigValue.Elements()) == 0 {
		refuse("Expected at least one SHA-256 fingerprint, found an empty list. To pin nothing, leave certificate_pins out.")
	}
	seen := map[string]int{}
	for i, v := range req.ConfigValue.Elements() {
		text, ok := v.(interface {
			IsUnknown() bool
			ValueString() string
		})
		if !ok || text.IsUnknown() {
			continue
		}
		pin, err := keys.ParseCertificatePin(text.ValueString())
		if err != nil {
			refuse("certificate_pins[%d]: %s.", i, err)

			continue
		}
		if first, twice := seen[pin]; twice {
			refuse("certificate_pins[%d] is the fingerprint of certificate_pins[%d] again. Remove one.", i, first)
		}
		seen[pin] = i
	}
}

// ExportedSecretValue accepts what Salesforce exports: base64 that is not empty. What is in it,
// only Salesforce knows.
func ExportedSecretValue() validator.String {
	return check{
		summary: "Invalid exported secret value", expected: "the base64 text that Salesforce exported (the SecretValue of " +
			"the record)",
		parse: byok.CheckExport,
	}
}

// CertificateChain accepts a certificate, or a chain, as PEM.
func CertificateChain() validator.String {
	return check{
		summary: "Invalid certificate chain", expected: "a certificate chain as PEM, the signed certificate and its issuers",
		parse: byok.CheckChain,
	}
}
