// Package reload brings new configs into service while requests are served:
// read, decode, validate, build, swap. A config counts as seen only after it
// was swapped in, and whatever fails on the way leaves the last good one in
// service.
//
// It must never drop a request, and never hold more than the newest document.
package reload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tiershift/tiershift/internal/routerconfig"
)

// Source is where configs come from: a mounted file, or a directory of
// manifests that is compiled.
type Source interface {
	// Version changes whenever the document may have changed. It is cheap.
	Version() (string, error)
	// Read returns the document.
	Read() ([]byte, error)
}

// File is a config file. Its directory may be a mounted volume, whose files
// change by a symbolic link being swapped: only what the path leads to counts.
type File string

// Version implements Source by what the path leads to, its size and time of
// change. Of a mounted volume each version has a directory of its own; size and
// time alone would not tell apart two that were written within a tick of the
// file system's clock.
func (f File) Version() (version string, err error) {
	err = throughSwap(func() error {
		path, err := filepath.EvalSymlinks(string(f))
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		version = fmt.Sprintf("%s %d %d", path, info.Size(), info.ModTime().UnixNano())
		return nil
	})
	return version, err
}

// Read implements Source. It reads no more than a document may take, and a byte.
func (f File) Read() (data []byte, err error) {
	err = throughSwap(func() error {
		file, err := os.Open(string(f))
		if err != nil {
			return err
		}
		data, err = io.ReadAll(io.LimitReader(file, routerconfig.MaxDocumentBytes+1))
		return errors.Join(err, file.Close())
	})
	return data, err
}

// throughSwap tries once more what found nothing: what a link led to is removed
// as soon as the link leads elsewhere.
func throughSwap(try func() error) error {
	err := try()
	if errors.Is(err, fs.ErrNotExist) {
		err = try()
	}
	return err
}

// Status is the outcome of the newest attempt to load.
type Status struct {
	// Digest and Generation are of the config in service; empty: none is yet.
	Digest     string `json:"digest"`
	Generation int64  `json:"generation"`
	// LoadedAt is when it came into service.
	LoadedAt time.Time `json:"loadedAt,omitzero"`
	// Error says why a newer config was refused; empty: none was.
	Error string `json:"error,omitempty"`
}

// Reloader loads configs from a source and hands them over.
type Reloader struct {
	source Source
	apply  func(*routerconfig.Config) error
	now    func() time.Time
	// secrets is where key files are waited for; nil: they are not.
	secrets fs.FS

	mu     sync.Mutex
	status Status
	// version is of the document that was tried last, if tried is true.
	version string
	tried   bool
	// waiting is the digest of the config whose key files are waited for.
	waiting      string
	waitingSince time.Time
}

// Option changes how configs are loaded.
type Option func(*Reloader)

// AwaitKeys holds a config back for up to [KeyPatience] while a key file that it
// names is missing in secrets: a kubelet brings the volumes of a pod up to date
// one by one, and the config may come before a key. The first config is not held
// back, since all volumes are there before a router starts.
func AwaitKeys(secrets fs.FS) Option { return func(r *Reloader) { r.secrets = secrets } }

// KeyPatience is how long key files are waited for. One that is then still missing
// must not hold up what else changed.
const KeyPatience = 10 * time.Second

// New returns a reloader that hands each valid config to apply, which builds it
// and swaps it in, or says why that cannot be.
func New(source Source, now func() time.Time, apply func(*routerconfig.Config) error, options ...Option) *Reloader {
	r := &Reloader{source: source, apply: apply, now: now}
	for _, option := range options {
		option(r)
	}
	return r
}

// Status is the outcome of the newest attempt to load.
func (r *Reloader) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// ErrUnchanged is returned by Load when there is nothing new to load.
var ErrUnchanged = errors.New("the config has not changed")

// ErrWaiting is returned by Load while a new config waits for its key files.
var ErrWaiting = errors.New("the config waits for its key files")

// Load loads the newest document if it has not been tried yet.
func (r *Reloader) Load() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	version, err := r.source.Version()
	if err != nil {
		return r.unread(err)
	}
	if r.tried && version == r.version {
		return ErrUnchanged
	}
	data, err := r.source.Read()
	if err != nil {
		return r.unread(err)
	}
	config, err := routerconfig.Decode(data)
	if err == nil && r.waits(config) {
		return ErrWaiting
	}
	// From here on the document itself is at fault, and trying it again would
	// not help: it is passed over until it changes.
	r.version, r.tried = version, true
	if err == nil {
		err = r.apply(config)
	}
	if err != nil {
		r.status.Error = err.Error()
		return err
	}
	r.status = Status{Digest: config.Digest, Generation: config.Generation, LoadedAt: r.now()}
	return nil
}

// unread notes that there was no document to try. The next one is tried even if it
// is the one in service, so that the fault is known to be over.
func (r *Reloader) unread(err error) error {
	r.tried = false
	r.status.Error = err.Error()
	return err
}

// waits is whether the config is to be held back for its key files.
func (r *Reloader) waits(config *routerconfig.Config) bool {
	if r.secrets == nil || r.status.Digest == "" || !r.lacksKey(config) {
		r.waiting = ""
		return false
	}
	if r.waiting != config.Digest {
		r.waiting, r.waitingSince = config.Digest, r.now()
	}
	return r.now().Sub(r.waitingSince) < KeyPatience
}

// lacksKey is whether a key file that the config names is missing. A next key may
// be: it is not in use yet.
func (r *Reloader) lacksKey(config *routerconfig.Config) bool {
	for i := range config.Providers {
		file := config.Providers[i].KeyFile
		if file == "" {
			continue
		}
		if _, err := fs.Stat(r.secrets, file); err != nil {
			return true
		}
	}
	return false
}

// Run loads every interval until the context ends, and reports each outcome but
// ErrUnchanged and ErrWaiting. A failure that repeats itself is reported once. The volume of a
// ConfigMap changes by links that file notification handles poorly; looking
// costs a system call.
func (r *Reloader) Run(ctx context.Context, interval time.Duration, report func(error)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	last := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := r.Load()
		if errors.Is(err, ErrUnchanged) || errors.Is(err, ErrWaiting) {
			continue
		}
		text := ""
		if err != nil {
			text = err.Error()
		}
		if err == nil || text != last {
			report(err)
		}
		last = text
	}
}
