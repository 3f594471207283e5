package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/controller"
	"github.com/tiershift/tiershift/internal/workload"
)

// cluster stands in for the controllers of Deployments and ReplicaSets, for the
// kubelets, and for the routers in the pods, whose admin ports it answers. It also
// watches the policies, which is how the bench knows what is programmed.
type cluster struct {
	client  client.Client
	cache   cache.Cache
	queue   workqueue.TypedRateLimitingInterface[string]
	cancel  context.CancelFunc
	workers sync.WaitGroup

	mu sync.Mutex
	// policies are as last seen, by name.
	policies map[string]*v1alpha1.RoutingPolicy
	// routers are by pod.
	routers map[string]*router
	// observed are the generations that Deployments' statuses were written for, which
	// the watch tells a moment later.
	observed map[string]int64
	failure  error
}

// newCluster begins to watch.
func newCluster(ctx context.Context, config *rest.Config) (*cluster, error) {
	scheme := controller.NewScheme()
	managed := cache.ByObject{Label: labels.SelectorFromSet(workload.ManagedLabels())}
	watched, err := cache.New(config, cache.Options{
		Scheme: scheme, DefaultTransform: cache.TransformStripManagedFields(),
		ByObject: map[client.Object]cache.ByObject{&appsv1.Deployment{}: managed, &corev1.ConfigMap{}: managed, &corev1.Pod{}: managed},
	})
	if err != nil {
		return nil, err
	}
	live, err := client.New(config, client.Options{Scheme: scheme, Cache: &client.CacheOptions{Reader: watched}})
	if err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c := &cluster{
		client: live, cache: watched, cancel: cancel, policies: map[string]*v1alpha1.RoutingPolicy{}, routers: map[string]*router{}, observed: map[string]int64{},
		// No limit over all pods: a thousand kubelets do not wait for each other.
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](10*time.Millisecond, time.Second)),
	}
	go func() {
		if err := watched.Start(running); err != nil {
			c.fail(err)
		}
	}()
	for object, seen := range map[client.Object]func(client.Object){
		&v1alpha1.RoutingPolicy{}: c.seePolicy, &appsv1.Deployment{}: c.enqueue, &corev1.ConfigMap{}: c.enqueue, &corev1.Pod{}: c.enqueue,
	} {
		if err := c.watch(ctx, object, seen); err != nil {
			return nil, errors.Join(err, c.stop())
		}
	}
	const workers = 8
	for range workers {
		c.workers.Go(func() { c.work(running) })
	}
	return c, nil
}

func (c *cluster) watch(ctx context.Context, object client.Object, seen func(client.Object)) error {
	informer, err := c.cache.GetInformer(ctx, object)
	if err != nil {
		return err
	}
	see := func(object any) {
		if o, ok := object.(client.Object); ok {
			seen(o)
		}
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{AddFunc: see, UpdateFunc: func(_, now any) { see(now) }})
	return err
}

// stop ends the workers and the routers.
func (c *cluster) stop() error {
	c.cancel()
	c.queue.ShutDown()
	c.workers.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, r := range c.routers {
		errs = append(errs, r.stop())
	}
	return errors.Join(errs...)
}

func (c *cluster) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failure = errors.Join(c.failure, err)
}

func (c *cluster) seePolicy(object client.Object) {
	if policy, ok := object.(*v1alpha1.RoutingPolicy); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.policies[policy.Name] = policy
	}
}

func (c *cluster) enqueue(object client.Object) {
	if policy, ok := workload.PolicyOf(object.GetLabels()); ok {
		c.queue.Add(policy)
	}
}

func (c *cluster) work(ctx context.Context) {
	for {
		policy, shutdown := c.queue.Get()
		if shutdown {
			return
		}
		if err := c.sync(ctx, policy); err != nil {
			c.queue.AddRateLimited(policy) // objects come and go while they are read
		} else {
			c.queue.Forget(policy)
		}
		c.queue.Done(policy)
	}
}

// sees waits until the watch has all policies.
func (c *cluster) sees(ctx context.Context, policies int) error {
	for {
		c.mu.Lock()
		seen := len(c.policies)
		c.mu.Unlock()
		if seen >= policies {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// programmed counts the policies that say they are Ready with all their replicas
// on a config other than the one of before; nil: on any.
func (c *cluster) programmed(before map[string]string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for name, p := range c.policies {
		s := &p.Status
		if s.ObservedGeneration == p.Generation && isTrue(p, v1alpha1.ConditionReady) && isTrue(p, v1alpha1.ConditionProgrammed) &&
			s.Gateway != nil && s.Gateway.Replicas != nil && s.Gateway.Replicas.Acknowledged == *p.Spec.Gateway.Replicas &&
			s.ConfigDigest != "" && s.ConfigDigest != before[name] {
			n++
		}
	}
	return n
}

// digests are those of the configs that the policies serve.
func (c *cluster) digests() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	digests := map[string]string{}
	for name, p := range c.policies {
		digests[name] = p.Status.ConfigDigest
	}
	return digests
}

// why is what some policy says that is not programmed, and what failed here.
func (c *cluster) why() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, p := range c.policies {
		for _, condition := range p.Status.Conditions {
			if condition.Type == v1alpha1.ConditionReady && condition.Status != "True" {
				return fmt.Sprintf("%s says %s; the bench says %v", name, condition.Message, c.failure)
			}
		}
	}
	return fmt.Sprintf("the bench says %v", c.failure)
}

func isTrue(p *v1alpha1.RoutingPolicy, kind string) bool {
	for _, condition := range p.Status.Conditions {
		if condition.Type == kind {
			return condition.Status == "True"
		}
	}
	return false
}

// sync brings the pods of a policy's Deployment to where the controllers and the
// kubelets would.
func (c *cluster) sync(ctx context.Context, policy string) error {
	var d appsv1.Deployment
	err := c.client.Get(ctx, key(workload.Name(policy)), &d)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for replica := range *d.Spec.Replicas {
		if err := c.syncPod(ctx, &d, fmt.Sprintf("%s-%s-%d", d.Name, templateHash, replica)); err != nil {
			return err
		}
	}
	return c.syncStatus(ctx, &d)
}

// syncStatus writes the status of the Deployment as its controller would in the end.
func (c *cluster) syncStatus(ctx context.Context, d *appsv1.Deployment) error {
	c.mu.Lock()
	done := d.Status.ObservedGeneration == d.Generation || c.observed[d.Name] == d.Generation
	c.mu.Unlock()
	if done {
		return nil
	}
	n := *d.Spec.Replicas
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: n, UpdatedReplicas: n, ReadyReplicas: n, AvailableReplicas: n}
	if err := c.client.Status().Update(ctx, d); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.observed[d.Name] = d.Generation
	return nil
}
