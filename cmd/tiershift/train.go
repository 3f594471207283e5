package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tiershift/tiershift/internal/classify/model"
	"github.com/tiershift/tiershift/internal/classify/train"
)

// learningFlags are shared by the commands that read learning data.
type learningFlags struct {
	data   []string
	format string
	costs  []float64
	report string
	output string
}

func (f *learningFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.data, "data", nil, "JSON Lines file, plain or gzip; may be repeated (required)")
	flags.StringVar(&f.format, "format", string(train.Auto), "what the lines are: auto, outcomes, labels or pairs")
	flags.Float64SliceVar(&f.costs, "costs", nil, "cost of a request per tier, cheapest first, relative to each other (default: each four times the one below)")
	flags.StringVar(&f.report, "report", "", "directory to write report.txt, report.json and the plots to")
	flags.StringVarP(&f.output, "output", "o", "table", "table or json")
	_ = cmd.MarkFlagRequired("data") // fails only for a flag that does not exist
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

func (f *learningFlags) read() (*train.Data, error) {
	if f.output != "table" && f.output != "json" {
		return nil, fmt.Errorf("--output must be table or json, not %q", f.output)
	}
	format := train.Auto
	known := false
	for _, name := range train.Formats {
		if string(name) == f.format {
			format, known = name, true
		}
	}
	if !known {
		return nil, fmt.Errorf("--format must be one of %v, not %q", train.Formats, f.format)
	}
	for _, cost := range f.costs {
		if !(cost > 0) {
			return nil, fmt.Errorf("--costs must be above 0, not %g", cost)
		}
	}
	data := &train.Data{}
	for _, name := range f.data {
		if err := addFile(data, name, format); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return data, nil
}

func addFile(data *train.Data, name string, format train.Format) error {
	file, err := os.Open(name)
	if err != nil {
		return errors.Unwrap(err) // which names the file
	}
	defer func() { _ = file.Close() }() // was only read
	return data.Add(file, format)
}

func (f *learningFlags) checkCosts(tiers int) error {
	if n := len(f.costs); n > 0 && tiers > 0 && n != tiers {
		return fmt.Errorf("--costs has %d costs for %d tiers", n, tiers)
	}
	return nil
}

// finish prints the report and writes its files.
func (f *learningFlags) finish(w io.Writer, report *train.Report) error {
	if f.report != "" {
		if err := writeReport(f.report, report); err != nil {
			return fmt.Errorf("--report: %w", err)
		}
	}
	if f.output == "json" {
		return writeJSON(w, report)
	}
	return report.Print(w)
}

func writeReport(dir string, report *train.Report) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // a report is for others to read
		return err
	}
	var text, document strings.Builder
	if err := errors.Join(report.Print(&text), writeJSON(&document, report)); err != nil {
		return err
	}
	files := map[string][]byte{"report.txt": []byte(text.String()), "report.json": []byte(document.String())}
	if len(report.Sources) > 0 {
		files["cost-quality.svg"] = report.CostQualitySVG()
	}
	files["calibration.svg"] = report.CalibrationSVG()
	for name, data := range files {
		if err := writeWhole(filepath.Join(dir, name), data); err != nil {
			return err
		}
	}
	return nil
}

// writeWhole writes a file so that nobody ever sees half of it.
func writeWhole(name string, data []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(name), ".tiershift-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) // the error that counts is err
		}
	}()
	_, err = file.Write(data)
	if err := errors.Join(err, file.Chmod(0o644), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

type trainFlags struct {
	learningFlags
	out, base, name, date string
	tiers, licences       []string
	options               train.Options
}

func newTrain() *cobra.Command {
	flags := trainFlags{options: train.DefaultOptions()}
	cmd := &cobra.Command{
		Use:   "train --data FILE --out model.json",
		Short: "Train a classifier on your own outcomes or labels",
		Long: `Train a classifier that predicts per tier how likely it answers a prompt well, and
how demanding the prompt is. Each line of the data is one of

  {"prompt": "…", "outcomes": {"nano": 0, "mid": 1, "high": 1}}    scores from 0 to 1
  {"prompt": "…", "label": "SIMPLE"}                               or MODERATE, COMPLEX
  {"prompt": "…", "weak_score": 0, "strong_score": 1}              and perhaps mid_score

The report is measured by cross-validation in which near-duplicates stay together.
The same data gives the same file, byte for byte.`,
		Example: "  tiershift train --data outcomes.jsonl --out model.json --report report/",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return flags.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags.add(cmd)
	f := cmd.Flags()
	f.StringVar(&flags.out, "out", "", "file to write the model to (required)")
	f.StringSliceVar(&flags.tiers, "tiers", nil, "tiers from the cheapest to the strongest (default: by their mean outcome)")
	f.StringVar(&flags.base, "base", "default", `model whose classes are taken over when the data has no labels: default, none or a file`)
	f.IntVar(&flags.options.Folds, "folds", flags.options.Folds, "folds of the cross-validation")
	f.Float64Var(&flags.options.Penalty, "penalty", flags.options.Penalty, "penalty of large weights; more suits fewer or noisier rows")
	f.StringVar(&flags.name, "name", "", "name for the model card")
	f.StringVar(&flags.date, "date", "", "date for the model card, as YYYY-MM-DD")
	f.StringArrayVar(&flags.licences, "licence", nil, "licence note for the model card; may be repeated")
	_ = cmd.MarkFlagRequired("out")
	return cmd
}

func (f *trainFlags) run(ctx context.Context, out, progress io.Writer) error {
	if f.date != "" {
		if _, err := time.Parse(time.DateOnly, f.date); err != nil {
			return fmt.Errorf("--date must be YYYY-MM-DD, not %q", f.date)
		}
	}
	if !(f.options.Penalty > 0) {
		return fmt.Errorf("--penalty must be above 0, not %g", f.options.Penalty)
	}
	data, err := f.read()
	if err != nil {
		return err
	}
	if err := f.prepare(progress); err != nil {
		return err
	}
	fmt.Fprintf(progress, "read %d prompts\n", len(data.Rows))
	result, err := train.Run(ctx, data, f.options)
	if err != nil {
		return err
	}
	bytes, err := result.Model.Marshal()
	if err != nil {
		return err
	}
	if err := f.finish(out, result.Report); err != nil {
		return err
	}
	if err := writeWhole(f.out, bytes); err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	fmt.Fprintf(progress, "wrote %s, %d KiB\n", f.out, len(bytes)>>10)
	return nil
}

// prepare completes the options from the flags.
func (f *trainFlags) prepare(progress io.Writer) error {
	if err := f.checkCosts(len(f.tiers)); err != nil {
		return err
	}
	f.options.Tiers, f.options.Costs = f.tiers, f.costs
	f.options.Card = model.Card{Name: f.name, Date: f.date, Licences: f.licences}
	f.options.Progress = func(done, total int) { fmt.Fprintf(progress, "fitted %d of %d\n", done, total) }
	switch f.base {
	case "none":
	case "default":
		f.options.Base = model.Default
	default:
		base, err := loadModel(f.base)
		if err != nil {
			return err
		}
		f.options.Base = func() *model.Model { return base }
	}
	return nil
}

// loadModel reads a model file; no name stands for the embedded model.
func loadModel(name string) (*model.Model, error) {
	if name == "" {
		return model.Default(), nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // was only read
	data, err := io.ReadAll(io.LimitReader(file, model.MaxFileSize+1))
	if err != nil {
		return nil, err
	}
	m, err := model.Load(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return m, nil
}
