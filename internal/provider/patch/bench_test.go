package patch

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const filler = `The quick brown fox jumps over the lazy dog while "seven" wizards box for jade; `

// prose is n bytes of English with a line break every 80 characters.
func prose(n int) string {
	var s strings.Builder
	for s.Len() < n {
		s.WriteString(filler[:79])
		s.WriteByte('\n')
	}
	return s.String()[:n]
}

// han is n characters of Chinese.
func han(n int) string {
	return strings.Repeat("床前明月光，疑是地上霜。举头望明月", n/16+1)[:3*n]
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func tool(i int) string {
	return fmt.Sprintf(`{"type":"function","function":{"name":"lookup_%d","description":"Look something up in the table.","strict":true,`+
		`"parameters":{"type":"object","properties":{"id":{"type":"integer","minimum":1},"tags":{"type":"array","items":{"type":"string","enum":["a","b","c"]}},`+
		`"deep":{"type":"object","properties":{"x":{"type":"number","default":-1.5e3},"y":{"type":["string","null"]}}}},"required":["id"],"additionalProperties":false}}}`, i)
}

// mixedRequest has short values of all kinds; n tools make up most of it.
func mixedRequest(tools int) []byte {
	var list []string
	for i := range tools {
		list = append(list, tool(i))
	}
	return fmt.Appendf(nil, `{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are terse."},{"role":"user","content":[`+
		`{"type":"text","text":"What is in this picture?\nSay it in one line."},{"type":"image_url","image_url":{"url":"https://example.com/a.png","detail":"low"}}]},`+
		`{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"lookup_1","arguments":"{\"id\":7}"}}]},`+
		`{"role":"tool","tool_call_id":"call_1","content":"{\"name\":\"Ada\",\"age\":36}"}],"temperature":0.2,"top_p":1,"stream":true,`+
		`"stream_options":{"include_usage":false},"max_tokens":512,"metadata":{"team":"search","tenant":"t-17"},"user":"u-99","tools":[%s]}`, strings.Join(list, ","))
}

func textRequest(text string) []byte {
	return fmt.Appendf(nil, `{"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are terse."},{"role":"user","content":%s}],"temperature":0.2,"max_tokens":512}`, quoted(text))
}

func requestCorpus() []struct {
	name string
	body []byte
} {
	return []struct {
		name string
		body []byte
	}{
		{"mixed2K", mixedRequest(3)},
		{"mixed20K", mixedRequest(40)},
		{"text2K", textRequest(prose(1900))},
		{"text20K", textRequest(prose(20_000))},
		{"text200K", textRequest(prose(200_000))},
		{"han200K", textRequest(han(66_000))},
		{"escaped200K", textRequest(strings.Repeat("\"a\\b\"\n", 22_000))},
		{"indented20K", indented(mixedRequest(25))},
	}
}

func indented(body []byte) []byte {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		panic(err)
	}
	out, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err)
	}
	return out
}

func BenchmarkScan(b *testing.B) {
	for _, c := range requestCorpus() {
		b.Run(c.name, func(b *testing.B) {
			var r Request
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := Scan(c.body, &r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkJSONValid(b *testing.B) {
	for _, c := range requestCorpus() {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				if !json.Valid(c.body) {
					b.Fatal("invalid")
				}
			}
		})
	}
}

func BenchmarkJSONUnmarshal(b *testing.B) {
	for _, c := range requestCorpus() {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				var v struct {
					Model    string `json:"model"`
					Messages []struct {
						Role    string          `json:"role"`
						Content json.RawMessage `json:"content"`
					} `json:"messages"`
					Stream bool `json:"stream"`
				}
				if err := json.Unmarshal(c.body, &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRewrite(b *testing.B) {
	body := mixedRequest(3)
	var r Request
	if err := Scan(body, &r); err != nil {
		b.Fatal(err)
	}
	var segs [][]byte
	var scratch []byte
	b.ReportAllocs()
	for b.Loop() {
		segs, scratch, _ = r.Rewrite(Edits{Model: "deepseek-chat", IncludeUsage: true, MaxOutputTokens: 100, MaxTokensField: "max_tokens"}, segs[:0], scratch[:0])
	}
}

func BenchmarkUserText(b *testing.B) {
	for _, c := range requestCorpus() {
		b.Run(c.name, func(b *testing.B) {
			var r Request
			if err := Scan(c.body, &r); err != nil {
				b.Fatal(err)
			}
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst = r.AppendLastUserText(dst[:0], -1)
			}
			b.SetBytes(int64(len(dst)))
		})
	}
}

func responseCorpus() []struct {
	name string
	body []byte
} {
	answer := func(n int) []byte {
		return fmt.Appendf(nil, `{"id":"chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT","object":"chat.completion","created":1741569952,"model":"gpt-4.1-2025-04-14",`+
			`"choices":[{"index":0,"message":{"role":"assistant","content":%s,"refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],`+
			`"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},`+
			`"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default","system_fingerprint":null}`, quoted(prose(n)))
	}
	return []struct {
		name string
		body []byte
	}{{"2K", answer(1400)}, {"20K", answer(20_000)}, {"200K", answer(200_000)}}
}

func BenchmarkScanResponse(b *testing.B) {
	for _, c := range responseCorpus() {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ScanResponse(c.body); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/json.Valid", func(b *testing.B) {
			b.SetBytes(int64(len(c.body)))
			for b.Loop() {
				json.Valid(c.body)
			}
		})
		b.Run(c.name+"/json.Unmarshal", func(b *testing.B) {
			b.SetBytes(int64(len(c.body)))
			b.ReportAllocs()
			for b.Loop() {
				var v struct {
					Choices []json.RawMessage
					Usage   map[string]any
				}
				if err := json.Unmarshal(c.body, &v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

const sampleEvent = `data: {"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","object":"chat.completion.chunk","created":1741570283,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_50cad350e4","choices":[{"index":0,"delta":{"content":" wonderful"},"logprobs":null,"finish_reason":null}],"usage":null}` + "\n\n"

const shortEvent = `data: {"id":"cmpl-7f3a","object":"chat.completion.chunk","created":1741570283,"model":"deepseek-chat","choices":[{"index":0,"delta":{"content":" wonderful"},"finish_reason":null}]}` + "\n\n"

func BenchmarkFeed(b *testing.B) {
	whole := sampleEvent
	for _, c := range []struct {
		name, event string
		hide        bool
	}{{"openai", whole, false}, {"openaiHidden", whole, true}, {"short", shortEvent, true}} {
		b.Run(fmt.Sprintf("%s%d", c.name, len(c.event)), func(b *testing.B) {
			s := &Stream{}
			s.Reset(StreamOptions{HideUsage: c.hide})
			event := []byte(c.event)
			out := make([]byte, 0, 4096)
			b.SetBytes(int64(len(event)))
			b.ReportAllocs()
			for b.Loop() {
				out = s.Feed(event, out[:0])
			}
		})
	}
	b.Run("split", func(b *testing.B) {
		s := &Stream{}
		s.Reset(StreamOptions{HideUsage: true})
		event := []byte(whole)
		out := make([]byte, 0, 4096)
		b.SetBytes(int64(len(event)))
		b.ReportAllocs()
		for b.Loop() {
			out = s.Feed(event[:100], out[:0])
			out = s.Feed(event[100:], out)
		}
	})
	b.Run("json.Unmarshal", func(b *testing.B) {
		event := []byte(whole[len("data: "):])
		b.SetBytes(int64(len(event)))
		b.ReportAllocs()
		for b.Loop() {
			var v struct {
				Choices []struct {
					Delta struct{ Content string }
				}
				Usage *struct{}
			}
			if err := json.Unmarshal(event, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("json.Valid", func(b *testing.B) {
		event := []byte(whole[len("data: "):])
		b.SetBytes(int64(len(event)))
		for b.Loop() {
			json.Valid(event)
		}
	})
}
