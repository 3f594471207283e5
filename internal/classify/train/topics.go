package train

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/tiershift/tiershift/internal/classify/model"
)

// minTopicRows is in how many texts a word has to be to be placed.
const minTopicRows = 3

// texts are the distinct topic buckets of each text, and how much each word says.
type texts struct {
	words [][]uint32
	idf   []float64
}

func readTexts(rows []Row) *texts {
	var features model.Features
	t := &texts{words: make([][]uint32, len(rows)), idf: make([]float64, model.TopicBuckets)}
	last := make([]int, model.TopicBuckets) // row + 1 that had it last
	for i := range rows {
		features.Extract([]byte(rows[i].Prompt), rows[i].Signals)
		for _, h := range features.Words {
			if b := model.TopicBucket(h); last[b] != i+1 {
				last[b] = i + 1
				t.words[i] = append(t.words[i], b)
				t.idf[b]++
			}
		}
	}
	for b, n := range t.idf {
		t.idf[b] = 0
		if n >= minTopicRows {
			t.idf[b] = math.Log(float64(len(rows)) / n)
		}
	}
	return t
}

// newTopics finds the directions in which the texts differ most: the first right
// singular vectors of the matrix of texts and weighted words, by orthogonal
// iteration (Golub and Van Loan, Matrix Computations, section 7.3.2). Once ctx is done
// it stops between two rounds: what it returns then is not to be used.
func newTopics(ctx context.Context, rows []Row) *model.Topics {
	t := readTexts(rows)
	const dims, rounds = model.TopicDims, 8
	random := rand.New(rand.NewPCG(1, 2)) // any start will do, but always the same
	v := make([]float64, model.TopicBuckets*dims)
	for i := range v {
		v[i] = random.NormFloat64()
	}
	orthonormalise(v)
	next := make([]float64, len(v))
	for round := 0; round < rounds && ctx.Err() == nil; round++ {
		clear(next)
		for i := range t.words {
			t.round(i, v, next)
		}
		v, next = next, v
		orthonormalise(v)
	}
	return t.topics(v)
}

// round adds text i's part of AᵀAv.
func (t *texts) round(i int, v, sum []float64) {
	const dims = model.TopicDims
	var place [dims]float64
	mass := 0.0
	for _, b := range t.words[i] {
		mass += t.idf[b] * t.idf[b]
	}
	if mass == 0 {
		return
	}
	norm := 1 / math.Sqrt(mass)
	for _, b := range t.words[i] {
		axpy(t.idf[b]*norm, v[int(b)*dims:int(b+1)*dims], place[:])
	}
	for _, b := range t.words[i] {
		axpy(t.idf[b]*norm, place[:], sum[int(b)*dims:int(b+1)*dims])
	}
}

// orthonormalise makes the columns of v orthonormal, by Gram and Schmidt.
func orthonormalise(v []float64) {
	const dims = model.TopicDims
	column := func(a, b int) (sum float64) {
		for i := 0; i < len(v); i += dims {
			sum += v[i+a] * v[i+b]
		}
		return sum
	}
	for a := range dims {
		for b := range a {
			along := column(a, b)
			for i := 0; i < len(v); i += dims {
				v[i+a] -= along * v[i+b]
			}
		}
		size := math.Sqrt(column(a, a))
		for i := 0; size > 1e-12 && i < len(v); i += dims {
			v[i+a] /= size
		}
	}
}

// topicLevels is how finely weights are told apart, in either direction. More
// would make the file larger and no decision better.
const topicLevels = 31

// topics are the vectors times the weights of the words, a byte per number.
func (t *texts) topics(v []float64) *model.Topics {
	const dims = model.TopicDims
	out := &model.Topics{Scale: make([]float32, dims), Weights: make([]int8, len(v)), Mass: make([]uint8, len(t.idf))}
	heaviest := 1e-9
	for _, idf := range t.idf {
		heaviest = max(heaviest, idf*idf)
	}
	out.MassScale = float32(heaviest / 255)
	for b, idf := range t.idf {
		out.Mass[b] = uint8(math.Round(idf * idf / heaviest * 255))
	}
	for d := range dims {
		largest := 1e-9
		for b, idf := range t.idf {
			largest = max(largest, math.Abs(idf*v[b*dims+d]))
		}
		out.Scale[d] = float32(largest / topicLevels)
		for b, idf := range t.idf {
			out.Weights[b*dims+d] = int8(math.Round(idf * v[b*dims+d] / largest * topicLevels))
		}
	}
	return out
}
