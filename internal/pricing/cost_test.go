package pricing

import (
	"math"
	"math/big"
	"testing"
)

// sonnet has a long-context step in every price.
var sonnet = RateStrings{
	Input: "3;>200000:6", CachedInput: "0.3;>200000:0.6", CacheWrite: "3.75;>200000:7.5", CacheWrite1h: "6;>200000:12",
	Output: "15;>200000:22.5", BatchDiscountPercent: 50,
}

func TestCostOfAUsageRecord(t *testing.T) {
	nano := RateStrings{Input: "0.05", CachedInput: "0.005", Output: "0.40"}
	plain := RateStrings{Input: "2", Output: "8"}
	cases := []struct {
		what  string
		rates RateStrings
		usage Usage
		want  string
	}{
		{"nothing", nano, Usage{}, "0"},
		{"input and output", nano, Usage{InputTokens: 200, OutputTokens: 400}, "0.00017"},
		{"one token", nano, Usage{InputTokens: 1}, "0.00000005"},
		{"cached input", nano, Usage{InputTokens: 1000, CachedInputTokens: 900}, "0.0000095"},
		{"unknown cached input costs input", plain, Usage{InputTokens: 1000, CachedInputTokens: 900}, "0.002"},
		{"unknown cache writes cost input", plain, Usage{InputTokens: 1000, CacheWriteTokens: 400, CacheWrite1hTokens: 500}, "0.002"},
		{"unknown one-hour writes cost writes", RateStrings{Input: "2", CacheWrite: "2.5", Output: "8"}, Usage{InputTokens: 1000, CacheWrite1hTokens: 1000}, "0.0025"},
		{"reasoning is part of the output", RateStrings{Input: "1", Output: "2", ReasoningOutput: "4"}, Usage{OutputTokens: 1000, ReasoningTokens: 600}, "0.0032"},
		{"unknown reasoning costs output", plain, Usage{OutputTokens: 1000, ReasoningTokens: 600}, "0.008"},
		{"every kind", sonnet, Usage{InputTokens: 10_000, CachedInputTokens: 5_000, CacheWriteTokens: 2_000, CacheWrite1hTokens: 1_000, OutputTokens: 500, ReasoningTokens: 100}, "0.0285"},
		{"at the step", sonnet, Usage{InputTokens: 200_000, OutputTokens: 1_000}, "0.615"},
		{"a token over the step the whole request is dearer", sonnet, Usage{InputTokens: 200_001, OutputTokens: 1_000}, "1.222506"},
		{"cached tokens count towards the step", sonnet, Usage{InputTokens: 200_001, CachedInputTokens: 200_000}, "0.120006"},
		{"output does not", sonnet, Usage{InputTokens: 1, OutputTokens: 300_000}, "4.500003"},
		{"batch", sonnet, Usage{InputTokens: 1_000, OutputTokens: 1_000, Batch: true}, "0.009"},
		{"batch without a discount", plain, Usage{InputTokens: 1_000, OutputTokens: 1_000, Batch: true}, "0.01"},
		{"batch for nothing", RateStrings{Input: "1", Output: "1", BatchDiscountPercent: 100}, Usage{InputTokens: math.MaxInt64, OutputTokens: math.MaxInt64, Batch: true}, "0"},
		{"estimates cost the same", nano, Usage{InputTokens: 200, OutputTokens: 400, Estimated: true}, "0.00017"},
		{"a tenth of a picodollar", RateStrings{Input: "0.0000001", Output: "0"}, Usage{InputTokens: 4}, "0"},
		{"halves go to even, down", RateStrings{Input: "0.0000005", Output: "0"}, Usage{InputTokens: 1}, "0"},
		{"halves go to even, up", RateStrings{Input: "0.0000005", Output: "0"}, Usage{InputTokens: 3}, "0.000000000002"},
		{"the record is rounded, not its kinds", RateStrings{Input: "0.0000004", Output: "0.0000004"}, Usage{InputTokens: 1, OutputTokens: 1}, "0.000000000001"},
		{"so is the batch", RateStrings{Input: "0.000001", Output: "0", BatchDiscountPercent: 50}, Usage{InputTokens: 3, Batch: true}, "0.000000000002"},
		{"it saturates", RateStrings{Input: "9223.372036854775807", Output: "9223.372036854775807"}, Usage{InputTokens: math.MaxInt64, OutputTokens: math.MaxInt64}, MaxPicodollars.String()},
		{"so does the batch", RateStrings{Input: "9223", Output: "9223", BatchDiscountPercent: 1}, Usage{InputTokens: math.MaxInt64, OutputTokens: math.MaxInt64, Batch: true}, MaxPicodollars.String()},
	}
	for _, c := range cases {
		if got := mustRates(t, c.rates).Cost(c.usage).String(); got != c.want {
			t.Errorf("%s: %s USD, want %s", c.what, got, c.want)
		}
	}
}

func TestAnInconsistentRecordIsCutToFit(t *testing.T) {
	cases := []struct {
		what     string
		in, want Usage
	}{
		{"negative counts are 0", Usage{InputTokens: -1, CachedInputTokens: -2, CacheWriteTokens: -3, CacheWrite1hTokens: -4, OutputTokens: -5, ReasoningTokens: -6}, Usage{}},
		{"parts of nothing are 0", Usage{CachedInputTokens: 5, CacheWriteTokens: 6, CacheWrite1hTokens: 7, ReasoningTokens: 8}, Usage{}},
		{"more cached than input", Usage{InputTokens: 10, CachedInputTokens: 11}, Usage{InputTokens: 10, CachedInputTokens: 10}},
		{"more reasoning than output", Usage{OutputTokens: 10, ReasoningTokens: 11}, Usage{OutputTokens: 10, ReasoningTokens: 10}},
		{"the dearer cache counts remain", Usage{InputTokens: 10, CachedInputTokens: 6, CacheWriteTokens: 6, CacheWrite1hTokens: 3}, Usage{InputTokens: 10, CachedInputTokens: 1, CacheWriteTokens: 6, CacheWrite1hTokens: 3}},
		{"a negative part", Usage{InputTokens: 10, CachedInputTokens: math.MinInt64, CacheWriteTokens: 4}, Usage{InputTokens: 10, CacheWriteTokens: 4}},
		{"the rest stays", Usage{InputTokens: 10, CachedInputTokens: 4, OutputTokens: 3, Batch: true, Estimated: true}, Usage{InputTokens: 10, CachedInputTokens: 4, OutputTokens: 3, Batch: true, Estimated: true}},
	}
	rates := mustRates(t, sonnet)
	for _, c := range cases {
		if got := c.in.Clamped(); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.what, got, c.want)
		}
		if got, want := rates.Cost(c.in), rates.Cost(c.want); got != want {
			t.Errorf("%s: costs %s, want %s", c.what, got, want)
		}
	}
}

func TestWorstCaseBoundsEveryUsage(t *testing.T) {
	rates := mustRates(t, sonnet)
	cases := []struct {
		input, output int64
		want          string
	}{
		{0, 0, "0"},
		{-5, -5, "0"},
		{1_000, 1_000, "0.021"},
		{200_000, 0, "1.2"},
		{200_001, 0, "2.400012"},
	}
	for _, c := range cases {
		if got := rates.WorstCase(c.input, c.output).String(); got != c.want {
			t.Errorf("WorstCase(%d, %d) = %s, want %s", c.input, c.output, got, c.want)
		}
	}
	cheaperStep := mustRates(t, RateStrings{Input: "10;>100:1", Output: "1", ReasoningOutput: "3"})
	if got := cheaperStep.WorstCase(101, 10).String(); got != "0.00104" {
		t.Errorf("with a step that is cheaper: %s", got)
	}
}

// exactCost calculates in rationals what Cost calculates in integers.
func exactCost(r RateStrings, u Usage) *big.Int {
	price := func(written, unknown string) *big.Rat {
		if written == "" {
			written = unknown
		}
		usd, _ := new(big.Rat).SetString(written)
		return usd
	}
	sum := new(big.Rat)
	add := func(tokens int64, usdPerMillion *big.Rat) {
		sum.Add(sum, new(big.Rat).Mul(usdPerMillion, new(big.Rat).SetInt64(tokens)))
	}
	add(u.InputTokens-u.CachedInputTokens-u.CacheWriteTokens, price(r.Input, ""))
	add(u.CachedInputTokens, price(r.CachedInput, r.Input))
	add(u.CacheWriteTokens, price(r.CacheWrite, r.Input))
	add(u.OutputTokens-u.ReasoningTokens, price(r.Output, ""))
	add(u.ReasoningTokens, price(r.ReasoningOutput, r.Output))
	if u.Batch {
		sum.Mul(sum, big.NewRat(int64(100-r.BatchDiscountPercent), 100))
	}
	sum.Mul(sum, big.NewRat(1e6, 1)) // 10^12 picodollars per USD, 10^6 tokens per million.
	quotient, remainder := new(big.Int).QuoRem(sum.Num(), sum.Denom(), new(big.Int))
	half := remainder.Lsh(remainder, 1).Cmp(sum.Denom())
	if half > 0 || half == 0 && quotient.Bit(0) == 1 {
		quotient.Add(quotient, big.NewInt(1))
	}
	return quotient
}

func FuzzCost(f *testing.F) {
	f.Add(int64(1000), int64(900), int64(50), int64(400), int64(100), true)
	f.Add(int64(-1), int64(math.MaxInt64), int64(1), int64(math.MaxInt64), int64(-7), false)
	written := RateStrings{Input: "2.000000000000123", CachedInput: "0.003625", CacheWrite: "0.083333333333333", Output: "15.5", BatchDiscountPercent: 37}
	rates := mustRates(f, written)
	f.Fuzz(func(t *testing.T, in, cached, write, out, reasoning int64, batch bool) {
		usage := Usage{InputTokens: in, CachedInputTokens: cached, CacheWriteTokens: write, OutputTokens: out, ReasoningTokens: reasoning, Batch: batch}
		got := rates.Cost(usage)
		want := exactCost(written, usage.Clamped())
		if !want.IsInt64() {
			want.SetInt64(math.MaxInt64)
		}
		if int64(got) != want.Int64() || got < 0 {
			t.Fatalf("%+v costs %d, want %s picodollars", usage, int64(got), want)
		}
		if worst := rates.WorstCase(in, out); got > worst {
			t.Fatalf("%+v costs %s, more than the worst case %s", usage, got, worst)
		}
	})
}

func TestCostDoesNotAllocate(t *testing.T) {
	rates := mustRates(t, sonnet)
	usage := Usage{InputTokens: 250_000, CachedInputTokens: 10, OutputTokens: 500, Batch: true}
	text := make([]byte, 0, 32)
	sink := Picodollars(0)
	allocations := testing.AllocsPerRun(100, func() {
		cost := rates.Cost(usage)
		sink += rates.WorstCase(10, 20).Add(cost)
		text = cost.AppendUSD(text[:0])
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func BenchmarkCost(b *testing.B) {
	rates := mustRates(b, RateStrings{Input: "2.5", CachedInput: "0.25", Output: "15"})
	usage := Usage{InputTokens: 1500, CachedInputTokens: 1024, OutputTokens: 300, ReasoningTokens: 64}
	b.ReportAllocs()
	sum := Picodollars(0)
	for b.Loop() {
		sum += rates.Cost(usage)
	}
}

func BenchmarkCostLongContextBatch(b *testing.B) {
	rates := mustRates(b, sonnet)
	usage := Usage{InputTokens: 250_000, CachedInputTokens: 200_000, CacheWriteTokens: 10_000, OutputTokens: 3000, Batch: true}
	b.ReportAllocs()
	sum := Picodollars(0)
	for b.Loop() {
		sum += rates.Cost(usage)
	}
}

func BenchmarkTotalAdd(b *testing.B) {
	b.ReportAllocs()
	sum := Total{}
	for b.Loop() {
		sum = sum.Add(170_000_000)
	}
}

func BenchmarkAppendUSD(b *testing.B) {
	text := make([]byte, 0, 32)
	b.ReportAllocs()
	for b.Loop() {
		text = Picodollars(170_000_000).AppendUSD(text[:0])
	}
}

func BenchmarkParseUSD(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseUSD("0.00017"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewRates(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewRates(sonnet); err != nil {
			b.Fatal(err)
		}
	}
}
