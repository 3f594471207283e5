package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/tiershift/tiershift/internal/classify/model"
)

// Options say how to train. The zero value is not valid: see [DefaultOptions].
type Options struct {
	// Folds of the cross-validation, at least 2.
	Folds int
	// Penalty of the squared weights: more holds them closer to zero.
	Penalty float64
	// Tiers from the cheapest to the strongest. Empty: weak, mid and strong in
	// this order, other names by their mean outcome.
	Tiers []string
	// Costs of a request per tier, relative to each other, in the order of Tiers.
	// Empty: each tier costs four times the one below.
	Costs []float64
	// Base lends its topics, which are learned from more texts than most users
	// have, and its classes to a model that is trained without labels. Nil: topics
	// are learned from the data.
	Base func() *model.Model
	// Card is what the model's card says beside what was measured.
	Card model.Card
	// Progress is told how many of the fits are done; it may be nil.
	Progress func(done, total int)
}

// DefaultOptions are what the commands take unless told otherwise.
func DefaultOptions() Options { return Options{Folds: 5, Penalty: 20} }

// Result is a trained model and how well it does.
type Result struct {
	Model  *model.Model
	Report *Report
}

// task is one head to fit: its target and weight per row.
type task struct {
	name    string
	target  []float64
	weight  []float64 // 0: the row says nothing of it
	penalty float64
	unused  [2]int // columns
	// judged is whether the row says it itself: those count for calibration and
	// in the report.
	judged []bool
	full   []float64 // weights fitted to all rows
	z      []float64 // log odds out of fold
	// forest is grown on all rows and f are its log odds out of fold; nil for
	// heads without.
	inputs *inputs
	trees  int
	forest *model.Forest
	f      []float64
	platt  platt
}

// Run trains a model and measures it out of fold.
func Run(ctx context.Context, data *Data, opts Options) (*Result, error) {
	tiers, err := tierOrder(data.Rows, opts.Tiers)
	if err != nil {
		return nil, err
	}
	group, count := groups(data.Rows)
	if opts.Folds < 2 || count < opts.Folds {
		return nil, fmt.Errorf("folds: %d, must be at least 2 and at most %d, the number of prompts without near-duplicates", opts.Folds, count)
	}
	tierTasks, classTasks, err := newTasks(data.Rows, tiers, opts.Penalty)
	if err != nil {
		return nil, err
	}
	d := newDesign(data.Rows)
	var base *model.Model
	if opts.Base != nil {
		base = opts.Base()
	}
	topics := topicsOf(ctx, base, data.Rows)
	in := newInputs(data.Rows, topics)
	for _, t := range tierTasks {
		t.inputs, t.trees, t.f = in, min(allTrees/len(tierTasks), model.MaxTrees), make([]float64, len(data.Rows))
	}
	fold := foldsOf(group, count, opts.Folds)
	all := slices.Concat(tierTasks, classTasks)
	if err := fitAll(ctx, d, all, fold, &opts); err != nil {
		return nil, err
	}
	tierHeads, classHeads := heads(d, tierTasks), heads(d, classTasks)
	if len(classHeads) == 0 && base != nil {
		classHeads = base.ClassHeads()
	}
	report := newReport(data.Rows, outOfFold(tierTasks, classTasks, len(data.Rows)), tiers, opts.Costs)
	card := opts.Card
	card.DataDigest, card.Rows, card.Groups, card.Folds = data.Digest(), len(data.Rows), count, opts.Folds
	card.Features = fmt.Sprintf("%d buckets of words, pairs and beginnings of words; %d topics; %d counted: %s",
		model.Buckets, model.TopicDims, model.NumDense, strings.Join(model.DenseNames(), " "))
	card.Metrics = report.summary()
	m, err := model.New(card, topics, tierHeads, classHeads)
	if err != nil {
		return nil, err
	}
	report.Card = card
	return &Result{Model: m, Report: report}, nil
}

// tierOrder returns the tiers that the rows have outcomes of, in order.
func tierOrder(rows []Row, given []string) ([]string, error) {
	sum, n := map[string]float64{}, map[string]float64{}
	for i := range rows {
		for tier, score := range rows[i].Outcomes {
			sum[tier] += score
			n[tier]++
		}
	}
	var found []string
	for tier := range n {
		found = append(found, tier)
	}
	known := []string{"weak", "mid", "strong"}
	slices.SortFunc(found, func(a, b string) int {
		i, j := slices.Index(known, a), slices.Index(known, b)
		if i >= 0 && j >= 0 {
			return i - j
		}
		return cmp.Or(cmp.Compare(sum[a]/n[a], sum[b]/n[b]), cmp.Compare(a, b))
	})
	if len(given) > 0 {
		sorted := slices.Sorted(slices.Values(given))
		slices.Sort(found)
		if !slices.Equal(sorted, found) {
			return nil, fmt.Errorf("tiers: %q are given, the data has outcomes of %q", given, found)
		}
		found = given
	}
	if len(found) > model.MaxTiers {
		return nil, fmt.Errorf("tiers: the data has outcomes of %d, at most %d are possible", len(found), model.MaxTiers)
	}
	return found, nil
}

// What a label says of the tiers when there are outcomes too: how likely the
// cheapest and the strongest answer well. Outcomes are mostly of examination
// questions; without this a model would know nothing of other requests. These
// are assumptions, not measurements; they count by assumedWeight, and neither in
// calibration nor in the report.
var labelOutcomes = map[string][2]float64{"SIMPLE": {0.95, 0.98}, "MODERATE": {0.75, 0.93}, "COMPLEX": {0.40, 0.82}}

// assumedWeight is what an assumption counts against an outcome.
const assumedWeight = 0.5

func newTierTask(rows []Row, tiers []string, k int, penalty float64) *task {
	t := newTask(tiers[k], rows, penalty)
	rank := float64(k) / float64(max(len(tiers)-1, 1))
	place, measured := placeOf(rows, tiers, k)
	for i := range rows {
		r := &rows[i]
		assumed, labelled := labelOutcomes[r.Label]
		low, high, ends := endsOf(r, tiers)
		switch score, ok := r.Outcomes[tiers[k]]; {
		case ok:
			t.set(i, score, r.Weight, true)
		case ends && measured:
			t.set(i, low+place*(high-low), r.Weight*assumedWeight, false)
		case labelled && len(r.Outcomes) == 0:
			t.set(i, assumed[0]+rank*(assumed[1]-assumed[0]), r.Weight*assumedWeight, false)
		}
	}
	return t
}

// endsOf are the outcomes of the cheapest and the strongest tier.
func endsOf(r *Row, tiers []string) (low, high float64, ok bool) {
	low, hasLow := r.Outcomes[tiers[0]]
	high, hasHigh := r.Outcomes[tiers[len(tiers)-1]]
	return low, high, hasLow && hasHigh
}

// placeOf is where tier k stands between the cheapest, 0, and the strongest, 1, in
// the rows that have the outcomes of all three. Rows that have those of the two
// ends only then say something of the tier too, so that all heads know the same
// kinds of prompts. It is not measured for the ends, nor where no row has all
// three.
func placeOf(rows []Row, tiers []string, k int) (place float64, measured bool) {
	gap, part := 0.0, 0.0
	for i := range rows {
		low, high, ok := endsOf(&rows[i], tiers)
		if score, has := rows[i].Outcomes[tiers[k]]; ok && has {
			gap += high - low
			part += score - low
		}
	}
	between := k > 0 && k < len(tiers)-1
	return part / gap, between && gap > 0 && part >= 0 && part <= gap
}

// classPenalty is the penalty of the classes as a share of that of the tiers: a
// label is far less a matter of chance than an outcome.
const classPenalty = 0.1

// minJudged is how many rows a head has to have to be trained.
const minJudged = 20

func newTasks(rows []Row, tiers []string, penalty float64) (tierTasks, classTasks []*task, err error) {
	for k := range tiers {
		tierTasks = append(tierTasks, newTierTask(rows, tiers, k, penalty))
	}
	if slices.ContainsFunc(rows, func(r Row) bool { return r.Label != "" }) {
		for _, class := range model.Classes {
			t := newTask(class, rows, penalty*classPenalty)
			// There are too few labels to learn what they mean by kind of prompt.
			t.unused = [2]int{model.CommonColumns(), model.Columns()}
			for i := range rows {
				if rows[i].Label != "" {
					t.set(i, indicator(rows[i].Label == class), rows[i].Weight, true)
				}
			}
			classTasks = append(classTasks, t)
		}
	}
	return tierTasks, classTasks, checkTasks(slices.Concat(tierTasks, classTasks))
}

func newTask(name string, rows []Row, penalty float64) *task {
	n := len(rows)
	return &task{name: name, penalty: penalty, target: make([]float64, n), weight: make([]float64, n), judged: make([]bool, n), z: make([]float64, n)}
}

func (t *task) set(i int, target, weight float64, judged bool) {
	t.target[i], t.weight[i], t.judged[i] = target, weight, judged
}

func checkTasks(tasks []*task) error {
	var errs []error
	for _, t := range tasks {
		n, sum := 0, 0.0
		for i, judged := range t.judged {
			if judged {
				n++
				sum += t.target[i]
			}
		}
		switch {
		case n < minJudged:
			errs = append(errs, fmt.Errorf("%s: %d rows, at least %d are needed", t.name, n, minJudged))
		case sum == 0 || sum == float64(n):
			errs = append(errs, fmt.Errorf("%s: all %d rows say the same, so there is nothing to learn", t.name, n))
		}
	}
	return errors.Join(errs...)
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// fitAll fits every task to all rows and to all but each fold. The fits are
// independent of each other, so that the number of workers changes nothing.
func fitAll(ctx context.Context, d *design, tasks []*task, fold []int, opts *Options) error {
	type job struct {
		task *task
		fold int // -1: all rows
	}
	var jobs []job
	for _, t := range tasks {
		for f := -1; f < opts.Folds; f++ {
			jobs = append(jobs, job{t, f})
		}
	}
	queue := make(chan job)
	done := make(chan struct{})
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(jobs)) {
		workers.Go(func() {
			for j := range queue {
				if ctx.Err() == nil {
					j.task.fit(ctx, d, fold, j.fold)
				}
				done <- struct{}{}
			}
		})
	}
	go func() {
		for _, j := range jobs {
			queue <- j
		}
		close(queue)
	}()
	for n := range jobs {
		<-done
		if opts.Progress != nil && ctx.Err() == nil {
			opts.Progress(n+1, len(jobs))
		}
	}
	workers.Wait()
	for _, t := range tasks {
		t.calibrate()
	}
	return ctx.Err()
}

// fit fits the task without a fold and predicts it, or to all rows.
func (t *task) fit(ctx context.Context, d *design, fold []int, without int) {
	weight := slices.Clone(t.weight)
	for i := range weight {
		if fold[i] == without {
			weight[i] = 0
		}
	}
	w := (&logistic{x: &d.matrix, target: t.target, weight: weight, penalty: t.penalty, unused: t.unused}).minimise(ctx)
	var forest *model.Forest
	if t.inputs != nil && ctx.Err() == nil {
		forest = growForest(ctx, t.inputs, t.target, weight, t.trees)
	}
	if without < 0 {
		t.full, t.forest = w, forest
		return
	}
	for i := range weight {
		if fold[i] != without {
			continue
		}
		t.z[i] = d.dot(i, w) + w[d.columns] // no other fit writes these
		if forest != nil {
			in := t.inputs.row(i)
			t.f[i] = float64(forest.LogOdds(&in))
		}
	}
}

// topicsOf are those of the base, or learned from the rows.
func topicsOf(ctx context.Context, base *model.Model, rows []Row) *model.Topics {
	if base != nil && base.Topics() != nil {
		return base.Topics()
	}
	return newTopics(ctx, rows)
}

func (t *task) calibrate() {
	var z, f, target, weight []float64
	for i, judged := range t.judged {
		if judged {
			z, target, weight = append(z, t.z[i]), append(target, t.target[i]), append(weight, t.weight[i])
			if t.f != nil {
				f = append(f, t.f[i])
			}
		}
	}
	t.platt = calibrate(z, f, target, weight)
}

// probability is the calibrated one of a row, out of fold.
func (t *task) probability(i int) float64 {
	f := 0.0
	if t.f != nil {
		f = t.f[i]
	}
	return t.platt.probability(t.z[i], f)
}

func heads(d *design, tasks []*task) []model.Head {
	var out []model.Head
	for _, t := range tasks {
		out = append(out, d.head(t))
	}
	return out
}

// outOfFold is what models that did not see a row predict for it.
func outOfFold(tierTasks, classTasks []*task, n int) []judgement {
	out := make([]judgement, n)
	for i := range out {
		for _, t := range tierTasks {
			out[i].quality = append(out[i].quality, t.probability(i))
		}
		total := 0.0
		for _, t := range classTasks {
			p := t.probability(i)
			out[i].classes = append(out[i].classes, p)
			total += p
		}
		for c := range out[i].classes {
			out[i].classes[c] /= total
		}
	}
	return out
}
