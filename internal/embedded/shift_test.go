package embedded

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tiershift/tiershift/internal/routerconfig"
)

const shiftingPolicy = `apiVersion: tiershift.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: desk}
spec:
  tiers: [{name: nano}, {name: mid}]
  defaultTier: mid
  routes:
    - name: chat
      match: {}
      shift: {mode: Automatic, objectives: {maxLatencyP95: 4s}}
  gateway:
    auth: {mode: APIKeys, secretRef: {name: clients}}
`

// readConfig is what a router would be given now.
func readConfig(t *testing.T, source *Source) *routerconfig.Config {
	t.Helper()
	data, err := source.Read()
	if err != nil {
		t.Fatal(err)
	}
	config, err := routerconfig.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// The embedded mode shifts as the operator does, with files in place of the API
// server: what is decided is another version of the config.
func TestAPolicyOfFilesShifts(t *testing.T) {
	served := 0
	router := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		const labels = `namespace="default",policy="desk",route="chat",tier="mid",placed="mid"`
		fmt.Fprintf(w, "tiershift_requests_total{%s,outcome=\"success\"} %d\n", labels, served)
		fmt.Fprintf(w, "tiershift_cost_usd_total{%s} %g\n", labels, float64(served)*0.001)
		fmt.Fprintf(w, "# TYPE tiershift_request_duration_seconds histogram\ntiershift_request_duration_seconds_bucket{%s,le=\"1\"} %d\n", labels, served)
		fmt.Fprintf(w, "tiershift_request_duration_seconds_bucket{%s,le=\"+Inf\"} %d\n", labels, served)
		fmt.Fprintf(w, "tiershift_request_duration_seconds_sum{%s} 1\ntiershift_request_duration_seconds_count{%s} %d\n", labels, labels, served)
	}))
	defer router.Close()
	files := directory()
	files["policy.yaml"] = &fstest.MapFile{Data: []byte(shiftingPolicy), ModTime: today}
	files["mid.yaml"] = &fstest.MapFile{Data: []byte(strings.NewReplacer("nano", "mid", "rank: 10", "rank: 20").Replace(tier)), ModTime: today}
	files["mid.yaml"].Data = []byte(strings.Replace(string(files["mid.yaml"].Data), "gpt-5-mid", "gpt-5-mini", 1))
	now := today
	source := NewSource(files, Options{Now: func() time.Time { return now }})
	shifter := NewShifter(source, router.URL, slog.New(slog.DiscardHandler))

	shifter.Round(t.Context()) // before anything was read: nothing to decide on
	if config := readConfig(t, source); len(config.Routes[0].Split) != 0 {
		t.Fatalf("at first %v", config.Routes[0].Split)
	}
	before, err := source.Version()
	if err != nil {
		t.Fatal(err)
	}
	shifter.Round(t.Context())
	if after, err := source.Version(); err != nil || after == before {
		t.Errorf("the version is the same with a split, %v", err)
	}
	if split := readConfig(t, source).Routes[0].Split; len(split) != 1 || split[0] != (routerconfig.Share{Tier: "mid", Percent: 100}) {
		t.Fatalf("begun with %v", split)
	}
	served, now = 5000, now.Add(5*time.Minute)
	shifter.Round(t.Context())
	if split := readConfig(t, source).Routes[0].Split; len(split) != 2 || split[0] != (routerconfig.Share{Tier: "nano", Percent: 5}) {
		t.Errorf("after the first interval %v: %+v", split, source.Routes())
	}
	if routes := source.Routes(); routes[0].Reason != "Exploring" || routes[0].LastShift == nil {
		t.Errorf("%+v", routes)
	}
}
