package anthropic

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

func user(text string) chat.Message {
	return chat.Message{Role: chat.RoleUser, Parts: []chat.Part{{Kind: chat.KindText, Text: text}}}
}

func says(role chat.Role, parts ...chat.Part) chat.Message {
	return chat.Message{Role: role, Parts: parts}
}

func textPartOf(s string) chat.Part { return chat.Part{Kind: chat.KindText, Text: s} }

func call(id, name, args string) chat.Part {
	return chat.Part{Kind: chat.KindToolCall, Call: &chat.ToolCall{ID: id, Name: name, Arguments: args}}
}

func result(id, text string) chat.Part {
	return chat.Part{Kind: chat.KindToolResult, Result: &chat.ToolResult{CallID: id, Parts: []chat.Part{textPartOf(text)}}}
}

// wire encodes a request and decodes what was written.
func wire(t *testing.T, r *chat.Request, up chat.Upstream) (map[string]any, []string) {
	t.Helper()
	if len(r.Messages) == 0 {
		r.Messages = []chat.Message{user("Hi")}
	}
	enc, err := New().EncodeRequest(r, up)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(enc.Body, &m); err != nil {
		t.Fatalf("%v: %s", err, enc.Body)
	}
	return m, enc.Dropped
}

func compact(v any) string {
	b, _ := encode(v)
	return string(b)
}

func TestTheCapIsTheLowestThatIsKnown(t *testing.T) {
	for name, tc := range map[string]struct {
		asked int64
		up    chat.Upstream
		want  float64
	}{
		"the client's":                     {100, chat.Upstream{}, 100},
		"the route's, if lower":            {100, chat.Upstream{MaxOutputTokens: 50}, 50},
		"the client's, if lower":           {100, chat.Upstream{MaxOutputTokens: 500}, 100},
		"the route's, if alone":            {0, chat.Upstream{MaxOutputTokens: 500}, 500},
		"the model's, if nobody says":      {0, chat.Upstream{ModelMaxOutputTokens: 64000}, 64000},
		"the model's, if too much":         {90000, chat.Upstream{ModelMaxOutputTokens: 64000}, 64000},
		"a default, if nothing is known":   {0, chat.Upstream{}, DefaultMaxTokens},
		"the client's, within the model's": {10, chat.Upstream{ModelMaxOutputTokens: 64000}, 10},
	} {
		if m, _ := wire(t, &chat.Request{MaxOutputTokens: tc.asked}, tc.up); m["max_tokens"] != tc.want {
			t.Errorf("%s: %v, want %v", name, m["max_tokens"], tc.want)
		}
	}
}

func TestTurnsTakeTheShapeOfTheWire(t *testing.T) {
	thought := chat.Part{Kind: chat.KindThinking, Text: "hm"}
	for name, tc := range map[string]struct {
		messages []chat.Message
		system   string
		want     string
	}{
		"consecutive turns of a role are merged": {
			[]chat.Message{user("a"), user("b"), says(chat.RoleAssistant, textPartOf("c")), says(chat.RoleAssistant, textPartOf("d")), user("e")},
			"null",
			`[{"content":[{"text":"a","type":"text"},{"text":"b","type":"text"}],"role":"user"},{"content":[{"text":"c","type":"text"},{"text":"d","type":"text"}],"role":"assistant"},{"content":[{"text":"e","type":"text"}],"role":"user"}]`,
		},
		"results come first in a user's turn": {
			[]chat.Message{
				user("a"), says(chat.RoleAssistant, call("x.1", "f", ""), call("2", "f", " {} ")), user("b"),
				says(chat.RoleTool, result("x.1", "r1")), says(chat.RoleTool, result("2", " ")),
			},
			"null",
			`[{"content":[{"text":"a","type":"text"}],"role":"user"},{"content":[{"id":"x_1","input":{},"name":"f","type":"tool_use"},{"id":"2","input":{},"name":"f","type":"tool_use"}],"role":"assistant"},` +
				`{"content":[{"content":[{"text":"r1","type":"text"}],"tool_use_id":"x_1","type":"tool_result"},{"tool_use_id":"2","type":"tool_result"},{"text":"b","type":"text"}],"role":"user"}]`,
		},
		"instructions are hoisted in their order": {
			[]chat.Message{says(chat.RoleSystem, textPartOf("s1")), user("a"), says(chat.RoleDeveloper, textPartOf("s2")), user("b")},
			`[{"text":"s1","type":"text"},{"text":"s2","type":"text"}]`,
			`[{"content":[{"text":"a","type":"text"},{"text":"b","type":"text"}],"role":"user"}]`,
		},
		"a conversation of instructions only gets a user": {
			[]chat.Message{says(chat.RoleSystem, textPartOf("s"))},
			`[{"text":"s","type":"text"}]`,
			`[{"content":[{"text":"Please go on.","type":"text"}],"role":"user"}]`,
		},
		"a conversation that the model begins gets a user, and does not end in space": {
			[]chat.Message{says(chat.RoleAssistant, textPartOf("  The best is \n"))},
			"null",
			`[{"content":[{"text":"Please go on.","type":"text"}],"role":"user"},{"content":[{"text":"  The best is","type":"text"}],"role":"assistant"}]`,
		},
		"what is empty is left out, a refusal is text, an unsigned thought is dropped": {
			[]chat.Message{user("a"), says(chat.RoleAssistant, thought, textPartOf(" "), chat.Part{Kind: chat.KindRefusal, Text: "No."}), user("b")},
			"null",
			`[{"content":[{"text":"a","type":"text"}],"role":"user"},{"content":[{"text":"No.","type":"text"}],"role":"assistant"},{"content":[{"text":"b","type":"text"}],"role":"user"}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, _ := wire(t, &chat.Request{Messages: tc.messages}, chat.Upstream{Model: "claude-sonnet-4-5"})
			if got := compact(m["messages"]); got != tc.want {
				t.Errorf("messages: %s\nwant      %s", got, tc.want)
			}
			if got := compact(m["system"]); got != tc.system {
				t.Errorf("system: %s", got)
			}
		})
	}
}

func TestALateInstructionStaysWhereTheModelTakesIt(t *testing.T) {
	late := says(chat.RoleSystem, textPartOf("In French."))
	for name, tc := range map[string]struct {
		model    string
		messages []chat.Message
		roles    string
	}{
		"after a user, before the model's answer": {"claude-opus-4-8", []chat.Message{user("a"), late}, "user system"},
		"after a user, before the model's turn":   {"claude-opus-5", []chat.Message{user("a"), late, says(chat.RoleAssistant, textPartOf("b")), user("c")}, "user system assistant user"},
		"before a user it is hoisted":             {"claude-opus-5", []chat.Message{user("a"), late, user("b")}, "user"},
		"after the model it is hoisted":           {"claude-opus-5", []chat.Message{user("a"), says(chat.RoleAssistant, textPartOf("b")), late}, "user assistant"},
		"an older model has it at the top":        {"claude-opus-4-7", []chat.Message{user("a"), late}, "user"},
		"of an unknown model nothing is presumed": {"deep-one", []chat.Message{user("a"), late}, "user"},
	} {
		m, _ := wire(t, &chat.Request{Messages: tc.messages}, chat.Upstream{Model: tc.model})
		var roles []string
		for _, turn := range m["messages"].([]any) {
			roles = append(roles, turn.(map[string]any)["role"].(string))
		}
		if got := strings.Join(roles, " "); got != tc.roles || (m["system"] == nil) != strings.Contains(tc.roles, "system") {
			t.Errorf("%s: %s, system %v", name, got, m["system"])
		}
	}
}

var aTool = chat.Tool{Name: "f", Parameters: json.RawMessage(`{"type":"object","properties":{}}`)}

func TestToolsAndTheirChoice(t *testing.T) {
	no, yes := false, true
	g := chat.Tool{Name: "g", Description: "does g", Strict: &yes}
	for name, tc := range map[string]struct {
		choice   chat.ToolChoice
		parallel *bool
		want     string
		tools    string
	}{
		"nothing is said":                        {chat.ToolChoice{}, nil, "null", "f g"},
		"several calls are welcome":              {chat.ToolChoice{}, &yes, "null", "f g"},
		"one call at a time":                     {chat.ToolChoice{}, &no, `{"disable_parallel_tool_use":true,"type":"auto"}`, "f g"},
		"auto":                                   {chat.ToolChoice{Mode: chat.ToolModeAuto}, nil, `{"type":"auto"}`, "f g"},
		"none":                                   {chat.ToolChoice{Mode: chat.ToolModeNone}, &no, `{"type":"none"}`, "f g"},
		"required, one only":                     {chat.ToolChoice{Mode: chat.ToolModeRequired}, &no, `{"disable_parallel_tool_use":true,"type":"any"}`, "f g"},
		"named":                                  {chat.ToolChoice{Mode: chat.ToolModeNamed, Names: []string{"g"}}, nil, `{"name":"g","type":"tool"}`, "f g"},
		"one of several is any of those offered": {chat.ToolChoice{Mode: chat.ToolModeNamed, Names: []string{"g", "h"}}, nil, `{"type":"any"}`, "g h"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &chat.Request{Tools: []chat.Tool{aTool, g}, ToolChoice: tc.choice, ParallelToolCalls: tc.parallel}
			if len(tc.choice.Names) == 2 {
				r.Tools = append(r.Tools, chat.Tool{Name: "h"})
			}
			m, _ := wire(t, r, chat.Upstream{Model: "claude-haiku-4-5"})
			var names []string
			for _, tool := range m["tools"].([]any) {
				names = append(names, tool.(map[string]any)["name"].(string))
			}
			if got := compact(m["tool_choice"]); got != tc.want || strings.Join(names, " ") != tc.tools {
				t.Errorf("choice %s, tools %v", got, names)
			}
		})
	}
	m, dropped := wire(t, &chat.Request{Tools: []chat.Tool{g}}, chat.Upstream{Model: "claude-haiku-4-5"})
	if got := compact(m["tools"]); got != `[{"description":"does g","input_schema":{"additionalProperties":false,"properties":{},"type":"object"},"name":"g","strict":true}]` || len(dropped) > 0 {
		t.Errorf("strict: %s %v", got, dropped)
	}
	m, dropped = wire(t, &chat.Request{Tools: []chat.Tool{g}}, chat.Upstream{Model: "claude-sonnet-4"})
	if got := compact(m["tools"]); strings.Contains(got, "strict") || !slices.Equal(dropped, []string{"tools[0].strict"}) {
		t.Errorf("not strict: %s %v", got, dropped)
	}
}

func TestReasoningTakesTheFormThatTheModelKnows(t *testing.T) {
	show, hide := true, false
	type R = chat.Reasoning
	for name, tc := range map[string]struct {
		model    string
		r        R
		max      int64
		thinking string
		effort   any
		dropped  string
	}{
		"nothing asked":                                  {"claude-opus-4-6", R{}, 0, "null", nil, ""},
		"an effort is a budget for older models":         {"claude-sonnet-4-5", R{Effort: "high"}, 32000, `{"budget_tokens":16384,"type":"enabled"}`, nil, ""},
		"a budget leaves room for the answer":            {"claude-sonnet-4-5", R{Effort: "high"}, 4000, `{"budget_tokens":3000,"type":"enabled"}`, nil, ""},
		"a budget that the cap undercuts shrinks":        {"claude-sonnet-4-5", R{BudgetTokens: 9000}, 4000, `{"budget_tokens":3000,"type":"enabled"}`, nil, ""},
		"no room to think":                               {"claude-sonnet-4-5", R{Effort: "low"}, 1200, "null", nil, "reasoning_effort"},
		"a budget is kept":                               {"claude-sonnet-4-5", R{BudgetTokens: 2000}, 8000, `{"budget_tokens":2000,"type":"enabled"}`, nil, ""},
		"the model decides, where it only takes budgets": {"claude-haiku-4-5", R{BudgetTokens: -1}, 20000, `{"budget_tokens":8192,"type":"enabled"}`, nil, ""},
		"a model that cannot think":                      {"claude-3-5-haiku-20241022", R{Effort: "high"}, 0, "null", nil, "reasoning_effort"},
		"an unknown model that does not reason":          {"deep-one", R{BudgetTokens: 2000}, 0, "null", nil, "reasoning_effort"},
		"Opus 4.5 knows efforts, to high":                {"claude-opus-4-5", R{Effort: "max"}, 64000, `{"budget_tokens":48000,"type":"enabled"}`, "high", ""},
		"adaptive with an effort":                        {"claude-opus-4-6", R{Effort: "medium"}, 0, `{"type":"adaptive"}`, "medium", ""},
		"4.6 has no xhigh":                               {"claude-opus-4-6", R{Effort: "xhigh"}, 0, `{"type":"adaptive"}`, "high", ""},
		"4.6 still takes a budget":                       {"claude-opus-4-6", R{BudgetTokens: 4096}, 0, `{"budget_tokens":4096,"type":"enabled"}`, nil, ""},
		"4.7 takes no budget":                            {"claude-opus-4-7", R{BudgetTokens: 9000}, 0, `{"type":"adaptive"}`, "medium", ""},
		"a small budget is little effort":                {"claude-sonnet-5", R{BudgetTokens: 1024}, 0, `{"type":"adaptive"}`, "low", ""},
		"thoughts are shown":                             {"claude-opus-5", R{Effort: "minimal", Show: &show}, 0, `{"display":"summarized","type":"adaptive"}`, "low", ""},
		"thoughts are hidden":                            {"claude-opus-5", R{Effort: "high", Show: &hide}, 0, `{"display":"omitted","type":"adaptive"}`, "high", ""},
		"an effort alone is no word on thinking":         {"claude-opus-4-8", R{Effort: "low", EffortOnly: true}, 0, "null", "low", ""},
		"an effort alone, unknown to the model":          {"claude-haiku-4-5", R{Effort: "low", EffortOnly: true}, 0, "null", nil, "output_config.effort"},
		"an effort newer than this table":                {"claude-opus-5", R{Effort: "ultra"}, 0, `{"type":"adaptive"}`, "ultra", ""},
		"off where it is off anyway":                     {"claude-opus-4-8", R{Disabled: true}, 0, "null", nil, ""},
		"off where it is on by default":                  {"claude-opus-5", R{Effort: "none"}, 0, `{"type":"disabled"}`, nil, ""},
		"off with no more than high effort":              {"claude-opus-5", R{Disabled: true, Effort: "max"}, 0, `{"type":"disabled"}`, "high", ""},
		"off where it cannot be":                         {"claude-opus-5-5", R{Effort: "none"}, 0, "null", "low", "reasoning_effort"},
		"off where it never can":                         {"claude-fable-5", R{Disabled: true}, 0, "null", "low", "reasoning_effort"},
	} {
		t.Run(name, func(t *testing.T) {
			m, dropped := wire(t, &chat.Request{Reasoning: tc.r, MaxOutputTokens: tc.max}, chat.Upstream{Model: tc.model})
			var effort any
			if o, ok := m["output_config"].(map[string]any); ok {
				effort = o["effort"]
			}
			if got := compact(m["thinking"]); got != tc.thinking || effort != tc.effort || strings.Join(dropped, " ") != tc.dropped {
				t.Errorf("thinking %s, effort %v, dropped %v", got, effort, dropped)
			}
		})
	}
}

func TestAForcedCallGoesBeforeThinking(t *testing.T) {
	r := &chat.Request{Tools: []chat.Tool{aTool}, ToolChoice: chat.ToolChoice{Mode: chat.ToolModeRequired}, Reasoning: chat.Reasoning{Effort: "max"}}
	for model, want := range map[string]string{
		"claude-sonnet-4-5": "null [reasoning_effort]", "claude-opus-4-6": "null [reasoning_effort]", "claude-opus-5": `{"type":"disabled"} [reasoning_effort]`,
	} {
		m, dropped := wire(t, r, chat.Upstream{Model: model})
		if got := compact(m["thinking"]) + " " + fmt.Sprint(dropped); got != want || compact(m["tool_choice"]) != `{"type":"any"}` {
			t.Errorf("%s: %s %v", model, got, m["tool_choice"])
		}
	}
	_, err := New().EncodeRequest(&chat.Request{Messages: []chat.Message{user("a")}, Tools: r.Tools, ToolChoice: r.ToolChoice}, chat.Upstream{Model: "claude-opus-5-5"})
	var refused *chat.Unsupported
	if !errors.As(err, &refused) || refused.Field != "tool_choice" {
		t.Errorf("Opus 5.5: %v", err)
	}
}

func TestAThoughtlessCallIsNotThoughtOn(t *testing.T) {
	thought := chat.Part{Kind: chat.KindThinking, Text: "hm", Signature: "sig"}
	for _, with := range []bool{false, true} {
		turn := []chat.Part{call("1", "f", "{}")}
		if with {
			turn = append([]chat.Part{thought}, turn...)
		}
		r := &chat.Request{
			Tools: []chat.Tool{aTool}, Reasoning: chat.Reasoning{Effort: "low"},
			Messages: []chat.Message{user("a"), says(chat.RoleAssistant, turn...), says(chat.RoleTool, result("1", "r"))},
		}
		m, dropped := wire(t, r, chat.Upstream{Model: "claude-sonnet-4-5"})
		if (m["thinking"] != nil) != with || (len(dropped) == 0) != with {
			t.Errorf("thought %v: %v, dropped %v", with, m["thinking"], dropped)
		}
	}
}

func TestSamplingIsLeftOutWhereItIsRefused(t *testing.T) {
	f := func(v float64) *float64 { return &v }
	k := int64(5)
	think := chat.Reasoning{Effort: "low"}
	for name, tc := range map[string]struct {
		model   string
		r       chat.Request
		want    string
		dropped string
	}{
		"an old model takes all":             {"claude-sonnet-4-20250514", chat.Request{Temperature: f(0.5), TopP: f(0.9), TopK: &k}, "0.5 0.9 5", ""},
		"a newer one takes one of two":       {"claude-sonnet-4-5", chat.Request{Temperature: f(0.5), TopP: f(0.9)}, "0.5 <nil> <nil>", "top_p"},
		"a default does not count":           {"claude-sonnet-4-5", chat.Request{Temperature: f(0.5), TopP: f(1)}, "0.5 <nil> <nil>", ""},
		"top_p alone":                        {"claude-sonnet-4-5", chat.Request{TopP: f(0.9)}, "<nil> 0.9 <nil>", ""},
		"OpenAI's range is wider":            {"claude-sonnet-4-5", chat.Request{Temperature: f(1.5)}, "1 <nil> <nil>", "temperature"},
		"the newest take none":               {"claude-opus-4-7", chat.Request{Temperature: f(0), TopP: f(0.9), TopK: &k}, "<nil> <nil> <nil>", "temperature top_k top_p"},
		"the newest, with defaults":          {"claude-opus-5", chat.Request{Temperature: f(1), TopP: f(1)}, "<nil> <nil> <nil>", ""},
		"thinking refuses them":              {"claude-opus-4-6", chat.Request{Temperature: f(0.3), TopP: f(0.5), TopK: &k, Reasoning: think}, "<nil> <nil> <nil>", "temperature top_k top_p"},
		"thinking takes a top_p close to 1":  {"claude-opus-4-6", chat.Request{TopP: f(0.97), Reasoning: think}, "<nil> 0.97 <nil>", ""},
		"a server that copies the wire does": {"deep-one", chat.Request{Temperature: f(0.3), TopP: f(0.5)}, "0.3 0.5 <nil>", ""},
	} {
		m, dropped := wire(t, &tc.r, chat.Upstream{Model: tc.model})
		if got := fmt.Sprint(m["temperature"], m["top_p"], m["top_k"]); got != tc.want || strings.Join(dropped, " ") != tc.dropped {
			t.Errorf("%s: %s, dropped %v", name, got, dropped)
		}
	}
}

func TestWhatIsHarmlessIsDroppedByName(t *testing.T) {
	f, zero, seed := 0.5, 0.0, int64(1)
	r := &chat.Request{
		FrequencyPenalty: &f, PresencePenalty: &zero, Seed: &seed, Metadata: map[string]string{"a": "b"}, PromptCacheKey: "k",
		ServiceTier: "flex", Stop: []string{"X", "\n\n"}, User: "u",
		Native:   []chat.Native{{Field: "logit_bias", Value: json.RawMessage("{}"), Harmless: true, Wire: "openai"}},
		Messages: []chat.Message{{Role: chat.RoleUser, Name: "Ann", Parts: []chat.Part{textPartOf("a"), {Kind: chat.KindNative, Native: &chat.Native{Harmless: true, Wire: "gemini"}}}}},
	}
	m, dropped := wire(t, r, chat.Upstream{Model: "claude-opus-5"})
	want := "frequency_penalty logit_bias messages[0].content[1] messages[0].name metadata prompt_cache_key seed service_tier stop"
	if got := strings.Join(dropped, " "); got != want {
		t.Errorf("dropped %s", got)
	}
	if got := compact(m["stop_sequences"]) + compact(m["metadata"]) + compact(m["service_tier"]); got != `["X"]{"user_id":"u"}null` {
		t.Error(got)
	}
	for tier, want := range map[string]any{"": nil, "auto": "auto", "priority": "auto", "default": "standard_only", "flex": nil} {
		if m, _ := wire(t, &chat.Request{ServiceTier: tier}, chat.Upstream{}); m["service_tier"] != want {
			t.Errorf("tier %s: %v", tier, m["service_tier"])
		}
	}
}

func TestWhatCannotBeCarriedIsRefusedByName(t *testing.T) {
	media := func(kind chat.Kind, m chat.Media) []chat.Message {
		return []chat.Message{says(chat.RoleUser, chat.Part{Kind: kind, Media: &m})}
	}
	tool := func(tools ...chat.Tool) chat.Request { return chat.Request{Tools: tools} }
	for name, tc := range map[string]struct {
		r     chat.Request
		field string
	}{
		"several answers":          {chat.Request{Candidates: 2}, "n"},
		"probabilities":            {chat.Request{LogProbs: true}, "logprobs"},
		"audio":                    {chat.Request{Messages: media(chat.KindAudio, chat.Media{MIMEType: "audio/wav", Data: "aGFsbG8="})}, "messages[0].content[0]"},
		"an image of another type": {chat.Request{Messages: media(chat.KindImage, chat.Media{MIMEType: "image/tiff", Data: "aGFsbG8="})}, "messages[0].content[0]"},
		"another provider's file":  {chat.Request{Messages: media(chat.KindImage, chat.Media{FileID: "file-abc"})}, "messages[0].content[0]"},
		"bad base64":               {chat.Request{Messages: media(chat.KindImage, chat.Media{MIMEType: "image/png", Data: "a"})}, "messages[0].content[0]"},
		"a document of bad text":   {chat.Request{Messages: media(chat.KindDocument, chat.Media{MIMEType: "text/plain", Data: "/w=="})}, "messages[0].content[0]"},
		"an image by the model":    {chat.Request{Messages: []chat.Message{user("a"), says(chat.RoleAssistant, chat.Part{Kind: chat.KindImage, Media: &chat.Media{URL: "u"}})}}, "messages[1].content[0]"},
		"no media at all":          {chat.Request{Messages: []chat.Message{says(chat.RoleUser, chat.Part{Kind: chat.KindImage})}}, "messages[0].content[0]"},
		"an image as instruction":  {chat.Request{Messages: []chat.Message{says(chat.RoleSystem, chat.Part{Kind: chat.KindImage})}}, "messages[0].content[0]"},
		"another wire's tool":      {chat.Request{Native: []chat.Native{{Field: "tools[1]", Value: json.RawMessage("{}"), Wire: "openai"}}}, "tools[1]"},
		"another wire's part":      {chat.Request{Messages: []chat.Message{says(chat.RoleUser, chat.Part{Kind: chat.KindNative, Native: &chat.Native{Wire: "gemini"}})}}, "messages[0].content[0]"},
		"a tool's name":            {tool(chat.Tool{Name: "a.b"}), "tools[0].name"},
		"a tool's schema":          {tool(chat.Tool{Name: "a", Parameters: json.RawMessage("[]")}), "tools[0].parameters"},
		"a call's name":            {chat.Request{Messages: []chat.Message{says(chat.RoleAssistant, call("1", "a b", "{}"))}}, "messages[0].content[0].name"},
		"a call without an id":     {chat.Request{Messages: []chat.Message{says(chat.RoleAssistant, call("", "a", "{}"))}}, "messages[0].content[0].id"},
		"a call's arguments":       {chat.Request{Messages: []chat.Message{says(chat.RoleAssistant, call("1", "a", `{"a`))}}, "messages[0].content[0].arguments"},
		"a result without a call":  {chat.Request{Messages: []chat.Message{says(chat.RoleTool, result("1", "r"))}}, "messages[0].content[0].tool_call_id"},
		"a choice without tools":   {chat.Request{ToolChoice: chat.ToolChoice{Mode: chat.ToolModeRequired}}, "tool_choice"},
		"a choice of no tool":      {chat.Request{Tools: []chat.Tool{aTool}, ToolChoice: chat.ToolChoice{Mode: chat.ToolModeNamed, Names: []string{"z"}}}, "tool_choice"},
		"a choice without a name":  {chat.Request{Tools: []chat.Tool{aTool}, ToolChoice: chat.ToolChoice{Mode: chat.ToolModeNamed}}, "tool_choice"},
		"a format without schema":  {chat.Request{Format: chat.Format{Kind: chat.FormatSchema}}, "response_format"},
		"nothing to answer":        {chat.Request{Messages: []chat.Message{user(" ")}}, "messages"},
		"a broken native member":   {chat.Request{Native: []chat.Native{{Field: "speed", Value: json.RawMessage("{"), Wire: Wire}}}, "speed"},
	} {
		r := tc.r
		if len(r.Messages) == 0 {
			r.Messages = []chat.Message{user("SECRET")}
		}
		_, err := New().EncodeRequest(&r, chat.Upstream{Model: "claude-opus-4-6"})
		var refused *chat.Unsupported
		var bad *chat.FieldError
		if errors.As(err, &refused) && refused.Field == tc.field || errors.As(err, &bad) && bad.Field == tc.field {
			if strings.Contains(err.Error(), "SECRET") {
				t.Errorf("%s: quotes the prompt", name)
			}
			continue
		}
		t.Errorf("%s: %v, want one about %s", name, err, tc.field)
	}
}

func TestStructuredOutputIsAskedForAsTheModelTakesIt(t *testing.T) {
	schema := json.RawMessage(`{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"integer","minimum":2}},"required":["b"]}`)
	format := chat.Format{Kind: chat.FormatSchema, Name: "x", Description: "A pair.", Schema: schema}
	r := &chat.Request{Format: format}
	enc, err := New().EncodeRequest(&chat.Request{Format: format, Messages: []chat.Message{user("a")}}, chat.Upstream{Model: "claude-sonnet-5"})
	if err != nil {
		t.Fatal(err)
	}
	want := `"output_config":{"format":{"schema":{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"integer","description":"{minimum: 2}"}},"required":["b"],"additionalProperties":false},"type":"json_schema"}}`
	if !strings.Contains(string(enc.Body), want) || !slices.Equal(enc.Dropped, []string{"response_format"}) {
		t.Errorf("%s %v", enc.Body, enc.Dropped)
	}
	for name, tc := range map[string]struct {
		tools  []chat.Tool
		choice chat.ToolMode
		effort string
		want   string
		tool   bool
	}{
		"a tool is forced":                       {nil, 0, "", `{"disable_parallel_tool_use":true,"name":"tiershift_answer","type":"tool"}`, true},
		"beside the client's any is":             {[]chat.Tool{aTool}, 0, "", `{"type":"any"}`, true},
		"if the client's may not be, it is":      {[]chat.Tool{aTool}, chat.ToolModeNone, "", `{"disable_parallel_tool_use":true,"name":"tiershift_answer","type":"tool"}`, true},
		"a model that thinks cannot be forced":   {nil, 0, "low", `{"type":"auto"}`, true},
		"a call that is demanded goes before it": {[]chat.Tool{aTool}, chat.ToolModeRequired, "", `{"type":"any"}`, false},
	} {
		r.Tools, r.ToolChoice.Mode, r.Reasoning.Effort = tc.tools, tc.choice, tc.effort
		m, _ := wire(t, r, chat.Upstream{Model: "claude-3-7-sonnet-latest"})
		if got := compact(m["tool_choice"]); got != tc.want || strings.Contains(compact(m["tools"]), answerTool) != tc.tool {
			t.Errorf("%s: %s %v", name, got, m["tools"])
		}
	}
	m, _ := wire(t, &chat.Request{Format: chat.Format{Kind: chat.FormatJSON}}, chat.Upstream{Model: "claude-opus-5"})
	if !strings.Contains(compact(m["system"]), "one JSON object") {
		t.Errorf("JSON: %v", m)
	}
}

func TestSchemasAreBroughtIntoTheAcceptedSubset(t *testing.T) {
	for name, tc := range map[string]struct {
		in, want string
		lost     bool
	}{
		"one that is in it stays":      {`{"type":"object", "properties":{},"additionalProperties":false}`, `{"type":"object", "properties":{},"additionalProperties":false}`, false},
		"open objects are closed":      {`{"type":"object","properties":{"a":{"type":"object","properties":{}}},"additionalProperties":true}`, `{"type":"object","properties":{"a":{"type":"object","properties":{},"additionalProperties":false}},"additionalProperties":false}`, false},
		"dictionaries stay":            {`{"type":"object","additionalProperties":{"type":"string","maxLength":3}}`, `{"type":"object","additionalProperties":{"type":"string","description":"{maxLength: 3}"}}`, true},
		"constraints become words":     {`{"type":"string","description":"A code.","minLength":2,"format":"zip"}`, `{"type":"string","description":"A code.\n\n{minLength: 2, format: \"zip\"}"}`, true},
		"oneOf becomes anyOf":          {`{"oneOf":[{"type":"string","format":"date"},{"type":"null"}]}`, `{"anyOf":[{"type":"string","format":"date"},{"type":"null"}]}`, false},
		"annotations go":               {`{"$schema":"x","type":"array","items":{"type":"integer"},"minItems":1}`, `{"type":"array","items":{"type":"integer"},"minItems":1}`, false},
		"long arrays are words":        {`{"type":"array","minItems":3,"items":true}`, `{"type":"array","items":true,"description":"{minItems: 3}"}`, true},
		"definitions are followed":     {`{"$ref":"#/$defs/a","$defs":{"a":{"type":"object","properties":{}}}}`, `{"$ref":"#/$defs/a","$defs":{"a":{"type":"object","properties":{},"additionalProperties":false}}}`, false},
		"what is no schema stays":      {`[1]`, `[1]`, false},
		"what is no object inside too": {`{"properties":[],"anyOf":1,"x":1}`, `{"properties":[],"anyOf":1,"additionalProperties":false,"description":"{x: 1}"}`, true},
	} {
		got, lost := acceptedSchema(json.RawMessage(tc.in))
		if string(got) != tc.want || lost != tc.lost {
			t.Errorf("%s: %s (%v)\nwant %s", name, got, lost, tc.want)
		}
	}
}

func TestLongPrefixesAreCachedWhereTheClientMarkedNothing(t *testing.T) {
	long := strings.Repeat("word ", 1000)
	short := []chat.Message{says(chat.RoleSystem, textPartOf("short")), user("a")}
	lengthy := []chat.Message{says(chat.RoleSystem, textPartOf(long), textPartOf("end")), user("a")}
	marked := []chat.Message{says(chat.RoleSystem, textPartOf(long)), says(chat.RoleUser, chat.Part{Kind: chat.KindText, Text: "a", Cache: &chat.CacheControl{TTL: "1h"}})}
	wordy := []chat.Tool{aTool, {Name: "g", Description: long}}
	for name, tc := range map[string]struct {
		r     chat.Request
		marks string
	}{
		"nothing is long":                       {chat.Request{Messages: short, Tools: []chat.Tool{aTool}}, ""},
		"a long system prompt, at its end":      {chat.Request{Messages: lengthy}, "system[1]"},
		"long tools, and the prompt after them": {chat.Request{Messages: short, Tools: wordy}, "system[0] tools[1]"},
		"the client marked":                     {chat.Request{Messages: marked}, "messages"},
		"the client's own tool was marked":      {chat.Request{Messages: lengthy, Native: []chat.Native{{Field: "tools[0]", Wire: Wire, Value: json.RawMessage(`{"type":"x","cache_control":{"type":"ephemeral"}}`)}}}, "tools[0]"},
		"the request asks for it as a whole":    {chat.Request{Messages: lengthy, Native: []chat.Native{{Field: "cache_control", Wire: Wire, Value: json.RawMessage(`{"type":"ephemeral"}`)}}}, ""},
	} {
		m, _ := wire(t, &tc.r, chat.Upstream{Model: "claude-opus-5", CachePrompt: true})
		var marks []string
		for _, key := range []string{"system", "tools"} {
			list, _ := m[key].([]any)
			for i, b := range list {
				if b.(map[string]any)["cache_control"] != nil {
					marks = append(marks, fmt.Sprintf("%s[%d]", key, i))
				}
			}
		}
		if strings.Contains(compact(m["messages"]), "cache_control") {
			marks = append(marks, "messages")
		}
		if got := strings.Join(marks, " "); got != tc.marks {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestModelsAreKnownByTheNamesOfAllClouds(t *testing.T) {
	for name, want := range map[string]string{
		"claude-opus-4-7": "opus 407", "claude-3-5-sonnet-20241022": "sonnet 305", "claude-3-haiku-20240307": "haiku 300",
		"us.anthropic.claude-haiku-4-5-20251001-v1:0": "haiku 405", "claude-sonnet-4@20250514": "sonnet 400",
		"anthropic/claude-opus-4.1": "opus 401", "claude-sonnet-5": "sonnet 500", "claude-mythos-preview": "mythos 900",
		"gpt-5": " 0", "opus-4": " 0", "claude-next": " 0", "claude-3-7-sonnet-latest": "sonnet 307",
	} {
		family, version := parseModel(name)
		if got := fmt.Sprintf("%s %d", family, version); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
