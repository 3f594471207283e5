package integration

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"sync"
	"testing/fstest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/internal/router/process"
	"github.com/tiershift/tiershift/internal/workload"
)

const templateHash = "5c9f8d7b6"

// node stands in for the Deployment and ReplicaSet controllers and the kubelet.
type node struct {
	client client.Client

	mu      sync.Mutex
	routers map[types.NamespacedName]*routerPod
	nextIP  int
}

func newNode(c client.Client) *node {
	return &node{client: c, routers: map[types.NamespacedName]*routerPod{}}
}

// routerPod is a router in this process with the files of its pod.
type routerPod struct {
	files *mounted
	stop  context.CancelFunc

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
		d := &deployments.Items[i]
		for replica := range *d.Spec.Replicas {
			name := types.NamespacedName{Namespace: d.Namespace, Name: fmt.Sprintf("%s-%s-%d", d.Name, templateHash, replica)}
			wanted[name] = true
			errs = append(errs, n.syncPod(ctx, d, name))
		}
	}
	return errors.Join(append(errs, n.removeOthers(ctx, wanted))...)
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

func (n *node) syncPod(ctx context.Context, d *appsv1.Deployment, name types.NamespacedName) error {
	var pod corev1.Pod
	err := n.client.Get(ctx, name, &pod)
	if apierrors.IsNotFound(err) {
		return n.create(ctx, d, name)
	}
	if err != nil {
		return err
	}
	n.mu.Lock()
	router := n.routers[name]
	n.mu.Unlock()
	if router == nil {
		return n.start(ctx, &pod)
	}
	if !maps.Equal(router.annotations, pod.Annotations) {
		if err := n.mount(ctx, &pod, router.files); err != nil {
			return err
		}
		router.annotations = pod.Annotations
	}
	return n.markReady(ctx, &pod, router)
}

func (n *node) create(ctx context.Context, d *appsv1.Deployment, name types.NamespacedName) error {
	pod := &corev1.Pod{ObjectMeta: *d.Spec.Template.ObjectMeta.DeepCopy(), Spec: *d.Spec.Template.Spec.DeepCopy()}
	pod.Namespace, pod.Name = name.Namespace, name.Name
	pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = templateHash
	pod.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "apps/v1", Kind: "ReplicaSet", Name: d.Name + "-" + templateHash, UID: d.UID, Controller: new(true),
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
			config = object.Data[workload.ConfigKey]
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
	files.set(config, secrets)
	return nil
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
func (n *node) start(ctx context.Context, pod *corev1.Pod) error {
	files := &mounted{}
	if err := n.mount(ctx, pod, files); err != nil {
		return err
	}
	router := &routerPod{files: files, annotations: pod.Annotations}
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
	if !serving || pod.Status.PodIP != "" {
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
