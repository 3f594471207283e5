package translate_test

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/provider/anthropic"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/provider/responses"
	"github.com/tiershift/tiershift/internal/provider/translate"
)

// conversation is a request of Messages of about so many bytes.
func conversation(tb testing.TB, size int) []byte {
	tb.Helper()
	var turns []map[string]any
	text := strings.Repeat("The harbour's rules, “quoted” and\nin lines, are as follows. ", 16)
	for n := 0; n < size; n += len(text) {
		turns = append(turns, map[string]any{"role": []string{"user", "assistant"}[len(turns)%2], "content": text})
	}
	body, err := json.Marshal(map[string]any{
		"model": "auto", "max_tokens": 1000, "messages": append(turns, map[string]any{"role": "user", "content": "And?"}),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

// BenchmarkRequest is what a 200 KB request costs where the client and the provider
// speak the same wire, and where they do not: scanned and patched, or scanned, decoded
// and encoded.
func BenchmarkRequest(b *testing.B) {
	body := conversation(b, 200<<10)
	var r patch.Request
	b.Run("patch", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		b.ReportAllocs()
		var segments [][]byte
		var scratch []byte
		for b.Loop() {
			if err := patch.ScanMessages(body, &r); err != nil {
				b.Fatal(err)
			}
			segments, scratch, _ = r.Rewrite(patch.Edits{Model: "claude-haiku-4-5", MaxOutputTokens: 500}, segments[:0], scratch[:0])
		}
	})
	for name, to := range map[string]chat.Codec{"decode-encode": anthropic.New(), "translate to Responses": responses.New()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := patch.ScanMessages(body, &r); err != nil {
					b.Fatal(err)
				}
				neutral, err := anthropic.New().DecodeRequest(body)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := to.EncodeRequest(neutral, chat.Upstream{Model: "m", MaxOutputTokens: 500}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A stream in the middle of a long answer holds no more than its last event must
// repeat, and less than 40 KB.
func TestAStreamHoldsLittle(t *testing.T) {
	const streams, words, limit = 50, 300, 40 << 10
	for _, from := range codecs {
		for _, to := range codecs {
			stream := sample(from.name)
			at := strings.Index(stream, "Héllo")
			begin := strings.LastIndex(stream[:at], "\n\n") + 1
			end := at + strings.Index(stream[at:], "\n\n") + 2
			held := make([]*translate.Stream, streams)
			out := make([]byte, 0, 64<<10)
			before := heap()
			for i := range held {
				held[i] = translate.New(from.codec.NewStreamDecoder(), to.codec.NewStreamEncoder(asked))
				out = held[i].Feed([]byte(stream[:begin]), out[:0])
				for range words {
					out = held[i].Feed([]byte(stream[begin:end]), out[:0])
				}
			}
			each := (heap() - before) / streams
			t.Logf("%s to %s: %d bytes", from.name, to.name, each)
			if each > limit {
				t.Errorf("%s to %s: a stream holds %d bytes", from.name, to.name, each)
			}
			runtime.KeepAlive(held)
		}
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
