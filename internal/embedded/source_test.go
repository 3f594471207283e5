package embedded

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tiershift/tiershift/internal/manifest"
	"github.com/tiershift/tiershift/internal/router/reload"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

var _ reload.Source = (*Source)(nil)

const tier = `apiVersion: tiershift.dev/v1alpha1
kind: ModelTier
metadata: {name: nano}
spec:
  rank: 10
  models:
    - {name: gpt-5-nano, credentialRef: {name: openai}}
`

const credential = `apiVersion: tiershift.dev/v1alpha1
kind: ProviderCredential
metadata: {name: openai}
spec:
  provider: OpenAI
  secretRef: {name: keys, key: api-key}
`

const secrets = `apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {api-key: sk-4c6f72656d-from-the-manifest}
---
apiVersion: v1
kind: Secret
metadata: {name: clients}
stringData: {web: tsk-697073756d-of-a-client}
`

const policy = `apiVersion: tiershift.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: desk}
spec:
  tiers: [{name: nano}]
  defaultTier: nano
  gateway:
    auth: {mode: APIKeys, secretRef: {name: clients}}
`

var today = time.Date(2026, time.August, 21, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return today }

// directory is a file system of whole, sound manifests.
func directory() fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, data := range map[string]string{"tier.yaml": tier, "credential.yaml": credential, "secrets.yaml": secrets, "policy.yaml": policy} {
		fsys[name] = &fstest.MapFile{Data: []byte(data), ModTime: today}
	}
	return fsys
}

func write(fsys fstest.MapFS, name, data string) {
	at := today
	if before, ok := fsys[name]; ok {
		at = before.ModTime.Add(time.Second)
	}
	fsys[name] = &fstest.MapFile{Data: []byte(data), ModTime: at}
}

func read(t *testing.T, s *Source) *routerconfig.Config {
	t.Helper()
	data, err := s.Read()
	if err != nil {
		t.Fatal(err)
	}
	config, err := routerconfig.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func version(t *testing.T, s *Source) string {
	t.Helper()
	v, err := s.Version()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestTheVersionChangesWithWhatIsRead(t *testing.T) {
	tests := []struct {
		name    string
		edit    func(fstest.MapFS)
		changes bool
	}{
		{"nothing", func(fstest.MapFS) {}, false},
		{"an edit", func(f fstest.MapFS) { write(f, "tier.yaml", tier+"# more\n") }, true},
		{"an edit of the same length", func(f fstest.MapFS) { write(f, "tier.yaml", strings.Replace(tier, "10", "20", 1)) }, true},
		{"a new file", func(f fstest.MapFS) { write(f, "more.yaml", "") }, true},
		{"a file less", func(f fstest.MapFS) { delete(f, "policy.yaml") }, true},
		{"another name", func(f fstest.MapFS) { f["t.yaml"] = f["tier.yaml"]; delete(f, "tier.yaml") }, true},
		{"a file below", func(f fstest.MapFS) { write(f, "more/a.json", "") }, true},
		{"an editor's file", func(f fstest.MapFS) { write(f, ".tier.yaml.swp", ""); write(f, "tier.yaml~", "") }, false},
		{"a repository", func(f fstest.MapFS) { write(f, ".git/index", "") }, false},
		{"another kind of file", func(f fstest.MapFS) { write(f, "README.md", "") }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fsys := directory()
			s := NewSource(fsys, Options{Now: clock})
			before := version(t, s)
			tt.edit(fsys)
			if changed := version(t, s) != before; changed != tt.changes {
				t.Errorf("changed: %v, want %v", changed, tt.changes)
			}
		})
	}
}

// A mounted ConfigMap changes by one link being swapped for another.
func TestTheVersionFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"..1", "..2"} {
		must(os.Mkdir(filepath.Join(dir, name), 0o700))
		must(os.WriteFile(filepath.Join(dir, name, "tier.yaml"), []byte(tier+strings.Repeat("#", len(name))+name), 0o600))
		must(os.Chtimes(filepath.Join(dir, name, "tier.yaml"), today, today.Add(time.Duration(name[2])*time.Second)))
	}
	must(os.Symlink("..1", filepath.Join(dir, "..data")))
	must(os.Symlink("..data/tier.yaml", filepath.Join(dir, "tier.yaml")))
	s := NewSource(os.DirFS(dir), Options{Now: clock})
	before := version(t, s)
	must(os.Symlink("..2", filepath.Join(dir, "..data_tmp")))
	must(os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")))
	if version(t, s) == before {
		t.Error("the swap went unnoticed")
	}
}

func TestAVersionThatCannotBeToldIsAnError(t *testing.T) {
	s := NewSource(os.DirFS(filepath.Join(t.TempDir(), "none")), Options{Now: clock})
	if _, err := s.Version(); err == nil {
		t.Error("want an error")
	}
	if _, err := s.Read(); err == nil {
		t.Error("want an error")
	}
}

func TestReadCompiles(t *testing.T) {
	config := read(t, NewSource(directory(), Options{Now: clock}))
	if config.Policy != "desk" || config.DefaultTier != "nano" || config.Tiers[0].Models[0].Price.Input != "0.05" {
		t.Errorf("got %+v", config)
	}
}

func TestReadRefusesWithAllFaults(t *testing.T) {
	fsys := directory()
	write(fsys, "tier.yaml", strings.Replace(tier, "rank: 10", "rank: 0", 1))
	write(fsys, "credential.yaml", strings.Replace(credential, "OpenAI", "OpenAi", 1))
	_, err := NewSource(fsys, Options{Now: clock}).Read()
	want := `credential.yaml:5: ProviderCredential default/openai: spec.provider: is "OpenAi"; supported values: "OpenAI", "Anthropic", "Gemini", "DeepSeek", "Mistral", "XAI", "AzureOpenAI", "OpenAICompatible"
tier.yaml:5: ModelTier default/nano: spec.rank: should be greater than or equal to 1, is 0`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	var faults FaultsError
	if !errors.As(err, &faults) || len(faults) != 2 {
		t.Errorf("%v is no list of faults", err)
	}
}

func TestReadRefusesWhatDoesNotCompile(t *testing.T) {
	fsys := directory()
	write(fsys, "policy.yaml", strings.Replace(policy, "  gateway:", "  routes: [{name: r, match: {expression: \"prompt.size > 3\"}}]\n  gateway:", 1))
	write(fsys, "secrets.yaml", secrets[:strings.Index(secrets, "---")])
	_, err := NewSource(fsys, Options{Now: clock, RequireAuth: true}).Read()
	want := `policy.yaml:7: RoutingPolicy default/desk: spec.routes[0].match.expression: 1:1: prompt has no such field; it has text, tokens, hasCode, turns, hasTools, hasImages
policy.yaml:9: RoutingPolicy default/desk: spec.gateway.auth.secretRef.name: Secret "clients" does not exist in namespace default, so every client is refused: create it with a key for each client`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestASchemaThatDoesNotCompileIsRefusedWithItsLine(t *testing.T) {
	fsys := directory()
	write(fsys, "policy.yaml", strings.Replace(policy, "  gateway:", "  routes:\n    - name: r\n      match: {}\n      validate:\n        jsonSchema: '{\"type\":\"text\"}'\n  gateway:", 1))
	_, err := NewSource(fsys, Options{Now: clock}).Read()
	want := `policy.yaml:11: RoutingPolicy default/desk: spec.routes[0].validate.jsonSchema: is no valid schema at /type: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestIDsOfRequestsAreSigned(t *testing.T) {
	fsys := directory()
	source := NewSource(fsys, Options{Now: clock, RequestIDKey: []byte("made")})
	read := func(want string) {
		t.Helper()
		if _, err := source.Read(); err != nil {
			t.Fatal(err)
		}
		if key, err := fs.ReadFile(source.Secrets(), "desk-request-ids/key"); err != nil || string(key) != want {
			t.Errorf("got %q, %v; want %q", key, err, want)
		}
	}
	read("made")
	write(fsys, "key.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: desk-request-ids}\nstringData: {key: brought}\n")
	read("brought")
}

// counting counts the files that are read.
type counting struct {
	fstest.MapFS
	reads *int
}

func (c counting) ReadFile(name string) ([]byte, error) {
	*c.reads++
	return c.MapFS.ReadFile(name)
}

func TestFaultyManifestsAreNotReadAgainUntilTheyChange(t *testing.T) {
	for name, edit := range map[string]func(fstest.MapFS){
		"a fault":   func(f fstest.MapFS) { write(f, "tier.yaml", "{") },
		"no policy": func(f fstest.MapFS) { delete(f, "policy.yaml") },
	} {
		t.Run(name, func(t *testing.T) {
			fsys, reads := directory(), 0
			edit(fsys)
			s := NewSource(counting{fsys, &reads}, Options{Now: clock})
			_, first := s.Read()
			before := reads
			_, second := s.Read()
			if first == nil || second == nil || first.Error() != second.Error() || reads != before {
				t.Errorf("%d files read again; %v, then %v", reads-before, first, second)
			}
			write(fsys, "tier.yaml", tier)
			write(fsys, "policy.yaml", policy)
			read(t, s)
		})
	}
}

func TestOtherErrorsAreTriedAgain(t *testing.T) {
	failures := 1
	s := NewSource(directory(), Options{Now: clock, Prepare: func(*manifest.Set) error {
		failures--
		if failures >= 0 {
			return errors.New("the port is taken")
		}
		return nil
	}})
	if _, err := s.Read(); err == nil || err.Error() != "the port is taken" {
		t.Errorf("got %v", err)
	}
	read(t, s)
}

func TestANewPriceIsTakenIntoServiceOnItsDay(t *testing.T) {
	fsys := directory()
	write(fsys, "tier.yaml", strings.Replace(tier, "gpt-5-nano", "claude-sonnet-5", 1))
	write(fsys, "credential.yaml", strings.Replace(credential, "OpenAI", "Anthropic", 1))
	now := today
	s := NewSource(fsys, Options{Now: func() time.Time { return now }})
	before := version(t, s)
	if price := read(t, s).Tiers[0].Models[0].Price.Input; price != "2" || version(t, s) != before {
		t.Fatalf("costs %s, want 2", price)
	}
	now = time.Date(2026, time.September, 1, 0, 0, 0, 0, time.UTC)
	after := version(t, s)
	if after == before {
		t.Fatal("the version is the same as of August")
	}
	if price := read(t, s).Tiers[0].Models[0].Price.Input; price != "3" || version(t, s) != after {
		t.Errorf("costs %s, want 3 and nothing more to read", price)
	}
}

func TestAuthIsKeptOnlyWhereItIsRequired(t *testing.T) {
	fsys := directory()
	write(fsys, "secrets.yaml", secrets[:strings.Index(secrets, "---")])
	for require, want := range map[bool]routerconfig.AuthMode{true: routerconfig.AuthAPIKeys, false: routerconfig.AuthNone} {
		s := NewSource(fsys, Options{Now: clock, RequireAuth: require})
		compiled, err := s.Compile()
		if err != nil {
			t.Fatal(err)
		}
		digest, err := routerconfig.Digest(compiled.Config)
		if err != nil || compiled.Config.Digest != digest {
			t.Errorf("the digest is %s, should be %s, %v", compiled.Config.Digest, digest, err)
		}
		if compiled.Config.Auth.Mode != want || (len(compiled.Warnings) > 0) != require {
			t.Errorf("required %v: mode %s, want %s; warnings %v", require, compiled.Config.Auth.Mode, want, compiled.Warnings)
		}
	}
}

func TestWarningsAreReportedWhenTheyChange(t *testing.T) {
	fsys := directory()
	var reports []int
	s := NewSource(fsys, Options{Now: clock, Report: func(w []manifest.Fault) { reports = append(reports, len(w)) }})
	budget := strings.Replace(policy, "  gateway:", "  budget: {period: Day, limitUSD: \"1\"}\n  gateway:", 1)
	for _, edit := range []func(){
		func() {},
		func() { write(fsys, "policy.yaml", budget) },
		func() { write(fsys, "tier.yaml", tier+"# more\n") },
		func() { write(fsys, "policy.yaml", policy) },
		func() { write(fsys, "policy.yaml", policy+"# more\n") },
	} {
		edit()
		read(t, s)
	}
	if len(reports) != 2 || reports[0] != 1 || reports[1] != 0 {
		t.Errorf("reported %v warnings, want 1, then 0", reports)
	}
}

func TestChoose(t *testing.T) {
	several := policy + "---\n" + strings.Replace(policy, "name: desk", "name: sales", 1) + "---\n" + strings.Replace(policy, "name: desk", "name: desk, namespace: other", 1)
	tests := []struct{ name, manifests, policy, want, err string }{
		{"the only one", policy, "", "default/desk", ""},
		{"by name", several, "sales", "default/sales", ""},
		{"by namespace and name", several, "other/desk", "other/desk", ""},
		{"none", tier, "", "", "there is no RoutingPolicy in the manifests"},
		{"none of that name", several, "support", "", `there is no RoutingPolicy "support"; there are: default/desk, default/sales, other/desk`},
		{"several", several, "", "", "there are several RoutingPolicies, name one as NAMESPACE/NAME with --policy: default/desk, default/sales, other/desk"},
		{"several of that name", several, "desk", "", "there are several RoutingPolicies, name one as NAMESPACE/NAME with --policy: default/desk, default/sales, other/desk"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			set, faults, err := manifest.Load(fstest.MapFS{"a.yaml": {Data: []byte(tt.manifests)}})
			if err != nil || len(faults) > 0 {
				t.Fatal(err, faults)
			}
			got, err := Choose(set, tt.policy)
			if err != nil && err.Error() != tt.err || err == nil && (tt.err != "" || got.Namespace+"/"+got.Name != tt.want) {
				t.Errorf("got %v, %v; want %s%s", got, err, tt.want, tt.err)
			}
		})
	}
}

func TestTheSamplesCompile(t *testing.T) {
	for sample, want := range map[string]string{"quickstart": "support", "advanced": "assistant"} {
		s := NewSource(os.DirFS("../../config/samples/"+sample), Options{Now: clock, Prepare: func(set *manifest.Set) error {
			UseSimulated(set, nil, at("http://127.0.0.1:1"))
			return nil
		}})
		if config := read(t, s); config.Policy != want || config.Auth.Mode != routerconfig.AuthNone {
			t.Errorf("%s compiles to %+v", sample, config)
		}
	}
}

func TestNoSecretReachesTheDiskOrTheConfig(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Chdir(temp)
	s := NewSource(directory(), Options{Now: clock, RequireAuth: true})
	data, err := s.Read()
	if err != nil || strings.Contains(string(data), "4c6f72656d") || strings.Contains(string(data), "697073756d") {
		t.Errorf("a secret stands in the config, %v:\n%s", err, data)
	}
	if err := filepath.WalkDir(temp, func(name string, _ fs.DirEntry, err error) error {
		if name != temp {
			t.Errorf("%s was written", name)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}
