package patch_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/rand"
	"reflect"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/provider/anthropic"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/gemini"
	"github.com/tiershift/tiershift/internal/provider/openaichat"
	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/provider/responses"
)

// wire is a way to write requests, read here by a scanner and by a codec.
type wire struct {
	name  string
	scan  func([]byte, *patch.Request) error
	codec chat.Codec // nil: none reads embeddings
	// limit is where the bound on output tokens stands.
	limit []string
	seeds []string
}

var wires = []wire{
	{
		name: "chat", scan: patch.Scan, codec: openaichat.New(), limit: []string{"max_completion_tokens"},
		seeds: []string{`{"model":"gpt-4.1","stream":true,"max_completion_tokens":100,"messages":[{"role":"system","content":"Be brief."},` +
			`{"role":"user","content":[{"type":"text","text":"Hi \u00e9\n"},{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}],` +
			`"tools":[{"type":"function","function":{"name":"f"}}]}`},
	},
	{
		name: "messages", scan: patch.ScanMessages, codec: anthropic.New(), limit: []string{"max_tokens"},
		seeds: []string{
			`{"model":"claude-haiku-4-5","max_tokens":100,"messages":[{"role":"user","content":"Hi \u00e9\n"}]}`,
			`{"max_tokens":100,"stream":true,"messages":[{"content":[{"text":"What is this?","type":"text"},{"type":"image","source":` +
				`{"type":"url","url":"https://example.com/a.png"}}],"role":"user"},{"role":"assistant","content":[{"type":"thinking","thinking":"Hm","signature":"EqQB"},` +
				`{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1",` +
				`"content":[{"type":"text","text":"RESULT"}]},{"type":"text","text":"And?"}]}],"system":[{"type":"text","text":"Be brief."}],` +
				`"tools":[{"name":"f","input_schema":{"type":"object"}}],"model":"claude-opus-4-6","metadata":{"user_id":"u"}}`,
		},
	},
	{
		name: "responses", scan: patch.ScanResponses, codec: responses.New(), limit: []string{"max_output_tokens"},
		seeds: []string{
			`{"model":"gpt-5","input":"Hi \u00e9\n","max_output_tokens":100}`,
			`{"input":[{"role":"user","content":[{"type":"input_text","text":"What is this?"},{"type":"input_image","image_url":"https://example.com/a.png"}]},` +
				`{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"RESULT"},` +
				`{"type":"message","content":"And?","role":"user"}],"instructions":"Be brief.","model":"gpt-5","stream":true,` +
				`"tools":[{"type":"function","name":"f","parameters":{"type":"object"}}],"reasoning":{"effort":"low"},"text":{"format":{"type":"text"}}}`,
		},
	},
	{
		name: "generateContent", scan: patch.ScanGenerate, codec: gemini.New(), limit: []string{"generationConfig", "maxOutputTokens"},
		seeds: []string{
			`{"contents":[{"parts":[{"text":"Hi \u00e9\n"}]}]}`,
			`{"contents":{"role":"user","parts":{"text":"Hi"}},"generation_config":{"max_output_tokens":100}}`,
			`{"systemInstruction":{"parts":[{"text":"Be brief."}]},"contents":[{"parts":[{"text":"What is this?"},{"inlineData":{"mimeType":"image/png","data":"AAAA"}}],` +
				`"role":"user"},{"role":"model","parts":[{"functionCall":{"name":"f","args":{}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f",` +
				`"response":{"output":"RESULT"}}},{"text":"And?"}]}],"generationConfig":{"temperature":1},"tools":[{"functionDeclarations":[{"name":"f"}]}]}`,
			`{"contents":[{"parts":[{"text":"Hi"}]}],"generationConfig":{"maxOutputTokens":100,"thinkingConfig":{"thinkingBudget":0}}}`,
			`{"contents":[{"parts":[{"text":"Hi"}]}],"generationConfig":{}}`,
			`{"contents":[{"parts":[{"text":"Hi"}]}],"generationConfig":null}`,
		},
	},
	{
		name: "embeddings", scan: patch.ScanEmbeddings,
		seeds: []string{`{"model":"e","input":"Hi"}`, `{"input":["a","b"],"model":"e","user":"u"}`, `{"model":"e","input":[[1,2],[3]]}`},
	},
}

func TestScannersAgreeWithTheCodecs(t *testing.T) {
	for _, w := range wires {
		t.Run(w.name, func(t *testing.T) {
			for _, seed := range w.seeds {
				var r patch.Request
				if err := w.scan([]byte(seed), &r); err != nil {
					t.Fatalf("%s: %v", seed, err)
				}
				w.check(t, []byte(seed))
			}
		})
	}
}

// Thousands of requests that are a little wrong are refused, or read alike.
func TestScannersOfMutations(t *testing.T) {
	r := rand.New(rand.NewSource(5))
	for _, w := range wires {
		for _, seed := range w.seeds {
			for range 1500 {
				w.check(t, mutated(r, seed))
			}
		}
	}
}

// mutated is the text with a few of its pieces gone, repeated or moved.
func mutated(r *rand.Rand, text string) []byte {
	for range 1 + r.Intn(3) {
		a, b := r.Intn(len(text)+1), r.Intn(len(text)+1)
		a, b = min(a, b), min(max(a, b), min(a, b)+24)
		switch r.Intn(4) {
		case 0:
			text = text[:a] + text[b:]
		case 1:
			text = text[:b] + text[a:]
		case 2:
			text = text[:a] + []string{"null", "{}", "[]", `""`, "0", "-1", "1e3", ",", `"role":"user",`, `"model":"x",`, "é", `\ud800`, "\xff"}[r.Intn(13)] + text[a:]
		default:
			at := r.Intn(len(text) + 1)
			text = text[:at] + text[a:min(b, len(text))] + text[at:]
		}
		if text == "" {
			return nil
		}
	}
	return []byte(text)
}

func FuzzWires(f *testing.F) {
	for i, w := range wires {
		for _, seed := range w.seeds {
			f.Add(uint8(i), []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, body []byte) { wires[int(i)%len(wires)].check(t, body) })
}

// check holds a scan against the codec, and its edits against encoding/json.
func (w *wire) check(t *testing.T, body []byte) {
	t.Helper()
	var r patch.Request
	if err := w.scan(body, &r); err != nil {
		var typed *patch.RequestError
		if !errors.As(err, &typed) {
			t.Fatalf("%s: error %T", body, err)
		}
		return
	}
	if !json.Valid(body) {
		t.Fatalf("%s was taken, and is no JSON", body)
	}
	w.checkEdits(t, &r, body)
	if w.codec == nil {
		return
	}
	if neutral, err := w.codec.DecodeRequest(body); err == nil {
		w.agree(t, &r, neutral, body)
	}
}

// agree compares what was scanned with the neutral request.
func (w *wire) agree(t *testing.T, r *patch.Request, n *chat.Request, body []byte) {
	t.Helper()
	users, images := "", 0
	for _, m := range n.Messages {
		for _, p := range m.Parts {
			if m.Role == chat.RoleUser && p.Kind == chat.KindText {
				users += p.Text
			}
			if p.Kind == chat.KindImage {
				images++
			}
			if p.Result != nil {
				images += imagesIn(p.Result.Parts)
			}
		}
	}
	scanned := strings.ReplaceAll(string(r.AppendUserText(nil, -1)), "\n", "")
	switch {
	case w.name != "generateContent" && (r.Model() != n.Model || r.Stream != n.Stream):
		t.Fatalf("%s: model %q %v, want %q %v", body, r.Model(), r.Stream, n.Model, n.Stream)
	case scanned != strings.ReplaceAll(users, "\n", ""):
		t.Fatalf("%s: user said %q, want %q", body, scanned, users)
	case r.HasImages() != (images > 0) && w.name != "generateContent": // where videos count as images
		t.Fatalf("%s: images %v, want %d", body, r.HasImages(), images)
	case len(n.Tools) > 0 && !r.HasTools():
		t.Fatalf("%s: no tools, want %d", body, len(n.Tools))
	case n.MaxOutputTokens > 0 && r.MaxOutputTokens() != n.MaxOutputTokens:
		t.Fatalf("%s: bound %d, want %d", body, r.MaxOutputTokens(), n.MaxOutputTokens)
	}
}

func imagesIn(parts []chat.Part) (n int) {
	for _, p := range parts {
		if p.Kind == chat.KindImage {
			n++
		}
	}
	return n
}

// checkEdits applies edits and looks that nothing else has changed.
func (w *wire) checkEdits(t *testing.T, r *patch.Request, body []byte) {
	t.Helper()
	const most = 7
	edits := patch.Edits{Model: "other\"model", MaxOutputTokens: most, CachePrompt: w.name == "messages"}
	if w.name == "embeddings" {
		edits.MaxOutputTokens = 0
	}
	if w.name == "generateContent" {
		r.SetModel("in the path", false)
	}
	segments, _, total := r.Rewrite(edits, nil, nil)
	edited := bytes.Join(segments, nil)
	if len(edited) != total {
		t.Fatalf("%s: %d bytes, said to be %d", body, len(edited), total)
	}
	var have, want map[string]any
	if err := json.Unmarshal(edited, &have); err != nil {
		t.Fatalf("%s became %s: %v", body, edited, err)
	}
	if err := json.Unmarshal(body, &want); err != nil {
		return // numbers beyond float64, which are the provider's to judge
	}
	if w.name != "generateContent" {
		want["model"] = edits.Model
	}
	if edits.CachePrompt && !r.Cached() {
		want["cache_control"] = map[string]any{"type": "ephemeral"}
	}
	if edits.MaxOutputTokens > 0 {
		w.bound(want, most)
	}
	if !reflect.DeepEqual(have, want) {
		t.Fatalf("%s\nbecame %s", body, edited)
	}
}

// bound sets the bound on output tokens as Rewrite should.
func (w *wire) bound(request map[string]any, most float64) {
	object, spellings := request, []string{w.limit[len(w.limit)-1]}
	switch w.name {
	case "chat":
		spellings = append(spellings, "max_tokens")
	case "generateContent":
		spellings = append(spellings, "max_output_tokens")
		at := "generationConfig"
		if _, snake := request["generation_config"]; snake {
			at = "generation_config"
		}
		nested, _ := request[at].(map[string]any)
		if nested == nil {
			nested = map[string]any{}
			request[at] = nested
		}
		object = nested
	}
	given, null := false, ""
	for _, name := range spellings {
		switch v := object[name].(type) {
		case float64:
			given = true
			if v = math.Trunc(v); v < 0 || v > most {
				object[name] = most
			}
		case nil:
			if _, there := object[name]; there && (null == "" || name == spellings[0]) {
				null = name
			}
		}
	}
	switch {
	case given:
	case null != "" && (w.name != "chat" || null == spellings[0]):
		object[null] = most
	default:
		object[spellings[0]] = most
	}
}

func TestScannersRefuse(t *testing.T) {
	deep := strings.Repeat(`[`, 600) + strings.Repeat(`]`, 600)
	for name, test := range map[string]struct {
		scan        func([]byte, *patch.Request) error
		body, param string
	}{
		"both spellings of a bound":      {patch.ScanGenerate, `{"contents":[{"parts":[]}],"generationConfig":{"maxOutputTokens":1,"max_output_tokens":9}}`, "maxOutputTokens"},
		"both spellings of the settings": {patch.ScanGenerate, `{"contents":[{"parts":[]}],"generationConfig":{},"generation_config":{}}`, "generationConfig"},
		"no contents":                    {patch.ScanGenerate, `{}`, "contents"},
		"contents twice":                 {patch.ScanGenerate, `{"contents":[{}],"contents":[{}]}`, "contents"},
		"a bound in words":               {patch.ScanGenerate, `{"contents":[{}],"generationConfig":{"maxOutputTokens":"many"}}`, "maxOutputTokens"},
		"no model":                       {patch.ScanMessages, `{"messages":[{"role":"user","content":"a"}],"max_tokens":1}`, "model"},
		"no bound":                       {patch.ScanMessages, `{"model":"m","messages":[{"role":"user","content":"a"}]}`, "max_tokens"},
		"no messages":                    {patch.ScanMessages, `{"model":"m","max_tokens":1,"messages":[]}`, "messages"},
		"no role":                        {patch.ScanMessages, `{"model":"m","max_tokens":1,"messages":[{"content":"a"}]}`, "messages[0].role"},
		"content twice":                  {patch.ScanMessages, `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a","content":"b"}]}`, "messages[0].content"},
		"content of no kind":             {patch.ScanMessages, `{"model":"m","max_tokens":1,"messages":[{"content":3,"role":"user"}]}`, "messages[0].content"},
		"a block of no kind":             {patch.ScanMessages, `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[3]}]}`, "messages[0].content[*]"},
		"a model twice":                  {patch.ScanResponses, `{"model":"m","model":"n","input":"a"}`, "model"},
		"input of no kind":               {patch.ScanResponses, `{"model":"m","input":3}`, "input"},
		"an item of no kind":             {patch.ScanResponses, `{"model":"m","input":[3]}`, "input[0]"},
		"nothing to embed":               {patch.ScanEmbeddings, `{"model":"m"}`, "input"},
		"an array":                       {patch.ScanResponses, `[]`, ""},
		"nothing":                        {patch.ScanMessages, ` `, ""},
		"too deep":                       {patch.ScanMessages, `{"model":"m","max_tokens":1,"messages":` + deep + `}`, ""},
		"more behind it":                 {patch.ScanGenerate, `{"contents":[{}]} {}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var typed *patch.RequestError
			if err := test.scan([]byte(test.body), &patch.Request{}); !errors.As(err, &typed) {
				t.Fatalf("taken: %v", err)
			}
			if name != "too deep" && typed.Param != test.param {
				t.Errorf("param %q, want %q: %v", typed.Param, test.param, typed)
			}
		})
	}
}

func TestWhatScannersTellOfOtherWires(t *testing.T) {
	scanned := func(scan func([]byte, *patch.Request) error, body string) *patch.Request {
		r := &patch.Request{}
		if err := scan([]byte(body), r); err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		return r
	}
	thinks := func(signature string) string {
		return `{"model":"m","max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"` + signature + `"}]}]}`
	}
	for _, test := range []struct {
		name string
		have any
		want any
	}{
		{"cache_control in a text only", scanned(patch.ScanMessages, `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"say \"cache_control\""}]}`).Cached(), false},
		{"cache_control", scanned(patch.ScanMessages, `{"model":"m","max_tokens":1,"cache_control":{"type":"ephemeral"},"messages":[{"role":"user","content":"a"}]}`).Cached(), true},
		{"Claude's thought", scanned(patch.ScanMessages, thinks("EqQB")).Foreign(), false},
		{"OpenAI's thought", scanned(patch.ScanMessages, thinks("openai:rs_1:x")).Foreign(), true},
		{"Gemini's thought", scanned(patch.ScanMessages, thinks("tsgeminiAQID")).Foreign(), true},
		{"nobody's thought", scanned(patch.ScanMessages, thinks("")).Foreign(), true},
		{"a call that Gemini did not make", scanned(patch.ScanGenerate, `{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f"},"thoughtSignature":"tssigned"}]}]}`).Foreign(), true},
		{"Gemini's own call", scanned(patch.ScanGenerate, `{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f"},"thoughtSignature":"AQID"}]}]}`).Foreign(), false},
		{"a thought that is not OpenAI's", scanned(patch.ScanResponses, `{"model":"m","input":[{"type":"reasoning","id":"rs_ts0x","summary":[]}]}`).Foreign(), true},
		{"OpenAI's own thought", scanned(patch.ScanResponses, `{"model":"m","input":[{"type":"reasoning","id":"rs_68","summary":[]}]}`).Foreign(), false},
		{"a response without input", scanned(patch.ScanResponses, `{"model":"m","previous_response_id":"r"}`).Messages(), 0},
		{"what a tool brought is not the user's word", string(scanned(patch.ScanMessages, wires[1].seeds[1]).AppendLastUserText(nil, -1)), "And?"},
		{"a result within a result", scanned(patch.ScanMessages, `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","content":`+
			`[{"type":"tool_result","content":"deep"}]}]}]}`).TextBytes(), int64(0)},
		{"tokens to embed", scanned(patch.ScanEmbeddings, `{"model":"e","input":[[1,2],[3]]}`).Tokens(), int64(3)},
		{"to embed needs no chat", scanned(patch.ScanEmbeddings, `{"model":"e","input":"a"}`).Needs(), patch.NeedEmbeddings},
		{"thinking switched off", scanned(patch.ScanGenerate, wires[3].seeds[3]).WantsReasoning(), false},
	} {
		if !reflect.DeepEqual(test.have, test.want) {
			t.Errorf("%s: %v, want %v", test.name, test.have, test.want)
		}
	}
}
