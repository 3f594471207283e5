package compile

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// shop is a policy with three tiers, two of them at an account with a key.
const shop = `
apiVersion: tiershift.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: desk, namespace: shop}
spec:
  tiers: [{name: low}, {name: mid}, {name: top}]
  defaultTier: low
  baseline: {tier: top}
  classification: {lowConfidenceTier: mid}
  routes:
    - {name: medical, match: {prompt: {keywords: [dosage]}}, minTier: top}
    - {name: careful, match: {paths: [/careful]}, minTier: mid}
    - {name: thrifty, match: {paths: [/thrifty]}, maxTier: mid}
    - {name: pinned, match: {paths: [/pinned]}, tier: mid}
    - {name: chat, match: {}}
  gateway:
    auth: {mode: APIKeys, secretRef: {name: clients}}
---
apiVersion: tiershift.dev/v1alpha1
kind: ModelTier
metadata: {name: low, namespace: shop}
spec:
  rank: 10
  models:
    - {name: small, credentialRef: {name: local}, pricing: {inputPerMillion: "1", outputPerMillion: "2"}}
---
apiVersion: tiershift.dev/v1alpha1
kind: ModelTier
metadata: {name: mid, namespace: shop}
spec:
  rank: 20
  models:
    - {name: gpt-5-mini, credentialRef: {name: openai}}
---
apiVersion: tiershift.dev/v1alpha1
kind: ModelTier
metadata: {name: top, namespace: shop}
spec:
  rank: 30
  models:
    - {name: gpt-5, credentialRef: {name: openai}}
---
apiVersion: tiershift.dev/v1alpha1
kind: ProviderCredential
metadata: {name: local, namespace: shop}
spec: {provider: OpenAICompatible, endpoint: "http://models.shop.svc/v1"}
---
apiVersion: tiershift.dev/v1alpha1
kind: ProviderCredential
metadata: {name: openai, namespace: shop}
spec: {provider: OpenAI, secretRef: {name: keys, key: openai}}
---
apiVersion: v1
kind: Secret
metadata: {name: keys, namespace: shop}
stringData: {openai: k}
---
apiVersion: v1
kind: Secret
metadata: {name: clients, namespace: shop}
stringData: {web: k}
`

func shopInput(t *testing.T) Input {
	t.Helper()
	return parseInputs(t, []byte(strings.TrimPrefix(shop, "\n")))[0]
}

func tierOf(in *Input, name string) *v1alpha1.ModelTier {
	return &in.Tiers[slices.IndexFunc(in.Tiers, func(t v1alpha1.ModelTier) bool { return t.Name == name })]
}

func routeOf(c *routerconfig.Config, name string) *routerconfig.Route {
	return &c.Routes[slices.IndexFunc(c.Routes, func(r routerconfig.Route) bool { return r.Name == name })]
}

func tierNames(c *routerconfig.Config) string {
	var names []string
	for _, t := range c.Tiers {
		names = append(names, t.Name)
	}
	return strings.Join(names, " ")
}

func deleteTier(name string) func(*Input) {
	return func(in *Input) {
		in.Tiers = slices.DeleteFunc(in.Tiers, func(t v1alpha1.ModelTier) bool { return t.Name == name })
	}
}

// breakTier leaves the tier, and its rank, without a usable model.
func breakTier(name string) func(*Input) {
	return func(in *Input) {
		for i := range tierOf(in, name).Spec.Models {
			tierOf(in, name).Spec.Models[i].CredentialRef.Name = "gone"
		}
	}
}

func both(edits ...func(*Input)) func(*Input) {
	return func(in *Input) {
		for _, edit := range edits {
			edit(in)
		}
	}
}

func TestDecisions(t *testing.T) {
	type config = routerconfig.Config
	served := func(c *config, route string) bool { return routeOf(c, route).Unavailable == "" }
	tests := []struct {
		name string
		edit func(*Input)
		hold func(*config) bool
	}{
		{"with everything in place nothing stands in for anything", both(), func(c *config) bool {
			return tierNames(c) == "low mid top" && c.DefaultTier == "low" && routeOf(c, "medical").MinTier == "top" && c.Baseline.Model == "gpt-5"
		}},
		{"a floor whose tier is gone refuses its requests", deleteTier("top"), func(c *config) bool { return !served(c, "medical") }},
		{"a floor whose tier is gone costs no other route", deleteTier("top"), func(c *config) bool {
			return served(c, "chat") && served(c, "careful") && served(c, "thrifty") && served(c, "pinned")
		}},
		{"a floor at the top is never lowered", breakTier("top"), func(c *config) bool { return !served(c, "medical") }},
		{"a floor in the middle is raised", breakTier("mid"), func(c *config) bool { return routeOf(c, "careful").MinTier == "top" }},
		{"a ceiling is lowered", breakTier("mid"), func(c *config) bool { return routeOf(c, "thrifty").MaxTier == "low" }},
		{"a ceiling whose tier is gone refuses its requests", deleteTier("mid"), func(c *config) bool { return !served(c, "thrifty") }},
		{"a ceiling with nothing below it refuses its requests", both(breakTier("low"), breakTier("mid")), func(c *config) bool { return !served(c, "thrifty") }},
		{"a pin is raised", breakTier("mid"), func(c *config) bool { return routeOf(c, "pinned").Tier == "top" }},
		{"a pin is never lowered", both(breakTier("mid"), breakTier("top")), func(c *config) bool { return !served(c, "pinned") }},
		{"a refused route names no tier, so that nothing can be read into it", deleteTier("top"), func(c *config) bool {
			r := routeOf(c, "medical")
			return r.Tier == "" && r.MinTier == "" && r.MaxTier == "" && r.Split == nil
		}},
		{"the default moves up", breakTier("low"), func(c *config) bool { return c.DefaultTier == "mid" }},
		{"the default moves down only when nothing is above", both(func(in *Input) { in.Policy.Spec.DefaultTier = "top" }, breakTier("top")), func(c *config) bool {
			return c.DefaultTier == "mid"
		}},
		{"the default of unknown rank moves to the top", deleteTier("low"), func(c *config) bool { return c.DefaultTier == "top" }},
		{"the low-confidence tier moves up", breakTier("mid"), func(c *config) bool { return c.Classification.LowConfidenceTier == "top" }},
		{"a missing Secret takes its account's tiers with it, and no other", func(in *Input) { delete(in.SecretKeys, "keys") }, func(c *config) bool {
			return tierNames(c) == "low" && len(c.Providers) == 1 && !served(c, "medical") && served(c, "chat")
		}},
		{"an empty key is a missing key", func(in *Input) { in.SecretKeys["keys"] = []string{} }, func(c *config) bool { return tierNames(c) == "low" }},
		{"accounts that nothing uses are left out", func(in *Input) { in.Policy.Spec.Tiers = in.Policy.Spec.Tiers[:1] }, func(c *config) bool {
			return len(c.Providers) == 1 && c.Providers[0].Name == "local"
		}},
		{"a missing Secret of the clients lets nobody in", func(in *Input) { delete(in.SecretKeys, "clients") }, func(c *config) bool {
			return c.Auth.Mode == routerconfig.AuthAPIKeys
		}},
		{"an unknown auth mode lets nobody in", func(in *Input) { in.Policy.Spec.Gateway.Auth.Mode = "Basic" }, func(c *config) bool {
			return c.Auth.Mode == routerconfig.AuthClosed && c.Auth.Reason != ""
		}},
		{"a tier that is listed twice counts once", func(in *Input) {
			in.Policy.Spec.Tiers = append(in.Policy.Spec.Tiers, v1alpha1.TierReference{Name: "low"})
		}, func(c *config) bool { return tierNames(c) == "low mid top" }},
		{"a bound that is not listed refuses its requests", func(in *Input) { in.Policy.Spec.Routes[1].MinTier = "other" }, func(c *config) bool {
			return !served(c, "careful") && served(c, "chat")
		}},
		{"a tier that makes no sense costs just itself", func(in *Input) { tierOf(in, "mid").Spec.Selection = "Random" }, func(c *config) bool {
			return tierNames(c) == "low top"
		}},
		{"a model that makes no sense costs just itself", func(in *Input) { tierOf(in, "mid").Spec.Models[0].Weight = new(int32(-1)) }, func(c *config) bool {
			return tierNames(c) == "low top"
		}},
		{"the price of the day is in force", func(in *Input) {
			in.Policy.Spec.Baseline = nil
			tierOf(in, "top").Spec.Models[0].Name = "gpt-5-nano"
		}, func(c *config) bool { return c.Baseline.Price.Input == "0.05" }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := shopInput(t)
			tt.edit(&in)
			r := Compile(in)
			if r.Config == nil || !tt.hold(r.Config) {
				t.Errorf("does not hold of %+v\nproblems: %v", r.Config, r.Problems)
			}
		})
	}
}

// Whatever is missing, no request of a route may reach a tier below its floor
// or above its ceiling: the ranks of what is compiled tell.
func TestNoMissingTierMovesABound(t *testing.T) {
	const states = 3 // present, without usable model, deleted
	names := []string{"low", "mid", "top"}
	ranks := map[string]int32{"low": 10, "mid": 20, "top": 30}
	for state := range states * states * states {
		in := shopInput(t)
		for i, s := 0, state; i < len(names); i, s = i+1, s/states {
			switch s % states {
			case 1:
				breakTier(names[i])(&in)
			case 2:
				deleteTier(names[i])(&in)
			}
		}
		config := Compile(in).Config
		if config == nil {
			continue // no tier is left
		}
		for i := range config.Routes {
			compiled, spec := &config.Routes[i], &in.Policy.Spec.Routes[i]
			if compiled.Unavailable != "" {
				continue
			}
			floor := max(ranks[string(spec.MinTier)], ranks[string(spec.Tier)])
			if floor > 0 && max(ranks[compiled.MinTier], ranks[compiled.Tier]) < floor {
				t.Errorf("state %d: %+v serves below its floor", state, compiled)
			}
			if spec.MaxTier != "" && (compiled.MaxTier == "" || ranks[compiled.MaxTier] > ranks[string(spec.MaxTier)]) {
				t.Errorf("state %d: %+v serves above its ceiling", state, compiled)
			}
		}
	}
}

func TestEveryProblemSaysWhereAndWhatToDo(t *testing.T) {
	in := shopInput(t)
	both(deleteTier("top"), breakTier("mid"))(&in)
	for _, p := range Compile(in).Problems {
		if p.Field == "" || p.Reason == "" || p.Message == "" || p.Object.Name == "" || p.Object.Namespace != "shop" {
			t.Errorf("%+v lacks something", p)
		}
	}
}

func TestACompiledConfigCarriesItsDigest(t *testing.T) {
	config := Compile(shopInput(t)).Config
	digest, err := routerconfig.Digest(config)
	if err != nil || config.Digest != digest {
		t.Errorf("carries %q, has %q, %v", config.Digest, digest, err)
	}
}

func TestTheOrderOfWhatIsGatheredDoesNotMatter(t *testing.T) {
	in := shopInput(t)
	in.Policy.Spec.Routes[4].Shift = &v1alpha1.Shift{Mode: v1alpha1.ShiftAutomatic, Objectives: &v1alpha1.ShiftObjectives{MinQuality: "0.9"}}
	in.Policy.Status.Routes = []v1alpha1.RouteStatus{{Name: "chat", Split: []v1alpha1.TierShare{{Tier: "low", Percent: 60}, {Tier: "mid", Percent: 30}, {Tier: "top", Percent: 10}}}}
	deleteTier("low")(&in)
	in.Tiers = append(in.Tiers, *tierOf(&in, "mid").DeepCopy()) // equal rank, to be told apart by name
	in.Tiers[len(in.Tiers)-1].Name = "low"
	want := Compile(in)
	wantBytes := encoded(t, want)
	if len(routeOf(want.Config, "chat").Split) != 3 {
		t.Fatal("the split is not taken")
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		in := deepCopy(in)
		shuffle(random, in.Tiers)
		shuffle(random, in.Credentials)
		shuffle(random, in.Policy.Status.Routes[0].Split)
		for _, keys := range in.SecretKeys {
			shuffle(random, keys)
		}
		got := Compile(in)
		if !slices.Equal(got.Problems, want.Problems) || !slices.Equal(got.Models, want.Models) {
			t.Fatalf("problems or models differ:\n%v\n%v", got, want)
		}
		shuffle(random, in.Policy.Spec.Tiers) // which the API says to be in any order
		if data := encoded(t, Compile(in)); !bytes.Equal(encoded(t, got), wantBytes) || !bytes.Equal(data, wantBytes) {
			t.Fatalf("got\n%s\nwant\n%s", data, wantBytes)
		}
	}
}

func TestCompileChangesNothingThatItIsGiven(t *testing.T) {
	in := shopInput(t)
	in.Policy.Spec.Fallback = &v1alpha1.Fallback{On: []v1alpha1.FallbackCause{"Timeout", "RateLimited"}}
	in.Policy.Spec.Routes[0].Match.Headers = map[string]v1alpha1.HeaderValue{"X-B": "1", "x-a": "2"}
	before := deepCopy(in)
	Compile(in)
	if !equalObjects(&in, &before) {
		t.Error("the input changed")
	}
}

func TestThePriceToComeIsSaid(t *testing.T) {
	in := shopInput(t)
	in.Credentials = append(in.Credentials, *in.Credentials[1].DeepCopy())
	anthropic := &in.Credentials[len(in.Credentials)-1]
	anthropic.Name, anthropic.Spec.Provider = "anthropic", v1alpha1.ProviderAnthropic
	tierOf(&in, "top").Spec.Models[0] = v1alpha1.TierModel{Name: "claude-sonnet-5", CredentialRef: v1alpha1.CredentialReference{Name: "anthropic"}}
	r := Compile(in)
	if want := time.Date(2026, time.September, 1, 0, 0, 0, 0, time.UTC); !r.PricesUntil.Equal(want) || r.Config.Baseline.Price.Input != "2" {
		t.Fatalf("input costs %s until %s, want 2 until %s", r.Config.Baseline.Price.Input, r.PricesUntil, want)
	}
	in.At = r.PricesUntil
	if r = Compile(in); r.Config.Baseline.Price.Input != "3" || !r.PricesUntil.IsZero() {
		t.Errorf("then input costs %s until %s, want 3 from then on", r.Config.Baseline.Price.Input, r.PricesUntil)
	}
}

func TestProblemsReadAsLines(t *testing.T) {
	in := shopInput(t)
	deleteTier("mid")(&in)
	want := `Degraded: RoutingPolicy shop/desk: spec.tiers[1].name: ModelTier "mid" does not exist in namespace shop: create it, or remove it from the policy`
	problems := Compile(in).Problems
	if !slices.ContainsFunc(problems, func(p Problem) bool { return p.String() == want }) {
		t.Errorf("got %v\nwant %s among them", problems, want)
	}
}

func encoded(t *testing.T, r Result) []byte {
	t.Helper()
	if r.Config == nil {
		t.Fatalf("no config: %v", r.Problems)
	}
	data, err := routerconfig.Encode(r.Config)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func shuffle[T any](random *rand.Rand, list []T) {
	random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

func deepCopy(in Input) Input {
	out := in
	out.Policy = in.Policy.DeepCopy()
	out.Tiers, out.Credentials, out.SecretKeys = nil, nil, map[string][]string{}
	for i := range in.Tiers {
		out.Tiers = append(out.Tiers, *in.Tiers[i].DeepCopy())
	}
	for i := range in.Credentials {
		out.Credentials = append(out.Credentials, *in.Credentials[i].DeepCopy())
	}
	for name, keys := range in.SecretKeys {
		out.SecretKeys[name] = slices.Clone(keys)
	}
	return out
}

func equalObjects(a, b *Input) bool {
	objects := func(in *Input) []runtime.Object {
		list := []runtime.Object{in.Policy}
		for i := range in.Tiers {
			list = append(list, &in.Tiers[i])
		}
		for i := range in.Credentials {
			list = append(list, &in.Credentials[i])
		}
		return list
	}
	return slices.EqualFunc(objects(a), objects(b), func(x, y runtime.Object) bool { return equal(x, y) })
}

func BenchmarkCompile(b *testing.B) {
	for name, file := range map[string]string{"quickstart": "testdata/quickstart.in.yaml", "advanced": "testdata/advanced.in.yaml"} {
		in := readInputs(b, file)[0]
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Compile(in)
			}
		})
	}
}
