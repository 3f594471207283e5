package reload_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/tiershift/tiershift/internal/router/reload"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// config is a valid config of one model; the generation tells it from others, and
// the tier's name its digest.
func config(generation int64, tier string) *routerconfig.Config {
	price := routerconfig.Price{Input: "1", Output: "2"}
	timeout := routerconfig.Duration(time.Second)
	return &routerconfig.Config{
		APIVersion: routerconfig.APIVersion, Namespace: "default", Policy: "support", Generation: generation,
		Providers: []routerconfig.Provider{{
			Name: "openai", Kind: "OpenAI", Wire: routerconfig.WireOpenAI, BaseURL: "https://api.openai.com/v1",
			KeyScheme: routerconfig.KeyBearer, KeyFile: "openai/key",
		}},
		Tiers: []routerconfig.Tier{{Name: tier, Rank: 1, Selection: routerconfig.SelectionOrdered, Models: []routerconfig.Model{{
			Name: "m", Provider: "openai", Weight: 1, Price: price,
			Timeouts: routerconfig.Timeouts{FirstToken: timeout, Idle: timeout, Request: timeout},
		}}}},
		DefaultTier: tier, Baseline: routerconfig.Baseline{Tier: tier, Model: "m", Price: price},
		Classification: routerconfig.Classification{Preset: routerconfig.PresetNone},
		Fallback:       routerconfig.Fallback{MaxAttempts: 1}, Auth: routerconfig.Auth{Mode: routerconfig.AuthNone},
	}
}

func document(t *testing.T, generation int64, tier string) []byte {
	t.Helper()
	data, err := routerconfig.Encode(config(generation, tier))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// volume is a mounted ConfigMap as a kubelet's AtomicWriter lays it out: the file
// is a link through "..data", which is swapped to a new directory by renaming.
// https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter.Write
type volume struct {
	t       *testing.T
	dir     string
	current string
}

func newVolume(t *testing.T, data []byte) *volume {
	t.Helper()
	v := &volume{t: t, dir: t.TempDir()}
	v.swap(data)
	v.must(os.Symlink(filepath.Join("..data", "config.json"), v.file()))
	return v
}

func (v *volume) file() string { return filepath.Join(v.dir, "config.json") }

func (v *volume) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// swap writes the data to a new directory, swaps the link, and removes the old.
func (v *volume) swap(data []byte) {
	v.t.Helper()
	fresh, err := os.MkdirTemp(v.dir, "..")
	v.must(err)
	v.must(os.WriteFile(filepath.Join(fresh, "config.json"), data, 0o600))
	link := filepath.Join(v.dir, "..data_tmp")
	v.must(os.Symlink(filepath.Base(fresh), link))
	v.must(os.Rename(link, filepath.Join(v.dir, "..data")))
	if v.current != "" {
		v.must(os.RemoveAll(v.current))
	}
	v.current = fresh
}

// target is a reloader that notes the generations that came into service.
type target struct {
	*reload.Reloader
	mu     sync.Mutex
	served []int64
	refuse error
}

func onto(source reload.Source, options ...reload.Option) *target {
	r := &target{}
	r.Reloader = reload.New(source, time.Now, func(c *routerconfig.Config) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.refuse == nil {
			r.served = append(r.served, c.Generation)
		}
		return r.refuse
	}, options...)
	return r
}

func (r *target) expect(t *testing.T, err, want error, served ...int64) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("Load: %v, want %v", err, want)
	}
	if !slices.Equal(r.served, served) {
		t.Fatalf("served %v, want %v", r.served, served)
	}
}

func (r *target) refuses(t *testing.T, err error, why string, served ...int64) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), why) || r.Status().Error != err.Error() {
		t.Fatalf("Load: %v, status %q; want %q", err, r.Status().Error, why)
	}
	if !slices.Equal(r.served, served) {
		t.Fatalf("served %v, want %v", r.served, served)
	}
	if last := served[len(served)-1]; r.Status().Generation != last {
		t.Fatalf("the status says generation %d, want %d", r.Status().Generation, last)
	}
}

func TestANewConfigIsServedOnceTheLinkIsSwapped(t *testing.T) {
	v := newVolume(t, document(t, 1, "a"))
	r := onto(reload.File(v.file()))
	r.expect(t, r.Load(), nil, 1)
	r.expect(t, r.Load(), reload.ErrUnchanged, 1)
	v.swap(document(t, 2, "b"))
	r.expect(t, r.Load(), nil, 1, 2)
	status := r.Status()
	if digest, _ := routerconfig.Digest(config(2, "b")); status.Digest != digest || status.Generation != 2 || status.Error != "" || status.LoadedAt.IsZero() {
		t.Errorf("the status is %+v", status)
	}
	r.expect(t, r.Load(), reload.ErrUnchanged, 1, 2)
}

func TestACompressedConfigIsServed(t *testing.T) {
	packed, err := routerconfig.Compress(document(t, 2, "b"))
	if err != nil {
		t.Fatal(err)
	}
	v := newVolume(t, document(t, 1, "a"))
	r := onto(reload.File(v.file()))
	r.expect(t, r.Load(), nil, 1)
	v.swap(packed)
	r.expect(t, r.Load(), nil, 1, 2)
	v.swap(packed[:len(packed)-9])
	r.refuses(t, r.Load(), "the file was changed or cut", 1, 2)
	v.swap(document(t, 3, "a"))
	r.expect(t, r.Load(), nil, 1, 2, 3)
}

func TestABadConfigKeepsTheLastGoodAndIsTriedOnce(t *testing.T) {
	for name, test := range map[string]struct {
		data func([]byte) []byte
		want string
	}{
		"no JSON":            {func([]byte) []byte { return []byte("hello") }, "invalid character"},
		"empty":              {func([]byte) []byte { return nil }, "the document is empty"},
		"half-written":       {func(d []byte) []byte { return d[:len(d)/2] }, "unexpected EOF"},
		"of unknown fields":  {func(d []byte) []byte { return []byte(strings.Replace(string(d), "defaultTier", "someTier", 1)) }, "unknown field"},
		"changed on the way": {func(d []byte) []byte { return []byte(strings.Replace(string(d), "api.openai.com", "evil.example", 1)) }, "was changed or cut"},
		"endless":            {func([]byte) []byte { return make([]byte, routerconfig.MaxDocumentBytes+100) }, "takes more than"},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVolume(t, document(t, 1, "a"))
			r := onto(reload.File(v.file()))
			r.expect(t, r.Load(), nil, 1)
			v.swap(test.data(document(t, 2, "b")))
			r.refuses(t, r.Load(), test.want, 1)
			r.expect(t, r.Load(), reload.ErrUnchanged, 1)
			if r.Status().Error == "" {
				t.Error("the refusal is forgotten")
			}
			v.swap(document(t, 3, "b"))
			r.expect(t, r.Load(), nil, 1, 3)
			if r.Status().Error != "" {
				t.Errorf("the refusal of the one before is not forgotten: %s", r.Status().Error)
			}
		})
	}
}

func TestAConfigThatCannotBeBuiltKeepsTheLastGood(t *testing.T) {
	v := newVolume(t, document(t, 1, "a"))
	r := onto(reload.File(v.file()))
	r.expect(t, r.Load(), nil, 1)
	r.refuse = errors.New("no such wire")
	v.swap(document(t, 2, "b"))
	r.refuses(t, r.Load(), "no such wire", 1)
}

// A writer that does not rename is seen at work; what counts is what it leaves.
func TestAFileThatIsWrittenInPlaceIsServedOnceItIsWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.json")
	write := func(data []byte) {
		t.Helper()
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(document(t, 1, "a"))
	r := onto(reload.File(file))
	r.expect(t, r.Load(), nil, 1)
	whole := document(t, 2, "bb")
	write(whole[:len(whole)/2])
	r.refuses(t, r.Load(), "unexpected EOF", 1)
	write(whole)
	r.expect(t, r.Load(), nil, 1, 2)
}

func TestADeletedFileKeepsTheLastGoodAndIsOverOnceItIsBack(t *testing.T) {
	v := newVolume(t, document(t, 1, "a"))
	r := onto(reload.File(v.file()))
	r.expect(t, r.Load(), nil, 1)
	aside := filepath.Join(v.dir, "aside")
	v.must(os.Rename(v.file(), aside))
	r.refuses(t, r.Load(), "no such file", 1)
	r.refuses(t, r.Load(), "no such file", 1)
	v.must(os.Rename(aside, v.file()))
	r.expect(t, r.Load(), nil, 1, 1) // the same once more: the fault is over
	if r.Status().Error != "" {
		t.Errorf("the status still says %q", r.Status().Error)
	}
}

func TestAVolumeThatChangesMeanwhileIsAlwaysRead(t *testing.T) {
	v := newVolume(t, document(t, 1, "a"))
	documents := [][]byte{document(t, 1, "a"), document(t, 2, "b")}
	done := make(chan struct{})
	go func() {
		defer close(done)
		file := reload.File(v.file())
		for range 2000 {
			if _, err := file.Version(); err != nil {
				t.Errorf("Version: %v", err)
			}
			if data, err := file.Read(); err != nil || !slices.ContainsFunc(documents, func(d []byte) bool { return string(d) == string(data) }) {
				t.Errorf("Read: %d bytes, %v", len(data), err)
			}
		}
	}()
	for i := 0; ; i++ {
		select {
		case <-done:
			return
		case <-time.After(time.Millisecond): // a kubelet swaps once a second
			v.swap(documents[i%2])
		}
	}
}

func TestAFirstConfigThatCannotBeReadIsAnError(t *testing.T) {
	r := onto(reload.File(filepath.Join(t.TempDir(), "none")))
	if err := r.Load(); !errors.Is(err, fs.ErrNotExist) || r.Status().Digest != "" {
		t.Errorf("got %v, %+v", err, r.Status())
	}
}

func TestAConfigWaitsForItsKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVolume(t, document(t, 1, "a"))
		secrets := fstest.MapFS{}
		r := onto(reload.File(v.file()), reload.AwaitKeys(secrets))
		r.expect(t, r.Load(), nil, 1) // the first waits for nothing

		v.swap(document(t, 2, "b"))
		r.expect(t, r.Load(), reload.ErrWaiting, 1)
		if status := r.Status(); status.Error != "" || status.Generation != 1 {
			t.Errorf("waiting is no refusal: %+v", status)
		}
		time.Sleep(reload.KeyPatience / 2)
		r.expect(t, r.Load(), reload.ErrWaiting, 1)
		secrets["openai/key"] = &fstest.MapFile{Data: []byte("sk")}
		r.expect(t, r.Load(), nil, 1, 2)

		delete(secrets, "openai/key")
		v.swap(document(t, 3, "c"))
		r.expect(t, r.Load(), reload.ErrWaiting, 1, 2)
		time.Sleep(reload.KeyPatience)
		r.expect(t, r.Load(), nil, 1, 2, 3) // what else changed is not held up for good
	})
}

func TestRunReportsEachOutcomeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVolume(t, document(t, 1, "a"))
		r := onto(reload.File(v.file()))
		r.expect(t, r.Load(), nil, 1)
		ctx, stop := context.WithCancel(t.Context())
		var mu sync.Mutex
		var said []string
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.Run(ctx, time.Second, func(err error) {
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					said = append(said, "ok")
				} else {
					said = append(said, "refused")
				}
			})
		}()
		after := func(data []byte, want ...string) {
			t.Helper()
			if data != nil {
				v.swap(data)
			} else {
				v.must(os.Remove(v.file()))
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(said, want) {
				t.Fatalf("reported %v, want %v", said, want)
			}
		}
		time.Sleep(time.Second / 2) // between two looks
		after(document(t, 2, "b"), "ok")
		after([]byte("hello"), "ok", "refused")
		after(document(t, 3, "c"), "ok", "refused", "ok")
		after(nil, "ok", "refused", "ok", "refused") // once, though it fails each second
		stop()
		<-done
	})
}
