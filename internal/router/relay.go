package router

import (
	"fmt"
	"net/http"
	"time"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/provider/translate"
	"github.com/tiershift/tiershift/internal/router/upstream"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// relayJSON hands over a whole JSON answer, once it is seen to be one.
func (x *exchange) relayJSON(a *attempt, resp *upstream.Response, begun time.Time) (done bool) {
	x.sampled = x.draws()
	body, err := resp.ReadAll(x.scratch.response[:0], x.server.options.MaxResponseBytes)
	x.scratch.response = body
	x.waiting += x.server.now().Sub(begun)
	if err != nil {
		x.chargeEstimate(a, int64(len(body)))
		return x.cutOff(a, err)
	}
	body, read, err := x.readAnswer(body)
	if err != nil {
		a.cause, a.detail = routerconfig.CauseServerError, "answered 200 with "+err.Error()
		x.chargeEstimate(a, int64(len(x.scratch.response)))
		return false
	}
	x.settle(a, read.usage, read.counted, read.outputBytes)
	a.model.health.succeeded(x.server.now().Sub(begun))
	x.check(a, read.answer)
	return x.conclude(a, &delivery{attempt: len(x.attempts) - 1, body: body, dropped: x.out.dropped}, read.answer)
}

// conclude hands over a whole answer, or keeps it and goes on when it failed. The
// answer, if it was read, may be judged.
func (x *exchange) conclude(a *attempt, d *delivery, answer *chat.Response) (done bool) {
	if x.resends(a) {
		x.hold(a, d)
		return false
	}
	x.deliver(d)
	x.submit(a, answer)
	return true
}

// reading is what the books need to know of an answer.
type reading struct {
	usage       pricing.Usage
	counted     bool
	outputBytes int64
	// answer is nil where nobody needs the whole of it.
	answer *chat.Response
}

// readAnswer checks that the body is an answer, reads its books, and returns it in
// the client's wire. The error says what the body is instead.
func (x *exchange) readAnswer(body []byte) ([]byte, reading, error) {
	switch {
	case x.api.embeds:
		usage, err := patch.ScanEmbeddingsResponse(body)
		return body, reading{usage: usage, counted: usage.InputTokens > 0}, err
	case x.out.wire == routerconfig.WireOpenAI && !x.out.translated:
		c, err := patch.ScanResponse(body)
		read := reading{usage: c.Usage, counted: c.HasUsage, outputBytes: c.OutputBytes}
		if err == nil && (x.checks() || x.sampled) {
			read.answer, err = x.out.codec.DecodeResponse(body)
		}
		return body, read, err
	}
	answer, err := x.out.codec.DecodeResponse(body)
	if err != nil {
		return body, reading{}, err
	}
	if x.out.translated {
		body = x.api.codec.EncodeResponse(answer)
	}
	return body, reading{answer.Usage, answer.HasUsage, writtenBytes(answer), answer}, nil
}

// writtenBytes is the length of what the model wrote.
func writtenBytes(r *chat.Response) int64 {
	n := 0
	for i := range r.Choices {
		for j := range r.Choices[i].Parts {
			p := &r.Choices[i].Parts[j]
			if n += len(p.Text); p.Call != nil {
				n += len(p.Call.Arguments)
			}
		}
	}
	return int64(n)
}

var valueTrue = []string{"true"}

// firstByteLeaves takes the times that the first byte of an answer ends.
func (x *exchange) firstByteLeaves() {
	x.firstByte = x.server.now().Sub(x.started)
	x.overhead = x.firstByte - x.waiting
}

// cutOff records an answer that ended early, before any of it was handed on.
func (x *exchange) cutOff(a *attempt, err error) (done bool) {
	if abandoned(x.r.Context()) {
		x.cancelled()
		return true
	}
	return x.transportCause(a, err)
}

// The client is given this long to take what was written before it counts as
// gone, re-armed at most every writeRearm so that streams of many small events
// do not set a timer for each.
const (
	writePatience = 2 * time.Minute
	writeRearm    = 20 * time.Second
)

// streamFilter passes a stream on, event by event, in the client's wire, and keeps
// its books. What its methods say is told at [patch.Stream].
type streamFilter interface {
	Feed(chunk, out []byte) []byte
	End(out []byte) []byte
	Events() int
	Done() bool
	Complete() bool
	Fault() string
	ErrorSeen() bool
	Usage() (pricing.Usage, bool)
	OutputBytes() int64
}

// newFilter returns the filter between the provider's wire and the client's.
func (x *exchange) newFilter() streamFilter {
	if x.out.wire == routerconfig.WireOpenAI && !x.out.translated {
		filter := &x.scratch.stream
		filter.Reset(patch.StreamOptions{HideUsage: !x.request.IncludeUsage})
		return filter
	}
	decoder := x.out.codec.NewStreamDecoder()
	if x.out.translated || x.api.translateAlways {
		request, err := x.decoded()
		if err != nil { // only where the wire is the same, so that it was not needed yet
			request = &chat.Request{Stream: true, StreamUsage: x.request.IncludeUsage}
		}
		return translate.New(decoder, x.api.codec.NewStreamEncoder(request))
	}
	return translate.Passing(decoder, x.api.codec.NewStreamEncoder(&chat.Request{Stream: true}), x.api.form)
}

// streamRelay hands over one event stream.
type streamRelay struct {
	x       *exchange
	a       *attempt
	resp    *upstream.Response
	filter  streamFilter
	begun   time.Time
	control *http.ResponseController
	armed   time.Time
	// committed is true once the client has got a byte: from then on there is
	// no other attempt.
	committed bool
	// hold is that nothing leaves before the whole is checked, and began that its
	// first event has come.
	hold, began bool
	// gatherer keeps the answer for those who look at the whole of it; nil: nobody
	// does.
	gatherer *translate.Gatherer
	whole    *chat.Response
}

// relayStream hands over events as they come. Until the first one has come, a
// failure leads to another attempt.
func (x *exchange) relayStream(a *attempt, resp *upstream.Response, begun time.Time) (done bool) {
	filter := x.newFilter()
	x.sampled = x.draws()
	s := &streamRelay{
		x: x, a: a, resp: resp, filter: filter, begun: begun, control: http.NewResponseController(x.w),
		hold: x.holdsBack(), gatherer: x.newGatherer(),
	}
	x.scratch.out = x.scratch.out[:0]
	for {
		ended, err := s.read()
		if fault := filter.Fault(); fault != "" && !s.committed && !s.began {
			return s.garbage(fault)
		}
		if !s.committed && filter.Events() > 0 {
			s.begin()
		}
		if ended {
			return s.end(x.scratch.out, err)
		}
		if !s.committed || len(x.scratch.out) == 0 {
			continue
		}
		if !s.flush(x.scratch.out) {
			return s.clientGone()
		}
		x.scratch.out = x.scratch.out[:0]
	}
}

// read takes what has come through the filter into the scratch buffer, and
// reports whether it was the last.
func (s *streamRelay) read() (ended bool, err error) {
	chunk, err := s.resp.Next()
	if s.gatherer != nil {
		s.gatherer.Feed(chunk)
	}
	out := s.filter.Feed(chunk, s.x.scratch.out)
	if err != nil {
		out = s.filter.End(out)
	}
	s.x.scratch.out = out
	return err != nil || s.filter.Done() || s.filter.Fault() != "", err
}

// begin takes note of the first event, and sends the head of the answer unless
// that is held back. What grows too long for that is held back no more.
func (s *streamRelay) begin() {
	x := s.x
	if !s.began {
		s.began = true
		x.firstToken.came()
		s.a.model.health.succeeded(x.server.now().Sub(s.begun))
	}
	if s.hold && len(x.scratch.out) <= maxHeld {
		return
	}
	if s.hold {
		s.a.verdict = verdictUnchecked
		x.w.Header()["X-Tiershift-Validation"] = []string{s.a.said()}
	}
	x.waiting += x.server.now().Sub(s.begun)
	x.setAnswerHeaders()
	x.setStreamHeaders()
	x.firstByteLeaves()
	x.w.WriteHeader(http.StatusOK)
	s.committed = true
	s.letGo()
}

// streamed is what is left of the request of a stream that let go of it.
var streamed = patch.Request{Stream: true}

// letGo gives back what only another attempt, or one who looks at the whole of the
// exchange, would still need: streams are long, and there are many at once.
func (s *streamRelay) letGo() {
	x := s.x
	if x.sampled || s.gatherer != nil || !s.resp.Written() {
		return
	}
	x.request, x.analysis, x.out.segments = &streamed, nil, nil
	x.scratch.shed()
}

func (x *exchange) setStreamHeaders() {
	h := x.w.Header()
	h["Content-Type"] = x.api.content
	h["Cache-Control"] = noCache
	h["X-Accel-Buffering"] = []string{"no"} // asks nginx in between not to hold events back
}

func (s *streamRelay) write(data []byte) bool {
	if now := s.x.server.now(); now.Sub(s.armed) > writeRearm {
		_ = s.control.SetWriteDeadline(now.Add(writePatience)) // unsupported only in tests
		s.armed = now
	}
	_, err := s.x.w.Write(data)
	return err == nil
}

func (s *streamRelay) flush(data []byte) bool { return s.write(data) && s.control.Flush() == nil }

// garbage records a stream whose beginning is none.
func (s *streamRelay) garbage(fault string) bool {
	s.x.waiting += s.x.server.now().Sub(s.begun)
	s.a.cause, s.a.detail = routerconfig.CauseServerError, "answered 200 with "+fault
	s.x.chargeEstimate(s.a, 0)
	return false
}

func (s *streamRelay) clientGone() bool {
	s.charge()
	s.x.cancelled()
	return true
}

func (s *streamRelay) charge() {
	usage, has := s.filter.Usage()
	written := s.filter.OutputBytes()
	// Anthropic tells the usage of the prompt at the beginning and that of the answer
	// at the end, which a stream that was cut or cancelled has not come to.
	if estimate := tokensOf(written); !s.filter.Complete() && usage.OutputTokens < estimate/2 {
		usage.OutputTokens, usage.Estimated = estimate, true
	}
	s.x.settle(s.a, usage, has, written)
}

// end closes the stream: whole, cut, or abandoned.
func (s *streamRelay) end(out []byte, err error) bool {
	x := s.x
	switch {
	case abandoned(x.r.Context()) && !s.filter.ErrorSeen(): // a client may go once it was told of an error
		return s.clientGone()
	case !s.began:
		return s.endedEarly(err)
	case !s.committed:
		return s.endHeld(out, err)
	}
	s.charge()
	fault := s.filter.Fault()
	if s.filter.Complete() && fault == "" {
		x.outcome = metricnames.OutcomeSuccess
		out = s.appendDone(out)
		s.look()
	} else {
		x.outcome = metricnames.OutcomeCut
		out = s.appendCut(out, fault, err)
	}
	x.status = http.StatusOK
	out = x.appendCost(out, s.a)
	x.scratch.out = out
	// The end of the answer leaves with its last event, unless there may be something
	// to wait for meanwhile.
	leave := s.flush
	if s.resp.Whole() {
		leave = s.write
	}
	if !leave(out) {
		if x.outcome == metricnames.OutcomeSuccess {
			x.cancelled()
		}
		return true
	}
	s.drain()
	x.submit(s.a, s.whole)
	return true
}

// appendDone ends a stream of OpenAI's wire: some providers end after the finish
// reason.
func (s *streamRelay) appendDone(out []byte) []byte {
	if filter, ok := s.filter.(*patch.Stream); ok && !filter.Done() {
		return append(out, "data: [DONE]\n\n"...)
	}
	return out
}

// look has the whole answer checked.
func (s *streamRelay) look() {
	if s.gatherer == nil {
		return
	}
	s.whole = s.gatherer.Response()
	if s.a.verdict == verdictNone {
		s.x.check(s.a, s.whole)
	}
}

// endHeld ends a stream of which nothing has left yet: one that is cut leads to
// another attempt like any other failure.
func (s *streamRelay) endHeld(out []byte, err error) (done bool) {
	x := s.x
	x.waiting += x.server.now().Sub(s.begun)
	s.charge()
	if fault := s.filter.Fault(); fault != "" || !s.filter.Complete() {
		s.a.cause, s.a.detail = routerconfig.CauseServerError, "the stream ended before the answer did"
		switch {
		case fault != "":
			s.a.detail = "answered with " + fault
		case err != nil && !s.resp.EOF(err):
			return x.transportCause(s.a, err)
		}
		return false
	}
	s.look()
	s.drain()
	x.scratch.out = s.appendDone(out)
	return x.conclude(s.a, &delivery{attempt: len(x.attempts) - 1, body: x.scratch.out, stream: true, dropped: x.out.dropped}, s.whole)
}

// endedEarly records a stream that ended before its first event.
func (s *streamRelay) endedEarly(err error) bool {
	s.x.waiting += s.x.server.now().Sub(s.begun)
	s.x.chargeEstimate(s.a, 0)
	if err == nil || s.resp.EOF(err) {
		s.a.cause, s.a.detail = routerconfig.CauseServerError, "answered 200 with an empty stream"
		return false
	}
	return s.x.transportCause(s.a, err)
}

// appendCut tells the client that the answer is not whole. The finish reason is
// not faked, and no [DONE] follows: every SDK raises an error.
func (s *streamRelay) appendCut(out []byte, fault string, err error) []byte {
	if s.filter.ErrorSeen() {
		return out // the provider's own error event has told the client
	}
	if fault == "" {
		fault = "the stream ended before the answer did"
		if err != nil && !s.resp.EOF(err) {
			fault = err.Error()
		}
	}
	s.a.cause, s.a.detail = routerconfig.CauseConnectionError, fault
	s.x.modelFailed(s.a)
	s.x.server.options.Log.Warn("stream cut", "request", s.x.id, "model", s.a.model.Name, "error", fault)
	said := patch.ErrorBody{
		Message: fmt.Sprintf("the answer of %s was cut: %s", s.a.model.Name, fault), Type: typeUpstream, Code: "stream_cut",
	}
	if filter, ok := s.filter.(*translate.Stream); ok {
		return filter.AppendError(out, &chat.Error{Class: chat.ErrorInternal, Message: said.Message, Type: said.Type, Code: said.Code})
	}
	return patch.AppendErrorEvent(out, said)
}

// appendCost appends the comment line that carries what a header carries for
// JSON. SSE parsers pass over comments.
func (x *exchange) appendCost(out []byte, a *attempt) []byte {
	if x.api.form.Silent {
		return out
	}
	out = append(append(out, ": tiershift cost-usd="...), x.cost().String()...)
	out = append(append(out, " tier="...), a.model.tier.Name...)
	out = append(append(out, " model="...), a.model.Name...)
	if a.usage.Estimated {
		out = append(out, " estimated=true"...)
	}
	if a.verdict == verdictInvalid {
		out = append(append(out, " validation=failed:"...), a.outcome.Failed...)
	}
	return append(out, "\n\n"...)
}

// drain reads what follows the last event, which is nothing but the end of the
// body, so that the connection can serve the next request.
func (s *streamRelay) drain() {
	const enough = 4
	for range enough {
		if _, err := s.resp.Next(); err != nil {
			return
		}
	}
}
