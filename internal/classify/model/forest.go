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
	sum, t := 0, 0
	for ; t+abreast <= trees; t += abreast {
		a, b, c, d := f.leaves(t, in)
		at := f.Leaves[t*TreeLeaves : (t+abreast)*TreeLeaves]
		sum += int(at[a]) + int(at[TreeLeaves+b]) + int(at[2*TreeLeaves+c]) + int(at[3*TreeLeaves+d])
	}
	for ; t < trees; t++ {
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
	for range TreeDepth {
		at = below(at, in[inputs[at]], thresholds[at])
	}
	return at - TreeSplits
}

// abreast is how many trees are walked at once: while one waits for its next split,
// the others go on.
const abreast = 4

// leaves are the leaves of as many trees from one on.
func (f *Forest) leaves(tree int, in *[NumInputs]float32) (a, b, c, d int) {
	inputs := (*[abreast * TreeSplits]uint8)(f.Inputs[tree*TreeSplits:])
	thresholds := (*[abreast * TreeSplits]float32)(f.Thresholds[tree*TreeSplits:])
	const second, third, fourth = TreeSplits, 2 * TreeSplits, 3 * TreeSplits
	for range TreeDepth {
		a = below(a, in[inputs[a]], thresholds[a])
		b = below(b, in[inputs[second+b]], thresholds[second+b])
		c = below(c, in[inputs[third+c]], thresholds[third+c])
		d = below(d, in[inputs[fourth+d]], thresholds[fourth+d])
	}
	return a - TreeSplits, b - TreeSplits, c - TreeSplits, d - TreeSplits
}

// below is the node below a split to go to: the right one if the input is above the
// threshold, which is when their difference has a sign. A branch in its place would
// be guessed wrongly every other time, and cost more than all else.
func below(node int, input, threshold float32) int {
	return 2*node + 1 + int(math.Float32bits(threshold-input)>>31)
}
