package router

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/tiershift/tiershift/internal/judge"
	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

const (
	// judgements is how many are under way at once, and waiting how many more are
	// kept. With the bound on each case that is a few MiB.
	judgements, waiting = 4, 32
	// maxCase is how long a request may be that is judged, in bytes.
	maxCase = 128 << 10
	// replayTokens caps the answer that an answer is compared with, and gradeTokens
	// the reply of the judge, which may reason first.
	replayTokens, gradeTokens = 4096, 2048
	// judgementTime is how long a judgement may take.
	judgementTime = 5 * time.Minute
)

// judging is how a route has a sample of its answers judged.
type judging struct {
	tier   int
	share  float64 // in [0,1]
	rubric string
	limit  pricing.Picodollars
}

func (e *Engine) newJudging(j *routerconfig.Judge) (*judging, error) {
	if j == nil {
		return nil, nil
	}
	limit, err := pricing.ParseUSD(j.MaxCostUSDPerDay)
	if err != nil {
		return nil, err
	}
	return &judging{tier: e.tierIndex(j.Tier), share: j.SamplePercent / 100, rubric: j.Rubric, limit: limit}, nil
}

// judgeable is what a request may need and yet be judged: what is asked and what
// is answered are text alone.
const judgeable = patch.NeedChat | patch.NeedJSONSchema | patch.NeedReasoning

// draws is whether the answer to come is to be judged. That is drawn by chance among
// all that are text for text.
func (x *exchange) draws() bool {
	j := x.decision.route.judging
	return j != nil && !x.api.embeds && x.server.options.Random() < j.share &&
		x.request.Needs()&^judgeable == 0 && len(x.request.Body) <= maxCase
}

// yardstick is the tier that the route's others are measured by, in the end: the
// best that may answer, or that the judge can tell from others. What it answers
// scores 1, by definition and without a call: a split can only be told from
// another when each of its tiers has a score.
func (r *route) yardstick() int { return min(r.high, r.judging.tier) }

// submit hands an answer that the client has got to the court. It never waits.
func (x *exchange) submit(a *attempt, answer *chat.Response) {
	if !x.sampled || x.outcome != metricnames.OutcomeSuccess {
		return
	}
	c := &judgement{
		engine: x.engine, route: x.decision.route, model: a.model, placed: x.engine.placedTier(&x.decision),
		codec: x.api.codec, body: bytes.Clone(x.request.Body), needs: x.request.Needs(), promptTokens: x.promptTokens,
	}
	if answer != nil && len(answer.Choices) == 1 {
		c.answer = finished(&answer.Choices[0])
	}
	x.server.court.submit(c)
}

// finished is the text of a choice that came to its end; empty: there is no such.
func finished(c *chat.Choice) string {
	if c.Finish != chat.FinishStop && c.Finish != chat.FinishStopSequence && c.Finish != chat.FinishUnknown {
		return ""
	}
	return textOf(c)
}

// judgement is an answer that is to be judged. It, and with it what was asked and
// answered, is kept in memory until that is done, and nowhere else.
type judgement struct {
	engine *Engine
	route  *route
	// model answered; placed is where a split placed the request.
	model  *model
	placed string
	codec  chat.Codec
	body   []byte
	answer string
	needs  patch.Needs
	// promptTokens is an estimate.
	promptTokens int64
}

// court judges answers in the background, a few at a time.
type court struct {
	server *Server
	mu     sync.Mutex
	// busy counts the judgements under way, queue holds those that wait.
	busy    int
	queue   []*judgement
	budgets map[seriesKey]*judge.Budget
}

func newCourt(s *Server) *court { return &court{server: s, budgets: map[seriesKey]*judge.Budget{}} }

func (c *court) submit(j *judgement) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.server.draining.Load() || len(c.queue) >= waiting:
		c.count(j, metricnames.JudgementDropped)
	case c.busy >= judgements:
		c.queue = append(c.queue, j)
	default:
		c.busy++
		go c.work(j)
	}
}

// work judges one answer after the other until none waits.
func (c *court) work(j *judgement) {
	for j != nil {
		c.count(j, c.judge(j))
		j = c.next()
	}
}

func (c *court) next() *judgement {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		c.busy--
		return nil
	}
	j := c.queue[0]
	c.queue = slices.Delete(c.queue, 0, 1) // clears what it leaves behind
	return j
}

func (c *court) count(j *judgement, outcome string) {
	config := j.engine.config
	c.server.metrics.count(counterKey{desc: judgementsDesc, namespace: config.Namespace, policy: config.Policy, route: j.route.Name, a: outcome})
}

// budget is that of the route, whatever engine serves it.
func (c *court) budget(j *judgement) *judge.Budget {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := seriesKey{j.engine.config.Namespace, j.engine.config.Policy, j.route.Name}
	b, ok := c.budgets[key]
	if !ok {
		b = &judge.Budget{}
		c.budgets[key] = b
	}
	return b
}

// judge has the answer judged, and says what became of it.
func (c *court) judge(j *judgement) string {
	request, err := j.codec.DecodeRequest(j.body)
	if err != nil || !presentable(j.answer) {
		return metricnames.JudgementUnfit
	}
	if j.model.tier.index >= j.route.yardstick() {
		c.score(j, 1)
		return metricnames.JudgementScored
	}
	reference := j.pick(j.model.tier.index+1, j.needs, j.promptTokens, c.server)
	grader := j.pick(j.route.judging.tier, 0, j.shown(), c.server)
	if reference == nil || grader == nil {
		return metricnames.JudgementFailed
	}
	most := worst(reference, j.promptTokens, replayTokens).Add(worst(grader, j.shown(), gradeTokens))
	budget := c.budget(j)
	reserved, ok := budget.Reserve(c.server.now(), most, j.route.judging.limit)
	if !ok {
		return metricnames.JudgementUnpaid
	}
	outcome, spent := c.weigh(j, request, reference, grader)
	budget.Settle(reserved, spent)
	return outcome
}

// presentable is whether an answer can be shown to a judge.
func presentable(answer string) bool {
	return answer != "" && len(answer) <= judge.MaxAnswer && !judge.Courts(answer)
}

// shown is about how many tokens a judge reads: the request, both answers, and
// what it is told.
func (j *judgement) shown() int64 {
	const instructions = 600
	return j.promptTokens + int64(len(j.answer)/bytesPerToken) + replayTokens + instructions
}

// weigh has the answer compared with that of the reference.
func (c *court) weigh(j *judgement, request *chat.Request, reference, grader *model) (outcome string, spent pricing.Picodollars) {
	ctx, cancel := context.WithTimeout(context.Background(), judgementTime)
	defer cancel()
	other, spent := c.replay(ctx, j, reference, request)
	switch {
	case other == "":
		return metricnames.JudgementFailed, spent
	case !presentable(other):
		return metricnames.JudgementUnfit, spent
	}
	score, cost, err := c.compare(ctx, j, grader, turns(request), other)
	spent = spent.Add(cost)
	if err != nil {
		return metricnames.JudgementFailed, spent
	}
	c.score(j, score)
	return metricnames.JudgementScored, spent
}

func (c *court) score(j *judgement, score float64) {
	c.server.metrics.score(metricnames.SourceJudge, j.engine.seriesKey(j.route.Name, j.model, j.placed), score)
}

// pick chooses among the models of a tier; nil: none can take it.
func (j *judgement) pick(tier int, needs patch.Needs, tokens int64, s *Server) *model {
	p := &plan{
		engine: j.engine, decision: &decision{route: j.route, tier: tier, low: tier, high: tier, placed: -1}, needs: needs,
		promptTokens: tokens, outputTokens: gradeTokens, random: s.options.Random, now: s.now(), tier: tier, sticky: -1,
	}
	return p.next()
}

// worst is what a call may cost: estimates of prompts err by less than half.
func worst(m *model, promptTokens, outputTokens int64) pricing.Picodollars {
	return m.rates.Cost(pricing.Usage{InputTokens: promptTokens + promptTokens/2, OutputTokens: outputTokens})
}

// replay asks the reference what the client asked; empty: it gave no whole answer.
func (c *court) replay(ctx context.Context, j *judgement, reference *model, asked *chat.Request) (answer string, cost pricing.Picodollars) {
	request := *asked
	request.Stream, request.StreamUsage = false, false
	if request.MaxOutputTokens == 0 || request.MaxOutputTokens > replayTokens {
		request.MaxOutputTokens = replayTokens
	}
	if limit := j.route.MaxOutputTokens; limit > 0 {
		request.MaxOutputTokens = min(request.MaxOutputTokens, limit)
	}
	if limit := reference.MaxOutputTokens; limit > 0 {
		request.MaxOutputTokens = min(request.MaxOutputTokens, limit)
	}
	response, cost, err := c.call(ctx, j, reference, &request)
	if err != nil || len(response.Choices) != 1 {
		return "", cost
	}
	return finished(&response.Choices[0]), cost
}

// compare has the answers graded, in an order drawn by chance.
func (c *court) compare(ctx context.Context, j *judgement, grader *model, request []judge.Turn, other string) (float64, pricing.Picodollars, error) {
	pair := &judge.Pair{Turns: request, First: j.answer, Second: other, Rubric: j.route.judging.rubric}
	swapped := c.server.options.Random() < 0.5
	if swapped {
		pair.First, pair.Second = pair.Second, pair.First
	}
	names := judge.Draw(unguessable)
	system, user := judge.Compose(pair, names)
	response, cost, err := c.call(ctx, j, grader, &chat.Request{
		Wire: chat.WireOpenAIChat, MaxOutputTokens: gradeTokens,
		Messages: []chat.Message{
			{Role: chat.RoleSystem, Parts: []chat.Part{{Kind: chat.KindText, Text: system}}},
			{Role: chat.RoleUser, Parts: []chat.Part{{Kind: chat.KindText, Text: user}}},
		},
	})
	if err != nil {
		return 0, cost, err
	}
	if len(response.Choices) != 1 {
		return 0, cost, judge.ErrReply
	}
	first, second, err := judge.Read(textOf(&response.Choices[0]), names)
	if swapped {
		first, second = second, first
	}
	return judge.Score(first, second), cost, err
}

// unguessable returns 64 random bits that no one can foresee.
func unguessable() uint64 {
	var bits [8]byte
	_, _ = rand.Read(bits[:]) // never fails: crypto/rand ends the process instead
	return binary.BigEndian.Uint64(bits[:])
}

// errNoAnswer is a call that brought none.
var errNoAnswer = errors.New("the model gave no answer")

// call asks a model on the router's own account.
func (c *court) call(ctx context.Context, j *judgement, m *model, request *chat.Request) (*chat.Response, pricing.Picodollars, error) {
	answer, err := j.engine.sideCall(ctx, m, request)
	c.server.metrics.bookOverhead(j.engine.config, j.route.Name, m, metricnames.PurposeJudge, answer.Cost)
	if err == nil && answer.Response == nil {
		err = errNoAnswer
	}
	if err != nil {
		c.server.options.Log.Debug("a judgement came to nothing", "route", j.route.Name, "model", m.Name, "error", err)
	}
	return answer.Response, answer.Cost, err
}

// turns are the texts of a conversation, as a judge reads them.
func turns(r *chat.Request) []judge.Turn {
	var out []judge.Turn
	for i := range r.Messages {
		text := ""
		for _, p := range r.Messages[i].Parts {
			if p.Kind == chat.KindText || p.Kind == chat.KindRefusal {
				text += p.Text
			}
		}
		out = append(out, judge.Turn{Role: roleNames[r.Messages[i].Role], Text: text})
	}
	return out
}

var roleNames = map[chat.Role]string{
	chat.RoleSystem: "system", chat.RoleDeveloper: "system", chat.RoleUser: "user", chat.RoleAssistant: "assistant", chat.RoleTool: "tool",
}
