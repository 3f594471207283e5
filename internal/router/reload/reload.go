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
	"os"
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

// Version implements Source by the file's identity, size and time of change.
func (f File) Version() (string, error) {
	info, err := os.Stat(string(f))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano()), nil
}

// Read implements Source.
func (f File) Read() ([]byte, error) { return os.ReadFile(string(f)) }

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

	mu      sync.Mutex
	status  Status
	version string
	loaded  bool
}

// New returns a reloader that hands each valid config to apply, which builds it
// and swaps it in, or says why that cannot be.
func New(source Source, now func() time.Time, apply func(*routerconfig.Config) error) *Reloader {
	return &Reloader{source: source, apply: apply, now: now}
}

// Status is the outcome of the newest attempt to load.
func (r *Reloader) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status
}

// ErrUnchanged is returned by Load when there is nothing new to load.
var ErrUnchanged = errors.New("the config has not changed")

// Load loads the newest document if it has not been tried yet.
func (r *Reloader) Load() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	version, err := r.source.Version()
	if err != nil {
		return r.failed(err)
	}
	if r.loaded && version == r.version {
		return ErrUnchanged
	}
	data, err := r.source.Read()
	if err != nil {
		return r.failed(err)
	}
	// From here on the document itself is at fault, and trying it again would
	// not help: it is passed over until it changes.
	r.version, r.loaded = version, true
	config, err := routerconfig.Decode(data)
	if err != nil {
		return r.failed(err)
	}
	if err := r.apply(config); err != nil {
		return r.failed(err)
	}
	r.status = Status{Digest: config.Digest, Generation: config.Generation, LoadedAt: r.now()}
	return nil
}

func (r *Reloader) failed(err error) error {
	r.status.Error = err.Error()
	return err
}

// Run loads every interval until the context ends, and reports each outcome but
// ErrUnchanged. A failure that repeats itself is reported once. The volume of a
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
		if errors.Is(err, ErrUnchanged) {
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
