package metricsource

import (
	"fmt"
	"io"
	"math"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/tiershift/tiershift/internal/metricnames"
)

// Selection says whose numbers are wanted. Of these only what the split placed
// counts: where a request went for a reason, its tier has not earned what came of
// it.
type Selection struct {
	Namespace, Policy string
}

// reading is one router's numbers at one time.
type reading struct {
	counts counts
	// started is when the process began; zero: it does not say.
	started time.Time
}

// processStart is the metric of Prometheus' process collectors
// (https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics).
const processStart = "process_start_time_seconds"

// parse reads the text exposition format
// (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format).
// Samples that carry a time before oldest make it fail: whoever exposes those has
// stopped counting.
func parse(r io.Reader, selection *Selection, oldest time.Time) (*reading, error) {
	page, err := onlyWanted(r)
	if err != nil {
		return nil, err
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(page)
	if err != nil {
		return nil, err
	}
	out := &reading{counts: counts{}}
	for name, take := range takers {
		if err := out.counts.takeAll(families[name].GetMetric(), take, selection, oldest); err != nil {
			return nil, fmt.Errorf("%s %w", name, err)
		}
	}
	out.started = startOf(families[processStart].GetMetric())
	return out, nil
}

// takeAll takes in those of a family's metrics that are wanted.
func (c counts) takeAll(metrics []*dto.Metric, take taker, selection *Selection, oldest time.Time) error {
	for _, metric := range metrics {
		k, labels, ok := selection.key(metric)
		if !ok {
			continue
		}
		if at := metric.GetTimestampMs(); at != 0 && time.UnixMilli(at).Before(oldest) {
			return fmt.Errorf("is of %s", time.UnixMilli(at).UTC().Format(time.RFC3339))
		}
		if err := take(c, k, metric, labels); err != nil {
			return fmt.Errorf("of route %s, tier %s: %w", k.route, k.tier, err)
		}
	}
	return nil
}

// startOf is when the process began; zero: it does not say.
func startOf(metrics []*dto.Metric) (started time.Time) {
	for _, metric := range metrics {
		if v := value(metric); v > 0 && v < latestStart {
			started = time.UnixMilli(int64(v * 1000))
		}
	}
	return started
}

// latestStart is a time, in seconds, that no process began at yet.
const latestStart = 1 << 33

// key is whose number a metric is; not ok when it is nobody's that is asked for.
func (s *Selection) key(metric *dto.Metric) (k key, labels map[string]string, ok bool) {
	labels = labelsOf(metric)
	k = key{route: labels[metricnames.LabelRoute], tier: labels[metricnames.LabelPlaced]}
	ours := labels[metricnames.LabelNamespace] == s.Namespace && labels[metricnames.LabelPolicy] == s.Policy
	return k, labels, ours && k.route != "" && k.tier != ""
}

func labelsOf(metric *dto.Metric) map[string]string {
	labels := map[string]string{}
	for _, pair := range metric.GetLabel() {
		labels[pair.GetName()] = pair.GetValue()
	}
	return labels
}

// value is that of a counter, or of a gauge or an untyped metric.
func value(metric *dto.Metric) float64 {
	switch {
	case metric.Counter != nil:
		return metric.GetCounter().GetValue()
	case metric.Gauge != nil:
		return metric.GetGauge().GetValue()
	default:
		return metric.GetUntyped().GetValue()
	}
}

type taker func(c counts, k key, metric *dto.Metric, labels map[string]string) error

var takers = map[string]taker{
	metricnames.RequestsTotal: func(c counts, k key, metric *dto.Metric, labels map[string]string) error {
		if isFailure(labels[metricnames.LabelOutcome]) {
			k.what = failed
			if err := c.add(k, value(metric)); err != nil {
				return err
			}
		}
		k.what = requests
		return c.add(k, value(metric))
	},
	metricnames.CostUSDTotal: func(c counts, k key, metric *dto.Metric, _ map[string]string) error {
		k.what = cost
		return c.add(k, value(metric))
	},
	metricnames.RequestDurationSeconds: func(c counts, k key, metric *dto.Metric, labels map[string]string) error {
		if err := c.addHistogram(k, durationBucket, metric.GetHistogram()); err != nil || labels[metricnames.LabelTier] != k.tier {
			return err
		}
		k.model, k.provider = labels[metricnames.LabelModel], labels[metricnames.LabelProvider]
		return c.addHistogram(k, modelBucket, metric.GetHistogram())
	},
	metricnames.QualityScore: func(c counts, k key, metric *dto.Metric, labels map[string]string) error {
		k.detail = labels[metricnames.LabelSource]
		if h := metric.GetHistogram(); h != nil {
			sum := k
			sum.what = scoreSum
			if err := c.add(sum, h.GetSampleSum()); err != nil {
				return err
			}
		}
		return c.addHistogram(k, scoreBucket, metric.GetHistogram())
	},
}

func (c counts) add(k key, v float64) error {
	if !usable(v) {
		return fmt.Errorf("counts %g", v)
	}
	c[k] += v
	return nil
}

func (c counts) addHistogram(k key, bucket quantity, h *dto.Histogram) error {
	if h == nil {
		return fmt.Errorf("is no histogram")
	}
	k.what = bucket
	infinite := false
	for _, b := range h.GetBucket() {
		k.le = b.GetUpperBound()
		if math.IsNaN(k.le) {
			return fmt.Errorf("has a bucket le=NaN")
		}
		infinite = infinite || math.IsInf(k.le, 1)
		if err := c.add(k, float64(b.GetCumulativeCount())); err != nil {
			return err
		}
	}
	if infinite {
		return nil
	}
	k.le = math.Inf(1)
	return c.add(k, float64(h.GetSampleCount()))
}
