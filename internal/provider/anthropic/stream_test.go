package anthropic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
)

// recorded is a stream as the API sends it.
const recorded = `event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-opus-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":20,"cache_creation_input_tokens":6,"cache_read_input_tokens":100,"cache_creation":{"ephemeral_5m_input_tokens":2,"ephemeral_1h_input_tokens":4},"output_tokens":1,"service_tier":"standard"}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: ping
data: {"type":"ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Two — «calls»"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"c2ln"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"eHg="}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Say \"hi\"\n"}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"citations_delta","citation":{"type":"page_location","cited_text":"y"}}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: content_block_start
data: {"type":"content_block_start","index":3,"content_block":{"type":"server_tool_use","id":"s1","name":"web_search","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"query\":\"q\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":3}

event: content_block_start
data: {"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{\"a\":"}}

event: content_block_delta
data: {"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"1}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":4}

event: brand_new
data: {"type":"brand_new"}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":30,"output_tokens_details":{"thinking_tokens":12}}}

event: message_stop
data: {"type":"message_stop"}

`

type sse struct{ name, data string }

// split cuts a stream into its events.
func split(t testing.TB, stream string) (out []sse) {
	t.Helper()
	for _, e := range strings.Split(strings.TrimSuffix(stream, "\n\n"), "\n\n") {
		name, data, ok := strings.Cut(e, "\ndata: ")
		if !ok || strings.Contains(data, "\n") || !json.Valid([]byte(data)) {
			t.Fatalf("no event: %q", e)
		}
		out = append(out, sse{strings.TrimPrefix(name, "event: "), data})
	}
	return out
}

// decoded are the events that a stream says, each with slices of its own.
func decoded(t testing.TB, stream string) []chat.Event {
	t.Helper()
	d := New().NewStreamDecoder()
	var out []chat.Event
	for _, e := range split(t, stream) {
		events, err := d.Decode(nil, e.name, []byte(e.data))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			e.JSON = bytes.Clone(e.JSON)
			out = append(out, e)
		}
	}
	return d.End(out)
}

func encoded(events []chat.Event) string {
	s := New().NewStreamEncoder(&chat.Request{Model: "asked"})
	var out []byte
	for _, e := range events {
		out = s.Encode(out, e)
	}
	return string(out)
}

// brief tells events in few words.
func brief(events []chat.Event) string {
	names := map[chat.EventKind]string{
		chat.EventStart: "start", chat.EventPartStart: "part", chat.EventText: "text", chat.EventArguments: "args",
		chat.EventSignature: "signature", chat.EventCitations: "citations", chat.EventPartEnd: "end-part", chat.EventFinish: "finish",
		chat.EventUsage: "usage", chat.EventPing: "ping", chat.EventEnd: "end", chat.EventError: "error",
	}
	var out []string
	for _, e := range events {
		s := names[e.Kind]
		switch {
		case e.Start != nil:
			s += fmt.Sprintf("%d:%d", e.Part, e.Start.Kind)
		case e.Kind == chat.EventFinish:
			s += fmt.Sprint(e.Finish)
		case e.Text != "":
			s += "(" + e.Text + ")"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestAStreamIsDecodedEventByEvent(t *testing.T) {
	events := decoded(t, recorded)
	want := "start part0:7 ping text(Two — «calls») signature(c2ln) end-part part1:8 end-part part2:1 text(Say \"hi\"\n) citations end-part " +
		`part3:10 args({"query":"q"}) end-part part4:5 args({"a":) args(1}) end-part finish4 usage end`
	if got := brief(events); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	start, usage := events[0].Response, events[len(events)-2].Response
	if start.Usage.InputTokens != 126 || start.ServiceTier != "default" || start.ID != "msg_1" {
		t.Errorf("start: %+v", start)
	}
	total := pricing.Usage{InputTokens: 126, CachedInputTokens: 100, CacheWriteTokens: 2, CacheWrite1hTokens: 4, OutputTokens: 30, ReasoningTokens: 12}
	if usage.Usage != total {
		t.Errorf("usage: %+v", usage.Usage)
	}
}

func TestAStreamOverItsOwnWireSaysTheSame(t *testing.T) {
	first := decoded(t, recorded)
	again := encoded(first)
	second := decoded(t, again)
	if a, b := brief(first), brief(second); a != b {
		t.Errorf("%s\n%s", a, b)
	}
	if !strings.HasSuffix(again, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n") {
		t.Errorf("end: %s", again)
	}
	if got := second[len(second)-2].Response.Usage; got != first[len(first)-2].Response.Usage {
		t.Errorf("usage: %+v", got)
	}
}

func TestAnAnswerThatIsCutIsNotEnded(t *testing.T) {
	events := split(t, recorded)
	for n := range events {
		d := New().NewStreamDecoder()
		var out []chat.Event
		for _, e := range events[:n] {
			out, _ = d.Decode(out, e.name, []byte(e.data))
		}
		out = d.End(out)
		whole := n >= len(events)-1 // the reason of the end was told
		ended := len(out) > 0 && out[len(out)-1].Kind == chat.EventEnd
		if ended != whole {
			t.Errorf("after %d of %d events: ended %v", n, len(events), ended)
		}
		if got := encoded(out); strings.Contains(got, "message_delta") != whole {
			t.Errorf("after %d events the client is told of an end", n)
		}
	}
}

func TestStreamsThatAreNoneAreRefused(t *testing.T) {
	start := `{"type":"message_start","message":{"id":"m"}}`
	for name, tc := range map[string][]string{
		"another wire's":         {`{"id":"chatcmpl-1","choices":[]}`},
		"no JSON":                {`<html>`},
		"no start":               {`{"type":"content_block_stop","index":0}`},
		"two starts":             {start, start},
		"a start of nothing":     {`{"type":"message_start"}`},
		"a block of no block":    {start, `{"type":"content_block_start","index":0,"content_block":7}`},
		"a block without a body": {start, `{"type":"content_block_start","index":0}`},
	} {
		d := New().NewStreamDecoder()
		var err error
		for _, data := range tc {
			_, err = d.Decode(nil, "", []byte(data))
		}
		if err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func TestAnErrorEndsAStream(t *testing.T) {
	for name, e := range map[string]sse{
		"by its type":          {"error", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`},
		"by its name, no JSON": {"error", `Overloaded`},
		"by its name, no type": {"error", `{"message":"Overloaded"}`},
		"without a name":       {"", `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`},
	} {
		d := New().NewStreamDecoder()
		out, err := d.Decode(nil, e.name, []byte(e.data))
		if err != nil || len(out) != 1 || out[0].Kind != chat.EventError || out[0].Err.Message != "Overloaded" {
			t.Fatalf("%s: %v %+v", name, err, out)
		}
		if more, _ := d.Decode(nil, "message_stop", []byte(`{"type":"message_stop"}`)); len(d.End(more)) != 0 {
			t.Errorf("%s: it goes on", name)
		}
	}
	want := "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}\n\n"
	if got := encoded([]chat.Event{{Kind: chat.EventError, Err: &chat.Error{Class: chat.ErrorOverloaded, Message: "m"}}}); got != want {
		t.Errorf("encoded: %s", got)
	}
	if got := encoded([]chat.Event{{Kind: chat.EventError}}); !strings.Contains(got, "api_error") {
		t.Errorf("encoded: %s", got)
	}
}

func TestStreamsOfOtherWiresAreTold(t *testing.T) {
	part := func(i int64, p chat.Part) chat.Event {
		return chat.Event{Kind: chat.EventPartStart, Part: i, Start: &p}
	}
	text := func(i int64, s string) chat.Event { return chat.Event{Kind: chat.EventText, Part: i, Text: s} }
	events := []chat.Event{
		{Kind: chat.EventStart, Response: &chat.Response{ID: "x"}},
		text(0, "said at once"), // without a start
		part(1, chat.Part{Kind: chat.KindImage}), text(1, "?"),
		{Kind: chat.EventPartEnd, Part: 1},
		part(2, chat.Part{Kind: chat.KindRefusal}), text(2, "No."),
		{Kind: chat.EventSignature, Part: 2, Text: "gemini's"},
		{Kind: chat.EventCitations, Part: 2, JSON: json.RawMessage(`[{"type":"url_citation"}]`)},
		{Kind: chat.EventLogProbs, Part: 2, JSON: json.RawMessage(`{}`)},
		{Kind: chat.EventPartEnd, Part: 2},
		part(3, chat.Part{Kind: chat.KindToolCall, Call: &chat.ToolCall{ID: "1", Name: "f", Arguments: "{}"}}),
		{Kind: chat.EventFinish, Finish: chat.FinishStop, StopSequence: "END"},
		{Kind: chat.EventText, Choice: 1, Text: "another choice"},
		{Kind: chat.EventPing},
		{Kind: chat.EventUsage, Response: &chat.Response{Usage: pricing.Usage{InputTokens: 3, OutputTokens: 4}}},
		{Kind: chat.EventEnd},
	}
	want := "start part0:1 text(said at once) end-part part1:1 text(No.) end-part part2:5 args({}) ping end-part finish4 usage end"
	out := encoded(events)
	if got := brief(decoded(t, out)); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if !strings.Contains(out, `"model":"asked"`) || !strings.Contains(out, `"stop_reason":"tool_use","stop_sequence":"END"`) || strings.Contains(out, "another") {
		t.Errorf("%s", out)
	}
	if got := brief(decoded(t, encoded([]chat.Event{{Kind: chat.EventPartStart}, {Kind: chat.EventArguments, Text: "x"}, {Kind: chat.EventEnd}}))); got != "start finish1 usage end" {
		t.Errorf("nothing: %s", got)
	}
}

func TestTheStreamedToolThatStandsForTheAnswerIsText(t *testing.T) {
	stream := strings.ReplaceAll(recorded, `"name":"f"`, `"name":"tiershift_answer"`)
	got := brief(decoded(t, stream))
	if want := `part4:1 text({"a":) text(1}) end-part finish1 usage end`; !strings.HasSuffix(got, want) {
		t.Errorf("%s", got)
	}
}

func TestAStreamedRefusalWithoutAWordIsExplained(t *testing.T) {
	got := brief(decoded(t, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"}}\n\n"+
		"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\",\"stop_details\":{\"explanation\":\"Not this.\"}}}\n\n"))
	if want := "start part0:9 text(Not this.) end-part finish6 end"; got != want {
		t.Errorf("%s", got)
	}
}

func TestABlockMayBeginWithAllThatItSays(t *testing.T) {
	got := brief(decoded(t, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\"}}\n\n"+
		"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"s\"}}\n\n"+
		"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"text\",\"text\":\"t\",\"citations\":[{\"type\":\"page_location\"}]}}\n\n"+
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"citations_delta\"}}\n\n"+
		"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"new_delta\"}}\n\n"))
	if want := "start part0:7 text(hm) signature(s) part1:1 text(t) citations"; got != want {
		t.Errorf("%s", got)
	}
}
