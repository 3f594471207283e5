package pricing

import (
	"encoding/csv"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var september = time.Date(2026, 9, 15, 12, 0, 0, 0, time.UTC)

func TestEveryNameOfAModelFindsThatModel(t *testing.T) {
	cases := []struct{ provider, name, owner, model string }{
		{"OpenAI", "gpt-5-nano", "openai", "gpt-5-nano"},
		{"OpenAI", "GPT-5-Nano", "openai", "gpt-5-nano"},
		{"OpenAI", "openai/gpt-5-nano", "openai", "gpt-5-nano"},
		{"OpenAI", "gpt-5-nano-2025-08-07", "openai", "gpt-5-nano"},
		{"OpenAI", "openai/gpt-5-nano-2025-08-07", "openai", "gpt-5-nano"},
		{"OpenAI", "gpt-5.4", "openai", "gpt-5.4"},
		{"OpenAI", "gpt-5.4-mini", "openai", "gpt-5.4-mini"},
		{"OpenAI", "gpt-5.4-2026-03-05", "openai", "gpt-5.4"},
		{"OpenAI", "gpt-4.1-nano-2025-04-14", "openai", "gpt-4.1-nano"},
		{"OpenAI", "chatgpt-4o-latest", "openai", "chatgpt-4o-latest"},
		{"OpenAI", "text-embedding-3-small", "openai", "text-embedding-3-small"},
		{"AzureOpenAI", "o3-mini", "azure", "o3-mini"},
		{"AzureOpenAI", "o3-2025-04-16", "azure", "o3-2025-04-16"},
		{"AzureOpenAI", "o3-mini-2025-01-31", "azure", "o3-mini"},
		{"AzureOpenAI", "gpt-5.4", "openai", "gpt-5.4"},
		{"AzureOpenAI", "openai/gpt-5-mini-2025-08-07", "openai", "gpt-5-mini"},
		{"Anthropic", "claude-sonnet-4-6", "anthropic", "claude-sonnet-4-6"},
		{"Anthropic", "claude-sonnet-4.6", "anthropic", "claude-sonnet-4-6"},
		{"Anthropic", "anthropic/claude-sonnet-4.6", "anthropic", "claude-sonnet-4-6"},
		{"Anthropic", "claude-sonnet-4-6-latest", "anthropic", "claude-sonnet-4-6"},
		{"Anthropic", "claude-sonnet-4-5-20250929", "anthropic", "claude-sonnet-4-5"},
		{"Anthropic", "claude-sonnet-4-20250514", "anthropic", "claude-sonnet-4-0"},
		{"Anthropic", "claude-opus-4-20250514", "anthropic", "claude-opus-4-0"},
		{"Anthropic", "claude-3-5-haiku-20241022", "anthropic", "claude-3-5-haiku-latest"},
		{"Anthropic", "claude-3.5-haiku", "anthropic", "claude-3-5-haiku-latest"},
		{"Anthropic", "claude-3-5-sonnet-latest", "anthropic", "claude-3-5-sonnet"},
		{"Gemini", "gemini-2.5-flash", "google", "gemini-2.5-flash"},
		{"Gemini", "models/gemini-2.5-flash-lite", "google", "gemini-2.5-flash-lite"},
		{"Gemini", "publishers/google/models/gemini-2.5-pro", "google", "gemini-2.5-pro"},
		{"Gemini", "gemini-2.0-flash-001", "google", "gemini-2.0-flash"},
		{"Gemini", "gemini-2.5-flash-latest", "google", "gemini-2.5-flash"},
		{"Gemini", "gemini-3.1-pro", "google", "gemini-3.1-pro-preview"},
		{"Gemini", "gemini-embedding-001", "google", "gemini-embedding-001"},
		{"DeepSeek", "deepseek/deepseek-v3.2", "deepseek", "deepseek-v3.2"},
		{"DeepSeek", "deepseek-v3.2-exp", "deepseek", "deepseek-v3.2-exp"},
		{"Mistral", "mistralai/mistral-large-2512", "mistral", "mistral-large-2512"},
		{"Mistral", "mistral-small-latest", "mistral", "mistral-small-latest"},
		{"Mistral", "mistral-small-3.2", "mistral", "mistral-small-3.2"},
		{"XAI", "grok-3-latest", "x-ai", "grok-3"},
		{"XAI", "grok-4", "x-ai", "grok-4-0709"},
		{"XAI", "xai/grok-4-0709", "x-ai", "grok-4-0709"},
		{"openrouter", "openai/gpt-4o-2024-05-13", "openrouter", "openai/gpt-4o-2024-05-13"},
	}
	for _, c := range cases {
		entry, err := Catalogue().Lookup(c.provider, c.name, september)
		if err != nil || entry.Provider != c.owner || entry.Model != c.model {
			t.Errorf("%s %s: %s %s, %v; want %s %s", c.provider, c.name, entry.Provider, entry.Model, err, c.owner, c.model)
		}
	}
}

func TestANameThatIsOnlySimilarFindsNothing(t *testing.T) {
	cases := []struct {
		provider, name string
		nearest        []string
	}{
		{"OpenAI", "gpt-5.4-mini-high", []string{"gpt-5.4-mini", "gpt-5.4"}},
		{"OpenAI", "gpt-5-4", []string{"gpt-5.4", "gpt-4", "gpt-5"}},
		{"OpenAI", "codex-mini-latest", []string{"codex-mini"}},
		{"OpenAI", "gpt-4-1", nil},
		{"OpenAI", "gpt-5-nano-2025-13-07", nil},
		{"OpenAI", "gpt-5-nano-20250807", nil},
		{"OpenAI", "gpt-4o-2024-05-13", nil},
		{"OpenAI", "openai/gpt-4o-2024-05-13", nil},
		{"OpenAI", "anthropic/gpt-5", nil},
		{"OpenAI", "gpt-5-chat-latest", nil},
		{"OpenAI", "gpt", nil},
		{"OpenAI", "", nil},
		{"OpenAI", "gpt-5,GPT-5", nil},
		{"OpenAI", "claude-sonnet-4-6", nil},
		{"Anthropic", "claude-sonnet-4-6-2026", nil},
		{"Anthropic", "claude-sonnet-4-5-2025-09-29", nil},
		{"Anthropic", "claude-sonnet", nil},
		{"Anthropic", "openai/claude-sonnet-4-6", nil},
		{"Gemini", "gemini-pro-latest", nil},
		{"Gemini", "gemini-2.5-flash-preview-09-2025", nil},
		{"Gemini", "gemini-2-0-flash", nil},
		{"Mistral", "mistral-large-latest", []string{"mistral-large", "mistral-small-latest", "mistral-large-2512"}},
		{"Mistral", "mistral-large-2411", nil},
		{"DeepSeek", "deepseek-v3", nil},
		{"DeepSeek", "deepseek-chat-latest", nil},
		{"groq", "openai/gpt-5", nil},
	}
	for _, c := range cases {
		entry, err := Catalogue().Lookup(c.provider, c.name, september)
		var missing *LookupError
		if !errors.As(err, &missing) || !errors.Is(err, ErrUnknownModel) || missing.Provider != c.provider || missing.Model != c.name {
			t.Errorf("%s %s: %+v, %v; want an unknown model", c.provider, c.name, entry, err)
			continue
		}
		if !entry.Rates.IsZero() {
			t.Errorf("%s %s: rates beside an error", c.provider, c.name)
		}
		if c.nearest != nil && !slices.Equal(missing.Nearest, c.nearest) {
			t.Errorf("%s %s: did you mean %v, want %v", c.provider, c.name, missing.Nearest, c.nearest)
		}
		if len(missing.Nearest) > 3 {
			t.Errorf("%s %s: %d suggestions", c.provider, c.name, len(missing.Nearest))
		}
	}
}

func TestLookupErrorsSayWhatToDo(t *testing.T) {
	cases := []struct {
		provider, name string
		reason         error
		message        string
	}{
		{
			"OpenAI", "gpt-5-nanoo", ErrUnknownModel,
			`catalogue 2026-08-21 has no model "gpt-5-nanoo" of OpenAI (did you mean gpt-5-nano, gpt-5, gpt-5.4-nano?): correct the name, or set spec.models[].pricing`,
		},
		{
			"Anthropic", "text-bison", ErrUnknownModel,
			`catalogue 2026-08-21 has no model "text-bison" of Anthropic: correct the name, or set spec.models[].pricing`,
		},
		{
			"OpenAI", "gpt-image-2", ErrNoPrice,
			`catalogue 2026-08-21 has model "gpt-image-2" of OpenAI without its input or output price: set spec.models[].pricing`,
		},
		{
			"AzureOpenAI", "ada", ErrNoPrice,
			`catalogue 2026-08-21 has model "ada" of AzureOpenAI without its input or output price: set spec.models[].pricing`,
		},
		{
			"OpenAICompatible", "gpt-5-nano", ErrNoPrice,
			`OpenAICompatible endpoints set their own prices, so that of "gpt-5-nano" is unknown: set spec.models[].pricing`,
		},
		{
			"Skynet", "t-800", ErrUnknownProvider,
			`catalogue 2026-08-21 has no provider "Skynet": set spec.models[].pricing`,
		},
		{
			"openai,gpt-5", "GPT-5", ErrUnknownProvider,
			`catalogue 2026-08-21 has no provider "openai,gpt-5": set spec.models[].pricing`,
		},
		{
			"", "gpt-5", ErrUnknownProvider,
			`catalogue 2026-08-21 has no provider "": set spec.models[].pricing`,
		},
	}
	for _, c := range cases {
		_, err := Catalogue().Lookup(c.provider, c.name, september)
		if !errors.Is(err, c.reason) || err.Error() != c.message {
			t.Errorf("%s %s:\n got %v\nwant %s", c.provider, c.name, err, c.message)
		}
	}
}

func TestAPriceTakesForceAtMidnightUTC(t *testing.T) {
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	sonnet46, sonnet5, o3 := day(2026, 3, 13), day(2026, 9, 1), day(2025, 6, 10)
	east := time.FixedZone("UTC+2", 2*60*60)
	cases := []struct {
		provider, model string
		at              time.Time
		input           string
		from, until     time.Time
	}{
		{"Anthropic", "claude-sonnet-5", sonnet5.Add(-time.Nanosecond), "2", time.Time{}, sonnet5},
		{"Anthropic", "claude-sonnet-5", sonnet5, "3", sonnet5, time.Time{}},
		{"Anthropic", "claude-sonnet-5", time.Date(2026, 9, 1, 1, 59, 0, 0, east), "2", time.Time{}, sonnet5},
		{"Anthropic", "claude-sonnet-5", time.Date(2026, 9, 1, 2, 0, 0, 0, east), "3", sonnet5, time.Time{}},
		{"Anthropic", "claude-sonnet-4.6", sonnet46.Add(-time.Hour), "3;>200000:6", time.Time{}, sonnet46},
		{"Anthropic", "claude-sonnet-4.6", sonnet46.Add(time.Hour), "3", sonnet46, time.Time{}},
		{"OpenAI", "o3", time.Time{}, "10", time.Time{}, o3},
		{"OpenAI", "o3-2025-04-16", o3, "2", o3, time.Time{}},
		{"OpenAI", "gpt-5", time.Time{}, "1.25", time.Time{}, time.Time{}},
	}
	for _, c := range cases {
		entry, err := Catalogue().Lookup(c.provider, c.model, c.at)
		if err != nil {
			t.Errorf("%s: %v", c.model, err)
			continue
		}
		if got := entry.Rates.Strings().Input; got != c.input || entry.EffectiveFrom != c.from || entry.EffectiveUntil != c.until {
			t.Errorf("%s at %s: %s from %s until %s; want %s from %s until %s",
				c.model, c.at, got, entry.EffectiveFrom, entry.EffectiveUntil, c.input, c.from, c.until)
		}
	}
}

func TestEntriesSayWhereTheirPriceComesFrom(t *testing.T) {
	cases := []struct {
		list            List
		provider, model string
		source          string
		rates           RateStrings
	}{
		{Catalogue(), "OpenAI", "gpt-5-nano", "catalogue 2026-08-21", RateStrings{Input: "0.05", CachedInput: "0.005", Output: "0.4"}},
		{Catalogue(), "DeepSeek", "deepseek-v3.2", "catalogue 2026-08-21", RateStrings{Input: "0.2288", Output: "0.3432"}},
		{Catalogue(), "DeepSeek", "deepseek-v4-pro", "catalogue 2026-08-21", RateStrings{Input: "0.435", CachedInput: "0.003625", Output: "0.87"}},
		{Catalogue(), "DeepSeek", "deepseek-chat", "catalogue 2026-08-21, peak price", RateStrings{Input: "0.27", CachedInput: "0.07", Output: "1.1"}},
		{Catalogue(), "DeepSeek", "deepseek-reasoner", "catalogue 2026-08-21, peak price", RateStrings{Input: "0.55", CachedInput: "0.14", Output: "2.19"}},
		{Catalogue(), "Mistral", "mistral-small-3.2", "article 2026-03-09", RateStrings{Input: "0.06", Output: "0.18"}},
		{Catalogue(), "AzureOpenAI", "o4-mini", "catalogue 2026-08-21", RateStrings{Input: "1.1", CachedInput: "0.28", Output: "4.4"}},
		{Catalogue(), "AzureOpenAI", "gpt-5.4-mini", "catalogue 2026-08-21, price of openai", RateStrings{Input: "0.75", CachedInput: "0.075", Output: "4.5"}},
		{Catalogue(), "OpenAI", "text-embedding-3-small", "catalogue 2026-08-21", RateStrings{Input: "0.02", Output: "0"}},
		{Catalogue(), "Mistral", "mistral-embed", "catalogue 2026-08-21", RateStrings{Input: "0.1", Output: "0.1"}},
		{Catalogue(), "Gemini", "gemini-3.1-pro", "catalogue 2026-08-21", RateStrings{Input: "2;>200000:4", CachedInput: "0.2;>200000:0.4", Output: "12;>200000:18"}},
		{ListArticle202603(), "Gemini", "gemini-3.1-pro", "article 2026-03-09", RateStrings{Input: "2", Output: "12"}},
		{ListArticle202603(), "DeepSeek", "deepseek-v3.2", "article 2026-03-09", RateStrings{Input: "0.28", Output: "0.42"}},
		{ListArticle202603(), "XAI", "grok-4", "article 2026-03-09", RateStrings{Input: "3", Output: "15"}},
		{ListArticle202603(), "OpenAI", "gpt-5-pro", "article 2026-03-09", RateStrings{Input: "15", Output: "120"}},
	}
	for _, c := range cases {
		entry, err := c.list.Lookup(c.provider, c.model, september)
		if err != nil || entry.Source != c.source || entry.Rates.Strings() != c.rates {
			t.Errorf("%s: %q %+v, %v; want %q %+v", c.model, entry.Source, entry.Rates.Strings(), err, c.source, c.rates)
		}
	}
	entry, err := Catalogue().Lookup("OpenAI", "gpt-5.4", september)
	if err != nil || entry.DisplayName != "GPT-5.4" || entry.ContextTokens != 1_050_000 || entry.Deprecated {
		t.Errorf("gpt-5.4: %+v, %v", entry, err)
	}
	entry, err = Catalogue().Lookup("XAI", "grok-2-1212", september)
	if err != nil || !entry.Deprecated {
		t.Errorf("grok-2-1212: %+v, %v", entry, err)
	}
}

func TestAnthropicsOneHourCacheWritesCostTwiceTheInput(t *testing.T) {
	cases := []struct{ provider, model, write1h string }{
		{"Anthropic", "claude-haiku-4-5", "2"},
		{"Anthropic", "claude-sonnet-4-5", "6;>200000:12"},
		{"Anthropic", "claude-2", ""},
		{"OpenAI", "gpt-5.6-luna", ""},
	}
	for _, c := range cases {
		entry, err := Catalogue().Lookup(c.provider, c.model, september)
		if got := entry.Rates.Strings().CacheWrite1h; err != nil || got != c.write1h {
			t.Errorf("%s: %q, %v; want %q", c.model, got, err, c.write1h)
		}
	}
	if got := twice("free"); got != "" {
		t.Errorf("twice what is no price is %q", got)
	}
}

// TestTheTablesKeepTheRulesTheyAreReadBy reads every row with encoding/csv,
// which knows nothing of how this package reads them.
func TestTheTablesKeepTheRulesTheyAreReadBy(t *testing.T) {
	for _, table := range Catalogue().tables {
		records, err := csv.NewReader(strings.NewReader(table.csv)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		const header = "provider,model,display_name,effective_from,constraint,input_usd_per_million,cached_input_usd_per_million," +
			"cache_write_usd_per_million,cache_write_1h_usd_per_million,output_usd_per_million,reasoning_output_usd_per_million," +
			"context_tokens,price_checked,deprecated"
		if got := strings.Join(records[0], ","); got != header {
			t.Errorf("%s: the columns are %s", table.name, got)
		}
		if strings.Contains(table.csv, `"`) {
			t.Errorf("%s has quotes, which the package does not read", table.name)
		}
		checkRows(t, table, records[1:])
	}
}

func checkRows(t *testing.T, table table, records [][]string) {
	finished := map[string]bool{}
	constraints := map[string]string{}
	last := []string{"", ""}
	for _, r := range records {
		at := table.name + " " + r[0] + " " + r[1]
		model := r[0] + "," + strings.ToLower(r[1])
		again := r[0] == last[0] && r[1] == last[1]
		if r[0] != last[0] {
			finished[last[0]] = true
		}
		if finished[r[0]] || !again && finished[model] {
			t.Errorf("%s: its rows do not stand together", at)
		}
		finished[model] = true
		last = r
		checkConstraint(t, at, r, again, constraints)
		for _, price := range r[5:11] {
			if _, problem := parseSeries(price); problem != "" {
				t.Errorf("%s: %q %s", at, price, problem)
			}
		}
		found := table.find(r[0], []string{r[1]})
		if len(found) == 0 || !slices.ContainsFunc(found, func(f row) bool { c := f.cells(); return slices.Equal(c[:], r[2:]) }) {
			t.Errorf("%s is not found", at)
		}
	}
}

func checkConstraint(t *testing.T, at string, r []string, again bool, constraints map[string]string) {
	model := r[0] + "," + r[1]
	switch r[4] {
	case "":
		if again || r[3] != "" {
			t.Errorf("%s: a base price that is dated or not first", at)
		}
	case constraintStartDate:
		if _, err := time.Parse(time.DateOnly, r[3]); err != nil {
			t.Error(at, err)
		}
	case constraintTimeOfDay:
		if _, err := time.Parse("15:04:05Z", r[3]); err != nil {
			t.Error(at, err)
		}
	default:
		t.Errorf("%s: constraint %q", at, r[4])
	}
	if before := constraints[model]; before != "" && before != r[4] {
		t.Errorf("%s: both by date and by time of day", at)
	}
	constraints[model] = r[4]
}

func TestATimeOfDayPriceIsNeverCheaperThanTheOneItReplaces(t *testing.T) {
	table := Catalogue().tables[0]
	for _, model := range []string{"deepseek-chat", "deepseek-reasoner"} {
		rows := table.find("deepseek", []string{model})
		if len(rows) != 2 {
			t.Fatalf("%s has %d rows", model, len(rows))
		}
		usage := Usage{InputTokens: 100, CachedInputTokens: 50, OutputTokens: 10}
		offPeak, _ := rows[0].rates("deepseek")
		peak, _ := rows[1].rates("deepseek")
		if peak.Cost(usage) <= offPeak.Cost(usage) {
			t.Errorf("%s: peak %s, off-peak %s", model, peak.Cost(usage), offPeak.Cost(usage))
		}
	}
}

// TestAModelsOwnNameIsNeverRewritten: no spelling rule takes one model of the
// catalogue for another.
func TestAModelsOwnNameIsNeverRewritten(t *testing.T) {
	for _, provider := range []string{"OpenAI", "AzureOpenAI", "Anthropic", "Gemini", "DeepSeek", "Mistral", "XAI"} {
		owner := spellingOf(provider).owners[0]
		count := 0
		for r := range Catalogue().tables[0].rows(owner) {
			count++
			entry, err := Catalogue().Lookup(provider, r.model, september)
			switch {
			case errors.Is(err, ErrNoPrice):
			case err != nil || entry.Model != r.model || entry.Provider != owner:
				t.Errorf("%s %s: %s %s, %v", provider, r.model, entry.Provider, entry.Model, err)
			}
		}
		if count == 0 {
			t.Errorf("%s has no models", provider)
		}
	}
}

func TestAModelThatIsNotYetSoldHasNoPrice(t *testing.T) {
	csv := "header\nacme,rocket,,2027-01-01,start_date,1,,,,2,,,,\nacme,rocket,,2027-06-01,start_date,3,,,,4,,,,\n"
	list := List{[]table{{"test", csv}}}
	if _, err := list.Lookup("acme", "rocket", september); !errors.Is(err, ErrNoPrice) {
		t.Errorf("before: %v", err)
	}
	entry, err := list.Lookup("acme", "rocket", time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || entry.Rates.Strings() != (RateStrings{Input: "1", Output: "2"}) || entry.EffectiveUntil.Month() != time.June {
		t.Errorf("after: %+v, %v", entry, err)
	}
	_, from, until := inForce(list.tables[0].find("acme", []string{"rocket"}), september)
	if !from.IsZero() || until != time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) {
		t.Errorf("in force from %s until %s", from, until)
	}
}

func FuzzLookup(f *testing.F) {
	f.Add("OpenAI", "gpt-5-nano-2025-08-07")
	f.Add("Gemini", "models/gemini-2.0-flash-001")
	f.Add("Anthropic", "4.5-latest")
	f.Add("xai", "\n")
	f.Fuzz(func(t *testing.T, provider, model string) {
		entry, err := Catalogue().Lookup(provider, model, september)
		var missing *LookupError
		if (err == nil) == entry.Rates.IsZero() || err != nil && !errors.As(err, &missing) {
			t.Fatalf("%q %q: %+v, %v", provider, model, entry, err)
		}
	})
}

// TestLookupsKeepNothing: the tables are read in place.
func TestLookupsKeepNothing(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 100 {
		if _, err := Catalogue().Lookup("XAI", "grok-4", september); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 16<<10 {
		t.Errorf("100 lookups keep %d bytes", kept)
	}
}

func BenchmarkLookup(b *testing.B) {
	names := []struct{ provider, model string }{
		{"Anthropic", "claude-sonnet-4-6"},
		{"OpenAI", "gpt-5-nano-2025-08-07"},
		{"XAI", "grok-4-latest"},
	}
	for _, n := range names {
		b.Run(n.provider, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Catalogue().Lookup(n.provider, n.model, september); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLookupUnknown(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Catalogue().Lookup("OpenAI", "gpt-5.4-mini-high", september); err == nil {
			b.Fatal("found")
		}
	}
}
