package gemini_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/gemini"
)

const chunk = `{"candidates": [{"content": {"parts": [{"text": " and the tide turns twice a day, as it always has"}],"role": "model"},"index": 0}],` +
	`"usageMetadata": {"promptTokenCount": 812,"candidatesTokenCount": 96,"totalTokenCount": 1420,"promptTokensDetails": [{"modality": "TEXT","tokenCount": 812}],"thoughtsTokenCount": 512},` +
	`"modelVersion": "gemini-2.5-flash","responseId": "mAitaLmkHPPlz7IPvtfUqQ4"}`

func BenchmarkStreamDecode(b *testing.B) {
	d := gemini.New().NewStreamDecoder()
	data := []byte(chunk)
	var events []chat.Event
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if events, err = d.Decode(events[:0], "", data); err != nil || len(events) == 0 {
			b.Fatal(err)
		}
	}
}

func BenchmarkStreamEncode(b *testing.B) {
	e := gemini.New().NewStreamEncoder(&chat.Request{})
	out := e.Encode(nil, chat.Event{Kind: chat.EventStart, Response: &chat.Response{ID: "mAitaLmkHPPlz7IPvtfUqQ4", Model: "gemini-2.5-flash"}})
	out = e.Encode(out, starts(chat.KindText, nil))
	text := chat.Event{Kind: chat.EventText, Text: " and the tide turns twice a day, as it always has"}
	b.ReportAllocs()
	for b.Loop() {
		if out = e.Encode(out[:0], text); len(out) == 0 {
			b.Fatal("nothing")
		}
	}
}

// bigRequest is a conversation of about n bytes, with tools.
func bigRequest(n int) []byte {
	line, _ := json.Marshal(strings.Repeat("The quick brown fox jumps over the lazy dog while \"seven\" wizards box.\n", 14))
	var turns []string
	for size := 0; size < n; size += 2*len(line) + 100 {
		turns = append(turns, fmt.Sprintf(`{"role":"user","parts":[{"text":%s}]},{"role":"model","parts":[{"text":%s}]}`, line, line))
	}
	turns = append(turns, `{"role":"user","parts":[{"text":"And now?"}]}`)
	return fmt.Appendf(nil, `{"contents":[%s],"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","properties":{"a":{"type":"STRING"}}}}]}]}`, strings.Join(turns, ","))
}

func BenchmarkRequest(b *testing.B) {
	body := bigRequest(200 << 10)
	r, err := gemini.New().DecodeRequest(body)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("decode 200 KB", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := gemini.New().DecodeRequest(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encode 200 KB", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := gemini.New().EncodeRequest(r, chat.Upstream{Model: "gemini-2.5-flash"}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
