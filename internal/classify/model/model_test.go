package model

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// random is a model with weights that mean nothing.
func random(t testing.TB, tiers int, classes bool) *Model {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	head := func(name string) Head {
		h := Head{Name: name, Scale: 0.001, Slope: 1, Weights: make([]int8, Buckets), Dense: make([]float32, Columns())}
		for i := range h.Weights {
			h.Weights[i] = int8(rng.IntN(255) - 127)
		}
		for i := range h.Dense {
			h.Dense[i] = rng.Float32() - 0.5
		}
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
	m, err := New(Card{Name: "random", Metrics: map[string]float64{}}, tierHeads, classHeads)
	if err != nil {
		t.Fatal(err)
	}
	return m
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
		{"bad base64", replace(`"weights": "`, `"weights": "!`), "tiers[0].weights"},
		{"too few weights", replace(`"weights": "`, `"weights": "AAAA`), "tiers[0].weights"},
		{"too few counted features", replace(`"dense": "`, `"dense": "AAAAAAAA`), "tiers[0].dense"},
		{"a negative slope", replace(`"slope": 1`, `"slope": -1`), "slope: is negative"},
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

func TestNewRefusesTheWrongHeads(t *testing.T) {
	m := random(t, 1, true)
	for _, test := range []struct {
		name           string
		tiers, classes []Head
	}{
		{"none", nil, nil},
		{"two classes", nil, m.classes[:2]},
		{"too many tiers", make([]Head, MaxTiers+1), nil},
	} {
		if _, err := New(Card{}, test.tiers, test.classes); err == nil {
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
