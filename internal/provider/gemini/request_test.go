package gemini_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/gemini"
)

const hi = `"contents":[{"role":"user","parts":[{"text":"Hi"}]}]`

func TestRequestsThatCannotBeUnderstoodAreNamed(t *testing.T) {
	asked := `{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]}`
	for name, tc := range map[string]struct{ body, field string }{
		"cut":                        {`{"contents":[`, ""},
		"no object":                  {`[1]`, ""},
		"no contents":                {`{}`, "contents"},
		"empty contents":             {`{"contents":[]}`, "contents"},
		"a content that is text":     {`{"contents":["Hi"]}`, "contents[0]"},
		"an unknown role":            {`{"contents":[{"role":"assistant","parts":[{"text":"Hi"}]}]}`, "contents[0].role"},
		"a role that is none":        {`{"contents":[{"role":7,"parts":[{"text":"Hi"}]}]}`, "contents[0].role"},
		"no parts":                   {`{"contents":[{"role":"user"}]}`, "contents[0].parts"},
		"a part of nothing":          {`{"contents":[{"parts":[{}]}]}`, "contents[0].parts[0]"},
		"a part of a thought alone":  {`{"contents":[{"parts":[{"thought":true}]}]}`, "contents[0].parts[0]"},
		"an unknown part":            {`{"contents":[{"parts":[{"hologram":{}}]}]}`, "contents[0].parts[0].hologram"},
		"a part of two":              {`{"contents":[{"parts":[{"text":"a","inlineData":{}}]}]}`, "contents[0].parts[0]"},
		"a part that is text":        {`{"contents":[{"parts":["Hi"]}]}`, "contents[0].parts[0]"},
		"a text that is none":        {`{"contents":[{"parts":[{"text":7}]}]}`, "contents[0].parts[0].text"},
		"a thought that is none":     {`{"contents":[{"parts":[{"text":"a","thought":"yes"}]}]}`, "contents[0].parts[0].thought"},
		"a bad signature":            {`{"contents":[{"parts":[{"text":"a","thoughtSignature":"!"}]}]}`, "contents[0].parts[0].thoughtSignature"},
		"bad base64":                 {`{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"%"}}]}]}`, "contents[0].parts[0].inlineData.data"},
		"half a byte of base64":      {`{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAAA"}}]}]}`, "contents[0].parts[0].inlineData.data"},
		"no media type":              {`{"contents":[{"parts":[{"inline_data":{"data":"AAAA"}}]}]}`, "contents[0].parts[0].inline_data.mimeType"},
		"no address":                 {`{"contents":[{"parts":[{"fileData":{}}]}]}`, "contents[0].parts[0].fileData.fileUri"},
		"an address of a disk":       {`{"contents":[{"parts":[{"fileData":{"fileUri":"file:///etc/passwd"}}]}]}`, "contents[0].parts[0].fileData.fileUri"},
		"a call of the user's":       {`{"contents":[{"parts":[{"functionCall":{"name":"f"}}]}]}`, "contents[0].parts[0].functionCall"},
		"a call of nothing":          {`{"contents":[{"role":"model","parts":[{"functionCall":{"args":{}}}]}]}`, "contents[0].parts[0].functionCall.name"},
		"a call with a list":         {`{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":[]}}]}]}`, "contents[0].parts[0].functionCall.args"},
		"a result of the model's":    {`{"contents":[` + asked + `,{"role":"model","parts":[{"functionResponse":{"name":"f"}}]}]}`, "contents[2].parts[0].functionResponse"},
		"a result of no call":        {`{"contents":[{"parts":[{"functionResponse":{"name":"f"}}]}]}`, "contents[0].parts[0].functionResponse"},
		"a second result":            {`{"contents":[` + asked + `,{"parts":[{"functionResponse":{"name":"f"}},{"functionResponse":{"name":"f"}}]}]}`, "contents[2].parts[1].functionResponse"},
		"a result that is text":      {`{"contents":[` + asked + `,{"parts":[{"functionResponse":{"name":"f","response":"x"}}]}]}`, "contents[2].parts[0].functionResponse.response"},
		"a result with text beside":  {`{"contents":[` + asked + `,{"parts":[{"functionResponse":{"name":"f","parts":[{"text":"x"}]}}]}]}`, "contents[2].parts[0].functionResponse.parts[0]"},
		"a bad instruction":          {`{"systemInstruction":"Be terse.",` + hi + `}`, "systemInstruction"},
		"an empty instruction":       {`{"systemInstruction":{},` + hi + `}`, "systemInstruction.parts"},
		"a bad temperature":          {`{` + hi + `,"generationConfig":{"temperature":"hot"}}`, "generationConfig.temperature"},
		"half a token":               {`{` + hi + `,"generationConfig":{"maxOutputTokens":1.5}}`, "generationConfig.maxOutputTokens"},
		"fewer than no tokens":       {`{` + hi + `,"generationConfig":{"max_output_tokens":-1}}`, "generationConfig.max_output_tokens"},
		"a stop that is none":        {`{` + hi + `,"generationConfig":{"stopSequences":[1]}}`, "generationConfig.stopSequences[0]"},
		"a config that is none":      {`{` + hi + `,"generationConfig":[]}`, "generationConfig"},
		"an unknown level":           {`{` + hi + `,"generationConfig":{"thinkingConfig":{"thinkingLevel":"HUGE"}}}`, "generationConfig.thinkingConfig.thinkingLevel"},
		"a negative budget":          {`{` + hi + `,"generationConfig":{"thinkingConfig":{"thinkingBudget":-2}}}`, "generationConfig.thinkingConfig.thinkingBudget"},
		"an unknown format":          {`{` + hi + `,"generationConfig":{"responseMimeType":"application/xml"}}`, "generationConfig.responseMimeType"},
		"a schema of text":           {`{` + hi + `,"generationConfig":{"responseMimeType":"text/plain","responseJsonSchema":{}}}`, "generationConfig.responseJsonSchema"},
		"a schema that is none":      {`{` + hi + `,"generationConfig":{"responseMimeType":"application/json","responseSchema":"STRING"}}`, "generationConfig.responseSchema"},
		"a tool that is none":        {`{` + hi + `,"tools":["f"]}`, "tools[0]"},
		"a tool without a name":      {`{` + hi + `,"tools":[{"functionDeclarations":[{}]}]}`, "tools[0].functionDeclarations[0].name"},
		"a tool declared twice":      {`{` + hi + `,"tools":[{"functionDeclarations":[{"name":"f"},{"name":"f"}]}]}`, "tools[0].functionDeclarations[1].name"},
		"parameters that are none":   {`{` + hi + `,"tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":true}]}]}`, "tools[0].functionDeclarations[0].parametersJsonSchema"},
		"an unknown mode":            {`{` + hi + `,"toolConfig":{"functionCallingConfig":{"mode":"MAYBE"}}}`, "toolConfig.functionCallingConfig.mode"},
		"allowed names without mode": {`{` + hi + `,"toolConfig":{"functionCallingConfig":{"allowedFunctionNames":["f"]}}}`, "toolConfig.functionCallingConfig.allowedFunctionNames"},
		"an unknown tier":            {`{` + hi + `,"serviceTier":"gold"}`, "serviceTier"},
		"a label that is none":       {`{` + hi + `,"labels":{"a":1}}`, "labels.a"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gemini.New().DecodeRequest([]byte(tc.body))
			var field *chat.FieldError
			if !errors.As(err, &field) || field.Field != tc.field || field.Problem == "" {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestRequestsSayWhatTheyMean(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		ok   func(*chat.Request) bool
	}{
		"the body may name the model":  {`{` + hi + `,"model":"models/gemini-3-pro"}`, func(r *chat.Request) bool { return r.Model == "gemini-3-pro" }},
		"usage is always told":         {`{` + hi + `}`, func(r *chat.Request) bool { return r.StreamUsage && r.Wire == chat.WireGemini }},
		"null is absent":               {`{` + hi + `,"tools":null,"generationConfig":{"seed":null}}`, func(r *chat.Request) bool { return r.Tools == nil && r.Seed == nil }},
		"no thinking":                  {`{` + hi + `,"generationConfig":{"thinkingConfig":{"thinkingBudget":0}}}`, func(r *chat.Request) bool { return r.Reasoning.Disabled }},
		"an unspecified level is none": {`{` + hi + `,"generationConfig":{"thinkingConfig":{"thinkingLevel":"THINKING_LEVEL_UNSPECIFIED"}}}`, func(r *chat.Request) bool { return !r.Reasoning.Given() }},
		"any JSON":                     {`{` + hi + `,"generationConfig":{"responseMimeType":"application/json"}}`, func(r *chat.Request) bool { return r.Format.Kind == chat.FormatJSON }},
		"the newer response format": {`{` + hi + `,"generationConfig":{"responseFormat":[{"text":{"mimeType":"APPLICATION_JSON","schema":{"type":"object"}}}]}}`, func(r *chat.Request) bool {
			return r.Format.Kind == chat.FormatSchema && string(r.Format.Schema) == `{"type":"object"}`
		}},
		"a response format of images": {`{` + hi + `,"generationConfig":{"responseFormat":[{"image":{}}]}}`, func(r *chat.Request) bool { return len(r.Native) == 1 && !r.Native[0].Harmless }},
		"text alone is no modality":   {`{` + hi + `,"generationConfig":{"responseModalities":["TEXT"]}}`, func(r *chat.Request) bool { return r.Native == nil }},
		"any tool":                    {`{` + hi + `,"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}}`, func(r *chat.Request) bool { return r.ToolChoice.Mode == chat.ToolModeRequired }},
		"no tool":                     {`{` + hi + `,"toolConfig":{"functionCallingConfig":{"mode":"NONE"}}}`, func(r *chat.Request) bool { return r.ToolChoice.Mode == chat.ToolModeNone }},
		"an unknown hint is harmless": {`{` + hi + `,"shiny":true}`, func(r *chat.Request) bool { return r.Native[0].Field == "shiny" && r.Native[0].Harmless }},
		"calls of a name are answered in order": {
			`{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f"}},{"functionCall":{"name":"f"}}]},{"role":"function","parts":[{"functionResponse":{"name":"f"}},{"functionResponse":{"name":"f"}}]}]}`,
			func(r *chat.Request) bool {
				a, b := r.Messages[1].Parts[0].Result, r.Messages[1].Parts[1].Result
				return a.CallID == "call_0" && b.CallID == "call_1"
			},
		},
		"a placeholder signature is kept": {`{"contents":[{"parts":[{"text":"a","thoughtSignature":"skip_thought_signature_validator"}]}]}`, func(r *chat.Request) bool {
			return r.Messages[0].Parts[0].Signature == "skip_thought_signature_validator"
		}},
		"escapes and broken text": {`{"contents":[{"parts":[{"text":"a\u00e9\n` + "\xff" + `"}]}]}`, func(r *chat.Request) bool { return r.Messages[0].Parts[0].Text == "aé\n\uFFFD" }},
		"every escape": {`{"contents":[{"parts":[{"text":"\"\\\/\b\f\n\r\t\u0041\ud83d\ude00\ud83d\u0041\ude00"}]}]}`, func(r *chat.Request) bool {
			return r.Messages[0].Parts[0].Text == "\"\\/\b\f\n\r\tA😀\uFFFDA\uFFFD"
		}},
		"a label's name": {`{` + hi + `,"labels":{"a\u0062":"x"}}`, func(r *chat.Request) bool { return r.Metadata["ab"] == "x" }},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := gemini.New().DecodeRequest([]byte(tc.body))
			if err != nil || !tc.ok(r) {
				t.Errorf("%+v %v", r, err)
			}
		})
	}
}

func says(role chat.Role, texts ...string) chat.Message {
	m := chat.Message{Role: role}
	for _, s := range texts {
		m.Parts = append(m.Parts, chat.Part{Kind: chat.KindText, Text: s})
	}
	return m
}

func calls(parts ...chat.Part) chat.Message {
	return chat.Message{Role: chat.RoleAssistant, Parts: parts}
}

func call(id, name, arguments string) chat.Part {
	return chat.Part{Kind: chat.KindToolCall, Call: &chat.ToolCall{ID: id, Name: name, Arguments: arguments}}
}

func result(id string, failed bool, parts ...chat.Part) chat.Message {
	return chat.Message{Role: chat.RoleTool, Parts: []chat.Part{{Kind: chat.KindToolResult, Result: &chat.ToolResult{CallID: id, IsError: failed, Parts: parts}}}}
}

func part(kind chat.Kind, m chat.Media) chat.Part { return chat.Part{Kind: kind, Media: &m} }

func textPart(s string) chat.Part { return chat.Part{Kind: chat.KindText, Text: s} }

func yes() *bool { v := true; return &v }

func no() *bool { v := false; return &v }

var tool = []chat.Tool{{Name: "f"}}

// question is a request of one message, with what change adds.
func question(change func(*chat.Request)) *chat.Request {
	r := &chat.Request{Messages: []chat.Message{says(chat.RoleUser, "Hi")}}
	change(r)
	return r
}

func TestRequestsAreWrittenForTheModel(t *testing.T) {
	big := int64(1) << 40
	for name, tc := range map[string]struct {
		model   string
		up      chat.Upstream
		r       *chat.Request
		want    string // what stands beside the contents, or the contents themselves
		dropped string
	}{
		"instructions first, and later ones at their place": {r: &chat.Request{Messages: []chat.Message{
			says(chat.RoleSystem, "A", ""), says(chat.RoleDeveloper, "B"), says(chat.RoleUser, "Hi"), says(chat.RoleAssistant, "Yes"), says(chat.RoleDeveloper, "C"), says(chat.RoleUser, "D"),
		}}, want: `"systemInstruction":{"parts":[{"text":"A"},{"text":"B"}]},"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"text":"Yes"}]},{"role":"user","parts":[{"text":"C"},{"text":"D"}]}]`},
		"instructions alone": {r: &chat.Request{Messages: []chat.Message{says(chat.RoleSystem, "A")}}, want: `{"contents":[{"role":"user","parts":[{"text":"A"}]}]}`},
		"calls from elsewhere carry the placeholder": {model: "gemini-3-flash", r: &chat.Request{Messages: []chat.Message{
			says(chat.RoleUser, "Hi"), calls(call("a", "f", ""), call("b", "g", `{"x": 1}`)), result("a", false, textPart("21")), result("b", true, textPart("no"), textPart("way")), says(chat.RoleUser, "And?"),
		}}, want: `{"role":"model","parts":[{"functionCall":{"id":"a","name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"},{"functionCall":{"id":"b","name":"g","args":{"x": 1}}}]},` +
			`{"role":"user","parts":[{"functionResponse":{"id":"a","name":"f","response":{"output":"21"}}},{"functionResponse":{"id":"b","name":"g","response":{"error":"no\nway"}}},{"text":"And?"}]}`},
		"Gemini's own calls keep their signature": {model: "gemini-3-flash", r: &chat.Request{Messages: []chat.Message{
			says(chat.RoleUser, "Hi"), calls(chat.Part{Kind: chat.KindToolCall, Signature: "AQID", Call: &chat.ToolCall{ID: "call_0", Name: "f"}}), result("call_0", false, textPart(`[1]`)),
		}}, want: `{"functionCall":{"name":"f","args":{}},"thoughtSignature":"AQID"}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":[1]}}}]}`},
		"media of results stand beside them before Gemini 3": {r: &chat.Request{Messages: []chat.Message{
			calls(call("a", "f", "{}")), result("a", false, textPart(`{"a":1}`), part(chat.KindImage, chat.Media{MIMEType: "image/png", Data: "AAAA"})),
		}}, want: `{"functionCall":{"id":"a","name":"f","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"id":"a","name":"f","response":{"a":1}}},{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}`},
		"a result that looks like a wrapping is wrapped": {r: &chat.Request{Messages: []chat.Message{
			calls(call("a", "f", "{}")), result("a", false, textPart(`{"output":1}`)),
		}}, want: `"response":{"output":{"output":1}}`},
		"thoughts keep only Gemini's signatures": {r: &chat.Request{Messages: []chat.Message{says(chat.RoleUser, "Hi"), calls(
			chat.Part{Kind: chat.KindThinking, Text: "Hm", Signature: "AQID"}, chat.Part{Kind: chat.KindThinking, Text: "Ha", Signature: "tsgeminiAQID"},
			chat.Part{Kind: chat.KindThinking, Signature: "AQID"}, chat.Part{Kind: chat.KindRedactedThinking, Data: "x"}, chat.Part{Kind: chat.KindRefusal, Text: "No"},
			chat.Part{Kind: chat.KindText, Signature: "AQID"},
		)}}, want: `[{"text":"Hm","thought":true},{"text":"Ha","thought":true,"thoughtSignature":"AQID"},{"text":"No"},{"text":"","thoughtSignature":"AQID"}]`, dropped: "redacted_thinking"},
		"media": {
			r: &chat.Request{Messages: []chat.Message{{Role: chat.RoleUser, Name: "ann", Parts: []chat.Part{
				part(chat.KindImage, chat.Media{URL: "https://e.org/a.webp", Detail: "high"}), part(chat.KindDocument, chat.Media{FileID: "gs://b/c", MIMEType: "application/pdf", Name: "c.pdf"}),
				part(chat.KindAudio, chat.Media{Data: "AAAA", MIMEType: "audio/wav"}), part(chat.KindImage, chat.Media{URL: "https://e.org/a"}),
			}}}}, want: `[{"fileData":{"mimeType":"image/webp","fileUri":"https://e.org/a.webp"}},{"fileData":{"mimeType":"application/pdf","fileUri":"gs://b/c"}},{"inlineData":{"mimeType":"audio/wav","data":"AAAA"}},{"fileData":{"fileUri":"https://e.org/a"}}]`,
			dropped: "filename image_url.detail messages.name",
		},
		"hints are dropped and named": {r: question(func(r *chat.Request) {
			r.User, r.Metadata, r.PromptCacheKey, r.ServiceTier = "u", map[string]string{"a": "b"}, "k", "scale"
			r.Messages[0].Parts[0].Cache = &chat.CacheControl{}
			r.Tools = []chat.Tool{{Name: "f", Cache: &chat.CacheControl{}}}
			r.Native = []chat.Native{{Field: "logit_bias", Harmless: true}}
		}), want: `"tools":[{"functionDeclarations":[{"name":"f"}]}]}`, dropped: "cache_control logit_bias metadata prompt_cache_key service_tier user"},
		"the names are the client's": {r: question(func(r *chat.Request) {
			r.Wire, r.Reasoning.Effort = chat.WireAnthropic, "low"
		}), model: "gemini-2.0-flash", want: `{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}`, dropped: "thinking"},
		"strict tools": {r: question(func(r *chat.Request) { r.Tools = []chat.Tool{{Name: "f", Strict: yes()}} }), want: `"toolConfig":{"functionCallingConfig":{"mode":"VALIDATED"}}`},
		"named tools": {r: question(func(r *chat.Request) {
			r.Tools, r.ToolChoice = tool, chat.ToolChoice{Mode: chat.ToolModeNamed, Names: []string{"f"}}
		}), want: `{"mode":"ANY","allowedFunctionNames":["f"]}`},
		"parallel calls":    {r: question(func(r *chat.Request) { r.Tools, r.ParallelToolCalls = tool, yes() }), want: `"tools":[{"functionDeclarations":[{"name":"f"}]}]}`},
		"no tools, no mode": {r: question(func(r *chat.Request) { r.ToolChoice.Mode = chat.ToolModeAuto }), want: `{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}`},
		"the smaller cap":   {r: question(func(r *chat.Request) { r.MaxOutputTokens = 9 }), up: chat.Upstream{MaxOutputTokens: 5}, want: `{"maxOutputTokens":5}`},
		"the request's cap": {r: question(func(r *chat.Request) { r.MaxOutputTokens = 5 }), up: chat.Upstream{MaxOutputTokens: 9}, want: `{"maxOutputTokens":5}`},
		"the router's cap":  {r: question(func(*chat.Request) {}), up: chat.Upstream{MaxOutputTokens: 9}, want: `{"maxOutputTokens":9}`},
		"a seed of 64 bits": {r: question(func(r *chat.Request) { r.Seed = &big }), want: `{"seed":256}`},
		"a tier":            {r: question(func(r *chat.Request) { r.ServiceTier = "default" }), want: `"serviceTier":"standard"`},
		"a schema": {r: question(func(r *chat.Request) {
			r.Format = chat.Format{Kind: chat.FormatSchema, Name: "n", Schema: []byte(` {"type":"object"} `), Strict: yes()}
		}), want: `{"responseMimeType":"application/json","responseJsonSchema":{"type":"object"}}`},
		"a schema, not strict": {r: question(func(r *chat.Request) {
			r.Format = chat.Format{Kind: chat.FormatSchema, Schema: []byte(`{}`), Strict: no()}
		}), want: `"responseJsonSchema":{}`, dropped: "response_format.strict"},
		"any JSON":                                   {r: question(func(r *chat.Request) { r.Format.Kind = chat.FormatJSON }), want: `{"responseMimeType":"application/json"}`},
		"an effort is a budget before Gemini 3":      {r: question(func(r *chat.Request) { r.Reasoning.Effort = "medium" }), want: `{"thinkingConfig":{"thinkingBudget":8192}}`},
		"an effort is a level from Gemini 3 on":      {model: "gemini-3.1-pro-preview", r: question(func(r *chat.Request) { r.Reasoning.Effort = "medium" }), want: `{"thinkingConfig":{"thinkingLevel":"MEDIUM"}}`},
		"the first Pro knows no medium":              {model: "gemini-3-pro", r: question(func(r *chat.Request) { r.Reasoning.Effort = "medium" }), want: `{"thinkingConfig":{"thinkingLevel":"HIGH"}}`},
		"no thinking is the least of Gemini 3":       {model: "gemini-3-flash", r: question(func(r *chat.Request) { r.Reasoning.Disabled = true }), want: `{"thinkingConfig":{"thinkingLevel":"MINIMAL"}}`},
		"no thinking is the least of 2.5 Pro":        {model: "gemini-2.5-pro", r: question(func(r *chat.Request) { r.Reasoning.Disabled = true }), want: `{"thinkingConfig":{"thinkingBudget":128}}`},
		"no thinking of 2.5 Flash":                   {r: question(func(r *chat.Request) { r.Reasoning.Effort = "none" }), want: `{"thinkingConfig":{"thinkingBudget":0}}`},
		"a budget is brought within the bounds":      {r: question(func(r *chat.Request) { r.Reasoning = chat.Reasoning{BudgetTokens: 60000, Show: yes()} }), want: `{"thinkingConfig":{"thinkingBudget":24576,"includeThoughts":true}}`},
		"a small budget of 2.5 Flash-Lite":           {model: "models/gemini-2.5-flash-lite", r: question(func(r *chat.Request) { r.Reasoning.BudgetTokens = 5 }), want: `{"thinkingConfig":{"thinkingBudget":512}}`},
		"a budget goes to Gemini 3 as it is":         {model: "gemini-3-pro", r: question(func(r *chat.Request) { r.Reasoning.BudgetTokens = -1 }), want: `{"thinkingConfig":{"thinkingBudget":-1}}`},
		"an effort alone guides who thinks anyway":   {model: "gemini-3-flash", r: question(func(r *chat.Request) { r.Reasoning = chat.Reasoning{Effort: "low", EffortOnly: true} }), want: `{"thinkingConfig":{"thinkingLevel":"LOW"}}`},
		"an effort alone, as a budget":               {model: "gemini-2.5-flash", r: question(func(r *chat.Request) { r.Reasoning = chat.Reasoning{Effort: "low", EffortOnly: true} }), want: `{"thinkingConfig":{"thinkingBudget":1024}}`},
		"a model of another name that reasons":       {model: "large", up: chat.Upstream{Reasons: true}, r: question(func(r *chat.Request) { r.Reasoning.Effort = "xhigh" }), want: `{"thinkingConfig":{"thinkingLevel":"HIGH"}}`},
		"a model that does not reason":               {model: "gemma-3-27b-it", r: question(func(r *chat.Request) { r.Reasoning.Effort = "none" }), want: `{"contents":[{"role":"user","parts":[{"text":"Hi"}]}]}`},
		"an alias for the newest model takes levels": {model: "gemini-flash-latest", r: question(func(r *chat.Request) { r.Reasoning.Effort = "low" }), want: `{"thinkingLevel":"LOW"}`},
	} {
		t.Run(name, func(t *testing.T) {
			up := tc.up
			if up.Model = "gemini-2.5-flash"; tc.model != "" {
				up.Model = tc.model
			}
			out, err := gemini.New().EncodeRequest(tc.r, up)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(out.Body), tc.want) || strings.Join(out.Dropped, " ") != tc.dropped {
				t.Errorf("%s\ndropped %v", out.Body, out.Dropped)
			}
			again, err := gemini.New().DecodeRequest(out.Body)
			if err != nil {
				t.Errorf("%s: %v", out.Body, err)
			} else if _, err := gemini.New().EncodeRequest(again, up); err != nil {
				t.Errorf("encoded again: %v", err)
			}
		})
	}
}

func TestWhatCannotBeCarriedIsRefusedByTheClientsName(t *testing.T) {
	native := &chat.Native{Field: "input[3]", Wire: chat.WireResponses}
	for name, tc := range map[string]struct {
		r     *chat.Request
		field string
	}{
		"one call a turn":         {question(func(r *chat.Request) { r.Tools, r.ParallelToolCalls = tool, no() }), "parallel_tool_calls"},
		"six stop sequences":      {question(func(r *chat.Request) { r.Stop = []string{"a", "b", "c", "d", "e", "f"} }), "stop"},
		"JSON beside tools":       {question(func(r *chat.Request) { r.Tools, r.Format.Kind = tool, chat.FormatJSON }), "response_format"},
		"another provider's file": {question(func(r *chat.Request) { r.Messages[0].Parts[0] = part(chat.KindImage, chat.Media{FileID: "file-1"}) }), "messages[0].content[0]"},
		"a picture as instruction": {question(func(r *chat.Request) {
			r.Messages = append([]chat.Message{{Role: chat.RoleSystem, Parts: []chat.Part{part(chat.KindImage, chat.Media{})}}}, r.Messages...)
		}), "messages[0].content[0]"},
		"another wire's tool": {question(func(r *chat.Request) {
			r.Native = []chat.Native{{Field: "tools[1]", Value: []byte(`{"type":"web_search"}`), Wire: chat.WireResponses}}
		}), "tools[1]"},
		"another wire's part": {question(func(r *chat.Request) { r.Messages[0].Parts[0] = chat.Part{Kind: chat.KindNative, Native: native} }), "input[3]"},
		"a part of no kind":   {question(func(r *chat.Request) { r.Wire = chat.WireGemini; r.Messages[0].Parts[0] = chat.Part{Kind: 99} }), "contents[0].parts[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gemini.New().EncodeRequest(tc.r, chat.Upstream{Model: "gemini-2.5-flash"})
			var refused *chat.Unsupported
			if !errors.As(err, &refused) || refused.Field != tc.field || refused.Reason == "" {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestRequestsThatMakeNoSenseAreNamed(t *testing.T) {
	for name, tc := range map[string]struct {
		r     *chat.Request
		field string
	}{
		"nothing is said":              {&chat.Request{Messages: []chat.Message{says(chat.RoleUser, "")}}, "messages"},
		"no messages":                  {&chat.Request{}, "messages"},
		"a result without a call":      {&chat.Request{Messages: []chat.Message{result("a", false)}}, "messages[0].content[0]"},
		"arguments that are no object": {&chat.Request{Messages: []chat.Message{calls(call("a", "f", "[1]"))}}, "messages[0].content[0]"},
		"arguments that are cut":       {&chat.Request{Messages: []chat.Message{calls(call("a", "f", `{"x":`))}}, "messages[0].content[0]"},
		"media of no type":             {question(func(r *chat.Request) { r.Messages[0].Parts[0] = part(chat.KindImage, chat.Media{Data: "AAAA"}) }), "messages[0].content[0]"},
		"media of nothing":             {question(func(r *chat.Request) { r.Messages[0].Parts[0] = chat.Part{Kind: chat.KindImage} }), "messages[0].content[0]"},
		"a call of nothing":            {question(func(r *chat.Request) { r.Messages[0].Parts[0] = chat.Part{Kind: chat.KindToolCall} }), "messages[0].content[0]"},
		"a result of nothing":          {question(func(r *chat.Request) { r.Messages[0].Parts[0] = chat.Part{Kind: chat.KindToolResult} }), "messages[0].content[0]"},
		"a schema that is none":        {question(func(r *chat.Request) { r.Format = chat.Format{Kind: chat.FormatSchema, Schema: []byte(`"x"`)} }), "response_format"},
		"parameters that are none":     {question(func(r *chat.Request) { r.Tools = []chat.Tool{{Name: "f", Parameters: []byte(`{`)}} }), "tools[0]"},
		"a native that is no JSON": {question(func(r *chat.Request) {
			r.Native = []chat.Native{{Field: "store", Value: []byte(`{`), Wire: chat.WireGemini}}
		}), "store"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := gemini.New().EncodeRequest(tc.r, chat.Upstream{Model: "gemini-2.5-flash"})
			var field *chat.FieldError
			if !errors.As(err, &field) || field.Field != tc.field || field.Problem == "" {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestMembersWithoutAPlaceAreDroppedByName(t *testing.T) {
	body := `{"contents":[{"role":"user","hat":1,"parts":[{"text":"Hi","partMetadata":{"a":1}}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]},` +
		`{"parts":[{"functionResponse":{"name":"f","scheduling":"SILENT"}}]}],"tools":[{"functionDeclarations":[{"name":"f","behavior":"BLOCKING"}],"":1}],` +
		`"generationConfig":{"":1,"thinkingConfig":{"mood":1}},"toolConfig":{"functionCallingConfig":{"mode":"AUTO","stream":true}},"":2,"x.y":3}`
	r, err := gemini.New().DecodeRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	out, err := gemini.New().EncodeRequest(r, chat.Upstream{Model: "gemini-2.5-flash"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"contents[0].hat", "contents[0].parts[0].partMetadata", "contents[2].parts[0].functionResponse.scheduling", "tools[0].functionDeclarations[0].behavior",
		"tools[0].", "generationConfig.", "generationConfig.thinkingConfig.mood", "toolConfig.functionCallingConfig.stream", "", "x.y",
	} {
		if !slices.Contains(out.Dropped, want) {
			t.Errorf("%q is not named in %q", want, out.Dropped)
		}
	}
}

func TestPaths(t *testing.T) {
	for path, want := range map[string][2]string{
		"/v1beta/models/gemini-2.5-flash:generateContent":         {"gemini-2.5-flash", "generateContent"},
		"/team/v1beta/models/tier:nano:streamGenerateContent":     {"tier:nano", "streamGenerateContent"},
		"/v1/models/a/b:countTokens":                              {"a/b", "countTokens"},
		"/v1beta/models":                                          {},
		"/v1beta/models/gemini-2.5-flash":                         {},
		"/v1beta/models/:generateContent":                         {},
		"/v1beta/models/x:":                                       {},
		"/v1/chat/completions":                                    {},
		"/models/x:generateContent":                               {},
		"/v1beta/publishers/google/models/gemini:generateContent": {"gemini", "generateContent"},
	} {
		model, action, ok := gemini.ParsePath(path)
		if model != want[0] || string(action) != want[1] || ok != (want[0] != "") {
			t.Errorf("%s: %q %q %v", path, model, action, ok)
		}
	}
	for _, c := range []struct {
		model  string
		stream bool
		want   string
	}{
		{"gemini-2.5-flash", false, "/v1beta/models/gemini-2.5-flash:generateContent"},
		{"models/gemini-2.5-flash", true, "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse"},
		{"tunedModels/mine", false, "/v1beta/tunedModels/mine:generateContent"},
		{"a/b?c", false, "/v1beta/models/a%2Fb%3Fc:generateContent"},
	} {
		if got := gemini.Path(c.model, c.stream); got != c.want {
			t.Errorf("%s: %s", c.model, got)
		}
	}
}
