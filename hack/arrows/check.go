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
// that is not in exactly one group.
func check(imports graph, module string, groups []group) []string {
	var problems []string
	for _, path := range slices.Sorted(maps.Keys(imports)) {
		directory, ours := strings.CutPrefix(path, module+"/")
		if !ours {
			continue
		}
		holders := 0
		for _, g := range groups {
			if !g.holds(directory) {
				continue
			}
			holders++
			if chain := imports.chain(path, g.banned); chain != nil {
				problems = append(problems, fmt.Sprintf("%s: %s", strings.Join(chain, "\n    -> "), g.why))
			}
		}
		if holders != 1 {
			problems = append(problems, fmt.Sprintf("%s is in %d groups of hack/arrows/groups.go: it belongs in one", directory, holders))
		}
	}
	return problems
}

// holds says whether directory is a member, or in the subtree of one.
func (g group) holds(directory string) bool {
	return slices.ContainsFunc(g.members, func(member string) bool {
		parent, subtree := strings.CutSuffix(member, "/...")
		return directory == parent || subtree && strings.HasPrefix(directory, parent+"/")
	})
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
