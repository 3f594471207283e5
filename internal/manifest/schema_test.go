package manifest

import (
	"runtime"
	"testing"
	"weak"
)

// BenchmarkCompileKinds is what the first manifest costs: its time, and the
// heap that the schemas hold for as long as they are held.
func BenchmarkCompileKinds(b *testing.B) {
	if _, err := compileKinds(); err != nil { // what is shared and never freed
		b.Fatal(err)
	}
	before := heap()
	var all *kinds
	for b.Loop() {
		var err error
		if all, err = compileKinds(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(heap()-before), "held-B")
	runtime.KeepAlive(all)
}

func BenchmarkLoadQuickstart(b *testing.B) {
	fsys := files("a.yaml", tier, "b.yaml", policy, "c.yaml", credential)
	for b.Loop() {
		if _, _, err := Load(fsys); err != nil {
			b.Fatal(err)
		}
	}
}

// heap is what is alive.
func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func TestSchemasAreHeldOnlyWhileTheyAreUsed(t *testing.T) {
	strong := remembered
	again, err := compiledKinds()
	if err != nil || again != strong {
		t.Fatalf("compiled anew while in use, %v", err)
	}
	defer func() { remembered = strong; compiled.kinds = weak.Make(strong) }()
	compiled.kinds = weak.Make(&kinds{})
	runtime.GC()
	if compiled.kinds.Value() != nil {
		t.Error("schemas that nobody uses are held")
	}
	if again, err = compiledKinds(); err != nil || len(again.byName) != 3 {
		t.Errorf("got %v, %v", again, err)
	}
}
