package simulator_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/simulator"
)

func TestDialectsDeviateAsDocumented(t *testing.T) {
	const usage = `"usage":{"prompt_tokens":`
	for dialect, tc := range map[simulator.Dialect]struct {
		errors   map[string]string // fault header, or "key" or "model", to the answer's status and body
		document []string          // forms that the document has
		absent   []string          // texts that neither document nor stream have
		last     string            // form of the last chunk, with usage asked for
		unasked  bool              // usage is stated unasked
	}{
		simulator.DeepSeek: {
			errors: map[string]string{
				"key":        `401 {"error":{"message":"Authentication Fails, Your api key: ****0000 is invalid","type":"authentication_error","param":null,"code":"invalid_request_error"}}`,
				"model":      `400 {"error":{"message":"Model Not Exist","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`,
				"status=503": `503 {"error":{"message":"The engine is currently overloaded, please try again later","type":"server_error","param":null,"code":null}}`,
			},
			document: []string{`^\{"id":"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}"`, `"prompt_cache_hit_tokens":0,"prompt_cache_miss_tokens":\d+\}`, `"message":\{"role":"assistant","content":"[^"]+"\},"logprobs":null`},
			absent:   []string{"service_tier", "refusal", "annotations", "obfuscation"},
			last:     `"delta":\{\},"logprobs":null,"finish_reason":"stop"\}\],"usage":\{"prompt_tokens":`,
		},
		simulator.Mistral: {
			errors: map[string]string{
				"key":        `401 {"detail":"Unauthorized"}`,
				"model":      `400 {"object":"error","message":"Invalid model: nope","type":"invalid_model","param":null,"code":"1500"}`,
				"status=429": `429 {"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}`,
				"status=500": `500 {"object":"error","message":"The server had an error while processing your request. Sorry about that!","type":"server_error","param":null,"code":null}`,
			},
			document: []string{`^\{"id":"[0-9a-f]{32}"`, `"prompt_tokens_details":\{"cached_tokens":0\}\}\}$`},
			absent:   []string{"service_tier", "refusal", "system_fingerprint", "logprobs", "obfuscation", `"usage":null`},
			last:     `"delta":\{\},"finish_reason":"stop"\}\],"usage":\{"prompt_tokens":`,
			unasked:  true,
		},
		simulator.XAI: {
			errors: map[string]string{
				"key":        `400 {"code":"Client specified an invalid argument","error":"Incorrect API key provided: ****. You can find your API key at https://platform.openai.com/account/api-keys."}`,
				"model":      "404 {\"code\":\"Some requested entity was not found\",\"error\":\"The model `nope` does not exist or you do not have access to it.\"}",
				"status=503": `503 {"code":"The service is currently unavailable","error":"The engine is currently overloaded, please try again later"}`,
				"status=500": `500 {"code":"Internal error","error":"The server had an error while processing your request. Sorry about that!"}`,
				"cut=x":      `400 {"code":"Client specified an invalid argument","error":"x-simulator-fault: cut=x is not a number of events"}`,
			},
			document: []string{`"service_tier":"default"`},
			last:     `"choices":\[\],"usage":\{"prompt_tokens":`,
		},
	} {
		t.Run(string(dialect), func(t *testing.T) {
			_, url := start(t, simulator.Config{Dialect: dialect, APIKeys: []string{"k"}, AllowFaultHeader: true})
			url += "/chat/completions"
			for cause, want := range tc.errors {
				body, key, fault := document, "k", cause
				switch cause {
				case "key":
					key, fault = "none", ""
				case "model":
					body, fault = strings.Replace(document, "large", "nope", 1), ""
				}
				res := send(t, url, body, "api-key", key, simulator.FaultHeader, fault)
				if got := res.Status[:3] + " " + text(t, res); got != want {
					t.Errorf("%s: %s", cause, got)
				}
			}
			doc := text(t, send(t, url, document, "api-key", "k"))
			for _, form := range tc.document {
				if !regexp.MustCompile(form).MatchString(doc) {
					t.Errorf("no %s in %s", form, doc)
				}
			}
			stream := text(t, send(t, url, streamed, "api-key", "k"))
			for _, absent := range tc.absent {
				if strings.Contains(doc+stream, absent) {
					t.Errorf("%s in %s%s", absent, doc, stream)
				}
			}
			got := events(stream)
			if last := got[len(got)-2]; !regexp.MustCompile(tc.last).MatchString(last) || got[len(got)-1] != "[DONE]" {
				t.Errorf("the last chunk: %s", last)
			}
			unasked := text(t, send(t, url, strings.Replace(streamed, `"stream_options":{"include_usage":true},`, "", 1), "api-key", "k"))
			if strings.Contains(unasked, usage) != tc.unasked {
				t.Errorf("usage unasked: %s", unasked)
			}
		})
	}
}

func TestMistralHasItsOwnHeaders(t *testing.T) {
	_, url := start(t, simulator.Config{Dialect: simulator.Mistral})
	h := send(t, url+"/chat/completions", document).Header
	if len(h.Get("mistral-correlation-id")) != 32 || h.Get("x-request-id") != "" || h.Get("x-ratelimit-limit-requests") != "" {
		t.Errorf("headers: %v", h)
	}
}

func TestCacheWritesAreReportedByModelsThatDo(t *testing.T) {
	p, url := start(t, simulator.Config{Models: []simulator.Model{{Name: "large", Capability: 1, CacheWrites: true}}})
	body := strings.Replace(document, "Describe a café.", strings.Repeat("berth ", 1100)+"Describe a café.", 1)
	for i, want := range []string{`"cached_tokens": 0,\s+"audio_tokens": 0,\s+"cache_write_tokens": 1024`, `"cached_tokens": 1024,\s+"audio_tokens": 0,\s+"cache_write_tokens": 0`} {
		if got := text(t, send(t, url+"/chat/completions", body)); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("request %d: %s", i, got)
		}
	}
	if p.Stats().Models["large"].CachedTokens != 1024 {
		t.Errorf("stats: %+v", p.Stats().Models)
	}
}
