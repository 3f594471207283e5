package gemini_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/genai"

	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/gemini"
	"github.com/tiershift/tiershift/internal/simulator"
)

// simulated serves Google's wire, strictly, until the test ends.
func simulated(t *testing.T) string {
	t.Helper()
	p, err := simulator.New(simulator.Config{
		Dialect: simulator.Gemini, APIKeys: []string{"k"}, AllowFaultHeader: true,
		Models: []simulator.Model{{Name: "gemini-2.5-flash", Capability: 0.95, Reasoning: true}, {Name: "gemini-3-pro", Capability: 0.99, Reasoning: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(p.Handler())
	t.Cleanup(s.Close)
	return s.URL
}

// between serves clients of the wire from a provider of the wire, all through
// the neutral model.
type between struct {
	t        *testing.T
	upstream string
}

func (b between) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := gemini.New()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Error(err)
	}
	model, action, _ := gemini.ParsePath(r.URL.Path)
	request, err := c.DecodeRequest(body)
	if err != nil {
		b.refuse(w, err)
		return
	}
	request.Model, request.Stream = model, action == gemini.StreamGenerate
	encoded, err := c.EncodeRequest(request, chat.Upstream{Model: model})
	if err != nil {
		b.refuse(w, err)
		return
	}
	res, err := b.send(r, model, request.Stream, encoded.Body)
	if err != nil {
		b.t.Error(err)
		return
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(res.Body)
		w.WriteHeader(res.StatusCode)
		_, _ = w.Write(c.EncodeError(c.DecodeError(res.StatusCode, answer)))
		return
	}
	if request.Stream {
		b.stream(w, res.Body, request)
		return
	}
	answer, _ := io.ReadAll(res.Body)
	response, err := c.DecodeResponse(answer)
	if err != nil {
		b.t.Error(err)
		return
	}
	_, _ = w.Write(c.EncodeResponse(response))
}

func (b between) refuse(w http.ResponseWriter, err error) {
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(gemini.New().EncodeError(&chat.Error{Class: chat.ErrorInvalidRequest, Status: 400, Message: err.Error()}))
}

func (b between) send(r *http.Request, model string, stream bool, body []byte) (*http.Response, error) {
	out, err := http.NewRequestWithContext(r.Context(), http.MethodPost, b.upstream+gemini.Path(model, stream), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	out.Header.Set("x-goog-api-key", r.Header.Get("x-goog-api-key"))
	out.Header.Set(simulator.FaultHeader, r.Header.Get(simulator.FaultHeader))
	return http.DefaultClient.Do(out)
}

func (b between) stream(w http.ResponseWriter, body io.Reader, r *chat.Request) {
	d, e := gemini.New().NewStreamDecoder(), gemini.New().NewStreamEncoder(r)
	lines := bufio.NewScanner(body)
	write := func(events []chat.Event) {
		for _, ev := range events {
			_, _ = w.Write(e.Encode(nil, ev))
		}
	}
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		events, err := d.Decode(nil, "", []byte(data))
		if err != nil {
			b.t.Error(err)
		}
		write(events)
	}
	write(d.End(nil))
}

// through is the official SDK, that talks to the simulator through the codec.
func through(t *testing.T) *genai.Client {
	t.Helper()
	s := httptest.NewServer(between{t, simulated(t)})
	t.Cleanup(s.Close)
	c, err := genai.NewClient(t.Context(), &genai.ClientConfig{APIKey: "k", Backend: genai.BackendGeminiAPI, HTTPOptions: genai.HTTPOptions{BaseURL: s.URL}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var easy = map[string]string{"difficulty": "0"}

func TestTheSDKSeesTheSameThroughTheCodec(t *testing.T) {
	c := through(t)
	config := &genai.GenerateContentConfig{
		Labels: easy, CandidateCount: 2, ResponseLogprobs: true, Logprobs: genai.Ptr[int32](1), SystemInstruction: genai.NewContentFromText("Be brief.", genai.RoleUser),
		ThinkingConfig: &genai.ThinkingConfig{IncludeThoughts: true, ThinkingLevel: genai.ThinkingLevelHigh},
		SafetySettings: []*genai.SafetySetting{{Category: genai.HarmCategoryHarassment, Threshold: genai.HarmBlockThresholdBlockNone}},
	}
	contents := genai.Text("Explain how tidal locks work, for the café — in 60 words.")
	whole, err := c.Models.GenerateContent(t.Context(), "gemini-3-pro", contents, config)
	if err != nil {
		t.Fatal(err)
	}
	var texts, thoughts [2]string
	tokens := 0
	var last *genai.GenerateContentResponse
	for chunk, err := range c.Models.GenerateContentStream(t.Context(), "gemini-3-pro", contents, config) {
		if err != nil {
			t.Fatal(err)
		}
		last = chunk
		for _, ca := range chunk.Candidates {
			if ca.LogprobsResult != nil {
				tokens += len(ca.LogprobsResult.ChosenCandidates)
			}
			for _, p := range partsOf(ca) {
				if p.Thought {
					thoughts[ca.Index] += p.Text
				} else {
					texts[ca.Index] += p.Text
				}
			}
		}
	}
	for i, ca := range whole.Candidates {
		if parts := ca.Content.Parts; len(parts) != 2 || !parts[0].Thought || parts[0].Text != thoughts[i] || parts[1].Text != texts[i] || parts[1].ThoughtSignature == nil {
			t.Errorf("candidate %d: document %+v, streamed %q %q", i, parts, thoughts[i], texts[i])
		}
	}
	if a, b := last.UsageMetadata, whole.UsageMetadata; a.TotalTokenCount != b.TotalTokenCount || a.ThoughtsTokenCount != b.ThoughtsTokenCount || b.ThoughtsTokenCount == 0 {
		t.Errorf("usage: %+v, %+v", last.UsageMetadata, whole.UsageMetadata)
	}
	if tokens != int(whole.UsageMetadata.CandidatesTokenCount) || len(last.Candidates) != 2 || last.Candidates[1].FinishReason != "STOP" {
		t.Errorf("%d log probabilities, last %+v", tokens, last)
	}
}

func partsOf(c *genai.Candidate) []*genai.Part {
	if c.Content == nil {
		return nil
	}
	return c.Content.Parts
}

func TestToolsWorkThroughTheCodec(t *testing.T) {
	c := through(t)
	config := &genai.GenerateContentConfig{Labels: easy, Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{
		Name: "get_current_weather", Description: "Current weather of a place",
		Parameters: &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{"location": {Type: genai.TypeString}}, Required: []string{"location"}},
	}}}}}
	for _, model := range []string{"gemini-2.5-flash", "gemini-3-pro"} {
		contents := genai.Text("How is the weather in Lisbon and New York today?")
		res, err := c.Models.GenerateContent(t.Context(), model, contents, config)
		if err != nil {
			t.Fatal(err)
		}
		results := &genai.Content{Role: genai.RoleUser}
		for _, f := range res.FunctionCalls() {
			p := genai.NewPartFromFunctionResponse(f.Name, map[string]any{"celsius": 21})
			p.FunctionResponse.ID = f.ID
			results.Parts = append(results.Parts, p)
		}
		if len(results.Parts) != 2 || res.FunctionCalls()[1].Args["location"] != "New York" {
			t.Fatalf("%s: %+v", model, res.Candidates[0].Content)
		}
		res, err = c.Models.GenerateContent(t.Context(), model, append(contents, res.Candidates[0].Content, results), config)
		if err != nil || res.Text() == "" {
			t.Errorf("%s: %+v %v", model, res, err)
		}
	}
}

func TestErrorsKeepTheirTypeThroughTheCodec(t *testing.T) {
	c := through(t)
	for fault, want := range map[string]genai.APIError{
		"status=429": {Code: 429, Status: "RESOURCE_EXHAUSTED"}, "status=503": {Code: 503, Status: "UNAVAILABLE"},
		"status=404": {Code: 404, Status: "NOT_FOUND"}, "error-event=2": {Code: 500, Status: "INTERNAL"},
	} {
		config := &genai.GenerateContentConfig{HTTPOptions: &genai.HTTPOptions{Headers: map[string][]string{simulator.FaultHeader: {fault}}}}
		var err error
		for _, err = range c.Models.GenerateContentStream(t.Context(), "gemini-2.5-flash", genai.Text("Hello"), config) {
			if err != nil {
				break
			}
		}
		var got genai.APIError
		if !errors.As(err, &got) || got.Code != want.Code || got.Status != want.Status || got.Message == "" {
			t.Errorf("%s: %v", fault, err)
		}
	}
	_, err := c.Models.GenerateContent(t.Context(), "gemini-2.5-flash", []*genai.Content{{Role: "system", Parts: []*genai.Part{{Text: "a"}}}}, nil)
	var got genai.APIError
	if !errors.As(err, &got) || got.Status != "INVALID_ARGUMENT" || !strings.HasPrefix(got.Message, "contents[0].role") {
		t.Errorf("%v", err)
	}
}

// TestConversationsOfOtherWiresAreTaken sends what a client of OpenAI's or
// Anthropic's wire may have said, to the strict simulator.
func TestConversationsOfOtherWiresAreTaken(t *testing.T) {
	upstream := simulated(t)
	schema := []byte(`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false,"$defs":{}}`)
	r := &chat.Request{
		Messages: []chat.Message{
			says(chat.RoleDeveloper, "Be brief."), says(chat.RoleUser, "How is it?"),
			calls(chat.Part{Kind: chat.KindThinking, Text: "Hm", Signature: "EqQB"}, call("toolu_1", "f", `{"a":"x"}`), call("toolu_2", "f", `{"a":"y"}`)),
			result("toolu_2", true, textPart("no")), result("toolu_1", false, textPart("21"), part(chat.KindImage, chat.Media{MIMEType: "image/png", Data: "AAAA"})),
			says(chat.RoleSystem, "Stay brief."), says(chat.RoleUser, "And now?"),
		},
		Tools: []chat.Tool{{Name: "f", Parameters: schema, Strict: yes()}}, MaxOutputTokens: 99, Candidates: 1,
		Reasoning: chat.Reasoning{Effort: "high", Show: yes()}, User: "u", Metadata: map[string]string{"a": "b"}, Stop: []string{"END"},
	}
	for _, model := range []string{"gemini-2.5-flash", "gemini-3-pro"} {
		encoded, err := gemini.New().EncodeRequest(r, chat.Upstream{Model: model})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, upstream+gemini.Path(model, false), bytes.NewReader(encoded.Body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("x-goog-api-key", "k")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		answer, err := gemini.New().DecodeResponse(body)
		if err != nil || len(answer.Choices[0].Parts) == 0 || answer.Usage.OutputTokens == 0 {
			t.Errorf("%s: %s %v", model, body, err)
		}
	}
}
