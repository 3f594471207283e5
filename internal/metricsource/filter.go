package metricsource

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/tiershift/tiershift/internal/metricnames"
)

// wanted are the families that are looked at.
var wanted = []string{
	metricnames.RequestsTotal, metricnames.CostUSDTotal, metricnames.RequestDurationSeconds, metricnames.QualityScore, processStart,
}

var comments = [][]byte{[]byte("# TYPE "), []byte("# HELP ")}

// unplaced are how the label of what the split did not place is written. Quotes in
// values are escaped, so that neither occurs in one.
var unplaced = [][]byte{
	[]byte("{" + metricnames.LabelPlaced + `=""`), []byte("," + metricnames.LabelPlaced + `=""`),
}

// maxLine bounds a line: names of tiers and models are short.
const maxLine = 64 << 10

// onlyWanted is the page without what nobody looks at, which is most of it and
// would take most of the time to parse. What is no line of a page is an error.
func onlyWanted(page io.Reader) (io.Reader, error) {
	var kept bytes.Buffer
	lines := bufio.NewScanner(page)
	lines.Buffer(make([]byte, 0, maxLine/16), maxLine)
	for n := 1; lines.Scan(); n++ {
		line := lines.Bytes()
		switch {
		case len(line) == 0:
			continue
		case !startsLine(line[0]):
			return nil, fmt.Errorf("text format parsing error in line %d: it begins with %q", n, line[0])
		case isWanted(line) && !bytes.Contains(line, unplaced[0]) && !bytes.Contains(line, unplaced[1]):
			kept.Write(line)
			kept.WriteByte('\n')
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, fmt.Errorf("text format parsing error: a line is longer than %d KiB", maxLine>>10)
	}
	return &kept, lines.Err()
}

func startsLine(c byte) bool {
	return c == '#' || c == '_' || c == ':' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// isWanted holds for the samples and the comments of a wanted family.
func isWanted(line []byte) bool {
	name := line
	for _, comment := range comments {
		name = bytes.TrimPrefix(name, comment)
	}
	end := bytes.IndexAny(name, "{ \t")
	if end < 0 {
		end = len(name)
	}
	for _, family := range wanted {
		if len(name) < len(family) || string(name[:len(family)]) != family {
			continue
		}
		switch string(name[len(family):end]) {
		case "", "_bucket", "_sum", "_count":
			return true
		}
	}
	return false
}
