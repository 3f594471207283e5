package model

import (
	"encoding/binary"
	"math"
	"slices"
)

// Prediction is what a model says of a prompt, and the room it needs to find out.
// The zero value is ready; one that is used again does not allocate. It must not
// be used by two goroutines at once.
type Prediction struct {
	// Class is SIMPLE, MODERATE or COMPLEX, empty if the model has no classes.
	Class string
	// Confidence is in [0,1]: the share of such prompts for which the class is
	// expected to be right.
	Confidence float32
	// Score is the need for the strongest tier, in [0,1]: half of one plus by
	// how much it is likelier than the cheapest to answer well. At 0.5 it does
	// not matter which answers.
	Score float32
	// Quality is, per tier of the model from the cheapest to the strongest, the
	// probability that it answers well.
	Quality []float32
	// Classes are the probabilities of the classes, in the order of [Classes].
	Classes [len(Classes)]float32

	features Features
	encoding Encoding
	inputs   Inputs
}

// Predict judges the last user message of a request.
func (m *Model) Predict(text []byte, in Signals, out *Prediction) {
	logits := m.read(text, in, out)
	out.inputs.Fill(&out.features, m.topics())
	for i := range m.tiers {
		out.Quality = append(out.Quality, m.tiers[i].probability(logits[i], &out.inputs))
	}
	out.Score = score(out.Quality)
	m.judge(logits[len(m.tiers):], out)
}

// Classify is Predict without what it says of tiers, whose trees cost the most:
// Quality is empty, and Score 0 unless the model knows classes only.
func (m *Model) Classify(text []byte, in Signals, out *Prediction) {
	logits := m.read(text, in, out)
	if slices.ContainsFunc(m.classes, func(h Head) bool { return h.Forest != nil }) {
		out.inputs.Fill(&out.features, m.topics())
	}
	out.Score = 0
	m.judge(logits[len(m.tiers):], out)
}

// read extracts the features and returns the log odds of all heads.
func (m *Model) read(text []byte, in Signals, out *Prediction) (logits [maxHeads]float32) {
	out.features.Extract(text, in)
	out.encoding.Encode(&out.features)
	out.Quality = out.Quality[:0]
	m.sum(&out.encoding, &logits)
	return logits
}

// sum computes the log odds of all heads, without their biases.
func (m *Model) sum(e *Encoding, logits *[maxHeads]float32) {
	hashed := m.sumBuckets(e.Buckets)
	for _, t := range e.Terms {
		w := (*[stride]float32)(m.dense[int(t.Column)*stride:])
		for h := range logits {
			logits[h] += t.Value * w[h]
		}
	}
	for i := range m.tiers {
		logits[i] += e.Value * m.tiers[i].Scale * float32(hashed[i])
	}
	for i := range m.classes {
		h := len(m.tiers) + i
		logits[h] += e.Value * m.classes[i].Scale * float32(hashed[h])
	}
}

// sumBuckets adds up the weights of the buckets: a word of all heads at a time, in
// lanes of 16 bits for every other byte of it.
func (m *Model) sumBuckets(buckets []uint32) (sums [stride]int32) {
	const (
		lanes = 0x00ff00ff00ff00ff
		batch = 1 << 16 / 0x100 // as many bytes as a lane can hold the sum of
	)
	for len(buckets) > 0 {
		n := min(len(buckets), batch)
		even, odd := uint64(0), uint64(0)
		for _, b := range buckets[:n] {
			w := binary.LittleEndian.Uint64(m.weights[int(b)*stride:])
			even += w & lanes
			odd += w >> 8 & lanes
		}
		for h := range sums {
			lane := even >> (h / 2 * 16)
			if h%2 == 1 {
				lane = odd >> (h / 2 * 16)
			}
			sums[h] += int32(lane&0xffff) - int32(n)*weightBias
		}
		buckets = buckets[n:]
	}
	return sums
}

// probability is the calibrated one.
func (h *Head) probability(logit float32, in *Inputs) float32 {
	z := float64(h.Slope*(logit+h.Bias) + h.Intercept)
	if h.Forest != nil {
		z += float64(h.Mix * h.Forest.LogOdds(&in.Values))
	}
	return float32(1 / (1 + math.Exp(-z)))
}

func score(quality []float32) float32 {
	switch n := len(quality); n {
	case 0:
		return 0
	case 1:
		return 1 - quality[0]
	default:
		return (1 + quality[n-1] - quality[0]) / 2
	}
}

func (m *Model) judge(logits []float32, out *Prediction) {
	out.Class, out.Confidence, out.Classes = "", 0, [len(Classes)]float32{}
	if len(m.classes) == 0 {
		return
	}
	total := float32(0)
	for i := range m.classes {
		out.Classes[i] = m.classes[i].probability(logits[i], &out.inputs)
		total += out.Classes[i]
	}
	for i := range out.Classes {
		if total > 0 {
			out.Classes[i] /= total
		}
		if out.Classes[i] > out.Confidence || i == 0 {
			out.Class, out.Confidence = Classes[i], out.Classes[i]
		}
	}
	if len(m.tiers) == 0 { // nothing else is known of how demanding it is
		out.Score = (out.Classes[1] + 2*out.Classes[2]) / 2
	}
}

// Spread fills, for the tiers of a policy in ascending rank, how likely each
// answers well, from the qualities of the model's tiers in the same order. The
// lowest and the highest of both stand for each other, those between are
// interpolated by their place: a policy of two tiers has the model's first and
// last. It returns dst, of as many elements as there are tiers.
func Spread(dst, quality []float32, tiers int) []float32 {
	dst = dst[:0]
	for i := range tiers {
		if len(quality) == 0 {
			break
		}
		place := 0.0
		if tiers > 1 {
			place = float64(i) * float64(len(quality)-1) / float64(tiers-1)
		}
		low := int(place)
		high := min(low+1, len(quality)-1)
		t := float32(place - float64(low))
		dst = append(dst, (1-t)*quality[low]+t*quality[high])
	}
	return dst
}

// Cheapest is the decision: the index of the first, that is the cheapest, tier
// that reaches the target. If none does, it is the first that is about as good as
// the best there is, since paying more would then buy nothing. It is 0 for no
// tiers.
func Cheapest(quality []float32, target float32) int {
	best := float32(0)
	for i, q := range quality {
		if q >= target {
			return i
		}
		best = max(best, q)
	}
	for i, q := range quality {
		if q >= best-worthwhile {
			return i
		}
	}
	return 0
}

// worthwhile is by how much a tier has to be likelier to answer well to be worth
// its price when no tier reaches the target.
const worthwhile = 0.1

// BestValue is the decision when quality is to be bought where it is cheapest:
// the index of the tier with the highest quality less price times cost. Costs are
// those of a request per tier, relative to the strongest; price is how much
// quality one such request has to buy. Over many requests no other rule reaches a
// higher mean quality at the same mean cost, as far as the qualities are right.
func BestValue(quality []float32, costs []float64, price float64) int {
	best := 0
	for i := range quality {
		if float64(quality[i])-price*costs[i] > float64(quality[best])-price*costs[best] {
			best = i
		}
	}
	return best
}

// DefaultPrice makes the embedded model send what it takes for SIMPLE, MODERATE
// and COMPLEX requests to the first, second and third of three tiers of which
// each costs four times the one below.
const DefaultPrice = 0.15

// CostFactor is what a tier is assumed to cost against the one below where
// nothing better is known.
const CostFactor = 4

// AssumedCosts are the costs of n tiers relative to the strongest.
func AssumedCosts(n int) []float64 {
	costs := make([]float64, n)
	for i, cost := n-1, 1.0; i >= 0; i, cost = i-1, cost/CostFactor {
		costs[i] = cost
	}
	return costs
}
