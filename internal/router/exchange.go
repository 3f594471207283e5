package router

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tiershift/tiershift/internal/classify"
	"github.com/tiershift/tiershift/internal/classify/chain"
	"github.com/tiershift/tiershift/internal/expression"
	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// exchange is one request on its way through the router, from its head to the
// closing of its books.
type exchange struct {
	server  *Server
	engine  *Engine
	w       http.ResponseWriter
	r       *http.Request
	scratch *scratch
	*target

	id, client string
	started    time.Time
	request    *patch.Request
	analysis   *classify.Analysis
	decision   decision
	// classification is what the decision's chain was asked.
	classification chain.Request
	// explaining is true where nothing may be called, charged or counted.
	explaining bool
	// sticky is the number in [0,1) by which a conversation finds its tier and model
	// again; negative: the request does not say which conversation it belongs to.
	sticky float64
	// promptTokens is an estimate; what is charged is what the provider says.
	promptTokens int64

	// neutral is the request in the neutral model, once an attempt needed it.
	neutral    *chat.Request
	neutralErr error
	// out is what the attempt at hand sends.
	out outgoing

	// models hands out the models to try; following, if set, comes before them.
	models    *plan
	following *model
	// held is a whole answer that failed validation and goes to the client if no
	// better one comes.
	held *delivery
	// answered is the number of the attempt that the client got, from 1; 0: the last.
	answered int
	// sampled is that the answer was drawn to be judged.
	sampled bool

	attempts []attempt
	// calls counts upstream calls: an attempt that found no key made none, one
	// that went on to the next key made two.
	calls int32

	outcome    string
	status     int
	firstToken firstTokenWatch
	// firstByte is when the first byte of the answer left, since started.
	firstByte time.Duration
	// waiting sums the time that upstreams took.
	waiting time.Duration
	// overhead is the time until the first byte left less the waiting.
	overhead time.Duration
}

func (s *Server) serve(e *Engine, w http.ResponseWriter, r *http.Request, t *target, started time.Time) {
	x := s.newExchange(e, w, r, t, started)
	defer x.scratch.release()
	if err := x.prepare(); err != nil {
		x.reject(err)
	} else {
		x.run()
	}
	x.finish()
}

func (s *Server) newExchange(e *Engine, w http.ResponseWriter, r *http.Request, t *target, started time.Time) *exchange {
	scratch := acquireScratch()
	x := &exchange{
		server: s, engine: e, w: w, r: r, scratch: scratch, target: t, started: started, id: newRequestID(),
		request: &scratch.request, analysis: &scratch.analysis, attempts: scratch.attempts[:0],
	}
	id := []string{x.id}
	w.Header()["X-Tiershift-Request-Id"] = id
	w.Header()[t.api.idHeader] = id
	return x
}

// prepare authenticates, reads and understands the request, and decides.
func (x *exchange) prepare() *apiError {
	client, err := x.engine.authenticate(x.r)
	if err != nil {
		return err
	}
	x.client = client
	if err := x.read(); err != nil {
		return err
	}
	begun := x.server.now()
	in := x.asked()
	x.decision, err = x.engine.decide(in)
	if err != nil {
		return err
	}
	if err := x.analysis.Err(); err != nil {
		x.server.options.Log.Debug("an expression could not be evaluated and counts as not holding", "request", x.id, "error", err)
	}
	if method := x.decision.verdict.Method; method != "" && !x.explaining {
		x.countEvent(classificationsDesc, method, x.decision.class())
		x.server.metrics.classified(method, x.server.now().Sub(begun))
	}
	return nil
}

// read takes in the body and finds what routing needs in it.
func (x *exchange) read() *apiError {
	body, err := x.readBody()
	if err != nil {
		return err
	}
	if err := x.api.scan(body, x.request); err != nil {
		if encoding := x.r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
			return badRequest("invalid_request", "", "the body has Content-Encoding %s: send it uncompressed", truncate(encoding, 20))
		}
		return scanError(err)
	}
	if x.model != "" {
		x.request.SetModel(x.model, x.stream)
	}
	return nil
}

// asked gathers what the decision may look at.
func (x *exchange) asked() *asked {
	in := x.analysisInput()
	x.promptTokens = in.Tokens
	x.engine.analyzer.Analyze(in, x.analysis)
	draw, ok := conversationDraw(x.r.Header, x.request)
	if x.sticky = -1; ok {
		x.sticky = draw
	} else {
		draw = x.server.options.Random()
	}
	x.classification = x.chainRequest(in)
	return &asked{prefix: x.prefix, header: x.r.Header, request: x.request, analysis: x.analysis, classification: &x.classification, llm: x.llmStep(), draw: draw}
}

func (x *exchange) analysisInput() *classify.Input {
	s, r := x.scratch, x.request
	text := r.UserText()
	s.input = classify.Input{
		Text: text[len(text)-r.LastUserTextBytes():], UserText: text,
		Tokens: s.estimatePrompt(), Turns: r.Turns(),
		Tools: r.HasTools(), Images: r.HasImages(), JSONSchema: r.WantsJSONSchema(),
	}
	if x.engine.analyzer.UsesExpressions() {
		s.input.Request = expression.Request{
			Path: x.prefix, Method: x.r.Method, Model: r.Model(), User: r.User(), Client: x.client, Stream: r.Stream,
			Headers: x.r.Header, Metadata: x.metadata,
		}
	}
	return &s.input
}

func (x *exchange) metadata() map[string]string {
	m := map[string]string{}
	x.request.EachMetadata(func(key, value string) bool {
		m[key] = value
		return true
	})
	return m
}

// run calls one upstream after the other until one has answered, none is left,
// or the client is gone.
func (x *exchange) run() {
	x.models = x.plan()
	var unfit *apiError
	for x.calls < x.engine.config.Fallback.MaxAttempts {
		m := x.nextModel()
		if m == nil {
			break
		}
		if err := x.encode(m); err != nil {
			unfit = err
			continue // no call was made: another model may speak the client's wire
		}
		if !x.prepareNext(m) {
			x.cancelled()
			return
		}
		if x.try(m) {
			return
		}
		if last := x.last(); !x.mayGoOn(last) {
			break
		}
	}
	switch {
	case x.held != nil:
		x.deliver(x.held)
	case len(x.attempts) > 0:
		x.fail()
	case unfit != nil:
		x.reject(unfit)
	default:
		x.reject(x.models.unsuitable())
	}
}

func (x *exchange) nextModel() *model {
	if m := x.following; m != nil {
		x.following = nil
		return m
	}
	return x.models.next()
}

func (x *exchange) plan() *plan {
	return &plan{
		engine: x.engine, decision: &x.decision, needs: x.request.Needs(),
		promptTokens: x.promptTokens, outputTokens: x.expectedOutput(),
		random: x.server.options.Random, now: x.started, tier: x.decision.tier, sticky: x.stickyModel(),
	}
}

// stickyModel spreads the conversations of a tier's share over its models: the
// number that chose the tier would give them all to one.
func (x *exchange) stickyModel() float64 {
	if x.sticky < 0 {
		return x.sticky
	}
	return unit(mix(math.Float64bits(x.sticky)))
}

// prepareNext counts and spaces the attempts after the first. It is false when
// the client has gone meanwhile.
func (x *exchange) prepareNext(m *model) bool {
	last := x.last()
	if last == nil {
		return true
	}
	cause := string(last.cause)
	x.countEvent(fallbacksDesc, cause, "")
	if m.tier.index > last.model.tier.index {
		x.countEvent(escalationsDesc, cause, "")
	}
	x.decision.reason += " fallback:" + cause
	pause := time.Duration(x.engine.config.Fallback.Backoff)
	if pause <= 0 || last.cause == causeInvalid { // the provider is well
		return x.r.Context().Err() == nil
	}
	// Doubled by each attempt, and jittered so that many clients of a provider
	// that stumbled do not come back at the same moment.
	pause <<= min(len(x.attempts)-1, 10)
	pause = pause/2 + time.Duration(x.server.options.Random()*float64(pause/2))
	return sleep(x.r.Context(), pause)
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// causeRejected is the failure that the policy cannot switch off as a reason to
// go on: the provider refused the gateway's key or knows no such model. The
// client can do nothing about either.
const causeRejected routerconfig.Cause = "ProviderRejected"

func (x *exchange) mayGoOn(a *attempt) bool {
	return a.cause == causeRejected || a.cause == causeInvalid || x.engine.fallback[a.cause]
}

// reject answers with an error that no upstream had a part in.
func (x *exchange) reject(err *apiError) {
	x.outcome, x.status = metricnames.OutcomeRejected, err.status
	x.api.writeError(x.w, err)
}

// statusClientClosed is what nginx logs for a client that went away. It never
// goes over the wire.
const statusClientClosed = 499

func (x *exchange) cancelled() {
	x.outcome, x.status = metricnames.OutcomeCancelled, statusClientClosed
}

// fail answers when no attempt succeeded, listing each.
func (x *exchange) fail() {
	err := x.failure()
	x.outcome, x.status = metricnames.OutcomeUpstreamError, err.status
	x.setHeaders()
	x.server.options.Log.Warn("request failed", "request", x.id, "route", x.decision.route.Name, "error", err.Message)
	x.api.writeError(x.w, err)
}

// setAnswerHeaders says in a whole answer, or at its beginning, what was decided.
func (x *exchange) setAnswerHeaders() {
	x.completeID()
	x.setHeaders()
}

// setHeaders says in the answer what was decided.
func (x *exchange) setHeaders() {
	h := x.w.Header()
	last := x.answering()
	h["X-Tiershift-Route"] = x.decision.route.header
	h["X-Tiershift-Tier"] = last.model.tier.header
	h["X-Tiershift-Model"] = last.model.header
	h["X-Tiershift-Provider"] = last.model.provider.header
	h["X-Tiershift-Reason"] = []string{x.decision.reason}
	if len(x.out.dropped) > 0 {
		h["X-Tiershift-Dropped"] = []string{strings.Join(x.out.dropped, ", ")}
	}
	h["X-Tiershift-Attempts"] = []string{strconv.Itoa(len(x.attempts))}
}
