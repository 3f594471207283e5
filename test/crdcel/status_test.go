package crdcel

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/testenv"
)

var noon = metav1.NewTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))

func condition(kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: "Because.", LastTransitionTime: noon}
}

// statuses set every field of each kind's status.
func statuses(namespace string) map[string]client.Object {
	shift := v1alpha1.ShiftRecord{
		Time: noon, Direction: v1alpha1.ShiftDown, From: "high", To: "low", Percent: 10, Recommended: true,
		Reason: "ObjectivesMet", Message: "Quality 0.95 is above 0.92.",
	}
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: namespace, Name: name} }
	split := []v1alpha1.TierShare{{Tier: "low", Percent: 40}, {Tier: "high", Percent: 60}}
	ready := condition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonReady)
	return map[string]client.Object{
		"providercredential": &v1alpha1.ProviderCredential{ObjectMeta: meta("base"), Status: v1alpha1.ProviderCredentialStatus{
			ObservedGeneration: 1,
			Conditions: []metav1.Condition{
				ready, condition(v1alpha1.ConditionAuthenticated, metav1.ConditionUnknown, v1alpha1.ReasonProbeDisabled),
			},
			Endpoint:        "https://api.openai.com/v1",
			AvailableModels: new(int32(42)),
		}},
		"modeltier": &v1alpha1.ModelTier{ObjectMeta: meta("base"), Status: v1alpha1.ModelTierStatus{
			ObservedGeneration: 1,
			Conditions:         []metav1.Condition{ready},
			ModelNames:         "gpt-5-mini, deepseek-v3.2",
			Models: []v1alpha1.TierModelStatus{{
				Name: "gpt-5-mini", CredentialRef: v1alpha1.CredentialReference{Name: "openai"},
				PriceSource: v1alpha1.PriceSourceCatalogue, CatalogueDate: "2026-03-01",
				Price: &v1alpha1.ModelPrice{
					InputPerMillion: "0.25;>200000:0.5", CachedInputPerMillion: "0.025", CacheWritePerMillion: "0.25",
					OutputPerMillion: "2", BatchDiscountPercent: 50,
				},
			}},
		}},
		"routingpolicy": &v1alpha1.RoutingPolicy{ObjectMeta: meta("base"), Status: v1alpha1.RoutingPolicyStatus{
			ObservedGeneration: 1,
			Conditions: []metav1.Condition{
				ready,
				condition(v1alpha1.ConditionProgrammed, metav1.ConditionFalse, v1alpha1.ReasonProgressing),
				condition(v1alpha1.ConditionBudgetWithinLimit, metav1.ConditionTrue, v1alpha1.ReasonNoBudget),
			},
			TierNames: "low < high",
			Gateway: &v1alpha1.GatewayStatus{
				URL: "http://base.ns.svc:8080", Replicas: &v1alpha1.RouterCount{Total: 2, Acknowledged: 1},
			},
			Sidecars:     &v1alpha1.RouterCount{Total: 3, Acknowledged: 3},
			ConfigDigest: "sha256:0123",
			Routes: []v1alpha1.RouteStatus{{
				Name: "default", Split: split, Recommended: split,
				Window: &v1alpha1.WindowStatus{
					Start: &noon, End: &noon, Requests: 1000, CostPerRequestUSD: "0.00042", Quality: "0.95",
					QualityLowerBound: "0.93", QualitySamples: 250, LatencyP95: &metav1.Duration{Duration: 1500 * time.Millisecond},
				},
				Models: []v1alpha1.ModelShare{{Tier: "low", Model: "gpt-5-nano", Provider: v1alpha1.ProviderOpenAI, Percent: 100, Selected: 40}},
				Reason: "Proven", Message: "default: quality 0.951.", Evidence: `{"v":1}`,
				LastShift: &shift, Shifts: []v1alpha1.ShiftRecord{shift},
			}},
			Spend: &v1alpha1.SpendStatus{
				PeriodStart: noon, CostUSD: "12.5", BaselineCostUSD: "100", SavedUSD: "87.5", SavedPercent: "87.5", BudgetPercent: "2.5",
			},
		}},
	}
}

func TestStatusHoldsWhatTheOperatorWrites(t *testing.T) {
	env := start(t)
	namespace := env.Namespace(t)
	for folder, want := range statuses(namespace) {
		t.Run(folder, func(t *testing.T) {
			got := want.DeepCopyObject().(client.Object)
			writeStatus(t, env.Client, folder, got)
			if got, want := indent(t, statusOf(got).Interface()), indent(t, statusOf(want).Interface()); got != want {
				t.Errorf("read back\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func statusOf(object client.Object) reflect.Value {
	return reflect.ValueOf(object).Elem().FieldByName("Status")
}

// writeStatus creates a folder's base.yaml, gives it the status of object, and reads
// object back.
func writeStatus(t *testing.T, c client.Client, folder string, object client.Object) {
	t.Helper()
	create(t, c, object.GetNamespace(), base(t, folder, object.GetName(), []byte("{}")))
	status := statusOf(object.DeepCopyObject().(client.Object))
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
	statusOf(object).Set(status)
	if err := c.Status().Update(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(object), object); err != nil {
		t.Fatal(err)
	}
}

// TestColumnsAnswerTheFirstQuestion is what kubectl get shows, and after the bar what
// -o wide adds.
func TestColumnsAnswerTheFirstQuestion(t *testing.T) {
	columns := map[string]struct{ resource, header, row string }{
		"providercredential": {
			"providercredentials",
			"Name Provider Ready Authenticated Age | Endpoint Models Message",
			"base OpenAI True Unknown 0s | https://api.openai.com/v1 42 Because.",
		},
		"modeltier": {
			"modeltiers",
			"Name Rank Models Ready Age | Selection Message",
			"base 10 gpt-5-mini, deepseek-v3.2 True 0s | Weighted Because.",
		},
		"routingpolicy": {
			"routingpolicies",
			"Name Ready Gateway Spend USD Saved % Age | Tiers Programmed Budget Baseline USD Suspended Message",
			"base True http://base.ns.svc:8080 12.5 87.5 0s | low < high False True 100 <nil> Because.",
		},
	}
	env := start(t)
	namespace := env.Namespace(t)
	for folder, object := range statuses(namespace) {
		t.Run(folder, func(t *testing.T) {
			writeStatus(t, env.Client, folder, object)
			want := columns[folder]
			header, row := columnsOf(t, env, namespace, want.resource)
			if header != want.header {
				t.Errorf("the columns are\n%s\nwant\n%s", header, want.header)
			}
			if row != want.row {
				t.Errorf("the row is\n%s\nwant\n%s", row, want.row)
			}
		})
	}
}

// columnsOf are the names and the cells of the only object of a resource, with a bar
// before those that only -o wide shows, and every age as 0s.
func columnsOf(t *testing.T, env *testenv.Env, namespace, resource string) (header, row string) {
	t.Helper()
	var list metav1.Table
	if err := json.Unmarshal(getTable(t, env, namespace, resource), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Rows) != 1 {
		t.Fatalf("%d rows, want 1", len(list.Rows))
	}
	var names, cells []string
	for i, column := range list.ColumnDefinitions {
		cell := list.Rows[0].Cells[i]
		switch {
		case column.Name == "Age":
			cell = "0s"
		case column.Priority > 0 && list.ColumnDefinitions[i-1].Priority == 0:
			names, cells = append(names, "|"), append(cells, "|")
		}
		names, cells = append(names, column.Name), append(cells, fmt.Sprint(cell))
	}
	return strings.Join(names, " "), strings.Join(cells, " ")
}

// getTable asks as kubectl get does: for rows to print.
func getTable(t *testing.T, env *testenv.Env, namespace, resource string) []byte {
	t.Helper()
	config := rest.CopyConfig(env.Config)
	config.APIPath = "/apis"
	config.GroupVersion = &v1alpha1.GroupVersion
	config.NegotiatedSerializer = clientgoscheme.Codecs.WithoutConversion()
	c, err := rest.RESTClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	table, err := c.Get().Namespace(namespace).Resource(resource).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return table
}
