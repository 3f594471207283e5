package simulator_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/openai/openai-go/v3/option"

	"github.com/tiershift/tiershift/internal/simulator"
)

const (
	document = `{"model":"large","messages":[{"role":"user","content":"Describe a café."}],"metadata":{"difficulty":"0"}}`
	streamed = `{"model":"large","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Describe a café."}],"metadata":{"difficulty":"0"}}`
)

// events are the data of a stream, as far as it went.
func events(body string) (out []string) {
	for line := range strings.Lines(body) {
		if data, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "data: "); ok {
			out = append(out, data)
		}
	}
	return out
}

func TestFaultsOnDemand(t *testing.T) {
	p, base := start(t, simulator.Config{AllowFaultHeader: true})
	url := base + "/chat/completions"
	whole := events(text(t, send(t, url, streamed)))
	if whole[len(whole)-1] != "[DONE]" || !strings.Contains(whole[len(whole)-2], `"choices":[],"usage":{`) {
		t.Fatalf("the stream ends with %q", whole[len(whole)-2:])
	}
	get := func(body, fault string) (*http.Response, string, error) {
		res := send(t, url, body, simulator.FaultHeader, fault)
		b, err := io.ReadAll(res.Body)
		return res, string(b), err
	}

	t.Run("status", func(t *testing.T) {
		for _, tc := range []struct{ fault, retryAfter, milliseconds, remaining, reset string }{
			{"status=429; retry-after=2", "2", "2000", "0", "2s"},
			{"status=429, retry-after=250ms", "1", "250", "0", "250ms"},
			{"status=429", "", "", "0", "0s"},
			{"status=503;retry-after=3", "3", "3000", "9999", "6ms"},
			{"status=500;retry-after=3", "", "", "9999", "6ms"},
		} {
			res, body, err := get(document, tc.fault)
			h := res.Header
			if err != nil || !strings.HasPrefix(tc.fault, fmt.Sprintf("status=%d", res.StatusCode)) || !strings.HasPrefix(body, "{\n    \"error\": {") {
				t.Errorf("%s: %d %s", tc.fault, res.StatusCode, body)
			}
			if h.Get("Retry-After") != tc.retryAfter || h.Get("retry-after-ms") != tc.milliseconds ||
				h.Get("x-ratelimit-remaining-requests") != tc.remaining || h.Get("x-ratelimit-reset-requests") != tc.reset {
				t.Errorf("%s: headers %v", tc.fault, h)
			}
		}
	})
	t.Run("other client errors", func(t *testing.T) {
		for status, want := range map[int]string{401: "invalid_api_key", 404: "model_not_found", 403: "Forbidden"} {
			if res, body, _ := get(document, fmt.Sprintf("status=%d", status)); res.StatusCode != status || !strings.Contains(body, want) {
				t.Errorf("%d: %d %s", status, res.StatusCode, body)
			}
		}
	})
	t.Run("cut document", func(t *testing.T) {
		if _, body, err := get(document, "cut"); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasPrefix(body, "{\n  \"id\"") {
			t.Errorf("%v after %s", err, body)
		}
	})
	t.Run("cut stream", func(t *testing.T) {
		if _, body, err := get(streamed, "cut=3"); !errors.Is(err, io.ErrUnexpectedEOF) || len(events(body)) != 3 {
			t.Errorf("%v after %q", err, events(body))
		}
		if _, body, err := get(streamed, "cut=100000"); err == nil || len(events(body)) != len(whole)-2 {
			t.Errorf("%v after %d of %d events", err, len(events(body)), len(whole))
		}
	})
	t.Run("error event", func(t *testing.T) {
		_, body, err := get(streamed, "error-event=2")
		got := events(body)
		if err != nil || len(got) != 3 || !strings.HasPrefix(got[2], `{"error":{"message":"The server had an error`) {
			t.Errorf("%v: %q", err, got)
		}
		if res, _, _ := get(document, "error-event"); res.StatusCode != 500 {
			t.Errorf("document: %d", res.StatusCode)
		}
	})
	t.Run("garbage", func(t *testing.T) {
		res, body, err := get(document, "garbage")
		if err != nil || res.StatusCode != 200 || !strings.HasPrefix(body, "<html>") || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			t.Errorf("html: %v %d %s", err, res.StatusCode, body)
		}
		if res, body, err := get(document, "garbage=json"); err != nil || res.StatusCode != 200 || strings.HasSuffix(body, "}\n") || !strings.HasPrefix(body, "{\n") {
			t.Errorf("json: %v %d %s", err, res.StatusCode, body)
		}
		if _, body, err := get(streamed, "garbage=json"); err != nil || strings.Contains(body, "[DONE]") || strings.HasSuffix(strings.TrimSpace(body), "}") {
			t.Errorf("stream: %v %s", err, body)
		}
	})
	t.Run("usage", func(t *testing.T) {
		if _, body, _ := get(document, "no-usage"); strings.Contains(body, `"usage"`) {
			t.Errorf("document: %s", body)
		}
		if _, body, _ := get(streamed, "no-usage"); strings.Contains(body, `"usage"`) || len(events(body)) != len(whole)-1 {
			t.Errorf("stream: %s", body)
		}
		_, body, _ := get(streamed, "usage-with-choices")
		got := events(body)
		if last := got[len(got)-2]; !strings.Contains(last, `"finish_reason":"stop"}],"usage":{"prompt_tokens"`) || strings.Contains(body, `"choices":[]`) {
			t.Errorf("last chunk: %s", last)
		}
	})
	t.Run("shape", func(t *testing.T) {
		if _, body, _ := get(streamed, "no-done"); strings.Contains(body, "[DONE]") || len(events(body)) != len(whole)-1 {
			t.Errorf("no-done: %s", body)
		}
		if _, body, _ := get(streamed, "crlf"); strings.Count(body, "\r\n\r\n") != len(whole) || strings.Count(body, "\n") != 2*len(whole) {
			t.Errorf("crlf: %q", body)
		}
		if _, body, _ := get(streamed, "keep-alive"); !strings.HasPrefix(body, ": keep-alive\n\ndata: {") {
			t.Errorf("keep-alive: %s", body)
		}
		if _, body, _ := get(document, "keep-alive"); !strings.HasPrefix(body, "\n{\n") {
			t.Errorf("keep-alive document: %s", body)
		}
	})
	t.Run("unreadable", func(t *testing.T) {
		for _, fault := range []string{"status=200", "status=x", "cut=x", "garbage=xml", "retry-after=-1s", "retry-after=soon", "sulk"} {
			if res, body, _ := get(document, fault); res.StatusCode != 400 || !strings.Contains(body, simulator.FaultHeader) {
				t.Errorf("%s: %d %s", fault, res.StatusCode, body)
			}
		}
	})
	if got := p.Stats().Faults; got["429"] != 3 || got["cut"] != 3 || got["error-event"] != 1 || got["500"] != 2 || got["garbage"] != 3 {
		t.Errorf("faults: %v", got)
	}
}

func TestTheFaultHeaderIsIgnoredUnlessAllowed(t *testing.T) {
	_, url := start(t, simulator.Config{})
	if res := send(t, url+"/chat/completions", document, simulator.FaultHeader, "status=500"); res.StatusCode != 200 {
		t.Errorf("status: %d", res.StatusCode)
	}
}

func TestAConnectionCanBeReset(t *testing.T) {
	p, url := start(t, simulator.Config{Faults: simulator.Faults{ConnectionResetRate: 1}})
	_, err := trySend(t.Context(), url+"/chat/completions", document)
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.EOF) {
		t.Errorf("error: %v", err)
	}
	if p.Stats().Faults["reset"] == 0 || p.Stats().TokensGenerated != 0 {
		t.Errorf("stats: %+v", p.Stats())
	}
}

func TestWithoutAConnectionToResetTheHandlerAborts(t *testing.T) {
	p, _ := start(t, simulator.Config{Faults: simulator.Faults{ConnectionResetRate: 1}})
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("recovered %v", err)
		}
	}()
	req := httptest.NewRequest(http.MethodPost, "/chat/completions", strings.NewReader(document))
	p.Handler().ServeHTTP(httptest.NewRecorder(), req)
}

func TestAHangingProviderWaitsForTheClientToLeave(t *testing.T) {
	p, url := start(t, simulator.Config{Faults: simulator.Faults{TimeoutRate: 1}})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := trySend(ctx, url+"/chat/completions", document); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error: %v", err)
	}
	eventually(t, "the hang is counted", func() bool { return p.Stats().Cancelled == 1 })
}

func TestAStalledAnswerStaysOpen(t *testing.T) {
	p, url := start(t, simulator.Config{AllowFaultHeader: true})
	for i, body := range []string{streamed, document} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		res, err := trySend(ctx, url+"/chat/completions", body, simulator.FaultHeader, "stall=2")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(res.Body)
		if !errors.Is(err, context.DeadlineExceeded) || len(got) == 0 {
			t.Errorf("%v after %s", err, got)
		}
		_ = res.Body.Close()
		cancel()
		eventually(t, "the stall is counted", func() bool { return p.Stats().Cancelled == int64(i+1) })
	}
}

func TestFaultRatesAreKeptToAndCanBeChanged(t *testing.T) {
	p, url := start(t, simulator.Config{Seed: 9, Faults: simulator.Faults{ErrorRates: map[int]float64{429: 0.2, 503: 0.3}, GarbageRate: 0.1}})
	statuses := map[int]int{}
	const n = 400
	for range n {
		res := send(t, url+"/chat/completions", document)
		_, _ = io.Copy(io.Discard, res.Body)
		statuses[res.StatusCode]++
	}
	for status, want := range map[int]float64{429: 0.2, 503: 0.3, 200: 0.5} {
		if got := float64(statuses[status]) / n; got < want-0.07 || got > want+0.07 {
			t.Errorf("status %d: %.3f of all", status, got)
		}
	}
	if got := p.Stats().Faults["garbage"]; got < n/20 || got > n/6 {
		t.Errorf("garbage: %d of %d", got, n)
	}
	if err := p.SetFaults(simulator.Faults{}); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if res := send(t, url+"/chat/completions", document); res.StatusCode != 200 {
			t.Errorf("status: %d", res.StatusCode)
		}
	}
}

func TestSplitStreamsBreakInsideCharacters(t *testing.T) {
	_, base := start(t, simulator.Config{AllowFaultHeader: true})
	conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(base, "http://"), "/v1"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"+
		"%s: split\r\nContent-Length: %d\r\n\r\n%s", simulator.FaultHeader, len(streamed), streamed)
	raw := bufio.NewReader(conn)
	for { // the head
		line, err := raw.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			break
		}
	}
	var whole strings.Builder
	longest, broken := 0, 0
	for { // the chunks of the transfer encoding
		var size int
		if _, err := fmt.Fscanf(raw, "%x\r\n", &size); err != nil || size == 0 {
			break
		}
		part := make([]byte, size+2)
		if _, err := io.ReadFull(raw, part); err != nil {
			t.Fatal(err)
		}
		part = part[:size]
		longest = max(longest, size)
		if !utf8.Valid(part) {
			broken++
		}
		whole.Write(part)
	}
	if longest > 7 || broken == 0 {
		t.Errorf("the longest part has %d bytes, %d break a character", longest, broken)
	}
	got := events(whole.String())
	if !utf8.ValidString(whole.String()) || got[len(got)-1] != "[DONE]" || !strings.Contains(whole.String(), "café") {
		t.Errorf("the stream: %s", whole.String())
	}
}

func TestTheSDKReadsTheOddShapesToo(t *testing.T) {
	_, url := start(t, simulator.Config{AllowFaultHeader: true})
	for _, fault := range []string{"crlf", "split", "crlf,split,keep-alive", "no-done", "usage-with-choices"} {
		stream := client(url, option.WithHeader(simulator.FaultHeader, fault)).Chat.Completions.NewStreaming(t.Context(), ask("large", "Describe a café in 40 words."))
		content := ""
		for stream.Next() {
			for _, c := range stream.Current().Choices {
				content += c.Delta.Content
			}
		}
		if stream.Err() != nil || simulator.Judge("Describe a café in 40 words.", content).Verdict != simulator.Well {
			t.Errorf("%s: %v, %s", fault, stream.Err(), content)
		}
	}
}
