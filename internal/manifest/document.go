package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	yamlnode "go.yaml.in/yaml/v3"
	"sigs.k8s.io/yaml"
)

// document is one object as it stands in a file: what it says, and where.
type document struct {
	file string
	// line is where it begins, and last where it ends at the latest.
	line, last int
	// data is the document as JSON.
	data []byte
	// node tells the lines of its fields; nil: they are not known.
	node *yamlnode.Node
	// faults are why it cannot be read.
	faults []Fault
}

// splitYAML splits and reads a file as kubectl does, so that YAML means the same
// here and there (it is YAML 1.1: yes is true, 010 is 8). A second parser, of
// which only the positions are taken, knows the lines.
func splitYAML(file string, data []byte) []*document {
	var documents []*document
	start, at := 1, 1
	var body []byte
	flush := func() {
		if len(bytes.TrimSpace(body)) > 0 {
			documents = append(documents, readYAML(file, start, body))
		}
		body = nil
	}
	for line := range bytes.Lines(bytes.TrimPrefix(data, byteOrderMark)) {
		rest, separator := bytes.CutPrefix(line, []byte("---"))
		if !separator {
			body = append(body, line...)
		} else {
			flush()
			start = at + 1
			if rest = bytes.TrimSpace(rest); len(rest) > 0 && rest[0] != '#' {
				d := &document{file: file, line: at}
				d.fault(at, "", "cannot be parsed: a line that begins with --- separates documents and holds nothing else")
				documents = append(documents, d)
			}
		}
		at++
	}
	flush()
	return documents
}

var byteOrderMark = []byte("\ufeff")

func readYAML(file string, start int, body []byte) *document {
	d := &document{file: file, line: start, last: start + bytes.Count(bytes.TrimRight(body, "\r\n"), []byte("\n"))}
	converted, err := yaml.YAMLToJSON(body)
	if err != nil {
		return d.broken(err)
	}
	d.data = converted
	var root yamlnode.Node
	decoder := yamlnode.NewDecoder(bytes.NewReader(body))
	if decoder.Decode(&root) != nil {
		return d // nothing but comments, or something that only the other parser reads
	}
	d.node = root.Content[0]
	shiftLines(d.node, start-1)
	d.line = d.node.Line
	if err := decoder.Decode(new(yamlnode.Node)); !errors.Is(err, io.EOF) {
		d.fault(d.line, "", "is more than one document: each begins on the line after a line that is just ---")
	}
	d.checkRepeated(d.node, "")
	return d
}

func shiftLines(n *yamlnode.Node, by int) {
	n.Line += by
	for _, child := range n.Content {
		shiftLines(child, by)
	}
}

// parserLine is how the parser begins a message that knows its line, which counts
// from the beginning of the document. One kind of message is a line short.
var (
	parserLine = regexp.MustCompile(`^line ([0-9]+): `)
	lineShort  = regexp.MustCompile(`^did not find expected (key|'-' indicator|',' or|node content|<document start>)`)
)

// broken says why the document cannot be parsed.
func (d *document) broken(err error) *document {
	message := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "error converting YAML to JSON: "), "yaml: ")
	at := d.line
	if found := parserLine.FindStringSubmatch(message); found != nil {
		line, _ := strconv.Atoi(found[1]) // digits
		at += line - 1
		message = message[len(found[0]):]
		if lineShort.MatchString(message) {
			at++
		}
		at = min(at, d.last)
	}
	d.fault(at, "", "cannot be parsed: "+parserWording(message))
	return d
}

// quoted is a value in a parser's message. It may be that of a Secret.
var quoted = regexp.MustCompile("`[^`]*`")

func parserWording(message string) string {
	switch {
	case strings.Contains(message, "cannot start any token"):
		return message + "; indent with spaces, not tabs, and put text that begins with @, % or ` into quotes"
	case strings.HasPrefix(message, "invalid map key"), strings.HasPrefix(message, "unsupported map key"):
		return "a key must be text"
	default:
		return quoted.ReplaceAllString(message, "the value")
	}
}

func (d *document) fault(line int, field, message string) {
	d.faults = append(d.faults, Fault{File: d.file, Line: line, Field: field, Message: message})
}

// checkRepeated finds keys that are given twice, of which kubectl drops one.
func (d *document) checkRepeated(n *yamlnode.Node, path string) {
	first := map[string]int{}
	for i, child := range n.Content {
		below := fmt.Sprintf("%s[%d]", path, i)
		if n.Kind == yamlnode.MappingNode {
			key := n.Content[i-i%2]
			below = strings.TrimPrefix(path+"."+key.Value, ".")
			if i%2 == 0 {
				if line, twice := first[key.Value]; twice && key.Kind == yamlnode.ScalarNode {
					d.fault(key.Line, below, fmt.Sprintf("is given twice, first on line %d", line))
				}
				first[key.Value] = key.Line
				continue
			}
		}
		d.checkRepeated(child, below)
	}
}

// splitJSON reads the documents of a JSON file, of which there may be several,
// one after the other.
func splitJSON(file string, data []byte) []*document {
	var documents []*document
	data = bytes.TrimPrefix(data, byteOrderMark)
	decoder := json.NewDecoder(bytes.NewReader(data))
	for {
		before := decoder.InputOffset()
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return documents
		}
		d := &document{file: file}
		documents = append(documents, d)
		var syntax *json.SyntaxError
		switch {
		case errors.As(err, &syntax):
			d.fault(lineAt(data, before+syntax.Offset), "", "cannot be parsed: "+syntax.Error())
			return documents
		case err != nil:
			d.fault(lineAt(data, int64(len(data))), "", "cannot be parsed: "+err.Error())
			return documents
		}
		d.line = lineAt(data, decoder.InputOffset()-int64(len(raw)))
		d.data = raw
		d.locateJSON()
		if d.node != nil {
			d.checkRepeated(d.node, "")
		}
	}
}

func lineAt(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(max(offset, 0), int64(len(data)))], []byte("\n"))
}

// notYAML is what JSON has and YAML has not: halves of a surrogate pair.
var notYAML = regexp.MustCompile(`\\u[dD][89a-fA-F][0-9a-fA-F]{2}`)

// locateJSON finds the lines of the fields by reading JSON as the YAML that it
// nearly is. What stands in the strings does not matter.
func (d *document) locateJSON() {
	body := bytes.ReplaceAll(d.data, []byte("\t"), []byte(" "))
	body = notYAML.ReplaceAll(body, []byte("......"))
	var root yamlnode.Node
	if yamlnode.Unmarshal(body, &root) != nil || len(root.Content) == 0 {
		return
	}
	d.node = root.Content[0]
	shiftLines(d.node, d.line-1)
}
