package pricing

import (
	"errors"
	"strings"
	"testing"
)

func mustRates(t testing.TB, s RateStrings) Rates {
	t.Helper()
	rates, err := NewRates(s)
	if err != nil {
		t.Fatal(err)
	}
	return rates
}

func TestRatesReadAndWriteCanonically(t *testing.T) {
	cases := []struct {
		what     string
		in, want RateStrings
	}{
		{
			"zeros that say nothing go",
			RateStrings{Input: "02.50", CachedInput: "0.250", Output: "15.00"},
			RateStrings{Input: "2.5", CachedInput: "0.25", Output: "15"},
		},
		{
			"free is known",
			RateStrings{Input: "0", CacheWrite: "0.0", Output: "0"},
			RateStrings{Input: "0", CacheWrite: "0", Output: "0"},
		},
		{
			"every field and its own steps",
			RateStrings{"1;>128000:2", "0.1", "1.25;>64000:2.5;>200000:3", "2", "5;>128000:10", "6", 50},
			RateStrings{"1;>128000:2", "0.1", "1.25;>64000:2.5;>200000:3", "2", "5;>128000:10", "6", 50},
		},
		{
			"steps that change nothing go",
			RateStrings{Input: "1;>10:1;>20:2;>30:2.0", Output: "3;>40:3"},
			RateStrings{Input: "1;>20:2", Output: "3"},
		},
		{
			"a step back to the base stays",
			RateStrings{Input: "1;>10:2;>20:1", Output: "3"},
			RateStrings{Input: "1;>10:2;>20:1", Output: "3"},
		},
		{
			"15 decimals are kept",
			RateStrings{Input: "0.003625", CacheWrite: "0.08333333333333334", Output: "0.000000000000001"},
			RateStrings{Input: "0.003625", CacheWrite: "0.083333333333333", Output: "0.000000000000001"},
		},
		{
			"beyond 15 decimals halves go to even",
			RateStrings{Input: "0.0000000000000005", CachedInput: "0.0000000000000015", Output: "0.00000000000000050001"},
			RateStrings{Input: "0", CachedInput: "0.000000000000002", Output: "0.000000000000001"},
		},
		{
			"the dearest price",
			RateStrings{Input: "9223.372036854775807", Output: "1;>999999999999:2"},
			RateStrings{Input: "9223.372036854775807", Output: "1;>999999999999:2"},
		},
	}
	for _, c := range cases {
		rates := mustRates(t, c.in)
		if got := rates.Strings(); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
		if got := mustRates(t, c.want).Strings(); got != c.want {
			t.Errorf("%s: the canonical form reads as %+v", c.what, got)
		}
		if rates.IsZero() {
			t.Errorf("%s: the rates are zero", c.what)
		}
	}
	if !(Rates{}).IsZero() || (Rates{}).Strings() != (RateStrings{}) {
		t.Errorf("no rates are written %+v", (Rates{}).Strings())
	}
}

func TestNewRatesNamesEveryFieldThatIsWrong(t *testing.T) {
	const malformed = "is not a price in USD per million tokens"
	good := RateStrings{Input: "1", Output: "2"}
	cases := []struct {
		edit         func(*RateStrings)
		field, value string
		problem      string
	}{
		{func(s *RateStrings) { s.Input = "" }, "inputPerMillion", "", "is required"},
		{func(s *RateStrings) { s.Output = "" }, "outputPerMillion", "", "is required"},
		{func(s *RateStrings) { s.Input = "free" }, "inputPerMillion", "free", malformed},
		{func(s *RateStrings) { s.CachedInput = "-1" }, "cachedInputPerMillion", "-1", malformed},
		{func(s *RateStrings) { s.CacheWrite = "1.25 " }, "cacheWritePerMillion", "1.25 ", malformed},
		{func(s *RateStrings) { s.CacheWrite1h = "$2" }, "cacheWrite1hPerMillion", "$2", malformed},
		{func(s *RateStrings) { s.ReasoningOutput = "1e3" }, "reasoningOutputPerMillion", "1e3", malformed},
		{func(s *RateStrings) { s.Output = "9223.372036854775808" }, "outputPerMillion", "9223.372036854775808", "per million, not per token"},
		{func(s *RateStrings) { s.Output = "99999999999999999999" }, "outputPerMillion", "99999999999999999999", "per million, not per token"},
		{func(s *RateStrings) { s.Input = "1;" }, "inputPerMillion", "1;", malformed},
		{func(s *RateStrings) { s.Input = ";>1:2" }, "inputPerMillion", ";>1:2", malformed},
		{func(s *RateStrings) { s.Input = "1;>10" }, "inputPerMillion", "1;>10", malformed},
		{func(s *RateStrings) { s.Input = "1;10:2" }, "inputPerMillion", "1;10:2", malformed},
		{func(s *RateStrings) { s.Input = "1;>-1:2" }, "inputPerMillion", "1;>-1:2", malformed},
		{func(s *RateStrings) { s.Input = "1;>1000000000000:2" }, "inputPerMillion", "1;>1000000000000:2", malformed},
		{func(s *RateStrings) { s.Input = "1;>20:2;>10:3" }, "inputPerMillion", "1;>20:2;>10:3", malformed},
		{func(s *RateStrings) { s.Input = "1;>20:2;>20:3" }, "inputPerMillion", "1;>20:2;>20:3", malformed},
		{func(s *RateStrings) { s.BatchDiscountPercent = 101 }, "batchDiscountPercent", "101", "must be 0 to 100"},
		{func(s *RateStrings) { s.BatchDiscountPercent = -1 }, "batchDiscountPercent", "-1", "must be 0 to 100"},
	}
	for _, c := range cases {
		s := good
		c.edit(&s)
		rates, err := NewRates(s)
		var field *FieldError
		if !errors.As(err, &field) || field.Field != c.field || field.Value != c.value || !strings.Contains(field.Problem, c.problem) {
			t.Errorf("%+v: %v; want %s %q %s", s, err, c.field, c.value, c.problem)
		}
		if !rates.IsZero() {
			t.Errorf("%+v gives rates beside its error", s)
		}
	}
	_, err := NewRates(RateStrings{CachedInput: "x", BatchDiscountPercent: 200})
	want := []string{
		"inputPerMillion is required: a model without it has no price",
		`cachedInputPerMillion: "x" is not a price in USD per million tokens: write a decimal, such as "2.50", or one with ascending steps, such as "2.50;>200000:5"`,
		"outputPerMillion is required: a model without it has no price",
		`batchDiscountPercent: "200" must be 0 to 100`,
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("all at once: %v", err)
	}
}

func TestOrFillsInWhatIsLeftEmpty(t *testing.T) {
	own := RateStrings{Input: "2", Output: "8"}
	list := RateStrings{"3", "0.3", "3.75", "6", "15", "16", 50}
	if got, want := own.Or(list), (RateStrings{"2", "0.3", "3.75", "6", "8", "16", 50}); got != want {
		t.Errorf("Or = %+v, want %+v", got, want)
	}
	if got := list.Or(own); got != list {
		t.Errorf("Or = %+v, want %+v", got, list)
	}
	if own != (RateStrings{Input: "2", Output: "8"}) {
		t.Errorf("Or changed its receiver: %+v", own)
	}
}

func FuzzRatesAreCanonical(f *testing.F) {
	f.Add("1", "", "", "", "2", "", 0)
	f.Add("2.50;>200000:5", "0.25;>100:1", "0.08333333333333334", "0", "15;>272000:22.5", "9223.372036854775807", 50)
	f.Fuzz(func(t *testing.T, in, cached, write, write1h, out, reasoning string, discount int) {
		rates, err := NewRates(RateStrings{in, cached, write, write1h, out, reasoning, discount})
		if err != nil {
			return
		}
		first := rates.Strings()
		again, err := NewRates(first)
		if err != nil {
			t.Fatalf("%+v does not read back: %v", first, err)
		}
		if second := again.Strings(); second != first {
			t.Fatalf("%+v reads back as %+v", first, second)
		}
		usage := Usage{InputTokens: 123_457, CachedInputTokens: 11, CacheWriteTokens: 7, CacheWrite1hTokens: 3, OutputTokens: 999, ReasoningTokens: 99}
		if rates.Cost(usage) != again.Cost(usage) {
			t.Fatalf("%+v costs %s, and read back %s", first, rates.Cost(usage), again.Cost(usage))
		}
	})
}
