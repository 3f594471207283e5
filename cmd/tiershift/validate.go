package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tiershift/tiershift/internal/embedded"
	"github.com/tiershift/tiershift/internal/manifest"
)

func newValidate() *cobra.Command {
	var flags manifestFlags
	cmd := &cobra.Command{
		Use:   "validate -f DIR",
		Short: "Check manifests without a cluster",
		Long: `Check manifests as the API server and the operator would: the schema and the CEL
rules of the CRDs, references, prices, and whether every policy compiles. Secrets that
are not among the manifests are taken for granted, with a warning.

Each fault is printed as file:line: object: field: what is wrong. The exit code is 1
when there is an error; warnings alone leave it at 0.`,
		Example: "  tiershift validate -f config/samples/quickstart\n  tiershift validate -f policies/ -o json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.checkOutput(); err != nil {
				return err
			}
			report, err := validate(&flags)
			if err != nil {
				return err
			}
			if err := report.print(cmd.OutOrStdout(), flags.output); err != nil {
				return err
			}
			if len(report.Errors) > 0 {
				return errSilent
			}
			return nil
		},
	}
	flags.addFilename(cmd)
	flags.addOutput(cmd)
	return cmd
}

// validation is what validate found.
type validation struct {
	Errors      []manifest.Fault `json:"errors"`
	Warnings    []manifest.Fault `json:"warnings"`
	Policies    int              `json:"policies"`
	Tiers       int              `json:"tiers"`
	Credentials int              `json:"credentials"`
}

func validate(flags *manifestFlags) (*validation, error) {
	files, err := flags.files()
	if err != nil {
		return nil, err
	}
	set, faults, err := manifest.Load(files)
	if err != nil {
		return nil, flags.explainFaults(err)
	}
	report := &validation{
		Errors: flags.place(faults), Warnings: []manifest.Fault{},
		Policies: len(set.Policies), Tiers: len(set.Tiers), Credentials: len(set.Credentials),
	}
	if len(faults) > 0 {
		return report, nil // what a policy refers to may be among what was left out
	}
	report.Errors = []manifest.Fault{}
	report.Warnings = append(report.Warnings, flags.place(embedded.AssumeSecrets(set))...)
	for i := range set.Policies {
		_, errs, warnings := embedded.CompilePolicy(set, &set.Policies[i], time.Now())
		report.Errors = append(report.Errors, flags.place(errs)...)
		report.Warnings = append(report.Warnings, flags.place(warnings)...)
	}
	return report, nil
}

func (v *validation) print(w io.Writer, output string) error {
	if output == "json" {
		return writeJSON(w, v)
	}
	for _, f := range v.Errors {
		if _, err := fmt.Fprintf(w, "error: %s\n", f.Error()); err != nil {
			return err
		}
	}
	for _, f := range v.Warnings {
		if _, err := fmt.Fprintf(w, "warning: %s\n", f.Error()); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s, %s, %s: %s, %s\n", count(v.Policies, "policy", "policies"), count(v.Tiers, "tier", "tiers"),
		count(v.Credentials, "credential", "credentials"), count(len(v.Errors), "error", "errors"), count(len(v.Warnings), "warning", "warnings"))
	return err
}

func count(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", several)
}
