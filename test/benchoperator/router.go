package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/workload"
)

const (
	templateHash = "5c9f8d7b6"
	// maxPods is how many addresses address gives out.
	maxPods = 60_000
)

// router answers for the router in a pod. It serves what a kubelet has mounted
// there.
type router struct {
	server *http.Server
	ip     string

	mu     sync.Mutex
	config *routerconfig.Config
}

// address is one of loopback for each number below [maxPods]: Linux answers at all
// of 127.0.0.0/8.
func address(n int) string { return fmt.Sprintf("127.77.%d.%d", n/250, n%250+1) }

// startRouter listens where the operator asks a pod's router.
func startRouter(ctx context.Context, n int) (*router, error) {
	r := &router{ip: address(n)}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(r.ip, strconv.Itoa(workload.AdminPort)))
	if err != nil {
		return nil, fmt.Errorf("%w: the admin port of routers must be free on loopback", err)
	}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = r.server.Serve(listener) }() // until stop
	return r, nil
}

func (r *router) stop() error { return r.server.Close() }

// ServeHTTP answers GET /config as a router does.
func (r *router) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.URL.Path != "/config" {
		http.NotFound(w, request)
		return
	}
	r.mu.Lock()
	config := r.config
	r.mu.Unlock()
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(struct { // the reader may have gone
		Digest     string               `json:"digest"`
		Generation int64                `json:"generation"`
		Config     *routerconfig.Config `json:"config"`
	}{config.Digest, config.Generation, config})
}

// syncPod creates the pod, starts its router, has it ready, and mounts a new config
// when the operator asks the kubelet to look.
func (c *cluster) syncPod(ctx context.Context, d *appsv1.Deployment, name string) error {
	var pod corev1.Pod
	err := c.client.Get(ctx, key(name), &pod)
	if apierrors.IsNotFound(err) {
		return ignoreExists(c.client.Create(ctx, podOf(d, name)))
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	r := c.routers[name]
	n := len(c.routers)
	if r == nil {
		if r, err = startRouter(ctx, n); err != nil {
			c.mu.Unlock()
			c.fail(err)
			return err
		}
		c.routers[name] = r
	}
	c.mu.Unlock()
	if err := c.mount(ctx, &pod, r); err != nil {
		return err
	}
	if pod.Status.PodIP != "" {
		return nil
	}
	pod.Status.Phase, pod.Status.PodIP, pod.Status.PodIPs = corev1.PodRunning, r.ip, []corev1.PodIP{{IP: r.ip}}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	return c.client.Status().Update(ctx, &pod)
}

func podOf(d *appsv1.Deployment, name string) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: *d.Spec.Template.ObjectMeta.DeepCopy(), Spec: *d.Spec.Template.Spec.DeepCopy()}
	pod.Namespace, pod.Name = namespace, name
	pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = templateHash
	pod.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "apps/v1", Kind: "ReplicaSet", Name: d.Name + "-" + templateHash, UID: d.UID, Controller: new(true),
	}}
	return pod
}

var errNotYet = errors.New("the kubelet's watch does not have the config yet")

// mount gives the router the config of its ConfigMap when the pod starts, and when
// the pod's annotation asks for that config.
func (c *cluster) mount(ctx context.Context, pod *corev1.Pod, r *router) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	asked := pod.Annotations[workload.ConfigDigestAnnotation]
	if r.config != nil && (asked == "" || asked == r.config.Digest) {
		return nil
	}
	var configMap corev1.ConfigMap
	if err := c.client.Get(ctx, key(workload.ConfigMounted(&pod.Spec)), &configMap); err != nil {
		return err
	}
	if asked != "" && configMap.Annotations[workload.ConfigDigestAnnotation] != asked {
		return errNotYet
	}
	config, err := routerconfig.Decode([]byte(configMap.Data[workload.ConfigKey]))
	if err != nil {
		c.fail(err)
		return err
	}
	r.config = config
	return nil
}

func ignoreExists(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
