package router_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/provider/sse"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// Providers that answer what they must not, or that nobody can take: for clients of
// all four APIs, over providers of all four wires.

// speaker is how a client asks.
type speaker struct {
	name, path, streamPath, body, streamBody string
	// whole are words that only a stream which came to its end has.
	whole string
}

var speakers = []speaker{
	{
		"Chat", "/v1/chat/completions", "/v1/chat/completions",
		`{"model":"tier:%s","messages":[{"role":"user","content":"hello"}]}`, `{"model":"tier:%s","stream":true,"messages":[{"role":"user","content":"hello"}]}`,
		"[DONE]",
	},
	{
		"Responses", "/v1/responses", "/v1/responses",
		`{"model":"tier:%s","input":"hello"}`, `{"model":"tier:%s","stream":true,"input":"hello"}`, `"response.completed"`,
	},
	{
		"Messages", "/v1/messages", "/v1/messages",
		`{"model":"tier:%s","max_tokens":99,"messages":[{"role":"user","content":"hello"}]}`,
		`{"model":"tier:%s","max_tokens":99,"stream":true,"messages":[{"role":"user","content":"hello"}]}`, `"message_stop"`,
	},
	{
		"Gemini", "/v1beta/models/tier:%s:generateContent", "/v1beta/models/tier:%s:streamGenerateContent?alt=sse",
		`{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}`, `{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}`, `"finishReason"`,
	},
}

// ask returns the path and the body of a request to a tier.
func (s *speaker) ask(tier string, stream bool) (path, body string) {
	if stream {
		return strings.Replace(s.streamPath, "%s", tier, 1), strings.Replace(s.streamBody, "%s", tier, 1)
	}
	return strings.Replace(s.path, "%s", tier, 1), strings.Replace(s.body, "%s", tier, 1)
}

// wire is how a provider streams: what comes first, and a piece of the answer.
type wire struct {
	wire  routerconfig.Wire
	kind  string
	begin string
	delta string // with %s for the text
}

const (
	responseHead = `{"id":"resp_1","object":"response","created_at":1,"status":"in_progress","model":"m","output":[]}`
	messageHead  = `{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":1}}`
)

var wires = []wire{
	{
		wire: routerconfig.WireOpenAI, kind: "OpenAI",
		delta: `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":null}]}` + "\n\n",
	},
	{
		wire: routerconfig.WireResponses, kind: "OpenAI",
		begin: "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":" + responseHead + "}\n\n" +
			"event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":1,\"output_index\":0,\"item\":{\"id\":\"msg_1\",\"type\":\"message\",\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}}\n\n" +
			"event: response.content_part.added\ndata: {\"type\":\"response.content_part.added\",\"sequence_number\":2,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}}\n\n",
		delta: "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":3,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"%s\"}\n\n",
	},
	{
		wire: routerconfig.WireAnthropic, kind: "Anthropic",
		begin: "event: message_start\ndata: {\"type\":\"message_start\",\"message\":" + messageHead + "}\n\n" +
			"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
		delta: "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"%s\"}}\n\n",
	},
	{
		wire: routerconfig.WireGemini, kind: "Gemini",
		delta: `data: {"candidates":[{"content":{"role":"model","parts":[{"text":"%s"}]},"index":0}],"modelVersion":"m","responseId":"r"}` + "\n\n",
	},
}

func (w *wire) piece(text string) string { return strings.Replace(w.delta, "%s", text, 1) }

// hostile is a gateway with a tier per wire, all of the same provider's making.
type hostile struct {
	*gateway
	// serve is what the provider does.
	serve atomic.Pointer[func(http.ResponseWriter, *http.Request, *wire)]
	seen  int // records
}

// newHostile starts one whose models may take that long, and of which so many may
// be asked.
func newHostile(t *testing.T, request time.Duration, attempts int32) *hostile {
	t.Helper()
	h := &hostile{}
	h.gateway = newGateway(t, func(c *routerconfig.Config) {
		c.Fallback.MaxAttempts = attempts
		for i := range wires {
			w := &wires[i]
			server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				if bytes.Contains(body, []byte(`"stream":true`)) || strings.Contains(r.URL.Path, "stream") {
					r.Header.Set("Accept", "text/event-stream") // which not all APIs ask their clients to say
				}
				(*h.serve.Load())(rw, r, w)
			}))
			t.Cleanup(func() {
				server.CloseClientConnections()
				server.Close()
			})
			name := strings.ToLower(string(w.wire))
			c.Providers = append(c.Providers, routerconfig.Provider{
				Name: name, Kind: w.kind, Wire: w.wire, KeyScheme: routerconfig.KeyBearer, KeyFile: "cheap/key", BaseURL: server.URL,
			})
			m := c.Tiers[0].Models[0]
			m.Name, m.Provider, m.Timeouts.Request = "model-of-"+name, name, routerconfig.Duration(request)
			c.Tiers = append(c.Tiers, routerconfig.Tier{
				Name: name, Rank: int32(40 + i), Selection: routerconfig.SelectionOrdered, Models: []routerconfig.Model{m},
			})
		}
	})
	return h
}

// each runs a test for every client with every provider, streamed and not as asked
// for.
func (h *hostile) each(t *testing.T, streams []bool, run func(t *testing.T, s *speaker, w *wire, stream bool)) {
	t.Helper()
	for i := range speakers {
		for k := range wires {
			for _, stream := range streams {
				t.Run(fmt.Sprintf("%s of %s, stream %v", speakers[i].name, wires[k].wire, stream), func(t *testing.T) {
					run(t, &speakers[i], &wires[k], stream)
				})
			}
		}
	}
}

var (
	both         = []bool{false, true}
	streamedOnly = []bool{true}
)

// send asks for an answer that ends, whatever the provider does.
func (h *hostile) send(t *testing.T, s *speaker, w *wire, stream bool) *answer {
	t.Helper()
	path, body := s.ask(strings.ToLower(string(w.wire)), stream)
	return h.post(path, body)
}

// wantFailure checks that the client was told in its own API's words, and nothing
// of what the provider sent instead.
func (h *hostile) wantFailure(t *testing.T, a *answer, secret string) {
	t.Helper()
	wantStatus(t, a, http.StatusBadGateway)
	var told struct {
		Error struct{ Message string } `json:"error"`
	}
	if err := json.Unmarshal([]byte(a.body), &told); err != nil || told.Error.Message == "" || strings.Contains(a.body, secret) {
		t.Errorf("the client was told %q", a.body)
	}
	r := h.record(h.seen)
	h.seen++
	if r.Outcome != metricnames.OutcomeUpstreamError || r.Cost == 0 || !r.Usage.Estimated {
		t.Errorf("record %+v", r)
	}
}

// wantCut checks that a stream ends in an error, with no end made up.
func (h *hostile) wantCut(t *testing.T, s *speaker, a *answer, why string) {
	t.Helper()
	wantStatus(t, a, http.StatusOK)
	tail := a.body[max(len(a.body)-2000, 0):]
	if !strings.Contains(tail, "error") || !strings.Contains(tail, "was cut: ") || !strings.Contains(tail, why) || strings.Contains(a.body, s.whole) {
		t.Errorf("the stream ends in %q", tail)
	}
	r := h.record(h.seen)
	h.seen++
	if r.Outcome != metricnames.OutcomeCut || r.Cost == 0 || !r.Usage.Estimated || r.Usage.OutputTokens == 0 {
		t.Errorf("record %+v", r)
	}
}

func (h *hostile) does(f func(http.ResponseWriter, *http.Request, *wire)) { h.serve.Store(&f) }

// The router asks for answers as they are. One that is compressed all the same is
// no answer, whatever it would unfold to.
func TestACompressedAnswerIsAFailureOfTheProvider(t *testing.T) {
	h := newHostile(t, 5*time.Second, 1)
	h.does(func(rw http.ResponseWriter, r *http.Request, w *wire) {
		if r.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("Accept-Encoding %q", r.Header.Get("Accept-Encoding"))
		}
		rw.Header().Set("Content-Encoding", "gzip")
		rw.Header().Set("Content-Type", "text/event-stream")
		z := gzip.NewWriter(rw)
		_, _ = io.WriteString(z, w.begin+strings.Repeat(w.piece("sea "), 1000)) // compresses well
		_ = z.Close()
	})
	h.each(t, both, func(t *testing.T, s *speaker, w *wire, stream bool) {
		h.wantFailure(t, h.send(t, s, w, stream), "\x1f\x8b")
	})
}

func TestHTMLInsteadOfAnAnswer(t *testing.T) {
	h := newHostile(t, 5*time.Second, 1)
	h.does(func(rw http.ResponseWriter, _ *http.Request, _ *wire) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(rw, "<!DOCTYPE html>\n<html><body>Welcome to the captive portal</body></html>\n\n")
	})
	h.each(t, both, func(t *testing.T, s *speaker, w *wire, stream bool) {
		h.wantFailure(t, h.send(t, s, w, stream), "captive")
	})
}

// Some servers repeat the key that they refuse. It is the gateway's, and neither the
// client's to know nor the log's.
func TestARepeatedKeyStaysHere(t *testing.T) {
	h := newHostile(t, 5*time.Second, 1)
	for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusInternalServerError} {
		h.does(func(rw http.ResponseWriter, r *http.Request, _ *wire) {
			key, bears := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			if !bears {
				t.Errorf("Authorization %q", r.Header.Get("Authorization"))
			}
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(status)
			_, _ = fmt.Fprintf(rw, `{"type":"error","error":{"type":"authentication_error","message":"wrong key: %s"}}`, key)
		})
		h.each(t, both, func(t *testing.T, s *speaker, w *wire, stream bool) {
			a := h.send(t, s, w, stream)
			if a.status < 400 || strings.Contains(a.body, "key-of-") || !strings.Contains(a.body, "wrong key: [the gateway's key]") {
				t.Errorf("%d: the client was told %d %s", status, a.status, a.body)
			}
		})
	}
}

// An answer that never ends is ended by the model's timeouts.request.
func TestAnEndlessStreamEndsByTheTimeout(t *testing.T) {
	h := newHostile(t, 80*time.Millisecond, 1)
	var open atomic.Int64
	h.does(func(rw http.ResponseWriter, r *http.Request, w *wire) {
		open.Add(1)
		defer open.Add(-1)
		rw.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(rw, w.begin)
		for r.Context().Err() == nil {
			_, _ = io.WriteString(rw, w.piece("sea "))
			_ = http.NewResponseController(rw).Flush()
			time.Sleep(2 * time.Millisecond)
		}
	})
	h.each(t, streamedOnly, func(t *testing.T, s *speaker, w *wire, stream bool) {
		h.wantCut(t, s, h.send(t, s, w, stream), "80ms")
	})
	h.eventually("the provider to be left alone", func() bool { return open.Load() == 0 })
}

// An event beyond the limit is not kept to its end.
func TestAHugeEventCutsTheStream(t *testing.T) {
	h := newHostile(t, 5*time.Second, 1)
	var written atomic.Int64
	huge := bytes.Repeat([]byte("x"), 1<<20)
	h.does(func(rw http.ResponseWriter, r *http.Request, w *wire) {
		rw.Header().Set("Content-Type", "text/event-stream")
		head, _, _ := strings.Cut(w.delta, "%s")
		_, _ = io.WriteString(rw, w.begin+w.piece(strings.Repeat("The sea ", 9))+head)
		for r.Context().Err() == nil && written.Load() < 1<<30 {
			n, _ := rw.Write(huge)
			written.Add(int64(n))
		}
	})
	for i := range speakers {
		for k := range wires {
			if k != 0 && k != i && wires[k].wire != routerconfig.WireOpenAI { // all wires as they are, and OpenAI's translated
				continue
			}
			t.Run(speakers[i].name+" of "+string(wires[k].wire), func(t *testing.T) {
				written.Store(0)
				h.wantCut(t, &speakers[i], h.send(t, &speakers[i], &wires[k], true), "event")
				if n := written.Load(); n > sse.DefaultMaxEvent+32<<20 {
					t.Errorf("the provider could send %d MiB", n>>20)
				}
			})
		}
	}
}

// A client that does not read holds its provider up: the router reads no further
// than it can write.
func TestASlowReaderHoldsTheProviderUp(t *testing.T) {
	h := newHostile(t, 20*time.Second, 1)
	var written, open atomic.Int64
	h.does(func(rw http.ResponseWriter, r *http.Request, w *wire) {
		open.Add(1)
		defer open.Add(-1)
		rw.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(rw, w.begin)
		events := []byte(strings.Repeat(w.piece(strings.Repeat("sea ", 100)), 100))
		for r.Context().Err() == nil && written.Load() < 4<<30 {
			n, err := rw.Write(events)
			if written.Add(int64(n)); err != nil {
				return
			}
		}
	})
	for i := range speakers {
		for _, k := range []int{0, i} { // OpenAI's wire translated, and each as it is
			t.Run(speakers[i].name+" of "+string(wires[k].wire), func(t *testing.T) {
				written.Store(0)
				conn := h.open(t, &speakers[i], &wires[k])
				before := heap()
				h.eventually("the provider to come to a halt", func() bool {
					n := written.Load()
					time.Sleep(50 * time.Millisecond)
					return n > 0 && n == written.Load()
				})
				const inSockets = 32 << 20 // of both connections, at Linux's most
				if n := written.Load(); n > inSockets {
					t.Errorf("the provider could send %d MiB to a client that reads nothing", n>>20)
				}
				if grown := heap() - before; grown > 4<<20 {
					t.Errorf("the router holds %d KiB for a client that reads nothing", grown>>10)
				}
				_ = conn.Close()
				h.eventually("the provider to be left alone", func() bool { return open.Load() == 0 })
				r := h.record(h.seen)
				h.seen++
				if r.Outcome != metricnames.OutcomeCancelled || r.Cost == 0 || r.Usage.OutputTokens < 1000 {
					t.Errorf("record %+v", r)
				}
			})
		}
	}
}

// heap is the memory that live objects hold, in bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// open sends a request and reads just the first byte of the answer.
func (h *hostile) open(t *testing.T, s *speaker, w *wire) net.Conn {
	t.Helper()
	at, err := url.Parse(h.url)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	path, body := s.ask(strings.ToLower(string(w.wire)), true)
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: router\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return conn
}
