package simulator

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// Config describes one simulated provider account.
type Config struct {
	// Name labels the provider in its model list and in the errors of New.
	Name string
	// APIKeys are the keys that are accepted; none: any key, or no key.
	APIKeys []string
	// Models are the models served, at least one.
	Models []Model
	// Dialect is the provider whose deviations from OpenAI are imitated.
	Dialect Dialect
	// Seed fixes every answer, latency and fault.
	Seed uint64
	// Latency holds for models that state none of their own.
	Latency Latency
	// Faults are the faults to begin with.
	Faults Faults
	// AllowFaultHeader lets a request ask for a fault in [FaultHeader].
	AllowFaultHeader bool
	// Record keeps that many of the last requests, keys and prompts included.
	Record int
	// CacheEntries bounds the prompt cache, in cached prefixes; 0 means 4096.
	CacheEntries int
	// Canned, if set, answers every chat request with the same bytes.
	Canned *Canned
	// Clock is the time that the provider lives in; zero: the real one.
	Clock Clock
}

// Model is one simulated model.
type Model struct {
	// Name is what requests call it.
	Name string
	// Snapshot is the dated name that answers report, as OpenAI does; empty: Name.
	Snapshot string
	// Capability says how hard a prompt it answers well, in [0,1].
	Capability float64
	// EmbeddingDimensions makes it a model that embeds texts, in vectors of that
	// length, and does not talk; 0: it talks.
	EmbeddingDimensions int
	// Reasoning makes it spend reasoning tokens before it answers.
	Reasoning bool
	// ContextTokens bounds prompt and answer together; 0: no bound.
	ContextTokens int
	// MaxOutputTokens bounds the answer; 0: no bound.
	MaxOutputTokens int
	// Verbosity scales the length of answers; 0 means 1.
	Verbosity float64
	// Gullible makes it do what the material that it is to sort tells it, as small
	// models do: a label that the prompt orders is the one it chooses.
	Gullible bool
	// CacheWrites reports the prompt tokens written to the cache in usage.
	CacheWrites bool
	// Latency replaces the provider's.
	Latency *Latency
}

// Latency is how long a model takes.
type Latency struct {
	// FirstToken is the time until the first token.
	FirstToken Distribution
	// TokensPerSecond is the rate from then on; 0: at once.
	TokensPerSecond float64
}

// Distribution is a log-normal distribution of durations, given by its median
// and its 95th percentile. A P95 at or below the median makes it constant.
type Distribution struct {
	Median, P95 time.Duration
}

// normalP95 is the 95th percentile of the standard normal distribution.
const normalP95 = 1.6448536269514722

// At returns the duration below which the share u of all durations lies, for u
// in (0,1).
func (d Distribution) At(u float64) time.Duration {
	if d.Median <= 0 {
		return 0
	}
	if d.P95 <= d.Median {
		return d.Median
	}
	sigma := math.Log(float64(d.P95)/float64(d.Median)) / normalP95
	z := math.Sqrt2 * math.Erfinv(2*u-1)
	return time.Duration(float64(d.Median) * math.Exp(sigma*z))
}

// Clock is the time that a provider lives in.
type Clock struct {
	Now func() time.Time
	// Sleep waits, and returns the context's error if that ends first.
	Sleep func(context.Context, time.Duration) error
}

func (c Clock) orReal() Clock {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	return c
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c Config) validate() error {
	var errs []error
	if len(c.Models) == 0 {
		errs = append(errs, errors.New("models: at least one is required"))
	}
	seen := map[string]bool{}
	for i := range c.Models {
		for _, err := range c.Models[i].faults(seen) {
			errs = append(errs, fmt.Errorf("models[%d]: %w", i, err))
		}
	}
	if _, ok := dialects[c.Dialect]; !ok {
		errs = append(errs, fmt.Errorf("dialect: %q is unknown", c.Dialect))
	}
	if c.Canned != nil && c.Canned.Tokens < 1 {
		errs = append(errs, errors.New("canned: tokens must be at least 1"))
	}
	if c.Canned != nil && dialects[c.Dialect].wire != nil {
		errs = append(errs, fmt.Errorf("canned: only OpenAI's wire has canned answers, not %s", c.Dialect))
	}
	if err := c.Faults.validate(); err != nil {
		errs = append(errs, fmt.Errorf("faults: %w", err))
	}
	return errors.Join(errs...)
}

// faults are what is wrong with a model, whose name seen then has.
func (m *Model) faults(seen map[string]bool) (errs []error) {
	if m.Name == "" {
		errs = append(errs, errors.New("name is required"))
	}
	if seen[m.Name] {
		errs = append(errs, fmt.Errorf("%q is named twice", m.Name))
	}
	seen[m.Name] = true
	if m.EmbeddingDimensions < 0 {
		errs = append(errs, errors.New("embeddingDimensions must not be negative"))
	}
	if err := validShare("capability", m.Capability); err != nil {
		errs = append(errs, err)
	}
	return errs
}

// validShare accepts numbers in [0,1], and so rejects NaN.
func validShare(name string, v float64) error {
	if v >= 0 && v <= 1 {
		return nil
	}
	return fmt.Errorf("%s must be in [0,1], not %v", name, v)
}
