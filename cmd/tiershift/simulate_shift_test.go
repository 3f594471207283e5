package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSimulateShiftPlaysTheQuickstart(t *testing.T) {
	svg := filepath.Join(t.TempDir(), "degrade.svg")
	out, err := tiershift(t, "simulate", "shift", "-f", quickstart, "--scenario", "degrade", "--svg", svg)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Route chat, mode Automatic, seed 1, everything at mid to begin with", "nano      0.000160", "Down Exploring  ", "nano: quality falls", "Up QualityBelow  ", "True mean quality 0.9",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if data, err := os.ReadFile(svg); err != nil || !strings.HasPrefix(string(data), "<svg ") {
		t.Errorf("%v: %.40s", err, data)
	}
}

func TestSimulateShiftAsJSON(t *testing.T) {
	out, err := tiershift(t, "simulate", "shift", "-f", quickstart, "--seed", "7", "-o", "json")
	if err != nil {
		t.Fatal(err)
	}
	var report shiftReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if report.Scenario != "good" || report.Seed != 7 || len(report.Tiers) != 3 || report.CostUSD >= report.StayUSD || report.Split[0].Tier != "nano" {
		t.Errorf("%+v", report)
	}
}

func TestSimulateShiftNamesWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"a scenario that does not exist": {[]string{"--scenario", "doom", "-f", quickstart}, `no scenario "doom"; there are: good, degrade, price, outage, sparse-feedback, diurnal`},
		"a route that does not shift":    {[]string{"--route", "medical", "-f", quickstart}, `no route "medical" shifts; there are: chat`},
		"no route that shifts":           {[]string{"-f", policies(t, "mode: Automatic", `mode: "Off"`)}, "no route of the policy shifts"},
		"one tier only":                  {[]string{"-f", policies(t, "      match: {}\n", "      match: {}\n      minTier: flagship\n")}, "one tier only"},
		"another output":                 {[]string{"-o", "xml", "-f", quickstart}, "--output"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := tiershift(t, append([]string{"simulate", "shift"}, c.args...)...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}
