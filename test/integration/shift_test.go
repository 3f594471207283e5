package integration

import (
	"context"
	"fmt"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/simulator"
)

const (
	shiftInterval = 10 * time.Second
	shiftPatience = 100 * time.Second
)

func shiftSettings(minQuality v1alpha1.Decimal) *v1alpha1.Shift {
	return &v1alpha1.Shift{
		Mode: v1alpha1.ShiftAutomatic, Interval: &metav1.Duration{Duration: shiftInterval}, Cooldown: &metav1.Duration{Duration: shiftInterval},
		StepPercent: new(int32(25)), MinSamples: new(int32(30)), Objectives: &v1alpha1.ShiftObjectives{MinQuality: minQuality},
	}
}

var _ = Describe("Traffic that shifts", Serial, func() {
	It("walks down to the cheapest tier that is good enough, back when it no longer is, and stays while Prometheus is away", func(ctx context.Context) {
		clock := fastClock{time.Now()}
		prometheus := newPrometheusAt(clock)
		settings := shiftSettings("0.8")
		settings.Metrics = &v1alpha1.ShiftMetrics{Source: v1alpha1.MetricsPrometheus, Prometheus: &v1alpha1.PrometheusSource{URL: prometheus.URL}}
		w := shiftsWith(ctx, clock, settings)

		By("holding the start while Prometheus is not there yet")
		Eventually(w.reason(ctx)).WithContext(ctx).Should(Equal("MetricsUnavailable"))
		Expect(w.share(ctx, "mid")()).To(Equal(int32(100)))
		Eventually(eventReasons(ctx, w.namespace, "support")).WithContext(ctx).Should(ContainElement("Warning MetricsUnavailable"))
		prometheus.scrape(w.namespace)

		By("walking down")
		var before v1alpha1.RouteStatus
		Eventually(func(g Gomega) {
			before = w.chat(ctx)
			g.Expect(before.Window).NotTo(BeNil())
			g.Expect(before.Window.Requests).To(BeNumerically(">", 50))
		}).WithContext(ctx).WithTimeout(shiftPatience).Should(Succeed())
		Eventually(w.share(ctx, "nano")).WithContext(ctx).WithTimeout(shiftPatience).Should(Equal(int32(100)))
		arrived := clock.now()
		var after v1alpha1.RouteStatus
		Eventually(func() bool {
			after = w.chat(ctx)
			return after.Window != nil && after.Window.Start.After(arrived.Add(shiftInterval))
		}).WithContext(ctx).WithTimeout(shiftPatience).Should(BeTrue())
		saved, optimum := 1-usd(after.Window.CostPerRequestUSD)/usd(before.Window.CostPerRequestUSD), w.optimum()
		AddReportEntry("saved of the cost", fmt.Sprintf("%.1f %%, the simulator knows %.1f %%", 100*saved, 100*optimum))
		Expect(saved).To(BeNumerically("~", optimum, 0.03))
		Eventually(eventReasons(ctx, w.namespace, "support")).WithContext(ctx).Should(ContainElement("Normal TrafficShifted"))

		By("coming back")
		w.nano.Store(40)
		fell := clock.now()
		Eventually(w.share(ctx, "mid")).WithContext(ctx).WithTimeout(shiftPatience).Should(Equal(int32(100)))
		back := w.chat(ctx).LastShift
		// The interval in which it falls, that in which a drop of 57 points is
		// significant by any test, and two more.
		took := back.Time.Sub(fell)
		AddReportEntry("back on the better tier after", took.Round(time.Second).String()+" of the fast clock, at intervals of "+shiftInterval.String()+": "+back.Message)
		Expect(took).To(BeNumerically("<=", 4*shiftInterval))
		Expect(back.Direction).To(Equal(v1alpha1.ShiftUp))
		Eventually(eventReasons(ctx, w.namespace, "support")).WithContext(ctx).Should(ContainElement("Warning TrafficShifted"))
		Eventually(policyState(ctx, w.namespace, v1alpha1.ConditionProgrammed)).WithContext(ctx).Should(Equal("True Programmed"))

		By("staying while Prometheus is away")
		prometheus.behind.Store(nil)
		Eventually(w.reason(ctx)).WithContext(ctx).WithTimeout(shiftPatience).Should(Equal("MetricsUnavailable"))
		Consistently(w.share(ctx, "mid")).WithContext(ctx).WithTimeout(3 * shiftInterval / pace).Should(Equal(int32(100)))
	}, SpecTimeout(5*time.Minute))

	It("shifts at most once a cooldown when quality flaps, and not more often is anything written", func(ctx context.Context) {
		settings := shiftSettings("0.9")
		settings.Cooldown = &metav1.Duration{Duration: 3 * shiftInterval}
		w := shiftsWith(ctx, fastClock{time.Now()}, settings)
		const intervals = 20
		writes, begun := w.operator.requests.splits.Load(), w.clock.now()
		for i := range intervals {
			w.nano.Store([]int64{98, 70}[i%2])
			time.Sleep(shiftInterval / pace)
		}
		shifts := w.chat(ctx).Shifts
		Expect(shifts).NotTo(BeEmpty(), "nothing shifted at all")
		AddReportEntry("shifts", fmt.Sprint(len(shifts)))
		for i := range len(shifts) - 1 {
			if shifts[i].Reason != "Collapsed" { // which alone does not wait
				Expect(shifts[i].Time.Sub(shifts[i+1].Time.Time)).To(BeNumerically(">=", 3*shiftInterval), "%+v", shifts[:i+2])
			}
		}
		passed := float64(w.clock.now().Sub(begun)) / float64(shiftInterval)
		Expect(float64(w.operator.requests.splits.Load() - writes)).To(BeNumerically("<=", passed+2))
	}, SpecTimeout(3*time.Minute))

	It("goes to a sibling model first when a tier becomes slow", func(ctx context.Context) {
		settings := shiftSettings("")
		settings.Objectives = &v1alpha1.ShiftObjectives{MaxLatencyP95: &metav1.Duration{Duration: 500 * time.Millisecond}}
		route := func(p *v1alpha1.RoutingPolicy) { p.Spec.Routes[0].MinTier = "mid" }
		w := shiftsWith(ctx, fastClock{time.Now()}, settings)
		change(ctx, w.namespace, route)
		Eventually(func() bool { s := w.chat(ctx); return s.Window != nil && s.Window.Requests > 50 }).
			WithContext(ctx).WithTimeout(shiftPatience).Should(BeTrue())
		w.dear.SetLatency(simulator.Latency{FirstToken: simulator.Distribution{Median: 900 * time.Millisecond}}) // of the model large
		Eventually(func() int { return len(w.chat(ctx).Models) }).WithContext(ctx).WithTimeout(shiftPatience).Should(Equal(2))
		s := w.chat(ctx)
		AddReportEntry("shed", s.LastShift.Message)
		Expect(s.LastShift.Direction).To(Equal(v1alpha1.ShiftSideways))
		Expect(s.Split).To(Equal([]v1alpha1.TierShare{{Tier: "mid", Percent: 100}}))
		Eventually(func() int64 { return w.dear.Stats().Models["spare"].Requests }).WithContext(ctx).WithTimeout(shiftPatience).Should(BeNumerically(">", 20))
	}, SpecTimeout(3*time.Minute))

	It("stays where it is through a restart, an edit, Off and suspension, and starts anew from a lost status", func(ctx context.Context) {
		settings := shiftSettings("0.8")
		w := shiftsWith(ctx, fastClock{time.Now()}, settings)
		Eventually(w.share(ctx, "nano")).WithContext(ctx).WithTimeout(shiftPatience).Should(BeNumerically(">=", 30))

		By("restarting")
		w.operator.end()
		held := w.share(ctx, "nano")()
		change(ctx, w.namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.Routes[0].Shift.Objectives.MinQuality = "0.999" }) // which proves nothing any more
		w.operator = start(w.clock.operator())
		Consistently(w.share(ctx, "nano")).WithContext(ctx).WithTimeout(2 * shiftInterval / pace).Should(Equal(held))
		w.served(ctx, held)

		By("turning it off")
		change(ctx, w.namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.Routes[0].Shift.Mode = v1alpha1.ShiftOff })
		held = w.share(ctx, "nano")()
		w.served(ctx, held)
		Consistently(w.share(ctx, "nano")).WithContext(ctx).WithTimeout(2 * shiftInterval / pace).Should(Equal(held))

		By("losing the status")
		change(ctx, w.namespace, func(p *v1alpha1.RoutingPolicy) {
			p.Spec.Routes[0].Shift.Mode = v1alpha1.ShiftAutomatic
			p.Spec.Routes[0].Shift.Objectives.MinQuality = "0.8"
		})
		policy := get(ctx, &v1alpha1.RoutingPolicy{}, w.namespace, "support")
		lost := policy.DeepCopy()
		lost.Status.Routes = nil
		Expect(env.Client.Status().Patch(ctx, lost, client.MergeFrom(policy))).To(Succeed())
		Eventually(w.share(ctx, "mid")).WithContext(ctx).WithTimeout(shiftPatience).Should(Equal(int32(100)))

		By("removing it")
		change(ctx, w.namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.Routes[0].Shift = nil })
		Eventually(func() int { return len(get(ctx, &v1alpha1.RoutingPolicy{}, w.namespace, "support").Status.Routes) }).WithContext(ctx).Should(BeZero())
	}, SpecTimeout(4*time.Minute))
})

// served waits until routers send about so many percent of the traffic to nano.
func (w *shiftWorld) served(ctx context.Context, percent int32) {
	GinkgoHelper()
	Eventually(func() float64 {
		w.mu.Lock()
		clear(w.answered)
		w.mu.Unlock()
		time.Sleep(2 * time.Second)
		w.mu.Lock()
		defer w.mu.Unlock()
		return 100 * float64(w.answered["nano"]) / float64(w.answered["nano"]+w.answered["mid"])
	}).WithContext(ctx).Should(BeNumerically("~", percent, 20))
}

// optimum is the part of mid's cost that nano saves, by what the providers would
// charge.
func (w *shiftWorld) optimum() float64 {
	cost := func(p *simulator.Provider, input, output float64) float64 {
		total, requests := 0.0, 0.0
		for _, m := range p.Stats().Models {
			total += input*float64(m.PromptTokens) + output*float64(m.CompletionTokens)
			requests += float64(m.Requests)
		}
		return total / requests
	}
	return 1 - cost(w.cheap, 0.05, 0.4)/cost(w.dear, 0.25, 2)
}

func usd(decimal string) float64 {
	GinkgoHelper()
	v, err := strconv.ParseFloat(decimal, 64)
	Expect(err).NotTo(HaveOccurred())
	return v
}
