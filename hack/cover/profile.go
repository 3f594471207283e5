package main

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"strings"
)

// statements counts those of a package.
type statements struct{ covered, total int }

func (s statements) percent() float64 { return 100 * float64(s.covered) / float64(s.total) }

// read adds up a profile by package. Its format is that of cmd/cover: a line with
// the mode, then for each block of statements
//
//	FILE:LINE.COLUMN,LINE.COLUMN STATEMENTS COUNT
//
// where a block that several test binaries cover has several lines.
func read(profile io.Reader) (map[string]statements, error) {
	type block struct {
		size int
		hit  bool
	}
	blocks := map[string]block{}
	lines := bufio.NewScanner(profile)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "mode: ") {
			continue
		}
		var where string
		var size, count int
		if n, err := fmt.Sscanf(lines.Text(), "%s %d %d", &where, &size, &count); n != 3 {
			return nil, fmt.Errorf("no coverage line: %q: %w", lines.Text(), err)
		}
		blocks[where] = block{size: size, hit: count > 0 || blocks[where].hit}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	packages := map[string]statements{}
	for where, b := range blocks {
		file, _, _ := strings.Cut(where, ":")
		s := packages[path.Dir(file)]
		s.total += b.size
		if b.hit {
			s.covered += b.size
		}
		packages[path.Dir(file)] = s
	}
	return packages, nil
}

// report writes a line for each package and returns an error that names those that
// are below least.
func report(out io.Writer, covered map[string]statements, least float64, packages []string) error {
	var below []string
	for _, name := range packages {
		s := covered[name]
		if s.total == 0 {
			fmt.Fprintf(out, "     none  %s\n", name)
			below = append(below, name+" (no statements in the profile)")
			continue
		}
		fmt.Fprintf(out, "  %6.1f%%  %s\n", s.percent(), name)
		if s.percent() < least {
			below = append(below, fmt.Sprintf("%s (%.1f%%)", name, s.percent()))
		}
	}
	if len(below) > 0 {
		return fmt.Errorf("below %g%%: %s", least, strings.Join(below, ", "))
	}
	return nil
}
