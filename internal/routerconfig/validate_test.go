package routerconfig

import (
	"errors"
	"math"
	"strings"
	"testing"
)

func TestTheSampleIsValid(t *testing.T) {
	if err := sample().Validate(); err != nil {
		t.Fatal(err)
	}
}

// broken is a config with one fault, and all that Validate has to say of it.
type broken struct {
	name string
	edit func(*Config)
	want string
}

func checkBroken(t *testing.T, tests []broken) {
	t.Helper()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := sample()
			tt.edit(c)
			err := c.Validate()
			if err == nil {
				t.Fatalf("is valid, want %s", tt.want)
			}
			if err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			var fault *FieldError
			if !errors.As(err, &fault) {
				t.Errorf("%v is no FieldError", err)
			}
		})
	}
}

func TestValidateDocument(t *testing.T) {
	checkBroken(t, []broken{
		{"another version", func(c *Config) { c.APIVersion = "router.tiershift.dev/v2" }, `apiVersion is "router.tiershift.dev/v2", this router reads "router.tiershift.dev/v1"`},
		{"no policy", func(c *Config) { c.Policy = "" }, `policy is empty`},
		{"a policy of two lines", func(c *Config) { c.Policy = "a\nb" }, `policy has a control character: "a\nb"`},
		{"no default tier", func(c *Config) { c.DefaultTier = "" }, `defaultTier names no tier of the config: ""`},
		{"unknown default tier", func(c *Config) { c.DefaultTier = "top" }, `defaultTier names no tier of the config: "top"`},
		{"baseline without tier", func(c *Config) { c.Baseline.Tier = "" }, `baseline.tier is empty`},
		{"baseline without model", func(c *Config) { c.Baseline.Model = "" }, `baseline.model is empty`},
		{"baseline without price", func(c *Config) { c.Baseline.Price.Output = "" }, `baseline.price.output is not a price: ""`},
		{"no attempt", func(c *Config) { c.Fallback.MaxAttempts = 0 }, `fallback.maxAttempts must be at least 1`},
		{"negative backoff", func(c *Config) { c.Fallback.Backoff = -1 }, `fallback.backoff is negative`},
		{"unknown cause", func(c *Config) { c.Fallback.On = []Cause{"Boredom"} }, `fallback.on "Boredom" is unknown to this router`},
		{"unsorted causes", func(c *Config) { c.Fallback.On = []Cause{CauseTimeout, CauseRateLimited} }, `fallback.on must be sorted without repeats at "RateLimited"`},
		{"a cause twice", func(c *Config) { c.Fallback.On = []Cause{CauseTimeout, CauseTimeout} }, `fallback.on must be sorted without repeats at "Timeout"`},
		{"no auth mode", func(c *Config) { c.Auth = Auth{} }, `auth.mode "" is unknown to this router`},
		{"unknown auth mode", func(c *Config) { c.Auth.Mode = "OIDC" }, `auth.mode "OIDC" is unknown to this router`},
		{"keys from nowhere", func(c *Config) { c.Auth.ClientsDir = "" }, `auth.clientsDir is empty: no client could be let in`},
		{"keys from outside", func(c *Config) { c.Auth.ClientsDir = "../clients" }, `auth.clientsDir must be a clean relative path: "../clients"`},
		{"keys from the whole directory", func(c *Config) { c.Auth.ClientsDir = "." }, `auth.clientsDir must be a clean relative path: "."`},
		{"closed without reason", func(c *Config) { c.Auth = Auth{Mode: AuthClosed} }, `auth.reason is empty: a closed gateway must say why`},
	})
}

func TestValidateClassificationSteps(t *testing.T) {
	model := func(edit func(*ClassifierModel)) func(*Config) {
		return func(c *Config) { edit(c.Classification.Model) }
	}
	llm := func(edit func(*LLMClassifier)) func(*Config) { return func(c *Config) { edit(c.Classification.LLM) } }
	checkBroken(t, []broken{
		{"a quality above 1", func(c *Config) { c.Classification.TargetQuality = 1.1 }, `classification.targetQuality must be 0 to 1`},
		{"a quality that is no number", func(c *Config) { c.Classification.TargetQuality = math.NaN() }, `classification.targetQuality must be 0 to 1`},
		{"a negative confidence", model(func(m *ClassifierModel) { m.MinConfidence = -0.1 }), `classification.model.minConfidence must be 0 to 1`},
		{"a classifier from outside", model(func(m *ClassifierModel) { m.File = "../model.json" }), `classification.model.file must be a clean relative path: "../model.json"`},
		{"no tier to ask", llm(func(l *LLMClassifier) { l.Tier = "" }), `classification.llm.tier names no tier of the config: ""`},
		{"no time to answer", llm(func(l *LLMClassifier) { l.Timeout = 0 }), `classification.llm.timeout must be positive`},
		{"a verdict that is forgotten before it comes", llm(func(l *LLMClassifier) { l.CacheTTL = -1 }), `classification.llm.cacheTTL is negative`},
	})
}

func TestValidateProviders(t *testing.T) {
	const url = "providers[0].baseURL "
	checkBroken(t, []broken{
		{"no name", func(c *Config) {
			c.Providers = append([]Provider{{}}, c.Providers...)
			c.Providers[0] = c.Providers[1]
			c.Providers[0].Name = ""
		}, `providers[0].name is empty`},
		{"twice", func(c *Config) { c.Providers = append(c.Providers, c.Providers[0]) }, `providers[2].name "azure" is listed twice`},
		{"no kind", func(c *Config) { c.Providers[0].Kind = "" }, "providers[0].kind is empty\nroutes[1].models tier low has no model \"small\" at \"AzureOpenAI\""},
		{"a kind that ends its header line", func(c *Config) { c.Providers[0].Kind, c.Routes[1].Models = "a\r\nb", nil }, `providers[0].kind has a control character: "a\r\nb"`},
		{"unknown wire", func(c *Config) { c.Providers[0].Wire = "soap" }, `providers[0].wire "soap" is unknown to this router`},
		{"unknown key scheme", func(c *Config) { c.Providers[0].KeyScheme = "basic" }, `providers[0].keyScheme "basic" is unknown to this router`},
		{"no URL", func(c *Config) { c.Providers[0].BaseURL = "" }, url + "must be http or https\n" + url + "has no host"},
		{"relative URL", func(c *Config) { c.Providers[0].BaseURL = "/v1" }, url + "must be http or https\n" + url + "has no host"},
		{"other scheme", func(c *Config) { c.Providers[0].BaseURL = "ftp://host" }, url + "must be http or https"},
		{"no host", func(c *Config) { c.Providers[0].BaseURL = "https:///v1" }, url + "has no host"},
		{"a port and no host", func(c *Config) { c.Providers[0].BaseURL = "https://:443/v1" }, url + "has no host"},
		{"a password, which is not repeated", func(c *Config) { c.Providers[0].BaseURL = "https://me:hunter2@host" }, url + "must not hold credentials: they belong in a Secret"},
		{"not a URL, which is not repeated", func(c *Config) { c.Providers[0].BaseURL = "https://me:hunter2@ho\x7fst" }, url + "is not a URL"},
		{"query", func(c *Config) { c.Providers[0].BaseURL = "https://host?api-version=1" }, url + "must have neither query nor fragment"},
		{"empty query", func(c *Config) { c.Providers[0].BaseURL = "https://host?" }, url + "must have neither query nor fragment"},
		{"fragment", func(c *Config) { c.Providers[0].BaseURL = "https://host#a" }, url + "must have neither query nor fragment"},
		{"slash at the end", func(c *Config) { c.Providers[0].BaseURL = "https://host/" }, url + "must not end with a slash"},
		{"space", func(c *Config) { c.Providers[0].BaseURL = "https://host/a b" }, url + "must not contain a space"},
		{"absolute key file", func(c *Config) { c.Providers[0].KeyFile = "/etc/passwd" }, `providers[0].keyFile must be a clean relative path: "/etc/passwd"`},
		{"key file outside", func(c *Config) { c.Providers[0].KeyFile = ".." }, `providers[0].keyFile must be a clean relative path: ".."`},
		{"key file by a detour", func(c *Config) { c.Providers[0].KeyFile = "a/../b" }, `providers[0].keyFile must be a clean relative path: "a/../b"`},
		{"next key file outside", func(c *Config) { c.Providers[0].NextKeyFile = "../a" }, `providers[0].nextKeyFile must be a clean relative path: "../a"`},
		{"next key file alone", func(c *Config) { c.Providers[0].KeyFile = "" }, `providers[0].nextKeyFile needs a keyFile to take over from`},
		{"header without name", func(c *Config) { c.Providers[0].Headers = []KeyValue{{"", "a"}} }, "providers[0].headers has an empty name\nproviders[0].headers has the invalid name \"\""},
		{"header with a colon", func(c *Config) { c.Providers[0].Headers = []KeyValue{{"a:", "a"}} }, `providers[0].headers has the invalid name "a:"`},
		{"header of two lines", func(c *Config) { c.Providers[0].Headers = []KeyValue{{"a", "b\r\nc: d"}} }, `providers[0].headers "a" has a value with a control character`},
		{"header with a key", func(c *Config) { c.Providers[0].Headers = []KeyValue{{"X-API-Key", "a"}} }, `providers[0].headers must not hold a key or control the connection: "X-API-Key"`},
		{"unsorted headers", func(c *Config) { c.Providers[0].Headers = []KeyValue{{"b", ""}, {"a", ""}} }, `providers[0].headers must be sorted by name without repeats at "a"`},
	})
}

func TestValidateTiers(t *testing.T) {
	checkBroken(t, []broken{
		{"none", func(c *Config) {
			*c = Config{APIVersion: c.APIVersion, Policy: "p", Baseline: c.Baseline, Classification: Classification{Preset: PresetNone}, Fallback: c.Fallback, Auth: c.Auth}
		}, "tiers is empty: there is nothing to route to\ndefaultTier names no tier of the config: \"\""},
		{"no name", func(c *Config) { c.Tiers = append([]Tier{c.Tiers[0]}, c.Tiers...); c.Tiers[0].Name = "" }, `tiers[0].name is empty`},
		{"twice", func(c *Config) { c.Tiers = append(c.Tiers, c.Tiers[1]) }, `tiers[2].name "high" is listed twice`},
		{"ranks descend", func(c *Config) { c.Tiers[0].Rank = 21 }, `tiers[1].rank must ascend: 20 comes after 21`},
		{"unknown selection", func(c *Config) { c.Tiers[0].Selection = "Random" }, `tiers[0].selection "Random" is unknown to this router`},
		{"no model", func(c *Config) { c.Tiers[0].Models, c.Routes[1].Models = nil, nil }, `tiers[0].models is empty`},
		{"more models than there are bits", func(c *Config) {
			c.Tiers[1].Models = nil
			for i := range 33 {
				c.Tiers[1].Models = append(c.Tiers[1].Models, sampleModel(strings.Repeat("m", i+1), "azure"))
			}
		}, `tiers[1].models has 33 models, 32 are possible`},
		{"no weight", func(c *Config) { c.Tiers[0].Models[0].Weight, c.Tiers[0].Models[1].Weight = 0, 0 }, `tiers[0].models all have weight 0: none can be selected`},
		{"model without name", func(c *Config) { c.Tiers[1].Models[0].Name = "" }, `tiers[1].models[0].name is empty`},
		{"model twice", func(c *Config) { c.Tiers[1].Models = append(c.Tiers[1].Models, c.Tiers[1].Models[0]) }, `tiers[1].models[1] repeats large of azure`},
		{"unknown provider", func(c *Config) { c.Tiers[1].Models[0].Provider = "acme" }, `tiers[1].models[0].provider names no provider of the config: "acme"`},
		{"negative weight", func(c *Config) { c.Tiers[1].Models[0].Weight = -1 }, `tiers[1].models[0].weight is negative`},
		{"negative context", func(c *Config) { c.Tiers[1].Models[0].ContextTokens = -1 }, `tiers[1].models[0].contextTokens is negative`},
		{"negative output", func(c *Config) { c.Tiers[1].Models[0].MaxOutputTokens = -1 }, `tiers[1].models[0].maxOutputTokens is negative`},
		{"unsorted capabilities", func(c *Config) { c.Tiers[1].Models[0].Capabilities = []string{"Vision", "Tools"} }, `tiers[1].models[0].capabilities must be sorted`},
		{"no patience for the first token", func(c *Config) { c.Tiers[1].Models[0].Timeouts.FirstToken = 0 }, `tiers[1].models[0].timeouts.firstToken must be positive`},
		{"no patience for silence", func(c *Config) { c.Tiers[1].Models[0].Timeouts.Idle = 0 }, `tiers[1].models[0].timeouts.idle must be positive`},
		{"no patience at all", func(c *Config) { c.Tiers[1].Models[0].Timeouts.Request = -1 }, `tiers[1].models[0].timeouts.request must be positive`},
		{"no input price", func(c *Config) { c.Tiers[1].Models[0].Price.Input = "" }, `tiers[1].models[0].price.input is not a price: ""`},
		{"negative price", func(c *Config) { c.Tiers[1].Models[0].Price.Output = "-1" }, `tiers[1].models[0].price.output is not a price: "-1"`},
		{"price in words", func(c *Config) { c.Tiers[1].Models[0].Price.CachedInput = "cheap" }, `tiers[1].models[0].price.cachedInput is not a price: "cheap"`},
		{"price with an exponent", func(c *Config) { c.Tiers[1].Models[0].Price.CacheWrite = "1e3" }, `tiers[1].models[0].price.cacheWrite is not a price: "1e3"`},
		{"price with half a step", func(c *Config) { c.Tiers[1].Models[0].Price.CacheWrite1h = "1;>5" }, `tiers[1].models[0].price.cacheWrite1h is not a price: "1;>5"`},
		{"price with a space", func(c *Config) { c.Tiers[1].Models[0].Price.ReasoningOutput = "1 " }, `tiers[1].models[0].price.reasoningOutput is not a price: "1 "`},
		{"more than the whole price off", func(c *Config) { c.Tiers[1].Models[0].Price.BatchDiscountPercent = 101 }, `tiers[1].models[0].price.batchDiscountPercent must be 0 to 100`},
	})
}

func TestValidateClassification(t *testing.T) {
	checkBroken(t, []broken{
		{"unknown preset", func(c *Config) { c.Classification.Preset = "Strict" }, `classification.preset "Strict" is unknown to this router`},
		{"unknown tier", func(c *Config) { c.Classification.LowConfidenceTier = "top" }, `classification.lowConfidenceTier names no tier of the config: "top"`},
		{"rule without name", func(c *Config) { c.Classification.Custom[0].Name = "" }, `classification.custom[0].name is empty`},
		{"rule twice", func(c *Config) { c.Classification.Custom = append(c.Classification.Custom, c.Classification.Custom[0]) }, `classification.custom[1].name "long" is listed twice`},
		{"unknown class", func(c *Config) { c.Classification.Custom[0].Class = "HARD" }, `classification.custom[0].class "HARD" is unknown to this router`},
		{"more than sure", func(c *Config) { c.Classification.Custom[0].Confidence = 1.1 }, `classification.custom[0].confidence must be 0 to 1`},
		{"confidence that is no number", func(c *Config) { c.Classification.Custom[0].Confidence = math.NaN() }, `classification.custom[0].confidence must be 0 to 1`},
		{"bad pattern", func(c *Config) { c.Classification.Custom[0].Match.Pattern = "(" }, "classification.custom[0].match.pattern is not a regular expression: error parsing regexp: missing closing ): `(`"},
	})
}

func TestValidateRoutes(t *testing.T) {
	checkBroken(t, []broken{
		{"no name", func(c *Config) { c.Routes[0].Name = "" }, `routes[0].name is empty`},
		{"twice", func(c *Config) { c.Routes[1].Name = "review" }, `routes[1].name "review" is reserved or listed twice`},
		{"the implicit route", func(c *Config) { c.Routes[0].Name = "default" }, `routes[0].name "default" is reserved or listed twice`},
		{"the model that leaves the choice", func(c *Config) { c.Routes[0].Name = "auto" }, `routes[0].name "auto" is reserved or listed twice`},
		{"unknown pin", func(c *Config) { c.Routes[0].Tier = "top" }, `routes[0].tier names no tier of the config: "top"`},
		{"unknown floor", func(c *Config) { c.Routes[1].MinTier = "top" }, `routes[1].minTier names no tier of the config: "top"`},
		{"unknown ceiling", func(c *Config) { c.Routes[1].MaxTier = "top" }, `routes[1].maxTier names no tier of the config: "top"`},
		{"floor above ceiling", func(c *Config) { c.Routes[1].MinTier, c.Routes[1].MaxTier = "high", "low" }, `routes[1].minTier high stands above maxTier low`},
		{"negative cap", func(c *Config) { c.Routes[0].MaxOutputTokens = -1 }, `routes[0].maxOutputTokens is negative`},
		{"relative path", func(c *Config) { c.Routes[0].Match.Paths = []string{"/a", "b"} }, `routes[0].match.paths[1] must be an absolute path without empty, . and .. segments: "b"`},
		{"path of everything", func(c *Config) { c.Routes[0].Match.Paths[0] = "/" }, `routes[0].match.paths[0] must be an absolute path without empty, . and .. segments: "/"`},
		{"path by a detour", func(c *Config) { c.Routes[0].Match.Paths[0] = "/a/../b" }, `routes[0].match.paths[0] must be an absolute path without empty, . and .. segments: "/a/../b"`},
		{"empty model name", func(c *Config) { c.Routes[0].Match.ModelNames = []string{""} }, `routes[0].match.modelNames[0] is empty`},
		{"header name in upper case", func(c *Config) { c.Routes[0].Match.Headers[0].Name = "X-Plan" }, `routes[0].match.headers must have lower-case header names: "X-Plan"`},
		{"metadata without name", func(c *Config) { c.Routes[0].Match.Metadata[0].Name = "" }, `routes[0].match.metadata has an empty name`},
		{"metadata twice", func(c *Config) { c.Routes[0].Match.Metadata = []KeyValue{{"a", "1"}, {"a", "2"}} }, `routes[0].match.metadata must be sorted by name without repeats at "a"`},
		{"negative least tokens", func(c *Config) { c.Routes[0].Match.Prompt.MinTokens = -1 }, `routes[0].match.prompt.minTokens is negative`},
		{"negative most tokens", func(c *Config) { c.Routes[0].Match.Prompt.MaxTokens = -1 }, `routes[0].match.prompt.maxTokens is negative`},
		{"no number of tokens in between", func(c *Config) { c.Routes[0].Match.Prompt.MinTokens = 10 }, `routes[0].match.prompt.minTokens is 10, more than maxTokens, which is 9`},
		{"empty keyword", func(c *Config) { c.Routes[0].Match.Prompt.Keywords = []string{"a", ""} }, `routes[0].match.prompt.keywords[1] is empty`},
		{"pattern of Perl", func(c *Config) { c.Routes[0].Match.Prompt.Pattern = "(?=a)" }, "routes[0].match.prompt.pattern is not a regular expression: error parsing regexp: invalid or unsupported Perl syntax: `(?=`"},
		{"split to nowhere", func(c *Config) { c.Routes[1].Split = []Share{{"top", 100}} }, "routes[1].split names no tier of the config: \"top\"\nroutes[1].split must list each tier once, by ascending rank: \"top\""},
		{"split not by rank", func(c *Config) { c.Routes[1].Split = []Share{{"high", 50}, {"low", 50}} }, `routes[1].split must list each tier once, by ascending rank: "low"`},
		{"split twice to a tier", func(c *Config) { c.Routes[1].Split = []Share{{"low", 50}, {"low", 50}} }, `routes[1].split must list each tier once, by ascending rank: "low"`},
		{"negative share", func(c *Config) { c.Routes[1].Split = []Share{{"low", -1}, {"high", 101}} }, `routes[1].split low has a negative share`},
		{"less than everything", func(c *Config) { c.Routes[1].Split[1].Percent = 29 }, `routes[1].split shares sum to 99, not 100`},
		{"a model that is not of the tier", func(c *Config) { c.Routes[1].Models[0].Model = "large" }, `routes[1].models tier low has no model "large" at "AzureOpenAI"`},
		{"models out of order", func(c *Config) { c.Routes[1].Models[1] = c.Routes[1].Models[0] }, "routes[1].models must list each model once, sorted: \"small\"\nroutes[1].models shares of tier low sum to 180, not 100"},
		{"a negative share of a model", func(c *Config) { c.Routes[1].Models[0].Percent, c.Routes[1].Models[1].Percent = -1, 101 }, `routes[1].models small of tier low has a negative share`},
		{"models of no tier", func(c *Config) { c.Routes[1].Models = []ModelShare{{"top", "small", "AzureOpenAI", 100}} }, `routes[1].models names no tier of the config: "top"`},
		{"shares that overflow", func(c *Config) { c.Routes[1].Split = []Share{{"low", math.MaxInt32}, {"high", math.MaxInt32}} }, `routes[1].split shares sum to 4294967294, not 100`},
	})
}

func TestValidateQuality(t *testing.T) {
	checkBroken(t, []broken{
		{"checks nothing", func(c *Config) { c.Routes[1].Validate = &Validation{Streaming: StreamingBuffer} }, `routes[1].validate checks nothing`},
		{"negative length", func(c *Config) { c.Routes[1].Validate.MinLength = -1 }, `routes[1].validate.minLength is negative`},
		{"unknown streaming", func(c *Config) { c.Routes[1].Validate.Streaming = "Hold" }, `routes[1].validate.streaming "Hold" is unknown to this router`},
		{"no pattern", func(c *Config) { c.Routes[1].Validate.Pattern = "(" }, "routes[1].validate.pattern is not a regular expression: error parsing regexp: missing closing ): `(`"},
		{"unknown judge", func(c *Config) { c.Routes[1].Judge.Tier = "top" }, `routes[1].judge.tier names no tier of the config: "top"`},
		{"more than all", func(c *Config) { c.Routes[1].Judge.SamplePercent = 101 }, `routes[1].judge.samplePercent must be 0 to 100`},
		{"no number", func(c *Config) { c.Routes[1].Judge.SamplePercent = math.NaN() }, `routes[1].judge.samplePercent must be 0 to 100`},
		{"no budget", func(c *Config) { c.Routes[1].Judge.MaxCostUSDPerDay = "" }, `routes[1].judge.maxCostUSDPerDay is not an amount: ""`},
		{"a key from outside", func(c *Config) { c.RequestIDs.KeyFile = "../key" }, `requestIDs.keyFile must be a clean relative path: "../key"`},
	})
}

func TestAllFaultsAreNamedAtOnce(t *testing.T) {
	c := sample()
	c.DefaultTier, c.Routes[0].Name, c.Auth.Mode = "top", "auto", "OIDC"
	want := "defaultTier names no tier of the config: \"top\"\nroutes[0].name \"auto\" is reserved or listed twice\nauth.mode \"OIDC\" is unknown to this router"
	if err := c.Validate(); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestPartsAreValidByThemselves(t *testing.T) {
	c := sample()
	if err := errors.Join(c.Providers[0].Validate(), c.Tiers[0].Validate(), c.Tiers[0].Models[0].Validate()); err != nil {
		t.Error(err)
	}
	c.Providers[0].Kind, c.Tiers[0].Selection, c.Tiers[0].Models[0].Weight = "", "", -1
	for want, err := range map[string]error{
		"kind is empty": c.Providers[0].Validate(),
		"selection \"\" is unknown to this router\nmodels[0].weight is negative": c.Tiers[0].Validate(),
		"weight is negative": c.Tiers[0].Models[0].Validate(),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
