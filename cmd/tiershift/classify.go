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

	"github.com/spf13/cobra"

	"github.com/tiershift/tiershift/internal/classify/model"
	"github.com/tiershift/tiershift/internal/classify/train"
)

type classifyFlags struct {
	manifestFlags
	in, model string
	target    float64
	price     float64
	rules     bool
	strict    bool
}

func newClassify() *cobra.Command {
	var flags classifyFlags
	cmd := &cobra.Command{
		Use:   "classify [-f DIR] [--in prompts.jsonl]",
		Short: "Classify prompts: a JSON line each",
		Long: `Read prompts, lines such as {"id": "1", "prompt": "…"}, and print for each, in their
order, {"id", "class", "tier", "confidence", "score"}.

With a policy (-f) it is the router's own decision for model "auto", by the policy's
routes, rules and classifier; no LLM is asked. Where nothing decides, or the tier is
pinned, the class is the embedded classifier's.

Without one the class is that of the rules, unless the trained classifier is sure of
a less demanding one, or where no rule is sure, that of the trained classifier. The tier is the cheapest
of the classifier's own that is predicted to reach --target-quality. Without a target
it follows the class if rules gave it, and else is the tier whose predicted quality is
worth its price.

Confidence is how sure the class is. The score, from 0 to 1, is the need for the
strongest tier, by the trained classifier. Lines may also have "turns", "tools",
"images", "json_schema" and, without a policy, "tokens".

A line that is no such object, or that the router would refuse, is named on standard
error as FILE:LINE and has no line in the output; the others are classified, and the
exit code is 1. With --strict the first such line ends the command.`,
		Example: `  tiershift classify --in prompts.jsonl
  echo '{"id": "1", "prompt": "Prove that 2 is prime."}' | tiershift classify -f config/samples/quickstart`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			newDecide, err := flags.newDecide(cmd)
			if err != nil {
				return err
			}
			in, name := cmd.InOrStdin(), "stdin"
			if flags.in != "" && flags.in != "-" {
				file, err := os.Open(flags.in)
				if err != nil {
					return err
				}
				defer func() { _ = file.Close() }() // was only read
				in, name = file, flags.in
			}
			out := &lineWriter{name: name, out: bufio.NewWriter(cmd.OutOrStdout()), problems: cmd.ErrOrStderr(), strict: flags.strict}
			return classifyStream(cmd.Context(), newDecide, in, out)
		},
	}
	f := cmd.Flags()
	f.VarP((*once)(&flags.dir), "filename", "f", "directory with the manifests, or one file (default: no policy, the classifier's own tiers)")
	f.StringVar(&flags.policy, "policy", "", "the RoutingPolicy, as NAME or NAMESPACE/NAME (default: the only one there is)")
	f.StringVar(&flags.in, "in", "-", "file with the prompts, plain or gzip; - is standard input")
	f.StringVar(&flags.model, "model", "", "model file (default: the embedded model)")
	f.Float64Var(&flags.target, "target-quality", 0, "the quality from 0 to 1 that the tier is to reach")
	f.Float64Var(&flags.price, "price", model.DefaultPrice, "without a target: the quality from 0 to 1 that a request to the strongest tier has to buy")
	f.BoolVar(&flags.rules, "rules", true, "try the rules before the trained classifier")
	f.BoolVar(&flags.strict, "strict", false, "stop at the first bad line")
	return cmd
}

// decide says where one prompt goes. It is for one goroutine; number is that of
// the prompt's line.
type decide func(number int, in *asked) (classified, error)

// newDecide returns what makes one for each goroutine.
func (f *classifyFlags) newDecide(cmd *cobra.Command) (func() decide, error) {
	if f.dir == "" {
		return f.withoutPolicy()
	}
	for _, name := range []string{"model", "target-quality", "price", "rules"} {
		if cmd.Flags().Changed(name) {
			return nil, fmt.Errorf("--%s: with -f the policy says how prompts are classified; change its spec.classification, or leave -f out", name)
		}
	}
	return f.byPolicy()
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

// read reads a line of the input.
func (in *asked) read(line []byte) error {
	*in = asked{}
	if err := json.Unmarshal(line, in); err != nil {
		return fmt.Errorf("is not a JSON object with id and prompt: %w", err)
	}
	if in.Prompt == nil {
		return errors.New("prompt: is missing")
	}
	in.Turns = max(in.Turns, 1)
	return nil
}

// classify turns a line of the input into one of the output.
func (d decide) classify(number int, line []byte) ([]byte, error) {
	var in asked
	if err := in.read(line); err != nil {
		return nil, err
	}
	out, err := d(number, &in)
	if err != nil {
		return nil, err
	}
	out.ID, out.Confidence, out.Score = in.ID, short(out.Confidence), short(out.Score)
	return json.Marshal(out)
}

// short drops digits that mean nothing.
func short(x float64) float64 { return math.Round(x*1e6) / 1e6 }

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

// classifyStream classifies the lines on all cores and writes them in their order.
func classifyStream(ctx context.Context, newDecide func() decide, in io.Reader, out *lineWriter) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	workers := runtime.GOMAXPROCS(0)
	work := make(chan *pending)
	order := make(chan *pending, workers*ahead)
	for range workers {
		go func() {
			d := newDecide()
			for p := range work {
				p.out, p.err = d.classify(p.number, p.line)
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
	err := out.writeAll(ctx, order)
	if err == nil {
		err = <-read
	}
	return errors.Join(err, out.finish())
}

// lineWriter writes what became of the lines of an input.
type lineWriter struct {
	name     string // of the input
	out      *bufio.Writer
	problems io.Writer
	strict   bool // stop at the first bad line

	lines, bad int
}

// writeAll writes lines in their order, until all are done or one cannot be written.
func (w *lineWriter) writeAll(ctx context.Context, order <-chan *pending) error {
	for p := range order {
		select {
		case <-p.done:
		case <-ctx.Done(): // then it may never be done
			return ctx.Err()
		}
		if err := w.write(p); err != nil {
			return err
		}
		if len(order) == 0 { // someone may be waiting
			if err := w.out.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *lineWriter) write(p *pending) error {
	w.lines++
	switch {
	case p.err != nil && w.strict:
		return fmt.Errorf("%s:%d: %w", w.name, p.number, p.err)
	case p.err != nil:
		w.bad++
		_, err := fmt.Fprintf(w.problems, "%s:%d: %v\n", w.name, p.number, p.err)
		return err
	}
	_, err := w.out.Write(append(p.out, '\n'))
	return err
}

// finish writes what is left and says how many lines were bad.
func (w *lineWriter) finish() error {
	err := w.out.Flush()
	if w.bad > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d lines could not be classified", w.bad, w.lines))
	}
	return err
}
