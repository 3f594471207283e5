package router

import (
	"fmt"
	"slices"
	"time"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// plan hands out the models to try, one after the other: those of the decided
// tier as its selection orders them, then those of the next tier up, as far as
// the decision's bound. No model comes twice, so no chain of attempts can run
// in a circle. Models that are ejected come last.
type plan struct {
	engine   *Engine
	decision *decision
	needs    patch.Needs
	// promptTokens and outputTokens are estimates.
	promptTokens, outputTokens int64
	random                     func() float64
	now                        time.Time
	// sticky, in [0,1), takes the place of random for the first model, so that a
	// conversation stays where its beginning is cached; negative: nothing does.
	sticky float64
	// only is the name of the only model that will do: vectors of another would
	// mean nothing beside those of the first. Empty: any.
	only string

	tier    int
	tried   uint32 // models of the current tier handed out or ruled out, a bit each
	ejected []*model
}

// maxModels is how many models of a tier a plan can tell apart; the API allows
// fewer.
const maxModels = 32

// contextSlack is how far a token estimate may exceed a model's window before
// the model is ruled out unasked: estimates err, and the provider knows.
const contextSlack = 1.25

// suits reports whether the model can take the request at all.
func (p *plan) suits(m *model) bool {
	return p.needs&^m.can == 0 && (p.only == "" || p.only == m.Name) && p.fits(m.ContextTokens)
}

// fits reports whether the request may fit into a window, 0 being none. Texts to
// embed have one each, and many come at once: the provider measures them.
func (p *plan) fits(window int64) bool {
	return window == 0 || p.needs&patch.NeedEmbeddings != 0 || float64(p.promptTokens) <= float64(window)*contextSlack
}

// next returns the next model to try, or nil when none is left.
func (p *plan) next() *model {
	if m := p.pinned(); m != nil {
		return m
	}
	for ; p.tier <= p.decision.high; p.tier, p.tried = p.tier+1, 0 {
		if m := p.pick(p.engine.tiers[p.tier]); m != nil {
			return m
		}
	}
	for len(p.ejected) > 0 {
		m := p.ejected[0]
		p.ejected = p.ejected[1:]
		if p.suits(m) {
			return m
		}
	}
	return nil
}

// above returns the next model to try of the tiers above one, or nil when none is
// left; those up to it are done with.
func (p *plan) above(tier int) *model {
	if p.tier <= tier {
		p.tier, p.tried = tier+1, 0
	}
	p.ejected = slices.DeleteFunc(p.ejected, func(m *model) bool { return m.tier.index <= tier })
	return p.next()
}

// pinned is the model that the client asked for, at first and if it is fit.
func (p *plan) pinned() *model {
	m := p.decision.model
	if m == nil || p.tier != p.decision.tier || p.tried != 0 {
		return nil
	}
	p.hand(m)
	if p.suits(m) && !m.health.ejected(p.now) {
		return m
	}
	p.ejected = append(p.ejected, m)
	return nil
}

// hand marks the model as handed out.
func (p *plan) hand(m *model) {
	for i, candidate := range m.tier.models {
		if candidate == m {
			p.tried |= 1 << i
		}
	}
	if p.needs&patch.NeedEmbeddings != 0 {
		p.only = m.Name
	}
}

// pick selects among the models of a tier that were not tried yet.
func (p *plan) pick(t *tier) *model {
	candidates := make([]*model, 0, maxModels)
	for i, m := range t.models {
		if p.tried&(1<<i) != 0 || !p.suits(m) {
			continue
		}
		if m.health.ejected(p.now) {
			p.tried |= 1 << i
			p.ejected = append(p.ejected, m)
			continue
		}
		candidates = append(candidates, m)
	}
	if len(candidates) == 0 {
		return nil
	}
	chosen := p.selectModel(t, candidates)
	p.hand(chosen)
	return chosen
}

func (p *plan) selectModel(t *tier, candidates []*model) *model {
	if len(candidates) == 1 {
		return candidates[0]
	}
	if weights := p.decision.route.weights[t.index]; weights != nil {
		first := t.models[0].index
		return weighted(candidates, p.draw(), func(m *model) int32 { return weights[m.index-first] })
	}
	switch t.Selection {
	case routerconfig.SelectionLowestCost:
		return lowest(candidates, p.expectedCost)
	case routerconfig.SelectionLowestLatency:
		if p.random() < exploreShare {
			return candidates[int(p.random()*float64(len(candidates)))]
		}
		return lowest(candidates, func(m *model) float64 { return m.health.averageLatency() })
	case routerconfig.SelectionOrdered:
		return candidates[0]
	default:
		return weighted(candidates, p.draw(), func(m *model) int32 { return m.Weight })
	}
}

// draw is the conversation's own number, or a fresh one.
func (p *plan) draw() float64 {
	if p.sticky >= 0 {
		return p.sticky
	}
	return p.random()
}

// exploreShare is the share of requests by which LowestLatency keeps measuring
// the models that it would not choose.
const exploreShare = 0.05

func (p *plan) expectedCost(m *model) pricing.Picodollars {
	return m.rates.Cost(pricing.Usage{InputTokens: p.promptTokens, OutputTokens: p.outputTokens})
}

// lowest returns the first of the least.
func lowest[V pricing.Picodollars | float64](candidates []*model, value func(*model) V) *model {
	best := candidates[0]
	least := value(best)
	for _, m := range candidates[1:] {
		if v := value(m); v < least {
			best, least = m, v
		}
	}
	return best
}

// weighted draws by weight. Models of weight zero serve only when nothing else
// is left.
func weighted(candidates []*model, draw float64, weight func(*model) int32) *model {
	total := int64(0)
	for _, m := range candidates {
		total += int64(weight(m))
	}
	if total == 0 {
		return candidates[0]
	}
	at := int64(draw * float64(total))
	for _, m := range candidates {
		if at -= int64(weight(m)); at < 0 {
			return m
		}
	}
	return candidates[len(candidates)-1]
}

// unsuitable says why no model at all can take the request.
func (p *plan) unsuitable() *apiError {
	if p.only != "" {
		return badRequest("capability_missing", "model", "the model %q makes no embeddings, and vectors of another would not compare: ask for one that does, or for %q", p.only, routerconfig.AutoModel)
	}
	best := patch.Needs(0)
	window := int64(0)
	for i := p.decision.tier; i <= p.decision.high; i++ {
		for _, m := range p.engine.tiers[i].models {
			best |= m.can
			window = max(window, m.ContextTokens)
		}
	}
	needs := p.needs
	if needs&^patch.NeedChat != 0 {
		needs &^= patch.NeedChat // which goes without saying
	}
	where := fmt.Sprintf("tiers %s to %s of route %s", p.engine.tiers[p.decision.tier].Name, p.engine.tiers[p.decision.high].Name, p.decision.route.Name)
	if missing := p.needs &^ best; missing != 0 {
		return badRequest("capability_missing", "model", "the request needs %s, which no model of %s has", describeNeeds(missing), where)
	}
	if !p.fits(window) {
		return badRequest("context_length_exceeded", "messages", "the request has about %d tokens; the largest context of %s is %d", p.promptTokens, where, window)
	}
	return badRequest("capability_missing", "model", "the request needs %s and about %d tokens of context, which no single model of %s has", describeNeeds(needs), p.promptTokens, where)
}
