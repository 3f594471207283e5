package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// graph maps import paths to the import paths they import.
type graph map[string][]string

// check returns a line for each package that reaches what its group must not, or
// that is not in exactly one group, and for each member that names no package.
func check(imports graph, module string, groups []group) []string {
	var problems []string
	used := map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(imports)) {
		directory, ours := strings.CutPrefix(path, module+"/")
		if !ours {
			continue
		}
		holders := 0
		for _, g := range groups {
			member := g.memberFor(directory)
			if member == "" {
				continue
			}
			holders++
			used[member] = true
			if chain := imports.chain(path, g.banned); chain != nil {
				problems = append(problems, fmt.Sprintf("%s: %s", strings.Join(chain, "\n    -> "), g.why))
			}
		}
		if holders != 1 {
			problems = append(problems, fmt.Sprintf("%s is in %d groups of hack/arrows/groups.go: it belongs in one", directory, holders))
		}
	}
	return append(problems, unusedMembers(groups, used)...)
}

// unusedMembers are rules that hold nothing, as after a package was renamed.
func unusedMembers(groups []group, used map[string]bool) []string {
	var problems []string
	for _, g := range groups {
		for _, member := range g.members {
			if !used[member] {
				problems = append(problems, fmt.Sprintf("hack/arrows/groups.go: %s names no package", member))
			}
		}
	}
	return problems
}

// memberFor is the member of the group that directory belongs to, or empty.
func (g group) memberFor(directory string) string {
	for _, member := range g.members {
		parent, subtree := strings.CutSuffix(member, "/...")
		if directory == parent || subtree && strings.HasPrefix(directory, parent+"/") {
			return member
		}
	}
	return ""
}

// chain is a shortest way from one package to one with a banned prefix, both
// included, or nil if there is none.
func (imports graph) chain(from string, banned []string) []string {
	importer := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		path := queue[0]
		if hasAnyPrefix(path, banned) {
			return wayTo(path, importer)
		}
		for _, next := range imports[path] {
			if _, seen := importer[next]; !seen {
				importer[next] = path
				queue = append(queue, next)
			}
		}
	}
	return nil
}

func wayTo(path string, importer map[string]string) []string {
	var way []string
	for ; path != ""; path = importer[path] {
		way = append(way, path)
	}
	slices.Reverse(way)
	return way
}

func hasAnyPrefix(path string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool {
		return strings.HasPrefix(path+"/", prefix)
	})
}
