package conformance

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"
	"github.com/anthropics/anthropic-sdk-go/packages/param"
)

// messagesClient speaks Anthropic Messages.
type messagesClient struct {
	tap    *tap
	client anthropic.Client
}

func newMessagesClient(url, key string) client {
	t := &tap{}
	return &messagesClient{t, anthropic.NewClient(
		option.WithBaseURL(url), option.WithAPIKey(key), option.WithMaxRetries(0), option.WithHTTPClient(t.client()),
	)}
}

func (*messagesClient) name() string { return "Messages" }

func (c *messagesClient) models(ctx context.Context) ([]string, error) {
	page, err := c.client.Models.List(ctx, anthropic.ModelListParams{})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, m := range page.Data {
		ids = append(ids, m.ID)
	}
	return ids, nil
}

func (c *messagesClient) ask(ctx context.Context, a *ask) *got {
	p, err := messagesParams(a)
	if err != nil {
		return &got{err: err}
	}
	var options []option.RequestOption
	for name, value := range a.header {
		options = append(options, option.WithHeader(name, value))
	}
	g := exchange(c.tap, a, func(g *got) { c.stream(ctx, a, p, g, options) }, func() (*anthropic.Message, error) {
		return c.client.Messages.New(ctx, p, options...)
	}, (*got).readMessage)
	var typed *anthropic.Error
	if errors.As(g.err, &typed) {
		var body struct {
			Error struct{ Type, Message string }
		}
		_ = json.Unmarshal([]byte(typed.RawJSON()), &body)
		g.status, g.code, g.message = typed.StatusCode, body.Error.Type, body.Error.Message
	}
	return g
}

func (c *messagesClient) stream(ctx context.Context, a *ask, p anthropic.MessageNewParams, g *got, options []option.RequestOption) {
	stream := c.client.Messages.NewStreaming(ctx, p, options...)
	var m anthropic.Message
	ended := false
	for stream.Next() {
		e := stream.Current()
		g.came(a)
		ended = ended || e.Type == "message_stop"
		if g.err = m.Accumulate(e); g.err != nil {
			return
		}
	}
	if g.err = stream.Err(); g.err != nil {
		return
	}
	if !ended {
		g.err = errNoEnd
		return
	}
	g.readMessage(&m)
}

func (g *got) readMessage(m *anthropic.Message) {
	text := ""
	for i := range m.Content {
		b := &m.Content[i]
		switch b.Type {
		case "text":
			text += b.Text
		case "thinking":
			g.thinking += b.Thinking
			g.signed = g.signed || b.Signature != ""
		case "tool_use":
			g.calls = append(g.calls, call{b.ID, b.Name, string(b.Input)})
		}
	}
	g.texts = []string{text}
	g.finish = map[anthropic.StopReason]string{
		"end_turn": "stop", "max_tokens": "length", "tool_use": "tool_calls", "stop_sequence": "stop_sequence", "refusal": "refusal",
	}[m.StopReason]
	u := m.Usage
	g.hasUsage = true
	g.usage = tokens{
		u.InputTokens + u.CacheReadInputTokens + u.CacheCreationInputTokens, u.CacheReadInputTokens, u.CacheCreationInputTokens, u.OutputTokens,
		u.OutputTokensDetails.ThinkingTokens,
	}
	turn := m.ToParam()
	g.raw = &turn
}

func messagesParams(a *ask) (anthropic.MessageNewParams, error) {
	p := anthropic.MessageNewParams{Model: a.model, MaxTokens: 16000, StopSequences: a.stop}
	if err := a.refuse(a.hideUsage, "the API always tells usage", a.developer != "", "the API has no developer messages", a.seed != nil, "the API has no seed", a.n > 0, "the API gives one answer", a.logprobs, "the API has no log probabilities",
		a.frequencyPenalty != nil, "the API has no penalties", a.metadata != nil, "the API has no metadata but user_id", a.cacheKey != "", "the API has no cache key"); err != nil {
		return p, err
	}
	if a.system != "" {
		b := anthropic.TextBlockParam{Text: a.system}
		if a.cacheTTL != "" {
			b.CacheControl = anthropic.CacheControlEphemeralParam{TTL: anthropic.CacheControlEphemeralTTL(a.cacheTTL)}
		}
		p.System = []anthropic.TextBlockParam{b}
	}
	for _, t := range a.turns {
		p.Messages = append(p.Messages, messagesTurn(t)...)
	}
	messagesSettings(a, &p)
	messagesTools(a, &p)
	p.SetExtraFields(a.extra)
	return p, nil
}

func messagesTurn(t turn) (out []anthropic.MessageParam) {
	switch {
	case t.answered != nil:
		out = append(out, *t.answered.raw.(*anthropic.MessageParam))
	case t.assistant != "":
		out = append(out, anthropic.NewAssistantMessage(anthropic.NewTextBlock(t.assistant)))
	}
	var blocks []anthropic.ContentBlockParamUnion
	for _, r := range t.results {
		b := anthropic.NewToolResultBlock(r.call.id, r.text, r.fails)
		if r.image != "" {
			image := anthropic.NewImageBlockBase64("image/png", r.image)
			b.OfToolResult.Content = append(b.OfToolResult.Content, anthropic.ToolResultBlockParamContentUnion{OfImage: image.OfImage})
		}
		blocks = append(blocks, b)
	}
	if t.user != "" {
		blocks = append(blocks, anthropic.NewTextBlock(t.user))
	}
	if t.imageURL != "" {
		blocks = append(blocks, anthropic.NewImageBlock(anthropic.URLImageSourceParam{URL: t.imageURL}))
	}
	if t.image != "" {
		blocks = append(blocks, anthropic.NewImageBlockBase64("image/png", t.image))
	}
	if t.document != "" {
		blocks = append(blocks, anthropic.NewDocumentBlock(anthropic.Base64PDFSourceParam{Data: t.document}))
	}
	if len(blocks) > 0 {
		out = append(out, anthropic.NewUserMessage(blocks...))
	}
	return out
}

func messagesSettings(a *ask, p *anthropic.MessageNewParams) {
	if a.temperature != nil {
		p.Temperature = anthropic.Float(*a.temperature)
	}
	if a.topP != nil {
		p.TopP = anthropic.Float(*a.topP)
	}
	if a.topK != nil {
		p.TopK = anthropic.Int(*a.topK)
	}
	if a.max > 0 {
		p.MaxTokens = a.max
	}
	if a.user != "" {
		p.Metadata.UserID = anthropic.String(a.user)
	}
	switch a.tier {
	case "default":
		p.ServiceTier = "standard_only"
	case "auto":
		p.ServiceTier = "auto"
	}
	switch {
	case a.budget > 0:
		p.Thinking.OfEnabled = &anthropic.ThinkingConfigEnabledParam{BudgetTokens: a.budget}
	case a.thoughts:
		p.Thinking.OfAdaptive = &anthropic.ThinkingConfigAdaptiveParam{Display: "summarized"}
		p.OutputConfig.Effort = anthropic.OutputConfigEffort(a.effort)
	case a.effort != "":
		p.OutputConfig.Effort = anthropic.OutputConfigEffort(a.effort)
	}
	if a.schema != nil {
		p.OutputConfig.Format.Schema = a.schema
	}
}

func messagesTools(a *ask, p *anthropic.MessageNewParams) {
	for _, f := range a.tools {
		required, _ := f.schema["required"].([]string)
		p.Tools = append(p.Tools, anthropic.ToolUnionParam{OfTool: &anthropic.ToolParam{
			Name: f.name, Description: param.NewOpt(f.about),
			InputSchema: anthropic.ToolInputSchemaParam{Properties: f.schema["properties"], Required: required},
		}})
	}
	switch {
	case a.choice == "none":
		p.ToolChoice.OfNone = &anthropic.ToolChoiceNoneParam{}
	case a.choice == "required":
		p.ToolChoice.OfAny = &anthropic.ToolChoiceAnyParam{}
	case a.choice != "" && a.choice != "auto":
		p.ToolChoice = anthropic.ToolChoiceParamOfTool(a.choice)
	case a.choice == "auto" || a.oneCall:
		p.ToolChoice.OfAuto = &anthropic.ToolChoiceAutoParam{}
		if a.oneCall {
			p.ToolChoice.OfAuto.DisableParallelToolUse = param.NewOpt(true)
		}
	}
}
