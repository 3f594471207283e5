package patch

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestScanError(t *testing.T) {
	long := strings.Repeat("é", 600)
	for _, c := range []struct {
		name, body string
		want       ErrorBody
	}{
		{
			"OpenAI", `{"error":{"message":"Incorrect API key provided: sk-1.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`,
			ErrorBody{"Incorrect API key provided: sk-1.", "invalid_request_error", "", "invalid_api_key"},
		},
		{
			"OpenAI with a parameter", "{\n  \"error\": {\n \"message\": \"Unsupported parameter\", \"type\": \"invalid_request_error\", \"param\": \"max_tokens\", \"code\": \"unsupported_parameter\"\n}}\n",
			ErrorBody{"Unsupported parameter", "invalid_request_error", "max_tokens", "unsupported_parameter"},
		},
		{
			"xAI", `{"code":"Client specified an invalid argument","error":"This model's maximum prompt length is 131072 but the request contains 537812 tokens."}`,
			ErrorBody{"This model's maximum prompt length is 131072 but the request contains 537812 tokens.", "", "", "Client specified an invalid argument"},
		},
		{
			"Gemini", `[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"@type":"x","reason":"API_KEY_INVALID"}]}}]`,
			ErrorBody{"API key not valid.", "", "", "400"},
		},
		{
			"Mistral", `{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options","include_usage"],"msg":"Extra inputs are not permitted","input":"SECRET"}]},"type":"invalid_request_error","param":null,"code":null}`,
			ErrorBody{"Extra inputs are not permitted", "extra_forbidden", "stream_options.include_usage", ""},
		},
		{"Mistral on a bad key", `{"message":"Unauthorized","request_id":"x"}`, ErrorBody{Message: "Unauthorized"}},
		{
			"vLLM", `{"object":"error","message":"max_tokens must be at least 1, got -186.","type":"BadRequestError","param":null,"code":400}`,
			ErrorBody{"max_tokens must be at least 1, got -186.", "BadRequestError", "", "400"},
		},
		{"FastAPI", `{"detail":"Not Found"}`, ErrorBody{Message: "Not Found"}},
		{
			"FastAPI with a place", `{"detail":[{"type":"missing","loc":["body","messages",0,"role"],"msg":"Field required","input":{"SECRET":1}},{"loc":["x"],"msg":"other"}]}`,
			ErrorBody{"Field required", "missing", "messages.0.role", ""},
		},
		{"Ollama", `{"error":"model 'x' not found"}`, ErrorBody{Message: "model 'x' not found"}},
		{"cut off", `{"error":{"message":"the message","type":"server_er`, ErrorBody{Message: "the message"}},
		{"a string", `"nope"`, ErrorBody{Message: "nope"}},
		{"a page", "<html><body>502 Bad Gateway</body></html>", ErrorBody{}},
		{"plain text", "  upstream connect error\nreset reason: overflow", ErrorBody{Message: "upstream connect error"}},
		{"broken text", "a\xffb", ErrorBody{Message: "a\uFFFDb"}},
		{"nothing", "", ErrorBody{}},
		{"no error", `{"choices":[]}`, ErrorBody{}},
		{"odd types", `{"error":{"message":null,"type":{},"code":true,"loc":7}}`, ErrorBody{}},
		{"a long message", `{"error":{"message":"` + long + `","type":"` + long + `"}}`, ErrorBody{Message: long[:1000] + "…", Type: long[:100] + "…"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ScanError([]byte(c.body)); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestClipKeepsCharactersWhole(t *testing.T) {
	for limit := range 8 {
		got := strings.TrimSuffix(clip("aé漢😀", limit), "…")
		if !utf8.ValidString(got) || len(got) > limit || !strings.HasPrefix("aé漢😀", got) {
			t.Errorf("clip to %d = %q", limit, got)
		}
	}
}

// Each is what a provider has been seen to answer; the places are in
// contextPhrases.
func TestContextExceeded(t *testing.T) {
	wrap := func(message string) string { return `{"error":{"message":` + quoted(message) + `,"code":400}}` }
	for name, c := range map[string]struct {
		status int
		body   string
	}{
		"OpenAI":                   {400, `{"error":{"message":"This model's maximum context length is 128000 tokens. However, your messages resulted in 204308 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`},
		"OpenAI by its code":       {400, `{"error":{"message":"No.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`},
		"OpenAI, new models":       {400, wrap("Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300012 tokens. Please reduce the length of the messages.")},
		"OpenAI, Responses":        {400, wrap("Your input exceeds the context window of this model. Please adjust your input and try again.")},
		"DeepSeek":                 {400, `{"error":{"message":"This model's maximum context length is 131072 tokens. However, you requested 131134 tokens (122942 in the messages, 8192 in the completion). Please reduce the length of the messages or completion.","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`},
		"Mistral":                  {400, `{"object":"error","message":"Prompt contains 65673 tokens and 0 draft tokens, too large for model with 32768 maximum context length","type":"invalid_request_error","param":null,"code":"3051"}`},
		"xAI":                      {400, `{"code":"Client specified an invalid argument","error":"This model's maximum prompt length is 131072 but the request contains 136973 tokens."}`},
		"vLLM":                     {400, `{"object":"error","message":"This model's maximum context length is 6048 tokens. However, you requested 6616 tokens (568 in the messages, 6048 in the completion). Please reduce the length of the messages or completion.","type":"BadRequestError","param":null,"code":400}`},
		"vLLM, old":                {400, `{"object":"error","message":"max_tokens must be at least 1, got -186.","type":"BadRequestError","param":null,"code":400}`},
		"Anthropic":                {400, `{"error":{"code":"invalid_request_error","message":"prompt is too long: 213462 tokens > 200000 maximum","type":"invalid_request_error","param":null}}`},
		"Gemini":                   {400, `[{"error":{"code":400,"message":"The input token count (1200293) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}]`},
		"Groq":                     {400, wrap("Please reduce the length of the messages or completion.")},
		"llama.cpp":                {400, `{"error":{"code":400,"message":"the request exceeds the available context size. try increasing the context size or enable context shift","type":"exceed_context_size_error","n_prompt_tokens":14429,"n_ctx":8192}}`},
		"llama.cpp, first version": {500, `{"error":{"code":500,"message":"x","type":"exceed_context_size_error"}}`},
		"LM Studio":                {400, `{"error":"Trying to keep the first 15857 tokens when context the overflows. However, the model is loaded with context length of only 8192 tokens, which is not enough."}`},
		"LM Studio with 200":       {200, `{"error":{"message":"Context size has been exceeded."}}`},
		"Together":                 {422, wrap("The input (9000 tokens) is longer than the model's context length (8193 tokens).")},
		"Ollama":                   {400, wrap("prompt too long; exceeded max context length by 12 tokens")},
		"Moonshot":                 {400, wrap("Your request exceeded model token limit: 131072 (requested: 140000)")},
		"OpenRouter":               {400, wrap("This endpoint's maximum context length is 131072 tokens. However, you requested about 140000 tokens")},
		"OpenRouter, from behind":  {400, `{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"prompt is too long: 213462 tokens > 200000 maximum\"}}","provider_name":"Anthropic"}}}`},
		"too large":                {413, wrap("The prompt is too long: 213462 tokens")},
	} {
		if !IsContextExceeded(c.status, []byte(c.body)) {
			t.Errorf("%s is not recognised: %s", name, c.body)
		}
	}
	for name, c := range map[string]struct {
		status int
		body   string
	}{
		"a rate limit":            {429, `{"error":{"message":"Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 40000. The input or output tokens must be reduced.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}`},
		"a rate limit of Groq":    {413, `{"error":{"message":"Request too large for model on tokens per minute (TPM): Limit 6000, Requested 7000, please reduce the length of the messages.","type":"tokens","code":"rate_limit_exceeded"}}`},
		"another fault":           {400, wrap("max_tokens is too large: 100000. This model supports at most 16384 completion tokens")},
		"a prompt that is quoted": {422, `{"detail":[{"loc":["body","x"],"msg":"Extra inputs are not permitted","input":"maximum context length"}]}`},
		"a key":                   {401, wrap("maximum context length")},
		"nothing":                 {400, ``},
		"a page":                  {500, `<html>maximum context length</html>`},
		"a whole answer":          {200, completion(`null`)},
	} {
		if IsContextExceeded(c.status, []byte(c.body)) {
			t.Errorf("%s is taken for it: %s", name, c.body)
		}
	}
	if !(ErrorBody{Message: "Prompt is too long"}).IsContextExceeded() {
		t.Error("an error body alone is not recognised")
	}
}

func TestAppendError(t *testing.T) {
	for _, c := range []struct {
		e    ErrorBody
		want string
	}{
		{ErrorBody{"say \"no\"", "invalid_request_error", "messages[0].role", "bad"}, `{"error":{"message":"say \"no\"","type":"invalid_request_error","param":"messages[0].role","code":"bad"}}`},
		{ErrorBody{Message: "x"}, `{"error":{"message":"x","type":null,"param":null,"code":null}}`},
	} {
		got := string(AppendError([]byte("+"), c.e))
		if got != "+"+c.want || !json.Valid([]byte(got[1:])) {
			t.Errorf("got %s, want %s", got, c.want)
		}
		if event := string(AppendErrorEvent(nil, c.e)); event != "data: "+c.want+"\n\n" {
			t.Errorf("event = %q", event)
		}
		if back := ScanError([]byte(c.want)); back != c.e {
			t.Errorf("read back as %+v", back)
		}
	}
}

func TestModelList(t *testing.T) {
	if got, want := string(AppendModelList(nil, nil)), `{"object":"list","data":[]}`; got != want {
		t.Errorf("got %s", got)
	}
	got := string(AppendModelList(nil, []ModelEntry{{ID: "auto", OwnedBy: "tiershift"}, {ID: "a\"b", OwnedBy: "x", Created: 1686935002}}))
	want := `{"object":"list","data":[{"id":"auto","object":"model","created":0,"owned_by":"tiershift"},{"id":"a\"b","object":"model","created":1686935002,"owned_by":"x"}]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
