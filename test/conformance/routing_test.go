package conformance

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// models changes the models of a tier.
func models(tier string, change func(*routerconfig.Model)) func(*routerconfig.Config) {
	return func(c *routerconfig.Config) {
		for i := range c.Tiers {
			if c.Tiers[i].Name == tier {
				for k := range c.Tiers[i].Models {
					change(&c.Tiers[i].Models[k])
				}
			}
		}
	}
}

// all applies several changes.
func all(changes ...func(*routerconfig.Config)) func(*routerconfig.Config) {
	return func(c *routerconfig.Config) {
		for _, change := range changes {
			change(c)
		}
	}
}

// An image goes past models that cannot see to one that can, up a tier, and is
// refused where there is none.
func TestImagesFindAModelThatSees(t *testing.T) {
	blind := func(m *routerconfig.Model) { m.Capabilities = []string{"Tools"} }
	w := newWorld(t, options{config: all(models("openai", blind), models("openai-thinker", blind))})
	for _, c := range w.clients(clientKey) {
		a := says("What is this?")
		a.turns[0].image = imageData
		a.model = "tier:openai"
		wantError(t, c.ask(t.Context(), a), http.StatusBadRequest) // the client itself allows no higher tier
		a.model = "auto"
		g := c.ask(t.Context(), a)
		if g.err != nil || g.header.Get("X-Tiershift-Tier") != "responses" {
			t.Errorf("%s: tier %q, %v", c.name(), g.header.Get("X-Tiershift-Tier"), g.err)
		}
	}
}

// A prompt that is longer than a model's window goes past it, before anything is
// sent.
func TestLongPromptsFindAWindow(t *testing.T) {
	w := newWorld(t, options{config: models("openai", func(m *routerconfig.Model) { m.ContextTokens = 500 })})
	for _, c := range w.clients(clientKey) {
		a := says(longSystem + " And?")
		a.model = "tier:openai"
		wantError(t, c.ask(t.Context(), a), http.StatusBadRequest)
		a.model = "auto"
		if g := c.ask(t.Context(), a); g.err != nil || g.header.Get("X-Tiershift-Tier") != "openai-thinker" {
			t.Errorf("%s: tier %q, %v", c.name(), g.header.Get("X-Tiershift-Tier"), g.err)
		}
	}
	if n := w.upstreams[0].simulated.Stats().Models["gpt-4.1"].Requests; n != 0 {
		t.Errorf("%d requests were sent all the same", n)
	}
}

// The turns of a conversation whose prompt providers cache stay on one model of a
// weighted tier, and different conversations are spread over both.
func TestConversationsStayOnAModel(t *testing.T) {
	w := newWorld(t, options{config: func(c *routerconfig.Config) {
		for i := range c.Tiers {
			if c.Tiers[i].Name == "openai" {
				c.Tiers[i].Selection = routerconfig.SelectionWeighted
				second := c.Tiers[i].Models[0]
				second.Name = "gpt-5"
				c.Tiers[i].Models = append(c.Tiers[i].Models, second)
			}
		}
	}})
	for _, c := range w.clients(clientKey) {
		seen := map[string]int{}
		for n := range 16 {
			a := says(fmt.Sprintf("Conversation %d of %s: name a prime number.", n, c.name()))
			a.system, a.model = fmt.Sprintf("You are assistant number %d. ", n)+longSystem[:5000], "tier:openai"
			first := ""
			for range 4 {
				g := c.ask(t.Context(), a)
				if g.err != nil {
					t.Fatal(g.err)
				}
				model := g.header.Get("X-Tiershift-Model")
				if first == "" {
					first = model
					seen[model]++
				}
				if model != first {
					t.Errorf("%s: conversation %d moved from %s to %s", c.name(), n, first, model)
				}
				a.turns = append(a.turns, turn{answered: g, user: "And the next one?"})
			}
		}
		if len(seen) != 2 {
			t.Errorf("%s: all conversations on one model: %v", c.name(), seen)
		}
	}
}

// A tier that marks prompts for caching pays less for a conversation, and it shows
// in what is booked: for clients of Anthropic's own wire and of others.
func TestAutomaticPromptCachingPays(t *testing.T) {
	spent := map[bool]map[string]pricing.Picodollars{false: {}, true: {}}
	for _, automatic := range []bool{false, true} {
		w := newWorld(t, options{config: func(c *routerconfig.Config) {
			for i := range c.Tiers {
				c.Tiers[i].CachePrompts = automatic
			}
		}})
		for _, c := range w.clients(clientKey) {
			a := says("Name a prime number.")
			a.system, a.model = c.name()+". "+longSystem, "tier:anthropic"
			cached := int64(0)
			for range 4 {
				g := c.ask(t.Context(), a)
				if g.err != nil {
					t.Fatal(g.err)
				}
				r, err := w.record(g.header.Get("X-Tiershift-Request-Id"))
				if err != nil {
					t.Fatal(err)
				}
				spent[automatic][c.name()] += r.Cost
				cached += r.Usage.CachedInputTokens
				a.turns = append(a.turns, turn{answered: g, user: "And the next one?"})
			}
			if (cached > 0) != automatic {
				t.Errorf("%s, automatic %v: %d cached tokens", c.name(), automatic, cached)
			}
		}
	}
	for name, without := range spent[false] {
		with := spent[true][name]
		t.Logf("%s: four turns cost %s, and %s with the prompt cached", name, without, with)
		if with*3 > without*2 {
			t.Errorf("%s: %s with the prompt cached, %s without", name, with, without)
		}
	}
}

// post sends bytes as they are.
func (w *world) post(t *testing.T, path, body string, header ...string) (status int, answer string, head http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+clientKey)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(data), response.Header
}

// Where both speak the same wire, the bytes go on as they came but for the model's
// name.
func TestTheSameWireIsPatched(t *testing.T) {
	w := newWorld(t, options{})
	for _, test := range []struct{ path, upstream, model, body string }{
		{"/v1/chat/completions", "openai", "gpt-4.1", `{ "messages":[ {"content":"Hi \u00e9", "role":"user"}],"x_new":{"b":1, "a":[1.0]}, "model":"MODEL" }`},
		{"/v1/responses", "openai", "gpt-4.1", "{\n \"input\": \"Hi \\u00e9\", \"model\" : \"MODEL\", \"metadata\":{ \"a\":\"1.0\"} }"},
		{"/v1/messages", "anthropic", "claude-haiku-4-5", `{ "max_tokens":200 ,"messages":[ {"content":"Hi \u00e9", "role":"user"}], "model":"MODEL" }`},
		{"/v1beta/models/tier:gemini:generateContent", "gemini", "gemini-2.5-flash", `{ "contents":[ {"parts":[{"text":"Hi \u00e9"}]}] , "safety_settings":[] }`},
	} {
		status, answer, _ := w.post(t, test.path, strings.ReplaceAll(test.body, "MODEL", "tier:"+test.upstream), "Anthropic-Beta", "beta-mark")
		for _, u := range w.upstreams {
			if u.name != test.upstream {
				continue
			}
			all := u.simulated.Requests()
			last := all[len(all)-1]
			if want := strings.ReplaceAll(test.body, "MODEL", test.model); string(last.Body) != want {
				t.Errorf("%s (%d %.200s): sent %s\nwant %s", test.path, status, answer, last.Body, want)
			}
			if beta := last.Header.Get("Anthropic-Beta"); (beta != "") != (test.upstream == "anthropic") {
				t.Errorf("%s: anthropic-beta %q", test.path, beta)
			}
			if last.Header.Get("Authorization") == "Bearer "+clientKey {
				t.Errorf("%s: the client's key was passed on", test.path)
			}
		}
	}
}

// Without alt=sse, Gemini's streams are one JSON array.
func TestGeminiStreamsAreAnArrayUnlessAskedOtherwise(t *testing.T) {
	w := newWorld(t, options{})
	for _, u := range w.upstreams {
		path := "/v1beta/models/tier:" + u.name + ":streamGenerateContent"
		body := `{"contents":[{"parts":[{"text":"Name a prime number."}]}]}`
		_, array, head := w.post(t, path, body)
		if !strings.HasPrefix(strings.TrimSpace(array), "[{") || !strings.HasSuffix(strings.TrimSpace(array), "]") || head.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %s %.200s", u.title, head.Get("Content-Type"), array)
		}
		_, events, head := w.post(t, path+"?alt=sse", body)
		if !strings.HasPrefix(strings.TrimSpace(events), "data: {") || strings.Contains(events, "\n:") || head.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%s: %s %.200s", u.title, head.Get("Content-Type"), events)
		}
	}
}

// What is not understood is refused in the client's own shape, and names the member.
func TestBadBodiesAreRefusedInEachShape(t *testing.T) {
	w := newWorld(t, options{})
	for _, test := range []struct{ name, path, body, want, tier string }{
		{"a role that is none", "/v1/messages", `{"model":"tier:openai","max_tokens":9,"messages":[{"role":"oracle","content":"a"}]}`, "messages[0].role", ""},
		{"a schema that is none", "/v1/messages", `{"model":"tier:openai","max_tokens":9,"messages":[{"role":"user","content":"a"}],"tools":[{"name":"f","input_schema":"x"}]}`, "tools[0]", ""},
		{"a schema that is none", "/v1/chat/completions", `{"model":"tier:anthropic","messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f","parameters":"x"}}]}`, "tools[0]", "anthropic"},
		{"a role that is none", "/v1/chat/completions", `{"model":"tier:anthropic","messages":[{"role":"oracle","content":"a"}]}`, "messages[0].role", "anthropic"},
		{"an item that is none", "/v1/responses", `{"model":"tier:anthropic","input":[{"type":"dream"}]}`, "input[0]", "anthropic"},
		{"a part that is none", "/v1beta/models/tier:openai:generateContent", `{"contents":[{"parts":[{"dream":1}]}]}`, "contents[0].parts[0]", ""},
		{"no JSON", "/v1/messages", `{"model":`, "model", ""},
	} {
		// Beyond the tier there may be a provider of the client's wire, which would judge it.
		status, answer, _ := w.post(t, test.path, test.body, "X-Tiershift-Max-Tier", cmp.Or(test.tier, "openai"))
		if status != http.StatusBadRequest || !strings.Contains(answer, test.want) || !strings.Contains(answer, `"error"`) {
			t.Errorf("%s %s: %d %s", test.path, test.name, status, answer)
		}
	}
}
