package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

// Gateway is how a policy's routers run and whom they let in.
//
// +kubebuilder:validation:XValidation:rule=`!(has(self.replicas) && has(self.autoscaling))`,message=`gateway.replicas and gateway.autoscaling exclude each other`
// +kubebuilder:validation:XValidation:rule=`!has(self.clients) || self.clients.size() == 0 || self.auth.mode != 'None'`,message=`gateway.clients needs auth.mode APIKeys or ServiceAccount: with None no client is known`
type Gateway struct {
	// auth says whom routers let in, gateways and sidecars alike. Required, so
	// that nobody opens a gateway without having written so.
	//
	// +required
	Auth GatewayAuth `json:"auth"`

	// replicas is the fixed number of gateway pods; 0 runs none, as for a policy
	// with sidecars only. Excludes autoscaling. Omitted with autoscaling: 2.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Replicas *int32 `json:"replicas,omitempty"`

	// autoscaling lets the number of gateway pods follow their CPU use. Excludes
	// replicas. Omitted: a fixed number.
	//
	// +optional
	Autoscaling *GatewayAutoscaling `json:"autoscaling,omitempty"`

	// resources of the router container. Omitted: requests of 100m CPU and 64Mi
	// memory, a limit of 256Mi memory.
	//
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// service is how the gateway is reached. Omitted: a ClusterIP Service on
	// port 8080.
	//
	// +optional
	Service *GatewayService `json:"service,omitempty"`

	// podLabels are added to gateway pods; the operator's own labels win.
	// Omitted: none.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	PodLabels map[string]string `json:"podLabels,omitempty"`

	// podAnnotations are added to gateway pods; the operator's own win.
	// Omitted: none.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	PodAnnotations map[string]string `json:"podAnnotations,omitempty"`

	// nodeSelector of gateway pods. Omitted: any node.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// tolerations of gateway pods. Omitted: none.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// affinity of gateway pods. Omitted: none.
	//
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`

	// topologySpreadConstraints of gateway pods. Omitted: spread over nodes as
	// far as possible.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`

	// priorityClassName of gateway pods. Omitted: the cluster's default.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=253
	PriorityClassName string `json:"priorityClassName,omitempty"`

	// imagePullSecrets name Secrets in the same namespace with which the router
	// image is pulled. Omitted: none.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=8
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`

	// clients are limits per client; clients that are not listed have none of
	// their own. Needs an auth mode that tells clients apart. Omitted: none.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=256
	Clients []ClientLimits `json:"clients,omitempty"`
}

// AuthMode says how clients prove who they are.
//
// +kubebuilder:validation:Enum=None;APIKeys;ServiceAccount
type AuthMode string

const (
	// AuthNone lets everybody in.
	AuthNone AuthMode = "None"
	// AuthAPIKeys asks for one of the keys of a Secret.
	AuthAPIKeys AuthMode = "APIKeys"
	// AuthServiceAccount asks for a Kubernetes service account token.
	AuthServiceAccount AuthMode = "ServiceAccount"
)

// GatewayAuth says whom routers let in.
//
// +kubebuilder:validation:XValidation:rule=`has(self.secretRef) == (self.mode == 'APIKeys')`,message=`auth.secretRef is required when mode is APIKeys, and forbidden otherwise`
// +kubebuilder:validation:XValidation:rule=`!has(self.audiences) || self.mode == 'ServiceAccount'`,message=`auth.audiences is only for mode ServiceAccount`
type GatewayAuth struct {
	// mode is None (everybody), APIKeys (a key of secretRef) or ServiceAccount
	// (a Kubernetes service account token).
	//
	// +required
	Mode AuthMode `json:"mode"`

	// secretRef names the Secret with the clients' keys: each key name is a
	// client's name in metrics and limits, each value its API key. Required for
	// APIKeys, forbidden otherwise.
	//
	// +optional
	SecretRef *SecretReference `json:"secretRef,omitempty"`

	// audiences are the token audiences of which one must be present. Only for
	// ServiceAccount. Omitted: tiershift.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	Audiences []string `json:"audiences,omitempty"`
}

// GatewayAutoscaling lets the number of gateway pods follow their CPU use.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.minReplicas) || self.minReplicas <= self.maxReplicas`,message=`autoscaling.minReplicas must not be greater than autoscaling.maxReplicas`
type GatewayAutoscaling struct {
	// minReplicas is the least number of pods, 1 to 100. Default: 2.
	//
	// +optional
	// +kubebuilder:default=2
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MinReplicas *int32 `json:"minReplicas,omitempty"`

	// maxReplicas is the greatest number of pods, 1 to 100.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	MaxReplicas int32 `json:"maxReplicas"`

	// targetCPUPercent is the mean CPU use that is aimed at, in percent of the
	// CPU request, 1 to 100. Default: 70.
	//
	// +optional
	// +kubebuilder:default=70
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	TargetCPUPercent *int32 `json:"targetCPUPercent,omitempty"`
}

// ServiceType is how a gateway's Service is exposed.
//
// +kubebuilder:validation:Enum=ClusterIP;LoadBalancer;NodePort
type ServiceType string

const (
	// ServiceClusterIP is reached from inside the cluster.
	ServiceClusterIP ServiceType = "ClusterIP"
	// ServiceLoadBalancer is reached through the cloud's load balancer.
	ServiceLoadBalancer ServiceType = "LoadBalancer"
	// ServiceNodePort is reached through a port of every node.
	ServiceNodePort ServiceType = "NodePort"
)

// GatewayService is how a gateway is reached.
type GatewayService struct {
	// type is ClusterIP, LoadBalancer or NodePort. Default: ClusterIP.
	//
	// +optional
	// +kubebuilder:default=ClusterIP
	Type ServiceType `json:"type,omitempty"`

	// port of the Service. The default is the port that routers listen on, in
	// gateways, sidecars and on a laptop, so that a base URL differs only in its
	// host. Default: 8080.
	//
	// +optional
	// +kubebuilder:default=8080
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	Port *int32 `json:"port,omitempty"`

	// annotations of the Service, as cloud load balancers ask for. Omitted: none.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=32
	Annotations map[string]string `json:"annotations,omitempty"`
}

// ClientLimits are the limits of one client. At least one is given.
//
// +kubebuilder:validation:XValidation:rule=`has(self.requestsPerMinute) || has(self.tokensPerMinute) || has(self.maxCostUSDPerDay)`,message=`gateway.clients[*] must set at least one of requestsPerMinute, tokensPerMinute, maxCostUSDPerDay`
type ClientLimits struct {
	// name of the client: with APIKeys the key name in the Secret, with
	// ServiceAccount NAMESPACE/NAME of the service account.
	//
	// +required
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches('^[-._A-Za-z0-9]+(/[-.A-Za-z0-9]+)?$')`,message=`gateway.clients[*].name must be a key of the Secret, or NAMESPACE/NAME of a service account`
	Name string `json:"name"`

	// requestsPerMinute caps the client's requests per minute. Omitted: not
	// capped.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	RequestsPerMinute *int64 `json:"requestsPerMinute,omitempty"`

	// tokensPerMinute caps the client's input and output tokens per minute.
	// Omitted: not capped.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	TokensPerMinute *int64 `json:"tokensPerMinute,omitempty"`

	// maxCostUSDPerDay caps what the client's requests may cost per day (UTC) in
	// USD. Omitted: not capped.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self.matches('^[0-9]{1,6}([.][0-9]{1,6})?$') && self.matches('[1-9]')`,message=`gateway.clients[*].maxCostUSDPerDay must be a decimal above 0, such as "10"`
	MaxCostUSDPerDay Decimal `json:"maxCostUSDPerDay,omitempty"`
}

// Sidecar puts a router beside the containers of chosen pods.
type Sidecar struct {
	// enabled adds a router to pods of the same namespace that carry the label
	// tiershift.dev/inject with the policy's name as value. Default: false.
	//
	// +optional
	Enabled bool `json:"enabled,omitempty"`
}

// InjectLabel is the label of pods that get a router beside their containers; its
// value is the name of the policy.
const InjectLabel = "tiershift.dev/inject"
