package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/test/bench/chat"
)

const (
	module = "github.com/tiershift/tiershift"
	// configFile is what compileconfig writes.
	configFile = "config.json"
)

// programs are what the bench starts.
type programs struct {
	self, router string
	// key opens the router to a client.
	key string
}

// setUp builds the programs, compiles the config, starts the processes, and sees
// that each answers.
func (b *bench) setUp(ctx context.Context) error {
	b.report.OpenFiles = openFiles(2*uint64(b.size.streams) + spareFiles)
	var err error
	if b.dir, err = os.MkdirTemp("", "tiershift-bench-"); err != nil {
		return err
	}
	if b.programs.self, err = os.Executable(); err != nil {
		return err
	}
	b.say("building")
	if err := b.buildRouter(ctx); err != nil {
		return err
	}
	if b.upstream, err = b.listening(ctx, b.launchUpstream); err != nil {
		return err
	}
	if err := b.compile(ctx); err != nil {
		return err
	}
	if b.router, err = b.startRouter(ctx); err != nil {
		return err
	}
	if b.proxy, err = b.startProxy(ctx); err != nil {
		return err
	}
	return b.tryAll(ctx)
}

func (b *bench) removeFiles() {
	if b.dir == "" {
		return
	}
	if err := os.RemoveAll(b.dir); err != nil {
		b.say("cannot remove %s: %v", b.dir, err)
	}
}

// command runs a program to its end and returns what it says. When the context
// ends, it is told to end by itself, so that the go command clears up.
func command(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var problems strings.Builder
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, problems.String())
	}
	return strings.TrimSpace(string(out)), nil
}

// build builds a command of the module to a file in our directory, as the image has
// it: with cgo, the C library would count as memory too.
func (b *bench) build(ctx context.Context, file, name string) (path string, err error) {
	path = filepath.Join(b.dir, file)
	_, err = command(ctx, "", "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, module+"/"+name)
	return path, err
}

func (b *bench) buildRouter(ctx context.Context) (err error) {
	name := "cmd/router"
	switch {
	case b.options.router != "":
		b.programs.router, err = filepath.Abs(b.options.router)
		return err
	case b.options.profiles != "":
		if err := os.MkdirAll(b.options.profiles, 0o750); err != nil {
			return err
		}
		name = "test/bench/profiled"
	}
	b.programs.router, err = b.build(ctx, "router", name)
	return err
}

// compile compiles the quickstart for our upstream.
func (b *bench) compile(ctx context.Context) error {
	compiler, err := b.build(ctx, "compileconfig", "test/bench/compileconfig")
	if err != nil {
		return err
	}
	root, err := command(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return err
	}
	if _, err := command(ctx, root, compiler, "-upstream", "http://"+b.upstream.address+"/v1", "-out", b.dir); err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(b.dir, configFile))
	if err != nil {
		return err
	}
	config, err := routerconfig.Decode(data)
	if err != nil {
		return err
	}
	b.programs.key, err = clientKey(filepath.Join(b.dir, "secrets", config.Auth.ClientsDir))
	return err
}

// clientKey is the first of the keys that let clients in.
func clientKey(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if !e.IsDir() {
			key, err := os.ReadFile(filepath.Join(dir, e.Name()))
			return strings.TrimSpace(string(key)), err
		}
	}
	return "", errors.New("the config has no client key")
}

func (b *bench) startRouter(ctx context.Context) (*target, error) {
	return b.listening(ctx, b.launchRouter)
}

func (b *bench) startProxy(ctx context.Context) (*target, error) {
	return b.listening(ctx, b.launchProxy)
}

// listening starts a process and waits until it listens.
func (b *bench) listening(ctx context.Context, launch func(context.Context) (*target, error)) (*target, error) {
	t, err := launch(ctx)
	if err != nil {
		return nil, err
	}
	c, err := t.awaitListening(ctx)
	if err != nil {
		return nil, err
	}
	c.close()
	return t, nil
}

func (b *bench) launchUpstream(ctx context.Context) (*target, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	return b.launch(&target{name: "upstream", address: address}, b.programs.self, roleUpstream, address)
}

func (b *bench) launchProxy(ctx context.Context) (*target, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	return b.launch(&target{name: "reverse proxy", address: address}, b.programs.self, roleReverseProxy, address, "http://"+b.upstream.address)
}

func (b *bench) launchRouter(ctx context.Context) (*target, error) {
	var addresses [3]string
	for i := range addresses {
		var err error
		if addresses[i], err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	t := &target{name: "router", address: addresses[0]}
	args := []string{
		"-config", filepath.Join(b.dir, configFile), "-secrets-dir", filepath.Join(b.dir, "secrets"), "-drain-delay", "0s",
		"-listen", t.address, "-admin-listen", addresses[1],
	}
	if b.options.profiles != "" {
		t.profiles = addresses[2]
		args = append(args, "-profile-listen", t.profiles)
	}
	return b.launch(t, b.programs.router, args...)
}

func (b *bench) launch(t *target, path string, args ...string) (*target, error) {
	t.key = b.programs.key
	var err error
	if t.child, err = start(t.name, path, args...); err != nil {
		return nil, err
	}
	b.children = append(b.children, t.child)
	return t, nil
}

// tryAll sends one JSON request and one for a stream to every process, so that
// what cannot work fails at once and says why.
func (b *bench) tryAll(ctx context.Context) error {
	for _, t := range []*target{b.upstream, b.proxy, b.router} {
		for _, stream := range []bool{false, true} {
			w, err := connect(ctx, t, bodies(2<<10, stream), stream, 1)
			if err != nil {
				return err
			}
			sum, err := w.closed(ctx, chat.Variants, patience)
			w.done()
			if err == nil {
				err = sum.firstError
			}
			if err != nil {
				return fmt.Errorf("%s: %w; it says: %s", t.name, err, t.logs.String())
			}
		}
	}
	return nil
}

// bodies are all variants of a size.
func bodies(size int, stream bool) [][]byte {
	out := make([][]byte, chat.Variants)
	for i := range out {
		out[i] = chat.Body(size, i, stream)
	}
	return out
}
