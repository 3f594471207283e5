package routerconfig

import "time"

// sample is a config with something in every field.
func sample() *Config {
	hasCode := true
	return &Config{
		APIVersion: APIVersion, Namespace: "shop", Policy: "support", Generation: 7,
		Providers: []Provider{
			{
				Name: "azure", Kind: "AzureOpenAI", Wire: WireOpenAI, BaseURL: "https://contoso.openai.azure.com/openai/v1",
				KeyScheme: KeyAPIKeyHeader, KeyFile: "azure/key", NextKeyFile: "azure-next/key", Headers: []KeyValue{{"x-team", "search"}},
			},
			{Name: "local", Kind: "OpenAICompatible", Wire: WireOpenAI, BaseURL: "http://127.0.0.1:8000/v1", KeyScheme: KeyBearer},
		},
		Tiers: []Tier{
			{Name: "low", Rank: 10, Selection: SelectionWeighted, Models: []Model{sampleModel("small", "local"), sampleModel("small", "azure")}},
			{Name: "high", Rank: 20, Selection: SelectionOrdered, Models: []Model{sampleModel("large", "azure")}},
		},
		DefaultTier: "low",
		Baseline:    Baseline{Tier: "high", Model: "large", Price: samplePrice()},
		Classification: Classification{
			Preset: PresetStandard, LowConfidenceTier: "high", TargetQuality: 0.9, ConsiderOutputLength: true,
			Model:  &ClassifierModel{File: "classifier/model.json", MinConfidence: 0.6},
			LLM:    &LLMClassifier{Tier: "low", Timeout: Duration(800 * time.Millisecond), CacheTTL: Duration(10 * time.Minute)},
			Custom: []Rule{{Name: "long", Class: ClassComplex, Confidence: 0.8, Match: PromptMatch{MinTokens: 4000, Keywords: []string{"proof"}}, Expression: "prompt.turns > 3"}},
		},
		Routes: []Route{
			{
				Name: "review", Tier: "high", MaxOutputTokens: 900,
				Match: Match{
					Paths: []string{"/api/review"}, ModelNames: []string{"reviewer"},
					Headers: []KeyValue{{"x-plan", "premium"}}, Metadata: []KeyValue{{"team", "core"}},
					Prompt: PromptMatch{MinTokens: 1, MaxTokens: 9, Keywords: []string{"diff"}, Pattern: "a+", HasCode: &hasCode}, Expression: "request.stream",
				},
			},
			{
				Name: "chat", MinTier: "low", MaxTier: "high", Split: []Share{{"low", 70}, {"high", 30}},
				Models:   []ModelShare{{"low", "small", "AzureOpenAI", 90}, {"low", "small", "OpenAICompatible", 10}},
				Validate: &Validation{JSONSchema: "{}", Pattern: "a+", MinLength: 1, RejectRefusals: true, RejectTruncated: true, Streaming: StreamingBuffer},
				Judge:    &Judge{Tier: "high", SamplePercent: 2.5, Rubric: "be kind", MaxCostUSDPerDay: "0.5"},
			},
			{Name: "legal", Unavailable: "tier top does not exist"},
		},
		Fallback: Fallback{On: []Cause{CauseRateLimited, CauseTimeout}, MaxAttempts: 3, Backoff: Duration(100 * time.Millisecond)},
		Auth:     Auth{Mode: AuthAPIKeys, ClientsDir: "clients"},

		RequestIDs: RequestIDs{KeyFile: "support-request-ids/key"},
	}
}

func sampleModel(name, provider string) Model {
	return Model{
		Name: name, Provider: provider, Weight: 100, Price: samplePrice(), ContextTokens: 128000, MaxOutputTokens: 4096,
		Capabilities: []string{"Tools", "Vision"},
		Timeouts:     Timeouts{FirstToken: Duration(30 * time.Second), Idle: Duration(time.Minute), Request: Duration(10 * time.Minute)},
	}
}

func samplePrice() Price {
	return Price{
		Input: "3;>200000:6", CachedInput: "0.3", CacheWrite: "3.75", CacheWrite1h: "6", Output: "15",
		ReasoningOutput: "15", BatchDiscountPercent: 50,
	}
}
