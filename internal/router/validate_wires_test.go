package router_test

import (
	"strings"
	"testing"
)

// Answers are checked whatever wire the client speaks, also where they are
// translated.
func TestAnswersAreCheckedOnEveryWire(t *testing.T) {
	const ask = `"messages":[{"role":"user","content":"Classify this ticket"}]`
	for name, test := range map[string]struct{ path, body string }{
		"Messages":               {"/v1/messages", `{"model":"auto","max_tokens":100,` + ask + `}`},
		"Messages, streamed":     {"/v1/messages", `{"model":"auto","max_tokens":100,"stream":true,` + ask + `}`},
		"Responses":              {"/v1/responses", `{"model":"auto","input":"Classify this ticket"}`},
		"Responses, streamed":    {"/v1/responses", `{"model":"auto","stream":true,"input":"Classify this ticket"}`},
		"Gemini":                 {"/v1beta/models/auto:generateContent", `{"contents":[{"parts":[{"text":"Classify this ticket"}]}]}`},
		"Gemini, streamed":       {"/v1beta/models/auto:streamGenerateContent?alt=sse", `{"contents":[{"parts":[{"text":"Classify this ticket"}]}]}`},
		"Gemini, a JSON array":   {"/v1beta/models/auto:streamGenerateContent", `{"contents":[{"parts":[{"text":"Classify this ticket"}]}]}`},
		"Chat":                   {"/v1/chat/completions", `{"model":"auto",` + ask + `}`},
		"Chat, below a prefix":   {"/team/v1/chat/completions", `{"model":"auto",` + ask + `}`},
		"Chat, streamed, a user": {"/v1/chat/completions", `{"model":"auto","stream":true,"user":"u",` + ask + `}`},
	} {
		t.Run(name, func(t *testing.T) {
			cheap := newScripted(t, saying(said{text: `{"category":"poem"}`}))
			first := newScripted(t, saying(said{text: goodTicket}))
			g := newSigning(t, nil)
			config := baseConfig()
			for i := range config.Providers {
				config.Providers[i].BaseURL = first.baseURL
			}
			signed(config)
			checkedRoute(ticketRules)(config)
			plays(config, "cheap", cheap)
			g.source.set(t, config)
			g.eventually("the checked route", func() bool { return strings.Contains(g.get(g.admin+"/config").body, first.baseURL) })

			a := g.post(test.path, test.body)
			wantStatus(t, a, 200)
			wantHeader(t, a, "x-tiershift-tier", "mid")
			wantHeader(t, a, "x-tiershift-attempts", "2")
			if said := strings.NewReplacer(`\`, "", " ", "", "u0022", `"`).Replace(a.body); strings.Contains(said, `:"po`) || !strings.Contains(said, `:"bu`) { // streams come in pieces of five
				t.Errorf("the answer is %s", a.body)
			}
			id := a.header.Get("x-tiershift-request-id")
			if wire := a.header.Get("x-request-id") + a.header.Get("request-id"); wire != id {
				t.Errorf("the SDK sees the id %q, not %q", wire, id)
			}
			wantStatus(t, g.vote(id, `"thumbs":"up"`), 200)
		})
	}
}
