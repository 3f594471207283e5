package classify

import (
	"strings"
	"testing"
)

func TestEstimateTokens(t *testing.T) {
	tests := []struct {
		name, text string
		// want is what o200k_base counts.
		want int64
	}{
		{"no text", "", 0},
		{"one word", "Hello", 1},
		{"English prose", prose, 111},
		{"code", "func (m *Matcher) child(n *trieNode, r rune) int32 {\n\tif len(edges) > 8 {\n\t\treturn -1\n\t}\n", 34},
		{"JSON", `{"id": 4711, "name": "Anna", "tags": ["a", "b"], "active": true}`, 27},
		{"Chinese", "委员会星期二开会讨论上周分发的报告。大多数成员同意数字是可靠的。", 23},
		{"Russian", "Комитет собрался во вторник, чтобы рассмотреть отчёт, разосланный неделей раньше.", 23},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := EstimateTokens([]byte(tt.text))
			if off := float64(got-tt.want) / float64(max(tt.want, 1)); off > 0.25 || off < -0.25 {
				t.Errorf("got %d, want about %d", got, tt.want)
			}
		})
	}
}

func TestEstimateTokensOfALongTextIsInProportion(t *testing.T) {
	long := []byte(strings.Repeat(prose, 400))
	perProse := float64(EstimateTokens(long)) / 400
	if want := float64(EstimateTokens([]byte(prose))); perProse < 0.95*want || perProse > 1.05*want {
		t.Errorf("got %.1f tokens for what has %.0f when it is short", perProse, want)
	}
}

func FuzzEstimateTokens(f *testing.F) {
	f.Add([]byte(prose), 1)
	f.Add([]byte("\n-\n-"), 3000)
	f.Add([]byte("\xff\x00"), 5000)
	f.Fuzz(func(t *testing.T, text []byte, times int) {
		if len(text)*times > 1<<20 || times < 0 {
			t.Skip()
		}
		text = []byte(strings.Repeat(string(text), times))
		if n := EstimateTokens(text); n < 0 || n > 2*int64(len(text))+1 {
			t.Errorf("%d tokens for %d bytes", n, len(text))
		}
	})
}

func BenchmarkEstimateTokens(b *testing.B) {
	for name, size := range map[string]int{"2KB": 2 << 10, "8KB": 8 << 10, "200KB": 200 << 10} {
		text := []byte(strings.Repeat(prose, size/len(prose)+1)[:size])
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				EstimateTokens(text)
			}
		})
	}
}
