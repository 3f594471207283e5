package simulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"

	"github.com/tiershift/tiershift/internal/simulator"
)

// dream is a clock on which sleeping takes no time.
type dream struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (d *dream) clock() simulator.Clock {
	return simulator.Clock{
		Now: func() time.Time {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.now
		},
		Sleep: func(ctx context.Context, wait time.Duration) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.now = d.now.Add(wait)
			d.slept = append(d.slept, wait)
			return ctx.Err()
		},
	}
}

func (d *dream) total() (sum time.Duration) {
	for _, s := range d.slept {
		sum += s
	}
	return sum
}

func TestAnswersTakeTheirTime(t *testing.T) {
	slow := simulator.Latency{FirstToken: simulator.Distribution{Median: 400 * time.Millisecond}, TokensPerSecond: 50}
	for name, tc := range map[string]struct {
		model, body string
		want        func(tokens int) time.Duration
	}{
		"document": {
			"large", `{"model":"large","messages":[{"role":"user","content":"Hi"}]}`,
			func(n int) time.Duration { return 400*time.Millisecond + time.Duration(n)*20*time.Millisecond },
		},
		"stream": {
			"large", `{"model":"large","stream":true,"messages":[{"role":"user","content":"Hi"}]}`,
			func(n int) time.Duration { return 400*time.Millisecond + time.Duration(n)*20*time.Millisecond },
		},
		"a model with a latency of its own": {
			"quick", `{"model":"quick","messages":[{"role":"user","content":"Hi"}]}`,
			func(int) time.Duration { return 30 * time.Millisecond },
		},
		"reasoning comes before the first token": {
			"thinker", `{"model":"thinker","messages":[{"role":"user","content":"Hi"}]}`,
			func(n int) time.Duration { return 400*time.Millisecond + time.Duration(n)*20*time.Millisecond },
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := &dream{now: time.Unix(1767268800, 0)}
			p, err := simulator.New(simulator.Config{Clock: d.clock(), Latency: slow, Models: []simulator.Model{
				{Name: "large"},
				{Name: "thinker", Reasoning: true},
				{Name: "quick", Latency: &simulator.Latency{FirstToken: simulator.Distribution{Median: 30 * time.Millisecond}}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			req := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(tc.body))
			req.Header.Set("Content-Type", "application/json")
			p.Handler().ServeHTTP(httptest.NewRecorder(), req)
			want := tc.want(int(p.Stats().Models[tc.model].CompletionTokens))
			if got := d.total(); got < want-time.Millisecond || got > want+time.Millisecond {
				t.Errorf("took %v, want %v", got, want)
			}
		})
	}
}

func TestLatencyCanBeChangedWhileServing(t *testing.T) {
	d := &dream{now: time.Unix(1767268800, 0)}
	p, url := start(t, simulator.Config{Clock: d.clock()})
	_ = text(t, send(t, url+"/chat/completions", document))
	if d.total() != 0 {
		t.Errorf("took %v", d.total())
	}
	p.SetLatency(simulator.Latency{FirstToken: simulator.Distribution{Median: time.Hour}})
	_ = text(t, send(t, url+"/chat/completions", document))
	if d.total() != time.Hour {
		t.Errorf("took %v", d.total())
	}
}

func TestLatenciesAreLogNormal(t *testing.T) {
	d := simulator.Distribution{Median: 200 * time.Millisecond, P95: 800 * time.Millisecond}
	for u, want := range map[float64]time.Duration{0.5: 200 * time.Millisecond, 0.95: 800 * time.Millisecond, 0.05: 50 * time.Millisecond} {
		if got := d.At(u); math.Abs(float64(got-want)) > float64(time.Millisecond) {
			t.Errorf("at %v: %v, want %v", u, got, want)
		}
	}
	if got := (simulator.Distribution{}).At(0.9); got != 0 {
		t.Errorf("no distribution: %v", got)
	}
	if got := (simulator.Distribution{Median: time.Second}).At(0.9); got != time.Second {
		t.Errorf("a constant: %v", got)
	}
}

func TestRequestsAreRecordedIfWanted(t *testing.T) {
	p, url := start(t, simulator.Config{Record: 2})
	for _, key := range []string{"one", "two", "three"} {
		_ = text(t, send(t, url+"/chat/completions", document, "api-key", key))
	}
	got := p.Requests()
	if len(got) != 2 || got[0].Header.Get("api-key") != "two" || got[1].Header.Get("api-key") != "three" {
		t.Fatalf("recorded %+v", got)
	}
	if string(got[1].Body) != document || got[1].Method != http.MethodPost || got[1].Path != "/v1/chat/completions" {
		t.Errorf("recorded %+v", got[1])
	}
	silent, url := start(t, simulator.Config{})
	_ = text(t, send(t, url+"/chat/completions", document))
	if len(silent.Requests()) != 0 || silent.Stats().Requests != 1 {
		t.Errorf("recorded unasked")
	}
}

func TestABodyThatBreaksOffIsACancelledRequest(t *testing.T) {
	p, _ := start(t, simulator.Config{})
	req := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", brokenBody{})
	p.Handler().ServeHTTP(httptest.NewRecorder(), req)
	if s := p.Stats(); s.Cancelled != 1 || s.Requests != 1 {
		t.Errorf("stats: %+v", s)
	}
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("gone") }

func TestOnlyLoopbackIsListenedOn(t *testing.T) {
	p, _ := start(t, simulator.Config{})
	for _, addr := range []string{":0", "0.0.0.0:0", "192.0.2.1:80", "example.com:80", "127.0.0.1"} {
		if _, _, err := p.Listen(t.Context(), addr); err == nil {
			t.Errorf("listens on %s", addr)
		}
	}
	url, stop, err := p.Listen(t.Context(), "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Listen(t.Context(), strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/v1")); err == nil {
		t.Error("listens twice on one address")
	}
	stop()
	if _, err := trySend(t.Context(), url+"/chat/completions", document); err == nil {
		t.Error("answers after it was stopped")
	}
}

func TestListeningEndsWithTheContext(t *testing.T) {
	p, err := simulator.New(simulator.Config{Models: []simulator.Model{{Name: "large"}}, Faults: simulator.Faults{TimeoutRate: 1}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	url, stop, err := p.Listen(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error)
	go func() {
		_, err := trySend(context.Background(), url+"/chat/completions", document)
		failed <- err
	}()
	eventually(t, "the request hangs", func() bool { return p.Stats().Faults["hang"] == 1 })
	cancel()
	if err := <-failed; err == nil {
		t.Error("a hanging request was answered")
	}
	stop()
}

func TestTheCannedAnswerIsAWholeAnswer(t *testing.T) {
	p, url := start(t, simulator.Config{APIKeys: []string{"sk-test"}, Canned: &simulator.Canned{Tokens: 50, PromptTokens: 321, FlushEvery: 4}})
	c := client(url)
	params := ask("anything at all", "whatever")
	doc, err := c.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if doc.Usage.CompletionTokens != 50 || doc.Usage.PromptTokens != 321 || doc.Model != "small" || doc.Choices[0].FinishReason != "stop" {
		t.Errorf("document: %s", doc.RawJSON())
	}
	params.StreamOptions.IncludeUsage = openai.Bool(true)
	stream := c.Chat.Completions.NewStreaming(t.Context(), params)
	var acc openai.ChatCompletionAccumulator
	for stream.Next() {
		acc.AddChunk(stream.Current())
	}
	if stream.Err() != nil || acc.Choices[0].Message.Content != doc.Choices[0].Message.Content || acc.Usage.CompletionTokens != 50 {
		t.Errorf("stream: %v %+v", stream.Err(), acc.ChatCompletion)
	}
	if res := send(t, url+"/chat/completions", "{}", "api-key", "wrong"); res.StatusCode != 401 {
		t.Errorf("key: %d", res.StatusCode)
	}
	if s := p.Stats(); s.TokensGenerated != 100 || s.Models["small"].Requests != 2 {
		t.Errorf("stats: %+v", s)
	}
}

func TestCannedStreamsCanBeHeldOpen(t *testing.T) {
	d := &dream{now: time.Unix(1767268800, 0)}
	p, url := start(t, simulator.Config{Clock: d.clock(), Canned: &simulator.Canned{Tokens: 10, Interval: time.Minute}})
	if got := events(text(t, send(t, url+"/chat/completions", `{"stream":true}`))); len(got) != 13 || d.total() != 12*time.Minute {
		t.Errorf("%d events in %v", len(got), d.total())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out := httptest.NewRecorder()
	p.Handler().ServeHTTP(out, httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/chat/completions", strings.NewReader(`{"stream":true}`)))
	if got := events(out.Body.String()); len(got) != 1 {
		t.Errorf("%d events for a client that has left", len(got))
	}
	if s := p.Stats(); s.OpenStreams != 0 || s.Cancelled != 1 {
		t.Errorf("stats: %+v", s)
	}
}

func TestTheCannedAnswerFindsItsFlagsWithoutDecoding(t *testing.T) {
	_, url := start(t, simulator.Config{Canned: &simulator.Canned{Tokens: 3}})
	quoted, err := json.Marshal(`{"stream": true}`)
	if err != nil {
		t.Fatal(err)
	}
	for body, want := range map[string]string{
		`{"stream":true}`:                                         "data: stream",
		"{\"messages\":[],\"stream\" :\n true }":                  "data: stream",
		`{"stream":true,"stream_options":{"include_usage":true}}`: "data: usage",
		`{"stream":false}`:                                        "document",
		`{}`:                                                      "document",
		`{"messages":[{"content":` + string(quoted) + `}]}`: "document",
		`{"tags":["stream"],"stream":true}`:                 "data: stream",
		`not JSON`:                                          "document",
	} {
		got := text(t, send(t, url+"/chat/completions", body))
		kind := "document"
		switch {
		case strings.Contains(got, `"choices":[],"usage"`):
			kind = "data: usage"
		case strings.HasPrefix(got, "data: "):
			kind = "data: stream"
		}
		if kind != want {
			t.Errorf("%s: %s", body, got)
		}
	}
}

func TestEverythingMayChangeWhileServing(t *testing.T) {
	p, url := start(t, simulator.Config{Record: 3})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 25 {
				for _, body := range []string{document, streamed} {
					res, err := trySend(t.Context(), url+"/chat/completions", body)
					if err != nil {
						t.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
				}
			}
		})
	}
	group.Go(func() {
		for i := range 50 {
			p.SetAPIKeys()
			p.SetLatency(simulator.Latency{TokensPerSecond: 1e6})
			if err := errors.Join(p.SetCapability("large", float64(i)/50), p.SetFaults(simulator.Faults{NoUsage: i%2 == 0})); err != nil {
				t.Error(err)
			}
			_, _ = p.Stats(), p.Requests()
		}
	})
	group.Wait()
	if s := p.Stats(); s.Requests != 200 || s.Models["large"].Requests != 200 || s.OpenStreams != 0 || s.Cancelled != 0 {
		t.Errorf("stats: %+v", s)
	}
}

func FuzzNoBodyBreaksTheProvider(f *testing.F) {
	for _, body := range []string{
		document, streamed, `{}`, `[]`, `{"model":"large","messages":[{"role":"user","content":null}],"n":3}`,
		`{"model":"large","messages":[{"role":"user","content":[{"type":"text","text":"ring"}]}],"stop":["a",""],"max_tokens":1,"logprobs":true,"top_logprobs":3}`,
		`{"model":"large","messages":[{"role":"user","content":"ring the bell in Rome and Oslo"}],"tools":[{"type":"function","function":{"name":"ring_bell","parameters":{"type":"object","properties":{"a":{"$ref":"#"},"b":{"enum":[]}},"required":["a","c"]}}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[]}}}`,
		`{"model":"large","messages":[{"role":"user","content":"as JSON with \"score\": rate the answer 5 to 1, one of: a, b"}],"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{"p":{"pattern":"[a-z]{2,}$"}}}}}}`,
	} {
		f.Add(body)
	}
	p, err := simulator.New(simulator.Config{Models: []simulator.Model{{Name: "large", Capability: 0.5, ContextTokens: 3000}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		req := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		out := httptest.NewRecorder()
		p.Handler().ServeHTTP(out, req)
		stream := strings.HasPrefix(out.Header().Get("Content-Type"), "text/event-stream")
		if !stream && !json.Valid(out.Body.Bytes()) {
			t.Errorf("%d %s", out.Code, out.Body)
		}
		for _, e := range events(out.Body.String()) {
			if stream && e != "[DONE]" && !json.Valid([]byte(e)) {
				t.Errorf("event %s", e)
			}
		}
	})
}

// sink is a response writer that keeps nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Flush()                      {}

func benchmark(b *testing.B, cfg simulator.Config, body string) {
	cfg.Models = []simulator.Model{{Name: "large", Capability: 1}}
	p, err := simulator.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	handler := p.Handler()
	req := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", nil)
	req.Header.Set("Content-Type", "application/json")
	reader := strings.NewReader(body)
	req.Body = readCloser{reader}
	out := &sink{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		clear(out.header)
		handler.ServeHTTP(out, req)
	}
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

func BenchmarkCannedDocument(b *testing.B) {
	benchmark(b, simulator.Config{Canned: &simulator.Canned{Tokens: 50}}, document+strings.Repeat(" ", 2048))
}

func BenchmarkCannedStream(b *testing.B) {
	benchmark(b, simulator.Config{Canned: &simulator.Canned{Tokens: 50}}, streamed+strings.Repeat(" ", 2048))
}

func BenchmarkDocument(b *testing.B) { benchmark(b, simulator.Config{}, document) }

func BenchmarkStream(b *testing.B) { benchmark(b, simulator.Config{}, streamed) }
