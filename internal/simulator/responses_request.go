package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"slices"
	"strings"
)

// responsesRequest is a request for a response, as far as the simulator heeds it
// (https://platform.openai.com/docs/api-reference/responses/create). Like the API
// it knows no other members.
type responsesRequest struct {
	Model              string                     `json:"model"`
	Input              json.RawMessage            `json:"input"`
	Instructions       string                     `json:"instructions"`
	Stream             bool                       `json:"stream"`
	StreamOptions      json.RawMessage            `json:"stream_options"`
	MaxOutputTokens    *int                       `json:"max_output_tokens"`
	MaxToolCalls       *int                       `json:"max_tool_calls"`
	Temperature        *float64                   `json:"temperature"`
	TopP               *float64                   `json:"top_p"`
	TopLogprobs        int                        `json:"top_logprobs"`
	Tools              []responsesTool            `json:"tools"`
	ToolChoice         responsesChoice            `json:"tool_choice"`
	ParallelToolCalls  *bool                      `json:"parallel_tool_calls"`
	Include            []string                   `json:"include"`
	Metadata           map[string]json.RawMessage `json:"metadata"`
	ServiceTier        string                     `json:"service_tier"`
	PreviousResponseID string                     `json:"previous_response_id"`
	Store              *bool                      `json:"store"`
	Background         bool                       `json:"background"`
	Truncation         string                     `json:"truncation"`
	User               string                     `json:"user"`
	SafetyIdentifier   string                     `json:"safety_identifier"`
	PromptCacheKey     string                     `json:"prompt_cache_key"`
	CacheRetention     json.RawMessage            `json:"prompt_cache_retention"`
	Reasoning          *struct {
		Effort  string `json:"effort"`
		Summary string `json:"summary"`
	} `json:"reasoning"`
	Text struct {
		Verbosity string `json:"verbosity"`
		Format    struct {
			Type        string          `json:"type"`
			Name        string          `json:"name"`
			Description string          `json:"description"`
			Strict      *bool           `json:"strict"`
			Schema      json.RawMessage `json:"schema"`
		} `json:"format"`
	} `json:"text"`
}

type responsesTool struct {
	Type        string          `json:"type"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
	Strict      *bool           `json:"strict"`
}

// responsesChoice is the tool_choice parameter.
type responsesChoice struct{ toolChoice }

// UnmarshalJSON implements [json.Unmarshaler].
func (t *responsesChoice) UnmarshalJSON(data []byte) error {
	t.toolChoice = toolChoice{}
	if data[0] != '{' {
		return json.Unmarshal(data, &t.mode)
	}
	var object struct {
		Type, Mode, Name string
		Tools            []struct{ Name string }
	}
	if err := json.Unmarshal(data, &object); err != nil {
		return err
	}
	if object.Type != "allowed_tools" {
		t.mode, t.names, t.forced = "required", []string{object.Name}, true
		return nil
	}
	t.mode = object.Mode
	for _, allowed := range object.Tools {
		t.names = append(t.names, allowed.Name)
	}
	return nil
}

// responsesItem is an item of the input.
type responsesItem struct {
	Type             string          `json:"type"`
	ID               string          `json:"id"`
	Role             string          `json:"role"`
	Content          json.RawMessage `json:"content"`
	CallID           string          `json:"call_id"`
	Name             string          `json:"name"`
	Arguments        string          `json:"arguments"`
	Output           json.RawMessage `json:"output"`
	EncryptedContent string          `json:"encrypted_content"`
}

// decodeResponses reads a body, and refuses members that the API does not know.
func decodeResponses(contentType string, body []byte) (*responsesRequest, *apiError) {
	req := &responsesRequest{}
	if media, _, _ := mime.ParseMediaType(contentType); media != "application/json" {
		return req, nil
	}
	if !json.Valid(body) {
		return nil, errInvalidJSON
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(req)
	if err == nil {
		return req, nil
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		field = strings.Trim(field, `"`)
		return nil, badRequest(field, "unknown_parameter", "Unknown parameter: '%s'.", field)
	}
	var mistyped *json.UnmarshalTypeError
	if errors.As(err, &mistyped) {
		return nil, errInvalidType(mistyped.Field, mistyped.Type.String(), mistyped.Value)
	}
	return nil, errInvalidJSON
}

// chat is the request in the form that answers are made from.
func (r *responsesRequest) chat() (*request, *apiError) {
	req := &request{
		Model: r.Model, Stream: r.Stream, MaxCompletionTokens: r.MaxOutputTokens, ToolChoice: r.ToolChoice.toolChoice,
		ParallelToolCalls: r.ParallelToolCalls, TopLogprobs: r.TopLogprobs, ServiceTier: r.ServiceTier,
		Temperature: r.Temperature, TopP: r.TopP, Metadata: r.Metadata,
		Logprobs: slices.Contains(r.Include, "message.output_text.logprobs"),
	}
	if r.Reasoning != nil {
		req.ReasoningEffort = r.Reasoning.Effort
	}
	for i, t := range r.Tools {
		if t.Type != "function" {
			return nil, badRequest(fmt.Sprintf("tools[%d]", i), "", "Hosted tool '%s' is not supported with %s.", t.Type, r.Model)
		}
		if t.Name == "" {
			name := fmt.Sprintf("tools[%d].name", i)
			return nil, badRequest(name, "missing_required_parameter", "Missing required parameter: '%s'.", name)
		}
		var tl tool
		tl.Type, tl.Function.Name, tl.Function.Description, tl.Function.Parameters = t.Type, t.Name, t.Description, t.Parameters
		req.Tools = append(req.Tools, tl)
	}
	if err := r.format(req); err != nil {
		return nil, err
	}
	return req, r.messages(req)
}

func (r *responsesRequest) format(req *request) *apiError {
	f := r.Text.Format
	switch f.Type {
	case "", "text":
		return nil
	case "json_object":
	case "json_schema":
		if f.Name == "" || len(f.Schema) == 0 {
			return badRequest("text.format.name", "missing_required_parameter", "Missing required parameter: 'text.format.name'.")
		}
	default:
		return badRequest("text.format.type", "invalid_value",
			"Invalid value: '%s'. Supported values are: 'json_object', 'json_schema', and 'text'.", f.Type)
	}
	req.ResponseFormat = &responseFormat{Type: f.Type}
	s := &req.ResponseFormat.JSONSchema
	s.Name, s.Schema, s.Strict = f.Name, f.Schema, f.Strict == nil || *f.Strict
	return nil
}

func (r *responsesRequest) messages(req *request) *apiError {
	if r.Instructions != "" {
		req.Messages = append(req.Messages, message{Role: "system", Content: content{text: r.Instructions, present: true}})
	}
	if len(r.Input) == 0 {
		return badRequest("input", "missing_required_parameter", "Missing required parameter: 'input'.")
	}
	if r.Input[0] == '"' {
		var text string
		_ = json.Unmarshal(r.Input, &text)
		req.Messages = append(req.Messages, message{Role: "user", Content: content{text: text, present: true}})
		return nil
	}
	var items []responsesItem
	if err := json.Unmarshal(r.Input, &items); err != nil {
		return badRequest("input", "invalid_type", "Invalid type for 'input': expected one of a string or an array of input items.")
	}
	open := map[string]bool{}
	for i, item := range items {
		if err := item.add(req, i, open); err != nil {
			return err
		}
	}
	for id, unanswered := range open {
		if unanswered {
			return badRequest("input", "", "No tool output found for function call %s.", id)
		}
	}
	if len(req.Messages) == 0 {
		return badRequest("input", "empty_array", "Invalid 'input': empty array.")
	}
	return nil
}

// add adds the item to the conversation; open are the calls without a result.
func (it *responsesItem) add(req *request, i int, open map[string]bool) *apiError {
	path := fmt.Sprintf("input[%d]", i)
	switch it.Type {
	case "", "message":
		c, err := it.said(path)
		if err == nil {
			req.Messages = append(req.Messages, message{Role: it.Role, Content: c})
		}
		return err
	case "function_call":
		if it.CallID == "" || it.Name == "" {
			return badRequest(path+".call_id", "missing_required_parameter", "Missing required parameter: '%s.call_id'.", path)
		}
		open[it.CallID] = true
		call := toolCall{ID: it.CallID, Type: "function", Function: functionCall{it.Name, it.Arguments}}
		req.Messages = append(req.Messages, message{Role: "assistant", ToolCalls: []toolCall{call}})
		return nil
	case "function_call_output":
		if _, called := open[it.CallID]; !called {
			return badRequest("input", "", "No tool call found for function call output with call_id %s.", it.CallID)
		}
		open[it.CallID] = false
		c, err := inputContent(path+".output", it.Output, inputKinds)
		req.Messages = append(req.Messages, message{Role: "tool", Content: c, ToolCallID: it.CallID})
		return err
	case "reasoning":
		return it.checkThought(path)
	}
	return badRequest(path+".type", "invalid_value",
		"Invalid value: '%s'. Supported values are: 'function_call', 'function_call_output', 'message', and 'reasoning'.", it.Type)
}

// checkThought checks that a thought is one of this provider's.
func (it *responsesItem) checkThought(path string) *apiError {
	if !strings.HasPrefix(it.ID, "rs_") {
		return badRequest(path+".id", "invalid_value", "Invalid '%s.id': '%s'. Expected an ID that begins with 'rs'.", path, it.ID)
	}
	if it.EncryptedContent != "" && it.EncryptedContent != encrypted(it.ID) {
		return badRequest("", "invalid_encrypted_content",
			"The encrypted content for item %s could not be verified. Reason: Encrypted content could not be decrypted or parsed.", it.ID)
	}
	return nil
}

var (
	inputKinds = []string{"input_text", "input_image", "input_file"}
	saidKinds  = []string{"output_text", "refusal"}
)

func (it *responsesItem) said(path string) (content, *apiError) {
	kinds := inputKinds
	switch it.Role {
	case "assistant":
		kinds = saidKinds
	case "user", "system", "developer":
	default:
		return content{}, badRequest(path+".role", "invalid_value",
			"Invalid value: '%s'. Supported values are: 'assistant', 'system', 'developer', and 'user'.", it.Role)
	}
	return inputContent(path+".content", it.Content, kinds)
}

// inputContent reads a text or a list of parts of the given kinds.
func inputContent(path string, raw json.RawMessage, kinds []string) (content, *apiError) {
	c := content{present: true}
	if len(raw) > 0 && raw[0] == '"' {
		_ = json.Unmarshal(raw, &c.text)
		return c, nil
	}
	var parts []inputPart
	if json.Unmarshal(raw, &parts) != nil {
		return c, badRequest(path, "invalid_type", "Invalid type for '%s': expected one of an array of objects or string.", path)
	}
	var texts []string
	for i, p := range parts {
		if err := p.check(fmt.Sprintf("%s[%d]", path, i), kinds); err != nil {
			return c, err
		}
		switch p.Type {
		case "input_image":
			c.imageTokens += imageTokens(p.Detail)
		case "input_file":
			c.imageTokens += highDetailTokens
		}
		texts = append(texts, p.Text+p.Refusal)
	}
	c.text = strings.TrimSpace(strings.Join(texts, "\n"))
	return c, nil
}

// inputPart is a part of a message or of a tool's output.
type inputPart struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Refusal  string `json:"refusal"`
	ImageURL string `json:"image_url"`
	FileID   string `json:"file_id"`
	FileURL  string `json:"file_url"`
	FileData string `json:"file_data"`
	Filename string `json:"filename"`
	Detail   string `json:"detail"`
}

func (p inputPart) check(at string, kinds []string) *apiError {
	switch {
	case !slices.Contains(kinds, p.Type):
		return badRequest(at, "invalid_value", "Invalid value: '%s'. Supported values are: '%s'.", p.Type, strings.Join(kinds, "', '"))
	case p.Type == "input_image" && p.ImageURL == "" && p.FileID == "":
		return badRequest(at+".image_url", "missing_required_parameter", "Missing required parameter: '%s.image_url'.", at)
	case p.Type == "input_file" && p.FileData != "" && p.Filename == "":
		return badRequest(at+".filename", "missing_required_parameter", "Missing required parameter: '%s.filename'.", at)
	}
	return nil
}
