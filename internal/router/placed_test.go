package router_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// requestsPlaced sums the requests of a /metrics page by the tier at which the
// split placed them, and by the tier that answered.
func requestsPlaced(t *testing.T, page string) map[string]int {
	t.Helper()
	series := regexp.MustCompile(`(?m)^` + metricnames.RequestsTotal + `\{.*placed="([^"]*)".*tier="([^"]*)"\} (\d+)$`)
	sums := map[string]int{}
	for _, found := range series.FindAllStringSubmatch(page, -1) {
		n, err := strconv.Atoi(found[3])
		if err != nil {
			t.Fatal(err)
		}
		sums[found[1]+">"+found[2]] += n
	}
	return sums
}

func TestMetricsTellWhatTheSplitPlaced(t *testing.T) {
	const undecided = "the usual, please"
	g := newGateway(t, func(c *routerconfig.Config) {
		c.Classification = routerconfig.Classification{Preset: routerconfig.PresetNone, LowConfidenceTier: "mid", Custom: []routerconfig.Rule{
			{Name: "hard", Class: routerconfig.ClassComplex, Confidence: 0.95, Match: routerconfig.PromptMatch{Keywords: []string{"proof"}}},
		}}
		c.Routes = []routerconfig.Route{{Name: "chat", Split: []routerconfig.Share{{Tier: "nano", Percent: 50}, {Tier: "mid", Percent: 50}}}}
	})
	for i := range 20 {
		wantStatus(t, g.ask(says("auto", undecided), "x-tiershift-conversation", fmt.Sprint(i)), 200)
	}
	sums := requestsPlaced(t, g.get(g.admin+"/metrics").body)
	if sums["nano>nano"] == 0 || sums["mid>mid"] == 0 || sums["nano>nano"]+sums["mid>mid"] != 20 {
		t.Errorf("of 20 undecided requests: %v", sums)
	}

	// What classification, the client's bounds or a pin decided tells nothing of
	// how the tiers compare.
	wantStatus(t, g.ask(says("auto", "a proof of it")), 200)
	wantStatus(t, g.ask(says("tier:nano", undecided)), 200)
	wantStatus(t, g.ask(says("auto", undecided), "x-tiershift-min-tier", "mid"), 200)
	now := requestsPlaced(t, g.get(g.admin+"/metrics").body)
	if now["nano>nano"]+now["mid>mid"] != 20 || now[">flagship"] != 1 || now[">nano"] != 1 || now[">mid"] != 1 {
		t.Errorf("with three that were decided otherwise: %v", now)
	}

	// A request counts where it was placed, also when another tier answered.
	g.faults("cheap", always(503))
	for i := range 20 {
		g.ask(says("auto", undecided), "x-tiershift-conversation", fmt.Sprint(i))
	}
	moved := 0
	for placed, n := range requestsPlaced(t, g.get(g.admin+"/metrics").body) {
		if from, to, _ := strings.Cut(placed, ">"); from != "" && from != to {
			moved += n
		}
	}
	if moved == 0 {
		t.Error("no request counts where it was placed rather than where it was answered")
	}
}
