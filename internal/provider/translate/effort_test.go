package translate_test

import (
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/provider/anthropic"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/provider/gemini"
	"github.com/tiershift/tiershift/internal/provider/openaichat"
	"github.com/tiershift/tiershift/internal/provider/responses"
)

// An effort for the whole answer, as Anthropic has it, guides models that think
// anyway. No model is made to think for it, no thoughts are shown for it, and
// where it is dropped it goes by its own name.
func TestAnEffortAloneMakesNoModelThink(t *testing.T) {
	const body = `{"model":"auto","max_tokens":4000,"messages":[{"role":"user","content":"Hi"}],"output_config":{"effort":"EFFORT"}}`
	for name, tc := range map[string]struct {
		codec  chat.Codec
		up     chat.Upstream
		effort string
		want   string // empty: dropped
	}{
		"a chat model that reasons":              {openaichat.New(), chat.Upstream{Model: "gpt-5", Reasons: true}, "low", `"reasoning_effort":"low"`},
		"a chat model that reasons, at most":     {openaichat.New(), chat.Upstream{Model: "gpt-5", Reasons: true}, "max", `"reasoning_effort":"high"`},
		"a chat model that does not":             {openaichat.New(), chat.Upstream{Model: "gpt-4.1"}, "low", ""},
		"a model of Responses that reasons":      {responses.New(), chat.Upstream{Model: "gpt-5", Reasons: true}, "low", `"reasoning":{"effort":"low"}`},
		"a model of Responses that does not":     {responses.New(), chat.Upstream{Model: "gpt-4.1"}, "low", ""},
		"Gemini 3 thinks anyway":                 {gemini.New(), chat.Upstream{Model: "gemini-3-flash"}, "low", `{"thinkingLevel":"LOW"}`},
		"Gemini 2.5 Flash thinks anyway":         {gemini.New(), chat.Upstream{Model: "gemini-2.5-flash", Reasons: true}, "medium", `{"thinkingBudget":8192}`},
		"Gemini 2.5 Flash-Lite only when asked":  {gemini.New(), chat.Upstream{Model: "gemini-2.5-flash-lite", Reasons: true}, "medium", ""},
		"a model of Google's that cannot":        {gemini.New(), chat.Upstream{Model: "gemini-2.0-flash"}, "high", ""},
		"Anthropic's own, which knows it":        {anthropic.New(), chat.Upstream{Model: "claude-opus-4-8"}, "low", `"output_config":{"effort":"low"}`},
		"Anthropic's own, before there was any":  {anthropic.New(), chat.Upstream{Model: "claude-haiku-4-5"}, "low", ""},
		"a model that cannot but think as it is": {anthropic.New(), chat.Upstream{Model: "claude-opus-5-5"}, "max", `"output_config":{"effort":"max"}`},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := anthropic.New().DecodeRequest([]byte(strings.Replace(body, "EFFORT", tc.effort, 1)))
			if err != nil || !r.Reasoning.EffortOnly {
				t.Fatalf("%v %+v", err, r)
			}
			out, err := tc.codec.EncodeRequest(r, tc.up)
			if err != nil {
				t.Fatal(err)
			}
			dropped := strings.Join(out.Dropped, " ")
			if tc.want == "" && (dropped != "output_config.effort" || strings.Contains(string(out.Body), "ffort") || strings.Contains(string(out.Body), "thinking")) {
				t.Errorf("dropped %q: %s", dropped, out.Body)
			}
			if tc.want != "" && (dropped != "" || !strings.Contains(string(out.Body), tc.want)) {
				t.Errorf("dropped %q, no %s in %s", dropped, tc.want, out.Body)
			}
			for _, shown := range []string{"includeThoughts", `"summary"`, `"thinking":`} {
				if strings.Contains(string(out.Body), shown) {
					t.Errorf("%s in %s", shown, out.Body)
				}
			}
		})
	}
}
