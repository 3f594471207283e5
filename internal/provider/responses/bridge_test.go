package responses_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	sdk "github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/openaichat"
	"github.com/tiershift/tiershift/internal/provider/responses"
	"github.com/tiershift/tiershift/internal/simulator"
)

// bridge is a server that answers clients of both of OpenAI's wires with a
// provider of one of them.
type bridge struct {
	t        *testing.T
	upstream chat.Codec
	url      string
	reasons  bool
	dropped  []string
}

var codecs = map[string]chat.Codec{"/chat/completions": openaichat.New(), "/responses": responses.New()}

func (b *bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	inbound := codecs[r.URL.Path]
	body, _ := io.ReadAll(r.Body)
	req, err := inbound.DecodeRequest(body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(inbound.EncodeError(&chat.Error{Class: chat.ErrorInvalidRequest, Message: err.Error()}))
		return
	}
	encoded, err := b.upstream.EncodeRequest(req, chat.Upstream{Model: req.Model, Reasons: b.reasons})
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write(inbound.EncodeError(&chat.Error{Class: chat.ErrorInvalidRequest, Message: err.Error()}))
		return
	}
	b.dropped = encoded.Dropped
	res, err := http.Post(b.url, "application/json", bytes.NewReader(encoded.Body))
	if err != nil {
		b.t.Error(err)
		return
	}
	defer res.Body.Close()
	w.Header().Set("Content-Type", res.Header.Get("Content-Type"))
	if res.StatusCode != http.StatusOK || !req.Stream {
		b.document(w, inbound, res)
		return
	}
	b.stream(w, inbound, req, res.Body)
}

func (b *bridge) document(w http.ResponseWriter, inbound chat.Codec, res *http.Response) {
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		w.WriteHeader(res.StatusCode)
		_, _ = w.Write(inbound.EncodeError(b.upstream.DecodeError(res.StatusCode, body)))
		return
	}
	answer, err := b.upstream.DecodeResponse(body)
	if err != nil {
		b.t.Error(err)
		return
	}
	_, _ = w.Write(inbound.EncodeResponse(answer))
}

func (b *bridge) stream(w http.ResponseWriter, inbound chat.Codec, req *chat.Request, body io.Reader) {
	d, e := b.upstream.NewStreamDecoder(), inbound.NewStreamEncoder(req)
	var list []chat.Event
	tell := func() {
		for _, event := range list {
			_, _ = w.Write(e.Encode(nil, event))
		}
		list = list[:0]
	}
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var err error
		if list, err = d.Decode(list, "", []byte(data)); err != nil {
			b.t.Error(err)
		}
		tell()
	}
	list = d.End(list)
	tell()
}

// each runs a test over both wires upstream.
func each(t *testing.T, test func(t *testing.T, b *bridge, c *openai.Client)) {
	for path, codec := range codecs {
		t.Run("upstream "+path, func(t *testing.T) {
			p, err := simulator.New(simulator.Config{Models: []simulator.Model{
				{Name: "large", Capability: 1}, {Name: "thinker", Capability: 1, Reasoning: true},
			}})
			if err != nil {
				t.Fatal(err)
			}
			upstream := httptest.NewServer(p.Handler())
			t.Cleanup(upstream.Close)
			b := &bridge{t: t, upstream: codec, url: upstream.URL + "/v1" + path}
			s := httptest.NewServer(b)
			t.Cleanup(s.Close)
			c := openai.NewClient(option.WithBaseURL(s.URL), option.WithAPIKey("k"), option.WithMaxRetries(0))
			test(t, b, &c)
		})
	}
}

func input(items ...sdk.ResponseInputItemUnionParam) sdk.ResponseNewParamsInputUnion {
	return sdk.ResponseNewParamsInputUnion{OfInputItemList: items}
}

func say(text string) sdk.ResponseInputItemUnionParam {
	return sdk.ResponseInputItemParamOfMessage(text, "user")
}

// last reads a stream to its end and checks the numbers of its events.
func last(t *testing.T, c *openai.Client, params sdk.ResponseNewParams) (text string, res sdk.Response) {
	t.Helper()
	stream := c.Responses.NewStreaming(t.Context(), params)
	for n := int64(0); stream.Next(); n++ {
		e := stream.Current()
		if e.SequenceNumber != n {
			t.Errorf("event %d has the number %d", n, e.SequenceNumber)
		}
		if e.Type == "response.output_text.delta" {
			text += e.Delta
		}
		res = e.Response
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	return text, res
}

func TestClientsOfResponsesAreServedByBothWires(t *testing.T) {
	each(t, func(t *testing.T, b *bridge, c *openai.Client) {
		params := sdk.ResponseNewParams{
			Model: "large", Instructions: openai.String("Be kind."),
			Input: input(say("Explain how tidal locks work, for the café — in 60 words."), sdk.ResponseInputItemParamOfMessage(
				sdk.ResponseInputMessageContentListParam{{OfInputImage: &sdk.ResponseInputImageParam{Detail: "low", ImageURL: openai.String("data:image/png;base64,aGk=")}}}, "user"), say("Go.")),
		}
		whole, err := c.Responses.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		text, res := last(t, c, params)
		if text == "" || text != whole.OutputText() || res.OutputText() != text || res.Status != "completed" || res.Usage.OutputTokens != whole.Usage.OutputTokens || res.Usage.InputTokens < 85 {
			t.Errorf("streamed %q, last event %s\nwhole %s", text, res.RawJSON(), whole.RawJSON())
		}
		params.PreviousResponseID = openai.String(whole.ID)
		_, err = c.Responses.New(t.Context(), params)
		var apiErr *openai.Error
		if !errors.As(err, &apiErr) || apiErr.StatusCode != 400 || !strings.Contains(strings.ToLower(apiErr.Message), "previous") {
			t.Errorf("previous_response_id: %v", err)
		}
	})
}

func TestClientsOfChatAreServedByBothWires(t *testing.T) {
	each(t, func(t *testing.T, b *bridge, c *openai.Client) {
		params := openai.ChatCompletionNewParams{
			Model: "large", StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)},
			Messages: []openai.ChatCompletionMessageParamUnion{openai.SystemMessage("Be kind."), openai.UserMessage("Explain how tidal locks work in 60 words.")},
			Logprobs: openai.Bool(true), TopLogprobs: openai.Int(2),
		}
		stream := c.Chat.Completions.NewStreaming(t.Context(), params)
		var acc openai.ChatCompletionAccumulator
		for stream.Next() {
			acc.AddChunk(stream.Current())
		}
		params.StreamOptions = openai.ChatCompletionStreamOptionsParam{}
		whole, err := c.Chat.Completions.New(t.Context(), params)
		if err != nil || stream.Err() != nil {
			t.Fatal(err, stream.Err())
		}
		got, want := acc.Choices[0], whole.Choices[0]
		if got.Message.Content == "" || got.Message.Content != want.Message.Content || got.FinishReason != "stop" || acc.Usage.TotalTokens != whole.Usage.TotalTokens {
			t.Errorf("streamed %+v, whole %s", acc.ChatCompletion, whole.RawJSON())
		}
		if len(want.Logprobs.Content) == 0 || len(got.Logprobs.Content) != len(want.Logprobs.Content) {
			t.Errorf("%d log probabilities streamed, %d whole", len(got.Logprobs.Content), len(want.Logprobs.Content))
		}
		params.Model = "huge"
		_, err = c.Chat.Completions.New(t.Context(), params)
		var apiErr *openai.Error
		if !errors.As(err, &apiErr) || apiErr.StatusCode != 404 || apiErr.Code != "model_not_found" {
			t.Errorf("unknown model: %v", err)
		}
	})
}

var place = map[string]any{"type": "object", "properties": map[string]any{"location": map[string]any{"type": "string"}}, "required": []string{"location"}}

func TestToolsWorkAcrossTheWires(t *testing.T) {
	each(t, func(t *testing.T, b *bridge, c *openai.Client) {
		params := sdk.ResponseNewParams{
			Model: "large", Input: input(say("How is the weather in Lisbon and New York today?")),
			Tools: []sdk.ToolUnionParam{{OfFunction: &sdk.FunctionToolParam{Name: "get_weather", Parameters: place}}},
		}
		_, res := last(t, c, params)
		if len(res.Output) != 2 || res.Output[0].Type != "function_call" || !strings.Contains(res.Output[0].Arguments.OfString, "Lisbon") {
			t.Fatalf("output: %s", res.RawJSON())
		}
		for _, item := range res.Output {
			call := item.AsFunctionCall().ToParam()
			params.Input.OfInputItemList = append(params.Input.OfInputItemList, sdk.ResponseInputItemUnionParam{OfFunctionCall: &call})
		}
		for _, item := range res.Output {
			output := sdk.ResponseInputItemParamOfFunctionCallOutput("21 degrees")
			output.OfFunctionCallOutput.CallID = openai.String(item.CallID)
			params.Input.OfInputItemList = append(params.Input.OfInputItemList, output)
		}
		if text, _ := last(t, c, params); text == "" {
			t.Error("nothing is said of the results")
		}
		asked := openai.ChatCompletionNewParams{
			Model: "large", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("The weather in Porto, please.")},
			Tools: []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "get_weather", Parameters: place})},
		}
		whole, err := c.Chat.Completions.New(t.Context(), asked)
		if err != nil || len(whole.Choices[0].Message.ToolCalls) != 1 || whole.Choices[0].FinishReason != "tool_calls" {
			t.Fatal(err, whole.RawJSON())
		}
		asked.Messages = append(asked.Messages, whole.Choices[0].Message.ToParam(), openai.ToolMessage("21", whole.Choices[0].Message.ToolCalls[0].ID))
		if whole, err = c.Chat.Completions.New(t.Context(), asked); err != nil || whole.Choices[0].Message.Content == "" {
			t.Errorf("%v %s", err, whole.RawJSON())
		}
	})
}

// The provider refuses thoughts that are not its own, word for word.
func TestThoughtsComeBackToTheirProvider(t *testing.T) {
	each(t, func(t *testing.T, b *bridge, c *openai.Client) {
		b.reasons = true
		params := sdk.ResponseNewParams{
			Model: "thinker", Input: input(say("Explain tidal locks in 30 words.")),
			Reasoning: shared.ReasoningParam{Effort: "high", Summary: "auto"}, Include: []sdk.ResponseIncludable{"reasoning.encrypted_content"},
		}
		_, res := last(t, c, params)
		if res.Usage.OutputTokensDetails.ReasoningTokens == 0 {
			t.Errorf("usage: %s", res.Usage.RawJSON())
		}
		if b.upstream != codecs["/responses"] {
			return // Chat Completions does not show its thoughts
		}
		if len(res.Output) != 2 || res.Output[0].Type != "reasoning" || res.Output[0].AsReasoning().EncryptedContent == "" {
			t.Fatalf("output: %s", res.RawJSON())
		}
		thought, message := res.Output[0].AsReasoning().ToParam(), res.Output[1].AsMessage().ToParam()
		params.Input.OfInputItemList = append(params.Input.OfInputItemList, sdk.ResponseInputItemUnionParam{OfReasoning: &thought},
			sdk.ResponseInputItemUnionParam{OfOutputMessage: &message}, say("And then?"))
		if text, _ := last(t, c, params); text == "" || len(b.dropped) != 0 {
			t.Errorf("said %q, dropped %v", text, b.dropped)
		}
	})
}

func TestStructuredOutputWorksAcrossTheWires(t *testing.T) {
	each(t, func(t *testing.T, b *bridge, c *openai.Client) {
		prompt := "Extract the guest from: Ada Lovelace (ada@example.org) arrives on Monday."
		params := sdk.ResponseNewParams{Model: "large", Input: input(say(prompt))}
		schema := map[string]any{"type": "object", "properties": map[string]any{"email": map[string]any{"type": "string", "format": "email"}}, "required": []string{"email"}}
		params.Text.Format.OfJSONSchema = &sdk.ResponseFormatTextJSONSchemaConfigParam{Name: "guest", Schema: schema}
		if text, _ := last(t, c, params); text != `{"email":"ada@example.org"}` {
			t.Errorf("responses: %q", text)
		}
		asked := openai.ChatCompletionNewParams{Model: "large", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(prompt)}}
		asked.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "guest", Schema: schema}}
		if whole, err := c.Chat.Completions.New(t.Context(), asked); err != nil || whole.Choices[0].Message.Content != `{"email":"ada@example.org"}` {
			t.Errorf("chat: %v %s", err, whole.RawJSON())
		}
	})
}

func TestSDKRaisesTheErrorOfAStream(t *testing.T) {
	e := responses.New().NewStreamEncoder(&chat.Request{})
	out := e.Encode(nil, chat.Event{Kind: chat.EventStart, Response: &chat.Response{ID: "x"}})
	out = e.Encode(out, chat.Event{Kind: chat.EventError, Err: &chat.Error{Class: chat.ErrorInvalidRequest, Message: "the provider broke off", Param: "input"}})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write(out)
	}))
	defer s.Close()
	c := openai.NewClient(option.WithBaseURL(s.URL), option.WithAPIKey("k"), option.WithMaxRetries(0))
	stream := c.Responses.NewStreaming(t.Context(), sdk.ResponseNewParams{})
	n := 0
	for stream.Next() {
		n++
	}
	if n != 2 || stream.Err() == nil || !strings.Contains(stream.Err().Error(), "the provider broke off") {
		t.Errorf("%d events, then %v", n, stream.Err())
	}
	if !strings.Contains(string(out), `"status":"failed"`) || !strings.Contains(string(out), `"code":"invalid_prompt"`) {
		t.Errorf("stream: %s", out)
	}
}
