package pricing

import (
	"encoding/json"
	"os"
	"testing"
	"time"
)

type scenarioModel struct {
	Provider, Model, ExactUSD string
}

type scenarioLoad struct {
	Requests, InputTokens, OutputTokens int64
}

type scenarioFile struct {
	Scenarios []struct {
		Name string
		scenarioLoad
		Baseline   scenarioModel
		Categories []struct {
			Name    string
			Percent int64
			scenarioModel
		}
		BaselineUSD, RoutedUSD, SavedPercent string
	}
	SingleModelSpread struct {
		scenarioLoad
		Models []scenarioModel
	}
}

func readScenarios(t *testing.T) *scenarioFile {
	t.Helper()
	text, err := os.ReadFile("testdata/scenarios.json")
	if err != nil {
		t.Fatal(err)
	}
	file := new(scenarioFile)
	if err := json.Unmarshal(text, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// bill is what the load costs on the model, request by request.
func (l scenarioLoad) bill(t *testing.T, m scenarioModel) Total {
	t.Helper()
	entry, err := ListArticle202603().Lookup(m.Provider, m.Model, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	one := entry.Rates.Cost(Usage{InputTokens: l.InputTokens, OutputTokens: l.OutputTokens})
	return Total{}.AddTimes(one, l.Requests)
}

func wantUSD(t *testing.T, what string, got Total, want string) {
	t.Helper()
	exact, err := ParseUSD(want)
	if err != nil {
		t.Fatal(err)
	}
	if got != (Total{}.Add(exact)) || got.FormatUSD(2) != want {
		t.Errorf("%s costs %s, want exactly %s", what, got, want)
	}
}

func TestTheArticlesWorkedExamplesComeOutExactly(t *testing.T) {
	file := readScenarios(t)
	if len(file.Scenarios) != 3 || len(file.SingleModelSpread.Models) != 7 {
		t.Fatalf("read %d scenarios and %d models", len(file.Scenarios), len(file.SingleModelSpread.Models))
	}
	for _, s := range file.Scenarios {
		t.Run(s.Name, func(t *testing.T) {
			var routed Total
			for _, c := range s.Categories {
				load := s.scenarioLoad
				load.Requests = s.Requests * c.Percent / 100
				cost := load.bill(t, c.scenarioModel)
				wantUSD(t, c.Name, cost, c.ExactUSD)
				routed = routed.AddTotal(cost)
			}
			baseline := s.bill(t, s.Baseline)
			wantUSD(t, "baseline", baseline, s.BaselineUSD)
			wantUSD(t, "routed", routed, s.RoutedUSD)
			if got := (Savings{baseline, routed}).Percent(); got != s.SavedPercent {
				t.Errorf("saved %s %%, want %s %%", got, s.SavedPercent)
			}
		})
	}
	t.Run("single-model-spread", func(t *testing.T) {
		for _, m := range file.SingleModelSpread.Models {
			wantUSD(t, m.Model, file.SingleModelSpread.bill(t, m), m.ExactUSD)
		}
	})
}
