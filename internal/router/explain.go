package router

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/tiershift/tiershift/internal/pricing"
)

// Explanation says what would be done with a request, and why. Costs are
// estimates from the estimated tokens and an answer of medium length.
type Explanation struct {
	Route string `json:"route"`
	Tier  string `json:"tier"`
	Model string `json:"model"`
	// Provider is the kind of the provider (OpenAI, DeepSeek, …).
	Provider string `json:"provider"`
	Reason   string `json:"reason"`
	// Class is SIMPLE, MODERATE, COMPLEX or UNDECIDED; empty: the tier was
	// pinned and nothing classified.
	Class        string `json:"class,omitempty"`
	PromptTokens int64  `json:"prompt_tokens_estimate"`
	OutputTokens int64  `json:"output_tokens_estimate"`
	// CostUSD and BaselineCostUSD are decimal USD.
	CostUSD         string `json:"cost_usd_estimate"`
	BaselineModel   string `json:"baseline_model"`
	BaselineCostUSD string `json:"baseline_cost_usd_estimate"`
	// Fallbacks are the models that would be tried next, in order, as
	// "tier/model".
	Fallbacks []string `json:"fallbacks"`
	// Rules are the classification rules that held.
	Rules []ExplainedRule `json:"rules,omitempty"`
	// Features are what classification saw of the request.
	Features []ExplainedFeature `json:"features,omitempty"`
	// Steps are those of classification, in their order, with what each says;
	// empty: the tier was pinned and nothing classified.
	Steps []ExplainedStep `json:"steps,omitempty"`
}

// ExplainedFeature is something about the request.
type ExplainedFeature struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ExplainedStep is one step of classification.
type ExplainedStep struct {
	// Method is rules, model or llm, as metrics have it.
	Method string `json:"method"`
	// Decided is true of the step that decided.
	Decided bool `json:"decided"`
	// Class and Confidence are its verdict; empty and 0: it has none.
	Class      string  `json:"class,omitempty"`
	Confidence float64 `json:"confidence,omitempty"`
	// Score is the need for the strongest tier in [0,1], by the trained classifier.
	Score float64 `json:"score,omitempty"`
	// Remark says how it came to its verdict, or why it does not count.
	Remark string `json:"remark"`
	// Tiers are what the trained classifier predicts of each tier.
	Tiers []ExplainedTier `json:"tiers,omitempty"`
	// CostUSD is what asking an LLM would cost.
	CostUSD string `json:"cost_usd_estimate,omitempty"`
}

// ExplainedTier is what is predicted of a tier.
type ExplainedTier struct {
	Tier string `json:"tier"`
	// Quality is the probability of a good answer.
	Quality float64 `json:"quality"`
	// CostUSD is what the answer would cost on the tier's first model.
	CostUSD string `json:"cost_usd_estimate"`
}

// ExplainedRule is one rule that held for the request.
type ExplainedRule struct {
	Name       string  `json:"name"`
	Class      string  `json:"class"`
	Confidence float64 `json:"confidence"`
}

// serveExplain answers POST /v1/explain: the decision, and no upstream call.
func (s *Server) serveExplain(e *Engine, w http.ResponseWriter, r *http.Request, prefix string) {
	explanation, err := s.explain(e, w, r, prefix)
	if err != nil {
		chatAPI.writeError(w, err)
		return
	}
	body, encodeErr := json.Marshal(explanation)
	if encodeErr != nil { // strings and numbers always encode
		chatAPI.writeError(w, unavailable("internal_error", encodeErr.Error()))
		return
	}
	w.Header()["Content-Type"] = contentTypeJSON
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the client that went away needs no explanation
}

func (s *Server) explain(e *Engine, w http.ResponseWriter, r *http.Request, prefix string) (*Explanation, *apiError) {
	x := s.newExchange(e, w, r, &target{api: chatAPI, prefix: prefix}, s.now())
	x.explaining = true
	defer x.scratch.release()
	w.Header()["X-Tiershift-Request-Id"] = []string{x.id}
	if err := x.prepare(); err != nil {
		return nil, err
	}
	return x.explain()
}

// Explain is POST /v1/explain without a connection. The path of the request is
// the prefix that routes match.
func (s *Server) Explain(r *http.Request) (*Explanation, error) {
	explanation, err := s.explain(s.Engine(), &noWriter{header: http.Header{}}, r, strings.TrimRight(r.URL.Path, "/"))
	if err != nil {
		return nil, err
	}
	return explanation, nil
}

// noWriter stands where nobody reads the answer.
type noWriter struct{ header http.Header }

func (w *noWriter) Header() http.Header         { return w.header }
func (w *noWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *noWriter) WriteHeader(int)             {}

func (x *exchange) explain() (*Explanation, *apiError) {
	p := x.plan()
	first := p.next()
	if first == nil {
		return nil, p.unsuitable()
	}
	usage := pricing.Usage{InputTokens: x.promptTokens, OutputTokens: x.expectedOutput(), Estimated: true}
	out := &Explanation{
		Route: x.decision.route.Name, Tier: first.tier.Name, Model: first.Name, Provider: first.provider.Kind,
		Reason: x.decision.reason, Class: x.decision.class(),
		PromptTokens: usage.InputTokens, OutputTokens: usage.OutputTokens,
		CostUSD:       first.rates.Cost(usage).String(),
		BaselineModel: x.engine.config.Baseline.Model, BaselineCostUSD: x.engine.baseline.Cost(usage).String(),
		Fallbacks: []string{},
	}
	for range x.engine.config.Fallback.MaxAttempts - 1 {
		m := p.next()
		if m == nil {
			break
		}
		out.Fallbacks = append(out.Fallbacks, m.tier.Name+"/"+m.Name)
	}
	x.explainSteps(out)
	return out, nil
}
