package responses

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/provider/chat"
)

func TestFaultyRequestsNameTheField(t *testing.T) {
	for name, tc := range map[string]struct{ body, field string }{
		"no JSON":                  {`{"model"`, ""},
		"a list":                   {`[]`, ""},
		"no input":                 {`{"model":"m"}`, "input"},
		"input of no kind":         {`{"input":3}`, "input"},
		"an item of no kind":       {`{"input":["hi"]}`, "input[0]"},
		"no role":                  {`{"input":[{"content":"hi"}]}`, "input[0].role"},
		"an unknown role":          {`{"input":[{"role":"king","content":"hi"}]}`, "input[0].role"},
		"no content":               {`{"input":[{"role":"user"}]}`, "input[0].content"},
		"a part of no kind":        {`{"input":[{"role":"user","content":[1]}]}`, "input[0].content[0]"},
		"an unknown part":          {`{"input":[{"role":"user","content":[{"type":"image_url"}]}]}`, "input[0].content[0].type"},
		"an image at no URL":       {`{"input":[{"role":"user","content":[{"type":"input_image","image_url":"cat"}]}]}`, "input[0].content[0].image_url"},
		"bad base64":               {`{"input":[{"role":"user","content":[{"type":"input_file","file_data":"data:a/b;base64,!"}]}]}`, "input[0].content[0].file_data"},
		"an empty file":            {`{"input":[{"role":"user","content":[{"type":"input_file"}]}]}`, "input[0].content[0]"},
		"sound of an unknown form": {`{"input":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"aGk=","format":"ogg"}}]}]}`, "input[0].content[0].input_audio.format"},
		"a call without an id":     {`{"input":[{"type":"function_call","name":"f"}]}`, "input[0].call_id"},
		"a result of no call":      {`{"input":[{"type":"function_call_output","call_id":"x","output":"1"}]}`, "input[0].call_id"},
		"a result without output":  {`{"previous_response_id":"r","input":[{"type":"function_call_output","call_id":"x"}]}`, "input[0].output"},
		"a tool without a name":    {`{"input":"hi","tools":[{"type":"function"}]}`, "tools[0].name"},
		"a tool of no kind":        {`{"input":"hi","tools":[7]}`, "tools[0]"},
		"a choice of no tool":      {`{"input":"hi","tool_choice":{"type":"function","name":"f"}}`, "tool_choice"},
		"an unknown choice":        {`{"input":"hi","tool_choice":"perhaps"}`, "tool_choice"},
		"a choice of no kind":      {`{"input":"hi","tool_choice":1}`, "tool_choice"},
		"an unknown format":        {`{"input":"hi","text":{"format":{"type":"xml"}}}`, "text.format.type"},
		"no schema":                {`{"input":"hi","text":{"format":{"type":"json_schema","name":"x"}}}`, "text.format.schema"},
		"an unknown effort":        {`{"input":"hi","reasoning":{"effort":"heroic"}}`, "reasoning.effort"},
		"a cap of no kind":         {`{"input":"hi","max_output_tokens":"9"}`, "max_output_tokens"},
		"instructions of no kind":  {`{"input":"hi","instructions":[]}`, "instructions"},
		"include of no kind":       {`{"input":"hi","include":"all"}`, "include"},
	} {
		r, err := New().DecodeRequest([]byte(tc.body))
		var fault *chat.FieldError
		if !errors.As(err, &fault) || fault.Field != tc.field || fault.Problem == "" {
			t.Errorf("%s: %+v, error %v, want one of %q", name, r, err, tc.field)
		}
	}
}

func TestStateOfTheProviderCannotLeaveIt(t *testing.T) {
	for member, harmless := range map[string]bool{
		`"previous_response_id":"resp_1"`: false, `"conversation":{"id":"c"}`: false, `"prompt":{"id":"p"}`: false, `"background":true`: false,
		`"background":false`: true, `"store":true`: true, `"truncation":"auto"`: true, `"max_tool_calls":3`: true, `"new_hint":1`: true,
		`"tools":[{"type":"mcp","server_label":"x"}]`: false, `"tool_choice":{"type":"web_search"}`: false, `"reasoning":{"mode":"deep"}`: true,
	} {
		r, err := New().DecodeRequest([]byte(`{"input":"hi",` + member + `}`))
		if err != nil || len(r.Native) != 1 || r.Native[0].Harmless != harmless || r.Native[0].Wire != chat.WireResponses {
			t.Errorf("%s: %+v %v", member, r, err)
			continue
		}
		if !harmless && !strings.Contains(r.Native[0].Unsupported("X").Error(), "cannot be carried over X: "+r.Native[0].Reason) {
			t.Errorf("%s: %v", member, r.Native[0].Unsupported("X"))
		}
		e, err := New().EncodeRequest(r, chat.Upstream{Model: "m"})
		if err != nil || !strings.Contains(string(e.Body), member) {
			t.Errorf("%s: its own wire gets %v %s", member, err, e.Body)
		}
	}
	for _, item := range []string{`{"type":"item_reference","id":"x"}`, `{"type":"computer_call"}`, `{"type":"mcp_call"}`} {
		if r, err := New().DecodeRequest([]byte(`{"input":[` + item + `]}`)); err != nil || len(r.Native) != 1 || r.Native[0].Harmless || r.Native[0].Field != "input[0]" {
			t.Errorf("%s: %+v %v", item, r, err)
		}
	}
}

func user(parts ...chat.Part) []chat.Message {
	return []chat.Message{{Role: chat.RoleUser, Parts: parts}}
}

func TestRequestsThatThisWireCannotCarryAreRefusedByName(t *testing.T) {
	media := func(kind chat.Kind, m chat.Media) *chat.Request {
		return &chat.Request{Wire: chat.WireAnthropic, Messages: user(chat.Part{Kind: kind, Media: &m})}
	}
	for name, tc := range map[string]struct {
		r     *chat.Request
		field string
	}{
		"stop":               {&chat.Request{Wire: chat.WireAnthropic, Stop: []string{"x"}}, "stop_sequences"},
		"several answers":    {&chat.Request{Wire: chat.WireGemini, Candidates: 2}, "generationConfig.candidateCount"},
		"sound":              {media(chat.KindAudio, chat.Media{Data: "aGk="}), "messages[0].content[0]"},
		"a foreign file":     {media(chat.KindDocument, chat.Media{FileID: "f"}), "messages[0].content[0]"},
		"a foreign image":    {media(chat.KindImage, chat.Media{FileID: "f"}), "messages[0].content[0]"},
		"a foreign tool":     {&chat.Request{Native: []chat.Native{{Field: "tools[0]", Wire: chat.WireAnthropic}}}, "tools[0]"},
		"a picture answered": {&chat.Request{Messages: []chat.Message{{Role: chat.RoleAssistant, Parts: []chat.Part{{Kind: chat.KindImage}}}}}, "messages[0].content[0]"},
	} {
		_, err := New().EncodeRequest(tc.r, chat.Upstream{Model: "m"})
		var refusal *chat.Unsupported
		if !errors.As(err, &refusal) || refusal.Field != tc.field || refusal.Reason == "" || refusal.Wire != wire {
			t.Errorf("%s: %v, want a refusal of %s", name, err, tc.field)
		}
	}
	for _, r := range []*chat.Request{
		{Messages: user(chat.Part{Kind: chat.KindToolCall, Call: &chat.ToolCall{}})},
		{Messages: []chat.Message{{Role: chat.RoleTool, Parts: []chat.Part{{Kind: chat.KindText}}}}},
	} {
		var fault *chat.FieldError
		if _, err := New().EncodeRequest(r, chat.Upstream{}); !errors.As(err, &fault) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

func TestRequestsOfOtherWiresAreStatelessAndKeepTheirThoughts(t *testing.T) {
	k, half, no, show := int64(1), 0.5, false, true
	r := &chat.Request{
		Wire: chat.WireOpenAIChat, TopK: &k, Seed: &k, FrequencyPenalty: &half, PresencePenalty: &half, MaxOutputTokens: 500,
		Tools: []chat.Tool{{Name: "f", Strict: &no, Cache: &chat.CacheControl{}}}, ToolChoice: chat.ToolChoice{Mode: chat.ToolModeRequired},
		Reasoning: chat.Reasoning{BudgetTokens: 20000, Show: &show}, Format: chat.Format{Kind: chat.FormatSchema, Schema: json.RawMessage(`{"type":"object"}`)},
		Native: []chat.Native{
			{Field: "verbosity", Value: json.RawMessage(`"high"`), Harmless: true, Wire: chat.WireOpenAIChat},
			{Field: "prompt_cache_retention", Value: json.RawMessage(`"24h"`), Harmless: true, Wire: chat.WireOpenAIChat},
			{Field: "store", Value: json.RawMessage(`true`), Harmless: true, Wire: chat.WireOpenAIChat},
		},
		Messages: append(user(chat.Part{Kind: chat.KindDocument, Media: &chat.Media{MIMEType: "text/plain", Data: "aGk="}}), chat.Message{
			Role: chat.RoleAssistant, Parts: []chat.Part{
				{Kind: chat.KindThinking, Text: "mine", Signature: "openai:rs_5:gAAA"},
				{Kind: chat.KindThinking, Text: "foreign", Signature: "EqQB"},
				{Kind: chat.KindText, Text: "Hi"},
			},
		}),
	}
	e, err := New().EncodeRequest(r, chat.Upstream{Model: "m", Reasons: true, MaxOutputTokens: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"store":false`, `"include":["reasoning.encrypted_content"]`, `"reasoning":{"effort":"high","summary":"auto"}`, `"max_output_tokens":100`,
		`{"type":"reasoning","id":"rs_5","summary":[{"type":"summary_text","text":"mine"}],"encrypted_content":"gAAA"}`, `"verbosity":"high"`,
		`"prompt_cache_retention":"24h"`, `"strict":false`, `"tool_choice":"required"`, `{"type":"input_text","text":"hi"}`, `"name":"answer"`,
	} {
		if !strings.Contains(string(e.Body), want) {
			t.Errorf("no %s in %s", want, e.Body)
		}
	}
	if got := strings.Join(e.Dropped, ","); got != "cache_control,frequency_penalty,messages[1] (thinking),presence_penalty,seed,store,top_k" {
		t.Errorf("dropped %s", got)
	}
	e, err = New().EncodeRequest(r, chat.Upstream{Model: "m"})
	if err != nil || strings.Contains(string(e.Body), `"reasoning":`) || !strings.Contains(strings.Join(e.Dropped, ","), "reasoning_effort") {
		t.Errorf("%v: a model that does not reason gets %s, dropped %v", err, e.Body, e.Dropped)
	}
}

func TestWhatIsNoAnswerIsRefused(t *testing.T) {
	for body, class := range map[string]chat.ErrorClass{
		`<html>`: 0, `{}`: 0, `{"output":3}`: 0, `{"output":[],"status":"in_progress"}`: 0,
		`{"output":[],"status":"failed"}`: chat.ErrorInternal, `[{"error":"x"}]`: chat.ErrorInternal,
		`{"output":[],"status":"failed","error":{"code":"rate_limit_exceeded","message":"slow"}}`: chat.ErrorRateLimited,
	} {
		_, err := New().DecodeResponse([]byte(body))
		var said *chat.Error
		if err == nil || errors.As(err, &said) != (class != 0) || said != nil && said.Class != class {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestAnswersOfOtherWiresComeBackSigned(t *testing.T) {
	parts := []chat.Part{
		{Kind: chat.KindRedactedThinking, Data: "b3BhcXVl"},
		{Kind: chat.KindThinking, Text: "hm", Signature: "EqQB"},
		{Kind: chat.KindText, Text: "a", Signature: "dGV4dA=="},
		{Kind: chat.KindToolCall, Signature: "c2ln", Call: &chat.ToolCall{ID: "c", Name: "f", Arguments: "{}"}},
	}
	r := &chat.Response{ID: "msg_01/x", Choices: []chat.Choice{{Parts: parts, Finish: chat.FinishToolCalls}}}
	check := func(how string, body []byte) {
		var answer struct {
			ID     string
			Output []json.RawMessage
		}
		if err := json.Unmarshal(body, &answer); err != nil || answer.ID != "resp_msg_01x" {
			t.Fatal(how, err, answer.ID)
		}
		input, _ := json.Marshal(map[string]any{"input": answer.Output})
		back, err := New().DecodeRequest(input)
		if err != nil || len(back.Messages) != 1 || string(show(t, back.Messages[0].Parts)) != string(show(t, parts)) {
			t.Errorf("%s: %v\n%s", how, err, show(t, back))
		}
		again, err := New().DecodeResponse(body)
		if err != nil || string(show(t, again.Choices[0].Parts)) != string(show(t, parts)) {
			t.Errorf("%s: %v\n%s", how, err, show(t, again))
		}
	}
	check("whole", New().EncodeResponse(r))
	e := New().NewStreamEncoder(&chat.Request{})
	out := e.Encode(nil, chat.Event{Kind: chat.EventPartEnd}) // before the start it says nothing
	out = e.Encode(out, chat.Event{Kind: chat.EventPing})
	out = e.Encode(out, chat.Event{Kind: chat.EventStart, Response: r})
	for i, p := range parts {
		start := chat.Part{Kind: p.Kind, Data: p.Data, Call: p.Call}
		steps := []chat.Event{{Kind: chat.EventPartStart, Start: &start}, {Kind: chat.EventSignature, Text: p.Signature}, {Kind: chat.EventPartEnd}}
		text := chat.Event{Kind: chat.EventText, Text: p.Text}
		if p.Call != nil {
			text = chat.Event{Kind: chat.EventArguments, Text: p.Call.Arguments}
		}
		for _, step := range append(steps[:1:1], append([]chat.Event{text}, steps[1:]...)...) {
			if step.Part = int64(i); step.Text != "" || step.Kind == chat.EventPartStart || step.Kind == chat.EventPartEnd {
				out = e.Encode(out, step)
			}
		}
	}
	out = e.Encode(out, chat.Event{Kind: chat.EventText, Choice: 1, Text: "another answer is not told"})
	out = e.Encode(out, chat.Event{Kind: chat.EventFinish, Finish: chat.FinishToolCalls})
	out = e.Encode(out, chat.Event{Kind: chat.EventEnd})
	all := events(out)
	var last struct{ Response json.RawMessage }
	if err := json.Unmarshal([]byte(all[len(all)-1][1]), &last); err != nil || strings.Contains(string(out), "another") || !strings.HasPrefix(string(out), ": ping\n\n") {
		t.Fatal(err, string(out))
	}
	check("streamed", last.Response)
}

func TestEveryFinishHasItsStatus(t *testing.T) {
	text := []chat.Part{{Kind: chat.KindText, Text: "a"}}
	for _, tc := range []struct {
		finish chat.Finish
		parts  []chat.Part
		want   string
	}{
		{chat.FinishUnknown, text, "completed/"},
		{chat.FinishStop, text, "completed/"},
		{chat.FinishStopSequence, text, "completed/"},
		{chat.FinishToolCalls, nil, "completed/"},
		{chat.FinishRefusal, text, "completed/"},
		{chat.FinishRefusal, nil, "incomplete/content_filter"},
		{chat.FinishContentFilter, text, "incomplete/content_filter"},
		{chat.FinishLength, text, "incomplete/max_output_tokens"},
		{chat.FinishContextWindow, text, "incomplete/max_output_tokens"},
		{chat.FinishPause, text, "incomplete/max_output_tokens"},
	} {
		body := New().EncodeResponse(&chat.Response{Choices: []chat.Choice{{Parts: tc.parts, Finish: tc.finish}}})
		e := New().NewStreamEncoder(&chat.Request{})
		out := e.Encode(nil, chat.Event{Kind: chat.EventStart, Response: &chat.Response{}})
		for i := range tc.parts {
			out = e.Encode(out, chat.Event{Kind: chat.EventPartStart, Start: &tc.parts[i]})
		}
		out = e.Encode(out, chat.Event{Kind: chat.EventFinish, Finish: tc.finish})
		all := events(e.Encode(out, chat.Event{Kind: chat.EventEnd}))
		var last struct{ Response json.RawMessage }
		_ = json.Unmarshal([]byte(all[len(all)-1][1]), &last)
		for how, raw := range map[string][]byte{"whole": body, "streamed": last.Response} {
			var got struct {
				Status  string
				Details struct{ Reason string } `json:"incomplete_details"`
			}
			if err := json.Unmarshal(raw, &got); err != nil || got.Status+"/"+got.Details.Reason != tc.want {
				t.Errorf("finish %d, %s: %s, want %s", tc.finish, how, got.Status+"/"+got.Details.Reason, tc.want)
			}
		}
	}
	r, err := New().DecodeResponse([]byte(`{"output":[],"status":"incomplete","incomplete_details":{"reason":"steered"}}`))
	if err != nil || r.Choices[0].Finish != chat.FinishPause {
		t.Errorf("%v %+v", err, r)
	}
}

func TestStreamsThatAreNoneAreFaults(t *testing.T) {
	for _, data := range []string{"hello", "[]", "3"} {
		if _, err := New().NewStreamDecoder().Decode(nil, "", []byte(data)); err == nil {
			t.Errorf("%s is taken for an event", data)
		}
	}
	d := New().NewStreamDecoder()
	list, err := d.Decode(nil, "", []byte("[DONE]"))
	list = d.End(list)
	if err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
	list, _ = d.Decode(nil, "", []byte(`{"error":{"message":"boom","type":"x"}}`))
	if more, _ := d.Decode(list, "", []byte(`{"type":"response.completed","response":{}}`)); len(more) != 1 || more[0].Err.Message != "boom" {
		t.Errorf("%v", more)
	}
	if e := New().DecodeError(429, nil); e.Class != chat.ErrorRateLimited || !strings.Contains(string(New().EncodeError(e)), "rate_limit_exceeded") {
		t.Errorf("error: %+v", e)
	}
}

func FuzzDecodeRequest(f *testing.F) {
	for _, body := range files(f, "requests/*.json") {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := New().DecodeRequest(body)
		if err != nil {
			return
		}
		if e, err := New().EncodeRequest(r, chat.Upstream{Model: "m", Reasons: true}); err == nil && !json.Valid(e.Body) {
			t.Fatalf("no JSON: %s", e.Body)
		}
	})
}

func FuzzDecodeResponse(f *testing.F) {
	for _, body := range files(f, "responses/*.json") {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if r, err := New().DecodeResponse(body); err == nil {
			if out := New().EncodeResponse(r); !json.Valid(out) {
				t.Fatalf("no JSON: %s", out)
			}
		}
	})
}

func FuzzStream(f *testing.F) {
	for _, body := range files(f, "streams/*.sse") {
		f.Add(body, false)
	}
	f.Fuzz(func(t *testing.T, body []byte, probs bool) {
		_, out := translate(New(), &chat.Request{LogProbs: probs}, body)
		for _, e := range events(out) {
			var head struct{ Type string }
			if json.Unmarshal([]byte(e[1]), &head) != nil || head.Type != e[0] {
				t.Fatalf("no event: %q", e)
			}
		}
	})
}

func BenchmarkStreamEvent(b *testing.B) {
	delta := []byte(`{"type":"response.output_text.delta","sequence_number":14,"item_id":"msg_67ccd190ca3881909c433c50b1f6357e087bb177ab789d5c","output_index":0,"content_index":0,"delta":" wonderful","logprobs":[],"obfuscation":"hJ3kL"}`)
	var list []chat.Event
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		d, e := New().NewStreamDecoder(), New().NewStreamEncoder(&chat.Request{})
		b.StartTimer()
		for range 100 {
			list, _ = d.Decode(list[:0], "", delta)
			out = out[:0]
			for _, event := range list {
				out = e.Encode(out, event)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/event")
}

func BenchmarkRequest200KB(b *testing.B) {
	text := strings.Repeat(`The \"quick\" brown fox jumps over the lazy dog.\n`, 400)
	item := `{"role":"user","content":"` + text + `"}`
	body := []byte(`{"model":"auto","input":[` + strings.Repeat(item+",", 9) + item + `]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := New().DecodeRequest(body)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := New().EncodeRequest(r, chat.Upstream{Model: "m"}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestPartsThatOnlyAnotherWireKnowsAreDroppedOrRefused(t *testing.T) {
	for _, role := range []chat.Role{chat.RoleUser, chat.RoleAssistant} {
		n := chat.Native{Field: "contents[0].parts[1].executableCode", Harmless: true, Wire: chat.WireGemini}
		r := &chat.Request{Messages: []chat.Message{{Role: role, Parts: []chat.Part{{Kind: chat.KindText, Text: "hi"}, {Kind: chat.KindNative, Native: &n}}}}}
		if e, err := New().EncodeRequest(r, chat.Upstream{Model: "m"}); err != nil || len(e.Dropped) != 1 || e.Dropped[0] != n.Field || !json.Valid(e.Body) {
			t.Errorf("role %d: %v %v", role, e, err)
		}
		n.Harmless = false
		var refusal *chat.Unsupported
		if _, err := New().EncodeRequest(r, chat.Upstream{Model: "m"}); !errors.As(err, &refusal) || refusal.Field != n.Field {
			t.Errorf("role %d: %v", role, err)
		}
	}
	e := New().NewStreamEncoder(&chat.Request{})
	out := e.Encode(nil, chat.Event{Kind: chat.EventStart, Response: &chat.Response{}})
	out = e.Encode(out, chat.Event{Kind: chat.EventPartStart, Start: &chat.Part{Kind: chat.KindNative, Native: &chat.Native{}}})
	out = e.Encode(out, chat.Event{Kind: chat.EventText, Text: "secret"})
	if out = e.Encode(out, chat.Event{Kind: chat.EventPartEnd}); strings.Contains(string(out), "secret") {
		t.Errorf("told: %s", out)
	}
}
