package classify

import "slices"

// buildNode is a node of the trie while it grows.
type buildNode struct {
	r        rune
	children []*buildNode // sorted
	sets     []int32
}

// add enters a folded keyword.
func (n *buildNode) add(keyword []rune, set int32) {
	for _, r := range keyword {
		n = n.child(r)
	}
	if !slices.Contains(n.sets, set) {
		n.sets = append(n.sets, set)
	}
}

// child returns the child for a character, which it makes if there is none.
func (n *buildNode) child(r rune) *buildNode {
	at, found := slices.BinarySearchFunc(n.children, r, func(c *buildNode, r rune) int { return int(c.r - r) })
	if !found {
		n.children = slices.Insert(n.children, at, &buildNode{r: r})
	}
	return n.children[at]
}

// flatten lays the trie out breadth first.
func (m *Matcher) flatten(root *buildNode) {
	queue := []*buildNode{root}
	for head := 0; head < len(queue); head++ {
		n := queue[head]
		m.nodes = append(m.nodes, trieNode{
			r: n.r, firstChild: int32(len(queue)), children: int32(len(n.children)),
			firstSet: int32(len(m.sets)), sets: int32(len(n.sets)),
		})
		m.sets = append(m.sets, n.sets...)
		queue = append(queue, n.children...)
	}
}
