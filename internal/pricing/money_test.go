package pricing

import (
	"math"
	"math/big"
	"strings"
	"testing"
)

func TestParseUSDKeepsAnAmountExactlyOrRefusesIt(t *testing.T) {
	amounts := []struct {
		in   string
		want Picodollars
		out  string
	}{
		{"0", 0, "0"},
		{"-0", 0, "0"},
		{"0.000000000000", 0, "0"},
		{"25", 25e12, "25"},
		{"25.00", 25e12, "25"},
		{"007.10", 7.1e12, "7.1"},
		{"0.00024", 240_000_000, "0.00024"},
		{"0.000000000001", 1, "0.000000000001"},
		{"-3.50", -3.5e12, "-3.5"},
		{"1.0000000000000000000000", 1e12, "1"},
		{"9223372.036854775807", MaxPicodollars, "9223372.036854775807"},
		{"-9223372.036854775808", MinPicodollars, "-9223372.036854775808"},
	}
	for _, a := range amounts {
		got, err := ParseUSD(a.in)
		if err != nil || got != a.want || got.String() != a.out {
			t.Errorf("ParseUSD(%q) = %d (%s), %v; want %d (%s)", a.in, int64(got), got, err, int64(a.want), a.out)
		}
	}
	refused := []struct{ in, why string }{
		{"", "not an amount"},
		{"-", "not an amount"},
		{"+1", "not an amount"},
		{"--1", "not an amount"},
		{" 1", "not an amount"},
		{"1 ", "not an amount"},
		{"1.", "not an amount"},
		{".5", "not an amount"},
		{"1.2.3", "not an amount"},
		{"1,000", "not an amount"},
		{"1_000", "not an amount"},
		{"1e3", "not an amount"},
		{"$1", "not an amount"},
		{"NaN", "not an amount"},
		{"٣", "not an amount"},
		{"0.0000000000001", "finer than a picodollar"},
		{"9223372.036854775808", "beyond"},
		{"-9223372.036854775809", "beyond"},
		{"18446744.073709551615", "beyond"},
		{"18446744.073709551616", "beyond"},
		{strings.Repeat("9", 400), "beyond"},
		{"18446744.0737095516159", "beyond"},
	}
	for _, r := range refused {
		got, err := ParseUSD(r.in)
		if err == nil || got != 0 || !strings.Contains(err.Error(), r.why) {
			t.Errorf("ParseUSD(%q) = %s, %v; want an error that says %q", r.in, got, err, r.why)
		}
	}
}

func FuzzParseUSD(f *testing.F) {
	for _, seed := range []string{"", "0", "-1.5", "9223372.036854775807", "-9223372.036854775808", "1e9", "00.10", "0.0000000000005"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		amount, err := ParseUSD(s)
		if err != nil {
			if amount != 0 {
				t.Fatalf("ParseUSD(%q) = %s beside %v", s, amount, err)
			}
			return
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok || want.Cmp(new(big.Rat).SetFrac64(int64(amount), 1e12)) != 0 {
			t.Fatalf("ParseUSD(%q) = %s", s, amount)
		}
		again, err := ParseUSD(amount.String())
		if err != nil || again != amount {
			t.Fatalf("%q reads as %s, and that as %s, %v", s, amount, again, err)
		}
	})
}

func FuzzPicodollarsRoundTrip(f *testing.F) {
	for _, seed := range []int64{0, 1, -1, 10, 1e12, math.MaxInt64, math.MinInt64} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		p := Picodollars(n)
		text := p.String()
		if again, err := ParseUSD(text); err != nil || again != p {
			t.Fatalf("%d prints as %q, which reads as %d, %v", n, text, int64(again), err)
		}
		if total := (Total{}).Add(p); total.Picodollars() != p || total.String() != text {
			t.Fatalf("the total of %s is %s", text, total)
		}
	})
}

func TestFormatUSDRoundsHalfToEven(t *testing.T) {
	cases := []struct {
		in       string
		decimals int
		want     string
	}{
		{"18.9", 2, "18.90"},
		{"0", 2, "0.00"},
		{"0.005", 2, "0.00"},
		{"0.015", 2, "0.02"},
		{"0.025", 2, "0.02"},
		{"0.025000000001", 2, "0.03"},
		{"9.995", 2, "10.00"},
		{"0.5", 0, "0"},
		{"1.5", 0, "2"},
		{"2.5", -3, "2"},
		{"0.00024", 12, "0.000240000000"},
		{"0.00024", 40, "0.000240000000"},
		{"-0.001", 2, "0.00"},
		{"-1.005", 2, "-1.00"},
		{"-1.015", 2, "-1.02"},
		{"-9223372.036854775808", 3, "-9223372.037"},
	}
	for _, c := range cases {
		p, err := ParseUSD(c.in)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.FormatUSD(c.decimals); got != c.want {
			t.Errorf("FormatUSD(%s, %d) = %s, want %s", c.in, c.decimals, got, c.want)
		}
		if got := (Total{}).Add(p).FormatUSD(c.decimals); got != c.want {
			t.Errorf("the total's FormatUSD(%s, %d) = %s, want %s", c.in, c.decimals, got, c.want)
		}
	}
}

func TestPicodollarsSaturate(t *testing.T) {
	cases := []struct {
		what      string
		got, want Picodollars
	}{
		{"sum", Picodollars(2).Add(3), 5},
		{"sum too large", MaxPicodollars.Add(1), MaxPicodollars},
		{"sum too small", MinPicodollars.Add(-1), MinPicodollars},
		{"difference", Picodollars(2).Sub(3), -1},
		{"difference too large", MaxPicodollars.Sub(MinPicodollars), MaxPicodollars},
		{"difference of the smallest", Picodollars(0).Sub(MinPicodollars), MaxPicodollars},
		{"difference too small", MinPicodollars.Sub(1), MinPicodollars},
		{"product", Picodollars(-7).Times(6), -42},
		{"product too large", MaxPicodollars.Times(math.MaxInt64), MaxPicodollars},
		{"product of the smallest", MinPicodollars.Times(math.MinInt64), MaxPicodollars},
		{"product too small", MaxPicodollars.Times(-2), MinPicodollars},
	}
	for _, c := range cases {
		if c.got != c.want {
			t.Errorf("%s: %d, want %d", c.what, int64(c.got), int64(c.want))
		}
	}
}

func TestATotalHoldsWhatPicodollarsCannot(t *testing.T) {
	// A billion requests at a thousand dollars.
	total := Total{}.AddTimes(1000*PicodollarsPerUSD, 1e9)
	if got := total.String(); got != "1000000000000" {
		t.Errorf("String() = %s", got)
	}
	if got := total.Add(1).String(); got != "1000000000000.000000000001" {
		t.Errorf("String() = %s", got)
	}
	if got := total.Picodollars(); got != MaxPicodollars {
		t.Errorf("Picodollars() = %s", got)
	}
	owed := Total{}.SubTotal(total)
	if got := owed.String(); got != "-1000000000000" {
		t.Errorf("String() = %s", got)
	}
	if got := owed.Picodollars(); got != MinPicodollars {
		t.Errorf("Picodollars() = %s", got)
	}
	if got := owed.FormatUSD(2); got != "-1000000000000.00" {
		t.Errorf("FormatUSD(2) = %s", got)
	}
	if got := total.AddTotal(owed); got != (Total{}) {
		t.Errorf("total less itself is %s", got)
	}
}

func TestATotalSaturatesAndCompares(t *testing.T) {
	if got := maxTotal.Add(1); got != maxTotal {
		t.Errorf("max+1 = %s", got)
	}
	if got := minTotal.Add(-1); got != minTotal {
		t.Errorf("min-1 = %s", got)
	}
	if got := (Total{}).SubTotal(minTotal); got != maxTotal {
		t.Errorf("-min = %s", got)
	}
	if got := maxTotal.String(); got != "170141183460469231731687303.715884105727" {
		t.Errorf("max is %s", got)
	}
	ascending := []Total{minTotal, Total{}.AddTimes(MinPicodollars, 3), Total{}.Add(-2), Total{}.Add(-1), {}, Total{}.Add(1), Total{}.AddTimes(MaxPicodollars, 3), maxTotal}
	for i, a := range ascending {
		for j, b := range ascending {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := a.Cmp(b); got != want {
				t.Errorf("%s.Cmp(%s) = %d, want %d", a, b, got, want)
			}
		}
		if got, want := a.Sign(), a.Cmp(Total{}); got != want {
			t.Errorf("%s.Sign() = %d, want %d", a, got, want)
		}
	}
}

func TestFloatsAreForMetrics(t *testing.T) {
	if got := Picodollars(2.5e12).Float64(); got != 2.5 {
		t.Errorf("Float64() = %v", got)
	}
	if got := (Total{}).AddTimes(-PicodollarsPerUSD, 1e9).Float64(); got != -1e9 {
		t.Errorf("Float64() = %v", got)
	}
}

func FuzzTotalArithmetic(f *testing.F) {
	f.Add(int64(1), int64(2), int64(3), int64(4))
	f.Add(int64(math.MinInt64), int64(math.MinInt64), int64(math.MaxInt64), int64(-1))
	f.Fuzz(func(t *testing.T, a, b, c, d int64) {
		exact := func(x, y int64) *big.Int { return new(big.Int).Mul(big.NewInt(x), big.NewInt(y)) }
		total := Total{}.AddTimes(Picodollars(a), b).SubTotal(Total{}.AddTimes(Picodollars(c), d))
		want := new(big.Int).Sub(exact(a, b), exact(c, d))
		if want.Cmp(maxTotal.big()) > 0 {
			want = maxTotal.big()
		}
		if total.big().Cmp(want) != 0 {
			t.Fatalf("%d×%d - %d×%d = %s, want %s picodollars", a, b, c, d, total.big(), want)
		}
		printed, ok := new(big.Rat).SetString(total.String())
		if !ok || printed.Cmp(new(big.Rat).SetFrac(want, big.NewInt(1e12))) != 0 {
			t.Fatalf("%s picodollars print as %s", want, total)
		}
	})
}

func TestSavingsAreExactToATenthOfAPercent(t *testing.T) {
	huge := Total{}.AddTimes(MaxPicodollars, math.MaxInt64)
	cases := []struct {
		what             string
		baseline, actual Total
		percent          string
		ok               bool
	}{
		{"two thirds", Total{}.Add(3), Total{}.Add(1), "66.7", true},
		{"nothing", Total{}.Add(3), Total{}.Add(3), "0.0", true},
		{"all", Total{}.Add(3), Total{}, "100.0", true},
		{"half to even below", Total{}.Add(2000), Total{}.Add(1999), "0.0", true},
		{"half to even above", Total{}.Add(2000), Total{}.Add(1997), "0.2", true},
		{"dearer", Total{}.Add(100), Total{}.Add(104), "-4.0", true},
		{"a little dearer", Total{}.Add(2000), Total{}.Add(2003), "-0.2", true},
		{"hardly dearer", Total{}.Add(20000), Total{}.Add(20001), "0.0", true},
		{"no baseline", Total{}, Total{}.Add(1), "0.0", false},
		{"a negative baseline", Total{}.Add(-1), Total{}, "0.0", false},
		{"totals of 128 bits", huge, huge.SubTotal(Total{}.AddTimes(MaxPicodollars, math.MaxInt64/4)), "25.0", true},
		{"saturated below", Total{}.Add(1), huge, "-922337203685477580.8", true},
		{"saturated above", Total{}.Add(1), Total{}.SubTotal(huge), "922337203685477580.7", true},
	}
	for _, c := range cases {
		savings := Savings{c.baseline, c.actual}
		_, ok := savings.Permille()
		if got := savings.Percent(); got != c.percent || ok != c.ok {
			t.Errorf("%s: %s %%, %t; want %s %%, %t", c.what, got, ok, c.percent, c.ok)
		}
		if got := savings.Saved().AddTotal(c.actual); got != c.baseline {
			t.Errorf("%s: what was saved and spent is %s", c.what, got)
		}
	}
}
