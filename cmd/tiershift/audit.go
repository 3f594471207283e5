package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/tiershift/tiershift/internal/audit"
	"github.com/tiershift/tiershift/internal/pricing"
)

type auditFlags struct {
	manifestFlags
	log, format, html string
	fields, prices    map[string]string
	maxLine           int
	maxMalformed      int64
}

func newAudit() *cobra.Command {
	var flags auditFlags
	cmd := &cobra.Command{
		Use:   "audit --log requests.jsonl -f DIR",
		Short: "Say what a log of past requests would have cost under a policy",
		Long: `Read a log of past requests, JSON Lines, plain or gzip and of any size, and say what
share of them is simple, moderate and complex, what they cost, and what they would
have cost under the policy. The decision is the router's own; no model is called, and
nothing of a prompt is printed or kept.

Formats, told apart line by line:
  openai        request bodies, or {"request": …, "response": …} with usage
  openai-batch  lines of Batch API files: {"custom_id", "body", perhaps "response"}
  litellm       rows of LiteLLM_SpendLogs (with store_prompts_in_spend_logs)
  helicone      what @helicone/export --include-body writes as JSONL
--map says where any other log has its fields, by paths such as req.messages:
  prompt, response, model, provider, usage, input_tokens, cached_tokens,
  cache_write_tokens, output_tokens, reasoning_tokens, cost, status, cache_hit, endpoint

What a request cost is taken from the log, or else priced from its tokens by the
catalogue, or else from tokens that are estimated from its text; the report says how
many are which. Lines that cannot be read are counted and told by number.`,
		Example: `  tiershift audit --log requests.jsonl -f config/samples/quickstart --html report.html
  zcat logs/*.gz | tiershift audit --log - -f policies/ --format litellm -o json
  tiershift audit --log app.jsonl -f policies/ --map prompt=req.messages,model=req.model,cost=usd
  tiershift audit --log app.jsonl -f policies/ --price our-llama=0.20/0.60`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.checkOutput(); err != nil {
				return err
			}
			report, err := flags.run(cmd.Context(), cmd.InOrStdin(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			if err := flags.writeHTML(report); err != nil {
				return err
			}
			if flags.output == "json" {
				return writeJSON(cmd.OutOrStdout(), report)
			}
			return printAudit(cmd.OutOrStdout(), report)
		},
	}
	flags.add(cmd)
	flags.addOutput(cmd)
	f := cmd.Flags()
	f.StringVar(&flags.log, "log", "", "file with the log, plain or gzip; - is standard input (required)")
	f.StringVar(&flags.format, "format", string(audit.Auto), "format of the log: auto, openai, openai-batch, litellm or helicone")
	f.StringToStringVar(&flags.fields, "map", nil, "where the log has a field, as FIELD=PATH; may be repeated, or be a list with commas")
	f.StringToStringVar(&flags.prices, "price", nil, "what a model of the log costs, as MODEL=INPUT/OUTPUT in USD per million tokens; may be repeated")
	f.StringVar(&flags.html, "html", "", "file to write the report into as one page with charts")
	f.IntVar(&flags.maxLine, "max-line", 32<<20, "bytes; longer lines are counted and skipped")
	f.Int64Var(&flags.maxMalformed, "max-malformed", 1000, "malformed lines after which to give up")
	_ = cmd.MarkFlagRequired("log") // fails only for a flag that does not exist
	_ = cmd.MarkFlagFilename("log", "jsonl", "json", "gz")
	_ = cmd.MarkFlagFilename("html", "html")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(auditFormats(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func auditFormats() []string {
	formats := make([]string, len(audit.Formats))
	for i, format := range audit.Formats {
		formats[i] = string(format)
	}
	return formats
}

func (f *auditFlags) run(ctx context.Context, stdin io.Reader, stderr io.Writer) (*audit.Report, error) {
	fields, err := audit.NewMap(audit.Format(f.format), f.fields)
	if err != nil {
		return nil, fmt.Errorf("--%w", err)
	}
	if f.maxLine <= 0 || f.maxMalformed < 0 {
		return nil, errors.New("--max-line must be above 0 and --max-malformed not below")
	}
	policy, err := newAuditPolicy(&f.manifestFlags)
	if err != nil {
		return nil, err
	}
	prices, err := f.readPrices(policy)
	if err != nil {
		return nil, err
	}
	log, size, err := f.open(stdin)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }() // was only read
	meter := &meteredReader{from: log}
	stop := meter.show(stderr, size)
	report, err := audit.Run(ctx, meter, &audit.Options{
		Fields: fields, KeepModel: policy.keepsModel, Prices: audit.NewPrices(time.Now(), prices), NewDecide: policy.newDecide,
		Workers: runtime.GOMAXPROCS(0), MaxLine: f.maxLine, MaxMalformed: f.maxMalformed,
	})
	stop()
	if err != nil {
		return nil, f.explainAudit(err)
	}
	name := f.log
	if name == "-" {
		name = "standard input"
	}
	report.Name(filepath.Base(name), policy.name(), policy.config.Baseline.Model, policy.tiers())
	return report, nil
}

// explainAudit says what to do about a log that is none.
func (f *auditFlags) explainAudit(err error) error {
	var many *audit.TooManyMalformedError
	if errors.As(err, &many) {
		return fmt.Errorf("--log %s: %w. Is it JSON Lines (jq -c '.[]' makes them of an array) of a format that --format or --map describes? --max-malformed allows more", f.log, err)
	}
	return fmt.Errorf("--log %s: %w", f.log, err)
}

// open returns the log and its size in bytes; 0: not known.
func (f *auditFlags) open(stdin io.Reader) (io.ReadCloser, int64, error) {
	if f.log == "-" {
		return io.NopCloser(stdin), 0, nil
	}
	file, err := os.Open(f.log)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil || info.IsDir() {
		_ = file.Close() // was not even read
		return nil, 0, errors.Join(err, fmt.Errorf("--log %s: must be a file, or - for standard input", f.log))
	}
	return file, info.Size(), nil
}

// readPrices are those of --price, and of the policy's models: what they are
// stated to cost there is what they cost in the log.
func (f *auditFlags) readPrices(policy *auditPolicy) (map[string]pricing.Rates, error) {
	prices := policy.modelPrices()
	for name, pair := range f.prices {
		input, output, ok := strings.Cut(pair, "/")
		if !ok {
			return nil, fmt.Errorf("--price %s: must be MODEL=INPUT/OUTPUT in USD per million tokens, such as 0.20/0.60", name)
		}
		rates, err := pricing.NewRates(pricing.RateStrings{Input: input, Output: output})
		if err != nil {
			return nil, fmt.Errorf("--price %s: %w", name, err)
		}
		prices[name] = rates
	}
	return prices, nil
}

func (f *auditFlags) writeHTML(report *audit.Report) (err error) {
	if f.html == "" {
		return nil
	}
	file, err := os.Create(f.html)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return report.WriteHTML(file)
}

// meteredReader counts what is read through it.
type meteredReader struct {
	from io.Reader
	read atomic.Int64
}

func (m *meteredReader) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	m.read.Add(int64(n))
	return n, err
}

// show draws how far reading has come, if somebody watches, until it is stopped.
func (m *meteredReader) show(w io.Writer, size int64) (stop func()) {
	terminal, ok := w.(*os.File)
	if !ok {
		return func() {}
	}
	if info, err := terminal.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func() {}
	}
	done, gone := make(chan struct{}), make(chan struct{})
	started := time.Now()
	go func() {
		defer close(gone)
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				fmt.Fprint(terminal, "\r\x1b[K")
				return
			case now := <-ticker.C:
				fmt.Fprint(terminal, "\r\x1b[K"+progressLine(m.read.Load(), size, now.Sub(started)))
			}
		}
	}()
	return func() { close(done); <-gone }
}

// progressLine is a bar and the rate, or without a size the rate alone.
func progressLine(read, size int64, elapsed time.Duration) string {
	const mb, width = 1 << 20, 30
	rate := float64(read) / mb / max(elapsed.Seconds(), 0.001)
	if size <= 0 {
		return fmt.Sprintf("%d MB read, %.0f MB/s", read/mb, rate)
	}
	share := min(float64(read)/float64(size), 1)
	full := int(math.Round(share * width))
	line := fmt.Sprintf("[%s%s] %3.0f %%  %d of %d MB, %.0f MB/s", strings.Repeat("█", full), strings.Repeat("·", width-full), 100*share, read/mb, size/mb, rate)
	if share > 0.01 {
		left := time.Duration(float64(elapsed) * (1 - share) / share)
		line += ", " + left.Round(time.Second).String() + " left"
	}
	return line
}

func printAudit(w io.Writer, r *audit.Report) error {
	fmt.Fprintf(w, "%s under policy %s: %d requests in %d lines\n\n", r.Log, r.Policy, r.Requests, r.Lines)
	printCosts(w, "CLASS", r.Classes)
	printCosts(w, "MODEL OF THE LOG", r.Models[:min(len(r.Models), 12)])
	printCosts(w, "TIER / MODEL OF THE POLICY", r.Served)
	c := &r.Cost
	fmt.Fprintf(w, "In the log: %s. Under the policy: %s, which saves %s (%s %%).\nAll on %s: %s, of which the policy saves %s %%.\n",
		audit.Money(c.LoggedUSD), audit.Money(c.PolicyUSD), audit.Money(c.SavedUSD), c.SavedPercent,
		r.BaselineModel, audit.Money(c.BaselineUSD), c.SavedAgainstBaselinePercent)
	fmt.Fprintf(w, "The cost of %d requests is known: %d from the log, %d from its tokens, %d from estimated tokens (%s)\n",
		c.Compared, c.Sources[audit.FromLog], c.Sources[audit.FromUsage], c.Sources[audit.FromText], audit.Money(c.EstimatedUSD))
	if n := c.Sources[audit.NoPrice]; n > 0 {
		fmt.Fprintf(w, "Left out of all costs: %d requests to models without a known price; give it with --price\n", n)
	}
	if r.Judged > 0 {
		fmt.Fprintf(w, "%d requests that the policy does not classify surely are judged by the embedded classifier\n", r.Judged)
	}
	return printSetAside(w, r)
}

func printCosts(w io.Writer, title string, rows []audit.Row) {
	if len(rows) == 0 {
		return
	}
	width := len(title)
	for i := range rows {
		width = max(width, utf8.RuneCountInString(rows[i].Name))
	}
	fmt.Fprintf(w, "%-*s  %10s  %7s  %16s  %16s\n", width, title, "REQUESTS", "SHARE", "IN THE LOG", "UNDER THE POLICY")
	for i := range rows {
		row := &rows[i]
		logged, policy := audit.Money(row.LoggedUSD), audit.Money(row.PolicyUSD)
		if row.Compared == 0 {
			logged, policy = "not known", "-"
		}
		fmt.Fprintf(w, "%-*s  %10d  %5.1f %%  %16s  %16s\n", width, row.Name, row.Requests, 100*row.Share, logged, policy)
	}
	fmt.Fprintln(w)
}

func printSetAside(w io.Writer, r *audit.Report) error {
	for _, why := range audit.Asides {
		if n := r.SetAside[why]; n > 0 {
			fmt.Fprintf(w, "Left out: %d lines, %s\n", n, why)
		}
	}
	for _, p := range r.Refused {
		fmt.Fprintf(w, "  line %d: the router would answer %s\n", p.Line, p.Problem)
	}
	if r.Malformed > 0 {
		fmt.Fprintf(w, "Malformed: %d lines\n", r.Malformed)
	}
	for _, p := range r.Problems {
		if _, err := fmt.Fprintf(w, "  line %d: %s\n", p.Line, p.Problem); err != nil {
			return err
		}
	}
	return nil
}
