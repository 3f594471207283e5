package model

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// random is a model with weights that mean nothing.
func random(t testing.TB, tiers int, classes bool) *Model {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	head := func(name string) Head {
		h := Head{Name: name, Scale: 0.01, Slope: 1, Weights: make([]int8, Buckets), Dense: make([]float32, Columns())}
		for i := range h.Weights {
			h.Weights[i] = int8(rng.IntN(31) - 15)
		}
		for i := range h.Dense {
			h.Dense[i] = rng.Float32() - 0.5
		}
		h.Mix, h.Forest = 0.5, randomForest(rng, 3)
		return h
	}
	var tierHeads, classHeads []Head
	for i := range tiers {
		tierHeads = append(tierHeads, head(string(rune('a'+i))))
	}
	if classes {
		for _, name := range Classes {
			classHeads = append(classHeads, head(name))
		}
	}
	m, err := New(Card{Name: "random", Metrics: map[string]float64{}}, randomTopics(rng), tierHeads, classHeads)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func randomForest(rng *rand.Rand, trees int) *Forest {
	f := &Forest{Inputs: make([]uint8, trees*TreeSplits), Thresholds: make([]float32, trees*TreeSplits), Leaves: make([]uint8, trees*TreeLeaves)}
	for i := range f.Inputs {
		f.Inputs[i], f.Thresholds[i] = uint8(rng.IntN(NumInputs)), ShortFloat(rng.Float32())
	}
	for i := range f.Leaves {
		f.Leaves[i] = uint8(rng.IntN(256))
	}
	return f
}

func randomTopics(rng *rand.Rand) *Topics {
	t := &Topics{Scale: make([]float32, TopicDims), Weights: make([]int8, TopicBuckets*TopicDims), Mass: make([]uint8, TopicBuckets), MassScale: 0.1}
	for d := range t.Scale {
		t.Scale[d] = 0.01
	}
	for i := range t.Weights {
		t.Weights[i] = int8(rng.IntN(3) - 1)
	}
	for i := range t.Mass {
		t.Mass[i] = uint8(rng.IntN(256))
	}
	return t
}

func TestATreeIsWalkedFromTheRootToALeaf(t *testing.T) {
	f := &Forest{Inputs: make([]uint8, TreeSplits), Thresholds: make([]float32, TreeSplits), Leaves: make([]uint8, TreeLeaves)}
	var in [NumInputs]float32
	for at := range TreeSplits { // level by level, an input per level
		for first, level := 0, 0; level < TreeDepth; first, level = 2*first+1, level+1 {
			if at >= first {
				f.Inputs[at] = uint8(level)
			}
		}
		f.Thresholds[at] = 0.5
	}
	for leaf := range TreeLeaves {
		f.Leaves[leaf] = uint8(leaf)
	}
	for leaf := range TreeLeaves {
		for level := range TreeDepth {
			in[level] = float32(leaf >> (TreeDepth - 1 - level) & 1)
		}
		if got := f.leaf(0, &in); got != leaf {
			t.Errorf("the path to leaf %d ends at %d", leaf, got)
		}
	}
	f.Leaves[TreeLeaves-1] = 51 // a fifth
	if got := f.LogOdds(&in); math.Abs(float64(got)-math.Log(0.25)) > 1e-5 {
		t.Errorf("log odds %g, want log(1/4)", got)
	}
}

func TestTreesWalkedAbreastEndWhereEachAloneDoes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for trees := range 2*abreast + 2 {
		f := randomForest(rng, trees)
		var in [NumInputs]float32
		for j := range in {
			in[j] = rng.Float32()
		}
		sum := 0
		for tree := range trees {
			at := 0
			for at < TreeSplits {
				split := tree*TreeSplits + at
				at = 2*at + 1
				if in[f.Inputs[split]] > f.Thresholds[split] {
					at++
				}
			}
			sum += int(f.Leaves[tree*TreeLeaves+at-TreeSplits])
		}
		want := 0.0
		if p := float64(sum) / float64(255*max(trees, 1)); trees > 0 {
			want = math.Log(p / (1 - p))
		}
		if got := f.LogOdds(&in); math.Abs(float64(got)-want) > 1e-5 {
			t.Errorf("%d trees: log odds %g, want %g", trees, got, want)
		}
	}
	if below(0, 0.5, 0.5) != 1 || below(0, 0.6, 0.5) != 2 || below(0, -0.6, -0.5) != 1 || below(0, 0, 0) != 1 {
		t.Error("an input that is not above the threshold does not go left")
	}
}

func TestATextIsPlacedByItsDistinctWords(t *testing.T) {
	topics := randomTopics(rand.New(rand.NewPCG(1, 2)))
	var once, twice, other Inputs
	var f Features
	fill := func(in *Inputs, text string) {
		f.Extract([]byte(text), Signals{})
		in.Fill(&f, topics)
	}
	fill(&once, "rings and ideals")
	fill(&twice, "ideals and rings and rings")
	fill(&other, "tea and cake")
	place := func(in *Inputs) []float32 { return in.Values[NumDense:] }
	if !slices.Equal(place(&once), place(&twice)) || slices.Equal(place(&once), place(&other)) {
		t.Errorf("%v, %v and %v", place(&once), place(&twice), place(&other))
	}
	fill(&other, "")
	if slices.ContainsFunc(place(&other), func(v float32) bool { return v != 0 }) {
		t.Errorf("an empty text is placed at %v", place(&other))
	}
}

func TestModelSurvivesBeingStored(t *testing.T) {
	for _, shape := range []struct {
		tiers   int
		classes bool
	}{{3, true}, {1, false}, {0, true}, {2, false}} {
		m := random(t, shape.tiers, shape.classes)
		data, err := m.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Load(data)
		if err != nil {
			t.Fatal(err)
		}
		again, err := back.Marshal()
		if err != nil || !bytes.Equal(data, again) {
			t.Errorf("%+v: the second copy differs from the first (%v)", shape, err)
		}
		var want, got Prediction
		for _, text := range []string{"", "Prove it.", strings.Repeat(prose, 200)} {
			m.Predict([]byte(text), Signals{}, &want)
			back.Predict([]byte(text), Signals{}, &got)
			if want.Score != got.Score || want.Class != got.Class || want.Confidence != got.Confidence {
				t.Errorf("%+v: %v before, %v after", shape, want.Score, got.Score)
			}
		}
	}
}

func TestLoadRefusesWhatItDoesNotKnow(t *testing.T) {
	good, err := random(t, 2, true).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	replace := func(old, replacement string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("no %q in the file", old)
		}
		return bytes.Replace(good, []byte(old), []byte(replacement), 1)
	}
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "model: EOF"},
		{"another document", []byte(`{"a": 1}`), `unknown field "a"`},
		{"another format", replace(Format, "tiershift-classifier/v9"), `format is "tiershift-classifier/v9"`},
		{"other features", replace(Fingerprint(), "0123"), "train it again"},
		{"something after it", append(bytes.Clone(good), '{'), "something follows"},
		{"too many bytes", make([]byte, MaxFileSize+1), "at most"},
		{"bad base64", replace(`"dense": "`, `"dense": "!`), "tiers[0].dense"},
		{"bytes that do not inflate", replace(`"dense": "`, `"dense": "AAAAAAAA`), "tiers[0].dense"},
		{"a negative slope", replace(`"slope": 1`, `"slope": -1`), "slope: is negative"},
		{"a negative mix", replace(`"mix": 0.5`, `"mix": -0.5`), "mix: is negative"},
		{"too few topics", replace(`"topics": {`, `"topics": {"other": 1,`), "unknown field"},
		{"topics of no size", replace(`"massScale": 0.1`, `"massScale": 0`), "topics.massScale: must be above 0"},
		{"bad trees", replace(`"inputs": "`, `"inputs": "!`), "tiers[0].forest.inputs"},
		{"a weight beyond reason", replace(`"bias": 0`, `"bias": 1e30`), "is not within"},
		{"a tier twice", replace(`"name": "b"`, `"name": "a"`), "is there twice"},
		{"a tier without a name", replace(`"name": "b"`, `"name": ""`), "name: must have"},
		{"another class", replace(`"name": "SIMPLE"`, `"name": "EASY"`), `must be "SIMPLE"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := Load(test.data)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestNewRefusesListsOfTheWrongLength(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Head, *Topics)
		want   string
	}{
		"too few weights":          {func(h *Head, _ *Topics) { h.Weights = h.Weights[1:] }, "tiers[0].weights: 65535"},
		"too few counted features": {func(h *Head, _ *Topics) { h.Dense = h.Dense[1:] }, "tiers[0].dense"},
		"too few splits":           {func(h *Head, _ *Topics) { h.Forest.Inputs = h.Forest.Inputs[1:] }, "tiers[0].forest: must be of at most"},
		"a split of no input":      {func(h *Head, _ *Topics) { h.Forest.Inputs[5] = uint8(NumInputs) }, "tiers[0].forest.inputs"},
		"a threshold of no number": {func(h *Head, _ *Topics) { h.Forest.Thresholds[0] = float32(math.NaN()) }, "tiers[0].forest.thresholds"},
		"too many trees":           {func(h *Head, _ *Topics) { *h.Forest = *randomForest(rand.New(rand.NewPCG(1, 1)), MaxTrees+1) }, "tiers[0].forest: must be of at most"},
		"too few places":           {func(_ *Head, t *Topics) { t.Weights = t.Weights[1:] }, "topics.weights"},
		"too few masses":           {func(_ *Head, t *Topics) { t.Mass = t.Mass[1:] }, "topics.mass"},
		"too few scales":           {func(_ *Head, t *Topics) { t.Scale = t.Scale[1:] }, "topics.scale"},
	} {
		t.Run(name, func(t *testing.T) {
			m := random(t, 1, false)
			tiers, topics := m.whole(m.tiers, 0), m.Topics()
			test.change(&tiers[0], topics)
			if _, err := New(Card{}, topics, tiers, nil); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestNewRefusesTheWrongHeads(t *testing.T) {
	m := random(t, 1, true)
	for _, test := range []struct {
		name           string
		tiers, classes []Head
	}{
		{"none", nil, nil},
		{"two classes", nil, m.ClassHeads()[:2]},
		{"too many tiers", make([]Head, MaxTiers+1), nil},
	} {
		if _, err := New(Card{}, nil, test.tiers, test.classes); err == nil {
			t.Errorf("%s: no error", test.name)
		}
	}
}

func FuzzLoad(f *testing.F) {
	good, err := random(f, 1, false).Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"format":"` + Format + `","features":"` + Fingerprint() + `","tiers":[{"name":"a","weights":"AA==","dense":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Load(data)
		if err != nil {
			return
		}
		var p Prediction
		m.Predict([]byte("What is it?"), Signals{}, &p)
		if _, err := m.Marshal(); err != nil && len(data) < MaxFileSize/2 {
			t.Fatal(err)
		}
	})
}

func TestPredictionDoesNotAllocate(t *testing.T) {
	m := Default()
	text := []byte(strings.Repeat(prose, 14))
	var p Prediction
	m.Predict(text, Signals{}, &p)
	if n := testing.AllocsPerRun(20, func() { m.Predict(text, Signals{}, &p) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDefaultModelKnowsEasyFromHard(t *testing.T) {
	m := Default()
	if tiers := m.Tiers(); len(tiers) != 3 || tiers[0] != "weak" || tiers[2] != "strong" {
		t.Fatalf("tiers %q", tiers)
	}
	if card := m.Card(); card.Rows < 1000 || len(card.Licences) == 0 || card.DataDigest == "" || len(card.Metrics) == 0 {
		t.Errorf("the card is incomplete: %+v", card)
	}
	tests := []struct{ text, class string }{
		{"What is the capital of France?", "SIMPLE"},
		{"Hello!", "SIMPLE"},
		{"Explain how a bicycle stays upright.", "MODERATE"},
		{"Write a Python function that reverses a list.", "MODERATE"},
		{"Prove that there are infinitely many primes of the form 4k+3.", "COMPLEX"},
		{"Design a distributed, fault-tolerant job queue with exactly-once delivery, monitoring and multi-region failover.", "COMPLEX"},
	}
	var p Prediction
	var scores []float32
	for _, test := range tests {
		m.Predict([]byte(test.text), Signals{}, &p)
		if p.Class != test.class {
			t.Errorf("%q is %s (%.2f), want %s", test.text, p.Class, p.Confidence, test.class)
		}
		scores = append(scores, p.Score)
	}
	if max(scores[0], scores[1]) >= min(scores[4], scores[5]) {
		t.Errorf("an easy prompt needs the strongest tier more than a hard one: %v", scores)
	}
}

func TestPredictionWithoutTiersOrClasses(t *testing.T) {
	var p Prediction
	random(t, 0, true).Predict([]byte("x"), Signals{}, &p)
	if len(p.Quality) != 0 || p.Class == "" || p.Score <= 0 {
		t.Errorf("classes only: %v %q %v", p.Quality, p.Class, p.Score)
	}
	random(t, 1, false).Predict([]byte("x"), Signals{}, &p)
	if p.Class != "" || p.Score != 1-p.Quality[0] {
		t.Errorf("one tier only: %q %v %v", p.Class, p.Quality, p.Score)
	}
	if len(random(t, 1, true).ClassHeads()) != len(Classes) {
		t.Error("the heads of the classes are missing")
	}
}

func TestSpreadOverThePoliciesTiers(t *testing.T) {
	tests := []struct {
		name    string
		quality []float32
		tiers   int
		want    []float32
	}{
		{"as many", []float32{0.2, 0.5, 0.9}, 3, []float32{0.2, 0.5, 0.9}},
		{"two tiers have the ends", []float32{0.2, 0.5, 0.9}, 2, []float32{0.2, 0.9}},
		{"one tier is the lowest", []float32{0.2, 0.5, 0.9}, 1, []float32{0.2}},
		{"five are interpolated", []float32{0.2, 0.4, 0.8}, 5, []float32{0.2, 0.3, 0.4, 0.6, 0.8}},
		{"from one head all are the same", []float32{0.4}, 3, []float32{0.4, 0.4, 0.4}},
		{"from none there is nothing", nil, 3, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := Spread(nil, test.quality, test.tiers)
			if len(got) != len(test.want) {
				t.Fatalf("%v, want %v", got, test.want)
			}
			for i := range got {
				if d := got[i] - test.want[i]; d > 1e-6 || d < -1e-6 {
					t.Errorf("%v, want %v", got, test.want)
				}
			}
		})
	}
}

func TestDecisions(t *testing.T) {
	tests := []struct {
		name     string
		quality  []float32
		target   float32
		cheapest int
	}{
		{"the cheapest that reaches the target", []float32{0.5, 0.8, 0.9}, 0.7, 1},
		{"exactly the target is enough", []float32{0.7, 0.8}, 0.7, 0},
		{"none reaches it: the best", []float32{0.2, 0.3, 0.6}, 0.9, 2},
		{"none reaches it and all are alike: the cheapest", []float32{0.25, 0.3, 0.32}, 0.9, 0},
		{"no tiers", nil, 0.5, 0},
	}
	for _, test := range tests {
		if got := Cheapest(test.quality, test.target); got != test.cheapest {
			t.Errorf("%s: %d, want %d", test.name, got, test.cheapest)
		}
	}
	costs := AssumedCosts(3)
	if costs[0] != 1.0/16 || costs[1] != 0.25 || costs[2] != 1 {
		t.Errorf("costs %v", costs)
	}
	for _, test := range []struct {
		price float64
		want  int
	}{{0, 2}, {0.15, 2}, {0.3, 1}, {5, 0}} {
		if got := BestValue([]float32{0.4, 0.6, 0.8}, costs, test.price); got != test.want {
			t.Errorf("price %v: %d, want %d", test.price, got, test.want)
		}
	}
}
