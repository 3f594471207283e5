package router

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/tiershift/tiershift/internal/feedback"
	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/requestid"
)

// feedbackAge is how old an answer may be that is voted on: shifting has long
// forgotten what is older.
const feedbackAge = 30 * 24 * time.Hour

// ballots are what keeps votes honest, for all engines of a server.
type ballots struct {
	cast  feedback.Ballot
	flood feedback.Limiter
}

// completeID adds to the request's id what the answer is, so that any router of
// the policy can count a vote on it.
func (x *exchange) completeID() {
	key := x.engine.keys.signing()
	if key == nil {
		return
	}
	m := x.answering().model
	said := requestid.Answer{At: x.started, Route: x.decision.route.hash, Tier: m.tier.hash, Model: m.hash}
	if placed := x.decision.placed; placed >= 0 {
		said.Placed = x.engine.tiers[placed].hash
	}
	x.id = requestid.Complete(x.id, &said, x.client, key)
	id := []string{x.id}
	x.w.Header()["X-Tiershift-Request-Id"] = id
	x.w.Header()[x.api.idHeader] = id
}

// serveFeedback takes a vote on an answer.
func (s *Server) serveFeedback(e *Engine, w http.ResponseWriter, r *http.Request) {
	if err := s.vote(e, w, r); err != nil {
		chatAPI.writeError(w, err)
	}
}

func (s *Server) vote(e *Engine, w http.ResponseWriter, r *http.Request) *apiError {
	client, refused := e.authenticate(r)
	if refused != nil {
		return refused
	}
	now := s.now()
	if wait, ok := s.ballots.flood.Allow(voter(client, r), now); !ok {
		err := badRequest("feedback_rate_limited", "", "this client gives more feedback than is taken: come again in a while")
		err.status, err.Type, err.retryAfter = http.StatusTooManyRequests, typeRateLimit, wait
		return err
	}
	vote, err := s.readVote(w, r)
	if err != nil {
		return err
	}
	answer, err := e.answerOf(vote.RequestID, client, now)
	if err != nil {
		return err
	}
	if !s.ballots.cast.Cast(vote.RequestID) {
		err := badRequest("feedback_given", "request_id", "feedback on this request was given before; the first counts")
		err.status = http.StatusConflict
		return err
	}
	s.metrics.score(metricnames.SourceFeedback, e.seriesKey(answer.route, answer.model, answer.placed), vote.Score)
	s.voted(w, vote, answer)
	return nil
}

// voter tells apart who may flood: the client, or where nobody has a name, the
// address that the connection comes from.
func voter(client string, r *http.Request) string {
	if client != "" {
		return client
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (s *Server) readVote(w http.ResponseWriter, r *http.Request) (feedback.Vote, *apiError) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(s.now().Add(s.options.BodyTimeout)) // unsupported only in tests
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, feedback.MaxBytes))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		err := badRequest("request_too_large", "", "the request body exceeds the limit of %d bytes", feedback.MaxBytes)
		err.status = http.StatusRequestEntityTooLarge
		return feedback.Vote{}, err
	case err != nil:
		return feedback.Vote{}, badRequest("body_unreadable", "", "the request body ended before it was complete")
	}
	_ = control.SetReadDeadline(time.Time{})
	vote, err := feedback.Parse(body)
	var field *feedback.FieldError
	if errors.As(err, &field) {
		return vote, badRequest("invalid_request", field.Field, "%s", field)
	}
	return vote, nil
}

// voted tells the client what its vote was counted for.
func (s *Server) voted(w http.ResponseWriter, vote feedback.Vote, answer answered) {
	body, err := json.Marshal(struct {
		Object    string  `json:"object"`
		RequestID string  `json:"request_id"`
		Score     float64 `json:"score"`
		Route     string  `json:"route"`
		Tier      string  `json:"tier"`
		Model     string  `json:"model"`
	}{"feedback", vote.RequestID, vote.Score, answer.route, answer.model.tier.Name, answer.model.Name})
	if err != nil { // strings and a number in [0,1] are always JSON
		s.options.Log.Error("feedback cannot be answered", "error", err)
		return
	}
	h := w.Header()
	h["Content-Type"] = contentTypeJSON
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	_, _ = w.Write(body) // the vote counts even if the client has gone
}

// answered is what an id says, in the words of the config.
type answered struct {
	route, placed string
	model         *model
}

// answerOf finds what gave the answer with the id.
func (e *Engine) answerOf(id, client string, now time.Time) (answered, *apiError) {
	key := e.keys.signing()
	if key == nil {
		return answered{}, unavailable("feedback_unavailable", "this gateway has no key to check request ids with, so feedback cannot be counted")
	}
	said, err := requestid.Read(id, client, key)
	switch {
	case errors.Is(err, requestid.ErrMalformed):
		return answered{}, badRequest("invalid_request", "request_id", "request_id: %s: it is the x-tiershift-request-id of an answer", err)
	case err != nil:
		return answered{}, notFound("request_not_found", "request_id", "request_id: %s", err)
	case now.Sub(said.At) > feedbackAge:
		return answered{}, badRequest("feedback_too_late", "request_id", "request_id: the answer is older than %d days", int(feedbackAge/(24*time.Hour)))
	}
	found, ok := e.resolve.answer(&said)
	if !ok {
		return answered{}, notFound("answer_gone", "request_id", "request_id: the policy has changed since: it has no longer the route, tier or model of this answer")
	}
	return found, nil
}

// names find what the hashes in an id stand for in the engine's config.
type names struct {
	routes map[uint32]string
	tiers  map[uint32]*tier
}

func newNames(e *Engine) names {
	n := names{routes: map[uint32]string{}, tiers: map[uint32]*tier{}}
	for _, r := range e.routes {
		if _, twice := n.routes[r.hash]; twice {
			n.routes[r.hash] = "" // of neither
			continue
		}
		n.routes[r.hash] = r.Name
	}
	for _, t := range e.tiers {
		if _, twice := n.tiers[t.hash]; twice {
			n.tiers[t.hash] = nil
			continue
		}
		n.tiers[t.hash] = t
	}
	return n
}

func (n *names) answer(said *requestid.Answer) (answered, bool) {
	route, t := n.routes[said.Route], n.tiers[said.Tier]
	if route == "" || t == nil {
		return answered{}, false
	}
	out := answered{route: route}
	for _, m := range t.models {
		if m.hash == said.Model {
			out.model = m
			break
		}
	}
	if said.Placed != 0 {
		placed := n.tiers[said.Placed]
		if placed == nil {
			return answered{}, false
		}
		out.placed = placed.Name
	}
	return out, out.model != nil
}
