package main

import (
	"github.com/spf13/cobra"

	"github.com/tiershift/tiershift/internal/classify/train"
)

func newEval() *cobra.Command {
	var flags learningFlags
	var name string
	cmd := &cobra.Command{
		Use:   "eval --data FILE [--model model.json]",
		Short: "Measure a classifier on data that it was not trained on",
		Long: `Measure a classifier: how well its score tells which prompts need the strongest
tier (APGR, CPT), how far its probabilities hold (calibration error), what a target
quality costs and gives, and how well its classes fit labels. The data has the
formats of "tiershift train". Without --model it is the embedded one.`,
		Example: "  tiershift eval --data holdout.jsonl --model model.json --report report/",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			data, err := flags.read()
			if err != nil {
				return err
			}
			m, err := loadModel(name)
			if err != nil {
				return err
			}
			if err := flags.checkCosts(len(m.Tiers())); err != nil {
				return err
			}
			report, err := train.Evaluate(m, data, flags.costs)
			if err != nil {
				return err
			}
			return flags.finish(cmd.OutOrStdout(), report)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&name, "model", "", "model file (default: the embedded model)")
	return cmd
}
