package compile

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }

// words are what fuzzed strings are mostly made of, so that references meet.
var words = []string{
	"", "a", "b", "c", "low", "top", "shop", "auto", "default", "../x", "a/b", ".", "x\n", "\xff", "0", "0.25", "1", "-1", "1e9", "NaN", "10000",
	"Weighted", "Ordered", "None", "APIKeys", "OpenAI", "AzureOpenAI", "Anthropic", "OpenAICompatible", "gpt-5-nano", "claude-sonnet-5",
	"http://h/v1", "https://h", "http://me:pw@h", "prompt.tokens > 3", "prompt.", "(", "/a", "/a/../b", "Timeout", "Automatic", "SIMPLE", "X-A", "x-a",
}

// source draws values from fuzz bytes; once they are used up, all is zero.
type source struct{ data []byte }

func (s *source) byte() byte {
	if len(s.data) == 0 {
		return 0
	}
	b := s.data[0]
	s.data = s.data[1:]
	return b
}

func (s *source) int64() int64 {
	switch b := s.byte(); {
	case b < 200:
		return int64(b % 41)
	case b < 220:
		return -int64(b)
	default:
		var raw [8]byte
		for i := range raw {
			raw[i] = s.byte()
		}
		return int64(binary.LittleEndian.Uint64(raw[:]))
	}
}

// fill sets every field below v to something that the types allow, whether or
// not the schema does.
func (s *source) fill(v reflect.Value, depth int) {
	switch v.Interface().(type) {
	case metav1.Time:
		return
	case metav1.Duration:
		v.Set(reflect.ValueOf(metav1.Duration{Duration: time.Duration(s.int64())}))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(words[int(s.byte())%len(words)])
	case reflect.Bool:
		v.SetBool(s.byte()%2 == 1)
	case reflect.Int, reflect.Int32, reflect.Int64:
		v.SetInt(s.int64())
	case reflect.Pointer:
		if depth > 0 && s.byte()%3 > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			s.fill(v.Elem(), depth-1)
		}
	case reflect.Slice:
		for range int(s.byte()) % 4 {
			item := reflect.New(v.Type().Elem()).Elem()
			s.fill(item, depth-1)
			v.Set(reflect.Append(v, item))
		}
	case reflect.Map:
		s.fillMap(v, depth)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				s.fill(v.Field(i), depth-1)
			}
		}
	}
}

func (s *source) fillMap(v reflect.Value, depth int) {
	v.Set(reflect.MakeMap(v.Type()))
	for range int(s.byte()) % 3 {
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		s.fill(key, depth-1)
		s.fill(value, depth-1)
		v.SetMapIndex(key, value)
	}
}

// mutate changes one thing somewhere below v, at each level by the next byte.
func (s *source) mutate(v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Struct:
		if n := v.NumField(); v.Type() != reflect.TypeFor[metav1.Duration]() && n > 0 {
			if field := v.Field(int(s.byte()) % n); field.CanSet() {
				s.mutate(field, depth-1)
			}
			return
		}
	case reflect.Pointer:
		if !v.IsNil() && s.byte()%8 > 0 {
			s.mutate(v.Elem(), depth-1)
			return
		}
	case reflect.Slice:
		n := v.Len()
		switch at := int(s.byte()); {
		case n > 0 && at < 200:
			s.mutate(v.Index(at%n), depth-1)
			return
		case n > 0 && at < 220: // one again
			v.Set(reflect.Append(v, v.Index(at%n)))
			return
		case n > 0 && at < 240: // one less
			v.Set(reflect.AppendSlice(v.Slice(0, at%n), v.Slice(at%n+1, n)))
			return
		}
	}
	s.fill(v, depth)
}

// resources are what is fuzzed of an Input.
type resources struct {
	Policy      *v1alpha1.RoutingPolicy
	Tiers       []v1alpha1.ModelTier
	Credentials []v1alpha1.ProviderCredential
	SecretKeys  map[string][]string
}

// fuzzedInput is the resources with a change for every few bytes; without
// resources, the bytes are all there is.
func fuzzedInput(seed, changes []byte) Input {
	const depth = 12
	var r resources
	s := &source{changes}
	if json.Unmarshal(seed, &r) != nil || r.Policy == nil {
		r = resources{}
		s.fill(reflect.ValueOf(&r).Elem(), depth)
		if r.Policy == nil {
			r.Policy = &v1alpha1.RoutingPolicy{}
		}
	}
	for len(s.data) > 0 && r.Policy != nil {
		s.mutate(reflect.ValueOf(&r).Elem(), depth)
	}
	if r.Policy == nil {
		r.Policy = &v1alpha1.RoutingPolicy{}
	}
	return Input{Policy: r.Policy, Tiers: r.Tiers, Credentials: r.Credentials, SecretKeys: r.SecretKeys, At: at, Catalogue: pricing.Catalogue()}
}

func FuzzCompile(f *testing.F) {
	inputs, err := filepath.Glob("testdata/*.in.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(nil), []byte(nil))
	for i, file := range inputs {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, in := range parseInputs(f, data) {
			seed, err := json.Marshal(resources{in.Policy, in.Tiers, in.Credentials, in.SecretKeys})
			if err != nil {
				f.Fatal(err)
			}
			f.Add(seed, []byte{byte(i), 1, 2, 3, 200, 255})
		}
		f.Add([]byte(nil), data)
	}
	f.Fuzz(func(t *testing.T, seed, changes []byte) {
		in := fuzzedInput(seed, changes)
		r := Compile(in)
		refused := slices.ContainsFunc(r.Problems, func(p Problem) bool { return p.Severity == SeverityError })
		if (r.Config == nil) != refused {
			t.Fatalf("config %v with the problems %v", r.Config != nil, r.Problems)
		}
		for _, p := range r.Problems {
			if p.Field == "" || p.Message == "" || p.Reason == "" {
				t.Errorf("%+v lacks something", p)
			}
		}
		if r.Config == nil {
			return
		}
		data, err := routerconfig.Encode(r.Config)
		if err != nil {
			t.Fatal(err)
		}
		decoded, err := routerconfig.Decode(data)
		if err != nil {
			t.Fatalf("does not decode: %v\n%s", err, data)
		}
		if !equal(decoded, r.Config) {
			t.Errorf("decodes to another config:\n%+v\n%+v", decoded, r.Config)
		}
		checkFloors(t, &in, r.Config)
	})
}

// checkFloors: a route that names a floor is refused or has one at least as high.
func checkFloors(t *testing.T, in *Input, config *routerconfig.Config) {
	t.Helper()
	ranks := map[string]int32{}
	for i := range in.Tiers {
		if in.Tiers[i].Namespace == in.Policy.Namespace {
			ranks[in.Tiers[i].Name] = in.Tiers[i].Spec.Rank
		}
	}
	for i := range config.Routes {
		compiled, spec := &config.Routes[i], &in.Policy.Spec.Routes[i]
		if compiled.Unavailable != "" || spec.MinTier == "" {
			continue
		}
		if compiled.MinTier == "" || ranks[compiled.MinTier] < ranks[string(spec.MinTier)] {
			t.Errorf("route %q may go below %s: %+v", spec.Name, spec.MinTier, compiled)
		}
	}
}
