package anthropic

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
)

const answered = `{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5","content":[
 {"type":"thinking","thinking":"hm","signature":"c2ln"},{"type":"redacted_thinking","data":"eHg="},
 {"type":"text","text":"Yes.","citations":[{"type":"page_location","cited_text":"y"}]},
 {"type":"server_tool_use","id":"s1","name":"web_search","input":{"query":"q"}},
 {"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}}],
 "stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":10,"cache_creation_input_tokens":30,"cache_read_input_tokens":200,
 "cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10},"output_tokens":50,"output_tokens_details":{"thinking_tokens":40},"service_tier":"priority"}}`

func TestAnAnswerIsDecodedAndEncodedWithoutLoss(t *testing.T) {
	r, err := New().DecodeResponse([]byte(answered))
	if err != nil {
		t.Fatal(err)
	}
	want := pricing.Usage{InputTokens: 240, CachedInputTokens: 200, CacheWriteTokens: 20, CacheWrite1hTokens: 10, OutputTokens: 50, ReasoningTokens: 40}
	if r.Usage != want || !r.HasUsage || r.ServiceTier != "priority" || r.ID != "msg_1" || r.Model != "claude-opus-5" {
		t.Errorf("head: %+v", r)
	}
	c := r.Choices[0]
	kinds := []chat.Kind{chat.KindThinking, chat.KindRedactedThinking, chat.KindText, chat.KindNative, chat.KindToolCall}
	if c.Finish != chat.FinishToolCalls || len(c.Parts) != len(kinds) {
		t.Fatalf("choice: %+v", c)
	}
	for i, k := range kinds {
		if c.Parts[i].Kind != k {
			t.Errorf("part %d: %+v", i, c.Parts[i])
		}
	}
	again := New().EncodeResponse(r)
	var a, b any
	if json.Unmarshal([]byte(answered), &a) != nil || json.Unmarshal(again, &b) != nil || compact(a) != compact(b) {
		t.Errorf("encoded: %s", again)
	}
}

func TestUsageHasTheMeaningOfPricing(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want pricing.Usage
	}{
		"plain":                      {`{"input_tokens":5,"output_tokens":3}`, pricing.Usage{InputTokens: 5, OutputTokens: 3}},
		"writes that are not split":  {`{"input_tokens":5,"cache_creation_input_tokens":7}`, pricing.Usage{InputTokens: 12, CacheWriteTokens: 7}},
		"only the split":             {`{"cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":3}}`, pricing.Usage{InputTokens: 5, CacheWriteTokens: 2, CacheWrite1hTokens: 3}},
		"a batch":                    {`{"input_tokens":5,"service_tier":"batch"}`, pricing.Usage{InputTokens: 5, Batch: true}},
		"thoughts beyond the output": {`{"output_tokens":5,"output_tokens_details":{"thinking_tokens":9}}`, pricing.Usage{OutputTokens: 5, ReasoningTokens: 5}},
		"nonsense":                   {`{"input_tokens":-5,"output_tokens":9000000000000000000}`, pricing.Usage{OutputTokens: maxCount}},
	} {
		var u usage
		if err := json.Unmarshal([]byte(tc.in), &u); err != nil {
			t.Fatal(err)
		}
		if got := u.record(); got != tc.want {
			t.Errorf("%s: %+v", name, got)
		}
		if back := usageOf(tc.want); name != "nonsense" && back.record() != func() pricing.Usage { w := tc.want; w.Batch = false; return w }() {
			t.Errorf("%s, and back: %+v", name, back)
		}
	}
}

func TestReasonsToEndAreTranslatedBothWays(t *testing.T) {
	for word, finish := range finishes {
		body := `{"type":"message","content":[],"stop_reason":"` + word + `"}`
		r, err := New().DecodeResponse([]byte(body))
		if err != nil || r.Choices[0].Finish != finish || r.HasUsage {
			t.Errorf("%s: %v %+v", word, err, r)
		}
		if got := stopReason(finish, false); got != word {
			t.Errorf("%v: %s, want %s", finish, got, word)
		}
	}
	for _, tc := range []struct {
		finish chat.Finish
		calls  bool
		want   string
	}{
		{chat.FinishStop, true, "tool_use"},
		{chat.FinishUnknown, false, "end_turn"},
		{chat.FinishContentFilter, false, "refusal"},
		{chat.FinishMalformedCall, false, "end_turn"},
		{99, false, "end_turn"},
	} {
		if got := stopReason(tc.finish, tc.calls); got != tc.want {
			t.Errorf("%+v: %s", tc, got)
		}
	}
}

func TestTheToolThatStandsForTheAnswerIsReadAsText(t *testing.T) {
	body := `{"type":"message","content":[{"type":"tool_use","id":"t","name":"tiershift_answer","input":{"a":1}}],"stop_reason":"tool_use"}`
	r, err := New().DecodeResponse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	c := r.Choices[0]
	if c.Finish != chat.FinishStop || c.Parts[0].Kind != chat.KindText || c.Parts[0].Text != `{"a":1}` {
		t.Errorf("%+v", c)
	}
}

func TestARefusalWithoutAWordIsExplained(t *testing.T) {
	body := `{"type":"message","content":[],"stop_reason":"refusal","stop_details":{"type":"refusal","category":null,"explanation":"Not this."}}`
	r, err := New().DecodeResponse([]byte(body))
	if err != nil || r.Choices[0].Parts[0].Kind != chat.KindRefusal || r.Choices[0].Parts[0].Text != "Not this." {
		t.Errorf("%v %+v", err, r)
	}
}

func TestWhatIsNoAnswerIsRefused(t *testing.T) {
	for _, body := range []string{
		"", "<html>", "[]", "null", `{"type":"error","error":{"type":"x","message":"SECRET"}}`, `{"choices":[]}`, `{"type":"message"}`,
		`{"type":"message","content":[{"type":"text","text":7}]}`, `{"type":"message","content":["SECRET"]}`,
	} {
		_, err := New().DecodeResponse([]byte(body))
		var bad *chat.FieldError
		if !errors.As(err, &bad) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestAnAnswerOfAnotherWireIsToldAsFarAsThisOneCan(t *testing.T) {
	r := &chat.Response{ServiceTier: "default", Choices: []chat.Choice{{Finish: chat.FinishStop, StopSequence: "END", Parts: []chat.Part{
		{Kind: chat.KindRefusal, Text: "No."},
		{Kind: chat.KindImage},
		{Kind: chat.KindNative, Native: &chat.Native{Wire: "gemini"}},
		{Kind: chat.KindText, Text: "t", Citations: json.RawMessage(`[{"type":"url_citation"}]`)},
		{Kind: chat.KindToolCall, Call: &chat.ToolCall{ID: "1", Name: "f", Arguments: `{"a":`}},
		{Kind: chat.KindToolCall, Call: &chat.ToolCall{ID: "2", Name: "g"}},
	}}}}
	want := `{"content":[{"text":"No.","type":"text"},{"text":"t","type":"text"},{"id":"1","input":{"_malformed_arguments":"{\"a\":"},"name":"f","type":"tool_use"},{"id":"2","input":{},"name":"g","type":"tool_use"}],` +
		`"id":"","model":"","role":"assistant","stop_reason":"tool_use","stop_sequence":"END","type":"message",` +
		`"usage":{"cache_creation":{"ephemeral_1h_input_tokens":0,"ephemeral_5m_input_tokens":0},"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"input_tokens":0,"output_tokens":0,"service_tier":"standard"}}`
	var got any
	if err := json.Unmarshal(New().EncodeResponse(r), &got); err != nil || compact(got) != want {
		t.Errorf("%v\n%s", err, compact(got))
	}
	if b := New().EncodeResponse(&chat.Response{}); !strings.Contains(string(b), `"content":[],"stop_reason":"end_turn"`) {
		t.Errorf("nothing: %s", b)
	}
}

func TestErrorsOfAnyShapeAreRead(t *testing.T) {
	long := strings.Repeat("x", 5000)
	for name, tc := range map[string]struct {
		status  int
		body    string
		class   chat.ErrorClass
		kind    string
		message string
	}{
		"Anthropic's own":          {429, `{"type":"error","error":{"type":"rate_limit_error","message":"slow"},"request_id":"r"}`, chat.ErrorRateLimited, "rate_limit_error", "slow"},
		"in the middle of streams": {0, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, chat.ErrorOverloaded, "overloaded_error", "Overloaded"},
		"unknown in a stream":      {0, `{"type":"error","error":{"type":"new_error","message":"m"}}`, chat.ErrorInternal, "new_error", "m"},
		"cut":                      {529, `{"type":"error","error":{"type":"overloaded_error","mess`, chat.ErrorOverloaded, "overloaded_error", ""},
		"the envelope alone":       {500, `{"type":"error"}`, chat.ErrorInternal, "", ""},
		"OpenAI's":                 {401, `{"error":{"message":"key","type":"t","code":"c"}}`, chat.ErrorAuthentication, "t", "key"},
		"a page":                   {502, `<html>`, chat.ErrorInternal, "", ""},
		"nothing":                  {404, ``, chat.ErrorNotFound, "", ""},
		"too long":                 {400, `{"type":"error","error":{"type":"invalid_request_error","message":"` + long + `"}}`, chat.ErrorInvalidRequest, "invalid_request_error", long[:1000] + "…"},
	} {
		e := New().DecodeError(tc.status, []byte(tc.body))
		if e.Class != tc.class || e.Type != tc.kind || e.Message != tc.message || e.Status != tc.status {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestErrorsAreToldInTheWiresWords(t *testing.T) {
	for _, tc := range []struct {
		e    chat.Error
		want string
	}{
		{chat.Error{Class: chat.ErrorNotFound, Message: "no \"x\"\n", Type: "invalid_request_error", Code: "model_not_found"}, `{"type":"error","error":{"type":"not_found_error","message":"no \"x\"\n","code":"model_not_found"}}`},
		{chat.Error{Class: chat.ErrorPermission, Type: "billing_error"}, `{"type":"error","error":{"type":"billing_error","message":""}}`},
		{chat.Error{Class: chat.ErrorOverloaded}, `{"type":"error","error":{"type":"overloaded_error","message":""}}`},
		{chat.Error{Message: "a\tb\rc\x01\xff"}, `{"type":"error","error":{"type":"api_error","message":"a\tb\rc\u0001` + "\uFFFD" + `"}}`},
	} {
		if got := string(New().EncodeError(&tc.e)); got != tc.want {
			t.Errorf("%s\nwant %s", got, tc.want)
		}
	}
}
