package simulator_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/tiershift/tiershift/internal/simulator"
)

// start serves a provider until the test ends.
func start(t *testing.T, cfg simulator.Config) (*simulator.Provider, string) {
	t.Helper()
	if cfg.Models == nil {
		cfg.Models = []simulator.Model{
			{Name: "small", Capability: 0.45},
			{Name: "large", Capability: 0.95, Snapshot: "large-2026-01-15"},
			{Name: "thinker", Capability: 0.97, Reasoning: true},
		}
	}
	p, err := simulator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	url, stop, err := p.Listen(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return p, url
}

// client is the official SDK, pointed at the simulator.
func client(url string, opts ...option.RequestOption) *openai.Client {
	all := []option.RequestOption{option.WithBaseURL(url), option.WithAPIKey("sk-test"), option.WithMaxRetries(0)}
	c := openai.NewClient(append(all, opts...)...)
	return &c
}

// ask is a request for the answer to one prompt, surely answered well.
func ask(model, prompt string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    model,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(prompt)},
		Metadata: map[string]string{"difficulty": "0"},
	}
}

// send posts a body as raw HTTP. Headers are pairs of name and value.
func send(t *testing.T, url, body string, headers ...string) *http.Response {
	t.Helper()
	res, err := trySend(t.Context(), url, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func trySend(ctx context.Context, url, body string, headers ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return http.DefaultClient.Do(req)
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// eventually waits for something that another goroutine brings about.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 500 {
		if is() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("never happened: %s", what)
}
