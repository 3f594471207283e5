package simulator

import (
	"strings"
	"testing"
)

func TestTokensAreCountedByTheRule(t *testing.T) {
	for text, want := range map[string]int{
		"":                   0,
		"Say this is a test": 5,
		"This is a test. How can I assist you further?": 12,
		"I'm sure it's they're":                         4,
		"internationalisation":                          2,
		"12345 berths":                                  3,
		"naïve café":                                    2,
		"灯台と船":                                          4,
		"a  b\n\n\tc ":                                  6,
		`{"country":"UK"}`:                              5,
		"don't'":                                        2,
		"x ≈ y":                                         3,
	} {
		if got := Tokens(text); got != want {
			t.Errorf("%q: %d tokens %q, want %d", text, got, pieces(text), want)
		}
	}
}

func FuzzTokensLoseNothing(f *testing.F) {
	for _, seed := range []string{"A b  c", "naïve — 灯台", "\n\n x\t", "''s'", "\xff\xfe a", "e\u0301", " "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := strings.Join(pieces(text), ""); got != text {
			t.Errorf("%q became %q", text, got)
		}
	})
}

func TestPromptsAreCachedInSteps(t *testing.T) {
	cache := newPromptCache(100)
	prompt := func(words int, tail string) promptCount {
		return countPrompt("m", &request{Messages: []message{
			{Role: "system", Content: content{text: strings.Repeat("anchor ", words)}},
			{Role: "user", Content: content{text: tail}},
		}})
	}
	for _, tc := range []struct {
		name            string
		count           promptCount
		cached, written int
	}{
		{"a short prompt", prompt(900, "one"), 0, 0},
		{"a short prompt again", prompt(900, "one"), 0, 0},
		{"a long prompt", prompt(1300, "one"), 0, 1280},
		{"the same", prompt(1300, "one"), 1280, 0},
		{"the same beginning", prompt(1300, "another question altogether"), 1280, 0},
		{"a longer prompt with that beginning", prompt(2000, "one"), 1280, 640},
		{"another model", countPrompt("n", &request{Messages: []message{{Role: "user", Content: content{text: strings.Repeat("anchor ", 1300)}}}}), 0, 1280},
	} {
		if cached, written := cache.use(tc.count); cached != tc.cached || written != tc.written {
			t.Errorf("%s: %d cached, %d written, want %d and %d", tc.name, cached, written, tc.cached, tc.written)
		}
	}
}

func TestTheCacheForgetsTheLeastRecentlyUsed(t *testing.T) {
	cache := newPromptCache(2)
	one := func(id uint64) promptCount { return promptCount{prefixes: []uint64{id}} }
	cache.use(one(1))
	cache.use(one(2))
	cache.use(one(1))
	cache.use(one(3))
	for id, want := range map[uint64]int{1: cacheFrom, 3: cacheFrom} {
		if cached, _ := cache.use(one(id)); cached != want {
			t.Errorf("prefix %d: %d cached", id, cached)
		}
	}
	if cached, _ := cache.use(one(2)); cached != 0 || cache.order.Len() != 2 || len(cache.seen) != 2 {
		t.Errorf("%d cached, %d kept", cached, cache.order.Len())
	}
}

func TestImagesAndToolsCountAsPrompt(t *testing.T) {
	var low, high content
	if err := low.UnmarshalJSON([]byte(`[{"type":"text","text":"What is this?"},{"type":"image_url","image_url":{"url":"data:,","detail":"low"}}]`)); err != nil {
		t.Fatal(err)
	}
	if err := high.UnmarshalJSON([]byte(`[{"type":"image_url","image_url":{"url":"data:,"}}]`)); err != nil {
		t.Fatal(err)
	}
	if low.text != "What is this?" || low.imageTokens != 85 || high.imageTokens != 765 {
		t.Errorf("%+v, %+v", low, high)
	}
	plain := &request{Messages: []message{{Role: "user", Content: content{text: "Hi"}}}}
	rich := &request{Messages: []message{{Role: "user", Content: low}}, Tools: make([]tool, 1)}
	rich.Tools[0].Function.Name = "ring"
	if a, b := countPrompt("m", plain).tokens, countPrompt("m", rich).tokens; a != 8 || b != 7+4+85+1 {
		t.Errorf("%d and %d tokens", a, b)
	}
}
