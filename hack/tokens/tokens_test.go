package tokens

import (
	"embed"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/tiktoken-go/tokenizer"

	"github.com/tiershift/tiershift/internal/classify"
)

//go:embed testdata
var files embed.FS

// most is the median error that a kind of text may have.
const most = 0.08

func TestTheEstimateIsCloseToTheRealCount(t *testing.T) {
	encoding, err := tokenizer.Get(tokenizer.O200kBase)
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := fs.ReadDir(files, "testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		t.Run(kind.Name(), func(t *testing.T) {
			var offs []float64
			for _, text := range texts(t, kind.Name()) {
				count, err := encoding.Count(text)
				if err != nil {
					t.Fatal(err)
				}
				estimate := classify.EstimateTokens([]byte(text))
				off := float64(estimate)/float64(count) - 1
				offs = append(offs, math.Abs(off))
				t.Logf("%5d tokens, estimated %5d, %+.1f %%: %.40q", count, estimate, 100*off, text)
			}
			slices.Sort(offs)
			median := (offs[(len(offs)-1)/2] + offs[len(offs)/2]) / 2
			t.Logf("median error %.1f %% of %d texts, worst %.1f %%", 100*median, len(offs), 100*offs[len(offs)-1])
			if median > most {
				t.Errorf("median error %.1f %%, want at most %.0f %%", 100*median, 100*most)
			}
		})
	}
}

// texts are those of a kind: a file may have several, apart by a line of dashes.
func texts(t *testing.T, kind string) []string {
	t.Helper()
	names, err := fs.Glob(files, path.Join("testdata", kind, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for text := range strings.SplitSeq(string(data), "\n-----\n") {
			all = append(all, strings.TrimSuffix(text, "\n"))
		}
	}
	if len(all) < 5 {
		t.Fatalf("%d texts of %s say nothing", len(all), kind)
	}
	return all
}
