package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/controller"
	"github.com/tiershift/tiershift/internal/testenv"
)

const (
	namespace = "bench"
	// patience is how long a phase may take before the bench gives up.
	patience = 10 * time.Minute
	// resyncs are counted at rest.
	resyncs = 10
)

// bench is one run.
type bench struct {
	options  options
	progress io.Writer
	report   report

	dir       string
	env       *testenv.Env
	apiServer *apiServer
	cluster   *cluster
	operator  *operator
	operators installation
	closers   []func() error
}

func (b *bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.progress, "%s "+format+"\n", append([]any{time.Now().Format("15:04:05")}, args...)...)
}

// close ends everything that was begun, the last first.
func (b *bench) close() {
	for i := len(b.closers) - 1; i >= 0; i-- {
		if err := b.closers[i](); err != nil {
			b.say("cleaning up: %v", err)
		}
	}
}

func (b *bench) setUp(ctx context.Context) (err error) {
	b.report = newReport(b.options)
	ctrl.SetLogger(logr.Discard())
	if b.dir, err = os.MkdirTemp("", "tiershift-benchoperator-"); err != nil {
		return err
	}
	b.closers = append(b.closers, func() error { return os.RemoveAll(b.dir) })
	b.say("building the operator")
	if b.operators, err = install(ctx, b.dir); err != nil {
		return err
	}
	b.say("starting kube-apiserver and etcd")
	env, stop, err := testenv.Run(ctx, testenv.WithScheme(controller.NewScheme()))
	if err != nil {
		return err
	}
	b.closers = append(b.closers, stop)
	b.env = env
	if b.apiServer, err = newAPIServer(env.Config); err != nil {
		return err
	}
	b.closers = append(b.closers, b.apiServer.wait)
	if err := b.operators.allow(ctx, env); err != nil {
		return err
	}
	if b.cluster, err = newCluster(ctx, env.Config); err != nil {
		return err
	}
	b.closers = append(b.closers, b.cluster.stop, func() error { b.operator.stop(); return nil })
	if err := moreServices(ctx, b.env.Client); err != nil {
		return err
	}
	return b.env.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
}

// moreServices gives the API server, which was started with 254 addresses for
// Services, a million more. A controller that is not there would call them ready.
func moreServices(ctx context.Context, c client.Client) error {
	cidr := &networkingv1.ServiceCIDR{ObjectMeta: metav1.ObjectMeta{Name: "bench"}, Spec: networkingv1.ServiceCIDRSpec{CIDRs: []string{"10.96.0.0/12"}}}
	if err := c.Create(ctx, cidr); err != nil {
		return err
	}
	cidr.Status.Conditions = []metav1.Condition{{
		Type: networkingv1.ServiceCIDRConditionReady, Status: metav1.ConditionTrue, Reason: "Bench", LastTransitionTime: metav1.Now(),
	}}
	return c.Status().Update(ctx, cidr)
}

// measure takes the phases one after the other.
func (b *bench) measure(ctx context.Context) error {
	for _, phase := range []func(context.Context) error{b.programAll, b.changeTier, b.rest} {
		if err := phase(ctx); err != nil {
			return err
		}
	}
	return nil
}

// programAll has the objects there before the operator starts, so that what is
// timed is the operator's work and not the bench's.
func (b *bench) programAll(ctx context.Context) error {
	b.say("creating %d policies, %d tiers, %d credentials", b.options.policies, b.options.tiers, b.options.credentials)
	if err := createAll(ctx, b.env.Client, b.options); err != nil {
		return err
	}
	if err := b.cluster.sees(ctx, b.options.policies); err != nil {
		return err
	}
	b.say("starting the operator")
	p, err := b.phase(ctx, "all policies programmed", func() (err error) {
		b.operator, err = b.operators.start(b.options, nil)
		return err
	}, func() (int, int) { return b.cluster.programmed(nil), b.options.policies })
	p.must(programSeconds, operatorMegabytes)
	b.report.add(p)
	return err
}

// changeTier changes the tier that every other policy has.
func (b *bench) changeTier(ctx context.Context) error {
	before := b.cluster.digests()
	changed := (b.options.policies + 1) / 2
	b.say("changing a tier of %d policies", changed)
	p, err := b.phase(ctx, fmt.Sprintf("a tier of %d policies changed", changed), func() error {
		var tier v1alpha1.ModelTier
		if err := b.env.Client.Get(ctx, key(sharedTier), &tier); err != nil {
			return err
		}
		tier.Spec.Models[0].Weight = new(int32(7))
		return b.env.Client.Update(ctx, &tier)
	}, func() (int, int) { return b.cluster.programmed(before), changed })
	p.must(0, operatorMegabytes)
	b.report.add(p)
	return err
}

// rest restarts the operator, which is to find nothing to do, and has it look at
// everything again and again.
func (b *bench) rest(ctx context.Context) error {
	b.operator.stop()
	b.say("restarting the operator, for %d resyncs at rest", resyncs)
	var first usage
	var since time.Time
	p, err := b.phase(ctx, fmt.Sprintf("restart and %d resyncs at rest", resyncs), func() (err error) {
		b.operator, err = b.operators.start(b.options, []string{"-resync=" + b.options.resync.String()})
		return err
	}, func() (int, int) {
		now, err := b.operator.usage()
		if err != nil {
			return 0, 1
		}
		if first.reconciles == 0 && now.reconciles >= float64(b.options.policies) {
			first, since = now, time.Now()
		}
		if since.IsZero() {
			return 0, resyncs
		}
		// Each resync reconciles every policy, some twice.
		return min(int(now.reconciles-first.reconciles)/b.options.policies, int(time.Since(since)/b.options.resync)), resyncs
	})
	p.atRest = true
	p.must(0, operatorMegabytes)
	b.report.add(p)
	b.operator.stop()
	return err
}

// phase begins something, waits until as much is done as is wanted, and says what
// the operator spent meanwhile.
func (b *bench) phase(ctx context.Context, name string, begin func() error, done func() (have, want int)) (phase, error) {
	p := phase{Name: name}
	var before usage
	if b.operator != nil && b.operator.running() {
		var err error
		if before, err = b.operator.usage(); err != nil {
			return p, err
		}
	}
	around, served := others(b.operator.pid()), b.apiServer.served(ctx)
	started := time.Now()
	if err := begin(); err != nil {
		return p, err
	}
	if b.options.profiles != "" {
		prefix := filepath.Join(b.options.profiles, fmt.Sprintf("phase-%d", len(b.report.Phases)+1))
		b.operator.profile(prefix)
		b.apiServer.profile(ctx, prefix)
	}
	if err := b.await(ctx, started, done); err != nil {
		return p, err
	}
	p.Seconds = time.Since(started).Seconds()
	time.Sleep(time.Second) // what is still on its way counts as well
	after, err := b.operator.usage()
	if err != nil {
		return p, err
	}
	p.spent(before, after)
	p.othersSpent(around, others(b.operator.pid()))
	p.Served = less(b.apiServer.served(ctx), served)
	b.say("%s: %.1f s, CPU %.1f s, %.0f MB", name, p.Seconds, p.CPUSeconds, p.PeakMegabytes)
	return p, nil
}

func (b *bench) await(ctx context.Context, started time.Time, done func() (have, want int)) error {
	said, before := started, 0
	for {
		have, want := done()
		if have >= want {
			return nil
		}
		if time.Since(said) > 10*time.Second {
			said = time.Now()
			b.say("  %d of %d", have, want)
			if have == before {
				b.say("  no more since: %s; the operator says: %s", b.cluster.why(), b.operator.logs.String())
			}
			before = have
		}
		if time.Since(started) > patience {
			return fmt.Errorf("only %d of %d after %s: %s", have, want, patience, b.cluster.why())
		}
		if !b.operator.running() {
			return errors.New("the operator ended: " + b.operator.logs.String())
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
