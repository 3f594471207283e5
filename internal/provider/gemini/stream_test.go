package gemini_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/gemini"
)

// decode reads the events of a stream and says what each is.
func decode(t *testing.T, data ...string) (all []string, err error) {
	t.Helper()
	d := gemini.New().NewStreamDecoder()
	note := func(events []chat.Event) {
		for _, e := range events {
			all = append(all, strings.TrimSpace(kinds[e.Kind]+" "+e.Text))
		}
	}
	for _, one := range data {
		events, err := d.Decode(nil, "", []byte(one))
		note(events)
		if err != nil {
			return all, err
		}
	}
	note(d.End(nil))
	return all, nil
}

func TestStreamsAreTold(t *testing.T) {
	const a = `{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}`
	const stop = `{"candidates":[{"finishReason":"STOP"}]}`
	for name, tc := range map[string]struct {
		data []string
		want string
	}{
		"whole":                             {[]string{a, a, stop}, "start|part start|text a|text a|part end|finish|end"},
		"cut before its end":                {[]string{a, a}, "start|part start|text a|text a"},
		"cut with one choice open":          {[]string{`{"candidates":[{"finishReason":"STOP"},{"index":1,"content":{"parts":[{"text":"b"}]}}]}`}, "start|finish|part start|text b"},
		"of nothing":                        {nil, ""},
		"of usage alone":                    {[]string{`{"usageMetadata":{"promptTokenCount":1}}`}, "start|usage"},
		"usage told twice is told once":     {[]string{`{"usageMetadata":{"promptTokenCount":1}}`, `{"usageMetadata":{"promptTokenCount":1},"candidates":[{"finishReason":"STOP"}]}`}, "start|usage|finish|end"},
		"a blocked prompt":                  {[]string{`{"promptFeedback":{"blockReason":"SAFETY"}}`}, "start|finish|end"},
		"feedback that blocks nothing":      {[]string{`{"promptFeedback":{}}`, a, stop}, "start|part start|text a|part end|finish|end"},
		"an error in the middle":            {[]string{a, `{"error":{"code":503,"message":"Later."}}`}, "start|part start|text a|error"},
		"a mark of the end":                 {[]string{a, stop, `[DONE]`}, "start|part start|text a|part end|finish|end"},
		"a second finish reason":            {[]string{a, stop, stop}, "start|part start|text a|part end|finish|end"},
		"empty text":                        {[]string{`{"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP"}]}`}, "start|finish|end"},
		"a signature alone":                 {[]string{`{"candidates":[{"content":{"parts":[{"thoughtSignature":"AQID"}]}}]}`, a}, "start|part start|signature AQID|part end|part start|text a"},
		"a signed thought":                  {[]string{`{"candidates":[{"content":{"parts":[{"text":"h","thought":true,"thoughtSignature":"AQID"}]}}]}`}, "start|part start|text h|signature tsgeminiAQID|part end"},
		"thoughts and text are two parts":   {[]string{`{"candidates":[{"content":{"parts":[{"text":"h","thought":true},{"text":"a"}]}}]}`}, "start|part start|text h|part end|part start|text a"},
		"media and code are whole parts":    {[]string{`{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}},{"executableCode":{}}]}}]}`}, "start|part start|part end|part start|part end"},
		"sources of nothing":                {[]string{`{"candidates":[{"citationMetadata":{}}]}`}, "start"},
		"grounding":                         {[]string{`{"candidates":[{"groundingMetadata":{"a":1}}]}`}, "start|part start|citations"},
		"log probabilities":                 {[]string{`{"candidates":[{"logprobsResult":{"chosenCandidates":[{"token":"a"}]},"content":{"parts":[{"text":"a"}]}}]}`}, "start|part start|text a|logprobs"},
		"a single part that is not in list": {[]string{`{"candidates":{"content":{"parts":{"text":"a"}}}}`}, "start|part start|text a"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decode(t, tc.data...)
			if err != nil || strings.Join(got, "|") != tc.want {
				t.Errorf("%s %v", strings.Join(got, "|"), err)
			}
		})
	}
}

func TestWhatIsNoStreamIsRefused(t *testing.T) {
	for _, data := range []string{``, `{`, `<html>`, `{}`, `[]`, `{"choices":[]}`, `null`} {
		if got, err := decode(t, data); err == nil || strings.Contains(err.Error(), "choices") {
			t.Errorf("%s: %v %v", data, got, err)
		}
	}
}

// encode writes a stream and returns its bytes.
func encode(c chat.Codec, events ...chat.Event) string {
	e := c.NewStreamEncoder(&chat.Request{})
	var b []byte
	for _, ev := range events {
		b = e.Encode(b, ev)
	}
	return string(b)
}

func starts(kind chat.Kind, c *chat.ToolCall) chat.Event {
	return chat.Event{Kind: chat.EventPartStart, Start: &chat.Part{Kind: kind, Call: c}}
}

func TestStreamsAreWritten(t *testing.T) {
	const end = `"content":{"parts":[{"text":""}],"role":"model"},"finishReason":`
	finish := func(f chat.Finish) []chat.Event {
		return []chat.Event{{Kind: chat.EventFinish, Finish: f}, {Kind: chat.EventEnd}}
	}
	for name, tc := range map[string]struct {
		events []chat.Event
		want   string
	}{
		"a call is told in one piece": {append([]chat.Event{
			starts(chat.KindToolCall, &chat.ToolCall{ID: "a", Name: "f"}),
			{Kind: chat.EventArguments, Text: `{"x"`},
			{Kind: chat.EventArguments, Text: `:1}`},
			{Kind: chat.EventSignature, Text: "AQID"},
			{Kind: chat.EventPartEnd},
		}, finish(chat.FinishToolCalls)...), `data: {"candidates":[{"content":{"parts":[{"functionCall":{"id":"a","name":"f","args":{"x":1}},"thoughtSignature":"AQID"}],"role":"model"},"index":0}]}` + "\n\n" +
			`data: {"candidates":[{` + end + `"STOP","index":0}]}` + "\n\n"},
		"a call that cannot be read ends so": {append([]chat.Event{
			starts(chat.KindToolCall, &chat.ToolCall{ID: "a", Name: "f"}), {Kind: chat.EventArguments, Text: `{"x"`}, {Kind: chat.EventPartEnd},
		}, finish(chat.FinishToolCalls)...), `data: {"candidates":[{` + end + `"MALFORMED_FUNCTION_CALL","index":0}]}` + "\n\n"},
		"the usage comes with the end": {[]chat.Event{
			{Kind: chat.EventStart, Response: &chat.Response{ID: "r", Model: "m"}},
			{Kind: chat.EventFinish, Finish: chat.FinishLength},
			{Kind: chat.EventUsage, Response: &chat.Response{Usage: pricing.Usage{InputTokens: 5, OutputTokens: 3, ReasoningTokens: 1}}},
			{Kind: chat.EventEnd},
		}, `data: {"candidates":[{` + end + `"MAX_TOKENS","index":0}],"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":2,"totalTokenCount":8,"thoughtsTokenCount":1},"modelVersion":"m","responseId":"r"}` + "\n\n"},
		"what is cut has no end": {[]chat.Event{
			starts(chat.KindText, nil), {Kind: chat.EventText, Text: "a"}, {Kind: chat.EventText}, {Kind: chat.EventFinish, Finish: chat.FinishStop},
		}, `data: {"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"index":0}]}` + "\n\n"},
		"a thought and its signature": {[]chat.Event{
			starts(chat.KindThinking, nil), {Kind: chat.EventText, Text: "h"}, {Kind: chat.EventSignature, Text: "AQID"}, {Kind: chat.EventPartEnd},
		}, `data: {"candidates":[{"content":{"parts":[{"text":"h","thought":true}],"role":"model"},"index":0}]}` + "\n\n" +
			`data: {"candidates":[{"content":{"parts":[{"text":"","thought":true,"thoughtSignature":"tssignedQVFJRA=="}],"role":"model"},"index":0}]}` + "\n\n"},
		"a signature that Google's SDK could not read is wrapped": {
			[]chat.Event{starts(chat.KindThinking, nil), {Kind: chat.EventSignature, Text: "a:b"}},
			`data: {"candidates":[{"content":{"parts":[{"text":"","thought":true,"thoughtSignature":"tssignedYTpi"}],"role":"model"},"index":0}]}` + "\n\n",
		},
		"a part that comes whole": {
			[]chat.Event{{Kind: chat.EventPartStart, Start: &chat.Part{Kind: chat.KindText, Text: "a"}}, {Kind: chat.EventPartEnd}},
			`data: {"candidates":[{"content":{"parts":[{"text":"a"}],"role":"model"},"index":0}]}` + "\n\n",
		},
		"a picture": {
			[]chat.Event{{Kind: chat.EventPartStart, Start: &chat.Part{Kind: chat.KindImage, Media: &chat.Media{MIMEType: "image/png", Data: "AAAA"}}}},
			`data: {"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}}],"role":"model"},"index":0}]}` + "\n\n",
		},
		"log probabilities": {
			[]chat.Event{{Kind: chat.EventLogProbs, Choice: 1, JSON: []byte(`{"content":[{"token":"a","logprob":-1}]}`)}},
			`data: {"candidates":[{"index":1,"logprobsResult":{"topCandidates":[{"candidates":[]}],"chosenCandidates":[{"token":"a","logProbability":-1}]}}]}` + "\n\n",
		},
		"a ping is no comment": {[]chat.Event{{Kind: chat.EventPing}}, "\n\n"},
		"an error":             {[]chat.Event{{Kind: chat.EventError, Err: &chat.Error{Class: chat.ErrorOverloaded, Message: "Later."}}}, `data: {"error":{"code":503,"message":"Later.","status":"UNAVAILABLE"}}` + "\n\n"},
		"an error of nothing":  {[]chat.Event{{Kind: chat.EventError}}, `data: {"error":{"code":500,"message":"the stream failed","status":"INTERNAL"}}` + "\n\n"},
		"events of nothing":    {[]chat.Event{{Kind: chat.EventPartStart}, {Kind: chat.EventPartEnd}, {Kind: chat.EventStart}, {Kind: chat.EventUsage}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := encode(gemini.New(), tc.events...); got != tc.want {
				t.Errorf("%s", got)
			}
		})
	}
}

func TestAnArrayIsWhole(t *testing.T) {
	text := []chat.Event{{Kind: chat.EventStart}, starts(chat.KindText, nil), {Kind: chat.EventText, Text: "a"}, {Kind: chat.EventPing}, {Kind: chat.EventText, Text: "b"}}
	for name, tc := range map[string]struct {
		end   chat.Event
		count int
	}{
		"with an answer":             {chat.Event{Kind: chat.EventEnd}, 3},
		"with an error":              {chat.Event{Kind: chat.EventError, Err: &chat.Error{Message: "x"}}, 3},
		"with nothing but the error": {chat.Event{Kind: chat.EventError}, 1},
	} {
		events := text
		if tc.count == 1 {
			events = nil
		}
		var all []map[string]json.RawMessage
		got := encode(gemini.NewArray(), append(append([]chat.Event{}, events...), tc.end)...)
		if err := json.Unmarshal([]byte(got), &all); err != nil || len(all) != tc.count {
			t.Errorf("%s: %s %v", name, got, err)
		}
	}
}
