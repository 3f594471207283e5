package simulator_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tiershift/tiershift/internal/simulator"
)

// noon is a clock that stands still.
var noon = simulator.Clock{Now: func() time.Time { return time.Unix(1767268800, 0) }}

func TestTheDocumentIsWrittenAsOpenAIWritesIt(t *testing.T) {
	_, url := start(t, simulator.Config{Clock: noon, AllowFaultHeader: true})
	body := `{"model":"large","max_tokens":3,"messages":[{"role":"user","content":"Say this is a test"}],"metadata":{"difficulty":"0"}}`
	res := send(t, url+"/chat/completions", body)
	want := `{
  "id": "chatcmpl-#",
  "object": "chat.completion",
  "created": 1767268800,
  "model": "large-2026-01-15",
  "choices": [
    {
      "index": 0,
      "message": {
        "role": "assistant",
        "content": "#",
        "refusal": null,
        "annotations": []
      },
      "logprobs": null,
      "finish_reason": "length"
    }
  ],
  "usage": {
    "prompt_tokens": 12,
    "completion_tokens": 3,
    "total_tokens": 15,
    "prompt_tokens_details": {
      "cached_tokens": 0,
      "audio_tokens": 0
    },
    "completion_tokens_details": {
      "reasoning_tokens": 0,
      "audio_tokens": 0,
      "accepted_prediction_tokens": 0,
      "rejected_prediction_tokens": 0
    }
  },
  "service_tier": "default",
  "system_fingerprint": "fp_#"
}
`
	if got := masked(text(t, res)); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	for name, form := range map[string]string{
		"Content-Type": `^application/json$`, "x-request-id": `^req_[0-9a-f]{32}$`, "openai-version": `^2020-10-01$`,
		"openai-processing-ms": `^\d+$`, "x-ratelimit-limit-requests": `^10000$`, "x-ratelimit-remaining-requests": `^9999$`,
		"x-ratelimit-remaining-tokens": `^9999988$`, "x-ratelimit-reset-requests": `^6ms$`, "x-ratelimit-reset-tokens": `^0s$`,
		simulator.QualityHeader: `^0\.40$`, simulator.DifficultyHeader: `^0\.00$`,
	} {
		if got := res.Header.Get(name); !regexp.MustCompile(form).MatchString(got) {
			t.Errorf("header %s: %q", name, got)
		}
	}
}

// masked hides what differs from run to run: ids, fingerprints, texts, padding.
func masked(s string) string {
	s = regexp.MustCompile(`(chatcmpl-)\w{29}|(fp_)[0-9a-f]{10}|(call_)\w{24}`).ReplaceAllString(s, "$1$2$3#")
	s = regexp.MustCompile(`("content": ?)"(?:[^"\\]|\\.)+"`).ReplaceAllString(s, `$1"#"`)
	return regexp.MustCompile(`"obfuscation":"\w{1,16}"`).ReplaceAllString(s, `"obfuscation":"#"`)
}

const streamBody = `{"model":"large","stream":true,%s"max_tokens":2,"messages":[{"role":"user","content":"Say this is a test"}],"metadata":{"difficulty":"0"}}`

func TestTheStreamIsWrittenAsOpenAIWritesIt(t *testing.T) {
	_, url := start(t, simulator.Config{Clock: noon})
	const head = `data: {"id":"chatcmpl-#","object":"chat.completion.chunk","created":1767268800,"model":"large-2026-01-15",` +
		`"service_tier":"default","system_fingerprint":"fp_#","choices":[`
	const choice = head + `{"index":0,"delta":%s,"logprobs":null,"finish_reason":%s}]`
	const tokens = `{"prompt_tokens":12,"completion_tokens":2,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},` +
		`"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}`
	events := func(tail, last string) string {
		role := `{"role":"assistant","content":"","refusal":null}`
		out := fmt.Sprintf(choice, role, "null") + tail + fmt.Sprintf(choice, `{"content":"#"}`, "null") + tail +
			fmt.Sprintf(choice, `{"content":"#"}`, "null") + tail + fmt.Sprintf(choice, `{}`, `"length"`) + tail
		return out + last + "data: [DONE]\n\n"
	}
	for name, tc := range map[string]struct{ options, want string }{
		"without usage":       {``, events(`,"obfuscation":"#"}`+"\n\n", "")},
		"with usage":          {`"stream_options":{"include_usage":true},`, events(`,"usage":null,"obfuscation":"#"}`+"\n\n", head+`],"usage":`+tokens+`,"obfuscation":"#"}`+"\n\n")},
		"without obfuscation": {`"stream_options":{"include_obfuscation":false},`, events("}\n\n", "")},
	} {
		t.Run(name, func(t *testing.T) {
			res := send(t, url+"/chat/completions", fmt.Sprintf(streamBody, tc.options))
			if got := masked(text(t, res)); got != tc.want {
				t.Errorf("got %s\nwant %s", got, tc.want)
			}
			if got := res.Header.Get("Content-Type"); got != "text/event-stream; charset=utf-8" {
				t.Errorf("content type: %s", got)
			}
		})
	}
}

func TestASingleToolCallBeginsInTheFirstChunk(t *testing.T) {
	_, url := start(t, simulator.Config{})
	body := `{"model":"large","stream":true,"messages":[{"role":"user","content":"Ring the bell."}],"metadata":{"difficulty":"0"},` +
		`"tools":[{"type":"function","function":{"name":"ring_bell","parameters":{"type":"object","properties":{"times":{"const":3}},"required":["times"]}}}],` +
		`"tool_choice":"required"}`
	stream := masked(text(t, send(t, url+"/chat/completions", body)))
	first, rest, _ := strings.Cut(stream, "\n\n")
	if !strings.Contains(first, `"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_#","type":"function",`+
		`"function":{"name":"ring_bell","arguments":""}}],"refusal":null}`) {
		t.Errorf("first chunk: %s", first)
	}
	var arguments strings.Builder
	for _, m := range regexp.MustCompile(`"delta":\{"tool_calls":\[\{"index":0,"function":\{"arguments":("(?:[^"\\]|\\.)*")\}\}\]\}`).FindAllStringSubmatch(rest, -1) {
		var part string
		if err := json.Unmarshal([]byte(m[1]), &part); err != nil {
			t.Fatal(err)
		}
		arguments.WriteString(part)
	}
	if arguments.String() != `{"times":3}` {
		t.Errorf("arguments: %s", arguments.String())
	}
}

func TestSeveralChoicesAlternateAndAreAllCharged(t *testing.T) {
	p, url := start(t, simulator.Config{})
	body := `{"model":"large","n":3,%s"messages":[{"role":"user","content":"Name a lighthouse in two sentences."}],"metadata":{"difficulty":0}}`
	var doc struct {
		Choices []struct {
			Index   int
			Message struct{ Content string }
		}
		Usage struct {
			CompletionTokens int64 `json:"completion_tokens"`
		}
	}
	if err := json.NewDecoder(send(t, url+"/chat/completions", fmt.Sprintf(body, "")).Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Choices) != 3 || doc.Choices[2].Index != 2 || doc.Choices[0].Message.Content == doc.Choices[1].Message.Content {
		t.Errorf("choices: %+v", doc.Choices)
	}
	if got := p.Stats().Models["large"].CompletionTokens; got != doc.Usage.CompletionTokens {
		t.Errorf("charged %d, stated %d", got, doc.Usage.CompletionTokens)
	}
	stream := text(t, send(t, url+"/chat/completions", fmt.Sprintf(body, `"stream":true,`)))
	order := regexp.MustCompile(`"choices":\[\{"index":(\d)`).FindAllStringSubmatch(stream, 7)
	var indices strings.Builder
	for _, m := range order {
		indices.WriteString(m[1])
	}
	if indices.String() != "0120120" || strings.Count(stream, `"finish_reason":"stop"`) != 3 {
		t.Errorf("order %s in %s", indices.String(), stream)
	}
}

func TestLogprobsAreStatedForEachToken(t *testing.T) {
	_, url := start(t, simulator.Config{})
	body := `{"model":"large","logprobs":true,"top_logprobs":2,"max_tokens":4,%s"messages":[{"role":"user","content":"Say é"}]}`
	var doc struct {
		Choices []struct {
			Message  struct{ Content string }
			Logprobs struct {
				Content []struct {
					Token       string
					Logprob     float64
					Bytes       []int
					TopLogprobs []struct{ Token string } `json:"top_logprobs"`
				}
				Refusal *string
			}
		}
	}
	if err := json.NewDecoder(send(t, url+"/chat/completions", fmt.Sprintf(body, "")).Body).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, l := range doc.Choices[0].Logprobs.Content {
		all += l.Token
		if l.Logprob > 0 || len(l.Bytes) != len(l.Token) || len(l.TopLogprobs) != 2 || l.TopLogprobs[0].Token != l.Token {
			t.Errorf("logprob: %+v", l)
		}
	}
	if all != doc.Choices[0].Message.Content || all == "" {
		t.Errorf("tokens %q, content %q", all, doc.Choices[0].Message.Content)
	}
	stream := text(t, send(t, url+"/chat/completions", fmt.Sprintf(body, `"stream":true,`)))
	if strings.Count(stream, `"logprobs":{"content":[{"token":`) != 4 || !strings.Contains(stream, `"logprobs":{"content":[],"refusal":null}`) {
		t.Errorf("stream: %s", stream)
	}
}

func TestReasoningCostsTokensAndCanEatTheWholeAnswer(t *testing.T) {
	p, url := start(t, simulator.Config{})
	body := `{"model":"%s",%s"messages":[{"role":"user","content":"Prove that the square root of two is irrational."}],"metadata":{"difficulty":"0.5"}}`
	usageOf := func(model, options string) (completion, reasoning int, finish string) {
		var doc struct {
			Choices []struct {
				FinishReason string `json:"finish_reason"`
			}
			Usage struct {
				CompletionTokens int `json:"completion_tokens"`
				Details          struct {
					ReasoningTokens int `json:"reasoning_tokens"`
				} `json:"completion_tokens_details"`
			}
		}
		if err := json.NewDecoder(send(t, url+"/chat/completions", fmt.Sprintf(body, model, options)).Body).Decode(&doc); err != nil {
			t.Fatal(err)
		}
		return doc.Usage.CompletionTokens, doc.Usage.Details.ReasoningTokens, doc.Choices[0].FinishReason
	}
	for _, tc := range []struct {
		model, options string
		reasoning      int
	}{
		{"thinker", "", 256},
		{"thinker", `"reasoning_effort":"high",`, 768},
		{"thinker", `"reasoning_effort":"none",`, 0},
		{"large", "", 0},
		{"large", `"reasoning_effort":"low",`, 64},
	} {
		if completion, reasoning, _ := usageOf(tc.model, tc.options); reasoning != tc.reasoning || completion <= reasoning {
			t.Errorf("%s %s: %d of %d tokens", tc.model, tc.options, reasoning, completion)
		}
	}
	if completion, reasoning, finish := usageOf("thinker", `"max_completion_tokens":100,`); completion != 100 || reasoning != 100 || finish != "length" {
		t.Errorf("%d of %d tokens, finish reason %s", reasoning, completion, finish)
	}
	if p.Stats().Models["thinker"].ReasoningTokens != 256+768+100 {
		t.Errorf("stats: %+v", p.Stats().Models)
	}
}

func TestServiceTierIsAnswered(t *testing.T) {
	_, url := start(t, simulator.Config{})
	for asked, want := range map[string]string{"auto": "default", "flex": "flex", "fast": "priority", "priority": "priority"} {
		body := fmt.Sprintf(`{"model":"large","service_tier":%q,"messages":[{"role":"user","content":"Hi"}]}`, asked)
		if got := text(t, send(t, url+"/chat/completions", body)); !strings.Contains(got, fmt.Sprintf(`"service_tier": %q`, want)) {
			t.Errorf("%s: %s", asked, got)
		}
	}
}

func TestStopEndsTheAnswerBeforeTheSequence(t *testing.T) {
	_, url := start(t, simulator.Config{})
	for _, stop := range []string{`"("`, `["never said","("]`} {
		body := `{"model":"large","stop":` + stop + `,"messages":[{"role":"user","content":"Describe a rope in two sentences."}],"metadata":{"difficulty":"0"}}`
		got := text(t, send(t, url+"/chat/completions", body))
		if strings.Contains(got, "(ref") || !strings.Contains(got, `"finish_reason": "stop"`) {
			t.Errorf("stop %s: %s", stop, got)
		}
	}
}

func TestAnyPrefixIsServed(t *testing.T) {
	_, url := start(t, simulator.Config{APIKeys: []string{"secret"}})
	base := strings.TrimSuffix(url, "/v1")
	body := `{"model":"large","messages":[{"role":"user","content":"Hi"}]}`
	for path, header := range map[string][2]string{
		"/chat/completions":                 {"Authorization", "Bearer secret"},
		"/v1beta/openai/chat/completions":   {"authorization", "bearer secret"},
		"/openai/v1/chat/completions":       {"api-key", "secret"},
		"/api/team/red/v1/chat/completions": {"x-api-key", "secret"},
	} {
		if res := send(t, base+path, body, header[0], header[1]); res.StatusCode != 200 {
			t.Errorf("%s: %s", path, text(t, res))
		}
	}
	azure := `{"messages":[{"role":"user","content":"Hi"}]}`
	if res := send(t, base+"/openai/deployments/large/chat/completions?api-version=2024-10-21", azure, "api-key", "secret"); res.StatusCode != 200 {
		t.Errorf("deployment: %s", text(t, res))
	}
}
