package manifest

import (
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// segment is one step of a field path: a name, or an index in brackets.
var segment = regexp.MustCompile(`\[(\d+|[^\]]*)\]|[^.\[\]]+`)

// lineOf is the line of the field that the path names, or of the nearest thing
// around it that stands in the document: a field that is missing has no line.
func lineOf(document *yaml.Node, path string) int {
	at := document
	line := document.Line
	for _, step := range segment.FindAllStringSubmatch(path, -1) {
		next := descend(at, step[0], step[1])
		if next == nil {
			break
		}
		at, line = next.value, next.line
	}
	return line
}

type place struct {
	value *yaml.Node
	line  int
}

func descend(at *yaml.Node, step, index string) *place {
	for at.Kind == yaml.AliasNode {
		at = at.Alias
	}
	switch at.Kind {
	case yaml.SequenceNode:
		i, err := strconv.Atoi(index)
		if err != nil || i >= len(at.Content) {
			return nil
		}
		return &place{value: at.Content[i], line: at.Content[i].Line}
	case yaml.MappingNode:
		name := step
		if index != "" {
			name = index // a map key rendered as [key]
		}
		for i := 0; i+1 < len(at.Content); i += 2 {
			if at.Content[i].Value == name {
				return &place{value: at.Content[i+1], line: at.Content[i].Line}
			}
		}
	}
	return nil
}
