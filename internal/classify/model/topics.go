package model

import "math"

// The space that words are placed in.
const (
	topicBits = 14
	// TopicBuckets is how many buckets the hashes of words share here, and
	// TopicDims how many dimensions the space has.
	TopicBuckets = 1 << topicBits
	TopicDims    = 40
)

// Topics place words that occur in the same prompts near each other (latent
// semantic analysis: Deerwester et al., 1990). They are learned from texts alone,
// without outcomes, and let a model of few counted features know what a prompt is
// about.
type Topics struct {
	// Scale is what one unit of a dimension's weights stands for.
	Scale []float32 `json:"scale"`
	// Weights are those of the buckets, TopicDims each.
	Weights []int8 `json:"-"`
	// Mass is how much a bucket adds to the size of a text, which its place is
	// divided by the root of. MassScale is what one unit stands for.
	Mass      []uint8 `json:"-"`
	MassScale float32 `json:"massScale"`
}

// TopicBucket is the bucket of the hash of a word.
func TopicBucket(hash uint32) uint32 { return hash >> (32 - topicBits) }

// bucketSet is a set of topic buckets.
type bucketSet [TopicBuckets / 64]uint64

func (s *bucketSet) add(b uint32) (added bool) {
	bit := uint64(1) << (b % 64)
	added = s[b/64]&bit == 0
	s[b/64] |= bit
	return added
}

// place fills the place of a text: the sum of those of its distinct words, divided
// by its length in the space of all words.
func (t *Topics) place(words []uint32, seen *bucketSet, out []float32) {
	clear(out)
	if t == nil || len(t.Weights) == 0 || len(words) == 0 {
		return
	}
	*seen = bucketSet{}
	var sum [TopicDims]int32
	mass := 0
	for _, h := range words {
		b := TopicBucket(h)
		if !seen.add(b) {
			continue
		}
		mass += int(t.Mass[b])
		w := (*[TopicDims]int8)(t.Weights[int(b)*TopicDims:])
		for d := range sum {
			sum[d] += int32(w[d])
		}
	}
	if mass == 0 {
		return
	}
	norm := float32(1 / math.Sqrt(float64(mass)*float64(t.MassScale)))
	for d := range out {
		out[d] = float32(sum[d]) * t.Scale[d] * norm
	}
}

// NumInputs is how many inputs a forest has: the counted features and the
// dimensions of the topics.
const NumInputs = NumDense + TopicDims

// Inputs are what a forest sees of a prompt, and the room it needs to find out.
type Inputs struct {
	Values [NumInputs]float32
	seen   bucketSet
}

// Fill takes the inputs from the features of a prompt. Without topics their
// dimensions are zero.
func (in *Inputs) Fill(f *Features, t *Topics) {
	copy(in.Values[:], f.Dense[:])
	t.place(f.Words, &in.seen, in.Values[NumDense:])
}
