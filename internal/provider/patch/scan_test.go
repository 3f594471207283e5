package patch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const oneMessage = `"messages":[{"role":"user","content":"hi"}]`

func scan(t *testing.T, body string) *Request {
	t.Helper()
	r := &Request{}
	if err := Scan([]byte(body), r); err != nil {
		t.Fatalf("Scan: %v", err)
	}
	return r
}

func TestScanReadsWhatRoutingNeeds(t *testing.T) {
	r := scan(t, ` {
		"model": "gpt-\u0034o", "stream": true, "stream_options": {"x": 1, "include_usage": true},
		"messages": [
			{"role": "developer", "content": "Be brief."},
			{"content": [{"text": "line\none", "type": "text"}, {"type": "image_url", "image_url": {"url": "data:"}}, "two"], "role": "user"},
			{"role": "assistant", "content": null, "tool_calls": [{"id": "1"}]},
			{"role": "tool", "tool_call_id": "1", "content": "42"},
			{"role": "critic", "content": "?"},
			{"role": "us\u0065r", "content": "\ud83d\ude00 \ud800!", "name": "Ada"}
		],
		"max_completion_tokens": 200, "max_tokens": 300, "n": 2,
		"tools": [{"type": "function"}, {}], "functions": [{}],
		"response_format": {"type": "json_schema", "json_schema": {}},
		"reasoning_effort": "low", "metadata": {"team": "a", "t\u0065am": "b\n", "n": 1}, "user": "u", "prompt_cache_key": "p",
		"safety_identifier": "s", "service_tier": "flex", "modalities": ["text", "audio"], "audio": {"voice": "x"},
		"unknown": {"deep": [1, -2.5e+3, true, false, null, "é漢\ud83d\ude00"]}
	} `)
	if got := r.Model(); got != "gpt-4o" {
		t.Errorf("Model = %q", got)
	}
	if !r.Stream || !r.IncludeUsage {
		t.Errorf("Stream, IncludeUsage = %v, %v", r.Stream, r.IncludeUsage)
	}
	if r.Messages() != 6 || r.Turns() != 2 || r.Tools() != 3 || r.Images() != 1 || r.Choices() != 2 {
		t.Errorf("counts = %d %d %d %d %d", r.Messages(), r.Turns(), r.Tools(), r.Images(), r.Choices())
	}
	if want := NeedChat | NeedTools | NeedVision | NeedJSONSchema | NeedReasoning | NeedAudio; r.Needs() != want {
		t.Errorf("Needs = %b, want %b", r.Needs(), want)
	}
	if !r.HasTools() || !r.HasImages() || !r.WantsJSONSchema() || !r.WantsReasoning() {
		t.Error("the flags do not follow Needs")
	}
	if r.MaxOutputTokens() != 300 {
		t.Errorf("MaxOutputTokens = %d", r.MaxOutputTokens())
	}
	words := []string{r.User(), r.PromptCacheKey(), r.SafetyIdentifier(), r.ServiceTier(), r.ReasoningEffort(), r.ResponseFormat()}
	if want := []string{"u", "p", "s", "flex", "low", "json_schema"}; !slices.Equal(words, want) {
		t.Errorf("words = %q", words)
	}
	if v, ok := r.Metadata("team"); v != "b\n" || !ok {
		t.Errorf("Metadata(team) = %q, %v", v, ok)
	}
	if _, ok := r.Metadata("n"); ok {
		t.Error("a number counts as metadata")
	}
	if got, want := string(r.AppendLastUserText(nil, -1)), "😀 \uFFFD!"; got != want {
		t.Errorf("last user text = %q, want %q", got, want)
	}
	if got, want := string(r.AppendUserText(nil, -1)), "line\none\ntwo\n😀 \uFFFD!"; got != want {
		t.Errorf("user text = %q, want %q", got, want)
	}
	all := "Be brief.\nline\none\ntwo\n42\n?\n😀 \uFFFD!"
	if got := string(r.AppendAllText(nil, -1)); got != all {
		t.Errorf("all text = %q, want %q", got, all)
	}
	if got, want := r.TextBytes(), int64(len("Be brief.line\none")+len("two42?😀 \uFFFD!")+len(`[{"id": "1"}]`)); got != want {
		t.Errorf("TextBytes = %d, want %d", got, want)
	}
	if got, want := r.ToolBytes(), int64(len(`[{"type": "function"}, {}][{}]{"type": "json_schema", "json_schema": {}}`)); got != want {
		t.Errorf("ToolBytes = %d, want %d", got, want)
	}
}

func TestEachTextNamesTheRoles(t *testing.T) {
	r := scan(t, `{"model":"m","messages":[{"role":"system","content":"a"},{"role":"function","content":"b\t"},{"role":"x","content":"c"},{"content":"d"}]}`)
	var got []string
	r.EachText(func(role Role, raw []byte, escaped bool) bool {
		got = append(got, fmt.Sprintf("%d %s %v", role, raw, escaped))
		return len(got) < 3
	})
	if want := []string{"1 a false", `6 b\t true`, "0 c false"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestScanRefuses(t *testing.T) {
	deep := strings.Repeat("[", 600) + strings.Repeat("]", 600)
	for _, c := range []struct{ name, body, param, message string }{
		{"nothing", "", "", "the request body is empty"},
		{"space", " \n", "", "the request body is empty"},
		{"an array", "[1]", "", "the request body must be a JSON object"},
		{"no JSON", "[1", "", "invalid JSON at byte 2: unexpected end"},
		{"a form", "model=x", "", "invalid JSON at byte 0: unexpected character"},
		{"a byte order mark", "\uFEFF{}", "", "invalid JSON at byte 0: unexpected character"},
		{"a cut object", `{"model":"m"`, "", "invalid JSON at byte 12: unexpected end"},
		{"a cut string", `{"model":"m`, "", "invalid JSON at byte 11: unexpected end"},
		{"a cut escape", `{"model":"m\u00`, "", "invalid JSON at byte 15: unexpected end"},
		{"a cut escape of one", `{"model":"m\`, "", "invalid JSON at byte 12: unexpected end"},
		{"a bad escape", `{"model":"m\x"}`, "", "invalid JSON at byte 11: invalid escape in a string"},
		{"a bad unicode escape", `{"model":"m\u00g0"}`, "", "invalid JSON at byte 11: invalid escape in a string"},
		{"a line feed in a string", "{\"model\":\"m\n\"}", "", "invalid JSON at byte 11: control character in a string"},
		{"Latin-1", "{\"model\":\"m\xe9\"}", "", "invalid JSON at byte 11: invalid UTF-8"},
		{"a surrogate in UTF-8", "{\"model\":\"m\xed\xa0\x80\"}", "", "invalid JSON at byte 11: invalid UTF-8"},
		{"an overlong form", "{\"model\":\"m\xe0\x80\x80\"}", "", "invalid JSON at byte 11: invalid UTF-8"},
		{"a number with a zero", `{"n":01}`, "", "invalid JSON at byte 6: unexpected character"},
		{"a number without digits", `{"n":-}`, "", "invalid JSON at byte 5: invalid number"},
		{"a number that is cut", `{"n":-`, "", "invalid JSON at byte 6: unexpected end"},
		{"a fraction without digits", `{"n":1.}`, "", "invalid JSON at byte 5: invalid number"},
		{"an exponent without digits", `{"n":1e+}`, "", "invalid JSON at byte 5: invalid number"},
		{"a wrong word", `{"stream":trve}`, "", "invalid JSON at byte 12: unexpected character"},
		{"a trailing comma", `{"x":[1,]}`, "", "invalid JSON at byte 8: unexpected character"},
		{"a missing comma", `{"x":[1 2]}`, "", "invalid JSON at byte 8: unexpected character"},
		{"a missing colon", `{"x" 1}`, "", "invalid JSON at byte 5: unexpected character"},
		{"a missing key", `{1:1}`, "", "invalid JSON at byte 1: unexpected character"},
		{"a missing key inside", `{"x":{1:1}}`, "", "invalid JSON at byte 6: unexpected character"},
		{"a missing colon inside", `{"x":{"y"}}`, "", "invalid JSON at byte 9: unexpected character"},
		{"a missing comma inside", `{"x":{"y":1 "z":2}}`, "", "invalid JSON at byte 12: unexpected character"},
		{"depth", `{"x":` + deep + `}`, "", "invalid JSON at byte 516: nested too deeply"},
		{"depth of objects", `{"x":` + strings.Repeat(`{"a":`, 600) + "1" + strings.Repeat("}", 601), "", "invalid JSON at byte 2560: nested too deeply"},
		{"trailing data", `{"model":"m",` + oneMessage + `} {}`, "", "invalid JSON at byte 58: data after the end"},
		{"no model", `{` + oneMessage + `}`, "model", "is required and must be a string"},
		{"an empty model", `{"model":"",` + oneMessage + `}`, "model", "must not be empty"},
		{"a model of null", `{"model":null,` + oneMessage + `}`, "model", "must be a string"},
		{"two models", `{"model":"a","model":"b",` + oneMessage + `}`, "model", "is given twice"},
		{"two models, one in disguise", `{"model":"a","mode\u006c":"b",` + oneMessage + `}`, "model", "is given twice"},
		{"another model, in capitals", `{"model":"a","MODEL":"b",` + oneMessage + `}`, "model", "must be written in lower case"},
		{"other messages, with a long s", `{"model":"a",` + oneMessage + `,"me\u017fsages":[]}`, "messages", "must be written in lower case"},
		{"no messages", `{"model":"m"}`, "messages", "is required and must be an array"},
		{"messages of null", `{"model":"m","messages":null}`, "messages", "must be an array"},
		{"no message", `{"model":"m","messages":[ ]}`, "messages", "must not be empty"},
		{"a message of a string", `{"model":"m","messages":["hi"]}`, "messages[0]", "must be an object"},
		{"a role of a number", `{"model":"m","messages":[{"role":1}]}`, "messages[0].role", "must be a string"},
		{"two roles", `{"model":"m","messages":[{"role":"user","role":"x"}]}`, "messages[0].role", "is given twice"},
		{"content of a number", `{"model":"m","messages":[{},{},{"content":1}]}`, "messages[2].content", "must be a string or an array"},
		{"two contents", `{"model":"m","messages":[{"content":"a","content":"b"}]}`, "messages[0].content", "is given twice"},
		{"a part of a number", `{"model":"m","messages":[{"content":["a",1]}]}`, "messages[0].content[1]", "must be an object"},
		{"two types", `{"model":"m","messages":[{"content":[{"type":"a","type":"text"}]}]}`, "messages[0].content[0].type", "is given twice"},
		{"two texts", `{"model":"m","messages":[{"content":[{"text":"a","text":"b"}]}]}`, "messages[0].content[0].text", "is given twice"},
		{"a text of a number", `{"model":"m","messages":[{"content":[{"text":1,"type":"t\u0065xt"}]}]}`, "messages[0].content[0].text", "must be a string"},
		{"stream of a string", `{"stream":"true"}`, "stream", "must be true or false"},
		{"stream_options of true", `{"stream_options":true}`, "stream_options", "must be an object"},
		{"include_usage of 1", `{"stream_options":{"include_usage":1}}`, "stream_options.include_usage", "must be true or false"},
		{"two include_usage", `{"stream_options":{"include_usage":true,"include_usage":false}}`, "stream_options.include_usage", "is given twice"},
		{"max_tokens of a string", `{"max_tokens":"5"}`, "max_tokens", "must be an integer"},
		{"max_completion_tokens of an array", `{"max_completion_tokens":[]}`, "max_completion_tokens", "must be an integer"},
		{"n of a string", `{"n":"5"}`, "n", "must be an integer"},
		{"tools of an object", `{"tools":{}}`, "tools", "must be an array"},
		{"functions of an object", `{"functions":{}}`, "functions", "must be an array"},
		{"response_format of a string", `{"response_format":"json"}`, "response_format", "must be an object"},
		{"two response formats", `{"response_format":{"type":"text","type":"json_schema"}}`, "response_format.type", "is given twice"},
		{"metadata of an array", `{"metadata":[]}`, "metadata", "must be an object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r Request
			err := Scan([]byte(c.body), &r)
			var bad *RequestError
			if !errors.As(err, &bad) {
				t.Fatalf("Scan = %v", err)
			}
			if bad.Param != c.param || bad.Message != c.message {
				t.Errorf("got %q: %q, want %q: %q", bad.Param, bad.Message, c.param, c.message)
			}
			if c.param != "" && bad.Error() != c.param+": "+c.message {
				t.Errorf("Error = %q", bad.Error())
			}
			if bad.Offset < 0 || bad.Offset > len(c.body) {
				t.Errorf("Offset = %d of %d", bad.Offset, len(c.body))
			}
		})
	}
}

// An error tells where, but says nothing of what: it may go to a log.
func TestRequestErrorsQuoteNothing(t *testing.T) {
	secret := "SECRET"
	for _, body := range []string{
		`{"model":"m","messages":[{"role":"user","content":"SECRET` + "\n",
		`{"model":"m","messages":[{"role":"user","content":{"SECRET":1}}]}`,
		`{"model":"m","messages":[{"role":"user","content":"x"}],"metadata":SECRET}`,
		`{"SECRET":1`, `SECRET`,
	} {
		if err := Scan([]byte(body), &Request{}); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("Scan(%q) = %v", body, err)
		}
	}
}

func TestScanTakesWhatProvidersTake(t *testing.T) {
	for name, body := range map[string]string{
		"null for all that is optional": `{"model":"m","stream":null,"stream_options":null,"max_tokens":null,"max_completion_tokens":null,"n":null,"tools":null,` +
			`"functions":null,"response_format":null,"reasoning_effort":null,"metadata":null,"user":null,"modalities":null,"audio":null,` + oneMessage + `}`,
		"other types where nothing rests on them": `{"model":"m","user":1,"service_tier":{},"prompt_cache_key":[],"reasoning_effort":2,"modalities":"text","audio":1,` + oneMessage + `}`,
		"any role, and none":                      `{"model":"m","messages":[{"role":"oracle","content":null},{}]}`,
		"members that are written otherwise":      `{"model":"m","Größe":1,"maxTokens":5,"X":2,` + oneMessage + `}`,
		"a part of an unknown type":               `{"model":"m","messages":[{"content":[{"type":"hologram","text":{"a":1}},{"type":1},{}]}]}`,
		"a long key with escapes":                 `{"model":"m","` + strings.Repeat(`\n`, 200) + `":1,` + oneMessage + `}`,
		"a half surrogate at the end of a key":    `{"model":"m","\ud800":1,"\ud800\u0041":1,` + oneMessage + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			r := scan(t, body)
			if r.Stream || r.HasTools() || r.MaxOutputTokens() != 0 || r.Choices() != 1 || r.User() != "" || r.Needs() != NeedChat {
				t.Errorf("found something in %s", body)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	for value, want := range map[string]int64{
		"100": 100, "0": 0, "-1": 0, "1e3": 1000, "12.9": 12, "null": 0, "1e400": 1<<63 - 1, "99999999999999999999": 1<<63 - 1,
		"-1e30": 0, "123456789012345678": 123456789012345678,
	} {
		r := scan(t, `{"model":"m","max_tokens":`+value+`,`+oneMessage+`}`)
		if got := r.MaxOutputTokens(); got != want {
			t.Errorf("MaxOutputTokens of %s = %d, want %d", value, got, want)
		}
	}
}

func TestTextUnderALimit(t *testing.T) {
	const body = `{"model":"m","messages":[{"role":"user","content":"a\u00e9漢\n\"b"},{"role":"user","content":[{"type":"text","text":"漢字"},{"type":"text","text":"x\ty"}]}]}`
	r := scan(t, body)
	for _, c := range []struct {
		name  string
		whole string
		take  func(dst []byte, limit int) []byte
	}{
		{"last", "漢字\nx\ty", r.AppendLastUserText},
		{"user", "aé漢\n\"b\n漢字\nx\ty", r.AppendUserText},
		{"all", "aé漢\n\"b\n漢字\nx\ty", r.AppendAllText},
	} {
		for limit := range len(c.whole) + 3 {
			want := c.whole[:min(limit, len(c.whole))]
			for !utf8.ValidString(want) {
				want = want[:len(want)-1]
			}
			if got := string(c.take([]byte("+"), limit)); got != "+"+want {
				t.Errorf("%s under %d = %q, want %q", c.name, limit, got, "+"+want)
			}
		}
		if got := string(c.take(nil, -1)); got != c.whole {
			t.Errorf("%s = %q", c.name, got)
		}
	}
	if got := scan(t, `{"model":"m","messages":[{"role":"system","content":"a"}]}`).AppendLastUserText(nil, -1); len(got) != 0 {
		t.Errorf("user text without a user = %q", got)
	}
}

func TestConversation(t *testing.T) {
	for metadata, want := range map[string]string{
		`{}`:                                 "",
		`{"session_id":"s"}`:                 "s",
		`{"session_id":"s","thread_id":"t"}`: "t",
		`{"thread_id":"t","conversation_id":"c\u00e9"}`: "cé",
		`{"thread_id":"t","conversation_id":""}`:        "t",
	} {
		r := scan(t, `{"model":"m","prompt_cache_key":"k","metadata":`+metadata+`,`+oneMessage+`}`)
		if got := r.Conversation(); got != want {
			t.Errorf("Conversation of %s = %q, want %q", metadata, got, want)
		}
	}
}

func TestEachMetadata(t *testing.T) {
	r := scan(t, `{"model":"m","metadata":{"a":"1","b\n":"\u0032","c":3,"d":"4"},`+oneMessage+`}`)
	got := map[string]string{}
	r.EachMetadata(func(k, v string) bool {
		got[k] = v
		return len(got) < 2
	})
	if want := map[string]string{"a": "1", "b\n": "2"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestARequestIsReusable(t *testing.T) {
	var r Request
	bodies := [][]byte{mixedRequest(2), textRequest("hello"), []byte(`{"model":"`), textRequest(prose(500))}
	for range 2 {
		for _, body := range bodies {
			fresh := &Request{}
			freshErr, err := Scan(body, fresh), Scan(body, &r)
			if (freshErr == nil) != (err == nil) {
				t.Fatalf("%v, fresh %v", err, freshErr)
			}
			if err != nil {
				continue
			}
			got, want := summary(&r), summary(fresh)
			if got != want {
				t.Errorf("reused:\n%s\nfresh:\n%s", got, want)
			}
		}
	}
	r.Reset()
	if r.Body != nil || r.Choices() != 1 || r.Messages() != 0 {
		t.Error("Reset left something")
	}
}

func TestResetGivesBackMuchMemory(t *testing.T) {
	body := fmt.Appendf(nil, `{"model":%s,"metadata":{%s"x":"y"},"messages":[%s{}]}`, quoted(prose(300)),
		strings.Repeat(`"a":"b",`, 100), strings.Repeat(`{"role":"user","content":"x"},`, 3000))
	var r Request
	if err := Scan(body, &r); err != nil {
		t.Fatal(err)
	}
	_ = r.Model()
	r.Reset()
	if cap(r.messages) > 0 || cap(r.texts) > 0 || cap(r.metadata) > 0 || r.name != "" {
		t.Errorf("kept %d %d %d %d", cap(r.messages), cap(r.texts), cap(r.metadata), len(r.name))
	}
}

func summary(r *Request) string {
	var texts bytes.Buffer
	r.EachText(func(role Role, raw []byte, escaped bool) bool {
		fmt.Fprintf(&texts, "%d %v %s\n", role, escaped, raw)
		return true
	})
	return fmt.Sprint(r.Model(), r.Stream, r.IncludeUsage, r.Messages(), r.Turns(), r.Tools(), r.Images(), r.Needs(), r.MaxOutputTokens(),
		r.TextBytes(), r.ToolBytes(), r.User(), r.metadata, texts.String())
}

func TestScanDoesNotAllocate(t *testing.T) {
	for _, c := range requestCorpus() {
		var r Request
		var text []byte
		body := bytes.Replace(c.body, []byte(`"model"`), []byte(`"m\u006fdel"`), 1)
		n := testing.AllocsPerRun(20, func() {
			if err := Scan(body, &r); err != nil {
				t.Fatal(err)
			}
			_ = r.Model()
			text = r.AppendLastUserText(text[:0], -1)
			text = r.AppendUserText(text[:0], -1)
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

func scanSeeds() []string {
	seeds := []string{
		string(mixedRequest(1)), string(textRequest("hé\n")), string(indented(mixedRequest(1))),
		`{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},"b",{"type":"file"},{"type":"input_audio"}]}],"max_tokens":1e2}`,
		`{"mode\u006c":"\ud83d\ude00\ud800","messages":[{"content":"\u0000"}],"modalities":["audio"],"audio":{},"metadata":{"a":"b","a":"c"}}`,
		`{"model":"m","messages":[{}],"stream_options":{},"stream":true,"functions":[1],"response_format":{"type":"json_schema"},"reasoning_effort":"none"}`,
		`{"model":"m","messages":[{}],"max_tokens":null,"max_completion_tokens":-5}`, `{`, ``, `[]`, "\xff", `{"a":"\u12`,
	}
	return seeds
}

func FuzzScan(f *testing.F) {
	for _, s := range scanSeeds() {
		f.Add([]byte(s))
	}
	var r Request
	f.Fuzz(func(t *testing.T, body []byte) {
		err := Scan(body, &r)
		tree, valid := parse(body)
		if want := valid && !refuses(&tree); want != (err == nil) {
			t.Fatalf("Scan = %v, but valid = %v, acceptable = %v", err, valid, want)
		}
		if err != nil {
			_ = err.Error()
			return
		}
		compare(t, &r, expect(&tree))
	})
}

func compare(t *testing.T, r *Request, want expected) {
	t.Helper()
	if r.Model() != want.model || r.Stream != want.stream || r.IncludeUsage != want.includeUsage {
		t.Errorf("got %q %v %v, want %+v", r.Model(), r.Stream, r.IncludeUsage, want)
	}
	if r.Turns() != want.turns || r.Tools() != want.tools || r.Images() != want.images || r.Needs() != NeedChat|want.needs {
		t.Errorf("got %d %d %d %b, want %+v", r.Turns(), r.Tools(), r.Images(), r.Needs(), want)
	}
	n := 0
	bytesOfText := 0
	r.EachText(func(role Role, raw []byte, escaped bool) bool {
		if n < len(want.texts) {
			if got := string(Unescape(nil, raw)); got != want.texts[n] || escaped != bytes.ContainsRune(raw, '\\') {
				t.Errorf("text %d = %q, want %q", n, got, want.texts[n])
			}
			if (role == RoleUser) != (want.roles[n] == "user") || (role == RoleSystem) != (want.roles[n] == "system") {
				t.Errorf("role %d = %v, want %q", n, role, want.roles[n])
			}
			bytesOfText += len(want.texts[n])
		}
		n++
		return true
	})
	if n != len(want.texts) {
		t.Errorf("%d texts, want %d", n, len(want.texts))
	}
	if r.TextBytes() < int64(bytesOfText) {
		t.Errorf("TextBytes = %d, want at least %d", r.TextBytes(), bytesOfText)
	}
	for k, v := range want.metadata {
		if got, ok := r.Metadata(k); got != v || !ok {
			t.Errorf("Metadata(%q) = %q %v, want %q", k, got, ok, v)
		}
	}
	compareTexts(t, "last", r.AppendLastUserText, want.last)
	compareTexts(t, "user", r.AppendUserText, want.user)
	compareTexts(t, "all", r.AppendAllText, want.texts)
	if got, want := r.UserText(), r.AppendUserText(nil, -1); !bytes.Equal(got, want) {
		t.Errorf("UserText = %q, want %q", got, want)
	}
}

func compareTexts(t *testing.T, name string, take func([]byte, int) []byte, pieces []string) {
	t.Helper()
	var want []byte
	for _, p := range pieces {
		if len(want) > 0 {
			want = append(want, '\n')
		}
		want = append(want, p...)
	}
	if got := take(nil, -1); !bytes.Equal(got, want) {
		t.Errorf("%s text = %q, want %q", name, got, want)
	}
	limit := len(want) / 2
	got := take(nil, limit)
	if len(got) > limit || !bytes.HasPrefix(want, got) || !utf8.Valid(got) || limit-len(got) >= utf8.UTFMax {
		t.Errorf("%s text under %d = %q of %q", name, limit, got, want)
	}
}

func FuzzUnescape(f *testing.F) {
	for _, s := range []string{`a\n\u00e9`, `\ud83d\ude00`, `\ud800`, `\ud800\ud800\udc00`, `\udc00\"`, `\/\b\f\r\t\\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var want string
		if json.Unmarshal([]byte(`"`+raw+`"`), &want) != nil || !utf8.ValidString(raw) {
			_ = Unescape(nil, []byte(raw)) // must not panic
			return
		}
		if got := string(Unescape([]byte("x"), []byte(raw))); got != "x"+want {
			t.Errorf("Unescape(%q) = %q, want %q", raw, got, want)
		}
		end, saved := skipString([]byte(raw+`"`), 0)
		if end != len(raw)+1 || len(raw)-saved != len(want) {
			t.Errorf("skipString(%q) = %d, %d", raw, end, saved)
		}
	})
}
