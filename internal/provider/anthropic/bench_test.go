package anthropic

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

func BenchmarkStreamEvent(b *testing.B) {
	delta := []byte(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" and then some words"}}`)
	start := []byte(`{"type":"message_start","message":{"id":"m"}}`)
	block := []byte(`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`)
	d, s := New().NewStreamDecoder(), New().NewStreamEncoder(nil)
	var events []chat.Event
	var out []byte
	step := func(data []byte) {
		events, _ = d.Decode(events[:0], "", data)
		out = out[:0]
		for _, e := range events {
			out = s.Encode(out, e)
		}
	}
	step(start)
	step(block)
	b.Run("decode and encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			step(delta)
		}
	})
	if len(out) == 0 {
		b.Fatal("nothing was encoded")
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		e := chat.Event{Kind: chat.EventText, Text: " and then some words"}
		for b.Loop() {
			out = s.Encode(out[:0], e)
		}
	})
}

func BenchmarkRequest200KB(b *testing.B) {
	text := strings.Repeat("A line of a long document, with \"quotes\" — and more.\n", 200)
	var messages []any
	for i := range 19 {
		role := []string{"user", "assistant"}[i%2]
		messages = append(messages, map[string]any{"role": role, "content": []any{map[string]string{"type": "text", "text": text}}})
	}
	body, err := json.Marshal(map[string]any{"model": "m", "max_tokens": 100, "messages": messages})
	if err != nil {
		b.Fatal(err)
	}
	var r *chat.Request
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if r, err = New().DecodeRequest(body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			if _, err := New().EncodeRequest(r, chat.Upstream{Model: "claude-opus-5"}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
