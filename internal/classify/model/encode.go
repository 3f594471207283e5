package model

import "math"

// Buckets is how many buckets the hashes of words share.
const (
	bucketBits = 16
	Buckets    = 1 << bucketBits
)

// Encoding is the row of a prompt in a linear model: the buckets it has, all
// with the same value, and the terms of its counted features. The zero value is
// ready for [Encoding.Encode] and may be used again.
type Encoding struct {
	// Buckets are distinct.
	Buckets []uint32
	// Value is that of every bucket: it makes long and short texts weigh alike.
	Value float32
	Terms []Term
	seen  []uint64
}

// Term is a column of the counted features and its value.
type Term struct {
	Column int32
	Value  float32
}

// What hashed and counted features weigh against each other under one penalty;
// chosen by cross-validation.
const (
	hashedScale = 3
	denseScale  = 0.5
)

// Kinds of prompts, by their form. Each word and each counted feature counts
// once by itself and once more for prompts of its kind: a long question with
// answer options says something else than a long task.
const (
	kindManyOptions = iota
	kindOptions
	kindNumbers
	kindQuestion
	kindOther
	kinds
)

func (f *Features) kind() int {
	d := &f.Dense
	switch {
	case d[denseOptions] > log2(4):
		return kindManyOptions
	case d[denseOptions] >= log2(2):
		return kindOptions
	case d[denseNumbers] >= log2(3):
		return kindNumbers
	case d[denseEndsAsking] > 0:
		return kindQuestion
	}
	return kindOther
}

// Encode fills the row of the features.
func (e *Encoding) Encode(f *Features) {
	if e.seen == nil {
		e.seen = make([]uint64, Buckets/64)
	}
	for _, b := range e.Buckets {
		e.seen[b/64] = 0
	}
	e.Buckets, e.Terms = e.Buckets[:0], e.Terms[:0]
	kind := f.kind()
	for _, h := range f.Hashes {
		e.put(h >> (32 - bucketBits))
	}
	salt := uint32(kind+1) * 0x9E3779B1
	for _, h := range f.Words {
		e.put(h >> (32 - bucketBits))
		e.put((h ^ salt) * 0x85ebca6b >> (32 - bucketBits))
	}
	e.Value = hashedScale / float32(math.Sqrt(float64(len(e.Buckets)+1)))
	for j := range f.Dense {
		if v := f.Dense[j]; v > 0 {
			e.interpolate(j, v, kind)
		}
	}
}

func (e *Encoding) put(bucket uint32) {
	if e.seen[bucket/64]>>(bucket%64)&1 == 0 {
		e.seen[bucket/64] |= 1 << (bucket % 64)
		e.Buckets = append(e.Buckets, bucket)
	}
}

// A counted feature enters by linear interpolation between fixed knots, each
// with a weight of its own, so that its effect may be any curve through zero.
// The knots are fixed so that heads of different models can be put together.
var (
	logKnots     = []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12}
	conceptKnots = []float32{1, 1.6, 2.3, 3.2}
	shareKnots   = []float32{0.01, 0.03, 0.07, 0.15, 0.3, 0.6, 1}
	letterKnots  = []float32{3, 3.7, 4.2, 4.7, 5.2, 5.7, 6.5, 8}
	flagKnots    = []float32{1}
)

func knotsOf(dense int) []float32 {
	switch dense {
	case denseWordLength:
		return letterKnots
	case denseLongWords, denseNames, denseAcronyms, denseNumberShare, denseCodeShare, denseOptionNumbers,
		denseNonASCII, denseCyrillic, denseHan, denseOtherScript:
		return shareKnots
	case denseEndsAsking, denseTools, denseImages, denseJSONSchema:
		return flagKnots
	}
	switch {
	case dense < denseConcepts:
		return logKnots
	case (dense-denseConcepts)%2 == 0:
		return conceptKnots
	}
	return flagKnots
}

// basis is the layout of the columns: of feature j its knots, from first[j] on;
// then all of them again for each kind.
var basis = func() (b struct {
	knots [NumDense][]float32
	first [NumDense]int32
	size  int32
},
) {
	for j := range b.knots {
		b.knots[j], b.first[j] = knotsOf(j), b.size
		b.size += int32(len(b.knots[j]))
	}
	return b
}()

// CommonColumns is how many of the columns of the counted features, the first
// ones, are of prompts of any kind.
func CommonColumns() int { return int(basis.size) }

// Columns is how many columns the counted features have.
func Columns() int { return int(basis.size) * (1 + kinds) }

// interpolate enters a feature of a positive value.
func (e *Encoding) interpolate(j int, v float32, kind int) {
	knots := basis.knots[j]
	at, below := 0, float32(0)
	for at < len(knots) && knots[at] <= v {
		below = knots[at]
		at++
	}
	if at == len(knots) {
		e.term(basis.first[j]+int32(at)-1, 1, kind)
		return
	}
	t := (v - below) / (knots[at] - below)
	if at > 0 && t < 1 {
		e.term(basis.first[j]+int32(at)-1, 1-t, kind)
	}
	if t > 0 {
		e.term(basis.first[j]+int32(at), t, kind)
	}
}

func (e *Encoding) term(column int32, value float32, kind int) {
	value *= denseScale
	e.Terms = append(e.Terms, Term{column, value}, Term{column + basis.size*int32(kind+1), value})
}
