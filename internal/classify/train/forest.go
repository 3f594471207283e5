package train

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/tiershift/tiershift/internal/classify/model"
)

// How a forest grows; chosen by cross-validation.
const (
	allTrees     = 270 // of all tiers: they bound the time of a decision and the size of a file
	leafWeight   = 8   // least weight of the rows in a leaf
	triedPercent = 30  // of the inputs, that a split is sought among
)

// inputs are those of all rows, input by input.
type inputs [model.NumInputs][]float32

func newInputs(rows []Row, topics *model.Topics) *inputs {
	var features model.Features
	var in model.Inputs
	all := &inputs{}
	for j := range all {
		all[j] = make([]float32, len(rows))
	}
	for i := range rows {
		features.Extract([]byte(rows[i].Prompt), rows[i].Signals)
		in.Fill(&features, topics)
		for j, v := range in.Values {
			all[j][i] = v
		}
	}
	return all
}

// row gathers the inputs of a row.
func (in *inputs) row(i int) (out [model.NumInputs]float32) {
	for j := range out {
		out[j] = in[j][i]
	}
	return out
}

// grower grows a forest: extremely randomised trees, whose splits are the best of
// some inputs at one random threshold each. All rows with a weight take part in
// every tree.
type grower struct {
	in             *inputs
	target, weight []float64
	random         *rand.Rand
	order          [model.NumInputs]int
	forest         *model.Forest
}

// growForest grows a forest. Once ctx is done it stops between two trees: what it
// returns then is not to be used.
func growForest(ctx context.Context, in *inputs, target, weight []float64, trees int) *model.Forest {
	g := &grower{in: in, target: target, weight: weight, random: rand.New(rand.NewPCG(3, 4)), forest: &model.Forest{
		Inputs:     make([]uint8, trees*model.TreeSplits),
		Thresholds: make([]float32, trees*model.TreeSplits),
		Leaves:     make([]uint8, trees*model.TreeLeaves),
	}}
	for j := range g.order {
		g.order[j] = j
	}
	var rows []int32
	for i, w := range weight {
		if w > 0 {
			rows = append(rows, int32(i))
		}
	}
	for t := 0; t < trees && ctx.Err() == nil; t++ {
		g.grow(t, 0, rows)
	}
	return g.forest
}

// grow splits the rows of a node and those below it. It reorders them.
func (g *grower) grow(tree, node int, rows []int32) {
	if node >= model.TreeSplits {
		g.forest.Leaves[tree*model.TreeLeaves+node-model.TreeSplits] = uint8(math.Round(255 * g.mean(rows)))
		return
	}
	input, threshold, ok := g.split(rows)
	if !ok { // both sides say the same
		g.fill(tree, node, uint8(math.Round(255*g.mean(rows))))
		return
	}
	at := tree*model.TreeSplits + node
	g.forest.Inputs[at], g.forest.Thresholds[at] = uint8(input), threshold
	middle := partition(rows, g.in[input], threshold)
	g.grow(tree, 2*node+1, rows[:middle])
	g.grow(tree, 2*node+2, rows[middle:])
}

// fill gives all leaves below a node one value.
func (g *grower) fill(tree, node int, value uint8) {
	if node >= model.TreeSplits {
		g.forest.Leaves[tree*model.TreeLeaves+node-model.TreeSplits] = value
		return
	}
	g.fill(tree, 2*node+1, value)
	g.fill(tree, 2*node+2, value)
}

// partition moves the rows above the threshold behind the others.
func partition(rows []int32, values []float32, threshold float32) (middle int) {
	for i, r := range rows {
		if values[r] <= threshold {
			rows[i], rows[middle] = rows[middle], r
			middle++
		}
	}
	return middle
}

func (g *grower) mean(rows []int32) float64 {
	sum, weight := 0.0, 0.0
	for _, r := range rows {
		sum += g.weight[r] * g.target[r]
		weight += g.weight[r]
	}
	return min(max(sum/max(weight, 1e-9), 0), 1)
}

// split finds the split that lowers the squared error most.
func (g *grower) split(rows []int32) (input int, threshold float32, ok bool) {
	sum, weight := 0.0, 0.0
	for _, r := range rows {
		sum += g.weight[r] * g.target[r]
		weight += g.weight[r]
	}
	if weight < 2*leafWeight {
		return 0, 0, false
	}
	best := sum*sum/weight + 1e-9
	tried, wanted := 0, model.NumInputs*triedPercent/100
	for k := 0; k < len(g.order) && tried < wanted; k++ {
		swap := k + g.random.IntN(len(g.order)-k)
		g.order[k], g.order[swap] = g.order[swap], g.order[k]
		j := g.order[k]
		at, varies := g.threshold(rows, g.in[j])
		if !varies {
			continue
		}
		tried++
		if gain := g.gain(rows, g.in[j], at, sum, weight); gain > best {
			best, input, threshold, ok = gain, j, at, true
		}
	}
	return input, threshold, ok
}

// threshold is a random one between the least and the greatest value.
func (g *grower) threshold(rows []int32, values []float32) (at float32, varies bool) {
	least, greatest := values[rows[0]], values[rows[0]]
	for _, r := range rows[1:] {
		least, greatest = min(least, values[r]), max(greatest, values[r])
	}
	if least == greatest {
		return 0, false
	}
	at = model.ShortFloat(least + (greatest-least)*g.random.Float32())
	return at, at < greatest
}

// gain is the sum over both sides of the squared sum of targets per weight; 0 if
// a side is too small.
func (g *grower) gain(rows []int32, values []float32, threshold float32, sum, weight float64) float64 {
	left, leftWeight := 0.0, 0.0
	for _, r := range rows {
		if values[r] <= threshold {
			left += g.weight[r] * g.target[r]
			leftWeight += g.weight[r]
		}
	}
	if leftWeight < leafWeight || weight-leftWeight < leafWeight {
		return 0
	}
	right := sum - left
	return left*left/leftWeight + right*right/(weight-leftWeight)
}
