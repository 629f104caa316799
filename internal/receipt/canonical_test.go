package receipt_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/salesforcebyok/terraform-provider-salesforcebyok/internal/receipt"
)

// The examples of RFC 8785, sections 3.2.2 to 3.2.3.
func TestCanonicalExamplesOfTheRFC(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{
		  "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
		  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
		  "literals": [null, true, false]
		}`: `{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
		`{
		  "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
		  "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"
		}`: "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With " +
			"Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}",
	} {
		got, err := receipt.Canonical([]byte(in))
		if err != nil || string(got) != want {
			t.Errorf("got  %s\nwant %s (%v)", got, want, err)
		}
	}
}

// The numbers of RFC 8785, appendix B, by their bits.
func TestCanonicalNumbersOfTheRFC(t *testing.T) {
	t.Parallel()
	for bits, want := range map[uint64]string{
		0x0000000000000000: "0", 0x8000000000000000: "0", 0x0000000000000001: "5e-324", 0x8000000000000001: "-5e-324",
		0x7fefffffffffffff: "1.7976931348623157e+308", 0xffefffffffffffff: "-1.7976931348623157e+308",
		0x4340000000000000: "9007199254740992", 0xc340000000000000: "-9007199254740992",
		0x4430000000000000: "295147905179352830000",
		0x44b52d02c7e14af5: "9.999999999999997e+22", 0x44b52d02c7e14af6: "1e+23",
		0x44b52d02c7e14af7: "1.0000000000000001e+23",
		0x444b1ae4d6e2ef4e: "999999999999999700000", 0x444b1ae4d6e2ef4f: "999999999999999900000", 0x444b1ae4d6e2ef50: "1e+21",
		0x3eb0c6f7a0b5ed8c: "9.999999999999997e-7", 0x3eb0c6f7a0b5ed8d: "0.000001",
		0x41b3de4355555553: "333333333.3333332", 0x41b3de4355555554: "333333333.33333325",
		0x41b3de4355555555: "333333333.3333333",
		0x41b3de4355555556: "333333333.3333334", 0x41b3de4355555557: "333333333.33333343",
		0xbecbf647612f3696: "-0.0000033333333333333333",
		0x43143ff3c1cb0959: "1424953923781206.2",
	} {
		// A fraction keeps large integers from being refused: as literals they may mean another value.
		literal, err := json.Marshal(math.Float64frombits(bits))
		if err != nil {
			t.Fatal(err)
		}
		in := string(literal)
		if !strings.ContainsAny(in, ".e") {
			in += ".0"
		}
		if got, err := receipt.Canonical([]byte(in)); err != nil || string(got) != want {
			t.Errorf("%x: got %s, want %s (%v)", bits, got, want, err)
		}
	}
}

func TestCanonicalRefuses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "is not JSON", "{": "is not JSON", "[1,": "is not JSON", `{"a" 1}`: "is not JSON", "nul": "is not JSON",
		"[1}":   "is not JSON",
		"{} {}": "text after", `{"a":1,"a":2}`: `the name "a" twice`, `{"a":{"b":1,"b":1}}`: `the name "b" twice`,
		"\"\xff\"": "is not UTF-8", "9007199254740993": "no double holds exactly",
		"-9007199254740993": "no double holds exactly",
		"1e999":             "no double can hold", strings.Repeat("[", 100_000): "nested more than 64 deep",
	} {
		if got, err := receipt.Canonical([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got %s, %v, want an error about %q", in, got, err, want)
		}
	}
}

// What is canonical stays as it is, and means the same.
func FuzzCanonical(f *testing.F) {
	f.Add(`{"b":[1,2.50,"\u2028"],"a":null}`)
	f.Add(`"\ud83d\ude00\u0000"`)
	f.Add(`[-0, 1e21, 123456789012345678]`)
	f.Fuzz(func(t *testing.T, in string) {
		once, err := receipt.Canonical([]byte(in))
		if err != nil {
			return
		}
		again, err := receipt.Canonical(once)
		if err != nil || string(again) != string(once) {
			t.Fatalf("%q becomes %q, then %q, %v", in, once, again, err)
		}
		if !json.Valid(once) {
			t.Fatalf("%q becomes %q", in, once)
		}
	})
}
