package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tiershift/tiershift/internal/embedded"
	"github.com/tiershift/tiershift/internal/manifest"
)

// manifestFlags are shared by the commands that read manifests.
type manifestFlags struct {
	dir    string
	policy string
	output string
}

func (f *manifestFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.dir, "filename", "f", "", "directory with the manifests, or one file (required)")
	cmd.Flags().StringVar(&f.policy, "policy", "", "the RoutingPolicy, as NAME or NAMESPACE/NAME (default: the only one there is)")
	_ = cmd.MarkFlagRequired("filename") // fails only for a flag that does not exist
	_ = cmd.MarkFlagDirname("filename")
}

func (f *manifestFlags) addOutput(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.output, "output", "o", "table", "table or json")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"table", "json"}, cobra.ShellCompDirectiveNoFileComp))
}

func (f *manifestFlags) checkOutput() error {
	if f.output != "table" && f.output != "json" {
		return fmt.Errorf("--output must be table or json, not %q", f.output)
	}
	return nil
}

// files is the directory, or a file system that holds just the one file.
func (f *manifestFlags) files() (fs.FS, error) {
	info, err := os.Stat(f.dir)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return os.DirFS(f.dir), nil
	}
	return singleFile(f.dir), nil
}

// place completes the names of files, so that an editor can open them.
func (f *manifestFlags) place(faults []manifest.Fault) []manifest.Fault {
	dir := f.dir
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		dir = filepath.Dir(dir)
	}
	placed := make([]manifest.Fault, len(faults))
	for i, fault := range faults {
		if fault.File != "" {
			fault.File = filepath.Join(dir, fault.File)
		}
		placed[i] = fault
	}
	return placed
}

// explainFaults turns what is wrong with the manifests into an error that names
// the files as the user does.
func (f *manifestFlags) explainFaults(err error) error {
	var faults embedded.FaultsError
	if errors.As(err, &faults) {
		return fmt.Errorf("%s is faulty:\n%w", f.dir, embedded.FaultsError(f.place(faults)))
	}
	return fmt.Errorf("%s: %w", f.dir, err)
}

// warn prints the problems that do not hinder serving.
func (f *manifestFlags) warn(faults []manifest.Fault) {
	for _, fault := range f.place(faults) {
		fmt.Fprintln(os.Stderr, "warning:", fault.Error())
	}
}

func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
