package shiftsim

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/tiershift/tiershift/internal/shift"
)

const day = 24 * time.Hour

// usual is the traffic of most scenarios: a request a second, every tenth judged.
var usual = Traffic{PerHour: 3600, Judged: 0.1}

// Scenarios are those that ship, played on these tiers (by ascending rank, with
// their cost) under these settings: tiers are given a true quality and latency
// that leave the cheapest of them good enough until something happens to it.
func Scenarios(tiers []Tier, settings *shift.Settings) []Scenario {
	tiers = furnish(tiers, settings)
	cheapest := tiers[0].Name
	target := cmp.Or(settings.MinQuality, usualQuality)
	number := func(v float64) *float64 { return &v }
	dearer := 3.0
	if len(tiers) > 1 && tiers[0].CostUSD > 0 {
		dearer = 1.5 * tiers[1].CostUSD / tiers[0].CostUSD
	}
	list := []Scenario{
		{Name: "good", Description: "the cheapest tier is good enough, and stays so", Length: 7 * day, Traffic: usual},
		{
			Name: "degrade", Description: "the cheapest tier quietly becomes worse on day 3", Length: 7 * day, Traffic: usual,
			Changes: []Change{{At: 2*day + 9*time.Hour, Tier: cheapest, What: "quality falls", Quality: number(target - 0.07)}},
		},
		{
			Name: "price", Description: "the cheapest tier costs more than the next from day 3 to day 5", Length: 7 * day, Traffic: usual,
			Changes: []Change{
				{At: 2 * day, Tier: cheapest, What: fmt.Sprintf("price ×%.1f", dearer), CostFactor: dearer},
				{At: 5 * day, Tier: cheapest, What: "price as before", CostFactor: 1 / dearer},
			},
		},
		{
			Name: "outage", Description: "the cheapest tier's provider fails for six hours on day 3", Length: 7 * day, Traffic: usual,
			Changes: []Change{
				{At: 2*day + 9*time.Hour, Tier: cheapest, What: "provider fails", Failing: number(0.9)},
				{At: 2*day + 15*time.Hour, Tier: cheapest, What: "provider is back", Failing: number(usualFailing)},
			},
		},
		{
			Name: "sparse-feedback", Description: "no judge; two clients in a hundred rate, and rate bad answers twice as readily",
			Length: 14 * day, Traffic: Traffic{PerHour: 1200, Rated: 0.02, Grudge: 2},
		},
		{
			Name: "diurnal", Description: "traffic and latency swing with the day", Length: 7 * day,
			Traffic: Traffic{PerHour: 1800, Swing: 0.9, Judged: 0.1},
		},
	}
	for i := range list {
		list[i].Tiers = tiers
	}
	return list
}

// Find returns the scenario of that name.
func Find(scenarios []Scenario, name string) (*Scenario, error) {
	names := make([]string, len(scenarios))
	for i := range scenarios {
		if scenarios[i].Name == name {
			return &scenarios[i], nil
		}
		names[i] = scenarios[i].Name
	}
	return nil, fmt.Errorf("there is no scenario %q; there are: %s", name, strings.Join(names, ", "))
}

const (
	usualQuality = 0.9
	usualFailing = 0.002
	usualLatency = 4 * time.Second
)

// furnish gives each tier its truth: of the room between the objective and
// perfection, the cheapest tier takes two fifths and the most capable three
// quarters; the 95th percentiles of latency lie at two to three fifths of the limit.
func furnish(tiers []Tier, settings *shift.Settings) []Tier {
	target := cmp.Or(settings.MinQuality, usualQuality)
	limit := cmp.Or(settings.MaxLatencyP95, usualLatency)
	out := make([]Tier, len(tiers))
	for i, t := range tiers {
		height := 1.0
		if len(tiers) > 1 {
			height = float64(i) / float64(len(tiers)-1)
		}
		t.Quality = target + (1-target)*(0.4+0.35*height)
		t.Latency = time.Duration(float64(limit) * (0.17 + 0.08*height))
		t.Failing = usualFailing
		out[i] = t
	}
	return out
}
