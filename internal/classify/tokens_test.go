package classify

import (
	"strings"
	"testing"
)

func BenchmarkEstimateTokens(b *testing.B) {
	for name, size := range map[string]int{"2KB": 2 << 10, "16KB": 16 << 10, "200KB": 200 << 10} {
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
