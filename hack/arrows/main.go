// Command arrows checks what the packages of this module reach through their
// imports, however far away. The linter sees direct imports only, and one helper
// package between the router and the Kubernetes client would be enough to put all
// of the client into the router's binary.
//
// Run it in the root of the repository. It must never need anything but the Go
// tool.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

func main() {
	problems, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "arrows:", err)
		os.Exit(2)
	}
	for _, problem := range problems {
		fmt.Fprintln(os.Stderr, problem)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}

func run() ([]string, error) {
	module, err := goList("-m")
	if err != nil {
		return nil, err
	}
	lines, err := goList("-deps", "-f", "{{.ImportPath}}{{range .Imports}} {{.}}{{end}}", "./...")
	if err != nil {
		return nil, err
	}
	imports := graph{}
	for line := range strings.Lines(lines) {
		fields := strings.Fields(line)
		imports[fields[0]] = fields[1:]
	}
	return check(imports, strings.TrimSpace(module), groups), nil
}

func goList(args ...string) (string, error) {
	command := exec.Command("go", append([]string{"list"}, args...)...)
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go list %s: %w", strings.Join(args, " "), err)
	}
	return string(output), nil
}
