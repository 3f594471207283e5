package router_test

import (
	"bufio"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// BenchmarkFirstToken compares the time until the first event of a stream that a
// client has from the provider itself with what it has through the router: in the
// provider's own wire, and translated from each of the others. The sides take
// turns, and "added-ms" is the difference of the medians.
func BenchmarkFirstToken(b *testing.B) {
	g := newGateway(b, nil)
	direct := streamedRequest{
		url: g.config.Providers[1].BaseURL + "/chat/completions", header: []string{"Authorization", "Bearer key-of-first"},
		body: `{"model":"medium-1","stream":true,"messages":[{"role":"user","content":"Tell me of the tides"}]}`,
	}
	for _, through := range []streamedRequest{
		{name: "own wire", url: g.url + "/v1/chat/completions", body: strings.Replace(direct.body, "medium-1", "auto", 1)},
		{name: "Messages", url: g.url + "/v1/messages", body: strings.Replace(direct.body, `"medium-1"`, `"auto","max_tokens":500`, 1)},
		{name: "Responses", url: g.url + "/v1/responses", body: `{"model":"auto","stream":true,"input":"Tell me of the tides"}`},
		{name: "Gemini", url: g.url + "/v1beta/models/auto:streamGenerateContent?alt=sse", body: `{"contents":[{"parts":[{"text":"Tell me of the tides"}]}]}`},
	} {
		b.Run(through.name, func(b *testing.B) {
			var of [2][]time.Duration
			for range b.N {
				for i, request := range []streamedRequest{direct, through} {
					of[i] = append(of[i], request.firstToken(b))
				}
			}
			b.ReportMetric(float64(median(of[1])-median(of[0]))/1e6, "added-ms")
			b.ReportMetric(float64(median(of[0]))/1e6, "direct-ms")
		})
	}
}

type streamedRequest struct {
	name, url, body string
	header          []string
}

// firstToken sends the request and waits for the first data of its stream.
func (r *streamedRequest) firstToken(b *testing.B) time.Duration {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, r.url, strings.NewReader(r.body))
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i < len(r.header); i += 2 {
		request.Header.Set(r.header[i], r.header[i+1])
	}
	request.Header.Set("Content-Type", "application/json")
	begun := time.Now()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewReader(response.Body)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			b.Fatalf("%d: no data in the stream: %v", response.StatusCode, err)
		}
		if strings.HasPrefix(line, "data:") {
			break
		}
	}
	took := time.Since(begun)
	_, _ = io.Copy(io.Discard, lines) // so that the connection serves the next
	return took
}

func median(of []time.Duration) time.Duration {
	slices.Sort(of)
	return of[len(of)/2]
}
