package simulator

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"time"
)

// exchange is one chat request and its answer.
type exchange struct {
	*Provider
	w     http.ResponseWriter
	ctx   context.Context
	req   *request
	model *modelState
	fault fault
	c     *completion
	pace  pacer
	rand  *rand.Rand
	// sent are the output tokens that have been generated so far.
	sent int
	// whole is the document to answer with, where a wire makes it beforehand.
	whole []byte
	// wire is the one that the request chose, where it is not the dialect's, and
	// responses the request if that is Responses.
	wire      *otherWire
	responses *responsesRequest
}

// otherWire is the wire of the exchange; nil: chat completions.
func (x *exchange) otherWire() *otherWire {
	if x.wire != nil {
		return x.wire
	}
	return x.dialect.wire
}

// deployment is how Azure names the model: in the path.
var deployment = regexp.MustCompile(`/deployments/([^/]+)/(?:chat/completions|embeddings)$`)

// chat answers a chat request, or returns the error to answer with.
func (p *Provider) chat(w http.ResponseWriter, r *http.Request, body []byte) *apiError {
	serial := p.serial.Add(1)
	x := &exchange{Provider: p, w: w, ctx: r.Context(), rand: draws(mix(p.cfg.Seed, hashText(p.cfg.Name)), mix(serial, 1))}
	var malformed *apiError
	if x.req, malformed = decodeRequest(r.Header.Get("Content-Type"), body); malformed != nil {
		x.req = &request{}
	}
	if m := deployment.FindStringSubmatch(r.URL.Path); m != nil && (x.req.Model == "" || p.cfg.Dialect == AzureOpenAI) {
		x.req.Model = m[1]
	}
	if err := x.chooseFault(r.Header.Get(FaultHeader)); err != nil {
		return err
	}
	p.setHeaders(w.Header(), serial, 0)
	if x.disrupt() {
		return nil
	}
	if malformed != nil {
		return malformed
	}
	if err := x.prepare(serial); err != nil {
		return err
	}
	x.answer()
	return nil
}

func (x *exchange) chooseFault(header string) *apiError {
	faults := x.faults.Load()
	if header == "" || !x.cfg.AllowFaultHeader {
		x.fault = faults.draw(x.rand)
		return nil
	}
	f, err := parseFault(header, faults)
	if err != nil {
		return badRequest(FaultHeader, "invalid_value", "%v", err)
	}
	x.fault = f
	return nil
}

// disrupt injects the faults that come before any answer, and reports whether
// it did.
func (x *exchange) disrupt() bool {
	f := x.fault
	if f.kind == faultErrorEvent && !x.req.Stream {
		f.kind, f.status = faultStatus, http.StatusInternalServerError
	}
	if f.kind != noFault {
		x.count.update(func(s *Stats) { s.Faults[f.name()]++ })
	}
	switch f.kind {
	case faultStatus:
		wait := time.Duration(0)
		if f.status == http.StatusTooManyRequests || f.status == http.StatusServiceUnavailable {
			wait = f.shape.RetryAfter
		}
		x.setRetryAfter(x.w.Header(), f.status, wait)
		x.writeError(x.w, statusError(f.status, x.req.Model, wait.String()))
	case faultHang:
		<-x.ctx.Done()
		x.abandon()
	case faultReset:
		reset(x.w)
	case faultGarbage:
		if !f.html {
			return false
		}
		x.w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = x.w.Write([]byte("<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n" +
			"<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"))
	default:
		return false
	}
	return true
}

// reset breaks the connection before a byte of the answer was sent.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// prepare checks the request and settles its whole answer.
func (x *exchange) prepare(serial uint64) *apiError {
	if x.req.Model == "" {
		return errNoModel
	}
	var ok bool
	if x.model, ok = x.models[x.req.Model]; !ok {
		return errUnknownModel(x.req.Model)
	}
	if x.model.EmbeddingDimensions > 0 {
		return errNotChat
	}
	prompt := countPrompt(x.model.Name, x.req)
	validate := (*request).validate
	if other := x.otherWire(); other != nil {
		validate = other.validate
	}
	if err := validate(x.req, &x.model.Model, prompt.tokens); err != nil {
		return err
	}
	cached, written := x.cache.use(prompt)
	now := x.cfg.Clock.Now()
	x.c = complete(order{
		req: x.req, model: &x.model.Model, capability: x.model.currentCapability(), seed: x.cfg.Seed, prompt: prompt,
		cached: cached, written: written, serial: serial, created: now.Unix(), dialect: x.dialect,
	})
	x.pace = newPacer(x.cfg.Clock, now, x.currentLatency(), x.rand, x.c.usage.reasoning)
	x.setHeaders(x.w.Header(), serial, prompt.tokens)
	setTruth(x.w.Header(), x.c)
	return nil
}

// currentLatency is the model's own, or the provider's.
func (x *exchange) currentLatency() *Latency {
	if x.model.Latency != nil {
		return x.model.Latency
	}
	return x.latency.Load()
}

// answer sends the answer, and counts what it cost, however it ends.
func (x *exchange) answer() {
	defer func() {
		u := x.c.usage
		u.completion = min(u.reasoning+x.sent, u.completion)
		x.count.charge(x.model.Name, u)
	}()
	complete := false
	if x.req.Stream {
		complete = x.stream()
	} else {
		complete = x.document()
	}
	if !complete {
		x.abandon()
	}
}

// abandon counts a client that went away, and ends the connection such that
// nobody takes what was sent for a complete answer.
func (x *exchange) abandon() {
	x.cancelled()
	panic(http.ErrAbortHandler)
}

// document sends the answer as one JSON document, and reports whether the
// client was there to take it.
func (x *exchange) document() bool {
	total := x.c.usage.completion - x.c.usage.reasoning
	body := x.body()
	x.w.Header().Set("Content-Type", "application/json")
	if x.fault.shape.KeepAliveComments {
		_, _ = x.w.Write([]byte("\n"))
		x.flush()
	}
	if err := x.pace.wait(x.ctx, total); err != nil {
		x.sent = x.pace.generated(total)
		return false
	}
	x.sent = total
	switch x.fault.kind {
	case faultCut, faultStall, faultGarbage:
		body = body[:len(body)/2]
	}
	if _, err := x.w.Write(body); err != nil {
		return false
	}
	return x.breakOff()
}

// body is the whole answer.
func (x *exchange) body() []byte {
	if other := x.otherWire(); other != nil {
		return other.document(x)
	}
	return encodeJSON(x.c, x.dialect, x.req, x.fault.shape.NoUsage)
}

// breakOff ends a connection as the fault demands, and reports whether the
// client got what there was to get.
func (x *exchange) breakOff() bool {
	switch x.fault.kind {
	case faultCut:
		x.flush()
		panic(http.ErrAbortHandler)
	case faultStall:
		x.flush()
		<-x.ctx.Done()
		return false
	default:
		return true
	}
}

func (x *exchange) flush() { _ = http.NewResponseController(x.w).Flush() }

// pacer holds back tokens until it is time for them.
type pacer struct {
	clock    Clock
	start    time.Time
	first    time.Duration
	perToken float64 // nanoseconds
}

// newPacer draws a time to the first token; reasoning comes before it.
func newPacer(clock Clock, start time.Time, l *Latency, r *rand.Rand, reasoning int) pacer {
	p := pacer{clock: clock, start: start, first: l.FirstToken.At(r.Float64())}
	if l.TokensPerSecond > 0 {
		p.perToken = float64(time.Second) / l.TokensPerSecond
		p.first += time.Duration(float64(reasoning) * p.perToken)
	}
	return p
}

// shortestWait is what timers are not worth the trouble for.
const shortestWait = time.Millisecond

// wait waits until so many tokens have been generated.
func (p *pacer) wait(ctx context.Context, tokens int) error {
	due := p.first + time.Duration(float64(tokens)*p.perToken)
	if due == 0 {
		return ctx.Err()
	}
	if left := due - p.clock.Now().Sub(p.start); left >= shortestWait {
		return p.clock.Sleep(ctx, left)
	}
	return ctx.Err()
}

// generated is how many of the tokens have been generated by now.
func (p *pacer) generated(total int) int {
	since := p.clock.Now().Sub(p.start) - p.first
	if since <= 0 || p.perToken == 0 {
		return 0
	}
	return min(int(float64(since)/p.perToken), total)
}
