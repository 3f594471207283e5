// Command tiershift is the newcomer's and the platform engineer's tool: it runs
// a policy without a cluster, checks manifests, and explains decisions. It also
// works as a kubectl plugin when installed under the name kubectl-tiershift.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tiershift/tiershift/internal/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // whoever interrupts twice does not want to wait
	err := newRoot().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	if !errors.Is(err, errSilent) {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
	os.Exit(1)
}

// errSilent ends with exit code 1 when everything worth saying was printed.
var errSilent = errors.New("failed")

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "tiershift",
		Short: "Send each LLM request to the cheapest model tier that answers it well",
		Long: `Tiershift sends each LLM request to the cheapest model tier that answers it
well, and proves what that saved. This tool works on manifests in a directory and
needs no cluster.`,
		Version:       version.String(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	if strings.HasPrefix(filepath.Base(os.Args[0]), "kubectl-") {
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl tiershift"}
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %q", err, cmd.CommandPath()+" --help")
	})
	root.AddCommand(newRun(), newValidate(), newExplain(), newClassify(), newAudit(), newTrain(), newEval(), newSimulate(), newVersion())
	return root
}

// noArguments is the Args of commands that have flags only. A directory without its
// flag is the common mistake.
func noArguments(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case cmd.Flags().Lookup("filename") != nil:
		return fmt.Errorf("unexpected argument %q: manifests are named as in %q", args[0], cmd.CommandPath()+" -f "+args[0])
	default:
		return fmt.Errorf("unexpected argument %q; see %q", args[0], cmd.CommandPath()+" --help")
	}
}

func newVersion() *cobra.Command {
	flags := &manifestFlags{}
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.checkOutput(); err != nil {
				return err
			}
			if flags.output == "json" {
				return writeJSON(cmd.OutOrStdout(), struct {
					Version  string `json:"version"`
					Go       string `json:"go"`
					Platform string `json:"platform"`
				}{version.String(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
			}
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "tiershift", version.String())
			return err
		},
	}
	flags.addOutput(cmd)
	return cmd
}
