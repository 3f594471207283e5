package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/replay"
	"github.com/tiershift/tiershift/internal/router"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

func TestAShiftIsToldOnce(t *testing.T) {
	status := v1alpha1.RouteStatus{Name: "chat", Reason: "Exploring", Split: []v1alpha1.TierShare{{Tier: "nano", Percent: 5}, {Tier: "mid", Percent: 95}}}
	b := newBoard(&providers{}, func() []v1alpha1.RouteStatus { return []v1alpha1.RouteStatus{status} })
	if told := b.shifted(); told != "route chat, undecided: nano 5 %, mid 95 % (Exploring)\n" {
		t.Errorf("told %q", told)
	}
	status.Reason = "TooFewSamples"
	if told := b.shifted(); told != "" {
		t.Errorf("told %q of the same split", told)
	}
}

// Tiers that an edit took away have cost what they cost.
func TestTheTableKeepsTiersThatAreGone(t *testing.T) {
	b := newBoard(&providers{}, func() []v1alpha1.RouteStatus { return nil })
	b.config = func() *routerconfig.Config {
		return &routerconfig.Config{Tiers: []routerconfig.Tier{{Name: "low"}, {Name: "top"}}}
	}
	b.observe(&router.Record{Tier: "former", Cost: pricing.Picodollars(1e12)})
	table := b.table(0)
	if top, low, former := strings.Index(table, "top"), strings.Index(table, "low"), strings.Index(table, "former"); top < 0 || low < top || former < low {
		t.Errorf("the tiers stand in another order:\n%s", table)
	}
	if !strings.Contains(table, "total          1        0   1.000000") {
		t.Errorf("the total lacks the former tier:\n%s", table)
	}
}

func TestWhatTheUserInterruptsIsNoRefusal(t *testing.T) {
	b := newBoard(&providers{}, nil)
	b.answered(replay.Result{Err: context.Canceled})
	b.answered(replay.Result{Err: errors.New("404 Not Found")})
	b.answered(replay.Result{Err: errors.New("401 Unauthorized")})
	if b.refused != 2 || b.refusal.Error() != "404 Not Found" {
		t.Errorf("%d were refused, the first: %v", b.refused, b.refusal)
	}
}
