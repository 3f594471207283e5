package patch

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tiershift/tiershift/internal/pricing"
)

func completion(usage string) string {
	return `{"id":"c","object":"chat.completion","model":"gpt-x","choices":[{"index":0,"message":{"role":"assistant","content":"Hi\n"},"finish_reason":"stop"}],"usage":` + usage + `}`
}

func TestUsageOfProviders(t *testing.T) {
	for _, c := range []struct {
		name, usage string
		want        pricing.Usage
		missing     bool
	}{
		{
			name: "OpenAI", usage: `{"prompt_tokens":2006,"completion_tokens":300,"total_tokens":2306,"prompt_tokens_details":{"cached_tokens":1920,"audio_tokens":0,"cache_write_tokens":64},"completion_tokens_details":{"reasoning_tokens":256,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`,
			want: pricing.Usage{InputTokens: 2006, CachedInputTokens: 1920, CacheWriteTokens: 64, OutputTokens: 300, ReasoningTokens: 256},
		},
		{
			name: "DeepSeek", usage: `{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120,"prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":36,"completion_tokens_details":{"reasoning_tokens":15}}`,
			want: pricing.Usage{InputTokens: 100, CachedInputTokens: 64, OutputTokens: 20, ReasoningTokens: 15},
		},
		{
			name: "DeepSeek without the sum", usage: `{"completion_tokens":20,"prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":36}`,
			want: pricing.Usage{InputTokens: 100, CachedInputTokens: 64, OutputTokens: 20},
		},
		// The figures of https://github.com/vercel/ai/pull/12425.
		{
			name: "xAI", usage: `{"prompt_tokens":12,"completion_tokens":1,"total_tokens":399,"completion_tokens_details":{"reasoning_tokens":386}}`,
			want: pricing.Usage{InputTokens: 12, OutputTokens: 387, ReasoningTokens: 386},
		},
		{
			name: "xAI without a total", usage: `{"prompt_tokens":12,"completion_tokens":1,"completion_tokens_details":{"reasoning_tokens":386}}`,
			want: pricing.Usage{InputTokens: 12, OutputTokens: 387, ReasoningTokens: 386},
		},
		{
			name: "xAI behind a gateway that adds up", usage: `{"prompt_tokens":686,"completion_tokens":123,"total_tokens":809,"completion_tokens_details":{"reasoning_tokens":112}}`,
			want: pricing.Usage{InputTokens: 686, OutputTokens: 123, ReasoningTokens: 112},
		},
		{
			name: "Gemini", usage: `{"prompt_tokens":20,"completion_tokens":198,"total_tokens":623}`,
			want: pricing.Usage{InputTokens: 20, OutputTokens: 603, ReasoningTokens: 405},
		},
		{
			name: "Mistral", usage: `{"prompt_tokens":1013,"total_tokens":1043,"completion_tokens":30,"prompt_tokens_details":{"cached_tokens":1008}}`,
			want: pricing.Usage{InputTokens: 1013, CachedInputTokens: 1008, OutputTokens: 30},
		},
		{
			name: "Moonshot", usage: `{"prompt_tokens":1336,"completion_tokens":31,"total_tokens":1367,"cached_tokens":1280}`,
			want: pricing.Usage{InputTokens: 1336, CachedInputTokens: 1280, OutputTokens: 31},
		},
		{
			name: "OpenRouter", usage: `{"prompt_tokens":194,"completion_tokens":2,"total_tokens":196,"cost":0.95,"cost_details":{"upstream_inference_cost":19},"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":null}`,
			want: pricing.Usage{InputTokens: 194, OutputTokens: 2},
		},
		{
			name: "only a prompt", usage: `{"prompt_tokens":5,"completion_tokens":null,"total_tokens":5,"prompt_tokens_details":null}`,
			want: pricing.Usage{InputTokens: 5},
		},
		{
			name: "nonsense", usage: `{"prompt_tokens":-5,"completion_tokens":1e300,"total_tokens":"7","prompt_tokens_details":[],"completion_tokens_details":"x","reasoning_tokens":3}`,
			want: pricing.Usage{OutputTokens: maxTokens, ReasoningTokens: 3},
		},
		{name: "null", usage: `null`, missing: true},
		{name: "empty", usage: `{}`, missing: true},
		{name: "a total alone", usage: `{"total_tokens":5}`, missing: true},
		{name: "an array", usage: `[1]`, missing: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ScanResponse([]byte(completion(c.usage)))
			if err != nil {
				t.Fatal(err)
			}
			if got.HasUsage == c.missing || got.Usage != c.want {
				t.Errorf("got %v %+v, want %+v", got.HasUsage, got.Usage, c.want)
			}
		})
	}
}

func TestScanResponseReadsTheAnswer(t *testing.T) {
	for _, c := range []struct {
		name, choices string
		finish        string
		output        int64
		n             int
	}{
		{"text", `[{"message":{"content":"a\né"},"finish_reason":"stop"}]`, "stop", 4, 1},
		{"two choices", `[{"message":{"content":"ab"},"finish_reason":null},{"message":{"content":"c"},"finish_reason":"length"}]`, "length", 3, 2},
		{"tools", `[{"message":{"content":null,"tool_calls":[{"id":"x","function":{"name":"f","arguments":"{}"}},{"custom":{"name":"g","input":"xyz"}},1]},"finish_reason":"tool_calls"}]`, "tool_calls", 7, 1},
		{"a legacy function", `[{"message":{"function_call":{"name":"f","arguments":"{\"a\":1}","x":1}},"finish_reason":"function_call"}]`, "function_call", 8, 1},
		{"a refusal", `[{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}]`, "stop", 2, 1},
		{"reasoning of DeepSeek", `[{"message":{"content":"a","reasoning_content":"bcd"},"finish_reason":"stop"}]`, "stop", 4, 1},
		{"reasoning of vLLM, twice", `[{"message":{"content":"a","reasoning":"bcd","reasoning_content":"bcd"},"finish_reason":"stop"}]`, "stop", 4, 1},
		{"reasoning of Mistral", `[{"message":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"abc"}]},{"type":"text","text":"d"},"e"]},"finish_reason":"stop"}]`, "stop", 5, 1},
		{"nothing understood", `[1,{"message":null,"finish_reason":7},{"message":{"tool_calls":null,"function_call":null}}]`, "", 0, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := `{"model":"m-1","choices":` + c.choices + `,"error":null}`
			got, err := ScanResponse([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			if string(got.FinishReason) != c.finish || got.OutputBytes != c.output || got.Choices != c.n || string(got.Model) != "m-1" || got.HasUsage {
				t.Errorf("got %q %d %d %q %v", got.FinishReason, got.OutputBytes, got.Choices, got.Model, got.HasUsage)
			}
		})
	}
}

func TestScanResponseRefusesGarbage(t *testing.T) {
	whole := completion(`{"prompt_tokens":1,"completion_tokens":2}`)
	for _, c := range []struct {
		name, body string
		fault      ResponseFault
		text       string
	}{
		{"nothing", "", FaultTruncated, "JSON that ends too early, at byte 0"},
		{"a page", "<html>SECRET</html>", FaultNotJSON, "no JSON: unexpected character at byte 0"},
		{"a cut body", whole[:len(whole)-1], FaultTruncated, "JSON that ends too early, at byte 197"},
		{"two bodies", whole + whole, FaultNotJSON, "no JSON: data after the end at byte 198"},
		{"a string", `"SECRET"`, FaultNoChoices, "JSON without choices"},
		{"an object", `{"SECRET":1}`, FaultNoChoices, "JSON without choices"},
		{"choices of null", `{"choices":null}`, FaultNoChoices, "JSON without choices"},
		{"no choices", `{"choices":[]}`, FaultNoChoices, "JSON without choices"},
		{"an error", `{"error":{"message":"overloaded","code":503}}`, FaultError, "an error: overloaded"},
		{"an error of text", `{"error":"overloaded","choices":[]}`, FaultError, "an error: overloaded"},
		{"an answer that failed", `{"choices":[{"message":{"content":"par"},"finish_reason":"error","error":{"message":"SECRET"}}]}`, FaultError, "an error without a message"},
		{"an error without words", `{"error":{"x":1}}`, FaultError, "an error without a message"},
		{"five usages", `{"usage":1,"usage":1,"usage":1,"usage":1,"usage":1}`, FaultNotJSON, "no JSON: unexpected character at byte 41"},
		{"a deep answer", `{"choices":` + strings.Repeat(`[`, 600), FaultNotJSON, "no JSON: nested too deeply at byte 522"},
		{"a deep thought", `{"choices":[{"message":{"content":` + strings.Repeat(`[{"thinking":`, 300), FaultNotJSON, "no JSON: nested too deeply at byte 3336"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ScanResponse([]byte(c.body))
			var bad *ResponseError
			if !errors.As(err, &bad) || bad.Fault != c.fault || bad.Error() != c.text {
				t.Errorf("ScanResponse = %v, want %s", err, c.text)
			}
		})
	}
}

func TestUsageOfAnAnswerAtFaultIsKept(t *testing.T) {
	c, err := ScanResponse([]byte(`{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":0}}`))
	if err == nil || !c.HasUsage || c.Usage.InputTokens != 3 {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestScanResponseDoesNotAllocate(t *testing.T) {
	for _, c := range responseCorpus() {
		if n := testing.AllocsPerRun(20, func() {
			if _, err := ScanResponse(c.body); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

func TestSyntaxIsThatOfEncodingJSON(t *testing.T) {
	for seed := range int64(3000) {
		g := generator{rand.New(rand.NewSource(seed))}
		data := []byte(g.value(6))
		for range g.Intn(3) {
			data[g.Intn(len(data))] = `{}[]",:0e-.\u tfn`[g.Intn(17)]
		}
		d := reader{b: data, i: skipSpace(data, 0)}
		d.skip()
		d.end()
		tree, valid := parse(data)
		if want := valid && tree.depth() <= maxDepth; want == d.failed() {
			t.Fatalf("seed %d: %s: valid = %v, but the reader stands at %d", seed, data, valid, d.i)
		}
	}
}

func FuzzScanResponse(f *testing.F) {
	f.Add([]byte(completion(`{"prompt_tokens":1,"completion_tokens":2,"total_tokens":30,"prompt_tokens_details":{"cached_tokens":1}}`)))
	f.Add([]byte(`{"choices":[{"message":{"content":[{"text":"a"},{"thinking":["x"]}],"tool_calls":[{"function":{"arguments":"{}"}}]},"usage":{"prompt_tokens":1}}]}`))
	f.Add([]byte(`{"error":{"message":"x","type":[],"code":4},"detail":[{"loc":["a",1]}]}`))
	f.Add(responseCorpus()[0].body)
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := ScanResponse(body)
		_, _ = ScanError(body), IsContextExceeded(400, body)
		tree, valid := parse(body)
		choices := tree.one("choices")
		if err == nil && (!valid || choices.kind != '[') {
			t.Fatalf("accepted %q", body)
		}
		if err != nil {
			_ = err.Error()
			answers := choices.kind == '[' && len(choices.values) > 0 && len(tree.get("choices")) == 1
			if valid && tree.depth() <= maxDepth && answers && !bytes.Contains(body, []byte("error")) && len(tree.get("usage")) < 5 {
				t.Fatalf("refused %q: %v", body, err)
			}
			return
		}
		if c.Usage != c.Usage.Clamped() && c.Usage.OutputTokens < 0 {
			t.Fatalf("usage %+v", c.Usage)
		}
		if c.OutputBytes < 0 || c.OutputBytes > int64(len(body)) {
			t.Fatalf("%d bytes of output in %d", c.OutputBytes, len(body))
		}
	})
}

func TestAppendString(t *testing.T) {
	for _, s := range []string{"", "a\"b\\c\n\t\r\x00\x1f\x7f", "é漢😀\u2028", "\xff\xc3"} {
		var got string
		if err := json.Unmarshal(appendString(nil, s), &got); err != nil {
			t.Errorf("%q: %v", s, err)
		}
		if want := strings.ToValidUTF8(s, "\uFFFD"); got != want && utf8.ValidString(s) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
