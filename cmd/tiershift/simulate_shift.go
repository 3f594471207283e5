package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/embedded"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/shift"
	"github.com/tiershift/tiershift/internal/shiftsim"
)

type simulateShiftFlags struct {
	manifestFlags
	route, scenario, svg      string
	seed                      uint64
	inputTokens, outputTokens int64
}

func newSimulateShift() *cobra.Command {
	var flags simulateShiftFlags
	cmd := &cobra.Command{
		Use:   "shift -f DIR --scenario S",
		Short: "Play a week of traffic shifting in a second",
		Long: `Play a scenario on a route that shifts: seeded traffic whose true quality, cost and
latency are known, decided on by the code that moves real traffic, with the policy's
own tiers, prices, objectives and settings.

Scenarios: good, degrade, price, outage, sparse-feedback, diurnal.`,
		Example: `  tiershift simulate shift -f config/samples/quickstart --scenario degrade
  tiershift simulate shift -f config/samples/quickstart --scenario outage --svg outage.svg`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := flags.checkOutput(); err != nil {
				return err
			}
			return simulateShift(&flags, cmd.OutOrStdout())
		},
	}
	flags.add(cmd)
	flags.addOutput(cmd)
	f := cmd.Flags()
	f.StringVar(&flags.route, "route", "", "the route (default: the only one that shifts)")
	f.StringVar(&flags.scenario, "scenario", "good", "what happens")
	f.StringVar(&flags.svg, "svg", "", "file to draw the split, the cost and the quality into")
	f.Uint64Var(&flags.seed, "seed", 1, "seed of everything that is drawn")
	f.Int64Var(&flags.inputTokens, "input-tokens", 800, "input tokens of a request")
	f.Int64Var(&flags.outputTokens, "output-tokens", 300, "output tokens of a request")
	return cmd
}

func simulateShift(flags *simulateShiftFlags, out io.Writer) error {
	files, err := flags.files()
	if err != nil {
		return err
	}
	compiled, err := flags.offline(files).Compile()
	if err != nil {
		return flags.explainFaults(err)
	}
	route, tiers, err := shiftingRoute(compiled, flags)
	if err != nil {
		return err
	}
	scenario, err := shiftsim.Find(shiftsim.Scenarios(tiers, &route.Settings), flags.scenario)
	if err != nil {
		return err
	}
	result := shiftsim.Run(flags.seed, scenario, route)
	if flags.svg != "" {
		if err := os.WriteFile(flags.svg, []byte(result.SVG(route)), 0o600); err != nil {
			return err
		}
	}
	report := newShiftReport(flags.seed, route, result)
	if flags.output == "json" {
		return writeJSON(out, report)
	}
	return report.print(out)
}

// shiftingRoute is the route as it is set up, and the tiers that may answer on it
// with what a request costs there.
func shiftingRoute(compiled *embedded.Compiled, flags *simulateShiftFlags) (*shiftsim.Route, []shiftsim.Tier, error) {
	spec, err := chooseRoute(compiled.Policy, flags.route)
	if err != nil {
		return nil, nil, err
	}
	settings, err := shift.NewSettings(v1alpha1.ResolveShift(compiled.Policy.Spec.Shift, spec.Shift))
	if err != nil {
		return nil, nil, fmt.Errorf("route %s: %w", spec.Name, err)
	}
	config := compiled.Config
	at := slices.IndexFunc(config.Routes, func(r routerconfig.Route) bool { return r.Name == spec.Name })
	low, high := max(config.TierIndex(config.Routes[at].MinTier), 0), len(config.Tiers)-1
	if ceiling := config.TierIndex(config.Routes[at].MaxTier); ceiling >= 0 {
		high = ceiling
	}
	initial := config.TierIndex(cmp.Or(config.Classification.LowConfidenceTier, config.DefaultTier))
	var tiers []shiftsim.Tier
	for i := low; i <= high; i++ {
		usd, err := requestCost(&config.Tiers[i], flags)
		if err != nil {
			return nil, nil, err
		}
		tiers = append(tiers, shiftsim.Tier{Name: config.Tiers[i].Name, CostUSD: usd})
	}
	if len(tiers) < 2 {
		return nil, nil, fmt.Errorf("route %s has one tier only that may answer: there is nothing to shift", spec.Name)
	}
	return &shiftsim.Route{Name: spec.Name, Settings: settings, Initial: config.Tiers[min(max(initial, low), high)].Name}, tiers, nil
}

// chooseRoute finds the route by name, or the only one that shifts.
func chooseRoute(policy *v1alpha1.RoutingPolicy, name string) (*v1alpha1.Route, error) {
	var found []*v1alpha1.Route
	var names []string
	for i := range policy.Spec.Routes {
		r := &policy.Spec.Routes[i]
		if r.Tier != "" || v1alpha1.ResolveShift(policy.Spec.Shift, r.Shift).Mode == v1alpha1.ShiftOff {
			continue
		}
		names = append(names, r.Name)
		if name == "" || name == r.Name {
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(names) == 0:
		return nil, errors.New("no route of the policy shifts: give one a shift with a mode and objectives, and no tier")
	case len(found) == 0:
		return nil, fmt.Errorf("no route %q shifts; there are: %s", name, strings.Join(names, ", "))
	default:
		return nil, errors.New("several routes shift, name one with --route: " + strings.Join(names, ", "))
	}
}

// requestCost is what a request costs on the tier's first model, in USD.
func requestCost(tier *routerconfig.Tier, flags *simulateShiftFlags) (float64, error) {
	p := tier.Models[0].Price
	rates, err := pricing.NewRates(pricing.RateStrings{
		Input: p.Input, CachedInput: p.CachedInput, CacheWrite: p.CacheWrite, CacheWrite1h: p.CacheWrite1h,
		Output: p.Output, ReasoningOutput: p.ReasoningOutput,
	})
	if err != nil {
		return 0, fmt.Errorf("tier %s: %w", tier.Name, err)
	}
	return rates.Cost(pricing.Usage{InputTokens: flags.inputTokens, OutputTokens: flags.outputTokens}).Float64(), nil
}

// shiftReport is what came of a simulation. Its fields are public.
type shiftReport struct {
	Scenario    string               `json:"scenario"`
	Description string               `json:"description"`
	Seed        uint64               `json:"seed"`
	Route       string               `json:"route"`
	Mode        v1alpha1.ShiftMode   `json:"mode"`
	Tiers       []simulatedTier      `json:"tiers"`
	Events      []simulatedEvent     `json:"events"`
	Shifts      []simulatedShift     `json:"shifts"`
	Split       []v1alpha1.TierShare `json:"split"`
	Standing    string               `json:"standing"`
	Requests    float64              `json:"requests"`
	CostUSD     float64              `json:"costUSD"`
	// StayUSD is what it would have cost at the initial tier.
	StayUSD float64 `json:"stayUSD"`
	Quality float64 `json:"quality"`
	// BelowMinutes is how long the true quality was more than half a point below
	// the objective.
	BelowMinutes float64 `json:"belowMinutes"`

	initial string
}

type simulatedTier struct {
	Name              string  `json:"name"`
	CostPerRequestUSD float64 `json:"costPerRequestUSD"`
	Quality           float64 `json:"quality"`
	LatencyMS         int64   `json:"medianLatencyMS"`
}

type simulatedEvent struct {
	Hours float64 `json:"hours"`
	Tier  string  `json:"tier"`
	What  string  `json:"what"`
}

type simulatedShift struct {
	Hours     float64                 `json:"hours"`
	Direction v1alpha1.ShiftDirection `json:"direction"`
	Reason    string                  `json:"reason"`
	Message   string                  `json:"message"`
}

func newShiftReport(seed uint64, route *shiftsim.Route, r *shiftsim.Result) *shiftReport {
	report := &shiftReport{
		Scenario: r.Scenario.Name, Description: r.Scenario.Description, Seed: seed, Route: route.Name, Mode: route.Settings.Mode,
		Split: r.Last.Split, Standing: r.Last.Message, Requests: r.Requests, CostUSD: r.CostUSD, StayUSD: r.StayUSD,
		Quality: r.Good / r.Requests, BelowMinutes: r.Below.Minutes(), initial: route.Initial,
		Events: []simulatedEvent{}, Shifts: []simulatedShift{},
	}
	for _, t := range r.Scenario.Tiers {
		report.Tiers = append(report.Tiers, simulatedTier{t.Name, t.CostUSD, t.Quality, t.Latency.Milliseconds()})
	}
	for _, c := range r.Scenario.Changes {
		report.Events = append(report.Events, simulatedEvent{c.At.Hours(), c.Tier, c.What})
	}
	for i := range r.Shifts {
		record := &r.Shifts[i].Record
		report.Shifts = append(report.Shifts, simulatedShift{r.Shifts[i].At.Hours(), record.Direction, record.Reason, record.Message})
	}
	return report
}

func (r *shiftReport) print(w io.Writer) error {
	fmt.Fprintf(w, "%s: %s\nRoute %s, mode %s, seed %d, everything at %s to begin with\n\n",
		r.Scenario, r.Description, r.Route, r.Mode, r.Seed, r.initial)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "TIER\tUSD PER REQUEST\tTRUE QUALITY\tMEDIAN LATENCY")
	for _, t := range r.Tiers {
		fmt.Fprintf(table, "%s\t%.6f\t%.3f\t%d ms\n", t.Name, t.CostPerRequestUSD, t.Quality, t.LatencyMS)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	fmt.Fprintln(table, "TIME\tWHAT\tWHY")
	events := slices.Clone(r.Events)
	for _, s := range r.Shifts {
		for len(events) > 0 && events[0].Hours <= s.Hours {
			fmt.Fprintf(table, "%s\t*\t%s: %s\n", clock(events[0].Hours), events[0].Tier, events[0].What)
			events = events[1:]
		}
		fmt.Fprintf(table, "%s\t%s %s\t%s\n", clock(s.Hours), s.Direction, s.Reason, s.Message)
	}
	for _, e := range events {
		fmt.Fprintf(table, "%s\t*\t%s: %s\n", clock(e.Hours), e.Tier, e.What)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(w, "\nAt the end: %s\n%.0f requests cost %.2f USD; all at %s %.2f USD, so %.0f %% less\nTrue mean quality %.3f; more than half a point below the objective for %s\n",
		r.Standing, r.Requests, r.CostUSD, r.initial, r.StayUSD, 100*(1-r.CostUSD/r.StayUSD), r.Quality,
		time.Duration(r.BelowMinutes*float64(time.Minute)))
	return nil
}

// clock says a time as day and hour.
func clock(hours float64) string {
	minutes := int(hours*60 + 0.5)
	return fmt.Sprintf("day %d %02d:%02d", minutes/(24*60)+1, minutes/60%24, minutes%60)
}
