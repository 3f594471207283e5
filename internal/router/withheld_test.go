package router_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

const (
	chunkHead    = `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[`
	chatUsage    = `"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}`
	itemUsage    = `"usage":{"input_tokens":9,"output_tokens":2,"total_tokens":11}`
	geminiUsage  = `"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":2,"totalTokenCount":11},"modelVersion":"m","responseId":"r"`
	refusalItem  = `{"id":"msg_1","type":"message","status":"completed","role":"assistant","content":[{"type":"refusal","refusal":"I cannot help with that."}]}`
	responseBase = `"id":"resp_1","object":"response","created_at":1,"model":"m",` + itemUsage
	messageBase  = `"id":"msg_1","type":"message","role":"assistant","model":"m","stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":2}`
	messageEnd   = "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":2}}\n\n" +
		"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
)

// withheld are answers that the provider's filter kept back, refused those in which
// the model says no: each as a document and as a stream.
var (
	withheld = map[routerconfig.Wire][2]string{
		routerconfig.WireOpenAI: {
			`{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null},"finish_reason":"content_filter"}],` + chatUsage + `}`,
			chunkHead + `{"index":0,"delta":{},"finish_reason":"content_filter"}]}` + "\n\n" + chunkHead + `],` + chatUsage + "}\n\ndata: [DONE]\n\n",
		},
		routerconfig.WireResponses: {
			`{` + responseBase + `,"status":"incomplete","incomplete_details":{"reason":"content_filter"},"output":[]}`,
			"event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":" + responseHead + "}\n\n" +
				"event: response.incomplete\ndata: {\"type\":\"response.incomplete\",\"sequence_number\":1,\"response\":{" + responseBase +
				`,"status":"incomplete","incomplete_details":{"reason":"content_filter"},"output":[]}}` + "\n\n",
		},
		routerconfig.WireAnthropic: {
			`{` + messageBase + `,"content":[],"stop_reason":"refusal"}`,
			"event: message_start\ndata: {\"type\":\"message_start\",\"message\":" + messageHead + "}\n\n" + messageEnd,
		},
		routerconfig.WireGemini: {
			`{"candidates":[{"finishReason":"SAFETY","index":0}],` + geminiUsage + `}`,
			`data: {"candidates":[{"finishReason":"SAFETY","index":0}],` + geminiUsage + "}\n\n",
		},
	}
	refused = map[routerconfig.Wire][2]string{
		routerconfig.WireOpenAI: {
			`{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":"I cannot help with that."},"finish_reason":"stop"}],` + chatUsage + `}`,
			chunkHead + `{"index":0,"delta":{"role":"assistant","refusal":"I cannot help with that."},"finish_reason":null}]}` + "\n\n" +
				chunkHead + `{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n" + chunkHead + `],` + chatUsage + "}\n\ndata: [DONE]\n\n",
		},
		routerconfig.WireResponses: {
			`{` + responseBase + `,"status":"completed","output":[` + refusalItem + `]}`,
			"event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":" + responseHead + "}\n\n" +
				"event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":1,\"output_index\":0,\"item\":{\"id\":\"msg_1\",\"type\":\"message\",\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}}\n\n" +
				"event: response.content_part.added\ndata: {\"type\":\"response.content_part.added\",\"sequence_number\":2,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"part\":{\"type\":\"refusal\",\"refusal\":\"\"}}\n\n" +
				"event: response.refusal.delta\ndata: {\"type\":\"response.refusal.delta\",\"sequence_number\":3,\"item_id\":\"msg_1\",\"output_index\":0,\"content_index\":0,\"delta\":\"I cannot help with that.\"}\n\n" +
				"event: response.output_item.done\ndata: {\"type\":\"response.output_item.done\",\"sequence_number\":4,\"output_index\":0,\"item\":" + refusalItem + "}\n\n" +
				"event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":5,\"response\":{" + responseBase + `,"status":"completed","output":[` + refusalItem + "]}}\n\n",
		},
		routerconfig.WireAnthropic: {
			`{` + messageBase + `,"content":[{"type":"text","text":"I cannot help with that."}],"stop_reason":"refusal"}`,
			"event: message_start\ndata: {\"type\":\"message_start\",\"message\":" + messageHead + "}\n\n" +
				"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n" +
				"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"I cannot help with that.\"}}\n\n" +
				"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n" + messageEnd,
		},
	}
)

// sayings is how each client is told that an answer was withheld, and where it
// finds the words of a refusal.
var sayings = map[string]struct{ withheld, refused string }{
	"Chat":      {`"finish_reason":"content_filter"`, `"refusal":"I cannot help with that."`},
	"Responses": {`"incomplete_details":{"reason":"content_filter"}`, `"refusal":"I cannot help with that."`},
	"Messages":  {`"stop_reason":"refusal"`, `"text":"I cannot help with that."`},
	"Gemini":    {`"finishReason":"SAFETY"`, `"text":"I cannot help with that."`},
}

// An answer that the provider withholds is an answer: it is told as such, charged,
// and nobody else is asked, who might say what the first would not.
func TestWithheldAndRefusedAnswersAreToldAndCharged(t *testing.T) {
	for name, answers := range map[string]map[routerconfig.Wire][2]string{"withheld": withheld, "refused": refused} {
		h := newHostile(t, 5*time.Second, 3)
		h.does(func(rw http.ResponseWriter, r *http.Request, w *wire) {
			pair, streamed := answers[w.wire], r.Header.Get("Accept") == "text/event-stream"
			body := pair[0]
			if rw.Header().Set("Content-Type", "application/json"); streamed {
				rw.Header().Set("Content-Type", "text/event-stream")
				body = pair[1]
			}
			_, _ = io.WriteString(rw, body)
		})
		h.each(t, both, func(t *testing.T, s *speaker, w *wire, stream bool) {
			if answers[w.wire][0] == "" { // Gemini's models refuse in plain words
				return
			}
			a := h.send(t, s, w, stream)
			wantStatus(t, a, http.StatusOK)
			want := sayings[s.name].withheld
			if name == "refused" {
				want = sayings[s.name].refused
				if w.wire == routerconfig.WireAnthropic { // says its refusals as text
					want = "I cannot help with that."
				}
			}
			if !strings.Contains(a.body, want) {
				t.Errorf("%s: no %s in %s", name, want, a.body)
			}
			r := h.record(h.seen)
			h.seen++
			if r.Outcome != metricnames.OutcomeSuccess || r.Attempts != 1 || r.Usage.Estimated || r.Cost != pricing.Picodollars(9*50_000+2*400_000) {
				t.Errorf("record %+v", r)
			}
		})
	}
}

// Gemini answers a prompt that it does not take without a candidate.
func TestAPromptThatGeminiBlocks(t *testing.T) {
	h := newHostile(t, 5*time.Second, 3)
	h.does(func(rw http.ResponseWriter, r *http.Request, _ *wire) {
		const body = `{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":9,"totalTokenCount":9},"modelVersion":"m"}`
		if strings.Contains(r.URL.Path, "stream") {
			rw.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(rw, "data: "+body+"\n\n")
			return
		}
		_, _ = io.WriteString(rw, body)
	})
	for i := range speakers {
		for _, stream := range both {
			s := &speakers[i]
			a := h.send(t, s, &wires[3], stream)
			wantStatus(t, a, http.StatusOK)
			want := sayings[s.name].withheld
			if s.name == "Gemini" {
				want = `"blockReason":"PROHIBITED_CONTENT"`
			}
			if !strings.Contains(a.body, want) {
				t.Errorf("%s, stream %v: no %s in %s", s.name, stream, want, a.body)
			}
			r := h.record(h.seen)
			h.seen++
			if r.Outcome != metricnames.OutcomeSuccess || r.Attempts != 1 || r.Cost != 9*50_000 {
				t.Errorf("%s, stream %v: record %+v", s.name, stream, r)
			}
		}
	}
}
