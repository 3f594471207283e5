package simulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"google.golang.org/genai"

	"github.com/tiershift/tiershift/internal/simulator"
)

// startGemini serves a provider of Google's wire until the test ends.
func startGemini(t *testing.T, cfg simulator.Config) (*simulator.Provider, string) {
	t.Helper()
	cfg.Dialect = simulator.Gemini
	if cfg.Models == nil {
		cfg.Models = []simulator.Model{
			{Name: "gemini-2.0-flash", Capability: 0.5},
			{Name: "gemini-2.5-flash", Capability: 0.95, Reasoning: true},
			{Name: "gemini-3-pro", Capability: 0.99, Reasoning: true},
		}
	}
	return start(t, cfg)
}

// geminiClient is the official SDK, pointed at the simulator.
func geminiClient(t *testing.T, url, key string) *genai.Client {
	t.Helper()
	c, err := genai.NewClient(t.Context(), &genai.ClientConfig{
		APIKey: key, Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: url},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// easy makes every prompt one that is answered well.
var easy = map[string]string{"difficulty": "0"}

func TestGeminiSDKReadsAnAnswer(t *testing.T) {
	_, url := startGemini(t, simulator.Config{})
	prompt := "Summarise the harbour regulations for visiting yachts."
	res, err := geminiClient(t, url, "k").Models.GenerateContent(t.Context(), "gemini-2.5-flash", genai.Text(prompt), &genai.GenerateContentConfig{
		Labels: easy, SystemInstruction: genai.NewContentFromText("Be brief.", genai.RoleUser),
		ThinkingConfig: &genai.ThinkingConfig{IncludeThoughts: true, ThinkingBudget: genai.Ptr[int32](4096)},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, u := res.Candidates[0], res.UsageMetadata
	if c.FinishReason != genai.FinishReasonStop || c.Content.Role != "model" || !c.Content.Parts[0].Thought {
		t.Errorf("candidate: %+v", c)
	}
	if got := simulator.Judge(prompt, res.Text()); got.Verdict != simulator.Well {
		t.Errorf("judged %+v: %q", got, res.Text())
	}
	if want := simulator.Tokens(res.Text()); int(u.CandidatesTokenCount) != want || u.ThoughtsTokenCount == 0 {
		t.Errorf("usage: %+v, want %d tokens", u, want)
	}
	if u.TotalTokenCount != u.PromptTokenCount+u.CandidatesTokenCount+u.ThoughtsTokenCount {
		t.Errorf("usage: %+v", u)
	}
	if res.ModelVersion != "gemini-2.5-flash" || len(res.ResponseID) != 22 {
		t.Errorf("head: %s %s", res.ModelVersion, res.ResponseID)
	}
}

func TestGeminiSDKReadsAStreamAsItReadsADocument(t *testing.T) {
	_, url := startGemini(t, simulator.Config{})
	c := geminiClient(t, url, "k")
	config := &genai.GenerateContentConfig{Labels: easy, CandidateCount: 2}
	contents := genai.Text("Explain how tidal locks work, for the café — in 60 words.")
	whole, err := c.Models.GenerateContent(t.Context(), "gemini-3-pro", contents, config)
	if err != nil {
		t.Fatal(err)
	}
	texts, finishes, events := [2]string{}, [2]genai.FinishReason{}, 0
	var last *genai.GenerateContentResponseUsageMetadata
	for chunk, err := range c.Models.GenerateContentStream(t.Context(), "gemini-3-pro", contents, config) {
		if err != nil {
			t.Fatal(err)
		}
		events++
		last = chunk.UsageMetadata
		for _, ca := range chunk.Candidates {
			for _, p := range ca.Content.Parts {
				texts[ca.Index] += p.Text
			}
			finishes[ca.Index] += ca.FinishReason
		}
	}
	for i, ca := range whole.Candidates {
		if texts[i] != ca.Content.Parts[0].Text || finishes[i] != "STOP" {
			t.Errorf("candidate %d: streamed %q %s, document %q", i, texts[i], finishes[i], ca.Content.Parts[0].Text)
		}
	}
	if events < 20 || last.TotalTokenCount != whole.UsageMetadata.TotalTokenCount {
		t.Errorf("%d events, usage %+v, want %+v", events, last, whole.UsageMetadata)
	}
}

var geminiWeather = &genai.Tool{FunctionDeclarations: []*genai.FunctionDeclaration{{
	Name: "get_current_weather", Description: "Current weather of a place",
	Parameters: &genai.Schema{
		Type: genai.TypeObject, Required: []string{"location", "unit", "days"},
		Properties: map[string]*genai.Schema{
			"location": {Type: genai.TypeString},
			"unit":     {Type: genai.TypeString, Format: "enum", Enum: []string{"celsius", "fahrenheit"}},
			"days":     {Type: genai.TypeInteger, Minimum: genai.Ptr(1.0), Maximum: genai.Ptr(3.0)},
		},
	},
}}}

func TestGeminiSDKCallsTools(t *testing.T) {
	_, url := startGemini(t, simulator.Config{})
	c := geminiClient(t, url, "k")
	for _, model := range []string{"gemini-2.5-flash", "gemini-3-pro"} {
		config := &genai.GenerateContentConfig{Labels: easy, Tools: []*genai.Tool{geminiWeather}}
		contents := genai.Text("How is the weather in Lisbon and New York today?")
		res, err := c.Models.GenerateContent(t.Context(), model, contents, config)
		if err != nil {
			t.Fatal(err)
		}
		calls := res.FunctionCalls()
		if len(calls) != 2 || res.Candidates[0].FinishReason != "STOP" {
			t.Fatalf("%s: %+v", model, res.Candidates[0])
		}
		results := &genai.Content{Role: genai.RoleUser}
		for i, call := range calls {
			text, err := json.Marshal(call.Args)
			if err != nil {
				t.Fatal(err)
			}
			if at := checkWeather(t, string(text)); at != []string{"Lisbon", "New York"}[i] {
				t.Errorf("location: %s", at)
			}
			if (call.ID != "") != (model == "gemini-3-pro") {
				t.Errorf("%s: id %q", model, call.ID)
			}
			p := genai.NewPartFromFunctionResponse(call.Name, map[string]any{"output": "21 degrees"})
			p.FunctionResponse.ID = call.ID
			results.Parts = append(results.Parts, p)
		}
		contents = append(contents, res.Candidates[0].Content, results)
		res, err = c.Models.GenerateContent(t.Context(), model, contents, config)
		if err != nil || res.Text() == "" || len(res.FunctionCalls()) > 0 {
			t.Errorf("%s: after the results: %+v %v", model, res, err)
		}
		streamed := 0
		for chunk, err := range c.Models.GenerateContentStream(t.Context(), model, contents[:1], config) {
			if err != nil {
				t.Fatal(err)
			}
			streamed += len(chunk.FunctionCalls())
		}
		if streamed != 2 {
			t.Errorf("%s: %d calls streamed", model, streamed)
		}
	}
}

func TestGeminiSDKReadsStructuredOutput(t *testing.T) {
	_, url := startGemini(t, simulator.Config{})
	res, err := geminiClient(t, url, "k").Models.GenerateContent(t.Context(), "gemini-2.5-flash",
		[]*genai.Content{genai.NewContentFromParts([]*genai.Part{
			genai.NewPartFromText("Extract the guest from: Ada Lovelace (ada@example.org) arrives on Monday."),
			genai.NewPartFromBytes([]byte("\x89PNG"), "image/png"),
			genai.NewPartFromURI("https://example.com/a.png", "image/png"),
		}, genai.RoleUser)},
		&genai.GenerateContentConfig{Labels: easy, ResponseMIMEType: "application/json", ResponseSchema: &genai.Schema{
			Type: genai.TypeObject, Required: []string{"name", "email", "nights"},
			Properties: map[string]*genai.Schema{"name": {Type: genai.TypeString}, "email": {Type: genai.TypeString}, "nights": {Type: genai.TypeInteger}},
		}})
	if err != nil {
		t.Fatal(err)
	}
	var guest struct {
		Name, Email string
		Nights      *int
	}
	if err := json.Unmarshal([]byte(res.Text()), &guest); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(guest.Name, "Ada Lovelace (ref ") || guest.Email != "ada@example.org" || guest.Nights == nil {
		t.Errorf("text: %s", res.Text())
	}
	if res.UsageMetadata.PromptTokenCount < 2*258 {
		t.Errorf("the images are not counted: %+v", res.UsageMetadata)
	}
}

func TestGeminiSDKReadsLogProbabilities(t *testing.T) {
	_, url := startGemini(t, simulator.Config{})
	res, err := geminiClient(t, url, "k").Models.GenerateContent(t.Context(), "gemini-2.0-flash", genai.Text("Name the capital of France."),
		&genai.GenerateContentConfig{Labels: easy, ResponseLogprobs: true, Logprobs: genai.Ptr[int32](2)})
	if err != nil {
		t.Fatal(err)
	}
	l := res.Candidates[0].LogprobsResult
	if len(l.ChosenCandidates) != int(res.UsageMetadata.CandidatesTokenCount) || len(l.TopCandidates[0].Candidates) != 2 || l.ChosenCandidates[0].LogProbability > 0 {
		t.Errorf("log probabilities: %+v", l)
	}
}

func TestGeminiSDKRaisesItsErrors(t *testing.T) {
	_, url := startGemini(t, simulator.Config{APIKeys: []string{"right"}, AllowFaultHeader: true})
	for name, tc := range map[string]struct {
		key, model, fault string
		config            *genai.GenerateContentConfig
		code              int
		status, message   string
	}{
		"wrong key":        {key: "wrong", code: 400, status: "INVALID_ARGUMENT", message: "API key not valid. Please pass a valid API key."},
		"unknown model":    {model: "gemini-9", code: 404, status: "NOT_FOUND", message: "models/gemini-9 is not found"},
		"rate limit":       {fault: "status=429", code: 429, status: "RESOURCE_EXHAUSTED", message: "You exceeded your current quota"},
		"overloaded":       {fault: "status=503", code: 503, status: "UNAVAILABLE", message: "The model is overloaded"},
		"server error":     {fault: "status=500", code: 500, status: "INTERNAL", message: "An internal error"},
		"too many stops":   {config: &genai.GenerateContentConfig{StopSequences: []string{"a", "b", "c", "d", "e", "f"}}, code: 400, status: "INVALID_ARGUMENT", message: "* GenerateContentRequest.generation_config.stop_sequences"},
		"thinking refused": {model: "gemini-2.0-flash", config: &genai.GenerateContentConfig{ThinkingConfig: &genai.ThinkingConfig{ThinkingLevel: "LOW"}}, code: 400, status: "INVALID_ARGUMENT", message: "Unable to submit request because thinking is not supported"},
	} {
		t.Run(name, func(t *testing.T) {
			key, model, config := "right", "gemini-2.5-flash", tc.config
			if tc.key != "" {
				key = tc.key
			}
			if tc.model != "" {
				model = tc.model
			}
			if tc.fault != "" {
				config = &genai.GenerateContentConfig{HTTPOptions: &genai.HTTPOptions{Headers: map[string][]string{simulator.FaultHeader: {tc.fault}}}}
			}
			_, err := geminiClient(t, url, key).Models.GenerateContent(t.Context(), model, genai.Text("Hello"), config)
			var apiErr genai.APIError
			if !errors.As(err, &apiErr) {
				t.Fatalf("not an API error: %v", err)
			}
			if apiErr.Code != tc.code || apiErr.Status != tc.status || !strings.HasPrefix(apiErr.Message, tc.message) {
				t.Errorf("error: %+v", apiErr)
			}
		})
	}
}

func TestGeminiSDKSeesAStreamFail(t *testing.T) {
	_, url := startGemini(t, simulator.Config{AllowFaultHeader: true})
	for fault, want := range map[string]string{"error-event=2": "Error 500", "cut=2": "unexpected EOF"} {
		config := &genai.GenerateContentConfig{
			Labels: easy, HTTPOptions: &genai.HTTPOptions{Headers: map[string][]string{simulator.FaultHeader: {fault}}},
		}
		events, failed := 0, ""
		for _, err := range geminiClient(t, url, "k").Models.GenerateContentStream(t.Context(), "gemini-2.5-flash", genai.Text("Write an essay."), config) {
			if err != nil {
				failed = err.Error()
				break
			}
			events++
		}
		if events != 2 || !strings.HasPrefix(failed, want) {
			t.Errorf("%s: %d events, then %s", fault, events, failed)
		}
	}
}

func TestGeminiSDKListsModels(t *testing.T) {
	_, url := startGemini(t, simulator.Config{})
	c := geminiClient(t, url, "k")
	page, err := c.Models.List(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range page.Items {
		names = append(names, m.Name)
	}
	if strings.Join(names, " ") != "models/gemini-2.0-flash models/gemini-2.5-flash models/gemini-3-pro" || page.Items[0].InputTokenLimit == 0 {
		t.Errorf("models: %v", names)
	}
	m, err := c.Models.Get(t.Context(), "gemini-3-pro", nil)
	if err != nil || m.DisplayName != "gemini-3-pro" {
		t.Errorf("model: %+v %v", m, err)
	}
}

func TestAGeminiClientThatLeavesIsCounted(t *testing.T) {
	p, url := startGemini(t, simulator.Config{Latency: simulator.Latency{TokensPerSecond: 100}})
	ctx, cancel := context.WithCancel(t.Context())
	events := 0
	for _, err := range geminiClient(t, url, "k").Models.GenerateContentStream(ctx, "gemini-2.0-flash", genai.Text("Write a detailed report on rope making."),
		&genai.GenerateContentConfig{Labels: easy}) {
		if err != nil {
			break
		}
		if events++; events == 3 {
			cancel()
		}
	}
	cancel()
	eventually(t, "the cancelled stream is counted", func() bool { return p.Stats().Cancelled == 1 })
	if charged := p.Stats().Models["gemini-2.0-flash"]; charged.CompletionTokens < 9 || charged.CompletionTokens > 60 {
		t.Errorf("charged: %+v", charged)
	}
}

func TestGeminiRefusesWhatTheAPIRefuses(t *testing.T) {
	_, url := startGemini(t, simulator.Config{})
	const user = `"contents":[{"role":"user","parts":[{"text":"Hi"}]}]`
	for name, tc := range map[string]struct{ model, body, want string }{
		"no JSON":            {body: `{`, want: "Invalid JSON payload received."},
		"no contents":        {body: `{}`, want: "* GenerateContentRequest.contents: contents is not specified"},
		"an unknown member":  {body: `{` + user + `,"generationConfig":{"n":1}}`, want: `Unknown name "n" at 'generation_config': Cannot find field.`},
		"a mistyped member":  {body: `{` + user + `,"generation_config":{"seed":5000000000}}`, want: "Invalid value at 'generation_config.seed'"},
		"a role of OpenAI's": {body: `{"contents":[{"role":"assistant","parts":[{"text":"Hi"}]}]}`, want: "Please use a valid role: user, model."},
		"no parts":           {body: `{"contents":[{"role":"user"}]}`, want: "contents.parts must not be empty"},
		"a part of nothing":  {body: `{"contents":[{"parts":[{}]}]}`, want: "required oneof field 'data'"},
		"a part of two":      {body: `{"contents":[{"parts":[{"text":"a","fileData":{"fileUri":"u"}}]}]}`, want: "oneof field 'data' is already set"},
		"bad base64":         {body: `{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"%%"}}]}]}`, want: "Invalid value at 'contents[0].parts[0].inline_data.data'"},
		"a lonely call":      {body: `{"contents":[{"role":"user","parts":[{"text":"Hi"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]}]}`, want: "number of function response parts"},
		"a call too early":   {body: `{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"parts":[{"functionResponse":{"name":"f","response":{}}}]}]}`, want: "function call turn comes immediately after"},
		"an unsigned call":   {model: "gemini-3-pro", body: `{"contents":[{"parts":[{"text":"Hi"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"parts":[{"functionResponse":{"name":"f","response":{}}}]}]}`, want: "missing a thought_signature"},
		"a bad name":         {body: `{` + user + `,"tools":[{"functionDeclarations":[{"name":"1f"}]}]}`, want: "Invalid function name"},
		"a name twice":       {body: `{` + user + `,"tools":[{"functionDeclarations":[{"name":"f"},{"name":"f"}]}]}`, want: "Duplicate function declaration"},
		"names without ANY":  {body: `{` + user + `,"toolConfig":{"functionCallingConfig":{"allowedFunctionNames":["f"]}}}`, want: "allowed_function_names"},
		"JSON beside tools":  {body: `{` + user + `,"tools":[{"functionDeclarations":[{"name":"f"}]}],"generationConfig":{"responseMimeType":"application/json"}}`, want: "Function calling with a response mime type"},
		"a schema of text":   {body: `{` + user + `,"generationConfig":{"responseSchema":{"type":"STRING"}}}`, want: "only allowed when response_mime_type"},
		"two ways to think":  {body: `{` + user + `,"generationConfig":{"thinkingConfig":{"thinkingBudget":1,"thinkingLevel":"LOW"}}}`, want: "only one of thinking budget and thinking level"},
		"a level too early":  {body: `{` + user + `,"generationConfig":{"thinkingConfig":{"thinkingLevel":"LOW"}}}`, want: "Thinking level is not supported"},
		"too hot":            {body: `{` + user + `,"generationConfig":{"temperature":2.5}}`, want: "temperature must be in the range"},
	} {
		t.Run(name, func(t *testing.T) {
			model := "gemini-2.5-flash"
			if tc.model != "" {
				model = tc.model
			}
			res := send(t, url+"/v1beta/models/"+model+":generateContent", tc.body)
			var body struct {
				Error struct {
					Code            int
					Message, Status string
				}
			}
			if err := json.Unmarshal([]byte(text(t, res)), &body); err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != 400 || body.Error.Code != 400 || body.Error.Status != "INVALID_ARGUMENT" || !strings.Contains(body.Error.Message, tc.want) {
				t.Errorf("%d %+v", res.StatusCode, body)
			}
		})
	}
}

func TestGeminiStreamsAnArrayToThoseWhoDoNotAskForEvents(t *testing.T) {
	_, url := startGemini(t, simulator.Config{APIKeys: []string{"k"}})
	res := send(t, url+"/v1beta/models/gemini-2.0-flash:streamGenerateContent?key=k", `{"contents":[{"parts":[{"text":"Write a limerick."}]}],"labels":{"difficulty":"0"}}`)
	var all []genai.GenerateContentResponse
	if err := json.Unmarshal([]byte(text(t, res)), &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 3 || all[len(all)-1].Candidates[0].FinishReason != "STOP" || res.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%d elements", len(all))
	}
}
