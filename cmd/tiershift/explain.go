package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/tiershift/tiershift/internal/router"
	"github.com/tiershift/tiershift/internal/router/upstream"
)

type explainFlags struct {
	manifestFlags
	path, model string
	headers     []string
}

func newExplain() *cobra.Command {
	var flags explainFlags
	cmd := &cobra.Command{
		Use:   `explain -f DIR "PROMPT"`,
		Short: "Say where a prompt would go, and why, without calling anyone",
		Long: `Say which route, tier and model would answer a prompt, why, and what it would
cost against the baseline. It is the router's own decision; no upstream is called.
A prompt of "-" is read from standard input.`,
		Example: `  tiershift explain -f config/samples/quickstart "What is the capital of France?"
  tiershift explain -f config/samples/quickstart --path /api/code-review "func main() {}"`,
		Args: onePrompt,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.checkOutput(); err != nil {
				return err
			}
			prompt := args[0]
			if prompt == "-" {
				data, err := io.ReadAll(cmd.InOrStdin())
				if err != nil {
					return err
				}
				prompt = string(data)
			}
			explanation, err := explain(&flags, prompt)
			if err != nil {
				return err
			}
			return printExplanation(cmd.OutOrStdout(), flags.output, explanation)
		},
	}
	flags.add(cmd)
	flags.addOutput(cmd)
	cmd.Flags().StringVar(&flags.path, "path", "", "path prefix of the request, such as /api/code-review")
	cmd.Flags().StringVar(&flags.model, "model", "auto", "model that the client asks for")
	cmd.Flags().StringArrayVarP(&flags.headers, "header", "H", nil, `request header as "Name: value"; may be repeated`)
	return cmd
}

// onePrompt is the Args of explain. Words without quotes are the common mistake.
func onePrompt(cmd *cobra.Command, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("give one prompt, in quotes, not %d arguments; see %q", len(args), cmd.CommandPath()+" --help")
	}
	return nil
}

// explain asks a router that serves nobody: the handler of POST /v1/explain,
// without a connection.
func explain(flags *explainFlags, prompt string) (*router.Explanation, error) {
	server, err := offlineServer(&flags.manifestFlags)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]any{
		"model": flags.model, "messages": []map[string]string{{"role": "user", "content": prompt}},
	})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequest(http.MethodPost, "/"+strings.Trim(flags.path, "/"), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("--path: %w", err)
	}
	for _, header := range flags.headers {
		name, value, ok := strings.Cut(header, ":")
		if !ok {
			return nil, fmt.Errorf("--header must be \"Name: value\", not %q", header)
		}
		request.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	explanation, err := server.Explain(request)
	if err != nil {
		return nil, fmt.Errorf("the router would answer %w", err)
	}
	return explanation, nil
}

// offlineServer is a router with the policy's engine and nobody listening.
func offlineServer(flags *manifestFlags) (*router.Server, error) {
	files, err := flags.files()
	if err != nil {
		return nil, err
	}
	source := flags.offline(files)
	compiled, err := source.Compile()
	if err != nil {
		return nil, flags.explainFaults(err)
	}
	metrics, err := router.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		return nil, err
	}
	engine, err := router.NewEngine(compiled.Config, router.Dependencies{
		Secrets: source.Secrets(), Classifiers: source.Classifiers(), Upstreams: router.NewUpstreams(upstream.Options{}),
	})
	if err != nil {
		return nil, err
	}
	server := router.NewServer(metrics, router.Options{})
	server.Swap(engine)
	return server, nil
}

func printExplanation(w io.Writer, output string, e *router.Explanation) error {
	if output == "json" {
		return writeJSON(w, e)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(table, name+"\t"+format+"\n", args...) }
	row("Route", "%s", e.Route)
	row("Tier", "%s", e.Tier)
	row("Model", "%s (%s)", e.Model, e.Provider)
	row("Reason", "%s", e.Reason)
	if e.Class != "" {
		row("Class", "%s", e.Class)
	}
	printSteps(row, e)
	row("Tokens", "about %d in, %d out expected", e.PromptTokens, e.OutputTokens)
	row("Cost", "about %s USD; on the baseline %s about %s USD", e.CostUSD, e.BaselineModel, e.BaselineCostUSD)
	if len(e.Fallbacks) > 0 {
		row("If it fails", "%s", strings.Join(e.Fallbacks, ", then "))
	}
	return table.Flush()
}

// printSteps prints what each step of classification says.
func printSteps(row func(name, format string, args ...any), e *router.Explanation) {
	var seen []string
	for _, f := range e.Features {
		seen = append(seen, f.Name+" "+f.Value)
	}
	row("Features", "%s", strings.Join(seen, ", "))
	for i := range e.Steps {
		s := &e.Steps[i]
		verdict := "no verdict"
		if s.Class != "" {
			verdict = s.Class
		}
		if s.Confidence > 0 {
			verdict += fmt.Sprintf(" %.2f", s.Confidence)
		}
		mark := ""
		if s.Decided {
			mark = " (decides)"
		}
		cost := ""
		if s.CostUSD != "" {
			cost = ", for about " + s.CostUSD + " USD"
		}
		row("Step "+s.Method, "%s%s: %s%s", verdict, mark, s.Remark, cost)
		for _, t := range s.Tiers {
			row("", "  %s: answers well with %.2f, about %s USD", t.Tier, t.Quality, t.CostUSD)
		}
	}
	for _, r := range e.Rules {
		row("Rule held", "%s: %s, confidence %.2f", r.Name, r.Class, r.Confidence)
	}
}
