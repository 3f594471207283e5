package pricing

import (
	"cmp"
	"slices"
	"strings"
)

const maxNearest = 3

// nearest are up to three of the candidates that differ from the name in at
// most a third of its letters, the nearest first.
func nearest(name string, candidates []string) []string {
	type neighbour struct {
		name     string
		distance int
	}
	var found []neighbour
	for _, candidate := range candidates {
		if d := nameDistance(name, candidate); d <= max(2, len(name)/3) && d < len(candidate) {
			found = append(found, neighbour{candidate, d})
		}
	}
	slices.SortFunc(found, func(a, b neighbour) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	found = slices.Compact(found)
	var nearest []string
	for _, n := range found[:min(maxNearest, len(found))] {
		nearest = append(nearest, n.name)
	}
	return nearest
}

// nameDistance counts a whole part more or less at the end (-mini, -latest) as
// one letter, after a first one for the difference; what else differs by letter.
func nameDistance(a, b string) int {
	short, long := a, b
	if len(short) > len(long) {
		short, long = long, short
	}
	if extra, ok := strings.CutPrefix(long, short+"-"); ok && short != "" {
		return 2 + strings.Count(extra, "-")
	}
	return distance(a, b)
}

// distance is Levenshtein's: how many letters have to be added, dropped or
// replaced to turn a into b.
func distance(a, b string) int {
	costs := make([]int, len(b)+1)
	for j := range costs {
		costs[j] = j
	}
	for i := range len(a) {
		diagonal := costs[0]
		costs[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = costs[j+1]
			costs[j+1] = min(replaced, costs[j]+1, diagonal+1)
		}
	}
	return costs[len(b)]
}
