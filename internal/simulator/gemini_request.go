package simulator

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// geminiRequest is a GenerateContentRequest, as far as the simulator heeds it.
type geminiRequest struct {
	Contents          []geminiContent `json:"contents"`
	SystemInstruction geminiContent   `json:"systemInstruction"`
	Tools             []struct {
		FunctionDeclarations []struct {
			Name                 string          `json:"name"`
			Description          string          `json:"description"`
			Parameters           json.RawMessage `json:"parameters"`
			ParametersJSONSchema json.RawMessage `json:"parametersJsonSchema"`
		} `json:"functionDeclarations"`
	} `json:"tools"`
	ToolConfig struct {
		FunctionCallingConfig struct {
			Mode                 string   `json:"mode"`
			AllowedFunctionNames []string `json:"allowedFunctionNames"`
		} `json:"functionCallingConfig"`
	} `json:"toolConfig"`
	GenerationConfig geminiConfig               `json:"generationConfig"`
	Labels           map[string]json.RawMessage `json:"labels"`
}

type geminiConfig struct {
	Temperature        *float64        `json:"temperature"`
	TopP               *float64        `json:"topP"`
	CandidateCount     *int            `json:"candidateCount"`
	MaxOutputTokens    *int            `json:"maxOutputTokens"`
	StopSequences      []string        `json:"stopSequences"`
	ResponseMIMEType   string          `json:"responseMimeType"`
	ResponseSchema     json.RawMessage `json:"responseSchema"`
	ResponseJSONSchema json.RawMessage `json:"responseJsonSchema"`
	ResponseLogprobs   bool            `json:"responseLogprobs"`
	Logprobs           *int            `json:"logprobs"`
	ThinkingConfig     *struct {
		IncludeThoughts bool   `json:"includeThoughts"`
		ThinkingBudget  *int   `json:"thinkingBudget"`
		ThinkingLevel   string `json:"thinkingLevel"`
	} `json:"thinkingConfig"`
}

type geminiContent struct {
	Role  string       `json:"role"`
	Parts []geminiPart `json:"parts"`
}

type geminiPart struct {
	Text       *string `json:"text"`
	InlineData *struct {
		MIMEType string `json:"mimeType"`
		Data     string `json:"data"`
	} `json:"inlineData"`
	FileData *struct {
		MIMEType string `json:"mimeType"`
		FileURI  string `json:"fileUri"`
	} `json:"fileData"`
	FunctionCall *struct {
		ID   string          `json:"id"`
		Name string          `json:"name"`
		Args json.RawMessage `json:"args"`
	} `json:"functionCall"`
	FunctionResponse *struct {
		ID       string          `json:"id"`
		Name     string          `json:"name"`
		Response json.RawMessage `json:"response"`
		Parts    []geminiPart    `json:"parts"`
	} `json:"functionResponse"`
	ExecutableCode      json.RawMessage `json:"executableCode"`
	CodeExecutionResult json.RawMessage `json:"codeExecutionResult"`
	Thought             bool            `json:"thought"`
	ThoughtSignature    string          `json:"thoughtSignature"`
}

// datas is how many of the members that hold data a part has.
func (p *geminiPart) datas() int {
	n := 0
	for _, has := range []bool{
		p.Text != nil, p.InlineData != nil, p.FileData != nil, p.FunctionCall != nil, p.FunctionResponse != nil,
		p.ExecutableCode != nil, p.CodeExecutionResult != nil,
	} {
		if has {
			n++
		}
	}
	return n
}

// calls and responses are how many parts are function calls and responses.
func (c *geminiContent) calls() (calls, responses int) {
	for i := range c.Parts {
		if c.Parts[i].FunctionCall != nil {
			calls++
		}
		if c.Parts[i].FunctionResponse != nil {
			responses++
		}
	}
	return calls, responses
}

// neutral is the request as the simulator answers it.
func (g *geminiRequest) neutral(model string) *request {
	config := &g.GenerationConfig
	r := &request{
		Model: model, Temperature: config.Temperature, TopP: config.TopP, N: config.CandidateCount,
		MaxTokens: config.MaxOutputTokens, Stop: config.StopSequences, Logprobs: config.ResponseLogprobs, Metadata: g.Labels,
	}
	if config.Logprobs != nil {
		r.TopLogprobs = *config.Logprobs
	}
	if text := g.SystemInstruction.text(); text != "" {
		r.Messages = append(r.Messages, message{Role: "system", Content: content{text: text, present: true}})
	}
	for i := range g.Contents {
		r.Messages = append(r.Messages, g.Contents[i].message())
	}
	g.neutralTools(r)
	g.neutralFormat(r)
	g.neutralThinking(r)
	return r
}

func (c *geminiContent) text() string {
	var texts []string
	for i := range c.Parts {
		if p := &c.Parts[i]; p.Text != nil && !p.Thought {
			texts = append(texts, *p.Text)
		}
	}
	return strings.Join(texts, "\n")
}

func (c *geminiContent) message() message {
	m := message{Role: "user", Content: content{text: c.text(), present: true}}
	if c.Role == "model" {
		m.Role = "assistant"
	}
	for i := range c.Parts {
		p := &c.Parts[i]
		if p.InlineData != nil || p.FileData != nil {
			m.Content.imageTokens += geminiMediaTokens
		}
		if p.FunctionCall != nil {
			m.ToolCalls = append(m.ToolCalls, toolCall{p.FunctionCall.ID, "function", functionCall{p.FunctionCall.Name, string(p.FunctionCall.Args)}})
		}
		if p.FunctionResponse != nil {
			m.Role, m.ToolCallID = "tool", p.FunctionResponse.ID
			m.Content.text += string(p.FunctionResponse.Response)
		}
	}
	return m
}

// geminiMediaTokens is what an image of one tile counts
// (https://ai.google.dev/gemini-api/docs/image-understanding#token-calculation).
const geminiMediaTokens = 258

func (g *geminiRequest) neutralTools(r *request) {
	for _, group := range g.Tools {
		for _, f := range group.FunctionDeclarations {
			t := tool{Type: "function"}
			t.Function.Name, t.Function.Description, t.Function.Parameters = f.Name, f.Description, f.ParametersJSONSchema
			if f.Parameters != nil {
				t.Function.Parameters = f.Parameters
			}
			r.Tools = append(r.Tools, t)
		}
	}
	calling := g.ToolConfig.FunctionCallingConfig
	r.ToolChoice.mode = map[string]string{"ANY": "required", "NONE": "none", "AUTO": "auto", "VALIDATED": "auto"}[calling.Mode]
	r.ToolChoice.names = calling.AllowedFunctionNames
}

func (g *geminiRequest) neutralFormat(r *request) {
	config := &g.GenerationConfig
	schema := config.ResponseJSONSchema
	if config.ResponseSchema != nil {
		schema = config.ResponseSchema
	}
	switch {
	case schema != nil:
		r.ResponseFormat = &responseFormat{Type: "json_schema"}
		r.ResponseFormat.JSONSchema.Schema, r.ResponseFormat.JSONSchema.Strict = schema, true
	case config.ResponseMIMEType == "application/json":
		r.ResponseFormat = &responseFormat{Type: "json_object"}
	}
}

func (g *geminiRequest) neutralThinking(r *request) {
	t := g.GenerationConfig.ThinkingConfig
	if t == nil {
		return
	}
	r.showThoughts = t.IncludeThoughts
	r.ReasoningEffort = strings.ToLower(t.ThinkingLevel)
	if t.ThinkingBudget == nil {
		return
	}
	switch budget := *t.ThinkingBudget; {
	case budget == 0:
		r.ReasoningEffort = "none"
	case budget < 0 || budget > 8192:
		r.ReasoningEffort = "high"
	case budget > 1024:
		r.ReasoningEffort = "medium"
	default:
		r.ReasoningEffort = "low"
	}
}

// validate checks a request as the API does. The first fault found is returned.
func (g *geminiRequest) validate(m *Model) *apiError {
	for _, check := range []func(*Model) *apiError{g.checkContents, g.checkTurns, g.checkTools, g.checkConfig, g.checkThinking} {
		if err := check(m); err != nil {
			return err
		}
	}
	return nil
}

func invalidGemini(path, problem string) *apiError {
	return badRequest(path, "", "* GenerateContentRequest.%s: %s\n", path, problem)
}

func (g *geminiRequest) checkContents(*Model) *apiError {
	if len(g.Contents) == 0 {
		return invalidGemini("contents", "contents is not specified")
	}
	for i, c := range g.Contents {
		if !slices.Contains([]string{"", "user", "model", "function"}, c.Role) {
			return badRequest(fmt.Sprintf("contents[%d].role", i), "", "Please use a valid role: user, model.")
		}
		if len(c.Parts) == 0 {
			return invalidGemini(fmt.Sprintf("contents[%d].parts", i), "contents.parts must not be empty.")
		}
		for j := range c.Parts {
			if err := c.Parts[j].check(fmt.Sprintf("contents[%d].parts[%d]", i, j)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *geminiPart) check(path string) *apiError {
	switch n := p.datas(); {
	case n == 0 && p.ThoughtSignature == "":
		return invalidGemini(path+".data", "required oneof field 'data' must have one initialized field")
	case n > 1:
		return badRequest(path, "", "Invalid value at '%s' (oneof), oneof field 'data' is already set.", path)
	case p.InlineData != nil && (p.InlineData.MIMEType == "" || p.InlineData.Data == ""):
		return badRequest(path, "", "Unable to submit request because it must have a mimeType and data parameter in inlineData.")
	case p.FileData != nil && p.FileData.FileURI == "":
		return badRequest(path, "", "Unable to submit request because it must have a fileUri parameter in fileData.")
	}
	return p.checkFunction(path)
}

func (p *geminiPart) checkFunction(path string) *apiError {
	if c := p.FunctionCall; c != nil && c.Name == "" {
		return invalidGemini(path+".function_call.name", "Name cannot be empty.")
	}
	switch r := p.FunctionResponse; {
	case r == nil:
	case r.Name == "":
		return invalidGemini(path+".function_response.name", "Name cannot be empty.")
	case len(r.Response) == 0 || r.Response[0] != '{':
		return invalidGemini(path+".function_response.response", "must be an object")
	}
	return nil
}

// checkTurns demands that function calls follow a user's turn and that the turn
// after has a response to each, and of Gemini 3 that the calls of the turn at hand
// are signed (https://ai.google.dev/gemini-api/docs/thought-signatures).
func (g *geminiRequest) checkTurns(m *Model) *apiError {
	asked := 0
	for i := range g.Contents {
		calls, responses := g.Contents[i].calls()
		if responses != asked {
			return badRequest("", "", "Please ensure that the number of function response parts is equal to the number of "+
				"function call parts of the function call turn.")
		}
		if calls > 0 && (i == 0 || g.Contents[i-1].Role == "model") {
			return badRequest("", "", "Please ensure that function call turn comes immediately after a user turn or after a function response turn.")
		}
		asked = calls
	}
	if asked > 0 {
		return badRequest("", "", "Please ensure that the number of function response parts is equal to the number of "+
			"function call parts of the function call turn.")
	}
	if isGemini3(m.Name) {
		return g.checkSignatures()
	}
	return nil
}

func (g *geminiRequest) checkSignatures() *apiError {
	for i := len(g.Contents) - 1; i >= 0; i-- {
		c := &g.Contents[i]
		if _, responses := c.calls(); c.Role != "model" && responses == 0 {
			return nil // the user's words begin the turn
		}
		for j := range c.Parts {
			call := c.Parts[j].FunctionCall
			if call == nil {
				continue
			}
			if c.Parts[j].ThoughtSignature == "" {
				return badRequest("", "", "Function call is missing a thought_signature in functionCall parts. This is required for "+
					"tools to work correctly, and missing thought_signature may lead to degraded model performance. "+
					"Additional data, function call `default_api:%s`, position %d.", call.Name, i+1)
			}
			break
		}
	}
	return nil
}

func (g *geminiRequest) checkTools(*Model) *apiError {
	var names []string
	for i, t := range g.Tools {
		for j, f := range t.FunctionDeclarations {
			path := fmt.Sprintf("tools[%d].function_declarations[%d]", i, j)
			switch {
			case f.Name == "" || !isFunctionName(f.Name):
				return invalidGemini(path+".name", "Invalid function name. Must start with a letter or an underscore. Must be "+
					"alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128.")
			case slices.Contains(names, f.Name):
				return badRequest(path, "", "Duplicate function declaration found: %s", f.Name)
			case f.Parameters != nil && f.ParametersJSONSchema != nil:
				return badRequest(path, "", "parameters and parameters_json_schema are mutually exclusive.")
			}
			names = append(names, f.Name)
		}
	}
	return g.checkCalling(names)
}

func (g *geminiRequest) checkCalling(names []string) *apiError {
	calling := g.ToolConfig.FunctionCallingConfig
	if !slices.Contains([]string{"", "AUTO", "ANY", "NONE", "VALIDATED"}, calling.Mode) {
		return badRequest("tool_config", "", "Invalid value at 'tool_config.function_calling_config.mode' (TYPE_ENUM), %q", calling.Mode)
	}
	if len(calling.AllowedFunctionNames) > 0 && calling.Mode != "ANY" && calling.Mode != "VALIDATED" {
		return badRequest("tool_config", "", "Unable to submit request because allowed_function_names may only be set when mode is ANY.")
	}
	for _, name := range calling.AllowedFunctionNames {
		if !slices.Contains(names, name) {
			return badRequest("tool_config", "", "Allowed function name %q is not declared.", name)
		}
	}
	return nil
}

func isFunctionName(name string) bool {
	for i, c := range name {
		letter := c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789.:-", c)) {
			return false
		}
	}
	return len(name) <= 128
}

func (g *geminiRequest) checkConfig(m *Model) *apiError {
	c := &g.GenerationConfig
	const at = "generation_config."
	one := 1
	switch {
	case outside(c.Temperature, 0, 2):
		return invalidGemini(at+"temperature", "temperature must be in the range [0.0, 2.0].")
	case outside(c.TopP, 0, 1):
		return invalidGemini(at+"top_p", "top_p must be in the range [0.0, 1.0].")
	case outside(c.CandidateCount, one, 8):
		return invalidGemini(at+"candidate_count", "candidate_count must be within [1, 8]")
	case outside(c.MaxOutputTokens, one, 1<<30):
		return invalidGemini(at+"max_output_tokens", "max_output_tokens must be positive.")
	case outside(c.Logprobs, 0, 20):
		return invalidGemini(at+"logprobs", "logprobs must be in the range [0, 20].")
	case c.Logprobs != nil && !c.ResponseLogprobs:
		return invalidGemini(at+"logprobs", "response_logprobs must be set to true.")
	case len(c.StopSequences) > 5:
		return invalidGemini(at+"stop_sequences", "at most 5 stop sequences are allowed.")
	}
	return g.checkGeminiFormat(m)
}

// outside reports whether a number that may be absent is out of its bounds.
func outside[T int | float64](v *T, low, high T) bool { return v != nil && (*v < low || *v > high) }

func (g *geminiRequest) checkGeminiFormat(m *Model) *apiError {
	c := &g.GenerationConfig
	json := c.ResponseMIMEType == "application/json"
	switch {
	case !slices.Contains([]string{"", "text/plain", "application/json", "text/x.enum"}, c.ResponseMIMEType):
		return invalidGemini("generation_config.response_mime_type",
			"allowed mimetypes are `text/plain`, `application/json`, `application/xml`, `application/yaml` and `text/x.enum`.")
	case c.ResponseSchema != nil && c.ResponseJSONSchema != nil:
		return badRequest("", "", "Only one of response_schema and response_json_schema may be set.")
	case (c.ResponseSchema != nil || c.ResponseJSONSchema != nil) && !json && c.ResponseMIMEType != "text/x.enum":
		return invalidGemini("generation_config.response_schema", "only allowed when response_mime_type is `application/json`.")
	case json && len(g.Tools) > 0 && isEarlyGemini(m.Name):
		return badRequest("", "", "Function calling with a response mime type: 'application/json' is unsupported")
	}
	return nil
}

func (g *geminiRequest) checkThinking(m *Model) *apiError {
	t := g.GenerationConfig.ThinkingConfig
	switch {
	case t == nil:
	case t.ThinkingBudget != nil && t.ThinkingLevel != "":
		return badRequest("", "", "You can only set only one of thinking budget and thinking level.")
	case !m.Reasoning:
		return badRequest("", "", "Unable to submit request because thinking is not supported by this model.")
	case t.ThinkingLevel != "" && isEarlyGemini(m.Name):
		return badRequest("", "", "Thinking level is not supported for this model.")
	case t.ThinkingLevel != "" && !slices.Contains([]string{"MINIMAL", "LOW", "MEDIUM", "HIGH"}, t.ThinkingLevel):
		return badRequest("generation_config.thinking_config.thinking_level", "",
			"Invalid value at 'generation_config.thinking_config.thinking_level' (TYPE_ENUM), %q", t.ThinkingLevel)
	case outside(t.ThinkingBudget, -1, 32768):
		return badRequest("", "", "The thinking budget %d is invalid. Please choose a value between 0 and 32768.", *t.ThinkingBudget)
	}
	return nil
}
