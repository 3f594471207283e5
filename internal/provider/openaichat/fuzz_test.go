package openaichat

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

func FuzzDecodeRequest(f *testing.F) {
	for _, body := range files(f, "requests/*.json") {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := New().DecodeRequest(body)
		if err != nil {
			return
		}
		for _, wire := range []string{chat.WireOpenAIChat, chat.WireGemini} {
			r.Wire = wire
			if e, err := New().EncodeRequest(r, chat.Upstream{Model: "m", Reasons: true}); err == nil && !json.Valid(e.Body) {
				t.Fatalf("no JSON: %s", e.Body)
			}
		}
	})
}

func FuzzDecodeResponse(f *testing.F) {
	for _, body := range files(f, "responses/*.json") {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, err := New().DecodeResponse(body); err == nil {
			if out := New().EncodeResponse(r); !json.Valid(out) {
				t.Fatalf("no JSON: %s", out)
			}
		}
		if e := New().DecodeError(500, body); len(e.Message) > 1000 || !json.Valid(New().EncodeError(e)) {
			t.Fatalf("error: %+v", e)
		}
	})
}

func FuzzStream(f *testing.F) {
	for _, body := range files(f, "streams/*.sse") {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, out := translate(New(), &chat.Request{StreamUsage: true}, body)
		for _, block := range strings.Split(strings.TrimSuffix(string(out), "\n\n"), "\n\n") {
			data, ok := strings.CutPrefix(block, "data: ")
			if len(out) > 0 && (!ok || data != "[DONE]" && !json.Valid([]byte(data))) {
				t.Fatalf("no event: %q", block)
			}
		}
	})
}

func BenchmarkStreamEvent(b *testing.B) {
	chunk := []byte(`{"id":"chatcmpl-C30i09","object":"chat.completion.chunk","created":1754833744,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":"fp_efad92c60b","choices":[{"index":0,"delta":{"content":" wonderful"},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"hJ3kL"}`)
	d, e := New().NewStreamDecoder(), New().NewStreamEncoder(&chat.Request{})
	var list []chat.Event
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if list, err = d.Decode(list[:0], "", chunk); err != nil {
			b.Fatal(err)
		}
		out = out[:0]
		for _, event := range list {
			out = e.Encode(out, event)
		}
	}
}

func BenchmarkRequest200KB(b *testing.B) {
	text := strings.Repeat(`The \"quick\" brown fox jumps over the lazy dog.\n`, 400)
	message := `{"role":"user","content":"` + text + `"}`
	body := []byte(`{"model":"auto","messages":[` + strings.Repeat(message+",", 9) + message + `]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := New().DecodeRequest(body)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := New().EncodeRequest(r, chat.Upstream{Model: "m"}); err != nil {
			b.Fatal(err)
		}
	}
}
