package simulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"

	"github.com/tiershift/tiershift/internal/simulator"
)

func TestSDKReadsAChatCompletion(t *testing.T) {
	_, url := start(t, simulator.Config{})
	prompt := "Summarise the harbour regulations for visiting yachts."
	res, err := client(url).Chat.Completions.New(t.Context(), ask("large", prompt))
	if err != nil {
		t.Fatal(err)
	}
	c := res.Choices[0]
	if c.FinishReason != "stop" || c.Message.Role != "assistant" || len(res.Choices) != 1 {
		t.Errorf("choice: %s", c.RawJSON())
	}
	if got := simulator.Judge(prompt, c.Message.Content); got.Verdict != simulator.Well {
		t.Errorf("judged %+v: %q", got, c.Message.Content)
	}
	if want := simulator.Tokens(c.Message.Content); int(res.Usage.CompletionTokens) != want {
		t.Errorf("completion tokens: %d, want %d", res.Usage.CompletionTokens, want)
	}
	if res.Usage.TotalTokens != res.Usage.PromptTokens+res.Usage.CompletionTokens {
		t.Errorf("usage: %s", res.Usage.RawJSON())
	}
	if res.Model != "large-2026-01-15" || res.ServiceTier != "default" || !strings.HasPrefix(res.ID, "chatcmpl-") {
		t.Errorf("head: %s", res.RawJSON())
	}
	for _, f := range []interface{ Valid() bool }{res.JSON.Usage, res.JSON.Created, res.JSON.Object, res.JSON.SystemFingerprint} {
		if !f.Valid() {
			t.Errorf("a field is missing: %s", res.RawJSON())
		}
	}
}

func TestSDKReadsAStreamAsItReadsADocument(t *testing.T) {
	_, url := start(t, simulator.Config{})
	c := client(url)
	params := ask("large", "Explain how tidal locks work, for the café — in 60 words.")
	whole, err := c.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	for _, withUsage := range []bool{false, true} {
		if withUsage {
			params.StreamOptions.IncludeUsage = openai.Bool(true)
		}
		stream := c.Chat.Completions.NewStreaming(t.Context(), params)
		var acc openai.ChatCompletionAccumulator
		chunks, usages := 0, 0
		for stream.Next() {
			chunk := stream.Current()
			chunks++
			if chunk.JSON.Usage.Valid() {
				usages++
				if len(chunk.Choices) != 0 {
					t.Errorf("usage beside choices: %s", chunk.RawJSON())
				}
			}
			if strings.Contains(chunk.RawJSON(), `"usage"`) != withUsage {
				t.Errorf("usage member: %s", chunk.RawJSON())
			}
			if !acc.AddChunk(chunk) {
				t.Fatalf("not accumulated: %s", chunk.RawJSON())
			}
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		if acc.Choices[0].Message.Content != whole.Choices[0].Message.Content || acc.Choices[0].FinishReason != "stop" {
			t.Errorf("stream %q, document %q", acc.Choices[0].Message.Content, whole.Choices[0].Message.Content)
		}
		if chunks < 60 || withUsage != (usages == 1) {
			t.Errorf("%d chunks, %d with usage", chunks, usages)
		}
		if withUsage && acc.Usage.TotalTokens != whole.Usage.TotalTokens {
			t.Errorf("usage: %+v, want %+v", acc.Usage, whole.Usage)
		}
	}
}

var weather = openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
	Name:        "get_current_weather",
	Description: openai.String("Current weather of a place"),
	Parameters: shared.FunctionParameters{
		"type": "object",
		"properties": map[string]any{
			"location": map[string]any{"type": "string"},
			"unit":     map[string]any{"type": "string", "enum": []string{"celsius", "fahrenheit"}},
			"days":     map[string]any{"type": "integer", "minimum": 1, "maximum": 3},
		},
		"required": []string{"location", "unit", "days"},
	},
})

// checkWeather checks the arguments of a call against the tool's schema.
func checkWeather(t *testing.T, arguments string) (location string) {
	t.Helper()
	var args struct {
		Location, Unit string
		Days           int
	}
	d := json.NewDecoder(strings.NewReader(arguments))
	d.DisallowUnknownFields()
	if err := d.Decode(&args); err != nil {
		t.Fatalf("%s: %v", arguments, err)
	}
	if args.Location == "" || args.Days < 1 || args.Days > 3 || args.Unit != "celsius" && args.Unit != "fahrenheit" {
		t.Errorf("arguments: %s", arguments)
	}
	return args.Location
}

func TestSDKReadsToolCalls(t *testing.T) {
	_, url := start(t, simulator.Config{})
	c := client(url)
	params := ask("large", "How is the weather in Lisbon and New York today?")
	params.Tools = []openai.ChatCompletionToolUnionParam{weather}
	whole, err := c.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	calls := whole.Choices[0].Message.ToolCalls
	if len(calls) != 2 || whole.Choices[0].FinishReason != "tool_calls" {
		t.Fatalf("choice: %s", whole.Choices[0].RawJSON())
	}
	if a, b := checkWeather(t, calls[0].Function.Arguments), checkWeather(t, calls[1].Function.Arguments); a != "Lisbon" || b != "New York" {
		t.Errorf("locations: %s, %s", a, b)
	}
	stream := c.Chat.Completions.NewStreaming(t.Context(), params)
	var acc openai.ChatCompletionAccumulator
	finished, parts := 0, 0
	for stream.Next() {
		acc.AddChunk(stream.Current())
		if _, ok := acc.JustFinishedToolCall(); ok {
			finished++
		}
		for _, ch := range stream.Current().Choices {
			parts += len(ch.Delta.ToolCalls)
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	streamed := acc.Choices[0].Message.ToolCalls
	if finished != 2 || parts < 10 || len(streamed) != 2 || acc.Choices[0].FinishReason != "tool_calls" {
		t.Fatalf("%d finished, %d parts: %+v", finished, parts, acc.Choices[0])
	}
	for i := range calls {
		if streamed[i].Function.Name != calls[i].Function.Name || streamed[i].Function.Arguments != calls[i].Function.Arguments {
			t.Errorf("call %d: streamed %+v, document %+v", i, streamed[i], calls[i])
		}
	}
}

func TestToolChoiceDecidesWhatIsCalled(t *testing.T) {
	_, url := start(t, simulator.Config{})
	clock := openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "read_clock"})
	named := openai.ToolChoiceOptionFunctionToolChoice(openai.ChatCompletionNamedToolChoiceFunctionParam{Name: "read_clock"})
	mode := func(m string) openai.ChatCompletionToolChoiceOptionUnionParam {
		return openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: openai.String(m)}
	}
	allowed := openai.ToolChoiceOptionAllowedTools(openai.ChatCompletionAllowedToolsParam{
		Mode:  "required",
		Tools: []map[string]any{{"type": "function", "function": map[string]any{"name": "read_clock"}}},
	})
	for name, tc := range map[string]struct {
		prompt string
		choice openai.ChatCompletionToolChoiceOptionUnionParam
		single bool
		called []string
		finish string
	}{
		"auto, and the prompt asks for it":  {prompt: "Tell me the weather in Porto.", choice: mode("auto"), called: []string{"get_current_weather"}, finish: "tool_calls"},
		"auto, and the prompt does not":     {prompt: "Write a limerick.", choice: mode("auto"), finish: "stop"},
		"none":                              {prompt: "Tell me the weather in Porto.", choice: mode("none"), finish: "stop"},
		"required":                          {prompt: "Write a limerick.", choice: mode("required"), called: []string{"get_current_weather"}, finish: "tool_calls"},
		"named":                             {prompt: "Write a limerick.", choice: named, called: []string{"read_clock"}, finish: "stop"},
		"allowed":                           {prompt: "Write a limerick.", choice: allowed, called: []string{"read_clock"}, finish: "tool_calls"},
		"two names, but no parallel calls":  {prompt: "The weather in Porto and Rome?", choice: mode("auto"), single: true, called: []string{"get_current_weather"}, finish: "tool_calls"},
		"two tools are asked for, in order": {prompt: "What does the clock say, and the weather?", choice: mode("auto"), called: []string{"get_current_weather", "read_clock"}, finish: "tool_calls"},
	} {
		t.Run(name, func(t *testing.T) {
			params := ask("large", tc.prompt)
			params.Tools = []openai.ChatCompletionToolUnionParam{weather, clock}
			params.ToolChoice = tc.choice
			if tc.single {
				params.ParallelToolCalls = openai.Bool(false)
			}
			res, err := client(url).Chat.Completions.New(t.Context(), params)
			if err != nil {
				t.Fatal(err)
			}
			var called []string
			for _, call := range res.Choices[0].Message.ToolCalls {
				called = append(called, call.Function.Name)
			}
			if strings.Join(called, " ") != strings.Join(tc.called, " ") || res.Choices[0].FinishReason != tc.finish {
				t.Errorf("choice: %s", res.Choices[0].RawJSON())
			}
			if (res.Choices[0].Message.Content == "") != (len(called) > 0) {
				t.Errorf("content: %s", res.Choices[0].RawJSON())
			}
		})
	}
}

func TestAnAnswerToToolResultsIsText(t *testing.T) {
	_, url := start(t, simulator.Config{})
	params := ask("large", "How is the weather in Lisbon?")
	params.Tools = []openai.ChatCompletionToolUnionParam{weather}
	c := client(url)
	first, err := c.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	call := first.Choices[0].Message.ToolCalls[0]
	params.Messages = append(params.Messages, first.Choices[0].Message.ToParam(), openai.ToolMessage("21 degrees", call.ID))
	second, err := c.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if second.Choices[0].FinishReason != "stop" || second.Choices[0].Message.Content == "" {
		t.Errorf("choice: %s", second.Choices[0].RawJSON())
	}
}

func TestSDKReadsStructuredOutput(t *testing.T) {
	_, url := start(t, simulator.Config{})
	params := ask("large", "Extract the guest from: Ada Lovelace (ada@example.org) arrives on Monday.")
	params.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{
		Name: "guest", Strict: openai.Bool(true), Schema: map[string]any{
			"type": "object", "additionalProperties": false, "required": []string{"name", "email", "nights"},
			"properties": map[string]any{
				"name": map[string]any{"type": "string"}, "email": map[string]any{"type": "string", "format": "email"},
				"nights": map[string]any{"type": "integer"},
			},
		},
	}}
	res, err := client(url).Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	var guest struct {
		Name, Email string
		Nights      *int
	}
	if err := json.Unmarshal([]byte(res.Choices[0].Message.Content), &guest); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(guest.Name, "Ada Lovelace (ref ") || guest.Email != "ada@example.org" || guest.Nights == nil {
		t.Errorf("content: %s", res.Choices[0].Message.Content)
	}
}

func TestSDKRaisesTypedErrors(t *testing.T) {
	_, url := start(t, simulator.Config{APIKeys: []string{"sk-test", "sk-next"}, AllowFaultHeader: true})
	for name, tc := range map[string]struct {
		model  string
		opts   []option.RequestOption
		status int
		kind   string
		code   string
	}{
		"wrong key":     {"large", []option.RequestOption{option.WithAPIKey("sk-wrong-0123456789")}, 401, "invalid_request_error", "invalid_api_key"},
		"unknown model": {"huge", nil, 404, "invalid_request_error", "model_not_found"},
		"rate limit":    {"large", []option.RequestOption{option.WithHeader(simulator.FaultHeader, "status=429")}, 429, "requests", "rate_limit_exceeded"},
		"server error":  {"large", []option.RequestOption{option.WithHeader(simulator.FaultHeader, "status=500")}, 500, "server_error", ""},
		"overloaded":    {"large", []option.RequestOption{option.WithHeader(simulator.FaultHeader, "status=503")}, 503, "server_error", ""},
		"too busy":      {"large", []option.RequestOption{option.WithHeader(simulator.FaultHeader, "status=529")}, 529, "server_error", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client(url, tc.opts...).Chat.Completions.New(t.Context(), ask(tc.model, "Hello"))
			var apiErr *openai.Error
			if !errors.As(err, &apiErr) {
				t.Fatalf("not an API error: %v", err)
			}
			if apiErr.StatusCode != tc.status || apiErr.Type != tc.kind || apiErr.Code != tc.code || apiErr.Message == "" {
				t.Errorf("error: %d %s", apiErr.StatusCode, apiErr.RawJSON())
			}
		})
	}
}

func TestSDKListsModels(t *testing.T) {
	_, url := start(t, simulator.Config{Name: "acme"})
	page, err := client(url).Models.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range page.Data {
		names = append(names, m.ID)
		if m.OwnedBy != "acme" || m.Created == 0 || m.Object != "model" {
			t.Errorf("model: %s", m.RawJSON())
		}
	}
	if strings.Join(names, " ") != "small large thinker" {
		t.Errorf("models: %v", names)
	}
}

func TestAClientThatLeavesIsCountedAndChargedForWhatWasGenerated(t *testing.T) {
	p, url := start(t, simulator.Config{Latency: simulator.Latency{TokensPerSecond: 100}})
	ctx, cancel := context.WithCancel(t.Context())
	stream := client(url).Chat.Completions.NewStreaming(ctx, ask("large", "Write a detailed report on rope making."))
	for range 4 {
		if !stream.Next() {
			t.Fatal(stream.Err())
		}
	}
	if p.Stats().OpenStreams != 1 {
		t.Errorf("open streams: %d", p.Stats().OpenStreams)
	}
	cancel()
	eventually(t, "the cancelled stream is counted", func() bool { return p.Stats().Cancelled == 1 })
	s := p.Stats()
	charged := s.Models["large"]
	if s.OpenStreams != 0 || charged.Requests != 1 || charged.CompletionTokens < 3 || charged.CompletionTokens > 60 || charged.PromptTokens == 0 {
		t.Errorf("stats: %+v", s)
	}
	if s.TokensGenerated != charged.CompletionTokens {
		t.Errorf("tokens: %d, charged %d", s.TokensGenerated, charged.CompletionTokens)
	}
}

func TestAClientThatLeavesBeforeTheDocumentIsCounted(t *testing.T) {
	p, url := start(t, simulator.Config{Latency: simulator.Latency{TokensPerSecond: 50}})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := client(url).Chat.Completions.New(ctx, ask("large", "Write a detailed report on rope making.")); err == nil {
		t.Fatal("answered")
	}
	eventually(t, "the cancelled request is counted", func() bool { return p.Stats().Cancelled == 1 })
	if got := p.Stats().Models["large"].CompletionTokens; got < 1 || got > 40 {
		t.Errorf("charged for %d tokens", got)
	}
}

// firstTry adds a header to the first request that it sends.
type firstTry struct {
	name, value string
	sent        int
}

func (f *firstTry) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if f.sent == 0 {
		r.Header.Set(f.name, f.value)
	}
	f.sent++
	return http.DefaultTransport.RoundTrip(r)
}

func TestSDKRetriesWhenTheProviderSaysSo(t *testing.T) {
	p, url := start(t, simulator.Config{AllowFaultHeader: true})
	transport := &firstTry{name: simulator.FaultHeader, value: "status=429; retry-after=150ms"}
	c := client(url, option.WithMaxRetries(1), option.WithHTTPClient(&http.Client{Transport: transport}))
	began := time.Now()
	if _, err := c.Chat.Completions.New(t.Context(), ask("large", "Hello")); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 150*time.Millisecond || took > 450*time.Millisecond {
		t.Errorf("retried after %v", took)
	}
	if s := p.Stats(); s.Requests != 2 || s.Faults["429"] != 1 || s.Models["large"].Requests != 1 {
		t.Errorf("stats: %+v", s)
	}
}
