package anthropic

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares JSON with a file.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, got, "", "  "); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	pretty.WriteByte('\n')
	if *update {
		if err := os.WriteFile(file, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pretty.Bytes(), want) {
		t.Errorf("%s differs; got:\n%s", file, pretty.Bytes())
	}
}

// Each request is decoded (*.neutral.json) and encoded for an old, a middle, a
// new model and one that is not Claude's (*.out.json).
func TestRequestsAreDecodedAndEncodedAsRecorded(t *testing.T) {
	files, err := filepath.Glob("testdata/requests/*.in.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no requests", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			base := strings.TrimSuffix(file, ".in.json")
			r, err := New().DecodeRequest(body)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, base+".neutral.json", said(t, r))
			var all []any
			for _, model := range []string{"claude-3-7-sonnet-20250219", "claude-opus-4-6", "claude-opus-5", "deep-one"} {
				enc, err := New().EncodeRequest(r, chat.Upstream{Model: model})
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, map[string]any{"body": json.RawMessage(enc.Body), "dropped": enc.Dropped})
			}
			out, err := encode(all)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, base+".out.json", out)
		})
	}
}

// What a client of this wire wrote is read the same after it was encoded for a
// provider of this wire.
func TestARoundTripOverItsOwnWireKeepsTheMeaning(t *testing.T) {
	for _, name := range []string{"tools", "media", "warm", "structured"} {
		body, err := os.ReadFile("testdata/requests/" + name + ".in.json")
		if err != nil {
			t.Fatal(err)
		}
		first, err := New().DecodeRequest(body)
		if err != nil {
			t.Fatal(err)
		}
		enc, err := New().EncodeRequest(first, chat.Upstream{Model: first.Model + "-claude-opus-4-8"})
		if err != nil {
			t.Fatal(err)
		}
		second, err := New().DecodeRequest(enc.Body)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, enc.Body)
		}
		second.Model = first.Model
		a, b := canonical(t, first), canonical(t, second)
		if !bytes.Equal(a, b) && name != "tools" { // its strict tool loses strict
			t.Errorf("%s:\n%s\n%s", name, a, b)
		}
		if name == "tools" && !slices.Equal(enc.Dropped, []string{"tools[0].strict"}) {
			t.Errorf("dropped: %v", enc.Dropped)
		}
	}
}

// said is a request as JSON, without what it leaves empty.
func said(t *testing.T, r *chat.Request) []byte {
	t.Helper()
	b, err := encode(r)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	b, _ = encode(withoutEmpty(v))
	return b
}

func withoutEmpty(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if value == nil || value == "" || value == 0.0 || value == false {
				delete(v, name)
				continue
			}
			v[name] = withoutEmpty(value)
		}
	case []any:
		for i := range v {
			v[i] = withoutEmpty(v[i])
		}
	}
	return v
}

// canonical is a request as JSON without white space in its raw members.
func canonical(t *testing.T, r *chat.Request) []byte {
	t.Helper()
	slices.SortFunc(r.Native, func(a, b chat.Native) int { return strings.Compare(a.Field, b.Field) })
	b, err := encode(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
