package classify

import (
	"maps"
	"slices"
)

// buildNode is a node of the trie while it grows.
type buildNode struct {
	children map[rune]*buildNode
	sets     []int32
}

func (n *buildNode) add(keyword []rune, set int32) {
	for _, r := range keyword {
		if n.children == nil {
			n.children = map[rune]*buildNode{}
		}
		child := n.children[r]
		if child == nil {
			child = &buildNode{}
			n.children[r] = child
		}
		n = child
	}
	if !slices.Contains(n.sets, set) {
		n.sets = append(n.sets, set)
	}
}

// flatten lays the trie out breadth first.
func (m *Matcher) flatten(root *buildNode) {
	queue := []*buildNode{root}
	m.nodes = []trieNode{{}}
	for head := 0; head < len(queue); head++ {
		n := queue[head]
		m.nodes[head].firstChild, m.nodes[head].children = int32(len(queue)), int32(len(n.children))
		m.nodes[head].firstSet, m.nodes[head].sets = int32(len(m.sets)), int32(len(n.sets))
		m.sets = append(m.sets, n.sets...)
		for _, r := range slices.Sorted(maps.Keys(n.children)) {
			m.nodes = append(m.nodes, trieNode{r: r})
			queue = append(queue, n.children[r])
		}
	}
}
