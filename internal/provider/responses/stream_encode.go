package responses

import (
	"strconv"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/openaiwire"
)

// streamEncoder writes the events of a stream. What it keeps of the answer is
// what the last events repeat.
type streamEncoder struct {
	head *head
	// wantProbs holds each text back until its log probabilities are there, for
	// they stand in one event.
	wantProbs bool
	held      string
	seq, at   int64
	// items are the items that are done, separated by commas.
	items []byte
	// open is the kind of the part at hand, id that of its item.
	open chat.Kind
	id   string
	// content are the parts of the message at hand that are done, and parts their
	// number. inMessage is true while a message is open.
	content   []byte
	parts     int64
	inMessage bool
	// text is what the part at hand said, escaped.
	text          []byte
	probs         []byte
	cited         []byte
	notes         int64
	signature     string
	call          chat.ToolCall
	finish        chat.Finish
	spoke, summed bool
	usage         pricing.Usage
	counted       bool
}

// NewStreamEncoder writes one stream of events.
func (codec) NewStreamEncoder(r *chat.Request) chat.StreamEncoder {
	return &streamEncoder{wantProbs: r.LogProbs}
}

// Encode appends the events that tell the client of an event. Only the first
// choice is told.
func (s *streamEncoder) Encode(dst []byte, e chat.Event) []byte {
	switch e.Kind {
	case chat.EventPing:
		return append(dst, ": ping\n\n"...)
	case chat.EventStart:
		return s.start(dst, e.Response)
	case chat.EventError:
		return s.fail(s.release(dst), e.Err)
	}
	if e.Choice != 0 || s.head == nil {
		return dst
	}
	if e.Kind != chat.EventLogProbs {
		dst = s.release(dst)
	}
	return s.told(dst, e)
}

// release tells the text that is held back without log probabilities.
func (s *streamEncoder) release(dst []byte) []byte {
	if s.held == "" {
		return dst
	}
	return s.delta(dst, nil)
}

func (s *streamEncoder) told(dst []byte, e chat.Event) []byte {
	switch e.Kind {
	case chat.EventUsage:
		s.count(e.Response)
	case chat.EventFinish:
		s.finish = e.Finish
	case chat.EventEnd:
		return s.end(dst)
	case chat.EventPartStart:
		return s.partStart(dst, e.Start)
	case chat.EventPartEnd:
		return s.partEnd(dst, "completed")
	default:
		return s.inPart(dst, e)
	}
	return dst
}

func (s *streamEncoder) inPart(dst []byte, e chat.Event) []byte {
	switch e.Kind {
	case chat.EventText:
		return s.say(dst, e.Text)
	case chat.EventArguments:
		if s.open == chat.KindToolCall {
			dst = s.place(s.event(dst, "response.function_call_arguments.delta"), false)
			return s.tell(dst, e.Text)
		}
	case chat.EventSignature:
		s.signature += e.Text
	case chat.EventCitations:
		return s.cite(dst, e)
	case chat.EventLogProbs:
		if s.held != "" {
			return s.delta(dst, tokensOf(e.JSON))
		}
	}
	return dst
}

func (s *streamEncoder) count(r *chat.Response) {
	if r.HasUsage {
		s.usage, s.counted = r.Usage, true
	}
}

// event begins an event: its name, type and number.
func (s *streamEncoder) event(dst []byte, name string) []byte {
	dst = append(append(dst, "event: "...), name...)
	dst = append(append(dst, "\ndata: {\"type\":\""...), name...)
	dst = append(dst, `","sequence_number":`...)
	dst = strconv.AppendInt(dst, s.seq, 10)
	s.seq++
	return dst
}

const eventEnd = "}\n\n"

// place says which item, and of a message which part, an event is about.
func (s *streamEncoder) place(dst []byte, inContent bool) []byte {
	dst = append(append(append(dst, `,"item_id":"`...), s.id...), `","output_index":`...)
	dst = strconv.AppendInt(dst, s.at, 10)
	switch {
	case s.open == chat.KindThinking:
		dst = append(dst, `,"summary_index":0`...)
	case inContent:
		dst = strconv.AppendInt(append(dst, `,"content_index":`...), s.parts, 10)
	}
	return dst
}

// tell ends an event with a delta, and keeps it.
func (s *streamEncoder) tell(dst []byte, text string) []byte {
	before := len(s.text)
	s.text = openaiwire.AppendEscaped(s.text, text)
	dst = append(append(append(dst, `,"delta":"`...), s.text[before:]...), '"')
	return append(dst, eventEnd...)
}

func (s *streamEncoder) start(dst []byte, r *chat.Response) []byte {
	s.head = newHead(r)
	s.count(r)
	for _, name := range []string{"response.created", "response.in_progress"} {
		dst = append(s.event(dst, name), `,"response":`...)
		dst = s.head.append(dst, ended{status: "in_progress"})
		dst = append(dst, eventEnd...)
	}
	return dst
}

// itemEvent tells of an item as a whole.
func (s *streamEncoder) itemEvent(dst []byte, name string, item []byte) []byte {
	dst = append(s.event(dst, name), `,"output_index":`...)
	dst = strconv.AppendInt(dst, s.at, 10)
	dst = append(append(dst, `,"item":`...), item...)
	return append(dst, eventEnd...)
}

const (
	itemAdded = "response.output_item.added"
	itemDone  = "response.output_item.done"
)

func (s *streamEncoder) partStart(dst []byte, p *chat.Part) []byte {
	dst = s.partEnd(dst, "completed")
	said := p.Kind == chat.KindText || p.Kind == chat.KindRefusal
	if !said {
		dst = s.closeMessage(dst, "completed")
	}
	s.text, s.probs, s.cited, s.notes, s.signature = s.text[:0], nil, nil, 0, ""
	switch {
	case said:
		dst = s.messageStart(dst, p.Kind)
	case p.Kind == chat.KindToolCall:
		s.id, s.call = s.head.itemID("fc", int(s.at)), chat.ToolCall{ID: p.Call.ID, Name: p.Call.Name}
		dst = s.itemEvent(dst, itemAdded, callOutput(s.id, &s.call, "in_progress"))
	case p.Kind == chat.KindThinking:
		s.id, s.summed = s.head.itemID(idThought, int(s.at)), false
		dst = s.itemEvent(dst, itemAdded, thoughtOutput(s.id, "", "", "in_progress"))
	case p.Kind == chat.KindRedactedThinking:
		id := s.head.itemID(idRedacted, int(s.at))
		return s.wholeItem(dst, thoughtOutput(id, "", p.Data, "in_progress"), thoughtOutput(id, "", p.Data, "completed"))
	default:
		return dst
	}
	s.open = p.Kind
	if p.Text != "" {
		dst = s.say(dst, p.Text)
	}
	return dst
}

// wholeItem tells of an item that has no parts.
func (s *streamEncoder) wholeItem(dst, begun, done []byte) []byte {
	dst = s.itemEvent(dst, itemAdded, begun)
	return s.itemClose(dst, done)
}

// itemClose tells that an item is done, and keeps it.
func (s *streamEncoder) itemClose(dst, item []byte) []byte {
	dst = s.itemEvent(dst, itemDone, item)
	if len(s.items) > 0 {
		s.items = append(s.items, ',')
	}
	s.items = append(s.items, item...)
	s.at++
	return dst
}

func (s *streamEncoder) messageStart(dst []byte, kind chat.Kind) []byte {
	if !s.inMessage {
		s.inMessage, s.parts, s.content = true, 0, s.content[:0]
		s.id = s.head.itemID("msg", int(s.at))
		dst = s.itemEvent(dst, itemAdded, messageOutput(s.id, nil, "in_progress"))
	}
	s.open = kind
	dst = s.place(s.event(dst, "response.content_part.added"), true)
	dst = appendContent(append(dst, `,"part":`...), chat.Part{Kind: kind}, nil)
	return append(dst, eventEnd...)
}

// say adds to a text, a refusal or a thought.
func (s *streamEncoder) say(dst []byte, text string) []byte {
	switch s.open {
	case chat.KindText:
		s.held = text
		if s.wantProbs {
			return dst
		}
		return s.delta(dst, nil)
	case chat.KindRefusal:
		return s.tell(s.place(s.event(dst, "response.refusal.delta"), true), text)
	case chat.KindThinking:
		dst = s.summaryStart(dst)
		return s.tell(s.place(s.event(dst, "response.reasoning_summary_text.delta"), false), text)
	}
	return dst
}

// delta tells the text that is held, with the log probabilities of its tokens.
func (s *streamEncoder) delta(dst, probs []byte) []byte {
	text := s.held
	s.held = ""
	dst = s.place(s.event(dst, "response.output_text.delta"), true)
	dst = append(append(append(dst, `,"logprobs":[`...), probs...), ']')
	if len(probs) > 0 {
		if len(s.probs) > 0 {
			s.probs = append(s.probs, ',')
		}
		s.probs = append(s.probs, probs...)
	}
	return s.tell(dst, text)
}

func (s *streamEncoder) summaryStart(dst []byte) []byte {
	if s.summed {
		return dst
	}
	s.summed = true
	dst = s.place(s.event(dst, "response.reasoning_summary_part.added"), false)
	return append(append(dst, `,"part":{"type":"summary_text","text":""}`...), eventEnd...)
}

func (s *streamEncoder) cite(dst []byte, e chat.Event) []byte {
	if s.open != chat.KindText {
		return dst
	}
	for _, c := range openaiwire.ReadCitations(e.JSON) {
		note := appendAnnotation(nil, c)
		dst = s.place(s.event(dst, "response.output_text.annotation.added"), true)
		dst = strconv.AppendInt(append(dst, `,"annotation_index":`...), s.notes, 10)
		dst = append(append(append(dst, `,"annotation":`...), note...), eventEnd...)
		if s.notes > 0 {
			s.cited = append(s.cited, ',')
		}
		s.cited = append(s.cited, note...)
		s.notes++
	}
	return dst
}

// partEnd ends the part at hand, if there is one.
func (s *streamEncoder) partEnd(dst []byte, status string) []byte {
	kind := s.open
	defer func() { s.open = 0 }()
	switch kind {
	case chat.KindText, chat.KindRefusal:
		return s.saidEnd(dst, kind)
	case chat.KindToolCall:
		dst = s.quoted(s.place(s.event(dst, "response.function_call_arguments.done"), false), "arguments")
		dst = append(dst, eventEnd...)
		dst = s.itemClose(dst, s.callItem(status))
	case chat.KindThinking:
		return s.thoughtEnd(dst, status)
	default:
		return dst
	}
	if s.signature != "" {
		return s.signatureItem(dst)
	}
	return dst
}

// signatureItem tells the signature of the item before.
func (s *streamEncoder) signatureItem(dst []byte) []byte {
	id := s.head.itemID(idSignature, int(s.at))
	return s.wholeItem(dst, thoughtOutput(id, "", s.signature, "in_progress"), thoughtOutput(id, "", s.signature, "completed"))
}

// quoted writes what the part at hand said.
func (s *streamEncoder) quoted(dst []byte, name string) []byte {
	dst = append(append(append(dst, `,"`...), name...), `":"`...)
	return append(append(dst, s.text...), '"')
}

func (s *streamEncoder) callItem(status string) []byte {
	item := append([]byte(`{"id":"`), s.id...)
	item = append(append(append(item, `","type":"function_call","status":"`...), status...), '"')
	item = s.quoted(item, "arguments")
	item = openaiwire.AppendString(append(item, `,"call_id":`...), s.call.ID)
	item = openaiwire.AppendString(append(item, `,"name":`...), s.call.Name)
	return append(item, '}')
}

func (s *streamEncoder) saidEnd(dst []byte, kind chat.Kind) []byte {
	part := []byte(`{"type":"refusal"`)
	if kind == chat.KindRefusal {
		dst = s.quoted(s.place(s.event(dst, "response.refusal.done"), true), "refusal")
		part = s.quoted(part, "refusal")
	} else {
		dst = s.place(s.event(dst, "response.output_text.done"), true)
		dst = append(append(append(dst, `,"logprobs":[`...), s.probs...), ']')
		dst = s.quoted(dst, "text")
		part = append(append([]byte(`{"type":"output_text","annotations":[`), s.cited...), `],"logprobs":[`...)
		part = s.quoted(append(append(part, s.probs...), ']'), "text")
	}
	part = append(part, '}')
	dst = s.place(s.event(append(dst, eventEnd...), "response.content_part.done"), true)
	dst = append(append(append(dst, `,"part":`...), part...), eventEnd...)
	if s.parts > 0 {
		s.content = append(s.content, ',')
	}
	s.content = append(s.content, part...)
	s.parts++
	if s.signature != "" {
		dst = s.closeMessage(dst, "completed")
		return s.signatureItem(dst)
	}
	return dst
}

func (s *streamEncoder) thoughtEnd(dst []byte, status string) []byte {
	summary := "[]"
	if s.summed {
		part := append(s.quoted([]byte(`{"type":"summary_text"`), "text"), '}')
		dst = s.quoted(s.place(s.event(dst, "response.reasoning_summary_text.done"), false), "text")
		dst = s.place(s.event(append(dst, eventEnd...), "response.reasoning_summary_part.done"), false)
		dst = append(append(append(dst, `,"part":`...), part...), eventEnd...)
		summary = "[" + string(part) + "]"
	}
	item := openaiwire.NewObject(nil)
	item.String("id", s.id)
	item.String("type", "reasoning")
	item.String("status", status)
	item.Literal("summary", summary)
	item.Text("encrypted_content", s.signature)
	return s.itemClose(dst, item.End())
}

func (s *streamEncoder) closeMessage(dst []byte, status string) []byte {
	if !s.inMessage {
		return dst
	}
	s.inMessage, s.spoke = false, true
	return s.itemClose(dst, messageOutput(s.id, s.content, status))
}

// end tells the whole answer once more.
func (s *streamEncoder) end(dst []byte) []byte {
	status, reason := statusOf(s.finish, nil)
	if s.finish == chat.FinishRefusal && (s.inMessage || s.spoke) {
		status, reason = "completed", ""
	}
	dst = s.partEnd(dst, status)
	dst = s.closeMessage(dst, status)
	dst = append(s.event(dst, "response."+status), `,"response":`...)
	dst = s.head.append(dst, ended{
		status: status, reason: reason, output: s.items, usage: s.usage, counted: s.counted,
	})
	return append(dst, eventEnd...)
}

// fail tells that the answer failed. The first event has the members that the
// documentation gives it and those that OpenAI sends: SDKs raise an error for one
// or the other. The second is for clients that wait for the end of a response.
func (s *streamEncoder) fail(dst []byte, e *chat.Error) []byte {
	said := openaiwire.ErrorBody(e)
	code := said.Code
	if code == "" {
		code = failureCode(e)
	}
	dst = append(s.event(dst, "error"), `,"code":`...)
	dst = openaiwire.AppendString(dst, code)
	dst = openaiwire.AppendString(append(dst, `,"message":`...), said.Message)
	dst = append(dst, `,"param":`...)
	if said.Param == "" {
		dst = append(dst, "null"...)
	} else {
		dst = openaiwire.AppendString(dst, said.Param)
	}
	body := openaiwire.EncodeError(e) // {"error":{…}}
	dst = append(append(dst, ','), body[1:]...)
	dst = append(dst, "\n\n"...)
	if s.head == nil {
		return dst
	}
	dst = append(s.event(dst, "response.failed"), `,"response":`...)
	dst = s.head.append(dst, ended{status: "failed", output: s.items, usage: s.usage, counted: s.counted, failure: e})
	return append(dst, eventEnd...)
}
