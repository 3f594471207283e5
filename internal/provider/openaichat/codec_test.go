package openaichat

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

func TestFaultyRequestsNameTheField(t *testing.T) {
	user := `"messages":[{"role":"user","content":"hi"}]`
	for name, tc := range map[string]struct{ body, field string }{
		"no JSON":                   {`{"model"`, ""},
		"a list":                    {`[]`, ""},
		"no messages":               {`{"model":"m"}`, "messages"},
		"messages of no kind":       {`{"messages":"hi"}`, "messages"},
		"a message of no kind":      {`{"messages":["hi"]}`, "messages[0]"},
		"no role":                   {`{"messages":[{"content":"hi"}]}`, "messages[0].role"},
		"an unknown role":           {`{"messages":[{"role":"king","content":"hi"}]}`, "messages[0].role"},
		"a user without content":    {`{"messages":[{"role":"user"}]}`, "messages[0].content"},
		"content of no kind":        {`{"messages":[{"role":"user","content":3}]}`, "messages[0].content"},
		"a part of no kind":         {`{"messages":[{"role":"user","content":[3]}]}`, "messages[0].content[0]"},
		"an unknown part":           {`{"messages":[{"role":"user","content":[{"type":"smell"}]}]}`, "messages[0].content[0].type"},
		"an image without a URL":    {`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]}`, "messages[0].content[0].image_url.url"},
		"an image at no URL":        {`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"cat.png"}}]}]}`, "messages[0].content[0].image_url.url"},
		"bad base64":                {`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,a$$="}}]}]}`, "messages[0].content[0].image_url.url"},
		"a data URL in no base64":   {`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:text/plain,hi"}}]}]}`, "messages[0].content[0].image_url.url"},
		"sound of an unknown form":  {`{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"aGk=","format":"ogg"}}]}]}`, "messages[0].content[0].input_audio.format"},
		"empty sound":               {`{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"format":"wav"}}]}]}`, "messages[0].content[0].input_audio.data"},
		"an empty file":             {`{"messages":[{"role":"user","content":[{"type":"file","file":{}}]}]}`, "messages[0].content[0].file"},
		"a result of no call":       {`{"messages":[{"role":"tool","tool_call_id":"x","content":"hi"}]}`, "messages[0].tool_call_id"},
		"a result without an id":    {`{"messages":[{"role":"tool","content":"hi"}]}`, "messages[0].tool_call_id"},
		"a function's of no call":   {`{"messages":[{"role":"function","name":"f","content":"hi"}]}`, "messages[0].name"},
		"a call without an id":      {`{"messages":[{"role":"assistant","tool_calls":[{"type":"function","function":{"name":"f"}}]}]}`, "messages[0].tool_calls[0].id"},
		"a call of no function":     {`{"messages":[{"role":"assistant","tool_calls":[{"id":"a","type":"function"}]}]}`, "messages[0].tool_calls[0].function"},
		"a tool without a type":     {`{` + user + `,"tools":[{}]}`, "tools[0].type"},
		"a tool of no kind":         {`{` + user + `,"tools":[3]}`, "tools[0]"},
		"a tool without a name":     {`{` + user + `,"tools":[{"type":"function","function":{}}]}`, "tools[0].function.name"},
		"parameters of no kind":     {`{` + user + `,"tools":[{"type":"function","function":{"name":"f","parameters":[]}}]}`, "tools[0].function.parameters"},
		"a choice of no tool":       {`{` + user + `,"tool_choice":{"type":"function","function":{"name":"f"}}}`, "tool_choice"},
		"an unknown choice":         {`{` + user + `,"tool_choice":"sometimes"}`, "tool_choice"},
		"a choice of no kind":       {`{` + user + `,"tool_choice":3}`, "tool_choice"},
		"an unknown function_call":  {`{` + user + `,"function_call":"maybe"}`, "function_call"},
		"an unknown format":         {`{` + user + `,"response_format":{"type":"xml"}}`, "response_format.type"},
		"a format without a schema": {`{` + user + `,"response_format":{"type":"json_schema"}}`, "response_format.json_schema"},
		"a schema of no kind":       {`{` + user + `,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":true}}}`, "response_format.json_schema.schema"},
		"an unknown effort":         {`{` + user + `,"reasoning_effort":"heroic"}`, "reasoning_effort"},
		"unknown thinking":          {`{` + user + `,"thinking":{"type":"maybe"}}`, "thinking.type"},
		"a negative cap":            {`{` + user + `,"max_tokens":-1}`, "max_tokens"},
		"a broken cap":              {`{` + user + `,"max_tokens":1.5}`, "max_tokens"},
		"a cap of no kind":          {`{` + user + `,"max_tokens":"5"}`, "max_tokens"},
		"a temperature of no kind":  {`{` + user + `,"temperature":"hot"}`, "temperature"},
		"a stop of no kind":         {`{` + user + `,"stop":[1]}`, "stop[0]"},
		"a flag of no kind":         {`{` + user + `,"stream":"yes"}`, "stream"},
		"a label of no kind":        {`{` + user + `,"metadata":{"a":1}}`, "metadata.a"},
		"a model of no kind":        {`{` + user + `,"model":7}`, "model"},
		"options of no kind":        {`{` + user + `,"stream_options":7}`, "stream_options"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := New().DecodeRequest([]byte(tc.body))
			var fault *chat.FieldError
			if !errors.As(err, &fault) || fault.Field != tc.field || fault.Problem == "" {
				t.Errorf("%+v, error %v, want one of %q", r, err, tc.field)
			}
		})
	}
}

func TestRequestsThatThisWireCannotCarryAreRefusedByName(t *testing.T) {
	say := func(parts ...chat.Part) *chat.Request {
		return &chat.Request{Wire: chat.WireGemini, Messages: []chat.Message{{Role: chat.RoleUser, Parts: parts}}}
	}
	media := func(kind chat.Kind, m chat.Media) *chat.Request { return say(chat.Part{Kind: kind, Media: &m}) }
	for name, tc := range map[string]struct {
		r     *chat.Request
		field string
	}{
		"a document by URL":  {media(chat.KindDocument, chat.Media{URL: "https://example.com/a.pdf"}), "contents[0].content[0]"},
		"a foreign file":     {media(chat.KindDocument, chat.Media{FileID: "files/1"}), "contents[0].content[0]"},
		"an image's file":    {media(chat.KindImage, chat.Media{FileID: "files/1"}), "contents[0].content[0]"},
		"sound in Ogg":       {media(chat.KindAudio, chat.Media{MIMEType: "audio/ogg", Data: "aGk="}), "contents[0].content[0]"},
		"a foreign tool":     {&chat.Request{Native: []chat.Native{{Field: "tools[0].googleSearch", Wire: chat.WireGemini}}}, "tools[0].googleSearch"},
		"a picture answered": {&chat.Request{Messages: []chat.Message{{Role: chat.RoleAssistant, Parts: []chat.Part{{Kind: chat.KindImage, Media: &chat.Media{}}}}}}, "messages[0].content[0]"},
	} {
		_, err := New().EncodeRequest(tc.r, chat.Upstream{Model: "m"})
		var refusal *chat.Unsupported
		if !errors.As(err, &refusal) || refusal.Field != tc.field || refusal.Reason == "" || refusal.Wire != wire {
			t.Errorf("%s: %v, want a refusal of %s", name, err, tc.field)
		}
	}
	for _, r := range []*chat.Request{
		say(chat.Part{Kind: chat.KindToolCall, Call: &chat.ToolCall{}}),
		{Messages: []chat.Message{{Role: chat.RoleTool, Parts: []chat.Part{{Kind: chat.KindText}}}}},
	} {
		_, err := New().EncodeRequest(r, chat.Upstream{})
		var fault *chat.FieldError
		if !errors.As(err, &fault) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

func TestWhatIsDroppedIsNamedAsTheClientNamesIt(t *testing.T) {
	k, zero := int64(5), 0.5
	r := &chat.Request{
		Wire: chat.WireAnthropic, TopK: &k, FrequencyPenalty: &zero, Metadata: map[string]string{"a": "b"}, Reasoning: chat.Reasoning{BudgetTokens: 4000},
		Messages: []chat.Message{
			{Role: chat.RoleUser, Parts: []chat.Part{{Kind: chat.KindText, Text: "hi", Cache: &chat.CacheControl{}}}},
			{Role: chat.RoleAssistant, Parts: []chat.Part{{Kind: chat.KindThinking, Text: "hm", Signature: "s"}, {Kind: chat.KindText, Text: "Hi"}}},
		},
		Tools:  []chat.Tool{{Name: "f", Cache: &chat.CacheControl{}}},
		Native: []chat.Native{{Field: "container", Harmless: true, Wire: chat.WireAnthropic}},
	}
	e, err := New().EncodeRequest(r, chat.Upstream{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(e.Dropped, ","); got != "cache_control,container,messages[1] (thinking),metadata,thinking,top_k" {
		t.Errorf("dropped %s", got)
	}
	if strings.Contains(string(e.Body), "hm") || strings.Contains(string(e.Body), "reasoning") {
		t.Errorf("body: %s", e.Body)
	}
}

func TestResultsOfToolsKeepTheirImagesAndTheirFailure(t *testing.T) {
	text := base64.StdEncoding.EncodeToString([]byte("rows"))
	r := &chat.Request{Wire: chat.WireAnthropic, Messages: []chat.Message{
		{Role: chat.RoleAssistant, Parts: []chat.Part{{Kind: chat.KindToolCall, Call: &chat.ToolCall{ID: "1", Name: "draw"}}, {Kind: chat.KindToolCall, Call: &chat.ToolCall{ID: "2", Name: "sum"}}}},
		{Role: chat.RoleTool, Parts: []chat.Part{
			{Kind: chat.KindToolResult, Result: &chat.ToolResult{CallID: "1", Parts: []chat.Part{{Kind: chat.KindImage, Media: &chat.Media{MIMEType: "image/png", Data: "aGk="}}}}},
			{Kind: chat.KindToolResult, Result: &chat.ToolResult{CallID: "2", IsError: true, Parts: []chat.Part{
				{Kind: chat.KindText, Text: "no such row"}, {Kind: chat.KindDocument, Media: &chat.Media{MIMEType: "text/csv", Data: text, Name: "a.csv"}},
			}}},
		}},
	}}
	e, err := Codec{LegacyMaxTokens: true}.EncodeRequest(r, chat.Upstream{Model: "m", MaxOutputTokens: 9})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"role":"tool","tool_call_id":"1","content":"The result follows in the next user message."}`,
		`{"role":"tool","tool_call_id":"2","content":"Error: no such row\na.csv:\nrows"}`,
		`{"role":"user","content":[{"type":"text","text":"Attached to the result of draw (1):"},{"type":"image_url","image_url":{"url":"data:image/png;base64,aGk="}}]}`,
		`"max_tokens":9`,
	} {
		if !strings.Contains(string(e.Body), want) {
			t.Errorf("no %s in %s", want, e.Body)
		}
	}
}

func TestClientsOfResponsesKeepWhatBothWiresKnow(t *testing.T) {
	r := &chat.Request{
		Wire: chat.WireResponses, Messages: []chat.Message{{Role: chat.RoleDeveloper, Parts: []chat.Part{{Kind: chat.KindText, Text: "hi"}}}},
		Reasoning: chat.Reasoning{Disabled: true},
		Native: []chat.Native{
			{Field: "text.verbosity", Value: json.RawMessage(`"low"`), Harmless: true, Wire: chat.WireResponses},
			{Field: "truncation", Value: json.RawMessage(`"auto"`), Harmless: true, Wire: chat.WireResponses},
		},
	}
	e, err := New().EncodeRequest(r, chat.Upstream{Model: "m"})
	if err != nil || !strings.Contains(string(e.Body), `"verbosity":"low"`) || !strings.Contains(string(e.Body), `"role":"system"`) || strings.Join(e.Dropped, ",") != "truncation" {
		t.Errorf("%v %s dropped %v", err, e.Body, e.Dropped)
	}
}

func TestMembersThatChangeTheAnswerAreNotHarmless(t *testing.T) {
	for member, harmless := range map[string]bool{
		`"logit_bias":{"1":2}`: false, `"audio":{}`: false, `"web_search_options":{}`: false, `"modalities":["text","audio"]`: false,
		`"modalities":["text"]`: true, `"store":true`: true, `"guided_json":{}`: false, `"some_hint":1`: true,
		`"tools":[{"type":"custom","custom":{"name":"x"}}]`: false, `"tool_choice":{"type":"custom"}`: false,
	} {
		r, err := New().DecodeRequest([]byte(`{"messages":[{"role":"user","content":"hi"}],` + member + `}`))
		if err != nil || len(r.Native) != 1 || r.Native[0].Harmless != harmless {
			t.Errorf("%s: %+v %v", member, r, err)
			continue
		}
		if e, err := New().EncodeRequest(r, chat.Upstream{Model: "m"}); err != nil || !json.Valid(e.Body) {
			t.Errorf("%s is refused by its own wire: %v", member, err)
		}
	}
	r, err := New().DecodeRequest([]byte(`{"messages":[{"role":"assistant","audio":{"id":"a"},"tool_calls":[{"id":"1","type":"custom"}]}],
		"enable":null,"include_reasoning":false,"reasoning":{"enabled":false,"effort":"high","note":1},"thinking":{"type":"disabled"},
		"tools":[{"type":"function","function":{"name":"a"}},{"type":"function","function":{"name":"b"}}],
		"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"b"}}]}}}`))
	if err != nil || len(r.Native) != 3 || !r.Reasoning.Disabled || *r.Reasoning.Show || len(r.Tools) != 1 || r.Tools[0].Name != "b" {
		t.Errorf("%v %+v", err, r)
	}
}

func TestWhatIsNoAnswerIsRefused(t *testing.T) {
	for body, class := range map[string]chat.ErrorClass{
		`<html>`: 0, `{}`: 0, `{"choices":[]}`: 0,
		`{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}`: chat.ErrorRateLimited,
		`[{"error":{"message":"bad","code":400}}]`:                                         chat.ErrorInternal,
		`{"object":"error","message":"no","type":"invalid_request_error"}`:                 chat.ErrorInvalidRequest,
	} {
		_, err := New().DecodeResponse([]byte(body))
		var said *chat.Error
		if err == nil || errors.As(err, &said) != (class != 0) || said != nil && said.Class != class {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestErrorsAreReadInAnyShapeAndQuotedShortly(t *testing.T) {
	long := strings.Repeat("é", 3000)
	for body, want := range map[string]string{
		`{"error":{"message":"no","type":"t","code":"c","param":"p"}}`:          "no",
		`{"type":"error","error":{"type":"overloaded_error","message":"busy"}}`: "busy",
		"": "the provider answered Service Unavailable and gave no reason", `{"error":{"message":"` + long: "", "plain": "plain",
	} {
		e := New().DecodeError(http.StatusServiceUnavailable, []byte(body))
		if e.Class != chat.ErrorOverloaded || e.Status != 503 || want != "" && e.Message != want || len(e.Message) > 1000 || e.Message == "" {
			t.Errorf("%.40s: %+v", body, e)
		}
	}
	e := New().DecodeError(400, []byte(`{"error":{"message":"`+long+`","type":"`+long+`"}}`))
	if len(e.Message) > 1000 || len(e.Type) > 103 || !strings.HasSuffix(e.Message, "…") {
		t.Errorf("message of %d bytes", len(e.Message))
	}
}

// serve answers every request with the same body.
func serve(t *testing.T, status int, kind string, body []byte) *openai.Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	t.Cleanup(s.Close)
	c := openai.NewClient(option.WithBaseURL(s.URL), option.WithAPIKey("k"), option.WithMaxRetries(0))
	return &c
}

func TestSDKRaisesTheErrorsThatAreEncoded(t *testing.T) {
	for class, want := range map[chat.ErrorClass]string{
		chat.ErrorInvalidRequest: "invalid_request_error/", chat.ErrorAuthentication: "invalid_request_error/invalid_api_key",
		chat.ErrorPermission: "invalid_request_error/permission_denied", chat.ErrorNotFound: "invalid_request_error/not_found",
		chat.ErrorTooLarge: "invalid_request_error/request_too_large", chat.ErrorRateLimited: "requests/rate_limit_exceeded",
		chat.ErrorTimeout: "server_error/timeout", chat.ErrorOverloaded: "server_error/overloaded", chat.ErrorInternal: "server_error/",
	} {
		c := serve(t, 418, "application/json", New().EncodeError(&chat.Error{Class: class, Message: "why \"not\"", Param: "messages"}))
		_, err := c.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{})
		var apiErr *openai.Error
		if !errors.As(err, &apiErr) || apiErr.Type+"/"+apiErr.Code != want || apiErr.Message != `why "not"` || apiErr.Param != "messages" {
			t.Errorf("%d: %v", class, err)
		}
	}
}

func TestSDKReadsTheStreamsThatAreEncoded(t *testing.T) {
	stream := files(t, "streams/interleaved_choices.sse")["testdata/streams/interleaved_choices"]
	_, out := translate(New(), &chat.Request{StreamUsage: true}, stream)
	s := serve(t, 200, "text/event-stream", out).Chat.Completions.NewStreaming(t.Context(), openai.ChatCompletionNewParams{})
	var acc openai.ChatCompletionAccumulator
	for s.Next() {
		if !acc.AddChunk(s.Current()) {
			t.Errorf("not accumulated: %s", s.Current().RawJSON())
		}
	}
	if s.Err() != nil || len(acc.Choices) != 2 || acc.Usage.CompletionTokens != 4 || acc.Usage.CompletionTokensDetails.ReasoningTokens != 2 {
		t.Fatalf("%v %+v", s.Err(), acc.ChatCompletion)
	}
	first, second := acc.Choices[0], acc.Choices[1]
	if first.Message.Content != "Hé" || first.Message.Refusal != "no" || first.FinishReason != "stop" || len(first.Logprobs.Content) != 1 {
		t.Errorf("first: %+v", first)
	}
	calls := second.Message.ToolCalls
	if second.Message.Content != "two" || second.FinishReason != "tool_calls" || len(calls) != 2 || calls[0].Function.Arguments != `{"a"` || calls[1].ID != "call_y" {
		t.Errorf("second: %+v", second)
	}
	body, _ := New().NewStreamDecoder().Decode(nil, "error", []byte(`{"message":"gone"}`))
	out = New().NewStreamEncoder(&chat.Request{}).Encode(nil, body[0])
	s = serve(t, 200, "text/event-stream", out).Chat.Completions.NewStreaming(t.Context(), openai.ChatCompletionNewParams{})
	if s.Next() || s.Err() == nil || !strings.Contains(s.Err().Error(), "gone") {
		t.Errorf("error: %v", s.Err())
	}
}

func TestStreamsThatAreCutHaveNoEnd(t *testing.T) {
	for name, tc := range map[string]struct{ chunks, last string }{
		"no finish":         {`{"choices":[{"delta":{"content":"a"}}]}`, "text"},
		"one of two":        {`{"choices":[{"delta":{},"finish_reason":"stop"},{"index":1,"delta":{"content":"a"}}]}`, "text"},
		"nothing":           {`{"choices":[]}`, ""},
		"after an error":    {`{"error":{"message":"x"}}`, "error"},
		"only a finish":     {`{"choices":[{"delta":{},"finish_reason":"stop"}]}`, "end"},
		"the usage of xAI":  {`{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":9}}`, "usage"},
		"DONE all the same": {"[DONE]", ""},
	} {
		d := New().NewStreamDecoder()
		list, err := d.Decode(nil, "", []byte(tc.chunks))
		list = d.End(list)
		last := ""
		if len(list) > 0 {
			last = kinds[list[len(list)-1].Kind]
		}
		if err != nil || last != tc.last {
			t.Errorf("%s: %v, ended in %q", name, err, last)
		}
		if list, _ = d.Decode(nil, "", []byte("[DONE]")); last == "end" && len(list) > 0 {
			t.Errorf("%s: goes on", name)
		}
	}
}

func TestStreamsThatAreNoneAreFaults(t *testing.T) {
	for _, chunks := range [][]string{
		{"hello"},
		{"[]"},
		{`{"choices":[{"index":200}]}`},
		{`{"choices":[{"index":-1}]}`},
		{`{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}},{"index":1,"id":"b","function":{"name":"f"}}]}}]}`, `{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"x"}}]}}]}`},
	} {
		d, err := New().NewStreamDecoder(), error(nil)
		for _, chunk := range chunks {
			if err == nil {
				_, err = d.Decode(nil, "", []byte(chunk))
			}
		}
		if err == nil {
			t.Errorf("%v is taken for a stream", chunks)
		}
	}
}

func TestPingsAndWholeStartsAreTold(t *testing.T) {
	e := New().NewStreamEncoder(&chat.Request{})
	out := e.Encode(nil, chat.Event{Kind: chat.EventStart, Response: &chat.Response{ID: "x", HasUsage: true}})
	out = e.Encode(out, chat.Event{Kind: chat.EventPing})
	out = e.Encode(out, chat.Event{Kind: chat.EventPartStart, Start: &chat.Part{Kind: chat.KindText, Text: "all"}})
	out = e.Encode(out, chat.Event{Kind: chat.EventCitations, JSON: json.RawMessage(`[{"cited_text":"x"}]`)})
	out = e.Encode(out, chat.Event{Kind: chat.EventEnd})
	got := string(out)
	if !strings.HasPrefix(got, ": ping\n\n") || !strings.Contains(got, `"content":"all"`) || strings.Contains(got, "usage") || !strings.HasSuffix(got, "data: [DONE]\n\n") {
		t.Errorf("stream: %s", got)
	}
}

func TestPartsThatOnlyAnotherWireKnowsAreDroppedOrRefused(t *testing.T) {
	for _, role := range []chat.Role{chat.RoleUser, chat.RoleAssistant} {
		n := chat.Native{Field: "contents[0].parts[1].executableCode", Harmless: true, Wire: chat.WireGemini}
		r := &chat.Request{Messages: []chat.Message{{Role: role, Parts: []chat.Part{{Kind: chat.KindText, Text: "hi"}, {Kind: chat.KindNative, Native: &n}}}}}
		if e, err := New().EncodeRequest(r, chat.Upstream{Model: "m"}); err != nil || len(e.Dropped) != 1 || e.Dropped[0] != n.Field || !json.Valid(e.Body) {
			t.Errorf("role %d: %v %v", role, e, err)
		}
		n.Harmless = false
		var refusal *chat.Unsupported
		if _, err := New().EncodeRequest(r, chat.Upstream{Model: "m"}); !errors.As(err, &refusal) || refusal.Field != n.Field {
			t.Errorf("role %d: %v", role, err)
		}
	}
	e := New().NewStreamEncoder(&chat.Request{})
	out := e.Encode(nil, chat.Event{Kind: chat.EventStart, Response: &chat.Response{}})
	out = e.Encode(out, chat.Event{Kind: chat.EventPartStart, Start: &chat.Part{Kind: chat.KindNative, Native: &chat.Native{}}})
	out = e.Encode(out, chat.Event{Kind: chat.EventText, Text: "secret"})
	if out = e.Encode(out, chat.Event{Kind: chat.EventPartEnd}); strings.Contains(string(out), "secret") {
		t.Errorf("told: %s", out)
	}
}
