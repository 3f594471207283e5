package main

import (
	"maps"
	"strings"
	"testing"
)

const profile = `mode: set
m/pricing/cost.go:10.1,12.2 3 1
m/pricing/cost.go:14.1,16.2 1 0
m/pricing/money.go:1.1,2.2 4 1
m/classify/rules.go:1.1,2.2 5 0
m/classify/rules.go:1.1,2.2 5 7
m/shift/shift.go:1.1,2.2 2 0
`

func TestReadAddsUpByPackage(t *testing.T) {
	got, err := read(strings.NewReader(profile))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]statements{
		"m/pricing":  {covered: 7, total: 8},
		"m/classify": {covered: 5, total: 5},
		"m/shift":    {covered: 0, total: 2},
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestReadRefusesWhatIsNoProfile(t *testing.T) {
	if _, err := read(strings.NewReader("mode: set\nok m/pricing 0.1s\n")); err == nil {
		t.Error("no error")
	}
}

func TestReport(t *testing.T) {
	covered, err := read(strings.NewReader(profile))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		least    float64
		packages []string
		want     string
	}{
		{name: "exactly the least is enough", least: 87.5, packages: []string{"m/pricing", "m/classify"}},
		{
			name: "the packages below are named", least: 90, packages: []string{"m/pricing", "m/classify", "m/shift"},
			want: "below 90%: m/pricing (87.5%), m/shift (0.0%)",
		},
		{
			name: "a package without data is not covered", least: 0, packages: []string{"m/compile"},
			want: "below 0%: m/compile (no statements in the profile)",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			got := ""
			if err := report(&out, covered, test.least, test.packages); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if lines := strings.Count(out.String(), "\n"); lines != len(test.packages) {
				t.Errorf("%d lines for %d packages:\n%s", lines, len(test.packages), out.String())
			}
		})
	}
}
