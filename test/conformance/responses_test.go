package conformance

import (
	"context"
	"encoding/json"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"
)

// responsesClient speaks OpenAI Responses.
type responsesClient struct{ *chatClient }

func newResponsesClient(url, key string) client {
	return &responsesClient{newChatClient(url, key).(*chatClient)}
}

func (*responsesClient) name() string { return "Responses" }

func (c *responsesClient) ask(ctx context.Context, a *ask) *got {
	p, err := responsesParams(a)
	if err != nil {
		return &got{err: err}
	}
	g := exchange(c.tap, a, func(g *got) { c.stream(ctx, a, p, g) }, func() (*responses.Response, error) {
		return c.client.Responses.New(ctx, p, headers(a)...)
	}, (*got).response)
	g.openaiError()
	return g
}

func (c *responsesClient) stream(ctx context.Context, a *ask, p responses.ResponseNewParams, g *got) {
	stream := c.client.Responses.NewStreaming(ctx, p)
	text, ended := "", false
	for stream.Next() {
		e := stream.Current()
		g.came(a)
		switch e.Type {
		case "response.output_text.delta", "response.refusal.delta":
			text += e.Delta
		case "response.completed", "response.incomplete", "response.failed":
			ended = true
			g.response(&e.Response)
		}
	}
	if g.err = stream.Err(); g.err != nil {
		return
	}
	switch {
	case !ended:
		g.err = errNoEnd
	case text != g.text():
		g.err = errStreamDiffers
	}
}

func (g *got) response(r *responses.Response) {
	text, items := "", []json.RawMessage{}
	g.finish = "stop"
	for i := range r.Output {
		item := &r.Output[i]
		items = append(items, json.RawMessage(item.RawJSON()))
		switch item.Type {
		case "message":
			for _, part := range item.Content {
				if text += part.Text + part.Refusal; part.Refusal != "" {
					g.finish = "refusal"
				}
				g.logprobs += len(part.Logprobs)
			}
		case "function_call":
			g.calls = append(g.calls, call{item.CallID, item.Name, item.Arguments.OfString})
			g.finish = "tool_calls"
		case "reasoning":
			for _, s := range item.AsReasoning().Summary {
				g.thinking += s.Text
			}
			g.signed = g.signed || item.EncryptedContent != ""
		}
	}
	switch r.IncompleteDetails.Reason {
	case "max_output_tokens":
		g.finish = "length"
	case "content_filter":
		g.finish = "content_filter"
	}
	g.texts, g.raw = []string{text}, items
	u := r.Usage
	g.hasUsage = r.JSON.Usage.Valid()
	g.usage = tokens{
		u.InputTokens, u.InputTokensDetails.CachedTokens, u.InputTokensDetails.CacheWriteTokens, u.OutputTokens,
		u.OutputTokensDetails.ReasoningTokens,
	}
}

func responsesParams(a *ask) (responses.ResponseNewParams, error) {
	p := responses.ResponseNewParams{Model: a.model, Metadata: a.metadata, ServiceTier: responses.ResponseNewParamsServiceTier(a.tier)}
	if err := a.refuse(a.hideUsage, "the API always tells usage", a.topK != nil, "the API has no top_k", a.budget != 0, "the API has no thinking budget", a.seed != nil, "the API has no seed", len(a.stop) > 0,
		"the API has no stop sequences", a.n > 0, "the API gives one answer", a.frequencyPenalty != nil, "the API has no penalties", a.cacheTTL != "", "the API has no cache marks"); err != nil {
		return p, err
	}
	var input responses.ResponseInputParam
	if a.developer != "" {
		input = append(input, responses.ResponseInputItemParamOfMessage(a.developer, "developer"))
	}
	for _, t := range a.turns {
		for _, r := range t.results {
			if err := a.refuse(r.fails, "the API has no failed tool results"); err != nil {
				return p, err
			}
		}
		input = append(input, responsesTurn(t)...)
	}
	p.Input.OfInputItemList = input
	responsesSettings(a, &p)
	responsesTools(a, &p)
	p.SetExtraFields(a.extra)
	return p, nil
}

func responsesTurn(t turn) (out []responses.ResponseInputItemUnionParam) {
	switch {
	case t.answered != nil:
		for _, item := range t.answered.raw.([]json.RawMessage) {
			out = append(out, param.Override[responses.ResponseInputItemUnionParam](item))
		}
	case t.assistant != "":
		out = append(out, responses.ResponseInputItemParamOfMessage(t.assistant, "assistant"))
	}
	for _, r := range t.results {
		item := responses.ResponseInputItemParamOfFunctionCallOutput(r.text)
		if r.image != "" {
			item = responses.ResponseInputItemParamOfFunctionCallOutput(responses.ResponseFunctionCallOutputItemListParam{
				responses.ResponseFunctionCallOutputItemParamOfInputText(r.text),
				{OfInputImage: &responses.ResponseInputImageContentParam{ImageURL: openai.String("data:image/png;base64," + r.image)}},
			})
		}
		item.OfFunctionCallOutput.CallID = openai.String(r.call.id)
		out = append(out, item)
	}
	if t.user == "" {
		return out
	}
	parts := responses.ResponseInputMessageContentListParam{responses.ResponseInputContentParamOfInputText(t.user)}
	for _, url := range []string{t.imageURL, dataURL("image/png", t.image)} {
		if url != "" {
			parts = append(parts, responses.ResponseInputContentUnionParam{
				OfInputImage: &responses.ResponseInputImageParam{ImageURL: openai.String(url), Detail: "auto"},
			})
		}
	}
	if t.document != "" {
		parts = append(parts, responses.ResponseInputContentUnionParam{OfInputFile: &responses.ResponseInputFileParam{
			FileData: openai.String(dataURL("application/pdf", t.document)), Filename: openai.String("paper.pdf"),
		}})
	}
	return append(out, responses.ResponseInputItemParamOfMessage(parts, "user"))
}

func dataURL(mime, data string) string {
	if data == "" {
		return ""
	}
	return "data:" + mime + ";base64," + data
}

func responsesSettings(a *ask, p *responses.ResponseNewParams) {
	if a.system != "" {
		p.Instructions = openai.String(a.system)
	}
	if a.temperature != nil {
		p.Temperature = openai.Float(*a.temperature)
	}
	if a.topP != nil {
		p.TopP = openai.Float(*a.topP)
	}
	if a.logprobs {
		p.Include, p.TopLogprobs = append(p.Include, "message.output_text.logprobs"), openai.Int(2)
	}
	if a.max > 0 {
		p.MaxOutputTokens = openai.Int(a.max)
	}
	if a.user != "" {
		p.User = openai.String(a.user)
	}
	if a.cacheKey != "" {
		p.PromptCacheKey = openai.String(a.cacheKey)
	}
	if a.effort != "" || a.thoughts {
		p.Reasoning.Effort = shared.ReasoningEffort(a.effort)
		p.Include = append(p.Include, "reasoning.encrypted_content")
	}
	if a.thoughts {
		p.Reasoning.Summary = "auto"
	}
	if a.schema != nil {
		p.Text.Format.OfJSONSchema = &responses.ResponseFormatTextJSONSchemaConfigParam{Name: "guest", Strict: openai.Bool(true), Schema: a.schema}
	}
}

func responsesTools(a *ask, p *responses.ResponseNewParams) {
	for _, f := range a.tools {
		p.Tools = append(p.Tools, responses.ToolUnionParam{OfFunction: &responses.FunctionToolParam{
			Name: f.name, Description: openai.String(f.about), Parameters: f.schema, Strict: openai.Bool(false),
		}})
	}
	switch a.choice {
	case "":
	case "auto", "none", "required":
		p.ToolChoice.OfToolChoiceMode = param.NewOpt(responses.ToolChoiceOptions(a.choice))
	default:
		p.ToolChoice.OfFunctionTool = &responses.ToolChoiceFunctionParam{Name: a.choice}
	}
	if a.oneCall {
		p.ParallelToolCalls = openai.Bool(false)
	}
}
