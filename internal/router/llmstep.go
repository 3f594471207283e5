package router

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tiershift/tiershift/internal/classify/llm"
	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// verdictsKept bounds the memory of the LLM step: some 2 MB.
const verdictsKept = 8192

// llmMemory is what the LLM step of a process remembers from one config to the
// next: verdicts, calls under way, and whether the model answers at all.
type llmMemory struct {
	now func() time.Time

	mu      sync.Mutex
	cache   *llm.Cache
	flights map[llm.Key]*flight
	breaker map[string]*outage // by tier
}

// outage is a tier's breaker. Calls under way are given up by giveUp once it opens:
// nobody waits for a model that is known not to answer.
type outage struct {
	llm.Breaker
	underWay context.Context
	giveUp   context.CancelFunc
}

// flight is one call that all requests with the same question wait for.
type flight struct {
	done  chan struct{} // closed once class is set
	class routerconfig.Class
}

func newLLMMemory(now func() time.Time) *llmMemory {
	return &llmMemory{now: now, cache: llm.NewCache(verdictsKept), flights: map[llm.Key]*flight{}, breaker: map[string]*outage{}}
}

func (m *llmMemory) outageOf(tier string) *outage {
	o := m.breaker[tier]
	if o == nil {
		o = &outage{}
		o.underWay, o.giveUp = context.WithCancel(context.Background())
		m.breaker[tier] = o
	}
	return o
}

// peek returns a verdict that is remembered.
func (m *llmMemory) peek(key llm.Key, ttl time.Duration) (class routerconfig.Class, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.cache.Get(key, m.now(), ttl)
}

// open is whether the tier is not asked at the moment.
func (m *llmMemory) open(tier string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.outageOf(tier).Open(m.now())
}

// call asks a model. An error is the lack of an answer; an answer that is no class
// is an empty class.
type call func(ctx context.Context) (routerconfig.Class, error)

// verdict returns the class that the model gave to the question, now or before. It
// waits no longer than ctx and the spec's timeout allow. An empty class is none.
func (m *llmMemory) verdict(ctx context.Context, key llm.Key, spec *routerconfig.LLMClassifier, ask call) routerconfig.Class {
	f := m.join(key, spec, ask)
	if f == nil {
		return ""
	}
	select {
	case <-f.done:
		return f.class
	case <-ctx.Done():
		return ""
	}
}

// join returns the flight to wait for; nil: no model is asked at the moment.
func (m *llmMemory) join(key llm.Key, spec *routerconfig.LLMClassifier, ask call) *flight {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	if class, known := m.cache.Get(key, now, time.Duration(spec.CacheTTL)); known {
		landed := &flight{done: make(chan struct{}), class: class}
		close(landed.done)
		return landed
	}
	if f := m.flights[key]; f != nil {
		return f
	}
	o := m.outageOf(spec.Tier)
	if !o.Allow(now) {
		return nil
	}
	f := &flight{done: make(chan struct{})}
	m.flights[key] = f
	// Not the context of the request that happens to be the first: if its client
	// goes away, the others still wait.
	ctx, cancel := context.WithTimeout(o.underWay, time.Duration(spec.Timeout))
	go func() {
		defer cancel()
		class, err := ask(ctx)
		m.land(key, f, spec, now, class, err)
	}()
	return f
}

// land ends a flight.
func (m *llmMemory) land(key llm.Key, f *flight, spec *routerconfig.LLMClassifier, begun time.Time, class routerconfig.Class, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	o := m.outageOf(spec.Tier)
	switch {
	case err == nil:
		o.Succeeded(now)
		f.class = class
		if spec.CacheTTL > 0 {
			m.cache.Put(key, class, now)
		}
	case o.Failed(begun, now):
		o.giveUp()
		o.underWay, o.giveUp = context.WithCancel(context.Background())
	}
	delete(m.flights, key)
	close(f.done)
}

// llmQuestion is what an LLM would be asked about the request.
func (x *exchange) llmQuestion() (*llm.Question, llm.Key) {
	in := x.classification.Input
	q := llm.Ask(&llm.Request{
		Last: in.Text, All: in.UserText, Turns: in.Turns, Tools: in.Tools, Images: in.Images, JSONSchema: in.JSONSchema,
	})
	key := q.Key(x.engine.config.Classification.LLM.Tier)
	return q, key
}

// llmStep is the LLM step of the request's classification; nil: the policy has
// none. An explanation asks nobody, and is told what is remembered.
func (x *exchange) llmStep() func(*route) (routerconfig.Class, bool) {
	switch {
	case x.engine.config.Classification.LLM == nil || len(x.scratch.input.Text) == 0:
		return nil
	case x.explaining:
		return x.recallLLM
	}
	return x.askLLM
}

func (x *exchange) recallLLM(*route) (routerconfig.Class, bool) {
	q, key := x.llmQuestion()
	class, _ := x.server.verdicts.peek(key, time.Duration(x.engine.config.Classification.LLM.CacheTTL))
	return class, class != "" && !q.Names(class)
}

func (x *exchange) askLLM(r *route) (routerconfig.Class, bool) {
	q, key := x.llmQuestion()
	spec := x.engine.config.Classification.LLM
	begun := x.server.now()
	// The call may outlive the exchange, and must not use it.
	asker := &llmAsker{server: x.server, engine: x.engine, route: r, question: q}
	class := x.server.verdicts.verdict(x.r.Context(), key, spec, asker.ask)
	x.waiting += x.server.now().Sub(begun)
	return class, class != "" && !q.Names(class)
}

// llmAsker asks the models of a tier on behalf of a route.
type llmAsker struct {
	server   *Server
	engine   *Engine
	route    *route
	question *llm.Question
}

// llmModels is how many models of the tier are asked at most, one after the other,
// within the deadline.
const llmModels = 2

func (a *llmAsker) ask(ctx context.Context) (routerconfig.Class, error) {
	p := a.plan()
	err := errors.New("no model of the tier can be asked")
	for range llmModels {
		m := p.next()
		if m == nil {
			break
		}
		var class routerconfig.Class
		if class, err = a.askModel(ctx, m); err == nil {
			return class, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	a.server.options.Log.Warn("the LLM classifier did not answer; requests are classified without it for a while",
		"tier", a.engine.config.Classification.LLM.Tier, "error", err)
	return "", err
}

// plan hands out the models of the classifier's tier.
func (a *llmAsker) plan() *plan {
	tier := a.engine.tierIndex(a.engine.config.Classification.LLM.Tier)
	return &plan{
		engine: a.engine, decision: &decision{route: a.route, tier: tier, low: tier, high: tier},
		promptTokens: a.tokens(), outputTokens: llm.MaxAnswerTokens,
		random: a.server.options.Random, now: a.server.now(), sticky: -1, tier: tier,
	}
}

// tokens estimates the size of the question.
func (a *llmAsker) tokens() int64 { return int64(a.question.Size()) / bytesPerToken }

func (a *llmAsker) askModel(ctx context.Context, m *model) (routerconfig.Class, error) {
	system, user := a.question.Prompt(boundary())
	request := &chat.Request{
		Messages: []chat.Message{
			{Role: chat.RoleSystem, Parts: []chat.Part{{Kind: chat.KindText, Text: system}}},
			{Role: chat.RoleUser, Parts: []chat.Part{{Kind: chat.KindText, Text: user}}},
		},
		MaxOutputTokens: llm.MaxAnswerTokens,
	}
	if m.reasons {
		request.MaxOutputTokens, request.Reasoning.Effort = llm.MaxThoughtTokens, "low"
	} else {
		request.Temperature = new(float64) // the same question, the same answer
	}
	answer, err := a.engine.sideCall(ctx, m, request)
	if answer.Cost > 0 {
		a.server.metrics.bookOverhead(a.engine.config, a.route.Name, m, metricnames.PurposeClassification, answer.Cost)
	}
	if err != nil {
		return "", fmt.Errorf("%s of %s: %w", m.Name, m.provider.Name, err)
	}
	if len(answer.Response.Choices) == 0 {
		return "", nil
	}
	class, _ := llm.Parse(textOf(&answer.Response.Choices[0]))
	return class, nil
}

// boundary is a random line: 80 bits that no prompt can have guessed.
func boundary() string {
	var random [10]byte
	_, _ = rand.Read(random[:]) // never fails: crypto/rand ends the process instead
	return "=====" + hex.EncodeToString(random[:]) + "====="
}

// llmCost estimates what asking would cost: on the tier's first model.
func (x *exchange) llmCost(q *llm.Question) pricing.Picodollars {
	m := x.engine.tiers[x.engine.tierIndex(x.engine.config.Classification.LLM.Tier)].models[0]
	return m.rates.Cost(pricing.Usage{InputTokens: int64(q.Size()) / bytesPerToken, OutputTokens: 1})
}
