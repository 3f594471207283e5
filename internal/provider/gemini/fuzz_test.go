package gemini_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/gemini"
)

// seeds adds the golden inputs of a folder.
func seeds(f *testing.F, folder string) {
	f.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.in.*"))
	if err != nil || len(paths) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
}

// FuzzRequest: a request that is understood is written again, and what is
// written is understood again.
func FuzzRequest(f *testing.F) {
	seeds(f, "request")
	f.Add([]byte(`{"contents":{"parts":{"text":"Hi"}},"":1,"tools":[{"":{}}],"generationConfig":{"":2}}`))
	f.Add([]byte(`{"contents":[{"parts":[{"functionResponse":{"name":"f"}}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := gemini.New().DecodeRequest(body)
		if err != nil {
			var field *chat.FieldError
			if !errors.As(err, &field) {
				t.Fatalf("%T", err)
			}
			return
		}
		out, err := gemini.New().EncodeRequest(r, chat.Upstream{Model: "gemini-3-pro"})
		if err != nil {
			return // such as a content of empty texts alone
		}
		if !json.Valid(out.Body) {
			t.Fatalf("no JSON: %s", out.Body)
		}
		if _, err := gemini.New().DecodeRequest(out.Body); err != nil {
			t.Fatalf("%v: %s", err, out.Body)
		}
	})
}

func FuzzResponse(f *testing.F) {
	seeds(f, "response")
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := gemini.New().DecodeResponse(body)
		if err != nil {
			return
		}
		out := gemini.New().EncodeResponse(r)
		if !json.Valid(out) {
			t.Fatalf("no JSON: %s", out)
		}
		if _, err := gemini.New().DecodeResponse(out); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	})
}

// FuzzStream takes the data of one event a line.
func FuzzStream(f *testing.F) {
	seeds(f, "stream")
	f.Fuzz(func(t *testing.T, body []byte) {
		d, e := gemini.New().NewStreamDecoder(), gemini.New().NewStreamEncoder(&chat.Request{})
		var out []byte
		for line := range bytes.Lines(body) {
			events, err := d.Decode(nil, "", bytes.TrimSpace(line))
			if err != nil {
				return
			}
			for _, ev := range events {
				out = e.Encode(out, ev)
			}
		}
		for _, ev := range d.End(nil) {
			out = e.Encode(out, ev)
		}
		for event := range strings.SplitSeq(string(out), "\n\n") {
			if data, ok := strings.CutPrefix(event, "data: "); event != "" && (!ok || !json.Valid([]byte(data))) {
				t.Fatalf("no event: %s", event)
			}
		}
	})
}

func FuzzError(f *testing.F) {
	f.Add(400, []byte(`[{"error":{"code":400,"message":"Bad.","status":"INVALID_ARGUMENT","details":[{"reason":"A","fieldViolations":[{"field":"b"}]}]}}]`))
	f.Add(500, []byte(`{"error":{"message":"cut`))
	f.Add(0, []byte(`"\ud800`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := gemini.New().DecodeError(status, body)
		if len(e.Message) > 1000 || e.Class == 0 {
			t.Errorf("%+v", e)
		}
		if out := gemini.New().EncodeError(e); !json.Valid(out) {
			t.Errorf("no JSON: %s", out)
		}
	})
}
