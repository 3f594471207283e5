package conformance

import (
	"cmp"
	"context"
	"errors"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"
)

// chatClient speaks OpenAI Chat Completions.
type chatClient struct {
	tap    *tap
	client openai.Client
}

func openaiClient(t *tap, url, key string) openai.Client {
	return openai.NewClient(option.WithBaseURL(url+"/v1"), option.WithAPIKey(key), option.WithMaxRetries(0), option.WithHTTPClient(t.client()))
}

func newChatClient(url, key string) client {
	t := &tap{}
	return &chatClient{t, openaiClient(t, url, key)}
}

func (*chatClient) name() string { return "Chat Completions" }

func (c *chatClient) models(ctx context.Context) ([]string, error) {
	page, err := c.client.Models.List(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, m := range page.Data {
		ids = append(ids, m.ID)
	}
	return ids, nil
}

func (c *chatClient) ask(ctx context.Context, a *ask) *got {
	p, err := chatParams(a)
	if err != nil {
		return &got{err: err}
	}
	g := exchange(c.tap, a, func(g *got) { c.stream(ctx, a, p, g) }, func() (*openai.ChatCompletion, error) {
		return c.client.Chat.Completions.New(ctx, p, headers(a)...)
	}, (*got).chat)
	g.openaiError()
	return g
}

func headers(a *ask) (options []option.RequestOption) {
	for name, value := range a.header {
		options = append(options, option.WithHeader(name, value))
	}
	return options
}

func (g *got) openaiError() {
	var typed *openai.Error
	if errors.As(g.err, &typed) {
		g.status, g.code, g.message = typed.StatusCode, cmp.Or(typed.Code, typed.Type), typed.Message
	}
}

func (c *chatClient) stream(ctx context.Context, a *ask, p openai.ChatCompletionNewParams, g *got) {
	stream := c.client.Chat.Completions.NewStreaming(ctx, p)
	var all openai.ChatCompletionAccumulator
	thinking, details := "", []any{}
	for stream.Next() {
		chunk := stream.Current()
		g.came(a)
		all.AddChunk(chunk)
		g.hasUsage = g.hasUsage || chunk.JSON.Usage.Valid()
		for _, ch := range chunk.Choices {
			thinking += quoted(ch.Delta.JSON.ExtraFields["reasoning_content"].Raw())
			details = append(details, list(ch.Delta.JSON.ExtraFields["reasoning_details"].Raw())...)
		}
	}
	if g.err = stream.Err(); g.err != nil {
		return
	}
	told := g.hasUsage
	g.chat(&all.ChatCompletion)
	g.hasUsage = told
	g.thought(thinking, details)
}

func (g *got) chat(r *openai.ChatCompletion) {
	for _, ch := range r.Choices {
		g.texts = append(g.texts, ch.Message.Content+ch.Message.Refusal)
		g.logprobs += len(ch.Logprobs.Content)
		if ch.Message.Refusal != "" {
			g.finish = "refusal"
		}
	}
	if len(r.Choices) == 0 {
		return
	}
	first := r.Choices[0]
	if g.finish == "" {
		g.finish = first.FinishReason
	}
	for _, tc := range first.Message.ToolCalls {
		g.calls = append(g.calls, call{tc.ID, tc.Function.Name, tc.Function.Arguments})
	}
	u := r.Usage
	g.hasUsage = r.JSON.Usage.Valid()
	g.usage = tokens{
		u.PromptTokens, u.PromptTokensDetails.CachedTokens, u.PromptTokensDetails.CacheWriteTokens, u.CompletionTokens,
		u.CompletionTokensDetails.ReasoningTokens,
	}
	turn := first.Message.ToAssistantMessageParam()
	g.raw = &turn
	extra := first.Message.JSON.ExtraFields
	g.thought(quoted(extra["reasoning_content"].Raw()), list(extra["reasoning_details"].Raw()))
}

// thought keeps what the SDK has no field for, and gives back in the next turn.
func (g *got) thought(thinking string, details []any) {
	turn, ok := g.raw.(*openai.ChatCompletionAssistantMessageParam)
	if !ok || thinking == "" && len(details) == 0 {
		return
	}
	g.thinking, g.signed = thinking, len(details) > 0
	back := map[string]any{"reasoning_content": thinking}
	if len(details) > 0 {
		back["reasoning_details"] = details
	}
	turn.SetExtraFields(back)
}

func chatParams(a *ask) (openai.ChatCompletionNewParams, error) {
	p := openai.ChatCompletionNewParams{Model: a.model, ReasoningEffort: shared.ReasoningEffort(a.effort), Metadata: a.metadata}
	if err := a.refuse(a.topK != nil, "the API has no top_k", a.budget != 0, "the API has no thinking budget", a.thoughts, "the API has no wish for thoughts",
		a.cacheTTL != "", "the API has no cache marks"); err != nil {
		return p, err
	}
	for _, t := range a.turns {
		for _, r := range t.results {
			if err := a.refuse(r.image != "", "the API has no image in a tool's result", r.fails, "the API has no failed tool results"); err != nil {
				return p, err
			}
		}
	}
	if a.system != "" {
		p.Messages = append(p.Messages, openai.SystemMessage(a.system))
	}
	if a.developer != "" {
		p.Messages = append(p.Messages, openai.DeveloperMessage(a.developer))
	}
	for _, t := range a.turns {
		p.Messages = append(p.Messages, chatTurn(t)...)
	}
	chatSettings(a, &p)
	chatTools(a, &p)
	p.SetExtraFields(a.extra)
	return p, nil
}

func chatTurn(t turn) (out []openai.ChatCompletionMessageParamUnion) {
	switch {
	case t.answered != nil:
		out = append(out, openai.ChatCompletionMessageParamUnion{OfAssistant: t.answered.raw.(*openai.ChatCompletionAssistantMessageParam)})
	case t.assistant != "":
		out = append(out, openai.AssistantMessage(t.assistant))
	}
	for _, r := range t.results {
		out = append(out, openai.ToolMessage(r.text, r.call.id))
	}
	if t.user == "" {
		return out
	}
	parts := []openai.ChatCompletionContentPartUnionParam{openai.TextContentPart(t.user)}
	if url := t.imageURL; url != "" {
		parts = append(parts, openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{URL: url}))
	}
	if t.image != "" {
		parts = append(parts, openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{URL: "data:image/png;base64," + t.image}))
	}
	if t.document != "" {
		parts = append(parts, openai.FileContentPart(openai.ChatCompletionContentPartFileFileParam{
			FileData: openai.String("data:application/pdf;base64," + t.document), Filename: openai.String("paper.pdf"),
		}))
	}
	if len(parts) == 1 {
		return append(out, openai.UserMessage(t.user))
	}
	return append(out, openai.UserMessage(parts))
}

func chatSettings(a *ask, p *openai.ChatCompletionNewParams) {
	if a.temperature != nil {
		p.Temperature = openai.Float(*a.temperature)
	}
	if a.topP != nil {
		p.TopP = openai.Float(*a.topP)
	}
	if a.frequencyPenalty != nil {
		p.FrequencyPenalty = openai.Float(*a.frequencyPenalty)
	}
	if a.seed != nil {
		p.Seed = openai.Int(*a.seed)
	}
	if len(a.stop) > 0 {
		p.Stop.OfStringArray = a.stop
	}
	if a.n > 0 {
		p.N = openai.Int(a.n)
	}
	if a.logprobs {
		p.Logprobs, p.TopLogprobs = openai.Bool(true), openai.Int(2)
	}
	if a.max > 0 {
		p.MaxCompletionTokens = openai.Int(a.max)
	}
	if a.user != "" {
		p.User = openai.String(a.user)
	}
	if a.cacheKey != "" {
		p.PromptCacheKey = openai.String(a.cacheKey)
	}
	p.ServiceTier = openai.ChatCompletionNewParamsServiceTier(a.tier)
	if a.stream && !a.hideUsage {
		p.StreamOptions.IncludeUsage = openai.Bool(true)
	}
	if a.schema != nil {
		p.ResponseFormat.OfJSONSchema = &shared.ResponseFormatJSONSchemaParam{
			JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "guest", Strict: openai.Bool(true), Schema: a.schema},
		}
	}
}

func chatTools(a *ask, p *openai.ChatCompletionNewParams) {
	for _, f := range a.tools {
		p.Tools = append(p.Tools, openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
			Name: f.name, Description: openai.String(f.about), Parameters: f.schema,
		}))
	}
	switch a.choice {
	case "":
	case "auto", "none", "required":
		p.ToolChoice.OfAuto = openai.String(a.choice)
	default:
		p.ToolChoice = openai.ToolChoiceOptionFunctionToolChoice(openai.ChatCompletionNamedToolChoiceFunctionParam{Name: a.choice})
	}
	if a.oneCall {
		p.ParallelToolCalls = openai.Bool(false)
	}
}
