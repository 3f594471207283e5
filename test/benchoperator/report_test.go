package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
)

func TestParseRefusesWhatCannotWork(t *testing.T) {
	for args, want := range map[string]string{
		"-policies=1":                 "at least 2 policies",
		"-tiers=3":                    "4 tiers",
		"-policies=40000 -replicas=2": "at most 60000 routers",
		"-resync=10ms":                "-resync is at least 1s",
		"extra":                       "unexpected argument",
		"-policies=many":              "invalid value",
	} {
		if _, err := parse(strings.Fields(args)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want it to say %q", args, err, want)
		}
	}
	if o, err := parse([]string{"-quick"}); err != nil || o.policies != 50 {
		t.Errorf("-quick: %+v, %v", o, err)
	}
}

func TestUsageIsReadFromTheTextOfMetrics(t *testing.T) {
	u := usage{requests: map[string]float64{}}
	for line := range strings.Lines(`# TYPE rest_client_requests_total counter
rest_client_requests_total{code="200",host="127.0.0.1:1",method="GET"} 5
rest_client_requests_total{code="404",host="127.0.0.1:1",method="GET"} 7
rest_client_requests_total{code="201",host="127.0.0.1:1",method="PATCH"} 1e+03
controller_runtime_reconcile_total{controller="routingpolicy",result="error"} 1
controller_runtime_reconcile_total{controller="routingpolicy",result="success"} 2
controller_runtime_reconcile_total{controller="modeltier",result="success"} 9
go_goroutines 3
`) {
		u.count(strings.TrimSpace(line))
	}
	if u.requests["GET"] != 12 || u.requests["PATCH"] != 1000 || len(u.requests) != 2 || u.reconciles != 3 {
		t.Errorf("got %+v", u)
	}
}

func TestWhatTheAPIServerServedIsReadFromItsMetrics(t *testing.T) {
	counts := map[string]float64{}
	for line := range strings.Lines(`# TYPE apiserver_request_total counter
apiserver_request_total{code="200",component="apiserver",dry_run="",group="tiershift.dev",resource="routingpolicies",scope="resource",subresource="status",verb="APPLY",version="v1alpha1"} 7
apiserver_request_total{code="409",component="apiserver",dry_run="",group="tiershift.dev",resource="routingpolicies",scope="resource",subresource="status",verb="APPLY",version="v1alpha1"} 1
apiserver_request_total{code="201",component="apiserver",dry_run="",group="",resource="pods",scope="resource",subresource="",verb="POST",version="v1"} 5
apiserver_request_duration_seconds_sum{resource="pods",verb="POST"} 3
`) {
		countServed(strings.TrimSpace(line), counts)
	}
	if counts["APPLY routingpolicies/status"] != 8 || counts["POST pods"] != 5 || len(counts) != 2 {
		t.Errorf("got %v", counts)
	}
	if got := less(counts, map[string]float64{"POST pods": 5}); got["APPLY routingpolicies/status"] != 8 || len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestAPhaseIsHeldToItsLimits(t *testing.T) {
	for _, test := range []struct {
		name  string
		phase phase
		want  string
	}{
		{"within all", phase{Seconds: 59, PeakMegabytes: 299, mustSeconds: 60, mustMemory: 300}, ""},
		{"held to nothing", phase{Seconds: 999, PeakMegabytes: 999, Requests: map[string]float64{"PATCH": 9}}, ""},
		{"too slow", phase{Seconds: 61, mustSeconds: 60}, "takes 61.0 s, must take 60 s"},
		{"too large", phase{PeakMegabytes: 301, mustMemory: 300}, "takes 301 MB"},
		{"only reads at rest", phase{atRest: true, Requests: map[string]float64{"GET": 9}}, ""},
		{"writes at rest", phase{atRest: true, Requests: map[string]float64{"POST": 1, "DELETE": 1}}, "writes 2 times"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var r report
			r.add(test.phase)
			if got := strings.Join(r.Phases[0].Missed, "; "); r.met() != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("got %q", got)
			}
			var out bytes.Buffer
			if err := r.writeTable(&out); err != nil || !strings.Contains(out.String(), test.want) {
				t.Errorf("printed %s, %v", out.String(), err)
			}
		})
	}
}

func TestAPhaseCountsOnlyWhatItSpentItself(t *testing.T) {
	var p phase
	p.spent(
		usage{cpu: time.Second, requests: map[string]float64{"GET": 3, "POST": 1}, reconciles: 2},
		usage{cpu: 3 * time.Second, requests: map[string]float64{"GET": 5, "POST": 1}, reconciles: 7, peakBytes: 2e6, nowBytes: 1e6},
	)
	if p.CPUSeconds != 2 || p.Requests["GET"] != 2 || len(p.Requests) != 1 || p.Reconciles != 5 || p.PeakMegabytes != 2 || p.Megabytes != 1 {
		t.Errorf("got %+v", p)
	}
}

func TestEachRouterHasAnAddress(t *testing.T) {
	seen := map[string]bool{}
	for n := range maxPods {
		seen[address(n)] = true
	}
	if len(seen) != maxPods || address(0) != "127.77.0.1" || address(maxPods-1) != "127.77.239.250" {
		t.Errorf("%d addresses, %s to %s", len(seen), address(0), address(maxPods-1))
	}
}

func TestProcessesAreMeasured(t *testing.T) {
	if !supported {
		t.Skip("not on this system")
	}
	if cpu, peak, now, err := processUsage(os.Getpid()); err != nil || peak < now || now < 1e6 || cpu < 0 {
		t.Errorf("%s, %.0f, %.0f, %v", cpu, peak, now, err)
	}
	if _, _, _, err := processUsage(1 << 30); err == nil {
		t.Error("a process that is not there is measured")
	}
	spin := time.Now()
	for time.Since(spin) < 30*time.Millisecond {
	}
	if others(0).bench <= 0 {
		t.Error("this process took no time")
	}
}
