package translate_test

import (
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/provider/anthropic"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/openaichat"
	"github.com/tiershift/tiershift/internal/provider/translate"
)

const chatStream = `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}

data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"Par"}}]}

: a comment

data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{"content":"is."}}]}

data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"length"}]}

data: [DONE]

`

const messagesStream = `event: message_start
data: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],"model":"m","usage":{"input_tokens":3,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"find","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"q\":"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"1}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}

event: message_stop
data: {"type":"message_stop"}

`

func gather(codec chat.Codec, stream string, limit, chunk int) *chat.Response {
	g := translate.NewGatherer(codec.NewStreamDecoder(), limit)
	for len(stream) > 0 {
		n := min(chunk, len(stream))
		g.Feed([]byte(stream[:n]))
		stream = stream[n:]
	}
	return g.Response()
}

func TestAnAnswerIsGatheredHoweverItsBytesCome(t *testing.T) {
	for chunk := 1; chunk < 400; chunk += 7 {
		r := gather(openaichat.New(), chatStream, 1000, chunk)
		if r == nil || len(r.Choices) != 1 || r.Choices[0].Finish != chat.FinishLength || len(r.Choices[0].Parts) != 1 || r.Choices[0].Parts[0].Text != "Paris." {
			t.Fatalf("in chunks of %d: got %+v", chunk, r)
		}
		r = gather(anthropic.New(), messagesStream, 1000, chunk)
		if r == nil || len(r.Choices) != 1 || r.Choices[0].Finish != chat.FinishToolCalls || r.Choices[0].Parts[0].Call == nil {
			t.Fatalf("in chunks of %d: got %+v", chunk, r)
		}
		if call := r.Choices[0].Parts[0].Call; call.Name != "find" || call.Arguments != `{"q":1}` {
			t.Fatalf("in chunks of %d: got %+v", chunk, call)
		}
	}
}

func TestWhatIsNotWholeIsNoAnswer(t *testing.T) {
	for name, r := range map[string]*chat.Response{
		"cut":      gather(openaichat.New(), strings.Split(chatStream, `data: {"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},"finish`)[0], 1000, 50),
		"too long": gather(openaichat.New(), chatStream, 5, 50),
		"no JSON":  gather(openaichat.New(), "data: {\n\n"+chatStream, 1000, 50),
		"empty":    gather(openaichat.New(), "", 1000, 50),
	} {
		if r != nil {
			t.Errorf("%s: got %+v", name, r)
		}
	}
}
