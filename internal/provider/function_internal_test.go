package provider

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// call runs a function as the framework does.
func call(t *testing.T, f function.Function, argument string) (string, *function.FuncError) {
	t.Helper()
	resp := function.RunResponse{Result: function.NewResultData(types.StringUnknown())}
	f.Run(t.Context(),
		function.RunRequest{Arguments: function.NewArgumentsData([]attr.Value{types.StringValue(argument)})}, &resp)
	result, ok := resp.Result.Value().(types.String)
	if !ok {
		t.Fatalf("the result is a %T", resp.Result.Value())
	}

	return result.ValueString(), resp.Error
}

// What is refused may be a secret, whole or mistyped: no error repeats it.
func TestFunctionErrorsRepeatNothing(t *testing.T) {
	t.Parallel()
	for _, f := range []function.Function{newSecretValueHashFunction(), newKeyCheckValueFunction(), newID18Function()} {
		for _, argument := range []string{
			"hunter2-hunter2-hunter2", base64.StdEncoding.EncodeToString([]byte(strings.Repeat("s3cret-s3cret", 3))),
			base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", 32))),
			"dGhpcyBpcyBhIGtleSBvZiAzMiBieXRlcyEhISEhISEhIQ==\n",
		} {
			result, err := call(t, f, argument)
			if err == nil || result != "" {
				t.Errorf("%q was accepted", argument)

				continue
			}
			if err.FunctionArgument == nil || *err.FunctionArgument != 0 {
				t.Errorf("the error %q is not tied to the argument", err.Text)
			}
			for _, word := range strings.FieldsFunc(strings.TrimSpace(argument), func(r rune) bool {
				return r == '=' || r == '-'
			}) {
				if strings.Contains(err.Text, word) {
					t.Errorf("the error repeats %q of the argument: %s", word, err.Text)
				}
			}
		}
	}
}

// Of any text: either 32 bytes and a result, or an error.
func FuzzMaterialFunctions(f *testing.F) {
	for _, seed := range []string{"", strings.Repeat("A", 43) + "=", strings.Repeat("A", 44), "####", "AAAA\nAAAA"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, argument string) {
		raw, decodeErr := base64.StdEncoding.Strict().DecodeString(argument)
		good := decodeErr == nil && len(raw) == 32 && !strings.ContainsAny(argument, "\r\n")
		hash, hashErr := call(t, newSecretValueHashFunction(), argument)
		kcv, kcvErr := call(t, newKeyCheckValueFunction(), argument)
		if (hashErr == nil) != good || (kcvErr == nil) != good {
			t.Fatalf("%q: errors %v and %v", argument, hashErr, kcvErr)
		}
		if good && (len(hash) != 44 || len(kcv) != 6) {
			t.Fatalf("%q: hash %q, key check value %q", argument, hash, kcv)
		}
	})
}
