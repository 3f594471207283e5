package router

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/router/upstream"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// maxErrorBytes is how much of a provider's error answer is read.
const maxErrorBytes = 64 << 10

// try makes one attempt. It is true when the request is done with: answered,
// passed on, or abandoned by its client.
func (x *exchange) try(m *model) (done bool) {
	a := x.newAttempt(m)
	key, ok := m.provider.key(x.engine.keys)
	if !ok {
		a.cause = causeRejected
		a.detail = fmt.Sprintf("no key: the Secret file %s is missing or empty", m.provider.KeyFile)
		return false
	}
	done, refused := x.call(a, key)
	if refused && m.provider.refused(x.engine.keys, key) && x.calls < x.engine.config.Fallback.MaxAttempts {
		if next, ok := m.provider.key(x.engine.keys); ok {
			a.cause, a.detail = "", ""
			done, _ = x.call(a, next)
		}
	}
	if a.cause != "" && a.cause != routerconfig.CauseContextExceeded && a.cause != causeInvalid {
		x.modelFailed(a)
	}
	return done
}

// newAttempt is no part of try, whose stack a stream would keep.
//
//go:noinline
func (x *exchange) newAttempt(m *model) *attempt {
	x.attempts = append(x.attempts, attempt{model: m})
	return x.last()
}

// modelFailed counts the failure against the model. It is logged when the model
// is passed over for it, not each time: an outage must not flood the log.
func (x *exchange) modelFailed(a *attempt) {
	if pause := a.model.health.failed(x.server.now(), a.retryAfter); pause > 0 {
		x.server.options.Log.Warn("model is passed over for a while", "model", a.model.Name, "provider", a.model.provider.Name,
			"tier", a.model.tier.Name, "for", pause, "cause", a.cause, "error", a.detail)
	}
}

// call makes one upstream call. refused is true when the provider did not
// accept the key.
func (x *exchange) call(a *attempt, key string) (done, refused bool) {
	x.calls++
	defer x.firstToken.end()
	begun := x.server.now()
	resp, err := x.send(a.model, key)
	if err != nil {
		x.waiting += x.server.now().Sub(begun)
		return x.transportFailure(a, err), false
	}
	defer resp.Close()
	a.status = resp.StatusCode
	if a.status/100 != 2 {
		body, _ := resp.ReadAll(x.scratch.response[:0], maxErrorBytes) // a cut error answer still has its status
		x.scratch.response = body
		x.waiting += x.server.now().Sub(begun)
		body = withoutKey(body, key)
		return x.refusal(a, resp, body), isKeyRefusal(a.status, body)
	}
	if encoding := resp.Header("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		a.cause, a.detail = routerconfig.CauseServerError, "answered compressed although that was not asked for"
		x.chargeEstimate(a, 0)
		return false, false
	}
	if x.request.Stream {
		return x.relayStream(a, resp, begun), false
	}
	return x.relayJSON(a, resp, begun), false
}

// withoutKey takes the gateway's key out of an error: some servers repeat the key
// that they refuse, and errors are told to clients and logged. What is as short as
// the "EMPTY" of a local server is no secret, and may be a word of the error.
func withoutKey(body []byte, key string) []byte {
	const shortest = 8
	if len(key) < shortest {
		return body
	}
	return bytes.ReplaceAll(body, []byte(key), []byte("[the gateway's key]"))
}

// send writes the request that encode made ready.
func (x *exchange) send(m *model, key string) (*upstream.Response, error) {
	s := x.scratch
	s.out = x.appendHead(s.out[:0], m.provider, key)
	request := &upstream.Request{
		Method: http.MethodPost, Path: x.out.path, Head: s.out, Body: x.out.segments, ContentLength: int64(x.out.length),
		Timeouts: upstream.Timeouts{Idle: time.Duration(m.Timeouts.Idle), Total: time.Duration(m.Timeouts.Request)},
	}
	if !x.request.Stream {
		return m.provider.client.Do(x.r.Context(), request)
	}
	return m.provider.client.Do(x.firstToken.watch(x.r.Context(), time.Duration(m.Timeouts.FirstToken)), request)
}

// errFirstToken ends a stream whose first event did not come in time.
var errFirstToken = errors.New("the first event of the stream did not come in time")

// firstTokenWatch ends a call unless it is stopped in time. An answer that is
// not streamed has no first token: only its end tells that it comes.
type firstTokenWatch struct {
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func (f *firstTokenWatch) watch(ctx context.Context, limit time.Duration) context.Context {
	ctx, cancel := context.WithCancelCause(ctx)
	f.cancel = cancel
	f.timer = time.AfterFunc(limit, func() { cancel(errFirstToken) })
	return ctx
}

// came is called when the first event has come.
func (f *firstTokenWatch) came() {
	if f.timer != nil {
		f.timer.Stop()
	}
}

// end releases what watch has taken.
func (f *firstTokenWatch) end() {
	if f.timer != nil {
		f.timer.Stop()
		f.cancel(nil)
		*f = firstTokenWatch{}
	}
}

// outputCap is the least of the route's cap and, where the request asks for
// more than the model can give, the model's.
func (x *exchange) outputCap(m *model) int64 {
	limit := x.decision.route.MaxOutputTokens
	if m.MaxOutputTokens > 0 && x.request.MaxOutputTokens() > m.MaxOutputTokens && (limit == 0 || m.MaxOutputTokens < limit) {
		limit = m.MaxOutputTokens
	}
	return limit
}

// appendHead writes the header lines: the provider's own, its key, and the
// trace of the caller, if it sends one.
func (x *exchange) appendHead(dst []byte, p *provider, key string) []byte {
	dst = append(dst, p.head...)
	if key != "" {
		dst = append(append(append(dst, keyHeaders[p.KeyScheme]...), key...), "\r\n"...)
	}
	for _, name := range x.passedHeaders() {
		if v := x.r.Header[name]; len(v) > 0 {
			dst = append(append(append(append(dst, name...), ": "...), v[0]...), "\r\n"...)
		}
	}
	return dst
}

// keyHeaders are the beginnings of the header lines that carry a key.
var keyHeaders = map[routerconfig.KeyScheme]string{
	routerconfig.KeyBearer:        "Authorization: Bearer ",
	routerconfig.KeyAPIKeyHeader:  "api-key: ",
	routerconfig.KeyXAPIKeyHeader: "x-api-key: ",
	routerconfig.KeyGoogHeader:    "x-goog-api-key: ",
}

var (
	tracedHeaders = []string{"Traceparent", "Tracestate"}
	// betaHeaders are those too, by which Anthropic's clients ask for what is new.
	betaHeaders = append(tracedHeaders[:2:2], "Anthropic-Beta")
)

// passedHeaders are the client's headers that the provider gets.
func (x *exchange) passedHeaders() []string {
	if x.api.wire == routerconfig.WireAnthropic && !x.out.translated {
		return betaHeaders
	}
	return tracedHeaders
}

// transportFailure records a call that brought no answer.
func (x *exchange) transportFailure(a *attempt, err error) (done bool) {
	if upstream.Sent(err) {
		x.chargeEstimate(a, 0)
	}
	if abandoned(x.r.Context()) {
		x.cancelled()
		return true
	}
	return x.transportCause(a, err)
}

func (x *exchange) transportCause(a *attempt, err error) (done bool) {
	a.cause, a.detail = routerconfig.CauseConnectionError, err.Error()
	var timeout *upstream.TimeoutError
	switch {
	case errors.Is(err, errFirstToken):
		a.cause, a.detail = routerconfig.CauseTimeout, errFirstToken.Error()
	case errors.As(err, &timeout):
		a.cause = routerconfig.CauseTimeout
	}
	return false
}

// refusal records an answer other than 2xx, and passes it on if it is about
// what the client sent.
func (x *exchange) refusal(a *attempt, resp *upstream.Response, body []byte) (done bool) {
	message := x.providerError(a.status, body)
	a.detail = strings.TrimSpace(strconv.Itoa(a.status) + " " + message.Message)
	switch {
	case patch.IsContextExceeded(a.status, body):
		a.cause = routerconfig.CauseContextExceeded
		if x.mayGoOn(a) && x.moreAfter() {
			return false
		}
	case a.status == http.StatusTooManyRequests:
		a.cause = routerconfig.CauseRateLimited
		a.retryAfter = retryAfter(resp.Header("Retry-After"), x.server.now())
		return false
	case a.status == http.StatusRequestTimeout || a.status == http.StatusGatewayTimeout:
		a.cause = routerconfig.CauseTimeout
		return false
	case a.status >= http.StatusInternalServerError || a.status/100 == 3:
		a.cause = routerconfig.CauseServerError
		return false
	case isRejection(a.status) || isKeyRefusal(a.status, body):
		a.cause = causeRejected
		return false
	}
	x.passOn(a, message)
	return true
}

// moreAfter reports whether the attempts are not used up yet.
func (x *exchange) moreAfter() bool { return x.calls < x.engine.config.Fallback.MaxAttempts }

// isRejection holds for answers that are about the gateway's account or its
// configuration: a client that got them would look for the fault in its own key.
func isRejection(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound:
		return true
	}
	return false
}

// isKeyRefusal holds when the provider did not accept the gateway's key. Gemini and
// xAI say so with a 400
// (https://ai.google.dev/gemini-api/docs/troubleshooting, https://docs.x.ai/docs/key-information/debugging).
func isKeyRefusal(status int, body []byte) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return true
	case http.StatusBadRequest:
		return bytes.Contains(body, []byte("API_KEY_INVALID")) || bytes.Contains(body, []byte("Incorrect API key"))
	}
	return false
}

// providerError reads a provider's error, whatever its shape.
func (x *exchange) providerError(status int, body []byte) patch.ErrorBody {
	if x.out.wire == routerconfig.WireOpenAI {
		return patch.ScanError(body)
	}
	e := x.out.codec.DecodeError(status, body)
	return patch.ErrorBody{Message: e.Message, Type: e.Type, Param: e.Param, Code: e.Code}
}

// passOn hands the provider's verdict on the request to the client.
func (x *exchange) passOn(a *attempt, message patch.ErrorBody) {
	if x.held != nil { // an answer that failed is more than none
		x.deliver(x.held)
		return
	}
	x.outcome, x.status = metricnames.OutcomeClientError, a.status
	if message.Message == "" {
		message.Message = fmt.Sprintf("the provider answered %d without saying why", a.status)
	}
	if message.Type == "" {
		message.Type = typeInvalidRequest
	}
	x.setHeaders()
	x.w.Header()["X-Tiershift-Cost-Usd"] = []string{x.cost().String()}
	x.api.writeError(x.w, &apiError{status: a.status, ErrorBody: message})
}

// retryAfter reads a Retry-After header: seconds, or an HTTP date.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 && seconds < 1e6 {
		return time.Duration(seconds * float64(time.Second))
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// failure says why no attempt succeeded, naming each.
func (x *exchange) failure() *apiError {
	var list strings.Builder
	limited, pause := true, time.Duration(0)
	for i := range x.attempts {
		a := &x.attempts[i]
		fmt.Fprintf(&list, "; %d) %s of %s, tier %s: %s: %s", i+1, a.model.Name, a.model.provider.Kind, a.model.tier.Name, a.cause, a.detail)
		limited = limited && a.cause == routerconfig.CauseRateLimited
		if a.retryAfter > 0 && (pause == 0 || a.retryAfter < pause) {
			pause = a.retryAfter
		}
	}
	err := &apiError{status: http.StatusBadGateway, ErrorBody: patch.ErrorBody{
		Message: fmt.Sprintf("no upstream answered, attempts %d%s", len(x.attempts), list.String()),
		Type:    typeUpstream, Code: "all_attempts_failed",
	}}
	if limited {
		err.status, err.Type, err.Code = http.StatusTooManyRequests, typeRateLimit, "rate_limited"
		err.retryAfter = max(pause, time.Second)
	}
	return err
}

// abandoned reports whether the client has gone.
func abandoned(ctx context.Context) bool { return ctx.Err() != nil }

// settle charges what the provider reported, or else an estimate.
func (x *exchange) settle(a *attempt, usage pricing.Usage, has bool, outputBytes int64) {
	if has {
		x.charge(a, usage)
		return
	}
	x.chargeEstimate(a, outputBytes)
}
