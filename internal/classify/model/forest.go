package model

import "math"

// Shape of the trees of a forest: complete binary trees, whose splits and leaves
// stand level by level.
const (
	TreeDepth  = 8
	TreeSplits = 1<<TreeDepth - 1
	TreeLeaves = 1 << TreeDepth
	// MaxTrees bounds the time of a decision.
	MaxTrees = 135
)

// Forest is the mean of trees over the inputs, each a guess of the probability:
// it sees what depends on several counted features and topics at once, which a
// linear model cannot (Geurts et al., Extremely Randomized Trees, 2006).
type Forest struct {
	// Inputs and Thresholds are those of the splits: a prompt goes right if its
	// input is above the threshold. Thresholds have the upper 16 bits of a
	// float32, as [ShortFloat] makes them.
	Inputs     []uint8
	Thresholds []float32
	// Leaves are the guesses, in 255ths.
	Leaves []uint8
}

// ShortFloat keeps the upper 16 bits of a number, which a file has room for.
func ShortFloat(x float32) float32 {
	const lower = 1<<16 - 1
	return math.Float32frombits(math.Float32bits(x) &^ lower)
}

// Trees is how many there are.
func (f *Forest) Trees() int { return len(f.Leaves) / TreeLeaves }

// LogOdds is the guess of the forest, held off certainty.
func (f *Forest) LogOdds(in *[NumInputs]float32) float32 {
	trees := f.Trees()
	if trees == 0 {
		return 0
	}
	sum := 0
	for t := range trees {
		sum += int(f.Leaves[t*TreeLeaves+f.leaf(t, in)])
	}
	const least = 0.02
	p := min(max(float64(sum)/float64(255*trees), least), 1-least)
	return float32(math.Log(p / (1 - p)))
}

// leaf is the leaf of a tree that the inputs fall into.
func (f *Forest) leaf(tree int, in *[NumInputs]float32) int {
	inputs := (*[TreeSplits]uint8)(f.Inputs[tree*TreeSplits:])
	thresholds := (*[TreeSplits]float32)(f.Thresholds[tree*TreeSplits:])
	at := 0
	for at < TreeSplits {
		child := 2*at + 1
		if in[inputs[at]] > thresholds[at] {
			child++
		}
		at = child
	}
	return at - TreeSplits
}
