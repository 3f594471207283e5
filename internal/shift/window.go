package shift

import (
	"math"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

// window is the measurement for the status. Quality is that of the evidence, since
// one window seldom has enough scores to say anything.
func (d *decider) window() *v1alpha1.WindowStatus {
	w := &d.in.Window
	if w.Fault != "" || !w.End.Equal(d.state.Through) || w.End.IsZero() || w.End.Equal(d.in.State.Through) {
		return nil
	}
	out := &v1alpha1.WindowStatus{
		Start: &metav1.Time{Time: w.Start}, End: &metav1.Time{Time: w.End}, Requests: int64(math.Round(d.requests)),
	}
	if d.requests > 0 {
		total := 0.0
		for i := range w.Samples {
			if d.tierIndex(w.Samples[i].Tier) >= 0 {
				total += w.Samples[i].CostUSD
			}
		}
		out.CostPerRequestUSD = strconv.FormatFloat(total/d.requests, 'f', 9, 64)
	}
	if p95 := d.pooled.quantile(leastPrompt); p95 > 0 {
		out.LatencyP95 = &metav1.Duration{Duration: time.Duration(p95 * float64(time.Second)).Round(time.Millisecond)}
	}
	quality := d.quality
	if quality < 0 {
		quality = d.trustedQuality()
	}
	if s := d.measure(quality); s.n >= 0.5 {
		out.Quality = strconv.FormatFloat(s.mean, 'f', 3, 64)
		out.QualityLowerBound = strconv.FormatFloat(s.lower, 'f', 3, 64)
		out.QualitySamples = int64(math.Round(s.n))
	}
	return out
}
