package metricsource

import (
	"io"
	"strings"
	"testing"
)

func TestOnlyWhatIsLookedAtIsParsed(t *testing.T) {
	for name, c := range map[string]struct{ page, want string }{
		"the families that are looked at": {
			"# HELP tiershift_requests_total Requests.\n# TYPE tiershift_requests_total counter\ntiershift_requests_total{placed=\"nano\"} 3\ngo_goroutines 7\n",
			"# HELP tiershift_requests_total Requests.\n# TYPE tiershift_requests_total counter\ntiershift_requests_total{placed=\"nano\"} 3\n",
		},
		"all parts of a histogram": {
			"tiershift_request_duration_seconds_bucket{placed=\"nano\",le=\"1\"} 1\ntiershift_request_duration_seconds_sum{placed=\"nano\"} 1\ntiershift_request_duration_seconds_max 3\n",
			"tiershift_request_duration_seconds_bucket{placed=\"nano\",le=\"1\"} 1\ntiershift_request_duration_seconds_sum{placed=\"nano\"} 1\n",
		},
		"nothing that the split did not place": {
			"tiershift_requests_total{placed=\"\",tier=\"a\"} 1\ntiershift_requests_total{outcome=\"x\",placed=\"\"} 1\ntiershift_requests_total{misplaced=\"\",placed=\"b\"} 1\n",
			"tiershift_requests_total{misplaced=\"\",placed=\"b\"} 1\n",
		},
		"a value that looks like the label": {
			`tiershift_requests_total{model="a,placed=\"\"",placed="b"} 1` + "\n",
			`tiershift_requests_total{model="a,placed=\"\"",placed="b"} 1` + "\n",
		},
		"the start of the process, and no empty line": {"\nprocess_start_time_seconds 5\n\n", "process_start_time_seconds 5\n"},
	} {
		t.Run(name, func(t *testing.T) {
			kept, err := onlyWanted(strings.NewReader(c.page))
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := io.ReadAll(kept); string(got) != c.want {
				t.Errorf("kept\n%s\nwant\n%s", got, c.want)
			}
		})
	}
	for page, want := range map[string]string{
		"<html>": `line 1: it begins with '<'`, "go_goroutines 7\n{}": "line 2", "a" + strings.Repeat("b", maxLine): "longer than 64 KiB",
	} {
		if _, err := onlyWanted(strings.NewReader(page)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: %v, want %s", page, err, want)
		}
	}
}
