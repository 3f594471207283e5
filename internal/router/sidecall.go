package router

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/provider/chat"
	"github.com/tiershift/tiershift/internal/router/upstream"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// sideAnswer is what a side call brought.
type sideAnswer struct {
	// Response is nil when there was no answer.
	Response *chat.Response
	// Usage and Cost are what the call is charged for, answered or not.
	Usage pricing.Usage
	Cost  pricing.Picodollars
}

// maxSideResponse bounds the answer to a side call: a word, or a few scores.
const maxSideResponse = 1 << 20

// sideCall asks a model something on the router's own behalf: one call, not
// streamed. A call that failed may have cost something all the same, so the answer
// is never nil. The error holds nothing of the request or of an answer.
func (e *Engine) sideCall(ctx context.Context, m *model, request *chat.Request) (*sideAnswer, error) {
	out := &sideAnswer{}
	wire, codec := m.provider.speak(m.provider.Wire)
	encoded, err := codec.EncodeRequest(request, chat.Upstream{
		Model: m.Name, ModelMaxOutputTokens: m.MaxOutputTokens, Reasons: m.reasons,
	})
	if err != nil {
		return out, err
	}
	key, ok := m.provider.key(e.keys)
	if !ok {
		return out, fmt.Errorf("no key: the Secret file %s is missing or empty", m.provider.KeyFile)
	}
	head := append([]byte{}, m.provider.head...)
	if key != "" {
		head = append(append(append(head, keyHeaders[m.provider.KeyScheme]...), key...), "\r\n"...)
	}
	response, err := m.provider.client.Do(ctx, &upstream.Request{
		Method: http.MethodPost, Path: m.provider.path(m.Name, wire, false, false), Head: head,
		Body: [][]byte{encoded.Body}, ContentLength: int64(len(encoded.Body)),
		Timeouts: upstream.Timeouts{Idle: time.Duration(m.Timeouts.Idle), Total: time.Duration(m.Timeouts.Request)},
	})
	if err != nil {
		if upstream.Sent(err) {
			out.estimate(m, len(encoded.Body))
		}
		return out, err
	}
	defer response.Close()
	err = out.read(m, codec, response, key, len(encoded.Body))
	return out, err
}

// read takes in the answer to a request of so many bytes.
func (a *sideAnswer) read(m *model, codec chat.Codec, response *upstream.Response, key string, requestBytes int) error {
	body, err := response.ReadAll(nil, maxSideResponse)
	if status := response.StatusCode; err == nil && status/100 != 2 {
		if isKeyRefusal(status, body) {
			m.provider.rejected.Store(&key)
		}
		return fmt.Errorf("the provider answered %d", status)
	}
	if encoding := response.Header("Content-Encoding"); err == nil && encoding != "" && !strings.EqualFold(encoding, "identity") {
		err = fmt.Errorf("the provider answered compressed although that was not asked for")
	}
	if err == nil {
		a.Response, err = codec.DecodeResponse(body)
	}
	if err != nil || !a.Response.HasUsage {
		a.estimate(m, requestBytes)
		return err
	}
	a.Usage = a.Response.Usage
	a.Cost = m.rates.Cost(a.Usage)
	return nil
}

// estimate charges what the provider presumably will for a call whose answer did
// not say.
func (a *sideAnswer) estimate(m *model, requestBytes int) {
	a.Usage = pricing.Usage{InputTokens: int64(requestBytes/bytesPerToken + 1), Estimated: true}
	a.Cost = m.rates.Cost(a.Usage)
}

// overheadDesc counts apart what side calls cost: it is not the price of the
// answers that tiers give, and must not weigh where traffic is shifted.
var overheadDesc = prometheus.NewDesc(metricnames.OverheadCostUSDTotal,
	"What the router's own calls cost, to classify and to judge, in USD. No part of "+metricnames.CostUSDTotal+".",
	withLabels(metricnames.LabelPurpose), nil)

// overheadKey is a model that is asked on the router's own behalf, and what for.
type overheadKey struct {
	target  seriesKey
	purpose string
}

// bookOverhead books what a side call of a route cost.
func (m *Metrics) bookOverhead(config *routerconfig.Config, route string, asked *model, purpose string, cost pricing.Picodollars) {
	key := overheadKey{
		seriesKey{config.Namespace, config.Policy, route, asked.tier.Name, asked.Name, asked.provider.Kind}, purpose,
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.overheads[key] += cost
}

func (k overheadKey) collect(ch chan<- prometheus.Metric, cost pricing.Picodollars) {
	ch <- prometheus.MustNewConstMetric(overheadDesc, prometheus.CounterValue, cost.Float64(),
		append(k.target[:len(k.target):len(k.target)], k.purpose)...)
}
