package router_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/simulator"
)

// Requests in flight during reloads are all answered, by the config they began
// with or a newer one.
func TestReloadDropsNoRequest(t *testing.T) {
	g := newGateway(t, nil)
	g.providers["first"].SetLatency(simulator.Latency{FirstToken: simulator.Distribution{Median: 20 * time.Millisecond}})
	config := *g.process.Server().Engine().Config()
	var asked, failed atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				asked.Add(1)
				if a := g.ask(askHello); a.status != http.StatusOK {
					failed.Add(1)
				}
			}
		})
	}
	for generation := range int64(20) {
		config.Generation = 100 + generation
		config.Routes = []routerconfig.Route{{Name: fmt.Sprintf("route-%d", generation)}}
		g.source.set(t, &config)
		g.eventually("the reload", func() bool { return g.process.Server().Engine().Config().Generation == config.Generation })
	}
	close(stop)
	clients.Wait()
	if failed.Load() != 0 || asked.Load() < 50 {
		t.Errorf("%d of %d requests failed", failed.Load(), asked.Load())
	}
	g.record(int(asked.Load()) - 1) // none without a record
}

func TestABadConfigIsRefusedAndTheLastGoodOneServes(t *testing.T) {
	g := newGateway(t, nil)
	digest := g.process.Server().Engine().Digest()
	for name, data := range map[string]string{
		"no JSON":          "tiers: []",
		"an unknown field": `{"apiVersion":"router.tiershift.dev/v1","shiny":true}`,
		"a changed file":   strings.Replace(g.configText(), "medium-1", "medium-9", 1),
		"a broken expression": g.encode(func(c *routerconfig.Config) {
			c.Routes = []routerconfig.Route{{Name: "x", Match: routerconfig.Match{Expression: "1 +"}}}
		}),
		"a tier of no models":  g.encode(func(c *routerconfig.Config) { c.Tiers[0].Models = nil }),
		"an unknown default":   g.encode(func(c *routerconfig.Config) { c.DefaultTier = "gold" }),
		"a price out of range": g.encode(func(c *routerconfig.Config) { c.Baseline.Price.Input = "999999999" }),
	} {
		t.Run(name, func(t *testing.T) {
			g.source.setBytes([]byte(data))
			g.eventually("the refusal", func() bool { return g.served().Error != "" })
			if got := g.served(); got.Digest != digest {
				t.Errorf("digest %s, want the last good one %s", got.Digest, digest)
			}
			wantStatus(t, g.ask(askHello), 200)
			if metrics := g.get(g.admin + "/metrics").body; !strings.Contains(metrics, metricnames.ConfigLastReloadSuccess+" 0") {
				t.Error("the gauge of the last reload does not say that it failed")
			}
			g.source.setBytes([]byte(g.configText()))
			g.eventually("the recovery", func() bool { return g.served().Error == "" })
		})
	}
}

// served is what GET /config says.
func (g *gateway) served() (out struct {
	Digest, Error string
	Generation    int64
},
) {
	g.t.Helper()
	a := g.get(g.admin + "/config")
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		g.t.Fatal(err)
	}
	return out
}

func (g *gateway) configText() string { return g.encode(func(*routerconfig.Config) {}) }

func (g *gateway) encode(change func(*routerconfig.Config)) string {
	g.t.Helper()
	config := *g.process.Server().Engine().Config()
	config.Tiers = append([]routerconfig.Tier(nil), config.Tiers...)
	change(&config)
	data, err := routerconfig.Encode(&config)
	if err != nil {
		g.t.Fatal(err)
	}
	return string(data)
}

func TestAdminEndpoints(t *testing.T) {
	g := newGateway(t, func(c *routerconfig.Config) {
		c.Providers[1].Headers = []routerconfig.KeyValue{{Name: "X-Team", Value: "not-for-display"}}
	})
	wantStatus(t, g.get(g.admin+"/healthz"), 200)
	wantStatus(t, g.get(g.admin+"/readyz"), 200)
	config := g.get(g.admin + "/config")
	for _, secret := range []string{"not-for-display", "key-of-first"} {
		if strings.Contains(config.body, secret) {
			t.Errorf("/config shows %q", secret)
		}
	}
	if got := g.served(); got.Digest != g.process.Server().Engine().Digest() || got.Generation != 3 {
		t.Errorf("/config: %+v", got)
	}
	if seen := g.providers["first"].Requests(); len(seen) != 0 {
		t.Error("an admin endpoint called a provider")
	}
}

func TestMetricsTellWhatHappened(t *testing.T) {
	g := newGateway(t, routes)
	wantStatus(t, g.post("/api/tickets/v1/chat/completions", askHello), 200)
	g.faults("first", always(503))
	wantStatus(t, g.ask(says("tier:mid", "hi")), 200)
	g.faults("second", always(503))
	wantStatus(t, g.ask(says("tier:mid", "hi")), 200)
	wantStatus(t, g.ask(says("auto", analysis)), 200)
	wantStatus(t, g.ask(says("gpt-1", "hi")), 404)
	g.record(4)
	metrics := g.get(g.admin + "/metrics").body
	nano := `model="small-1",namespace="shop",%splaced="",policy="support",provider="OpenAI",route="tickets",tier="nano"} `
	for _, want := range []string{
		metricnames.RequestsTotal + "{" + fmt.Sprintf(nano, `outcome="success",`) + "1",
		metricnames.RequestDurationSeconds + "_count{" + fmt.Sprintf(nano, "") + "1",
		metricnames.TimeToFirstTokenSeconds + "_count{" + fmt.Sprintf(nano, "") + "1",
		metricnames.OverheadSeconds + "_count{" + fmt.Sprintf(nano, "") + "1",
		metricnames.TokensTotal + `{kind="input",model="small-1"`,
		metricnames.TokensTotal + `{kind="output",model="small-1"`,
		metricnames.CostUSDTotal + `{model="small-1"`,
		metricnames.BaselineCostUSDTotal + `{model="small-1"`,
		metricnames.FallbacksTotal + `{cause="ServerError",namespace="shop",policy="support",route="default"} 3`,
		metricnames.EscalationsTotal + `{cause="ServerError",namespace="shop",policy="support",route="default"} 1`,
		metricnames.ClassificationsTotal + `{class="COMPLEX",method="rules",namespace="shop",policy="support",route="default"} 1`,
		metricnames.ClassificationDurationSeconds + `_count{method="rules"} 1`,
		metricnames.RequestsTotal + `{model="",namespace="shop",outcome="rejected",placed="",policy="support",provider="",route="",tier=""} 1`,
		metricnames.ConfigInfo + `{digest="` + g.process.Server().Engine().Digest() + `",generation="3",namespace="shop",policy="support"} 1`,
		metricnames.ConfigLastReloadSuccess + " 1",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if strings.Contains(metrics, "hello") || strings.Contains(metrics, "key-of") {
		t.Error("/metrics shows a prompt or a key")
	}
}

// A router that is told to end finishes what it has begun, and says meanwhile
// that it wants no more.
func TestDrainFinishesStreams(t *testing.T) {
	g := newGateway(t, nil)
	g.providers["first"].SetLatency(simulator.Latency{TokensPerSecond: 60})
	client := g.sdk()
	stream := client.Chat.Completions.NewStreaming(t.Context(), userSays("Tell me a story"))
	if !stream.Next() {
		t.Fatal(stream.Err())
	}
	ended := make(chan error, 1)
	go func() { ended <- g.stop() }()
	g.eventually("the announcement", func() bool { return g.get(g.admin+"/readyz").status == http.StatusServiceUnavailable })
	reason := ""
	for stream.Next() {
		for _, c := range stream.Current().Choices {
			reason += c.FinishReason
		}
	}
	if stream.Err() != nil || reason != "stop" {
		t.Errorf("the stream ended with %q, %v", reason, stream.Err())
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if r := g.record(0); r.Outcome != metricnames.OutcomeSuccess {
		t.Errorf("record: %+v", r)
	}
}

func TestAuthTakesTheKeyAsEachSDKSendsIt(t *testing.T) {
	g := newGateway(t, func(c *routerconfig.Config) {
		c.Auth = routerconfig.Auth{Mode: routerconfig.AuthAPIKeys, ClientsDir: "clients"}
	})
	g.secrets.set("clients/web-app", "tsk-1\n")
	g.process.Server().Engine().RefreshKeys()
	for _, header := range [][2]string{
		{"Authorization", "Bearer tsk-1"}, {"authorization", "bearer tsk-1"}, {"x-api-key", "tsk-1"}, {"api-key", "tsk-1"}, {"x-goog-api-key", "tsk-1"},
	} {
		wantStatus(t, g.ask(askHello, header[0], header[1]), 200)
	}
	if r := g.record(0); r.Client != "web-app" {
		t.Errorf("client %q", r.Client)
	}
	for _, header := range [][2]string{{"Authorization", "Bearer tsk-2"}, {"Authorization", "tsk-1"}, {"x-api-key", ""}} {
		a := g.ask(askHello, header[0], header[1])
		wantStatus(t, a, 401)
		if strings.Contains(a.body, "tsk-") {
			t.Errorf("the refusal repeats the key: %s", a.body)
		}
	}
	wantStatus(t, g.get(g.url+"/v1/models"), 401)
	wantStatus(t, g.post("/v1/explain", askHello), 401)
}

func TestAClosedGatewaySaysWhy(t *testing.T) {
	g := newGateway(t, func(c *routerconfig.Config) {
		c.Auth = routerconfig.Auth{Mode: routerconfig.AuthClosed, Reason: "auth mode ServiceAccount is not supported"}
	})
	a := g.ask(askHello, "Authorization", "Bearer x")
	wantStatus(t, a, 401)
	if message, _, _, _ := a.errorObject(t); !strings.Contains(message, "ServiceAccount is not supported") {
		t.Errorf("message: %s", message)
	}
}
