package workload

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

const (
	configDir  = "/etc/tiershift"
	secretsDir = "/var/run/tiershift/secrets"
	// classifiersDir is not below configDir, which is a mount that is read-only.
	classifiersDir = "/etc/tiershift-classifiers"

	portTraffic = "http"
	portAdmin   = "admin"
)

func container(in Input, mounts []corev1.VolumeMount) corev1.Container {
	resources := routerResources(in.Policy)
	return corev1.Container{
		Name:            containerRouter,
		Image:           in.Router.Image,
		ImagePullPolicy: in.Router.PullPolicy,
		Args:            arguments(in),
		Env:             memoryLimit(resources),
		Ports: []corev1.ContainerPort{
			{Name: portTraffic, ContainerPort: TrafficPort, Protocol: corev1.ProtocolTCP},
			{Name: portAdmin, ContainerPort: AdminPort, Protocol: corev1.ProtocolTCP},
		},
		Resources:      resources,
		ReadinessProbe: probe("/readyz", 2, 2),
		LivenessProbe:  probe("/healthz", 10, 6),
		VolumeMounts:   mounts,
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(false),
			ReadOnlyRootFilesystem:   new(true),
			Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		},
	}
}

func arguments(in Input) []string {
	args := []string{
		"-config=" + configDir + "/" + ConfigKey,
		"-secrets-dir=" + secretsDir,
		fmt.Sprintf("-listen=:%d", TrafficPort),
		fmt.Sprintf("-admin-listen=:%d", AdminPort),
		"-drain-delay=" + in.Router.DrainDelay.String(),
		"-drain-timeout=" + in.Router.DrainTimeout.String(),
	}
	if _, _, ok := Classifier(in.Config); ok {
		args = append(args, "-classifiers-dir="+classifiersDir)
	}
	return args
}

// probe asks the admin port. Liveness is given longer than readiness: a router
// that is busy is to get fewer requests, not to lose those it has.
func probe(path string, periodSeconds, failures int32) *corev1.Probe {
	return &corev1.Probe{
		ProbeHandler:     corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromString(portAdmin)}},
		PeriodSeconds:    periodSeconds,
		TimeoutSeconds:   2,
		FailureThreshold: failures,
	}
}

func routerResources(policy *v1alpha1.RoutingPolicy) corev1.ResourceRequirements {
	if policy.Spec.Gateway.Resources != nil {
		return *policy.Spec.Gateway.Resources.DeepCopy()
	}
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("64Mi")},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("256Mi")},
	}
}

// memoryLimit has Go's collector work harder when nine tenths of the container's
// memory are used, rather than have the kernel kill the router at ten.
func memoryLimit(resources corev1.ResourceRequirements) []corev1.EnvVar {
	limit := resources.Limits.Memory().Value()
	if limit <= 0 {
		return nil
	}
	return []corev1.EnvVar{{Name: "GOMEMLIMIT", Value: fmt.Sprintf("%d", limit/10*9)}}
}
