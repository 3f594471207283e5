package gemini_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/gemini"
)

func TestWhatIsNoAnswerIsRefused(t *testing.T) {
	for _, body := range []string{``, `{`, `[]`, `{}`, `"x"`, `<html>`, `{"error":{"code":500}}`, `{"candidates":[],"error":{"code":500}}`, `{"choices":[]}`} {
		if r, err := gemini.New().DecodeResponse([]byte(body)); err == nil {
			t.Errorf("%s: %+v", body, r)
		}
	}
}

func TestUsageIsWhatGoogleBills(t *testing.T) {
	for name, tc := range map[string]struct {
		metadata string
		want     pricing.Usage
		missing  bool
	}{
		"all counts": {
			metadata: `{"promptTokenCount":100,"cachedContentTokenCount":60,"candidatesTokenCount":20,"thoughtsTokenCount":30,"toolUsePromptTokenCount":5,"totalTokenCount":155}`,
			want:     pricing.Usage{InputTokens: 105, CachedInputTokens: 60, OutputTokens: 50, ReasoningTokens: 30},
		},
		"only thoughts":   {metadata: `{"promptTokenCount":9,"thoughtsTokenCount":30,"totalTokenCount":39}`, want: pricing.Usage{InputTokens: 9, OutputTokens: 30, ReasoningTokens: 30}},
		"quoted counts":   {metadata: `{"promptTokenCount":"9","candidatesTokenCount":"2"}`, want: pricing.Usage{InputTokens: 9, OutputTokens: 2}},
		"nonsense":        {metadata: `{"promptTokenCount":-9,"candidatesTokenCount":1e300}`, want: pricing.Usage{}},
		"snake case":      {metadata: `{"prompt_token_count":9}`, want: pricing.Usage{InputTokens: 9}},
		"a total alone":   {metadata: `{"totalTokenCount":9}`, missing: true},
		"nothing":         {metadata: `{}`, missing: true},
		"no object":       {metadata: `7`, missing: true},
		"a count of text": {metadata: `{"promptTokenCount":"many"}`, want: pricing.Usage{}},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := gemini.New().DecodeResponse([]byte(`{"candidates":[],"usageMetadata":` + tc.metadata + `}`))
			if err != nil || r.Usage != tc.want || r.HasUsage == tc.missing {
				t.Errorf("%+v %v", r, err)
			}
		})
	}
}

func TestFinishReasons(t *testing.T) {
	for reason, want := range map[string]chat.Finish{
		"STOP": chat.FinishStop, "MAX_TOKENS": chat.FinishLength, "SAFETY": chat.FinishContentFilter, "RECITATION": chat.FinishContentFilter,
		"SPII": chat.FinishContentFilter, "MALFORMED_FUNCTION_CALL": chat.FinishMalformedCall, "CONTINUATION": chat.FinishPause,
		"OTHER": chat.FinishUnknown, "BRAND_NEW": chat.FinishUnknown,
	} {
		r, err := gemini.New().DecodeResponse([]byte(`{"candidates":[{"finishReason":"` + reason + `"}]}`))
		if err != nil || r.Choices[0].Finish != want {
			t.Errorf("%s: %+v %v", reason, r, err)
		}
	}
	for finish, want := range map[chat.Finish]string{
		chat.FinishStop: "STOP", chat.FinishStopSequence: "STOP", chat.FinishToolCalls: "STOP", chat.FinishLength: "MAX_TOKENS",
		chat.FinishContextWindow: "MAX_TOKENS", chat.FinishContentFilter: "SAFETY", chat.FinishRefusal: "SAFETY",
		chat.FinishMalformedCall: "MALFORMED_FUNCTION_CALL", chat.FinishPause: "OTHER", chat.FinishUnknown: "OTHER",
	} {
		got := string(gemini.New().EncodeResponse(&chat.Response{Choices: []chat.Choice{{Finish: finish}}}))
		if !strings.Contains(got, `"finishReason":"`+want+`"`) {
			t.Errorf("%d: %s", finish, got)
		}
	}
}

func TestAnswersOfOtherWires(t *testing.T) {
	for name, tc := range map[string]struct {
		parts []chat.Part
		more  func(*chat.Choice)
		want  string
	}{
		"thoughts, with another provider's signature": {
			parts: []chat.Part{{Kind: chat.KindThinking, Text: "Hm", Signature: "EqQB"}, {Kind: chat.KindRedactedThinking, Data: "x"}, textPart("Hi")},
			want:  `[{"text":"Hm","thought":true,"thoughtSignature":"tssignedRXFRQg=="},{"text":"Hi"}]`,
		},
		"a signature that Google's SDK could not read is wrapped": {parts: []chat.Part{{Kind: chat.KindThinking, Text: "Hm", Signature: "a:b"}}, want: `[{"text":"Hm","thought":true,"thoughtSignature":"tssignedYTpi"}]`},
		"a refusal":                  {parts: []chat.Part{{Kind: chat.KindRefusal, Text: "No."}}, want: `[{"text":"No."}]`},
		"a call":                     {parts: []chat.Part{call("call_abc", "f", ` {"a":1} `)}, want: `[{"functionCall":{"id":"call_abc","name":"f","args":{"a":1}},"thoughtSignature":"tssigned"}]`},
		"a call that cannot be read": {parts: []chat.Part{call("a", "f", `{"a":`)}, want: `{"content":{"parts":[],"role":"model"},"finishReason":"MALFORMED_FUNCTION_CALL"`},
		"media":                      {parts: []chat.Part{part(chat.KindImage, chat.Media{URL: "https://e.org/a"}), {Kind: chat.KindImage}}, want: `[{"fileData":{"fileUri":"https://e.org/a"}}]`},
		"another wire's own part":    {parts: []chat.Part{{Kind: chat.KindNative, Native: &chat.Native{Wire: "anthropic", Value: []byte(`{"type":"x"}`)}}}, want: `"parts":[]`},
		"sources of Anthropic":       {parts: []chat.Part{{Kind: chat.KindText, Text: "a", Citations: []byte(`[{"type":"web_search_result_location","url":"https://e.org","title":"E","cited_text":"x"}]`)}}, want: `"citationMetadata":{"citationSources":[{"uri":"https://e.org","title":"E"}]}`},
		"sources of OpenAI":          {parts: []chat.Part{{Kind: chat.KindText, Text: "a", Citations: []byte(`[{"type":"url_citation","url_citation":{"url":"https://e.org","start_index":1,"end_index":2}}]`)}}, want: `"citationSources":[{"uri":"https://e.org","startIndex":1,"endIndex":2}]`},
		"sources without an address": {parts: []chat.Part{{Kind: chat.KindText, Text: "a", Citations: []byte(`[{"type":"char_location"}]`)}, {Kind: chat.KindText, Citations: []byte(`{`)}}, want: `"index":0}],"modelVersion":"m","responseId":"r"}`},
		"log probabilities of OpenAI": {more: func(c *chat.Choice) {
			c.LogProbs = []byte(`{"content":[{"token":"a","logprob":-0.5,"bytes":null,"top_logprobs":[{"token":"b","logprob":-1}]}]}`)
		}, want: `"logprobsResult":{"topCandidates":[{"candidates":[{"token":"b","logProbability":-1}]}],"chosenCandidates":[{"token":"a","logProbability":-0.5}]}`},
		"log probabilities of nobody": {more: func(c *chat.Choice) { c.LogProbs = []byte(`null`) }, want: `"index":0}]`},
	} {
		t.Run(name, func(t *testing.T) {
			c := chat.Choice{Finish: chat.FinishStop, Parts: tc.parts}
			if tc.more != nil {
				tc.more(&c)
			}
			got := gemini.New().EncodeResponse(&chat.Response{ID: "r", Model: "m", Choices: []chat.Choice{c}})
			if !json.Valid(got) || !strings.Contains(string(got), tc.want) {
				t.Errorf("%s", got)
			}
		})
	}
}

func TestErrorsOfAnyShape(t *testing.T) {
	long := strings.Repeat("é", 2000)
	for name, tc := range map[string]struct {
		status int
		body   string
		want   chat.Error
	}{
		"Google's": {
			429, `{"error":{"code":429,"message":"Quota.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"x","violations":[]},{"reason":"RATE_LIMIT_EXCEEDED"}]}}`,
			chat.Error{Class: chat.ErrorRateLimited, Message: "Quota.", Type: "RESOURCE_EXHAUSTED", Code: "RATE_LIMIT_EXCEEDED"},
		},
		"a wrong key is no wrong request": {
			400, `{"error":{"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}`,
			chat.Error{Class: chat.ErrorAuthentication, Message: "API key not valid.", Type: "INVALID_ARGUMENT", Code: "API_KEY_INVALID"},
		},
		"in an array, of a stream": {
			400, `[{"error":{"message":"Bad.","status":"INVALID_ARGUMENT","details":[{"fieldViolations":[{"field":"contents"}]}]}}]`,
			chat.Error{Class: chat.ErrorInvalidRequest, Message: "Bad.", Type: "INVALID_ARGUMENT", Param: "contents"},
		},
		"cut":                    {503, `{"error":{"code":503,"message":"The model is overl`, chat.Error{Class: chat.ErrorOverloaded, Message: "The model is overl"}},
		"a text":                 {500, `"broken"`, chat.Error{Class: chat.ErrorInternal, Message: "broken"}},
		"an error of text":       {500, `{"error":"broken"}`, chat.Error{Class: chat.ErrorInternal, Message: "broken"}},
		"FastAPI's":              {422, `{"detail":"broken"}`, chat.Error{Class: chat.ErrorInvalidRequest, Message: "broken"}},
		"plain":                  {502, "upstream connect error\nmore", chat.Error{Class: chat.ErrorInternal, Message: "upstream connect error"}},
		"a page":                 {504, "<html>", chat.Error{Class: chat.ErrorTimeout, Message: "the provider gave no reason Gateway Timeout"}},
		"nothing":                {404, "", chat.Error{Class: chat.ErrorNotFound, Message: "the provider gave no reason Not Found"}},
		"nested without an end":  {500, strings.Repeat(`{"error":`, 5000), chat.Error{Class: chat.ErrorInternal, Message: "the provider gave no reason Internal Server Error"}},
		"in a stream":            {0, `{"error":{"code":503,"message":"Later.","status":"UNAVAILABLE"}}`, chat.Error{Class: chat.ErrorOverloaded, Message: "Later.", Type: "UNAVAILABLE"}},
		"in a stream, of no one": {0, `{"error":{"message":"Later."}}`, chat.Error{Class: chat.ErrorInternal, Message: "Later."}},
		"long":                   {500, `{"error":"` + long + `"}`, chat.Error{Class: chat.ErrorInternal, Message: long[:996] + "…"}},
	} {
		t.Run(name, func(t *testing.T) {
			got := gemini.New().DecodeError(tc.status, []byte(tc.body))
			if tc.want.Status = tc.status; *got != tc.want || len(got.Message) > 1000 {
				t.Errorf("%+v", *got)
			}
		})
	}
}

func TestErrorsAreGoogles(t *testing.T) {
	for want, e := range map[string]*chat.Error{
		`{"error":{"code":429,"message":"Slow \"down\".","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"rate_limited"}]}}`: {
			Class: chat.ErrorRateLimited, Status: 429, Message: `Slow "down".`, Type: "x", Code: "rate_limited",
		},
		`{"error":{"code":400,"message":"Bad.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"contents","description":"Bad."}]}]}}`: {
			Class: chat.ErrorInvalidRequest, Message: "Bad.", Param: "contents",
		},
		`{"error":{"code":500,"message":"","status":"INTERNAL"}}`: {},
	} {
		if got := string(gemini.New().EncodeError(e)); got != want {
			t.Errorf("%s", got)
		}
	}
}

func TestModelsAreListed(t *testing.T) {
	got := string(gemini.AppendModelList(nil, []gemini.ModelEntry{{ID: "a", InputTokens: 10, OutputTokens: 5}, {ID: "b"}}))
	want := `{"models":[{"name":"models/a","version":"1","displayName":"a","inputTokenLimit":10,"outputTokenLimit":5,"supportedGenerationMethods":["generateContent","streamGenerateContent"]},` +
		`{"name":"models/b","version":"1","displayName":"b","supportedGenerationMethods":["generateContent","streamGenerateContent"]}]}`
	if got != want {
		t.Errorf("%s", got)
	}
}
