package simulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/anthropics/anthropic-sdk-go/packages/param"

	"github.com/tiershift/tiershift/internal/simulator"
)

// claude is Anthropic's official SDK, pointed at a simulator of its wire.
func claude(t *testing.T, cfg simulator.Config, opts ...option.RequestOption) (*simulator.Provider, *anthropic.Client) {
	t.Helper()
	cfg.Dialect = simulator.Anthropic
	p, url := start(t, cfg)
	all := []option.RequestOption{
		option.WithBaseURL(strings.TrimSuffix(url, "/v1")), option.WithAPIKey("sk-ant-test"), option.WithMaxRetries(0),
		option.WithHeader(simulator.DifficultyHeader, "0"),
	}
	c := anthropic.NewClient(append(all, opts...)...)
	return p, &c
}

func askClaude(prompt string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: "large", MaxTokens: 8000, Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(prompt))},
	}
}

// accumulated reads a stream to its end.
func accumulated(t *testing.T, c *anthropic.Client, params anthropic.MessageNewParams) anthropic.Message {
	t.Helper()
	stream := c.Messages.NewStreaming(t.Context(), params)
	var m anthropic.Message
	for stream.Next() {
		if err := m.Accumulate(stream.Current()); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	return m
}

func said(m *anthropic.Message) (out string) {
	for _, b := range m.Content {
		out += b.Text
	}
	return out
}

func TestClaudeSDKReadsMessagesAndStreamsAlike(t *testing.T) {
	p, c := claude(t, simulator.Config{})
	prompt := "Summarise the harbour regulations for visiting yachts, for the café."
	whole, err := c.Messages.New(t.Context(), askClaude(prompt))
	if err != nil {
		t.Fatal(err)
	}
	streamed := accumulated(t, c, askClaude(prompt))
	for _, m := range []*anthropic.Message{whole, &streamed} {
		if m.StopReason != "end_turn" || m.Model != "large-2026-01-15" || !strings.HasPrefix(m.ID, "msg_01") || m.Role != "assistant" {
			t.Errorf("message: %s", m.RawJSON())
		}
		if got := simulator.Judge(prompt, said(m)); got.Verdict != simulator.Well {
			t.Errorf("judged %+v: %q", got, said(m))
		}
		if want := simulator.Tokens(said(m)); int(m.Usage.OutputTokens) != want || m.Usage.InputTokens == 0 {
			t.Errorf("usage: %d output tokens, want %d", m.Usage.OutputTokens, want)
		}
	}
	if said(whole) != said(&streamed) {
		t.Errorf("document %q, stream %q", said(whole), said(&streamed))
	}
	if s := p.Stats().Models["large"]; s.Requests != 2 || s.CompletionTokens != 2*whole.Usage.OutputTokens {
		t.Errorf("stats: %+v", s)
	}
}

var forecast = anthropic.ToolUnionParam{OfTool: &anthropic.ToolParam{
	Name: "get_current_weather", Description: param.NewOpt("Current weather of a place"),
	InputSchema: anthropic.ToolInputSchemaParam{
		Properties: map[string]any{
			"location": map[string]any{"type": "string"},
			"unit":     map[string]any{"type": "string", "enum": []string{"celsius", "fahrenheit"}},
			"days":     map[string]any{"type": "integer", "minimum": 1, "maximum": 3},
		},
		Required: []string{"location", "unit", "days"},
	},
}}

func TestClaudeSDKCallsToolsAndReturnsResultsAndThoughts(t *testing.T) {
	_, c := claude(t, simulator.Config{})
	params := askClaude("How is the weather in Lisbon and New York today?")
	params.Tools = []anthropic.ToolUnionParam{forecast}
	params.Thinking = anthropic.ThinkingConfigParamUnion{OfAdaptive: &anthropic.ThinkingConfigAdaptiveParam{Display: "summarized"}}
	params.OutputConfig.Effort = "max"
	whole, err := c.Messages.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	streamed := accumulated(t, c, params)
	for _, m := range []*anthropic.Message{whole, &streamed} {
		if len(m.Content) != 3 || m.StopReason != "tool_use" || m.Usage.OutputTokensDetails.ThinkingTokens == 0 {
			t.Fatalf("message: %s", m.RawJSON())
		}
		if th := m.Content[0].AsThinking(); th.Thinking == "" || th.Signature == "" {
			t.Errorf("thinking: %+v", th)
		}
		if a, b := checkWeather(t, string(m.Content[1].Input)), checkWeather(t, string(m.Content[2].Input)); a != "Lisbon" || b != "New York" {
			t.Errorf("locations: %s, %s", a, b)
		}
	}
	results := anthropic.NewUserMessage(
		anthropic.NewToolResultBlock(whole.Content[1].ID, "21 degrees", false), anthropic.NewToolResultBlock(whole.Content[2].ID, "no such city", true))
	params.Messages = append(params.Messages, whole.ToParam(), results)
	second, err := c.Messages.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if second.StopReason != "end_turn" || said(second) == "" {
		t.Errorf("second: %s", second.RawJSON())
	}
	forged := whole.ToParam()
	forged.Content[0].OfThinking.Thinking = "I never thought so."
	params.Messages[1] = forged
	if _, err := c.Messages.New(t.Context(), params); err == nil || !strings.Contains(err.Error(), "Invalid `signature`") {
		t.Errorf("a forged thought: %v", err)
	}
}

func TestClaudeSDKChoosesTools(t *testing.T) {
	_, c := claude(t, simulator.Config{})
	auto := anthropic.ToolChoiceUnionParam{OfAuto: &anthropic.ToolChoiceAutoParam{DisableParallelToolUse: param.NewOpt(true)}}
	for name, tc := range map[string]struct {
		prompt string
		choice anthropic.ToolChoiceUnionParam
		calls  int
	}{
		"auto, one at a time": {"The weather in Porto and Rome?", auto, 1},
		"any":                 {"Write a limerick.", anthropic.ToolChoiceUnionParam{OfAny: &anthropic.ToolChoiceAnyParam{}}, 1},
		"a named one":         {"Write a limerick.", anthropic.ToolChoiceParamOfTool("get_current_weather"), 1},
		"none":                {"The weather in Porto?", anthropic.ToolChoiceUnionParam{OfNone: &anthropic.ToolChoiceNoneParam{}}, 0},
	} {
		params := askClaude(tc.prompt)
		params.Tools, params.ToolChoice = []anthropic.ToolUnionParam{forecast}, tc.choice
		m, err := c.Messages.New(t.Context(), params)
		if err != nil {
			t.Fatal(name, err)
		}
		calls := 0
		for _, b := range m.Content {
			if b.Type == "tool_use" {
				calls++
			}
		}
		if calls != tc.calls || (m.StopReason == "tool_use") != (calls > 0) {
			t.Errorf("%s: %s", name, m.RawJSON())
		}
	}
}

func TestClaudeSDKSendsPicturesAndReadsStructuredOutput(t *testing.T) {
	_, c := claude(t, simulator.Config{})
	params := askClaude("Extract the guest from: Ada Lovelace (ada@example.org) arrives on Monday.")
	before, err := c.Messages.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	params.Messages[0].Content = append(params.Messages[0].Content,
		anthropic.NewImageBlockBase64("image/png", "aGFsbG8="),
		anthropic.NewImageBlock(anthropic.URLImageSourceParam{URL: "https://example.org/a.png"}))
	params.OutputConfig.Format.Schema = map[string]any{
		"type": "object", "additionalProperties": false, "required": []string{"name", "email"},
		"properties": map[string]any{"name": map[string]any{"type": "string"}, "email": map[string]any{"type": "string", "format": "email"}},
	}
	m, err := c.Messages.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	var guest struct{ Name, Email string }
	if err := json.Unmarshal([]byte(said(m)), &guest); err != nil || !strings.HasPrefix(guest.Name, "Ada Lovelace") || guest.Email != "ada@example.org" {
		t.Errorf("%v: %s", err, said(m))
	}
	if m.Usage.InputTokens < before.Usage.InputTokens+2000 {
		t.Errorf("pictures cost nothing: %d, %d", before.Usage.InputTokens, m.Usage.InputTokens)
	}
	params.OutputConfig.Format.Schema["additionalProperties"] = true
	if _, err := c.Messages.New(t.Context(), params); err == nil || !strings.Contains(err.Error(), "additionalProperties") {
		t.Errorf("an open schema: %v", err)
	}
}

func TestClaudeSDKIsToldOfStopsCapsAndCaches(t *testing.T) {
	_, c := claude(t, simulator.Config{})
	long := strings.Repeat("The rules of the harbour are as follows. ", 400)
	params := askClaude("Explain how tidal locks work, in 60 words.")
	params.System = []anthropic.TextBlockParam{{Text: long, CacheControl: anthropic.CacheControlEphemeralParam{TTL: "1h"}}}
	first, err := c.Messages.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.Messages.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	a, b := first.Usage, second.Usage
	if a.CacheCreationInputTokens < 1024 || a.CacheCreation.Ephemeral1hInputTokens != a.CacheCreationInputTokens || a.CacheReadInputTokens != 0 {
		t.Errorf("first: %s", a.RawJSON())
	}
	if b.CacheReadInputTokens != a.CacheCreationInputTokens || b.CacheCreationInputTokens != 0 || a.InputTokens != b.InputTokens {
		t.Errorf("second: %s", b.RawJSON())
	}
	words := strings.Fields(said(first))
	params.StopSequences = []string{words[5]}
	stopped, err := c.Messages.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if stopped.StopReason != "stop_sequence" || stopped.StopSequence != words[5] || strings.Contains(said(stopped), words[5]) ||
		int(stopped.Usage.OutputTokens) != simulator.Tokens(said(stopped)) {
		t.Errorf("stopped: %s", stopped.RawJSON())
	}
	params.StopSequences, params.MaxTokens = nil, 5
	if m := accumulated(t, c, params); m.StopReason != "max_tokens" || m.Usage.OutputTokens != 5 {
		t.Errorf("capped: %+v", m.Usage)
	}
}

func TestClaudeSDKRaisesTypedErrors(t *testing.T) {
	_, c := claude(t, simulator.Config{APIKeys: []string{"sk-ant-test"}, AllowFaultHeader: true})
	fault := func(f string) []option.RequestOption {
		return []option.RequestOption{option.WithHeader(simulator.FaultHeader, f)}
	}
	for name, tc := range map[string]struct {
		model  string
		opts   []option.RequestOption
		status int
		kind   anthropic.ErrorType
	}{
		"a wrong key":      {"large", []option.RequestOption{option.WithAPIKey("sk-ant-wrong")}, 401, "authentication_error"},
		"no key":           {"large", []option.RequestOption{option.WithHeaderDel("x-api-key")}, 401, "authentication_error"},
		"no version":       {"large", []option.RequestOption{option.WithHeaderDel("anthropic-version")}, 400, "invalid_request_error"},
		"an unknown model": {"huge", nil, 404, "not_found_error"},
		"a rate limit":     {"large", fault("status=429"), 429, "rate_limit_error"},
		"overload":         {"large", fault("status=529"), 529, "overloaded_error"},
		"a server error":   {"large", fault("status=500"), 500, "api_error"},
		"a bad gateway":    {"large", fault("status=503"), 503, "api_error"},
		"forbidden":        {"large", fault("status=403"), 403, "permission_error"},
		"a teapot":         {"large", fault("status=418"), 418, "invalid_request_error"},
	} {
		params := askClaude("Hello")
		params.Model = tc.model
		_, err := c.Messages.New(t.Context(), params, tc.opts...)
		var apiErr *anthropic.Error
		if !errors.As(err, &apiErr) || apiErr.StatusCode != tc.status || apiErr.Type() != tc.kind || !strings.HasPrefix(apiErr.RequestID, "req_") {
			t.Errorf("%s: %v", name, err)
		}
	}
	stream := c.Messages.NewStreaming(t.Context(), askClaude("Hello"), fault("error-event=4")...)
	events := 0
	for stream.Next() {
		events++
	}
	var apiErr *anthropic.Error
	if !errors.As(stream.Err(), &apiErr) || apiErr.Type() != "api_error" || events != 3 { // the fourth is a ping
		t.Errorf("%d events, then %v", events, stream.Err())
	}
}

func TestClaudeSDKIsCutOff(t *testing.T) {
	_, c := claude(t, simulator.Config{AllowFaultHeader: true})
	for _, f := range []string{"cut=5", "garbage=json"} {
		stream := c.Messages.NewStreaming(t.Context(), askClaude("Hello"), option.WithHeader(simulator.FaultHeader, f))
		for stream.Next() {
			if stream.Current().Type == "message_stop" {
				t.Errorf("%s: the stream ends", f)
			}
		}
		if stream.Err() == nil {
			t.Errorf("%s: nothing is wrong", f)
		}
	}
	if _, err := c.Messages.New(t.Context(), askClaude("Hello"), option.WithHeader(simulator.FaultHeader, "cut")); err == nil {
		t.Error("a document was cut, and nothing is wrong")
	}
	for _, shape := range []string{"crlf", "split", "no-usage", "keep-alive"} {
		stream := c.Messages.NewStreaming(t.Context(), askClaude("Hello"), option.WithHeader(simulator.FaultHeader, shape))
		ended := false
		for stream.Next() {
			ended = stream.Current().Type == "message_stop"
		}
		if !ended || stream.Err() != nil {
			t.Errorf("%s: ended %v, %v", shape, ended, stream.Err())
		}
	}
}

func TestClaudeSDKListsModels(t *testing.T) {
	_, c := claude(t, simulator.Config{})
	page, err := c.Models.List(t.Context(), anthropic.ModelListParams{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range page.Data {
		names = append(names, m.ID)
		if m.Type != "model" || m.CreatedAt.IsZero() || m.DisplayName == "" {
			t.Errorf("model: %s", m.RawJSON())
		}
	}
	if strings.Join(names, " ") != "small large thinker" || page.HasMore {
		t.Errorf("models: %v", names)
	}
	if m, err := c.Models.Get(t.Context(), "large", anthropic.ModelGetParams{}); err != nil || m.ID != "large" {
		t.Errorf("one: %v %+v", err, m)
	}
	if _, err := c.Models.Get(t.Context(), "huge", anthropic.ModelGetParams{}); err == nil {
		t.Error("an unknown model was found")
	}
}

func TestAClaudeClientThatLeavesIsCharged(t *testing.T) {
	p, c := claude(t, simulator.Config{Latency: simulator.Latency{TokensPerSecond: 200}})
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	stream := c.Messages.NewStreaming(ctx, askClaude("Write an essay of 2000 words about tides."))
	for stream.Next() {
	}
	if stream.Err() == nil {
		t.Error("nothing is wrong")
	}
	eventually(t, "the client is counted", func() bool { s := p.Stats(); return s.Cancelled == 1 && s.OpenStreams == 0 })
	if n := p.Stats().Models["large"].CompletionTokens; n == 0 || n > 200 {
		t.Errorf("charged for %d tokens", n)
	}
}

func TestClaudeRequestsAreCheckedAsStrictlyAsThere(t *testing.T) {
	_, url := start(t, simulator.Config{Dialect: simulator.Anthropic, Models: []simulator.Model{
		{Name: "large", Capability: 1, ContextTokens: 2000, MaxOutputTokens: 1500}, {Name: "claude-opus-5", Capability: 1}, {Name: "claude-sonnet-4-5", Capability: 1},
	}})
	hi := `"messages":[{"role":"user","content":"Hi"}]`
	request := func(members string) string { return `{"model":"large","max_tokens":100,` + members + `}` }
	turns := func(more string) string { return request(`"messages":[{"role":"user","content":"Hi"},` + more + `]`) }
	block := func(b string) string { return request(`"messages":[{"role":"user","content":[` + b + `]}]`) }
	called := `{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{}}]}`
	tools := hi + `,"tools":[{"name":"f","input_schema":{"type":"object"}}]`
	for name, tc := range map[string]struct{ body, want string }{
		"no JSON":               {`{"a`, "not valid JSON"},
		"an unknown member":     {request(hi + `,"n":2`), "n: Extra inputs are not permitted"},
		"an unknown part":       {block(`{"type":"text","text":"a","shade":1}`), "shade: Extra inputs are not permitted"},
		"no model":              {`{"max_tokens":1,` + hi + `}`, "model: Field required"},
		"no cap":                {`{"model":"large",` + hi + `}`, "max_tokens: Field required"},
		"no room":               {`{"model":"large","max_tokens":0,` + hi + `}`, "max_tokens: Input should be greater"},
		"too much room":         {`{"model":"large","max_tokens":1600,` + hi + `}`, "max_tokens: 1600 > 1500"},
		"a long prompt":         {request(`"messages":[{"role":"user","content":"` + strings.Repeat("word ", 2500) + `"}]`), "prompt is too long"},
		"a full context":        {request(`"messages":[{"role":"user","content":"` + strings.Repeat("word ", 1950) + `"}]`), "exceed context limit"},
		"no messages":           {request(`"stream":false`), "messages: Field required"},
		"empty messages":        {request(`"messages":[]`), "at least one message"},
		"a system role":         {turns(`{"role":"system","content":"x"}`), "Unexpected role"},
		"an unknown role":       {turns(`{"role":"tool","content":"x"}`), "messages.1.role"},
		"the model begins":      {request(`"messages":[{"role":"assistant","content":"Hi"}]`), "first message must use"},
		"empty content":         {turns(`{"role":"user","content":[]}`), "non-empty content"},
		"an empty text":         {turns(`{"role":"user","content":" "}`), "non-whitespace"},
		"a prefill with space":  {turns(`{"role":"assistant","content":"x "}`), "trailing whitespace"},
		"a thought by the user": {block(`{"type":"thinking","thinking":"x"}`), "does not match any"},
		"bad base64":            {block(`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"!"}}`), "Invalid base64"},
		"a strange picture":     {block(`{"type":"image","source":{"type":"base64","media_type":"image/tiff","data":"aGFsbG8="}}`), "media_type"},
		"a strange source":      {block(`{"type":"image","source":{"type":"ftp"}}`), "source"},
		"no source":             {block(`{"type":"document"}`), "source: Field required"},
		"an unanswered call":    {turns(called), "without `tool_result` blocks"},
		"a late result":         {turns(called + `,{"role":"user","content":[{"type":"text","text":"x"},{"type":"tool_result","tool_use_id":"t1"}]}`), "unexpected `tool_use_id`"},
		"a result of nothing":   {block(`{"type":"tool_result","tool_use_id":"t1"}`), "unexpected `tool_use_id`"},
		"a call's id":           {turns(`{"role":"assistant","content":[{"type":"tool_use","id":"a.b","name":"f","input":{}}]}`), "tool_use.id"},
		"a call's input":        {turns(`{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":[]}]}`), "valid dictionary"},
		"a tool's name":         {request(hi + `,"tools":[{"name":"a b","input_schema":{"type":"object"}}]`), "tools.0.custom.name"},
		"a tool's schema":       {request(hi + `,"tools":[{"name":"a","input_schema":{}}]`), "input_schema.type"},
		"a tool of another":     {request(hi + `,"tools":[{"type":"web_search","name":"a"}]`), "tools.0"},
		"two tools of a name":   {request(hi + `,"tools":[{"name":"a","input_schema":{"type":"object"}},{"name":"a","input_schema":{"type":"object"}}]`), "must be unique"},
		"a strict tool":         {request(hi + `,"tools":[{"name":"a","strict":true,"input_schema":{"type":"object","properties":{"x":{"type":"integer","minimum":1}},"additionalProperties":false}}]`), "'minimum' is not supported"},
		"a choice of nothing":   {request(hi + `,"tool_choice":{"type":"auto"}`), "while providing `tools`"},
		"a strange choice":      {request(tools + `,"tool_choice":{"type":"required"}`), "tool_choice"},
		"a choice of no tool":   {request(tools + `,"tool_choice":{"type":"tool","name":"g"}`), "not found in provided tools"},
		"a forced thinker":      {request(tools + `,"tool_choice":{"type":"any"},"thinking":{"type":"adaptive"}`), "Thinking may not be enabled"},
		"a hot temperature":     {request(hi + `,"temperature":1.5`), "temperature: range"},
		"a blank stop":          {request(hi + `,"stop_sequences":["\n"]`), "non-whitespace"},
		"a strange effort":      {request(hi + `,"output_config":{"effort":"minimal"}`), "output_config.effort"},
		"a strange format":      {request(hi + `,"output_config":{"format":{"type":"xml"}}`), "output_config.format.type"},
		"a strange thought":     {request(hi + `,"thinking":{"type":"hard"}`), "thinking"},
		"a small budget":        {request(hi + `,"thinking":{"type":"enabled","budget_tokens":10}`), "greater than or equal to 1024"},
		"a large budget":        {request(hi + `,"thinking":{"type":"enabled","budget_tokens":2000}`), "`max_tokens` must be greater"},
		"a cold thinker":        {request(hi + `,"thinking":{"type":"adaptive"},"temperature":0`), "may only be set to 1"},
		"a picky thinker":       {request(hi + `,"thinking":{"type":"adaptive"},"top_k":4`), "`top_k` must be unset"},
		"a new model's warmth":  {`{"model":"claude-opus-5","max_tokens":10,"temperature":0,` + hi + `}`, "`temperature` is deprecated"},
		"a new model's top_k":   {`{"model":"claude-opus-5","max_tokens":10,"top_k":1,` + hi + `}`, "`top_k` is deprecated"},
		"a new model's budget":  {`{"model":"claude-opus-5","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":1024},` + hi + `}`, "thinking.type.enabled"},
		"both at once":          {`{"model":"claude-sonnet-4-5","max_tokens":10,"temperature":0,"top_p":0.5,` + hi + `}`, "cannot both be specified"},
	} {
		res := send(t, strings.TrimSuffix(url, "/v1")+"/v1/messages", tc.body, "anthropic-version", "2023-06-01")
		var e struct {
			Type  string
			Error struct{ Type, Message string }
		}
		body := text(t, res)
		if err := json.Unmarshal([]byte(body), &e); err != nil || res.StatusCode != http.StatusBadRequest || e.Type != "error" ||
			e.Error.Type != "invalid_request_error" || !strings.Contains(e.Error.Message, tc.want) {
			t.Errorf("%s: %d %s", name, res.StatusCode, body)
		}
	}
	for _, path := range []string{"/v1/chat/completions", "/v1/complete"} {
		if res := send(t, strings.TrimSuffix(url, "/v1")+path, "{}", "anthropic-version", "2023-06-01"); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	res, err := http.Get(strings.TrimSuffix(url, "/v1") + "/v1/messages")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", res.StatusCode)
	}
}
