package audit

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tiershift/tiershift/internal/pricing"
)

var september = time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC)

func rates(t testing.TB, input, output string) pricing.Rates {
	t.Helper()
	r, err := pricing.NewRates(pricing.RateStrings{Input: input, Output: output})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// byWords decides like a policy of two tiers: what has "prove" in it is complex.
func byWords(t testing.TB) func() Decide {
	low, high := rates(t, "1", "1"), rates(t, "10", "10")
	return func() Decide {
		return func(_ uint64, body []byte) (*Decision, error) {
			var request struct {
				Model    string
				Messages []struct{ Content json.RawMessage }
			}
			if err := json.Unmarshal(body, &request); err != nil || request.Model == "" || len(request.Messages) == 0 {
				return nil, errors.New("400: no chat request")
			}
			d := &Decision{Route: request.Model, Tier: "low", Model: "small", Class: "SIMPLE", InputTokens: 7, OutputTokens: 11, Rates: low, Baseline: high}
			if bytes.Contains(bytes.ToLower(body), []byte("prove")) {
				d.Tier, d.Model, d.Class, d.Rates = "high", "large", "COMPLEX", high
			}
			return d, nil
		}
	}
}

func options(t testing.TB) *Options {
	return &Options{
		KeepModel: func(name string) bool { return name == "extraction" }, Prices: NewPrices(september, nil), NewDecide: byWords(t),
		Workers: 3, MaxLine: 1 << 20, MaxMalformed: 10,
	}
}

func run(t testing.TB, o *Options, log string) *Report {
	t.Helper()
	r, err := Run(t.Context(), strings.NewReader(log), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sample(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestFormats(t *testing.T) {
	type model struct {
		requests, in, out int64
		logged            string
	}
	tests := []struct {
		format Format
		models map[string]model
		aside  map[Aside]int64
	}{
		{OpenAI, map[string]model{
			"gpt-4o":            {1, 7, 11, "0.0001275"},   // estimated: 7 in, 11 out
			"gpt-4o-2024-08-06": {1, 40, 700, "0.0071"},    // the model that answered
			"claude-sonnet-4-6": {1, 1020, 4, "0.00042"},   // the cache is added to the input
			"gemini-2.5-flash":  {1, 12, 290, "0.0007286"}, // thoughts are output
			"gpt-5-mini":        {1, 9, 300, "0.00060225"}, // a Responses body
			"our-llama":         {1, 9, 10, "0"},           // no price
		}, map[Aside]int64{AsideNotChat: 1, AsideFailed: 1}},
		{OpenAIBatch, map[string]model{
			"gpt-4o-mini":            {1, 7, 11, "0.000003825"}, // estimated, at half the price
			"gpt-4o-mini-2024-07-18": {1, 1e6, 1e6, "0.375"},    // half of 0.15 + 0.60
		}, map[Aside]int64{AsideNotChat: 1, AsideNoPrompt: 1}},
		{LiteLLM, map[string]model{
			"gpt-4o":            {1, 10, 200, "0.00123"},
			"azure/gpt-4o":      {1, 20, 10, "0.00015"}, // a spend of 0 is no price: 20 × 2.5 + 10 × 10
			"claude-sonnet-4-6": {1, 50, 100, "0.002"},
		}, map[Aside]int64{AsideNoPrompt: 1, AsideFailed: 1, AsideCached: 1, AsideNotChat: 1}},
		{Helicone, map[string]model{
			"gpt-4o-2024-08-06": {1, 18, 5, "0.000095"},
			"claude-sonnet-4-6": {1, 2015, 400, "0.006645"}, // 15 × 3 + 2000 × 0.3 + 400 × 15
		}, map[Aside]int64{AsideFailed: 1, AsideNotChat: 1}},
	}
	for _, test := range tests {
		t.Run(string(test.format), func(t *testing.T) {
			o := options(t)
			o.Fields, _ = NewMap(test.format, nil)
			report := run(t, o, sample(t, string(test.format)))
			got := map[string]model{}
			for _, m := range report.Models {
				got[m.Name] = model{m.Requests, m.InputTokens, m.OutputTokens, m.LoggedUSD}
			}
			if !reflect.DeepEqual(got, test.models) {
				t.Errorf("models %+v\n  want %+v", got, test.models)
			}
			if !maps.Equal(report.SetAside, test.aside) || report.Malformed > 0 {
				t.Errorf("set aside %v and %d malformed %v, want %v", report.SetAside, report.Malformed, report.Problems, test.aside)
			}
			o.Fields = Map{}
			if auto := run(t, o, sample(t, string(test.format))); !reflect.DeepEqual(auto, report) {
				t.Errorf("auto reads it as %+v", auto)
			}
		})
	}
}

func TestAMapReadsAnyOtherLog(t *testing.T) {
	o := options(t)
	var err error
	o.Fields, err = NewMap(Auto, map[string]string{"prompt": "q", "model": "llm.name", "input_tokens": "tok.in", "output_tokens": "tok.out", "cost": "usd"})
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, o, sample(t, "mapped"))
	if len(r.Models) != 1 || r.Models[0].Name != "gpt-4o" || r.Models[0].InputTokens != 12 || r.Cost.LoggedUSD != "0.000105" || r.Cost.Sources[FromLog] != 1 {
		t.Errorf("%+v", r)
	}
	if r.Cost.PolicyUSD != "0.000042" || r.Cost.BaselineUSD != "0.00042" || r.Cost.SavedPercent != "60.0" {
		t.Errorf("costs %+v", r.Cost)
	}
}

func TestMapsThatAreRefused(t *testing.T) {
	for _, test := range []struct {
		format Format
		pairs  map[string]string
		want   string
	}{
		{"csv", nil, "format must be one of"},
		{Auto, map[string]string{"price": "x"}, `map: there is no field "price"; there are: prompt, response`},
		{Auto, map[string]string{"cost": ""}, "map: cost: the path is empty"},
	} {
		if _, err := NewMap(test.format, test.pairs); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

// The bodies that are asked of the policy, by the route that byWords makes of the
// model.
func TestWhatIsAskedOfThePolicy(t *testing.T) {
	chat := `"messages":[{"role":"user","content":"prove it"}]`
	for name, test := range map[string]struct{ line, route, class string }{
		"a model is asked as auto":         {`{"model":"gpt-4o",` + chat + `}`, "auto", "COMPLEX"},
		"a name that routes match is kept": {`{"model":"extraction",` + chat + `}`, "extraction", "COMPLEX"},
		"messages":                         {`{"request":[{"role":"user","content":"prove it"}]}`, "auto", "COMPLEX"},
		"a text":                           {`{"request":"prove it"}`, "auto", "COMPLEX"},
		"a body in a string":               {`{"request":"{\"messages\":[{\"role\":\"user\",\"content\":\"prove\"}]}"}`, "auto", "COMPLEX"},
		"a text that only looks like JSON": {`{"request":"{prove}"}`, "auto", "COMPLEX"},
		"a legacy prompt":                  {`{"model":"gpt-3.5-turbo-instruct","prompt":["hello","prove it"]}`, "auto", "COMPLEX"},
		"Anthropic's tools": {`{"request":{"model":"claude-sonnet-4-6","max_tokens":9,"tools":[{"name":"f","input_schema":{"type":"object"}}],` +
			`"messages":[{"role":"user","content":"prove it"},{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{}}]},` +
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"ok"}]}]}}`, "auto", "COMPLEX"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, options(t), test.line)
			if r.Requests != 1 || r.Routes[0].Name != test.route || r.Classes[0].Name != test.class {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestLinesThatCannotBeRead(t *testing.T) {
	for name, test := range map[string]struct{ line, want string }{
		"cut":                   {`{"model":"gpt-4o","messages":[`, "is no whole JSON object: at byte 30"},
		"no object":             {`17`, "is not a JSON object"},
		"null":                  {`null`, "is null, not a JSON object"},
		"a cost in words":       {`{"request":"a","cost":"cheap"}`, "cost: must be a number from 0 on"},
		"a negative cost":       {`{"request":"a","cost":-1}`, "cost: must be a number from 0 on"},
		"an absurd cost":        {`{"request":"a","cost":1e9}`, "cost: is more than a million USD for one request"},
		"tokens beyond reason":  {`{"request_body":"a","prompt_tokens":1e30}`, "input_tokens: is more than any request has"},
		"a number for a prompt": {`{"request":17}`, "prompt: must be a text, messages or a request body"},
		"a faulty Gemini body":  {`{"request":{"contents":17}}`, "prompt: contents"},
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, options(t), "{\"request\":\"hello\"}\n\n"+test.line)
			if r.Requests != 1 || r.Lines != 2 || r.Malformed != 1 || len(r.Problems) != 1 || r.Problems[0].Line != 3 || !strings.HasPrefix(r.Problems[0].Problem, test.want) {
				t.Errorf("%+v, want %q of line 3", r, test.want)
			}
		})
	}
}

func TestRefusedRequestsAreToldApart(t *testing.T) {
	o := options(t)
	o.NewDecide = func() Decide {
		return func(uint64, []byte) (*Decision, error) { return nil, errors.New("400: too long") }
	}
	r := run(t, o, `{"request":"hello"}`)
	if r.SetAside[AsideRefused] != 1 || len(r.Refused) != 1 || r.Refused[0] != (Problem{1, "400: too long"}) {
		t.Errorf("%+v", r)
	}
}

func TestTooManyMalformedLinesEndIt(t *testing.T) {
	_, err := Run(t.Context(), strings.NewReader(strings.Repeat("[1]\n", 5000)), options(t))
	var many *TooManyMalformedError
	if !errors.As(err, &many) || many.First.Line != 1 || err.Error() != "more than 10 lines are malformed, the first is line 1: is not a JSON object" {
		t.Errorf("error %v", err)
	}
}

func TestALogOfWhichMostLinesCannotBeReadIsNone(t *testing.T) {
	if _, err := Run(t.Context(), strings.NewReader("[\n{\"a\":1},\n{\"a\":2}\n]"), options(t)); err == nil || err.Error() != "most lines are malformed, the first is line 1: is no whole JSON object: at byte 1" {
		t.Errorf("error %v", err)
	}
}

func TestLongLinesAreSkipped(t *testing.T) {
	o := options(t)
	o.MaxLine = 1000
	long := `{"request":"` + strings.Repeat("x", 600<<10) + `"}`
	r := run(t, o, "{\"request\":\"a\"}\n"+long+"\n"+long+"\n{\"request\":\"b\"}\nnope")
	if r.Requests != 2 || r.SetAside[AsideTooLong] != 2 || r.Malformed != 1 || r.Problems[0].Line != 5 {
		t.Errorf("%+v", r)
	}
}

func TestGzipAndTheNumberOfCoresChangeNothing(t *testing.T) {
	var log strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&log, `{"request":{"model":"gpt-4o","messages":[{"role":"user","content":"%s %d"}]},"response":{"usage":{"prompt_tokens":%d,"completion_tokens":9}}}`+"\n",
			[]string{"hello", "prove"}[i%3/2], i, i)
		if i%500 == 499 {
			log.WriteString("{nope\n")
		}
	}
	one := options(t)
	one.Workers = 1
	want := run(t, one, log.String())
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, _ = w.Write([]byte(log.String()))
	_ = w.Close()
	if got := run(t, options(t), zipped.String()); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if want.Requests != 3000 || want.Malformed != 6 || want.Problems[1].Line != 1002 || want.Classes[0].Requests != 2000 || want.Classes[1].Requests != 1000 {
		t.Errorf("%+v", want)
	}
	if _, err := Run(t.Context(), strings.NewReader(zipped.String()[:zipped.Len()/2]), options(t)); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
		t.Errorf("a cut gzip file: %v", err)
	}
}

// repeated is a log that is never in memory.
type repeated struct {
	line  []byte
	times int
	at    int
	peak  uint64
	reads int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.reads++; r.reads%64 == 0 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		r.peak = max(r.peak, m.HeapAlloc)
	}
	if r.times == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.line[r.at:])
	if r.at += n; r.at == len(r.line) {
		r.at, r.times = 0, r.times-1
	}
	return n, nil
}

func TestMemoryDoesNotGrowWithTheLog(t *testing.T) {
	line := []byte(`{"request":{"model":"gpt-4o","messages":[{"role":"user","content":"` + strings.Repeat("many words ", 800) + `"}]}}` + "\n")
	peak := func(times int) uint64 {
		runtime.GC()
		log := &repeated{line: line, times: times}
		if r, err := Run(t.Context(), log, options(t)); err != nil || r.Requests != int64(times) {
			t.Fatal(r, err)
		}
		return log.peak
	}
	small, large := peak(300), peak(2400) // 2.6 and 21 MB
	if large > small+small/2+8<<20 {
		t.Errorf("the heap was %d MB for 2.6 MB and %d MB for 21 MB", small>>20, large>>20)
	}
}

func TestAnInterruptEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, &repeated{line: []byte("{\"request\":\"a\"}\n"), times: 1e9}, options(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestNothingOfAPromptIsInTheReport(t *testing.T) {
	const secret = "xyzzy-plugh"
	o := options(t)
	o.NewDecide = func() Decide {
		decide := byWords(t)()
		return func(seed uint64, body []byte) (*Decision, error) {
			if bytes.Contains(body, []byte("refuse")) {
				return nil, errors.New("400: refused")
			}
			return decide(seed, body)
		}
	}
	r := run(t, o, strings.Join([]string{
		`{"request":"a"}`, `{"request":"b"}`, `{"request":"prove ` + secret + `","response":{"choices":[{"message":{"content":"` + secret + `"}}]}}`, `{"request":"refuse ` + secret + `"}`,
		`{"request":"` + secret + `,`, `{"request":{"contents":[{"role":"` + secret + `","parts":[{"text":"` + secret + `"}]}]}}`, `{"request":{"messages":"` + secret + `"}}`,
	}, "\n"))
	encoded, err := json.Marshal(r)
	if err != nil || bytes.Contains(encoded, []byte(secret)) {
		t.Errorf("%v %s", err, encoded)
	}
	var html bytes.Buffer
	if err := r.WriteHTML(&html); err != nil || bytes.Contains(html.Bytes(), []byte(secret)) {
		t.Errorf("%v %s", err, html.String())
	}
	if r.Requests != 3 || r.Lines != 7 || r.Malformed != 2 || r.SetAside[AsideRefused] != 2 {
		t.Errorf("%+v", r)
	}
}

func TestThePageStandsAlone(t *testing.T) {
	r := run(t, options(t), `{"model":"<script>alert(1)</script>","messages":[{"role":"user","content":"prove"}],"cost":2}`+"\n"+
		`{"model":"gpt-4o","messages":[{"role":"user","content":"hello"}],"usage":{"prompt_tokens":100000,"completion_tokens":1}}`)
	r.Name("a<b>.jsonl", "default/p", "large", []string{"low", "high"})
	var out bytes.Buffer
	if err := r.WriteHTML(&out); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	for _, never := range []string{"<script", "http:", "https:", "src=", "url(", "ZgotmplZ", "NaN", "a<b>"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %q", never)
		}
	}
	for _, want := range []string{"&lt;script&gt;", "prefers-color-scheme: dark", "default-src &#39;none&#39;", ">COMPLEX 50.0 %<", "high/large", "2.25 USD", "default/p", "&lt;128k"} {
		if !strings.Contains(page, want) && !strings.Contains(page, strings.ReplaceAll(want, "&#39;", "'")) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestThePageOfAnEmptyLog(t *testing.T) {
	var out bytes.Buffer
	if err := run(t, options(t), "\n").WriteHTML(&out); err != nil || strings.Contains(out.String(), "NaN") || strings.Contains(out.String(), "Inf") {
		t.Errorf("%v %s", err, out.String())
	}
}

func TestTablesAreInTheOrderOfTheTiers(t *testing.T) {
	r := run(t, options(t), `{"request":"prove"}`+"\n"+`{"request":"prove"}`+"\n"+`{"request":"hello"}`)
	r.Name("log", "p", "large", []string{"low", "high"})
	if names := []string{r.Tiers[0].Name, r.Tiers[1].Name, r.Served[0].Name}; !slices.Equal(names, []string{"low", "high", "low/small"}) {
		t.Errorf("got %v", names)
	}
}

func TestManyNamesShareARow(t *testing.T) {
	var log strings.Builder
	for i := range 2 * maxNames {
		fmt.Fprintf(&log, `{"request":"hello","model":"m%d"}`+"\n", i)
	}
	o := options(t)
	o.Workers = 1
	r := run(t, o, log.String())
	last := r.Models[0]
	if len(r.Models) < maxNames || len(r.Models) > maxNames+1 || last.Name != otherNames || last.Requests < maxNames || r.Requests != 2*maxNames {
		t.Errorf("%d names, the first %+v", len(r.Models), last)
	}
}

func TestMoney(t *testing.T) {
	for usd, want := range map[string]string{
		"0": "0 USD", "0.000000000001": "0.000000000001 USD", "0.00012349": "0.000123 USD", "0.5": "0.500 USD", "12.345": "12.35 USD",
		"-0.25": "-0.250 USD", "1234567.8": "1\u202f234\u202f568 USD", "-4321.5": "-4\u202f322 USD", "not money": "not money",
	} {
		if got := Money(usd); got != want {
			t.Errorf("%s: %q, want %q", usd, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"openai", "openai-batch", "litellm", "helicone", "mapped"} {
		for line := range strings.Lines(sample(f, name)) {
			f.Add([]byte(line))
		}
	}
	p := parser{keep: func(string) bool { return false }}
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := p.parse(line)
		if err != nil {
			return
		}
		if r.aside == "" && !json.Valid(r.body) {
			t.Fatalf("a body that is no JSON: %q", r.body)
		}
		if r.cost < 0 || r.usage.InputTokens < 0 {
			t.Fatalf("%+v", r)
		}
	})
}
