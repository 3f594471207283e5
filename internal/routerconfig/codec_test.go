package routerconfig

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func encode(t *testing.T, c *Config) []byte {
	t.Helper()
	data, err := Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The bytes themselves are the contract between versions of the operator and
// of the router: a change here is a change of the API version.
func TestTheEncodingIsStable(t *testing.T) {
	const golden = "testdata/config.json"
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, encode(t, sample()), "", "  "); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(indented.Bytes(), want) {
		t.Errorf("got\n%s\nwant what is in %s", indented.Bytes(), golden)
	}
}

func TestADocumentDecodesToWhatWasEncoded(t *testing.T) {
	c := sample()
	got, err := Decode(encode(t, c))
	if err != nil {
		t.Fatal(err)
	}
	if c.Digest != "" {
		t.Error("Encode changed its argument")
	}
	c.Digest = got.Digest
	if !reflect.DeepEqual(got, c) {
		t.Errorf("got  %+v\nwant %+v", got, c)
	}
}

func TestTheDigestTellsWhatIsRouted(t *testing.T) {
	digest := func(edit func(*Config)) string {
		c := sample()
		edit(c)
		d, err := Digest(c)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	same := digest(func(*Config) {})
	tests := []struct {
		name string
		edit func(*Config)
		same bool
	}{
		{"another generation is the same config", func(c *Config) { c.Generation++ }, true},
		{"the digest is no part of itself", func(c *Config) { c.Digest = "sha256:00" }, true},
		{"an empty list is an absent one", func(c *Config) { c.Routes[2].Split = []Share{} }, true},
		{"another price is another config", func(c *Config) { c.Tiers[0].Models[0].Price.Input = "4" }, false},
		{"another order of routes is another config", func(c *Config) { c.Routes[0], c.Routes[1] = c.Routes[1], c.Routes[0] }, false},
		{"another policy is another config", func(c *Config) { c.Policy = "sales" }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := digest(tt.edit); (got == same) != tt.same {
				t.Errorf("got %s, the sample has %s", got, same)
			}
		})
	}
	if !strings.HasPrefix(same, "sha256:") || len(same) != len("sha256:")+64 {
		t.Errorf("%q is no SHA-256", same)
	}
}

func TestDecodeRefuses(t *testing.T) {
	whole := string(encode(t, sample()))
	tests := []struct{ name, data, want string }{
		{"nothing", "", "decode router config: the document is empty"},
		{"blanks", " \n", "decode router config: the document is empty"},
		{"a cut document", whole[:len(whole)/2], "decode router config: unexpected EOF"},
		{"no document", "null", `router config digest is "", but its content has `},
		{"a list", "[]", "decode router config: json: cannot unmarshal array"},
		{"an unknown field", strings.Replace(whole, `"routes"`, `"roads"`, 1), `decode router config: json: unknown field "roads"`},
		{"an unknown field deep inside", strings.Replace(whole, `"minTokens"`, `"leastTokens"`, 1), `decode router config: json: unknown field "leastTokens"`},
		{"a document of a later version", `{"apiVersion":"router.tiershift.dev/v2","budget":{}}`, `decode router config: apiVersion is "router.tiershift.dev/v2", this router reads "router.tiershift.dev/v1"`},
		{"data behind it", whole + "{}", "decode router config: data after the document"},
		{"garbage behind it", whole + "x", "decode router config: data after the document"},
		{"a changed price", strings.Replace(whole, `"input":"3;`, `"input":"2;`, 1), "router config digest is \"sha256:"},
		{"a bad duration", strings.Replace(whole, `"30s"`, `"30"`, 1), `decode router config: time: missing unit in duration "30"`},
		{"a duration in nanoseconds", strings.Replace(whole, `"30s"`, `30`, 1), "decode router config: json: cannot unmarshal number"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := Decode([]byte(tt.data))
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
			if c != nil {
				t.Error("a refused document gave a config")
			}
		})
	}
}

func TestDecodeValidates(t *testing.T) {
	c := sample()
	c.DefaultTier = "top"
	const want = `router config is invalid: defaultTier names no tier of the config: "top"`
	if _, err := Decode(encode(t, c)); err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestTextThatIsNoUnicodeDoesNotPassUnnoticed(t *testing.T) {
	c := sample()
	c.Routes[0].Match.ModelNames[0] = "a\xff"
	if _, err := Decode(encode(t, c)); err == nil || !strings.Contains(err.Error(), "digest") {
		t.Errorf("got %v, want a digest that differs", err)
	}
}

func TestDurationsAreText(t *testing.T) {
	for text, d := range map[string]time.Duration{"0s": 0, "800ms": 800 * time.Millisecond, "1m30s": 90 * time.Second, "10m0s": 10 * time.Minute} {
		got, err := Duration(d).MarshalText()
		if err != nil || string(got) != text {
			t.Errorf("%v is written %q, %v; want %q", d, got, err, text)
		}
		var back Duration
		if err := back.UnmarshalText([]byte(text)); err != nil || time.Duration(back) != d {
			t.Errorf("%q is read as %v, %v; want %v", text, time.Duration(back), err, d)
		}
	}
	d := Duration(1)
	if err := d.UnmarshalText([]byte("soon")); err == nil || d != 1 {
		t.Errorf("got %v, %v; want an error and no change", d, err)
	}
}

func FuzzDecode(f *testing.F) {
	whole, err := Encode(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:100])
	packed, err := Compress(whole)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(packed)
	f.Add(packed[:100])
	f.Add([]byte(`{"apiVersion":"router.tiershift.dev/v1","providers":null,"tiers":[{}],"routes":[{"match":{"prompt":{"hasCode":true}}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := Decode(data)
		if err != nil {
			first = restamped(data) // nobody guesses a digest
		}
		if first == nil {
			return
		}
		encoded := encode(t, first)
		second, err := Decode(encoded)
		if err != nil {
			t.Fatalf("what was decoded does not decode again: %v\n%s", err, encoded)
		}
		second.Generation++
		digest, err := Digest(second)
		if err != nil || digest != first.Digest || second.Digest != first.Digest {
			t.Errorf("digest %s became %s and %s, %v", first.Digest, second.Digest, digest, err)
		}
		second.Generation--
		if again := encode(t, second); !bytes.Equal(again, encoded) {
			t.Errorf("encodes to\n%s\nthen to\n%s", encoded, again)
		}
	})
}

// restamped is the document with the digest that it should have, if it is one.
func restamped(data []byte) *Config {
	var c Config
	if json.Unmarshal(data, &c) != nil {
		return nil
	}
	stamped, err := Encode(&c)
	if err != nil {
		return nil
	}
	decoded, err := Decode(stamped)
	if err != nil {
		return nil
	}
	return decoded
}
