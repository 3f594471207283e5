package metricsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/shift"
)

// PrometheusOptions say which Prometheus is asked, and for what.
type PrometheusOptions struct {
	Selection
	// URL is the base URL below which /api/v1/query answers.
	URL string
	// Transport is used; nil: http.DefaultTransport.
	Transport http.RoundTripper
	// Timeout bounds all queries of one window; 0: 15s.
	Timeout time.Duration
}

// Prometheus measures by asking a Prometheus, or anything with its HTTP API, that
// scrapes the routers. It keeps nothing.
type Prometheus struct {
	api     promv1.API
	options PrometheusOptions
}

// NewPrometheus fails when the URL cannot be read.
func NewPrometheus(options PrometheusOptions) (*Prometheus, error) {
	if options.Timeout <= 0 {
		options.Timeout = 15 * time.Second
	}
	if options.Transport == nil {
		options.Transport = http.DefaultTransport
	}
	client, err := api.NewClient(api.Config{Address: options.URL, RoundTripper: limited{options.Transport}})
	if err != nil {
		return nil, fmt.Errorf("shift.metrics.prometheus.url: %w", err)
	}
	return &Prometheus{api: promv1.NewAPI(client), options: options}, nil
}

// maxAnswer bounds one answer of Prometheus in bytes.
const maxAnswer = 16 << 20

// limited cuts answers that no query of ours has.
type limited struct{ http.RoundTripper }

func (l limited) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := l.RoundTripper.RoundTrip(request)
	if err == nil {
		body := response.Body
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(body, maxAnswer), body}
	}
	return response, err
}

// quantityQuery is one of the queries for a window.
type quantityQuery struct {
	metric string
	by     string
	take   func(c counts, k key, labels model.Metric, v float64) error
}

var quantityQueries = []quantityQuery{
	{metricnames.RequestsTotal, metricnames.LabelOutcome, func(c counts, k key, labels model.Metric, v float64) error {
		if isFailure(string(labels[metricnames.LabelOutcome])) {
			k.what = failed
			c[k] += v
		}
		k.what = requests
		c[k] += v
		return nil
	}},
	{metricnames.CostUSDTotal, "", func(c counts, k key, _ model.Metric, v float64) error {
		k.what = cost
		c[k] += v
		return nil
	}},
	{metricnames.RequestDurationSeconds + "_bucket", strings.Join([]string{
		metricnames.LabelTier, metricnames.LabelModel, metricnames.LabelProvider, model.BucketLabel,
	}, ", "), durations},
	{metricnames.QualityScore + "_bucket", metricnames.LabelSource + ", " + model.BucketLabel, func(c counts, k key, labels model.Metric, v float64) error {
		k.what, k.detail = scoreBucket, string(labels[metricnames.LabelSource])
		return c.addBucket(k, labels, v)
	}},
	{metricnames.QualityScore + "_sum", metricnames.LabelSource, func(c counts, k key, labels model.Metric, v float64) error {
		k.what, k.detail = scoreSum, string(labels[metricnames.LabelSource])
		c[k] += v
		return nil
	}},
}

func durations(c counts, k key, labels model.Metric, v float64) error {
	k.what = durationBucket
	if err := c.addBucket(k, labels, v); err != nil || string(labels[metricnames.LabelTier]) != k.tier {
		return err
	}
	k.what, k.model, k.provider = modelBucket, string(labels[metricnames.LabelModel]), string(labels[metricnames.LabelProvider])
	return c.addBucket(k, labels, v)
}

func (c counts) addBucket(k key, labels model.Metric, v float64) error {
	le, err := strconv.ParseFloat(string(labels[model.BucketLabel]), 64)
	if err != nil || math.IsNaN(le) {
		return fmt.Errorf("has a bucket le=%q", string(labels[model.BucketLabel]))
	}
	k.le = le
	c[k] += v
	return nil
}

// Window measures what the route did from start to end. Whatever is wrong is the
// window's fault.
func (p *Prometheus) Window(ctx context.Context, route string, start, end time.Time) shift.Window {
	out := shift.Window{Start: start, End: end}
	ctx, cancel := context.WithTimeout(ctx, p.options.Timeout)
	defer cancel()
	counted, err := p.count(ctx, route, start, end)
	if err != nil {
		out.Fault = fmt.Sprintf("Prometheus at %s: %v", p.options.URL, err)
		return out
	}
	out.Samples = counted.samples(route)
	return out
}

func (p *Prometheus) count(ctx context.Context, route string, start, end time.Time) (counts, error) {
	seconds := int64(math.Round(end.Sub(start).Seconds()))
	if seconds < 1 {
		return nil, errors.New("the window is empty")
	}
	selector := fmt.Sprintf("{%s=%q,%s=%q}", metricnames.LabelNamespace, p.options.Namespace, metricnames.LabelPolicy, p.options.Policy)
	routers, err := p.query(ctx, fmt.Sprintf("count(%s%s)", metricnames.ConfigInfo, selector), end)
	if err != nil {
		return nil, err
	}
	if len(routers) == 0 {
		return nil, fmt.Errorf("it has no %s of policy %s/%s: let it scrape the routers' port 8081", metricnames.ConfigInfo, p.options.Namespace, p.options.Policy)
	}
	counted := counts{}
	for i := range quantityQueries {
		if err := p.add(ctx, counted, &quantityQueries[i], route, seconds, end); err != nil {
			return nil, err
		}
	}
	return counted, nil
}

func (p *Prometheus) add(ctx context.Context, counted counts, q *quantityQuery, route string, seconds int64, end time.Time) error {
	by := metricnames.LabelPlaced
	if q.by != "" {
		by += ", " + q.by
	}
	expression := fmt.Sprintf("sum by (%s) (increase(%s{%s=%q,%s=%q,%s=%q,%s!=\"\"}[%ds]))", by, q.metric,
		metricnames.LabelNamespace, p.options.Namespace, metricnames.LabelPolicy, p.options.Policy,
		metricnames.LabelRoute, route, metricnames.LabelPlaced, seconds)
	vector, err := p.query(ctx, expression, end)
	if err != nil {
		return fmt.Errorf("%s: %w", q.metric, err)
	}
	for _, sample := range vector {
		v := float64(sample.Value)
		if !usable(v) {
			return fmt.Errorf("%s: increased by %g", q.metric, v)
		}
		k := key{route: route, tier: string(sample.Metric[metricnames.LabelPlaced])}
		if err := q.take(counted, k, sample.Metric, v); err != nil {
			return fmt.Errorf("%s: %w", q.metric, err)
		}
	}
	return nil
}

// query evaluates an expression at one time. Warnings are faults: they tell of
// answers that are not whole.
func (p *Prometheus) query(ctx context.Context, expression string, at time.Time) (model.Vector, error) {
	value, warnings, _, err := p.api.Query(ctx, expression, at)
	if err != nil {
		return nil, err
	}
	if len(warnings) > 0 {
		return nil, fmt.Errorf("it answered in part: %s", warnings[0])
	}
	vector, ok := value.(model.Vector)
	if !ok {
		return nil, fmt.Errorf("it answered with a %s", value.Type())
	}
	return vector, nil
}
