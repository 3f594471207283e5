package train

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/classify/model"
)

// mustData reads lines of learning data.
func mustData(t *testing.T, lines string) *Data {
	t.Helper()
	d := &Data{}
	if err := d.Add(strings.NewReader(lines), Auto); err != nil {
		t.Fatal(err)
	}
	return d
}

// sums are prompts of which the weak tier gets the short ones right, and the
// strong one those and the proofs.
func sums(n int) string {
	var b strings.Builder
	for i := range n {
		switch i % 3 {
		case 0:
			fmt.Fprintf(&b, `{"prompt":"What is town%d famous for?","source":"a","outcomes":{"small":1,"large":1}}`+"\n", i)
		case 1:
			fmt.Fprintf(&b, `{"prompt":"Prove lemma%d about rings and ideals, in every detail.","source":"b","outcomes":{"small":0,"large":1}}`+"\n", i)
		default:
			fmt.Fprintf(&b, `{"prompt":"Solve riddle%d of the seven doors?","source":"b","outcomes":{"small":0,"large":%d}}`+"\n", i, i/3%2)
		}
	}
	return b.String()
}

func TestLearningDataFormats(t *testing.T) {
	tests := []struct {
		name, line string
		format     Format
		want       string // in the error; empty: none
	}{
		{"outcomes", `{"prompt":"x","outcomes":{"a":0.5}}`, Outcomes, ""},
		{"a label", `{"prompt":"x","label":"SIMPLE"}`, Labels, ""},
		{"a pair", `{"prompt":"x","weak_score":0,"mid_score":1,"strong_score":1}`, Pairs, ""},
		{"both", `{"prompt":"x","label":"SIMPLE","outcomes":{"a":1},"more":[1]}`, Auto, ""},
		{"no JSON", `prompt`, Auto, "line 2: is not a JSON object"},
		{"no prompt", `{"label":"SIMPLE"}`, Auto, "line 2: prompt: is missing"},
		{"nothing known", `{"prompt":"x"}`, Auto, "has none of"},
		{"no label", `{"prompt":"x","outcomes":{"a":1}}`, Labels, "label: is missing"},
		{"no outcomes", `{"prompt":"x","label":"SIMPLE"}`, Outcomes, "outcomes: is missing"},
		{"no pair", `{"prompt":"x","label":"SIMPLE"}`, Pairs, "weak_score and strong_score: are missing"},
		{"another label", `{"prompt":"x","label":"HARD"}`, Auto, `label: is "HARD"`},
		{"an outcome out of range", `{"prompt":"x","outcomes":{"a":2}}`, Auto, `outcome of "a": is 2`},
		{"a nameless tier", `{"prompt":"x","outcomes":{"":1}}`, Auto, "a tier has no name"},
		{"a weight out of range", `{"prompt":"x","label":"SIMPLE","weight":0}`, Auto, "weight: is 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := (&Data{}).Add(strings.NewReader("\n"+test.line+"\n"), test.format)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	if err := (&Data{}).Add(strings.NewReader(""), Auto); err == nil {
		t.Error("an empty file is no learning data")
	}
	if err := (&Data{}).Add(strings.NewReader(strings.Repeat("x", MaxLine+1)), Auto); err == nil || !strings.Contains(err.Error(), "line 1: is longer") {
		t.Errorf("a line without end: %v", err)
	}
}

func TestCompressedDataIsTheSameData(t *testing.T) {
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, err := io.WriteString(z, sums(9))
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	d := &Data{}
	if err := d.Add(&zipped, Auto); err != nil {
		t.Fatal(err)
	}
	if plain := mustData(t, sums(9)); d.Digest() != plain.Digest() || len(d.Rows) != 9 {
		t.Error("the digests differ")
	}
}

func FuzzParseRow(f *testing.F) {
	f.Add([]byte(`{"prompt":"x","outcomes":{"a":0.5},"weight":2}`))
	f.Add([]byte(`{"prompt":"x","label":"COMPLEX","weak_score":1}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		for _, format := range Formats {
			row, err := parseRow(line, format)
			if err == nil && (row.Prompt == "" || len(row.Outcomes) == 0 && row.Label == "") {
				t.Fatalf("%q was taken as %+v", line, row)
			}
		}
	})
}

func TestNearDuplicatesStayTogether(t *testing.T) {
	long := "the quick brown fox jumps over the lazy dog while seven wizards count the stars"
	rows := []Row{
		{Prompt: long},
		{Prompt: "What is rust?"},
		{Prompt: "And " + long + " tonight"},
		{Prompt: "what is RUST"},
		{Prompt: "x", Group: "g"},
		{Prompt: "y", Group: "g"},
		{Prompt: "z"},
		{Prompt: "Which of these?\nA. one\nB. two"},
		{Prompt: "Which of these?\nA. six\nB. nine"},
	}
	of, count := groups(rows)
	want := []int{0, 1, 0, 1, 2, 2, 3, 4, 4}
	if fmt.Sprint(of) != fmt.Sprint(want) || count != 5 {
		t.Errorf("groups %v of %d, want %v", of, count, want)
	}
	for i, f := range foldsOf(of, count, 3) {
		for j, g := range foldsOf(of, count, 3) {
			if of[i] == of[j] && f != g {
				t.Errorf("rows %d and %d are near-duplicates in different folds", i, j)
			}
		}
	}
}

func TestGradientIsThatOfTheObjective(t *testing.T) {
	x := &matrix{start: []int{0, 2, 3, 5}, column: []int32{0, 1, 2, 1, 2}, value: []float32{1, 2, -1, 0.5, 3}, columns: 3}
	l := &logistic{x: x, target: []float64{1, 0, 0.3}, weight: []float64{1, 2, 0.5}, penalty: 0.7}
	w, g, none := []float64{0.1, -0.4, 0.3, 0.2}, make([]float64, 4), make([]float64, 4)
	l.loss(w, g)
	for j := range w {
		const h = 1e-6
		w[j] += h
		up := l.loss(w, none)
		w[j] -= 2 * h
		down := l.loss(w, none)
		w[j] += h
		if math.Abs((up-down)/(2*h)-g[j]) > 1e-6 {
			t.Errorf("gradient %d: %v, the objective says %v", j, g[j], (up-down)/(2*h))
		}
	}
	best := l.minimise(t.Context())
	l.loss(best, g)
	if norm := math.Sqrt(dot(g, g)); norm > 0.02 {
		t.Errorf("the gradient at the minimum is %v", norm)
	}
	l.unused = [2]int{1, 2}
	if l.minimise(t.Context())[1] != 0 {
		t.Error("an unused column has a weight")
	}
}

func TestCalibrationMendsOverconfidence(t *testing.T) {
	var z, y, w []float64
	for i := range 4000 { // what is said to be sigmoid(±3) comes at sigmoid(±1)
		side := float64(1 - 2*(i%2))
		z, w = append(z, 3*side), append(w, 1)
		y = append(y, indicator(float64(i/2%1000)/1000 < sigmoid(side)))
	}
	p := calibrate(z, nil, y, w)
	if got := p.probability(3, 0); math.Abs(got-sigmoid(1)) > 0.01 {
		t.Errorf("%v, want %v", got, sigmoid(1))
	}
	if p := calibrate([]float64{2, -2, 2, -2}, nil, []float64{0, 1, 0, 1}, []float64{9, 9, 9, 9}); p.slope != 0 {
		t.Errorf("a score that is wrong way round has slope %v, want 0", p.slope)
	}
}

func TestCalibrationGivesEachGuessItsShare(t *testing.T) {
	var z, f, y, w []float64
	for i := range 4000 {
		a, b := float64(i%41-20)/10, float64(i%37-18)/9
		z, f, y, w = append(z, a), append(f, b), append(y, sigmoid(0.5*a+1.5*b-0.25)), append(w, 1)
	}
	p := calibrate(z, f, y, w)
	if math.Abs(p.slope-0.5) > 0.01 || math.Abs(p.mix-1.5) > 0.01 || math.Abs(p.intercept+0.25) > 0.01 {
		t.Errorf("%+v, want 0.5, 1.5, -0.25", p)
	}
	for i := range z { // now z says the opposite, and then f
		z[i] = -f[i] + z[i]/100
	}
	if p := calibrate(z, z, y, w); p.slope < 0 || p.mix < 0 {
		t.Errorf("a negative share: %+v", p)
	}
}

// A forest has to see what depends on two inputs at once.
func TestAForestLearnsWhatALinearModelCannot(t *testing.T) {
	in := &inputs{}
	const n = 2000
	random := rand.New(rand.NewPCG(7, 7))
	for j := range in {
		in[j] = make([]float32, n)
		for i := range in[j] {
			in[j][i] = random.Float32()
		}
	}
	target, weight := make([]float64, n), make([]float64, n)
	for i := range target {
		weight[i] = indicator(i < n/2) // the rest is to test on
		for j := 3; j < len(in); j++ { // few others, so that the test is quick
			in[j][i] = 0
		}
		target[i] = indicator((in[0][i] > 0.5) != (in[1][i] > 0.5))
	}
	f := growForest(t.Context(), in, target, weight, 60)
	right := 0
	for i := n / 2; i < n; i++ {
		row := in.row(i)
		if (f.LogOdds(&row) > 0) == (target[i] > 0) {
			right++
		}
	}
	if right < n/2*9/10 {
		t.Errorf("%d of %d right", right, n/2)
	}
}

func TestAForestStopsWhenTold(t *testing.T) {
	in := &inputs{}
	target, weight := make([]float64, 200), make([]float64, 200)
	for j := range in {
		in[j] = make([]float32, len(target))
	}
	for i := range target {
		in[0][i], target[i], weight[i] = float32(i), indicator(i < 100), 1
	}
	full := growForest(t.Context(), in, target, weight, 5)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	stopped := growForest(ctx, in, target, weight, 5)
	if slices.Max(full.Leaves) == 0 || slices.Max(stopped.Leaves) != 0 {
		t.Errorf("leaves of at most %d, and %d although it was to stop", slices.Max(full.Leaves), slices.Max(stopped.Leaves))
	}
}

func TestTopicsPlaceWordsOfOneSubjectTogether(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	speak := func(subject string) string { // more words than there are topics
		var words []string
		for range 8 {
			words = append(words, fmt.Sprint(subject, random.IntN(100)))
		}
		return strings.Join(words, " ")
	}
	var rows []Row
	for range 600 {
		rows = append(rows, Row{Prompt: speak("ring")}, Row{Prompt: speak("dough")})
	}
	topics := newTopics(t.Context(), rows)
	place := func(text string) (out [model.TopicDims]float64) {
		var f model.Features
		var in model.Inputs
		f.Extract([]byte(text), model.Signals{})
		in.Fill(&f, topics)
		for d := range out {
			out[d] = float64(in.Values[model.NumDense+d])
		}
		return out
	}
	long := func(subject string) string {
		return speak(subject) + " " + speak(subject) + " " + speak(subject) + " " + speak(subject)
	}
	a, b, c := place(long("ring")), place(long("ring")), place(long("dough"))
	if near, far := dot(a[:], b[:]), dot(a[:], c[:]); near < 4*math.Abs(far) || near <= 0 {
		t.Errorf("texts of one subject are as near as %g, of two %g", near, far)
	}
}

func TestATierBetweenLearnsFromRowsThatLackIt(t *testing.T) {
	rows := []Row{
		{Weight: 1, Outcomes: map[string]float64{"weak": 0, "mid": 1, "strong": 1}},
		{Weight: 1, Outcomes: map[string]float64{"weak": 0, "mid": 0.5, "strong": 1}},
		{Weight: 1, Outcomes: map[string]float64{"weak": 0.2, "strong": 1}},
		{Weight: 1, Outcomes: map[string]float64{"weak": 1}},
		{Weight: 1, Label: "COMPLEX"},
	}
	tiers := []string{"weak", "mid", "strong"}
	place, measured := placeOf(rows, tiers, 1)
	if place != 0.75 || !measured {
		t.Errorf("mid stands at %g, %v; want 0.75", place, measured)
	}
	if _, measured := placeOf(rows, tiers, 2); measured {
		t.Error("the strongest tier stands between")
	}
	if _, measured := placeOf(rows[2:], tiers, 1); measured {
		t.Error("measured by no row")
	}
	for i := range 20 { // heads need some rows
		rows = append(rows, Row{Weight: 1, Outcomes: map[string]float64{"weak": float64(i % 2), "mid": float64(i % 2), "strong": float64(i % 2)}})
	}
	tasks, _, err := newTasks(rows, tiers, 1)
	if err != nil && !strings.Contains(err.Error(), "COMPLEX") {
		t.Fatal(err)
	}
	mid := tasks[1]
	if math.Abs(mid.target[2]-0.8) > 1e-9 || mid.weight[2] != assumedWeight || mid.judged[2] {
		t.Errorf("the row without mid says %g with weight %g", mid.target[2], mid.weight[2])
	}
	if mid.weight[3] != 0 || mid.target[4] != 0.61 {
		t.Errorf("weights %v, targets %v", mid.weight[:5], mid.target[:5])
	}
}

func TestCurveOfKnownRouters(t *testing.T) {
	cheap, strong := []float64{0, 0, 1, 1}, []float64{1, 1, 1, 1}
	tests := []struct {
		name        string
		score       []float64
		apgr, cpt50 float64
	}{
		{"one that knows", []float64{4, 3, 2, 1}, 0.75, 0.25},
		{"one that has it the wrong way round", []float64{1, 2, 3, 4}, 0.25, 0.75},
		{"one that says the same of all", []float64{1, 1, 1, 1}, 0.5, 0.5},
	}
	for _, test := range tests {
		c := newCurve(test.score, cheap, strong)
		if math.Abs(c.APGR-test.apgr) > 1e-9 || math.Abs(c.CPT50-test.cpt50) > 1e-9 {
			t.Errorf("%s: APGR %v, CPT50 %v", test.name, c.APGR, c.CPT50)
		}
	}
	if newCurve([]float64{1, 2}, []float64{1, 1}, []float64{0, 1}) != nil {
		t.Error("a strongest tier that is worse has no curve")
	}
}

func TestCalibrationErrorOfKnownForecasts(t *testing.T) {
	c := newCalibration("x", []float64{0.8, 0.8, 0.8, 0.8, 0.2, 1}, []float64{1, 1, 0, 0, 0, 1})
	if want := (4*0.3 + 0.2) / 6; math.Abs(c.ECE-want) > 1e-9 || c.Bins[8].Rows != 4 {
		t.Errorf("ECE %v, want %v", c.ECE, want)
	}
}

func options() Options {
	o := DefaultOptions()
	o.Penalty = 1
	return o
}

func TestTrainingLearnsAndReports(t *testing.T) {
	var progress []int
	o := options()
	o.Progress = func(done, total int) { progress = append(progress, done*100/total) }
	o.Base = model.Default
	result, err := Run(t.Context(), mustData(t, sums(240)), o)
	if err != nil {
		t.Fatal(err)
	}
	r := result.Report
	if fmt.Sprint(r.Tiers) != "[small large]" || r.Card.Rows != 240 || r.Card.Groups != 240 || progress[len(progress)-1] != 100 {
		t.Errorf("tiers %v, card %+v, progress %v", r.Tiers, r.Card, progress)
	}
	if r.Calibration[0].ECE > 0.1 || r.Calibration[0].Brier > 0.05 || len(r.Sources) != 2 || r.MacroAPGR < 0.55 {
		t.Errorf("calibration %+v, sources %+v", r.Calibration[0], r.Sources)
	}
	var p model.Prediction
	result.Model.Predict([]byte("What is town999 famous for?"), model.Signals{}, &p)
	easy := p.Quality[0]
	result.Model.Predict([]byte("Prove lemma999 about rings and ideals, in every detail."), model.Signals{}, &p)
	if easy < 0.8 || p.Quality[0] > 0.2 || p.Quality[1] < 0.7 || p.Class != "COMPLEX" {
		t.Errorf("easy %v, hard %v, class %q", easy, p.Quality, p.Class)
	}
	evaluated, err := Evaluate(result.Model, mustData(t, sums(60)), []float64{1, 10})
	if err != nil || evaluated.Costs[0] != 0.1 || len(evaluated.Points) == 0 {
		t.Errorf("%v, %+v", err, evaluated)
	}
	half, err := Evaluate(result.Model, mustData(t, `{"prompt":"x","outcomes":{"small":1}}`), nil)
	if err != nil || len(half.Calibration) != 1 || len(half.Sources) != 0 || len(half.Points) != 0 {
		t.Errorf("outcomes of one tier only: %v, %+v", err, half)
	}
	if _, err := Evaluate(result.Model, mustData(t, `{"prompt":"x","outcomes":{"huge":1}}`), nil); err == nil || !strings.Contains(err.Error(), `"huge"`) {
		t.Errorf("an unknown tier: %v", err)
	}
	var text strings.Builder
	if err := r.Print(&text); err != nil || !strings.Contains(text.String(), "always large") || !strings.Contains(text.String(), "mean of sources") {
		t.Errorf("%v\n%s", err, text.String())
	}
	for _, svg := range [][]byte{r.CostQualitySVG(), r.CalibrationSVG()} {
		if err := xml.Unmarshal(svg, &struct{}{}); err != nil {
			t.Errorf("%v in %s", err, svg)
		}
	}
}

func TestTrainingGivesTheSameBytesOnAnyNumberOfCores(t *testing.T) {
	var first []byte
	for _, cores := range []int{1, 4} {
		before := runtime.GOMAXPROCS(cores)
		result, err := Run(t.Context(), mustData(t, sums(90)), options())
		runtime.GOMAXPROCS(before)
		if err != nil {
			t.Fatal(err)
		}
		data, err := result.Model.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = data
		} else if !bytes.Equal(first, data) {
			t.Error("the models differ")
		}
	}
}

func TestTrainingRefusesWhatItCannotLearnFrom(t *testing.T) {
	labels := strings.Repeat(`{"prompt":"x","label":"SIMPLE"}`+"\n", 3)
	tests := []struct {
		name, lines string
		change      func(*Options)
		want        string
	}{
		{"too few rows", sums(30), func(o *Options) { o.Tiers = []string{"small", "large"} }, ""},
		{"one fold", sums(90), func(o *Options) { o.Folds = 1 }, "folds: 1"},
		{"one prompt many times", labels, func(*Options) {}, "folds: 5"},
		{"other tiers", sums(90), func(o *Options) { o.Tiers = []string{"a", "b"} }, `the data has outcomes of ["large" "small"]`},
		{"few rows", sums(12), func(*Options) {}, "12 rows, at least 20"},
		{"rows that say the same", strings.ReplaceAll(sums(90), `"small":1`, `"small":0`), func(*Options) {}, "nothing to learn"},
		{"too many tiers", `{"prompt":"x","outcomes":{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}}`, func(*Options) {}, "at most 5"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			o := options()
			test.change(&o)
			_, err := Run(t.Context(), mustData(t, test.lines), o)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestTrainingStopsWhenToldTo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	o := options()
	o.Progress = func(int, int) { cancel() }
	if _, err := Run(ctx, mustData(t, sums(240)), o); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// The prompts in testdata/styles.jsonl are in eighteen languages and tones, and
// such that the verb at the beginning misleads. The default model has not seen
// them; it was trained on testdata/seeds.jsonl, by the same author.
func TestDefaultModelOnOtherStyles(t *testing.T) {
	data := &Data{}
	file, err := os.Open("testdata/styles.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if err := data.Add(file, Labels); err != nil {
		t.Fatal(err)
	}
	report, err := Evaluate(model.Default(), data, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := report.Labels
	t.Logf("accuracy %.3f, too low %.3f, too high %.3f", l.Accuracy, l.Under, l.Over)
	if l.Accuracy < 0.75 || l.Under > 0.12 {
		t.Errorf("accuracy %.3f, must be at least 0.75; too low %.3f, must be at most 0.12", l.Accuracy, l.Under)
	}
	var text strings.Builder
	if err := report.Print(&text); err != nil || !strings.Contains(text.String(), "ACCURACY") {
		t.Errorf("%v\n%s", err, text.String())
	}
}
