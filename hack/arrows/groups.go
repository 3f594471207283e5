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

// groups hold every package of the module exactly once: a new package is put where
// it belongs before it can be merged.
var groups = []group{
	{
		members: []string{
			"cmd/router",
			"internal/classify/...",
			"internal/expression/...",
			"internal/metricnames",
			"internal/pricing",
			"internal/provider/...",
			"internal/replay",
			"internal/router/...",
			"internal/routerconfig",
			"internal/simulator",
			"internal/version",
		},
		banned: []string{"k8s.io/", "sigs.k8s.io/"},
		why:    "the router stays small, starts fast and can be read without Kubernetes",
	},
	{
		members: []string{"api/...", "internal/compile"},
		banned:  []string{"k8s.io/client-go/", "sigs.k8s.io/controller-runtime/"},
		why:     "resources are plain values here; whoever talks to the API server hands them in",
	},
	{
		members: []string{
			"cmd/tiershift",
			"config/...",
			"hack/...",
			"internal/embedded",
			"internal/manifest",
			"internal/testenv",
			"test/...",
		},
	},
}
