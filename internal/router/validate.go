package router

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/translate"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/validation"
)

const (
	// maxGathered bounds what is kept of what a model writes in a stream, to look at
	// it as a whole. A longer answer is passed on unchecked.
	maxGathered = 1 << 20
	// maxHeld bounds the bytes of a stream that are held back. Its events are
	// several times as long as what the model writes.
	maxHeld = 8 << 20
)

// causeInvalid is the failure that leads one tier up: the answer is whole, but not
// what the route asks for.
const causeInvalid routerconfig.Cause = "validation"

// verdict is what validation says of an attempt's answer.
type verdict uint8

const (
	verdictNone verdict = iota
	verdictValid
	verdictInvalid
	// verdictUnchecked: the answer is too long to be looked at.
	verdictUnchecked
)

// newChecker returns what checks the route's answers; nil: nothing does.
func newChecker(v *routerconfig.Validation) (*validation.Checker, error) {
	if v == nil {
		return nil, nil
	}
	return validation.New(validation.Spec{
		JSONSchema: v.JSONSchema, Pattern: v.Pattern, MinLength: int(v.MinLength),
		RejectRefusals: v.RejectRefusals, RejectTruncated: v.RejectTruncated,
	})
}

// checks is whether answers to the request are checked.
func (x *exchange) checks() bool { return x.decision.route.checker != nil && !x.api.embeds }

// check judges the attempt's answer; nil: it could not be kept.
func (x *exchange) check(a *attempt, answer *chat.Response) {
	if !x.checks() {
		return
	}
	if answer == nil || writtenBytes(answer) > maxGathered {
		a.verdict = verdictUnchecked
		return
	}
	a.outcome = x.decision.route.checker.CheckAll(validated(answer))
	if a.verdict = verdictValid; !a.outcome.Valid() {
		a.verdict = verdictInvalid
	}
}

// validated are the answers as package validation sees them.
func validated(r *chat.Response) []validation.Answer {
	if len(r.Choices) == 0 {
		return make([]validation.Answer, 1) // nothing was said
	}
	answers := make([]validation.Answer, len(r.Choices))
	for i := range r.Choices {
		c, a := &r.Choices[i], &answers[i]
		a.Truncated = c.Finish == chat.FinishLength || c.Finish == chat.FinishContextWindow
		a.Refused = c.Finish == chat.FinishRefusal || c.Finish == chat.FinishContentFilter
		a.ToolCalls = c.Finish == chat.FinishToolCalls || c.Finish == chat.FinishPause // a turn that goes on
		for j := range c.Parts {
			switch c.Parts[j].Kind {
			case chat.KindToolCall:
				a.ToolCalls = true
			case chat.KindRefusal:
				a.Refused = a.Refused || c.Parts[j].Text != ""
			}
		}
		a.Text = textOf(c)
	}
	return answers
}

// textOf is what the choice says, its reasoning left out.
func textOf(c *chat.Choice) string {
	var text strings.Builder
	for i := range c.Parts {
		if c.Parts[i].Kind == chat.KindText {
			text.WriteString(c.Parts[i].Text)
		}
	}
	return text.String()
}

// resends reports whether a failed answer is asked for again, one tier up. The
// model to ask is then at hand.
func (x *exchange) resends(a *attempt) bool {
	if a.verdict != verdictInvalid || !x.moreAfter() || abandoned(x.r.Context()) {
		return false
	}
	x.following = x.models.above(a.model.tier.index)
	return x.following != nil
}

// hold keeps a whole answer that failed, in case that nothing better comes.
func (x *exchange) hold(a *attempt, d *delivery) {
	d.body = bytes.Clone(d.body)
	x.held = d
	a.cause, a.detail = causeInvalid, string(a.outcome.Failed)+": "+a.outcome.Detail
	x.server.options.Log.Debug("answer failed validation", "request", x.id, "route", x.decision.route.Name, "model", a.model.Name, "rule", a.outcome.Failed)
}

// delivery is a whole answer that is ready for the client.
type delivery struct {
	// attempt is the number of the attempt that brought it.
	attempt int
	// body are its bytes in the client's wire.
	body    []byte
	stream  bool
	dropped []string
}

// deliver hands a whole answer over.
func (x *exchange) deliver(d *delivery) {
	x.answered, x.out.dropped = d.attempt+1, d.dropped
	a := x.answering()
	x.setAnswerHeaders()
	h := x.w.Header()
	if d.stream {
		x.setStreamHeaders()
	} else {
		h["Content-Type"] = contentTypeJSON
		h["Content-Length"] = []string{strconv.Itoa(len(d.body))}
		h["X-Tiershift-Cost-Usd"] = []string{x.cost().String()}
		if a.usage.Estimated {
			h["X-Tiershift-Cost-Estimated"] = valueTrue
		}
	}
	if said := a.said(); said != "" {
		h["X-Tiershift-Validation"] = []string{said}
	}
	x.firstByteLeaves()
	x.outcome, x.status = metricnames.OutcomeSuccess, http.StatusOK
	body := d.body
	if d.stream {
		body = x.appendCost(body, a)
		_ = http.NewResponseController(x.w).SetWriteDeadline(x.server.now().Add(writePatience)) // unsupported only in tests
	}
	if _, err := x.w.Write(body); err != nil {
		x.cancelled()
	}
}

// said is what the client is told of the verdict; empty: nothing, as when all is
// well.
func (a *attempt) said() string {
	switch a.verdict {
	case verdictInvalid:
		return "failed: " + string(a.outcome.Failed)
	case verdictUnchecked:
		return fmt.Sprintf("unchecked: longer than %d bytes", maxGathered)
	}
	return ""
}

// scoreVerdicts counts what validation said of each attempt. The tier at which a
// split placed the request has answered with what the client got in the end: what
// was asked for again cost more, which the accounts show, but is no bad answer.
func (x *exchange) scoreVerdicts() {
	delivered := x.answering()
	for i := range x.attempts {
		a := &x.attempts[i]
		if a.verdict != verdictValid && a.verdict != verdictInvalid {
			continue
		}
		score, placed := 0.0, ""
		if a.verdict == verdictValid {
			score = 1
		}
		if a == delivered {
			placed = x.engine.placedTier(&x.decision)
		}
		x.server.metrics.score(metricnames.SourceValidation, x.engine.seriesKey(x.decision.route.Name, a.model, placed), score)
	}
}

// seriesKey names the account of a route on a model.
func (e *Engine) seriesKey(route string, m *model, placed string) seriesKey {
	return seriesKey{e.config.Namespace, e.config.Policy, route, m.tier.Name, m.Name, m.provider.Kind, placed}
}

// score counts how good an answer was, in [0,1].
func (m *Metrics) score(source string, key seriesKey, value float64) {
	m.quality.WithLabelValues(append(key[:len(key):len(key)], source)...).Observe(value)
}

// newGatherer reads along with a stream whose answer is to be looked at as a
// whole; nil: it is not.
func (x *exchange) newGatherer() *translate.Gatherer {
	if !x.checks() && !x.sampled {
		return nil
	}
	return translate.NewGatherer(x.out.codec.NewStreamDecoder(), maxGathered)
}

// holdsBack is whether a stream leaves only once it is whole and checked.
func (x *exchange) holdsBack() bool {
	return x.checks() && x.decision.route.Validate.Streaming == routerconfig.StreamingBuffer
}
