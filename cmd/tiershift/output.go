package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

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

// add adds the flags of commands that are about one policy.
func (f *manifestFlags) add(cmd *cobra.Command) {
	f.addFilename(cmd)
	cmd.Flags().StringVar(&f.policy, "policy", "", "the RoutingPolicy, as NAME or NAMESPACE/NAME (default: the only one there is)")
}

func (f *manifestFlags) addFilename(cmd *cobra.Command) {
	cmd.Flags().VarP((*once)(&f.dir), "filename", "f", "directory with the manifests, or one file (required)")
	_ = cmd.MarkFlagRequired("filename")                        // fails only for a flag that does not exist
	_ = cmd.MarkFlagFilename("filename", "yaml", "yml", "json") // and directories
}

// once is a text that may be given once: the last of several would win in silence,
// where kubectl takes them all.
type once string

// String implements pflag.Value.
func (o *once) String() string { return string(*o) }

// Set implements pflag.Value.
func (o *once) Set(text string) error {
	if *o != "" {
		return fmt.Errorf("it was given before, as %s: put all manifests below one directory", *o)
	}
	*o = once(text)
	return nil
}

// Type implements pflag.Value.
func (*once) Type() string { return "string" }

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

// offline is the source for commands that judge the policy and call nobody, so
// that no key is needed.
func (f *manifestFlags) offline(files fs.FS) *embedded.Source {
	return embedded.NewSource(files, embedded.Options{Policy: f.policy, Now: time.Now, Prepare: func(set *manifest.Set) error {
		embedded.AssumeSecrets(set)
		return nil
	}})
}

// root is the directory that names of files are below.
func (f *manifestFlags) root() string {
	if info, err := os.Stat(f.dir); err == nil && !info.IsDir() {
		return filepath.Dir(f.dir)
	}
	return f.dir
}

// place completes the names of files, so that an editor can open them.
func (f *manifestFlags) place(faults []manifest.Fault) []manifest.Fault {
	dir := f.root()
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
	var file *fs.PathError
	switch {
	case !errors.As(err, &file):
		return fmt.Errorf("%s: %w", f.dir, err)
	case file.Path == f.dir: // the one file
		return err
	default: // a path below the directory
		return fmt.Errorf("%s %s: %w", file.Op, filepath.Join(f.root(), file.Path), file.Err)
	}
}

// warnTo prints the problems that do not hinder serving.
func (f *manifestFlags) warnTo(w io.Writer) func([]manifest.Fault) {
	return func(faults []manifest.Fault) {
		for _, fault := range f.place(faults) {
			fmt.Fprintln(w, "warning:", fault.Error())
		}
	}
}

func writeJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
