package integration

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"sync"
	"testing/fstest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/internal/controller/acknowledge"
	"github.com/tiershift/tiershift/internal/router/process"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/workload"
)

// node stands in for the Deployment and ReplicaSet controllers and the kubelet.
type node struct {
	client client.Client

	mu      sync.Mutex
	routers map[types.NamespacedName]*routerPod
	nextIP  int
	// held are the namespaces whose new pods do not get ready, garbled those whose
	// pods are given half of a config.
	held, garbled map[string]bool
	// unmountable tells of each config that was given to a pod which does not mount
	// its key files. There must never be one.
	unmountable []string
}

func newNode(c client.Client) *node {
	return &node{client: c, routers: map[types.NamespacedName]*routerPod{}, held: map[string]bool{}, garbled: map[string]bool{}}
}

// hold keeps new pods of the namespace from getting ready, or no longer.
func (n *node) hold(namespace string, yes bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held[namespace] = yes
}

// garble gives pods of the namespace half of each config, or no longer.
func (n *node) garble(namespace string, yes bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.garbled[namespace] = yes
}

// routerPod is a router in this process with the files of its pod.
type routerPod struct {
	// deployment and hash tell which pod template the pod was made from.
	deployment, hash string
	files            *mounted
	stop             context.CancelFunc
	// ended is true until the pod's router is started again.
	ended bool

	mu             sync.Mutex
	traffic, admin string
	// annotations are those with which the files were mounted.
	annotations map[string]string
}

// mounted is what a pod's volumes hold. It is a reload.Source and a file system.
type mounted struct {
	mu      sync.Mutex
	config  string
	version int
	secrets fstest.MapFS
}

func (m *mounted) Version() (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Sprint(m.version), nil
}

func (m *mounted) Read() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return []byte(m.config), nil
}

func (m *mounted) Open(name string) (fs.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.secrets.Open(name)
}

func (m *mounted) set(config string, secrets fstest.MapFS) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.config != config {
		m.config = config
		m.version++
	}
	m.secrets = secrets
}

func (n *node) run(ctx context.Context) {
	for ctx.Err() == nil {
		// A failure is one of a moment: objects come and go while they are read.
		_ = n.sync(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(30 * time.Millisecond):
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, router := range n.routers {
		router.stop()
	}
}

func (n *node) sync(ctx context.Context) error {
	var deployments appsv1.DeploymentList
	if err := n.client.List(ctx, &deployments, client.MatchingLabels(workload.ManagedLabels())); err != nil {
		return err
	}
	wanted := map[types.NamespacedName]bool{}
	var errs []error
	for i := range deployments.Items {
		errs = append(errs, n.rollOut(ctx, &deployments.Items[i], wanted))
	}
	return errors.Join(append(errs, n.removeOthers(ctx, wanted))...)
}

// rollOut adds the Deployment's pods to wanted. Those of an earlier template stay
// until all of the new one are ready.
func (n *node) rollOut(ctx context.Context, d *appsv1.Deployment, wanted map[types.NamespacedName]bool) error {
	hash := hashOf(d)
	var errs []error
	ready := int32(0)
	for replica := range *d.Spec.Replicas {
		name := types.NamespacedName{Namespace: d.Namespace, Name: fmt.Sprintf("%s-%s-%d", d.Name, hash, replica)}
		wanted[name] = true
		pod, err := n.syncPod(ctx, d, name)
		if pod != nil && len(pod.Status.Conditions) > 0 {
			ready++
		}
		errs = append(errs, err)
	}
	old := int32(0)
	for _, name := range n.earlier(d, hash) {
		if ready == *d.Spec.Replicas {
			continue
		}
		wanted[name] = true
		old++
		_, err := n.syncPod(ctx, d, name)
		errs = append(errs, err)
	}
	status := appsv1.DeploymentStatus{
		ObservedGeneration: d.Generation, Replicas: *d.Spec.Replicas + old, UpdatedReplicas: *d.Spec.Replicas, ReadyReplicas: ready + old,
	}
	if !equality.Semantic.DeepEqual(d.Status, status) {
		d.Status = status
		errs = append(errs, n.client.Status().Update(ctx, d))
	}
	return errors.Join(errs...)
}

func hashOf(d *appsv1.Deployment) string {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(d.Spec.Template.String()))
	return fmt.Sprintf("%08x", hash.Sum32())
}

// earlier are the pods of the Deployment that are of another template.
func (n *node) earlier(d *appsv1.Deployment, hash string) []types.NamespacedName {
	n.mu.Lock()
	defer n.mu.Unlock()
	var names []types.NamespacedName
	for name, router := range n.routers {
		if name.Namespace == d.Namespace && router.deployment == d.Name && router.hash != hash {
			names = append(names, name)
		}
	}
	return names
}

func (n *node) removeOthers(ctx context.Context, wanted map[types.NamespacedName]bool) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var errs []error
	for name, router := range n.routers {
		if wanted[name] {
			continue
		}
		router.stop()
		delete(n.routers, name)
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
		errs = append(errs, client.IgnoreNotFound(n.client.Delete(ctx, pod, client.GracePeriodSeconds(0))))
	}
	return errors.Join(errs...)
}

// syncPod returns the pod as it stands, or nil while it is being made.
func (n *node) syncPod(ctx context.Context, d *appsv1.Deployment, name types.NamespacedName) (*corev1.Pod, error) {
	var pod corev1.Pod
	err := n.client.Get(ctx, name, &pod)
	if apierrors.IsNotFound(err) {
		return nil, n.create(ctx, d, name)
	}
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	router := n.routers[name]
	n.mu.Unlock()
	if router == nil || router.ended {
		return nil, n.start(ctx, d, &pod)
	}
	if !maps.Equal(router.annotations, pod.Annotations) {
		if err := n.mount(ctx, &pod, router.files); err != nil {
			return nil, err
		}
		router.annotations = pod.Annotations
	}
	return &pod, n.markReady(ctx, &pod, router)
}

func (n *node) create(ctx context.Context, d *appsv1.Deployment, name types.NamespacedName) error {
	pod := &corev1.Pod{ObjectMeta: *d.Spec.Template.ObjectMeta.DeepCopy(), Spec: *d.Spec.Template.Spec.DeepCopy()}
	hash := hashOf(d)
	pod.Namespace, pod.Name = name.Namespace, name.Name
	pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = hash
	pod.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "apps/v1", Kind: "ReplicaSet", Name: d.Name + "-" + hash, UID: d.UID, Controller: new(true),
	}}
	return n.client.Create(ctx, pod)
}

// mount fills the pod's volumes, as a kubelet does when a pod starts and when it
// changes.
func (n *node) mount(ctx context.Context, pod *corev1.Pod, files *mounted) error {
	config := ""
	secrets := fstest.MapFS{}
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if v.ConfigMap != nil {
			var object corev1.ConfigMap
			if err := n.client.Get(ctx, types.NamespacedName{Namespace: pod.Namespace, Name: v.ConfigMap.Name}, &object); err != nil {
				return err
			}
			config = object.Data[workload.ConfigKey] + string(object.BinaryData[workload.ConfigKey])
			n.check(pod, []byte(config))
		}
		if v.Projected == nil {
			continue
		}
		for _, source := range v.Projected.Sources {
			if err := n.mountSecret(ctx, pod.Namespace, source.Secret, secrets); err != nil {
				return err
			}
		}
	}
	n.mu.Lock()
	if n.garbled[pod.Namespace] {
		config = config[:len(config)/2]
	}
	n.mu.Unlock()
	files.set(config, secrets)
	return nil
}

// check notes the key files of the config that the pod's volumes do not hold,
// whether or not they exist.
func (n *node) check(pod *corev1.Pod, document []byte) {
	config, err := routerconfig.Decode(document)
	if err != nil {
		return // the router says so itself
	}
	mounted := map[string]bool{}
	for i := range pod.Spec.Volumes {
		if v := &pod.Spec.Volumes[i]; v.Projected != nil {
			for _, source := range v.Projected.Sources {
				for _, item := range source.Secret.Items {
					mounted[source.Secret.Name+"/"+item.Path] = true
				}
			}
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range config.Providers {
		for _, file := range []string{config.Providers[i].KeyFile, config.Providers[i].NextKeyFile} {
			if file != "" && !mounted[file] {
				n.unmountable = append(n.unmountable, fmt.Sprintf("%s/%s has no %s", pod.Namespace, pod.Name, file))
			}
		}
	}
}

func (n *node) mountSecret(ctx context.Context, namespace string, projection *corev1.SecretProjection, into fstest.MapFS) error {
	var secret corev1.Secret
	err := n.client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: projection.Name}, &secret)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	for key, value := range secret.Data {
		whole := len(projection.Items) == 0
		for _, item := range projection.Items {
			whole = whole || item.Key == key
		}
		if whole {
			into[projection.Name+"/"+key] = &fstest.MapFile{Data: value}
		}
	}
	return nil
}

// start starts the pod's router. Without a config it would not start, and a
// kubelet would try again.
func (n *node) start(ctx context.Context, d *appsv1.Deployment, pod *corev1.Pod) error {
	files := &mounted{}
	if err := n.mount(ctx, pod, files); err != nil {
		return err
	}
	router := &routerPod{
		files: files, annotations: pod.Annotations, deployment: d.Name, hash: pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey],
	}
	p, err := process.New(process.Options{
		Source: files, Secrets: files, Listen: "127.0.0.1:0", Admin: "127.0.0.1:0",
		ReloadInterval: 50 * time.Millisecond, DrainTimeout: time.Second, Log: slog.New(slog.DiscardHandler),
		Ready: func(listen, admin net.Addr) {
			router.mu.Lock()
			defer router.mu.Unlock()
			router.traffic, router.admin = listen.String(), admin.String()
		},
	})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	router.stop = stop
	go func() { _ = p.Run(running) }()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.routers[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}] = router
	return nil
}

func (n *node) markReady(ctx context.Context, pod *corev1.Pod, router *routerPod) error {
	router.mu.Lock()
	serving := router.admin != ""
	router.mu.Unlock()
	n.mu.Lock()
	held := n.held[pod.Namespace]
	n.mu.Unlock()
	if !serving || held || pod.Status.PodIP != "" {
		return nil
	}
	n.mu.Lock()
	n.nextIP++
	ip := fmt.Sprintf("10.1.%d.%d", n.nextIP/250, n.nextIP%250+1)
	n.mu.Unlock()
	pod.Status.Phase = corev1.PodRunning
	pod.Status.PodIP = ip
	pod.Status.PodIPs = []corev1.PodIP{{IP: ip}}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	return n.client.Status().Update(ctx, pod)
}

// adminAddress is where the pod's admin port really is.
func (n *node) adminAddress(pod *corev1.Pod) string {
	n.mu.Lock()
	router := n.routers[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}]
	n.mu.Unlock()
	if router == nil {
		return "127.0.0.1:1" // nothing listens there
	}
	router.mu.Lock()
	defer router.mu.Unlock()
	return router.admin
}

// trafficAddress is where some router of the namespace serves clients.
func (n *node) trafficAddress(namespace string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	for name, router := range n.routers {
		if name.Namespace == namespace {
			router.mu.Lock()
			defer router.mu.Unlock()
			return router.traffic
		}
	}
	return "127.0.0.1:1" // nothing listens there
}

// adminAddresses are those of all routers of the namespace.
func (n *node) adminAddresses(namespace string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var list []string
	for name, router := range n.routers {
		if name.Namespace == namespace {
			router.mu.Lock()
			list = append(list, router.admin)
			router.mu.Unlock()
		}
	}
	return list
}

// digests are those of the configs that the routers of a namespace serve, by pod,
// as the routers say themselves.
func (n *node) digests(ctx context.Context, namespace string) map[string]string {
	n.mu.Lock()
	admin := map[string]string{}
	for name, router := range n.routers {
		if name.Namespace == namespace {
			router.mu.Lock()
			admin[name.Name] = router.admin
			router.mu.Unlock()
		}
	}
	n.mu.Unlock()
	digests := map[string]string{}
	for pod, address := range admin {
		served, err := acknowledge.NewHTTP(func(*corev1.Pod) string { return address }).Served(ctx, nil)
		if err != nil {
			digests[pod] = err.Error()
			continue
		}
		digests[pod] = served.Digest
	}
	return digests
}

// restart ends the pod's router. It begins again as the container of a kubelet
// does: with what is mounted now.
func (n *node) restart(namespace, pod string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	name := types.NamespacedName{Namespace: namespace, Name: pod}
	if router := n.routers[name]; router != nil {
		router.stop()
		router.ended = true
	}
}
