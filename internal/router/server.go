package router

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// Options are the limits and hooks of a server.
type Options struct {
	// MaxBodyBytes bounds a request body; 0: DefaultMaxBodyBytes.
	MaxBodyBytes int64
	// MaxResponseBytes bounds an upstream's JSON body; 0: DefaultMaxResponseBytes.
	MaxResponseBytes int64
	// MaxInFlight bounds the requests served at once; 0: DefaultMaxInFlight.
	MaxInFlight int64
	// BodyTimeout bounds how long a client may take to send its body; 0:
	// DefaultBodyTimeout.
	BodyTimeout time.Duration
	// Observe, if set, gets the record of every finished request. It is called
	// on the request's goroutine and must not block.
	Observe func(*Record)
	// Log gets what an operator should look into; nil: nothing is logged.
	Log *slog.Logger
	// Random returns numbers uniform in [0,1); nil: the global source.
	Random func() float64
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Defaults of Options.
const (
	DefaultMaxBodyBytes     = 32 << 20
	DefaultMaxResponseBytes = 64 << 20
	DefaultMaxInFlight      = 16384
	DefaultBodyTimeout      = time.Minute
)

func (o Options) withDefaults() Options {
	if o.MaxBodyBytes == 0 {
		o.MaxBodyBytes = DefaultMaxBodyBytes
	}
	if o.MaxResponseBytes == 0 {
		o.MaxResponseBytes = DefaultMaxResponseBytes
	}
	if o.MaxInFlight == 0 {
		o.MaxInFlight = DefaultMaxInFlight
	}
	if o.BodyTimeout == 0 {
		o.BodyTimeout = DefaultBodyTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Server is the handler of the traffic port. It serves with whichever engine
// was swapped in last.
type Server struct {
	options  Options
	metrics  *Metrics
	engine   atomic.Pointer[Engine]
	inFlight atomic.Int64
	draining atomic.Bool
	ballots  ballots
	court    *court
	// verdicts are those of the LLM step.
	verdicts *llmMemory
}

// NewServer returns a server that answers 503 until an engine is swapped in.
func NewServer(metrics *Metrics, options Options) *Server {
	options = options.withDefaults()
	s := &Server{options: options, metrics: metrics, verdicts: newLLMMemory(options.Now)}
	s.court = newCourt(s)
	return s
}

// Swap serves all requests that begin from now on with the engine. Those in
// flight end on the engine they began with.
func (s *Server) Swap(e *Engine) {
	s.engine.Store(e)
	s.metrics.Serving(e.config)
}

// Engine is the engine that serves now; nil: none was swapped in yet.
func (s *Server) Engine() *Engine { return s.engine.Load() }

// Drain makes the server announce that it is going away: /readyz turns
// negative and connections are closed after their next answer. Requests are
// still served, since they keep coming until every load balancer has noticed.
func (s *Server) Drain() { s.draining.Store(true) }

// InFlight is the number of requests being served.
func (s *Server) InFlight() int64 { return s.inFlight.Load() }

func (s *Server) now() time.Time { return s.options.Now() }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := s.now()
	defer s.inFlight.Add(-1)
	if s.inFlight.Add(1) > s.options.MaxInFlight {
		refuse(w, r, "overloaded", "the router serves as many requests as it may; try again")
		return
	}
	if s.draining.Load() {
		w.Header()["Connection"] = connectionClose
	}
	engine := s.engine.Load()
	if engine == nil {
		refuse(w, r, "not_ready", "the router has no config yet; try again")
		return
	}
	s.dispatch(engine, w, r, started)
}

// refuse answers that nothing can be served now. It is no part of its caller, whose
// stack a stream would keep.
//
//go:noinline
func refuse(w http.ResponseWriter, r *http.Request, code, message string) {
	apiOf(r).writeError(w, unavailable(code, message))
}

func (s *Server) dispatch(e *Engine, w http.ResponseWriter, r *http.Request, started time.Time) {
	if t, ok := findTarget(r); ok {
		if allowMethod(t.api, w, r, http.MethodPost) {
			s.serve(e, w, r, &t, started)
		}
		return
	}
	s.serveOther(e, w, r)
}

// serveOther serves what asks no model.
func (s *Server) serveOther(e *Engine, w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if prefix, ok := strings.CutSuffix(path, pathExplain); ok {
		if allowMethod(chatAPI, w, r, http.MethodPost) {
			s.serveExplain(e, w, r, prefix)
		}
		return
	}
	if strings.HasSuffix(path, pathFeedback) {
		if allowMethod(chatAPI, w, r, http.MethodPost) {
			s.serveFeedback(e, w, r)
		}
		return
	}
	// An action that is not served, such as :countTokens, is no model of that name.
	if list, id, ok := findModels(r); ok && (r.Method != http.MethodPost || !strings.Contains(id, ":")) {
		if allowMethod(list.api, w, r, http.MethodGet) {
			e.serveModels(w, r, list, id)
		}
		return
	}
	apiOf(r).writeError(w, notFound("not_found", "", "there is nothing at %s; the router serves POST %s, %s, %s, %s, %s, "+
		"%s, POST /v1beta/models/{model}:generateContent and :streamGenerateContent, and GET %s, each below any path prefix",
		truncate(path, 200), pathChat, pathResponses, pathMessages, pathEmbeddings, pathExplain, pathFeedback, pathModels))
}

// apiOf guesses which API a client speaks, for errors that come before that is
// known.
func apiOf(r *http.Request) *api {
	t, ok := findTarget(r)
	switch {
	case ok:
		return t.api
	case r.Header.Get("Anthropic-Version") != "":
		return messagesAPI
	case strings.Contains(r.URL.Path, "/v1beta/"):
		return generateAPI
	}
	return chatAPI
}

func allowMethod(a *api, w http.ResponseWriter, r *http.Request, method string) bool {
	if r.Method == method {
		return true
	}
	w.Header().Set("Allow", method)
	err := badRequest("method_not_allowed", "", "%s takes %s, not %s", truncate(r.URL.Path, 200), method, truncate(r.Method, 20))
	err.status = http.StatusMethodNotAllowed
	a.writeError(w, err)
	return false
}
