package router_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/simulator"
)

// The official SDK, unmodified but for its base URL, is the judge of what the
// router serves.

func (g *gateway) sdk(options ...option.RequestOption) openai.Client {
	return openai.NewClient(append([]option.RequestOption{
		option.WithBaseURL(g.url + "/v1"), option.WithAPIKey("client-key"), option.WithMaxRetries(0),
	}, options...)...)
}

func userSays(text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model: "auto", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)},
	}
}

func TestSDKChat(t *testing.T) {
	g := newGateway(t, nil)
	client := g.sdk()
	var response *http.Response
	completion, err := client.Chat.Completions.New(t.Context(), userSays("Name a prime number"), option.WithResponseInto(&response))
	if err != nil {
		t.Fatal(err)
	}
	if completion.Choices[0].Message.Content == "" || completion.Usage.TotalTokens == 0 || completion.Model != "medium-1" {
		t.Errorf("incomplete completion: %s", completion.RawJSON())
	}
	for _, name := range []string{"Request-Id", "Route", "Tier", "Model", "Provider", "Reason", "Attempts", "Cost-Usd"} {
		if response.Header.Get("X-Tiershift-"+name) == "" {
			t.Errorf("no header x-tiershift-%s", strings.ToLower(name))
		}
	}
}

func TestSDKStream(t *testing.T) {
	g := newGateway(t, nil)
	client := g.sdk()
	for _, asked := range []bool{false, true} {
		params := userSays("Tell me a story")
		if asked {
			params.StreamOptions.IncludeUsage = openai.Bool(true)
		}
		stream := client.Chat.Completions.NewStreaming(t.Context(), params)
		var all openai.ChatCompletionAccumulator
		usageChunks, nullUsage := 0, 0
		for stream.Next() {
			chunk := stream.Current()
			all.AddChunk(chunk)
			if chunk.JSON.Usage.Valid() {
				usageChunks++
			} else if strings.Contains(chunk.RawJSON(), `"usage"`) {
				nullUsage++
			}
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		if all.Choices[0].Message.Content == "" || all.Choices[0].FinishReason != "stop" {
			t.Errorf("incomplete stream: %+v", all.Choices[0])
		}
		if asked && (usageChunks != 1 || all.Usage.TotalTokens == 0) {
			t.Errorf("asked for usage, got %d chunks with it", usageChunks)
		}
		if !asked && usageChunks+nullUsage != 0 {
			t.Errorf("did not ask for usage, got %d chunks with it and %d with null", usageChunks, nullUsage)
		}
	}
	for n := range 2 {
		if r := g.record(n); r.Usage.OutputTokens == 0 || r.Usage.Estimated || r.Cost == 0 || !r.Stream {
			t.Errorf("record %d: %+v", n, r)
		}
	}
}

func weatherTool() openai.ChatCompletionToolUnionParam {
	return openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{
		Name: "get_weather",
		Parameters: openai.FunctionParameters{
			"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []string{"city"},
		},
	})
}

func TestSDKToolCalls(t *testing.T) {
	g := newGateway(t, nil)
	client := g.sdk()
	params := userSays("What is the weather in Porto?")
	params.Tools = []openai.ChatCompletionToolUnionParam{weatherTool()}
	params.ToolChoice = openai.ToolChoiceOptionFunctionToolChoice(openai.ChatCompletionNamedToolChoiceFunctionParam{Name: "get_weather"})
	completion, err := client.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	calls := completion.Choices[0].Message.ToolCalls
	if len(calls) != 1 || calls[0].Function.Name != "get_weather" || !strings.Contains(calls[0].Function.Arguments, `"city"`) {
		t.Fatalf("tool calls: %+v", calls)
	}
	stream := client.Chat.Completions.NewStreaming(t.Context(), params)
	var all openai.ChatCompletionAccumulator
	for stream.Next() {
		if !all.AddChunk(stream.Current()) {
			t.Fatal("the accumulator refused a chunk")
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	streamed := all.Choices[0].Message.ToolCalls
	if len(streamed) != 1 || streamed[0].Function.Arguments != calls[0].Function.Arguments {
		t.Errorf("streamed tool calls: %+v", streamed)
	}
}

func TestSDKModels(t *testing.T) {
	g := newGateway(t, func(c *routerconfig.Config) {
		c.Routes = []routerconfig.Route{{Name: "tickets", Tier: "nano", Match: routerconfig.Match{ModelNames: []string{"triage"}}}}
	})
	client := g.sdk()
	page, err := client.Models.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range page.Data {
		ids = append(ids, m.ID)
	}
	want := "auto tickets triage tier:nano tier:mid tier:flagship small-1 medium-1 medium-2 large-1"
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("models: %s\nwant:   %s", got, want)
	}
	if m, err := client.Models.Get(t.Context(), "medium-2"); err != nil || m.ID != "medium-2" {
		t.Errorf("model by name: %v, %v", m, err)
	}
}

func TestSDKErrorsAreTyped(t *testing.T) {
	g := newGateway(t, func(c *routerconfig.Config) {
		c.Auth = routerconfig.Auth{Mode: routerconfig.AuthAPIKeys, ClientsDir: "clients"}
	})
	g.secrets.set("clients/web", "client-key")
	g.process.Server().Engine().RefreshKeys()
	for _, test := range []struct {
		name   string
		change func(*openai.ChatCompletionNewParams)
		key    string
		status int
		code   string
	}{
		{"a wrong key", nil, "nobody", 401, "invalid_api_key"},
		{"an unknown model", func(p *openai.ChatCompletionNewParams) { p.Model = "gpt-1" }, "client-key", 404, "model_not_found"},
		{"no messages", func(p *openai.ChatCompletionNewParams) { p.Messages = nil }, "client-key", 400, "invalid_request"},
		{"a body over the limit", func(p *openai.ChatCompletionNewParams) {
			p.Messages = append(p.Messages, openai.UserMessage(strings.Repeat("x", 1<<20)))
		}, "client-key", 413, "request_too_large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := g.sdk(option.WithAPIKey(test.key))
			params := userSays("hello")
			if test.change != nil {
				test.change(&params)
			}
			_, err := client.Chat.Completions.New(t.Context(), params)
			var typed *openai.Error
			if !errors.As(err, &typed) {
				t.Fatalf("not the SDK's error: %v", err)
			}
			if typed.StatusCode != test.status || typed.Code != test.code || typed.Message == "" {
				t.Errorf("got %d %q %q, want %d %q", typed.StatusCode, typed.Code, typed.Message, test.status, test.code)
			}
		})
	}
}

func TestSDKSeesARateLimitWithWhenToRetry(t *testing.T) {
	g := newGateway(t, nil)
	for name := range g.providers {
		g.faults(name, simulator.Faults{ErrorRates: map[int]float64{429: 1}, RetryAfter: 7e9})
	}
	client := g.sdk()
	_, err := client.Chat.Completions.New(t.Context(), userSays("hello"))
	var typed *openai.Error
	if !errors.As(err, &typed) || typed.StatusCode != 429 || typed.Response.Header.Get("Retry-After") != "7" {
		t.Fatalf("want a 429 with Retry-After 7: %v", err)
	}
}

func TestSDKCancellationReachesTheProviderAndIsCharged(t *testing.T) {
	g := newGateway(t, nil)
	g.providers["first"].SetLatency(simulator.Latency{TokensPerSecond: 20})
	ctx, cancel := context.WithCancel(t.Context())
	client := g.sdk()
	stream := client.Chat.Completions.NewStreaming(ctx, userSays("Tell me a very long story about the sea"))
	if !stream.Next() {
		t.Fatal(stream.Err())
	}
	cancel()
	for stream.Next() {
	}
	if !errors.Is(stream.Err(), context.Canceled) {
		t.Errorf("the SDK's error: %v", stream.Err())
	}
	r := g.record(0)
	if r.Outcome != metricnames.OutcomeCancelled || !r.Usage.Estimated || r.Cost == 0 {
		t.Errorf("record: %+v", r)
	}
	g.eventually("the provider to notice", func() bool { return g.providers["first"].Stats().Cancelled == 1 })
}

func TestSDKRaisesAnErrorWhenTheStreamIsCut(t *testing.T) {
	g := newGateway(t, nil)
	g.faults("first", simulator.Faults{CutRate: 1})
	client := g.sdk()
	stream := client.Chat.Completions.NewStreaming(t.Context(), userSays("Tell me a story"))
	finished := false
	for stream.Next() {
		for _, choice := range stream.Current().Choices {
			finished = finished || choice.FinishReason != ""
		}
	}
	if stream.Err() == nil || !strings.Contains(stream.Err().Error(), "cut") {
		t.Errorf("the SDK's error: %v", stream.Err())
	}
	if finished {
		t.Error("a finish reason was faked")
	}
	r := g.record(0)
	if r.Outcome != metricnames.OutcomeCut || !r.Usage.Estimated || r.Cost == 0 || r.Attempts != 1 {
		t.Errorf("record: %+v", r)
	}
}
