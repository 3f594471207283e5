package router_test

import (
	"testing"

	"github.com/tiershift/tiershift/internal/routerconfig"
)

// A tier that was too slow for a route spreads what it gets from this route, and
// from no other, by the shares of the config.
func TestModelSharesTakeThePlaceOfTheSelection(t *testing.T) {
	shares := func(first, second int32) []routerconfig.ModelShare {
		return []routerconfig.ModelShare{
			{Tier: "mid", Model: "medium-1", Provider: "OpenAI", Percent: first}, {Tier: "mid", Model: "medium-2", Provider: "OpenAI", Percent: second},
		}
	}
	g := newGateway(t, func(c *routerconfig.Config) {
		c.Routes = []routerconfig.Route{
			{Name: "half", Tier: "mid", Models: shares(50, 50), Match: routerconfig.Match{Paths: []string{"/half"}}},
			{Name: "none", Tier: "mid", Models: shares(0, 100), Match: routerconfig.Match{Paths: []string{"/none"}}},
			{Name: "plain", Tier: "mid", Match: routerconfig.Match{Paths: []string{"/plain"}}},
		}
	})
	models := func(path string) map[string]int {
		counts := map[string]int{}
		for range 40 {
			a := g.post(path+"/v1/chat/completions", askHello)
			wantStatus(t, a, 200)
			counts[a.header.Get("x-tiershift-model")]++
		}
		return counts
	}
	if m := models("/half"); m["medium-1"] == 0 || m["medium-2"] == 0 {
		t.Errorf("of half: %v", m)
	}
	if m := models("/none"); m["medium-2"] != 40 {
		t.Errorf("of none: %v", m)
	}
	if m := models("/plain"); m["medium-1"] != 40 { // Ordered
		t.Errorf("of plain: %v", m)
	}
	g.faults("second", always(503))
	if m := models("/none"); m["medium-1"] != 40 {
		t.Errorf("a model without a share did not stand in: %v", m)
	}
}
