package router

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// Metrics are the accounts of a router process. They outlive engines: a new
// config never resets a counter. Counts and money are kept as integers and
// become floating point only when they are scraped.
type Metrics struct {
	duration       *prometheus.HistogramVec
	firstToken     *prometheus.HistogramVec
	overhead       *prometheus.HistogramVec
	classification *prometheus.HistogramVec
	quality        *prometheus.HistogramVec

	mu       sync.Mutex
	series   map[seriesKey]*series
	counters map[counterKey]*atomic.Uint64
	// overheads sum what side calls cost.
	overheads map[overheadKey]pricing.Picodollars
	config    *routerconfig.Config
	reloadOK  bool
}

// seriesKey holds the values of targetLabels, in that order.
type seriesKey [7]string

var targetLabels = []string{
	metricnames.LabelNamespace, metricnames.LabelPolicy, metricnames.LabelRoute,
	metricnames.LabelTier, metricnames.LabelModel, metricnames.LabelProvider, metricnames.LabelPlaced,
}

// counterKey is an event counter: one of eventDescs, its own label values, and
// the route it happened on.
type counterKey struct {
	desc                     *prometheus.Desc
	namespace, policy, route string
	a, b                     string
}

var outcomes = []string{
	metricnames.OutcomeSuccess, metricnames.OutcomeRejected, metricnames.OutcomeClientError,
	metricnames.OutcomeUpstreamError, metricnames.OutcomeCut, metricnames.OutcomeCancelled,
}

var tokenKinds = []string{
	metricnames.KindInput, metricnames.KindCachedInput, metricnames.KindCacheWrite,
	metricnames.KindOutput, metricnames.KindReasoning,
}

// series is the account of one route on one model, for what was placed alike.
type series struct {
	key                            seriesKey
	requests                       [6]atomic.Uint64 // by outcomes
	tokens                         [5]atomic.Uint64 // by tokenKinds
	cost, baseline                 atomic.Int64     // picodollars
	duration, firstToken, overhead prometheus.Observer
}

func withLabels(extra ...string) []string {
	return append(append([]string{}, targetLabels...), extra...)
}

var (
	requestsDesc = prometheus.NewDesc(metricnames.RequestsTotal,
		"Requests by how they ended.", withLabels(metricnames.LabelOutcome), nil)
	tokensDesc = prometheus.NewDesc(metricnames.TokensTotal,
		"Tokens that providers charged for. cached_input and cache_write are parts of input, reasoning is part of output.",
		withLabels(metricnames.LabelKind), nil)
	costDesc = prometheus.NewDesc(metricnames.CostUSDTotal,
		"What upstream calls cost, failed and cancelled ones included, in USD.", targetLabels, nil)
	baselineDesc = prometheus.NewDesc(metricnames.BaselineCostUSDTotal,
		"What the same requests would have cost on the policy's baseline model, in USD.", targetLabels, nil)

	routeLabels         = []string{metricnames.LabelNamespace, metricnames.LabelPolicy, metricnames.LabelRoute}
	classificationsDesc = prometheus.NewDesc(metricnames.ClassificationsTotal,
		"Classified requests by the step that decided and its verdict.",
		append(routeLabels[:3:3], metricnames.LabelMethod, metricnames.LabelClass), nil)
	fallbacksDesc = prometheus.NewDesc(metricnames.FallbacksTotal,
		"Attempts that failed and were followed by another, by cause.",
		append(routeLabels[:3:3], metricnames.LabelCause), nil)
	escalationsDesc = prometheus.NewDesc(metricnames.EscalationsTotal,
		"Requests that went to a higher tier than decided, by cause.",
		append(routeLabels[:3:3], metricnames.LabelCause), nil)

	judgementsDesc = prometheus.NewDesc(metricnames.JudgementsTotal,
		"Answers that were drawn to be judged, by what became of it.",
		append(routeLabels[:3:3], metricnames.LabelOutcome), nil)

	configInfoDesc = prometheus.NewDesc(metricnames.ConfigInfo,
		"The config that is served; always 1.",
		[]string{metricnames.LabelNamespace, metricnames.LabelPolicy, metricnames.LabelDigest, metricnames.LabelGeneration}, nil)
	reloadDesc = prometheus.NewDesc(metricnames.ConfigLastReloadSuccess,
		"Whether the newest config was taken into service: 1, or 0 while an older one is served.", nil, nil)
)

// NewMetrics returns empty accounts, registered with the registry.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	histogram := func(name, help string, labels []string, buckets []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	// LLM calls take from tens of milliseconds to minutes; the router itself
	// takes microseconds.
	long := prometheus.ExponentialBucketsRange(0.01, 300, 18)
	short := prometheus.ExponentialBucketsRange(0.000005, 0.1, 12)
	m := &Metrics{
		duration: histogram(metricnames.RequestDurationSeconds,
			"Time from a request's head to the last byte of its answer.", targetLabels, long),
		firstToken: histogram(metricnames.TimeToFirstTokenSeconds,
			"Time from a request's head to the first byte of its answer.", targetLabels, long),
		overhead: histogram(metricnames.OverheadSeconds,
			"Time the router itself took, waiting for upstreams not counted.", targetLabels, short),
		classification: histogram(metricnames.ClassificationDurationSeconds,
			"Time to classify a request, by the step that decided.", []string{metricnames.LabelMethod},
			prometheus.ExponentialBucketsRange(0.000005, 5, 15)), // rules take microseconds, an LLM may take a second
		quality: histogram(metricnames.QualityScore,
			"How good answers were, from 0 to 1, by who says so.", withLabels(metricnames.LabelSource), metricnames.ScoreBuckets()),
		series:   map[seriesKey]*series{},
		counters: map[counterKey]*atomic.Uint64{}, overheads: map[overheadKey]pricing.Picodollars{},
	}
	for _, c := range []prometheus.Collector{m.duration, m.firstToken, m.overhead, m.classification, m.quality, m} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Serving records the config that is now served.
func (m *Metrics) Serving(config *routerconfig.Config) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.config, m.reloadOK = config, true
}

// ReloadFailed records that the newest config was refused.
func (m *Metrics) ReloadFailed() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reloadOK = false
}

func (m *Metrics) seriesFor(config *routerconfig.Config, route string, model *model, placed string) *series {
	key := seriesKey{config.Namespace, config.Policy, route, model.tier.Name, model.Name, model.provider.Kind, placed}
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.series[key]
	if !ok {
		s = &series{
			key: key, duration: m.duration.WithLabelValues(key[:]...),
			firstToken: m.firstToken.WithLabelValues(key[:]...), overhead: m.overhead.WithLabelValues(key[:]...),
		}
		m.series[key] = s
	}
	return s
}

// seriesOf finds the account once and remembers it: most pairs of a route and a
// model never meet, and are not worth a histogram.
func (x *exchange) seriesOf(m *model) *series {
	d := &x.decision
	slot := &d.route.series[(d.placed+1)*x.engine.modelCount+m.index]
	s := slot.Load()
	if s == nil {
		s = x.server.metrics.seriesFor(x.engine.config, d.route.Name, m, x.engine.placedTier(d))
		slot.Store(s)
	}
	return s
}

// placedTier names the tier at which the split placed the request; empty: it did
// not.
func (e *Engine) placedTier(d *decision) string {
	if d.placed < 0 {
		return ""
	}
	return e.tiers[d.placed].Name
}

func (s *series) charge(usage pricing.Usage, cost pricing.Picodollars) {
	counts := [...]int64{
		usage.InputTokens, usage.CachedInputTokens, usage.CacheWriteTokens + usage.CacheWrite1hTokens,
		usage.OutputTokens, usage.ReasoningTokens,
	}
	for i, n := range counts {
		if n > 0 {
			s.tokens[i].Add(uint64(n))
		}
	}
	s.cost.Add(int64(cost))
}

func (s *series) finish(r *Record, overhead time.Duration) {
	for i, outcome := range outcomes {
		if outcome == r.Outcome {
			s.requests[i].Add(1)
		}
	}
	s.baseline.Add(int64(r.Baseline))
	s.duration.Observe(r.Duration.Seconds())
	s.overhead.Observe(overhead.Seconds())
	if r.FirstToken > 0 {
		s.firstToken.Observe(r.FirstToken.Seconds())
	}
}

// rejected counts a request that no upstream saw.
func (m *Metrics) rejected(config *routerconfig.Config, r *Record) {
	m.count(counterKey{
		desc: requestsDesc, namespace: config.Namespace, policy: config.Policy, route: r.Route, a: r.Outcome,
	})
}

func (m *Metrics) count(key counterKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.counters[key]
	if !ok {
		c = &atomic.Uint64{}
		m.counters[key] = c
	}
	c.Add(1)
}

// classified records how long a decision took, features included.
func (m *Metrics) classified(method string, took time.Duration) {
	m.classification.WithLabelValues(method).Observe(took.Seconds())
}

func (x *exchange) countEvent(desc *prometheus.Desc, a, b string) {
	x.server.metrics.count(counterKey{
		desc: desc, namespace: x.engine.config.Namespace, policy: x.engine.config.Policy,
		route: x.decision.route.Name, a: a, b: b,
	})
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		requestsDesc, tokensDesc, costDesc, baselineDesc, overheadDesc,
		classificationsDesc, fallbacksDesc, escalationsDesc, judgementsDesc, configInfoDesc, reloadDesc,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.series {
		s.collect(ch)
	}
	for key, c := range m.counters {
		key.collect(ch, float64(c.Load()))
	}
	for key, cost := range m.overheads {
		key.collect(ch, cost)
	}
	if m.config != nil {
		ch <- prometheus.MustNewConstMetric(configInfoDesc, prometheus.GaugeValue, 1,
			m.config.Namespace, m.config.Policy, m.config.Digest, strconv.FormatInt(m.config.Generation, 10))
	}
	reload := 0.0
	if m.reloadOK {
		reload = 1
	}
	ch <- prometheus.MustNewConstMetric(reloadDesc, prometheus.GaugeValue, reload)
}

func (s *series) collect(ch chan<- prometheus.Metric) {
	counter := func(desc *prometheus.Desc, value float64, extra ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, value, append(s.key[:len(s.key):len(s.key)], extra...)...)
	}
	for i, outcome := range outcomes {
		if n := s.requests[i].Load(); n > 0 {
			counter(requestsDesc, float64(n), outcome)
		}
	}
	for i, kind := range tokenKinds {
		if n := s.tokens[i].Load(); n > 0 {
			counter(tokensDesc, float64(n), kind)
		}
	}
	counter(costDesc, pricing.Picodollars(s.cost.Load()).Float64())
	counter(baselineDesc, pricing.Picodollars(s.baseline.Load()).Float64())
}

func (k counterKey) collect(ch chan<- prometheus.Metric, value float64) {
	labels := []string{k.namespace, k.policy, k.route}
	switch k.desc {
	case requestsDesc:
		labels = append(labels, "", "", "", "", k.a)
	case classificationsDesc:
		labels = append(labels, k.a, k.b)
	default:
		labels = append(labels, k.a)
	}
	ch <- prometheus.MustNewConstMetric(k.desc, prometheus.CounterValue, value, labels...)
}
