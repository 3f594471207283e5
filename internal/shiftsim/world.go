package shiftsim

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tiershift/tiershift/internal/shift"
)

// Tier is what a tier truly is.
type Tier struct {
	Name string
	// CostUSD is the mean cost of a request.
	CostUSD float64
	// Quality is the true mean score, in [0,1].
	Quality float64
	// Failing is the share of requests that get no answer.
	Failing float64
	// Latency is the median duration of a request.
	Latency time.Duration
}

// costSpread and latencySpread are the standard deviations of the logarithms of a
// request's cost and duration: the 95th percentile is about 2.7 and 2.3 times the
// median.
const (
	costSpread    = 0.6
	latencySpread = 0.5
)

// Traffic is what reaches the route.
type Traffic struct {
	// PerHour is the mean number of requests that classification leaves undecided.
	PerHour float64
	// Swing is how far traffic rises above the mean at noon and falls below it at
	// midnight, as a part of the mean; latency swings by half as much.
	Swing float64
	// Judged, Rated and Validated are the shares of requests whose answers are
	// scored by the judge, by clients, and by validation.
	Judged, Rated, Validated float64
	// Grudge is how many times as likely a client is to rate a bad answer as a
	// good one; 0: equally.
	Grudge float64
}

// Change changes a tier for good. Fields that are nil stay.
type Change struct {
	At   time.Duration
	Tier string
	// What is said of it in reports.
	What             string
	Quality, Failing *float64
	// CostFactor and LatencyFactor multiply; 0: as before.
	CostFactor, LatencyFactor float64
}

func (c *Change) apply(t *Tier) {
	if c.Quality != nil {
		t.Quality = *c.Quality
	}
	if c.Failing != nil {
		t.Failing = *c.Failing
	}
	t.CostUSD *= cmp.Or(c.CostFactor, 1)
	t.Latency = time.Duration(float64(t.Latency) * cmp.Or(c.LatencyFactor, 1))
}

// durationBounds are the upper bounds of tiershift_request_duration_seconds.
var durationBounds = exponential(0.01, 300, 18)

func exponential(low, high float64, n int) []float64 {
	bounds := make([]float64, n)
	for i := range bounds {
		bounds[i] = low * math.Pow(high/low, float64(i)/float64(n-1))
	}
	return bounds
}

// world draws what routers would have measured.
type world struct {
	random  *rand.Rand
	tiers   []Tier
	traffic Traffic
	changes []Change
	// durations says whether anything looks at them.
	durations bool
}

func newWorld(seed uint64, s *Scenario, durations bool) *world {
	changes := slices.Clone(s.Changes)
	slices.SortStableFunc(changes, func(a, b Change) int { return cmp.Compare(a.At, b.At) })
	return &world{
		random: rand.New(rand.NewPCG(seed, 0x7469657273686966)), tiers: slices.Clone(s.Tiers),
		traffic: s.Traffic, changes: changes, durations: durations,
	}
}

// advance brings the tiers to the given time.
func (w *world) advance(at time.Duration) {
	for len(w.changes) > 0 && w.changes[0].At <= at {
		for i := range w.tiers {
			if w.tiers[i].Name == w.changes[0].Tier {
				w.changes[0].apply(&w.tiers[i])
			}
		}
		w.changes = w.changes[1:]
	}
}

// swing is 1 at noon and -1 at midnight.
func swing(at time.Duration) float64 {
	return -math.Cos(2 * math.Pi * at.Hours() / 24)
}

// measure draws one window with the shares in percent, parallel to the tiers.
func (w *world) measure(at, length time.Duration, shares []int32) []shift.Sample {
	rate := w.traffic.PerHour * (1 + w.traffic.Swing*swing(at))
	left := poisson(w.random, rate*length.Hours())
	leftPercent := int32(100)
	var samples []shift.Sample
	for i := range w.tiers {
		if shares[i] == 0 {
			continue
		}
		n := binomial(w.random, left, float64(shares[i])/float64(leftPercent))
		left -= n
		leftPercent -= shares[i]
		if n > 0 {
			samples = append(samples, w.sample(at, &w.tiers[i], n))
		}
	}
	return samples
}

func (w *world) sample(at time.Duration, t *Tier, n int) shift.Sample {
	failed := binomial(w.random, n, t.Failing)
	s := shift.Sample{Tier: t.Name, Requests: float64(n), Failed: float64(failed), Scores: map[shift.Source]shift.Histogram{}}
	spread := t.CostUSD * math.Sqrt(float64(n)*(math.Exp(costSpread*costSpread)-1))
	s.CostUSD = max(float64(n)*t.CostUSD+spread*w.random.NormFloat64(), 0)
	if w.durations {
		s.Durations = w.drawDurations(n, t.Latency.Seconds()*(1+w.traffic.Swing*swing(at)/2))
	}
	whole := n - failed
	if judged := binomial(w.random, whole, w.traffic.Judged); judged > 0 {
		s.Scores[shift.SourceJudge] = scores(w.random, judged, gradedLevels(t.Quality))
	}
	if valid := binomial(w.random, whole, w.traffic.Validated); valid > 0 {
		s.Scores[shift.SourceValidation] = scores(w.random, valid, yesOrNo(t.Quality))
	}
	if w.traffic.Rated > 0 {
		w.rate(&s, whole, t.Quality)
	}
	return s
}

// rate draws ratings, of which the bad ones are given more readily.
func (w *world) rate(s *shift.Sample, n int, quality float64) {
	good := binomial(w.random, n, quality)
	up := binomial(w.random, good, w.traffic.Rated)
	down := binomial(w.random, n-good, min(w.traffic.Rated*max(w.traffic.Grudge, 1), 1))
	if up+down > 0 {
		s.Scores[shift.SourceFeedback] = histogramOf([levels]int{0: down, levels - 1: up})
	}
}

// levels are the scores 0, 0.25, 0.5, 0.75 and 1.
const levels = 5

// gradedLevels are the chances of each level for a judge with this mean: half of
// the answers are all right or all wrong, half are in between.
func gradedLevels(mean float64) [levels]float64 {
	between := [levels]float64{1, 4, 6, 4, 1}
	p := yesOrNo(mean)
	for i := range p {
		p[i] = p[i]/2 + between[i]*math.Pow(mean, float64(i))*math.Pow(1-mean, float64(levels-1-i))/2
	}
	return p
}

func yesOrNo(mean float64) [levels]float64 { return [levels]float64{0: 1 - mean, levels - 1: mean} }

func scores(random *rand.Rand, n int, chances [levels]float64) shift.Histogram {
	return histogramOf(scoresByLevel(random, n, chances))
}

func scoresByLevel(random *rand.Rand, n int, chances [levels]float64) (counts [levels]int) {
	left := 1.0
	for i, p := range chances {
		if n == 0 || left <= 0 {
			break
		}
		counts[i] = binomial(random, n, min(p/left, 1))
		n -= counts[i]
		left -= p
	}
	counts[levels-1] += n
	return counts
}

// histogramOf counts scores as routers do.
func histogramOf(counts [levels]int) shift.Histogram {
	h := shift.Histogram{Buckets: make([]shift.Bucket, len(shift.ScoreBuckets))}
	for i, upper := range shift.ScoreBuckets {
		h.Buckets[i].Upper = upper
	}
	for i, n := range counts {
		score := float64(i) / (levels - 1)
		at, _ := slices.BinarySearch(shift.ScoreBuckets, score)
		h.Buckets[at].Count += float64(n)
		h.Sum += score * float64(n)
	}
	return h
}

func (w *world) drawDurations(n int, median float64) shift.Histogram {
	h := shift.Histogram{Buckets: make([]shift.Bucket, 0, len(durationBounds)+1)}
	below, left := 0.0, n
	for _, upper := range durationBounds {
		p := lognormal(upper / median)
		count := 0
		if left > 0 && p > below {
			count = binomial(w.random, left, min((p-below)/(1-below), 1))
		}
		left -= count
		below = p
		h.Buckets = append(h.Buckets, shift.Bucket{Upper: upper, Count: float64(count)})
	}
	h.Buckets = append(h.Buckets, shift.Bucket{Upper: math.Inf(1), Count: float64(left)})
	h.Sum = float64(n) * median * math.Exp(latencySpread*latencySpread/2)
	return h
}

// lognormal is the chance that a duration is at most x medians.
func lognormal(x float64) float64 {
	return math.Erfc(-math.Log(x)/(latencySpread*math.Sqrt2)) / 2
}
