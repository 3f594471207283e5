package manifest

import (
	"strconv"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"
)

// lineOf is the line of the field that the path names, or of the nearest thing
// around it that stands in the document: a field that is missing has no line.
func (d *document) lineOf(path string) int {
	line := d.line
	for at := d.node; at != nil; {
		var found *yamlnode.Node
		found, at, path = descend(at, path)
		if found != nil {
			line = found.Line
		}
	}
	return line
}

// descend goes one step down the path, which is written as the API server does:
// "spec.routes[2].match.headers[x.y]". It returns where the field stands, what
// it holds, and the rest of the path; nil: the path ends here, or leads nowhere.
func descend(at *yamlnode.Node, path string) (found, next *yamlnode.Node, rest string) {
	for at.Kind == yamlnode.AliasNode {
		at = at.Alias
	}
	path = strings.TrimPrefix(path, ".")
	switch {
	case path == "":
		return nil, nil, ""
	case at.Kind == yamlnode.SequenceNode:
		index, rest, _ := strings.Cut(strings.TrimPrefix(path, "["), "]")
		if i, err := strconv.Atoi(index); err == nil && i >= 0 && i < len(at.Content) {
			return at.Content[i], at.Content[i], rest
		}
	case at.Kind == yamlnode.MappingNode:
		key, value, rest := longestKey(at, path)
		if key == nil {
			return descendMerged(at, path)
		}
		return key, value, rest
	}
	return nil, nil, ""
}

// longestKey finds the key that the path begins with. A key may hold dots, so
// the longest one counts.
func longestKey(at *yamlnode.Node, path string) (key, value *yamlnode.Node, rest string) {
	for i := 0; i+1 < len(at.Content); i += 2 {
		name := at.Content[i].Value
		after, ok := strings.CutPrefix(path, "["+name+"]")
		if !ok {
			after, ok = strings.CutPrefix(path, name)
			ok = ok && name != "" && (after == "" || after[0] == '.' || after[0] == '[')
		}
		if ok && (key == nil || len(name) > len(key.Value)) {
			key, value, rest = at.Content[i], at.Content[i+1], after
		}
	}
	return key, value, rest
}

// descendMerged looks for the key in the mappings that are merged in by "<<".
func descendMerged(at *yamlnode.Node, path string) (found, next *yamlnode.Node, rest string) {
	for i := 0; i+1 < len(at.Content); i += 2 {
		if at.Content[i].Tag != "!!merge" {
			continue
		}
		sources := []*yamlnode.Node{at.Content[i+1]}
		if sources[0].Kind == yamlnode.SequenceNode {
			sources = sources[0].Content
		}
		for _, source := range sources {
			if source.Kind == yamlnode.AliasNode {
				source = source.Alias
			}
			if key, value, rest := longestKey(source, path); key != nil {
				return key, value, rest
			}
		}
	}
	return nil, nil, ""
}
