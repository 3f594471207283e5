package classify

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/routerconfig"
)

// benchmarkRoutes is a policy with a safety floor and a catch-all.
var benchmarkRoutes = []routerconfig.Route{
	{Name: "medical", Match: routerconfig.Match{Prompt: routerconfig.PromptMatch{Keywords: []string{"diagnosis", "dosage", "symptom", "prescription"}}}},
	{Name: "chat"},
}

func BenchmarkDecision(b *testing.B) {
	z := mustAnalyzer(b, benchmarkRoutes, routerconfig.Classification{Preset: routerconfig.PresetStandard})
	for _, size := range []int{200, 2 << 10, 20 << 10, 200 << 10} {
		text := "Please tell me what you make of this. " + strings.Repeat(prose, size/len(prose)+1)
		in := textInput(text[:size])
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			var a Analysis
			z.Analyze(in, &a)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				z.Analyze(in, &a)
				if a.RouteMatches(0) || !a.RouteMatches(1) {
					b.Fatal("wrong route")
				}
				a.Classify()
			}
		})
	}
}

func BenchmarkNewAnalyzer(b *testing.B) {
	for b.Loop() {
		mustAnalyzer(b, benchmarkRoutes, routerconfig.Classification{Preset: routerconfig.PresetStandard})
	}
}
