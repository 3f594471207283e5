package embedded

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/compile"
	"github.com/tiershift/tiershift/internal/manifest"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// Options say how manifests become a config.
type Options struct {
	// Policy names the policy to serve, as NAME or NAMESPACE/NAME; empty: the
	// only one there is.
	Policy string
	// RequireAuth keeps the policy's auth. Otherwise nobody is asked for a key,
	// which is safe on loopback only.
	RequireAuth bool
	// Prepare, if set, may change what was read before it is compiled: it puts
	// keys from the environment and simulated providers in place.
	Prepare func(*manifest.Set) error
	// RequestIDKey signs the ids of requests where the manifests hold no Secret for
	// it; nil: they are not signed then, and no feedback is taken.
	RequestIDKey []byte
	// Now is the clock that tells which prices are in force.
	Now func() time.Time
	// Report, if set, gets the problems that did not hinder compilation, each
	// time they change.
	Report func([]manifest.Fault)
}

// Source compiles a directory of manifests. It implements reload.Source, whose
// calls come one after the other.
type Source struct {
	files   fs.FS
	options Options
	secrets Secrets
	// classifiers holds the trained classifier that the policy names.
	classifiers Classifiers
	reported    string
	// refused is the error of the version that was read last, if its manifests
	// are at fault: reading them again would not help.
	refused        error
	refusedVersion string
	// pricesFrom is when the prices in force began, and pricesUntil when they
	// end; zero: they do not.
	pricesFrom, pricesUntil time.Time

	mu sync.Mutex
	// routes are the live splits, in place of the policy's status, and shifts
	// counts how often they changed.
	routes []v1alpha1.RouteStatus
	shifts int
	// policy and config are those that were last read without a fault.
	policy *v1alpha1.RoutingPolicy
	config *routerconfig.Config
}

// NewSource returns the source for the manifests below the root of files.
func NewSource(files fs.FS, options Options) *Source { return &Source{files: files, options: options} }

// Secrets is the secrets directory of the policy that was read last.
func (s *Source) Secrets() fs.FS { return &s.secrets }

// Classifiers is the classifiers directory of the policy that was read or compiled
// last.
func (s *Source) Classifiers() fs.FS { return &s.classifiers }

// Version implements reload.Source: it changes with the name, size or time of
// any manifest, when a new price takes force, and with every shift.
func (s *Source) Version() (string, error) {
	if now := s.options.Now(); !s.pricesUntil.IsZero() && !now.Before(s.pricesUntil) {
		s.pricesFrom, s.pricesUntil = s.pricesUntil, time.Time{}
	}
	hash := fnv.New64a()
	_, _ = fmt.Fprintln(hash, s.pricesFrom.Unix(), s.splitVersion()) // a hash takes all bytes
	err := manifest.Walk(s.files, func(name string) error {
		info, err := fs.Stat(s.files, name) // of what a link leads to
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(hash, "%q %d %d\n", name, info.Size(), info.ModTime().UnixNano())
		return err
	})
	if err != nil {
		return "", err
	}
	return strconv.FormatUint(hash.Sum64(), 16), nil
}

// Read implements reload.Source. Any fault that the API server would refuse, or
// the compiler, refuses the whole: the error lists all with file and line.
func (s *Source) Read() ([]byte, error) {
	version, err := s.Version()
	if err != nil {
		return nil, err
	}
	if s.refused != nil && version == s.refusedVersion {
		return nil, s.refused
	}
	s.refused, s.refusedVersion = nil, version
	compiled, err := s.Compile()
	if err != nil {
		var faults FaultsError
		var choice choiceError
		if errors.As(err, &faults) || errors.As(err, &choice) {
			s.refused = err
		}
		return nil, err
	}
	data, err := routerconfig.Encode(compiled.Config)
	if err != nil {
		return nil, err
	}
	s.serve(compiled.Policy, compiled.Config)
	s.pricesUntil = compiled.pricesUntil
	s.report(compiled.Warnings)
	s.secrets.Replace(compiled.Policy.Namespace, s.withRequestIDKey(compiled))
	return data, nil
}

// withRequestIDKey adds to the manifests' Secrets the one that the operator would
// make.
func (s *Source) withRequestIDKey(compiled *Compiled) []corev1.Secret {
	all := compiled.Set.Secrets
	namespace, name := compiled.Policy.Namespace, routerconfig.RequestIDSecret(compiled.Policy.Name)
	there := func(secret corev1.Secret) bool { return secret.Namespace == namespace && secret.Name == name }
	if len(s.options.RequestIDKey) == 0 || slices.ContainsFunc(all, there) {
		return all
	}
	return append(slices.Clip(all), corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Data:       map[string][]byte{routerconfig.RequestIDKey: s.options.RequestIDKey},
	})
}

func (s *Source) report(warnings []manifest.Fault) {
	text := ""
	for _, w := range warnings {
		text += w.Error() + "\n"
	}
	if s.options.Report != nil && text != s.reported {
		s.options.Report(warnings)
	}
	s.reported = text
}

// Compiled is a policy with all that it was compiled from.
type Compiled struct {
	Set    *manifest.Set
	Policy *v1alpha1.RoutingPolicy
	Config *routerconfig.Config
	// Warnings are problems that did not hinder compilation.
	Warnings []manifest.Fault

	pricesUntil time.Time
}

// FaultsError holds everything that is wrong with the manifests.
type FaultsError []manifest.Fault

// Error lists the faults, a line each.
func (f FaultsError) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Compile reads and compiles the manifests.
func (s *Source) Compile() (*Compiled, error) {
	set, faults, err := manifest.Load(s.files)
	if err != nil {
		return nil, err
	}
	if len(faults) > 0 {
		return nil, FaultsError(faults)
	}
	if s.options.Prepare != nil {
		if err := s.options.Prepare(set); err != nil {
			return nil, err
		}
	}
	policy, err := Choose(set, s.options.Policy)
	if err != nil {
		return nil, err
	}
	s.classifiers.Replace(set, policy)
	policy.Status.Routes = s.Routes()
	result := compilePolicy(set, policy, s.options.Now())
	errs, warnings := place(set, result.Problems)
	if result.Config == nil {
		return nil, FaultsError(slices.Concat(errs, warnings))
	}
	if !s.options.RequireAuth {
		warnings = slices.DeleteFunc(warnings, func(f manifest.Fault) bool { return strings.HasPrefix(f.Field, "spec.gateway.auth") })
		if err := open(result.Config); err != nil {
			return nil, err
		}
	}
	return &Compiled{Set: set, Policy: policy, Config: result.Config, Warnings: warnings, pricesUntil: result.PricesUntil}, nil
}

// open asks nobody for a key.
func open(config *routerconfig.Config) (err error) {
	config.Auth = routerconfig.Auth{Mode: routerconfig.AuthNone}
	config.Digest, err = routerconfig.Digest(config)
	return err
}

// CompilePolicy compiles one policy of the set. The config is nil when there
// are errors; warnings are all lesser problems.
func CompilePolicy(set *manifest.Set, policy *v1alpha1.RoutingPolicy, at time.Time) (config *routerconfig.Config, errs, warnings []manifest.Fault) {
	result := compilePolicy(set, policy, at)
	errs, warnings = place(set, result.Problems)
	return result.Config, errs, warnings
}

func compilePolicy(set *manifest.Set, policy *v1alpha1.RoutingPolicy, at time.Time) compile.Result {
	return compile.Compile(compile.Input{
		Policy: policy, Tiers: set.Tiers, Credentials: set.Credentials,
		SecretKeys: set.SecretKeys(policy.Namespace), Classifiers: classifiersOf(set, policy), At: at, Catalogue: pricing.Catalogue(), Routers: 1,
	})
}

// place finds the lines of problems, and tells errors from lesser ones.
func place(set *manifest.Set, problems []compile.Problem) (errs, warnings []manifest.Fault) {
	for _, p := range problems {
		fault := set.Locate(p.Object.Kind, p.Object.Namespace, p.Object.Name, p.Field, p.Message)
		if p.Severity == compile.SeverityError {
			errs = append(errs, fault)
		} else {
			warnings = append(warnings, fault)
		}
	}
	return errs, warnings
}

// Choose finds the policy by name (NAME or NAMESPACE/NAME), or the only one.
func Choose(set *manifest.Set, name string) (*v1alpha1.RoutingPolicy, error) {
	var names []string
	var matches []*v1alpha1.RoutingPolicy
	for i := range set.Policies {
		p := &set.Policies[i]
		full := p.Namespace + "/" + p.Name
		names = append(names, full)
		if name == "" || name == p.Name || name == full {
			matches = append(matches, p)
		}
	}
	switch {
	case len(matches) == 1:
		return matches[0], nil
	case len(names) == 0:
		return nil, choiceError("there is no RoutingPolicy in the manifests")
	case len(matches) == 0:
		return nil, choiceError(fmt.Sprintf("there is no RoutingPolicy %q; there are: %s", name, strings.Join(names, ", ")))
	default:
		return nil, choiceError("there are several RoutingPolicies, name one as NAMESPACE/NAME with --policy: " + strings.Join(names, ", "))
	}
}

// choiceError is why no policy, or not just one, is meant.
type choiceError string

func (e choiceError) Error() string { return string(e) }
