package router

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"

	"github.com/tiershift/tiershift/internal/classify"
	"github.com/tiershift/tiershift/internal/classify/chain"
	"github.com/tiershift/tiershift/internal/provider/patch"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// Request headers by which a client has a say in the decision.
const (
	headerRoute        = "X-Tiershift-Route"
	headerConversation = "X-Tiershift-Conversation"
	headerMinTier      = "X-Tiershift-Min-Tier"
	headerMaxTier      = "X-Tiershift-Max-Tier"
)

// asked is all that the decision may look at.
type asked struct {
	// prefix is the URL path before the API's own ("/api/code-review").
	prefix   string
	header   http.Header
	request  *patch.Request
	analysis *classify.Analysis
	// classification is what the steps of classification look at.
	classification *chain.Request
	// llm, if not nil, asks a model for the class on behalf of a route.
	llm func(*route) (routerconfig.Class, bool)
	// draw is uniform in [0,1), and the same for all requests of a conversation.
	draw float64
}

// decision is where a request goes first, and how far it may go from there.
type decision struct {
	route *route
	// tier, low and high are tier indexes, low <= tier <= high.
	tier, low, high int
	// model is the one the client asked for by name; nil: any of the tier.
	model  *model
	reason string
	// verdict is what classification found; its method is empty where nothing was
	// classified.
	verdict chain.Verdict
	// placed is the tier index at which the split placed the request, -1 if it did
	// not: then it is not comparable with those that chance placed elsewhere.
	placed int
}

// undecided is the class of requests that no step was sure of.
const undecided = "UNDECIDED"

// class is what classification found; empty: nothing was classified.
func (d *decision) class() string {
	if d.verdict.Method == chain.MethodNone {
		return undecided
	}
	return string(d.verdict.Class)
}

// decide is the routing decision: a pure function of the config, the request and,
// where one is asked, an LLM's word.
func (e *Engine) decide(in *asked) (decision, *apiError) {
	name := in.request.Model()
	r, err := e.route(in, name)
	if err != nil {
		return decision{}, err
	}
	if r.Unavailable != "" {
		return decision{route: r, placed: -1}, unavailable("route_unavailable", fmt.Sprintf("route %s: %s", r.Name, r.Unavailable))
	}
	d := decision{route: r, low: r.low, high: r.high, placed: -1}
	if err := e.narrow(&d, in.header); err != nil {
		return decision{}, err
	}
	e.choose(&d, in, name)
	d.clamp()
	return d, nil
}

// route finds the route by header, by model name, or as the first that matches.
func (e *Engine) route(in *asked, model string) (*route, *apiError) {
	known := e.knowsModel(model)
	if named := in.header.Get(headerRoute); named != "" {
		r, ok := e.byName[named]
		switch {
		case !ok:
			return nil, notFound("route_not_found", headerRoute, "the policy has no route %q; it has: %s", truncate(named, 100), e.routeNames())
		case !r.takesModel(model, known):
			return nil, e.unknownModel(model)
		}
		return r, nil
	}
	if r, ok := e.byName[model]; ok {
		return r, nil
	}
	for _, r := range e.routes {
		if r.takesModel(model, known) && e.matches(r, in, model) {
			return r, nil
		}
	}
	return nil, e.unknownModel(model)
}

// takesModel keeps a name that only some routes know from slipping into any
// other.
func (r *route) takesModel(name string, known bool) bool { return known || r.matcher.namesModel(name) }

// matches holds for the implicit route whatever the request asks.
func (e *Engine) matches(r *route, in *asked, model string) bool {
	implicit := r.index == len(e.config.Routes)
	return implicit || r.matcher.matches(in.prefix, model, in.header, in.request) && in.analysis.RouteMatches(r.index)
}

func (e *Engine) knowsModel(name string) bool {
	if name == routerconfig.AutoModel {
		return true
	}
	if tierName, ok := strings.CutPrefix(name, routerconfig.TierModelPrefix); ok {
		return e.tierIndex(tierName) >= 0
	}
	return e.byName[name] != nil || e.modelNamed(name) != nil
}

func (e *Engine) unknownModel(name string) *apiError {
	return notFound("model_not_found", "model",
		"the model %q is not one of this policy: use %q, a route (%s), a tier (%s) or a model that GET /v1/models lists",
		truncate(name, 100), routerconfig.AutoModel, e.routeNames(), e.tierNames())
}

func (e *Engine) routeNames() string {
	names := make([]string, 0, len(e.routes))
	for _, r := range e.routes {
		names = append(names, r.Name)
	}
	return strings.Join(names, ", ")
}

func (e *Engine) tierNames() string {
	names := make([]string, 0, len(e.tiers))
	for _, t := range e.tiers {
		names = append(names, routerconfig.TierModelPrefix+t.Name)
	}
	return strings.Join(names, ", ")
}

// narrow applies the client's own bounds within those of the route: the route's
// floor and ceiling are the operator's and win.
func (e *Engine) narrow(d *decision, header http.Header) *apiError {
	if d.route.pin >= 0 {
		d.low = max(d.low, d.route.pin)
	}
	floor, ceiling := d.low, d.high
	if name := header.Get(headerMinTier); name != "" {
		i := e.tierIndex(name)
		if i < 0 {
			return badRequest("tier_not_found", headerMinTier, "the policy has no tier %q; it has: %s", truncate(name, 100), e.tierNames())
		}
		d.low = min(max(i, floor), ceiling)
	}
	if name := header.Get(headerMaxTier); name != "" {
		i := e.tierIndex(name)
		if i < 0 {
			return badRequest("tier_not_found", headerMaxTier, "the policy has no tier %q; it has: %s", truncate(name, 100), e.tierNames())
		}
		d.high = max(min(i, ceiling), d.low)
	}
	return nil
}

// choose finds the tier before bounds: what the client names, what the route
// pins, what classification is sure of, the live split, the low-confidence
// tier, the default tier.
func (e *Engine) choose(d *decision, in *asked, name string) {
	if tierName, ok := strings.CutPrefix(name, routerconfig.TierModelPrefix); ok && e.tierIndex(tierName) >= 0 {
		d.tier, d.reason = e.tierIndex(tierName), "tier-pin"
		return
	}
	if d.route.pin >= 0 {
		d.tier, d.reason = d.route.pin, "route-pin"
		return
	}
	if m := e.modelNamed(name); m != nil && e.byName[name] == nil {
		d.tier, d.model, d.reason = m.tier.index, m, "model-pin"
		return
	}
	if in.request.Needs()&patch.NeedEmbeddings != 0 {
		d.tier, d.reason = e.embeddingTier(d), "embeddings"
		return
	}
	e.classify(d, in)
}

// embeddingTier is the lowest tier that has a model for embeddings: a text is not
// hard or easy to embed.
func (e *Engine) embeddingTier(d *decision) int {
	for i := d.low; i <= d.high; i++ {
		for _, m := range e.tiers[i].models {
			if m.can&patch.NeedEmbeddings != 0 {
				return i
			}
		}
	}
	return d.low
}

func (e *Engine) classify(d *decision, in *asked) {
	request := in.classification
	if limit := d.route.MaxOutputTokens; limit > 0 && (request.MaxOutput == 0 || limit < request.MaxOutput) {
		request.MaxOutput = limit
	}
	if in.llm != nil && d.low != d.high { // else it does not matter what it says
		request.LLM = func() (routerconfig.Class, bool) { return in.llm(d.route) }
	}
	if d.verdict = e.chain.Decide(request); d.verdict.Decided() {
		d.tier, d.reason = d.verdict.Tier, reasonOf(&d.verdict)
		return
	}
	if len(d.route.split) > 0 {
		d.tier, d.reason = drawTier(d.route.split, in.draw), "split"
		// Where the client set bounds, chance had less to say.
		if d.low == d.route.low && d.high == d.route.high {
			d.placed = d.tier
		}
		return
	}
	if name := e.config.Classification.LowConfidenceTier; name != "" {
		d.tier, d.reason = e.tierIndex(name), "low-confidence"
		return
	}
	d.tier, d.reason = e.tierIndex(e.config.DefaultTier), "default-tier"
}

// reasonOf names the step that decided: "rule:greeting class=SIMPLE", "model
// class=MODERATE confidence=0.87", "model class=MODERATE quality=0.91", "llm
// class=SIMPLE".
func reasonOf(v *chain.Verdict) string {
	var room [96]byte
	b := room[:0]
	switch v.Method {
	case chain.MethodRules:
		b = append(append(append(append(b, "rule:"...), v.Rule...), " class="...), v.Class...)
	case chain.MethodModel:
		b = append(append(b, "model class="...), v.Class...)
		if v.ByQuality {
			b = append(b, " quality="...)
		} else {
			b = append(b, " confidence="...)
		}
		b = strconv.AppendFloat(b, v.Confidence, 'f', 2, 64)
	default:
		b = append(append(append(b, v.Method...), " class="...), v.Class...)
	}
	return string(b)
}

func drawTier(split []share, draw float64) int {
	for _, s := range split {
		if draw*100 < float64(s.upTo) {
			return s.tier
		}
	}
	return split[len(split)-1].tier
}

// clamp moves the tier within the bounds and says so.
func (d *decision) clamp() {
	bounded := min(max(d.tier, d.low), d.high)
	if bounded == d.tier {
		return
	}
	if bounded > d.tier {
		d.reason += " raised-to-min-tier"
	} else {
		d.reason += " lowered-to-max-tier"
	}
	d.tier, d.model = bounded, nil
}

// conversationDraw places a conversation in [0,1), the same in every replica and
// after every restart; ok is false when nothing tells which conversation the
// request belongs to.
func conversationDraw(header http.Header, request *patch.Request) (draw float64, ok bool) {
	hash := fnv.New64a()
	key := cmp.Or(header.Get(headerConversation), request.Conversation(), request.PromptCacheKey(), request.User())
	switch {
	case key != "":
		_, _ = hash.Write([]byte(key)) // a hash takes all bytes
	case request.Turns() > 1 || request.RawTextBytes() >= worthCaching:
		request.EachPrefixText(func(raw []byte) { _, _ = hash.Write(raw[:min(len(raw), worthCaching)]) })
	default:
		return 0, false
	}
	return unit(mix(hash.Sum64())), true
}

// worthCaching is about the least prompt that providers cache, 1,024 tokens, in
// bytes. The beginnings of such prompts, and of conversations that go on, say where
// they belong; a short question that stands alone gains nothing from staying where
// the same was asked before.
const worthCaching = 4 << 10

// mix spreads the low entropy of FNV's high bits over all bits (the finalizer
// of MurmurHash3, https://github.com/aappleby/smhasher).
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// unit maps 64 random bits to [0,1).
func unit(bits uint64) float64 { return float64(bits>>11) / (1 << 53) }

// truncate shortens what a client sent for a message.
func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
