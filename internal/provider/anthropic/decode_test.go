package anthropic

import (
	"errors"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

func TestBadRequestsAreRefusedByPath(t *testing.T) {
	ok := `"model":"m","max_tokens":10,"messages":[{"role":"user","content":"SECRET"}]`
	turn := func(role, block string) string {
		return `{"model":"m","max_tokens":10,"messages":[{"role":"user","content":"SECRET"},{"role":"` + role + `","content":[` + block + `]}]}`
	}
	for name, tc := range map[string]struct{ body, field string }{
		"no JSON":                        {`{"a`, ""},
		"an array":                       {`[]`, ""},
		"null":                           {`null`, ""},
		"no model":                       {`{}`, "model"},
		"an empty model":                 {`{"model":"","max_tokens":1,"messages":[{"role":"user","content":"a"}]}`, "model"},
		"a model of another type":        {`{"model":7,"max_tokens":1,"messages":[{"role":"user","content":"a"}]}`, "model"},
		"no cap":                         {`{"model":"m","messages":[]}`, "max_tokens"},
		"a negative cap":                 {`{"model":"m","max_tokens":-1,"messages":[]}`, "max_tokens"},
		"a cap that is a word":           {`{"model":"m","max_tokens":"SECRET","messages":[]}`, "max_tokens"},
		"a cap that is a fraction":       {`{"model":"m","max_tokens":1.5,"messages":[]}`, "max_tokens"},
		"no messages":                    {`{"model":"m","max_tokens":1,"messages":null}`, "messages"},
		"empty messages":                 {`{"model":"m","max_tokens":1,"messages":[]}`, "messages"},
		"messages of another type":       {`{"model":"m","max_tokens":1,"messages":"SECRET"}`, "messages"},
		"a message that is none":         {`{"model":"m","max_tokens":1,"messages":["SECRET"]}`, "messages[0]"},
		"a tool that is none":            {`{` + ok + `,"tools":["SECRET"]}`, "tools[0]"},
		"an unknown role":                {`{"model":"m","max_tokens":1,"messages":[{"role":"SECRET","content":"a"}]}`, "messages[0].role"},
		"no content":                     {`{"model":"m","max_tokens":1,"messages":[{"role":"user"}]}`, "messages[0].content"},
		"content of another type":        {`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":{"a":1}}]}`, "messages[0].content"},
		"a block without a type":         {turn("user", `{}`), "messages[1].content[0].type"},
		"a text block without text":      {turn("user", `{"type":"text"}`), "messages[1].content[0].text"},
		"a text of another type":         {turn("user", `{"type":"text","text":7}`), "messages[1].content[0].text"},
		"an image without a source":      {turn("user", `{"type":"image"}`), "messages[1].content[0].source"},
		"an image of a strange source":   {turn("user", `{"type":"image","source":{"type":"SECRET"}}`), "messages[1].content[0].source.type"},
		"a source of another type":       {turn("user", `{"type":"image","source":"SECRET"}`), "messages[1].content[0].source"},
		"an image that is text":          {turn("user", `{"type":"image","source":{"type":"text","data":"x"}}`), "messages[1].content[0].source.type"},
		"an image of a strange type":     {turn("user", `{"type":"image","source":{"type":"base64","media_type":"image/tiff","data":"aGFsbG8="}}`), "messages[1].content[0].source.media_type"},
		"bad base64":                     {turn("user", `{"type":"image","source":{"type":"base64","media_type":"image/png","data":"SECRET!="}}`), "messages[1].content[0].source.data"},
		"base64 of too much padding":     {turn("user", `{"type":"image","source":{"type":"base64","media_type":"image/png","data":"a==="}}`), "messages[1].content[0].source.data"},
		"an empty URL":                   {turn("user", `{"type":"image","source":{"type":"url"}}`), "messages[1].content[0].source.url"},
		"an empty file":                  {turn("user", `{"type":"document","source":{"type":"file"}}`), "messages[1].content[0].source.file_id"},
		"a document without a source":    {turn("user", `{"type":"document"}`), "messages[1].content[0].source"},
		"an image by the model":          {turn("assistant", `{"type":"image","source":{"type":"url","url":"u"}}`), "messages[1].content[0].type"},
		"a call by the user":             {turn("user", `{"type":"tool_use","id":"1","name":"f","input":{}}`), "messages[1].content[0].type"},
		"a call without an id":           {turn("assistant", `{"type":"tool_use","name":"f","input":{}}`), "messages[1].content[0].id"},
		"a call without a name":          {turn("assistant", `{"type":"tool_use","id":"1","input":{}}`), "messages[1].content[0].name"},
		"a call without an object":       {turn("assistant", `{"type":"tool_use","id":"1","name":"f","input":[]}`), "messages[1].content[0].input"},
		"a result by the model":          {turn("assistant", `{"type":"tool_result","tool_use_id":"1"}`), "messages[1].content[0].type"},
		"a result without an id":         {turn("user", `{"type":"tool_result"}`), "messages[1].content[0].tool_use_id"},
		"a result without a call":        {turn("user", `{"type":"tool_result","tool_use_id":"1"}`), "messages[1].content[0].tool_use_id"},
		"a result of bad content":        {turn("user", `{"type":"tool_result","tool_use_id":"1","content":[{"type":"text"}]}`), "messages[1].content[0].content[0].text"},
		"a system prompt of images":      {`{` + ok + `,"system":[{"type":"image","source":{"type":"url","url":"u"}}]}`, "system[0].type"},
		"a system prompt of numbers":     {`{` + ok + `,"system":7}`, "system"},
		"tools of another type":          {`{` + ok + `,"tools":{}}`, "tools"},
		"a tool's type of another type":  {`{` + ok + `,"tools":[{"type":7}]}`, "tools[0].type"},
		"a tool without a name":          {`{` + ok + `,"tools":[{"input_schema":{}}]}`, "tools[0].name"},
		"a tool without a schema":        {`{` + ok + `,"tools":[{"name":"f"}]}`, "tools[0].input_schema"},
		"a tool's description":           {`{` + ok + `,"tools":[{"name":"f","description":7,"input_schema":{}}]}`, "tools[0].description"},
		"a strange tool choice":          {`{` + ok + `,"tool_choice":{"type":"SECRET"}}`, "tool_choice.type"},
		"a tool choice without a name":   {`{` + ok + `,"tool_choice":{"type":"tool"}}`, "tool_choice.name"},
		"a tool choice of another type":  {`{` + ok + `,"tool_choice":"auto"}`, "tool_choice"},
		"a strange way to think":         {`{` + ok + `,"thinking":{"type":"SECRET"}}`, "thinking.type"},
		"too small a budget":             {`{` + ok + `,"thinking":{"type":"enabled","budget_tokens":100}}`, "thinking.budget_tokens"},
		"a budget of another type":       {`{` + ok + `,"thinking":{"type":"enabled","budget_tokens":"x"}}`, "thinking.budget_tokens"},
		"a strange format":               {`{` + ok + `,"output_config":{"format":{"type":"xml"}}}`, "output_config.format.type"},
		"a format without a schema":      {`{` + ok + `,"output_format":{"type":"json_schema"}}`, "output_format.schema"},
		"a format of another type":       {`{` + ok + `,"output_config":{"format":7}}`, "output_config.format"},
		"an output config of a list":     {`{` + ok + `,"output_config":[]}`, "output_config"},
		"metadata of another type":       {`{` + ok + `,"metadata":7}`, "metadata"},
		"a user of another type":         {`{` + ok + `,"metadata":{"user_id":7}}`, "metadata.user_id"},
		"a tier of another type":         {`{` + ok + `,"service_tier":7}`, "service_tier"},
		"stop sequences of another type": {`{` + ok + `,"stop_sequences":"SECRET"}`, "stop_sequences"},
		"a temperature of another type":  {`{` + ok + `,"temperature":"SECRET"}`, "temperature"},
		"a stream of another type":       {`{` + ok + `,"stream":1}`, "stream"},
	} {
		_, err := New().DecodeRequest([]byte(tc.body))
		var bad *chat.FieldError
		if !errors.As(err, &bad) || bad.Field != tc.field || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v, want one about %q", name, err, tc.field)
		}
	}
}

func TestMembersOfThisWireAreJudged(t *testing.T) {
	body := `{"model":"m","max_tokens":10,"messages":[{"role":"user","content":[]},{"role":"user","content":[{"type":"document","source":{"type":"content","content":"x"}}]}],
 "container":"c","inference_geo":"us","mcp_servers":[],"diagnostics":{},"brand_new":1,"metadata":{"user_id":null,"team":"x"},
 "tool_choice":{"type":"any","disable_parallel_tool_use":false},"thinking":{"type":"adaptive","display":"omitted"},"stream":true,"top_p":null}`
	r, err := New().DecodeRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	harmless := map[string]bool{
		"brand_new": true, "container": false, "diagnostics": true, "inference_geo": false, "mcp_servers": false, "metadata.team": true,
	}
	if len(r.Native) != len(harmless) {
		t.Errorf("native: %+v", r.Native)
	}
	for _, n := range r.Native {
		if want, known := harmless[n.Field]; !known || n.Harmless != want || n.Wire != Wire {
			t.Errorf("%s: harmless %v", n.Field, n.Harmless)
		}
	}
	re := r.Reasoning
	if re.BudgetTokens != -1 || *re.Show || re.EffortOnly || !*r.ParallelToolCalls || r.ToolChoice.Mode != chat.ToolModeRequired || !r.Stream || r.TopP != nil {
		t.Errorf("%+v", r)
	}
	if len(r.Messages) != 2 || r.Messages[1].Parts[0].Kind != chat.KindNative {
		t.Errorf("messages: %+v", r.Messages)
	}
	for body, want := range map[string]chat.ToolChoice{
		`{"type":"none"}`:            {Mode: chat.ToolModeNone},
		`{"type":"tool","name":"f"}`: {Mode: chat.ToolModeNamed, Names: []string{"f"}},
	} {
		r, err := New().DecodeRequest([]byte(`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"a"}],"tool_choice":` + body + `}`))
		if err != nil || r.ToolChoice.Mode != want.Mode || strings.Join(r.ToolChoice.Names, "") != strings.Join(want.Names, "") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// A part of this wire only is put back where it stood, also within a result, and
// a provider's tool may be named.
func TestPartsOfThisWireAreCarried(t *testing.T) {
	body := `{"model":"m","max_tokens":10,"tools":[{"type":"web_search_20260318","name":"web_search"}],"tool_choice":{"type":"tool","name":"web_search"},"messages":[
 {"role":"user","content":"a"},
 {"role":"assistant","content":[{"type":"server_tool_use","id":"s","name":"web_search","input":{}},{"type":"web_search_tool_result","tool_use_id":"s","content":[]},{"type":"tool_use","id":"t","name":"f","input":{}}]},
 {"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"tool_reference","tool_name":"g"}]}]}]}`
	r, err := New().DecodeRequest([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	m, dropped := wire(t, r, chat.Upstream{Model: "claude-opus-4-6"})
	got := compact(m["messages"])
	for _, want := range []string{`"server_tool_use"`, `"web_search_tool_result"`, `{"tool_name":"g","type":"tool_reference"}`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing: %s", want, got)
		}
	}
	if compact(m["tools"]) != `[{"name":"web_search","type":"web_search_20260318"}]` || len(dropped) > 0 {
		t.Errorf("tools %v, dropped %v", m["tools"], dropped)
	}
}

func TestJSONIsCutInItsValues(t *testing.T) {
	in := ` { "a" : [1, "x\\\"]}" , {"b":[]}, true ] , "\u0063":"\\","a b":-1.5e3 } `
	got := splitObject([]byte(in))
	if len(got) != 3 || string(got["c"]) != `"\\"` || string(got["a b"]) != "-1.5e3" {
		t.Fatalf("%q", got)
	}
	var elements []string
	for _, e := range splitArray(got["a"]) {
		elements = append(elements, string(e))
	}
	if want := `1|"x\\\"]}"|{"b":[]}|true`; strings.Join(elements, "|") != want {
		t.Errorf("%q", elements)
	}
	if splitArray([]byte("{}")) != nil || splitObject([]byte(" ")) != nil || splitArray([]byte("[ ]")) == nil {
		t.Error("what is none")
	}
}
