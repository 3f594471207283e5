package compile

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/expression"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// checkExpression refuses the policy for an expression that does not compile.
// Without it a route would take what it should not, or the next route what was
// meant for it.
func (c *compiler) checkExpression(field, source string) {
	if source == "" {
		return
	}
	if _, err := expression.Compile(source); err != nil {
		c.policyProblem(SeverityError, field, v1alpha1.ReasonInvalidExpression, "%v", err)
	}
}

func (c *compiler) compileFallback() {
	spec := c.policy.Spec.Fallback
	var on []routerconfig.Cause
	for _, cause := range spec.Causes() {
		on = append(on, routerconfig.Cause(cause))
	}
	slices.Sort(on)
	c.config.Fallback = routerconfig.Fallback{On: slices.Compact(on), MaxAttempts: v1alpha1.DefaultMaxAttempts}
	if spec != nil {
		c.config.Fallback.MaxAttempts = deref(spec.MaxAttempts, v1alpha1.DefaultMaxAttempts)
		c.config.Fallback.Backoff = duration(spec.Backoff, 0)
	}
}

func (c *compiler) compileAuth() {
	auth := &c.policy.Spec.Gateway.Auth
	switch {
	case auth.Mode == v1alpha1.AuthNone:
		c.config.Auth = routerconfig.Auth{Mode: routerconfig.AuthNone}
	case auth.Mode == v1alpha1.AuthAPIKeys && auth.SecretRef != nil:
		c.compileClients(auth.SecretRef.Name)
	case auth.Mode == v1alpha1.AuthAPIKeys:
		c.closeGateway("spec.gateway.auth.secretRef", v1alpha1.ReasonSecretNotFound, "auth mode APIKeys names no Secret", "name the one that holds the clients' keys")
	case auth.Mode == "":
		c.closeGateway("spec.gateway.auth.mode", v1alpha1.ReasonInvalid, "no auth mode is set", "set one")
	default:
		c.closeGateway("spec.gateway.auth.mode", v1alpha1.ReasonNotSupported,
			fmt.Sprintf("auth mode %s is not supported by this version", auth.Mode), "use APIKeys")
	}
}

func (c *compiler) compileClients(secret string) {
	const field = "spec.gateway.auth.secretRef.name"
	if len(validation.IsDNS1123Subdomain(secret)) > 0 {
		c.closeGateway(field, v1alpha1.ReasonInvalid, fmt.Sprintf("no Secret can have the name %q", secret), "name the one that holds the clients' keys")
		return
	}
	c.config.Auth = routerconfig.Auth{Mode: routerconfig.AuthAPIKeys, ClientsDir: secret}
	keys, exists := c.in.SecretKeys[secret]
	switch {
	case !exists:
		c.policyProblem(SeverityDegraded, field, v1alpha1.ReasonSecretNotFound,
			"Secret %q does not exist in namespace %s, so every client is refused: create it with a key for each client", secret, c.policy.Namespace)
	case len(keys) == 0:
		c.policyProblem(SeverityDegraded, field, v1alpha1.ReasonSecretKeyNotFound,
			"Secret %q holds no key, so every client is refused: put a key for each client into it", secret)
	}
}

// closeGateway lets nobody in: an open gateway is no substitute for one that
// asks for something which cannot be had.
func (c *compiler) closeGateway(field, reason, why, remedy string) {
	c.config.Auth = routerconfig.Auth{Mode: routerconfig.AuthClosed, Reason: why}
	c.policyProblem(SeverityDegraded, field, reason, "%s, so every client is refused: %s", why, remedy)
}

// noteUnsupported names what is written but has no effect yet, so that nobody
// relies on it.
func (c *compiler) noteUnsupported() {
	spec := &c.policy.Spec
	c.unsupported(spec.Budget != nil, "spec.budget", "spend is measured, not limited")
	c.unsupported(spec.Fallback != nil && spec.Fallback.HedgeAfter != nil, "spec.fallback.hedgeAfter", "calls are not hedged")
	c.unsupported(len(spec.Gateway.Clients) > 0, "spec.gateway.clients", "clients are not limited")
	c.unsupported(spec.Sidecar != nil && spec.Sidecar.Enabled, "spec.sidecar", "no router is added to pods")
	for _, p := range c.config.Providers {
		if c.credentials[p.Name].Spec.RateLimit != nil {
			c.problem(c.object(KindProviderCredential, p.Name), SeverityWarning, "spec.rateLimit", v1alpha1.ReasonNotSupported,
				"has no effect in this version: only the provider's own limit counts")
		}
	}
}

// noteUnshifted names what asks for a shift and gets none.
func (c *compiler) noteUnshifted() {
	spec := &c.policy.Spec
	catchesAll := false
	for i := range spec.Routes {
		r := &spec.Routes[i]
		catchesAll = catchesAll || equality.Semantic.DeepEqual(r.Match, v1alpha1.RouteMatch{})
		if r.Shift != nil && r.Tier != "" && v1alpha1.ResolveShift(spec.Shift, r.Shift).Mode != v1alpha1.ShiftOff {
			c.policyProblem(SeverityWarning, fmt.Sprintf("spec.routes[%d].shift", i), v1alpha1.ReasonNotSupported,
				"has no effect: the route is pinned to tier %s. Remove tier, and bound the route by minTier and maxTier, to let it shift", r.Tier)
		}
	}
	if all := v1alpha1.ResolveShift(spec.Shift, nil); all.Mode != v1alpha1.ShiftOff && !catchesAll {
		c.policyProblem(SeverityWarning, "spec.shift", v1alpha1.ReasonNotSupported,
			"shifts listed routes only: the implicit route %q, which takes what matches none of them, has no split. End spec.routes with a route that matches everything, such as {name: chat, match: {}}",
			routerconfig.ImplicitRoute)
	}
}

func (c *compiler) unsupported(written bool, field, effect string) {
	if written {
		c.policyProblem(SeverityWarning, field, v1alpha1.ReasonNotSupported, "has no effect in this version: %s", effect)
	}
}
