// Command cover reads a coverage profile of go test and fails if one of the
// packages named has less of its statements covered than it must.
//
//	go run ./hack/cover -min 85 -profile cover.out PACKAGE...
//
// A package that the profile does not know fails too: no data is not success.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	profile := flag.String("profile", "cover.out", "the `FILE` that go test -coverprofile wrote")
	least := flag.Float64("min", 85, "the least `PERCENT` of each package's statements")
	flag.Parse()
	if err := run(os.Stdout, *profile, *least, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "cover:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, profile string, least float64, packages []string) error {
	if len(packages) == 0 {
		return fmt.Errorf("no packages given")
	}
	file, err := os.Open(profile)
	if err != nil {
		return err
	}
	defer file.Close()
	covered, err := read(file)
	if err != nil {
		return fmt.Errorf("%s: %w", profile, err)
	}
	return report(out, covered, least, packages)
}
