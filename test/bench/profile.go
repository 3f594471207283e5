package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// profileSeconds is how long a profile is taken for.
const profileSeconds = 8

// profile writes profiles of the router under a load, if that is asked for.
func (b *bench) profile(ctx context.Context, name string, load *workload) error {
	if b.options.profiles == "" {
		return nil
	}
	b.say("profiling %s", name)
	loading, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = load.closed(loading, 1<<30, 4*profileSeconds*time.Second) // stopped, always with an error
	}()
	for _, kind := range []string{"profile", "allocs"} {
		path := fmt.Sprintf("%s?seconds=%d", kind, profileSeconds)
		if err := b.fetchProfile(ctx, b.router, path, name+"-"+kind+".pprof"); err != nil {
			return err
		}
	}
	stop()
	<-ended
	return nil
}

// heapProfile writes what a router holds in memory, if that is asked for.
func (b *bench) heapProfile(ctx context.Context, t *target) error {
	if t.profiles == "" {
		return nil
	}
	if err := b.fetchProfile(ctx, t, "heap?gc=1", "streams-heap.pprof"); err != nil {
		return err
	}
	return b.fetchProfile(ctx, t, "heap?debug=1", "streams-heap.txt") // ends with runtime.MemStats, after that collection
}

func (b *bench) fetchProfile(ctx context.Context, t *target, path, name string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+t.profiles+"/debug/pprof/"+path, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, data)
	}
	return os.WriteFile(filepath.Join(b.options.profiles, name), data, 0o600)
}
