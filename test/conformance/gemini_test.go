package conformance

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"

	"google.golang.org/genai"
)

// geminiClient speaks Gemini's generateContent.
type geminiClient struct {
	tap    *tap
	client *genai.Client
}

func newGeminiClient(ctx context.Context, url, key string) (client, error) {
	t := &tap{}
	c, err := genai.NewClient(ctx, &genai.ClientConfig{
		APIKey: key, Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: url}, HTTPClient: t.client(),
	})
	return &geminiClient{t, c}, err
}

func (*geminiClient) name() string { return "generateContent" }

func (c *geminiClient) models(ctx context.Context) ([]string, error) {
	var ids []string
	for m, err := range c.client.Models.All(ctx) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, m.Name[len("models/"):])
	}
	return ids, nil
}

func (c *geminiClient) ask(ctx context.Context, a *ask) *got {
	contents, config, err := geminiParams(a)
	if err != nil {
		return &got{err: err}
	}
	g := exchange(c.tap, a, func(g *got) { c.stream(ctx, a, contents, config, g) }, func() (*genai.GenerateContentResponse, error) {
		return c.client.Models.GenerateContent(ctx, a.model, contents, config)
	}, (*got).candidates)
	var typed genai.APIError
	if errors.As(g.err, &typed) {
		g.status, g.code, g.message = typed.Code, typed.Status, typed.Message
	}
	return g
}

func (c *geminiClient) stream(ctx context.Context, a *ask, contents []*genai.Content, config *genai.GenerateContentConfig, g *got) {
	whole := &genai.GenerateContentResponse{}
	for chunk, err := range c.client.Models.GenerateContentStream(ctx, a.model, contents, config) {
		if g.err = err; err != nil {
			return
		}
		g.came(a)
		gather(whole, chunk)
	}
	g.candidates(whole)
	if g.finish == "" {
		g.err = errNoEnd
	}
}

// gather adds a chunk to what came before.
func gather(whole, chunk *genai.GenerateContentResponse) {
	if chunk.UsageMetadata != nil {
		whole.UsageMetadata = chunk.UsageMetadata
	}
	for _, c := range chunk.Candidates {
		for len(whole.Candidates) <= int(c.Index) {
			whole.Candidates = append(whole.Candidates, &genai.Candidate{Content: &genai.Content{Role: "model"}, Index: int32(len(whole.Candidates))})
		}
		to := whole.Candidates[c.Index]
		if c.FinishReason != "" {
			to.FinishReason = c.FinishReason
		}
		if c.LogprobsResult != nil {
			if to.LogprobsResult == nil {
				to.LogprobsResult = &genai.LogprobsResult{}
			}
			to.LogprobsResult.ChosenCandidates = append(to.LogprobsResult.ChosenCandidates, c.LogprobsResult.ChosenCandidates...)
		}
		if c.Content != nil {
			for _, p := range c.Content.Parts {
				if p.Text != "" || p.FunctionCall != nil || len(p.ThoughtSignature) > 0 {
					to.Content.Parts = append(to.Content.Parts, p)
				}
			}
		}
	}
}

func (g *got) candidates(r *genai.GenerateContentResponse) {
	for _, c := range r.Candidates {
		text := ""
		for _, p := range c.Content.Parts {
			g.signed = g.signed || len(p.ThoughtSignature) > 0
			switch {
			case p.Thought:
				g.thinking += p.Text
			case p.FunctionCall != nil:
				arguments, _ := json.Marshal(p.FunctionCall.Args)
				g.calls = append(g.calls, call{p.FunctionCall.ID, p.FunctionCall.Name, string(arguments)})
			default:
				text += p.Text
			}
		}
		g.texts = append(g.texts, text)
		if c.LogprobsResult != nil {
			g.logprobs += len(c.LogprobsResult.ChosenCandidates)
		}
	}
	if u := r.UsageMetadata; u != nil {
		g.hasUsage = true
		g.usage = tokens{
			int64(u.PromptTokenCount + u.ToolUsePromptTokenCount), int64(u.CachedContentTokenCount), 0,
			int64(u.CandidatesTokenCount + u.ThoughtsTokenCount), int64(u.ThoughtsTokenCount),
		}
	}
	if len(r.Candidates) == 0 {
		return
	}
	first := r.Candidates[0]
	g.finish = map[genai.FinishReason]string{"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "refusal", "PROHIBITED_CONTENT": "refusal"}[first.FinishReason]
	if g.finish == "stop" && len(g.calls) > 0 {
		g.finish = "tool_calls"
	}
	g.raw = first.Content
}

func geminiParams(a *ask) ([]*genai.Content, *genai.GenerateContentConfig, error) {
	c := &genai.GenerateContentConfig{StopSequences: a.stop, CandidateCount: int32(a.n), MaxOutputTokens: int32(a.max), Labels: a.metadata}
	if err := a.refuse(a.hideUsage, "the API always tells usage", a.developer != "", "the API has no developer messages", a.user != "", "the API has no user", a.cacheTTL != "", "the API has no cache marks",
		a.cacheKey != "", "the API has no cache key", a.oneCall, "the API has no limit to parallel calls"); err != nil {
		return nil, nil, err
	}
	if a.system != "" {
		c.SystemInstruction = genai.NewContentFromText(a.system, genai.RoleUser)
	}
	var contents []*genai.Content
	for _, t := range a.turns {
		for _, r := range t.results {
			if err := a.refuse(r.fails, "the API has no failed tool results"); err != nil {
				return nil, nil, err
			}
		}
		contents = append(contents, geminiTurn(t)...)
	}
	geminiSettings(a, c)
	geminiTools(a, c)
	if a.extra != nil {
		c.HTTPOptions = &genai.HTTPOptions{ExtraBody: a.extra}
	}
	return contents, c, nil
}

func geminiTurn(t turn) (out []*genai.Content) {
	switch {
	case t.answered != nil:
		out = append(out, t.answered.raw.(*genai.Content))
	case t.assistant != "":
		out = append(out, genai.NewContentFromText(t.assistant, genai.RoleModel))
	}
	var parts []*genai.Part
	for _, r := range t.results {
		p := genai.NewPartFromFunctionResponse(r.call.name, map[string]any{"output": r.text})
		p.FunctionResponse.ID = r.call.id
		if r.image != "" {
			p.FunctionResponse.Parts = append(p.FunctionResponse.Parts, &genai.FunctionResponsePart{
				InlineData: &genai.FunctionResponseBlob{MIMEType: "image/png", Data: decoded(r.image)},
			})
		}
		parts = append(parts, p)
	}
	if t.user != "" {
		parts = append(parts, genai.NewPartFromText(t.user))
	}
	if t.imageURL != "" {
		parts = append(parts, genai.NewPartFromURI(t.imageURL, "image/png"))
	}
	if t.image != "" {
		parts = append(parts, genai.NewPartFromBytes(decoded(t.image), "image/png"))
	}
	if t.document != "" {
		parts = append(parts, genai.NewPartFromBytes(decoded(t.document), "application/pdf"))
	}
	if len(parts) > 0 {
		out = append(out, genai.NewContentFromParts(parts, genai.RoleUser))
	}
	return out
}

func decoded(data string) []byte {
	raw, _ := base64.StdEncoding.DecodeString(data)
	return raw
}

func geminiSettings(a *ask, c *genai.GenerateContentConfig) {
	if a.temperature != nil {
		c.Temperature = genai.Ptr(float32(*a.temperature))
	}
	if a.topP != nil {
		c.TopP = genai.Ptr(float32(*a.topP))
	}
	if a.topK != nil {
		c.TopK = genai.Ptr(float32(*a.topK))
	}
	if a.frequencyPenalty != nil {
		c.FrequencyPenalty = genai.Ptr(float32(*a.frequencyPenalty))
	}
	if a.seed != nil {
		c.Seed = genai.Ptr(int32(*a.seed))
	}
	if a.logprobs {
		c.ResponseLogprobs, c.Logprobs = true, genai.Ptr[int32](2)
	}
	if a.schema != nil {
		c.ResponseMIMEType, c.ResponseJsonSchema = "application/json", a.schema
	}
	if a.effort != "" || a.budget > 0 || a.thoughts {
		c.ThinkingConfig = &genai.ThinkingConfig{IncludeThoughts: a.thoughts}
		switch {
		case a.budget > 0:
			c.ThinkingConfig.ThinkingBudget = genai.Ptr(int32(a.budget))
		case a.effort != "":
			c.ThinkingConfig.ThinkingLevel = map[string]genai.ThinkingLevel{"low": "LOW", "high": "HIGH"}[a.effort]
		}
	}
	switch a.tier {
	case "default":
		c.ServiceTier = "standard"
	case "auto":
	}
}

func geminiTools(a *ask, c *genai.GenerateContentConfig) {
	if len(a.tools) == 0 {
		return
	}
	tool := &genai.Tool{}
	for _, f := range a.tools {
		tool.FunctionDeclarations = append(tool.FunctionDeclarations, &genai.FunctionDeclaration{
			Name: f.name, Description: f.about, ParametersJsonSchema: f.schema,
		})
	}
	c.Tools = []*genai.Tool{tool}
	calling := &genai.FunctionCallingConfig{}
	switch a.choice {
	case "":
		return
	case "auto":
		calling.Mode = "AUTO"
	case "none":
		calling.Mode = "NONE"
	case "required":
		calling.Mode = "ANY"
	default:
		calling.Mode, calling.AllowedFunctionNames = "ANY", []string{a.choice}
	}
	c.ToolConfig = &genai.ToolConfig{FunctionCallingConfig: calling}
}
