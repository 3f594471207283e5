package openaiwire

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
)

// tree is the value as encoding/json reads it.
func tree(v Value) any {
	switch v.Kind() {
	case '{':
		m := map[string]any{}
		for name, member := range v.Members() {
			m[string(name)] = tree(member)
		}
		return m
	case '[':
		list := []any{}
		for i, e := range v.Elements() {
			if i != len(list) {
				panic("elements are not counted")
			}
			list = append(list, tree(e))
		}
		return list
	case '"':
		return v.Text()
	case 't', 'f':
		b, _ := v.Bool()
		return b
	case 'n':
		return nil
	}
	f, _ := v.Float()
	return f
}

func FuzzValue(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,2.5e3,{"b":"c\"}"}],"d\u0065":null,"e":true}`, ` [ ] `, `{}`, `"\\"`, `[[],{},"",-0]`, `{"a":1,"a":2}`, `"\ud83d\ude00\ud800"`, "\"\xff\"", `{"x" : {"y" :[ "z" ] } , "w":0}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, ok := Parse(body)
		var want any
		if err := json.Unmarshal(body, &want); (err == nil) != ok {
			if ok && strings.Contains(err.Error(), "range") { // a number beyond float64
				return
			}
			t.Fatalf("valid %v, %v", ok, err)
		}
		if ok && !reflect.DeepEqual(tree(v), want) {
			t.Fatalf("%s: got %#v, want %#v", body, tree(v), want)
		}
		for _, wrong := range []Value{nil, v} { // what is of another type is not there
			_ = wrong.Get("a").Get("b").Text() + string(wrong.Raw())
			_, _ = wrong.Int()
		}
	})
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "a\"\\\n\r\t\x01é\u2028😀", "\xff\xc3", "tail\xe2\x82"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var back string
		if err := json.Unmarshal(AppendString(nil, s), &back); err != nil || back != strings.ToValidUTF8(strings.ReplaceAll(s, "\xff", "\uFFFD"), "\uFFFD") && !strings.ContainsRune(back, '\uFFFD') {
			t.Fatalf("%q became %q, %v", s, back, err)
		}
	})
}

func TestNumbersAreReadAsTheyAre(t *testing.T) {
	for text, want := range map[string]int64{"7": 7, "-3": -3, "1e3": 1000, "2.0": 2, "9007199254740993": 9007199254740993} {
		if n, ok := Value(text).Int(); !ok || n != want {
			t.Errorf("%s: %d %v", text, n, ok)
		}
	}
	for _, text := range []string{"", "1.5", "1e400", `"1"`, "null", "1e30"} {
		if n, ok := Value(text).Int(); ok {
			t.Errorf("%s is read as %d", text, n)
		}
	}
}

func TestObjectsLeaveOutWhatIsNotGiven(t *testing.T) {
	n, f, yes, nan := int64(3), 0.25, true, math.NaN()
	o := NewObject([]byte("x"))
	o.Text("no", "")
	o.Count("no", 0)
	o.Int("int", 1)
	o.OptionalInt("optional", &n)
	o.OptionalInt("no", nil)
	o.Float("float", &f)
	o.Float("nan", &nan)
	o.Float("no", nil)
	o.OptionalBool("bool", &yes)
	o.OptionalBool("no", nil)
	o.Raw("raw", json.RawMessage("{ \"a\" :\n1}"))
	o.Raw("bad", json.RawMessage("{"))
	o.Raw("no", nil)
	o.Literal("literal", "[]")
	o.Strings("list", []string{"a", "b"})
	o.Strings("no", nil)
	o.Labels("labels", map[string]string{"b": "2", "a": "1"})
	o.Labels("no", nil)
	want := `x{"int":1,"optional":3,"float":0.25,"nan":null,"bool":true,"raw":{"a":1},"bad":null,"literal":[],"list":["a","b"],"labels":{"a":"1","b":"2"}}`
	if got := string(o.End()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTheFirstFaultCounts(t *testing.T) {
	root := &Path{}
	at := root.Member("messages").Element(2).Member("content").Element(0)
	r := &Reader{}
	if r.Failed() || r.Err() != nil {
		t.Error("fails from the start")
	}
	r.Fail(at, "first")
	r.Fail(root, "second")
	if err := r.Err(); err == nil || err.Error() != "messages[2].content[0]: first" || !r.Failed() {
		t.Errorf("%v", err)
	}
	for name, read := range map[string]func(*Reader, Value){
		"text": func(r *Reader, v Value) { r.Text(root, v) }, "required": func(r *Reader, v Value) { r.Required(root, v) },
		"int": func(r *Reader, v Value) { r.Int(root, v) }, "count": func(r *Reader, v Value) { r.Count(root, v) },
		"float": func(r *Reader, v Value) { r.Float(root, v) }, "flag": func(r *Reader, v Value) { r.Flag(root, v) },
		"labels": func(r *Reader, v Value) { r.Labels(root, v) }, "effort": func(r *Reader, v Value) { r.Effort(root, v) },
		"array": func(r *Reader, v Value) { r.Array(root, v) }, "schema": func(r *Reader, v Value) { r.Schema(root, v) },
	} {
		wrong := Value(`["x"]`)
		if name == "array" {
			wrong = Value(`{}`)
		}
		r := &Reader{}
		if read(r, wrong); r.Err() == nil {
			t.Errorf("%s takes what is of another type", name)
		}
		r = &Reader{}
		if read(r, Value("null")); (r.Err() != nil) != (name == "required") {
			t.Errorf("%s: null is %v", name, r.Err())
		}
	}
	r = &Reader{}
	if r.Effort(root, Value(`"default"`)) != "" || r.Effort(root, Value(`"xhigh"`)) != "xhigh" || r.Failed() {
		t.Error("efforts")
	}
}

func TestBase64IsMadeStandard(t *testing.T) {
	for data, want := range map[string]string{
		"aGVsbG8=": "aGVsbG8=", "aGVsbG8": "aGVsbG8=", "-_-_": "+/+/", "aGVs\nbG8=": "aGVsbG8=", "aGk": "aGk=", "YQ": "YQ==",
		"a": "", "a$b=": "", "====": "", "": "", "a=b=": "",
	} {
		r := &Reader{}
		if got := r.Base64(&Path{}, data); r.Failed() != (want == "") || want != "" && got != want {
			t.Errorf("%q: %q, %v", data, got, r.Err())
		}
	}
}

func TestFilesAreReadAsTheyAreGiven(t *testing.T) {
	for name, tc := range map[string]struct {
		data, id, url, name string
		want                chat.Media
	}{
		"a data URL":      {"data:text/csv;charset=utf-8;base64,aGk=", "", "", "a.csv", chat.Media{MIMEType: "text/csv", Data: "aGk=", Name: "a.csv"}},
		"data and a name": {"aGk=", "", "", "a.MD", chat.Media{MIMEType: "text/markdown", Data: "aGk=", Name: "a.MD"}},
		"data alone":      {"aGk=", "", "", "", chat.Media{MIMEType: "application/pdf", Data: "aGk="}},
		"a URL":           {"", "", "https://e.com/a", "", chat.Media{URL: "https://e.com/a"}},
		"an id":           {"", "file-1", "", "", chat.Media{FileID: "file-1"}},
	} {
		r := &Reader{}
		if got := r.ReadFile(&Path{}, tc.data, tc.id, tc.url, tc.name); r.Failed() || *got != tc.want {
			t.Errorf("%s: %+v %v", name, got, r.Err())
		}
	}
	if text, ok := PlainText(&chat.Media{MIMEType: "application/json", Data: "e30="}); !ok || text != "{}" {
		t.Errorf("JSON: %q %v", text, ok)
	}
	for _, m := range []chat.Media{{MIMEType: "text/plain", URL: "https://e.com"}, {MIMEType: "application/pdf", Data: "aGk="}, {MIMEType: "text/plain", Data: "!"}} {
		if text, ok := PlainText(&m); ok {
			t.Errorf("%+v is text: %q", m, text)
		}
	}
	if url := DataURL(&chat.Media{Data: "aGk="}, "image/png"); url != "data:image/png;base64,aGk=" {
		t.Error(url)
	}
}

func TestUsageIsReadInTheMeaningOfPricing(t *testing.T) {
	for body, want := range map[string]pricing.Usage{
		`{"prompt_tokens":10,"completion_tokens":4,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":3,"cache_write_tokens":2},"completion_tokens_details":{"reasoning_tokens":1}}`: {InputTokens: 10, CachedInputTokens: 3, CacheWriteTokens: 2, OutputTokens: 4, ReasoningTokens: 1},
		`{"input_tokens":10,"output_tokens":4,"input_tokens_details":{"cached_tokens":3},"output_tokens_details":{"reasoning_tokens":1}}`:                                                    {InputTokens: 10, CachedInputTokens: 3, OutputTokens: 4, ReasoningTokens: 1},
		`{"prompt_tokens":10,"completion_tokens":4,"total_tokens":20,"completion_tokens_details":{"reasoning_tokens":6}}`:                                                                    {InputTokens: 10, OutputTokens: 10, ReasoningTokens: 6},
		`{"prompt_tokens":10,"completion_tokens":4,"total_tokens":20}`:                                                                                                                       {InputTokens: 10, OutputTokens: 10, ReasoningTokens: 6},
		`{"prompt_tokens":10,"completion_tokens":4,"reasoning_tokens":6}`:                                                                                                                    {InputTokens: 10, OutputTokens: 10, ReasoningTokens: 6},
		`{"completion_tokens":4,"prompt_cache_hit_tokens":8,"prompt_cache_miss_tokens":2}`:                                                                                                   {InputTokens: 10, CachedInputTokens: 8, OutputTokens: 4},
		`{"prompt_tokens":-5,"completion_tokens":1e300,"prompt_tokens_details":null,"other":true}`:                                                                                           {OutputTokens: maxTokens},
	} {
		v, _ := Parse([]byte(body))
		if got, ok := ReadUsage(v); !ok || got != want {
			t.Errorf("%s: %+v %v", body, got, ok)
		}
	}
	for _, body := range []string{`null`, `{}`, `{"prompt_tokens":null}`, `3`} {
		v, _ := Parse([]byte(body))
		if got, ok := ReadUsage(v); ok {
			t.Errorf("%s: %+v", body, got)
		}
	}
}

func TestCitationsOfEveryWireAreRead(t *testing.T) {
	want := []Citation{{"https://e.com", "E", 1, 4}}
	for _, raw := range []string{
		`[{"type":"url_citation","url_citation":{"url":"https://e.com","title":"E","start_index":1,"end_index":4}}]`,
		`[{"type":"url_citation","url":"https://e.com","title":"E","start_index":1,"end_index":4},{"type":"file_citation","file_id":"f"}]`,
		`[{"type":"char_location","document_title":"x"},{"uri":"https://e.com","title":"E","startIndex":1,"endIndex":4}]`,
	} {
		if got := ReadCitations(json.RawMessage(raw)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v", raw, got)
		}
	}
	if got := ReadCitations(json.RawMessage(`[{"web":{"uri":"u","title":"t"}},{"url":"a","cited_text":"x"}]`)); len(got) != 2 || got[0].URL != "u" || got[1].URL != "a" {
		t.Errorf("%+v", got)
	}
	if got := ReadCitations(nil); got != nil {
		t.Errorf("%+v", got)
	}
}

func TestEffortsStandForBudgets(t *testing.T) {
	for want, r := range map[string]chat.Reasoning{
		"":       {BudgetTokens: -1},
		"none":   {Disabled: true},
		"low":    {BudgetTokens: 1024},
		"medium": {BudgetTokens: 8000},
		"high":   {BudgetTokens: 32000},
		"xhigh":  {Effort: "xhigh", BudgetTokens: 5},
	} {
		if got := EffortOf(r); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
	if FailedResult("ERROR: x") != "ERROR: x" || FailedResult("x") != "Error: x" || CallID("a", 2) != "call_a_2" {
		t.Error("marks")
	}
}

func TestTheBooksOfWhatIsLost(t *testing.T) {
	l := NewLoss("W", &chat.Request{Wire: chat.WireGemini})
	l.Drop(true, "seed")
	l.Drop(false, "n")
	l.Drop(true, "seed")
	l.Native(chat.Native{Field: "hint", Harmless: true})
	if e, err := l.Result([]byte("x")); err != nil || !reflect.DeepEqual(e.Dropped, []string{"generationConfig.seed", "hint"}) {
		t.Errorf("%v %v", e, err)
	}
	l.Refuse(false, "n", "never")
	l.Refuse(true, "stop", "has none")
	l.Invalid("later", "x")
	l.Native(chat.Native{Field: "later"})
	_, err := l.Result(nil)
	var refusal *chat.Unsupported
	if !errors.As(err, &refusal) || refusal.Field != "generationConfig.stopSequences" || refusal.Wire != "W" {
		t.Errorf("%v", err)
	}
}

func TestErrorsAreClassedByTheirWords(t *testing.T) {
	for body, want := range map[string]chat.ErrorClass{
		`{"error":{"message":"x","code":"rate_limit_exceeded"}}`:       chat.ErrorRateLimited,
		`{"error":{"message":"x","code":"insufficient_quota"}}`:        chat.ErrorRateLimited,
		`{"error":{"message":"x","type":"authentication_error"}}`:      chat.ErrorAuthentication,
		`{"error":{"message":"x","type":"overloaded_error"}}`:          chat.ErrorOverloaded,
		`{"error":{"message":"x","type":"not_found_error"}}`:           chat.ErrorNotFound,
		`{"error":{"message":"x","code":"context_length_exceeded"}}`:   chat.ErrorInvalidRequest,
		`{"error":{"message":"x","type":"invalid_request_error"}}`:     chat.ErrorInvalidRequest,
		`{"error":{"message":"x","type":"timeout_error","code":null}}`: chat.ErrorTimeout,
		``: chat.ErrorInternal,
	} {
		if got := DecodeError(0, []byte(body)); got.Class != want || got.Message == "" {
			t.Errorf("%s: %+v", body, got)
		}
	}
}

func TestErrorsAreWrittenInTheWordsOfTheirClass(t *testing.T) {
	long := strings.Repeat("é", 800)
	for want, e := range map[string]*chat.Error{
		`{"error":{"message":"m","type":"requests","param":null,"code":"rate_limit_exceeded"}}`: {Class: chat.ErrorRateLimited, Message: "m"},
		`{"error":{"message":"m","type":"server_error","param":null,"code":"own"}}`:             {Class: chat.ErrorOverloaded, Message: "m", Code: "own"},
		`{"error":{"message":"m","type":"own","param":"p","code":null}}`:                        {Class: chat.ErrorInternal, Message: "m", Type: "own", Param: "p"},
	} {
		if got := string(EncodeError(e)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := DecodeError(200, []byte(`{"error":"`+long+`"}`)).Message; len(got) > 1000 || !strings.HasSuffix(got, "é…") {
		t.Errorf("%d bytes, %q", len(got), got[len(got)-9:])
	}
}

func TestResultsAreTextAndWhatIsNone(t *testing.T) {
	image := chat.Part{Kind: chat.KindImage, Media: &chat.Media{URL: "https://e.com/a.png"}}
	pdf := chat.Part{Kind: chat.KindDocument, Media: &chat.Media{MIMEType: "application/pdf", Data: "aGk="}}
	note := chat.Part{Kind: chat.KindDocument, Media: &chat.Media{MIMEType: "text/plain", Data: "aGk=", Name: "n"}}
	text, other := ResultText(&chat.ToolResult{IsError: true, Parts: []chat.Part{{Kind: chat.KindText, Text: "a"}, image, note, pdf}})
	if text != "Error: a\nn:\nhi" || !reflect.DeepEqual(other, []chat.Part{image, pdf}) {
		t.Errorf("%q %+v", text, other)
	}
	tools := []chat.Tool{{Name: "a"}, {Name: "b"}, {Name: "c"}}
	if got := Names(tools, []string{"c", "a"}); len(got) != 2 || got[0].Name != "a" || got[1].Name != "c" {
		t.Errorf("%+v", got)
	}
	o := NewObject(nil)
	Citation{"u", "t", 1, 2}.Append(o)
	if got := string(o.End()); got != `{"url":"u","title":"t","start_index":1,"end_index":2}` {
		t.Error(got)
	}
}

func TestWordsAndLabelsAreCompared(t *testing.T) {
	v, _ := Parse([]byte(`{"a":{"x":"1"},"b":{"x":2},"w":"word"}`))
	r := &Reader{}
	if !v.Get("w").Is("word") || v.Get("w").Is("worn") || v.Get("a").Is("word") || r.Labels(&Path{}, v.Get("a"))["x"] != "1" || r.Failed() {
		t.Error("labels")
	}
	if r.Labels((&Path{}).Member("b"), v.Get("b")); r.Err() == nil || r.Err().Error() != "b.x: expected a string" {
		t.Errorf("%v", r.Err())
	}
}
