package router_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3/option"

	"github.com/tiershift/tiershift/internal/requestid"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

const signingKey = "a key that all replicas of the policy share"

func signed(c *routerconfig.Config) { c.RequestIDs.KeyFile = "support-request-ids/key" }

// newSigning is a gateway whose replicas share a key.
func newSigning(t *testing.T, change func(*routerconfig.Config)) *gateway {
	t.Helper()
	g := newGateway(t, func(c *routerconfig.Config) {
		signed(c)
		if change != nil {
			change(c)
		}
	})
	g.secrets.set("support-request-ids/key", signingKey+"\n")
	g.eventually("the signing key", func() bool {
		return strings.Contains(g.ask(askHello).header.Get("x-tiershift-request-id"), ".")
	})
	return g
}

func (g *gateway) vote(id, rest string, header ...string) *answer {
	g.t.Helper()
	return g.post("/v1/feedback", fmt.Sprintf(`{"request_id":%q,%s}`, id, rest), header...)
}

func feedbackLine(suffix, tier, model string, value any) string {
	return fmt.Sprintf(`tiershift_quality_score_%s{model=%q,namespace="shop",placed="",policy="support",provider="OpenAI",route="default",source="feedback",tier=%q} %v`, suffix, model, tier, value)
}

// A vote counts at any replica, for the tier and model that answered.
func TestAVoteCountsAtAnotherReplica(t *testing.T) {
	served, other := newSigning(t, nil), newSigning(t, nil)
	for i, body := range []string{askHello, streamHello} {
		id := served.ask(body).header.Get("x-tiershift-request-id")
		if len(id) != requestid.Length {
			t.Fatalf("the id is %q", id)
		}
		a := other.vote(id, `"score":0.75,"comment":"nearly"`)
		wantStatus(t, a, 200)
		want := fmt.Sprintf(`{"object":"feedback","request_id":%q,"score":0.75,"route":"default","tier":"mid","model":"medium-1"}`, id)
		if a.body != want {
			t.Errorf("got %s, want %s", a.body, want)
		}
		other.wantMetrics(feedbackLine("count", "mid", "medium-1", i+1), feedbackLine("sum", "mid", "medium-1", 0.75*float64(i+1)))
	}
	id := served.post("/team-a/v1/chat/completions", askHello).header.Get("x-tiershift-request-id")
	wantStatus(t, served.post("/team-a/v1/feedback", `{"request_id":"`+id+`","thumbs":"down"}`), 200)
}

func TestVotesThatDoNotCount(t *testing.T) {
	g := newSigning(t, nil)
	id := g.ask(askHello).header.Get("x-tiershift-request-id")
	at := func(ago time.Duration, tier, model string) string {
		return requestid.Complete(requestid.New([15]byte{1}), &requestid.Answer{
			At: time.Now().Add(-ago), Route: requestid.Hash("default"), Tier: requestid.Hash(tier), Model: requestid.Hash(model + "\nfirst"),
		}, "", []byte(signingKey))
	}
	foreign := requestid.Complete(requestid.New([15]byte{1}), &requestid.Answer{At: time.Now()}, "", []byte("the key of another policy"))
	rejected := g.ask(`{"model":"none","messages":[{"role":"user","content":"x"}]}`).header.Get("x-tiershift-request-id")
	for name, test := range map[string]struct {
		id, rest string
		status   int
		code     string
		param    string
	}{
		"score out of range":        {id, `"score":1.5`, 400, "invalid_request", "score"},
		"score in words":            {id, `"score":"good"`, 400, "invalid_request", "score"},
		"neither score nor thumbs":  {id, `"comment":"x"`, 400, "invalid_request", "score"},
		"a long comment":            {id, `"score":1,"comment":"` + strings.Repeat("x", 5000) + `"`, 400, "invalid_request", "comment"},
		"a huge body":               {id, `"score":1,"comment":"` + strings.Repeat("x", 50_000) + `"`, 413, "request_too_large", ""},
		"no id":                     {"hello", `"score":1`, 400, "invalid_request", "request_id"},
		"a forged id":               {id[:len(id)-2] + "aa", `"score":1`, 404, "request_not_found", "request_id"},
		"of another policy":         {foreign, `"score":1`, 404, "request_not_found", "request_id"},
		"of a request that failed":  {rejected, `"score":1`, 404, "request_not_found", "request_id"},
		"too late":                  {at(31*24*time.Hour, "mid", "medium-1"), `"score":1`, 400, "feedback_too_late", "request_id"},
		"of a tier that is gone":    {at(time.Hour, "gone", "medium-1"), `"score":1`, 404, "answer_gone", "request_id"},
		"of a model that is gone":   {at(time.Hour, "mid", "medium-0"), `"score":1`, 404, "answer_gone", "request_id"},
		"days late, which is right": {at(29*24*time.Hour, "mid", "medium-1"), `"score":1`, 200, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := g.vote(test.id, test.rest)
			wantStatus(t, a, test.status)
			if test.status == 200 {
				return
			}
			message, _, param, code := a.errorObject(t)
			if code != test.code || param != test.param || message == "" {
				t.Errorf("got %s of %q: %s", code, param, message)
			}
		})
	}
	wantStatus(t, g.vote(id, `"thumbs":"up"`), 200)
	a := g.vote(id, `"thumbs":"down"`)
	wantStatus(t, a, 409)
	if _, _, _, code := a.errorObject(t); code != "feedback_given" {
		t.Errorf("a second vote: %s", code)
	}
	g.wantMetrics(feedbackLine("count", "mid", "medium-1", 2), feedbackLine("sum", "mid", "medium-1", 2))
	wantStatus(t, g.get(g.url+"/v1/feedback"), 405)
}

func TestVotesAreAuthenticatedAsTrafficIs(t *testing.T) {
	g := newSigningWithKeys(t)
	id := g.ask(askHello, "Authorization", "Bearer web-key").header.Get("x-tiershift-request-id")
	wantStatus(t, g.vote(id, `"score":1`), 401)
	wantStatus(t, g.vote(id, `"score":1`, "Authorization", "Bearer batch-key"), 404) // another client's request
	wantStatus(t, g.vote(id, `"score":1`, "X-Api-Key", "web-key"), 200)
}

func newSigningWithKeys(t *testing.T) *gateway {
	t.Helper()
	g := newGateway(t, func(c *routerconfig.Config) {
		signed(c)
		c.Auth = routerconfig.Auth{Mode: routerconfig.AuthAPIKeys, ClientsDir: "clients"}
	})
	g.secrets.set("support-request-ids/key", signingKey)
	g.secrets.set("clients/web", "web-key")
	g.secrets.set("clients/batch", "batch-key")
	g.eventually("the keys", func() bool {
		return strings.Contains(g.ask(askHello, "Authorization", "Bearer web-key").header.Get("x-tiershift-request-id"), ".")
	})
	return g
}

func TestAFloodOfVotesIsTurnedAway(t *testing.T) {
	g := newSigning(t, nil)
	limited := 0
	for range 150 {
		a := g.vote("hello", `"score":1`)
		if a.status == 429 {
			limited++
			if a.header.Get("Retry-After") == "" {
				t.Error("not told when to come again")
			}
		}
	}
	if limited < 20 {
		t.Errorf("%d of 150 votes were turned away", limited)
	}
	wantStatus(t, g.ask(askHello), 200)
}

// Without a key ids stay short, and feedback says why it is not taken.
func TestWithoutAKeyNoVoteIsTaken(t *testing.T) {
	g := newGateway(t, signed)
	id := g.ask(askHello).header.Get("x-tiershift-request-id")
	if len(id) != requestid.ShortLength {
		t.Errorf("the id is %q", id)
	}
	a := g.vote(id, `"score":1`)
	wantStatus(t, a, 503)
	if _, _, _, code := a.errorObject(t); code != "feedback_unavailable" {
		t.Errorf("got %s", code)
	}
}

// recordID keeps the id that the SDK would put into its errors.
func recordID(id *string) option.Middleware {
	return func(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
		response, err := next(r)
		if err == nil {
			*id = response.Header.Get("X-Request-Id")
		}
		return response, err
	}
}

func TestSDKTellsTheID(t *testing.T) {
	g := newSigning(t, nil)
	client := g.sdk()
	var id string
	if _, err := client.Chat.Completions.New(t.Context(), userSays("hello"), option.WithMiddleware(recordID(&id))); err != nil {
		t.Fatal(err)
	}
	var out struct{ Tier string }
	if err := client.Post(t.Context(), "feedback", map[string]any{"request_id": id, "thumbs": "up"}, &out); err != nil || out.Tier != "mid" {
		t.Errorf("got %+v, %v", out, err)
	}
}
