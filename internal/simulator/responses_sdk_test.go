package simulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"

	"github.com/tiershift/tiershift/internal/simulator"
)

// respondTo is a request for the response to one prompt, surely answered well.
func respondTo(model, prompt string) responses.ResponseNewParams {
	return responses.ResponseNewParams{
		Model: model, Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(prompt)},
		Metadata: map[string]string{"difficulty": "0"},
	}
}

// collect reads a stream to its end, checks the numbers of its events and returns
// its text, its thoughts and its last response.
func collect(t *testing.T, stream *ssestream.Stream[responses.ResponseStreamEventUnion]) (text, thoughts string, last responses.Response) {
	t.Helper()
	for n := int64(0); stream.Next(); n++ {
		e := stream.Current()
		if e.SequenceNumber != n {
			t.Errorf("event %d has the number %d: %s", n, e.SequenceNumber, e.RawJSON())
		}
		switch e.Type {
		case "response.output_text.delta":
			text += e.Delta
		case "response.reasoning_summary_text.delta":
			thoughts += e.Delta
		case "response.completed", "response.incomplete", "response.failed":
			last = e.Response
		}
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	return text, thoughts, last
}

func TestSDKReadsAResponse(t *testing.T) {
	_, url := start(t, simulator.Config{})
	prompt := "Summarise the harbour regulations for visiting yachts."
	c := client(url)
	res, err := c.Responses.New(t.Context(), respondTo("large", prompt))
	if err != nil {
		t.Fatal(err)
	}
	if got := simulator.Judge(prompt, res.OutputText()); got.Verdict != simulator.Well {
		t.Errorf("judged %+v: %q", got, res.OutputText())
	}
	if res.Status != "completed" || res.Model != "large-2026-01-15" || !strings.HasPrefix(res.ID, "resp_") {
		t.Errorf("head: %s", res.RawJSON())
	}
	if want := int64(simulator.Tokens(res.OutputText())); res.Usage.OutputTokens != want || res.Usage.TotalTokens != res.Usage.InputTokens+want {
		t.Errorf("usage: %s, want %d out", res.Usage.RawJSON(), want)
	}
	text, _, last := collect(t, c.Responses.NewStreaming(t.Context(), respondTo("large", prompt)))
	if text != res.OutputText() || last.OutputText() != text || last.Usage.OutputTokens != res.Usage.OutputTokens {
		t.Errorf("stream %q, document %q", text, res.OutputText())
	}
}

func TestSDKReadsTheCallsOfAResponseAndSendsResults(t *testing.T) {
	_, url := start(t, simulator.Config{})
	c := client(url)
	params := respondTo("large", "How is the weather in Lisbon and New York today?")
	params.Tools = []responses.ToolUnionParam{{OfFunction: &responses.FunctionToolParam{
		Name: "get_current_weather", Strict: openai.Bool(false),
		Parameters: map[string]any{"type": "object", "properties": map[string]any{"location": map[string]any{"type": "string"}}, "required": []string{"location"}},
	}}}
	res, err := c.Responses.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Output) != 2 || res.Output[0].Type != "function_call" {
		t.Fatalf("output: %s", res.RawJSON())
	}
	_, _, last := collect(t, c.Responses.NewStreaming(t.Context(), params))
	input := responses.ResponseInputParam{responses.ResponseInputItemParamOfMessage("Weather in Lisbon and New York?", "user")}
	for i, item := range res.Output {
		var args struct{ Location string }
		if json.Unmarshal([]byte(item.Arguments.OfString), &args) != nil || args.Location == "" {
			t.Errorf("arguments: %s", item.RawJSON())
		}
		if last.Output[i].Arguments.OfString != item.Arguments.OfString {
			t.Errorf("streamed %s, document %s", last.Output[i].RawJSON(), item.RawJSON())
		}
		input = append(input, responses.ResponseInputItemParamOfFunctionCall(item.Arguments.OfString, item.CallID, item.Name))
	}
	for _, item := range res.Output {
		output := responses.ResponseInputItemParamOfFunctionCallOutput("21 degrees")
		output.OfFunctionCallOutput.CallID = openai.String(item.CallID)
		input = append(input, output)
	}
	params.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: input}
	if res, err = c.Responses.New(t.Context(), params); err != nil || res.OutputText() == "" {
		t.Errorf("%v: %s", err, res.RawJSON())
	}
}

func TestSDKReadsThoughtsAndBringsThemBack(t *testing.T) {
	_, url := start(t, simulator.Config{})
	c := client(url)
	params := respondTo("thinker", "Explain how tidal locks work in 40 words.")
	params.Reasoning = shared.ReasoningParam{Effort: "medium", Summary: "auto"}
	params.Include = []responses.ResponseIncludable{"reasoning.encrypted_content"}
	text, thoughts, last := collect(t, c.Responses.NewStreaming(t.Context(), params))
	if text == "" || !strings.Contains(thoughts, "tidal") || len(last.Output) != 2 || last.Output[0].Type != "reasoning" {
		t.Fatalf("thought %q, said %q: %s", thoughts, text, last.RawJSON())
	}
	thought := last.Output[0].AsReasoning()
	if last.Usage.OutputTokensDetails.ReasoningTokens == 0 || thought.EncryptedContent == "" || thought.Summary[0].Text != thoughts {
		t.Errorf("thought: %s", thought.RawJSON())
	}
	for encrypted, fails := range map[string]bool{thought.EncryptedContent: false, "gAAAAAforged": true} {
		item := responses.ResponseReasoningItemParam{ID: thought.ID, Summary: []responses.ResponseReasoningItemSummaryParam{}, EncryptedContent: openai.String(encrypted)}
		params.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: responses.ResponseInputParam{
			responses.ResponseInputItemParamOfMessage("Explain.", "user"),
			{OfReasoning: &item},
			responses.ResponseInputItemParamOfMessage("And then?", "user"),
		}}
		if _, err := c.Responses.New(t.Context(), params); (err != nil) != fails {
			t.Errorf("%s: %v", encrypted, err)
		}
	}
}

func TestSDKReadsAnImageAndStructuredOutputOfResponses(t *testing.T) {
	_, url := start(t, simulator.Config{})
	params := respondTo("large", "")
	params.Input = responses.ResponseNewParamsInputUnion{OfInputItemList: responses.ResponseInputParam{
		responses.ResponseInputItemParamOfMessage(responses.ResponseInputMessageContentListParam{
			responses.ResponseInputContentParamOfInputText("Extract the guest from: Ada Lovelace (ada@example.org) arrives on Monday."),
			{OfInputImage: &responses.ResponseInputImageParam{ImageURL: openai.String("data:image/png;base64,aGk="), Detail: "low"}},
		}, "user"),
	}}
	params.Text.Format.OfJSONSchema = &responses.ResponseFormatTextJSONSchemaConfigParam{
		Name: "guest", Strict: openai.Bool(true), Schema: map[string]any{
			"type": "object", "required": []string{"name", "email"},
			"properties": map[string]any{"name": map[string]any{"type": "string"}, "email": map[string]any{"type": "string", "format": "email"}},
		},
	}
	res, err := client(url).Responses.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	var guest struct{ Name, Email string }
	if json.Unmarshal([]byte(res.OutputText()), &guest) != nil || guest.Email != "ada@example.org" || res.Usage.InputTokens < 85 {
		t.Errorf("answer: %s", res.RawJSON())
	}
}

func TestResponsesAreCutWhereTheRequestSays(t *testing.T) {
	_, url := start(t, simulator.Config{})
	params := respondTo("large", "Write a detailed report on rope making.")
	params.MaxOutputTokens = openai.Int(20)
	res, err := client(url).Responses.New(t.Context(), params)
	if err != nil || res.Status != "incomplete" || res.IncompleteDetails.Reason != "max_output_tokens" || res.Usage.OutputTokens != 20 {
		t.Errorf("%v: %s", err, res.RawJSON())
	}
}

func TestResponsesTellLogProbabilities(t *testing.T) {
	_, url := start(t, simulator.Config{})
	params := respondTo("large", "Spell cat.")
	params.Include, params.TopLogprobs = []responses.ResponseIncludable{"message.output_text.logprobs"}, openai.Int(2)
	res, err := client(url).Responses.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if probs := res.Output[0].Content[0].Logprobs; len(probs) != int(res.Usage.OutputTokens) || len(probs[0].TopLogprobs) != 2 {
		t.Errorf("logprobs: %s", res.Output[0].RawJSON())
	}
}

func TestBadResponsesRequestsAreRefusedAsTheAPIDoes(t *testing.T) {
	_, url := start(t, simulator.Config{})
	for name, tc := range map[string]struct{ body, param, code string }{
		"no JSON":            {`{`, "", ""},
		"no model":           {`{"input":"hi"}`, "", ""},
		"no input":           {`{"model":"large"}`, "input", "missing_required_parameter"},
		"an empty list":      {`{"model":"large","input":[]}`, "input", "empty_array"},
		"input of no kind":   {`{"model":"large","input":3}`, "input", "invalid_type"},
		"an unknown member":  {`{"model":"large","input":"hi","stop":["x"]}`, "stop", "unknown_parameter"},
		"a wrong type":       {`{"model":"large","input":"hi","stream":"yes"}`, "stream", "invalid_type"},
		"a low cap":          {`{"model":"large","input":"hi","max_output_tokens":5}`, "max_output_tokens", "integer_below_min_value"},
		"too hot":            {`{"model":"large","input":"hi","temperature":3}`, "temperature", "decimal_above_max_value"},
		"top_p":              {`{"model":"large","input":"hi","top_p":3}`, "top_p", "decimal_above_max_value"},
		"top_logprobs":       {`{"model":"large","input":"hi","top_logprobs":33}`, "top_logprobs", "integer_above_max_value"},
		"state":              {`{"model":"large","input":"hi","previous_response_id":"resp_1"}`, "previous_response_id", "previous_response_not_found"},
		"background":         {`{"model":"large","input":"hi","background":true}`, "background", "unsupported_parameter"},
		"effort":             {`{"model":"large","input":"hi","reasoning":{"effort":"low"}}`, "reasoning.effort", "unsupported_parameter"},
		"encrypted":          {`{"model":"large","input":"hi","include":["reasoning.encrypted_content"]}`, "include", ""},
		"a hosted tool":      {`{"model":"large","input":"hi","tools":[{"type":"web_search"}]}`, "tools[0]", ""},
		"a nameless tool":    {`{"model":"large","input":"hi","tools":[{"type":"function"}]}`, "tools[0].name", "missing_required_parameter"},
		"an unknown choice":  {`{"model":"large","input":"hi","tools":[{"type":"function","name":"a"}],"tool_choice":{"type":"function","name":"b"}}`, "tool_choice", ""},
		"an unknown role":    {`{"model":"large","input":[{"role":"king","content":"hi"}]}`, "input[0].role", "invalid_value"},
		"a part of chat":     {`{"model":"large","input":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}`, "input[0].content[0]", "invalid_value"},
		"an empty image":     {`{"model":"large","input":[{"role":"user","content":[{"type":"input_image"}]}]}`, "input[0].content[0].image_url", "missing_required_parameter"},
		"a nameless file":    {`{"model":"large","input":[{"role":"user","content":[{"type":"input_file","file_data":"data:x"}]}]}`, "input[0].content[0].filename", "missing_required_parameter"},
		"content of no kind": {`{"model":"large","input":[{"role":"user","content":3}]}`, "input[0].content", "invalid_type"},
		"an unknown item":    {`{"model":"large","input":[{"type":"dance"}]}`, "input[0].type", "invalid_value"},
		"a nameless call":    {`{"model":"large","input":[{"type":"function_call"}]}`, "input[0].call_id", "missing_required_parameter"},
		"a result alone":     {`{"model":"large","input":[{"type":"function_call_output","call_id":"c","output":"x"}]}`, "input", ""},
		"a call alone":       {`{"model":"large","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}]}`, "input", ""},
		"a foreign thought":  {`{"model":"large","input":[{"type":"reasoning","id":"x","summary":[]}]}`, "input[0].id", "invalid_value"},
		"an unknown format":  {`{"model":"large","input":"hi","text":{"format":{"type":"xml"}}}`, "text.format.type", "invalid_value"},
		"a nameless schema":  {`{"model":"large","input":"hi","text":{"format":{"type":"json_schema"}}}`, "text.format.name", "missing_required_parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			res := send(t, url+"/responses", tc.body)
			var got struct {
				Error struct{ Message, Type, Param, Code string }
			}
			if err := json.Unmarshal([]byte(text(t, res)), &got); err != nil || res.StatusCode != 400 {
				t.Fatalf("%d %v", res.StatusCode, err)
			}
			if e := got.Error; e.Param != tc.param || e.Code != tc.code || e.Message == "" || e.Type != "invalid_request_error" {
				t.Errorf("error: %+v", e)
			}
		})
	}
}

func TestSDKRaisesTheErrorsOfResponses(t *testing.T) {
	p, url := start(t, simulator.Config{APIKeys: []string{"sk-test"}, AllowFaultHeader: true})
	fault := func(f string) []option.RequestOption {
		return []option.RequestOption{option.WithHeader(simulator.FaultHeader, f)}
	}
	for name, tc := range map[string]struct {
		model  string
		opts   []option.RequestOption
		status int
	}{
		"wrong key":     {"large", []option.RequestOption{option.WithAPIKey("sk-wrong-0123456789")}, 401},
		"unknown model": {"huge", nil, 404},
		"rate limit":    {"large", fault("status=429"), 429},
		"server error":  {"large", fault("status=500"), 500},
	} {
		_, err := client(url, tc.opts...).Responses.New(t.Context(), respondTo(tc.model, "Hello"))
		var apiErr *openai.Error
		if !errors.As(err, &apiErr) || apiErr.StatusCode != tc.status || apiErr.Message == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for f, ends := range map[string]string{"error-event=4": "error", "cut=4": "", "garbage=json": ""} {
		stream := client(url, fault(f)...).Responses.NewStreaming(t.Context(), respondTo("large", "Hello"))
		last := ""
		for stream.Next() {
			last = stream.Current().Type
		}
		if ends != "" && last != ends || ends == "" && stream.Err() == nil && strings.HasSuffix(last, "completed") {
			t.Errorf("%s: ended in %q, %v", f, last, stream.Err())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	p.SetLatency(simulator.Latency{TokensPerSecond: 50})
	stream := client(url).Responses.NewStreaming(ctx, respondTo("large", "Write a detailed report on rope making."))
	for range 8 {
		stream.Next()
	}
	before := p.Stats().Cancelled
	cancel()
	eventually(t, "the cancelled stream is counted", func() bool { return p.Stats().Cancelled > before })
	if res := send(t, url+"/responses", "{}", "api-key", "wrong"); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d", res.StatusCode)
	}
}

// azureClient is the official SDK with the options that its azure package sets:
// the deployment in the path, api-version in the query and the key in Api-Key.
func azureClient(url, key string) *openai.Client {
	c := openai.NewClient(option.WithBaseURL(strings.TrimSuffix(url, "/v1")+"/openai/deployments/large/"),
		option.WithQuery("api-version", "2024-10-21"), option.WithHeader("Api-Key", key), option.WithMaxRetries(0))
	return &c
}

func TestSDKSpeaksToAzure(t *testing.T) {
	_, url := start(t, simulator.Config{Dialect: simulator.AzureOpenAI, APIKeys: []string{"key"}})
	c := azureClient(url, "key")
	prompt := "Summarise {the harbour} regulations."
	whole, err := c.Chat.Completions.New(t.Context(), ask("large", prompt))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(whole.RawJSON(), `"prompt_filter_results"`) || whole.Choices[0].Message.Content == "" {
		t.Errorf("document: %s", whole.RawJSON())
	}
	stream := c.Chat.Completions.NewStreaming(t.Context(), ask("large", prompt))
	text := ""
	for n := 0; stream.Next(); n++ {
		chunk := stream.Current()
		if (len(chunk.Choices) == 0) != (n == 0) {
			t.Errorf("chunk %d: %s", n, chunk.RawJSON())
		}
		for _, choice := range chunk.Choices {
			text += choice.Delta.Content
		}
	}
	if stream.Err() != nil || text != whole.Choices[0].Message.Content {
		t.Errorf("%v: streamed %q", stream.Err(), text)
	}
	v1 := openai.NewClient(option.WithBaseURL(strings.TrimSuffix(url, "/v1")+"/openai/v1/"), option.WithAPIKey("key"), option.WithMaxRetries(0))
	if res, err := v1.Responses.New(t.Context(), respondTo("large", prompt)); err != nil || res.OutputText() != text {
		t.Errorf("responses: %v", err)
	}
	if page, err := v1.Models.List(t.Context()); err != nil || len(page.Data) != 3 {
		t.Errorf("models: %v", err)
	}
}

func TestAzureRefusesAsItsGatewayDoes(t *testing.T) {
	_, url := start(t, simulator.Config{Dialect: simulator.AzureOpenAI, APIKeys: []string{"key"}, AllowFaultHeader: true})
	base := strings.TrimSuffix(url, "/v1")
	chat := "/openai/deployments/large/chat/completions"
	for name, tc := range map[string]struct {
		path, key, fault string
		status           int
		code             string
	}{
		"wrong key":             {chat + "?api-version=x", "bad", "", 401, "401"},
		"no version":            {chat, "key", "", 404, "404"},
		"no such path":          {"/v1/chat/completions", "key", "", 404, "404"},
		"no such deployment":    {"/openai/deployments/huge/chat/completions?api-version=x", "key", "", 404, "DeploymentNotFound"},
		"a limit":               {chat + "?api-version=x", "key", "status=429", 429, "429"},
		"a model of the body":   {"/openai/v1/chat/completions", "key", "", 200, ""},
		"models need a version": {"/openai/models", "key", "", 404, "404"},
		"the deployment counts": {chat + "?api-version=x", "key", "", 200, ""},
	} {
		res := send(t, base+tc.path, document, "api-key", tc.key, simulator.FaultHeader, tc.fault)
		var got struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal([]byte(text(t, res)), &got); err != nil || res.StatusCode != tc.status || got.Error.Code != tc.code {
			t.Errorf("%s: %d %+v %v", name, res.StatusCode, got, err)
		}
	}
}
