package router

import (
	"time"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/validation"
)

// attempt is one upstream call and what became of it.
type attempt struct {
	model *model
	// status is the provider's HTTP status; 0: it sent none.
	status int
	// cause is why the attempt failed; empty: it did not.
	cause routerconfig.Cause
	// detail says in words what happened. It never holds a key, nor anything of
	// the prompt or the answer.
	detail string
	// retryAfter is how long the provider asked to be left alone.
	retryAfter time.Duration
	// verdict is what validation says of the answer, and outcome why.
	verdict verdict
	outcome validation.Outcome
	// usage and cost are what the attempt is charged for.
	usage pricing.Usage
	cost  pricing.Picodollars
}

// charge prices the usage and adds it to the accounts of the route and model.
func (x *exchange) charge(a *attempt, usage pricing.Usage) {
	a.usage = usage
	a.cost = a.model.rates.Cost(usage)
	x.seriesOf(a.model).charge(usage, a.cost)
}

// chargeEstimate charges what a provider presumably will, when it did not say:
// the estimated prompt and, at its rate per byte, the text it has sent.
func (x *exchange) chargeEstimate(a *attempt, outputBytes int64) {
	x.charge(a, pricing.Usage{
		InputTokens:  x.promptTokens,
		OutputTokens: tokensOf(outputBytes),
		Estimated:    true,
	})
}

// bytesPerToken is the rule of thumb for English text that OpenAI gives
// (https://help.openai.com/en/articles/4936856): a token is about 4 characters.
const bytesPerToken = 4

func tokensOf(bytes int64) int64 { return (bytes + bytesPerToken - 1) / bytesPerToken }

// Record is what is known of a finished request. It holds nothing of the prompt
// or the answer.
type Record struct {
	RequestID string
	Client    string
	Route     string
	// Tier, Model and Provider answered, or were tried last.
	Tier, Model, Provider string
	Reason                string
	// Class is the verdict of classification; empty: none was asked for.
	Class string
	// Outcome is one of metricnames' outcomes.
	Outcome string
	Status  int
	Stream  bool
	// Attempts counts the upstream calls.
	Attempts int
	// Usage is that of the last attempt.
	Usage pricing.Usage
	// Cost sums all attempts; Baseline is what the last attempt's usage would
	// have cost on the baseline model.
	Cost, Baseline pricing.Picodollars
	Started        time.Time
	Duration       time.Duration
	// FirstToken is the time to the first byte of the answer; 0: there was none.
	FirstToken time.Duration
}

func (x *exchange) cost() pricing.Picodollars {
	total := pricing.Picodollars(0)
	for i := range x.attempts {
		total = total.Add(x.attempts[i].cost)
	}
	return total
}

// finish closes the books on the request: exactly once, whatever happened.
func (x *exchange) finish() {
	record := &Record{
		RequestID: x.id, Client: x.client, Outcome: x.outcome, Status: x.status, Stream: x.request.Stream,
		Attempts: len(x.attempts), Cost: x.cost(), Started: x.started, Duration: x.server.now().Sub(x.started),
		FirstToken: x.firstByte,
	}
	if x.decision.route != nil {
		record.Route, record.Reason, record.Class = x.decision.route.Name, x.decision.reason, x.decision.class()
	}
	if last := x.answering(); last != nil {
		record.Tier, record.Model, record.Provider = last.model.tier.Name, last.model.Name, last.model.provider.Kind
		record.Usage = last.usage
		if last.cost > 0 {
			record.Baseline = x.engine.baseline.Cost(last.usage)
		}
		x.seriesOf(last.model).finish(record, x.overhead)
		x.scoreVerdicts()
	} else {
		x.server.metrics.rejected(x.engine.config, record)
	}
	if observe := x.server.options.Observe; observe != nil {
		observe(record)
	}
}

// answering is the attempt whose answer the client got, or else the last.
func (x *exchange) answering() *attempt {
	if x.answered > 0 {
		return &x.attempts[x.answered-1]
	}
	return x.last()
}

func (x *exchange) last() *attempt {
	if len(x.attempts) == 0 {
		return nil
	}
	return &x.attempts[len(x.attempts)-1]
}
