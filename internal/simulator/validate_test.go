package simulator_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/simulator"
)

func TestBadRequestsAreRefusedAsOpenAIRefusesThem(t *testing.T) {
	_, url := start(t, simulator.Config{Models: []simulator.Model{
		{Name: "m", ContextTokens: 60, MaxOutputTokens: 50}, {Name: "wide"},
	}})
	const hi = `"messages":[{"role":"user","content":"hi"}]`
	const call = `{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]}`
	const tools = `"tools":[{"type":"function","function":{"name":"f"}}]`
	for name, tc := range map[string]struct {
		body    string
		status  int
		param   string
		code    string
		message string
	}{
		"not JSON":                         {`{"model":`, 400, "", "", "We could not parse the JSON body of your request."},
		"no model":                         {`{` + hi + `}`, 400, "", "", "you must provide a model parameter"},
		"unknown model":                    {`{"model":"x",` + hi + `}`, 404, "", "model_not_found", "The model `x` does not exist or you do not have access to it."},
		"no messages":                      {`{"model":"m"}`, 400, "messages", "missing_required_parameter", "Missing required parameter: 'messages'."},
		"empty messages":                   {`{"model":"m","messages":[]}`, 400, "messages", "empty_array", "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."},
		"mistyped":                         {`{"model":"m","messages":"hi"}`, 400, "messages", "invalid_type", "Invalid type for 'messages': expected an array, but got a string instead."},
		"mistyped number":                  {`{"model":"m","n":1.5,` + hi + `}`, 400, "n", "invalid_type", "Invalid type for 'n': expected an integer, but got a decimal number instead."},
		"mistyped options":                 {`{"model":"m","stream_options":7,` + hi + `}`, 400, "stream_options", "invalid_type", "Invalid type for 'stream_options': expected an object, but got an integer instead."},
		"mistyped content":                 {`{"model":"m","messages":[{"role":"user","content":[7]}]}`, 400, "messages.content", "invalid_type", "Invalid type for 'messages.content'"},
		"role":                             {`{"model":"m","messages":[{"role":"wizard","content":"hi"}]}`, 400, "messages[0].role", "invalid_value", "Invalid value: 'wizard'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'."},
		"null content":                     {`{"model":"m","messages":[{"role":"user","content":null}]}`, 400, "messages.[0].content", "", "Invalid value for 'content': expected a string, got null."},
		"stray tool":                       {`{"model":"m","messages":[{"role":"user","content":"hi"},{"role":"tool","content":"x","tool_call_id":"call_1"}]}`, 400, "messages.[1].role", "", "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."},
		"unanswered call":                  {`{"model":"m","messages":[` + call + `,{"role":"user","content":"hi"}]}`, 400, "messages.[1].role", "", "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: call_1"},
		"call at the end":                  {`{"model":"m","messages":[` + call + `]}`, 400, "messages.[1].role", "", "An assistant message with 'tool_calls' must be followed"},
		"n too small":                      {`{"model":"m","n":0,` + hi + `}`, 400, "n", "integer_below_min_value", "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead."},
		"n too large":                      {`{"model":"m","n":129,` + hi + `}`, 400, "n", "integer_above_max_value", "Invalid 'n': integer above maximum value. Expected a value <= 128, but got 129 instead."},
		"temperature":                      {`{"model":"m","temperature":2.5,` + hi + `}`, 400, "temperature", "decimal_above_max_value", "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 2.5 instead."},
		"top_p":                            {`{"model":"m","top_p":-1,` + hi + `}`, 400, "top_p", "decimal_below_min_value", "Invalid 'top_p': decimal below minimum value. Expected a value >= 0, but got -1 instead."},
		"stream options":                   {`{"model":"m","stream_options":{"include_usage":true},` + hi + `}`, 400, "stream_options", "", "The 'stream_options' parameter is only allowed when 'stream' is enabled."},
		"no tools":                         {`{"model":"m","tools":[],` + hi + `}`, 400, "tools", "empty_array", "Invalid 'tools': empty array."},
		"choice, no tools":                 {`{"model":"m","tool_choice":"auto",` + hi + `}`, 400, "tool_choice", "", "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified."},
		"parallel":                         {`{"model":"m","parallel_tool_calls":true,` + hi + `}`, 400, "parallel_tool_calls", "", "Invalid value for 'parallel_tool_calls'"},
		"unknown tool":                     {`{"model":"m",` + tools + `,"tool_choice":{"type":"function","function":{"name":"g"}},` + hi + `}`, 400, "tool_choice", "", "Tool choice 'function' not found in 'tools' parameter."},
		"json unnamed":                     {`{"model":"m","response_format":{"type":"json_object"},` + hi + `}`, 400, "messages", "", "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."},
		"schema unnamed":                   {`{"model":"m","response_format":{"type":"json_schema"},` + hi + `}`, 400, "response_format.json_schema.name", "missing_required_parameter", "Missing required parameter: 'response_format.json_schema.name'."},
		"format":                           {`{"model":"m","response_format":{"type":"yaml"},` + hi + `}`, 400, "response_format.type", "invalid_value", "Invalid value: 'yaml'."},
		"answer too long":                  {`{"model":"m","max_tokens":51,` + hi + `}`, 400, "max_tokens", "invalid_value", "max_tokens is too large: 51. This model supports at most 50 completion tokens, whereas you provided 51."},
		"answer too long, by its new name": {`{"model":"m","max_completion_tokens":51,` + hi + `}`, 400, "max_completion_tokens", "invalid_value", "max_completion_tokens is too large"},
		"context": {
			`{"model":"m","messages":[{"role":"user","content":"` + strings.Repeat("word ", 80) + `"}]}`, 400, "messages", "context_length_exceeded",
			"This model's maximum context length is 60 tokens. However, your messages resulted in 88 tokens. Please reduce the length of the messages.",
		},
		"context with answer": {
			`{"model":"m","max_tokens":50,"messages":[{"role":"user","content":"` + strings.Repeat("word ", 8) + `"}]}`, 400, "messages", "context_length_exceeded",
			"This model's maximum context length is 60 tokens. However, you requested 66 tokens (16 in the messages, 50 in the completion).",
		},
	} {
		t.Run(name, func(t *testing.T) {
			res := send(t, url+"/chat/completions", tc.body)
			var doc struct {
				Error struct {
					Message, Type string
					Param, Code   *string
				}
			}
			if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
				t.Fatal(err)
			}
			e := doc.Error
			if res.StatusCode != tc.status || e.Type != "invalid_request_error" || value(e.Param) != tc.param || value(e.Code) != tc.code {
				t.Errorf("%d type %s, param %s, code %s", res.StatusCode, e.Type, value(e.Param), value(e.Code))
			}
			if !strings.HasPrefix(e.Message, tc.message) {
				t.Errorf("message: %s", e.Message)
			}
		})
	}
	if res := send(t, url+"/chat/completions", `{"model":"wide","max_tokens":90000,`+hi+`}`); res.StatusCode != 200 {
		t.Errorf("a model without bounds: %s", text(t, res))
	}
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestErrorsAreWrittenAsOpenAIWritesThem(t *testing.T) {
	_, url := start(t, simulator.Config{APIKeys: []string{"k"}})
	res := send(t, url+"/chat/completions", `{"model":"nothing-like-it","messages":[]}`, "api-key", "k")
	want := `{
    "error": {
        "message": "The model ` + "`nothing-like-it`" + ` does not exist or you do not have access to it.",
        "type": "invalid_request_error",
        "param": null,
        "code": "model_not_found"
    }
}
`
	if got := text(t, res); got != want {
		t.Errorf("got %s", got)
	}
	if got := res.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("content type: %s", got)
	}
}

func TestKeysAreAskedForAndCanBeReplaced(t *testing.T) {
	p, url := start(t, simulator.Config{APIKeys: []string{"sk-old-0123456789"}})
	const body = `{"model":"large","messages":[{"role":"user","content":"Hi"}]}`
	for _, tc := range []struct {
		key     string
		status  int
		message string
	}{
		{"", 401, "You didn't provide an API key."},
		{"sk-bad-0123456789", 401, "Incorrect API key provided: sk-bad-0*****6789."},
		{"short", 401, "Incorrect API key provided: *****."},
		{"sk-old-0123456789", 200, ""},
	} {
		res := send(t, url+"/chat/completions", body, "api-key", tc.key)
		if got := text(t, res); res.StatusCode != tc.status || !strings.Contains(got, tc.message) {
			t.Errorf("key %q: %d %s", tc.key, res.StatusCode, got)
		}
	}
	p.SetAPIKeys("sk-new")
	if res := send(t, url+"/chat/completions", body, "Authorization", "Bearer sk-old-0123456789"); res.StatusCode != 401 {
		t.Errorf("the old key still works: %d", res.StatusCode)
	}
	if res := send(t, url+"/chat/completions", body, "Authorization", "Bearer sk-new"); res.StatusCode != 200 {
		t.Errorf("the new key does not work: %d", res.StatusCode)
	}
}

func TestOtherURLsAndMethodsAreRefused(t *testing.T) {
	_, url := start(t, simulator.Config{})
	for _, tc := range []struct {
		method, path string
		status       int
		message      string
	}{
		{http.MethodPost, "/completions/x", 404, "Invalid URL (POST /v1/completions/x)"},
		{http.MethodGet, "/chat/completions", 405, "Only POST requests are accepted."},
		{http.MethodDelete, "/models", 405, "Only GET requests are accepted."},
	} {
		req, err := http.NewRequestWithContext(t.Context(), tc.method, url+tc.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, res); res.StatusCode != tc.status || !strings.Contains(got, tc.message) {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, res.StatusCode, got)
		}
		_ = res.Body.Close()
	}
}

func TestABodyThatIsNotDeclaredAsJSONIsNotRead(t *testing.T) {
	_, url := start(t, simulator.Config{})
	res := send(t, url+"/chat/completions", `{"model":"large","messages":[{"role":"user","content":"Hi"}]}`, "Content-Type", "text/plain")
	if got := text(t, res); res.StatusCode != 400 || !strings.Contains(got, "you must provide a model parameter") {
		t.Errorf("%d %s", res.StatusCode, got)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	_, url := start(t, simulator.Config{})
	res, err := trySend(t.Context(), url+"/chat/completions", strings.Repeat(" ", 33<<20))
	if err != nil {
		t.Skip("the connection was closed before the answer could be read")
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status: %d", res.StatusCode)
	}
}

func TestConfigsAreValidated(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg  simulator.Config
		want string
	}{
		"no models":    {simulator.Config{Name: "acme"}, "simulator acme: models: at least one is required"},
		"no name":      {simulator.Config{Models: []simulator.Model{{}}}, "models[0]: name is required"},
		"same name":    {simulator.Config{Models: []simulator.Model{{Name: "a"}, {Name: "a"}}}, `models[1]: "a" is named twice`},
		"capability":   {simulator.Config{Models: []simulator.Model{{Name: "a", Capability: 1.2}}}, "models[0]: capability must be in [0,1], not 1.2"},
		"dialect":      {simulator.Config{Models: []simulator.Model{{Name: "a"}}, Dialect: "Klingon"}, `dialect: "Klingon" is unknown`},
		"canned":       {simulator.Config{Models: []simulator.Model{{Name: "a"}}, Canned: &simulator.Canned{}}, "canned: tokens must be at least 1"},
		"fault rates":  {simulator.Config{Models: []simulator.Model{{Name: "a"}}, Faults: simulator.Faults{TimeoutRate: 0.6, CutRate: 0.5}}, "faults: the rates add up to 1.100, more than 1"},
		"fault status": {simulator.Config{Models: []simulator.Model{{Name: "a"}}, Faults: simulator.Faults{ErrorRates: map[int]float64{200: 0.1}}}, "errorRates: 200 is not an error status"},
		"fault rate":   {simulator.Config{Models: []simulator.Model{{Name: "a"}}, Faults: simulator.Faults{StallRate: -1}}, "stallRate must be in [0,1], not -1"},
	} {
		if _, err := simulator.New(tc.cfg); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
	p, _ := start(t, simulator.Config{})
	if err := p.SetFaults(simulator.Faults{GarbageRate: 2}); err == nil {
		t.Error("bad faults were set")
	}
	if err := p.SetCapability("none", 0.5); err == nil {
		t.Error("an unknown model was changed")
	}
	if err := p.SetCapability("small", 1.5); err == nil {
		t.Error("a bad capability was set")
	}
}
