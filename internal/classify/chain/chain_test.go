package chain

import (
	"fmt"
	"math"
	"testing"

	"github.com/tiershift/tiershift/internal/classify"
	"github.com/tiershift/tiershift/internal/classify/model"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// fixed is a model that says the same of every prompt. The probabilities of the
// classes are those given, as far as they sum to 1.
func fixed(t testing.TB, tiers []string, quality, classes []float64) *model.Model {
	t.Helper()
	head := func(name string, p float64) model.Head {
		return model.Head{
			Name: name, Slope: 1, Bias: float32(math.Log(p / (1 - p))), Weights: make([]int8, model.Buckets), Dense: make([]float32, model.Columns()),
		}
	}
	var tierHeads, classHeads []model.Head
	for i, name := range tiers {
		tierHeads = append(tierHeads, head(name, quality[i]))
	}
	for i, p := range classes {
		classHeads = append(classHeads, head(model.Classes[i], p))
	}
	m, err := model.New(model.Card{}, nil, tierHeads, classHeads)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// asks are what a test asks of a chain over the tiers low, mid and top, which cost
// 1, 4 and 20 a token of the answer.
type asks struct {
	classification routerconfig.Classification
	model          *model.Model // nil: none
	text           string
	llm            string // what the LLM says; "-": it fails; "": none is asked
}

func (a *asks) decide(t *testing.T) (verdict Verdict, llmAsked bool) {
	t.Helper()
	chain, request := a.chain(t)
	if a.llm != "" {
		request.LLM = func() (routerconfig.Class, bool) {
			llmAsked = true
			return routerconfig.Class(a.llm), a.llm != "-"
		}
	}
	return chain.Decide(request), llmAsked
}

func (a *asks) chain(t *testing.T) (*Chain, *Request) {
	t.Helper()
	tiers := []string{"low", "mid", "top"}
	options := Options{Tiers: len(tiers), Classification: &a.classification, Cost: func(tier int, _, output int64) float64 {
		return []float64{1, 4, 20}[tier] * float64(output)
	}}
	if a.model != nil {
		fit, err := model.FitTiers(a.model.Tiers(), tiers)
		if err != nil {
			t.Fatal(err)
		}
		options.Classifier = func() *Classifier { return &Classifier{Model: a.model, Fit: fit} }
	}
	analyzer, err := classify.NewAnalyzer(nil, a.classification)
	if err != nil {
		t.Fatal(err)
	}
	in := classify.Input{Text: []byte(a.text), Tokens: 10, Turns: 1}
	in.UserText = in.Text
	var analysis classify.Analysis
	analyzer.Analyze(&in, &analysis)
	return New(options), &Request{Analysis: &analysis, Input: &in}
}

const (
	hello   = "hello" // SIMPLE to the preset, with a confidence of 0.77
	nothing = "Lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor"
)

func settings(change func(*routerconfig.Classification)) routerconfig.Classification {
	c := routerconfig.Classification{Preset: routerconfig.PresetStandard, Model: &routerconfig.ClassifierModel{MinConfidence: 0.6}}
	if change != nil {
		change(&c)
	}
	return c
}

func custom(class routerconfig.Class, confidence float64) func(*routerconfig.Classification) {
	return func(c *routerconfig.Classification) {
		c.Custom = []routerconfig.Rule{{Name: "mine", Class: class, Confidence: confidence, Match: routerconfig.PromptMatch{Keywords: []string{"hello", "lorem"}}}}
	}
}

func TestTheStepsAreAskedInTheirOrder(t *testing.T) {
	sure := fixed(t, nil, nil, []float64{0.05, 0.05, 0.9})
	easy := fixed(t, nil, nil, []float64{0.9, 0.05, 0.05})
	fair := fixed(t, nil, nil, []float64{0.15, 0.15, 0.7})
	unsure := fixed(t, nil, nil, []float64{0.3, 0.3, 0.4})
	tests := []struct {
		name        string
		asks        asks
		method      string
		class       routerconfig.Class
		tier        int
		neverReachd bool // the LLM must not be asked
	}{
		{"a rule that is sure decides without a classifier", asks{settings(nil), nil, hello, "COMPLEX"}, MethodRules, "SIMPLE", 0, true},
		{"a rule of the preset stands against a classifier that is fairly sure", asks{settings(nil), fair, hello, "COMPLEX"}, MethodRules, "SIMPLE", 0, true},
		{"no classifier overrules the preset upwards", asks{settings(nil), sure, hello, "SIMPLE"}, MethodRules, "SIMPLE", 0, true},
		{"a classifier that is sure overrules the preset downwards", asks{settings(nil), easy, "Prove it", "COMPLEX"}, MethodModel, "SIMPLE", 0, true},
		{"no classifier overrules the policy's own rule", asks{settings(custom("MODERATE", 0.8)), sure, hello, "SIMPLE"}, MethodRules, "MODERATE", 1, true},
		{"an own rule that is not sure decides nothing", asks{settings(custom("SIMPLE", 0.5)), fair, nothing, ""}, MethodModel, "COMPLEX", 2, true},
		{"without a rule the classifier decides", asks{settings(nil), fair, nothing, "SIMPLE"}, MethodModel, "COMPLEX", 2, true},
		{"a classifier below minConfidence leaves it to the LLM", asks{settings(nil), unsure, nothing, "MODERATE"}, MethodLLM, "MODERATE", 1, false},
		{"without an LLM nothing decided", asks{settings(nil), unsure, nothing, ""}, MethodNone, "", 0, true},
		{"an LLM that fails decided nothing", asks{settings(nil), unsure, nothing, "-"}, MethodNone, "", 0, false},
		{"a policy without a classifier goes from the rules to the LLM", asks{routerconfig.Classification{Preset: routerconfig.PresetNone}, sure, hello, "COMPLEX"}, MethodLLM, "COMPLEX", 2, false},
		{"a higher minConfidence makes the classifier unsure", asks{settings(func(c *routerconfig.Classification) { c.Model.MinConfidence = 0.95 }), sure, nothing, ""}, MethodNone, "", 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, asked := tt.asks.decide(t)
			if got.Method != tt.method || got.Class != tt.class || got.Decided() && got.Tier != tt.tier {
				t.Errorf("got %+v, want %s %s on tier %d", got, tt.method, tt.class, tt.tier)
			}
			if asked == tt.neverReachd {
				t.Errorf("the LLM was asked: %v", asked)
			}
		})
	}
}

func TestPredictedQualityFindsTheTier(t *testing.T) {
	classes := []float64{0.05, 0.9, 0.05}
	steep := fixed(t, []string{"low", "mid", "top"}, []float64{0.5, 0.8, 0.9}, classes)
	far := fixed(t, []string{"low", "mid", "top"}, []float64{0.5, 0.7, 0.9}, classes)
	flat := fixed(t, []string{"low", "mid", "top"}, []float64{0.9, 0.91, 0.92}, classes)
	hopeless := fixed(t, []string{"low", "mid", "top"}, []float64{0.2, 0.3, 0.35}, classes)
	generic := fixed(t, []string{"weak", "strong"}, []float64{0.5, 0.9}, classes)
	labels := fixed(t, nil, nil, classes)
	bare := fixed(t, []string{"low", "mid", "top"}, []float64{0.5, 0.8, 0.9}, nil)
	target := func(q float64) routerconfig.Classification {
		return settings(func(c *routerconfig.Classification) { c.TargetQuality = q })
	}
	byLength := settings(func(c *routerconfig.Classification) { c.ConsiderOutputLength = true })
	both := settings(func(c *routerconfig.Classification) { c.ConsiderOutputLength, c.TargetQuality = true, 0.7 })
	own := target(0.7)
	custom("SIMPLE", 0.9)(&own)
	tests := []struct {
		name   string
		asks   asks
		method string
		tier   int
	}{
		{"the cheapest tier that reaches the target wins", asks{target(0.75), steep, nothing, ""}, MethodModel, 1},
		{"a higher target needs a higher tier", asks{target(0.88), steep, nothing, ""}, MethodModel, 2},
		{"a target that the lowest reaches costs least", asks{target(0.9), flat, nothing, ""}, MethodModel, 0},
		{"a low target is enough, whatever minConfidence says", asks{target(0.45), steep, nothing, ""}, MethodModel, 0},
		{"what no tier reaches goes to the best, if that is likely to answer well", asks{target(0.99), far, nothing, ""}, MethodModel, 2},
		{"where none is likely to answer well nothing is decided", asks{target(0.9), hopeless, nothing, ""}, MethodNone, 0},
		{"the preset does not decide over predicted quality", asks{target(0.88), steep, hello, ""}, MethodModel, 2},
		{"the preset decides where predicted quality does not", asks{target(0.9), hopeless, hello, ""}, MethodRules, 0},
		{"the policy's own rule does", asks{own, steep, hello, ""}, MethodRules, 0},
		{"a generic model is spread over the tiers", asks{target(0.65), generic, nothing, ""}, MethodModel, 1},
		{"labels say nothing of quality, so the class decides", asks{target(0.9), labels, nothing, ""}, MethodModel, 1},
		{"without classes the best value decides", asks{settings(nil), bare, nothing, ""}, MethodModel, 1},
		{"a medium answer is worth its price on the tier in the middle", asks{byLength, steep, nothing, ""}, MethodModel, 1},
		{"a long answer is not", asks{byLength, steep, "Lorem ipsum in 9,000 words", ""}, MethodModel, 0},
		{"a short answer is cheap on the highest", asks{byLength, steep, "Lorem ipsum in one word", ""}, MethodModel, 2},
		{"with a target length only chooses among those that reach it", asks{both, steep, "Lorem ipsum in 9,000 words", ""}, MethodModel, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := tt.asks.decide(t)
			if got.Method != tt.method || got.Decided() && got.Tier != tt.tier {
				t.Errorf("got %+v, want %s on tier %d", got, tt.method, tt.tier)
			}
		})
	}
}

func TestADearerLowTierIsNotTheCheapest(t *testing.T) {
	if got := cheapest([]float32{0.8, 0.85, 0.9}, []float64{0.5, 0.2, 1}, 0.75); got != 1 {
		t.Errorf("chose tier %d", got)
	}
}

func TestDecidingDoesNotAllocate(t *testing.T) {
	a := asks{classification: settings(nil), model: fixed(t, []string{"weak", "strong"}, []float64{0.5, 0.9}, []float64{0.1, 0.8, 0.1})}
	fit, err := model.FitTiers(a.model.Tiers(), []string{"low", "mid", "top"})
	if err != nil {
		t.Fatal(err)
	}
	classifier := &Classifier{Model: a.model, Fit: fit}
	c := New(Options{Tiers: 3, Classification: &a.classification, Classifier: func() *Classifier { return classifier }})
	analyzer, err := classify.NewAnalyzer(nil, a.classification)
	if err != nil {
		t.Fatal(err)
	}
	in := classify.Input{Text: []byte(nothing), UserText: []byte(nothing), Tokens: 10, Turns: 1}
	var analysis classify.Analysis
	request := Request{Analysis: &analysis, Input: &in}
	decide := func() {
		analyzer.Analyze(&in, &analysis)
		c.Decide(&request)
	}
	decide()
	if n := testing.AllocsPerRun(50, decide); n >= 1 && !raceDetector { // now and then the pool is emptied
		t.Errorf("%v allocations", n)
	}
}

func TestTiersOfAModelAndOfAPolicy(t *testing.T) {
	tests := []struct {
		name          string
		model, policy []string
		want          string // qualities of 0.1, 0.2, 0.3 …; or the error
	}{
		{"its own tiers go by name", []string{"a", "b", "c"}, []string{"a", "c"}, "[0.1 0.3]"},
		{"its own tiers go by name whatever their order", []string{"a", "b"}, []string{"b", "a"}, "[0.2 0.1]"},
		{"generic ones are spread", []string{"weak", "strong"}, []string{"x", "y", "z"}, "[0.1 0.15 0.2]"},
		{"a policy may have tiers of generic names", []string{"weak", "mid", "strong"}, []string{"weak", "strong"}, "[0.1 0.3]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fit, err := model.FitTiers(tt.model, tt.policy)
			if err != nil {
				t.Fatal(err)
			}
			got := fit.Qualities(nil, []float32{0.1, 0.2, 0.3}[:len(tt.model)])
			if text := format(got); text != tt.want {
				t.Errorf("got %s, want %s", text, tt.want)
			}
		})
	}
	_, err := model.FitTiers([]string{"a", "b"}, []string{"a", "c", "d"})
	const want = "it predicts for the tiers a, b and knows nothing of c, d: train it on outcomes named after the policy's tiers (a, c, d), or after weak, mid, strong"
	if err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func format(qualities []float32) string {
	rounded := make([]float64, len(qualities))
	for i, q := range qualities {
		rounded[i] = math.Round(float64(q)*100) / 100
	}
	return fmt.Sprint(rounded)
}
