package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tiershift/tiershift/internal/classify"
	"github.com/tiershift/tiershift/internal/classify/model"
	"github.com/tiershift/tiershift/internal/classify/train"
	"github.com/tiershift/tiershift/internal/embedded"
	"github.com/tiershift/tiershift/internal/manifest"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

type classifyFlags struct {
	manifestFlags
	in, model string
	target    float64
	price     float64
	rules     bool
}

func newClassify() *cobra.Command {
	var flags classifyFlags
	cmd := &cobra.Command{
		Use:   "classify [-f DIR] [--in prompts.jsonl]",
		Short: "Classify prompts: a JSON line each",
		Long: `Read prompts, lines such as {"id": "1", "prompt": "…"}, and print for each, in their
order, {"id", "class", "tier", "confidence", "score"}.

The class is that of the rules or, where these are not sure, of the trained
classifier; confidence is how sure it is. The score, from 0 to 1, is the need for the
strongest tier, by the trained classifier. The tier is the cheapest that is predicted
to reach the target quality: --target-quality, or the policy's. With neither it
follows the class if rules gave it, and else is the tier whose predicted quality is
worth its price. Tiers are the policy's, or without -f the classifier's own.`,
		Example: `  tiershift classify --in prompts.jsonl
  echo '{"id": "1", "prompt": "Prove that 2 is prime."}' | tiershift classify -f config/samples/quickstart`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := flags.classifier()
			if err != nil {
				return err
			}
			in := cmd.InOrStdin()
			if flags.in != "" && flags.in != "-" {
				file, err := os.Open(flags.in)
				if err != nil {
					return err
				}
				defer func() { _ = file.Close() }() // was only read
				in = file
			}
			return c.stream(cmd.Context(), in, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&flags.dir, "filename", "f", "", "directory with the manifests, or one file (default: no policy, the classifier's own tiers)")
	f.StringVar(&flags.policy, "policy", "", "the RoutingPolicy, as NAME or NAMESPACE/NAME (default: the only one there is)")
	f.StringVar(&flags.in, "in", "-", "file with the prompts, plain or gzip; - is standard input")
	f.StringVar(&flags.model, "model", "", "model file (default: the embedded model)")
	f.Float64Var(&flags.target, "target-quality", 0, "the quality from 0 to 1 that the tier is to reach (default: the policy's)")
	f.Float64Var(&flags.price, "price", model.DefaultPrice, "without a target: the quality from 0 to 1 that a request to the strongest tier has to buy")
	f.BoolVar(&flags.rules, "rules", true, "try the rules before the trained classifier")
	return cmd
}

// classifier is what all prompts share.
type classifier struct {
	analyzer *classify.Analyzer
	model    *model.Model
	tiers    []string
	costs    []float64
	target   float64 // 0: none
	price    float64
	rules    bool
}

func (f *classifyFlags) classifier() (*classifier, error) {
	if !(f.target >= 0 && f.target <= 1) {
		return nil, fmt.Errorf("--target-quality must be from 0 to 1, not %g", f.target)
	}
	if !(f.price >= 0) {
		return nil, fmt.Errorf("--price must not be negative, as %g is", f.price)
	}
	m, err := loadModel(f.model)
	if err != nil {
		return nil, err
	}
	c := &classifier{model: m, tiers: m.Tiers(), target: f.target, price: f.price, rules: f.rules}
	classification := routerconfig.Classification{Preset: routerconfig.PresetStandard}
	if f.dir != "" {
		if classification, err = f.readPolicy(c); err != nil {
			return nil, err
		}
	}
	if len(c.tiers) == 0 {
		return nil, errors.New("the model has no tiers: give a policy with -f")
	}
	c.costs = model.AssumedCosts(len(c.tiers))
	c.analyzer, err = classify.NewAnalyzer(nil, classification)
	return c, err
}

// readPolicy takes tiers, rules and target quality from the policy.
func (f *classifyFlags) readPolicy(c *classifier) (none routerconfig.Classification, err error) {
	files, err := f.files()
	if err != nil {
		return none, err
	}
	compiled, err := embedded.NewSource(files, embedded.Options{Policy: f.policy, Now: time.Now}).Compile()
	if err != nil {
		return none, f.explainFaults(err)
	}
	c.tiers = nil
	for i := range compiled.Config.Tiers {
		c.tiers = append(c.tiers, compiled.Config.Tiers[i].Name)
	}
	set, _, err := manifest.Load(files)
	if err != nil {
		return none, err
	}
	policy, err := embedded.Choose(set, f.policy)
	if err != nil {
		return none, err
	}
	if spec := policy.Spec.Classification; spec != nil && spec.TargetQuality != "" && c.target == 0 {
		if c.target, err = strconv.ParseFloat(string(spec.TargetQuality), 64); err != nil {
			return none, fmt.Errorf("spec.classification.targetQuality: %w", err)
		}
	}
	return compiled.Config.Classification, nil
}

// asked is a line of the input.
type asked struct {
	ID         json.RawMessage `json:"id"`
	Prompt     *string         `json:"prompt"`
	Tokens     int64           `json:"tokens"`
	Turns      int             `json:"turns"`
	Tools      bool            `json:"tools"`
	Images     bool            `json:"images"`
	JSONSchema bool            `json:"json_schema"`
}

// classified is a line of the output.
type classified struct {
	ID         json.RawMessage `json:"id,omitempty"`
	Class      string          `json:"class"`
	Tier       string          `json:"tier"`
	Confidence float64         `json:"confidence"`
	Score      float64         `json:"score"`
}

// judge has what one goroutine needs to classify.
type judge struct {
	*classifier
	analysis   classify.Analysis
	prediction model.Prediction
	qualities  []float32
}

func (j *judge) classify(line []byte) ([]byte, error) {
	var in asked
	if err := json.Unmarshal(line, &in); err != nil {
		return nil, fmt.Errorf("is not a JSON object with id and prompt: %w", err)
	}
	if in.Prompt == nil {
		return nil, errors.New("prompt: is missing")
	}
	text := []byte(*in.Prompt)
	turns := max(in.Turns, 1)
	tokens := in.Tokens
	if tokens == 0 {
		tokens = classify.EstimateTokens(text)
	}
	j.model.Predict(text, model.Signals{Tokens: tokens, Turns: turns, Tools: in.Tools, Images: in.Images, JSONSchema: in.JSONSchema}, &j.prediction)
	out := classified{ID: in.ID, Class: j.prediction.Class, Confidence: float64(j.prediction.Confidence), Score: float64(j.prediction.Score)}
	input := classify.Input{Text: text, UserText: text, Tokens: tokens, Turns: turns, Tools: in.Tools, Images: in.Images, JSONSchema: in.JSONSchema}
	ruled := false
	if j.rules {
		j.analyzer.Analyze(&input, &j.analysis)
		verdict, sure := j.analysis.Classify()
		if ruled = sure; sure || out.Class == "" {
			out.Class, out.Confidence = string(verdict.Class), verdict.Confidence
		}
	}
	out.Tier = j.tiers[j.tier(out.Class, ruled)]
	out.Confidence, out.Score = short(out.Confidence), short(out.Score)
	return json.Marshal(out)
}

// short drops digits that mean nothing.
func short(x float64) float64 { return math.Round(x*1e6) / 1e6 }

// tier is the index of the tier for what the model predicts, or for a class of the
// rules.
func (j *judge) tier(class string, ruled bool) int {
	n := len(j.tiers)
	if len(j.prediction.Quality) == 0 || ruled && j.target == 0 {
		return classify.TierFor(routerconfig.Class(class), n)
	}
	j.qualities = model.Spread(j.qualities, j.prediction.Quality, n)
	if j.target > 0 {
		return model.Cheapest(j.qualities, float32(j.target))
	}
	return model.BestValue(j.qualities, j.costs, j.price)
}

// pending is a line on its way through.
type pending struct {
	number int
	line   []byte
	out    []byte
	err    error
	done   chan struct{}
}

// ahead is how many lines per core may be under way: enough to keep all busy, and
// a bound on memory.
const ahead = 32

// stream classifies the lines on all cores and prints them in their order. It
// stops at the first bad line; those before it are printed.
func (c *classifier) stream(ctx context.Context, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := runtime.GOMAXPROCS(0)
	work := make(chan *pending)
	order := make(chan *pending, workers*ahead)
	for range workers {
		go func() {
			j := judge{classifier: c}
			for p := range work {
				p.out, p.err = j.classify(p.line)
				close(p.done)
			}
		}()
	}
	read := make(chan error, 1)
	go func() {
		defer close(order)
		defer close(work)
		read <- train.Lines(in, func(number int, line []byte) error {
			p := &pending{number: number, line: append([]byte(nil), line...), done: make(chan struct{})}
			for _, to := range []chan<- *pending{order, work} {
				select {
				case to <- p:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	}()
	return printInOrder(ctx, order, read, out)
}

func printInOrder(ctx context.Context, order <-chan *pending, read <-chan error, out io.Writer) error {
	w := bufio.NewWriter(out)
	for p := range order {
		select {
		case <-p.done:
		case <-ctx.Done(): // then it may never be done
			return errors.Join(w.Flush(), ctx.Err())
		}
		if p.err != nil {
			return errors.Join(w.Flush(), fmt.Errorf("line %d: %w", p.number, p.err))
		}
		if _, err := w.Write(append(p.out, '\n')); err != nil {
			return err
		}
		if len(order) == 0 { // someone may be waiting
			if err := w.Flush(); err != nil {
				return err
			}
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return <-read
}
