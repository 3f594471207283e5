package embedded

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"slices"
	"strings"
	"time"

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
	// Now is the clock that tells which prices are in force.
	Now func() time.Time
	// Report, if set, gets the problems that did not hinder compilation, each
	// time they change.
	Report func([]manifest.Fault)
}

// Source compiles a directory of manifests. It implements reload.Source.
type Source struct {
	files    fs.FS
	options  Options
	secrets  Secrets
	reported string
}

// NewSource returns the source for the manifests below the root of files.
func NewSource(files fs.FS, options Options) *Source { return &Source{files: files, options: options} }

// Secrets is the secrets directory of the policy that was read last.
func (s *Source) Secrets() fs.FS { return &s.secrets }

// Version implements reload.Source: it changes with the name, size or time of
// any file.
func (s *Source) Version() (string, error) {
	hash := fnv.New64a()
	err := fs.WalkDir(s.files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(hash, "%s %d %d\n", name, info.Size(), info.ModTime().UnixNano())
		return err
	})
	return fmt.Sprintf("%x", hash.Sum64()), err
}

// Read implements reload.Source. Any fault that the API server would refuse, or
// the compiler, refuses the whole: the error lists all with file and line.
func (s *Source) Read() ([]byte, error) {
	compiled, err := s.Compile()
	if err != nil {
		return nil, err
	}
	s.report(compiled.Warnings)
	s.secrets.Replace(compiled.Policy.Namespace, compiled.Set.Secrets)
	return routerconfig.Encode(compiled.Config)
}

func (s *Source) report(warnings []manifest.Fault) {
	text := fmt.Sprint(warnings)
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
	config, errs, warnings := CompilePolicy(set, policy, s.options.Now())
	if config == nil {
		return nil, FaultsError(slices.Concat(errs, warnings))
	}
	if !s.options.RequireAuth {
		config.Auth = routerconfig.Auth{Mode: routerconfig.AuthNone}
		warnings = slices.DeleteFunc(warnings, func(f manifest.Fault) bool { return strings.HasPrefix(f.Field, "spec.gateway.auth") })
	}
	return &Compiled{Set: set, Policy: policy, Config: config, Warnings: warnings}, nil
}

// CompilePolicy compiles one policy of the set. The config is nil when there
// are errors; warnings are all lesser problems.
func CompilePolicy(set *manifest.Set, policy *v1alpha1.RoutingPolicy, at time.Time) (config *routerconfig.Config, errs, warnings []manifest.Fault) {
	result := compile.Compile(compile.Input{
		Policy: policy, Tiers: set.Tiers, Credentials: set.Credentials,
		SecretKeys: set.SecretKeys(policy.Namespace), At: at, Catalogue: pricing.Catalogue(),
	})
	for _, p := range result.Problems {
		fault := set.Locate(p.Object.Kind, p.Object.Namespace, p.Object.Name, p.Field, p.Message)
		if p.Severity == compile.SeverityError {
			errs = append(errs, fault)
		} else {
			warnings = append(warnings, fault)
		}
	}
	return result.Config, errs, warnings
}

// Choose finds the policy by name, or the only one.
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
		return nil, errors.New("there is no RoutingPolicy in the manifests")
	case len(matches) == 0:
		return nil, fmt.Errorf("there is no RoutingPolicy %q; there are: %s", name, strings.Join(names, ", "))
	default:
		return nil, fmt.Errorf("there are several RoutingPolicies, name one with --policy: %s", strings.Join(names, ", "))
	}
}
