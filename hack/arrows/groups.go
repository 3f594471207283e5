package main

// group is a set of packages that must not reach others.
type group struct {
	// members are directories of the module; one that ends in /... is a subtree.
	members []string
	// banned are prefixes of import paths.
	banned []string
	// why is told to whoever breaks the rule.
	why string
}

// groups are the packages of the architecture. Every package of the module is in
// exactly one: a new one is put where it belongs before it can be merged.
var groups = []group{
	{
		members: []string{
			"cmd/router",
			"internal/audit",
			"internal/classify/...",
			"internal/expression/...",
			"internal/feedback",
			"internal/judge",
			"internal/metricnames",
			"internal/pricing",
			"internal/provider/...",
			"internal/replay",
			"internal/requestid",
			"internal/router/...",
			"internal/routerconfig",
			"internal/simulator",
			"internal/validation",
			"internal/version",
		},
		banned: []string{"k8s.io/", "sigs.k8s.io/"},
		why:    "the router stays small, starts fast and can be read without Kubernetes",
	},
	{
		members: []string{"api/...", "internal/compile", "internal/shift", "internal/shiftsim", "internal/workload"},
		banned:  []string{"k8s.io/client-go/", "sigs.k8s.io/controller-runtime/"},
		why:     "resources are plain values here; whoever talks to the API server hands them in",
	},
	{
		members: []string{"cmd/operator", "internal/controller/...", "internal/metricsource", "internal/shifting"},
		banned:  []string{"github.com/tiershift/tiershift/internal/router/"},
		why:     "the operator knows the router's config and its metrics, never its code",
	},
	{
		members: []string{
			"cmd/tiershift",
			"config/...",
			"hack/...",
			"internal/embedded",
			"internal/manifest",
			"internal/testenv",
			"internal/testprometheus",
			"test/...",
		},
	},
}
