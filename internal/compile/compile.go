package compile

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// Input is everything that a policy's config depends on.
type Input struct {
	Policy *v1alpha1.RoutingPolicy
	// Tiers and Credentials are looked up by name within the policy's namespace;
	// others among them are ignored.
	Tiers       []v1alpha1.ModelTier
	Credentials []v1alpha1.ProviderCredential
	// SecretKeys maps the name of each Secret of the namespace that exists to
	// the keys in it that are not empty. Values never come here.
	SecretKeys map[string][]string
	// Classifiers maps the name of each ConfigMap that exists of those that the
	// policy takes a classifier from to its keys, and each key to what it holds.
	Classifiers map[string]map[string]Classifier
	// At is the time whose prices are in force.
	At time.Time
	// Catalogue holds the prices of models that state none.
	Catalogue pricing.List
	// Routers is how many routers serve the config at once; 0: as many as the
	// policy's gateway may have.
	Routers int32
}

// Result is the config and what was wrong on the way to it.
type Result struct {
	// Config is nil when a problem has SeverityError.
	Config *routerconfig.Config
	// Problems are sorted by object and field.
	Problems []Problem
	// Models are all models of the tiers that the policy names, with the price
	// found for each.
	Models []PricedModel
	// PricesUntil is when the next price takes force that the catalogue knows
	// of: compile again then. Zero: it knows of none.
	PricesUntil time.Time
}

// PricedModel is a model with the price in force and where it came from.
type PricedModel struct {
	Tier, Model, Credential string
	Price                   routerconfig.Price
	// Source is where the price comes from.
	Source v1alpha1.PriceSource
	// Origin says more of a catalogue price: its date.
	Origin string
}

// Compile compiles the policy.
func Compile(in Input) Result {
	c := newCompiler(&in)
	c.compileTiers()
	if len(c.config.Tiers) > 0 {
		c.compileDefaultTier()
		c.compileBaseline()
	}
	c.compileClassification()
	c.compileRoutes()
	c.compileFallback()
	c.compileAuth()
	c.config.RequestIDs.KeyFile = routerconfig.RequestIDSecret(c.policy.Name) + "/" + routerconfig.RequestIDKey
	c.noteUnsupported()
	c.noteUnshifted()
	return c.result()
}

type compiler struct {
	in          *Input
	policy      *v1alpha1.RoutingPolicy
	tiers       map[string]*v1alpha1.ModelTier
	credentials map[string]*v1alpha1.ProviderCredential
	// ranks are those of all tiers that the policy lists and that exist, usable
	// or not.
	ranks map[string]int32
	// providers are the accounts that were looked at; nil: unusable.
	providers   map[string]*routerconfig.Provider
	config      routerconfig.Config
	models      []PricedModel
	problems    []Problem
	pricesUntil time.Time
}

func newCompiler(in *Input) *compiler {
	c := &compiler{
		in: in, policy: in.Policy, ranks: map[string]int32{}, providers: map[string]*routerconfig.Provider{},
		tiers: map[string]*v1alpha1.ModelTier{}, credentials: map[string]*v1alpha1.ProviderCredential{},
		config: routerconfig.Config{
			APIVersion: routerconfig.APIVersion,
			Namespace:  in.Policy.Namespace, Policy: in.Policy.Name, Generation: in.Policy.Generation,
		},
	}
	for i := range in.Tiers {
		if t := &in.Tiers[i]; t.Namespace == c.policy.Namespace {
			c.tiers[t.Name] = t
		}
	}
	for i := range in.Credentials {
		if credential := &in.Credentials[i]; credential.Namespace == c.policy.Namespace {
			c.credentials[credential.Name] = credential
		}
	}
	return c
}

func (c *compiler) result() Result {
	config := c.admitted()
	r := Result{Problems: sortProblems(c.problems), Models: c.models, PricesUntil: c.pricesUntil}
	for i := range r.Problems {
		if r.Problems[i].Severity == SeverityError {
			return r
		}
	}
	r.Config = config
	return r
}

// admitted is the config as a router will read it. What no router would take is
// a problem here, so that it is never found out in production.
func (c *compiler) admitted() *routerconfig.Config {
	if len(c.config.Tiers) == 0 {
		c.policyProblem(SeverityError, "spec.tiers", v1alpha1.ReasonTierNotReady,
			"no tier of the policy can be used, so there is nothing to route to: the problems of its tiers say what to mend")
		return nil
	}
	if faults := fieldFaults(c.config.Validate()); len(faults) > 0 {
		for _, fault := range faults {
			c.policyProblem(SeverityError, specField(fault.Field), v1alpha1.ReasonInvalid, "%s", fault.Problem)
		}
		return nil
	}
	data, err := routerconfig.Encode(&c.config)
	if err == nil {
		var config *routerconfig.Config
		if config, err = routerconfig.Decode(data); err == nil {
			return config
		}
	}
	c.policyProblem(SeverityError, "spec", v1alpha1.ReasonInvalid, "holds something that a config cannot: %v", err)
	return nil
}

// faultsOf takes a joined error apart.
func faultsOf[T error](err error) []T {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) {
		return nil
	}
	var faults []T
	for _, one := range joined.Unwrap() {
		var fault T
		if errors.As(one, &fault) {
			faults = append(faults, fault)
		}
	}
	return faults
}

// fieldFaults are the faults that a Validate of package routerconfig found.
func fieldFaults(err error) []*routerconfig.FieldError {
	return faultsOf[*routerconfig.FieldError](err)
}

// specField is the field of the policy that a field of the config comes from.
func specField(field string) string {
	for _, rename := range []struct{ config, spec string }{
		{"policy", "metadata.name"},
		{"classification.custom", "spec.classification.rules.custom"},
		{"classification.preset", "spec.classification.rules.preset"},
		{"classification.model.file", "spec.classification.model.configMapRef"},
	} {
		if rest, ok := strings.CutPrefix(field, rename.config); ok {
			return rename.spec + rest
		}
	}
	return "spec." + strings.Replace(field, "].judge.", "].quality.judge.", 1)
}

func (c *compiler) problem(o Object, s Severity, field, reason, format string, args ...any) {
	c.problems = append(c.problems, Problem{Object: o, Severity: s, Field: field, Reason: reason, Message: fmt.Sprintf(format, args...)})
}

func (c *compiler) policyProblem(s Severity, field, reason, format string, args ...any) {
	c.problem(c.object(KindRoutingPolicy, c.policy.Name), s, field, reason, format, args...)
}

func (c *compiler) object(kind, name string) Object {
	return Object{Kind: kind, Namespace: c.policy.Namespace, Name: name}
}
