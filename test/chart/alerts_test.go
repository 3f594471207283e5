package chart

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/metricnames"
)

// routerMetrics are those that the alerts may be about.
var routerMetrics = []string{
	metricnames.RequestsTotal, metricnames.RequestDurationSeconds, metricnames.TimeToFirstTokenSeconds, metricnames.OverheadSeconds,
	metricnames.TokensTotal, metricnames.CostUSDTotal, metricnames.BaselineCostUSDTotal, metricnames.ClassificationsTotal,
	metricnames.ClassificationDurationSeconds, metricnames.FallbacksTotal, metricnames.EscalationsTotal, metricnames.ConfigInfo,
	metricnames.ConfigLastReloadSuccess,
}

// alert is a rule of a PrometheusRule.
type alert struct {
	Alert, Expr, For    string
	Labels, Annotations map[string]string
}

// alertsOf are the rules of the group.
func alertsOf(t *testing.T, group string) []alert {
	t.Helper()
	for _, object := range manifests(t, goldenFiles(t)["monitoring"]) {
		if object.GetKind() != "PrometheusRule" {
			continue
		}
		document, err := json.Marshal(object.Object["spec"])
		if err != nil {
			t.Fatal(err)
		}
		var spec struct {
			Groups []struct {
				Name  string
				Rules []alert
			}
		}
		if err := json.Unmarshal(document, &spec); err != nil {
			t.Fatal(err)
		}
		for _, g := range spec.Groups {
			if g.Name == group && len(g.Rules) > 0 {
				return g.Rules
			}
		}
	}
	t.Fatalf("there is no group %s", group)
	return nil
}

var (
	inBraces = regexp.MustCompile(`\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)`)
	metric   = regexp.MustCompile(`\b(up|[a-z]+(_[a-z]+)+)\b`)
)

// metricsOfAlerts are the metrics in the alerts of the group. Labels stand in
// braces, and no function of Prometheus that they call has an underscore.
func metricsOfAlerts(t *testing.T, group string) []string {
	t.Helper()
	var names []string
	for _, a := range alertsOf(t, group) {
		names = append(names, metric.FindAllString(inBraces.ReplaceAllString(a.Expr, ""), -1)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestAlertsOnRoutersAreAboutWhatRoutersMeasure(t *testing.T) {
	names := metricsOfAlerts(t, "tiershift-router")
	if len(names) < 5 {
		t.Errorf("just %q are found in the alerts", names)
	}
	for _, name := range names {
		if !slices.Contains(routerMetrics, name) {
			t.Errorf("an alert is about %s, which no router has", name)
		}
	}
}

func TestAlertsSayWhatToDo(t *testing.T) {
	for _, group := range []string{"tiershift-operator", "tiershift-router"} {
		for _, a := range alertsOf(t, group) {
			if a.For == "" || a.Annotations["summary"] == "" || a.Annotations["description"] == "" ||
				!slices.Contains([]string{"critical", "warning", "info"}, a.Labels["severity"]) {
				t.Errorf("%s lacks a duration, a severity, a summary or a description", a.Alert)
			}
			if strings.Contains(a.Expr, "{{") {
				t.Errorf("%s is not rendered: %s", a.Alert, a.Expr)
			}
		}
	}
}
