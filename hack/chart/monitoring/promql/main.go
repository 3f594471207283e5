// Command promql checks the expressions of the PrometheusRules in the files it is
// given with Prometheus' own parser. It prints what is wrong and exits with 1, or
// prints nothing. It must never ask a Prometheus: only the syntax and the types of
// the expressions are its business.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/prometheus/prometheus/promql/parser"
	"gopkg.in/yaml.v3"
)

// manifest is what matters of a document; all other kinds have no groups.
type manifest struct {
	Kind     string `yaml:"kind"`
	Metadata struct {
		Name string `yaml:"name"`
	} `yaml:"metadata"`
	Spec struct {
		Groups []struct {
			Rules []struct {
				Alert  string `yaml:"alert"`
				Record string `yaml:"record"`
				Expr   string `yaml:"expr"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	} `yaml:"spec"`
}

func main() {
	var errs []error
	checked := 0
	for _, file := range os.Args[1:] {
		count, err := check(file)
		checked += count
		errs = append(errs, err)
	}
	if checked == 0 {
		errs = append(errs, errors.New("no PrometheusRule in the files given"))
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// check returns how many expressions the file has.
func check(file string) (checked int, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return 0, err
	}
	var errs []error
	for decoder := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var m manifest
		err := decoder.Decode(&m)
		if errors.Is(err, io.EOF) {
			return checked, errors.Join(errs...)
		}
		if err != nil {
			return checked, fmt.Errorf("%s: %w", file, err)
		}
		if m.Kind != "PrometheusRule" {
			continue
		}
		for _, group := range m.Spec.Groups {
			for _, rule := range group.Rules {
				checked++
				if _, err := parser.ParseExpr(rule.Expr); err != nil {
					errs = append(errs, fmt.Errorf("%s: %s: %s%s: %w", file, m.Metadata.Name, rule.Alert, rule.Record, err))
				}
			}
		}
	}
}
