package anthropic

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

func FuzzDecodeRequest(f *testing.F) {
	files, _ := filepath.Glob("testdata/requests/*.in.json")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"x","source":7}]}],"":1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := New().DecodeRequest(body)
		if err != nil {
			return
		}
		for _, model := range []string{"claude-3-7-sonnet", "claude-opus-4-8", "x"} {
			enc, err := New().EncodeRequest(r, chat.Upstream{Model: model, CachePrompt: true})
			if err == nil && !json.Valid(enc.Body) {
				t.Fatalf("no JSON: %q", enc.Body)
			}
		}
	})
}

func FuzzDecodeResponse(f *testing.F) {
	f.Add([]byte(answered))
	f.Add([]byte(`{"type":"message","content":[{"type":"tool_use","name":"tiershift_answer"},{"type":"tool_use","input":"x"}],"usage":{}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := New().DecodeResponse(body)
		if err != nil {
			return
		}
		if out := New().EncodeResponse(r); !json.Valid(out) {
			t.Fatalf("no JSON: %q", out)
		}
	})
}

func FuzzDecodeError(f *testing.F) {
	f.Add(400, []byte(`{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := New().DecodeError(status, body)
		if len(e.Message) > 1003 || e.Class == 0 {
			t.Fatalf("%d bytes, class %d", len(e.Message), e.Class)
		}
		if out := New().EncodeError(e); !json.Valid(out) {
			t.Fatalf("no JSON: %q", out)
		}
	})
}

// Values are cut as encoding/json cuts them.
func FuzzSplit(f *testing.F) {
	f.Add([]byte(`{"a":[1,"\\\"",{}],"b":null}`))
	f.Add([]byte(`[[],"]",1e3 ]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) == nil && object != nil {
			got := splitObject(raw)
			for name, value := range object {
				if !bytes.Equal(got[name], value) && utf8.Valid(raw) {
					t.Fatalf("%q: %q, want %q", name, got[name], value)
				}
			}
		}
		var array []json.RawMessage
		if json.Unmarshal(raw, &array) == nil && array != nil {
			for i, got := range splitArray(raw) {
				if !bytes.Equal(got, array[i]) {
					t.Fatalf("%d: %q, want %q", i, got, array[i])
				}
			}
		}
	})
}

// The input is a stream's data, a line to each event.
func FuzzStream(f *testing.F) {
	var lines []string
	for _, e := range split(f, recorded) {
		lines = append(lines, e.data)
	}
	f.Add([]byte(strings.Join(lines, "\n")))
	f.Add([]byte(lines[0] + "\n" + `{"type":"content_block_start","content_block":{"type":"tool_use","input":7}}`))
	f.Fuzz(func(t *testing.T, stream []byte) {
		d, s := New().NewStreamDecoder(), New().NewStreamEncoder(nil)
		var events []chat.Event
		var out []byte
		for _, data := range bytes.Split(stream, []byte("\n")) {
			var err error
			if events, err = d.Decode(events[:0], "", data); err != nil {
				return
			}
			for _, e := range events {
				out = s.Encode(out, e)
			}
		}
		for _, e := range d.End(nil) {
			out = s.Encode(out, e)
		}
		if len(out) > 0 {
			split(t, string(out))
		}
	})
}
