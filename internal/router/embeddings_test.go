package router_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/simulator"
)

const embedder = "text-embedding-3-small"

// embedders are the simulated providers of models that embed: near serves the
// embedder in tier nano; far serves it in mid, as other serves another one there.
type embedders struct{ near, far, other *simulator.Provider }

// newEmbeddingGateway is a gateway whose tiers have models that embed beside those
// that talk.
func newEmbeddingGateway(t *testing.T, kind string) (*gateway, *embedders) {
	t.Helper()
	var e embedders
	g := newGateway(t, func(c *routerconfig.Config) {
		e.near = addEmbedder(t, c, &c.Tiers[0], "near", embedder, kind, "0.02")
		e.other = addEmbedder(t, c, &c.Tiers[1], "other", "mistral-embed", "Mistral", "0.1")
		e.far = addEmbedder(t, c, &c.Tiers[1], "far", embedder, "OpenAICompatible", "0.03")
	})
	return g, &e
}

func addEmbedder(t *testing.T, c *routerconfig.Config, tier *routerconfig.Tier, name, model, kind, price string) *simulator.Provider {
	t.Helper()
	dialect := simulator.Dialect(kind)
	if kind == "OpenAICompatible" {
		dialect = simulator.OpenAI
	}
	p, err := simulator.New(simulator.Config{
		Name: name, Dialect: dialect, APIKeys: []string{"key-of-cheap"}, Record: 8,
		Models: []simulator.Model{{Name: model, EmbeddingDimensions: 64}},
	})
	if err != nil {
		t.Fatal(err)
	}
	url, stop, err := p.Listen(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	provider := routerconfig.Provider{Name: name, Kind: kind, Wire: routerconfig.WireOpenAI, KeyScheme: routerconfig.KeyBearer, KeyFile: "cheap/key", BaseURL: url}
	if kind == "AzureOpenAI" {
		provider.KeyScheme, provider.APIVersion = routerconfig.KeyAPIKeyHeader, "2024-10-21"
		provider.BaseURL = strings.TrimSuffix(url, "/v1") + "/openai/deployments"
	}
	c.Providers = append(c.Providers, provider)
	m := c.Tiers[0].Models[0]
	m.Name, m.Provider, m.Price = model, name, routerconfig.Price{Input: price, Output: "0"}
	if model == embedder { // the other is told by its name
		m.Capabilities = []string{"Embeddings"}
	}
	tier.Models = append(tier.Models, m)
	return p
}

func embed(model string, texts ...string) openai.EmbeddingNewParams {
	return openai.EmbeddingNewParams{Model: model, Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: texts}}
}

func TestEmbeddingsComeAsTheyAreAndCostExactly(t *testing.T) {
	for _, kind := range []string{"OpenAI", "Mistral", "AzureOpenAI"} {
		t.Run(kind, func(t *testing.T) {
			g, e := newEmbeddingGateway(t, kind)
			client := g.sdk()
			for i, params := range []openai.EmbeddingNewParams{
				embed("auto", "The harbour opens at dawn.", "Boats"),
				embed(embedder, "The harbour opens at dawn."),
				embed("tier:nano", "Boats"),
				{Model: "auto", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfTokenArrays: [][]int64{{1, 2, 3}, {4}}}},
			} {
				result, err := client.Embeddings.New(t.Context(), params)
				if err != nil {
					t.Fatal(err)
				}
				if result.Model != embedder || len(result.Data) == 0 || len(result.Data[0].Embedding) != 64 {
					t.Errorf("%s", result.RawJSON())
				}
				r := g.record(i)
				if want := pricing.Picodollars(result.Usage.PromptTokens * 20_000); r.Cost != want || r.Usage.InputTokens != result.Usage.PromptTokens || r.Usage.Estimated {
					t.Errorf("request %d cost %d, want %d; %+v", i, r.Cost, want, r.Usage)
				}
				if r.Tier != "nano" || r.Class != "" || r.Outcome != metricnames.OutcomeSuccess {
					t.Errorf("request %d: %+v", i, r)
				}
			}
			if r := g.record(0); r.Reason != "embeddings" {
				t.Errorf("reason %q", r.Reason)
			}
			if n := e.near.Stats().Models[embedder].PromptTokens; n == 0 || e.far.Stats().Requests+e.other.Stats().Requests != 0 {
				t.Errorf("%d tokens by the nearest", n)
			}
		})
	}
}

func TestEmbeddingsKeepWhatTheClientAskedFor(t *testing.T) {
	g, e := newEmbeddingGateway(t, "OpenAI")
	body := `{"input":["Boats"],"model":"auto","dimensions":16,"encoding_format":"base64","unknown":{"a":1}}`
	a := g.post("/v1/embeddings", body)
	wantStatus(t, a, 200)
	if !strings.Contains(a.body, `"embedding": "`) {
		t.Errorf("no base64: %s", a.body)
	}
	sent := e.near.Requests()
	if got := string(sent[len(sent)-1].Body); got != strings.Replace(body, "auto", embedder, 1) {
		t.Errorf("the provider got %s", got)
	}
}

func TestVectorsOfAnotherModelNeverTakeThePlaceOfTheFirst(t *testing.T) {
	g, e := newEmbeddingGateway(t, "OpenAI")
	client := g.sdk()
	failing := simulator.Faults{ErrorRates: map[int]float64{500: 1}}
	if err := e.near.SetFaults(failing); err != nil {
		t.Fatal(err)
	}
	result, err := client.Embeddings.New(t.Context(), embed("auto", "Boats"))
	if err != nil || result.Model != embedder {
		t.Fatalf("%v %+v", err, result)
	}
	if r := g.record(0); r.Provider != "OpenAICompatible" || r.Attempts != 2 || r.Cost != pricing.Picodollars(30_000) {
		t.Errorf("record %+v", r)
	}
	if err := e.far.SetFaults(failing); err != nil {
		t.Fatal(err)
	}
	_, err = client.Embeddings.New(t.Context(), embed("auto", "Boats"))
	var typed *openai.Error
	if !errors.As(err, &typed) || typed.StatusCode != 502 || typed.Message == "" {
		t.Errorf("%v", err)
	}
	if n := e.other.Stats().Requests; n != 0 {
		t.Errorf("another model was asked %d times", n)
	}
	g.wantNoChat(t)
}

// wantNoChat checks that no model that talks was asked for vectors.
func (g *gateway) wantNoChat(t *testing.T) {
	t.Helper()
	for name, p := range g.providers {
		if n := p.Stats().Requests; n != 0 {
			t.Errorf("%s was asked %d times for embeddings", name, n)
		}
	}
}

func TestAChatNeverGoesToAModelThatEmbeds(t *testing.T) {
	g, e := newEmbeddingGateway(t, "OpenAI")
	for _, name := range []string{"cheap", "first", "second", "strong"} {
		g.faults(name, simulator.Faults{ErrorRates: map[int]float64{503: 1}})
	}
	for path, body := range map[string]string{
		"/v1/chat/completions": `{"model":"tier:nano","messages":[{"role":"user","content":"hello"}]}`,
		"/v1/responses":        `{"model":"auto","input":"hello"}`,
		"/v1/messages":         `{"model":"text-embedding-3-small","max_tokens":9,"messages":[{"role":"user","content":"hello"}]}`,
		"/v1beta/models/tier:nano:generateContent":     `{"contents":[{"parts":[{"text":"hello"}]}]}`,
		"/v1beta/models/mistral-embed:generateContent": `{"contents":[{"parts":[{"text":"hello"}]}]}`,
	} {
		if a := g.post(path, body); a.status < 400 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
	for _, p := range []*simulator.Provider{e.near, e.far, e.other} {
		if n := p.Stats().Requests; n != 0 {
			t.Errorf("a model that embeds was asked %d times", n)
		}
	}
}

func TestEmbeddingsAreRefusedWhereNoModelMakesThem(t *testing.T) {
	g, _ := newEmbeddingGateway(t, "OpenAI")
	bare := newGateway(t, nil)
	for name, tt := range map[string]struct {
		gateway *gateway
		body    string
		status  int
		want    string
	}{
		"no such model in the policy": {bare, `{"model":"auto","input":"a"}`, 400, "Embeddings, which no model of"},
		"a model that talks":          {g, `{"model":"medium-1","input":"a"}`, 400, "makes no embeddings"},
		"no input":                    {g, `{"model":"auto"}`, 400, "input"},
		"an input that is none":       {g, `{"model":"auto","input":{}}`, 400, "input: must be a string or an array"},
		"an unknown model":            {g, `{"model":"none","input":"a"}`, 404, "is not one of this policy"},
		"the provider's own refusal":  {g, `{"model":"auto","input":"a","dimensions":9999}`, 400, "Invalid 'dimensions'"},
	} {
		t.Run(name, func(t *testing.T) {
			a := tt.gateway.post("/v1/embeddings", tt.body)
			wantStatus(t, a, tt.status)
			if message, _, _, _ := a.errorObject(t); !strings.Contains(message, tt.want) {
				t.Errorf("message %q, want %q", message, tt.want)
			}
		})
	}
	bare.wantNoChat(t)
	g.wantNoChat(t)
}

func TestEmbeddingsWithoutUsageAreChargedByAnEstimate(t *testing.T) {
	g, e := newEmbeddingGateway(t, "OpenAI")
	if err := e.near.SetFaults(simulator.Faults{NoUsage: true}); err != nil {
		t.Fatal(err)
	}
	client := g.sdk()
	tokens := slices.Repeat([]int64{9}, 700)
	if _, err := client.Embeddings.New(t.Context(), openai.EmbeddingNewParams{Model: "auto", Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfTokens: tokens}}); err != nil {
		t.Fatal(err)
	}
	r := g.record(0)
	if !r.Usage.Estimated || r.Usage.InputTokens != 700 || r.Usage.OutputTokens != 0 || r.Cost == 0 {
		t.Errorf("usage %+v, cost %d", r.Usage, r.Cost)
	}
}

func TestEmbeddingsMayBePinnedToATierByHeader(t *testing.T) {
	g, _ := newEmbeddingGateway(t, "OpenAI")
	client := g.sdk()
	result, err := client.Embeddings.New(t.Context(), embed("auto", "Boats"), option.WithHeader("X-Tiershift-Min-Tier", "mid"))
	if err != nil || result.Model != "mistral-embed" {
		t.Errorf("%v %+v", err, result)
	}
}

// The window of a model that embeds is that of each text, not of all together.
func TestManyTextsMayExceedTheWindowTogether(t *testing.T) {
	g := newGateway(t, func(c *routerconfig.Config) {
		addEmbedder(t, c, &c.Tiers[0], "near", embedder, "OpenAI", "0.02")
		c.Tiers[0].Models[1].ContextTokens = 100
	})
	client := g.sdk()
	result, err := client.Embeddings.New(t.Context(), embed("auto", slices.Repeat([]string{strings.Repeat("boat ", 60)}, 20)...))
	if err != nil || len(result.Data) != 20 {
		t.Fatal(err)
	}
}
