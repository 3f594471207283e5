package anthropic_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/tiershift/tiershift/internal/provider/anthropic"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/simulator"
)

// models are of every generation that the wire tells apart.
var models = []string{
	"claude-3-7-sonnet-20250219", "claude-sonnet-4-20250514", "claude-haiku-4-5", "claude-opus-4-6", "claude-opus-4-8", "claude-opus-5", "deep-one",
}

func simulated(t *testing.T) (url string) {
	t.Helper()
	cfg := simulator.Config{Dialect: simulator.Anthropic, AllowFaultHeader: true}
	for _, m := range models {
		cfg.Models = append(cfg.Models, simulator.Model{Name: m, Capability: 1})
	}
	p, err := simulator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	url, stop, err := p.Listen(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return strings.TrimSuffix(url, "/v1")
}

func post(r *http.Request, url string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, url+"/v1/messages", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("anthropic-version", "2023-06-01")
	req.Header.Set(simulator.DifficultyHeader, "0")
	req.Header.Set(simulator.FaultHeader, r.Header.Get(simulator.FaultHeader))
	return http.DefaultClient.Do(req)
}

// proxy serves this wire by this wire, with the neutral model in between.
type proxy struct{ url, model string }

func (p proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	codec := anthropic.New()
	fail := func(e *chat.Error) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(e.Status)
		_, _ = w.Write(codec.EncodeError(e))
	}
	body, _ := io.ReadAll(r.Body)
	req, err := codec.DecodeRequest(body)
	if err != nil {
		fail(&chat.Error{Class: chat.ErrorInvalidRequest, Status: http.StatusBadRequest, Message: err.Error()})
		return
	}
	enc, err := codec.EncodeRequest(req, chat.Upstream{Model: p.model, CachePrompt: true})
	if err != nil {
		fail(&chat.Error{Class: chat.ErrorInvalidRequest, Status: http.StatusBadRequest, Message: err.Error()})
		return
	}
	res, err := post(r, p.url, enc.Body)
	if err != nil {
		fail(&chat.Error{Class: chat.ErrorInternal, Status: http.StatusBadGateway, Message: "no answer"})
		return
	}
	defer func() { _ = res.Body.Close() }()
	switch {
	case res.StatusCode != http.StatusOK:
		b, _ := io.ReadAll(res.Body)
		fail(codec.DecodeError(res.StatusCode, b))
	case req.Stream:
		w.Header().Set("Content-Type", "text/event-stream")
		relay(w, res.Body, req)
	default:
		b, _ := io.ReadAll(res.Body)
		answer, err := codec.DecodeResponse(b)
		if err != nil {
			fail(&chat.Error{Class: chat.ErrorInternal, Status: http.StatusBadGateway, Message: err.Error()})
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(codec.EncodeResponse(answer))
	}
}

func relay(w io.Writer, body io.Reader, req *chat.Request) {
	d, s := anthropic.New().NewStreamDecoder(), anthropic.New().NewStreamEncoder(req)
	lines := bufio.NewScanner(body)
	var name string
	var events []chat.Event
	for lines.Scan() {
		line := lines.Text()
		if n, ok := strings.CutPrefix(line, "event: "); ok {
			name = n
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		events, _ = d.Decode(events[:0], name, []byte(data))
		for _, e := range events {
			_, _ = w.Write(s.Encode(nil, e))
		}
	}
	for _, e := range d.End(nil) {
		_, _ = w.Write(s.Encode(nil, e))
	}
}

func client(t *testing.T, model string) *sdk.Client {
	t.Helper()
	server := httptest.NewServer(proxy{simulated(t), model})
	t.Cleanup(server.Close)
	c := sdk.NewClient(option.WithBaseURL(server.URL), option.WithAPIKey("k"), option.WithMaxRetries(0))
	return &c
}

func TestTheSDKTalksThroughTheNeutralModel(t *testing.T) {
	for _, model := range models {
		c := client(t, model)
		params := sdk.MessageNewParams{
			Model: "auto", MaxTokens: 4000, Messages: []sdk.MessageParam{sdk.NewUserMessage(sdk.NewTextBlock("How is the weather in Lisbon and New York — «today»?"))},
			Tools: []sdk.ToolUnionParam{{OfTool: &sdk.ToolParam{Name: "get_weather", InputSchema: sdk.ToolInputSchemaParam{
				Properties: map[string]any{"location": map[string]any{"type": "string"}}, Required: []string{"location"},
			}}}},
			Thinking: sdk.ThinkingConfigParamOfEnabled(2000),
		}
		whole, err := c.Messages.New(t.Context(), params)
		if err != nil {
			t.Fatal(model, err)
		}
		stream := c.Messages.NewStreaming(t.Context(), params)
		var streamed sdk.Message
		for stream.Next() {
			if err := streamed.Accumulate(stream.Current()); err != nil {
				t.Fatal(model, err)
			}
		}
		if err := stream.Err(); err != nil {
			t.Fatal(model, err)
		}
		if len(whole.Content) != len(streamed.Content) || whole.StopReason != "tool_use" || streamed.StopReason != "tool_use" {
			t.Fatalf("%s:\n%s\n%s", model, whole.RawJSON(), streamed.RawJSON())
		}
		results := []sdk.ContentBlockParamUnion{sdk.NewTextBlock("Hurry.")}
		for i, b := range whole.Content {
			s := streamed.Content[i]
			if b.Type != s.Type || b.Name != s.Name || string(b.Input) != string(s.Input) || b.Thinking != s.Thinking || b.Signature != s.Signature {
				t.Errorf("%s: block %d differs: %s, %s", model, i, b.RawJSON(), s.RawJSON())
			}
			if b.Type == "tool_use" {
				results = append([]sdk.ContentBlockParamUnion{sdk.NewToolResultBlock(b.ID, "21 degrees", false)}, results...)
			}
		}
		if whole.Usage.OutputTokens != streamed.Usage.OutputTokens || whole.Usage.InputTokens != streamed.Usage.InputTokens || whole.Usage.InputTokens == 0 {
			t.Errorf("%s: usage %s, %s", model, whole.Usage.RawJSON(), streamed.Usage.RawJSON())
		}
		params.Messages = append(params.Messages, whole.ToParam(), sdk.NewUserMessage(results...))
		if second, err := c.Messages.New(t.Context(), params); err != nil || second.StopReason != "end_turn" {
			t.Errorf("%s: second turn: %v", model, err)
		}
	}
}

func TestTheSDKRaisesItsTypedErrorsThroughTheNeutralModel(t *testing.T) {
	c := client(t, "claude-opus-5")
	params := sdk.MessageNewParams{Model: "auto", MaxTokens: 400, Messages: []sdk.MessageParam{sdk.NewUserMessage(sdk.NewTextBlock("Hi"))}}
	for fault, want := range map[string]sdk.ErrorType{
		"status=429": "rate_limit_error", "status=529": "overloaded_error", "status=500": "api_error", "status=401": "authentication_error",
		"status=403": "permission_error", "status=404": "not_found_error", "status=413": "request_too_large", "status=400": "invalid_request_error",
	} {
		_, err := c.Messages.New(t.Context(), params, option.WithHeader(simulator.FaultHeader, fault))
		var e *sdk.Error
		if !errors.As(err, &e) || e.Type() != want {
			t.Errorf("%s: %v", fault, err)
		}
	}
	for _, fault := range []string{"error-event=6", "cut=6"} {
		stream := c.Messages.NewStreaming(t.Context(), params, option.WithHeader(simulator.FaultHeader, fault))
		for stream.Next() {
			if stream.Current().Type == "message_delta" {
				t.Errorf("%s: an end is told", fault)
			}
		}
		var e *sdk.Error
		if errors.As(stream.Err(), &e) != strings.HasPrefix(fault, "error") {
			t.Errorf("%s: %v", fault, stream.Err())
		}
	}
	if _, err := c.Messages.New(t.Context(), sdk.MessageNewParams{Model: "auto", MaxTokens: 400}); err == nil {
		t.Error("a request without messages was taken")
	}
}

// Whatever the client asks, what is sent is a request that the API takes.
func TestEncodedRequestsAreAcceptedByEveryGeneration(t *testing.T) {
	url := simulated(t)
	two, half, k, no := 2.0, 0.5, int64(3), false
	textOf := func(role chat.Role, s string) chat.Message {
		return chat.Message{Role: role, Parts: []chat.Part{{Kind: chat.KindText, Text: s}}}
	}
	toolTurns := []chat.Message{
		textOf(chat.RoleSystem, "Be brief."), textOf(chat.RoleUser, "Hi"),
		{Role: chat.RoleAssistant, Parts: []chat.Part{{Kind: chat.KindThinking, Text: "unsigned"}, {Kind: chat.KindToolCall, Call: &chat.ToolCall{ID: "call.1", Name: "f"}}}},
		{Role: chat.RoleTool, Parts: []chat.Part{{Kind: chat.KindToolResult, Result: &chat.ToolResult{CallID: "call.1"}}}},
		textOf(chat.RoleDeveloper, "In French."),
	}
	tool := chat.Tool{Name: "f", Strict: func() *bool { b := true; return &b }()}
	schema := []byte(`{"type":"object","properties":{"a":{"type":"integer","maximum":3},"b":{"oneOf":[{"type":"string"},{"type":"null"}]}}}`)
	requests := map[string]*chat.Request{
		"sampling":        {Temperature: &two, TopP: &half, TopK: &k, Stop: []string{"\n", "END"}, User: "u", ServiceTier: "default"},
		"effort":          {Reasoning: chat.Reasoning{Effort: "xhigh"}, Temperature: &half, TopP: &half, TopK: &k},
		"no effort":       {Reasoning: chat.Reasoning{Effort: "none"}},
		"a small budget":  {Reasoning: chat.Reasoning{BudgetTokens: 9000}, MaxOutputTokens: 2000},
		"tools":           {Messages: toolTurns, Tools: []chat.Tool{tool}, Reasoning: chat.Reasoning{Effort: "low"}, ParallelToolCalls: &no},
		"a forced tool":   {Tools: []chat.Tool{tool}, ToolChoice: chat.ToolChoice{Mode: chat.ToolModeNamed, Names: []string{"f"}}, Reasoning: chat.Reasoning{Effort: "high"}},
		"a schema":        {Format: chat.Format{Kind: chat.FormatSchema, Schema: schema}},
		"thought schema":  {Format: chat.Format{Kind: chat.FormatSchema, Schema: schema}, Reasoning: chat.Reasoning{Effort: "low"}},
		"JSON":            {Format: chat.Format{Kind: chat.FormatJSON}},
		"the model first": {Messages: []chat.Message{textOf(chat.RoleAssistant, "So ")}},
		"a late system":   {Messages: []chat.Message{textOf(chat.RoleUser, "a"), textOf(chat.RoleSystem, "b"), textOf(chat.RoleUser, "c")}},
	}
	for name, r := range requests {
		if r.Messages == nil {
			r.Messages = []chat.Message{textOf(chat.RoleUser, "Answer in JSON.")}
		}
		for _, model := range models {
			enc, err := anthropic.New().EncodeRequest(r, chat.Upstream{Model: model, Reasons: true})
			if err != nil {
				t.Errorf("%s, %s: %v", name, model, err)
				continue
			}
			accepted(t, url, name+", "+model, enc.Body)
		}
	}
	for _, name := range []string{"plain", "thinking"} {
		body, err := os.ReadFile(filepath.Join("testdata", "requests", name+".in.json"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := anthropic.New().DecodeRequest(body)
		if err != nil {
			t.Fatal(err)
		}
		for _, model := range models {
			enc, err := anthropic.New().EncodeRequest(r, chat.Upstream{Model: model})
			if err != nil {
				t.Fatal(err)
			}
			accepted(t, url, name+", "+model, enc.Body)
		}
	}
}

func accepted(t *testing.T, url, name string, body []byte) {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "/", nil)
	res, err := post(req.WithContext(t.Context()), url, body)
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("%s: %s\n%s", name, answer, body)
	}
}
