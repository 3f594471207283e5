package router_test

import (
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tiershift/tiershift/internal/classify/model"
	"github.com/tiershift/tiershift/internal/router"
	"github.com/tiershift/tiershift/internal/router/upstream"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// constant is a classifier that says the same of every prompt.
func constant(t *testing.T, qualities map[string]float64, order ...string) []byte {
	t.Helper()
	var heads []model.Head
	for _, name := range order {
		p := qualities[name]
		heads = append(heads, model.Head{
			Name: name, Slope: 1, Bias: float32(math.Log(p / (1 - p))), Weights: make([]int8, model.Buckets), Dense: make([]float32, model.Columns()),
		})
	}
	m, err := model.New(model.Card{}, nil, heads, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := m.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// explainer answers explanations for a policy with a classifier in own/model.json.
func explainer(t *testing.T, files fstest.MapFS, change func(*routerconfig.Config)) *router.Server {
	t.Helper()
	config := baseConfig()
	for i := range config.Providers {
		config.Providers[i].BaseURL = "http://127.0.0.1:9/v1"
	}
	config.Classification.Model = &routerconfig.ClassifierModel{File: "own/model.json", MinConfidence: 0.6}
	config.Classification.TargetQuality = 0.9
	if change != nil {
		change(config)
	}
	if err := config.Validate(); err != nil {
		t.Fatal(err)
	}
	metrics, err := router.NewMetrics(prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := router.NewEngine(config, router.Dependencies{Secrets: fstest.MapFS{}, Classifiers: files, Upstreams: router.NewUpstreams(upstream.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	server := router.NewServer(metrics, router.Options{})
	server.Swap(engine)
	return server
}

func explained(t *testing.T, server *router.Server, text string) *router.Explanation {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(askAbout(text)))
	if err != nil {
		t.Fatal(err)
	}
	explanation, err := server.Explain(request)
	if err != nil {
		t.Fatal(err)
	}
	return explanation
}

func TestTheClassifierOfAFileDecides(t *testing.T) {
	file := constant(t, map[string]float64{"nano": 0.5, "mid": 0.92, "flagship": 0.97}, "nano", "mid", "flagship")
	files := fstest.MapFS{"own/model.json": {Data: file}}
	server := explainer(t, files, nil)
	e := explained(t, server, "What is a tide?")
	if e.Tier != "mid" || e.Reason != "model class=MODERATE quality=0.92" {
		t.Errorf("went to %s: %s", e.Tier, e.Reason)
	}

	// A newer file is taken into service, a broken one is not.
	newer := constant(t, map[string]float64{"nano": 0.95, "mid": 0.96, "flagship": 0.97}, "nano", "mid", "flagship")
	files["own/model.json"] = &fstest.MapFile{Data: newer, ModTime: time.Unix(1, 0)}
	if changed, err := server.Engine().RefreshClassifier(); !changed || err != nil {
		t.Fatalf("refreshed: %v, %v", changed, err)
	}
	if e := explained(t, server, "What is a tide?"); e.Tier != "nano" {
		t.Errorf("the newer file went to %s", e.Tier)
	}
	files["own/model.json"] = &fstest.MapFile{Data: []byte("{}"), ModTime: time.Unix(2, 0)}
	if changed, err := server.Engine().RefreshClassifier(); !changed || err == nil {
		t.Errorf("a broken file: %v, %v", changed, err)
	}
	if changed, _ := server.Engine().RefreshClassifier(); changed {
		t.Error("a broken file is read again and again")
	}
	if e := explained(t, server, "What is a tide?"); e.Tier != "nano" {
		t.Errorf("with a broken file went to %s", e.Tier)
	}
}

func TestAFileThatCannotBeUsedLeavesTheEmbeddedClassifier(t *testing.T) {
	tests := []struct {
		name, want string
		files      fstest.MapFS
	}{
		{"missing", "the classifier's file own/model.json is not there", nil},
		{"no model", "cannot be used: model: ", fstest.MapFS{"own/model.json": {Data: []byte("{}")}}},
		{"of other tiers", "does not fit this policy: it predicts for the tiers low, top", fstest.MapFS{
			"own/model.json": {Data: constant(t, map[string]float64{"low": 0.5, "top": 0.6}, "low", "top")},
		}},
		{"too large", "at most 819200 are allowed", fstest.MapFS{"own/model.json": {Data: make([]byte, model.MaxFileSize+1)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := explainer(t, tt.files, nil)
			if err := server.Engine().ClassifierFault(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("the fault is %v, want %s", err, tt.want)
			}
			e := explained(t, server, "What is the capital of France?")
			step := e.Steps[1]
			if step.Method != "model" || !strings.HasPrefix(step.Remark, "classifier embedded") || !strings.Contains(step.Remark, tt.want) || len(step.Tiers) != 3 {
				t.Errorf("the step reads %+v", step)
			}
		})
	}
}

func TestAnExplanationHasEveryStep(t *testing.T) {
	server := explainer(t, nil, func(c *routerconfig.Config) {
		c.Classification = routerconfig.Classification{
			Preset: routerconfig.PresetStandard, Model: &routerconfig.ClassifierModel{MinConfidence: 1}, ConsiderOutputLength: true,
			LLM: &routerconfig.LLMClassifier{Tier: "nano", Timeout: routerconfig.Duration(time.Second), CacheTTL: routerconfig.Duration(time.Minute)},
		}
	})
	e := explained(t, server, "Lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor, 3,000 words.")
	got, err := json.Marshal(e.Steps)
	if err != nil {
		t.Fatal(err)
	}
	var methods []string
	for i := range e.Steps {
		methods = append(methods, e.Steps[i].Method)
	}
	if strings.Join(methods, " ") != "rules model llm" || e.Class != "UNDECIDED" {
		t.Fatalf("class %s, steps %s", e.Class, got)
	}
	if e.Steps[0].Remark != "no rule holds" || !strings.Contains(e.Steps[1].Remark, "not sure enough (minConfidence 1)") ||
		e.Steps[2].Remark != "tier nano would be asked" || e.Steps[2].CostUSD == "" {
		t.Errorf("steps %s", got)
	}
	if e.OutputTokens != 4050 {
		t.Errorf("%d tokens of answer are expected", e.OutputTokens)
	}
	features := map[string]string{}
	for _, f := range e.Features {
		features[f.Name] = f.Value
	}
	if features["expected_output_tokens"] != "4050" || features["turns"] != "1" {
		t.Errorf("features %v", features)
	}
}
