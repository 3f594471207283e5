package train

import (
	"hash/fnv"
	"slices"
	"strings"
	"unicode"
)

// Prompts are near-duplicates when half of the shorter one's rare shingles, runs
// of six words, are also the other's. A shingle is rare when at most
// maxShingleRows prompts have it: what more have is a form, not a question.
const (
	shingleWords   = 6
	maxShingleRows = 20
	sharedShingles = 0.5
)

// groups numbers the rows so that near-duplicates, and rows of one group, have
// the same number. Numbers are in the order of their first rows.
func groups(rows []Row) (of []int, count int) {
	u := newUnion(len(rows))
	named, stems := map[string]int{}, map[string]int{}
	holders := map[uint64][]int32{}
	shingled := make([][]uint64, len(rows))
	for i := range rows {
		words := stemWords(rows[i].Prompt)
		u.joinFirst(stems, strings.Join(words, " "), i)
		if rows[i].Group != "" {
			u.joinFirst(named, rows[i].Group, i)
		}
		shingled[i] = shingles(words)
		for _, s := range shingled[i] {
			if len(holders[s]) <= maxShingleRows {
				holders[s] = append(holders[s], int32(i))
			}
		}
	}
	joinSharing(u, shingled, holders)
	return u.number()
}

// joinSharing joins rows that share enough rare shingles.
func joinSharing(u *union, shingled [][]uint64, holders map[uint64][]int32) {
	rare := make([]int, len(shingled))
	for i := range shingled {
		shingled[i] = slices.DeleteFunc(shingled[i], func(s uint64) bool { return len(holders[s]) > maxShingleRows })
		rare[i] = len(shingled[i])
	}
	shared := map[int32]int{}
	for i := range shingled {
		clear(shared)
		for _, s := range shingled[i] {
			for _, j := range holders[s] {
				if int(j) < i {
					shared[j]++
				}
			}
		}
		for j, n := range shared {
			if float64(n) >= sharedShingles*float64(min(rare[i], rare[j])) {
				u.join(int(j), i)
			}
		}
	}
}

// stemWords are the words of a prompt in lower case, up to its answer options.
func stemWords(prompt string) []string {
	if at := strings.Index(prompt, "\nA. "); at > 0 {
		prompt = prompt[:at]
	}
	return strings.FieldsFunc(strings.ToLower(prompt), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
}

// shingles are the hashes of the runs of words, each once. Of a text without
// spaces, whose words are whole sentences, there are few or none.
func shingles(words []string) []uint64 {
	var out []uint64
	for i := 0; i+shingleWords <= len(words); i++ {
		h := fnv.New64a()
		for _, w := range words[i : i+shingleWords] {
			_, _ = h.Write([]byte(w)) // a hash takes everything
			_, _ = h.Write([]byte{0})
		}
		out = append(out, h.Sum64())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// union is a union-find structure in which the lowest number stands for a set.
type union struct{ parent []int }

func newUnion(n int) *union {
	u := &union{parent: make([]int, n)}
	for i := range u.parent {
		u.parent[i] = i
	}
	return u
}

func (u *union) find(i int) int {
	for u.parent[i] != i {
		u.parent[i] = u.parent[u.parent[i]]
		i = u.parent[i]
	}
	return i
}

func (u *union) join(i, j int) {
	i, j = u.find(i), u.find(j)
	u.parent[max(i, j)] = min(i, j)
}

func (u *union) joinFirst(first map[string]int, key string, i int) {
	if j, ok := first[key]; ok {
		u.join(i, j)
	} else {
		first[key] = i
	}
}

func (u *union) number() (of []int, count int) {
	of = make([]int, len(u.parent))
	for i := range of {
		if root := u.find(i); root == i {
			of[i] = count
			count++
		} else {
			of[i] = of[root] // roots come first
		}
	}
	return of, count
}

// foldsOf deals the groups to k folds, the largest first and each to the fold
// that has the fewest rows.
func foldsOf(group []int, count, k int) []int {
	size := make([]int, count)
	for _, g := range group {
		size[g]++
	}
	order := make([]int, count)
	for g := range order {
		order[g] = g
	}
	slices.SortStableFunc(order, func(a, b int) int { return size[b] - size[a] })
	fold, rows := make([]int, count), make([]int, k)
	for _, g := range order {
		least := 0
		for f := range rows {
			if rows[f] < rows[least] {
				least = f
			}
		}
		fold[g] = least
		rows[least] += size[g]
	}
	of := make([]int, len(group))
	for i, g := range group {
		of[i] = fold[g]
	}
	return of
}
